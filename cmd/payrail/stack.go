package main

import (
	"context"
	"errors"
	"net"
	"net/url"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/logging"

	"github.com/payrail/payrail/internal/awsconfig"
)

// defaultEndpoint is where `payrail up` listens unless told otherwise.
const defaultEndpoint = "http://127.0.0.1:4566"

const endpointVariable = "AWS_ENDPOINT_URL"

// sdkAttempts and sdkBackoff bound how long a command keeps trying: a person waits for it. A refused connection is not tried
// again at all: nothing listens there.
const (
	sdkAttempts = 3
	sdkBackoff  = time.Second
)

// endpointInUse is the endpoint commands talk to, for messages.
func endpointInUse() string {
	if endpoint := os.Getenv(endpointVariable); endpoint != "" {
		return endpoint
	}
	return "AWS"
}

// isLoopback reports whether an endpoint is on this machine: the development token key and invented credentials are for
// such endpoints only.
func isLoopback(endpoint string) bool {
	u, err := url.Parse(endpoint)
	if err != nil {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() == "localhost" || (ip != nil && ip.IsLoopback())
}

// deployment is a running stack: its outputs and clients for the services it consists of.
type deployment struct {
	aws     aws.Config
	stack   string
	outputs map[string]string
}

// connect finds the stack in the environment the standard AWS variables name.
func (a *application) connect(ctx context.Context) (*deployment, error) {
	cfg, err := awsConfig(ctx, os.Getenv(endpointVariable))
	if err != nil {
		return nil, err
	}
	return a.describe(ctx, cfg)
}

func awsConfig(ctx context.Context, endpoint string) (aws.Config, error) {
	if u, err := url.Parse(endpoint); endpoint != "" && (err != nil || u.Host == "") {
		return aws.Config{}, misused(endpointVariable+"="+endpoint+" is no URL", "write it like "+defaultEndpoint)
	}
	// The SDK's own warnings would stand between what commands print; what matters is in its errors.
	options := []func(*config.LoadOptions) error{config.WithLogger(logging.Nop{}), config.WithRetryer(func() aws.Retryer {
		return retry.NewStandard(func(o *retry.StandardOptions) {
			o.MaxAttempts, o.MaxBackoff = sdkAttempts, sdkBackoff
			o.Retryables = append([]retry.IsErrorRetryable{retry.IsErrorRetryableFunc(unlessRefused)}, o.Retryables...)
		})
	})}
	if isLoopback(endpoint) {
		options = append(options, config.WithBaseEndpoint(endpoint), config.WithRegion("us-east-1"),
			config.WithCredentialsProvider(credentials.NewStaticCredentialsProvider("local", "local", "")))
	}
	cfg, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return aws.Config{}, missing("reading the AWS configuration", "check the AWS_* variables", err)
	}
	if cfg.Region == "" {
		return aws.Config{}, missing("no AWS region is set", "for the local runtime set "+endpointVariable+"="+defaultEndpoint+", for an account set AWS_REGION", nil)
	}
	if _, err := cfg.Credentials.Retrieve(ctx); err != nil && ctx.Err() == nil {
		return aws.Config{}, missing("there are no AWS credentials", "for the local runtime set "+endpointVariable+"="+defaultEndpoint+", for an account sign in first", err)
	}
	return awsconfig.KeepAnswers(cfg), nil
}

func unlessRefused(err error) aws.Ternary {
	if errors.Is(err, syscall.ECONNREFUSED) {
		return aws.FalseTernary
	}
	return aws.UnknownTernary
}

func (a *application) describe(ctx context.Context, cfg aws.Config) (*deployment, error) {
	out, err := cloudformation.NewFromConfig(cfg).DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &a.stack})
	var api smithy.APIError
	if errors.As(err, &api) && strings.Contains(api.ErrorMessage(), "does not exist") {
		return nil, missing("there is no stack "+a.stack+" at "+endpointInUse(), "deploy it with `make deploy`, or name another with --stack", nil)
	}
	if err != nil {
		return nil, err
	}
	if len(out.Stacks) == 0 {
		return nil, missing("what answers at "+endpointInUse()+" knows no stack "+a.stack, nextRun, nil)
	}
	d := &deployment{aws: cfg, stack: a.stack, outputs: map[string]string{}}
	for _, o := range out.Stacks[0].Outputs {
		d.outputs[aws.ToString(o.OutputKey)] = aws.ToString(o.OutputValue)
	}
	return d, nil
}

// output is one of the stack's outputs; a stack without it is not Payrail's.
func (d *deployment) output(key string) (string, error) {
	value, ok := d.outputs[key]
	if !ok {
		return "", missing("the stack has no output "+key, "deploy this version of Payrail", nil)
	}
	return value, nil
}

func (d *deployment) dynamodb() *dynamodb.Client { return dynamodb.NewFromConfig(d.aws) }

func (d *deployment) kms() *kms.Client { return kms.NewFromConfig(d.aws) }
