package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/payrail/payrail/events"
	"github.com/payrail/payrail/internal/disputes"
	"github.com/payrail/payrail/internal/ledger"
	"github.com/payrail/payrail/internal/ledger/ledgertest"
	"github.com/payrail/payrail/internal/timeline"
	"github.com/payrail/payrail/payment"
)

const account = "acc-alice-gbp"

// happened is a timeline in memory: entries by the id they are asked for.
type happened map[string][]timeline.Entry

func (h happened) Trace(_ context.Context, id string) ([]timeline.Entry, error) {
	if found, ok := h[id]; ok {
		return found, nil
	}
	return nil, fmt.Errorf("tracing: %w", timeline.ErrNotFound)
}

// world is a handler on a ledger in memory, with what it logs.
type world struct {
	*handler
	table    *ledgertest.Table
	timeline happened
	log      *bytes.Buffer
	bus      *told
	now      time.Time
}

// told keeps what was published.
type told []events.Event

func (b *told) Publish(_ context.Context, all []events.Event) events.Failures {
	*b = append(*b, all...)
	return nil
}

func newWorld() *world {
	w := &world{table: ledgertest.NewTable(), timeline: happened{}, log: &bytes.Buffer{}, bus: &told{}, now: time.Date(2026, 7, 20, 9, 0, 0, 0, time.UTC)}
	reader, logger := ledger.NewReader(w.table, "ledger"), slog.New(slog.NewTextHandler(w.log, nil))
	desk := disputes.NewDesk(disputes.Options{Store: disputes.NewStore(w.table, "ledger", reader), Publisher: w.bus, Logger: logger,
		Policy: payment.DisputePolicy{Window: 120 * 24 * time.Hour, ProvisionalCredit: true}, Now: func() time.Time { return w.now },
		Wait: func(ctx context.Context, _ time.Duration) error { return ctx.Err() }, Jitter: func(d time.Duration) time.Duration { return d }})
	w.handler = newHandler(reader, w.timeline, desk, logger)
	return w
}

// businessKey is that of the n-th payment.
func businessKey(n int) string {
	return strings.Repeat(string(rune('A'+n%26)), 26) + strings.Repeat("A", 26)
}

// store commits what the API reads.
func (w *world) store() *ledger.Store {
	return ledger.New(ledger.Options{Client: w.table, Table: "ledger", Now: func() time.Time { return time.Date(2026, 7, 9, 10, 16, 0, 0, time.UTC) },
		Wait: func(context.Context, time.Duration) error { return nil }, Jitter: func(d time.Duration) time.Duration { return d }})
}

// purchase posts a purchase of GBP 19.81 and n pence to the account, the n-th second after the first.
func (w *world) purchase(t testing.TB, n int) (transaction string) {
	t.Helper()
	amount := payment.Money{Minor: 1981 + int64(n), Currency: "GBP"}
	decided := payment.Decided{Outcome: payment.OutcomePosted, MTI: "0100", TransactionType: "00", MCC: "5411", TransmittedAt: "2026-07-09T10:15:00Z",
		TransactionAmount: amount, BillingAmount: amount, AccountID: account, Scheme: "VISA", ValueDate: "2026-07-10", Description: "ACME STORE LONDON GB"}
	legs, err := payment.Legs(decided)
	require.NoError(t, err)
	key := businessKey(n)
	result := w.store().Commit(context.Background(), []payment.JournalEntry{{Legs: legs, Sequence: payment.Sequence{
		ID: payment.SequenceID(key, 0), Of: len(legs), Checksum: payment.Checksum(legs), TransactionID: payment.TransactionID(key),
		AuthorizationID: fmt.Sprint("auth-", n), BusinessKey: key, PayloadHash: strings.Repeat("0", 64), Outcome: payment.OutcomePosted, Basis: decided,
		OccurredAt: fmt.Sprintf("2026-07-09T10:15:%02d.000Z", n)}}})
	require.NoError(t, result[0].Err)
	return payment.TransactionID(key)
}

// A reversal's sequence is named after its original; the entry says which transaction it is of all the same.
func TestAnEntryOfAReversalNamesTheReversal(t *testing.T) {
	w := newWorld()
	original := w.purchase(t, 0)
	result := w.store().Settle(t.Context(), payment.Order{Kind: payment.OrderReversal, PurchaseKey: businessKey(0), TransactionID: payment.TransactionID(businessKey(7)),
		AuthorizationID: "auth-r", BusinessKey: businessKey(7), PayloadHash: strings.Repeat("1", 64), OccurredAt: "2026-07-09T10:17:00.000Z", AccountID: account,
		Outcome: payment.OutcomePosted, TransmittedAt: "2026-07-09T10:17:00Z", TransactionType: "00", Scheme: "VISA",
		TransactionAmount: payment.Money{Minor: 1981, Currency: "GBP"}, BillingAmount: payment.Money{Minor: 1981, Currency: "GBP"}, ValueDate: "2026-07-11"})
	require.NoError(t, result.Err)
	_, answer := get(t, w.handler, "/accounts/"+account+"/entries")
	entries := answer["entries"].([]any)
	require.Len(t, entries, 2)
	require.Equal(t, payment.TransactionID(businessKey(7)), entries[0].(map[string]any)["transactionId"])
	require.Equal(t, strings.Replace(original, "tx_", "ps_", 1)+"-01", entries[0].(map[string]any)["sequence"])
	require.Equal(t, original, entries[1].(map[string]any)["transactionId"])
}

func TestBalances(t *testing.T) {
	w := newWorld()
	w.purchase(t, 0)
	w.purchase(t, 1)
	status, answer := get(t, w.handler, "/accounts/"+account+"/balances")
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, map[string]any{"accountId": account, "balances": []any{
		map[string]any{"balance": map[string]any{"amount": "-39.63", "currency": "GBP"}, "journalEntries": 2.0},
	}}, answer)
}

func TestEntriesAreNewestFirst(t *testing.T) {
	w := newWorld()
	w.purchase(t, 0)
	newest := w.purchase(t, 1)
	status, answer := get(t, w.handler, "/accounts/"+account+"/entries")
	require.Equal(t, http.StatusOK, status)
	require.NotContains(t, answer, "nextCursor")
	require.Len(t, answer["entries"], 2)
	require.Equal(t, map[string]any{
		"transactionId": newest, "sequence": strings.Replace(newest, "tx_", "ps_", 1) + "-00", "leg": 1.0,
		"amount": map[string]any{"amount": "-19.82", "currency": "GBP"}, "description": "ACME STORE LONDON GB", "valueDate": "2026-07-10",
		"ruleId": "PR-01", "bankTransactionCode": "PMNT/CCRD/POSD", "occurredAt": "2026-07-09T10:15:01.000Z", "postedAt": "2026-07-09T10:16:00.000Z",
	}, answer["entries"].([]any)[0])
}

// Whatever the page size, following the cursors gives every entry once, in order.
func TestCursorsLeadThroughAllEntries(t *testing.T) {
	const posted = 12
	w := newWorld()
	for n := range posted {
		w.purchase(t, n)
	}
	rapid.Check(t, func(rt *rapid.T) {
		limit := rapid.IntRange(1, posted+2).Draw(rt, "limit")
		var seen []string
		path := fmt.Sprintf("/accounts/%s/entries?limit=%d", account, limit)
		for cursor := ""; ; {
			status, answer := get(t, w.handler, path+cursor)
			require.Equal(rt, http.StatusOK, status)
			entries := answer["entries"].([]any)
			require.LessOrEqual(rt, len(entries), limit)
			for _, e := range entries {
				seen = append(seen, e.(map[string]any)["occurredAt"].(string))
			}
			next, more := answer["nextCursor"].(string)
			if !more {
				break
			}
			cursor = "&cursor=" + next
		}
		require.Len(rt, seen, posted)
		for i, at := range seen {
			require.Equal(rt, fmt.Sprintf("2026-07-09T10:15:%02d.000Z", posted-1-i), at)
		}
	})
}

// follow is the cursor after the first entry of the account.
func follow(t *testing.T, w *world) string {
	t.Helper()
	_, answer := get(t, w.handler, "/accounts/"+account+"/entries?limit=1")
	cursor, ok := answer["nextCursor"].(string)
	require.True(t, ok)
	return cursor
}

func TestBadInputIsRefusedByItsName(t *testing.T) {
	w := newWorld()
	w.purchase(t, 0)
	w.purchase(t, 1)
	cursor := follow(t, w)
	changed := []byte(cursor)
	changed[len(changed)-2] ^= 1
	const limit, foreign = "must be a whole number from 1 to 100", "must be the nextCursor of a page of this account"
	for name, tc := range map[string]struct {
		path string
		want []fieldProblem
	}{
		"a limit of zero":             {"/accounts/a/entries?limit=0", []fieldProblem{{"limit", limit}}},
		"a limit above the largest":   {"/accounts/a/entries?limit=101", []fieldProblem{{"limit", limit}}},
		"a limit beyond 32 bits":      {"/accounts/a/entries?limit=4294967297", []fieldProblem{{"limit", limit}}},
		"a limit that is no number":   {"/accounts/a/entries?limit=ten", []fieldProblem{{"limit", limit}}},
		"two limits":                  {"/accounts/a/entries?limit=1&limit=2", []fieldProblem{{"limit", limit}}},
		"an empty limit":              {"/accounts/a/entries?limit=", []fieldProblem{{"limit", limit}}},
		"a cursor of another account": {"/accounts/acc-bob/entries?cursor=" + cursor, []fieldProblem{{"cursor", foreign}}},
		"a changed cursor":            {"/accounts/" + account + "/entries?cursor=" + string(changed), []fieldProblem{{"cursor", foreign}}},
		"an empty cursor":             {"/accounts/" + account + "/entries?cursor=", []fieldProblem{{"cursor", foreign}}},
		"a long cursor":               {"/accounts/" + account + "/entries?cursor=" + strings.Repeat("A", maxCursor+1), []fieldProblem{{"cursor", foreign}}},
		"everything at once": {"/accounts/a%20b/entries?limit=x&cursor=y&order=oldest", []fieldProblem{{"order", "is no parameter of this resource"},
			{"id", "must be 1 to 128 printable ASCII characters without # and blanks"}, {"limit", limit}, {"cursor", foreign}}},
		"a parameter that balances lack": {"/accounts/a/balances?limit=1", []fieldProblem{{"limit", "is no parameter of this resource"}}},
		"an id that reaches into keys":   {"/transactions/AUTH%23auth-1", []fieldProblem{{"id", "must be 1 to 128 printable ASCII characters without # and blanks"}}},
		"a long id":                      {"/transactions/" + strings.Repeat("a", 129), []fieldProblem{{"id", "must be 1 to 128 printable ASCII characters without # and blanks"}}},
		"a card number":                  {"/accounts/4111111111111111/balances", []fieldProblem{{"id", "must not hold a card number"}}},
		"a card number as a name":        {"/transactions/t?4111-1111-1111-1111=1", []fieldProblem{{"(name withheld)", "is no parameter of this resource"}}},
	} {
		t.Run(name, func(t *testing.T) {
			status, answer := get(t, w.handler, tc.path)
			require.Equal(t, http.StatusBadRequest, status)
			require.Equal(t, typeInvalidParameter, answer["type"])
			require.Equal(t, "urn:payrail:request:request-1", answer["instance"])
			var errors []fieldProblem
			for _, e := range answer["errors"].([]any) {
				errors = append(errors, fieldProblem{e.(map[string]any)["field"].(string), e.(map[string]any)["problem"].(string)})
			}
			require.ElementsMatch(t, tc.want, errors)
			require.NotContains(t, fmt.Sprint(answer), "1111")
		})
	}
	require.Empty(t, w.log.String(), "what the caller did wrong is no failure here")
	require.Zero(t, w.table.Calls("Query")-1, "nothing is read for a request that is refused") // one for follow
}

func TestWhatIsNotThere(t *testing.T) {
	w := newWorld()
	for _, path := range []string{"/accounts/acc-nobody/balances", "/accounts/acc-nobody/entries", "/transactions/auth-unknown"} {
		status, answer := get(t, w.handler, path)
		require.Equal(t, http.StatusNotFound, status, path)
		require.Equal(t, typeNotFound, answer["type"], path)
	}
	response, err := w.handle(context.Background(), requestOf(t, "/elsewhere/1"))
	require.NoError(t, err)
	require.Equal(t, http.StatusNotFound, response.StatusCode)
}

func TestAFailureIsLoggedAndNotTold(t *testing.T) {
	for _, path := range []string{"/accounts/" + account + "/balances", "/accounts/" + account + "/entries"} {
		w := newWorld()
		w.table.Before = func(string) error { return errors.New("table Payrail-Secret is on fire") }
		status, answer := get(t, w.handler, path)
		require.Equal(t, http.StatusInternalServerError, status)
		require.Equal(t, typeInternal, answer["type"])
		require.NotContains(t, fmt.Sprint(answer), "Secret")
		require.Equal(t, 1, strings.Count(w.log.String(), "level=ERROR"), w.log.String())
		require.Contains(t, w.log.String(), "gatewayRequestId=request-1")
		require.Contains(t, w.log.String(), "on fire")
	}
}

// example is the timeline entry of a checked-in event.
func example(t testing.TB, detailType events.DetailType) timeline.Entry {
	t.Helper()
	body, err := os.ReadFile(filepath.Join("..", "..", "events", "examples", string(detailType)+".json"))
	require.NoError(t, err)
	entry, err := timeline.Read(body)
	require.NoError(t, err)
	return entry
}

func TestTransactionHasItsLegsAndItsTimeline(t *testing.T) {
	w := newWorld()
	id := w.purchase(t, 3)
	authorized, posted := example(t, events.TransactionAuthorized), example(t, events.TransactionPosted)
	authorized.TransactionID, posted.TransactionID = id, id
	posted.PostingSequence = payment.SequenceID(businessKey(3), 0)
	w.timeline[id] = []timeline.Entry{authorized, posted}
	w.timeline["auth-3"] = w.timeline[id]
	for _, asked := range []string{id, "auth-3"} {
		status, answer := get(t, w.handler, "/transactions/"+asked)
		require.Equal(t, http.StatusOK, status)
		require.Equal(t, id, answer["transactionId"])
		require.Equal(t, "POSTED", answer["status"])
		require.Len(t, answer["timeline"], 2)
		first := answer["timeline"].([]any)[0].(map[string]any)
		require.Equal(t, "TransactionAuthorized", first["event"])
		require.Equal(t, "payrail.dedup", first["by"])
		require.Len(t, answer["postings"], 1)
		legs := answer["postings"].([]any)[0].(map[string]any)["legs"].([]any)
		require.Len(t, legs, 2)
		require.Equal(t, map[string]any{"leg": 2.0, "side": "CREDIT", "role": "SCHEME_PAYABLE", "account": "SCHEME_PAYABLE.VISA.GBP",
			"amount": map[string]any{"amount": "19.84", "currency": "GBP"}, "ruleId": "PR-01", "bankTransactionCode": "PMNT/CCRD/POSD",
			"valueDate": "2026-07-10", "description": "ACME STORE LONDON GB"}, legs[1])
		require.NotContains(t, fmt.Sprint(answer), "tok_v1_")
	}
}

func TestStatus(t *testing.T) {
	at := func(kind events.DetailType, attempt int) timeline.Entry {
		e := example(t, kind)
		e.TransactionID, e.Attempt, e.PostingSequence = "tx_"+strings.Repeat("A", 26), attempt, ""
		return e
	}
	for name, tc := range map[string]struct {
		found []timeline.Entry
		want  string
	}{
		"under way":                       {[]timeline.Entry{at(events.TransactionAuthorized, 0), at(events.TransactionEnriched, 0)}, "IN_PROGRESS"},
		"a duplicate of it was parked":    {[]timeline.Entry{at(events.TransactionAuthorized, 0), at(events.DuplicateTransactionParked, 0)}, "IN_PROGRESS"},
		"review failed":                   {[]timeline.Entry{at(events.TransactionAuthorized, 0), at(events.TransactionPostingFailed, 0)}, "FAILED_REVIEW"},
		"a repair is under way":           {[]timeline.Entry{at(events.TransactionPostingFailed, 0), at(events.TransactionStandardized, 2)}, "IN_PROGRESS"},
		"a repair failed":                 {[]timeline.Entry{at(events.TransactionPostingFailed, 0), at(events.TransactionPostingFailed, 2)}, "FAILED_REVIEW"},
		"a replay told the first failure": {[]timeline.Entry{at(events.TransactionStandardized, 2), at(events.TransactionPostingFailed, 0)}, "IN_PROGRESS"},
		"rejected":                        {[]timeline.Entry{at(events.TransactionRejected, 0)}, "REJECTED"},
		"quarantined":                     {[]timeline.Entry{at(events.TransactionQuarantined, 0)}, "QUARANTINED"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			w.timeline["auth-1"] = tc.found
			status, answer := get(t, w.handler, "/transactions/auth-1")
			require.Equal(t, http.StatusOK, status)
			require.Equal(t, tc.want, answer["status"])
			require.Empty(t, answer["postings"])
		})
	}
}

func TestLegsUnderWayAreNoPosting(t *testing.T) {
	w := newWorld()
	created := example(t, events.PostingLegCreated)
	w.timeline["auth-1"] = []timeline.Entry{created}
	_, answer := get(t, w.handler, "/transactions/auth-1")
	require.NotEmpty(t, created.PostingSequence)
	require.Equal(t, "IN_PROGRESS", answer["status"])
	require.Empty(t, answer["postings"])
}

func TestAnAuthorizationOfTwoTransactionsIsAmbiguous(t *testing.T) {
	w := newWorld()
	one, other := example(t, events.TransactionAuthorized), example(t, events.TransactionAuthorized)
	one.TransactionID, other.TransactionID = "tx_"+strings.Repeat("B", 26), "tx_"+strings.Repeat("A", 26)
	w.timeline["auth-1"] = []timeline.Entry{one, other, one}
	status, answer := get(t, w.handler, "/transactions/auth-1")
	require.Equal(t, http.StatusConflict, status)
	require.Equal(t, []any{other.TransactionID, one.TransactionID}, answer["transactionIds"])
}

// No input makes the handler fail on its own side, and no cursor but its own is taken.
func FuzzEntries(f *testing.F) {
	f.Add(account, "20", "")
	f.Add("4111111111111111", "-1", "AQ")
	f.Add("", "１", encodeCursor("a", "2026-07-09T10:15:30.000Z#ps#01"))
	f.Fuzz(func(t *testing.T, id, limit, cursor string) {
		w := newWorld()
		request := requestOf(t, "/accounts/x/entries?limit="+url.QueryEscape(limit)+"&cursor="+url.QueryEscape(cursor))
		request.PathParameters["id"] = id
		response, err := w.handle(context.Background(), request)
		require.NoError(t, err)
		require.Contains(t, []int{http.StatusOK, http.StatusBadRequest, http.StatusNotFound}, response.StatusCode, response.Body)
		if position, err := decodeCursor(id, cursor); err == nil {
			require.Equal(t, cursor, encodeCursor(id, position))
		}
	})
}
