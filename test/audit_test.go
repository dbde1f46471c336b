package test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/events"
	"github.com/payrail/payrail/internal/assembly"
	"github.com/payrail/payrail/internal/auditlog"
	"github.com/payrail/payrail/internal/awsconfig"
)

// commandPath compiles the command once for all tests, where nothing but tests looks for it.
var commandPath = sync.OnceValues(func() (string, error) {
	root, err := assembly.Root(mustWorkingFolder())
	if err != nil {
		return "", err
	}
	path := filepath.Join(root, "dist", "test", "payrail")
	build := exec.CommandContext(context.Background(), "go", "build", "-o", path, "./cmd/payrail")
	build.Dir = root
	if output, err := build.CombinedOutput(); err != nil {
		return "", &exec.Error{Name: strings.TrimSpace(string(output)), Err: err}
	}
	return path, nil
})

// payrail runs the command against the system and returns what it printed.
func (s *system) payrail(t *testing.T, arguments ...string) (stdout, stderr string, status int) {
	t.Helper()
	path, err := commandPath()
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), clientTimeout)
	defer cancel()
	var out, problems bytes.Buffer
	c := command(ctx, t, append([]string{path}, arguments...)...)
	c.Env = append(c.Env, "AWS_ENDPOINT_URL="+s.Endpoint())
	c.Stdout, c.Stderr = &out, &problems
	err = c.Run()
	if exit := (*exec.ExitError)(nil); err != nil {
		require.ErrorAs(t, err, &exit, problems.String())
	}
	return out.String(), problems.String(), c.ProcessState.ExitCode()
}

// audited reads events that `payrail audit cat` printed: their kinds by event id.
func audited(t *testing.T, lines string) map[string]events.DetailType {
	t.Helper()
	found := map[string]events.DetailType{}
	for _, line := range strings.Split(strings.TrimSuffix(lines, "\n"), "\n") {
		var event struct {
			DetailType events.DetailType `json:"detail-type"`
			Detail     struct{ Metadata events.Metadata }
		}
		require.NoError(t, json.Unmarshal([]byte(line), &event), line)
		require.NotEmpty(t, event.Detail.Metadata.EventID)
		found[event.Detail.Metadata.EventID] = event.DetailType
	}
	return found
}

// Every event of every payment is in the audit log, where its date and detail-type say.
func TestAuditLogHasEveryEvent(t *testing.T) {
	s := start(t)
	stdout, _, status := s.payrail(t, "audit", "ls")
	require.Zero(t, status)
	require.Contains(t, stdout, "the audit log is empty")
	_, stderr, status := s.payrail(t, "audit", "cat", "--transaction", "tx_none")
	require.Equal(t, 1, status)
	require.Contains(t, stderr, "the audit log has no such event")

	const n = 30
	for i := range n {
		changes := map[string]types.AttributeValue{}
		if i%5 == 0 {
			changes["mcc"] = text("7995")
		}
		s.put(t, item(t, i, aliceCard, changes))
	}
	s.put(t, item(t, 0, aliceCard, map[string]types.AttributeValue{"authorizationId": text("auth-again")}))
	for i := range n {
		s.awaitEvents(t, fmt.Sprintf("auth-%06d", i), events.TransactionPosted)
	}
	s.awaitEvents(t, "auth-again", events.DuplicateConflictDetected)

	want := map[string]events.DetailType{}
	perTransaction := map[string]map[string]events.DetailType{}
	require.NoError(t, s.ArchivedEvents(s.outputs["ArchiveName"], func(envelope []byte) bool {
		var event events.Envelope
		require.NoError(t, json.Unmarshal(envelope, &event))
		var detail struct{ Metadata events.Metadata }
		require.NoError(t, json.Unmarshal(event.Detail, &detail))
		want[detail.Metadata.EventID] = event.DetailType
		of := perTransaction[detail.Metadata.TransactionID]
		if of == nil {
			of = map[string]events.DetailType{}
			perTransaction[detail.Metadata.TransactionID] = of
		}
		of[detail.Metadata.EventID] = event.DetailType
		return true
	}))
	require.Len(t, perTransaction, n)

	// The rule delivers to Firehose on its own: the archive can be ahead of it.
	var all string
	eventually(t, "the audit log has what the archive has", func() bool {
		require.NoError(t, s.FlushAudit(t.Context()))
		all, _, status = s.payrail(t, "audit", "cat", "--date", s.auditDate(t))
		return status == 0 && len(audited(t, all)) >= len(want)
	})
	require.Equal(t, want, audited(t, all))

	happened, err := s.timeline.Trace(t.Context(), "auth-000005")
	require.NoError(t, err)
	one := happened[0].TransactionID
	stdout, stderr, status = s.payrail(t, "audit", "cat", "--transaction", one)
	require.Zero(t, status, stderr)
	require.Equal(t, perTransaction[one], audited(t, stdout))
	// Whether it looks like a payment made twice depends on which of the like ones was posted first.
	delete(perTransaction[one], one+"/"+string(events.SuspectedDuplicateFound)+"/R-052")
	require.Len(t, perTransaction[one], 9, "six stages, one of them with two legs, and what R-004 and R-040 found")
	stdout, _, status = s.payrail(t, "audit", "cat", "--authorization", "auth-again")
	require.Zero(t, status)
	require.Len(t, audited(t, stdout), 1)

	s.requirePartitions(t, want)
	s.requireArchive(t, len(want))
}

func (s *system) auditObjects(t *testing.T) []auditlog.Object {
	t.Helper()
	stdout, stderr, status := s.payrail(t, "audit", "ls", "--json")
	require.Zero(t, status, stderr)
	var objects []auditlog.Object
	require.NoError(t, json.Unmarshal([]byte(stdout), &objects))
	return objects
}

// auditDate is the one day that the test's events arrived on; the system's clock runs fast, so it is read and not computed.
func (s *system) auditDate(t *testing.T) string {
	t.Helper()
	objects := s.auditObjects(t)
	if len(objects) == 0 {
		return "2026-01-01"
	}
	require.Equal(t, objects[0].Date, objects[len(objects)-1].Date, "the test ran over midnight")
	return objects[0].Date
}

var auditKey = regexp.MustCompile(`^events/date=\d{4}-\d{2}-\d{2}/detail-type=[A-Za-z]+/Payrail-AuditLogPartitionedStream[0-9A-F]{8}-1-[0-9-]{19}-[0-9a-f-]{36}\.gz$`)

// requirePartitions checks that each object lies where its events belong, and that together they are all.
func (s *system) requirePartitions(t *testing.T, want map[string]events.DetailType) {
	t.Helper()
	reader := auditlog.NewReader(awsconfig.S3(s.aws), s.outputs["AuditBucket"])
	found := map[string]events.DetailType{}
	for _, o := range s.auditObjects(t) {
		require.Regexp(t, auditKey, o.Key)
		require.NoError(t, reader.Read(t.Context(), o.Key, auditlog.Of{}, func(e auditlog.Event) error {
			var envelope events.Envelope
			require.NoError(t, json.Unmarshal(e.Line, &envelope))
			require.Equal(t, o.DetailType, envelope.DetailType, o.Key)
			found[e.Metadata.EventID] = envelope.DetailType
			return nil
		}))
	}
	require.Equal(t, want, found)
}

// auditRule is the ARN of the rule that feeds Firehose.
func (s *system) auditRule(t *testing.T, client *eventbridge.Client) string {
	t.Helper()
	rules, err := client.ListRules(t.Context(), &eventbridge.ListRulesInput{EventBusName: aws.String(s.outputs["EventBus"])})
	require.NoError(t, err)
	for _, rule := range rules.Rules {
		if strings.Contains(*rule.Name, "AuditLogRule") {
			return *rule.Arn
		}
	}
	require.FailNow(t, "there is no audit rule")
	return ""
}

// requireArchive checks what `payrail audit archive` says, and that a replay is neither archived nor audited again. It is replayed
// to the audit rule alone: functions that get a replayed event publish events of their own, which are both.
func (s *system) requireArchive(t *testing.T, atLeast int) {
	t.Helper()
	count := func() int64 {
		stdout, stderr, status := s.payrail(t, "audit", "archive", "--json")
		require.Zero(t, status, stderr)
		var state struct {
			Name, State string
			Events      int64
		}
		require.NoError(t, json.Unmarshal([]byte(stdout), &state))
		require.Equal(t, s.outputs["ArchiveName"], state.Name)
		require.Equal(t, "ENABLED", state.State)
		return state.Events
	}
	before, objects := count(), len(s.auditObjects(t))
	require.GreaterOrEqual(t, before, int64(atLeast))

	client := eventbridge.NewFromConfig(s.aws)
	archive, err := client.DescribeArchive(t.Context(), &eventbridge.DescribeArchiveInput{ArchiveName: aws.String(s.outputs["ArchiveName"])})
	require.NoError(t, err)
	bus, err := client.DescribeEventBus(t.Context(), &eventbridge.DescribeEventBusInput{Name: aws.String(s.outputs["EventBus"])})
	require.NoError(t, err)
	var times []time.Time // The archive is in the order of the events' own times.
	require.NoError(t, s.ArchivedEvents(s.outputs["ArchiveName"], func(envelope []byte) bool {
		var event events.Envelope
		require.NoError(t, json.Unmarshal(envelope, &event))
		at, err := time.Parse(time.RFC3339, event.Time)
		require.NoError(t, err)
		times = append(times, at)
		return true
	}))
	_, err = client.StartReplay(t.Context(), &eventbridge.StartReplayInput{ReplayName: aws.String("again"), EventSourceArn: archive.ArchiveArn,
		EventStartTime: &times[0], EventEndTime: aws.Time(times[len(times)-1].Add(time.Second)),
		Destination: &ebtypes.ReplayDestination{Arn: bus.Arn, FilterArns: []string{s.auditRule(t, client)}}})
	require.NoError(t, err)
	eventually(t, "the replay is over", func() bool {
		replay, err := client.DescribeReplay(t.Context(), &eventbridge.DescribeReplayInput{ReplayName: aws.String("again")})
		require.NoError(t, err)
		return replay.State == ebtypes.ReplayStateCompleted
	})
	require.NoError(t, s.FlushAudit(t.Context()))
	require.Equal(t, before, count())
	require.Len(t, s.auditObjects(t), objects, "a replay was audited")
	s.requireSound(t)
}
