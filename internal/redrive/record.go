package redrive

import (
	"context"
	"fmt"
	"time"

	"github.com/payrail/payrail/events"
)

// record publishes what is about to be done to a store, or what was done: the audit log keeps it.
func (r *Redriver) record(ctx context.Context, run *Report, store Store, phase events.OperatorPhase, started time.Time, items []string, count, failed int) error {
	event, err := events.NewOperatorAction(events.OperatorActionData{
		// A run has an action for each store, whose events must not share an id.
		ActionID: run.ID + "-" + store.Name, Action: events.ActionRedrive, Phase: phase, By: run.By, Reason: run.Reason,
		From: store.Name, To: store.To, Items: items, Count: count, Failed: failed,
	}, started, r.Now())
	if err != nil {
		return err
	}
	if failures := r.Publisher.Publish(ctx, []events.Event{event}); len(failures) > 0 {
		return fmt.Errorf("recording the redrive of %s: %w", store.Name, failures[0])
	}
	return nil
}
