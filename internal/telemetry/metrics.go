package telemetry

import (
	"encoding/json"
	"fmt"
	"io"
	"time"
)

// MetricsNamespace is the CloudWatch namespace of what functions measure themselves.
const MetricsNamespace = "Payrail"

// Metrics writes metrics into a function's log, from where CloudWatch takes them: a line in the embedded metric format costs no
// call. It is safe for concurrent use if its writer is.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
type Metrics struct {
	writer   io.Writer
	function string
	now      func() time.Time
}

// NewMetrics makes metrics of the function that lookup, os.LookupEnv, names, with its name as their only dimension.
func NewMetrics(w io.Writer, lookup func(string) (string, bool), now func() time.Time) *Metrics {
	name, _ := lookup("AWS_LAMBDA_FUNCTION_NAME")
	return &Metrics{writer: w, function: name, now: now}
}

// Count writes how many of something there are.
func (m *Metrics) Count(name string, n int) error {
	line, err := json.Marshal(map[string]any{
		"_aws": map[string]any{
			"Timestamp": m.now().UnixMilli(),
			"CloudWatchMetrics": []any{map[string]any{
				"Namespace":  MetricsNamespace,
				"Dimensions": [][]string{{"FunctionName"}},
				"Metrics":    []any{map[string]string{"Name": name, "Unit": "Count"}},
			}},
		},
		"FunctionName": m.function,
		name:           n,
	})
	if err != nil {
		return fmt.Errorf("encoding the metric %s: %w", name, err)
	}
	if _, err := m.writer.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("writing the metric %s: %w", name, err)
	}
	return nil
}
