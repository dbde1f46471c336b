package dynamodb

import (
	"encoding/json"
	"errors"
	"sort"
	"strings"

	"github.com/payrail/payrail/local/wire"
)

// scope is what the expressions of one request refer to: #names and :values. It notes which are used, because the service
// refuses a request with unused ones. It belongs to one request and is not safe for concurrent use.
type scope struct {
	names      map[string]string
	values     map[string]value
	usedNames  map[string]bool
	usedValues map[string]bool
	nested     []path // the document paths met that go into an attribute
}

// expression is a parameter of an operation; text is nil where the request has not got it.
type expression struct {
	name string
	text *string
}

// newScope checks the two parameters, which make sense only with an expression; a projection has no values.
func newScope(names map[string]string, values map[string]json.RawMessage, expressions ...expression) (*scope, error) {
	s := &scope{names: names}
	if err := checkUsable(names, values, expressions); err != nil {
		return nil, err
	}
	if names != nil && len(names) == 0 {
		return nil, invalid("ExpressionAttributeNames must not be empty")
	}
	for placeholder := range names {
		if !isPlaceholder(placeholder, '#') {
			return nil, invalid("ExpressionAttributeNames contains invalid key: Syntax error; key: %q", placeholder)
		}
	}
	if values == nil {
		return s, nil
	}
	if len(values) == 0 {
		return nil, invalid("ExpressionAttributeValues must not be empty")
	}
	s.values = make(map[string]value, len(values))
	for placeholder, raw := range values {
		if !isPlaceholder(placeholder, ':') {
			return nil, invalid("ExpressionAttributeValues contains invalid key: Syntax error; key: %q", placeholder)
		}
		v, err := decodeValue(raw)
		if err != nil {
			var e *wire.Error
			if errors.As(err, &e) && e.Code == codeValidation {
				return nil, invalid("ExpressionAttributeValues contains invalid value: %s for key %s", e.Message, placeholder)
			}
			return nil, err
		}
		s.values[placeholder] = v
	}
	return s, nil
}

func checkUsable(names map[string]string, values map[string]json.RawMessage, expressions []expression) error {
	var withValues []string
	namesUsable, valuesUsable := false, false
	for _, e := range expressions {
		namesUsable = namesUsable || e.text != nil
		if e.name != "ProjectionExpression" {
			withValues = append(withValues, e.name)
			valuesUsable = valuesUsable || e.text != nil
		}
	}
	if names != nil && !namesUsable {
		return invalid("ExpressionAttributeNames can only be specified when using expressions")
	}
	if values == nil || valuesUsable {
		return nil
	}
	verb := "is"
	if len(withValues) > 1 {
		verb = "are"
	}
	return invalid("ExpressionAttributeValues can only be specified when using expressions: %s %s null", strings.Join(withValues, " and "), verb)
}

func isPlaceholder(text string, sign byte) bool {
	if len(text) < 2 || text[0] != sign {
		return false
	}
	for i := 1; i < len(text); i++ {
		if !isWord(text[i]) {
			return false
		}
	}
	return true
}

func (s *scope) name(placeholder string) (string, bool) {
	name, ok := s.names[placeholder]
	if ok && !s.usedNames[placeholder] {
		if s.usedNames == nil {
			s.usedNames = map[string]bool{}
		}
		s.usedNames[placeholder] = true
	}
	return name, ok
}

func (s *scope) value(placeholder string) (value, bool) {
	v, ok := s.values[placeholder]
	if ok && !s.usedValues[placeholder] {
		if s.usedValues == nil {
			s.usedValues = map[string]bool{}
		}
		s.usedValues[placeholder] = true
	}
	return v, ok
}

// finish is called once every expression of the request has been parsed.
func (s *scope) finish() error {
	if len(s.usedNames) < len(s.names) {
		return invalid("Value provided in ExpressionAttributeNames unused in expressions: keys: {%s}", unused(s.names, s.usedNames))
	}
	if len(s.usedValues) < len(s.values) {
		return invalid("Value provided in ExpressionAttributeValues unused in expressions: keys: {%s}", unused(s.values, s.usedValues))
	}
	return nil
}

func unused[V any](all map[string]V, used map[string]bool) string {
	var out []string
	for name := range all {
		if !used[name] {
			out = append(out, name)
		}
	}
	sort.Strings(out)
	return strings.Join(out, ", ")
}
