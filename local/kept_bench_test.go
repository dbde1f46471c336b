package local

import (
	"log/slog"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/local/clock"
	"github.com/payrail/payrail/local/eventbridge"
	"github.com/payrail/payrail/local/storage"
)

// BenchmarkStage is what the runtime does for an event of the pipeline's size at one stage, without the functions: put and archived,
// delivered to a queue, received, deleted; by tens, in memory and kept on disk. The processor time counts: it is the same on a busy
// machine.
func BenchmarkStage(b *testing.B) {
	b.Run("memory", func(b *testing.B) { benchmarkStage(b, storage.NewMemory(), false) })
	b.Run("disk", func(b *testing.B) {
		store, err := storage.OpenDisk(b.TempDir(), storage.DiskOptions{})
		require.NoError(b, err)
		b.Cleanup(func() { require.NoError(b, store.Close()) })
		benchmarkStage(b, store, true)
	})
}

func benchmarkStage(b *testing.B, store storage.Store, durable bool) {
	r, err := Start(b.Context(), Options{Assembly: "testdata/minimal", Stack: "Minimal", Store: store, Durable: durable, Clock: clock.NewScaled(1), Logger: slog.New(slog.DiscardHandler)})
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, r.Close()) })
	detail := make([]byte, 0, 3000)
	for detail = append(detail, `{"n":[0`...); len(detail) < 2990; {
		detail = append(detail, `,1234567`...)
	}
	detail = append(detail, `]}`...)
	entries := make([]eventbridge.Entry, 10)
	for i := range entries {
		entries[i] = eventbridge.Entry{Bus: "bus", Source: "test", DetailType: "One", Detail: detail}
	}
	require.NoError(b, r.eventbridge.RemoveTargets("bus", "closed", []string{"Target"}))
	var before, after syscall.Rusage
	require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &before))
	for n := 0; b.Loop(); n += len(entries) {
		_, err := r.eventbridge.PutEvents(b.Context(), entries)
		require.NoError(b, err)
		for taken := 0; taken < len(entries); {
			messages, err := r.sqs.Receive(b.Context(), queuePrefix+"open", len(entries), 20*time.Second)
			require.NoError(b, err)
			handles := make([]string, len(messages))
			for i := range messages {
				handles[i] = messages[i].ReceiptHandle
			}
			require.NoError(b, r.sqs.DeleteBatch(b.Context(), queuePrefix+"open", handles))
			taken += len(messages)
		}
	}
	require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &after))
	cpu := after.Utime.Nano() + after.Stime.Nano() - before.Utime.Nano() - before.Stime.Nano()
	b.ReportMetric(float64(cpu)/1000/float64(b.N*len(entries)), "cpu-µs/event")
}
