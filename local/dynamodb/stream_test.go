package dynamodb

import (
	"encoding/json"
	"fmt"
	"math/big"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/local/storage"
)

const threadKey = `"TableName":"Thread","Key":{"ForumName":{"S":"f"},"Subject":{"S":"s"}}`

func (f *fixture) putThread(rest string) {
	f.Helper()
	f.must("PutItem", `{"TableName":"Thread","Item":{"ForumName":{"S":"f"},"Subject":{"S":"s"}`+rest+`}}`)
}

func TestStreamRecordsHaveTheServicesShape(t *testing.T) {
	f := newFixture(t)
	f.putThread(`,"A":{"N":"1.50"}`)
	f.clock.Advance(2 * time.Second)
	f.must("UpdateItem", `{`+threadKey+`,"UpdateExpression":"SET A = :a","ExpressionAttributeValues":{":a":{"N":"2"}}}`)
	f.must("DeleteItem", `{`+threadKey+`}`)
	records, err := f.stream.Read("", 10)
	require.NoError(t, err)
	require.Len(t, records, 3)

	keys := `{"ForumName":{"S":"f"},"Subject":{"S":"s"}}`
	first := `{"A":{"N":"1.5"},"ForumName":{"S":"f"},"Subject":{"S":"s"}}`
	second := `{"A":{"N":"2"},"ForumName":{"S":"f"},"Subject":{"S":"s"}}`
	created := testStart.Unix()
	for i, want := range []struct {
		event   string
		created int64
		images  string
		size    int
	}{
		{"INSERT", created, `"NewImage":` + first, 18 + 22},
		{"MODIFY", created + 2, `"NewImage":` + second + `,"OldImage":` + first, 18 + 21 + 22},
		{"REMOVE", created + 2, `"OldImage":` + second, 18 + 21},
	} {
		var id struct{ EventID string }
		require.NoError(t, json.Unmarshal(records[i].JSON, &id))
		require.Regexp(t, `^[0-9a-f]{32}$`, id.EventID)
		require.Regexp(t, `^[1-9]\d{20,39}$`, records[i].SequenceNumber)
		require.Equal(t, want.created, records[i].Created.Unix())
		require.JSONEq(t, fmt.Sprintf(`{"eventID":%q,"eventName":%q,"eventVersion":"1.1","eventSource":"aws:dynamodb","awsRegion":"us-east-1",
			"dynamodb":{"ApproximateCreationDateTime":%d,"Keys":%s,%s,"SequenceNumber":%q,"SizeBytes":%d,"StreamViewType":"NEW_AND_OLD_IMAGES"},
			"eventSourceARN":"arn:aws:dynamodb:us-east-1:000000000000:table/Thread/stream/2026-07-09T10:15:30.500"}`,
			id.EventID, want.event, want.created, keys, want.images, records[i].SequenceNumber, want.size), string(records[i].JSON))
	}
	again, err := f.stream.Read(records[0].SequenceNumber, 1)
	require.NoError(t, err)
	require.Equal(t, records[1:2], again, "a record reads the same every time")
	a, _ := new(big.Int).SetString(records[0].SequenceNumber, 10)
	b, _ := new(big.Int).SetString(records[1].SequenceNumber, 10)
	require.Equal(t, -1, a.Cmp(b))
}

func TestWritesThatChangeNothingMakeNoRecord(t *testing.T) {
	f := newFixture(t)
	f.putThread(`,"A":{"N":"1.5"},"B":{"SS":["x","y"]}`)
	f.putThread(`,"B":{"SS":["y","x"]},"A":{"N":"1.50"}`)
	f.must("UpdateItem", `{`+threadKey+`,"UpdateExpression":"SET A = :a","ExpressionAttributeValues":{":a":{"N":"15E-1"}}}`)
	f.must("TransactWriteItems", `{"TransactItems":[{"ConditionCheck":{`+threadKey+`,"ConditionExpression":"attribute_exists(A)"}}]}`)
	f.must("DeleteItem", `{"TableName":"Thread","Key":{"ForumName":{"S":"f"},"Subject":{"S":"other"}}}`)
	f.refused("PutItem", `{"TableName":"Thread","Item":{"ForumName":{"S":"f"},"Subject":{"S":"s"}},"ConditionExpression":"attribute_not_exists(A)"}`,
		codeConditionFailed, conditionFailedMessage)
	records, err := f.stream.Read("", 10)
	require.NoError(t, err)
	require.Len(t, records, 1)
}

func TestStreamViews(t *testing.T) {
	for view, want := range map[string][]string{ // of INSERT, MODIFY, REMOVE
		ViewKeysOnly:  {"", "", ""},
		ViewNewImage:  {"new", "new", ""},
		ViewOldImage:  {"", "old", "old"},
		ViewNewAndOld: {"new", "newold", "old"},
	} {
		t.Run(view, func(t *testing.T) {
			f := newFixture(t)
			info, err := f.CreateTable(TableSpec{Name: "Viewed", PartitionKey: Key{"id", "S"}, StreamView: view})
			require.NoError(t, err)
			stream, err := f.Stream(info.StreamARN)
			require.NoError(t, err)
			f.must("PutItem", `{"TableName":"Viewed","Item":{"id":{"S":"1"}}}`)
			f.must("PutItem", `{"TableName":"Viewed","Item":{"id":{"S":"1"},"a":{"S":"x"}}}`)
			f.must("DeleteItem", `{"TableName":"Viewed","Key":{"id":{"S":"1"}}}`)
			records, err := stream.Read("", 10)
			require.NoError(t, err)
			require.Len(t, records, 3)
			for i, r := range records {
				var parsed struct {
					Dynamodb struct{ Keys, NewImage, OldImage json.RawMessage }
				}
				require.NoError(t, json.Unmarshal(r.JSON, &parsed))
				got := ""
				if parsed.Dynamodb.NewImage != nil {
					got += "new"
				}
				if parsed.Dynamodb.OldImage != nil {
					got += "old"
				}
				require.Equal(t, want[i], got)
				require.JSONEq(t, `{"id":{"S":"1"}}`, string(parsed.Dynamodb.Keys))
			}
		})
	}
}

func TestStreamForgetsAfterTwentyFourHours(t *testing.T) {
	f := newFixture(t)
	f.putThread(`,"A":{"N":"1"}`)
	first, err := f.stream.Read("", 10)
	require.NoError(t, err)
	f.clock.Advance(StreamRetention)
	f.putThread(`,"A":{"N":"2"}`)
	both, err := f.stream.Read("", 10)
	require.NoError(t, err)
	require.Len(t, both, 2)
	f.clock.Advance(time.Second)
	kept, err := f.stream.Read("", 10)
	require.NoError(t, err)
	require.Equal(t, both[1:], kept)
	f.refused("GetShardIterator", `{"StreamArn":"`+f.stream.ARN()+`","ShardId":"`+shardID+`","ShardIteratorType":"AT_SEQUENCE_NUMBER","SequenceNumber":"`+first[0].SequenceNumber+`"}`,
		codeTrimmedData, "The operation attempted to read past the oldest stream record in a shard.")
}

func TestStreamTellsOfNewRecords(t *testing.T) {
	f := newFixture(t)
	after := f.stream.Latest()
	changed := f.stream.Changed()
	select {
	case <-changed:
		t.Fatal("nothing has changed yet")
	default:
	}
	f.putThread(``)
	<-changed
	records, err := f.stream.Read(after, 10)
	require.NoError(t, err)
	require.Len(t, records, 1)
	require.Equal(t, records[0].SequenceNumber, f.stream.Latest())
	changed = f.stream.Changed()
	f.must("DeleteTable", `{"TableName":"Thread"}`)
	<-changed
	_, err = f.stream.Read("7", 1)
	require.ErrorContains(t, err, "Invalid SequenceNumber")
}

func TestShardIterators(t *testing.T) {
	f := newFixture(t)
	f.putThread(`,"A":{"N":"1"}`)
	iterator := func(rest string) string {
		var out getShardIteratorOutput
		require.NoError(t, json.Unmarshal([]byte(f.must("GetShardIterator", `{"StreamArn":"`+f.stream.ARN()+`","ShardId":"`+shardID+`",`+rest+`}`)), &out))
		return out.ShardIterator
	}
	read := func(iterator string) (int, string) {
		var out getRecordsOutput
		require.NoError(t, json.Unmarshal([]byte(f.must("GetRecords", `{"ShardIterator":"`+iterator+`"}`)), &out))
		return len(out.Records), out.NextShardIterator
	}
	oldest, latest := iterator(`"ShardIteratorType":"TRIM_HORIZON"`), iterator(`"ShardIteratorType":"LATEST"`)
	count, next := read(oldest)
	require.Equal(t, 1, count)
	count, _ = read(latest)
	require.Equal(t, 0, count)
	f.putThread(`,"A":{"N":"2"}`)
	count, _ = read(latest)
	require.Equal(t, 1, count)
	f.must("DeleteTable", `{"TableName":"Thread"}`)
	count, next = read(next)
	require.Equal(t, 1, count)
	require.Empty(t, next, "a closed shard that has been read has no next iterator")
	f.clock.Advance(iteratorLife + time.Second)
	f.refused("GetRecords", `{"ShardIterator":"`+latest+`"}`, codeExpiredIterator, "The shard iterator has expired and can no longer be used to retrieve stream records.")
}

func TestIteratorsOfAnEmptyShardMissNothing(t *testing.T) {
	f := newFixture(t)
	begins := func() string {
		var out describeStreamOutput
		require.NoError(t, json.Unmarshal([]byte(f.must("DescribeStream", `{"StreamArn":"`+f.stream.ARN()+`"}`)), &out))
		return out.StreamDescription.Shards[0].SequenceNumberRange.StartingSequenceNumber
	}
	iterator := func(kind, sequence string) string {
		return `{"StreamArn":"` + f.stream.ARN() + `","ShardId":"` + shardID + `","ShardIteratorType":"` + kind + `","SequenceNumber":"` + sequence + `"}`
	}
	var at, after getShardIteratorOutput
	require.NoError(t, json.Unmarshal([]byte(f.must("GetShardIterator", iterator("AT_SEQUENCE_NUMBER", begins()))), &at))
	require.NoError(t, json.Unmarshal([]byte(f.must("GetShardIterator", iterator("AFTER_SEQUENCE_NUMBER", begins()))), &after))
	f.putThread(`,"A":{"N":"1"}`)
	for _, i := range []getShardIteratorOutput{at, after} {
		var out getRecordsOutput
		require.NoError(t, json.Unmarshal([]byte(f.must("GetRecords", `{"ShardIterator":"`+i.ShardIterator+`"}`)), &out))
		require.Len(t, out.Records, 1)
	}
	yetToCome := formatSequence(f.stream.first + 2)
	f.refused("GetShardIterator", iterator("AT_SEQUENCE_NUMBER", yetToCome), codeValidation, fmt.Sprintf("Invalid SequenceNumber: %q", yetToCome))
}

func TestAClosedShardEndsBehindANumberThatNoRecordHas(t *testing.T) {
	f := newFixture(t)
	f.putThread(`,"A":{"N":"1"}`)
	item, err := decodeItem(json.RawMessage(`{"ForumName":{"S":"f"},"Subject":{"S":"s"}}`))
	require.NoError(t, err)
	f.stream.settle(f.stream.append(&storage.Batch{}, nil, encodeItem(item), item), false) // as where the store fails
	f.must("DeleteTable", `{"TableName":"Thread"}`)
	var at getShardIteratorOutput
	require.NoError(t, json.Unmarshal([]byte(f.must("GetShardIterator", `{"StreamArn":"`+f.stream.ARN()+`","ShardId":"`+shardID+`","ShardIteratorType":"TRIM_HORIZON"}`)), &at))
	var out getRecordsOutput
	require.NoError(t, json.Unmarshal([]byte(f.must("GetRecords", `{"ShardIterator":"`+at.ShardIterator+`"}`)), &out))
	require.Len(t, out.Records, 1)
	require.Empty(t, out.NextShardIterator)
}
