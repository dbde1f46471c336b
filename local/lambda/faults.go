package lambda

import (
	"errors"
	"time"

	"github.com/payrail/payrail/local/faults"
)

// Operations of the fault injector, each with the function's name.
const (
	runOperation     = "lambda:Run"
	initOperation    = "lambda:Init"
	deliverOperation = "lambda:Deliver"
)

// errCrashed is how a process ends that a fault lets crash while it starts.
var errCrashed = errors.New("exit status 1")

// fate is what a fault has in store for an invocation; the zero value is nothing.
type fate struct {
	kind  faults.Kind
	after bool
	// in is when the process dies, after it was given the invocation.
	in time.Duration
}

func (f *function) drawFate() fate {
	injection, ok := f.service.Faults.Decide(runOperation, f.spec.Name, faults.Kill, faults.Hang)
	if !ok {
		return fate{}
	}
	return fate{kind: injection.Kind, after: injection.When == faults.AfterEffect, in: time.Duration(injection.Chance * float64(injection.For))}
}

// hand gives an invocation to its environment, unless it is to hang there: then its process hears nothing until its time is over
// and it is killed. The caller holds f.mu.
func (f *function) hand(e *environment, inv *invocation) {
	inv.fate = f.drawFate()
	switch {
	case inv.fate.kind == faults.Hang && !inv.fate.after:
		return
	case inv.fate.kind == faults.Kill && !inv.fate.after:
		f.service.RealTime.AfterFunc(inv.fate.in, func() { f.killDuring(e, inv) })
	}
	e.work <- inv
}

// killDuring kills the process if it is still at the invocation, as a crash would.
func (f *function) killDuring(e *environment, inv *invocation) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if e.current == inv && e.process != nil {
		killGroup(e.process)
	}
}

// spoilAnswer reports whether the answer of e's invocation must not count: the process has died just before it gave it, or has
// done its work and hangs. The caller holds f.mu.
func (f *function) spoilAnswer(e *environment) bool {
	inv := e.current
	if !inv.fate.after {
		return false
	}
	if inv.fate.kind == faults.Kill {
		const reason = "Runtime exited with error: signal: killed"
		f.service.Output(f.spec.Name, "RequestId: "+inv.id+" Error: "+reason)
		f.finish(e, failed("Runtime.ExitError", "RequestId: "+inv.id+" Error: "+reason))
		f.remove(e)
		f.grow()
	}
	return true // One that hangs is killed by its deadline.
}

// crashes reports whether a process ends while it starts.
func (f *function) crashes() bool {
	_, ok := f.service.Faults.Decide(initOperation, f.spec.Name, faults.Crash)
	return ok
}

// accept puts an asynchronous event into the function's queue: at once, late or twice. AWS delivers such events at least once, too.
func (f *function) accept(event *asyncEvent) {
	d := f.service.Faults.Delivery(deliverOperation, f.spec.Name)
	f.service.pending.Add(1)
	if d.Duplicate {
		f.service.pending.Add(1)
		again := *event
		f.enqueue(&again)
	}
	if d.Delay > 0 {
		f.service.Clock.AfterFunc(d.Delay, func() { f.enqueue(event) })
		return
	}
	f.enqueue(event)
}

// Pending is how many asynchronous events are accepted and neither processed nor given up.
func (s *Service) Pending() int { return int(s.pending.Load()) }
