package lambda

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/local/sqs"
)

// BenchmarkInvokeWarm measures what the runtime and the function's process together need for an invocation that does nothing.
func BenchmarkInvokeWarm(b *testing.B) {
	f := newFixture(b, func(o *Options) { o.RealTime = nil })
	f.create(b, nil)
	payload := []byte(`{"Do":"echo"}`)
	b.SetParallelism(2)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, functionError, err := f.Invoke(context.Background(), "probe", payload); err != nil || functionError != "" {
				b.Fatal(err, functionError)
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "invocations/s")
}

// BenchmarkEncode measures building the event of ten messages of 3 KB, the size of an enriched payment.
func BenchmarkEncode(b *testing.B) {
	m := &poller{service: &Service{Options: Options{Region: region}}, spec: MappingSpec{QueueARN: "arn:aws:sqs:us-east-1:000000000000:enrich"}}
	body := strings.Repeat(`{"transactionId":"tx_1","amount":"79.25"},`, 75)
	batch := make([]sqs.Message, defaultBatchSize)
	for i := range batch {
		batch[i] = sqs.Message{ID: "5ba1c3a4-3c0f-4b4c-9c39-8c1d6a2f0a11", ReceiptHandle: strings.Repeat("A", 32), Body: body, SenderID: account, ReceiveCount: 1}
	}
	b.ReportAllocs()
	for b.Loop() {
		payload, count := m.encode(batch)
		require.Equal(b, defaultBatchSize, count)
		b.SetBytes(int64(len(payload)))
	}
}
