package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"
	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/events"
	"github.com/payrail/payrail/infra/edges"
)

const (
	edgesPage = "docs/operating/delivery-edges.md"
	// generated separates what is written by hand from what the template says.
	generated = "<!-- Generated from the template: go test ./infra -update -->\n"
)

// read lists the edges of a template.
func read(t *testing.T, tpl template) ([]edges.Edge, error) {
	t.Helper()
	data, err := json.Marshal(tpl)
	require.NoError(t, err)
	return edges.Read(data)
}

// Nothing is handed on without somebody who tries again, a place where it ends, an alarm and a way back; and the page says so.
func TestEveryDeliveryEdgeIsInThePage(t *testing.T) {
	found, err := read(t, synthesize(t, defaults(t)))
	require.NoError(t, err)
	page := filepath.Join("..", edgesPage)
	written, err := os.ReadFile(page)
	require.NoError(t, err)
	prose, _, ok := strings.Cut(string(written), generated)
	require.True(t, ok, "%s has no place for what is generated", edgesPage)
	want := prose + generated + edges.Markdown(found, stackName)
	if *update {
		require.NoError(t, os.WriteFile(page, []byte(want), 0o644))
		return
	}
	require.Equal(t, want, string(written), "go test ./infra -update, if this is meant")
}

func TestEdgesOfOtherSettings(t *testing.T) {
	settings := defaults(t)
	settings.Timeline = timelineOff
	_, err := read(t, synthesize(t, settings))
	require.NoError(t, err)
	settings = defaults(t)
	settings.Timeline = timelineOutcomes
	_, err = read(t, synthesize(t, settings))
	require.NoError(t, err)
}

// Without its part of the template an edge is refused: this is what keeps the page true.
func TestAnEdgeThatLacksSomethingIsRefused(t *testing.T) {
	tpl := synthesize(t, defaults(t))
	target := func(resources map[string]resource, prefix string) map[string]any {
		rule := template{Resources: resources}.one(t, "AWS::Events::Rule", prefix)
		return list(resources[rule].Properties["Targets"])[0].(map[string]any)
	}
	find := func(resources map[string]resource, kind, prefix string) map[string]any {
		return resources[template{Resources: resources}.one(t, kind, prefix)].Properties
	}
	tests := map[string]struct {
		spoil func(map[string]resource)
		want  string
	}{
		"a rule without a dead-letter queue": {func(r map[string]resource) { delete(target(r, "PostingRule"), "DeadLetterConfig") }, "PostingRule has no dead-letter queue"},
		"a rule without a retry policy":      {func(r map[string]resource) { delete(target(r, "PostingRule"), "RetryPolicy") }, "PostingRule: its target has no retry policy"},
		"a target of another type": {func(r map[string]resource) {
			target(r, "PostingRule")["Arn"] = map[string]any{"Fn::GetAtt": []any{template{Resources: r}.functionID(t, "posting"), "Arn"}}
		}, "PostingRule: nothing is known of a target of type AWS::Lambda::Function"},
		"a queue without a dead-letter queue": {func(r map[string]resource) { delete(find(r, "AWS::SQS::Queue", "PostingQueue"), "RedrivePolicy") }, "PostingQueue has no dead-letter queue"},
		"a dead-letter queue without an alarm": {func(r map[string]resource) {
			delete(r, template{Resources: r}.one(t, "AWS::CloudWatch::Alarm", "PostingDeadLettersAlarm"))
		}, "PostingDeadLetters: no alarm watches its AWS/SQS ApproximateNumberOfMessagesVisible"},
		"an alarm on something else": {func(r map[string]resource) {
			find(r, "AWS::CloudWatch::Alarm", "PostingLateAlarm")["MetricName"] = "NumberOfMessagesSent"
		}, "Payrail-PostingLate: no edge is watched by this alarm"},
		"an alarm that tells nobody": {func(r map[string]resource) {
			delete(find(r, "AWS::CloudWatch::Alarm", "PostingLateAlarm"), "AlarmActions")
		}, "Payrail-PostingLate: it does not tell the operator topic alone"},
		"a queue of nobody's": {func(r map[string]resource) {
			r["Orphan"] = resource{Type: "AWS::SQS::Queue"}
		}, "Orphan: nothing sends to this queue"},
		"a bus without a dead-letter queue": {func(r map[string]resource) { delete(find(r, "AWS::Events::EventBus", "Bus"), "DeadLetterConfig") }, "Bus has no dead-letter queue"},
		"a pipe without bisection": {func(r map[string]resource) {
			delete(find(r, "AWS::Pipes::Pipe", "Pipe")["SourceParameters"].(map[string]any)["DynamoDBStreamParameters"].(map[string]any), "OnPartialBatchItemFailure")
		}, "one bad record takes its batch along"},
		"a job without a dead-letter queue": {func(r map[string]resource) {
			delete(find(r, "AWS::Lambda::Function", "DigestFunction"), "DeadLetterConfig")
		}, "DigestFunction has no dead-letter queue"},
		"a subscription":         {func(r map[string]resource) { r["Mail"] = resource{Type: "AWS::SNS::Subscription"} }, "Mail: say in infra/edges whether a resource of type AWS::SNS::Subscription hands something on"},
		"a stream without a bin": {func(r map[string]resource) { deliveryStream(t, r)["ErrorOutputPrefix"] = "" }, "what it cannot file has no prefix"},
		"a stopped pipe that nothing tells of": {func(r map[string]resource) {
			delete(r, template{Resources: r}.one(t, "AWS::CloudWatch::Alarm", "ReconcilePatching"))
		}, "ReconcileFunction: no alarm watches its Payrail PatchedBreaks"},
		"a schedule whose silence nothing tells of": {func(r map[string]resource) {
			delete(r, template{Resources: r}.one(t, "AWS::CloudWatch::Alarm", "ReconcileSilent"))
		}, "ReconcileFunction: no alarm watches its AWS/Lambda Invocations"},
		"reconciliation that is gone": {func(r map[string]resource) { delete(r, template{Resources: r}.functionID(t, "reconcile")) }, "nothing reconciles"},
		"a permission without an edge": {func(r map[string]resource) {
			allowTo(t, r, "TrackerRole", "sqs:SendMessage", "PostingQueue")
		}, "TrackerFunction may sqs:SendMessage to PostingQueue: there is no such edge"},
		"a permission of a service that is not known": {func(r map[string]resource) {
			allowTo(t, r, "TrackerRole", "kinesis:PutRecord", "PostingQueue")
		}, "TrackerFunction may kinesis:PutRecord: say in infra/edges whether that hands something on"},
		"a task that is not caught": {func(r map[string]resource) {
			machine := find(r, "AWS::StepFunctions::StateMachine", "Rules")
			machine["DefinitionString"] = regexp.MustCompile(`"Catch":`).ReplaceAllString(machine["DefinitionString"].(string), `"Caught":`)
		}, "is not tried again, or not caught"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var copied template
			data, err := json.Marshal(tpl)
			require.NoError(t, err)
			require.NoError(t, json.Unmarshal(data, &copied))
			test.spoil(copied.Resources)
			_, err = read(t, copied)
			require.ErrorContains(t, err, test.want)
		})
	}
}

func deliveryStream(t *testing.T, r map[string]resource) map[string]any {
	t.Helper()
	return r[template{Resources: r}.one(t, "AWS::KinesisFirehose::DeliveryStream", "")].Properties["ExtendedS3DestinationConfiguration"].(map[string]any)
}

// allowTo adds a permission to a role.
func allowTo(t *testing.T, r map[string]resource, role, action, queue string) {
	t.Helper()
	tpl := template{Resources: r}
	r["Added"] = resource{Type: "AWS::IAM::Policy", Properties: map[string]any{
		"Roles": []any{map[string]any{"Ref": tpl.one(t, "AWS::IAM::Role", role)}},
		"PolicyDocument": map[string]any{"Statement": []any{map[string]any{"Effect": "Allow", "Action": action,
			"Resource": map[string]any{"Fn::GetAtt": []any{tpl.one(t, "AWS::SQS::Queue", queue), "Arn"}}}}},
	}}
}

// A processor is one line in stack.go, and brings its edges, its dead-letter queues and its alarms along.
func TestAProcessorBringsItsEdges(t *testing.T) {
	folder, outdir := t.TempDir(), t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(folder, executable), []byte("another"), 0o755))
	flags, err := readFlags("..")
	require.NoError(t, err)
	app := newApp(outdir, flags)
	stack := awscdk.NewStack(app, jsii.String(stackName), nil)
	operators := newNotices(stack)
	props := stackProps{Settings: defaults(t), Code: map[string]string{"another": folder}, alarms: newAlarms(operators.topic, defaults(t))}
	bus := newBus(stack, props.alarms)
	newProcessor(stack, "another", bus, on(events.TransactionPosted), props, publishes(bus))
	operators.of(bus, on(events.TransactionRejected), props.alarms.quiet())
	newPages(stack, props.alarms)
	app.Synth(nil)

	found, err := read(t, readTemplate(t, outdir))
	require.NoError(t, err)
	var rows []edges.Edge
	for _, e := range found {
		if strings.HasPrefix(e.From, "Another") || strings.HasPrefix(e.To, "Another") {
			e.Retries, e.Repair = "", nil
			rows = append(rows, e)
		}
	}
	failed := []string{"Payrail-AnotherDeadLetters", "Payrail-AnotherLate"}
	require.Equal(t, []edges.Edge{
		{Kind: edges.FunctionToBus, From: "AnotherFunction", To: "Bus", Ends: []string{"AnotherDeadLetters"}, Alarms: failed},
		{Kind: edges.RuleToQueue, From: "AnotherRule", To: "AnotherQueue", Ends: []string{"AnotherUndelivered"},
			Alarms: []string{"Payrail-AnotherUndelivered", "Payrail-AnotherLost", "Payrail-BusRetrying"}},
		{Kind: edges.QueueToFunction, From: "AnotherQueue", To: "AnotherFunction", Ends: []string{"AnotherDeadLetters"}, Alarms: failed},
	}, rows)
}
