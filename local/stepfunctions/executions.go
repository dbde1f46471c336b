package stepfunctions

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/payrail/payrail/local/wire"
)

// Bounds on what is kept of STANDARD executions. AWS keeps an execution for 90 days after its end; here the oldest that
// have ended make room for new ones.
const (
	maxKeptExecutions = 10000
	maxKeptBytes      = 64 << 20
)

// Statuses of an execution.
const (
	statusRunning   = "RUNNING"
	statusSucceeded = "SUCCEEDED"
	statusFailed    = "FAILED"
	statusTimedOut  = "TIMED_OUT"
	statusAborted   = "ABORTED"
)

// record is what DescribeExecution tells of a STANDARD execution. Its fields are guarded by executions.mu.
type record struct {
	arn, name, machineARN string
	input                 string
	started, stopped      time.Time
	number                uint64 // counts starts, as two may begin at the same time
	status                string
	output                *string
	errorName, cause      *string
	cancel                context.CancelCauseFunc
}

func (r *record) bytes() int {
	n := len(r.input)
	for _, text := range []*string{r.output, r.cause} {
		if text != nil {
			n += len(*text)
		}
	}
	return n
}

// executions are the STANDARD executions of all state machines: one per ARN, and so one per state machine and name.
type executions struct {
	byARN  map[string]*record
	ended  []*record // oldest end first
	bytes  int       // of those that have ended
	starts uint64
}

// begin makes a new execution, or returns the one that runs under the name with the same input. "If StartExecution is
// called with the same name and input as a running execution, the call succeeds and returns the same response as the
// original request. If the execution is closed or if the input is different, it returns ExecutionAlreadyExists"
// (docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html).
func (e *executions) begin(r *record) (*record, bool, error) {
	if known := e.byARN[r.arn]; known != nil {
		if known.status == statusRunning && known.input == r.input {
			return known, false, nil
		}
		return nil, false, wire.Errorf("ExecutionAlreadyExists", "Execution Already Exists: '%s'", r.arn)
	}
	e.starts++
	r.number, r.status = e.starts, statusRunning
	e.byARN[r.arn] = r
	return r, true, nil
}

// end notes how an execution ended, unless it was stopped before, and forgets the oldest ones.
func (e *executions) end(r *record, o outcome) {
	if r.status == statusRunning {
		r.status, r.stopped = o.status(), o.stopped
		r.output, r.errorName, r.cause = o.told()
		if r.status == statusTimedOut {
			r.errorName = nil // States.Timeout stands in the history only (measured on AWS: github.com/floci-io/floci, issue 2733).
		}
	}
	if e.byARN[r.arn] != r {
		return // Its state machine has been deleted.
	}
	e.ended = append(e.ended, r)
	e.bytes += r.bytes()
	for len(e.ended) > 1 && (len(e.ended) > maxKeptExecutions || e.bytes > maxKeptBytes) {
		e.forget(e.ended[0])
	}
}

func (e *executions) forget(r *record) {
	delete(e.byARN, r.arn)
	switch i := slices.Index(e.ended, r); {
	case i < 0: // It runs.
		return
	case i == 0: // The oldest, which makes room.
		e.ended = e.ended[1:]
	default:
		e.ended = slices.Delete(e.ended, i, i+1)
	}
	e.bytes -= r.bytes()
}

// deleteOf stops and forgets the executions of a state machine.
func (e *executions) deleteOf(machineARN string) {
	for _, r := range e.list(machineARN, "") {
		r.cancel(errStopped)
		e.forget(r)
	}
}

// list returns the executions of a state machine, those started last first.
func (e *executions) list(machineARN, status string) []*record {
	var found []*record
	for _, r := range e.byARN {
		if r.machineARN == machineARN && (status == "" || r.status == status) {
			found = append(found, r)
		}
	}
	slices.SortFunc(found, func(a, b *record) int { return cmp.Compare(b.number, a.number) })
	return found
}

var errStopped = errors.New("the execution was stopped")
