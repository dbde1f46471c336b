package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsevents"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsstepfunctions"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/payrail/payrail/events"
)

const (
	// rulesDefinition is the state machine's definition, in the repository.
	rulesDefinition = "statemachines/posting-rules.asl.json"
	// ruleSetVersion is recorded with every decision. Change it with the rules.
	ruleSetVersion = "2026-11-22"
)

// newRulesEngine decides on every event that matches, in a state machine of its own: Express, because a Standard workflow costs
// more than everything else together and starts a third as many per second. What the machine catches goes, with its input, to
// a queue for rules that failed; what could not be started goes to the rule's own dead-letter queue.
func newRulesEngine(stack constructs.Construct, bus awsevents.EventBus, consumes pattern, props stackProps) awsstepfunctions.StateMachine {
	scope := constructs.NewConstruct(stack, jsii.String("Rules"))
	failed := newDeadLetterQueue(scope, "DeadLetters", props.alarms,
		"Enriched payments on which the rules failed have been set aside: they have no decision.", "failed-rules")
	role := newRole(scope, "Role", "states.amazonaws.com", "Publishes the rules' decisions and sets failures aside", forThisAccount())
	role.AddToPolicy(allowPutEvents(bus, events.SourceRules))
	role.AddToPolicy(allow([]*string{failed.QueueArn()}, "sqs:SendMessage"))

	machine := awsstepfunctions.NewStateMachine(scope, jsii.String("StateMachine"), &awsstepfunctions.StateMachineProps{
		StateMachineType: awsstepfunctions.StateMachineType_EXPRESS,
		// From a string it stays in the template, where the local runtime finds it; from a file it would be an asset.
		DefinitionBody: awsstepfunctions.DefinitionBody_FromString(jsii.String(props.RulesDefinition)),
		DefinitionSubstitutions: &map[string]*string{
			"EventBusName":           bus.EventBusName(),
			"RulesDlqUrl":            failed.QueueUrl(),
			"CurrencyConversionMode": jsii.String(props.Settings.CurrencyConversion),
			"RuleSetVersion":         jsii.String(ruleSetVersion),
		},
		Role: role,
		Logs: &awsstepfunctions.LogOptions{
			Destination: rulesLogs(scope),
			// An Express execution keeps no history: this is the only trace of one that failed.
			Level: awsstepfunctions.LogLevel_ERROR,
			// The data is in the audit bucket; here it would only be a second copy to protect.
			IncludeExecutionData: jsii.Bool(false),
		},
	})
	starter := newRole(scope, "StartRole", "events.amazonaws.com", "Starts the rules engine", forThisAccount())
	starter.AddToPolicy(allow([]*string{machine.StateMachineArn()}, "states:StartExecution"))
	newRule(scope, props.alarms, bus, "Events for the rules engine", consumes, machine.StateMachineArn(), starter.RoleArn())
	watchExecutions(scope, props.alarms, machine)
	awscdk.Tags_Of(scope).Add(jsii.String("component"), jsii.String("rules"), nil)
	return machine
}

// rulesLogs is the state machine's log group. Under the prefix for vended logs a log group needs no entry in the account's
// resource policy for log delivery, whose size is limited.
func rulesLogs(scope constructs.Construct) awslogs.LogGroup {
	return awslogs.NewLogGroup(scope, jsii.String("Logs"), &awslogs.LogGroupProps{
		LogGroupName:  jsii.String("/aws/vendedlogs/states/" + *awscdk.Stack_Of(scope).StackName() + "-posting-rules"),
		Retention:     logRetention,
		RemovalPolicy: awscdk.RemovalPolicy_DESTROY,
	})
}

// watchExecutions tells of executions that ended without a decision. An Express execution that failed after it started comes back by
// no retry and is in no queue: reconciliation finds the payment, and starts it again. What is rejected before it starts is the
// rule's to retry. https://docs.aws.amazon.com/step-functions/latest/dg/procedure-cw-metrics.html
func watchExecutions(scope constructs.Construct, alarms *alarms, machine awsstepfunctions.StateMachine) {
	for _, end := range []struct{ name, metric, says string }{
		{"Failed", "ExecutionsFailed", "Executions of the rules failed after they started"},
		{"TimedOut", "ExecutionsTimedOut", "Executions of the rules ran out of time"},
		{"Aborted", "ExecutionsAborted", "Executions of the rules were stopped"},
	} {
		alarms.add(scope, end.name, alarm{
			name:      "Rules" + end.name,
			says:      end.says + ": their payments are in no queue, and reconciliation must bring them back.",
			runbook:   "rules-executions",
			metrics:   []metric{{"AWS/States", end.metric, "Sum", map[string]*string{"StateMachineArn": machine.StateMachineArn()}}},
			threshold: 1, period: occurrence, periods: 1,
			urgency: stuck,
		})
	}
}
