// Package alarms reads a stack's CloudWatch alarms for people: what is firing, since when, by how much, and what to do about it.
package alarms

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
)

// CloudWatch is the part of the SDK's client that is needed.
type CloudWatch interface {
	DescribeAlarms(ctx context.Context, in *cloudwatch.DescribeAlarmsInput, options ...func(*cloudwatch.Options)) (*cloudwatch.DescribeAlarmsOutput, error)
	GetMetricData(ctx context.Context, in *cloudwatch.GetMetricDataInput, options ...func(*cloudwatch.Options)) (*cloudwatch.GetMetricDataOutput, error)
}

// Alarm is one alarm of a stack.
type Alarm struct {
	Name string `json:"name"`
	// State is OK, ALARM or INSUFFICIENT_DATA, Since when it has been that.
	State string    `json:"state"`
	Since time.Time `json:"since"`
	// Says is the first sentence of the description.
	Says string `json:"says,omitempty"`
	// Why is the metric against its threshold in words, or the alarms that a composite alarm is made of and that are firing.
	Why string `json:"why,omitempty"`
	// Value is the latest data point of the metric, nil where there is none.
	Value     *float64 `json:"value,omitempty"`
	Threshold *float64 `json:"threshold,omitempty"`
	// Reason is CloudWatch's own, of when the state changed.
	Reason string `json:"reason,omitempty"`
	// Runbook is the path of the page that says what to do, Command what puts it right, where the alarm names them.
	Runbook string `json:"runbook,omitempty"`
	Command string `json:"command,omitempty"`
	// ActionsOff says that nobody is told.
	ActionsOff bool `json:"actionsOff,omitempty"`

	composite bool
	// silent says that the metric has gone silent, of which this alarm tells.
	silent bool
}

// Firing reports whether the alarm is in the state ALARM, or has gone to INSUFFICIENT_DATA and tells of that: its metric has gone silent.
func (a Alarm) Firing() bool { return a.State == string(types.StateValueAlarm) || a.silent }

// Composite reports whether the alarm is made of others.
func (a Alarm) Composite() bool { return a.composite }

// Report is what Read has found.
type Report struct {
	// At is CloudWatch's time, which on the local runtime may run faster than this machine's.
	At     time.Time `json:"at"`
	Alarms []Alarm   `json:"alarms"`
}

// Firing are the alarms that are firing.
func (r Report) Firing() []Alarm {
	return slices.DeleteFunc(slices.Clone(r.Alarms), func(a Alarm) bool { return !a.Firing() })
}

// Reader reads the alarms of one stack.
type Reader struct {
	CloudWatch CloudWatch
	// Stack lists the stack's resources.
	Stack cloudformation.ListStackResourcesAPIClient
	Name  string
	// Now is this machine's clock, for where CloudWatch does not tell its own.
	Now func() time.Time
}

// Read reads all alarms of the stack, and those whose names begin with the stack's: those firing first, the longest first.
func (r Reader) Read(ctx context.Context) (Report, error) {
	names, err := r.resources(ctx)
	if err != nil {
		return Report{}, err
	}
	found, err := r.describe(ctx, names)
	if err != nil {
		return Report{}, err
	}
	report := Report{At: found.at, Alarms: []Alarm{}}
	firing := map[string]bool{}
	for _, a := range found.metric {
		alarm, err := r.metricAlarm(ctx, a, names, found.at)
		if err != nil {
			return Report{}, err
		}
		firing[alarm.Name] = a.StateValue == types.StateValueAlarm
		report.Alarms = append(report.Alarms, alarm)
	}
	for _, a := range found.composite {
		firing[aws.ToString(a.AlarmName)] = a.StateValue == types.StateValueAlarm
	}
	for _, a := range found.composite {
		report.Alarms = append(report.Alarms, compositeAlarm(a, firing))
	}
	slices.SortFunc(report.Alarms, func(a, b Alarm) int {
		if a.Firing() != b.Firing() {
			return order(a.Firing())
		}
		if a.composite != b.composite {
			return order(a.composite) // One call for many alarms: what it says comes first.
		}
		if since := a.Since.Compare(b.Since); a.Firing() && since != 0 {
			return since
		}
		return strings.Compare(a.Name, b.Name)
	})
	return report, nil
}

func order(first bool) int {
	if first {
		return -1
	}
	return 1
}

// logicalHash is what the CDK appends to logical ids.
var logicalHash = regexp.MustCompile(`[0-9A-F]{8}$`)

// names are the stack's alarms, and the names of its resources as people know them.
type names struct {
	alarms map[string]bool
	known  map[string]string // By physical name.
	queues map[string]bool   // Of the known, those of queues, by physical name.
}

func (r Reader) resources(ctx context.Context) (names, error) {
	n := names{alarms: map[string]bool{}, known: map[string]string{}, queues: map[string]bool{}}
	pages := cloudformation.NewListStackResourcesPaginator(r.Stack, &cloudformation.ListStackResourcesInput{StackName: &r.Name})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return names{}, fmt.Errorf("listing the stack's resources: %w", err)
		}
		for _, resource := range page.StackResourceSummaries {
			physical := aws.ToString(resource.PhysicalResourceId)
			kind := aws.ToString(resource.ResourceType)
			if kind == "AWS::CloudWatch::Alarm" || kind == "AWS::CloudWatch::CompositeAlarm" {
				n.alarms[physical] = true
			}
			// A queue's id is its URL, a rule's its bus and its name, a topic's its ARN; metrics have the last part, or the whole ARN.
			name := physical[strings.LastIndexAny(physical, "/|:")+1:]
			logical := logicalHash.ReplaceAllString(aws.ToString(resource.LogicalResourceId), "")
			n.known[physical], n.known[name] = logical, logical
			n.queues[name] = n.queues[name] || kind == "AWS::SQS::Queue"
		}
	}
	return n, nil
}

// of is a resource's name as people know it.
func (n names) of(physical string) string {
	if known := n.known[physical]; known != "" {
		return known
	}
	return physical
}

type described struct {
	metric    []types.MetricAlarm
	composite []types.CompositeAlarm
	at        time.Time
}

func (r Reader) describe(ctx context.Context, n names) (described, error) {
	prefix := r.Name + "-"
	found := described{at: r.Now()}
	in := &cloudwatch.DescribeAlarmsInput{AlarmTypes: []types.AlarmType{types.AlarmTypeMetricAlarm, types.AlarmTypeCompositeAlarm}}
	pages := cloudwatch.NewDescribeAlarmsPaginator(r.CloudWatch, in)
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return described{}, fmt.Errorf("describing alarms: %w", err)
		}
		if at, ok := awsmiddleware.GetServerTime(page.ResultMetadata); ok {
			found.at = at
		}
		ours := func(name *string) bool {
			return n.alarms[aws.ToString(name)] || strings.HasPrefix(aws.ToString(name), prefix)
		}
		for _, a := range page.MetricAlarms {
			if ours(a.AlarmName) {
				found.metric = append(found.metric, a)
			}
		}
		for _, a := range page.CompositeAlarms {
			if ours(a.AlarmName) {
				found.composite = append(found.composite, a)
			}
		}
	}
	return found, nil
}

func (r Reader) metricAlarm(ctx context.Context, a types.MetricAlarm, n names, at time.Time) (Alarm, error) {
	alarm := Alarm{Name: aws.ToString(a.AlarmName), State: string(a.StateValue), Since: since(a.StateTransitionedTimestamp, a.StateUpdatedTimestamp),
		Threshold: a.Threshold, Reason: aws.ToString(a.StateReason), ActionsOff: !aws.ToBool(a.ActionsEnabled)}
	alarm.describe(aws.ToString(a.AlarmDescription))
	alarm.silent = a.StateValue == types.StateValueInsufficientData && len(a.InsufficientDataActions) > 0 && !strings.HasPrefix(alarm.Reason, neverEvaluated)
	if alarm.Firing() {
		value, err := r.latest(ctx, a, at)
		if err != nil {
			return Alarm{}, err
		}
		alarm.Value = value
	}
	alarm.Why = why(a, alarm.Value, alarm.Firing(), n)
	if alarm.Command == "" {
		alarm.Command = redrive(a, n)
	}
	return alarm, nil
}

// neverEvaluated begins CloudWatch's reason of an alarm that has had no data since it was made.
const neverEvaluated = "Unchecked"

func compositeAlarm(a types.CompositeAlarm, firing map[string]bool) Alarm {
	alarm := Alarm{Name: aws.ToString(a.AlarmName), State: string(a.StateValue), Since: since(a.StateTransitionedTimestamp, a.StateUpdatedTimestamp),
		Reason: aws.ToString(a.StateReason), ActionsOff: !aws.ToBool(a.ActionsEnabled), composite: true}
	alarm.describe(aws.ToString(a.AlarmDescription))
	alarm.Why = madeOf(aws.ToString(a.AlarmRule), firing)
	return alarm
}

func since(transitioned, updated *time.Time) time.Time {
	if transitioned != nil {
		return transitioned.UTC()
	}
	return aws.ToTime(updated).UTC()
}

var (
	runbook = regexp.MustCompile(`docs/[\w./-]+\.md(#[\w-]+)?`)
	command = regexp.MustCompile("`(payrail [^`]+)`")
	// sentence is a text up to the first full stop that ends a word.
	sentence = regexp.MustCompile(`^.*?[.!?](\s|$)`)
)

// Says is the first sentence of a description, for people.
func Says(description string) string {
	var a Alarm
	a.describe(description)
	return a.Says
}

// describe takes a description apart: a sentence for people, the runbook's path, a command in back quotes.
func (a *Alarm) describe(description string) {
	a.Runbook = runbook.FindString(description)
	text := strings.TrimSpace(strings.Replace(description, a.Runbook, "", 1))
	if first := sentence.FindString(text); first != "" {
		text = first
	}
	a.Says = strings.TrimSpace(text)
	if found := command.FindStringSubmatch(description); found != nil && found[1] != "payrail alarms" {
		a.Command = found[1]
	}
}

// lookBack is how many periods before the evaluated ones are looked at for the latest value: metrics come late.
const lookBack = 3

// latest is the latest value of what an alarm watches.
func (r Reader) latest(ctx context.Context, a types.MetricAlarm, at time.Time) (*float64, error) {
	queries, period := queriesOf(a)
	if period == 0 {
		return nil, nil // An alarm of a kind whose metric cannot be asked for, such as PromQL.
	}
	span := time.Duration(aws.ToInt32(a.EvaluationPeriods)+lookBack) * time.Duration(period) * time.Second
	out, err := r.CloudWatch.GetMetricData(ctx, &cloudwatch.GetMetricDataInput{MetricDataQueries: queries, StartTime: aws.Time(at.Add(-span)), EndTime: &at,
		ScanBy: types.ScanByTimestampDescending})
	if err != nil {
		return nil, fmt.Errorf("reading the metric of alarm %s: %w", aws.ToString(a.AlarmName), err)
	}
	for _, result := range out.MetricDataResults {
		if len(result.Values) > 0 {
			return &result.Values[0], nil
		}
	}
	return nil, nil
}

// queriesOf asks for what an alarm watches.
func queriesOf(a types.MetricAlarm) (queries []types.MetricDataQuery, period int32) {
	if len(a.Metrics) > 0 {
		for _, q := range a.Metrics {
			if q.MetricStat != nil {
				period = max(period, aws.ToInt32(q.MetricStat.Period))
			}
		}
		return a.Metrics, period
	}
	if a.MetricName == nil {
		return nil, 0
	}
	statistic := string(a.Statistic)
	if statistic == "" {
		statistic = aws.ToString(a.ExtendedStatistic)
	}
	return []types.MetricDataQuery{{Id: aws.String("latest"), MetricStat: &types.MetricStat{
		Metric: &types.Metric{Namespace: a.Namespace, MetricName: a.MetricName, Dimensions: a.Dimensions},
		Period: a.Period, Stat: &statistic, Unit: a.Unit,
	}}}, aws.ToInt32(a.Period)
}
