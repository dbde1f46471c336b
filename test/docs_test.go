package test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// What the documentation tells people to do works: every fenced shell command of the README and the tutorial is run in a
// fresh clone, in order, and what they are said to print is compared where it is stable (text blocks: each line must be in
// the output of the commands before it, in that order; runs of blanks count as one).
func TestDocumentedCommandsWork(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds a fresh clone")
	}
	for _, tool := range []string{"git", "make", "bash", "node"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not installed", tool)
		}
	}
	clone := filepath.Join(t.TempDir(), "payrail")
	output, err := exec.CommandContext(t.Context(), "git", "clone", "--quiet", repository(t), clone).CombinedOutput()
	require.NoError(t, err, string(output))
	for _, page := range []string{"README.md", filepath.Join("docs", "tutorial.md")} {
		t.Run(page, func(t *testing.T) {
			reader := &docReader{clone: clone, environment: filepath.Join(t.TempDir(), "environment")}
			t.Cleanup(func() { reader.stop(t) })
			for _, block := range readBlocks(t, filepath.Join(clone, page)) {
				reader.follow(t, block)
			}
		})
	}
}

// block is a fenced block of a page.
type block struct {
	language, text string
	line           int
}

var fence = regexp.MustCompile("^```([a-z]*)")

func readBlocks(t *testing.T, path string) []block {
	t.Helper()
	raw, err := os.ReadFile(path)
	require.NoError(t, err)
	var blocks []block
	var open *block
	for n, line := range strings.Split(string(raw), "\n") {
		switch match := fence.FindStringSubmatch(line); {
		case open == nil && match != nil:
			open = &block{language: match[1], line: n + 1}
		case open != nil && line == "```":
			blocks = append(blocks, *open)
			open = nil
		case open != nil:
			open.text += line + "\n"
		}
	}
	require.NotEmpty(t, blocks)
	return blocks
}

// notRun are documented commands that a test cannot run, with the reason.
var notRun = map[string]string{
	"make test":   "it would run this test",
	"make deploy": "it needs an AWS account",
	"make fault":  "it takes an hour",
	"make bench":  "it takes long and proves nothing here",
	"make fuzz":   "it takes an hour",
	"make demo":   "CI runs it by itself",
}

// docReader follows a page as a person would, in two terminals: one that runs the system, one for everything else.
type docReader struct {
	clone string
	// environment keeps what `export` set from block to block.
	environment string
	running     *background
	// endpoint is where the system was last: the documentation has one address, each start here another port.
	endpoint string
	// printed is what the last commands printed.
	printed string
}

func (r *docReader) follow(t *testing.T, b block) {
	t.Helper()
	switch b.language {
	case "sh":
		var script []string
		for line := range strings.SplitSeq(b.text, "\n") {
			command := strings.TrimSpace(strings.SplitN(line, "#", 2)[0])
			if reason, skip := notRun[command]; skip {
				t.Logf("line %d: %s is not run: %s", b.line, command, reason)
				continue
			}
			if command == "make run" {
				r.stop(t)
				r.start(t)
				continue
			}
			script = append(script, line)
		}
		r.run(t, b.line, strings.Join(script, "\n"))
	case "text":
		rest := squeeze(r.printed)
		for line := range strings.SplitSeq(strings.TrimSpace(b.text), "\n") {
			at := strings.Index(rest, squeeze(line))
			require.GreaterOrEqual(t, at, 0, "line %d: %q is not printed (any more, or not in this order) in\n%s", b.line, line, r.printed)
			rest = rest[at+len(squeeze(line)):]
		}
	}
}

var blanks = regexp.MustCompile(`[ \t]+`)

func squeeze(s string) string { return strings.TrimSpace(blanks.ReplaceAllString(s, " ")) }

// documentedEndpoint is the address in the documentation; the test takes a free port instead.
const documentedEndpoint = "http://127.0.0.1:4566"

func (r *docReader) run(t *testing.T, line int, script string) {
	t.Helper()
	if strings.TrimSpace(script) == "" {
		return
	}
	if _, err := exec.LookPath("aws"); err != nil && strings.Contains(script, "aws ") {
		t.Logf("line %d is not run: the AWS CLI is not installed", line)
		return
	}
	if r.running != nil {
		script = strings.ReplaceAll(script, documentedEndpoint, r.running.endpoint)
	}
	c := exec.CommandContext(t.Context(), "bash", "-euo", "pipefail", "-c",
		fmt.Sprintf("if [ -f %[1]q ]; then source %[1]q; fi\n%[2]s\nexport -p > %[1]q", r.environment, script))
	c.Dir = r.clone
	output, err := c.CombinedOutput()
	r.printed = string(output)
	require.NoError(t, err, "line %d:\n%s\n%s", line, script, output)
}

// background is the system that `make run` started.
type background struct {
	command  *exec.Cmd
	endpoint string
	ended    chan struct{}
}

// upTimeout bounds how long `make run` may take to be up: it compiles.
const upTimeout = 10 * time.Minute

func (r *docReader) start(t *testing.T) {
	t.Helper()
	c := exec.Command("make", "run")
	c.Dir = r.clone
	c.Env = append(os.Environ(), "PORT=0")
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // so that make, go and payrail can be stopped together
	out, err := c.StdoutPipe()
	require.NoError(t, err)
	var problems lockedBuffer
	c.Stderr = &problems
	require.NoError(t, c.Start())
	r.running = &background{command: c, ended: make(chan struct{})}
	up := make(chan string, 1)
	go func() {
		defer close(r.running.ended)
		readUntilUp(out, up)
		_ = c.Wait() // it is stopped by a signal
	}()
	select {
	case printed, ok := <-up:
		require.True(t, ok && strings.Contains(printed, "ready "), "make run ended:\n%s%s", printed, problems.String())
		r.printed = printed
		_, after, _ := strings.Cut(printed, "ready ")
		r.moveTo(t, strings.Fields(after)[0])
	case <-time.After(upTimeout):
		t.Fatalf("make run is not up after %s:\n%s", upTimeout, problems.String())
	}
}

// moveTo makes the kept environment point to a new endpoint.
func (r *docReader) moveTo(t *testing.T, endpoint string) {
	t.Helper()
	r.running.endpoint = endpoint
	if kept, err := os.ReadFile(r.environment); err == nil {
		require.NoError(t, os.WriteFile(r.environment, bytes.ReplaceAll(kept, []byte(r.endpoint), []byte(endpoint)), 0o600))
	}
	r.endpoint = endpoint
}

// upLine is the last line that `make run` prints before it waits.
const upLine = "Press Ctrl-C to stop."

// readUntilUp sends what was printed once the system is up or has ended, and goes on reading so that it never blocks.
func readUntilUp(out io.Reader, up chan<- string) {
	var printed strings.Builder
	sent := false
	scanner := bufio.NewScanner(out)
	for scanner.Scan() {
		printed.WriteString(scanner.Text() + "\n")
		if !sent && strings.Contains(scanner.Text(), upLine) {
			up <- printed.String()
			sent = true
		}
	}
	if !sent {
		up <- printed.String()
	}
}

// stop ends the system as Ctrl-C does.
func (r *docReader) stop(t *testing.T) {
	t.Helper()
	if r.running == nil {
		return
	}
	require.NoError(t, syscall.Kill(-r.running.command.Process.Pid, syscall.SIGINT))
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	select {
	case <-r.running.ended:
	case <-ctx.Done():
		_ = syscall.Kill(-r.running.command.Process.Pid, syscall.SIGKILL)
		t.Error("make run did not stop within a minute of Ctrl-C")
	}
	r.running = nil
}

type lockedBuffer struct {
	mu     sync.Mutex
	buffer bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.String()
}
