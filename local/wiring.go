package local

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"

	"github.com/payrail/payrail/local/dynamodb"
	"github.com/payrail/payrail/local/eventbridge"
	"github.com/payrail/payrail/local/lambda"
	"github.com/payrail/payrail/local/pipes"
	"github.com/payrail/payrail/local/sns"
	"github.com/payrail/payrail/local/sqs"
	"github.com/payrail/payrail/local/stepfunctions"
	"github.com/payrail/payrail/local/wire"
)

// The principals that resource policies must let in.
const (
	eventsService = "events.amazonaws.com"
	topicsService = "sns.amazonaws.com"
)

// wiring connects eventbridge and pipes to the services behind their targets' ARNs.
type wiring struct {
	runtime *Runtime

	mu        sync.RWMutex
	topics    map[string]policy       // of topics, by ARN
	functions map[string]policy       // of functions, by ARN
	queues    map[string]parsedPolicy // of queues, by ARN: what was last read of their Policy attribute
}

// parsedPolicy is a policy with the text it was read from.
type parsedPolicy struct {
	text   string
	policy policy
}

var (
	_ eventbridge.Targets      = (*wiring)(nil)
	_ eventbridge.BatchTargets = (*wiring)(nil)
	_ eventbridge.DeadLetters  = (*wiring)(nil)
)

// serviceOf is the third part of an ARN: arn:aws:SERVICE:….
func serviceOf(arn string) string {
	parts := strings.SplitN(arn, ":", 4)
	if len(parts) < 4 {
		return ""
	}
	return parts[2]
}

// Deliver sends one event to a rule's target.
func (w *wiring) Deliver(ctx context.Context, target eventbridge.Target, payload []byte) error {
	var err error
	switch service := serviceOf(target.ARN); service {
	case "sqs":
		err = w.runtime.sqs.Send(ctx, target.ARN, string(payload), nil)
	case "states":
		_, err = w.runtime.stepfunctions.Start(ctx, target.ARN, "", payload)
	case "firehose":
		err = w.runtime.firehose.Put(ctx, target.ARN, [][]byte{payload})
	case "sns":
		_, err = w.runtime.sns.Publish(ctx, target.ARN, "", string(payload), nil)
	case "lambda":
		// Asynchronously, as on AWS: once accepted, retries and the dead letter are the function's, not the rule's.
		err = w.runtime.lambda.InvokeAsync(ctx, target.ARN, payload)
	default: // Not reached: acceptTarget refuses the others.
		err = &eventbridge.DeliveryError{Code: "NO_RESOURCE", Message: "the local runtime does not deliver to " + service, Permanent: true}
	}
	return deliveryError(err)
}

// DeliverBatch sends several events to one target in one call where the service takes many.
func (w *wiring) DeliverBatch(ctx context.Context, target eventbridge.Target, payloads [][]byte) []error {
	failed := make([]error, len(payloads))
	switch serviceOf(target.ARN) {
	case "sqs":
		bodies := make([]string, len(payloads))
		for i, payload := range payloads {
			bodies[i] = string(payload)
		}
		for i, err := range w.runtime.sqs.SendBatch(ctx, target.ARN, bodies) {
			failed[i] = deliveryError(err)
		}
	case "firehose":
		err := deliveryError(w.runtime.firehose.Put(ctx, target.ARN, payloads))
		if invalid(err) && len(payloads) > 1 {
			return w.deliverEach(ctx, target, payloads) // One event that is too large, or all together: the others must not pay for it.
		}
		for i := range failed {
			failed[i] = err
		}
	default:
		return w.deliverEach(ctx, target, payloads)
	}
	return failed
}

func (w *wiring) deliverEach(ctx context.Context, target eventbridge.Target, payloads [][]byte) []error {
	failed := make([]error, len(payloads))
	for i, payload := range payloads {
		failed[i] = w.Deliver(ctx, target, payload)
	}
	return failed
}

// codeInvalid is the ERROR_CODE of an event that its target does not take.
const codeInvalid = "INVALID_PARAMETER"

func invalid(err error) bool {
	var failure *eventbridge.DeliveryError
	return errors.As(err, &failure) && failure.Code == codeInvalid
}

// deliveryError classifies a target's refusal: what does not exist, is not permitted or is not valid will not come right by itself.
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html: "for errors that result from missing permissions to a
// target, or if a target resource that no longer exists, no retry attempts will happen".
func deliveryError(err error) error {
	var known *eventbridge.DeliveryError
	if err == nil || errors.As(err, &known) {
		return err
	}
	e := wire.AsError(err)
	switch {
	case strings.Contains(e.Code, "NotFound") || strings.Contains(e.Code, "DoesNotExist"):
		return &eventbridge.DeliveryError{Code: "NO_RESOURCE", Message: e.Message, Permanent: true}
	case strings.HasPrefix(e.Code, "AccessDenied") || strings.HasPrefix(e.Code, "AuthorizationError"): // The latter is SNS's.
		return &eventbridge.DeliveryError{Code: "NO_PERMISSIONS", Message: e.Message, Permanent: true}
	case strings.Contains(e.Code, "Throttl") || strings.Contains(e.Code, "TooManyRequests"):
		return &eventbridge.DeliveryError{Code: "THROTTLING", Message: e.Message}
	case strings.Contains(e.Code, "Validation") || strings.Contains(e.Code, "Invalid"):
		return &eventbridge.DeliveryError{Code: codeInvalid, Message: e.Message, Permanent: true}
	default:
		return &eventbridge.DeliveryError{Code: "ERROR_FROM_TARGET", Message: e.Error()}
	}
}

// Send puts a dead letter into its queue; a rule's needs the queue's permission, as the delivery itself did.
func (w *wiring) Send(ctx context.Context, queueARN string, body []byte, attributes map[string]string) error {
	if rule := attributes["RULE_ARN"]; rule != "" {
		if err := w.mayDeliver(eventsService, "sqs:SendMessage", queueARN, rule); err != nil {
			return err
		}
	}
	return w.runtime.sqs.Send(ctx, queueARN, string(body), attributes)
}

// acceptTarget refuses targets of services that Deliver does not know.
func acceptTarget(target eventbridge.Target) error {
	switch service := serviceOf(target.ARN); service {
	case "sqs", "sns", "states", "firehose", "lambda":
		return nil
	default:
		return wire.NotImplemented("rule targets of the service " + service + " (" + target.ARN + ")")
	}
}

// checkTarget says whether EventBridge may deliver: queues, topics and functions must allow the rule in their policy, everything else
// needs a role to assume.
func (w *wiring) checkTarget(target eventbridge.Target) error {
	switch serviceOf(target.ARN) {
	case "sqs":
		return w.mayDeliver(eventsService, "sqs:SendMessage", target.ARN, target.RuleARN)
	case "sns":
		return w.mayDeliver(eventsService, "sns:Publish", target.ARN, target.RuleARN)
	case "lambda":
		return w.mayInvoke(eventsService, target.ARN, target.RuleARN)
	default:
		if target.RoleARN == "" {
			return fmt.Errorf("%s needs a role", target.ARN)
		}
		return nil
	}
}

// mayDeliver asks the resource's policy whether the service may do the action there for source, a rule or a topic. Who asks
// is of this account and comes over TLS, as between the services of AWS.
func (w *wiring) mayDeliver(service, action, resource, source string) error {
	p, found, err := w.policyOf(resource)
	if err != nil || !found {
		return err // Where there is no resource the delivery itself says so.
	}
	r := request{service: service, action: action, resource: resource}
	if serviceOf(resource) == "sqs" {
		r.keys = map[string]string{keySourceARN: source, keySourceAccount: Account, keySecureTransport: "true"}
	} // EventBridge does not support conditions in topic policies: no key is there, and a conditional Allow never applies.
	if !p.allows(r) {
		return fmt.Errorf("the policy of %s does not let %s do %s for %s", resource, service, action, source)
	}
	return nil
}

// policyOf returns the policy of a queue, as the template or a SetQueueAttributes has left it, or of a topic.
func (w *wiring) policyOf(resource string) (p policy, found bool, err error) {
	if serviceOf(resource) != "sqs" {
		w.mu.RLock()
		defer w.mu.RUnlock()
		return w.topics[resource], true, nil
	}
	text, err := w.runtime.sqs.Policy(resource)
	if err != nil {
		return policy{}, false, nil //nolint:nilerr // The queue does not exist.
	}
	w.mu.RLock()
	known, ok := w.queues[resource]
	w.mu.RUnlock()
	if ok && known.text == text {
		return known.policy, true, nil
	}
	if text != "" {
		if p, err = parsePolicy(json.RawMessage(text)); err != nil {
			return policy{}, false, fmt.Errorf("the policy of %s: %w", resource, err)
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.queues[resource] = parsedPolicy{text: text, policy: p}
	return p, true, nil
}

func (w *wiring) setTopicPolicy(topicARN string, p policy) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.topics[topicARN] = p
}

// stateEvents, stateQueues and stateFunctions are the services that task states call.
type (
	stateEvents    struct{ *Runtime }
	stateQueues    struct{ *Runtime }
	stateFunctions struct{ *Runtime }
	stateTopics    struct{ *Runtime }
	// topicQueues is where topics deliver.
	topicQueues struct{ *Runtime }
	// functionDestinations is where the outcomes of asynchronous invocations go.
	functionDestinations struct{ *Runtime }
)

func (r stateEvents) PutEvents(ctx context.Context, events []stepfunctions.Event) ([]stepfunctions.EventResult, error) {
	entries := make([]eventbridge.Entry, len(events))
	for i, e := range events {
		entries[i] = eventbridge.Entry{Bus: e.EventBusName, Source: e.Source, DetailType: e.DetailType, Detail: []byte(e.Detail), Time: e.Time, Resources: e.Resources}
	}
	results, err := r.eventbridge.PutEvents(ctx, entries)
	if err != nil {
		return nil, err
	}
	out := make([]stepfunctions.EventResult, len(results))
	for i, result := range results {
		out[i] = stepfunctions.EventResult(result)
	}
	return out, nil
}

func (r stateQueues) SendMessage(ctx context.Context, m stepfunctions.Message) (stepfunctions.MessageResult, error) {
	if m.MessageGroupID != "" || m.MessageDeduplicationID != "" {
		return stepfunctions.MessageResult{}, wire.NotImplemented("sqs:sendMessage with a group or deduplication id")
	}
	sent, err := r.sqs.SendTo(ctx, m.QueueURL, m.Body, m.DelaySeconds)
	return stepfunctions.MessageResult{MessageID: sent.MessageID, MD5OfBody: sent.MD5OfBody}, err
}

func (r stateFunctions) Invoke(ctx context.Context, function, qualifier string, payload []byte) (stepfunctions.Invocation, error) {
	if qualifier != "" {
		return stepfunctions.Invocation{}, wire.NotImplemented("function versions and aliases")
	}
	response, functionError, err := r.lambda.Invoke(ctx, function, payload)
	if err != nil {
		return stepfunctions.Invocation{}, err
	}
	return stepfunctions.Invocation{StatusCode: 200, ExecutedVersion: "$LATEST", FunctionError: functionError, Payload: response}, nil
}

func (r stateTopics) Publish(ctx context.Context, topicARN, subject, message string) (string, error) {
	return r.sns.Publish(ctx, topicARN, subject, message, nil)
}

// SendMessage delivers to a queue whose policy lets the topic in.
func (r topicQueues) SendMessage(ctx context.Context, topicARN, queueARN, body string, attributes map[string]sns.Attribute) error {
	if err := r.wiring.mayDeliver(topicsService, "sqs:SendMessage", queueARN, topicARN); err != nil {
		return &wire.Error{Status: http.StatusForbidden, Code: "AccessDenied", Message: err.Error()}
	}
	converted := make(map[string]sqs.Attribute, len(attributes))
	for name, attribute := range attributes {
		converted[name] = sqs.Attribute(attribute)
	}
	return r.sqs.SendWithAttributes(ctx, queueARN, body, converted)
}

// Details of the event that a bus gets as a destination, from the Lambda developer guide's page on retaining records.
const (
	invocationSource        = "lambda"
	invocationSuccessDetail = "Lambda Function Invocation Result - Success"
	invocationFailureDetail = "Lambda Function Invocation Result - Failure"
)

// Send delivers with the function's role, which is not checked.
func (r functionDestinations) Send(ctx context.Context, d lambda.Delivery) error {
	switch service := serviceOf(d.TargetARN); service {
	case "sqs":
		return r.sqs.SendWithAttributes(ctx, d.TargetARN, string(d.Body), d.Attributes)
	case "sns":
		attributes := make(map[string]sns.Attribute, len(d.Attributes))
		for name, a := range d.Attributes {
			attributes[name] = sns.Attribute(a)
		}
		_, err := r.sns.Publish(ctx, d.TargetARN, "", string(d.Body), attributes)
		return err
	case "lambda":
		return r.lambda.InvokeAsync(ctx, d.TargetARN, d.Body)
	case "events":
		entry := eventbridge.Entry{Bus: d.TargetARN, Source: invocationSource, DetailType: invocationFailureDetail, Detail: d.Body, Resources: []string{d.FunctionARN, d.TargetARN}}
		if d.Success {
			entry.DetailType = invocationSuccessDetail
		}
		results, err := r.eventbridge.PutEvents(ctx, []eventbridge.Entry{entry})
		if err == nil && results[0].ErrorCode != "" {
			err = &wire.Error{Code: results[0].ErrorCode, Message: results[0].ErrorMessage}
		}
		return err
	default: // Not reached: lambda refuses the others.
		return wire.NotImplemented("lambda destinations of the service " + service)
	}
}

// pipeStream, pipeFunctions, pipeBus and pipeDeadLetters are what pipes read from, enrich with, put to and give up to.
type (
	pipeStream      struct{ *dynamodb.Stream }
	pipeFunctions   struct{ *Runtime }
	pipeBus         struct{ *Runtime }
	pipeDeadLetters struct{ *Runtime }
)

func (s pipeStream) Read(after string, limit int) ([]pipes.Record, error) {
	read, err := s.Stream.Read(after, limit)
	records := make([]pipes.Record, len(read))
	for i, r := range read {
		records[i] = pipes.Record{SequenceNumber: r.SequenceNumber, Created: r.Created, JSON: r.JSON}
	}
	return records, err
}

func (r pipeFunctions) Invoke(ctx context.Context, functionARN string, payload []byte) ([]byte, bool, error) {
	answer, functionError, err := r.lambda.Invoke(ctx, functionARN, payload)
	return answer, functionError != "", err
}

func (r pipeBus) PutEvents(ctx context.Context, events []pipes.Event) ([]pipes.EventResult, error) {
	entries := make([]eventbridge.Entry, len(events))
	for i, e := range events {
		entries[i] = eventbridge.Entry{Bus: e.BusARN, Source: e.Source, DetailType: e.DetailType, Detail: e.Detail, Resources: e.Resources}
	}
	results, err := r.eventbridge.PutEvents(ctx, entries)
	if err != nil {
		return nil, err
	}
	out := make([]pipes.EventResult, len(results))
	for i, result := range results {
		out[i] = pipes.EventResult{ErrorCode: result.ErrorCode, ErrorMessage: result.ErrorMessage}
	}
	return out, nil
}

func (r pipeDeadLetters) Send(ctx context.Context, targetARN string, body []byte) error {
	if serviceOf(targetARN) == "sns" { // Pipes take queues and topics only.
		_, err := r.sns.Publish(ctx, targetARN, "", string(body), nil)
		return err
	}
	return r.sqs.Send(ctx, targetARN, string(body), nil)
}
