package main

import (
	"encoding/json"
	"maps"
	"os"
	"slices"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/require"
)

// documented is the routes of the OpenAPI document, each with the scopes that a token needs there.
func documented(t *testing.T) map[string][]string {
	t.Helper()
	document, err := openapi3.NewLoader().LoadFromFile("../api/openapi.yaml")
	require.NoError(t, err)
	routes := map[string][]string{}
	for path, item := range document.Paths.Map() {
		for method, operation := range item.Operations() {
			security := document.Security
			if operation.Security != nil {
				security = *operation.Security
			}
			for _, requirement := range security {
				routes[method+" "+path] = append(routes[method+" "+path], requirement["jwt"]...)
			}
		}
	}
	return routes
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
	require.ElementsMatch(t, slices.Collect(maps.Keys(documented(t))), tpl.routeKeys())
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
	scopes := documented(t)
	for _, route := range tpl.ofType("AWS::ApiGatewayV2::Route") {
		require.Equal(t, "JWT", tpl.get(route, "AuthorizationType"), route)
		require.Equal(t, authorizer, referred(tpl.get(route, "AuthorizerId")), route)
		needed := scopes[tpl.get(route, "RouteKey").(string)]
		require.Len(t, needed, 1, route)
		require.Equal(t, []any{needed[0]}, tpl.get(route, "AuthorizationScopes"), route)
	}
	require.Equal(t, []string{"payrail/dispute"}, scopes["POST /transactions/{id}/disputes"], "a token to read raises no disputes")
}

func TestTheGatewayMayInvokeAndOutlastsTheFunction(t *testing.T) {
	tpl := synthesize(t, defaults(t))
	function, api := tpl.functionID(t, "api"), tpl.one(t, "AWS::ApiGatewayV2::Api", "ApiHttp")
	var routes []any
	for _, permission := range tpl.ofType("AWS::Lambda::Permission") {
		if referred(tpl.get(permission, "FunctionName")) != function {
			continue
		}
		require.Equal(t, "lambda:InvokeFunction", tpl.get(permission, "Action"))
		require.Equal(t, "apigateway.amazonaws.com", tpl.get(permission, "Principal"))
		source := tpl.get(permission, "SourceArn", "Fn::Join").([]any)[1].([]any)
		routes = append(routes, source[len(source)-1])
		require.True(t, slices.ContainsFunc(source, func(part any) bool { return referred(part) == api }), "any API could invoke the function")
	}
	require.ElementsMatch(t, []any{"/*/GET/*", "/*/POST/transactions/*/disputes"}, routes)

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

// The API reads items of the kinds it shows, by key, and writes those of a new case.
func TestTheAPIWorksByKeyAlone(t *testing.T) {
	tpl := synthesize(t, defaults(t))
	ledger := tpl.one(t, "AWS::DynamoDB::Table", "TablesLedger")
	got := map[string][]any{}
	for _, s := range tpl.rolePolicy(t, referred(tpl.get(tpl.functionID(t, "api"), "Role"))) {
		for _, action := range s.Actions {
			if slices.ContainsFunc(s.Resources, func(r any) bool { return referred(r) == ledger }) {
				got[action] = append(got[action], s.Condition["ForAllValues:StringLike"].(map[string]any)["dynamodb:LeadingKeys"].([]any)...)
			}
		}
	}
	require.Equal(t, map[string][]any{
		"dynamodb:GetItem":    {"JOURNAL#*", "DISPUTE#*", "IDEMPOTENCY#*", "PURCHASE#*"},
		"dynamodb:Query":      {"ENTRY#*", "BALANCE#*"},
		"dynamodb:PutItem":    {"DISPUTE#*", "DISPUTES#*", "IDEMPOTENCY#*"},
		"dynamodb:UpdateItem": {"PURCHASE#*"},
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
