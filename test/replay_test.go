package test

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/events"
	"github.com/payrail/payrail/internal/awsconfig"
	"github.com/payrail/payrail/internal/ledger"
)

// history is payments of every kind that the ledger tells apart: plain ones, foreign ones, completions, advices that change nothing,
// reversals before and after their originals, in part, too much and without one; duplicates, and cards that lead to no account. It
// returns when all of them have come to their end.
func (s *system) history(t *testing.T, n int) {
	t.Helper()
	of := func(i int, changes map[string]types.AttributeValue) map[string]types.AttributeValue {
		made := foreignItem(t, i)
		made["authCode"] = text(fmt.Sprintf("P%05d", i))
		maps.Copy(made, changes)
		return made
	}
	further := func(i, k int, mti, cents string) map[string]types.AttributeValue {
		return of(i, map[string]types.AttributeValue{"authorizationId": text(fmt.Sprintf("auth-%06d-m%d", i, k)), "mti": text(mti), "stan": text(fmt.Sprintf("8%d%04d", k, i)),
			"transmittedAt": text(fmt.Sprintf("2026-07-09T11:%02d:00Z", k)), "billingAmount": number(cents)})
	}
	var first, second []map[string]types.AttributeValue
	for i := range n {
		original := of(i, nil)
		switch i % 8 {
		case 0: // a plain one
		case 1: // completed at more, and reversed in part
			second = append(second, further(i, 1, "0220", "9510"), reversalItem(t, i, 1, "6309"))
		case 2: // an advice that says the same, then a reversal in full
			second = append(second, further(i, 1, "0120", "7925"), reversalItem(t, i, 1, "0"))
		case 3: // reversed before it came
			first, original = append(first, reversalItem(t, i, 1, "0")), nil
			second = append(second, of(i, nil))
		case 4: // reversed twice: one of the two is refused
			second = append(second, reversalItem(t, i, 1, "0"), reversalItem(t, i, 2, "0"))
		case 5: // a duplicate
			second = append(second, of(i, map[string]types.AttributeValue{"authorizationId": text(fmt.Sprintf("auth-%06d-again", i))}))
		case 6: // no account
			original["panToken"], original["bin"] = text(tokenOf(t, nobodysCard)), text(nobodysCard[:6])
		case 7: // an original that never comes
			first, original = append(first, reversalItem(t, i, 1, "0")), nil
		}
		if original != nil {
			first = append(first, original)
		}
	}
	s.putAll(t, first)
	s.putAll(t, second)
	eventually(t, "everything is taken in", func() bool {
		counts := countKinds(s.archived(t))
		return counts[events.TransactionAuthorized]+counts[events.DuplicateTransactionParked] >= len(first)+len(second)
	})
	s.settle(t)
}

// settle waits until nothing is under way: no event on its way to a target, no message in a processor's queue.
func (s *system) settle(t *testing.T) {
	t.Helper()
	client := sqs.NewFromConfig(s.aws)
	queues, err := client.ListQueues(t.Context(), &sqs.ListQueuesInput{})
	require.NoError(t, err)
	quiet, last := 0, 0
	eventually(t, "nothing is under way", func() bool {
		quiet++
		for _, url := range queues.QueueUrls {
			if !strings.Contains(url, "Queue") {
				continue
			}
			out, err := client.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{QueueUrl: &url, AttributeNames: []sqstypes.QueueAttributeName{sqstypes.QueueAttributeNameAll}})
			require.NoError(t, err)
			if out.Attributes["ApproximateNumberOfMessages"] != "0" || out.Attributes["ApproximateNumberOfMessagesNotVisible"] != "0" {
				quiet = 0
			}
		}
		if archived := len(s.archived(t)); archived != last {
			quiet, last = 0, archived
		}
		return quiet == 20 // in a row: what leaves one queue is not at once in the next
	})
}

// ledgerImage is every item of the ledger table, attribute by attribute.
func (s *system) ledgerImage(t *testing.T) map[string]string {
	t.Helper()
	image := map[string]string{}
	table := s.outputs["LedgerTable"]
	pages := dynamodb.NewScanPaginator(s.dynamodb, &dynamodb.ScanInput{TableName: &table})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		require.NoError(t, err)
		for _, item := range page.Items {
			image[fmt.Sprint(plainValue(item["pk"]), plainValue(item["sk"]))] = string(mustJSON(t, plainValue(&types.AttributeValueMemberM{Value: item})))
		}
	}
	require.NotEmpty(t, image)
	return image
}

// plainValue is an attribute without pointers.
func plainValue(value types.AttributeValue) any {
	switch v := value.(type) {
	case *types.AttributeValueMemberM:
		plain := map[string]any{}
		for name, member := range v.Value {
			plain[name] = plainValue(member)
		}
		return plain
	case *types.AttributeValueMemberL:
		plain := make([]any, len(v.Value))
		for i, member := range v.Value {
			plain[i] = plainValue(member)
		}
		return plain
	default:
		return v
	}
}

// archivedEvent is an event of the archive.
type archivedEvent struct {
	DetailType events.DetailType `json:"detail-type"`
	ReplayName *string           `json:"replay-name"`
	Detail     struct {
		Metadata events.Metadata
		Data     json.RawMessage
	}
}

func (s *system) archived(t *testing.T) (all []archivedEvent) {
	t.Helper()
	require.NoError(t, s.ArchivedEvents(s.outputs["ArchiveName"], func(envelope []byte) bool {
		var event archivedEvent
		require.NoError(t, json.Unmarshal(envelope, &event))
		all = append(all, event)
		return true
	}))
	return all
}

func (s *system) objectKeys(t *testing.T, bucket string) (keys []string) {
	t.Helper()
	pages := s3.NewListObjectsV2Paginator(awsconfig.S3(s.aws), &s3.ListObjectsV2Input{Bucket: &bucket})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		require.NoError(t, err)
		for _, object := range page.Contents {
			keys = append(keys, *object.Key)
		}
	}
	return keys
}

func countKinds(all []archivedEvent) map[events.DetailType]int {
	counts := map[events.DetailType]int{}
	for _, event := range all {
		counts[event.DetailType]++
	}
	return counts
}

// INV 6: the archive's legs once more, twice, change nothing and tell nothing; so does everything from the first stage on. The audit
// log of it all, posted into an empty deployment, makes the same ledger.
func TestReplayAndRebuild(t *testing.T) {
	s := start(t)
	s.history(t, 40)
	entries := len(s.entryHashes(t))
	require.Greater(t, entries, 40)
	before, history := s.ledgerImage(t), s.archived(t)
	parked := s.objectKeys(t, s.outputs["ParkedBucket"])
	window := []string{"--from", "2020-01-01T00:00:00Z", "--to", time.Now().AddDate(1, 0, 0).UTC().Format(time.RFC3339), "--reason", "drill"}

	for range 2 {
		stdout, stderr, status := s.payrail(t, append([]string{"replay", "--json"}, window...)...)
		require.Zero(t, status, stderr)
		require.Contains(t, stdout, `"state": "COMPLETED"`)
		s.settle(t)
		require.Equal(t, before, s.ledgerImage(t))
	}
	told := s.archived(t)
	require.Equal(t, map[events.DetailType]int{events.OperatorActionTaken: 4}, countKinds(told[len(history):]), "a start and an end of each, and nothing of the payments")

	_, stderr, status := s.payrail(t, append([]string{"replay", "--from-stage", "standardize"}, window...)...)
	require.Equal(t, 2, status)
	require.Contains(t, stderr, "add --yes")
	_, stderr, status = s.payrail(t, append([]string{"replay", "--from-stage", "standardize", "--yes"}, window...)...)
	require.Zero(t, status, stderr)
	legs := countKinds(history)[events.PostingLegCreated]
	eventually(t, "the legs were made again", func() bool { return countKinds(s.archived(t)[len(told):])[events.PostingLegCreated] == legs })
	s.settle(t)
	require.Equal(t, before, s.ledgerImage(t))
	require.Equal(t, parked, s.objectKeys(t, s.outputs["ParkedBucket"]))
	again := s.archived(t)[len(told):]
	for _, event := range again {
		require.Nil(t, event.ReplayName, "what is replayed is not archived again")
		require.True(t, event.DetailType == events.OperatorActionTaken || strings.HasPrefix(event.Detail.Metadata.Replay, "rp_"), "%s says that it follows from a replay", event.DetailType)
	}
	require.Zero(t, countKinds(again)[events.TransactionAuthorized])
	require.Zero(t, countKinds(again)[events.TransactionPosted])

	s.rebuiltElsewhere(t, entries)
	s.requireSound(t)
}

// rebuiltElsewhere rebuilds the system's ledger in another one.
func (s *system) rebuiltElsewhere(t *testing.T, entries int) {
	t.Helper()
	require.NoError(t, s.FlushAudit(t.Context()))
	other := start(t)
	arguments := []string{"rebuild", "--json", "--audit", "s3://" + s.outputs["AuditBucket"], "--audit-endpoint", s.Endpoint(), "--reason", "drill"}
	stdout, stderr, status := other.payrail(t, arguments...)
	require.Zero(t, status, stderr)
	var report struct{ Entries, Same, Different int }
	require.NoError(t, json.Unmarshal([]byte(stdout), &report))
	require.Equal(t, []int{entries, entries, 0}, []int{report.Entries, report.Same, report.Different})
	other.settle(t)
	require.Equal(t, s.entryHashes(t), other.entryHashes(t))
	want, err := s.ledger.TrialBalance(t.Context(), time.Time{})
	require.NoError(t, err)
	got, err := other.ledger.TrialBalance(t.Context(), time.Time{})
	require.NoError(t, err)
	require.Equal(t, want, got)
	other.requireSound(t)

	_, stderr, status = other.payrail(t, arguments...)
	require.Equal(t, 1, status)
	require.Contains(t, stderr, "is not empty")
	image := other.ledgerImage(t)
	_, stderr, status = other.payrail(t, append(arguments, "--resume")...)
	require.Zero(t, status, stderr)
	require.Equal(t, image, other.ledgerImage(t))
}

func (s *system) entryHashes(t *testing.T) map[string]string {
	t.Helper()
	hashes := map[string]string{}
	require.NoError(t, s.ledger.EachJournal(t.Context(), func(r ledger.Record) error { hashes[r.ID] = r.EntryHash; return nil }))
	return hashes
}
