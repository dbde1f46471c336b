package cloudwatch

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/local/clock"
	"github.com/payrail/payrail/local/faults"
)

const (
	region  = "us-east-1"
	account = "000000000000"
	topic   = "arn:aws:sns:us-east-1:000000000000:operators"
)

var testStart = time.Date(2026, 7, 9, 10, 15, 30, 0, time.UTC)

// told is a notification.
type told struct{ topic, alarm, subject, message string }

// topics remembers notifications, or fails them.
type topics struct {
	told []told
	err  error
}

func (t *topics) Notify(_ context.Context, topicARN, alarmARN, subject, message string) error {
	if t.err != nil {
		return t.err
	}
	t.told = append(t.told, told{topicARN, alarmARN, subject, message})
	return nil
}

type fixture struct {
	*Service
	clock    *clock.Manual
	faults   *faults.Injector
	topics   *topics
	changes  []Change
	endpoint string
	client   *sdk.Client
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	f := &fixture{clock: clock.NewManual(testStart), faults: &faults.Injector{}, topics: &topics{}}
	f.Service = New(Options{Clock: f.clock, Topics: f.topics, Faults: f.faults, Logger: slog.New(slog.DiscardHandler), Region: region, Account: account,
		Changed: func(c Change) { f.changes = append(f.changes, c) }})
	t.Cleanup(f.Close)
	server := httptest.NewServer(f.Service)
	t.Cleanup(server.Close)
	f.endpoint = server.URL
	f.client = sdk.New(sdk.Options{Region: region, BaseEndpoint: aws.String(server.URL), RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", "")})
	return f
}

// at is the begin of the nth minute after the test's start.
func at(n int) time.Time { return testStart.Truncate(time.Minute).Add(time.Duration(n) * time.Minute) }

// query makes a request of the query protocol and returns the status and the answer.
func (f *fixture) query(t *testing.T, form string) (int, string) {
	t.Helper()
	return f.post(t, form, map[string]string{"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"})
}

// json makes a request of the JSON protocol.
func (f *fixture) json(t *testing.T, operation, body string) (int, string) {
	t.Helper()
	return f.post(t, body, map[string]string{"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": "GraniteServiceVersion20100801." + operation})
}

func (f *fixture) post(t *testing.T, body string, header map[string]string) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, f.endpoint, strings.NewReader(body))
	require.NoError(t, err)
	for name, value := range header {
		request.Header.Set(name, value)
	}
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response.StatusCode, string(text)
}

// codeOf is the code of an API error, or "".
func codeOf(err error) string {
	var e smithy.APIError
	if errors.As(err, &e) {
		return e.ErrorCode()
	}
	return ""
}

func (f *fixture) stateOf(t *testing.T, name string) State {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	require.Contains(t, f.alarms, name)
	return f.alarms[name].state
}

func ptr[T any](v T) *T { return &v }

// depthAlarm is an alarm on the depth of a queue, one minute out of one.
func depthAlarm(name, queue string) MetricAlarmSpec {
	return MetricAlarmSpec{
		AlarmName: name, AlarmActions: []string{topic}, OKActions: []string{topic},
		Namespace: "AWS/SQS", MetricName: "ApproximateNumberOfMessagesVisible", Dimensions: []Dimension{{"QueueName", queue}}, Statistic: "Maximum",
		Period: ptr(60), EvaluationPeriods: ptr(1), Threshold: ptr(1.0), ComparisonOperator: greaterOrEqual, TreatMissingData: missingIsNotBreaching,
	}
}

// depth puts the depth of a queue for the nth minute.
func (f *fixture) depth(queue string, n int, messages float64) {
	f.Put(Gauge(Metric{"AWS/SQS", "ApproximateNumberOfMessagesVisible", []Dimension{{"QueueName", queue}}}, UnitCount, at(n), messages))
}
