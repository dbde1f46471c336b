package apigateway

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/local/clock"
	"github.com/payrail/payrail/local/faults"
)

const (
	functionARN = "arn:aws:lambda:us-east-1:000000000000:function:api"
	signed      = "AWS4-HMAC-SHA256 Credential=AKLOCAL/20260709/us-east-1/execute-api/aws4_request, SignedHeaders=host;x-amz-date, " +
		"Signature=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
)

// invoker is a function: it answers what answer says, or waits until its caller gives up if blocks is set.
type invoker struct {
	answer        string
	functionError string
	err           error
	blocks        bool
	event         []byte
}

func (f *invoker) Invoke(ctx context.Context, arn string, payload []byte) ([]byte, string, error) {
	f.event = payload
	if f.blocks {
		<-ctx.Done()
		return nil, "", ctx.Err()
	}
	return []byte(f.answer), f.functionError, f.err
}

type fixture struct {
	*Service
	function *invoker
	real     *clock.Manual
	// asked is the last question to the function's policy, denied the answer.
	asked  string
	denied error
}

// newFixture is an API "abc" with a signed and an open route.
func newFixture(t *testing.T) *fixture {
	t.Helper()
	now := time.Date(2026, 7, 9, 10, 15, 30, 123e6, time.UTC)
	f := &fixture{function: &invoker{answer: `{"statusCode":200,"body":"ok"}`}, real: clock.NewManual(now)}
	f.Service = New(Options{Clock: clock.NewManual(now), RealTime: f.real, Functions: f.function, NewID: func() string { return "id-1" }, Faults: &faults.Injector{},
		MayInvoke: func(function, source string) error {
			f.asked = function + " for " + source
			return f.denied
		},
		Logger: slog.New(slog.DiscardHandler), Region: "us-east-1", Account: "000000000000", Endpoint: func() string { return "http://127.0.0.1:1" }})
	endpoint, err := f.CreateAPI("abc", "HTTP")
	require.NoError(t, err)
	require.Equal(t, "http://127.0.0.1:1/_api/abc", endpoint)
	require.NoError(t, f.CreateIntegration("abc", IntegrationSpec{ID: "i", Type: "AWS_PROXY", PayloadFormatVersion: "2.0", FunctionARN: functionARN}))
	for key, authorization := range map[string]string{"GET /things/{id}": "AWS_IAM", "POST /open": "NONE", "GET /things/all": "", "GET /{kind}/{id}": ""} {
		require.NoError(t, f.CreateRoute("abc", RouteSpec{Key: key, Target: "integrations/i", AuthorizationType: authorization}))
	}
	require.NoError(t, f.CreateStage("abc", "$default", true))
	return f
}

func (f *fixture) send(method, path, body string, header http.Header) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "http://127.0.0.1:1"+path, strings.NewReader(body))
	for name, values := range header {
		r.Header[http.CanonicalHeaderKey(name)] = values
	}
	w := httptest.NewRecorder()
	f.ServeHTTP(w, r)
	return w
}

func credentials() http.Header {
	return http.Header{"Authorization": {signed}, "X-Amz-Date": {"20260709T101530Z"}}
}

func TestEventIsPayloadFormat2(t *testing.T) {
	f := newFixture(t)
	header := credentials()
	header["X-Twice"], header["Cookie"], header["User-Agent"] = []string{"a", "b"}, []string{"k=v; l=w"}, []string{"curl/7"}
	w := f.send(http.MethodGet, "/_api/abc/things/a%20b?p=1&p=2&q=%C3%A9&r=", "", header)
	require.Equal(t, http.StatusOK, w.Code)
	require.Equal(t, "id-1", w.Header().Get("Apigw-Requestid"))
	require.JSONEq(t, `{
		"version":"2.0","routeKey":"GET /things/{id}","rawPath":"/things/a b","rawQueryString":"p=1&p=2&q=%C3%A9&r=","cookies":["k=v","l=w"],
		"headers":{"host":"127.0.0.1:1","x-twice":"a,b","user-agent":"curl/7","x-amz-date":"20260709T101530Z","authorization":"`+signed+`"},
		"queryStringParameters":{"p":"1,2","q":"é","r":""},"pathParameters":{"id":"a b"},"isBase64Encoded":false,
		"requestContext":{"accountId":"000000000000","apiId":"abc","domainName":"abc.execute-api.us-east-1.amazonaws.com","domainPrefix":"abc",
			"authorizer":{"iam":{"accessKey":"AKLOCAL","accountId":"000000000000","callerId":"000000000000","cognitoIdentity":null,"principalOrgId":"",
				"userArn":"arn:aws:iam::000000000000:root","userId":"000000000000"}},
			"http":{"method":"GET","path":"/things/a b","protocol":"HTTP/1.1","sourceIp":"192.0.2.1","userAgent":"curl/7"},
			"requestId":"id-1","routeKey":"GET /things/{id}","stage":"$default","time":"09/Jul/2026:10:15:30 +0000","timeEpoch":1783592130123}}`, string(f.function.event))
	require.Equal(t, functionARN+" for arn:aws:execute-api:us-east-1:000000000000:abc/$default/GET/things/{id}", f.asked)
}

func TestBodyIsTextOrBase64(t *testing.T) {
	for name, tc := range map[string]struct {
		contentType, body, want string
		encoded                 bool
	}{
		"JSON":             {"application/json; charset=utf-8", `{"a":1}`, `{"a":1}`, false},
		"text":             {"text/csv", "a,b", "a,b", false},
		"bytes":            {"application/octet-stream", "a,b", "YSxi", true},
		"text that is not": {"text/plain", "\xff", "/w==", true},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			require.Equal(t, http.StatusOK, f.send(http.MethodPost, "/_api/abc/open", tc.body, http.Header{"Content-Type": {tc.contentType}}).Code)
			var e event
			require.NoError(t, json.Unmarshal(f.function.event, &e))
			require.Equal(t, strconv.Itoa(len(tc.body)), e.Headers["content-length"])
			require.Equal(t, tc.want, *e.Body)
			require.Equal(t, tc.encoded, e.IsBase64Encoded)
			require.Nil(t, e.RequestContext.Authorizer)
		})
	}
}

func TestRequestsWithoutASignatureForThisServiceAreForbidden(t *testing.T) {
	for name, header := range map[string]http.Header{
		"nothing":         nil,
		"another service": {"Authorization": {strings.Replace(signed, "execute-api", "dynamodb", 1)}, "X-Amz-Date": {"20260709T101530Z"}},
		"another region":  {"Authorization": {strings.Replace(signed, "us-east-1", "eu-west-1", 1)}, "X-Amz-Date": {"20260709T101530Z"}},
		"a token":         {"Authorization": {"Bearer x"}, "X-Amz-Date": {"20260709T101530Z"}},
		"no date":         {"Authorization": {signed}},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			w := f.send(http.MethodGet, "/_api/abc/things/1", "", header)
			require.Equal(t, http.StatusForbidden, w.Code)
			require.JSONEq(t, `{"message":"Forbidden"}`, w.Body.String())
			require.Nil(t, f.function.event, "the function is not invoked")
		})
	}
}

func TestTheMostSpecificRouteWins(t *testing.T) {
	for path, want := range map[string]string{
		"/_api/abc/things/all": "GET /things/all", "/_api/abc/things/1": "GET /things/{id}", "/_api/abc/other/all": "GET /{kind}/{id}", "/_api/abc/things/a%2Fb": "GET /things/{id}",
		"/_api/abc/things": "", "/_api/abc/things/": "", "/_api/abc/": "", "/_api/abc": "", "/_api/other/things/1": "", "/_api/abc/a/b/c": "", "/_api/abc//1": "",
	} {
		f := newFixture(t)
		w := f.send(http.MethodGet, path, "", credentials())
		if want == "" {
			require.Equal(t, http.StatusNotFound, w.Code, path)
			require.JSONEq(t, `{"message":"Not Found"}`, w.Body.String(), path)
			continue
		}
		require.Equal(t, http.StatusOK, w.Code, path)
		require.Contains(t, string(f.function.event), `"routeKey":"`+want+`"`, path)
	}
	require.Equal(t, http.StatusNotFound, newFixture(t).send(http.MethodPost, "/_api/abc/things/all", "", nil).Code, "another method")
}

func TestAnswers(t *testing.T) {
	for name, tc := range map[string]struct {
		function invoker
		status   int
		body     string
		header   http.Header
	}{
		"a response": {invoker{answer: `{"statusCode":404,"headers":{"X-Number":7,"content-type":"application/problem+json"},"cookies":["a=b","c=d"],"body":"{}"}`},
			404, "{}", http.Header{"X-Number": {"7"}, "Content-Type": {"application/problem+json"}, "Set-Cookie": {"a=b", "c=d"}, "Content-Length": {"2"}}},
		"a body in base64":     {invoker{answer: `{"statusCode":200,"isBase64Encoded":true,"body":"/w=="}`}, 200, "\xff", http.Header{"Content-Type": {defaultContentType}}},
		"a status as text":     {invoker{answer: `{"statusCode":"201"}`}, 201, "", http.Header{"Content-Length": {"0"}}},
		"no statusCode":        {invoker{answer: `{"hello":1}`}, 200, `{"hello":1}`, http.Header{"Content-Type": {"application/json"}}},
		"a bare text":          {invoker{answer: `"hello"`}, 200, `"hello"`, http.Header{"Content-Type": {"application/json"}}},
		"no JSON":              {invoker{answer: `hello`}, 500, `{"message":"Internal Server Error"}`, nil},
		"a status that is not": {invoker{answer: `{"statusCode":99}`}, 500, `{"message":"Internal Server Error"}`, nil},
		"a body that is not":   {invoker{answer: `{"statusCode":200,"body":{}}`}, 500, `{"message":"Internal Server Error"}`, nil},
		"a header that is not": {invoker{answer: `{"statusCode":200,"headers":{"a":["b"]}}`}, 500, `{"message":"Internal Server Error"}`, nil},
		"bad base64":           {invoker{answer: `{"statusCode":200,"isBase64Encoded":true,"body":"%"}`}, 500, `{"message":"Internal Server Error"}`, nil},
		"a function error":     {invoker{answer: `{"errorMessage":"x"}`, functionError: "Unhandled"}, 500, `{"message":"Internal Server Error"}`, nil},
		"a failed invocation":  {invoker{err: errors.New("throttled")}, 500, `{"message":"Internal Server Error"}`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			*f.function = tc.function
			w := f.send(http.MethodPost, "/_api/abc/open", "", nil)
			require.Equal(t, tc.status, w.Code)
			require.Equal(t, tc.body, w.Body.String())
			for name, values := range tc.header {
				require.Equal(t, values, w.Header()[name])
			}
		})
	}
}

func TestWithoutPermissionTheAnswerIs500(t *testing.T) {
	f := newFixture(t)
	f.denied = errors.New("no policy")
	require.Equal(t, http.StatusInternalServerError, f.send(http.MethodPost, "/_api/abc/open", "", nil).Code)
	require.Nil(t, f.function.event)
}

func TestTheGatewayGivesUpAfterTheTimeLimit(t *testing.T) {
	f := newFixture(t)
	f.function.blocks = true
	answered := make(chan *httptest.ResponseRecorder)
	go func() { answered <- f.send(http.MethodPost, "/_api/abc/open", "", nil) }()
	f.real.WaitForTimers(1)
	f.real.Advance(defaultTimeout)
	w := <-answered
	require.Equal(t, http.StatusServiceUnavailable, w.Code)
	require.JSONEq(t, `{"message":"Service Unavailable"}`, w.Body.String())
}

func TestLargeBodiesAreRefused(t *testing.T) {
	f := newFixture(t)
	w := f.send(http.MethodPost, "/_api/abc/open", strings.Repeat("a", maxBodyBytes+1), nil)
	require.Equal(t, http.StatusRequestEntityTooLarge, w.Code)
}

func TestInjectedFaultsCount(t *testing.T) {
	f := newFixture(t)
	require.NoError(t, f.Faults.Arm(faults.Fault{Operation: "execute-api:Invoke", When: "before", Code: "InternalFailure", Times: 1}))
	require.Equal(t, http.StatusInternalServerError, f.send(http.MethodPost, "/_api/abc/open", "", nil).Code)
	require.Equal(t, http.StatusOK, f.send(http.MethodPost, "/_api/abc/open", "", nil).Code)
}

func TestAnAPIWithoutAStageAnswersNothing(t *testing.T) {
	f := newFixture(t)
	_, err := f.CreateAPI("two", "HTTP")
	require.NoError(t, err)
	require.NoError(t, f.CreateIntegration("two", IntegrationSpec{ID: "i", Type: "AWS_PROXY", PayloadFormatVersion: "2.0", FunctionARN: functionARN}))
	require.NoError(t, f.CreateRoute("two", RouteSpec{Key: "GET /a", Target: "integrations/i"}))
	require.Equal(t, http.StatusNotFound, f.send(http.MethodGet, "/_api/two/a", "", nil).Code)
}

func TestWhatIsNotDoneIsRefusedByName(t *testing.T) {
	f := newFixture(t)
	proxy := func(change func(*IntegrationSpec)) error {
		spec := IntegrationSpec{ID: "j", Type: "AWS_PROXY", PayloadFormatVersion: "2.0", FunctionARN: functionARN}
		change(&spec)
		return f.CreateIntegration("abc", spec)
	}
	path := "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/" + functionARN + "/invocations"
	require.NoError(t, proxy(func(s *IntegrationSpec) { s.FunctionARN = path }))
	require.Equal(t, functionARN, f.apis["abc"].integrations["j"].FunctionARN)
	_, socket := f.CreateAPI("ws", "WEBSOCKET")
	_, twice := f.CreateAPI("abc", "HTTP")
	for want, err := range map[string]error{
		"APIs of protocol WEBSOCKET":          socket,
		"API abc exists":                      twice,
		"integrations of type HTTP_PROXY":     proxy(func(s *IntegrationSpec) { s.Type = "HTTP_PROXY" }),
		"payload format version 1.0":          proxy(func(s *IntegrationSpec) { s.PayloadFormatVersion = "1.0" }),
		"TimeoutInMillis":                     proxy(func(s *IntegrationSpec) { s.Timeout = 31 * time.Second }),
		"integrations with http://elsewhere":  proxy(func(s *IntegrationSpec) { s.FunctionARN = "http://elsewhere" }),
		"route $default":                      f.CreateRoute("abc", RouteSpec{Key: "$default", Target: "integrations/i"}),
		"route ANY /x":                        f.CreateRoute("abc", RouteSpec{Key: "ANY /x", Target: "integrations/i"}),
		"route GET /{proxy+}":                 f.CreateRoute("abc", RouteSpec{Key: "GET /{proxy+}", Target: "integrations/i"}),
		`"FETCH /x" is not a method`:          f.CreateRoute("abc", RouteSpec{Key: "FETCH /x", Target: "integrations/i"}),
		"authorization type JWT":              f.CreateRoute("abc", RouteSpec{Key: "GET /x", Target: "integrations/i", AuthorizationType: "JWT"}),
		"which is no integration of the API":  f.CreateRoute("abc", RouteSpec{Key: "GET /x", Target: "integrations/none"}),
		"Route with key GET /things/{name}":   f.CreateRoute("abc", RouteSpec{Key: "GET /things/{name}", Target: "integrations/i"}),
		"stages other than $default":          f.CreateStage("abc", "prod", true),
		"stages without AutoDeploy":           f.CreateStage("abc", "$default", false),
		"Invalid API identifier specified no": f.CreateStage("no", "$default", true),
	} {
		require.ErrorContains(t, err, want)
	}
}

// Whatever the function answers, the client gets an answer with a status, and a refusal is the gateway's own.
func FuzzReadResponse(f *testing.F) {
	for _, seed := range []string{`{"statusCode":200,"headers":{"a":true},"body":"x"}`, `[]`, `null`, `{"statusCode":1e3}`, `{"statusCode":null}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		r, err := readResponse(payload)
		if err != nil {
			return
		}
		w := httptest.NewRecorder()
		r.write(w)
		result := w.Result()
		body, err := io.ReadAll(result.Body)
		require.NoError(t, err)
		require.GreaterOrEqual(t, result.StatusCode, 200)
		require.Equal(t, len(r.body), len(body))
	})
}
