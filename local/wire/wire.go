// Package wire speaks the AWS protocols: JSON with X-Amz-Target, the query protocol and rpc-v2-cbor. A service of the
// local runtime gives it a table of operations; the package decodes the request, passes the fault injector, and writes the
// answer or the error in the shape the SDKs expect.
package wire

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/payrail/payrail/local/faults"
)

// maxRequestBytes is the largest request body read: above every limit of the services here (DynamoDB 16 MB in a batch).
const maxRequestBytes = 17 << 20

// Error is a service error as its SDK clients see it.
type Error struct {
	// Status is the HTTP status; 0 means 400.
	Status int
	// Code is the error's name without namespace ("ConditionalCheckFailedException").
	Code    string
	Message string
	// Members are further members of the error shape ("Item", "CancellationReasons").
	Members map[string]any
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

// Errorf makes an Error with status 400.
func Errorf(code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// NotImplemented is the refusal of a part of AWS that the local runtime does not do; what names it.
func NotImplemented(what string) *Error {
	return &Error{Status: http.StatusNotImplemented, Code: "NotImplemented", Message: "the local runtime does not do " + what}
}

// AsError turns any error into one with a code: injected faults keep their code, others become InternalFailure.
func AsError(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	var f *faults.Error
	if errors.As(err, &f) {
		return &Error{Status: injectedStatus(f), Code: f.Code, Message: f.Error()}
	}
	return &Error{Status: http.StatusInternalServerError, Code: "InternalFailure", Message: err.Error()}
}

// Operation does one API call: it takes the request body and returns the response, to be encoded as JSON.
type Operation func(ctx context.Context, body []byte) (any, error)

// Op makes an Operation of a typed function. Unknown members are ignored, as the services do. In must not have members of
// interface types: encoding/json would make float64 of their numbers. What is open-ended stays a json.RawMessage.
func Op[In, Out any](f func(context.Context, *In) (*Out, error)) Operation {
	return func(ctx context.Context, body []byte) (any, error) {
		in := new(In)
		if len(body) > 0 {
			if err := json.Unmarshal(body, in); err != nil {
				return nil, Errorf("SerializationException", "%s", err)
			}
		}
		return f(ctx, in)
	}
}

// JSON serves the JSON protocol of one service.
type JSON struct {
	// Name is the service as it stands in operation names of the fault injector ("dynamodb").
	Name string
	// TargetPrefix is the part of X-Amz-Target before the dot ("DynamoDB_20120810").
	TargetPrefix string
	// Version is the JSON protocol version in the content type: "1.0" or "1.1".
	Version string
	// ErrorNamespace prefixes error codes in __type ("com.amazonaws.dynamodb.v20120810#"); may be empty.
	ErrorNamespace string
	// Checksum adds X-Amz-Crc32, which DynamoDB clients verify.
	Checksum   bool
	Operations map[string]Operation
	Faults     *faults.Injector
	// Observe hears of every call with its body and its error, for metrics; nil: nobody does. It must not keep body.
	Observe func(operation string, body []byte, err error)
}

func (s *JSON) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, name, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	body, err := ReadBody(r)
	if err != nil {
		s.write(w, nil, err)
		return
	}
	out, err := s.Call(r.Context(), name, body)
	Unanswered(r, err)
	s.write(w, out, err)
}

// Call does one operation by name, as a request over HTTP would: through the fault injector, refusing unknown names.
func (s *JSON) Call(ctx context.Context, name string, body []byte) (any, error) {
	operation, ok := s.Operations[name]
	if !ok {
		return nil, NotImplemented(s.Name + ":" + name)
	}
	resource := ""
	if s.Faults.Active() {
		resource = resourceOf(body)
	}
	out, err := WithFaultsOn(s.Faults, s.Name+":"+name, resource, func() (any, error) { return operation(ctx, body) })
	if s.Observe != nil {
		s.Observe(name, body, err)
	}
	return out, err
}

func (s *JSON) write(w http.ResponseWriter, out any, err error) {
	status, payload := http.StatusOK, []byte("{}")
	if err == nil && out != nil {
		payload, err = json.Marshal(out)
	}
	if err != nil {
		e := AsError(err)
		status = e.Status
		if status == 0 {
			status = http.StatusBadRequest
		}
		members := map[string]any{"__type": s.ErrorNamespace + e.Code, "message": e.Message}
		for k, v := range e.Members {
			members[k] = v
		}
		payload, err = json.Marshal(members)
		if err != nil {
			status, payload = http.StatusInternalServerError, []byte(`{"__type":"InternalFailure"}`)
		}
		w.Header().Set("X-Amzn-Errortype", e.Code)
	}
	header := w.Header()
	header.Set("Content-Type", "application/x-amz-json-"+s.Version)
	header.Set("X-Amzn-Requestid", RequestID())
	header.Set("Content-Length", strconv.Itoa(len(payload)))
	if s.Checksum {
		header.Set("X-Amz-Crc32", strconv.FormatUint(uint64(crc32.ChecksumIEEE(payload)), 10))
	}
	w.WriteHeader(status)
	_, _ = w.Write(payload) // A client that has gone away is not the service's error.
}

// ReadBody reads a request body up to the size limit.
func ReadBody(r *http.Request) ([]byte, error) {
	var body bytes.Buffer
	if r.ContentLength > 0 {
		body.Grow(int(min(r.ContentLength, maxRequestBytes)) + bytes.MinRead) // One allocation, and room to see the end.
	}
	if _, err := body.ReadFrom(io.LimitReader(r.Body, maxRequestBytes+1)); err != nil {
		return nil, Errorf("RequestTimeout", "reading the request: %s", err)
	}
	if body.Len() > maxRequestBytes {
		return nil, &Error{Status: http.StatusRequestEntityTooLarge, Code: "RequestEntityTooLarge", Message: "the request is larger than 17 MiB"}
	}
	return body.Bytes(), nil
}

// RequestID makes an id in the form of a UUID.
func RequestID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // crypto/rand.Read does not fail: it ends the program instead.
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	h := hex.EncodeToString(b[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}
