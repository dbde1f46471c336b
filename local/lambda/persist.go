package lambda

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/payrail/payrail/local/storage"
)

// awaitReady waits until the service may begin; it returns false where ctx ended first.
func (s *Service) awaitReady(ctx context.Context) bool {
	if s.Ready == nil {
		return true
	}
	select {
	case <-s.Ready:
		return true
	case <-ctx.Done():
		return false
	}
}

// keptEvent is an accepted event of an asynchronous invocation as the store has it until the invocation is over.
type keptEvent struct {
	Payload             []byte
	Accepted            time.Time
	Attempts, Throttled int
}

func asyncSpace(function string) string { return "lambda/async/" + function }

// keep keeps an event with its attempts so far, before its acceptance is acknowledged.
func (f *function) keep(event *asyncEvent) error {
	store := f.service.Store
	if store == nil {
		return nil
	}
	value, err := json.Marshal(keptEvent{Payload: event.payload, Accepted: event.accepted, Attempts: event.attempts, Throttled: event.throttled})
	if err != nil {
		return fmt.Errorf("keeping an event: %w", err)
	}
	var b storage.Batch
	b.Put(asyncSpace(f.spec.Name), []byte(event.id), value)
	if err := store.Apply(&b); err != nil {
		return fmt.Errorf("keeping an event: %w", err)
	}
	return nil
}

// keepAttempts keeps how far an event has come. A failure costs the count: it is tried more often than it should be.
func (f *function) keepAttempts(event *asyncEvent) {
	if err := f.keep(event); err != nil {
		f.service.Logger.Error("keeping an event's attempts", "function", f.spec.Name, "requestId", event.id, "error", err)
	}
}

// forget is called when an invocation is over. A failure makes it again after a restart.
func (f *function) forget(event *asyncEvent) {
	store := f.service.Store
	if store == nil {
		return
	}
	var b storage.Batch
	b.Delete(asyncSpace(f.spec.Name), []byte(event.id))
	if err := store.Apply(&b); err != nil {
		f.service.Logger.Error("forgetting an event", "function", f.spec.Name, "requestId", event.id, "error", err)
	}
}

// Resume queues the events again that an earlier process had accepted; those that failed there do not wait again. It is to be called
// once, when the functions and what they send to are there.
func (s *Service) Resume() error {
	if s.Store == nil {
		return nil
	}
	for _, f := range s.all() {
		if err := f.restore(); err != nil {
			return err
		}
	}
	return nil
}

func (f *function) restore() error {
	var events []*asyncEvent
	var broken error
	err := f.service.Store.Scan(asyncSpace(f.spec.Name), storage.Range{}, func(key, value []byte) bool {
		var kept keptEvent
		broken = json.Unmarshal(value, &kept)
		events = append(events, &asyncEvent{id: string(key), payload: kept.Payload, accepted: kept.Accepted, attempts: kept.Attempts, throttled: kept.Throttled})
		return broken == nil
	})
	if err = errors.Join(err, broken); err != nil {
		return fmt.Errorf("reading kept events of %s: %w", f.spec.Name, err)
	}
	for _, event := range events {
		f.service.pending.Add(1)
		f.enqueue(event)
	}
	return nil
}
