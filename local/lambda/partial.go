package lambda

import (
	"bytes"
	"encoding/json"
)

// failedMessages reads a function's answer to a batch when its mapping reports batch item failures. It returns the ids of
// the failed messages, or all = true when the whole batch counts as failed. The rules are AWS's: nothing, null, "", {}, []
// and a null or empty list mean success; an identifier that is missing, null, empty, misspelt or not in the batch fails
// the batch, and so does an answer that is not of the expected shape.
func failedMessages(response []byte, inBatch map[string]bool) (failed map[string]bool, all bool) {
	switch string(bytes.TrimSpace(response)) {
	case "", "null", `""`, "{}", "[]":
		return nil, false
	}
	// Maps, not structs: member names are case-sensitive for AWS, but not for encoding/json's structs.
	var members map[string]json.RawMessage
	if err := json.Unmarshal(response, &members); err != nil {
		return nil, true
	}
	var items []map[string]json.RawMessage
	if raw, ok := members["batchItemFailures"]; ok {
		if err := json.Unmarshal(raw, &items); err != nil {
			return nil, true
		}
	}
	failed = make(map[string]bool, len(items))
	for _, item := range items {
		var id string
		if err := json.Unmarshal(item["itemIdentifier"], &id); err != nil || id == "" || !inBatch[id] {
			return nil, true
		}
		failed[id] = true
	}
	return failed, false
}
