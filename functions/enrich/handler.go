package main

import (
	"context"
	"time"

	"github.com/payrail/payrail/events"
	"github.com/payrail/payrail/internal/batch"
	"github.com/payrail/payrail/internal/directory"
	"github.com/payrail/payrail/payment"
)

// answerer models directory.Directory. It is safe for concurrent use.
type answerer interface {
	Answers(ctx context.Context, questions []directory.Question) []directory.Answer
}

// enricher adds to payments what the directory knows.
type enricher struct {
	directory answerer
	publisher batch.Publisher
	now       func() time.Time
}

// handle enriches a batch: one round of look-ups for all payments, one publication of all results.
func (e *enricher) handle(ctx context.Context, messages []batch.Message) batch.Results {
	results := make(batch.Results, len(messages))
	var (
		owners    []int
		details   []events.Detail[events.StandardizedData]
		questions []directory.Question
	)
	for i, message := range messages {
		detail, err := batch.Decode[events.StandardizedData](message, events.TransactionStandardized)
		if err != nil {
			results[i] = err
			continue
		}
		p := detail.Data.Payment
		owners, details = append(owners, i), append(details, detail)
		questions = append(questions, directory.Question{PANToken: p.PANToken, Currency: p.BillingAmount.Currency, MCC: p.MCC, BIN: p.BIN})
	}
	var outbox batch.Outbox
	for n, answer := range e.directory.Answers(ctx, questions) {
		i := owners[n]
		if answer.Err != nil {
			results[i] = answer.Err
			continue
		}
		event, err := events.New(events.TransactionEnriched, events.SourceEnrich,
			details[n].Metadata.Next(events.TransactionEnriched, "", e.now()), enrich(details[n].Data, answer))
		if err != nil {
			results[i] = &payment.Error{Kind: payment.Invalid, Reason: batch.ReasonUnreadable, Err: err}
			continue
		}
		outbox.Add(i, event)
	}
	outbox.Publish(ctx, e.publisher, results)
	return results
}

// enrich joins a payment with what the directory knows. It is a function of the two: a redelivery with the same reference
// data gives the same event.
func enrich(standardized events.StandardizedData, answer directory.Answer) events.EnrichedData {
	authorization := standardized.Payment.Authorization
	authorization.Merchant.Name = cleanName(authorization.Merchant.Name)
	return events.EnrichedData{
		Payment:     standardized.Payment,
		Account:     answer.Account,
		Merchant:    events.MerchantFacts{Name: authorization.Merchant.Name, Category: answer.Category},
		Description: payment.Description(authorization),
		Scheme:      answer.Scheme,
		Terms:       answer.Terms,
		Facts:       payment.ComputeFacts(standardized.Payment.Authorization, answer.Account, answer.WatchList),
		Message:     standardized.Message.Enriched(answer.Account),
	}
}
