package local

import (
	"net/http"
	"strings"
	"time"

	"github.com/payrail/payrail/local/apigateway"
	"github.com/payrail/payrail/local/cloudwatch"
	"github.com/payrail/payrail/local/firehose"
	"github.com/payrail/payrail/local/lambda"
	"github.com/payrail/payrail/local/sqs"
)

// activeFor is how long a queue has metrics after its last use: "CloudWatch considers a queue to be active for up to six hours if it
// contains any messages, or if any action accesses it" (Amazon SQS developer guide, "Available CloudWatch metrics").
const activeFor = 6 * time.Hour

// collector makes CloudWatch's metrics of what the services count. Counters are read once a minute; what has more than a count
// (durations) is collected as it happens. Namespaces, names, dimensions and units are those of each service's documentation.
type collector struct {
	runtime *Runtime

	functions, executions, tables, topics, apis cloudwatch.Observations

	// The rest belongs to collect, which runs once at a time.
	previous map[string]int64
	used     map[string]time.Time // When queues were last used.
}

func newCollector(r *Runtime) *collector {
	return &collector{runtime: r, previous: map[string]int64{}, used: map[string]time.Time{}}
}

// execution, table and topic hear what the services observe.
func (c *collector) execution(metric string, value float64, stateMachineARN string) {
	c.executions.Observe(stateMachineARN, metric, value)
}

func (c *collector) table(table, operation, metric string) {
	c.tables.Observe(table+"/"+operation, metric, 1)
}

func (c *collector) topic(topicARN, metric string) { c.topics.Observe(topicARN, metric, 1) }

// output passes on what functions print and takes the metrics embedded in it.
func (c *collector) output(to func(function, line string)) func(function, line string) {
	return func(function, line string) {
		c.runtime.cloudwatch.PutLine(line)
		if to != nil {
			to(function, line)
		}
	}
}

// api counts the answers of HTTP APIs.
func (c *collector) api(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, _, _ := strings.Cut(strings.TrimPrefix(r.URL.EscapedPath(), apigateway.PathPrefix), "/")
		answer := &statusWriter{ResponseWriter: w, status: http.StatusOK}
		next.ServeHTTP(answer, r)
		of := func(class int) float64 {
			if answer.status/100 == class {
				return 1
			}
			return 0
		}
		c.apis.Observe(id, "Count", 1)
		c.apis.Observe(id, "4xx", of(4))
		c.apis.Observe(id, "5xx", of(5))
	})
}

// statusWriter remembers the status of an answer.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// collect puts the metrics of the minute that is over.
func (c *collector) collect(minute time.Time, put func(cloudwatch.Datum)) {
	to := emitter{at: minute, put: put}
	c.runtime.sqs.EachStats(func(name string, stats sqs.Stats) { c.queue(to, name, stats) })
	c.collectEvents(to)
	c.collectPipes(to)
	c.collectFunctions(to)
	c.collectExecutions(to)
	c.collectTables(to)
	c.collectTopics(to)
	c.collectAPIs(to)
	c.runtime.firehose.EachMetrics(func(name string, m firehose.Metrics) { c.stream(to, name, m) })
}

// delta is by how much a counter has grown since the last minute.
func (c *collector) delta(key string, now int64) int64 {
	grown := now - c.previous[key]
	if grown < 0 {
		grown = now // The resource was deleted and made again.
	}
	c.previous[key] = now
	return grown
}

// emitter puts the data of one minute.
type emitter struct {
	at  time.Time
	put func(cloudwatch.Datum)
}

func metricOf(namespace, name string, dimensions ...cloudwatch.Dimension) cloudwatch.Metric {
	return cloudwatch.Metric{Namespace: namespace, MetricName: name, Dimensions: dimensions}
}

// occurrences puts a count, unless nothing happened.
func (e emitter) occurrences(m cloudwatch.Metric, n int64) {
	if n > 0 {
		e.put(cloudwatch.Occurrences(m, e.at, n))
	}
}

func (e emitter) gauge(m cloudwatch.Metric, unit string, value float64) {
	e.put(cloudwatch.Gauge(m, unit, e.at, value))
}

// share puts how many of all were so, unless there were none at all.
func (e emitter) share(m cloudwatch.Metric, n, all int64) {
	if all > 0 {
		e.put(cloudwatch.Share(m, e.at, n, max(n, all)))
	}
}

// queue puts the metrics of a queue in use, zeros too.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
func (c *collector) queue(to emitter, name string, s sqs.Stats) {
	used, known := c.used[name]
	if calls := c.delta("sqs calls "+name, int64(s.Calls)); calls > 0 || !known || s.Visible+s.InFlight+s.Delayed > 0 {
		used = to.at // Making a queue is a use, too.
		c.used[name] = used
	}
	if to.at.Sub(used) > activeFor {
		return
	}
	dimension := cloudwatch.Dimension{Name: "QueueName", Value: name}
	for _, g := range []struct {
		name, unit string
		value      float64
	}{
		{"ApproximateNumberOfMessagesVisible", cloudwatch.UnitCount, float64(s.Visible)},
		{"ApproximateNumberOfMessagesNotVisible", cloudwatch.UnitCount, float64(s.InFlight)},
		{"ApproximateNumberOfMessagesDelayed", cloudwatch.UnitCount, float64(s.Delayed)},
		{"ApproximateAgeOfOldestMessage", cloudwatch.UnitSeconds, float64(int64(s.OldestAge.Seconds()))},
		{"NumberOfMessagesSent", cloudwatch.UnitCount, float64(c.delta("sqs sent "+name, int64(s.Sent)))},
		{"NumberOfMessagesReceived", cloudwatch.UnitCount, float64(c.delta("sqs received "+name, int64(s.Received)))},
		{"NumberOfMessagesDeleted", cloudwatch.UnitCount, float64(c.delta("sqs deleted "+name, int64(s.Deleted)))},
		{"NumberOfEmptyReceives", cloudwatch.UnitCount, float64(c.delta("sqs empty "+name, int64(s.EmptyReceives)))},
	} {
		to.gauge(metricOf("AWS/SQS", g.name, dimension), g.unit, g.value)
	}
}

// collectFunctions puts the metrics of functions, of each and of all together: "Errors" and "Throttles" have a zero for each
// invocation without one.
// https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
func (c *collector) collectFunctions(to emitter) {
	type counted struct{ invocations, errors, throttles int64 }
	functions := map[string]*counted{}
	of := func(name string) *counted {
		if functions[name] == nil {
			functions[name] = &counted{}
		}
		return functions[name]
	}
	c.functions.Drain(func(function, metric string, d cloudwatch.Datum) {
		switch metric {
		case lambda.MetricInvocations:
			of(function).invocations = int64(d.Sum)
		case lambda.MetricErrors:
			of(function).errors = int64(d.Sum)
		case lambda.MetricThrottles:
			of(function).throttles = int64(d.Sum)
		}
		if metric == lambda.MetricErrors || metric == lambda.MetricThrottles {
			return
		}
		d.Time, d.Unit = to.at, cloudwatch.UnitCount
		if metric == lambda.MetricDuration || metric == lambda.MetricAsyncEventAge {
			d.Unit = cloudwatch.UnitMilliseconds
		}
		d.Metric = metricOf("AWS/Lambda", metric, cloudwatch.Dimension{Name: "FunctionName", Value: function})
		to.put(d)
		d.Metric = metricOf("AWS/Lambda", metric)
		to.put(d)
	})
	for name, n := range functions {
		for _, dimensions := range [][]cloudwatch.Dimension{{{Name: "FunctionName", Value: name}}, nil} {
			all := n.invocations + n.throttles
			to.share(metricOf("AWS/Lambda", lambda.MetricErrors, dimensions...), n.errors, max(n.invocations, n.errors))
			to.share(metricOf("AWS/Lambda", lambda.MetricThrottles, dimensions...), n.throttles, all)
		}
	}
}

// collectExecutions puts the metrics of state machines.
// https://docs.aws.amazon.com/step-functions/latest/dg/procedure-cw-metrics.html
func (c *collector) collectExecutions(to emitter) {
	c.executions.Drain(func(stateMachineARN, metric string, d cloudwatch.Datum) {
		d.Time, d.Unit = to.at, cloudwatch.UnitCount
		if metric == "ExecutionTime" {
			d.Unit = cloudwatch.UnitMilliseconds
		}
		d.Metric = metricOf("AWS/States", metric, cloudwatch.Dimension{Name: "StateMachineArn", Value: stateMachineARN})
		to.put(d)
	})
}

// collectTables puts the metrics of failed calls to tables.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/metrics-dimensions.html
func (c *collector) collectTables(to emitter) {
	c.tables.Drain(func(resource, metric string, d cloudwatch.Datum) {
		table, operation, _ := strings.Cut(resource, "/")
		d.Time, d.Unit = to.at, cloudwatch.UnitCount
		d.Metric = metricOf("AWS/DynamoDB", metric, tableDimensions(metric, table, operation)...)
		to.put(d)
	})
}

// collectTopics puts the metrics of topics.
// https://docs.aws.amazon.com/sns/latest/dg/sns-monitoring-using-cloudwatch.html
func (c *collector) collectTopics(to emitter) {
	c.topics.Drain(func(topicARN, metric string, d cloudwatch.Datum) {
		d.Time, d.Unit = to.at, cloudwatch.UnitCount
		d.Metric = metricOf("AWS/SNS", metric, cloudwatch.Dimension{Name: "TopicName", Value: topicARN[strings.LastIndexByte(topicARN, ':')+1:]})
		to.put(d)
	})
}

// collectAPIs puts the metrics of HTTP APIs.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-metrics.html
func (c *collector) collectAPIs(to emitter) {
	c.apis.Drain(func(id, metric string, d cloudwatch.Datum) {
		d.Time, d.Unit = to.at, cloudwatch.UnitCount
		d.Metric = metricOf("AWS/ApiGateway", metric, cloudwatch.Dimension{Name: "ApiId", Value: id})
		to.put(d)
	})
}

// stream puts the metrics of a delivery stream, and of the log group it writes its errors to.
// https://docs.aws.amazon.com/firehose/latest/dev/cloudwatch-metrics.html
func (c *collector) stream(to emitter, name string, m firehose.Metrics) {
	of := func(metric string) cloudwatch.Metric {
		return metricOf("AWS/Firehose", metric, cloudwatch.Dimension{Name: "DeliveryStreamName", Value: name})
	}
	amount := func(metric, unit string, now int64) {
		if n := c.delta("firehose "+metric+" "+name, now); n > 0 {
			to.gauge(of(metric), unit, float64(n))
		}
	}
	amount("IncomingRecords", cloudwatch.UnitCount, m.IncomingRecords)
	amount("IncomingBytes", cloudwatch.UnitBytes, m.IncomingBytes)
	amount("DeliveryToS3.Records", cloudwatch.UnitCount, m.DeliveryToS3Records)
	amount("DeliveryToS3.Bytes", cloudwatch.UnitBytes, m.DeliveryToS3Bytes)
	puts, succeeded := c.delta("firehose puts "+name, m.Puts), c.delta("firehose successes "+name, m.SuccessfulPuts)
	to.share(of("DeliveryToS3.Success"), succeeded, puts)
	if m.DataFreshness > 0 || puts > 0 {
		to.gauge(of("DeliveryToS3.DataFreshness"), cloudwatch.UnitSeconds, float64(int64(m.DataFreshness.Seconds())))
	}
	if n := c.delta("firehose log "+name, m.LogEvents); m.LogGroup != "" {
		to.occurrences(metricOf("AWS/Logs", "IncomingLogEvents", cloudwatch.Dimension{Name: "LogGroupName", Value: m.LogGroup}), n)
	}
}
