package main

import (
	"encoding/json"
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPipe(t *testing.T) {
	tpl := synthesize(t, defaults(t))
	pipe := tpl.one(t, "AWS::Pipes::Pipe", "")
	table := tpl.one(t, "AWS::DynamoDB::Table", "TablesAuthorizations")
	dedup := tpl.functionID(t, "dedup")
	bus := tpl.one(t, "AWS::Events::EventBus", "")

	stream := maps.Clone(tpl.get(pipe, "SourceParameters", "DynamoDBStreamParameters").(map[string]any))
	deadLetters := referred(stream["DeadLetterConfig"].(map[string]any)["Arn"])
	delete(stream, "DeadLetterConfig")
	require.Equal(t, map[string]any{
		"StartingPosition":          "TRIM_HORIZON",
		"BatchSize":                 10.0, // the most that a bus takes
		"ParallelizationFactor":     10.0,
		"OnPartialBatchItemFailure": "AUTOMATIC_BISECT",
		"MaximumRetryAttempts":      10.0,
		"MaximumRecordAgeInSeconds": 72000.0, // less than the stream's 24 hours
	}, stream)
	require.Equal(t, "AWS::SQS::Queue", tpl.Resources[deadLetters].Type)

	require.Equal(t, map[string]any{"Fn::GetAtt": []any{table, "StreamArn"}}, tpl.get(pipe, "Source"))
	require.Equal(t, dedup, referred(tpl.get(pipe, "Enrichment")))
	require.Nil(t, tpl.get(pipe, "EnrichmentParameters"), "dedup gets the bare records")
	require.Equal(t, bus, referred(tpl.get(pipe, "Target")))
	require.Equal(t, map[string]any{"EventBridgeEventBusParameters": map[string]any{
		"DetailType": "TransactionAuthorized", "Source": "payrail.dedup",
	}}, tpl.get(pipe, "TargetParameters"))

	role := referred(tpl.get(pipe, "RoleArn"))
	require.Contains(t, tpl.Resources[pipe].DependsOn, tpl.one(t, "AWS::IAM::Policy", "PipeRole"), "a pipe made before its policy does not stabilize")
	for resource, actions := range map[string][]string{
		table:       {"dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:ListStreams"},
		dedup:       {"lambda:InvokeFunction"},
		bus:         {"events:PutEvents"},
		deadLetters: {"sqs:SendMessage"},
	} {
		for _, action := range actions {
			require.True(t, slices.ContainsFunc(tpl.rolePolicy(t, role), func(s statement) bool { return s.allows(action, resource) }), "%s on %s", action, resource)
		}
	}
}

func TestPipeFilter(t *testing.T) {
	tpl := synthesize(t, defaults(t))
	filters := list(tpl.get(tpl.one(t, "AWS::Pipes::Pipe", ""), "SourceParameters", "FilterCriteria", "Filters"))
	require.Len(t, filters, 1)
	var filter map[string]any
	require.NoError(t, json.Unmarshal([]byte(filters[0].(map[string]any)["Pattern"].(string)), &filter))
	require.Equal(t, map[string]any{
		"eventName": []any{"INSERT", "MODIFY"},
		"dynamodb":  map[string]any{"NewImage": map[string]any{"status": map[string]any{"S": []any{"APPROVED"}}}},
	}, filter)
}
