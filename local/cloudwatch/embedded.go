package cloudwatch

import (
	"encoding/json"
	"strings"
	"time"
)

// embeddedMark is in every line of the embedded metric format.
const embeddedMark = `"CloudWatchMetrics"`

// maxEmbeddedValues is how many values a metric of a line may have, from the format's specification.
const maxEmbeddedValues = 100

// embedded is a line of the embedded metric format: a JSON object whose member _aws says which other members are metrics.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
type embedded struct {
	AWS struct {
		Timestamp         *int64 // Milliseconds since 1970.
		CloudWatchMetrics []struct {
			Namespace  string
			Dimensions [][]string
			Metrics    []struct{ Name, Unit string }
		}
	} `json:"_aws"`
}

// PutLine puts the metrics that a line of a function's log has embedded. As on AWS, lines that have none, or that do not keep to the
// format, are only log lines.
func (s *Service) PutLine(line string) {
	if !strings.Contains(line, embeddedMark) {
		return // Most lines: they must cost next to nothing.
	}
	var e embedded
	var members map[string]json.RawMessage
	if json.Unmarshal([]byte(line), &e) != nil || json.Unmarshal([]byte(line), &members) != nil || e.AWS.Timestamp == nil {
		return
	}
	at := time.UnixMilli(*e.AWS.Timestamp)
	now := s.options.Clock.Now()
	if at.Before(now.Add(-maxDatumAge)) || at.After(now.Add(maxDatumAhead)) {
		return
	}
	for _, directive := range e.AWS.CloudWatchMetrics {
		for _, metric := range directive.Metrics {
			values := embeddedValues(members[metric.Name])
			for _, names := range directive.Dimensions {
				if dimensions, ok := embeddedDimensions(names, members); ok {
					s.putEmbedded(Metric{directive.Namespace, metric.Name, dimensions}, metric.Unit, at, values)
				}
			}
		}
	}
}

func (s *Service) putEmbedded(m Metric, unit string, at time.Time, values []float64) {
	if len(values) == 0 || checkMetric(m, unit) != nil {
		return
	}
	d := Datum{Metric: m, Time: at, Unit: unit, Min: values[0], Max: values[0], Count: float64(len(values))}
	for _, v := range values {
		d.Sum, d.Min, d.Max = d.Sum+v, min(d.Min, v), max(d.Max, v)
	}
	s.Put(d)
}

// embeddedValues reads a number or a list of numbers; anything else is no metric.
func embeddedValues(member json.RawMessage) []float64 {
	var one float64
	if json.Unmarshal(member, &one) == nil && string(member) != "null" {
		return []float64{one}
	}
	var many []float64
	if json.Unmarshal(member, &many) != nil || len(many) > maxEmbeddedValues {
		return nil
	}
	return many
}

// embeddedDimensions reads the members that are dimensions; they must be texts.
func embeddedDimensions(names []string, members map[string]json.RawMessage) ([]Dimension, bool) {
	dimensions := make([]Dimension, len(names))
	for i, name := range names {
		var value string
		if json.Unmarshal(members[name], &value) != nil || value == "" {
			return nil, false
		}
		dimensions[i] = Dimension{name, value}
	}
	return dimensions, true
}
