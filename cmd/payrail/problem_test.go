package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAsProblemKeepsWhatIsKnown(t *testing.T) {
	own := misused("the item has no id", "add one")
	for _, test := range []struct {
		err    error
		status int
		want   string
	}{
		{own, statusUsage, "the item has no id; add one"},
		{fmt.Errorf("example 01.json: %w", own), statusUsage, "example 01.json: the item has no id; add one"},
		{errors.Join(own, errors.New("closing the log: disk full")), statusUsage, "the item has no id; add one (also: closing the log: disk full)"},
		{errors.New("first\n\tsecond"), statusFailed, "first second"},
		{fmt.Errorf("reading: %w", context.Canceled), statusFailed, "interrupted; look at what was done before running it again"},
		{&net.DNSError{Name: "nowhere.example"}, statusMissing, "the name nowhere.example cannot be resolved; check AWS_ENDPOINT_URL and the network"},
	} {
		got := asProblem(test.err)
		require.Equal(t, test.status, got.status, test.want)
		require.Equal(t, test.want, got.Error())
	}
	require.Equal(t, "the item has no id", own.what, "a problem was changed")
}

// A refused connection is final, so that a command against a stopped runtime answers at once; a reset one is tried again.
func TestRefusedConnectionsAreNotRetried(t *testing.T) {
	cleanEnvironment(t)
	cfg, err := awsConfig(t.Context(), defaultEndpoint)
	require.NoError(t, err)
	dialing := func(cause error) error { return &net.OpError{Op: "dial", Err: cause} }
	require.False(t, cfg.Retryer().IsErrorRetryable(dialing(syscall.ECONNREFUSED)))
	require.True(t, cfg.Retryer().IsErrorRetryable(dialing(syscall.ECONNRESET)))
}

func TestIsLoopback(t *testing.T) {
	for endpoint, want := range map[string]bool{
		"http://127.0.0.1:4566": true, "http://localhost:4566": true, "http://[::1]:4566": true, "http://127.1.2.3": true,
		"": false, "http://10.0.0.1": false, "https://dynamodb.eu-west-2.amazonaws.com": false, "http://127.0.0.1.example.com": false, "http://localhost.example.com": false,
	} {
		require.Equal(t, want, isLoopback(endpoint), endpoint)
	}
}
