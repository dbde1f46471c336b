package stepfunctions

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/local/wire"
)

func TestDataFlow(t *testing.T) {
	const input = `{"a":{"b":1.50},"list":[1,2],"s":"x","n":3}`
	for name, tc := range map[string]struct{ state, want string }{
		"pass":                        {`{"Type":"Pass","End":true}`, input},
		"result":                      {`{"Type":"Pass","Result":{"r":1},"End":true}`, `{"r":1}`},
		"result path":                 {`{"Type":"Pass","Result":1,"ResultPath":"$.a.c","End":true}`, `{"a":{"b":1.50,"c":1},"list":[1,2],"s":"x","n":3}`},
		"result discarded":            {`{"Type":"Pass","Result":1,"ResultPath":null,"End":true}`, input},
		"input path":                  {`{"Type":"Pass","InputPath":"$.a","End":true}`, `{"b":1.50}`},
		"input path null":             {`{"Type":"Pass","InputPath":null,"End":true}`, `{}`},
		"output path":                 {`{"Type":"Pass","OutputPath":"$.list[1]","End":true}`, `2`},
		"output path null":            {`{"Type":"Pass","OutputPath":null,"End":true}`, `{}`},
		"result path is on raw input": {`{"Type":"Pass","InputPath":"$.n","ResultPath":"$.copy","OutputPath":"$.copy","End":true}`, `3`},
		"parameters": {
			`{"Type":"Pass","Parameters":{"z.$":"$.a.b","fixed":{"k":[1,{"deep.$":"$.s"}]},"all.$":"$$.Execution.Input.n"},"End":true}`,
			`{"z":1.50,"fixed":{"k":[1,{"deep":"x"}]},"all":3}`,
		},
		"context": {
			`{"Type":"Pass","Parameters":{"id.$":"$$.Execution.Id","start.$":"$$.Execution.StartTime","name.$":"$$.Execution.Name","role.$":"$$.Execution.RoleArn","m.$":"$$.StateMachine","s.$":"$$.State"},"End":true}`,
			`{"id":"arn:aws:states:us-east-1:000000000000:express:m:run:an-id","start":"2026-07-09T10:15:30Z","name":"run","role":"role","m":{"Id":"arn:aws:states:us-east-1:000000000000:stateMachine:m","Name":"m"},"s":{"Name":"S","EnteredTime":"2026-07-09T10:15:30Z"}}`,
		},
		"succeed":          {`{"Type":"Succeed","InputPath":"$.a"}`, `{"b":1.50}`},
		"parallel":         {`{"Type":"Parallel","Branches":[{"StartAt":"A","States":{"A":{"Type":"Pass","InputPath":"$.n","End":true}}},{"StartAt":"B","States":{"B":{"Type":"Pass","Result":2,"End":true}}}],"ResultSelector":{"first.$":"$[0]","all.$":"$"},"ResultPath":"$.p","OutputPath":"$.p","End":true}`, `{"first":3,"all":[3,2]}`},
		"map":              {`{"Type":"Map","ItemsPath":"$.list","ItemProcessor":{"StartAt":"A","States":{"A":{"Type":"Pass","Parameters":{"n.$":"States.MathAdd($, 1)"},"End":true}}},"End":true}`, `[{"n":2},{"n":3}]`},
		"map, selector":    {`{"Type":"Map","ItemsPath":"$.list","MaxConcurrency":1,"ItemSelector":{"i.$":"$$.Map.Item.Index","v.$":"$$.Map.Item.Value","s.$":"$.s"},"ItemProcessor":{"ProcessorConfig":{"Mode":"INLINE"},"StartAt":"A","States":{"A":{"Type":"Succeed"}}},"End":true}`, `[{"i":0,"v":1,"s":"x"},{"i":1,"v":2,"s":"x"}]`},
		"map, older names": {`{"Type":"Map","ItemsPath":"$.list","Parameters":{"v.$":"$$.Map.Item.Value"},"Iterator":{"StartAt":"A","States":{"A":{"Type":"Succeed"}}},"End":true}`, `[{"v":1},{"v":2}]`},
	} {
		t.Run(name, func(t *testing.T) {
			o := newFixture(t).run(t, single(tc.state), input)
			require.Nil(t, o.failure)
			require.Equal(t, tc.want, o.output.String())
		})
	}
}

func TestFailures(t *testing.T) {
	// The handler catches what can be caught; what ends the execution in spite of it is terminal.
	caught := `,"Catch":[{"ErrorEquals":["States.ALL"],"Next":"H"}],"End":true},"H":{"Type":"Pass","Result":"caught","End":true}}}`
	parallel := func(state string) string {
		return `{"StartAt":"S","States":{"S":{"Type":"Parallel","Branches":[{"StartAt":"B","States":{"B":` + state + `}}]` + caught
	}
	for name, tc := range map[string]struct{ definition, wantError, wantCause string }{
		"a missing path in Parameters": {parallel(`{"Type":"Pass","Parameters":{"a.$":"$.missing"},"End":true}`), errorRuntime, "'$.missing' specified for the field 'a.$'"},
		"a missing InputPath":          {parallel(`{"Type":"Pass","InputPath":"$.missing","End":true}`), errorRuntime, "'$.missing'"},
		"a missing OutputPath":         {parallel(`{"Type":"Pass","OutputPath":"$.missing","End":true}`), errorRuntime, "'$.missing'"},
		"a missing path in a Choice":   {parallel(`{"Type":"Choice","Choices":[{"Variable":"$.missing","IsNull":true,"Next":"T"}]},"T":{"Type":"Succeed"}`), errorRuntime, "references an invalid value"},
		"no items":                     {single(`{"Type":"Map","ItemProcessor":{"StartAt":"A","States":{"A":{"Type":"Succeed"}}}` + caught[:strings.Index(caught, `,"End"`)] + `,"End":true},"H":{"Type":"Succeed"}`), errorRuntime, "must be an array"},
		"too large":                    {parallel(`{"Type":"Pass","Parameters":{"a.$":"$.big","b.$":"$.big"},"End":true}`), errorDataLimit, "exceeding the maximum number of bytes"},
		"no choice":                    {`{"StartAt":"S","States":{"S":{"Type":"Choice","Choices":[{"Variable":"$.n","NumericEquals":1,"Next":"T"}]},"T":{"Type":"Succeed"}}}`, errorNoChoiceMatched, "no Default"},
		"result path":                  {single(`{"Type":"Pass","ResultPath":"$.n.x","End":true}`), errorResultPathMismatch, "'$.n.x'"},
		"fail":                         {single(`{"Type":"Fail","Error":"E","Cause":"C"}`), "E", "C"},
		"fail by path":                 {single(`{"Type":"Fail","ErrorPath":"$.e","CausePath":"States.Format('n is {}', $.n)"}`), "MyError", "n is 3"},
		"fail by a path to a number":   {single(`{"Type":"Fail","ErrorPath":"$.n"}`), errorRuntime, "must give a string"},
		"wait for nothing":             {single(`{"Type":"Wait","SecondsPath":"$.missing","End":true}`), errorRuntime, "'$.missing'"},
		"wait for text":                {single(`{"Type":"Wait","SecondsPath":"$.e","End":true}`), errorRuntime, "must be an integer"},
		"wait until text":              {single(`{"Type":"Wait","TimestampPath":"$.e","End":true}`), errorRuntime, "$.e == MyError"},
		"can be caught: no choice":     {parallel(`{"Type":"Choice","Choices":[{"Variable":"$.n","NumericEquals":1,"Next":"T"}]},"T":{"Type":"Succeed"}`), "", ""},
		"can be caught: an intrinsic":  {parallel(`{"Type":"Pass","Parameters":{"a.$":"States.ArrayLength($.n)"},"End":true}`), "", ""},
		"can be caught: fail":          {parallel(`{"Type":"Fail","Error":"E"}`), "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			o := newFixture(t).run(t, tc.definition, `{"n":3,"e":"MyError","big":"`+strings.Repeat("x", maxDataBytes/2)+`"}`)
			if tc.wantError == "" {
				require.Nil(t, o.failure)
				require.Equal(t, `"caught"`, o.output.String())
				return
			}
			require.NotNil(t, o.failure)
			require.Equal(t, "FAILED", o.status())
			require.Equal(t, tc.wantError, o.failure.name)
			require.Contains(t, o.failure.cause, tc.wantCause)
		})
	}
}

const invoke = `"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","Parameters":{"FunctionName":"f","Payload.$":"$"}`

func TestRetryWaitsOnTheClock(t *testing.T) {
	f := newFixture(t)
	var calls atomic.Int32
	f.backend.invoke = func(context.Context, string, []byte) (Invocation, error) {
		calls.Add(1)
		return Invocation{}, wire.Errorf("TooManyRequestsException", "slow down")
	}
	done := f.async(t, `{"StartAt":"S","States":{"S":{`+invoke+`,
	 "Retry":[{"ErrorEquals":["Other"],"MaxAttempts":9},{"ErrorEquals":["Lambda.TooManyRequestsException"],"IntervalSeconds":2,"MaxAttempts":4,"BackoffRate":3,"MaxDelaySeconds":20}],
	 "Catch":[{"ErrorEquals":["States.TaskFailed"],"ResultPath":"$.e","Next":"H"}],"End":true},
	 "H":{"Type":"Pass","End":true}}}`, `{"in":1}`)
	for i, delay := range []time.Duration{2 * time.Second, 6 * time.Second, 18 * time.Second, 20 * time.Second} {
		f.clock.WaitForTimers(2) // the execution's limit and the back-off
		require.EqualValues(t, i+1, calls.Load())
		f.clock.Advance(delay - time.Millisecond)
		require.EqualValues(t, i+1, calls.Load())
		f.clock.Advance(time.Millisecond)
	}
	o := <-done
	require.EqualValues(t, 5, calls.Load())
	require.Nil(t, o.failure)
	require.Equal(t, `{"in":1,"e":{"Error":"Lambda.TooManyRequestsException","Cause":"slow down (Service: AWSLambda; Status Code: 400; Error Code: TooManyRequestsException; Request ID: an-id; Proxy: null)"}}`, o.output.String())
}

func TestFullJitter(t *testing.T) {
	r := &retrier{interval: 4 * time.Second, rate: 2, maxDelay: 10 * time.Second, fullJitter: true}
	half := func() float64 { return 0.5 }
	require.Equal(t, 2*time.Second, r.delay(1, half))
	require.Equal(t, 4*time.Second, r.delay(2, half))
	require.Equal(t, 5*time.Second, r.delay(3, half), "the limit is applied before the jitter")
	require.Equal(t, 5*time.Second, r.delay(5000, half), "no overflow")
}

func TestMatching(t *testing.T) {
	for _, tc := range []struct {
		err   string
		names []string
		want  bool
	}{
		{"A", []string{"B", "A"}, true},
		{"A", []string{"a"}, false},
		{"A", []string{errorAll}, true},
		{"A", []string{errorTaskFailed}, true},
		{errorTimeout, []string{errorTaskFailed}, false},
		{errorTimeout, []string{errorAll}, true},
		{errorDataLimit, []string{errorAll}, true},
		{errorDataLimit, []string{errorDataLimit}, true},
	} {
		require.Equal(t, tc.want, (&failure{name: tc.err}).matches(tc.names), "%v", tc)
	}
	require.False(t, failf(errorRuntime, "").matches([]string{errorRuntime}), "always ends the execution")
	require.False(t, terminalf(errorDataLimit, "").matches([]string{errorAll, errorDataLimit}), "of a state that is not a Task")
}

func TestTaskTimeout(t *testing.T) {
	f := newFixture(t)
	f.backend.invoke = func(ctx context.Context, _ string, _ []byte) (Invocation, error) {
		<-ctx.Done()
		return Invocation{}, ctx.Err()
	}
	done := f.async(t, `{"StartAt":"S","States":{"S":{`+invoke+`,"TimeoutSecondsPath":"$.limit","Catch":[{"ErrorEquals":["States.Timeout"],"Next":"H"}],"End":true},"H":{"Type":"Pass","InputPath":"$.Error","End":true}}}`, `{"limit":7}`)
	f.clock.WaitForTimers(2)
	f.clock.Advance(7 * time.Second)
	o := <-done
	require.Nil(t, o.failure)
	require.Equal(t, `"States.Timeout"`, o.output.String())
}

func TestExecutionTimeout(t *testing.T) {
	for name, tc := range map[string]struct {
		timeout string
		limit   time.Duration
	}{
		"of its own":            {`"TimeoutSeconds":30,`, 30 * time.Second},
		"of Express":            {``, 5 * time.Minute},
		"longer than Express's": {`"TimeoutSeconds":600,`, 5 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			done := f.async(t, `{`+tc.timeout+`"StartAt":"W","States":{"W":{"Type":"Wait","Seconds":600,"Next":"L"},"L":{"Type":"Choice","Choices":[{"Variable":"$.end","IsPresent":true,"Next":"E"}],"Default":"W"},"E":{"Type":"Succeed"}}}`, `{}`)
			f.clock.WaitForTimers(2)
			f.clock.Advance(tc.limit - time.Millisecond)
			require.Empty(t, done)
			f.clock.Advance(time.Millisecond)
			o := <-done
			require.Equal(t, "TIMED_OUT", o.status())
			require.Equal(t, Counts{Started: 1, TimedOut: 1}, f.Counts("arn:aws:states:us-east-1:000000000000:stateMachine:m"))
		})
	}
}

func TestWait(t *testing.T) {
	for state, want := range map[string]time.Duration{
		`{"Type":"Wait","Seconds":5,"End":true}`:                        5 * time.Second,
		`{"Type":"Wait","SecondsPath":"$.s","End":true}`:                6 * time.Second,
		`{"Type":"Wait","Timestamp":"2026-07-09T10:15:37Z","End":true}`: 7 * time.Second,
		`{"Type":"Wait","TimestampPath":"$.t","End":true}`:              8 * time.Second,
	} {
		f := newFixture(t)
		done := f.async(t, single(state), `{"s":6,"t":"2026-07-09T10:15:38Z"}`)
		f.clock.WaitForTimers(2)
		f.clock.Advance(want)
		o := <-done
		require.Nil(t, o.failure, state)
		require.Equal(t, testStart.Add(want), o.stopped)
	}
	o := newFixture(t).run(t, single(`{"Type":"Wait","Timestamp":"2020-01-01T00:00:00Z","End":true}`), `{}`)
	require.Nil(t, o.failure, "a time that is past is not waited for")
}

func TestAFailedBranchStopsItsSiblings(t *testing.T) {
	f := newFixture(t)
	stopped := make(chan struct{})
	f.backend.invoke = func(ctx context.Context, _ string, payload []byte) (Invocation, error) {
		if string(payload) == `"bad"` {
			return Invocation{FunctionError: "Unhandled", Payload: []byte(`{"errorType":"badError","errorMessage":"bad"}`)}, nil
		}
		<-ctx.Done()
		close(stopped)
		return Invocation{}, ctx.Err()
	}
	o := f.run(t, single(`{"Type":"Map","ItemProcessor":{"StartAt":"A","States":{"A":{`+invoke+`,"Retry":[{"ErrorEquals":["States.ALL"],"MaxAttempts":0}],"End":true}}},"End":true}`), `["slow","bad"]`)
	<-stopped
	require.Equal(t, "badError", o.failure.name)
	require.JSONEq(t, `{"errorType":"badError","errorMessage":"bad"}`, o.failure.cause)
}

func TestMapRunsAtMostMaxConcurrencyAtOnce(t *testing.T) {
	f := newFixture(t)
	var now, most atomic.Int32
	f.backend.invoke = func(context.Context, string, []byte) (Invocation, error) {
		if n := now.Add(1); n > most.Load() {
			most.Store(n)
		}
		defer now.Add(-1)
		return Invocation{StatusCode: 200, Payload: []byte(`1`)}, nil
	}
	o := f.run(t, single(`{"Type":"Map","MaxConcurrency":2,"ItemProcessor":{"StartAt":"A","States":{"A":{`+invoke+`,"OutputPath":"$.Payload","End":true}}},"End":true}`), `[1,2,3,4,5,6,7,8]`)
	require.Nil(t, o.failure)
	require.Equal(t, `[1,1,1,1,1,1,1,1]`, o.output.String())
	require.LessOrEqual(t, most.Load(), int32(2))
}

func TestCloseStopsWhatRuns(t *testing.T) {
	f := newFixture(t)
	arn := f.create(t, single(`{"Type":"Wait","Seconds":60,"End":true}`))
	_, err := f.Start(context.Background(), arn, "", []byte(`{}`))
	require.NoError(t, err)
	f.Close()
	require.Equal(t, 1, f.Counts(arn).Failed)
}
