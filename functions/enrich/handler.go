package main

import (
	"context"
	"fmt"
	"slices"
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

// attemptsBeforeReview is how often a payment whose account lacks something is tried before it goes to review: what is
// missing is often just being added. The queue tries five times before it sets a message aside.
const attemptsBeforeReview = 3

// reasonIncomplete is the reason of such a payment while it is tried again, and of its review in the end.
const reasonIncomplete = "ENRICHMENT_INCOMPLETE"

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
		event, err := e.enriched(messages[i], details[n], answer)
		if err != nil {
			results[i] = err
			continue
		}
		outbox.Add(i, event)
	}
	outbox.Publish(ctx, e.publisher, results)
	return results
}

// enriched makes the event of one payment, or says that the payment is to be tried again.
func (e *enricher) enriched(message batch.Message, detail events.Detail[events.StandardizedData], answer directory.Answer) (events.Event, error) {
	occurredAt, err := time.Parse(time.RFC3339, detail.Metadata.OccurredAt)
	if err != nil {
		return events.Event{}, &payment.Error{Kind: payment.Invalid, Reason: batch.ReasonUnreadable, Err: fmt.Errorf("reading occurredAt: %w", err)}
	}
	data := enrich(detail.Data, answer, occurredAt)
	// A message whose queue does not count is judged at once: it may never come again.
	again := message.Receives > 0 && message.Receives < attemptsBeforeReview
	if again && data.Facts.EnrichmentIncomplete && data.Facts.SuspenseReason == payment.SuspenseNone {
		return events.Event{}, &payment.Error{Kind: payment.Unavailable, Reason: reasonIncomplete,
			Err: fmt.Errorf("account %s lacks its holder, its sort code or the terms of its product %s", answer.Account.ID, answer.Account.Product)}
	}
	event, err := events.New(events.TransactionEnriched, events.SourceEnrich, detail.Metadata.Next(events.TransactionEnriched, "", e.now()), data)
	if err != nil {
		return events.Event{}, &payment.Error{Kind: payment.Invalid, Reason: batch.ReasonUnreadable, Err: err}
	}
	return event, nil
}

// enrich joins a payment with what the directory knows. It is a function of the two: a redelivery with the same reference
// data gives the same event.
func enrich(standardized events.StandardizedData, answer directory.Answer, occurredAt time.Time) events.EnrichedData {
	authorization := standardized.Payment.Authorization
	authorization.Merchant.Name = cleanName(authorization.Merchant.Name)
	terms := answer.Terms
	if authorization.Rank() > payment.RankAuthorization && !slices.Contains(answer.Rules.Disabled, payment.RuleOverAuthorization) {
		// Posting has the authorization to compare with, and not the settings.
		terms.OverAuthorization = answer.Rules.OverAuthorization.For(authorization.MCC)
	}
	return events.EnrichedData{
		Payment:     standardized.Payment,
		Account:     answer.Account,
		Merchant:    events.MerchantFacts{Name: authorization.Merchant.Name, Category: answer.Category},
		Description: payment.Description(authorization),
		Scheme:      answer.Scheme,
		Terms:       terms,
		Facts: payment.ComputeFacts(payment.Observed{
			Authorization: standardized.Payment.Authorization, OccurredAt: occurredAt, Account: answer.Account, Terms: answer.Terms,
			ProductFound: answer.ProductFound, Waiver: answer.FXWaiver, CategoryListed: answer.CategoryListed, Watched: answer.WatchList, Settings: answer.Rules,
		}),
		Message: standardized.Message.Enriched(answer.Account),
	}
}
