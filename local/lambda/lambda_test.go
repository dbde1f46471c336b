package lambda

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/local/clock"
	"github.com/payrail/payrail/local/sqs"
)

const (
	region  = "us-east-1"
	account = "000000000000"
	// patience bounds waits for real processes.
	patience = 20 * time.Second
)

// probeDir is the folder with the compiled test function.
var probeDir string

func TestMain(m *testing.M) {
	os.Exit(runTests(m))
}

func runTests(m *testing.M) int {
	dir, err := os.MkdirTemp("", "probe")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	build := exec.Command("go", "build", "-tags", "lambda.norpc", "-o", filepath.Join(dir, "bootstrap"), "./testdata/probe")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "building the test function: %v\n%s", err, out)
		return 1
	}
	probeDir = dir
	return m.Run()
}

// fixture is a service with its clocks, its queues and a gate that holds functions until the test lets them go.
type fixture struct {
	*Service
	clock    *clock.Manual
	realTime *clock.Manual
	sqs      *sqs.Service
	output   chan string
	arrived  chan string // process ids of functions at the gate
	release  chan struct{}
	mu       sync.Mutex
	metrics  map[string]float64
}

// queueDestinations are destinations that are queues.
type queueDestinations struct{ *sqs.Service }

func (q queueDestinations) Send(ctx context.Context, d Delivery) error {
	return q.SendWithAttributes(ctx, d.TargetARN, string(d.Body), d.Attributes)
}

// observe sums the metrics up.
func (f *fixture) observe(_, metric string, value float64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.metrics[metric] += value
}

func (f *fixture) metric(name string) float64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.metrics[name]
}

func newFixture(t testing.TB, change func(*Options)) *fixture {
	t.Helper()
	now := time.Now()
	f := &fixture{
		clock: clock.NewManual(now), realTime: clock.NewManual(now),
		output: make(chan string, 1000), arrived: make(chan string, 1000), release: make(chan struct{}),
		metrics: map[string]float64{},
	}
	endpoint := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.arrived <- r.URL.Query().Get("pid")
		select {
		case <-f.release:
		case <-r.Context().Done():
		}
	}))
	f.sqs = sqs.New(sqs.Options{Clock: f.clock, Region: region, Account: account, BaseURL: func() string { return endpoint.URL }})
	o := Options{
		Clock: f.clock, RealTime: f.realTime, Logger: slog.New(slog.DiscardHandler), Region: region, Account: account,
		EndpointURL: func() string { return endpoint.URL }, Queues: f.sqs, Destinations: queueDestinations{f.sqs}, Observe: f.observe,
		Output: func(_, line string) {
			select {
			case f.output <- line:
			default: // A test that prints this much does not read it.
			}
		},
	}
	if change != nil {
		change(&o)
	}
	s, err := New(o)
	require.NoError(t, err)
	f.Service = s
	t.Cleanup(func() {
		f.sqs.Close()
		require.NoError(t, s.Close())
		endpoint.Close()
	})
	return f
}

func (f *fixture) create(t testing.TB, change func(*FunctionSpec)) string {
	t.Helper()
	spec := FunctionSpec{Name: "probe", Dir: probeDir}
	if change != nil {
		change(&spec)
	}
	arn, err := f.CreateFunction(spec)
	require.NoError(t, err)
	return arn
}

type description struct {
	PID         int
	Served      int
	Environment []string
	ARN         string
	RequestID   string
	Left        float64
	Trace       string
}

func (f *fixture) describe(t testing.TB) description {
	t.Helper()
	var d description
	response, functionError, err := f.Invoke(context.Background(), "probe", []byte(`{"Do":"describe"}`))
	require.NoError(t, err)
	require.Empty(t, functionError, string(response))
	require.NoError(t, json.Unmarshal(response, &d))
	return d
}
