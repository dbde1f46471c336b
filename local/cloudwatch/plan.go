package cloudwatch

import (
	"regexp"
	"time"

	"github.com/payrail/payrail/local/wire"
)

// value is a result for one period: the statistic, and for a plain metric how many observations it is made of.
type value struct {
	at      time.Time
	number  float64
	samples float64 // 0 for an expression.
}

// watched is what an alarm watches or a query asks for: a metric's statistic, or an expression over such.
type watched struct {
	period time.Duration
	metric Metric
	unit   string
	stat   string

	of         func(*point) float64
	expression node // nil for a metric.
}

// values are the results of n periods from start on; those without data are nil.
func (w *watched) values(s *store, start time.Time, n int) []*value {
	found := make([]*value, n)
	if w.expression != nil {
		numbers := w.expression.eval(s, start, n)
		for i := range numbers {
			if numbers[i] != nil {
				found[i] = &value{at: start.Add(time.Duration(i) * w.period), number: *numbers[i]}
			}
		}
		return found
	}
	for i, p := range s.periods(w.metric, w.unit, start, w.period, n) {
		if p != nil {
			found[i] = &value{at: p.at, number: w.of(p), samples: p.count}
		}
	}
	return found
}

// metrics are the metrics that the results are made of.
func (w *watched) metrics() []Metric {
	if w.expression != nil {
		return w.expression.metrics(nil)
	}
	return []Metric{w.metric}
}

// queryID is the form of ids in expressions (MetricDataQuery in the API reference).
var queryID = regexp.MustCompile(`^[a-z][a-zA-Z0-9_]{0,254}$`)

// plan makes the queries of a request executable, by id.
func plan(queries []MetricDataQuery) (map[string]*watched, error) {
	byID := map[string]*watched{}
	written := map[string]MetricDataQuery{}
	for _, q := range queries {
		if !queryID.MatchString(q.Id) {
			return nil, invalid("The value for parameter Id is not matching the expected pattern ^[a-z][a-zA-Z0-9_]*$: %q", q.Id)
		}
		if _, twice := written[q.Id]; twice {
			return nil, invalid("The values for parameter id in MetricDataQueries are not unique: %s", q.Id)
		}
		written[q.Id] = q
		if (q.MetricStat == nil) == (q.Expression == "") {
			return nil, invalid("Either MetricStat or Expression must be specified for %s, and not both", q.Id)
		}
		if q.MetricStat == nil {
			continue
		}
		w, err := planMetric(*q.MetricStat)
		if err != nil {
			return nil, err
		}
		byID[q.Id] = w
	}
	p := &planner{written: written, done: byID, open: map[string]bool{}}
	for _, q := range queries {
		if _, err := p.query(q.Id); err != nil {
			return nil, err
		}
	}
	return byID, nil
}

func planMetric(m MetricStat) (*watched, error) {
	if err := checkMetric(m.Metric, m.Unit); err != nil {
		return nil, err
	}
	period, err := periodOf(m.Period)
	if err != nil {
		return nil, err
	}
	of, err := statistic(m.Stat)
	if err != nil {
		return nil, err
	}
	return &watched{period: period, metric: m.Metric, unit: m.Unit, stat: m.Stat, of: of}, nil
}

// plan finds out what an alarm watches.
func (a *MetricAlarmSpec) plan() (*watched, error) {
	w, err := a.watched()
	if err != nil {
		return nil, err
	}
	limit := maxEvaluation
	if w.period >= time.Hour {
		limit = maxLongEvaluation
	}
	if time.Duration(*a.EvaluationPeriods)*w.period > limit {
		return nil, invalid("Metrics cannot be checked across more than %s (EvaluationPeriods * Period must be <= %d).", limit, int(limit.Seconds()))
	}
	return w, nil
}

func (a *MetricAlarmSpec) watched() (*watched, error) {
	if a.Metrics == nil {
		switch {
		case a.MetricName == "":
			return nil, invalid("You must specify either MetricName or Metrics")
		case a.Statistic == "" && a.ExtendedStatistic == "":
			return nil, invalid("You must specify one of Statistic or ExtendedStatistic")
		case a.ExtendedStatistic != "" && a.Statistic != "":
			return nil, invalid("You cannot specify both Statistic and ExtendedStatistic")
		case a.ExtendedStatistic != "":
			return nil, wire.NotImplemented("the extended statistic " + a.ExtendedStatistic)
		case a.Period == nil:
			return nil, invalid("Period must not be null")
		}
		return planMetric(MetricStat{Metric: Metric{a.Namespace, a.MetricName, a.Dimensions}, Period: *a.Period, Stat: a.Statistic, Unit: a.Unit})
	}
	if a.MetricName != "" || a.Namespace != "" || a.Statistic != "" || a.ExtendedStatistic != "" || a.Dimensions != nil || a.Period != nil || a.Unit != "" {
		return nil, invalid("MetricName, Namespace, Dimensions, Period, Unit, Statistic and ExtendedStatistic cannot be specified together with Metrics")
	}
	returned := ""
	for _, q := range a.Metrics {
		if !q.returned() {
			continue
		}
		if returned != "" {
			return nil, invalid("Exactly one element of the metrics list should return data.")
		}
		returned = q.Id
	}
	if returned == "" {
		return nil, invalid("Exactly one element of the metrics list should return data.")
	}
	all, err := plan(a.Metrics)
	if err != nil {
		return nil, err
	}
	return all[returned], nil
}
