package lambda

import (
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// processState is the state letter of a process: T is stopped.
func processState(t *testing.T, pid int) string {
	t.Helper()
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	require.NoError(t, err)
	_, rest, found := strings.Cut(string(stat), ") ")
	require.True(t, found)
	return rest[:1]
}

func TestEnvironmentsAreFrozenBetweenInvocations(t *testing.T) {
	f := newFixture(t, nil)
	f.create(t, nil)
	for range 3 {
		pid := f.describe(t).PID
		require.Eventually(t, func() bool { return processState(t, pid) == "T" }, patience, time.Millisecond)
		require.Equal(t, pid, f.describe(t).PID, "it goes on with the next event")
	}
	stats, err := f.Stats("probe")
	require.NoError(t, err)
	require.Equal(t, uint64(1), stats.Starts)
}

func TestFrozenEnvironmentsCanBeKilled(t *testing.T) {
	f := newFixture(t, nil)
	f.create(t, nil)
	pid := f.describe(t).PID
	require.Eventually(t, func() bool { return processState(t, pid) == "T" }, patience, time.Millisecond)
	killed, err := f.KillOne("probe")
	require.NoError(t, err)
	require.Equal(t, pid, killed)
	require.NotEqual(t, pid, f.describe(t).PID)
}

func TestKeepRunning(t *testing.T) {
	f := newFixture(t, func(o *Options) { o.KeepRunning = true })
	arn := f.create(t, nil)
	f.describe(t)
	fn, err := f.find(arn)
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		fn.mu.Lock()
		defer fn.mu.Unlock()
		return len(fn.idle) == 1 && !fn.idle[0].frozen
	}, patience, time.Millisecond)
}
