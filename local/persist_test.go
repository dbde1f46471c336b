package local

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/local/clock"
	"github.com/payrail/payrail/local/storage"
)

// restart runs testdata/minimal over a store that outlives it. What ran before is left as a kill leaves it: not closed, but stopped
// from doing more.
func restart(t *testing.T, store storage.Store, change func(*Options)) (fixture, error) {
	t.Helper()
	f := fixture{clock: clock.NewManual(testStart), notices: make(chan string, 100)}
	o := Options{
		Assembly: "testdata/minimal", Stack: "Minimal", Store: store, Durable: true, Clock: f.clock, Logger: slog.New(slog.DiscardHandler),
		OperatorNotice: func(_, message string) { f.notices <- message },
	}
	if change != nil {
		change(&o)
	}
	var err error
	if f.Runtime, err = Start(t.Context(), o); err != nil {
		return f, err
	}
	t.Cleanup(func() { require.NoError(t, f.Close()) })
	return f, nil
}

func TestResourcesMadeThroughTheAPIsAreMadeAgain(t *testing.T) {
	store := storage.NewMemory()
	f, err := restart(t, store, nil)
	require.NoError(t, err)
	require.False(t, f.Found.Before)
	do := func(service, target, body string) {
		t.Helper()
		status, answer := f.call(t, service, target, body)
		require.Equal(t, 200, status, "%v", answer)
	}
	do("sqs", "AmazonSQS.CreateQueue", `{"QueueName":"own"}`)
	do("sqs", "AmazonSQS.CreateQueue", `{"QueueName":"gone"}`)
	do("sqs", "AmazonSQS.DeleteQueue", fmt.Sprintf(`{"QueueUrl":"%s/%s/gone"}`, f.Endpoint(), Account))
	do("sqs", "AmazonSQS.SetQueueAttributes", fmt.Sprintf(`{"QueueUrl":"%s/%s/own","Attributes":{"VisibilityTimeout":"77"}}`, f.Endpoint(), Account))
	do("sqs", "AmazonSQS.SendMessage", fmt.Sprintf(`{"QueueUrl":"%s/%s/own","MessageBody":"kept"}`, f.Endpoint(), Account))
	do("events", "AWSEvents.CreateEventBus", `{"Name":"own-bus"}`)
	do("events", "AWSEvents.PutRule", `{"Name":"own-rule","EventBusName":"own-bus","EventPattern":"{\"source\":[\"x\"]}"}`)
	do("events", "AWSEvents.PutTargets", fmt.Sprintf(`{"Rule":"own-rule","EventBusName":"own-bus","Targets":[{"Id":"t","Arn":"%sown"}]}`, queuePrefix))
	for range 3 { // Only the last switch counts.
		do("events", "AWSEvents.EnableRule", `{"Name":"open","EventBusName":"bus"}`)
		do("events", "AWSEvents.DisableRule", `{"Name":"open","EventBusName":"bus"}`)
	}
	do("dynamodb", "DynamoDB_20120810.CreateTable", `{"TableName":"Own","AttributeDefinitions":[{"AttributeName":"id","AttributeType":"S"}],
		"KeySchema":[{"AttributeName":"id","KeyType":"HASH"}],"BillingMode":"PAY_PER_REQUEST"}`)
	do("dynamodb", "DynamoDB_20120810.PutItem", `{"TableName":"Own","Item":{"id":{"S":"1"}}}`)
	do("dynamodb", "DynamoDB_20120810.PutItem", `{"TableName":"Things","Item":{"id":{"S":"2"}}}`)

	f, err = restart(t, store, nil)
	require.NoError(t, err)
	require.Equal(t, Found{Before: true, Messages: 1}, f.Found)
	attributes, err := f.sqs.Attributes(queuePrefix + "own")
	require.NoError(t, err)
	require.Equal(t, "77", attributes["VisibilityTimeout"])
	require.Equal(t, 1, f.depth(t, "own"))
	_, err = f.sqs.Attributes(queuePrefix + "gone")
	require.Error(t, err)
	f.put(t, "One")
	require.Zero(t, f.depth(t, "open"), "the rule is off as it was")
	_, answer := f.call(t, "events", "AWSEvents.ListTargetsByRule", `{"Rule":"own-rule","EventBusName":"own-bus"}`)
	require.Len(t, answer["Targets"], 1)
	for table, id := range map[string]string{"Own": "1", "Things": "2"} {
		_, answer = f.call(t, "dynamodb", "DynamoDB_20120810.GetItem", fmt.Sprintf(`{"TableName":%q,"Key":{"id":{"S":%q}}}`, table, id))
		require.NotNil(t, answer["Item"], table)
	}
	_, answer = f.call(t, "events", "AWSEvents.DescribeRule", `{"Name":"open","EventBusName":"bus"}`)
	require.Equal(t, "DISABLED", answer["State"])
	value, found, err := store.Get(definitionSpace, []byte("events rule/bus/open"))
	require.NoError(t, err)
	require.True(t, found)
	require.NotContains(t, string(value), "EnableRule", "what does not count any more is not kept")
}

// A client that goes on calling over a restart has no event accepted before its rule is there.
func TestCallsWaitForWhatAnEarlierProcessHad(t *testing.T) {
	f, err := restart(t, storage.NewMemory(), nil)
	require.NoError(t, err)
	starting := &Runtime{ready: make(chan struct{}), definitions: f.definitions, metrics: f.metrics, dynamodb: f.dynamodb, eventbridge: f.eventbridge,
		sqs: f.sqs, lambda: f.lambda, stepfunctions: f.stepfunctions, s3: f.s3, firehose: f.firehose, sns: f.sns, kms: f.kms,
		cloudformation: f.cloudformation, cloudwatch: f.cloudwatch, apigateway: f.apigateway}
	front := starting.front()
	call := func(ctx context.Context) string {
		request := httptest.NewRequestWithContext(ctx, http.MethodPost, "/", strings.NewReader(
			`{"Entries":[{"EventBusName":"bus","Source":"test","DetailType":"One","Detail":"{}"}]}`))
		request.Header.Set("X-Amz-Target", "AWSEvents.PutEvents")
		request.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=key/20260709/us-east-1/events/aws4_request, Signature=00")
		answer := httptest.NewRecorder()
		front.ServeHTTP(answer, request)
		return answer.Body.String()
	}
	gone, leave := context.WithCancel(t.Context())
	leave()
	require.Empty(t, call(gone), "it waits until whoever called has gone")
	require.NoError(t, f.eventbridge.Idle(t.Context()))
	require.Zero(t, f.depth(t, "open"))
	close(starting.ready)
	require.Contains(t, call(t.Context()), "EventId")
	require.NoError(t, f.eventbridge.Idle(t.Context()))
	require.Equal(t, 1, f.depth(t, "open"))
}

// Requests come in every order, and again: the resources are as the last of them left them.
func TestResourcesAreMadeAgainInTheOrderOfTheRequests(t *testing.T) {
	store := storage.NewMemory()
	f, err := restart(t, store, nil)
	require.NoError(t, err)
	do := func(service, target, body string, arguments ...any) {
		t.Helper()
		status, answer := f.call(t, service, target, fmt.Sprintf(body, arguments...))
		require.Equal(t, 200, status, "%v", answer)
	}
	url := func(queue string) string { return f.Endpoint() + "/" + Account + "/" + queue }
	create := func(queue string) { t.Helper(); do("sqs", "AmazonSQS.CreateQueue", `{"QueueName":%q}`, queue) }
	// A dead-letter queue that is made after the queue it is for; a program that makes sure of its queue whenever it starts.
	create("work")
	create("dead")
	do("sqs", "AmazonSQS.SetQueueAttributes", `{"QueueUrl":%q,"Attributes":{"RedrivePolicy":%q}}`, url("work"),
		fmt.Sprintf(`{"deadLetterTargetArn":"%sdead","maxReceiveCount":"3"}`, queuePrefix))
	do("sqs", "AmazonSQS.TagQueue", `{"QueueUrl":%q,"Tags":{"owner":"me"}}`, url("work"))
	create("work")
	// A rule that gets its target, then another pattern, which switches it on again.
	do("events", "AWSEvents.PutRule", `{"Name":"own","EventBusName":"bus","EventPattern":"{\"source\":[\"x\"]}"}`)
	do("events", "AWSEvents.PutTargets", `{"Rule":"own","EventBusName":"bus","Targets":[{"Id":"t","Arn":"%swork"}]}`, queuePrefix)
	do("events", "AWSEvents.DisableRule", `{"Name":"own","EventBusName":"bus"}`)
	do("events", "AWSEvents.PutRule", `{"Name":"own","EventBusName":"bus","EventPattern":"{\"source\":[\"y\"]}"}`)
	do("events", "AWSEvents.TagResource", `{"ResourceARN":"arn:aws:events:us-east-1:000000000000:rule/bus/own","Tags":[{"Key":"k","Value":"v"}]}`)
	// One of the template that is put once more, then switched off.
	do("events", "AWSEvents.PutRule", `{"Name":"open","EventBusName":"bus","EventPattern":"{\"source\":[\"test\"]}"}`)
	do("events", "AWSEvents.DisableRule", `{"Name":"open","EventBusName":"bus"}`)

	for range 2 { // Making them again records nothing twice.
		f, err = restart(t, store, nil)
		require.NoError(t, err)
		require.Empty(t, f.Found.Unmade)
		_, answer := f.call(t, "sqs", "AmazonSQS.GetQueueAttributes", fmt.Sprintf(`{"QueueUrl":%q,"AttributeNames":["RedrivePolicy"]}`, url("work")))
		require.Contains(t, answer["Attributes"].(map[string]any)["RedrivePolicy"], queuePrefix+"dead")
		_, answer = f.call(t, "sqs", "AmazonSQS.ListQueueTags", fmt.Sprintf(`{"QueueUrl":%q}`, url("work")))
		require.Equal(t, map[string]any{"owner": "me"}, answer["Tags"])
		_, answer = f.call(t, "events", "AWSEvents.DescribeRule", `{"Name":"own","EventBusName":"bus"}`)
		require.Equal(t, "ENABLED", answer["State"])
		require.JSONEq(t, `{"source":["y"]}`, answer["EventPattern"].(string))
		_, answer = f.call(t, "events", "AWSEvents.ListTargetsByRule", `{"Rule":"own","EventBusName":"bus"}`)
		require.Len(t, answer["Targets"], 1)
		_, answer = f.call(t, "events", "AWSEvents.ListTagsForResource", `{"ResourceARN":"arn:aws:events:us-east-1:000000000000:rule/bus/own"}`)
		require.Len(t, answer["Tags"], 1)
		_, answer = f.call(t, "events", "AWSEvents.DescribeRule", `{"Name":"open","EventBusName":"bus"}`)
		require.Equal(t, "DISABLED", answer["State"])
	}
}

// What people look at while they put things right is there after a restart: the alarm that is on, the task that moves dead letters back.
func TestAlarmsAndMoveTasksGoOn(t *testing.T) {
	store := storage.NewMemory()
	f, err := restart(t, store, nil)
	require.NoError(t, err)
	for range 3 {
		f.put(t, "One") // A dead letter: the policy of its queue does not let the rule in.
	}
	f.clock.Advance(time.Minute)
	require.Eventually(t, func() bool { // Its state is kept once it has told.
		_, kept, err := store.Get("cloudwatch/states", []byte("Minimal-Given"))
		require.NoError(t, err)
		return kept
	}, 10*time.Second, time.Millisecond)
	alarm := f.firing(t)
	require.Contains(t, alarm, "Minimal-Given")
	status, answer := f.call(t, "sqs", "AmazonSQS.SetQueueAttributes", fmt.Sprintf(`{"QueueUrl":"%s/%s/open","Attributes":{"RedrivePolicy":%q}}`,
		f.Endpoint(), Account, `{"deadLetterTargetArn":"`+queuePrefix+`dead-letters","maxReceiveCount":"3"}`))
	require.Equal(t, 200, status, "%v", answer)
	status, answer = f.call(t, "sqs", "AmazonSQS.StartMessageMoveTask",
		fmt.Sprintf(`{"SourceArn":"%[1]sdead-letters","DestinationArn":"%[1]sclosed","MaxNumberOfMessagesPerSecond":1}`, queuePrefix))
	require.Equal(t, 200, status, "%v", answer)

	f, err = restart(t, store, nil)
	require.NoError(t, err)
	require.Equal(t, alarm, f.firing(t))
	_, answer = f.call(t, "sqs", "AmazonSQS.ListMessageMoveTasks", `{"SourceArn":"`+queuePrefix+`dead-letters"}`)
	task := answer["Results"].([]any)[0].(map[string]any)
	require.Equal(t, "RUNNING", task["Status"])
	require.InDelta(t, 3, task["ApproximateNumberOfMessagesToMove"], 0)
}

// firing is the alarm that is on, with its reason, or "".
func (f fixture) firing(t *testing.T) string {
	t.Helper()
	_, answer := f.call(t, "monitoring", "GraniteServiceVersion20100801.DescribeAlarms", `{"StateValue":"ALARM"}`)
	if alarms := answer["MetricAlarms"].([]any); len(alarms) > 0 {
		one := alarms[0].(map[string]any)
		return fmt.Sprint(one["AlarmName"], ": ", one["StateReason"])
	}
	return ""
}

func TestAChangedTemplateIsSaid(t *testing.T) {
	store, assembly := storage.NewMemory(), t.TempDir()
	require.NoError(t, os.CopyFS(assembly, os.DirFS("testdata/minimal")))
	over := func(o *Options) { o.Assembly = assembly }
	_, err := restart(t, store, over)
	require.NoError(t, err)
	f, err := restart(t, store, over)
	require.NoError(t, err)
	require.False(t, f.Found.TemplateChanged)
	path := filepath.Join(assembly, "Minimal.template.json")
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, append(text, '\n'), 0o600))
	f, err = restart(t, store, over)
	require.NoError(t, err)
	require.True(t, f.Found.TemplateChanged)
	f, err = restart(t, store, over)
	require.NoError(t, err)
	require.False(t, f.Found.TemplateChanged, "it is said once")
}

func TestAnotherStackIsRefused(t *testing.T) {
	store, assembly := storage.NewMemory(), t.TempDir()
	text, err := os.ReadFile("testdata/minimal/Minimal.template.json")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(assembly, "Other.template.json"), text, 0o600))
	_, err = restart(t, store, nil)
	require.NoError(t, err)
	_, err = restart(t, store, func(o *Options) { o.Assembly, o.Stack = assembly, "Other" })
	require.ErrorIs(t, err, ErrOtherStack)
	require.ErrorContains(t, err, "Minimal")
	_, err = restart(t, store, nil)
	require.NoError(t, err)
}

func TestAnotherTokenKeyIsRefused(t *testing.T) {
	store := storage.NewMemory()
	_, err := restart(t, store, func(o *Options) { o.TokenKey = []byte("one") })
	require.NoError(t, err)
	_, err = restart(t, store, func(o *Options) { o.TokenKey = []byte("another") })
	require.ErrorIs(t, err, ErrOtherTokenKey)
	_, err = restart(t, store, func(o *Options) { o.TokenKey = []byte("one") })
	require.NoError(t, err)
}
