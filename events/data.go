package events

import (
	"github.com/payrail/payrail/payment"
	"github.com/payrail/payrail/payment/iso20022"
)

// AuthorizedData is an accepted authorization: claimed under its business key, free of card numbers.
type AuthorizedData struct {
	Authorization payment.Authorization `json:"authorization"`
	BusinessKey   string                `json:"businessKey"`
	PayloadHash   string                `json:"payloadHash"`
	// Repair is there where a person corrected the authorization after its review had failed.
	Repair *Repair `json:"repair,omitempty"`
}

// Repair says what was corrected, by whom and why. BusinessKey and PayloadHash beside it stay those of the authorization as it
// was taken in.
type Repair struct {
	Attempt int `json:"attempt"`
	// Set has the corrected fields by the names of the authorization item.
	Set    map[string]string `json:"set"`
	By     string            `json:"by"`
	Reason string            `json:"reason,omitempty"`
}

// ParkedData says what was not forwarded, why, and where it is kept.
type ParkedData struct {
	AuthorizationID string `json:"authorizationId"`
	Kind            string `json:"kind"`
	Reason          string `json:"reason"`
	Problem         string `json:"problem"`
	// KnownAuthorizationID is the authorization that holds the business key, for duplicates and conflicts.
	KnownAuthorizationID string `json:"knownAuthorizationId,omitempty"`
	// Object is the key of the parked item in the parked bucket.
	Object string `json:"object"`
}

// QuarantinedData says where a card number was found; it never carries the value.
type QuarantinedData struct {
	AuthorizationID string   `json:"authorizationId"`
	Reason          string   `json:"reason"`
	Fields          []string `json:"fields"`
	// Object is the key of the original item in the quarantine bucket.
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
	TransactionType string `json:"transactionType"`
	BusinessKey     string `json:"businessKey"`
	PayloadHash     string `json:"payloadHash"`
}

// EnrichedData is a payment with its account, its prices and the facts the rules decide on.
type EnrichedData struct {
	Payment     Payment          `json:"payment"`
	Account     payment.Account  `json:"account"`
	Merchant    MerchantFacts    `json:"merchant"`
	Description string           `json:"description"`
	Scheme      string           `json:"scheme"`
	Terms       payment.Terms    `json:"terms"`
	Facts       payment.Facts    `json:"facts"`
	Message     iso20022.Message `json:"message"`
}

// MerchantFacts is what the reference data says of a merchant.
type MerchantFacts struct {
	Name     string `json:"name"`
	Category string `json:"category"`
}

// FindingData is a rule that fired without deciding.
type FindingData struct {
	Rule           string                  `json:"rule"`
	RuleSetVersion string                  `json:"ruleSetVersion"`
	Payment        Payment                 `json:"payment"`
	Warning        payment.MerchantWarning `json:"warning,omitempty"`
}

// Decision is what the rules engine decided, with every rule that fired.
type Decision struct {
	RuleSetVersion string   `json:"ruleSetVersion"`
	RulesFired     []string `json:"rulesFired"`
	Outcome        string   `json:"outcome"`
	Reason         string   `json:"reason"`
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
}

// FailedData is a payment that needs a person: no ledger rows, repairable.
type FailedData struct {
	Payment  Payment  `json:"payment"`
	Decision Decision `json:"decision"`
}

// LegData is one leg of a posting sequence with the connecting indicator: which sequence, which leg, of how many.
type LegData struct {
	Sequence payment.Sequence `json:"sequence"`
	Leg      payment.Leg      `json:"leg"`
}

// ReversalData is a reversal that is to be posted. It has no legs yet: they depend on what was posted of its original.
type ReversalData struct {
	Reversal payment.ReversalOrder `json:"reversal"`
}

// PostedData is a journal entry that has been committed.
type PostedData struct {
	Sequence  payment.Sequence `json:"sequence"`
	Outcome   payment.Outcome  `json:"outcome"`
	EntryHash string           `json:"entryHash"`
	Legs      []payment.Leg    `json:"legs"`
}
