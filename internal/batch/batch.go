// Package batch processes the SQS batches of a function that consumes events: the handler sees the whole batch, says what
// became of each message, and only the failed ones are delivered again. Whatever fails, however final, is reported as
// failed, so that it reaches the dead-letter queue: nothing is dropped here.
package batch

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strconv"

	lambdaevents "github.com/aws/aws-lambda-go/events"

	"github.com/payrail/payrail/events"
	"github.com/payrail/payrail/payment"
)

// Message is one message of a batch.
type Message struct {
	ID   string
	Body []byte
	// Receives is how often the message has been delivered, this time included; 0 if the queue does not say. What was put back from a
	// dead-letter queue was delivered before, although SQS counts it anew.
	Receives int
}

// AttributeRedriven is the message attribute of what was put back from a dead-letter queue.
const AttributeRedriven = "payrail-redriven"

// Results holds what became of each message, at its index: nil where it is done, else why it is to be delivered again.
type Results []error

// Handler does the work of a batch. It may be given messages again that it has done before.
type Handler func(ctx context.Context, messages []Message) Results

// Processor runs a handler over SQS batches. It is safe for concurrent use if its handler is.
type Processor struct {
	logger *slog.Logger
	handle Handler
}

// NewProcessor returns a processor; its Process method is what lambda.Start takes.
func NewProcessor(logger *slog.Logger, handle Handler) *Processor {
	return &Processor{logger: logger, handle: handle}
}

// Process handles a batch and names the messages that failed. It never returns an error: with one, Lambda would ignore the
// response and deliver the whole batch again.
func (p *Processor) Process(ctx context.Context, batch lambdaevents.SQSEvent) (lambdaevents.SQSEventResponse, error) {
	messages := make([]Message, len(batch.Records))
	for i, record := range batch.Records {
		// An attribute that is missing or no number leaves 0, "unknown".
		receives, _ := strconv.Atoi(record.Attributes["ApproximateReceiveCount"])
		if _, redriven := record.MessageAttributes[AttributeRedriven]; redriven {
			receives = max(receives, 1) + 1
		}
		messages[i] = Message{ID: record.MessageId, Body: []byte(record.Body), Receives: receives}
	}
	var response lambdaevents.SQSEventResponse
	for i, err := range p.run(ctx, messages) {
		if err == nil {
			continue
		}
		p.logFailure(ctx, messages[i], err)
		response.BatchItemFailures = append(response.BatchItemFailures, lambdaevents.SQSBatchItemFailure{ItemIdentifier: messages[i].ID})
	}
	return response, nil
}

// run calls the handler. A batch on which it panics is handled again message by message: one poisonous message must not take
// nine good ones to the dead-letter queue.
func (p *Processor) run(ctx context.Context, messages []Message) Results {
	results, err := p.attempt(ctx, messages)
	if err == nil {
		return results
	}
	results = make(Results, len(messages))
	if len(messages) == 1 {
		results[0] = err
		return results
	}
	for i := range messages {
		results[i] = p.run(ctx, messages[i:i+1])[0]
	}
	return results
}

// attempt calls the handler once; the error is its panic, or that it broke the contract of Results.
func (p *Processor) attempt(ctx context.Context, messages []Message) (results Results, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			p.logger.ErrorContext(ctx, "handler panicked", "panic", fmt.Sprint(cause), "messages", len(messages), "stack", string(debug.Stack()))
			err = &payment.Error{Kind: payment.Unavailable, Reason: "PANIC", Err: fmt.Errorf("handling %d messages: panic: %v", len(messages), cause)}
		}
	}()
	results = p.handle(ctx, messages)
	if len(results) != len(messages) {
		return nil, fmt.Errorf("handling %d messages: the handler returned %d results", len(messages), len(results))
	}
	return results, nil
}

func (p *Processor) logFailure(ctx context.Context, message Message, err error) {
	metadata := peek(message.Body)
	p.logger.ErrorContext(ctx, "message failed", "messageId", message.ID, "receives", message.Receives,
		"eventId", metadata.EventID, "transactionId", metadata.TransactionID, "correlationId", metadata.CorrelationID,
		"kind", payment.KindOf(err), "reason", payment.ReasonOf(err), "error", err)
}

// peek reads the metadata of an event for a log line; what is unreadable stays empty, for that is often why the message failed.
func peek(body []byte) events.Metadata {
	var envelope struct {
		Detail struct {
			Metadata events.Metadata `json:"metadata"`
		} `json:"detail"`
	}
	_ = json.Unmarshal(body, &envelope)
	return envelope.Detail.Metadata
}
