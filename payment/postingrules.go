package payment

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
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
// RoleCustomer stands for the customer's own.
type Role string

const (
	RoleCustomer      Role = "CUST"
	RoleSchemePayable Role = "SCHEME_PAYABLE"
	RoleSuspense      Role = "SUSPENSE.CARD"
	RoleFXFeeIncome   Role = "FEE_INCOME.FX"
	RoleCashFeeIncome Role = "FEE_INCOME.CASH"
	RoleTaxPayable    Role = "TAX_PAYABLE"
)

// Outcome says where a posting sequence puts a payment.
type Outcome string

const (
	OutcomePosted   Outcome = "POSTED"
	OutcomeSuspense Outcome = "SUSPENSE"
)

// PostingRuleVersion is the version of the table below; it stands in every leg.
const PostingRuleVersion = "1"

// Component is a part of a payment.
type Component string

const (
	Principal Component = "PRINCIPAL"
	FXFee     Component = "FX_FEE"
	FXFeeTax  Component = "FX_FEE_TAX"
	CashFee   Component = "CASH_FEE"
)

var components = map[amountOf]Component{principal: Principal, fxFee: FXFee, fxFeeTax: FXFeeTax, cashFee: CashFee}

// amountOf names what a leg template is worth.
type amountOf int

const (
	principal amountOf = iota // the billed amount, DE6: the truth, never recomputed
	fxFee
	fxFeeTax
	cashFee
)

// legPair is one movement of a posting rule: the same amount debited to one role and credited to another.
type legPair struct {
	debit, credit Role
	amount        amountOf
}

// postingRule gives the movements of one kind of payment, in the order of their legs. Movements worth nothing are omitted.
type postingRule struct {
	id        string
	btc       string // ISO 20022 bank transaction sub-family of the principal
	movements []legPair
}

var (
	foreignCharges = []legPair{{RoleCustomer, RoleFXFeeIncome, fxFee}, {RoleCustomer, RoleTaxPayable, fxFeeTax}}

	purchaseDomestic = postingRule{"PR-01", "POSD", []legPair{{RoleCustomer, RoleSchemePayable, principal}}}
	purchaseForeign  = postingRule{"PR-02", "POSD", append([]legPair{{RoleCustomer, RoleSchemePayable, principal}}, foreignCharges...)}
	cashAdvance      = postingRule{"PR-03", "CWDL", append([]legPair{{RoleCustomer, RoleSchemePayable, principal}, {RoleCustomer, RoleCashFeeIncome, cashFee}}, foreignCharges...)}
	refund           = postingRule{"PR-04", "RIMB", []legPair{{RoleSchemePayable, RoleCustomer, principal}}}
	// An item without a usable account keeps its side: only the principal moves, with suspense in the customer's place.
	debitToSuspense  = postingRule{"PR-12", "OTHR", []legPair{{RoleSuspense, RoleSchemePayable, principal}}}
	creditToSuspense = postingRule{"PR-12", "OTHR", []legPair{{RoleSchemePayable, RoleSuspense, principal}}}
)

// Transaction types (DE3 positions 1-2) by what they do to the customer's account.
var (
	purchaseTypes = []string{"00", "09", "11"}
	cashTypes     = []string{"01", "17"}
	creditTypes   = []string{"20", "22", "26"}
	cashMCCs      = []string{"6010", "6011"}
)

// messageTypes are the message types that are posted, by their class: authorizations; reversals and reversal advices with
// their repeats and responses. A repeat or a response is the same payment as what it repeats or answers.
var messageTypes = map[string][]string{
	ClassAuthorization: {"0100", "0110"},
	ClassReversal:      {"0400", "0401", "0410", "0420", "0421", "0430"},
}

// EveryClass are the message classes that this version can post. What lets payments in may take fewer; whatever handles what
// was let in takes them all, so that it is finished.
func EveryClass() []string { return []string{ClassAuthorization, ClassReversal} }

// CheckMessageType says whether messages of a type are posted where those of these classes are taken. The error's kind is
// Unsupported.
func CheckMessageType(mti string, classes []string) error {
	var taken []string
	for _, class := range classes {
		taken = append(taken, messageTypes[class]...)
	}
	if slices.Contains(taken, mti) {
		return nil
	}
	last := len(taken) - 1
	return &Error{Kind: Unsupported, Reason: "MESSAGE_TYPE_NOT_SUPPORTED",
		Err: fmt.Errorf("message type %s is not supported yet, only %s and %s are", mti, strings.Join(taken[:last], ", "), taken[last])}
}

// CheckSupported says whether a message is posted where those of these classes are taken: authorizations and their reversals,
// with a transaction type that a posting rule takes. The error's kind is Unsupported.
func CheckSupported(a Authorization, classes []string) error {
	if err := CheckMessageType(a.MTI, classes); err != nil {
		return err
	}
	if a.IsReversal() && (a.Original == nil || MTIClass(a.Original.MTI) != ClassAuthorization) {
		return &Error{Kind: Unsupported, Reason: "ORIGINAL_NOT_SUPPORTED",
			Err: errors.New("a reversal of anything but an authorization (01xx) is not supported yet")}
	}
	t := a.TransactionType()
	if !slices.Contains(purchaseTypes, t) && !slices.Contains(cashTypes, t) && !slices.Contains(creditTypes, t) {
		return &Error{Kind: Unsupported, Reason: "TRANSACTION_TYPE_NOT_SUPPORTED",
			Err: fmt.Errorf("transaction type %s is not supported yet", t)}
	}
	return nil
}

// ruleFor picks the posting rule of a payment.
func ruleFor(p Decided) (postingRule, error) {
	t := p.TransactionType
	credit := slices.Contains(creditTypes, t)
	// What bears the cash fee is posted as cash: quasi-cash is a purchase by its type and category.
	cash := slices.Contains(cashTypes, t) || (slices.Contains(purchaseTypes, t) && (slices.Contains(cashMCCs, p.MCC) || p.Charges.Cash))
	if !credit && !cash && !slices.Contains(purchaseTypes, t) {
		return postingRule{}, &Error{Kind: Unsupported, Reason: "TRANSACTION_TYPE_NOT_SUPPORTED",
			Err: fmt.Errorf("no posting rule takes transaction type %s", t)}
	}
	switch {
	case p.Outcome == OutcomeSuspense && credit:
		return creditToSuspense, nil
	case p.Outcome == OutcomeSuspense:
		return debitToSuspense, nil
	case credit:
		return refund, nil
	case cash:
		return cashAdvance, nil
	case p.Foreign:
		return purchaseForeign, nil
	default:
		return purchaseDomestic, nil
	}
}

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
func Legs(p Decided) ([]Leg, error) {
	rule, err := ruleFor(p)
	if err != nil {
		return nil, err
	}
	if p.Outcome != OutcomeSuspense && p.AccountID == "" {
		return nil, &Error{Kind: Invalid, Reason: "ACCOUNT_MISSING", Err: fmt.Errorf("posting rule %s needs the customer's account", rule.id)}
	}
	// No legs, or a fee without its payment, would pass for a payment that was posted.
	if p.BillingAmount.Minor <= 0 {
		return nil, &Error{Kind: Invalid, Reason: "AMOUNT_INVALID", Err: fmt.Errorf("the billed amount is %s, want more than zero", p.BillingAmount)}
	}
	var legs []Leg
	for _, movement := range rule.movements {
		amount, err := worth(p, movement.amount)
		if err != nil {
			return nil, fmt.Errorf("applying posting rule %s: %w", rule.id, err)
		}
		if amount.IsZero() {
			continue
		}
		// The two halves of a movement stand side by side: reversals find the movements again by that.
		for _, half := range []struct {
			side Side
			role Role
		}{{Debit, movement.debit}, {Credit, movement.credit}} {
			legs = append(legs, Leg{
				Number: len(legs) + 1, Side: half.side, Role: half.role, Account: accountName(half.role, p), Component: components[movement.amount], Amount: amount,
				RuleID: rule.id, RuleVersion: PostingRuleVersion, BankTransactionCode: bankTransactionCode(rule, movement.amount),
				ValueDate: p.ValueDate, Description: p.Description,
			})
		}
	}
	if err := CheckBalanced(legs); err != nil {
		return nil, err
	}
	return legs, nil
}

// accountName is the account a role stands for in a payment.
func accountName(role Role, p Decided) string {
	switch role {
	case RoleCustomer:
		return p.AccountID
	case RoleSchemePayable:
		return string(role) + "." + p.Scheme + "." + string(p.BillingAmount.Currency)
	case RoleSuspense:
		return string(role) + "." + string(p.BillingAmount.Currency)
	case RoleTaxPayable:
		return string(role) + "." + p.Terms.TaxJurisdiction
	default:
		return string(role)
	}
}

// bankTransactionCode is ISO 20022's domain/family/sub-family: card transactions, the principal by rule, charges by kind.
func bankTransactionCode(rule postingRule, amount amountOf) string {
	const family = "PMNT/CCRD/"
	switch amount {
	case fxFee, cashFee:
		return family + "FEES"
	case fxFeeTax:
		return family + "TAXE"
	default:
		return family + rule.btc
	}
}

// worth computes what a movement is worth, rounded once, half to even, at the billing currency's exponent.
func worth(p Decided, amount amountOf) (Money, error) {
	none := Money{Currency: p.BillingAmount.Currency}
	switch amount {
	case fxFee:
		if !p.Charges.FX {
			return none, nil
		}
		return share(p.BillingAmount, p.Terms.FXFeeRate)
	case fxFeeTax:
		fee, err := worth(p, fxFee)
		if err != nil {
			return Money{}, err
		}
		tax, err := share(fee, p.Terms.FXFeeTaxRate)
		if err == nil && !tax.IsZero() && p.Terms.TaxJurisdiction == "" {
			err = &Error{Kind: Invalid, Reason: reasonTerms, Err: errors.New("a tax rate without a jurisdiction")}
		}
		return tax, err
	case cashFee:
		if !p.Charges.Cash {
			return none, nil
		}
		fee, err := share(p.BillingAmount, p.Terms.CashFeeRate)
		if err != nil || p.Terms.CashFeeMinimum == (Money{}) {
			return fee, err
		}
		fee, err = fee.Max(p.Terms.CashFeeMinimum)
		if err != nil {
			return Money{}, &Error{Kind: Invalid, Reason: reasonTerms, Err: fmt.Errorf("cash fee minimum: %w", err)}
		}
		return fee, nil
	default:
		return p.BillingAmount, nil
	}
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
