package queuedepth

import (
	"context"
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/stretchr/testify/require"
)

// queue has one depth after the other, and the last one from then on. A second passes at each wait.
type queue struct {
	depths []int
	now    time.Time
	err    error
}

func (q *queue) GetQueueAttributes(context.Context, *sqs.GetQueueAttributesInput, ...func(*sqs.Options)) (*sqs.GetQueueAttributesOutput, error) {
	depth := q.depths[0]
	if len(q.depths) > 1 {
		q.depths = q.depths[1:]
	}
	return &sqs.GetQueueAttributesOutput{Attributes: map[string]string{string(types.QueueAttributeNameApproximateNumberOfMessages): strconv.Itoa(depth),
		string(types.QueueAttributeNameApproximateNumberOfMessagesNotVisible): "0", string(types.QueueAttributeNameApproximateNumberOfMessagesDelayed): "0"}}, q.err
}

func (q *queue) drain() Drain {
	return Drain{Queues: q, URL: "queue", Quiet: 3 * time.Second, Stall: 5 * time.Second, Interval: time.Second, Now: func() time.Time { return q.now },
		Wait: func(ctx context.Context, d time.Duration) error { q.now = q.now.Add(d); return ctx.Err() }}
}

func TestDrain(t *testing.T) {
	for name, tc := range map[string]struct {
		depths  []int
		left    int
		seconds int
	}{
		"empty":                             {[]int{0}, 0, 3},
		"runs empty":                        {[]int{9, 5, 0}, 0, 4},
		"looks empty too early":             {[]int{0, 0, 0, 7, 0}, 0, 6},
		"slowly, but emptier all the while": {[]int{4, 4, 4, 4, 3, 3, 3, 3, 2, 2, 2, 2, 1, 1, 1, 1, 0}, 0, 18},
		"never empty beside live traffic":   {[]int{9, 4, 6, 5, 8, 7, 4, 6}, 4, 6},
	} {
		t.Run(name, func(t *testing.T) {
			q := &queue{depths: tc.depths, now: time.Unix(0, 0)}
			left, err := q.drain().Await(t.Context())
			require.NoError(t, err)
			require.Equal(t, tc.left, left)
			require.Equal(t, time.Duration(tc.seconds)*time.Second, q.now.Sub(time.Unix(0, 0)))
		})
	}
}

func TestDrainThatIsEnded(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	left, err := (&queue{depths: []int{7}}).drain().Await(ctx)
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, 7, left)
}

func TestQueueThatCannotBeCounted(t *testing.T) {
	_, err := Of(t.Context(), &queue{depths: []int{0}, err: errors.New("denied")}, "queue")
	require.ErrorContains(t, err, "counting the messages of queue: denied")
	_, err = Of(t.Context(), silent{}, "queue")
	require.ErrorContains(t, err, `ApproximateNumberOfMessages is ""`)
}

type silent struct{}

func (silent) GetQueueAttributes(context.Context, *sqs.GetQueueAttributesInput, ...func(*sqs.Options)) (*sqs.GetQueueAttributesOutput, error) {
	return &sqs.GetQueueAttributesOutput{}, nil
}
