package main

import (
	"fmt"

	"github.com/aws/aws-cdk-go/awscdk/v2"
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

// newQueue makes the standard queue of a consumer. Messages that were tried maxReceiveCount times go to a dead-letter queue of its own.
func newQueue(scope constructs.Construct, alarms *alarms, consumer string, visibilitySeconds int) awssqs.Queue {
	failed := newDeadLetterQueue(scope, "DeadLetters", alarms,
		fmt.Sprintf("Events on which %s failed %d times have been set aside: nothing goes on with them.", consumer, maxReceiveCount), "failed-events")
	queue := awssqs.NewQueue(scope, jsii.String("Queue"), &awssqs.QueueProps{
		Encryption:        awssqs.QueueEncryption_SQS_MANAGED,
		EnforceSSL:        jsii.Bool(true),
		RetentionPeriod:   awscdk.Duration_Days(jsii.Number(queueRetentionDays)),
		VisibilityTimeout: awscdk.Duration_Seconds(jsii.Number(visibilitySeconds)),
		DeadLetterQueue: &awssqs.DeadLetterQueue{
			MaxReceiveCount: jsii.Number(maxReceiveCount),
			Queue:           failed,
		},
	})
	alarms.add(scope, "Late", lateQueue(consumer, queue))
	return queue
}

// newDeadLetterQueue makes a queue that nothing consumes: what is in it waits for a person, whom an alarm tells what it is and where
// the runbook says what to do.
func newDeadLetterQueue(scope constructs.Construct, id string, alarms *alarms, says, runbook string) awssqs.Queue {
	queue := awssqs.NewQueue(scope, jsii.String(id), &awssqs.QueueProps{
		Encryption:      awssqs.QueueEncryption_SQS_MANAGED,
		EnforceSSL:      jsii.Bool(true),
		RetentionPeriod: awscdk.Duration_Days(jsii.Number(queueRetentionDays)),
	})
	alarms.add(scope, id, setAside(*scope.Node().Id()+id, says, runbook, queue))
	return queue
}

// acceptFrom lets EventBridge send to the queue, for one rule or bus alone. Without this policy events vanish: neither a rule nor a
// dead-letter queue needs a role, and nothing but a metric tells that the queue refused.
func acceptFrom(ruleOrBusARN *string, queue awssqs.Queue) {
	queue.AddToResourcePolicy(allowService("events.amazonaws.com", "sqs:SendMessage", queue.QueueArn(),
		map[string]any{"ArnEquals": map[string]any{"aws:SourceArn": ruleOrBusARN}}))
}
