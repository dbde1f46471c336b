package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/local"
)

// smallStack is a stack of a few tables and no functions, which needs nothing compiled.
const smallStack = "testdata/stack"

// With --json it says what was found in the folder, as it does to people.
func TestUpTellsMachinesWhatItFound(t *testing.T) {
	cleanEnvironment(t)
	folder := t.TempDir()
	for _, before := range []bool{false, true} {
		ctx, interrupt := context.WithCancel(t.Context())
		defer interrupt()
		reader, stdout := io.Pipe()
		status := make(chan int, 1)
		go func() {
			status <- run(ctx, []string{"up", "--port", "0", "--assembly", smallStack, "--log", filepath.Join(folder, "log"), "--data", filepath.Join(folder, "data"), "--json"}, stdout, io.Discard)
			stdout.Close()
		}()
		lines := bufio.NewScanner(reader)
		require.True(t, lines.Scan()) // ready …
		require.True(t, lines.Scan())
		var up struct {
			Data  string
			Found local.Found
		}
		require.NoError(t, json.Unmarshal(lines.Bytes(), &up), lines.Text())
		require.Equal(t, filepath.Join(folder, "data"), up.Data)
		require.Equal(t, local.Found{Before: before}, up.Found)
		interrupt()
		require.Equal(t, statusDone, <-status)
	}
}

func TestUpIsReadyStaysUpAndStopsWhenInterrupted(t *testing.T) {
	cleanEnvironment(t)
	logs := filepath.Join(t.TempDir(), "logs", "payrail.log")
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	reader, stdout := io.Pipe()
	var stderr bytes.Buffer
	status := make(chan int, 1)
	go func() {
		status <- run(ctx, []string{"up", "--port", "0", "--assembly", smallStack, "--log", logs}, stdout, &stderr)
		stdout.Close()
	}()

	lines := bufio.NewScanner(reader)
	require.True(t, lines.Scan())
	endpoint, ready := strings.CutPrefix(lines.Text(), "ready ")
	require.True(t, ready, lines.Text())
	require.Regexp(t, `^http://127\.0\.0\.1:\d+$`, endpoint)
	var shown []string
	for lines.Scan() {
		shown = append(shown, lines.Text())
		if lines.Text() == "Press Ctrl-C to stop." {
			break
		}
	}
	require.Contains(t, strings.Join(shown, "\n"), "logs: "+logs)
	require.Contains(t, strings.Join(shown, "\n"), "export AWS_ENDPOINT_URL="+endpoint)

	require.Contains(t, strings.Join(shown, "\n"), "payrail seed examples/reference")

	// What it shows works: the stack answers another command at that address.
	t.Setenv(endpointVariable, endpoint)
	got := execute(t, "ledger", "verify", "--json")
	require.Equal(t, statusDone, got.status, got.stderr)

	interrupt()
	require.Equal(t, statusDone, <-status)
	require.False(t, lines.Scan(), "something was printed after the interruption: %q", lines.Text())
	require.Contains(t, stderr.String(), "starting the local runtime")
	require.True(t, strings.HasSuffix(stderr.String(), "stopping\n"), stderr.String())
	require.FileExists(t, logs)
}

// A build that fails prints pages: they go to the log, and the one line says where that is.
func TestUpKeepsWhatAFailedBuildPrinted(t *testing.T) {
	cleanEnvironment(t)
	root, tools := t.TempDir(), t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(root, "cdk.json"), []byte("{}"), 0o644))
	script := "#!/bin/sh\necho '# example.com/infra'\necho 'infra/stack.go:1:1: syntax error'\necho 'and a page more'\nexit 1\n"
	for _, tool := range []string{"go", "node"} {
		require.NoError(t, os.WriteFile(filepath.Join(tools, tool), []byte(script), 0o755))
	}
	t.Setenv("PATH", tools)
	t.Chdir(root)
	logs := filepath.Join(root, "build.log")

	got := execute(t, "up", "--port", "0", "--log", logs)
	require.Equal(t, statusFailed, got.status)
	require.Empty(t, got.stdout)
	require.Equal(t, "compiling the CDK app (the first time takes a minute or two) …\n"+
		"payrail: running go build -o dist/infra ./infra: exit status 1: infra/stack.go:1:1: syntax error; see "+logs+" for all of it\n", got.stderr)
	written, err := os.ReadFile(logs)
	require.NoError(t, err)
	require.Contains(t, string(written), "and a page more")
}
