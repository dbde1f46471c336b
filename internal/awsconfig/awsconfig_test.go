package awsconfig

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/events"
)

// server answers every call with status and sends its request line to the returned channel.
func server(t *testing.T, status int) (endpoint string, calls chan string) {
	t.Helper()
	calls = make(chan string, 100)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls <- r.Method + " " + r.URL.Path
		w.WriteHeader(status)
	}))
	t.Cleanup(s.Close)
	return s.URL, calls
}

func load(t *testing.T, endpoint string) aws.Config {
	t.Helper()
	for name, value := range map[string]string{"AWS_ENDPOINT_URL": endpoint, "AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "id",
		"AWS_SECRET_ACCESS_KEY": "secret", "AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null"} {
		t.Setenv(name, value)
	}
	cfg, err := Load(context.Background())
	require.NoError(t, err)
	return cfg
}

func TestOneCallEndsBeforeTheFunctionDoes(t *testing.T) {
	const functionTimeout = 30 * time.Second // infra/function.go
	require.Less(t, attempts*attemptTimeout+(attempts-1)*maxBackoff, functionTimeout)
	require.Equal(t, attempts, load(t, "http://127.0.0.1:1").Retryer().MaxAttempts())
}

func TestS3AddressesLoopbackBucketsByPath(t *testing.T) {
	endpoint, calls := server(t, http.StatusOK)
	_, err := S3(load(t, endpoint)).PutObject(context.Background(), &s3.PutObjectInput{Bucket: aws.String("b"), Key: aws.String("k")})
	require.NoError(t, err)
	require.Equal(t, "PUT /b/k", <-calls)
}

func TestIsLoopback(t *testing.T) {
	for endpoint, want := range map[string]bool{
		"http://127.0.0.1:4566": true, "http://localhost:4566": true, "http://[::1]:4566": true,
		"https://s3.us-east-1.amazonaws.com": false, "http://10.0.0.1": false, "": false, "http://%": false,
	} {
		require.Equal(t, want, isLoopback(endpoint), endpoint)
	}
}

func TestPublisherAloneRetries(t *testing.T) {
	endpoint, calls := server(t, http.StatusInternalServerError)
	failures := Publisher(load(t, endpoint), "bus").Publish(context.Background(), []events.Event{{DetailType: "t", Source: "s", Detail: []byte("{}")}})
	require.Len(t, failures, 1)
	require.Len(t, calls, 3, "one call for each of the publisher's attempts")
}

func TestSleepEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	require.True(t, errors.Is(Sleep(ctx, time.Hour), context.Canceled))
	require.NoError(t, Sleep(context.Background(), time.Nanosecond))
}
