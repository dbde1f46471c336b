package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

const (
	// auditLockDays is how long nobody, not even the account's root user, can delete or overwrite an audit object: PCI DSS
	// 10.5.1 asks for twelve months.
	auditLockDays = 365
	// auditTrialLockDays locks as well, but so that a privileged user can clean up a stack that is meant to be thrown away.
	auditTrialLockDays = 1
)

// buckets hold what left the pipeline and the record of what passed through it.
type buckets struct {
	// parked holds payments set aside with their reason: duplicates, conflicts, what is not supported.
	parked awss3.Bucket
	// quarantine is the one place that may hold a card number.
	quarantine awss3.Bucket
	// audit holds every event, locked.
	audit awss3.Bucket
}

func newBuckets(stack constructs.Construct, removal awscdk.RemovalPolicy) buckets {
	scope := constructs.NewConstruct(stack, jsii.String("Buckets"))
	lock := awss3.ObjectLockRetention_Compliance(awscdk.Duration_Days(jsii.Number(auditLockDays)))
	if removal == awscdk.RemovalPolicy_DESTROY {
		lock = awss3.ObjectLockRetention_Governance(awscdk.Duration_Days(jsii.Number(auditTrialLockDays)))
	}
	return buckets{
		// Neither is versioned: a retry writes the same object again, and a card number that is deleted must be gone.
		parked:     newBucket(scope, "Parked", removal, awss3.BucketProps{}),
		quarantine: newBucket(scope, "Quarantine", removal, awss3.BucketProps{}),
		audit: newBucket(scope, "Audit", removal, awss3.BucketProps{
			Versioned:                  jsii.Bool(true),
			ObjectLockEnabled:          jsii.Bool(true),
			ObjectLockDefaultRetention: lock,
		}),
	}
}

// newBucket makes a bucket with what all buckets have: encryption, no public access, no plain HTTP.
func newBucket(scope constructs.Construct, id string, removal awscdk.RemovalPolicy, props awss3.BucketProps) awss3.Bucket {
	props.Encryption = awss3.BucketEncryption_S3_MANAGED
	props.BlockPublicAccess = awss3.BlockPublicAccess_BLOCK_ALL()
	props.ObjectOwnership = awss3.ObjectOwnership_BUCKET_OWNER_ENFORCED
	props.EnforceSSL = jsii.Bool(true)
	props.RemovalPolicy = removal
	return awss3.NewBucket(scope, jsii.String(id), &props)
}
