package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/payrail/payrail/internal/reconcile"
)

const (
	timelineOff      = "off"
	timelineOutcomes = "outcomes"

	// passSegments is how many parts a full pass has on the schedule: one an hour, all within a day.
	passSegments = 24
	// passMinutes is the period of the schedule: in the first of an hour's runs a part of the full pass is made as well.
	passMinutes = 15
	// auditDays is how far back the audit log is read in a full pass without a timeline.
	auditDays = 2
	// bySchedule is who starts scheduled runs.
	bySchedule = "schedule"
	// scheduledEvent is the detail-type of what a schedule sends.
	scheduledEvent = "Scheduled Event"
)

// Handler runs reconciliations. It is safe for concurrent use.
type Handler struct {
	Options reconcile.Options
	// Events makes side B for a run between two times.
	Events func(from, to time.Time) reconcile.Events
	// Bucket is where reports are.
	Bucket string
	// Metrics takes how many breaks of a scheduled run wait for a person, and how many it has put right.
	Metrics metrics
}

// metrics models telemetry.Metrics.
type metrics interface {
	Count(name string, n int) error
}

// openBreaks is the metric by which operators are called: money waits for a person. It is of the schedule's runs alone, because who runs
// one by hand may give the pipeline no time.
const openBreaks = "OpenBreaks"

// patchedBreaks is the metric of what a run has put right. Where it goes on, a stage loses payments that come late and by this way
// alone, such as behind a pipe that was stopped, which has no metrics of its own.
const patchedBreaks = "PatchedBreaks"

// Request is what the function is invoked with: by the command, or by a schedule, whose event has a detail-type and a time.
type Request struct {
	DetailType string    `json:"detail-type"`
	Time       time.Time `json:"time"`

	From     time.Time `json:"from,omitzero"`
	To       time.Time `json:"to,omitzero"`
	Full     bool      `json:"full,omitempty"`
	Segment  int       `json:"segment,omitempty"`
	Segments int       `json:"segments,omitempty"`
	DryRun   bool      `json:"dryRun,omitempty"`
	Actor    string    `json:"actor,omitempty"`
	// GraceSeconds and StageSeconds replace the settings where they are there.
	GraceSeconds *int64 `json:"graceSeconds,omitempty"`
	StageSeconds *int64 `json:"stageSeconds,omitempty"`
}

// Response names the report and sums it up.
type Response struct {
	RunID   string            `json:"runId"`
	Bucket  string            `json:"bucket"`
	Report  string            `json:"report"`
	Summary reconcile.Summary `json:"summary"`
	// Complete and Stopped are those of the report.
	Complete bool   `json:"complete"`
	Stopped  string `json:"stopped,omitempty"`
}

// Handle runs what was asked for. On the schedule that is the window of the last hours and, once an hour, a part of a full pass.
func (h *Handler) Handle(ctx context.Context, request Request) (Response, error) {
	response, err := h.handle(ctx, request)
	if err != nil {
		h.Options.Logger.ErrorContext(ctx, "reconciliation failed", "error", err)
	}
	return response, err
}

func (h *Handler) handle(ctx context.Context, request Request) (Response, error) {
	if request.DetailType != scheduledEvent {
		report, err := h.run(ctx, request)
		if err != nil {
			return Response{}, err
		}
		return h.respond(report), nil
	}
	response, err := h.scheduled(ctx, Request{Actor: bySchedule})
	if err != nil || request.Time.Minute() >= passMinutes {
		return response, err
	}
	return h.scheduled(ctx, Request{Actor: bySchedule, Full: true, Segment: request.Time.UTC().Hour(), Segments: passSegments})
}

// scheduled runs, and counts what waits for a person and what it has put right.
func (h *Handler) scheduled(ctx context.Context, request Request) (Response, error) {
	report, err := h.run(ctx, request)
	if err != nil {
		return Response{}, err
	}
	return h.respond(report), errors.Join(h.Metrics.Count(openBreaks, urgentOf(report)), h.Metrics.Count(patchedBreaks, mendedOf(report)))
}

// urgentOf counts the breaks that wait for a person. Those that a report has no room for are taken for urgent.
func urgentOf(report *reconcile.Report) int {
	n := report.BreaksOmitted
	for _, b := range report.Breaks {
		if b.Urgent() {
			n++
		}
	}
	return n
}

// mendedOf counts the breaks that would wait for a person, had the run not patched them.
func mendedOf(report *reconcile.Report) (n int) {
	for _, b := range report.Breaks {
		if b.Severe() && b.Status == reconcile.Patched {
			n++
		}
	}
	return n
}

func (h *Handler) run(ctx context.Context, request Request) (*reconcile.Report, error) {
	options := h.Options
	if request.GraceSeconds != nil {
		options.Grace = time.Duration(*request.GraceSeconds) * time.Second
	}
	if request.StageSeconds != nil {
		stage := time.Duration(*request.StageSeconds) * time.Second
		options.StageTime = &stage
	}
	if options.Grace < 0 || options.StageTime != nil && *options.StageTime < 0 {
		return nil, errors.New("a grace is less than nothing")
	}
	from := request.From
	if from.IsZero() || request.Full {
		from = h.Options.Now().AddDate(0, 0, -auditDays)
	}
	options.Events = h.Events(from, h.Options.Now())
	return reconcile.New(options).Run(ctx, reconcile.Request{From: request.From, To: request.To, Full: request.Full, Segment: request.Segment,
		Segments: request.Segments, DryRun: request.DryRun, Actor: request.Actor})
}

func (h *Handler) respond(report *reconcile.Report) Response {
	return Response{RunID: report.RunID, Bucket: h.Bucket, Report: report.Key(), Summary: report.Summary, Complete: report.Complete, Stopped: report.Stopped}
}

// limits are the settings that bound a run.
type limits struct {
	patching bool
	caps     reconcile.Caps
	grace    time.Duration
}

func readLimits(settings environment) (limits, error) {
	var l limits
	switch settings.Patching {
	case "on":
		l.patching = true
	case "off":
	default:
		return limits{}, fmt.Errorf("reading the environment: RECONCILE_PATCHING is %q, want on or off", settings.Patching)
	}
	seconds, err := atLeastZero("RECONCILE_GRACE_SECONDS", settings.GraceSeconds)
	if err != nil {
		return limits{}, err
	}
	patches, err := atLeastZero("RECONCILE_MAX_PATCHES", settings.MaxPatches)
	if err != nil {
		return limits{}, err
	}
	value, err := atLeastZero("RECONCILE_MAX_VALUE", settings.MaxValue)
	if err != nil {
		return limits{}, err
	}
	l.grace, l.caps = time.Duration(seconds)*time.Second, reconcile.Caps{Patches: int(patches), Value: value}
	return l, nil
}

func atLeastZero(name, text string) (int64, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("reading the environment: %s is %q, want a whole number of at least 0", name, text)
	}
	return n, nil
}
