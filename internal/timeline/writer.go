package timeline

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

const (
	// maxWrites is BatchWriteItem's limit of items in one request.
	maxWrites = 25
	// writeAttempts is how often one call tries to write an item. More patience is the queue's business, which redelivers.
	writeAttempts = 4
	// writeBackoff is the wait before the second attempt; it doubles.
	writeBackoff = 50 * time.Millisecond
)

// errUnprocessed is why an item was not written although the request succeeded: its partition was throttled.
var errUnprocessed = errors.New("DynamoDB left the item unprocessed")

// WriteTable models the DynamoDB client.
type WriteTable interface {
	BatchWriteItem(context.Context, *dynamodb.BatchWriteItemInput, ...func(*dynamodb.Options)) (*dynamodb.BatchWriteItemOutput, error)
}

// Writer writes entries to the timeline table. It is safe for concurrent use.
type Writer struct {
	table WriteTable
	name  string
	wait  func(context.Context, time.Duration) error
}

// NewWriter returns a writer for the table called name. wait sleeps between attempts and returns early with ctx's error.
func NewWriter(table WriteTable, name string, wait func(context.Context, time.Duration) error) *Writer {
	return &Writer{table: table, name: name, wait: wait}
}

// Write writes entries, as many to a request as DynamoDB takes. The result has an error at the index of each entry of which
// something is not written.
func (w *Writer) Write(ctx context.Context, entries []Entry) []error {
	var keys []itemKey
	items, owners := map[itemKey]attributes{}, map[itemKey][]int{}
	for i, entry := range entries {
		for key, item := range entry.items() {
			// A request that names a key twice is refused as a whole.
			if _, seen := items[key]; !seen {
				keys = append(keys, key)
			}
			items[key] = item
			owners[key] = append(owners[key], i)
		}
	}
	results := make([]error, len(entries))
	for len(keys) > 0 {
		chunk := keys[:min(maxWrites, len(keys))]
		keys = keys[len(chunk):]
		failed, err := w.writeChunk(ctx, chunk, items)
		for _, key := range failed {
			for _, owner := range owners[key] {
				results[owner] = fmt.Errorf("writing %s to the timeline: %w", entries[owner].EventID, err)
			}
		}
	}
	return results
}

// writeChunk writes the items of keys and returns the keys of those that are not written, with the reason.
func (w *Writer) writeChunk(ctx context.Context, keys []itemKey, items map[itemKey]attributes) ([]itemKey, error) {
	requests := make([]types.WriteRequest, len(keys))
	for i, key := range keys {
		requests[i] = types.WriteRequest{PutRequest: &types.PutRequest{Item: items[key]}}
	}
	backoff := writeBackoff
	for attempt := 1; ; attempt++ {
		out, err := w.table.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{w.name: requests}})
		if err != nil {
			return keysOf(requests), err // the SDK has retried already
		}
		if requests = out.UnprocessedItems[w.name]; len(requests) == 0 {
			return nil, nil
		}
		if attempt == writeAttempts {
			return keysOf(requests), errUnprocessed
		}
		if err := w.wait(ctx, backoff); err != nil {
			return keysOf(requests), errors.Join(errUnprocessed, err)
		}
		backoff *= 2
	}
}

func keysOf(requests []types.WriteRequest) []itemKey {
	keys := make([]itemKey, len(requests))
	for i, request := range requests {
		entry := entryOf(request.PutRequest.Item)
		keys[i] = itemKey{entry.TransactionID, entry.EventID}
	}
	return keys
}
