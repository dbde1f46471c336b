package ledger

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/payrail/payrail/events"
	"github.com/payrail/payrail/payment"
)

// originalWaits are the waits for an original that is not in the journal yet. Both may have come in within the same second and
// be on their way; the queue would bring the reversal back only after its visibility timeout, minutes later.
var originalWaits = []time.Duration{100 * time.Millisecond, 200 * time.Millisecond, 400 * time.Millisecond, 800 * time.Millisecond, 1600 * time.Millisecond}

// reversals is the item that counts the reversals of a sequence. Every reversal is written together with a change of it that
// is conditional on its version: of two at once, one finds that it has changed and is computed anew.
type reversals struct {
	original string
	// version is the number of reversals so far: the number of the last one's sequence.
	version int64
	// remaining is what remains of the billed amount.
	remaining payment.Money
	// applied has the number of each reversal by its business key.
	applied map[string]int64
}

// Reverse posts a reversal against what the journal holds of its original. It is posted at most once, however often it is
// ordered. An original that is not there is an error of kind Unavailable, for it may come; an order that the ledger refuses
// is an error of kind Conflict. The error's reason says which.
func (s *Store) Reverse(ctx context.Context, order payment.ReversalOrder) Result {
	original, err := s.original(ctx, order.OriginalSequence)
	if err != nil {
		return Result{Err: err}
	}
	postedAt := events.FormatTime(s.options.Now())
	backoff := firstBackoff
	for attempt := 1; ; attempt++ {
		result, err := s.reverseOnce(ctx, original, order, postedAt)
		if err == nil {
			return result
		}
		if attempt == maxAttempts || !(retryable(err) || lostRace(err)) {
			return Result{Err: fmt.Errorf("reversing sequence %s, attempt %d: %w", original.ID, attempt, err)}
		}
		if waitErr := s.options.Wait(ctx, s.options.Jitter(backoff)); waitErr != nil {
			return Result{Err: fmt.Errorf("reversing sequence %s: %w, after %w", original.ID, waitErr, err)}
		}
		backoff = min(2*backoff, longestBackoff)
	}
}

// original reads the record of the sequence to be reversed, and waits a moment for one that is not there.
func (s *Store) original(ctx context.Context, sequence string) (Record, error) {
	for attempt := 0; ; attempt++ {
		record, found, err := s.Journal(ctx, sequence)
		if err != nil || found {
			return record, err
		}
		if attempt == len(originalWaits) {
			return Record{}, &payment.Error{Kind: payment.Unavailable, Reason: payment.ReasonOriginalNotFound, Err: fmt.Errorf("the journal has no sequence %s to be reversed", sequence)}
		}
		if err := s.options.Wait(ctx, originalWaits[attempt]); err != nil {
			return Record{}, fmt.Errorf("waiting for sequence %s: %w", sequence, err)
		}
	}
}

// errRefused marks an answer of the domain, which no further attempt changes.
var errRefused = errors.New("refused")

// reverseOnce computes the reversal on the state as it is and writes it if that state has not changed meanwhile.
func (s *Store) reverseOnce(ctx context.Context, original Record, order payment.ReversalOrder, postedAt string) (Result, error) {
	state, err := s.reversals(ctx, original)
	if err != nil {
		return Result{}, err
	}
	if number, done := state.applied[order.BusinessKey]; done {
		return s.reversed(ctx, payment.CorrectionID(original.ID, int(number)), order, postedAt)
	}
	entry, err := payment.Reverse(original.JournalEntry, state.remaining, int(state.version)+1, order)
	if err != nil {
		return Result{}, fmt.Errorf("%w: %w", errRefused, err)
	}
	p, err := newPlan(s.options.Table, 0, Record{JournalEntry: entry, EntryHash: entry.Hash(), PostedAt: postedAt})
	if err != nil {
		return Result{}, fmt.Errorf("%w: %w", errRefused, err)
	}
	p.advance(s.options.Table, state, entry)
	if err := s.write(ctx, []plan{p}); err != nil {
		return Result{}, err
	}
	return Result{Disposition: Posted, Record: p.record}, nil
}

// reversed settles a reversal that the ledger knows.
func (s *Store) reversed(ctx context.Context, sequence string, order payment.ReversalOrder, postedAt string) (Result, error) {
	held, found, err := s.Journal(ctx, sequence)
	if err != nil {
		return Result{}, err
	}
	if !found {
		return Result{}, fmt.Errorf("%w: sequence %s is counted and not in the journal", errRefused, sequence)
	}
	disposition := AlreadyPosted
	switch {
	case held.PayloadHash != order.PayloadHash:
		disposition = Conflicting
	case held.AuthorizationID != order.AuthorizationID:
		disposition = LateDuplicate
	case held.PostedAt == postedAt:
		disposition = Posted // our own transaction, whose answer was lost
	}
	return Result{Disposition: disposition, Record: held}, nil
}

// lostRace reports whether another reversal of the same original was written between reading the state and writing ours. The
// journal item and the counting item then both fail their conditions; nothing else but they has one that can.
func lostRace(err error) bool {
	var cancelled *types.TransactionCanceledException
	if !errors.As(err, &cancelled) {
		return false
	}
	reasons := cancelled.CancellationReasons
	return len(reasons) > 1 && (aws.ToString(reasons[0].Code) == conditionFailed || aws.ToString(reasons[len(reasons)-1].Code) == conditionFailed)
}

// reversals reads the state of a sequence's reversals; before the first there is no item.
func (s *Store) reversals(ctx context.Context, original Record) (reversals, error) {
	out, err := s.options.Client.GetItem(ctx, &dynamodb.GetItemInput{TableName: &s.options.Table, Key: reversalKey(original.ID).attributes(), ConsistentRead: aws.Bool(true)})
	if err != nil {
		return reversals{}, fmt.Errorf("reading the reversals of sequence %s: %w", original.ID, err)
	}
	if len(out.Item) == 0 {
		return reversals{original: original.ID, remaining: original.Billed()}, nil
	}
	state, err := decodeReversals(out.Item)
	if err != nil {
		return reversals{}, fmt.Errorf("%w: %w", errRefused, err)
	}
	return state, nil
}

// advance adds the action that counts a reversal, conditional on the state it was computed on. It must be the last one.
func (p *plan) advance(table string, before reversals, entry payment.JournalEntry) {
	applied := map[string]int64{}
	maps.Copy(applied, before.applied)
	applied[entry.BusinessKey] = before.version + 1
	numbers := make(map[string]types.AttributeValue, len(applied))
	for key, n := range applied {
		numbers[key] = number(n)
	}
	update := &types.Update{
		TableName: &table, Key: reversalKey(before.original).attributes(),
		UpdateExpression:         aws.String("SET #sequence = :sequence, #version = :version, #minor = :minor, #currency = :currency, #applied = :applied"),
		ExpressionAttributeNames: map[string]string{"#sequence": "sequence", "#version": "version", "#minor": "minor", "#currency": "currency", "#applied": "applied"},
		ExpressionAttributeValues: map[string]types.AttributeValue{
			":sequence": text(before.original), ":version": number(before.version + 1), ":minor": number(entry.Remaining.Minor),
			":currency": text(string(entry.Remaining.Currency)), ":applied": &types.AttributeValueMemberM{Value: numbers},
		},
		ConditionExpression: aws.String("attribute_not_exists(pk)"),
	}
	if before.version > 0 {
		update.ConditionExpression = aws.String("#version = :before")
		update.ExpressionAttributeValues[":before"] = number(before.version)
	}
	p.keys = append(p.keys, reversalKey(before.original))
	p.actions = append(p.actions, types.TransactWriteItem{Update: update})
}

func decodeReversals(item map[string]types.AttributeValue) (reversals, error) {
	d := &decoder{item: item}
	state := reversals{original: d.required("sequence"), version: d.number("version"), remaining: d.money(), applied: map[string]int64{}}
	applied, ok := item["applied"].(*types.AttributeValueMemberM)
	if !ok {
		d.fail("applied", "is not a map")
	} else {
		in := decoder{item: applied.Value}
		for key := range applied.Value {
			state.applied[key] = in.number(key)
		}
		if in.err != nil {
			d.fail("applied", in.err.Error())
		}
	}
	if d.err != nil {
		return reversals{}, fmt.Errorf("decoding the item %q: %w", d.text("pk"), d.err)
	}
	return state, nil
}
