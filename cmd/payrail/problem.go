package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"strings"
	"syscall"

	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
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
	if p.next != "" {
		text += "; " + p.next
	}
	return oneLine(text)
}

// oneLine writes a text on one line: errors from below can have several.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

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

// codeUnknown is what the SDK calls an answer that carries no error code: it is no AWS service's.
const codeUnknown = "UnknownError"

// asProblem gives the next step for errors that come from below: the network, AWS, files.
func asProblem(err error) *problem {
	var own *problem
	var dns *net.DNSError
	var api smithy.APIError
	var request *url.Error
	var response *smithyhttp.ResponseError
	switch {
	case errors.As(err, &own):
		return withContext(err, own)
	case errors.Is(err, context.Canceled):
		return failed("interrupted", "look at what was done before running it again")
	case errors.Is(err, syscall.ECONNREFUSED):
		return missing("no runtime answers at "+endpointInUse(), nextRun, nil)
	case errors.As(err, &dns):
		return missing("the name "+dns.Name+" cannot be resolved", "check "+endpointVariable+" and the network", nil)
	case errors.As(err, &api) && api.ErrorCode() != codeUnknown:
		return fromAPI(err, api)
	case errors.As(err, &response):
		return missing(fmt.Sprintf("what answers at %s is not AWS nor like it (HTTP status %d)", endpointInUse(), response.HTTPStatusCode()), nextRun, nil)
	case errors.As(err, &request):
		return missing("the connection to "+endpointInUse()+" failed", nextRun, request.Err)
	case errors.Is(err, fs.ErrNotExist):
		return misused(err.Error(), "check the path")
	default:
		return failed(err.Error(), "")
	}
}

// withContext is the problem that err wraps, with what the wrapping errors say.
func withContext(err error, own *problem) *problem {
	before, after, _ := strings.Cut(err.Error(), own.Error())
	p := *own
	p.what = before + p.what
	if after != "" {
		p.next += " (also: " + oneLine(after) + ")"
	}
	return &p
}

// fromAPI words an error that a service answered with. What the SDK adds, status and request ids, is left out; what this
// program added in front of it stays.
func fromAPI(err error, api smithy.APIError) *problem {
	what := api.ErrorCode() + ": " + api.ErrorMessage()
	var operation *smithy.OperationError
	if errors.As(err, &operation) {
		doing, _, _ := strings.Cut(err.Error(), operation.Error())
		what = doing + operation.Service() + " " + operation.Operation() + ": " + what
	}
	switch api.ErrorCode() {
	case "ValidationException", "ValidationError":
		return misused(what, "correct it")
	case "ResourceNotFoundException":
		return missing(what, "check that the stack is deployed, in this region", nil)
	case "AccessDeniedException", "AccessDenied", "UnrecognizedClientException", "InvalidClientTokenId", "ExpiredToken", "ExpiredTokenException",
		"SignatureDoesNotMatch", "InvalidSignatureException":
		return missing(what, "check the credentials and what they may do", nil)
	default:
		return failed(what, "try again; check that Payrail is what answers at "+endpointInUse())
	}
}
