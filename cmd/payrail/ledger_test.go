package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/internal/ledger"
	"github.com/payrail/payrail/local"
	"github.com/payrail/payrail/local/storage"
	"github.com/payrail/payrail/payment"
)

// books is the ledger of a small stack, to which purchases are posted at times of the test's own.
type books struct {
	*deployment
	table string
}

func startBooks(t *testing.T) books {
	t.Helper()
	cleanEnvironment(t)
	runtime, err := local.Start(t.Context(), local.Options{Assembly: smallStack, Stack: "Payrail", Store: storage.NewMemory(), Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, runtime.Close()) })
	t.Setenv(endpointVariable, runtime.Endpoint())
	deployed, err := (&application{stack: "Payrail"}).connect(t.Context())
	require.NoError(t, err)
	table, err := deployed.output("LedgerTable")
	require.NoError(t, err)
	return books{deployed, table}
}

// post posts purchase n, GBP 19.81 of acc-1, at a time on 9 July 2026 and returns its sequence.
func (b books) post(t *testing.T, n int, clock string) string {
	t.Helper()
	return b.postDecided(t, n, clock, payment.Decided{Outcome: payment.OutcomePosted, TransactionType: "00", MCC: "5411",
		BillingAmount: payment.Money{Minor: 1981, Currency: "GBP"}, AccountID: "acc-1", Scheme: "VISA", ValueDate: "2026-07-10"})
}

func (b books) postDecided(t *testing.T, n int, clock string, d payment.Decided) string {
	t.Helper()
	at, err := time.Parse(time.RFC3339, "2026-07-09T"+clock+"Z")
	require.NoError(t, err)
	legs, err := payment.Legs(d)
	require.NoError(t, err)
	key := fmt.Sprintf("KEY%023d", n)
	sequence := payment.Sequence{ID: payment.SequenceID(key, 0), Of: len(legs), Checksum: payment.Checksum(legs), TransactionID: payment.TransactionID(key),
		AuthorizationID: fmt.Sprintf("auth-%d", n), BusinessKey: key, PayloadHash: "hash", Outcome: d.Outcome, OccurredAt: at.Format("2006-01-02T15:04:05.000Z")}
	if d.MTI != "" {
		sequence.Basis = d
	}
	if d.Outcome == payment.OutcomeSuspense {
		sequence.Reason = "ACCOUNT_CLOSED"
	}
	store := ledger.New(ledger.Options{Client: b.dynamodb(), Table: b.table, Now: func() time.Time { return at },
		Wait: func(context.Context, time.Duration) error { return nil }, Jitter: func(d time.Duration) time.Duration { return d }})
	results := store.Commit(t.Context(), []payment.JournalEntry{{Legs: legs, Sequence: sequence}})
	require.NoError(t, results[0].Err)
	return sequence.ID
}

// digest writes the digest of an hour, the first one of the ledger.
func (b books) digest(t *testing.T, hour time.Time) {
	t.Helper()
	journal, err := b.journalByHour()
	require.NoError(t, err)
	sum, err := journal.Sum(t.Context(), hour, time.Time{})
	require.NoError(t, err)
	digest, err := sum.Digest(hour, "")
	require.NoError(t, err)
	store, err := b.digests()
	require.NoError(t, err)
	_, err = store.Put(t.Context(), digest)
	require.NoError(t, err)
}

func TestVerifyHoldsTheLedgerAgainstItsDigests(t *testing.T) {
	b := startBooks(t)
	b.post(t, 1, "10:15:00")
	require.Contains(t, execute(t, "ledger", "verify").stdout, "1 journal entries, 1 account entries, 1 balances verified, 0 findings\nno hourly digests yet\n")

	sequence := b.post(t, 2, "10:30:00")
	b.digest(t, time.Date(2026, 7, 9, 10, 0, 0, 0, time.UTC))
	b.post(t, 3, "11:00:00")
	got := execute(t, "ledger", "verify")
	require.Equal(t, statusDone, got.status, got.stderr)
	require.Contains(t, got.stdout, "3 journal entries, 3 account entries, 1 balances verified, 0 findings\n1 hourly digests, the last one up to 2026-07-09T11:00:00Z: later ones are missing\n")

	// A time of posting is in no hash: whoever changes it leaves no trace but in the digest.
	_, err := b.dynamodb().UpdateItem(t.Context(), &dynamodb.UpdateItemInput{TableName: &b.table,
		Key:                       map[string]types.AttributeValue{"pk": &types.AttributeValueMemberS{Value: "JOURNAL#" + sequence}, "sk": &types.AttributeValueMemberS{Value: "JOURNAL"}},
		UpdateExpression:          new("SET postedAt = :later"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":later": &types.AttributeValueMemberS{Value: "2026-07-09T10:59:00.000Z"}}})
	require.NoError(t, err)
	got = execute(t, "ledger", "verify")
	require.Equal(t, statusFailed, got.status)
	require.Contains(t, got.stdout, "hour 2026-07-09T10 the journal has 2 entries, its digest 2: entries were changed\n")
	require.Contains(t, got.stderr, "the ledger has 1 findings; see docs/operating/ledger-findings.md")
}

func TestTrialBalanceAsOf(t *testing.T) {
	b := startBooks(t)
	got := execute(t, "ledger", "trial-balance", "--from-digests")
	require.Equal(t, statusFailed, got.status)
	require.Contains(t, got.stderr, "there is no hourly digest yet; leave --from-digests out")

	b.post(t, 1, "10:15:00")
	b.post(t, 2, "11:30:00")
	b.post(t, 3, "11:30:01")
	b.digest(t, time.Date(2026, 7, 9, 10, 0, 0, 0, time.UTC))
	for flag, want := range map[string][]string{
		"--from-digests=false": {"SCHEME_PAYABLE.VISA.GBP", "acc-1"},
		"--from-digests":       {"CUST", "SCHEME_PAYABLE.VISA.GBP"},
	} {
		got = execute(t, "ledger", "trial-balance", "--json", "--as-of", "2026-07-09T11:30:00Z", flag)
		require.Equal(t, statusDone, got.status, got.stderr)
		var balance trialBalance
		require.NoError(t, json.Unmarshal([]byte(got.stdout), &balance))
		require.True(t, balance.Final)
		require.True(t, balance.Balanced)
		require.EqualValues(t, 2, balance.JournalEntries, "the cut-off is inclusive")
		require.Equal(t, "GBP 39.62", balance.Totals[0].Credit.String())
		var accounts []string
		for _, line := range balance.Lines {
			accounts = append(accounts, line.Account)
		}
		require.Equal(t, want, accounts)
	}
	got = execute(t, "ledger", "trial-balance", "--as-of", "2026-07-09T10:15:00Z")
	require.Equal(t, `account                  currency  debit  credit  credit less debit
SCHEME_PAYABLE.VISA.GBP  GBP        0.00   19.81              19.81
acc-1                    GBP       19.81    0.00             -19.81
total                    GBP       19.81   19.81
1 journal entries posted up to 2026-07-09T10:15:00Z
`, got.stdout)
	require.Contains(t, execute(t, "ledger", "trial-balance").stdout, "; final once that is a minute ago\n")
}

func TestAccountsAreShownByPage(t *testing.T) {
	b := startBooks(t)
	var want []string
	for i := range 3 {
		want = append([]string{b.post(t, i, fmt.Sprintf("10:15:0%d", i))}, want...) // The newest first.
	}
	var seen []string
	arguments := []string{"accounts", "acc-1", "--json", "--limit", "2"}
	for range 2 {
		got := execute(t, arguments...)
		require.Equal(t, statusDone, got.status, got.stderr)
		var page account
		require.NoError(t, json.Unmarshal([]byte(got.stdout), &page))
		require.Equal(t, "GBP -59.43", page.Balances[0].Amount.String())
		for _, e := range page.Entries {
			seen = append(seen, e.SequenceID)
		}
		if page.Next == "" {
			break
		}
		arguments = append(arguments, "--after", page.Next)
	}
	require.Equal(t, want, seen)
	require.Contains(t, execute(t, "accounts", "acc-1", "--limit", "2").stdout, "\nmore: payrail accounts acc-1 --after '2026-07-09T10:15:01.000Z#"+want[1]+"#01'\n")
}

func TestASuspenseAccountShowsWhatStandsThere(t *testing.T) {
	b := startBooks(t)
	require.Equal(t, "nothing stands in SUSPENSE.CARD.GBP\n", execute(t, "accounts", "SUSPENSE.CARD.GBP").stdout)
	b.postDecided(t, 1, "10:15:00", payment.Decided{Outcome: payment.OutcomeSuspense, MTI: "0100", TransmittedAt: "2026-07-09T10:15:00Z", TransactionType: "00", MCC: "5411",
		TransactionAmount: payment.Money{Minor: 1981, Currency: "GBP"}, BillingAmount: payment.Money{Minor: 1981, Currency: "GBP"}, Scheme: "VISA", ValueDate: "2026-07-10"})
	got := execute(t, "accounts", "SUSPENSE.CARD.GBP", "--json")
	require.Equal(t, statusDone, got.status, got.stderr)
	var shown suspenseAccount
	require.NoError(t, json.Unmarshal([]byte(got.stdout), &shown))
	require.Equal(t, "GBP -19.81", shown.Total.String())
	require.Len(t, shown.Open, 1)
	require.Equal(t, "ACCOUNT_CLOSED", shown.Open[0].Reason)
	require.Regexp(t, `\n *\d+ days  -19\.81  GBP +ACCOUNT_CLOSED  payments-operations  auth-1 `, execute(t, "accounts", "SUSPENSE.CARD.GBP").stdout)
	require.Contains(t, execute(t, "ledger", "verify").stdout, "0 findings")
}

func TestAge(t *testing.T) {
	now := time.Date(2026, 7, 9, 10, 15, 30, 0, time.UTC)
	for since, want := range map[string]string{
		"2026-07-09T10:00:00.000Z": "15m", "2026-07-09T10:15:30.000Z": "now", "2026-07-08T10:15:00.000Z": "24h0m", "2026-07-07T10:15:00.000Z": "2 days", "yesterday": "yesterday",
	} {
		require.Equal(t, want, age(since, now), since)
	}
}
