package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/payrail/payrail/events"
	"github.com/payrail/payrail/internal/batch"
	"github.com/payrail/payrail/internal/ledger"
	"github.com/payrail/payrail/internal/parked"
	"github.com/payrail/payrail/payment"
)

// Reasons under which sequences are parked.
const (
	reasonLateDuplicate = "LATE_DUPLICATE"
	reasonSuperseded    = "SUPERSEDED"
	reasonConflict      = "POSTING_CONFLICT"
)

// settle does what the ledger's answer asks for: an event, a parked object, or both. Events go to the outbox under the
// group's first message; content is what is parked.
func (p *poster) settle(ctx context.Context, g *group, content any, result ledger.Result, outbox *batch.Outbox) error {
	if err := p.settleFurther(ctx, g, result.Further, outbox); err != nil {
		return err
	}
	if result.Err != nil {
		return p.refuse(ctx, g, content, result.Err, outbox)
	}
	switch result.Disposition {
	case ledger.Posted:
		return p.announce(g, result.Record, outbox)
	case ledger.AlreadyPosted:
		if g.onlyReplayed() {
			return nil
		}
		return p.announce(g, result.Record, outbox)
	case ledger.LateDuplicate:
		return p.park(ctx, g, content, result.Record, parking{kind: "DUPLICATE", reason: reasonLateDuplicate, detailType: events.DuplicateTransactionParked, problem: "the same payment was posted for another authorization"}, outbox)
	case ledger.Superseded:
		// No event: the payment is posted, and told, in its first version. The object shows what the other one would have been.
		return p.park(ctx, g, content, result.Record, parking{kind: reasonSuperseded, reason: reasonSuperseded, detailType: "", problem: "the payment was posted with other legs before; reference data changed in between"}, outbox)
	case ledger.SamePurchase:
		return p.park(ctx, g, content, result.Record, parking{kind: "DUPLICATE", reason: payment.ReasonSamePurchase, detailType: events.DuplicateTransactionParked, problem: "another message posted the same purchase, with the same amount"}, outbox)
	case ledger.Waiting:
		if result.Order == nil || len(result.Further) > 0 {
			return nil // an order that ended the waiting of others, or found none
		}
		if g.onlyReplayed() && result.Known {
			return nil
		}
		return p.find(g, finding{events.OrphanReversal, "R-060", payment.SequenceID(result.Order.PurchaseKey, 0),
			"the original is not in the ledger; the reversal waits for it"}, outbox)
	case ledger.Conflicting:
		return p.park(ctx, g, content, result.Record, parking{kind: string(payment.Conflict), reason: reasonConflict, detailType: events.DuplicateConflictDetected, problem: "another payment with other content was posted under the same business key"}, outbox)
	default:
		return fmt.Errorf("settling a posting of %s: the ledger answered %q", g.sequence.TransactionID, result.Disposition)
	}
}

// refuse parks a sequence that its purchase refuses for good, because it cannot be another message about it. Any other error
// fails the messages, which come again.
func (p *poster) refuse(ctx context.Context, g *group, content any, err error, outbox *batch.Outbox) error {
	var refused *payment.Error
	if !errors.As(err, &refused) || refused.Kind != payment.Conflict {
		return err
	}
	return p.park(ctx, g, content, ledger.Record{}, parking{kind: string(refused.Kind), reason: refused.Reason, detailType: events.DuplicateConflictDetected, problem: refused.Err.Error()}, outbox)
}

// announce publishes that a record is in the journal, as the journal has it.
func (p *poster) announce(g *group, record ledger.Record, outbox *batch.Outbox) error {
	cause := g.cause
	if record.ID == "" {
		return nil // nothing was posted by itself
	}
	cause.PostingSequence = record.ID // that of a message about a purchase is named after the purchase
	event, err := events.New(events.TransactionPosted, events.SourcePosting, cause.Next(events.TransactionPosted, "", p.now()),
		events.PostedData{Sequence: record.Sequence, Outcome: record.Outcome, EntryHash: record.EntryHash, Legs: record.Legs})
	if err != nil {
		return err
	}
	outbox.Add(g.messages[0], event)
	return nil
}

// parking says how a sequence that was not posted is kept and told.
type parking struct {
	kind, reason string
	// detailType is empty where no event tells of it.
	detailType events.DetailType
	problem    string
	// found is a finding that is told with it; nil for none.
	found *finding
}

// keep writes the object. fresh is false for what a replay brings and is there already.
func (p *poster) keep(ctx context.Context, g *group, record parked.Record) (object string, fresh bool, err error) {
	if g.onlyReplayed() {
		return p.parked.PutNew(ctx, record)
	}
	object, err = p.parked.Put(ctx, record)
	return object, true, err
}

// parkedSequence is how a sequence is parked.
type parkedSequence struct {
	Sequence payment.Sequence `json:"sequence"`
	Legs     []payment.Leg    `json:"legs"`
}

// park keeps a sequence or a reversal that has no effect, and tells of it. Its object and its event are the same whenever it comes
// again. What a replay brings and is parked already was told then.
func (p *poster) park(ctx context.Context, g *group, content any, held ledger.Record, how parking, outbox *batch.Outbox) error {
	form, err := json.Marshal(content)
	if err != nil {
		return fmt.Errorf("parking a posting of %s: %w", g.sequence.TransactionID, err)
	}
	occurredAt, err := time.Parse(time.RFC3339, g.sequence.OccurredAt)
	if err != nil {
		return fmt.Errorf("parking a posting of %s: %w", g.sequence.TransactionID, err)
	}
	object, fresh, err := p.keep(ctx, g, parked.Record{
		Stage: "posting", Kind: how.kind, Reason: how.reason, Problem: how.problem, TransactionID: g.sequence.TransactionID,
		AuthorizationID: g.sequence.AuthorizationID, KnownAuthorizationID: held.AuthorizationID, OccurredAt: occurredAt, Content: form,
	})
	if err != nil || !fresh {
		return err
	}
	if how.found != nil {
		if err := p.find(g, *how.found, outbox); err != nil {
			return err
		}
	}
	if how.detailType == "" {
		return nil
	}
	// The authorization is part of the id: several may collide with one posted sequence.
	metadata := g.cause.Next(how.detailType, g.sequence.AuthorizationID, p.now())
	event, err := events.New(how.detailType, events.SourcePosting, metadata, events.ParkedData{
		AuthorizationID: g.sequence.AuthorizationID, Kind: how.kind, Reason: how.reason, Problem: how.problem,
		KnownAuthorizationID: held.AuthorizationID, Object: object,
	})
	if err != nil {
		return err
	}
	outbox.Add(g.messages[0], event)
	return nil
}
