package test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/local"
	"github.com/payrail/payrail/local/clock"
	"github.com/payrail/payrail/local/storage"
)

// BenchmarkPayments is the whole way of a payment, from the authorization's write to the committed journal entry, in bulk:
// run it with -benchtime=5000x. One in seven is foreign with fee and tax (six legs).
func BenchmarkPayments(b *testing.B) {
	benchmarkPayments(b, startAt(b, 1))
}

// BenchmarkPaymentsKept is the same with everything kept on disk, as `payrail up --data` does.
func BenchmarkPaymentsKept(b *testing.B) {
	store, err := storage.OpenDisk(b.TempDir(), storage.DiskOptions{Fatal: func(message string) { panic(message) }})
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, store.Close()) })
	benchmarkPayments(b, startWith(b, func(o *local.Options) { o.Clock, o.Store, o.Durable = clock.NewScaled(1), store, true }))
}

func benchmarkPayments(b *testing.B, s *system) {
	items, _, _ := mixed(b, b.N)
	for i := range items {
		// As in life: every authorization has an approval code of its own, and few are at the same merchant.
		items[i]["authCode"], items[i]["merchantId"] = text(fmt.Sprintf("%06d", i)), text(fmt.Sprintf("MERCHANT%07d", i%997))
	}
	b.ResetTimer()
	s.putAll(b, items)
	for s.journalEntries(b, "acc-alice", "acc-bob") < int64(b.N) {
		require.NoError(b, b.Context().Err())
		<-time.After(lookInterval)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "payments/s")
}

// lookInterval is how often the benchmark looks whether all is posted; a look is one query per account.
const lookInterval = 50 * time.Millisecond
