package eventbridge

import (
	"encoding/json"
	"regexp"
	"strings"

	"github.com/payrail/payrail/local/wire"
)

// inputPathForm is the part of JSONPath that is done: object members by name. Indexes, filters and wildcards are refused.
var inputPathForm = regexp.MustCompile(`^\$(\.[A-Za-z0-9_-]+)*$`)

// parseInputPath returns the names along the path, none for "$".
func parseInputPath(path string) ([]string, error) {
	if !inputPathForm.MatchString(path) {
		return nil, wire.NotImplemented("the InputPath " + path + " (only member names, as in $.detail.name)")
	}
	return strings.Split(path, ".")[1:], nil
}

// payload is what the target gets of the event.
func (t Target) payload(event []byte) ([]byte, error) {
	if t.Input != "" {
		return []byte(t.Input), nil
	}
	if t.InputPath == "" || t.InputPath == "$" {
		return event, nil
	}
	names, err := parseInputPath(t.InputPath)
	if err != nil {
		return nil, err
	}
	part := json.RawMessage(event)
	for _, name := range names {
		var members map[string]json.RawMessage
		if err := json.Unmarshal(part, &members); err != nil {
			members = nil // Not an object: the path leads nowhere.
		}
		found, ok := members[name]
		if !ok {
			return nil, &DeliveryError{Code: "INVALID_JSON", Message: "the event has nothing at InputPath " + t.InputPath, Permanent: true}
		}
		part = found
	}
	return part, nil
}
