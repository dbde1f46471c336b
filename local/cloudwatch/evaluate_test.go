package cloudwatch

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// values reads data points as AWS's documentation writes them, oldest first: 0 is good, X breaching, - missing.
func values(text string) []*value {
	var all []*value
	for i, c := range strings.Fields(text) {
		switch c {
		case "0":
			all = append(all, &value{at: at(i), number: 0, samples: 1})
		case "X":
			all = append(all, &value{at: at(i), number: 2, samples: 1})
		default:
			all = append(all, nil)
		}
	}
	return all
}

// The tables of "How alarm state is evaluated when data is missing" and the examples of "Avoiding premature transitions to alarm state":
// evaluation periods 3, evaluation range 5. The columns are missing, ignore, breaching, notBreaching; "" stands for "retain current state".
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
func TestMissingDataAsInTheDocumentation(t *testing.T) {
	modes := []string{missingIsMissing, missingIsIgnored, missingIsBreaching, missingIsNotBreaching}
	for _, tc := range []struct {
		toAlarm int
		data    string
		filled  int
		want    [4]State
	}{
		{3, "0 - X - X", 0, [4]State{OK, OK, OK, OK}},
		{3, "0 - - - -", 2, [4]State{OK, OK, OK, OK}},
		{3, "- - - - -", 3, [4]State{InsufficientData, retain, Alarm, OK}},
		{3, "0 X X - X", 0, [4]State{Alarm, Alarm, Alarm, Alarm}},
		{3, "- - X - -", 2, [4]State{Alarm, retain, Alarm, OK}},
		{2, "0 - X - X", 0, [4]State{Alarm, Alarm, Alarm, Alarm}},
		{2, "0 0 X 0 X", 0, [4]State{Alarm, Alarm, Alarm, Alarm}},
		{2, "0 - X - -", 1, [4]State{OK, OK, Alarm, OK}},
		{2, "- - - - 0", 2, [4]State{OK, OK, Alarm, OK}},
		{2, "- - - X -", 2, [4]State{Alarm, retain, Alarm, OK}},
		// Premature: the next value may be good.
		{3, "- - - - X", 2, [4]State{retain, retain, Alarm, OK}},
		{3, "- - - X -", 2, [4]State{retain, retain, Alarm, OK}},
		{3, "- - - X 0", 1, [4]State{OK, OK, OK, OK}},
		{3, "- - X - 0", 1, [4]State{OK, OK, OK, OK}},
	} {
		for i, mode := range modes {
			c := criteria{periods: 3, toAlarm: tc.toAlarm, missing: mode, operator: greater, threshold: 1}
			require.Equal(t, 5, c.evaluationRange())
			j := c.judge(values(tc.data))
			require.Equal(t, tc.want[i], j.state, "%q, %d of 3, %s", tc.data, tc.toAlarm, mode)
			require.Equal(t, tc.filled, j.filled, tc.data)
		}
	}
}

// What the tables mean for metrics without data points of zero, such as retries: breaching ones need not be in a row, and missing ones
// between them are not asked for if there are enough others.
func TestSparseValuesNeedNotBeInARow(t *testing.T) {
	for _, tc := range []struct {
		periods int
		data    string
		want    State
	}{
		{2, "X - - X", Alarm}, {2, "- X - -", OK}, {3, "X - - - X", OK}, {3, "X - X - X", Alarm}, {3, "- - X X X", Alarm},
	} {
		c := criteria{periods: tc.periods, toAlarm: tc.periods, missing: missingIsNotBreaching, operator: greater, threshold: 1}
		require.Equal(t, tc.want, c.judge(values(tc.data)).state, "%d: %s", tc.periods, tc.data)
	}
}

func TestComparisonOperators(t *testing.T) {
	for operator, want := range map[string][3]bool{ // Below, at and above the threshold.
		greaterOrEqual: {false, true, true}, greater: {false, false, true}, less: {true, false, false}, lessOrEqual: {true, true, false},
	} {
		c := criteria{operator: operator, threshold: 5}
		require.Equal(t, want, [3]bool{c.breaches(4), c.breaches(5), c.breaches(6)}, operator)
	}
}

// Without missing data an alarm is M of the last N, whatever TreatMissingData says.
func TestMOutOfN(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := criteria{operator: greater, threshold: 1}
		c.periods = rapid.IntRange(1, 8).Draw(t, "n")
		c.toAlarm = rapid.IntRange(1, c.periods).Draw(t, "m")
		c.missing = rapid.SampledFrom(missingModes).Draw(t, "missing")
		data := make([]*value, c.evaluationRange())
		breaching := 0
		for i := range data {
			data[i] = &value{at: at(i)}
			if rapid.Bool().Draw(t, "breaching") {
				data[i].number = 2
				if i >= len(data)-c.periods {
					breaching++
				}
			}
		}
		want := OK
		if breaching >= c.toAlarm {
			want = Alarm
		}
		j := c.judge(data)
		require.Equal(t, want, j.state)
		require.Len(t, j.used, c.periods)
	})
}

// Real data are never outvoted by what is filled in the other way: with missing data taken for good an alarm needs M real breaching values.
func TestFillingIsBetweenTheExtremes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := criteria{operator: greater, threshold: 1}
		c.periods = rapid.IntRange(1, 6).Draw(t, "n")
		c.toAlarm = rapid.IntRange(1, c.periods).Draw(t, "m")
		data := values(strings.Join(rapid.SliceOfN(rapid.SampledFrom([]string{"0", "X", "-"}), c.evaluationRange(), c.evaluationRange()).Draw(t, "data"), " "))
		verdict := func(mode string) State {
			c.missing = mode
			return c.judge(data).state
		}
		if verdict(missingIsNotBreaching) == Alarm {
			for _, mode := range missingModes {
				require.Equal(t, Alarm, verdict(mode))
			}
		}
		if verdict(missingIsBreaching) == OK {
			require.Equal(t, OK, verdict(missingIsNotBreaching))
			require.NotEqual(t, Alarm, verdict(missingIsIgnored))
		}
	})
}

// The texts are those of notifications that AWS has sent.
func TestReasons(t *testing.T) {
	one := criteria{periods: 1, toAlarm: 1, operator: greater, threshold: 50, missing: missingIsMissing}
	at10 := &value{at: at(0), number: 9.395}
	require.Equal(t, "Threshold Crossed: 1 out of the last 1 datapoints [9.395 (09/07/26 10:15:00)] was not greater than the threshold (50.0) (minimum 1 datapoint for ALARM -> OK transition).",
		one.reason(judgement{state: OK, used: []*value{at10}}, Alarm))
	three := criteria{periods: 3, toAlarm: 2, operator: greaterOrEqual, threshold: 1, missing: missingIsNotBreaching}
	require.Equal(t, "Threshold Crossed: 2 out of the last 3 datapoints [3.0 (09/07/26 10:17:00), 1.0 (09/07/26 10:15:00)] were greater than or equal to the threshold (1.0) (minimum 2 datapoints for OK -> ALARM transition).",
		three.reason(judgement{state: Alarm, used: []*value{{at: at(0), number: 1}, {at: at(1), number: 0}, {at: at(2), number: 3}}}, InsufficientData))
	require.Equal(t, "Threshold Crossed: no datapoints were received for 1 period and 1 missing datapoint was treated as [NonBreaching].",
		criteria{periods: 1, toAlarm: 1, missing: missingIsNotBreaching}.reason(judgement{state: OK, filled: 1}, Alarm))
	require.Equal(t, "Threshold Crossed: no datapoints were received for 5 periods and 5 missing datapoints were treated as [Breaching].",
		criteria{periods: 5, toAlarm: 5, missing: missingIsBreaching}.reason(judgement{state: Alarm, filled: 5}, OK))
	require.Equal(t, "Insufficient Data: 1 datapoint was unknown.", one.reason(judgement{state: InsufficientData, filled: 1}, OK))
}
