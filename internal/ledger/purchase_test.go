package ledger

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/payrail/payrail/internal/ledger/ledgertest"
	"github.com/payrail/payrail/payment"
)

// presentment is a message about example E2's purchase: USD 100.00 billed as GBP 79.25, or other amounts of a completion. n
// tells the messages of a test apart.
func presentment(t require.TestingT, n int, mti string, minute int, usd, gbp int64) payment.JournalEntry {
	d := payment.Decided{
		Outcome: payment.OutcomePosted, MTI: mti, TransactionType: "00", MCC: "5411", Foreign: true, Charges: payment.Charges{FX: true},
		TransmittedAt:     time.Date(2026, 7, 9, 10, minute, 0, 0, time.UTC).Format(time.RFC3339Nano),
		TransactionAmount: payment.Money{Minor: usd, Currency: "USD"}, BillingAmount: payment.Money{Minor: gbp, Currency: "GBP"}, AccountID: "acc-1",
		Scheme: "VISA", Terms: payment.Terms{FXFeeRate: "0.0299", FXFeeTaxRate: "0.20", TaxJurisdiction: "GB"}, ValueDate: "2026-07-10",
	}
	legs, err := payment.Legs(d)
	require.NoError(t, err)
	entry := entryOf(n, legs)
	entry.Basis = d
	entry.Links = payment.Links{Approval: "APPROVAL"}
	return entry
}

func authorized(t require.TestingT, n int) payment.JournalEntry {
	return presentment(t, n, "0100", 0, 10000, 7925)
}

// suspended is E8: a purchase of a closed account.
func suspended(t require.TestingT, n int) payment.JournalEntry {
	entry := authorized(t, n)
	d := entry.Basis
	d.Outcome, d.AccountID = payment.OutcomeSuspense, ""
	legs, err := payment.Legs(d)
	require.NoError(t, err)
	s := entry.Sequence
	s.Basis, s.Of, s.Checksum, s.Outcome, s.Reason = d, len(legs), payment.Checksum(legs), payment.OutcomeSuspense, "ACCOUNT_CLOSED"
	return payment.JournalEntry{Sequence: s, Legs: legs}
}

// reversal orders that of USD 100.00 so many cents remain; n tells reversals of one original apart.
func reversal(original payment.JournalEntry, n int, remains int64) payment.Order {
	key := fmt.Sprintf("REV%023d", n)
	return payment.Order{Kind: payment.OrderReversal, PurchaseKey: original.BusinessKey, TransactionID: payment.TransactionID(key), AuthorizationID: fmt.Sprintf("auth-r%d", n),
		BusinessKey: key, PayloadHash: fmt.Sprintf("hash-r%d", n), PANToken: "tok", OccurredAt: "2026-07-09T10:16:00.000Z", Outcome: payment.OutcomePosted, AccountID: "acc-1",
		TransmittedAt: "2026-07-09T10:30:00Z", TransactionType: "00", Scheme: "VISA", TransactionAmount: original.Basis.TransactionAmount,
		BillingAmount: original.Basis.BillingAmount, ReplacementAmount: &payment.Money{Minor: remains, Currency: "USD"}, ValueDate: "2026-07-11"}
}

func clearing(original payment.JournalEntry, account string) payment.Order {
	return payment.Order{Kind: payment.OrderClearing, PurchaseKey: original.BusinessKey, TransactionID: original.TransactionID, AuthorizationID: "case-1",
		BusinessKey: "CLEARING00000000000000000001", PayloadHash: "hash", OccurredAt: "2026-07-10T10:16:00.000Z", AccountID: account}
}

func overdue(original payment.JournalEntry, at string) payment.Order {
	o := clearing(original, "")
	o.Kind, o.OccurredAt = payment.OrderOverdue, at
	return o
}

func balanceOf(t require.TestingT, table *ledgertest.Table, account string) string {
	balances, err := NewReader(table, "ledger").Balances(context.Background(), account)
	require.NoError(t, err)
	if len(balances) == 0 {
		return "none"
	}
	require.Len(t, balances, 1)
	return balances[0].Amount.String()
}

func later(table *ledgertest.Table) *Store {
	store := newStore(table)
	store.options.Now = func() time.Time { return postingTime.Add(time.Second) }
	return store
}

func suspenseOf(t require.TestingT, table *ledgertest.Table) []string {
	var items []string
	require.NoError(t, NewReader(table, "ledger").EachSuspense(context.Background(), func(s SuspenseItem) error {
		items = append(items, fmt.Sprintf("%s %s %s %s %s", s.Account, s.Amount, s.State, s.Reason, s.Owner))
		return nil
	}))
	return items
}

// E4 and E5, given twice, by another authorization, with other content, and beyond what remains.
func TestReversals(t *testing.T) {
	table, original := ledgertest.NewTable(), authorized(t, 1)
	store, ctx := newStore(table), context.Background()
	commit(t, store, original)

	first := store.Settle(ctx, reversal(original, 1, 6309))
	require.NoError(t, first.Err)
	require.Equal(t, Posted, first.Disposition)
	require.Equal(t, "ps_KEY00000000000000000000001-01", first.Record.ID)
	require.Equal(t, "GBP -51.80", balanceOf(t, table, "acc-1"), "E5: 82.09 less 30.29, which is 50.00 with 1.50 and 0.30")
	requireSound(t, table, 2)
	for _, key := range []string{original.BusinessKey, reversal(original, 1, 0).BusinessKey} {
		record, found, err := NewReader(table, "ledger").Message(ctx, key, reversal(original, 1, 0).BusinessKey)
		require.NoError(t, err)
		require.True(t, found)
		require.Equal(t, first.Record, record, "what is read is what was written, by either key")
	}

	again := later(table).Settle(ctx, reversal(original, 1, 6309))
	require.NoError(t, again.Err)
	require.Equal(t, AlreadyPosted, again.Disposition)
	require.Equal(t, first.Record, again.Record)

	same := reversal(original, 1, 6309)
	same.AuthorizationID = "auth-other"
	require.Equal(t, LateDuplicate, later(table).Settle(ctx, same).Disposition)
	same.PayloadHash = "hash-other"
	require.Equal(t, Conflicting, later(table).Settle(ctx, same).Disposition)

	exceeding := later(table).Settle(ctx, reversal(original, 2, 9000))
	require.Equal(t, payment.ReasonReversalExceeds, payment.ReasonOf(exceeding.Err))
	other := reversal(original, 5, 0)
	other.BillingAmount.Minor++
	require.Equal(t, payment.ReasonOriginalMismatch, payment.ReasonOf(later(table).Settle(ctx, other).Err))

	rest := later(table).Settle(ctx, reversal(original, 3, 0))
	require.NoError(t, rest.Err)
	require.Equal(t, "ps_KEY00000000000000000000001-02", rest.Record.ID)
	require.Equal(t, "GBP 0.00", balanceOf(t, table, "acc-1"))
	require.Equal(t, payment.ReasonAlreadyReversed, payment.ReasonOf(later(table).Settle(ctx, reversal(original, 4, 0)).Err))
	requireSound(t, table, 3)
}

// 0100, then 0120 and 0220 under keys of their own: one purchase, posted once, adjusted by the difference.
func TestMessagesOfOnePurchase(t *testing.T) {
	table, ctx := ledgertest.NewTable(), context.Background()
	commit(t, newStore(table), authorized(t, 1))
	advice := presentment(t, 2, "0120", 1, 10000, 7925)
	require.Equal(t, []Disposition{SamePurchase}, commit(t, newStore(table), advice))
	require.Equal(t, []Disposition{SamePurchase}, commit(t, later(table), advice), "and again")
	require.Equal(t, "GBP -82.09", balanceOf(t, table, "acc-1"))

	completion := presentment(t, 3, "0220", 2, 12000, 9510)
	results := newStore(table).Commit(ctx, []payment.JournalEntry{completion})
	require.NoError(t, results[0].Err)
	require.Equal(t, Posted, results[0].Disposition)
	require.Equal(t, "ps_KEY00000000000000000000001-01", results[0].Record.ID)
	require.Equal(t, "GBP -98.51", balanceOf(t, table, "acc-1"), "95.10 with 2.84 and 0.57")
	again := later(table).Commit(ctx, []payment.JournalEntry{completion})[0]
	require.Equal(t, AlreadyPosted, again.Disposition)
	require.Equal(t, results[0].Record, again.Record)
	found, known, err := later(table).Lookup(ctx, completion.Sequence)
	require.NoError(t, err)
	require.True(t, known)
	require.Equal(t, results[0].Record, found.Record)

	// A reversal that names the completion takes the purchase back.
	require.NoError(t, later(table).Settle(ctx, reversal(completion, 1, 0)).Err)
	require.Equal(t, "GBP 0.00", balanceOf(t, table, "acc-1"))
	requireSound(t, table, 3)

	// Another authorization under the same approval code is another purchase, and the next completion is of that one.
	second := presentment(t, 4, "0100", 5, 10000, 7925)
	require.Equal(t, []Disposition{Posted}, commit(t, newStore(table), second))
	require.Equal(t, []Disposition{SamePurchase}, commit(t, newStore(table), presentment(t, 5, "0220", 6, 10000, 7925)))
	require.Equal(t, "GBP -82.09", balanceOf(t, table, "acc-1"))
	// So is a completion so long after that the approval code is another one.
	much := presentment(t, 6, "0220", 0, 10000, 7925)
	much.Basis.TransmittedAt = "2026-12-09T10:00:00Z"
	require.Equal(t, []Disposition{Posted}, commit(t, newStore(table), much))
	require.Equal(t, "GBP -164.18", balanceOf(t, table, "acc-1"))
	requireSound(t, table, 5)
}

// Two lifecycle ids are two purchases, whatever their approval codes; one that only the completion has says nothing against it.
func TestLifecycleDecides(t *testing.T) {
	table := ledgertest.NewTable()
	first := authorized(t, 1)
	first.Links.Lifecycle = "LIFE-1"
	commit(t, newStore(table), first)
	other := presentment(t, 2, "0220", 1, 10000, 7925)
	other.Links.Lifecycle = "LIFE-2"
	require.Equal(t, []Disposition{Posted}, commit(t, newStore(table), other))
	same := presentment(t, 3, "0220", 1, 10000, 7925)
	same.Links = payment.Links{Lifecycle: "LIFE-1", Approval: "ANOTHER"}
	require.Equal(t, []Disposition{SamePurchase}, commit(t, newStore(table), same))
	requireSound(t, table, 2)
}

// before its original, after it, without it.
func TestReversalBeforeItsOriginal(t *testing.T) {
	table, original, ctx := ledgertest.NewTable(), authorized(t, 1), context.Background()
	for range 2 {
		early := newStore(table).Settle(ctx, reversal(original, 1, 6309))
		require.NoError(t, early.Err)
		require.Equal(t, Waiting, early.Disposition)
	}
	results := newStore(table).Commit(ctx, []payment.JournalEntry{original})
	require.NoError(t, results[0].Err)
	require.Equal(t, Posted, results[0].Disposition)
	require.Len(t, results[0].Further, 1)
	require.NoError(t, results[0].Further[0].Err)
	require.Equal(t, "auth-r1", results[0].Further[0].Order.AuthorizationID)
	require.Equal(t, "ps_KEY00000000000000000000001-01", results[0].Further[0].Record.ID)
	require.Equal(t, "GBP -51.80", balanceOf(t, table, "acc-1"))
	requireSound(t, table, 2)

	// Whoever posted it may have died before telling of it.
	again := later(table).Commit(ctx, []payment.JournalEntry{original})[0].Further
	require.Len(t, again, 1)
	require.Equal(t, AlreadyPosted, again[0].Disposition)
	require.Equal(t, results[0].Further[0].Record, again[0].Record)
	requireSound(t, table, 2)
}

func TestOriginalThatNeverComes(t *testing.T) {
	table, original, ctx := ledgertest.NewTable(), authorized(t, 1), context.Background()
	require.Equal(t, Waiting, newStore(table).Settle(ctx, reversal(original, 1, 6309)).Disposition)
	require.Empty(t, newStore(table).Settle(ctx, overdue(original, "2026-07-10T10:15:59.000Z")).Further, "its time is not over")
	for range 2 {
		result := later(table).Settle(ctx, overdue(original, "2026-07-10T10:16:00.000Z"))
		require.NoError(t, result.Err)
	}
	require.Equal(t, []string{"SUSPENSE.CARD.GBP GBP 29.25 OPEN ORIGINAL_NOT_FOUND payments-operations"}, suspenseOf(t, table))
	again := newStore(table).Settle(ctx, reversal(original, 1, 6309))
	require.Equal(t, AlreadyPosted, again.Disposition)
	require.Equal(t, "ps_KEY00000000000000000000001-01", again.Record.ID)
	requireSound(t, table, 1)

	// It comes after all.
	results := later(table).Commit(ctx, []payment.JournalEntry{original})
	require.NoError(t, results[0].Err)
	require.Equal(t, "GBP -51.80", balanceOf(t, table, "acc-1"))
	require.Equal(t, []string{"SUSPENSE.CARD.GBP GBP 0.00 CLEARED ORIGINAL_NOT_FOUND payments-operations"}, suspenseOf(t, table))
	requireSound(t, table, 3)
}

// E8, in and out.
func TestSuspense(t *testing.T) {
	table, ctx, item := ledgertest.NewTable(), context.Background(), suspended(t, 1)
	commit(t, newStore(table), item)
	require.Equal(t, []string{"SUSPENSE.CARD.GBP GBP -79.25 OPEN ACCOUNT_CLOSED payments-operations"}, suspenseOf(t, table))
	requireSound(t, table, 1)
	cleared := newStore(table).Settle(ctx, clearing(item, "acc-7"))
	require.NoError(t, cleared.Err)
	require.Equal(t, "GBP -79.25", balanceOf(t, table, "acc-7"))
	require.Equal(t, []string{"SUSPENSE.CARD.GBP GBP 0.00 CLEARED ACCOUNT_CLOSED payments-operations"}, suspenseOf(t, table))
	require.Equal(t, AlreadyPosted, later(table).Settle(ctx, clearing(item, "acc-7")).Disposition)
	other := clearing(item, "acc-8")
	other.BusinessKey = "CLEARING00000000000000000002"
	require.Equal(t, payment.ReasonNothingToClear, payment.ReasonOf(later(table).Settle(ctx, other).Err))
	requireSound(t, table, 2)
}

// A clearing that found nothing to clear stays refused however often it comes: what stands in suspense later is not what whoever asked
// for it had seen. One that is asked for anew is carried out.
func TestRefusedClearingHasNoEffectLater(t *testing.T) {
	table, ctx, original := ledgertest.NewTable(), context.Background(), authorized(t, 1)
	commit(t, newStore(table), original)
	first := newStore(table).Settle(ctx, clearing(original, "acc-7")).Err
	require.Equal(t, payment.ReasonNothingToClear, payment.ReasonOf(first))
	closedSince := reversal(original, 1, 0)
	closedSince.Outcome, closedSince.Reason = payment.OutcomeSuspense, "ACCOUNT_CLOSED"
	require.NoError(t, newStore(table).Settle(ctx, closedSince).Err)
	second := later(table).Settle(ctx, clearing(original, "acc-7")).Err
	require.Equal(t, payment.ReasonNothingToClear, payment.ReasonOf(second))
	require.Equal(t, "none", balanceOf(t, table, "acc-7"))
	anew := clearing(original, "acc-7")
	anew.BusinessKey = "CLEARING00000000000000000002"
	require.NoError(t, later(table).Settle(ctx, anew).Err)
	require.Equal(t, "GBP 82.09", balanceOf(t, table, "acc-7"))
	requireSound(t, table, 3)
}

// Whatever comes at once, in whatever order and twice, with answers lost and calls refused: the balance is that of the set of
// messages, and the ledger holds together (invariants 1, 2, 5, 6, 8, 9, 12).
func TestMessagesAtOnceUnderFaults(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		table := ledgertest.NewTable()
		original := authorized(t, 1)
		var work []func() error
		entry := func(e payment.JournalEntry) {
			work = append(work, func() error { return newStore(table).Commit(context.Background(), []payment.JournalEntry{e})[0].Err })
		}
		order := func(o payment.Order) {
			work = append(work, func() error { return newStore(table).Settle(context.Background(), o).Err })
		}
		least, reversed := int64(7925), false
		remains := rapid.SliceOfN(rapid.Int64Range(0, 9999), 0, 4).Draw(t, "remains")
		for n, minor := range remains {
			o := reversal(original, n, minor)
			left, err := o.BillingAmount.Share(*o.ReplacementAmount, o.TransactionAmount)
			require.NoError(t, err)
			if left.Minor < least || !reversed {
				least, reversed = min(least, left.Minor), true
			}
			order(o)
			order(o)
		}
		entry(original)
		entry(original)
		completion := presentment(t, 2, "0220", 10, 12000, 9510)
		completed := rapid.Bool().Draw(t, "completed")
		if completed {
			entry(completion)
			entry(completion)
			if !reversed {
				least = 9510
			}
		}
		seed := rapid.Uint64().Draw(t, "seed")
		random, guard := rand.New(rand.NewPCG(seed, 0)), sync.Mutex{}
		random.Shuffle(len(work), func(i, j int) { work[i], work[j] = work[j], work[i] })
		fault := func(string) error {
			guard.Lock()
			defer guard.Unlock()
			if random.IntN(8) == 0 {
				return &types.ProvisionedThroughputExceededException{}
			}
			return nil
		}
		table.Before, table.After = fault, fault
		var running sync.WaitGroup
		for _, do := range work {
			running.Go(func() {
				for {
					err := do()
					if err == nil || payment.KindOf(err) == payment.Conflict {
						return
					}
					runtime.Gosched()
				}
			})
		}
		running.Wait()
		table.Before, table.After = nil, nil
		// A reversal that waited is matched by the next delivery of the original, if the first one died before.
		require.NoError(t, newStore(table).Commit(context.Background(), []payment.JournalEntry{original})[0].Err)
		require.Equal(t, expectedBalance(t, least), balanceOf(t, table, "acc-1"))
		v, err := NewReader(table, "ledger").Verify(context.Background())
		require.NoError(t, err)
		require.Empty(t, v.Findings)
	})
}

// expectedBalance is what a purchase of the amount alone makes of an account.
func expectedBalance(t require.TestingT, billed int64) string {
	sum := payment.Money{Currency: "GBP"}
	if billed > 0 {
		var err error
		for _, leg := range presentment(t, 1, "0100", 0, 10000, billed).CustomerLegs() {
			sum, err = sum.Add(leg.Signed())
			require.NoError(t, err)
		}
	}
	return sum.String()
}

func TestVerifyFindsPurchasesThatDoNotNameTheirSequences(t *testing.T) {
	table, original := ledgertest.NewTable(), authorized(t, 1)
	commit(t, newStore(table), original)
	require.NoError(t, newStore(table).Settle(context.Background(), reversal(original, 1, 6309)).Err)
	requireSound(t, table, 2)
	table.Edit(func(items map[ledgertest.Key]ledgertest.Item) {
		delete(items, ledgertest.Key{Partition: "PURCHASE#KEY00000000000000000000001", Sort: "PURCHASE"})
	})
	v, err := NewReader(table, "ledger").Verify(context.Background())
	require.NoError(t, err)
	require.Len(t, v.Findings, 1)
	require.Contains(t, v.Findings[0].Problem, "the journal has 2 posting sequences of purchases, the purchases name 0")
}

func TestSettleGivesUpOnWhatStaysBroken(t *testing.T) {
	table, original := ledgertest.NewTable(), authorized(t, 1)
	commit(t, newStore(table), original)
	table.Before = func(operation string) error {
		if operation == "TransactWriteItems" {
			return errors.New("no answer")
		}
		return nil
	}
	require.ErrorContains(t, newStore(table).Settle(context.Background(), reversal(original, 1, 0)).Err, "attempt 8: no answer")
}

// early is an authorization's purchase as it stands when everything but the authorization came: the completion under its own key, and
// a reversal that waits for the authorization.
func early(t require.TestingT, table *ledgertest.Table) (authorization, completion payment.JournalEntry) {
	authorization, completion = authorized(t, 1), presentment(t, 2, "0220", 10, 12000, 9510)
	commit(t, newStore(table), completion)
	o := reversal(authorization, 1, 6309)
	require.Equal(t, Waiting, newStore(table).Settle(context.Background(), o).Disposition)
	return authorization, completion
}

// The purchase under the authorization's key becomes part of the completion's: what is known under any key leads there.
func TestPurchasesThatTurnOutToBeOne(t *testing.T) {
	table, ctx := ledgertest.NewTable(), context.Background()
	authorization, completion := early(t, table)
	results := newStore(table).Commit(ctx, []payment.JournalEntry{authorization})
	require.NoError(t, results[0].Err)
	require.Equal(t, SamePurchase, results[0].Disposition)
	require.Len(t, results[0].Further, 1)
	require.NoError(t, results[0].Further[0].Err)
	require.Equal(t, "GBP -51.80", balanceOf(t, table, "acc-1"), "79.25 × 63.09/100.00, whatever the completion said before")
	for _, key := range []string{authorization.BusinessKey, completion.BusinessKey, reversal(authorization, 1, 0).BusinessKey} {
		purchase, found, err := NewReader(table, "ledger").Purchase(ctx, key)
		require.NoError(t, err)
		require.True(t, found)
		require.Equal(t, completion.BusinessKey, purchase.Key)
	}
	require.Equal(t, AlreadyPosted, later(table).Settle(ctx, reversal(authorization, 1, 6309)).Disposition)
	requireSound(t, table, 2)
}

// What the one had in suspense is an item of the other from then on, of its old age, until it is matched.
func TestSuspenseOfPurchasesThatTurnOutToBeOne(t *testing.T) {
	for name, tc := range map[string]struct {
		about int64 // the transaction amount that the reversal says it is about
		items []string
		sum   string
	}{
		"the reversal is matched": {10000, []string{"SUSPENSE.CARD.GBP GBP 0.00 CLEARED ORIGINAL_NOT_FOUND payments-operations", "SUSPENSE.CARD.GBP GBP 0.00 CLEARED ORIGINAL_NOT_FOUND payments-operations"}, "GBP -51.80"},
		"it is refused":           {10001, []string{"SUSPENSE.CARD.GBP GBP 0.00 CLEARED ORIGINAL_NOT_FOUND payments-operations", "SUSPENSE.CARD.GBP GBP 29.26 OPEN ORIGINAL_NOT_FOUND payments-operations"}, "GBP -98.51"},
	} {
		t.Run(name, func(t *testing.T) {
			table, ctx := ledgertest.NewTable(), context.Background()
			authorization, completion := authorized(t, 1), presentment(t, 2, "0220", 10, 12000, 9510)
			commit(t, newStore(table), completion)
			o := reversal(authorization, 1, 6309)
			o.TransactionAmount.Minor = tc.about
			require.NoError(t, newStore(table).Settle(ctx, o).Err)
			require.NoError(t, newStore(table).Settle(ctx, overdue(authorization, "2026-07-11T10:16:00.000Z")).Err)
			requireSound(t, table, 2)
			for range 2 {
				require.NoError(t, later(table).Commit(ctx, []payment.JournalEntry{authorization})[0].Err)
			}
			require.Equal(t, tc.sum, balanceOf(t, table, "acc-1"))
			require.Equal(t, tc.items, suspenseOf(t, table))
			v, err := NewReader(table, "ledger").Verify(ctx)
			require.NoError(t, err)
			require.Empty(t, v.Findings)
			require.NoError(t, NewReader(table, "ledger").EachSuspense(ctx, func(s SuspenseItem) error {
				require.Equal(t, o.OccurredAt, s.OpenedAt, "its age is that of the reversal")
				return nil
			}))
		})
	}
}

// A suspense item keeps its age, its reason and what it is about while its amount changes.
func TestSuspenseKeepsItsAge(t *testing.T) {
	table, ctx, item := ledgertest.NewTable(), context.Background(), suspended(t, 1)
	commit(t, newStore(table), item)
	o := reversal(item, 1, 6309)
	o.OccurredAt = "2026-07-20T10:16:00.000Z"
	require.NoError(t, newStore(table).Settle(ctx, o).Err)
	require.Equal(t, []string{"SUSPENSE.CARD.GBP GBP -50.00 OPEN ACCOUNT_CLOSED payments-operations"}, suspenseOf(t, table))
	require.NoError(t, NewReader(table, "ledger").EachSuspense(ctx, func(s SuspenseItem) error {
		require.Equal(t, item.OccurredAt, s.OpenedAt)
		require.Equal(t, item.AuthorizationID, s.AuthorizationID)
		require.Equal(t, "ps_KEY00000000000000000000001-01", s.LastSequence)
		return nil
	}))
}

// An orphan reversal in suspense, and its original goes there too: nothing is left to be moved, and the reversal is not a duplicate.
func TestSuspendedReversalOfAnOriginalInSuspense(t *testing.T) {
	table, ctx, item := ledgertest.NewTable(), context.Background(), suspended(t, 1)
	o := reversal(item, 1, 6309)
	require.NoError(t, newStore(table).Settle(ctx, o).Err)
	require.NoError(t, newStore(table).Settle(ctx, overdue(item, "2026-07-11T10:16:00.000Z")).Err)
	results := later(table).Commit(ctx, []payment.JournalEntry{item})
	require.NoError(t, results[0].Err)
	require.Len(t, results[0].Further, 1)
	require.Equal(t, AlreadyPosted, results[0].Further[0].Disposition)
	require.Equal(t, "ps_KEY00000000000000000000001-01", results[0].Further[0].Record.ID)
	require.Equal(t, []string{"SUSPENSE.CARD.GBP GBP -50.00 OPEN ORIGINAL_NOT_FOUND payments-operations"}, suspenseOf(t, table))
	requireSound(t, table, 2)
}

// A refused reversal is refused whenever it comes, replayed too, and changes nothing then.
func TestRefusalIsFinal(t *testing.T) {
	table, original, ctx := ledgertest.NewTable(), authorized(t, 1), context.Background()
	commit(t, newStore(table), original)
	require.NoError(t, newStore(table).Settle(ctx, reversal(original, 1, 6309)).Err)
	about := reversal(original, 3, 0)
	about.BillingAmount.Minor++
	for name, tc := range map[string]struct {
		order  payment.Order
		reason string
	}{
		"leaves more":            {reversal(original, 2, 9000), payment.ReasonReversalExceeds},
		"is about other amounts": {about, payment.ReasonOriginalMismatch},
	} {
		t.Run(name, func(t *testing.T) {
			first := newStore(table).Settle(ctx, tc.order)
			require.Equal(t, tc.reason, payment.ReasonOf(first.Err))
			writes := table.Calls("TransactWriteItems")
			again := later(table).Settle(ctx, tc.order)
			require.Equal(t, errors.Unwrap(first.Err), errors.Unwrap(again.Err), "told in the same words")
			require.Equal(t, writes, table.Calls("TransactWriteItems"))
			tc.order.PayloadHash = "hash-other"
			require.Equal(t, Conflicting, later(table).Settle(ctx, tc.order).Disposition)
		})
	}
	require.Equal(t, "GBP -51.80", balanceOf(t, table, "acc-1"))
	requireSound(t, table, 2)
}

// Invariant 4: a reversal's key with other content, about another payment even, or while it waits.
func TestReversalWithOtherContent(t *testing.T) {
	table, ctx := ledgertest.NewTable(), context.Background()
	first, second := authorized(t, 1), presentment(t, 2, "0100", 0, 10000, 7925)
	second.Links = payment.Links{}
	commit(t, newStore(table), first, second)
	require.NoError(t, newStore(table).Settle(ctx, reversal(first, 1, 0)).Err)
	elsewhere := reversal(second, 1, 0)
	elsewhere.PayloadHash = "hash-other"
	require.Equal(t, Conflicting, later(table).Settle(ctx, elsewhere).Disposition)
	require.Equal(t, "GBP -82.09", balanceOf(t, table, "acc-1"))
	requireSound(t, table, 3)

	// The original came, and whoever posted it died before taking the reversal that had waited.
	table = ledgertest.NewTable()
	require.Equal(t, Waiting, newStore(table).Settle(ctx, reversal(first, 1, 6309)).Disposition)
	writes := 0
	table.Before = func(operation string) error {
		if operation == "TransactWriteItems" {
			if writes++; writes > 2 { // the first finds that something is known, the second posts
				return context.Canceled
			}
		}
		return nil
	}
	require.Error(t, newStore(table).Commit(ctx, []payment.JournalEntry{first})[0].Further[0].Err)
	table.Before = nil
	other := reversal(first, 1, 0)
	other.PayloadHash = "hash-other"
	require.Equal(t, Conflicting, later(table).Settle(ctx, other).Disposition)
	require.Equal(t, "GBP -82.09", balanceOf(t, table, "acc-1"))
	// A leg of it that comes again is the reminder.
	found, known, err := later(table).Lookup(ctx, first.Sequence)
	require.NoError(t, err)
	require.True(t, known)
	require.Len(t, found.Further, 1)
	require.Equal(t, "GBP -51.80", balanceOf(t, table, "acc-1"))
}

// The legs of a message that joined another one's purchase remind of the reversals that waited for it, too.
func TestLookupOfAJoinedMessageTakesWhatWaited(t *testing.T) {
	table, ctx := ledgertest.NewTable(), context.Background()
	authorization, completion := authorized(t, 1), presentment(t, 2, "0220", 10, 12000, 9510)
	commit(t, newStore(table), authorization)
	require.Equal(t, Waiting, newStore(table).Settle(ctx, reversal(completion, 1, 0)).Disposition)
	writes := 0
	table.Before = func(operation string) error {
		if operation == "TransactWriteItems" {
			if writes++; writes > 2 {
				return context.Canceled
			}
		}
		return nil
	}
	newStore(table).Commit(ctx, []payment.JournalEntry{completion})
	table.Before = nil
	_, known, err := later(table).Lookup(ctx, completion.Sequence)
	require.NoError(t, err)
	require.True(t, known)
	require.Equal(t, "GBP 0.00", balanceOf(t, table, "acc-1"))
	requireSound(t, table, 3)
}

// An approval code comes again a year later, without a lifecycle id: what has one by then is not held against the old one.
func TestApprovalCodeLosesItsOldLifecycle(t *testing.T) {
	table := ledgertest.NewTable()
	old := authorized(t, 1)
	old.Links.Lifecycle = "LIFE-1"
	commit(t, newStore(table), old)
	next := authorized(t, 2)
	next.Basis.TransmittedAt = "2027-07-09T10:00:00Z"
	require.Equal(t, []Disposition{Posted}, commit(t, newStore(table), next))
	completion := presentment(t, 3, "0220", 0, 10000, 7925)
	completion.Basis.TransmittedAt, completion.Links.Lifecycle = "2027-07-10T10:00:00Z", "LIFE-2"
	require.Equal(t, []Disposition{SamePurchase}, commit(t, newStore(table), completion))
	requireSound(t, table, 2)
}

// The same, with reversals of the completion too, sent before or after it, under either key; some are found overdue meanwhile. What
// stands is what stands when everything comes in order and nothing fails.
func TestNoOrderOfArrivalDecidesUnderFaults(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ctx := context.Background()
		authorization, completion := authorized(t, 1), presentment(t, 2, "0220", 10, 12000, 9510)
		presented := []payment.JournalEntry{authorization, completion}
		work := []func(*Store) error{}
		order := func(o payment.Order) {
			work = append(work, func(s *Store) error {
				result := s.Settle(ctx, o)
				for _, further := range result.Further {
					if further.Err != nil && payment.KindOf(further.Err) != payment.Conflict {
						return further.Err
					}
				}
				return result.Err
			})
		}
		for _, e := range presented {
			work = append(work, func(s *Store) error { return s.Commit(ctx, []payment.JournalEntry{e})[0].Err })
		}
		for n := range rapid.IntRange(1, 3).Draw(t, "reversals") {
			about := rapid.SampledFrom(presented).Draw(t, "about")
			o := reversal(about, n, rapid.Int64Range(0, about.Basis.TransactionAmount.Minor).Draw(t, "remains"))
			o.PurchaseKey = rapid.SampledFrom(presented).Draw(t, "key").BusinessKey
			o.TransmittedAt = rapid.SampledFrom([]string{"2026-07-09T10:05:00Z", "2026-07-09T10:10:00Z", "2026-07-09T10:30:00Z"}).Draw(t, "transmitted")
			order(o)
		}
		settle := func(s *Store, do func(*Store) error) {
			for {
				if err := do(s); err == nil || payment.KindOf(err) == payment.Conflict {
					return
				}
				runtime.Gosched()
			}
		}
		inOrder := ledgertest.NewTable()
		for _, do := range work {
			settle(newStore(inOrder), do)
		}
		for _, e := range presented {
			order(overdue(e, "2026-07-11T10:16:00.000Z"))
		}
		work = append(work, work...) // everything is delivered twice
		table, guard := ledgertest.NewTable(), sync.Mutex{}
		random := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		random.Shuffle(len(work), func(i, j int) { work[i], work[j] = work[j], work[i] })
		fault := func(string) error {
			guard.Lock()
			defer guard.Unlock()
			if random.IntN(8) == 0 {
				return &types.ProvisionedThroughputExceededException{}
			}
			return nil
		}
		table.Before, table.After = fault, fault
		var running sync.WaitGroup
		for _, do := range work {
			running.Go(func() { settle(newStore(table), do) })
		}
		running.Wait()
		table.Before, table.After = nil, nil
		for _, e := range presented {
			require.NoError(t, newStore(table).Commit(ctx, []payment.JournalEntry{e})[0].Err)
		}
		require.Equal(t, balanceOf(t, inOrder, "acc-1"), balanceOf(t, table, "acc-1"))
		for _, ledger := range []*ledgertest.Table{inOrder, table} {
			v, err := NewReader(ledger, "ledger").Verify(ctx)
			require.NoError(t, err)
			require.Empty(t, v.Findings)
		}
		for _, item := range suspenseOf(t, table) {
			require.Contains(t, item, " 0.00 CLEARED ")
		}
	})
}

// A transaction that is computed anew from other items has another token: the service refuses other parameters under the same one.
func TestTokenCoversWhatATransactionWasComputedFrom(t *testing.T) {
	j := joining{message: payment.PurchaseMessage{BusinessKey: "KEY"}}
	seen := map[string]bool{}
	for _, at := range []place{
		{}, {purchase: purchaseItem{StoredPurchase: StoredPurchase{Version: 1}}}, {own: &purchaseItem{}}, {own: &purchaseItem{StoredPurchase: StoredPurchase{Version: 1}}},
		{claims: []linkItem{{hash: "A"}}}, {claims: []linkItem{{hash: "A", version: 1}}},
	} {
		seen[*purchaseToken(at, j, nil, "now")] = true
		seen[*purchaseToken(at, j, []itemKey{{"PURCHASE#OTHER", purchaseSort}}, "now")] = true
		seen[*purchaseToken(at, j, nil, "later")] = true
	}
	require.Len(t, seen, 18)
}

// While a case is open the customer has a provisional credit: what a reversal gives back goes to suspense, not to them twice.
func TestReversalWhileADisputeIsOpen(t *testing.T) {
	table, original, ctx := ledgertest.NewTable(), authorized(t, 1), context.Background()
	commit(t, newStore(table), original)
	table.Edit(func(items map[ledgertest.Key]ledgertest.Item) {
		item := items[ledgertest.Key{Partition: "PURCHASE#KEY00000000000000000000001", Sort: "PURCHASE"}]
		item["openCase"], item["version"] = text("dsp_1"), number(2)
	})
	for range 2 {
		result := newStore(table).Settle(ctx, reversal(original, 1, 0))
		require.NoError(t, result.Err)
		require.Equal(t, payment.OutcomeSuspense, result.Record.Outcome)
		require.Equal(t, payment.ReasonDisputeOpen, result.Record.Reason)
	}
	require.Equal(t, "GBP -82.09", balanceOf(t, table, "acc-1"))
	require.Equal(t, []string{"SUSPENSE.CARD.GBP GBP 82.09 OPEN DISPUTE_OPEN payments-operations"}, suspenseOf(t, table))
	requireSound(t, table, 2)
}
