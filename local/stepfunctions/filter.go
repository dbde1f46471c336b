package stepfunctions

import (
	"errors"
	"fmt"
	"strings"
)

// filter is the condition of [?(…)]. Its meaning is that of github.com/json-path/JsonPath: a field that is missing equals
// nothing, is unlike everything and has no order; values of different kinds are unlike and have no order. What could not
// be made sure of is refused: when the definition is created where the text tells, otherwise when it is evaluated.
type filter interface {
	accepts(element *value) (bool, error)
}

type filterAnd []filter

func (f filterAnd) accepts(element *value) (bool, error) {
	for _, part := range f {
		if ok, err := part.accepts(element); !ok || err != nil {
			return false, err
		}
	}
	return true, nil
}

type filterOr []filter

func (f filterOr) accepts(element *value) (bool, error) {
	for _, part := range f {
		if ok, err := part.accepts(element); ok || err != nil {
			return ok, err
		}
	}
	return false, nil
}

// operand is a literal or a place in the element: @, @.a.b, @['a'][0].
type operand struct {
	literal *value
	steps   []step
	text    string
}

// value returns nil where there is nothing.
func (o *operand) value(element *value) *value {
	if o.literal != nil {
		return o.literal
	}
	for i := range o.steps {
		if element = o.steps[i].one(element); element == nil {
			return nil
		}
	}
	return element
}

// filterExists holds for a field that is there, also where it is false.
type filterExists struct{ operand }

func (f *filterExists) accepts(element *value) (bool, error) {
	v := f.value(element)
	if v == nullValue {
		return false, fmt.Errorf("whether %s exists where it is null is not done by the local runtime", f.text)
	}
	return v != nil, nil
}

type filterCompare struct {
	left, right operand
	operator    string
}

func (f *filterCompare) accepts(element *value) (bool, error) {
	a, b := f.left.value(element), f.right.value(element)
	if f.operator == "==" || f.operator == "!=" {
		same, err := f.same(a, b)
		return same == (f.operator == "==") && err == nil, err
	}
	if a == nil || b == nil || a.kind != b.kind {
		return false, nil
	}
	var order int
	switch a.kind {
	case kindNumber:
		order = compareNumbers(a, b)
	case kindString:
		order = compareStrings(a, b)
	default:
		return false, nil
	}
	switch f.operator {
	case "<":
		return order < 0, nil
	case "<=":
		return order <= 0, nil
	case ">":
		return order > 0, nil
	}
	return order >= 0, nil
}

func (f *filterCompare) same(a, b *value) (bool, error) {
	if a == nil || b == nil {
		return false, nil
	}
	if (a.kind == kindNumber && b.kind == kindString) || (a.kind == kindString && b.kind == kindNumber) {
		return false, fmt.Errorf("whether the text and the number of %s %s %s are the same is not done by the local runtime", f.left.text, f.operator, f.right.text)
	}
	return a.equal(b), nil
}

// matching are the elements of an array for which the filter holds, in their order, or an object for which it does.
func matching(f filter, v *value) ([]*value, error) {
	candidates := v.elems
	if v.kind == kindObject {
		candidates = []*value{v}
	}
	var out []*value
	for _, element := range candidates {
		ok, err := f.accepts(element)
		if err != nil {
			return nil, err
		}
		if ok {
			out = append(out, element)
		}
	}
	return out, nil
}

// filterStep compiles what starts with [?( and returns what follows its bracket.
func filterStep(rest string) (step, string, error) {
	inside, ok := strings.CutPrefix(rest, "[?(")
	if !ok {
		return step{}, "", errors.New("a filter has the form [?(…)]")
	}
	p := &filterParser{rest: inside}
	f, err := p.or()
	if err != nil {
		return step{}, "", fmt.Errorf("filter expression %q: %w", rest, err)
	}
	if !p.take(")") || !p.take("]") {
		return step{}, "", fmt.Errorf("filter expression %q: )] is missing before %q", rest, p.rest)
	}
	return step{kind: stepFilter, filter: f}, p.rest, nil
}

// filterParser reads a filter expression from the front of rest.
type filterParser struct {
	rest  string
	depth int
}

// maxFilterDepth bounds brackets within a filter.
const maxFilterDepth = 20

func (p *filterParser) space() string {
	p.rest = strings.TrimLeft(p.rest, " \t\n")
	return p.rest
}

func (p *filterParser) take(token string) bool {
	after, ok := strings.CutPrefix(p.space(), token)
	if ok {
		p.rest = after
	}
	return ok
}

func (p *filterParser) or() (filter, error) {
	first, err := p.and()
	if err != nil {
		return nil, err
	}
	parts := filterOr{first}
	for p.take("||") {
		next, err := p.and()
		if err != nil {
			return nil, err
		}
		parts = append(parts, next)
	}
	if len(parts) == 1 {
		return first, nil
	}
	return parts, nil
}

func (p *filterParser) and() (filter, error) {
	first, err := p.term()
	if err != nil {
		return nil, err
	}
	parts := filterAnd{first}
	for p.take("&&") {
		next, err := p.term()
		if err != nil {
			return nil, err
		}
		parts = append(parts, next)
	}
	if len(parts) == 1 {
		return first, nil
	}
	return parts, nil
}

func (p *filterParser) term() (filter, error) {
	if p.take("(") {
		if p.depth++; p.depth > maxFilterDepth {
			return nil, fmt.Errorf("nested deeper than %d", maxFilterDepth)
		}
		inner, err := p.or()
		if err == nil && !p.take(")") {
			err = fmt.Errorf(") is missing before %q", p.rest)
		}
		p.depth--
		return inner, err
	}
	if strings.HasPrefix(p.rest, "!") {
		return nil, errors.New("negation (!) is not done by the local runtime")
	}
	left, err := p.operand()
	if err != nil {
		return nil, err
	}
	for _, operator := range []string{"==", "!=", "<=", ">=", "<", ">"} {
		if p.take(operator) {
			right, err := p.operand()
			return &filterCompare{left, right, operator}, err
		}
	}
	switch {
	case left.literal != nil:
		return nil, fmt.Errorf("a comparison must follow %s", left.text)
	case p.rest == "" || strings.HasPrefix(p.rest, ")") || strings.HasPrefix(p.rest, "&&") || strings.HasPrefix(p.rest, "||"):
		return &filterExists{left}, nil
	}
	return nil, fmt.Errorf("the operator at %q is not done by the local runtime: only == != < <= > >=", p.rest)
}

func (p *filterParser) operand() (operand, error) {
	before := p.space()
	var o operand
	var err error
	switch {
	case strings.HasPrefix(before, "@"):
		o.steps, err = p.place()
	case strings.HasPrefix(before, "$"):
		return operand{}, errors.New("a path that starts at $ within a filter is not done by the local runtime")
	default:
		o.literal, err = p.literal()
	}
	o.text = strings.TrimSpace(before[:len(before)-len(p.rest)])
	return o, err
}

// place reads the steps after @: names and indexes, so that it names one value.
func (p *filterParser) place() ([]step, error) {
	p.rest = p.rest[1:]
	var steps []step
	for {
		var s step
		var err error
		switch {
		case strings.HasPrefix(p.rest, ".") && !strings.HasPrefix(p.rest, ".."):
			end := strings.IndexAny(p.rest[1:], ".[ \t\n)=!<>&|") + 1
			if end == 0 {
				end = len(p.rest)
			}
			s, _, err = dotStep(p.rest[1:end])
			p.rest = p.rest[end:]
		case strings.HasPrefix(p.rest, "["):
			s, p.rest, err = bracketStep(p.rest)
		case strings.HasPrefix(p.rest, ".."):
			return nil, errors.New("recursive descent (..) within a filter is not done by the local runtime")
		default:
			return steps, nil
		}
		if err != nil {
			return nil, err
		}
		if !s.definite() {
			return nil, errors.New("within a filter only field names and indexes may follow @")
		}
		steps = append(steps, s)
	}
}

func (p *filterParser) literal() (*value, error) {
	if p.rest != "" && (p.rest[0] == '\'' || p.rest[0] == '"') {
		end := strings.IndexByte(p.rest[1:], p.rest[0]) + 1
		if end == 0 {
			return nil, errors.New("a string is not closed")
		}
		text := p.rest[1:end]
		if strings.Contains(text, `\`) {
			return nil, errors.New("an escape in a string of a filter is not done by the local runtime")
		}
		p.rest = p.rest[end+1:]
		return stringValue(text), nil
	}
	end := strings.IndexAny(p.rest, " \t\n)=!<>&|]")
	if end < 0 {
		end = len(p.rest)
	}
	v, err := parse([]byte(p.rest[:end]))
	if err != nil || v.kind == kindArray || v.kind == kindObject {
		return nil, fmt.Errorf("%q is neither @, a number, a string in quotes, true, false nor null", p.rest[:end])
	}
	p.rest = p.rest[end:]
	return v, nil
}
