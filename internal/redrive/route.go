package redrive

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/payrail/payrail/internal/batch"
)

// refusal says why an item stays where it is although nothing failed: putting it back would be wrong, or cannot succeed.
type refusal struct{ why string }

func (r refusal) Error() string { return r.why }

func refuse(format string, arguments ...any) error { return refusal{fmt.Sprintf(format, arguments...)} }

// delivery puts one item where it belongs. It may be called again for the same item: every target takes repetitions.
type delivery struct {
	to string
	// put returns under which id the target would give the item back, "" where it does not say.
	put func(ctx context.Context) (comesBackAs string, err error)
}

// Machines models the Step Functions client. It is safe for concurrent use.
type Machines interface {
	StartExecution(context.Context, *sfn.StartExecutionInput, ...func(*sfn.Options)) (*sfn.StartExecutionOutput, error)
}

// Functions models the Lambda client. It is safe for concurrent use.
type Functions interface {
	Invoke(context.Context, *lambda.InvokeInput, ...func(*lambda.Options)) (*lambda.InvokeOutput, error)
}

// EventBus models the EventBridge client's PutEvents. It is safe for concurrent use.
type EventBus interface {
	PutEvents(context.Context, *eventbridge.PutEventsInput, ...func(*eventbridge.Options)) (*eventbridge.PutEventsOutput, error)
}

// route finds where an item goes. A refusal says that it stays; any other error that something did not answer.
func (r *Redriver) route(ctx context.Context, store Store, h held) (delivery, error) {
	if h.Left != "" {
		return delivery{}, refusal{h.Left}
	}
	switch store.Kind {
	case Processor:
		return r.toQueue(store, h)
	case Rule:
		return r.toRuleTarget(ctx, store, h)
	case Machine:
		return r.toMachine(store, h)
	case Pipe:
		return r.toPipe(h)
	case Function:
		return r.toFunction(store, h)
	case Bus:
		return r.toBus(h)
	case Parked:
		return r.toDedup(ctx, h)
	default:
		return delivery{}, refuse("redrive does not touch %s", store.Name)
	}
}

// toQueue sends an event to the queue of the processor that failed on it, marked as one that was delivered before.
func (r *Redriver) toQueue(store Store, h held) (delivery, error) {
	// SQS notes where it took a message from that it moved; one that a person sent has no such note.
	if source := h.system["DeadLetterQueueSourceArn"]; source != "" && lastSegment(source, ":") != lastSegment(store.target, "/") {
		return delivery{}, refuse("it came from %s, which is not the queue of %s any more", source, store.scope())
	}
	// The queue counts its deliveries from one again. That it was delivered before is what tells a processor that an attempt may have
	// died between doing its work and telling of it: posting would take the legs of a replay for told.
	marked := h
	marked.attributes = maps.Clone(h.attributes)
	if marked.attributes == nil {
		marked.attributes = map[string]sqstypes.MessageAttributeValue{}
	}
	marked.attributes[batch.AttributeRedriven] = sqstypes.MessageAttributeValue{DataType: aws.String("String"), StringValue: aws.String("true")}
	return delivery{store.To, func(ctx context.Context) (string, error) { return r.send(ctx, store.target, marked) }}, nil
}

// send sends a message with its attributes and byte for byte its body.
func (r *Redriver) send(ctx context.Context, url string, h held) (string, error) {
	out, err := r.Queues.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: &url, MessageBody: &h.body, MessageAttributes: h.attributes})
	if err != nil {
		return "", fmt.Errorf("sending it to %s: %w", lastSegment(url, "/"), err)
	}
	return aws.ToString(out.MessageId), nil
}

// toMachine starts the state machine with the input of the execution that failed.
func (r *Redriver) toMachine(store Store, h held) (delivery, error) {
	return delivery{store.To, func(ctx context.Context) (string, error) { return r.startExecution(ctx, store.target, h.input) }}, nil
}

func (r *Redriver) startExecution(ctx context.Context, machine, input string) (string, error) {
	out, err := r.Machines.StartExecution(ctx, &sfn.StartExecutionInput{StateMachineArn: &machine, Input: &input})
	if err != nil {
		return "", fmt.Errorf("starting %s: %w", lastSegment(machine, ":"), err)
	}
	return aws.ToString(out.ExecutionArn), nil
}

// toFunction invokes a function asynchronously with the event that it failed on.
func (r *Redriver) toFunction(store Store, h held) (delivery, error) {
	if h.cameAs == "" {
		return delivery{}, refuse("it has no attribute %s: Lambda did not set it aside", attributeRequest)
	}
	return delivery{store.To, func(ctx context.Context) (string, error) { return r.invoke(ctx, store.target, h.body) }}, nil
}

func (r *Redriver) invoke(ctx context.Context, function, payload string) (string, error) {
	out, err := r.Functions.Invoke(ctx, &lambda.InvokeInput{FunctionName: &function, InvocationType: lambdatypes.InvocationTypeEvent, Payload: []byte(payload)})
	if err != nil {
		return "", fmt.Errorf("invoking %s: %w", lastSegment(function, ":"), err)
	}
	id, _ := requestID(out.ResultMetadata)
	return id, nil
}

// encryptedEvents is the detail-type of what EventBridge sets aside of a bus whose key it could not use: an event of its own that holds
// the original encrypted (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-encryption-event-bus-dlq-decrypt.html).
const encryptedEvents = "Encrypted Events"

func (e *event) isEncrypted() bool {
	return e.DetailType == encryptedEvents && e.Source == "aws.events"
}

func refuseEncrypted() error {
	return refuse("EventBridge set the event aside encrypted with the bus's key, which redrive does not decrypt: once the key can be used again, " +
		"`payrail reconcile` tells again what is missing")
}

// toBus puts an event on the bus that the bus itself set aside: no rule has seen it.
func (r *Redriver) toBus(h held) (delivery, error) {
	e := h.event
	switch {
	case e.isEncrypted():
		return delivery{}, refuseEncrypted()
	case e.ReplayName != "":
		return delivery{}, refuse("it is of the replay %q, which cannot be put on a bus: start the replay again", e.ReplayName)
	case !e.isOurs():
		return delivery{}, refuse("it is no event of Payrail")
	}
	return delivery{"the bus", func(ctx context.Context) (string, error) {
		entry := ebtypes.PutEventsRequestEntry{EventBusName: &r.Layout.EventBus, Source: &e.Source, DetailType: &e.DetailType, Detail: aws.String(string(e.Detail)), Resources: e.Resources}
		if !e.Time.IsZero() {
			entry.Time = &e.Time
		}
		out, err := r.EventBus.PutEvents(ctx, &eventbridge.PutEventsInput{Entries: []ebtypes.PutEventsRequestEntry{entry}})
		if err != nil {
			return "", fmt.Errorf("putting it on the bus: %w", err)
		}
		// A request may succeed while its entry fails.
		if out.FailedEntryCount > 0 || len(out.Entries) != 1 {
			return "", fmt.Errorf("putting it on the bus: %w", entryError(out.Entries))
		}
		return aws.ToString(out.Entries[0].EventId), nil
	}}, nil
}

func entryError(entries []ebtypes.PutEventsResultEntry) error {
	if len(entries) != 1 {
		return fmt.Errorf("the answer has %d entries", len(entries))
	}
	return errors.New(aws.ToString(entries[0].ErrorCode) + ": " + aws.ToString(entries[0].ErrorMessage))
}
