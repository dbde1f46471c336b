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

// pricedPurchase is example E2 with the terms it was posted under, which a partial reversal needs.
func pricedPurchase(t require.TestingT, n int, account string) payment.JournalEntry {
	entry := foreignPurchase(t, n, account)
	entry.Basis = payment.Basis{TransactionType: "00", MCC: "5411", Foreign: true, FXFeeRate: "0.0299", FXFeeTaxRate: "0.20", TaxJurisdiction: "GB"}
	return entry
}

// reversal orders that of USD 100.00 so many cents remain; n tells reversals of one original apart.
func reversal(original payment.JournalEntry, n int, remains int64) payment.ReversalOrder {
	return payment.ReversalOrder{OriginalSequence: original.ID, TransactionID: fmt.Sprintf("tx_R%d", n), AuthorizationID: fmt.Sprintf("auth-r%d", n), BusinessKey: fmt.Sprintf("R%d", n),
		PayloadHash: fmt.Sprintf("hash-r%d", n), OccurredAt: "2026-07-09T10:16:00.000Z", Outcome: payment.OutcomePosted, BillingCurrency: "GBP",
		TransactionAmount: payment.Money{Minor: 10000, Currency: "USD"}, ReplacementAmount: &payment.Money{Minor: remains, Currency: "USD"}, ValueDate: "2026-07-11"}
}

func balanceOf(t require.TestingT, table *ledgertest.Table, account string) string {
	balances, err := NewReader(table, "ledger").Balances(context.Background(), account)
	require.NoError(t, err)
	require.Len(t, balances, 1)
	return balances[0].Amount.String()
}

func TestReverse(t *testing.T) {
	table, original := ledgertest.NewTable(), pricedPurchase(t, 1, "acc-1")
	store, ctx := newStore(table), context.Background()
	commit(t, store, original)

	first := store.Reverse(ctx, reversal(original, 1, 6309))
	require.NoError(t, first.Err)
	require.Equal(t, Posted, first.Disposition)
	require.Equal(t, "ps_KEY00000000000000000000001-01", first.Record.ID)
	require.Equal(t, "GBP -51.80", balanceOf(t, table, "acc-1"), "E5: 82.09 less 30.29, which is 50.00 with 1.50 and 0.30")
	requireSound(t, table, 2)
	record, found, err := store.Journal(ctx, first.Record.ID)
	require.NoError(t, err)
	require.True(t, found)
	require.Equal(t, first.Record, record, "what is read is what was written")
	record, found, err = NewReader(table, "ledger").Reversal(ctx, original.ID, "R1")
	require.NoError(t, err)
	require.True(t, found)
	require.Equal(t, first.Record, record)
	_, found, err = NewReader(table, "ledger").Reversal(ctx, original.ID, "R2")
	require.NoError(t, err)
	require.False(t, found)

	later := newStore(table)
	later.options.Now = func() time.Time { return postingTime.Add(time.Second) }
	again := later.Reverse(ctx, reversal(original, 1, 6309))
	require.NoError(t, again.Err)
	require.Equal(t, Result{Disposition: AlreadyPosted, Record: first.Record}, again)

	same := reversal(original, 1, 6309)
	same.AuthorizationID = "auth-other"
	require.Equal(t, LateDuplicate, later.Reverse(ctx, same).Disposition)
	same.PayloadHash = "hash-other"
	require.Equal(t, Conflicting, later.Reverse(ctx, same).Disposition)

	exceeding := later.Reverse(ctx, reversal(original, 2, 9000))
	require.Equal(t, payment.ReasonReversalExceeds, payment.ReasonOf(exceeding.Err))
	require.Equal(t, payment.Conflict, payment.KindOf(exceeding.Err))

	rest := later.Reverse(ctx, reversal(original, 3, 0))
	require.NoError(t, rest.Err)
	require.Equal(t, "ps_KEY00000000000000000000001-02", rest.Record.ID)
	require.Equal(t, "GBP 0.00", balanceOf(t, table, "acc-1"))
	require.Equal(t, payment.ReasonAlreadyReversed, payment.ReasonOf(later.Reverse(ctx, reversal(original, 4, 0)).Err))
	requireSound(t, table, 3)
	trial, err := NewReader(table, "ledger").TrialBalance(ctx, time.Time{})
	require.NoError(t, err)
	for _, line := range trial.Lines {
		require.Equal(t, line.Debit, line.Credit, "%s is back at nothing", line.Account)
	}
}

func TestReverseWithoutItsOriginal(t *testing.T) {
	table, original := ledgertest.NewTable(), pricedPurchase(t, 1, "acc-1")
	store := newStore(table)
	result := store.Reverse(context.Background(), reversal(original, 1, 0))
	require.Equal(t, payment.ReasonOriginalNotFound, payment.ReasonOf(result.Err))
	require.Equal(t, payment.Unavailable, payment.KindOf(result.Err), "it may come")

	waits := 0
	store.options.Wait = func(context.Context, time.Duration) error {
		if waits++; waits == 2 {
			commit(t, newStore(table), original)
		}
		return nil
	}
	require.Equal(t, Posted, store.Reverse(context.Background(), reversal(original, 1, 0)).Disposition, "it has come meanwhile")
	requireSound(t, table, 2)

	store.options.Wait = func(context.Context, time.Duration) error { return context.Canceled }
	require.ErrorIs(t, store.Reverse(context.Background(), reversal(pricedPurchase(t, 2, "acc-1"), 1, 0)).Err, context.Canceled)
}

// Whatever comes at once, in whatever order, with answers lost and calls refused: the account ends where the least that was to
// remain puts it, and the ledger holds together.
func TestReversalsAtOnceUnderFaults(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		table, original := ledgertest.NewTable(), pricedPurchase(t, 1, "acc-1")
		commit(t, newStore(table), original)
		remains := rapid.SliceOfN(rapid.Int64Range(0, 9999), 1, 5).Draw(t, "remains")
		random, guard := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0)), sync.Mutex{}
		fault := func(operation string) error {
			guard.Lock()
			defer guard.Unlock()
			if random.IntN(5) == 0 {
				return &types.ProvisionedThroughputExceededException{}
			}
			return nil
		}
		table.Before, table.After = fault, fault
		var running sync.WaitGroup
		for n, minor := range remains {
			for range 2 {
				running.Go(func() {
					for {
						err := newStore(table).Reverse(context.Background(), reversal(original, n, minor)).Err
						if err == nil || payment.KindOf(err) == payment.Conflict {
							return
						}
						runtime.Gosched()
					}
				})
			}
		}
		running.Wait()
		table.Before, table.After = nil, nil
		var least payment.Money
		for _, minor := range remains {
			after, err := reversal(original, 0, minor).Remaining(original.Billed())
			if err != nil {
				t.Fatal(err)
			}
			if least.Currency == "" || after.Minor < least.Minor {
				least = after
			}
		}
		require.Equal(t, expectedBalance(t, least), balanceOf(t, table, "acc-1"))
		v, err := NewReader(table, "ledger").Verify(context.Background())
		require.NoError(t, err)
		require.Empty(t, v.Findings)
	})
}

// expectedBalance is what a purchase of the amount alone makes of an account.
func expectedBalance(t require.TestingT, billed payment.Money) string {
	if billed.IsZero() {
		return billed.String()
	}
	legs, err := payment.Legs(payment.Decided{Outcome: payment.OutcomePosted, TransactionType: "00", MCC: "5411", Foreign: true, BillingAmount: billed,
		AccountID: "acc-1", Scheme: "VISA", Terms: payment.Terms{FXFeeRate: "0.0299", FXFeeTaxRate: "0.20", TaxJurisdiction: "GB"}})
	require.NoError(t, err)
	sum := payment.Money{Currency: billed.Currency}
	for _, leg := range entryOf(1, legs).CustomerLegs() {
		sum, err = sum.Add(leg.Signed())
		require.NoError(t, err)
	}
	return sum.String()
}

func TestVerifyFindsReversalsThatAreNotCounted(t *testing.T) {
	for name, edit := range map[string]func(map[ledgertest.Key]ledgertest.Item, ledgertest.Key){
		"the count": func(items map[ledgertest.Key]ledgertest.Item, k ledgertest.Key) { items[k]["version"] = number(2) },
		"the rest":  func(items map[ledgertest.Key]ledgertest.Item, k ledgertest.Key) { items[k]["minor"] = number(1) },
		"the causes": func(items map[ledgertest.Key]ledgertest.Item, k ledgertest.Key) {
			items[k]["applied"] = &types.AttributeValueMemberM{}
		},
		"the item": func(items map[ledgertest.Key]ledgertest.Item, k ledgertest.Key) { delete(items, k) },
	} {
		t.Run(name, func(t *testing.T) {
			table, original := ledgertest.NewTable(), pricedPurchase(t, 1, "acc-1")
			commit(t, newStore(table), original)
			require.NoError(t, newStore(table).Reverse(context.Background(), reversal(original, 1, 6309)).Err)
			requireSound(t, table, 2)
			table.Edit(func(items map[ledgertest.Key]ledgertest.Item) {
				edit(items, ledgertest.Key{Partition: "REVERSAL#" + original.ID, Sort: "REVERSAL"})
			})
			v, err := NewReader(table, "ledger").Verify(context.Background())
			require.NoError(t, err)
			require.Len(t, v.Findings, 1)
			require.Contains(t, v.Findings[0].Problem, "the journal has 1 reversals that leave GBP 50.00")
		})
	}
}

func TestReverseGivesUpOnWhatStaysBroken(t *testing.T) {
	table, original := ledgertest.NewTable(), pricedPurchase(t, 1, "acc-1")
	commit(t, newStore(table), original)
	table.Before = func(operation string) error {
		if operation == "TransactWriteItems" {
			return errors.New("no answer")
		}
		return nil
	}
	require.ErrorContains(t, newStore(table).Reverse(context.Background(), reversal(original, 1, 0)).Err, "attempt 8: no answer")
}
