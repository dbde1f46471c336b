package disputes

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/events"
	"github.com/payrail/payrail/internal/ledger"
	"github.com/payrail/payrail/internal/ledger/ledgertest"
	"github.com/payrail/payrail/payment"
)

const (
	table  = "ledger"
	window = 120 * 24 * time.Hour
)

var today = time.Date(2026, 7, 20, 9, 0, 0, 0, time.UTC)

// bus keeps what was published.
type bus struct {
	mu   sync.Mutex
	told []events.Event
	err  error
}

func (b *bus) Publish(_ context.Context, all []events.Event) events.Failures {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err != nil {
		return events.Failures{0: b.err}
	}
	b.told = append(b.told, all...)
	return nil
}

func (b *bus) kinds() (kinds []string) {
	for _, e := range b.told {
		kinds = append(kinds, string(e.DetailType))
	}
	return kinds
}

// world is a desk on a ledger in memory.
type world struct {
	*Desk
	table *ledgertest.Table
	bus   *bus
	log   *bytes.Buffer
	now   time.Time
}

func newWorld() *world {
	w := &world{table: ledgertest.NewTable(), bus: &bus{}, log: &bytes.Buffer{}, now: today}
	w.Desk = NewDesk(Options{
		Store: NewStore(w.table, table, ledger.NewReader(w.table, table)), Policy: payment.DisputePolicy{Window: window, ProvisionalCredit: true}, Publisher: w.bus,
		Now: func() time.Time { return w.now }, Wait: func(ctx context.Context, d time.Duration) error { time.Sleep(d); return ctx.Err() },
		Jitter: func(longest time.Duration) time.Duration { return rand.N(longest) }, Logger: slog.New(slog.NewTextHandler(w.log, nil)),
	})
	return w
}

// purchase posts worked example E2 without tax and returns its key.
func (w *world) purchase(t testing.TB) string { return w.purchaseAt(t, "", "") }

// purchaseAt is a purchase of an account of a branch, whose card settlement is run by centre.
func (w *world) purchaseAt(t testing.TB, branch, centre string) string {
	t.Helper()
	key := strings.Repeat("P", 52)
	decided := payment.Decided{Outcome: payment.OutcomePosted, MTI: "0100", TransactionType: "00", MCC: "5411", Foreign: true, Charges: payment.Charges{FX: true},
		TransmittedAt: "2026-07-09T10:15:30Z", TransactionAmount: payment.Money{Minor: 10000, Currency: "USD"}, BillingAmount: payment.Money{Minor: 7925, Currency: "GBP"},
		AccountID: "acc-alice", BranchID: branch, Scheme: "VISA", Terms: payment.Terms{FXFeeRate: "0.0299", CardCentre: centre}, Description: "ACME STORE NEW YORK US USD 100.00", ValueDate: "2026-07-10"}
	legs, err := payment.Legs(decided)
	require.NoError(t, err)
	store := ledger.New(ledger.Options{Client: w.table, Table: table, Now: func() time.Time { return w.now }, Wait: w.Wait, Jitter: w.Jitter})
	result := store.Commit(t.Context(), []payment.JournalEntry{{Legs: legs, Sequence: payment.Sequence{
		ID: payment.SequenceID(key, 0), Of: len(legs), Checksum: payment.Checksum(legs), TransactionID: payment.TransactionID(key), AuthorizationID: "auth-1",
		BusinessKey: key, PayloadHash: strings.Repeat("0", 64), Outcome: payment.OutcomePosted, OccurredAt: "2026-07-09T10:15:31.000Z", Basis: decided}}})
	require.NoError(t, result[0].Err)
	return key[:idCharacters]
}

func request(purchase string) Request {
	return Request{IdempotencyKey: "9d9a5fb0-3a3c-4b3e-8f6e-3d2f8f1a2b3c", PurchaseKey: purchase, ReasonCode: "13.1", By: "customer"}
}

// settle records the postings that a case waits for.
func (w *world) settle(t testing.TB, id string) Case {
	t.Helper()
	for {
		c, err := w.Case(t.Context(), id)
		require.NoError(t, err)
		due, ok, err := c.DuePosting()
		require.NoError(t, err)
		if !ok {
			return c
		}
		_, err = w.Record(t.Context(), id, payment.SequenceID(due.BusinessKey(), 0))
		require.NoError(t, err)
	}
}

func TestOpenOnceForOneKey(t *testing.T) {
	w := newWorld()
	r := request(w.purchase(t))
	first, opened, err := w.Open(t.Context(), r)
	require.NoError(t, err)
	require.True(t, opened)
	require.Regexp(t, `^dsp_[A-Z2-7]{26}$`, first.CaseID)
	require.Equal(t, payment.Money{Minor: 7925, Currency: "GBP"}, first.Amount)
	require.Equal(t, payment.Money{Minor: 237, Currency: "GBP"}, first.FXFee)

	w.settle(t, first.CaseID)
	again, opened, err := w.Open(t.Context(), r)
	require.NoError(t, err)
	require.False(t, opened)
	require.Equal(t, first.CaseID, again.CaseID)
	require.Equal(t, payment.DisputeCredited, again.State, "the case as it is now")
	require.Equal(t, []string{"DisputeOpened", "DisputeOpened"}, w.bus.kinds(), "told again: the first time may have failed")

	for _, other := range []func(*Request){
		func(r *Request) { r.Amount = "50.00" }, func(r *Request) { r.ReasonCode = "10.4" }, func(r *Request) { r.Note = "other" },
		func(r *Request) { r.PurchaseKey = strings.Repeat("Q", 26) }, func(r *Request) { r.Amount, r.Currency = "79.25", "GBP" },
	} {
		r := request(r.PurchaseKey)
		other(&r)
		_, _, err := w.Open(t.Context(), r)
		require.ErrorIs(t, err, ErrKeyReused)
	}
}

func TestOpenRefusesAndTells(t *testing.T) {
	w := newWorld()
	purchase := w.purchase(t)
	for name, tc := range map[string]struct {
		change func(*Request)
		reason string
	}{
		"too much":                 {func(r *Request) { r.Amount = "79.26" }, payment.ReasonNotEligible},
		"currency":                 {func(r *Request) { r.Amount, r.Currency = "1.00", "USD" }, payment.ReasonCurrency},
		"another form of currency": {func(r *Request) { r.Amount, r.Currency = "10.50", "JPY" }, payment.ReasonCurrency},
		"no currency":              {func(r *Request) { r.Amount, r.Currency = "10.50", "ABC" }, payment.ReasonCurrency},
		"currency alone":           {func(r *Request) { r.Currency = "USD" }, payment.ReasonCurrency},
		"reason":                   {func(r *Request) { r.ReasonCode = "4853" }, payment.ReasonReasonScheme},
	} {
		t.Run(name, func(t *testing.T) {
			w.bus.told = nil
			r := request(purchase)
			tc.change(&r)
			_, _, err := w.Open(t.Context(), r)
			require.Equal(t, tc.reason, payment.ReasonOf(err))
			require.Equal(t, []string{"DisputeRejected"}, w.bus.kinds())
			var told events.Detail[events.DisputeRejectedData]
			require.NoError(t, json.Unmarshal(w.bus.told[0].Detail, &told))
			require.Equal(t, tc.reason, told.Data.Reason)
			require.Equal(t, "acc-alice", told.Data.AccountID)
		})
	}
	w.bus.told = nil
	for _, note := range []string{"my card is 4111 1111 1111 1111", strings.Repeat("a", MaxNote+1), "bell\a", "\xff"} {
		r := request(purchase)
		r.Note = note
		_, _, err := w.Open(t.Context(), r)
		var fields payment.FieldErrors
		require.ErrorAs(t, err, &fields, note)
		require.Equal(t, "note", fields[0].Field)
	}
	r := request(purchase)
	r.Amount = "1.005"
	_, _, err := w.Open(t.Context(), r)
	require.EqualError(t, err, "amount must be a decimal with at most as many places as its currency has")
	r = request(strings.Repeat("Q", 26))
	_, _, err = w.Open(t.Context(), r)
	require.ErrorIs(t, err, ErrUnknownPurchase)
	require.Empty(t, w.bus.told, "no claim was judged")
	cases, err := w.Store.OfPurchase(t.Context(), purchase)
	require.NoError(t, err)
	require.Empty(t, cases)
}

// Of many claims to one purchase at the same time, exactly one opens a case.
func TestOneOfManyOpens(t *testing.T) {
	w := newWorld()
	purchase := w.purchase(t)
	var opened, refused atomic.Int32
	var all sync.WaitGroup
	for n := range 20 {
		all.Go(func() {
			r := request(purchase)
			r.IdempotencyKey += fmt.Sprint(n % 10) // Each of ten requests comes twice.
			_, first, err := w.Open(t.Context(), r)
			switch {
			case err == nil && first:
				opened.Add(1)
			case payment.ReasonOf(err) == payment.ReasonCaseOpen:
				refused.Add(1)
			case err != nil:
				t.Errorf("request %d: %v", n, err)
			}
		})
	}
	all.Wait()
	require.EqualValues(t, 1, opened.Load()) // Its twin is given the case, and told that it did not open it.
	require.EqualValues(t, 18, refused.Load())
	cases, err := w.Store.OfPurchase(t.Context(), purchase)
	require.NoError(t, err)
	require.Len(t, cases, 1)
}

// A purchase that changes between being read and being claimed is read again: a case is never opened on what it was.
func TestOpenJudgesAgainWhatHasChanged(t *testing.T) {
	w := newWorld()
	purchase := w.purchase(t)
	r := request(purchase)
	r.Amount = "10.00"
	c, _, err := w.Open(t.Context(), r)
	require.NoError(t, err)
	w.settle(t, c.CaseID)
	_, err = w.Advance(t.Context(), c.CaseID, func(d payment.Dispute) (payment.Dispute, error) {
		return d.Decide(payment.DisputeLostBank, payment.Money{}, w.now, "operator", "")
	})
	require.NoError(t, err)
	w.settle(t, c.CaseID)

	once := sync.OnceFunc(func() {
		other := request(purchase)
		other.IdempotencyKey, other.Amount = "another-key", "60.00"
		_, _, err := w.Open(t.Context(), other)
		require.NoError(t, err)
	})
	reads := 0
	w.table.After = func(operation string) error {
		if operation == "GetItem" {
			if reads++; reads == 3 { // the key, the journal, the purchase
				once()
			}
		}
		return nil
	}
	late := request(purchase)
	late.IdempotencyKey, late.Amount = "a-late-key", "60.00"
	_, _, err = w.Open(t.Context(), late)
	require.Equal(t, payment.ReasonCaseOpen, payment.ReasonOf(err))
}

func TestAnEndedCaseLeavesItsPurchase(t *testing.T) {
	for _, tc := range []struct {
		outcome  payment.DisputeState
		disputed int64
	}{{payment.DisputeLostCustomer, 7925}, {payment.DisputeWithdrawn, 0}} {
		w := newWorld()
		purchase := w.purchase(t)
		c, _, err := w.Open(t.Context(), request(purchase))
		require.NoError(t, err)
		w.settle(t, c.CaseID)
		_, err = w.Advance(t.Context(), c.CaseID, func(d payment.Dispute) (payment.Dispute, error) {
			return d.Decide(tc.outcome, payment.Money{}, w.now, "operator", "")
		})
		require.NoError(t, err)
		held, _, err := w.Store.purchase(t.Context(), purchase)
		require.NoError(t, err)
		require.Equal(t, c.CaseID, held.OpenCase, "until the end is posted")

		ended := w.settle(t, c.CaseID)
		require.Equal(t, tc.outcome, ended.State)
		held, _, err = w.Store.purchase(t.Context(), purchase)
		require.NoError(t, err)
		require.Empty(t, held.OpenCase)
		require.Equal(t, tc.disputed, held.Disputed.Minor)
		version := ended.Version
		ended, err = w.Record(t.Context(), c.CaseID, ended.Decision.Posted.Sequence)
		require.NoError(t, err)
		require.Equal(t, version, ended.Version, "told again, nothing changes")
		require.Equal(t, []string{"DisputeOpened", "DisputeAdvanced"}, w.bus.kinds())
	}
}

// The same request at the same time finds the case of its twin, and is not refused because of it.
func TestOpenFindsTheCaseOfItsTwin(t *testing.T) {
	w := newWorld()
	r := request(w.purchase(t))
	once := sync.OnceFunc(func() {
		_, opened, err := w.Open(t.Context(), r)
		require.NoError(t, err)
		require.True(t, opened)
	})
	reads := 0
	w.table.After = func(operation string) error {
		if operation == "GetItem" {
			if reads++; reads == 1 { // the key, which nobody has used yet
				once()
			}
		}
		return nil
	}
	c, opened, err := w.Open(t.Context(), r)
	require.NoError(t, err)
	require.False(t, opened)
	require.Equal(t, payment.DisputeOpened, c.State)
	require.NotContains(t, w.bus.kinds(), "DisputeRejected")
}

// An answer that is lost after its effect is no second effect, and a failure before it is an error.
func TestOpenSurvivesALostAnswer(t *testing.T) {
	w := newWorld()
	purchase := w.purchase(t)
	lost := errors.New("connection reset")
	w.table.After = func(operation string) error {
		if operation == "TransactWriteItems" {
			return lost
		}
		return nil
	}
	_, _, err := w.Open(t.Context(), request(purchase))
	require.ErrorIs(t, err, lost)
	w.table.After = nil
	c, opened, err := w.Open(t.Context(), request(purchase))
	require.NoError(t, err)
	require.False(t, opened, "it was opened the first time")
	require.Equal(t, payment.DisputeOpened, c.State)
	require.Equal(t, []string{"DisputeOpened"}, w.bus.kinds(), "and is told now")
}

func TestOpenStandsWhenTellingFails(t *testing.T) {
	w := newWorld()
	w.bus.err = errors.New("throttled")
	_, opened, err := w.Open(t.Context(), request(w.purchase(t)))
	require.NoError(t, err)
	require.True(t, opened)
	require.Contains(t, w.log.String(), "throttled")
}

func TestCasesAreListedByWhatHappenedToThem(t *testing.T) {
	w := newWorld()
	c, _, err := w.Open(t.Context(), request(w.purchase(t)))
	require.NoError(t, err)
	w.now = today.AddDate(0, 1, 0)
	_, err = w.Advance(t.Context(), c.CaseID, func(d payment.Dispute) (payment.Dispute, error) {
		return d.Decide(payment.DisputeLostBank, payment.Money{}, w.now, "operator", "")
	})
	require.NoError(t, err)
	c, err = w.Case(t.Context(), c.CaseID)
	require.NoError(t, err)
	for _, tc := range []struct {
		from, to time.Time
		cases    int
	}{
		{today, today, 1}, {today.AddDate(0, -3, 0), today.AddDate(0, 2, 0), 1}, // opened and decided: listed once
		{today.AddDate(0, 0, 1), today.AddDate(0, 0, 30), 0}, {w.now, w.now.AddDate(0, 1, 0), 1}, {w.now.AddDate(0, 0, 1), w.now.AddDate(0, 2, 0), 0},
	} {
		cases, err := w.Store.ActiveBetween(t.Context(), tc.from, tc.to)
		require.NoError(t, err)
		require.Len(t, cases, tc.cases)
		if tc.cases > 0 {
			require.Equal(t, c, cases[0])
		}
	}
	require.Equal(t, []string{"2027-01", "2026-12", "2026-11"}, monthsOf(time.Date(2026, 11, 30, 23, 0, 0, 0, time.UTC), time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)))
	_, err = w.Case(t.Context(), "dsp_unknown")
	require.ErrorIs(t, err, ErrUnknownCase)
}

// A case that nobody was told of is found by the sweep, and none that is where it should be.
func TestSweep(t *testing.T) {
	w := newWorld()
	w.bus.err = errors.New("throttled")
	c, _, err := w.Open(t.Context(), request(w.purchase(t)))
	require.NoError(t, err)
	w.bus.err = nil
	sweep := func(later time.Duration) int {
		w.now = w.now.Add(later)
		told, err := w.Sweep(t.Context())
		require.NoError(t, err)
		return told
	}
	require.Zero(t, sweep(time.Minute), "it may still be under way")
	w.now = w.now.Add(SweepInterval)
	w.bus.err = errors.New("throttled")
	told, err := w.Sweep(t.Context())
	require.ErrorIs(t, err, w.bus.err, "nobody comes after the sweep")
	require.ErrorContains(t, err, c.CaseID)
	require.Zero(t, told)
	w.bus.err = nil
	require.Equal(t, 1, sweep(SweepInterval))
	require.Equal(t, []string{"DisputeOpened"}, w.bus.kinds())
	w.settle(t, c.CaseID)
	require.Zero(t, sweep(SweepInterval))

	_, err = w.Advance(t.Context(), c.CaseID, func(d payment.Dispute) (payment.Dispute, error) {
		return d.Decide(payment.DisputeLostBank, payment.Money{}, w.now, "operator", "")
	})
	require.NoError(t, err)
	require.Equal(t, 1, sweep(SweepInterval))
	w.settle(t, c.CaseID)
	require.Zero(t, sweep(SweepInterval))
	require.Zero(t, sweep(48*time.Hour))
}

// A case that ended without a posting is told of again for a while.
func TestSweepOfCasesWithoutPostings(t *testing.T) {
	w := newWorld()
	w.Policy.ProvisionalCredit = false
	c, _, err := w.Open(t.Context(), request(w.purchase(t)))
	require.NoError(t, err)
	_, err = w.Advance(t.Context(), c.CaseID, func(d payment.Dispute) (payment.Dispute, error) {
		return d.Decide(payment.DisputeWithdrawn, payment.Money{}, w.now, "operator", "")
	})
	require.NoError(t, err)
	for n, want := range []int{1, 0, 0} {
		w.now = w.now.Add(SweepInterval + time.Second)
		told, err := w.Sweep(t.Context())
		require.NoError(t, err)
		require.Equal(t, want, told, n)
	}
}

// PR-16: the credit to an account of another branch than the card centre's passes through the inter-office accounts, as the purchase
// did, and what a lost dispute takes back of it does too.
func TestPostingsOfAnotherBranch(t *testing.T) {
	w := newWorld()
	c, _, err := w.Open(t.Context(), request(w.purchaseAt(t, "601613", "000001")))
	require.NoError(t, err)
	due, ok, err := c.DuePosting()
	require.NoError(t, err)
	require.True(t, ok)
	_, legs, err := due.Posting()
	require.NoError(t, err)
	var accounts []string
	for _, leg := range legs[:4] {
		accounts = append(accounts, string(leg.Side)+" "+leg.Account)
	}
	require.Equal(t, []string{"D DISPUTE_RECEIVABLE.VISA", "C BRANCH_CTRL.601613.GBP", "D HEAD_OFFICE.601613.GBP", "C acc-alice"}, accounts)
}
