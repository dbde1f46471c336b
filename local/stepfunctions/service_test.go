package stepfunctions

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/local/clock"
	"github.com/payrail/payrail/local/faults"
	"github.com/payrail/payrail/local/wire"
)

// testRole is the role of state machines made through the API.
const testRole = "arn:aws:iam::000000000000:role/states"

var testStart = time.Date(2026, 7, 9, 10, 15, 30, 0, time.UTC)

// backend stands for the services a Task calls. Its zero value answers everything well.
type backend struct {
	mu        sync.Mutex
	events    []Event
	messages  []Message
	published []string
	invoke    func(ctx context.Context, function string, payload []byte) (Invocation, error)
	putErr    error
	results   []EventResult
}

func (b *backend) PutEvents(_ context.Context, events []Event) ([]EventResult, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.events = append(b.events, events...)
	if b.results != nil || b.putErr != nil {
		return b.results, b.putErr
	}
	results := make([]EventResult, len(events))
	for i := range results {
		results[i].EventID = "e-1"
	}
	return results, nil
}

func (b *backend) SendMessage(_ context.Context, m Message) (MessageResult, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if m.Body == "" {
		return MessageResult{}, wire.Errorf("MissingParameter", "The request must contain the parameter MessageBody.")
	}
	b.messages = append(b.messages, m)
	if m.QueueURL == "none" {
		return MessageResult{}, wire.Errorf("AWS.SimpleQueueService.NonExistentQueue", "no such queue")
	}
	if m.QueueURL == "undone" {
		return MessageResult{}, wire.NotImplemented("x")
	}
	return MessageResult{MessageID: "m-1", MD5OfBody: "md5", SequenceNumber: m.MessageGroupID}, nil
}

func (b *backend) Invoke(ctx context.Context, function, qualifier string, payload []byte) (Invocation, error) {
	return b.invoke(ctx, function+qualifier, payload)
}

func (b *backend) Publish(_ context.Context, topic, subject, message string) (string, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.published = append(b.published, topic+"|"+subject+"|"+message)
	if topic == "none" {
		return "", wire.Errorf("NotFound", "no such topic")
	}
	return "p-1", nil
}

type fixture struct {
	*Service
	backend *backend
	clock   *clock.Manual
	faults  *faults.Injector
	metrics *metricsLog
}

type metricsLog struct {
	mu    sync.Mutex
	names []string
}

func (m *metricsLog) record(metric string, value float64, _ string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.names = append(m.names, fmt.Sprintf("%s %g", metric, value))
}

func newFixture(t testing.TB, change ...func(*Options)) *fixture {
	t.Helper()
	f := &fixture{backend: &backend{}, clock: clock.NewManual(testStart), faults: &faults.Injector{}, metrics: &metricsLog{}}
	o := Options{
		Region: "us-east-1", Account: "000000000000", Clock: f.clock, Faults: f.faults, Metrics: f.metrics.record,
		Logger: slog.New(slog.NewTextHandler(io.Discard, nil)), Random: func() float64 { return 0.5 }, NewID: func() string { return "an-id" },
		Events: f.backend, Queues: f.backend, Functions: f.backend, Topics: f.backend,
	}
	for _, c := range change {
		c(&o)
	}
	s, err := New(o)
	require.NoError(t, err)
	f.Service = s
	t.Cleanup(s.Close)
	return f
}

func newNotes() *notes { return &notes{references: map[string]bool{}, assigned: map[string]string{}} }

func (f *fixture) create(t testing.TB, definition string) string {
	t.Helper()
	arn, err := f.CreateStateMachine(Spec{Name: "m", Type: "EXPRESS", Definition: definition, RoleARN: "role"})
	require.NoError(t, err, definition)
	return arn
}

// async runs one execution in the background; the channel gets its outcome.
func (f *fixture) async(t testing.TB, definition, input string) <-chan outcome {
	t.Helper()
	p, err := f.Service.begin(context.Background(), f.create(t, definition), "run", []byte(input))
	require.NoError(t, err)
	done := make(chan outcome, 1)
	go func() { done <- f.finish(p) }()
	return done
}

func (f *fixture) run(t testing.TB, definition, input string) outcome {
	t.Helper()
	return <-f.async(t, definition, input)
}

// single wraps one state.
func single(state string) string { return `{"StartAt":"S","States":{"S":` + state + `}}` }

func TestSubstitutions(t *testing.T) {
	f := newFixture(t)
	definition := single(`{"Type":"Pass","Result":{"bus":"${Bus}","again":"${Bus}"},"End":true}`)
	arn, err := f.CreateStateMachine(Spec{Name: "a", Type: "EXPRESS", Definition: definition, Substitutions: map[string]string{"Bus": "b-1"}})
	require.NoError(t, err)
	require.Equal(t, "arn:aws:states:us-east-1:000000000000:stateMachine:a", arn)
	m, err := f.find(arn)
	require.NoError(t, err)
	require.JSONEq(t, single(`{"Type":"Pass","Result":{"bus":"b-1","again":"b-1"},"End":true}`), m.definition)

	_, err = f.CreateStateMachine(Spec{Name: "b", Type: "EXPRESS", Definition: definition})
	require.EqualError(t, err, "InvalidDefinition: Invalid State Machine Definition: 'the substitution ${Bus} has no value'")
}

func TestCreateRefuses(t *testing.T) {
	f := newFixture(t)
	ok := single(`{"Type":"Succeed"}`)
	_, err := f.CreateStateMachine(Spec{Name: "a b", Type: "EXPRESS", Definition: ok})
	require.ErrorContains(t, err, "InvalidName")
	_, err = f.CreateStateMachine(Spec{Name: "a", Type: "FAST", Definition: ok})
	require.ErrorContains(t, err, "Value 'FAST' at 'type' failed to satisfy constraint")
	_, err = f.CreateStateMachine(Spec{Name: "a", Type: "EXPRESS", Definition: ok})
	require.NoError(t, err)
	_, err = f.CreateStateMachine(Spec{Name: "a", Type: "EXPRESS", Definition: ok})
	require.NoError(t, err, "the same again")
	_, err = f.CreateStateMachine(Spec{Name: "a", Type: "EXPRESS", Definition: single(`{"Type":"Fail"}`)})
	require.ErrorContains(t, err, "StateMachineAlreadyExists")
}

func TestStartRunsInTheBackgroundAndCounts(t *testing.T) {
	f := newFixture(t)
	arn := f.create(t, `{"StartAt":"C","States":{"C":{"Type":"Choice","Choices":[{"Variable":"$.ok","BooleanEquals":true,"Next":"Y"}],"Default":"N"},"Y":{"Type":"Succeed"},"N":{"Type":"Fail","Error":"No"}}}`)
	execution, err := f.Start(context.Background(), arn, "first", []byte(`{"ok":true}`))
	require.NoError(t, err)
	require.Equal(t, "arn:aws:states:us-east-1:000000000000:express:m:first:an-id", execution)
	_, err = f.Start(context.Background(), arn, "first", []byte(`{"ok":false}`))
	require.NoError(t, err, "the same name makes a second execution")
	f.Idle()
	require.Equal(t, Counts{Started: 2, Succeeded: 1, Failed: 1}, f.Counts(arn))
	require.ElementsMatch(t, []string{"ExecutionsStarted 1", "ExecutionsStarted 1", "ExecutionsSucceeded 1", "ExecutionsFailed 1", "ExecutionTime 0", "ExecutionTime 0"}, f.metrics.names)
}

func TestStartRefuses(t *testing.T) {
	f := newFixture(t)
	arn := f.create(t, single(`{"Type":"Succeed"}`))
	for name, tc := range map[string]struct{ arn, name, input, want string }{
		"no such machine": {arn + "x", "", `{}`, "StateMachineDoesNotExist"},
		"not JSON":        {arn, "", `{`, "InvalidExecutionInput"},
		"a bad name":      {arn, "a b", `{}`, "InvalidName"},
		"too large":       {arn, "", `"` + strings.Repeat("x", maxDataBytes-1) + `"`, "ValidationException"},
	} {
		_, err := f.Start(context.Background(), tc.arn, tc.name, []byte(tc.input))
		require.ErrorContains(t, err, tc.want, name)
	}
	_, err := f.Start(context.Background(), arn, "", []byte(`"`+strings.Repeat("x", maxDataBytes-2)+`"`))
	require.NoError(t, err, "the limit itself is allowed")
	f.Idle()
	f.Close()
	_, err = f.Start(context.Background(), arn, "", []byte(`{}`))
	require.ErrorIs(t, err, errClosed)
}

func TestStartWaitsForASlot(t *testing.T) {
	f := newFixture(t, func(o *Options) { o.MaxConcurrent = 1 })
	arn := f.create(t, single(`{"Type":"Wait","Seconds":10,"End":true}`))
	_, err := f.Start(context.Background(), arn, "", []byte(`{}`))
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = f.Start(ctx, arn, "", []byte(`{}`))
	require.ErrorContains(t, err, "ThrottlingException")
	f.clock.WaitForTimers(2) // the execution's limit and the Wait
	f.clock.Advance(10 * time.Second)
	f.Idle()
	_, err = f.Start(context.Background(), arn, "", []byte(`{}`))
	require.NoError(t, err)
}

func TestInjectedFaults(t *testing.T) {
	f := newFixture(t)
	arn := f.create(t, single(`{"Type":"Succeed"}`))
	require.NoError(t, f.faults.Arm(faults.Fault{Operation: "states:StartExecution", When: faults.AfterEffect, Code: "InternalException"}))
	_, err := f.Start(context.Background(), arn, "", []byte(`{}`))
	require.ErrorContains(t, err, "InternalException")
	f.Idle()
	require.Equal(t, 1, f.Counts(arn).Succeeded, "the answer was lost, not the execution")
}

func (f *fixture) call(t *testing.T, operation string, in any) (int, map[string]any) {
	t.Helper()
	body, err := json.Marshal(in)
	require.NoError(t, err)
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(string(body)))
	r.Header.Set("X-Amz-Target", "AWSStepFunctions."+operation)
	w := httptest.NewRecorder()
	f.ServeHTTP(w, r)
	var out map[string]any
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &out))
	require.Equal(t, "application/x-amz-json-1.0", w.Header().Get("Content-Type"))
	return w.Code, out
}

type in = map[string]any

func TestAPI(t *testing.T) {
	f := newFixture(t)
	const arn = "arn:aws:states:us-east-1:000000000000:stateMachine:api"
	definition := `{"StartAt":"C","States":{"C":{"Type":"Choice","Choices":[{"Variable":"$.ok","BooleanEquals":true,"Next":"Y"}],"Default":"N"},"Y":{"Type":"Pass","Result":{"price":1.50,"text":"${kept}"},"End":true},"N":{"Type":"Fail","Error":"No","Cause":"because"}}}`
	status, out := f.call(t, "CreateStateMachine", in{"name": "api", "type": "EXPRESS", "roleArn": testRole, "definition": definition})
	require.Equal(t, 200, status, out)
	require.Equal(t, in{"stateMachineArn": arn, "creationDate": 1783592130.0}, out)

	_, out = f.call(t, "DescribeStateMachine", in{"stateMachineArn": arn})
	require.Equal(t, in{"stateMachineArn": arn, "name": "api", "status": "ACTIVE", "definition": definition, "roleArn": testRole, "type": "EXPRESS", "creationDate": 1783592130.0,
		"loggingConfiguration": in{"level": "OFF", "includeExecutionData": false}, "tracingConfiguration": in{"enabled": false}, "encryptionConfiguration": in{"type": "AWS_OWNED_KEY"}}, out)

	_, out = f.call(t, "StartSyncExecution", in{"stateMachineArn": arn, "name": "one", "input": `{"ok": true}`})
	require.Equal(t, "SUCCEEDED", out["status"])
	require.Equal(t, `{"price":1.50,"text":"${kept}"}`, out["output"])
	require.Equal(t, `{"ok": true}`, out["input"])
	require.Equal(t, "arn:aws:states:us-east-1:000000000000:express:api:one:an-id", out["executionArn"])

	status, out = f.call(t, "StartSyncExecution", in{"stateMachineArn": arn, "input": `{"ok":false}`})
	require.Equal(t, 200, status, "a failed execution is an answer")
	require.Equal(t, "FAILED", out["status"])
	require.Equal(t, "No", out["error"])
	require.Equal(t, "because", out["cause"])
	require.NotContains(t, out, "output")

	_, out = f.call(t, "StartSyncExecution", in{"stateMachineArn": arn})
	require.Equal(t, errorRuntime, out["error"], "the input is {} by default, and $.ok is missing")

	status, out = f.call(t, "StartExecution", in{"stateMachineArn": arn, "name": "two", "input": `{"ok":true}`})
	require.Equal(t, 200, status)
	require.Equal(t, "arn:aws:states:us-east-1:000000000000:express:api:two:an-id", out["executionArn"])
	f.Idle()
	require.Equal(t, Counts{Started: 4, Succeeded: 2, Failed: 2}, f.Counts(arn))

	status, out = f.call(t, "DescribeStateMachine", in{"stateMachineArn": arn + "x"})
	require.Equal(t, 400, status)
	require.Equal(t, "StateMachineDoesNotExist", out["__type"])
}

func TestListPages(t *testing.T) {
	f := newFixture(t)
	for _, name := range []string{"c", "a", "b"} {
		_, err := f.CreateStateMachine(Spec{Name: name, Type: "EXPRESS", Definition: single(`{"Type":"Succeed"}`)})
		require.NoError(t, err)
	}
	names := func(out in) (names []string) {
		for _, m := range out["stateMachines"].([]any) {
			names = append(names, m.(in)["name"].(string))
		}
		return names
	}
	_, first := f.call(t, "ListStateMachines", in{"maxResults": 2})
	require.Equal(t, []string{"a", "b"}, names(first))
	_, second := f.call(t, "ListStateMachines", in{"maxResults": 2, "nextToken": first["nextToken"]})
	require.Equal(t, []string{"c"}, names(second))
	require.NotContains(t, second, "nextToken")
}

func TestValidateDefinition(t *testing.T) {
	f := newFixture(t)
	for definition, want := range map[string]string{
		single(`{"Type":"Succeed"}`): "OK", single(`{"Type":"Nope"}`): "SCHEMA_VALIDATION_FAILED", `{`: "INVALID_JSON_DESCRIPTION",
	} {
		_, out := f.call(t, "ValidateStateMachineDefinition", in{"definition": definition, "type": "EXPRESS"})
		if want == "OK" {
			require.Equal(t, in{"result": "OK", "diagnostics": []any{}, "truncated": false}, out)
			continue
		}
		require.Equal(t, "FAIL", out["result"])
		require.Equal(t, want, out["diagnostics"].([]any)[0].(in)["code"])
	}
}
