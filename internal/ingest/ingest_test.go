package ingest

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/internal/authorizationitem"
)

var written = time.Date(2026, 11, 22, 1, 59, 59, 999_600_000, time.UTC)

// The literal values are the contract between authorizers, the ledger and reconciliation: another hash would hide what is stored.
func TestBucketIsHourAndShard(t *testing.T) {
	require.Equal(t, "2026-11-22T01#9", Bucket(written, "auth-000001"))
	require.Equal(t, "2026-11-22T01#0", Bucket(written, "auth-000002"))
	require.Equal(t, Bucket(written, "auth-1"), Bucket(written.In(time.FixedZone("", 3600)), "auth-1"), "the hour is that of UTC")
	require.Equal(t, "2026-11-22T01:59:59.999Z", FormatTime(written))
	require.Equal(t, "2026-11-22T01#15", Name(written, 15))
}

func TestShardsAreUsedEvenly(t *testing.T) {
	counts := make([]int, Shards)
	for n := range 16_000 {
		counts[Shard(Bucket(written.Add(time.Duration(n)*time.Hour), ""))]++
	}
	require.Greater(t, slices.Min(counts), 700, "%v", counts)
	require.Less(t, slices.Max(counts), 1300, "%v", counts)
}

func TestHours(t *testing.T) {
	var hours []string
	for hour := range Hours(written, written.Add(time.Hour+time.Second)) {
		hours = append(hours, hour.Format(time.TimeOnly))
	}
	require.Equal(t, []string{"01:00:00", "02:00:00", "03:00:00"}, hours)
	for hour := range Hours(written, written.Add(-2*time.Hour)) {
		t.Fatalf("a window that ends before it begins has the hour %s", hour)
	}
}

func TestParseTime(t *testing.T) {
	at, err := ParseTime("2026-11-22T02:59:59.999+01:00")
	require.NoError(t, err)
	require.Equal(t, "2026-11-22T01:59:59.999Z", FormatTime(at))
	_, err = ParseTime("yesterday")
	require.ErrorContains(t, err, "reading an ingest time")
}

// shelf is a table of one item.
type shelf struct {
	item map[string]types.AttributeValue
	err  error
}

func (s *shelf) PutItem(_ context.Context, in *dynamodb.PutItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error) {
	if s.err != nil {
		return nil, s.err
	}
	if in.ConditionExpression != nil && s.item != nil {
		return nil, &types.ConditionalCheckFailedException{Item: s.item}
	}
	out := &dynamodb.PutItemOutput{Attributes: s.item}
	s.item = in.Item
	return out, nil
}

func anItem() authorizationitem.Item {
	return authorizationitem.Item{"authorizationId": &types.AttributeValueMemberS{Value: "auth-1"}}
}

func TestPutStampsOnce(t *testing.T) {
	table := &shelf{}
	before, err := Put(context.Background(), table, "authorizations", anItem(), written)
	require.NoError(t, err)
	require.Nil(t, before)
	first := table.item
	require.Equal(t, &types.AttributeValueMemberS{Value: Bucket(written, "auth-1")}, first[BucketAttribute])
	require.Equal(t, &types.AttributeValueMemberS{Value: "2026-11-22T01:59:59.999Z"}, first[TimeAttribute])

	before, err = Put(context.Background(), table, "authorizations", anItem(), written.Add(24*time.Hour))
	require.NoError(t, err)
	require.Equal(t, authorizationitem.Item(first), before)
	require.Equal(t, first, table.item, "an identical item makes no stream record")
}

func TestPutLeavesAnUnstampedItemUnstamped(t *testing.T) {
	table := &shelf{item: anItem()}
	_, err := Put(context.Background(), table, "authorizations", anItem(), written)
	require.NoError(t, err)
	require.Equal(t, map[string]types.AttributeValue(anItem()), table.item)
}

func TestPutTellsFailures(t *testing.T) {
	throttled := errors.New("throttled")
	_, err := Put(context.Background(), &shelf{err: throttled}, "authorizations", anItem(), written)
	require.ErrorIs(t, err, throttled)
	require.ErrorContains(t, err, "writing authorization auth-1")
}
