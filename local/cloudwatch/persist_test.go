package cloudwatch

import (
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/local/clock"
	"github.com/payrail/payrail/local/storage"
)

// keeping makes a service over a store at the nth minute, as a process would that follows one that was killed.
func keeping(t *testing.T, store storage.Store, n int) *fixture {
	t.Helper()
	f := &fixture{clock: clock.NewManual(at(n)), topics: &topics{}}
	f.Service = New(Options{Clock: f.clock, Topics: f.topics, Store: store, Logger: slog.New(slog.DiscardHandler), Region: region, Account: account})
	t.Cleanup(f.Close)
	return f
}

// twoOfThree is an alarm that needs two minutes out of three, with a composite alarm over it.
func (f *fixture) twoOfThree(t *testing.T) {
	t.Helper()
	spec := depthAlarm("Depth", "dead")
	spec.EvaluationPeriods, spec.DatapointsToAlarm = ptr(3), ptr(2)
	_, err := f.PutMetricAlarm(spec)
	require.NoError(t, err)
	_, err = f.PutCompositeAlarm(CompositeAlarmSpec{AlarmName: "Any", AlarmRule: `ALARM("Depth")`, AlarmActions: []string{topic}})
	require.NoError(t, err)
}

func TestAlarmsGoOnWithTheirStatesAndMetrics(t *testing.T) {
	store := storage.NewMemory()
	f := keeping(t, store, 0)
	f.twoOfThree(t)
	f.depth("dead", 0, 4)
	f.minute(at(1))
	require.Equal(t, OK, f.stateOf(t, "Depth"), "one minute is not enough")

	f = keeping(t, store, 1)
	f.twoOfThree(t)
	require.Equal(t, OK, f.stateOf(t, "Depth"))
	f.depth("dead", 1, 5)
	f.minute(at(2))
	require.Equal(t, Alarm, f.stateOf(t, "Depth"), "with the minute of the process before it is")
	require.Len(t, f.topics.told, 2)

	f = keeping(t, store, 2)
	f.twoOfThree(t)
	require.Equal(t, Alarm, f.stateOf(t, "Depth"))
	require.Equal(t, Alarm, f.stateOf(t, "Any"))
	require.Contains(t, f.alarms["Depth"].reason, "[5.0 (09/07/26 10:16:00), 4.0 (09/07/26 10:15:00)]")
	require.Equal(t, at(2), f.alarms["Depth"].transitioned.UTC())
	f.depth("dead", 2, 5)
	f.minute(at(3))
	require.Empty(t, f.topics.told, "it was told when it began")
	require.NoError(t, f.DeleteAlarms([]string{"Any", "Depth"}))

	f = keeping(t, store, 3)
	f.twoOfThree(t)
	require.Equal(t, InsufficientData, f.stateOf(t, "Depth"), "a deleted alarm is another one")
}

// brokenStore takes nothing once it is broken, as a process that is killed.
type brokenStore struct {
	*storage.Memory
	broken bool
}

func (s *brokenStore) Apply(b *storage.Batch) error {
	if s.broken {
		return errors.New("the process is gone")
	}
	return s.Memory.Apply(b)
}

// An alarm that was killed before it could tell tells at the next start: once too often rather than never.
func TestAnAlarmIsToldBeforeItsStateIsKept(t *testing.T) {
	store := &brokenStore{Memory: storage.NewMemory()}
	f := keeping(t, store, 0)
	_, err := f.PutMetricAlarm(depthAlarm("Depth", "dead"))
	require.NoError(t, err)
	f.depth("dead", 0, 4)
	f.keeper.keepMetrics(f.store, at(1))
	store.broken = true
	f.minute(at(1))

	store.broken = false
	f = keeping(t, store, 1)
	_, err = f.PutMetricAlarm(depthAlarm("Depth", "dead"))
	require.NoError(t, err)
	require.Equal(t, InsufficientData, f.stateOf(t, "Depth"))
	f.minute(at(1))
	require.Len(t, f.topics.told, 1)
}

func TestKeptMetricsAreForgotten(t *testing.T) {
	store := storage.NewMemory()
	f := keeping(t, store, 0)
	count := func() (n int) {
		require.NoError(t, store.Scan(metricSpace, storage.Range{}, func(_, _ []byte) bool { n++; return true }))
		return n
	}
	for n := range 4 * 60 {
		f.depth("dead", n, 1)
		f.Put(Datum{Metric: Metric{Namespace: "N", MetricName: "M"}, Time: at(n), Unit: UnitBytes, Sum: 1, Count: 1, Min: 1, Max: 1})
		f.minute(at(n + 1))
	}
	require.LessOrEqual(t, count(), 2*int((defaultRetention+forgetInterval)/time.Minute))
	f = keeping(t, store, 4*60)
	points := f.store.periods(Metric{Namespace: "N", MetricName: "M"}, UnitBytes, at(4*60-60), time.Minute, 60)
	require.Len(t, points, 60)
	for _, p := range points {
		require.NotNil(t, p)
		require.InDelta(t, 1, p.sum, 0)
	}
}
