// Package lambda is the local runtime's AWS Lambda: functions are "bootstrap" binaries, run as processes over the Lambda
// Runtime API, one event per process at a time, with as many processes as the load needs. It serves synchronous and
// asynchronous invocations and SQS event source mappings.
package lambda

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/payrail/payrail/local/clock"
	"github.com/payrail/payrail/local/faults"
	"github.com/payrail/payrail/local/storage"
	"github.com/payrail/payrail/local/wire"
)

const (
	// maxPayloadBytes is AWS's limit of a synchronous invocation's event, maxResponseBytes that of every response: its error says
	// this number.
	maxPayloadBytes  = 6 << 20
	maxResponseBytes = 6291556
	// maxAsyncPayloadBytes is AWS's limit of an asynchronous invocation's event.
	maxAsyncPayloadBytes = 1 << 20
	// initTimeout is how long AWS lets an environment start.
	initTimeout = 10 * time.Second
	// defaultIdleTimeout is in the range of what AWS is seen to do; it does not document one.
	defaultIdleTimeout = 10 * time.Minute
	// defaultRecycleAfter makes environments short-lived enough that state kept in them by mistake is lost now and then,
	// and long-lived enough that stale caches show and that starting processes (about 20 ms each) costs next to nothing.
	defaultRecycleAfter = 2000
	// environmentsPerCPU bounds the processes of one function: more than one per CPU because functions wait for their
	// calls, few because all functions share the machine.
	environmentsPerCPU = 2
	// minEnvironments keeps concurrency bugs visible on small machines.
	minEnvironments = 4
)

// Options is what a Service needs. Clock, Region, Account, Logger and EndpointURL are mandatory.
type Options struct {
	// Clock runs retries, batching windows and idle timeouts.
	Clock clock.Clock
	// RealTime runs function deadlines, which stay real because functions do; nil means the machine's clock.
	RealTime clock.Clock
	Faults   *faults.Injector
	Logger   *slog.Logger
	Region   string
	Account  string
	// EndpointURL is the AWS_ENDPOINT_URL functions get; asked whenever a process starts.
	EndpointURL func() string
	// Output takes what functions print, line by line, from many goroutines; nil drops it. It must not call the Service.
	Output func(function, line string)
	// Observe takes every value of a metric of a function (MetricInvocations …), from many goroutines; nil drops them. It must
	// not block and must not call the Service.
	Observe func(function, metric string, value float64)
	// Queues is needed for event source mappings.
	Queues Queues
	// Destinations is needed for functions with an OnFailureARN or DeadLetterARN.
	Destinations Destinations
	// MaxEnvironments bounds the processes of each function; 0 means twice the CPUs and at least 4.
	MaxEnvironments int
	// RecycleAfter is how many invocations a process serves; 0 means 2,000.
	RecycleAfter int
	// IdleTimeout is how long an unused process stays; 0 means 10 minutes.
	IdleTimeout time.Duration
	// KeepRunning leaves processes running between invocations. Otherwise they are frozen where the system can do it (Linux), as
	// on AWS: what a function leaves running after its answer stands still until its process gets the next event.
	KeepRunning bool
	// NewID makes request ids and mapping ids; nil means random UUIDs.
	NewID func() string
	// Ready is closed when mappings may begin to read their queues and accepted events may be run; nil means at once. Where queues
	// have messages from an earlier process, what functions send to must be there before.
	Ready <-chan struct{}
	// Store keeps accepted events of asynchronous invocations beyond the process, for Resume; nil keeps them in memory alone.
	Store storage.Store
}

func (o *Options) setDefaults() {
	if o.RealTime == nil {
		o.RealTime = clock.NewScaled(1)
	}
	if o.Output == nil {
		o.Output = func(string, string) {}
	}
	if o.Observe == nil {
		o.Observe = func(string, string, float64) {}
	}
	if o.MaxEnvironments == 0 {
		o.MaxEnvironments = max(minEnvironments, environmentsPerCPU*runtime.NumCPU())
	}
	if o.RecycleAfter == 0 {
		o.RecycleAfter = defaultRecycleAfter
	}
	if o.IdleTimeout == 0 {
		o.IdleTimeout = defaultIdleTimeout
	}
	if o.NewID == nil {
		o.NewID = wire.RequestID
	}
}

// Service holds the functions and event source mappings. It is safe for concurrent use.
type Service struct {
	Options
	arnPrefix string
	server    *http.Server
	address   string // of the Runtime API
	launcher  *launcher
	ctx       context.Context
	cancel    context.CancelFunc
	tasks     sync.WaitGroup // processes, mapping loops, asynchronous invocations
	pending   atomic.Int64   // asynchronous events that are not done

	mu           sync.RWMutex
	functions    map[string]*function
	mappings     map[string]*mapping
	environments map[string]*environment
}

// New starts the Runtime API on a free loopback port.
func New(o Options) (*Service, error) {
	o.setDefaults()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listening for the Lambda Runtime API: %w", err)
	}
	s := &Service{
		Options: o, arnPrefix: "arn:aws:lambda:" + o.Region + ":" + o.Account + ":function:",
		address: listener.Addr().String(), launcher: newLauncher(),
		functions: map[string]*function{}, mappings: map[string]*mapping{}, environments: map[string]*environment{},
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.server = &http.Server{Handler: http.HandlerFunc(s.serveRuntime), ErrorLog: slog.NewLogLogger(o.Logger.Handler(), slog.LevelWarn)}
	go func() {
		if err := s.server.Serve(listener); err != http.ErrServerClosed {
			o.Logger.Error("serving the Lambda Runtime API", "error", err)
		}
	}()
	return s, nil
}

// Close stops mappings and retries and kills every function process. It returns when none is left.
func (s *Service) Close() error {
	s.mu.Lock() // Under the lock no task can start between the cancellation and the wait.
	s.cancel()
	s.mu.Unlock()
	for _, f := range s.all() {
		f.close()
	}
	s.tasks.Wait()
	s.launcher.close()
	if err := s.server.Close(); err != nil {
		return fmt.Errorf("closing the Lambda Runtime API: %w", err)
	}
	return nil
}

// spawn runs a background task that Close waits for, unless the service is closed.
func (s *Service) spawn(task func()) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.spawnLocked(task)
}

// spawnLocked is spawn for a caller that holds s.mu.
func (s *Service) spawnLocked(task func()) bool {
	if s.ctx.Err() != nil {
		return false
	}
	s.tasks.Add(1)
	go func() {
		defer s.tasks.Done()
		task()
	}()
	return true
}

func (s *Service) all() []*function {
	s.mu.RLock()
	defer s.mu.RUnlock()
	functions := make([]*function, 0, len(s.functions))
	for _, name := range slices.Sorted(maps.Keys(s.functions)) {
		functions = append(functions, s.functions[name])
	}
	return functions
}

// find returns a function by name, partial ARN or ARN, with or without the qualifier $LATEST.
func (s *Service) find(nameOrARN string) (*function, error) {
	name := strings.TrimPrefix(nameOrARN, s.arnPrefix)
	name = strings.TrimPrefix(name, s.Account+":function:")
	name = strings.TrimSuffix(name, ":"+latestVersion)
	s.mu.RLock()
	defer s.mu.RUnlock()
	if f := s.functions[name]; f != nil {
		return f, nil
	}
	return nil, notFound("Function not found: " + s.arnPrefix + name)
}

func notFound(message string) error {
	return &wire.Error{Status: http.StatusNotFound, Code: "ResourceNotFoundException", Message: message}
}

func invalid(format string, args ...any) error {
	return wire.Errorf("InvalidParameterValueException", format, args...)
}
