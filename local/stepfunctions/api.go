package stepfunctions

import (
	"context"
	"encoding/json"
	"errors"
	"sort"
	"time"

	"github.com/payrail/payrail/local/wire"
)

func (s *Service) newAPI() *wire.JSON {
	return &wire.JSON{
		Name: "states", TargetPrefix: "AWSStepFunctions", Version: "1.0", Faults: s.options.Faults,
		Operations: map[string]wire.Operation{
			"CreateStateMachine":             wire.Op(s.createStateMachine),
			"DescribeStateMachine":           wire.Op(s.describeStateMachine),
			"ListStateMachines":              wire.Op(s.listStateMachines),
			"StartExecution":                 wire.Op(s.startExecution),
			"StartSyncExecution":             wire.Op(s.startSyncExecution),
			"ValidateStateMachineDefinition": wire.Op(s.validateDefinition),
		},
	}
}

// epoch is a time as the JSON protocol writes it: seconds, with the milliseconds as decimals.
func epoch(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

// createInput holds what the runtime acts on. Logging, tracing, tags and encryption only protect or show.
type createInput struct {
	Name       string `json:"name"`
	Definition string `json:"definition"`
	RoleARN    string `json:"roleArn"`
	Type       string `json:"type"`
	Publish    bool   `json:"publish"`
}

type createOutput struct {
	StateMachineARN string  `json:"stateMachineArn"`
	CreationDate    float64 `json:"creationDate"`
}

func (s *Service) createStateMachine(_ context.Context, in *createInput) (*createOutput, error) {
	if in.Publish {
		return nil, wire.NotImplemented("versions of state machines (publish)")
	}
	if in.Type == "" {
		in.Type = "STANDARD" // The service's default; refused by name below.
	}
	arn, err := s.CreateStateMachine(Spec{Name: in.Name, Type: in.Type, Definition: in.Definition, RoleARN: in.RoleARN, Substitutions: selfSubstitutions(in.Definition)})
	if err != nil {
		return nil, err
	}
	m, err := s.find(arn)
	if err != nil {
		return nil, err
	}
	return &createOutput{arn, epoch(m.created)}, nil
}

// selfSubstitutions keep ${X} as it is: only CloudFormation replaces it, to the API it is text.
func selfSubstitutions(definition string) map[string]string {
	same := map[string]string{}
	for _, match := range substitution.FindAllString(definition, -1) {
		same[match[2:len(match)-1]] = match
	}
	return same
}

func (s *Service) find(arn string) (*stateMachine, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if m := s.machines[arn]; m != nil {
		return m, nil
	}
	return nil, wire.Errorf("StateMachineDoesNotExist", "State Machine Does Not Exist: '%s'", arn)
}

type describeInput struct {
	StateMachineARN string `json:"stateMachineArn"`
}

type describeOutput struct {
	StateMachineARN string  `json:"stateMachineArn"`
	Name            string  `json:"name"`
	Status          string  `json:"status"`
	Definition      string  `json:"definition"`
	RoleARN         string  `json:"roleArn"`
	Type            string  `json:"type"`
	CreationDate    float64 `json:"creationDate"`
}

func (s *Service) describeStateMachine(_ context.Context, in *describeInput) (*describeOutput, error) {
	m, err := s.find(in.StateMachineARN)
	if err != nil {
		return nil, err
	}
	return &describeOutput{m.arn, m.name, "ACTIVE", m.definition, m.role, "EXPRESS", epoch(m.created)}, nil
}

type listInput struct {
	MaxResults int    `json:"maxResults"`
	NextToken  string `json:"nextToken"`
}

type listOutput struct {
	StateMachines []listedMachine `json:"stateMachines"`
	NextToken     string          `json:"nextToken,omitempty"`
}

type listedMachine struct {
	StateMachineARN string  `json:"stateMachineArn"`
	Name            string  `json:"name"`
	Type            string  `json:"type"`
	CreationDate    float64 `json:"creationDate"`
}

// Page sizes of ListStateMachines.
const (
	defaultPage = 100
	maxPage     = 1000
)

// listStateMachines pages by ARN; the token is the last ARN of the page before.
func (s *Service) listStateMachines(_ context.Context, in *listInput) (*listOutput, error) {
	if in.MaxResults < 0 || in.MaxResults > maxPage {
		return nil, wire.Errorf("ValidationException", "maxResults must be between 0 and %d, it is %d", maxPage, in.MaxResults)
	}
	size := in.MaxResults
	if size == 0 {
		size = defaultPage
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	arns := make([]string, 0, len(s.machines))
	for arn := range s.machines {
		if arn > in.NextToken {
			arns = append(arns, arn)
		}
	}
	sort.Strings(arns)
	out := &listOutput{StateMachines: []listedMachine{}}
	if len(arns) > size {
		arns = arns[:size]
		out.NextToken = arns[size-1]
	}
	for _, arn := range arns {
		m := s.machines[arn]
		out.StateMachines = append(out.StateMachines, listedMachine{m.arn, m.name, "EXPRESS", epoch(m.created)})
	}
	return out, nil
}

type startInput struct {
	StateMachineARN string  `json:"stateMachineArn"`
	Name            string  `json:"name"`
	Input           *string `json:"input"`
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
	p, err := s.begin(ctx, in.StateMachineARN, in.Name, in.text())
	if err != nil {
		return nil, err
	}
	started := epoch(p.started)
	go s.finish(p)
	return &startOutput{p.arn, started}, nil
}

type syncOutput struct {
	ExecutionARN    string         `json:"executionArn"`
	StateMachineARN string         `json:"stateMachineArn"`
	Name            string         `json:"name"`
	StartDate       float64        `json:"startDate"`
	StopDate        float64        `json:"stopDate"`
	Status          string         `json:"status"`
	Error           string         `json:"error,omitempty"`
	Cause           string         `json:"cause,omitempty"`
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

// startSyncExecution answers when the execution has ended; that it failed is part of the answer, not an error.
func (s *Service) startSyncExecution(ctx context.Context, in *startInput) (*syncOutput, error) {
	p, err := s.begin(ctx, in.StateMachineARN, in.Name, in.text())
	if err != nil {
		return nil, err
	}
	o := s.finish(p)
	out := &syncOutput{
		ExecutionARN: p.arn, StateMachineARN: p.stateMachineARN, Name: p.name,
		StartDate: epoch(p.started), StopDate: epoch(o.stopped), Status: o.status(),
		Input: string(in.text()), InputDetails: payloadDetails{true}, OutputDetails: payloadDetails{true},
		BillingDetails: billingDetails{billedMemoryMB, (o.stopped.Sub(p.started) + billedStep - 1).Truncate(billedStep).Milliseconds()},
	}
	if o.failure != nil {
		out.Error, out.Cause = o.failure.name, o.failure.cause
		return out, nil
	}
	text := o.output.String()
	out.Output = &text
	return out, nil
}

type validateInput struct {
	Definition string `json:"definition"`
	Type       string `json:"type"`
}

type validateOutput struct {
	Result      string       `json:"result"`
	Diagnostics []diagnostic `json:"diagnostics"`
}

type diagnostic struct {
	Severity string `json:"severity"`
	Code     string `json:"code"`
	Message  string `json:"message"`
}

func (s *Service) validateDefinition(_ context.Context, in *validateInput) (*validateOutput, error) {
	if in.Type != "EXPRESS" {
		return nil, wire.NotImplemented("the validation of STANDARD state machines")
	}
	_, err := s.compiler.compile([]byte(in.Definition))
	if err == nil {
		return &validateOutput{Result: "OK", Diagnostics: []diagnostic{}}, nil
	}
	code := "SCHEMA_VALIDATION_FAILED"
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		code = "INVALID_JSON_DESCRIPTION"
	}
	return &validateOutput{Result: "FAIL", Diagnostics: []diagnostic{{"ERROR", code, err.Error()}}}, nil
}
