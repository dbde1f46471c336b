package payment

import (
	"errors"
	"time"
)

// OrderKind says what an order asks for.
type OrderKind string

const (
	// OrderReversal takes a payment back, in full or in part.
	OrderReversal OrderKind = "REVERSAL"
	// OrderClearing moves what of a purchase stands in suspense to where it belongs (PR-13).
	OrderClearing OrderKind = "SUSPENSE_CLEARING"
	// OrderOverdue says that a reversal has waited for its original long enough: it is posted to suspense.
	OrderOverdue OrderKind = "ORIGINAL_OVERDUE"
)

// Order is a posting whose legs only the ledger can tell, because they depend on what was posted of a purchase before.
// PurchaseKey leads to the purchase: the business key of any message that belongs to it.
type Order struct {
	Kind        OrderKind `json:"kind"`
	PurchaseKey string    `json:"purchaseKey"`
	// BusinessKey is the order's own: a reversal's, as of every message; of a clearing one made of its cause. An order is
	// carried out once under its key.
	BusinessKey     string `json:"businessKey"`
	TransactionID   string `json:"transactionId"`
	AuthorizationID string `json:"authorizationId"`
	PayloadHash     string `json:"payloadHash"`
	PANToken        string `json:"panToken,omitempty"`
	OccurredAt      string `json:"occurredAt"`
	ValueDate       string `json:"valueDate,omitempty"`
	Description     string `json:"description,omitempty"`

	// Outcome SUSPENSE says that the customer's account takes no postings now: what the customer would get goes to suspense.
	Outcome Outcome `json:"outcome,omitempty"`
	Reason  string  `json:"reason,omitempty"`
	// AccountID is, of a reversal, the account that the card leads to now; of a clearing, the account to be posted to, empty to
	// write the amount off.
	AccountID string `json:"accountId,omitempty"`
	// BranchID is, of a clearing, that account's branch where it is another than the card centre's (PR-16).
	BranchID string `json:"branchId,omitempty"`

	// TransmittedAt is RFC 3339. With the rest it is there in reversals only. The amounts are those of the original, the
	// replacement amounts what remains of it; nil for nothing.
	TransmittedAt            string `json:"transmittedAt,omitempty"`
	TransactionType          string `json:"transactionType,omitempty"`
	Scheme                   string `json:"scheme,omitempty"`
	TransactionAmount        Money  `json:"transactionAmount,omitzero"`
	BillingAmount            Money  `json:"billingAmount,omitzero"`
	ReplacementAmount        *Money `json:"replacementAmount,omitempty"`
	ReplacementBillingAmount *Money `json:"replacementBillingAmount,omitempty"`
}

// Check verifies that an order has what its kind needs. The error's kind is Invalid.
func (o Order) Check() error {
	var problem string
	switch {
	case len(o.PurchaseKey) < idCharacters:
		problem = "it names no purchase"
	case len(o.BusinessKey) < idCharacters || o.TransactionID == "" || o.AuthorizationID == "" || o.PayloadHash == "":
		problem = "it lacks its key, transaction, authorization or payload hash"
	case !isInstant(o.OccurredAt):
		problem = "its time is not RFC 3339"
	case o.Kind == OrderReversal && (!isInstant(o.TransmittedAt) || o.BillingAmount.Minor <= 0 || o.TransactionAmount.Minor <= 0):
		problem = "a reversal needs its amounts and its time of transmission"
	case o.Kind != OrderReversal && o.Kind != OrderClearing && o.Kind != OrderOverdue:
		problem = "its kind is unknown"
	default:
		return nil
	}
	return &Error{Kind: Invalid, Reason: "ORDER_INVALID", Err: errors.New(problem)}
}

func isInstant(text string) bool {
	_, err := time.Parse(time.RFC3339, text)
	return err == nil
}

// remains is what remains of the order's own billing amount.
func (o Order) remains() (Money, error) {
	return remaining(o.BillingAmount, o.TransactionAmount, o.ReplacementAmount, o.ReplacementBillingAmount)
}

// RemainingBilling is what the message says remains of its own billing amount.
func (a Authorization) RemainingBilling() (Money, error) {
	return remaining(a.BillingAmount, a.TransactionAmount, a.ReplacementAmount, a.ReplacementBillingAmount)
}

// remaining is what remains of a billed amount. Where the message does not say it (DE95 has no billing amount), it is the
// share that remains of the transaction amount: DE6 of the original is the truth, so it is divided and not converted again.
func remaining(billed, transaction Money, replacement, replacementBilling *Money) (Money, error) {
	switch {
	case replacementBilling != nil:
		return *replacementBilling, nil
	case replacement == nil || replacement.IsZero():
		return Money{Currency: billed.Currency}, nil
	case *replacement == transaction:
		return billed, nil
	default:
		return billed.Share(*replacement, transaction)
	}
}
