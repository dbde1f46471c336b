package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/payrail/payrail/internal/batch"
	"github.com/payrail/payrail/internal/ledger"
	"github.com/payrail/payrail/internal/parked"
	"github.com/payrail/payrail/payment"
)

// assembler models assemblyTable. It is safe for concurrent use.
type assembler interface {
	Add(ctx context.Context, sequence payment.Sequence, legs []payment.Leg) ([]payment.Leg, error)
}

// committer models ledger.Store. It is safe for concurrent use.
type committer interface {
	Commit(ctx context.Context, entries []payment.JournalEntry) []ledger.Result
	Settle(ctx context.Context, order payment.Order) ledger.Result
	Twin(ctx context.Context, record ledger.Record) (sequence string, err error)
	RefundsKnownPurchase(ctx context.Context, record ledger.Record) (bool, error)
	Lookup(ctx context.Context, sequence payment.Sequence) (result ledger.Result, known bool, err error)
}

// parker models parked.Store.
type parker interface {
	Put(ctx context.Context, record parked.Record) (string, error)
	PutNew(ctx context.Context, record parked.Record) (key string, written bool, err error)
}

// poster posts sequences.
type poster struct {
	assembly  assembler
	ledger    committer
	parked    parker
	publisher batch.Publisher
	now       func() time.Time
}

// assembled is what became of putting a group's sequence together: complete, waiting, known to be posted, or failed.
type assembled struct {
	group *group
	// entry is the complete sequence; nil while legs are missing.
	entry *payment.JournalEntry
	// known is what became of the sequence when it came before.
	known *ledger.Result
	err   error
}

// handle posts the sequences that a batch completes. What can be assembled within the batch is; the legs of the other
// sequences are kept until whoever adds the last one posts them all. Orders come last: their originals may be in the batch.
func (p *poster) handle(ctx context.Context, messages []batch.Message) batch.Results {
	results := make(batch.Results, len(messages))
	sequences := p.assemble(ctx, groupLegs(messages, results))

	var entries []payment.JournalEntry
	var complete []*group
	var outbox batch.Outbox
	for _, s := range sequences {
		switch {
		case s.err != nil:
			fail(results, s.group, s.err)
		case s.known != nil:
			fail(results, s.group, p.settle(ctx, s.group, parkedSequence{s.group.sequence, s.group.whole()}, *s.known, &outbox))
			// The attempt that posted it may have died before telling what it found beside it.
			fail(results, s.group, p.tell(s.group, *s.known, p.inspect(ctx, []ledger.Result{*s.known})[0], &outbox))
		case s.entry != nil:
			entries, complete = append(entries, *s.entry), append(complete, s.group)
		}
		// Else legs are missing and those here are kept: their messages are done.
	}
	committed := p.ledger.Commit(ctx, entries)
	// Point of no return. From here on the ledger has the sequences, and the messages in hand are the only reminder that the
	// world has not been told: none of a sequence's messages may be acknowledged before its event is out, or nobody would
	// ever publish it. All of them are failed together and not only the last, because a leg that comes back alone need not
	// complete its sequence again.
	inspections := p.inspect(ctx, committed)
	for n, g := range complete {
		fail(results, g, p.settle(ctx, g, parkedSequence{entries[n].Sequence, entries[n].Legs}, committed[n], &outbox))
		fail(results, g, p.tell(g, committed[n], inspections[n], &outbox))
	}
	p.carryOut(ctx, messages, results, &outbox)
	outbox.Publish(ctx, p.publisher, results)
	for _, s := range sequences {
		fail(results, s.group, results[s.group.messages[0]])
	}
	return results
}

// fail gives every message of a group the error, if there is one.
func fail(results batch.Results, g *group, err error) {
	if err == nil {
		return
	}
	for _, i := range g.messages {
		results[i] = err
	}
}

// assemble puts the sequence of each group together: from the batch where it has all legs, else through the assembly table,
// all of those at the same time.
func (p *poster) assemble(ctx context.Context, groups []*group) []assembled {
	sequences := make([]assembled, len(groups))
	var waiting sync.WaitGroup
	for i, g := range groups {
		sequences[i] = put(g, g.legs)
		if sequences[i].entry == nil && sequences[i].err == nil {
			waiting.Go(func() { sequences[i] = p.gather(ctx, g) })
		}
	}
	waiting.Wait()
	return sequences
}

// put assembles legs of a group's sequence; legs that are missing are no error.
func put(g *group, legs []payment.Leg) assembled {
	entry, err := payment.Assemble(g.sequence, legs)
	switch {
	case errors.Is(err, payment.ErrIncomplete):
		return assembled{group: g}
	case err != nil:
		return assembled{group: g, err: err}
	default:
		return assembled{group: g, entry: &entry}
	}
}

// gather adds a group's legs to those that wait in the assembly table. A leg that was delivered before may belong to a
// sequence that was posted out of a batch, which left nothing in that table: such a leg would wait for ever, and would not
// remind anybody to publish. So the journal is asked first. It is asked only then: for first deliveries, nearly all, the read
// would be in vain.
func (p *poster) gather(ctx context.Context, g *group) assembled {
	if g.redelivered || g.replayed {
		result, known, err := p.ledger.Lookup(ctx, g.sequence)
		if err != nil {
			return assembled{group: g, err: err}
		}
		if known && result.Record.ID != g.sequence.ID {
			return assembled{group: g, known: &result}
		}
		if known && result.Disposition == ledger.AlreadyPosted {
			return assembled{group: g, known: &result, err: checkPosted(result.Record, g.legs)}
		}
	}
	legs, err := p.assembly.Add(ctx, g.sequence, g.legs)
	if err != nil {
		return assembled{group: g, err: err}
	}
	return put(g, legs)
}

// checkPosted verifies that legs are those of the posted sequence whose checksum they carry.
func checkPosted(record ledger.Record, legs []payment.Leg) error {
	for _, leg := range legs {
		if leg.Number > len(record.Legs) || record.Legs[leg.Number-1] != leg {
			return &payment.Error{Kind: payment.Invalid, Reason: reasonLeg, Err: fmt.Errorf("leg %d of sequence %s is not the one that was posted", leg.Number, record.ID)}
		}
	}
	return nil
}
