package dynamodb

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTables(t *testing.T) {
	f := newFixture(t)
	require.JSONEq(t, `{"TableNames":["ProductCatalog"],"LastEvaluatedTableName":"ProductCatalog"}`, f.must("ListTables", `{"Limit":1}`))
	require.JSONEq(t, `{"TableNames":["Thread"]}`, f.must("ListTables", `{"ExclusiveStartTableName":"ProductCatalog"}`))
	require.JSONEq(t, `{"TimeToLiveDescription":{"TimeToLiveStatus":"ENABLED","AttributeName":"expiresAt"}}`, f.must("DescribeTimeToLive", `{"TableName":"Thread"}`))
	require.JSONEq(t, `{"TimeToLiveDescription":{"TimeToLiveStatus":"DISABLED"}}`, f.must("DescribeTimeToLive", `{"TableName":"ProductCatalog"}`))
	f.refused("DescribeTable", `{"TableName":"Nowhere"}`, codeResourceNotFound, "Requested resource not found: Table: Nowhere not found")
	_, err := f.CreateTable(threadSpec())
	require.ErrorContains(t, err, "Table already exists: Thread")

	f.putThread(`,"Views":{"N":"1"}`)
	f.must("GetItem", `{"TableName":"arn:aws:dynamodb:us-east-1:000000000000:table/Thread","Key":{"ForumName":{"S":"f"},"Subject":{"S":"s"}}}`)
	f.refused("GetItem", `{"TableName":"arn:aws:dynamodb:eu-west-1:000000000000:table/Thread","Key":{}}`, codeResourceNotFound, "Requested resource not found")
	f.must("DeleteTable", `{"TableName":"Thread"}`)
	_, err = f.CreateTable(threadSpec())
	require.NoError(t, err)
	require.Equal(t, 0, f.page("Scan", `{"TableName":"Thread"}`).Count)
	require.Equal(t, 0, f.page("Scan", `{"TableName":"Thread","IndexName":"ByViews"}`).Count)
}

func TestCreateTableRefused(t *testing.T) {
	id := Key{"id", "S"}
	for want, spec := range map[string]TableSpec{
		"greater than or equal to 3":    {Name: "T", PartitionKey: id},
		"regular expression pattern":    {Name: "a table", PartitionKey: id},
		"No Hash Key":                   {Name: "Table"},
		"have the same name":            {Name: "Table", PartitionKey: id, SortKey: id},
		"no or an unknown type":         {Name: "Table", PartitionKey: Key{"id", "BOOL"}},
		"Unknown ProjectionType":        {Name: "Table", PartitionKey: id, Indexes: []IndexSpec{{Name: "index", PartitionKey: id}}},
		"Duplicate index name":          {Name: "Table", PartitionKey: id, Indexes: []IndexSpec{{Name: "index", PartitionKey: id, Projection: ProjectAll}, {Name: "index", PartitionKey: id, Projection: ProjectAll}}},
		"NonKeyAttributes is specified": {Name: "Table", PartitionKey: id, Indexes: []IndexSpec{{Name: "index", PartitionKey: id, Projection: ProjectAll, Include: []string{"a"}}}},
		"streamViewType":                {Name: "Table", PartitionKey: id, StreamView: "ALL"},
	} {
		_, err := newFixture(t).CreateTable(spec)
		require.ErrorContains(t, err, want)
	}
	newFixture(t).refused("CreateTable", `{"TableName":"Table","BillingMode":"PAY_PER_REQUEST","AttributeDefinitions":[{"AttributeName":"a","AttributeType":"S"},{"AttributeName":"b","AttributeType":"S"}],
		"KeySchema":[{"AttributeName":"a","KeyType":"HASH"}]}`, codeValidation,
		"One or more parameter values were invalid: Number of attributes in KeySchema does not exactly match number of attributes defined in AttributeDefinitions")
}
