package stepfunctions

import (
	"fmt"
	"strings"
)

// scope is what expressions are evaluated against: `$` and the context object `$$`.
type scope struct {
	root    *value
	context func() *value
	env     *environment
}

// expression is a compiled path, intrinsic call, literal or template.
type expression interface {
	eval(s *scope) (*value, *failure)
}

type literal struct{ value *value }

func (l literal) eval(*scope) (*value, *failure) { return l.value, nil }

// pathExpression is a path that must find something; field is where it stands, for the message.
type pathExpression struct {
	path  *path
	field string
}

func (e *pathExpression) eval(s *scope) (*value, *failure) {
	root := s.root
	if e.path.context {
		root = s.context()
	}
	v, ok := e.path.find(root)
	if !ok {
		return nil, failf(errorRuntime, "The JSONPath '%s' specified for the field '%s' could not be found in the input", e.path.text, e.field)
	}
	return v, nil
}

// compileExpression compiles the string a field named X.$ holds.
func compileExpression(text, field string) (expression, error) {
	if strings.HasPrefix(text, "$") {
		p, err := compilePath(text)
		if err != nil {
			return nil, err
		}
		return &pathExpression{p, field}, nil
	}
	if strings.HasPrefix(text, "States.") {
		return compileIntrinsic(text, field)
	}
	return nil, fmt.Errorf("the value of %q must be a JSONPath or an intrinsic function, it is %q", field, text)
}

type objectTemplate []memberTemplate

type memberTemplate struct {
	name  string
	value expression
}

func (t objectTemplate) eval(s *scope) (*value, *failure) {
	members := make([]member, len(t))
	for i, m := range t {
		v, err := m.value.eval(s)
		if err != nil {
			return nil, err
		}
		members[i] = member{m.name, v}
	}
	return objectValue(members...), nil
}

type arrayTemplate []expression

func (t arrayTemplate) eval(s *scope) (*value, *failure) {
	elems := make([]*value, len(t))
	for i, e := range t {
		v, err := e.eval(s)
		if err != nil {
			return nil, err
		}
		elems[i] = v
	}
	return arrayValue(elems...), nil
}

// compileTemplate compiles a payload template (Parameters, ResultSelector, ItemSelector). What holds no expression is
// kept as it is.
func compileTemplate(v *value) (expression, error) {
	switch v.kind {
	case kindObject:
		return compileObject(v)
	case kindArray:
		elems, fixed := make(arrayTemplate, len(v.elems)), true
		for i, e := range v.elems {
			compiled, err := compileTemplate(e)
			if err != nil {
				return nil, err
			}
			_, isLiteral := compiled.(literal)
			elems[i], fixed = compiled, fixed && isLiteral
		}
		if fixed {
			return literal{v}, nil
		}
		return elems, nil
	}
	return literal{v}, nil
}

func compileObject(v *value) (expression, error) {
	members, fixed := make(objectTemplate, len(v.members)), true
	seen := make(map[string]bool, len(v.members))
	for i, m := range v.members {
		name, dynamic := strings.CutSuffix(m.name, ".$")
		if seen[name] {
			return nil, fmt.Errorf("the field %q is given twice", name)
		}
		seen[name] = true
		var compiled expression
		var err error
		if dynamic {
			if m.value.kind != kindString {
				return nil, fmt.Errorf("the value of %q must be a string, it is a %s", m.name, m.value.kind)
			}
			compiled, err = compileExpression(m.value.str, m.name)
		} else {
			compiled, err = compileTemplate(m.value)
		}
		if err != nil {
			return nil, err
		}
		if _, isLiteral := compiled.(literal); !isLiteral || dynamic {
			fixed = false
		}
		members[i] = memberTemplate{name, compiled}
	}
	if fixed {
		return literal{v}, nil
	}
	return members, nil
}
