// Package bulkread reads many items of a DynamoDB table: by keys in full batches, whose unprocessed keys are asked for again, and
// page by page by query and scan. One page is in memory at a time.
package bulkread

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

const (
	// BatchKeys is DynamoDB's limit of keys in one BatchGetItem.
	BatchKeys = 100
	// attempts is how often keys are asked for that DynamoDB leaves unprocessed, which it does when it is throttled.
	attempts = 8
	// firstBackoff doubles up to longestBackoff.
	firstBackoff   = 50 * time.Millisecond
	longestBackoff = 2 * time.Second
)

// ErrUnprocessed says that DynamoDB left keys unprocessed however often they were asked for.
var ErrUnprocessed = errors.New("the table does not answer for all keys")

// Client models the DynamoDB client. It is safe for concurrent use.
type Client interface {
	BatchGetItem(context.Context, *dynamodb.BatchGetItemInput, ...func(*dynamodb.Options)) (*dynamodb.BatchGetItemOutput, error)
	Query(context.Context, *dynamodb.QueryInput, ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error)
	Scan(context.Context, *dynamodb.ScanInput, ...func(*dynamodb.Options)) (*dynamodb.ScanOutput, error)
}

// Reader reads through a client. Wait sleeps between attempts and returns early with ctx's error. It is safe for concurrent use.
type Reader struct {
	Client Client
	Wait   func(context.Context, time.Duration) error
}

type item = map[string]types.AttributeValue

// Get calls visit with the items of a table under the keys, which must differ, strongly consistently and in no particular order.
// projected are the attributes to read; none are all.
func (r Reader) Get(ctx context.Context, table string, keys []item, visit func(item) error, projected ...string) error {
	for chunk := range slices.Chunk(keys, BatchKeys) {
		if err := r.get(ctx, table, chunk, visit, projected); err != nil {
			return err
		}
	}
	return nil
}

func (r Reader) get(ctx context.Context, table string, keys []item, visit func(item) error, projected []string) error {
	backoff := firstBackoff
	want := types.KeysAndAttributes{Keys: keys, ConsistentRead: aws.Bool(true)}
	if len(projected) > 0 {
		want.ExpressionAttributeNames = map[string]string{}
		expression := ""
		for i, name := range projected {
			placeholder := fmt.Sprintf("#p%d", i)
			want.ExpressionAttributeNames[placeholder] = name
			if i > 0 {
				expression += ", "
			}
			expression += placeholder
		}
		want.ProjectionExpression = &expression
	}
	for attempt := 1; ; attempt++ {
		out, err := r.Client.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{table: want}})
		if err != nil {
			return fmt.Errorf("reading %d items: %w", len(want.Keys), err)
		}
		for _, found := range out.Responses[table] {
			if err := visit(found); err != nil {
				return err
			}
		}
		left, some := out.UnprocessedKeys[table]
		if !some || len(left.Keys) == 0 {
			return nil
		}
		if attempt == attempts {
			return fmt.Errorf("%w: %d of %d are left", ErrUnprocessed, len(left.Keys), len(keys))
		}
		if err := r.Wait(ctx, backoff); err != nil {
			return err
		}
		backoff = min(2*backoff, longestBackoff)
		want.Keys = left.Keys
	}
}

// Query calls visit with every item of a query, page by page, until visit returns an error. It changes in.
func (r Reader) Query(ctx context.Context, in *dynamodb.QueryInput, visit func(item) error) error {
	for {
		page, err := r.Client.Query(ctx, in)
		if err != nil {
			return fmt.Errorf("querying: %w", err)
		}
		for _, found := range page.Items {
			if err := visit(found); err != nil {
				return err
			}
		}
		if len(page.LastEvaluatedKey) == 0 {
			return nil
		}
		in.ExclusiveStartKey = page.LastEvaluatedKey
	}
}

// Scan calls visit with every item of a scan, page by page, until visit returns an error. It changes in. A page may be empty and
// not the last.
func (r Reader) Scan(ctx context.Context, in *dynamodb.ScanInput, visit func(item) error) error {
	for {
		page, err := r.Client.Scan(ctx, in)
		if err != nil {
			return fmt.Errorf("scanning: %w", err)
		}
		for _, found := range page.Items {
			if err := visit(found); err != nil {
				return err
			}
		}
		if len(page.LastEvaluatedKey) == 0 {
			return nil
		}
		in.ExclusiveStartKey = page.LastEvaluatedKey
	}
}
