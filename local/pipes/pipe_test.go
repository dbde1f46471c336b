package pipes

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/local/clock"
)

func TestBatchesAreCutBeforeTheFunctionsPayloadLimit(t *testing.T) {
	third := item{Record: Record{JSON: make([]byte, maxPayload/3)}}
	p := &pipe{Pipe: Pipe{Source: Source{BatchSize: 10, BatchingWindow: time.Second}}, service: &Service{options: Options{Clock: clock.NewManual(start)}}}
	in := make(chan []item, 1)
	in <- []item{third, third}
	batch, left := p.collect(t.Context(), []item{third}, in)
	require.Len(t, batch, 2, "three thirds, commas and brackets are more than the limit")
	require.Len(t, left, 1)

	huge := item{Record: Record{JSON: make([]byte, maxPayload+1)}}
	batch, left = p.collect(t.Context(), []item{huge, third}, in)
	require.Len(t, batch, 1, "a record alone is a batch whatever its size")
	require.Len(t, left, 1)
}

func TestItemKeyIsThatOfTheKeysAlone(t *testing.T) {
	key := func(record string) uint64 {
		k, err := itemKey([]byte(record))
		require.NoError(t, err)
		return k
	}
	a := key(`{"dynamodb":{"Keys":{"id":{"S":"a"}},"SequenceNumber":"1"}}`)
	require.Equal(t, a, key(`{"eventName":"MODIFY","dynamodb":{"SequenceNumber":"2","Keys":{"id":{"S":"a"}}}}`))
	require.NotEqual(t, a, key(`{"dynamodb":{"Keys":{"id":{"S":"b"}}}}`))
	_, err := itemKey([]byte(`{`))
	require.ErrorContains(t, err, "reading the record's keys")
}
