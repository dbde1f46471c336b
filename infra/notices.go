package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2/awsevents"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// newNotices tells the operators' topic what needs a person. Who listens is not the stack's business: subscribe to the topic.
func newNotices(stack constructs.Construct, bus awsevents.EventBus, about pattern) awssns.Topic {
	scope := constructs.NewConstruct(stack, jsii.String("Notices"))
	topic := awssns.NewTopic(scope, jsii.String("Topic"), &awssns.TopicProps{
		DisplayName: jsii.String("Payrail operators"),
		EnforceSSL:  jsii.Bool(true),
	})
	newRule(scope, bus, "Events that need a person", about, topic.TopicArn(), nil)
	// No condition on the rule, unlike a queue's policy: EventBridge documents that it does not support conditions in the
	// policies of topics. A statement with one may never allow, and the operators would hear nothing.
	topic.AddToResourcePolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Principals: &[]awsiam.IPrincipal{awsiam.NewServicePrincipal(jsii.String("events.amazonaws.com"), nil)},
		Actions:    jsii.Strings("sns:Publish"),
		Resources:  &[]*string{topic.TopicArn()},
	}))
	return topic
}
