package ledger

import (
	"context"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/internal/ledger/ledgertest"
)

func TestVerifyFindsWhatWasChanged(t *testing.T) {
	// each changes one item of the kind that prefix names
	change := func(prefix string, edit func(ledgertest.Item)) func(map[ledgertest.Key]ledgertest.Item) {
		return func(items map[ledgertest.Key]ledgertest.Item) {
			for key, item := range items {
				if strings.HasPrefix(key.Partition, prefix) {
					edit(item)
					return
				}
			}
		}
	}
	set := func(name string, value types.AttributeValue) func(ledgertest.Item) {
		return func(item ledgertest.Item) { item[name] = value }
	}
	remove := func(prefix string) func(map[ledgertest.Key]ledgertest.Item) {
		return func(items map[ledgertest.Key]ledgertest.Item) {
			for key := range items {
				if strings.HasPrefix(key.Partition, prefix) {
					delete(items, key)
					return
				}
			}
		}
	}
	leg := func(item ledgertest.Item) ledgertest.Item {
		return item["legs"].(*types.AttributeValueMemberL).Value[0].(*types.AttributeValueMemberM).Value
	}
	for name, tc := range map[string]struct {
		edit    func(map[ledgertest.Key]ledgertest.Item)
		problem string
	}{
		"a leg's amount":      {change(journalPrefix, func(i ledgertest.Item) { leg(i)["minor"] = number(7926) }), "do not have its checksum"},
		"a reason":            {change(journalPrefix, set("reason", text("OTHER"))), "the entry's hash is"},
		"an entry hash":       {change(journalPrefix, set("entryHash", text("00"))), "recorded is 00"},
		"a journal's key":     {change(journalPrefix, set("sequence", text("ps_X-00"))), "the journal item has the key"},
		"a lost journal item": {remove(journalPrefix), "the journal makes 0 entries"},
		"a malformed leg":     {change(journalPrefix, func(i ledgertest.Item) { leg(i)["minor"] = text("1") }), "is not a number"},
		"an entry's amount":   {change(entryPrefix, set("minor", number(-1))), "the journal makes 3 entries worth GBP -82.09, stored are 3 entries"},
		"an entry's text":     {change(entryPrefix, set("description", text("OTHER"))), "the journal makes 3 entries"},
		"a lost entry":        {remove(entryPrefix), "stored are 2 entries"},
		"a balance":           {change(balancePrefix, set("minor", number(0))), "the journal makes a balance of GBP -82.09 in 1 journal entries, stored is GBP 0.00 in 1"},
		"a balance's count":   {change(balancePrefix, set("journalCount", number(2))), "stored is GBP -82.09 in 2"},
		"a lost balance":      {remove(balancePrefix), "stored is none"},
		"a balance of nothing": {func(items map[ledgertest.Key]ledgertest.Item) {
			items[ledgertest.Key{Partition: "BALANCE#acc-9", Sort: "GBP"}] = ledgertest.Item{"pk": text("BALANCE#acc-9"), "sk": text("GBP"),
				"minor": number(1), "version": number(1), "journalCount": number(1)}
		}, "the journal makes a balance of GBP 0.00 in 0"},
		"something else": {func(items map[ledgertest.Key]ledgertest.Item) {
			items[ledgertest.Key{Partition: "X", Sort: "Y"}] = ledgertest.Item{"pk": text("X"), "sk": text("Y")}
		}, "is no item of a ledger"},
	} {
		t.Run(name, func(t *testing.T) {
			table := filled(t, 1)
			requireSound(t, table, 1)
			table.Edit(tc.edit)
			v, err := NewReader(table, "ledger").Verify(context.Background())
			require.NoError(t, err)
			var problems []string
			for _, finding := range v.Findings {
				problems = append(problems, finding.Subject+": "+finding.Problem)
			}
			require.Contains(t, strings.Join(problems, "\n"), tc.problem)
		})
	}
}

func TestVerifyDoesNotCallAnUnreadTableSound(t *testing.T) {
	table := filled(t, 1)
	table.Before = func(string) error { return context.DeadlineExceeded }
	_, err := NewReader(table, "ledger").Verify(context.Background())
	require.ErrorIs(t, err, context.DeadlineExceeded)
}
