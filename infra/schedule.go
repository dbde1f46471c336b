package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2/awsevents"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// scheduledMemoryMB gives a job most of a processor: what it does is decode and hash, and it is paid for minutes a day.
const scheduledMemoryMB = 1024

// scheduledTimeoutSeconds is Lambda's longest: nobody waits for a job, and one that walks a day's payments takes minutes.
const scheduledTimeoutSeconds = 900

// newScheduledFunction runs the function functions/<name> on a schedule, a rate(…) or cron(…) in UTC. The schedule is a rule of
// the account's default bus, because custom buses take none. What the rule cannot deliver goes to one dead-letter queue; the event
// of a run that failed, which Lambda tries three times, to another. Runs may overlap and be repeated: the function must not mind.
func newScheduledFunction(stack constructs.Construct, name, schedule string, props stackProps, accesses ...access) function {
	scope := constructs.NewConstruct(stack, constructID(name))
	f := newFunction(scope, name, props, accesses...)
	code := f.lambda.Node().DefaultChild().(awslambda.CfnFunction)
	code.SetTimeout(jsii.Number(scheduledTimeoutSeconds))
	code.SetMemorySize(jsii.Number(scheduledMemoryMB))
	failed := newDeadLetterQueue(scope, "DeadLetters")
	code.SetDeadLetterConfig(&awslambda.CfnFunction_DeadLetterConfigProperty{TargetArn: failed.QueueArn()})
	f.role.AddToPolicy(allow([]*string{failed.QueueArn()}, "sqs:SendMessage"))

	undelivered := newDeadLetterQueue(scope, "Undelivered")
	rule := awsevents.NewCfnRule(scope, jsii.String("Schedule"), &awsevents.CfnRuleProps{
		Description:        jsii.String("Runs " + name),
		ScheduleExpression: jsii.String(schedule),
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
	acceptFromRule(undelivered, rule.AttrArn())
	awslambda.NewCfnPermission(scope, jsii.String("Permission"), &awslambda.CfnPermissionProps{
		Action:       jsii.String("lambda:InvokeFunction"),
		FunctionName: f.lambda.FunctionArn(),
		Principal:    jsii.String("events.amazonaws.com"),
		SourceArn:    rule.AttrArn(),
	})
	return f
}
