package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// newRole makes a role that one AWS service assumes, under a condition or none. It may do nothing yet.
func newRole(scope constructs.Construct, id, service, description string, condition map[string]any) awsiam.Role {
	return awsiam.NewRole(scope, jsii.String(id), &awsiam.RoleProps{
		AssumedBy:   awsiam.NewServicePrincipal(jsii.String(service), &awsiam.ServicePrincipalOpts{Conditions: &condition}),
		Description: jsii.String(description),
	})
}

// forThisAccount keeps a service from using a role on behalf of somebody else's resource (the confused deputy).
func forThisAccount() map[string]any {
	return map[string]any{"StringEquals": map[string]any{"aws:SourceAccount": awscdk.Aws_ACCOUNT_ID()}}
}

// allowService is a statement of a resource's policy: it allows one AWS service one action, under a condition or none.
func allowService(service, action string, resource *string, condition map[string]any) awsiam.PolicyStatement {
	return awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Principals: &[]awsiam.IPrincipal{awsiam.NewServicePrincipal(jsii.String(service), nil)},
		Actions:    jsii.Strings(action),
		Resources:  &[]*string{resource},
		Conditions: &condition,
	})
}
