package lambda

import (
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/payrail/payrail/local/wire"
)

// Paths of the Lambda API.
const (
	functionsPath = "/2015-03-31/functions"
	mappingsPath  = "/2015-03-31/event-source-mappings"
)

// Handler serves the Lambda API (REST-JSON protocol).
func (s *Service) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := s.route(w, r); err != nil {
			wire.Unanswered(r, err)
			writeError(w, err)
		}
	})
}

func (s *Service) route(w http.ResponseWriter, r *http.Request) error {
	resource, rest, err := splitPath(r.URL)
	if err != nil {
		return err
	}
	read := r.Method == http.MethodGet
	switch {
	case resource == functionsPath && len(rest) == 2 && rest[1] == "invocations" && r.Method == http.MethodPost:
		return s.serveInvoke(w, r, rest[0])
	case resource == functionsPath && len(rest) == 0 && read:
		return s.serveCall(w, "ListFunctions", func() (any, error) { return s.listFunctions(), nil })
	case resource == functionsPath && len(rest) == 1 && read:
		return s.serveCall(w, "GetFunction", func() (any, error) { return s.getFunction(rest[0]) })
	case resource == functionsPath && len(rest) == 2 && rest[1] == "configuration" && read:
		return s.serveCall(w, "GetFunctionConfiguration", func() (any, error) { return s.getConfiguration(rest[0]) })
	case resource == mappingsPath && len(rest) == 0 && read:
		return s.serveCall(w, "ListEventSourceMappings", func() (any, error) { return s.listMappings(r.URL.Query()) })
	case resource == mappingsPath && len(rest) == 1 && read:
		return s.serveCall(w, "GetEventSourceMapping", func() (any, error) { return s.getMapping(rest[0]) })
	}
	return wire.NotImplemented("lambda: " + r.Method + " " + r.URL.Path)
}

// splitPath returns the API's resource and the unescaped segments after it.
func splitPath(u *url.URL) (resource string, rest []string, err error) {
	path := strings.TrimSuffix(u.EscapedPath(), "/")
	for _, prefix := range []string{functionsPath, mappingsPath} {
		tail, ok := strings.CutPrefix(path, prefix)
		if !ok || tail != "" && tail[0] != '/' {
			continue
		}
		if tail == "" {
			return prefix, nil, nil
		}
		for segment := range strings.SplitSeq(tail[1:], "/") {
			name, err := url.PathUnescape(segment)
			if err != nil {
				return "", nil, invalid("reading the path: %s", err)
			}
			rest = append(rest, name)
		}
		return prefix, rest, nil
	}
	return "", nil, nil
}

func (s *Service) serveCall(w http.ResponseWriter, operation string, call func() (any, error)) error {
	out, err := wire.WithFaults(s.Faults, "lambda:"+operation, call)
	if err != nil {
		return err
	}
	body, err := json.Marshal(out)
	if err != nil {
		return err
	}
	writeBody(w, http.StatusOK, body)
	return nil
}

func writeBody(w http.ResponseWriter, status int, body []byte) {
	header := w.Header()
	header.Set("Content-Type", "application/json")
	if header.Get("X-Amzn-Requestid") == "" {
		header.Set("X-Amzn-Requestid", wire.RequestID())
	}
	header.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) // A client that has gone away is not the service's error.
}

// upperCaseMessage are the errors whose message member has a capital letter in Lambda's model; the others have "message".
var upperCaseMessage = []string{"ResourceNotFoundException", "ServiceException"}

func writeError(w http.ResponseWriter, err error) {
	e := wire.AsError(err)
	status := e.Status
	if status == 0 {
		status = http.StatusBadRequest
	}
	members := map[string]any{"Type": "User"}
	if status >= http.StatusInternalServerError {
		members["Type"] = "Service"
	}
	if slices.Contains(upperCaseMessage, e.Code) {
		members["Message"] = e.Message
	} else {
		members["message"] = e.Message
	}
	maps.Copy(members, e.Members)
	body, marshalErr := json.Marshal(members)
	if marshalErr != nil {
		status, body = http.StatusInternalServerError, []byte(`{"Type":"Service"}`)
	}
	w.Header().Set("X-Amzn-Errortype", e.Code)
	writeBody(w, status, body)
}

// serveInvoke does the Invoke operation in its three invocation types.
func (s *Service) serveInvoke(w http.ResponseWriter, r *http.Request, function string) error {
	if q := r.URL.Query().Get("Qualifier"); q != "" && q != latestVersion {
		return notFound("Function not found: " + s.arnPrefix + function + ":" + q)
	}
	f, err := s.find(function)
	if err != nil {
		return err
	}
	if r.Header.Get("X-Amz-Client-Context") != "" {
		return wire.NotImplemented("client contexts of lambda:Invoke")
	}
	if log := r.Header.Get("X-Amz-Log-Type"); log != "" && log != "None" {
		return wire.NotImplemented("log type " + log + " of lambda:Invoke")
	}
	payload, err := readPayload(r)
	if err != nil {
		return err
	}
	header := w.Header()
	switch kind := r.Header.Get("X-Amz-Invocation-Type"); kind {
	case "DryRun":
		w.WriteHeader(http.StatusNoContent)
	case "Event":
		id, err := s.invokeAsync(f.spec.Name, payload)
		if err != nil {
			return err
		}
		header.Set("X-Amzn-Requestid", id)
		writeBody(w, http.StatusAccepted, nil)
	case "", "RequestResponse":
		id := s.NewID()
		out, err := s.invoke(r.Context(), f, id, payload)
		if err != nil {
			return err
		}
		header.Set("X-Amzn-Requestid", id)
		header.Set("X-Amz-Executed-Version", latestVersion)
		if out.functionError != "" {
			header.Set("X-Amz-Function-Error", out.functionError)
		}
		writeBody(w, http.StatusOK, out.payload)
	default:
		return invalid("Value '%s' at 'invocationType' failed to satisfy constraint: Member must satisfy enum value set: [Event, DryRun, RequestResponse]", kind)
	}
	return nil
}

// readPayload reads an event; without one the function gets an empty object, as on AWS.
func readPayload(r *http.Request) ([]byte, error) {
	payload, err := wire.ReadBody(r)
	var tooLarge *wire.Error
	if errors.As(err, &tooLarge) && tooLarge.Status == http.StatusRequestEntityTooLarge || len(payload) > maxPayloadBytes {
		return nil, errTooLarge(maxPayloadBytes)
	}
	if err != nil {
		return nil, err
	}
	if len(payload) == 0 {
		return []byte("{}"), nil
	}
	if !json.Valid(payload) {
		return nil, wire.Errorf("InvalidRequestContentException", "Could not parse request body into json")
	}
	return payload, nil
}
