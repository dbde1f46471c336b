// Package awsconfig makes a function's AWS clients: one configuration, loaded once, whose retries and timeouts end before
// the function's own timeout does, so that a service that hangs becomes a logged error and not a killed invocation.
package awsconfig

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/payrail/payrail/events"
)

const (
	// attempts × attemptTimeout + (attempts-1) × maxBackoff is 23 s: the worst single call ends within a function's 30 s.
	attempts       = 4
	attemptTimeout = 5 * time.Second
	maxBackoff     = time.Second
)

// Load reads the SDK's configuration from the environment. AWS_ENDPOINT_URL, where it is set, applies to every client.
func Load(ctx context.Context) (aws.Config, error) {
	cfg, err := config.LoadDefaultConfig(ctx,
		config.WithHTTPClient(awshttp.NewBuildableClient().WithTimeout(attemptTimeout)),
		config.WithRetryer(func() aws.Retryer {
			return retry.NewStandard(func(o *retry.StandardOptions) {
				o.MaxAttempts = attempts
				o.MaxBackoff = maxBackoff
			})
		}))
	if err != nil {
		return aws.Config{}, fmt.Errorf("loading the AWS configuration: %w", err)
	}
	return KeepAnswers(cfg), nil
}

// S3 returns an S3 client. It addresses buckets by path at a loopback endpoint, where no DNS name carries the bucket.
func S3(cfg aws.Config) *s3.Client {
	return s3.NewFromConfig(cfg, func(o *s3.Options) {
		o.UsePathStyle = o.BaseEndpoint != nil && isLoopback(*o.BaseEndpoint)
	})
}

func isLoopback(endpoint string) bool {
	u, err := url.Parse(endpoint)
	if err != nil {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() == "localhost" || (ip != nil && ip.IsLoopback())
}

// Publisher returns a publisher for the bus called name. The client does not retry: the publisher does, entry by entry.
func Publisher(cfg aws.Config, name string) *events.Publisher {
	client := eventbridge.NewFromConfig(cfg, func(o *eventbridge.Options) { o.Retryer = aws.NopRetryer{} })
	return events.NewPublisher(client, name, Sleep)
}

// Sleep waits for d, or returns ctx's error as soon as ctx is done.
func Sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
