package lambda

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/local/sqs"
	"github.com/payrail/payrail/local/storage"
)

// An event that was accepted is run by the next process, its attempts counted across both.
func TestAcceptedEventsOutliveTheService(t *testing.T) {
	store := storage.NewMemory()
	start := func() (*fixture, string) {
		f := newFixture(t, func(o *Options) { o.Store = store })
		destination, once := f.queue(t, "failures", nil), 1
		f.create(t, func(s *FunctionSpec) { s.OnFailureARN, s.MaximumRetryAttempts = destination, &once })
		return f, destination
	}
	f, _ := start()
	require.NoError(t, f.Resume())
	require.NoError(t, f.InvokeAsync(context.Background(), "probe", []byte(`{"Do":"fail"}`)))
	f.requireInvocations(t, 1)
	f.clock.WaitForTimers(2) // The retry, and the idle timeout.
	require.NoError(t, f.Close())

	f, destination := start()
	require.NoError(t, f.Resume())
	f.requireInvocations(t, 1)
	f.requireStats(t, destination, "the second attempt was the last", func(s sqs.Stats) bool { return s.Sent == 1 })
	require.NoError(t, f.Close())
	require.Zero(t, f.Pending())
	require.NoError(t, store.Scan(asyncSpace("probe"), storage.Range{}, func(key, _ []byte) bool {
		t.Errorf("%s is kept for good", key)
		return true
	}))
}
