package stepfunctions

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// maxStateName is the longest name a state may have.
const maxStateName = 80

// machine is a compiled definition, or a branch of one.
type machine struct {
	start    *state
	timeout  time.Duration     // 0: none of its own
	assigned map[string]string // the variables its own states assign, and where
	inner    []*machine        // branches and item processors
	states   []*state
}

// state is a compiled state: the fields all types share and the type's behaviour.
type state struct {
	name       string
	kind       string
	inputPath  ioPath
	parameters expression
	behaviour  behaviour
	assign     expression
	selector   expression
	result     resultPath
	outputPath ioPath
	retry      []*retrier
	catch      []*catcher
	nextName   string
	next       *state
	end        bool
	refers     []string // the variables its fields name
}

// retries tells whether the state is of a type that Retry may stand in; the context object counts retries for these only.
func (s *state) retries() bool { return s.kind == "Task" || s.kind == "Parallel" || s.kind == "Map" }

// transition is how a state's own work ends. next and assign are set by Choice only: the state of the rule that holds.
type transition struct {
	result *value
	next   *state
	assign expression
}

// behaviour does what a type of state is for.
type behaviour interface {
	run(r *run, input *value) (transition, *failure)
}

// linker is a behaviour that names states itself.
type linker interface {
	link(find func(name, field string) *state)
	targets() []*state
}

// container is a behaviour with states of its own.
type container interface{ machines() []*machine }

// compiler knows what definitions may use.
type compiler struct {
	integrations map[string]integration
	functions    Functions // for Task states that name a function by its ARN; nil: none may
	express      bool
}

// compile checks a definition and makes it ready to run. The error tells of everything that was found wrong.
func (c *compiler) compile(definition []byte) (*machine, error) {
	if len(definition) == 0 {
		return nil, problem(codeSchema, "", "Definition must be a valid JSON object")
	}
	v, err := parse(definition)
	if err != nil {
		return nil, problem(codeJSON, "", "%s", err)
	}
	if v.kind != kindObject {
		return nil, problem(codeSchema, "", "Definition must be a valid JSON object")
	}
	f, err := newFields(v, "", nil)
	if err != nil {
		return nil, err
	}
	var found diagnostics
	version, err := f.string("Version")
	found.add(err)
	if version != "" && version != "1.0" {
		found.add(f.fieldErrorf("Version", "The value must be 1.0, it is %q", version))
	}
	seconds, err := f.integer("TimeoutSeconds", 1, 99999999, 0)
	found.add(err)
	found.add(checkQueryLanguage(f))
	m, err := c.compileStates(f)
	found.add(err)
	if len(found) > 0 {
		return nil, found
	}
	found.add(m.checkScopes(nil))
	found.add(checkNames(m, map[string]bool{}, "/States"))
	if len(found) > 0 {
		return nil, found
	}
	m.timeout = time.Duration(seconds) * time.Second
	return m, nil
}

func checkQueryLanguage(f *fields) error {
	const name = "QueryLanguage"
	language, err := f.string(name)
	switch {
	case err != nil || language == "" || language == "JSONPath":
		return err
	case language == "JSONata":
		return f.fieldErrorf(name, "QueryLanguage 'JSONata' is not done by the local runtime, only JSONPath")
	}
	return f.fieldErrorf(name, "The field 'QueryLanguage' should have one of these values: [JSONPath, JSONata]")
}

// checkNames refuses a name that two states of the whole definition have.
func checkNames(m *machine, seen map[string]bool, at string) error {
	var found diagnostics
	for _, s := range m.states {
		if seen[s.name] {
			found.add(problem(codeDuplicateName, at+"/"+s.name, "The state name %q is given more than once; it must be unique in the whole state machine", s.name))
		}
		seen[s.name] = true
		if c, ok := s.behaviour.(container); ok {
			for _, inner := range c.machines() {
				found.add(checkNames(inner, seen, at+"/"+s.name))
			}
		}
	}
	return found.err()
}

// compileStates compiles StartAt and States of a definition or a branch. The caller has taken the other fields.
func (c *compiler) compileStates(f *fields) (*machine, error) {
	var found diagnostics
	found.add(f.comment())
	found.add(f.require("States", "StartAt"))
	startAt, err := f.string("StartAt")
	found.add(err)
	given := f.take("States")
	found.add(f.done())
	if given == nil {
		return nil, found
	}
	list, err := newFields(given, f.at+"/States", nil)
	found.add(err)
	if len(found) > 0 {
		return nil, found
	}
	m := &machine{assigned: map[string]string{}}
	byName := map[string]*state{}
	for _, entry := range list.object.members {
		s, err := c.compileNamed(entry, list.at+"/"+entry.name, m.assigned)
		found.add(err)
		byName[entry.name] = s
		m.states = append(m.states, s)
	}
	if len(found) > 0 {
		return nil, found
	}
	for _, s := range m.states {
		if c, ok := s.behaviour.(container); ok {
			m.inner = append(m.inner, c.machines()...)
		}
	}
	return m, m.connect(f.at, startAt, byName)
}

func (c *compiler) compileNamed(entry member, at string, assigned map[string]string) (*state, error) {
	if n := utf8.RuneCountInString(entry.name); n > maxStateName || n == 0 {
		return nil, problem(codeStateName, at, "The name of a state has 1 to %d characters, this one %d", maxStateName, n)
	}
	f, err := newFields(entry.value, at, &notes{references: map[string]bool{}, assigned: assigned})
	if err != nil {
		return nil, err
	}
	s, err := c.compileState(entry.name, f)
	if err != nil {
		return nil, err
	}
	s.refers = f.variables()
	return s, nil
}

// connect resolves the names of states and refuses what leads nowhere, cannot be reached or never ends.
func (m *machine) connect(at, startAt string, states map[string]*state) error {
	var found diagnostics
	if m.start = states[startAt]; m.start == nil {
		found.add(problem(codeTransitionTarget, at+"/StartAt", "Missing 'StartAt' target: %s", startAt))
	}
	for _, s := range m.states {
		s.link(func(name, field string) *state {
			target := states[name]
			if target == nil {
				kind := field[strings.LastIndexByte(field, '/')+1:]
				found.add(problem(codeTransitionTarget, at+"/States/"+s.name+"/"+field, "Missing '%s' target: %s", kind, name))
			}
			return target
		})
	}
	reached, ends := map[*state]bool{}, false
	for queue := []*state{m.start}; len(queue) > 0; queue = queue[1:] {
		if s := queue[0]; s != nil && !reached[s] {
			reached[s] = true
			queue = append(queue, s.targets()...)
		}
	}
	for _, s := range m.states {
		if !reached[s] && m.start != nil {
			found.add(problem(codeTransitionTarget, at+"/States/"+s.name, "State %q is not reachable.", s.name))
		}
		ends = ends || s.end
	}
	if !ends {
		found.add(problem(codeNoEnd, at, "Workflow has no terminal state"))
	}
	return found.err()
}

// link resolves the names a state mentions. find notes what is missing.
func (s *state) link(find func(name, field string) *state) {
	if s.nextName != "" {
		s.next = find(s.nextName, "Next")
	}
	for i, c := range s.catch {
		c.next = find(c.nextName, fmt.Sprintf("Catch[%d]/Next", i))
	}
	if l, ok := s.behaviour.(linker); ok {
		l.link(find)
	}
}

func (s *state) targets() []*state {
	targets := []*state{s.next}
	for _, c := range s.catch {
		targets = append(targets, c.next)
	}
	if l, ok := s.behaviour.(linker); ok {
		targets = append(targets, l.targets()...)
	}
	return targets
}

// stateTypes are the values of Type, in the order the service lists them.
var stateTypes = []string{"Task", "Wait", "Pass", "Succeed", "Fail", "Choice", "Parallel", "Map"}

// compileState compiles one state; each type takes its fields and what is left is refused.
func (c *compiler) compileState(name string, f *fields) (*state, error) {
	if err := f.comment(); err != nil {
		return nil, err
	}
	if err := checkQueryLanguage(f); err != nil {
		return nil, err
	}
	if err := f.require("Type"); err != nil {
		return nil, err
	}
	kind, err := f.string("Type")
	if err != nil {
		return nil, err
	}
	if !slices.Contains(stateTypes, kind) {
		return nil, f.fieldErrorf("Type", "The field 'Type' should have one of these values: [%s]", strings.Join(stateTypes, ", "))
	}
	s := &state{name: name, kind: kind}
	compileType := map[string]func(*state, *fields) error{
		"Pass": c.compilePass, "Choice": c.compileChoice, "Wait": c.compileWait, "Succeed": c.compileSucceed,
		"Fail": c.compileFail, "Task": c.compileTask, "Parallel": c.compileParallel, "Map": c.compileMap,
	}[kind]
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
	switch {
	case s.nextName != "" && s.end:
		return f.errorf("Only one of these fields may be given: [Next, End]")
	case s.nextName == "" && !s.end:
		return f.errorf("These fields are required: [Next], or \"End\": true")
	}
	return nil
}

// compileResult takes Assign, ResultSelector, ResultPath, Retry and Catch.
func (s *state) compileResult(f *fields) (err error) {
	if s.assign, err = compileAssign(f); err != nil {
		return err
	}
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
	field string
	empty bool
}

func compileIOPath(f *fields, name string) (ioPath, error) {
	if v := f.object.get(name); v != nil && v.kind == kindNull {
		f.take(name)
		return ioPath{empty: true}, nil
	}
	p, err := f.path(name)
	return ioPath{path: p, field: name}, err
}

func (p ioPath) apply(r *run, v *value) (*value, *failure) {
	if p.empty {
		return objectValue(), nil
	}
	if p.path == nil {
		return v, nil
	}
	found, err := p.path.find(r.scope(v))
	if err != nil {
		return nil, pathFailure(err, "Invalid path '%s' in %s: no results for it in %s", p.path.text, p.field, v)
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
	if err := p.target(); err != nil {
		return resultPath{}, f.fieldErrorf(name, "%s", err)
	}
	return resultPath{path: p}, nil
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
		return nil, failf(errorResultPathMismatch, "Unable to apply ReferencePath '%s' to the input %s", p.path.text, input)
	}
	return combined, nil
}
