package cloudwatch

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/payrail/payrail/local/storage"
)

// The spaces of what outlives the process: what is known of a metric's minutes, by minute and metric, and the states of alarms by name.
const (
	metricSpace = "cloudwatch/metrics"
	stateSpace  = "cloudwatch/states"
)

// forgetInterval is how often minutes that are too old are deleted from the store.
const forgetInterval = time.Hour

// keeper keeps metrics at the end of each minute, and states of alarms when they have changed: that an alarm is on, and what it looks
// at, is there at the next start. Failures cost what they are about, and are logged. A nil keeper keeps nothing.
type keeper struct {
	store     storage.Store
	logger    *slog.Logger
	forgotten time.Time // up to when minutes were deleted
}

// keptPoint is what is known of one minute of a metric in one unit.
type keptPoint struct {
	Metric
	Unit                 string
	Sum, Count, Min, Max float64
}

// keptState is the state of an alarm.
type keptState struct {
	Kind                  string
	State                 State
	Reason, ReasonData    string
	Updated, Transitioned time.Time
}

// newKeeper makes a keeper and gives the metrics their minutes of an earlier process.
func newKeeper(o Options, s *store) *keeper {
	if o.Store == nil {
		return nil
	}
	k := &keeper{store: o.Store, logger: o.Logger}
	s.keeping = true
	var broken error
	err := k.store.Scan(metricSpace, storage.Range{}, func(key, value []byte) bool {
		var p keptPoint
		if broken = json.Unmarshal(value, &p); broken == nil {
			broken = s.restore(p, timeOf(key))
		}
		return broken == nil
	})
	if err = errors.Join(err, broken); err != nil {
		k.logger.Error("metrics of an earlier process are left out", "error", err)
	}
	return k
}

// restore adds a minute of an earlier process. It forgets no other: how long alarms look back is not known yet.
func (s *store) restore(p keptPoint, at time.Time) error {
	m, err := s.metric(p.Metric)
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.in(p.Unit, at).add(point{at: at, sum: p.Sum, count: p.Count, min: p.Min, max: p.Max}, time.Time{})
	return nil
}

func minuteKey(at time.Time) []byte {
	return binary.BigEndian.AppendUint64(make([]byte, 0, 64), uint64(max(0, at.Unix())))
}

func timeOf(key []byte) time.Time { return time.Unix(int64(binary.BigEndian.Uint64(key)), 0).UTC() }

// keepMetrics keeps the minutes that have changed, and forgets those that no metric is kept for any more.
func (k *keeper) keepMetrics(s *store, now time.Time) {
	if k == nil {
		return
	}
	var b storage.Batch
	if err := s.unkept(func(p keptPoint, at time.Time) error {
		value, err := json.Marshal(p)
		b.Put(metricSpace, append(append(append(minuteKey(at), p.id()...), 0), p.Unit...), value)
		return err
	}); err != nil {
		k.logger.Error("keeping metrics", "error", err)
		return
	}
	if now.Sub(k.forgotten) >= forgetInterval {
		k.forgotten = now
		b.DeleteRange(metricSpace, storage.Range{To: minuteKey(now.Add(-s.longest()))})
	}
	if err := k.store.Apply(&b); err != nil {
		k.logger.Error("keeping metrics", "error", err)
	}
}

// unkept calls keep for all minutes that have changed since it was called last.
func (s *store) unkept(keep func(keptPoint, time.Time) error) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, m := range s.metrics {
		if err := m.unkept(keep); err != nil {
			return err
		}
	}
	return nil
}

func (m *metricData) unkept(keep func(keptPoint, time.Time) error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, series := range m.units {
		for i := range series.points {
			p := &series.points[i]
			if !p.unkept {
				continue
			}
			p.unkept = false
			if err := keep(keptPoint{Metric: m.metric, Unit: series.unit, Sum: p.sum, Count: p.count, Min: p.min, Max: p.max}, p.at); err != nil {
				return fmt.Errorf("%s: %w", m.metric.MetricName, err)
			}
		}
	}
	return nil
}

// longest is how long the metric that is kept longest is.
func (s *store) longest() time.Duration {
	s.mu.RLock()
	defer s.mu.RUnlock()
	longest := defaultRetention
	for _, d := range s.keep {
		longest = max(longest, d)
	}
	return longest
}

// state is the state an alarm had in an earlier process, or in this one before it was made again.
func (k *keeper) state(alarm string) (keptState, bool) {
	if k == nil {
		return keptState{}, false
	}
	var state keptState
	value, found, err := k.store.Get(stateSpace, []byte(alarm))
	if err == nil && found {
		err = json.Unmarshal(value, &state)
	}
	if err != nil {
		k.logger.Error("the kept state of an alarm is left out", "alarm", alarm, "error", err)
	}
	return state, found && err == nil
}

func (k *keeper) keepState(alarm string, state keptState) {
	if k == nil {
		return
	}
	var b storage.Batch
	value, err := json.Marshal(state)
	if err == nil {
		b.Put(stateSpace, []byte(alarm), value)
		err = k.store.Apply(&b)
	}
	if err != nil {
		k.logger.Error("keeping the state of an alarm", "alarm", alarm, "error", err)
	}
}

func (k *keeper) forgetState(alarm string) {
	if k == nil {
		return
	}
	var b storage.Batch
	b.Delete(stateSpace, []byte(alarm))
	if err := k.store.Apply(&b); err != nil {
		k.logger.Error("forgetting the state of an alarm", "alarm", alarm, "error", err)
	}
}
