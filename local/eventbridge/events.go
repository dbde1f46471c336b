package eventbridge

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/payrail/payrail/local/storage"
	"github.com/payrail/payrail/local/wire"
)

// The limits of one PutEvents request.
const (
	maxEntries      = 10
	maxRequestBytes = 1 << 20 // All entries together, since January 2026.
	maxDetailType   = 128     // Characters.
	timeBytes       = 14      // What a given Time counts for.
	// maxNesting is how deep the JSON of a detail may go. What the service answers to deeper ones it does not say.
	// Source: https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html
	maxNesting = 1100
)

// Entry is one event to put.
type Entry struct {
	// Bus is the name or ARN of the bus; empty means the default bus.
	Bus        string
	Source     string
	DetailType string
	// Detail is a JSON object. Its bytes are passed on as they are.
	Detail []byte
	// Time is the event's own time; the zero value means now.
	Time      time.Time
	Resources []string
}

// Result is what became of one entry: an event id, or an error.
type Result struct {
	EventID      string
	ErrorCode    string
	ErrorMessage string
}

// event is an accepted event on its way.
type event struct {
	id       string
	time     time.Time
	received time.Time
	envelope []byte
	bus      string
	replayed bool

	number uint64       // In the store; 0 where it is not kept.
	left   atomic.Int32 // Deliveries that are kept.
}

// PutEvents puts up to ten events. The results are in the order of the entries; some may have failed although err is nil.
// It passes the fault injector as "events:PutEvents", as a request over HTTP does.
func (s *Service) PutEvents(ctx context.Context, entries []Entry) ([]Result, error) {
	results, err := wire.WithFaultsOn(s.options.Faults, putOperation, firstType(entries), func() ([]Result, error) { return s.putEvents(ctx, entries) })
	s.puts.call(err)
	return results, err
}

func (s *Service) putEvents(_ context.Context, entries []Entry) ([]Result, error) {
	switch {
	case len(entries) == 0:
		return nil, violated("[]", "entries", "have length greater than or equal to 1")
	case len(entries) > maxEntries:
		return nil, violated(fmt.Sprintf("[%d entries]", len(entries)), "entries", fmt.Sprintf("have length less than or equal to %d", maxEntries))
	}
	size := 0
	for i := range entries {
		size += entries[i].size()
	}
	if size > maxRequestBytes {
		return nil, wire.Errorf("ValidationException", "Total size of the entries in the request is over the limit.")
	}
	now := s.options.Clock.Now()
	results := make([]Result, len(entries))
	accepted := make([]event, 0, len(entries))
	for i := range entries {
		e := &entries[i]
		name, failure := s.validateEntry(e)
		if failure != nil {
			results[i] = Result{ErrorCode: failure.Code, ErrorMessage: failure.Message}
			continue
		}
		if refused, ok := s.refused(e); ok {
			results[i] = refused
			continue
		}
		id, at := s.options.NewID(), e.Time
		if at.IsZero() {
			at = now
		}
		results[i].EventID = id
		if s.options.Faults.Lose(putOperation + "/" + e.DetailType) {
			continue
		}
		accepted = append(accepted, event{id: id, time: at, received: now, bus: name, envelope: s.envelope(e, id, at)})
	}
	s.puts.results(results)
	return results, s.route(accepted, nil)
}

// size is the size of an entry as AWS counts it.
func (e *Entry) size() int {
	n := len(e.Source) + len(e.DetailType) + len(e.Detail)
	if !e.Time.IsZero() {
		n += timeBytes
	}
	for _, r := range e.Resources {
		n += len(r)
	}
	return n
}

func (s *Service) validateEntry(e *Entry) (bus string, failure *wire.Error) {
	for _, required := range []struct {
		name    string
		missing bool
	}{{"Source", e.Source == ""}, {"DetailType", e.DetailType == ""}, {"Detail", len(e.Detail) == 0}} {
		if required.missing {
			return "", wire.Errorf("InvalidArgument", "Parameter %s is not valid. Reason: %s is a required argument.", required.name, required.name)
		}
	}
	if utf8.RuneCountInString(e.DetailType) > maxDetailType {
		return "", wire.Errorf("InvalidArgument", "Parameter DetailType is not valid. Reason: DetailType is longer than %d characters.", maxDetailType)
	}
	if strings.HasPrefix(e.Source, "aws.") {
		return "", wire.Errorf("NotAuthorizedForSourceException", "Not authorized for the source.")
	}
	if trimmed := bytes.TrimLeft(e.Detail, " \t\r\n"); len(trimmed) == 0 || trimmed[0] != '{' || !json.Valid(e.Detail) {
		return "", wire.Errorf("MalformedDetail", "Detail is malformed.")
	}
	if nestedDeeper(e.Detail, maxNesting) {
		return "", wire.Errorf("MalformedDetail", "Detail is malformed: its JSON is nested more than %d levels deep.", maxNesting)
	}
	bus, err := s.busName(e.Bus)
	if err != nil {
		return "", wire.Errorf("InvalidArgument", "Parameter EventBusName is not valid. Reason: %s", wire.AsError(err).Message)
	}
	return bus, nil
}

// nestedDeeper tells whether a valid JSON text has more than so many levels of objects and arrays.
func nestedDeeper(text []byte, levels int) bool {
	if bytes.Count(text, []byte("{"))+bytes.Count(text, []byte("[")) <= levels {
		return false // As nearly always, and found out fast.
	}
	depth, quoted := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			if depth++; depth > levels {
				return true
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return false
}

// route archives events and hands them to the targets of the rules they match. Events for a bus that does not exist
// vanish, as on AWS. onlyRules, if any, are the ARNs of the rules that may see the events (replays).
func (s *Service) route(events []event, onlyRules []string) error {
	var archived storage.Batch
	var deliveries []*delivery
	var hits []*rule
	var stored []func()
	for i := range events {
		e := &events[i]
		b, ok := s.snapshot(e.bus)
		if !ok {
			continue
		}
		fields := b.fields.FlattenValid(e.envelope)
		for _, a := range b.archives {
			if !e.replayed && (a.pattern == nil || a.pattern.Match(fields)) {
				stored = append(stored, a.add(&archived, e))
			}
		}
		for _, r := range b.rules {
			if r.rule.pattern.Match(fields) && (len(onlyRules) == 0 || slices.Contains(onlyRules, r.rule.arn)) {
				hits = append(hits, r.rule)
				for _, l := range r.lanes {
					deliveries = append(deliveries, &delivery{event: e, lane: l})
				}
			}
		}
	}
	if err := s.deliver(archived, deliveries); err != nil {
		return err
	}
	for _, count := range stored {
		count()
	}
	for _, r := range hits {
		r.metrics.matched.Add(1)
		r.metrics.triggered.Add(1)
	}
	return nil
}

// deliver begins deliveries, with what is to be stored before. Should that fail, nothing is delivered, and the caller may put the
// events again.
func (s *Service) deliver(before storage.Batch, deliveries []*delivery) error {
	s.kept.add(&before, deliveries)
	if before.Len() > 0 {
		_, err := wire.WithFaults(s.options.Faults, archiveOperation, func() (struct{}, error) { return struct{}{}, s.options.Store.Apply(&before) })
		if err != nil {
			return fmt.Errorf("storing events: %w", err)
		}
	}
	for _, d := range deliveries {
		d.lane.admit(d)
	}
	return nil
}

func (s *Service) snapshot(bus string) (snapshot, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	b, ok := s.buses[bus]
	if !ok {
		return snapshot{}, false
	}
	return b.snapshot, true
}
