package stepfunctions

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/payrail/payrail/local/wire"
)

// EventBus takes events, as EventBridge's PutEvents does: one result per event, in their order. Like the other
// interfaces here it is called concurrently and returns when ctx ends.
type EventBus interface {
	PutEvents(ctx context.Context, events []Event) ([]EventResult, error)
}

// Event is one entry of PutEvents. Detail is JSON text.
type Event struct {
	EventBusName string
	Source       string
	DetailType   string
	Detail       string
	Resources    []string
	Time         time.Time // zero: now
	TraceHeader  string
}

// EventResult holds either an id or an error.
type EventResult struct {
	EventID      string
	ErrorCode    string
	ErrorMessage string
}

// Queues sends messages to SQS queues.
type Queues interface {
	SendMessage(ctx context.Context, message Message) (MessageResult, error)
}

// Message is a message for a queue. DelaySeconds is nil where the queue's own delay applies.
type Message struct {
	QueueURL               string
	Body                   string
	DelaySeconds           *int32
	MessageGroupID         string
	MessageDeduplicationID string
}

// MessageResult is the answer of SendMessage.
type MessageResult struct {
	MessageID      string
	MD5OfBody      string
	SequenceNumber string
}

// Functions invokes Lambda functions and waits for their answer.
type Functions interface {
	Invoke(ctx context.Context, function, qualifier string, payload []byte) (Invocation, error)
}

// Invocation is a function's answer. FunctionError is set when the payload describes an error of the function.
type Invocation struct {
	StatusCode      int
	ExecutedVersion string
	FunctionError   string
	Payload         []byte
}

// Topics publishes to SNS topics and returns the message's id.
type Topics interface {
	Publish(ctx context.Context, topicARN, subject, message string) (messageID string, err error)
}

// integrationsOf are the resources Task states may name with what is wired.
func integrationsOf(o Options) map[string]integration {
	known := map[string]integration{}
	if o.Events != nil {
		known["arn:aws:states:::events:putEvents"] = &putEvents{o.Events}
	}
	if o.Queues != nil {
		known["arn:aws:states:::sqs:sendMessage"] = &sendMessage{o.Queues}
	}
	if o.Functions != nil {
		known["arn:aws:states:::lambda:invoke"] = &invokeFunction{o.Functions}
	}
	if o.Topics != nil {
		known["arn:aws:states:::sns:publish"] = &publish{o.Topics}
	}
	return known
}

// respond makes the result of an optimized integration, which tells of the HTTP exchange, too.
func respond(r *run, members ...member) *value {
	return objectValue(append(members,
		member{"SdkHttpMetadata", objectValue(member{"HttpStatusCode", intValue(http.StatusOK)})},
		member{"SdkResponseMetadata", objectValue(member{"RequestId", stringValue(r.env.newID())})},
	)...)
}

// text returns a string argument, "" when it is absent or null.
func text(args *value, name string) (string, *failure) {
	v := args.get(name)
	if v == nil || v.kind == kindNull {
		return "", nil
	}
	if v.kind != kindString {
		return "", failf(errorRuntime, "The parameter '%s' must be a string, it is a %s", name, v.kind)
	}
	return v.str, nil
}

// body returns an argument that is sent as text: other JSON than strings is written out, and null is nothing to send (recorded on
// AWS: LocalStack, error_handling/test_task_service_sqs.snapshot.json, test_send_message_empty_body).
func body(args *value, name string) string {
	if v := args.get(name); v.kind != kindNull {
		return textOf(v)
	}
	return ""
}

// sdkNames are the names of services in causes.
var sdkNames = map[string]string{"SQS": "AmazonSQS", "Lambda": "AWSLambda", "SNS": "AmazonSNS"}

// serviceError names an error of a service the way its optimized integration does. What a service of the local runtime does
// not do ends the execution: it must not look like an error that can be retried or caught. The cause is in the words of the
// service's client, where those are known (recorded on AWS: LocalStack, error_handling/test_task_service_lambda.snapshot.json).
func serviceError(r *run, service string, err error) *failure {
	e := wire.AsError(err)
	if e.Code == "NotImplemented" {
		return failf(errorRuntime, "%s", e.Message)
	}
	code, cause := e.Code, e.Message
	if unanswered(err) {
		code = "SdkClientException"
	} else if name := sdkNames[service]; name != "" {
		cause = fmt.Sprintf("%s (Service: %s; Status Code: %d; Error Code: %s; Request ID: %s; Proxy: null)",
			e.Message, name, cmp.Or(e.Status, http.StatusBadRequest), e.Code, r.env.newID())
	}
	if code == "InternalFailure" || code == "InternalServerError" {
		code = "InternalException"
	}
	if !strings.HasSuffix(code, "Exception") {
		code += "Exception"
	}
	return &failure{name: service + "." + code, cause: cause}
}

type putEvents struct{ bus EventBus }

func (*putEvents) parameters() map[string]bool { return map[string]bool{"Entries": true} }

func (i *putEvents) call(ctx context.Context, r *run, args *value) (*value, *failure) {
	entries := args.get("Entries")
	if entries.kind != kindArray {
		return nil, failf(errorRuntime, "The parameter 'Entries' must be an array, it is a %s", entries.kind)
	}
	events := make([]Event, len(entries.elems))
	for n, entry := range entries.elems {
		var err *failure
		if events[n], err = eventOf(r, entry); err != nil {
			return nil, err
		}
	}
	results, err := i.bus.PutEvents(ctx, events)
	if err != nil {
		return nil, serviceError(r, "EventBridge", err)
	}
	return putResult(r, results)
}

// eventOf reads one entry. The service adds the ARNs of the state machine and the execution to its resources.
func eventOf(r *run, entry *value) (Event, *failure) {
	if entry.kind != kindObject {
		return Event{}, failf(errorRuntime, "An entry of 'Entries' must be an object, it is a %s", entry.kind)
	}
	var e Event
	for _, m := range entry.members {
		if err := e.set(m.name, m.value); err != nil {
			return Event{}, err
		}
	}
	e.Resources = append(e.Resources, r.stateMachineARN, r.arn)
	return e, nil
}

// set takes one field of an entry.
func (e *Event) set(name string, v *value) *failure {
	switch {
	case name == "EventBusName" && v.kind == kindString:
		e.EventBusName = v.str
	case name == "Source" && v.kind == kindString:
		e.Source = v.str
	case name == "DetailType" && v.kind == kindString:
		e.DetailType = v.str
	case name == "TraceHeader" && v.kind == kindString:
		e.TraceHeader = v.str
	case name == "Detail":
		e.Detail = textOf(v)
	case name == "Resources" && v.kind == kindArray:
		for _, resource := range v.elems {
			e.Resources = append(e.Resources, textOf(resource))
		}
	case name == "Time" && isTimestamp(v):
		e.Time, _ = parseTimestamp(v.str) // isTimestamp has parsed it.
	default:
		return failf(errorRuntime, "The field '%s' of an entry of 'Entries' is not known or has the wrong type", name)
	}
	return nil
}

// putResult fails the task if any entry failed; the others have been published by then.
func putResult(r *run, results []EventResult) (*value, *failure) {
	failed := 0
	entries := make([]*value, len(results))
	for n, result := range results {
		if result.ErrorCode == "" {
			entries[n] = objectValue(member{"EventId", stringValue(result.EventID)})
			continue
		}
		failed++
		entries[n] = objectValue(member{"ErrorCode", stringValue(result.ErrorCode)}, member{"ErrorMessage", stringValue(result.ErrorMessage)})
	}
	out := []member{{"Entries", arrayValue(entries...)}, {"FailedEntryCount", intValue(int64(failed))}}
	if failed > 0 {
		return nil, &failure{name: "EventBridge.FailedEntry", cause: objectValue(out...).String()}
	}
	return respond(r, out...), nil
}

type sendMessage struct{ queues Queues }

func (*sendMessage) parameters() map[string]bool {
	return map[string]bool{"QueueUrl": true, "MessageBody": true, "DelaySeconds": false, "MessageGroupId": false, "MessageDeduplicationId": false}
}

func (i *sendMessage) call(ctx context.Context, r *run, args *value) (*value, *failure) {
	m := Message{Body: body(args, "MessageBody")}
	for name, target := range map[string]*string{"QueueUrl": &m.QueueURL, "MessageGroupId": &m.MessageGroupID, "MessageDeduplicationId": &m.MessageDeduplicationID} {
		var err *failure
		if *target, err = text(args, name); err != nil {
			return nil, err
		}
	}
	if v := args.get("DelaySeconds"); v != nil && v.kind != kindNull {
		delay := int32(v.number())
		if v.kind != kindNumber || float64(delay) != v.number() {
			return nil, failf(errorRuntime, "The parameter 'DelaySeconds' must be an integer")
		}
		m.DelaySeconds = &delay
	}
	sent, err := i.queues.SendMessage(ctx, m)
	if err != nil {
		failed := serviceError(r, "SQS", err)
		if !failed.terminal && !unanswered(err) {
			failed.name = "SQS.AmazonSQSException" // This integration has one name for every error of the service.
		}
		return nil, failed
	}
	out := []member{{"MD5OfMessageBody", stringValue(sent.MD5OfBody)}, {"MessageId", stringValue(sent.MessageID)}}
	if sent.SequenceNumber != "" {
		out = append(out, member{"SequenceNumber", stringValue(sent.SequenceNumber)})
	}
	return respond(r, out...), nil
}

type invokeFunction struct{ functions Functions }

func (*invokeFunction) parameters() map[string]bool {
	return map[string]bool{"FunctionName": true, "Payload": false, "Qualifier": false}
}

func (i *invokeFunction) call(ctx context.Context, r *run, args *value) (*value, *failure) {
	function, err := text(args, "FunctionName")
	if err != nil {
		return nil, err
	}
	qualifier, err := text(args, "Qualifier")
	if err != nil {
		return nil, err
	}
	payload := []byte("{}")
	if v := args.get("Payload"); v != nil {
		payload = v.json()
	}
	answer, callErr := i.functions.Invoke(ctx, function, qualifier, payload)
	if callErr != nil {
		return nil, serviceError(r, "Lambda", callErr)
	}
	out, err := payloadOf(answer)
	if err != nil {
		return nil, err
	}
	return respond(r, member{"ExecutedVersion", stringValue(answer.ExecutedVersion)}, member{"Payload", out},
		member{"StatusCode", intValue(int64(answer.StatusCode))}), nil
}

// functionFailure takes the error's name from the function's answer: for Go the name of the error's type.
func functionFailure(payload []byte) *failure {
	var description struct {
		ErrorType string `json:"errorType"`
	}
	if err := json.Unmarshal(payload, &description); err == nil && description.ErrorType != "" {
		return &failure{name: description.ErrorType, cause: string(payload)}
	}
	return &failure{name: "Lambda.Unknown", cause: "The cause could not be determined because Lambda did not return an error type. Returned payload: " + string(payload)}
}

// function is a Task whose resource is a function itself: the state's input is the payload and the answer the result.
type function struct {
	functions Functions
	arn       string
}

func (*function) parameters() map[string]bool { return nil }

func (i *function) call(ctx context.Context, r *run, args *value) (*value, *failure) {
	arn, qualifier := i.arn, ""
	if parts := strings.Split(arn, ":"); len(parts) > 7 {
		arn, qualifier = strings.Join(parts[:7], ":"), parts[7]
	}
	answer, err := i.functions.Invoke(ctx, arn, qualifier, args.json())
	if err != nil {
		return nil, serviceError(r, "Lambda", err)
	}
	return payloadOf(answer)
}

// payloadOf reads a function's answer.
func payloadOf(answer Invocation) (*value, *failure) {
	if answer.FunctionError != "" {
		return nil, functionFailure(answer.Payload)
	}
	if len(answer.Payload) == 0 {
		return nullValue, nil
	}
	out, err := parse(answer.Payload)
	if err != nil {
		return nil, failf(errorRuntime, "The answer of the function is not JSON: %s", err)
	}
	return out, nil
}

type publish struct{ topics Topics }

func (*publish) parameters() map[string]bool {
	return map[string]bool{"TopicArn": true, "Message": true, "Subject": false}
}

func (i *publish) call(ctx context.Context, r *run, args *value) (*value, *failure) {
	topic, err := text(args, "TopicArn")
	if err != nil {
		return nil, err
	}
	subject, err := text(args, "Subject")
	if err != nil {
		return nil, err
	}
	id, callErr := i.topics.Publish(ctx, topic, subject, body(args, "Message"))
	if callErr != nil {
		return nil, serviceError(r, "SNS", callErr)
	}
	return respond(r, member{"MessageId", stringValue(id)}), nil
}
