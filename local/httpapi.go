package local

import (
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"strings"
	"time"

	"github.com/payrail/payrail/local/apigateway"
)

// apiGatewayService is the principal that a function's policy must let in.
const apiGatewayService = "apigateway.amazonaws.com"

// apiIDCharacters is how long an API's id is, as on AWS.
const apiIDCharacters = 10

// apiID makes an id in AWS's form, lower-case letters and digits, that stays the same from run to run.
func apiID(name string) string {
	sum := sha256.Sum256([]byte(name))
	return strings.ToLower(base32.StdEncoding.EncodeToString(sum[:]))[:apiIDCharacters]
}

func (s *stack) api(id string, properties map[string]any) (resource, error) {
	var p struct{ Name, ProtocolType string }
	if err := s.decode(properties, &p, "Description", "Tags"); err != nil {
		return resource{}, err
	}
	api := apiID(s.name(id))
	endpoint, err := s.apigateway.CreateAPI(api, p.ProtocolType)
	if err != nil {
		return resource{}, err
	}
	return resource{api, map[string]any{"ApiId": api, "ApiEndpoint": endpoint}}, nil
}

func (s *stack) integration(id string, properties map[string]any) (resource, error) {
	var p struct {
		APIID                                              string `json:"ApiId"`
		IntegrationType, IntegrationUri, IntegrationMethod string //nolint:revive // CloudFormation's names.
		PayloadFormatVersion                               string
		TimeoutInMillis                                    int
	}
	if err := s.decode(properties, &p, "Description"); err != nil {
		return resource{}, err
	}
	if p.IntegrationMethod != "" && p.IntegrationMethod != "POST" {
		return resource{}, fmt.Errorf("IntegrationMethod is %s: a function is invoked with POST", p.IntegrationMethod)
	}
	name := apiID(s.name(id))
	err := s.apigateway.CreateIntegration(p.APIID, apigateway.IntegrationSpec{ID: name, Type: p.IntegrationType, PayloadFormatVersion: p.PayloadFormatVersion,
		FunctionARN: p.IntegrationUri, Timeout: time.Duration(p.TimeoutInMillis) * time.Millisecond})
	return resource{name, map[string]any{"IntegrationId": name}}, err
}

func (s *stack) route(id string, properties map[string]any) (resource, error) {
	var p struct {
		APIID                               string `json:"ApiId"`
		RouteKey, Target, AuthorizationType string
	}
	if err := s.decode(properties, &p, "OperationName"); err != nil {
		return resource{}, err
	}
	name := apiID(s.name(id))
	err := s.apigateway.CreateRoute(p.APIID, apigateway.RouteSpec{Key: p.RouteKey, Target: p.Target, AuthorizationType: p.AuthorizationType})
	return resource{name, map[string]any{"RouteId": name}}, err
}

func (s *stack) stage(id string, properties map[string]any) (resource, error) {
	var p struct {
		APIID      string `json:"ApiId"`
		StageName  string
		AutoDeploy bool
	}
	if err := s.decode(properties, &p, "AccessLogSettings", "DefaultRouteSettings", "Description", "Tags"); err != nil {
		return resource{}, err
	}
	return named(p.StageName), s.apigateway.CreateStage(p.APIID, p.StageName, p.AutoDeploy)
}

// authorizer refuses every authorizer: a token that is not checked would let everybody in.
func (s *stack) authorizer(_ string, properties map[string]any) (resource, error) {
	return resource{}, fmt.Errorf("the local runtime does not do authorizers of type %v: synthesize without it, and callers sign their requests", properties["AuthorizerType"])
}

// permission adds a statement to a function's resource policy.
func (s *stack) permission(id string, properties map[string]any) (resource, error) {
	var p struct{ Action, FunctionName, Principal, SourceArn string }
	if err := s.decode(properties, &p); err != nil {
		return resource{}, err
	}
	name := p.FunctionName
	if at := strings.LastIndex(name, ":"); at >= 0 {
		name = name[at+1:]
	}
	functionARN := arn("lambda", "function:"+name)
	allow := statement{Sid: s.name(id), Effect: "Allow", Principal: principals{"Service": {p.Principal}}, Action: words{p.Action}, Resource: words{functionARN},
		Condition: map[string]map[string]words{}}
	if !strings.HasSuffix(p.Principal, ".amazonaws.com") {
		return resource{}, fmt.Errorf("the local runtime does not do permissions for %s, which is no service", p.Principal)
	}
	if p.SourceArn != "" {
		allow.Condition["ArnLike"] = map[string]words{"AWS:SourceArn": {p.SourceArn}}
	}
	if err := allow.check(); err != nil {
		return resource{}, err
	}
	s.wiring.permit(functionARN, allow)
	return named(allow.Sid), nil
}

// permit adds a statement to a function's policy.
func (w *wiring) permit(functionARN string, allow statement) {
	w.mu.Lock()
	defer w.mu.Unlock()
	p := w.functions[functionARN]
	// A policy that is being evaluated elsewhere must not change: the statements are copied.
	w.functions[functionARN] = policy{Statement: append(append([]statement(nil), p.Statement...), allow)}
}

// mayInvoke asks a function's policy whether a service may invoke it for source, a route or a rule.
func (w *wiring) mayInvoke(service, functionARN, source string) error {
	w.mu.RLock()
	p := w.functions[functionARN]
	w.mu.RUnlock()
	asked := request{service: service, action: "lambda:InvokeFunction", resource: functionARN,
		keys: map[string]string{keySourceARN: source}}
	if !p.allows(asked) {
		return fmt.Errorf("the policy of %s does not let %s invoke it for %s", functionARN, service, source)
	}
	return nil
}
