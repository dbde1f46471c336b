package reconcile

import (
	"cmp"
	"context"
	"strconv"

	"github.com/payrail/payrail/events"
)

// announce publishes an event for each break and one for the run. A break that stays open repeats its id in every run.
func (r *run) announce(ctx context.Context, report string) error {
	var all []events.Event
	for _, f := range r.order {
		if f.Status == Gone || r.request.DryRun {
			continue
		}
		event, err := events.New(events.ReconciliationBreakFound, events.SourceReconcile,
			r.metadata(events.ReconciliationBreakFound, f).WithSuffix(string(f.Category)),
			events.ReconciliationBreakData{BreakID: f.ID, RunID: r.report.RunID, Category: string(f.Category), Severity: f.Severity,
				AuthorizationID: f.AuthorizationID, Sequence: f.Sequence, Problem: f.Problem, AgeSeconds: f.AgeSeconds, Amount: f.Amount, Action: string(f.Action)})
		if err != nil {
			return err
		}
		all = append(all, event)
	}
	completed, err := r.completed(report)
	if err != nil {
		return err
	}
	return r.publish(ctx, append(all, completed))
}

// record publishes that a patch was applied: the audit log keeps it, and the timeline counts it.
func (r *run) record(ctx context.Context, p Patch, f *finding) error {
	event, err := events.New(events.ReconciliationPatchApplied, events.SourceReconcile,
		r.metadata(events.ReconciliationPatchApplied, f).WithSuffix(string(p.Category)+"/"+strconv.Itoa(p.Attempt)),
		events.ReconciliationPatchData{PatchID: p.ID, BreakID: p.BreakID, RunID: r.report.RunID, Category: string(p.Category), Action: string(p.Action),
			Attempt: p.Attempt, Before: p.Before, After: p.After, Evidence: p.Evidence, Actor: p.Actor})
	if err != nil {
		return err
	}
	return r.publish(ctx, []events.Event{event})
}

// metadata is that of an event about a break. What belongs to no transaction belongs to the run.
func (r *run) metadata(detailType events.DetailType, f *finding) events.Metadata {
	return events.First(detailType, cmp.Or(f.TransactionID, r.report.RunID), f.AuthorizationID, f.panToken, r.report.RunID, f.occurredAt, r.Now())
}

func (r *run) completed(report string) (events.Event, error) {
	s := r.report.Summary
	data := events.ReconciliationCompletedData{RunID: r.report.RunID, Mode: string(r.report.Mode), DryRun: r.request.DryRun, Complete: r.report.Complete,
		Items: s.Items, Matched: s.Matched, Breaks: len(r.report.Breaks) + r.report.BreaksOmitted, ByCategory: map[string]int{},
		Patched: s.AutoPatched, Open: s.Open, Stopped: r.report.Stopped, Report: report}
	for category, n := range s.ByCategory {
		data.ByCategory[string(category)] = n
	}
	if !r.request.Full {
		data.From, data.To = events.FormatTime(r.report.Window.From), events.FormatTime(r.report.Window.To)
	}
	metadata := events.First(events.ReconciliationCompleted, r.report.RunID, "", "", r.request.Actor, r.report.StartedAt, r.Now())
	return events.New(events.ReconciliationCompleted, events.SourceReconcile, metadata, data)
}
