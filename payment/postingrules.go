package payment

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/govalues/decimal"
)

// Side of a leg: debit or credit.
type Side string

const (
	Debit  Side = "D"
	Credit Side = "C"
)

// Opposite is the other side.
func (s Side) Opposite() Side {
	if s == Debit {
		return Credit
	}
	return Debit
}

// Role is a place in the chart of accounts. With its qualifier (scheme, charge, jurisdiction) it names a system account;
// RoleCustomer stands for the customer's own. All roles are in the posting-rule table; these are those that the code speaks of.
type Role string

const (
	RoleCustomer      Role = "CUST"
	RoleSchemePayable Role = "SCHEME_PAYABLE"
	RoleSuspense      Role = "SUSPENSE.CARD"
	RoleFXFeeIncome   Role = "FEE_INCOME.FX"
	RoleCashFeeIncome Role = "FEE_INCOME.CASH"
	RoleTaxPayable    Role = "TAX_PAYABLE"
	RoleDisputeLoss   Role = "DISPUTE_LOSS"
)

// Outcome says where a posting sequence puts a payment.
type Outcome string

const (
	OutcomePosted   Outcome = "POSTED"
	OutcomeSuspense Outcome = "SUSPENSE"
)

// Component is a part of a payment.
type Component string

const (
	Principal   Component = "PRINCIPAL"
	FXFee       Component = "FX_FEE"
	FXFeeTax    Component = "FX_FEE_TAX"
	CashFee     Component = "CASH_FEE"
	Fee         Component = "FEE"
	FeeTax      Component = "FEE_TAX"
	Interchange Component = "INTERCHANGE"
)

var everyComponent = []Component{Principal, FXFee, FXFeeTax, CashFee, Fee, FeeTax, Interchange}

// AmountName names what a movement of the posting-rule table is worth.
type AmountName string

// Amounts of payments; requests know them too.
const (
	AmountPrincipal AmountName = "PRINCIPAL" // of a payment the billed amount, DE6: the truth, never recomputed
	AmountFXFee     AmountName = "FX_FEE"
	AmountFXFeeTax  AmountName = "FX_FEE_TAX"
	AmountCashFee   AmountName = "CASH_FEE"
)

// paymentAmounts are the amounts that Decided.worth knows.
var paymentAmounts = map[AmountName]bool{AmountPrincipal: true, AmountFXFee: true, AmountFXFeeTax: true, AmountCashFee: true}

// Transaction types (DE3 positions 1-2) by what they do to the customer's account, and the merchants that give cash.
var (
	purchaseTypes = postingRules.types(classPurchase)
	cashTypes     = postingRules.types(classCash)
	creditTypes   = postingRules.types(classCredit)
	cashMCCs      = postingRules.merchants(classCash)
)

// Charges says which of a product's charges a payment bears; the business rules decide it.
type Charges struct {
	// FX is the fee, and the tax on it, for a payment in another currency.
	FX bool `json:"fx,omitempty"`
	// Cash is the fee for cash and what is treated as cash.
	Cash bool `json:"cash,omitempty"`
}

// Decided is a payment on which the rules engine has decided: everything the posting rules need, and nothing else. It is
// comparable. It stays with the journal entry: a later message about the same payment is priced by the terms under which the
// payment was posted, whatever the product's terms are then.
type Decided struct {
	Outcome         Outcome `json:"outcome"`
	MTI             string  `json:"mti,omitempty"`
	TransactionType string  `json:"transactionType"`
	MCC             string  `json:"mcc,omitempty"`
	Foreign         bool    `json:"foreign,omitempty"`
	Charges         Charges `json:"charges,omitzero"`
	// TransmittedAt is RFC 3339.
	TransmittedAt     string `json:"transmittedAt,omitempty"`
	TransactionAmount Money  `json:"transactionAmount,omitzero"`
	BillingAmount     Money  `json:"billingAmount"`
	SettlementAmount  Money  `json:"settlementAmount,omitzero"`
	AccountID         string `json:"accountId,omitempty"`
	BranchID          string `json:"branchId,omitempty"`
	Scheme            string `json:"scheme"`
	Terms             Terms  `json:"terms,omitzero"`
	Description       string `json:"description,omitempty"`
	ValueDate         string `json:"valueDate,omitempty"`
}

// Text is the decided payment as hashes and the journal take it: JSON. A member that is added later and left out where it is empty changes no hash.
func (p Decided) Text() string {
	form, err := json.Marshal(p)
	if err != nil {
		// Amounts without a currency do not marshal; such a payment has no legs either.
		return err.Error()
	}
	return string(form)
}

// Leg is one side of a movement on one account. Amounts are above zero; the side carries the sign.
type Leg struct {
	Number  int    `json:"leg"`
	Side    Side   `json:"side"`
	Role    Role   `json:"role"`
	Account string `json:"account"`
	// Component is the part of the payment that the leg's movement is: the principal or one of its charges. Later messages
	// about the payment change it component by component.
	Component           Component `json:"component"`
	Amount              Money     `json:"amount"`
	RuleID              string    `json:"ruleId"`
	RuleVersion         string    `json:"ruleVersion"`
	BankTransactionCode string    `json:"bankTransactionCode"`
	ValueDate           string    `json:"valueDate,omitempty"`
	Description         string    `json:"description,omitempty"`
}

// Legs applies the posting rules: the balanced legs of the payment, numbered from 1.
func Legs(p Decided) ([]Leg, error) { return postingRules.paymentLegs(p) }

func (t *postingTable) paymentLegs(p Decided) ([]Leg, error) {
	class, known := t.classOf(p.TransactionType)
	rule, found := t.rule(situation{trigger: triggerPayment, class: class.Class, mcc: p.MCC, side: class.Side, outcome: p.Outcome,
		foreign: p.Foreign, fxCharge: p.Charges.FX, cashCharge: p.Charges.Cash})
	if !known || !found {
		return nil, &Error{Kind: Unsupported, Reason: "TRANSACTION_TYPE_NOT_SUPPORTED",
			Err: fmt.Errorf("no posting rule takes transaction type %s", p.TransactionType)}
	}
	// No legs, or a fee without its payment, would pass for a payment that was posted.
	if p.BillingAmount.Minor <= 0 {
		return nil, &Error{Kind: Invalid, Reason: "AMOUNT_INVALID", Err: fmt.Errorf("the billed amount is %s, want more than zero", p.BillingAmount)}
	}
	return t.legs(posting{
		rule: rule, worth: p.worth, settlement: p.SettlementAmount, cardCentre: p.Terms.CardCentre,
		places:    places{account: p.AccountID, scheme: p.Scheme, branch: p.BranchID, jurisdiction: p.Terms.TaxJurisdiction},
		valueDate: p.ValueDate, description: p.Description,
	})
}

// worth computes what a movement is worth, rounded once, half to even, at the billing currency's exponent.
func (p Decided) worth(amount AmountName) (Money, error) {
	none := Money{Currency: p.BillingAmount.Currency}
	switch amount {
	case AmountFXFee:
		if !p.Charges.FX {
			return none, nil
		}
		return charge(p.BillingAmount, p.Terms.FXFeeRate, p.Terms.FXFeeMinimum, p.Terms.FXFeeMaximum, "FX fee")
	case AmountFXFeeTax:
		fee, err := p.worth(AmountFXFee)
		if err != nil {
			return Money{}, err
		}
		tax, err := share(fee, p.Terms.FXFeeTaxRate)
		if err == nil && !tax.IsZero() && p.Terms.TaxJurisdiction == "" {
			err = &Error{Kind: Invalid, Reason: reasonTerms, Err: errors.New("a tax rate without a jurisdiction")}
		}
		return tax, err
	case AmountCashFee:
		if !p.Charges.Cash {
			return none, nil
		}
		return charge(p.BillingAmount, p.Terms.CashFeeRate, p.Terms.CashFeeMinimum, Money{}, "cash fee")
	default:
		return p.BillingAmount, nil
	}
}

// charge is rate of amount, no less than minimum and no more than maximum where there are such.
func charge(amount Money, rate string, minimum, maximum Money, name string) (Money, error) {
	fee, err := share(amount, rate)
	if err != nil {
		return Money{}, err
	}
	if minimum != (Money{}) {
		if fee, err = fee.Max(minimum); err != nil {
			return Money{}, &Error{Kind: Invalid, Reason: reasonTerms, Err: fmt.Errorf("%s minimum: %w", name, err)}
		}
	}
	if maximum != (Money{}) {
		if fee, err = fee.Min(maximum); err != nil {
			return Money{}, &Error{Kind: Invalid, Reason: reasonTerms, Err: fmt.Errorf("%s maximum: %w", name, err)}
		}
	}
	if fee.Minor < 0 {
		return Money{}, &Error{Kind: Invalid, Reason: reasonTerms, Err: fmt.Errorf("the %s would be %s, want zero or more", name, fee)}
	}
	return fee, nil
}

// reasonTerms is the reason of a product whose terms cannot be applied: reference data to be corrected.
const reasonTerms = "TERMS_INVALID"

// share is rate of amount; an empty rate is no charge.
func share(amount Money, rate string) (Money, error) {
	if rate == "" {
		return Money{Currency: amount.Currency}, nil
	}
	r, err := decimal.Parse(rate)
	if err != nil || r.IsNeg() {
		return Money{}, &Error{Kind: Invalid, Reason: reasonTerms, Err: fmt.Errorf("rate %q is not a decimal of zero or more", rate)}
	}
	return amount.Mul(r)
}

// ValueDate is the settlement date where the network sent one, else the day of transmission.
func ValueDate(settlementDate string, transmittedAt time.Time) string {
	if settlementDate != "" {
		return settlementDate
	}
	return transmittedAt.UTC().Format(time.DateOnly)
}

// ChargesOf are the charges that a payment bears where no business rule says otherwise: the fee for a foreign payment, and the
// cash fee for cash.
func ChargesOf(a Authorization) Charges {
	t := a.TransactionType()
	return Charges{
		FX:   Foreign(a) && !slices.Contains(creditTypes, t),
		Cash: slices.Contains(cashTypes, t) || (slices.Contains(purchaseTypes, t) && slices.Contains(cashMCCs, a.MCC)),
	}
}
