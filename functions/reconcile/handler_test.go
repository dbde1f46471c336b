package main

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/events"
	"github.com/payrail/payrail/internal/authorizationitem"
	"github.com/payrail/payrail/internal/ledger"
	"github.com/payrail/payrail/internal/reconcile"
	"github.com/payrail/payrail/internal/timeline"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// nothing is a deployment in which nothing happened. It remembers what was asked for.
type nothing struct {
	segments [][2]int
	buckets  int
	reports  []string
	counted  map[string][]int
	err      error
}

func (n *nothing) Count(name string, count int) error {
	if name != openBreaks && name != patchedBreaks {
		return errors.New("nobody watches " + name)
	}
	if n.counted == nil {
		n.counted = map[string][]int{}
	}
	n.counted[name] = append(n.counted[name], count)
	return nil
}

func (n *nothing) InBucket(context.Context, string, time.Time, time.Time, func(reconcile.StampedAuthorization) error) error {
	n.buckets++
	return n.err
}

func (n *nothing) Segment(_ context.Context, segment, segments int, _ func(authorizationitem.Item) error) error {
	n.segments = append(n.segments, [2]int{segment, segments})
	return n.err
}

func (n *nothing) Get(context.Context, []string) (map[string]authorizationitem.Item, error) {
	return nil, n.err
}

func (n *nothing) Put(_ context.Context, key, _ string, _ []byte) error {
	n.reports = append(n.reports, key)
	return nil
}

func (n *nothing) Publish(context.Context, []events.Event) events.Failures { return nil }

type emptyJournal struct{}

func (emptyJournal) InBucket(context.Context, string, time.Time, time.Time, func(ledger.Stamped) error) error {
	return nil
}

func (emptyJournal) Segment(context.Context, int, int, func(ledger.Read) error, func(ledger.SuspenseItem) error) error {
	return nil
}

func (emptyJournal) Journals(context.Context, []string) (map[string]ledger.Read, error) {
	return nil, nil
}

type silence struct{}

func (silence) Source() string   { return reconcile.FromTimeline }
func (silence) Complete() bool   { return true }
func (silence) Since() time.Time { return time.Time{} }
func (silence) Known(context.Context, []reconcile.EventKey) (map[reconcile.EventKey]bool, error) {
	return nil, nil
}
func (silence) Trace(context.Context, string) ([]timeline.Entry, error) { return nil, nil }

func newHandler(n *nothing) *Handler {
	return &Handler{Bucket: "audit", Metrics: n, Events: func(time.Time, time.Time) reconcile.Events { return silence{} },
		Options: reconcile.Options{Authorizations: n, Journal: emptyJournal{}, Publisher: n, Reports: n, Logger: slog.New(slog.DiscardHandler),
			Now: func() time.Time { return noon }, NewID: func() string { return "7f3a" }, Grace: 5 * time.Minute}}
}

func TestTheScheduleReadsTheWindowAndOnceAnHourAPartOfEverything(t *testing.T) {
	n := &nothing{}
	h := newHandler(n)
	response, err := h.Handle(t.Context(), Request{DetailType: scheduledEvent, Time: noon.Add(17 * time.Minute)})
	require.NoError(t, err)
	require.NotZero(t, n.buckets)
	require.Empty(t, n.segments)
	require.Equal(t, "recon/2026-11-22/rc_20261122T120000Z-7f3a.json", response.Report)
	require.Equal(t, "audit", response.Bucket)

	seen := map[int]bool{}
	for hour := range 24 {
		_, err := h.Handle(t.Context(), Request{DetailType: scheduledEvent, Time: noon.Add(time.Duration(hour)*time.Hour + 2*time.Minute)})
		require.NoError(t, err)
	}
	for _, segment := range n.segments {
		require.Equal(t, passSegments, segment[1])
		seen[segment[0]] = true
	}
	require.Len(t, seen, passSegments, "a day reads everything")
	none := make([]int, 1+24*2)
	require.Equal(t, map[string][]int{openBreaks: none, patchedBreaks: none}, n.counted, "every run says that nothing waits, and that nothing had to be put right")
}

func TestARunCountsWhatWaitsForAPerson(t *testing.T) {
	report := &reconcile.Report{Breaks: []reconcile.Break{
		{Severity: "P1", Status: reconcile.Open}, {Severity: "HIGH", Status: reconcile.Held}, {Severity: "HIGH", Status: reconcile.WouldPatch},
		{Severity: "HIGH", Status: reconcile.Failed},
		{Severity: "HIGH", Status: reconcile.Patched}, {Severity: "HIGH", Status: reconcile.Gone}, {Severity: "LOW", Status: reconcile.Open},
	}}
	require.Equal(t, 4, urgentOf(report))
	require.Equal(t, 1, mendedOf(report))
	report.BreaksOmitted = 2
	require.Equal(t, 6, urgentOf(report))
	require.Equal(t, 1, mendedOf(report))
	report.Breaks = append(report.Breaks, reconcile.Break{Severity: "P1", Status: reconcile.Patched}, reconcile.Break{Severity: "LOW", Status: reconcile.Patched})
	require.Equal(t, 2, mendedOf(report), "an item of suspense that was cleared is routine")
}

func TestARequestOfTheCommand(t *testing.T) {
	n := &nothing{}
	grace := int64(-1)
	_, err := newHandler(n).Handle(t.Context(), Request{GraceSeconds: &grace})
	require.ErrorContains(t, err, "less than nothing")
	_, err = newHandler(n).Handle(t.Context(), Request{Full: true, Segment: 1, Segments: 2})
	require.NoError(t, err)
	require.Empty(t, n.counted, "who asks by hand is not called by an alarm")
	require.Equal(t, [][2]int{{1, 2}}, n.segments)
	_, err = newHandler(n).Handle(t.Context(), Request{From: noon, To: noon.Add(-time.Hour)})
	require.ErrorIs(t, err, reconcile.ErrRequest)
	n.err = errors.New("throttled")
	_, err = newHandler(n).Handle(t.Context(), Request{})
	require.ErrorIs(t, err, n.err)
}

func TestReadLimits(t *testing.T) {
	good := environment{Patching: "on", GraceSeconds: "300", MaxPatches: "500", MaxValue: "100000"}
	l, err := readLimits(good)
	require.NoError(t, err)
	require.Equal(t, limits{true, reconcile.Caps{Patches: 500, Value: 100_000}, 5 * time.Minute}, l)
	for want, change := range map[string]func(*environment){
		"RECONCILE_PATCHING":      func(e *environment) { e.Patching = "yes" },
		"RECONCILE_GRACE_SECONDS": func(e *environment) { e.GraceSeconds = "5m" },
		"RECONCILE_MAX_PATCHES":   func(e *environment) { e.MaxPatches = "-1" },
		"RECONCILE_MAX_VALUE":     func(e *environment) { e.MaxValue = "1e5" },
	} {
		bad := good
		change(&bad)
		_, err := readLimits(bad)
		require.ErrorContains(t, err, want)
	}
}
