package lambda

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
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

const (
	defaultBatchSize = 10
	// maxBatchSize is AWS's limit for standard queues; above maxBatchSizeWithoutWindow it wants a window.
	maxBatchSize              = 10_000
	maxBatchSizeWithoutWindow = 10
	maxWindowSeconds          = 300
	minMaximumConcurrency     = 2
	maxMaximumConcurrency     = 1000
	// pollWait is the long poll of Lambda's pollers, the longest SQS has.
	pollWait = 20 * time.Second
	// deleteAttempts bounds how often deleting processed messages is tried; then they are delivered again.
	deleteAttempts = 3
	// minBackOff and maxBackOff bound the wait after a throttle or a failing receive.
	minBackOff = time.Second
	maxBackOff = 20 * time.Second
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

// mapping moves messages of a queue to a function. One loop forms batches; each batch is invoked in its own goroutine, as
// many at once as there are slots. Messages of a failed batch are left alone: they become visible again.
type mapping struct {
	service *Service
	spec    MappingSpec
	id      string
	f       *function
	created time.Time
	slots   chan struct{}
	carried []sqs.Message // received, but too much for the last event
	refused atomic.Int32  // invocations refused in a row
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
	concurrency := s.MaxEnvironments
	if spec.MaximumConcurrency > 0 {
		concurrency = min(concurrency, spec.MaximumConcurrency)
	}
	m := &mapping{service: s, spec: spec, id: s.NewID(), f: f, created: s.Clock.Now(), slots: make(chan struct{}, max(concurrency, 1))}
	s.mu.Lock()
	for _, other := range s.mappings {
		if other.spec.QueueARN == spec.QueueARN && other.f == f {
			s.mu.Unlock()
			return "", errConflict("the mapping of " + spec.QueueARN + " to " + f.spec.Name)
		}
	}
	s.mappings[m.id] = m
	s.mu.Unlock()
	if !spec.Disabled && !s.spawn(m.poll) {
		return "", errClosed()
	}
	return m.id, nil
}

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
		return fmt.Errorf("creating the mapping of %s: %w", spec.QueueARN, err)
	}
	if visibility < f.spec.timeout() {
		return invalid("Queue visibility timeout: %d seconds is less than Function timeout: %d seconds", visibility/time.Second, f.spec.TimeoutSeconds)
	}
	return nil
}

// poll forms batches until the service is closed. A slot is taken before receiving, so that no message is in flight
// without an invocation to come.
func (m *mapping) poll() {
	s := m.service
	for failures := 0; ; {
		select {
		case m.slots <- struct{}{}:
		case <-s.ctx.Done():
			return
		}
		batch, err := m.nextBatch(s.ctx)
		if s.ctx.Err() != nil {
			return
		}
		if err != nil {
			s.Logger.Warn("receiving for an event source mapping", "queue", m.spec.QueueARN, "error", err)
			failures++
			m.backOff(failures)
		} else {
			failures = 0
		}
		if len(batch) == 0 {
			<-m.slots
			continue
		}
		payload, count := m.encode(batch)
		m.carried = batch[count:]
		s.spawn(func() {
			defer func() { <-m.slots }()
			m.deliver(batch[:count], payload)
		})
		m.backOff(int(m.refused.Load()))
	}
}

// backOff waits on the clock, longer with each failure in a row.
func (m *mapping) backOff(failures int) {
	if failures == 0 {
		return
	}
	delay := min(minBackOff<<min(failures-1, 16), maxBackOff)
	select {
	case <-m.service.Clock.After(delay):
	case <-m.service.ctx.Done():
	}
}

// nextBatch waits for a first message, then until the batch is full or its window over. When a receive fails it returns
// what there is with the error.
func (m *mapping) nextBatch(ctx context.Context) ([]sqs.Message, error) {
	s := m.service
	batch := slices.Clone(m.carried)
	m.carried = nil
	if len(batch) == 0 {
		first, err := s.Queues.Receive(ctx, m.spec.QueueARN, m.spec.BatchSize, pollWait)
		if err != nil || len(first) == 0 {
			return nil, err
		}
		batch = first
	}
	windowEnd := s.Clock.Now().Add(time.Duration(m.spec.MaximumBatchingWindowSeconds) * time.Second)
	size := 0
	for _, message := range batch {
		size += len(message.Body)
	}
	for m.spec.MaximumBatchingWindowSeconds > 0 && len(batch) < m.spec.BatchSize && size < maxPayloadBytes {
		left := windowEnd.Sub(s.Clock.Now())
		if left <= 0 {
			break
		}
		more, err := s.Queues.Receive(ctx, m.spec.QueueARN, m.spec.BatchSize-len(batch), left)
		if err != nil {
			return batch, err
		}
		for _, message := range more {
			size += len(message.Body)
		}
		batch = append(batch, more...)
	}
	return batch, nil
}

// encode makes the event of as many messages as fit, at least one; count says how many.
func (m *mapping) encode(batch []sqs.Message) (payload []byte, count int) {
	size := 0
	for i := range batch {
		size += len(batch[i].Body) + len(batch[i].Body)/8 + 768 // quotes to escape, and the record around the body
	}
	b := append(make([]byte, 0, min(size, maxPayloadBytes)), eventStart...)
	for i := range batch {
		before := len(b)
		if i > 0 {
			b = append(b, ',')
		}
		b = appendRecord(b, &batch[i], m.spec.QueueARN, m.service.Region)
		if i > 0 && len(b)+len(eventEnd) > maxPayloadBytes {
			return append(b[:before], eventEnd...), i
		}
	}
	return append(b, eventEnd...), len(batch)
}

// deliver invokes the function with a batch and deletes what it processed.
func (m *mapping) deliver(batch []sqs.Message, payload []byte) {
	s := m.service
	out, err := s.invoke(s.ctx, m.f, s.NewID(), payload)
	if err != nil {
		if s.ctx.Err() == nil {
			m.refused.Add(1)
			s.Logger.Warn("invoking for an event source mapping", "function", m.f.spec.Name, "messages", len(batch), "error", err)
		}
		return
	}
	m.refused.Store(0)
	if out.functionError != "" {
		return
	}
	if err := m.delete(processed(batch, out.payload, m.spec.ReportBatchItemFailures)); err != nil {
		s.Logger.Warn("deleting processed messages: they will be delivered again", "queue", m.spec.QueueARN, "error", err)
	}
}

// processed returns the receipt handles of the messages of a batch that did not fail.
func processed(batch []sqs.Message, response []byte, reportsFailures bool) []string {
	var failed map[string]bool
	if reportsFailures {
		ids := make(map[string]bool, len(batch))
		for i := range batch {
			ids[batch[i].ID] = true
		}
		var all bool
		if failed, all = failedMessages(response, ids); all {
			return nil
		}
	}
	handles := make([]string, 0, len(batch))
	for i := range batch {
		if !failed[batch[i].ID] {
			handles = append(handles, batch[i].ReceiptHandle)
		}
	}
	return handles
}

func (m *mapping) delete(handles []string) error {
	if len(handles) == 0 {
		return nil
	}
	var err error
	for range deleteAttempts {
		if err = m.service.Queues.DeleteBatch(m.service.ctx, m.spec.QueueARN, handles); err == nil {
			return nil
		}
	}
	return err
}
