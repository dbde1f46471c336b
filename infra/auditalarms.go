package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2/awskinesisfirehose"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/constructs-go/constructs/v10"
)

// auditLateSeconds is the longest that Firehose may buffer anywhere, and what AWS advises to alarm at; this stream buffers a minute.
// A record that could not be written within 24 hours is lost, so there is a day to act.
// https://docs.aws.amazon.com/firehose/latest/dev/firehose-cloudwatch-metrics-best-practices.html
const auditLateSeconds = 15 * minute

// watchAuditStream tells of an audit log that does not get written. Of what Firehose cannot put under a prefix it writes a line to its
// log group, and the record to the error prefix; the log group has no other lines.
func watchAuditStream(scope constructs.Construct, alarms *alarms, stream awskinesisfirehose.CfnDeliveryStream, logs awslogs.LogGroup) {
	alarms.add(scope, "Late", alarm{
		name:      "AuditLogLate",
		says:      "Events have waited a quarter of an hour to be written to the audit log; after a day they are lost to it.",
		runbook:   "audit-log-late",
		metrics:   []metric{{"AWS/Firehose", "DeliveryToS3.DataFreshness", "Maximum", map[string]*string{"DeliveryStreamName": stream.Ref()}}},
		threshold: auditLateSeconds, period: 5 * minute, periods: 1,
		urgency: records,
	})
	alarms.add(scope, "Errors", alarm{
		name:      "AuditLogErrors",
		says:      "Firehose failed to write events to the audit log, or wrote them under errors/.",
		runbook:   "audit-log-late",
		metrics:   []metric{{"AWS/Logs", "IncomingLogEvents", "Sum", map[string]*string{"LogGroupName": logs.LogGroupName()}}},
		threshold: 1, period: occurrence, periods: 1,
		urgency: records,
	})
}
