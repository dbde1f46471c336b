package eventbridge

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// scheduled makes a rule of the default bus.
func (f *fixture) scheduled(t *testing.T, name, expression string, targets ...Target) {
	t.Helper()
	_, err := f.PutRule(Rule{Name: name, ScheduleExpression: expression})
	require.NoError(t, err)
	require.NoError(t, f.PutTargets("", name, targets))
}

// advance moves the clock once the next tick is armed, and waits for the tick's deliveries and for the tick after it.
func (f *fixture) advance(t *testing.T, d time.Duration, triggered int64, rule string) {
	t.Helper()
	f.clock.WaitForTimers(1)
	f.clock.Advance(d)
	require.Eventually(t, func() bool {
		m, err := f.RuleMetrics("", rule)
		return err == nil && m.TriggeredRules == triggered
	}, 10*time.Second, time.Millisecond)
	f.idle(t)
}

// The event is the one of the EventBridge User Guide ("Scheduled Event"): its resource is the rule, its detail is empty.
func TestAScheduleSendsItsEvent(t *testing.T) {
	f := newFixture(t)
	f.scheduled(t, "hourly", "cron(5 * * * ? *)", Target{ID: "a", ARN: queueA}, Target{ID: "b", ARN: queueB, Input: `{"constant":true}`})
	f.advance(t, 49*time.Minute+30*time.Second, 1, "hourly") // 10:15:30 to 11:05:00
	require.Equal(t, []string{`{"version":"0","id":"id-1","detail-type":"Scheduled Event","source":"aws.events","account":"000000000000",` +
		`"time":"2026-07-09T11:05:00Z","region":"us-east-1","resources":["arn:aws:events:us-east-1:000000000000:rule/hourly"],"detail":{}}`}, f.targets.delivered(queueA))
	require.Equal(t, []string{`{"constant":true}`}, f.targets.delivered(queueB))

	f.advance(t, time.Hour, 2, "hourly")
	require.Contains(t, f.targets.delivered(queueA)[1], `"time":"2026-07-09T12:05:00Z"`)
}

// A rate starts when the rule is made.
func TestARateCountsFromTheRule(t *testing.T) {
	f := newFixture(t)
	f.scheduled(t, "r", "rate(5 minutes)", Target{ID: "a", ARN: queueA})
	f.clock.WaitForTimers(1)
	f.clock.Advance(5*time.Minute - time.Second)
	require.Empty(t, f.targets.delivered(queueA))
	f.advance(t, time.Second, 1, "r")
	require.Contains(t, f.targets.delivered(queueA)[0], `"time":"2026-07-09T10:20:30Z"`)
}

func TestMissedTicksAreNotMadeUpFor(t *testing.T) {
	f := newFixture(t)
	f.scheduled(t, "r", "rate(5 minutes)", Target{ID: "a", ARN: queueA})
	f.advance(t, 13*time.Minute, 1, "r") // Due at 5 and 10 minutes.
	f.advance(t, 2*time.Minute, 2, "r")  // Due at 15: the rate kept its phase.
	require.Contains(t, f.targets.delivered(queueA)[1], `"time":"2026-07-09T10:30:30Z"`)
}

// "A rule can have both an EventPattern and a ScheduleExpression, in which case the rule triggers on matching events as well as
// on a schedule" (PutRule, API reference).
func TestARuleMayHaveBothAPatternAndASchedule(t *testing.T) {
	f := newFixture(t)
	_, err := f.PutRule(Rule{Name: "both", ScheduleExpression: "rate(1 hour)", EventPattern: `{"source":["payrail.test"]}`})
	require.NoError(t, err)
	require.NoError(t, f.PutTargets("", "both", []Target{{ID: "a", ARN: queueA}}))
	_, err = f.PutEvents(t.Context(), []Entry{{Source: "payrail.test", DetailType: "T", Detail: []byte(`{}`)}})
	require.NoError(t, err)
	f.idle(t)
	f.advance(t, time.Hour, 2, "both")
	require.Len(t, f.targets.delivered(queueA), 2)
}

func TestSchedulesOfDisabledAndDeletedRulesStop(t *testing.T) {
	f := newFixture(t)
	f.scheduled(t, "control", "rate(1 hour)")
	f.scheduled(t, "off", "rate(1 hour)", Target{ID: "a", ARN: queueA})
	f.scheduled(t, "gone", "rate(1 hour)", Target{ID: "a", ARN: queueA})
	require.NoError(t, f.SetRuleState("", "off", false))
	require.NoError(t, f.RemoveTargets("", "gone", []string{"a"}))
	require.NoError(t, f.DeleteRule("", "gone"))
	f.advance(t, time.Hour, 1, "control")
	require.Empty(t, f.targets.delivered(queueA))

	require.NoError(t, f.SetRuleState("", "off", true))
	require.NoError(t, f.SetRuleState("", "off", true), "enabling what is enabled starts no second schedule")
	f.clock.WaitForTimers(2)
	f.advance(t, time.Hour, 1, "off")
	require.Len(t, f.targets.delivered(queueA), 1)
}

func TestAnotherScheduleReplacesTheFirst(t *testing.T) {
	f := newFixture(t)
	f.scheduled(t, "r", "rate(1 minute)", Target{ID: "a", ARN: queueA})
	_, err := f.PutRule(Rule{Name: "r", ScheduleExpression: "rate(1 hour)"})
	require.NoError(t, err)
	f.advance(t, time.Hour, 1, "r")
	require.Len(t, f.targets.delivered(queueA), 1)
}

// What a schedule could not deliver is retried and set aside as any other event is.
func TestAScheduledEventIsRetriedAndDeadLettered(t *testing.T) {
	f := newFixture(t)
	f.targets.answer = func(Target) error { return errors.New("down") }
	f.scheduled(t, "r", "rate(1 hour)", Target{ID: "a", ARN: queueA, DeadLetterARN: dlq, MaximumRetryAttempts: intPointer(1)})
	f.clock.WaitForTimers(1)
	f.clock.Advance(time.Hour)
	f.clock.WaitForTimers(2) // The next tick and the retry.
	f.clock.Advance(time.Second)
	f.idle(t)
	require.Len(t, f.targets.letters, 1)
	require.Equal(t, "arn:aws:events:us-east-1:000000000000:rule/r", f.targets.letters[0].attributes["RULE_ARN"])
	require.Equal(t, exhaustedAttempts, f.targets.letters[0].attributes["EXHAUSTED_RETRY_CONDITION"])
}
