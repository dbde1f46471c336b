package dynamodb

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/local/faults"
)

func (f *fixture) follow(spec string) {
	f.Helper()
	plan, _, err := faults.ParsePlan(spec)
	require.NoError(f.T, err)
	require.NoError(f.T, f.faults.Follow(plan))
}

func TestFaultConflictsOfTransactions(t *testing.T) {
	f := newFixture(t)
	f.follow("conflict=1x2")
	_, err := f.call("TransactWriteItems", `{"TransactItems":[{"Put":{"TableName":"ProductCatalog","Item":{"Id":{"N":"1"}}}}]}`)
	require.Equal(t, "TransactionCanceledException", err.Code)
	require.Equal(t, []cancellationReason{{Code: "TransactionConflict", Message: "Transaction is ongoing for the item"}}, err.Members["CancellationReasons"])
	_, err = f.call("PutItem", `{"TableName":"ProductCatalog","Item":{"Id":{"N":"1"}}}`)
	require.Equal(t, "TransactionConflictException", err.Code)
	answer, err := f.call("GetItem", `{"TableName":"ProductCatalog","Key":{"Id":{"N":"1"}}}`)
	require.Nil(t, err)
	require.JSONEq(t, `{}`, answer, "nothing was written")
}

func TestFaultItemsAreLeftUnprocessed(t *testing.T) {
	f := newFixture(t)
	f.follow("partial:dynamodb:BatchWriteItem/ProductCatalog=1/2")
	answer, err := f.call("BatchWriteItem", `{"RequestItems":{"ProductCatalog":[{"PutRequest":{"Item":{"Id":{"N":"1"}}}},{"DeleteRequest":{"Key":{"Id":{"N":"2"}}}},
		{"PutRequest":{"Item":{"Id":{"N":"3"}}}}]}}`)
	require.Nil(t, err)
	require.JSONEq(t, `{"UnprocessedItems":{"ProductCatalog":[{"DeleteRequest":{"Key":{"Id":{"N":"2"}}}}]}}`, answer)

	f.faults.Clear()
	f.follow("partial=1")
	_, err = f.call("BatchWriteItem", `{"RequestItems":{"ProductCatalog":[{"PutRequest":{"Item":{"Id":{"N":"9"}}}}]}}`)
	require.Equal(t, "ProvisionedThroughputExceededException", err.Code, "none got through")
}

func TestFaultStreamRecordsTellAWrongTime(t *testing.T) {
	f := newFixture(t)
	f.follow("skew:dynamodb:Stream/Thread=1:10m")
	_, err := f.call("PutItem", `{"TableName":"Thread","Item":{"ForumName":{"S":"a"},"Subject":{"S":"b"}}}`)
	require.Nil(t, err)
	records, readErr := f.stream.Read("", 10)
	require.NoError(t, readErr)
	require.Len(t, records, 1)
	require.InDelta(t, testStart.Unix(), records[0].Created.Unix(), 600)
	require.NotEqual(t, testStart.Unix(), records[0].Created.Unix())
}
