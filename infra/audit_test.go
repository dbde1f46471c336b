package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAuditStreamWritesOneEventALineByDateAndDetailType(t *testing.T) {
	tpl := synthesize(t, defaults(t))
	stream := tpl.one(t, "AWS::KinesisFirehose::DeliveryStream", "")
	destination := tpl.get(stream, "ExtendedS3DestinationConfiguration").(map[string]any)
	require.Equal(t, tpl.one(t, "AWS::S3::Bucket", "BucketsAudit"), referred(destination["BucketARN"]))
	require.Equal(t, "GZIP", destination["CompressionFormat"])
	require.Equal(t, "events/date=!{timestamp:yyyy-MM-dd}/detail-type=!{partitionKeyFromQuery:detailType}/", destination["Prefix"])
	require.Equal(t, "errors/!{firehose:error-output-type}/!{timestamp:yyyy-MM-dd}/", destination["ErrorOutputPrefix"])
	require.Equal(t, map[string]any{"Enabled": true}, destination["DynamicPartitioningConfiguration"])
	require.Equal(t, map[string]any{"IntervalInSeconds": 60.0, "SizeInMBs": 64.0}, destination["BufferingHints"])
	require.Equal(t, map[string]any{
		"Enabled": true,
		"Processors": []any{map[string]any{
			"Type": "MetadataExtraction",
			"Parameters": []any{
				map[string]any{"ParameterName": "MetadataExtractionQuery", "ParameterValue": `{detailType:."detail-type"}`},
				map[string]any{"ParameterName": "JsonParsingEngine", "ParameterValue": "JQ-1.6"},
			},
		}, map[string]any{
			"Type":       "AppendDelimiterToRecord",
			"Parameters": []any{map[string]any{"ParameterName": "Delimiter", "ParameterValue": `\n`}},
		}},
	}, destination["ProcessingConfiguration"])
	for _, s := range tpl.rolePolicy(t, referred(destination["RoleARN"])) {
		require.NotContains(t, s.Actions, "s3:DeleteObject")
	}
}

func TestReplaysAreNotAuditedAgain(t *testing.T) {
	tpl := synthesize(t, defaults(t))
	eventPattern := tpl.get(tpl.one(t, "AWS::Events::Rule", "AuditLogRule"), "EventPattern")
	event := examples(t)["TransactionPosted"]
	require.True(t, matches(t, eventPattern, event))
	event["replay-name"] = "again"
	require.False(t, matches(t, eventPattern, event))
}

func TestArchiveKeepsEverything(t *testing.T) {
	tpl := synthesize(t, defaults(t))
	archive := tpl.one(t, "AWS::Events::Archive", "")
	require.Equal(t, tpl.one(t, "AWS::Events::EventBus", ""), referred(tpl.get(archive, "SourceArn")))
	require.Nil(t, tpl.get(archive, "EventPattern"))
	require.Equal(t, 90.0, tpl.get(archive, "RetentionDays"))
}
