// Command payrail runs Payrail on this machine and works with a running one: the local runtime, LocalStack or AWS.
//
// Exit status: 0 done; 1 failed, or something that was checked does not hold; 2 wrong words or wrong input; 3 something
// that is needed is not there (the runtime, a port, Node, credentials, a network).
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// A second Ctrl-C ends the process at once, whatever it is still closing.
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run does one command and returns its exit status; errors go to stderr as one line that names the next step.
func run(ctx context.Context, arguments []string, stdout, stderr io.Writer) int {
	command := newRoot(stdout, stderr)
	command.SetArgs(arguments)
	err := command.ExecuteContext(ctx)
	if err == nil {
		return statusDone
	}
	p := asProblem(err)
	fmt.Fprintln(stderr, "payrail: "+p.Error())
	return p.status
}
