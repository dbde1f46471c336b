package eventbridge

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/local/storage"
)

// lives makes services over one store, each as a process would that follows one that was killed.
type lives struct {
	store storage.Store
	last  *fixture
}

// next is the next process with the rules of the last; answer decides on its deliveries.
func (l *lives) next(t *testing.T, answer func(Target) error, targets ...Target) *fixture {
	t.Helper()
	f := newFixture(t, func(o *Options) {
		o.Store, o.Durable = l.store, true
		if l.last != nil {
			o.Clock = l.last.clock
		}
	})
	if l.last != nil {
		f.clock = l.last.clock
	}
	f.targets.answer = answer
	f.rule(t, "all", `{"source":[{"prefix":"payrail."}]}`, targets...)
	l.last = f
	return f
}

func (l *lives) kept(t *testing.T) (events, deliveries int) {
	t.Helper()
	require.NoError(t, l.store.Scan(eventSpace, storage.Range{}, func(_, _ []byte) bool { events++; return true }))
	require.NoError(t, l.store.Scan(deliverySpace, storage.Range{}, func(_, _ []byte) bool { deliveries++; return true }))
	return events, deliveries
}

func down(Target) error { return errors.New("the target is down") }

func resume(t *testing.T, f *fixture) Resumed {
	t.Helper()
	r, err := f.Resume()
	require.NoError(t, err)
	return r
}

func TestAcceptedEventsAreDeliveredByTheNextProcess(t *testing.T) {
	l := &lives{store: storage.NewMemory()}
	a, b := Target{ID: "a", ARN: queueA}, Target{ID: "b", ARN: queueB}
	delivered := make(chan struct{})
	f := l.next(t, func(target Target) error {
		if target.ARN == queueB {
			return down(target)
		}
		close(delivered)
		return nil
	}, a, b)
	f.put(t, "One", `{"n":1}`)
	f.clock.WaitForTimers(1) // The retry of b.
	<-delivered
	require.NoError(t, f.Close()) // Waits until it is noted that a has it.

	f = l.next(t, nil, a, b)
	require.Equal(t, Resumed{Deliveries: 1}, resume(t, f))
	f.idle(t)
	require.Empty(t, f.targets.delivered(queueA))
	require.Len(t, f.targets.delivered(queueB), 1)
	require.Contains(t, f.targets.delivered(queueB)[0], `"detail":{"n":1}`)
	require.NoError(t, f.Close())
	events, deliveries := l.kept(t)
	require.Zero(t, events)
	require.Zero(t, deliveries)
}

// What others put while the service is being resumed (an execution that goes on, a schedule) is not taken for an earlier process's.
func TestWhatIsPutBeforeResumeIsDeliveredOnce(t *testing.T) {
	l := &lives{store: storage.NewMemory()}
	target := Target{ID: "a", ARN: queueA}
	f := l.next(t, down, target)
	f.put(t, "One", `{"n":1}`)
	f.clock.WaitForTimers(1)

	f = l.next(t, down, target)
	f.put(t, "One", `{"n":2}`)
	f.clock.WaitForTimers(2)
	require.Equal(t, Resumed{Deliveries: 1}, resume(t, f))
	f.clock.WaitForTimers(3)
	f.targets.mu.Lock()
	f.targets.answer = nil
	f.targets.mu.Unlock()
	f.clock.Advance(time.Minute)
	f.idle(t)
	require.Len(t, f.targets.delivered(queueA), 2)
}

func TestAttemptsCountAcrossProcesses(t *testing.T) {
	l := &lives{store: storage.NewMemory()}
	target := Target{ID: "a", ARN: queueA, DeadLetterARN: dlq, MaximumRetryAttempts: intPointer(2)}
	f := l.next(t, down, target)
	f.put(t, "One", `{}`)
	f.clock.WaitForTimers(1)
	f = l.next(t, down, target)
	require.Equal(t, 1, resume(t, f).Deliveries)
	f.clock.WaitForTimers(2) // The first retry failed too.
	f = l.next(t, down, target)
	require.Equal(t, 1, resume(t, f).Deliveries)
	f.idle(t)
	f.targets.mu.Lock()
	defer f.targets.mu.Unlock()
	require.Len(t, f.targets.letters, 1)
	require.Equal(t, "2", f.targets.letters[0].attributes["RETRY_ATTEMPTS"])
	require.Equal(t, "MaximumRetryAttempts", f.targets.letters[0].attributes["EXHAUSTED_RETRY_CONDITION"])
}

func TestAnEventThatIsTooOldGoesToItsDeadLetterQueue(t *testing.T) {
	l := &lives{store: storage.NewMemory()}
	target := Target{ID: "a", ARN: queueA, DeadLetterARN: dlq, MaximumEventAge: time.Minute}
	f := l.next(t, func(Target) error { return &DeliveryError{Code: "THROTTLING", Message: "slow down"} }, target)
	f.put(t, "One", `{}`)
	f.clock.WaitForTimers(1)
	require.NoError(t, f.Close())
	f.clock.Advance(2 * time.Minute)
	f = l.next(t, nil, target)
	require.Equal(t, 1, resume(t, f).Deliveries)
	f.idle(t)
	require.Empty(t, f.targets.delivered(queueA))
	require.Equal(t, "THROTTLING", f.targets.letters[0].attributes["ERROR_CODE"])
	require.Equal(t, "THROTTLING: slow down", f.targets.letters[0].attributes["ERROR_MESSAGE"])
	require.Equal(t, "MaximumEventAgeInSeconds", f.targets.letters[0].attributes["EXHAUSTED_RETRY_CONDITION"])
}

func TestAnEventWithoutItsRuleIsGivenUp(t *testing.T) {
	l := &lives{store: storage.NewMemory()}
	f := l.next(t, down, Target{ID: "a", ARN: queueA}, Target{ID: "b", ARN: queueB})
	f.put(t, "One", `{}`)
	f.clock.WaitForTimers(2)
	require.NoError(t, f.Close())
	f = l.next(t, nil, Target{ID: "b", ARN: queueB})
	require.Equal(t, Resumed{Deliveries: 1, Orphans: 1}, resume(t, f))
	f.idle(t)
	require.NoError(t, f.Close())
	events, deliveries := l.kept(t)
	require.Zero(t, events)
	require.Zero(t, deliveries)
}

func TestEventsOfTwoProcessesAreKeptApart(t *testing.T) {
	l := &lives{store: storage.NewMemory()}
	target := Target{ID: "a", ARN: queueA}
	f := l.next(t, down, target)
	f.put(t, "One", `{}`)
	f.clock.WaitForTimers(1)
	f = l.next(t, down, target)
	f.put(t, "Two", `{}`) // Before the resumption: a client was faster.
	events, deliveries := l.kept(t)
	require.Equal(t, 2, events)
	require.Equal(t, 2, deliveries)
}

// fullStore takes nothing.
type fullStore struct{ *storage.Memory }

func (fullStore) Apply(*storage.Batch) error { return errors.New("the device is full") }

func TestAnEventThatCannotBeKeptIsNotAccepted(t *testing.T) {
	f := newFixture(t, func(o *Options) { o.Store, o.Durable = fullStore{storage.NewMemory()}, true })
	f.rule(t, "all", `{"source":[{"prefix":"payrail."}]}`, Target{ID: "a", ARN: queueA})
	_, err := f.PutEvents(t.Context(), []Entry{{Bus: "payrail", Source: "payrail.test", DetailType: "One", Detail: []byte("{}")}})
	require.ErrorContains(t, err, "the device is full")
	f.idle(t)
	require.Empty(t, f.targets.delivered(queueA))
}

func TestAKeptEventThatIsNotWholeIsAnError(t *testing.T) {
	e := &event{id: "id", time: start, received: start, bus: "payrail", envelope: []byte(`{"version":"0"}`)}
	whole := e.encode()
	for length := range whole {
		require.ErrorIs(t, new(event).decode(whole[:length]), errBrokenEvent, "%d bytes", length)
	}
	var again event
	require.NoError(t, again.decode(whole))
	require.True(t, again.time.Equal(e.time))
	require.Equal(t, e.envelope, again.envelope)
}

func TestAReplayGoesOnWhereTheLastProcessWas(t *testing.T) {
	l := &lives{store: storage.NewMemory()}
	target := Target{ID: "a", ARN: queueA}
	first := l.next(t, nil, target)
	archive, err := first.CreateArchive(Archive{Name: "all", Bus: "payrail"})
	require.NoError(t, err)
	const events = replayChunk + 50
	for range events {
		first.put(t, "One", `{}`)
		first.clock.Advance(time.Second)
	}
	first.idle(t)
	require.NoError(t, first.Close())

	// As it is where the process is killed after the first chunk.
	begun := &replay{state: replayRunning, started: start, last: start.Add((replayChunk - 1) * time.Second),
		Replay: Replay{Name: "again", ArchiveARN: archive, BusARN: first.arn("event-bus/payrail"), From: start, To: start.Add(time.Hour)}}
	require.NoError(t, first.kept.replay(begun))

	second := l.next(t, nil, target)
	_, err = second.CreateArchive(Archive{Name: "all", Bus: "payrail"})
	require.NoError(t, err)
	resume(t, second)
	second.idle(t)
	require.Len(t, second.targets.delivered(queueA), events-replayChunk+1, "the last one of the first chunk again, and all that follow")
	require.NoError(t, second.Close())

	third := l.next(t, nil, target)
	resume(t, third)
	third.idle(t)
	require.Empty(t, third.targets.delivered(queueA), "it is completed")
	require.Equal(t, replayCompleted, third.replays["again"].state)
}
