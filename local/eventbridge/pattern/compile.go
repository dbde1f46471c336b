package pattern

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"unicode/utf8"
)

// dialect is where a pattern is used: pipes take fewer operators than rules.
type dialect int

const (
	rules dialect = iota
	pipes
)

// reservedInOr are the names that cannot be fields below $or, because they are (or may become) operators.
var reservedInOr = []string{
	"exactly", "equals-ignore-case", "prefix", "suffix", "anything-but", "exists", "wildcard", "numeric", "cidr", "html",
	"=", "<", "<=", ">", ">=", "regex", "not-wildcard", "not-equals-ignore-case", "date-after", "date-on-or-after",
	"date-before", "date-on-or-before", "in-date-range", "ip-address-in-range", "ip-address-not-in-range",
}

// Compile checks and compiles the pattern of a rule or an archive. The error names what is wrong and where.
func Compile(text []byte) (*Pattern, error) { return compile(text, rules) }

// CompileFilter compiles the filter pattern of a pipe. What pipes do not support (wildcard, and anything-but of prefix,
// suffix, wildcard or equals-ignore-case) is an error, although rules take it.
func CompileFilter(text []byte) (*Pattern, error) { return compile(text, pipes) }

func compile(text []byte, d dialect) (*Pattern, error) {
	if n := utf8.RuneCount(text); n > MaxLength {
		return nil, fmt.Errorf("the pattern has %d characters, at most %d are allowed", n, MaxLength)
	}
	if !json.Valid(text) {
		return nil, refuse("Invalid JSON")
	}
	if !isObject(text) {
		return nil, refuse("Filter is not an object")
	}
	c := compiler{dialect: d}
	alternatives, err := c.object(text, "", []alternative{{}}, false)
	if err != nil {
		return nil, err
	}
	if err := checkComplexity(alternatives); err != nil {
		return nil, err
	}
	for i := range alternatives {
		alternatives[i] = alternatives[i].sorted()
	}
	return &Pattern{alternatives: alternatives}, nil
}

// refusal is why a pattern is not valid, in the service's own words: these start with a capital letter.
type refusal string

func (r refusal) Error() string { return string(r) }

func refuse(format string, args ...any) error { return refusal(fmt.Sprintf(format, args...)) }

type compiler struct{ dialect dialect }

// object adds the fields of one pattern object to every alternative in so far.
func (c compiler) object(text []byte, path string, soFar []alternative, inOr bool) ([]alternative, error) {
	members, err := objectMembers(text)
	if err != nil {
		return nil, err
	}
	if len(members) == 0 {
		return nil, refuse("Empty objects are not allowed%s", at(path))
	}
	for _, m := range members {
		child := join(path, m.name)
		switch {
		case m.name == "$or":
			soFar, err = c.or(m.value, path, soFar)
		case inOr && slices.Contains(reservedInOr, m.name):
			err = fmt.Errorf("%s is Ruler reserved fieldName which cannot be used inside $or.%s", m.name, at(path))
		case m.value[0] == '{':
			soFar, err = c.object(m.value, child, soFar, inOr)
		case m.value[0] == '[':
			soFar, err = c.leaf(m.value, child, soFar)
		default:
			err = fmt.Errorf("%q must be an object or an array%s", m.name, at(path))
		}
		if err != nil {
			return nil, err
		}
	}
	return soFar, nil
}

// or multiplies the alternatives by the branches of a $or.
func (c compiler) or(text []byte, path string, soFar []alternative) ([]alternative, error) {
	var branches []json.RawMessage
	if err := json.Unmarshal(text, &branches); err != nil {
		return nil, refuse("It must be an Array followed with $or.%s", at(path))
	}
	if len(branches) < 2 {
		return nil, refuse("There must have at least 2 Objects in $or relationship.%s", at(path))
	}
	var all []alternative
	for _, b := range branches {
		if !isObject(b) {
			return nil, refuse("Only JSON object is allowed in array of $or relationship.%s", at(path))
		}
		copied := make([]alternative, len(soFar))
		for i, a := range soFar {
			copied[i] = slices.Clone(a)
		}
		branch, err := c.object(b, path, copied, true)
		if err != nil {
			return nil, err
		}
		if all = append(all, branch...); len(all) > maxAlternatives {
			return nil, fmt.Errorf("the $or branches make more than %d combinations", maxAlternatives)
		}
	}
	return all, nil
}

// leaf adds one field with its list of values and match expressions.
func (c compiler) leaf(text []byte, path string, soFar []alternative) ([]alternative, error) {
	var items []json.RawMessage
	if err := json.Unmarshal(text, &items); err != nil {
		return nil, fmt.Errorf("reading the values%s: %w", at(path), err)
	}
	if len(items) == 0 {
		return nil, refuse("Empty arrays are not allowed%s", at(path))
	}
	f := field{path: path}
	for _, item := range items {
		if err := c.add(&f, item); err != nil {
			return nil, fmt.Errorf("%w%s", err, at(path))
		}
	}
	// Of a field that a pattern names more than once the last one counts.
	// Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html (complex example).
	for i, a := range soFar {
		a = slices.DeleteFunc(a, func(other field) bool { return other.path == path })
		soFar[i] = append(a, f)
	}
	return soFar, nil
}

func (c compiler) add(f *field, item json.RawMessage) error {
	switch item[0] {
	case '"':
		text, err := stringOf(item, "value")
		if err != nil {
			return err
		}
		f.tests = append(f.tests, equals(text))
		return nil
	case '{':
		return c.expression(f, item)
	case '[':
		return refuse("Match value must be String, number, true, false, or null")
	case 't', 'f', 'n':
		f.tests = append(f.tests, literal(string(item)))
		return nil
	default:
		f.tests = append(f.tests, equalsNumber(string(item)))
		return nil
	}
}

// expression compiles {"<operator>": <operand>}.
func (c compiler) expression(f *field, item json.RawMessage) error {
	only, err := onlyMember(item, "Match expression name not found")
	if err != nil {
		return err
	}
	name, operand := only.name, only.value
	if name == "exists" {
		switch string(operand) {
		case "true":
			f.tests = append(f.tests, func(value) bool { return true })
		case "false":
			f.absent = true
		default:
			return refuse("exists match pattern must be either true or false.")
		}
		return nil
	}
	compileOperator, ok := operator(name)
	if !ok {
		return refuse("Unrecognized match type %s", name)
	}
	t, err := compileOperator(c.dialect, operand)
	if err != nil {
		return err
	}
	f.tests = append(f.tests, t)
	if texts := wildcardsOf(item); len(texts) > 0 {
		if f.wildcards == nil {
			f.wildcards = map[string][]string{}
		}
		f.wildcards[string(item)] = texts
	}
	return nil
}

// member is one name and raw value of a JSON object, in the order of the text.
type member struct {
	name  string
	value json.RawMessage
}

// objectMembers splits a valid JSON object.
func objectMembers(text []byte) ([]member, error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	if _, err := decoder.Token(); err != nil {
		return nil, err
	}
	var members []member
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return nil, err
		}
		m := member{name: name.(string)} // The names of a valid object are strings.
		if err := decoder.Decode(&m.value); err != nil {
			return nil, err
		}
		members = append(members, m)
	}
	return members, nil
}

func stringOf(text json.RawMessage, what string) (string, error) {
	var s string
	if text[0] != '"' {
		return "", fmt.Errorf("%s match pattern must be a string", what)
	}
	err := json.Unmarshal(text, &s)
	return s, err
}

func isObject(text []byte) bool {
	trimmed := bytes.TrimLeft(text, " \t\r\n")
	return len(trimmed) > 0 && trimmed[0] == '{'
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

func at(path string) string {
	if path == "" {
		return ""
	}
	return " (at " + path + ")"
}
