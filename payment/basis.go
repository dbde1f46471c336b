package payment

import (
	"fmt"
	"strconv"
)

// Basis is what the amounts of a posting sequence were computed from, beside the billed amount itself. It stays with the
// journal entry: the product's terms may change before a reversal comes, and what remains after a partial one is still
// priced by the terms under which the original was posted. It is comparable, as the sequence is that holds it.
type Basis struct {
	TransactionType string `json:"transactionType"`
	MCC             string `json:"mcc,omitempty"`
	Foreign         bool   `json:"foreign,omitempty"`
	FXFeeRate       string `json:"fxFeeRate,omitempty"`
	FXFeeTaxRate    string `json:"fxFeeTaxRate,omitempty"`
	TaxJurisdiction string `json:"taxJurisdiction,omitempty"`
	CashFeeRate     string `json:"cashFeeRate,omitempty"`
	CashFeeMinimum  Money  `json:"cashFeeMinimum,omitzero"`
}

// BasisOf is the basis of the legs that Legs makes of a decided payment: of the product's terms, those that its posting rule uses.
func BasisOf(p Decided) Basis {
	b := Basis{TransactionType: p.TransactionType, MCC: p.MCC, Foreign: p.Foreign}
	rule, err := ruleFor(p)
	if err != nil {
		return b // a payment without a rule has no legs either
	}
	for _, movement := range rule.movements {
		switch {
		case movement.amount == fxFee && p.Foreign:
			b.FXFeeRate = p.Terms.FXFeeRate
		case movement.amount == fxFeeTax && p.Foreign:
			b.FXFeeTaxRate, b.TaxJurisdiction = p.Terms.FXFeeTaxRate, p.Terms.TaxJurisdiction
		case movement.amount == cashFee:
			b.CashFeeRate = p.Terms.CashFeeRate
			if p.Terms.CashFeeMinimum != nil {
				b.CashFeeMinimum = *p.Terms.CashFeeMinimum
			}
		}
	}
	return b
}

// decided is the payment again, with another billed amount.
func (b Basis) decided(outcome Outcome, billed Money) Decided {
	p := Decided{
		Outcome: outcome, TransactionType: b.TransactionType, MCC: b.MCC, Foreign: b.Foreign, BillingAmount: billed,
		Terms: Terms{FXFeeRate: b.FXFeeRate, FXFeeTaxRate: b.FXFeeTaxRate, TaxJurisdiction: b.TaxJurisdiction, CashFeeRate: b.CashFeeRate},
	}
	if b.CashFeeMinimum != (Money{}) {
		p.Terms.CashFeeMinimum = &b.CashFeeMinimum
	}
	return p
}

// text is the basis as hashes take it; the lengths keep two different ones apart.
func (b Basis) text() string {
	text := strconv.FormatBool(b.Foreign) + "," + strconv.FormatInt(b.CashFeeMinimum.Minor, 10)
	for _, part := range []string{b.TransactionType, b.MCC, b.FXFeeRate, b.FXFeeTaxRate, b.TaxJurisdiction, b.CashFeeRate, string(b.CashFeeMinimum.Currency)} {
		text += fmt.Sprintf(",%d:%s", len(part), part)
	}
	return text
}
