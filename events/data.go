package events

import (
	"github.com/payrail/payrail/payment"
	"github.com/payrail/payrail/payment/iso20022"
)

// AuthorizedData is an accepted authorization: claimed under its business key, free of card numbers.
type AuthorizedData struct {
	Authorization payment.Authorization `json:"authorization"`
	// BusinessKey identifies the payment: base32 SHA-256 of MTI class, acquirer, STAN, transmission time and card token.
	BusinessKey string `json:"businessKey"`
	// PayloadHash is the hex SHA-256 of the business content.
	PayloadHash string `json:"payloadHash"`
	// Repair is there where a person corrected the authorization after its review had failed.
	Repair *Repair `json:"repair,omitempty"`
}

// Repair says what was corrected, by whom and why. BusinessKey and PayloadHash beside it stay those of the authorization as it
// was taken in.
type Repair struct {
	// Attempt is 2 for the first repair.
	Attempt int `json:"attempt"`
	// Set has the corrected fields by the names of the authorization item; none where what the payment is judged by was corrected.
	Set map[string]string `json:"set"`
	// By is who published it: an IAM principal, or the user of a machine.
	By     string `json:"by"`
	Reason string `json:"reason,omitempty"`
}

// ParkedData says what was not forwarded, why, and where it is kept.
type ParkedData struct {
	AuthorizationID string `json:"authorizationId"`
	// Kind says what may be done: INVALID, UNSUPPORTED, DUPLICATE or CONFLICT.
	Kind string `json:"kind"`
	// Reason is a stable code such as MALFORMED or MESSAGE_TYPE_NOT_SUPPORTED.
	Reason string `json:"reason"`
	// Rule is the business rule behind the reason, such as R-010.
	Rule string `json:"rule,omitempty"`
	// Problem is one sentence; it names fields, never their values.
	Problem string `json:"problem"`
	// KnownAuthorizationID is the authorization that holds the business key, for duplicates and conflicts.
	KnownAuthorizationID string `json:"knownAuthorizationId,omitempty"`
	// Object is the key of the parked item in the parked bucket.
	Object string `json:"object"`
}

// QuarantinedData says where card data was found; it never carries the value.
type QuarantinedData struct {
	AuthorizationID string `json:"authorizationId"`
	// Reason is CARD_NUMBER_FOUND, or SENSITIVE_AUTHENTICATION_DATA for track data, card verification values, PIN and chip data.
	Reason string `json:"reason"`
	// Rule is the business rule behind it, R-014.
	Rule string `json:"rule,omitempty"`
	// Fields are the attributes that held it.
	Fields []string `json:"fields"`
	// Object is the key of the original item in the quarantine bucket, where it is without its sensitive authentication data.
	Object string `json:"object"`
}

// StandardizedData is the ISO 20022 message with the canonical payment it was made of: cain.003, and cain.005 of a reversal.
type StandardizedData struct {
	iso20022.Message
	Payment Payment `json:"payment"`
}

// Payment is the canonical payment as the stages after standardize read it.
type Payment struct {
	payment.Authorization
	// TransactionType is positions 1-2 of the processing code (DE3): 00 purchase, 01 cash, 20 refund.
	TransactionType string `json:"transactionType"`
	BusinessKey     string `json:"businessKey"`
	PayloadHash     string `json:"payloadHash"`
}

// EnrichedData is a payment with its account, its prices and the facts the rules decide on.
type EnrichedData struct {
	Payment  Payment         `json:"payment"`
	Account  payment.Account `json:"account"`
	Merchant MerchantFacts   `json:"merchant"`
	// Description is the line the customer reads.
	Description string `json:"description"`
	// Scheme is VISA, MASTERCARD and so on; UNKNOWN where nothing names one.
	Scheme  string           `json:"scheme"`
	Terms   payment.Terms    `json:"terms"`
	Facts   payment.Facts    `json:"facts"`
	Message iso20022.Message `json:"message"`
}

// MerchantFacts is what the reference data says of a merchant.
type MerchantFacts struct {
	Name     string `json:"name"`
	Category string `json:"category"`
}

// FindingData is a rule that fired without deciding.
type FindingData struct {
	Rule           string  `json:"rule"`
	RuleSetVersion string  `json:"ruleSetVersion"`
	Payment        Payment `json:"payment"`
	// Warning is the class of a merchant's category: GAMBLING, QUASI_CASH, HIGH_RISK, UNKNOWN_MCC or WATCH_LIST.
	Warning payment.MerchantWarning `json:"warning,omitempty"`
	// Kind is which fee is applied: FX or CASH.
	Kind string `json:"kind,omitempty"`
}

// Kinds of fees.
const (
	FeeFX   = "FX"
	FeeCash = "CASH"
)

// Decision is what the rules engine decided, with every rule that fired.
type Decision struct {
	RuleSetVersion string `json:"ruleSetVersion"`
	// RulesFired are all rules that fired: those that find and charge, then those that decide, of which the first one did.
	RulesFired []string `json:"rulesFired"`
	// Outcome is APPROVED, SUSPENSE or FAILED_REVIEW.
	Outcome string `json:"outcome"`
	// Reason is NONE for an approved payment, else a code such as ACCOUNT_CLOSED.
	Reason string `json:"reason"`
	// ISOReason is the reason as ISO 20022's external code set has it, such as AC04; only of a payment that goes to suspense.
	ISOReason string `json:"isoReason,omitempty"`
}

// Outcomes of a decision.
const (
	DecisionApproved     = "APPROVED"
	DecisionSuspense     = "SUSPENSE"
	DecisionFailedReview = "FAILED_REVIEW"
)

// DecisionData is a payment to be posted, to its account or to suspense.
type DecisionData struct {
	Payment     Payment         `json:"payment"`
	Account     payment.Account `json:"account"`
	Merchant    MerchantFacts   `json:"merchant"`
	Description string          `json:"description"`
	Scheme      string          `json:"scheme"`
	Terms       payment.Terms   `json:"terms"`
	Decision    Decision        `json:"decision"`
	// Charges are those of the terms that the rules apply. Decisions of older rules have none: then all that the payment's kind
	// gives reason for.
	Charges *payment.Charges `json:"charges,omitempty"`
}

// FailedData is a payment that needs a person: no ledger rows, repairable.
type FailedData struct {
	Payment  Payment  `json:"payment"`
	Decision Decision `json:"decision"`
}

// PostingRequestedData is a posting that is to be made and that no payment makes.
type PostingRequestedData struct {
	Request payment.PostingRequest `json:"request"`
}

// LegData is one leg of a posting sequence with the connecting indicator: which sequence, which leg, of how many.
type LegData struct {
	Sequence payment.Sequence `json:"sequence"`
	Leg      payment.Leg      `json:"leg"`
}

// OrderData is a posting without legs: they depend on what was posted of the purchase before.
type OrderData struct {
	Order payment.Order `json:"order"`
}

// LedgerFindingData is something that the ledger found out about a payment.
type LedgerFindingData struct {
	Rule            string `json:"rule"`
	AuthorizationID string `json:"authorizationId"`
	// RelatedSequence is the posting sequence that the finding is about besides the payment's own.
	RelatedSequence string `json:"relatedSequence,omitempty"`
	// Problem is one sentence.
	Problem string `json:"problem"`
}

// PostedData is a journal entry that has been committed.
type PostedData struct {
	Sequence payment.Sequence `json:"sequence"`
	// Outcome is POSTED or SUSPENSE.
	Outcome payment.Outcome `json:"outcome"`
	// EntryHash seals the journal entry; the time of posting is no part of it.
	EntryHash string        `json:"entryHash"`
	Legs      []payment.Leg `json:"legs"`
}
