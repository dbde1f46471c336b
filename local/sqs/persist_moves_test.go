package sqs

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/local/clock"
	"github.com/payrail/payrail/local/storage"
)

// A task that is killed again and again moves what it was started for, each message once, and no more than that.
func TestAMoveTaskGoesOnWhereItWas(t *testing.T) {
	const dead = 30
	c, store := clock.NewManual(start), storage.NewMemory()
	next := func() (s *Service, dlq, source string) {
		s = keeping(t, c, store)
		dlq = create(t, s, "dlq", nil)
		source = create(t, s, "source", redrive("dlq", 1))
		require.NoError(t, s.Resume())
		return s, dlq, source
	}
	s, dlq, source := next()
	bodies := make([]string, dead)
	for i := range bodies {
		bodies[i] = fmt.Sprint(i)
	}
	kill(t, s, c, source, bodies...)
	require.Empty(t, receive(t, s, source, 10))
	handle, err := s.StartMove(dlq, "", 10)
	require.NoError(t, err)
	moved := 0
	for range 2 {
		require.Eventually(t, func() bool {
			c.Advance(100 * time.Millisecond)
			tasks, err := s.Moves(dlq, 1)
			require.NoError(t, err)
			return tasks[0].ApproximateNumberOfMessagesMoved > moved+3
		}, 10*time.Second, time.Millisecond)
		s.Close() // It does no more, as if it was killed.
		s, dlq, source = next()
		tasks, err := s.Moves(dlq, 10)
		require.NoError(t, err)
		require.Len(t, tasks, 1)
		require.Equal(t, MoveRunning, tasks[0].Status)
		require.Equal(t, handle, tasks[0].TaskHandle)
		require.Equal(t, 10, tasks[0].MaxNumberOfMessagesPerSecond)
		// It is at work again meanwhile: what it counts and what has moved agree at some moment, or never.
		require.Eventually(t, func() bool {
			tasks, err := s.Moves(dlq, 1)
			require.NoError(t, err)
			there, err := s.Depth(source)
			require.NoError(t, err)
			left, err := s.Depth(dlq)
			require.NoError(t, err)
			moved = tasks[0].ApproximateNumberOfMessagesMoved
			return there == moved && left == dead-moved
		}, 10*time.Second, time.Millisecond)
	}
	send(t, s, dlq, "came later")
	done := finished(t, s, c, dlq)
	require.Equal(t, MoveCompleted, done.Status)
	require.Equal(t, dead, done.ApproximateNumberOfMessagesMoved)
	depth, err := s.Depth(source)
	require.NoError(t, err)
	require.Equal(t, dead, depth)
	require.Equal(t, []string{"came later"}, bodiesOf(receive(t, s, dlq, 10)))

	s.Close()
	s, dlq, _ = next()
	tasks, err := s.Moves(dlq, 10)
	require.NoError(t, err)
	require.Equal(t, []MoveTask{done}, tasks)
	_, err = s.CancelMove(handle)
	require.ErrorContains(t, err, "Only active tasks can be cancelled")
}

// Of each source the last tasks are kept; those of a queue that is gone are not.
func TestKeptMoveTasksAreBounded(t *testing.T) {
	c, store := clock.NewManual(start), storage.NewMemory()
	s := keeping(t, c, store)
	dlq := create(t, s, "dlq", nil)
	create(t, s, "source", redrive("dlq", 1))
	kept := func() (n int) {
		require.NoError(t, store.Scan(moveSpace, storage.Range{}, func(_, _ []byte) bool { n++; return true }))
		return n
	}
	for range maxMoveTasks + 2 {
		_, err := s.StartMove(dlq, "", 0)
		require.NoError(t, err)
		finished(t, s, c, dlq)
	}
	require.Equal(t, maxMoveTasks, kept())
	s.Close()
	require.NoError(t, keeping(t, c, store).Resume())
	require.Zero(t, kept())
}
