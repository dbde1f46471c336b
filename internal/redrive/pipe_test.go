package redrive

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	dynamotypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	streamtypes "github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/events"
	"github.com/payrail/payrail/internal/authorizationitem"
	"github.com/payrail/payrail/internal/reconcile"
)

// record is a record of the authorizations' stream.
type record struct {
	sequence, authorization, status, name string
}

func (r record) form() streamtypes.Record {
	data := &streamtypes.StreamRecord{SequenceNumber: &r.sequence, ApproximateCreationDateTime: aws.Time(now.Add(7 * time.Millisecond))}
	if r.name != "REMOVE" {
		data.NewImage = map[string]streamtypes.AttributeValue{"authorizationId": &streamtypes.AttributeValueMemberS{Value: r.authorization}, "status": &streamtypes.AttributeValueMemberS{Value: r.status}}
	}
	return streamtypes.Record{EventID: aws.String("e" + r.sequence), EventName: streamtypes.OperationType(r.name), Dynamodb: data}
}

// givenUp is a pipe's message about the records 900 to 1002.
func givenUp(size int) types.Message {
	body := fmt.Sprintf(`{"context":{"partnerResourceArn":"arn:aws:pipes:us-east-1:123456789012:pipe/p","condition":"RetryAttemptsExhausted"},"version":"1.0","timestamp":"2026-07-09T10:20:00.000Z",
"DDBStreamBatchInfo":{"shardId":"shard-1","startSequenceNumber":"900","endSequenceNumber":"1002","approximateArrivalOfFirstRecord":"2026-07-09T10:15:30.000Z",
"approximateArrivalOfLastRecord":"2026-07-09T10:15:31.000Z","batchSize":%d,"streamArn":"arn:aws:dynamodb:us-east-1:123456789012:table/a/stream/1"}}`, size)
	return types.Message{MessageId: aws.String("m00"), Body: &body}
}

func stored(id string) authorizationitem.Item {
	return authorizationitem.Item{"authorizationId": &dynamotypes.AttributeValueMemberS{Value: id}, "status": &dynamotypes.AttributeValueMemberS{Value: "APPROVED"}}
}

// The records of the range go through dedup to the bus, in tens, without what the pipe's filter does not pass.
func TestWhatThePipeGaveUpIsReadFromTheStream(t *testing.T) {
	w := newWorld()
	w.stream.pages = [][]record{
		{{"900", "a0", "APPROVED", "INSERT"}, {"901", "pending", "PENDING", "INSERT"}, {"902", "", "", "REMOVE"}},
		{}, // An open shard may have empty pages.
		{{"999", "a1", "APPROVED", "MODIFY"}, {"1002", "a2", "APPROVED", "INSERT"}, {"1003", "later", "APPROVED", "INSERT"}},
	}
	w.add("PipeDeadLetters", givenUp(3))
	report := w.run(t, storeOf(Pipe))
	require.Equal(t, Tally{PutBack: 1}, report.Tally, report.Items)
	require.Equal(t, "GetShardIterator shard-1 AT_SEQUENCE_NUMBER 900", w.said[1])
	require.Equal(t, "Invoke dedup a0,a1,a2", w.said[2])
	require.Contains(t, w.said[3], "PublishEvent TransactionAuthorized payrail.dedup", "as the pipe puts it")
	require.Empty(t, w.queues[queueURL+"PipeDeadLetters"])

	w = newWorld()
	var many []record
	for i := range 23 {
		many = append(many, record{fmt.Sprint(900 + i), fmt.Sprintf("a%d", i), "APPROVED", "INSERT"})
	}
	many[22].sequence = "1002"
	w.stream.pages = [][]record{many}
	w.add("PipeDeadLetters", givenUp(10))
	invocations := 0
	w.forwards = func(records []streamRecord) []events.Detail[events.AuthorizedData] {
		require.LessOrEqual(t, len(records), 10)
		require.Equal(t, "1783592130.007", string(records[0].Data.CreatedAt), "the payment keeps its time")
		invocations++
		return nil
	}
	require.Equal(t, 1, w.run(t, storeOf(Pipe)).PutBack)
	require.Equal(t, 3, invocations)
}

// Whatever fails on the way, the message stays.
func TestWhatThePipeGaveUpIsNotLost(t *testing.T) {
	for call, err := range map[string]error{"Invoke": errBroken, "PublishEvent": errBroken, "GetShardIterator": errBroken} {
		w := newWorld()
		w.stream.pages = [][]record{{{"1002", "a0", "APPROVED", "INSERT"}}}
		w.broken[call] = err
		w.add("PipeDeadLetters", givenUp(1))
		require.Equal(t, Tally{Failed: 1}, w.run(t, storeOf(Pipe)).Tally, call)
		require.Len(t, w.visible("PipeDeadLetters"), 1)
	}
	w := newWorld()
	w.stream.pages = [][]record{{{"1002", "a0", "APPROVED", "INSERT"}}}
	w.broken["Invoke"] = errFunction
	w.add("PipeDeadLetters", givenUp(1))
	require.Contains(t, w.run(t, storeOf(Pipe)).Items[0].Problem, "dedup failed (Unhandled): the table is throttled")

	w = newWorld()
	w.add("PipeDeadLetters", types.Message{MessageId: aws.String("m00"), Body: aws.String(`{"DDBStreamBatchInfo":{}}`)})
	require.Equal(t, Tally{Left: 1}, w.run(t, storeOf(Pipe)).Tally)
}

// After 24 hours the stream has nothing any more: the authorizations that came in then go through dedup.
func TestWhatLeftTheStreamIsFoundByItsStamp(t *testing.T) {
	for name, gone := range map[string]streamFake{
		"trimmed":     {err: &streamtypes.TrimmedDataAccessException{}},
		"no shard":    {err: &streamtypes.ResourceNotFoundException{}},
		"partly gone": {pages: [][]record{{{"1002", "a1", "APPROVED", "INSERT"}}}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			w.stream = gone
			for i, id := range []string{"a0", "a1", "hours-later", "withdrawn"} {
				at := now.Add(time.Duration(i) * time.Second / 2)
				if id == "hours-later" {
					at = now.Add(3 * time.Hour)
				}
				w.stamps = append(w.stamps, reconcile.StampedAuthorization{ID: id, Approved: id != "withdrawn", At: at})
				w.items[id] = stored(id)
			}
			w.add("PipeDeadLetters", givenUp(2))
			require.Equal(t, Tally{PutBack: 1}, w.run(t, storeOf(Pipe)).Tally)
			require.Contains(t, w.said, "Invoke dedup a0,a1")

			w.add("PipeDeadLetters", givenUp(3))
			report := w.run(t, storeOf(Pipe))
			require.Equal(t, Tally{Left: 1}, report.Tally, "one of three is not found: it would be lost with the message")
			require.Contains(t, report.Items[0].Problem, "payrail reconcile --full")
			require.Len(t, w.visible("PipeDeadLetters"), 1)
		})
	}
}

func TestARangeWithoutAnEndIsNotReadForEver(t *testing.T) {
	w := newWorld()
	w.stream.pages = make([][]record, maxPages+1)
	w.add("PipeDeadLetters", givenUp(1))
	require.Contains(t, w.run(t, storeOf(Pipe)).Items[0].Problem, "is not among the 200 pages")
}

func TestSequenceNumbersAreNumbers(t *testing.T) {
	require.True(t, past("1000", "999"))
	require.False(t, past("999", "1000"))
	require.True(t, past("1001", "1000"))
	require.False(t, past("1000", "1000"))
}

func TestEveryTypeOfAttributeIsWritten(t *testing.T) {
	form, err := image(map[string]streamtypes.AttributeValue{
		"s": &streamtypes.AttributeValueMemberS{Value: "x"}, "n": &streamtypes.AttributeValueMemberN{Value: "1"}, "b": &streamtypes.AttributeValueMemberB{Value: []byte{1}},
		"bool": &streamtypes.AttributeValueMemberBOOL{Value: true}, "null": &streamtypes.AttributeValueMemberNULL{Value: true},
		"ss": &streamtypes.AttributeValueMemberSS{Value: []string{"x"}}, "ns": &streamtypes.AttributeValueMemberNS{Value: []string{"1"}}, "bs": &streamtypes.AttributeValueMemberBS{Value: [][]byte{{1}}},
		"l": &streamtypes.AttributeValueMemberL{Value: []streamtypes.AttributeValue{&streamtypes.AttributeValueMemberS{Value: "x"}}},
		"m": &streamtypes.AttributeValueMemberM{Value: map[string]streamtypes.AttributeValue{"s": &streamtypes.AttributeValueMemberS{Value: "x"}}},
	})
	require.NoError(t, err)
	require.Equal(t, map[string]any{
		"s": map[string]any{"S": "x"}, "n": map[string]any{"N": "1"}, "b": map[string]any{"B": []byte{1}}, "bool": map[string]any{"BOOL": true}, "null": map[string]any{"NULL": true},
		"ss": map[string]any{"SS": []string{"x"}}, "ns": map[string]any{"NS": []string{"1"}}, "bs": map[string]any{"BS": [][]byte{{1}}},
		"l": map[string]any{"L": []any{map[string]any{"S": "x"}}}, "m": map[string]any{"M": map[string]any{"s": map[string]any{"S": "x"}}},
	}, form)
	_, err = image(map[string]streamtypes.AttributeValue{"x": nil})
	require.Error(t, err)
}

// Numbers of a stream are not searched for card numbers, of which they look like some; so nothing but them is shown.
func TestOfAPipesMessageOnlyThePositionsAreShown(t *testing.T) {
	m := givenUp(1)
	body := strings.Replace(*m.Body, `"startSequenceNumber":"900"`, `"holder":"4111 1111 1111 1111","startSequenceNumber":"4111111111111111"`, 1)
	m.Body = &body
	h := readMessage(storeOf(Pipe), m)
	require.Empty(t, h.Withheld)
	shown := string(h.whole().Content)
	require.NotContains(t, shown, "holder")
	require.Contains(t, shown, `"startSequenceNumber":"4111111111111111"`)
	require.Contains(t, shown, `"condition":"RetryAttemptsExhausted"`)
}
