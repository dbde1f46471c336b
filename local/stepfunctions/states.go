package stepfunctions

import (
	"fmt"
	"time"
)

// pass hands on its input or a fixed result.
type pass struct{ result *value }

func (b *pass) run(_ *run, input *value) (*value, *state, *failure) {
	if b.result != nil {
		return b.result, nil, nil
	}
	return input, nil, nil
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
	s.behaviour = &pass{result: f.take("Result")}
	return s.compileNext(f)
}

type succeed struct{}

func (succeed) run(_ *run, input *value) (*value, *state, *failure) { return input, nil, nil }

func (c *compiler) compileSucceed(s *state, f *fields) error {
	s.behaviour, s.end = succeed{}, true
	return s.compilePaths(f)
}

// fail ends the execution with an error; either part may be absent.
type fail struct{ name, cause expression }

func (b *fail) run(r *run, input *value) (*value, *state, *failure) {
	name, err := evalText(b.name, r, input, "Error")
	if err != nil {
		return nil, nil, err
	}
	cause, err := evalText(b.cause, r, input, "Cause")
	if err != nil {
		return nil, nil, err
	}
	return nil, nil, &failure{name: name, cause: cause, noCause: b.cause == nil}
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
		return "", failf(errorRuntime, "The field '%s' of the state '%s' must be a string, it is a %s", field, r.state.name, v.kind)
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

// textOrPath takes a string field or its Path variant, which is a path or an intrinsic function.
func textOrPath(f *fields, name string) (expression, error) {
	text, dynamic := f.take(name), f.take(name+"Path")
	switch {
	case text != nil && dynamic != nil:
		return nil, f.errorf("%s and %sPath exclude each other", name, name)
	case text != nil && text.kind == kindString:
		return literal{text}, nil
	case dynamic != nil && dynamic.kind == kindString:
		e, err := compileExpression(dynamic.str, name+"Path")
		return e, f.wrap(err)
	case text == nil && dynamic == nil:
		return nil, nil
	}
	return nil, f.errorf("%s must be a string", name)
}

// choice goes to the state of the first rule that holds.
type choice struct {
	rules       []choiceRule
	defaultName string
	defaultNext *state
}

type choiceRule struct {
	condition condition
	nextName  string
	next      *state
}

func (b *choice) run(r *run, input *value) (*value, *state, *failure) {
	s := r.scope(input)
	for i := range b.rules {
		ok, err := b.rules[i].condition.holds(s)
		if err != nil {
			return nil, nil, err
		}
		if ok {
			return input, b.rules[i].next, nil
		}
	}
	if b.defaultNext == nil {
		return nil, nil, failf(errorNoChoiceMatched, "No choice rule of the state '%s' matched, and it has no Default", r.state.name)
	}
	return input, b.defaultNext, nil
}

func (b *choice) link(find func(name, field string) (*state, error)) (err error) {
	for i := range b.rules {
		if b.rules[i].next, err = find(b.rules[i].nextName, fmt.Sprintf("Choices[%d]/Next", i)); err != nil {
			return err
		}
	}
	if b.defaultName != "" {
		b.defaultNext, err = find(b.defaultName, "Default")
	}
	return err
}

func (b *choice) targets() []*state {
	var targets []*state
	for i := range b.rules {
		targets = append(targets, b.rules[i].next)
	}
	if b.defaultNext != nil {
		targets = append(targets, b.defaultNext)
	}
	return targets
}

func (c *compiler) compileChoice(s *state, f *fields) (err error) {
	if err := s.compilePaths(f); err != nil {
		return err
	}
	b := &choice{}
	if b.defaultName, err = f.string("Default"); err != nil {
		return err
	}
	list, err := f.list("Choices")
	if err != nil {
		return err
	}
	if len(list) == 0 {
		return f.errorf("Choices must hold at least one rule")
	}
	for _, entry := range list {
		rule := choiceRule{}
		if rule.nextName, err = entry.string("Next"); err != nil {
			return err
		}
		if rule.nextName == "" {
			return entry.errorf("Next is missing")
		}
		if rule.condition, err = compileCondition(entry); err != nil {
			return err
		}
		b.rules = append(b.rules, rule)
	}
	s.behaviour = b
	return nil
}

// wait lets time pass: a number of seconds or until a time, fixed or from the input.
type wait struct {
	seconds *value
	until   *value
	path    *path
}

// maxWaitSeconds is the longest Wait.
const maxWaitSeconds = 99999999

func (b *wait) run(r *run, input *value) (*value, *state, *failure) {
	seconds, until := b.seconds, b.until
	if b.path != nil {
		v, ok := findIn(b.path, r.scope(input))
		if !ok {
			return nil, nil, failf(errorRuntime, "Invalid path '%s': no results in the input of the state '%s'", b.path.text, r.state.name)
		}
		if seconds != nil {
			seconds = v
		} else {
			until = v
		}
	}
	d, err := waitTime(r, seconds, until)
	if err != nil {
		return nil, nil, err
	}
	r.sleep(d)
	return input, nil, nil
}

func waitTime(r *run, seconds, until *value) (time.Duration, *failure) {
	if seconds != nil {
		n := seconds.number()
		if seconds.kind != kindNumber || n != float64(int64(n)) || n < 0 || n > maxWaitSeconds {
			return 0, failf(errorRuntime, "The seconds of the state '%s' must be an integer from 0 to %d", r.state.name, maxWaitSeconds)
		}
		return time.Duration(n) * time.Second, nil
	}
	if !isTimestamp(until) {
		return 0, failf(errorRuntime, "The timestamp of the state '%s' must be in the form of RFC 3339", r.state.name)
	}
	t, _ := parseTimestamp(until.str) // isTimestamp has parsed it.
	return t.Sub(r.env.clock.Now()), nil
}

func (c *compiler) compileWait(s *state, f *fields) error {
	if err := s.compilePaths(f); err != nil {
		return err
	}
	given := 0
	for _, name := range []string{"Seconds", "Timestamp", "SecondsPath", "TimestampPath"} {
		if f.object.get(name) != nil {
			given++
		}
	}
	if given != 1 {
		return f.errorf("exactly one of Seconds, Timestamp, SecondsPath and TimestampPath is needed")
	}
	b := &wait{seconds: f.take("Seconds"), until: f.take("Timestamp")}
	if b.until != nil && !isTimestamp(b.until) {
		return f.errorf("Timestamp must be in the form of RFC 3339")
	}
	if b.seconds != nil {
		if _, err := f.integer("Seconds", 0, maxWaitSeconds, 0); err != nil {
			return err
		}
	}
	secondsPath, err := f.path("SecondsPath")
	if err != nil {
		return err
	}
	if b.path, err = f.path("TimestampPath"); err != nil {
		return err
	}
	if secondsPath != nil {
		b.path, b.seconds = secondsPath, nullValue // seconds tells what the path is for
	}
	s.behaviour = b
	return s.compileNext(f)
}
