package reconcile

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/payrail/payrail/events"
	"github.com/payrail/payrail/internal/directory"
	"github.com/payrail/payrail/internal/ingest"
	"github.com/payrail/payrail/internal/ledger"
	"github.com/payrail/payrail/payment"
)

// endWaiting looks at the reversals that came in a day ago: those that still wait for their originals have waited long enough.
func (r *run) endWaiting(ctx context.Context) error {
	to := r.Now().Add(-payment.PendingOriginal)
	from := to.Add(-overdueWindow)
	for hour := range ingest.Hours(from, to) {
		for shard := range ingest.Shards {
			reversals := map[string]bool{}
			err := r.Authorizations.InBucket(ctx, ingest.Name(hour, shard), from, to, func(a StampedAuthorization) error {
				if a.Approved && a.Reversal {
					reversals[a.ID] = true
				}
				return nil
			})
			if err != nil {
				return fmt.Errorf("looking for overdue reversals: %w", err)
			}
			for ids := range slices.Chunk(slices.Sorted(maps.Keys(reversals)), chunk) {
				if err := r.endWaitingOf(ctx, ids); err != nil {
					return fmt.Errorf("looking for overdue reversals: %w", err)
				}
			}
		}
	}
	return nil
}

func (r *run) endWaitingOf(ctx context.Context, ids []string) error {
	items, err := r.Authorizations.Get(ctx, ids)
	if err != nil {
		return err
	}
	for _, id := range ids {
		a := readAuthorization(items[id])
		if a.err != nil || !a.approved {
			continue
		}
		at, err := r.Locator.Locate(ctx, a.parsed)
		if err != nil {
			return err
		}
		if at.Waiting != nil {
			r.expire(ctx, at)
		}
	}
	return nil
}

// wait counts a reversal that waits for its original, and ends its waiting where that has been long enough.
func (r *run) wait(ctx context.Context, l located) {
	r.inFlight(StageWaiting)
	r.expire(ctx, l.location)
}

// expire tells posting that a reversal has waited long enough: it posts it to suspense, or to its original if that came meanwhile.
// It is no patch of a break but the rule for what has no original, and is told again until it took effect.
func (r *run) expire(ctx context.Context, at Location) {
	m := at.Waiting
	if r.Now().Sub(timeOf(m.OccurredAt)) < payment.PendingOriginal || r.request.DryRun || !r.Patching {
		return
	}
	order := payment.Order{Kind: payment.OrderOverdue, PurchaseKey: at.PurchaseKey, BusinessKey: m.BusinessKey, TransactionID: m.TransactionID,
		AuthorizationID: m.AuthorizationID, PayloadHash: m.PayloadHash, OccurredAt: events.FormatTime(r.Now())}
	if err := r.publishOrder(ctx, order, "overdue"); err != nil {
		// The next run tells again; this one has others to compare.
		r.Logger.ErrorContext(ctx, "waiting not ended", "runId", r.report.RunID, "transactionId", m.TransactionID, "error", err)
		return
	}
	r.report.Expired++
}

// publishOrder publishes an order to posting.
func (r *run) publishOrder(ctx context.Context, order payment.Order, suffix string) error {
	if err := order.Check(); err != nil {
		return err
	}
	metadata := events.First(events.PostingOrderCreated, order.TransactionID, order.AuthorizationID, order.PANToken, r.report.RunID, timeOf(order.OccurredAt), r.Now())
	event, err := events.New(events.PostingOrderCreated, events.SourceReconcile, metadata.WithSuffix(suffix), events.OrderData{Order: order})
	if err != nil {
		return err
	}
	return r.publish(ctx, []events.Event{event})
}

// suspenseSteps are the ages, in days, at which a suspense item is a matter for somebody else.
var suspenseSteps = []int{30, 5, 1}

const secondsOfDay = 24 * 60 * 60

// suspense takes an item that has been in suspense for a day and more; what can be cleared now is cleared.
func (r *run) suspense(ctx context.Context, s ledger.SuspenseItem) error {
	if s.State != ledger.SuspenseOpen {
		return nil
	}
	openedAt := timeOf(s.OpenedAt)
	age := int64(r.Now().Sub(openedAt).Seconds())
	for _, days := range suspenseSteps {
		if age < int64(days)*secondsOfDay {
			continue
		}
		amount := s.Amount
		if amount.Minor < 0 {
			amount = amount.Neg()
		}
		f := &finding{occurredAt: openedAt, Break: Break{Category: AgedSuspense, Key: s.Account + "|" + s.PurchaseKey, TransactionID: s.TransactionID,
			AuthorizationID: s.AuthorizationID, Sequence: s.LastSequence, AgeSeconds: age, Amount: &amount, C: s.Account, Action: ActionNone,
			Problem: fmt.Sprintf("%s in suspense for %d days and more, owner %s", s.Reason, days, s.Owner)}}
		if r.Clearer != nil {
			happened, err := r.Events.Trace(ctx, s.TransactionID)
			if err != nil {
				return err
			}
			f.attempt = attemptsAt(AgedSuspense, happened, s.AuthorizationID)
			f.Action = ActionClearSuspense
			f.patch = func(ctx context.Context, _ *finding) (patched, error) { return r.clear(ctx, s) }
		}
		r.add(f)
		return nil
	}
	return nil
}

// clear asks for the clearing of a suspense item if its account can be used now.
func (r *run) clear(ctx context.Context, s ledger.SuspenseItem) (patched, error) {
	order, found, err := r.Clearer.Clearing(ctx, s)
	if err != nil {
		return patched{}, fmt.Errorf("looking up the account again: %w", err)
	}
	if !found {
		return patched{reason: "its account still cannot be used"}, nil
	}
	if err := r.publishOrder(ctx, order, order.BusinessKey); err != nil {
		return patched{}, err
	}
	return patched{after: "asked for its clearing to account " + order.AccountID, evidence: []string{"account looked up again: open"}}, nil
}

// Accounts models directory.Directory.
type Accounts interface {
	Answers(ctx context.Context, questions []directory.Question) []directory.Answer
}

// AccountClearer clears suspense items to the account that the card leads to now. It is safe for concurrent use.
type AccountClearer struct {
	Authorizations Authorizations
	Accounts       Accounts
	Now            func() time.Time
}

// Clearing looks the account up by the authorization's card, as enrichment does.
func (c AccountClearer) Clearing(ctx context.Context, s ledger.SuspenseItem) (payment.Order, bool, error) {
	items, err := c.Authorizations.Get(ctx, []string{s.AuthorizationID})
	if err != nil {
		return payment.Order{}, false, err
	}
	item, ok := items[s.AuthorizationID]
	if !ok {
		return payment.Order{}, false, nil
	}
	a := readAuthorization(item)
	if a.err != nil {
		return payment.Order{}, false, nil
	}
	answer := c.Accounts.Answers(ctx, []directory.Question{{PANToken: a.parsed.PANToken, Currency: s.Amount.Currency, MCC: a.parsed.MCC, BIN: a.parsed.BIN}})[0]
	if answer.Err != nil {
		return payment.Order{}, false, answer.Err
	}
	if answer.Account.Status != payment.AccountOpen {
		return payment.Order{}, false, nil
	}
	key := payment.PostingRequest{Kind: payment.RequestSuspenseClear, CauseID: s.LastSequence}.BusinessKey()
	hash := sha256.Sum256([]byte(key + "|" + answer.Account.ID))
	now := c.Now().UTC()
	return payment.Order{Kind: payment.OrderClearing, PurchaseKey: s.PurchaseKey, BusinessKey: key, TransactionID: s.TransactionID, AuthorizationID: s.AuthorizationID,
		PayloadHash: hex.EncodeToString(hash[:]), PANToken: a.parsed.PANToken, OccurredAt: events.FormatTime(now), ValueDate: now.Format(time.DateOnly),
		Description: payment.Description(a.parsed), AccountID: answer.Account.ID}, true, nil
}
