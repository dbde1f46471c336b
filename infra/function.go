package main

import (
	"fmt"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/payrail/payrail/events"
)

const (
	// functionTimeoutSeconds bounds one invocation. A batch of ten takes well under a second; half a minute leaves room for the
	// SDK's retries against a throttled table, and keeps a queue's visibility timeout, six times as long, at three minutes.
	functionTimeoutSeconds = 30
	// functionMemoryMB buys processor time, which Lambda gives in proportion: these functions need little memory, but at less
	// than this a cold start and JSON work take visibly longer.
	functionMemoryMB = 256
	// logRetention is long enough to look into an incident of last quarter; the audit bucket keeps the events themselves.
	logRetention = awslogs.RetentionDays_THREE_MONTHS
)

// architectures are Lambda's names for Go's architectures.
var architectures = map[string]func() awslambda.Architecture{
	"arm64": awslambda.Architecture_ARM_64,
	"amd64": awslambda.Architecture_X86_64,
}

// function is a Lambda function with a role and a log group of its own.
type function struct {
	scope  constructs.Construct
	name   string
	role   awsiam.Role
	lambda awslambda.Function
}

// access gives a function one thing it works with: the permission and the environment variable that names it.
type access func(f function)

// newFunction makes the function whose source is functions/<name>. It may do nothing but write its own logs until an access is given.
func newFunction(scope constructs.Construct, name string, props stackProps, accesses ...access) function {
	folder, ok := props.Code[name]
	if !ok {
		panic(fmt.Sprintf("function %s is in the stack, but %s/%s is not compiled", name, functionsFolder, name))
	}
	logs := awslogs.NewLogGroup(scope, jsii.String("Logs"), &awslogs.LogGroupProps{
		Retention:     logRetention,
		RemovalPolicy: awscdk.RemovalPolicy_DESTROY,
	})
	role := newRole(scope, "Role", "lambda.amazonaws.com", "Runs the function "+name, nil)
	logs.GrantWrite(role)
	f := function{scope: scope, name: name, role: role, lambda: awslambda.NewFunction(scope, jsii.String("Function"), &awslambda.FunctionProps{
		Description:   jsii.String("Payrail: " + name),
		Runtime:       awslambda.Runtime_PROVIDED_AL2023(),
		Architecture:  architectures[props.Settings.Target.GOARCH](),
		Handler:       jsii.String(executable),
		Code:          awslambda.Code_FromAsset(jsii.String(folder), nil),
		Role:          role,
		LogGroup:      logs,
		LoggingFormat: awslambda.LoggingFormat_JSON,
		Timeout:       awscdk.Duration_Seconds(jsii.Number(functionTimeoutSeconds)),
		MemorySize:    jsii.Number(functionMemoryMB),
	})}
	for _, give := range accesses {
		give(f)
	}
	awscdk.Tags_Of(scope).Add(jsii.String("component"), jsii.String(name), nil)
	return f
}

// source is the function's name as a producer of events.
func (f function) source() events.Source { return events.Source("payrail." + f.name) }

func (f function) setEnvironment(name string, value *string) {
	f.lambda.AddEnvironment(jsii.String(name), value, nil)
}

// constructID makes a construct's id of a name: it becomes part of logical ids, which are in camel case.
func constructID(name string) *string {
	return jsii.String(strings.ToUpper(name[:1]) + name[1:])
}
