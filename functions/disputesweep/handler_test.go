package main

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"
)

type sweeps struct {
	told int
	err  error
}

func (s sweeps) Sweep(context.Context) (int, error) { return s.told, s.err }

func TestARunTellsWhatItFound(t *testing.T) {
	var log bytes.Buffer
	run := func(s sweeps) error {
		log.Reset()
		return (&sweeper{desk: s, logger: slog.New(slog.NewTextHandler(&log, nil))}).handle(t.Context())
	}
	require.NoError(t, run(sweeps{}))
	require.Empty(t, log.String())
	require.NoError(t, run(sweeps{told: 3}))
	require.Contains(t, log.String(), "cases=3")
	require.ErrorContains(t, run(sweeps{err: errors.New("throttled")}), "throttled")
}
