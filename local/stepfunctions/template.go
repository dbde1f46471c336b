package stepfunctions

import (
	"fmt"
	"strings"
)

// scope is what expressions are evaluated against: `$`, the context object `$$` and the variables.
type scope struct {
	root    *value
	context func() *value
	env     *environment
	// variables are those of the run, nil in none.
	variables *variables
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

// eval gives null for an element after the end of an array, as was measured on AWS for a path that stands alone in a
// payload template; within an intrinsic function it is an error like any other (github.com/floci-io/floci, issue 2870).
func (e *pathExpression) eval(s *scope) (*value, *failure) {
	v, err := e.path.find(s)
	if err == nil {
		return v, nil
	}
	if !e.path.context && e.path.variable == "" && e.path.beyondEnd(s.root) {
		return nullValue, nil
	}
	return nil, pathFailure(err, "The JSONPath '%s' specified for the field '%s' could not be found in the input '%s'", e.path.text, e.field, s.root)
}

// compileExpression compiles the string a field named X.$ holds.
func compileExpression(text, field string, n *notes) (expression, error) {
	if strings.HasPrefix(text, "$") {
		p, err := compilePath(text)
		if err != nil {
			return nil, notAnExpression(field, err)
		}
		n.refer(p)
		return &pathExpression{p, field}, nil
	}
	if strings.HasPrefix(text, "States.") {
		e, err := compileIntrinsic(text, n)
		if err != nil {
			return nil, notAnExpression(field, err)
		}
		return e, nil
	}
	return nil, notAnExpression(field, fmt.Errorf("it is %q", text))
}

// notAnExpression says it in the service's words, and why.
func notAnExpression(field string, why error) error {
	return fmt.Errorf("The value for the field '%s' must be a valid JSONPath or a valid intrinsic function call (%w)", field, why)
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
func compileTemplate(v *value, n *notes) (expression, error) {
	switch v.kind {
	case kindObject:
		return compileObject(v, n)
	case kindArray:
		elems, fixed := make(arrayTemplate, len(v.elems)), true
		for i, e := range v.elems {
			compiled, err := compileTemplate(e, n)
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

func compileObject(v *value, n *notes) (expression, error) {
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
				return nil, notAnExpression(m.name, fmt.Errorf("it is a %s", m.value.kind))
			}
			compiled, err = compileExpression(m.value.str, m.name, n)
		} else {
			compiled, err = compileTemplate(m.value, n)
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
