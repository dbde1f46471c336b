package ledger

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/internal/ledger/ledgertest"
	"github.com/payrail/payrail/payment"
)

// filled is a ledger with n foreign purchases, one after the other in time, alternating between two accounts.
func filled(t *testing.T, n int) *ledgertest.Table {
	t.Helper()
	table := ledgertest.NewTable()
	for i := range n {
		entry := foreignPurchase(t, i, fmt.Sprintf("acc-%d", i%2))
		entry.OccurredAt = fmt.Sprintf("2026-07-09T10:15:%02d.000Z", i)
		store := newStore(table)
		store.options.Now = func() time.Time { return postingTime.Add(time.Duration(i) * time.Minute) }
		commit(t, store, entry)
	}
	return table
}

func TestEachJournalReadsAllPages(t *testing.T) {
	table := filled(t, 7)
	table.PageSize = 3 // many pages hold no journal item
	reader := NewReader(table, "ledger")
	seen := map[string]bool{}
	require.NoError(t, reader.EachJournal(context.Background(), func(r Record) error { seen[r.ID] = true; return nil }))
	require.Len(t, seen, 7)

	stop := errors.New("enough")
	calls := 0
	require.ErrorIs(t, reader.EachJournal(context.Background(), func(Record) error { calls++; return stop }), stop)
	require.Equal(t, 1, calls)
}

func TestEntriesAreReadByPage(t *testing.T) {
	reader := NewReader(filled(t, 4), "ledger")
	var legs []string
	page := Page{Limit: 4}
	for pages := 1; ; pages++ {
		entries, next, err := reader.Entries(context.Background(), "acc-0", page)
		require.NoError(t, err)
		for _, e := range entries {
			legs = append(legs, fmt.Sprint(e.OccurredAt[17:19], " ", e.Leg))
		}
		if next == "" {
			require.Equal(t, 2, pages)
			break
		}
		page.After = next
	}
	require.Equal(t, []string{"00 1", "00 3", "00 5", "02 1", "02 3", "02 5"}, legs)

	entries, _, err := reader.Entries(context.Background(), "acc-0", Page{Limit: 1, NewestFirst: true})
	require.NoError(t, err)
	require.Equal(t, 5, entries[0].Leg)
}

func TestTrialBalanceFoldsTheJournal(t *testing.T) {
	reader := NewReader(filled(t, 3), "ledger")
	trial, err := reader.TrialBalance(context.Background(), time.Time{})
	require.NoError(t, err)
	require.True(t, trial.Balanced())
	require.EqualValues(t, 3, trial.JournalEntries)
	var lines []string
	for _, line := range append(trial.Lines, trial.Totals...) {
		lines = append(lines, fmt.Sprintf("%s %s %s", line.Account, line.Debit, line.Credit))
	}
	require.Equal(t, []string{
		"FEE_INCOME.FX GBP 0.00 GBP 7.11", "SCHEME_PAYABLE.VISA.GBP GBP 0.00 GBP 237.75", "TAX_PAYABLE.GB GBP 0.00 GBP 1.41",
		"acc-0 GBP 164.18 GBP 0.00", "acc-1 GBP 82.09 GBP 0.00", " GBP 246.27 GBP 246.27",
	}, lines)
	net, err := trial.Lines[3].Net()
	require.NoError(t, err)
	require.Equal(t, payment.Money{Minor: -16418, Currency: "GBP"}, net)

	trial, err = reader.TrialBalance(context.Background(), postingTime.Add(time.Minute))
	require.NoError(t, err)
	require.EqualValues(t, 2, trial.JournalEntries, "as of the cut-off")
}

func TestTrialBalanceTellsAnUnbalancedLedger(t *testing.T) {
	trial := TrialBalance{Totals: []Line{{Debit: payment.Money{Minor: 1, Currency: "GBP"}, Credit: payment.Money{Minor: 2, Currency: "GBP"}}}}
	require.False(t, trial.Balanced())
}
