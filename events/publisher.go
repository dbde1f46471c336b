package events

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"github.com/payrail/payrail/payment"
)

const (
	// maxEntries is EventBridge's limit of entries in one PutEvents request.
	maxEntries = 10
	// maxRequestBytes keeps a request under EventBridge's 1 MB with room for what the size formula adds per entry.
	maxRequestBytes = 1_000_000
	// maxEntryBytes is what Step Functions takes as input: a larger event would pass the bus and fail to start the rules.
	maxEntryBytes = 256_000
	// publishAttempts is how often one call tries to put an entry. More patience is the queue's business, which redelivers.
	publishAttempts = 3
	// publishBackoff is the wait before the second attempt; it doubles.
	publishBackoff = 50 * time.Millisecond
)

// reasonTooLarge is the reason of an event that will be too large however often it is put.
const reasonTooLarge = "EVENT_TOO_LARGE"

// Event is one event ready to be put.
type Event struct {
	DetailType DetailType
	Source     Source
	Detail     json.RawMessage
}

// New makes an event of metadata and data.
func New[T any](detailType DetailType, source Source, metadata Metadata, data T) (Event, error) {
	detail, err := json.Marshal(Detail[T]{Metadata: metadata, Data: data})
	if err != nil {
		return Event{}, fmt.Errorf("encoding %s: %w", metadata.EventID, err)
	}
	return Event{DetailType: detailType, Source: source, Detail: detail}, nil
}

// Bus models the EventBridge client.
type Bus interface {
	PutEvents(context.Context, *eventbridge.PutEventsInput, ...func(*eventbridge.Options)) (*eventbridge.PutEventsOutput, error)
}

// Publisher puts events on one bus. It is safe for concurrent use.
type Publisher struct {
	bus  Bus
	name string
	wait func(context.Context, time.Duration) error
}

// NewPublisher makes a publisher for the bus called name. wait sleeps between attempts and returns early with ctx's error.
func NewPublisher(bus Bus, name string, wait func(context.Context, time.Duration) error) *Publisher {
	return &Publisher{bus: bus, name: name, wait: wait}
}

// Failures maps the index of each event that could not be published to the reason. Empty means all were.
type Failures map[int]error

// Publish puts events, as many to a request as EventBridge takes. A request may succeed for some entries only: each
// entry's result is read, and only failed entries are put again, or the good ones would be doubled. An event is published
// at least once; publishing it again later is harmless because its id repeats. An event in which a card number is found is never
// put.
func (p *Publisher) Publish(ctx context.Context, events []Event) Failures {
	failures := Failures{}
	var chunk []int
	size := 0
	flush := func() {
		if len(chunk) > 0 {
			p.putChunk(ctx, events, chunk, failures)
		}
		chunk, size = nil, 0
	}
	for i, event := range events {
		bytes := len(event.Detail) + len(event.DetailType) + len(event.Source)
		if bytes > maxEntryBytes {
			failures[i] = &payment.Error{Kind: payment.Invalid, Reason: reasonTooLarge,
				Err: fmt.Errorf("publishing %s: %d bytes are more than the %d the rules engine takes", event.DetailType, bytes, maxEntryBytes)}
			continue
		}
		if err := checkForCardNumbers(event); err != nil {
			failures[i] = err
			continue
		}
		if len(chunk) == maxEntries || size+bytes > maxRequestBytes {
			flush()
		}
		chunk = append(chunk, i)
		size += bytes
	}
	flush()
	return failures
}

// putChunk puts the events at indexes, retrying what fails, and records in failures what still fails at the end.
func (p *Publisher) putChunk(ctx context.Context, events []Event, indexes []int, failures Failures) {
	backoff := publishBackoff
	for attempt := 1; ; attempt++ {
		reasons := p.put(ctx, events, indexes)
		var failed []int
		for n, i := range indexes {
			if reasons[n] != nil {
				failed = append(failed, i)
				failures[i] = reasons[n]
			} else {
				delete(failures, i)
			}
		}
		if len(failed) == 0 || attempt == publishAttempts || p.wait(ctx, backoff) != nil {
			return
		}
		indexes = failed
		backoff *= 2
	}
}

// put makes one PutEvents call; the result has a reason for each index, nil where the entry was taken.
func (p *Publisher) put(ctx context.Context, events []Event, indexes []int) []error {
	reasons := make([]error, len(indexes))
	entries := make([]types.PutEventsRequestEntry, len(indexes))
	for n, i := range indexes {
		entries[n] = types.PutEventsRequestEntry{
			EventBusName: &p.name, DetailType: aws.String(string(events[i].DetailType)),
			Source: aws.String(string(events[i].Source)), Detail: aws.String(string(events[i].Detail)),
		}
	}
	out, err := p.bus.PutEvents(ctx, &eventbridge.PutEventsInput{Entries: entries})
	for n, i := range indexes {
		switch {
		case err != nil:
			reasons[n] = fmt.Errorf("publishing %s: %w", events[i].DetailType, err)
		case n >= len(out.Entries):
			reasons[n] = fmt.Errorf("publishing %s: the answer has %d entries for %d", events[i].DetailType, len(out.Entries), len(indexes))
		case out.Entries[n].EventId == nil:
			reasons[n] = fmt.Errorf("publishing %s: %s: %s", events[i].DetailType, aws.ToString(out.Entries[n].ErrorCode), aws.ToString(out.Entries[n].ErrorMessage))
		}
	}
	return reasons
}
