package eventbridge

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func call(t *testing.T, s http.Handler, operation, body string) (int, string) {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
	r.Header.Set("X-Amz-Target", "AWSEvents."+operation)
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

func TestProtocol(t *testing.T) {
	f := newFixture(t)
	const event = `{\"id\":\"1\",\"account\":\"a\",\"source\":\"s\",\"time\":\"t\",\"region\":\"r\",\"resources\":[],\"detail-type\":\"T\"}`
	for _, tc := range []struct {
		operation, body string
		status          int
		want            string
	}{
		{"CreateEventBus", `{"Name":"two"}`, 200, `{"EventBusArn":"arn:aws:events:us-east-1:000000000000:event-bus/two"}`},
		{"CreateEventBus", `{"Name":"two"}`, 400, `{"__type":"ResourceAlreadyExistsException","message":"Event bus two already exists."}`},
		{"DescribeEventBus", `{"Name":"two"}`, 200, `{"Name":"two","Arn":"arn:aws:events:us-east-1:000000000000:event-bus/two","CreationTime":1783592130,"LastModifiedTime":1783592130}`},
		{"ListEventBuses", `{"NamePrefix":"t"}`, 200, `{"EventBuses":[{"Name":"two","Arn":"arn:aws:events:us-east-1:000000000000:event-bus/two","CreationTime":1783592130,"LastModifiedTime":1783592130}]}`},
		{"PutRule", `{"Name":"r","EventBusName":"two","EventPattern":"{\"source\":[\"s\"]}","State":"ENABLED"}`, 200, `{"RuleArn":"arn:aws:events:us-east-1:000000000000:rule/two/r"}`},
		{"PutRule", `{"Name":"d","EventPattern":"{\"source\":\"s\"}"}`, 400, `{"__type":"InvalidEventPatternException","message":"Event pattern is not valid. Reason: \"source\" must be an object or an array"}`},
		{"PutRule", `{"Name":"d"}`, 400, `{"__type":"ValidationException","message":"Parameter(s) EventPattern or ScheduleExpression must be specified."}`},
		{"PutRule", `{"Name":"d","ScheduleExpression":"rate(1 minutes)"}`, 400, `{"__type":"ValidationException","message":"Parameter ScheduleExpression is not valid."}`},
		{"PutRule", `{"Name":"d","EventBusName":"two","ScheduleExpression":"rate(1 minute)"}`, 400, `{"__type":"ValidationException","message":"ScheduleExpression is supported only on the default event bus."}`},
		{"PutRule", `{"Name":"d","ScheduleExpression":"cron(0 22-2 * * ? *)"}`, 501, `{"__type":"NotImplemented","message":"the local runtime does not do the schedule expression cron(0 22-2 * * ? *): not done here: a range that wraps around (22-2 in hours)"}`},
		{"PutRule", `{"Name":"d","ScheduleExpression":"rate(1 minute)"}`, 200, `{"RuleArn":"arn:aws:events:us-east-1:000000000000:rule/d"}`},
		{"DescribeRule", `{"Name":"d"}`, 200, `{"Name":"d","Arn":"arn:aws:events:us-east-1:000000000000:rule/d","ScheduleExpression":"rate(1 minute)","State":"ENABLED","EventBusName":"default","CreatedBy":"000000000000"}`},
		{"DeleteRule", `{"Name":"d"}`, 200, `{}`},
		{"PutTargets", `{"Rule":"r","EventBusName":"two","Targets":[{"Id":"1","Arn":"x","RetryPolicy":{"MaximumRetryAttempts":3,"MaximumEventAgeInSeconds":60},"DeadLetterConfig":{"Arn":"arn:aws:sqs:us-east-1:000000000000:q"}}]}`, 200, `{"FailedEntryCount":0,"FailedEntries":[]}`},
		{"PutTargets", `{"Rule":"r","EventBusName":"two","Targets":[{"Id":"1","Arn":"x","InputTransformer":{"InputTemplate":"x"}}]}`, 501, `{"__type":"NotImplemented","message":"the local runtime does not do the parameter InputTransformer"}`},
		{"PutTargets", `{"Rule":"r","EventBusName":"two","Targets":[{"Id":"1","Arn":"x","Input":"{}","InputPath":"$.detail"}]}`, 400, `{"__type":"ValidationException","message":"Only one of Input, InputPath, or InputTransformer must be provided for target 1."}`},
		{"ListTargetsByRule", `{"Rule":"r","EventBusName":"two"}`, 200, `{"Targets":[{"Id":"1","Arn":"x","RetryPolicy":{"MaximumRetryAttempts":3,"MaximumEventAgeInSeconds":60},"DeadLetterConfig":{"Arn":"arn:aws:sqs:us-east-1:000000000000:q"}}]}`},
		{"DisableRule", `{"Name":"r","EventBusName":"two"}`, 200, `{}`},
		{"DescribeRule", `{"Name":"r","EventBusName":"two"}`, 200, `{"Name":"r","Arn":"arn:aws:events:us-east-1:000000000000:rule/two/r","EventPattern":"{\"source\":[\"s\"]}","State":"DISABLED","EventBusName":"two","CreatedBy":"000000000000"}`},
		{"EnableRule", `{"Name":"r","EventBusName":"two"}`, 200, `{}`},
		{"ListRules", `{"EventBusName":"two"}`, 200, `{"Rules":[{"Name":"r","Arn":"arn:aws:events:us-east-1:000000000000:rule/two/r","EventPattern":"{\"source\":[\"s\"]}","State":"ENABLED","EventBusName":"two"}]}`},
		{"CreateArchive", `{"ArchiveName":"a","EventSourceArn":"arn:aws:events:us-east-1:000000000000:event-bus/two"}`, 200, `{"ArchiveArn":"arn:aws:events:us-east-1:000000000000:archive/a","State":"ENABLED","CreationTime":1783592130}`},
		{"PutEvents", `{"Entries":[{"EventBusName":"two","Source":"x","DetailType":"T","Detail":"{}","Time":1783592130.5},{"Source":"s","DetailType":"T","Detail":"[]"}]}`, 200, `{"FailedEntryCount":1,"Entries":[{"EventId":"id-1"},{"ErrorCode":"MalformedDetail","ErrorMessage":"Detail is malformed."}]}`},
		{"DescribeArchive", `{"ArchiveName":"a"}`, 200, `{"ArchiveArn":"arn:aws:events:us-east-1:000000000000:archive/a","ArchiveName":"a","EventSourceArn":"arn:aws:events:us-east-1:000000000000:event-bus/two","State":"ENABLED","RetentionDays":0,"SizeBytes":161,"EventCount":1,"CreationTime":1783592130}`},
		{"TestEventPattern", `{"EventPattern":"{\"source\":[\"s\"]}","Event":"` + event + `"}`, 200, `{"Result":true}`},
		{"TestEventPattern", `{"EventPattern":"{\"source\":[\"z\"]}","Event":"` + event + `"}`, 200, `{"Result":false}`},
		{"TestEventPattern", `{"EventPattern":"{\"source\":[\"z\"]}","Event":"{}"}`, 400, `{"__type":"ValidationException","message":"Parameter Event is not valid."}`},
		{"RemoveTargets", `{"Rule":"r","EventBusName":"two","Ids":["1"]}`, 200, `{"FailedEntryCount":0,"FailedEntries":[]}`},
		{"DeleteRule", `{"Name":"r","EventBusName":"two"}`, 200, `{}`},
		{"DescribeReplay", `{"ReplayName":"none"}`, 400, `{"__type":"ResourceNotFoundException","message":"Replay none does not exist."}`},
		{"CreateConnection", `{}`, 501, `{"__type":"NotImplemented","message":"the local runtime does not do events:CreateConnection"}`},
	} {
		status, body := call(t, f, tc.operation, tc.body)
		require.Equal(t, tc.status, status, "%s: %s", tc.operation, body)
		require.JSONEq(t, tc.want, body, tc.operation)
	}
}
