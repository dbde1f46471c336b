package ledger

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/internal/ledger/ledgertest"
	"github.com/payrail/payrail/payment"
)

// paidAt is an authorization at a merchant, taken in at a time of the day.
func paidAt(t require.TestingT, n int, merchant, time string) payment.JournalEntry {
	e := authorized(t, n)
	e.Links, e.MerchantKey, e.OccurredAt = payment.Links{}, merchant, "2026-07-09T"+time+".000Z"
	return e
}

// refund gives GBP 25.00 back (E3).
func refund(t require.TestingT, n int, minor int64, of payment.Links) payment.JournalEntry {
	d := payment.Decided{Outcome: payment.OutcomePosted, MTI: "0100", TransactionType: "20", MCC: "5411", TransmittedAt: "2026-07-20T10:00:00Z",
		TransactionAmount: payment.Money{Minor: minor, Currency: "GBP"}, BillingAmount: payment.Money{Minor: minor, Currency: "GBP"}, AccountID: "acc-1", Scheme: "VISA"}
	legs, err := payment.Legs(d)
	require.NoError(t, err)
	e := entryOf(n, legs)
	e.Basis, e.RefundOf, e.MerchantKey, e.OccurredAt = d, of, "SHOP", "2026-07-20T10:00:00.000Z"
	return e
}

// the same card, merchant and amount within five minutes, before or after.
func TestTwin(t *testing.T) {
	for name, tc := range map[string]struct {
		other payment.JournalEntry
		twin  bool
	}{
		"five minutes before":    {paidAt(t, 2, "SHOP", "10:10:00"), true},
		"five minutes after":     {paidAt(t, 2, "SHOP", "10:20:00"), true},
		"more than five minutes": {paidAt(t, 2, "SHOP", "10:20:01"), false},
		"another merchant":       {paidAt(t, 2, "CAFE", "10:15:00"), false},
		"a refund of the same sum": {func() payment.JournalEntry {
			e := refund(t, 2, 7925, payment.Links{})
			e.OccurredAt = "2026-07-09T10:15:00.000Z"
			return e
		}(), false},
		"another message of itself": {paidAt(t, 1, "SHOP", "10:15:00"), false},
	} {
		t.Run(name, func(t *testing.T) {
			table := ledgertest.NewTable()
			one := paidAt(t, 1, "SHOP", "10:15:00")
			store := newStore(table)
			results := store.Commit(context.Background(), []payment.JournalEntry{one})
			commit(t, store, tc.other)
			twin, err := store.Twin(context.Background(), results[0].Record)
			require.NoError(t, err)
			require.Equal(t, tc.twin, twin == tc.other.ID, twin)
		})
	}
	other := paidAt(t, 2, "SHOP", "10:14:00")
	other.Basis.BillingAmount.Minor++
	legs, err := payment.Legs(other.Basis)
	require.NoError(t, err)
	other.Legs, other.Of, other.Checksum = legs, len(legs), payment.Checksum(legs)
	table := ledgertest.NewTable()
	results := newStore(table).Commit(context.Background(), []payment.JournalEntry{paidAt(t, 1, "SHOP", "10:15:00"), other})
	twin, err := newStore(table).Twin(context.Background(), results[0].Record)
	require.NoError(t, err)
	require.Empty(t, twin, "another amount")
}

// R-062, and what a purchase remembers of its refunds.
func TestRefunds(t *testing.T) {
	links := payment.Links{Approval: "CODE"}
	for name, tc := range map[string]struct {
		purchase *payment.JournalEntry
		refund   payment.JournalEntry
		known    bool
		refunded int64
	}{
		"nothing is known":               {nil, refund(t, 2, 2500, payment.Links{}), false, 0},
		"the purchase is named":          {pointer(paidAt(t, 1, "CAFE", "10:15:00")), refund(t, 2, 2500, links), true, 2500},
		"a purchase at the merchant":     {pointer(paidAt(t, 1, "SHOP", "10:15:00")), refund(t, 2, 2500, payment.Links{}), true, 0},
		"too small a purchase":           {pointer(paidAt(t, 1, "SHOP", "10:15:00")), refund(t, 2, 7926, payment.Links{}), false, 0},
		"a purchase at another merchant": {pointer(paidAt(t, 1, "CAFE", "10:15:00")), refund(t, 2, 2500, payment.Links{}), false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			table, ctx := ledgertest.NewTable(), context.Background()
			store := newStore(table)
			if tc.purchase != nil {
				tc.purchase.Links = links
				commit(t, store, *tc.purchase)
			}
			results := store.Commit(ctx, []payment.JournalEntry{tc.refund})
			require.NoError(t, results[0].Err)
			require.Equal(t, AlreadyPosted, later(table).Commit(ctx, []payment.JournalEntry{tc.refund})[0].Disposition)
			known, err := store.RefundsKnownPurchase(ctx, results[0].Record)
			require.NoError(t, err)
			require.Equal(t, tc.known, known)
			if tc.purchase != nil {
				purchase, found, err := NewReader(table, "ledger").Purchase(ctx, tc.purchase.BusinessKey)
				require.NoError(t, err)
				require.True(t, found)
				require.Equal(t, payment.Money{Minor: tc.refunded, Currency: "GBP"}, purchase.Refunded, "counted once")
			}
		})
	}
}

func pointer(e payment.JournalEntry) *payment.JournalEntry { return &e }

// What a refund gives back is counted as its messages leave it: a later one, its reversal, and in the purchase's currency alone.
func TestRefundedFollowsTheRefund(t *testing.T) {
	table, ctx, links := ledgertest.NewTable(), context.Background(), payment.Links{Approval: "PAID"}
	purchase := paidAt(t, 1, "SHOP", "10:15:00")
	purchase.Links = links
	commit(t, newStore(table), purchase)
	refunded := func() payment.Money {
		p, _, err := NewReader(table, "ledger").Purchase(ctx, purchase.BusinessKey)
		require.NoError(t, err)
		return p.Refunded
	}
	first := refund(t, 2, 2500, links)
	first.Links = payment.Links{Lifecycle: "REFUND"}
	waiting := reversal(first, 1, 0)
	waiting.TransactionType, waiting.ReplacementAmount = "20", nil
	require.Equal(t, Waiting, newStore(table).Settle(ctx, waiting).Disposition)
	require.NoError(t, newStore(table).Commit(ctx, []payment.JournalEntry{first})[0].Err)
	require.Equal(t, payment.Money{Currency: "GBP"}, refunded(), "given back and taken again")

	second := refund(t, 3, 1000, links)
	second.Links = payment.Links{Lifecycle: "REFUND-2"}
	commit(t, newStore(table), second)
	more := refund(t, 4, 1500, links)
	more.Links, more.Basis.MTI = second.Links, "0220"
	for range 2 {
		require.NoError(t, later(table).Commit(ctx, []payment.JournalEntry{more})[0].Err)
	}
	require.Equal(t, payment.Money{Minor: 1500, Currency: "GBP"}, refunded())

	other := refund(t, 5, 100, links)
	other.Basis.BillingAmount.Currency = "EUR"
	commit(t, newStore(table), other)
	require.Equal(t, payment.Money{Minor: 1500, Currency: "GBP"}, refunded())
}
