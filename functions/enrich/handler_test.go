package main

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/events"
	"github.com/payrail/payrail/internal/batch"
	"github.com/payrail/payrail/internal/directory"
	"github.com/payrail/payrail/payment"
	"github.com/payrail/payrail/payment/iso20022"
)

var (
	ingested = time.Date(2026, 7, 9, 10, 15, 31, 123e6, time.UTC)
	account  = payment.Account{Status: payment.AccountOpen, ID: "acc-1", IBAN: "GB29NWBK60161331926819", Holder: "A HOLDER", SortCode: "601613", BranchName: "City",
		Product: "CURRENT", Currency: "GBP", TaxCategory: "PERSONAL"}
	known = directory.Answer{Account: account, Terms: payment.Terms{FXFeeRate: "0.0299"}, ProductFound: true, Category: "Grocery stores and supermarkets", CategoryListed: true, Scheme: "VISA",
		Rules: payment.DefaultRuleSettings(), WatchList: payment.WatchList{"7995": payment.WarningGambling}}
)

// answers is a directory that knows one answer for each card token.
type answers struct {
	byToken map[string]directory.Answer
	asked   [][]directory.Question
}

func (a *answers) Answers(_ context.Context, questions []directory.Question) []directory.Answer {
	a.asked = append(a.asked, questions)
	list := make([]directory.Answer, len(questions))
	for i, q := range questions {
		list[i] = a.byToken[q.PANToken]
	}
	return list
}

type publisher struct {
	events   []events.Event
	failures events.Failures
}

func (p *publisher) Publish(_ context.Context, all []events.Event) events.Failures {
	p.events = append(p.events, all...)
	return p.failures
}

func message(t testing.TB, token string) batch.Message {
	t.Helper()
	a := payment.Authorization{
		ID: "auth-1", MTI: "0100", ProcessingCode: "000000", PANToken: token, BIN: "411111", TransactionAmount: payment.Money{Minor: 10000, Currency: "USD"},
		BillingAmount: payment.Money{Minor: 7925, Currency: "GBP"}, ConversionRate: "0.7925", STAN: "123457", AcquirerID: "400010",
		TransmittedAt: time.Date(2026, 7, 9, 10, 15, 30, 0, time.UTC), MCC: "5411", IssuerCountry: "826",
		Merchant: payment.Merchant{Name: "SQ *ACME  STORE #", City: "NEW YORK", Country: "US"},
	}
	standard, err := payment.Standardize(a, a.PayloadHash(), ingested)
	require.NoError(t, err)
	metadata := events.First(events.TransactionStandardized, payment.TransactionID(a.BusinessKey()), a.ID, token, "cause", ingested, ingested)
	detail, err := json.Marshal(events.Detail[events.StandardizedData]{Metadata: metadata, Data: events.StandardizedData{Message: iso20022.Initiation(standard),
		Payment: events.Payment{Authorization: a, TransactionType: "00", BusinessKey: a.BusinessKey(), PayloadHash: a.PayloadHash()}}})
	require.NoError(t, err)
	body, err := json.Marshal(events.Envelope{ID: "id", DetailType: events.TransactionStandardized, Source: events.SourceStandardize, Detail: detail})
	require.NoError(t, err)
	return batch.Message{ID: "m", Body: body}
}

func newEnricher(d answerer, p batch.Publisher) *enricher {
	return &enricher{directory: d, publisher: p, now: func() time.Time { return ingested.Add(time.Second) }}
}

func decoded(t testing.TB, event events.Event) events.Detail[events.EnrichedData] {
	t.Helper()
	require.Equal(t, events.TransactionEnriched, event.DetailType)
	require.Equal(t, events.SourceEnrich, event.Source)
	var detail events.Detail[events.EnrichedData]
	require.NoError(t, json.Unmarshal(event.Detail, &detail))
	return detail
}

func TestPaymentGetsItsAccountPricesAndFacts(t *testing.T) {
	d, p := &answers{byToken: map[string]directory.Answer{"tok-1": known}}, &publisher{}
	require.Equal(t, batch.Results{nil}, newEnricher(d, p).handle(context.Background(), []batch.Message{message(t, "tok-1")}))
	require.Equal(t, [][]directory.Question{{{PANToken: "tok-1", Currency: "GBP", MCC: "5411", BIN: "411111"}}}, d.asked)

	detail := decoded(t, p.events[0])
	require.Equal(t, detail.Metadata.TransactionID+"/TransactionEnriched", detail.Metadata.EventID)
	require.Equal(t, detail.Metadata.TransactionID+"/TransactionStandardized", detail.Metadata.CausationID)
	data := detail.Data
	require.Equal(t, account, data.Account)
	require.Equal(t, events.MerchantFacts{Name: "ACME STORE", Category: "Grocery stores and supermarkets"}, data.Merchant)
	require.Equal(t, "SQ *ACME  STORE #", data.Payment.Merchant.Name, "the payment itself stays as it came")
	require.Equal(t, "ACME STORE NEW YORK US USD 100.00", data.Description)
	require.Equal(t, "VISA", data.Scheme)
	require.Equal(t, known.Terms, data.Terms)
	require.Equal(t, payment.Facts{IssuerCountryKnown: true, Foreign: true, ConversionRatePresent: true, CurrencyConverted: true, FXFeeApplies: true,
		MerchantWarning: payment.WarningNone, AccountFound: true, AccountOpen: true, SuspenseReason: payment.SuspenseNone, DisabledRules: "NONE"}, data.Facts)
	require.Equal(t, "GB29NWBK60161331926819", data.Message.Document.FinInitn.AcctFr.Id)
}

func TestPaymentWithoutAccountIsEnrichedToo(t *testing.T) {
	d := &answers{byToken: map[string]directory.Answer{"tok-1": {Account: payment.Account{Status: payment.AccountNotFound}, Scheme: "VISA"}}}
	p := &publisher{}
	require.Equal(t, batch.Results{nil}, newEnricher(d, p).handle(context.Background(), []batch.Message{message(t, "tok-1")}))
	var raw struct{ Data map[string]json.RawMessage }
	require.NoError(t, json.Unmarshal(p.events[0].Detail, &raw))
	require.JSONEq(t, `{"status":"NOT_FOUND"}`, string(raw.Data["account"]))
	require.JSONEq(t, `{}`, string(raw.Data["terms"]))
	facts := decoded(t, p.events[0]).Data.Facts
	require.False(t, facts.AccountFound)
	require.Equal(t, payment.SuspenseAccountNotFound, facts.SuspenseReason)
}

func TestFailuresStayWithTheirMessages(t *testing.T) {
	missing := &payment.Error{Kind: payment.Invalid, Reason: directory.ReasonAccountMissing}
	d := &answers{byToken: map[string]directory.Answer{"good": known, "bad": {Err: missing}}}
	p := &publisher{failures: events.Failures{1: errors.New("throttled")}}
	results := newEnricher(d, p).handle(context.Background(), []batch.Message{message(t, "bad"), message(t, "good"), {Body: []byte("{")}, message(t, "good")})
	require.ErrorIs(t, results[0], missing)
	require.NoError(t, results[1])
	require.Equal(t, batch.ReasonUnreadable, payment.ReasonOf(results[2]))
	require.EqualError(t, results[3], "throttled")
	require.Len(t, d.asked, 1, "one look-up for the batch")
	require.Len(t, p.events, 2)
}

// what is missing may be about to be added. Then the payment goes to review, it does not wait for ever.
func TestAnIncompleteAccountIsTriedThreeTimes(t *testing.T) {
	incomplete, closed := known, known
	incomplete.ProductFound, incomplete.Terms = false, payment.Terms{}
	closed.ProductFound, closed.Account.Status = false, payment.AccountClosed
	for name, tc := range map[string]struct {
		answer   directory.Answer
		receives int
		again    bool
	}{
		"first": {incomplete, 1, true}, "second": {incomplete, 2, true}, "third": {incomplete, 3, false}, "fourth": {incomplete, 4, false},
		"the queue does not count": {incomplete, 0, false}, "complete": {known, 1, false}, "suspense in any case": {closed, 1, false},
	} {
		t.Run(name, func(t *testing.T) {
			p := &publisher{}
			m := message(t, "tok-1")
			m.Receives = tc.receives
			results := newEnricher(&answers{byToken: map[string]directory.Answer{"tok-1": tc.answer}}, p).handle(context.Background(), []batch.Message{m})
			if tc.again {
				require.Equal(t, "ENRICHMENT_INCOMPLETE", payment.ReasonOf(results[0]))
				require.True(t, payment.KindOf(results[0]).Retryable())
				require.Empty(t, p.events)
				return
			}
			require.NoError(t, results[0])
			require.Equal(t, !tc.answer.ProductFound, decoded(t, p.events[0]).Data.Facts.EnrichmentIncomplete)
		})
	}
}

func TestRedeliveryGivesTheSameEvent(t *testing.T) {
	d, p := &answers{byToken: map[string]directory.Answer{"tok-1": known}}, &publisher{}
	for range 2 {
		newEnricher(d, p).handle(context.Background(), []batch.Message{message(t, "tok-1")})
	}
	require.Equal(t, string(p.events[0].Detail), string(p.events[1].Detail))
}

func TestCleanName(t *testing.T) {
	for name, want := range map[string]string{
		"ACME STORE": "ACME STORE", "  ACME   STORE  ": "ACME STORE", "SQ *COFFEE BAR": "COFFEE BAR", "paypal *SHOP": "SHOP", "ACME STORE #": "ACME STORE",
		"SQ *": "SQ", "***": "***", "": "", "SQUARE DEAL": "SQUARE DEAL", "CAFÉ Ñ": "CAFÉ Ñ", "É": "É", "A*B": "A*B",
	} {
		require.Equal(t, want, cleanName(name), "%q", name)
	}
}

func BenchmarkHandle(b *testing.B) {
	messages := []batch.Message{message(b, "tok-1")}
	d := &answers{byToken: map[string]directory.Answer{"tok-1": known}}
	for b.Loop() {
		d.asked = nil
		if newEnricher(d, &publisher{}).handle(context.Background(), messages)[0] != nil {
			b.Fatal("failed")
		}
	}
}

func FuzzHandle(f *testing.F) {
	f.Add(message(f, "tok-1").Body)
	f.Add([]byte(`{"detail-type":"TransactionStandardized","detail":{"metadata":{"eventId":"e","transactionId":"t"},"data":{"payment":{"mcc":"x"}}}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		p := &publisher{}
		d := &answers{byToken: map[string]directory.Answer{"tok-1": known}}
		if newEnricher(d, p).handle(context.Background(), []batch.Message{{Body: body}})[0] == nil {
			decoded(t, p.events[0])
		}
	})
}
