package cloudwatch

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// timestamp is how CloudWatch writes times in reason data and notifications.
const timestamp = "2006-01-02T15:04:05.000-0700"

// decimal is a number as CloudWatch writes it: with a fraction, be it zero.
type decimal float64

func (d decimal) String() string {
	text := strconv.FormatFloat(float64(d), 'f', -1, 64)
	if !strings.Contains(text, ".") {
		text += ".0"
	}
	return text
}

// MarshalJSON writes the number with its fraction.
func (d decimal) MarshalJSON() ([]byte, error) { return []byte(d.String()), nil }

// treatedAs are the names of TreatMissingData in reasons.
var treatedAs = map[string]string{missingIsBreaching: "Breaching", missingIsNotBreaching: "NonBreaching"}

// operatorWords are the comparison operators in reasons.
var operatorWords = map[string]string{
	greaterOrEqual: "greater than or equal to", greater: "greater than", less: "less than", lessOrEqual: "less than or equal to",
}

// reason says in CloudWatch's words why an alarm goes from a state to the one of a judgement.
func (c criteria) reason(j judgement, from State) string {
	if j.state == InsufficientData {
		return "Insufficient Data: " + plural(c.periods, "datapoint was", "datapoints were") + " unknown."
	}
	filled := plural(j.filled, "missing datapoint was", "missing datapoints were") + " treated as [" + treatedAs[c.missing] + "]"
	if len(j.used) == 0 {
		return "Threshold Crossed: no datapoints were received for " + plural(c.periods, "period", "periods") + " and " + filled + "."
	}
	want, minimum, negation := true, c.toAlarm, ""
	if j.state == OK {
		want, minimum, negation = false, c.periods-c.toAlarm+1, "not "
	}
	var shown []string
	for _, v := range slices.Backward(j.used) {
		if c.breaches(v.number) == want {
			shown = append(shown, fmt.Sprintf("%s (%s)", decimal(v.number), v.at.UTC().Format("02/01/06 15:04:05")))
		}
	}
	verb := "were "
	if len(shown) == 1 {
		verb = "was "
	}
	comparison := fmt.Sprintf("[%s] %s%s%s the threshold (%s)", strings.Join(shown, ", "), verb, negation, operatorWords[c.operator], decimal(c.threshold))
	if _, fills := treatedAs[c.missing]; fills && j.filled > 0 {
		if len(shown) == 0 {
			return "Threshold Crossed: " + filled + "."
		}
		return "Threshold Crossed: " + plural(len(shown), "datapoint", "datapoints") + " " + comparison + " and " + filled + "."
	}
	return fmt.Sprintf("Threshold Crossed: %d out of the last %d datapoints %s (minimum %s for %s -> %s transition).",
		len(shown), len(j.used), comparison, plural(minimum, "datapoint", "datapoints"), transitionFrom(from, j.state), j.state)
}

// transitionFrom is the state that reasons name as the one left: the opposite of the new one, also after INSUFFICIENT_DATA.
func transitionFrom(from, to State) State {
	switch {
	case from != InsufficientData:
		return from
	case to == Alarm:
		return OK
	default:
		return Alarm
	}
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}

// reasonData is StateReasonData of a metric alarm.
type reasonData struct {
	Version             string           `json:"version"`
	QueryDate           string           `json:"queryDate"`
	StartDate           string           `json:"startDate,omitempty"`
	Unit                string           `json:"unit,omitempty"`
	Statistic           string           `json:"statistic,omitempty"`
	Period              int              `json:"period"`
	RecentDatapoints    []decimal        `json:"recentDatapoints"`
	Threshold           decimal          `json:"threshold"`
	EvaluatedDatapoints []evaluatedPoint `json:"evaluatedDatapoints,omitempty"`
}

type evaluatedPoint struct {
	Timestamp   string   `json:"timestamp"`
	SampleCount *decimal `json:"sampleCount,omitempty"`
	Value       decimal  `json:"value"`
}

func (a *alarm) reasonDataOf(j judgement, now time.Time) string {
	d := reasonData{Version: "1.0", QueryDate: now.UTC().Format(timestamp), Unit: a.watched.unit, Statistic: a.watched.stat,
		Period: int(a.watched.period.Seconds()), RecentDatapoints: []decimal{}, Threshold: decimal(a.criteria.threshold)}
	for i, v := range j.used {
		if i == 0 {
			d.StartDate = v.at.UTC().Format(timestamp)
		}
		d.RecentDatapoints = append(d.RecentDatapoints, decimal(v.number))
	}
	for _, v := range slices.Backward(j.used) {
		e := evaluatedPoint{Timestamp: v.at.UTC().Format(timestamp), Value: decimal(v.number)}
		if v.samples > 0 {
			samples := decimal(v.samples)
			e.SampleCount = &samples
		}
		d.EvaluatedDatapoints = append(d.EvaluatedDatapoints, e)
	}
	return text(d)
}

// stateTime is an alarm's state and since when, as the data of composite alarms have it.
type stateTime struct {
	Value     State  `json:"value"`
	Timestamp string `json:"timestamp"`
}

type triggeringAlarm struct {
	ARN   string    `json:"arn"`
	State stateTime `json:"state"`
}

// triggeringData is StateReasonData of a composite alarm: the changed alarms its rule asks for.
func (s *Service) triggeringData(a *alarm, changed []Change) string {
	var d struct {
		TriggeringAlarms []triggeringAlarm `json:"triggeringAlarms"`
	}
	names := children(a.rule)
	for _, c := range changed {
		if slices.Contains(names, c.Name) {
			d.TriggeringAlarms = append(d.TriggeringAlarms, triggeringAlarm{c.ARN, stateTime{c.New, c.At.UTC().Format(timestamp)}})
		}
	}
	return text(d)
}

// text encodes what consists of strings and finite numbers, which always encodes.
func text(v any) string {
	var b strings.Builder
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false) // "->" in reasons.
	if err := encoder.Encode(v); err != nil {
		return ""
	}
	return strings.TrimSuffix(b.String(), "\n")
}
