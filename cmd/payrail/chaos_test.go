package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/local/faults"
)

func TestReadChaos(t *testing.T) {
	plan, err := readChaos("")
	require.NoError(t, err)
	require.Nil(t, plan)

	plan, err = readChaos("seed=7,kill=0.1")
	require.NoError(t, err)
	require.Equal(t, uint64(7), plan.Seed)

	file := filepath.Join(t.TempDir(), "plan.json")
	require.NoError(t, os.WriteFile(file, []byte(`{"seed": 9, "faults": [{"kind": "drop", "every": 3}]}`), 0o644))
	plan, err = readChaos("@" + file)
	require.NoError(t, err)
	require.Equal(t, uint64(9), plan.Seed)
	require.Equal(t, faults.Drop, plan.Faults[0].Kind)

	require.NoError(t, os.WriteFile(file, []byte(`{"faults": [{"kind": "dropp"}]}`), 0o644))
	for _, spec := range []string{"@" + file, "@missing.json", "kill=2"} {
		_, err = readChaos(spec)
		require.Equal(t, statusUsage, asProblem(err).status, spec)
	}
}

// The plan is armed once the stack stands, and what was injected is shown at the end.
func TestUpShowsWhatWasInjected(t *testing.T) {
	cleanEnvironment(t)
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	reader, stdout := io.Pipe()
	var stderr bytes.Buffer
	status := make(chan int, 1)
	go func() {
		status <- run(ctx, []string{"up", "--port", "0", "--assembly", smallStack, "--log", filepath.Join(t.TempDir(), "log"),
			"--chaos", "seed=7,throttle:dynamodb=1x1"}, stdout, &stderr)
		stdout.Close()
	}()
	lines := bufio.NewScanner(reader)
	require.True(t, lines.Scan())
	endpoint, _ := strings.CutPrefix(lines.Text(), "ready ")
	for lines.Scan() && lines.Text() != "Press Ctrl-C to stop." {
	}
	t.Setenv(endpointVariable, endpoint)
	got := execute(t, "ledger", "verify", "--json")
	require.Equal(t, statusDone, got.status, "the command tries again: %s", got.stderr)

	interrupt()
	var shown strings.Builder
	for lines.Scan() {
		shown.WriteString(lines.Text() + "\n")
	}
	require.Equal(t, statusDone, <-status)
	require.Contains(t, stderr.String(), "chaos with seed 7: seed=7,throttle:dynamodb=1x1\n")
	require.Contains(t, shown.String(), "faults injected with seed 7:\n")
	require.Regexp(t, `(?m)^throttle +before +dynamodb:\S+ +1$`, shown.String())
}

func TestUpRefusesAWrongPlanBeforeItStarts(t *testing.T) {
	cleanEnvironment(t)
	got := execute(t, "up", "--chaos", "kill=2")
	require.Equal(t, statusUsage, got.status)
	require.Contains(t, got.stderr, `payrail: --chaos: "kill=2": "2" is no rate above 0 and up to 1, like 0.05 or 1/20; write it like PROFILE`)
}
