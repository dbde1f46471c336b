package test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/events"
)

// The clients that people write authorizations with, each as its users call it. arguments get the endpoint, the table and
// the file of an authorization in the AWS CLI's form.
var clients = map[string]struct {
	// probe tells whether the client is installed.
	probe []string
	put   func(endpoint, table, file string) []string
}{
	"AWS CLI": {
		probe: []string{"aws", "--version"},
		put: func(endpoint, table, file string) []string {
			return []string{"aws", "dynamodb", "put-item", "--endpoint-url", endpoint, "--table-name", table, "--item", "file://" + file}
		},
	},
	"SDK for Python": {
		probe: []string{"python3", "-c", "import boto3"},
		put: func(endpoint, table, file string) []string {
			return []string{"python3", "-c", "import boto3, json, sys\n" +
				"boto3.client('dynamodb', endpoint_url=sys.argv[1]).put_item(TableName=sys.argv[2], Item=json.load(open(sys.argv[3])))", endpoint, table, file}
		},
	},
	"SDK for JavaScript": {
		probe: []string{"node", "-e", "require('@aws-sdk/client-dynamodb')"},
		put: func(endpoint, table, file string) []string {
			return []string{"node", "-e", "const {DynamoDBClient, PutItemCommand} = require('@aws-sdk/client-dynamodb');\n" +
				"const [endpoint, TableName, file] = process.argv.slice(1);\n" +
				"new DynamoDBClient({endpoint}).send(new PutItemCommand({TableName, Item: JSON.parse(require('fs').readFileSync(file))})).catch(e => { console.error(e); process.exit(1) })",
				endpoint, table, file}
		},
	},
}

// clientTimeout bounds one call of a client; interpreters take a while to start on a busy machine.
const clientTimeout = time.Minute

// command runs a client with credentials and a region of its own, whatever the machine's user has configured.
func command(ctx context.Context, t *testing.T, arguments ...string) *exec.Cmd {
	t.Helper()
	c := exec.CommandContext(ctx, arguments[0], arguments[1:]...)
	c.Env = append(os.Environ(), "AWS_ACCESS_KEY_ID=local", "AWS_SECRET_ACCESS_KEY=local", "AWS_REGION=us-east-1", "AWS_DEFAULT_REGION=us-east-1", "AWS_EC2_METADATA_DISABLED=true",
		"AWS_CONFIG_FILE="+filepath.Join(t.TempDir(), "none"), "AWS_SHARED_CREDENTIALS_FILE="+filepath.Join(t.TempDir(), "none"),
		"NODE_PATH="+repository(t, "test", "node", "node_modules"))
	return c
}

// An authorization written with any client is posted, and every stage of its way can be seen.
func TestClientsPostAPayment(t *testing.T) {
	s := start(t)
	number := 900000
	for name, client := range clients {
		number++
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), clientTimeout)
			defer cancel()
			if err := command(ctx, t, client.probe...).Run(); err != nil {
				t.Skipf("%s is not installed: %v", name, err)
			}
			id := "auth-" + strings.ReplaceAll(name, " ", "-")
			file := filepath.Join(t.TempDir(), "authorization.json")
			authorization := readItem(t, repository(t, "examples", "try", "coffee.json"))
			authorization["authorizationId"] = map[string]any{"S": id}
			authorization["stan"] = map[string]any{"S": strconv.Itoa(number)}
			require.NoError(t, os.WriteFile(file, mustJSON(t, authorization), 0o600))

			var output bytes.Buffer
			put := command(ctx, t, client.put(s.Endpoint(), s.outputs["AuthorizationsTable"], file)...)
			put.Stdout, put.Stderr = &output, &output
			require.NoError(t, put.Run(), output.String())
			require.NotContains(t, output.String(), "WARN", "the client complains about an answer")

			written := time.Now()
			s.awaitEvents(t, id, events.TransactionAuthorized, events.TransactionStandardized, events.TransactionEnriched, events.TransactionPostingApproved,
				events.PostingLegCreated, events.TransactionPosted)
			t.Logf("posted %s after the write", time.Since(written).Round(time.Millisecond))
		})
	}
	s.requireSound(t)
}

// readItem reads an authorization file without looking into it.
func readItem(t *testing.T, path string) map[string]any {
	t.Helper()
	raw, err := os.ReadFile(path)
	require.NoError(t, err)
	var authorization map[string]any
	require.NoError(t, json.Unmarshal(raw, &authorization))
	return authorization
}

// awaitEvents waits until the timeline of an authorization has all these events.
func (s *system) awaitEvents(t *testing.T, id string, want ...events.DetailType) {
	t.Helper()
	eventually(t, "the timeline is complete", func() bool {
		happened, err := s.timeline.Trace(t.Context(), id)
		if err != nil {
			return false
		}
		seen := map[events.DetailType]bool{}
		for _, e := range happened {
			seen[e.DetailType] = true
		}
		for _, detailType := range want {
			if !seen[detailType] {
				return false
			}
		}
		return true
	})
}

// What happens to an item after it is written decides nothing again: rewriting it, changing it, declining it.
func TestRewritesOfAnAuthorization(t *testing.T) {
	s := start(t)
	first := item(t, 1, aliceCard, nil)
	s.put(t, first)
	s.awaitEvents(t, "auth-000001", events.TransactionPosted)

	// The same content with an attribute that means nothing: forwarded again, posted once.
	again := item(t, 1, aliceCard, nil)
	again["note"] = text("rewritten")
	s.put(t, again)
	// Another amount under the same id: a conflict, never posted.
	changed := item(t, 1, aliceCard, nil)
	changed["billingAmount"] = number("2981")
	s.put(t, changed)
	s.awaitEvents(t, "auth-000001", events.DuplicateConflictDetected)
	// Not approved: never taken up.
	declined := item(t, 2, aliceCard, nil)
	declined["status"] = text("DECLINED")
	s.put(t, declined)
	s.put(t, item(t, 3, aliceCard, nil))
	s.awaitEvents(t, "auth-000003", events.TransactionPosted)

	_, err := s.timeline.Trace(t.Context(), "auth-000002")
	require.Error(t, err)
	require.Equal(t, int64(2), s.journalEntries(t, "acc-alice"))
	require.Equal(t, "GBP -39.62", s.balance(t, "acc-alice"))
	s.requireSound(t)
}

// A card number in an authorization ends in quarantine, and is nowhere else afterwards.
func TestCardNumberIsQuarantinedAndScrubbed(t *testing.T) {
	s := start(t)
	const hidden = "4111 1111 1111 1111"
	s.put(t, item(t, 1, aliceCard, map[string]types.AttributeValue{"merchantName": text("REF " + hidden)}))
	s.awaitEvents(t, "auth-000001", events.TransactionQuarantined)
	out, err := s.dynamodb.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: aws.String(s.outputs["AuthorizationsTable"]), Key: map[string]types.AttributeValue{"authorizationId": text("auth-000001")}})
	require.NoError(t, err)
	require.NotContains(t, string(mustJSON(t, out.Item)), hidden)
	require.Equal(t, text("QUARANTINED"), out.Item["status"])
	for _, output := range []string{"AuthorizationsTable", "DedupTable", "LedgerTable", "TimelineTable", "AccountsTable", "ReferenceTable"} {
		scanned, err := s.dynamodb.Scan(t.Context(), &dynamodb.ScanInput{TableName: aws.String(s.outputs[output])})
		require.NoError(t, err)
		require.NotContains(t, string(mustJSON(t, scanned.Items)), hidden, output)
	}
}
