package alarms

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
)

// why says what an alarm's metric is against its threshold.
func why(a types.MetricAlarm, value *float64, firing bool, n names) string {
	limit := limits[a.ComparisonOperator]
	if limit == "" || a.Threshold == nil {
		return aws.ToString(a.StateReason)
	}
	is, unit := subject(a, n)
	condition := fmt.Sprintf("alarm %s %s%s", limit, unit(*a.Threshold), periods(a))
	switch {
	case value != nil:
		return is(unit(*value), *value) + ", " + condition
	case firing:
		return "no data of " + is("", 0) + ", " + condition
	default:
		return is("", 0) + ": " + condition
	}
}

// limits are the comparison operators as words before the threshold.
var limits = map[types.ComparisonOperator]string{
	types.ComparisonOperatorGreaterThanOrEqualToThreshold: "from", types.ComparisonOperatorGreaterThanThreshold: "above",
	types.ComparisonOperatorLessThanThreshold: "below", types.ComparisonOperatorLessThanOrEqualToThreshold: "up to",
}

// subject says what the metric is, given its value as a text; without one, only what is measured.
func subject(a types.MetricAlarm, n names) (is func(text string, value float64) string, unit func(float64) string) {
	name, of := aws.ToString(a.MetricName), dimensionsOf(a.Dimensions, n)
	if len(a.Metrics) > 0 {
		name, of = expression(a.Metrics, n)
	}
	switch {
	case aws.ToString(a.Namespace) == "AWS/SQS" && name == "ApproximateNumberOfMessagesVisible":
		return func(text string, value float64) string {
			switch {
			case text == "":
				return "messages in " + of
			case value == 1:
				return "1 message in " + of
			}
			return text + " messages in " + of
		}, number
	case aws.ToString(a.Namespace) == "AWS/SQS" && name == "ApproximateAgeOfOldestMessage":
		return func(text string, _ float64) string {
			if text == "" {
				return "age of the oldest message in " + of
			}
			return "the oldest message in " + of + " has waited " + text
		}, seconds
	case strings.HasSuffix(name, "DataFreshness"):
		return general(name, of), seconds
	default:
		return general(name, of), number
	}
}

func general(name, of string) func(string, float64) string {
	if of != "" {
		name += " of " + of
	}
	return func(text string, _ float64) string {
		if text == "" {
			return name
		}
		return name + " is " + text
	}
}

func number(value float64) string { return strconv.FormatFloat(value, 'f', -1, 64) }

// seconds writes a length of time without the units that are zero: 600 is 10m, 5400 is 1h30m.
func seconds(value float64) string {
	left := time.Duration(value * float64(time.Second)).Round(time.Second)
	var text string
	for _, unit := range []struct {
		length time.Duration
		name   string
	}{{time.Hour, "h"}, {time.Minute, "m"}, {time.Second, "s"}} {
		if n := left / unit.length; n != 0 {
			text += strconv.FormatInt(int64(n), 10) + unit.name
			left -= n * unit.length
		}
	}
	return cmp.Or(text, "0s")
}

// periods says how often the threshold must be crossed, where that is more than once.
func periods(a types.MetricAlarm) string {
	n := aws.ToInt32(a.EvaluationPeriods)
	m := n
	if a.DatapointsToAlarm != nil {
		m = *a.DatapointsToAlarm
	}
	_, period := queriesOf(a)
	switch {
	case n <= 1:
		return ""
	case m == n:
		return fmt.Sprintf(", %d periods of %s in a row", n, seconds(float64(period)))
	default:
		return fmt.Sprintf(", in %d of %d periods of %s", m, n, seconds(float64(period)))
	}
}

// dimensionsOf are the resources that a metric is of.
func dimensionsOf(dimensions []types.Dimension, n names) string {
	var of []string
	for _, d := range dimensions {
		if aws.ToString(d.Name) == "EventBusName" && len(dimensions) > 1 {
			continue // Of a rule, its name says enough.
		}
		of = append(of, n.of(aws.ToString(d.Value)))
	}
	return strings.Join(of, ", ")
}

// expression names what a sum is of: its metrics and, where they have it in common, their resource.
func expression(queries []types.MetricDataQuery, n names) (name, of string) {
	var metrics, resources []string
	written := ""
	for _, q := range queries {
		if q.MetricStat == nil {
			if aws.ToBool(q.ReturnData) || q.ReturnData == nil {
				written = aws.ToString(q.Expression)
			}
			continue
		}
		metrics = append(metrics, aws.ToString(q.MetricStat.Metric.MetricName))
		if resource := dimensionsOf(q.MetricStat.Metric.Dimensions, n); !slices.Contains(resources, resource) {
			resources = append(resources, resource)
		}
	}
	if written != "" && !strings.HasPrefix(written, "SUM(") && !strings.Contains(written, "+") {
		return written, strings.Join(resources, ", ")
	}
	return strings.Join(metrics, " + "), strings.Join(resources, ", ")
}

// redrive is the command that empties a queue of events set aside; other queues have none.
func redrive(a types.MetricAlarm, n names) string {
	if aws.ToString(a.Namespace) != "AWS/SQS" || aws.ToString(a.MetricName) != "ApproximateNumberOfMessagesVisible" || len(a.Dimensions) != 1 {
		return ""
	}
	physical := aws.ToString(a.Dimensions[0].Value)
	name := n.of(physical)
	if !n.queues[physical] || !strings.HasSuffix(name, "DeadLetters") && !strings.HasSuffix(name, "Undelivered") {
		return ""
	}
	return "payrail redrive " + name
}

// inAlarm finds the alarms that a rule asks for.
var inAlarm = regexp.MustCompile(`ALARM\(\s*(?:"([^"]+)"|([^)"\s]+))\s*\)`)

// madeOf names those of a composite alarm's alarms that are firing.
func madeOf(rule string, firing map[string]bool) string {
	var found []string
	for _, match := range inAlarm.FindAllStringSubmatch(rule, -1) {
		name := match[1] + match[2]
		name = name[strings.LastIndex(name, ":alarm:")+1:]
		name = strings.TrimPrefix(name, "alarm:")
		if firing[name] && !slices.Contains(found, name) {
			found = append(found, name)
		}
	}
	if len(found) == 0 {
		return ""
	}
	return "made of " + strings.Join(found, ", ")
}
