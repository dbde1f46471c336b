package lambda

import (
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// runtimePath is the Runtime API's path after an environment's id, which is part of the address functions are given: the
// client of aws-lambda-go puts "http://" before and this path after whatever stands in AWS_LAMBDA_RUNTIME_API.
const runtimePath = "/2018-06-01/runtime/"

// initErrorPath reports that an environment cannot start.
const initErrorPath = "init/error"

var errResponseTooLarge = errors.New("response is larger than the limit")

// serveRuntime serves the Runtime API to the function processes.
func (s *Service) serveRuntime(w http.ResponseWriter, r *http.Request) {
	id, rest, found := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), runtimePath)
	s.mu.RLock()
	e := s.environments[id]
	s.mu.RUnlock()
	if !found || e == nil {
		runtimeError(w, http.StatusNotFound, "InvalidEnvironment", "no such environment or path: "+r.URL.Path)
		return
	}
	action, isInvocation := strings.CutPrefix(rest, "invocation/")
	switch {
	case rest == initErrorPath && r.Method == http.MethodPost:
		e.serveInitError(w, r)
	case isInvocation && action == "next" && r.Method == http.MethodGet:
		e.serveNext(w, r)
	case isInvocation && r.Method == http.MethodPost:
		requestID, kind, _ := strings.Cut(action, "/")
		e.serveAnswer(w, r, requestID, kind)
	default:
		runtimeError(w, http.StatusNotImplemented, "NotImplemented", "the local runtime does not do "+r.Method+" "+rest)
	}
}

func runtimeError(w http.ResponseWriter, status int, errorType, message string) {
	out := failed(errorType, message)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(out.payload) // The process may be dead; that it is, is noticed elsewhere.
}

func (e *environment) serveNext(w http.ResponseWriter, r *http.Request) {
	if !e.function.next(e) {
		runtimeError(w, http.StatusForbidden, "InvalidStateTransition", "the environment is ending or has not answered its invocation")
		return
	}
	select {
	case inv := <-e.work:
		header := w.Header()
		header["Lambda-Runtime-Aws-Request-Id"] = []string{inv.id}
		header["Lambda-Runtime-Deadline-Ms"] = []string{strconv.FormatInt(inv.deadline.UnixMilli(), 10)}
		header["Lambda-Runtime-Invoked-Function-Arn"] = []string{e.function.arn}
		header["Lambda-Runtime-Trace-Id"] = []string{traceID(inv)}
		header["Content-Type"] = []string{"application/json"}
		header["Content-Length"] = []string{strconv.Itoa(len(inv.payload))}
		_, _ = w.Write(inv.payload) // A process that died meanwhile fails its invocation when its exit is seen.
	case <-e.gone:
	case <-r.Context().Done():
	}
}

// traceID makes an X-Ray trace header for an invocation. Nothing is sampled.
func traceID(inv *invocation) string {
	hex := strings.ReplaceAll(inv.id, "-", "")
	if len(hex) < 32 {
		hex += strings.Repeat("0", 32-len(hex))
	}
	seconds := strconv.FormatInt(inv.deadline.Unix(), 16)
	return "Root=1-" + seconds + "-" + hex[:24] + ";Parent=" + hex[16:32] + ";Sampled=0"
}

// serveAnswer takes the response or the error of an invocation.
func (e *environment) serveAnswer(w http.ResponseWriter, r *http.Request, requestID, kind string) {
	var out outcome
	body, err := readResponse(r)
	switch {
	case errors.Is(err, errResponseTooLarge):
		out = failed("Function.ResponseSizeTooLarge", "Response payload size exceeded maximum allowed payload size ("+strconv.Itoa(maxResponseBytes)+" bytes).")
	case err != nil: // The process died while sending; its exit fails the invocation.
		return
	case kind == "response" && r.Trailer.Get("Lambda-Runtime-Function-Error-Type") != "":
		out = failed(r.Trailer.Get("Lambda-Runtime-Function-Error-Type"), "the response stream ended with an error")
	case kind == "response":
		out = outcome{payload: body}
	case kind == "error":
		out = outcome{payload: body, functionError: functionErrorUnhandled}
	default:
		runtimeError(w, http.StatusNotImplemented, "NotImplemented", "the local runtime does not do invocation/"+kind)
		return
	}
	if !e.function.answer(e, requestID, out) {
		runtimeError(w, http.StatusBadRequest, "InvalidRequestID", "Invalid request ID")
		return
	}
	w.WriteHeader(http.StatusAccepted)
}

func readResponse(r *http.Request) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxResponseBytes+1))
	if err != nil {
		return nil, err
	}
	if len(body) > maxResponseBytes {
		return nil, errResponseTooLarge
	}
	return body, nil
}

func (e *environment) serveInitError(w http.ResponseWriter, r *http.Request) {
	body, err := readResponse(r)
	if err != nil {
		runtimeError(w, http.StatusRequestEntityTooLarge, "PayloadTooLarge", err.Error())
		return
	}
	e.function.mu.Lock()
	e.initError = body
	e.function.mu.Unlock()
	w.WriteHeader(http.StatusAccepted)
}
