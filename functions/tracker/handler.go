package main

import (
	"context"

	"github.com/payrail/payrail/internal/batch"
	"github.com/payrail/payrail/internal/timeline"
	"github.com/payrail/payrail/payment"
)

// writer models timeline.Writer. It is safe for concurrent use.
type writer interface {
	Write(ctx context.Context, entries []timeline.Entry) []error
}

// tracker records events. Recording one twice leaves one item.
type tracker struct{ timeline writer }

// handle records a batch with as few writes as the table takes.
func (t tracker) handle(ctx context.Context, messages []batch.Message) batch.Results {
	results := make(batch.Results, len(messages))
	var entries []timeline.Entry
	var owners []int
	for i, message := range messages {
		entry, err := timeline.Read(message.Body)
		if err != nil {
			results[i] = &payment.Error{Kind: payment.Invalid, Reason: batch.ReasonUnreadable, Err: err}
			continue
		}
		entries, owners = append(entries, entry), append(owners, i)
	}
	for n, err := range t.timeline.Write(ctx, entries) {
		results[owners[n]] = err
	}
	return results
}
