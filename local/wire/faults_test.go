package wire

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/local/faults"
)

func TestACallThatIsNotAnsweredClosesItsConnection(t *testing.T) {
	injector := &faults.Injector{}
	require.NoError(t, injector.Arm(faults.Fault{Kind: faults.Timeout, When: faults.AfterEffect, Operation: "x:Do/t", For: faults.Duration(time.Millisecond)}))
	var done atomic.Int32
	api := &JSON{Name: "x", Version: "1.0", Faults: injector, Operations: map[string]Operation{
		"Do": func(context.Context, []byte) (any, error) { done.Add(1); return nil, nil },
	}}
	server := httptest.NewServer(api)
	t.Cleanup(server.Close)
	call := func() error {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL, strings.NewReader(`{"TableName":"t"}`))
		require.NoError(t, err)
		request.Header.Set("X-Amz-Target", "X.Do")
		response, err := http.DefaultClient.Do(request)
		if err == nil {
			_, _ = io.Copy(io.Discard, response.Body)
			require.NoError(t, response.Body.Close())
		}
		return err
	}
	require.ErrorIs(t, call(), io.EOF)
	require.Equal(t, int32(1), done.Load(), "the effect has happened")
	require.NoError(t, call())
}

func TestResourcesOfRequests(t *testing.T) {
	for body, want := range map[string]string{
		`{"TableName":"t"}`: "t",
		`{"TransactItems":[{"Put":{"TableName":"t1"}},{"Put":{"TableName":"t2"}}]}`:      "t1",
		`{"RequestItems":{"b":[],"a":[]}}`:                                               "a",
		`{"QueueUrl":"http://127.0.0.1:1/000000000000/q","Entries":[{"Id":"1"}]}`:        "q",
		`{"Entries":[{"DetailType":"TransactionPosted"},{"DetailType":"x"}]}`:            "TransactionPosted",
		`{"stateMachineArn":"arn:aws:states:us-east-1:000000000000:stateMachine:rules"}`: "rules",
		`{"TableName":"arn:aws:dynamodb:us-east-1:000000000000:table/t"}`:                "t",
		`{}`:                     "",
		`no JSON`:                "",
		`{"TransactItems":[{}]}`: "",
	} {
		require.Equal(t, want, resourceOf([]byte(body)), body)
	}
}
