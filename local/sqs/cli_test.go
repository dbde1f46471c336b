package sqs

import (
	"context"
	"encoding/json"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// cliTimeout bounds one call of the AWS CLI, which takes a while to start on a busy machine.
const cliTimeout = time.Minute

// The AWS CLI checks the digests in answers. Which protocol it speaks depends on its age: 2.9, as Debian 12 has it, sends forms.
func TestAWSCLI(t *testing.T) {
	s, _, _ := newService(t)
	server := httptest.NewServer(s.Handler())
	t.Cleanup(server.Close)
	cli := func(into any, arguments ...string) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), cliTimeout)
		defer cancel()
		call := exec.CommandContext(ctx, "aws", append([]string{"sqs", "--endpoint-url", server.URL, "--output", "json"}, arguments...)...)
		call.Env = append(os.Environ(), "AWS_ACCESS_KEY_ID=local", "AWS_SECRET_ACCESS_KEY=local", "AWS_REGION=us-east-1", "AWS_DEFAULT_REGION=us-east-1", "AWS_PAGER=",
			"AWS_CONFIG_FILE="+filepath.Join(t.TempDir(), "none"), "AWS_SHARED_CREDENTIALS_FILE="+filepath.Join(t.TempDir(), "none"))
		output, err := call.CombinedOutput()
		require.NoError(t, err, "%s", output)
		require.NoError(t, json.Unmarshal(output, into), "%s", output)
	}
	if err := exec.Command("aws", "--version").Run(); err != nil {
		t.Skipf("the AWS CLI is not installed: %v", err)
	}
	var created struct{ QueueUrl string }
	cli(&created, "create-queue", "--queue-name", "q", "--attributes", `{"VisibilityTimeout":"60"}`, "--tags", "team=payments")
	var sent struct{ MessageId, MD5OfMessageBody, MD5OfMessageAttributes string }
	cli(&sent, "send-message", "--queue-url", created.QueueUrl, "--message-body", `{"a": "é <b> & \"c\""}`, "--message-attributes",
		`{"n":{"DataType":"Number","StringValue":"3"},"s":{"DataType":"String.iban","StringValue":"é"}}`)
	require.NotEmpty(t, sent.MD5OfMessageAttributes)
	var received struct {
		Messages []struct {
			MessageId, Body   string
			Attributes        map[string]string
			MessageAttributes map[string]struct{ DataType, StringValue string }
		}
	}
	cli(&received, "receive-message", "--queue-url", created.QueueUrl, "--attribute-names", "All", "--message-attribute-names", "All")
	require.Len(t, received.Messages, 1)
	require.Equal(t, sent.MessageId, received.Messages[0].MessageId)
	require.Equal(t, `{"a": "é <b> & \"c\""}`, received.Messages[0].Body)
	require.Equal(t, "1", received.Messages[0].Attributes["ApproximateReceiveCount"])
	require.Equal(t, "é", received.Messages[0].MessageAttributes["s"].StringValue)
	tags, err := s.apiListQueueTags(t.Context(), &queueRef{QueueUrl: created.QueueUrl})
	require.NoError(t, err)
	require.Equal(t, map[string]string{"team": "payments"}, tags.Tags)
}
