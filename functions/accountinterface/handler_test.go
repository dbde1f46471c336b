package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/events"
	"github.com/payrail/payrail/internal/batch"
	"github.com/payrail/payrail/payment"
)

var (
	ingested = time.Date(2026, 7, 9, 10, 15, 31, 123e6, time.UTC)
	now      = ingested.Add(time.Second)
)

type publisher struct {
	calls    int
	events   []events.Event
	failures events.Failures
}

func (p *publisher) Publish(_ context.Context, all []events.Event) events.Failures {
	p.calls++
	p.events = append(p.events, all...)
	return p.failures
}

// decision is the foreign purchase E2 as decided; change alters it.
func decision(change func(*events.DecisionData)) events.DecisionData {
	a := payment.Authorization{
		ID: "auth-1", MTI: "0100", ProcessingCode: "000000", PANToken: "tok_v1_ABCDEFGHIJKLMNOPQRSTUVWXYZ",
		TransactionAmount: payment.Money{Minor: 10000, Currency: "USD"}, BillingAmount: payment.Money{Minor: 7925, Currency: "GBP"},
		STAN: "123457", AcquirerID: "400010", TransmittedAt: time.Date(2026, 7, 9, 10, 15, 30, 0, time.UTC), SettlementDate: "2026-07-10", MCC: "5411",
	}
	d := events.DecisionData{
		Payment: events.Payment{Authorization: a, TransactionType: "00", BusinessKey: a.BusinessKey(), PayloadHash: a.PayloadHash()},
		Account: payment.Account{Status: payment.AccountOpen, ID: "acc-1", Currency: "GBP"}, Description: "ACME STORE NEW YORK US USD 100.00", Scheme: "VISA",
		Terms:    payment.Terms{FXFeeRate: "0.0299", FXFeeTaxRate: "0.20", TaxJurisdiction: "GB", CashFeeRate: "0.03", CashFeeMinimum: payment.Money{Minor: 300, Currency: "GBP"}},
		Decision: events.Decision{RuleSetVersion: "1", Outcome: events.DecisionApproved, Reason: "NONE"},
	}
	if change != nil {
		change(&d)
	}
	return d
}

func message(t testing.TB, detailType events.DetailType, d events.DecisionData) batch.Message {
	t.Helper()
	metadata := events.First(detailType, payment.TransactionID(d.Payment.Authorization.BusinessKey()), d.Payment.ID, d.Payment.PANToken, "cause", ingested, ingested)
	detail, err := json.Marshal(events.Detail[events.DecisionData]{Metadata: metadata, Data: d})
	require.NoError(t, err)
	body, err := json.Marshal(events.Envelope{ID: "id", DetailType: detailType, Source: events.SourceRules, Detail: detail})
	require.NoError(t, err)
	return batch.Message{ID: "m", Body: body}
}

func handle(p *publisher, messages ...batch.Message) batch.Results {
	return (&splitter{publisher: p, now: func() time.Time { return now }}).handle(context.Background(), messages)
}

func decoded(t *testing.T, event events.Event) events.Detail[events.LegData] {
	t.Helper()
	require.Equal(t, events.PostingLegCreated, event.DetailType)
	require.Equal(t, events.SourceAccountInterface, event.Source)
	var detail events.Detail[events.LegData]
	require.NoError(t, json.Unmarshal(event.Detail, &detail))
	return detail
}

func TestDecisionBecomesItsLegs(t *testing.T) {
	for name, tc := range map[string]struct {
		detailType events.DetailType
		change     func(*events.DecisionData)
		outcome    payment.Outcome
		reason     string
		legs       []string
	}{
		"E1 domestic": {events.TransactionPostingApproved, func(d *events.DecisionData) {
			d.Payment.TransactionAmount, d.Payment.BillingAmount = payment.Money{Minor: 1981, Currency: "GBP"}, payment.Money{Minor: 1981, Currency: "GBP"}
		}, payment.OutcomePosted, "", []string{"D acc-1 GBP 19.81", "C SCHEME_PAYABLE.VISA.GBP GBP 19.81"}},
		"E2 foreign": {events.TransactionPostingApproved, nil, payment.OutcomePosted, "", []string{"D acc-1 GBP 79.25", "C SCHEME_PAYABLE.VISA.GBP GBP 79.25",
			"D acc-1 GBP 2.37", "C FEE_INCOME.FX GBP 2.37", "D acc-1 GBP 0.47", "C TAX_PAYABLE.GB GBP 0.47"}},
		"no fee, the rules say": {events.TransactionPostingApproved, func(d *events.DecisionData) { d.Charges = &payment.Charges{} }, payment.OutcomePosted, "",
			[]string{"D acc-1 GBP 79.25", "C SCHEME_PAYABLE.VISA.GBP GBP 79.25"}},
		"quasi-cash, the rules say": {events.TransactionPostingApproved, func(d *events.DecisionData) {
			d.Payment.TransactionAmount, d.Payment.MCC, d.Charges = d.Payment.BillingAmount, "6051", &payment.Charges{Cash: true}
		}, payment.OutcomePosted, "", []string{"D acc-1 GBP 79.25", "C SCHEME_PAYABLE.VISA.GBP GBP 79.25", "D acc-1 GBP 3.00", "C FEE_INCOME.CASH GBP 3.00"}},
		"E8 closed account": {events.TransactionRoutedToSuspense, func(d *events.DecisionData) {
			d.Decision.Outcome, d.Decision.Reason = events.DecisionSuspense, "ACCOUNT_CLOSED"
		}, payment.OutcomeSuspense, "ACCOUNT_CLOSED", []string{"D SUSPENSE.CARD.GBP GBP 79.25", "C SCHEME_PAYABLE.VISA.GBP GBP 79.25"}},
	} {
		t.Run(name, func(t *testing.T) {
			p, d := &publisher{}, decision(tc.change)
			require.Equal(t, batch.Results{nil}, handle(p, message(t, tc.detailType, d)))
			var legs []payment.Leg
			var texts []string
			key := d.Payment.BusinessKey
			for n, event := range p.events {
				detail := decoded(t, event)
				require.Equal(t, fmt.Sprintf("%s/PostingLegCreated/%d", payment.SequenceID(key, 0), n+1), detail.Metadata.EventID)
				require.Equal(t, payment.SequenceID(key, 0), detail.Metadata.PostingSequence)
				require.Equal(t, payment.TransactionID(key)+"/"+string(tc.detailType), detail.Metadata.CausationID)
				leg := detail.Data.Leg
				legs = append(legs, leg)
				texts = append(texts, fmt.Sprint(leg.Side, " ", leg.Account, " ", leg.Amount))
				require.Equal(t, "2026-07-10", leg.ValueDate)
			}
			require.Equal(t, tc.legs, texts)
			for _, event := range p.events {
				require.Equal(t, payment.Sequence{ID: payment.SequenceID(key, 0), Of: len(legs), Checksum: payment.Checksum(legs), TransactionID: payment.TransactionID(key),
					AuthorizationID: "auth-1", BusinessKey: key, PayloadHash: d.Payment.PayloadHash, Outcome: tc.outcome, Reason: tc.reason,
					OccurredAt: "2026-07-09T10:15:31.123Z", Basis: decoded(t, event).Data.Sequence.Basis, Links: d.Payment.Links(), MerchantKey: d.Payment.MerchantKey()}, decoded(t, event).Data.Sequence)
				relegs, err := payment.Legs(decoded(t, event).Data.Sequence.Basis)
				require.NoError(t, err)
				require.Equal(t, legs, relegs, "the basis is what the legs were computed from")
			}
			_, err := payment.Assemble(decoded(t, p.events[0]).Data.Sequence, legs)
			require.NoError(t, err, "what posting will check")
		})
	}
}

func TestDecisionFailsWholeIfOneLegDoes(t *testing.T) {
	p := &publisher{failures: events.Failures{4: errors.New("throttled")}}
	good := message(t, events.TransactionPostingApproved, decision(nil))
	results := handle(p, good, good)
	require.EqualError(t, results[0], "throttled")
	require.NoError(t, results[1])
	require.Equal(t, 1, p.calls, "the legs of a batch are published together")
	require.Len(t, p.events, 12)
}

// reversal is the decision on E5: of USD 100.00 remain 63.09.
func reversal(change func(*events.DecisionData)) events.DecisionData {
	return decision(func(d *events.DecisionData) {
		original := d.Payment.Authorization
		a := original
		a.ID, a.MTI, a.STAN, a.ReplacementAmount = "auth-r", "0400", "123461", &payment.Money{Minor: 6309, Currency: "USD"}
		a.Original = &payment.Original{MTI: original.MTI, STAN: original.STAN, TransmittedAt: original.TransmittedAt, AcquirerID: original.AcquirerID}
		d.Payment.Authorization, d.Payment.BusinessKey, d.Payment.PayloadHash = a, a.BusinessKey(), a.PayloadHash()
		if change != nil {
			change(d)
		}
	})
}

func TestReversalBecomesAnOrder(t *testing.T) {
	p, d := &publisher{}, reversal(nil)
	require.Equal(t, batch.Results{nil}, handle(p, message(t, events.TransactionPostingApproved, d)))
	require.Len(t, p.events, 1, "its legs depend on what was posted: there are none yet")
	require.Equal(t, events.PostingOrderCreated, p.events[0].DetailType)
	require.Equal(t, events.SourceAccountInterface, p.events[0].Source)
	var detail events.Detail[events.OrderData]
	require.NoError(t, json.Unmarshal(p.events[0].Detail, &detail))
	transaction := payment.TransactionID(d.Payment.BusinessKey)
	require.Equal(t, transaction+"/PostingOrderCreated", detail.Metadata.EventID)
	require.Equal(t, payment.Order{
		Kind: payment.OrderReversal, PurchaseKey: decision(nil).Payment.BusinessKey, TransactionID: transaction, AuthorizationID: "auth-r", BusinessKey: d.Payment.BusinessKey,
		PayloadHash: d.Payment.PayloadHash, PANToken: d.Payment.PANToken, OccurredAt: "2026-07-09T10:15:31.123Z", Outcome: payment.OutcomePosted, AccountID: "acc-1",
		TransmittedAt: "2026-07-09T10:15:30Z", TransactionType: "00", Scheme: "VISA",
		TransactionAmount: payment.Money{Minor: 10000, Currency: "USD"}, ReplacementAmount: &payment.Money{Minor: 6309, Currency: "USD"},
		BillingAmount: payment.Money{Minor: 7925, Currency: "GBP"}, ValueDate: "2026-07-10", Description: "ACME STORE NEW YORK US USD 100.00",
	}, detail.Data.Order)

	p = &publisher{}
	closed := reversal(func(d *events.DecisionData) {
		d.Decision.Outcome, d.Decision.Reason = events.DecisionSuspense, "ACCOUNT_CLOSED"
	})
	require.Equal(t, batch.Results{nil}, handle(p, message(t, events.TransactionRoutedToSuspense, closed)))
	require.NoError(t, json.Unmarshal(p.events[0].Detail, &detail))
	require.Equal(t, payment.OutcomeSuspense, detail.Data.Order.Outcome)
	require.Equal(t, "ACCOUNT_CLOSED", detail.Data.Order.Reason)
}

func TestDecisionThatCannotBePosted(t *testing.T) {
	for name, tc := range map[string]struct {
		bad    batch.Message
		kind   payment.Kind
		reason string
	}{
		"no JSON":       {batch.Message{Body: []byte("{")}, payment.Invalid, batch.ReasonUnreadable},
		"another event": {message(t, events.TransactionPostingFailed, decision(nil)), payment.Invalid, batch.ReasonUnreadable},
		"no decision":   {message(t, events.TransactionPostingApproved, decision(func(d *events.DecisionData) { d.Decision.Outcome = "FAILED_REVIEW" })), payment.Invalid, reasonDecision},
		"a wrong key":   {message(t, events.TransactionPostingApproved, decision(func(d *events.DecisionData) { d.Payment.BusinessKey = "SHORT" })), payment.Invalid, reasonDecision},
		"an odd type":   {message(t, events.TransactionPostingApproved, decision(func(d *events.DecisionData) { d.Payment.TransactionType = "31" })), payment.Unsupported, "TRANSACTION_TYPE_NOT_SUPPORTED"},
		"no account":    {message(t, events.TransactionPostingApproved, decision(func(d *events.DecisionData) { d.Account.ID = "" })), payment.Invalid, "ACCOUNT_MISSING"},
		"no amount": {message(t, events.TransactionPostingApproved, decision(func(d *events.DecisionData) {
			d.Payment.BillingAmount.Minor, d.Payment.TransactionAmount.Minor = 0, 0
		})), payment.Invalid, "AMOUNT_INVALID"},
		"a reversal of nothing":        {message(t, events.TransactionPostingApproved, reversal(func(d *events.DecisionData) { d.Payment.Original = nil })), payment.Unsupported, "ORIGINAL_NOT_SUPPORTED"},
		"a reversal under a wrong key": {message(t, events.TransactionPostingApproved, reversal(func(d *events.DecisionData) { d.Payment.BusinessKey = "SHORT" })), payment.Invalid, reasonDecision},
		"a reversal not decided":       {message(t, events.TransactionPostingApproved, reversal(func(d *events.DecisionData) { d.Decision.Outcome = "" })), payment.Invalid, reasonDecision},
		"bad terms":                    {message(t, events.TransactionPostingApproved, decision(func(d *events.DecisionData) { d.Terms.FXFeeRate = "much" })), payment.Invalid, "TERMS_INVALID"},
	} {
		t.Run(name, func(t *testing.T) {
			p := &publisher{}
			results := handle(p, tc.bad, message(t, events.TransactionPostingApproved, decision(nil)))
			require.Equal(t, tc.kind, payment.KindOf(results[0]))
			require.Equal(t, tc.reason, payment.ReasonOf(results[0]))
			require.NoError(t, results[1])
			require.Len(t, p.events, 6, "the other one's")
		})
	}
}

func BenchmarkHandle(b *testing.B) {
	messages := []batch.Message{message(b, events.TransactionPostingApproved, decision(nil))}
	s := &splitter{publisher: &publisher{}, now: func() time.Time { return now }}
	for b.Loop() {
		s.publisher = &publisher{}
		if s.handle(context.Background(), messages)[0] != nil {
			b.Fatal("failed")
		}
	}
}

func FuzzHandle(f *testing.F) {
	f.Add(message(f, events.TransactionPostingApproved, decision(nil)).Body)
	f.Add(message(f, events.TransactionPostingApproved, reversal(nil)).Body)
	f.Add(requested(f, nil).Body)
	f.Add([]byte(`{"detail-type":"TransactionRoutedToSuspense","detail":{"metadata":{"eventId":"e","transactionId":"t"},"data":{"decision":{"outcome":"SUSPENSE"}}}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		p := &publisher{}
		if handle(p, batch.Message{Body: body})[0] != nil {
			require.Empty(t, p.events)
			return
		}
		if p.events[0].DetailType == events.PostingOrderCreated {
			require.Len(t, p.events, 1)
			return
		}
		var legs []payment.Leg
		for _, event := range p.events {
			legs = append(legs, decoded(t, event).Data.Leg)
		}
		require.NotEmpty(t, legs, "a decision is refused or posted, never dropped")
		require.NoError(t, payment.CheckBalanced(legs))
	})
}
