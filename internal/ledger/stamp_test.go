package ledger

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/payment"
)

// The control amount is what the authorization was billed, whatever accounts the money passes through on its way.
func TestPrincipalIsWhatWasBilled(t *testing.T) {
	billed := payment.Money{Minor: 1981, Currency: "GBP"}
	branch := func(d *payment.Decided) { d.BranchID, d.Terms.CardCentre = "601613", "HO" }
	position := func(d *payment.Decided) {
		d.TransactionAmount = payment.Money{Minor: 2500, Currency: "USD"}
		d.SettlementAmount = d.TransactionAmount
	}
	refund := func(d *payment.Decided) { d.TransactionType = "20" }
	suspense := func(d *payment.Decided) { d.Outcome, d.AccountID = payment.OutcomeSuspense, "" }
	for name, changes := range map[string][]func(*payment.Decided){
		"a purchase":                        nil,
		"through the branch":                {branch},
		"settled in another currency":       {position},
		"a refund":                          {refund},
		"a refund through the branch":       {refund, branch},
		"a refund in another currency":      {refund, position},
		"a purchase in suspense":            {suspense},
		"a refund in suspense":              {suspense, refund},
		"in suspense, in another currency":  {suspense, position},
		"through both, in another currency": {branch, position},
	} {
		t.Run(name, func(t *testing.T) {
			d := payment.Decided{Outcome: payment.OutcomePosted, TransactionType: "00", MCC: "5411", BillingAmount: billed, AccountID: "acc-1", Scheme: "VISA"}
			for _, change := range changes {
				change(&d)
			}
			legs, err := payment.Legs(d)
			require.NoError(t, err)
			principal, ok := Record{JournalEntry: payment.JournalEntry{Legs: legs}}.Principal()
			require.True(t, ok)
			require.Equal(t, billed, principal)
		})
	}
	scheme := payment.PostingRequest{Kind: payment.RequestDisputeWon, CauseID: "dsp_1", Scheme: "VISA", Amounts: payment.RequestAmounts{Principal: billed},
		ValueDate: "2026-07-09", OccurredAt: "2026-07-09T10:15:30Z"}
	_, legs, err := scheme.Posting()
	require.NoError(t, err)
	principal, ok := Record{JournalEntry: payment.JournalEntry{Legs: legs}}.Principal()
	require.True(t, ok, "what touches no customer has an amount too")
	require.Equal(t, billed, principal)
}
