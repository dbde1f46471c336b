package test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/internal/alarms"
	"github.com/payrail/payrail/local"
	"github.com/payrail/payrail/local/clock"
	"github.com/payrail/payrail/local/faults"
)

// alarmScale is how many times as fast this test's timers run: five tries three minutes apart take three seconds, and alarms are
// evaluated five times a second.
const alarmScale = 300

// When the ledger refuses writes, payments pile up in the dead-letter queue of posting, its alarm goes off and `payrail alarms` says so;
// once they are put back the alarm is over.
func TestAlarmOfADeadLetterQueue(t *testing.T) {
	s := startWith(t, func(o *local.Options) { o.Clock = clock.NewScaled(alarmScale) })
	queue := s.queue(t, "PostingDeadLetters")
	client := cloudwatch.NewFromConfig(s.aws)
	name := s.alarmOf(t, client, queue)
	s.awaitState(t, client, name, types.StateValueOk)

	require.NoError(t, s.Faults.Arm(faults.Fault{Operation: "dynamodb:TransactWriteItems", When: faults.BeforeEffect, Code: "AccessDeniedException", Times: 1_000_000}))
	s.put(t, item(t, 1, aliceCard, nil))
	s.awaitState(t, client, name, types.StateValueAlarm)

	out, problem, status := s.payrail(t, "alarms", "--json")
	require.Equal(t, 1, status, problem)
	require.Contains(t, problem, "firing; see docs/operating/alarms.md#")
	var report alarms.Report
	require.NoError(t, json.Unmarshal([]byte(out), &report))
	var found alarms.Alarm
	for _, alarm := range report.Alarms {
		require.True(t, alarm.Firing(), alarm.Name)
		if alarm.Name == name {
			found = alarm
		}
	}
	require.NotEmpty(t, found.Says)
	require.Contains(t, found.Runbook, "docs/operating/alarms.md#")
	require.Equal(t, "payrail redrive PostingDeadLetters", found.Command)
	require.Regexp(t, `^\d messages? in PostingDeadLetters, alarm from 1$`, found.Why)
	require.NotNil(t, found.Value)
	require.False(t, report.At.Before(found.Since), "the runtime's clock, which is ahead of this machine's")

	// What is put back is posted, once, and the alarm is over by itself.
	s.Faults.Clear()
	arn := "arn:aws:sqs:us-east-1:000000000000:" + queue[strings.LastIndexByte(queue, '/')+1:]
	_, err := sqs.NewFromConfig(s.aws).StartMessageMoveTask(t.Context(), &sqs.StartMessageMoveTaskInput{SourceArn: &arn})
	require.NoError(t, err)
	s.awaitState(t, client, name, types.StateValueOk)
	eventually(t, "the payment is posted", func() bool { return s.journalEntries(t, "acc-alice") == 1 })
	s.requireSound(t)
}

// alarmOf is the name of the stack's alarm on the depth of a queue.
func (s *system) alarmOf(t *testing.T, client *cloudwatch.Client, queueURL string) string {
	t.Helper()
	name := queueURL[strings.LastIndexByte(queueURL, '/')+1:]
	out, err := client.DescribeAlarmsForMetric(t.Context(), &cloudwatch.DescribeAlarmsForMetricInput{
		Namespace: aws.String("AWS/SQS"), MetricName: aws.String("ApproximateNumberOfMessagesVisible"),
		Dimensions: []types.Dimension{{Name: aws.String("QueueName"), Value: &name}},
	})
	require.NoError(t, err)
	require.Len(t, out.MetricAlarms, 1, name)
	return *out.MetricAlarms[0].AlarmName
}

// awaitState waits until an alarm has a state.
func (s *system) awaitState(t *testing.T, client *cloudwatch.Client, name string, want types.StateValue) {
	t.Helper()
	eventually(t, name+" is "+string(want), func() bool {
		out, err := client.DescribeAlarms(t.Context(), &cloudwatch.DescribeAlarmsInput{AlarmNames: []string{name}})
		require.NoError(t, err)
		require.Len(t, out.MetricAlarms, 1)
		return out.MetricAlarms[0].StateValue == want
	})
}
