package local

import (
	"context"
	"encoding/json"
	"net/http"
	"regexp"
	"strings"

	"github.com/payrail/payrail/local/apigateway"
	"github.com/payrail/payrail/local/wire"
)

// credentialScope finds the service in a request's signature: Credential=KEY/DATE/REGION/SERVICE/aws4_request. Signatures
// are accepted unchecked: this port is on loopback and holds no secrets.
var credentialScope = regexp.MustCompile(`Credential=[^/,]+/\d{8}/[a-z0-9-]+/([a-z0-9-]+)/aws4_request`)

// faultsPath takes faults to arm, for tests and people: POST a faults.Fault or PUT a faults.Plan as JSON. GET tells what is armed and
// what has happened, DELETE disarms all.
const faultsPath = "/_payrail/faults"

// front hands every request to its service: to an HTTP API by its path, to all others by the signature.
func (r *Runtime) front() http.Handler {
	services := r.services()
	for name, service := range services {
		services[name] = r.definitions.recording(name, service)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+faultsPath, r.armFault)
	mux.HandleFunc("PUT "+faultsPath, r.followPlan)
	mux.HandleFunc("GET "+faultsPath, r.reportFaults)
	mux.HandleFunc("DELETE "+faultsPath, r.clearFaults)
	mux.HandleFunc("/", func(w http.ResponseWriter, request *http.Request) {
		scope := credentialScope.FindStringSubmatch(request.Header.Get("Authorization"))
		if scope == nil {
			refuse(w, &wire.Error{Status: http.StatusForbidden, Code: "MissingAuthenticationToken",
				Message: "the request is not signed: sign it with any credentials, the signature names the service it is for"})
			return
		}
		service, ok := services[scope[1]]
		if !ok {
			refuse(w, wire.NotImplemented("the service "+scope[1]))
			return
		}
		service.ServeHTTP(w, request)
	})
	return http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		if !r.awaitReady(request.Context()) {
			return // Whoever asked has gone, or the runtime does not start.
		}
		if strings.HasPrefix(request.URL.EscapedPath(), apigateway.PathPrefix) {
			r.metrics.api(r.apigateway).ServeHTTP(w, request) // Not through the mux, which redirects paths that it would clean.
			return
		}
		mux.ServeHTTP(w, request)
	})
}

// awaitReady lets nothing in before everything is there that an earlier process had: clients go on calling while a runtime is started
// again, and an event that is accepted before its rules are there would find nobody. It returns false where ctx ends first.
func (r *Runtime) awaitReady(ctx context.Context) bool {
	if r.ready == nil {
		return true
	}
	select {
	case <-r.ready:
		return true
	case <-ctx.Done():
		return false
	}
}

// services are the handlers of all services, by the name in a signature.
func (r *Runtime) services() map[string]http.Handler {
	return map[string]http.Handler{
		"dynamodb":       r.dynamodb,
		"events":         r.eventbridge,
		"sqs":            r.sqs.Handler(),
		"lambda":         r.lambda.Handler(),
		"states":         r.stepfunctions,
		"s3":             r.s3,
		"firehose":       r.firehose,
		"sns":            r.sns,
		"kms":            r.kms,
		"cloudformation": r.cloudformation,
		"monitoring":     r.cloudwatch,
	}
}

// refuse answers before any service is known; the JSON form is what most clients can read.
func refuse(w http.ResponseWriter, e *wire.Error) {
	status := e.Status
	if status == 0 {
		status = http.StatusBadRequest
	}
	body, err := json.Marshal(map[string]string{"__type": e.Code, "message": e.Message})
	if err != nil {
		status, body = http.StatusInternalServerError, nil
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.Header().Set("X-Amzn-Errortype", e.Code)
	w.WriteHeader(status)
	_, _ = w.Write(body) // A client that has gone away is not the runtime's error.
}
