package events

import (
	"fmt"
	"time"
)

// OperatorAction is what a person did to the pipeline itself, not to one payment.
type OperatorAction string

const (
	ActionRedrive OperatorAction = "REDRIVE" // what lay in a dead-letter queue was put back
	ActionReplay  OperatorAction = "REPLAY"  // archived events were sent to their consumers again
	ActionRebuild OperatorAction = "REBUILD" // postings were read from an audit log and posted into this deployment
)

// OperatorPhase says whether an action is about to begin or has ended.
type OperatorPhase string

const (
	OperatorStarted OperatorPhase = "STARTED" // published before the first effect: an action without it did not happen
	OperatorEnded   OperatorPhase = "ENDED"
)

// OperatorActionData is the audit record of an operator's action: who, when, what, why. An action makes two: one before its first
// effect, one with its result. An action that was killed has the first one only.
type OperatorActionData struct {
	// ActionID is the same in both records.
	ActionID string         `json:"actionId"`
	Action   OperatorAction `json:"action"`
	Phase    OperatorPhase  `json:"phase"`
	// By is a principal of AWS, or a user of this machine for the local runtime.
	By string `json:"by"`
	// Reason is what By wrote.
	Reason string `json:"reason"`
	// From is where things are taken from: a queue, an archive, a bucket. To is where they go.
	From string `json:"from"`
	To   string `json:"to,omitempty"`
	// WindowFrom and WindowTo bound the events of a replay or rebuild, RFC 3339.
	WindowFrom string `json:"windowFrom,omitempty"`
	WindowTo   string `json:"windowTo,omitempty"`
	// Items names what is touched: message ids, or the replay's name. It holds the first MaxOperatorItems of Count.
	Items []string `json:"items,omitempty"`
	// Count is how many were to be touched, at the end how many were; Failed how many could not be.
	Count  int `json:"count"`
	Failed int `json:"failed,omitempty"`
}

// MaxOperatorItems is how many items one record names, so that it stays a small event.
const MaxOperatorItems = 100

// NewOperatorAction makes the event of one phase of an action. at is when the phase was reached.
func NewOperatorAction(data OperatorActionData, started, at time.Time) (Event, error) {
	if data.ActionID == "" || data.By == "" {
		return Event{}, fmt.Errorf("recording %s: an action needs an id and a person", data.Action)
	}
	if len(data.Items) > MaxOperatorItems {
		data.Items = data.Items[:MaxOperatorItems]
	}
	metadata := First(OperatorActionTaken, data.ActionID, "", "", data.By, started, at).WithSuffix(string(data.Phase))
	return New(OperatorActionTaken, SourceOperator, metadata, data)
}
