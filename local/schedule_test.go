package local

import (
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/local/clock"
	"github.com/payrail/payrail/local/sqs"
	"github.com/payrail/payrail/local/storage"
)

// scheduleTemplate is a function that fails, on a schedule. PERMISSION is where its policy goes.
const scheduleTemplate = `{"Resources":{
	"Failed":{"Type":"AWS::SQS::Queue","Properties":{"QueueName":"failed"}},
	"Undelivered":{"Type":"AWS::SQS::Queue","Properties":{"QueueName":"undelivered"}},
	"UndeliveredPolicy":{"Type":"AWS::SQS::QueuePolicy","Properties":{"Queues":[{"Ref":"Undelivered"}],"PolicyDocument":{"Statement":[{"Effect":"Allow",
		"Principal":{"Service":"events.amazonaws.com"},"Action":"sqs:SendMessage","Resource":"*","Condition":{"ArnEquals":{"aws:SourceArn":{"Fn::GetAtt":["Rule","Arn"]}}}}]}}},
	"Job":{"Type":"AWS::Lambda::Function","Properties":{"FunctionName":"job","Runtime":"provided.al2023","Handler":"bootstrap","Role":"r",
		"Code":{"S3Bucket":"assets","S3Key":"job.zip"},"DeadLetterConfig":{"TargetArn":{"Fn::GetAtt":["Failed","Arn"]}}}},
	"Rule":{"Type":"AWS::Events::Rule","Properties":{"Name":"hourly","ScheduleExpression":"cron(5 * * * ? *)","State":"ENABLED","Targets":[{"Id":"Target",
		"Arn":{"Fn::GetAtt":["Job","Arn"]},"DeadLetterConfig":{"Arn":{"Fn::GetAtt":["Undelivered","Arn"]}},
		"RetryPolicy":{"MaximumRetryAttempts":185,"MaximumEventAgeInSeconds":86400}}]}}
	PERMISSION}}`

const schedulePermission = `,"Permission":{"Type":"AWS::Lambda::Permission","Properties":{"Action":"lambda:InvokeFunction","FunctionName":{"Fn::GetAtt":["Job","Arn"]},
	"Principal":"events.amazonaws.com","SourceArn":{"Fn::GetAtt":["Rule","Arn"]}}}`

const scheduleAssets = `{"version":"1","files":{"job":{"source":{"path":"job","packaging":"zip"},"destinations":{"here":{"bucketName":"assets","objectKey":"job.zip"}}}}}`

// startSchedule runs the template with a function whose program ends at once, which fails every invocation.
func startSchedule(t *testing.T, permission string) (*Runtime, *clock.Manual) {
	t.Helper()
	folder, now := t.TempDir(), clock.NewManual(testStart)
	require.NoError(t, os.Mkdir(filepath.Join(folder, "job"), 0o700))
	for name, content := range map[string]string{
		"Stack.template.json": strings.Replace(scheduleTemplate, "PERMISSION", permission, 1),
		"Stack.assets.json":   scheduleAssets,
		"job/bootstrap":       "#!/bin/sh\nexit 3\n",
	} {
		require.NoError(t, os.WriteFile(filepath.Join(folder, name), []byte(content), 0o700))
	}
	r, err := Start(t.Context(), Options{Assembly: folder, Stack: "Stack", Store: storage.NewMemory(), Clock: now, Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, r.Close()) })
	return r, now
}

// letter advances the clock in steps until a queue has a message, and returns it.
func letter(t *testing.T, r *Runtime, now *clock.Manual, queue string) sqs.Message {
	t.Helper()
	require.Eventually(t, func() bool {
		now.Advance(time.Minute)
		n, err := r.sqs.Depth(queuePrefix + queue)
		return err == nil && n > 0
	}, 30*time.Second, 20*time.Millisecond)
	messages, err := r.sqs.Receive(t.Context(), queuePrefix+queue, 1, 0)
	require.NoError(t, err)
	return messages[0]
}

// A scheduled function that fails is tried three times by Lambda, not by the rule, and its event then is in the function's
// dead-letter queue ("Handling errors for asynchronous invocation", Lambda Developer Guide).
func TestAScheduledFunctionThatFailsLeavesItsEvent(t *testing.T) {
	r, now := startSchedule(t, schedulePermission)
	dead := letter(t, r, now, "failed")
	var event struct {
		DetailType string `json:"detail-type"`
		Source     string
		Time       time.Time
		Resources  []string
	}
	require.NoError(t, json.Unmarshal([]byte(dead.Body), &event))
	require.Equal(t, "Scheduled Event", event.DetailType)
	require.Equal(t, "aws.events", event.Source)
	require.Equal(t, time.Date(2026, 7, 9, 11, 5, 0, 0, time.UTC), event.Time)
	require.Equal(t, []string{"arn:aws:events:us-east-1:000000000000:rule/hourly"}, event.Resources)
	stats, err := r.sqs.Stats(queuePrefix + "undelivered")
	require.NoError(t, err)
	require.Zero(t, stats.Sent, "the rule delivered: what the function did then is not the rule's")
}

func TestARuleMayNotInvokeAFunctionThatDoesNotLetIt(t *testing.T) {
	another := strings.Replace(schedulePermission, `{"Fn::GetAtt":["Rule","Arn"]}`, `"arn:aws:events:us-east-1:000000000000:rule/another"`, 1)
	for name, permission := range map[string]string{"no permission": "", "another rule's": another} {
		t.Run(name, func(t *testing.T) {
			r, now := startSchedule(t, permission)
			dead := letter(t, r, now, "undelivered")
			require.Equal(t, "NO_PERMISSIONS", dead.Attributes["ERROR_CODE"].StringValue)
			require.Equal(t, "arn:aws:lambda:us-east-1:000000000000:function:job", dead.Attributes["TARGET_ARN"].StringValue)
		})
	}
}
