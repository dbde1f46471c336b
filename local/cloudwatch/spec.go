package cloudwatch

import (
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/payrail/payrail/local/wire"
)

// The shapes below have the members of the API and, under the same names, the properties of CloudFormation's
// AWS::CloudWatch::Alarm and AWS::CloudWatch::CompositeAlarm. What AWS has and they have not (AccountId, anomaly detection,
// PromQL, suppressors …) is refused by name where they are read.

// Tag is accepted without effect.
type Tag struct{ Key, Value string }

// MetricStat is a metric with a statistic over a period of whole minutes.
type MetricStat struct {
	Metric Metric
	Period int
	Stat   string
	Unit   string
}

// MetricDataQuery is a metric to retrieve or an expression over others. ReturnData nil means true.
type MetricDataQuery struct {
	Id         string //nolint:revive // The API's name.
	MetricStat *MetricStat
	Expression string
	Label      string
	ReturnData *bool
	Period     *int
}

func (q MetricDataQuery) returned() bool { return q.ReturnData == nil || *q.ReturnData }

// MetricAlarmSpec is a metric alarm to make.
type MetricAlarmSpec struct {
	AlarmName                                        string
	AlarmDescription                                 string
	ActionsEnabled                                   *bool
	OKActions, AlarmActions, InsufficientDataActions []string
	MetricName, Namespace                            string
	Statistic, ExtendedStatistic                     string
	Dimensions                                       []Dimension
	Period                                           *int
	Unit                                             string
	EvaluationPeriods, DatapointsToAlarm             *int
	Threshold                                        *float64
	ComparisonOperator                               string
	TreatMissingData                                 string
	Metrics                                          []MetricDataQuery
	Tags                                             []Tag
}

// CompositeAlarmSpec is a composite alarm to make.
type CompositeAlarmSpec struct {
	AlarmName                                        string
	AlarmDescription                                 string
	ActionsEnabled                                   *bool
	OKActions, AlarmActions, InsufficientDataActions []string
	AlarmRule                                        string
	Tags                                             []Tag
}

// Limits of alarms, from the API reference of PutMetricAlarm and PutCompositeAlarm.
const (
	maxAlarmName        = 255
	maxDescription      = 1024
	maxActions          = 5
	maxDimensions       = 30
	maxEvaluation       = 24 * time.Hour     // Of an alarm with a period below an hour.
	maxLongEvaluation   = 7 * 24 * time.Hour // Of the others.
	maxRuleAlarms       = 100
	maxRuleElements     = 500
	maxRuleLength       = 10240
	maxMetricNameLength = 255
)

// The values of ComparisonOperator for fixed thresholds.
const (
	greaterOrEqual = "GreaterThanOrEqualToThreshold"
	greater        = "GreaterThanThreshold"
	less           = "LessThanThreshold"
	lessOrEqual    = "LessThanOrEqualToThreshold"
)

// The values of TreatMissingData.
const (
	missingIsMissing      = "missing"
	missingIsIgnored      = "ignore"
	missingIsBreaching    = "breaching"
	missingIsNotBreaching = "notBreaching"
)

var (
	operators        = []string{greaterOrEqual, greater, less, lessOrEqual}
	anomalyOperators = []string{"LessThanLowerOrGreaterThanUpperThreshold", "LessThanLowerThreshold", "GreaterThanUpperThreshold"}
	missingModes     = []string{missingIsMissing, missingIsIgnored, missingIsBreaching, missingIsNotBreaching}
	units            = []string{
		"Seconds", "Microseconds", "Milliseconds", "Bytes", "Kilobytes", "Megabytes", "Gigabytes", "Terabytes", "Bits", "Kilobits", "Megabits",
		"Gigabits", "Terabits", "Percent", "Count", "Bytes/Second", "Kilobytes/Second", "Megabytes/Second", "Gigabytes/Second", "Terabytes/Second",
		"Bits/Second", "Kilobits/Second", "Megabits/Second", "Gigabits/Second", "Terabits/Second", "Count/Second", "None",
	}
)

func invalid(format string, args ...any) error {
	return wire.Errorf("ValidationError", format, args...)
}

// isNull is how AWS says that a parameter must be there.
func isNull(parameter string) error {
	return invalid("1 validation error detected: Value null at '%s' failed to satisfy constraint: Member must not be null", parameter)
}

func notAmong(value, parameter string, values []string) error {
	return invalid("1 validation error detected: Value '%s' at '%s' failed to satisfy constraint: Member must satisfy enum value set: [%s]",
		value, parameter, strings.Join(values, ", "))
}

// checkCommon checks what both kinds of alarms have.
func checkCommon(name, description string, actions ...[]string) error {
	switch {
	case name == "":
		return isNull("alarmName")
	case utf8.RuneCountInString(name) > maxAlarmName || strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return invalid("1 validation error detected: Value '%s' at 'alarmName' failed to satisfy constraint: 1 to %d characters, none of them a control character", name, maxAlarmName)
	case utf8.RuneCountInString(description) > maxDescription:
		return invalid("1 validation error detected: Value at 'alarmDescription' failed to satisfy constraint: Member must have length less than or equal to %d", maxDescription)
	}
	for _, list := range actions {
		if len(list) > maxActions {
			return invalid("1 validation error detected: an alarm has up to %d actions for a state, this one %d", maxActions, len(list))
		}
		for _, action := range list {
			parts := strings.SplitN(action, ":", 6)
			if len(parts) < 6 || parts[0] != "arn" {
				return invalid("Invalid arn syntax: %s", action)
			}
			if parts[2] != "sns" {
				return wire.NotImplemented("alarm actions other than topics (" + action + ")")
			}
		}
	}
	return nil
}

// check checks a metric alarm apart from its metrics.
func (a *MetricAlarmSpec) check() error {
	if err := checkCommon(a.AlarmName, a.AlarmDescription, a.OKActions, a.AlarmActions, a.InsufficientDataActions); err != nil {
		return err
	}
	switch {
	case a.ComparisonOperator == "":
		return isNull("comparisonOperator")
	case slices.Contains(anomalyOperators, a.ComparisonOperator):
		return wire.NotImplemented("the comparison operator " + a.ComparisonOperator + ", which is for anomaly detection")
	case !slices.Contains(operators, a.ComparisonOperator):
		return notAmong(a.ComparisonOperator, "comparisonOperator", slices.Concat(operators, anomalyOperators))
	case a.EvaluationPeriods == nil:
		return isNull("evaluationPeriods")
	case *a.EvaluationPeriods < 1:
		return invalid("1 validation error detected: Value '%d' at 'evaluationPeriods' failed to satisfy constraint: Member must have value greater than or equal to 1", *a.EvaluationPeriods)
	case a.DatapointsToAlarm != nil && (*a.DatapointsToAlarm < 1 || *a.DatapointsToAlarm > *a.EvaluationPeriods):
		return invalid("DatapointsToAlarm must be from 1 to EvaluationPeriods, which is %d", *a.EvaluationPeriods)
	case a.Threshold == nil:
		return invalid("Threshold is required for alarms based on static thresholds")
	case a.TreatMissingData != "" && !slices.Contains(missingModes, a.TreatMissingData):
		return invalid("Option %s is not supported for TreatMissingData: use one of %s", a.TreatMissingData, strings.Join(missingModes, ", "))
	}
	return nil
}

// checkMetric checks the name, dimensions and unit of a metric.
func checkMetric(m Metric, unit string) error {
	switch {
	case m.Namespace == "":
		return isNull("namespace")
	case m.MetricName == "":
		return isNull("metricName")
	case len(m.MetricName) > maxMetricNameLength || len(m.Namespace) > maxMetricNameLength:
		return invalid("1 validation error detected: a namespace and a metric name have up to %d characters", maxMetricNameLength)
	case len(m.Dimensions) > maxDimensions:
		return invalid("1 validation error detected: a metric has up to %d dimensions, this one %d", maxDimensions, len(m.Dimensions))
	case unit != "" && !slices.Contains(units, unit):
		return notAmong(unit, "unit", units)
	}
	for _, d := range m.Dimensions {
		if d.Name == "" || d.Value == "" {
			return invalid("1 validation error detected: a dimension needs a name and a value")
		}
	}
	return nil
}

// periodOf reads a period in seconds. Periods below a minute are valid on AWS and refused here.
func periodOf(seconds int) (time.Duration, error) {
	switch {
	case slices.Contains([]int{1, 5, 10, 20, 30}, seconds):
		return 0, wire.NotImplemented("high-resolution periods of " + (time.Duration(seconds) * time.Second).String())
	case seconds < 60 || seconds%60 != 0:
		return 0, invalid("Period must be 10, 20, 30 or a multiple of 60, not %d", seconds)
	}
	return time.Duration(seconds) * time.Second, nil
}
