package sqs

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/local/clock"
)

// Where the expectations of the conformance cases come from.
const (
	guide     = "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/"
	reference = "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/"
	// recorded are answers of AWS that another project recorded.
	recorded      = "https://github.com/localstack/localstack/blob/master/tests/aws/services/sqs/test_sqs.snapshot.json"
	recordedMoves = "https://github.com/localstack/localstack/blob/master/tests/aws/services/sqs/test_sqs_move_task.snapshot.json"
)

// conformanceFixture is a service behind its protocols.
type conformanceFixture struct {
	*Service
	clock  *clock.Manual
	client *awssqs.Client
	url    string
}

func newConformanceFixture(t *testing.T) *conformanceFixture {
	t.Helper()
	s, c, _ := newService(t)
	f := &conformanceFixture{Service: s, clock: c, client: sdkClient(t, s)}
	server := httptest.NewServer(s.Handler())
	t.Cleanup(server.Close)
	f.url = server.URL
	return f
}

func queueURL(name string) *string { return aws.String("http://localhost/000000000000/" + name) }

// json makes a call of the JSON protocol.
func (f *conformanceFixture) json(t *testing.T, operation, body string) (status int, header http.Header, answer string) {
	t.Helper()
	return f.post(t, "application/x-amz-json-1.0", "AmazonSQS."+operation, body)
}

// query makes a call of the query protocol.
func (f *conformanceFixture) query(t *testing.T, operation string, form url.Values) (status int, header http.Header, answer string) {
	t.Helper()
	form.Set("Action", operation)
	form.Set("Version", "2012-11-05")
	return f.post(t, "application/x-www-form-urlencoded", "", form.Encode())
}

func (f *conformanceFixture) post(t *testing.T, contentType, target, body string) (int, http.Header, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, f.url+"/", strings.NewReader(body))
	require.NoError(t, err)
	request.Header.Set("Content-Type", contentType)
	if target != "" {
		request.Header.Set("X-Amz-Target", target)
	}
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response.StatusCode, response.Header, string(answer)
}

func (f *conformanceFixture) attribute(t *testing.T, queue, name string) string {
	t.Helper()
	out, err := f.client.GetQueueAttributes(t.Context(), &awssqs.GetQueueAttributesInput{QueueUrl: queueURL(queue), AttributeNames: []types.QueueAttributeName{types.QueueAttributeName(name)}})
	require.NoError(t, err)
	return out.Attributes[name]
}

func (f *conformanceFixture) receive(t *testing.T, queue string) []types.Message {
	t.Helper()
	out, err := f.client.ReceiveMessage(t.Context(), &awssqs.ReceiveMessageInput{
		QueueUrl: queueURL(queue), MaxNumberOfMessages: 10, MessageAttributeNames: []string{"All"}, MessageSystemAttributeNames: []types.MessageSystemAttributeName{"All"},
	})
	require.NoError(t, err)
	return out.Messages
}

// conformance are cases whose expectations come from AWS's documentation and from recorded answers, not from this code.
var conformance = []struct {
	name, source string
	check        func(t *testing.T, f *conformanceFixture)
}{
	{"defaults of a queue", reference + "API_SetQueueAttributes.html", func(t *testing.T, f *conformanceFixture) {
		create(t, f.Service, "q", nil)
		out, err := f.client.GetQueueAttributes(t.Context(), &awssqs.GetQueueAttributesInput{QueueUrl: queueURL("q"), AttributeNames: []types.QueueAttributeName{"All"}})
		require.NoError(t, err)
		require.Equal(t, map[string]string{
			"QueueArn": arnPrefix + "q", "ApproximateNumberOfMessages": "0", "ApproximateNumberOfMessagesNotVisible": "0", "ApproximateNumberOfMessagesDelayed": "0",
			"CreatedTimestamp": "1783592130", "LastModifiedTimestamp": "1783592130", "VisibilityTimeout": "30", "MaximumMessageSize": "1048576",
			"MessageRetentionPeriod": "345600", "DelaySeconds": "0", "ReceiveMessageWaitTimeSeconds": "0", "SqsManagedSseEnabled": "true",
		}, out.Attributes)
	}},
	{"ranges of attributes", reference + "API_SetQueueAttributes.html", func(t *testing.T, f *conformanceFixture) {
		create(t, f.Service, "q", nil)
		for name, limits := range map[string][2]int{
			"DelaySeconds": {0, 900}, "MaximumMessageSize": {1024, 1048576}, "MessageRetentionPeriod": {60, 1209600}, "ReceiveMessageWaitTimeSeconds": {0, 20},
			"VisibilityTimeout": {0, 43200}, "KmsDataKeyReusePeriodSeconds": {60, 86400},
		} {
			for value, allowed := range map[int]bool{limits[0] - 1: false, limits[0]: true, limits[1]: true, limits[1] + 1: false} {
				_, err := f.client.SetQueueAttributes(t.Context(), &awssqs.SetQueueAttributesInput{QueueUrl: queueURL("q"), Attributes: map[string]string{name: fmt.Sprint(value)}})
				if allowed {
					require.NoError(t, err, "%s = %d", name, value)
					require.Equal(t, fmt.Sprint(value), f.attribute(t, "q", name))
				} else {
					requireAPIError(t, err, "InvalidAttributeValue")
				}
			}
		}
	}},
	{"a received message is hidden for the visibility timeout, then back", guide + "sqs-visibility-timeout.html", func(t *testing.T, f *conformanceFixture) {
		q := create(t, f.Service, "q", map[string]string{"VisibilityTimeout": "60"})
		send(t, f.Service, q, "m")
		require.Len(t, f.receive(t, "q"), 1)
		require.Equal(t, "1", f.attribute(t, "q", "ApproximateNumberOfMessagesNotVisible"))
		f.clock.Advance(59 * time.Second)
		require.Empty(t, f.receive(t, "q"))
		f.clock.Advance(time.Second)
		require.Equal(t, "2", f.receive(t, "q")[0].Attributes["ApproximateReceiveCount"])
	}},
	{"the visibility timeout can be extended and ended", guide + "sqs-visibility-timeout.html", func(t *testing.T, f *conformanceFixture) {
		q := create(t, f.Service, "q", nil)
		send(t, f.Service, q, "m")
		change := func(handle *string, seconds int32) error {
			_, err := f.client.ChangeMessageVisibility(t.Context(), &awssqs.ChangeMessageVisibilityInput{QueueUrl: queueURL("q"), ReceiptHandle: handle, VisibilityTimeout: seconds})
			return err
		}
		handle := f.receive(t, "q")[0].ReceiptHandle
		f.clock.Advance(20 * time.Second)
		require.NoError(t, change(handle, 60), "it counts from the call")
		f.clock.Advance(59 * time.Second)
		require.Empty(t, f.receive(t, "q"))
		require.NoError(t, change(handle, 0))
		require.Len(t, f.receive(t, "q"), 1)
	}},
	{"a message is hidden for twelve hours in all", reference + "API_ChangeMessageVisibility.html", func(t *testing.T, f *conformanceFixture) {
		q := create(t, f.Service, "q", map[string]string{"VisibilityTimeout": "43200"})
		send(t, f.Service, q, "m")
		handle := f.receive(t, "q")[0].ReceiptHandle
		change := func(seconds int32) error {
			_, err := f.client.ChangeMessageVisibility(t.Context(), &awssqs.ChangeMessageVisibilityInput{QueueUrl: queueURL("q"), ReceiptHandle: handle, VisibilityTimeout: seconds})
			return err
		}
		requireAPIError(t, change(43201), "InvalidParameterValue")
		f.clock.Advance(time.Hour)
		requireAPIError(t, change(43200), "InvalidParameterValue")
		require.NoError(t, change(43200-3600))
	}},
	{"changing the visibility once the timeout is over is no error", recorded, func(t *testing.T, f *conformanceFixture) {
		q := create(t, f.Service, "q", map[string]string{"VisibilityTimeout": "1"})
		send(t, f.Service, q, "m")
		handle := f.receive(t, "q")[0].ReceiptHandle
		f.clock.Advance(2 * time.Second)
		_, err := f.client.ChangeMessageVisibility(t.Context(), &awssqs.ChangeMessageVisibilityInput{QueueUrl: queueURL("q"), ReceiptHandle: handle, VisibilityTimeout: 2})
		require.NoError(t, err)
	}},
	{"a message's delay takes the place of the queue's", guide + "sqs-message-timers.html", func(t *testing.T, f *conformanceFixture) {
		create(t, f.Service, "q", map[string]string{"DelaySeconds": "10"})
		for body, delay := range map[string]int32{"short": 5, "long": 45} {
			_, err := f.client.SendMessage(t.Context(), &awssqs.SendMessageInput{QueueUrl: queueURL("q"), MessageBody: &body, DelaySeconds: delay})
			require.NoError(t, err)
		}
		send(t, f.Service, arnPrefix+"q", "queue's own")
		require.Equal(t, "3", f.attribute(t, "q", "ApproximateNumberOfMessagesDelayed"))
		f.clock.Advance(5 * time.Second)
		require.Equal(t, "short", *f.receive(t, "q")[0].Body)
		f.clock.Advance(5 * time.Second)
		require.Equal(t, "queue's own", *f.receive(t, "q")[0].Body)
		f.clock.Advance(35 * time.Second)
		require.Equal(t, "3", f.attribute(t, "q", "ApproximateNumberOfMessages"), "long is due, the others are visible again")
		require.Equal(t, "0", f.attribute(t, "q", "ApproximateNumberOfMessagesDelayed"))
	}},
	{"changing a standard queue's delay does not touch the messages in it", guide + "sqs-delay-queues.html", func(t *testing.T, f *conformanceFixture) {
		q := create(t, f.Service, "q", map[string]string{"DelaySeconds": "60"})
		send(t, f.Service, q, "m")
		require.NoError(t, f.SetAttributes(q, map[string]string{"DelaySeconds": "0"}))
		require.Empty(t, f.receive(t, "q"))
		f.clock.Advance(time.Minute)
		require.Len(t, f.receive(t, "q"), 1)
	}},
	{"a dead letter's retention counts from its first sending", guide + "sqs-dead-letter-queues.html", func(t *testing.T, f *conformanceFixture) {
		dlq := create(t, f.Service, "dlq", map[string]string{"MessageRetentionPeriod": "345600"})
		q := create(t, f.Service, "q", map[string]string{"MessageRetentionPeriod": "345600", "RedrivePolicy": redrive("dlq", 1)["RedrivePolicy"]})
		send(t, f.Service, q, "m")
		f.clock.Advance(24 * time.Hour)
		f.receive(t, "q")
		f.clock.Advance(30 * time.Second)
		f.receive(t, "q")
		require.Equal(t, "1", f.attribute(t, "dlq", "ApproximateNumberOfMessages"))
		f.clock.Advance(3*24*time.Hour - time.Minute)
		depth, err := f.Depth(dlq)
		require.NoError(t, err)
		require.Equal(t, 1, depth)
		f.clock.Advance(time.Minute)
		depth, err = f.Depth(dlq)
		require.NoError(t, err)
		require.Zero(t, depth, "one day in the queue and three in the dead-letter queue")
	}},
	{"a message goes to the dead-letter queue when its receives exceed maxReceiveCount", guide + "sqs-dead-letter-queues.html", func(t *testing.T, f *conformanceFixture) {
		create(t, f.Service, "dlq", nil)
		create(t, f.Service, "q", redrive("dlq", 5))
		sent, err := f.client.SendMessage(t.Context(), &awssqs.SendMessageInput{QueueUrl: queueURL("q"), MessageBody: aws.String("m"), MessageAttributes: map[string]types.MessageAttributeValue{
			"traceparent": {DataType: aws.String("String"), StringValue: aws.String("00-1")}}})
		require.NoError(t, err)
		for n := 1; n <= 5; n++ {
			require.Equal(t, fmt.Sprint(n), f.receive(t, "q")[0].Attributes["ApproximateReceiveCount"])
			f.clock.Advance(30 * time.Second)
		}
		require.Empty(t, f.receive(t, "q"))
		dead := f.receive(t, "dlq")
		require.Equal(t, *sent.MessageId, *dead[0].MessageId)
		require.Equal(t, "00-1", *dead[0].MessageAttributes["traceparent"].StringValue)
		require.Equal(t, map[string]string{
			"ApproximateReceiveCount": "6", "SentTimestamp": "1783592130000", "ApproximateFirstReceiveTimestamp": "1783592130000", "SenderId": "000000000000",
			"DeadLetterQueueSourceArn": arnPrefix + "q",
		}, dead[0].Attributes, "received across all queues, says the ReceiveMessage reference")
	}},
	{"a redrive allow policy", guide + "sqs-configure-dead-letter-queue.html", func(t *testing.T, f *conformanceFixture) {
		for permission, allowed := range map[string]bool{
			`{"redrivePermission":"allowAll"}`:                                                          true,
			`{"redrivePermission":"denyAll"}`:                                                           false,
			`{"redrivePermission":"byQueue","sourceQueueArns":["` + arnPrefix + `source"]}`:             true,
			`{"redrivePermission":"byQueue","sourceQueueArns":["` + arnPrefix + `another"]}`:            false,
			`{"redrivePermission":"allowAll","sourceQueueArns":["` + arnPrefix + `source"]}`:            false, // not a policy
			`{"redrivePermission":"byQueue"}`:                                                           false, // not a policy
			`{"redrivePermission":"byQueue","sourceQueueArns":["` + strings.Repeat(`a","`, 10) + `a"]}`: false, // eleven sources
		} {
			g := newConformanceFixture(t)
			_, _, err := g.CreateQueue(QueueSpec{Name: "dlq", Attributes: map[string]string{"RedriveAllowPolicy": permission}})
			if err == nil {
				_, _, err = g.CreateQueue(QueueSpec{Name: "source", Attributes: redrive("dlq", 1)})
			}
			if allowed {
				require.NoError(t, err, permission)
			} else {
				requireCode(t, err, "InvalidParameterValue")
			}
		}
	}},
	{"redrive policies that AWS refuses", recorded, func(t *testing.T, f *conformanceFixture) {
		for policy, message := range map[string]string{
			`{"deadLetterTargetArn": "dummy", "maxReceiveCount": 42}`:                "Invalid value for deadLetterTargetArn.",
			`{"maxReceiveCount": 42}`:                                                "Redrive policy does not contain mandatory attribute: deadLetterTargetArn.",
			`{"deadLetterTargetArn": "` + arnPrefix + `x"}`:                          "Redrive policy does not contain mandatory attribute: maxReceiveCount.",
			`{"deadLetterTargetArn": "` + arnPrefix + `x", "maxReceiveCount": 1001}`: "Invalid value for maxReceiveCount: 1001, valid values are from 1 to 1000 both inclusive.",
		} {
			_, err := f.client.CreateQueue(t.Context(), &awssqs.CreateQueueInput{QueueName: aws.String("q"), Attributes: map[string]string{"RedrivePolicy": policy}})
			requireAPIError(t, err, "InvalidParameterValue")
			require.ErrorContains(t, err, "Value "+policy+" for parameter RedrivePolicy is invalid. Reason: "+message)
		}
	}},
	{"one kind of encryption at a time", recorded, func(t *testing.T, f *conformanceFixture) {
		create(t, f.Service, "q", nil)
		_, err := f.client.SetQueueAttributes(t.Context(), &awssqs.SetQueueAttributesInput{QueueUrl: queueURL("q"), Attributes: map[string]string{"KmsMasterKeyId": "testKeyId", "SqsManagedSseEnabled": "true"}})
		requireAPIError(t, err, "InvalidAttributeName")
		require.ErrorContains(t, err, "You can use one type of server-side encryption (SSE) at one time. You can either enable KMS SSE or SQS SSE.")
		require.NoError(t, f.SetAttributes(arnPrefix+"q", map[string]string{"KmsMasterKeyId": "testKeyId", "KmsDataKeyReusePeriodSeconds": "6000"}))
		require.Equal(t, "false", f.attribute(t, "q", "SqsManagedSseEnabled"))
	}},
	{"message attributes are selected by name and prefix, and so is their digest", recorded, func(t *testing.T, f *conformanceFixture) {
		create(t, f.Service, "q", map[string]string{"VisibilityTimeout": "0"})
		attributes := map[string]types.MessageAttributeValue{}
		for name, value := range map[string]string{"General": "Kenobi", "Hello": "There", "Help.Me": "Me"} {
			attributes[name] = types.MessageAttributeValue{DataType: aws.String("String"), StringValue: aws.String(value)}
		}
		sent, err := f.client.SendMessage(t.Context(), &awssqs.SendMessageInput{QueueUrl: queueURL("q"), MessageBody: aws.String("msg"), MessageAttributes: attributes})
		require.NoError(t, err)
		require.Equal(t, "4c360f3fdafd970e05fae2f149d997f5", *sent.MD5OfMessageAttributes)
		require.Equal(t, "6e2baaf3b97dbeef01c0043275f9a0e7", *sent.MD5OfMessageBody)
		for _, tc := range []struct {
			names  []string
			digest string
		}{
			{[]string{"All"}, "4c360f3fdafd970e05fae2f149d997f5"}, {[]string{".*"}, "4c360f3fdafd970e05fae2f149d997f5"}, {[]string{"Foo"}, ""}, {nil, ""},
			{[]string{"Hello", "General"}, "fca026605781cb4126a1e9044df24232"}, {[]string{"Hello", "Foo"}, "a311262e065454b75da111d535b8dacd"}, {[]string{"Hel.*"}, "83fee93c1bcd8b9a5a923ffacdc636c7"},
		} {
			out, err := f.client.ReceiveMessage(t.Context(), &awssqs.ReceiveMessageInput{QueueUrl: queueURL("q"), MessageAttributeNames: tc.names})
			require.NoError(t, err)
			require.Equal(t, tc.digest, aws.ToString(out.Messages[0].MD5OfMessageAttributes), "%v", tc.names)
		}
	}},
	{"the digest of a binary attribute", recorded, func(t *testing.T, f *conformanceFixture) {
		create(t, f.Service, "q", nil)
		sent, err := f.client.SendMessage(t.Context(), &awssqs.SendMessageInput{QueueUrl: queueURL("q"), MessageBody: aws.String("test"), MessageAttributes: map[string]types.MessageAttributeValue{
			"attr1": {DataType: aws.String("Binary"), BinaryValue: []byte("traceparent\x1e00-774062d6c37081a5a0b9b5b88e30627c-2d2482211f6489da-01")}}})
		require.NoError(t, err)
		require.Equal(t, "8cbe4db156db8a94db8b801b7addb984", *sent.MD5OfMessageAttributes)
	}},
	{"message attributes that AWS refuses", guide + "sqs-message-metadata.html", func(t *testing.T, f *conformanceFixture) {
		create(t, f.Service, "q", nil)
		for name, a := range map[string]types.MessageAttributeValue{
			"empty": {DataType: aws.String("String"), StringValue: aws.String("")}, "type": {DataType: aws.String("Text"), StringValue: aws.String("x")},
			"number": {DataType: aws.String("Number"), StringValue: aws.String("three")}, ".leading": {DataType: aws.String("String"), StringValue: aws.String("x")},
			"two..periods": {DataType: aws.String("String"), StringValue: aws.String("x")}, "AWS.name": {DataType: aws.String("String"), StringValue: aws.String("x")},
			"amazon.name": {DataType: aws.String("String"), StringValue: aws.String("x")}, "a b": {DataType: aws.String("String"), StringValue: aws.String("x")},
			strings.Repeat("n", 257): {DataType: aws.String("String"), StringValue: aws.String("x")},
		} {
			_, err := f.client.SendMessage(t.Context(), &awssqs.SendMessageInput{QueueUrl: queueURL("q"), MessageBody: aws.String("m"), MessageAttributes: map[string]types.MessageAttributeValue{name: a}})
			requireAPIError(t, err, "InvalidParameterValue")
		}
		eleven := map[string]types.MessageAttributeValue{}
		for i := range 11 {
			eleven[fmt.Sprint("a", i)] = types.MessageAttributeValue{DataType: aws.String("Number.custom"), StringValue: aws.String("-1.5e3")}
		}
		_, err := f.client.SendMessage(t.Context(), &awssqs.SendMessageInput{QueueUrl: queueURL("q"), MessageBody: aws.String("m"), MessageAttributes: eleven})
		requireAPIError(t, err, "InvalidParameterValue")
		delete(eleven, "a10")
		_, err = f.client.SendMessage(t.Context(), &awssqs.SendMessageInput{QueueUrl: queueURL("q"), MessageBody: aws.String("m"), MessageAttributes: eleven})
		require.NoError(t, err)
	}},
	{"the characters of a message", reference + "API_SendMessage.html", func(t *testing.T, f *conformanceFixture) {
		create(t, f.Service, "q", nil)
		for body, code := range map[string]string{
			"\t\n\r \ud7ff\ue000\ufffd\U00010000\U0010ffff": "", "\x00": "InvalidMessageContents", "\x0b": "InvalidMessageContents", "\ufffe": "InvalidMessageContents",
			"\uffff": "InvalidMessageContents", "": "MissingParameter",
		} {
			_, err := f.client.SendMessage(t.Context(), &awssqs.SendMessageInput{QueueUrl: queueURL("q"), MessageBody: &body})
			if code == "" {
				require.NoError(t, err)
			} else {
				requireAPIError(t, err, code)
			}
		}
	}},
	{"a message has a MiB, its attributes included", reference + "API_SendMessage.html", func(t *testing.T, f *conformanceFixture) {
		create(t, f.Service, "q", nil)
		attributes := map[string]types.MessageAttributeValue{"n": {DataType: aws.String("String"), StringValue: aws.String("v")}}
		fits := strings.Repeat("x", 1<<20-len("n"+"String"+"v"))
		_, err := f.client.SendMessage(t.Context(), &awssqs.SendMessageInput{QueueUrl: queueURL("q"), MessageBody: &fits, MessageAttributes: attributes})
		require.NoError(t, err)
		_, err = f.client.SendMessage(t.Context(), &awssqs.SendMessageInput{QueueUrl: queueURL("q"), MessageBody: aws.String(fits + "x"), MessageAttributes: attributes})
		requireAPIError(t, err, "InvalidParameterValue")
		require.ErrorContains(t, err, "One or more parameters are invalid. Reason: Message must be shorter than 1048576 bytes.")
	}},
	{"a batch has a MiB in all, and each message the queue's limit", recorded, func(t *testing.T, f *conformanceFixture) {
		create(t, f.Service, "q", nil)
		create(t, f.Service, "small", map[string]string{"MaximumMessageSize": "1024"})
		half := strings.Repeat("x", 1<<19)
		entries := []types.SendMessageBatchRequestEntry{{Id: aws.String("1"), MessageBody: &half}, {Id: aws.String("2"), MessageBody: aws.String(half + "x")}}
		_, err := f.client.SendMessageBatch(t.Context(), &awssqs.SendMessageBatchInput{QueueUrl: queueURL("q"), Entries: entries})
		requireAPIError(t, err, "AWS.SimpleQueueService.BatchRequestTooLong")
		require.ErrorContains(t, err, "Batch requests cannot be longer than 1048576 bytes. You have sent 1048577 bytes.")
		entries = []types.SendMessageBatchRequestEntry{{Id: aws.String("1"), MessageBody: aws.String(half[:1024])}, {Id: aws.String("2"), MessageBody: aws.String("a")}}
		out, err := f.client.SendMessageBatch(t.Context(), &awssqs.SendMessageBatchInput{QueueUrl: queueURL("small"), Entries: entries})
		require.NoError(t, err)
		require.Len(t, out.Successful, 2)
	}},
	{"a batch fails in part with status 200", reference + "API_SendMessageBatch.html", func(t *testing.T, f *conformanceFixture) {
		create(t, f.Service, "q", nil)
		status, _, answer := f.json(t, "SendMessageBatch", `{"QueueUrl":"`+*queueURL("q")+`","Entries":[{"Id":"good","MessageBody":"m"},{"Id":"late","MessageBody":"m","DelaySeconds":901}]}`)
		require.Equal(t, 200, status)
		require.Contains(t, answer, `"Successful":[{"Id":"good"`)
		require.Contains(t, answer, `"Failed":[{"Id":"late","SenderFault":true,"Code":"InvalidParameterValue"`)
	}},
	{"batches that AWS refuses as a whole", recorded, func(t *testing.T, f *conformanceFixture) {
		create(t, f.Service, "q", nil)
		entry := func(id string) types.DeleteMessageBatchRequestEntry {
			return types.DeleteMessageBatchRequestEntry{Id: &id, ReceiptHandle: aws.String("x")}
		}
		var eleven []types.DeleteMessageBatchRequestEntry
		for i := range 11 {
			eleven = append(eleven, entry(fmt.Sprint(i)))
		}
		const badID = "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long."
		for _, tc := range []struct {
			entries       []types.DeleteMessageBatchRequestEntry
			code, message string
		}{
			{[]types.DeleteMessageBatchRequestEntry{}, "EmptyBatchRequest", "There should be at least one"},
			{eleven, "TooManyEntriesInBatchRequest", "Maximum number of entries per request are 10. You have sent 11."},
			{[]types.DeleteMessageBatchRequestEntry{entry("a"), entry("a")}, "BatchEntryIdsNotDistinct", "Id a repeated."},
			{[]types.DeleteMessageBatchRequestEntry{entry("")}, "InvalidBatchEntryId", badID},
			{[]types.DeleteMessageBatchRequestEntry{entry("invalid:id")}, "InvalidBatchEntryId", badID},
			{[]types.DeleteMessageBatchRequestEntry{entry(strings.Repeat("i", 81))}, "InvalidBatchEntryId", badID},
		} {
			_, err := f.client.DeleteMessageBatch(t.Context(), &awssqs.DeleteMessageBatchInput{QueueUrl: queueURL("q"), Entries: tc.entries})
			requireAPIError(t, err, "AWS.SimpleQueueService."+tc.code)
			require.ErrorContains(t, err, tc.message)
		}
	}},
	{"ReceiveMessage takes one to ten", recorded, func(t *testing.T, f *conformanceFixture) {
		create(t, f.Service, "q", nil)
		_, err := f.client.ReceiveMessage(t.Context(), &awssqs.ReceiveMessageInput{QueueUrl: queueURL("q"), MaxNumberOfMessages: 11})
		requireAPIError(t, err, "InvalidParameterValue")
		require.ErrorContains(t, err, "Value 11 for parameter MaxNumberOfMessages is invalid. Reason: Must be between 1 and 10, if provided.")
	}},
	{"a long poll answers as soon as there is a message", guide + "sqs-short-and-long-polling.html", func(t *testing.T, f *conformanceFixture) {
		q := create(t, f.Service, "q", nil)
		answered := make(chan []types.Message, 1)
		go func() {
			out, err := f.client.ReceiveMessage(context.WithoutCancel(t.Context()), &awssqs.ReceiveMessageInput{QueueUrl: queueURL("q"), WaitTimeSeconds: 20})
			if err != nil {
				out = &awssqs.ReceiveMessageOutput{}
			}
			answered <- out.Messages
		}()
		f.clock.WaitForTimers(1)
		send(t, f.Service, q, "m")
		require.Len(t, <-answered, 1)
	}},
	{"the last of several receipt handles deletes", guide + "sqs-queue-message-identifiers.html", func(t *testing.T, f *conformanceFixture) {
		q := create(t, f.Service, "q", map[string]string{"VisibilityTimeout": "0"})
		send(t, f.Service, q, "m")
		old, latest := f.receive(t, "q")[0].ReceiptHandle, f.receive(t, "q")[0].ReceiptHandle
		require.NotEqual(t, *old, *latest)
		remove := func(handle *string) {
			_, err := f.client.DeleteMessage(t.Context(), &awssqs.DeleteMessageInput{QueueUrl: queueURL("q"), ReceiptHandle: handle})
			require.NoError(t, err)
		}
		remove(old)
		require.Equal(t, "1", f.attribute(t, "q", "ApproximateNumberOfMessages"))
		remove(latest)
		remove(latest)
		require.Equal(t, "0", f.attribute(t, "q", "ApproximateNumberOfMessages"))
	}},
	{"120,000 messages are in flight at most", guide + "quotas-queues.html", func(t *testing.T, f *conformanceFixture) {
		q := create(t, f.Service, "q", map[string]string{"VisibilityTimeout": "43200"})
		send(t, f.Service, q, make120001()...)
		require.Len(t, receive(t, f.Service, q, 200_000), 120_000)
		status, header, _ := f.json(t, "ReceiveMessage", `{"QueueUrl":"`+*queueURL("q")+`"}`)
		require.Equal(t, http.StatusForbidden, status)
		require.Equal(t, "OverLimit;Sender", header.Get("X-Amzn-Query-Error"))
	}},
	{"a second purge within a minute is refused", recorded, func(t *testing.T, f *conformanceFixture) {
		q := create(t, f.Service, "q", nil)
		send(t, f.Service, q, "m")
		_, err := f.client.PurgeQueue(t.Context(), &awssqs.PurgeQueueInput{QueueUrl: queueURL("q")})
		require.NoError(t, err)
		require.Equal(t, "0", f.attribute(t, "q", "ApproximateNumberOfMessages"))
		status, header, answer := f.json(t, "PurgeQueue", `{"QueueUrl":"`+*queueURL("q")+`"}`)
		require.Equal(t, http.StatusForbidden, status)
		require.Equal(t, "AWS.SimpleQueueService.PurgeQueueInProgress;Sender", header.Get("X-Amzn-Query-Error"))
		require.JSONEq(t, `{"__type":"com.amazonaws.sqs#PurgeQueueInProgress","message":"Only one PurgeQueue operation on q is allowed every 60 seconds."}`, answer)
		f.clock.Advance(time.Minute)
		require.NoError(t, f.Purge(q))
	}},
	{"the name of a deleted queue rests for a minute", reference + "API_DeleteQueue.html", func(t *testing.T, f *conformanceFixture) {
		create(t, f.Service, "q", nil)
		_, err := f.client.DeleteQueue(t.Context(), &awssqs.DeleteQueueInput{QueueUrl: queueURL("q")})
		require.NoError(t, err)
		_, err = f.client.CreateQueue(t.Context(), &awssqs.CreateQueueInput{QueueName: aws.String("q")})
		requireAPIError(t, err, "AWS.SimpleQueueService.QueueDeletedRecently")
		f.clock.Advance(time.Minute)
		create(t, f.Service, "q", nil)
	}},
	{"creating a queue again", recorded, func(t *testing.T, f *conformanceFixture) {
		create(t, f.Service, "q", map[string]string{"DelaySeconds": "1"})
		create(t, f.Service, "q", map[string]string{"DelaySeconds": "1"})
		create(t, f.Service, "q", nil)
		status, header, answer := f.json(t, "CreateQueue", `{"QueueName":"q","Attributes":{"DelaySeconds":"2"}}`)
		require.Equal(t, http.StatusBadRequest, status)
		require.Equal(t, "QueueAlreadyExists;Sender", header.Get("X-Amzn-Query-Error"))
		require.JSONEq(t, `{"__type":"com.amazonaws.sqs#QueueNameExists","message":"A queue already exists with the same name and a different value for attribute DelaySeconds"}`, answer)
	}},
	{"a queue that does not exist, in both protocols", recorded, func(t *testing.T, f *conformanceFixture) {
		status, header, answer := f.json(t, "GetQueueUrl", `{"QueueName":"none"}`)
		require.Equal(t, http.StatusBadRequest, status)
		require.Equal(t, "AWS.SimpleQueueService.NonExistentQueue;Sender", header.Get("X-Amzn-Query-Error"))
		require.JSONEq(t, `{"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"The specified queue does not exist."}`, answer)
		status, _, answer = f.query(t, "GetQueueUrl", url.Values{"QueueName": {"none"}})
		require.Equal(t, http.StatusBadRequest, status)
		require.Contains(t, answer, "<Error><Type>Sender</Type><Code>AWS.SimpleQueueService.NonExistentQueue</Code><Message>The specified queue does not exist for this wsdl version.</Message></Error>")
	}},
	{"codes of wrong and missing parameters in the JSON protocol", recorded, func(t *testing.T, f *conformanceFixture) {
		create(t, f.Service, "q", nil)
		_, header, answer := f.json(t, "ReceiveMessage", `{"QueueUrl":"`+*queueURL("q")+`","MaxNumberOfMessages":11}`)
		require.Equal(t, "InvalidParameterValue;Sender", header.Get("X-Amzn-Query-Error"))
		require.Contains(t, answer, "#InvalidParameterValueException")
		_, header, answer = f.json(t, "SendMessage", `{"QueueUrl":"`+*queueURL("q")+`"}`)
		require.Equal(t, "MissingParameter;Sender", header.Get("X-Amzn-Query-Error"))
		require.Contains(t, answer, "#MissingRequiredParameterException")
	}},
	{"the query protocol's form and answer", reference + "API_SendMessage.html", func(t *testing.T, f *conformanceFixture) {
		create(t, f.Service, "q", nil)
		status, header, answer := f.query(t, "SendMessage", url.Values{
			"QueueUrl": {*queueURL("q")}, "MessageBody": {"This is a test message"}, "DelaySeconds": {"0"},
			"MessageAttribute.1.Name": {"my_attribute_name_1"}, "MessageAttribute.1.Value.StringValue": {"my_attribute_value_1"}, "MessageAttribute.1.Value.DataType": {"String"},
			"MessageAttribute.2.Name": {"my_attribute_name_2"}, "MessageAttribute.2.Value.StringValue": {"my_attribute_value_2"}, "MessageAttribute.2.Value.DataType": {"String"},
		})
		require.Equal(t, http.StatusOK, status, answer)
		require.Equal(t, "text/xml", header.Get("Content-Type"))
		require.Contains(t, answer, `<SendMessageResponse xmlns="http://queue.amazonaws.com/doc/2012-11-05/"><SendMessageResult>`)
		require.Contains(t, answer, "<MD5OfMessageBody>fafb00f5732ab283681e124bf8747ed1</MD5OfMessageBody>")
		_, _, answer = f.query(t, "ReceiveMessage", url.Values{"QueueUrl": {*queueURL("q")}, "MaxNumberOfMessages": {"5"}, "AttributeName.1": {"SenderId"}, "MessageAttributeName.1": {"All"}})
		require.Contains(t, answer, "<Attribute><Name>SenderId</Name><Value>000000000000</Value></Attribute>")
		require.Contains(t, answer, "<MessageAttribute><Name>my_attribute_name_2</Name><Value><DataType>String</DataType><StringValue>my_attribute_value_2</StringValue></Value></MessageAttribute>")
		_, _, answer = f.query(t, "GetQueueAttributes", url.Values{"QueueUrl": {*queueURL("q")}, "AttributeName.1": {"VisibilityTimeout"}, "AttributeName.2": {"DelaySeconds"}})
		require.Contains(t, answer, "<GetQueueAttributesResult><Attribute><Name>DelaySeconds</Name><Value>0</Value></Attribute><Attribute><Name>VisibilityTimeout</Name><Value>30</Value></Attribute></GetQueueAttributesResult>")
		_, _, answer = f.query(t, "DeleteMessageBatch", url.Values{"QueueUrl": {*queueURL("q")}, "DeleteMessageBatchRequestEntry.1.Id": {"msg1"}, "DeleteMessageBatchRequestEntry.1.ReceiptHandle": {"x"}})
		require.Contains(t, answer, "<BatchResultErrorEntry><Code>ReceiptHandleIsInvalid</Code><Id>msg1</Id>")
	}},
	{"tags", recorded, func(t *testing.T, f *conformanceFixture) {
		_, err := f.client.CreateQueue(t.Context(), &awssqs.CreateQueueInput{QueueName: aws.String("q"), Tags: map[string]string{"tag1": "value1"}})
		require.NoError(t, err)
		_, err = f.client.TagQueue(t.Context(), &awssqs.TagQueueInput{QueueUrl: queueURL("q"), Tags: map[string]string{"tag2": "value2", "tag3": ""}})
		require.NoError(t, err)
		out, err := f.client.ListQueueTags(t.Context(), &awssqs.ListQueueTagsInput{QueueUrl: queueURL("q")})
		require.NoError(t, err)
		require.Equal(t, map[string]string{"tag1": "value1", "tag2": "value2", "tag3": ""}, out.Tags)
		_, err = f.client.UntagQueue(t.Context(), &awssqs.UntagQueueInput{QueueUrl: queueURL("q"), TagKeys: []string{"tag1", "tag3"}})
		require.NoError(t, err)
		out, err = f.client.ListQueueTags(t.Context(), &awssqs.ListQueueTagsInput{QueueUrl: queueURL("q")})
		require.NoError(t, err)
		require.Equal(t, map[string]string{"tag2": "value2"}, out.Tags)
	}},
	{"ListQueues has a token only with a limit", reference + "API_ListQueues.html", func(t *testing.T, f *conformanceFixture) {
		for i := range 1001 {
			create(t, f.Service, fmt.Sprintf("q%04d", i), nil)
		}
		out, err := f.client.ListQueues(t.Context(), &awssqs.ListQueuesInput{})
		require.NoError(t, err)
		require.Len(t, out.QueueUrls, 1000)
		require.Nil(t, out.NextToken)
		out, err = f.client.ListQueues(t.Context(), &awssqs.ListQueuesInput{MaxResults: aws.Int32(1000)})
		require.NoError(t, err)
		out, err = f.client.ListQueues(t.Context(), &awssqs.ListQueuesInput{MaxResults: aws.Int32(1000), NextToken: out.NextToken})
		require.NoError(t, err)
		require.Len(t, out.QueueUrls, 1)
		require.Nil(t, out.NextToken)
		_, err = f.client.ListQueues(t.Context(), &awssqs.ListQueuesInput{MaxResults: aws.Int32(1001)})
		requireAPIError(t, err, "InvalidParameterValue")
	}},
	{"a message move task, while it runs and after", recordedMoves, func(t *testing.T, f *conformanceFixture) {
		dlq, destination := create(t, f.Service, "dlq", nil), create(t, f.Service, "destination", nil)
		q := create(t, f.Service, "q", redrive("dlq", 1))
		kill(t, f.Service, f.clock, q, "1", "2", "3")
		started, err := f.client.StartMessageMoveTask(t.Context(), &awssqs.StartMessageMoveTaskInput{SourceArn: &dlq, DestinationArn: &destination, MaxNumberOfMessagesPerSecond: aws.Int32(1)})
		require.NoError(t, err)
		running, err := f.client.ListMessageMoveTasks(t.Context(), &awssqs.ListMessageMoveTasksInput{SourceArn: &dlq})
		require.NoError(t, err)
		require.Equal(t, *started.TaskHandle, *running.Results[0].TaskHandle)
		require.Equal(t, "RUNNING", *running.Results[0].Status)
		require.Equal(t, int64(3), *running.Results[0].ApproximateNumberOfMessagesToMove)
		finished(t, f.Service, f.clock, dlq)
		status, _, answer := f.json(t, "ListMessageMoveTasks", `{"SourceArn":"`+dlq+`"}`)
		require.Equal(t, http.StatusOK, status)
		require.JSONEq(t, `{"Results":[{"ApproximateNumberOfMessagesMoved":3,"ApproximateNumberOfMessagesToMove":3,"DestinationArn":"`+destination+`",
			"MaxNumberOfMessagesPerSecond":1,"SourceArn":"`+dlq+`","StartedTimestamp":1783592190000,"Status":"COMPLETED"}]}`, answer, "no handle once it does not run")
	}},
	{"redriven messages are new messages", guide + "sqs-configure-dead-letter-queue-redrive.html", func(t *testing.T, f *conformanceFixture) {
		dlq := create(t, f.Service, "dlq", nil)
		q := create(t, f.Service, "q", redrive("dlq", 1))
		kill(t, f.Service, f.clock, q, "m")
		dead := f.receive(t, "dlq")[0]
		f.clock.Advance(time.Minute)
		_, err := f.StartMove(dlq, "", 0)
		require.NoError(t, err)
		finished(t, f.Service, f.clock, dlq)
		again := f.receive(t, "q")[0]
		require.NotEqual(t, *dead.MessageId, *again.MessageId)
		require.Greater(t, again.Attributes["SentTimestamp"], dead.Attributes["SentTimestamp"])
		require.Equal(t, "1", again.Attributes["ApproximateReceiveCount"])
	}},
}

func make120001() []string {
	bodies := make([]string, 120_001)
	for i := range bodies {
		bodies[i] = "m"
	}
	return bodies
}

func TestConformance(t *testing.T) {
	for _, tc := range conformance {
		t.Run(tc.name, func(t *testing.T) {
			t.Log(tc.source)
			tc.check(t, newConformanceFixture(t))
		})
	}
}

// refusals are all refusals that docs/reference/local-runtime.md names for SQS, in its order.
var refusals = []struct {
	feature string
	call    func(t *testing.T, f *conformanceFixture) []error
	says    string
}{
	{"FIFO queues", func(t *testing.T, f *conformanceFixture) []error {
		errs := make([]error, 0, 6)
		for _, spec := range []QueueSpec{
			{Name: "q.fifo"}, {Name: "f", Attributes: map[string]string{"FifoQueue": "true"}}, {Name: "f", Attributes: map[string]string{"ContentBasedDeduplication": "true"}},
			{Name: "f", Attributes: map[string]string{"DeduplicationScope": "queue"}}, {Name: "f", Attributes: map[string]string{"FifoThroughputLimit": "perQueue"}},
		} {
			_, err := f.client.CreateQueue(t.Context(), &awssqs.CreateQueueInput{QueueName: &spec.Name, Attributes: spec.Attributes})
			errs = append(errs, err)
		}
		_, err := f.client.SetQueueAttributes(t.Context(), &awssqs.SetQueueAttributesInput{QueueUrl: queueURL("q"), Attributes: map[string]string{"FifoQueue": "true"}})
		return append(errs, err)
	}, "FIFO queues"},
	{"message groups", func(t *testing.T, f *conformanceFixture) []error {
		_, err := f.client.SendMessage(t.Context(), &awssqs.SendMessageInput{QueueUrl: queueURL("q"), MessageBody: aws.String("m"), MessageGroupId: aws.String("g")})
		return []error{err}
	}, "message groups"},
	{"deduplication ids", func(t *testing.T, f *conformanceFixture) []error {
		_, err := f.client.SendMessage(t.Context(), &awssqs.SendMessageInput{QueueUrl: queueURL("q"), MessageBody: aws.String("m"), MessageDeduplicationId: aws.String("d")})
		return []error{err}
	}, "deduplication ids"},
	{"receive request attempt ids", func(t *testing.T, f *conformanceFixture) []error {
		_, err := f.client.ReceiveMessage(t.Context(), &awssqs.ReceiveMessageInput{QueueUrl: queueURL("q"), ReceiveRequestAttemptId: aws.String("a")})
		return []error{err}
	}, "ReceiveRequestAttemptId"},
	{"lists of values in message attributes", func(t *testing.T, f *conformanceFixture) []error {
		list := types.MessageAttributeValue{DataType: aws.String("String"), StringListValues: []string{"a"}}
		_, err := f.client.SendMessage(t.Context(), &awssqs.SendMessageInput{QueueUrl: queueURL("q"), MessageBody: aws.String("m"), MessageAttributes: map[string]types.MessageAttributeValue{"l": list}})
		return []error{err}
	}, "list values"},
	{"permissions by label", func(t *testing.T, f *conformanceFixture) []error {
		_, add := f.client.AddPermission(t.Context(), &awssqs.AddPermissionInput{QueueUrl: queueURL("q"), Label: aws.String("l"), AWSAccountIds: []string{"1"}, Actions: []string{"SendMessage"}})
		_, remove := f.client.RemovePermission(t.Context(), &awssqs.RemovePermissionInput{QueueUrl: queueURL("q"), Label: aws.String("l")})
		return []error{add, remove}
	}, "Permission"},
}

func TestRefusals(t *testing.T) {
	f := newConformanceFixture(t)
	q := create(t, f.Service, "q", nil)
	features := make([]string, len(refusals))
	for i, refusal := range refusals {
		features[i] = refusal.feature
		for _, err := range refusal.call(t, f) {
			require.ErrorContains(t, err, refusal.says, refusal.feature)
			var unanswered interface{ HTTPStatusCode() int }
			require.ErrorAs(t, err, &unanswered)
			require.Contains(t, []int{http.StatusBadRequest, http.StatusNotImplemented}, unanswered.HTTPStatusCode())
		}
	}
	require.Equal(t, []string{q}, f.Queues(), "nothing was made of what was refused")
	stats, err := f.Stats(q)
	require.NoError(t, err)
	require.Zero(t, stats.Sent)
	// The list of the documentation is this one.
	page, err := os.ReadFile("../../docs/reference/local-runtime.md")
	require.NoError(t, err)
	row := "\n| SQS | " + strings.Join(features, "; ") + " |\n"
	require.Truef(t, strings.Contains(string(page), row), "the page has no row %s", row)
}
