package main

import (
	"fmt"
	"maps"
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2/awsevents"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/payrail/payrail/events"
	"github.com/payrail/payrail/payment"
)

// EventBridge's own limits, which are also its defaults; they are written down because a change of them changes when an event
// reaches the dead-letter queue.
const (
	deliveryAttempts      = 185
	deliveryMaxAgeSeconds = 24 * 60 * 60
)

// pattern is an EventBridge event pattern.
type pattern map[string]any

// on is the pattern of some kinds of event. It pins their producers too: a kind alone would match events that somebody else
// puts under that name.
func on(kinds ...events.DetailType) pattern {
	var sources []string
	var detailTypes []string
	for _, contract := range events.Contracts() {
		if !slices.Contains(kinds, contract.DetailType) {
			continue
		}
		detailTypes = append(detailTypes, string(contract.DetailType))
		for _, source := range contract.Sources {
			if !slices.Contains(sources, string(source)) {
				sources = append(sources, string(source))
			}
		}
	}
	if len(detailTypes) != len(kinds) {
		panic(fmt.Sprintf("a rule is for %v, of which only %v are in the event contract", kinds, detailTypes))
	}
	return pattern{"source": sources, "detail-type": detailTypes}
}

// newsOfDisputes is the pattern of what moves a dispute: what is done about the case, and the postings of cases, which stand in the
// journal under the case's id as those of payments do under the authorization's. An authorization may have such an id by
// chance: the consumer looks it up.
func newsOfDisputes() pattern {
	cases, posted := on(events.DisputeOpened, events.DisputeAdvanced), on(events.TransactionPosted)
	posted["detail"] = map[string]any{"data": map[string]any{"sequence": map[string]any{"authorizationId": []any{map[string]any{"prefix": payment.CaseIDPrefix}}}}}
	return pattern{"$or": []any{map[string]any(cases), map[string]any(posted)}}
}

// everyEvent is the pattern of all events on the bus: a rule must have a pattern, and every event has a source.
func everyEvent() pattern {
	return pattern{"source": []any{map[string]any{"prefix": ""}}}
}

// notReplayed is the pattern without the events of a replay, which carry its name.
func (p pattern) notReplayed() pattern {
	limited := maps.Clone(p)
	limited["replay-name"] = []any{map[string]any{"exists": false}}
	return limited
}

// newRule delivers the events of the bus that match a pattern to one target. What cannot be delivered goes to a dead-letter
// queue of the rule's own, and alarms tell. roleARN is nil where the target has a resource policy instead.
func newRule(scope constructs.Construct, alarms *alarms, bus awsevents.EventBus, description string, matches pattern, targetARN, roleARN *string) awsevents.CfnRule {
	undelivered := newUndeliveredQueue(scope, alarms)
	rule := awsevents.NewCfnRule(scope, jsii.String("Rule"), &awsevents.CfnRuleProps{
		Description:  jsii.String(description),
		EventBusName: bus.EventBusName(),
		EventPattern: map[string]any(matches),
		Targets: []any{&awsevents.CfnRule_TargetProperty{
			Id:               jsii.String("Target"),
			Arn:              targetARN,
			RoleArn:          roleARN,
			DeadLetterConfig: &awsevents.CfnRule_DeadLetterConfigProperty{Arn: undelivered.QueueArn()},
			RetryPolicy: &awsevents.CfnRule_RetryPolicyProperty{
				MaximumRetryAttempts:     jsii.Number(deliveryAttempts),
				MaximumEventAgeInSeconds: jsii.Number(deliveryMaxAgeSeconds),
			},
		}},
	})
	acceptFrom(rule.AttrArn(), undelivered)
	alarms.add(scope, "Lost", lostByRule(*scope.Node().Id(), onBus(bus, rule)))
	return rule
}

// newUndeliveredQueue makes the dead-letter queue of a rule.
func newUndeliveredQueue(scope constructs.Construct, alarms *alarms) awssqs.Queue {
	return newDeadLetterQueue(scope, "Undelivered", alarms,
		fmt.Sprintf("The rule %s could not deliver events to its target: they have been set aside, and nothing goes on with them.", *scope.Node().Id()), "undelivered-events")
}
