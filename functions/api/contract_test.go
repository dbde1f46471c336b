package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	lambdaevents "github.com/aws/aws-lambda-go/events"
	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"
	"github.com/stretchr/testify/require"
)

// server is an address to make requests with.
const server = "http://127.0.0.1:4566"

// contract is the OpenAPI document, to which every answer in these tests is held.
type contract struct {
	document *openapi3.T
	router   routers.Router
}

// contractFile reads the document once for all tests.
var contractFile = sync.OnceValues(func() (contract, error) {
	openapi3filter.RegisterBodyDecoder(problemType, openapi3filter.JSONBodyDecoder)
	document, err := openapi3.NewLoader().LoadFromFile(filepath.Join("..", "..", "api", "openapi.yaml"))
	if err != nil {
		return contract{}, err
	}
	if err := document.Validate(context.Background(), openapi3.EnableExamplesValidation()); err != nil {
		return contract{}, err
	}
	document.Servers = nil // The whole address is a variable, which the router cannot match.
	router, err := legacy.NewRouter(document)
	return contract{document, router}, err
})

func loadContract(t testing.TB) contract {
	t.Helper()
	c, err := contractFile()
	require.NoError(t, err)
	return c
}

// hold fails the test unless the answer is one that the document describes. Whether the request itself is as the document
// says is returned: the handler must refuse exactly what is not.
func (c contract) hold(t testing.TB, path string, asked lambdaevents.APIGatewayV2HTTPRequest, response lambdaevents.APIGatewayV2HTTPResponse) (requestError error) {
	t.Helper()
	method, _, _ := strings.Cut(asked.RouteKey, " ")
	request, err := http.NewRequestWithContext(context.Background(), method, server+path, strings.NewReader(asked.Body))
	require.NoError(t, err)
	for name, value := range asked.Headers {
		request.Header.Set(name, value)
	}
	route, parameters, err := c.router.FindRoute(request)
	require.NoError(t, err, path)
	input := &openapi3filter.RequestValidationInput{Request: request, PathParams: parameters, Route: route,
		Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc}}
	header := http.Header{}
	for name, value := range response.Headers {
		header.Set(name, value)
	}
	require.NoError(t, openapi3filter.ValidateResponse(context.Background(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: input, Status: response.StatusCode, Header: header,
		Body: io.NopCloser(bytes.NewReader([]byte(response.Body))), Options: &openapi3filter.Options{IncludeResponseStatus: true},
	}), "%s answers %s", path, response.Body)
	return openapi3filter.ValidateRequest(context.Background(), input)
}

// requestOf makes the payload that the gateway makes of a GET of path.
func requestOf(t testing.TB, path string) lambdaevents.APIGatewayV2HTTPRequest {
	t.Helper()
	u, err := url.Parse(server + path)
	require.NoError(t, err)
	segments := strings.Split(u.Path, "/")
	request := lambdaevents.APIGatewayV2HTTPRequest{Version: "2.0", RawPath: u.Path, RawQueryString: u.RawQuery}
	request.RequestContext.RequestID = "request-1"
	switch {
	case len(segments) == 4 && segments[1] == "accounts":
		request.RouteKey = "GET /accounts/{id}/" + segments[3]
	case len(segments) == 3:
		request.RouteKey = "GET /" + segments[1] + "/{id}"
	}
	request.PathParameters = map[string]string{"id": segments[2]}
	request.RequestContext.Authorizer = &lambdaevents.APIGatewayV2HTTPRequestContextAuthorizerDescription{
		IAM: &lambdaevents.APIGatewayV2HTTPRequestContextAuthorizerIAMDescription{UserARN: "arn:aws:iam::000000000000:user/branch"}}
	for name, values := range u.Query() {
		if request.QueryStringParameters == nil {
			request.QueryStringParameters = map[string]string{}
		}
		request.QueryStringParameters[name] = strings.Join(values, ",")
	}
	return request
}

// get asks h for path, holds the answer to the contract, and decodes it.
func get(t testing.TB, h *handler, path string) (status int, answer map[string]any) {
	t.Helper()
	return send(t, h, path, requestOf(t, path))
}

// send asks h, holds the answer to the contract, and decodes it.
func send(t testing.TB, h *handler, path string, request lambdaevents.APIGatewayV2HTTPRequest) (status int, answer map[string]any) {
	t.Helper()
	response, err := h.handle(context.Background(), request)
	require.NoError(t, err)
	requestError := loadContract(t).hold(t, path, request, response)
	if response.StatusCode < 300 {
		require.NoError(t, requestError, "a request that the document excludes was answered")
		require.Equal(t, "application/json", response.Headers["Content-Type"])
	} else {
		require.Equal(t, problemType, response.Headers["Content-Type"])
	}
	require.Equal(t, "no-store", response.Headers["Cache-Control"])
	require.NoError(t, json.Unmarshal([]byte(response.Body), &answer))
	return response.StatusCode, answer
}

func TestTheDocumentDescribesTheRoutesAndNoOthers(t *testing.T) {
	c := loadContract(t)
	var described []string
	for path, item := range c.document.Paths.Map() {
		for method := range item.Operations() {
			described = append(described, method+" "+path)
		}
	}
	h := newHandler(nil, nil, nil, nil)
	var answered []string
	for route := range h.routes {
		answered = append(answered, route)
	}
	require.ElementsMatch(t, described, answered)
}

// The limits in the code are those that callers are told.
func TestTheDocumentTellsTheLimits(t *testing.T) {
	parameters := loadContract(t).document.Paths.Find("/accounts/{id}/entries").Get.Parameters
	limit := parameters.GetByInAndName("query", "limit").Schema.Value
	require.EqualValues(t, maxLimit, *limit.Max)
	require.EqualValues(t, defaultLimit, limit.Default)
	require.EqualValues(t, maxCursor, *parameters.GetByInAndName("query", "cursor").Schema.Value.MaxLength)
	id := parameters.GetByInAndName("path", "id").Schema.Value
	require.Equal(t, identifier.String(), id.Pattern)
}
