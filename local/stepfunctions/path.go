package stepfunctions

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// path is a compiled JSONPath: `$` (the data), `$$` (the context object) or `$name` (a variable) and steps. The language
// takes the syntax of github.com/json-path/JsonPath (states-language.net, "Paths"), and so the steps mean what they mean
// there. What that library does in a way that is not written down is refused when a definition is created.
type path struct {
	text     string
	context  bool
	variable string // "" unless the path starts at a variable
	steps    []step
	// definite paths name at most one value; others give an array of what they find.
	definite bool
}

type stepKind uint8

const (
	stepField stepKind = iota
	stepIndex
	stepWildcard
	stepSlice
	stepUnion
	stepFilter
	stepDescendants // ..name
	stepEverything  // ..*
)

type step struct {
	kind    stepKind
	name    string
	index   int // below 0: from the end
	indexes []int
	from    *int
	to      *int
	filter  filter
}

func (s *step) definite() bool { return s.kind == stepField || s.kind == stepIndex }

// errNoResults is what find returns where the path leads nowhere.
var errNoResults = errors.New("no results")

// compilePath compiles the text of a path.
func compilePath(text string) (*path, error) {
	p := &path{text: text, definite: true}
	rest, ok := strings.CutPrefix(text, "$")
	if !ok {
		return nil, fmt.Errorf("%q is not a JSONPath: it must start with $", text)
	}
	if after, isContext := strings.CutPrefix(rest, "$"); isContext {
		p.context, rest = true, after
	} else if rest != "" && rest[0] != '.' && rest[0] != '[' {
		end := strings.IndexAny(rest, ".[")
		if end < 0 {
			end = len(rest)
		}
		p.variable, rest = rest[:end], rest[end:]
		if err := checkVariableName(p.variable); err != nil {
			return nil, fmt.Errorf("path %q: %w", text, err)
		}
	}
	for rest != "" {
		s, after, err := nextStep(rest)
		if err != nil {
			return nil, fmt.Errorf("path %q: %w", text, err)
		}
		if s.kind == stepEverything && after != "" {
			return nil, fmt.Errorf("path %q: what follows ..* is not done by the local runtime", text)
		}
		p.definite = p.definite && s.definite()
		p.steps, rest = append(p.steps, s), after
	}
	return p, nil
}

func nextStep(rest string) (step, string, error) {
	switch {
	case strings.HasPrefix(rest, ".."):
		return descentStep(rest[2:])
	case rest[0] == '.':
		return dotStep(rest[1:])
	case rest[0] == '[':
		return bracketStep(rest)
	}
	return step{}, "", fmt.Errorf("%q where . or [ should be", rest)
}

// descentStep reads what follows "..": a name or *. What brackets with indexes or filters give there depends on the place
// of the step in that library, so they are refused.
func descentStep(rest string) (step, string, error) {
	var s step
	var err error
	if strings.HasPrefix(rest, "[") {
		s, rest, err = bracketStep(rest)
	} else {
		s, rest, err = dotStep(rest)
	}
	switch {
	case err != nil:
		return step{}, "", err
	case s.kind == stepField:
		s.kind = stepDescendants
	case s.kind == stepWildcard:
		s.kind = stepEverything
	default:
		return step{}, "", errors.New("recursive descent (..) is done by the local runtime for names and *, not for indexes, slices and filters")
	}
	return s, rest, nil
}

func dotStep(rest string) (step, string, error) {
	end := strings.IndexAny(rest, ".[")
	if end < 0 {
		end = len(rest)
	}
	name := rest[:end]
	switch {
	case name == "":
		return step{}, "", errors.New("a field name is missing")
	case name == "*":
		return step{kind: stepWildcard}, rest[end:], nil
	case strings.HasSuffix(name, "()"):
		return step{}, "", fmt.Errorf("the function %s of a path is not done by the local runtime", name)
	case strings.ContainsAny(name, "()?@!,:'\" \t\n*"):
		return step{}, "", fmt.Errorf("%q is not a field name; write it as ['%s'] if it is one", name, name)
	}
	return step{kind: stepField, name: name}, rest[end:], nil
}

func bracketStep(rest string) (step, string, error) {
	if len(rest) > 1 && (rest[1] == '\'' || rest[1] == '"') {
		return quotedStep(rest)
	}
	if strings.HasPrefix(rest, "[?") {
		return filterStep(rest)
	}
	end := strings.IndexByte(rest, ']')
	if end < 0 {
		return step{}, "", errors.New("a bracket is not closed")
	}
	inside, after := strings.TrimSpace(rest[1:end]), rest[end+1:]
	switch {
	case inside == "*":
		return step{kind: stepWildcard}, after, nil
	case strings.HasPrefix(inside, "("):
		return step{}, "", fmt.Errorf("the script expression [%s] is not done by the local runtime", inside)
	case strings.Contains(inside, ":"):
		s, err := sliceStep(inside)
		return s, after, err
	}
	var indexes []int
	for part := range strings.SplitSeq(inside, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(part))
		if err != nil {
			return step{}, "", fmt.Errorf("[%s] is not an index", inside)
		}
		indexes = append(indexes, n)
	}
	if len(indexes) > 1 {
		return step{kind: stepUnion, indexes: indexes}, after, nil
	}
	return step{kind: stepIndex, index: indexes[0]}, after, nil
}

func quotedStep(rest string) (step, string, error) {
	q := rest[1]
	var name strings.Builder
	for i := 2; i < len(rest); i++ {
		switch {
		case rest[i] == '\\' && i+1 < len(rest):
			i++
			name.WriteByte(rest[i])
		case rest[i] != q:
			name.WriteByte(rest[i])
		case i+1 < len(rest) && rest[i+1] == ']':
			return step{kind: stepField, name: name.String()}, rest[i+2:], nil
		default:
			return step{}, "", errors.New("more than one name in brackets is not done by the local runtime")
		}
	}
	return step{}, "", errors.New("a bracket is not closed")
}

func sliceStep(inside string) (step, error) {
	parts := strings.Split(inside, ":")
	if len(parts) != 2 {
		return step{}, fmt.Errorf("[%s]: a slice has the form [from:to]", inside)
	}
	s := step{kind: stepSlice}
	for i, bound := range []**int{&s.from, &s.to} {
		text := strings.TrimSpace(parts[i])
		if text == "" {
			continue
		}
		n, err := strconv.Atoi(text)
		if err != nil {
			return step{}, fmt.Errorf("[%s] is not a slice", inside)
		}
		*bound = &n
	}
	if s.from == nil && s.to == nil {
		return step{}, fmt.Errorf("[%s]: a slice has at least one bound", inside)
	}
	if s.from != nil && s.to != nil && (*s.from < 0) != (*s.to < 0) {
		return step{}, fmt.Errorf("[%s]: a slice whose bounds count from different ends is not done by the local runtime", inside)
	}
	return s, nil
}

// find returns what the path names; errNoResults where it leads nowhere, another error where it cannot be told.
func (p *path) find(s *scope) (*value, error) {
	root := s.root
	switch {
	case p.context:
		root = s.context()
	case p.variable != "":
		v, ok := s.variables.get(p.variable)
		if !ok {
			return nil, fmt.Errorf("the variable '$%s' has no value here: assign it in a state before this one", p.variable)
		}
		root = v
	}
	if p.definite {
		v := root
		for i := range p.steps {
			if v = p.steps[i].one(v); v == nil {
				return nil, errNoResults
			}
		}
		return v, nil
	}
	found := []*value{root}
	strict := true // A place that is missing before the first step that may find many is an error; after it, it is skipped.
	for i := range p.steps {
		var next []*value
		for _, v := range found {
			got, err := p.steps[i].follow(v, strict)
			if err != nil {
				return nil, err
			}
			next = append(next, got...)
		}
		strict = strict && p.steps[i].definite()
		found = next
	}
	return arrayValue(found...), nil
}

// beyondEnd tells whether a definite path that finds nothing asks for an element after the end of an array.
func (p *path) beyondEnd(root *value) bool {
	if !p.definite || len(p.steps) == 0 || p.steps[len(p.steps)-1].kind != stepIndex {
		return false
	}
	for i := range p.steps[:len(p.steps)-1] {
		if root = p.steps[i].one(root); root == nil {
			return false
		}
	}
	return root.kind == kindArray
}

// one follows a field or index step; nil when there is nothing there.
func (s *step) one(v *value) *value {
	if s.kind == stepField {
		if v.kind != kindObject {
			return nil
		}
		return v.get(s.name)
	}
	return element(v, s.index)
}

func element(v *value, i int) *value {
	if i < 0 {
		i += len(v.elems)
	}
	if v.kind != kindArray || i < 0 || i >= len(v.elems) {
		return nil
	}
	return v.elems[i]
}

// follow returns everything the step finds from v. strict makes a missing place an error.
func (s *step) follow(v *value, strict bool) ([]*value, error) {
	switch s.kind {
	case stepField, stepIndex:
		if w := s.one(v); w != nil {
			return []*value{w}, nil
		}
	case stepWildcard:
		return children(v), nil
	case stepDescendants:
		return s.descend(v, nil), nil
	case stepEverything:
		return everything(v, nil), nil
	case stepFilter:
		if v.kind == kindObject || v.kind == kindArray {
			return matching(s.filter, v)
		}
	default: // slices and unions
		if v.kind == kindArray {
			return s.pick(v.elems), nil
		}
	}
	if strict {
		return nil, errNoResults
	}
	return nil, nil
}

// children are the values of an object or the elements of an array.
func children(v *value) []*value {
	if v.kind != kindObject {
		return v.elems
	}
	out := make([]*value, len(v.members))
	for i, m := range v.members {
		out[i] = m.value
	}
	return out
}

// descend finds every member of the step's name at any depth, an object's own before those further down.
func (s *step) descend(v *value, found []*value) []*value {
	if v.kind == kindObject {
		if w := v.get(s.name); w != nil {
			found = append(found, w)
		}
	}
	for _, child := range children(v) {
		found = s.descend(child, found)
	}
	return found
}

func everything(v *value, found []*value) []*value {
	found = append(found, children(v)...)
	for _, child := range children(v) {
		found = everything(child, found)
	}
	return found
}

func (s *step) pick(elems []*value) []*value {
	if s.kind == stepSlice {
		from, to := sliceBound(s.from, 0, len(elems)), sliceBound(s.to, len(elems), len(elems))
		if from >= to {
			return nil
		}
		return elems[from:to]
	}
	var out []*value
	for _, i := range s.indexes {
		if i < 0 {
			i += len(elems)
		}
		if i >= 0 && i < len(elems) {
			out = append(out, elems[i])
		}
	}
	return out
}

func sliceBound(bound *int, otherwise, length int) int {
	if bound == nil {
		return otherwise
	}
	n := *bound
	if n < 0 {
		n += length
	}
	return min(max(n, 0), length)
}

// single checks that the path names one place, as a Reference Path does: @ .. , : ? and * may not stand in it.
func (p *path) single() error {
	if !p.definite {
		return fmt.Errorf("%q is not a Reference Path: it may hold field names and indexes only", p.text)
	}
	return nil
}

// target checks that the path may stand in ResultPath: one place in the data.
func (p *path) target() error {
	switch {
	case p.context:
		return fmt.Errorf("path %q: the context object cannot be written to", p.text)
	case p.variable != "":
		return fmt.Errorf("path %q: a variable is written to by Assign, not here", p.text)
	case slices.ContainsFunc(p.steps, func(s step) bool { return s.kind == stepIndex && s.index < 0 }):
		return fmt.Errorf("%q is not a Reference Path: its indexes count from the start", p.text)
	}
	return p.single()
}

// put returns root with x in the place the path names, making objects on the way. It reports false where the way leads
// through something that is neither an object nor a present element of an array.
func put(root *value, steps []step, x *value) (*value, bool) {
	if len(steps) == 0 {
		return x, true
	}
	s := steps[0]
	if s.kind == stepField {
		if root == nil {
			root = objectValue()
		}
		if root.kind != kindObject {
			return nil, false
		}
		inner, ok := put(root.get(s.name), steps[1:], x)
		if !ok {
			return nil, false
		}
		return root.with(s.name, inner), true
	}
	if root == nil || root.kind != kindArray || s.index >= len(root.elems) {
		return nil, false
	}
	inner, ok := put(root.elems[s.index], steps[1:], x)
	if !ok {
		return nil, false
	}
	elems := append([]*value(nil), root.elems...)
	elems[s.index] = inner
	return arrayValue(elems...), true
}

// maxVariableName is the longest name of a variable, in characters.
const maxVariableName = 80

// checkVariableName follows Unicode's identifiers, UAX #31 (docs.aws.amazon.com/step-functions/latest/dg/workflow-variables.html).
func checkVariableName(name string) error {
	switch {
	case name == "states":
		return errors.New("the variable $states is reserved: it is for JSONata")
	case utf8.RuneCountInString(name) > maxVariableName:
		return fmt.Errorf("the variable name %q is longer than %d characters", name, maxVariableName)
	}
	for i, r := range name {
		start := unicode.In(r, unicode.L, unicode.Nl, unicode.Other_ID_Start)
		follows := start || unicode.In(r, unicode.Mn, unicode.Mc, unicode.Nd, unicode.Pc, unicode.Other_ID_Continue)
		if (i == 0 && !start) || !follows || unicode.In(r, unicode.Pattern_Syntax, unicode.Pattern_White_Space) {
			return fmt.Errorf("%q is not a variable name: it must begin with a letter and go on with letters, digits and _", name)
		}
	}
	if name == "" {
		return errors.New("a variable name is missing")
	}
	return nil
}
