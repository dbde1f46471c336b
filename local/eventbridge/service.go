// Package eventbridge is the local runtime's Amazon EventBridge: event buses with rules, targets, archives and replays
// ("Custom Event Bus - Classic"), and rules on a schedule. Delivery is modelled as AWS does it: at least once, unordered, every target for itself,
// with retries, a dead-letter queue, and nothing of it visible to the caller of PutEvents. What is not done (input
// transformers, API destinations, cross-account buses) is refused by name.
package eventbridge

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"sync"

	"github.com/payrail/payrail/local/clock"
	"github.com/payrail/payrail/local/faults"
	"github.com/payrail/payrail/local/storage"
	"github.com/payrail/payrail/local/wire"
)

// DefaultBus is the bus that every account has.
const DefaultBus = "default"

// Options are what a Service needs. Clock, Store, Region, Account and Targets are required.
type Options struct {
	Clock clock.Clock
	Store storage.Store
	// Durable says that the store outlives the process: then it gets the events whose deliveries are outstanding too, and Resume
	// goes on with those of an earlier process.
	Durable bool
	Faults  *faults.Injector
	Logger  *slog.Logger
	Region  string
	Account string
	// NewID makes event and replay ids; random UUIDs by default. It must be safe for concurrent use.
	NewID func() string
	// Random returns a number in [0,1) for the jitter of retries; it must be safe for concurrent use.
	Random func() float64
	// Targets delivers to the services behind target ARNs.
	Targets Targets
	// DeadLetters sends to the targets' dead-letter queues. Without it PutTargets refuses a DeadLetterConfig.
	DeadLetters DeadLetters
	// AcceptTarget refuses a target when it is added because Targets could never deliver to it. May be nil.
	AcceptTarget func(Target) error
	// CheckTarget says whether the target lets EventBridge deliver (its resource policy, its role). An error makes every
	// delivery fail at once with NO_PERMISSIONS, as on AWS: nothing is refused when the target is added. May be nil.
	CheckTarget func(Target) error
}

// Service is one account's EventBridge in one Region. It is safe for concurrent use.
type Service struct {
	options Options
	api     *wire.JSON
	puts    putMetrics

	mu       sync.RWMutex
	buses    map[string]*bus
	archives map[string]*archive
	replays  map[string]*replay

	kept        *keeper
	outstanding *outstanding
	ctx         context.Context // Ends with Close; deliveries run under it, not under their producer's request.
	cancel      context.CancelFunc
	workers     sync.WaitGroup
	closing     sync.Mutex // Orders the start of workers against Close.
}

// New returns a service with the default bus and nothing else.
func New(o Options) (*Service, error) {
	if o.Clock == nil || o.Store == nil || o.Targets == nil || o.Region == "" || o.Account == "" {
		return nil, errors.New("making the event bus service: Clock, Store, Targets, Region and Account are required")
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.NewID == nil {
		o.NewID = wire.RequestID
	}
	if o.Random == nil {
		o.Random = rand.Float64
	}
	s := &Service{
		options: o, buses: map[string]*bus{}, archives: map[string]*archive{}, replays: map[string]*replay{},
		outstanding: newOutstanding(),
	}
	var err error
	if s.kept, err = newKeeper(o); err != nil {
		return nil, fmt.Errorf("making the event bus service: %w", err)
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.buses[DefaultBus] = newBus(Bus{Name: DefaultBus}, s.arn("event-bus/"+DefaultBus), o.Clock.Now())
	s.api = s.newAPI()
	return s, nil
}

// ServeHTTP answers the AWS JSON 1.1 protocol (X-Amz-Target: AWSEvents.…).
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.api.ServeHTTP(w, r) }

// Idle waits until every event put so far is delivered, dead-lettered or dropped, retries included.
func (s *Service) Idle(ctx context.Context) error { return s.outstanding.wait(ctx) }

// Close stops all deliveries and waits for those that run. Events not delivered by then are kept for
// Resume, or lost, as the log says.
func (s *Service) Close() error {
	s.stopTickers()
	s.closing.Lock()
	s.cancel()
	s.closing.Unlock()
	s.workers.Wait()
	if n := s.outstanding.count(); n > 0 && s.kept == nil {
		s.options.Logger.Warn("event bus closed with undelivered events", "deliveries", n)
	}
	return nil
}

func (s *Service) arn(resource string) string {
	return "arn:aws:events:" + s.options.Region + ":" + s.options.Account + ":" + resource
}
