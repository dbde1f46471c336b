package lambda

import (
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/payrail/payrail/local/wire"
)

// Paths of the Lambda API.
const (
	functionsPath   = "/2015-03-31/functions"
	functionPath    = functionsPath + "/{name}"
	mappingsPath    = "/2015-03-31/event-source-mappings"
	mappingPath     = mappingsPath + "/{id}"
	concurrencyPath = "/2017-10-31/functions/{name}/concurrency"
	// readConcurrencyPath is another version than the writes': the operation came later.
	readConcurrencyPath = "/2019-09-30/functions/{name}/concurrency"
	eventInvokePath     = "/2019-09-25/functions/{name}/event-invoke-config"
)

// call is an operation without the protocol: it takes the request, whose path has values, and its body.
type call func(r *http.Request, body []byte) (any, error)

// Handler serves the Lambda API (REST-JSON protocol).
func (s *Service) Handler() http.Handler {
	mux := http.NewServeMux()
	handle := func(method, path, operation string, status int, do call) {
		mux.HandleFunc(method+" "+path, func(w http.ResponseWriter, r *http.Request) { s.serveCall(w, r, operation, status, do) })
	}
	for _, slash := range []string{"", "/{$}"} { // Clients of some years end the paths of collections with a slash.
		handle(http.MethodGet, functionsPath+slash, "ListFunctions", http.StatusOK, func(r *http.Request, _ []byte) (any, error) { return s.listFunctions(r.URL.Query()) })
		handle(http.MethodGet, mappingsPath+slash, "ListEventSourceMappings", http.StatusOK, func(r *http.Request, _ []byte) (any, error) { return s.listMappings(r.URL.Query()) })
		handle(http.MethodPost, mappingsPath+slash, "CreateEventSourceMapping", http.StatusAccepted, func(_ *http.Request, body []byte) (any, error) { return s.createMapping(body) })
	}
	named := func(method, path, operation string, status int, do func(name string, body []byte) (any, error)) {
		handle(method, path, operation, status, func(r *http.Request, body []byte) (any, error) {
			if q := r.URL.Query().Get("Qualifier"); q != "" && q != latestVersion {
				return nil, notFound("Function not found: " + s.arnPrefix + r.PathValue("name") + ":" + q) // No version was ever published.
			}
			return do(r.PathValue("name"), body)
		})
	}
	named(http.MethodGet, functionPath, "GetFunction", http.StatusOK, func(name string, _ []byte) (any, error) { return s.getFunction(name) })
	named(http.MethodGet, functionPath+"/configuration", "GetFunctionConfiguration", http.StatusOK, func(name string, _ []byte) (any, error) { return s.getConfiguration(name) })
	named(http.MethodPut, concurrencyPath, "PutFunctionConcurrency", http.StatusOK, func(name string, body []byte) (any, error) { return s.putConcurrency(name, body) })
	named(http.MethodDelete, concurrencyPath, "DeleteFunctionConcurrency", http.StatusNoContent, func(name string, _ []byte) (any, error) { return nil, s.PutConcurrency(name, nil) })
	named(http.MethodGet, readConcurrencyPath, "GetFunctionConcurrency", http.StatusOK, func(name string, _ []byte) (any, error) { return s.getConcurrency(name) })
	named(http.MethodPut, eventInvokePath, "PutFunctionEventInvokeConfig", http.StatusOK, func(name string, body []byte) (any, error) { return s.setEventInvokeConfig(name, body, false) })
	named(http.MethodPost, eventInvokePath, "UpdateFunctionEventInvokeConfig", http.StatusOK, func(name string, body []byte) (any, error) { return s.setEventInvokeConfig(name, body, true) })
	named(http.MethodGet, eventInvokePath, "GetFunctionEventInvokeConfig", http.StatusOK, func(name string, _ []byte) (any, error) { return s.getEventInvokeConfig(name) })
	named(http.MethodDelete, eventInvokePath, "DeleteFunctionEventInvokeConfig", http.StatusNoContent, func(name string, _ []byte) (any, error) { return nil, s.deleteEventInvokeConfig(name) })
	handle(http.MethodGet, mappingPath, "GetEventSourceMapping", http.StatusOK, func(r *http.Request, _ []byte) (any, error) { return s.getMapping(r.PathValue("id")) })
	handle(http.MethodPut, mappingPath, "UpdateEventSourceMapping", http.StatusAccepted, func(r *http.Request, body []byte) (any, error) { return s.updateMapping(r.PathValue("id"), body) })
	handle(http.MethodDelete, mappingPath, "DeleteEventSourceMapping", http.StatusAccepted, func(r *http.Request, _ []byte) (any, error) { return s.deleteMapping(r.PathValue("id")) })
	mux.HandleFunc("POST "+functionPath+"/invocations", func(w http.ResponseWriter, r *http.Request) {
		if err := s.serveInvoke(w, r, r.PathValue("name")); err != nil {
			wire.Unanswered(r, err)
			writeError(w, err)
		}
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		writeError(w, wire.NotImplemented("lambda: "+r.Method+" "+r.URL.Path))
	})
	return mux
}

func (s *Service) serveCall(w http.ResponseWriter, r *http.Request, operation string, status int, do call) {
	body, err := wire.ReadBody(r)
	if err != nil {
		writeError(w, err)
		return
	}
	out, err := wire.WithFaults(s.Faults, "lambda:"+operation, func() (any, error) { return do(r, body) })
	wire.Unanswered(r, err)
	if err != nil {
		writeError(w, err)
		return
	}
	if status == http.StatusNoContent {
		w.Header().Set("X-Amzn-Requestid", wire.RequestID())
		w.WriteHeader(status)
		return
	}
	answer, err := json.Marshal(out)
	if err != nil {
		writeError(w, err)
		return
	}
	writeBody(w, status, answer)
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
	for header, what := range map[string]string{"X-Amz-Client-Context": "client contexts", "X-Amz-Durable-Execution-Name": "durable executions", "X-Amz-Tenant-Id": "tenants"} {
		if r.Header.Get(header) != "" {
			return wire.NotImplemented(what + " of lambda:Invoke")
		}
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
	if !json.Valid(payload) || !utf8.Valid(payload) {
		return nil, wire.Errorf("InvalidRequestContentException", "Could not parse request body into json")
	}
	return payload, nil
}
