package eventbridge

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/local/faults"
)

func (f *fixture) follow(t *testing.T, spec string) {
	t.Helper()
	plan, _, err := faults.ParsePlan(spec)
	require.NoError(t, err)
	require.NoError(t, f.faults.Follow(plan))
}

func TestFaultsOfOneTargetLeaveTheOtherAlone(t *testing.T) {
	f := newFixture(t)
	f.rule(t, "all", `{"source":["payrail.test"]}`, Target{ID: "a", ARN: queueA}, Target{ID: "b", ARN: queueB})
	f.follow(t, "duplicate:events:Deliver/a=1")
	f.put(t, "x", `{}`)
	f.idle(t)
	require.Len(t, f.targets.delivered(queueA), 2)
	require.Len(t, f.targets.delivered(queueB), 1)
}

func TestFaultsOfLateAndDroppedDeliveries(t *testing.T) {
	f := newFixture(t)
	f.rule(t, "all", `{"source":["payrail.test"]}`, Target{ID: "a", ARN: queueA})
	f.follow(t, "delay=1:30s,drop=1x1")
	f.put(t, "x", `{}`)
	f.clock.WaitForTimers(1)
	require.Empty(t, f.targets.delivered(queueA))
	f.clock.Advance(30 * time.Second)
	f.clock.WaitForTimers(1) // The attempt that was dropped is made again after a back-off.
	require.Empty(t, f.targets.delivered(queueA))
	f.clock.Advance(firstBackOff)
	f.idle(t)
	require.Len(t, f.targets.delivered(queueA), 1)
}

func TestFaultsOfSingleEntries(t *testing.T) {
	f := newFixture(t)
	f.rule(t, "all", `{"source":["payrail.test"]}`, Target{ID: "a", ARN: queueA})
	f.follow(t, "partial:events:PutEvents/bad=1")
	results, err := f.PutEvents(t.Context(), []Entry{
		{Bus: "payrail", Source: "payrail.test", DetailType: "good", Detail: []byte(`{}`)},
		{Bus: "payrail", Source: "payrail.test", DetailType: "bad", Detail: []byte(`{}`)},
	})
	require.NoError(t, err)
	require.Empty(t, results[0].ErrorCode)
	require.Empty(t, results[1].EventID)
	require.Contains(t, []string{"InternalFailure", "ThrottlingException"}, results[1].ErrorCode)
	f.idle(t)
	require.Len(t, f.targets.delivered(queueA), 1)
}
