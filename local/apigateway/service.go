// Package apigateway is the local runtime's Amazon API Gateway, as far as HTTP APIs go: routes to Lambda proxy integrations with
// payload format 2.0 on an automatically deployed $default stage. Each API is at a path of its own instead of a host name of its
// own: http://127.0.0.1:PORT/_api/<api id>/….
package apigateway

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/payrail/payrail/local/clock"
	"github.com/payrail/payrail/local/faults"
	"github.com/payrail/payrail/local/wire"
)

// PathPrefix starts the paths of all APIs on the runtime's port.
const PathPrefix = "/_api/"

const (
	// defaultTimeout is how long an integration may take where it does not say, and the longest it may say.
	defaultTimeout = 30 * time.Second
	// minTimeout is the shortest time an integration may be given.
	minTimeout = 50 * time.Millisecond
	// maxBodyBytes is the largest request and response body of an HTTP API.
	maxBodyBytes = 10 << 20
	// defaultStage is the only stage done: its paths have no prefix.
	defaultStage = "$default"
)

// Functions invokes functions synchronously. It is safe for concurrent use and returns early with ctx's error.
type Functions interface {
	Invoke(ctx context.Context, functionARN string, payload []byte) (response []byte, functionError string, err error)
}

// Options is what a Service needs. All fields but Faults are mandatory.
type Options struct {
	// Clock tells the time in requests.
	Clock clock.Clock
	// RealTime runs the time limit of integrations, which stays real because functions do.
	RealTime  clock.Clock
	Functions Functions
	// MayInvoke asks the function's resource policy whether API Gateway may invoke it for the source, a route's ARN.
	MayInvoke func(functionARN, sourceARN string) error
	// NewID makes request ids.
	NewID           func() string
	Faults          *faults.Injector
	Logger          *slog.Logger
	Region, Account string
	// Endpoint is the address of the runtime's port; asked whenever it is needed.
	Endpoint func() string
}

// Service holds the APIs. It is safe for concurrent use.
type Service struct {
	Options
	mu   sync.RWMutex
	apis map[string]*api
}

type api struct {
	deployed     bool
	integrations map[string]IntegrationSpec
	routes       []route
}

// New makes a service without APIs.
func New(o Options) *Service { return &Service{Options: o, apis: map[string]*api{}} }

// IntegrationSpec is a Lambda proxy integration.
type IntegrationSpec struct {
	ID string
	// Type must be AWS_PROXY, PayloadFormatVersion 2.0.
	Type, PayloadFormatVersion string
	// FunctionARN is the function's ARN; the form arn:aws:apigateway:…:path/…/functions/ARN/invocations is taken too.
	FunctionARN string
	// Timeout is how long the function may take; 0 is 30 seconds, which is also the most.
	Timeout time.Duration
}

// RouteSpec is a route to an integration.
type RouteSpec struct {
	// Key is a method and a path: "GET /things/{id}".
	Key string
	// Target is "integrations/<id>".
	Target string
	// AuthorizationType is NONE (or empty) or AWS_IAM.
	AuthorizationType string
}

func invalid(format string, args ...any) error {
	return wire.Errorf("BadRequestException", format, args...)
}

// CreateAPI makes an HTTP API with a given id and returns its address.
func (s *Service) CreateAPI(id, protocol string) (endpoint string, err error) {
	if protocol != "HTTP" {
		return "", wire.NotImplemented("APIs of protocol " + protocol)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.apis[id] != nil {
		return "", &wire.Error{Status: http.StatusConflict, Code: "ConflictException", Message: "API " + id + " exists"}
	}
	s.apis[id] = &api{integrations: map[string]IntegrationSpec{}}
	return s.Endpoint() + PathPrefix + id, nil
}

// change runs f with an API under the lock.
func (s *Service) change(apiID string, f func(*api) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.apis[apiID]
	if a == nil {
		return &wire.Error{Status: http.StatusNotFound, Code: "NotFoundException", Message: "Invalid API identifier specified " + apiID}
	}
	return f(a)
}

// CreateIntegration adds an integration to an API.
func (s *Service) CreateIntegration(apiID string, spec IntegrationSpec) error {
	if spec.Type != "AWS_PROXY" {
		return wire.NotImplemented("integrations of type " + spec.Type)
	}
	if spec.PayloadFormatVersion != "2.0" {
		return wire.NotImplemented("payload format version " + spec.PayloadFormatVersion)
	}
	if spec.Timeout == 0 {
		spec.Timeout = defaultTimeout
	}
	if spec.Timeout < minTimeout || spec.Timeout > defaultTimeout {
		return invalid("TimeoutInMillis must be from 50 to 30000")
	}
	if _, after, found := strings.Cut(spec.FunctionARN, ":path/2015-03-31/functions/"); found {
		spec.FunctionARN = strings.TrimSuffix(after, "/invocations")
	}
	if !strings.HasPrefix(spec.FunctionARN, "arn:aws:lambda:"+s.Region+":"+s.Account+":function:") {
		return wire.NotImplemented("integrations with " + spec.FunctionARN)
	}
	return s.change(apiID, func(a *api) error {
		a.integrations[spec.ID] = spec
		return nil
	})
}

// CreateRoute adds a route to an API.
func (s *Service) CreateRoute(apiID string, spec RouteSpec) error {
	r, err := parseRoute(spec.Key)
	if err != nil {
		return err
	}
	switch spec.AuthorizationType {
	case "", "NONE":
	case "AWS_IAM":
		r.signed = true
	default: // To let everybody in who shows any token would be a wrong answer.
		return wire.NotImplemented("routes with authorization type " + spec.AuthorizationType)
	}
	return s.change(apiID, func(a *api) error {
		id, ok := strings.CutPrefix(spec.Target, "integrations/")
		if r.integration, ok = a.integrations[id], ok && a.integrations[id].ID != ""; !ok {
			return invalid("route %s has the target %q, which is no integration of the API", spec.Key, spec.Target)
		}
		for _, other := range a.routes {
			if other.sameAs(r) {
				return &wire.Error{Status: http.StatusConflict, Code: "ConflictException", Message: "Route with key " + spec.Key + " already exists for this API"}
			}
		}
		a.routes = append(a.routes, r)
		return nil
	})
}

// CreateStage deploys an API. Only the stage $default with automatic deployment is done.
func (s *Service) CreateStage(apiID, name string, autoDeploy bool) error {
	if name != defaultStage {
		return wire.NotImplemented("stages other than $default")
	}
	if !autoDeploy {
		return wire.NotImplemented("stages without AutoDeploy")
	}
	return s.change(apiID, func(a *api) error {
		a.deployed = true
		return nil
	})
}

// errTooLong is why an invocation is given up; the function goes on, as on AWS.
var errTooLong = errors.New("the integration took longer than its time limit")

// ServeHTTP answers the requests below PathPrefix.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	requestID := s.NewID()
	w.Header().Set("Apigw-Requestid", requestID)
	apiID, path, _ := strings.Cut(strings.TrimPrefix(r.URL.EscapedPath(), PathPrefix), "/")
	found, parameters, ok := s.find(apiID, r.Method, "/"+path)
	if !ok {
		refuse(w, http.StatusNotFound, "Not Found")
		return
	}
	caller := callerOf(r, s.Region)
	if found.signed && caller == nil {
		refuse(w, http.StatusForbidden, "Forbidden")
		return
	}
	event, err := s.event(r, eventOf{apiID: apiID, requestID: requestID, path: "/" + path, route: found, parameters: parameters, caller: caller})
	if errors.Is(err, errTooLarge) {
		refuse(w, http.StatusRequestEntityTooLarge, "Request Entity Too Large")
		return
	}
	if err != nil {
		refuse(w, http.StatusBadRequest, "Bad Request")
		return
	}
	answer, err := s.invoke(r.Context(), apiID, found, event)
	switch {
	case errors.Is(err, errTooLong):
		s.Logger.Warn("an HTTP API gave up", "api", apiID, "route", found.key, "requestId", requestID, "error", err)
		refuse(w, http.StatusServiceUnavailable, "Service Unavailable")
	case err != nil:
		s.Logger.Warn("an HTTP API failed", "api", apiID, "route", found.key, "requestId", requestID, "error", err)
		refuse(w, http.StatusInternalServerError, "Internal Server Error")
	default:
		answer.write(w)
	}
}

// find looks a request's route up.
func (s *Service) find(apiID, method, path string) (found route, parameters map[string]string, ok bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	a := s.apis[apiID]
	if a == nil || !a.deployed {
		return route{}, nil, false
	}
	return match(a.routes, method, path)
}

// invoke calls the route's function, if its policy lets API Gateway, and reads the response.
func (s *Service) invoke(ctx context.Context, apiID string, r route, event []byte) (response, error) {
	source := "arn:aws:execute-api:" + s.Region + ":" + s.Account + ":" + apiID + "/" + defaultStage + "/" + r.method + r.path
	return wire.WithFaults(s.Faults, "execute-api:Invoke", func() (response, error) {
		if err := s.MayInvoke(r.integration.FunctionARN, source); err != nil {
			return response{}, err
		}
		ctx, cancel := context.WithCancelCause(ctx)
		defer cancel(nil)
		timer := s.RealTime.AfterFunc(r.integration.Timeout, func() { cancel(errTooLong) })
		defer timer.Stop()
		payload, functionError, err := s.Functions.Invoke(ctx, r.integration.FunctionARN, event)
		if cause := context.Cause(ctx); err != nil && cause != nil {
			return response{}, cause
		}
		if err != nil {
			return response{}, err
		}
		if functionError != "" {
			return response{}, errors.New("the function failed: " + functionError)
		}
		return readResponse(payload)
	})
}
