package eventbridge

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/local/clock"
	"github.com/payrail/payrail/local/faults"
	"github.com/payrail/payrail/local/storage"
)

var start = time.Date(2026, 7, 9, 10, 15, 30, 0, time.UTC)

const (
	queueA = "arn:aws:sqs:us-east-1:000000000000:a"
	queueB = "arn:aws:sqs:us-east-1:000000000000:b"
	dlq    = "arn:aws:sqs:us-east-1:000000000000:dlq"
)

type letter struct {
	queue, body string
	attributes  map[string]string
}

// fakeTargets records deliveries; answer, if set, decides on each before it is recorded.
type fakeTargets struct {
	mu      sync.Mutex
	answer  func(Target) error
	got     map[string][]string
	calls   int
	letters []letter
	dlqErr  error
}

func (f *fakeTargets) Deliver(_ context.Context, t Target, payload []byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls++
	if f.answer != nil {
		if err := f.answer(t); err != nil {
			return err
		}
	}
	f.got[t.ARN] = append(f.got[t.ARN], string(payload))
	return nil
}

func (f *fakeTargets) Send(_ context.Context, queue string, body []byte, attributes map[string]string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.dlqErr != nil {
		return f.dlqErr
	}
	f.letters = append(f.letters, letter{queue, string(body), attributes})
	return nil
}

func (f *fakeTargets) delivered(arn string) []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.got[arn])
}

type fixture struct {
	*Service
	clock   *clock.Manual
	targets *fakeTargets
	faults  *faults.Injector
}

// newFixture has a bus "payrail" with an archive "all".
func newFixture(t *testing.T, change ...func(*Options)) *fixture {
	t.Helper()
	f := &fixture{clock: clock.NewManual(start), targets: &fakeTargets{got: map[string][]string{}}, faults: &faults.Injector{}}
	var ids atomic.Int64
	o := Options{
		Clock: f.clock, Store: storage.NewMemory(), Faults: f.faults, Region: "us-east-1", Account: "000000000000",
		NewID:   func() string { return fmt.Sprintf("id-%d", ids.Add(1)) },
		Random:  func() float64 { return 1 }, // The whole back-off: 1 s, 2 s, 4 s …
		Targets: f.targets, DeadLetters: f.targets,
	}
	for _, c := range change {
		c(&o)
	}
	s, err := New(o)
	require.NoError(t, err)
	f.Service = s
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	_, err = s.CreateBus(Bus{Name: "payrail"})
	require.NoError(t, err)
	return f
}

func (f *fixture) rule(t *testing.T, name, pattern string, targets ...Target) {
	t.Helper()
	_, err := f.PutRule(Rule{Name: name, Bus: "payrail", EventPattern: pattern})
	require.NoError(t, err)
	require.NoError(t, f.PutTargets("payrail", name, targets))
}

func (f *fixture) put(t *testing.T, detailType, detail string) {
	t.Helper()
	results, err := f.PutEvents(t.Context(), []Entry{{Bus: "payrail", Source: "payrail.test", DetailType: detailType, Detail: []byte(detail)}})
	require.NoError(t, err)
	require.Empty(t, results[0].ErrorCode)
}

func (f *fixture) idle(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	require.NoError(t, f.Idle(ctx))
}

func intPointer(n int) *int { return &n }
