package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/jsii-runtime-go"

	"github.com/payrail/payrail/internal/digests"
	"github.com/payrail/payrail/internal/ledger"
)

// digestSchedule is ten minutes past every hour: the function's margin of eight, and two for a schedule that is early.
var digestSchedule = schedule{"cron(10 * * * ? *)", 60 * minute}

// indexByPosting lets the digest function read what was posted within an hour. Of keys alone: the least that a write to an index costs.
func indexByPosting(table awsdynamodb.Table) {
	table.AddGlobalSecondaryIndex(&awsdynamodb.GlobalSecondaryIndexProps{
		IndexName:      jsii.String(ledger.PostedIndex),
		PartitionKey:   key(ledger.PostedBucketAttribute),
		ProjectionType: awsdynamodb.ProjectionType_KEYS_ONLY,
	})
}

// readsJournalByPosting lets a function find journal items by their hour of posting and read them.
func readsJournalByPosting(table awsdynamodb.Table) access {
	return func(f function) {
		f.setEnvironment("LEDGER_TABLE", table.TableName())
		index := *table.TableArn() + "/index/" + ledger.PostedIndex
		f.role.AddToPolicy(allow([]*string{&index}, "dynamodb:Query"))
		f.role.AddToPolicy(allowKeys([]*string{table.TableArn()}, []string{journalKeys}, "dynamodb:BatchGetItem"))
	}
}

// keepsDigests lets a function write and read digests in the locked bucket, where a digest once written can be neither changed nor
// deleted, and list them.
func keepsDigests(bucket awss3.Bucket) access {
	return func(f function) {
		f.setEnvironment("AUDIT_BUCKET", bucket.BucketName())
		f.role.AddToPolicy(allow([]*string{bucket.ArnForObjects(jsii.String(digests.Prefix + "*"))}, "s3:PutObject", "s3:GetObject"))
		f.role.AddToPolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
			Actions:    jsii.Strings("s3:ListBucket"),
			Resources:  &[]*string{bucket.BucketArn()},
			Conditions: &map[string]any{"StringLike": map[string]any{"s3:prefix": digests.Prefix + "*"}},
		}))
	}
}
