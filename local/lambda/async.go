package lambda

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/payrail/payrail/local/wire"
)

// Destinations takes what is left of failed asynchronous invocations; message attributes are strings. Implementations
// are safe for concurrent use. The SQS service is one.
type Destinations interface {
	Send(ctx context.Context, queueARN, body string, attributes map[string]string) error
}

const (
	// firstRetryDelay is AWS's wait before the first retry of an event whose function failed; the second takes twice that.
	firstRetryDelay = time.Minute
	// minThrottleDelay and maxThrottleDelay bound AWS's exponential wait after throttles and system errors, which do not
	// count as attempts.
	minThrottleDelay = time.Second
	maxThrottleDelay = 5 * time.Minute
)

// asyncQueue holds the accepted events of one function. As many workers as the function may have environments take from it.
type asyncQueue struct {
	mu      sync.Mutex
	events  []*asyncEvent
	workers int
}

type asyncEvent struct {
	id        string
	payload   []byte
	accepted  time.Time
	attempts  int
	throttled int
}

// InvokeAsync accepts an event for a function. The function's errors are retried and then go to its destination for
// failures; the caller does not see them.
func (s *Service) InvokeAsync(ctx context.Context, function string, payload []byte) error {
	_, err := s.invokeAsync(function, payload)
	return err
}

func (s *Service) invokeAsync(function string, payload []byte) (requestID string, err error) {
	f, err := s.find(function)
	if err != nil {
		return "", err
	}
	if len(payload) > maxAsyncPayloadBytes {
		return "", errTooLarge(maxAsyncPayloadBytes)
	}
	return wire.WithFaultsOn(s.Faults, "lambda:Invoke", f.spec.Name, func() (string, error) {
		if s.ctx.Err() != nil {
			return "", errClosed()
		}
		event := &asyncEvent{id: s.NewID(), payload: payload, accepted: s.Clock.Now()}
		f.accept(event)
		return event.id, nil
	})
}

// enqueue hands an event to a worker, a new one if there may be more.
func (f *function) enqueue(event *asyncEvent) {
	q := &f.events
	q.mu.Lock()
	defer q.mu.Unlock()
	q.events = append(q.events, event)
	if q.workers < max(f.limit, 1) && f.service.spawn(f.work) {
		q.workers++
	}
}

func (f *function) work() {
	for {
		event := f.dequeue()
		if event == nil {
			return
		}
		f.attempt(event)
	}
}

// dequeue takes the next event, or ends the worker.
func (f *function) dequeue() *asyncEvent {
	q := &f.events
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.events) == 0 || f.service.ctx.Err() != nil {
		q.workers--
		return nil
	}
	event := q.events[0]
	q.events[0] = nil
	q.events = q.events[1:]
	return event
}

// attempt invokes the function with an event once and decides what becomes of it.
func (f *function) attempt(event *asyncEvent) {
	s := f.service
	var out outcome
	if out.err = s.Faults.Drop(deliverOperation, f.spec.Name); out.err == nil {
		out = f.run(s.ctx, event.id, event.payload)
	}
	if out.err == nil && out.functionError == "" || s.ctx.Err() != nil {
		s.pending.Add(-1)
		return
	}
	var delay time.Duration
	condition := "RetriesExhausted"
	if out.err != nil {
		delay = min(minThrottleDelay<<min(event.throttled, 16), maxThrottleDelay)
		event.throttled++
	} else {
		event.attempts++
		delay = firstRetryDelay << (event.attempts - 1)
	}
	tooOld := s.Clock.Now().Add(delay).Sub(event.accepted) > time.Duration(f.spec.MaximumEventAgeSeconds)*time.Second
	if tooOld {
		condition = "EventAgeExceeded"
	}
	if !tooOld && event.attempts <= *f.spec.MaximumRetryAttempts {
		s.Clock.AfterFunc(delay, func() { f.enqueue(event) })
		return
	}
	defer s.pending.Add(-1)
	if err := f.giveUp(event, out, condition); err != nil {
		s.Logger.Error("a failed asynchronous event is lost", "function", f.spec.Name, "requestId", event.id, "error", err)
	}
}

// failureRecord is what an on-failure destination gets.
type failureRecord struct {
	Version        string `json:"version"`
	Timestamp      string `json:"timestamp"`
	RequestContext struct {
		RequestID              string `json:"requestId"`
		FunctionArn            string `json:"functionArn"`
		Condition              string `json:"condition"`
		ApproximateInvokeCount int    `json:"approximateInvokeCount"`
	} `json:"requestContext"`
	RequestPayload  json.RawMessage `json:"requestPayload"`
	ResponseContext struct {
		StatusCode      int    `json:"statusCode"`
		ExecutedVersion string `json:"executedVersion"`
		FunctionError   string `json:"functionError,omitempty"`
	} `json:"responseContext"`
	ResponsePayload json.RawMessage `json:"responsePayload,omitempty"`
}

// giveUp sends an event that failed for good where the function's configuration says; without any it is dropped, as on AWS.
func (f *function) giveUp(event *asyncEvent, out outcome, condition string) error {
	s := f.service
	status, message := 200, string(out.payload)
	if out.err != nil {
		status, message = wire.AsError(out.err).Status, out.err.Error()
	}
	s.Logger.Warn("an asynchronous event failed for good", "function", f.spec.Name, "requestId", event.id, "condition", condition, "attempts", event.attempts)
	var errs []error
	if f.spec.DeadLetterARN != "" {
		errs = append(errs, s.Destinations.Send(s.ctx, f.spec.DeadLetterARN, string(event.payload), map[string]string{
			"RequestID": event.id, "ErrorCode": strconv.Itoa(status), "ErrorMessage": message[:min(len(message), 1024)],
		}))
	}
	if f.spec.OnFailureARN != "" {
		record := failureRecord{Version: "1.0", Timestamp: s.Clock.Now().UTC().Format("2006-01-02T15:04:05.000Z"), RequestPayload: event.payload, ResponsePayload: out.payload}
		record.RequestContext.RequestID = event.id
		record.RequestContext.FunctionArn = f.arn + ":" + latestVersion
		record.RequestContext.Condition = condition
		record.RequestContext.ApproximateInvokeCount = event.attempts
		record.ResponseContext.StatusCode = status
		record.ResponseContext.ExecutedVersion = latestVersion
		record.ResponseContext.FunctionError = out.functionError
		body, err := json.Marshal(record)
		if err != nil {
			return fmt.Errorf("encoding the record for %s: %w", f.spec.OnFailureARN, err)
		}
		errs = append(errs, s.Destinations.Send(s.ctx, f.spec.OnFailureARN, string(body), nil))
	}
	return errors.Join(errs...)
}
