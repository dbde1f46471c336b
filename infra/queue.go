package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

const (
	// queueRetentionDays is SQS's maximum. A message keeps its age when it moves to the dead-letter queue, so that a shorter
	// retention of either queue could only lose it earlier.
	queueRetentionDays = 14
	// maxReceiveCount is how often a message is tried before it is set aside. AWS advises at least five for Lambda: a message
	// received while the function is throttled counts too.
	maxReceiveCount = 5
)

// newQueue makes a standard queue whose messages, once tried maxReceiveCount times, go to a dead-letter queue of its own.
func newQueue(scope constructs.Construct, visibilitySeconds int) awssqs.Queue {
	return awssqs.NewQueue(scope, jsii.String("Queue"), &awssqs.QueueProps{
		Encryption:        awssqs.QueueEncryption_SQS_MANAGED,
		EnforceSSL:        jsii.Bool(true),
		RetentionPeriod:   awscdk.Duration_Days(jsii.Number(queueRetentionDays)),
		VisibilityTimeout: awscdk.Duration_Seconds(jsii.Number(visibilitySeconds)),
		DeadLetterQueue: &awssqs.DeadLetterQueue{
			MaxReceiveCount: jsii.Number(maxReceiveCount),
			Queue:           newDeadLetterQueue(scope, "DeadLetters"),
		},
	})
}

// newDeadLetterQueue makes a queue that nothing consumes: what is in it waits for a person.
func newDeadLetterQueue(scope constructs.Construct, id string) awssqs.Queue {
	return awssqs.NewQueue(scope, jsii.String(id), &awssqs.QueueProps{
		Encryption:      awssqs.QueueEncryption_SQS_MANAGED,
		EnforceSSL:      jsii.Bool(true),
		RetentionPeriod: awscdk.Duration_Days(jsii.Number(queueRetentionDays)),
	})
}

// acceptFromRule lets EventBridge send to the queue, for one rule alone. Without this policy events vanish: neither a rule nor
// its dead-letter queue needs a role, and nothing but a metric tells that the queue refused.
func acceptFromRule(queue awssqs.Queue, ruleARN *string) {
	queue.AddToResourcePolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Principals: &[]awsiam.IPrincipal{awsiam.NewServicePrincipal(jsii.String("events.amazonaws.com"), nil)},
		Actions:    jsii.Strings("sqs:SendMessage"),
		Resources:  &[]*string{queue.QueueArn()},
		Conditions: &map[string]any{"ArnEquals": map[string]any{"aws:SourceArn": ruleARN}},
	}))
}
