package test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/events"
	"github.com/payrail/payrail/internal/authorizationitem"
	"github.com/payrail/payrail/internal/awsconfig"
	"github.com/payrail/payrail/internal/directory"
	"github.com/payrail/payrail/payment"
)

// requestPostings publishes posting requests, each twice, as its source would.
func (s *system) requestPostings(t *testing.T, source events.Source, requests ...payment.PostingRequest) {
	t.Helper()
	var all []events.Event
	for _, request := range append(requests, requests...) {
		event, err := events.NewPostingRequest(source, request, "test", time.Now())
		require.NoError(t, err)
		all = append(all, event)
	}
	require.Empty(t, awsconfig.Publisher(s.aws, s.outputs["EventBus"]).Publish(t.Context(), all))
}

// accounts are the balances of all accounts of the ledger, debits less credits, by account and currency.
func (s *system) accounts(t *testing.T) map[string]string {
	t.Helper()
	balance, err := s.ledger.TrialBalance(t.Context(), time.Time{})
	require.NoError(t, err)
	balances := map[string]string{}
	for _, line := range balance.Lines {
		net, err := line.Debit.Add(line.Credit.Neg())
		require.NoError(t, err)
		balances[line.Account] = net.String()
	}
	return balances
}

// Postings that no payment makes go through the bus and the posting rules like every other, once however often they are asked for.
// The worked examples of the request kinds, on a bank with branches and a payment that is settled in dollars (E1b, E2b, E2c, E7,
// E10, PR-07).
func TestRequestedPostingsReachTheLedger(t *testing.T) {
	s := start(t)
	writer := directory.NewWriter(directory.WriterOptions{Client: s.dynamodb, AccountsTable: s.outputs["AccountsTable"], ReferenceTable: s.outputs["ReferenceTable"],
		Wait: func(ctx context.Context, _ time.Duration) error { return ctx.Err() }})
	require.NoError(t, writer.Write(t.Context(), directory.Data{Products: []directory.Product{{Name: "PLUS", Currency: "GBP", Terms: payment.Terms{CardCentre: "000001"}}}}))

	s.put(t, item(t, 1, aliceCard, nil)) // E1b
	s.put(t, item(t, 2, bobCard, map[string]types.AttributeValue{"transactionAmount": number("10000"), "transactionCurrency": text("USD"), "billingAmount": number("7925"),
		"settlementAmount": number("10000"), "settlementCurrency": text("USD"), "conversionRate": text("0.7925")})) // E2b
	eventually(t, "the payments are posted", func() bool { return s.journalEntries(t, "acc-alice", "acc-bob") == 2 })
	require.Equal(t, map[string]string{
		"acc-alice": "GBP 19.81", "acc-bob": "GBP 79.25", "HEAD_OFFICE.601613.GBP": "GBP -99.06", "BRANCH_CTRL.601613.GBP": "GBP 99.06",
		"SCHEME_PAYABLE.VISA.GBP": "GBP -19.81", "FX_POSITION.GBP": "GBP -79.25", "FX_POSITION.USD": "USD 100.00", "SCHEME_PAYABLE.MASTERCARD.USD": "USD -100.00",
	}, s.accounts(t))

	gbp := func(minor int64) payment.Money { return payment.Money{Minor: minor, Currency: "GBP"} }
	dispute := func(kind payment.RequestKind, amounts payment.RequestAmounts) payment.PostingRequest {
		return payment.PostingRequest{Kind: kind, CauseID: "case-1", AccountID: "acc-bob", Scheme: "MASTERCARD", Amounts: amounts, ValueDate: "2026-07-14", OccurredAt: "2026-07-14T09:00:00Z"}
	}
	s.requestPostings(t, events.SourceDisputes,
		dispute(payment.RequestDisputeProvisional, payment.RequestAmounts{Principal: gbp(7925), FXFee: gbp(237)}),
		dispute(payment.RequestDisputeSplit, payment.RequestAmounts{Won: gbp(5000), Lost: gbp(2925)}))
	var byHand []payment.PostingRequest
	for _, name := range []string{"fee", "settlement", "fx-difference"} {
		raw, err := os.ReadFile(repository(t, "examples", "requests", name+".json"))
		require.NoError(t, err)
		var request payment.PostingRequest
		require.NoError(t, json.Unmarshal(raw, &request))
		request.OccurredAt = "2026-07-14T09:00:00Z"
		byHand = append(byHand, request)
	}
	s.requestPostings(t, events.SourceOperator, byHand...)
	// Nobody but those that the contract names.
	s.requestPostings(t, events.SourcePosting, dispute(payment.RequestFee, payment.RequestAmounts{Fee: gbp(100)}))

	want := map[string]string{
		"acc-alice": "GBP 19.81", "acc-alice-gbp": "GBP 6.00", "acc-bob": "GBP -2.37", "HEAD_OFFICE.601613.GBP": "GBP -99.06", "BRANCH_CTRL.601613.GBP": "GBP 99.06",
		"FX_POSITION.GBP": "GBP -79.25", "FX_POSITION.USD": "USD 100.00", "SCHEME_PAYABLE.MASTERCARD.USD": "USD -100.00",
		"DISPUTE_RECEIVABLE.MASTERCARD": "GBP 0.00", "DISPUTE_LOSS": "GBP 29.25", "SCHEME_PAYABLE.MASTERCARD.GBP": "GBP 50.00", "FEE_INCOME.FX": "GBP 2.37",
		"FEE_INCOME.OTHER": "GBP -5.00", "TAX_PAYABLE.GB": "GBP -1.00", "NOSTRO.GBP": "GBP -102.10", "INTERCHANGE_INCOME": "GBP -1.02",
		"FX_PNL": "GBP 0.16", "SCHEME_PAYABLE.VISA.GBP": "GBP 83.15", // -19.81 + 103.12 - 0.16
	}
	eventually(t, "every request is posted", func() bool { return len(s.accounts(t)) == len(want) })
	require.Equal(t, want, s.accounts(t))
	for _, request := range byHand {
		id := payment.TransactionID(request.BusinessKey())
		happened := s.awaitEvent(t, id, events.TransactionPosted, 0)
		require.Equal(t, fmt.Sprintf("%s/PostingRequested/%s", id, request.Kind), happened[0].EventID)
	}
	s.requireSound(t)
}

// A payment of a card that nobody knew goes to suspense, and from there by a request to the account that it turns out to belong to.
func TestSuspenseIsClearedOnce(t *testing.T) {
	s := start(t)
	i := item(t, 1, nobodysCard, nil)
	s.put(t, i)
	authorization, err := payment.ParseAuthorization(authorizationitem.Item(i).Attributes())
	require.NoError(t, err)
	key := payment.ShortKey(authorization.BusinessKey())
	open := func() (state string) {
		found, ok, err := s.ledger.Suspense(t.Context(), "SUSPENSE.CARD.GBP", key)
		require.NoError(t, err)
		if ok {
			state = found.State + " " + found.Amount.String()
		}
		return state
	}
	eventually(t, "the payment is in suspense", func() bool { return open() == "OPEN GBP -19.81" })

	clear := payment.PostingRequest{Kind: payment.RequestSuspenseClear, CauseID: "ticket-1", PurchaseKey: key, AccountID: "acc-bob", Side: payment.Debit,
		Amounts: payment.RequestAmounts{Principal: authorization.BillingAmount}, ValueDate: "2026-07-14", OccurredAt: "2026-07-14T09:00:00Z"}
	s.requestPostings(t, events.SourceOperator, clear)
	eventually(t, "the item is cleared", func() bool { return open() == "CLEARED GBP 0.00" })
	s.awaitEvent(t, payment.TransactionID(clear.BusinessKey()), events.TransactionPosted, 0)
	require.Equal(t, map[string]string{"acc-bob": "GBP 19.81", "SUSPENSE.CARD.GBP": "GBP 0.00", "SCHEME_PAYABLE.VISA.GBP": "GBP -19.81"}, s.accounts(t))

	// Somebody else writes it off: there is nothing left to be written off, which is told and changes nothing.
	off := clear
	off.Kind, off.CauseID, off.AccountID = payment.RequestSuspenseWriteOff, "ticket-2", ""
	s.requestPostings(t, events.SourceOperator, off)
	s.awaitEvent(t, payment.TransactionID(off.BusinessKey()), events.TransactionRejected, 0)
	require.Equal(t, "GBP -19.81", s.balance(t, "acc-bob"))
	s.requireSound(t)
}
