package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTables(t *testing.T) {
	tpl := synthesize(t, defaults(t))
	tests := map[string]struct {
		keys   []string
		ttl    any
		stream any
	}{
		"TablesAuthorizations": {keys: []string{"authorizationId"}, stream: "NEW_AND_OLD_IMAGES"},
		"TablesDedup":          {keys: []string{"businessKey"}, ttl: "expiresAt"},
		"TablesAccounts":       {keys: []string{"pk", "sk"}},
		"TablesReference":      {keys: []string{"pk", "sk"}},
		"TablesAssembly":       {keys: []string{"sequence", "checksum"}, ttl: "expiresAt"},
		"TablesLedger":         {keys: []string{"pk", "sk"}},
		"TablesTimeline":       {keys: []string{"pk", "sk"}},
	}
	require.Len(t, tpl.ofType("AWS::DynamoDB::Table"), len(tests))
	for prefix, want := range tests {
		id := tpl.one(t, "AWS::DynamoDB::Table", prefix)
		var keys []string
		for _, part := range list(tpl.get(id, "KeySchema")) {
			keys = append(keys, part.(map[string]any)["AttributeName"].(string))
		}
		require.Equal(t, want.keys, keys, prefix)
		for _, attribute := range list(tpl.get(id, "AttributeDefinitions")) {
			require.Equal(t, "S", attribute.(map[string]any)["AttributeType"], prefix)
		}
		require.Equal(t, want.ttl, tpl.get(id, "TimeToLiveSpecification", "AttributeName"), prefix)
		require.Equal(t, want.stream, tpl.get(id, "StreamSpecification", "StreamViewType"), prefix)
		require.Equal(t, "PAY_PER_REQUEST", tpl.get(id, "BillingMode"), prefix)
		require.Equal(t, true, tpl.get(id, "PointInTimeRecoverySpecification", "PointInTimeRecoveryEnabled"), prefix)
	}
}

func TestAuthorizationsAndJournalAreIndexedByIngest(t *testing.T) {
	tpl := synthesize(t, defaults(t))
	for prefix, want := range map[string]struct {
		sort      string
		projected []any
	}{
		"TablesAuthorizations": {"ingestedAt", []any{"status", "mti", "billingAmount", "billingCurrency"}},
		"TablesLedger":         {"occurredAt", []any{"authorizationId", "transactionId", "outcome", "principalMinor", "principalCurrency"}},
	} {
		indexes := list(tpl.get(tpl.one(t, "AWS::DynamoDB::Table", prefix), "GlobalSecondaryIndexes"))
		require.NotEmpty(t, indexes, prefix)
		require.Equal(t, map[string]any{
			"IndexName":  "ByIngest",
			"KeySchema":  []any{map[string]any{"AttributeName": "ingestBucket", "KeyType": "HASH"}, map[string]any{"AttributeName": want.sort, "KeyType": "RANGE"}},
			"Projection": map[string]any{"ProjectionType": "INCLUDE", "NonKeyAttributes": want.projected},
		}, indexes[0], prefix)
	}
}
