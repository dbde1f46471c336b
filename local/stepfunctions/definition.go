package stepfunctions

import (
	"fmt"
	"time"
)

// maxStateName is the longest name a state may have.
const maxStateName = 80

// machine is a compiled definition, or a branch of one.
type machine struct {
	start   *state
	timeout time.Duration // 0: none of its own
}

// state is a compiled state: the fields all types share and the type's behaviour.
type state struct {
	name       string
	inputPath  ioPath
	parameters expression
	behaviour  behaviour
	selector   expression
	result     resultPath
	outputPath ioPath
	retry      []*retrier
	catch      []*catcher
	nextName   string
	next       *state
	end        bool
}

// behaviour does what a type of state is for. Only Choice returns the next state.
type behaviour interface {
	run(r *run, input *value) (*value, *state, *failure)
}

// linker is a behaviour that names states itself.
type linker interface {
	link(find func(name, field string) (*state, error)) error
	targets() []*state
}

// compiler knows what definitions may use.
type compiler struct {
	integrations map[string]integration
}

// compile checks a definition and makes it ready to run.
func (c *compiler) compile(definition []byte) (*machine, error) {
	v, err := parse(definition)
	if err != nil {
		return nil, err
	}
	f, err := newFields(v, "")
	if err != nil {
		return nil, fmt.Errorf("the definition %w", err)
	}
	version, err := f.string("Version")
	if err != nil {
		return nil, err
	}
	if version != "" && version != "1.0" {
		return nil, fmt.Errorf("/Version: %q is not 1.0", version)
	}
	seconds, err := f.integer("TimeoutSeconds", 1, 99999999, 0)
	if err != nil {
		return nil, err
	}
	m, err := c.compileStates(f)
	if err != nil {
		return nil, err
	}
	m.timeout = time.Duration(seconds) * time.Second
	return m, nil
}

func checkQueryLanguage(f *fields) error {
	language, err := f.string("QueryLanguage")
	if err != nil || language == "" || language == "JSONPath" {
		return err
	}
	return f.errorf("QueryLanguage %q is not done by the local runtime, only JSONPath", language)
}

// compileStates compiles StartAt and States of a definition or a branch. The caller has taken the other fields.
func (c *compiler) compileStates(f *fields) (*machine, error) {
	f.comment()
	if err := checkQueryLanguage(f); err != nil {
		return nil, err
	}
	startAt, err := f.string("StartAt")
	if err != nil {
		return nil, err
	}
	list, err := newFields(f.take("States"), f.at+"/States")
	if err != nil {
		return nil, err
	}
	if err := f.done(); err != nil {
		return nil, err
	}
	states := map[string]*state{}
	for _, m := range list.object.members {
		at := list.at + "/" + m.name
		if len([]rune(m.name)) > maxStateName {
			return nil, fmt.Errorf("%s: the name is longer than %d characters", at, maxStateName)
		}
		sf, err := newFields(m.value, at)
		if err != nil {
			return nil, err
		}
		if states[m.name], err = c.compileState(m.name, sf); err != nil {
			return nil, err
		}
	}
	return link(f.at, startAt, list.object.members, states)
}

// link resolves the names of states and refuses what leads nowhere or cannot be reached.
func link(at, startAt string, order []member, states map[string]*state) (*machine, error) {
	start := states[startAt]
	if start == nil {
		return nil, fmt.Errorf("MISSING_TRANSITION_TARGET: missing 'StartAt' target %q at %s/StartAt", startAt, at)
	}
	for _, m := range order {
		s := states[m.name]
		find := func(name, field string) (*state, error) {
			if target := states[name]; target != nil {
				return target, nil
			}
			return nil, fmt.Errorf("MISSING_TRANSITION_TARGET: missing target %q at %s/States/%s/%s", name, at, s.name, field)
		}
		if err := s.link(find); err != nil {
			return nil, err
		}
	}
	reached := map[*state]bool{}
	for queue := []*state{start}; len(queue) > 0; queue = queue[1:] {
		if s := queue[0]; !reached[s] {
			reached[s] = true
			queue = append(queue, s.targets()...)
		}
	}
	for _, m := range order {
		if !reached[states[m.name]] {
			return nil, fmt.Errorf("MISSING_TRANSITION_TARGET: state %q is not reachable at %s/States/%s", m.name, at, m.name)
		}
	}
	return &machine{start: start}, nil
}

func (s *state) link(find func(name, field string) (*state, error)) error {
	var err error
	if s.nextName != "" {
		if s.next, err = find(s.nextName, "Next"); err != nil {
			return err
		}
	}
	for i, c := range s.catch {
		if c.next, err = find(c.nextName, fmt.Sprintf("Catch[%d]/Next", i)); err != nil {
			return err
		}
	}
	if l, ok := s.behaviour.(linker); ok {
		return l.link(find)
	}
	return nil
}

func (s *state) targets() []*state {
	var targets []*state
	if s.next != nil {
		targets = append(targets, s.next)
	}
	for _, c := range s.catch {
		targets = append(targets, c.next)
	}
	if l, ok := s.behaviour.(linker); ok {
		targets = append(targets, l.targets()...)
	}
	return targets
}

// compileState compiles one state; each type takes its fields and what is left is refused.
func (c *compiler) compileState(name string, f *fields) (*state, error) {
	f.comment()
	if err := checkQueryLanguage(f); err != nil {
		return nil, err
	}
	kind, err := f.string("Type")
	if err != nil {
		return nil, err
	}
	s := &state{name: name}
	compileType := map[string]func(*state, *fields) error{
		"Pass": c.compilePass, "Choice": c.compileChoice, "Wait": c.compileWait, "Succeed": c.compileSucceed,
		"Fail": c.compileFail, "Task": c.compileTask, "Parallel": c.compileParallel, "Map": c.compileMap,
	}[kind]
	if compileType == nil {
		return nil, f.errorf("Type %q is not a type of state", kind)
	}
	if err := compileType(s, f); err != nil {
		return nil, err
	}
	return s, f.done()
}

// compilePaths takes InputPath and OutputPath.
func (s *state) compilePaths(f *fields) (err error) {
	if s.inputPath, err = compileIOPath(f, "InputPath"); err != nil {
		return err
	}
	s.outputPath, err = compileIOPath(f, "OutputPath")
	return err
}

// compileNext takes Next and End, of which there is exactly one.
func (s *state) compileNext(f *fields) (err error) {
	if s.nextName, err = f.string("Next"); err != nil {
		return err
	}
	if s.end, err = f.bool("End"); err != nil {
		return err
	}
	if (s.nextName == "") == !s.end {
		return f.errorf("either Next or \"End\": true is needed")
	}
	return nil
}

// compileResult takes ResultSelector, ResultPath, Retry and Catch.
func (s *state) compileResult(f *fields) (err error) {
	if s.selector, err = f.template("ResultSelector"); err != nil {
		return err
	}
	if s.result, err = compileResultPath(f); err != nil {
		return err
	}
	if s.retry, err = compileRetry(f); err != nil {
		return err
	}
	s.catch, err = compileCatch(f)
	return err
}

// ioPath is an InputPath or OutputPath: all of it by default, nothing ({}) when null.
type ioPath struct {
	path  *path
	empty bool
}

func compileIOPath(f *fields, name string) (ioPath, error) {
	if v := f.object.get(name); v != nil && v.kind == kindNull {
		f.take(name)
		return ioPath{empty: true}, nil
	}
	p, err := f.path(name)
	return ioPath{path: p}, err
}

func (p ioPath) apply(r *run, v *value) (*value, *failure) {
	if p.empty {
		return objectValue(), nil
	}
	if p.path == nil {
		return v, nil
	}
	found, ok := findIn(p.path, r.scope(v))
	if !ok {
		return nil, failf(errorRuntime, "Invalid path '%s': no results in the input or output of the state '%s'", p.path.text, r.state.name)
	}
	return found, nil
}

// resultPath is where a result goes in the state's input: in its place by default, nowhere when null.
type resultPath struct {
	path    *path
	discard bool
}

func compileResultPath(f *fields) (resultPath, error) {
	const name = "ResultPath"
	if v := f.object.get(name); v != nil && v.kind == kindNull {
		f.take(name)
		return resultPath{discard: true}, nil
	}
	p, err := f.path(name)
	if err != nil || p == nil {
		return resultPath{}, err
	}
	return resultPath{path: p}, f.wrap(p.reference())
}

func (p resultPath) apply(input, result *value) (*value, *failure) {
	if p.discard {
		return input, nil
	}
	if p.path == nil {
		return result, nil
	}
	combined, ok := put(input, p.path.steps, result)
	if !ok {
		return nil, failf(errorResultPathMismatch, "Unable to apply ReferencePath '%s' to the input", p.path.text)
	}
	return combined, nil
}
