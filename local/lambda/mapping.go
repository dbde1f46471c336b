package lambda

import (
	"context"
	"fmt"
	"time"

	"github.com/payrail/payrail/local/sqs"
)

// Queues is the source of event source mappings. Implementations are safe for concurrent use. The SQS service is one.
type Queues interface {
	// Receive takes up to max messages, waiting up to wait for the first.
	Receive(ctx context.Context, queueARN string, max int, wait time.Duration) ([]sqs.Message, error)
	DeleteBatch(ctx context.Context, queueARN string, receiptHandles []string) error
	VisibilityTimeout(queueARN string) (time.Duration, error)
}

// Limits of event source mappings of standard queues, from the CreateEventSourceMapping API reference.
const (
	defaultBatchSize = 10
	// maxBatchSize is AWS's limit for standard queues; above maxBatchSizeWithoutWindow it wants a window.
	maxBatchSize              = 10_000
	maxBatchSizeWithoutWindow = 10
	maxWindowSeconds          = 300
	minMaximumConcurrency     = 2
	maxMaximumConcurrency     = 1000
)

// MappingSpec describes an event source mapping of an SQS queue.
type MappingSpec struct {
	QueueARN                     string
	FunctionARN                  string
	BatchSize                    int // 0 means 10
	MaximumBatchingWindowSeconds int
	ReportBatchItemFailures      bool
	MaximumConcurrency           int // 0 means no limit of its own
	Disabled                     bool
	// FilterCriteria are not done: a spec that has them is refused.
	FilterCriteria string
}

// mapping is an event source mapping: its settings, and the poller that works with them while it is enabled. Its fields are
// guarded by Service.mu.
type mapping struct {
	id       string
	spec     MappingSpec
	f        *function
	modified time.Time
	poller   *poller // nil while disabled
}

// CreateEventSourceMapping starts moving messages and returns the mapping's UUID.
func (s *Service) CreateEventSourceMapping(spec MappingSpec) (id string, err error) {
	f, err := s.find(spec.FunctionARN)
	if err != nil {
		return "", err
	}
	if spec.BatchSize == 0 {
		spec.BatchSize = defaultBatchSize
	}
	if err := s.validateMapping(&spec, f); err != nil {
		return "", err
	}
	m := &mapping{id: s.NewID(), spec: spec, f: f, modified: s.Clock.Now()}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.mayMap(m); err != nil {
		return "", err
	}
	if s.ctx.Err() != nil {
		return "", errClosed()
	}
	s.mappings[m.id] = m
	s.startPolling(m)
	return m.id, nil
}

// mayMap refuses a second mapping of a queue to a function. The caller holds s.mu.
func (s *Service) mayMap(m *mapping) error {
	for _, other := range s.mappings {
		if other.spec.QueueARN == m.spec.QueueARN && other.f == m.f {
			return conflict("The event source arn (\" %s \") and function (\" %s \") provided mapping already exists. Please update or delete the existing mapping with UUID %s",
				m.spec.QueueARN, m.f.spec.Name, other.id)
		}
	}
	return nil
}

// startPolling gives an enabled mapping its poller. The caller holds s.mu.
func (s *Service) startPolling(m *mapping) {
	if m.spec.Disabled {
		return
	}
	m.poller = newPoller(s, m.spec, m.f)
	s.spawnLocked(m.poller.poll)
}

// stopPolling ends the poller of a mapping: nothing is received any more, what was received is still invoked for. The caller
// holds s.mu.
func (s *Service) stopPolling(m *mapping) {
	if m.poller != nil {
		m.poller.stop()
		m.poller = nil
	}
}

// UpdateEventSourceMapping changes the settings of a mapping; change gets the present ones. The queue stays the same.
func (s *Service) UpdateEventSourceMapping(id string, change func(*MappingSpec)) error {
	s.mu.RLock()
	m := s.mappings[id]
	var spec MappingSpec
	if m != nil {
		spec = m.spec
	}
	s.mu.RUnlock()
	if m == nil {
		return errNoMapping()
	}
	queue := spec.QueueARN
	change(&spec)
	spec.QueueARN = queue
	f, err := s.find(spec.FunctionARN)
	if err != nil {
		return err
	}
	if err := s.validateMapping(&spec, f); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mappings[id] != m {
		return errNoMapping()
	}
	if f != m.f {
		if err := s.mayMap(&mapping{spec: spec, f: f}); err != nil {
			return err
		}
	}
	s.stopPolling(m)
	m.spec, m.f, m.modified = spec, f, s.Clock.Now()
	if s.ctx.Err() == nil {
		s.startPolling(m)
	}
	return nil
}

// DeleteEventSourceMapping ends a mapping.
func (s *Service) DeleteEventSourceMapping(id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.mappings[id]
	if m == nil {
		return errNoMapping()
	}
	s.stopPolling(m)
	delete(s.mappings, id)
	return nil
}

func errNoMapping() error { return notFound("The resource you requested does not exist.") }

func (s *Service) validateMapping(spec *MappingSpec, f *function) error {
	switch {
	case s.Queues == nil:
		return fmt.Errorf("creating the mapping of %s: the service has no Queues", spec.QueueARN)
	case spec.FilterCriteria != "":
		return invalid("the local runtime does not do FilterCriteria of event source mappings")
	case spec.BatchSize < 1 || spec.BatchSize > maxBatchSize:
		return invalid("Invalid batch size %d: must be between 1 and %d", spec.BatchSize, maxBatchSize)
	case spec.MaximumBatchingWindowSeconds < 0 || spec.MaximumBatchingWindowSeconds > maxWindowSeconds:
		return invalid("Invalid maximum batching window %d: must be between 0 and %d", spec.MaximumBatchingWindowSeconds, maxWindowSeconds)
	case spec.BatchSize > maxBatchSizeWithoutWindow && spec.MaximumBatchingWindowSeconds == 0:
		return invalid("Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than %d", maxBatchSizeWithoutWindow)
	case spec.MaximumConcurrency != 0 && (spec.MaximumConcurrency < minMaximumConcurrency || spec.MaximumConcurrency > maxMaximumConcurrency):
		return invalid("Invalid maximum concurrency %d: must be between %d and %d", spec.MaximumConcurrency, minMaximumConcurrency, maxMaximumConcurrency)
	}
	visibility, err := s.Queues.VisibilityTimeout(spec.QueueARN)
	if err != nil {
		return invalid("Error occurred while ReceiveMessage. SQS Error Code: AWS.SimpleQueueService.NonExistentQueue. SQS Error Message: The specified queue does not exist.")
	}
	if visibility < f.spec.timeout() {
		return invalid("Queue visibility timeout: %d seconds is less than Function timeout: %d seconds", visibility/time.Second, f.spec.TimeoutSeconds)
	}
	return nil
}
