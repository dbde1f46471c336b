package local

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/local/cloudwatch"
	"github.com/payrail/payrail/local/faults"
)

// collected are the sums of the metrics of one minute, by namespace, name and dimensions.
func (f fixture) collected(t *testing.T) map[string]float64 {
	t.Helper()
	sums := map[string]float64{}
	f.metrics.collect(testStart.Truncate(time.Minute), func(d cloudwatch.Datum) {
		key := d.Namespace + " " + d.MetricName
		for _, dimension := range d.Dimensions {
			key += " " + dimension.Name + "=" + dimension.Value
		}
		sums[key] += d.Sum
	})
	return sums
}

// requireMetrics compares some of the metrics.
func requireMetrics(t *testing.T, sums map[string]float64, want map[string]float64) {
	t.Helper()
	for key, value := range want {
		require.Contains(t, sums, key)
		require.Equal(t, value, sums[key], key)
	}
}

func TestServicesAreMeasured(t *testing.T) {
	f := start(t)
	f.collected(t)
	f.put(t, "One") // To open; closed lets nobody in, so that its event goes to the dead-letter queue.
	status, answer := f.call(t, "states", "AWSStepFunctions.StartSyncExecution", `{"stateMachineArn":"arn:aws:states:us-east-1:000000000000:stateMachine:send","input":"{}"}`)
	require.Equal(t, 200, status, answer)
	require.NoError(t, f.Faults.Arm(faults.Fault{Operation: "dynamodb:GetItem", When: faults.BeforeEffect, Code: "ThrottlingException", Times: 1}))
	f.call(t, "dynamodb", "DynamoDB_20120810.GetItem", `{"TableName":"Things","Key":{"id":{"S":"1"}}}`)
	f.call(t, "dynamodb", "DynamoDB_20120810.PutItem", `{"TableName":"Things","Item":{"id":{"S":"1"}},"ConditionExpression":"attribute_exists(id)"}`)
	f.call(t, "dynamodb", "DynamoDB_20120810.TransactWriteItems", `{"TransactItems":[{"Put":{"TableName":"Things","Item":{"id":{"S":"1"}},"ConditionExpression":"attribute_exists(id)"}}]}`)
	f.call(t, "events", "AWSEvents.PutEvents", `{"Entries":[{"EventBusName":"bus","Source":"s","DetailType":"T","Detail":"[]"}]}`)
	require.NoError(t, f.firehose.Put(t.Context(), streamARN, [][]byte{[]byte("abc"), []byte("de")}))
	f.clock.Advance(7 * time.Second)

	sums := f.collected(t)
	requireMetrics(t, sums, map[string]float64{
		"AWS/SQS NumberOfMessagesSent QueueName=open":                                          2,
		"AWS/SQS ApproximateNumberOfMessagesVisible QueueName=open":                            2, // The execution's has been delayed for 5 s.
		"AWS/SQS ApproximateAgeOfOldestMessage QueueName=open":                                 7,
		"AWS/SQS NumberOfMessagesSent QueueName=closed":                                        0,
		"AWS/SQS ApproximateNumberOfMessagesVisible QueueName=dead-letters":                    1,
		"AWS/Events MatchedEvents EventBusName=bus RuleName=open":                              1,
		"AWS/Events Invocations EventBusName=bus RuleName=open":                                1,
		"AWS/Events FailedInvocations EventBusName=bus RuleName=closed":                        1,
		"AWS/Events InvocationsSentToDlq EventBusName=bus RuleName=closed":                     1,
		"AWS/Events PutEventsApproximateCallCount":                                             2,
		"AWS/Events PutEventsEntriesCount":                                                     2,
		"AWS/Events PutEventsFailedEntriesCount":                                               1,
		"AWS/States ExecutionsStarted StateMachineArn=" + arn("states", "stateMachine:send"):   1,
		"AWS/States ExecutionsSucceeded StateMachineArn=" + arn("states", "stateMachine:send"): 1,
		"AWS/DynamoDB ThrottledRequests TableName=Things Operation=GetItem":                    1,
		"AWS/DynamoDB ConditionalCheckFailedRequests TableName=Things":                         2,
		"AWS/Firehose IncomingRecords DeliveryStreamName=audit":                                2,
		"AWS/Firehose IncomingBytes DeliveryStreamName=audit":                                  5,
		"AWS/Firehose DeliveryToS3.DataFreshness DeliveryStreamName=audit":                     7,
	})
	require.NotContains(t, sums, "AWS/Events FailedInvocations EventBusName=bus RuleName=open", "EventBridge sends no zeros")

	require.NoError(t, f.FlushAudit(t.Context()))
	sums = f.collected(t)
	requireMetrics(t, sums, map[string]float64{
		"AWS/SQS NumberOfMessagesSent QueueName=open":                      0,
		"AWS/Firehose DeliveryToS3.Records DeliveryStreamName=audit":       2,
		"AWS/Firehose DeliveryToS3.Success DeliveryStreamName=audit":       1,
		"AWS/Firehose DeliveryToS3.DataFreshness DeliveryStreamName=audit": 0,
	})
	require.NotContains(t, sums, "AWS/Events MatchedEvents EventBusName=bus RuleName=open")
}

// Functions, topics and HTTP APIs report as it happens.
func TestObservationsAreCollected(t *testing.T) {
	f := start(t)
	for _, o := range []struct {
		metric string
		value  float64
	}{{"Invocations", 1}, {"Invocations", 1}, {"Errors", 1}, {"Throttles", 1}, {"Duration", 20}, {"Duration", 40}, {"DeadLetterErrors", 1}} {
		f.metrics.functions.Observe("posting", o.metric, o.value)
	}
	_, err := f.sns.Publish(t.Context(), topicARN, "", "hello", nil)
	require.NoError(t, err)
	f.send(t, "", "", "/_api/none/x", "")
	f.metrics.output(nil)("posting", fmt.Sprintf(`{"_aws":{"Timestamp":%d,"CloudWatchMetrics":[{"Namespace":"Own","Dimensions":[[]],"Metrics":[{"Name":"Legs"}]}]},"Legs":6}`, testStart.UnixMilli()))
	requireMetrics(t, f.collected(t), map[string]float64{
		"AWS/Lambda Invocations FunctionName=posting": 2, "AWS/Lambda Invocations": 2, "AWS/Lambda Errors FunctionName=posting": 1,
		"AWS/Lambda Throttles FunctionName=posting": 1, "AWS/Lambda Duration FunctionName=posting": 60, "AWS/Lambda DeadLetterErrors FunctionName=posting": 1,
		"AWS/SNS NumberOfMessagesPublished TopicName=notices": 1,
		"AWS/ApiGateway Count ApiId=none":                     1, "AWS/ApiGateway 4xx ApiId=none": 1, "AWS/ApiGateway 5xx ApiId=none": 0,
	})
	status, answer := f.call(t, "monitoring", "GraniteServiceVersion20100801.ListMetrics", `{"Namespace":"Own"}`)
	require.Equal(t, 200, status)
	require.Equal(t, map[string]any{"Metrics": []any{map[string]any{"Namespace": "Own", "MetricName": "Legs", "Dimensions": []any{}}}}, answer)
}

// A queue that nobody uses has no metrics after six hours.
func TestIdleQueuesAreNotMeasured(t *testing.T) {
	f := start(t)
	const key = "AWS/SQS ApproximateNumberOfMessagesVisible QueueName=closed"
	at := testStart
	measured := func() bool {
		found := false
		f.metrics.collect(at, func(d cloudwatch.Datum) {
			found = found || d.MetricName == "ApproximateNumberOfMessagesVisible" && d.Dimensions[0].Value == "closed"
		})
		return found
	}
	require.True(t, measured())
	at = testStart.Add(6*time.Hour + time.Minute)
	require.False(t, measured(), key)
	_, err := f.sqs.Attributes(queuePrefix + "closed")
	require.NoError(t, err)
	require.True(t, measured(), "any call is a use")
}

// An alarm of the template goes off on the clock and tells a topic whose policy lets it in.
func TestAlarmOfTheTemplate(t *testing.T) {
	f := start(t)
	f.call(t, "sqs", "AmazonSQS.SendMessage", fmt.Sprintf(`{"QueueUrl":"%s/%s/dead-letters","MessageBody":"x"}`, f.Endpoint(), Account))
	f.clock.Advance(time.Minute)
	var told struct{ AlarmName, NewStateValue string }
	require.NoError(t, json.Unmarshal([]byte(<-f.notices), &told))
	require.Equal(t, "Minimal-Given", told.AlarmName, "the name CloudFormation would make of the logical id")
	require.Equal(t, "ALARM", told.NewStateValue)
	status, answer := f.call(t, "monitoring", "GraniteServiceVersion20100801.DescribeAlarms", `{"AlarmTypes":["CompositeAlarm"],"StateValue":"ALARM"}`)
	require.Equal(t, 200, status)
	require.Len(t, answer["CompositeAlarms"], 1)

	// Without the policy nobody is told, and the history says why.
	f.wiring.setTopicPolicy(topicARN, policy{Statement: []statement{{Effect: "Allow", Principal: principals{"Service": {eventsService}}, Action: words{"*"}, Resource: words{"*"}}}})
	err := alarmTopics{f.Runtime}.Notify(t.Context(), topicARN, arn("cloudwatch", "alarm:x"), "s", "m")
	require.ErrorContains(t, err, "does not let cloudwatch.amazonaws.com publish")
}
