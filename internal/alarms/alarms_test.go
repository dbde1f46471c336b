package alarms

import (
	"context"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	cfntypes "github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/stretchr/testify/require"
)

var now = time.Date(2026, 7, 9, 10, 15, 30, 0, time.UTC)

// account is an account with alarms of its stack and others.
type account struct {
	metric    []types.MetricAlarm
	composite []types.CompositeAlarm
	resources [][3]string // Type, logical and physical id.
	values    []float64
	asked     []*cloudwatch.GetMetricDataInput
}

func (a *account) DescribeAlarms(_ context.Context, in *cloudwatch.DescribeAlarmsInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.DescribeAlarmsOutput, error) {
	if in.NextToken == nil { // Two pages.
		return &cloudwatch.DescribeAlarmsOutput{CompositeAlarms: a.composite, NextToken: aws.String("more")}, nil
	}
	return &cloudwatch.DescribeAlarmsOutput{MetricAlarms: a.metric}, nil
}

func (a *account) GetMetricData(_ context.Context, in *cloudwatch.GetMetricDataInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.GetMetricDataOutput, error) {
	a.asked = append(a.asked, in)
	return &cloudwatch.GetMetricDataOutput{MetricDataResults: []types.MetricDataResult{{Values: a.values}}}, nil
}

func (a *account) ListStackResources(context.Context, *cloudformation.ListStackResourcesInput, ...func(*cloudformation.Options)) (*cloudformation.ListStackResourcesOutput, error) {
	out := &cloudformation.ListStackResourcesOutput{}
	for _, r := range a.resources {
		out.StackResourceSummaries = append(out.StackResourceSummaries, cfntypes.StackResourceSummary{ResourceType: &r[0], LogicalResourceId: &r[1], PhysicalResourceId: &r[2]})
	}
	return out, nil
}

func (a *account) read(t *testing.T) Report {
	t.Helper()
	report, err := Reader{CloudWatch: a, Stack: a, Name: "Payrail", Now: func() time.Time { return now }}.Read(t.Context())
	require.NoError(t, err)
	return report
}

func alarm(name string, state types.StateValue, minutes int) types.MetricAlarm {
	return types.MetricAlarm{
		AlarmName: &name, StateValue: state, StateTransitionedTimestamp: aws.Time(now.Add(-time.Duration(minutes) * time.Minute)), ActionsEnabled: aws.Bool(true),
		AlarmDescription: aws.String("Posting failed on these events. More of it. docs/operating/alarms.md#failed-events"),
		Namespace:        aws.String("AWS/SQS"), MetricName: aws.String("ApproximateNumberOfMessagesVisible"), Statistic: types.StatisticMaximum,
		Dimensions: []types.Dimension{{Name: aws.String("QueueName"), Value: aws.String("Payrail-PostingDeadLetters0A1B2C3D-x")}}, Period: aws.Int32(60),
		EvaluationPeriods: aws.Int32(1), Threshold: aws.Float64(1), ComparisonOperator: types.ComparisonOperatorGreaterThanOrEqualToThreshold,
	}
}

// An alarm that tells of missing data fires once its metric has gone silent, not while it has never had any.
func TestSilence(t *testing.T) {
	silent := func(name, reason string) types.MetricAlarm {
		a := alarm(name, types.StateValueInsufficientData, 5)
		a.Namespace, a.MetricName, a.Period, a.EvaluationPeriods = aws.String("AWS/Lambda"), aws.String("Invocations"), aws.Int32(900), aws.Int32(3)
		a.ComparisonOperator, a.StateReason = types.ComparisonOperatorLessThanThreshold, &reason
		a.Dimensions = []types.Dimension{{Name: aws.String("FunctionName"), Value: aws.String("f")}}
		a.InsufficientDataActions = []string{"arn:aws:sns:r:a:t"}
		return a
	}
	untold := silent("Payrail-Untold", "Insufficient Data: 3 datapoints were unknown.")
	untold.InsufficientDataActions = nil
	a := &account{
		metric: []types.MetricAlarm{silent("Payrail-New", "Unchecked: Initial alarm creation"), untold, silent("Payrail-Silent", "Insufficient Data: 3 datapoints were unknown.")},
		composite: []types.CompositeAlarm{{AlarmName: aws.String("Payrail-Any"), StateValue: types.StateValueAlarm, StateUpdatedTimestamp: &now, ActionsEnabled: aws.Bool(true),
			AlarmRule: aws.String("TRUE OR ALARM(Payrail-Silent)")}},
	}
	firing := a.read(t).Firing()
	require.Len(t, firing, 2)
	require.Empty(t, firing[0].Why, "its state is not ALARM")
	require.Equal(t, "Payrail-Silent", firing[1].Name)
	require.Equal(t, "INSUFFICIENT_DATA", firing[1].State)
	require.Equal(t, "no data of Invocations of f, alarm below 1, 3 periods of 15m in a row", firing[1].Why)
}

func TestReport(t *testing.T) {
	a := &account{
		metric: []types.MetricAlarm{
			alarm("Payrail-Good", types.StateValueOk, 1), alarm("other", types.StateValueAlarm, 5), alarm("Payrail-Late", types.StateValueAlarm, 2),
			alarm("unlike", types.StateValueAlarm, 4), alarm("Payrail-New", types.StateValueInsufficientData, 1),
		},
		composite: []types.CompositeAlarm{{AlarmName: aws.String("Payrail-Stuck"), StateValue: types.StateValueAlarm, StateUpdatedTimestamp: &now, ActionsEnabled: aws.Bool(false),
			AlarmDescription: aws.String("Payments stand still: `payrail alarms` says which alarm it is."), AlarmRule: aws.String(`ALARM("Payrail-Good") OR ALARM(arn:aws:cloudwatch:r:a:alarm:unlike) OR ALARM(Payrail-Late)`)}},
		resources: [][3]string{
			{"AWS::CloudWatch::Alarm", "Some0A1B2C3D", "unlike"},
			{"AWS::SQS::Queue", "PostingDeadLetters0A1B2C3D", "https://sqs.eu-west-2.amazonaws.com/000000000000/Payrail-PostingDeadLetters0A1B2C3D-x"},
		},
		values: []float64{3, 2},
	}
	report := a.read(t)
	var names []string
	for _, alarm := range report.Alarms {
		names = append(names, alarm.Name)
	}
	require.Equal(t, []string{"Payrail-Stuck", "unlike", "Payrail-Late", "Payrail-Good", "Payrail-New"}, names, "firing first, made of others first, the longest first; not those of others")
	firing := report.Firing()
	require.Len(t, firing, 3)
	require.Equal(t, "made of unlike, Payrail-Late", firing[0].Why)
	require.True(t, firing[0].ActionsOff)
	require.Empty(t, firing[0].Command, "a command that only comes back here is none")
	require.Equal(t, Alarm{
		Name: "unlike", State: "ALARM", Since: now.Add(-4 * time.Minute), Says: "Posting failed on these events.", Why: "3 messages in PostingDeadLetters, alarm from 1",
		Value: aws.Float64(3), Threshold: aws.Float64(1), Runbook: "docs/operating/alarms.md#failed-events", Command: "payrail redrive PostingDeadLetters",
	}, firing[1])
	require.Len(t, a.asked, 2, "only the metrics of what is firing are read")
	require.Equal(t, now, *a.asked[0].EndTime)
	require.Equal(t, "messages in PostingDeadLetters: alarm from 1", report.Alarms[3].Why)
}

func TestWhy(t *testing.T) {
	n := names{known: map[string]string{"q": "PostingQueue", "arn:m": "RulesStateMachine"}}
	stat := func(name string) types.MetricDataQuery {
		return types.MetricDataQuery{Id: aws.String("m"), ReturnData: aws.Bool(false), MetricStat: &types.MetricStat{Period: aws.Int32(60), Stat: aws.String("Sum"),
			Metric: &types.Metric{Namespace: aws.String("AWS/EventBridge/Pipes"), MetricName: &name, Dimensions: []types.Dimension{{Name: aws.String("PipeName"), Value: aws.String("Pipe")}}}}}
	}
	for _, tc := range []struct {
		change func(*types.MetricAlarm)
		value  *float64
		want   string
	}{
		{func(a *types.MetricAlarm) { a.Dimensions[0].Value = aws.String("q") }, aws.Float64(1), "1 message in PostingQueue, alarm from 1"},
		{func(a *types.MetricAlarm) {
			a.MetricName, a.Threshold, a.EvaluationPeriods = aws.String("ApproximateAgeOfOldestMessage"), aws.Float64(600), aws.Int32(3)
			a.Dimensions[0].Value = aws.String("q")
		}, aws.Float64(5400), "the oldest message in PostingQueue has waited 1h30m, alarm from 10m, 3 periods of 1m in a row"},
		{func(a *types.MetricAlarm) {
			a.Namespace, a.MetricName, a.ComparisonOperator = aws.String("AWS/States"), aws.String("ExecutionsFailed"), types.ComparisonOperatorGreaterThanThreshold
			a.Dimensions = []types.Dimension{{Name: aws.String("StateMachineArn"), Value: aws.String("arn:m")}}
			a.EvaluationPeriods, a.DatapointsToAlarm = aws.Int32(5), aws.Int32(2)
		}, aws.Float64(2.5), "ExecutionsFailed of RulesStateMachine is 2.5, alarm above 1, in 2 of 5 periods of 1m"},
		{func(a *types.MetricAlarm) {
			a.Namespace, a.MetricName, a.Dimensions, a.Period, a.ComparisonOperator = nil, nil, nil, nil, types.ComparisonOperatorLessThanThreshold
			a.Metrics = []types.MetricDataQuery{stat("ExecutionFailed"), stat("ExecutionTimeout"), {Id: aws.String("sum"), Expression: aws.String("SUM([m])")}}
		}, nil, "no data of ExecutionFailed + ExecutionTimeout of Pipe, alarm below 1"},
		{func(a *types.MetricAlarm) {
			a.Threshold, a.ThresholdMetricId, a.ComparisonOperator = nil, aws.String("band"), types.ComparisonOperatorGreaterThanUpperThreshold
			a.StateReason = aws.String("as CloudWatch says")
		}, nil, "as CloudWatch says"},
	} {
		a := alarm("x", types.StateValueAlarm, 1)
		tc.change(&a)
		require.Equal(t, tc.want, why(a, tc.value, true, n))
	}
}

func TestDescriptions(t *testing.T) {
	for description, want := range map[string]Alarm{
		"":                                       {},
		"A sentence. docs/operating/alarms.md#x": {Says: "A sentence.", Runbook: "docs/operating/alarms.md#x"},
		"No full stop docs/operating/README.md":  {Says: "No full stop", Runbook: "docs/operating/README.md"},
		"Run `payrail reconcile --full`. Then wait 1.5 h.":                 {Says: "Run `payrail reconcile --full`.", Command: "payrail reconcile --full"},
		"Version 1.5 of it fails! Look. docs/operating/parked-payments.md": {Says: "Version 1.5 of it fails!", Runbook: "docs/operating/parked-payments.md"},
	} {
		var a Alarm
		a.describe(description)
		require.Equal(t, want, a, description)
		require.Equal(t, want.Says, Says(description))
	}
}
