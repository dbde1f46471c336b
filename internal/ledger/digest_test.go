package ledger

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/payrail/payrail/internal/bulkread"
	"github.com/payrail/payrail/internal/ledger/ledgertest"
	"github.com/payrail/payrail/payment"
)

// hour is the hour of postingTime.
var hour = time.Date(2026, 7, 9, 10, 0, 0, 0, time.UTC)

func postedIn(table *ledgertest.Table) *PostedReader {
	return NewPostedReader(bulkread.Reader{Client: table, Wait: func(context.Context, time.Duration) error { return nil }}, "ledger")
}

// spread is a ledger with n foreign purchases, one every twenty minutes from 10:15.
func spread(t require.TestingT, n int) *ledgertest.Table {
	table := ledgertest.NewTable()
	for i := range n {
		store := newStore(table)
		store.options.Now = func() time.Time { return postingTime.Add(time.Duration(i) * 20 * time.Minute) }
		commit(t, store, foreignPurchase(t, i, fmt.Sprintf("acc-%d", i%3)))
	}
	return table
}

// digestsOf are the digests of the hours from 10 on, chained by the hours' names.
func digestsOf(t require.TestingT, table *ledgertest.Table, hours int) []Digest {
	var digests []Digest
	previous := ""
	for i := range hours {
		at := hour.Add(time.Duration(i) * time.Hour)
		sum, err := postedIn(table).Sum(context.Background(), at, time.Time{})
		require.NoError(t, err)
		d, err := sum.Digest(at, previous)
		require.NoError(t, err)
		digests, previous = append(digests, d), hourOf(at)
	}
	return digests
}

func TestADigestSumsItsHour(t *testing.T) {
	table := spread(t, 7) // 10:15, 10:35, 10:55, 11:15, 11:35, 11:55, 12:15
	table.PageSize = 2    // Items come in several answers.
	digests := digestsOf(t, table, 4)
	for i, want := range []int64{3, 3, 1, 0} {
		require.Equal(t, want, digests[i].JournalEntries, i)
	}
	var lines []string
	for _, line := range append(digests[0].Accounts, digests[0].Totals...) {
		lines = append(lines, fmt.Sprintf("%s %s %s", line.Account, line.Debit, line.Credit))
	}
	require.Equal(t, []string{
		"CUST GBP 246.27 GBP 0.00", "FEE_INCOME.FX GBP 0.00 GBP 7.11", "SCHEME_PAYABLE.VISA.GBP GBP 0.00 GBP 237.75", "TAX_PAYABLE.GB GBP 0.00 GBP 1.41",
		" GBP 246.27 GBP 246.27",
	}, lines)
	require.Equal(t, hour, digests[0].Hour)
	require.NotEqual(t, digests[0].Seal, digests[1].Seal)
	require.Equal(t, new(Seal).String(), digests[3].Seal, "the seal of nothing")
}

func TestAnyFindsHoursWithPostings(t *testing.T) {
	table := spread(t, 7)
	for i, want := range []bool{true, true, true, false} {
		found, err := postedIn(table).Any(t.Context(), hour.Add(time.Duration(i)*time.Hour))
		require.NoError(t, err)
		require.Equal(t, want, found, i)
	}
}

// Each change of a journal that was digested is named by the hour it was posted in.
func TestVerifyHoldsTheJournalAgainstItsDigests(t *testing.T) {
	journals := func(items map[ledgertest.Key]ledgertest.Item, edit func(ledgertest.Key, ledgertest.Item)) {
		for key, item := range items {
			if strings.HasPrefix(key.Partition, journalPrefix) && strings.HasPrefix(item["postedAt"].(*types.AttributeValueMemberS).Value, "2026-07-09T11:15") {
				edit(key, item)
			}
		}
	}
	for name, tc := range map[string]struct {
		edit func(map[ledgertest.Key]ledgertest.Item)
		want string
	}{
		"a missing entry": {func(items map[ledgertest.Key]ledgertest.Item) {
			journals(items, func(k ledgertest.Key, _ ledgertest.Item) { delete(items, k) })
		}, "hour 2026-07-09T11: the journal has 2 entries, its digest 3: entries are missing"},
		// Whoever can change an item can also make its hash fit: only the digest tells.
		"a changed entry with its hash": {func(items map[ledgertest.Key]ledgertest.Item) {
			journals(items, func(_ ledgertest.Key, item ledgertest.Item) {
				item["authorizationId"] = text("auth-other")
				record, err := decodeRecord(item)
				require.NoError(t, err)
				item["entryHash"] = text(record.Hash())
			})
		}, "hour 2026-07-09T11: the journal has 3 entries, its digest 3: entries were changed"},
		"another time of posting": {func(items map[ledgertest.Key]ledgertest.Item) {
			journals(items, func(_ ledgertest.Key, item ledgertest.Item) { item["postedAt"] = text("2026-07-09T11:15:33.000Z") })
		}, "hour 2026-07-09T11: the journal has 3 entries, its digest 3: entries were changed"},
		"an entry before the first digest": {func(items map[ledgertest.Key]ledgertest.Item) {
			journals(items, func(_ ledgertest.Key, item ledgertest.Item) { item["postedAt"] = text("2026-07-09T09:15:33.000Z") })
		}, "hour 2026-07-09T09: the journal has 1 entries, and the first digest is of the hour 2026-07-09T10"},
		"an entry that is not indexed": {func(items map[ledgertest.Key]ledgertest.Item) {
			journals(items, func(_ ledgertest.Key, item ledgertest.Item) { delete(item, PostedBucketAttribute) })
		}, "it is not indexed in its hour of posting"},
	} {
		t.Run(name, func(t *testing.T) {
			table := spread(t, 7)
			digests := digestsOf(t, table, 2)
			sound, err := NewReader(table, "ledger").VerifyAgainst(t.Context(), digests)
			require.NoError(t, err)
			require.Empty(t, sound.Findings)
			require.Equal(t, 2, sound.Digests)
			require.Equal(t, hour.Add(2*time.Hour), *sound.DigestedTo)

			table.Edit(tc.edit)
			v, err := NewReader(table, "ledger").VerifyAgainst(t.Context(), digests)
			require.NoError(t, err)
			var problems []string
			for _, finding := range v.Findings {
				problems = append(problems, finding.Subject+": "+finding.Problem)
			}
			require.Contains(t, strings.Join(problems, "\n"), tc.want)
		})
	}
}

func TestVerifyFindsAnAddedEntry(t *testing.T) {
	table := spread(t, 7)
	digests := digestsOf(t, table, 2)
	store := newStore(table)
	store.options.Now = func() time.Time { return postingTime.Add(time.Minute) }
	commit(t, store, foreignPurchase(t, 99, "acc-1"))
	v, err := NewReader(table, "ledger").VerifyAgainst(t.Context(), digests)
	require.NoError(t, err)
	require.Equal(t, []Finding{{"hour 2026-07-09T10", "the journal has 4 entries, its digest 3: entries were added"}}, v.Findings)
}

func TestVerifyFindsAGapBetweenDigests(t *testing.T) {
	table := spread(t, 7)
	digests := digestsOf(t, table, 3)
	v, err := NewReader(table, "ledger").VerifyAgainst(t.Context(), []Digest{digests[0], digests[2]})
	require.NoError(t, err)
	require.Equal(t, []Finding{{"hour 2026-07-09T12", "the digest before it is of the hour 2026-07-09T10"}}, v.Findings)
}

// The sums of the digests and of the hours since are those of the journal, whatever the cut-off.
func TestTheTrialBalanceFromDigestsIsThatOfTheJournal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 12).Draw(t, "purchases")
		table := spread(t, n)
		digests := digestsOf(t, table, rapid.IntRange(1, 6).Draw(t, "digests"))
		asOf := postingTime.Add(time.Duration(rapid.IntRange(0, 300).Draw(t, "minutes")) * time.Minute)

		fast, err := postedIn(table).TrialBalanceFromDigests(context.Background(), digests, asOf)
		require.NoError(t, err)
		whole, err := NewReader(table, "ledger").TrialBalance(context.Background(), asOf)
		require.NoError(t, err)
		customers := newFold(true)
		for _, l := range whole.Lines {
			if l.Role == payment.RoleCustomer {
				l.Account = string(payment.RoleCustomer)
			}
			require.NoError(t, customers.addLines([]Line{l}))
		}
		require.Equal(t, sorted(customers.lines), fast.Lines)
		require.Equal(t, whole.Totals, fast.Totals)
		require.Equal(t, whole.JournalEntries, fast.JournalEntries)
		require.True(t, fast.Balanced())
	})
}

// A seal is the same in any order and however the set is divided, and another one for another set.
func TestASealIsOfASet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		records := rapid.SliceOfNDistinct(rapid.SliceOfN(rapid.Byte(), 1, 8), 1, 20, func(b []byte) string { return string(b) }).Draw(t, "records")
		var whole Seal
		for _, r := range records {
			whole.add(r)
		}
		random := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		random.Shuffle(len(records), func(i, j int) { records[i], records[j] = records[j], records[i] })
		var parts [2]Seal
		for i, r := range records {
			parts[i%2].add(r)
		}
		parts[0].merge(&parts[1])
		require.Equal(t, whole.String(), parts[0].String())

		var fewer Seal
		for _, r := range records[1:] {
			fewer.add(r)
		}
		require.NotEqual(t, whole.String(), fewer.String())
		fewer.add(append([]byte("x"), records[0]...))
		require.NotEqual(t, whole.String(), fewer.String())
	})
}

// Twice the same record is not no record, as it would be with an exclusive-or.
func TestASealCountsRepetitions(t *testing.T) {
	var once, twice, thrice Seal
	for i, s := range []*Seal{&once, &twice, &thrice} {
		for range i + 1 {
			s.add([]byte("a"))
		}
	}
	require.NotEqual(t, new(Seal).String(), twice.String())
	require.NotEqual(t, once.String(), thrice.String())
}
