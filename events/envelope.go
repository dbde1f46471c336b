package events

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/payrail/payrail/payment"
)

// timeFormat is RFC 3339 in UTC with milliseconds, the form of every time in metadata.
const timeFormat = "2006-01-02T15:04:05.000Z"

// FormatTime writes a time as metadata does.
func FormatTime(t time.Time) string { return t.UTC().Format(timeFormat) }

// Metadata is the head of every event. PublishedAt and Traceparent differ between deliveries of one event; everything else
// is a function of what caused it, so that a redelivery repeats the event id.
type Metadata struct {
	// SchemaVersion is "1.0"; additive changes keep it.
	SchemaVersion string `json:"schemaVersion"`
	// EventID is <transactionId or sequence>/<detail-type>[/<rule, leg or other suffix>][/<attempt>]. A redelivery repeats it:
	// recognize repetitions by it, not by EventBridge's id.
	EventID string `json:"eventId"`
	// TransactionID is tx_ and the first 26 characters of the business key; derived from the authorization's id where no key
	// can be computed.
	TransactionID string `json:"transactionId"`
	// PostingSequence is ps_ and the same characters, - and a number; there from PostingLegCreated on.
	PostingSequence string `json:"postingSequence,omitempty"`
	// CorrelationID is the authorization's id.
	CorrelationID string `json:"correlationId"`
	// CausationID is the event that caused this one; for the first, the stream record.
	CausationID string `json:"causationId"`
	// Traceparent is a W3C trace context: the trace is derived from the transaction, the span from the event.
	Traceparent string `json:"traceparent"`
	// OccurredAt is the ingest time: when the authorization was written. RFC 3339, milliseconds, UTC.
	OccurredAt string `json:"occurredAt"`
	// PublishedAt is when this delivery was published; it differs between repetitions.
	PublishedAt string `json:"publishedAt"`
	// EventGroupID is the card token; empty where there is none.
	EventGroupID string `json:"eventGroupId"`
	// Attempt counts how often the payment was sent through: 2 for its first repair. Absent and 1 mean the first time.
	Attempt int `json:"attempt,omitempty"`
	// Replay is the name of the replay, on events made from a replayed one.
	Replay string `json:"replay,omitempty"`
}

// Detail is the body of an event on the bus.
type Detail[T any] struct {
	Metadata Metadata `json:"metadata"`
	Data     T        `json:"data"`
}

// Envelope is an event as EventBridge delivers it.
type Envelope struct {
	ID         string          `json:"id"`
	DetailType DetailType      `json:"detail-type"`
	Source     Source          `json:"source"`
	Time       string          `json:"time"`
	ReplayName string          `json:"replay-name,omitempty"`
	Detail     json.RawMessage `json:"detail"`
}

// Decode reads an event of type T from an EventBridge envelope and checks that it is what its consumer expects. A replayed
// event carries the name of its replay in its metadata from here on.
func Decode[T any](body []byte, want ...DetailType) (Detail[T], error) {
	var detail Detail[T]
	var envelope Envelope
	if err := json.Unmarshal(body, &envelope); err != nil {
		return detail, fmt.Errorf("decoding the event envelope: %w", err)
	}
	expected := false
	for _, detailType := range want {
		expected = expected || envelope.DetailType == detailType
	}
	if !expected {
		return detail, fmt.Errorf("decoding event %s: detail-type %q, want one of %v", envelope.ID, envelope.DetailType, want)
	}
	if err := json.Unmarshal(envelope.Detail, &detail); err != nil {
		return detail, fmt.Errorf("decoding the detail of %s event %s: %w", envelope.DetailType, envelope.ID, err)
	}
	if detail.Metadata.TransactionID == "" || detail.Metadata.EventID == "" {
		return detail, fmt.Errorf("decoding %s event %s: metadata has no transactionId or eventId", envelope.DetailType, envelope.ID)
	}
	if envelope.ReplayName != "" {
		detail.Metadata.Replay = envelope.ReplayName
	}
	return detail, nil
}

// Next is the metadata of an event that m caused: its own id under the same transaction. suffix is the rule or leg, if the
// cause has several events of this type.
func (m Metadata) Next(detailType DetailType, suffix string, publishedAt time.Time) Metadata {
	next := m
	next.SchemaVersion = SchemaVersion
	subject := m.TransactionID
	if m.PostingSequence != "" {
		subject = m.PostingSequence
	}
	next.Attempt = m.furtherAttempt()
	if detailType == TransactionPosted {
		// A sequence is in the journal once, whichever attempt brought it there: telling it again repeats the id.
		next.EventID = eventID(subject, detailType, suffix, 0)
	} else {
		next.EventID = eventID(subject, detailType, suffix, next.Attempt)
	}
	next.CausationID = m.EventID
	next.Traceparent = childOf(m.Traceparent, next.EventID)
	next.PublishedAt = FormatTime(publishedAt)
	return next
}

// Retry is the metadata of the event that sends m's payment through once more: the same payment, taken in at the same time, under
// ids that count the attempt. causation is the id of the event that asks for it.
func (m Metadata) Retry(detailType DetailType, attempt int, causation string, publishedAt time.Time) Metadata {
	m.SchemaVersion, m.Attempt, m.PostingSequence = SchemaVersion, attempt, ""
	m.EventID = eventID(m.TransactionID, detailType, "", m.furtherAttempt())
	m.CausationID = causation
	m.Traceparent = traceparent(m.TransactionID, m.EventID)
	m.PublishedAt = FormatTime(publishedAt)
	return m
}

// furtherAttempt is the attempt as ids and events write it: nothing for the first. Events that are older than this rule say 1.
func (m Metadata) furtherAttempt() int {
	if m.Attempt <= 1 {
		return 0
	}
	return m.Attempt
}

// eventID is subject/detail-type[/suffix][/attempt].
func eventID(subject string, detailType DetailType, suffix string, attempt int) string {
	id := subject + "/" + string(detailType)
	if suffix != "" {
		id += "/" + suffix
	}
	if attempt > 0 {
		id += "/" + strconv.Itoa(attempt)
	}
	return id
}

// First is the metadata of an event that starts from an authorization. occurredAt is the ingest time, from which every
// later time derives; causation is the id of the stream record.
func First(detailType DetailType, transactionID, authorizationID, panToken, causation string, occurredAt, publishedAt time.Time) Metadata {
	id := eventID(transactionID, detailType, "", 0)
	return Metadata{
		SchemaVersion: SchemaVersion, EventID: id, TransactionID: transactionID, CorrelationID: authorizationID,
		CausationID: causation, Traceparent: traceparent(transactionID, id), OccurredAt: FormatTime(occurredAt),
		PublishedAt: FormatTime(publishedAt), EventGroupID: panToken,
	}
}

// WithSuffix is m for one of several events that have the same type and transaction: suffix tells them apart in the id.
func (m Metadata) WithSuffix(suffix string) Metadata {
	m.EventID += "/" + suffix
	m.Traceparent = traceparent(m.TransactionID, m.EventID)
	return m
}

// traceparent is a W3C trace context whose trace is the transaction and whose span is the event: derived, not random, so
// that the deliveries of one event share a span. The flag 01 asks for sampling.
func traceparent(transactionID, eventID string) string {
	return "00-" + payment.TraceID(transactionID) + "-" + span(eventID) + "-01"
}

// traceparentLength is the length of version 00 of the header: 2+1+32+1+16+1+2.
const traceparentLength = 55

func childOf(parent, eventID string) string {
	if len(parent) != traceparentLength {
		return traceparent(eventID, eventID)
	}
	return parent[:36] + span(eventID) + parent[52:]
}

func span(eventID string) string {
	sum := sha256.Sum256([]byte(eventID))
	return hex.EncodeToString(sum[:8])
}
