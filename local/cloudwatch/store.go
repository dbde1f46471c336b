package cloudwatch

import (
	"fmt"
	"maps"
	"slices"
	"sort"
	"sync"
	"time"
)

const (
	// resolution is the length of the periods kept. CloudWatch keeps seconds for metrics put with a StorageResolution of 1; here
	// they count into their minute.
	resolution = time.Minute
	// defaultRetention bounds memory: a metric keeps this much, or what the longest alarm on it looks at. CloudWatch keeps minutes for
	// 15 days.
	defaultRetention = 3 * time.Hour
	// maxMetrics bounds memory against dimensions that never end: a request id as a dimension makes a metric per request.
	maxMetrics = 20_000
)

// errTooManyMetrics is no error of AWS, which only bills.
var errTooManyMetrics = fmt.Errorf("the local runtime keeps %d metrics, and there are as many", maxMetrics)

// point is what is known of one minute, or of one period, of a metric.
type point struct {
	at       time.Time
	sum      float64
	count    float64
	min, max float64
	unkept   bool // since its last change
}

func (p *point) add(o point) {
	if p.count == 0 {
		p.min, p.max = o.min, o.max
	}
	p.sum += o.sum
	p.count += o.count
	p.min, p.max = min(p.min, o.min), max(p.max, o.max)
}

// series is a metric's data in one unit, minute by minute in their order.
type series struct {
	unit   string
	points []point
}

// metricData is all there is of a metric. CloudWatch aggregates data of different units separately.
type metricData struct {
	mu        sync.Mutex
	metric    Metric
	retention time.Duration
	units     []*series
	last      time.Time // The latest datum's.
}

// store holds metrics. It is safe for concurrent use; who puts to one metric does not wait for who puts to another.
type store struct {
	// keeping says that a keeper asks for what has changed. It does not change.
	keeping bool

	mu      sync.RWMutex
	metrics map[string]*metricData
	// keep is how long metrics that alarms look at are kept, by metric.
	keep map[string]time.Duration
}

func newStore() *store {
	return &store{metrics: map[string]*metricData{}, keep: map[string]time.Duration{}}
}

func (s *store) put(d Datum) error {
	m, err := s.metric(d.Metric)
	if err != nil {
		return err
	}
	unit := d.Unit
	if unit == "" {
		unit = UnitNone // As the API reference says of MetricDatum.Unit.
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	series := m.in(unit, d.Time)
	series.add(point{at: d.Time.Truncate(resolution), sum: d.Sum, count: d.Count, min: d.Min, max: d.Max, unkept: s.keeping}, m.last.Add(-m.retention))
	return nil
}

// in is a metric's data in a unit, of which there is a datum at a time now. The caller holds m.mu.
func (m *metricData) in(unit string, at time.Time) *series {
	if at.After(m.last) {
		m.last = at
	}
	for _, s := range m.units {
		if s.unit == unit {
			return s
		}
	}
	s := &series{unit: unit}
	m.units = append(m.units, s)
	return s
}

func (s *store) metric(named Metric) (*metricData, error) {
	id := named.id()
	s.mu.RLock()
	m := s.metrics[id]
	s.mu.RUnlock()
	if m != nil {
		return m, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if m = s.metrics[id]; m != nil {
		return m, nil
	}
	if len(s.metrics) >= maxMetrics {
		return nil, errTooManyMetrics
	}
	m = &metricData{metric: named, retention: max(defaultRetention, s.keep[id])}
	s.metrics[id] = m
	return m, nil
}

// add merges a minute's datum in and forgets the minutes before from.
func (s *series) add(p point, from time.Time) {
	i := sort.Search(len(s.points), func(i int) bool { return !s.points[i].at.Before(p.at) })
	if i < len(s.points) && s.points[i].at.Equal(p.at) {
		s.points[i].add(p)
		s.points[i].unkept = s.points[i].unkept || p.unkept
		return
	}
	s.points = slices.Insert(s.points, i, p)
	if old := s.before(from); old > len(s.points)/2 { // Half at a time, so that forgetting costs little.
		s.points = slices.Clone(s.points[old:])
	}
}

// before is how many points are older than at.
func (s *series) before(at time.Time) int {
	return sort.Search(len(s.points), func(i int) bool { return !s.points[i].at.Before(at) })
}

// retain makes the store keep a metric for d at least.
func (s *store) retain(named Metric, d time.Duration) {
	id := named.id()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keep[id] = max(s.keep[id], d)
	if m := s.metrics[id]; m != nil {
		m.mu.Lock()
		m.retention = max(m.retention, s.keep[id])
		m.mu.Unlock()
	}
}

// forget drops the metrics that have had no data for as long as they are kept.
func (s *store) forget(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.metrics, func(_ string, m *metricData) bool {
		m.mu.Lock()
		defer m.mu.Unlock()
		return m.last.Before(now.Add(-m.retention))
	})
}

// periods are the data of a metric from start on, in n periods one after the other. Elements without data are nil. With an empty
// unit the data of all units are taken together.
func (s *store) periods(named Metric, unit string, start time.Time, period time.Duration, n int) []*point {
	found := make([]*point, n)
	s.mu.RLock()
	m := s.metrics[named.id()]
	s.mu.RUnlock()
	if m == nil {
		return found
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, series := range m.units {
		if unit != "" && series.unit != unit {
			continue
		}
		for _, p := range series.points[series.before(start):] {
			i := int(p.at.Sub(start) / period)
			if i >= n {
				break
			}
			if found[i] == nil {
				found[i] = &point{at: start.Add(time.Duration(i) * period)}
			}
			found[i].add(p)
		}
	}
	return found
}

// unitsOf are the units a metric has data in.
func (s *store) unitsOf(named Metric) []string {
	s.mu.RLock()
	m := s.metrics[named.id()]
	s.mu.RUnlock()
	if m == nil {
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	units := make([]string, len(m.units))
	for i, series := range m.units {
		units[i] = series.unit
	}
	slices.Sort(units)
	return units
}

// listed is a metric with the time of its latest datum.
type listed struct {
	Metric
	last time.Time
}

// list returns the metrics in the order of their names.
func (s *store) list() []listed {
	s.mu.RLock()
	defer s.mu.RUnlock()
	found := make([]listed, 0, len(s.metrics))
	for _, id := range slices.Sorted(maps.Keys(s.metrics)) {
		m := s.metrics[id]
		m.mu.Lock()
		found = append(found, listed{m.metric, m.last})
		m.mu.Unlock()
	}
	return found
}
