package main

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheJournalIsIndexedByPosting(t *testing.T) {
	tpl := synthesize(t, defaults(t))
	indexes := list(tpl.get(tpl.one(t, "AWS::DynamoDB::Table", "TablesLedger"), "GlobalSecondaryIndexes"))
	require.True(t, slices.ContainsFunc(indexes, func(index any) bool {
		return index.(map[string]any)["IndexName"] == "ByPosted"
	}))
	for _, index := range indexes {
		if index := index.(map[string]any); index["IndexName"] == "ByPosted" {
			require.Equal(t, []any{map[string]any{"AttributeName": "postedBucket", "KeyType": "HASH"}}, index["KeySchema"])
			require.Equal(t, map[string]any{"ProjectionType": "KEYS_ONLY"}, index["Projection"])
		}
	}
}

// The digest function reads the journal and adds objects under one prefix: it changes nothing.
func TestTheDigestFunctionMayDoNothingElse(t *testing.T) {
	tpl := synthesize(t, defaults(t))
	function := tpl.functionID(t, "digest")
	var actions []string
	for _, s := range tpl.rolePolicy(t, referred(tpl.get(function, "Role"))) {
		require.Equal(t, "Allow", s.Effect)
		actions = append(actions, s.Actions...)
		if slices.Contains(s.Actions, "dynamodb:BatchGetItem") {
			require.Equal(t, map[string]any{"ForAllValues:StringLike": map[string]any{"dynamodb:LeadingKeys": []any{"JOURNAL#*"}},
				"Null": map[string]any{"dynamodb:LeadingKeys": "false"}}, s.Condition)
		}
		if slices.Contains(s.Actions, "s3:PutObject") {
			audit := tpl.one(t, "AWS::S3::Bucket", "BucketsAudit")
			require.Equal(t, []any{map[string]any{"Fn::Join": []any{"", []any{map[string]any{"Fn::GetAtt": []any{audit, "Arn"}}, "/ledger-digests/*"}}}}, s.Resources)
		}
	}
	require.ElementsMatch(t, []string{"logs:CreateLogStream", "logs:PutLogEvents", "sqs:SendMessage", "dynamodb:Query", "dynamodb:BatchGetItem", "s3:PutObject", "s3:GetObject", "s3:ListBucket"}, actions)
	require.Contains(t, tpl.schedules(), tpl.one(t, "AWS::Events::Rule", "DigestSchedule"))
}
