package main

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/internal/bulkread"
	"github.com/payrail/payrail/internal/digests"
	"github.com/payrail/payrail/internal/digests/digeststest"
	"github.com/payrail/payrail/internal/ledger"
	"github.com/payrail/payrail/internal/ledger/ledgertest"
	"github.com/payrail/payrail/payment"
)

// world is the digest function with a ledger and a bucket in memory, at a time of its own.
type world struct {
	*digester
	table  *ledgertest.Table
	bucket *digeststest.Bucket
	time   time.Time
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{table: ledgertest.NewTable(), bucket: digeststest.NewBucket()}
	reader := bulkread.Reader{Client: w.table, Wait: func(context.Context, time.Duration) error { return nil }}
	w.digester = &digester{journal: ledger.NewPostedReader(reader, "ledger"), store: digests.NewStore(w.bucket, "audit"),
		now: func() time.Time { return w.time }, logger: slog.New(slog.DiscardHandler)}
	return w
}

func at(text string) time.Time {
	parsed, err := time.Parse("2006-01-02 15:04", text)
	if err != nil {
		panic(err)
	}
	return parsed
}

// post posts a purchase of GBP 19.81 at a time.
func (w *world) post(t *testing.T, n int, when string) {
	t.Helper()
	legs, err := payment.Legs(payment.Decided{Outcome: payment.OutcomePosted, TransactionType: "00", MCC: "5411",
		BillingAmount: payment.Money{Minor: 1981, Currency: "GBP"}, AccountID: "acc-1", Scheme: "VISA", ValueDate: "2026-07-10"})
	require.NoError(t, err)
	key := fmt.Sprintf("KEY%023d", n)
	store := ledger.New(ledger.Options{Client: w.table, Table: "ledger", Now: func() time.Time { return at(when) },
		Wait: func(context.Context, time.Duration) error { return nil }, Jitter: func(d time.Duration) time.Duration { return d }})
	results := store.Commit(t.Context(), []payment.JournalEntry{{Legs: legs, Sequence: payment.Sequence{
		ID: payment.SequenceID(key, 0), Of: len(legs), Checksum: payment.Checksum(legs), TransactionID: payment.TransactionID(key),
		AuthorizationID: fmt.Sprintf("auth-%d", n), BusinessKey: key, PayloadHash: "hash", Outcome: payment.OutcomePosted, OccurredAt: "2026-07-09T10:15:31.123Z"}}})
	require.NoError(t, results[0].Err)
	require.Equal(t, ledger.Posted, results[0].Disposition)
}

func (w *world) run(t *testing.T, when string) {
	t.Helper()
	w.time = at(when)
	require.NoError(t, w.handle(t.Context()))
}

func (w *world) keys() []string { return slices.Sorted(maps.Keys(w.bucket.Objects)) }

func (w *world) verify(t *testing.T) []ledger.Finding {
	t.Helper()
	all, findings, err := w.store.All(t.Context())
	require.NoError(t, err)
	v, err := ledger.NewReader(w.table, "ledger").VerifyAgainst(t.Context(), all)
	require.NoError(t, err)
	return append(findings, v.Findings...)
}

func TestAnHourIsDigestedOnceItIsOver(t *testing.T) {
	w := newWorld(t)
	w.post(t, 1, "2026-07-09 10:15")
	w.run(t, "2026-07-09 10:30")
	require.NotContains(t, w.keys(), "ledger-digests/2026-07-09T10.json", "the hour goes on")
	w.run(t, "2026-07-09 11:07")
	require.NotContains(t, w.keys(), "ledger-digests/2026-07-09T10.json", "within the margin")
	w.post(t, 2, "2026-07-09 11:08")
	w.run(t, "2026-07-09 11:10")
	w.run(t, "2026-07-09 12:10")
	require.Subset(t, w.keys(), []string{"ledger-digests/2026-07-09T10.json", "ledger-digests/2026-07-09T11.json"})
	require.Empty(t, w.verify(t))
}

func TestARunThatIsRepeatedChangesNothing(t *testing.T) {
	w := newWorld(t)
	w.post(t, 1, "2026-07-09 10:15")
	w.run(t, "2026-07-09 11:10")
	before := maps.Clone(w.bucket.Objects)
	w.run(t, "2026-07-09 11:10")
	require.Equal(t, before, w.bucket.Objects)
}

// After an outage, and where the first run came late, no hour is left out.
func TestMissedHoursAreMadeUpFor(t *testing.T) {
	w := newWorld(t)
	w.post(t, 1, "2026-07-08 23:59")
	w.post(t, 2, "2026-07-09 02:00")
	w.run(t, "2026-07-09 03:10")
	require.Equal(t, []string{"ledger-digests/2026-07-08T23.json", "ledger-digests/2026-07-09T00.json", "ledger-digests/2026-07-09T01.json", "ledger-digests/2026-07-09T02.json"}, w.keys())
	w.run(t, "2026-07-09 06:10")
	require.Len(t, w.keys(), 7)
	require.Empty(t, w.verify(t))
}

func TestAnEmptyLedgerBeginsItsChain(t *testing.T) {
	w := newWorld(t)
	w.run(t, "2026-07-09 03:10")
	require.Equal(t, []string{"ledger-digests/2026-07-09T02.json"}, w.keys())
}

// What posts into an hour that is digested is no posting of ours, and stands out.
func TestAnEntryAddedAfterwardsIsFound(t *testing.T) {
	w := newWorld(t)
	w.post(t, 1, "2026-07-09 10:15")
	w.run(t, "2026-07-09 11:10")
	w.post(t, 2, "2026-07-09 10:16")
	require.Equal(t, []ledger.Finding{{Subject: "hour 2026-07-09T10", Problem: "the journal has 2 entries, its digest 1: entries were added"}}, w.verify(t))
}

func TestALedgerThatCannotBeReadIsNotDigested(t *testing.T) {
	w := newWorld(t)
	w.post(t, 1, "2026-07-09 10:15")
	w.table.Before = func(string) error { return context.DeadlineExceeded }
	w.time = at("2026-07-09 11:10")
	require.ErrorIs(t, w.handle(t.Context()), context.DeadlineExceeded)
	require.Empty(t, w.keys())
}
