package eventbridge

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/local/faults"
)

func TestMatchingRulesDeliverTheEnvelope(t *testing.T) {
	f := newFixture(t)
	f.rule(t, "posted", `{"detail-type":["Posted"]}`, Target{ID: "a", ARN: queueA}, Target{ID: "b", ARN: queueB})
	f.rule(t, "other", `{"detail-type":["Other"]}`, Target{ID: "a", ARN: queueA})
	_, err := f.PutEvents(t.Context(), []Entry{{
		Bus: "arn:aws:events:us-east-1:000000000000:event-bus/payrail", Source: "payrail.<test>", DetailType: "Posted",
		Detail: []byte(`{"amount": 1.50,"n":12345678901234567890}`), Resources: []string{"r1", "r2"}, Time: start.Add(-90 * time.Millisecond),
	}})
	require.NoError(t, err)
	f.idle(t)
	want := []string{`{"version":"0","id":"id-1","detail-type":"Posted","source":"payrail.<test>","account":"000000000000",` +
		`"time":"2026-07-09T10:15:29Z","region":"us-east-1","resources":["r1","r2"],"detail":{"amount": 1.50,"n":12345678901234567890}}`}
	require.Equal(t, want, f.targets.delivered(queueA))
	require.Equal(t, want, f.targets.delivered(queueB))
	m, err := f.RuleMetrics("payrail", "posted")
	require.NoError(t, err)
	require.Equal(t, RuleMetrics{MatchedEvents: 1, TriggeredRules: 1, Invocations: 2}, m)
}

func TestPutEventsResultsPerEntry(t *testing.T) {
	f := newFixture(t)
	entry := func(change func(*Entry)) Entry {
		e := Entry{Bus: "payrail", Source: "payrail.test", DetailType: "T", Detail: []byte(`{}`)}
		change(&e)
		return e
	}
	const required = "Parameter %s is not valid. Reason: %s is a required argument."
	for name, tc := range map[string]struct {
		entry Entry
		want  Result
	}{
		"good":         {entry(func(*Entry) {}), Result{EventID: "id"}},
		"no source":    {entry(func(e *Entry) { e.Source = "" }), Result{ErrorCode: "InvalidArgument", ErrorMessage: fmt.Sprintf(required, "Source", "Source")}},
		"no type":      {entry(func(e *Entry) { e.DetailType = "" }), Result{ErrorCode: "InvalidArgument", ErrorMessage: fmt.Sprintf(required, "DetailType", "DetailType")}},
		"no detail":    {entry(func(e *Entry) { e.Detail = nil }), Result{ErrorCode: "InvalidArgument", ErrorMessage: fmt.Sprintf(required, "Detail", "Detail")}},
		"aws source":   {entry(func(e *Entry) { e.Source = "aws.ec2" }), Result{ErrorCode: "NotAuthorizedForSourceException", ErrorMessage: "Not authorized for the source."}},
		"array detail": {entry(func(e *Entry) { e.Detail = []byte(`[{}]`) }), Result{ErrorCode: "MalformedDetail", ErrorMessage: "Detail is malformed."}},
		"text detail":  {entry(func(e *Entry) { e.Detail = []byte(`"x"`) }), Result{ErrorCode: "MalformedDetail", ErrorMessage: "Detail is malformed."}},
		"cut detail":   {entry(func(e *Entry) { e.Detail = []byte(`{"a":`) }), Result{ErrorCode: "MalformedDetail", ErrorMessage: "Detail is malformed."}},
		"unknown bus":  {entry(func(e *Entry) { e.Bus = "nowhere" }), Result{EventID: "id"}},
		"long type": {entry(func(e *Entry) { e.DetailType = strings.Repeat("x", 129) }), Result{ErrorCode: "InvalidArgument",
			ErrorMessage: "Parameter DetailType is not valid. Reason: DetailType is longer than 128 characters."}},
	} {
		t.Run(name, func(t *testing.T) {
			results, err := f.PutEvents(t.Context(), []Entry{tc.entry, entry(func(*Entry) {})})
			require.NoError(t, err)
			if tc.want.EventID != "" {
				require.NotEmpty(t, results[0].EventID)
				tc.want.EventID = results[0].EventID
			}
			require.Equal(t, tc.want, results[0])
			require.NotEmpty(t, results[1].EventID, "the other entry is not touched")
		})
	}
}

func TestPutEventsLimitsOfARequest(t *testing.T) {
	f := newFixture(t)
	_, err := f.PutEvents(t.Context(), make([]Entry, 11))
	require.ErrorContains(t, err, "ValidationException")
	_, err = f.PutEvents(t.Context(), nil)
	require.ErrorContains(t, err, "ValidationException")

	// 1 MiB = Source 1 + DetailType 1 + Time 14 + Resource 2 + Detail.
	detail := func(n int) []byte { return []byte(`{"a":"` + strings.Repeat("x", n-8) + `"}`) }
	e := Entry{Source: "s", DetailType: "t", Time: start, Resources: []string{"rr"}, Detail: detail(1<<20 - 18)}
	_, err = f.PutEvents(t.Context(), []Entry{e})
	require.NoError(t, err)
	e.Detail = detail(1<<20 - 17)
	_, err = f.PutEvents(t.Context(), []Entry{e})
	require.EqualError(t, err, "ValidationException: Total size of the entries in the request is over the limit.")
}

func TestInjectedFaultsOfPutEvents(t *testing.T) {
	f := newFixture(t)
	f.rule(t, "all", `{"version":["0"]}`, Target{ID: "a", ARN: queueA})
	entries := []Entry{{Bus: "payrail", Source: "s", DetailType: "T", Detail: []byte(`{}`)}}
	for _, tc := range []struct {
		when      faults.When
		delivered int
	}{{faults.BeforeEffect, 0}, {faults.AfterEffect, 1}} {
		require.NoError(t, f.faults.Arm(faults.Fault{Operation: "events:PutEvents", When: tc.when, Code: "InternalException"}))
		_, err := f.PutEvents(t.Context(), entries)
		require.Error(t, err)
		f.idle(t)
		require.Len(t, f.targets.delivered(queueA), tc.delivered)
	}
}

func TestConcurrentPutEventsLoseNothing(t *testing.T) {
	f := newFixture(t)
	f.rule(t, "all", `{"source":["payrail.test"]}`, Target{ID: "a", ARN: queueA})
	var producers sync.WaitGroup
	for range 8 {
		producers.Go(func() {
			for range 50 {
				_, err := f.PutEvents(t.Context(), []Entry{{Bus: "payrail", Source: "payrail.test", DetailType: "T", Detail: []byte(`{}`)}})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	producers.Wait()
	f.idle(t)
	got := f.targets.delivered(queueA)
	slices.Sort(got)
	require.Len(t, slices.Compact(got), 400)
}
