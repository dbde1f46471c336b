package main

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/internal/alarms"
	cw "github.com/payrail/payrail/local/cloudwatch"
)

func TestAlarms(t *testing.T) {
	cleanEnvironment(t)
	endpoint := startSmallStack(t)
	t.Setenv(endpointVariable, endpoint)

	got := execute(t, "alarms")
	require.Equal(t, result{stdout: "stack Payrail has no alarms: it was deployed with them off (-c alarms=off), or by a version without\n"}, got)

	cfg, err := config.LoadDefaultConfig(t.Context(), config.WithBaseEndpoint(endpoint), config.WithRegion("us-east-1"),
		config.WithCredentialsProvider(credentials.NewStaticCredentialsProvider("test", "test", "")))
	require.NoError(t, err)
	client := cloudwatch.NewFromConfig(cfg)
	_, err = client.PutMetricAlarm(t.Context(), &cloudwatch.PutMetricAlarmInput{
		AlarmName: aws.String("Payrail-Legs"), AlarmDescription: aws.String("Legs wait. docs/operating/README.md"), Namespace: aws.String("Own"), MetricName: aws.String("Legs"),
		Statistic: types.StatisticSum, Period: aws.Int32(60), EvaluationPeriods: aws.Int32(1), Threshold: aws.Float64(2), ComparisonOperator: types.ComparisonOperatorGreaterThanThreshold,
	})
	require.NoError(t, err)
	got = execute(t, "alarms")
	require.Equal(t, result{stdout: "nothing is firing: 1 alarm\n"}, got)
	got = execute(t, "alarms", "--all")
	require.Equal(t, statusDone, got.status)
	require.Contains(t, got.stdout, "Payrail-Legs  INSUFFICIENT_DATA")

	_, err = client.PutMetricData(t.Context(), &cloudwatch.PutMetricDataInput{Namespace: aws.String("Own"),
		MetricData: []types.MetricDatum{{MetricName: aws.String("Legs"), Value: aws.Float64(7), Timestamp: aws.Time(time.Now().Add(-time.Minute))}}})
	require.NoError(t, err)
	_, err = client.SetAlarmState(t.Context(), &cloudwatch.SetAlarmStateInput{AlarmName: aws.String("Payrail-Legs"), StateValue: types.StateValueAlarm, StateReason: aws.String("a drill")})
	require.NoError(t, err)
	got = execute(t, "alarms")
	require.Equal(t, statusFailed, got.status)
	require.Regexp(t, `^alarm         since  why\nPayrail-Legs  \d+s     Legs is 7, alarm above 2\n\nPayrail-Legs\n  Legs wait.\n  read  docs/operating/README.md\n$`, got.stdout)
	require.Equal(t, "payrail: 1 alarm firing; see docs/operating/README.md\n", got.stderr)

	got = execute(t, "alarms", "--json")
	require.Equal(t, statusFailed, got.status)
	var report alarms.Report
	require.NoError(t, json.Unmarshal([]byte(got.stdout), &report))
	require.Len(t, report.Alarms, 1)
	require.Equal(t, 7.0, *report.Alarms[0].Value)
}

func TestUpTellsOfAlarms(t *testing.T) {
	var stderr bytes.Buffer
	a := &application{stderr: &stderr}
	for _, c := range []cw.Change{
		{Name: "Payrail-A", Old: cw.InsufficientData, New: cw.OK},
		{Name: "Payrail-A", Description: "Legs wait. docs/operating/README.md", Old: cw.OK, New: cw.Alarm},
		{Name: "Payrail-B", Description: "Payments stand still: `payrail alarms` says why.", Old: cw.InsufficientData, New: cw.Alarm},
		{Name: "Payrail-A", Old: cw.Alarm, New: cw.OK},
		{Name: "Payrail-C", Description: "The schedule has not run f. docs/operating/alarms.md#silent-jobs", Old: cw.OK, New: cw.InsufficientData},
		{Name: "Payrail-C", Old: cw.InsufficientData, New: cw.OK},
	} {
		a.tellAlarm(c)
	}
	require.Equal(t, "alarm Payrail-A: Legs wait; see `payrail alarms`\nalarm Payrail-B: Payments stand still: `payrail alarms` says why\nalarm Payrail-A is over\n"+
		"alarm Payrail-C: The schedule has not run f; see `payrail alarms`\n", stderr.String())
}

func TestAgo(t *testing.T) {
	now := time.Date(2026, 7, 9, 10, 15, 30, 0, time.UTC)
	for d, want := range map[time.Duration]string{
		-time.Second: "0s", 59 * time.Second: "59s", 61 * time.Second: "1m01s", 90 * time.Minute: "1h30m", 50 * time.Hour: "2d02h",
	} {
		require.Equal(t, want, ago(now, now.Add(-d)))
	}
}
