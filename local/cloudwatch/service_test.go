package cloudwatch

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestAlarmGoesThroughItsStates(t *testing.T) {
	f := newFixture(t)
	_, err := f.PutMetricAlarm(depthAlarm("Depth", "dead"))
	require.NoError(t, err)
	require.Equal(t, InsufficientData, f.stateOf(t, "Depth"))

	f.depth("dead", 0, 0)
	f.minute(at(1))
	require.Equal(t, OK, f.stateOf(t, "Depth"))
	f.depth("dead", 1, 3)
	f.minute(at(2))
	require.Equal(t, Alarm, f.stateOf(t, "Depth"))
	f.depth("dead", 2, 4)
	f.minute(at(3))
	require.Len(t, f.changes, 2, "a state that stays is no change")
	f.depth("dead", 3, 0)
	f.minute(at(4))
	require.Equal(t, OK, f.stateOf(t, "Depth"))

	require.Len(t, f.topics.told, 3)
	require.Equal(t, []string{`OK: "Depth" in US East (N. Virginia)`, `ALARM: "Depth" in US East (N. Virginia)`, `OK: "Depth" in US East (N. Virginia)`},
		[]string{f.topics.told[0].subject, f.topics.told[1].subject, f.topics.told[2].subject})
	require.Equal(t, told{topic: topic, alarm: testPrefix + "Depth", subject: f.topics.told[1].subject, message: f.topics.told[1].message}, f.topics.told[1])
}

// An alarm that is about a silence is not in it when it is made: it goes there from having had data, and tells that.
func TestSilenceIsTold(t *testing.T) {
	f := newFixture(t)
	spec := MetricAlarmSpec{AlarmName: "Silent", Namespace: "AWS/Lambda", MetricName: "Invocations", Dimensions: []Dimension{{"FunctionName", "job"}}, Statistic: "Sum",
		Period: ptr(60), EvaluationPeriods: ptr(3), Threshold: ptr(1.0), ComparisonOperator: less, TreatMissingData: missingIsMissing,
		AlarmActions: []string{topic}, InsufficientDataActions: []string{topic}}
	_, err := f.PutMetricAlarm(spec)
	require.NoError(t, err)
	for i := 1; i <= 6; i++ {
		f.minute(at(i))
	}
	require.Equal(t, InsufficientData, f.stateOf(t, "Silent"))
	require.Empty(t, f.topics.told, "it has never run")
	f.Put(Occurrences(Metric{"AWS/Lambda", "Invocations", []Dimension{{"FunctionName", "job"}}}, at(6), 1))
	f.minute(at(7))
	require.Equal(t, OK, f.stateOf(t, "Silent"))
	// One run in five minutes is enough; none in five is a silence.
	for i := 8; i <= 11; i++ {
		f.minute(at(i))
		require.Equal(t, OK, f.stateOf(t, "Silent"), i)
	}
	f.minute(at(12))
	require.Equal(t, InsufficientData, f.stateOf(t, "Silent"))
	require.Len(t, f.topics.told, 1)
	require.Equal(t, `INSUFFICIENT_DATA: "Silent" in US East (N. Virginia)`, f.topics.told[0].subject)
	f.minute(at(13))
	require.Len(t, f.topics.told, 1, "once")
}

// The members are those of notifications that AWS has sent to topics, with their order and forms.
func TestNotification(t *testing.T) {
	f := newFixture(t)
	spec := depthAlarm("Depth", "dead")
	spec.AlarmDescription, spec.DatapointsToAlarm = "Messages were given up.", ptr(1)
	_, err := f.PutMetricAlarm(spec)
	require.NoError(t, err)
	f.depth("dead", 0, 3)
	f.minute(at(1))
	require.Len(t, f.topics.told, 1)
	require.Equal(t, `{"AlarmName":"Depth","AlarmDescription":"Messages were given up.","AWSAccountId":"000000000000",`+
		`"AlarmConfigurationUpdatedTimestamp":"2026-07-09T10:15:30.000+0000","NewStateValue":"ALARM",`+
		`"NewStateReason":"Threshold Crossed: 1 out of the last 1 datapoints [3.0 (09/07/26 10:15:00)] was greater than or equal to the threshold (1.0) (minimum 1 datapoint for OK -> ALARM transition).",`+
		`"StateChangeTime":"2026-07-09T10:16:00.000+0000","Region":"US East (N. Virginia)","AlarmArn":"arn:aws:cloudwatch:us-east-1:000000000000:alarm:Depth",`+
		`"OldStateValue":"INSUFFICIENT_DATA","OKActions":["`+topic+`"],"AlarmActions":["`+topic+`"],"InsufficientDataActions":[],`+
		`"Trigger":{"MetricName":"ApproximateNumberOfMessagesVisible","Namespace":"AWS/SQS","StatisticType":"Statistic","Statistic":"MAXIMUM","Unit":null,`+
		`"Dimensions":[{"value":"dead","name":"QueueName"}],"Period":60,"EvaluationPeriods":1,"DatapointsToAlarm":1,"ComparisonOperator":"GreaterThanOrEqualToThreshold",`+
		`"Threshold":1.0,"TreatMissingData":"notBreaching","EvaluateLowSampleCountPercentile":""}}`, f.topics.told[0].message)
	require.JSONEq(t, `{"version":"1.0","queryDate":"2026-07-09T10:16:00.000+0000","startDate":"2026-07-09T10:15:00.000+0000","statistic":"Maximum","period":60,
		"recentDatapoints":[3.0],"threshold":1.0,"evaluatedDatapoints":[{"timestamp":"2026-07-09T10:15:00.000+0000","sampleCount":1.0,"value":3.0}]}`, f.alarms["Depth"].reasonData)
}

func TestFailedActionIsRemembered(t *testing.T) {
	f := newFixture(t)
	f.topics.err = errors.New("the topic does not let the alarm in")
	_, err := f.PutMetricAlarm(depthAlarm("Depth", "dead"))
	require.NoError(t, err)
	f.depth("dead", 0, 3)
	f.minute(at(1))
	require.Equal(t, Alarm, f.stateOf(t, "Depth"), "the state does not depend on who hears of it")
	last := f.history[len(f.history)-1]
	require.Equal(t, historyAction, last.itemType)
	require.Contains(t, last.summary, "Failed to execute action "+topic)
	require.Contains(t, last.data, `"actionState":"Failed"`)
}

func TestDisabledActionsAreNotDone(t *testing.T) {
	f := newFixture(t)
	spec := depthAlarm("Depth", "dead")
	spec.ActionsEnabled = ptr(false)
	_, err := f.PutMetricAlarm(spec)
	require.NoError(t, err)
	f.depth("dead", 0, 3)
	f.minute(at(1))
	require.Equal(t, Alarm, f.stateOf(t, "Depth"))
	require.Empty(t, f.topics.told)
}

func TestTickEndsEachMinuteOnTheClock(t *testing.T) {
	f := newFixture(t)
	minutes := make(chan time.Time, 10)
	f.options.Collect = func(minute time.Time, _ func(Datum)) { minutes <- minute }
	f.clock.WaitForTimers(1)
	f.clock.Advance(30 * time.Second)
	require.Equal(t, at(0), <-minutes)
	f.clock.WaitForTimers(1)
	f.clock.Advance(time.Minute)
	require.Equal(t, at(1), <-minutes)
	// A clock that has run ahead is followed, not made up for.
	f.clock.WaitForTimers(1)
	f.clock.Advance(10 * time.Minute)
	require.Equal(t, at(11), <-minutes)
	f.clock.WaitForTimers(1)
	require.Empty(t, minutes)
}

func TestExpressionAlarm(t *testing.T) {
	f := newFixture(t)
	stat := func(id, metric string) MetricDataQuery {
		return MetricDataQuery{Id: id, ReturnData: ptr(false), MetricStat: &MetricStat{Metric: Metric{"N", metric, nil}, Period: 60, Stat: "Sum"}}
	}
	spec := MetricAlarmSpec{AlarmName: "Sum", AlarmActions: []string{topic}, EvaluationPeriods: ptr(1), Threshold: ptr(3.0), ComparisonOperator: greaterOrEqual,
		TreatMissingData: missingIsNotBreaching,
		Metrics:          []MetricDataQuery{stat("a", "A"), stat("b", "B"), {Id: "sum", Expression: "SUM([a, b])", ReturnData: ptr(true)}}}
	_, err := f.PutMetricAlarm(spec)
	require.NoError(t, err)
	f.Put(Occurrences(Metric{"N", "A", nil}, at(0), 2))
	f.minute(at(1))
	require.Equal(t, OK, f.stateOf(t, "Sum"))
	f.Put(Occurrences(Metric{"N", "A", nil}, at(1), 2))
	f.Put(Occurrences(Metric{"N", "B", nil}, at(1), 1))
	f.minute(at(2))
	require.Equal(t, Alarm, f.stateOf(t, "Sum"))
	var message struct {
		Trigger struct{ Metrics []map[string]any }
	}
	require.NoError(t, json.Unmarshal([]byte(f.topics.told[0].message), &message))
	require.Len(t, message.Trigger.Metrics, 3)
	require.Equal(t, map[string]any{"Expression": "SUM([a, b])", "Id": "sum", "ReturnData": true}, message.Trigger.Metrics[2])
}

func TestExpressions(t *testing.T) {
	s := newStore()
	put := func(metric string, minute int, n float64) {
		require.NoError(t, s.put(Gauge(Metric{"N", metric, nil}, UnitCount, at(minute), n)))
	}
	put("A", 0, 1)
	put("A", 1, 2)
	put("B", 1, 5)
	nothing := -1.0
	for expression, want := range map[string][3]float64{
		"a + b":            {nothing, 7, nothing},
		"a+b+1":            {nothing, 8, nothing},
		"(a) + 0.5":        {1.5, 2.5, nothing},
		"SUM([a,b])":       {1, 7, nothing},
		"SUM( [ a , b ] )": {1, 7, nothing},
		"MAX([a,b])":       {1, 5, nothing},
		"SUM(METRICS())":   {1, 7, nothing},
		"MAX([a, a + b])":  {1, 7, nothing},
		"SUM([a, b]) + a":  {2, 9, nothing},
	} {
		planned, err := plan([]MetricDataQuery{
			{Id: "a", MetricStat: &MetricStat{Metric: Metric{"N", "A", nil}, Period: 60, Stat: "Sum"}},
			{Id: "b", MetricStat: &MetricStat{Metric: Metric{"N", "B", nil}, Period: 60, Stat: "Sum"}},
			{Id: "e", Expression: expression},
		})
		require.NoError(t, err, expression)
		for i, v := range planned["e"].values(s, at(0), 3) {
			if want[i] == nothing {
				require.Nil(t, v, "%s, minute %d", expression, i)
				continue
			}
			require.NotNil(t, v, "%s, minute %d", expression, i)
			require.Equal(t, want[i], v.number, "%s, minute %d", expression, i)
		}
	}
}

func TestCompositeAlarmFollowsItsChildren(t *testing.T) {
	f := newFixture(t)
	for _, name := range []string{"A", "B"} {
		spec := depthAlarm(name, name)
		spec.AlarmActions, spec.OKActions = nil, nil
		_, err := f.PutMetricAlarm(spec)
		require.NoError(t, err)
	}
	_, err := f.PutCompositeAlarm(CompositeAlarmSpec{AlarmName: "Any", AlarmRule: `ALARM("A") OR ALARM(B)`, AlarmActions: []string{topic}})
	require.NoError(t, err)
	require.Equal(t, OK, f.stateOf(t, "Any"), "evaluated at once")
	_, err = f.PutCompositeAlarm(CompositeAlarmSpec{AlarmName: "Outer", AlarmRule: "NOT ALARM(Any)"})
	require.NoError(t, err)
	require.Equal(t, Alarm, f.stateOf(t, "Outer"))

	f.depth("A", 0, 0)
	f.depth("B", 0, 1)
	f.minute(at(1))
	require.Equal(t, Alarm, f.stateOf(t, "Any"))
	require.Equal(t, OK, f.stateOf(t, "Outer"), "a composite alarm over one that changed")
	require.Equal(t, testPrefix+"B transitioned to ALARM at Thursday 09 July, 2026 10:16:00 UTC", f.alarms["Any"].reason)
	require.JSONEq(t, `{"triggeringAlarms":[{"arn":"`+testPrefix+`B","state":{"value":"ALARM","timestamp":"2026-07-09T10:16:00.000+0000"}}]}`, f.alarms["Any"].reasonData)
	require.Len(t, f.topics.told, 1)
	require.Contains(t, f.topics.told[0].message, `"AlarmRule":"ALARM(\"A\") OR ALARM(B)","TriggeringChildren":[{"Arn":"`+testPrefix+`B","State":{"Value":"ALARM"`)
}

func TestDynamoDBAlarmsIgnoreMissingDataUnlessTheySayOtherwise(t *testing.T) {
	f := newFixture(t)
	spec := depthAlarm("Throttled", "x")
	spec.Namespace, spec.MetricName, spec.TreatMissingData = "AWS/DynamoDB", "ThrottledRequests", ""
	_, err := f.PutMetricAlarm(spec)
	require.NoError(t, err)
	require.Equal(t, missingIsIgnored, f.alarms["Throttled"].criteria.missing)
	spec.TreatMissingData = missingIsNotBreaching
	_, err = f.PutMetricAlarm(spec)
	require.NoError(t, err)
	require.Equal(t, missingIsNotBreaching, f.alarms["Throttled"].criteria.missing)
}

func TestEmbeddedMetrics(t *testing.T) {
	f := newFixture(t)
	// The example of the format's specification, with the time of the test.
	f.PutLine(`{"_aws":{"Timestamp":1783592130000,"CloudWatchMetrics":[{"Namespace":"lambda-function-metrics","Dimensions":[["functionVersion"]],
		"Metrics":[{"Name":"time","Unit":"Milliseconds","StorageResolution":60}]}]},"functionVersion":"$LATEST","time":[100,300],"requestId":"989ffbf8"}`)
	points := f.store.periods(Metric{"lambda-function-metrics", "time", []Dimension{{"functionVersion", "$LATEST"}}}, "Milliseconds", at(0), time.Minute, 1)
	require.Equal(t, &point{at: at(0), sum: 400, count: 2, min: 100, max: 300}, points[0])
	for _, line := range []string{
		"plain text", `{"level":"INFO","msg":"CloudWatchMetrics"}`, `{"_aws":{"CloudWatchMetrics":[]}}`, `{"_aws":{"Timestamp":1783592130000,"CloudWatchMetrics":7}}`,
		`{"_aws":{"Timestamp":1783592130000,"CloudWatchMetrics":[{"Namespace":"n","Dimensions":[["absent"]],"Metrics":[{"Name":"x"}]}]},"x":1}`,
		`{"_aws":{"Timestamp":1783592130000,"CloudWatchMetrics":[{"Namespace":"n","Dimensions":[[]],"Metrics":[{"Name":"x"}]}]},"x":"text"}`,
		`{"_aws":{"Timestamp":1,"CloudWatchMetrics":[{"Namespace":"n","Dimensions":[[]],"Metrics":[{"Name":"x"}]}]},"x":1}`,
	} {
		f.PutLine(line)
	}
	require.Len(t, f.store.list(), 1)
}

func TestStoreForgets(t *testing.T) {
	s := newStore()
	m := Metric{"N", "A", nil}
	for i := range 1000 {
		require.NoError(t, s.put(Gauge(m, UnitCount, at(i), 1)))
	}
	require.LessOrEqual(t, len(s.metrics[m.id()].units[0].points), 2*int(defaultRetention/resolution)+1)
	require.NotNil(t, s.periods(m, "", at(1000).Add(-defaultRetention), time.Minute, 1)[0], "what is to be kept is kept")
	s.forget(at(1000))
	require.Len(t, s.list(), 1)
	s.forget(at(1200))
	require.Empty(t, s.list())
	// An alarm over a day keeps a day.
	s.retain(m, 24*time.Hour)
	for i := range 1400 {
		require.NoError(t, s.put(Gauge(m, UnitCount, at(i), 1)))
	}
	require.NotNil(t, s.periods(m, "", at(0), time.Minute, 1)[0])
}

func TestDataOutOfOrderCountIntoTheirMinutes(t *testing.T) {
	s := newStore()
	m := Metric{"N", "A", nil}
	for _, minute := range []int{3, 1, 2, 1} {
		require.NoError(t, s.put(Gauge(m, UnitCount, at(minute).Add(20*time.Second), 1)))
	}
	var counts []float64
	for _, p := range s.periods(m, "", at(0), time.Minute, 4) {
		if p == nil {
			counts = append(counts, 0)
		} else {
			counts = append(counts, p.count)
		}
	}
	require.Equal(t, []float64{0, 2, 1, 1}, counts)
	hour := s.periods(m, "", at(0), 2*time.Minute, 2)
	require.Equal(t, 2.0, hour[0].count)
	require.Equal(t, at(2), hour[1].at)
}

func TestObservationsAreDrainedOnce(t *testing.T) {
	var o Observations
	o.Observe("f", "Duration", 2)
	o.Observe("f", "Duration", 5)
	drained := map[string]Datum{}
	take := func(resource, metric string, d Datum) { drained[resource+" "+metric] = d }
	o.Drain(take)
	require.Equal(t, map[string]Datum{"f Duration": {Sum: 7, Count: 2, Min: 2, Max: 5}}, drained)
	clear(drained)
	o.Drain(take)
	require.Empty(t, drained)
}

func BenchmarkObserve(b *testing.B) {
	var o Observations
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			o.Observe("function", "Duration", 1)
		}
	})
}
