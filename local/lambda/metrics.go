package lambda

import "time"

// Metrics of a function, named and counted as in CloudWatch's namespace AWS/Lambda with the dimension FunctionName
// (docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html). Durations are in milliseconds.
const (
	MetricInvocations          = "Invocations"
	MetricErrors               = "Errors"
	MetricThrottles            = "Throttles"
	MetricDuration             = "Duration"
	MetricConcurrentExecutions = "ConcurrentExecutions"
	// MetricAsyncEventsReceived, MetricAsyncEventAge and MetricAsyncEventsDropped are of asynchronous invocations. An event that
	// is given up counts as dropped also when it goes to a destination or a dead-letter queue.
	MetricAsyncEventsReceived         = "AsyncEventsReceived"
	MetricAsyncEventAge               = "AsyncEventAge"
	MetricAsyncEventsDropped          = "AsyncEventsDropped"
	MetricDeadLetterErrors            = "DeadLetterErrors"
	MetricDestinationDeliveryFailures = "DestinationDeliveryFailures"
)

// observe reports one value of a metric of f.
func (f *function) observe(metric string, value float64) {
	f.service.Observe(f.spec.Name, metric, value)
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
