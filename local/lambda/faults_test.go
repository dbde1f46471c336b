package lambda

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/local/faults"
	"github.com/payrail/payrail/local/wire"
)

// newFaulty is a fixture with a plan of faults and the function "probe".
func newFaulty(t *testing.T, spec string) *fixture {
	t.Helper()
	plan, _, err := faults.ParsePlan(spec)
	require.NoError(t, err)
	injector := &faults.Injector{}
	require.NoError(t, injector.Follow(plan))
	f := newFixture(t, func(o *Options) { o.Faults = injector })
	f.create(t, func(s *FunctionSpec) { s.TimeoutSeconds = 10 })
	return f
}

func (f *fixture) requireEcho(t *testing.T) {
	t.Helper()
	response, functionError, err := f.Invoke(context.Background(), "probe", []byte(`{"Do":"echo"}`))
	require.NoError(t, err)
	require.Empty(t, functionError)
	require.Equal(t, `{"Do":"echo"}`, string(response))
}

func TestFaultsOfInvocations(t *testing.T) {
	for _, c := range []struct {
		spec, event string
		gate        bool // The function waits until it is killed.
		advance     time.Duration
		want        string
	}{
		{"kill=1x1", `{"Do":"gate"}`, true, time.Second, "Runtime exited with error: signal: killed"},
		{"kill-after=1x1", `{"Do":"echo"}`, false, 0, "Runtime exited with error: signal: killed"},
		{"hang=1x1", `{"Do":"echo"}`, false, 10 * time.Second, "Task timed out after 10.00 seconds"},
		{"hang-after=1x1", `{"Do":"echo"}`, false, 10 * time.Second, "Task timed out after 10.00 seconds"},
		{"crash=1x2", `{"Do":"echo"}`, false, 0, "Runtime exited with error: exit status 1"},
	} {
		t.Run(c.spec, func(t *testing.T) {
			f := newFaulty(t, c.spec)
			answers := f.invokeAll(1, c.event)
			if c.gate {
				<-f.arrived
			}
			if c.advance > 0 {
				f.requireHits(t)
				f.realTime.Advance(c.advance)
			}
			got := <-answers
			require.NoError(t, got.err)
			require.Equal(t, "Unhandled", got.functionError)
			require.Contains(t, got.response, c.want)
			f.requireEcho(t)
		})
	}
}

// requireHits waits until a fault has been drawn: then its timer runs.
func (f *fixture) requireHits(t *testing.T) {
	t.Helper()
	require.Eventually(t, func() bool { return f.Faults.Total() > 0 }, patience, time.Millisecond)
}

func TestFaultThrottlesWithLambdasCode(t *testing.T) {
	f := newFaulty(t, "throttle:lambda:Invoke/probe=1x1")
	_, _, err := f.Invoke(context.Background(), "probe", []byte(`{}`))
	e := wire.AsError(err)
	require.Equal(t, "TooManyRequestsException", e.Code)
	require.Equal(t, 429, e.Status)
	f.requireEcho(t)
}

func TestFaultAsynchronousEventsComeTwice(t *testing.T) {
	f := newFaulty(t, "duplicate:lambda:Deliver/probe=1")
	require.NoError(t, f.InvokeAsync(context.Background(), "probe", []byte(`{"Do":"echo"}`)))
	f.requireInvocations(t, 2)
}
