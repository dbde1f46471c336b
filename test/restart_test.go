package test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/internal/assembly"
	"github.com/payrail/payrail/internal/ledger"
)

// process is `payrail up` as a user starts it.
type process struct {
	*system
	command *exec.Cmd
	found   string // what it said of an earlier process
	output  *lockedBuffer
}

// up starts the command over a data folder and waits until it is ready.
func up(t *testing.T, data string) *process {
	t.Helper()
	path, err := commandPath()
	require.NoError(t, err)
	folder, err := assembled()
	require.NoError(t, err)
	p := &process{output: &lockedBuffer{}}
	p.command = command(context.Background(), t, path, "up", "--port", "0", "--assembly", folder, "--data", data,
		"--time-scale", fmt.Sprint(timeScale), "--log", data+".log")
	p.command.Stderr = p.output
	stdout, err := p.command.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, p.command.Start())
	t.Cleanup(func() { p.kill(t) })
	lines := bufio.NewScanner(stdout)
	endpoint := ""
	for endpoint == "" && lines.Scan() {
		line := lines.Text()
		if strings.Contains(line, "going on with") {
			p.found = line
		}
		endpoint, _ = strings.CutPrefix(line, "ready ")
		if !strings.HasPrefix(line, "ready ") {
			endpoint = ""
		}
	}
	require.NotEmpty(t, endpoint, "%s", p.output)
	go func() { _, _ = io.Copy(p.output, stdout) }() // It ends with the process.
	p.system = connect(t, endpoint)
	return p
}

// kill ends the process as kill -9 does; it knows nothing of it.
func (p *process) kill(t *testing.T) {
	t.Helper()
	if p.command.ProcessState != nil {
		return
	}
	require.NoError(t, p.command.Process.Kill())
	var exit *exec.ExitError
	require.ErrorAs(t, p.command.Wait(), &exit)
}

// connect makes the clients of a system that runs in another process.
func connect(t *testing.T, endpoint string) *system {
	t.Helper()
	cfg, err := config.LoadDefaultConfig(t.Context(), config.WithBaseEndpoint(endpoint), config.WithRegion("us-east-1"),
		config.WithCredentialsProvider(credentials.NewStaticCredentialsProvider("test", "test", "")))
	require.NoError(t, err)
	stacks, err := cloudformation.NewFromConfig(cfg).DescribeStacks(t.Context(), &cloudformation.DescribeStacksInput{StackName: aws.String("Payrail")})
	require.NoError(t, err)
	outputs := map[string]string{}
	for _, o := range stacks.Stacks[0].Outputs {
		outputs[*o.OutputKey] = *o.OutputValue
	}
	client := dynamodb.NewFromConfig(cfg)
	return &system{aws: cfg, outputs: outputs, dynamodb: client, ledger: ledger.NewReader(client, outputs["LedgerTable"])}
}

// authorizer writes authorizations, each until it is acknowledged, to whatever process there is.
type authorizer struct {
	mu     sync.Mutex
	client *dynamodb.Client
	table  string
	done   chan struct{}
}

func (a *authorizer) use(s *system) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.client, a.table = s.dynamodb, s.outputs["AuthorizationsTable"]
}

func (a *authorizer) write(ctx context.Context, items []map[string]types.AttributeValue) {
	defer close(a.done)
	for chunk := range slices.Chunk(items, batchWrite) {
		requests := make([]types.WriteRequest, len(chunk))
		for i, item := range chunk {
			requests[i].PutRequest = &types.PutRequest{Item: item}
		}
		for ctx.Err() == nil {
			a.mu.Lock()
			client, table := a.client, a.table
			a.mu.Unlock()
			out, err := client.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{table: requests}})
			if err == nil && len(out.UnprocessedItems) == 0 {
				break
			}
		}
	}
}

// A runtime that is killed again and again, with payments in every stage, and started again over its data: every payment that was
// acknowledged is posted, once, and nothing is left over.
func TestAKilledRuntimeGoesOnWhereItWas(t *testing.T) {
	if err := assembly.CheckTools(); err != nil {
		t.Skip(err)
	}
	const payments = 250
	data := t.TempDir() + "/data"
	items, alice, bob := mixed(t, payments)
	p := up(t, data)
	require.Empty(t, p.found)
	p.schedule(t, "Reconcile", false) // The switch must hold over restarts: see schedule.
	p.seed(t)
	a := &authorizer{done: make(chan struct{})}
	a.use(p.system)
	go a.write(t.Context(), items)
	posted := func() int64 { return p.journalEntries(t, "acc-alice", "acc-bob") }

	underWay := false
	for _, at := range []int64{0, payments / 8, payments / 2, payments * 3 / 4} {
		eventually(t, "payments move on", func() bool { return posted() >= at })
		p.kill(t)
		p = up(t, data)
		require.NotEmpty(t, p.found)
		t.Log(p.found)
		underWay = underWay || !strings.Contains(p.found, "0 messages, 0 undelivered events, 0 executions")
		a.use(p.system)
	}
	require.True(t, underWay, "a kill must find work under way, or the test shows nothing")
	<-a.done
	eventually(t, "every payment is posted", func() bool { return posted() == payments })
	eventually(t, "the queues are empty", func() bool { return len(p.holding(t)) == 0 })
	require.Equal(t, int64(payments), posted())
	require.Equal(t, alice.String(), p.balance(t, "acc-alice"))
	require.Equal(t, bob.String(), p.balance(t, "acc-bob"))
	p.requireSound(t)
	p.requireDisabled(t, "ReconcileSchedule")

	// A second one over the same data says why it does not start, and does no harm.
	path, err := commandPath()
	require.NoError(t, err)
	folder, err := assembled()
	require.NoError(t, err)
	second := command(t.Context(), t, path, "up", "--port", "0", "--assembly", folder, "--data", data, "--log", data+".second.log")
	out, err := second.CombinedOutput()
	var exit *exec.ExitError
	require.True(t, errors.As(err, &exit), "%v", err)
	require.Contains(t, string(out), "is in use by another")
	require.Equal(t, int64(payments), posted())
}

// requireDisabled looks whether a rule on a schedule is switched off.
func (s *system) requireDisabled(t *testing.T, rule string) {
	t.Helper()
	rules, err := eventbridge.NewFromConfig(s.aws).ListRules(t.Context(), &eventbridge.ListRulesInput{})
	require.NoError(t, err)
	for _, r := range rules.Rules {
		if strings.Contains(*r.Name, rule) {
			require.EqualValues(t, "DISABLED", r.State)
			return
		}
	}
	t.Fatalf("there is no rule %s", rule)
}

// holding lists the queues that hold messages, in whatever state.
func (s *system) holding(t *testing.T) (holding []string) {
	t.Helper()
	client := sqs.NewFromConfig(s.aws)
	queues, err := client.ListQueues(t.Context(), &sqs.ListQueuesInput{})
	require.NoError(t, err)
	for _, url := range queues.QueueUrls {
		out, err := client.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{QueueUrl: &url, AttributeNames: []sqstypes.QueueAttributeName{sqstypes.QueueAttributeNameAll}})
		require.NoError(t, err)
		for _, name := range []string{"ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessagesDelayed"} {
			if n := out.Attributes[name]; n != "0" {
				holding = append(holding, fmt.Sprintf("%s %s %s", url, name, n))
			}
		}
	}
	return holding
}
