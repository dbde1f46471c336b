package telemetry

import (
	"bytes"
	"context"
	"encoding/json"
	"testing"

	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/stretchr/testify/require"
)

func environment(values map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) { v, ok := values[name]; return v, ok }
}

func lines(t *testing.T, out *bytes.Buffer) []map[string]any {
	t.Helper()
	var all []map[string]any
	decoder := json.NewDecoder(out)
	for decoder.More() {
		var line map[string]any
		require.NoError(t, decoder.Decode(&line))
		require.Contains(t, line, "timestamp")
		delete(line, "timestamp")
		all = append(all, line)
	}
	return all
}

func TestLinesCarryTheInvocation(t *testing.T) {
	var out bytes.Buffer
	logger := NewLogger(&out, environment(map[string]string{"AWS_LAMBDA_FUNCTION_NAME": "dedup"}))
	ctx := lambdacontext.NewContext(context.Background(), &lambdacontext.LambdaContext{AwsRequestID: "r-1"})
	logger.With("stage", "claim").InfoContext(ctx, "done", "n", 2)
	logger.Info("outside an invocation")
	require.Equal(t, []map[string]any{
		{"level": "INFO", "message": "done", "function": "dedup", "stage": "claim", "n": 2.0, "requestId": "r-1"},
		{"level": "INFO", "message": "outside an invocation", "function": "dedup"},
	}, lines(t, &out))
}

func TestLevel(t *testing.T) {
	for name, tc := range map[string]struct {
		environment map[string]string
		want        []string
	}{
		"unset":   {nil, []string{"info", "error"}},
		"empty":   {map[string]string{"LOG_LEVEL": ""}, []string{"info", "error"}},
		"debug":   {map[string]string{"LOG_LEVEL": "DEBUG"}, []string{"debug", "info", "error"}},
		"error":   {map[string]string{"LOG_LEVEL": "error"}, []string{"error"}},
		"invalid": {map[string]string{"LOG_LEVEL": "LOUD"}, []string{"LOG_LEVEL is not a level, using INFO", "info", "error"}},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			logger := NewLogger(&out, environment(tc.environment))
			logger.Debug("debug")
			logger.Info("info")
			logger.Error("error")
			var got []string
			for _, line := range lines(t, &out) {
				got = append(got, line["message"].(string))
			}
			require.Equal(t, tc.want, got)
		})
	}
}
