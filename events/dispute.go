package events

import (
	"fmt"
	"strconv"
	"time"

	"github.com/payrail/payrail/payment"
)

// DisputeData is a dispute as it stands. What people wrote about it is not part of it.
type DisputeData struct {
	CaseID string `json:"caseId"`
	// PurchaseKey is the first 26 characters of the purchase's business key.
	PurchaseKey string `json:"purchaseKey"`
	AccountID   string `json:"accountId"`
	Scheme      string `json:"scheme"`
	// ReasonCode is the scheme's.
	ReasonCode string               `json:"reasonCode"`
	State      payment.DisputeState `json:"state"`
	// Amount is the disputed part of the billed amount, FXFee and FXFeeTax its share of the charges.
	Amount   payment.Money `json:"amount"`
	FXFee    payment.Money `json:"fxFee"`
	FXFeeTax payment.Money `json:"fxFeeTax"`
	OpenedAt string        `json:"openedAt"`
	// FileBy is when the chargeback must have been filed.
	FileBy string `json:"fileBy"`
	// Credit is the posting that credited the customer, where there is one.
	Credit *payment.DisputePosted `json:"credit,omitempty"`
	// Decision is how the case ends, where it is decided.
	Decision *payment.DisputeDecision `json:"decision,omitempty"`
}

// DisputeRejectedData says why a purchase was not to be disputed.
type DisputeRejectedData struct {
	PurchaseKey string `json:"purchaseKey"`
	AccountID   string `json:"accountId,omitempty"`
	// Rule is R-090.
	Rule string `json:"rule"`
	// Reason is a stable code such as WINDOW_CLOSED or CASE_OPEN.
	Reason string `json:"reason"`
	// Problem is one sentence.
	Problem string `json:"problem"`
}

// NewDispute makes an event about a case. It belongs to the purchase's transaction. A case has one event of each kind, but for
// DisputeAdvanced, of which it has one for each step: asking again repeats the id.
func NewDispute(detailType DetailType, source Source, d payment.Dispute, publishedAt time.Time) (Event, error) {
	occurredAt, suffix := d.OpenedAt, d.CaseID
	switch {
	case detailType == DisputeAdvanced:
		occurredAt = d.History[len(d.History)-1].At
		suffix += "/" + strconv.Itoa(len(d.History))
	case detailType == ProvisionalCreditPosted && d.Credit != nil:
		occurredAt = d.Credit.At
	case detailType == DisputeResolved && d.Decision != nil:
		occurredAt = d.Decision.DecidedAt
	}
	at, err := time.Parse(time.RFC3339, occurredAt)
	if err != nil {
		return Event{}, fmt.Errorf("making %s of case %s: %w", detailType, d.CaseID, err)
	}
	metadata := First(detailType, d.TransactionID, d.AuthorizationID, "", d.CaseID, at, publishedAt).WithSuffix(suffix)
	return New(detailType, source, metadata, DisputeData{
		CaseID: d.CaseID, PurchaseKey: d.PurchaseKey, AccountID: d.AccountID, Scheme: d.Scheme, ReasonCode: d.ReasonCode, State: d.State,
		Amount: d.Amount, FXFee: d.FXFee, FXFeeTax: d.FXFeeTax, OpenedAt: d.OpenedAt, FileBy: d.FileBy, Credit: d.Credit, Decision: d.Decision,
	})
}

// NewDisputeRejected makes the event that a purchase was not to be disputed. request is the id of what was asked for: the same
// request, refused again, repeats the event's id.
func NewDisputeRejected(purchase payment.Disputable, request, reason, problem string, at time.Time) (Event, error) {
	metadata := First(DisputeRejected, purchase.TransactionID, purchase.AuthorizationID, "", request, at, at).WithSuffix(request)
	return New(DisputeRejected, SourceDisputes, metadata, DisputeRejectedData{
		PurchaseKey: purchase.Key, AccountID: purchase.AccountID, Rule: "R-090", Reason: reason, Problem: problem,
	})
}
