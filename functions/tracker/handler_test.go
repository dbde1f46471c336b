package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"testing"
	"time"

	lambdaevents "github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/events"
	"github.com/payrail/payrail/internal/batch"
	"github.com/payrail/payrail/internal/timeline"
)

// table is the timeline table in memory; it leaves items whose sort key throttled names unprocessed.
type table struct {
	items     map[string]map[string]types.AttributeValue
	throttled string
	err       error
	calls     int
}

func (f *table) BatchWriteItem(_ context.Context, in *dynamodb.BatchWriteItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.BatchWriteItemOutput, error) {
	f.calls++
	if f.err != nil {
		return nil, f.err
	}
	out := &dynamodb.BatchWriteItemOutput{UnprocessedItems: map[string][]types.WriteRequest{}}
	for _, request := range in.RequestItems["timeline"] {
		text := func(name string) string { return request.PutRequest.Item[name].(*types.AttributeValueMemberS).Value }
		if text("sk") == f.throttled {
			out.UnprocessedItems["timeline"] = append(out.UnprocessedItems["timeline"], request)
			continue
		}
		f.items[text("pk")+" "+text("sk")] = request.PutRequest.Item
	}
	return out, nil
}

func newTable() *table { return &table{items: map[string]map[string]types.AttributeValue{}} }

func example(t testing.TB, detailType events.DetailType) string {
	t.Helper()
	body, err := os.ReadFile(filepath.Join("..", "..", "events", "examples", string(detailType)+".json"))
	require.NoError(t, err)
	return string(body)
}

// process delivers the bodies as one batch and returns the ids of the messages that failed, m0 the first.
func process(t testing.TB, f *table, bodies ...string) (failed []string, log string) {
	t.Helper()
	var out bytes.Buffer
	tr := tracker{timeline: timeline.NewWriter(f, "timeline", func(context.Context, time.Duration) error { return nil })}
	var event lambdaevents.SQSEvent
	for i, body := range bodies {
		event.Records = append(event.Records, lambdaevents.SQSMessage{MessageId: fmt.Sprintf("m%d", i), Body: body})
	}
	response, err := batch.NewProcessor(slog.New(slog.NewJSONHandler(&out, nil)), tr.handle).Process(context.Background(), event)
	require.NoError(t, err)
	for _, failure := range response.BatchItemFailures {
		failed = append(failed, failure.ItemIdentifier)
	}
	return failed, out.String()
}

func TestABatchIsRecordedInOneRequestHoweverOftenItComes(t *testing.T) {
	f := newTable()
	bodies := []string{example(t, events.TransactionAuthorized), example(t, events.TransactionPosted), example(t, events.TransactionAuthorized)}
	failed, _ := process(t, f, bodies...)
	require.Empty(t, failed)
	require.Equal(t, 1, f.calls)
	require.Len(t, f.items, 3, "two events, and the way from the authorization")
	before := maps.Clone(f.items)
	process(t, f, bodies...)
	require.Equal(t, before, f.items)
}

func TestOnlyWhatFailedIsDeliveredAgain(t *testing.T) {
	posted, err := timeline.Read([]byte(example(t, events.TransactionPosted)))
	require.NoError(t, err)
	f := newTable()
	f.throttled = posted.EventID
	failed, log := process(t, f, "no JSON", example(t, events.TransactionStandardized), example(t, events.TransactionPosted), `{"detail-type":"X","detail":{}}`)
	require.Equal(t, []string{"m0", "m2", "m3"}, failed)
	require.Contains(t, log, `"reason":"EVENT_UNREADABLE"`)
	require.Contains(t, log, `"kind":"UNAVAILABLE"`)
	require.Len(t, f.items, 1)

	f.throttled = ""
	failed, _ = process(t, f, example(t, events.TransactionPosted))
	require.Empty(t, failed)
	require.Len(t, f.items, 2)
}

func TestAFailedRequestFailsItsMessages(t *testing.T) {
	f := newTable()
	f.err = errors.New("ProvisionedThroughputExceededException")
	failed, _ := process(t, f, example(t, events.TransactionStandardized), example(t, events.TransactionPosted))
	require.Equal(t, []string{"m0", "m1"}, failed)
}

func FuzzHandle(f *testing.F) {
	for _, contract := range events.Contracts() {
		f.Add(example(f, contract.DetailType))
	}
	f.Fuzz(func(t *testing.T, body string) {
		written := newTable()
		failed, log := process(t, written, body)
		require.NotContains(t, log, "panic")
		require.Equal(t, len(failed) == 0, len(written.items) > 0, "recorded or failed, never neither")
	})
}

func BenchmarkHandle(b *testing.B) {
	var messages []batch.Message
	for i, contract := range events.Contracts()[:10] {
		messages = append(messages, batch.Message{ID: fmt.Sprint(i), Body: []byte(example(b, contract.DetailType))})
	}
	f := newTable()
	tr := tracker{timeline: timeline.NewWriter(f, "timeline", func(context.Context, time.Duration) error { return nil })}
	b.ReportAllocs()
	for b.Loop() {
		for _, err := range tr.handle(context.Background(), messages) {
			if err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*10), "ns/event")
}
