package sqs

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/local/faults"
)

// consumed makes a queue with a dead-letter queue, as every queue with a consumer has one.
func consumed(t *testing.T, s *Service) (arn, deadLetters string) {
	t.Helper()
	deadLetters = create(t, s, "q-dead", nil)
	return create(t, s, "q", map[string]string{"VisibilityTimeout": "30", "RedrivePolicy": `{"deadLetterTargetArn":"` + deadLetters + `","maxReceiveCount":3}`}), deadLetters
}

func follow(t *testing.T, i *faults.Injector, spec string) {
	t.Helper()
	plan, _, err := faults.ParsePlan(spec)
	require.NoError(t, err)
	require.NoError(t, i.Follow(plan))
}

func bodies(messages []Message) []string {
	out := []string{}
	for _, m := range messages {
		out = append(out, m.Body)
	}
	return out
}

func TestFaultDuplicatesSurviveTheDeletion(t *testing.T) {
	s, _, injector := newService(t)
	arn, _ := consumed(t, s)
	follow(t, injector, "duplicate:sqs:Deliver/q=1/2")
	send(t, s, arn, "a", "b")
	got := receive(t, s, arn, 10)
	require.Equal(t, []string{"a", "b", "b"}, bodies(got))
	require.Equal(t, got[1].ID, got[2].ID, "SQS delivers the same message")
	require.NotEqual(t, got[1].ReceiptHandle, got[2].ReceiptHandle)
	require.NoError(t, s.DeleteBatch(t.Context(), arn, []string{got[0].ReceiptHandle, got[1].ReceiptHandle}))
	depth, err := s.Depth(arn)
	require.NoError(t, err)
	require.Equal(t, 1, depth)
}

func TestFaultDelayedMessagesAreOvertaken(t *testing.T) {
	s, c, injector := newService(t)
	arn, _ := consumed(t, s)
	follow(t, injector, "delay:sqs:Deliver/q=1:20sx1")
	send(t, s, arn, "a", "b")
	require.Equal(t, []string{"b"}, bodies(receive(t, s, arn, 10)))
	c.Advance(19 * time.Second)
	require.Empty(t, receive(t, s, arn, 10))
	c.Advance(time.Second)
	require.Equal(t, []string{"a"}, bodies(receive(t, s, arn, 10)))
}

func TestFaultDroppedReceivesCountAndComeBack(t *testing.T) {
	s, c, injector := newService(t)
	arn, deadLetters := consumed(t, s)
	follow(t, injector, "drop:sqs:Deliver/q=1x3")
	send(t, s, arn, "a")
	for range 3 {
		require.Empty(t, receive(t, s, arn, 1), "the answer is lost")
		c.Advance(30 * time.Second)
	}
	require.Empty(t, receive(t, s, arn, 1))
	got := receive(t, s, deadLetters, 1)
	require.Equal(t, []string{"a"}, bodies(got), "the receives counted")
}

func TestFaultPoisonIsSentBesideTheMessage(t *testing.T) {
	s, _, injector := newService(t)
	arn, deadLetters := consumed(t, s)
	follow(t, injector, "poison=1")
	send(t, s, arn, "a")
	got := bodies(receive(t, s, arn, 10))
	require.Len(t, got, 2)
	require.Regexp(t, "^poison [0-9a-f-]{36}$", got[1])
	require.NoError(t, s.Send(context.Background(), deadLetters, "b", nil))
	require.Equal(t, []string{"b"}, bodies(receive(t, s, deadLetters, 10)), "a dead-letter queue is for people")
}
