package events

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var (
	ingested  = time.Date(2026, 7, 9, 10, 15, 31, 123e6, time.UTC)
	published = ingested.Add(40 * time.Millisecond)
)

func TestMetadataIsAFunctionOfItsCause(t *testing.T) {
	first := First(TransactionAuthorized, "tx_A", "auth-1", "tok", "record-1", ingested, published)
	require.Equal(t, Metadata{
		SchemaVersion: "1.0", EventID: "tx_A/TransactionAuthorized", TransactionID: "tx_A", CorrelationID: "auth-1",
		CausationID: "record-1", Traceparent: first.Traceparent, OccurredAt: "2026-07-09T10:15:31.123Z",
		PublishedAt: "2026-07-09T10:15:31.163Z", EventGroupID: "tok",
	}, first)
	require.Len(t, first.Traceparent, traceparentLength)

	next := first.Next(TransactionStandardized, "", published)
	require.Equal(t, "tx_A/TransactionStandardized", next.EventID)
	require.Equal(t, first.EventID, next.CausationID)
	require.Equal(t, first.OccurredAt, next.OccurredAt)
	require.Equal(t, first.Traceparent[:36], next.Traceparent[:36], "one transaction is one trace")
	require.NotEqual(t, first.Traceparent, next.Traceparent)

	next.PostingSequence = "ps_A-00"
	require.Equal(t, "ps_A-00/PostingLegCreated/2", next.Next(PostingLegCreated, "2", published).EventID)
	again := first.Next(TransactionStandardized, "", published.Add(time.Hour))
	require.Equal(t, "tx_A/TransactionStandardized", again.EventID, "a redelivery repeats the id")
}

func TestDecodeRefusesWhatItsConsumerDoesNotExpect(t *testing.T) {
	const good = `{"id":"1","detail-type":"TransactionPosted","replay-name":"r1","detail":{"metadata":{"eventId":"e","transactionId":"t"},"data":{"entryHash":"h"}}}`
	detail, err := Decode[PostedData]([]byte(good), PostingLegCreated, TransactionPosted)
	require.NoError(t, err)
	require.Equal(t, "h", detail.Data.EntryHash)
	require.Equal(t, "r1", detail.Metadata.Replay)

	for name, tc := range map[string]struct{ body, problem string }{
		"no JSON":         {`{`, "decoding the event envelope: unexpected end of JSON input"},
		"another event":   {`{"id":"1","detail-type":"Other","detail":{}}`, `decoding event 1: detail-type "Other", want one of [TransactionPosted]`},
		"another shape":   {`{"id":"1","detail-type":"TransactionPosted","detail":{"data":{"entryHash":1}}}`, "decoding the detail of TransactionPosted event 1: json: cannot unmarshal number"},
		"without its ids": {`{"id":"1","detail-type":"TransactionPosted","detail":{}}`, "decoding TransactionPosted event 1: metadata has no transactionId or eventId"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Decode[PostedData]([]byte(tc.body), TransactionPosted)
			require.ErrorContains(t, err, tc.problem)
		})
	}
}

// A repaired payment tells its story beside that of the attempt that failed: no id of one is an id of the other.
func TestARetryCountsTheAttemptInEveryID(t *testing.T) {
	first := First(TransactionAuthorized, "tx_A", "auth-1", "tok", "record-1", ingested, published)
	retry := first.Retry(TransactionAuthorized, 2, "tx_A/TransactionPostingFailed", published.Add(time.Hour))
	require.Equal(t, "tx_A/TransactionAuthorized/2", retry.EventID)
	require.Equal(t, "tx_A/TransactionPostingFailed", retry.CausationID)
	require.Equal(t, first.OccurredAt, retry.OccurredAt)
	require.Equal(t, "2026-07-09T11:15:31.163Z", retry.PublishedAt)
	require.Equal(t, first.Traceparent[:35], retry.Traceparent[:35], "one trace")
	require.NotEqual(t, first.Traceparent, retry.Traceparent, "a span of its own")

	next := retry.Next(TransactionEnriched, "", published)
	require.Equal(t, "tx_A/TransactionEnriched/2", next.EventID)
	require.Equal(t, 2, next.Attempt)
	next.PostingSequence = "ps_A-00"
	leg := next.Next(PostingLegCreated, "1", published)
	require.Equal(t, "ps_A-00/PostingLegCreated/1/2", leg.EventID)
	require.Equal(t, "ps_A-00/TransactionPosted", leg.Next(TransactionPosted, "", published).EventID, "posted once, by whichever attempt")
}

func TestTheFirstAttemptIsNotCounted(t *testing.T) {
	m := First(TransactionAuthorized, "tx_A", "auth-1", "tok", "record-1", ingested, published)
	m.Attempt = 1 // as the rules engine writes it
	next := m.Next(TransactionStandardized, "", published)
	require.Equal(t, "tx_A/TransactionStandardized", next.EventID)
	raw, err := json.Marshal(next)
	require.NoError(t, err)
	require.NotContains(t, string(raw), "attempt")
}
