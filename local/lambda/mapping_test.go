package lambda

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/local/faults"
	"github.com/payrail/payrail/local/sqs"
)

// queue makes a queue with a visibility timeout of 30 s.
func (f *fixture) queue(t testing.TB, name string, attributes map[string]string) string {
	t.Helper()
	arn, _, err := f.sqs.CreateQueue(sqs.QueueSpec{Name: name, Attributes: attributes})
	require.NoError(t, err)
	return arn
}

func (f *fixture) mapQueue(t testing.TB, spec MappingSpec) {
	t.Helper()
	_, err := f.CreateEventSourceMapping(spec)
	require.NoError(t, err)
}

func (f *fixture) requireStats(t testing.TB, queueARN, what string, reached func(sqs.Stats) bool) {
	t.Helper()
	require.Eventually(t, func() bool {
		s, err := f.sqs.Stats(queueARN)
		return err == nil && reached(s)
	}, patience, time.Millisecond, what)
}

func (f *fixture) send(t testing.TB, queueARN string, bodies ...string) {
	t.Helper()
	require.Nil(t, f.sqs.SendBatch(context.Background(), queueARN, bodies))
}

func TestMappingDeletesWhatSucceeded(t *testing.T) {
	f := newFixture(t, nil)
	function := f.create(t, nil)
	dlq := f.queue(t, "dlq", nil)
	queue := f.queue(t, "q", map[string]string{"RedrivePolicy": `{"deadLetterTargetArn":"` + dlq + `","maxReceiveCount":2}`})
	f.send(t, queue, "a", "fail", "b")
	f.mapQueue(t, MappingSpec{QueueARN: queue, FunctionARN: function, ReportBatchItemFailures: true})
	f.requireStats(t, queue, "two are deleted, the failed one stays in flight", func(s sqs.Stats) bool { return s.Deleted == 2 && s.InFlight == 1 })

	stats, err := f.sqs.Stats(queue)
	require.NoError(t, err)
	require.Equal(t, uint64(3), stats.Received, "a failed message is not delivered again before its visibility timeout")
	f.clock.WaitForTimers(2) // The mapping waits for messages again.
	f.clock.Advance(30 * time.Second)
	f.requireStats(t, queue, "the second delivery", func(s sqs.Stats) bool { return s.Received == 4 && s.InFlight == 1 })
	require.Eventually(t, func() bool {
		f.clock.Advance(30 * time.Second)
		depth, err := f.sqs.Depth(dlq)
		return err == nil && depth == 1
	}, patience, time.Millisecond, "after two deliveries it goes to the dead-letter queue")
	depth, err := f.sqs.Depth(queue)
	require.NoError(t, err)
	require.Zero(t, depth)
}

func TestMappingOutcomeOfABatch(t *testing.T) {
	for name, tc := range map[string]struct {
		bodies  []string
		reports bool
		deleted uint64
	}{
		"success":                           {[]string{"a", "b"}, true, 2},
		"error fails all":                   {[]string{"a", "error"}, true, 0},
		"error fails all without reporting": {[]string{"a", "error"}, false, 0},
		"a report nobody asked for":         {[]string{"a", "fail"}, false, 2},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, nil)
			function, queue := f.create(t, nil), f.queue(t, "q", nil)
			f.send(t, queue, tc.bodies...)
			f.mapQueue(t, MappingSpec{QueueARN: queue, FunctionARN: function, ReportBatchItemFailures: tc.reports})
			fn, err := f.find(function)
			require.NoError(t, err)
			f.requireStats(t, queue, "received", func(s sqs.Stats) bool { return s.Received == 2 })
			require.Eventually(t, func() bool {
				stats, err := f.Stats(function)
				s, queueErr := f.sqs.Stats(queue)
				return err == nil && queueErr == nil && stats.Invocations == 1 && stats.Busy == 0 && s.Deleted == tc.deleted
			}, patience, time.Millisecond)
			require.Equal(t, function, fn.arn)
		})
	}
}

func TestMappingWaitsForItsWindow(t *testing.T) {
	f := newFixture(t, nil)
	function, queue := f.create(t, nil), f.queue(t, "q", nil)
	f.send(t, queue, "a")
	f.mapQueue(t, MappingSpec{QueueARN: queue, FunctionARN: function, BatchSize: 100, MaximumBatchingWindowSeconds: 5})
	f.requireStats(t, queue, "the first is taken at once", func(s sqs.Stats) bool { return s.InFlight == 1 })
	f.clock.WaitForTimers(2) // its visibility timeout and the end of the window
	f.send(t, queue, "b")
	f.requireStats(t, queue, "the second joins it", func(s sqs.Stats) bool { return s.InFlight == 2 })
	stats, err := f.Stats(function)
	require.NoError(t, err)
	require.Zero(t, stats.Invocations, "the window is open")
	f.clock.WaitForTimers(2)
	f.clock.Advance(5 * time.Second)
	require.Equal(t, "batch of 2", <-f.output)
	f.requireStats(t, queue, "both are done", func(s sqs.Stats) bool { return s.Deleted == 2 })
}

func TestMappingRespectsItsConcurrency(t *testing.T) {
	f := newFixture(t, func(o *Options) { o.MaxEnvironments = 8 })
	function, queue := f.create(t, nil), f.queue(t, "q", nil)
	f.mapQueue(t, MappingSpec{QueueARN: queue, FunctionARN: function, BatchSize: 1, MaximumConcurrency: 2})
	for i := range 100 {
		f.send(t, queue, fmt.Sprint("message ", i))
	}
	f.requireStats(t, queue, "all are done", func(s sqs.Stats) bool { return s.Deleted == 100 })
	stats, err := f.Stats(function)
	require.NoError(t, err)
	require.LessOrEqual(t, stats.Environments, 2)
	require.Equal(t, uint64(100), stats.Invocations)
}

func TestMappingLosesNothing(t *testing.T) {
	for name, fault := range map[string]faults.Fault{
		"refused invocations":           {Operation: "lambda:Invoke", When: faults.BeforeEffect, Code: "TooManyRequestsException", Times: 2},
		"lost answers of invocations":   {Operation: "lambda:Invoke", When: faults.AfterEffect, Code: "ServiceException", Times: 2},
		"failing receives":              {Operation: "sqs:ReceiveMessage", When: faults.BeforeEffect, Code: "ServiceUnavailable", Times: 2},
		"lost answers of receives":      {Operation: "sqs:ReceiveMessage", When: faults.AfterEffect, Code: "ServiceUnavailable", Times: 2},
		"failing deletes":               {Operation: "sqs:DeleteMessageBatch", When: faults.BeforeEffect, Code: "ServiceUnavailable", Times: 5},
		"deletes whose answer was lost": {Operation: "sqs:DeleteMessageBatch", When: faults.AfterEffect, Code: "ServiceUnavailable", Times: 3},
	} {
		t.Run(name, func(t *testing.T) {
			injector := &faults.Injector{}
			f := newFixture(t, func(o *Options) { o.Faults = injector })
			f.sqs = sqs.New(sqs.Options{Clock: f.clock, Faults: injector, Region: region, Account: account, BaseURL: f.EndpointURL})
			f.Queues = f.sqs
			function, queue := f.create(t, nil), f.queue(t, "q", nil)
			require.NoError(t, injector.Arm(fault))
			f.send(t, queue, "a", "b", "c")
			f.mapQueue(t, MappingSpec{QueueARN: queue, FunctionARN: function, ReportBatchItemFailures: true})
			require.Eventually(t, func() bool {
				f.clock.Advance(5 * time.Second)
				s, err := f.sqs.Stats(queue)
				return err == nil && s.Deleted == 3 && s.Visible+s.InFlight == 0
			}, patience, 5*time.Millisecond)
			require.Equal(t, fault.Times, injector.Hits(fault.Operation))
		})
	}
}

// TestMappingSurvivesKilledProcesses kills function processes while a thousand messages pass: each is processed.
func TestMappingSurvivesKilledProcesses(t *testing.T) {
	f := newFixture(t, nil)
	function, queue := f.create(t, nil), f.queue(t, "q", nil)
	f.mapQueue(t, MappingSpec{QueueARN: queue, FunctionARN: function, ReportBatchItemFailures: true})
	bodies := make([]string, 1000)
	for i := range bodies {
		bodies[i] = fmt.Sprint("message ", i)
	}
	f.send(t, queue, bodies...)
	for killed := 0; killed < 5; {
		pid, err := f.KillOne(function)
		require.NoError(t, err)
		if pid != 0 {
			killed++
		}
		if s, err := f.sqs.Stats(queue); err == nil && s.Deleted == 1000 {
			break
		}
	}
	require.Eventually(t, func() bool {
		f.clock.Advance(10 * time.Second)
		s, err := f.sqs.Stats(queue)
		return err == nil && s.Deleted == 1000
	}, patience, 20*time.Millisecond)
}

func TestMappingIsRefused(t *testing.T) {
	f := newFixture(t, nil)
	function := f.create(t, func(s *FunctionSpec) { s.TimeoutSeconds = 31 })
	quick, err := f.CreateFunction(FunctionSpec{Name: "quick", Dir: probeDir})
	require.NoError(t, err)
	queue := f.queue(t, "q", nil)
	f.mapQueue(t, MappingSpec{QueueARN: queue, FunctionARN: quick, Disabled: true})
	for name, tc := range map[string]struct {
		spec MappingSpec
		want string
	}{
		"visibility":  {MappingSpec{QueueARN: queue, FunctionARN: function}, "Queue visibility timeout: 30 seconds is less than Function timeout: 31 seconds"},
		"filter":      {MappingSpec{QueueARN: queue, FunctionARN: quick, FilterCriteria: "{}"}, "does not do FilterCriteria"},
		"twice":       {MappingSpec{QueueARN: queue, FunctionARN: quick}, "already exist"},
		"batch":       {MappingSpec{QueueARN: queue, FunctionARN: quick, BatchSize: 10_001}, "Invalid batch size"},
		"no window":   {MappingSpec{QueueARN: queue, FunctionARN: quick, BatchSize: 11}, "window"},
		"long window": {MappingSpec{QueueARN: queue, FunctionARN: quick, MaximumBatchingWindowSeconds: 301}, "window"},
		"concurrency": {MappingSpec{QueueARN: queue, FunctionARN: quick, MaximumConcurrency: 1}, "concurrency"},
		"no queue":    {MappingSpec{QueueARN: queue + "x", FunctionARN: quick}, "does not exist"},
		"no function": {MappingSpec{QueueARN: queue, FunctionARN: "none"}, "not found"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := f.CreateEventSourceMapping(tc.spec)
			require.ErrorContains(t, err, tc.want)
		})
	}
}
