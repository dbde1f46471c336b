package redrive

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/payrail/payrail/events"
	"github.com/payrail/payrail/internal/panguard"
	"github.com/payrail/payrail/internal/parked"
)

// Item is one thing that was set aside.
type Item struct {
	// ID is the message's id, or the object's key.
	ID    string `json:"id"`
	Store string `json:"store"`

	EventID         string `json:"eventId,omitempty"`
	TransactionID   string `json:"transactionId,omitempty"`
	AuthorizationID string `json:"authorizationId,omitempty"`
	DetailType      string `json:"detailType,omitempty"`

	// Reason is a code, and Problem says more, where it is known.
	Reason  string `json:"reason"`
	Problem string `json:"problem,omitempty"`
	// FirstSeen is when the message was first sent or the payment came in; Receives counts how often the store gave it out.
	FirstSeen time.Time `json:"firstSeen"`
	Receives  int       `json:"receives,omitempty"`

	// To is where a redrive puts it; Left says why it would stay where it is instead.
	To   string `json:"to,omitempty"`
	Left string `json:"left,omitempty"`

	// Withheld says why Content and Attributes are not shown. Both are there only for an item shown by itself.
	Withheld   string            `json:"withheld,omitempty"`
	Attributes map[string]string `json:"attributes,omitempty"`
	Content    json.RawMessage   `json:"content,omitempty"`
}

// Reasons that redrive itself gives.
const (
	// ReasonProcessing is that of events in a processor's queue: SQS moves a message without saying what was wrong.
	ReasonProcessing = "PROCESSING_FAILED"
	// ReasonUnreadable is that of content which is not what its store is for.
	ReasonUnreadable = "UNREADABLE"
	// ReasonUnknown is that of an item that says nothing of why it is here.
	ReasonUnknown = "NOT_RECORDED"
)

const cardNumberPage = "docs/operating/card-number-found.md"

// held is an item in hand: invisible to others until it is deleted or given back.
type held struct {
	Item
	body string
	// attributes are the message's own, system those of SQS.
	attributes map[string]types.MessageAttributeValue
	system     map[string]string
	handle     string
	// cameAs is the id under which a target gave the item back in the same run; empty where targets do not say.
	cameAs string
	// shown is what a person may see instead of the body; empty where that is the body itself.
	shown string
	// input is what the execution was started with that a state machine caught an error in.
	input string
	// event is what the item carries to its target, and parked the record of an object; nil where it is none.
	event  *event
	parked *parked.Record
}

// attribute is a message attribute's text.
func (h held) attribute(name string) string {
	if value := h.attributes[name].StringValue; value != nil {
		return *value
	}
	return ""
}

// event is an event of EventBridge as a dead-letter queue holds it.
type event struct {
	ID         string          `json:"id"`
	DetailType string          `json:"detail-type"`
	Source     string          `json:"source"`
	Time       time.Time       `json:"time"`
	Resources  []string        `json:"resources"`
	ReplayName string          `json:"replay-name"`
	Detail     json.RawMessage `json:"detail"`

	metadata events.Metadata
}

var errNoEvent = errors.New("the body is no event of EventBridge")

// readEvent reads an event; only its envelope must be right.
func readEvent(body []byte) (*event, error) {
	var e event
	if err := json.Unmarshal(body, &e); err != nil {
		return nil, fmt.Errorf("%w: %w", errNoEvent, err)
	}
	if e.DetailType == "" || e.Source == "" || len(e.Detail) == 0 {
		return nil, fmt.Errorf("%w: it lacks detail-type, source or detail", errNoEvent)
	}
	var detail struct {
		Metadata events.Metadata `json:"metadata"`
	}
	_ = json.Unmarshal(e.Detail, &detail) // An event of a schedule has other details, and no metadata.
	e.metadata = detail.Metadata
	return &e, nil
}

// isOurs reports whether the event is one of the contract, with the ids by which stages know it again.
func (e *event) isOurs() bool {
	if e.metadata.EventID == "" || e.metadata.TransactionID == "" {
		return false
	}
	for _, contract := range events.Contracts() {
		if string(contract.DetailType) == e.DetailType {
			return true
		}
	}
	return false
}

// take fills in what the item says of itself.
func (h *held) take(e *event) {
	h.event = e
	h.DetailType = e.DetailType
	h.EventID, h.TransactionID, h.AuthorizationID = e.metadata.EventID, e.metadata.TransactionID, e.metadata.CorrelationID
}

// guard withholds what holds a card number, and masks what was said about it.
func (h *held) guard(content []byte) {
	member, found := panguard.FindInJSON(content, memberHasForm)
	if !json.Valid(content) && !found {
		found = panguard.Contains(string(content))
	}
	if found {
		h.Withheld = "it holds a card number"
		if member != "" {
			h.Withheld += fmt.Sprintf(" (member %q)", member)
		}
		h.Reason, h.Problem = events.ReasonCardNumber, ""
		h.Left = h.Withheld + ": see " + cardNumberPage + "#refused"
		h.EventID, h.TransactionID, h.AuthorizationID = panguard.Mask(h.EventID), panguard.Mask(h.TransactionID), panguard.Mask(h.AuthorizationID)
		h.DetailType = panguard.Mask(h.DetailType)
		return
	}
	h.Reason, h.Problem = panguard.Mask(h.Reason), panguard.Mask(h.Problem)
	if strings.Contains(h.Reason+h.Problem, events.ReasonCardNumber) {
		h.Withheld = "it led to a card number: see " + cardNumberPage + "#refused"
	}
}

// memberHasForm is events.MemberHasForm, and knows the ARNs that AWS puts around an event: with their accounts they have long numbers.
func memberHasForm(name, value string) bool {
	if name == "resources" || name == "executionArn" {
		return arn.IsARN(value)
	}
	return events.MemberHasForm(name, value)
}

// isTransaction reports whether an id is that of a transaction.
func isTransaction(id string) bool { return strings.HasPrefix(id, "tx_") }

// maskedAttribute is a message attribute as it may be shown. ARNs and the ids of requests have long numbers of their own.
func maskedAttribute(name, value string) string {
	if name == attributeRule || name == attributeTarget || name == attributeRequest {
		return value
	}
	return panguard.Mask(value)
}
