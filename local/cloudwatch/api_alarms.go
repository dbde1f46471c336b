package cloudwatch

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/payrail/payrail/local/wire"
)

const (
	defaultAlarmPage   = 50 // Of DescribeAlarms, from the API reference.
	maxAlarmPage       = 100
	maxStateReason     = 1023
	maxStateReasonData = 4000
)

// metricAlarm describes a metric alarm.
type metricAlarm struct {
	AlarmName, AlarmArn                              string
	AlarmDescription                                 string
	AlarmConfigurationUpdatedTimestamp               time.Time
	ActionsEnabled                                   bool
	OKActions, AlarmActions, InsufficientDataActions []string
	StateValue                                       string
	StateReason, StateReasonData                     string
	StateUpdatedTimestamp                            time.Time
	StateTransitionedTimestamp                       time.Time
	MetricName, Namespace                            string
	Statistic                                        string
	Dimensions                                       []Dimension
	Period                                           *int
	Unit                                             string
	EvaluationPeriods, DatapointsToAlarm             *int
	Threshold                                        *float64
	ComparisonOperator                               string
	TreatMissingData                                 string
	Metrics                                          []MetricDataQuery
}

// compositeAlarm describes a composite alarm.
type compositeAlarm struct {
	AlarmName, AlarmArn                              string
	AlarmDescription                                 string
	AlarmConfigurationUpdatedTimestamp               time.Time
	ActionsEnabled                                   bool
	OKActions, AlarmActions, InsufficientDataActions []string
	AlarmRule                                        string
	StateValue                                       string
	StateReason, StateReasonData                     string
	StateUpdatedTimestamp                            time.Time
	StateTransitionedTimestamp                       time.Time
}

func (a *alarm) describeMetric() metricAlarm {
	m := a.metric
	return metricAlarm{
		AlarmName: a.name, AlarmArn: a.arn, AlarmDescription: a.description, AlarmConfigurationUpdatedTimestamp: a.configured, ActionsEnabled: a.enabled,
		OKActions: list(a.actions[OK]), AlarmActions: list(a.actions[Alarm]), InsufficientDataActions: list(a.actions[InsufficientData]),
		StateValue: string(a.state), StateReason: a.reason, StateReasonData: a.reasonData, StateUpdatedTimestamp: a.updated, StateTransitionedTimestamp: a.transitioned,
		MetricName: m.MetricName, Namespace: m.Namespace, Statistic: m.Statistic, Dimensions: list(m.Dimensions), Period: m.Period, Unit: m.Unit,
		EvaluationPeriods: m.EvaluationPeriods, DatapointsToAlarm: m.DatapointsToAlarm, Threshold: m.Threshold, ComparisonOperator: m.ComparisonOperator,
		TreatMissingData: m.TreatMissingData, Metrics: m.Metrics,
	}
}

func (a *alarm) describeComposite() compositeAlarm {
	return compositeAlarm{
		AlarmName: a.name, AlarmArn: a.arn, AlarmDescription: a.description, AlarmConfigurationUpdatedTimestamp: a.configured, ActionsEnabled: a.enabled,
		OKActions: list(a.actions[OK]), AlarmActions: list(a.actions[Alarm]), InsufficientDataActions: list(a.actions[InsufficientData]),
		AlarmRule: a.composite.AlarmRule, StateValue: string(a.state), StateReason: a.reason, StateReasonData: a.reasonData,
		StateUpdatedTimestamp: a.updated, StateTransitionedTimestamp: a.transitioned,
	}
}

type describeAlarmsInput struct {
	AlarmNames      []string
	AlarmNamePrefix string
	AlarmTypes      []string
	StateValue      string
	ActionPrefix    string
	MaxRecords      *int
	NextToken       string
}

type describeAlarmsOutput struct {
	CompositeAlarms []compositeAlarm
	MetricAlarms    []metricAlarm
	NextToken       string
}

func (s *Service) describeAlarms(_ context.Context, in *describeAlarmsInput) (*describeAlarmsOutput, error) {
	after, err := pageAfter(in.NextToken)
	if err != nil {
		return nil, err
	}
	size, err := pageSize(in.MaxRecords, defaultAlarmPage, maxAlarmPage, "maxRecords")
	if err != nil {
		return nil, err
	}
	if err := in.check(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	out := &describeAlarmsOutput{CompositeAlarms: []compositeAlarm{}, MetricAlarms: []metricAlarm{}}
	n, last := 0, ""
	for _, name := range sortedKeys(s.alarms) {
		a := s.alarms[name]
		if name <= after || !in.matches(a) {
			continue
		}
		if n == size {
			out.NextToken = pageToken(last)
			break
		}
		if a.composite != nil {
			out.CompositeAlarms = append(out.CompositeAlarms, a.describeComposite())
		} else {
			out.MetricAlarms = append(out.MetricAlarms, a.describeMetric())
		}
		n, last = n+1, name
	}
	return out, nil
}

func (in *describeAlarmsInput) check() error {
	if len(in.AlarmNames) > 0 && in.AlarmNamePrefix != "" {
		return invalid("AlarmNames and AlarmNamePrefix cannot be specified together")
	}
	if len(in.AlarmNames) > maxAlarmNames {
		return invalid("1 validation error detected: Value at 'alarmNames' failed to satisfy constraint: Member must have length less than or equal to %d", maxAlarmNames)
	}
	for _, kind := range in.AlarmTypes {
		if kind != metricAlarmType && kind != compositeAlarmType {
			return notAmong(kind, "alarmTypes", []string{compositeAlarmType, metricAlarmType})
		}
	}
	return checkState(in.StateValue, true)
}

func checkState(value string, optional bool) error {
	states := []string{string(InsufficientData), string(Alarm), string(OK)}
	if value == "" && optional || slices.Contains(states, value) {
		return nil
	}
	return notAmong(value, "stateValue", states)
}

// matches applies the filters. Without AlarmTypes only metric alarms are returned, as the API reference says.
func (in *describeAlarmsInput) matches(a *alarm) bool {
	types := in.AlarmTypes
	if len(types) == 0 {
		types = []string{metricAlarmType}
	}
	hasAction := func(actions []string) bool {
		return slices.ContainsFunc(actions, func(action string) bool { return strings.HasPrefix(action, in.ActionPrefix) })
	}
	return slices.Contains(types, a.kind()) &&
		(len(in.AlarmNames) == 0 || slices.Contains(in.AlarmNames, a.name)) &&
		strings.HasPrefix(a.name, in.AlarmNamePrefix) &&
		(in.StateValue == "" || in.StateValue == string(a.state)) &&
		(in.ActionPrefix == "" || hasAction(a.actions[OK]) || hasAction(a.actions[Alarm]) || hasAction(a.actions[InsufficientData]))
}

type alarmsForMetricInput struct {
	MetricName, Namespace string
	Statistic             string
	Dimensions            []Dimension
	Period                *int
	Unit                  string
}

type alarmsForMetricOutput struct{ MetricAlarms []metricAlarm }

// describeAlarmsForMetric finds the alarms on one metric; those on expressions are left out, as the API reference says.
func (s *Service) describeAlarmsForMetric(_ context.Context, in *alarmsForMetricInput) (*alarmsForMetricOutput, error) {
	asked := Metric{in.Namespace, in.MetricName, in.Dimensions}
	if err := checkMetric(asked, in.Unit); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	out := &alarmsForMetricOutput{MetricAlarms: []metricAlarm{}}
	for _, name := range sortedKeys(s.alarms) {
		m := s.alarms[name].metric
		if m == nil || m.Metrics != nil || (Metric{m.Namespace, m.MetricName, m.Dimensions}).id() != asked.id() ||
			in.Statistic != "" && in.Statistic != m.Statistic || in.Period != nil && *in.Period != *m.Period || in.Unit != "" && in.Unit != m.Unit {
			continue
		}
		out.MetricAlarms = append(out.MetricAlarms, s.alarms[name].describeMetric())
	}
	return out, nil
}

type setAlarmStateInput struct{ AlarmName, StateValue, StateReason, StateReasonData string }

// setAlarmState sets a state until the next evaluation, with all its consequences.
func (s *Service) setAlarmState(_ context.Context, in *setAlarmStateInput) (*nothing, error) {
	switch {
	case in.AlarmName == "":
		return nil, isNull("alarmName")
	case in.StateReason == "":
		return nil, isNull("stateReason")
	case len(in.StateReason) > maxStateReason || len(in.StateReasonData) > maxStateReasonData:
		return nil, invalid("1 validation error detected: StateReason has up to %d and StateReasonData up to %d characters", maxStateReason, maxStateReasonData)
	case in.StateReasonData != "" && !json.Valid([]byte(in.StateReasonData)):
		return nil, wire.Errorf(codeInvalidFormat, "StateReasonData is not JSON")
	}
	if err := checkState(in.StateValue, false); err != nil {
		return nil, err
	}
	changes, err := s.setState(in)
	s.act(changes)
	return &nothing{}, err
}

func (s *Service) setState(in *setAlarmStateInput) ([]Change, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.alarms[in.AlarmName]
	if a == nil {
		return nil, notFound("Alarm with name " + in.AlarmName + " does not exist")
	}
	now := s.options.Clock.Now()
	same := a.state == State(in.StateValue)
	change := s.transition(a, State(in.StateValue), in.StateReason, in.StateReasonData, now)
	if same {
		return nil, nil
	}
	changes := []Change{change}
	return append(changes, s.evaluateComposites(changes, now)...), nil
}

type describeHistoryInput struct {
	AlarmName          string
	AlarmTypes         []string
	HistoryItemType    string
	StartDate, EndDate time.Time
	MaxRecords         *int
	NextToken          string
	ScanBy             string
}

type alarmHistoryItem struct {
	AlarmName, AlarmType        string
	Timestamp                   time.Time
	HistoryItemType             string
	HistorySummary, HistoryData string
}

type describeHistoryOutput struct {
	AlarmHistoryItems []alarmHistoryItem
	NextToken         string
}

// The values of ScanBy.
const (
	newestFirst = "TimestampDescending"
	oldestFirst = "TimestampAscending"
)

func (s *Service) describeAlarmHistory(_ context.Context, in *describeHistoryInput) (*describeHistoryOutput, error) {
	size, err := pageSize(in.MaxRecords, maxAlarmPage, maxAlarmPage, "maxRecords")
	if err != nil {
		return nil, err
	}
	after, err := pageAfter(in.NextToken)
	if err != nil {
		return nil, err
	}
	skip, err := strconv.Atoi(after)
	if after != "" && err != nil {
		return nil, wire.Errorf(codeInvalidNextToken, "The next token specified is invalid.")
	}
	if in.HistoryItemType != "" && !slices.Contains(historyTypes, in.HistoryItemType) {
		return nil, notAmong(in.HistoryItemType, "historyItemType", historyTypes)
	}
	if in.ScanBy != "" && in.ScanBy != newestFirst && in.ScanBy != oldestFirst {
		return nil, notAmong(in.ScanBy, "scanBy", []string{newestFirst, oldestFirst})
	}
	s.mu.Lock()
	items := slices.Clone(s.history)
	s.mu.Unlock()
	if in.ScanBy != oldestFirst {
		slices.Reverse(items)
	}
	out := &describeHistoryOutput{AlarmHistoryItems: []alarmHistoryItem{}}
	seen := 0
	for _, item := range items {
		if !in.matches(item) {
			continue
		}
		if seen++; seen <= skip {
			continue
		}
		if len(out.AlarmHistoryItems) == size {
			out.NextToken = pageToken(strconv.Itoa(skip + size))
			break
		}
		out.AlarmHistoryItems = append(out.AlarmHistoryItems, alarmHistoryItem{item.alarm, item.kind, item.at, item.itemType, item.summary, item.data})
	}
	return out, nil
}

func (in *describeHistoryInput) matches(item historyItem) bool {
	types := in.AlarmTypes
	if len(types) == 0 {
		types = []string{metricAlarmType}
	}
	return slices.Contains(types, item.kind) &&
		(in.AlarmName == "" || in.AlarmName == item.alarm) &&
		(in.HistoryItemType == "" || in.HistoryItemType == item.itemType) &&
		(in.StartDate.IsZero() || !item.at.Before(in.StartDate)) &&
		(in.EndDate.IsZero() || !item.at.After(in.EndDate))
}
