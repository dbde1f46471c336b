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
	// Firehose writes a partition's object when either is reached. A minute keeps the audit close behind; both are also the least
	// that Firehose takes with dynamic partitioning.
	auditBufferSeconds = 60
	auditBufferMB      = 64
	// auditPrefix is read by the command (internal/auditlog). The date is that of arrival in Firehose, in UTC.
	auditPrefix = "events/date=!{timestamp:yyyy-MM-dd}/detail-type=!{partitionKeyFromQuery:detailType}/"
	// auditErrorPrefix takes what has no detail-type, which no event of EventBridge comes without.
	auditErrorPrefix = "errors/!{firehose:error-output-type}/!{timestamp:yyyy-MM-dd}/"
)

// newArchive keeps every event of the bus for replay.
func newArchive(stack constructs.Construct, bus awsevents.EventBus) awsevents.CfnArchive {
	return awsevents.NewCfnArchive(stack, jsii.String("Archive"), &awsevents.CfnArchiveProps{
		Description:   jsii.String("Every event, for replay"),
		SourceArn:     bus.EventBusArn(),
		RetentionDays: jsii.Number(archiveRetentionDays),
	})
}

// newAuditLog writes every event of the bus to the audit bucket: compressed JSON, one event a line, by date and detail-type.
// A replay is not audited again, as it is not archived again: the audit log says what happened, once.
func newAuditLog(stack constructs.Construct, alarms *alarms, bus awsevents.EventBus, bucket awss3.Bucket) {
	scope := constructs.NewConstruct(stack, jsii.String("AuditLog"))
	stream := newAuditStream(scope, alarms, bucket)
	role := newRole(scope, "PutRole", "events.amazonaws.com", "Puts events on the audit stream", forThisAccount())
	role.AddToPolicy(allow([]*string{stream.AttrArn()}, "firehose:PutRecord", "firehose:PutRecordBatch"))
	newRule(scope, alarms, bus, "Every event, for the audit log", everyEvent().notReplayed(), stream.AttrArn(), role.RoleArn())
	awscdk.Tags_Of(scope).Add(jsii.String("component"), jsii.String("audit"), nil)
}

func newAuditStream(scope constructs.Construct, alarms *alarms, bucket awss3.Bucket) awskinesisfirehose.CfnDeliveryStream {
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

	// Dynamic partitioning cannot be switched on for a stream that exists: a change of it needs another logical id.
	stream := awskinesisfirehose.NewCfnDeliveryStream(scope, jsii.String("PartitionedStream"), &awskinesisfirehose.CfnDeliveryStreamProps{
		DeliveryStreamType: jsii.String("DirectPut"),
		DeliveryStreamEncryptionConfigurationInput: &awskinesisfirehose.CfnDeliveryStream_DeliveryStreamEncryptionConfigurationInputProperty{
			KeyType: jsii.String("AWS_OWNED_CMK"),
		},
		ExtendedS3DestinationConfiguration: &awskinesisfirehose.CfnDeliveryStream_ExtendedS3DestinationConfigurationProperty{
			BucketArn:         bucket.BucketArn(),
			RoleArn:           role.RoleArn(),
			Prefix:            jsii.String(auditPrefix),
			ErrorOutputPrefix: jsii.String(auditErrorPrefix),
			CompressionFormat: jsii.String("GZIP"),
			BufferingHints: &awskinesisfirehose.CfnDeliveryStream_BufferingHintsProperty{
				IntervalInSeconds: jsii.Number(auditBufferSeconds),
				SizeInMBs:         jsii.Number(auditBufferMB),
			},
			DynamicPartitioningConfiguration: &awskinesisfirehose.CfnDeliveryStream_DynamicPartitioningConfigurationProperty{Enabled: jsii.Bool(true)},
			ProcessingConfiguration: &awskinesisfirehose.CfnDeliveryStream_ProcessingConfigurationProperty{
				Enabled: jsii.Bool(true),
				Processors: []any{
					firehoseProcessor("MetadataExtraction", "MetadataExtractionQuery", `{detailType:."detail-type"}`, "JsonParsingEngine", "JQ-1.6"),
					// EventBridge sends each event without a line end, and Firehose concatenates records as they are.
					firehoseProcessor("AppendDelimiterToRecord", "Delimiter", `\n`),
				},
			},
			CloudWatchLoggingOptions: &awskinesisfirehose.CfnDeliveryStream_CloudWatchLoggingOptionsProperty{
				Enabled:       jsii.Bool(true),
				LogGroupName:  logs.LogGroupName(),
				LogStreamName: logStream.LogStreamName(),
			},
		},
	})
	stream.Node().AddDependency(role)
	watchAuditStream(scope, alarms, stream, logs)
	return stream
}

// firehoseProcessor is a step of a delivery stream's processing; parameters are names and values in turn.
func firehoseProcessor(kind string, parameters ...string) *awskinesisfirehose.CfnDeliveryStream_ProcessorProperty {
	var list []any
	for i := 0; i < len(parameters); i += 2 {
		list = append(list, &awskinesisfirehose.CfnDeliveryStream_ProcessorParameterProperty{
			ParameterName:  jsii.String(parameters[i]),
			ParameterValue: jsii.String(parameters[i+1]),
		})
	}
	return &awskinesisfirehose.CfnDeliveryStream_ProcessorProperty{Type: jsii.String(kind), Parameters: list}
}
