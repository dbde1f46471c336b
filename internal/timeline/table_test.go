package timeline

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/events"
)

// table is the timeline table in memory. It answers queries two items at a time.
type table struct {
	items map[itemKey]attributes
	// refuse says which items a call leaves unprocessed; err fails calls as a whole.
	refuse func(call int, key itemKey) bool
	err    error
	sizes  []int
}

func (f *table) BatchWriteItem(_ context.Context, in *dynamodb.BatchWriteItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.BatchWriteItemOutput, error) {
	if f.err != nil {
		return nil, f.err
	}
	requests, out := in.RequestItems["timeline"], &dynamodb.BatchWriteItemOutput{UnprocessedItems: map[string][]types.WriteRequest{}}
	f.sizes = append(f.sizes, len(requests))
	seen := map[itemKey]bool{}
	for _, request := range requests {
		key := keysOf([]types.WriteRequest{request})[0]
		if seen[key] {
			return nil, errors.New("ValidationException: duplicates")
		}
		seen[key] = true
		if f.refuse != nil && f.refuse(len(f.sizes), key) {
			out.UnprocessedItems["timeline"] = append(out.UnprocessedItems["timeline"], request)
			continue
		}
		f.items[key] = request.PutRequest.Item
	}
	return out, nil
}

func (f *table) Query(_ context.Context, in *dynamodb.QueryInput, _ ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error) {
	if f.err != nil {
		return nil, f.err
	}
	partition := in.ExpressionAttributeValues[":pk"].(*types.AttributeValueMemberS).Value
	after := entryOf(in.ExclusiveStartKey).EventID
	var sorted []string
	for key := range f.items {
		if key.pk == partition && key.sk > after {
			sorted = append(sorted, key.sk)
		}
	}
	slices.Sort(sorted)
	out := &dynamodb.QueryOutput{}
	for _, sk := range sorted[:min(2, len(sorted))] {
		out.Items = append(out.Items, f.items[itemKey{partition, sk}])
	}
	if len(sorted) > 2 {
		last := out.Items[1]
		out.LastEvaluatedKey = attributes{"pk": last["pk"], "sk": last["sk"]}
	}
	return out, nil
}

func newTable() *table { return &table{items: map[itemKey]attributes{}} }

func noWait(context.Context, time.Duration) error { return nil }

func numbered(n int) []Entry {
	entries := make([]Entry, n)
	for i := range entries {
		entries[i] = Entry{TransactionID: "tx_1", EventID: fmt.Sprintf("tx_1/e%d", i), DetailType: events.PostingLegCreated, Source: events.SourceAccountInterface,
			PublishedAt: fmt.Sprintf("2026-07-09T10:15:31.%03dZ", i), AuthorizationID: "auth-1", Summary: "s"}
	}
	return entries
}

func write(t *testing.T, f *table, entries ...Entry) []error {
	t.Helper()
	results := NewWriter(f, "timeline", noWait).Write(context.Background(), entries)
	require.Len(t, results, len(entries))
	return results
}

func TestWriteChunks(t *testing.T) {
	f := newTable()
	for _, err := range write(t, f, numbered(60)...) {
		require.NoError(t, err)
	}
	require.Equal(t, []int{25, 25, 10}, f.sizes)
	require.Len(t, f.items, 60)
}

func TestTheSameEventTwiceIsOneItem(t *testing.T) {
	f := newTable()
	first := Entry{TransactionID: "tx_1", EventID: "tx_1/TransactionAuthorized", DetailType: events.TransactionAuthorized, Source: events.SourceDedup, AuthorizationID: "auth-1"}
	require.Equal(t, []error{nil, nil}, write(t, f, first, first))
	write(t, f, first)
	require.Len(t, f.items, 2, "the event, and the way to it from its authorization")
	require.Contains(t, f.items, itemKey{"AUTH#auth-1", "tx_1"})
}

func TestUnprocessedItemsAreTriedAgain(t *testing.T) {
	f := newTable()
	f.refuse = func(call int, key itemKey) bool { return call < 3 && key.sk == "tx_1/e1" }
	require.Equal(t, []error{nil, nil, nil}, write(t, f, numbered(3)...))
	require.Equal(t, []int{3, 1, 1}, f.sizes)

	f = newTable()
	f.refuse = func(_ int, key itemKey) bool { return key.sk == "tx_1/e1" }
	results := write(t, f, append(numbered(3), numbered(2)...)...)
	require.Equal(t, []bool{false, true, false, false, true}, []bool{results[0] != nil, results[1] != nil, results[2] != nil, results[3] != nil, results[4] != nil})
	require.ErrorIs(t, results[1], errUnprocessed)
	require.Len(t, f.sizes, writeAttempts)
	require.Len(t, f.items, 2)
}

func TestAFailedRequestFailsItsChunkAlone(t *testing.T) {
	f := newTable()
	f.err = errors.New("throttled")
	for _, err := range write(t, f, numbered(2)...) {
		require.ErrorContains(t, err, "throttled")
	}
	f = newTable()
	f.refuse = func(_ int, key itemKey) bool { return key.sk == "tx_1/e0" }
	cancelled := func(context.Context, time.Duration) error { return context.Canceled }
	results := NewWriter(f, "timeline", cancelled).Write(context.Background(), numbered(30))
	require.ErrorIs(t, results[0], context.Canceled)
	require.Len(t, f.items, 29)
}

func TestTrace(t *testing.T) {
	f := newTable()
	started := Entry{TransactionID: "tx_1", EventID: "tx_1/TransactionAuthorized", DetailType: events.TransactionAuthorized, Source: events.SourceDedup,
		OccurredAt: "2026-07-09T10:15:30.000Z", PublishedAt: "2026-07-09T10:15:30.500Z", AuthorizationID: "auth-1", PostingSequence: "ps", Summary: "accepted"}
	later := started
	later.TransactionID, later.EventID, later.PublishedAt = "tx_2", "tx_2/TransactionRejected", "2026-07-09T10:16:00.000Z"
	all := append([]Entry{started}, numbered(5)...)
	write(t, f, append(all, later)...)
	reader := NewReader(f, "timeline")

	byTransaction, err := reader.Trace(context.Background(), "tx_1")
	require.NoError(t, err)
	require.Equal(t, all, byTransaction, "over several pages")
	byAuthorization, err := reader.Trace(context.Background(), "auth-1")
	require.NoError(t, err)
	require.Equal(t, append(all, later), byAuthorization)

	_, err = reader.Trace(context.Background(), "auth-9")
	require.ErrorIs(t, err, ErrNotFound)
	require.EqualError(t, err, "tracing auth-9: nothing is known of this id")
	f.err = errors.New("throttled")
	_, err = reader.Trace(context.Background(), "tx_1")
	require.ErrorContains(t, err, "throttled")
}
