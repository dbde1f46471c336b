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
func newPipe(stack constructs.Construct, authorizations awsdynamodb.Table, dedup function, bus awsevents.EventBus) {
	scope := constructs.NewConstruct(stack, jsii.String("Pipe"))
	setAside := newDeadLetterQueue(scope, "DeadLetters")
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
