package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2/awsevents"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// notices tell the operators what needs a person, by a topic. Who listens is not the stack's business: subscribe to the topic.
type notices struct {
	scope constructs.Construct
	topic awssns.Topic
}

func newNotices(stack constructs.Construct) notices {
	scope := constructs.NewConstruct(stack, jsii.String("Notices"))
	return notices{scope: scope, topic: awssns.NewTopic(scope, jsii.String("Topic"), &awssns.TopicProps{
		DisplayName: jsii.String("Payrail operators"),
		EnforceSSL:  jsii.Bool(true),
	})}
}

// of has events of the bus told.
func (n notices) of(bus awsevents.EventBus, about pattern, alarms *alarms) {
	newRule(n.scope, alarms, bus, "Events that need a person", about, n.topic.TopicArn(), nil)
	// No condition on the rule, unlike a queue's policy: EventBridge documents that it does not support conditions in the
	// policies of topics. A statement with one may never allow, and the operators would hear nothing.
	n.topic.AddToResourcePolicy(allowService("events.amazonaws.com", "sns:Publish", n.topic.TopicArn(), nil))
	alarms.add(n.scope, "Unheard", alarm{
		name:      "NoticesUnheard",
		says:      "The operator topic could not deliver to a subscriber: somebody does not hear of alarms.",
		runbook:   "unheard-notices",
		metrics:   []metric{{"AWS/SNS", "NumberOfNotificationsFailed", "Sum", map[string]*string{"TopicName": n.topic.TopicName()}}},
		threshold: 1, period: occurrence, periods: 1,
		urgency: records,
	})
}
