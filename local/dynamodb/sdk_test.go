package dynamodb

import (
	"context"
	"net/http/httptest"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	client "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	streams "github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	streamtypes "github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
	"github.com/stretchr/testify/require"
)

func sdkConfig(t *testing.T, f *fixture) aws.Config {
	server := httptest.NewServer(f.Service)
	t.Cleanup(server.Close)
	return aws.Config{
		Region: "us-east-1", BaseEndpoint: aws.String(server.URL), Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
		Retryer: func() aws.Retryer { return aws.NopRetryer{} },
	}
}

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }
func num(s string) types.AttributeValue  { return &types.AttributeValueMemberN{Value: s} }

func TestSDKCreatesAndDescribesTables(t *testing.T) {
	ctx := context.Background()
	f := newFixture(t)
	db := client.NewFromConfig(sdkConfig(t, f))
	created, err := db.CreateTable(ctx, &client.CreateTableInput{
		TableName: aws.String("Music"), BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{
			{AttributeName: aws.String("Artist"), AttributeType: types.ScalarAttributeTypeS},
			{AttributeName: aws.String("SongTitle"), AttributeType: types.ScalarAttributeTypeS},
		},
		KeySchema: []types.KeySchemaElement{
			{AttributeName: aws.String("Artist"), KeyType: types.KeyTypeHash}, {AttributeName: aws.String("SongTitle"), KeyType: types.KeyTypeRange},
		},
		StreamSpecification: &types.StreamSpecification{StreamEnabled: aws.Bool(true), StreamViewType: types.StreamViewTypeNewAndOldImages},
	})
	require.NoError(t, err)
	described, err := db.DescribeTable(ctx, &client.DescribeTableInput{TableName: aws.String("Music")})
	require.NoError(t, err)
	require.Equal(t, created.TableDescription.LatestStreamArn, described.Table.LatestStreamArn)
	require.Equal(t, types.TableStatusActive, described.Table.TableStatus)
	require.True(t, described.Table.CreationDateTime.Equal(testStart))
	_, err = db.DescribeTable(ctx, &client.DescribeTableInput{TableName: aws.String("Nothing")})
	var missing *types.ResourceNotFoundException
	require.ErrorAs(t, err, &missing)
}

func TestSDKWritesAndReads(t *testing.T) {
	ctx := context.Background()
	f := newFixture(t)
	db := client.NewFromConfig(sdkConfig(t, f))
	thread := aws.String("Thread")
	item := map[string]types.AttributeValue{"ForumName": text("f"), "Subject": text("s"), "Views": num("1.50"), "LastPostedBy": text("u"),
		"Tags": &types.AttributeValueMemberSS{Value: []string{"b", "a"}}, "Raw": &types.AttributeValueMemberB{Value: []byte{0, 255}}}
	put := &client.PutItemInput{TableName: thread, Item: item, ConditionExpression: aws.String("attribute_not_exists(ForumName)"),
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld}
	_, err := db.PutItem(ctx, put)
	require.NoError(t, err)
	_, err = db.PutItem(ctx, put)
	var failed *types.ConditionalCheckFailedException
	require.ErrorAs(t, err, &failed)
	require.Equal(t, "The conditional request failed", failed.ErrorMessage())
	require.Equal(t, num("1.5"), failed.Item["Views"])
	require.Equal(t, item["Raw"], failed.Item["Raw"])

	updated, err := db.UpdateItem(ctx, &client.UpdateItemInput{TableName: thread,
		Key:              map[string]types.AttributeValue{"ForumName": text("f"), "Subject": text("s")},
		UpdateExpression: aws.String("ADD #v :one"), ExpressionAttributeNames: map[string]string{"#v": "Views"},
		ExpressionAttributeValues: map[string]types.AttributeValue{":one": num("1")}, ReturnValues: types.ReturnValueUpdatedNew})
	require.NoError(t, err)
	require.Equal(t, map[string]types.AttributeValue{"Views": num("2.5")}, updated.Attributes)

	pages := client.NewQueryPaginator(db, &client.QueryInput{TableName: thread, IndexName: aws.String("WithTags"),
		KeyConditionExpression:    aws.String("LastPostedBy = :u AND #v > :zero"),
		ExpressionAttributeNames:  map[string]string{"#v": "Views"},
		ExpressionAttributeValues: map[string]types.AttributeValue{":u": text("u"), ":zero": num("0")}})
	page, err := pages.NextPage(ctx)
	require.NoError(t, err)
	require.Len(t, page.Items, 1)
	require.Equal(t, &types.AttributeValueMemberSS{Value: []string{"a", "b"}}, page.Items[0]["Tags"])
	require.False(t, pages.HasMorePages())
}

func TestSDKTransactionIsCancelledWithReasons(t *testing.T) {
	ctx := context.Background()
	f := newFixture(t)
	f.putBicycle()
	db := client.NewFromConfig(sdkConfig(t, f))
	catalog := aws.String("ProductCatalog")
	_, err := db.TransactWriteItems(ctx, &client.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{
		{Put: &types.Put{TableName: catalog, Item: map[string]types.AttributeValue{"Id": num("1")}}},
		{Put: &types.Put{TableName: catalog, Item: map[string]types.AttributeValue{"Id": num("205")}, ConditionExpression: aws.String("attribute_not_exists(Id)"),
			ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld}},
	}})
	var cancelled *types.TransactionCanceledException
	require.ErrorAs(t, err, &cancelled)
	require.Len(t, cancelled.CancellationReasons, 2)
	require.Equal(t, "None", aws.ToString(cancelled.CancellationReasons[0].Code))
	require.Equal(t, "ConditionalCheckFailed", aws.ToString(cancelled.CancellationReasons[1].Code))
	require.Equal(t, text("20-Bicycle 205"), cancelled.CancellationReasons[1].Item["Title"])
}

func TestSDKReadsStreams(t *testing.T) {
	ctx := context.Background()
	f := newFixture(t)
	f.putThread(`,"A":{"N":"1"}`)
	db := streams.NewFromConfig(sdkConfig(t, f))
	list, err := db.ListStreams(ctx, &streams.ListStreamsInput{TableName: aws.String("Thread")})
	require.NoError(t, err)
	require.Len(t, list.Streams, 1)
	described, err := db.DescribeStream(ctx, &streams.DescribeStreamInput{StreamArn: list.Streams[0].StreamArn})
	require.NoError(t, err)
	require.Len(t, described.StreamDescription.Shards, 1)
	iterator, err := db.GetShardIterator(ctx, &streams.GetShardIteratorInput{StreamArn: list.Streams[0].StreamArn,
		ShardId: described.StreamDescription.Shards[0].ShardId, ShardIteratorType: streamtypes.ShardIteratorTypeTrimHorizon})
	require.NoError(t, err)
	records, err := db.GetRecords(ctx, &streams.GetRecordsInput{ShardIterator: iterator.ShardIterator})
	require.NoError(t, err)
	require.Len(t, records.Records, 1)
	require.NotNil(t, records.NextShardIterator)
	record := records.Records[0]
	require.Equal(t, streamtypes.OperationTypeInsert, record.EventName)
	require.Equal(t, &streamtypes.AttributeValueMemberN{Value: "1"}, record.Dynamodb.NewImage["A"])
	require.Equal(t, testStart.Unix(), record.Dynamodb.ApproximateCreationDateTime.Unix())
}
