package ledger

import (
	"context"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/internal/ledger/ledgertest"
	"github.com/payrail/payrail/payment"
)

func leg(number int, side payment.Side, role payment.Role, account string, minor int64, currency payment.Currency) payment.Leg {
	return payment.Leg{Number: number, Side: side, Role: role, Account: account, Amount: payment.Money{Minor: minor, Currency: currency}}
}

func verified(t *testing.T, entries ...payment.JournalEntry) []Finding {
	t.Helper()
	table := ledgertest.NewTable()
	commit(t, newStore(table), entries...)
	v, err := NewReader(table, "ledger").Verify(t.Context())
	require.NoError(t, err)
	return v.Findings
}

// A branch's account with head office and its mirror come to zero (E1b), whatever sequence books them.
func TestHeadOfficeAndItsMirrorComeToZero(t *testing.T) {
	sound := []payment.Leg{
		leg(1, payment.Debit, payment.RoleCustomer, "acc-1", 1981, "GBP"), leg(2, payment.Credit, roleHeadOffice, "HEAD_OFFICE.601613.GBP", 1981, "GBP"),
		leg(3, payment.Debit, roleBranchControl, "BRANCH_CTRL.601613.GBP", 1981, "GBP"), leg(4, payment.Credit, payment.RoleSchemePayable, "SCHEME_PAYABLE.VISA.GBP", 1981, "GBP"),
	}
	require.Empty(t, verified(t, entryOf(1, sound)))

	otherBranch := append([]payment.Leg{}, sound...)
	otherBranch[2].Account = "BRANCH_CTRL.601614.GBP"
	require.Equal(t, []Finding{
		{"HEAD_OFFICE.601613.GBP", "with its mirror BRANCH_CTRL.601613.GBP it comes to GBP 19.81, not to zero"},
		{"HEAD_OFFICE.601614.GBP", "with its mirror BRANCH_CTRL.601614.GBP it comes to GBP -19.81, not to zero"},
	}, verified(t, entryOf(1, otherBranch)))
}

// Two currencies balance each by itself, over positions of their own (E2b).
func TestPositionsAreOfOneCurrency(t *testing.T) {
	legs := []payment.Leg{
		leg(1, payment.Debit, payment.RoleCustomer, "acc-1", 7925, "GBP"), leg(2, payment.Credit, "FX_POSITION", "FX_POSITION.GBP", 7925, "GBP"),
		leg(3, payment.Debit, "FX_POSITION", "FX_POSITION.USD", 10000, "USD"), leg(4, payment.Credit, payment.RoleSchemePayable, "SCHEME_PAYABLE.VISA.USD", 10000, "USD"),
	}
	entry := entryOf(1, legs)
	require.Empty(t, verified(t, entry))

	legs[2].Account = "FX_POSITION.GBP"
	require.Equal(t, []Finding{{entry.ID, "leg 3 is in USD on account FX_POSITION.GBP"}}, verified(t, entryOf(1, legs)))
}

func TestARoleHasItsOwnAccounts(t *testing.T) {
	legs := []payment.Leg{
		leg(1, payment.Debit, payment.RoleCustomer, "acc-1", 100, "GBP"), leg(2, payment.Credit, payment.RoleSchemePayable, "FEE_INCOME.GBP", 100, "GBP"),
	}
	entry := entryOf(1, legs)
	require.Equal(t, []Finding{{entry.ID, "leg 2 has the role SCHEME_PAYABLE on account FEE_INCOME.GBP"}}, verified(t, entry))
}

func TestATrialBalanceOutOfBalanceIsAFinding(t *testing.T) {
	b := newBooks()
	_, err := b.add(Record{PostedAt: "2026-07-09T10:15:32.005Z", JournalEntry: payment.JournalEntry{Legs: []payment.Leg{leg(1, payment.Debit, payment.RoleCustomer, "acc-1", 100, "GBP")}}})
	require.NoError(t, err)
	findings, err := b.check()
	require.NoError(t, err)
	require.Equal(t, []Finding{{"trial balance GBP", "debits are 1.00, credits 0.00"}}, findings)
}

// A purchase whose correction is gone from the journal, or whose state was set back, is a finding.
func TestAPurchaseStandsAtWhatItIsBilled(t *testing.T) {
	reversed := func() *ledgertest.Table {
		table, original := ledgertest.NewTable(), authorized(t, 1)
		store := newStore(table)
		commit(t, store, original)
		require.NoError(t, store.Settle(t.Context(), reversal(original, 1, 6309)).Err)
		requireSound(t, table, 2)
		return table
	}
	findings := func(table *ledgertest.Table) string {
		v, err := NewReader(table, "ledger").Verify(t.Context())
		require.NoError(t, err)
		var problems []string
		for _, f := range v.Findings {
			problems = append(problems, f.Subject+": "+f.Problem)
		}
		return strings.Join(problems, "\n")
	}
	table := reversed()
	table.Edit(func(items map[ledgertest.Key]ledgertest.Item) {
		delete(items, ledgertest.Key{Partition: "JOURNAL#ps_KEY00000000000000000000001-01", Sort: journalSort})
	})
	require.Contains(t, findings(table), "sequence ps_KEY00000000000000000000001-01: it is in its purchase and not in the journal")

	table = reversed()
	table.Edit(func(items map[ledgertest.Key]ledgertest.Item) {
		item := items[ledgertest.Key{Partition: "PURCHASE#KEY00000000000000000000001", Sort: purchaseSort}]
		item["state"] = text(strings.Replace(stringIn(item, "state"), `"EFFECTIVE","sequence":"ps_KEY00000000000000000000001-01"`, `"CANCELLED","sequence":"ps_KEY00000000000000000000001-01"`, 1))
	})
	require.Contains(t, findings(table), "ps_KEY00000000000000000000001-00: purchase KEY00000000000000000000001 is billed GBP 79.25, and GBP -50.00 stands with its customer")

	table = reversed()
	table.Before = func(operation string) error {
		if operation == "GetItem" {
			return context.DeadlineExceeded
		}
		return nil
	}
	_, err := NewReader(table, "ledger").Verify(t.Context())
	require.ErrorIs(t, err, context.DeadlineExceeded, "what cannot be read is not verified")
}

func stringIn(item ledgertest.Item, name string) string {
	return item[name].(*types.AttributeValueMemberS).Value
}
