package lambda

import (
	"context"
	"errors"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/local/faults"
	"github.com/payrail/payrail/local/wire"
)

type answer struct {
	response      string
	functionError string
	err           error
}

// invokeAll starts n invocations at once.
func (f *fixture) invokeAll(n int, payload string) chan answer {
	answers := make(chan answer, n)
	for range n {
		go func() {
			response, functionError, err := f.Invoke(context.Background(), "probe", []byte(payload))
			answers <- answer{string(response), functionError, err}
		}()
	}
	return answers
}

func TestInvokeOutcomes(t *testing.T) {
	f := newFixture(t, nil)
	f.create(t, nil)
	for _, tc := range []struct {
		name, event, functionError, want string
	}{
		{"echo", `{"Do":"echo","Value":1.50}`, "", `{"Do":"echo","Value":1.50}`},
		{"error", `{"Do":"fail"}`, "Unhandled", `{"errorMessage":"failed as told","errorType":"probeError"}`},
		{"panic", `{"Do":"panic"}`, "Unhandled", `"errorMessage":"panicked as told","errorType":"string"`},
		{"after the panic", `{"Do":"echo"}`, "", `{"Do":"echo"}`},
		{"exit", `{"Do":"exit"}`, "Unhandled", `Error: Runtime exited with error: exit status 3"}`},
		{"after the exit", `{"Do":"echo"}`, "", `{"Do":"echo"}`},
		{"large response", `{"Do":"large"}`, "Unhandled", `{"errorType":"Function.ResponseSizeTooLarge","errorMessage":"Response payload size exceeded maximum allowed payload size (6291556 bytes)."}`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			response, functionError, err := f.Invoke(context.Background(), "probe", []byte(tc.event))
			require.NoError(t, err)
			require.Equal(t, tc.functionError, functionError)
			require.Contains(t, string(response), tc.want)
		})
	}
	_, _, err := f.Invoke(context.Background(), "other", nil)
	require.Equal(t, "ResourceNotFoundException", wire.AsError(err).Code)
	_, _, err = f.Invoke(context.Background(), "probe", make([]byte, maxPayloadBytes+1))
	require.Equal(t, "RequestTooLargeException", wire.AsError(err).Code)
}

func TestEnvironmentVariables(t *testing.T) {
	t.Setenv("AWS_PROFILE", "the-users-own")
	f := newFixture(t, nil)
	arn := f.create(t, func(s *FunctionSpec) { s.Environment = map[string]string{"TABLE": "ledger"}; s.TimeoutSeconds = 10 })
	d := f.describe(t)
	require.Equal(t, arn, d.ARN)
	require.NotEmpty(t, d.RequestID)
	require.Contains(t, d.Trace, "Root=1-")
	require.Greater(t, d.Left, 0.0)
	require.LessOrEqual(t, d.Left, 10.0)
	for _, want := range []string{
		"TABLE=ledger", "AWS_REGION=us-east-1", "AWS_LAMBDA_FUNCTION_NAME=probe", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE=128",
		"AWS_LAMBDA_FUNCTION_VERSION=$LATEST", "AWS_LAMBDA_LOG_GROUP_NAME=/aws/lambda/probe", "TZ=:UTC", "_HANDLER=bootstrap",
		"AWS_ENDPOINT_URL=" + f.EndpointURL(), "LAMBDA_TASK_ROOT=" + probeDir,
	} {
		require.Contains(t, d.Environment, want)
	}
	require.False(t, slices.ContainsFunc(d.Environment, func(v string) bool {
		return strings.HasPrefix(v, "AWS_PROFILE=") || strings.HasPrefix(v, "HOME=")
	}))
}

func TestOutputGoesToTheSinkByLine(t *testing.T) {
	f := newFixture(t, nil)
	f.create(t, nil)
	_, _, err := f.Invoke(context.Background(), "probe", []byte(`{"Do":"print"}`))
	require.NoError(t, err)
	require.Equal(t, "first line", <-f.output)
	require.Equal(t, "second line", <-f.output)
}

func TestWarmEnvironmentIsUsedAgainAndRecycled(t *testing.T) {
	f := newFixture(t, func(o *Options) { o.RecycleAfter = 2 })
	f.create(t, nil)
	first, second, third := f.describe(t), f.describe(t), f.describe(t)
	require.Equal(t, first.PID, second.PID)
	require.Equal(t, 2, second.Served)
	require.NotEqual(t, first.PID, third.PID)
	require.Equal(t, 1, third.Served)
}

func TestOneEnvironmentServesOneEventAtATime(t *testing.T) {
	f := newFixture(t, func(o *Options) { o.MaxEnvironments = 3 })
	f.create(t, nil)
	answers := f.invokeAll(5, `{"Do":"gate"}`)
	pids := map[string]bool{}
	for range 3 {
		pids[<-f.arrived] = true
	}
	require.Len(t, pids, 3, "three events at a time in three processes")
	require.Eventually(t, func() bool { s, err := f.Stats("probe"); return err == nil && s.Busy == 5 }, patience, time.Millisecond)
	stats, err := f.Stats("probe")
	require.NoError(t, err)
	require.Equal(t, 3, stats.Environments)
	close(f.release)
	for range 5 {
		a := <-answers
		require.NoError(t, a.err)
		require.True(t, pids[a.response], "the waiting events were served by the same processes")
	}
}

func TestReservedConcurrencyThrottles(t *testing.T) {
	f := newFixture(t, nil)
	one := 1
	f.create(t, func(s *FunctionSpec) { s.ReservedConcurrency = &one })
	answers := f.invokeAll(1, `{"Do":"gate"}`)
	<-f.arrived
	_, _, err := f.Invoke(context.Background(), "probe", []byte(`{}`))
	require.Equal(t, "TooManyRequestsException", wire.AsError(err).Code)
	close(f.release)
	require.NoError(t, (<-answers).err)
	require.Equal(t, 2, f.describe(t).Served, "the throttled invocation did not reach the function")
}

func TestDeadlineKillsTheProcess(t *testing.T) {
	f := newFixture(t, nil)
	f.create(t, func(s *FunctionSpec) { s.TimeoutSeconds = 7 })
	answers := f.invokeAll(1, `{"Do":"gate"}`)
	<-f.arrived
	before, err := f.Processes("probe")
	require.NoError(t, err)
	require.Len(t, before, 1)
	f.realTime.Advance(7 * time.Second)
	a := <-answers
	require.NoError(t, a.err)
	require.Equal(t, "Unhandled", a.functionError)
	require.Regexp(t, `^{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: [0-9a-f-]{36} Error: Task timed out after 7.00 seconds"}$`, a.response)
	requireDead(t, before[0])
	require.NotEqual(t, before[0], f.describe(t).PID)
}

func requireDead(t *testing.T, pid int) {
	t.Helper()
	require.Eventually(t, func() bool { return errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) }, patience, time.Millisecond)
}

// requireEnded waits for a process that is not our child: what reaps it may be slow, a zombie counts as ended.
func requireEnded(t *testing.T, pid int) {
	t.Helper()
	require.Eventually(t, func() bool {
		state, err := exec.Command("ps", "-o", "stat=", "-p", strconv.Itoa(pid)).Output()
		return err != nil || strings.HasPrefix(string(state), "Z")
	}, patience, 10*time.Millisecond)
}

func TestKilledProcessFailsItsInvocationOnly(t *testing.T) {
	f := newFixture(t, nil)
	f.create(t, nil)
	pid, err := f.KillOne("probe")
	require.NoError(t, err)
	require.Zero(t, pid, "there is no process yet")
	answers := f.invokeAll(1, `{"Do":"gate"}`)
	<-f.arrived
	pid, err = f.KillOne("probe")
	require.NoError(t, err)
	a := <-answers
	require.NoError(t, a.err)
	require.Contains(t, a.response, `"errorType":"Runtime.ExitError"`)
	require.Contains(t, a.response, "signal: killed")
	d := f.describe(t)
	require.NotEqual(t, pid, d.PID)

	require.Eventually(t, func() bool { // The process has asked for its next event.
		fn, err := f.find("probe")
		require.NoError(t, err)
		fn.mu.Lock()
		defer fn.mu.Unlock()
		return len(fn.idle) == 1
	}, patience, time.Millisecond)
	pid, err = f.KillOne("probe")
	require.NoError(t, err)
	require.Equal(t, d.PID, pid)
	require.NotEqual(t, pid, f.describe(t).PID, "an idle process that was killed gets no event")
}

// What does not start is started once more as a part of the invocation, and fails it then
// (docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html).
func TestEnvironmentThatCannotStart(t *testing.T) {
	t.Run("exits", func(t *testing.T) {
		f := newFixture(t, nil)
		f.create(t, func(s *FunctionSpec) { s.Environment = map[string]string{"PROBE_INIT": "exit"} })
		for a, n := f.invokeAll(2, `{}`), 0; n < 2; n++ {
			got := <-a
			require.NoError(t, got.err)
			require.Contains(t, got.response, `"errorType":"Runtime.ExitError"`)
			require.Contains(t, got.response, "exit status 3")
		}
		stats, err := f.Stats("probe")
		require.NoError(t, err)
		require.Equal(t, uint64(4), stats.Starts)
	})
	t.Run("hangs", func(t *testing.T) {
		f := newFixture(t, nil)
		f.create(t, func(s *FunctionSpec) {
			s.Environment, s.TimeoutSeconds = map[string]string{"PROBE_INIT": "hang"}, 30
		})
		answers := f.invokeAll(1, `{}`)
		f.realTime.WaitForTimers(1)
		f.realTime.Advance(initTimeout)
		require.Equal(t, "INIT_REPORT Phase: init Status: timeout after 10s", <-f.output)
		f.realTime.WaitForTimers(1)
		f.realTime.Advance(29 * time.Second)
		require.Empty(t, answers)
		f.realTime.Advance(time.Second)
		require.Contains(t, (<-answers).response, `Error: Task timed out after 30.00 seconds"}`)
		require.Contains(t, <-f.output, "Task timed out after 30.00 seconds")
	})
}

// A machine that is busy for a while costs an event nothing: its process starts the second time.
func TestSlowStartDoesNotFailTheInvocation(t *testing.T) {
	f := newFixture(t, nil)
	first := filepath.Join(t.TempDir(), "started")
	f.create(t, func(s *FunctionSpec) {
		s.Environment, s.TimeoutSeconds = map[string]string{"PROBE_INIT": "hang once", "PROBE_STARTED": first}, 20
	})
	answers := f.invokeAll(1, `{"Do":"describe"}`)
	require.Equal(t, "hangs", <-f.output)
	f.realTime.WaitForTimers(1)
	f.realTime.Advance(initTimeout)
	got := <-answers
	require.NoError(t, got.err)
	require.Empty(t, got.functionError)
	require.Contains(t, got.response, `"served":1`)
	stats, err := f.Stats("probe")
	require.NoError(t, err)
	require.Equal(t, Stats{Invocations: 1, Starts: 2, Environments: 1}, stats)
	require.Equal(t, 2, f.describe(t).Served, "the same process goes on")
}

func TestIdleEnvironmentsStop(t *testing.T) {
	f := newFixture(t, nil)
	f.create(t, nil)
	pid := f.describe(t).PID
	f.clock.WaitForTimers(1)
	f.clock.Advance(defaultIdleTimeout)
	requireDead(t, pid)
	require.NotEqual(t, pid, f.describe(t).PID)
}

func TestCloseLeavesNoProcess(t *testing.T) {
	f := newFixture(t, nil)
	f.create(t, nil)
	response, _, err := f.Invoke(context.Background(), "probe", []byte(`{"Do":"child"}`))
	require.NoError(t, err)
	answers := f.invokeAll(2, `{"Do":"gate"}`)
	<-f.arrived
	<-f.arrived
	pids, err := f.Processes("probe")
	require.NoError(t, err)
	require.Len(t, pids, 2)
	require.NoError(t, f.Close())
	for range 2 {
		require.Equal(t, "ServiceException", wire.AsError((<-answers).err).Code)
	}
	for _, pid := range pids {
		require.ErrorIs(t, syscall.Kill(pid, 0), syscall.ESRCH)
	}
	child, err := strconv.Atoi(string(response))
	require.NoError(t, err)
	requireEnded(t, child)
	_, _, err = f.Invoke(context.Background(), "probe", nil)
	require.Equal(t, "ServiceException", wire.AsError(err).Code)
}

func TestInvokeWithFaults(t *testing.T) {
	injector := &faults.Injector{}
	f := newFixture(t, func(o *Options) { o.Faults = injector })
	f.create(t, nil)
	require.NoError(t, injector.Arm(faults.Fault{Operation: "lambda:Invoke", When: faults.BeforeEffect, Code: "TooManyRequestsException"}))
	_, _, err := f.Invoke(context.Background(), "probe", []byte(`{}`))
	require.Equal(t, "TooManyRequestsException", wire.AsError(err).Code)
	require.NoError(t, injector.Arm(faults.Fault{Operation: "lambda:Invoke", When: faults.AfterEffect, Code: "ServiceException"}))
	_, _, err = f.Invoke(context.Background(), "probe", []byte(`{}`))
	require.Equal(t, "ServiceException", wire.AsError(err).Code)
	require.Equal(t, 2, f.describe(t).Served, "the lost answer's invocation did happen")
}

func TestCreateFunctionIsRefused(t *testing.T) {
	f := newFixture(t, nil)
	f.create(t, nil)
	minusOne, three := -1, 3
	for name, spec := range map[string]FunctionSpec{
		"twice":     {Name: "probe", Dir: probeDir},
		"name":      {Name: "a b", Dir: probeDir},
		"no binary": {Name: "x", Dir: t.TempDir()},
		"timeout":   {Name: "x", Dir: probeDir, TimeoutSeconds: 901},
		"memory":    {Name: "x", Dir: probeDir, MemoryMB: 64},
		"reserved":  {Name: "x", Dir: probeDir, Environment: map[string]string{"AWS_REGION": "eu-west-1"}},
		"too long":  {Name: "x", Dir: probeDir, Environment: map[string]string{"A": strings.Repeat("x", 4096)}},
		"negative":  {Name: "x", Dir: probeDir, ReservedConcurrency: &minusOne},
		"retries":   {Name: "x", Dir: probeDir, EventInvokeConfig: EventInvokeConfig{MaximumRetryAttempts: &three}},
		"age":       {Name: "x", Dir: probeDir, EventInvokeConfig: EventInvokeConfig{MaximumEventAgeSeconds: 59}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := f.CreateFunction(spec)
			require.Error(t, err)
		})
	}
}
