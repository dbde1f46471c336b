package stepfunctions

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/payrail/payrail/local/clock"
)

// maxDataBytes is the service's limit for the input and output of executions, states and tasks.
const maxDataBytes = 262144

// maxExpressDuration is how long an EXPRESS execution may take.
const maxExpressDuration = 5 * time.Minute

// maxStandardDuration is how long a STANDARD execution may take.
const maxStandardDuration = 365 * 24 * time.Hour

// maxHistoryEvents is the most events the history of a STANDARD execution takes; the last one is its failure. The history
// is not kept here, but its events are counted, so that a loop without an end comes to one.
const maxHistoryEvents = 25000

// maxCauseBytes is the longest cause the service keeps.
const maxCauseBytes = 32768

// environment is what executions get from outside.
type environment struct {
	clock  clock.Clock
	random func() float64
	newID  func() string
}

// execution is one run of a state machine; it does not change once it has begun.
type execution struct {
	env *environment
	// about are the members Execution and StateMachine of the context object.
	about           []member
	arn             string
	stateMachineARN string
	// variableBytes is the size of all variables of all scopes.
	variableBytes atomic.Int64
	// events counts those of the history, in STANDARD.
	events   atomic.Int64
	standard bool
}

// event counts events of the history. The execution fails with the one that would be too many, in the words measured on AWS
// (github.com/floci-io/floci, issue 2734).
func (r *run) event(n int64) *failure {
	if !r.standard || r.events.Add(n) < maxHistoryEvents {
		return nil
	}
	err := failf(errorRuntime, "The execution reached the maximum number of history events (%d).", maxHistoryEvents)
	err.located = true
	return err
}

// run is the progress of an execution, or of one branch or iteration of it, in one goroutine.
type run struct {
	ctx context.Context
	*execution
	variables *variables
	item      *value // Map.Item of the context object, in an iteration
	state     *state
	input     *value // the state's input as it came
	entered   time.Time
	retries   int64
}

// timeValue writes a time as the context object has it: UTC, milliseconds, and no fraction where it is zero
// (docs.aws.amazon.com/step-functions/latest/dg/input-output-contextobject.html).
func timeValue(t time.Time) *value {
	t = t.UTC().Truncate(time.Millisecond)
	if t.Nanosecond() == 0 {
		return stringValue(t.Format("2006-01-02T15:04:05Z"))
	}
	return stringValue(t.Format("2006-01-02T15:04:05.000Z"))
}

func (r *run) scope(root *value) *scope {
	return &scope{root: root, context: r.contextObject, env: r.env, variables: r.variables}
}

// contextObject is `$$`. It is made when a path asks for it. RetryCount is there only in states that can be retried, as
// recorded on AWS (LocalStack, context_object/test_context_object.snapshot.json: a Pass state has none).
func (r *run) contextObject() *value {
	members := make([]member, len(r.about), len(r.about)+2)
	copy(members, r.about)
	state := []member{{"Name", stringValue(r.state.name)}, {"EnteredTime", timeValue(r.entered)}}
	if r.state.retries() {
		state = append(state, member{"RetryCount", intValue(r.retries)})
	}
	members = append(members, member{"State", objectValue(state...)})
	if r.item != nil {
		members = append(members, member{"Map", objectValue(member{"Item", r.item})})
	}
	return objectValue(members...)
}

// aborted is what stops a run whose context has ended. Nobody sees it: the execution has timed out or a sibling failed.
func (r *run) aborted() *failure {
	return &failure{name: errorTimeout, cause: "the execution has ended"}
}

// sleep waits on the clock, or until the run is stopped.
func (r *run) sleep(d time.Duration) {
	if d <= 0 {
		return
	}
	done := make(chan struct{})
	timer := r.env.clock.AfterFunc(d, func() { close(done) })
	select {
	case <-done:
	case <-r.ctx.Done():
		timer.Stop()
	}
}

// runStates runs from start to a terminal state and returns its output.
func (r *run) runStates(start *state, input *value) (*value, *failure) {
	for s := start; ; {
		output, next, err := r.runState(s, input)
		if err != nil {
			return nil, err
		}
		if r.ctx.Err() != nil {
			return nil, r.aborted()
		}
		if err := r.event(1); err != nil { // StateExited
			return nil, err
		}
		if next == nil {
			return output, nil
		}
		s, input = next, output
	}
}

// runState runs one state with its retries and catchers.
func (r *run) runState(s *state, input *value) (*value, *state, *failure) {
	r.state, r.input, r.entered, r.retries = s, input, r.env.clock.Now(), 0
	if err := r.event(1); err != nil { // StateEntered
		return nil, nil, err
	}
	var attempts []int64
	for {
		output, next, err := r.attempt(s, input)
		if err == nil {
			return output, next, nil
		}
		if r.ctx.Err() != nil {
			return nil, nil, r.aborted()
		}
		err = err.in(s)
		if len(s.retry) > 0 && attempts == nil {
			attempts = make([]int64, len(s.retry))
		}
		if !r.retry(s, err, attempts) {
			return r.catch(s, input, err)
		}
		if r.ctx.Err() != nil {
			return nil, nil, r.aborted()
		}
	}
}

// retry finds the first retrier that names the error and, unless it is used up, waits as long as it says.
func (r *run) retry(s *state, err *failure, attempts []int64) bool {
	for i, retrier := range s.retry {
		if !err.matches(retrier.errorEquals) {
			continue
		}
		if attempts[i] >= retrier.maxAttempts {
			return false
		}
		attempts[i]++
		r.retries++
		r.sleep(retrier.delay(attempts[i], r.env.random))
		return true
	}
	return false
}

func (r *run) catch(s *state, input *value, err *failure) (*value, *state, *failure) {
	for _, c := range s.catch {
		if !err.matches(c.errorEquals) {
			continue
		}
		output, mismatch := c.result.apply(input, err.output())
		if mismatch == nil {
			mismatch = r.checkSize(output)
		}
		var given *value
		if mismatch == nil {
			given, mismatch = r.evalAssign(c.assign, err.output())
		}
		if mismatch == nil {
			mismatch = r.assign(given)
		}
		if mismatch != nil {
			return nil, nil, mismatch.in(s)
		}
		return output, c.next, nil
	}
	return nil, nil, err
}

// attempt runs a state once: input, parameters, the state's own work, result, output.
func (r *run) attempt(s *state, raw *value) (*value, *state, *failure) {
	input, err := s.inputPath.apply(r, raw)
	if err != nil {
		return nil, nil, err
	}
	if s.parameters != nil {
		if input, err = s.parameters.eval(r.scope(input)); err != nil {
			return nil, nil, err
		}
		if err = r.checkSize(input); err != nil {
			return nil, nil, err
		}
	}
	done, err := s.behaviour.run(r, input)
	if err != nil {
		return nil, nil, err
	}
	result, next, assign := done.result, done.next, done.assign
	if next == nil {
		next, assign = s.next, s.assign
	}
	if err = r.checkSize(result); err != nil {
		return nil, nil, err
	}
	given, err := r.evalAssign(assign, result)
	if err != nil {
		return nil, nil, err
	}
	if s.selector != nil {
		if result, err = s.selector.eval(r.scope(result)); err != nil {
			return nil, nil, err
		}
	}
	output, err := s.result.apply(raw, result)
	if err != nil {
		return nil, nil, err
	}
	if output, err = s.outputPath.apply(r, output); err != nil {
		return nil, nil, err
	}
	if err = r.checkSize(output); err != nil {
		return nil, nil, err
	}
	return output, next, r.assign(given)
}

func (r *run) checkSize(v *value) *failure {
	if v.size <= maxDataBytes {
		return nil
	}
	return terminalf(errorDataLimit, dataLimitCause, r.state.name)
}

const dataLimitCause = "The state/task '%s' returned a result with a size exceeding the maximum number of bytes service limit."
