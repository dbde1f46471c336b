package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAuditStreamWritesOneEventALine(t *testing.T) {
	tpl := synthesize(t, defaults(t))
	stream := tpl.one(t, "AWS::KinesisFirehose::DeliveryStream", "")
	destination := tpl.get(stream, "ExtendedS3DestinationConfiguration").(map[string]any)
	require.Equal(t, tpl.one(t, "AWS::S3::Bucket", "BucketsAudit"), referred(destination["BucketARN"]))
	require.Equal(t, "GZIP", destination["CompressionFormat"])
	require.Equal(t, "events/!{timestamp:yyyy/MM/dd/HH}/", destination["Prefix"])
	require.Equal(t, map[string]any{
		"Enabled": true,
		"Processors": []any{map[string]any{
			"Type":       "AppendDelimiterToRecord",
			"Parameters": []any{map[string]any{"ParameterName": "Delimiter", "ParameterValue": `\n`}},
		}},
	}, destination["ProcessingConfiguration"])
	for _, s := range tpl.rolePolicy(t, referred(destination["RoleARN"])) {
		require.NotContains(t, s.Actions, "s3:DeleteObject")
	}
}

func TestArchiveKeepsEverything(t *testing.T) {
	tpl := synthesize(t, defaults(t))
	archive := tpl.one(t, "AWS::Events::Archive", "")
	require.Equal(t, tpl.one(t, "AWS::Events::EventBus", ""), referred(tpl.get(archive, "SourceArn")))
	require.Nil(t, tpl.get(archive, "EventPattern"))
	require.Equal(t, 90.0, tpl.get(archive, "RetentionDays"))
}
