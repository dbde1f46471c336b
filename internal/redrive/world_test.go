package redrive

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/firehose"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/events"
	"github.com/payrail/payrail/internal/authorizationitem"
	"github.com/payrail/payrail/internal/reconcile"
	"github.com/payrail/payrail/payment"
)

var (
	now       = time.Date(2026, 7, 9, 10, 15, 30, 0, time.UTC)
	errBroken = errors.New("broken")
)

const (
	region      = "arn:aws:%s:us-east-1:123456789012:%s"
	queueURL    = "https://sqs.us-east-1.amazonaws.com/123456789012/"
	postingRule = "arn:aws:events:us-east-1:123456789012:rule/bus/posting-rule"
)

// world is everything that items come from and go to. What it was told is in said, in order; a call fails whose name, alone or with its detail, is in broken.
type world struct {
	mu       sync.Mutex
	queues   map[string][]*message
	receipts map[string]*message // by their handle
	objects  map[string]string
	targets  map[string][]ebtypes.Target
	items    map[string]authorizationitem.Item
	stamps   []reconcile.StampedAuthorization
	stream   streamFake
	forwards func(records []streamRecord) []events.Detail[events.AuthorizedData]
	broken   map[string]error
	// before is called before each call, with its name; it may be nil.
	before  func(call string)
	said    []string
	records []events.OperatorActionData
	sent    int
}

// message is one in a queue; hidden while somebody has it in hand.
type message struct {
	types.Message
	hidden  bool
	receipt int
}

func newWorld() *world {
	return &world{queues: map[string][]*message{}, receipts: map[string]*message{}, objects: map[string]string{}, targets: map[string][]ebtypes.Target{}, items: map[string]authorizationitem.Item{}, broken: map[string]error{}}
}

// call notes a call and says whether it fails.
func (w *world) call(name string, detail ...string) error {
	if w.before != nil {
		w.before(name)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := cmp.Or(w.broken[name], w.broken[strings.Join(append([]string{name}, detail...), " ")]); err != nil {
		return err
	}
	if len(detail) > 0 {
		w.said = append(w.said, name+" "+strings.Join(detail, " "))
	}
	return nil
}

func (w *world) add(queue string, m types.Message) {
	if m.Attributes == nil {
		m.Attributes = map[string]string{"SentTimestamp": strconv.FormatInt(now.UnixMilli(), 10), "ApproximateReceiveCount": "6"}
	}
	w.queues[queueURL+queue] = append(w.queues[queueURL+queue], &message{Message: m})
}

// visible are the messages that a queue holds and nobody has in hand.
func (w *world) visible(queue string) (ids []string) {
	for _, m := range w.queues[queueURL+queue] {
		if !m.hidden {
			ids = append(ids, aws.ToString(m.MessageId))
		}
	}
	return ids
}

func (w *world) GetQueueAttributes(_ context.Context, in *sqs.GetQueueAttributesInput, _ ...func(*sqs.Options)) (*sqs.GetQueueAttributesOutput, error) {
	if err := w.call("GetQueueAttributes"); err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	visible, hidden := 0, 0
	for _, m := range w.queues[*in.QueueUrl] {
		if m.hidden {
			hidden++
		} else {
			visible++
		}
	}
	return &sqs.GetQueueAttributesOutput{Attributes: map[string]string{"ApproximateNumberOfMessages": strconv.Itoa(visible),
		"ApproximateNumberOfMessagesNotVisible": strconv.Itoa(hidden), "ApproximateNumberOfMessagesDelayed": "0"}}, nil
}

func (w *world) GetQueueUrl(_ context.Context, in *sqs.GetQueueUrlInput, _ ...func(*sqs.Options)) (*sqs.GetQueueUrlOutput, error) {
	return &sqs.GetQueueUrlOutput{QueueUrl: aws.String(queueURL + *in.QueueName)}, nil
}

func (w *world) ReceiveMessage(_ context.Context, in *sqs.ReceiveMessageInput, _ ...func(*sqs.Options)) (*sqs.ReceiveMessageOutput, error) {
	if err := w.call("ReceiveMessage"); err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	out := &sqs.ReceiveMessageOutput{}
	for _, m := range w.queues[*in.QueueUrl] {
		if m.hidden || len(out.Messages) == int(in.MaxNumberOfMessages) {
			continue
		}
		m.hidden = true
		m.receipt++
		m.ReceiptHandle = aws.String(fmt.Sprintf("%s/%d", *m.MessageId, m.receipt))
		w.receipts[*in.QueueUrl+*m.ReceiptHandle] = m
		out.Messages = append(out.Messages, m.Message)
	}
	return out, nil
}

func (w *world) ChangeMessageVisibilityBatch(_ context.Context, in *sqs.ChangeMessageVisibilityBatchInput, _ ...func(*sqs.Options)) (*sqs.ChangeMessageVisibilityBatchOutput, error) {
	if err := w.call("ChangeMessageVisibilityBatch"); err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, entry := range in.Entries {
		m := w.receipts[*in.QueueUrl+*entry.ReceiptHandle]
		if m != nil && *m.ReceiptHandle == *entry.ReceiptHandle && entry.VisibilityTimeout == 0 {
			m.hidden = false
		}
	}
	return &sqs.ChangeMessageVisibilityBatchOutput{}, nil
}

func (w *world) DeleteMessage(_ context.Context, in *sqs.DeleteMessageInput, _ ...func(*sqs.Options)) (*sqs.DeleteMessageOutput, error) {
	id, _, _ := strings.Cut(*in.ReceiptHandle, "/")
	if err := w.call("DeleteMessage", id); err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.queues[*in.QueueUrl] = slices.DeleteFunc(w.queues[*in.QueueUrl], func(m *message) bool { return aws.ToString(m.ReceiptHandle) == *in.ReceiptHandle })
	return &sqs.DeleteMessageOutput{}, nil
}

func (w *world) SendMessage(_ context.Context, in *sqs.SendMessageInput, _ ...func(*sqs.Options)) (*sqs.SendMessageOutput, error) {
	queue := strings.TrimPrefix(*in.QueueUrl, queueURL)
	if err := w.call("SendMessage", queue, *in.MessageBody, strings.Join(slices.Sorted(maps.Keys(in.MessageAttributes)), ",")); err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sent++
	return &sqs.SendMessageOutput{MessageId: aws.String(fmt.Sprintf("sent-%d", w.sent))}, nil
}

func (w *world) StartExecution(_ context.Context, in *sfn.StartExecutionInput, _ ...func(*sfn.Options)) (*sfn.StartExecutionOutput, error) {
	if err := w.call("StartExecution", *in.StateMachineArn, *in.Input); err != nil {
		return nil, err
	}
	return &sfn.StartExecutionOutput{ExecutionArn: aws.String("arn:execution-of-redrive")}, nil
}

func (w *world) Invoke(_ context.Context, in *lambda.InvokeInput, _ ...func(*lambda.Options)) (*lambda.InvokeOutput, error) {
	if in.InvocationType == "Event" {
		return &lambda.InvokeOutput{}, w.call("InvokeEvent", *in.FunctionName, string(in.Payload))
	}
	var records []streamRecord
	if err := json.Unmarshal(in.Payload, &records); err != nil {
		return nil, err
	}
	var keys []string
	for _, r := range records {
		keys = append(keys, authorizationOf(r))
	}
	if err := w.call("Invoke", *in.FunctionName, strings.Join(keys, ",")); err != nil {
		if err == errFunction {
			return &lambda.InvokeOutput{FunctionError: aws.String("Unhandled"), Payload: []byte(`{"errorMessage":"the table is throttled"}`)}, nil
		}
		return nil, err
	}
	details := []events.Detail[events.AuthorizedData]{}
	for _, r := range records {
		d := events.Detail[events.AuthorizedData]{}
		d.Metadata.TransactionID = "tx_" + authorizationOf(r)
		d.Metadata.EventID = d.Metadata.TransactionID + "/TransactionAuthorized"
		amount := payment.Money{Minor: 1981, Currency: "GBP"}
		d.Data.Authorization.TransactionAmount, d.Data.Authorization.BillingAmount = amount, amount
		details = append(details, d)
	}
	if w.forwards != nil {
		details = w.forwards(records)
	}
	payload, err := json.Marshal(details)
	return &lambda.InvokeOutput{Payload: payload}, err
}

// errFunction makes the function fail instead of the call of it.
var errFunction = errors.New("the function fails")

func authorizationOf(r streamRecord) string {
	id, _ := r.Data.NewImage["authorizationId"].(map[string]any)
	return fmt.Sprint(id["S"])
}

func (w *world) PutRecord(_ context.Context, in *firehose.PutRecordInput, _ ...func(*firehose.Options)) (*firehose.PutRecordOutput, error) {
	return &firehose.PutRecordOutput{}, w.call("PutRecord", *in.DeliveryStreamName, string(in.Record.Data))
}

func (w *world) Publish(_ context.Context, in *sns.PublishInput, _ ...func(*sns.Options)) (*sns.PublishOutput, error) {
	return &sns.PublishOutput{}, w.call("Publish", *in.TopicArn, *in.Message)
}

func (w *world) ListTargetsByRule(_ context.Context, in *eventbridge.ListTargetsByRuleInput, _ ...func(*eventbridge.Options)) (*eventbridge.ListTargetsByRuleOutput, error) {
	if err := w.call("ListTargetsByRule"); err != nil {
		return nil, err
	}
	targets, ok := w.targets[aws.ToString(in.EventBusName)+"/"+*in.Rule]
	if !ok {
		return nil, &ebtypes.ResourceNotFoundException{}
	}
	return &eventbridge.ListTargetsByRuleOutput{Targets: targets}, nil
}

func (w *world) PutEvents(_ context.Context, in *eventbridge.PutEventsInput, _ ...func(*eventbridge.Options)) (*eventbridge.PutEventsOutput, error) {
	e := in.Entries[0]
	if err := w.call("PutEvents", *e.EventBusName, *e.Source, *e.DetailType, *e.Detail); err != nil {
		if err == errEntry {
			return &eventbridge.PutEventsOutput{FailedEntryCount: 1, Entries: []ebtypes.PutEventsResultEntry{{ErrorCode: aws.String("ThrottlingException"), ErrorMessage: aws.String("slow down")}}}, nil
		}
		return nil, err
	}
	return &eventbridge.PutEventsOutput{Entries: []ebtypes.PutEventsResultEntry{{EventId: aws.String("1")}}}, nil
}

// errEntry makes the entry fail instead of the call.
var errEntry = errors.New("the entry fails")

// publisher takes what is published by its kinds and keeps the audit records.
type publisher struct{ *world }

func (p publisher) Publish(_ context.Context, all []events.Event) events.Failures {
	failures := events.Failures{}
	for i, e := range all {
		name, detail := "PublishEvent", string(e.Detail)
		if e.DetailType == events.OperatorActionTaken {
			var d events.Detail[events.OperatorActionData]
			if err := json.Unmarshal(e.Detail, &d); err != nil {
				failures[i] = err
				continue
			}
			p.mu.Lock()
			p.world.records = append(p.world.records, d.Data)
			p.mu.Unlock()
			name, detail = "Record", string(d.Data.Phase)
		}
		if err := p.call(name, string(e.DetailType), string(e.Source), detail); err != nil {
			failures[i] = err
		}
	}
	return failures
}

func (w *world) ListObjectsV2(_ context.Context, in *s3.ListObjectsV2Input, _ ...func(*s3.Options)) (*s3.ListObjectsV2Output, error) {
	out := &s3.ListObjectsV2Output{}
	for _, key := range slices.Sorted(maps.Keys(w.objects)) {
		out.Contents = append(out.Contents, s3types.Object{Key: &key, LastModified: &now})
	}
	return out, w.call("ListObjectsV2")
}

func (w *world) GetObject(_ context.Context, in *s3.GetObjectInput, _ ...func(*s3.Options)) (*s3.GetObjectOutput, error) {
	body, ok := w.objects[*in.Key]
	if !ok {
		return nil, &s3types.NoSuchKey{}
	}
	return &s3.GetObjectOutput{Body: io.NopCloser(bytes.NewBufferString(body))}, w.call("GetObject")
}

func (w *world) DeleteObject(_ context.Context, in *s3.DeleteObjectInput, _ ...func(*s3.Options)) (*s3.DeleteObjectOutput, error) {
	if err := w.call("DeleteObject", *in.Key); err != nil {
		return nil, err
	}
	delete(w.objects, *in.Key)
	return &s3.DeleteObjectOutput{}, nil
}

func (w *world) InBucket(_ context.Context, _ string, from, to time.Time, visit func(reconcile.StampedAuthorization) error) error {
	for _, a := range w.stamps {
		if !a.At.Before(from) && !a.At.After(to) {
			if err := visit(a); err != nil {
				return err
			}
		}
	}
	return w.call("InBucket")
}

func (w *world) Get(_ context.Context, ids []string) (map[string]authorizationitem.Item, error) {
	found := map[string]authorizationitem.Item{}
	for _, id := range ids {
		if item, ok := w.items[id]; ok {
			found[id] = item
		}
	}
	return found, w.call("Get")
}

// streamFake is a stream of pages of records; err is what reading it says.
type streamFake struct {
	pages [][]record
	err   error
}

func (w *world) GetShardIterator(_ context.Context, in *dynamodbstreams.GetShardIteratorInput, _ ...func(*dynamodbstreams.Options)) (*dynamodbstreams.GetShardIteratorOutput, error) {
	if w.stream.err != nil {
		return nil, w.stream.err
	}
	return &dynamodbstreams.GetShardIteratorOutput{ShardIterator: aws.String("0")}, w.call("GetShardIterator", *in.ShardId, string(in.ShardIteratorType), *in.SequenceNumber)
}

func (w *world) GetRecords(_ context.Context, in *dynamodbstreams.GetRecordsInput, _ ...func(*dynamodbstreams.Options)) (*dynamodbstreams.GetRecordsOutput, error) {
	page, err := strconv.Atoi(*in.ShardIterator)
	if err != nil {
		return nil, err
	}
	out := &dynamodbstreams.GetRecordsOutput{}
	if page < len(w.stream.pages) {
		for _, r := range w.stream.pages[page] {
			out.Records = append(out.Records, r.form())
		}
		out.NextShardIterator = aws.String(strconv.Itoa(page + 1))
	}
	return out, nil
}

// stores of every kind.
func storeOf(kind Kind) Store {
	s := Store{Name: "PostingDeadLetters", Kind: kind, Address: queueURL + "PostingDeadLetters", To: "PostingQueue", target: queueURL + "PostingQueue"}
	switch kind {
	case Rule:
		s = Store{Name: "PostingUndelivered", Kind: kind, Address: queueURL + "PostingUndelivered", To: "the rule's target"}
	case Machine:
		s.Name, s.To, s.target = "RulesDeadLetters", "RulesStateMachine", fmt.Sprintf(region, "states", "stateMachine:rules")
	case Function:
		s.Name, s.To, s.target = "DigestDeadLetters", "DigestFunction", "digest"
	case Bus:
		s.Name, s.To, s.target = "BusDeadLetters", "the bus", "bus"
	case Pipe:
		s.Name, s.To = "PipeDeadLetters", "dedup and the bus"
	case Parked:
		s = Store{Name: ParkedName, Kind: kind, Address: "parked"}
	}
	if s.isQueue() {
		s.Address = queueURL + s.Name
	}
	return s
}

func (w *world) redriver() *Redriver {
	return &Redriver{
		Layout: Layout{DedupFunction: "dedup", AuthorizationsTable: "authorizations", EventBus: "bus"},
		Queues: w, Objects: w, Rules: w, Machines: w, Functions: w, Streams: w, Topics: w, EventBus: w, Publisher: publisher{w}, Records: w, Authorizations: w,
		Now: func() time.Time { return now }, Wait: func(ctx context.Context, _ time.Duration) error { return ctx.Err() }, NewID: func() string { return "7f3a" },
	}
}

// run redrives a store whole unless change asks for something else.
func (w *world) run(t *testing.T, store Store, change ...func(*Request)) Report {
	t.Helper()
	request := Request{Stores: []Store{store}, Rate: 1000, By: "ana", Reason: "it answers again"}
	for _, c := range change {
		c(&request)
	}
	report, err := w.redriver().Run(t.Context(), request)
	require.NoError(t, err)
	return report
}

// eventBody is a leg of a payment as the bus delivers it. Its blanks and its unknown member must survive.
func eventBody(transaction string) string {
	return fmt.Sprintf(`{"version": "0", "id":"6fea7756-0ea4-451a-a703-a558b933e274",  "detail-type":"PostingLegCreated","source":"payrail.accountinterface","time":"2026-07-09T10:15:30Z",`+
		`"resources":[],"detail":{"metadata":{"eventId":"%[1]s/PostingLegCreated/1","transactionId":"%[1]s","correlationId":"auth-1"},"data":{"later": 1}}}`, transaction)
}

func text(value string) types.MessageAttributeValue {
	return types.MessageAttributeValue{DataType: aws.String("String"), StringValue: &value}
}

// deadLetter is a message of a processor's dead-letter queue.
func deadLetter(id string) types.Message {
	return types.Message{MessageId: &id, Body: aws.String(eventBody("tx_" + id))}
}

// fill puts n messages, m00 to …, into a processor's dead-letter queue.
func (w *world) fill(n int) {
	for i := range n {
		w.add("PostingDeadLetters", deadLetter(fmt.Sprintf("m%02d", i)))
	}
}

func outcomes(report Report) map[string]Outcome {
	all := map[string]Outcome{}
	for _, item := range report.Items {
		all[item.ID] = item.Outcome
	}
	return all
}
