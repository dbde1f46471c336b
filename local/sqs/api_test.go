package sqs

import (
	"context"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"
)

func sdkClient(t *testing.T, s *Service) *awssqs.Client {
	t.Helper()
	server := httptest.NewServer(s.Handler())
	t.Cleanup(server.Close)
	return awssqs.New(awssqs.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(server.URL), RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
	})
}

func TestAPIWithSDK(t *testing.T) {
	s, _, _ := newService(t)
	client, ctx := sdkClient(t, s), context.Background()
	created, err := client.CreateQueue(ctx, &awssqs.CreateQueueInput{QueueName: aws.String("q"), Attributes: map[string]string{"VisibilityTimeout": "60"}})
	require.NoError(t, err)
	url := created.QueueUrl
	found, err := client.GetQueueUrl(ctx, &awssqs.GetQueueUrlInput{QueueName: aws.String("q")})
	require.NoError(t, err)
	require.Equal(t, *url, *found.QueueUrl)

	// The client refuses an answer whose digests are wrong.
	sent, err := client.SendMessage(ctx, &awssqs.SendMessageInput{
		QueueUrl: url, MessageBody: aws.String("hello é"),
		MessageAttributes: map[string]types.MessageAttributeValue{
			"b":     {DataType: aws.String("Binary"), BinaryValue: []byte{0, 1, 255}},
			"a.b":   {DataType: aws.String("String"), StringValue: aws.String("text")},
			"count": {DataType: aws.String("Number.int"), StringValue: aws.String("3")},
		},
		MessageSystemAttributes: map[string]types.MessageSystemAttributeValue{
			"AWSTraceHeader": {DataType: aws.String("String"), StringValue: aws.String("Root=1-5759e988-bd862e3fe1be46a994272793")},
		},
	})
	require.NoError(t, err)
	received, err := client.ReceiveMessage(ctx, &awssqs.ReceiveMessageInput{
		QueueUrl: url, MaxNumberOfMessages: 10, MessageAttributeNames: []string{"a.*", "b"},
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameAll},
	})
	require.NoError(t, err)
	require.Len(t, received.Messages, 1)
	m := received.Messages[0]
	require.Equal(t, *sent.MessageId, *m.MessageId)
	require.Equal(t, "hello é", *m.Body)
	require.Len(t, m.MessageAttributes, 2)
	require.Equal(t, []byte{0, 1, 255}, m.MessageAttributes["b"].BinaryValue)
	require.Equal(t, map[string]string{
		"ApproximateReceiveCount": "1", "SentTimestamp": "1783592130000", "SenderId": "000000000000",
		"ApproximateFirstReceiveTimestamp": "1783592130000", "AWSTraceHeader": "Root=1-5759e988-bd862e3fe1be46a994272793",
	}, m.Attributes)

	_, err = client.ChangeMessageVisibility(ctx, &awssqs.ChangeMessageVisibilityInput{QueueUrl: url, ReceiptHandle: m.ReceiptHandle, VisibilityTimeout: 0})
	require.NoError(t, err)
	again, err := client.ReceiveMessage(ctx, &awssqs.ReceiveMessageInput{QueueUrl: url})
	require.NoError(t, err)
	require.Len(t, again.Messages, 1, "visible at once")
	_, err = client.DeleteMessage(ctx, &awssqs.DeleteMessageInput{QueueUrl: aws.String("https://elsewhere.example/000000000000/q"), ReceiptHandle: again.Messages[0].ReceiptHandle})
	require.NoError(t, err, "any host will do")
	attributes, err := client.GetQueueAttributes(ctx, &awssqs.GetQueueAttributesInput{QueueUrl: url, AttributeNames: []types.QueueAttributeName{"ApproximateNumberOfMessagesNotVisible", "VisibilityTimeout", "Policy"}})
	require.NoError(t, err)
	require.Equal(t, map[string]string{"ApproximateNumberOfMessagesNotVisible": "0", "VisibilityTimeout": "60"}, attributes.Attributes)
}

func TestAPIBatchesWithSDK(t *testing.T) {
	s, _, _ := newService(t)
	client, ctx := sdkClient(t, s), context.Background()
	create(t, s, "q", map[string]string{"MaximumMessageSize": "1024"})
	url := aws.String("http://127.0.0.1:4566/000000000000/q")
	entry := func(id, body string) types.SendMessageBatchRequestEntry {
		return types.SendMessageBatchRequestEntry{Id: &id, MessageBody: &body}
	}
	sent, err := client.SendMessageBatch(ctx, &awssqs.SendMessageBatchInput{QueueUrl: url, Entries: []types.SendMessageBatchRequestEntry{
		entry("a", "one"), entry("b", strings.Repeat("x", 1025)), entry("c", "three"),
	}})
	require.NoError(t, err)
	require.Len(t, sent.Successful, 2)
	require.Len(t, sent.Failed, 1)
	require.Equal(t, "b", *sent.Failed[0].Id)
	require.True(t, sent.Failed[0].SenderFault)

	received, err := client.ReceiveMessage(ctx, &awssqs.ReceiveMessageInput{QueueUrl: url, MaxNumberOfMessages: 10})
	require.NoError(t, err)
	require.Len(t, received.Messages, 2)
	changed, err := client.ChangeMessageVisibilityBatch(ctx, &awssqs.ChangeMessageVisibilityBatchInput{QueueUrl: url, Entries: []types.ChangeMessageVisibilityBatchRequestEntry{
		{Id: aws.String("a"), ReceiptHandle: received.Messages[0].ReceiptHandle, VisibilityTimeout: 90},
		{Id: aws.String("b"), ReceiptHandle: aws.String("nonsense"), VisibilityTimeout: 90},
	}})
	require.NoError(t, err)
	require.Equal(t, "ReceiptHandleIsInvalid", *changed.Failed[0].Code)
	deleted, err := client.DeleteMessageBatch(ctx, &awssqs.DeleteMessageBatchInput{QueueUrl: url, Entries: []types.DeleteMessageBatchRequestEntry{
		{Id: aws.String("a"), ReceiptHandle: received.Messages[0].ReceiptHandle}, {Id: aws.String("b"), ReceiptHandle: received.Messages[1].ReceiptHandle},
	}})
	require.NoError(t, err)
	require.Len(t, deleted.Successful, 2)

	many := make([]types.SendMessageBatchRequestEntry, 11)
	for i := range many {
		many[i] = entry(fmt.Sprint(i), "x")
	}
	long := strings.Repeat("x", 600_000)
	for code, entries := range map[string][]types.SendMessageBatchRequestEntry{
		"AWS.SimpleQueueService.EmptyBatchRequest":            {},
		"AWS.SimpleQueueService.TooManyEntriesInBatchRequest": many,
		"AWS.SimpleQueueService.BatchEntryIdsNotDistinct":     {entry("a", "x"), entry("a", "y")},
		"AWS.SimpleQueueService.InvalidBatchEntryId":          {entry("a b", "x")},
		"AWS.SimpleQueueService.BatchRequestTooLong":          {entry("a", long), entry("b", long)},
	} {
		t.Run(code, func(t *testing.T) {
			_, err := client.SendMessageBatch(ctx, &awssqs.SendMessageBatchInput{QueueUrl: url, Entries: entries})
			requireAPIError(t, err, code)
		})
	}
}

func requireAPIError(t *testing.T, err error, code string) {
	t.Helper()
	var e smithy.APIError
	require.ErrorAs(t, err, &e)
	require.Equal(t, code, e.ErrorCode())
}

func TestAPIErrorsWithSDK(t *testing.T) {
	s, c, _ := newService(t)
	client, ctx := sdkClient(t, s), context.Background()
	create(t, s, "q", nil)
	url, none := aws.String("http://127.0.0.1:4566/000000000000/q"), aws.String("http://127.0.0.1:4566/000000000000/none")

	_, err := client.SendMessage(ctx, &awssqs.SendMessageInput{QueueUrl: none, MessageBody: aws.String("x")})
	var missing *types.QueueDoesNotExist
	require.ErrorAs(t, err, &missing)
	requireAPIError(t, err, "AWS.SimpleQueueService.NonExistentQueue")
	_, err = client.GetQueueUrl(ctx, &awssqs.GetQueueUrlInput{QueueName: aws.String("none")})
	require.ErrorAs(t, err, &missing)
	_, err = client.ReceiveMessage(ctx, &awssqs.ReceiveMessageInput{QueueUrl: url, MaxNumberOfMessages: 11})
	requireAPIError(t, err, "InvalidParameterValue")
	_, err = client.ReceiveMessage(ctx, &awssqs.ReceiveMessageInput{QueueUrl: url, WaitTimeSeconds: 21})
	requireAPIError(t, err, "InvalidParameterValue")
	_, err = client.DeleteMessage(ctx, &awssqs.DeleteMessageInput{QueueUrl: url, ReceiptHandle: aws.String("nonsense")})
	requireAPIError(t, err, "ReceiptHandleIsInvalid")
	_, err = client.SendMessage(ctx, &awssqs.SendMessageInput{QueueUrl: url, MessageBody: aws.String("x"), DelaySeconds: 901})
	requireAPIError(t, err, "InvalidParameterValue")
	_, err = client.SendMessage(ctx, &awssqs.SendMessageInput{QueueUrl: url, MessageBody: aws.String("x"), MessageGroupId: aws.String("g")})
	requireAPIError(t, err, "NotImplemented")
	_, err = client.SetQueueAttributes(ctx, &awssqs.SetQueueAttributesInput{QueueUrl: url, Attributes: map[string]string{"DelaySeconds": "-1"}})
	requireAPIError(t, err, "InvalidAttributeValue")
	_, err = client.GetQueueAttributes(ctx, &awssqs.GetQueueAttributesInput{QueueUrl: url, AttributeNames: []types.QueueAttributeName{"Colour"}})
	requireAPIError(t, err, "InvalidAttributeName")
	send(t, s, arnPrefix+"q", "x")
	held := receive(t, s, arnPrefix+"q", 1)[0].ReceiptHandle
	c.Advance(30 * time.Second)
	_, err = client.ChangeMessageVisibility(ctx, &awssqs.ChangeMessageVisibilityInput{QueueUrl: url, ReceiptHandle: &held, VisibilityTimeout: 5})
	require.NoError(t, err, "recorded from AWS: the timeout is over, and it is no error")
	require.Len(t, receive(t, s, arnPrefix+"q", 1), 1)
}

func TestAPIListsWithSDK(t *testing.T) {
	s, _, _ := newService(t)
	client, ctx := sdkClient(t, s), context.Background()
	create(t, s, "pay-dlq", nil)
	for _, name := range []string{"pay-a", "pay-b", "pay-c"} {
		create(t, s, name, redrive("pay-dlq", 3))
	}
	create(t, s, "other", nil)
	var names []string
	for pages := awssqs.NewListQueuesPaginator(client, &awssqs.ListQueuesInput{QueueNamePrefix: aws.String("pay-"), MaxResults: aws.Int32(3)}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		require.NoError(t, err)
		for _, url := range page.QueueUrls {
			names = append(names, url[strings.LastIndex(url, "/")+1:])
		}
	}
	require.Equal(t, []string{"pay-a", "pay-b", "pay-c", "pay-dlq"}, names)
	sources, err := client.ListDeadLetterSourceQueues(ctx, &awssqs.ListDeadLetterSourceQueuesInput{QueueUrl: aws.String("http://x/000000000000/pay-dlq")})
	require.NoError(t, err)
	require.Len(t, sources.QueueUrls, 3)
	_, err = client.PurgeQueue(ctx, &awssqs.PurgeQueueInput{QueueUrl: aws.String("http://x/000000000000/other")})
	require.NoError(t, err)
}
