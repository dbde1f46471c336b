package stepfunctions

import (
	"fmt"
)

// fields reads the members of one object of a definition. What nobody has taken in the end is unknown and refused.
type fields struct {
	at     string // where the object stands ("/States/Publish/Retry[0]")
	object *value
	taken  map[string]bool
}

func newFields(v *value, at string) (*fields, error) {
	if v == nil || v.kind != kindObject {
		return nil, fmt.Errorf("%s must be an object", at)
	}
	return &fields{at: at, object: v, taken: map[string]bool{}}, nil
}

func (f *fields) errorf(format string, args ...any) error {
	return fmt.Errorf("%s: %s", f.at, fmt.Sprintf(format, args...))
}

func (f *fields) wrap(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", f.at, err)
}

// take returns the value of a member, nil when there is none, and marks it known.
func (f *fields) take(name string) *value {
	f.taken[name] = true
	return f.object.get(name)
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

func (f *fields) comment() { f.take("Comment") }

// done refuses what is left.
func (f *fields) done() error {
	if names := f.names(); len(names) > 0 {
		return f.errorf("the field %q is not known or not done by the local runtime", names[0])
	}
	return nil
}

func (f *fields) string(name string) (string, error) {
	v := f.take(name)
	if v == nil {
		return "", nil
	}
	if v.kind != kindString {
		return "", f.errorf("%s must be a string", name)
	}
	return v.str, nil
}

func (f *fields) bool(name string) (bool, error) {
	v := f.take(name)
	if v == nil {
		return false, nil
	}
	if v.kind != kindBool {
		return false, f.errorf("%s must be true or false", name)
	}
	return v.bool(), nil
}

// integer returns an integer in [from, to], or otherwise when there is none.
func (f *fields) integer(name string, from, to, otherwise int64) (int64, error) {
	v := f.take(name)
	if v == nil {
		return otherwise, nil
	}
	n := v.number()
	if v.kind != kindNumber || n != float64(int64(n)) || int64(n) < from || int64(n) > to {
		return 0, f.errorf("%s must be an integer from %d to %d", name, from, to)
	}
	return int64(n), nil
}

func (f *fields) path(name string) (*path, error) {
	v := f.take(name)
	if v == nil {
		return nil, nil
	}
	if v.kind != kindString {
		return nil, f.errorf("%s must be a path", name)
	}
	p, err := compilePath(v.str)
	return p, f.wrap(err)
}

func (f *fields) template(name string) (expression, error) {
	v := f.take(name)
	if v == nil {
		return nil, nil
	}
	if v.kind != kindObject && v.kind != kindArray {
		return nil, f.errorf("%s must be an object or an array", name)
	}
	t, err := compileTemplate(v)
	if err != nil {
		return nil, f.errorf("%s: %s", name, err)
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
		return nil, f.errorf("%s must be an array", name)
	}
	list := make([]*fields, len(v.elems))
	for i, e := range v.elems {
		var err error
		if list[i], err = newFields(e, fmt.Sprintf("%s/%s[%d]", f.at, name, i)); err != nil {
			return nil, err
		}
	}
	return list, nil
}

func (f *fields) strings(name string) ([]string, error) {
	v := f.take(name)
	if v == nil || v.kind != kindArray || len(v.elems) == 0 {
		return nil, f.errorf("%s must be an array that is not empty", name)
	}
	list := make([]string, len(v.elems))
	for i, e := range v.elems {
		if e.kind != kindString {
			return nil, f.errorf("%s must hold strings", name)
		}
		list[i] = e.str
	}
	return list, nil
}
