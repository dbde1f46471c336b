// Package stepfunctions runs EXPRESS state machines written in the JSONPath form of the Amazon States Language: an
// interpreter, the Task integrations this project uses, and the part of the AWSStepFunctions API around them. What a
// definition uses and the package does not do is refused when the state machine is created, never when it runs.
package stepfunctions

import (
	"context"
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
	// MaxConcurrent is how many executions run at once; Start waits while there are as many. 0 means 1000.
	MaxConcurrent int
	// Random gives numbers in [0, 1) for jitter and States.MathRandom. It is called concurrently. nil: math/rand/v2.
	Random func() float64
	// NewID makes UUIDs. It is called concurrently. nil: random ones.
	NewID func() string
	// Metrics hears of executions; nil: nobody does.
	Metrics Metrics

	Events    EventBus
	Queues    Queues
	Functions Functions
	Topics    Topics
}

// Metrics counts under the names of the service's own metrics: ExecutionsStarted, ExecutionsSucceeded, ExecutionsFailed,
// ExecutionsTimedOut. It is called concurrently.
type Metrics interface {
	Count(metric, stateMachineARN string)
}

// Counts are the executions of one state machine so far.
type Counts struct {
	Started, Succeeded, Failed, TimedOut int
}

// Spec describes a state machine to create.
type Spec struct {
	Name string
	// Type must be EXPRESS.
	Type       string
	Definition string
	// Substitutions replace ${Name} in the definition, as DefinitionSubstitutions of CloudFormation do.
	Substitutions map[string]string
	RoleARN       string
}

// Service holds state machines and runs their executions. It is safe for concurrent use.
type Service struct {
	options  Options
	env      *environment
	compiler *compiler
	api      *wire.JSON
	slots    chan struct{}
	ctx      context.Context
	cancel   context.CancelFunc

	mu       sync.Mutex
	machines map[string]*stateMachine // by ARN
	running  int
	idle     *sync.Cond
	closed   bool
}

type stateMachine struct {
	arn        string
	name       string
	role       string
	definition string
	created    time.Time
	compiled   *machine
	counts     Counts // guarded by Service.mu
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
		options:  o,
		env:      &environment{clock: o.Clock, random: o.Random, newID: o.NewID},
		compiler: &compiler{integrations: integrationsOf(o)},
		slots:    make(chan struct{}, o.MaxConcurrent),
		machines: map[string]*stateMachine{},
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.idle = sync.NewCond(&s.mu)
	s.api = s.newAPI()
	return s, nil
}

// ServeHTTP serves the JSON protocol.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.api.ServeHTTP(w, r) }

var (
	stateMachineName = regexp.MustCompile(`^[0-9A-Za-z_-]{1,80}$`)
	substitution     = regexp.MustCompile(`\$\{[^}]*\}`)
)

// CreateStateMachine checks and compiles a definition. The same state machine may be created again; another one of the
// same name is refused.
func (s *Service) CreateStateMachine(spec Spec) (string, error) {
	if !stateMachineName.MatchString(spec.Name) {
		return "", wire.Errorf("InvalidName", "Invalid Name: '%s'", spec.Name)
	}
	if spec.Type != "EXPRESS" {
		return "", wire.NotImplemented(fmt.Sprintf("state machines of type %q (%s), only EXPRESS", spec.Type, spec.Name))
	}
	definition, err := substitute(spec.Definition, spec.Substitutions)
	if err != nil {
		return "", invalidDefinition(err)
	}
	compiled, err := s.compiler.compile([]byte(definition))
	if err != nil {
		return "", invalidDefinition(err)
	}
	arn := "arn:aws:states:" + s.options.Region + ":" + s.options.Account + ":stateMachine:" + spec.Name
	s.mu.Lock()
	defer s.mu.Unlock()
	if known := s.machines[arn]; known != nil {
		if known.definition != definition || known.role != spec.RoleARN {
			return "", wire.Errorf("StateMachineAlreadyExists", "State Machine Already Exists: '%s'", arn)
		}
		return arn, nil
	}
	s.machines[arn] = &stateMachine{
		arn: arn, name: spec.Name, role: spec.RoleARN, definition: definition, created: s.env.clock.Now(), compiled: compiled,
	}
	return arn, nil
}

func invalidDefinition(err error) error {
	return wire.Errorf("InvalidDefinition", "Invalid State Machine Definition: '%s'", err)
}

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

// Start begins an execution and returns its ARN; it goes on when ctx has ended. An empty name stands for a new one. It
// waits while MaxConcurrent executions run. As in Express, the same name twice makes two executions.
func (s *Service) Start(ctx context.Context, stateMachineARN, name string, input []byte) (string, error) {
	return wire.WithFaultsOn(s.options.Faults, "states:StartExecution", wire.LastPart(stateMachineARN), func() (string, error) {
		p, err := s.begin(ctx, stateMachineARN, name, input)
		if err != nil {
			return "", err
		}
		go s.finish(p)
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
