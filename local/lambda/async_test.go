package lambda

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/local/sqs"
	"github.com/payrail/payrail/local/wire"
)

func TestAsyncRetriesThenGoesToItsDestinations(t *testing.T) {
	f := newFixture(t, nil)
	destination, dlq := f.queue(t, "failures", nil), f.queue(t, "dlq", nil)
	f.create(t, func(s *FunctionSpec) { s.OnFailureARN, s.DeadLetterARN = destination, dlq })
	require.NoError(t, f.InvokeAsync(context.Background(), "probe", []byte(`{"Do":"fail"}`)))
	for attempt, delay := range []time.Duration{0, time.Minute, 2 * time.Minute} {
		if attempt > 0 {
			f.clock.WaitForTimers(2) // the retry, and the idle timeout
		}
		f.clock.Advance(delay)
		f.requireInvocations(t, uint64(attempt+1))
	}
	f.requireStats(t, destination, "the record arrives", func(s sqs.Stats) bool { return s.Sent == 1 })

	records, err := f.sqs.Receive(context.Background(), destination, 1, 0)
	require.NoError(t, err)
	var record invocationRecord
	require.NoError(t, json.Unmarshal([]byte(records[0].Body), &record))
	require.Equal(t, "RetriesExhausted", record.RequestContext.Condition)
	require.Equal(t, 3, record.RequestContext.ApproximateInvokeCount)
	require.Equal(t, "arn:aws:lambda:us-east-1:000000000000:function:probe:$LATEST", record.RequestContext.FunctionArn)
	require.JSONEq(t, `{"Do":"fail"}`, string(record.RequestPayload))
	require.Equal(t, "Unhandled", record.ResponseContext.FunctionError)
	require.JSONEq(t, `{"errorMessage":"failed as told","errorType":"probeError"}`, string(record.ResponsePayload))

	dead, err := f.sqs.Receive(context.Background(), dlq, 1, 0)
	require.NoError(t, err)
	require.Equal(t, `{"Do":"fail"}`, dead[0].Body)
	require.Equal(t, map[string]sqs.Attribute{
		"RequestID": {DataType: "String", StringValue: record.RequestContext.RequestID},
		"ErrorCode": {DataType: "Number", StringValue: "200"}, "ErrorMessage": {DataType: "String", StringValue: "failed as told"},
	}, dead[0].Attributes)
	require.Equal(t, 1.0, f.metric(MetricAsyncEventsReceived))
	require.Equal(t, 1.0, f.metric(MetricAsyncEventsDropped))
	require.Equal(t, 3.0, f.metric(MetricInvocations))
	require.Equal(t, 3.0, f.metric(MetricErrors))
	require.Zero(t, f.metric(MetricDeadLetterErrors)+f.metric(MetricDestinationDeliveryFailures)+f.metric(MetricThrottles))
}

// requireInvocations waits until n invocations have ended.
func (f *fixture) requireInvocations(t *testing.T, n uint64) {
	t.Helper()
	require.Eventually(t, func() bool {
		s, err := f.Stats("probe")
		return err == nil && s.Invocations == n && s.Busy == 0
	}, patience, time.Millisecond)
}

func TestAsyncWaitsOutThrottles(t *testing.T) {
	f := newFixture(t, nil)
	destination, dlq := f.queue(t, "failures", nil), f.queue(t, "dlq", nil)
	one := 1
	f.create(t, func(s *FunctionSpec) {
		s.ReservedConcurrency, s.OnFailureARN, s.DeadLetterARN, s.MaximumEventAgeSeconds = &one, destination, dlq, 60
	})
	f.invokeAll(1, `{"Do":"gate"}`)
	<-f.arrived
	require.NoError(t, f.InvokeAsync(context.Background(), "probe", []byte(`{}`)))
	for range 4 { // tried again at 16, 32, 48 and 64 s, when the event is older than its 60 s
		f.clock.WaitForTimers(1)
		f.clock.Advance(16 * time.Second)
	}
	f.requireStats(t, destination, "given up for its age", func(s sqs.Stats) bool { return s.Sent == 1 })
	records, err := f.sqs.Receive(context.Background(), destination, 1, 0)
	require.NoError(t, err)
	require.Contains(t, records[0].Body, `"condition":"EventAgeExceeded"`)
	require.Contains(t, records[0].Body, `"statusCode":429`)
	require.NotContains(t, records[0].Body, "responsePayload", "there is no response")
	dead, err := f.sqs.Receive(context.Background(), dlq, 1, 0)
	require.NoError(t, err)
	require.Equal(t, "429", dead[0].Attributes["ErrorCode"].StringValue)
	require.Equal(t, "Rate Exceeded.", dead[0].Attributes["ErrorMessage"].StringValue)
}

func TestAsyncRefusesLargeEvents(t *testing.T) {
	f := newFixture(t, nil)
	f.create(t, nil)
	err := f.InvokeAsync(context.Background(), "probe", make([]byte, maxAsyncPayloadBytes+1))
	require.Equal(t, "RequestTooLargeException", wire.AsError(err).Code)
}
