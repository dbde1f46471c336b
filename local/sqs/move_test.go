package sqs

import (
	"context"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/local/clock"
)

// kill sends bodies to a queue and receives them until they are dead letters.
func kill(t testing.TB, s *Service, c *clock.Manual, arn string, bodies ...string) {
	t.Helper()
	send(t, s, arn, bodies...)
	for range 2 { // Once is allowed by the redrive policies of these tests.
		receive(t, s, arn, len(bodies))
		c.Advance(30 * time.Second)
	}
}

// finished waits until the latest move task of a source is no longer running; the clock moves on meanwhile.
func finished(t testing.TB, s *Service, c *clock.Manual, source string) MoveTask {
	t.Helper()
	var task MoveTask
	require.Eventually(t, func() bool {
		tasks, err := s.Moves(source, 1)
		require.NoError(t, err)
		task = tasks[0]
		c.Advance(time.Second)
		return task.Status != MoveRunning
	}, 10*time.Second, time.Millisecond)
	return task
}

func TestMoveToOriginalSources(t *testing.T) {
	s, c, _ := newService(t)
	dlq := create(t, s, "dlq", nil)
	first, second := create(t, s, "first", redrive("dlq", 1)), create(t, s, "second", redrive("dlq", 1))
	_, err := s.SendTo(t.Context(), "http://x/000000000000/first", "with attributes", nil)
	require.NoError(t, err)
	require.NoError(t, s.Send(t.Context(), first, "a", map[string]string{"reason": "none"}))
	kill(t, s, c, first)
	receive(t, s, first, 10)
	c.Advance(30 * time.Second)
	receive(t, s, first, 10)
	kill(t, s, c, second, "b")
	dead := map[string]string{}
	for _, m := range receive(t, s, dlq, 10) {
		dead[m.Body] = m.ID
	}
	require.Len(t, dead, 3)
	c.Advance(30 * time.Second)
	movedAt := c.Now()

	handle, err := s.StartMove(dlq, "", 0)
	require.NoError(t, err)
	require.NotEmpty(t, handle)
	task := finished(t, s, c, dlq)
	require.Equal(t, MoveTask{Status: MoveCompleted, SourceArn: dlq, ApproximateNumberOfMessagesMoved: 3, ApproximateNumberOfMessagesToMove: 3, StartedTimestamp: movedAt.UnixMilli()}, task)

	back := receive(t, s, first, 10)
	require.Len(t, back, 2)
	for _, m := range back {
		require.NotEqual(t, dead[m.Body], m.ID, "a moved message is a new one")
		require.GreaterOrEqual(t, m.Sent, movedAt.UnixMilli())
		require.Equal(t, 1, m.ReceiveCount)
		require.Empty(t, m.DeadLetterSource)
		if m.Body == "a" {
			require.Equal(t, map[string]Attribute{"reason": {DataType: "String", StringValue: "none"}}, m.Attributes)
		}
	}
	require.Equal(t, "b", receive(t, s, second, 10)[0].Body)
	depth, err := s.Depth(dlq)
	require.NoError(t, err)
	require.Zero(t, depth)
}

func TestMoveKeepsItsRate(t *testing.T) {
	s, c, _ := newService(t)
	dlq, custom := create(t, s, "dlq", nil), create(t, s, "custom", nil)
	q := create(t, s, "q", redrive("dlq", 1))
	kill(t, s, c, q, "a", "b", "c", "d")
	_, err := s.StartMove(dlq, custom, 1)
	require.NoError(t, err)
	moved := func() int {
		depth, err := s.Depth(custom)
		require.NoError(t, err)
		return depth
	}
	for n := 1; n <= 4; n++ {
		require.Eventually(t, func() bool { return moved() == n }, 10*time.Second, time.Millisecond)
		c.Advance(time.Second - 1)
		require.Equal(t, n, moved(), "one a second")
		c.Advance(1)
	}
	task := finished(t, s, c, dlq)
	require.Equal(t, 1, task.MaxNumberOfMessagesPerSecond)
	require.Equal(t, custom, task.DestinationArn)
}

func TestCancelMove(t *testing.T) {
	s, c, _ := newService(t)
	dlq := create(t, s, "dlq", nil)
	q := create(t, s, "q", redrive("dlq", 1))
	kill(t, s, c, q, "a", "b", "c")
	handle, err := s.StartMove(dlq, "", 1)
	require.NoError(t, err)
	_, err = s.StartMove(dlq, "", 1)
	requireCode(t, err, "InvalidParameterValue")
	require.Eventually(t, func() bool { depth, _ := s.Depth(q); return depth == 1 }, 10*time.Second, time.Millisecond)
	moved, err := s.CancelMove(handle)
	require.NoError(t, err)
	require.Equal(t, 1, moved)
	c.Advance(time.Minute)
	tasks, err := s.Moves(dlq, 10)
	require.NoError(t, err)
	require.Equal(t, MoveCancelled, tasks[0].Status)
	require.Empty(t, tasks[0].TaskHandle)
	depth, err := s.Depth(dlq)
	require.NoError(t, err)
	require.Equal(t, 2, depth, "the others stay")
	_, err = s.CancelMove(handle)
	requireCode(t, err, "UnsupportedOperation")
	_, err = s.StartMove(dlq, "", 0)
	require.NoError(t, err, "a new task may start")
	require.Equal(t, MoveCompleted, finished(t, s, c, dlq).Status)
	tasks, err = s.Moves(dlq, 10)
	require.NoError(t, err)
	require.Len(t, tasks, 2)
}

func TestMoveFails(t *testing.T) {
	for name, tc := range map[string]struct {
		prepare func(s *Service, c *clock.Manual, dlq, q string)
		reason  string
	}{
		"sent to the dead-letter queue directly": {func(s *Service, _ *clock.Manual, dlq, _ string) { send(t, s, dlq, "direct") }, "CouldNotDetermineMessageSource"},
		"the source is deleted": {func(s *Service, c *clock.Manual, _, q string) {
			kill(t, s, c, q, "a")
			create(t, s, "other", redrive("dlq", 1))
			require.NoError(t, s.DeleteQueue(q))
		}, "AWS.SimpleQueueService.NonExistentQueue"},
		"larger than the source allows": {func(s *Service, c *clock.Manual, _, q string) {
			kill(t, s, c, q, strings.Repeat("x", 1025))
			require.NoError(t, s.SetAttributes(q, map[string]string{"MaximumMessageSize": "1024"}))
		}, "InvalidParameterValue"},
	} {
		t.Run(name, func(t *testing.T) {
			s, c, _ := newService(t)
			dlq := create(t, s, "dlq", nil)
			q := create(t, s, "q", redrive("dlq", 1))
			tc.prepare(s, c, dlq, q)
			_, err := s.StartMove(dlq, "", 0)
			require.NoError(t, err)
			task := finished(t, s, c, dlq)
			require.Equal(t, MoveFailed, task.Status)
			require.Equal(t, tc.reason, task.FailureReason)
			require.Len(t, receive(t, s, dlq, 10), 1, "what cannot be moved stays, and can be received")
		})
	}
}

// The errors of the three operations, as recorded from AWS.
func TestMoveErrors(t *testing.T) {
	s, _, _ := newService(t)
	dlq := create(t, s, "dlq", nil)
	plain := create(t, s, "q", redrive("dlq", 1))
	client, ctx := sdkClient(t, s), context.Background()
	start := func(source, destination string, rate *int32) error {
		in := &awssqs.StartMessageMoveTaskInput{SourceArn: aws.String(source), MaxNumberOfMessagesPerSecond: rate}
		if destination != "" {
			in.DestinationArn = aws.String(destination)
		}
		_, err := client.StartMessageMoveTask(ctx, in)
		return err
	}
	cancel := func(handle string) error {
		_, err := client.CancelMessageMoveTask(ctx, &awssqs.CancelMessageMoveTaskInput{TaskHandle: aws.String(handle)})
		return err
	}
	handle := func(source string) string {
		return base64.StdEncoding.EncodeToString(fmt.Appendf(nil, `{"taskId":"10f57157-fc38-4da9-a113-4de7e12d05dd","sourceArn":"%s"}`, source))
	}
	for name, tc := range map[string]struct {
		err           error
		code, message string
	}{
		"not a dead-letter queue": {start(plain, dlq, nil), "InvalidParameterValue", "Source queue must be configured as a Dead Letter Queue."},
		"no such source":          {start(dlq+"x", "", nil), "ResourceNotFoundException", "The resource that you specified for the SourceArn parameter doesn't exist."},
		"no such destination":     {start(dlq, plain+"x", nil), "ResourceNotFoundException", "The resource that you specified for the DestinationArn parameter doesn't exist."},
		"rate 0":                  {start(dlq, "", aws.Int32(0)), "InvalidParameterValue", "MaxNumberOfMessagesPerSecond"},
		"rate 501":                {start(dlq, "", aws.Int32(501)), "InvalidParameterValue", "MaxNumberOfMessagesPerSecond"},
		"no handle":               {cancel("foobared"), "InvalidParameterValue", "Value for parameter TaskHandle is invalid."},
		"handle of no queue":      {cancel(handle(dlq + "x")), "ResourceNotFoundException", "The resource that you specified for the SourceArn parameter doesn't exist."},
		"handle of no task":       {cancel(handle(dlq)), "ResourceNotFoundException", "Task does not exist."},
	} {
		t.Run(name, func(t *testing.T) {
			requireAPIError(t, tc.err, tc.code)
			require.ErrorContains(t, tc.err, tc.message)
		})
	}
	_, err := s.Moves(dlq, 11)
	requireCode(t, err, "InvalidParameterValue")
	empty, err := client.ListMessageMoveTasks(ctx, &awssqs.ListMessageMoveTasksInput{SourceArn: aws.String(dlq)})
	require.NoError(t, err)
	require.Empty(t, empty.Results)
}

func TestAgeOfOldestMessage(t *testing.T) {
	s, c, _ := newService(t)
	dlq := create(t, s, "dlq", nil)
	q := create(t, s, "q", redrive("dlq", 5))
	age := func(arn string) time.Duration {
		stats, err := s.Stats(arn)
		require.NoError(t, err)
		return stats.OldestAge
	}
	send(t, s, q, "poison")
	for range 3 {
		receive(t, s, q, 1)
		c.Advance(30 * time.Second)
	}
	send(t, s, q, "fresh")
	require.Equal(t, 90*time.Second, age(q))
	receive(t, s, q, 10)
	require.Zero(t, age(q), "received more than three times it does not count")
	for range 2 {
		c.Advance(30 * time.Second)
		receive(t, s, q, 10)
	}
	require.Equal(t, time.Minute, age(q))
	c.Advance(5 * time.Second)
	require.Equal(t, 5*time.Second, age(dlq), "the time in the dead-letter queue")
}
