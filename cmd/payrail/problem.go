package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"strings"
	"syscall"

	"github.com/aws/smithy-go"
)

// Exit statuses.
const (
	statusDone    = 0
	statusFailed  = 1
	statusUsage   = 2
	statusMissing = 3
)

// problem is an error for the person at the terminal: what is wrong, where, and what to do next, on one line.
type problem struct {
	status int
	what   string
	next   string
	cause  error
}

func (p *problem) Error() string {
	text := p.what
	if p.cause != nil {
		text += ": " + p.cause.Error()
	}
	text = strings.Join(strings.Fields(text), " ")
	if p.next != "" {
		text += "; " + p.next
	}
	return text
}

func (p *problem) Unwrap() error { return p.cause }

func failed(what, next string) *problem {
	return &problem{status: statusFailed, what: what, next: next}
}

func misused(what, next string) *problem {
	return &problem{status: statusUsage, what: what, next: next}
}

func missing(what, next string, cause error) *problem {
	return &problem{status: statusMissing, what: what, next: next, cause: cause}
}

const nextRun = "start it with `make run`, or set AWS_ENDPOINT_URL to where it runs"

// asProblem gives the next step for errors that come from below: the network, AWS, files.
func asProblem(err error) *problem {
	var dns *net.DNSError
	var api smithy.APIError
	var operation *smithy.OperationError
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return missing("no runtime answers at "+endpointInUse(), nextRun, nil)
	case errors.As(err, &dns):
		return missing("the name "+dns.Name+" cannot be resolved", "check AWS_ENDPOINT_URL and the network", nil)
	case errors.Is(err, fs.ErrNotExist):
		return &problem{status: statusUsage, what: err.Error(), next: "check the path"}
	case errors.As(err, &api):
		what := api.ErrorCode() + ": " + api.ErrorMessage()
		if errors.As(err, &operation) {
			what = operation.Service() + " " + operation.Operation() + ": " + what
		}
		return failed(what, "check the credentials, the region and that the stack is deployed")
	case strings.Contains(err.Error(), "failed to refresh cached credentials"), strings.Contains(err.Error(), "no EC2 IMDS role found"):
		return missing("there are no AWS credentials", "for the local runtime set AWS_ENDPOINT_URL="+defaultEndpoint+", for an account sign in first", nil)
	case strings.HasPrefix(err.Error(), "unknown command"), strings.HasPrefix(err.Error(), "unknown flag"),
		strings.HasPrefix(err.Error(), "unknown shorthand flag"), strings.Contains(err.Error(), "arg(s)"), strings.HasPrefix(err.Error(), "invalid argument"),
		strings.HasPrefix(err.Error(), "flag needs an argument"):
		return misused(err.Error(), "see `payrail --help`")
	default:
		return failed(fmt.Sprint(err), "")
	}
}
