package lambda

import (
	"context"
	"slices"
	"sync/atomic"
	"time"

	"github.com/payrail/payrail/local/sqs"
	"github.com/payrail/payrail/local/wire"
)

const (
	// pollWait is the long poll of Lambda's pollers, the longest SQS has.
	pollWait = 20 * time.Second
	// deleteAttempts bounds how often deleting processed messages is tried; then they are delivered again.
	deleteAttempts = 3
	// minBackOff and maxBackOff bound the wait after a throttle or a failing receive.
	minBackOff = time.Second
	maxBackOff = 20 * time.Second
)

// poller moves messages of a queue to a function. One loop forms batches; each batch is invoked in its own goroutine, as
// many at once as there are slots. Messages of a failed batch are left alone: they become visible again. Reserved concurrency
// of the function does not hold it back, as on AWS: a throttled batch, which has counted a receive, is tried again until its
// visibility timeout is over, and then dropped: its messages are received anew, or go to the dead-letter queue.
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
type poller struct {
	service *Service
	spec    MappingSpec
	f       *function
	ctx     context.Context // ends receiving
	stop    context.CancelFunc
	slots   chan struct{}
	carried gathered     // received, but too much for the last event
	refused atomic.Int32 // invocations refused in a row
}

// gathered is what was received for one event.
type gathered struct {
	messages []sqs.Message
	since    time.Time // when the first of them was received
}

func newPoller(s *Service, spec MappingSpec, f *function) *poller {
	concurrency := s.MaxEnvironments
	if spec.MaximumConcurrency > 0 {
		concurrency = min(concurrency, spec.MaximumConcurrency)
	}
	p := &poller{service: s, spec: spec, f: f, slots: make(chan struct{}, concurrency)}
	p.ctx, p.stop = context.WithCancel(s.ctx)
	return p
}

// poll forms batches until the mapping is stopped. A slot is taken before receiving, so that no message is in flight
// without an invocation to come.
func (p *poller) poll() {
	s := p.service
	if !s.awaitReady(p.ctx) {
		return
	}
	for failures := 0; p.ctx.Err() == nil || len(p.carried.messages) > 0; {
		select {
		case p.slots <- struct{}{}:
		case <-s.ctx.Done():
			return
		}
		next, err := p.nextBatch(p.ctx)
		if s.ctx.Err() != nil {
			return
		}
		if err != nil && p.ctx.Err() == nil {
			s.Logger.Warn("receiving for an event source mapping", "queue", p.spec.QueueARN, "error", err)
			failures++
			p.backOff(failures)
		} else {
			failures = 0
		}
		if len(next.messages) == 0 {
			<-p.slots
			continue
		}
		payload, count := p.encode(next.messages)
		p.carried = gathered{next.messages[count:], next.since}
		s.spawn(func() {
			defer func() { <-p.slots }()
			p.deliver(gathered{next.messages[:count], next.since}, payload)
		})
		p.backOff(int(p.refused.Load()))
	}
}

// backOffDelay doubles with each failure in a row.
func backOffDelay(failures int) time.Duration {
	return min(minBackOff<<min(failures-1, 16), maxBackOff)
}

// backOff waits on the clock, longer with each failure in a row.
func (p *poller) backOff(failures int) {
	if failures == 0 {
		return
	}
	select {
	case <-p.service.Clock.After(backOffDelay(failures)):
	case <-p.ctx.Done():
	}
}

// nextBatch waits for a first message, then until the batch is full or its window over. When a receive fails it returns
// what there is with the error.
func (p *poller) nextBatch(ctx context.Context) (gathered, error) {
	s := p.service
	next := gathered{slices.Clone(p.carried.messages), p.carried.since}
	p.carried = gathered{}
	if len(next.messages) == 0 {
		first, err := s.Queues.Receive(ctx, p.spec.QueueARN, p.spec.BatchSize, pollWait)
		if err != nil || len(first) == 0 {
			return gathered{}, err
		}
		next = gathered{first, s.Clock.Now()}
	}
	windowEnd := s.Clock.Now().Add(time.Duration(p.spec.MaximumBatchingWindowSeconds) * time.Second)
	size := 0
	for _, message := range next.messages {
		size += len(message.Body)
	}
	for p.spec.MaximumBatchingWindowSeconds > 0 && len(next.messages) < p.spec.BatchSize && size < maxPayloadBytes {
		left := windowEnd.Sub(s.Clock.Now())
		if left <= 0 {
			break
		}
		more, err := s.Queues.Receive(ctx, p.spec.QueueARN, p.spec.BatchSize-len(next.messages), left)
		if err != nil {
			return next, err
		}
		for _, message := range more {
			size += len(message.Body)
		}
		next.messages = append(next.messages, more...)
	}
	return next, nil
}

// encode makes the event of as many messages as fit, at least one; count says how many.
func (p *poller) encode(batch []sqs.Message) (payload []byte, count int) {
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
		b = appendRecord(b, &batch[i], p.spec.QueueARN, p.service.Region)
		if i > 0 && len(b)+len(eventEnd) > maxPayloadBytes {
			return append(b[:before], eventEnd...), i
		}
	}
	return append(b, eventEnd...), len(batch)
}

// deliver invokes the function with a batch and deletes what it processed.
func (p *poller) deliver(b gathered, payload []byte) {
	s := p.service
	out, err := p.invoke(b, payload)
	if err != nil {
		if s.ctx.Err() == nil {
			s.Logger.Warn("invoking for an event source mapping", "function", p.f.spec.Name, "messages", len(b.messages), "error", err)
		}
		return
	}
	p.refused.Store(0)
	if out.functionError != "" {
		return
	}
	if err := p.delete(processed(b.messages, out.payload, p.spec.ReportBatchItemFailures)); err != nil {
		s.Logger.Warn("deleting processed messages: they will be delivered again", "queue", p.spec.QueueARN, "error", err)
	}
}

// invoke tries until the function takes the batch, while it is throttled and the batch's visibility timeout lasts.
func (p *poller) invoke(b gathered, payload []byte) (outcome, error) {
	s := p.service
	visibility, err := s.Queues.VisibilityTimeout(p.spec.QueueARN)
	if err != nil {
		return outcome{}, err
	}
	for attempt := 1; ; attempt++ {
		out, err := s.invoke(s.ctx, p.f, s.NewID(), payload)
		if err == nil {
			return out, nil
		}
		p.refused.Add(1)
		delay := backOffDelay(attempt)
		if wire.AsError(err).Code != codeThrottled || s.Clock.Now().Add(delay).Sub(b.since) >= visibility {
			return outcome{}, err
		}
		select {
		case <-s.Clock.After(delay):
		case <-s.ctx.Done():
			return outcome{}, s.ctx.Err()
		}
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

func (p *poller) delete(handles []string) error {
	if len(handles) == 0 {
		return nil
	}
	var err error
	for range deleteAttempts {
		if err = p.service.Queues.DeleteBatch(p.service.ctx, p.spec.QueueARN, handles); err == nil {
			return nil
		}
	}
	return err
}
