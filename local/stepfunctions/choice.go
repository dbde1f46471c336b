package stepfunctions

import (
	"errors"
	"strings"
	"time"
)

// condition is a compiled choice rule or a part of one.
type condition interface {
	holds(s *scope) (bool, *failure)
}

type allOf []condition

func (c allOf) holds(s *scope) (bool, *failure) {
	for _, part := range c {
		if ok, err := part.holds(s); !ok || err != nil {
			return false, err
		}
	}
	return true, nil
}

type anyOf []condition

func (c anyOf) holds(s *scope) (bool, *failure) {
	for _, part := range c {
		if ok, err := part.holds(s); ok || err != nil {
			return ok, err
		}
	}
	return false, nil
}

type negation struct{ condition }

func (c negation) holds(s *scope) (bool, *failure) {
	ok, err := c.condition.holds(s)
	return !ok && err == nil, err
}

// presence is IsPresent, the one operator that may be asked about a path that finds nothing.
type presence struct {
	path *path
	want bool
}

func (c *presence) holds(s *scope) (bool, *failure) {
	_, err := c.path.find(s)
	if err != nil && !errors.Is(err, errNoResults) {
		return false, pathFailure(err, "")
	}
	return (err == nil) == c.want, nil
}

// typeTest is IsNull, IsString and so on.
type typeTest struct {
	path *path
	test func(*value) bool
	want bool
}

func (c *typeTest) holds(s *scope) (bool, *failure) {
	v, err := choiceValue(c.path, s)
	if err != nil {
		return false, err
	}
	return c.test(v) == c.want, nil
}

func choiceValue(p *path, s *scope) (*value, *failure) {
	v, err := p.find(s)
	if err != nil {
		return nil, pathFailure(err, "Invalid path '%s': The choice state's condition path references an invalid value.", p.text)
	}
	return v, nil
}

// comparison compares what a path finds with a constant or with what another path finds. Values of another type than
// the operator's do not match.
type comparison struct {
	path     *path
	operator operator
	constant *value
	other    *path
}

func (c *comparison) holds(s *scope) (bool, *failure) {
	v, err := choiceValue(c.path, s)
	if err != nil {
		return false, err
	}
	w := c.constant
	if c.other != nil {
		if w, err = choiceValue(c.other, s); err != nil {
			return false, err
		}
	}
	if !c.operator.fits(v) || !c.operator.fits(w) {
		return false, nil
	}
	return c.operator.test(v, w), nil
}

// operator is a comparison operator of the JSONPath language.
type operator struct {
	fits  func(*value) bool
	test  func(a, b *value) bool
	takes string // the type of its value, for messages
}

func isKind(k kind) func(*value) bool { return func(v *value) bool { return v.kind == k } }

// timestampLayout is the profile of RFC 3339 of the language: capital T and Z.
const timestampLayout = "2006-01-02T15:04:05.999999999Z07:00"

// parseTimestamp takes a dot only before a fraction, where time.Parse takes a comma, too.
func parseTimestamp(s string) (time.Time, bool) {
	t, err := time.Parse(timestampLayout, s)
	return t, err == nil && !strings.Contains(s, ",")
}

func isTimestamp(v *value) bool {
	if v.kind != kindString {
		return false
	}
	_, ok := parseTimestamp(v.str)
	return ok
}

func compareStrings(a, b *value) int { return strings.Compare(a.str, b.str) }

func compareTimestamps(a, b *value) int {
	t, _ := parseTimestamp(a.str) // Both have passed isTimestamp.
	u, _ := parseTimestamp(b.str)
	return t.Compare(u)
}

var typeTests = map[string]func(*value) bool{
	"IsNull": isKind(kindNull), "IsString": isKind(kindString), "IsNumeric": isKind(kindNumber),
	"IsBoolean": isKind(kindBool), "IsTimestamp": isTimestamp,
}

var operators = makeOperators()

func makeOperators() map[string]operator {
	ops := map[string]operator{
		"BooleanEquals": {isKind(kindBool), func(a, b *value) bool { return a.text == b.text }, "Boolean"},
		"StringMatches": {isKind(kindString), func(a, b *value) bool { return matchWildcards(b.str, a.str) }, "String"},
	}
	for _, ordered := range []struct {
		prefix  string
		fits    func(*value) bool
		compare func(a, b *value) int
		takes   string
	}{
		{"String", isKind(kindString), compareStrings, "String"},
		{"Numeric", isKind(kindNumber), compareNumbers, "Number"},
		{"Timestamp", isTimestamp, compareTimestamps, "Timestamp: RFC 3339 with T and Z, such as 2016-03-14T01:59:00Z"},
	} {
		for suffix, holds := range map[string]func(int) bool{
			"Equals":            func(c int) bool { return c == 0 },
			"LessThan":          func(c int) bool { return c < 0 },
			"LessThanEquals":    func(c int) bool { return c <= 0 },
			"GreaterThan":       func(c int) bool { return c > 0 },
			"GreaterThanEquals": func(c int) bool { return c >= 0 },
		} {
			ops[ordered.prefix+suffix] = operator{ordered.fits, func(a, b *value) bool { return holds(ordered.compare(a, b)) }, ordered.takes}
		}
	}
	return ops
}

// matchWildcards matches s with a pattern in which * stands for any characters and \* for a star.
func matchWildcards(pattern, s string) bool {
	var parts []string
	var part strings.Builder
	for i := 0; i < len(pattern); i++ {
		switch {
		case pattern[i] == '\\' && i+1 < len(pattern) && (pattern[i+1] == '*' || pattern[i+1] == '\\'):
			i++
			part.WriteByte(pattern[i])
		case pattern[i] == '*':
			parts = append(parts, part.String())
			part.Reset()
		default:
			part.WriteByte(pattern[i])
		}
	}
	parts = append(parts, part.String())
	if len(parts) == 1 {
		return s == parts[0]
	}
	s, ok := strings.CutPrefix(s, parts[0])
	if !ok {
		return false
	}
	for _, middle := range parts[1 : len(parts)-1] {
		at := strings.Index(s, middle)
		if at < 0 {
			return false
		}
		s = s[at+len(middle):]
	}
	return strings.HasSuffix(s, parts[len(parts)-1])
}

// compileCondition compiles a choice rule. Next and Assign stand in rules at the top only; the caller takes them out before.
func compileCondition(f *fields) (condition, error) {
	if err := f.comment(); err != nil {
		return nil, err
	}
	for _, name := range []string{"And", "Or", "Not"} {
		if v := f.take(name); v != nil {
			return compileBoolean(name, v, f)
		}
	}
	if f.object.get("Condition") != nil {
		return nil, f.done()
	}
	if err := f.require("Variable"); err != nil {
		return nil, err
	}
	variable, err := f.path("Variable")
	if err != nil {
		return nil, err
	}
	var found condition
	for _, name := range f.names() {
		compiled, err := compileOperator(f, name, variable)
		if err != nil {
			return nil, err
		}
		if found != nil {
			return nil, f.errorf("A choice rule has one comparison operator; '%s' is one too many", name)
		}
		found = compiled
	}
	if found == nil {
		return nil, f.errorf("A choice rule needs a comparison operator beside Variable")
	}
	return found, nil
}

func compileBoolean(name string, v *value, f *fields) (condition, error) {
	if err := f.done(); err != nil {
		return nil, err
	}
	if name == "Not" {
		inner, err := newFields(v, f.at+"/Not", f.notes)
		if err != nil {
			return nil, err
		}
		c, err := compileCondition(inner)
		return negation{c}, err
	}
	list, err := f.list(name)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, f.fieldErrorf(name, "Expected value of type Array that is not empty")
	}
	compiled := make([]condition, len(list))
	for i, inner := range list {
		if compiled[i], err = compileCondition(inner); err != nil {
			return nil, err
		}
	}
	if name == "And" {
		return allOf(compiled), nil
	}
	return anyOf(compiled), nil
}

func compileOperator(f *fields, name string, variable *path) (condition, error) {
	if test, ok := typeTests[name]; ok || name == "IsPresent" {
		want, err := f.bool(name)
		if err != nil || name == "IsPresent" {
			return &presence{variable, want}, err
		}
		return &typeTest{variable, test, want}, nil
	}
	base, isPath := strings.CutSuffix(name, "Path")
	op, ok := operators[base]
	if !ok || (isPath && base == "StringMatches") {
		return nil, f.errorf("Field '%s' is not supported", name)
	}
	if isPath {
		other, err := f.path(name)
		return &comparison{path: variable, operator: op, other: other}, err
	}
	v := f.take(name)
	if !op.fits(v) {
		return nil, f.fieldErrorf(name, "Expected value of type %s", op.takes)
	}
	return &comparison{path: variable, operator: op, constant: v}, nil
}
