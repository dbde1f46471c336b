package disputes

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/payrail/payrail/events"
	"github.com/payrail/payrail/internal/panguard"
	"github.com/payrail/payrail/payment"
)

const (
	// maxAttempts is how often a change is tried that meets another one of the same case or purchase.
	maxAttempts = 8
	// firstBackoff is the longest wait before the second attempt; it doubles, and is jittered, or the same two would meet again.
	firstBackoff = 10 * time.Millisecond
	// MaxNote is the longest note, in characters: about a page.
	MaxNote = 2000
)

var (
	// ErrUnknownPurchase says that nothing was posted of the purchase to be disputed.
	ErrUnknownPurchase = errors.New("nothing has been posted of this purchase")
	// ErrUnknownCase says that there is no such case.
	ErrUnknownCase = errors.New("there is no such case")
	// ErrKeyReused says that the idempotency key was used for another request.
	ErrKeyReused = errors.New("the idempotency key was used for another request")
	// ErrBusy says that the case or its purchase changed under every attempt.
	ErrBusy = errors.New("the case or its purchase is changing; try again")
)

// Publisher models events.Publisher.
type Publisher interface {
	Publish(ctx context.Context, events []events.Event) events.Failures
}

// Options is what a Desk is made of. All fields are needed.
type Options struct {
	Store     *Store
	Policy    payment.DisputePolicy
	Publisher Publisher
	Now       func() time.Time
	// Wait sleeps between attempts and returns early with ctx's error.
	Wait func(context.Context, time.Duration) error
	// Jitter picks a wait between zero and the given one.
	Jitter func(time.Duration) time.Duration
	Logger *slog.Logger
}

// Desk opens cases and moves them. It is safe for concurrent use.
type Desk struct{ Options }

// NewDesk makes a Desk.
func NewDesk(o Options) *Desk { return &Desk{o} }

// Request asks for a case.
type Request struct {
	// IdempotencyKey names the request: sent again, it finds the case that it opened.
	IdempotencyKey string
	// PurchaseKey is the first 26 characters of the purchase's business key.
	PurchaseKey string
	// Amount is a decimal; empty for all that can be disputed. Currency is the billing currency, which is also taken if empty.
	Amount, Currency string
	ReasonCode       string
	Note             string
	// By is who asks.
	By string
}

// hash is the digest of what is asked for.
func (r Request) hash() string {
	return digest("dispute", r.PurchaseKey, r.Amount, r.Currency, r.ReasonCode, r.Note)
}

// Open opens a case, or finds the one that the same request opened before; opened tells which. What the caller can correct is an
// error of type payment.FieldErrors or *payment.Error, or one of the errors above. A refused claim is told on the bus.
func (d *Desk) Open(ctx context.Context, r Request) (c Case, opened bool, err error) {
	if problem := checkNote(r.Note); problem != "" {
		return Case{}, false, payment.FieldErrors{{Field: "note", Problem: problem}}
	}
	err = d.attempt(ctx, func() error {
		c, opened, err = d.tryOpen(ctx, r)
		return err
	})
	if err != nil {
		return Case{}, false, err
	}
	// Also when the case was opened before: whoever opened it may have died before telling.
	d.tell(ctx, c.Dispute, events.DisputeOpened, events.SourceDisputes)
	return c, opened, nil
}

// tryOpen opens a case against what the purchase is now.
func (d *Desk) tryOpen(ctx context.Context, r Request) (c Case, opened bool, err error) {
	known, found, err := d.Store.request(ctx, r.IdempotencyKey)
	switch {
	case err != nil:
		return Case{}, false, err
	case found && known.RequestHash != r.hash():
		return Case{}, false, ErrKeyReused
	case found:
		c, err = d.Case(ctx, known.CaseID)
		return c, false, err
	}
	purchase, found, err := d.Store.purchase(ctx, r.PurchaseKey)
	if err != nil {
		return Case{}, false, err
	}
	if !found {
		return Case{}, false, ErrUnknownPurchase
	}
	if purchase.OpenCase == CaseID(r.IdempotencyKey, purchase.Key) {
		// The same request has opened it since its key was looked up.
		return Case{}, false, fmt.Errorf("opening case %s: %w", purchase.OpenCase, errChanged)
	}
	dispute, err := d.judge(ctx, purchase, r)
	if err != nil {
		return Case{}, false, err
	}
	claim, err := d.Store.claim(purchase, dispute)
	if err != nil {
		return Case{}, false, err
	}
	return Case{Dispute: dispute, Version: 1}, true, d.Store.open(ctx, dispute, r.IdempotencyKey, r.hash(), claim)
}

// judge makes the case, or says why not.
func (d *Desk) judge(ctx context.Context, purchase payment.Disputable, r Request) (payment.Dispute, error) {
	claim := payment.Claim{CaseID: CaseID(r.IdempotencyKey, purchase.Key), ReasonCode: r.ReasonCode, Note: r.Note, By: r.By}
	switch billed := purchase.Remaining.Currency; {
	case r.Currency != "" && payment.Currency(r.Currency) != billed:
		claim.Amount = payment.Money{Minor: 1, Currency: payment.Currency(r.Currency)} // Refused for its currency, whatever the amount.
	case r.Amount != "":
		var err error
		if claim.Amount, err = payment.ParseMoney(r.Amount, billed); err != nil {
			return payment.Dispute{}, payment.FieldErrors{{Field: "amount", Problem: "must be a decimal with at most as many places as its currency has"}}
		}
	}
	now := d.Now()
	dispute, err := payment.OpenDispute(d.Policy, purchase, claim, now)
	var refused *payment.Error
	if errors.As(err, &refused) {
		event, eventErr := events.NewDisputeRejected(purchase, digest("request", r.IdempotencyKey), refused.Reason, refused.Err.Error(), now)
		d.publish(ctx, event, eventErr)
	}
	return dispute, err
}

// checkNote says what is wrong with a note; free text is where card numbers turn up.
func checkNote(note string) string {
	switch {
	case !utf8.ValidString(note) || utf8.RuneCountInString(note) > MaxNote:
		return fmt.Sprintf("must be at most %d characters", MaxNote)
	case strings.ContainsFunc(note, func(c rune) bool { return unicode.IsControl(c) && c != '\n' }):
		return "must not hold control characters"
	case panguard.Contains(note):
		return "must not hold a card number"
	default:
		return ""
	}
}

// Case reads a case. The error is ErrUnknownCase where there is none.
func (d *Desk) Case(ctx context.Context, id string) (Case, error) {
	c, found, err := d.Store.Case(ctx, id)
	if err == nil && !found {
		err = fmt.Errorf("case %s: %w", id, ErrUnknownCase)
	}
	return c, err
}

// Advance moves a case by hand, and tells.
func (d *Desk) Advance(ctx context.Context, id string, step func(payment.Dispute) (payment.Dispute, error)) (Case, error) {
	c, err := d.change(ctx, id, step)
	if err != nil {
		return Case{}, err
	}
	d.tell(ctx, c.Dispute, events.DisputeAdvanced, events.SourceOperator)
	return c, nil
}

// Record notes that a posting sequence of a case is in the journal. Telling is the caller's part.
func (d *Desk) Record(ctx context.Context, id, sequence string) (Case, error) {
	return d.change(ctx, id, func(before payment.Dispute) (payment.Dispute, error) { return before.Posted(sequence, d.Now()) })
}

// change applies a step to a case as it is now. A case that has ended leaves its purchase in the same transaction. A step that
// leaves the case as it is writes nothing.
func (d *Desk) change(ctx context.Context, id string, step func(payment.Dispute) (payment.Dispute, error)) (c Case, err error) {
	err = d.attempt(ctx, func() error {
		before, err := d.Case(ctx, id)
		if err != nil {
			return err
		}
		after, err := step(before.Dispute)
		if err != nil {
			return err
		}
		if c = before; unchanged(before.Dispute, after) {
			return nil
		}
		var leaving []types.TransactWriteItem
		if after.State.Closed() {
			action, err := d.leave(ctx, after)
			if err != nil {
				return err
			}
			leaving = append(leaving, action)
		}
		c = Case{Dispute: after, Version: before.Version + 1}
		return d.Store.change(ctx, before, after, leaving...)
	})
	if err != nil {
		return Case{}, err
	}
	return c, nil
}

// unchanged reports whether a step had nothing to do: every other one adds to the history or records a posting.
func unchanged(before, after payment.Dispute) bool {
	return len(before.History) == len(after.History) && before.Credit == after.Credit && before.Decision == after.Decision
}

// leave is the action by which an ended case leaves its purchase.
func (d *Desk) leave(ctx context.Context, ended payment.Dispute) (types.TransactWriteItem, error) {
	purchase, found, err := d.Store.purchase(ctx, ended.PurchaseKey)
	if err != nil {
		return types.TransactWriteItem{}, err
	}
	if !found || purchase.OpenCase != ended.CaseID {
		return types.TransactWriteItem{}, fmt.Errorf("closing case %s: its purchase %s does not have it as its open case", ended.CaseID, ended.PurchaseKey)
	}
	return d.Store.release(purchase, ended)
}

// attempt repeats a change while what it was based on changes.
func (d *Desk) attempt(ctx context.Context, change func() error) error {
	backoff := firstBackoff
	for attempt := 1; ; attempt++ {
		err := change()
		if !errors.Is(err, errChanged) {
			return err
		}
		if attempt == maxAttempts {
			return fmt.Errorf("%w, after %d attempts: %w", ErrBusy, attempt, err)
		}
		if err := d.Wait(ctx, d.Jitter(backoff)); err != nil {
			return fmt.Errorf("waiting to change a case: %w", err)
		}
		backoff *= 2
	}
}

// tell publishes where a case stands.
func (d *Desk) tell(ctx context.Context, dispute payment.Dispute, detailType events.DetailType, source events.Source) {
	event, err := events.NewDispute(detailType, source, dispute, d.Now())
	d.publish(ctx, event, err)
}

// publish puts an event. A failure does not undo what the event tells of, and is no reason to tell the caller that it failed:
// what a case waits for is asked for again by the sweep.
func (d *Desk) publish(ctx context.Context, event events.Event, err error) {
	if err == nil {
		err = d.put(ctx, event)
	}
	if err != nil {
		d.Logger.ErrorContext(ctx, "publishing failed", "detailType", event.DetailType, "error", err)
	}
}

func (d *Desk) put(ctx context.Context, event events.Event) error {
	return d.Publisher.Publish(ctx, []events.Event{event})[0]
}
