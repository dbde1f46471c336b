package stepfunctions

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/local/clock"
	"github.com/payrail/payrail/local/storage"
)

const keptDefinition = `{"StartAt":"Wait","States":{"Wait":{"Type":"Wait","Seconds":60,"Next":"Put"},"Put":{"Type":"Task","Resource":"arn:aws:states:::events:putEvents",
	"Parameters":{"Entries":[{"Source":"s","DetailType":"t","Detail":{"id.$":"$$.Execution.Id","input.$":"$"}}]},"End":true}}}`

// keeping makes a service over a store, as a process would that follows one that was killed.
func keeping(t *testing.T, c clock.Clock, store storage.Store, b *backend) (*Service, string) {
	t.Helper()
	s, err := New(Options{Region: "us-east-1", Account: "000000000000", Clock: c, Logger: slog.New(slog.DiscardHandler), Store: store,
		Events: b, Queues: b, Functions: b, Topics: b})
	require.NoError(t, err)
	t.Cleanup(s.Close)
	arn, err := s.CreateStateMachine(Spec{Name: "m", Type: "EXPRESS", Definition: keptDefinition, RoleARN: "role"})
	require.NoError(t, err)
	return s, arn
}

// tellingStore tells of every write.
type tellingStore struct {
	*storage.Memory
	applied chan struct{}
}

func (s tellingStore) Apply(b *storage.Batch) error {
	defer func() { s.applied <- struct{}{} }()
	return s.Memory.Apply(b)
}

func TestAnExecutionRunsAgainAfterAKill(t *testing.T) {
	c, store := clock.NewManual(testStart), tellingStore{storage.NewMemory(), make(chan struct{}, 10)}
	killed, machine := keeping(t, c, store, &backend{})
	execution, err := killed.Start(context.Background(), machine, "first", []byte(`{"n":1}`))
	require.NoError(t, err)
	<-store.applied
	c.WaitForTimers(2) // The time limit and the Wait.
	killed.Close()     // As a kill, it leaves the execution as it is.

	b, clock2 := &backend{}, clock.NewManual(testStart)
	next, _ := keeping(t, clock2, store, b)
	n, err := next.Resume()
	require.NoError(t, err)
	require.Equal(t, 1, n)
	clock2.WaitForTimers(2)
	clock2.Advance(61e9)
	next.Idle()
	require.Len(t, b.events, 1)
	require.JSONEq(t, `{"id":"`+execution+`","input":{"n":1}}`, b.events[0].Detail)

	<-store.applied // It is forgotten a moment after it has ended.
	last, _ := keeping(t, clock2, store, b)
	n, err = last.Resume()
	require.NoError(t, err)
	require.Zero(t, n, "what has ended is not run again")
}

// keepingStandard is keeping with a STANDARD state machine, and a limit of its executions.
func keepingStandard(t *testing.T, c clock.Clock, store storage.Store, limit int) (*Service, string) {
	t.Helper()
	s, err := New(Options{Region: "us-east-1", Account: "000000000000", Clock: c, Logger: slog.New(slog.DiscardHandler), Store: store, MaxConcurrent: limit,
		Events: &backend{}, Queues: &backend{}, Functions: &backend{}, Topics: &backend{}})
	require.NoError(t, err)
	t.Cleanup(s.Close)
	arn, err := s.CreateStateMachine(Spec{Name: "m", Type: "STANDARD", Definition: keptDefinition, RoleARN: "role"})
	require.NoError(t, err)
	return s, arn
}

// What runs goes on as the execution that was started, under its name, and whatever the limit is.
func TestAStandardExecutionGoesOnAsTheOneThatWasStarted(t *testing.T) {
	c, store := clock.NewManual(testStart), storage.NewMemory()
	killed, machine := keepingStandard(t, c, store, 2)
	var started []string
	for _, name := range []string{"first", "second"} {
		execution, err := killed.Start(t.Context(), machine, name, []byte(`{"n":1}`))
		require.NoError(t, err)
		started = append(started, execution)
		c.Advance(time.Second)
	}
	c.WaitForTimers(4)
	killed.Close()

	next, _ := keepingStandard(t, clock.NewManual(testStart.Add(time.Hour)), store, 1)
	n, err := next.Resume()
	require.NoError(t, err)
	require.Equal(t, 2, n)
	for i, execution := range started {
		described, err := next.describeExecution(t.Context(), &executionInput{ExecutionARN: execution})
		require.NoError(t, err)
		require.Equal(t, statusRunning, described.Status)
		require.Equal(t, float64(testStart.Unix()+int64(i)), described.StartDate)
	}
	listed, err := next.listExecutions(t.Context(), &listExecutionsInput{StateMachineARN: machine})
	require.NoError(t, err)
	require.Equal(t, started[1], listed.Executions[0].ExecutionARN, "the one started last comes first")
	_, err = next.Start(t.Context(), machine, "first", []byte(`{"n":2}`))
	require.ErrorContains(t, err, "ExecutionAlreadyExists")
	_, err = next.Start(t.Context(), machine, "third", []byte(`{}`))
	require.ErrorContains(t, err, "ExecutionLimitExceeded")
}

func TestAStoppedExecutionDoesNotRunAgain(t *testing.T) {
	c, store := clock.NewManual(testStart), storage.NewMemory()
	s, machine := keepingStandard(t, c, store, 1)
	execution, err := s.Start(t.Context(), machine, "first", []byte(`{}`))
	require.NoError(t, err)
	c.WaitForTimers(2)
	_, err = s.stopExecution(t.Context(), &executionInput{ExecutionARN: execution})
	require.NoError(t, err)
	require.NoError(t, store.Scan(runningSpace, storage.Range{}, func(key, _ []byte) bool {
		t.Errorf("%s is kept", key)
		return true
	}))
}
