package pipes

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/local/clock"
	"github.com/payrail/payrail/local/faults"
	"github.com/payrail/payrail/local/storage"
)

var start = time.Date(2026, 7, 9, 10, 15, 30, 0, time.UTC)

const (
	streamARN   = "arn:aws:dynamodb:us-east-1:000000000000:table/Authorizations/stream/2026-07-09T10:15:30.000"
	functionARN = "arn:aws:lambda:us-east-1:000000000000:function:dedup"
	busARN      = "arn:aws:events:us-east-1:000000000000:event-bus/payrail"
	dlqARN      = "arn:aws:sqs:us-east-1:000000000000:pipe-dlq"
)

// fakeStream numbers its records from 100000000000000000001 on.
type fakeStream struct {
	clock   clock.Clock
	mu      sync.Mutex
	records []Record
	changed chan struct{}
}

func sequence(n int) string { return fmt.Sprintf("1%020d", n) }

func (f *fakeStream) ShardID() string { return "shardId-00000000000000000000-00000001" }

func (f *fakeStream) Latest() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return sequence(len(f.records))
}

func (f *fakeStream) Changed() <-chan struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.changed
}

func (f *fakeStream) Read(after string, limit int) ([]Record, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	from := slices.IndexFunc(f.records, func(r Record) bool { return after == "" || later(r.SequenceNumber, after) })
	if from < 0 {
		return nil, nil
	}
	return slices.Clone(f.records[from:min(from+limit, len(f.records))]), nil
}

// write appends one record per id, all seen at once.
func (f *fakeStream) write(ids ...string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, id := range ids {
		n := sequence(len(f.records) + 1)
		f.records = append(f.records, Record{SequenceNumber: n, Created: f.clock.Now().Truncate(time.Second), JSON: []byte(fmt.Sprintf(
			`{"eventName":"INSERT","dynamodb":{"Keys":{"id":{"S":%q}},"SequenceNumber":%q}}`, id, n))})
	}
	close(f.changed)
	f.changed = make(chan struct{})
}

// recordIDs reads the ids out of a payload made of records.
func recordIDs(payload []byte) string {
	var records []struct {
		Dynamodb struct {
			Keys struct{ ID struct{ S string } }
		}
	}
	if err := json.Unmarshal(payload, &records); err != nil {
		return "no array of records: " + string(payload)
	}
	ids := make([]string, len(records))
	for i, r := range records {
		ids[i] = r.Dynamodb.Keys.ID.S
	}
	return strings.Join(ids, " ")
}

type fixture struct {
	*Service
	t       *testing.T
	clock   *clock.Manual
	stream  *fakeStream
	faults  *faults.Injector
	store   storage.Store
	mu      sync.Mutex
	calls   []string // The ids of each call of the function.
	put     []string // The details of each call of the bus.
	letters []string

	// enrich answers a call of the function; by default with the records.
	enrich func(ids string, payload []byte) (answer string, functionError bool, err error)
	// bus answers a call of the bus; by default all events are taken.
	bus func(events []Event) ([]EventResult, error)
	// deadLetter answers a dead letter.
	deadLetter func() error
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	f := &fixture{t: t, clock: clock.NewManual(start), faults: &faults.Injector{}, store: storage.NewMemory()}
	f.stream = &fakeStream{clock: f.clock, changed: make(chan struct{})}
	f.open()
	return f
}

// open makes the service, anew after a close.
func (f *fixture) open() {
	f.t.Helper()
	s, err := New(Options{
		Clock: f.clock, Faults: f.faults, Region: "us-east-1", Account: "000000000000", Store: f.store,
		Stream: func(string) (Stream, error) { return f.stream, nil }, Enricher: f, Bus: f, DeadLetters: f,
	})
	require.NoError(f.t, err)
	f.Service = s
	f.t.Cleanup(func() { require.NoError(f.t, s.Close()) })
}

func (f *fixture) Invoke(_ context.Context, _ string, payload []byte) ([]byte, bool, error) {
	ids := recordIDs(payload)
	f.mu.Lock()
	f.calls = append(f.calls, ids)
	enrich := f.enrich
	f.mu.Unlock()
	if enrich == nil {
		return payload, false, nil
	}
	answer, functionError, err := enrich(ids, payload)
	return []byte(answer), functionError, err
}

func (f *fixture) PutEvents(_ context.Context, events []Event) ([]EventResult, error) {
	var details []json.RawMessage
	for _, e := range events {
		details = append(details, e.Detail)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	text, err := json.Marshal(details)
	if err != nil {
		return nil, err
	}
	f.put = append(f.put, string(text))
	if f.bus == nil {
		return make([]EventResult, len(events)), nil
	}
	return f.bus(events)
}

func (f *fixture) Send(_ context.Context, target string, body []byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.deadLetter != nil {
		if err := f.deadLetter(); err != nil {
			return err
		}
	}
	f.letters = append(f.letters, target+" "+string(body))
	return nil
}

// pipe makes the pipe "p" after change.
func (f *fixture) pipe(change func(*Pipe)) {
	f.t.Helper()
	p := Pipe{
		Name: "p", SourceARN: streamARN, EnrichmentARN: functionARN, TargetARN: busARN,
		Source: Source{StartingPosition: TrimHorizon, BatchSize: 10, DeadLetterARN: dlqARN},
	}
	if change != nil {
		change(&p)
	}
	_, err := f.CreatePipe(p)
	require.NoError(f.t, err)
}

// idle waits until the pipe has dealt with all records.
func (f *fixture) idle() {
	f.t.Helper()
	ctx, cancel := context.WithTimeout(f.t.Context(), 10*time.Second)
	defer cancel()
	require.NoError(f.t, f.Idle(ctx, "p"))
}

// retry lets the next back-off pass.
func (f *fixture) retry(d time.Duration) {
	f.clock.WaitForTimers(1)
	f.clock.Advance(d)
}

func (f *fixture) targetIDs() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []string
	for _, details := range f.put {
		out = append(out, recordIDs([]byte(details)))
	}
	return out
}

func (f *fixture) metrics() Metrics {
	f.t.Helper()
	m, err := f.Metrics("p")
	require.NoError(f.t, err)
	return m
}

func attempts(n int) *int { return &n }
