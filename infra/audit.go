package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsevents"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskinesisfirehose"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

const (
	// archiveRetentionDays is how far back a replay can start. Replay is for repairs; what is older is in the audit bucket.
	archiveRetentionDays = 90
	// Firehose writes an object when either is reached. A minute keeps the audit close behind; the size is chosen so that at
	// full load an object is still worth its request.
	auditBufferSeconds = 60
	auditBufferMB      = 64
)

// newArchive keeps every event of the bus for replay.
func newArchive(stack constructs.Construct, bus awsevents.EventBus) awsevents.CfnArchive {
	return awsevents.NewCfnArchive(stack, jsii.String("Archive"), &awsevents.CfnArchiveProps{
		Description:   jsii.String("Every event, for replay"),
		SourceArn:     bus.EventBusArn(),
		RetentionDays: jsii.Number(archiveRetentionDays),
	})
}

// newAuditLog writes every event of the bus to the audit bucket: compressed JSON, one event a line, by the hour it arrived.
func newAuditLog(stack constructs.Construct, bus awsevents.EventBus, bucket awss3.Bucket) {
	scope := constructs.NewConstruct(stack, jsii.String("AuditLog"))
	stream := newAuditStream(scope, bucket)
	role := newRole(scope, "PutRole", "events.amazonaws.com", "Puts events on the audit stream", forThisAccount())
	role.AddToPolicy(allow([]*string{stream.AttrArn()}, "firehose:PutRecord", "firehose:PutRecordBatch"))
	newRule(scope, bus, "Every event, for the audit log", everyEvent(), stream.AttrArn(), role.RoleArn())
	awscdk.Tags_Of(scope).Add(jsii.String("component"), jsii.String("audit"), nil)
}

func newAuditStream(scope constructs.Construct, bucket awss3.Bucket) awskinesisfirehose.CfnDeliveryStream {
	logs := awslogs.NewLogGroup(scope, jsii.String("Logs"), &awslogs.LogGroupProps{
		Retention:     logRetention,
		RemovalPolicy: awscdk.RemovalPolicy_DESTROY,
	})
	logStream := awslogs.NewLogStream(scope, jsii.String("LogStream"), &awslogs.LogStreamProps{
		LogGroup:      logs,
		RemovalPolicy: awscdk.RemovalPolicy_DESTROY,
	})
	// Firehose names the account on whose behalf it acts in the external id.
	role := newRole(scope, "WriteRole", "firehose.amazonaws.com", "Writes the audit log", map[string]any{"StringEquals": map[string]any{"sts:ExternalId": awscdk.Aws_ACCOUNT_ID()}})
	role.AddToPolicy(allow([]*string{bucket.BucketArn()}, "s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"))
	role.AddToPolicy(allow([]*string{bucket.ArnForObjects(jsii.String("*"))}, "s3:PutObject", "s3:AbortMultipartUpload"))
	logs.GrantWrite(role)

	stream := awskinesisfirehose.NewCfnDeliveryStream(scope, jsii.String("Stream"), &awskinesisfirehose.CfnDeliveryStreamProps{
		DeliveryStreamType: jsii.String("DirectPut"),
		DeliveryStreamEncryptionConfigurationInput: &awskinesisfirehose.CfnDeliveryStream_DeliveryStreamEncryptionConfigurationInputProperty{
			KeyType: jsii.String("AWS_OWNED_CMK"),
		},
		ExtendedS3DestinationConfiguration: &awskinesisfirehose.CfnDeliveryStream_ExtendedS3DestinationConfigurationProperty{
			BucketArn:         bucket.BucketArn(),
			RoleArn:           role.RoleArn(),
			Prefix:            jsii.String("events/!{timestamp:yyyy/MM/dd/HH}/"),
			ErrorOutputPrefix: jsii.String("errors/!{firehose:error-output-type}/!{timestamp:yyyy/MM/dd/HH}/"),
			CompressionFormat: jsii.String("GZIP"),
			BufferingHints: &awskinesisfirehose.CfnDeliveryStream_BufferingHintsProperty{
				IntervalInSeconds: jsii.Number(auditBufferSeconds),
				SizeInMBs:         jsii.Number(auditBufferMB),
			},
			// EventBridge sends each event without a line end, and Firehose concatenates records as they are.
			ProcessingConfiguration: &awskinesisfirehose.CfnDeliveryStream_ProcessingConfigurationProperty{
				Enabled: jsii.Bool(true),
				Processors: []any{&awskinesisfirehose.CfnDeliveryStream_ProcessorProperty{
					Type: jsii.String("AppendDelimiterToRecord"),
					Parameters: []any{&awskinesisfirehose.CfnDeliveryStream_ProcessorParameterProperty{
						ParameterName:  jsii.String("Delimiter"),
						ParameterValue: jsii.String(`\n`),
					}},
				}},
			},
			CloudWatchLoggingOptions: &awskinesisfirehose.CfnDeliveryStream_CloudWatchLoggingOptionsProperty{
				Enabled:       jsii.Bool(true),
				LogGroupName:  logs.LogGroupName(),
				LogStreamName: logStream.LogStreamName(),
			},
		},
	})
	stream.Node().AddDependency(role)
	return stream
}
