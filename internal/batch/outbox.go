package batch

import (
	"context"

	"github.com/payrail/payrail/events"
)

// Publisher models events.Publisher.
type Publisher interface {
	Publish(ctx context.Context, events []events.Event) events.Failures
}

// Outbox collects the events of a whole batch, so that they are put together, and knows which message each belongs to.
// The zero value is empty and ready. It is for one goroutine.
type Outbox struct {
	events []events.Event
	owners []int
}

// Add takes an event that the message at index message caused.
func (o *Outbox) Add(message int, event events.Event) {
	o.events = append(o.events, event)
	o.owners = append(o.owners, message)
}

// Publish puts everything that was added and records in results, which has an entry for each message, why a message's events
// could not all be put. Such a message is to be delivered again; its events that were put are then put twice, under the
// same ids. A message that has failed already keeps its first reason.
func (o *Outbox) Publish(ctx context.Context, publisher Publisher, results Results) {
	if len(o.events) == 0 {
		return
	}
	failures := publisher.Publish(ctx, o.events)
	for i, owner := range o.owners {
		if err, failed := failures[i]; failed && results[owner] == nil {
			results[owner] = err
		}
	}
}
