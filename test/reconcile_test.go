package test

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/events"
	"github.com/payrail/payrail/internal/authorizationitem"
	"github.com/payrail/payrail/internal/awsconfig"
	"github.com/payrail/payrail/internal/bulkread"
	"github.com/payrail/payrail/internal/ingest"
	"github.com/payrail/payrail/internal/ledger"
	"github.com/payrail/payrail/internal/reconcile"
	"github.com/payrail/payrail/local/faults"
	"github.com/payrail/payrail/payment"
)

// reconcile runs a reconciliation that gives nothing time, and returns its report.
func (s *system) reconcile(t *testing.T, more map[string]any) reconcile.Report {
	t.Helper()
	request := map[string]any{"graceSeconds": 0, "stageSeconds": 0, "actor": "test"}
	for name, value := range more {
		request[name] = value
	}
	out, err := lambda.NewFromConfig(s.aws).Invoke(t.Context(), &lambda.InvokeInput{FunctionName: aws.String(s.outputs["ReconcileFunction"]), Payload: mustJSON(t, request)})
	require.NoError(t, err)
	require.Nil(t, out.FunctionError, string(out.Payload))
	var answer struct{ Bucket, Report string }
	require.NoError(t, json.Unmarshal(out.Payload, &answer))
	require.Equal(t, s.outputs["AuditBucket"], answer.Bucket)
	var report reconcile.Report
	require.NoError(t, json.Unmarshal(s.object(t, answer.Bucket, answer.Report), &report))
	manifest := string(s.object(t, answer.Bucket, strings.TrimSuffix(answer.Report, "json")+"sha256"))
	require.Equal(t, 3, strings.Count(manifest, report.RunID), manifest)
	return report
}

func (s *system) object(t *testing.T, bucket, key string) []byte {
	t.Helper()
	object, err := awsconfig.S3(s.aws).GetObject(t.Context(), &s3.GetObjectInput{Bucket: &bucket, Key: &key})
	require.NoError(t, err)
	defer func() { require.NoError(t, object.Body.Close()) }()
	body, err := io.ReadAll(object.Body)
	require.NoError(t, err)
	return body
}

// breaks is what a report found: category, status and payment.
func breaks(report reconcile.Report) []string {
	found := []string{}
	for _, b := range report.Breaks {
		found = append(found, fmt.Sprintf("%s %s %s", b.Category, b.Status, b.Key))
	}
	slices.Sort(found)
	return found
}

// stampedItem is an item as an authorizer of Payrail's writes it now.
func stampedItem(i map[string]types.AttributeValue) map[string]types.AttributeValue {
	ingest.Stamp(i, time.Now())
	return i
}

// legInDeadLetters loses the first leg of a payment on its way to posting, and leaves it in posting's dead-letter queue.
func (s *system) legInDeadLetters(t *testing.T, n int) (sequence string) {
	t.Helper()
	const kind = "events:PutEvents/PostingLegCreated"
	require.NoError(t, s.Faults.Arm(faults.Fault{Operation: kind, When: faults.Lost}))
	s.put(t, stampedItem(item(t, n, aliceCard, nil)))
	var detail events.Detail[events.LegData]
	eventually(t, "the second leg waits for the first", func() bool {
		require.NoError(t, s.ArchivedEvents(s.outputs["ArchiveName"], func(envelope []byte) bool {
			read, err := events.Decode[events.LegData](envelope, events.PostingLegCreated)
			if err == nil && read.Metadata.CorrelationID == fmt.Sprintf("auth-%06d", n) {
				detail = read
			}
			return true
		}))
		return detail.Data.Sequence.ID != "" && s.waitingLegs(t, detail.Data.Sequence.ID) == 1
	})
	require.Equal(t, 1, s.Faults.Hits(kind))
	legs, err := payment.Legs(detail.Data.Sequence.Basis)
	require.NoError(t, err)
	require.Equal(t, 2, detail.Data.Leg.Number)
	detail.Data.Leg = legs[0]
	detail.Metadata.EventID = detail.Data.Sequence.ID + "/PostingLegCreated/1"
	body := mustJSON(t, map[string]any{"version": "0", "id": "lost", "detail-type": events.PostingLegCreated, "source": events.SourceAccountInterface, "detail": detail})
	_, err = sqs.NewFromConfig(s.aws).SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: aws.String(s.queue(t, "PostingDeadLetters")), MessageBody: aws.String(string(body))})
	require.NoError(t, err)
	return detail.Data.Sequence.ID
}

// waitingLegs is how many legs of a sequence wait in the assembly table.
func (s *system) waitingLegs(t *testing.T, sequence string) int {
	t.Helper()
	waiting, err := reconcile.AssemblyTable{Reader: s.bulk(), Table: s.table(t, "Assembly")}.Waiting(t.Context(), sequence)
	require.NoError(t, err)
	if len(waiting) == 0 {
		return 0
	}
	return len(waiting[0].Legs)
}

// orphan writes a balanced posting straight into the ledger table, for which there is no authorization.
func (s *system) orphan(t *testing.T) (sequence string) {
	t.Helper()
	key := strings.Repeat("ORPHAN", 9)[:52]
	amount := payment.Money{Minor: 999, Currency: "GBP"}
	legs := []payment.Leg{
		{Number: 1, Side: payment.Debit, Role: payment.RoleDisputeLoss, Account: "DISPUTE_LOSS", Component: payment.Principal, Amount: amount},
		{Number: 2, Side: payment.Credit, Role: payment.RoleSchemePayable, Account: "SCHEME_PAYABLE.VISA.GBP", Component: payment.Principal, Amount: amount},
	}
	entry := payment.JournalEntry{Legs: legs, Sequence: payment.Sequence{ID: payment.SequenceID(key, 0), Of: 2, Checksum: payment.Checksum(legs),
		TransactionID: payment.TransactionID(key), AuthorizationID: "auth-nobody", BusinessKey: key, PayloadHash: "00", Outcome: payment.OutcomePosted,
		OccurredAt: events.FormatTime(time.Now())}}
	store := ledger.New(ledger.Options{Client: s.dynamodb, Table: s.outputs["LedgerTable"], Now: time.Now, Wait: awsconfig.Sleep, Jitter: func(d time.Duration) time.Duration { return d }})
	result := store.Commit(t.Context(), []payment.JournalEntry{entry})[0]
	require.NoError(t, result.Err)
	require.Equal(t, ledger.Posted, result.Disposition)
	return entry.ID
}

func (s *system) requireBalanced(t *testing.T) {
	t.Helper()
	balance, err := s.ledger.TrialBalance(t.Context(), time.Time{})
	require.NoError(t, err)
	require.True(t, balance.Balanced())
}

// Of a thousand payments two are lost on their way to the bus, one waits for a leg that is in the dead-letter queue, one is posted
// and nobody was told, and somebody wrote a posting into the ledger: one run finds exactly these, patches all but the last, and the
// next finds nothing but that.
func TestReconciliationFindsAndPatchesWhatGotLost(t *testing.T) {
	// In real time: stamps are of the machine's clock, ingest times of the runtime's.
	s := startAt(t, 1)
	n := faultPayments(t)
	lost := []string{"auth-000001", "auth-000002"}
	require.NoError(t, s.Faults.Arm(faults.Fault{Operation: "events:PutEvents/TransactionAuthorized", When: faults.Lost, Times: len(lost)}))
	for i := range lost {
		s.put(t, stampedItem(item(t, i+1, aliceCard, nil)))
	}
	eventually(t, "two events are lost", func() bool { return s.Faults.Hits("events:PutEvents/TransactionAuthorized") == len(lost) })

	incomplete := s.legInDeadLetters(t, 3)

	require.NoError(t, s.Faults.Arm(faults.Fault{Operation: "events:PutEvents/TransactionPosted", When: faults.Lost}))
	s.put(t, stampedItem(item(t, 4, aliceCard, nil)))
	eventually(t, "one event of a posting is lost", func() bool { return s.Faults.Hits("events:PutEvents/TransactionPosted") == 1 })

	var rest []map[string]types.AttributeValue
	for i := 5; i <= n; i++ {
		rest = append(rest, stampedItem(item(t, i, []string{aliceCard, bobCard}[i%2], nil)))
	}
	s.putAll(t, rest)
	eventually(t, "the rest is posted", func() bool { return s.journalEntries(t, "acc-alice", "acc-bob") == int64(n-3) })
	orphan := s.orphan(t)
	silent := payment.SequenceID(s.businessKey(t, 4), 0)
	s.awaitTold(t, n-4)
	require.NoError(t, s.FlushAudit(t.Context()))
	s.requireBalanced(t)

	dry := s.reconcile(t, map[string]any{"dryRun": true})
	want := func(status reconcile.Status) []string {
		return []string{
			fmt.Sprintf("B01 %s %s", status, lost[0]), fmt.Sprintf("B01 %s %s", status, lost[1]), "B03 OPEN " + orphan,
			fmt.Sprintf("B08 %s auth-000003", status), fmt.Sprintf("B10 %s %s", status, silent),
		}
	}
	require.Equal(t, want(reconcile.WouldPatch), breaks(dry))
	require.Equal(t, int64(n-3), s.journalEntries(t, "acc-alice", "acc-bob"), "a dry run changes nothing")

	first := s.reconcile(t, nil)
	require.Equal(t, want(reconcile.Patched), breaks(first), "exactly these")
	require.Equal(t, n, first.Summary.Items)
	require.Equal(t, n-3, first.Summary.Matched)
	require.True(t, first.Complete)
	require.Len(t, first.Patches, 4)
	eventually(t, "what was lost is posted", func() bool { return s.journalEntries(t, "acc-alice", "acc-bob") == int64(n) })
	s.awaitTold(t, n)
	record, found, err := s.ledger.Journal(t.Context(), incomplete)
	require.NoError(t, err)
	require.True(t, found)
	require.Len(t, record.Legs, 2)

	second := s.reconcile(t, nil)
	require.Equal(t, []string{"B03 OPEN " + orphan}, breaks(second))
	require.Equal(t, n, second.Summary.Matched)
	require.Empty(t, second.Patches, "a second run patches nothing")
	for _, total := range second.ControlTotals {
		require.Equal(t, total.A, total.C, "both sides have the same totals")
	}
	full := s.reconcile(t, map[string]any{"full": true})
	require.Equal(t, []string{"B03 OPEN " + orphan}, breaks(full), "nor does a full pass find more")
	require.Equal(t, n, full.Summary.Matched)
	s.requireBalanced(t)
	verified, err := s.ledger.Verify(t.Context())
	require.NoError(t, err)
	require.Empty(t, verified.Findings)
	require.Equal(t, []string{"PostingDeadLetters: 1"}, trimmed(s.deadLetters(t)), "the leg is where it was: put back, it has no effect")
}

// businessKey is that of the n-th item.
func (s *system) businessKey(t *testing.T, n int) string {
	t.Helper()
	a, err := payment.ParseAuthorization(authorizationitem.Item(item(t, n, aliceCard, nil)).Attributes())
	require.NoError(t, err)
	return a.BusinessKey()
}

// awaitTold waits until n events tell of postings in the timeline: the tracker is behind the ledger.
func (s *system) awaitTold(t *testing.T, n int) {
	t.Helper()
	eventually(t, fmt.Sprintf("the timeline tells of %d postings", n), func() bool {
		told := 0
		in := &dynamodb.ScanInput{TableName: aws.String(s.outputs["TimelineTable"]), Select: types.SelectCount, FilterExpression: aws.String("detailType = :posted"),
			ExpressionAttributeValues: map[string]types.AttributeValue{":posted": text(string(events.TransactionPosted))}}
		pages := dynamodb.NewScanPaginator(s.dynamodb, in)
		for pages.HasMorePages() {
			page, err := pages.NextPage(t.Context())
			require.NoError(t, err)
			told += int(page.Count)
		}
		return told == n
	})
}

func (s *system) bulk() bulkread.Reader {
	return bulkread.Reader{Client: s.dynamodb, Wait: awsconfig.Sleep}
}

// table is the name of the table whose logical id begins with Tables and a name; not every table is an output.
func (s *system) table(t *testing.T, name string) string {
	t.Helper()
	out, err := s.dynamodb.ListTables(t.Context(), &dynamodb.ListTablesInput{})
	require.NoError(t, err)
	for _, table := range out.TableNames {
		if strings.Contains(table, "Tables"+name) {
			return table
		}
	}
	t.Fatalf("there is no table %s in %v", name, out.TableNames)
	return ""
}

// queue is the address of the queue whose name holds a text.
func (s *system) queue(t *testing.T, name string) string {
	t.Helper()
	out, err := sqs.NewFromConfig(s.aws).ListQueues(t.Context(), &sqs.ListQueuesInput{})
	require.NoError(t, err)
	for _, url := range out.QueueUrls {
		if strings.Contains(url, name) {
			return url
		}
	}
	t.Fatalf("there is no queue %s", name)
	return ""
}

// trimmed leaves out what CloudFormation adds to the names of queues.
func trimmed(queues []string) []string {
	for i, queue := range queues {
		name, count, _ := strings.Cut(queue, ": ")
		for _, known := range []string{"PostingDeadLetters"} {
			if strings.Contains(name, known) {
				name = known
			}
		}
		queues[i] = name + ": " + count
	}
	return queues
}

// An execution of the rules that ends without a decision is in no queue and comes back by no retry. Reconciliation finds the payment, as
// stuck in that stage, and it is posted once.
func TestAPaymentWithoutADecisionIsStartedAgain(t *testing.T) {
	s := startAt(t, 1)
	const decision = "events:PutEvents/TransactionPostingApproved"
	require.NoError(t, s.Faults.Arm(faults.Fault{Operation: decision, When: faults.Lost}))
	for i := 1; i <= 3; i++ {
		s.put(t, stampedItem(item(t, i, aliceCard, nil)))
	}
	eventually(t, "one has no decision, the others are posted", func() bool { return s.Faults.Hits(decision) == 1 && s.journalEntries(t, "acc-alice") == 2 })
	s.awaitTold(t, 2)
	require.Empty(t, s.deadLetters(t), "it is in no queue")

	early := s.reconcile(t, map[string]any{"stageSeconds": 300})
	require.Equal(t, map[reconcile.Stage]int{reconcile.StageRules: 1}, early.InFlight, "the rules have five minutes")
	require.Empty(t, early.Breaks)

	first := s.reconcile(t, nil)
	require.Len(t, first.Breaks, 1)
	require.Equal(t, reconcile.StuckInStage, first.Breaks[0].Category)
	require.Equal(t, reconcile.Patched, first.Breaks[0].Status)
	require.Contains(t, first.Breaks[0].Problem, string(reconcile.StageRules))
	s.awaitTold(t, 3)
	require.Equal(t, int64(3), s.journalEntries(t, "acc-alice"))

	second := s.reconcile(t, nil)
	require.Empty(t, second.Breaks)
	require.Equal(t, 3, second.Summary.Matched)
	s.requireBalanced(t)
}

// Nobody need ask: the schedule reconciles, in a quarter of an hour of the runtime's clock.
func TestTheScheduleReconciles(t *testing.T) {
	s := start(t)
	s.schedule(t, "Reconcile", true)
	eventually(t, "a scheduled run has written its report", func() bool {
		objects, err := awsconfig.S3(s.aws).ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: aws.String(s.outputs["AuditBucket"]), Prefix: aws.String("recon/")})
		require.NoError(t, err)
		return slices.ContainsFunc(objects.Contents, func(o s3types.Object) bool { return strings.HasSuffix(*o.Key, ".sha256") })
	})
}
