package pipes

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/local/faults"
)

func (f *fixture) follow(spec string) {
	f.t.Helper()
	plan, _, err := faults.ParsePlan(spec)
	require.NoError(f.t, err)
	require.NoError(f.t, f.faults.Follow(plan))
}

func TestFaultABatchComesTwice(t *testing.T) {
	f := newFixture(t)
	f.follow("duplicate:pipes:Deliver/p=1")
	f.pipe(nil)
	f.stream.write("a", "b")
	f.idle()
	require.Equal(t, []string{"a b", "a b"}, f.targetIDs())
	require.Equal(t, []string{"a b", "a b"}, f.calls, "the enrichment ran both times")
}

func TestFaultALateBatchHoldsUpTheRecordsBehindIt(t *testing.T) {
	f := newFixture(t)
	f.follow("delay:pipes:Deliver/p=1:30sx1")
	f.pipe(func(p *Pipe) { p.Source.BatchSize = 1 })
	f.stream.write("a", "b")
	f.clock.WaitForTimers(1)
	require.Empty(t, f.targetIDs())
	f.clock.Advance(30 * time.Second)
	f.idle()
	require.Equal(t, []string{"a", "b"}, f.targetIDs())
}

func TestFaultADroppedBatchIsReadAgain(t *testing.T) {
	f := newFixture(t)
	f.follow("drop=1x2")
	f.pipe(func(p *Pipe) { p.Source.MaximumRetryAttempts = attempts(0) })
	f.stream.write("a")
	f.retry(firstBackOff)
	f.retry(2 * firstBackOff)
	f.idle()
	require.Equal(t, []string{"a"}, f.targetIDs())
	require.Empty(t, f.letters, "a failure of the service does not count against the attempts")
}
