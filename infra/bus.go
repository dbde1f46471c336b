package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2/awsevents"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

const (
	// retryPeriodSeconds and retryPeriods are how long deliveries may be tried again: EventBridge does so for 24 hours before the
	// dead-letter queue and its alarm tell. A target that is throttled in a burst has caught up within half an hour. There is no data point
	// without a retry, and CloudWatch takes the latest ones it has, some periods further back: of two periods, two single retries within an
	// hour would do. Three are within fifty minutes, and one event that is tried on and on is in each period.
	retryPeriodSeconds = 10 * minute
	retryPeriods       = 3
)

// newBus makes the bus. What it cannot process itself, such as an event that it cannot encrypt or decrypt, goes to a dead-letter queue
// of its own: no rule has seen that event yet. https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-encryption-event-bus-dlq.html
func newBus(stack constructs.Construct, alarms *alarms) awsevents.EventBus {
	bus := awsevents.NewEventBus(stack, jsii.String("Bus"), &awsevents.EventBusProps{Description: jsii.String("Every step of every payment")})
	failed := newDeadLetterQueue(bus, "DeadLetters", alarms,
		"The bus could not process events: no consumer has seen them.", "bus-dead-letters")
	bus.Node().DefaultChild().(awsevents.CfnEventBus).SetDeadLetterConfig(&awsevents.CfnEventBus_DeadLetterConfigProperty{Arn: failed.QueueArn()})
	acceptFrom(bus.EventBusArn(), failed)
	alarms.add(bus, "Retrying", alarm{
		name:      "BusRetrying",
		says:      "Events have been tried again for half an hour: a target of the bus does not take them.",
		runbook:   "bus-retrying",
		metrics:   []metric{{"AWS/Events", "RetryInvocationAttempts", "Sum", map[string]*string{"EventBusName": bus.EventBusName()}}},
		threshold: 1, period: retryPeriodSeconds, periods: retryPeriods,
		urgency: late,
	})
	return bus
}
