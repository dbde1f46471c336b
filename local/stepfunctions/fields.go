package stepfunctions

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// notes gather what the compiler learns of a state on its way: the variables it refers to, and those that the states of
// its scope assign.
type notes struct {
	references map[string]bool
	assigned   map[string]string // by name: where
}

// fields reads the members of one object of a definition. What nobody has taken in the end is unknown and refused.
type fields struct {
	at     string // where the object stands ("/States/Publish/Retry[0]")
	object *value
	taken  map[string]bool
	*notes
}

func newFields(v *value, at string, n *notes) (*fields, error) {
	if v == nil || v.kind != kindObject {
		return nil, problem(codeSchema, at, "Expected value of type Object")
	}
	return &fields{at: at, object: v, taken: map[string]bool{}, notes: n}, nil
}

// location is where the object stands.
func (f *fields) location() string {
	if f.at == "" {
		return "/"
	}
	return f.at
}

func (f *fields) errorf(format string, args ...any) error {
	return problem(codeSchema, f.location(), format, args...)
}

// fieldErrorf tells of the value of one field.
func (f *fields) fieldErrorf(name, format string, args ...any) error {
	return problem(codeSchema, f.at+"/"+name, format, args...)
}

// take returns the value of a member, nil when there is none, and marks it known.
func (f *fields) take(name string) *value {
	f.taken[name] = true
	return f.object.get(name)
}

// require tells which of the fields are missing.
func (f *fields) require(names ...string) error {
	missing := slices.DeleteFunc(names, func(name string) bool { return f.object.get(name) != nil })
	if len(missing) == 0 {
		return nil
	}
	return f.errorf("These fields are required: [%s]", strings.Join(missing, ", "))
}

// exclude tells of fields of which only one may be there.
func (f *fields) exclude(names ...string) error {
	given := slices.DeleteFunc(names, func(name string) bool { return f.object.get(name) == nil })
	if len(given) < 2 {
		return nil
	}
	return f.errorf("Only one of these fields may be given: [%s]", strings.Join(given, ", "))
}

// names are the members not taken yet.
func (f *fields) names() []string {
	var names []string
	for _, m := range f.object.members {
		if !f.taken[m.name] {
			names = append(names, m.name)
		}
	}
	return names
}

func (f *fields) comment() error {
	_, err := f.string("Comment")
	return err
}

// Fields of the language that are refused by name.
var (
	jsonataFields = []string{"Arguments", "Condition", "Items", "Output"}
	undoneFields  = []string{"Credentials", "HeartbeatSeconds", "HeartbeatSecondsPath", "ItemBatcher", "ItemReader", "Label", "ResultWriter",
		"ToleratedFailureCount", "ToleratedFailureCountPath", "ToleratedFailurePercentage", "ToleratedFailurePercentagePath"}
)

// done refuses what is left.
func (f *fields) done() error {
	var found diagnostics
	for _, name := range f.names() {
		switch {
		case slices.Contains(jsonataFields, name):
			found.add(f.errorf("The QueryLanguage is set to 'JSONPath', but field '%s' is only supported for the 'JSONata' QueryLanguage", name))
		case slices.Contains(undoneFields, name):
			found.add(f.errorf("Field '%s' is not done by the local runtime", name))
		default:
			found.add(f.errorf("Field '%s' is not supported", name))
		}
	}
	return found.err()
}

func (f *fields) string(name string) (string, error) {
	v := f.take(name)
	if v == nil {
		return "", nil
	}
	if v.kind != kindString {
		return "", f.fieldErrorf(name, "Expected value of type String")
	}
	return v.str, nil
}

func (f *fields) bool(name string) (bool, error) {
	v := f.take(name)
	if v == nil {
		return false, nil
	}
	if v.kind != kindBool {
		return false, f.fieldErrorf(name, "Expected value of type Boolean")
	}
	return v.bool(), nil
}

// integer returns an integer in [from, to], or otherwise when there is none.
func (f *fields) integer(name string, from, to, otherwise int64) (int64, error) {
	v := f.take(name)
	if v == nil {
		return otherwise, nil
	}
	n, ok := v.integer()
	if !ok || n < from || n > to {
		return 0, f.fieldErrorf(name, "The value must be an integer from %d to %d", from, to)
	}
	return n, nil
}

// path takes a field that holds a path which may find many values.
func (f *fields) path(name string) (*path, error) {
	v := f.take(name)
	if v == nil {
		return nil, nil
	}
	if v.kind != kindString {
		return nil, f.fieldErrorf(name, "Expected value of type String: a path")
	}
	p, err := compilePath(v.str)
	if err != nil {
		return nil, f.fieldErrorf(name, "%s", err)
	}
	f.refer(p)
	return p, nil
}

// reference takes a field that holds a Reference Path: one that names a single place.
func (f *fields) reference(name string) (*path, error) {
	p, err := f.path(name)
	if err != nil || p == nil {
		return nil, err
	}
	if err := p.single(); err != nil {
		return nil, f.fieldErrorf(name, "%s", err)
	}
	return p, nil
}

// refer notes the variable a path starts at.
func (n *notes) refer(p *path) {
	if n != nil && p.variable != "" {
		n.references[p.variable] = true
	}
}

// variables are the names of those referred to, in order.
func (n *notes) variables() []string { return slices.Sorted(maps.Keys(n.references)) }

func (f *fields) template(name string) (expression, error) {
	v := f.take(name)
	if v == nil {
		return nil, nil
	}
	if v.kind != kindObject { // "A payload template MUST be a JSON object" (states-language.net/spec.html#payload-template).
		return nil, f.fieldErrorf(name, "Expected value of type Object")
	}
	t, err := compileTemplate(v, f.notes)
	if err != nil {
		return nil, f.fieldErrorf(name, "%s", err)
	}
	return t, nil
}

// list returns the elements of an array member as objects to read.
func (f *fields) list(name string) ([]*fields, error) {
	v := f.take(name)
	if v == nil {
		return nil, nil
	}
	if v.kind != kindArray {
		return nil, f.fieldErrorf(name, "Expected value of type Array")
	}
	list := make([]*fields, len(v.elems))
	for i, e := range v.elems {
		var err error
		if list[i], err = newFields(e, fmt.Sprintf("%s/%s[%d]", f.at, name, i), f.notes); err != nil {
			return nil, err
		}
	}
	return list, nil
}

func (f *fields) strings(name string) ([]string, error) {
	if err := f.require(name); err != nil {
		return nil, err
	}
	v := f.take(name)
	if v.kind != kindArray || len(v.elems) == 0 {
		return nil, f.fieldErrorf(name, "Expected value of type Array that is not empty")
	}
	list := make([]string, len(v.elems))
	for i, e := range v.elems {
		if e.kind != kindString {
			return nil, f.fieldErrorf(name, "Expected elements of type String")
		}
		list[i] = e.str
	}
	return list, nil
}
