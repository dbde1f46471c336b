package cloudwatch

import (
	"slices"
	"strings"
	"time"
)

// Dimension is a name and value that tell one metric of a name from another.
type Dimension struct{ Name, Value string }

// Metric names a time series.
type Metric struct {
	Namespace  string
	MetricName string
	Dimensions []Dimension
}

// id is the metric as a map key: the order of dimensions does not matter.
func (m Metric) id() string {
	dimensions := slices.Clone(m.Dimensions)
	slices.SortFunc(dimensions, func(a, b Dimension) int { return strings.Compare(a.Name, b.Name) })
	var b strings.Builder
	b.WriteString(m.Namespace + "\x00" + m.MetricName)
	for _, d := range dimensions {
		b.WriteString("\x00" + d.Name + "\x01" + d.Value)
	}
	return b.String()
}

// The units that metrics of the local runtime have, of those CloudWatch knows.
const (
	UnitCount        = "Count"
	UnitSeconds      = "Seconds"
	UnitMilliseconds = "Milliseconds"
	UnitBytes        = "Bytes"
	UnitNone         = "None"
)

// Datum is what was observed of a metric: Count observations that add up to Sum.
type Datum struct {
	Metric
	Time     time.Time
	Unit     string
	Sum      float64
	Count    float64
	Min, Max float64
}

// Gauge is one observation of a level.
func Gauge(m Metric, unit string, at time.Time, value float64) Datum {
	return Datum{Metric: m, Time: at, Unit: unit, Sum: value, Count: 1, Min: value, Max: value}
}

// Occurrences are n observations of 1.
func Occurrences(m Metric, at time.Time, n int64) Datum {
	return Datum{Metric: m, Time: at, Unit: UnitCount, Sum: float64(n), Count: float64(n), Min: 1, Max: 1}
}

// Share are observations of 0 and 1: n of them out of all were 1.
func Share(m Metric, at time.Time, n, all int64) Datum {
	d := Datum{Metric: m, Time: at, Unit: UnitCount, Sum: float64(n), Count: float64(all)}
	if n > 0 {
		d.Max = 1
	}
	if n == all {
		d.Min = d.Max
	}
	return d
}
