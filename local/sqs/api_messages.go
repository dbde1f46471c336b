package sqs

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/payrail/payrail/local/wire"
)

// maxBatchEntries is AWS's limit of entries of a batch call and of messages of one receive.
const maxBatchEntries = 10

var batchEntryID = regexp.MustCompile(`^[A-Za-z0-9_-]{1,80}$`)

type sendInput struct {
	Id                      string
	QueueUrl                string
	MessageBody             string
	DelaySeconds            *int
	MessageAttributes       map[string]sentAttribute
	MessageSystemAttributes map[string]sentAttribute
	MessageGroupId          string
	MessageDeduplicationId  string
}

// sentAttribute is an attribute in a request: the API has lists of values too, and says that it does not do them.
type sentAttribute struct {
	Attribute
	StringListValues []string
	BinaryListValues [][]byte
}

func plainAttributes(sent map[string]sentAttribute) (map[string]Attribute, error) {
	if len(sent) == 0 {
		return nil, nil
	}
	plain := make(map[string]Attribute, len(sent))
	for name, a := range sent {
		if len(a.StringListValues) > 0 || len(a.BinaryListValues) > 0 {
			return nil, wire.Errorf("UnsupportedOperation", "Message attribute list values in SendMessage operation are not supported.")
		}
		plain[name] = a.Attribute
	}
	return plain, nil
}

type sendOutput struct {
	Id                           string `json:",omitempty"`
	MessageId                    string
	MD5OfMessageBody             string
	MD5OfMessageAttributes       string `json:",omitempty"`
	MD5OfMessageSystemAttributes string `json:",omitempty"`
}

func (in *sendInput) draft() (draft, error) {
	if in.MessageGroupId != "" || in.MessageDeduplicationId != "" {
		return draft{}, wire.NotImplemented("message groups and deduplication ids of SQS")
	}
	attributes, err := plainAttributes(in.MessageAttributes)
	if err != nil {
		return draft{}, err
	}
	d := draft{body: in.MessageBody, attributes: attributes, delay: useQueueDelay}
	if in.DelaySeconds != nil {
		if *in.DelaySeconds < 0 || *in.DelaySeconds > maxDelaySeconds { // Before it becomes a duration, which could overflow.
			return draft{}, wire.Errorf("InvalidParameterValue", "Value %d for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and <= %d.", *in.DelaySeconds, maxDelaySeconds)
		}
		d.delay = time.Duration(*in.DelaySeconds) * time.Second
	}
	for name, a := range in.MessageSystemAttributes {
		if name != "AWSTraceHeader" || a.DataType != "String" {
			return draft{}, wire.Errorf("InvalidParameterValue", "Message system attribute name '%s' is invalid.", name)
		}
		d.traceHeader = a.StringValue
	}
	return d, nil
}

// size is what counts against the limits.
func (in *sendInput) size() int {
	n := len(in.MessageBody)
	for name, a := range in.MessageAttributes {
		n += len(name) + len(a.DataType) + len(a.StringValue) + len(a.BinaryValue)
	}
	return n
}

func (s *Service) sendOne(q *queue, in *sendInput) (*sendOutput, error) {
	d, err := in.draft()
	if err != nil {
		return nil, err
	}
	system, err := plainAttributes(in.MessageSystemAttributes)
	if err != nil {
		return nil, err
	}
	systemMD5 := attributesMD5(system)
	id, err := s.send(q, d)
	if err != nil {
		return nil, err
	}
	return &sendOutput{
		Id: in.Id, MessageId: formatID(id), MD5OfMessageBody: bodyMD5(in.MessageBody),
		MD5OfMessageAttributes: attributesMD5(d.attributes), MD5OfMessageSystemAttributes: systemMD5,
	}, nil
}

func (s *Service) apiSendMessage(_ context.Context, in *sendInput) (*sendOutput, error) {
	q, err := s.byURL(in.QueueUrl)
	if err != nil {
		return nil, err
	}
	in.Id = ""
	return s.sendOne(q, in)
}

// batchFailure is an entry of a batch that failed while the others may have succeeded.
type batchFailure struct {
	Id          string
	SenderFault bool
	Code        string
	Message     string
}

func failure(id string, err error) batchFailure {
	e := wire.AsError(err)
	return batchFailure{Id: id, SenderFault: e.Status < http.StatusInternalServerError, Code: e.Code, Message: e.Message}
}

type batchOutput[T any] struct {
	Successful []T            `json:",omitempty"`
	Failed     []batchFailure `json:",omitempty"`
}

// runBatch checks the ids of a batch as AWS does and runs each entry by itself.
func runBatch[E, T any](entries []E, id func(*E) string, run func(*E) (T, error)) (*batchOutput[T], error) {
	if len(entries) == 0 {
		return nil, wire.Errorf("EmptyBatchRequest", "There should be at least one entry in the request.")
	}
	if len(entries) > maxBatchEntries {
		return nil, wire.Errorf("TooManyEntriesInBatchRequest", "Maximum number of entries per request are %d. You have sent %d.", maxBatchEntries, len(entries))
	}
	seen := make(map[string]bool, len(entries))
	for i := range entries {
		entry := id(&entries[i])
		if !batchEntryID.MatchString(entry) {
			return nil, wire.Errorf("InvalidBatchEntryId", "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long.")
		}
		if seen[entry] {
			return nil, wire.Errorf("BatchEntryIdsNotDistinct", "Id %s repeated.", entry)
		}
		seen[entry] = true
	}
	out := &batchOutput[T]{}
	for i := range entries {
		done, err := run(&entries[i])
		if err != nil {
			out.Failed = append(out.Failed, failure(id(&entries[i]), err))
			continue
		}
		out.Successful = append(out.Successful, done)
	}
	return out, nil
}

type sendBatchInput struct {
	QueueUrl string
	Entries  []sendInput
}

func (s *Service) apiSendMessageBatch(_ context.Context, in *sendBatchInput) (*batchOutput[*sendOutput], error) {
	q, err := s.byURL(in.QueueUrl)
	if err != nil {
		return nil, err
	}
	total := 0
	for i := range in.Entries {
		total += in.Entries[i].size()
	}
	if total > maxMessageBytes {
		return nil, wire.Errorf("BatchRequestTooLong", "Batch requests cannot be longer than %d bytes. You have sent %d bytes.", maxMessageBytes, total)
	}
	return runBatch(in.Entries, func(e *sendInput) string { return e.Id }, func(e *sendInput) (*sendOutput, error) { return s.sendOne(q, e) })
}

type receiveInput struct {
	QueueUrl                    string
	MaxNumberOfMessages         *int
	WaitTimeSeconds             *int
	VisibilityTimeout           *int
	AttributeNames              []string
	MessageSystemAttributeNames []string
	MessageAttributeNames       []string
	ReceiveRequestAttemptId     string
}

type receivedMessage struct {
	MessageId              string
	ReceiptHandle          string
	MD5OfBody              string
	Body                   string
	Attributes             map[string]string    `json:",omitempty"`
	MD5OfMessageAttributes string               `json:",omitempty"`
	MessageAttributes      map[string]Attribute `json:",omitempty"`
}

type receiveOutput struct {
	Messages []receivedMessage `json:",omitempty"`
}

func (s *Service) apiReceiveMessage(ctx context.Context, in *receiveInput) (*receiveOutput, error) {
	q, err := s.byURL(in.QueueUrl)
	if err != nil {
		return nil, err
	}
	if in.ReceiveRequestAttemptId != "" {
		return nil, wire.Errorf("InvalidParameterValue", "Value %s for parameter ReceiveRequestAttemptId is invalid. Reason: The request include parameter that is not valid for this queue type.", in.ReceiveRequestAttemptId)
	}
	count, wait, visibility, err := in.limits(q)
	if err != nil {
		return nil, err
	}
	messages, err := s.receive(ctx, q, count, wait, visibility)
	if err != nil {
		if errors.Is(err, context.Canceled) {
			return &receiveOutput{}, nil // The client left or the runtime ends: nothing was taken.
		}
		return nil, err
	}
	out := &receiveOutput{Messages: make([]receivedMessage, len(messages))}
	for i := range messages {
		m := &messages[i]
		attributes := selectAttributes(m.Attributes, in.MessageAttributeNames)
		out.Messages[i] = receivedMessage{
			MessageId: m.ID, ReceiptHandle: m.ReceiptHandle, Body: m.Body, MD5OfBody: m.BodyMD5(),
			Attributes:        systemAttributes(m, append(in.AttributeNames, in.MessageSystemAttributeNames...)),
			MessageAttributes: attributes, MD5OfMessageAttributes: attributesMD5(attributes),
		}
	}
	return out, nil
}

// limits checks the numbers of a receive and fills in the queue's own where there are none.
func (in *receiveInput) limits(q *queue) (count int, wait, visibility time.Duration, err error) {
	count, wait, visibility = 1, q.currentSettings().wait, useQueueVisibility
	if in.MaxNumberOfMessages != nil {
		if count = *in.MaxNumberOfMessages; count < 1 || count > maxBatchEntries {
			return 0, 0, 0, wire.Errorf("InvalidParameterValue", "Value %d for parameter MaxNumberOfMessages is invalid. Reason: Must be between 1 and %d, if provided.", count, maxBatchEntries)
		}
	}
	if in.WaitTimeSeconds != nil {
		if wait, err = secondsIn("WaitTimeSeconds", *in.WaitTimeSeconds, maxWaitSeconds); err != nil {
			return 0, 0, 0, err
		}
	}
	if in.VisibilityTimeout != nil {
		if visibility, err = secondsIn("VisibilityTimeout", *in.VisibilityTimeout, maxVisibilitySeconds); err != nil {
			return 0, 0, 0, err
		}
	}
	return count, wait, visibility, nil
}

// selectAttributes picks message attributes by name, by prefix ("pay.*") or all of them ("All", ".*").
func selectAttributes(attributes map[string]Attribute, names []string) map[string]Attribute {
	out := map[string]Attribute{}
	for name, a := range attributes {
		if slices.ContainsFunc(names, func(want string) bool {
			prefix, isPrefix := strings.CutSuffix(want, ".*")
			return want == "All" || want == name || isPrefix && strings.HasPrefix(name, prefix)
		}) {
			out[name] = a
		}
	}
	return out
}

func systemAttributes(m *Message, names []string) map[string]string {
	all := map[string]string{
		"ApproximateReceiveCount":          strconv.Itoa(m.ReceiveCount),
		"SentTimestamp":                    strconv.FormatInt(m.Sent, 10),
		"SenderId":                         m.SenderID,
		"ApproximateFirstReceiveTimestamp": strconv.FormatInt(m.FirstReceived, 10),
	}
	if m.DeadLetterSource != "" {
		all["DeadLetterQueueSourceArn"] = m.DeadLetterSource
	}
	if m.TraceHeader != "" {
		all["AWSTraceHeader"] = m.TraceHeader
	}
	if slices.Contains(names, "All") {
		return all
	}
	out := map[string]string{}
	for _, name := range names {
		if value, ok := all[name]; ok {
			out[name] = value
		}
	}
	return out
}

type handleInput struct {
	Id                string
	QueueUrl          string
	ReceiptHandle     string
	VisibilityTimeout *int
}

type handleBatchInput struct {
	QueueUrl string
	Entries  []handleInput
}

type doneEntry struct{ Id string }

func (s *Service) apiDeleteMessage(_ context.Context, in *handleInput) (*empty, error) {
	q, err := s.byURL(in.QueueUrl)
	if err != nil {
		return nil, err
	}
	return &empty{}, q.delete(in.ReceiptHandle)
}

func (s *Service) apiDeleteMessageBatch(_ context.Context, in *handleBatchInput) (*batchOutput[doneEntry], error) {
	q, err := s.byURL(in.QueueUrl)
	if err != nil {
		return nil, err
	}
	return runBatch(in.Entries, handleEntryID, func(e *handleInput) (doneEntry, error) {
		return doneEntry{Id: e.Id}, q.delete(e.ReceiptHandle)
	})
}

func (s *Service) apiChangeMessageVisibility(_ context.Context, in *handleInput) (*empty, error) {
	q, err := s.byURL(in.QueueUrl)
	if err != nil {
		return nil, err
	}
	return &empty{}, in.changeVisibility(q)
}

func (s *Service) apiChangeMessageVisibilityBatch(_ context.Context, in *handleBatchInput) (*batchOutput[doneEntry], error) {
	q, err := s.byURL(in.QueueUrl)
	if err != nil {
		return nil, err
	}
	return runBatch(in.Entries, handleEntryID, func(e *handleInput) (doneEntry, error) {
		return doneEntry{Id: e.Id}, e.changeVisibility(q)
	})
}

func (in *handleInput) changeVisibility(q *queue) error {
	if in.VisibilityTimeout == nil {
		return wire.Errorf("MissingParameter", "The request must contain the parameter VisibilityTimeout.")
	}
	visibility, err := secondsIn("VisibilityTimeout", *in.VisibilityTimeout, maxVisibilitySeconds)
	if err != nil {
		return err
	}
	return q.changeVisibility(in.ReceiptHandle, visibility)
}

func handleEntryID(e *handleInput) string { return e.Id }
