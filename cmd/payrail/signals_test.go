package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// childVariable makes TestEndingInAChild do what the tests below watch.
const childVariable = "PAYRAIL_TEST_ENDING"

// A watch that is piped into head, or whose terminal is closed, must get to deleting its rule and queue.
func TestAReaderThatHasGoneAndAHangUpLeaveTimeToCleanUp(t *testing.T) {
	for _, way := range []string{"pipe", "hangup"} {
		t.Run(way, func(t *testing.T) {
			if way == "hangup" && signal.Ignored(syscall.SIGHUP) {
				t.Skip("hang-ups are ignored here, as under nohup, and the command leaves it so")
			}
			reader, writer, err := os.Pipe()
			require.NoError(t, err)
			require.NoError(t, reader.Close())
			defer writer.Close()
			var said strings.Builder
			child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestEndingInAChild$")
			child.Env = append(os.Environ(), childVariable+"="+way)
			child.Stdout, child.Stderr = writer, &said
			_ = child.Run() // the testing package cannot write its verdict either
			require.Contains(t, said.String(), "cleaned up after "+way)
		})
	}
}

func TestEndingInAChild(t *testing.T) {
	way := os.Getenv(childVariable)
	if way == "" {
		t.Skip("only as a child of TestAReaderThatHasGoneAndAHangUpLeaveTimeToCleanUp")
	}
	ctx := untilAskedToEnd()
	if way == "pipe" {
		_, err := fmt.Fprintln(os.Stdout, "an event")
		require.True(t, readerGone(err), err)
	} else {
		require.NoError(t, syscall.Kill(os.Getpid(), syscall.SIGHUP))
		select {
		case <-ctx.Done():
		case <-time.After(10 * time.Second):
			t.Fatal("a hang-up is not noticed")
		}
	}
	fmt.Fprintln(os.Stderr, "cleaned up after "+way)
}

func TestOnlyTheOutputsReaderIsNotSpokenOf(t *testing.T) {
	gone := &fs.PathError{Op: "write", Path: "/dev/stdout", Err: syscall.EPIPE}
	require.True(t, readerGone(fmt.Errorf("showing: %w", gone)))
	require.False(t, readerGone(errors.Join(gone, failed("deleting the rule", "run `payrail watch --clean`"))), "what is left behind is told")
	require.False(t, readerGone(&net.OpError{Op: "write", Err: os.NewSyscallError("write", syscall.EPIPE)}))
	require.False(t, readerGone(errors.New("other")))
}
