// Package metrics holds the metrics the local runtime's services count, in the shape of CloudWatch: a namespace, a name,
// dimensions, and one value per minute and series, so that alarms can be evaluated over them.
package metrics

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/payrail/payrail/local/clock"
)

const (
	// resolution is the length of a bucket: CloudWatch's standard resolution, and the shortest period of an alarm on AWS's
	// own metrics.
	resolution = time.Minute
	// keptBuckets bounds a series: an alarm looks back a day at most.
	keptBuckets = 24 * 60
)

// Metric names a series.
type Metric struct {
	Namespace  string
	Name       string
	Dimensions map[string]string
}

// Point is what was added to a series within one minute.
type Point struct {
	// Start is the beginning of the minute.
	Start   time.Time
	Sum     float64
	Count   int64
	Maximum float64
	// Last is the value added last: a gauge's value.
	Last float64
}

// Registry holds the series. It is safe for concurrent use.
type Registry struct {
	clock  clock.Clock
	mu     sync.Mutex
	series map[string]*series
}

type series struct {
	metric Metric
	points []Point // By time; at most keptBuckets.
}

// New makes a Registry without series.
func New(c clock.Clock) *Registry { return &Registry{clock: c, series: map[string]*series{}} }

// Add adds a value to the metric's current minute.
func (r *Registry) Add(m Metric, value float64) {
	start := r.clock.Now().UTC().Truncate(resolution)
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.series[m.key()]
	if s == nil {
		m.Dimensions = maps.Clone(m.Dimensions)
		s = &series{metric: m}
		r.series[m.key()] = s
	}
	if n := len(s.points); n == 0 || s.points[n-1].Start.Before(start) {
		if n == keptBuckets {
			s.points = slices.Delete(s.points, 0, 1)
		}
		s.points = append(s.points, Point{Start: start, Maximum: value})
	}
	p := &s.points[len(s.points)-1]
	p.Sum += value
	p.Count++
	p.Maximum = max(p.Maximum, value)
	p.Last = value
}

// Sum is what was added to the metric in the minutes that began within the window before now. Without data it is 0, and ok
// is false: an alarm treats missing data by its own rule.
func (r *Registry) Sum(m Metric, window time.Duration) (sum float64, ok bool) {
	for _, p := range r.Points(m, window) {
		sum, ok = sum+p.Sum, true
	}
	return sum, ok
}

// Points are the metric's minutes that began within the window before now, in order. Minutes without data are left out.
func (r *Registry) Points(m Metric, window time.Duration) []Point {
	from := r.clock.Now().UTC().Add(-window)
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.series[m.key()]
	if s == nil {
		return nil
	}
	first := len(s.points)
	for first > 0 && s.points[first-1].Start.After(from) {
		first--
	}
	return slices.Clone(s.points[first:])
}

// Reading is a series with its newest minute.
type Reading struct {
	Metric
	Point
}

// Snapshot gives every series with its newest minute, by namespace, name and dimensions.
func (r *Registry) Snapshot() []Reading {
	r.mu.Lock()
	defer r.mu.Unlock()
	readings := make([]Reading, 0, len(r.series))
	for _, key := range slices.Sorted(maps.Keys(r.series)) {
		s := r.series[key]
		m := s.metric
		m.Dimensions = maps.Clone(m.Dimensions)
		readings = append(readings, Reading{Metric: m, Point: s.points[len(s.points)-1]})
	}
	return readings
}

func (m Metric) key() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%q %q", m.Namespace, m.Name)
	for _, name := range slices.Sorted(maps.Keys(m.Dimensions)) {
		fmt.Fprintf(&b, " %q=%q", name, m.Dimensions[name])
	}
	return b.String()
}
