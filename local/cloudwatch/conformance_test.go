package cloudwatch

import (
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/local/conformance"
	"github.com/payrail/payrail/local/faults"
)

// The cases come from AWS's documentation; the pages named are below https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/.
// The tables of "Configuring how CloudWatch alarms treat missing data" are in evaluate_test.go, the examples of AlarmRule in rule_test.go.

// sdkAlarm is a PutMetricAlarm with everything it needs.
func sdkAlarm(name string) *sdk.PutMetricAlarmInput {
	return &sdk.PutMetricAlarmInput{
		AlarmName: &name, AlarmDescription: aws.String("why"), Namespace: aws.String("AWS/SQS"), MetricName: aws.String("ApproximateNumberOfMessagesVisible"),
		Dimensions: []types.Dimension{{Name: aws.String("QueueName"), Value: aws.String("dead")}}, Statistic: types.StatisticMaximum, Period: aws.Int32(60),
		EvaluationPeriods: aws.Int32(2), Threshold: aws.Float64(1.5), ComparisonOperator: types.ComparisonOperatorGreaterThanThreshold, AlarmActions: []string{topic},
	}
}

// A new alarm is in the state INSUFFICIENT_DATA; an update leaves the state unchanged and overwrites the configuration.
// Source: API_PutMetricAlarm.html
func TestPutMetricAlarmThroughTheSDK(t *testing.T) {
	f := newFixture(t)
	_, err := f.client.PutMetricAlarm(t.Context(), sdkAlarm("Depth"))
	require.NoError(t, err)
	out, err := f.client.DescribeAlarms(t.Context(), &sdk.DescribeAlarmsInput{AlarmNames: []string{"Depth"}})
	require.NoError(t, err)
	require.Len(t, out.MetricAlarms, 1)
	a := out.MetricAlarms[0]
	require.Equal(t, types.StateValueInsufficientData, a.StateValue)
	require.Equal(t, testPrefix+"Depth", *a.AlarmArn)
	require.Equal(t, []types.Dimension{{Name: aws.String("QueueName"), Value: aws.String("dead")}}, a.Dimensions)
	require.Equal(t, 1.5, *a.Threshold)
	require.Equal(t, int32(2), *a.EvaluationPeriods)
	require.True(t, testStart.Equal(*a.StateUpdatedTimestamp))
	require.True(t, *a.ActionsEnabled, "the default is true")
	require.Nil(t, a.DatapointsToAlarm)

	_, err = f.client.SetAlarmState(t.Context(), &sdk.SetAlarmStateInput{AlarmName: aws.String("Depth"), StateValue: types.StateValueAlarm, StateReason: aws.String("testing")})
	require.NoError(t, err)
	update := sdkAlarm("Depth")
	update.AlarmDescription, update.AlarmActions = nil, nil
	_, err = f.client.PutMetricAlarm(t.Context(), update)
	require.NoError(t, err)
	out, err = f.client.DescribeAlarms(t.Context(), &sdk.DescribeAlarmsInput{})
	require.NoError(t, err)
	require.Equal(t, types.StateValueAlarm, out.MetricAlarms[0].StateValue)
	require.Equal(t, "testing", *out.MetricAlarms[0].StateReason)
	require.Nil(t, out.MetricAlarms[0].AlarmDescription)
	require.Empty(t, out.MetricAlarms[0].AlarmActions)
}

// Errors have the codes of the API reference in each protocol.
func TestErrors(t *testing.T) {
	for _, tc := range []struct {
		source string // A page of the API reference.
		call   func(f *fixture) error
		code   string
		status int
		says   string
	}{
		{"API_PutMetricAlarm.html", func(f *fixture) error {
			in := sdkAlarm("A")
			in.ComparisonOperator = "Greater"
			_, err := f.client.PutMetricAlarm(t.Context(), in)
			return err
		}, "ValidationError", 400, "Member must satisfy enum value set"},
		{"API_PutMetricAlarm.html", func(f *fixture) error {
			in := sdkAlarm("A")
			in.DatapointsToAlarm = aws.Int32(3)
			_, err := f.client.PutMetricAlarm(t.Context(), in)
			return err
		}, "ValidationError", 400, "DatapointsToAlarm"},
		{"API_PutMetricAlarm.html (total evaluation at most one day below a period of an hour)", func(f *fixture) error {
			in := sdkAlarm("A")
			in.Period, in.EvaluationPeriods = aws.Int32(600), aws.Int32(145)
			_, err := f.client.PutMetricAlarm(t.Context(), in)
			return err
		}, "ValidationError", 400, "EvaluationPeriods * Period"},
		{"API_PutMetricAlarm.html (Period is a multiple of 60)", func(f *fixture) error {
			in := sdkAlarm("A")
			in.Period = aws.Int32(90)
			_, err := f.client.PutMetricAlarm(t.Context(), in)
			return err
		}, "ValidationError", 400, "Period"},
		{"API_PutMetricAlarm.html (Metrics excludes MetricName)", func(f *fixture) error {
			in := sdkAlarm("A")
			in.Metrics = []types.MetricDataQuery{{Id: aws.String("m"), Expression: aws.String("SUM(METRICS())")}}
			_, err := f.client.PutMetricAlarm(t.Context(), in)
			return err
		}, "ValidationError", 400, "together with Metrics"},
		{"API_SetAlarmState.html", func(f *fixture) error {
			_, err := f.client.SetAlarmState(t.Context(), &sdk.SetAlarmStateInput{AlarmName: aws.String("none"), StateValue: types.StateValueOk, StateReason: aws.String("x")})
			return err
		}, "ResourceNotFound", 404, "none"},
		{"API_SetAlarmState.html", func(f *fixture) error {
			_, err := f.client.SetAlarmState(t.Context(), &sdk.SetAlarmStateInput{AlarmName: aws.String("x"), StateValue: types.StateValueOk, StateReason: aws.String("x"), StateReasonData: aws.String("{")})
			return err
		}, "InvalidFormat", 400, "JSON"},
		{"API_DeleteAlarms.html", func(f *fixture) error {
			_, err := f.client.DeleteAlarms(t.Context(), &sdk.DeleteAlarmsInput{AlarmNames: []string{"none"}})
			return err
		}, "ResourceNotFound", 404, "none"},
		{"API_DescribeAlarms.html", func(f *fixture) error {
			_, err := f.client.DescribeAlarms(t.Context(), &sdk.DescribeAlarmsInput{NextToken: aws.String("?")})
			return err
		}, "InvalidNextToken", 400, "token"},
		{"API_PutCompositeAlarm.html", func(f *fixture) error {
			_, err := f.client.PutCompositeAlarm(t.Context(), &sdk.PutCompositeAlarmInput{AlarmName: aws.String("c"), AlarmRule: aws.String("ALARM(none)")})
			return err
		}, "ValidationError", 400, "do not exist"},
		{"API_GetMetricStatistics.html", func(f *fixture) error {
			_, err := f.client.GetMetricStatistics(t.Context(), &sdk.GetMetricStatisticsInput{Namespace: aws.String("N"), MetricName: aws.String("M"), Period: aws.Int32(60),
				StartTime: aws.Time(at(0)), EndTime: aws.Time(at(1441)), Statistics: []types.Statistic{types.StatisticSum}})
			return err
		}, "InvalidParameterCombination", 400, "1441 datapoints, which exceeds the limit of 1440"},
		{"API_GetMetricStatistics.html", func(f *fixture) error {
			_, err := f.client.GetMetricStatistics(t.Context(), &sdk.GetMetricStatisticsInput{Namespace: aws.String("N"), MetricName: aws.String("M"), Period: aws.Int32(60),
				StartTime: aws.Time(at(1)), EndTime: aws.Time(at(1)), Statistics: []types.Statistic{types.StatisticSum}})
			return err
		}, "InvalidParameterCombination", 400, "StartTime must be less than"},
		{"API_MetricDatum.html (two weeks back, two hours ahead)", func(f *fixture) error {
			_, err := f.client.PutMetricData(t.Context(), &sdk.PutMetricDataInput{Namespace: aws.String("N"),
				MetricData: []types.MetricDatum{{MetricName: aws.String("M"), Value: aws.Float64(1), Timestamp: aws.Time(testStart.Add(3 * time.Hour))}}})
			return err
		}, "InvalidParameterValue", 400, "MetricData.member.1.Timestamp"},
		{"API_PutMetricData.html", func(f *fixture) error {
			_, err := f.client.PutMetricData(t.Context(), &sdk.PutMetricDataInput{Namespace: aws.String("N"),
				MetricData: []types.MetricDatum{{MetricName: aws.String("M"), Value: aws.Float64(1), Values: []float64{1}}}})
			return err
		}, "InvalidParameterCombination", 400, "mutually exclusive"},
		{"injected", func(f *fixture) error {
			require.NoError(t, f.faults.Arm(faults.Fault{Operation: "cloudwatch:ListMetrics", When: faults.BeforeEffect, Code: "Throttling", Times: 1}))
			_, err := f.client.ListMetrics(t.Context(), &sdk.ListMetricsInput{})
			return err
		}, "Throttling", 400, "ListMetrics"},
	} {
		f := newFixture(t)
		err := tc.call(f)
		require.Equal(t, tc.code, codeOf(err), "%s: %v", tc.source, err)
		require.ErrorContains(t, err, tc.says, tc.source)
		require.ErrorContains(t, err, fmt.Sprintf("StatusCode: %d", tc.status), tc.source)
	}
}

// Source: API_DescribeAlarms.html: only metric alarms without AlarmTypes, sorted by name, pages of MaxRecords.
func TestDescribeAlarms(t *testing.T) {
	f := newFixture(t)
	for _, name := range []string{"b2", "a1", "b1", "c1"} {
		_, err := f.client.PutMetricAlarm(t.Context(), sdkAlarm(name))
		require.NoError(t, err)
	}
	_, err := f.client.PutCompositeAlarm(t.Context(), &sdk.PutCompositeAlarmInput{AlarmName: aws.String("b0"), AlarmRule: aws.String("ALARM(a1)")})
	require.NoError(t, err)
	_, err = f.client.SetAlarmState(t.Context(), &sdk.SetAlarmStateInput{AlarmName: aws.String("a1"), StateValue: types.StateValueAlarm, StateReason: aws.String("x")})
	require.NoError(t, err)
	names := func(in *sdk.DescribeAlarmsInput) []string {
		out, err := f.client.DescribeAlarms(t.Context(), in)
		require.NoError(t, err)
		var found []string
		for _, a := range out.CompositeAlarms {
			found = append(found, *a.AlarmName)
		}
		for _, a := range out.MetricAlarms {
			found = append(found, *a.AlarmName)
		}
		return found
	}
	require.Equal(t, []string{"a1", "b1", "b2", "c1"}, names(&sdk.DescribeAlarmsInput{}))
	require.Equal(t, []string{"b1", "b2"}, names(&sdk.DescribeAlarmsInput{AlarmNamePrefix: aws.String("b")}))
	require.Equal(t, []string{"b0"}, names(&sdk.DescribeAlarmsInput{AlarmTypes: []types.AlarmType{types.AlarmTypeCompositeAlarm}}))
	require.Equal(t, []string{"b0", "a1"}, names(&sdk.DescribeAlarmsInput{StateValue: types.StateValueAlarm, AlarmTypes: []types.AlarmType{types.AlarmTypeCompositeAlarm, types.AlarmTypeMetricAlarm}}))
	require.Equal(t, []string{"a1", "b1", "b2", "c1"}, names(&sdk.DescribeAlarmsInput{ActionPrefix: aws.String("arn:aws:sns:")}))
	require.Empty(t, names(&sdk.DescribeAlarmsInput{ActionPrefix: aws.String("arn:aws:lambda:")}))

	pages := sdk.NewDescribeAlarmsPaginator(f.client, &sdk.DescribeAlarmsInput{MaxRecords: aws.Int32(3)})
	var sizes []int
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		require.NoError(t, err)
		sizes = append(sizes, len(page.MetricAlarms))
	}
	require.Equal(t, []int{3, 1}, sizes)

	forMetric, err := f.client.DescribeAlarmsForMetric(t.Context(), &sdk.DescribeAlarmsForMetricInput{Namespace: aws.String("AWS/SQS"),
		MetricName: aws.String("ApproximateNumberOfMessagesVisible"), Dimensions: []types.Dimension{{Name: aws.String("QueueName"), Value: aws.String("dead")}}})
	require.NoError(t, err)
	require.Len(t, forMetric.MetricAlarms, 4)
}

// Source: API_SetAlarmState.html: the state is temporary, the next evaluation returns to the actual one; a composite alarm follows when
// a child changes. API_DescribeAlarmHistory.html: items of three types, newest first.
func TestSetAlarmStateIsTemporaryAndRemembered(t *testing.T) {
	f := newFixture(t)
	in := sdkAlarm("Depth")
	in.EvaluationPeriods, in.TreatMissingData = aws.Int32(1), aws.String("notBreaching")
	_, err := f.client.PutMetricAlarm(t.Context(), in)
	require.NoError(t, err)
	_, err = f.client.SetAlarmState(t.Context(), &sdk.SetAlarmStateInput{AlarmName: aws.String("Depth"), StateValue: types.StateValueAlarm, StateReason: aws.String("a drill")})
	require.NoError(t, err)
	require.Len(t, f.topics.told, 1)
	f.minute(at(1))
	require.Equal(t, OK, f.stateOf(t, "Depth"))
	history, err := f.client.DescribeAlarmHistory(t.Context(), &sdk.DescribeAlarmHistoryInput{AlarmName: aws.String("Depth")})
	require.NoError(t, err)
	var summaries []string
	for _, item := range history.AlarmHistoryItems {
		summaries = append(summaries, string(item.HistoryItemType)+": "+*item.HistorySummary)
	}
	require.Equal(t, []string{
		"StateUpdate: Alarm updated from ALARM to OK",
		"Action: Successfully executed action " + topic,
		"StateUpdate: Alarm updated from INSUFFICIENT_DATA to ALARM",
		`ConfigurationUpdate: Alarm "Depth" created`,
	}, summaries)
	require.JSONEq(t, `{"version":"1.0","oldState":{"stateValue":"INSUFFICIENT_DATA","stateReason":"Unchecked: Initial alarm creation"},
		"newState":{"stateValue":"ALARM","stateReason":"a drill"}}`, *history.AlarmHistoryItems[2].HistoryData)
	page, err := f.client.DescribeAlarmHistory(t.Context(), &sdk.DescribeAlarmHistoryInput{AlarmName: aws.String("Depth"), MaxRecords: aws.Int32(1), ScanBy: types.ScanByTimestampAscending,
		HistoryItemType: types.HistoryItemTypeStateUpdate})
	require.NoError(t, err)
	require.Contains(t, *page.AlarmHistoryItems[0].HistorySummary, "to ALARM")
	require.NotNil(t, page.NextToken)
}

// Source: API_DisableAlarmActions.html, API_EnableAlarmActions.html.
func TestAlarmActionsCanBeSwitchedOff(t *testing.T) {
	f := newFixture(t)
	_, err := f.client.PutMetricAlarm(t.Context(), sdkAlarm("Depth"))
	require.NoError(t, err)
	set := func(state types.StateValue) {
		_, err = f.client.SetAlarmState(t.Context(), &sdk.SetAlarmStateInput{AlarmName: aws.String("Depth"), StateValue: state, StateReason: aws.String("x")})
		require.NoError(t, err)
	}
	_, err = f.client.DisableAlarmActions(t.Context(), &sdk.DisableAlarmActionsInput{AlarmNames: []string{"Depth", "none"}})
	require.NoError(t, err)
	set(types.StateValueAlarm)
	require.Empty(t, f.topics.told)
	set(types.StateValueOk)
	_, err = f.client.EnableAlarmActions(t.Context(), &sdk.EnableAlarmActionsInput{AlarmNames: []string{"Depth"}})
	require.NoError(t, err)
	set(types.StateValueAlarm)
	require.Len(t, f.topics.told, 1)
}

// Source: API_DeleteAlarms.html: "this total can include no more than one composite alarm"; "If you specify any incorrect alarm names, the
// alarms you specify with correct names are still deleted". That an alarm on which a composite alarm depends is kept says the user guide.
func TestDeleteAlarms(t *testing.T) {
	f := newFixture(t)
	for _, name := range []string{"A", "B"} {
		_, err := f.client.PutMetricAlarm(t.Context(), sdkAlarm(name))
		require.NoError(t, err)
	}
	for _, name := range []string{"C", "D"} {
		_, err := f.client.PutCompositeAlarm(t.Context(), &sdk.PutCompositeAlarmInput{AlarmName: &name, AlarmRule: aws.String("ALARM(A)")})
		require.NoError(t, err)
	}
	for _, tc := range []struct {
		names []string
		code  string
		left  []string
	}{
		{[]string{"C", "D"}, "ValidationError", []string{"A", "B", "C", "D"}},
		{[]string{"D", "A"}, "ValidationError", []string{"A", "B", "C", "D"}},
		{[]string{"B", "none"}, "ResourceNotFound", []string{"A", "C", "D"}},
		{[]string{"D"}, "", []string{"A", "C"}},
		{[]string{"A", "C", "A"}, "", []string{}},
	} {
		_, err := f.client.DeleteAlarms(t.Context(), &sdk.DeleteAlarmsInput{AlarmNames: tc.names})
		require.Equal(t, tc.code, codeOf(err), "%v: %v", tc.names, err)
		require.ElementsMatch(t, tc.left, sortedKeys(f.alarms), tc.names)
	}
}

// Source: API_PutMetricData.html and API_GetMetricStatistics.html: values, statistic sets, values with counts; data points of a period carry
// the asked statistics and their unit.
func TestMetricData(t *testing.T) {
	f := newFixture(t)
	dimensions := []types.Dimension{{Name: aws.String("Stage"), Value: aws.String("posting")}}
	_, err := f.client.PutMetricData(t.Context(), &sdk.PutMetricDataInput{Namespace: aws.String("Own"), MetricData: []types.MetricDatum{
		{MetricName: aws.String("Latency"), Dimensions: dimensions, Unit: types.StandardUnitMilliseconds, Timestamp: aws.Time(at(0)), Value: aws.Float64(10)},
		{MetricName: aws.String("Latency"), Dimensions: dimensions, Unit: types.StandardUnitMilliseconds, Timestamp: aws.Time(at(0)), Values: []float64{20, 40}, Counts: []float64{2, 1}},
		{MetricName: aws.String("Latency"), Dimensions: dimensions, Unit: types.StandardUnitMilliseconds, Timestamp: aws.Time(at(1)),
			StatisticValues: &types.StatisticSet{SampleCount: aws.Float64(2), Sum: aws.Float64(3), Minimum: aws.Float64(1), Maximum: aws.Float64(2)}},
	}})
	require.NoError(t, err)
	out, err := f.client.GetMetricStatistics(t.Context(), &sdk.GetMetricStatisticsInput{Namespace: aws.String("Own"), MetricName: aws.String("Latency"), Dimensions: dimensions,
		StartTime: aws.Time(at(0)), EndTime: aws.Time(at(5)), Period: aws.Int32(60),
		Statistics: []types.Statistic{types.StatisticSum, types.StatisticAverage, types.StatisticMinimum, types.StatisticMaximum, types.StatisticSampleCount}})
	require.NoError(t, err)
	require.Equal(t, "Latency", *out.Label)
	for i := range out.Datapoints {
		out.Datapoints[i].Timestamp = aws.Time(out.Datapoints[i].Timestamp.UTC())
	}
	require.Equal(t, []types.Datapoint{
		{Timestamp: aws.Time(at(0)), Sum: aws.Float64(90), Average: aws.Float64(22.5), Minimum: aws.Float64(10), Maximum: aws.Float64(40), SampleCount: aws.Float64(4), Unit: types.StandardUnitMilliseconds},
		{Timestamp: aws.Time(at(1)), Sum: aws.Float64(3), Average: aws.Float64(1.5), Minimum: aws.Float64(1), Maximum: aws.Float64(2), SampleCount: aws.Float64(2), Unit: types.StandardUnitMilliseconds},
	}, out.Datapoints)

	data, err := f.client.GetMetricData(t.Context(), &sdk.GetMetricDataInput{StartTime: aws.Time(at(0)), EndTime: aws.Time(at(5)), MetricDataQueries: []types.MetricDataQuery{
		{Id: aws.String("m"), ReturnData: aws.Bool(true), MetricStat: &types.MetricStat{Period: aws.Int32(60), Stat: aws.String("Sum"),
			Metric: &types.Metric{Namespace: aws.String("Own"), MetricName: aws.String("Latency"), Dimensions: dimensions}}},
		{Id: aws.String("e"), Expression: aws.String("m + 1"), Label: aws.String("one more")},
	}})
	require.NoError(t, err)
	require.Len(t, data.MetricDataResults, 2)
	require.Len(t, data.MetricDataResults[0].Timestamps, 2)
	require.True(t, at(1).Equal(data.MetricDataResults[0].Timestamps[0]), "the latest first is the default")
	require.Equal(t, []float64{3, 90}, data.MetricDataResults[0].Values)
	require.Equal(t, []float64{4, 91}, data.MetricDataResults[1].Values)
	require.Equal(t, "one more", *data.MetricDataResults[1].Label)
	require.Equal(t, types.StatusCodeComplete, data.MetricDataResults[0].StatusCode)

	for want, filter := range map[int][]types.DimensionFilter{
		1: {{Name: aws.String("Stage")}},
		0: {{Name: aws.String("Stage"), Value: aws.String("enrich")}},
	} {
		metrics, err := f.client.ListMetrics(t.Context(), &sdk.ListMetricsInput{Namespace: aws.String("Own"), Dimensions: filter, RecentlyActive: types.RecentlyActivePt3h})
		require.NoError(t, err)
		require.Len(t, metrics.Metrics, want)
	}
	none, err := f.client.GetMetricStatistics(t.Context(), &sdk.GetMetricStatisticsInput{Namespace: aws.String("Own"), MetricName: aws.String("Latency"),
		StartTime: aws.Time(at(0)), EndTime: aws.Time(at(5)), Period: aws.Int32(60), Statistics: []types.Statistic{types.StatisticSum}})
	require.NoError(t, err)
	require.Empty(t, none.Datapoints, "a metric without dimensions is another metric")
}

// The query protocol, as the AWS CLI version 2.9 speaks it. Source: the sample requests and answers of API_PutMetricAlarm.html,
// API_DescribeAlarms.html, API_ListMetrics.html; CommonErrors.html.
func TestQueryProtocol(t *testing.T) {
	f := newFixture(t)
	status, answer := f.query(t, "Action=PutMetricAlarm&Version=2010-08-01&AlarmName=Depth&Namespace=AWS%2FSQS&MetricName=ApproximateNumberOfMessagesVisible"+
		"&Dimensions.member.1.Name=QueueName&Dimensions.member.1.Value=dead&Statistic=Maximum&Period=60&EvaluationPeriods=1&Threshold=1"+
		"&ComparisonOperator=GreaterThanOrEqualToThreshold&ActionsEnabled=false&AlarmActions.member.1="+topic)
	require.Equal(t, 200, status, answer)
	require.Contains(t, answer, `<PutMetricAlarmResponse xmlns="http://monitoring.amazonaws.com/doc/2010-08-01/"><ResponseMetadata><RequestId>`)
	status, answer = f.query(t, "Action=DescribeAlarms&Version=2010-08-01&AlarmNames.member.1=Depth")
	require.Equal(t, 200, status, answer)
	for _, part := range []string{
		"<DescribeAlarmsResult><CompositeAlarms></CompositeAlarms><MetricAlarms><member><AlarmName>Depth</AlarmName>", "<ActionsEnabled>false</ActionsEnabled>",
		"<Dimensions><member><Name>QueueName</Name><Value>dead</Value></member></Dimensions>", "<Threshold>1</Threshold>", "<StateValue>INSUFFICIENT_DATA</StateValue>",
		"<AlarmConfigurationUpdatedTimestamp>2026-07-09T10:15:30.000Z</AlarmConfigurationUpdatedTimestamp>",
	} {
		require.Contains(t, answer, part)
	}
	status, answer = f.query(t, "Action=PutMetricData&Version=2010-08-01&Namespace=Own&MetricData.member.1.MetricName=M&MetricData.member.1.Value=2.5&MetricData.member.1.Timestamp=2026-07-09T10%3A15%3A00Z"+
		"&MetricData.member.2.MetricName=M&MetricData.member.2.Values.member.1=1&MetricData.member.2.Values.member.2=3")
	require.Equal(t, 200, status, answer)
	status, answer = f.query(t, "Action=GetMetricStatistics&Version=2010-08-01&Namespace=Own&MetricName=M&StartTime=2026-07-09T10%3A15%3A00Z&EndTime=2026-07-09T10%3A20%3A00%2B00%3A00&Period=300&Statistics.member.1=Sum")
	require.Equal(t, 200, status, answer)
	require.Contains(t, answer, "<Datapoints><member><Timestamp>2026-07-09T10:15:00.000Z</Timestamp><Sum>6.5</Sum><Unit>None</Unit></member></Datapoints>")
	status, answer = f.query(t, "Action=DeleteAlarms&Version=2010-08-01&AlarmNames.member.1=none")
	require.Equal(t, 404, status)
	require.Contains(t, answer, `<Error><Type>Sender</Type><Code>ResourceNotFound</Code>`)
	for form, code := range map[string]string{
		"Action=PutMetricAlarm&AlarmName=x&Period=often":      "SerializationException",
		"Action=DescribeAlarms&AlarmNames=x":                  "SerializationException",
		"Action=DescribeAlarms&AlarmNames.member.x=x":         "SerializationException",
		"Action=DescribeAlarms&MaxRecords.x=1&MaxRecords=1":   "MalformedQueryString",
		"Action=DescribeAlarms&MaxRecords=1000":               "ValidationError",
		"Action=PutMetricAlarm&AlarmName=x&ActionsEnabled=no": "SerializationException",
	} {
		status, answer = f.query(t, form)
		require.Equal(t, 400, status, form)
		require.Contains(t, answer, "<Code>"+code+"</Code>", form)
	}
}

// The protocol awsJson1_0, as SDKs of other languages speak it: times are seconds since 1970, errors have a header with the code of the
// query protocol. Source: https://smithy.io/2.0/aws/protocols/aws-json-1_0-protocol.html, .../aws-query-protocol.html (awsQueryCompatible).
func TestJSONProtocol(t *testing.T) {
	f := newFixture(t)
	status, answer := f.json(t, "PutMetricData", `{"Namespace":"Own","MetricData":[{"MetricName":"M","Value":2,"Timestamp":1783592130.5}]}`)
	require.Equal(t, 200, status, answer)
	status, answer = f.json(t, "GetMetricStatistics", `{"Namespace":"Own","MetricName":"M","StartTime":1783592100,"EndTime":1783592400,"Period":60,"Statistics":["Sum"]}`)
	require.Equal(t, 200, status, answer)
	require.JSONEq(t, `{"Label":"M","Datapoints":[{"Timestamp":1783592100.000,"Sum":2,"Unit":"None"}]}`, answer)
	status, answer = f.json(t, "DeleteAlarms", `{"AlarmNames":["none"]}`)
	require.Equal(t, 404, status)
	require.JSONEq(t, `{"__type":"com.amazonaws.cloudwatch#ResourceNotFound","message":"Alarm with name none does not exist"}`, answer)
}

// refusals are all refusals that docs/reference/local-runtime.md names for CloudWatch, in its order.
var refusals = []struct {
	feature string
	call    func(f *fixture, t *testing.T) error
	says    string
}{
	{"high-resolution periods", func(f *fixture, t *testing.T) error {
		in := sdkAlarm("A")
		in.Period = aws.Int32(10)
		_, err := f.client.PutMetricAlarm(t.Context(), in)
		return err
	}, "high-resolution periods of 10s"},
	{"high-resolution metrics", func(f *fixture, t *testing.T) error {
		_, err := f.client.PutMetricData(t.Context(), &sdk.PutMetricDataInput{Namespace: aws.String("N"),
			MetricData: []types.MetricDatum{{MetricName: aws.String("M"), Value: aws.Float64(1), StorageResolution: aws.Int32(1)}}})
		return err
	}, "StorageResolution of 1"},
	{"percentiles and other extended statistics", func(f *fixture, t *testing.T) error {
		in := sdkAlarm("A")
		in.Statistic, in.ExtendedStatistic = "", aws.String("p99")
		_, err := f.client.PutMetricAlarm(t.Context(), in)
		return err
	}, "the extended statistic p99"},
	{"metric math other than `SUM([…])`, `MAX([…])` and `+`", func(f *fixture, t *testing.T) error {
		_, err := f.client.GetMetricData(t.Context(), &sdk.GetMetricDataInput{StartTime: aws.Time(at(0)), EndTime: aws.Time(at(1)),
			MetricDataQueries: []types.MetricDataQuery{{Id: aws.String("e"), Expression: aws.String("ANOMALY_DETECTION_BAND(m)")}}})
		return err
	}, "metric math other than"},
	{"expressions over different periods", func(f *fixture, t *testing.T) error {
		stat := func(id string, period int32) types.MetricDataQuery {
			return types.MetricDataQuery{Id: &id, MetricStat: &types.MetricStat{Metric: &types.Metric{Namespace: aws.String("N"), MetricName: aws.String("M")}, Period: &period, Stat: aws.String("Sum")}}
		}
		_, err := f.client.GetMetricData(t.Context(), &sdk.GetMetricDataInput{StartTime: aws.Time(at(0)), EndTime: aws.Time(at(1)),
			MetricDataQueries: []types.MetricDataQuery{stat("a", 60), stat("b", 300), {Id: aws.String("e"), Expression: aws.String("a+b")}}})
		return err
	}, "different periods"},
	{"anomaly detection", func(f *fixture, t *testing.T) error {
		in := sdkAlarm("A")
		in.ComparisonOperator = types.ComparisonOperatorGreaterThanUpperThreshold
		_, err := f.client.PutMetricAlarm(t.Context(), in)
		return err
	}, "anomaly detection"},
	{"PromQL alarms", func(f *fixture, t *testing.T) error {
		in := sdkAlarm("A")
		in.EvaluationInterval = aws.Int32(60)
		_, err := f.client.PutMetricAlarm(t.Context(), in)
		return err
	}, "cloudwatch:PutMetricAlarm with EvaluationInterval"},
	{"metrics of other accounts", func(f *fixture, t *testing.T) error {
		_, err := f.client.GetMetricData(t.Context(), &sdk.GetMetricDataInput{StartTime: aws.Time(at(0)), EndTime: aws.Time(at(1)),
			MetricDataQueries: []types.MetricDataQuery{{Id: aws.String("m"), AccountId: aws.String("111111111111")}}})
		return err
	}, "MetricDataQueries.AccountId"},
	{"alarm actions other than topics", func(f *fixture, t *testing.T) error {
		in := sdkAlarm("A")
		in.AlarmActions = []string{"arn:aws:lambda:us-east-1:000000000000:function:f"}
		_, err := f.client.PutMetricAlarm(t.Context(), in)
		return err
	}, "alarm actions other than topics"},
	{"action suppressors", func(f *fixture, t *testing.T) error {
		_, err := f.client.PutCompositeAlarm(t.Context(), &sdk.PutCompositeAlarmInput{AlarmName: aws.String("C"), AlarmRule: aws.String("TRUE"), ActionsSuppressor: aws.String("x"),
			ActionsSuppressorWaitPeriod: aws.Int32(1), ActionsSuppressorExtensionPeriod: aws.Int32(1)})
		return err
	}, "cloudwatch:PutCompositeAlarm with ActionsSuppressor"},
	{"`AT_LEAST` in alarm rules", func(f *fixture, t *testing.T) error {
		_, err := f.client.PutCompositeAlarm(t.Context(), &sdk.PutCompositeAlarmInput{AlarmName: aws.String("C"), AlarmRule: aws.String("AT_LEAST(1, ALARM, (a))")})
		return err
	}, "AT_LEAST in alarm rules"},
	{"children and parents of an alarm in `DescribeAlarms`", func(f *fixture, t *testing.T) error {
		_, err := f.client.DescribeAlarms(t.Context(), &sdk.DescribeAlarmsInput{ChildrenOfAlarmName: aws.String("C")})
		return err
	}, "cloudwatch:DescribeAlarms with ChildrenOfAlarmName"},
	{"every other operation", func(f *fixture, t *testing.T) error {
		_, err := f.client.PutDashboard(t.Context(), &sdk.PutDashboardInput{DashboardName: aws.String("D"), DashboardBody: aws.String("{}")})
		return err
	}, "cloudwatch:PutDashboard"},
}

func TestRefusals(t *testing.T) {
	f := newFixture(t)
	var features []string
	for _, tc := range refusals {
		err := tc.call(f, t)
		require.Equal(t, "NotImplemented", codeOf(err), "%s: %v", tc.feature, err)
		require.ErrorContains(t, err, "StatusCode: 501", tc.feature)
		require.ErrorContains(t, err, tc.says, tc.feature)
		features = append(features, tc.feature)
	}
	require.Empty(t, f.alarms)
	// The list of the documentation is this one; "every other operation" stands above the table of operations there.
	require.Equal(t, conformance.Refusals(t, "CloudWatch"), features[:len(features)-1])
}
