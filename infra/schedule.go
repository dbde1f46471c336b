package main

import (
	"fmt"

	"github.com/aws/aws-cdk-go/awscdk/v2/awsevents"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// scheduledMemoryMB gives a job most of a processor: what it does is decode and hash, and it is paid for minutes a day.
const scheduledMemoryMB = 1024

// scheduledTimeoutSeconds is Lambda's longest: nobody waits for a job, and one that walks a day's payments takes minutes.
const scheduledTimeoutSeconds = 900

// schedule is when a function runs: a rate(…) or cron(…) in UTC, and how many seconds that is from run to run.
type schedule struct {
	expression string
	every      int
}

// newScheduledFunction runs the function functions/<name> on a schedule. The schedule is a rule of
// the account's default bus, because custom buses take none. What the rule cannot deliver goes to one dead-letter queue; the event
// of a run that failed, which Lambda tries three times, to another. Runs may overlap and be repeated: the function must not mind.
// No money waits for a job: its alarms are not urgent.
func newScheduledFunction(stack constructs.Construct, name string, when schedule, props stackProps, accesses ...access) function {
	scope, alarms := constructs.NewConstruct(stack, constructID(name)), props.alarms.quiet()
	f := newFunction(scope, name, props, accesses...)
	code := f.lambda.Node().DefaultChild().(awslambda.CfnFunction)
	code.SetTimeout(jsii.Number(scheduledTimeoutSeconds))
	code.SetMemorySize(jsii.Number(scheduledMemoryMB))
	failed := newDeadLetterQueue(scope, "DeadLetters", alarms,
		fmt.Sprintf("A run of %s failed three times.", name), "failed-jobs")
	code.SetDeadLetterConfig(&awslambda.CfnFunction_DeadLetterConfigProperty{TargetArn: failed.QueueArn()})
	f.role.AddToPolicy(allow([]*string{failed.QueueArn()}, "sqs:SendMessage"))

	undelivered := newUndeliveredQueue(scope, alarms)
	rule := awsevents.NewCfnRule(scope, jsii.String("Schedule"), &awsevents.CfnRuleProps{
		Description:        jsii.String("Runs " + name),
		ScheduleExpression: jsii.String(when.expression),
		Targets: []any{&awsevents.CfnRule_TargetProperty{
			Id:               jsii.String("Target"),
			Arn:              f.lambda.FunctionArn(),
			DeadLetterConfig: &awsevents.CfnRule_DeadLetterConfigProperty{Arn: undelivered.QueueArn()},
			RetryPolicy: &awsevents.CfnRule_RetryPolicyProperty{
				MaximumRetryAttempts:     jsii.Number(deliveryAttempts),
				MaximumEventAgeInSeconds: jsii.Number(deliveryMaxAgeSeconds),
			},
		}},
	})
	acceptFrom(rule.AttrArn(), undelivered)
	alarms.add(scope, "Lost", lostByRule(*constructID(name), onSchedule(rule)))
	alarms.add(scope, "DeadLetterErrors", lostByFunction(name, f))
	alarms.add(scope, "Silent", neverRun(name, when, f))
	awslambda.NewCfnPermission(scope, jsii.String("Permission"), &awslambda.CfnPermissionProps{
		Action:       jsii.String("lambda:InvokeFunction"),
		FunctionName: f.lambda.FunctionArn(),
		Principal:    jsii.String("events.amazonaws.com"),
		SourceArn:    rule.AttrArn(),
	})
	return f
}

// lostByFunction is the alarm of a function whose dead-letter queue refused the event of a run that failed. (What was dropped and is
// in that queue counts as AsyncEventsDropped too: the queue's own alarm tells of it.)
// https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
func lostByFunction(name string, f function) alarm {
	return alarm{
		name:      *constructID(name) + "DeadLetterErrors",
		says:      fmt.Sprintf("A run of %s failed three times, and its dead-letter queue refused it.", name),
		runbook:   "failed-jobs",
		metrics:   []metric{{"AWS/Lambda", "DeadLetterErrors", "Sum", map[string]*string{"FunctionName": f.lambda.FunctionName()}}},
		threshold: 1, period: occurrence, periods: 1,
		urgency: records,
	}
}

// missedRuns is how many runs in a row must be missing at least: one may be late, or be counted into the period of its neighbour.
const missedRuns = 3

// neverRun is the alarm of a schedule that does not run its function at all: its rule was switched off or deleted. Then nothing fails,
// and no other alarm tells.
func neverRun(name string, when schedule, f function) alarm {
	return alarm{
		name:    *constructID(name) + "Silent",
		says:    fmt.Sprintf("The schedule has not run %s at least %d times in a row.", name, missedRuns),
		runbook: "silent-jobs",
		metrics: []metric{{"AWS/Lambda", "Invocations", "Sum", map[string]*string{"FunctionName": f.lambda.FunctionName()}}},
		period:  when.every, periods: missedRuns, silence: true,
		urgency: records,
	}
}
