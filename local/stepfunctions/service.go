// Package stepfunctions runs STANDARD and EXPRESS state machines written in the JSONPath form of the Amazon States Language: an
// interpreter, the Task integrations this project uses, and the part of the AWSStepFunctions API around them. What a
// definition uses and the package does not do is refused when the state machine is created, never when it runs.
package stepfunctions

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"regexp"
	"sync"
	"time"

	"github.com/payrail/payrail/local/clock"
	"github.com/payrail/payrail/local/faults"
	"github.com/payrail/payrail/local/storage"
	"github.com/payrail/payrail/local/wire"
)

// defaultMaxConcurrent bounds running executions where Options give no number: each holds its input and a goroutine.
const defaultMaxConcurrent = 1000

// Options configure a Service. Clock and Logger are needed; a service that Task states call is needed only if a
// definition names it.
type Options struct {
	Region  string
	Account string
	Clock   clock.Clock
	Logger  *slog.Logger
	Faults  *faults.Injector
	// MaxConcurrent is how many executions of each type run at once: EXPRESS ones wait to be started while there are as many,
	// STANDARD ones are refused. 0 means 1000.
	MaxConcurrent int
	// Store keeps started executions beyond the process, for Resume; nil keeps them in memory alone.
	Store storage.Store
	// Random gives numbers in [0, 1) for jitter and States.MathRandom. It is called concurrently. nil: math/rand/v2.
	Random func() float64
	// NewID makes UUIDs. It is called concurrently. nil: random ones.
	NewID func() string
	// Metrics hears of executions under the names of the service's own metrics (AWS/States): a count of 1 for
	// ExecutionsStarted, ExecutionsSucceeded, ExecutionsFailed, ExecutionsTimedOut and ExecutionsAborted, milliseconds for
	// ExecutionTime. ExecutionThrottled stays unsaid: the runtime lets starts wait and never throttles a state. It is
	// called concurrently and must not block. nil: nobody hears.
	Metrics func(name string, value float64, stateMachineARN string)

	Events    EventBus
	Queues    Queues
	Functions Functions
	Topics    Topics
}

// Counts are the executions of one state machine so far.
type Counts struct {
	Started, Succeeded, Failed, TimedOut, Aborted int
}

// Types of state machines.
const (
	typeStandard = "STANDARD"
	typeExpress  = "EXPRESS"
)

// Spec describes a state machine to create.
type Spec struct {
	Name string
	// Type is STANDARD or EXPRESS; empty: STANDARD, the service's default.
	Type       string
	Definition string
	// Substitutions replace ${Name} in the definition, as DefinitionSubstitutions of CloudFormation do.
	Substitutions map[string]string
	RoleARN       string
}

// Service holds state machines and runs their executions. It is safe for concurrent use.
type Service struct {
	options Options
	env     *environment
	api     *wire.JSON
	kept    *keeper
	slots   chan struct{} // of EXPRESS executions
	ctx     context.Context
	cancel  context.CancelFunc

	mu           sync.Mutex
	machines     map[string]*stateMachine // by ARN
	executions   executions
	running      int
	openStandard int
	idle         *sync.Cond
	closed       bool
}

// stateMachine is guarded by Service.mu. What an execution runs is fixed when it starts.
type stateMachine struct {
	arn        string
	name       string
	kind       string
	role       string
	definition string
	settings   settings
	created    time.Time
	revision   string // "" before the first update
	compiled   *machine
	counts     Counts
}

// settings are kept to be described: logs and traces are not written, and nothing is encrypted.
type settings struct {
	Logging    json.RawMessage `json:"loggingConfiguration"`
	Tracing    json.RawMessage `json:"tracingConfiguration"`
	Encryption json.RawMessage `json:"encryptionConfiguration"`
}

// same compares what the idempotency of CreateStateMachine compares.
func (s settings) same(t settings) bool {
	return sameJSON(s.Logging, t.Logging) && sameJSON(s.Tracing, t.Tracing)
}

func sameJSON(a, b json.RawMessage) bool {
	v, errV := parse(a)
	w, errW := parse(b)
	return errV == nil && errW == nil && v.equal(w)
}

// settings of a state machine for which none were given.
func defaultSettings() settings {
	return settings{
		Logging:    json.RawMessage(`{"level":"OFF","includeExecutionData":false}`),
		Tracing:    json.RawMessage(`{"enabled":false}`),
		Encryption: json.RawMessage(`{"type":"AWS_OWNED_KEY"}`),
	}
}

// with returns the settings with those that t gives.
func (s settings) with(t settings) settings {
	for given, kept := range map[*json.RawMessage]*json.RawMessage{&t.Logging: &s.Logging, &t.Tracing: &s.Tracing, &t.Encryption: &s.Encryption} {
		if len(*given) > 0 && string(*given) != "null" {
			*kept = *given
		}
	}
	return s
}

// New makes a service without state machines.
func New(o Options) (*Service, error) {
	if o.Clock == nil || o.Logger == nil || o.Region == "" || o.Account == "" {
		return nil, errors.New("making the Step Functions service: Region, Account, Clock and Logger are needed")
	}
	if o.MaxConcurrent <= 0 {
		o.MaxConcurrent = defaultMaxConcurrent
	}
	if o.Random == nil {
		o.Random = rand.Float64
	}
	if o.NewID == nil {
		o.NewID = wire.RequestID
	}
	s := &Service{
		options:    o,
		env:        &environment{clock: o.Clock, random: o.Random, newID: o.NewID},
		kept:       newKeeper(o),
		slots:      make(chan struct{}, o.MaxConcurrent),
		machines:   map[string]*stateMachine{},
		executions: executions{byARN: map[string]*record{}},
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.idle = sync.NewCond(&s.mu)
	s.api = s.newAPI()
	return s, nil
}

// ServeHTTP serves the JSON protocol.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.api.ServeHTTP(w, r) }

var substitution = regexp.MustCompile(`\$\{[^}]*\}`)

// CreateStateMachine checks and compiles a definition. The same state machine may be created again; another one of the
// same name is refused.
func (s *Service) CreateStateMachine(spec Spec) (string, error) {
	definition, err := substitute(spec.Definition, spec.Substitutions)
	if err != nil {
		return "", invalidDefinition(err)
	}
	m, err := s.create(spec, definition, defaultSettings())
	if err != nil {
		return "", err
	}
	return m.arn, nil
}

// create checks for the same state machine as the service does: by name, definition, type, logging and tracing, not by the
// role (docs.aws.amazon.com/step-functions/latest/apireference/API_CreateStateMachine.html).
func (s *Service) create(spec Spec, definition string, given settings) (stateMachine, error) {
	if !nameForm.MatchString(spec.Name) {
		return stateMachine{}, wire.Errorf("InvalidName", "Invalid Name: '%s'", spec.Name)
	}
	kind := cmp.Or(spec.Type, typeStandard)
	compiled, err := s.compile(definition, kind)
	if err != nil {
		return stateMachine{}, err
	}
	arn := "arn:aws:states:" + s.options.Region + ":" + s.options.Account + ":stateMachine:" + spec.Name
	s.mu.Lock()
	defer s.mu.Unlock()
	if known := s.machines[arn]; known != nil {
		if known.definition != definition || known.kind != kind || !known.settings.same(given) {
			return stateMachine{}, wire.Errorf("StateMachineAlreadyExists", "State Machine Already Exists: '%s'", arn)
		}
		return *known, nil
	}
	m := &stateMachine{
		arn: arn, name: spec.Name, kind: kind, role: spec.RoleARN, definition: definition, settings: given, created: s.env.clock.Now(), compiled: compiled,
	}
	s.machines[arn] = m
	return *m, nil
}

// maxDefinitionBytes is the longest definition (docs.aws.amazon.com/step-functions/latest/apireference/API_CreateStateMachine.html).
const maxDefinitionBytes = 1 << 20

func (s *Service) compile(definition, kind string) (*machine, error) {
	if len(definition) > maxDefinitionBytes {
		return nil, wire.Errorf("ValidationException", "1 validation error detected: Value at 'definition' failed to satisfy constraint: Member must have length less than or equal to %d", maxDefinitionBytes)
	}
	if kind != typeStandard && kind != typeExpress {
		return nil, wire.Errorf("ValidationException", "1 validation error detected: Value '%s' at 'type' failed to satisfy constraint: Member must satisfy enum value set: [STANDARD, EXPRESS]", kind)
	}
	c := &compiler{integrations: integrationsOf(s.options), functions: s.options.Functions, express: kind == typeExpress}
	compiled, err := c.compile([]byte(definition))
	if err != nil {
		return nil, invalidDefinition(err)
	}
	return compiled, nil
}

func invalidDefinition(err error) error {
	return &definitionError{wire.Errorf("InvalidDefinition", "Invalid State Machine Definition: '%s'", err), err}
}

// definitionError is InvalidDefinition, which still knows the diagnostics.
type definitionError struct {
	answer *wire.Error
	cause  error
}

func (e *definitionError) Error() string   { return e.answer.Error() }
func (e *definitionError) Unwrap() []error { return []error{e.answer, e.cause} }

func substitute(definition string, values map[string]string) (string, error) {
	var missing error
	resolved := substitution.ReplaceAllStringFunc(definition, func(match string) string {
		v, ok := values[match[2:len(match)-1]]
		if !ok && missing == nil {
			missing = fmt.Errorf("the substitution %s has no value", match)
		}
		return v
	})
	return resolved, missing
}

// Start begins an execution and returns its ARN; it goes on when ctx has ended. An empty name stands for a new one. In
// EXPRESS it waits while MaxConcurrent executions run, and the same name twice makes two executions; in STANDARD the same
// name with the same input is the same execution while it runs.
func (s *Service) Start(ctx context.Context, stateMachineARN, name string, input []byte) (string, error) {
	return wire.WithFaultsOn(s.options.Faults, "states:StartExecution", wire.LastPart(stateMachineARN), func() (string, error) {
		p, err := s.start(ctx, stateMachineARN, name, input)
		if err != nil {
			return "", err
		}
		return p.arn, nil
	})
}

// Counts returns how many executions of a state machine there have been, by outcome.
func (s *Service) Counts(stateMachineARN string) Counts {
	s.mu.Lock()
	defer s.mu.Unlock()
	if m := s.machines[stateMachineARN]; m != nil {
		return m.counts
	}
	return Counts{}
}

// Idle waits until no execution runs.
func (s *Service) Idle() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.running > 0 {
		s.idle.Wait()
	}
}

// Close stops the running executions and waits for them. Nothing can be started afterwards.
func (s *Service) Close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.cancel()
	s.Idle()
}
