package local

import (
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/local/storage"
)

// apiTemplate is an API with one signed route to a function that is not there; the function's policy lets other routes in too.
const apiTemplate = `{"Resources":{
	"Api":{"Type":"AWS::ApiGatewayV2::Api","Properties":{"Name":"api","ProtocolType":"HTTP"}},
	"Integration":{"Type":"AWS::ApiGatewayV2::Integration","Properties":{"ApiId":{"Ref":"Api"},"IntegrationType":"AWS_PROXY","PayloadFormatVersion":"2.0",
		"IntegrationUri":"arn:aws:lambda:us-east-1:000000000000:function:missing","TimeoutInMillis":15000}},
	"Route":{"Type":"AWS::ApiGatewayV2::Route","Properties":{"ApiId":{"Ref":"Api"},"RouteKey":"GET /things/{id}","AuthorizationType":"AWS_IAM",
		"Target":{"Fn::Join":["",["integrations/",{"Ref":"Integration"}]]}}},
	"Stage":{"Type":"AWS::ApiGatewayV2::Stage","Properties":{"ApiId":{"Ref":"Api"},"StageName":"$default","AutoDeploy":true,"DefaultRouteSettings":{"ThrottlingRateLimit":1}}},
	"Permission":{"Type":"AWS::Lambda::Permission","Properties":{"Action":"lambda:InvokeFunction","FunctionName":"arn:aws:lambda:us-east-1:000000000000:function:missing",
		"Principal":"apigateway.amazonaws.com","SourceArn":{"Fn::Join":["",["arn:aws:execute-api:us-east-1:000000000000:",{"Ref":"Api"},"/*/GET/*"]]}}}
	EXTRA},
	"Outputs":{"ApiUrl":{"Value":{"Fn::GetAtt":["Api","ApiEndpoint"]}}}}`

// startTemplate runs a template that is given as text.
func startTemplate(t *testing.T, text string) (*Runtime, error) {
	t.Helper()
	folder := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(folder, "Stack.template.json"), []byte(text), 0o600))
	r, err := Start(t.Context(), Options{Assembly: folder, Stack: "Stack", Store: storage.NewMemory(), Logger: slog.New(slog.DiscardHandler)})
	if err == nil {
		t.Cleanup(func() { require.NoError(t, r.Close()) })
	}
	return r, err
}

func TestAnAPIOfTheTemplateIsReachable(t *testing.T) {
	r, err := startTemplate(t, strings.Replace(apiTemplate, "EXTRA", "", 1))
	require.NoError(t, err)
	url := r.Outputs()["ApiUrl"]
	require.Regexp(t, `^`+r.Endpoint()+`/_api/[a-z0-9]{10}$`, url)
	for path, want := range map[string]int{"/things/1": http.StatusForbidden, "/things": http.StatusNotFound, "//things/1": http.StatusNotFound} {
		response, err := http.Get(url + path)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		require.Equal(t, want, response.StatusCode, path)
		require.NotEmpty(t, response.Header.Get("Apigw-Requestid"), path)
	}
	require.Contains(t, r.NotEnforced(), "AWS::ApiGatewayV2::Stage DefaultRouteSettings (1)")
}

func TestOnlyPermittedRoutesInvokeAFunction(t *testing.T) {
	r, err := startTemplate(t, strings.Replace(apiTemplate, "EXTRA", "", 1))
	require.NoError(t, err)
	api := r.Outputs()["ApiUrl"][strings.LastIndex(r.Outputs()["ApiUrl"], "/")+1:]
	const function, apis = "arn:aws:lambda:us-east-1:000000000000:function:", "arn:aws:execute-api:us-east-1:000000000000:"
	require.NoError(t, r.wiring.mayInvoke(apiGatewayService, function+"missing", apis+api+"/$default/GET/things/{id}"))
	for _, denied := range [][2]string{
		{function + "missing", apis + api + "/$default/POST/things/{id}"},
		{function + "missing", apis + "another/$default/GET/things/{id}"},
		{function + "other", apis + api + "/$default/GET/things/{id}"},
	} {
		require.ErrorContains(t, r.wiring.mayInvoke(apiGatewayService, denied[0], denied[1]), "does not let apigateway.amazonaws.com invoke it", denied)
	}
}

func TestWhatAnAPICannotDoHereIsRefusedAtStartUp(t *testing.T) {
	for extra, want := range map[string]string{
		`,"Jwt":{"Type":"AWS::ApiGatewayV2::Authorizer","Properties":{"ApiId":{"Ref":"Api"},"AuthorizerType":"JWT"}}`:                                                              "does not do authorizers of type JWT",
		`,"P":{"Type":"AWS::Lambda::Permission","Properties":{"Action":"lambda:InvokeFunction","FunctionName":"f","Principal":"000000000001"}}`:                                    "permissions for 000000000001, which is no service",
		`,"P":{"Type":"AWS::Lambda::Permission","Properties":{"Action":"lambda:InvokeFunction","FunctionName":"f","Principal":"s3.amazonaws.com","SourceAccount":"1"}}`:            "SourceAccount",
		`,"A":{"Type":"AWS::ApiGatewayV2::Api","Properties":{"Name":"b","ProtocolType":"HTTP","CorsConfiguration":{"AllowOrigins":["*"]}}}`:                                        "CorsConfiguration",
		`,"S":{"Type":"AWS::ApiGatewayV2::Stage","Properties":{"ApiId":{"Ref":"Api"},"StageName":"prod","AutoDeploy":true}}`:                                                       "stages other than $default",
		`,"I":{"Type":"AWS::ApiGatewayV2::Integration","Properties":{"ApiId":{"Ref":"Api"},"IntegrationType":"HTTP_PROXY","IntegrationUri":"http://x","IntegrationMethod":"GET"}}`: "IntegrationMethod is GET",
	} {
		_, err := startTemplate(t, strings.Replace(apiTemplate, "EXTRA", extra, 1))
		require.ErrorContains(t, err, want)
	}
}
