package local

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/local/clock"
	"github.com/payrail/payrail/local/eventbridge"
	"github.com/payrail/payrail/local/faults"
	"github.com/payrail/payrail/local/sns"
	"github.com/payrail/payrail/local/storage"
)

var testStart = time.Date(2026, 7, 9, 10, 15, 30, 0, time.UTC)

const (
	queuePrefix = "arn:aws:sqs:us-east-1:000000000000:"
	topicARN    = "arn:aws:sns:us-east-1:000000000000:notices"
	streamARN   = "arn:aws:firehose:us-east-1:000000000000:deliverystream/audit"
)

type fixture struct {
	*Runtime
	clock   *clock.Manual
	notices chan string
}

// start runs testdata/minimal.
func start(t *testing.T) fixture {
	t.Helper()
	f := fixture{clock: clock.NewManual(testStart), notices: make(chan string, 10)}
	var err error
	f.Runtime, err = Start(t.Context(), Options{
		Assembly: "testdata/minimal", Stack: "Minimal", Store: storage.NewMemory(), Clock: f.clock, Logger: slog.New(slog.DiscardHandler),
		OperatorNotice: func(_, message string) { f.notices <- message },
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, f.Close()) })
	return f
}

// call makes a signed request of the JSON protocol and returns the status and the answer.
func (f fixture) call(t *testing.T, service, target, body string) (int, map[string]any) {
	t.Helper()
	return f.send(t, "AWS4-HMAC-SHA256 Credential=key/20260709/us-east-1/"+service+"/aws4_request, Signature=00", target, "/", body)
}

func (f fixture) send(t *testing.T, authorization, target, path, body string) (int, map[string]any) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, f.Endpoint()+path, strings.NewReader(body))
	require.NoError(t, err)
	request.Header.Set("X-Amz-Target", target)
	if authorization != "" {
		request.Header.Set("Authorization", authorization)
	}
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	answer := map[string]any{}
	if len(text) > 0 {
		require.NoError(t, json.Unmarshal(text, &answer), "%s", text)
	}
	return response.StatusCode, answer
}

// put puts one event and waits until it is delivered or given up.
func (f fixture) put(t *testing.T, detailType string) {
	t.Helper()
	results, err := f.eventbridge.PutEvents(t.Context(), []eventbridge.Entry{{Bus: "bus", Source: "test", DetailType: detailType, Detail: []byte(`{}`)}})
	require.NoError(t, err)
	require.Empty(t, results[0].ErrorCode)
	require.NoError(t, f.eventbridge.Idle(t.Context()))
}

func (f fixture) depth(t *testing.T, queue string) int {
	t.Helper()
	n, err := f.sqs.Depth(queuePrefix + queue)
	require.NoError(t, err)
	return n
}

func TestRuleWithoutQueuePolicyDeliversNothingAndDeadLetters(t *testing.T) {
	f := start(t)
	f.put(t, "One")
	require.Equal(t, 1, f.depth(t, "open"), "the queue with a policy for the rule")
	require.Zero(t, f.depth(t, "closed"), "the queue without a policy")
	dead, err := f.sqs.Receive(t.Context(), queuePrefix+"dead-letters", 10, 0)
	require.NoError(t, err)
	require.Len(t, dead, 1)
	require.Equal(t, "NO_PERMISSIONS", dead[0].Attributes["ERROR_CODE"].StringValue)
	require.Equal(t, "arn:aws:events:us-east-1:000000000000:rule/bus/closed", dead[0].Attributes["RULE_ARN"].StringValue)
}

func TestPolicySetThroughTheAPICounts(t *testing.T) {
	f := start(t)
	policy := `{"Statement":[{"Effect":"Allow","Principal":{"Service":"events.amazonaws.com"},"Action":"SQS:SendMessage","Resource":"*"}]}`
	set := func(queue, policy string) {
		t.Helper()
		status, answer := f.call(t, "sqs", "AmazonSQS.SetQueueAttributes",
			fmt.Sprintf(`{"QueueUrl":"%s/%s/%s","Attributes":{"Policy":%q}}`, f.Endpoint(), Account, queue, policy))
		require.Equal(t, http.StatusOK, status, answer)
	}
	set("closed", policy)
	set("open", "")
	f.put(t, "One")
	require.Equal(t, 1, f.depth(t, "closed"))
	require.Zero(t, f.depth(t, "open"))
}

func TestTopicNeedsAPolicyWithoutConditions(t *testing.T) {
	f := start(t)
	f.put(t, "Notice")
	require.Contains(t, <-f.notices, `"detail-type":"Notice"`)
	conditional, err := parsePolicy(json.RawMessage(`{"Statement":[{"Effect":"Allow","Principal":{"Service":"events.amazonaws.com"},"Action":"sns:Publish",
		"Resource":"*","Condition":{"ArnEquals":{"aws:SourceArn":"` + ruleARN + `"}}}]}`))
	require.NoError(t, err)
	f.wiring.setTopicPolicy(topicARN, conditional)
	require.ErrorContains(t, f.wiring.checkTarget(eventbridge.Target{ARN: topicARN, RuleARN: ruleARN}), "does not let events.amazonaws.com do sns:Publish")
}

func TestTopicDeliversToQueuesThatLetItIn(t *testing.T) {
	f := start(t)
	deliver := func() error {
		return topicQueues{f.Runtime}.SendMessage(t.Context(), topicARN, queuePrefix+"closed", "hello", map[string]sns.Attribute{})
	}
	require.ErrorContains(t, deliver(), "AccessDenied")
	require.NoError(t, f.sqs.SetAttributes(queuePrefix+"closed", map[string]string{"Policy": `{"Statement":[{"Effect":"Allow","Principal":{"Service":"sns.amazonaws.com"},
		"Action":"sqs:SendMessage","Resource":"*","Condition":{"ArnEquals":{"aws:SourceArn":"` + topicARN + `"}}}]}`}))
	require.NoError(t, deliver())
	require.Equal(t, 1, f.depth(t, "closed"))
}

func TestPipeGivesUpToATopicToo(t *testing.T) {
	f := start(t)
	require.NoError(t, pipeDeadLetters{f.Runtime}.Send(t.Context(), topicARN, []byte(`{"version":"1.0"}`)))
	require.Equal(t, `{"version":"1.0"}`, <-f.notices)
}

func TestEventTooLargeForFirehoseFailsAlone(t *testing.T) {
	f := start(t)
	failed := f.wiring.DeliverBatch(t.Context(), eventbridge.Target{ARN: streamARN}, [][]byte{[]byte(`{"n":1}`), bytes.Repeat([]byte("x"), 1000<<10+1), []byte(`{"n":2}`)})
	require.NoError(t, failed[0])
	require.True(t, invalid(failed[1]), failed[1])
	require.NoError(t, failed[2])
}

func TestTaskStateGetsTheMessageItSent(t *testing.T) {
	f := start(t)
	status, answer := f.call(t, "states", "AWSStepFunctions.StartSyncExecution", `{"stateMachineArn":"arn:aws:states:us-east-1:000000000000:stateMachine:send","input":"{}"}`)
	require.Equal(t, http.StatusOK, status, answer)
	require.Equal(t, "SUCCEEDED", answer["status"], answer)
	var output struct{ MessageId, MD5OfMessageBody string }
	require.NoError(t, json.Unmarshal([]byte(answer["output"].(string)), &output))
	require.Equal(t, "5d41402abc4b2a76b9719d911017c592", output.MD5OfMessageBody, "md5 of hello")

	stats, err := f.sqs.Stats(queuePrefix + "open")
	require.NoError(t, err)
	require.Equal(t, 1, stats.Delayed)
	f.clock.Advance(5 * time.Second)
	messages, err := f.sqs.Receive(t.Context(), queuePrefix+"open", 1, 0)
	require.NoError(t, err)
	require.Equal(t, messages[0].ID, output.MessageId)
}

func TestTemplatePropertiesTakeEffect(t *testing.T) {
	f := start(t)
	status, answer := f.call(t, "events", "AWSEvents.DescribeArchive", `{"ArchiveName":"kept"}`)
	require.Equal(t, http.StatusOK, status)
	require.EqualValues(t, 90, answer["RetentionDays"])
	status, answer = f.call(t, "dynamodb", "DynamoDB_20120810.DeleteTable", `{"TableName":"Things"}`)
	require.Equal(t, http.StatusBadRequest, status)
	require.Contains(t, answer["message"], "protected against deletion")
}

func TestOutputsAndWhatIsNotEnforced(t *testing.T) {
	f := start(t)
	require.Equal(t, map[string]string{"BusName": "bus", "QueueUrl": f.Endpoint() + "/000000000000/open"}, f.Outputs())
	require.Equal(t, []string{"AWS::DynamoDB::Table BillingMode (1)", "AWS::IAM::Role (1)", "AWS::S3::Bucket LifecycleConfiguration (1)"}, f.NotEnforced())
}

func TestFrontRefuses(t *testing.T) {
	f := start(t)
	status, answer := f.send(t, "", "DynamoDB_20120810.ListTables", "/", `{}`)
	require.Equal(t, http.StatusForbidden, status)
	require.Equal(t, "MissingAuthenticationToken", answer["__type"])
	status, answer = f.call(t, "glacier", "Glacier.ListVaults", `{}`)
	require.Equal(t, http.StatusNotImplemented, status)
	require.Equal(t, "the local runtime does not do the service glacier", answer["message"])
	status, answer = f.call(t, "dynamodb", "DynamoDB_20120810.ExportTableToPointInTime", `{}`)
	require.Equal(t, http.StatusNotImplemented, status)
	require.Equal(t, "the local runtime does not do dynamodb:ExportTableToPointInTime", answer["message"])
}

func TestFaultsAreArmedOverHTTP(t *testing.T) {
	f := start(t)
	const fault = `{"operation":"dynamodb:ListTables","when":"before","code":"ThrottlingException","times":1}`
	status, answer := f.send(t, "", "", faultsPath, fault)
	require.Equal(t, http.StatusNoContent, status, answer)
	status, answer = f.call(t, "dynamodb", "DynamoDB_20120810.ListTables", `{}`)
	require.Equal(t, http.StatusBadRequest, status)
	require.Contains(t, answer["__type"], "ThrottlingException")
	status, _ = f.call(t, "dynamodb", "DynamoDB_20120810.ListTables", `{}`)
	require.Equal(t, http.StatusOK, status)
	for name, body := range map[string]string{
		"no code":         `{"operation":"dynamodb:ListTables","when":"before"}`,
		"misspelt member": strings.Replace(fault, "times", "time", 1),
		"no JSON":         `fault`,
	} {
		status, _ = f.send(t, "", "", faultsPath, body)
		require.Equal(t, http.StatusBadRequest, status, name)
	}
}

func TestInjectedFaultsDoNotMultiplyThroughTheFallback(t *testing.T) {
	f := start(t)
	require.NoError(t, f.Faults.Arm(faults.Fault{Operation: "firehose:PutRecordBatch", When: faults.BeforeEffect, Code: "ServiceUnavailableException", Times: 1}))
	failed := f.wiring.DeliverBatch(t.Context(), eventbridge.Target{ARN: streamARN}, [][]byte{[]byte(`{}`), []byte(`{}`)})
	require.Error(t, failed[0])
	require.Error(t, failed[1], "a throttled batch is retried as a batch, with back-off")
}

// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html: what lacks a permission is not tried again.
func TestTargetThatDoesNotLetTheRuleInIsNotTriedAgain(t *testing.T) {
	for operation, code := range map[string]string{"firehose:PutRecordBatch": "AccessDeniedException", "sqs:SendMessage": "AccessDenied", "sns:Publish": "AuthorizationError"} {
		f := start(t)
		require.NoError(t, f.Faults.Arm(faults.Fault{Operation: operation, Code: code}))
		target := map[string]string{"firehose:PutRecordBatch": streamARN, "sqs:SendMessage": queuePrefix + "open", "sns:Publish": topicARN}[operation]
		err := f.wiring.DeliverBatch(t.Context(), eventbridge.Target{ARN: target}, [][]byte{[]byte(`{}`), []byte(`{}`)})[0]
		var failure *eventbridge.DeliveryError
		require.ErrorAs(t, err, &failure, operation)
		require.Equal(t, "NO_PERMISSIONS", failure.Code, operation)
		require.True(t, failure.Permanent, operation)
	}
}

func TestStartRefusesWhatItCannotDo(t *testing.T) {
	const bus = `"Bus":{"Type":"AWS::Events::EventBus","Properties":{"Name":"bus"}},`
	for name, tc := range map[string]struct{ resources, want string }{
		"a resource type": {`"V":{"Type":"AWS::EC2::VPC"}`, "creating V: the local runtime does not do resources of type AWS::EC2::VPC"},
		"a property":      {`"Q":{"Type":"AWS::SNS::Topic","Properties":{"FifoTopic":true}}`, "creating Q (AWS::SNS::Topic): decoding properties: the local runtime does not do property FifoTopic"},
		"a nested property": {bus + `"R":{"Type":"AWS::Events::Rule","Properties":{"Name":"r","EventBusName":{"Ref":"Bus"},"EventPattern":{"source":["a"]},
			"Targets":[{"Id":"t","Arn":"arn:aws:sqs:us-east-1:000000000000:q","InputTransformer":{"InputTemplate":"1"}}]}}`, "does not do property Targets.InputTransformer"},
		"a rule's target": {bus + `"R":{"Type":"AWS::Events::Rule","Properties":{"Name":"r","EventBusName":{"Ref":"Bus"},"EventPattern":{"source":["a"]},
			"Targets":[{"Id":"t","Arn":"arn:aws:kinesis:us-east-1:000000000000:stream/s"}]}}`, "does not do rule targets of the service kinesis"},
		"an invalid schedule":              {`"R":{"Type":"AWS::Events::Rule","Properties":{"ScheduleExpression":"rate(1 hours)"}}`, "Parameter ScheduleExpression is not valid."},
		"a schedule on a bus of the stack": {bus + `"R":{"Type":"AWS::Events::Rule","Properties":{"EventBusName":{"Ref":"Bus"},"ScheduleExpression":"rate(1 hour)"}}`, "ScheduleExpression is supported only on the default event bus."},
		"a queue under a key":              {`"Q":{"Type":"AWS::SQS::Queue","Properties":{"KmsMasterKeyId":"alias/aws/sqs"}}`, "does not do property KmsMasterKeyId"},
		"a topic under a key":              {`"T":{"Type":"AWS::SNS::Topic","Properties":{"KmsMasterKeyId":"alias/aws/sns"}}`, "does not do property KmsMasterKeyId"},
		"a misspelt response type":         {`"M":{"Type":"AWS::Lambda::EventSourceMapping","Properties":{"FunctionName":"f","FunctionResponseTypes":["ReportBatchItemFailure"]}}`, `FunctionResponseTypes has "ReportBatchItemFailure"`},
		"an attribute that is in no key":   {`"T":{"Type":"AWS::DynamoDB::Table","Properties":{"AttributeDefinitions":[{"AttributeName":"a","AttributeType":"S"},{"AttributeName":"b","AttributeType":"S"}],"KeySchema":[{"AttributeName":"a","KeyType":"HASH"}]}}`, "AttributeDefinitions has 2 attributes and the keys of the table and its indexes 1"},
		"a policy that cannot be judged":   {`"Q":{"Type":"AWS::SQS::Queue"},"P":{"Type":"AWS::SQS::QueuePolicy","Properties":{"Queues":[{"Ref":"Q"}],"PolicyDocument":{"Statement":[{"Effect":"Deny","Principal":"*","NotAction":"sqs:SendMessage","Resource":"*"}]}}}`, `unknown field "NotAction"`},
	} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			require.NoError(t, os.WriteFile(filepath.Join(folder, "Stack.template.json"), []byte(`{"Resources":{`+tc.resources+`}}`), 0o600))
			_, err := Start(t.Context(), Options{Assembly: folder, Stack: "Stack", Store: storage.NewMemory(), Logger: slog.New(slog.DiscardHandler)})
			require.ErrorContains(t, err, tc.want)
		})
	}
}

func TestNothingRunsAfterCloseOrAFailedStart(t *testing.T) {
	before := runtime.NumGoroutine()
	r, err := Start(context.Background(), Options{Assembly: "testdata/minimal", Stack: "Minimal", Store: storage.NewMemory(), Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	_, err = Start(context.Background(), Options{
		Assembly: "testdata/minimal", Stack: "Minimal", Port: portOf(t, r), Store: storage.NewMemory(), Logger: slog.New(slog.DiscardHandler),
	})
	require.ErrorContains(t, err, "address already in use")
	require.NoError(t, r.Close())
	// Goroutines of closed connections end a moment later; one more is Eventually's own.
	require.Eventually(t, func() bool { return runtime.NumGoroutine() <= before+1 }, 10*time.Second, 10*time.Millisecond)
	response, err := http.Get(r.Endpoint())
	if err == nil {
		response.Body.Close()
	}
	require.Error(t, err, "the port is free again")
}

func portOf(t *testing.T, r *Runtime) (port int) {
	t.Helper()
	_, err := fmt.Sscanf(r.Endpoint(), "http://127.0.0.1:%d", &port)
	require.NoError(t, err)
	return port
}
