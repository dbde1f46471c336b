package main

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/events"
	"github.com/payrail/payrail/internal/batch"
	"github.com/payrail/payrail/payment"
)

// requested is the provisional credit of E7 as it comes off the bus; change alters the request, under its id as it was.
func requested(t testing.TB, change func(*payment.PostingRequest)) batch.Message {
	t.Helper()
	request := payment.PostingRequest{Kind: payment.RequestDisputeProvisional, CauseID: "case-1", AccountID: "acc-1", Scheme: "VISA", ValueDate: "2026-07-14",
		OccurredAt: events.FormatTime(ingested), Description: "DISPUTE ACME STORE",
		Amounts: payment.RequestAmounts{Principal: payment.Money{Minor: 7925, Currency: "GBP"}, FXFee: payment.Money{Minor: 237, Currency: "GBP"}}}
	event, err := events.NewPostingRequest(events.SourceDisputes, request, "case-1", ingested)
	require.NoError(t, err)
	if change != nil {
		var detail events.Detail[events.PostingRequestedData]
		require.NoError(t, json.Unmarshal(event.Detail, &detail))
		change(&detail.Data.Request)
		event.Detail, err = json.Marshal(detail)
		require.NoError(t, err)
	}
	body, err := json.Marshal(events.Envelope{ID: "id", DetailType: event.DetailType, Source: event.Source, Detail: event.Detail})
	require.NoError(t, err)
	return batch.Message{ID: "r", Body: body}
}

func TestRequestBecomesItsLegs(t *testing.T) {
	p := &publisher{}
	require.Equal(t, batch.Results{nil}, handle(p, requested(t, nil)))
	require.Len(t, p.events, 4)
	first := decoded(t, p.events[0])
	sequence := first.Data.Sequence
	require.Equal(t, sequence.ID+"/PostingLegCreated/1", first.Metadata.EventID)
	require.Equal(t, sequence.ID, first.Metadata.PostingSequence)
	require.Equal(t, sequence.TransactionID+"/PostingRequested/DISPUTE_PROVISIONAL", first.Metadata.CausationID)
	require.Equal(t, "case-1", sequence.AuthorizationID)
	require.Equal(t, payment.OutcomePosted, sequence.Outcome)
	require.Equal(t, events.FormatTime(ingested), sequence.OccurredAt)
	var legs []payment.Leg
	for _, event := range p.events {
		require.Equal(t, sequence, decoded(t, event).Data.Sequence)
		legs = append(legs, decoded(t, event).Data.Leg)
	}
	_, err := payment.Assemble(sequence, legs)
	require.NoError(t, err, "what posting will check")
	require.Equal(t, "DISPUTE_RECEIVABLE.VISA", legs[0].Account)

	again := &publisher{}
	handle(again, requested(t, func(r *payment.PostingRequest) { r.OccurredAt = "2026-07-20T00:00:00Z" }))
	require.Equal(t, sequence.ID, decoded(t, again.events[0]).Data.Sequence.ID)
	require.Equal(t, sequence.PayloadHash, decoded(t, again.events[0]).Data.Sequence.PayloadHash, "asked for again later, it is the same posting")
}

func TestRequestToClearSuspenseBecomesAnOrder(t *testing.T) {
	request := payment.PostingRequest{Kind: payment.RequestSuspenseClear, CauseID: "ticket-1", AccountID: "acc-2", Side: payment.Debit, PurchaseKey: "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
		Amounts: payment.RequestAmounts{Principal: payment.Money{Minor: 1981, Currency: "GBP"}}, ValueDate: "2026-07-14", OccurredAt: events.FormatTime(ingested)}
	message := func(request payment.PostingRequest) batch.Message {
		event, err := events.NewPostingRequest(events.SourceOperator, request, "operator/ops", ingested)
		require.NoError(t, err)
		body, err := json.Marshal(events.Envelope{ID: "id", DetailType: event.DetailType, Source: event.Source, Detail: event.Detail})
		require.NoError(t, err)
		return batch.Message{ID: "c", Body: body}
	}
	p := &publisher{}
	require.Equal(t, batch.Results{nil}, handle(p, message(request)))
	require.Len(t, p.events, 1, "what stands in suspense, the ledger knows")
	require.Equal(t, events.PostingOrderCreated, p.events[0].DetailType)
	var detail events.Detail[events.OrderData]
	require.NoError(t, json.Unmarshal(p.events[0].Detail, &detail))
	want, clears, err := request.Clearing()
	require.NoError(t, err)
	require.True(t, clears)
	require.Equal(t, want, detail.Data.Order)
	require.Equal(t, payment.TransactionID(request.BusinessKey())+"/PostingOrderCreated", detail.Metadata.EventID)

	request.PurchaseKey = ""
	require.Equal(t, "ORDER_INVALID", payment.ReasonOf(handle(&publisher{}, message(request))[0]))
}

func TestRequestIsRefused(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*payment.PostingRequest)
		reason string
	}{
		"malformed":        {func(r *payment.PostingRequest) { r.ValueDate = "" }, payment.ReasonMalformed},
		"no rule for it":   {func(r *payment.PostingRequest) { r.Side = payment.Debit }, "REQUEST_INVALID"},
		"no account":       {func(r *payment.PostingRequest) { r.AccountID = "" }, "ACCOUNT_MISSING"},
		"under another id": {func(r *payment.PostingRequest) { r.CauseID = "case-2" }, reasonDecision},
	} {
		t.Run(name, func(t *testing.T) {
			p := &publisher{}
			results := handle(p, requested(t, tc.change), requested(t, nil))
			require.Equal(t, payment.Invalid, payment.KindOf(results[0]))
			require.Equal(t, tc.reason, payment.ReasonOf(results[0]))
			require.NoError(t, results[1])
			require.Len(t, p.events, 4, "the other one's")
		})
	}
}

// A payment that is settled in another currency than it is billed in gets a position in each.
func TestDecisionSettledInAnotherCurrency(t *testing.T) {
	p := &publisher{}
	d := decision(func(d *events.DecisionData) {
		d.Payment.SettlementAmount = &payment.Money{Minor: 10000, Currency: "USD"}
	})
	d.Payment.PayloadHash = d.Payment.Authorization.PayloadHash()
	require.Equal(t, batch.Results{nil}, handle(p, message(t, events.TransactionPostingApproved, d)))
	var accounts []string
	for _, event := range p.events[:4] {
		leg := decoded(t, event).Data.Leg
		accounts = append(accounts, string(leg.Side)+" "+leg.Account+" "+leg.Amount.String())
	}
	require.Equal(t, []string{"D acc-1 GBP 79.25", "C FX_POSITION.GBP GBP 79.25", "D FX_POSITION.USD USD 100.00", "C SCHEME_PAYABLE.VISA.USD USD 100.00"}, accounts)
}
