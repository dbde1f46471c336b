package stepfunctions

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/local/faults"
)

func TestFaultsOfExecutions(t *testing.T) {
	const definition = `{"StartAt":"Put","TimeoutSeconds":60,"States":{"Put":{"Type":"Task","Resource":"arn:aws:states:::events:putEvents",
		"Parameters":{"Entries":[{"Source":"s","DetailType":"t","Detail":{}}]},"Catch":[{"ErrorEquals":["States.ALL"],"Next":"Caught"}],"End":true},"Caught":{"Type":"Pass","End":true}}}`
	for _, c := range []struct {
		spec    string
		advance time.Duration
		status  string
		failure string
		events  int
	}{
		{"abort=1", 0, "FAILED", errorRuntime, 0},
		{"abort-after=1", 0, "FAILED", errorRuntime, 1},
		{"slow=1:20s", 20 * time.Second, "SUCCEEDED", "", 1},
		{"slow=1:90s", 60 * time.Second, "TIMED_OUT", errorTimeout, 0},
		{"expire=1", 60 * time.Second, "TIMED_OUT", errorTimeout, 0},
	} {
		t.Run(c.spec, func(t *testing.T) {
			f := newFixture(t)
			plan, _, err := faults.ParsePlan(c.spec)
			require.NoError(t, err)
			require.NoError(t, f.faults.Follow(plan))
			done := f.async(t, definition, `{}`)
			if c.advance > 0 {
				f.clock.WaitForTimers(2) // The time limit, and the fault's own.
				f.clock.Advance(c.advance)
			}
			o := <-done
			require.Equal(t, c.status, o.status())
			if c.failure == "" {
				require.Nil(t, o.failure)
			} else {
				require.Equal(t, c.failure, o.failure.name, "no Catch sees it")
			}
			require.Len(t, f.backend.events, c.events)
			require.Equal(t, 1, f.faults.Total())
		})
	}
}

func TestCallsWithoutAnAnswerAreTheClientsError(t *testing.T) {
	f := newFixture(t)
	f.backend.putErr = &faults.Error{Code: "RequestTimeout", Unanswered: time.Second}
	o := f.run(t, single(`{"Type":"Task","Resource":"arn:aws:states:::events:putEvents","Parameters":{"Entries":[{"Source":"s","DetailType":"t","Detail":{}}]},"End":true}`), `{}`)
	require.Equal(t, "EventBridge.SdkClientException", o.failure.name)
}
