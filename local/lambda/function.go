package lambda

import (
	"container/list"
	"context"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/payrail/payrail/local/clock"
	"github.com/payrail/payrail/local/wire"
)

// Stats are the counters of a function since it was created.
type Stats struct {
	Invocations, Errors, Throttles, Timeouts, Starts uint64
	// Environments is how many processes there are now, Busy how many invocations run or wait for one.
	Environments, Busy int
}

// function gives each invocation an environment of its own: an idle one, or a new one as long as the limit allows, or
// the first that becomes free.
type function struct {
	service *Service
	spec    FunctionSpec
	arn     string
	events  asyncQueue

	mu            sync.Mutex
	closed        bool
	reserved      *int               // concurrency, nil if none is
	async         *EventInvokeConfig // nil where none is configured
	asyncModified time.Time
	environments  map[*environment]struct{}
	idle          []*environment // a stack, so that surplus ones stay unused and time out
	starting      int            // environments that have not asked for their first invocation and have none
	returning     int            // environments that have answered and not yet asked for the next invocation
	waiting       list.List      // of *invocation
	busy          int
	stats         Stats
	idleTimer     clock.Timer
}

// invocation is one event on its way through an environment. All fields but done are guarded by function.mu.
type invocation struct {
	id       string
	payload  []byte
	started  time.Time // when an environment got it
	deadline time.Time
	timer    clock.Timer
	waiting  *list.Element
	done     chan outcome
	fate     fate
}

// outcome is what an invocation came to: the function's response, its error, or a failure of the invocation itself.
type outcome struct {
	payload       []byte
	functionError string
	err           error
}

// functionErrorUnhandled is what AWS reports for every error of a Go function.
const functionErrorUnhandled = "Unhandled"

func newFunction(s *Service, spec FunctionSpec) *function {
	f := &function{service: s, spec: spec, arn: s.arnPrefix + spec.Name, reserved: spec.ReservedConcurrency, environments: map[*environment]struct{}{}}
	if spec.EventInvokeConfig != (EventInvokeConfig{}) {
		f.async, f.asyncModified = &spec.EventInvokeConfig, s.Clock.Now()
	}
	return f
}

func conflict(format string, args ...any) error {
	return &wire.Error{Status: http.StatusConflict, Code: "ResourceConflictException", Message: fmt.Sprintf(format, args...)}
}

const codeThrottled = "TooManyRequestsException"

func errThrottled() error {
	return &wire.Error{Status: http.StatusTooManyRequests, Code: codeThrottled, Message: "Rate Exceeded.",
		Members: map[string]any{"Reason": "ReservedFunctionConcurrentInvocationLimitExceeded"}}
}

func errClosed() error {
	return &wire.Error{Status: http.StatusServiceUnavailable, Code: "ServiceException", Message: "the local runtime is shutting down"}
}

// run invokes the function and waits for the outcome. When ctx ends first the invocation goes on, as on AWS, unless it
// still waits for an environment.
func (f *function) run(ctx context.Context, id string, payload []byte) outcome {
	inv := &invocation{id: id, payload: payload, done: make(chan outcome, 1)}
	f.mu.Lock()
	if f.closed {
		f.mu.Unlock()
		return outcome{err: errClosed()}
	}
	if f.throttles() {
		f.stats.Throttles++
		f.observe(MetricThrottles, 1)
		f.mu.Unlock()
		return outcome{err: errThrottled()}
	}
	f.busy++
	f.stats.Invocations++
	f.observe(MetricInvocations, 1)
	f.observe(MetricConcurrentExecutions, float64(f.busy))
	if n := len(f.idle); n > 0 {
		e := f.idle[n-1]
		f.idle = f.idle[:n-1]
		f.assign(e, inv)
	} else {
		inv.waiting = f.waiting.PushBack(inv)
		f.grow()
	}
	f.mu.Unlock()
	select {
	case out := <-inv.done:
		return out
	case <-ctx.Done():
		f.abandon(inv)
		return outcome{err: ctx.Err()}
	}
}

// abandon takes an invocation nobody waits for any more out of the line.
func (f *function) abandon(inv *invocation) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if inv.waiting != nil {
		f.waiting.Remove(inv.waiting)
		inv.waiting = nil
		f.busy--
	}
}

// assign gives an invocation to an environment that waits for one. The caller holds f.mu, here and below.
func (f *function) assign(e *environment, inv *invocation) {
	f.begin(e, inv)
	e.served++
	e.thaw()
	f.hand(e, inv)
}

// begin lets the time of an invocation run, in the environment it is for.
func (f *function) begin(e *environment, inv *invocation) {
	inv.waiting = nil
	inv.started = f.service.RealTime.Now()
	inv.deadline = inv.started.Add(f.spec.timeout())
	inv.timer = f.service.RealTime.AfterFunc(f.spec.timeout(), func() { f.expire(e, inv) })
	e.current = inv
}

// grow starts as many environments as there are invocations no environment is on its way to.
func (f *function) grow() {
	for !f.closed && f.waiting.Len() > f.starting+f.returning && len(f.environments) < f.service.MaxEnvironments {
		f.start()
	}
}

// finish ends the current invocation of e.
func (f *function) finish(e *environment, out outcome) {
	inv := e.current
	e.current = nil
	inv.timer.Stop()
	f.resolve(inv, out)
}

func (f *function) resolve(inv *invocation, out outcome) {
	f.busy--
	if out.functionError != "" || out.err != nil {
		f.stats.Errors++
		f.observe(MetricErrors, 1)
	}
	if !inv.started.IsZero() {
		f.observe(MetricDuration, milliseconds(f.service.RealTime.Now().Sub(inv.started)))
	}
	inv.done <- out
}

// next is called when an environment asks for an invocation. It reports whether one may be awaited on e.work.
func (f *function) next(e *environment) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if e.state == stateRestarting {
		f.settle(e)
		e.served++
		f.hand(e, e.current)
		return true
	}
	if e.state == stateGone || e.current != nil {
		return false
	}
	f.settle(e)
	if e.served >= f.service.RecycleAfter || f.closed {
		f.remove(e)
		f.grow()
		return false
	}
	if first := f.waiting.Front(); first != nil {
		f.waiting.Remove(first)
		f.assign(e, first.Value.(*invocation))
		return true
	}
	e.idleSince = f.service.Clock.Now()
	f.idle = append(f.idle, e)
	e.freeze()
	f.armIdleTimer()
	return true
}

// settle takes e out of the count of its state and makes it ready.
func (f *function) settle(e *environment) {
	switch e.state {
	case stateStarting:
		f.starting--
		e.initTimer.Stop()
	case stateReturning:
		f.returning--
	}
	e.state = stateReady
}

// answer takes the response or error an environment posts for its invocation; it reports whether it was expected.
func (f *function) answer(e *environment, id string, out outcome) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if e.current == nil || e.current.id != id {
		return false
	}
	if f.spoilAnswer(e) {
		return true
	}
	f.finish(e, out)
	e.state = stateReturning
	f.returning++
	return true
}

// expire kills an environment whose invocation is over its deadline.
func (f *function) expire(e *environment, inv *invocation) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if e.current != inv {
		return
	}
	f.stats.Timeouts++
	message := "Task timed out after " + strconv.Itoa(f.spec.TimeoutSeconds) + ".00 seconds"
	f.service.Output(f.spec.Name, inv.id+" "+message)
	f.finish(e, failed("Sandbox.Timedout", "RequestId: "+inv.id+" Error: "+message))
	f.remove(e)
	f.grow()
}

// remove forgets an environment and kills its process.
func (f *function) remove(e *environment) {
	if e.state == stateGone {
		return
	}
	f.settle(e)
	e.state = stateGone
	delete(f.environments, e)
	for i, other := range f.idle {
		if other == e {
			f.idle = append(f.idle[:i], f.idle[i+1:]...)
			break
		}
	}
	e.kill()
}

// exited is called when a process has ended, however it did.
func (f *function) exited(e *environment, reason string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if e.state == stateGone {
		return
	}
	was := e.state
	f.remove(e)
	switch {
	case e.current != nil:
		f.service.Output(f.spec.Name, "RequestId: "+e.current.id+" Error: "+reason)
		out := failed("Runtime.ExitError", "RequestId: "+e.current.id+" Error: "+reason)
		if was == stateRestarting && e.initError != nil {
			out = outcome{payload: e.initError, functionError: functionErrorUnhandled}
		}
		f.finish(e, out)
	case was == stateStarting:
		f.restart("Status: error " + reason)
	}
	f.grow()
}

// restart is called when an environment could not start. If an invocation waits for one, its environment is started once more, now
// as a part of the invocation: within the function's time limit, and with its failure as the invocation's. So it is on AWS: "If all
// three tasks do not complete within 10 seconds, Lambda retries the Init phase at the time of the first function invocation with
// the configured function timeout" (docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html, "Init phase"), and the
// same after a crash ("Failures during the Init phase"). A function that never starts fails each invocation once.
func (f *function) restart(report string) {
	f.service.Output(f.spec.Name, "INIT_REPORT Phase: init "+report)
	first := f.waiting.Front()
	if first == nil || f.closed {
		return
	}
	e := f.newEnvironment(stateRestarting)
	f.begin(e, f.waiting.Remove(first).(*invocation))
	f.launch(e)
}

// expireInit kills an environment that did not start in time.
func (f *function) expireInit(e *environment) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if e.state != stateStarting {
		return
	}
	f.remove(e)
	f.restart("Status: timeout after " + initTimeout.String())
	f.grow()
}

// armIdleTimer makes sure that the environment unused for longest, which lies at the bottom of the stack, is stopped.
func (f *function) armIdleTimer() {
	if f.idleTimer != nil || len(f.idle) == 0 {
		return
	}
	left := f.idle[0].idleSince.Add(f.service.IdleTimeout).Sub(f.service.Clock.Now())
	f.idleTimer = f.service.Clock.AfterFunc(left, f.stopIdle)
}

func (f *function) stopIdle() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.idleTimer = nil
	now := f.service.Clock.Now()
	for len(f.idle) > 0 && now.Sub(f.idle[0].idleSince) >= f.service.IdleTimeout {
		f.remove(f.idle[0])
	}
	if !f.closed {
		f.armIdleTimer()
	}
}

// close kills all environments and fails what runs or waits.
func (f *function) close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	if f.idleTimer != nil {
		f.idleTimer.Stop()
	}
	for e := range f.environments {
		if e.current != nil {
			f.finish(e, outcome{err: errClosed()})
		}
		f.remove(e)
	}
	for first := f.waiting.Front(); first != nil; first = f.waiting.Front() {
		f.resolve(f.waiting.Remove(first).(*invocation), outcome{err: errClosed()})
	}
}

// failed is the outcome of an invocation that ended with an error of the runtime's making.
func failed(errorType, message string) outcome {
	payload := append([]byte(`{"errorType":"`), errorType...)
	payload = append(payload, `","errorMessage":`...)
	payload = appendString(payload, message)
	return outcome{payload: append(payload, '}'), functionError: functionErrorUnhandled}
}

// Stats returns the counters of a function.
func (s *Service) Stats(function string) (Stats, error) {
	f, err := s.find(function)
	if err != nil {
		return Stats{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	stats := f.stats
	stats.Environments, stats.Busy = len(f.environments), f.busy
	return stats, nil
}
