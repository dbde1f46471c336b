package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/payrail/payrail/events"
	"github.com/payrail/payrail/internal/batch"
	"github.com/payrail/payrail/payment"
)

// reasonDecision is the reason of a decision that contradicts itself.
const reasonDecision = "DECISION_INVALID"

// splitter turns decisions and posting requests into the legs of posting sequences.
type splitter struct {
	publisher batch.Publisher
	now       func() time.Time
}

// handle splits a batch of decisions. The legs of all of them are published together; a decision is done only if all of its
// legs were published. If it is not, all are published again under the same ids.
func (s *splitter) handle(ctx context.Context, messages []batch.Message) batch.Results {
	results := make(batch.Results, len(messages))
	var outbox batch.Outbox
	for i, message := range messages {
		all, err := s.split(message)
		if err != nil {
			results[i] = err
			continue
		}
		for _, event := range all {
			outbox.Add(i, event)
		}
	}
	outbox.Publish(ctx, s.publisher, results)
	return results
}

// split makes the events of one decision: a leg event for each leg, and of a reversal, whose legs only the ledger can tell, the
// order to make them. A posting request becomes its legs.
func (s *splitter) split(message batch.Message) ([]events.Event, error) {
	from := headOf(message)
	if err := from.checkSource(); err != nil {
		return nil, err
	}
	if from.DetailType == events.PostingRequested {
		return s.request(message, from)
	}
	detail, err := batch.Decode[events.DecisionData](message, events.TransactionPostingApproved, events.TransactionRoutedToSuspense)
	if err != nil {
		return nil, err
	}
	if detail.Data.Payment.IsReversal() {
		return s.reversal(detail)
	}
	return s.legs(detail)
}

// reversal makes the event that asks for a reversal.
func (s *splitter) reversal(detail events.Detail[events.DecisionData]) ([]events.Event, error) {
	order, err := orderOf(detail)
	if err != nil {
		return nil, err
	}
	return s.order(detail.Metadata, order)
}

// order makes the event of an order.
func (s *splitter) order(cause events.Metadata, order payment.Order) ([]events.Event, error) {
	event, err := events.New(events.PostingOrderCreated, events.SourceAccountInterface,
		cause.Next(events.PostingOrderCreated, "", s.now()), events.OrderData{Order: order})
	if err != nil {
		return nil, &payment.Error{Kind: payment.Invalid, Reason: reasonDecision, Err: err}
	}
	return []events.Event{event}, nil
}

// orderOf makes of a decided reversal what the ledger needs to post it.
func orderOf(detail events.Detail[events.DecisionData]) (payment.Order, error) {
	p := detail.Data.Payment
	outcome, err := outcomeOf(detail.Data.Decision)
	if err != nil {
		return payment.Order{}, err
	}
	if err := payment.CheckSupported(p.Authorization); err != nil {
		return payment.Order{}, err
	}
	businessKey, err := checkKey(detail)
	if err != nil {
		return payment.Order{}, err
	}
	order := payment.Order{
		Kind: payment.OrderReversal, PurchaseKey: p.OriginalKey(), BusinessKey: businessKey, TransactionID: detail.Metadata.TransactionID,
		AuthorizationID: p.ID, PayloadHash: p.PayloadHash, PANToken: p.PANToken, OccurredAt: detail.Metadata.OccurredAt,
		ValueDate: payment.ValueDate(p.SettlementDate, p.TransmittedAt), Description: detail.Data.Description,
		Outcome: outcome, AccountID: detail.Data.Account.ID, TransmittedAt: instant(p.TransmittedAt), TransactionType: p.TransactionType,
		Scheme: detail.Data.Scheme, TransactionAmount: p.TransactionAmount, BillingAmount: p.BillingAmount,
		ReplacementAmount: p.ReplacementAmount, ReplacementBillingAmount: p.ReplacementBillingAmount,
	}
	if outcome == payment.OutcomeSuspense {
		order.Reason = detail.Data.Decision.Reason
	}
	return order, order.Check()
}

// instant writes a time of transmission.
func instant(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

// checkKey recomputes the business key and does not only read it: the sequence id is a part of the key, and a wrong one posts a
// payment twice.
func checkKey(detail events.Detail[events.DecisionData]) (string, error) {
	businessKey := detail.Data.Payment.Authorization.BusinessKey()
	if detail.Data.Payment.BusinessKey != businessKey || detail.Metadata.TransactionID != payment.TransactionID(businessKey) {
		return "", &payment.Error{Kind: payment.Invalid, Reason: reasonDecision,
			Err: fmt.Errorf("the payment of %s does not have the business key it is sent under", detail.Metadata.TransactionID)}
	}
	return businessKey, nil
}

// legs makes the leg events of one decision.
func (s *splitter) legs(detail events.Detail[events.DecisionData]) ([]events.Event, error) {
	sequence, legs, err := split(detail)
	if err != nil {
		return nil, err
	}
	return s.legEvents(detail.Metadata, sequence, legs)
}

// legEvents makes an event for each leg of a sequence.
func (s *splitter) legEvents(metadata events.Metadata, sequence payment.Sequence, legs []payment.Leg) ([]events.Event, error) {
	now := s.now()
	metadata.PostingSequence = sequence.ID
	all := make([]events.Event, len(legs))
	var err error
	for n, leg := range legs {
		next := metadata.Next(events.PostingLegCreated, strconv.Itoa(leg.Number), now)
		all[n], err = events.New(events.PostingLegCreated, events.SourceAccountInterface, next, events.LegData{Sequence: sequence, Leg: leg})
		if err != nil {
			return nil, &payment.Error{Kind: payment.Invalid, Reason: reasonDecision, Err: err}
		}
	}
	return all, nil
}

// split applies the posting rules to a decision and names the sequence that its legs make.
func split(detail events.Detail[events.DecisionData]) (payment.Sequence, []payment.Leg, error) {
	d := detail.Data
	outcome, err := outcomeOf(d.Decision)
	if err != nil {
		return payment.Sequence{}, nil, err
	}
	businessKey, err := checkKey(detail)
	if err != nil {
		return payment.Sequence{}, nil, err
	}
	decided := payment.Decided{
		Outcome: outcome, MTI: d.Payment.MTI, TransactionType: d.Payment.TransactionType, MCC: d.Payment.MCC,
		Foreign: payment.Foreign(d.Payment.Authorization), Charges: chargesOf(d),
		TransmittedAt:     instant(d.Payment.TransmittedAt),
		TransactionAmount: d.Payment.TransactionAmount, BillingAmount: d.Payment.BillingAmount,
		AccountID: d.Account.ID, BranchID: d.Account.BranchID, Scheme: d.Scheme, Terms: d.Terms, Description: d.Description,
		ValueDate: payment.ValueDate(d.Payment.SettlementDate, d.Payment.TransmittedAt),
	}
	if d.Payment.SettlementAmount != nil {
		decided.SettlementAmount = *d.Payment.SettlementAmount
	}
	legs, err := payment.Legs(decided)
	if err != nil {
		return payment.Sequence{}, nil, fmt.Errorf("making the legs of %s: %w", detail.Metadata.TransactionID, err)
	}
	sequence := payment.Sequence{
		ID: payment.SequenceID(businessKey, 0), Of: len(legs), Checksum: payment.Checksum(legs),
		TransactionID: detail.Metadata.TransactionID, AuthorizationID: d.Payment.ID, BusinessKey: businessKey,
		PayloadHash: d.Payment.PayloadHash, Outcome: outcome, OccurredAt: detail.Metadata.OccurredAt,
		Basis: decided, Links: d.Payment.Links(), RefundOf: d.Payment.RefundOf(), MerchantKey: d.Payment.MerchantKey(),
	}
	if outcome == payment.OutcomeSuspense {
		sequence.Reason = d.Decision.Reason
	}
	return sequence, legs, nil
}

// chargesOf are the charges that the rules decided on. A decision of older rules has none: then those of the payment's kind.
func chargesOf(d events.DecisionData) payment.Charges {
	if d.Charges != nil {
		return *d.Charges
	}
	return payment.ChargesOf(d.Payment.Authorization)
}

func outcomeOf(decision events.Decision) (payment.Outcome, error) {
	switch decision.Outcome {
	case events.DecisionApproved:
		return payment.OutcomePosted, nil
	case events.DecisionSuspense:
		return payment.OutcomeSuspense, nil
	default:
		return "", &payment.Error{Kind: payment.Invalid, Reason: reasonDecision, Err: fmt.Errorf("decision %q is not one to be posted", decision.Outcome)}
	}
}
