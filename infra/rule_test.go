package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/events"
)

// observers are the rules that look on: they see what others consume.
var observers = []string{"AuditLogRule", "TrackerRule", "NoticesRule"}

// examples are the checked-in events by their detail-type.
func examples(t *testing.T) map[string]map[string]any {
	t.Helper()
	found := map[string]map[string]any{}
	for _, contract := range events.Contracts() {
		data, err := os.ReadFile(filepath.Join("..", "events", "examples", string(contract.DetailType)+".json"))
		require.NoError(t, err)
		var event map[string]any
		require.NoError(t, json.Unmarshal(data, &event))
		require.Equal(t, string(contract.DetailType), event["detail-type"])
		found[string(contract.DetailType)] = event
	}
	return found
}

// matches tells whether an event matches a pattern of fields, each a list of strings, prefixes or absence, and of alternatives: all
// that the stack's patterns consist of. Anything else fails the test.
func matches(t *testing.T, eventPattern any, event map[string]any) bool {
	t.Helper()
	for field, allowed := range eventPattern.(map[string]any) {
		if field == "$or" {
			if !slices.ContainsFunc(allowed.([]any), func(alternative any) bool { return matches(t, alternative, event) }) {
				return false
			}
			continue
		}
		if below, nested := allowed.(map[string]any); nested {
			inner, _ := event[field].(map[string]any)
			if !matches(t, below, inner) {
				return false
			}
			continue
		}
		value, given := event[field].(string)
		if !slices.ContainsFunc(allowed.([]any), func(want any) bool {
			if matcher, ok := want.(map[string]any); ok {
				if exists, ok := matcher["exists"].(bool); ok {
					require.Len(t, matcher, 1)
					return exists == given
				}
				prefix, ok := matcher["prefix"].(string)
				require.True(t, ok && len(matcher) == 1, "pattern with %v", matcher)
				return strings.HasPrefix(value, prefix)
			}
			return value == want.(string)
		}) {
			return false
		}
	}
	return true
}

// matched is the kinds of example that a rule's pattern matches, sorted.
func matched(t *testing.T, tpl template, rulePrefix string) []string {
	t.Helper()
	rule := tpl.one(t, "AWS::Events::Rule", rulePrefix)
	var kinds []string
	for kind, event := range examples(t) {
		if matches(t, tpl.get(rule, "EventPattern"), event) {
			kinds = append(kinds, kind)
		}
	}
	slices.Sort(kinds)
	return kinds
}

func TestEachConsumerMatchesItsOwnEventsAlone(t *testing.T) {
	tpl := synthesize(t, defaults(t))
	consumers := map[string][]string{
		"StandardizeRule":      {"TransactionAuthorized"},
		"EnrichRule":           {"TransactionStandardized"},
		"RulesRule":            {"TransactionEnriched"},
		"AccountinterfaceRule": {"PostingRequested", "TransactionPostingApproved", "TransactionRoutedToSuspense"},
		"PostingRule":          {"PostingLegCreated", "PostingOrderCreated"},
		"DisputesRule":         {"DisputeAdvanced", "DisputeOpened"}, // and what was posted of a case: see TestDisputesHearOfTheirPostings
	}
	consumedBy := map[string]string{}
	for rule, want := range consumers {
		require.Equal(t, want, matched(t, tpl, rule), rule)
		for _, kind := range want {
			require.Empty(t, consumedBy[kind], "%s is consumed twice", kind)
			consumedBy[kind] = rule
		}
	}
	require.Len(t, tpl.busRules(), len(consumers)+len(observers), "a rule that this test does not know")
}

// Of all that is posted, what has the id of a case reaches the disputes.
func TestDisputesHearOfTheirPostings(t *testing.T) {
	tpl := synthesize(t, defaults(t))
	event := examples(t)["TransactionPosted"]
	sequence := event["detail"].(map[string]any)["data"].(map[string]any)["sequence"].(map[string]any)
	for authorization, want := range map[string]bool{"dsp_QGPEK3K3UMQWYLPIKNQWHZNJ4E": true, "auth-e2": false, "my-dsp_": false} {
		sequence["authorizationId"] = authorization
		require.Equal(t, want, matches(t, tpl.get(tpl.one(t, "AWS::Events::Rule", "DisputesRule"), "EventPattern"), event), authorization)
	}
}

func TestConsumersPinTheProducer(t *testing.T) {
	tpl := synthesize(t, defaults(t))
	for _, rule := range tpl.busRules() {
		if strings.HasPrefix(rule, "AuditLogRule") {
			continue
		}
		for kind, event := range examples(t) {
			event["source"] = "somebody.else"
			require.False(t, matches(t, tpl.get(rule, "EventPattern"), event), "%s matches %s of another producer", rule, kind)
		}
	}
}

func TestObservers(t *testing.T) {
	settings := defaults(t)
	var every []string
	for _, contract := range events.Contracts() {
		every = append(every, string(contract.DetailType))
	}
	slices.Sort(every)
	require.Equal(t, every, matched(t, synthesize(t, settings), "TrackerRule"))
	require.Equal(t, every, matched(t, synthesize(t, settings), "AuditLogRule"))
	require.Equal(t, []string{"DuplicateConflictDetected", "TransactionPostingFailed", "TransactionQuarantined", "TransactionRejected"},
		matched(t, synthesize(t, settings), "NoticesRule"))

	settings.Timeline = timelineOutcomes
	require.Equal(t, []string{
		"DuplicateConflictDetected", "DuplicateTransactionParked", "PostingOrderCreated", "PostingRequested", "ReconciliationPatchApplied",
		"TransactionPosted", "TransactionPostingFailed", "TransactionQuarantined", "TransactionRejected",
	}, matched(t, synthesize(t, settings), "TrackerRule"))

	settings.Timeline = timelineOff
	off := synthesize(t, settings)
	for id := range off.Resources {
		require.False(t, strings.HasPrefix(id, "Tracker"), id)
	}
	require.Contains(t, off.Outputs, "TimelineTable")
}

// A kind of event that several produce is for every rule the same whoever produced it: duplicates and conflicts that posting
// finds must reach the operators and the timeline as those of dedup do.
func TestRulesTakeAnEventFromEachOfItsProducers(t *testing.T) {
	settings := defaults(t)
	outcomes := settings
	outcomes.Timeline = timelineOutcomes
	for _, tpl := range []template{synthesize(t, settings), synthesize(t, outcomes)} {
		for _, contract := range events.Contracts() {
			event := examples(t)[string(contract.DetailType)]
			for _, rule := range tpl.busRules() {
				event["source"] = string(contract.Sources[0])
				want := matches(t, tpl.get(rule, "EventPattern"), event)
				for _, source := range contract.Sources {
					event["source"] = string(source)
					require.Equal(t, want, matches(t, tpl.get(rule, "EventPattern"), event), "%s and %s of %s", rule, contract.DetailType, source)
				}
			}
		}
	}
	require.Contains(t, on(events.DuplicateConflictDetected)["source"], string(events.SourcePosting))
}

// Every way a rule can fail is on record: the target accepts this rule, what it does not take goes to a dead-letter queue, and
// that accepts this rule as well.
func TestEveryRuleCanDeliverOrSetAside(t *testing.T) {
	tpl := synthesize(t, defaults(t))
	actions := map[string][]string{
		"AWS::SQS::Queue":                      {"sqs:SendMessage"},
		"AWS::SNS::Topic":                      {"sns:Publish"},
		"AWS::StepFunctions::StateMachine":     {"states:StartExecution"},
		"AWS::KinesisFirehose::DeliveryStream": {"firehose:PutRecord", "firehose:PutRecordBatch"},
	}
	setAside := map[string]string{}
	for _, rule := range tpl.busRules() {
		require.Equal(t, tpl.one(t, "AWS::Events::EventBus", ""), referred(tpl.get(rule, "EventBusName")), rule)
		targets := list(tpl.get(rule, "Targets"))
		require.Len(t, targets, 1, rule)
		target := targets[0].(map[string]any)
		require.Equal(t, map[string]any{"MaximumRetryAttempts": 185.0, "MaximumEventAgeInSeconds": 86400.0}, target["RetryPolicy"], rule)

		undelivered := referred(target["DeadLetterConfig"].(map[string]any)["Arn"])
		require.Equal(t, "AWS::SQS::Queue", tpl.Resources[undelivered].Type, rule)
		require.True(t, acceptsRule(t, tpl, undelivered, "sqs:SendMessage", rule), "%s refuses what %s could not deliver", undelivered, rule)
		require.Empty(t, setAside[undelivered], "two rules share a dead-letter queue")
		setAside[undelivered] = rule

		destination := referred(target["Arn"])
		wanted, known := actions[tpl.Resources[destination].Type]
		require.True(t, known, "%s has a target of type %s", rule, tpl.Resources[destination].Type)
		for _, action := range wanted {
			if role := referred(target["RoleArn"]); role != "" {
				require.True(t, slices.ContainsFunc(tpl.rolePolicy(t, role), func(s statement) bool { return s.allows(action, destination) }),
					"%s may not %s", role, action)
				continue
			}
			require.True(t, acceptsRule(t, tpl, destination, action, rule), "%s refuses %s", destination, rule)
		}
	}
}

// acceptsRule tells whether a resource's policy lets EventBridge act on it for one rule, and a queue's for that rule alone;
// a topic's must have no condition, which EventBridge does not support there.
func acceptsRule(t *testing.T, tpl template, resource, action, rule string) bool {
	t.Helper()
	accepted := 0
	for _, s := range tpl.resourcePolicy(t, resource) {
		if s.Effect != "Allow" || isFromAlarms(tpl, resource, s) {
			continue
		}
		require.True(t, s.allows(action, resource), "%s allows %v", resource, s.Actions)
		require.Equal(t, map[string]any{"Service": "events.amazonaws.com"}, s.Principal, resource)
		var want map[string]any
		if tpl.Resources[resource].Type == "AWS::SQS::Queue" {
			want = map[string]any{"ArnEquals": map[string]any{"aws:SourceArn": map[string]any{"Fn::GetAtt": []any{rule, "Arn"}}}}
		}
		require.Equal(t, want, s.Condition, resource)
		accepted++
	}
	return accepted == 1
}

// isFromAlarms tells whether a statement is the one of the operator topic by which alarms reach it.
func isFromAlarms(tpl template, resource string, s statement) bool {
	principal, _ := s.Principal.(map[string]any)
	return tpl.Resources[resource].Type == "AWS::SNS::Topic" && principal["Service"] == "cloudwatch.amazonaws.com"
}
