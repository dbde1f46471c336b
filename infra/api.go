package main

import (
	"encoding/json"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

const (
	// apiTimeoutSeconds is how long the function may take for one request: nobody waits longer for a page, and the gateway, which
	// gives up after apiGatewayTimeoutMillis, must hear the function's own answer first.
	apiTimeoutSeconds       = 10
	apiGatewayTimeoutMillis = 15_000
	// apiRate and apiBurst bound requests a second over all callers: a runaway client must not take the account's Lambda
	// concurrency away from posting. At some 50 ms each, that is about five invocations at once.
	apiRate  = 100
	apiBurst = 200
	// readScope and disputeScope are what a token must be granted, where callers have tokens, to read and to raise a dispute.
	readScope    = "payrail/read"
	disputeScope = "payrail/dispute"
)

// apiRoutes are the routes of functions/api, and nothing else: what is not here never reaches the function.
var apiRoutes = []struct{ id, key, scope string }{
	{"Balances", "GET /accounts/{id}/balances", readScope},
	{"Entries", "GET /accounts/{id}/entries", readScope},
	{"Transaction", "GET /transactions/{id}", readScope},
	{"OpenDispute", "POST /transactions/{id}/disputes", disputeScope},
	{"Dispute", "GET /disputes/{id}", readScope},
}

// opensDisputes lets a function read what a dispute is about, and open a case: add its items, and claim its amount of the
// purchase. It cannot change a case once it is there.
func opensDisputes(ledger awsdynamodb.Table, settings Settings) access {
	table := []*string{ledger.TableArn()}
	return func(f function) {
		f.setEnvironment("DISPUTE_WINDOW_DAYS", jsii.String(settings.DisputeWindowDays))
		f.setEnvironment("PROVISIONAL_CREDIT", jsii.String(settings.ProvisionalCredit))
		f.role.AddToPolicy(allowKeys(table, []string{disputeKeys, requestKeys, purchaseKeys}, "dynamodb:GetItem"))
		f.role.AddToPolicy(allowKeys(table, []string{disputeKeys, disputeLists, requestKeys}, "dynamodb:PutItem"))
		f.role.AddToPolicy(allowKeys(table, []string{purchaseKeys}, "dynamodb:UpdateItem"))
	}
}

// readsLedger lets a function read journal, entry and balance items. There is no Scan among it: nobody reads a whole ledger
// through it.
func readsLedger(ledger awsdynamodb.Table) access {
	table := []*string{ledger.TableArn()}
	return func(f function) {
		f.setEnvironment("LEDGER_TABLE", ledger.TableName())
		f.role.AddToPolicy(allowKeys(table, []string{journalKeys}, "dynamodb:GetItem"))
		f.role.AddToPolicy(allowKeys(table, []string{entryKeys, balanceKeys}, "dynamodb:Query"))
	}
}

// newCustomerAPI puts an HTTP API before the function functions/api. Callers sign their requests with AWS credentials, or, if
// the settings name an issuer, show its tokens.
func newCustomerAPI(stack constructs.Construct, props stackProps, accesses ...access) awsapigatewayv2.CfnApi {
	scope := constructs.NewConstruct(stack, jsii.String("Api"))
	handler := newFunction(scope, "api", props, accesses...)
	handler.lambda.Node().DefaultChild().(awslambda.CfnFunction).SetTimeout(jsii.Number(apiTimeoutSeconds))
	api := awsapigatewayv2.NewCfnApi(scope, jsii.String("Http"), &awsapigatewayv2.CfnApiProps{
		Name:         jsii.String("payrail"),
		Description:  jsii.String("Payrail: balances, entries, transactions, disputes"),
		ProtocolType: jsii.String("HTTP"),
	})
	integration := awsapigatewayv2.NewCfnIntegration(scope, jsii.String("Integration"), &awsapigatewayv2.CfnIntegrationProps{
		ApiId:                api.Ref(),
		IntegrationType:      jsii.String("AWS_PROXY"),
		IntegrationUri:       handler.lambda.FunctionArn(),
		PayloadFormatVersion: jsii.String("2.0"),
		TimeoutInMillis:      jsii.Number(apiGatewayTimeoutMillis),
	})
	authorize := authorization(scope, api, props.Settings)
	for _, route := range apiRoutes {
		properties := &awsapigatewayv2.CfnRouteProps{
			ApiId:    api.Ref(),
			RouteKey: jsii.String(route.key),
			Target:   awscdk.Fn_Join(jsii.String("/"), &[]*string{jsii.String("integrations"), integration.Ref()}),
		}
		authorize(properties, route.scope)
		awsapigatewayv2.NewCfnRoute(scope, jsii.String(route.id), properties)
	}
	newAPIStage(scope, api)
	props.alarms.add(scope, "Failing", failingAPI(api))
	// For the routes of this API alone; the first wildcard is the stage, of which there is one.
	for _, p := range []struct{ id, routes string }{{"Permission", "*/GET/*"}, {"PermissionToDispute", "*/POST/transactions/*/disputes"}} {
		awslambda.NewCfnPermission(scope, jsii.String(p.id), &awslambda.CfnPermissionProps{
			Action:       jsii.String("lambda:InvokeFunction"),
			FunctionName: handler.lambda.FunctionArn(),
			Principal:    jsii.String("apigateway.amazonaws.com"),
			SourceArn: awscdk.Stack_Of(scope).FormatArn(&awscdk.ArnComponents{
				Service: jsii.String("execute-api"), Resource: api.Ref(), ResourceName: jsii.String(p.routes),
			}),
		})
	}
	return api
}

// authorization returns what sets how callers of a route prove who they are: by default with AWS credentials.
func authorization(scope constructs.Construct, api awsapigatewayv2.CfnApi, settings Settings) func(route *awsapigatewayv2.CfnRouteProps, tokenScope string) {
	if settings.JWTIssuer == "" {
		return func(route *awsapigatewayv2.CfnRouteProps, _ string) { route.AuthorizationType = jsii.String("AWS_IAM") }
	}
	authorizer := awsapigatewayv2.NewCfnAuthorizer(scope, jsii.String("Authorizer"), &awsapigatewayv2.CfnAuthorizerProps{
		ApiId:          api.Ref(),
		Name:           jsii.String("tokens"),
		AuthorizerType: jsii.String("JWT"),
		IdentitySource: jsii.Strings("$request.header.Authorization"),
		JwtConfiguration: &awsapigatewayv2.CfnAuthorizer_JWTConfigurationProperty{
			Issuer: jsii.String(settings.JWTIssuer), Audience: jsii.Strings(settings.JWTAudience),
		},
	})
	return func(route *awsapigatewayv2.CfnRouteProps, tokenScope string) {
		route.AuthorizationType, route.AuthorizerId = jsii.String("JWT"), authorizer.Ref()
		route.AuthorizationScopes = jsii.Strings(tokenScope) // A token for something else of the same audience reads no accounts.
	}
}

// newAPIStage deploys the API, bounds its load and logs who asked for what kind of thing. The log has the route and not the path:
// what a caller puts in place of an id may be a card number.
func newAPIStage(scope constructs.Construct, api awsapigatewayv2.CfnApi) {
	logs := awslogs.NewLogGroup(scope, jsii.String("AccessLogs"), &awslogs.LogGroupProps{
		Retention:     logRetention,
		RemovalPolicy: awscdk.RemovalPolicy_DESTROY,
	})
	awsapigatewayv2.NewCfnStage(scope, jsii.String("Stage"), &awsapigatewayv2.CfnStageProps{
		ApiId:      api.Ref(),
		StageName:  jsii.String("$default"),
		AutoDeploy: jsii.Bool(true),
		AccessLogSettings: &awsapigatewayv2.CfnStage_AccessLogSettingsProperty{
			DestinationArn: logs.LogGroupArn(),
			Format:         jsii.String(accessLogFormat()),
		},
		DefaultRouteSettings: &awsapigatewayv2.CfnStage_RouteSettingsProperty{
			ThrottlingRateLimit:  jsii.Number(apiRate),
			ThrottlingBurstLimit: jsii.Number(apiBurst),
		},
	})
}

// accessLogFormat is one line of the access log, in JSON.
func accessLogFormat() string {
	line, err := json.Marshal(map[string]string{
		"time": "$context.requestTime", "requestId": "$context.requestId", "route": "$context.routeKey", "status": "$context.status",
		"latency": "$context.responseLatency", "integrationError": "$context.integrationErrorMessage", "sourceIp": "$context.identity.sourceIp",
		"caller": "$context.identity.userArn", "subject": "$context.authorizer.claims.sub",
	})
	if err != nil {
		panic(err) // A map of strings always marshals.
	}
	return string(line)
}

// apiFailingPeriods is how many minutes in a row the API may fail before somebody is told: a caller repeats what failed once.
const apiFailingPeriods = 3

// failingAPI is the alarm of an API that answers its callers with errors of its own. They are synchronous: only they and this metric
// tell. https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-metrics.html
func failingAPI(api awsapigatewayv2.CfnApi) alarm {
	return alarm{
		name:      "ApiFailing",
		says:      "The customer API has failed for three minutes: customers cannot see balances or raise disputes.",
		runbook:   "api-failing",
		metrics:   []metric{{"AWS/ApiGateway", "5xx", "Sum", map[string]*string{"ApiId": api.Ref()}}},
		threshold: 1, period: minute, periods: apiFailingPeriods,
		urgency: records,
	}
}
