package lambda

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/local/sqs"
)

// Where the expectations of the conformance cases come from.
const (
	guide     = "https://docs.aws.amazon.com/lambda/latest/dg/"
	reference = "https://docs.aws.amazon.com/lambda/latest/api/"
	// recorded… are answers of AWS that another project recorded.
	recordedDestinations = "https://github.com/localstack/localstack/blob/master/tests/aws/services/lambda_/test_lambda_destinations.snapshot.json"
	recordedMappings     = "https://github.com/localstack/localstack/blob/master/tests/aws/services/lambda_/event_source_mapping/test_lambda_integration_sqs.snapshot.json"
	recordedFunctions    = "https://github.com/localstack/localstack/blob/master/tests/aws/services/lambda_/test_lambda.snapshot.json"
	recordedAPI          = "https://github.com/localstack/localstack/blob/master/tests/aws/services/lambda_/test_lambda_api.snapshot.json"
)

// conformanceFixture is a service with a function behind its protocol.
type conformanceFixture struct {
	*fixture
	client *awslambda.Client
	url    string
	arn    string
}

func newConformanceFixture(t *testing.T) *conformanceFixture {
	t.Helper()
	f := newFixture(t, nil)
	arn := f.create(t, nil)
	client, url := sdkClient(t, f)
	return &conformanceFixture{fixture: f, client: client, url: url, arn: arn}
}

// do makes a request without an SDK.
func (f *conformanceFixture) do(t *testing.T, method, path, body string) (status int, header http.Header, answer string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, f.url+path, strings.NewReader(body))
	require.NoError(t, err)
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response.StatusCode, response.Header, string(text)
}

func requireCode(t *testing.T, err error, code string) {
	t.Helper()
	var e smithy.APIError
	require.ErrorAs(t, err, &e)
	require.Equal(t, code, e.ErrorCode())
}

// only receives the one message of a queue.
func (f *conformanceFixture) only(t *testing.T, queue string) sqs.Message {
	t.Helper()
	f.requireStats(t, queue, "a message arrives", func(s sqs.Stats) bool { return s.Visible == 1 })
	received, err := f.sqs.Receive(t.Context(), queue, 10, 0)
	require.NoError(t, err)
	require.Len(t, received, 1)
	return received[0]
}

// conformance are cases whose expectations come from AWS's documentation and from recorded answers, not from this code.
var conformance = []struct {
	name, source string
	check        func(t *testing.T, f *conformanceFixture)
}{
	{"an error of the function is status 200 with a header", reference + "API_Invoke.html", func(t *testing.T, f *conformanceFixture) {
		status, header, answer := f.do(t, http.MethodPost, "/2015-03-31/functions/probe/invocations", `{"Do":"fail"}`)
		require.Equal(t, 200, status)
		require.Equal(t, "Unhandled", header.Get("X-Amz-Function-Error"))
		require.Equal(t, "$LATEST", header.Get("X-Amz-Executed-Version"))
		require.JSONEq(t, `{"errorMessage":"failed as told","errorType":"probeError"}`, answer)
	}},
	{"a process that ends is an exit error, and the next invocation has a new environment", guide + "troubleshooting-invocation.html", func(t *testing.T, f *conformanceFixture) {
		before := f.describe(t).PID
		_, header, answer := f.do(t, http.MethodPost, "/2015-03-31/functions/probe/invocations", `{"Do":"exit"}`)
		require.Equal(t, "Unhandled", header.Get("X-Amz-Function-Error"))
		require.JSONEq(t, `{"errorType":"Runtime.ExitError","errorMessage":"RequestId: `+header.Get("X-Amzn-Requestid")+` Error: Runtime exited with error: exit status 3"}`, answer)
		require.NotEqual(t, before, f.describe(t).PID)
	}},
	{"a timeout kills", guide + "troubleshooting-invocation.html", func(t *testing.T, f *conformanceFixture) {
		answered := make(chan *awslambda.InvokeOutput, 1)
		go func() {
			out, _ := f.client.Invoke(t.Context(), &awslambda.InvokeInput{FunctionName: aws.String("probe"), Payload: []byte(`{"Do":"gate"}`)}) // A nil answer fails below.
			answered <- out
		}()
		<-f.arrived
		f.realTime.Advance(3 * time.Second)
		out := <-answered
		require.NotNil(t, out)
		require.Equal(t, "Unhandled", *out.FunctionError)
		require.Contains(t, string(out.Payload), `Error: Task timed out after 3.00 seconds`)
		require.Contains(t, string(out.Payload), `"errorType":"Sandbox.Timedout"`)
	}},
	{"sizes of payloads", guide + "gettingstarted-limits.html", func(t *testing.T, f *conformanceFixture) {
		large := []byte(`"` + strings.Repeat("x", 6291456-2) + `"`)
		_, err := f.client.Invoke(t.Context(), &awslambda.InvokeInput{FunctionName: aws.String("probe"), Payload: append(large, ' ')})
		requireCode(t, err, "RequestTooLargeException")
		require.ErrorContains(t, err, "Request must be smaller than 6291456 bytes for the InvokeFunction operation")
		_, err = f.client.Invoke(t.Context(), &awslambda.InvokeInput{FunctionName: aws.String("probe"), Payload: large[:1<<20], InvocationType: types.InvocationTypeEvent})
		requireCode(t, err, "InvalidRequestContentException")
		_, err = f.client.Invoke(t.Context(), &awslambda.InvokeInput{FunctionName: aws.String("probe"), Payload: []byte(`"` + strings.Repeat("x", 1<<20-1) + `"`), InvocationType: types.InvocationTypeEvent})
		requireCode(t, err, "RequestTooLargeException")
		out, err := f.client.Invoke(t.Context(), &awslambda.InvokeInput{FunctionName: aws.String("probe"), Payload: []byte(`{"Do":"large"}`)})
		require.NoError(t, err)
		require.JSONEq(t, `{"errorMessage":"Response payload size exceeded maximum allowed payload size (6291556 bytes).","errorType":"Function.ResponseSizeTooLarge"}`, string(out.Payload))
	}},
	{"an event that is no JSON or no UTF-8", recordedFunctions + " (test_lambda_invoke_payload_encoding_error)", func(t *testing.T, f *conformanceFixture) {
		for _, event := range []string{"n\x87r\x9e\xe9\xb5\xd7I\xee\x9bmt", "\"\x87\"", "{"} {
			status, header, answer := f.do(t, http.MethodPost, "/2015-03-31/functions/probe/invocations", event)
			require.Equal(t, 400, status)
			require.Equal(t, "InvalidRequestContentException", header.Get("X-Amzn-Errortype"))
			require.Contains(t, answer, "Could not parse request body into json")
		}
		require.Zero(t, f.metric(MetricInvocations))
	}},
	{"a function that does not exist", reference + "API_Invoke.html", func(t *testing.T, f *conformanceFixture) {
		status, header, answer := f.do(t, http.MethodPost, "/2015-03-31/functions/none/invocations", `{}`)
		require.Equal(t, 404, status)
		require.Equal(t, "ResourceNotFoundException", header.Get("X-Amzn-Errortype"))
		require.JSONEq(t, `{"Type":"User","Message":"Function not found: arn:aws:lambda:us-east-1:000000000000:function:none"}`, answer)
	}},
	{"reserved concurrency of 0 throttles all invocations", guide + "configuration-concurrency.html", func(t *testing.T, f *conformanceFixture) {
		status, _, answer := f.do(t, http.MethodGet, "/2019-09-30/functions/probe/concurrency", "")
		require.Equal(t, 200, status)
		require.JSONEq(t, `{}`, answer)
		status, _, answer = f.do(t, http.MethodPut, "/2017-10-31/functions/probe/concurrency", `{"ReservedConcurrentExecutions":0}`)
		require.Equal(t, 200, status)
		require.JSONEq(t, `{"ReservedConcurrentExecutions":0}`, answer)
		status, header, answer := f.do(t, http.MethodPost, "/2015-03-31/functions/probe/invocations", `{}`)
		require.Equal(t, 429, status)
		require.Equal(t, "TooManyRequestsException", header.Get("X-Amzn-Errortype"))
		require.JSONEq(t, `{"Reason":"ReservedFunctionConcurrentInvocationLimitExceeded","Type":"User","message":"Rate Exceeded."}`, answer)
		require.Equal(t, 1.0, f.metric(MetricThrottles))
		described, err := f.client.GetFunction(t.Context(), &awslambda.GetFunctionInput{FunctionName: &f.arn})
		require.NoError(t, err)
		require.Zero(t, *described.Concurrency.ReservedConcurrentExecutions)
		status, _, _ = f.do(t, http.MethodDelete, "/2017-10-31/functions/probe/concurrency", "")
		require.Equal(t, 204, status)
		f.describe(t)
	}},
	{"reserved concurrency is the most that run at once", guide + "configuration-concurrency.html", func(t *testing.T, f *conformanceFixture) {
		_, err := f.client.PutFunctionConcurrency(t.Context(), &awslambda.PutFunctionConcurrencyInput{FunctionName: &f.arn, ReservedConcurrentExecutions: aws.Int32(2)})
		require.NoError(t, err)
		for range 2 {
			go func() { _, _, _ = f.Invoke(t.Context(), "probe", []byte(`{"Do":"gate"}`)) }() // Ends when the fixture does.
		}
		require.NotEqual(t, <-f.arrived, <-f.arrived, "each in an environment of its own")
		_, err = f.client.Invoke(t.Context(), &awslambda.InvokeInput{FunctionName: &f.arn})
		requireCode(t, err, "TooManyRequestsException")
		close(f.release)
	}},
	{"an event is tried three times, and its record goes to the destination", recordedDestinations, func(t *testing.T, f *conformanceFixture) {
		queue := f.queue(t, "destination", nil)
		put, err := f.client.PutFunctionEventInvokeConfig(t.Context(), &awslambda.PutFunctionEventInvokeConfigInput{FunctionName: aws.String("probe"), DestinationConfig: &types.DestinationConfig{
			OnSuccess: &types.OnSuccess{Destination: &queue}, OnFailure: &types.OnFailure{Destination: &queue}}})
		require.NoError(t, err)
		require.Equal(t, f.arn+":$LATEST", *put.FunctionArn)
		require.Nil(t, put.MaximumRetryAttempts)
		require.Equal(t, queue, *put.DestinationConfig.OnSuccess.Destination)
		out, err := f.client.Invoke(t.Context(), &awslambda.InvokeInput{FunctionName: aws.String("probe"), InvocationType: types.InvocationTypeEvent, Payload: []byte(`{"Do":"fail"}`)})
		require.NoError(t, err)
		require.Equal(t, int32(202), out.StatusCode)
		f.requireInvocations(t, 1)
		for n, delay := range []time.Duration{time.Minute, 2 * time.Minute} { // docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
			f.clock.WaitForTimers(2)
			f.clock.Advance(delay)
			f.requireInvocations(t, uint64(n+2))
		}
		record := decodeRecord(t, f.only(t, queue).Body)
		id := record["requestContext"].(map[string]any)["requestId"]
		require.NotEmpty(t, record["timestamp"])
		delete(record, "timestamp")
		require.Equal(t, map[string]any{
			"version":        "1.0",
			"requestContext": map[string]any{"requestId": id, "functionArn": f.arn + ":$LATEST", "condition": "RetriesExhausted", "approximateInvokeCount": 3.0},
			"requestPayload": map[string]any{"Do": "fail"}, "responseContext": map[string]any{"statusCode": 200.0, "executedVersion": "$LATEST", "functionError": "Unhandled"},
			"responsePayload": map[string]any{"errorMessage": "failed as told", "errorType": "probeError"},
		}, record)
	}},
	{"the record of a success", recordedDestinations, func(t *testing.T, f *conformanceFixture) {
		queue := f.queue(t, "destination", nil)
		require.NoError(t, f.PutEventInvokeConfig("probe", &EventInvokeConfig{OnSuccessARN: queue}))
		require.NoError(t, f.InvokeAsync(t.Context(), "probe", []byte(`{"Do":"echo"}`)))
		record := decodeRecord(t, f.only(t, queue).Body)
		require.Equal(t, map[string]any{"Do": "echo"}, record["responsePayload"])
		require.Equal(t, map[string]any{"statusCode": 200.0, "executedVersion": "$LATEST"}, record["responseContext"])
		require.Equal(t, "Success", record["requestContext"].(map[string]any)["condition"])
		require.Equal(t, 1.0, record["requestContext"].(map[string]any)["approximateInvokeCount"])
	}},
	{"an event whose retry would come too late is given up", recordedDestinations, func(t *testing.T, f *conformanceFixture) {
		queue := f.queue(t, "destination", nil)
		require.NoError(t, f.PutEventInvokeConfig("probe", &EventInvokeConfig{OnFailureARN: queue, MaximumEventAgeSeconds: 60}))
		require.NoError(t, f.InvokeAsync(t.Context(), "probe", []byte(`{"Do":"fail"}`)))
		f.requireInvocations(t, 1)
		f.clock.WaitForTimers(2)
		f.clock.Advance(time.Minute)
		record := decodeRecord(t, f.only(t, queue).Body)["requestContext"].(map[string]any)
		require.Equal(t, "EventAgeExceeded", record["condition"])
		require.Equal(t, 2.0, record["approximateInvokeCount"])
	}},
	{"an event for a function with a reserved concurrency of 0 is given up at once", recordedFunctions + " (test_reserved_concurrency)", func(t *testing.T, f *conformanceFixture) {
		queue, none := f.queue(t, "destination", nil), 0
		require.NoError(t, f.PutEventInvokeConfig("probe", &EventInvokeConfig{OnFailureARN: queue}))
		require.NoError(t, f.PutConcurrency("probe", &none))
		require.NoError(t, f.InvokeAsync(t.Context(), "probe", []byte(`{}`)))
		record := decodeRecord(t, f.only(t, queue).Body)
		id := record["requestContext"].(map[string]any)["requestId"]
		delete(record, "timestamp")
		require.Equal(t, map[string]any{
			"version":        "1.0",
			"requestContext": map[string]any{"requestId": id, "functionArn": f.arn + ":$LATEST", "condition": "ZeroReservedConcurrency", "approximateInvokeCount": 0.0},
			"requestPayload": map[string]any{},
		}, record)
		require.Zero(t, f.metric(MetricInvocations))
	}},
	{"a dead letter is the event with three attributes", recordedDestinations, func(t *testing.T, f *conformanceFixture) {
		queue, none := f.queue(t, "dlq", nil), 0
		_, err := f.CreateFunction(FunctionSpec{Name: "buried", Dir: probeDir, DeadLetterARN: queue, EventInvokeConfig: EventInvokeConfig{MaximumRetryAttempts: &none}})
		require.NoError(t, err)
		out, err := f.client.GetFunction(t.Context(), &awslambda.GetFunctionInput{FunctionName: aws.String("buried")})
		require.NoError(t, err)
		require.Equal(t, queue, *out.Configuration.DeadLetterConfig.TargetArn)
		require.NoError(t, f.InvokeAsync(t.Context(), "buried", []byte(`{"Do":"fail"}`)))
		dead := f.only(t, queue)
		require.Equal(t, `{"Do":"fail"}`, dead.Body)
		require.Len(t, dead.Attributes, 3)
		require.Equal(t, sqs.Attribute{DataType: "Number", StringValue: "200"}, dead.Attributes["ErrorCode"])
		require.Equal(t, sqs.Attribute{DataType: "String", StringValue: "failed as told"}, dead.Attributes["ErrorMessage"])
		require.Equal(t, "String", dead.Attributes["RequestID"].DataType)
	}},
	{"configurations of asynchronous invocations", recordedAPI, func(t *testing.T, f *conformanceFixture) {
		name := aws.String("probe")
		_, err := f.client.GetFunctionEventInvokeConfig(t.Context(), &awslambda.GetFunctionEventInvokeConfigInput{FunctionName: name})
		requireCode(t, err, "ResourceNotFoundException")
		require.ErrorContains(t, err, "The function "+f.arn+":$LATEST doesn't have an EventInvokeConfig")
		_, err = f.client.PutFunctionEventInvokeConfig(t.Context(), &awslambda.PutFunctionEventInvokeConfigInput{FunctionName: name})
		requireCode(t, err, "InvalidParameterValueException")
		require.ErrorContains(t, err, "You must specify at least one of error handling or destination setting.")
		_, err = f.client.PutFunctionEventInvokeConfig(t.Context(), &awslambda.PutFunctionEventInvokeConfigInput{FunctionName: name, DestinationConfig: &types.DestinationConfig{OnFailure: &types.OnFailure{Destination: &f.arn}}})
		require.ErrorContains(t, err, "You can't specify the function as a destination for itself.")
		for attempts, age := range map[int32]int32{3: 60, -1: 60, 2: 59, 1: 21601} {
			_, err = f.client.PutFunctionEventInvokeConfig(t.Context(), &awslambda.PutFunctionEventInvokeConfigInput{FunctionName: name, MaximumRetryAttempts: &attempts, MaximumEventAgeInSeconds: &age})
			requireCode(t, err, "InvalidParameterValueException")
		}
		status, _, answer := f.do(t, http.MethodPut, "/2019-09-25/functions/probe/event-invoke-config", `{"MaximumRetryAttempts":0}`)
		require.Equal(t, 200, status)
		require.Contains(t, answer, `"MaximumRetryAttempts":0,"DestinationConfig":{"OnSuccess":{},"OnFailure":{}}`)
		updated, err := f.client.UpdateFunctionEventInvokeConfig(t.Context(), &awslambda.UpdateFunctionEventInvokeConfigInput{FunctionName: name, MaximumEventAgeInSeconds: aws.Int32(60)})
		require.NoError(t, err)
		require.Zero(t, *updated.MaximumRetryAttempts, "what is not given stays")
		put, err := f.client.PutFunctionEventInvokeConfig(t.Context(), &awslambda.PutFunctionEventInvokeConfigInput{FunctionName: name, MaximumRetryAttempts: aws.Int32(1)})
		require.NoError(t, err)
		require.Nil(t, put.MaximumEventAgeInSeconds, "what is not given goes")
		status, _, _ = f.do(t, http.MethodDelete, "/2019-09-25/functions/probe/event-invoke-config", "")
		require.Equal(t, 204, status)
	}},
	{"the life of an event source mapping", recordedMappings, func(t *testing.T, f *conformanceFixture) {
		queue := f.queue(t, "q", nil)
		status, _, answer := f.do(t, http.MethodPost, "/2015-03-31/event-source-mappings", `{"EventSourceArn":"`+queue+`","FunctionName":"probe","FunctionResponseTypes":["ReportBatchItemFailures"]}`)
		require.Equal(t, 202, status)
		var created map[string]any
		require.NoError(t, json.Unmarshal([]byte(answer), &created))
		id, modified := created["UUID"].(string), created["LastModified"]
		require.Equal(t, map[string]any{
			"BatchSize": 10.0, "EventSourceArn": queue, "FunctionArn": f.arn, "FunctionResponseTypes": []any{"ReportBatchItemFailures"}, "LastModified": modified,
			"MaximumBatchingWindowInSeconds": 0.0, "State": "Creating", "StateTransitionReason": "USER_INITIATED", "UUID": id,
		}, created)
		got, err := f.client.GetEventSourceMapping(t.Context(), &awslambda.GetEventSourceMappingInput{UUID: &id})
		require.NoError(t, err)
		require.Equal(t, "Enabled", *got.State)
		_, err = f.client.CreateEventSourceMapping(t.Context(), &awslambda.CreateEventSourceMappingInput{EventSourceArn: &queue, FunctionName: aws.String("probe")})
		requireCode(t, err, "ResourceConflictException")
		updated, err := f.client.UpdateEventSourceMapping(t.Context(), &awslambda.UpdateEventSourceMappingInput{UUID: &id, BatchSize: aws.Int32(5), ScalingConfig: &types.ScalingConfig{MaximumConcurrency: aws.Int32(2)}})
		require.NoError(t, err)
		require.Equal(t, "Updating", *updated.State)
		require.Equal(t, int32(2), *updated.ScalingConfig.MaximumConcurrency)
		updated, err = f.client.UpdateEventSourceMapping(t.Context(), &awslambda.UpdateEventSourceMappingInput{UUID: &id, ScalingConfig: &types.ScalingConfig{}})
		require.NoError(t, err)
		require.Nil(t, updated.ScalingConfig, "an empty one takes the limit away")
		require.Equal(t, int32(5), *updated.BatchSize)
		deleted, err := f.client.DeleteEventSourceMapping(t.Context(), &awslambda.DeleteEventSourceMappingInput{UUID: &id})
		require.NoError(t, err)
		require.Equal(t, "Deleting", *deleted.State)
		_, err = f.client.GetEventSourceMapping(t.Context(), &awslambda.GetEventSourceMappingInput{UUID: &id})
		requireCode(t, err, "ResourceNotFoundException")
	}},
	{"a disabled mapping receives nothing, an enabled one goes on", guide + "services-sqs-configure.html", func(t *testing.T, f *conformanceFixture) {
		queue := f.queue(t, "q", nil)
		id, err := f.CreateEventSourceMapping(MappingSpec{QueueARN: queue, FunctionARN: f.arn})
		require.NoError(t, err)
		disabled, err := f.client.UpdateEventSourceMapping(t.Context(), &awslambda.UpdateEventSourceMappingInput{UUID: &id, Enabled: aws.Bool(false)})
		require.NoError(t, err)
		require.Equal(t, "Disabling", *disabled.State)
		f.send(t, queue, "m")
		stats, err := f.sqs.Stats(queue)
		require.NoError(t, err)
		require.Equal(t, 1, stats.Visible)
		_, err = f.client.UpdateEventSourceMapping(t.Context(), &awslambda.UpdateEventSourceMappingInput{UUID: &id, Enabled: aws.Bool(true)})
		require.NoError(t, err)
		f.requireStats(t, queue, "received and done", func(s sqs.Stats) bool { return s.Deleted == 1 })
	}},
	{"mappings that Lambda refuses", reference + "API_CreateEventSourceMapping.html", func(t *testing.T, f *conformanceFixture) {
		queue, quick := f.queue(t, "q", nil), f.queue(t, "quick", map[string]string{"VisibilityTimeout": "2"})
		for says, in := range map[string]*awslambda.CreateEventSourceMappingInput{
			"Function does not exist":                                                                         {EventSourceArn: &queue, FunctionName: aws.String("none")},
			"SQS Error Code: AWS.SimpleQueueService.NonExistentQueue":                                         {EventSourceArn: aws.String(queue + "x"), FunctionName: &f.arn},
			"Queue visibility timeout: 2 seconds is less than Function timeout: 3 seconds":                    {EventSourceArn: &quick, FunctionName: &f.arn},
			"Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10": {EventSourceArn: &queue, FunctionName: &f.arn, BatchSize: aws.Int32(11)},
			"batch size 10001":          {EventSourceArn: &queue, FunctionName: &f.arn, BatchSize: aws.Int32(10001), MaximumBatchingWindowInSeconds: aws.Int32(1)},
			"batching window 301":       {EventSourceArn: &queue, FunctionName: &f.arn, MaximumBatchingWindowInSeconds: aws.Int32(301)},
			"maximum concurrency 1":     {EventSourceArn: &queue, FunctionName: &f.arn, ScalingConfig: &types.ScalingConfig{MaximumConcurrency: aws.Int32(1)}},
			"maximum concurrency 1001":  {EventSourceArn: &queue, FunctionName: &f.arn, ScalingConfig: &types.ScalingConfig{MaximumConcurrency: aws.Int32(1001)}},
			"BisectBatchOnFunction":     {EventSourceArn: &queue, FunctionName: &f.arn, BisectBatchOnFunctionError: aws.Bool(true)},
			"StartingPosition":          {EventSourceArn: &queue, FunctionName: &f.arn, StartingPosition: types.EventSourcePositionLatest},
			"[ReportBatchItemFailures]": {EventSourceArn: &queue, FunctionName: &f.arn, FunctionResponseTypes: []types.FunctionResponseType{"ReportBatchItemFailure"}},
		} {
			_, err := f.client.CreateEventSourceMapping(t.Context(), in)
			requireCode(t, err, "InvalidParameterValueException")
			require.ErrorContains(t, err, says)
		}
		listed, err := f.client.ListEventSourceMappings(t.Context(), &awslambda.ListEventSourceMappingsInput{})
		require.NoError(t, err)
		require.Empty(t, listed.EventSourceMappings)
	}},
	{"answers to a batch that mean success", guide + "services-sqs-errorhandling.html", func(t *testing.T, f *conformanceFixture) {
		batch := []sqs.Message{{ID: "m1", ReceiptHandle: "h1"}, {ID: "m2", ReceiptHandle: "h2"}}
		for _, answer := range []string{"", "null", `""`, "{}", "[]", `{"batchItemFailures":[]}`, `{"batchItemFailures":null}`} {
			require.Equal(t, []string{"h1", "h2"}, processed(batch, []byte(answer), true), answer)
		}
	}},
	{"answers to a batch that mean failure", guide + "services-sqs-errorhandling.html", func(t *testing.T, f *conformanceFixture) {
		batch := []sqs.Message{{ID: "m1", ReceiptHandle: "h1"}, {ID: "m2", ReceiptHandle: "h2"}}
		for _, answer := range []string{
			`{"batchItemFailures":[{"itemIdentifier":""}]}`, `{"batchItemFailures":[{"itemIdentifier":null}]}`, `{"batchItemFailures":[{"item_identifier":"m1"}]}`,
			`{"batchItemFailures":[{"itemIdentifier":"m3"}]}`, `{"batchItemFailures":[{"itemIdentifier":"m1"},{"itemIdentifier":"m3"}]}`, `{"batchItemFailures"`, `done`,
			`{"batchItemFailures":[{"itemIdentifier":"h1"}]}`, // a receipt handle
		} {
			require.Empty(t, processed(batch, []byte(answer), true), answer)
		}
	}},
	{"a report deletes the messages it does not name, and without the setting all", guide + "services-sqs-errorhandling.html", func(t *testing.T, f *conformanceFixture) {
		batch := []sqs.Message{{ID: "m1", ReceiptHandle: "h1"}, {ID: "m2", ReceiptHandle: "h2"}}
		report := []byte(`{"batchItemFailures":[{"itemIdentifier":"m1"}]}`)
		require.Equal(t, []string{"h2"}, processed(batch, report, true))
		require.Equal(t, []string{"h1", "h2"}, processed(batch, report, false))
	}},
	{"a throttled batch is tried again until its visibility timeout is over", guide + "services-sqs-errorhandling.html", func(t *testing.T, f *conformanceFixture) {
		none := 0
		require.NoError(t, f.PutConcurrency("probe", &none))
		dlq := f.queue(t, "dlq", nil)
		queue := f.queue(t, "q", map[string]string{"RedrivePolicy": `{"deadLetterTargetArn":"` + dlq + `","maxReceiveCount":2}`})
		f.send(t, queue, "m")
		f.mapQueue(t, MappingSpec{QueueARN: queue, FunctionARN: f.arn})
		f.throttled(t, 1)
		f.clock.Advance(time.Second)
		f.throttled(t, 2)
		stats, err := f.sqs.Stats(queue)
		require.NoError(t, err)
		require.Equal(t, uint64(1), stats.Received, "tried again, not received again")
		require.NoError(t, f.PutConcurrency("probe", nil))
		require.Eventually(t, func() bool {
			f.clock.Advance(time.Second)
			s, err := f.sqs.Stats(queue)
			return err == nil && s.Deleted == 1 && s.Received == 1
		}, patience, time.Millisecond)
	}},
	{"messages that stay throttled go to the dead-letter queue, their receives counted", guide + "services-sqs-configure.html", func(t *testing.T, f *conformanceFixture) {
		none := 0
		require.NoError(t, f.PutConcurrency("probe", &none))
		dlq := f.queue(t, "dlq", nil)
		queue := f.queue(t, "q", map[string]string{"RedrivePolicy": `{"deadLetterTargetArn":"` + dlq + `","maxReceiveCount":2}`})
		f.send(t, queue, "m")
		f.mapQueue(t, MappingSpec{QueueARN: queue, FunctionARN: f.arn})
		require.Eventually(t, func() bool {
			f.clock.Advance(time.Second)
			depth, err := f.sqs.Depth(dlq)
			return err == nil && depth == 1
		}, patience, time.Millisecond)
		stats, err := f.sqs.Stats(queue)
		require.NoError(t, err)
		require.Equal(t, uint64(2), stats.Received)
		require.Zero(t, f.metric(MetricInvocations))
	}},
	{"the record of a message", recordedMappings, func(t *testing.T, f *conformanceFixture) {
		m := sqs.Message{ID: "059f36b4-87a3-44ab-83d2-661975830a7d", ReceiptHandle: "AQEB", Body: "Test message.", Sent: 1545082649183, FirstReceived: 1545082649185, ReceiveCount: 1, SenderID: "AIDAIENQZJOLO23YVJ4VO"}
		require.JSONEq(t, `{"messageId":"059f36b4-87a3-44ab-83d2-661975830a7d","receiptHandle":"AQEB","body":"Test message.","attributes":{"ApproximateReceiveCount":"1",
			"SentTimestamp":"1545082649183","SenderId":"AIDAIENQZJOLO23YVJ4VO","ApproximateFirstReceiveTimestamp":"1545082649185"},"messageAttributes":{},
			"md5OfBody":"e4e68fb7bd0e697a0ae8f1bb342846b3","eventSource":"aws:sqs","eventSourceARN":"arn:aws:sqs:us-east-2:123456789012:my-queue","awsRegion":"us-east-2"}`,
			string(appendRecord(nil, &m, "arn:aws:sqs:us-east-2:123456789012:my-queue", "us-east-2")), "the example of the developer guide's page on queues")
	}},
	{"the Runtime API", guide + "runtimes-api.html", func(t *testing.T, f *conformanceFixture) {
		server := httptest.NewServer(http.HandlerFunc(f.serveRuntime))
		t.Cleanup(server.Close)
		e := &environment{id: "e", function: f.all()[0], state: stateReady, work: make(chan *invocation, 1), gone: make(chan struct{})}
		f.Service.mu.Lock()
		f.environments["e"] = e
		f.Service.mu.Unlock()
		asked := make(chan *http.Response, 1)
		go func() {
			next, _ := http.Get(server.URL + "/e/2018-06-01/runtime/invocation/next") // A nil answer fails below.
			asked <- next
		}()
		require.Eventually(t, func() bool {
			e.function.mu.Lock()
			defer e.function.mu.Unlock()
			return len(e.function.idle) == 1
		}, patience, time.Millisecond, "it blocks until there is an event")
		answered := make(chan outcome, 1)
		go func() {
			out, _ := f.invoke(t.Context(), e.function, "8476a536-e9f4-11e8-9739-2dfe598c3fcd", []byte(`{"a":1}`)) // Its error fails below.
			answered <- out
		}()
		next := <-asked
		require.NotNil(t, next)
		body, err := io.ReadAll(next.Body)
		require.NoError(t, err)
		require.NoError(t, next.Body.Close())
		require.JSONEq(t, `{"a":1}`, string(body))
		require.Equal(t, "8476a536-e9f4-11e8-9739-2dfe598c3fcd", next.Header.Get("Lambda-Runtime-Aws-Request-Id"))
		require.Equal(t, f.arn, next.Header.Get("Lambda-Runtime-Invoked-Function-Arn"))
		require.Regexp(t, `^\d{13}$`, next.Header.Get("Lambda-Runtime-Deadline-Ms"))
		require.Regexp(t, `^Root=1-[0-9a-f]{8}-[0-9a-f]{24};Parent=[0-9a-f]{16};Sampled=0$`, next.Header.Get("Lambda-Runtime-Trace-Id"))
		post := func(path string) int {
			response, err := http.Post(server.URL+"/e/2018-06-01/runtime/"+path, "application/json", strings.NewReader(`{"b":2}`))
			require.NoError(t, err)
			require.NoError(t, response.Body.Close())
			return response.StatusCode
		}
		require.Equal(t, http.StatusBadRequest, post("invocation/another/response"))
		require.Equal(t, http.StatusAccepted, post("invocation/8476a536-e9f4-11e8-9739-2dfe598c3fcd/response"))
		out := <-answered
		require.JSONEq(t, `{"b":2}`, string(out.payload))
	}},
}

// throttled waits until so many invocations were throttled.
func (f *conformanceFixture) throttled(t *testing.T, n float64) {
	t.Helper()
	require.Eventually(t, func() bool { return f.metric(MetricThrottles) >= n }, patience, time.Millisecond)
	f.clock.WaitForTimers(1)
}

func decodeRecord(t *testing.T, body string) map[string]any {
	t.Helper()
	var record map[string]any
	require.NoError(t, json.Unmarshal([]byte(body), &record))
	return record
}

func TestConformance(t *testing.T) {
	for _, tc := range conformance {
		t.Run(tc.name, func(t *testing.T) {
			t.Log(tc.source)
			tc.check(t, newConformanceFixture(t))
		})
	}
}

// refusals are all refusals that docs/reference/local-runtime.md names for Lambda, in its order.
var refusals = []struct {
	feature string
	call    func(t *testing.T, f *conformanceFixture) error
	says    string
}{
	{"creating, changing and deleting functions", func(t *testing.T, f *conformanceFixture) error {
		_, created := f.client.CreateFunction(t.Context(), &awslambda.CreateFunctionInput{FunctionName: aws.String("f"), Role: aws.String("arn:aws:iam::000000000000:role/r"), Code: &types.FunctionCode{ZipFile: []byte("zip")}})
		_, changed := f.client.UpdateFunctionConfiguration(t.Context(), &awslambda.UpdateFunctionConfigurationInput{FunctionName: &f.arn})
		_, deleted := f.client.DeleteFunction(t.Context(), &awslambda.DeleteFunctionInput{FunctionName: &f.arn})
		return errors.Join(created, changed, deleted)
	}, "lambda: POST /2015-03-31/functions"},
	{"publishing versions and aliases", func(t *testing.T, f *conformanceFixture) error {
		_, version := f.client.PublishVersion(t.Context(), &awslambda.PublishVersionInput{FunctionName: &f.arn})
		_, alias := f.client.CreateAlias(t.Context(), &awslambda.CreateAliasInput{FunctionName: &f.arn, Name: aws.String("live"), FunctionVersion: aws.String("1")})
		return errors.Join(version, alias)
	}, "versions"},
	{"client contexts", invokeWith(func(in *awslambda.InvokeInput) { in.ClientContext = aws.String("e30=") }), "client contexts"},
	{"log tails", invokeWith(func(in *awslambda.InvokeInput) { in.LogType = types.LogTypeTail }), "log type Tail"},
	{"durable executions", invokeWith(func(in *awslambda.InvokeInput) { in.DurableExecutionName = aws.String("d") }), "durable executions"},
	{"tenants", invokeWith(func(in *awslambda.InvokeInput) { in.TenantId = aws.String("t") }), "tenants"},
	{"response streams", func(t *testing.T, f *conformanceFixture) error {
		_, err := f.client.InvokeWithResponseStream(t.Context(), &awslambda.InvokeWithResponseStreamInput{FunctionName: &f.arn})
		return err
	}, "response-streaming-invocations"},
	{"destinations in buckets", func(t *testing.T, f *conformanceFixture) error {
		_, err := f.client.PutFunctionEventInvokeConfig(t.Context(), &awslambda.PutFunctionEventInvokeConfigInput{FunctionName: &f.arn, DestinationConfig: &types.DestinationConfig{OnFailure: &types.OnFailure{Destination: aws.String("arn:aws:s3:::bucket")}}})
		return err
	}, "destinations in buckets"},
	{"event sources other than queues", func(t *testing.T, f *conformanceFixture) error {
		_, err := f.client.CreateEventSourceMapping(t.Context(), &awslambda.CreateEventSourceMappingInput{FunctionName: &f.arn, EventSourceArn: aws.String("arn:aws:dynamodb:us-east-1:000000000000:table/t/stream/s")})
		return err
	}, "other sources than queues"},
	{"filter criteria of mappings", mapWith(func(in *awslambda.CreateEventSourceMappingInput) {
		in.FilterCriteria = &types.FilterCriteria{Filters: []types.Filter{{Pattern: aws.String(`{"body":{"a":[1]}}`)}}}
	}), "FilterCriteria"},
	{"keys, tags, poller, metrics and logging settings of mappings", func(t *testing.T, f *conformanceFixture) error {
		var errs []error
		for _, change := range []func(in *awslambda.CreateEventSourceMappingInput){
			func(in *awslambda.CreateEventSourceMappingInput) {
				in.ProvisionedPollerConfig = &types.ProvisionedPollerConfig{MinimumPollers: aws.Int32(2)}
			},
			func(in *awslambda.CreateEventSourceMappingInput) {
				in.KMSKeyArn = aws.String("arn:aws:kms:us-east-1:000000000000:key/k")
			},
			func(in *awslambda.CreateEventSourceMappingInput) { in.Tags = map[string]string{"k": "v"} },
			func(in *awslambda.CreateEventSourceMappingInput) {
				in.MetricsConfig = &types.EventSourceMappingMetricsConfig{Metrics: []types.EventSourceMappingMetric{types.EventSourceMappingMetricEventCount}}
			},
		} {
			errs = append(errs, mapWith(change)(t, f))
		}
		return errors.Join(errs...)
	}, "ProvisionedPollerConfig"},
}

func invokeWith(change func(*awslambda.InvokeInput)) func(t *testing.T, f *conformanceFixture) error {
	return func(t *testing.T, f *conformanceFixture) error {
		in := &awslambda.InvokeInput{FunctionName: &f.arn}
		change(in)
		_, err := f.client.Invoke(t.Context(), in)
		return err
	}
}

func mapWith(change func(*awslambda.CreateEventSourceMappingInput)) func(t *testing.T, f *conformanceFixture) error {
	return func(t *testing.T, f *conformanceFixture) error {
		in := &awslambda.CreateEventSourceMappingInput{FunctionName: &f.arn, EventSourceArn: aws.String("arn:aws:sqs:us-east-1:000000000000:q")}
		change(in)
		_, err := f.client.CreateEventSourceMapping(t.Context(), in)
		return err
	}
}

func TestRefusals(t *testing.T) {
	f := newConformanceFixture(t)
	f.queue(t, "q", nil)
	features := make([]string, len(refusals))
	for i, refusal := range refusals {
		features[i] = refusal.feature
		joined := refusal.call(t, f)
		require.ErrorContains(t, joined, refusal.says, refusal.feature)
		errs := []error{joined}
		if several, ok := joined.(interface{ Unwrap() []error }); ok {
			errs = several.Unwrap()
		}
		for _, err := range errs {
			require.Error(t, err, refusal.feature)
			var response *awshttp.ResponseError
			require.ErrorAs(t, err, &response)
			require.Contains(t, []int{http.StatusBadRequest, http.StatusNotImplemented}, response.HTTPStatusCode(), refusal.feature)
		}
	}
	listed, err := f.client.ListEventSourceMappings(t.Context(), &awslambda.ListEventSourceMappingsInput{})
	require.NoError(t, err)
	require.Empty(t, listed.EventSourceMappings)
	require.Zero(t, f.metric(MetricInvocations))
	// The list of the documentation is this one.
	page, err := os.ReadFile("../../docs/reference/local-runtime.md")
	require.NoError(t, err)
	row := "\n| Lambda | " + strings.Join(features, "; ") + " |\n"
	require.Truef(t, strings.Contains(string(page), row), "the page has no row %s", row)
}
