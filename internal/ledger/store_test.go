package ledger

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/payrail/payrail/internal/ledger/ledgertest"
	"github.com/payrail/payrail/payment"
)

var postingTime = time.Date(2026, 7, 9, 10, 15, 32, 5e6, time.UTC)

func newStore(table *ledgertest.Table) *Store {
	return New(Options{
		Client: table, Table: "ledger", Now: func() time.Time { return postingTime },
		Wait:   func(context.Context, time.Duration) error { runtime.Gosched(); return nil },
		Jitter: func(d time.Duration) time.Duration { return d },
	})
}

// foreignPurchase is example E2: USD 100.00 billed as GBP 79.25 with fee and tax, six legs.
func foreignPurchase(t require.TestingT, n int, account string) payment.JournalEntry {
	legs, err := payment.Legs(payment.Decided{
		Outcome: payment.OutcomePosted, TransactionType: "00", MCC: "5411", Foreign: true, Charges: payment.Charges{FX: true}, BillingAmount: payment.Money{Minor: 7925, Currency: "GBP"},
		AccountID: account, Scheme: "VISA", Terms: payment.Terms{FXFeeRate: "0.0299", FXFeeTaxRate: "0.20", TaxJurisdiction: "GB"},
		Description: "ACME STORE NEW YORK US USD 100.00", ValueDate: "2026-07-10",
	})
	require.NoError(t, err)
	return entryOf(n, legs)
}

func entryOf(n int, legs []payment.Leg) payment.JournalEntry {
	key := fmt.Sprintf("KEY%023d", n)
	return payment.JournalEntry{Legs: legs, Sequence: payment.Sequence{
		ID: payment.SequenceID(key, 0), Of: len(legs), Checksum: payment.Checksum(legs), TransactionID: payment.TransactionID(key),
		AuthorizationID: fmt.Sprintf("auth-%d", n), BusinessKey: key, PayloadHash: fmt.Sprintf("hash-%d", n),
		Outcome: payment.OutcomePosted, OccurredAt: "2026-07-09T10:15:31.123Z",
	}}
}

func commit(t require.TestingT, s *Store, entries ...payment.JournalEntry) []Disposition {
	var dispositions []Disposition
	for _, result := range s.Commit(context.Background(), entries) {
		require.NoError(t, result.Err)
		dispositions = append(dispositions, result.Disposition)
	}
	return dispositions
}

func requireSound(t require.TestingT, table *ledgertest.Table, journalEntries int64) {
	v, err := NewReader(table, "ledger").Verify(context.Background())
	require.NoError(t, err)
	require.Empty(t, v.Findings)
	require.Equal(t, journalEntries, v.JournalEntries)
}

func TestCommitWritesJournalEntriesAndBalance(t *testing.T) {
	table := ledgertest.NewTable()
	entry := foreignPurchase(t, 1, "acc-1")
	results := newStore(table).Commit(context.Background(), []payment.JournalEntry{entry})
	require.Equal(t, []Result{{Disposition: Posted, Record: Record{JournalEntry: entry, EntryHash: entry.Hash(), PostedAt: "2026-07-09T10:15:32.005Z"}}}, results)

	reader := NewReader(table, "ledger")
	record, found, err := reader.Journal(context.Background(), entry.ID)
	require.NoError(t, err)
	require.True(t, found)
	require.Equal(t, results[0].Record, record, "what is read is what was written")

	entries, next, err := reader.Entries(context.Background(), "acc-1", Page{})
	require.NoError(t, err)
	require.Empty(t, next)
	var amounts []string
	for _, e := range entries {
		amounts = append(amounts, e.Amount.Decimal()+" "+e.BankTransactionCode)
	}
	require.Equal(t, []string{"-79.25 PMNT/CCRD/POSD", "-2.37 PMNT/CCRD/FEES", "-0.47 PMNT/CCRD/TAXE"}, amounts)
	require.Equal(t, Entry{AccountID: "acc-1", SequenceID: entry.ID, TransactionID: entry.TransactionID, Leg: 1, Amount: payment.Money{Minor: -7925, Currency: "GBP"},
		Description: "ACME STORE NEW YORK US USD 100.00", ValueDate: "2026-07-10", RuleID: "PR-02", BankTransactionCode: "PMNT/CCRD/POSD",
		OccurredAt: "2026-07-09T10:15:31.123Z", PostedAt: "2026-07-09T10:15:32.005Z"}, entries[0])

	balances, err := reader.Balances(context.Background(), "acc-1")
	require.NoError(t, err)
	require.Equal(t, []Balance{{AccountID: "acc-1", Amount: payment.Money{Minor: -8209, Currency: "GBP"}, Version: 1, JournalCount: 1}}, balances)
	requireSound(t, table, 1)
}

func TestCommitDecidesByWhatTheJournalHolds(t *testing.T) {
	entry := foreignPurchase(t, 1, "acc-1")
	otherLegs := foreignPurchase(t, 1, "acc-2")
	for name, tc := range map[string]struct {
		change func(*payment.JournalEntry)
		want   Disposition
	}{
		"the same again":                        {func(*payment.JournalEntry) {}, AlreadyPosted},
		"another authorization":                 {func(e *payment.JournalEntry) { e.AuthorizationID = "auth-other" }, LateDuplicate},
		"other legs":                            {func(e *payment.JournalEntry) { *e = otherLegs }, Superseded},
		"another authorization with other legs": {func(e *payment.JournalEntry) { *e = otherLegs; e.AuthorizationID = "auth-other" }, LateDuplicate},
		"other content":                         {func(e *payment.JournalEntry) { e.PayloadHash = "other" }, Conflicting},
		"other content and authorization":       {func(e *payment.JournalEntry) { e.PayloadHash, e.AuthorizationID = "other", "other" }, Conflicting},
	} {
		for _, withItem := range []bool{true, false} {
			t.Run(fmt.Sprint(name, withItem), func(t *testing.T) {
				table := ledgertest.NewTable()
				require.Equal(t, []Disposition{Posted}, commit(t, newStore(table), entry))
				second := entry
				tc.change(&second)
				later := newStore(table)
				later.options.Now = func() time.Time { return postingTime.Add(time.Second) }
				if !withItem {
					later.options.Client = withoutItems{table}
				}
				results := later.Commit(context.Background(), []payment.JournalEntry{second})
				require.NoError(t, results[0].Err)
				require.Equal(t, tc.want, results[0].Disposition)
				require.Equal(t, entry, results[0].Record.JournalEntry, "the answer names the one that is posted")
				requireSound(t, table, 1)
			})
		}
	}
}

// withoutItems is a client whose cancellation reasons carry no items.
type withoutItems struct{ *ledgertest.Table }

func (c withoutItems) TransactWriteItems(ctx context.Context, in *dynamodb.TransactWriteItemsInput, o ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error) {
	out, err := c.Table.TransactWriteItems(ctx, in, o...)
	var cancelled *types.TransactionCanceledException
	if errors.As(err, &cancelled) {
		for i := range cancelled.CancellationReasons {
			cancelled.CancellationReasons[i].Item = nil
		}
	}
	return out, err
}

func TestLostAnswerIsOneEffect(t *testing.T) {
	table := ledgertest.NewTable()
	lost := 0
	table.After = func(string) error {
		if lost++; lost == 1 {
			return errors.New("connection reset")
		}
		return nil
	}
	require.Equal(t, []Disposition{Posted}, commit(t, newStore(table), foreignPurchase(t, 1, "acc-1")), "the same token answers again")
	requireSound(t, table, 1)
}

func TestLostAnswerOfATransactionOfSeveral(t *testing.T) {
	table := ledgertest.NewTable()
	lost := 0
	table.After = func(string) error {
		if lost++; lost == 1 {
			return errors.New("connection reset")
		}
		return nil
	}
	require.Equal(t, []Disposition{Posted, Posted}, commit(t, newStore(table), foreignPurchase(t, 1, "acc-1"), foreignPurchase(t, 2, "acc-2")))
	requireSound(t, table, 2)
}

func reasons(codes ...string) error {
	err := &types.TransactionCanceledException{}
	for _, code := range codes {
		err.CancellationReasons = append(err.CancellationReasons, types.CancellationReason{Code: aws.String(code)})
	}
	return err
}

func TestWhatIsTriedAgain(t *testing.T) {
	for name, tc := range map[string]struct {
		err   error
		calls int
	}{
		"a conflict on the balance":       {reasons("None", "None", "TransactionConflict"), maxAttempts},
		"a throttled table":               {reasons("None", "ThrottlingError", "None"), maxAttempts},
		"the same request under way":      {&types.TransactionInProgressException{}, maxAttempts},
		"a service fault":                 {&types.InternalServerError{}, maxAttempts},
		"no answer":                       {errors.New("connection refused"), maxAttempts},
		"an entry without its journal":    {reasons("None", "ConditionalCheckFailed", "TransactionConflict"), 1},
		"an item that is refused":         {reasons("None", "ValidationError", "None"), 1},
		"a table that is not there":       {&types.ResourceNotFoundException{}, 1},
		"a token used for something else": {&types.IdempotentParameterMismatchException{}, 1},
		"a deadline":                      {context.DeadlineExceeded, 1},
	} {
		t.Run(name, func(t *testing.T) {
			table := ledgertest.NewTable()
			table.Before = func(string) error { return tc.err }
			result := newStore(table).Commit(context.Background(), []payment.JournalEntry{foreignPurchase(t, 1, "acc-1")})[0]
			require.ErrorIs(t, result.Err, tc.err)
			require.Equal(t, tc.calls, table.Calls("TransactWriteItems"))
		})
	}
}

func TestBackoffIsJitteredAndBounded(t *testing.T) {
	table := ledgertest.NewTable()
	table.Before = func(string) error { return reasons("TransactionConflict") }
	store := newStore(table)
	var waits []time.Duration
	store.options.Jitter = func(d time.Duration) time.Duration { return d / 2 }
	store.options.Wait = func(_ context.Context, d time.Duration) error { waits = append(waits, d); return nil }
	store.Commit(context.Background(), []payment.JournalEntry{foreignPurchase(t, 1, "acc-1")})
	ms := time.Millisecond
	require.Equal(t, []time.Duration{5 * ms, 10 * ms, 20 * ms, 40 * ms, 80 * ms, 160 * ms, 250 * ms}, waits)

	store.options.Wait = func(context.Context, time.Duration) error { return context.Canceled }
	result := store.Commit(context.Background(), []payment.JournalEntry{foreignPurchase(t, 1, "acc-1")})[0]
	require.ErrorIs(t, result.Err, context.Canceled)
	require.ErrorContains(t, result.Err, "TransactionCanceledException", "the reason for waiting is told too")
}

func TestCommitRefusesWhatDoesNotAddUp(t *testing.T) {
	table := ledgertest.NewTable()
	unbalanced := foreignPurchase(t, 1, "acc-1")
	unbalanced.Legs = append([]payment.Leg(nil), unbalanced.Legs...)
	unbalanced.Legs[0].Amount.Minor++
	tampered := unbalanced
	unbalanced.Checksum = payment.Checksum(unbalanced.Legs)
	results := newStore(table).Commit(context.Background(), []payment.JournalEntry{unbalanced, tampered, foreignPurchase(t, 2, "acc-2")})
	require.Equal(t, "UNBALANCED", payment.ReasonOf(results[0].Err))
	require.Equal(t, "CHECKSUM_MISMATCH", payment.ReasonOf(results[1].Err))
	require.NoError(t, results[2].Err)
	requireSound(t, table, 1)
}

func TestSequencesShareATransactionWhereNoItemAppearsTwice(t *testing.T) {
	table := ledgertest.NewTable()
	var entries []payment.JournalEntry
	for n := range 40 { // 5 actions each: 20 fit
		entries = append(entries, foreignPurchase(t, n, fmt.Sprintf("acc-%d", n)))
	}
	commit(t, newStore(table), entries...)
	require.Equal(t, 2, table.Calls("TransactWriteItems"))

	table = ledgertest.NewTable()
	commit(t, newStore(table), foreignPurchase(t, 1, "acc-1"), foreignPurchase(t, 2, "acc-1"), foreignPurchase(t, 3, "acc-2"))
	require.Equal(t, 2, table.Calls("TransactWriteItems"), "the second payment of acc-1 waits for the first")
	requireSound(t, table, 3)

	duplicate := foreignPurchase(t, 4, "acc-3")
	duplicate.AuthorizationID = "auth-other"
	require.Equal(t, []Disposition{Posted, LateDuplicate, AlreadyPosted, Posted}, commit(t, laterStore(table), foreignPurchase(t, 4, "acc-3"), duplicate,
		foreignPurchase(t, 3, "acc-2"), foreignPurchase(t, 5, "acc-4")), "a cancelled transaction takes nobody with it")
	requireSound(t, table, 5)
}

func laterStore(table *ledgertest.Table) *Store {
	s := newStore(table)
	s.options.Now = func() time.Time { return postingTime.Add(time.Minute) }
	return s
}

func TestRequestTokenFitsAndTellsAttemptsApart(t *testing.T) {
	tokenAt := func(at string) string {
		entry := foreignPurchase(t, 1, "acc-1")
		return *requestToken([]plan{{record: Record{JournalEntry: entry, EntryHash: entry.Hash(), PostedAt: at}}})
	}
	require.Len(t, tokenAt("a"), tokenCharacters)
	require.Equal(t, tokenAt("a"), tokenAt("a"))
	require.NotEqual(t, tokenAt("a"), tokenAt("b"), "another posting time is another request")
}

func TestConcurrentCommitsOfOneSequenceMakeOneEntry(t *testing.T) {
	table := ledgertest.NewTable()
	entry := foreignPurchase(t, 1, "acc-1")
	var posted atomic.Int64
	var all sync.WaitGroup
	for n := range 100 {
		store := newStore(table)
		store.options.Now = func() time.Time { return postingTime.Add(time.Duration(n) * time.Millisecond) }
		all.Go(func() {
			for range 1000 { // a message that failed comes again
				result := store.Commit(context.Background(), []payment.JournalEntry{entry})[0]
				if result.Err == nil {
					if result.Disposition == Posted {
						posted.Add(1)
					}
					return
				}
			}
			t.Error("not posted in 1000 deliveries")
		})
	}
	all.Wait()
	require.EqualValues(t, 1, posted.Load())
	requireSound(t, table, 1)
}

// TestEveryScheduleGivesTheSameLedger commits payments of few accounts, repeatedly, together and alone, with errors before
// and after effects, until all are known to be posted.
func TestEveryScheduleGivesTheSameLedger(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		table := ledgertest.NewTable()
		random := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "faults"), 0))
		fault := func(string) error {
			if random.IntN(4) == 0 {
				return errors.New("fault")
			}
			return nil
		}
		table.Before, table.After = fault, fault
		count := rapid.IntRange(1, 8).Draw(t, "payments")
		pending := map[int]bool{}
		want := map[string]int64{}
		for n := range count {
			pending[n] = true
			want[accountOf(n)] -= 8209
		}
		for round := 0; len(pending) > 0; round++ {
			batch := rapid.SliceOfN(rapid.IntRange(0, count-1), 1, 5).Draw(t, "batch")
			if round > 50 { // the rest in order, so that the run ends
				for n := range pending {
					batch = []int{n}
				}
			}
			var entries []payment.JournalEntry
			for _, n := range batch {
				entries = append(entries, foreignPurchase(t, n, accountOf(n)))
			}
			store := newStore(table)
			store.options.Now = func() time.Time { return postingTime.Add(time.Duration(round) * time.Second) }
			for i, result := range store.Commit(context.Background(), entries) {
				if result.Err == nil {
					delete(pending, batch[i])
				}
			}
		}
		table.Before, table.After = nil, nil
		requireSound(t, table, int64(count))
		for account, minor := range want {
			balances, err := NewReader(table, "ledger").Balances(context.Background(), account)
			require.NoError(t, err)
			require.Len(t, balances, 1)
			require.Equal(t, minor, balances[0].Amount.Minor)
		}
	})
}

func accountOf(n int) string { return fmt.Sprintf("acc-%d", n%3) }

func FuzzDecode(f *testing.F) {
	f.Add("JOURNAL#s", "JOURNAL", "1", "GBP", "leg", "x")
	f.Add("ENTRY#a", "2026#s#01", "-99999999999999999999", "JPY", "minor", "9")
	f.Fuzz(func(t *testing.T, pk, sk, digits, currency, name, value string) {
		item := map[string]types.AttributeValue{
			"pk": text(pk), "sk": text(sk), "sequence": text("s"), "checksum": text("c"), "entryHash": text("h"), "postedAt": text("p"),
			"of": &types.AttributeValueMemberN{Value: digits}, "minor": &types.AttributeValueMemberN{Value: digits}, "currency": text(currency),
			"leg": &types.AttributeValueMemberN{Value: digits}, "version": number(1), "journalCount": number(1),
			"legs": &types.AttributeValueMemberL{Value: []types.AttributeValue{&types.AttributeValueMemberM{Value: map[string]types.AttributeValue{
				"leg": &types.AttributeValueMemberN{Value: digits}, "side": text("D"), "role": text("CUST"), "account": text("a"),
				"minor": &types.AttributeValueMemberN{Value: digits}, "currency": text(currency)}}}},
		}
		item[name] = text(value)
		if record, err := decodeRecord(item); err == nil {
			again, err := decodeRecord(journalItem(record))
			require.NoError(t, err)
			require.Equal(t, record, again)
		}
		if entry, err := decodeEntry(item); err == nil {
			require.False(t, strings.HasPrefix(entry.AccountID, entryPrefix) && !strings.HasPrefix(pk, entryPrefix+entryPrefix))
		}
		_, _ = decodeBalance(item)
	})
}

func BenchmarkCommit(b *testing.B) {
	table := ledgertest.NewTable()
	store := newStore(table)
	n := 0
	for b.Loop() {
		n++
		commit(b, store, foreignPurchase(b, n, fmt.Sprintf("acc-%d", n%1000)))
	}
}
