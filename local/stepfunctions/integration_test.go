package stepfunctions

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/local/wire"
)

const meta = `"SdkHttpMetadata":{"HttpStatusCode":200},"SdkResponseMetadata":{"RequestId":"an-id"}`

func TestPutEvents(t *testing.T) {
	f := newFixture(t)
	o := f.run(t, single(`{"Type":"Task","Resource":"arn:aws:states:::events:putEvents","Parameters":{"Entries":[
	 {"EventBusName":"bus","Source":"src","DetailType":"T","Detail":{"amount.$":"$.amount","b":1},"Resources":["r-1"],"Time":"2026-07-09T10:00:00Z","TraceHeader":"h"},
	 {"Source":"src","DetailType":"U","Detail":"{\"text\":1}"}]},"End":true}`), `{"amount":1.50}`)
	require.Nil(t, o.failure)
	require.Equal(t, `{"Entries":[{"EventId":"e-1"},{"EventId":"e-1"}],"FailedEntryCount":0,`+meta+`}`, o.output.String())
	arns := []string{"arn:aws:states:us-east-1:000000000000:stateMachine:m", "arn:aws:states:us-east-1:000000000000:express:m:run:an-id"}
	require.Equal(t, []Event{
		{EventBusName: "bus", Source: "src", DetailType: "T", Detail: `{"amount":1.50,"b":1}`, Resources: append([]string{"r-1"}, arns...), Time: time.Date(2026, 7, 9, 10, 0, 0, 0, time.UTC), TraceHeader: "h"},
		{Source: "src", DetailType: "U", Detail: `{"text":1}`, Resources: arns},
	}, f.backend.events)
}

func TestPutEventsFailsOnAFailedEntry(t *testing.T) {
	f := newFixture(t)
	f.backend.results = []EventResult{{EventID: "e-1"}, {ErrorCode: "MalformedDetail", ErrorMessage: "Detail is malformed."}}
	o := f.run(t, single(`{"Type":"Task","Resource":"arn:aws:states:::events:putEvents","Parameters":{"Entries":[{},{}]},"End":true}`), `{}`)
	require.Equal(t, "EventBridge.FailedEntry", o.failure.name)
	require.Equal(t, `{"Entries":[{"EventId":"e-1"},{"ErrorCode":"MalformedDetail","ErrorMessage":"Detail is malformed."}],"FailedEntryCount":1}`, o.failure.cause)
}

func TestErrorNames(t *testing.T) {
	for name, tc := range map[string]struct {
		resource, parameters string
		prepare              func(*backend)
		want                 string
	}{
		"events throttled": {"events:putEvents", `{"Entries":[]}`, func(b *backend) { b.putErr = wire.Errorf("ThrottlingException", "x") }, "EventBridge.ThrottlingException"},
		"events internal":  {"events:putEvents", `{"Entries":[]}`, func(b *backend) { b.putErr = errors.New("x") }, "EventBridge.InternalException"},
		"not done":         {"events:putEvents", `{"Entries":[]}`, func(b *backend) { b.putErr = wire.NotImplemented("x") }, errorRuntime},
		"queue not done":   {"sqs:sendMessage", `{"QueueUrl":"undone","MessageBody":"b"}`, nil, errorRuntime},
		"entries no array": {"events:putEvents", `{"Entries":1}`, nil, errorRuntime},
		"entry no object":  {"events:putEvents", `{"Entries":[1]}`, nil, errorRuntime},
		"unknown field":    {"events:putEvents", `{"Entries":[{"Nope":1}]}`, nil, errorRuntime},
		"no queue":         {"sqs:sendMessage", `{"QueueUrl":"none","MessageBody":"b"}`, nil, "SQS.AmazonSQSException"},
		"url no string":    {"sqs:sendMessage", `{"QueueUrl":1,"MessageBody":"b"}`, nil, errorRuntime},
		"delay no integer": {"sqs:sendMessage", `{"QueueUrl":"q","MessageBody":"b","DelaySeconds":1.5}`, nil, errorRuntime},
		"no topic":         {"sns:publish", `{"TopicArn":"none","Message":"b"}`, nil, "SNS.NotFoundException"},
		"no function": {"lambda:invoke", `{"FunctionName":"f"}`, func(b *backend) {
			b.invoke = func(context.Context, string, []byte) (Invocation, error) {
				return Invocation{}, wire.Errorf("ResourceNotFoundException", "x")
			}
		}, "Lambda.ResourceNotFoundException"},
		"function error without a type": {"lambda:invoke", `{"FunctionName":"f"}`, func(b *backend) {
			b.invoke = func(context.Context, string, []byte) (Invocation, error) {
				return Invocation{FunctionError: "Unhandled", Payload: []byte(`null`)}, nil
			}
		}, "Lambda.Unknown"},
		"an answer that is no JSON": {"lambda:invoke", `{"FunctionName":"f"}`, func(b *backend) {
			b.invoke = func(context.Context, string, []byte) (Invocation, error) {
				return Invocation{Payload: []byte(`{`)}, nil
			}
		}, errorRuntime},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			if tc.prepare != nil {
				tc.prepare(f.backend)
			}
			o := f.run(t, single(`{"Type":"Task","Resource":"arn:aws:states:::`+tc.resource+`","Parameters":`+tc.parameters+`,"End":true}`), `{}`)
			require.NotNil(t, o.failure)
			require.Equal(t, tc.want, o.failure.name)
		})
	}
}

func TestSendMessage(t *testing.T) {
	f := newFixture(t)
	o := f.run(t, single(`{"Type":"Task","Resource":"arn:aws:states:::sqs:sendMessage","Parameters":{"QueueUrl":"q","MessageBody":{"a.$":"$.a"},"DelaySeconds":3,"MessageGroupId":"g","MessageDeduplicationId":"d"},"End":true}`), `{"a":1.0}`)
	require.Nil(t, o.failure)
	require.Equal(t, `{"MD5OfMessageBody":"md5","MessageId":"m-1","SequenceNumber":"g",`+meta+`}`, o.output.String())
	delay := int32(3)
	require.Equal(t, []Message{{QueueURL: "q", Body: `{"a":1.0}`, DelaySeconds: &delay, MessageGroupID: "g", MessageDeduplicationID: "d"}}, f.backend.messages)
}

func TestInvoke(t *testing.T) {
	f := newFixture(t)
	f.backend.invoke = func(_ context.Context, function string, payload []byte) (Invocation, error) {
		require.Equal(t, "fn:live", function)
		require.Equal(t, `{"a":1}`, string(payload))
		return Invocation{StatusCode: 200, ExecutedVersion: "$LATEST", Payload: []byte(`{"ok": 1.50}`)}, nil
	}
	o := f.run(t, single(`{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","Parameters":{"FunctionName":"fn:","Qualifier":"live","Payload.$":"$"},"End":true}`), `{"a":1}`)
	require.Nil(t, o.failure)
	require.Equal(t, `{"ExecutedVersion":"$LATEST","Payload":{"ok":1.50},"StatusCode":200,`+meta+`}`, o.output.String())
}

func TestPublish(t *testing.T) {
	f := newFixture(t)
	o := f.run(t, single(`{"Type":"Task","Resource":"arn:aws:states:::sns:publish","Parameters":{"TopicArn":"t","Subject":"s","Message":{"a":1}},"End":true}`), `{}`)
	require.Nil(t, o.failure)
	require.Equal(t, `{"MessageId":"p-1",`+meta+`}`, o.output.String())
	require.Equal(t, []string{`t|s|{"a":1}`}, f.backend.published)
}
