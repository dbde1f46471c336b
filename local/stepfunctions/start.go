package stepfunctions

import (
	"context"
	"errors"
	"regexp"
	"time"

	"github.com/payrail/payrail/local/wire"
)

// pending is an execution that has its place and has not run yet.
type pending struct {
	*execution
	machine  *stateMachine
	compiled *machine
	name     string
	input    *value
	started  time.Time
	ctx      context.Context
	cancel   context.CancelCauseFunc
	record   *record // of a STANDARD execution
	kept     bool    // in the store, until it has ended
}

// outcome is how an execution ended: failure is nil where it succeeded.
type outcome struct {
	output            *value
	failure           *failure
	timedOut, aborted bool
	stopped           time.Time
}

func (o outcome) status() string {
	switch {
	case o.aborted:
		return statusAborted
	case o.timedOut:
		return statusTimedOut
	case o.failure != nil:
		return statusFailed
	}
	return statusSucceeded
}

// nameForm is what the service takes as a name: no spaces, brackets, wildcards, control and special characters.
var nameForm = regexp.MustCompile("^[^\\s<>{}\\[\\]?*\"#%\\\\^|~`$&,;:/\\x00-\\x1f\\x7f-\\x9f]{1,80}$")

// start begins an execution that runs on its own.
func (s *Service) start(ctx context.Context, stateMachineARN, name string, input []byte) (*pending, error) {
	p, err := s.begin(ctx, stateMachineARN, name, input)
	if err != nil {
		return nil, err
	}
	if p.ctx != nil { // else it runs already
		if err := s.kept.add(p, input); err != nil {
			s.abandon(p, err)
			return nil, err
		}
		go s.finish(p)
	}
	return p, nil
}

// begin checks a start and makes the execution's place.
func (s *Service) begin(ctx context.Context, stateMachineARN, name string, input []byte) (*pending, error) {
	return s.beginSince(ctx, time.Time{}, stateMachineARN, name, input)
}

// beginSince is begin for an execution that was started at a time by an earlier process, and is bound by no limit any more; the zero
// time is that of one that starts.
func (s *Service) beginSince(ctx context.Context, since time.Time, stateMachineARN, name string, input []byte) (*pending, error) {
	if name == "" {
		name = s.env.newID()
	} else if !nameForm.MatchString(name) {
		return nil, wire.Errorf("InvalidName", "Invalid Name: '%s'", name)
	}
	if len(input) > maxDataBytes {
		return nil, wire.Errorf("ValidationException", "1 validation error detected: Value at 'input' failed to satisfy constraint: Member must have length less than or equal to %d", maxDataBytes)
	}
	if len(input) == 0 {
		return nil, wire.Errorf("InvalidExecutionInput", "Invalid State Machine Execution Input: 'Invalid execution input.'")
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
	var p *pending
	if m.kind == typeStandard {
		p, err = s.beginStandard(since, m, name, string(input), v)
	} else {
		p, err = s.beginExpress(ctx, since, m, name, v)
	}
	if err == nil && p.ctx != nil {
		s.measure("ExecutionsStarted", 1, m.arn)
	}
	return p, err
}

var errClosed = errors.New("starting execution: the service is closed")

// beginExpress waits for a place.
func (s *Service) beginExpress(ctx context.Context, since time.Time, m *stateMachine, name string, input *value) (*pending, error) {
	select {
	case s.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, wire.Errorf("ThrottlingException", "as many executions run as may: %s", ctx.Err())
	case <-s.ctx.Done():
		return nil, errClosed
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		<-s.slots
		return nil, errClosed
	}
	return s.newPending(m, "express:"+m.name+":"+name+":"+s.env.newID(), name, input, since), nil
}

func (s *Service) beginStandard(since time.Time, m *stateMachine, name, input string, v *value) (*pending, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, errClosed
	}
	if s.machines[m.arn] != m {
		return nil, wire.Errorf("StateMachineDoesNotExist", "State Machine Does Not Exist: '%s'", m.arn)
	}
	resource := "execution:" + m.name + ":" + name
	r := &record{arn: s.arn(resource), name: name, machineARN: m.arn, input: input, started: s.startOf(since)}
	r, fresh, err := s.executions.begin(r)
	if err != nil {
		return nil, err
	}
	if !fresh {
		return &pending{execution: &execution{arn: r.arn, stateMachineARN: m.arn}, name: name, started: r.started}, nil
	}
	if since.IsZero() && s.openStandard >= s.options.MaxConcurrent {
		s.executions.forget(r)
		return nil, wire.Errorf("ExecutionLimitExceeded", "The maximum number of running executions has been reached. Running executions must end or be stopped before a new execution can be started.")
	}
	s.openStandard++
	p := s.newPending(m, resource, name, v, since)
	p.record, p.standard, r.cancel = r, true, p.cancel
	p.events.Store(1) // ExecutionStarted
	return p, nil
}

func (s *Service) arn(resource string) string {
	return "arn:aws:states:" + s.options.Region + ":" + s.options.Account + ":" + resource
}

func (s *Service) startOf(since time.Time) time.Time {
	if since.IsZero() {
		return s.env.clock.Now()
	}
	return since
}

// newPending is called with the lock held.
func (s *Service) newPending(m *stateMachine, resource, name string, input *value, since time.Time) *pending {
	s.running++
	m.counts.Started++
	p := &pending{machine: m, compiled: m.compiled, name: name, input: input, started: s.startOf(since)}
	p.ctx, p.cancel = context.WithCancelCause(s.ctx)
	p.execution = &execution{env: s.env, stateMachineARN: m.arn, arn: s.arn(resource)}
	p.about = []member{
		{"Execution", objectValue(
			member{"Id", stringValue(p.arn)}, member{"Input", input}, member{"StartTime", timeValue(p.started)},
			member{"Name", stringValue(name)}, member{"RoleArn", stringValue(m.role)}, member{"RedriveCount", intValue(0)},
		)},
		{"StateMachine", objectValue(member{"Id", stringValue(m.arn)}, member{"Name", stringValue(m.name)})},
	}
	return p
}

var errExecutionTimeout = errors.New("the execution's time is over")

// finish runs an execution to its end, counts it and gives its place back. One that the service's closing has stopped stays kept.
func (s *Service) finish(p *pending) outcome {
	limit := maxExpressDuration
	if p.record != nil {
		limit = maxStandardDuration
	}
	if own := p.compiled.timeout; own > 0 && own < limit {
		limit = own
	}
	timer := s.env.clock.AfterFunc(limit, func() { p.cancel(errExecutionTimeout) })
	r := &run{ctx: p.ctx, execution: p.execution, variables: &variables{}}
	var o outcome
	o.output, o.failure = s.runWithFaults(r, p, limit)
	timer.Stop()
	if o.failure != nil {
		switch cause := context.Cause(p.ctx); {
		case errors.Is(cause, errExecutionTimeout):
			o.timedOut, o.failure = true, &failure{name: errorTimeout, noCause: true}
		case errors.Is(cause, errStopped):
			o.failure = &failure{noName: true, noCause: true}
		case len(o.failure.cause) > maxCauseBytes:
			o.failure.cause = o.failure.cause[:maxCauseBytes]
		}
	}
	p.cancel(nil)
	o.stopped = s.env.clock.Now()
	if p.kept && s.ctx.Err() == nil {
		s.kept.forget(p.arn) // Before anybody is told that it has ended: it does not run again then.
	}
	s.recordEnd(p, o)
	return o
}

// recordEnd logs what failed, as nothing else tells of a failed Express execution, and counts.
func (s *Service) recordEnd(p *pending, o outcome) {
	if p.record != nil {
		s.mu.Lock()
		o.aborted = p.record.status == statusAborted // It may have been stopped when it was about to end.
		s.executions.end(p.record, o)
		s.mu.Unlock()
	}
	metric := map[string]string{
		statusSucceeded: "ExecutionsSucceeded", statusFailed: "ExecutionsFailed", statusTimedOut: "ExecutionsTimedOut", statusAborted: "ExecutionsAborted",
	}[o.status()]
	if o.failure != nil {
		s.options.Logger.Warn("execution did not succeed", "execution", p.arn, "status", o.status(), "error", o.failure.name, "cause", o.failure.cause)
	}
	s.measure(metric, 1, p.machine.arn)
	s.measure("ExecutionTime", float64(o.stopped.Sub(p.started).Milliseconds()), p.machine.arn)
	if p.record == nil {
		<-s.slots
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if p.record != nil {
		s.openStandard--
	}
	counts := &p.machine.counts
	*map[string]*int{
		statusSucceeded: &counts.Succeeded, statusFailed: &counts.Failed, statusTimedOut: &counts.TimedOut, statusAborted: &counts.Aborted,
	}[o.status()]++
	if s.running--; s.running == 0 {
		s.idle.Broadcast()
	}
}

func (s *Service) measure(metric string, value float64, stateMachineARN string) {
	if s.options.Metrics != nil {
		s.options.Metrics(metric, value, stateMachineARN)
	}
}
