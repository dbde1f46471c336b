package timeline

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// ErrNotFound says that the timeline knows neither a transaction nor an authorization of this id.
var ErrNotFound = errors.New("nothing is known of this id")

// QueryTable models the DynamoDB client.
type QueryTable interface {
	Query(context.Context, *dynamodb.QueryInput, ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error)
}

// Reader reads the timeline table. It is safe for concurrent use.
type Reader struct {
	table QueryTable
	name  string
}

// NewReader returns a reader of the table called name.
func NewReader(table QueryTable, name string) *Reader { return &Reader{table: table, name: name} }

// Trace returns what happened to a transaction, or to every transaction of an authorization, in order. Where nothing is known
// of id the error is ErrNotFound.
func (r *Reader) Trace(ctx context.Context, id string) ([]Entry, error) {
	entries, err := r.query(ctx, id)
	if err != nil {
		return nil, err
	}
	links, err := r.query(ctx, authorizationPrefix+id)
	if err != nil {
		return nil, err
	}
	for _, link := range links {
		more, err := r.query(ctx, link.EventID) // the sort key of a link is the transaction
		if err != nil {
			return nil, err
		}
		entries = append(entries, more...)
	}
	if len(entries) == 0 {
		return nil, fmt.Errorf("tracing %s: %w", id, ErrNotFound)
	}
	Sort(entries)
	return entries, nil
}

// query reads all items of a partition, page by page.
func (r *Reader) query(ctx context.Context, partition string) ([]Entry, error) {
	var entries []Entry
	input := &dynamodb.QueryInput{
		TableName: &r.name, ConsistentRead: aws.Bool(true), KeyConditionExpression: aws.String("pk = :pk"),
		ExpressionAttributeValues: attributes{":pk": &types.AttributeValueMemberS{Value: partition}},
	}
	for {
		page, err := r.table.Query(ctx, input)
		if err != nil {
			return nil, fmt.Errorf("reading the timeline of %s: %w", partition, err)
		}
		for _, item := range page.Items {
			entries = append(entries, entryOf(item))
		}
		if len(page.LastEvaluatedKey) == 0 {
			return entries, nil
		}
		input.ExclusiveStartKey = page.LastEvaluatedKey
	}
}
