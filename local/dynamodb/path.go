package dynamodb

import (
	"slices"
	"strconv"
	"strings"
)

// step is one part of a document path: an attribute name or, where name is empty, a list index.
type step struct {
	name  string
	index int
}

func (s step) isIndex() bool { return s.name == "" }

// path leads to an attribute, maybe inside lists and maps: a.b[0]. It has at least one step, and the first is a name.
type path []step

// String is the form of paths in the service's messages: [a, b, [0]].
func (p path) String() string {
	parts := make([]string, len(p))
	for i, s := range p {
		parts[i] = s.name
		if s.isIndex() {
			parts[i] = "[" + strconv.Itoa(s.index) + "]"
		}
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

// comparePaths orders paths step by step, names before each other as text and indexes as numbers.
func comparePaths(p, q path) int {
	return slices.CompareFunc(p, q, func(a, b step) int {
		if c := strings.Compare(a.name, b.name); c != 0 {
			return c
		}
		return a.index - b.index
	})
}

func (p path) resolve(item attrs) (value, bool) {
	v, ok := item.get(p[0].name)
	for _, s := range p[1:] {
		switch {
		case !ok:
			return value{}, false
		case s.isIndex():
			if v.kind != kindL || s.index >= len(v.elems) {
				return value{}, false
			}
			v = v.elems[s.index]
		case v.kind != kindM:
			return value{}, false
		default:
			v, ok = v.fields.get(s.name)
		}
	}
	return v, ok
}

// checkDisjoint refuses paths of which one leads into another, or that take one place as list and as map.
func checkDisjoint(paths []path) string {
	for i, p := range paths {
		for _, q := range paths[:i] {
			if text := q.clash(p); text != "" {
				return text
			}
		}
	}
	return ""
}

func (p path) clash(q path) string {
	for i := 0; i < len(p) && i < len(q); i++ {
		if p[i].isIndex() != q[i].isIndex() {
			return "Two document paths conflict with each other; must remove or rewrite one of these paths; path one: " +
				p.String() + ", path two: " + q.String()
		}
		if p[i] != q[i] {
			return ""
		}
	}
	return "Two document paths overlap with each other; must remove or rewrite one of these paths; path one: " +
		p.String() + ", path two: " + q.String()
}

// project returns the parts of item that the paths lead to; parts of a list move together, as the service returns them.
func project(item attrs, paths []path) attrs {
	whole := value{kind: kindM, fields: item}
	out, _ := projectValue(whole, paths)
	return out.fields
}

// projectValue takes the parts of v that the remaining paths lead to; ok is false where there is none.
func projectValue(v value, paths []path) (value, bool) {
	for _, p := range paths {
		if len(p) == 0 {
			return v, true
		}
	}
	switch v.kind {
	case kindM:
		out := value{kind: kindM}
		for i := range v.fields {
			rest := remaining(paths, step{name: v.fields[i].name})
			if part, ok := projectValue(v.fields[i].value, rest); len(rest) > 0 && ok {
				out.fields = append(out.fields, attr{v.fields[i].name, part})
			}
		}
		return out, len(out.fields) > 0
	case kindL:
		out := value{kind: kindL}
		for i := range v.elems {
			rest := remaining(paths, step{index: i})
			if part, ok := projectValue(v.elems[i], rest); len(rest) > 0 && ok {
				out.elems = append(out.elems, part)
			}
		}
		return out, len(out.elems) > 0
	}
	return value{}, false
}

// remaining is what is left, after the step, of the paths that take it.
func remaining(paths []path, s step) []path {
	var out []path
	for _, p := range paths {
		if p[0] == s {
			out = append(out, p[1:])
		}
	}
	return out
}

// topNames returns the first steps of paths, each once.
func topNames(paths []path) []string {
	var out []string
	for _, p := range paths {
		if !slices.Contains(out, p[0].name) {
			out = append(out, p[0].name)
		}
	}
	return out
}
