package local

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/payrail/payrail/local/dynamodb"
	"github.com/payrail/payrail/local/eventbridge"
	"github.com/payrail/payrail/local/pipes"
	"github.com/payrail/payrail/local/sns"
	"github.com/payrail/payrail/local/stepfunctions"
	"github.com/payrail/payrail/local/wire"
)

// eventsService is the principal that resource policies must let in.
const eventsService = "events.amazonaws.com"

// wiring connects eventbridge and pipes to the services behind their targets' ARNs.
type wiring struct {
	runtime *Runtime

	mu       sync.RWMutex
	policies map[string]policy // of queues and topics, by ARN
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
		err = w.runtime.lambda.InvokeAsync(ctx, target.ARN, payload)
	default:
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
		if err := w.runtime.firehose.Put(ctx, target.ARN, payloads); err != nil {
			for i := range failed {
				failed[i] = deliveryError(err)
			}
		}
	default:
		for i, payload := range payloads {
			failed[i] = w.Deliver(ctx, target, payload)
		}
	}
	return failed
}

// deliveryError classifies a target's refusal: what does not exist or is not valid will not come right by itself.
func deliveryError(err error) error {
	var known *eventbridge.DeliveryError
	if err == nil || errors.As(err, &known) {
		return err
	}
	e := wire.AsError(err)
	switch {
	case strings.Contains(e.Code, "NotFound") || strings.Contains(e.Code, "DoesNotExist"):
		return &eventbridge.DeliveryError{Code: "NO_RESOURCE", Message: e.Message, Permanent: true}
	case strings.Contains(e.Code, "Throttl") || strings.Contains(e.Code, "TooManyRequests"):
		return &eventbridge.DeliveryError{Code: "THROTTLING", Message: e.Message}
	case strings.Contains(e.Code, "Validation") || strings.Contains(e.Code, "Invalid"):
		return &eventbridge.DeliveryError{Code: "INVALID_PARAMETER", Message: e.Message, Permanent: true}
	default:
		return &eventbridge.DeliveryError{Code: "ERROR_FROM_TARGET", Message: e.Error()}
	}
}

// Send puts a dead letter into its queue; a rule's needs the queue's permission, as the delivery itself did.
func (w *wiring) Send(ctx context.Context, queueARN string, body []byte, attributes map[string]string) error {
	if rule := attributes["RULE_ARN"]; rule != "" {
		if err := w.mayDeliver(queueARN, "sqs:SendMessage", rule); err != nil {
			return err
		}
	}
	return w.runtime.sqs.Send(ctx, queueARN, string(body), attributes)
}

// checkTarget says whether EventBridge may deliver: queues and topics must allow the rule in their policy, everything else
// needs a role to assume.
func (w *wiring) checkTarget(target eventbridge.Target) error {
	switch serviceOf(target.ARN) {
	case "sqs":
		return w.mayDeliver(target.ARN, "sqs:SendMessage", target.RuleARN)
	case "sns":
		return w.mayDeliver(target.ARN, "sns:Publish", target.RuleARN)
	case "lambda":
		return errors.New("lambda targets need a permission, which the local runtime does not do")
	default:
		if target.RoleARN == "" {
			return fmt.Errorf("%s needs a role", target.ARN)
		}
		return nil
	}
}

func (w *wiring) mayDeliver(resource, action, rule string) error {
	w.mu.RLock()
	p := w.policies[resource]
	w.mu.RUnlock()
	if !p.allows(request{service: eventsService, action: action, resource: resource, keys: map[string]string{
		"aws:SourceArn": rule, "aws:SourceAccount": Account, "aws:SecureTransport": "true",
	}}) {
		return fmt.Errorf("the policy of %s does not let %s do %s for %s", resource, eventsService, action, rule)
	}
	return nil
}

func (w *wiring) setPolicy(resource string, p policy) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.policies == nil {
		w.policies = map[string]policy{}
	}
	w.policies[resource] = p
}

// stateEvents, stateQueues and stateFunctions are the services that task states call.
type (
	stateEvents    struct{ *Runtime }
	stateQueues    struct{ *Runtime }
	stateFunctions struct{ *Runtime }
	stateTopics    struct{ *Runtime }
	// topicQueues is where topics deliver.
	topicQueues struct{ *Runtime }
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
	if m.DelaySeconds != nil || m.MessageGroupID != "" || m.MessageDeduplicationID != "" {
		return stepfunctions.MessageResult{}, wire.NotImplemented("sqs:sendMessage with a delay, group or deduplication id")
	}
	name := m.QueueURL[strings.LastIndexByte(m.QueueURL, '/')+1:]
	err := r.sqs.Send(ctx, "arn:aws:sqs:"+Region+":"+Account+":"+name, m.Body, nil)
	return stepfunctions.MessageResult{}, err
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

func (r topicQueues) SendMessage(ctx context.Context, queueARN, body string, attributes map[string]sns.Attribute) error {
	texts := make(map[string]string, len(attributes))
	for name, attribute := range attributes {
		if attribute.DataType != "String" {
			return wire.NotImplemented("message attributes of type " + attribute.DataType + " from a topic to a queue")
		}
		texts[name] = attribute.StringValue
	}
	return r.sqs.Send(ctx, queueARN, body, texts)
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
	if serviceOf(targetARN) != "sqs" {
		return wire.NotImplemented("dead letters of a pipe to " + targetARN)
	}
	return r.sqs.Send(ctx, targetARN, string(body), nil)
}
