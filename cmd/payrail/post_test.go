package main

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/internal/authorizationitem"
	"github.com/payrail/payrail/internal/ledger"
	"github.com/payrail/payrail/payment"
)

func exampleRequest(name string) string {
	return filepath.Join("..", "..", "examples", "requests", name)
}

func TestPostDryRunShowsTheLegsOfTheExamples(t *testing.T) {
	cleanEnvironment(t)
	for name, want := range map[string]string{
		"fee.json":            "D acc-alice-gbp GBP 5.00\nC FEE_INCOME.OTHER GBP 5.00\nD acc-alice-gbp GBP 1.00\nC TAX_PAYABLE.GB GBP 1.00",
		"settlement.json":     "D SCHEME_PAYABLE.VISA.GBP GBP 102.10\nC NOSTRO.GBP GBP 102.10\nD SCHEME_PAYABLE.VISA.GBP GBP 1.02\nC INTERCHANGE_INCOME GBP 1.02",
		"suspense-clear.json": "D acc-bob-gbp GBP 19.81\nC SUSPENSE.CARD.GBP GBP 19.81",
		"fx-difference.json":  "D FX_PNL GBP 0.16\nC SCHEME_PAYABLE.VISA.GBP GBP 0.16",
	} {
		t.Run(name, func(t *testing.T) {
			r := execute(t, "post", "--dry-run", exampleRequest(name))
			require.Equal(t, statusDone, r.status, r.stderr)
			head, legs, _ := strings.Cut(strings.TrimSpace(r.stdout), "\n")
			require.Contains(t, head, "dry run: nothing was published")
			require.Equal(t, want, strings.ReplaceAll(legs, "  ", ""))
		})
	}
	r := execute(t, "post", "--json", "--dry-run", exampleRequest("fee.json"), exampleRequest("settlement.json"))
	require.Equal(t, statusDone, r.status, r.stderr)
	var shown []postedRequest
	require.NoError(t, json.Unmarshal([]byte(r.stdout), &shown))
	require.Len(t, shown, 2)
	require.Equal(t, payment.RequestFee, shown[0].Kind)
	require.Regexp(t, `^ps_[A-Z2-7]{26}-00$`, shown[0].Sequence)
	require.Len(t, shown[0].Legs, 4)
	require.False(t, shown[0].Published)
}

// changedFile is an example with a text replaced.
func changedFile(t *testing.T, name, old, new string) string {
	t.Helper()
	raw, err := os.ReadFile(exampleRequest(name))
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "request.json")
	content := strings.Replace(string(raw), old, new, 1)
	require.NotEqual(t, string(raw), content)
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	return path
}

func TestPostRefusesWhatCannotBePosted(t *testing.T) {
	cleanEnvironment(t)
	changed := func(old, new string) string { return changedFile(t, "fee.json", old, new) }
	for name, tc := range map[string]struct {
		files []string
		want  string
	}{
		"no file":                    {nil, "payrail post needs FILE"},
		"a file that is missing":     {[]string{"no/such.json"}, "no/such.json is not there"},
		"no JSON":                    {[]string{changed("{", "")}, "cannot be read"},
		"a member it has not":        {[]string{changed(`"kind"`, `"sort": "1", "kind"`)}, `unknown field "sort"`},
		"a dispute":                  {[]string{changed(`"FEE"`, `"DISPUTE_WON"`)}, `a request of kind "DISPUTE_WON" cannot be posted by hand; kinds that can: FEE, SETTLEMENT, SETTLEMENT_DIFFERENCE, SUSPENSE_CLEAR, SUSPENSE_WRITE_OFF`},
		"no kind":                    {[]string{changed(`"FEE"`, `""`)}, `a request of kind "" cannot be posted by hand`},
		"a field of no form":         {[]string{changed(`"2026-07-14",`, `"today",`)}, "valueDate must be a date YYYY-MM-DD"},
		"no account":                 {[]string{changed(`"acc-alice-gbp"`, `""`)}, "account CUST needs the customer's account"},
		"an amount too fine":         {[]string{changed(`"5.00"`, `"5.001"`)}, "is not a decimal with at most 2 places"},
		"a card number":              {[]string{changed("CARD REPLACEMENT", "CARD 4111111111111111")}, "holds a card number"},
		"a card number as an id":     {[]string{changed(`"branchId": "601613"`, `"branchId": "4111111111111111"`)}, "holds a card number"},
		"an item without a purchase": {[]string{changedFile(t, "suspense-clear.json", `"purchaseKey"`, `"caseId"`)}, "it names no purchase"},
		"the same twice":             {[]string{exampleRequest("fee.json"), exampleRequest("fee.json")}, "asks for the same posting as"},
	} {
		t.Run(name, func(t *testing.T) {
			r := execute(t, append([]string{"post"}, tc.files...)...)
			require.Equal(t, statusUsage, r.status)
			require.Contains(t, r.stderr, tc.want)
			require.Empty(t, r.stdout)
		})
	}
}

// journalOf answers with one record and one suspense item, or an error.
type journalOf struct {
	record   *ledger.Record
	suspense *ledger.SuspenseItem
	err      error
}

func (j journalOf) Journal(context.Context, string) (ledger.Record, bool, error) {
	if j.record == nil {
		return ledger.Record{}, false, j.err
	}
	return *j.record, true, j.err
}

func (j journalOf) Message(ctx context.Context, _, businessKey string) (ledger.Record, bool, error) {
	return j.Journal(ctx, businessKey)
}

func (j journalOf) Suspense(context.Context, string, string) (ledger.SuspenseItem, bool, error) {
	if j.suspense == nil {
		return ledger.SuspenseItem{}, false, j.err
	}
	return *j.suspense, true, j.err
}

func TestPostHoldsAClearingAgainstTheItem(t *testing.T) {
	requests, err := readRequests([]string{exampleRequest("suspense-clear.json")}, time.Date(2026, 7, 14, 9, 0, 0, 0, time.UTC))
	require.NoError(t, err)
	r := requests[0]
	require.Empty(t, r.Sequence)
	item := func(minor int64, state string) journalOf {
		return journalOf{suspense: &ledger.SuspenseItem{Amount: payment.Money{Minor: minor, Currency: "GBP"}, State: state}}
	}
	require.NoError(t, r.checkSuspense(t.Context(), item(-1981, ledger.SuspenseOpen)))
	require.ErrorContains(t, r.checkSuspense(t.Context(), item(1981, ledger.SuspenseOpen)), "has GBP 19.81 in SUSPENSE.CARD.GBP, and the request would clear GBP -19.81")
	require.ErrorContains(t, r.checkSuspense(t.Context(), item(-1980, ledger.SuspenseOpen)), "correct side and principal")
	require.ErrorContains(t, r.checkSuspense(t.Context(), item(0, ledger.SuspenseCleared)), "is open in SUSPENSE.CARD.GBP")
	require.ErrorContains(t, r.checkSuspense(t.Context(), journalOf{}), "is open in SUSPENSE.CARD.GBP")
	require.EqualError(t, r.checkSuspense(t.Context(), journalOf{err: errors.New("throttled")}), "throttled")

	posted := ledger.Record{JournalEntry: payment.JournalEntry{Sequence: r.sequence, Legs: r.Legs}}
	posted.ID = "ps_ABCDEFGHIJKLMNOPQRSTUVWXYZ-01"
	require.NoError(t, r.findPosted(t.Context(), journalOf{record: &posted}))
	require.Equal(t, posted.ID, r.Sequence, "numbered under its purchase")
	require.NoError(t, r.checkSuspense(t.Context(), journalOf{}), "it is done")
}

func TestPostLooksForWhatIsPosted(t *testing.T) {
	requests, err := readRequests([]string{exampleRequest("fee.json")}, time.Date(2026, 7, 14, 9, 0, 0, 0, time.UTC))
	require.NoError(t, err)
	r := requests[0]
	require.Equal(t, "2026-07-14T09:00:00.000Z", r.request.OccurredAt)
	require.NoError(t, r.findPosted(t.Context(), journalOf{}))
	require.False(t, r.Posted)
	require.EqualError(t, r.findPosted(t.Context(), journalOf{err: errors.New("throttled")}), "throttled")

	same := ledger.Record{JournalEntry: payment.JournalEntry{Sequence: r.sequence, Legs: r.Legs[:2]}}
	require.NoError(t, r.findPosted(t.Context(), journalOf{record: &same}))
	require.True(t, r.Posted)
	require.True(t, r.AsBefore, "nothing has been published yet")
	require.Len(t, r.Legs, 2, "what is in the journal counts")

	r.Published = true
	require.NoError(t, r.findPosted(t.Context(), journalOf{record: &same}))
	require.False(t, r.AsBefore)

	other := same
	other.PayloadHash = "another"
	require.ErrorContains(t, r.findPosted(t.Context(), journalOf{record: &other}), "was posted as "+r.Sequence+" with other content")
}

// The example clears what the example of an unknown card leaves in suspense.
func TestPostExampleNamesThePurchaseOfTheExample(t *testing.T) {
	requests, err := readRequests([]string{exampleRequest("suspense-clear.json")}, time.Date(2026, 7, 14, 9, 0, 0, 0, time.UTC))
	require.NoError(t, err)
	item, err := readItem(filepath.Join("..", "..", "examples", "authorizations", "10-unknown-card.json"))
	require.NoError(t, err)
	authorization, err := payment.ParseAuthorization(authorizationitem.Item(item).Attributes())
	require.NoError(t, err)
	require.Equal(t, payment.ShortKey(authorization.BusinessKey()), requests[0].request.PurchaseKey)
	require.Equal(t, authorization.BillingAmount, requests[0].request.Amounts.Principal)
}
