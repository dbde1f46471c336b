package eventbridge

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/local/faults"
)

func TestTargetsFailIndependentlyAndAreRetriedWithBackOff(t *testing.T) {
	f := newFixture(t)
	failures := 2
	f.targets.answer = func(target Target) error {
		if target.ARN == queueA && failures > 0 {
			failures--
			return errors.New("busy")
		}
		return nil
	}
	f.rule(t, "all", `{"source":["payrail.test"]}`, Target{ID: "a", ARN: queueA}, Target{ID: "b", ARN: queueB})
	f.put(t, "T", `{}`)
	f.clock.WaitForTimers(1)
	f.clock.Advance(time.Second)
	f.clock.WaitForTimers(1)
	f.clock.Advance(time.Second)
	require.Empty(t, f.targets.delivered(queueA), "the second wait is two seconds")
	f.clock.Advance(time.Second)
	f.idle(t)
	require.Len(t, f.targets.delivered(queueA), 1)
	require.Len(t, f.targets.delivered(queueB), 1)
	m, err := f.RuleMetrics("payrail", "all")
	require.NoError(t, err)
	require.Equal(t, RuleMetrics{MatchedEvents: 1, TriggeredRules: 1, Invocations: 2, RetryInvocationAttempts: 2}, m)
}

func TestDeadLetters(t *testing.T) {
	const ruleARN = "arn:aws:events:us-east-1:000000000000:rule/payrail/all"
	for name, tc := range map[string]struct {
		target     Target
		err        error
		advance    []time.Duration
		attributes map[string]string
	}{
		"attempts": {
			Target{MaximumRetryAttempts: intPointer(2)}, errors.New("busy"), []time.Duration{time.Second, 2 * time.Second},
			map[string]string{"ERROR_CODE": "ERROR_FROM_TARGET", "ERROR_MESSAGE": "busy", "RETRY_ATTEMPTS": "2", "EXHAUSTED_RETRY_CONDITION": "MaximumRetryAttempts"},
		},
		"no retries": {
			Target{MaximumRetryAttempts: intPointer(0)}, &DeliveryError{Code: "THROTTLING", Message: "slow down"}, nil,
			map[string]string{"ERROR_CODE": "THROTTLING", "ERROR_MESSAGE": "THROTTLING: slow down", "RETRY_ATTEMPTS": "0", "EXHAUSTED_RETRY_CONDITION": "MaximumRetryAttempts"},
		},
		"age": {
			Target{MaximumEventAge: time.Minute}, errors.New("busy"),
			[]time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second, 16 * time.Second, 29 * time.Second},
			map[string]string{"ERROR_CODE": "ERROR_FROM_TARGET", "ERROR_MESSAGE": "busy", "RETRY_ATTEMPTS": "5", "EXHAUSTED_RETRY_CONDITION": "MaximumEventAgeInSeconds"},
		},
		"permanent": {
			Target{}, &DeliveryError{Code: "NO_RESOURCE", Message: "no such queue", Permanent: true}, nil,
			map[string]string{"ERROR_CODE": "NO_RESOURCE", "ERROR_MESSAGE": "NO_RESOURCE: no such queue", "RETRY_ATTEMPTS": "0"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.targets.answer = func(Target) error { return tc.err }
			tc.target.ID, tc.target.ARN, tc.target.DeadLetterARN, tc.target.Input = "a", queueA, dlq, `"fixed"`
			f.rule(t, "all", `{"source":["payrail.test"]}`, tc.target)
			f.put(t, "T", `{"a":1}`)
			for _, d := range tc.advance {
				f.clock.WaitForTimers(1)
				f.clock.Advance(d)
			}
			f.idle(t)
			tc.attributes["RULE_ARN"], tc.attributes["TARGET_ARN"] = ruleARN, queueA
			require.Len(t, f.targets.letters, 1)
			require.Equal(t, dlq, f.targets.letters[0].queue)
			require.Equal(t, tc.attributes, f.targets.letters[0].attributes)
			require.Contains(t, f.targets.letters[0].body, `"detail":{"a":1}}`, "the original event, not the input")
			m, err := f.RuleMetrics("payrail", "all")
			require.NoError(t, err)
			require.EqualValues(t, 1, m.InvocationsSentToDlq)
			require.EqualValues(t, 1, m.FailedInvocations)
		})
	}
}

func TestEventsWithoutDeadLetterQueueAreDropped(t *testing.T) {
	f := newFixture(t, func(o *Options) {
		o.CheckTarget = func(Target) error { return errors.New("the queue's policy denies it") }
	})
	f.rule(t, "all", `{"source":["payrail.test"]}`, Target{ID: "a", ARN: queueA}, Target{ID: "b", ARN: queueB, DeadLetterARN: dlq})
	f.put(t, "T", `{}`)
	f.idle(t)
	require.Zero(t, f.targets.calls, "a target that denies access is not called")
	require.Equal(t, "NO_PERMISSIONS", f.targets.letters[0].attributes["ERROR_CODE"])
	m, err := f.RuleMetrics("payrail", "all")
	require.NoError(t, err)
	require.Equal(t, RuleMetrics{MatchedEvents: 1, TriggeredRules: 1, Invocations: 2, FailedInvocations: 2, InvocationsSentToDlq: 1, Dropped: 1}, m)
}

func TestLostAnswerOfADeliveryMakesADuplicate(t *testing.T) {
	f := newFixture(t)
	f.rule(t, "all", `{"source":["payrail.test"]}`, Target{ID: "a", ARN: queueA})
	require.NoError(t, f.faults.Arm(faults.Fault{Operation: "events:Deliver", When: faults.AfterEffect, Code: "ServiceUnavailable"}))
	f.put(t, "T", `{}`)
	f.clock.WaitForTimers(1)
	f.clock.Advance(time.Second)
	f.idle(t)
	got := f.targets.delivered(queueA)
	require.Len(t, got, 2)
	require.Equal(t, got[0], got[1], "the same event id")
}

// batchTargets takes batches; blocked keeps the first one back so that others queue up behind it.
type batchTargets struct {
	*fakeTargets
	blocked chan struct{}
	sizes   []int
}

func (b *batchTargets) DeliverBatch(_ context.Context, t Target, payloads [][]byte) []error {
	<-b.blocked
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sizes = append(b.sizes, len(payloads))
	failures := make([]error, len(payloads))
	for i, p := range payloads {
		if strings.Contains(string(p), `"poison"`) {
			failures[i] = &DeliveryError{Code: "INVALID_PARAMETER", Permanent: true}
			continue
		}
		b.got[t.ARN] = append(b.got[t.ARN], string(p))
	}
	return failures
}

func TestDeliveriesToOneTargetAreBatchedAndPutEventsNeverWaits(t *testing.T) {
	b := &batchTargets{fakeTargets: &fakeTargets{got: map[string][]string{}}, blocked: make(chan struct{})}
	f := newFixture(t, func(o *Options) { o.Targets, o.DeadLetters = b, b })
	f.rule(t, "all", `{"source":["payrail.test"]}`, Target{ID: "a", ARN: queueA, DeadLetterARN: dlq})
	for i := range 200 {
		detailType := "good"
		if i == 100 {
			detailType = "poison"
		}
		f.put(t, detailType, `{}`)
	}
	close(b.blocked)
	f.idle(t)
	require.Len(t, b.got[queueA], 199)
	require.Len(t, b.letters, 1)
	require.Contains(t, b.sizes, maxBatch)
	require.LessOrEqual(t, slices.Max(b.sizes), maxBatch)
}
