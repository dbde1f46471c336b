package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/internal/alarms"
)

// answers are what CloudWatch answers, one after the other; behind the last, the watch is interrupted.
type answers struct {
	reports   []any // alarms.Report or error
	interrupt context.CancelFunc
}

func (s *answers) Read(ctx context.Context) (alarms.Report, error) {
	if len(s.reports) == 0 {
		s.interrupt()
		return alarms.Report{}, ctx.Err()
	}
	next := s.reports[0]
	s.reports = s.reports[1:]
	if err, failed := next.(error); failed {
		return alarms.Report{}, err
	}
	return next.(alarms.Report), nil
}

// watching watches answers, a tick after each.
func watching(t *testing.T, a *application, o alarmsOptions, reports ...any) error {
	t.Helper()
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	ticks := make(chan time.Time, len(reports)+1)
	for range cap(ticks) {
		ticks <- time.Time{}
	}
	return a.watchAlarms(ctx, &answers{reports, interrupt}, ticks, o)
}

func reportAt(second int, states ...string) alarms.Report {
	r := alarms.Report{At: time.Date(2026, 7, 9, 10, 15, second, 0, time.UTC), Alarms: []alarms.Alarm{}}
	for i, state := range states {
		name := string(rune('A' + i))
		r.Alarms = append(r.Alarms, alarms.Alarm{Name: name, State: state, Why: "why " + name})
	}
	return r
}

func TestWatchPrintsALineForEachChange(t *testing.T) {
	reports := []any{
		reportAt(0, "OK", "ALARM"), reportAt(10, "OK", "ALARM"), errors.New("throttled"), reportAt(30, "ALARM", "OK"), reportAt(40, "OK", "OK", "ALARM", "OK"),
	}
	var stdout, stderr bytes.Buffer
	require.NoError(t, watching(t, &application{stdout: &stdout, stderr: &stderr}, alarmsOptions{}, reports...), "an end that was asked for")
	require.Equal(t, `2026-07-09T10:15:00Z  ALARM              B  why B
2026-07-09T10:15:30Z  ALARM              A  why A
2026-07-09T10:15:30Z  OK                 B  why B
2026-07-09T10:15:40Z  OK                 A  why A
2026-07-09T10:15:40Z  ALARM              C  why C
`, stdout.String())
	require.Equal(t, "asking again in a moment: throttled\n", stderr.String())

	stdout.Reset()
	require.NoError(t, watching(t, &application{stdout: &stdout}, alarmsOptions{all: true}, reports[0]))
	require.Equal(t, 2, strings.Count(stdout.String(), "\n"))

	stdout.Reset()
	require.NoError(t, watching(t, &application{stdout: &stdout, stderr: &stderr, json: true}, alarmsOptions{}, reports[:4]...))
	lines := strings.Split(strings.TrimSpace(stdout.String()), "\n")
	require.Len(t, lines, 3)
	var line map[string]any
	require.NoError(t, json.Unmarshal([]byte(lines[1]), &line))
	require.Equal(t, "2026-07-09T10:15:30Z", line["at"])
	require.Equal(t, "A", line["name"])
	require.Equal(t, "ALARM", line["state"])
}

func TestWatchNeedsAFirstAnswer(t *testing.T) {
	require.EqualError(t, watching(t, &application{}, alarmsOptions{}, errors.New("no such stack")), "no such stack")
}

type closedPipe struct{}

func (closedPipe) Write([]byte) (int, error) { return 0, errors.New("closed") }

func TestWatchEndsWhenNobodyReads(t *testing.T) {
	require.EqualError(t, watching(t, &application{stdout: closedPipe{}}, alarmsOptions{}, reportAt(0, "ALARM"), reportAt(10, "OK")), "closed")
}

func TestWatchTakesTheScreen(t *testing.T) {
	var stdout bytes.Buffer
	require.NoError(t, (&application{stdout: &stdout, stack: "Payrail"}).redrawAlarms(reportAt(0, "OK", "ALARM"), alarmsOptions{}))
	require.True(t, strings.HasPrefix(stdout.String(), clearScreen+"alarm  since"), stdout.String())
	require.Contains(t, stdout.String(), "why B")
	require.True(t, strings.HasSuffix(stdout.String(), "as of 10:15:00 UTC, again every 10s; Ctrl-C ends it\n"), stdout.String())
}
