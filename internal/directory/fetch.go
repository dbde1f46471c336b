package directory

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

const (
	// maxBatchGet is DynamoDB's limit of keys in one BatchGetItem.
	maxBatchGet = 100
	// maxAttempts is how often keys or items that DynamoDB left unprocessed are sent. It leaves them when it is throttled;
	// whoever is still unserved after this goes back to the queue.
	maxAttempts = 5
	// firstBackoff is the wait before the second attempt; it doubles.
	firstBackoff = 50 * time.Millisecond
)

// ReadClient models the DynamoDB client as far as reading the directory needs it. It is safe for concurrent use.
type ReadClient interface {
	BatchGetItem(context.Context, *dynamodb.BatchGetItemInput, ...func(*dynamodb.Options)) (*dynamodb.BatchGetItemOutput, error)
}

// fetched is one item as it was found: decoded, missing, or unreadable.
type fetched struct {
	value any
	found bool
	err   error
}

// fetch returns the items at keys, from the cache or, for all it does not have, with as few reads as possible. The error is
// that the tables could not be read.
func (d *Directory) fetch(ctx context.Context, keys []key) (map[key]fetched, error) {
	items := make(map[key]fetched, len(keys))
	var misses []key
	for _, k := range keys {
		if _, have := items[k]; have {
			continue
		}
		value, found, known := d.cache.get(k)
		items[k] = fetched{value: value, found: found}
		if !known {
			misses = append(misses, k)
		}
	}
	for len(misses) > 0 {
		n := min(len(misses), maxBatchGet)
		if err := d.read(ctx, misses[:n], items); err != nil {
			return nil, err
		}
		misses = misses[n:]
	}
	return items, nil
}

// read gets at most maxBatchGet items and puts them into items and the cache. Reads are eventually consistent: the cache
// makes them older than that anyway, and they cost half.
func (d *Directory) read(ctx context.Context, keys []key, items map[key]fetched) error {
	request := map[string]types.KeysAndAttributes{}
	missing := make(map[key]bool, len(keys))
	for _, k := range keys {
		name := d.tableName(k.table)
		asked := request[name]
		asked.Keys = append(asked.Keys, k.attributes())
		request[name] = asked
		missing[k] = true
	}
	backoff := firstBackoff
	for attempt := 1; len(request) > 0; attempt++ {
		if attempt > 1 {
			if attempt > maxAttempts {
				return fmt.Errorf("reading the directory: DynamoDB left keys unprocessed in %d attempts", maxAttempts)
			}
			if err := d.options.Wait(ctx, backoff); err != nil {
				return fmt.Errorf("reading the directory: %w", err)
			}
			backoff *= 2
		}
		out, err := d.options.Client.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{RequestItems: request})
		if err != nil {
			return fmt.Errorf("reading the directory: %w", err)
		}
		for name, found := range out.Responses {
			for _, attributes := range found {
				k := d.keyOf(name, attributes)
				delete(missing, k)
				value, err := decode(k, attributes)
				items[k] = fetched{value: value, found: true, err: err}
				if err == nil {
					d.cache.put(k, value, true)
				}
			}
		}
		request = out.UnprocessedKeys
	}
	for k := range missing {
		d.cache.put(k, nil, false)
	}
	return nil
}

func (d *Directory) tableName(t table) string {
	if t == accountsTable {
		return d.options.AccountsTable
	}
	return d.options.ReferenceTable
}

func (d *Directory) keyOf(name string, attributes map[string]types.AttributeValue) key {
	k := key{table: accountsTable}
	if name == d.options.ReferenceTable {
		k.table = referenceTable
	}
	if pk, ok := attributes["pk"].(*types.AttributeValueMemberS); ok {
		k.partition = pk.Value
	}
	if sk, ok := attributes["sk"].(*types.AttributeValueMemberS); ok {
		k.sort = sk.Value
	}
	return k
}
