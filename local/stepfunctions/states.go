package stepfunctions

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// pass hands on its input or a fixed result.
type pass struct{ result *value }

func (b *pass) run(_ *run, input *value) (transition, *failure) {
	if b.result != nil {
		return transition{result: b.result}, nil
	}
	return transition{result: input}, nil
}

func (c *compiler) compilePass(s *state, f *fields) (err error) {
	if err := s.compilePaths(f); err != nil {
		return err
	}
	if s.parameters, err = f.template("Parameters"); err != nil {
		return err
	}
	if s.result, err = compileResultPath(f); err != nil {
		return err
	}
	if s.assign, err = compileAssign(f); err != nil {
		return err
	}
	s.behaviour = &pass{result: f.take("Result")}
	return s.compileNext(f)
}

type succeed struct{}

func (succeed) run(_ *run, input *value) (transition, *failure) {
	return transition{result: input}, nil
}

func (c *compiler) compileSucceed(s *state, f *fields) error {
	s.behaviour, s.end = succeed{}, true
	return s.compilePaths(f)
}

// fail ends the execution with an error; either part may be absent.
type fail struct{ name, cause expression }

func (b *fail) run(r *run, input *value) (transition, *failure) {
	name, err := evalText(b.name, r, input, "Error")
	if err != nil {
		return transition{}, err
	}
	cause, err := evalText(b.cause, r, input, "Cause")
	if err != nil {
		return transition{}, err
	}
	return transition{}, &failure{name: name, cause: cause, noName: b.name == nil, noCause: b.cause == nil}
}

func evalText(e expression, r *run, input *value, field string) (string, *failure) {
	if e == nil {
		return "", nil
	}
	v, err := e.eval(r.scope(input))
	if err != nil {
		return "", err
	}
	if v.kind != kindString {
		return "", failf(errorRuntime, "The field '%sPath' must give a string, it gives a %s", field, v.kind)
	}
	return v.str, nil
}

func (c *compiler) compileFail(s *state, f *fields) (err error) {
	b := &fail{}
	if b.name, err = textOrPath(f, "Error"); err != nil {
		return err
	}
	if b.cause, err = textOrPath(f, "Cause"); err != nil {
		return err
	}
	s.behaviour, s.end = b, true
	return nil
}

// failFunctions are the intrinsic functions ErrorPath and CausePath take: those that return a string
// (docs.aws.amazon.com/step-functions/latest/dg/state-fail.html).
var failFunctions = []string{"States.Format", "States.JsonToString", "States.ArrayGetItem", "States.Base64Encode", "States.Base64Decode", "States.Hash", "States.UUID"}

// textOrPath takes a string field or its Path variant, which is a Reference Path or an intrinsic function.
func textOrPath(f *fields, name string) (expression, error) {
	if err := f.exclude(name, name+"Path"); err != nil {
		return nil, err
	}
	text, err := f.string(name)
	if err != nil {
		return nil, err
	}
	if f.object.get(name) != nil {
		return literal{stringValue(text)}, nil
	}
	name += "Path"
	dynamic, err := f.string(name)
	switch {
	case err != nil || f.object.get(name) == nil:
		return nil, err
	case strings.HasPrefix(dynamic, "$"):
		p, err := f.reference(name)
		return &pathExpression{p, name}, err
	}
	called := strings.TrimSpace(dynamic[:max(strings.IndexByte(dynamic, '('), 0)])
	if !slices.Contains(failFunctions, called) {
		return nil, f.fieldErrorf(name, "The value must be a Reference Path or one of the intrinsic functions that return a string: %s", strings.Join(failFunctions, ", "))
	}
	e, err := compileExpression(dynamic, name, f.notes)
	if err != nil {
		return nil, f.fieldErrorf(name, "%s", err)
	}
	return e, nil
}

// choice goes to the state of the first rule that holds.
type choice struct {
	rules       []choiceRule
	defaultName string
	defaultNext *state
}

type choiceRule struct {
	condition condition
	assign    expression
	nextName  string
	next      *state
}

// run assigns what the rule that holds says; Assign of the state itself is for Default (recorded on AWS: LocalStack,
// assign/test_assign_base.snapshot.json, test_assign_in_choice).
func (b *choice) run(r *run, input *value) (transition, *failure) {
	s := r.scope(input)
	for i := range b.rules {
		ok, err := b.rules[i].condition.holds(s)
		if err != nil {
			return transition{}, err
		}
		if ok {
			return transition{input, b.rules[i].next, b.rules[i].assign}, nil
		}
	}
	if b.defaultNext == nil {
		return transition{}, failf(errorNoChoiceMatched, "No choice rule of the state '%s' matched, and it has no Default", r.state.name)
	}
	return transition{input, b.defaultNext, r.state.assign}, nil
}

func (b *choice) link(find func(name, field string) *state) {
	for i := range b.rules {
		b.rules[i].next = find(b.rules[i].nextName, fmt.Sprintf("Choices[%d]/Next", i))
	}
	if b.defaultName != "" {
		b.defaultNext = find(b.defaultName, "Default")
	}
}

func (b *choice) targets() []*state {
	targets := []*state{b.defaultNext}
	for i := range b.rules {
		targets = append(targets, b.rules[i].next)
	}
	return targets
}

func (c *compiler) compileChoice(s *state, f *fields) (err error) {
	if err := s.compilePaths(f); err != nil {
		return err
	}
	if s.assign, err = compileAssign(f); err != nil {
		return err
	}
	b := &choice{}
	if b.defaultName, err = f.string("Default"); err != nil {
		return err
	}
	if err := f.require("Choices"); err != nil {
		return err
	}
	list, err := f.list("Choices")
	if err != nil {
		return err
	}
	if len(list) == 0 {
		return f.fieldErrorf("Choices", "Expected value of type Array that is not empty")
	}
	var found diagnostics
	for _, entry := range list {
		rule, err := compileChoiceRule(entry)
		found.add(err)
		b.rules = append(b.rules, rule)
	}
	s.behaviour = b
	return found.err()
}

func compileChoiceRule(f *fields) (rule choiceRule, err error) {
	if err := f.require("Next"); err != nil {
		return rule, err
	}
	if rule.nextName, err = f.string("Next"); err != nil {
		return rule, err
	}
	if rule.assign, err = compileAssign(f); err != nil {
		return rule, err
	}
	f.take("Assign")
	rule.condition, err = compileCondition(f)
	return rule, err
}

// wait lets time pass: a number of seconds or until a time, fixed or from the input.
type wait struct {
	seconds *value
	until   *value
	path    *path
}

// maxWaitSeconds is the longest Wait.
const maxWaitSeconds = 99999999

func (b *wait) run(r *run, input *value) (transition, *failure) {
	seconds, until := b.seconds, b.until
	if b.path != nil {
		v, err := b.path.find(r.scope(input))
		if err != nil {
			return transition{}, pathFailure(err, "Invalid path '%s': no results for it in %s", b.path.text, input)
		}
		if seconds != nil {
			seconds = v
		} else {
			until = v
		}
	}
	d, err := b.waitTime(r, seconds, until)
	if err != nil {
		return transition{}, err
	}
	r.sleep(d)
	return transition{result: input}, nil
}

func (b *wait) waitTime(r *run, seconds, until *value) (time.Duration, *failure) {
	if seconds != nil {
		n, ok := seconds.integer()
		if !ok || n < 0 || n > maxWaitSeconds {
			return 0, failf(errorRuntime, "The seconds to wait must be an integer from 0 to %d, they are %s", maxWaitSeconds, seconds)
		}
		return time.Duration(n) * time.Second, nil
	}
	if !isTimestamp(until) { // One of the definition is; in the service's words.
		return 0, failf(errorRuntime, "The TimestampPath parameter does not reference a valid ISO-8601 extended offset date-time format string: %s == %s", b.path.text, textOf(until))
	}
	t, _ := parseTimestamp(until.str) // isTimestamp has parsed it.
	return t.Sub(r.env.clock.Now()), nil
}

func (c *compiler) compileWait(s *state, f *fields) (err error) {
	if err := s.compilePaths(f); err != nil {
		return err
	}
	if s.assign, err = compileAssign(f); err != nil {
		return err
	}
	kinds := []string{"Seconds", "Timestamp", "SecondsPath", "TimestampPath"}
	if err := f.exclude(slices.Clone(kinds)...); err != nil {
		return err
	}
	if !slices.ContainsFunc(kinds, func(k string) bool { return f.object.get(k) != nil }) {
		return f.errorf("One of these fields is required: [%s]", strings.Join(kinds, ", "))
	}
	b := &wait{seconds: f.take("Seconds"), until: f.take("Timestamp")}
	if b.until != nil && !isTimestamp(b.until) {
		return f.fieldErrorf("Timestamp", "The value must be a timestamp in the form of RFC 3339 with T and Z, such as 2016-03-14T01:59:00Z")
	}
	if _, err := f.integer("Seconds", 0, maxWaitSeconds, 0); err != nil {
		return err
	}
	secondsPath, err := f.reference("SecondsPath")
	if err != nil {
		return err
	}
	if b.path, err = f.reference("TimestampPath"); err != nil {
		return err
	}
	if secondsPath != nil {
		b.path, b.seconds = secondsPath, nullValue // seconds tells what the path is for
	}
	s.behaviour = b
	return s.compileNext(f)
}
