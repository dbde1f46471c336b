package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsevents"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

const (
	// batchSize is what one PutEvents call takes and the most that SQS gives without a batching window.
	batchSize = 10
	// batchWindowSeconds makes the mapping wait for more messages. Under load batches fill by themselves; without load a wait
	// would only be latency.
	batchWindowSeconds = 0
	// visibilitySeconds is six times the function's timeout plus the window, as AWS advises: while the function is throttled
	// the mapping keeps retrying a batch, which must not be given to another poller meanwhile.
	visibilitySeconds = 6*functionTimeoutSeconds + batchWindowSeconds
)

// processor is a function that consumes events of the bus through a queue of its own.
type processor struct {
	function
	queue awssqs.Queue
}

// newProcessor delivers the events that match to a queue and the queue's messages to the function functions/<name>, in
// batches. The function names the messages it failed on; these alone are tried again and at last set aside.
func newProcessor(stack constructs.Construct, name string, bus awsevents.EventBus, consumes pattern, props stackProps, accesses ...access) processor {
	scope := constructs.NewConstruct(stack, constructID(name))
	p := processor{
		function: newFunction(scope, name, props, accesses...),
		queue:    newQueue(scope, props.alarms, name, visibilitySeconds),
	}
	rule := newRule(scope, props.alarms, bus, "Events for "+name, consumes, p.queue.QueueArn(), nil)
	acceptFrom(rule.AttrArn(), p.queue)
	p.role.AddToPolicy(allow([]*string{p.queue.QueueArn()}, "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"))
	awslambda.NewEventSourceMapping(scope, jsii.String("Mapping"), &awslambda.EventSourceMappingProps{
		Target:                  p.lambda,
		EventSourceArn:          p.queue.QueueArn(),
		BatchSize:               jsii.Number(batchSize),
		MaxBatchingWindow:       awscdk.Duration_Seconds(jsii.Number(batchWindowSeconds)),
		ReportBatchItemFailures: jsii.Bool(true),
	})
	return p
}
