package stepfunctions

import (
	"context"
	"errors"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/payrail/payrail/local/wire"
)

func (s *Service) newAPI() *wire.JSON {
	return &wire.JSON{
		Name: "states", TargetPrefix: "AWSStepFunctions", Version: "1.0", Faults: s.options.Faults,
		Operations: map[string]wire.Operation{
			"CreateStateMachine":             wire.Op(s.createStateMachine),
			"DeleteStateMachine":             wire.Op(s.deleteStateMachine),
			"DescribeExecution":              wire.Op(s.describeExecution),
			"DescribeStateMachine":           wire.Op(s.describeStateMachine),
			"ListExecutions":                 wire.Op(s.listExecutions),
			"ListStateMachines":              wire.Op(s.listStateMachines),
			"StartExecution":                 wire.Op(s.startExecution),
			"StartSyncExecution":             wire.Op(s.startSyncExecution),
			"StopExecution":                  wire.Op(s.stopExecution),
			"UpdateStateMachine":             wire.Op(s.updateStateMachine),
			"ValidateStateMachineDefinition": wire.Op(s.validateDefinition),
		},
	}
}

// epoch is a time as the JSON protocol writes it: seconds, with the milliseconds as decimals.
func epoch(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

// Kinds of resources in ARNs.
const (
	machineResource   = "stateMachine"
	executionResource = "execution"
)

// checkARN refuses what is no ARN or one of another kind, in the service's words (recorded on AWS: LocalStack,
// test_sfn_api.snapshot.json and test_sfn_api_express.snapshot.json).
func checkARN(arn, resource string) error {
	if !strings.HasPrefix(arn, "arn:") {
		return wire.Errorf("InvalidArn", "Invalid Arn: 'Invalid ARN prefix: %s'", arn)
	}
	parts := strings.Split(arn, ":")
	if len(parts) < 7 {
		return wire.Errorf("InvalidArn", "Invalid Arn: '%s'", arn)
	}
	if parts[5] != resource {
		return wire.Errorf("InvalidArn", "Invalid Arn: 'Resource type not valid in this context: %s'", parts[5])
	}
	if resource == machineResource && (len(parts) > 7 || strings.Contains(parts[6], "/")) {
		return wire.NotImplemented("versions, aliases and map runs of state machines: " + arn)
	}
	return nil
}

var roleForm = regexp.MustCompile(`^arn:aws[a-z-]*:iam::[0-9]{12}:role/.+$`)

// checkRole refuses what is no role's ARN; whether there is such a role is not looked at.
func checkRole(arn string) error {
	if roleForm.MatchString(arn) {
		return nil
	}
	return wire.Errorf("InvalidArn", "Invalid Role Arn: '%s'", arn)
}

// constraint answers as the service does to a member whose value it cannot take.
func constraint(value, member, format string, args ...any) error {
	args = append([]any{value, member}, args...)
	return wire.Errorf("ValidationException", "1 validation error detected: Value '%s' at '%s' failed to satisfy constraint: Member must "+format, args...)
}

// required refuses a call without a member.
func required(name, value string) error {
	if value != "" {
		return nil
	}
	return wire.Errorf("ValidationException", "1 validation error detected: Value null at '%s' failed to satisfy constraint: Member must not be null", name)
}

// allData refuses answers without the data.
func allData(included string) error {
	if included == "" || included == "ALL_DATA" {
		return nil
	}
	return wire.NotImplemented("includedData " + included)
}

// Page sizes of lists.
const (
	defaultPage = 100
	maxPage     = 1000
)

func pageSize(maxResults int) (int, error) {
	switch {
	case maxResults < 0:
		return 0, constraint(strconv.Itoa(maxResults), "maxResults", "have value greater than or equal to 0")
	case maxResults > maxPage:
		return 0, constraint(strconv.Itoa(maxResults), "maxResults", "have value less than or equal to %d", maxPage)
	case maxResults == 0:
		return defaultPage, nil
	}
	return maxResults, nil
}

func checkToken(token string, longest int) error {
	if len(token) > longest {
		return constraint(token, "nextToken", "have length less than or equal to %d", longest)
	}
	return nil
}

// createInput holds what the runtime acts on. Tags only show.
type createInput struct {
	Name       string `json:"name"`
	Definition string `json:"definition"`
	RoleARN    string `json:"roleArn"`
	Type       string `json:"type"`
	Publish    bool   `json:"publish"`
	settings
}

type createOutput struct {
	StateMachineARN string  `json:"stateMachineArn"`
	CreationDate    float64 `json:"creationDate"`
}

func (s *Service) createStateMachine(_ context.Context, in *createInput) (*createOutput, error) {
	if err := errors.Join(required("name", in.Name), required("definition", in.Definition), required("roleArn", in.RoleARN)); err != nil {
		return nil, err
	}
	if in.Publish {
		return nil, wire.NotImplemented("versions of state machines (publish)")
	}
	if err := checkRole(in.RoleARN); err != nil {
		return nil, err
	}
	m, err := s.create(Spec{Name: in.Name, Type: in.Type, RoleARN: in.RoleARN}, in.Definition, defaultSettings().with(in.settings))
	if err != nil {
		return nil, err
	}
	return &createOutput{m.arn, epoch(m.created)}, nil
}

type updateInput struct {
	StateMachineARN string  `json:"stateMachineArn"`
	Definition      *string `json:"definition"`
	RoleARN         *string `json:"roleArn"`
	Publish         bool    `json:"publish"`
	settings
}

type updateOutput struct {
	UpdateDate float64 `json:"updateDate"`
	RevisionID string  `json:"revisionId,omitempty"`
}

// updateStateMachine changes what executions that start later run; an update that changes nothing keeps the revision.
func (s *Service) updateStateMachine(_ context.Context, in *updateInput) (*updateOutput, error) {
	m, err := s.find(in.StateMachineARN)
	if err != nil {
		return nil, err
	}
	if in.Publish {
		return nil, wire.NotImplemented("versions of state machines (publish)")
	}
	if in.Definition == nil && in.RoleARN == nil && in.Logging == nil && in.Tracing == nil && in.Encryption == nil {
		return nil, wire.Errorf("MissingRequiredParameter", "Either the definition, the role ARN, the LoggingConfiguration, or the TracingConfiguration must be specified")
	}
	changed := m
	if in.RoleARN != nil {
		if err := checkRole(*in.RoleARN); err != nil {
			return nil, err
		}
		changed.role = *in.RoleARN
	}
	if in.Definition != nil {
		changed.definition = *in.Definition
		if changed.compiled, err = s.compile(changed.definition, m.kind); err != nil {
			return nil, err
		}
	}
	changed.settings = m.settings.with(in.settings)
	s.mu.Lock()
	defer s.mu.Unlock()
	kept := s.machines[m.arn]
	if kept == nil {
		return nil, noSuchMachine(m.arn)
	}
	if changed.role != m.role || changed.definition != m.definition || !changed.settings.same(m.settings) || !sameJSON(changed.settings.Encryption, m.settings.Encryption) {
		kept.revision = s.env.newID()
	}
	kept.role, kept.definition, kept.compiled, kept.settings = changed.role, changed.definition, changed.compiled, changed.settings
	return &updateOutput{epoch(s.env.clock.Now()), kept.revision}, nil
}

func noSuchMachine(arn string) error {
	return wire.Errorf("StateMachineDoesNotExist", "State Machine Does Not Exist: '%s'", arn)
}

// find returns a state machine as it is now.
func (s *Service) find(arn string) (stateMachine, error) {
	if err := checkARN(arn, machineResource); err != nil {
		return stateMachine{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if m := s.machines[arn]; m != nil {
		return *m, nil
	}
	return stateMachine{}, noSuchMachine(arn)
}

type machineInput struct {
	StateMachineARN string `json:"stateMachineArn"`
	IncludedData    string `json:"includedData"`
}

type nothing struct{}

// deleteStateMachine deletes at once, where the service takes up to a minute. EXPRESS executions go on; STANDARD ones are
// terminated. A state machine that is not there is no error.
func (s *Service) deleteStateMachine(_ context.Context, in *machineInput) (*nothing, error) {
	if err := checkARN(in.StateMachineARN, machineResource); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.machines, in.StateMachineARN)
	s.executions.deleteOf(in.StateMachineARN)
	return &nothing{}, nil
}

type describeOutput struct {
	StateMachineARN string  `json:"stateMachineArn"`
	Name            string  `json:"name"`
	Status          string  `json:"status"`
	Definition      string  `json:"definition"`
	RoleARN         string  `json:"roleArn"`
	Type            string  `json:"type"`
	CreationDate    float64 `json:"creationDate"`
	RevisionID      string  `json:"revisionId,omitempty"`
	settings
	// VariableReferences are the variables that each state's fields name.
	VariableReferences map[string][]string `json:"variableReferences,omitempty"`
}

func (s *Service) describeStateMachine(_ context.Context, in *machineInput) (*describeOutput, error) {
	if err := allData(in.IncludedData); err != nil {
		return nil, err
	}
	m, err := s.find(in.StateMachineARN)
	if err != nil {
		return nil, err
	}
	references := map[string][]string{}
	m.compiled.references(references)
	return &describeOutput{m.arn, m.name, "ACTIVE", m.definition, m.role, m.kind, epoch(m.created), m.revision, m.settings, references}, nil
}

func (m *machine) references(found map[string][]string) {
	for _, s := range m.states {
		if len(s.refers) > 0 {
			found[s.name] = s.refers
		}
	}
	for _, inner := range m.inner {
		inner.references(found)
	}
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

// listStateMachines pages by ARN; the token is the last ARN of the page before.
func (s *Service) listStateMachines(_ context.Context, in *listInput) (*listOutput, error) {
	size, err := pageSize(in.MaxResults)
	if err != nil {
		return nil, err
	}
	if err := checkToken(in.NextToken, 1024); err != nil {
		return nil, err
	}
	if in.NextToken != "" && checkARN(in.NextToken, machineResource) != nil {
		return nil, wire.Errorf("InvalidToken", "Invalid Token: '%s'", in.NextToken)
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
		out.StateMachines = append(out.StateMachines, listedMachine{m.arn, m.name, m.kind, epoch(m.created)})
	}
	return out, nil
}

type validateInput struct {
	Definition string `json:"definition"`
	Type       string `json:"type"`
	Severity   string `json:"severity"`
	MaxResults int    `json:"maxResults"`
}

type validateOutput struct {
	Result      string             `json:"result"`
	Diagnostics []listedDiagnostic `json:"diagnostics"`
	Truncated   bool               `json:"truncated"`
}

type listedDiagnostic struct {
	Severity string `json:"severity"`
	Code     string `json:"code"`
	Message  string `json:"message"`
	Location string `json:"location,omitempty"`
}

// maxDiagnostics is how many diagnostics an answer has at most, and where the call names no number.
const maxDiagnostics = 100

func (s *Service) validateDefinition(_ context.Context, in *validateInput) (*validateOutput, error) {
	if in.Severity != "" && in.Severity != "ERROR" {
		return nil, wire.NotImplemented("diagnostics of the severity " + in.Severity)
	}
	if in.MaxResults < 0 || in.MaxResults > maxDiagnostics {
		return nil, constraint(strconv.Itoa(in.MaxResults), "maxResults", "have value between 0 and %d", maxDiagnostics)
	}
	if in.Type == "" {
		in.Type = typeStandard
	}
	_, err := s.compile(in.Definition, in.Type)
	out := &validateOutput{Result: "OK", Diagnostics: []listedDiagnostic{}}
	if err == nil {
		return out, nil
	}
	var found diagnostics
	if !errors.As(err, &found) {
		return nil, err
	}
	out.Result = "FAIL"
	limit := maxDiagnostics
	if in.MaxResults > 0 {
		limit = in.MaxResults
	}
	if len(found) > limit {
		found, out.Truncated = found[:limit], true
	}
	for _, d := range found {
		out.Diagnostics = append(out.Diagnostics, listedDiagnostic{"ERROR", d.code, d.message, d.location})
	}
	return out, nil
}
