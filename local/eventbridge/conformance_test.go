package eventbridge

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/local/conformance"
)

// Where the cases are taken from. recorded are answers of AWS, recorded by LocalStack's tests.
const (
	reference        = "https://docs.aws.amazon.com/eventbridge/latest/APIReference/"
	guide            = "https://docs.aws.amazon.com/eventbridge/latest/userguide/"
	recorded         = "https://github.com/localstack/localstack/blob/main/tests/aws/services/events/test_events.snapshot.json#"
	recordedPatterns = "https://github.com/localstack/localstack/blob/main/tests/aws/services/events/test_events_patterns.snapshot.json#"
	recordedPast     = "https://github.com/localstack/localstack/blob/main/tests/aws/services/events/test_archive_and_replay.snapshot.json#"
)

// step is one request and what AWS answers; want is a part of the answer as JSON, or, after "~", a part of its text.
type step struct {
	source, operation, body string
	status                  int
	want                    string
}

const busARN = "arn:aws:events:us-east-1:000000000000:event-bus/payrail"

func failed(code, message string) string {
	return fmt.Sprintf(`{"__type":%q,"message":%q}`, code, message)
}

// contains tells whether every member of want is in got, objects recursively.
func contains(t *testing.T, want, got any, path string) {
	t.Helper()
	w, ok := want.(map[string]any)
	if !ok {
		require.Equal(t, want, got, path)
		return
	}
	g, ok := got.(map[string]any)
	require.True(t, ok, "%s is not an object", path)
	for name := range w {
		contains(t, w[name], g[name], path+"."+name)
	}
}

func run(t *testing.T, s http.Handler, steps []step) {
	t.Helper()
	for i, st := range steps {
		status, body := call(t, s, st.operation, st.body)
		what := fmt.Sprintf("step %d, %s %s\n%s\nanswer %d %s", i, st.operation, st.body, st.source, status, body)
		require.Equal(t, st.status, status, what)
		if text, ok := strings.CutPrefix(st.want, "~"); ok {
			require.Contains(t, body, text, what)
			continue
		}
		var want, got any
		require.NoError(t, json.Unmarshal([]byte(st.want), &want), what)
		require.NoError(t, json.Unmarshal([]byte(body), &got), what)
		contains(t, want, got, what)
	}
}

func TestConformanceBuses(t *testing.T) {
	f := newFixture(t)
	run(t, f, []step{
		{recorded + "test_create_list_describe_delete_custom_event_buses", "CreateEventBus", `{"Name":"one"}`, 200, `{"EventBusArn":"arn:aws:events:us-east-1:000000000000:event-bus/one"}`},
		{recorded + "test_create_list_describe_delete_custom_event_buses", "DescribeEventBus", `{"Name":"one"}`, 200, `{"Name":"one","Arn":"arn:aws:events:us-east-1:000000000000:event-bus/one","CreationTime":1783592130,"LastModifiedTime":1783592130}`},
		{recorded + "test_create_multiple_event_buses_same_name", "CreateEventBus", `{"Name":"one"}`, 400, failed("ResourceAlreadyExistsException", "Event bus one already exists.")},
		{recorded + "test_describe_delete_not_existing_event_bus", "DescribeEventBus", `{"Name":"none"}`, 400, failed("ResourceNotFoundException", "Event bus none does not exist.")},
		{recorded + "test_delete_default_event_bus", "DeleteEventBus", `{"Name":"default"}`, 400, failed("ValidationException", "Cannot delete event bus default.")},
		{reference + "API_DescribeEventBus.html", "DescribeEventBus", `{}`, 200, `{"Name":"default"}`},
		{reference + "API_CreateEventBus.html", "CreateEventBus", `{"Name":"a/b"}`, 400, `{"__type":"ValidationException"}`},
		{reference + "API_CreateEventBus.html", "CreateEventBus", `{"Name":"b c"}`, 400, "~failed to satisfy constraint: Member must satisfy regular expression pattern"},
		{reference + "API_CreateEventBus.html", "CreateEventBus", `{"Name":"` + strings.Repeat("x", 257) + `"}`, 400, "~Member must have length less than or equal to 256"},
		{reference + "API_CreateEventBus.html", "CreateEventBus", `{"Name":"two","Description":"d","DeadLetterConfig":{"Arn":"` + dlq + `"},"Tags":[{"Key":"k","Value":"v"}]}`, 200,
			`{"Description":"d","DeadLetterConfig":{"Arn":"` + dlq + `"}}`},
		{reference + "API_DeadLetterConfig.html", "CreateEventBus", `{"Name":"three","DeadLetterConfig":{"Arn":"` + dlq + `.fifo"}}`, 400, `{"__type":"ValidationException"}`},
		{reference + "API_ListTagsForResource.html", "ListTagsForResource", `{"ResourceARN":"arn:aws:events:us-east-1:000000000000:event-bus/two"}`, 200, `{"Tags":[{"Key":"k","Value":"v"}]}`},
		{reference + "API_UpdateEventBus.html", "UpdateEventBus", `{"Name":"two","Description":"e"}`, 200, `{"Name":"two","Description":"e","DeadLetterConfig":{"Arn":"` + dlq + `"}}`},
		{reference + "API_DescribeEventBus.html", "DescribeEventBus", `{"Name":"two"}`, 200, `{"Description":"e","DeadLetterConfig":{"Arn":"` + dlq + `"}}`},
		{reference + "API_UpdateEventBus.html", "UpdateEventBus", `{"Name":"none"}`, 400, failed("ResourceNotFoundException", "Event bus none does not exist.")},
		{recorded + "test_list_event_buses_with_prefix", "ListEventBuses", `{"NamePrefix":"on"}`, 200, `{"EventBuses":[{"Name":"one","Arn":"arn:aws:events:us-east-1:000000000000:event-bus/one","CreationTime":1783592130,"LastModifiedTime":1783592130}]}`},
		{reference + "API_DeleteEventBus.html", "DeleteEventBus", `{"Name":"two"}`, 200, `{}`},
		{reference + "API_DeleteEventBus.html", "DeleteEventBus", `{"Name":"two"}`, 200, `{}`},
		{recorded + "test_describe_delete_not_existing_event_bus", "DescribeEventBus", `{"Name":"two"}`, 400, failed("ResourceNotFoundException", "Event bus two does not exist.")},
		{reference + "API_ListTagsForResource.html", "ListTagsForResource", `{"ResourceARN":"arn:aws:events:us-east-1:000000000000:event-bus/two"}`, 400, failed("ResourceNotFoundException", "Event bus two does not exist.")},
		{reference + "API_PutRule.html", "PutRule", `{"Name":"r","EventBusName":"one","EventPattern":"{\"source\":[\"s\"]}"}`, 200, `{"RuleArn":"arn:aws:events:us-east-1:000000000000:rule/one/r"}`},
		{guide + "eb-event-bus-delete.html", "DeleteEventBus", `{"Name":"one"}`, 400, `{"__type":"ValidationException"}`},
	})
}

func TestConformanceRulesAndTargets(t *testing.T) {
	f := newFixture(t)
	const rule = `"EventBusName":"payrail","EventPattern":"{\"source\":[\"s\"]}"`
	run(t, f, []step{
		{recorded + "test_put_list_with_prefix_describe_delete_rule", "PutRule", `{"Name":"r",` + rule + `,"Tags":[{"Key":"k","Value":"v"}],"RoleArn":"arn:aws:iam::000000000000:role/r"}`, 200, `{"RuleArn":"arn:aws:events:us-east-1:000000000000:rule/payrail/r"}`},
		{recorded + "test_put_list_with_prefix_describe_delete_rule", "DescribeRule", `{"Name":"r","EventBusName":"payrail"}`, 200,
			`{"Name":"r","Arn":"arn:aws:events:us-east-1:000000000000:rule/payrail/r","CreatedBy":"000000000000","EventBusName":"payrail","State":"ENABLED","RoleArn":"arn:aws:iam::000000000000:role/r"}`},
		{recorded + "test_put_list_with_prefix_describe_delete_rule", "ListRules", `{"NamePrefix":"r","EventBusName":"` + busARN + `"}`, 200,
			`{"Rules":[{"Name":"r","Arn":"arn:aws:events:us-east-1:000000000000:rule/payrail/r","EventBusName":"payrail","State":"ENABLED","EventPattern":"{\"source\":[\"s\"]}","RoleArn":"arn:aws:iam::000000000000:role/r"}]}`},
		{reference + "API_PutRule.html (tags of an existing rule are ignored)", "PutRule", `{"Name":"r",` + rule + `,"Tags":[{"Key":"other","Value":"v"}]}`, 200, `{}`},
		{reference + "API_ListTagsForResource.html", "ListTagsForResource", `{"ResourceARN":"arn:aws:events:us-east-1:000000000000:rule/payrail/r"}`, 200, `{"Tags":[{"Key":"k","Value":"v"}]}`},
		{reference + "API_TagResource.html", "TagResource", `{"ResourceARN":"arn:aws:events:us-east-1:000000000000:rule/payrail/r","Tags":[{"Key":"k","Value":"w"},{"Key":"l","Value":""}]}`, 200, `{}`},
		{reference + "API_UntagResource.html", "UntagResource", `{"ResourceARN":"arn:aws:events:us-east-1:000000000000:rule/payrail/r","TagKeys":["l","none"]}`, 200, `{}`},
		{reference + "API_ListTagsForResource.html", "ListTagsForResource", `{"ResourceARN":"arn:aws:events:us-east-1:000000000000:rule/payrail/r"}`, 200, `{"Tags":[{"Key":"k","Value":"w"}]}`},
		{reference + "API_TagResource.html", "TagResource", `{"ResourceARN":"arn:aws:events:us-east-1:000000000000:rule/none","Tags":[]}`, 400, failed("ResourceNotFoundException", "Rule none does not exist on EventBus default.")},
		{recorded + "test_describe_nonexistent_rule", "DescribeRule", `{"Name":"none"}`, 400, failed("ResourceNotFoundException", "Rule none does not exist on EventBus default.")},
		{recorded + "test_put_events_nonexistent_event_bus", "PutRule", `{"Name":"r","EventBusName":"none","EventPattern":"{\"source\":[\"s\"]}"}`, 400, failed("ResourceNotFoundException", "Event bus none does not exist.")},
		{reference + "API_PutRule.html", "PutRule", `{"Name":"` + strings.Repeat("x", 65) + `",` + rule + `}`, 400, "~Member must have length less than or equal to 64"},
		{reference + "API_PutRule.html", "PutRule", `{"Name":"x","EventPattern":"{\"source\":[\"` + strings.Repeat("x", 4096) + `\"]}"}`, 400, "~Member must have length less than or equal to 4096"},
		{reference + "API_PutTargets.html", "PutTargets", `{"Rule":"r","EventBusName":"payrail","Targets":[{"Id":"1","Arn":"` + queueA + `"},{"Id":"2","Arn":"` + queueB + `"}]}`, 200, `{"FailedEntryCount":0,"FailedEntries":[]}`},
		{reference + "API_PutTargets.html", "PutTargets", `{"Rule":"none","EventBusName":"payrail","Targets":[{"Id":"1","Arn":"` + queueA + `"}]}`, 400, failed("ResourceNotFoundException", "Rule none does not exist on EventBus payrail.")},
		{recorded + "test_add_exceed_fife_targets_per_rule", "PutTargets", `{"Rule":"r","EventBusName":"payrail","Targets":[{"Id":"3","Arn":"x"},{"Id":"4","Arn":"x"},{"Id":"5","Arn":"x"},{"Id":"6","Arn":"x"}]}`, 400,
			failed("LimitExceededException", "The requested resource exceeds the maximum number allowed.")},
		{recorded + "test_put_target_id_validation", "PutTargets", `{"Rule":"r","EventBusName":"payrail","Targets":[{"Id":"!@#$@!#$","Arn":"x"}]}`, 400,
			failed("ValidationException", `1 validation error detected: Value '!@#$@!#$' at 'targets.1.member.id' failed to satisfy constraint: Member must satisfy regular expression pattern: [\.\-_A-Za-z0-9]+`)},
		{recorded + "test_put_target_id_validation (the second target)", "PutTargets", `{"Rule":"r","EventBusName":"payrail","Targets":[{"Id":"1","Arn":"x"},{"Id":"` + strings.Repeat("x", 65) + `","Arn":"x"}]}`, 400,
			"~at 'targets.2.member.id' failed to satisfy constraint: Member must have length less than or equal to 64"},
		{reference + "API_PutRule.html (the states)", "PutRule", `{"Name":"r",` + rule + `,"State":"PAUSED"}`, 400, "~Value 'PAUSED' at 'state' failed to satisfy constraint: Member must satisfy enum value set"},
		{reference + "API_PutTargets.html", "PutTargets", `{"Rule":"r","EventBusName":"payrail","Targets":[]}`, 400, "~Member must have length greater than or equal to 1"},
		{reference + "API_RemoveTargets.html", "RemoveTargets", `{"Rule":"r","EventBusName":"payrail","Ids":[]}`, 400, "~Member must have length greater than or equal to 1"},
		{reference + "API_RetryPolicy.html", "PutTargets", `{"Rule":"r","EventBusName":"payrail","Targets":[{"Id":"1","Arn":"x","RetryPolicy":{"MaximumRetryAttempts":186}}]}`, 400, `{"__type":"ValidationException"}`},
		{reference + "API_RetryPolicy.html", "PutTargets", `{"Rule":"r","EventBusName":"payrail","Targets":[{"Id":"1","Arn":"x","RetryPolicy":{"MaximumEventAgeInSeconds":59}}]}`, 400, `{"__type":"ValidationException"}`},
		{reference + "API_Target.html", "PutTargets", `{"Rule":"r","EventBusName":"payrail","Targets":[{"Id":"a b","Arn":"x"}]}`, 400, "~Member must satisfy regular expression pattern"},
		{reference + "API_Target.html", "PutTargets", `{"Rule":"r","EventBusName":"payrail","Targets":[{"Id":"1","Arn":"x","Input":"{","InputPath":""}]}`, 400, failed("ValidationException", "JSON syntax error in input for target 1")},
		{reference + "API_Target.html", "PutTargets", `{"Rule":"r","EventBusName":"payrail","Targets":[{"Id":"1","Arn":"x","Input":"{}","InputPath":"$.detail"}]}`, 400, failed("ValidationException", "Only one of Input, InputPath, or InputTransformer must be provided for target 1.")},
		{guide + "eb-rule-dlq.html (standard queues only)", "PutTargets", `{"Rule":"r","EventBusName":"payrail","Targets":[{"Id":"1","Arn":"x","DeadLetterConfig":{"Arn":"` + dlq + `.fifo"}}]}`, 400, `{"__type":"ValidationException"}`},
		{recorded + "test_update_rule_with_targets", "PutRule", `{"Name":"r",` + rule + `,"Description":"changed"}`, 200, `{}`},
		{recorded + "test_update_rule_with_targets", "ListTargetsByRule", `{"Rule":"r","EventBusName":"payrail"}`, 200, `{"Targets":[{"Id":"1","Arn":"` + queueA + `"},{"Id":"2","Arn":"` + queueB + `"}]}`},
		{reference + "API_ListRuleNamesByTarget.html", "ListRuleNamesByTarget", `{"TargetArn":"` + queueA + `","EventBusName":"payrail"}`, 200, `{"RuleNames":["r"]}`},
		{reference + "API_ListRuleNamesByTarget.html", "ListRuleNamesByTarget", `{"TargetArn":"` + queueA + `"}`, 200, `{"RuleNames":[]}`},
		{recorded + "test_delete_rule_with_targets", "DeleteRule", `{"Name":"r","EventBusName":"payrail"}`, 400, failed("ValidationException", "Rule can't be deleted since it has targets.")},
		{reference + "API_RemoveTargets.html", "RemoveTargets", `{"Rule":"r","EventBusName":"payrail","Ids":["1","2","none"]}`, 200, `{"FailedEntryCount":0,"FailedEntries":[]}`},
		{recorded + "test_disable_re_enable_rule", "DisableRule", `{"Name":"r","EventBusName":"payrail"}`, 200, `{}`},
		{recorded + "test_disable_re_enable_rule", "DescribeRule", `{"Name":"r","EventBusName":"payrail"}`, 200, `{"State":"DISABLED"}`},
		{recorded + "test_disable_re_enable_rule", "EnableRule", `{"Name":"r","EventBusName":"payrail"}`, 200, `{}`},
		{reference + "API_EnableRule.html", "EnableRule", `{"Name":"none"}`, 400, failed("ResourceNotFoundException", "Rule none does not exist on EventBus default.")},
		{recorded + "test_put_list_with_prefix_describe_delete_rule", "DeleteRule", `{"Name":"r","EventBusName":"payrail"}`, 200, `{}`},
		{recorded + "test_put_list_with_prefix_describe_delete_rule", "ListRules", `{"EventBusName":"payrail"}`, 200, `{"Rules":[]}`},
		{reference + "API_PutRule.html", "PutRule", `{"Name":"x"}`, 400, failed("ValidationException", "Parameter(s) EventPattern or ScheduleExpression must be specified.")},
	})
}

// A pattern that is refused is refused wherever patterns are given, with the same words. The patterns themselves are in the
// conformance test of package pattern.
func TestConformanceInvalidPatterns(t *testing.T) {
	f := newFixture(t)
	run(t, f, []step{{reference + "API_CreateArchive.html", "CreateArchive", `{"ArchiveName":"kept","EventSourceArn":"` + busARN + `"}`, 200, `{}`}})
	for _, tc := range []struct{ pattern, reason string }{
		{`{"source":"s"}`, `"source" must be an object or an array`},
		{`{"source":[]}`, "Empty arrays are not allowed"},
		{`not JSON`, "Invalid JSON"},
		{`{"a":[{"regex":"x"}]}`, "Unrecognized match type regex"},
		{`{"a":[{"wildcard":"*:*:*:*:*:event-bus/*"}]}`, "Rule is too complex - try using fewer wildcard characters or fewer repeating character sequences after a wildcard character"},
	} {
		given, err := json.Marshal(tc.pattern)
		require.NoError(t, err)
		for operation, body := range map[string]string{
			"PutRule": `{"Name":"r","EventPattern":%s}`, "CreateArchive": `{"ArchiveName":"a","EventSourceArn":"` + busARN + `","EventPattern":%s}`,
			"UpdateArchive": `{"ArchiveName":"kept","EventPattern":%s}`, "TestEventPattern": `{"EventPattern":%s,"Event":"{}"}`,
		} {
			status, answer := call(t, f, operation, fmt.Sprintf(body, given))
			require.Equal(t, 400, status, "%sAPI_%s.html: %s", reference, operation, answer)
			var got struct{ Type, Message string }
			require.NoError(t, json.Unmarshal([]byte(strings.Replace(answer, `"__type"`, `"Type"`, 1)), &got))
			require.Equal(t, "InvalidEventPatternException", got.Type)
			require.True(t, strings.HasPrefix(got.Message, "Event pattern is not valid. Reason: "+tc.reason), got.Message)
		}
	}
}

func TestConformanceTestEventPattern(t *testing.T) {
	f := newFixture(t)
	event := map[string]any{"id": "1", "source": "order", "detail-type": "Test", "account": "123456789012", "region": "us-east-2", "time": "2022-07-13T13:48:01Z"}
	for name, tc := range map[string]struct {
		pattern string
		want    bool
	}{
		"sample1.json5": {`{"source":["order"],"detail-type":["Test"]}`, true}, "minimal.json5": {`{"source":["order"]}`, true},
		"key_case_sensitive_NEG.json5": {`{"Source":["order"]}`, false},
	} {
		text, err := json.Marshal(event)
		require.NoError(t, err)
		request, err := json.Marshal(map[string]string{"EventPattern": tc.pattern, "Event": string(text)})
		require.NoError(t, err)
		status, body := call(t, f, "TestEventPattern", string(request))
		require.Equal(t, 200, status, body)
		require.JSONEq(t, fmt.Sprintf(`{"Result":%t}`, tc.want), body, "event_pattern_templates/"+name)
	}
	run(t, f, []step{
		{reference + "API_TestEventPattern.html (fields of an event)", "TestEventPattern", `{"EventPattern":"{\"source\":[\"x\"]}","Event":"{\"id\":\"1\"}"}`, 400, failed("ValidationException", "Parameter Event is not valid.")},
		{reference + "API_TestEventPattern.html", "TestEventPattern", `{"EventPattern":"{\"source\":[\"x\"]}","Event":"[]"}`, 400, `{"__type":"ValidationException"}`},
		{recordedPatterns + "test_plain_string_payload", "TestEventPattern", `{"EventPattern":"{\"source\":[\"x\"]}","Event":"plain string"}`, 400, failed("ValidationException", "Parameter Event is not valid.")},
	})
}

// nested is a request with an event whose detail has so many levels, and a text in the last one.
func nested(levels int, text string) string {
	detail := strings.Repeat(`{"a":`, levels) + `"\"` + text + `"` + strings.Repeat("}", levels)
	return fmt.Sprintf(`{"Entries":[{"Source":"s","DetailType":"T","Detail":%q}]}`, detail) // Of plain ASCII.
}

func TestConformancePutEvents(t *testing.T) {
	f := newFixture(t)
	eleven := `{"Entries":[` + strings.TrimSuffix(strings.Repeat(`{"Source":"s","DetailType":"T","Detail":"{}"},`, 11), ",") + `]}`
	invalid := func(parameter string) string {
		return fmt.Sprintf(`{"FailedEntryCount":1,"Entries":[{"ErrorCode":"InvalidArgument","ErrorMessage":"Parameter %s is not valid. Reason: %s is a required argument."}]}`, parameter, parameter)
	}
	malformed := `{"FailedEntryCount":1,"Entries":[{"ErrorCode":"MalformedDetail","ErrorMessage":"Detail is malformed."}]}`
	run(t, f, []step{
		{recorded + "test_put_events_without_source", "PutEvents", `{"Entries":[{"DetailType":"T","Detail":"{}"}]}`, 200, invalid("Source")},
		{recorded + "test_put_event_without_detail", "PutEvents", `{"Entries":[{"Source":"s","DetailType":"T"}]}`, 200, invalid("Detail")},
		{recorded + "test_put_event_without_detail_type", "PutEvents", `{"Entries":[{"Source":"s","Detail":"{}"}]}`, 200, invalid("DetailType")},
		{recorded + "test_put_event_malformed_detail[STRING]", "PutEvents", `{"Entries":[{"Source":"s","DetailType":"T","Detail":"text"}]}`, 200, malformed},
		{recorded + "test_put_event_malformed_detail[ARRAY]", "PutEvents", `{"Entries":[{"Source":"s","DetailType":"T","Detail":"[{}]"}]}`, 200, malformed},
		{recorded + "test_put_event_malformed_detail[MALFORMED_JSON]", "PutEvents", `{"Entries":[{"Source":"s","DetailType":"T","Detail":"{"}]}`, 200, malformed},
		{recorded + "test_put_event_malformed_detail[SERIALIZED_STRING]", "PutEvents", `{"Entries":[{"Source":"s","DetailType":"T","Detail":"\"{}\""}]}`, 200, malformed},
		{recorded + "test_put_events_exceed_limit_ten_entries", "PutEvents", eleven, 400, "~at 'entries' failed to satisfy constraint: Member must have length less than or equal to 10"},
		{recorded + "test_put_event_with_too_big_detail", "PutEvents", `{"Entries":[{"Source":"s","DetailType":"T","Detail":"{\"a\":\"` + strings.Repeat("x", 1<<20) + `\"}"}]}`, 400,
			failed("ValidationException", "Total size of the entries in the request is over the limit.")},
		{recorded + "test_put_events_nonexistent_event_bus", "PutEvents", `{"Entries":[{"EventBusName":"none","Source":"s","DetailType":"T","Detail":"{}"}]}`, 200, `{"FailedEntryCount":0}`},
		{reference + "API_PutEvents.html (nested up to 1,100 levels)", "PutEvents", nested(1100, ""), 200, `{"FailedEntryCount":0}`},
		{reference + "API_PutEvents.html (nested up to 1,100 levels)", "PutEvents", nested(1101, ""), 200, "~MalformedDetail"},
		{reference + "API_PutEvents.html (nested up to 1,100 levels)", "PutEvents", nested(1, strings.Repeat(`{`, 2000)), 200, `{"FailedEntryCount":0}`},
		{reference + "API_PutEventsResultEntry.html (NotAuthorizedForSourceException)", "PutEvents", `{"Entries":[{"Source":"aws.s3","DetailType":"T","Detail":"{}"}]}`, 200, "~NotAuthorizedForSourceException"},
	})
}

func TestConformanceArchivesAndReplays(t *testing.T) {
	f := newFixture(t)
	const archiveARN = "arn:aws:events:us-east-1:000000000000:archive/kept"
	replay := func(name, archive, bus string, from, to int) string {
		return fmt.Sprintf(`{"ReplayName":%q,"Description":"d","EventSourceArn":%q,"EventStartTime":%d,"EventEndTime":%d,"Destination":{"Arn":%q,"FilterArns":["arn:aws:events:us-east-1:000000000000:rule/payrail/r"]}}`, name, archive, from, to, bus)
	}
	const at = 1783592130
	run(t, f, []step{
		{recordedPast + "test_create_list_describe_update_delete_archive", "CreateArchive", `{"ArchiveName":"kept","EventSourceArn":"` + busARN + `","Description":"d","RetentionDays":1,"EventPattern":"{\"source\":[\"s\"]}"}`, 200,
			`{"ArchiveArn":"` + archiveARN + `","State":"ENABLED","CreationTime":1783592130}`},
		{recordedPast + "test_create_list_describe_update_delete_archive", "ListArchives", `{"NamePrefix":"ke"}`, 200,
			`{"Archives":[{"ArchiveName":"kept","EventSourceArn":"` + busARN + `","State":"ENABLED","RetentionDays":1,"SizeBytes":0,"EventCount":0,"CreationTime":1783592130}]}`},
		{recordedPast + "test_list_archive_with_source_arn", "ListArchives", `{"EventSourceArn":"arn:aws:events:us-east-1:000000000000:event-bus/default"}`, 200, `{"Archives":[]}`},
		{recordedPast + "test_list_archive_state_enabled", "ListArchives", `{"State":"DISABLED"}`, 200, `{"Archives":[]}`},
		{recordedPast + "test_list_archive_error_unknown_source_arn", "ListArchives", `{"EventSourceArn":"arn:aws:events:us-east-1:000000000000:event-bus/none"}`, 400, failed("ResourceNotFoundException", "Event bus none does not exist.")},
		{recordedPast + "test_create_list_describe_update_delete_archive", "DescribeArchive", `{"ArchiveName":"kept"}`, 200,
			`{"ArchiveArn":"` + archiveARN + `","ArchiveName":"kept","Description":"d","EventPattern":"{\"source\":[\"s\"]}","EventSourceArn":"` + busARN + `","RetentionDays":1,"State":"ENABLED","EventCount":0,"SizeBytes":0}`},
		{recordedPast + "test_create_list_describe_update_delete_archive", "UpdateArchive", `{"ArchiveName":"kept","Description":"e","RetentionDays":2}`, 200, `{"ArchiveArn":"` + archiveARN + `","State":"ENABLED","CreationTime":1783592130}`},
		{reference + "API_UpdateArchive.html", "DescribeArchive", `{"ArchiveName":"kept"}`, 200, `{"Description":"e","EventPattern":"{\"source\":[\"s\"]}","RetentionDays":2}`},
		{reference + "API_UpdateArchive.html", "UpdateArchive", `{"ArchiveName":"none"}`, 400, failed("ResourceNotFoundException", "Archive none does not exist.")},
		{recordedPast + "test_create_archive_error_duplicate", "CreateArchive", `{"ArchiveName":"kept","EventSourceArn":"` + busARN + `"}`, 400, failed("ResourceAlreadyExistsException", "Archive kept already exists.")},
		{recordedPast + "test_create_archive_error_unknown_event_bus", "CreateArchive", `{"ArchiveName":"a","EventSourceArn":"arn:aws:events:us-east-1:000000000000:event-bus/none"}`, 400, failed("ResourceNotFoundException", "Event bus none does not exist.")},
		{recordedPast + "test_describe_archive_error_unknown_archive", "DescribeArchive", `{"ArchiveName":"none"}`, 400, failed("ResourceNotFoundException", "Archive none does not exist.")},
		{recordedPast + "test_delete_archive_error_unknown_archive", "DeleteArchive", `{"ArchiveName":"none"}`, 400, failed("ResourceNotFoundException", "Archive none does not exist.")},
		{reference + "API_CreateArchive.html", "CreateArchive", `{"ArchiveName":"` + strings.Repeat("x", 49) + `","EventSourceArn":"` + busARN + `"}`, 400, "~Member must have length less than or equal to 48"},
		{guide + "eb-archive.html (the archive's managed rule)", "DeleteRule", `{"Name":"Events-Archive-kept","EventBusName":"payrail"}`, 400, `{"__type":"ManagedRuleException"}`},
		{guide + "eb-archive.html (the archive's managed rule)", "PutRule", `{"Name":"Events-Archive-kept","EventBusName":"payrail","EventPattern":"{\"source\":[\"s\"]}"}`, 400, `{"__type":"ManagedRuleException"}`},
		{guide + "eb-archive.html (the archive's managed rule)", "DisableRule", `{"Name":"Events-Archive-kept","EventBusName":"payrail"}`, 400, `{"__type":"ManagedRuleException"}`},

		{recordedPast + "test_start_replay_error_unknown_archive", "StartReplay", replay("x", "arn:aws:events:us-east-1:000000000000:archive/none", busARN, at, at+60), 400,
			failed("ValidationException", "Parameter EventSourceArn is not valid. Reason: Archive none does not exist.")},
		{recordedPast + "test_start_replay_error_unknown_event_bus", "StartReplay", replay("x", archiveARN, "arn:aws:events:us-east-1:000000000000:event-bus/none", at, at+60), 400,
			failed("ResourceNotFoundException", "Event bus none does not exist.")},
		{recordedPast + "test_start_replay_error_unknown_event_bus", "StartReplay", replay("x", archiveARN, "arn:aws:events:us-east-1:000000000000:event-bus/default", at, at+60), 400,
			failed("ValidationException", "Parameter Destination.Arn is not valid. Reason: Cross event bus replay is not permitted.")},
		{recordedPast + "test_start_replay_error_invalid_end_time[0]", "StartReplay", replay("x", archiveARN, busARN, at, at), 400,
			failed("ValidationException", "Parameter EventEndTime is not valid. Reason: EventStartTime must be before EventEndTime.")},
		{recordedPast + "test_start_replay_error_invalid_end_time[10]", "StartReplay", replay("x", archiveARN, busARN, at+10, at), 400,
			failed("ValidationException", "Parameter EventEndTime is not valid. Reason: EventStartTime must be before EventEndTime.")},
		{recordedPast + "test_describe_replay_error_unknown_replay", "DescribeReplay", `{"ReplayName":"none"}`, 400, failed("ResourceNotFoundException", "Replay none does not exist.")},
		{reference + "API_CancelReplay.html", "CancelReplay", `{"ReplayName":"none"}`, 400, failed("ResourceNotFoundException", "Replay none does not exist.")},
		{recordedPast + "test_start_list_describe_canceled_replay", "StartReplay", replay("first", archiveARN, busARN, at, at+60), 200,
			`{"ReplayArn":"arn:aws:events:us-east-1:000000000000:replay/first","State":"STARTING","ReplayStartTime":1783592130}`},
	})
	f.idle(t)
	run(t, f, []step{
		{recordedPast + "test_start_list_describe_canceled_replay", "DescribeReplay", `{"ReplayName":"first"}`, 200,
			`{"ReplayArn":"arn:aws:events:us-east-1:000000000000:replay/first","ReplayName":"first","Description":"d","State":"COMPLETED","EventSourceArn":"` + archiveARN + `",` +
				`"Destination":{"Arn":"` + busARN + `","FilterArns":["arn:aws:events:us-east-1:000000000000:rule/payrail/r"]},"EventStartTime":1783592130,"EventEndTime":1783592190,"ReplayStartTime":1783592130,"ReplayEndTime":1783592130}`},
		{recordedPast + "test_list_replays_with_event_source_arn", "ListReplays", `{"EventSourceArn":"` + archiveARN + `"}`, 200,
			`{"Replays":[{"ReplayName":"first","EventSourceArn":"` + archiveARN + `","State":"COMPLETED","EventStartTime":1783592130,"EventEndTime":1783592190,"ReplayStartTime":1783592130,"ReplayEndTime":1783592130}]}`},
		{recordedPast + "test_start_replay_error_duplicate_name_same_archive", "StartReplay", replay("first", archiveARN, busARN, at, at+60), 400, failed("ResourceAlreadyExistsException", "Replay first already exists.")},
		{reference + "API_CancelReplay.html", "CancelReplay", `{"ReplayName":"first"}`, 400, `{"__type":"IllegalStatusException"}`},
		{recordedPast + "test_create_list_describe_update_delete_archive", "DeleteArchive", `{"ArchiveName":"kept"}`, 200, `{}`},
		{recordedPast + "test_describe_archive_error_unknown_archive", "DescribeArchive", `{"ArchiveName":"kept"}`, 400, failed("ResourceNotFoundException", "Archive kept does not exist.")},
	})
}

// Source: recorded answers of test_start_list_describe_canceled_replay (CANCELLING), API_DescribeReplay.html (the states).
func TestConformanceCancelledReplay(t *testing.T) {
	f := newFixture(t)
	f.rule(t, "live", `{"source":["payrail.test"]}`, Target{ID: "a", ARN: queueA})
	arn, err := f.CreateArchive(Archive{Name: "kept", Bus: "payrail"})
	require.NoError(t, err)
	for range 3 * replayChunk {
		f.put(t, "T", `{}`)
	}
	f.idle(t)
	r := &replay{Replay: Replay{Name: "r", ArchiveARN: arn, BusARN: busARN, From: start, To: start.Add(time.Hour)}, state: replayStarting}
	f.replays["r"] = r
	require.NoError(t, f.CancelReplay("r"))
	require.Equal(t, replayCancelling, r.state)
	f.outstanding.add(1)
	f.replay(r, f.archives["kept"])
	f.idle(t)
	require.Equal(t, replayCancelled, r.state)
	require.Len(t, f.targets.delivered(queueA), 3*replayChunk, "a replay that was cancelled before it ran puts nothing on the bus")
	require.ErrorContains(t, f.CancelReplay("r"), "IllegalStatusException")
}

// Source: recorded answer of tests_concurrency_error_too_many_active_replays.
func TestConformanceTooManyActiveReplays(t *testing.T) {
	f := newFixture(t)
	arn, err := f.CreateArchive(Archive{Name: "kept", Bus: "payrail"})
	require.NoError(t, err)
	for i := range maxActiveReplays {
		f.replays[fmt.Sprint(i)] = &replay{Replay: Replay{Name: fmt.Sprint(i), ArchiveARN: arn}, state: replayRunning}
	}
	err = f.StartReplay(Replay{Name: "more", ArchiveARN: arn, BusARN: busARN, From: start, To: start.Add(time.Hour)})
	require.EqualError(t, err, "LimitExceededException: The requested resource exceeds the maximum number allowed.")
	require.ErrorContains(t, f.DeleteArchive("kept"), "ConcurrentModificationException")
}

// Lists go on where the page before ended. Sources: recorded answers of test_list_event_buses_with_limit, test_list_rule_with_limit,
// test_list_replay_with_limit.
func TestConformancePages(t *testing.T) {
	f := newFixture(t)
	arn, err := f.CreateArchive(Archive{Name: "archive-0", Bus: "payrail"})
	require.NoError(t, err)
	for i := range 7 {
		_, err := f.CreateBus(Bus{Name: fmt.Sprintf("bus-%d", i)})
		require.NoError(t, err)
		f.rule(t, fmt.Sprintf("rule-%d", i), `{"source":["s"]}`, Target{ID: "t", ARN: queueA})
		if i > 0 {
			_, err = f.CreateArchive(Archive{Name: fmt.Sprintf("archive-%d", i), Bus: "payrail"})
			require.NoError(t, err)
		}
		f.replays[fmt.Sprintf("replay-%d", i)] = &replay{Replay: Replay{Name: fmt.Sprintf("replay-%d", i), ArchiveARN: arn}, state: replayCompleted}
	}
	f.rule(t, "targets", `{"source":["s"]}`, Target{ID: "0", ARN: "x"}, Target{ID: "1", ARN: "x"}, Target{ID: "2", ARN: "x"}, Target{ID: "3", ARN: "x"}, Target{ID: "4", ARN: "x"})
	for operation, tc := range map[string]struct {
		request, list, name string
		count               int
	}{
		"ListEventBuses": {`"NamePrefix":"bus-"`, "EventBuses", "Name", 7}, "ListRules": {`"EventBusName":"payrail","NamePrefix":"rule-"`, "Rules", "Name", 7},
		"ListArchives": {`"NamePrefix":"archive-"`, "Archives", "ArchiveName", 7}, "ListReplays": {`"NamePrefix":"replay-"`, "Replays", "ReplayName", 7},
		"ListTargetsByRule": {`"EventBusName":"payrail","Rule":"targets"`, "Targets", "Id", 5},
	} {
		var names []string
		token, pages := "", 0
		for {
			request := `{"Limit":3,` + tc.request + `}`
			if token != "" {
				request = `{"Limit":3,"NextToken":"` + token + `",` + tc.request + `}`
			}
			status, body := call(t, f, operation, request)
			require.Equal(t, 200, status, body)
			var got map[string]json.RawMessage
			require.NoError(t, json.Unmarshal([]byte(body), &got))
			var items []map[string]any
			require.NoError(t, json.Unmarshal(got[tc.list], &items))
			require.LessOrEqual(t, len(items), 3)
			for _, item := range items {
				names = append(names, item[tc.name].(string))
			}
			pages++
			if got["NextToken"] == nil {
				break
			}
			require.NoError(t, json.Unmarshal(got["NextToken"], &token))
		}
		require.Equal(t, (tc.count+2)/3, pages, operation)
		require.Len(t, names, tc.count, operation)
		require.True(t, slices.IsSorted(names), operation)
	}
	run(t, f, []step{
		{reference + "API_ListRuleNamesByTarget.html", "ListRuleNamesByTarget", `{"EventBusName":"payrail","TargetArn":"` + queueA + `","Limit":2}`, 200, `{"RuleNames":["rule-0","rule-1"]}`},
		{reference + "API_ListRules.html", "ListRules", `{"Limit":0}`, 400, "~Member must have value greater than or equal to 1"},
		{reference + "API_ListRules.html", "ListRules", `{"Limit":101}`, 400, "~Member must have value less than or equal to 100"},
		{reference + "API_ListRules.html", "ListRules", `{"NextToken":"%"}`, 400, `{"__type":"ValidationException"}`},
	})
}

// Every refusal that the reference page lists for EventBridge is a clear error that names it.
func TestRefusals(t *testing.T) {
	f := newFixture(t)
	f.rule(t, "r", `{"source":["s"]}`)
	target := func(rest string) string {
		return `{"Rule":"r","EventBusName":"payrail","Targets":[{"Id":"1","Arn":"x",` + rest + `}]}`
	}
	refused := map[string][]step{
		"input transformers":                                {{"", "PutTargets", target(`"InputTransformer":{"InputTemplate":"<a>"}`), 501, "~InputTransformer"}},
		"API destinations":                                  {{"", "CreateApiDestination", `{}`, 501, "~CreateApiDestination"}, {"", "CreateConnection", `{}`, 501, "~CreateConnection"}},
		"global endpoints":                                  {{"", "CreateEndpoint", `{}`, 501, "~CreateEndpoint"}, {"", "PutEvents", `{"EndpointId":"e","Entries":[{}]}`, 501, "~EndpointId"}},
		"buses of other accounts or Regions":                {{"", "PutRule", `{"Name":"x","EventBusName":"arn:aws:events:us-east-1:111111111111:event-bus/b","EventPattern":"{\"source\":[\"s\"]}"}`, 501, "~another account or Region"}, {"", "PutPermission", `{}`, 501, "~PutPermission"}},
		"partner event sources":                             {{"", "CreateEventBus", `{"Name":"x","EventSourceName":"aws.partner/a/b"}`, 501, "~EventSourceName"}, {"", "ListEventSources", `{}`, 501, "~ListEventSources"}},
		"customer managed keys":                             {{"", "CreateEventBus", `{"Name":"x","KmsKeyIdentifier":"k"}`, 501, "~KmsKeyIdentifier"}, {"", "UpdateEventBus", `{"Name":"payrail","KmsKeyIdentifier":"k"}`, 501, "~KmsKeyIdentifier"}, {"", "CreateArchive", `{"ArchiveName":"x","KmsKeyIdentifier":"k"}`, 501, "~KmsKeyIdentifier"}, {"", "UpdateArchive", `{"ArchiveName":"x","KmsKeyIdentifier":"k"}`, 501, "~KmsKeyIdentifier"}},
		"logs of buses":                                     {{"", "CreateEventBus", `{"Name":"x","LogConfig":{"Level":"INFO"}}`, 501, "~LogConfig"}},
		"CloudTrail management events":                      {{"", "PutRule", `{"Name":"x","State":"ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS","EventPattern":"{\"source\":[\"s\"]}"}`, 501, "~ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"}},
		"service-specific target parameters":                {},
		"`InputPath` beyond member names":                   {{"", "PutTargets", target(`"InputPath":"$.detail.items[0]"`), 501, "~InputPath"}, {"", "PutTargets", target(`"InputPath":"$.detail.*"`), 501, "~InputPath"}},
		"in schedules ranges that wrap around, `LW`, `L-3`": {},
	}
	for _, parameter := range []string{"AppSyncParameters", "BatchParameters", "EcsParameters", "HttpParameters", "KinesisParameters", "RedshiftDataParameters", "RunCommandParameters", "SageMakerPipelineParameters"} {
		refused["service-specific target parameters"] = append(refused["service-specific target parameters"], step{"", "PutTargets", target(`"` + parameter + `":{}`), 501, "~" + parameter})
	}
	for _, expression := range []string{"0 22-2 * * ? *", "0 0 LW * ? *", "0 0 L-3 * ? *"} {
		refused["in schedules ranges that wrap around, `LW`, `L-3`"] = append(refused["in schedules ranges that wrap around, `LW`, `L-3`"],
			step{"", "PutRule", `{"Name":"x","ScheduleExpression":"cron(` + expression + `)"}`, 501, "~the schedule expression"})
	}
	require.ElementsMatch(t, conformance.Refusals(t, "EventBridge"), sortedKeys(refused), "the page and this test list the same refusals")
	for name, steps := range refused {
		require.NotEmpty(t, steps, name)
		for _, st := range steps {
			require.Equal(t, 501, st.status)
			run(t, f, []step{st})
			_, body := call(t, f, st.operation, st.body)
			require.Contains(t, body, `"__type":"NotImplemented"`, name)
		}
	}
}

// What an archive keeps and a replay brings back.
func TestConformanceReplayedEvents(t *testing.T) {
	f := newFixture(t)
	f.rule(t, "all", `{"source":["payrail.test"]}`, Target{ID: "a", ARN: queueA})
	f.rule(t, "other", `{"source":["payrail.test"]}`, Target{ID: "b", ARN: queueB})
	f.rule(t, "live", `{"source":["payrail.test"],"replay-name":[{"exists":false}]}`, Target{ID: "c", ARN: "x:live"})
	kept, err := f.CreateArchive(Archive{Name: "kept", Bus: "payrail", EventPattern: `{"detail-type":[{"prefix":"Kept"}]}`})
	require.NoError(t, err)
	_, err = f.CreateArchive(Archive{Name: "everything", Bus: "payrail"})
	require.NoError(t, err)
	hour := func(n int) time.Time { return start.Add(time.Duration(n) * time.Hour) }
	for detailType, at := range map[string]time.Time{"KeptBefore": hour(-2), "KeptFirst": hour(-1), "KeptLast": hour(0).Add(-time.Second), "KeptAtTheEnd": hour(0), "Dropped": hour(-1)} {
		_, err := f.PutEvents(t.Context(), []Entry{{Bus: "payrail", Source: "payrail.test", DetailType: detailType, Detail: []byte(`{}`), Time: at}})
		require.NoError(t, err)
	}
	f.idle(t)
	live := len(f.targets.delivered(queueA))
	require.Equal(t, 5, live)
	const one = "arn:aws:events:us-east-1:000000000000:rule/payrail/all"
	require.NoError(t, f.StartReplay(Replay{Name: "again", ArchiveARN: kept, BusARN: busARN, From: hour(-1), To: hour(0), RuleARNs: []string{one}}))
	f.idle(t)
	var types []string
	for _, text := range f.targets.delivered(queueA)[live:] {
		var e struct {
			DetailType string    `json:"detail-type"`
			Time       time.Time `json:"time"`
			ReplayName string    `json:"replay-name"`
		}
		require.NoError(t, json.Unmarshal([]byte(text), &e))
		require.Equal(t, "again", e.ReplayName, guide+"eb-replay-archived-event.html (replay-name)")
		require.True(t, !e.Time.Before(hour(-1)) && e.Time.Before(hour(0)), "the event's own time stays: %s", text)
		types = append(types, e.DetailType)
	}
	require.ElementsMatch(t, []string{"KeptFirst", "KeptLast"}, types, reference+"API_StartReplay.html (by the events' time), API_CreateArchive.html (the archive's pattern)")
	require.Len(t, f.targets.delivered(queueB), live, reference+"API_ReplayDestination.html (FilterArns)")
	require.EqualValues(t, 4, f.archives["kept"].counts.events.Load(), guide+"eb-archive.html (replayed events are not archived again)")
	require.EqualValues(t, 5, f.archives["everything"].counts.events.Load())

	require.NoError(t, f.StartReplay(Replay{Name: "to-all", ArchiveARN: kept, BusARN: busARN, From: hour(-3), To: hour(1)}))
	f.idle(t)
	require.Len(t, f.targets.delivered(queueB), live+4, "without FilterArns every rule sees the events")
	require.Len(t, f.targets.delivered("x:live"), live, guide+"eb-replay-archived-event.html (a rule that excludes replays)")
}

// How rules deliver, and what goes to the dead-letter queue of a target.
func TestConformanceDelivery(t *testing.T) {
	const dlqPage, retryPage = guide + "eb-rule-dlq.html", guide + "eb-rule-retry-policy.html"
	for name, tc := range map[string]struct {
		source     string
		target     Target
		answer     error
		waits      []time.Duration
		attributes map[string]string // Of the dead letter; nil for none.
		attempts   int
	}{
		"delivered": {source: guide + "eb-rules.html", attempts: 1},
		"one retry": {source: retryPage, target: Target{MaximumRetryAttempts: intPointer(1)}, answer: fmt.Errorf("busy"), waits: []time.Duration{time.Second}, attempts: 2,
			attributes: map[string]string{"RETRY_ATTEMPTS": "1", "EXHAUSTED_RETRY_CONDITION": "MaximumRetryAttempts"}},
		"no retries": {source: retryPage, target: Target{MaximumRetryAttempts: intPointer(0)}, answer: fmt.Errorf("busy"), attempts: 1,
			attributes: map[string]string{"RETRY_ATTEMPTS": "0", "EXHAUSTED_RETRY_CONDITION": "MaximumRetryAttempts"}},
		"too old": {source: retryPage, target: Target{MaximumEventAge: time.Minute}, answer: fmt.Errorf("busy"), waits: []time.Duration{time.Minute}, attempts: 1,
			attributes: map[string]string{"RETRY_ATTEMPTS": "0", "EXHAUSTED_RETRY_CONDITION": "MaximumEventAgeInSeconds"}},
		"a missing permission is not retried": {source: dlqPage, answer: &DeliveryError{Code: "NO_PERMISSIONS", Message: "denied", Permanent: true}, attempts: 1,
			attributes: map[string]string{"RETRY_ATTEMPTS": "0", "ERROR_CODE": "NO_PERMISSIONS"}},
		"a missing target is not retried": {source: dlqPage, answer: &DeliveryError{Code: "NO_RESOURCE", Message: "gone", Permanent: true}, attempts: 1,
			attributes: map[string]string{"RETRY_ATTEMPTS": "0", "ERROR_CODE": "NO_RESOURCE"}},
		"the dead letter is the event, not the input": {source: dlqPage, target: Target{Input: `"constant"`, MaximumRetryAttempts: intPointer(0)}, answer: fmt.Errorf("busy"), attempts: 1,
			attributes: map[string]string{"RETRY_ATTEMPTS": "0"}},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.targets.answer = func(Target) error { return tc.answer }
			tc.target.ID, tc.target.ARN, tc.target.DeadLetterARN = "1", queueA, dlq
			f.rule(t, "r", `{"source":["payrail.test"]}`, tc.target)
			f.put(t, "T", `{"n":1}`)
			for _, d := range tc.waits {
				f.clock.WaitForTimers(1)
				f.clock.Advance(d)
			}
			f.idle(t)
			require.Equal(t, tc.attempts, f.targets.calls, tc.source)
			if tc.attributes == nil {
				require.Empty(t, f.targets.letters, tc.source)
				return
			}
			require.Len(t, f.targets.letters, 1, tc.source)
			letter := f.targets.letters[0]
			require.Equal(t, dlq, letter.queue)
			require.Equal(t, "arn:aws:events:us-east-1:000000000000:rule/payrail/r", letter.attributes["RULE_ARN"], dlqPage)
			require.Equal(t, queueA, letter.attributes["TARGET_ARN"], dlqPage)
			require.NotEmpty(t, letter.attributes["ERROR_MESSAGE"], dlqPage)
			for attribute, value := range tc.attributes {
				require.Equal(t, value, letter.attributes[attribute], attribute+": "+tc.source)
			}
			require.Contains(t, letter.body, `"source":"payrail.test"`, tc.source)
			require.Contains(t, letter.body, `"detail":{"n":1}`, tc.source)
		})
	}
}
