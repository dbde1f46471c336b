package payment

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// E2 and its partial reversal E5: what CheckPosted takes, and what it does not.
func TestCheckPostedJudgesAPurchase(t *testing.T) {
	d := foreign(decided("00", "79.25", "GBP", plusTerms))
	d.MTI, d.TransmittedAt, d.TransactionAmount = "0100", "2026-07-09T10:00:00Z", Money{10000, "USD"}
	legs, err := Legs(d)
	require.NoError(t, err)
	sequence := sequenceOf(legs)
	sequence.Basis = d
	entry, err := Assemble(sequence, legs)
	require.NoError(t, err)
	p := Purchase{Key: sequence.BusinessKey}.Open(entry)
	require.NoError(t, p.CheckPosted(legs))

	left := Money{6309, "USD"}
	order := Order{Kind: OrderReversal, PurchaseKey: p.Key, BusinessKey: "REVERSAL", TransmittedAt: "2026-07-09T10:30:00Z", TransactionType: "00", AccountID: "acc-1",
		Outcome: OutcomePosted, Scheme: "VISA", TransactionAmount: Money{10000, "USD"}, BillingAmount: Money{7925, "GBP"}, ReplacementAmount: &left}
	taken, err := p.Take(OrderMessage(order), legs)
	require.NoError(t, err)
	back := taken.Entry.Legs
	require.NoError(t, taken.Purchase.CheckPosted(append(legs[:len(legs):len(legs)], back...)))

	for name, tc := range map[string]struct {
		purchase Purchase
		posted   []Leg
		problem  string
	}{
		"the reversal is not posted":        {taken.Purchase, legs, "is billed GBP 50.00, and GBP -79.25 stands with its customer"},
		"it is posted twice":                {taken.Purchase, append(append(legs[:len(legs):len(legs)], back...), back...), "is billed GBP 50.00, and GBP -20.75 stands with its customer"},
		"it is posted and not known":        {p, append(legs[:len(legs):len(legs)], back...), "is billed GBP 79.25, and GBP -50.00 stands with its customer"},
		"a fee is given back twice":         {taken.Purchase, append(append(legs[:len(legs):len(legs)], back...), mirrored(legs, FXFee)...), "more FX_FEE was taken back than was posted: GBP 0.87"},
		"nothing is posted of the purchase": {p, nil, "is billed GBP 79.25, and "},
	} {
		t.Run(name, func(t *testing.T) {
			require.ErrorContains(t, tc.purchase.CheckPosted(tc.posted), tc.problem)
		})
	}
}

// mirrored is a component's legs with their sides swapped.
func mirrored(legs []Leg, component Component) []Leg {
	var swapped []Leg
	for _, leg := range legs {
		if leg.Component == component {
			leg.Side = leg.Side.Opposite()
			swapped = append(swapped, leg)
		}
	}
	return swapped
}

// Of a purchase that was taken back in full nothing stands on any account (E4).
func TestCheckPostedWantsNothingLeftOfAFullReversal(t *testing.T) {
	d := foreign(decided("00", "79.25", "GBP", plusTerms))
	d.MTI, d.TransmittedAt, d.TransactionAmount = "0100", "2026-07-09T10:00:00Z", Money{10000, "USD"}
	legs, err := Legs(d)
	require.NoError(t, err)
	sequence := sequenceOf(legs)
	sequence.Basis = d
	p := Purchase{Key: sequence.BusinessKey}.Open(JournalEntry{Sequence: sequence, Legs: legs})
	order := Order{Kind: OrderReversal, PurchaseKey: p.Key, BusinessKey: "REVERSAL", TransmittedAt: "2026-07-09T10:30:00Z", TransactionType: "00", AccountID: "acc-1",
		Outcome: OutcomePosted, Scheme: "VISA", TransactionAmount: Money{10000, "USD"}, BillingAmount: Money{7925, "GBP"}}
	taken, err := p.Take(OrderMessage(order), legs)
	require.NoError(t, err)
	all := append(legs[:len(legs):len(legs)], taken.Entry.Legs...)
	require.NoError(t, taken.Purchase.CheckPosted(all))
	require.ErrorContains(t, taken.Purchase.CheckPosted(append(all, Leg{Side: Debit, Role: RoleFXFeeIncome, Account: "FEE_INCOME.FX", Component: FXFee, Amount: Money{1, "GBP"}})),
		"was taken back in full, and GBP -0.01 stands on FEE_INCOME.FX")
}
