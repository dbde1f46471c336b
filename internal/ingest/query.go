package ingest

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Query asks a table's index for one bucket between two times, both included. timeAttribute is the index's sort key.
func Query(table, bucket, timeAttribute string, from, to time.Time) *dynamodb.QueryInput {
	return &dynamodb.QueryInput{
		TableName: &table, IndexName: aws.String(Index),
		KeyConditionExpression:   aws.String("#bucket = :bucket AND #at BETWEEN :from AND :to"),
		ExpressionAttributeNames: map[string]string{"#bucket": BucketAttribute, "#at": timeAttribute},
		ExpressionAttributeValues: map[string]types.AttributeValue{
			":bucket": &types.AttributeValueMemberS{Value: bucket},
			":from":   &types.AttributeValueMemberS{Value: FormatTime(from)}, ":to": &types.AttributeValueMemberS{Value: FormatTime(to)},
		},
	}
}
