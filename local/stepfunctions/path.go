package stepfunctions

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// path is a compiled JSONPath: `$` or `$$` (the context object) and steps. Of filters there are comparisons of an element's fields
// with literals, joined by &&; recursive descent and functions are refused when a definition is created.
type path struct {
	text    string
	context bool
	steps   []step
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
)

type step struct {
	kind    stepKind
	name    string
	index   int
	indexes []int
	from    *int
	to      *int
	filter  []equality
}

// compilePath compiles the text of a path.
func compilePath(text string) (*path, error) {
	p := &path{text: text, definite: true}
	rest, ok := strings.CutPrefix(text, "$")
	if !ok {
		return nil, fmt.Errorf("%q is not a JSONPath: it must start with $", text)
	}
	if after, isContext := strings.CutPrefix(rest, "$"); isContext {
		p.context, rest = true, after
	}
	for rest != "" {
		var s step
		var err error
		switch {
		case strings.HasPrefix(rest, ".."):
			return nil, fmt.Errorf("path %q: recursive descent (..) is not done by the local runtime", text)
		case rest[0] == '.':
			s, rest, err = dotStep(rest[1:])
		case rest[0] == '[':
			s, rest, err = bracketStep(rest)
		default:
			return nil, fmt.Errorf("path %q: variables ($name) are not done by the local runtime", text)
		}
		if err != nil {
			return nil, fmt.Errorf("path %q: %w", text, err)
		}
		if s.kind != stepField && s.kind != stepIndex {
			p.definite = false
		}
		p.steps = append(p.steps, s)
	}
	return p, nil
}

func dotStep(rest string) (step, string, error) {
	end := strings.IndexAny(rest, ".[")
	if end < 0 {
		end = len(rest)
	}
	name := rest[:end]
	switch {
	case name == "":
		return step{}, "", fmt.Errorf("a field name is missing")
	case name == "*":
		return step{kind: stepWildcard}, rest[end:], nil
	case strings.ContainsAny(name, "()?@!,:'\" \t\n"):
		return step{}, "", fmt.Errorf("%q is not done by the local runtime (only field names after a dot)", name)
	}
	return step{kind: stepField, name: name}, rest[end:], nil
}

func bracketStep(rest string) (step, string, error) {
	if len(rest) > 1 && (rest[1] == '\'' || rest[1] == '"') {
		return quotedStep(rest)
	}
	end := strings.IndexByte(rest, ']')
	if end < 0 {
		return step{}, "", fmt.Errorf("a bracket is not closed")
	}
	inside, after := strings.TrimSpace(rest[1:end]), rest[end+1:]
	switch {
	case inside == "*":
		return step{kind: stepWildcard}, after, nil
	case strings.HasPrefix(inside, "?"):
		s, err := filterStep(inside)
		return s, after, err
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
	if len(indexes) > 1 && slices.Min(indexes) >= 0 {
		return step{kind: stepUnion, indexes: indexes}, after, nil
	}
	if slices.Min(indexes) < 0 {
		return step{}, "", fmt.Errorf("[%s]: negative indexes are not done by the local runtime, slices such as [-1:] are", inside)
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
			return step{}, "", fmt.Errorf("more than one name in brackets is not done by the local runtime")
		}
	}
	return step{}, "", fmt.Errorf("a bracket is not closed")
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
	return s, nil
}

// find returns what the path names in root, and whether there is any. A missing field before the first wildcard is an
// error of the path; after it, it is skipped.
func (p *path) find(root *value) (*value, bool) {
	if p.definite {
		v := root
		for i := range p.steps {
			if v = p.steps[i].one(v); v == nil {
				return nil, false
			}
		}
		return v, true
	}
	found := []*value{root}
	exact := true
	for i := range p.steps {
		s := &p.steps[i]
		var next []*value
		for _, v := range found {
			switch s.kind {
			case stepField, stepIndex:
				if w := s.one(v); w != nil {
					next = append(next, w)
				}
			default:
				next = append(next, s.many(v)...)
			}
		}
		if exact && len(next) == 0 && (s.kind == stepField || s.kind == stepIndex) {
			return nil, false
		}
		exact = exact && (s.kind == stepField || s.kind == stepIndex)
		found = next
	}
	return arrayValue(found...), true
}

// one follows a field or index step; nil when there is nothing there.
func (s *step) one(v *value) *value {
	if s.kind == stepField {
		if v.kind != kindObject {
			return nil
		}
		return v.get(s.name)
	}
	if v.kind != kindArray || s.index >= len(v.elems) {
		return nil
	}
	return v.elems[s.index]
}

func (s *step) many(v *value) []*value {
	switch s.kind {
	case stepWildcard:
		if v.kind == kindObject {
			out := make([]*value, len(v.members))
			for i, m := range v.members {
				out[i] = m.value
			}
			return out
		}
		return v.elems
	case stepSlice:
		from, to := sliceBound(s.from, 0, len(v.elems)), sliceBound(s.to, len(v.elems), len(v.elems))
		if from >= to {
			return nil
		}
		return v.elems[from:to]
	case stepFilter:
		return s.matching(v)
	}
	var out []*value
	for _, i := range s.indexes {
		if w := (&step{kind: stepIndex, index: i}).one(v); w != nil {
			out = append(out, w)
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

// reference checks that the path may stand in ResultPath: one place, made of field names and indexes.
func (p *path) reference() error {
	if p.context {
		return fmt.Errorf("path %q: the context object cannot be written to", p.text)
	}
	for _, s := range p.steps {
		if s.kind != stepField && s.kind != stepIndex {
			return fmt.Errorf("path %q is not a reference path", p.text)
		}
	}
	return nil
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
