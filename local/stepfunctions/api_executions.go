package stepfunctions

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/payrail/payrail/local/wire"
)

type startInput struct {
	StateMachineARN string  `json:"stateMachineArn"`
	Name            string  `json:"name"`
	Input           *string `json:"input"`
	IncludedData    string  `json:"includedData"` // of StartSyncExecution
}

// text is the execution's input: {} where the call gives none.
func (in *startInput) text() []byte {
	if in.Input == nil {
		return []byte("{}")
	}
	return []byte(*in.Input)
}

type startOutput struct {
	ExecutionARN string  `json:"executionArn"`
	StartDate    float64 `json:"startDate"`
}

func (s *Service) startExecution(ctx context.Context, in *startInput) (*startOutput, error) {
	if err := checkARN(in.StateMachineARN, machineResource); err != nil {
		return nil, err
	}
	p, err := s.start(ctx, in.StateMachineARN, in.Name, in.text())
	if err != nil {
		return nil, err
	}
	return &startOutput{p.arn, epoch(p.started)}, nil
}

type syncOutput struct {
	ExecutionARN    string         `json:"executionArn"`
	StateMachineARN string         `json:"stateMachineArn"`
	Name            string         `json:"name"`
	StartDate       float64        `json:"startDate"`
	StopDate        float64        `json:"stopDate"`
	Status          string         `json:"status"`
	Error           *string        `json:"error,omitempty"`
	Cause           *string        `json:"cause,omitempty"`
	Input           string         `json:"input"`
	InputDetails    payloadDetails `json:"inputDetails"`
	Output          *string        `json:"output,omitempty"`
	OutputDetails   payloadDetails `json:"outputDetails"`
	BillingDetails  billingDetails `json:"billingDetails"`
}

type payloadDetails struct {
	Included bool `json:"included"`
}

type billingDetails struct {
	MemoryMB   int64 `json:"billedMemoryUsedInMB"`
	DurationMS int64 `json:"billedDurationInMilliseconds"`
}

// Steps in which Express bills.
const (
	billedStep     = 100 * time.Millisecond
	billedMemoryMB = 64
)

// errType is the answer to an operation on a state machine of the other type (recorded on AWS: LocalStack,
// test_sfn_api.snapshot.json, test_start_sync_execution, and test_sfn_api_express.snapshot.json).
func errType() error {
	return wire.Errorf("StateMachineTypeNotSupported", "This operation is not supported by this type of state machine")
}

// startSyncExecution answers when the execution has ended; that it failed is part of the answer, not an error.
func (s *Service) startSyncExecution(ctx context.Context, in *startInput) (*syncOutput, error) {
	if err := allData(in.IncludedData); err != nil {
		return nil, err
	}
	m, err := s.find(in.StateMachineARN)
	if err != nil {
		return nil, err
	}
	if m.kind != typeExpress {
		return nil, errType()
	}
	p, err := s.begin(ctx, in.StateMachineARN, in.Name, in.text())
	if err != nil {
		return nil, err
	}
	o := s.finish(p)
	// At least one step is billed, as recorded on AWS (LocalStack, test_sfn_api_express.snapshot.json).
	billed := max(billedStep, (o.stopped.Sub(p.started) + billedStep - 1).Truncate(billedStep))
	out := &syncOutput{
		ExecutionARN: p.arn, StateMachineARN: p.stateMachineARN, Name: p.name,
		StartDate: epoch(p.started), StopDate: epoch(o.stopped), Status: o.status(),
		Input: string(in.text()), InputDetails: payloadDetails{true}, OutputDetails: payloadDetails{true},
		BillingDetails: billingDetails{billedMemoryMB, billed.Milliseconds()},
	}
	out.Output, out.Error, out.Cause = o.told()
	return out, nil
}

// told are the texts of an outcome, nil for those there are none of.
func (o outcome) told() (output, name, cause *string) {
	if o.failure == nil {
		text := o.output.String()
		return &text, nil, nil
	}
	if !o.failure.noName {
		name = &o.failure.name
	}
	if !o.failure.noCause {
		cause = &o.failure.cause
	}
	return nil, name, cause
}

type executionInput struct {
	ExecutionARN string  `json:"executionArn"`
	IncludedData string  `json:"includedData"`
	Error        *string `json:"error"` // of StopExecution
	Cause        *string `json:"cause"`
}

// findExecution is called with the lock held.
func (s *Service) findExecution(arn string) (*record, error) {
	if err := checkARN(arn, executionResource); err != nil {
		return nil, err
	}
	if r := s.executions.byARN[arn]; r != nil {
		return r, nil
	}
	return nil, wire.Errorf("ExecutionDoesNotExist", "Execution Does Not Exist: '%s'", arn)
}

type executionOutput struct {
	ExecutionARN        string          `json:"executionArn"`
	StateMachineARN     string          `json:"stateMachineArn"`
	Name                string          `json:"name"`
	Status              string          `json:"status"`
	StartDate           float64         `json:"startDate"`
	StopDate            float64         `json:"stopDate,omitempty"`
	Input               string          `json:"input"`
	InputDetails        payloadDetails  `json:"inputDetails"`
	Output              *string         `json:"output,omitempty"`
	OutputDetails       *payloadDetails `json:"outputDetails,omitempty"`
	Error               *string         `json:"error,omitempty"`
	Cause               *string         `json:"cause,omitempty"`
	RedriveCount        int             `json:"redriveCount"`
	RedriveStatus       string          `json:"redriveStatus"`
	RedriveStatusReason string          `json:"redriveStatusReason,omitempty"`
}

func (s *Service) describeExecution(_ context.Context, in *executionInput) (*executionOutput, error) {
	if err := allData(in.IncludedData); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	r, err := s.findExecution(in.ExecutionARN)
	if err != nil {
		return nil, err
	}
	out := &executionOutput{
		ExecutionARN: r.arn, StateMachineARN: r.machineARN, Name: r.name, Status: r.status, StartDate: epoch(r.started),
		Input: r.input, InputDetails: payloadDetails{true}, Output: r.output, Error: r.errorName, Cause: r.cause, RedriveStatus: "REDRIVABLE",
	}
	if r.output != nil {
		out.OutputDetails = &payloadDetails{true}
	}
	if r.status == statusRunning || r.status == statusSucceeded {
		out.RedriveStatus, out.RedriveStatusReason = "NOT_REDRIVABLE", fmt.Sprintf("Execution is %s and cannot be redriven", r.status)
	}
	if r.status != statusRunning {
		out.StopDate = epoch(r.stopped)
	}
	return out, nil
}

// Longest error and cause of StopExecution.
const maxErrorLength = 256

type stopOutput struct {
	StopDate float64 `json:"stopDate"`
}

// stopExecution ends an execution as aborted; one that has ended stays as it is. One that was stopped does not run again.
func (s *Service) stopExecution(_ context.Context, in *executionInput) (*stopOutput, error) {
	for _, text := range []struct {
		member  string
		value   *string
		longest int
	}{{"error", in.Error, maxErrorLength}, {"cause", in.Cause, maxCauseBytes}} {
		if text.value != nil && utf8.RuneCountInString(*text.value) > text.longest {
			return nil, constraint(*text.value, text.member, "have length less than or equal to %d", text.longest)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	r, err := s.findExecution(in.ExecutionARN)
	if err != nil {
		return nil, err
	}
	if r.status == statusRunning {
		s.kept.forget(r.arn)
		r.status, r.stopped, r.errorName, r.cause = statusAborted, s.env.clock.Now(), in.Error, in.Cause
		r.cancel(errStopped)
	}
	return &stopOutput{epoch(r.stopped)}, nil
}

type listExecutionsInput struct {
	StateMachineARN string `json:"stateMachineArn"`
	MapRunARN       string `json:"mapRunArn"`
	RedriveFilter   string `json:"redriveFilter"`
	StatusFilter    string `json:"statusFilter"`
	MaxResults      int    `json:"maxResults"`
	NextToken       string `json:"nextToken"`
}

type listExecutionsOutput struct {
	Executions []listedExecution `json:"executions"`
	NextToken  string            `json:"nextToken,omitempty"`
}

type listedExecution struct {
	ExecutionARN    string  `json:"executionArn"`
	StateMachineARN string  `json:"stateMachineArn"`
	Name            string  `json:"name"`
	Status          string  `json:"status"`
	StartDate       float64 `json:"startDate"`
	StopDate        float64 `json:"stopDate,omitempty"`
	RedriveCount    int     `json:"redriveCount"`
}

// statusFilters in the order in which the service lists them.
var statusFilters = []string{statusSucceeded, statusTimedOut, "PENDING_REDRIVE", statusAborted, statusFailed, statusRunning}

// listExecutions pages from the execution started last; the token is the number of the last one of the page before.
func (s *Service) listExecutions(_ context.Context, in *listExecutionsInput) (*listExecutionsOutput, error) {
	if in.MapRunARN != "" || in.RedriveFilter != "" {
		return nil, wire.NotImplemented("lists of executions by mapRunArn or redriveFilter")
	}
	if in.StatusFilter != "" && !slices.Contains(statusFilters, in.StatusFilter) {
		return nil, constraint(in.StatusFilter, "statusFilter", "satisfy enum value set: [%s]", strings.Join(statusFilters, ", "))
	}
	size, err := pageSize(in.MaxResults)
	if err != nil {
		return nil, err
	}
	if err := checkToken(in.NextToken, 3096); err != nil {
		return nil, err
	}
	m, err := s.find(in.StateMachineARN)
	if err != nil {
		return nil, err
	}
	if m.kind != typeStandard {
		return nil, errType()
	}
	before := ^uint64(0)
	if in.NextToken != "" {
		if before, err = strconv.ParseUint(in.NextToken, 10, 64); err != nil {
			return nil, wire.Errorf("InvalidToken", "Invalid Token: '%s'", in.NextToken)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	out := &listExecutionsOutput{Executions: []listedExecution{}}
	last := uint64(0)
	for _, r := range s.executions.list(m.arn, in.StatusFilter) {
		if r.number >= before {
			continue
		}
		if len(out.Executions) == size {
			out.NextToken = strconv.FormatUint(last, 10)
			break
		}
		last = r.number
		listed := listedExecution{r.arn, r.machineARN, r.name, r.status, epoch(r.started), 0, 0}
		if r.status != statusRunning {
			listed.StopDate = epoch(r.stopped)
		}
		out.Executions = append(out.Executions, listed)
	}
	return out, nil
}
