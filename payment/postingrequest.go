package payment

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"time"
)

// RequestKind says what a posting request is for. Which movements it makes stands in the posting-rule table.
type RequestKind string

const (
	// RequestFee charges a fee that belongs to no payment (PR-07).
	RequestFee RequestKind = "FEE"
	// RequestDisputeProvisional credits a disputed payment back to the customer until the dispute is decided (PR-08).
	RequestDisputeProvisional RequestKind = "DISPUTE_PROVISIONAL"
	// RequestDisputeWon closes a dispute whose chargeback the scheme has credited (PR-09).
	RequestDisputeWon RequestKind = "DISPUTE_WON"
	// RequestDisputeLostCustomer closes a dispute at the customer's expense (PR-10).
	RequestDisputeLostCustomer RequestKind = "DISPUTE_LOST_CUSTOMER"
	// RequestDisputeLostBank closes a dispute at the bank's expense (PR-11).
	RequestDisputeLostBank RequestKind = "DISPUTE_LOST_BANK"
	// RequestDisputeSplit closes a dispute that was won in part, the rest at the bank's expense (PR-09 and PR-11).
	RequestDisputeSplit RequestKind = "DISPUTE_SPLIT"
	// RequestSuspenseClear moves an item out of suspense to the customer it belongs to (PR-13).
	RequestSuspenseClear RequestKind = "SUSPENSE_CLEAR"
	// RequestSuspenseWriteOff moves an item out of suspense that belongs to nobody who could be found (PR-13).
	RequestSuspenseWriteOff RequestKind = "SUSPENSE_WRITE_OFF"
	// RequestSettlement settles with the scheme: the net of a settlement day (PR-14).
	RequestSettlement RequestKind = "SETTLEMENT"
	// RequestSettlementDifference books what a payment was settled for more or less than it was posted for (PR-15).
	RequestSettlementDifference RequestKind = "SETTLEMENT_DIFFERENCE"
)

// subjects are what the kinds of request are about. Two requests about one subject of one cause are the same posting, of which
// the ledger takes one: a dispute is closed once, however it is decided, and a suspense item is cleared once.
var subjects = map[RequestKind]string{
	RequestFee:                  "FEE",
	RequestDisputeProvisional:   "DISPUTE_OPEN",
	RequestDisputeWon:           "DISPUTE_CLOSE",
	RequestDisputeLostCustomer:  "DISPUTE_CLOSE",
	RequestDisputeLostBank:      "DISPUTE_CLOSE",
	RequestDisputeSplit:         "DISPUTE_CLOSE",
	RequestSuspenseClear:        "SUSPENSE_CLEAR",
	RequestSuspenseWriteOff:     "SUSPENSE_CLEAR",
	RequestSettlement:           "SETTLEMENT",
	RequestSettlementDifference: "SETTLEMENT_DIFFERENCE",
}

// OfDispute reports whether the kind is a step of a dispute.
func (k RequestKind) OfDispute() bool { return strings.HasPrefix(subjects[k], "DISPUTE_") }

// RequestAmounts are the amounts of a posting request, in one currency. What is absent is nothing. Which of them a kind takes
// follows from its posting rule; one that the rule does not use is refused.
type RequestAmounts struct {
	// Principal is what is moved: the disputed amount, the suspense item, the net of a settlement, what was posted for a payment
	// that was settled for another amount.
	Principal Money `json:"principal,omitzero"`
	// FXFee, FXFeeTax and CashFee are the shares of a payment's charges that belong to its disputed part.
	FXFee    Money `json:"fxFee,omitzero"`
	FXFeeTax Money `json:"fxFeeTax,omitzero"`
	CashFee  Money `json:"cashFee,omitzero"`
	// Fee is a fee that stands by itself, FeeTax the tax on it.
	Fee    Money `json:"fee,omitzero"`
	FeeTax Money `json:"feeTax,omitzero"`
	// Won and Lost are the parts of a split dispute: what the scheme credited, and what the bank bears.
	Won  Money `json:"won,omitzero"`
	Lost Money `json:"lost,omitzero"`
	// Interchange is the issuer's income in a settlement.
	Interchange Money `json:"interchange,omitzero"`
	// Settled is what a payment was settled for.
	Settled Money `json:"settled,omitzero"`
}

// named are the amounts by their names in JSON, in their order there.
func (a RequestAmounts) named() []namedAmount {
	return []namedAmount{{"principal", a.Principal}, {"fxFee", a.FXFee}, {"fxFeeTax", a.FXFeeTax}, {"cashFee", a.CashFee}, {"fee", a.Fee},
		{"feeTax", a.FeeTax}, {"won", a.Won}, {"lost", a.Lost}, {"interchange", a.Interchange}, {"settled", a.Settled}}
}

type namedAmount struct {
	name  string
	money Money
}

// PostingRequest asks for a posting that no payment of a card makes: a fee, a step of a dispute, a suspense item's end, a
// settlement. It is comparable. The same kind and cause is the same posting however often it is asked for; with other content
// it is a conflict.
type PostingRequest struct {
	Kind RequestKind `json:"kind"`
	// CauseID is the id of what asks for the posting: a dispute case, the sequence of a suspense item, a settlement report. It
	// stands in the journal as the authorization id does for a payment.
	CauseID string `json:"causeId"`
	// AccountID is the customer's account, where the posting rule has one.
	AccountID string `json:"accountId,omitempty"`
	// BranchID is the account's branch and CardCentre the one that runs card settlement: where both are there and differ, PR-16
	// passes the movement through the inter-office accounts.
	BranchID   string `json:"branchId,omitempty"`
	CardCentre string `json:"cardCentre,omitempty"`
	Scheme     string `json:"scheme,omitempty"`
	// TaxJurisdiction is needed where there is tax.
	TaxJurisdiction string `json:"taxJurisdiction,omitempty"`
	// Side is needed for what may go either way: of a suspense item the side on which it stands in suspense (D for a purchase),
	// of a settlement the side of the scheme's account (D where the bank pays). A settlement difference has one, C, for a refund
	// alone.
	Side    Side           `json:"side,omitempty"`
	Amounts RequestAmounts `json:"amounts"`
	// ValueDate is YYYY-MM-DD.
	ValueDate   string `json:"valueDate"`
	Description string `json:"description,omitempty"`
	// OccurredAt is when the cause happened, RFC 3339. It is no part of the payload hash: asking again later is no conflict.
	OccurredAt string `json:"occurredAt"`
	// CaseID and PurchaseKey say which dispute case and which purchase (the first 26 characters of its business key, as in the ids
	// of its transaction and its sequences) the posting belongs to. What clears suspense is led to its item by the purchase.
	CaseID      string `json:"caseId,omitempty"`
	PurchaseKey string `json:"purchaseKey,omitempty"`
}

const (
	// maxCause is the longest id of a cause: it becomes part of event ids and ledger items.
	maxCause = 100
	// maxRequestDescription is the longest description, in bytes: camt.054's 140 characters of remittance information.
	maxRequestDescription = 140
)

// causeForm has neither "|", which digests join by, nor "/" and "#", which event ids and table keys do.
var causeForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._:-]*$`)

// Check verifies the form of a request by itself; whether its posting rule can be applied, its Posting says. The error's kind
// is Invalid.
func (r PostingRequest) Check() error {
	var problems FieldErrors
	note := func(wrong bool, field, problem string) {
		if wrong {
			problems = append(problems, FieldError{Field: field, Problem: problem})
		}
	}
	_, known := subjects[r.Kind]
	note(!known, "kind", "is none that can be posted")
	note(len(r.CauseID) > maxCause || !causeForm.MatchString(r.CauseID), "causeId", fmt.Sprintf("must be 1 to %d letters, digits, dots, colons, underscores and hyphens", maxCause))
	note(r.Side != "" && r.Side != Debit && r.Side != Credit, "side", "must be D or C")
	_, err := time.Parse(time.DateOnly, r.ValueDate)
	note(err != nil, "valueDate", "must be a date YYYY-MM-DD")
	_, err = time.Parse(time.RFC3339, r.OccurredAt)
	note(err != nil, "occurredAt", "must be a time as in RFC 3339")
	note(len(r.Description) > maxRequestDescription || strings.ContainsFunc(r.Description, isControl), "description", fmt.Sprintf("must be one line of at most %d bytes", maxRequestDescription))
	for _, part := range []struct{ field, value string }{{"accountId", r.AccountID}, {"branchId", r.BranchID}, {"cardCentre", r.CardCentre},
		{"scheme", r.Scheme}, {"taxJurisdiction", r.TaxJurisdiction}, {"caseId", r.CaseID}, {"purchaseKey", r.PurchaseKey}} {
		note(part.value != "" && (len(part.value) > maxCause || !causeForm.MatchString(part.value)), part.field, fmt.Sprintf("must be 1 to %d letters, digits, dots, colons, underscores and hyphens", maxCause))
	}
	problems = append(problems, r.Amounts.check()...)
	if len(problems) > 0 {
		return problems
	}
	return nil
}

// isControl reports whether a character breaks a line or hides something in it.
func isControl(c rune) bool { return c < ' ' || c == 0x7f }

// check verifies that the amounts are not negative, fit the ISO 8583 width and have one currency.
func (a RequestAmounts) check() FieldErrors {
	var problems FieldErrors
	var currency Currency
	for _, amount := range a.named() {
		if amount.money == (Money{}) {
			continue
		}
		field := "amounts." + amount.name
		if amount.money.Minor < 0 || amount.money.Minor > maxMinor {
			problems = append(problems, FieldError{Field: field, Problem: "must be zero or more, of at most 12 digits"})
		}
		if _, err := amount.money.Currency.Exponent(); err != nil {
			problems = append(problems, FieldError{Field: field, Problem: "must have a currency of ISO 4217"})
		}
		if currency == "" {
			currency = amount.money.Currency
		}
		if amount.money.Currency != currency {
			problems = append(problems, FieldError{Field: field, Problem: "must have the currency of the other amounts"})
		}
	}
	if currency == "" {
		problems = append(problems, FieldError{Field: "amounts", Problem: "must name what is posted"})
	}
	return problems
}

// requestDomain keeps the business keys of requests apart from those of payments, which begin with "v1".
const requestDomain = "request-v1"

// BusinessKey identifies the posting that a request asks for, by what it is about and its cause.
func (r PostingRequest) BusinessKey() string {
	return digest(requestDomain, subjects[r.Kind], r.CauseID)
}

// PayloadHash is the hex SHA-256 of the request's content without the time: the same business key with another hash is a
// conflict.
func (r PostingRequest) PayloadHash() (string, error) {
	r.OccurredAt = ""
	form, err := json.Marshal(r)
	if err != nil {
		return "", &Error{Kind: Invalid, Reason: reasonRequest, Err: fmt.Errorf("hashing the request: %w", err)}
	}
	sum := sha256.Sum256(form)
	return hex.EncodeToString(sum[:]), nil
}

// reasonRequest is the reason of a posting request that cannot be posted as it is.
const reasonRequest = "REQUEST_INVALID"

// refuseRequest is the error of a request whose posting rule cannot be applied to it.
func refuseRequest(format string, arguments ...any) error {
	return &Error{Kind: Invalid, Reason: reasonRequest, Err: fmt.Errorf(format, arguments...)}
}
