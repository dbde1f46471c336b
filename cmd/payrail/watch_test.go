package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/events"
	"github.com/payrail/payrail/internal/timeline"
)

// scripted gives one batch after the other, then waits for the end as a long poll does.
type scripted struct {
	batches [][][]byte
	err     error
}

func (s *scripted) Receive(ctx context.Context) ([][]byte, error) {
	if len(s.batches) == 0 {
		if s.err != nil {
			return nil, s.err
		}
		<-ctx.Done()
		return nil, ctx.Err()
	}
	batch := s.batches[0]
	s.batches = s.batches[1:]
	return batch, nil
}

func example(t *testing.T, detailType events.DetailType) []byte {
	t.Helper()
	body, err := os.ReadFile(filepath.Join("..", "..", "events", "examples", string(detailType)+".json"))
	require.NoError(t, err)
	return body
}

func TestWatchPrintsALineForEachEvent(t *testing.T) {
	var stdout, stderr bytes.Buffer
	a := &application{stdout: &stdout, stderr: &stderr}
	from := &scripted{batches: [][][]byte{{example(t, events.TransactionEnriched), []byte("no event"), example(t, events.TransactionAuthorized)}, nil, {example(t, events.TransactionPosted)}}}
	require.NoError(t, a.follow(t.Context(), from, watchOptions{count: 3}))
	lines := strings.Split(strings.TrimSpace(stdout.String()), "\n")
	require.Len(t, lines, 3)
	require.Contains(t, lines[0], "TransactionAuthorized ", "a batch is put in order")
	require.Contains(t, lines[1], "TransactionEnriched ")
	require.Contains(t, lines[2], "TransactionPosted ")
	require.NotContains(t, stdout.String(), "\x1b", "no colour but on a terminal")
	require.Contains(t, stderr.String(), "passed over: decoding the event")
}

func TestWatchPrintsJSONLines(t *testing.T) {
	var stdout bytes.Buffer
	a := &application{stdout: &stdout, stderr: &stdout, json: true}
	require.NoError(t, a.follow(t.Context(), &scripted{batches: [][][]byte{{example(t, events.TransactionPosted), example(t, events.TransactionEnriched)}}}, watchOptions{count: 1}))
	var entry timeline.Entry
	require.NoError(t, json.Unmarshal(stdout.Bytes(), &entry), "one line, for --count 1")
	require.Equal(t, events.TransactionEnriched, entry.DetailType)
}

func TestWatchEnds(t *testing.T) {
	a := &application{stdout: &bytes.Buffer{}, stderr: &bytes.Buffer{}}
	interrupted, cancel := context.WithCancel(t.Context())
	cancel()
	over, cancelOver := context.WithDeadline(t.Context(), time.Time{})
	defer cancelOver()
	require.NoError(t, a.follow(interrupted, &scripted{}, watchOptions{}), "by Ctrl-C")
	require.NoError(t, a.follow(interrupted, &scripted{}, watchOptions{count: 1}), "by Ctrl-C before all have come")
	require.NoError(t, a.follow(over, &scripted{}, watchOptions{duration: time.Second}), "by --for")
	require.ErrorContains(t, a.follow(over, &scripted{}, watchOptions{duration: time.Second, count: 2}), "0 of 2 events came within 1s")
	require.ErrorContains(t, a.follow(t.Context(), &scripted{err: errors.New("AccessDenied")}, watchOptions{}), "AccessDenied")
}

func TestWatchRefusesWrongWords(t *testing.T) {
	cleanEnvironment(t)
	for name, tc := range map[string]struct {
		arguments []string
		want      string
	}{
		"an event that is none": {[]string{"--detail-type", "TransactionPostd"}, "there is no event TransactionPostd; events: TransactionAuthorized"},
		"a time below zero":     {[]string{"--for", "-1s"}, "--for -1s is not possible"},
		"a time without unit":   {[]string{"--for", "30"}, "missing unit"},
		"more than half a day":  {[]string{"--for", "13h"}, "--for 13h0m0s is not possible"},
		"a count below zero":    {[]string{"--count", "-1"}, "--count must not be below zero"},
		"clean and watch":       {[]string{"--clean", "--count", "1"}, "--clean goes alone"},
		"an argument":           {[]string{"auth-1"}, `does not take "auth-1"`},
	} {
		t.Run(name, func(t *testing.T) {
			r := execute(t, append([]string{"watch"}, tc.arguments...)...)
			require.Equal(t, statusUsage, r.status)
			require.Contains(t, r.stderr, tc.want)
			require.Equal(t, 1, strings.Count(r.stderr, "\n"), "one line")
		})
	}
}

func TestWatchTakesPayrailsEventsAlone(t *testing.T) {
	pattern, err := watchOptions{}.pattern()
	require.NoError(t, err)
	require.JSONEq(t, `{"source":[{"prefix":"payrail."}]}`, pattern)
	pattern, err = watchOptions{detailTypes: []string{"TransactionPosted"}}.pattern()
	require.NoError(t, err)
	require.JSONEq(t, `{"source":[{"prefix":"payrail."}],"detail-type":["TransactionPosted"]}`, pattern)
}
