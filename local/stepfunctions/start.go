package stepfunctions

import (
	"context"
	"errors"
	"regexp"
	"time"

	"github.com/payrail/payrail/local/wire"
)

// pending is an execution that holds a slot and has not run yet.
type pending struct {
	execution
	machine *stateMachine
	name    string
	input   *value
	started time.Time
}

// outcome is how an execution ended: failure is nil where it succeeded.
type outcome struct {
	output   *value
	failure  *failure
	timedOut bool
	stopped  time.Time
}

func (o outcome) status() string {
	switch {
	case o.timedOut:
		return "TIMED_OUT"
	case o.failure != nil:
		return "FAILED"
	}
	return "SUCCEEDED"
}

// executionName is what the service takes as a name: no spaces, brackets, wildcards, control and special characters.
var executionName = regexp.MustCompile("^[^\\s<>{}\\[\\]?*\"#%\\\\^|~`$&,;:/\\x00-\\x1f\\x7f-\\x9f]{1,80}$")

// begin checks a start and waits for a slot.
func (s *Service) begin(ctx context.Context, stateMachineARN, name string, input []byte) (*pending, error) {
	if name == "" {
		name = s.env.newID()
	} else if !executionName.MatchString(name) {
		return nil, wire.Errorf("InvalidName", "Invalid Name: '%s'", name)
	}
	if len(input) > maxDataBytes {
		return nil, wire.Errorf("ValidationException", "1 validation error detected: Value at 'input' failed to satisfy constraint: Member must have length less than or equal to %d", maxDataBytes)
	}
	v, err := parse(input)
	if err != nil {
		return nil, wire.Errorf("InvalidExecutionInput", "Invalid State Machine Execution Input: '%s'", err)
	}
	s.mu.Lock()
	m := s.machines[stateMachineARN]
	s.mu.Unlock()
	if m == nil {
		return nil, wire.Errorf("StateMachineDoesNotExist", "State Machine Does Not Exist: '%s'", stateMachineARN)
	}
	select {
	case s.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, wire.Errorf("ThrottlingException", "as many executions run as may: %s", ctx.Err())
	case <-s.ctx.Done():
		return nil, errClosed
	}
	if err := s.count(m); err != nil {
		<-s.slots
		return nil, err
	}
	return s.newPending(m, name, v), nil
}

var errClosed = errors.New("starting execution: the service is closed")

func (s *Service) count(m *stateMachine) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return errClosed
	}
	s.running++
	m.counts.Started++
	return nil
}

func (s *Service) newPending(m *stateMachine, name string, input *value) *pending {
	p := &pending{machine: m, name: name, input: input, started: s.env.clock.Now()}
	p.execution = execution{
		env: s.env, stateMachineARN: m.arn,
		arn: "arn:aws:states:" + s.options.Region + ":" + s.options.Account + ":express:" + m.name + ":" + name + ":" + s.env.newID(),
	}
	p.about = []member{
		{"Execution", objectValue(
			member{"Id", stringValue(p.arn)}, member{"Input", input}, member{"StartTime", timeValue(p.started)},
			member{"Name", stringValue(name)}, member{"RoleArn", stringValue(m.role)}, member{"RedriveCount", intValue(0)},
		)},
		{"StateMachine", objectValue(member{"Id", stringValue(m.arn)}, member{"Name", stringValue(m.name)})},
	}
	if s.options.Metrics != nil {
		s.options.Metrics.Count("ExecutionsStarted", m.arn)
	}
	return p
}

var errExecutionTimeout = errors.New("the execution's time is over")

// finish runs an execution to its end, counts it and gives its slot back.
func (s *Service) finish(p *pending) outcome {
	limit := maxExpressDuration
	if own := p.machine.compiled.timeout; own > 0 && own < limit {
		limit = own
	}
	ctx, cancel := context.WithCancelCause(s.ctx)
	timer := s.env.clock.AfterFunc(limit, func() { cancel(errExecutionTimeout) })
	r := &run{ctx: ctx, execution: &p.execution}
	var o outcome
	o.output, o.failure = s.runWithFaults(r, p.machine, p.input, limit)
	timer.Stop()
	if o.failure != nil && errors.Is(context.Cause(ctx), errExecutionTimeout) {
		o.timedOut, o.failure = true, &failure{name: errorTimeout, noCause: true}
	}
	cancel(nil)
	if o.failure != nil && len(o.failure.cause) > maxCauseBytes {
		o.failure.cause = o.failure.cause[:maxCauseBytes]
	}
	o.stopped = s.env.clock.Now()
	s.record(p, o)
	return o
}

// record logs what failed, as nothing else tells of a failed Express execution, and counts.
func (s *Service) record(p *pending, o outcome) {
	metric := "ExecutionsSucceeded"
	switch o.status() {
	case "TIMED_OUT":
		metric = "ExecutionsTimedOut"
	case "FAILED":
		metric = "ExecutionsFailed"
	}
	if o.failure != nil {
		s.options.Logger.Warn("execution did not succeed", "execution", p.arn, "status", o.status(), "error", o.failure.name, "cause", o.failure.cause)
	}
	if s.options.Metrics != nil {
		s.options.Metrics.Count(metric, p.machine.arn)
	}
	<-s.slots
	s.mu.Lock()
	defer s.mu.Unlock()
	switch metric {
	case "ExecutionsSucceeded":
		p.machine.counts.Succeeded++
	case "ExecutionsFailed":
		p.machine.counts.Failed++
	default:
		p.machine.counts.TimedOut++
	}
	if s.running--; s.running == 0 {
		s.idle.Broadcast()
	}
}
