package eventbridge

import (
	"bytes"
	"encoding/json"
	"strings"
	"time"
)

// The parts of an envelope around what AWS puts between the members of an event: a replay's name stands before the resources. The
// text of resourcesStart cannot stand in a member before it, where quotation marks are escaped.
const (
	envelopeStart  = `{"version":"0",`
	resourcesStart = `,"resources":[`
)

// envelope wraps an entry the way targets and archives see it. The members are in the order AWS writes them.
func (s *Service) envelope(e *Entry, id string, at time.Time) []byte {
	const fixed = 256 // The members' names and the values of known length.
	b := make([]byte, 0, fixed+e.size())
	b = append(b, envelopeStart...)
	b = appendMember(b, "id", id)
	b = appendMember(b, "detail-type", e.DetailType)
	b = appendMember(b, "source", e.Source)
	b = appendMember(b, "account", s.options.Account)
	b = appendMember(b, "time", at.UTC().Format(time.RFC3339)) // Whole seconds, as on AWS.
	b = appendMember(b, "region", s.options.Region)
	b = append(bytes.TrimSuffix(b, []byte(",")), resourcesStart...)
	for i, r := range e.Resources {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendString(b, r)
	}
	b = append(b, `],"detail":`...)
	b = append(b, e.Detail...)
	return append(b, '}')
}

// withReplayName is a copy of an envelope as a replay sends it.
// Source: recorded answers of LocalStack's test_archive_and_replay.py (the order of the members).
func withReplayName(envelope []byte, name string) []byte {
	before, after, _ := bytes.Cut(envelope, []byte(resourcesStart))
	b := make([]byte, 0, len(envelope)+len(name)+len(`"replay-name":"",`))
	b = append(append(b, before...), ',')
	b = bytes.TrimSuffix(appendMember(b, "replay-name", name), []byte(","))
	return append(append(b, resourcesStart...), after...)
}

func appendMember(b []byte, name, value string) []byte {
	b = append(b, '"')
	b = append(b, name...)
	b = append(b, `":`...)
	return append(appendString(b, value), ',')
}

// appendString appends a JSON string; unlike json.Marshal it leaves <, > and & alone.
func appendString(b []byte, s string) []byte {
	plain := strings.IndexFunc(s, func(r rune) bool { return r < ' ' || r > '~' || r == '"' || r == '\\' }) < 0
	if plain {
		b = append(b, '"')
		b = append(b, s...)
		return append(b, '"')
	}
	var encoded bytes.Buffer
	encoder := json.NewEncoder(&encoded)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(s) // A string into a buffer does not fail.
	return append(b, bytes.TrimSuffix(encoded.Bytes(), []byte("\n"))...)
}
