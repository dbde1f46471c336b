package wire

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/local/faults"
)

func jsonService(injector *faults.Injector) *JSON {
	type in struct{ Name string }
	type out struct{ Greeting string }
	return &JSON{
		Name: "greeter", TargetPrefix: "Greeter_1", Version: "1.0", ErrorNamespace: "com.example#", Checksum: true, Faults: injector,
		Operations: map[string]Operation{"Greet": Op(func(_ context.Context, in *in) (*out, error) {
			if in.Name == "" {
				return nil, &Error{Code: "ValidationException", Message: "Name is needed", Members: map[string]any{"Field": "Name"}}
			}
			return &out{Greeting: "hello " + in.Name}, nil
		})},
	}
}

func call(s http.Handler, target, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
	r.Header.Set("X-Amz-Target", target)
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

func TestJSONAnswersAndErrors(t *testing.T) {
	for name, tc := range map[string]struct {
		target, body string
		status       int
		want         string
	}{
		"answer":    {"Greeter_1.Greet", `{"Name":"Ann","Unknown":1}`, 200, `{"Greeting":"hello Ann"}`},
		"error":     {"Greeter_1.Greet", `{}`, 400, `{"__type":"com.example#ValidationException","message":"Name is needed","Field":"Name"}`},
		"bad JSON":  {"Greeter_1.Greet", `{`, 400, `{"__type":"com.example#SerializationException","message":"unexpected end of JSON input"}`},
		"not there": {"Greeter_1.Part", `{}`, 501, `{"__type":"com.example#NotImplemented","message":"the local runtime does not do greeter:Part"}`},
	} {
		t.Run(name, func(t *testing.T) {
			w := call(jsonService(nil), tc.target, tc.body)
			require.Equal(t, tc.status, w.Code)
			require.JSONEq(t, tc.want, w.Body.String())
			require.NotEmpty(t, w.Header().Get("X-Amz-Crc32"))
		})
	}
}

func TestInjectedFaultTakesTheAnswersPlace(t *testing.T) {
	var injector faults.Injector
	require.NoError(t, injector.Arm(faults.Fault{Operation: "greeter:Greet", When: faults.AfterEffect, Code: "InternalServerError"}))
	w := call(jsonService(&injector), "Greeter_1.Greet", `{"Name":"Ann"}`)
	require.Equal(t, http.StatusInternalServerError, w.Code)
	require.Contains(t, w.Body.String(), "injected after the effect")
	require.Equal(t, http.StatusOK, call(jsonService(&injector), "Greeter_1.Greet", `{"Name":"Ann"}`).Code)
}

func TestQueryAnswersAndErrors(t *testing.T) {
	type topic struct {
		TopicArn string `xml:"TopicArn"`
	}
	s := &Query{Name: "sns", Namespace: "http://example.com/", Operations: map[string]QueryOperation{
		"Create": func(_ context.Context, form url.Values) (any, error) {
			if form.Get("Name") == "" {
				return nil, Errorf("InvalidParameter", "Name <missing>")
			}
			return topic{TopicArn: "arn:" + form.Get("Name")}, nil
		},
	}}
	w := call(s, "", "Action=Create&Name=ops")
	require.Equal(t, http.StatusOK, w.Code)
	require.Contains(t, w.Body.String(), `<CreateResponse xmlns="http://example.com/"><CreateResult><TopicArn>arn:ops</TopicArn></CreateResult>`)

	w = call(s, "", "Action=Create")
	require.Equal(t, http.StatusBadRequest, w.Code)
	require.Contains(t, w.Body.String(), "<Type>Sender</Type><Code>InvalidParameter</Code><Message>Name &lt;missing&gt;</Message>")

	require.Equal(t, http.StatusNotImplemented, call(s, "", "Action=Other").Code)
}
