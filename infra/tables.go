package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/payrail/payrail/internal/ingest"
)

// tables are the system's state. All keys are strings.
type tables struct {
	// authorizations is written by the upstream authorizer.
	authorizations awsdynamodb.Table
	// dedup remembers business keys.
	dedup awsdynamodb.Table
	// accounts and reference are loaded by seed and read by enrich.
	accounts, reference awsdynamodb.Table
	// assembly holds the legs of a posting sequence that wait for their siblings.
	assembly awsdynamodb.Table
	// ledger holds journal, entries and balances.
	ledger awsdynamodb.Table
	// timeline holds what happened to each transaction.
	timeline awsdynamodb.Table
}

func newTables(stack constructs.Construct, removal awscdk.RemovalPolicy) tables {
	scope := constructs.NewConstruct(stack, jsii.String("Tables"))
	all := tables{
		authorizations: newTable(scope, "Authorizations", removal, awsdynamodb.TableProps{
			PartitionKey: key("authorizationId"),
			// Both images: dedup must see that an approved authorization was changed after the fact.
			Stream: awsdynamodb.StreamViewType_NEW_AND_OLD_IMAGES,
		}),
		dedup: newTable(scope, "Dedup", removal, awsdynamodb.TableProps{
			PartitionKey:        key("businessKey"),
			TimeToLiveAttribute: jsii.String("expiresAt"),
		}),
		accounts:  newTable(scope, "Accounts", removal, awsdynamodb.TableProps{PartitionKey: key("pk"), SortKey: key("sk")}),
		reference: newTable(scope, "Reference", removal, awsdynamodb.TableProps{PartitionKey: key("pk"), SortKey: key("sk")}),
		assembly: newTable(scope, "Assembly", removal, awsdynamodb.TableProps{
			PartitionKey:        key("sequence"),
			SortKey:             key("checksum"),
			TimeToLiveAttribute: jsii.String("expiresAt"),
		}),
		ledger:   newTable(scope, "Ledger", removal, awsdynamodb.TableProps{PartitionKey: key("pk"), SortKey: key("sk")}),
		timeline: newTable(scope, "Timeline", removal, awsdynamodb.TableProps{PartitionKey: key("pk"), SortKey: key("sk")}),
	}
	indexByIngest(all.authorizations, ingest.TimeAttribute, ingest.AuthorizationProjection())
	indexByIngest(all.ledger, ingest.JournalTimeAttribute, ingest.JournalProjection())
	indexByPosting(all.ledger)
	return all
}

// indexByIngest lets reconciliation read what came in within a window. Items without a bucket, such as entries and balances, are
// not in the index. What it projects is what reconciliation compares: it fits into the 1 KB that a write to an index costs anyhow.
func indexByIngest(table awsdynamodb.Table, time string, projected []string) {
	table.AddGlobalSecondaryIndex(&awsdynamodb.GlobalSecondaryIndexProps{
		IndexName:        jsii.String(ingest.Index),
		PartitionKey:     key(ingest.BucketAttribute),
		SortKey:          key(time),
		ProjectionType:   awsdynamodb.ProjectionType_INCLUDE,
		NonKeyAttributes: jsii.Strings(projected...),
	})
}

// newTable makes a table with what all tables have: on-demand capacity, because payments come in bursts and a throttled
// table only moves the burst into the queues; point-in-time recovery; no deletion by accident where data is kept.
func newTable(scope constructs.Construct, id string, removal awscdk.RemovalPolicy, props awsdynamodb.TableProps) awsdynamodb.Table {
	props.BillingMode = awsdynamodb.BillingMode_PAY_PER_REQUEST
	props.PointInTimeRecoverySpecification = &awsdynamodb.PointInTimeRecoverySpecification{PointInTimeRecoveryEnabled: jsii.Bool(true)}
	props.RemovalPolicy = removal
	props.DeletionProtection = jsii.Bool(removal == awscdk.RemovalPolicy_RETAIN)
	return awsdynamodb.NewTable(scope, jsii.String(id), &props)
}

func key(name string) *awsdynamodb.Attribute {
	return &awsdynamodb.Attribute{Name: jsii.String(name), Type: awsdynamodb.AttributeType_STRING}
}
