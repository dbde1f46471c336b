package redrive

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// Attributes of what EventBridge sets aside:
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-event-delivery.html#eb-rule-dlq
const (
	attributeRule       = "RULE_ARN"
	attributeTarget     = "TARGET_ARN"
	attributeErrorCode  = "ERROR_CODE"
	attributeErrorText  = "ERROR_MESSAGE"
	attributeExhausted  = "EXHAUSTED_RETRY_CONDITION"
	attributeRetries    = "RETRY_ATTEMPTS"
	attributeRequest    = "RequestID"    // of what Lambda sets aside:
	attributeLambdaCode = "ErrorCode"    // https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
	attributeLambdaText = "ErrorMessage" // the answer, cut to a kilobyte
)

// readMessage makes an item of a message of a queue. What cannot be read is an item too: it says so.
func readMessage(store Store, m types.Message) held {
	h := held{
		Item: Item{ID: aws.ToString(m.MessageId), Store: store.Name, Reason: ReasonUnknown},
		body: aws.ToString(m.Body), attributes: m.MessageAttributes, system: m.Attributes, handle: aws.ToString(m.ReceiptHandle),
	}
	if millis, err := strconv.ParseInt(m.Attributes[string(types.MessageSystemAttributeNameSentTimestamp)], 10, 64); err == nil {
		h.FirstSeen = time.UnixMilli(millis).UTC()
	}
	h.Receives, _ = strconv.Atoi(m.Attributes[string(types.MessageSystemAttributeNameApproximateReceiveCount)])
	var err error
	switch store.Kind {
	case Processor:
		err = h.readProcessed(store)
	case Rule, Bus:
		err = h.readUndelivered()
	case Machine:
		err = h.readCaught()
	case Function:
		err = h.readInvocation()
	case Pipe:
		h.readPositions()
		return h // Positions in a stream: long numbers, of which some would pass for a card's.
	default:
		h.Left = "this version of payrail does not know what fills " + store.Name
	}
	if err != nil {
		h.unreadable(err)
	}
	h.guard([]byte(h.body))
	return h
}

func (h *held) unreadable(err error) {
	h.Problem, h.Left = err.Error(), "it cannot be read: "+err.Error()
	if h.Reason == ReasonUnknown || h.Reason == ReasonProcessing {
		h.Reason = ReasonUnreadable
	}
}

func (h *held) readProcessed(store Store) error {
	h.Reason, h.cameAs = ReasonProcessing, h.ID // SQS keeps the id when it moves a message.
	h.Problem = "the log of " + store.scope() + " says why: `message failed` with this event's id"
	e, err := readEvent([]byte(h.body))
	if err != nil {
		return err
	}
	h.take(e)
	if !e.isOurs() {
		return errors.New("the body is no event of Payrail")
	}
	return nil
}

func (h *held) readUndelivered() error {
	if code := h.attribute(attributeErrorCode); code != "" {
		h.Reason, h.Problem = code, h.attribute(attributeErrorText)
		if exhausted := h.attribute(attributeExhausted); exhausted != "" {
			h.Problem += fmt.Sprintf(" (%s after %s retries)", exhausted, h.attribute(attributeRetries))
		}
	}
	e, err := readEvent([]byte(h.body))
	if err != nil {
		return err
	}
	h.take(e)
	h.cameAs = e.ID // EventBridge sets an event aside in a new message each time; the event keeps the id that PutEvents gave it.
	return nil
}

// caught is what the state machine of the rules sends of an execution that failed.
type caught struct {
	Error struct {
		Error string `json:"Error"`
		Cause string `json:"Cause"`
	} `json:"error"`
	ExecutionARN string          `json:"executionArn"`
	FailedAt     string          `json:"failedAt"`
	Input        json.RawMessage `json:"input"`
}

func (h *held) readCaught() error {
	var c caught
	if err := json.Unmarshal([]byte(h.body), &c); err != nil {
		return fmt.Errorf("the body is no {error, executionArn, failedAt, input}: %w", err)
	}
	if c.ExecutionARN == "" || len(c.Input) == 0 {
		return errors.New("the body lacks executionArn or input")
	}
	h.cameAs, h.input = c.ExecutionARN, string(c.Input)
	if c.Error.Error != "" {
		h.Reason, h.Problem = c.Error.Error, c.Error.Cause
	}
	e, err := readEvent(c.Input)
	if err != nil {
		return fmt.Errorf("its input: %w", err)
	}
	h.take(e)
	if !e.isOurs() {
		return errors.New("its input is no event of Payrail")
	}
	return nil
}

func (h *held) readInvocation() error {
	h.cameAs = h.attribute(attributeRequest)
	if code := h.attribute(attributeLambdaCode); code != "" {
		h.Reason, h.Problem = "HTTP_"+code, h.attribute(attributeLambdaText)
	}
	var failure struct {
		Type    string `json:"errorType"`
		Message string `json:"errorMessage"`
	}
	if json.Unmarshal([]byte(h.Problem), &failure) == nil && failure.Message != "" {
		h.Problem = failure.Message
		if failure.Type != "" {
			h.Reason = failure.Type
		}
	}
	if !json.Valid([]byte(h.body)) {
		return errors.New("the body is not JSON, which every event of an invocation is")
	}
	if e, err := readEvent([]byte(h.body)); err == nil { // A person may have invoked it with something else.
		h.take(e)
	}
	return nil
}

// positions is the message of a pipe about a batch that it gave up:
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-pipes-dynamodb.html
type positions struct {
	Context struct {
		Condition string `json:"condition"`
	} `json:"context"`
	Batch struct {
		ShardID   string    `json:"shardId"`
		Start     string    `json:"startSequenceNumber"`
		End       string    `json:"endSequenceNumber"`
		First     time.Time `json:"approximateArrivalOfFirstRecord"`
		Last      time.Time `json:"approximateArrivalOfLastRecord"`
		Size      int       `json:"batchSize"`
		StreamARN string    `json:"streamArn"`
	} `json:"DDBStreamBatchInfo"`
}

func readPositions(body string) (positions, error) {
	var p positions
	if err := json.Unmarshal([]byte(body), &p); err != nil {
		return p, fmt.Errorf("the body is no message of a pipe: %w", err)
	}
	b := p.Batch
	if b.ShardID == "" || b.Start == "" || b.End == "" || b.StreamARN == "" || b.Size < 1 || b.First.IsZero() || b.Last.Before(b.First) {
		return p, errors.New("the body lacks a member of DDBStreamBatchInfo")
	}
	return p, nil
}

// readPositions takes the known members alone: nothing else of such a message is shown.
func (h *held) readPositions() {
	p, err := readPositions(h.body)
	if err != nil {
		h.unreadable(err)
		h.guard([]byte(h.body))
		return
	}
	if p.Context.Condition != "" {
		h.Reason = p.Context.Condition
	}
	shown, _ := json.Marshal(p) // Texts, times and a number always encode.
	h.DetailType, h.shown = "DDBStreamBatchInfo", string(shown)
	h.Problem = fmt.Sprintf("%d records that came from %s to %s", p.Batch.Size, p.Batch.First.Format(time.RFC3339), p.Batch.Last.Format(time.RFC3339))
}
