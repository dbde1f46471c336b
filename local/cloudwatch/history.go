package cloudwatch

import (
	"encoding/json"
	"slices"
	"time"
)

// maxHistory bounds the history of all alarms together. CloudWatch keeps 30 days.
const maxHistory = 5000

// The values of HistoryItemType.
const (
	historyConfiguration = "ConfigurationUpdate"
	historyState         = "StateUpdate"
	historyAction        = "Action"
)

var historyTypes = []string{historyConfiguration, historyState, historyAction}

type historyItem struct {
	alarm, kind, itemType string
	at                    time.Time
	summary, data         string
}

// remember adds to the history; the caller holds the lock.
func (s *Service) remember(a *alarm, itemType string, at time.Time, summary, data string) {
	s.addHistory(historyItem{alarm: a.name, kind: a.kind(), itemType: itemType, at: at, summary: summary, data: data})
}

func (s *Service) addHistory(item historyItem) {
	if len(s.history) == maxHistory {
		s.history = slices.Delete(s.history, 0, maxHistory/2) // Half at a time, so that forgetting costs little.
	}
	s.history = append(s.history, item)
}

// rememberAction adds what became of an action.
func (s *Service) rememberAction(c Change, topic string, failed error) {
	var data struct {
		ActionState          string  `json:"actionState"`
		StateUpdateTimestamp int64   `json:"stateUpdateTimestamp"`
		NotificationResource string  `json:"notificationResource"`
		PublishedMessage     string  `json:"publishedMessage"`
		Error                *string `json:"error"`
	}
	data.ActionState, data.StateUpdateTimestamp, data.NotificationResource = "Succeeded", c.At.UnixMilli(), topic
	data.PublishedMessage = text(map[string]string{"default": c.message})
	summary := "Successfully executed action " + topic
	if failed != nil {
		message := failed.Error()
		data.ActionState, data.Error, summary = "Failed", &message, "Failed to execute action "+topic+". Received error: \""+message+"\""
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if a := s.alarms[c.Name]; a != nil {
		s.remember(a, historyAction, c.At, summary, text(data))
	}
}

type stateRecord struct {
	StateValue      State           `json:"stateValue"`
	StateReason     string          `json:"stateReason"`
	StateReasonData json.RawMessage `json:"stateReasonData,omitempty"`
}

// stateData is HistoryData of a change of state.
func stateData(a *alarm, to State, reason, reasonData string) string {
	var data struct {
		Version  string      `json:"version"`
		OldState stateRecord `json:"oldState"`
		NewState stateRecord `json:"newState"`
	}
	data.Version = "1.0"
	data.OldState = stateRecord{a.state, a.reason, raw(a.reasonData)}
	data.NewState = stateRecord{to, reason, raw(reasonData)}
	return text(data)
}

// raw is JSON as it is; "" is none.
func raw(data string) json.RawMessage {
	if data == "" {
		return nil
	}
	return json.RawMessage(data)
}
