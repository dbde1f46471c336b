package ingest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/payrail/payrail/internal/authorizationitem"
)

// Putter models the DynamoDB client.
type Putter interface {
	PutItem(context.Context, *dynamodb.PutItemInput, ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error)
}

// Put writes an authorization as an authorizer should: stamped with when it came in. An authorization that is there already keeps
// its stamp, so that writing the same one again changes nothing and makes no stream record. before is the item that was replaced,
// nil where there was none; item gets the stamp.
func Put(ctx context.Context, client Putter, table string, item authorizationitem.Item, now time.Time) (before authorizationitem.Item, err error) {
	Stamp(item, now)
	_, err = client.PutItem(ctx, &dynamodb.PutItemInput{
		TableName: &table, Item: item, ConditionExpression: aws.String("attribute_not_exists(" + authorizationitem.KeyAttribute + ")"),
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	var known *types.ConditionalCheckFailedException
	if !errors.As(err, &known) {
		return nil, wrap(item.ID(), err)
	}
	for _, name := range []string{BucketAttribute, TimeAttribute} {
		if stamp, ok := known.Item[name]; ok {
			item[name] = stamp
		} else {
			delete(item, name) // Half a stamp is none; the full pass finds it.
		}
	}
	out, err := client.PutItem(ctx, &dynamodb.PutItemInput{TableName: &table, Item: item, ReturnValues: types.ReturnValueAllOld})
	if err != nil {
		return nil, wrap(item.ID(), err)
	}
	return out.Attributes, nil
}

func wrap(id string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("writing authorization %s: %w", id, err)
}

// Stamp marks an item with when it came in.
func Stamp(item authorizationitem.Item, at time.Time) {
	item[BucketAttribute] = &types.AttributeValueMemberS{Value: Bucket(at, item.ID())}
	item[TimeAttribute] = &types.AttributeValueMemberS{Value: FormatTime(at)}
}
