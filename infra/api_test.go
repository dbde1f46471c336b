package main

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/require"
)

// documented is the routes and the scopes of the OpenAPI document.
func documented(t *testing.T) (routes []string, scopes []string) {
	t.Helper()
	document, err := openapi3.NewLoader().LoadFromFile("../api/openapi.yaml")
	require.NoError(t, err)
	for path, item := range document.Paths.Map() {
		for method := range item.Operations() {
			routes = append(routes, method+" "+path)
		}
	}
	for _, requirement := range document.Security {
		scopes = append(scopes, requirement["jwt"]...)
	}
	return routes, scopes
}

// routeKeys is the template's routes.
func (tpl template) routeKeys() (keys []string) {
	for _, id := range tpl.ofType("AWS::ApiGatewayV2::Route") {
		keys = append(keys, tpl.get(id, "RouteKey").(string))
	}
	return keys
}

func TestTheAPIHasTheDocumentedRoutesForSignedRequests(t *testing.T) {
	tpl := synthesize(t, defaults(t))
	routes, _ := documented(t)
	require.ElementsMatch(t, routes, tpl.routeKeys())
	api, integration := tpl.one(t, "AWS::ApiGatewayV2::Api", "ApiHttp"), tpl.one(t, "AWS::ApiGatewayV2::Integration", "ApiIntegration")
	for _, route := range tpl.ofType("AWS::ApiGatewayV2::Route") {
		require.Equal(t, "AWS_IAM", tpl.get(route, "AuthorizationType"), route)
		require.Nil(t, tpl.get(route, "AuthorizerId"), route)
		require.Equal(t, api, referred(tpl.get(route, "ApiId")), route)
		require.Equal(t, []any{"/", []any{"integrations", map[string]any{"Ref": integration}}}, tpl.get(route, "Target", "Fn::Join"), route)
	}
	require.Empty(t, tpl.ofType("AWS::ApiGatewayV2::Authorizer"))
	require.Equal(t, "HTTP", tpl.get(api, "ProtocolType"))
	require.Nil(t, tpl.get(api, "CorsConfiguration"), "browsers have no business here")
}

func TestTheAPITakesTokensOfAnIssuerIfToldTo(t *testing.T) {
	settings := defaults(t)
	settings.JWTIssuer, settings.JWTAudience = "https://issuer.example", "payrail"
	tpl := synthesize(t, settings)
	authorizer := tpl.one(t, "AWS::ApiGatewayV2::Authorizer", "ApiAuthorizer")
	require.Equal(t, "JWT", tpl.get(authorizer, "AuthorizerType"))
	require.Equal(t, []any{"$request.header.Authorization"}, tpl.get(authorizer, "IdentitySource"))
	require.Equal(t, map[string]any{"Issuer": "https://issuer.example", "Audience": []any{"payrail"}}, tpl.get(authorizer, "JwtConfiguration"))
	_, scopes := documented(t)
	for _, route := range tpl.ofType("AWS::ApiGatewayV2::Route") {
		require.Equal(t, "JWT", tpl.get(route, "AuthorizationType"), route)
		require.Equal(t, authorizer, referred(tpl.get(route, "AuthorizerId")), route)
		require.Equal(t, []any{scopes[0]}, tpl.get(route, "AuthorizationScopes"), route)
	}
	require.Len(t, scopes, 1)
}

func TestTheGatewayMayInvokeAndOutlastsTheFunction(t *testing.T) {
	tpl := synthesize(t, defaults(t))
	function, api := tpl.functionID(t, "api"), tpl.one(t, "AWS::ApiGatewayV2::Api", "ApiHttp")
	permission := tpl.one(t, "AWS::Lambda::Permission", "ApiPermission")
	require.Equal(t, function, referred(tpl.get(permission, "FunctionName")))
	require.Equal(t, "lambda:InvokeFunction", tpl.get(permission, "Action"))
	require.Equal(t, "apigateway.amazonaws.com", tpl.get(permission, "Principal"))
	source := tpl.get(permission, "SourceArn", "Fn::Join").([]any)[1].([]any)
	require.Equal(t, "/*/GET/*", source[len(source)-1])
	require.True(t, slices.ContainsFunc(source, func(part any) bool { return referred(part) == api }), "any API could invoke the function")

	integration := tpl.one(t, "AWS::ApiGatewayV2::Integration", "ApiIntegration")
	require.Equal(t, function, referred(tpl.get(integration, "IntegrationUri")))
	require.Equal(t, "AWS_PROXY", tpl.get(integration, "IntegrationType"))
	require.Equal(t, "2.0", tpl.get(integration, "PayloadFormatVersion"))
	limit := tpl.get(integration, "TimeoutInMillis").(float64)
	require.Less(t, 1000*tpl.get(function, "Timeout").(float64), limit)
	require.LessOrEqual(t, limit, 30_000.0, "the gateway's own limit")
}

func TestTheStageIsBoundedAndLoggedWithoutPaths(t *testing.T) {
	tpl := synthesize(t, defaults(t))
	stage := tpl.one(t, "AWS::ApiGatewayV2::Stage", "ApiStage")
	require.Equal(t, "$default", tpl.get(stage, "StageName"))
	require.Equal(t, true, tpl.get(stage, "AutoDeploy"))
	require.Equal(t, 100.0, tpl.get(stage, "DefaultRouteSettings", "ThrottlingRateLimit"))
	require.Equal(t, 200.0, tpl.get(stage, "DefaultRouteSettings", "ThrottlingBurstLimit"))
	logs := referred(tpl.get(stage, "AccessLogSettings", "DestinationArn"))
	require.Equal(t, 90.0, tpl.get(logs, "RetentionInDays"))
	format := tpl.get(stage, "AccessLogSettings", "Format").(string)
	var line map[string]string
	require.NoError(t, json.Unmarshal([]byte(format), &line))
	for name, value := range line {
		require.NotContains(t, []string{"$context.path", "$context.customDomain.routeKey"}, value, "%s could hold a card number", name)
	}
	for _, needed := range []string{"$context.requestId", "$context.routeKey", "$context.status", "$context.identity.userArn"} {
		require.Contains(t, format, needed)
	}
}

// The API reads items of the kinds it shows, by key.
func TestTheAPIReadsByKeyAlone(t *testing.T) {
	tpl := synthesize(t, defaults(t))
	ledger := tpl.one(t, "AWS::DynamoDB::Table", "TablesLedger")
	got := map[string]any{}
	for _, s := range tpl.rolePolicy(t, referred(tpl.get(tpl.functionID(t, "api"), "Role"))) {
		for _, action := range s.Actions {
			require.False(t, strings.HasPrefix(action, "dynamodb:") && action != "dynamodb:GetItem" && action != "dynamodb:Query", action)
			if slices.ContainsFunc(s.Resources, func(r any) bool { return referred(r) == ledger }) {
				got[action] = s.Condition["ForAllValues:StringLike"]
			}
		}
	}
	require.Equal(t, map[string]any{
		"dynamodb:GetItem": map[string]any{"dynamodb:LeadingKeys": []any{"JOURNAL#*"}},
		"dynamodb:Query":   map[string]any{"dynamodb:LeadingKeys": []any{"ENTRY#*", "BALANCE#*"}},
	}, got)
}

// The command's and the functions' routes are one list: a route that the function lacks would be a 404 of its own making.
func TestTheFunctionAnswersTheRoutes(t *testing.T) {
	source, err := os.ReadFile("../functions/api/handler.go")
	require.NoError(t, err)
	for _, route := range apiRoutes {
		require.Contains(t, string(source), `"`+route.key+`"`)
	}
}
