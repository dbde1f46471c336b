package reconcile

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/payrail/payrail/events"
	"github.com/payrail/payrail/internal/ingest"
)

const (
	// chunk is how many payments are read together: DynamoDB's limit of keys in a batch.
	chunk = 100
	// maxBreaks bounds the report. Whoever has more has one problem, not ten thousand.
	maxBreaks = 10_000
	// defaultWindow is how far back a run looks that is not told: every payment is compared several times before it leaves.
	defaultWindow = 2 * time.Hour
	// writeReserve is the time kept of the deadline for patches and the report.
	writeReserve = 60 * time.Second
	// reportReserve is what of it is kept for the report: no patch is begun later, or nobody would read what had been patched.
	reportReserve = 30 * time.Second
	// overdueWindow is how far beyond its time a waiting reversal is looked for in every run: two periods of the schedule.
	overdueWindow = 30 * time.Minute
)

// Options is what a Reconciler is made of. Compensator and Clearer may be nil, all else is needed.
type Options struct {
	Authorizations Authorizations
	Journal        Journal
	Events         Events
	Assembly       Assembly
	Locator        Locator
	Resender       Resender
	Decisions      Decisions
	Compensator    Compensator
	Clearer        Clearer
	Publisher      Publisher
	Reports        Reports
	Logger         *slog.Logger
	Now            func() time.Time
	// NewID returns a few random characters for a run's id.
	NewID func() string

	// Patching is the switch that a person turns off to let runs only look.
	Patching bool
	Caps     Caps
	// Grace is how old a payment must be to be missed.
	Grace time.Duration
	// StageTime replaces the time that every stage may take; nil takes each one's own.
	StageTime *time.Duration
}

// Reconciler runs reconciliations. It is safe for concurrent use; two runs at once patch nothing twice in effect.
type Reconciler struct{ options Options }

// New makes a Reconciler.
func New(options Options) *Reconciler { return &Reconciler{options: options} }

// Request is one run.
type Request struct {
	// From and To bound the window by ingest time; zero is the last two hours until now.
	From, To time.Time
	// Full reads a segment of the tables instead.
	Full              bool
	Segment, Segments int
	DryRun            bool
	Actor             string
}

// run is a run under way. It is for one goroutine.
type run struct {
	Options
	request Request
	report  *Report
	totals  *totals
	found   map[string]*finding
	order   []*finding
}

// Run compares, patches, reports. The error says that there is no report; a run that could not read everything has one that
// says so.
func (r *Reconciler) Run(ctx context.Context, request Request) (*Report, error) {
	current, err := r.start(request)
	if err != nil {
		return nil, err
	}
	if err := current.compare(ctx); err != nil {
		return nil, fmt.Errorf("comparing: %w", err)
	}
	current.patchAll(ctx)
	if err := current.finish(ctx); err != nil {
		return nil, err
	}
	return current.report, nil
}

func (r *Reconciler) start(request Request) (*run, error) {
	now := r.options.Now().UTC()
	if request.To.IsZero() || request.To.After(now) {
		request.To = now
	}
	if request.From.IsZero() {
		request.From = request.To.Add(-defaultWindow)
	}
	if request.Segments == 0 {
		request.Segments = 1
	}
	if request.From.After(request.To) || request.Segment < 0 || request.Segment >= request.Segments {
		return nil, fmt.Errorf("%w: from %s to %s, segment %d of %d", ErrRequest, request.From, request.To, request.Segment, request.Segments)
	}
	current := &run{Options: r.options, request: request, totals: newTotals(), found: map[string]*finding{}}
	current.report = &Report{
		RunID: "rc_" + now.Format("20060102T150405Z") + "-" + r.options.NewID(), Mode: WindowMode, DryRun: request.DryRun, Patching: r.options.Patching,
		Actor: request.Actor, Complete: true, Events: r.options.Events.Source(), Equation: equation, InFlight: map[Stage]int{}, StartedAt: now,
		Window: Window{From: request.From.UTC(), To: request.To.UTC(), GraceSeconds: int64(r.options.Grace.Seconds())},
		Breaks: []Break{}, WorkItems: []WorkItem{}, Patches: []Patch{},
	}
	if request.Full {
		current.report.Mode = FullMode
		current.report.Window = Window{From: r.options.Events.Since().UTC(), GraceSeconds: int64(r.options.Grace.Seconds()), Segment: request.Segment, Segments: request.Segments}
	}
	return current, nil
}

// ErrRequest says that a request makes no sense.
var ErrRequest = errors.New("reconciliation of nothing was asked for")

// compare reads everything that was asked for, or as much as the deadline allows.
func (r *run) compare(ctx context.Context) error {
	reading := ctx
	if deadline, ok := ctx.Deadline(); ok {
		var stop context.CancelFunc
		reading, stop = context.WithDeadline(ctx, deadline.Add(-writeReserve))
		defer stop()
	}
	var err error
	if r.request.Full {
		err = r.compareSegment(reading)
	} else {
		err = r.compareWindow(reading)
	}
	if err != nil && ctx.Err() == nil && reading.Err() != nil {
		r.report.Complete = false
		r.stop("the time of the run was over before everything was read")
		return nil
	}
	return err
}

// stop ends patching; the first reason counts.
func (r *run) stop(reason string) {
	if r.report.Stopped == "" {
		r.report.Stopped = reason
		r.Logger.Error("reconciliation stopped", "runId", r.report.RunID, "reason", reason)
	}
}

// finish writes the report and tells of it.
func (r *run) finish(ctx context.Context) error {
	r.report.EndedAt = r.Now().UTC()
	r.report.ControlTotals = r.totals.list()
	r.conclude()
	key, err := r.write(ctx)
	if err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	if err := r.announce(ctx, key); err != nil {
		return fmt.Errorf("telling of the run: %w", err)
	}
	s := r.report.Summary
	r.Logger.InfoContext(ctx, "reconciliation completed", "runId", r.report.RunID, "mode", r.report.Mode, "items", s.Items, "matched", s.Matched,
		"breaks", len(r.report.Breaks)+r.report.BreaksOmitted, "patched", s.AutoPatched, "open", s.Open, "stopped", r.report.Stopped, "report", key)
	return nil
}

// conclude sums up.
func (r *run) conclude() {
	s := &r.report.Summary
	s.ByCategory = map[Category]int{}
	for _, f := range r.order {
		if f.Status == Gone {
			r.report.Outcomes.Broken -= f.broken
			r.report.Outcomes.InFlight += f.broken
			continue
		}
		s.ByCategory[f.Category]++
		switch f.Status {
		case Patched:
			s.AutoPatched++
		default:
			s.Open++
			s.OldestOpenSec = max(s.OldestOpenSec, f.AgeSeconds)
		}
		r.report.Breaks = append(r.report.Breaks, f.Break)
	}
	s.Open += r.report.BreaksOmitted
	s.MatchRatePct = Percent(s.Matched, s.Items)
	r.report.Balanced = r.report.Outcomes.Broken == 0 && len(r.report.Breaks)+r.report.BreaksOmitted == 0
}

// Percent writes a share with two decimals, rounded down: 99.99 is not all.
func Percent(part, whole int) string {
	if whole == 0 {
		return "100.00"
	}
	hundredths := part * 10_000 / whole
	return fmt.Sprintf("%d.%02d", hundredths/100, hundredths%100)
}

// finding is a break with what its patch needs.
type finding struct {
	Break
	// broken is 1 where an authorization has not come to an end because of it.
	broken int
	patch  func(ctx context.Context, f *finding) (patched, error)
	// attempt is how many patches there were before.
	attempt  int
	panToken string
	// occurredAt is the ingest time, for the events' metadata.
	occurredAt time.Time
}

// add takes a break, once. There may be two ways to it, from A and from C.
func (r *run) add(f *finding) {
	f.Name, f.Severity = f.Category.Name(), f.Category.Severity()
	f.ID = breakID(f.Category, f.Key)
	if _, twice := r.found[f.ID]; twice {
		return
	}
	r.report.Outcomes.Broken += f.broken
	if len(r.order) == maxBreaks {
		r.report.BreaksOmitted++
		return
	}
	if f.Status == "" {
		f.Status = Open
	}
	if f.Category == Unbalanced {
		r.stop("sequence " + f.Sequence + " is unbalanced or altered: nothing is patched until a person has looked")
	}
	r.found[f.ID] = f
	r.order = append(r.order, f)
}

// compareWindow compares the buckets of the window.
func (r *run) compareWindow(ctx context.Context) error {
	for hour := range ingest.Hours(r.request.From, r.request.To) {
		for shard := range ingest.Shards {
			if err := r.compareBucket(ctx, hour, shard); err != nil {
				return fmt.Errorf("bucket %s: %w", ingest.Name(hour, shard), err)
			}
		}
	}
	return r.endWaiting(ctx)
}

var _ Publisher = (*events.Publisher)(nil)
