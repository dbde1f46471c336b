package pipes

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/local/faults"
	"github.com/payrail/payrail/local/wire"
)

func TestEnrichmentGetsABareArrayAndTheTargetOneEventPerElement(t *testing.T) {
	f := newFixture(t)
	f.stream.write("a", "b")
	var got []string
	f.enrich = func(_ string, payload []byte) (string, bool, error) {
		got = append(got, string(payload))
		return ` [{"n": 1}, {"n":2},{"n":3}]`, false, nil
	}
	var events []Event
	f.bus = func(e []Event) ([]EventResult, error) {
		events = e
		return make([]EventResult, len(e)), nil
	}
	f.pipe(func(p *Pipe) {
		p.Target = Target{DetailType: "Authorized", Source: "payrail.dedup", Resources: []string{"r"}}
	})
	f.idle()
	const record = `{"eventName":"INSERT","dynamodb":{"Keys":{"id":{"S":"%s"}},"SequenceNumber":"%s"}}`
	require.Equal(t, []string{"[" + fmt.Sprintf(record, "a", sequence(1)) + "," + fmt.Sprintf(record, "b", sequence(2)) + "]"}, got)
	require.Len(t, events, 3)
	require.Equal(t, Event{BusARN: busARN, Source: "payrail.dedup", DetailType: "Authorized", Detail: []byte(`{"n": 1}`), Resources: []string{"r"}}, events[0])
	require.Equal(t, Metrics{RecordsRead: 2, Executions: 1, Enrichments: 1, TargetInvocations: 1, EventsDelivered: 3}, f.metrics())
}

func TestArrayEvenForOneRecordAndDefaultsOfTheTarget(t *testing.T) {
	f := newFixture(t)
	f.stream.write("a")
	var events []Event
	f.bus = func(e []Event) ([]EventResult, error) {
		events = e
		return make([]EventResult, len(e)), nil
	}
	f.pipe(func(p *Pipe) { p.Source.BatchSize = 0 })
	f.idle()
	require.Equal(t, []string{"a"}, f.calls)
	require.Equal(t, "Pipe p", events[0].Source)
	require.Equal(t, "Event from aws:dynamodb", events[0].DetailType)
}

func TestWithoutEnrichmentTheRecordsAreTheEvents(t *testing.T) {
	f := newFixture(t)
	f.stream.write("a", "b")
	f.pipe(func(p *Pipe) { p.EnrichmentARN = "" })
	f.idle()
	require.Empty(t, f.calls)
	require.Equal(t, []string{"a b"}, f.targetIDs())
}

func TestAnswersOfTheEnrichment(t *testing.T) {
	for answer, want := range map[string][]string{
		`[]`: nil, ` [ ] `: nil, `{}`: nil, `""`: nil, `null`: nil, ``: nil,
		`{"one":"event"}`: {`[{"one":"event"}]`},
		`[{"a":1},{}]`:    {`[{"a":1},{}]`},
	} {
		t.Run(answer, func(t *testing.T) {
			f := newFixture(t)
			f.stream.write("a", "b")
			f.enrich = func(string, []byte) (string, bool, error) { return answer, false, nil }
			f.pipe(nil)
			f.idle()
			require.Equal(t, want, f.put)
			require.Empty(t, f.letters)
			kept, _, err := f.store.Get(positions, []byte("p"))
			require.NoError(t, err)
			require.Equal(t, sequence(2), string(kept), "the position advances")
		})
	}
}

func TestTooManyEventsFromTheEnrichmentIsAnError(t *testing.T) {
	f := newFixture(t)
	f.stream.write("a")
	f.enrich = func(string, []byte) (string, bool, error) {
		return "[" + strings.Repeat(`{"n":1},`, 10) + `{}]`, false, nil
	}
	f.pipe(func(p *Pipe) { p.Source.MaximumRetryAttempts = attempts(1) })
	f.retry(time.Second)
	f.idle()
	require.Equal(t, []string{"a", "a"}, f.calls)
	require.Empty(t, f.put, "the target is not invoked")
	require.Len(t, f.letters, 1)
}

func TestEnrichmentFailureIsTheWholeBatchsAndBlocksWhatComesBehind(t *testing.T) {
	f := newFixture(t)
	f.stream.write("a", "b")
	failures := 2
	f.enrich = func(_ string, payload []byte) (string, bool, error) {
		if failures > 0 {
			failures--
			return `{"errorMessage":"poison"}`, true, nil
		}
		return string(payload), false, nil
	}
	f.pipe(func(p *Pipe) { p.Source.BatchSize = 2 })
	f.clock.WaitForTimers(1)
	f.stream.write("c")
	f.clock.Advance(time.Second)
	f.retry(2 * time.Second)
	f.idle()
	require.Equal(t, []string{"a b", "a b", "a b", "c"}, f.calls)
	require.Equal(t, []string{"a b", "c"}, f.targetIDs())
}

func TestTargetFailureAfterTheEnrichmentRunsTheEnrichmentAgain(t *testing.T) {
	for _, when := range []faults.When{faults.BeforeEffect, faults.AfterEffect} {
		t.Run(string(when), func(t *testing.T) {
			f := newFixture(t)
			f.stream.write("a", "b")
			require.NoError(t, f.faults.Arm(faults.Fault{Operation: "pipes:Target", When: when, Code: "ThrottlingException"}))
			f.pipe(nil)
			f.retry(time.Second)
			f.idle()
			require.Equal(t, []string{"a b", "a b"}, f.calls, "the same records")
			want := []string{"a b"}
			if when == faults.AfterEffect {
				want = []string{"a b", "a b"}
			}
			require.Equal(t, want, f.targetIDs())
		})
	}
}

func TestPartialTargetFailureRetriesTheRemainderThroughTheEnrichment(t *testing.T) {
	f := newFixture(t)
	f.stream.write("a", "b", "c")
	first := true
	f.bus = func(events []Event) ([]EventResult, error) {
		results := make([]EventResult, len(events))
		if first {
			first = false
			results[1] = EventResult{ErrorCode: "InternalFailure", ErrorMessage: "try again"}
		}
		return results, nil
	}
	f.pipe(nil)
	f.retry(time.Second)
	f.idle()
	require.Equal(t, []string{"a b c", "b"}, f.calls)
	require.Equal(t, []string{"a b c", "b"}, f.targetIDs())
	require.EqualValues(t, 3, f.metrics().EventsDelivered)
}

func TestPartialFailureOfAnotherNumberOfEventsRetriesTheBatch(t *testing.T) {
	f := newFixture(t)
	f.stream.write("a", "b", "c")
	f.enrich = func(string, []byte) (string, bool, error) { return `[{"n":1},{"n":2}]`, false, nil }
	first := true
	f.bus = func(events []Event) ([]EventResult, error) {
		results := make([]EventResult, len(events))
		if first {
			first = false
			results[0] = EventResult{ErrorCode: "InternalFailure"}
		}
		return results, nil
	}
	f.pipe(nil)
	f.retry(time.Second)
	f.idle()
	require.Equal(t, []string{"a b c", "a b c"}, f.calls, "which record failed is not known: none may be lost")
}

func TestExhaustedAttemptsGiveUpTheBatchWithMetadataOnly(t *testing.T) {
	f := newFixture(t)
	f.stream.write("a", "b")
	f.enrich = func(string, []byte) (string, bool, error) { return `{"errorMessage":"no"}`, true, nil }
	f.pipe(func(p *Pipe) { p.Source.MaximumRetryAttempts = attempts(2) })
	f.retry(time.Second)
	f.retry(2 * time.Second)
	f.idle()
	require.Len(t, f.calls, 3)
	require.Len(t, f.letters, 1)
	target, body, _ := strings.Cut(f.letters[0], " ")
	require.Equal(t, dlqARN, target)
	require.JSONEq(t, `{"context":{"partnerResourceArn":"arn:aws:pipes:us-east-1:000000000000:pipe/p","condition":"RetryAttemptsExhausted"},
		"version":"1.0","timestamp":"2026-07-09T10:15:33.000Z","DDBStreamBatchInfo":{"shardId":"shardId-00000000000000000000-00000001",
		"startSequenceNumber":"`+sequence(1)+`","endSequenceNumber":"`+sequence(2)+`","approximateArrivalOfFirstRecord":"2026-07-09T10:15:30.000Z",
		"approximateArrivalOfLastRecord":"2026-07-09T10:15:30.000Z","batchSize":2,"streamArn":"`+streamARN+`"}}`, body)
	require.EqualValues(t, 2, f.metrics().RecordsDeadLettered)
}

func TestRecordAgeIsALimitOfItsOwn(t *testing.T) {
	f := newFixture(t)
	f.stream.write("old")
	f.enrich = func(string, []byte) (string, bool, error) { return ``, true, nil }
	f.pipe(func(p *Pipe) { p.Source.MaximumRecordAge = time.Minute })
	f.retry(time.Second)
	f.retry(time.Minute)
	f.idle()
	require.Len(t, f.calls, 2)
	require.Len(t, f.letters, 1)
	require.Contains(t, f.letters[0], recordAgeExceeded)
}

func TestRecordsWithoutDeadLetterTargetAreDroppedAndCounted(t *testing.T) {
	f := newFixture(t)
	f.stream.write("a")
	f.enrich = func(string, []byte) (string, bool, error) { return ``, true, nil }
	f.pipe(func(p *Pipe) { p.Source.DeadLetterARN, p.Source.MaximumRetryAttempts = "", attempts(0) })
	f.idle()
	require.EqualValues(t, 1, f.metrics().RecordsDropped)
}

func TestDeadLetterIsSentUntilItArrives(t *testing.T) {
	f := newFixture(t)
	f.stream.write("a")
	f.enrich = func(string, []byte) (string, bool, error) { return ``, true, nil }
	failed := false
	f.deadLetter = func() error {
		if !failed {
			failed = true
			return errors.New("queue unreachable")
		}
		return nil
	}
	f.pipe(func(p *Pipe) { p.Source.MaximumRetryAttempts = attempts(0) })
	f.retry(time.Second)
	f.idle()
	require.Len(t, f.letters, 1)
}

func TestBisectIsolatesThePoisonRecord(t *testing.T) {
	f := newFixture(t)
	f.stream.write("a", "b", "poison", "d", "e")
	f.enrich = func(ids string, payload []byte) (string, bool, error) {
		return string(payload), strings.Contains(ids, "poison"), nil
	}
	f.pipe(func(p *Pipe) {
		p.Source.OnPartialBatchItemFailure, p.Source.MaximumRetryAttempts = AutomaticBisect, attempts(1)
	})
	f.retry(time.Second)
	f.idle()
	require.Equal(t, []string{"a b poison d e", "a b", "poison d e", "poison", "poison", "d e"}, f.calls)
	require.Equal(t, []string{"a b", "d e"}, f.targetIDs())
	require.Len(t, f.letters, 1)
	require.Contains(t, f.letters[0], `"startSequenceNumber":"`+sequence(3)+`","endSequenceNumber":"`+sequence(3)+`"`)
	require.Contains(t, f.letters[0], `"batchSize":1`)
}

func TestInternalErrorsDoNotCountAsAttempts(t *testing.T) {
	for name, tc := range map[string]struct {
		err   error
		calls int
	}{
		"unreachable process": {errors.New("connection refused"), 4},
		"service fault":       {&wire.Error{Status: 500, Code: "ServiceException"}, 4},
		"access denied":       {wire.Errorf("AccessDeniedException", "no"), 1},
		"throttled":           {&wire.Error{Status: 429, Code: "TooManyRequestsException"}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.stream.write("a")
			failures := 3
			f.enrich = func(_ string, payload []byte) (string, bool, error) {
				if failures > 0 {
					failures--
					return "", false, tc.err
				}
				return string(payload), false, nil
			}
			f.pipe(func(p *Pipe) { p.Source.MaximumRetryAttempts = attempts(0) })
			for _, d := range []time.Duration{time.Second, 2 * time.Second, 4 * time.Second}[:tc.calls-1] {
				f.retry(d)
			}
			f.idle()
			require.Len(t, f.calls, tc.calls)
			require.Equal(t, tc.calls == 1, len(f.letters) == 1)
		})
	}
}

func TestInjectedFaultsOfTheEnrichment(t *testing.T) {
	f := newFixture(t)
	f.stream.write("a")
	require.NoError(t, f.faults.Arm(faults.Fault{Operation: "pipes:Enrichment", When: faults.AfterEffect, Code: "ServiceUnavailable"}))
	f.pipe(func(p *Pipe) { p.Source.MaximumRetryAttempts = attempts(0) })
	f.retry(time.Second)
	f.idle()
	require.Equal(t, []string{"a", "a"}, f.calls)
	require.Equal(t, []string{"a"}, f.targetIDs())
}

// With a factor of ten a batch that hangs holds up the records of its own worker only, and items keep their order.
func TestParallelBatchesKeepTheOrderOfEachItem(t *testing.T) {
	f := newFixture(t)
	var ids []string
	for n := range 20 {
		for i := range 50 {
			ids = append(ids, fmt.Sprintf("item%d-%d", i, n))
		}
	}
	// The key is the item; the number of the change stands behind it in the name.
	f.stream.write(ids...)
	for i := range f.stream.records {
		name, change, _ := strings.Cut(ids[i], "-")
		f.stream.records[i].JSON = []byte(fmt.Sprintf(`{"change":%q,"dynamodb":{"Keys":{"id":{"S":%q}}}}`, change, name))
	}
	var mu sync.Mutex
	var running, most int
	all := make(chan struct{})
	f.enrich = func(_ string, payload []byte) (string, bool, error) {
		mu.Lock()
		if running++; running > most {
			if most = running; most == 10 {
				close(all)
			}
		}
		mu.Unlock()
		<-all // The first calls wait until ten of them are running.
		mu.Lock()
		running--
		mu.Unlock()
		return string(payload), false, nil
	}
	seen := map[string]string{}
	f.bus = func(events []Event) ([]EventResult, error) {
		for _, e := range events {
			text := string(e.Detail)
			change := text[len(`{"change":"`):strings.Index(text, `","dynamodb"`)]
			item := recordIDs([]byte("[" + text + "]"))
			seen[item] += change + " "
		}
		return make([]EventResult, len(events)), nil
	}
	f.pipe(func(p *Pipe) { p.Source.ParallelizationFactor = 10 })
	f.idle()
	require.Equal(t, 10, most)
	require.Len(t, seen, 50)
	for item, changes := range seen {
		require.Equal(t, "0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 ", changes, item)
	}
}

func TestBatchingWindow(t *testing.T) {
	f := newFixture(t)
	f.pipe(func(p *Pipe) { p.Source.BatchSize, p.Source.BatchingWindow = 3, 5*time.Second })
	f.stream.write("a")
	f.clock.WaitForTimers(1)
	require.Empty(t, f.targetIDs(), "a batch that is not full waits")
	f.clock.Advance(4 * time.Second)
	require.Empty(t, f.targetIDs())
	f.clock.Advance(time.Second)
	f.idle()
	require.Equal(t, []string{"a"}, f.targetIDs())

	f.stream.write("b", "c", "d")
	f.idle() // No time passes: a full batch does not wait.
	require.Equal(t, []string{"a", "b c d"}, f.targetIDs())
}
