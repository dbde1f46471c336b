// Package pipes is the local runtime's Amazon EventBridge Pipes: a DynamoDB stream, a filter, a function that enriches, an
// event bus. Delivery is at least once and in order per item; a failing batch holds up the records behind it, and what
// fails at the target goes through the whole pipe again, enrichment included. Input templates, dynamic parameters and other
// sources and targets are refused by name.
package pipes

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/payrail/payrail/local/clock"
	"github.com/payrail/payrail/local/faults"
	"github.com/payrail/payrail/local/storage"
	"github.com/payrail/payrail/local/wire"
)

// Record is one record of a stream.
type Record struct {
	// SequenceNumber is a decimal number; later records have greater ones.
	SequenceNumber string
	// Created is the time of the change, in whole seconds as streams tell it.
	Created time.Time
	// JSON is the record as functions get it ({"eventID":…,"dynamodb":{…}}).
	JSON []byte
}

// Stream is a DynamoDB stream with one shard. Implementations are safe for concurrent use.
type Stream interface {
	ShardID() string
	// Latest is the sequence number to read after for records that are yet to come.
	Latest() string
	// Changed returns a channel that is closed when another record has come.
	Changed() <-chan struct{}
	// Read returns up to limit records after a sequence number ("" for the oldest there is), or none if there are none yet.
	Read(after string, limit int) ([]Record, error)
}

// Enricher invokes functions and waits for the answer. functionError reports that the function itself failed; payload is
// then its error. err is a call that did not reach the function: with a *wire.Error below status 500 (denied, not found,
// throttled) it counts as the customer's, any other is the runtime's own and is retried without counting. Safe for
// concurrent use.
type Enricher interface {
	Invoke(ctx context.Context, functionARN string, payload []byte) (answer []byte, functionError bool, err error)
}

// Event is one event for the bus.
type Event struct {
	BusARN     string
	Source     string
	DetailType string
	Detail     []byte
	Resources  []string
}

// EventResult is what the bus made of an event; ErrorCode is empty where it took it.
type EventResult struct{ ErrorCode, ErrorMessage string }

// Bus puts events on an event bus; results are in the order of the events. Errors are told apart as for Enricher. Safe for
// concurrent use.
type Bus interface {
	PutEvents(ctx context.Context, events []Event) ([]EventResult, error)
}

// DeadLetters sends to a queue. Safe for concurrent use.
type DeadLetters interface {
	Send(ctx context.Context, targetARN string, body []byte) error
}

// Options are what a Service needs. All but Faults, Logger, Store and DeadLetters are required.
type Options struct {
	Clock   clock.Clock
	Faults  *faults.Injector
	Logger  *slog.Logger
	Region  string
	Account string
	// Store keeps the positions of pipes, so that one that is made again goes on where it was. May be nil.
	Store storage.Store
	// Ready is closed when pipes may begin to read; nil means at once. Where streams have records from an earlier process, what pipes
	// deliver to must be there before.
	Ready <-chan struct{}
	// Stream finds a stream by its ARN.
	Stream   func(arn string) (Stream, error)
	Enricher Enricher
	Bus      Bus
	// DeadLetters is needed by pipes with a dead-letter target.
	DeadLetters DeadLetters
}

// Service runs pipes. It is safe for concurrent use.
type Service struct {
	options Options
	ctx     context.Context // Ends with Close.
	cancel  context.CancelFunc
	running sync.WaitGroup

	mu    sync.Mutex
	pipes map[string]*pipe
}

// New returns a service without pipes.
func New(o Options) (*Service, error) {
	if o.Clock == nil || o.Stream == nil || o.Enricher == nil || o.Bus == nil || o.Region == "" || o.Account == "" {
		return nil, errors.New("making the pipes service: Clock, Stream, Enricher, Bus, Region and Account are required")
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Service{options: o, pipes: map[string]*pipe{}}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	return s, nil
}

// CreatePipe makes a pipe, starts it unless it is to be stopped, and returns its ARN.
func (s *Service) CreatePipe(config Pipe) (string, error) {
	if err := config.validate(); err != nil {
		return "", err
	}
	if config.Source.DeadLetterARN != "" && s.options.DeadLetters == nil {
		return "", wire.NotImplemented("dead-letter targets of pipes without a queue service")
	}
	f, err := newFilter(config.Source.Filters)
	if err != nil {
		return "", err
	}
	stream, err := s.options.Stream(config.SourceARN)
	if err != nil {
		return "", err
	}
	p := &pipe{
		Pipe: config.withDefaults(), service: s, arn: "arn:aws:pipes:" + s.options.Region + ":" + s.options.Account + ":pipe/" + config.Name,
		stream: stream, filter: f, logger: s.options.Logger.With("pipe", config.Name),
	}
	start, err := s.startingPosition(p)
	if err != nil {
		return "", err
	}
	p.progress = newProgress(start, func(position string) error { return s.keepPosition(p.Name, position) })
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.pipes[config.Name]; ok {
		return "", wire.Errorf("ConflictException", "Pipe %s already exists.", config.Name)
	}
	if s.ctx.Err() != nil {
		return "", errors.New("creating pipe: the service is closed")
	}
	s.pipes[config.Name] = p
	if !config.Stopped {
		p.run(s.ctx)
	}
	return p.arn, nil
}

// positions is the storage space of the pipes' positions.
const positions = "pipes/position"

func (s *Service) startingPosition(p *pipe) (string, error) {
	if s.options.Store != nil {
		kept, ok, err := s.options.Store.Get(positions, []byte(p.Name))
		if err != nil || ok {
			return string(kept), err
		}
	}
	if p.Source.StartingPosition == Latest {
		// Kept at once: were it that of the next start, the changes until then would be passed over.
		latest := p.stream.Latest()
		return latest, s.keepPosition(p.Name, latest)
	}
	return "", nil
}

func (s *Service) keepPosition(name, position string) error {
	if s.options.Store == nil {
		return nil
	}
	var b storage.Batch
	b.Put(positions, []byte(name), []byte(position))
	return s.options.Store.Apply(&b)
}

func (s *Service) pipe(name string) (*pipe, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, ok := s.pipes[name]
	if !ok {
		return nil, wire.Errorf("NotFoundException", "Pipe %s does not exist.", name)
	}
	return p, nil
}

// Idle waits until the pipe has dealt with every record its stream has at some moment after the call.
func (s *Service) Idle(ctx context.Context, name string) error {
	p, err := s.pipe(name)
	if err != nil {
		return err
	}
	for {
		changed := p.progress.watch()
		if p.progress.passed(p.stream.Latest()) {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Close stops all pipes and waits for what they are doing. Records not dealt with stay in the stream.
func (s *Service) Close() error {
	s.mu.Lock()
	s.cancel()
	s.mu.Unlock()
	s.running.Wait()
	return nil
}
