package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsevents"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/jsii-runtime-go"

	"github.com/payrail/payrail/events"
)

// Partition keys of the ledger table. Journal and entry items are facts: written once, never changed. Balances, purchases and
// what they have in suspense are folds of them; links say which purchase a message belongs to.
const (
	journalKeys  = "JOURNAL#*"
	entryKeys    = "ENTRY#*"
	balanceKeys  = "BALANCE#*"
	purchaseKeys = "PURCHASE#*"
	linkKeys     = "LINK#*"
	suspenseKeys = "SUSPENSE#*"
	// disputeKeys are cases, disputeLists what they are found by; requestKeys are the idempotency keys of the API.
	disputeKeys  = "DISPUTE#*"
	disputeLists = "DISPUTES#*"
	requestKeys  = "IDEMPOTENCY#*"
)

// publishes lets a function put events on the bus, under its own source alone: no function can speak for another.
func publishes(bus awsevents.EventBus) access {
	return func(f function) { publishesAs(bus, f.source())(f) }
}

// publishesAs lets a function put events on the bus under one source, of which it does a part of the work.
func publishesAs(bus awsevents.EventBus, source events.Source) access {
	return func(f function) {
		f.setEnvironment("EVENT_BUS_NAME", bus.EventBusName())
		f.role.AddToPolicy(allowPutEvents(bus, source))
	}
}

// keepsDisputes lets a function change cases, and what they claim of their purchases, as their postings come in.
func keepsDisputes(ledger awsdynamodb.Table) access {
	table := []*string{ledger.TableArn()}
	return func(f function) {
		f.setEnvironment("LEDGER_TABLE", ledger.TableName())
		f.role.AddToPolicy(allowKeys(table, []string{journalKeys, disputeKeys, purchaseKeys}, "dynamodb:GetItem"))
		f.role.AddToPolicy(allowKeys(table, []string{disputeKeys, purchaseKeys}, "dynamodb:UpdateItem"))
	}
}

// seesDisputes lets a function read cases, and find them by what happened to them.
func seesDisputes(ledger awsdynamodb.Table) access {
	table := []*string{ledger.TableArn()}
	return func(f function) {
		f.setEnvironment("LEDGER_TABLE", ledger.TableName())
		f.role.AddToPolicy(allowKeys(table, []string{disputeKeys}, "dynamodb:GetItem"))
		f.role.AddToPolicy(allowKeys(table, []string{disputeLists}, "dynamodb:Query"))
	}
}

// knows tells a function a setting.
func knows(variable, value string) access {
	return func(f function) { f.setEnvironment(variable, &value) }
}

// uses lets a function do the named DynamoDB actions on a table.
func uses(variable string, table awsdynamodb.Table, actions ...string) access {
	return func(f function) {
		f.setEnvironment(variable, table.TableName())
		f.role.AddToPolicy(allow([]*string{table.TableArn()}, actions...))
	}
}

// writesObjects lets a function put objects into a bucket: neither read nor delete them.
func writesObjects(variable string, bucket awss3.Bucket) access {
	return func(f function) {
		f.setEnvironment(variable, bucket.BucketName())
		f.role.AddToPolicy(allow([]*string{bucket.ArnForObjects(jsii.String("*"))}, "s3:PutObject"))
	}
}

// keepsLedger lets a function read the ledger, add journal and entry items, move balances, purchases and suspense items, and forbids it, whatever else
// it may once be granted, to delete an item or to change a journal or entry item. (TransactWriteItems is authorized by the
// actions of its parts. IAM cannot tell a put that overwrites from one that does not: that is the put's condition.)
func keepsLedger(ledger awsdynamodb.Table) access {
	table := []*string{ledger.TableArn()}
	return func(f function) {
		f.setEnvironment("LEDGER_TABLE", ledger.TableName())
		f.role.AddToPolicy(allow(table, "dynamodb:GetItem"))
		f.role.AddToPolicy(allowKeys(table, []string{entryKeys}, "dynamodb:Query"))
		f.role.AddToPolicy(allowKeys(table, []string{journalKeys, entryKeys, purchaseKeys, linkKeys}, "dynamodb:PutItem"))
		f.role.AddToPolicy(allowKeys(table, []string{balanceKeys, purchaseKeys, linkKeys, suspenseKeys}, "dynamodb:UpdateItem"))
		f.role.AddToPolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
			Sid:    jsii.String("NeverDeleteFromTheLedger"),
			Effect: awsiam.Effect_DENY,
			// BatchWriteItem can delete, and the PartiQL statements are other names of the same operations.
			Actions:   jsii.Strings("dynamodb:DeleteItem", "dynamodb:BatchWriteItem", "dynamodb:PartiQLDelete", "dynamodb:PartiQLUpdate"),
			Resources: &table,
		}))
		f.role.AddToPolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
			Sid:       jsii.String("NeverChangeAJournalEntry"),
			Effect:    awsiam.Effect_DENY,
			Actions:   jsii.Strings("dynamodb:UpdateItem"),
			Resources: &table,
			// ForAnyValue, unlike ForAllValues below: one forbidden key among others is enough to deny.
			Conditions: &map[string]any{"ForAnyValue:StringLike": leadingKeys(journalKeys, entryKeys)},
		}))
	}
}

// allow is a statement that allows actions on resources.
func allow(resources []*string, actions ...string) awsiam.PolicyStatement {
	return awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Actions:   jsii.Strings(actions...),
		Resources: &resources,
	})
}

// allowKeys is a statement that allows actions on the items of a table whose partition key is like one of keys. ForAllValues
// holds for a request without keys as well: the Null condition excludes it.
func allowKeys(table []*string, keys []string, actions ...string) awsiam.PolicyStatement {
	return awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Actions:   jsii.Strings(actions...),
		Resources: &table,
		Conditions: &map[string]any{
			"ForAllValues:StringLike": leadingKeys(keys...),
			"Null":                    map[string]any{"dynamodb:LeadingKeys": "false"},
		},
	})
}

func leadingKeys(keys ...string) map[string]any {
	return map[string]any{"dynamodb:LeadingKeys": keys}
}

// allowPutEvents is a statement that allows events of one source on the bus.
func allowPutEvents(bus awsevents.EventBus, source events.Source) awsiam.PolicyStatement {
	return awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Actions:    jsii.Strings("events:PutEvents"),
		Resources:  &[]*string{bus.EventBusArn()},
		Conditions: &map[string]any{"StringEquals": map[string]any{"events:source": string(source)}},
	})
}
