package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/payrail/payrail/events"
	"github.com/payrail/payrail/internal/batch"
	"github.com/payrail/payrail/payment"
	"github.com/payrail/payrail/payment/iso20022"
)

// processingCodeDigits is the length of DE3; dedup forwards no authorization without it.
const processingCodeDigits = 6

// standardizer turns authorizations into ISO 20022. It holds no state: the same event always gives the same message.
type standardizer struct {
	publisher batch.Publisher
	now       func() time.Time
}

// handle standardizes a batch and publishes its results together.
func (s standardizer) handle(ctx context.Context, messages []batch.Message) batch.Results {
	results := make(batch.Results, len(messages))
	var outbox batch.Outbox
	for i, message := range messages {
		event, err := s.standardize(message)
		if err != nil {
			results[i] = err
			continue
		}
		outbox.Add(i, event)
	}
	outbox.Publish(ctx, s.publisher, results)
	return results
}

func (s standardizer) standardize(message batch.Message) (events.Event, error) {
	detail, err := batch.Decode[events.AuthorizedData](message, events.TransactionAuthorized)
	if err != nil {
		return events.Event{}, err
	}
	// The recorded ingest time, never the present: a redelivery must give the same message.
	ingestedAt, err := time.Parse(time.RFC3339, detail.Metadata.OccurredAt)
	if err != nil {
		return events.Event{}, unreadable(detail, fmt.Errorf("metadata has no occurredAt that is a time: %w", err))
	}
	authorization := detail.Data.Authorization
	if len(authorization.ProcessingCode) != processingCodeDigits {
		return events.Event{}, unreadable(detail, errors.New("the authorization has no processing code of 6 digits"))
	}
	if err := payment.CheckSupported(authorization); err != nil {
		return events.Event{}, err
	}
	standardized, err := iso20022.Standardize(authorization, detail.Data.PayloadHash, ingestedAt)
	if err != nil {
		return events.Event{}, fmt.Errorf("standardizing %s: %w", detail.Metadata.TransactionID, err)
	}
	event, err := events.New(events.TransactionStandardized, events.SourceStandardize,
		detail.Metadata.Next(events.TransactionStandardized, "", s.now()),
		events.StandardizedData{Message: standardized, Payment: events.Payment{
			Authorization: authorization, TransactionType: authorization.TransactionType(),
			BusinessKey: detail.Data.BusinessKey, PayloadHash: detail.Data.PayloadHash,
		}})
	if err != nil {
		return events.Event{}, unreadable(detail, err)
	}
	return event, nil
}

// unreadable marks an event that its producer made wrongly: it stays so, however often it is delivered.
func unreadable(detail events.Detail[events.AuthorizedData], err error) error {
	return &payment.Error{Kind: payment.Invalid, Reason: batch.ReasonUnreadable, Err: fmt.Errorf("event %s: %w", detail.Metadata.EventID, err)}
}
