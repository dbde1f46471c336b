package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/payrail/payrail/events"
	"github.com/payrail/payrail/internal/batch"
	"github.com/payrail/payrail/internal/ledger"
	"github.com/payrail/payrail/payment"
)

// isOrder reports whether a message is an order. What cannot be read is none: it fails as a leg.
func isOrder(message batch.Message) bool {
	var head struct {
		DetailType events.DetailType `json:"detail-type"`
	}
	return json.Unmarshal(message.Body, &head) == nil && head.DetailType == events.PostingOrderCreated
}

// carryOut carries the orders of a batch out, all at the same time.
func (p *poster) carryOut(ctx context.Context, messages []batch.Message, results batch.Results, outbox *batch.Outbox) {
	groups := make([]*group, len(messages))
	orders := make([]payment.Order, len(messages))
	settled := make([]ledger.Result, len(messages))
	var running sync.WaitGroup
	for i, message := range messages {
		if !isOrder(message) {
			continue
		}
		detail, err := batch.Decode[events.OrderData](message, events.PostingOrderCreated)
		if err == nil {
			err = detail.Data.Order.Check()
		}
		if err != nil {
			results[i] = err
			continue
		}
		orders[i] = detail.Data.Order
		groups[i] = orderGroup(orders[i], detail.Metadata, []int{i})
		groups[i].redelivered, groups[i].replayed = message.Receives != 1, detail.Metadata.Replay != ""
		running.Go(func() { settled[i] = p.ledger.Settle(ctx, orders[i]) })
	}
	running.Wait()
	for i, g := range groups {
		if g != nil {
			results[i] = p.settleOrder(ctx, g, orders[i], settled[i], outbox)
		}
	}
}

// orderGroup is the group of one order.
func orderGroup(o payment.Order, cause events.Metadata, messages []int) *group {
	return &group{
		sequence: payment.Sequence{TransactionID: o.TransactionID, AuthorizationID: o.AuthorizationID, OccurredAt: o.OccurredAt},
		messages: messages, cause: cause,
	}
}

// settleOrder does what the ledger's answer to an order asks for. What it refuses for good is parked and told: no redelivery
// changes the answer.
func (p *poster) settleOrder(ctx context.Context, g *group, order payment.Order, result ledger.Result, outbox *batch.Outbox) error {
	var refused *payment.Error
	if !errors.As(result.Err, &refused) || refused.Kind.Retryable() {
		return p.settle(ctx, g, order, result, outbox)
	}
	how := parking{kind: string(refused.Kind), reason: refused.Reason, detailType: events.TransactionRejected, problem: refused.Err.Error()}
	if refused.Reason == payment.ReasonReversalExceeds || refused.Reason == payment.ReasonAlreadyReversed {
		how.found = &finding{events.ReversalExceedsOriginal, "R-061", payment.SequenceID(order.PurchaseKey, 0), refused.Err.Error()}
	}
	return p.park(ctx, g, order, ledger.Record{}, how, outbox)
}

// settleFurther settles the reversals that had waited for the payment of a group. They came in messages that are long gone:
// the group's own messages are the reminder now, and fail with them.
func (p *poster) settleFurther(ctx context.Context, g *group, further []ledger.Result, outbox *batch.Outbox) error {
	for _, result := range further {
		if result.Order == nil {
			if result.Err != nil {
				return result.Err
			}
			continue
		}
		o := *result.Order
		occurredAt, err := time.Parse(time.RFC3339, o.OccurredAt)
		if err != nil {
			return fmt.Errorf("settling reversal %s: %w", o.TransactionID, err)
		}
		cause := events.First(events.PostingOrderCreated, o.TransactionID, o.AuthorizationID, o.PANToken, g.cause.EventID, occurredAt, p.now())
		one := orderGroup(o, cause, g.messages)
		one.redelivered, one.replayed = g.redelivered, g.replayed
		if err := p.settleOrder(ctx, one, o, result, outbox); err != nil {
			return err
		}
	}
	return nil
}

// finding is something that the ledger found out about a payment, which it does not keep from being posted.
type finding struct {
	detailType events.DetailType
	rule       string
	// related is the posting sequence that the finding is about besides the payment's own.
	related, problem string
}

// find tells of a finding.
func (p *poster) find(g *group, f finding, outbox *batch.Outbox) error {
	cause := g.cause
	cause.PostingSequence = ""
	event, err := events.New(f.detailType, events.SourcePosting, cause.Next(f.detailType, f.rule, p.now()),
		events.LedgerFindingData{Rule: f.rule, AuthorizationID: g.sequence.AuthorizationID, RelatedSequence: f.related, Problem: f.problem})
	if err != nil {
		return err
	}
	outbox.Add(g.messages[0], event)
	return nil
}
