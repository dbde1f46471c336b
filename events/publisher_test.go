package events

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/payment"
)

// scriptedBus answers each PutEvents with the next answer, or takes everything once the script is over.
type scriptedBus struct {
	answers []func(*eventbridge.PutEventsInput) (*eventbridge.PutEventsOutput, error)
	calls   [][]string
}

func (b *scriptedBus) PutEvents(_ context.Context, in *eventbridge.PutEventsInput, _ ...func(*eventbridge.Options)) (*eventbridge.PutEventsOutput, error) {
	var details []string
	for _, e := range in.Entries {
		details = append(details, *e.Detail)
	}
	b.calls = append(b.calls, details)
	if len(b.answers) > 0 {
		answer := b.answers[0]
		b.answers = b.answers[1:]
		return answer(in)
	}
	return taken(in)
}

func taken(in *eventbridge.PutEventsInput) (*eventbridge.PutEventsOutput, error) {
	out := &eventbridge.PutEventsOutput{}
	for range in.Entries {
		out.Entries = append(out.Entries, types.PutEventsResultEntry{EventId: aws.String("id")})
	}
	return out, nil
}

func failing(n int) func(*eventbridge.PutEventsInput) (*eventbridge.PutEventsOutput, error) {
	return func(in *eventbridge.PutEventsInput) (*eventbridge.PutEventsOutput, error) {
		out, _ := taken(in)
		out.FailedEntryCount = 1
		out.Entries[n] = types.PutEventsResultEntry{ErrorCode: aws.String("ThrottlingException"), ErrorMessage: aws.String("slow down")}
		return out, nil
	}
}

func noWait(context.Context, time.Duration) error { return nil }

func numbered(n int) []Event {
	events := make([]Event, n)
	for i := range events {
		detail, _ := json.Marshal(i)
		events[i] = Event{DetailType: TransactionPosted, Source: SourcePosting, Detail: detail}
	}
	return events
}

func TestPublishPutsOnlyFailedEntriesAgain(t *testing.T) {
	bus := &scriptedBus{answers: []func(*eventbridge.PutEventsInput) (*eventbridge.PutEventsOutput, error){failing(1)}}
	require.Empty(t, NewPublisher(bus, "bus", noWait).Publish(context.Background(), numbered(3)))
	require.Equal(t, [][]string{{"0", "1", "2"}, {"1"}}, bus.calls)
}

func TestPublishReportsWhatKeepsFailing(t *testing.T) {
	bus := &scriptedBus{answers: []func(*eventbridge.PutEventsInput) (*eventbridge.PutEventsOutput, error){failing(2), failing(0), failing(0)}}
	failures := NewPublisher(bus, "bus", noWait).Publish(context.Background(), numbered(3))
	require.Len(t, failures, 1)
	require.EqualError(t, failures[2], "publishing TransactionPosted: ThrottlingException: slow down")
	require.Len(t, bus.calls, publishAttempts)
}

func TestPublishChunks(t *testing.T) {
	bus := &scriptedBus{}
	require.Empty(t, NewPublisher(bus, "bus", noWait).Publish(context.Background(), numbered(23)))
	require.Len(t, bus.calls, 3)
	require.Len(t, bus.calls[2], 3)

	bus = &scriptedBus{}
	big := numbered(6)
	for i := range big {
		big[i].Detail = json.RawMessage(`"` + strings.Repeat("x", 200_000) + `"`)
	}
	require.Empty(t, NewPublisher(bus, "bus", noWait).Publish(context.Background(), big))
	require.Len(t, bus.calls, 2, "four events of 200 KB fit the request limit")
}

func TestPublishRefusesWhatTheRulesEngineCannotTake(t *testing.T) {
	bus := &scriptedBus{}
	events := numbered(2)
	events[0].Detail = json.RawMessage(`"` + strings.Repeat("x", maxEntryBytes) + `"`)
	failures := NewPublisher(bus, "bus", noWait).Publish(context.Background(), events)
	require.Len(t, failures, 1)
	require.ErrorContains(t, failures[0], "more than the 256000")
	require.Equal(t, payment.Invalid, payment.KindOf(failures[0]), "it fails again, however often it is tried")
	require.Equal(t, [][]string{{"1"}}, bus.calls)
}

func TestPublishStopsWaitingWithItsContext(t *testing.T) {
	down := func(*eventbridge.PutEventsInput) (*eventbridge.PutEventsOutput, error) {
		return nil, errors.New("connection refused")
	}
	bus := &scriptedBus{answers: []func(*eventbridge.PutEventsInput) (*eventbridge.PutEventsOutput, error){down}}
	cancelled := func(context.Context, time.Duration) error { return context.Canceled }
	failures := NewPublisher(bus, "bus", cancelled).Publish(context.Background(), numbered(1))
	require.EqualError(t, failures[0], "publishing TransactionPosted: connection refused")
	require.Len(t, bus.calls, 1)
}
