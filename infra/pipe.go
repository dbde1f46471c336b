package main

import (
	"encoding/json"
	"fmt"

	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsevents"
	"github.com/aws/aws-cdk-go/awscdk/v2/awspipes"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/payrail/payrail/events"
)

const (
	// pipeBatchSize is the most that a bus takes as a pipe's target, and so the most the source may give.
	pipeBatchSize = 10
	// pipeParallelization is the most a pipe allows per shard. Order is kept per item even then, and nothing here needs more.
	pipeParallelization = 10
	// pipeRetryAttempts bounds how long a batch that fails for a reason of its own holds up its shard: the default is until
	// the records expire. With bisection a single bad record is tried this often again, alone, before it is set aside.
	pipeRetryAttempts = 10
	// pipeMaxAgeSeconds sets a record aside before the stream drops it, after 24 hours: the dead letter names the record
	// and does not hold it, and the authorization can be read again from its table.
	pipeMaxAgeSeconds = 20 * 60 * 60
)

// newPipe carries approved authorizations from the table's stream through dedup to the bus. There is no input template: dedup
// gets the stream records as they are, in a bare array, and returns the details of the events to put.
func newPipe(stack constructs.Construct, authorizations awsdynamodb.Table, dedup function, bus awsevents.EventBus, alarms *alarms) {
	scope := constructs.NewConstruct(stack, jsii.String("Pipe"))
	setAside := newDeadLetterQueue(scope, "DeadLetters", alarms,
		"The pipe gave authorizations up: they have not reached the bus.", "pipe-dead-letters")
	role := newRole(scope, "Role", "pipes.amazonaws.com", "Reads the authorizations' stream, invokes dedup, puts on the bus", forThisAccount())
	role.AddToPolicy(allow([]*string{authorizations.TableStreamArn()},
		"dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:ListStreams"))
	role.AddToPolicy(allow([]*string{dedup.lambda.FunctionArn()}, "lambda:InvokeFunction"))
	role.AddToPolicy(allowPutEvents(bus, dedup.source()))
	role.AddToPolicy(allow([]*string{setAside.QueueArn()}, "sqs:SendMessage"))

	pipe := awspipes.NewCfnPipe(scope, jsii.String("Resource"), &awspipes.CfnPipeProps{
		Description: jsii.String("Approved authorizations, checked by dedup, as TransactionAuthorized"),
		RoleArn:     role.RoleArn(),
		Source:      authorizations.TableStreamArn(),
		SourceParameters: &awspipes.CfnPipe_PipeSourceParametersProperty{
			FilterCriteria: &awspipes.CfnPipe_FilterCriteriaProperty{
				Filters: []any{&awspipes.CfnPipe_FilterProperty{Pattern: jsii.String(approvedRecords())}},
			},
			DynamoDbStreamParameters: &awspipes.CfnPipe_PipeSourceDynamoDBStreamParametersProperty{
				// A pipe that starts at the latest record misses what is written while it is being created.
				StartingPosition:          jsii.String("TRIM_HORIZON"),
				BatchSize:                 jsii.Number(pipeBatchSize),
				ParallelizationFactor:     jsii.Number(pipeParallelization),
				OnPartialBatchItemFailure: jsii.String("AUTOMATIC_BISECT"),
				MaximumRetryAttempts:      jsii.Number(pipeRetryAttempts),
				MaximumRecordAgeInSeconds: jsii.Number(pipeMaxAgeSeconds),
				DeadLetterConfig:          &awspipes.CfnPipe_DeadLetterConfigProperty{Arn: setAside.QueueArn()},
			},
		},
		Enrichment: dedup.lambda.FunctionArn(),
		Target:     bus.EventBusArn(),
		TargetParameters: &awspipes.CfnPipe_PipeTargetParametersProperty{
			EventBridgeEventBusParameters: &awspipes.CfnPipe_PipeTargetEventBridgeEventBusParametersProperty{
				DetailType: jsii.String(string(events.TransactionAuthorized)),
				Source:     jsii.String(string(dedup.source())),
			},
		},
	})
	// CloudFormation knows from RoleArn to create the role first, but not its policy; a pipe without it does not stabilize.
	pipe.Node().AddDependency(role)
	alarms.add(scope, "Failing", failingPipe(pipe))
}

// A pipe tries a batch again by itself, with growing pauses, and a shard waits meanwhile: failingPeriods minutes out of
// failingWithin mean that it does not come right by the second try.
const (
	failingPeriods = 3
	failingWithin  = 10
)

// failingPipe is the alarm of a pipe that does not get its batches through, before it gives them up. A pipe that runs has a data point,
// zero, of each of these metrics, and one that rests has none of any.
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-pipes-monitoring.html
func failingPipe(pipe awspipes.CfnPipe) alarm {
	var metrics []metric
	for _, name := range []string{"ExecutionFailed", "ExecutionPartiallyFailed", "ExecutionTimeout", "ExecutionThrottled"} {
		metrics = append(metrics, metric{"AWS/EventBridge/Pipes", name, "Sum", map[string]*string{"PipeName": pipe.Ref()}})
	}
	return alarm{
		name:      "PipeFailing",
		says:      "The pipe has not got every authorization to the bus in several minutes out of ten: it tries again, and others wait behind them.",
		runbook:   "pipe-failing",
		metrics:   metrics,
		threshold: 1, period: minute, periods: failingPeriods, within: failingWithin,
		urgency: late,
	}
}

// approvedRecords is the filter of the pipe: items written or changed that are approved authorizations.
func approvedRecords() string {
	filter, err := json.Marshal(map[string]any{
		"eventName": []string{"INSERT", "MODIFY"},
		"dynamodb":  map[string]any{"NewImage": map[string]any{"status": map[string]any{"S": []string{"APPROVED"}}}},
	})
	if err != nil {
		panic(fmt.Sprintf("encoding the pipe's filter: %v", err)) // literals only
	}
	return string(filter)
}
