package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsevents"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

const (
	// minute is the resolution of AWS's own metrics, and the period of what is a state: it is over when the state is.
	minute = 60
	// occurrence is the period of what happens in a moment and leaves nothing behind to measure: the alarm stays for half an hour and
	// up to an hour more, in which CloudWatch still finds the one data point there is, so that whoever is called finds it.
	// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
	occurrence = 30 * minute
	// runbooks is the page that says what to do about each alarm.
	runbooks = "docs/operating/alarms.md"
)

// How an alarm takes it that its metric has no data points.
const (
	// missingIsGood: most metrics have none where there is nothing to tell, such as a queue that was not used for six hours, or a failure
	// that did not happen. A stack that is not used must not call people.
	missingIsGood = "notBreaching"
	// missingIsTold: the silence is what the alarm is about. Without any data point where CloudWatch looks, which is further back than the
	// alarm's periods, the state is INSUFFICIENT_DATA, and going there tells. Not "breaching": a new stack would begin with an alarm, and
	// as it is, it begins in that state without having gone there.
	missingIsTold = "missing"
)

// urgency says who waits for a person.
type urgency int

const (
	// records: nobody's money; the record of it, or what the operators themselves use.
	records urgency = iota
	// late: payments come late, and come by themselves once the cause is gone.
	late
	// stuck: payments stand still until a person puts them back.
	stuck
)

// metric is a CloudWatch metric, by AWS's names.
type metric struct {
	namespace, name string
	// statistic is Sum or Maximum.
	statistic  string
	dimensions map[string]*string
}

// alarm is one thing that a person must act on.
type alarm struct {
	// name follows the stack's in the alarm's name.
	name string
	// says is one sentence for a person who was asleep.
	says string
	// runbook is the anchor in the page of runbooks.
	runbook string
	// metrics are summed where there are several, all of which must have data points at the same times.
	metrics []metric
	// threshold raises the alarm where it is reached in so many periods, of so many seconds each, in a row; or, where within is given,
	// out of so many.
	threshold, period, periods, within int
	// silence raises the alarm where there is no data point in so many periods; there is no threshold then, and no page.
	silence bool
	urgency urgency
}

// alarms makes alarms that tell the operators, and remembers which of them must wake somebody. A nil *alarms makes none.
type alarms struct {
	topic awssns.Topic
	// pages is the alarms by their urgency; nil where nothing that is made is urgent.
	pages map[urgency][]awscloudwatch.CfnAlarm
}

// newAlarms makes alarms that tell a topic, or none if the settings say so.
func newAlarms(topic awssns.Topic, settings Settings) *alarms {
	if settings.Alarms == "off" {
		return nil
	}
	// Of this account's alarms alone. https://docs.aws.amazon.com/sns/latest/dg/sns-access-policy-use-cases.html
	topic.AddToResourcePolicy(allowService("cloudwatch.amazonaws.com", "sns:Publish", topic.TopicArn(), forThisAccount()))
	return &alarms{topic: topic, pages: map[urgency][]awscloudwatch.CfnAlarm{}}
}

// quiet is for what looks on: no money waits for it, whatever happens to it.
func (a *alarms) quiet() *alarms {
	if a == nil {
		return nil
	}
	return &alarms{topic: a.topic}
}

func (a *alarms) add(scope constructs.Construct, id string, what alarm) {
	if a == nil {
		return
	}
	// A test compares the page's anchors with these.
	description := fmt.Sprintf("%s %s#%s", what.says, runbooks, what.runbook)
	props := &awscloudwatch.CfnAlarmProps{
		AlarmName:          jsii.String(*awscdk.Stack_Of(scope).StackName() + "-" + what.name),
		AlarmDescription:   jsii.String(description),
		AlarmActions:       &[]any{a.topic.TopicArn()},
		ComparisonOperator: jsii.String("GreaterThanOrEqualToThreshold"),
		Threshold:          jsii.Number(what.threshold),
		EvaluationPeriods:  jsii.Number(max(what.periods, what.within)),
		DatapointsToAlarm:  jsii.Number(what.periods),
		TreatMissingData:   jsii.String(missingIsGood),
	}
	if what.silence {
		props.TreatMissingData, props.InsufficientDataActions = jsii.String(missingIsTold), &[]any{a.topic.TopicArn()}
		props.ComparisonOperator, props.Threshold = jsii.String("LessThanThreshold"), jsii.Number(1) // Which no data point is.
	}
	if len(what.metrics) == 1 {
		m := what.metrics[0]
		props.Namespace, props.MetricName, props.Dimensions = jsii.String(m.namespace), jsii.String(m.name), m.dimensionList()
		props.Statistic, props.Period = jsii.String(m.statistic), jsii.Number(what.period)
	} else {
		props.Metrics = sumOf(what.metrics, what.period)
	}
	made := awscloudwatch.NewCfnAlarm(scope, jsii.String(id+"Alarm"), props)
	if a.pages != nil && what.urgency != records {
		a.pages[what.urgency] = append(a.pages[what.urgency], made)
	}
}

func (m metric) dimensionList() []any {
	var list []any
	for _, name := range slices.Sorted(maps.Keys(m.dimensions)) {
		list = append(list, &awscloudwatch.CfnAlarm_DimensionProperty{Name: jsii.String(name), Value: m.dimensions[name]})
	}
	return list
}

// sumOf is a metric math expression over metrics, each under its own name with a small first letter, as ids must have.
func sumOf(metrics []metric, period int) []any {
	var queries []any
	var ids []string
	for _, m := range metrics {
		id := strings.ToLower(m.name[:1]) + m.name[1:]
		ids = append(ids, id)
		queries = append(queries, &awscloudwatch.CfnAlarm_MetricDataQueryProperty{
			Id:         jsii.String(id),
			ReturnData: jsii.Bool(false),
			MetricStat: &awscloudwatch.CfnAlarm_MetricStatProperty{
				Metric: &awscloudwatch.CfnAlarm_MetricProperty{Namespace: jsii.String(m.namespace), MetricName: jsii.String(m.name), Dimensions: m.dimensionList()},
				Stat:   jsii.String(m.statistic),
				Period: jsii.Number(period),
			},
		})
	}
	return append(queries, &awscloudwatch.CfnAlarm_MetricDataQueryProperty{
		Id: jsii.String("sum"), Expression: jsii.String("SUM([" + strings.Join(ids, ", ") + "])"), ReturnData: jsii.Bool(true),
	})
}

// newPages joins the alarms that must wake somebody into one page each: many alarms have one cause, and one call is enough.
func newPages(stack constructs.Construct, a *alarms) {
	if a == nil {
		return
	}
	for _, page := range []struct {
		urgency urgency
		name    string
		says    string
		runbook string
	}{
		{stuck, "MoneyStuck", "Payments stand still until somebody puts them back: `payrail alarms` says which alarm it is.", "money-stuck"},
		{late, "MoneyLate", "Payments reach the accounts late: `payrail alarms` says which alarm it is.", "money-late"},
	} {
		var rule []string
		for _, made := range a.pages[page.urgency] {
			rule = append(rule, fmt.Sprintf("ALARM(%q)", *made.Ref()))
		}
		awscloudwatch.NewCfnCompositeAlarm(stack, jsii.String(page.name), &awscloudwatch.CfnCompositeAlarmProps{
			AlarmName:        jsii.String(*awscdk.Stack_Of(stack).StackName() + "-" + page.name),
			AlarmDescription: jsii.String(fmt.Sprintf("%s %s#%s", page.says, runbooks, page.runbook)),
			AlarmActions:     &[]any{a.topic.TopicArn()},
			AlarmRule:        jsii.String(strings.Join(rule, " OR ")),
		})
	}
}

// lateSeconds is when a message in a processor's queue is late. One that the function fails on is tried again after three minutes, and
// SQS leaves it out of the age after the third try: what is older waits behind a function that does not keep up, or does not
// run. https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
const lateSeconds = 600

// lateQueue is the alarm of a queue that is not worked off.
func lateQueue(consumer string, queue awssqs.Queue) alarm {
	return alarm{
		name:    *constructID(consumer) + "Late",
		says:    fmt.Sprintf("Events have waited ten minutes for %s, which does not keep up or does not run.", consumer),
		runbook: "late-queues",
		metrics: []metric{{"AWS/SQS", "ApproximateAgeOfOldestMessage", "Maximum", map[string]*string{"QueueName": queue.QueueName()}}},
		// Three minutes in a row: the first data point after a pause can be of a message that is just being taken.
		threshold: lateSeconds, period: minute, periods: 3,
		urgency: late,
	}
}

// setAside is the alarm of a dead-letter queue: one message is enough, and the alarm is there for as long as a message is.
// The metric counts what SQS moved there too, unlike NumberOfMessagesSent. After six hours without use a queue's metrics pause; the
// first message may then show a quarter of an hour late.
func setAside(name, says, runbook string, queue awssqs.Queue) alarm {
	return alarm{
		name: name, says: says, runbook: runbook,
		metrics:   []metric{{"AWS/SQS", "ApproximateNumberOfMessagesVisible", "Maximum", map[string]*string{"QueueName": queue.QueueName()}}},
		threshold: 1, period: minute, periods: 1,
		urgency: stuck,
	}
}

// lostByRule is the alarm of a rule whose dead-letter queue refused an event: the one way an event is lost between the bus and its
// consumers. Only a metric tells. https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-monitoring.html
func lostByRule(name string, dimensions map[string]*string) alarm {
	return alarm{
		name:      name + "Lost",
		says:      fmt.Sprintf("The rule %s could deliver an event neither to its target nor to its dead-letter queue: the event is lost on this way.", name),
		runbook:   "lost-events",
		metrics:   []metric{{"AWS/Events", "InvocationsFailedToBeSentToDlq", "Sum", dimensions}},
		threshold: 1, period: occurrence, periods: 1,
		urgency: stuck,
	}
}

// onBus and onSchedule are the dimensions of a rule's metrics. A rule's name is the last part of its ARN, rule/BUS/NAME, or
// rule/NAME on the default bus, where schedules are and whose metrics have no bus among their dimensions.
func onBus(bus awsevents.EventBus, rule awsevents.CfnRule) map[string]*string {
	return map[string]*string{"EventBusName": bus.EventBusName(), "RuleName": arnPart(rule, 2)}
}

func onSchedule(rule awsevents.CfnRule) map[string]*string {
	return map[string]*string{"RuleName": arnPart(rule, 1)}
}

func arnPart(rule awsevents.CfnRule, i int) *string {
	return awscdk.Fn_Select(jsii.Number(i), awscdk.Fn_Split(jsii.String("/"), rule.AttrArn(), nil))
}
