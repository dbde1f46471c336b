package ledger

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"

	"github.com/payrail/payrail/events"
	"github.com/payrail/payrail/payment"
)

const (
	// maxAttempts is how often a transaction is tried that met another one on the same item. A busy account's payments meet at
	// its balance item; whoever still fails after this goes back to the queue.
	maxAttempts = 8
	// firstBackoff is the longest wait before the second attempt: about what a transaction takes. It doubles, and the actual
	// wait is jittered, or the same transactions would meet again.
	firstBackoff = 10 * time.Millisecond
	// longestBackoff keeps all attempts together within a few seconds of the function's half minute.
	longestBackoff = 500 * time.Millisecond
)

// Getter models the DynamoDB client as far as reading one item needs it.
type Getter interface {
	GetItem(context.Context, *dynamodb.GetItemInput, ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error)
}

// Client models the DynamoDB client as far as posting needs it. It is safe for concurrent use.
type Client interface {
	Getter
	TransactWriteItems(context.Context, *dynamodb.TransactWriteItemsInput, ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error)
	Query(context.Context, *dynamodb.QueryInput, ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error)
}

// Options is what a Store is made of. All fields are needed.
type Options struct {
	Client Client
	Table  string
	// Now is the time of posting.
	Now func() time.Time
	// Wait sleeps between attempts and returns early with ctx's error.
	Wait func(context.Context, time.Duration) error
	// Jitter picks a wait between zero and the given one.
	Jitter func(time.Duration) time.Duration
}

// Store commits journal entries. It is safe for concurrent use.
type Store struct{ options Options }

// New makes a Store.
func New(options Options) *Store { return &Store{options: options} }

// Result is what became of one entry.
type Result struct {
	Disposition Disposition
	// Record is what the journal holds under the entry's sequence: the entry itself, or the one that was there before.
	Record Record
	// Order is the reversal or clearing that the result is of; nil for a payment.
	Order *payment.Order
	// Authorized is the billed amount of the authorization of the purchase that the entry is another message about.
	Authorized payment.Money
	// Known says of a reversal that waits that it did before.
	Known bool
	// Further are the results of reversals that had waited for this payment.
	Further []Result
	// Err says why nothing is known to have been committed. The other fields then mean nothing.
	Err error
}

// Commit posts entries and returns a result for each, in their order. An entry is posted whole or not at all, and at most
// once, however often and by however many it is committed. Entries that touch different items share a transaction.
func (s *Store) Commit(ctx context.Context, entries []payment.JournalEntry) []Result {
	results := make([]Result, len(entries))
	postedAt := events.FormatTime(s.options.Now())
	plans := make([]plan, 0, len(entries))
	for i, entry := range entries {
		// The ledger's own check, whatever its callers checked: nothing unbalanced or altered gets past this line.
		checked, err := payment.Assemble(entry.Sequence, entry.Legs)
		if err != nil {
			results[i].Err = fmt.Errorf("committing: %w", err)
			continue
		}
		p, err := newPlan(s.options.Table, i, Record{JournalEntry: checked, EntryHash: checked.Hash(), PostedAt: postedAt})
		if err == nil {
			err = p.open(s.options.Table)
		}
		if err == nil {
			err = s.countGivenBack(ctx, &p, entry.RefundOf, entry.Basis.BillingAmount)
		}
		if err != nil {
			results[i].Err = fmt.Errorf("committing: %w", err)
			continue
		}
		plans = append(plans, p)
	}
	for _, together := range pack(plans) {
		s.commitTogether(ctx, together, results)
	}
	return results
}

// countGivenBack adds to a refund's plan the change of the purchase that it names: what was given back cannot be disputed too. What
// is billed in another currency than the purchase is not counted.
func (s *Store) countGivenBack(ctx context.Context, p *plan, refundOf payment.Links, amount payment.Money) error {
	if refundOf == (payment.Links{}) || amount.IsZero() {
		return nil
	}
	refunded, known, err := s.refunded(ctx, refundOf)
	if err != nil || !known {
		return err
	}
	billed, err := refunded.Billed()
	if err != nil || billed.Currency != amount.Currency {
		return err
	}
	at := purchaseKey(refunded.Key)
	p.keys = append(p.keys, at)
	p.actions = append(p.actions, types.TransactWriteItem{Update: &types.Update{
		TableName: &s.options.Table, Key: at.attributes(), UpdateExpression: aws.String("ADD #refundedMinor :refunded, #version :one"),
		ExpressionAttributeNames:  map[string]string{"#refundedMinor": "refundedMinor", "#version": "version"},
		ExpressionAttributeValues: map[string]types.AttributeValue{":refunded": number(amount.Minor), ":one": number(1)},
	}})
	return nil
}

// countRefund counts what a message changes about a refund: a later one about it, or its reversal.
func (s *Store) countRefund(ctx context.Context, p *plan, before, after payment.Purchase, j joining) error {
	var refundOf payment.Links
	if j.entry != nil {
		refundOf = j.entry.RefundOf
	} else if before.Credits() {
		// An order does not say it; the refund's own sequence, the first, does.
		first, err := s.posted(ctx, before.FirstSequence())
		if err != nil {
			return err
		}
		refundOf = first.RefundOf
	}
	was, err := before.Billed()
	if err != nil {
		return err
	}
	is, err := after.Billed()
	if err != nil {
		return err
	}
	is.Minor -= was.Minor
	return s.countGivenBack(ctx, p, refundOf, is)
}

// commitTogether posts plans in one transaction. If it fails, whatever the reason, each is posted by itself: the
// transaction of one is where reasons are read, and what a lost answer has posted is found there in the journal.
func (s *Store) commitTogether(ctx context.Context, plans []plan, results []Result) {
	if len(plans) > 1 && s.write(ctx, plans) == nil {
		for _, p := range plans {
			results[p.index] = Result{Disposition: Posted, Record: p.record}
		}
		return
	}
	for _, p := range plans {
		results[p.index] = s.commitOne(ctx, p)
	}
}

func (s *Store) commitOne(ctx context.Context, p plan) Result {
	backoff := firstBackoff
	for attempt := 1; ; attempt++ {
		err := s.write(ctx, []plan{p})
		if err == nil {
			return Result{Disposition: Posted, Record: p.record}
		}
		if held, known, decodeErr := heldRecord(err); decodeErr != nil {
			return Result{Err: decodeErr}
		} else if known {
			return s.decide(ctx, p, held)
		}
		if lostRace(err) && payment.RankOf(p.record.Basis.MTI) > 0 {
			// Its purchase is known: a reversal waits for it, or it is another message about a purchase that was posted.
			return s.join(ctx, joining{message: payment.Presentment(p.record.Sequence), entry: &p.record.JournalEntry, links: p.record.Links, key: p.record.BusinessKey})
		}
		if !retryable(err) || attempt == maxAttempts {
			return Result{Err: fmt.Errorf("posting sequence %s, attempt %d: %w", p.record.ID, attempt, err)}
		}
		if waitErr := s.options.Wait(ctx, s.options.Jitter(backoff)); waitErr != nil {
			return Result{Err: fmt.Errorf("posting sequence %s: %w, after %w", p.record.ID, waitErr, err)}
		}
		backoff = min(2*backoff, longestBackoff)
	}
}

func (s *Store) write(ctx context.Context, plans []plan) error {
	var actions []types.TransactWriteItem
	for _, p := range plans {
		actions = append(actions, p.actions...)
	}
	return s.writeActions(ctx, actions, requestToken(plans))
}

func (s *Store) writeActions(ctx context.Context, actions []types.TransactWriteItem, token *string) error {
	_, err := s.options.Client.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: actions, ClientRequestToken: token})
	return err
}

// decide settles a sequence of which the journal already holds a record.
func (s *Store) decide(ctx context.Context, p plan, held *Record) Result {
	if held == nil {
		// The service need not return the item. Journal items are never deleted: it is there.
		record, found, err := s.Journal(ctx, p.record.ID)
		if err != nil {
			return Result{Err: err}
		}
		if !found {
			return Result{Err: fmt.Errorf("posting sequence %s: its journal item exists and cannot be read", p.record.ID)}
		}
		held = &record
	}
	disposition := Decide(held.Sequence, p.record.Sequence)
	if disposition == AlreadyPosted && held.PostedAt == p.record.PostedAt {
		// Our own transaction, whose answer was lost.
		disposition = Posted
	}
	result := Result{Disposition: disposition, Record: *held}
	if (disposition == AlreadyPosted || disposition == Posted) && payment.RankOf(held.Basis.MTI) > 0 {
		// Whoever posted it may have died before taking the reversals that had waited for it.
		result.Further = s.match(ctx, held.BusinessKey)
	}
	return result
}

// Journal reads the record of a sequence, as it is now.
func (s *Store) Journal(ctx context.Context, sequence string) (record Record, found bool, err error) {
	return getJournal(ctx, s.options.Client, s.options.Table, sequence)
}

func getJournal(ctx context.Context, client Getter, table, sequence string) (Record, bool, error) {
	out, err := client.GetItem(ctx, &dynamodb.GetItemInput{TableName: &table, Key: journalKey(sequence).attributes(), ConsistentRead: aws.Bool(true)})
	if err != nil {
		return Record{}, false, fmt.Errorf("reading the journal item of sequence %s: %w", sequence, err)
	}
	if len(out.Item) == 0 {
		return Record{}, false, nil
	}
	record, err := decodeRecord(out.Item)
	return record, err == nil, err
}

// heldRecord reports whether err says that the journal item of a one-entry transaction exists, and which it is, where the
// answer carries it. Reasons have the positions of the actions; the journal item is the first.
func heldRecord(err error) (held *Record, known bool, decodeErr error) {
	var cancelled *types.TransactionCanceledException
	if !errors.As(err, &cancelled) || len(cancelled.CancellationReasons) == 0 {
		return nil, false, nil
	}
	journal := cancelled.CancellationReasons[0]
	if aws.ToString(journal.Code) != conditionFailed {
		return nil, false, nil
	}
	if len(journal.Item) == 0 {
		return nil, true, nil
	}
	record, decodeErr := decodeRecord(journal.Item)
	return &record, true, decodeErr
}

// Codes of cancellation reasons.
const (
	conditionFailed     = "ConditionalCheckFailed"
	transactionConflict = "TransactionConflict"
	none                = "None"
)

// throttled are the codes of reasons and errors that say: later.
var throttled = map[string]bool{
	"ThrottlingError": true, "ThrottlingException": true, "ProvisionedThroughputExceeded": true,
	"ProvisionedThroughputExceededException": true, "RequestLimitExceeded": true,
}

// retryable reports whether the same transaction may succeed when it is sent again. Sending it again is safe even where
// the first one took effect unseen, because it carries the same token.
func retryable(err error) bool {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return false
	}
	var cancelled *types.TransactionCanceledException
	if errors.As(err, &cancelled) {
		transient := false
		for _, reason := range cancelled.CancellationReasons {
			switch code := aws.ToString(reason.Code); {
			case code == transactionConflict || throttled[code]:
				transient = true
			case code != none && code != "":
				// A failed condition on an entry item, for one: the journal does not know the sequence, yet its entry exists.
				return false
			}
		}
		return transient
	}
	var inProgress *types.TransactionInProgressException
	if errors.As(err, &inProgress) {
		return true
	}
	var api smithy.APIError
	if errors.As(err, &api) {
		return throttled[api.ErrorCode()] || api.ErrorFault() == smithy.FaultServer
	}
	// No answer from the service at all.
	return true
}
