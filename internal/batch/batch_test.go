package batch

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	lambdaevents "github.com/aws/aws-lambda-go/events"
	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/events"
	"github.com/payrail/payrail/payment"
)

func sqsEvent(bodies ...string) lambdaevents.SQSEvent {
	var event lambdaevents.SQSEvent
	for i, body := range bodies {
		event.Records = append(event.Records, lambdaevents.SQSMessage{MessageId: fmt.Sprintf("m%d", i), Body: body,
			Attributes: map[string]string{"ApproximateReceiveCount": "2"}})
	}
	return event
}

func logLines(t *testing.T, out *bytes.Buffer) []map[string]any {
	t.Helper()
	var lines []map[string]any
	for text := range strings.Lines(out.String()) {
		var line map[string]any
		require.NoError(t, json.Unmarshal([]byte(text), &line))
		lines = append(lines, line)
	}
	return lines
}

func process(t *testing.T, handle Handler, bodies ...string) (failed []string, log []map[string]any) {
	t.Helper()
	var out bytes.Buffer
	response, err := NewProcessor(slog.New(slog.NewJSONHandler(&out, nil)), handle).Process(context.Background(), sqsEvent(bodies...))
	require.NoError(t, err)
	for _, failure := range response.BatchItemFailures {
		failed = append(failed, failure.ItemIdentifier)
	}
	return failed, logLines(t, &out)
}

func TestEveryFailureIsReportedAndLoggedOnce(t *testing.T) {
	const event = `{"detail":{"metadata":{"eventId":"tx_1/T","transactionId":"tx_1","correlationId":"auth-1"}}}`
	failed, log := process(t, func(_ context.Context, messages []Message) Results {
		require.Equal(t, Message{ID: "m1", Body: []byte(event), Receives: 2}, messages[1])
		return Results{nil, &payment.Error{Kind: payment.Unsupported, Reason: "NOT_YET"}, nil, errors.New("throttled")}
	}, "{}", event, "{}", "no JSON")
	require.Equal(t, []string{"m1", "m3"}, failed, "a final error too: the dead-letter queue keeps it")
	require.Len(t, log, 2)
	for key, want := range map[string]any{"messageId": "m1", "eventId": "tx_1/T", "transactionId": "tx_1", "correlationId": "auth-1",
		"kind": "UNSUPPORTED", "reason": "NOT_YET", "error": "NOT_YET", "receives": 2.0} {
		require.Equal(t, want, log[0][key], key)
	}
	require.Equal(t, "UNAVAILABLE", log[1]["kind"])
	require.Equal(t, "INTERNAL", log[1]["reason"])
}

// SQS counts the deliveries of what was put back from a dead-letter queue anew.
func TestWhatWasPutBackWasDeliveredBefore(t *testing.T) {
	for count, want := range map[string]int{"1": 2, "2": 3, "": 2} {
		event := sqsEvent("{}")
		event.Records[0].Attributes["ApproximateReceiveCount"] = count
		event.Records[0].MessageAttributes = map[string]lambdaevents.SQSMessageAttribute{AttributeRedriven: {DataType: "String"}}
		_, err := NewProcessor(slog.New(slog.DiscardHandler), func(_ context.Context, messages []Message) Results {
			require.Equal(t, want, messages[0].Receives, count)
			return make(Results, 1)
		}).Process(context.Background(), event)
		require.NoError(t, err)
	}
}

func TestSuccessNamesNoMessage(t *testing.T) {
	failed, log := process(t, func(_ context.Context, messages []Message) Results { return make(Results, len(messages)) }, "a", "b")
	require.Empty(t, failed)
	require.Empty(t, log)
}

func TestPanicTakesOnlyItsOwnMessage(t *testing.T) {
	var sizes []int
	failed, log := process(t, func(_ context.Context, messages []Message) Results {
		sizes = append(sizes, len(messages))
		for _, message := range messages {
			if string(message.Body) == "poison" {
				panic("boom")
			}
		}
		return make(Results, len(messages))
	}, "a", "poison", "b")
	require.Equal(t, []string{"m1"}, failed)
	require.Equal(t, []int{3, 1, 1, 1}, sizes)
	require.Len(t, log, 3, "the batch's panic, the message's, and the message")
	require.Equal(t, "boom", log[0]["panic"])
	require.Contains(t, log[0]["stack"], "TestPanicTakesOnlyItsOwnMessage")
	require.Equal(t, "PANIC", log[2]["reason"])
}

func TestResultsThatDoNotMatchTheBatchFailIt(t *testing.T) {
	failed, log := process(t, func(context.Context, []Message) Results { return nil }, "a", "b")
	require.Equal(t, []string{"m0", "m1"}, failed)
	require.Contains(t, log[0]["error"], "returned 0 results")
}

func TestDecodeMarksAnUnreadableEventAsFinal(t *testing.T) {
	_, err := Decode[events.PostedData](Message{Body: []byte("{")}, events.TransactionPosted)
	require.Equal(t, payment.Invalid, payment.KindOf(err))
	require.Equal(t, ReasonUnreadable, payment.ReasonOf(err))

	detail, err := Decode[events.PostedData](Message{Body: []byte(
		`{"detail-type":"TransactionPosted","detail":{"metadata":{"eventId":"e","transactionId":"t"},"data":{"entryHash":"h"}}}`)}, events.TransactionPosted)
	require.NoError(t, err)
	require.Equal(t, "h", detail.Data.EntryHash)
}

type publisherFunc func([]events.Event) events.Failures

func (f publisherFunc) Publish(_ context.Context, all []events.Event) events.Failures { return f(all) }

func TestOutboxGivesFailuresToTheirMessages(t *testing.T) {
	var outbox Outbox
	for message, count := range []int{1, 2, 0, 2} {
		for range count {
			outbox.Add(message, events.Event{DetailType: events.DetailType(fmt.Sprint(message))})
		}
	}
	first := errors.New("failed before")
	results := Results{nil, nil, nil, first}
	calls := 0
	outbox.Publish(context.Background(), publisherFunc(func(all []events.Event) events.Failures {
		calls++
		require.Len(t, all, 5)
		return events.Failures{2: errors.New("throttled"), 4: errors.New("throttled too")}
	}), results)
	require.Equal(t, 1, calls)
	require.NoError(t, results[0])
	require.EqualError(t, results[1], "throttled")
	require.NoError(t, results[2])
	require.Equal(t, first, results[3])

	new(Outbox).Publish(context.Background(), publisherFunc(func([]events.Event) events.Failures {
		t.Fatal("nothing to publish")
		return nil
	}), nil)
}

func FuzzProcess(f *testing.F) {
	f.Add("")
	f.Add(`{"detail":{"metadata":{"eventId":1}}}`)
	f.Add(`{"detail":{"metadata":{"eventId":"e"}}}`)
	f.Fuzz(func(t *testing.T, body string) {
		failed, _ := process(t, func(_ context.Context, messages []Message) Results {
			_, err := Decode[events.PostedData](messages[0], events.TransactionPosted)
			return Results{err}
		}, body)
		require.LessOrEqual(t, len(failed), 1)
	})
}
