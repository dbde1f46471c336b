package wire

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"time"

	"github.com/aws/smithy-go/encoding/cbor"

	"github.com/payrail/payrail/local/faults"
)

// RPC serves a service in the three protocols its clients may speak: rpc-v2-cbor (path /service/S/operation/O), JSON 1.0
// (X-Amz-Target) and query. Errors have the code of the query protocol in all of them, as the trait awsQueryCompatible says.
type RPC struct {
	// Name is the service as it stands in operation names of the fault injector ("cloudwatch").
	Name string
	// Namespace is the xmlns of answers in XML.
	Namespace string
	// ShapePrefix precedes the names of error shapes in __type ("com.amazonaws.cloudwatch#").
	ShapePrefix string
	// ErrorShapes are the names of error shapes that differ from the error's code, by code.
	ErrorShapes map[string]string
	Operations  map[string]Call
	Faults      *faults.Injector
	// Now is the service's time, told in the header Date: clients learn from it what "now" is here. nil: the machine's time.
	Now func() time.Time
}

// Call is one operation with the shape of its input.
type Call struct {
	input func() any
	do    func(ctx context.Context, in any) (any, error)
}

// Shaped makes a Call of a typed function. In and Out are structs whose fields have the names of AWS's members; a member
// that In does not have is refused by name. Out may be an empty struct.
func Shaped[In, Out any](f func(context.Context, *In) (*Out, error)) Call {
	return Call{
		input: func() any { return new(In) },
		do:    func(ctx context.Context, in any) (any, error) { return f(ctx, in.(*In)) },
	}
}

// protocol reads requests and writes answers in one form.
type protocol interface {
	// read finds the operation's name and its input.
	read(r *http.Request, body []byte) (operation string, in any, err error)
	write(w http.ResponseWriter, operation string, out any)
	fail(w http.ResponseWriter, e *Error, shape string)
}

func (s *RPC) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p := s.protocol(r)
	w.Header().Set("X-Amzn-Requestid", RequestID())
	if s.Now != nil {
		w.Header().Set("Date", s.Now().UTC().Format(http.TimeFormat))
	}
	operation, out, err := s.serve(r, p)
	Unanswered(r, err)
	if err != nil {
		e := AsError(err)
		if e.Status == 0 {
			e = &Error{Status: http.StatusBadRequest, Code: e.Code, Message: e.Message}
		}
		shape := e.Code
		if other, ok := s.ErrorShapes[e.Code]; ok {
			shape = other
		}
		p.fail(w, e, s.ShapePrefix+shape)
		return
	}
	p.write(w, operation, tree(reflect.ValueOf(out)))
}

func (s *RPC) protocol(r *http.Request) protocol {
	switch {
	case r.Header.Get("Smithy-Protocol") == "rpc-v2-cbor":
		return cborProtocol{}
	case r.Header.Get("X-Amz-Target") != "":
		return jsonProtocol{}
	default:
		return queryProtocol{s.Namespace}
	}
}

func (s *RPC) serve(r *http.Request, p protocol) (operation string, out any, err error) {
	body, err := plainBody(r)
	if err != nil {
		return "", nil, err
	}
	operation, from, err := p.read(r, body)
	if err != nil {
		return operation, nil, err
	}
	call, ok := s.Operations[operation]
	if !ok {
		return operation, nil, NotImplemented(s.Name + ":" + operation)
	}
	in := call.input()
	if from != nil {
		if err := assign("", from, reflect.ValueOf(in).Elem()); err != nil {
			var refused *Error
			if errors.As(err, &refused) && refused.Status == http.StatusNotImplemented {
				refused.Message = strings.Replace(refused.Message, "the parameter", s.Name+":"+operation+" with", 1)
			}
			return operation, nil, err
		}
	}
	out, err = WithFaults(s.Faults, s.Name+":"+operation, func() (any, error) { return call.do(r.Context(), in) })
	return operation, out, err
}

// plainBody reads a request body, which SDKs compress where an operation is known for large ones (PutMetricData).
func plainBody(r *http.Request) ([]byte, error) {
	body, err := ReadBody(r)
	if err != nil || r.Header.Get("Content-Encoding") != "gzip" {
		return body, err
	}
	unpacked, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		return nil, Errorf("SerializationException", "decompressing the request: %s", err)
	}
	plain, err := io.ReadAll(io.LimitReader(unpacked, maxRequestBytes+1))
	if err != nil {
		return nil, Errorf("SerializationException", "decompressing the request: %s", err)
	}
	if len(plain) > maxRequestBytes {
		return nil, &Error{Status: http.StatusRequestEntityTooLarge, Code: "RequestEntityTooLarge", Message: "the request is larger than 17 MiB"}
	}
	return plain, nil
}

// sender says whose fault an error is.
func sender(e *Error) string {
	if e.Status >= http.StatusInternalServerError {
		return "Receiver"
	}
	return "Sender"
}

type cborProtocol struct{}

func (cborProtocol) read(r *http.Request, body []byte) (string, any, error) {
	_, operation, _ := strings.Cut(r.URL.Path, "/operation/")
	if len(body) == 0 {
		return operation, nil, nil
	}
	v, err := cbor.Decode(body)
	if err != nil {
		return operation, nil, Errorf("SerializationException", "%s", err)
	}
	in, err := fromCBOR(v)
	if err != nil {
		return operation, nil, Errorf("SerializationException", "%s", err)
	}
	return operation, in, nil
}

func (p cborProtocol) write(w http.ResponseWriter, _ string, out any) {
	p.send(w, http.StatusOK, out)
}

func (p cborProtocol) fail(w http.ResponseWriter, e *Error, shape string) {
	w.Header().Set("X-Amzn-Query-Error", e.Code+";"+sender(e))
	p.send(w, e.Status, object{{"__type", shape}, {"message", e.Message}, {"Message", e.Message}})
}

func (cborProtocol) send(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Smithy-Protocol", "rpc-v2-cbor")
	w.Header().Set("Content-Type", "application/cbor")
	w.WriteHeader(status)
	_, _ = w.Write(cbor.Encode(cborOf(v))) // A client that has gone away is not the service's error.
}

type jsonProtocol struct{}

func (jsonProtocol) read(r *http.Request, body []byte) (string, any, error) {
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	if len(body) == 0 {
		return operation, nil, nil
	}
	var in any
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	if err := decoder.Decode(&in); err != nil {
		return operation, nil, Errorf("SerializationException", "%s", err)
	}
	return operation, fromJSON(in), nil
}

func (p jsonProtocol) write(w http.ResponseWriter, _ string, out any) {
	p.send(w, http.StatusOK, out)
}

func (p jsonProtocol) fail(w http.ResponseWriter, e *Error, shape string) {
	w.Header().Set("X-Amzn-Query-Error", e.Code+";"+sender(e))
	p.send(w, e.Status, object{{"__type", shape}, {"message", e.Message}})
}

func (jsonProtocol) send(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(jsonOf(v))
	if err != nil { // Not a number, which no JSON has.
		status, body = http.StatusInternalServerError, []byte(`{"__type":"InternalFailure"}`)
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

type queryProtocol struct{ namespace string }

func (queryProtocol) read(_ *http.Request, body []byte) (string, any, error) {
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return "", nil, Errorf("MalformedQueryString", "%s", err)
	}
	in, err := formTree(form)
	return form.Get("Action"), in, err
}

func (p queryProtocol) write(w http.ResponseWriter, operation string, out any) {
	var b strings.Builder
	b.WriteString(`<` + operation + `Response xmlns="` + p.namespace + `">`)
	if members, ok := out.(object); ok && len(members) > 0 {
		writeXML(&b, operation+"Result", members)
	}
	b.WriteString(`<ResponseMetadata><RequestId>` + w.Header().Get("X-Amzn-Requestid") + `</RequestId></ResponseMetadata></` + operation + `Response>`)
	w.Header().Set("Content-Type", "text/xml")
	_, _ = w.Write([]byte(b.String()))
}

func (p queryProtocol) fail(w http.ResponseWriter, e *Error, _ string) {
	var b strings.Builder
	b.WriteString(`<ErrorResponse xmlns="` + p.namespace + `">`)
	writeXML(&b, "Error", object{{"Type", sender(e)}, {"Code", e.Code}, {"Message", e.Message}})
	b.WriteString(`<RequestId>` + w.Header().Get("X-Amzn-Requestid") + `</RequestId></ErrorResponse>`)
	w.Header().Set("Content-Type", "text/xml")
	w.WriteHeader(e.Status)
	_, _ = w.Write([]byte(b.String()))
}
