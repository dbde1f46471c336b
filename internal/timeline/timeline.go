// Package timeline keeps and reads what happened to each transaction: an item for each event, under its transaction, and an
// item that leads from an authorization to its transaction.
package timeline

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/payrail/payrail/events"
)

// Entry is one event of a transaction's timeline.
type Entry struct {
	TransactionID   string            `json:"transactionId"`
	EventID         string            `json:"eventId"`
	DetailType      events.DetailType `json:"detailType"`
	Source          events.Source     `json:"source"`
	OccurredAt      string            `json:"occurredAt"`
	PublishedAt     string            `json:"publishedAt"`
	AuthorizationID string            `json:"authorizationId"`
	PostingSequence string            `json:"postingSequence,omitempty"`
	// Attempt is 2 and more for what a repair caused, 0 for the first attempt.
	Attempt int `json:"attempt,omitempty"`
	// Summary is one line for people.
	Summary string `json:"summary"`
}

// Read makes the entry of an event as EventBridge delivers it.
func Read(body []byte) (Entry, error) {
	var envelope struct {
		ID         string                         `json:"id"`
		DetailType events.DetailType              `json:"detail-type"`
		Source     events.Source                  `json:"source"`
		Detail     events.Detail[json.RawMessage] `json:"detail"`
	}
	if err := json.Unmarshal(body, &envelope); err != nil {
		return Entry{}, fmt.Errorf("decoding the event: %w", err)
	}
	m := envelope.Detail.Metadata
	if m.TransactionID == "" || m.EventID == "" || envelope.DetailType == "" {
		return Entry{}, fmt.Errorf("decoding event %s: it has no detail-type, transactionId or eventId", envelope.ID)
	}
	if len(m.EventID) > maxSortKey {
		return Entry{}, fmt.Errorf("decoding event %s: its eventId is longer than a sort key", envelope.ID)
	}
	summary, err := summarize(envelope.DetailType, envelope.Detail.Data)
	if err != nil {
		return Entry{}, fmt.Errorf("decoding the data of %s: %w", m.EventID, err)
	}
	return Entry{
		TransactionID: m.TransactionID, EventID: m.EventID, DetailType: envelope.DetailType, Source: envelope.Source,
		OccurredAt: m.OccurredAt, PublishedAt: m.PublishedAt, AuthorizationID: m.CorrelationID, PostingSequence: m.PostingSequence, Attempt: attemptOf(m), Summary: summary,
	}, nil
}

// attemptOf is the number of a further attempt; the rules engine counts the first one too.
func attemptOf(m events.Metadata) int {
	if m.Attempt <= 1 {
		return 0
	}
	return m.Attempt
}

// startsTransaction reports whether the event was made of an authorization item: such an event leads from its authorization to its
// transaction. Dedup makes them of stream records; reconciliation tells of what got lost on the way again.
func (e Entry) startsTransaction() bool {
	return e.AuthorizationID != "" && (e.Source == events.SourceDedup || e.DetailType == events.TransactionAuthorized)
}

// Sort orders entries by the time they were published; events of one millisecond by the stage they come from, then the
// legs by their numbers.
func Sort(entries []Entry) {
	slices.SortStableFunc(entries, func(a, b Entry) int {
		return cmp.Or(
			publishedAt(a).Compare(publishedAt(b)),
			cmp.Compare(stage(a.DetailType), stage(b.DetailType)),
			cmp.Compare(len(a.EventID), len(b.EventID)), // "…/2" before "…/10"
			cmp.Compare(a.EventID, b.EventID),
		)
	})
}

// publishedAt is the zero time, and so the first, where it is no time.
func publishedAt(e Entry) time.Time {
	t, err := time.Parse(time.RFC3339, e.PublishedAt)
	if err != nil {
		return time.Time{}
	}
	return t
}

var stages = func() map[events.DetailType]int {
	order := map[events.DetailType]int{}
	for i, contract := range events.Contracts() {
		order[contract.DetailType] = i
	}
	return order
}()

// stage is the position of an event in the pipeline; what the contract does not know comes last.
func stage(detailType events.DetailType) int {
	if position, ok := stages[detailType]; ok {
		return position
	}
	return len(stages)
}
