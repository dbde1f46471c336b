// Command payrail runs Payrail on this machine and works with a running one: the local runtime, LocalStack or AWS.
//
// Exit status: 0 done; 1 failed, or something that was checked does not hold; 2 wrong words or wrong input; 3 something
// that is needed is not there (the runtime, a port, Node, credentials, a network).
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	os.Exit(run(untilAskedToEnd(), os.Args[1:], os.Stdout, os.Stderr))
}

// untilAskedToEnd is done when the process is to end, so that commands delete what they have made: rules and queues cost.
func untilAskedToEnd() context.Context {
	ends := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) { // as under nohup
		ends = append(ends, syscall.SIGHUP)
	}
	ctx, stop := signal.NotifyContext(context.Background(), ends...)
	// A second Ctrl-C ends the process at once, whatever it is still closing.
	context.AfterFunc(ctx, stop)
	// A reader that has gone, as in `payrail watch | head -1`, is an error of the write then and does not kill the process.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	return ctx
}

// run does one command and returns its exit status; errors go to stderr as one line that names the next step.
func run(ctx context.Context, arguments []string, stdout, stderr io.Writer) int {
	command := newRoot(stdout, stderr)
	command.SetArgs(arguments)
	err := command.ExecuteContext(ctx)
	if err == nil {
		return statusDone
	}
	if readerGone(err) {
		return statusFailed
	}
	p := asProblem(err)
	fmt.Fprintln(stderr, "payrail: "+p.Error())
	return p.status
}

// readerGone reports whether err says no more than that nobody reads the output any more, which nobody need be told.
func readerGone(err error) bool {
	var own *problem
	var file *fs.PathError // the network's errors are others
	return !errors.As(err, &own) && errors.As(err, &file) && errors.Is(file, syscall.EPIPE)
}
