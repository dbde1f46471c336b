package local

import (
	"github.com/payrail/payrail/local/cloudwatch"
	"github.com/payrail/payrail/local/dynamodb"
	"github.com/payrail/payrail/local/eventbridge"
)

// collectEvents puts the metrics of rules and of PutEvents. "Metrics that specify only the RuleName dimension refer to the default
// event bus. Metrics that specify both the EventBusName and RuleName dimensions refer to a custom event bus"; attempts are counted for
// a whole bus and for all buses, too, and only what is not zero is sent.
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-monitoring.html
func (c *collector) collectEvents(to emitter) {
	const namespace = "AWS/Events"
	c.runtime.eventbridge.EachRuleMetrics(func(bus, rule string, m eventbridge.RuleMetrics) {
		dimensions := []cloudwatch.Dimension{{Name: "RuleName", Value: rule}}
		if bus != eventbridge.DefaultBus {
			dimensions = []cloudwatch.Dimension{{Name: "EventBusName", Value: bus}, {Name: "RuleName", Value: rule}}
		}
		for _, count := range []struct {
			name  string
			value int64
			wide  bool
		}{
			{"MatchedEvents", m.MatchedEvents, false},
			{"TriggeredRules", m.TriggeredRules, false},
			{"Invocations", m.Invocations, false},
			{"FailedInvocations", m.FailedInvocations, false},
			{"InvocationsSentToDlq", m.InvocationsSentToDlq, false},
			{"InvocationsFailedToBeSentToDlq", m.InvocationsFailedToBeSentToDlq, false},
			{"RetryInvocationAttempts", m.RetryInvocationAttempts, true},
		} {
			n := c.delta("events "+bus+"/"+rule+" "+count.name, count.value)
			to.occurrences(metricOf(namespace, count.name, dimensions...), n)
			if count.wide {
				to.occurrences(metricOf(namespace, count.name, cloudwatch.Dimension{Name: "EventBusName", Value: bus}), n)
				to.occurrences(metricOf(namespace, count.name), n)
			}
		}
	})
	puts := c.runtime.eventbridge.PutMetrics()
	for _, count := range []struct {
		name  string
		value int64
	}{
		{"PutEventsApproximateCallCount", puts.PutEventsApproximateCallCount},
		{"PutEventsApproximateFailedCount", puts.PutEventsApproximateFailedCount},
		{"PutEventsEntriesCount", puts.PutEventsEntriesCount},
		{"PutEventsFailedEntriesCount", puts.PutEventsFailedEntriesCount},
	} {
		to.occurrences(metricOf(namespace, count.name), c.delta("events "+count.name, count.value))
	}
}

// collectPipes puts the metrics of pipes that ran. Failures have a zero for each execution without one: "This value will be 0 if no
// executions failed". Pipes here neither time out nor are throttled.
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-pipes-monitoring.html
func (c *collector) collectPipes(to emitter) {
	const namespace = "AWS/EventBridge/Pipes"
	for _, name := range c.runtime.pipes.Names() {
		m, err := c.runtime.pipes.Metrics(name)
		if err != nil {
			continue // Deleted meanwhile.
		}
		grown := func(counter string, now int64) int64 { return c.delta("pipes "+name+" "+counter, now) }
		executions, enrichments := grown("executions", m.Executions), grown("enrichments", m.Enrichments)
		enrichmentFailures, targetFailures := grown("enrichment failures", m.EnrichmentFailures), grown("target failures", m.TargetFailures)
		partial, events := grown("partial", m.TargetPartialFailures), grown("events", m.RecordsRead-m.RecordsFiltered)
		targets := grown("targets", m.TargetInvocations)
		share := func(metric string, n, all int64) {
			if all > 0 {
				d := cloudwatch.Share(metricOf(namespace, metric, cloudwatch.Dimension{Name: "PipeName", Value: name}), to.at, n, max(n, all))
				d.Unit = cloudwatch.UnitNone
				to.put(d)
			}
		}
		share("Invocations", executions, executions)
		share("EventCount", events, events)
		share("ExecutionFailed", enrichmentFailures+targetFailures-partial, executions)
		share("ExecutionPartiallyFailed", partial, executions)
		share("ExecutionTimeout", 0, executions)
		share("ExecutionThrottled", 0, executions)
		share("EnrichmentStageFailed", enrichmentFailures, enrichments)
		share("TargetStageFailed", targetFailures-partial, targets)
		share("TargetStagePartiallyFailed", partial, targets)
	}
}

// tableDimensions are the dimensions of a metric of DynamoDB: conditions and conflicts are counted by table alone.
func tableDimensions(metric, table, operation string) []cloudwatch.Dimension {
	dimensions := []cloudwatch.Dimension{{Name: "TableName", Value: table}}
	if metric == dynamodb.MetricThrottled || metric == dynamodb.MetricSystemErrors {
		dimensions = append(dimensions, cloudwatch.Dimension{Name: "Operation", Value: operation})
	}
	return dimensions
}
