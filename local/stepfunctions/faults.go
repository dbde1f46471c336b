package stepfunctions

import (
	"errors"
	"time"

	"github.com/payrail/payrail/local/faults"
)

// runOperation of the fault injector has the state machine's name behind it.
const runOperation = "states:Run"

// errorInjected is how an execution fails where the service, not a state, fails: no Catch sees it.
// https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html: "States.Runtime … can't be caught".
var errorInjected = failure{name: errorRuntime, cause: "An error occurred while executing the state machine. (injected)"}

// runWithFaults runs the states of an execution, with what a fault does to the execution as a whole.
func (s *Service) runWithFaults(r *run, p *pending, limit time.Duration) (*value, *failure) {
	injection, ok := s.options.Faults.Decide(runOperation, p.machine.name, faults.Slow, faults.Abort, faults.Expire)
	if !ok {
		return r.runStates(p.compiled.start, p.input)
	}
	aborted := errorInjected
	switch injection.Kind {
	case faults.Slow:
		r.sleep(injection.For)
	case faults.Expire:
		r.sleep(limit + time.Second)
	case faults.Abort:
		if injection.When == faults.AfterEffect {
			_, _ = r.runStates(p.compiled.start, p.input) // Its effects are what counts; it fails whatever came of it.
		}
		return nil, &aborted
	}
	if r.ctx.Err() != nil {
		return nil, r.aborted()
	}
	return r.runStates(p.compiled.start, p.input)
}

// Running is how many executions run.
func (s *Service) Running() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.running
}

// unanswered reports whether a call got no answer. The service's own client says so then, with an error that is none of the called
// service. https://docs.aws.amazon.com/step-functions/latest/dg/sfn-best-practices.html#bp-lambda-serviceexception
func unanswered(err error) bool {
	var f *faults.Error
	return errors.As(err, &f) && f.Unanswered > 0
}
