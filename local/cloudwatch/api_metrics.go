package cloudwatch

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/payrail/payrail/local/wire"
)

// Limits from the API reference.
const (
	maxMetricData     = 1000 // Metrics in a PutMetricData.
	maxMetricValues   = 150  // Values of one of them.
	maxDatumAge       = 14 * 24 * time.Hour
	maxDatumAhead     = 2 * time.Hour
	metricsPage       = 500
	maxStatistics     = 1440   // Data points of a GetMetricStatistics.
	maxDataPoints     = 100800 // Of a GetMetricData.
	maxDataQueries    = 500
	recentlyActive    = "PT3H"
	recentlyActiveFor = 3 * time.Hour
)

type statisticSet struct{ SampleCount, Sum, Minimum, Maximum float64 }

type metricDatum struct {
	MetricName        string
	Dimensions        []Dimension
	Timestamp         time.Time
	Value             *float64
	StatisticValues   *statisticSet
	Values, Counts    []float64
	Unit              string
	StorageResolution *int
}

type putMetricDataInput struct {
	Namespace  string
	MetricData []metricDatum
}

func (s *Service) putMetricData(_ context.Context, in *putMetricDataInput) (*nothing, error) {
	switch {
	case in.Namespace == "":
		return nil, wire.Errorf(codeMissing, "The parameter Namespace is required.")
	case len(in.MetricData) == 0:
		return nil, wire.Errorf(codeMissing, "The parameter MetricData is required.")
	case len(in.MetricData) > maxMetricData:
		return nil, wire.Errorf(codeInvalidValue, "The collection MetricData must not have a size greater than %d.", maxMetricData)
	}
	data := make([]Datum, len(in.MetricData))
	now := s.options.Clock.Now()
	for i, m := range in.MetricData {
		var err error
		if data[i], err = m.datum(in.Namespace, "MetricData.member."+strconv.Itoa(i+1), now); err != nil {
			return nil, err
		}
	}
	for _, d := range data {
		if err := s.store.put(d); err != nil {
			return nil, wire.NotImplemented(err.Error())
		}
	}
	return &nothing{}, nil
}

// datum checks one element; at is how messages name it.
func (m metricDatum) datum(namespace, at string, now time.Time) (Datum, error) {
	d := Datum{Metric: Metric{namespace, m.MetricName, m.Dimensions}, Time: m.Timestamp, Unit: m.Unit}
	if m.MetricName == "" {
		return d, wire.Errorf(codeMissing, "The parameter %s.MetricName is required.", at)
	}
	if err := checkMetric(d.Metric, m.Unit); err != nil {
		return d, wire.Errorf(codeInvalidValue, "%s: %s", at, wire.AsError(err).Message)
	}
	if m.StorageResolution != nil && *m.StorageResolution == 1 {
		return d, wire.NotImplemented("metrics with a StorageResolution of 1")
	}
	if m.StorageResolution != nil && *m.StorageResolution != 60 {
		return d, wire.Errorf(codeInvalidValue, "The parameter %s.StorageResolution must be 1 or 60.", at)
	}
	if d.Time.IsZero() {
		d.Time = now
	}
	if d.Time.Before(now.Add(-maxDatumAge)) || d.Time.After(now.Add(maxDatumAhead)) {
		return d, wire.Errorf(codeInvalidValue, "The parameter %s.Timestamp must specify a time within the past two weeks and the next two hours.", at)
	}
	given := 0
	for _, there := range []bool{m.Value != nil, m.StatisticValues != nil, m.Values != nil} {
		if there {
			given++
		}
	}
	switch {
	case given == 0:
		return d, wire.Errorf(codeInvalidCombination, "At least one of the parameters %[1]s.Value, %[1]s.Values and %[1]s.StatisticValues must be specified.", at)
	case given > 1:
		return d, wire.Errorf(codeInvalidCombination, "The parameters %[1]s.Value, %[1]s.Values and %[1]s.StatisticValues are mutually exclusive and you have specified more than one.", at)
	case m.Value != nil:
		d.Sum, d.Count, d.Min, d.Max = *m.Value, 1, *m.Value, *m.Value
	case m.StatisticValues != nil:
		v := m.StatisticValues
		if v.SampleCount <= 0 {
			return d, wire.Errorf(codeInvalidValue, "The parameter %s.StatisticValues.SampleCount must be greater than 0.", at)
		}
		d.Sum, d.Count, d.Min, d.Max = v.Sum, v.SampleCount, v.Minimum, v.Maximum
	default:
		return m.values(d, at)
	}
	return d, nil
}

// values adds up Values, each counted as often as its element of Counts says.
func (m metricDatum) values(d Datum, at string) (Datum, error) {
	if len(m.Values) == 0 || len(m.Values) > maxMetricValues {
		return d, wire.Errorf(codeInvalidValue, "The parameter %s.Values must have from 1 to %d elements.", at, maxMetricValues)
	}
	if m.Counts != nil && len(m.Counts) != len(m.Values) {
		return d, wire.Errorf(codeInvalidValue, "The parameters %[1]s.Values and %[1]s.Counts must be of the same size.", at)
	}
	d.Min, d.Max = slices.Min(m.Values), slices.Max(m.Values)
	for i, v := range m.Values {
		n := 1.0
		if m.Counts != nil {
			n = m.Counts[i]
		}
		d.Sum, d.Count = d.Sum+v*n, d.Count+n
	}
	if d.Count <= 0 {
		return d, wire.Errorf(codeInvalidValue, "The parameter %s.Counts must be greater than 0.", at)
	}
	return d, nil
}

type dimensionFilter struct{ Name, Value string }

type listMetricsInput struct {
	Namespace, MetricName string
	Dimensions            []dimensionFilter
	RecentlyActive        string
	NextToken             string
}

type listMetricsOutput struct {
	Metrics   []Metric
	NextToken string
}

func (s *Service) listMetrics(_ context.Context, in *listMetricsInput) (*listMetricsOutput, error) {
	after, err := pageAfter(in.NextToken)
	if err != nil {
		return nil, err
	}
	if in.RecentlyActive != "" && in.RecentlyActive != recentlyActive {
		return nil, notAmong(in.RecentlyActive, "recentlyActive", []string{recentlyActive})
	}
	out := &listMetricsOutput{Metrics: []Metric{}}
	since := s.options.Clock.Now().Add(-recentlyActiveFor)
	last := ""
	for _, m := range s.store.list() {
		id := m.id()
		if id <= after || !in.matches(m.Metric) || in.RecentlyActive != "" && m.last.Before(since) {
			continue
		}
		if len(out.Metrics) == metricsPage {
			out.NextToken = pageToken(last)
			break
		}
		m.Dimensions = list(m.Dimensions)
		out.Metrics, last = append(out.Metrics, m.Metric), id
	}
	return out, nil
}

func (in *listMetricsInput) matches(m Metric) bool {
	for _, want := range in.Dimensions {
		if !slices.ContainsFunc(m.Dimensions, func(d Dimension) bool { return d.Name == want.Name && (want.Value == "" || d.Value == want.Value) }) {
			return false
		}
	}
	return (in.Namespace == "" || in.Namespace == m.Namespace) && (in.MetricName == "" || in.MetricName == m.MetricName)
}

type getStatisticsInput struct {
	Namespace, MetricName string
	Dimensions            []Dimension
	StartTime, EndTime    time.Time
	Period                *int
	Statistics            []string
	ExtendedStatistics    []string
	Unit                  string
}

type datapoint struct {
	Timestamp                                   time.Time
	SampleCount, Average, Sum, Minimum, Maximum *float64
	Unit                                        string
}

func (d *datapoint) set(statistic string, number float64) {
	switch statistic {
	case "SampleCount":
		d.SampleCount = &number
	case "Average":
		d.Average = &number
	case "Sum":
		d.Sum = &number
	case "Minimum":
		d.Minimum = &number
	case "Maximum":
		d.Maximum = &number
	}
}

type getStatisticsOutput struct {
	Label      string
	Datapoints []datapoint
}

func (s *Service) getMetricStatistics(_ context.Context, in *getStatisticsInput) (*getStatisticsOutput, error) {
	period, err := in.check()
	if err != nil {
		return nil, err
	}
	start, n := span(in.StartTime, in.EndTime, period)
	if n > maxStatistics {
		return nil, wire.Errorf(codeInvalidCombination, "You have requested up to %d datapoints, which exceeds the limit of %d. "+
			"You may reduce the datapoints requested by increasing Period, or decreasing the time range.", n, maxStatistics)
	}
	m := Metric{in.Namespace, in.MetricName, in.Dimensions}
	out := &getStatisticsOutput{Label: in.MetricName, Datapoints: []datapoint{}}
	for _, unit := range s.store.unitsOf(m) {
		if in.Unit != "" && in.Unit != unit {
			continue
		}
		for _, p := range s.store.periods(m, unit, start, period, n) {
			if p == nil {
				continue
			}
			d := datapoint{Timestamp: p.at, Unit: unit}
			for _, name := range in.Statistics {
				d.set(name, statistics[name](p))
			}
			out.Datapoints = append(out.Datapoints, d)
		}
	}
	return out, nil
}

func (in *getStatisticsInput) check() (time.Duration, error) {
	for _, p := range []struct {
		name    string
		missing bool
	}{{"Namespace", in.Namespace == ""}, {"MetricName", in.MetricName == ""}, {"StartTime", in.StartTime.IsZero()}, {"EndTime", in.EndTime.IsZero()}, {"Period", in.Period == nil}} {
		if p.missing {
			return 0, wire.Errorf(codeMissing, "The parameter %s is required.", p.name)
		}
	}
	if len(in.ExtendedStatistics) > 0 {
		return 0, wire.NotImplemented("the extended statistic " + in.ExtendedStatistics[0])
	}
	if len(in.Statistics) == 0 {
		return 0, wire.Errorf(codeMissing, "Must specify either Statistics or ExtendedStatistics")
	}
	for _, name := range in.Statistics {
		if _, ok := statistics[name]; !ok {
			return 0, wire.Errorf(codeInvalidValue, "The parameter Statistics.member.1 must be a value in the set [ SampleCount, Average, Sum, Minimum, Maximum ].")
		}
	}
	if !in.StartTime.Before(in.EndTime) {
		return 0, wire.Errorf(codeInvalidCombination, "The parameter StartTime must be less than the parameter EndTime.")
	}
	if err := checkMetric(Metric{in.Namespace, in.MetricName, in.Dimensions}, in.Unit); err != nil {
		return 0, wire.Errorf(codeInvalidValue, "%s", wire.AsError(err).Message)
	}
	period, err := periodOf(*in.Period)
	if err != nil && wire.AsError(err).Status == 0 {
		return 0, wire.Errorf(codeInvalidValue, "The parameter Period must be a multiple of 60.")
	}
	return period, err
}

// span is where periods begin and how many there are up to end. CloudWatch rounds the start down to the minute.
func span(start, end time.Time, period time.Duration) (time.Time, int) {
	start = start.Truncate(resolution)
	return start, int((end.Sub(start) + period - 1) / period)
}

type getDataInput struct {
	MetricDataQueries  []MetricDataQuery
	StartTime, EndTime time.Time
	NextToken          string
	ScanBy             string
	MaxDatapoints      *int
}

type metricDataResult struct {
	Id         string //nolint:revive // The API's name.
	Label      string
	Timestamps []time.Time
	Values     []float64
	StatusCode string
}

type getDataOutput struct {
	MetricDataResults []metricDataResult
	Messages          []string
}

func (s *Service) getMetricData(_ context.Context, in *getDataInput) (*getDataOutput, error) {
	switch {
	case len(in.MetricDataQueries) == 0:
		return nil, isNull("metricDataQueries")
	case len(in.MetricDataQueries) > maxDataQueries:
		return nil, invalid("The collection MetricDataQueries must not have a size greater than %d.", maxDataQueries)
	case in.StartTime.IsZero() || in.EndTime.IsZero():
		return nil, isNull("startTime and endTime")
	case !in.StartTime.Before(in.EndTime):
		return nil, invalid("The parameter StartTime must be less than the parameter EndTime.")
	case in.NextToken != "":
		return nil, wire.Errorf(codeInvalidNextToken, "The next token specified is invalid.") // None is ever given out.
	case in.ScanBy != "" && in.ScanBy != newestFirst && in.ScanBy != oldestFirst:
		return nil, notAmong(in.ScanBy, "scanBy", []string{newestFirst, oldestFirst})
	}
	limit, err := pageSize(in.MaxDatapoints, maxDataPoints, maxDataPoints, "maxDatapoints")
	if err != nil {
		return nil, err
	}
	planned, err := plan(in.MetricDataQueries)
	if err != nil {
		return nil, err
	}
	out := &getDataOutput{MetricDataResults: []metricDataResult{}, Messages: []string{}}
	for _, q := range in.MetricDataQueries {
		if !q.returned() {
			continue
		}
		w := planned[q.Id]
		start, n := span(in.StartTime, in.EndTime, w.period)
		if limit -= n; limit < 0 {
			return nil, wire.NotImplemented("more data points than one answer of GetMetricData takes")
		}
		out.MetricDataResults = append(out.MetricDataResults, result(q, w.values(s.store, start, n), in.ScanBy))
	}
	return out, nil
}

func result(q MetricDataQuery, values []*value, scanBy string) metricDataResult {
	r := metricDataResult{Id: q.Id, Label: q.Label, Timestamps: []time.Time{}, Values: []float64{}, StatusCode: "Complete"}
	switch {
	case r.Label != "":
	case q.MetricStat != nil:
		r.Label = q.MetricStat.Metric.MetricName
	default:
		r.Label = q.Id
	}
	for _, v := range values {
		if v != nil {
			r.Timestamps, r.Values = append(r.Timestamps, v.at), append(r.Values, v.number)
		}
	}
	if scanBy != oldestFirst {
		slices.Reverse(r.Timestamps)
		slices.Reverse(r.Values)
	}
	return r
}
