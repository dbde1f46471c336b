package stepfunctions

import (
	"strings"
)

// Limits of variables (docs.aws.amazon.com/step-functions/latest/dg/workflow-variables.html, "Limits").
const (
	maxAssignBytes    = 256 << 10 // of one variable, and of all that one Assign gives
	maxVariablesBytes = 10 << 20  // of all variables of an execution
)

// variables are what the states of one scope have assigned: a definition's own states, a branch or an iteration. A scope
// reads those outside of it and writes its own only, so that branches need no locks: while they run, nobody writes the
// variables around them.
type variables struct {
	outer  *variables
	values map[string]*value
	bytes  int64
}

func (v *variables) get(name string) (*value, bool) {
	for ; v != nil; v = v.outer {
		if found, ok := v.values[name]; ok {
			return found, true
		}
	}
	return nil, false
}

// assign gives the members of an Assign's result to the run's variables; nil gives nothing.
func (r *run) assign(given *value) *failure {
	if given == nil {
		return nil
	}
	added := int64(0)
	for _, m := range given.members {
		added += int64(m.value.size)
		if old, ok := r.variables.values[m.name]; ok {
			added -= int64(old.size)
		}
	}
	if total := r.variableBytes.Add(added); total > maxVariablesBytes {
		return terminalf(errorDataLimit, "The variables of the execution hold %d bytes after the state '%s', more than %d", total, r.state.name, maxVariablesBytes)
	}
	r.variables.bytes += added
	if r.variables.values == nil {
		r.variables.values = make(map[string]*value, len(given.members))
	}
	for _, m := range given.members {
		r.variables.values[m.name] = m.value
	}
	return nil
}

// evalAssign evaluates an Assign with the variables as they were when the state was entered; nil gives nothing. root is
// what `$` stands for: the result of a Task, Parallel or Map state before ResultSelector, the result of a Pass, the input
// of a Choice or Wait after InputPath, and the error output in a Catch.
func (r *run) evalAssign(e expression, root *value) (*value, *failure) {
	if e == nil {
		return nil, nil
	}
	given, err := e.eval(r.scope(root))
	if err != nil {
		return nil, err
	}
	size := 0
	for _, m := range given.members {
		size += m.value.size
	}
	if size > maxAssignBytes {
		return nil, terminalf(errorDataLimit, "Assign of the state '%s' gives %d bytes, more than %d", r.state.name, size, maxAssignBytes)
	}
	return given, nil
}

// compileAssign takes Assign: an object whose members are the variables, whole ones.
func compileAssign(f *fields) (expression, error) {
	v := f.object.get("Assign")
	if v == nil {
		return nil, nil
	}
	if v.kind != kindObject {
		f.take("Assign")
		return nil, f.fieldErrorf("Assign", "Expected value of type Object: names of variables and their values")
	}
	for _, m := range v.members {
		name := strings.TrimSuffix(m.name, ".$")
		if err := checkVariableName(name); err != nil {
			return nil, f.fieldErrorf("Assign", "%s", err)
		}
		f.assigned[name] = f.at + "/Assign"
	}
	return f.template("Assign")
}

// checkScopes refuses a variable that a scope assigns and one outside of it, too.
func (m *machine) checkScopes(outer map[string]string) error {
	var found diagnostics
	all := make(map[string]string, len(outer)+len(m.assigned))
	for name, at := range outer {
		all[name] = at
	}
	for name, at := range m.assigned {
		if other, ok := outer[name]; ok {
			found.add(problem(codeSchema, at, "The variable '%s' is assigned in an outer scope, too (%s): give the inner one another name", name, other))
		}
		all[name] = at
	}
	for _, inner := range m.inner {
		found.add(inner.checkScopes(all))
	}
	return found.err()
}
