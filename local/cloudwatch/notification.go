package cloudwatch

import "slices"

// regionNames are what notifications call regions.
var regionNames = map[string]string{"us-east-1": "US East (N. Virginia)"}

// maxSubject is the longest subject SNS takes.
const maxSubject = 100

func (s *Service) regionName() string {
	if name, ok := regionNames[s.options.Region]; ok {
		return name
	}
	return s.options.Region
}

func (s *Service) subject(c Change) string {
	subject := string(c.New) + `: "` + c.Name + `" in ` + s.regionName()
	if len(subject) > maxSubject {
		const mark = "..."
		subject = subject[:maxSubject-len(mark)] + mark
	}
	return subject
}

// notification is the message of an alarm to its topic. Members are in the order of CloudWatch's.
type notification struct {
	AlarmName                          string
	AlarmDescription                   *string
	AWSAccountId                       string //nolint:revive // CloudWatch's name.
	AlarmConfigurationUpdatedTimestamp string `json:",omitempty"`
	NewStateValue                      State
	NewStateReason                     string
	StateChangeTime                    string
	Region                             string
	AlarmArn                           string
	OldStateValue                      State
	OKActions                          []string
	AlarmActions                       []string
	InsufficientDataActions            []string
	Trigger                            any         `json:",omitempty"`
	AlarmRule                          string      `json:",omitempty"`
	TriggeringChildren                 []childLine `json:",omitempty"`
}

// childLine is an alarm in the notification of a composite alarm.
type childLine struct {
	Arn   string
	State struct {
		Value     State
		Timestamp string
	}
}

// lowerDimension is a dimension in a notification.
type lowerDimension struct {
	Value string `json:"value"`
	Name  string `json:"name"`
}

// metricTrigger describes what a metric alarm watches.
type metricTrigger struct {
	MetricName                       string `json:",omitempty"`
	Namespace                        string `json:",omitempty"`
	StatisticType                    string `json:",omitempty"`
	Statistic                        string `json:",omitempty"`
	Unit                             *string
	Dimensions                       []lowerDimension
	Period                           int
	EvaluationPeriods                int
	DatapointsToAlarm                int `json:",omitempty"`
	ComparisonOperator               string
	Threshold                        decimal
	TreatMissingData                 string
	EvaluateLowSampleCountPercentile string
}

// mathTrigger describes what an alarm on an expression watches.
type mathTrigger struct {
	Period                           int
	EvaluationPeriods                int
	DatapointsToAlarm                int `json:",omitempty"`
	ComparisonOperator               string
	Threshold                        decimal
	TreatMissingData                 string
	EvaluateLowSampleCountPercentile string
	Metrics                          []mathMetric
}

type mathMetric struct {
	Expression string    `json:",omitempty"`
	ID         string    `json:"Id"`
	Label      string    `json:",omitempty"`
	MetricStat *mathStat `json:",omitempty"`
	ReturnData bool
}

type mathStat struct {
	Metric struct {
		Dimensions []lowerDimension
		MetricName string
		Namespace  string
	}
	Period int
	Stat   string
	Unit   string `json:",omitempty"`
}

// upperStatistics are the statistics as notifications write them.
var upperStatistics = map[string]string{
	"SampleCount": "SAMPLE_COUNT", "Average": "AVERAGE", "Sum": "SUM", "Minimum": "MINIMUM", "Maximum": "MAXIMUM",
}

func (s *Service) message(a *alarm, c Change) string {
	n := notification{
		AlarmName: a.name, AWSAccountId: s.options.Account, AlarmConfigurationUpdatedTimestamp: a.configured.UTC().Format(timestamp),
		NewStateValue: c.New, NewStateReason: c.Reason, StateChangeTime: c.At.UTC().Format(timestamp), Region: s.regionName(), AlarmArn: a.arn,
		OldStateValue: c.Old, OKActions: list(a.actions[OK]), AlarmActions: list(a.actions[Alarm]), InsufficientDataActions: list(a.actions[InsufficientData]),
	}
	if a.description != "" {
		n.AlarmDescription = &a.description
	}
	switch {
	case a.composite != nil:
		n.AlarmConfigurationUpdatedTimestamp = ""
		n.AlarmRule = a.composite.AlarmRule
		n.TriggeringChildren = s.childLines(a)
	case a.watched.expression != nil || a.metric.Metrics != nil:
		n.Trigger = a.mathTrigger()
	default:
		n.Trigger = a.metricTrigger()
	}
	return text(n)
}

// childLines are the alarms of a rule that are in the state ALARM; the caller holds the lock.
func (s *Service) childLines(a *alarm) []childLine {
	var lines []childLine
	for _, name := range children(a.rule) {
		child := s.alarms[name]
		if child == nil || child.state != Alarm {
			continue
		}
		line := childLine{Arn: child.arn}
		line.State.Value, line.State.Timestamp = child.state, child.transitioned.UTC().Format(timestamp)
		lines = append(lines, line)
	}
	return lines
}

func (a *alarm) metricTrigger() metricTrigger {
	m := a.metric
	t := metricTrigger{
		MetricName: m.MetricName, Namespace: m.Namespace, StatisticType: "Statistic", Statistic: upperStatistics[m.Statistic],
		Dimensions: lower(m.Dimensions), Period: *m.Period, EvaluationPeriods: *m.EvaluationPeriods, ComparisonOperator: m.ComparisonOperator,
		Threshold: decimal(*m.Threshold), TreatMissingData: a.criteria.missing,
	}
	if m.Unit != "" {
		t.Unit = &m.Unit
	}
	if m.DatapointsToAlarm != nil {
		t.DatapointsToAlarm = *m.DatapointsToAlarm
	}
	return t
}

func (a *alarm) mathTrigger() mathTrigger {
	m := a.metric
	t := mathTrigger{
		Period: int(a.watched.period.Seconds()), EvaluationPeriods: *m.EvaluationPeriods, ComparisonOperator: m.ComparisonOperator,
		Threshold: decimal(*m.Threshold), TreatMissingData: a.criteria.missing,
	}
	if m.DatapointsToAlarm != nil {
		t.DatapointsToAlarm = *m.DatapointsToAlarm
	}
	for _, q := range m.Metrics {
		metric := mathMetric{Expression: q.Expression, ID: q.Id, Label: q.Label, ReturnData: q.returned()}
		if q.MetricStat != nil {
			stat := &mathStat{Period: q.MetricStat.Period, Stat: q.MetricStat.Stat, Unit: q.MetricStat.Unit}
			stat.Metric.Dimensions = lower(q.MetricStat.Metric.Dimensions)
			stat.Metric.MetricName, stat.Metric.Namespace = q.MetricStat.Metric.MetricName, q.MetricStat.Metric.Namespace
			metric.MetricStat = stat
		}
		t.Metrics = append(t.Metrics, metric)
	}
	return t
}

func lower(dimensions []Dimension) []lowerDimension {
	lowered := make([]lowerDimension, len(dimensions))
	for i, d := range dimensions {
		lowered[i] = lowerDimension{Value: d.Value, Name: d.Name}
	}
	return lowered
}

// list is a list that is there even if it is empty.
func list[T any](elements []T) []T { return append([]T{}, slices.Clip(elements)...) }
