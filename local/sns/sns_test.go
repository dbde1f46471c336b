package sns

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/local/clock"
	"github.com/payrail/payrail/local/faults"
	"github.com/payrail/payrail/local/wire"
)

const (
	topicARN = "arn:aws:sns:us-east-1:000000000000:operator"
	queueARN = "arn:aws:sqs:us-east-1:000000000000:notices"
)

type delivery struct {
	queue, body string
	attributes  map[string]Attribute
}

// queues hands each message to the test, after as many failures as it was told.
type queues struct {
	mu        sync.Mutex
	failures  int
	refuses   string // the queue whose policy does not let the topic in
	failed    chan struct{}
	delivered chan delivery
}

func (q *queues) SendMessage(_ context.Context, _, queue, body string, attributes map[string]Attribute) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.refuses == queue {
		return wire.Errorf("AccessDenied", "the policy does not allow it")
	}
	if q.failures > 0 {
		q.failures--
		q.failed <- struct{}{}
		return errors.New("throttled")
	}
	q.delivered <- delivery{queue, body, attributes}
	return nil
}

type fixture struct {
	*Service
	client *sdk.Client
	clock  *clock.Manual
	queues *queues
	faults *faults.Injector
	sunk   *[]Notification
}

func serve(t *testing.T) fixture {
	t.Helper()
	var sunk []Notification
	ids := 0
	f := fixture{
		clock: clock.NewManual(time.Date(2026, 7, 9, 10, 15, 30, 0, time.UTC)), faults: &faults.Injector{}, sunk: &sunk,
		queues: &queues{failed: make(chan struct{}, 10), delivered: make(chan delivery, 10)},
	}
	f.Service = New(Options{
		Queues: f.queues, Sink: func(n Notification) { sunk = append(sunk, n) }, NewID: func() string { ids++; return fmt.Sprintf("id-%d", ids) },
		Clock: f.clock, Faults: f.faults, Logger: slog.New(slog.DiscardHandler), Region: "us-east-1", Account: "000000000000",
	})
	t.Cleanup(f.Close)
	arn, err := f.CreateTopic("operator", "Operators")
	require.NoError(t, err)
	require.Equal(t, topicARN, arn)
	server := httptest.NewServer(f.Service)
	t.Cleanup(server.Close)
	f.client = sdk.New(sdk.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(server.URL), RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	})
	return f
}

func requireCode(t *testing.T, err error, code string) {
	t.Helper()
	var api smithy.APIError
	require.ErrorAs(t, err, &api)
	require.Equal(t, code, api.ErrorCode())
}

func TestWithoutSubscribersMessagesAreKeptForTheDeveloper(t *testing.T) {
	f := serve(t)
	out, err := f.client.Publish(t.Context(), &sdk.PublishInput{
		TopicArn: aws.String(topicARN), Subject: aws.String("Conflict"), Message: aws.String("a <b> & c"),
		MessageAttributes: map[string]types.MessageAttributeValue{
			"kind": {DataType: aws.String("String"), StringValue: aws.String("conflict")},
			"raw":  {DataType: aws.String("Binary"), BinaryValue: []byte{0, 1}},
		},
	})
	require.NoError(t, err)
	require.Equal(t, "id-1", *out.MessageId)
	want := Notification{
		MessageID: "id-1", TopicARN: topicARN, Subject: "Conflict", Message: "a <b> & c", Time: f.clock.Now(),
		Attributes: map[string]Attribute{"kind": {DataType: "String", StringValue: "conflict"}, "raw": {DataType: "Binary", BinaryValue: []byte{0, 1}}},
	}
	require.Equal(t, []Notification{want}, f.Notifications())
	require.Equal(t, []Notification{want}, *f.sunk)
}

func TestTheRingIsBounded(t *testing.T) {
	f := serve(t)
	for i := range keptNotifications + 5 {
		_, err := f.Publish(t.Context(), topicARN, "", fmt.Sprint(i), nil)
		require.NoError(t, err)
	}
	kept := f.Notifications()
	require.Len(t, kept, keptNotifications)
	require.Equal(t, "5", kept[0].Message)
}

func TestSubscribedQueuesGetMessages(t *testing.T) {
	for name, tc := range map[string]struct {
		raw  string
		want string
	}{
		"raw": {"true", "hello"},
		"envelope": {"false", `{"Type":"Notification","MessageId":"id-2","TopicArn":"` + topicARN + `","Subject":"s","Message":"hello",` +
			`"Timestamp":"2026-07-09T10:15:30.000Z","SignatureVersion":"1","Signature":"","MessageAttributes":{"n":{"Type":"Number","Value":"5"}}}`},
	} {
		t.Run(name, func(t *testing.T) {
			f := serve(t)
			sub, err := f.client.Subscribe(t.Context(), &sdk.SubscribeInput{
				TopicArn: aws.String(topicARN), Protocol: aws.String("sqs"), Endpoint: aws.String(queueARN),
				Attributes: map[string]string{"RawMessageDelivery": tc.raw},
			})
			require.NoError(t, err)
			require.Equal(t, topicARN+":id-1", *sub.SubscriptionArn)
			attributes := map[string]Attribute{"n": {DataType: "Number", StringValue: "5"}}
			_, err = f.Publish(t.Context(), topicARN, "s", "hello", attributes)
			require.NoError(t, err)
			got := <-f.queues.delivered
			require.Equal(t, queueARN, got.queue)
			require.Equal(t, tc.want, got.body)
			if tc.raw == "true" {
				require.Equal(t, attributes, got.attributes)
			} else {
				require.Nil(t, got.attributes)
			}
			require.Empty(t, f.Notifications())

			listed, err := f.client.ListSubscriptionsByTopic(t.Context(), &sdk.ListSubscriptionsByTopicInput{TopicArn: aws.String(topicARN)})
			require.NoError(t, err)
			require.Equal(t, queueARN, *listed.Subscriptions[0].Endpoint)
		})
	}
}

func TestAFailedDeliveryIsTriedAgain(t *testing.T) {
	f := serve(t)
	f.queues.failures = 7
	_, err := f.Subscribe(topicARN, "sqs", queueARN, true)
	require.NoError(t, err)
	_, err = f.Publish(t.Context(), topicARN, "", "hello", nil)
	require.NoError(t, err)
	for range 3 { // tried again at once
		<-f.queues.failed
	}
	for _, wait := range []time.Duration{time.Second, time.Second, time.Second, 2 * time.Second} {
		<-f.queues.failed
		f.clock.WaitForTimers(1)
		f.clock.Advance(wait)
	}
	require.Equal(t, "hello", (<-f.queues.delivered).body)
}

func TestARefusedDeliveryIsNotTriedAgain(t *testing.T) {
	f := serve(t)
	f.queues.refuses = queueARN
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // A second attempt would have to wait, and end with the context's error.
	err := f.send(ctx, &subscription{endpoint: queueARN, raw: true}, Notification{TopicARN: topicARN, Message: "hello", Time: f.clock.Now()})
	require.ErrorContains(t, err, "AccessDenied")
}

func TestTopics(t *testing.T) {
	f := serve(t)
	created, err := f.client.CreateTopic(t.Context(), &sdk.CreateTopicInput{Name: aws.String("another")})
	require.NoError(t, err)
	topics, err := f.client.ListTopics(t.Context(), &sdk.ListTopicsInput{})
	require.NoError(t, err)
	require.Equal(t, []types.Topic{{TopicArn: created.TopicArn}, {TopicArn: aws.String(topicARN)}}, topics.Topics)
	attributes, err := f.client.GetTopicAttributes(t.Context(), &sdk.GetTopicAttributesInput{TopicArn: aws.String(topicARN)})
	require.NoError(t, err)
	require.Equal(t, "Operators", attributes.Attributes["DisplayName"])
}

func TestPublishBatch(t *testing.T) {
	f := serve(t)
	out, err := f.client.PublishBatch(t.Context(), &sdk.PublishBatchInput{TopicArn: aws.String(topicARN), PublishBatchRequestEntries: []types.PublishBatchRequestEntry{
		{Id: aws.String("a"), Message: aws.String("1")}, {Id: aws.String("b"), Message: aws.String("2"), Subject: aws.String("bad\nsubject")},
	}})
	require.NoError(t, err)
	require.Equal(t, "a", *out.Successful[0].Id)
	require.Equal(t, "b", *out.Failed[0].Id)
	require.True(t, out.Failed[0].SenderFault)
	require.Len(t, f.Notifications(), 1)

	many := make([]types.PublishBatchRequestEntry, 11)
	for i := range many {
		many[i] = types.PublishBatchRequestEntry{Id: aws.String(fmt.Sprint(i)), Message: aws.String("x")}
	}
	_, err = f.client.PublishBatch(t.Context(), &sdk.PublishBatchInput{TopicArn: aws.String(topicARN), PublishBatchRequestEntries: many})
	requireCode(t, err, "TooManyEntriesInBatchRequest")
	many[1].Id = many[0].Id
	_, err = f.client.PublishBatch(t.Context(), &sdk.PublishBatchInput{TopicArn: aws.String(topicARN), PublishBatchRequestEntries: many[:2]})
	requireCode(t, err, "BatchEntryIdsNotDistinct")
}

func TestFaultsAreInjected(t *testing.T) {
	f := serve(t)
	require.NoError(t, f.faults.Arm(faults.Fault{Operation: "sns:Publish", When: faults.BeforeEffect, Code: "Throttled", Times: 2}))
	_, err := f.Publish(t.Context(), topicARN, "", "x", nil)
	require.Error(t, err)
	_, err = f.client.Publish(t.Context(), &sdk.PublishInput{TopicArn: aws.String(topicARN), Message: aws.String("x")})
	requireCode(t, err, "Throttled")
	require.Empty(t, f.Notifications())
}
