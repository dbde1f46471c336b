package redrive

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/payrail/payrail/internal/queuedepth"
)

const (
	// batchSize is SQS's limit of messages in one call.
	batchSize = 10
	// lookHold is how long a message stays invisible while somebody looks at a queue, should giving it back fail.
	lookHold = time.Minute
	// PutBackHold is the same while items are put back: longer than the slowest rate takes for what is received at once.
	PutBackHold = 15 * time.Minute
	// receiveWait makes a receive ask all of the queue's servers; without a wait SQS asks some, and a queue that holds little
	// seems empty (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-short-and-long-polling.html).
	receiveWait = time.Second
	// maxRepetitions is how many receives in a row may bring only what was had before, until the queue counts as read.
	maxRepetitions = 3
	// giveBackLimit bounds giving back after the run was interrupted.
	giveBackLimit = 30 * time.Second
)

// Queues models the SQS client. It is safe for concurrent use.
type Queues interface {
	queuedepth.Queues
	GetQueueUrl(context.Context, *sqs.GetQueueUrlInput, ...func(*sqs.Options)) (*sqs.GetQueueUrlOutput, error)
	ReceiveMessage(context.Context, *sqs.ReceiveMessageInput, ...func(*sqs.Options)) (*sqs.ReceiveMessageOutput, error)
	ChangeMessageVisibilityBatch(context.Context, *sqs.ChangeMessageVisibilityBatchInput, ...func(*sqs.Options)) (*sqs.ChangeMessageVisibilityBatchOutput, error)
	DeleteMessage(context.Context, *sqs.DeleteMessageInput, ...func(*sqs.Options)) (*sqs.DeleteMessageOutput, error)
	SendMessage(context.Context, *sqs.SendMessageInput, ...func(*sqs.Options)) (*sqs.SendMessageOutput, error)
}

// Count is how many items a store has.
type Count struct {
	Items int `json:"items"`
	// InHand are those among them that somebody has received and not given back.
	InHand int `json:"inHand,omitempty"`
	// More says that counting stopped at Items.
	More bool `json:"more,omitempty"`
}

// shelf gives out the items of a store one after the other. It is for one goroutine, but for remove.
type shelf interface {
	count(ctx context.Context) (Count, error)
	// next returns up to n items that it has not returned before, and none when there are no more.
	next(ctx context.Context, n int) ([]held, error)
	// remove takes an item out for good. It may be called concurrently.
	remove(ctx context.Context, h held) error
	// close makes everything visible again that was returned and not removed.
	close(ctx context.Context) error
}

// queueShelf gives out the messages of a queue. What it has received stays invisible to others, so that two redrives at once never
// have the same message in hand; those of a process that was killed come back when hold is over.
type queueShelf struct {
	client Queues
	store  Store
	hold   time.Duration
	// handles are the latest of each message that was received.
	handles map[string]string
	removed *idSet
}

func newQueueShelf(client Queues, store Store, hold time.Duration) *queueShelf {
	return &queueShelf{client: client, store: store, hold: hold, handles: map[string]string{}, removed: newIDSet()}
}

func (q *queueShelf) count(ctx context.Context) (Count, error) {
	depth, err := queuedepth.Of(ctx, q.client, q.store.Address)
	return Count{Items: depth.All, InHand: depth.InHand}, err
}

func (q *queueShelf) next(ctx context.Context, n int) ([]held, error) {
	var all []held
	for repetitions := 0; len(all) < n && repetitions < maxRepetitions; {
		out, err := q.client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
			QueueUrl: &q.store.Address, MaxNumberOfMessages: int32(min(n-len(all), batchSize)),
			VisibilityTimeout: int32(q.hold / time.Second), WaitTimeSeconds: int32(receiveWait / time.Second),
			MessageAttributeNames: []string{"All"}, MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameAll},
		})
		if err != nil {
			return all, fmt.Errorf("receiving from %s: %w", q.store.Name, err)
		}
		if len(out.Messages) == 0 {
			break
		}
		before := len(all)
		for _, m := range out.Messages {
			id := aws.ToString(m.MessageId)
			_, known := q.handles[id]
			q.handles[id] = aws.ToString(m.ReceiptHandle)
			if !known {
				all = append(all, readMessage(q.store, m))
			}
		}
		if len(all) == before {
			repetitions++
		}
	}
	return all, nil
}

func (q *queueShelf) remove(ctx context.Context, h held) error {
	if _, err := q.client.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: &q.store.Address, ReceiptHandle: &h.handle}); err != nil {
		return fmt.Errorf("deleting it from %s: %w", q.store.Name, err)
	}
	q.removed.add(h.ID)
	return nil
}

func (q *queueShelf) close(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), giveBackLimit)
	defer cancel()
	var entries []types.ChangeMessageVisibilityBatchRequestEntry
	for id, handle := range q.handles {
		if !q.removed.has(id) {
			entries = append(entries, types.ChangeMessageVisibilityBatchRequestEntry{Id: aws.String(strconv.Itoa(len(entries))), ReceiptHandle: aws.String(handle)})
		}
	}
	var errs []error
	for chunk := range slices.Chunk(entries, batchSize) {
		out, err := q.client.ChangeMessageVisibilityBatch(ctx, &sqs.ChangeMessageVisibilityBatchInput{QueueUrl: &q.store.Address, Entries: chunk})
		if err != nil {
			errs = append(errs, err)
			continue
		}
		for _, failure := range out.Failed {
			// What is not in flight any more is visible already, or somebody else has it.
			if !failure.SenderFault {
				errs = append(errs, errors.New(aws.ToString(failure.Code)+": "+aws.ToString(failure.Message)))
			}
		}
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("giving messages of %s back, which stay invisible for up to %s: %w", q.store.Name, q.hold, err)
	}
	return nil
}
