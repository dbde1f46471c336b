package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// anchors are the headings of a page of the documentation, as links name them.
func anchors(t *testing.T, page string) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", page))
	require.NoError(t, err)
	var found []string
	for _, heading := range regexp.MustCompile(`(?m)^#+ (.+)$`).FindAllStringSubmatch(string(text), -1) {
		found = append(found, strings.ReplaceAll(strings.ToLower(heading[1]), " ", "-"))
	}
	return found
}

// everyAlarm is the logical ids of all alarms.
func everyAlarm(tpl template) []string {
	return slices.Concat(tpl.ofType("AWS::CloudWatch::Alarm"), tpl.ofType("AWS::CloudWatch::CompositeAlarm"))
}

// An alarm that somebody is called for says in one sentence what is the matter, and where to read what to do.
func TestEveryAlarmHasARunbook(t *testing.T) {
	tpl := synthesize(t, defaults(t))
	headings, used := anchors(t, runbooks), map[string]bool{}
	names := map[string]string{}
	for _, id := range everyAlarm(tpl) {
		name := tpl.get(id, "AlarmName").(string)
		require.Regexp(t, `^Payrail-[A-Z][A-Za-z]+$`, name)
		require.Empty(t, names[name], "%s and %s have one name", id, names[name])
		names[name] = id
		says, link, found := strings.Cut(tpl.get(id, "AlarmDescription").(string), " "+runbooks+"#")
		require.True(t, found, name)
		require.Regexp(t, `^[A-Z].*\.$`, says, name)
		require.Contains(t, headings, link, "%s has no section in %s", name, runbooks)
		used[link] = true
	}
	page, err := os.ReadFile(filepath.Join("..", runbooks))
	require.NoError(t, err)
	for name := range names {
		short := strings.TrimPrefix(name, stackName+"-")
		require.True(t, strings.Contains(string(page), "`"+short+"`") || strings.Contains(string(page), family(short)), "%s is not in %s", name, runbooks)
	}
	require.GreaterOrEqual(t, len(headings), len(used)+1)
}

// family is how the page names alarms of which there is one for each processor or rule.
func family(name string) string {
	for _, end := range []string{"Undelivered", "DeadLetterErrors", "DeadLetters", "Late", "Lost", "Silent"} {
		if strings.HasSuffix(name, end) {
			return "`…" + end + "`"
		}
	}
	return "`" + name + "`"
}

func TestAlarmsTellTheOperators(t *testing.T) {
	tpl := synthesize(t, defaults(t))
	topic := tpl.one(t, "AWS::SNS::Topic", "NoticesTopic")
	for _, id := range everyAlarm(tpl) {
		require.Equal(t, []any{map[string]any{"Ref": topic}}, tpl.get(id, "AlarmActions"), id)
		require.NotEqual(t, false, tpl.get(id, "ActionsEnabled"), id)
	}
	// Without this statement alarms fire and nobody hears.
	require.True(t, slices.ContainsFunc(tpl.resourcePolicy(t, topic), func(s statement) bool {
		principal, _ := s.Principal.(map[string]any)
		return s.allows("sns:Publish", topic) && principal["Service"] == "cloudwatch.amazonaws.com" &&
			fmt.Sprint(s.Condition) == fmt.Sprint(map[string]any{"StringEquals": map[string]any{"aws:SourceAccount": map[string]any{"Ref": "AWS::AccountId"}}})
	}))
}

// AWS's documentation of each metric's dimensions, by namespace.
var dimensionsOf = map[string][]string{
	"AWS/SQS":               {"QueueName"},
	"AWS/Events":            {"EventBusName", "RuleName"},
	"AWS/EventBridge/Pipes": {"PipeName"},
	"AWS/States":            {"StateMachineArn"},
	"AWS/Lambda":            {"FunctionName"},
	"AWS/Firehose":          {"DeliveryStreamName"},
	"AWS/Logs":              {"LogGroupName"},
	"AWS/SNS":               {"TopicName"},
	"AWS/ApiGateway":        {"ApiId"},
	"Payrail":               {"FunctionName"},
}

func TestAlarmsCanBeEvaluated(t *testing.T) {
	tpl := synthesize(t, defaults(t))
	for _, id := range tpl.ofType("AWS::CloudWatch::Alarm") {
		if tpl.get(id, "MetricName") == "Invocations" { // Only its absence tells.
			require.Equal(t, "missing", tpl.get(id, "TreatMissingData"), id)
			require.Equal(t, tpl.get(id, "AlarmActions"), tpl.get(id, "InsufficientDataActions"), id)
			require.Equal(t, "LessThanThreshold", tpl.get(id, "ComparisonOperator"), id)
			require.Equal(t, 1.0, tpl.get(id, "Threshold"), id)
		} else {
			require.Equal(t, "notBreaching", tpl.get(id, "TreatMissingData"), id)
			require.Nil(t, tpl.get(id, "InsufficientDataActions"), id)
			require.Equal(t, "GreaterThanOrEqualToThreshold", tpl.get(id, "ComparisonOperator"), id)
		}
		periods := tpl.get(id, "EvaluationPeriods").(float64)
		require.LessOrEqual(t, tpl.get(id, "DatapointsToAlarm").(float64), periods, id)
		metrics := []any{tpl.Resources[id].Properties}
		period, _ := tpl.get(id, "Period").(float64)
		if math := list(tpl.get(id, "Metrics")); math != nil {
			metrics = nil
			for _, query := range math[:len(math)-1] {
				stat := query.(map[string]any)["MetricStat"].(map[string]any)
				metrics, period = append(metrics, stat["Metric"]), stat["Period"].(float64)
				require.Equal(t, false, query.(map[string]any)["ReturnData"], id)
			}
			require.Regexp(t, `^SUM\(\[[a-zA-Z, ]+\]\)$`, math[len(math)-1].(map[string]any)["Expression"], id)
		}
		// CloudWatch looks back a day at most, and wants whole minutes.
		require.LessOrEqual(t, period*periods, 86400.0, id)
		require.Zero(t, int(period)%60, id)
		for _, m := range metrics {
			metric := m.(map[string]any)
			known, ok := dimensionsOf[metric["Namespace"].(string)]
			require.True(t, ok, "%s: %v", id, metric["Namespace"])
			require.NotEmpty(t, metric["Dimensions"], id)
			for _, d := range list(metric["Dimensions"]) {
				require.Contains(t, known, d.(map[string]any)["Name"], id)
			}
		}
	}
}

// One message in a dead-letter queue is enough, and every queue of the stack is watched by what it is for.
func TestEveryQueueIsWatched(t *testing.T) {
	tpl := synthesize(t, defaults(t))
	consumed := map[string]bool{}
	for _, mapping := range tpl.ofType("AWS::Lambda::EventSourceMapping") {
		consumed[referred(tpl.get(mapping, "EventSourceArn"))] = true
	}
	for _, queue := range tpl.ofType("AWS::SQS::Queue") {
		metric, threshold, periods := "ApproximateNumberOfMessagesVisible", 1.0, 1.0
		if consumed[queue] {
			metric, threshold, periods = "ApproximateAgeOfOldestMessage", 600.0, 3.0
		}
		var watching []string
		for _, id := range tpl.ofType("AWS::CloudWatch::Alarm") {
			if dimensions := list(tpl.get(id, "Dimensions")); len(dimensions) == 1 && referred(dimensions[0].(map[string]any)["Value"]) == queue {
				watching = append(watching, id)
			}
		}
		require.Len(t, watching, 1, queue)
		alarm := watching[0]
		require.Equal(t, metric, tpl.get(alarm, "MetricName"), queue)
		require.Equal(t, "Maximum", tpl.get(alarm, "Statistic"), queue)
		require.Equal(t, threshold, tpl.get(alarm, "Threshold"), queue)
		require.Equal(t, periods, tpl.get(alarm, "DatapointsToAlarm"), queue)
		require.Equal(t, 60.0, tpl.get(alarm, "Period"), queue)
	}
}

// Retries have no data points of zero, and CloudWatch evaluates the latest data points it finds, in a row or not (the tables of
// alarms-and-missing-data.html: 0 X X - X is an alarm for 3 of 3): two of them would call people for two throttled deliveries in an hour.
func TestSingleRetriesWakeNobody(t *testing.T) {
	tpl := synthesize(t, defaults(t))
	alarm := tpl.one(t, "AWS::CloudWatch::Alarm", "BusRetrying")
	require.Equal(t, "RetryInvocationAttempts", tpl.get(alarm, "MetricName"))
	require.GreaterOrEqual(t, tpl.get(alarm, "DatapointsToAlarm"), 3.0)
	require.Equal(t, 1800.0, tpl.get(alarm, "Period").(float64)*tpl.get(alarm, "EvaluationPeriods").(float64), "its words are half an hour")
}

// A schedule that runs nothing is told of after three periods, each as long as the schedule's.
func TestEverySilentScheduleIsToldOf(t *testing.T) {
	tpl := synthesize(t, defaults(t))
	watched := map[string]float64{}
	for _, id := range tpl.ofType("AWS::CloudWatch::Alarm") {
		if tpl.get(id, "MetricName") != "Invocations" {
			continue
		}
		require.Equal(t, "AWS/Lambda", tpl.get(id, "Namespace"), id)
		require.Equal(t, 3.0, tpl.get(id, "EvaluationPeriods"), id)
		watched[referred(list(tpl.get(id, "Dimensions"))[0].(map[string]any)["Value"])] = tpl.get(id, "Period").(float64)
	}
	want := map[string]float64{}
	for _, rule := range tpl.schedules() {
		period, known := map[any]float64{"rate(15 minutes)": 900, "cron(10 * * * ? *)": 3600}[tpl.get(rule, "ScheduleExpression")]
		require.True(t, known, "%s: what period is its schedule's?", rule)
		want[referred(list(tpl.get(rule, "Targets"))[0].(map[string]any)["Arn"])] = period
	}
	require.NotEmpty(t, want)
	require.Equal(t, want, watched)
}

// A rule's metrics are under the name of the rule, and of its bus unless that is the default one.
func TestLostEventsAreCountedUnderTheRule(t *testing.T) {
	tpl := synthesize(t, defaults(t))
	part := func(rule string, i float64) any {
		arn := map[string]any{"Fn::GetAtt": []any{rule, "Arn"}}
		return map[string]any{"Fn::Select": []any{i, map[string]any{"Fn::Split": []any{"/", arn}}}}
	}
	bus := map[string]any{"Ref": tpl.one(t, "AWS::Events::EventBus", "")}
	for _, rule := range tpl.ofType("AWS::Events::Rule") {
		want := []any{map[string]any{"Name": "EventBusName", "Value": bus}, map[string]any{"Name": "RuleName", "Value": part(rule, 2)}}
		if tpl.get(rule, "ScheduleExpression") != nil {
			want = []any{map[string]any{"Name": "RuleName", "Value": part(rule, 1)}}
		}
		require.True(t, slices.ContainsFunc(tpl.ofType("AWS::CloudWatch::Alarm"), func(id string) bool {
			return tpl.get(id, "MetricName") == "InvocationsFailedToBeSentToDlq" && fmt.Sprint(tpl.get(id, "Dimensions")) == fmt.Sprint(want)
		}), rule)
	}
}

// pages are the names of the alarms that a composite alarm joins, without the stack's.
func pages(t *testing.T, tpl template, id string) []string {
	t.Helper()
	var rule strings.Builder
	for _, part := range tpl.get(id, "AlarmRule", "Fn::Join").([]any)[1].([]any) {
		if alarm := referred(part); alarm != "" {
			rule.WriteString(tpl.get(alarm, "AlarmName").(string))
		} else {
			rule.WriteString(part.(string))
		}
	}
	var names []string
	for _, term := range strings.Split(rule.String(), " OR ") {
		match := regexp.MustCompile(`^ALARM\("Payrail-(\w+)"\)$`).FindStringSubmatch(term)
		require.NotNil(t, match, term)
		names = append(names, match[1])
	}
	slices.Sort(names)
	return names
}

// Somebody is woken where money stands still or comes late; what only records, or is the operators' own, tells and wakes nobody.
func TestPages(t *testing.T) {
	tpl := synthesize(t, defaults(t))
	var stuck, late []string
	for _, stage := range []string{"Accountinterface", "Disputes", "Enrich", "Posting", "Standardize"} {
		stuck = append(stuck, stage+"DeadLetters", stage+"Undelivered", stage+"Lost")
		late = append(late, stage+"Late")
	}
	stuck = append(stuck, "BusDeadLetters", "PipeDeadLetters", "ReconcileOpen", "RulesDeadLetters", "RulesUndelivered", "RulesLost", "RulesFailed", "RulesTimedOut", "RulesAborted")
	late = append(late, "BusRetrying", "PipeFailing", "ReconcilePatching")
	require.ElementsMatch(t, stuck, pages(t, tpl, tpl.one(t, "AWS::CloudWatch::CompositeAlarm", "MoneyStuck")))
	require.ElementsMatch(t, late, pages(t, tpl, tpl.one(t, "AWS::CloudWatch::CompositeAlarm", "MoneyLate")))
}

func TestAlarmsCanBeLeftOut(t *testing.T) {
	settings := defaults(t)
	with := synthesize(t, settings)
	settings.Alarms = "off"
	without := synthesize(t, settings)
	require.Empty(t, everyAlarm(without))
	left := slices.DeleteFunc(slices.Collect(maps.Keys(with.Resources)), func(id string) bool { return slices.Contains(everyAlarm(with), id) })
	require.ElementsMatch(t, left, slices.Collect(maps.Keys(without.Resources)))
	for _, s := range without.resourcePolicy(t, without.one(t, "AWS::SNS::Topic", "NoticesTopic")) {
		require.NotEqual(t, map[string]any{"Service": "cloudwatch.amazonaws.com"}, s.Principal, "nobody publishes without alarms")
	}
}

// CloudWatch bills each metric of an alarm, and composite alarms by themselves: the page says how many there are.
func TestThePageSaysWhatAlarmsCost(t *testing.T) {
	tpl := synthesize(t, defaults(t))
	metrics := 0
	for _, id := range tpl.ofType("AWS::CloudWatch::Alarm") {
		metrics += max(1, len(list(tpl.get(id, "Metrics")))-1)
	}
	page, err := os.ReadFile(filepath.Join("..", runbooks))
	require.NoError(t, err)
	want := fmt.Sprintf("%d metrics and %d composite alarms", metrics, len(tpl.ofType("AWS::CloudWatch::CompositeAlarm")))
	require.True(t, strings.Contains(string(page), want), "%s does not say that there are %s", runbooks, want)
	require.Less(t, len(tpl.Resources), 450, "a template has 500 resources at most")
}

func TestBusHasADeadLetterQueue(t *testing.T) {
	tpl := synthesize(t, defaults(t))
	bus := tpl.one(t, "AWS::Events::EventBus", "")
	queue := tpl.one(t, "AWS::SQS::Queue", "BusDeadLetters")
	require.Equal(t, queue, referred(tpl.get(bus, "DeadLetterConfig", "Arn")))
	allowed := 0
	for _, s := range tpl.resourcePolicy(t, queue) {
		if s.Effect != "Allow" {
			continue
		}
		// As the EventBridge guide has it for a bus: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html
		require.True(t, s.allows("sqs:SendMessage", queue))
		require.Equal(t, map[string]any{"Service": "events.amazonaws.com"}, s.Principal)
		require.Equal(t, map[string]any{"ArnEquals": map[string]any{"aws:SourceArn": map[string]any{"Fn::GetAtt": []any{bus, "Arn"}}}}, s.Condition)
		allowed++
	}
	require.Equal(t, 1, allowed)
}

// Whoever is told of a dead-letter queue finds what is in it.
func TestEveryDeadLetterQueueIsDescribed(t *testing.T) {
	tpl := synthesize(t, defaults(t))
	page, err := os.ReadFile(filepath.Join("..", "docs", "operating", "dead-letter-queues.md"))
	require.NoError(t, err)
	stages := regexp.MustCompile("`<Stage>Undelivered` for ([A-Za-z, ]+)").FindStringSubmatch(string(page))
	require.NotNil(t, stages)
	for _, id := range tpl.ofType("AWS::SQS::Queue") {
		if tpl.get(id, "RedrivePolicy") != nil {
			continue
		}
		queue := regexp.MustCompile(`[0-9A-F]{8}$`).ReplaceAllString(id, "")
		stage := strings.TrimSuffix(queue, "Undelivered")
		require.True(t, strings.Contains(string(page), "`"+queue+"`") || stage != queue && slices.Contains(strings.Split(strings.TrimSpace(stages[1]), ", "), stage), queue)
	}
}
