package cloudwatch

// State is an alarm's state.
type State string

// The states of alarms.
const (
	OK               State = "OK"
	Alarm            State = "ALARM"
	InsufficientData State = "INSUFFICIENT_DATA"
)

// retain is the verdict that an alarm stays as it is.
const retain State = ""

// extraPeriods is by how much the evaluation range is longer than the evaluation periods. AWS says that the number of data points
// it retrieves is "higher than the number specified as Evaluation Periods" and depends on the period, and gives one example: 5 for 3.
const extraPeriods = 2

// criteria are how an alarm judges values.
type criteria struct {
	periods   int // N: EvaluationPeriods.
	toAlarm   int // M: DatapointsToAlarm.
	missing   string
	operator  string
	threshold float64
}

func (c criteria) evaluationRange() int { return c.periods + extraPeriods }

func (c criteria) breaches(number float64) bool {
	switch c.operator {
	case greaterOrEqual:
		return number >= c.threshold
	case greater:
		return number > c.threshold
	case less:
		return number < c.threshold
	default:
		return number <= c.threshold
	}
}

// judgement is what values come to.
type judgement struct {
	state State
	// used are the real values judged, oldest first; filled is how many missing ones were filled in.
	used   []*value
	filled int
}

// judge decides on the values of an evaluation range, oldest first, missing ones nil. It follows "Configuring how CloudWatch alarms
// treat missing data", whose tables are this package's tests:
//
//   - with N real values or more in the range, the latest N of them decide, and TreatMissingData is not asked;
//   - with fewer, all real values count, and missing ones are filled in as often as needed;
//   - premature alarms are avoided: with fewer than M values, it is an alarm only if the oldest breaching one is M periods old and
//     all later ones are breaching or missing.
//
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
func (c criteria) judge(values []*value) judgement {
	var real []*value
	breaching := 0
	for i := len(values) - 1; i >= 0 && len(real) < c.periods; i-- {
		if values[i] == nil {
			continue
		}
		real = append([]*value{values[i]}, real...)
		if c.breaches(values[i].number) {
			breaching++
		}
	}
	j := judgement{used: real, filled: c.periods - len(real)}
	switch {
	case j.filled == 0:
		j.state = c.enough(breaching)
	case c.missing == missingIsBreaching:
		j.state = c.enough(breaching + j.filled)
	case c.missing == missingIsNotBreaching:
		j.state = c.enough(breaching)
	case breaching >= c.toAlarm:
		j.state = Alarm
	case c.missing == missingIsMissing && len(real) < c.toAlarm && c.premature(values):
		j.state = Alarm
	case breaching < len(real):
		j.state = OK
	case c.missing == missingIsMissing && len(real) == 0:
		j.state = InsufficientData
	default:
		j.state = retain // Breaching values only, and too few or too young ones: the next value decides.
	}
	return j
}

func (c criteria) enough(breaching int) State {
	if breaching >= c.toAlarm {
		return Alarm
	}
	return OK
}

// premature reports whether the oldest breaching value of the evaluation periods is at least M periods old and no later one is good.
func (c criteria) premature(values []*value) bool {
	recent := values[max(len(values)-c.periods, 0):]
	oldest := -1
	for i, v := range recent {
		switch {
		case v == nil:
		case c.breaches(v.number):
			if oldest < 0 {
				oldest = i
			}
		case oldest >= 0:
			return false
		}
	}
	return oldest >= 0 && len(recent)-oldest >= c.toAlarm
}
