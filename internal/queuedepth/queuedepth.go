// Package queuedepth tells how many messages a queue has, and when it has run empty. SQS counts approximately: a queue is empty only
// when it has looked so for a while.
package queuedepth

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// Consistency is how long SQS may take to count right after producers stop sending
// (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_GetQueueAttributes.html).
const Consistency = time.Minute

// Queues models the SQS client. It is safe for concurrent use.
type Queues interface {
	GetQueueAttributes(context.Context, *sqs.GetQueueAttributesInput, ...func(*sqs.Options)) (*sqs.GetQueueAttributesOutput, error)
}

// Depth is about how many messages a queue has.
type Depth struct {
	// All counts the messages that wait, those that are delayed and those in hand.
	All int
	// InHand are those that somebody has received and neither deleted nor given back.
	InHand int
}

// Of asks how many messages a queue has.
func Of(ctx context.Context, client Queues, url string) (Depth, error) {
	names := []types.QueueAttributeName{types.QueueAttributeNameApproximateNumberOfMessages,
		types.QueueAttributeNameApproximateNumberOfMessagesNotVisible, types.QueueAttributeNameApproximateNumberOfMessagesDelayed}
	out, err := client.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: &url, AttributeNames: names})
	if err != nil {
		return Depth{}, fmt.Errorf("counting the messages of %s: %w", url, err)
	}
	var d Depth
	for _, name := range names {
		n, err := strconv.Atoi(out.Attributes[string(name)])
		if err != nil {
			return Depth{}, fmt.Errorf("counting the messages of %s: %s is %q", url, name, out.Attributes[string(name)])
		}
		d.All += n
		if name == types.QueueAttributeNameApproximateNumberOfMessagesNotVisible {
			d.InHand = n
		}
	}
	return d, nil
}

// Drain waits for a queue to run empty. All fields are needed.
type Drain struct {
	Queues Queues
	URL    string
	// Quiet is how long the queue must look empty; Consistency where SQS counts approximately.
	Quiet time.Duration
	// Stall is how long the queue may be no shorter than before, until nobody waits any more: beside live traffic it may never be empty.
	Stall time.Duration
	// Interval is how often the queue is looked at.
	Interval time.Duration
	Now      func() time.Time
	// Wait sleeps and returns early with ctx's error.
	Wait func(context.Context, time.Duration) error
}

// Await returns 0 when the queue is empty, and how many messages it has when it does not become emptier.
func (d Drain) Await(ctx context.Context) (left int, err error) {
	least, moved, busy := -1, d.Now(), d.Now()
	for {
		depth, err := Of(ctx, d.Queues, d.URL)
		if err != nil {
			return 0, err
		}
		now := d.Now()
		if depth.All > 0 {
			busy = now
		}
		if least < 0 || depth.All < least {
			least, moved = depth.All, now
		}
		switch {
		case now.Sub(busy) >= d.Quiet:
			return 0, nil
		case depth.All > 0 && now.Sub(moved) >= d.Stall:
			return depth.All, nil
		}
		if err := d.Wait(ctx, d.Interval); err != nil {
			return depth.All, err
		}
	}
}
