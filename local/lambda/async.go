package lambda

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/payrail/payrail/local/sqs"
	"github.com/payrail/payrail/local/wire"
)

// Destinations takes what becomes of asynchronous invocations. Implementations are safe for concurrent use.
type Destinations interface {
	Send(ctx context.Context, d Delivery) error
}

// Delivery is an event for a dead-letter queue, or the record of an invocation for a destination.
type Delivery struct {
	// TargetARN is of a queue or a topic; that of a record may be of a function or an event bus too.
	TargetARN   string
	FunctionARN string
	Body        []byte
	// Attributes are those of a dead letter: RequestID, ErrorCode and ErrorMessage.
	Attributes map[string]sqs.Attribute
	// Success says what a record is about.
	Success bool
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
		if err := f.keep(event); err != nil {
			return "", err
		}
		f.observe(MetricAsyncEventsReceived, 1)
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
	if q.workers < f.service.MaxEnvironments && f.service.spawn(f.work) {
		q.workers++
	}
}

func (f *function) work() {
	for {
		event := f.dequeue()
		if event == nil {
			return
		}
		if f.attempt(event) {
			f.forget(event)
		}
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

// Conditions of an invocation record.
const (
	conditionSuccess   = "Success"
	conditionExhausted = "RetriesExhausted"
	conditionTooOld    = "EventAgeExceeded"
	conditionNeverRun  = "ZeroReservedConcurrency"
)

// attempt invokes the function with an event once and decides what becomes of it, or whether it is over.
func (f *function) attempt(event *asyncEvent) (over bool) {
	s := f.service
	done := true
	defer func() {
		if done {
			s.pending.Add(-1)
		}
	}()
	f.observe(MetricAsyncEventAge, milliseconds(s.Clock.Now().Sub(event.accepted)))
	config := f.eventInvokeConfig()
	if reserved, err := s.Concurrency(f.spec.Name); err == nil && reserved != nil && *reserved == 0 {
		// It waits for nothing (recorded on AWS: LocalStack, test_lambda.snapshot.json, test_reserved_concurrency).
		f.giveUp(config, event, outcome{err: errThrottled()}, conditionNeverRun)
		return true
	}
	var out outcome
	if out.err = s.Faults.Drop(deliverOperation, f.spec.Name); out.err == nil {
		out = f.run(s.ctx, event.id, event.payload)
	}
	if s.ctx.Err() != nil {
		return false
	}
	var delay time.Duration
	switch {
	case out.err != nil: // Throttled, or a system error: the function has not seen the event, and this is no attempt.
		delay = min(minThrottleDelay<<min(event.throttled, 16), maxThrottleDelay)
		event.throttled++
	case out.functionError == "":
		event.attempts++
		f.record(config.OnSuccessARN, event, out, conditionSuccess)
		return true
	default:
		event.attempts++
		delay = firstRetryDelay << (event.attempts - 1)
	}
	if event.attempts > *config.MaximumRetryAttempts {
		f.giveUp(config, event, out, conditionExhausted)
		return true
	}
	if s.Clock.Now().Add(delay).Sub(event.accepted) > time.Duration(config.MaximumEventAgeSeconds)*time.Second {
		f.giveUp(config, event, out, conditionTooOld)
		return true
	}
	f.keepAttempts(event)
	done = false
	s.Clock.AfterFunc(delay, func() { f.enqueue(event) })
	return false
}

// giveUp sends an event that failed for good where the function's configuration says; without any it is dropped, as on AWS.
func (f *function) giveUp(config EventInvokeConfig, event *asyncEvent, out outcome, condition string) {
	f.service.Logger.Warn("an asynchronous event failed for good", "function", f.spec.Name, "requestId", event.id, "condition", condition, "attempts", event.attempts)
	f.observe(MetricAsyncEventsDropped, 1)
	if f.spec.DeadLetterARN != "" {
		f.bury(event, out)
	}
	f.record(config.OnFailureARN, event, out, condition)
}

// maxErrorMessage is how much of an error's message a dead letter has.
const maxErrorMessage = 1024

// bury sends an event to the function's dead-letter queue.
func (f *function) bury(event *asyncEvent, out outcome) {
	message := out.message()
	attributes := map[string]sqs.Attribute{
		"RequestID": {DataType: "String", StringValue: event.id},
		"ErrorCode": {DataType: "Number", StringValue: strconv.Itoa(out.status())},
	}
	if message != "" { // An attribute must not be empty.
		attributes["ErrorMessage"] = sqs.Attribute{DataType: "String", StringValue: message[:min(len(message), maxErrorMessage)]}
	}
	f.deliver(MetricDeadLetterErrors, event, Delivery{TargetARN: f.spec.DeadLetterARN, Body: event.payload, Attributes: attributes})
}

// status is the HTTP status a synchronous invocation would have answered.
func (o *outcome) status() int {
	if o.err != nil {
		return wire.AsError(o.err).Status
	}
	return http.StatusOK
}

// message is the text of an outcome's error.
func (o *outcome) message() string {
	if o.err != nil {
		return wire.AsError(o.err).Message
	}
	var reported struct {
		ErrorMessage string `json:"errorMessage"`
	}
	if err := json.Unmarshal(o.payload, &reported); err != nil {
		return string(o.payload) // Not an error in the runtime's form: what the function said is better than nothing.
	}
	return reported.ErrorMessage
}

// invocationRecord is what a destination gets.
type invocationRecord struct {
	Version        string `json:"version"`
	Timestamp      string `json:"timestamp"`
	RequestContext struct {
		RequestID              string `json:"requestId"`
		FunctionArn            string `json:"functionArn"`
		Condition              string `json:"condition"`
		ApproximateInvokeCount int    `json:"approximateInvokeCount"`
	} `json:"requestContext"`
	RequestPayload json.RawMessage `json:"requestPayload"`
	// ResponseContext is missing where the function was not asked.
	ResponseContext *responseContext `json:"responseContext,omitempty"`
	ResponsePayload json.RawMessage  `json:"responsePayload,omitempty"`
}

type responseContext struct {
	StatusCode      int    `json:"statusCode"`
	ExecutedVersion string `json:"executedVersion"`
	FunctionError   string `json:"functionError,omitempty"`
}

// record sends the record of an event's last invocation to a destination, if there is one.
func (f *function) record(targetARN string, event *asyncEvent, out outcome, condition string) {
	if targetARN == "" {
		return
	}
	record := invocationRecord{Version: "1.0", Timestamp: f.service.Clock.Now().UTC().Format("2006-01-02T15:04:05.000Z"), RequestPayload: event.payload, ResponsePayload: out.payload}
	record.RequestContext.RequestID = event.id
	record.RequestContext.FunctionArn = f.arn + ":" + latestVersion
	record.RequestContext.Condition = condition
	record.RequestContext.ApproximateInvokeCount = event.attempts
	if condition != conditionNeverRun {
		record.ResponseContext = &responseContext{StatusCode: out.status(), ExecutedVersion: latestVersion, FunctionError: out.functionError}
	}
	if out.err == nil && !json.Valid(out.payload) { // Whatever a custom runtime posts: the record must stay JSON.
		record.ResponsePayload = appendString(nil, string(out.payload))
	}
	body, err := json.Marshal(record)
	if err != nil {
		f.service.Logger.Error("encoding an invocation record", "function", f.spec.Name, "requestId", event.id, "error", err)
		f.observe(MetricDestinationDeliveryFailures, 1)
		return
	}
	f.deliver(MetricDestinationDeliveryFailures, event, Delivery{TargetARN: targetARN, Body: body, Success: condition == conditionSuccess})
}

// deliver sends once, as AWS does: what a destination does not take is lost, and counted.
func (f *function) deliver(failures string, event *asyncEvent, d Delivery) {
	d.FunctionARN = f.arn + ":" + latestVersion
	if err := f.service.Destinations.Send(f.service.ctx, d); err != nil {
		f.observe(failures, 1)
		f.service.Logger.Error("what became of an asynchronous event is lost", "function", f.spec.Name, "requestId", event.id, "target", d.TargetARN, "error", err)
	}
}
