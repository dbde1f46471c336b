package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"github.com/payrail/payrail/events"
	"github.com/payrail/payrail/internal/batch"
	"github.com/payrail/payrail/internal/ledger"
	"github.com/payrail/payrail/payment"
)

// reasonReversal is the reason of a reversal that lacks what it is posted by.
const reasonReversal = "REVERSAL_INVALID"

// isReversal reports whether a message asks for a reversal. What cannot be read is none: it fails as a leg.
func isReversal(message batch.Message) bool {
	var head struct {
		DetailType events.DetailType `json:"detail-type"`
	}
	return json.Unmarshal(message.Body, &head) == nil && head.DetailType == events.ReversalRequested
}

// reverse posts the reversals of a batch, all at the same time: one that waits for its original must not hold up the others.
func (p *poster) reverse(ctx context.Context, messages []batch.Message, results batch.Results, outbox *batch.Outbox) {
	groups := make([]*group, len(messages))
	orders := make([]payment.ReversalOrder, len(messages))
	reversed := make([]ledger.Result, len(messages))
	var running sync.WaitGroup
	for i, message := range messages {
		if !isReversal(message) {
			continue
		}
		g, order, err := readReversal(i, message)
		if err != nil {
			results[i] = err
			continue
		}
		groups[i], orders[i] = g, order
		running.Go(func() { reversed[i] = p.ledger.Reverse(ctx, order) })
	}
	running.Wait()
	for i, g := range groups {
		if g == nil {
			continue
		}
		// The sequence got its number when it was posted: events about it go by that, and name the reversal as their cause.
		g.cause.PostingSequence = reversed[i].Record.ID
		results[i] = p.settleReversal(ctx, g, orders[i], reversed[i], outbox)
	}
}

// readReversal reads a message into a group of its own.
func readReversal(i int, message batch.Message) (*group, payment.ReversalOrder, error) {
	detail, err := batch.Decode[events.ReversalData](message, events.ReversalRequested)
	if err != nil {
		return nil, payment.ReversalOrder{}, err
	}
	o := detail.Data.Reversal
	if o.OriginalSequence == "" || o.BusinessKey == "" || o.TransactionID == "" || o.AuthorizationID == "" || o.PayloadHash == "" || !isTime(o.OccurredAt) {
		return nil, o, &payment.Error{Kind: payment.Invalid, Reason: reasonReversal,
			Err: fmt.Errorf("event %s lacks its original, key, transaction, authorization, payload hash or time", detail.Metadata.EventID)}
	}
	return &group{
		sequence: payment.Sequence{TransactionID: o.TransactionID, AuthorizationID: o.AuthorizationID, OccurredAt: o.OccurredAt},
		messages: []int{i}, cause: detail.Metadata, redelivered: message.Receives != 1, replayed: detail.Metadata.Replay != "",
	}, o, nil
}

// settleReversal does what the ledger's answer asks for. A reversal that it refuses is parked and told: no redelivery
// changes the answer. One whose original is not there fails, comes again, and ends in the dead-letter queue, from
// which it can be sent back once the original is posted.
func (p *poster) settleReversal(ctx context.Context, g *group, order payment.ReversalOrder, result ledger.Result, outbox *batch.Outbox) error {
	var refused *payment.Error
	if errors.As(result.Err, &refused) && refused.Kind == payment.Conflict {
		return p.park(ctx, g, order, ledger.Record{}, parking{string(refused.Kind), refused.Reason, events.TransactionRejected, refused.Err.Error()}, outbox)
	}
	return p.settle(ctx, g, order, result, outbox)
}
