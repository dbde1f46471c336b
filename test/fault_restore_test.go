package test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/internal/awsconfig"
	"github.com/payrail/payrail/internal/digests"
	"github.com/payrail/payrail/local/clock"
	"github.com/payrail/payrail/local/faults"
)

// From the schedules to their functions. They are switched on when the payments are at rest, with the faults armed.
func scheduleScenarios() []scenario {
	const spoilt = "drop:events:Deliver/*%[1]s*=1x1,duplicate:events:Deliver/*%[1]s*=1x1,drop:lambda:Deliver/*%[1]s*=1x1,kill:lambda:Run/*%[1]s*=1x1"
	return []scenario{
		{name: "scheduled reconciliation spoilt", plan: fmt.Sprintf(spoilt, "ReconcileFunction"), timeline: true, share: 20, after: (*faultRun).awaitScheduledReport},
		{name: "scheduled digests spoilt", plan: fmt.Sprintf(spoilt, "DigestFunction"), share: 20, after: (*faultRun).awaitScheduledDigest},
		{name: "scheduled sweep of disputes spoilt", plan: fmt.Sprintf(spoilt, "DisputesweepFunction"), share: 20, after: (*faultRun).awaitScheduledSweep},
	}
}

// Where retries are exhausted on purpose, or nothing is left that could be retried, and what was given up is put back.
func giveUpScenarios() []scenario {
	const inTime = 1 // Reconciliation compares the runtime's times with the machine's: neither may run ahead.
	return []scenario{
		{name: "executions aborted before they did anything", plan: "abort:states:Run=0.05x8", timeline: true, share: 50, scale: inTime, quick: true, restore: (*faultRun).reconcileAll},
		{name: "executions aborted after they published", plan: "abort-after:states:Run=0.05x20", share: 50},
		{name: "executions running into their time limit", plan: "expire:states:Run=0.05x8", timeline: true, share: 20, behind: 90 * time.Minute, restore: (*faultRun).reconcileAll},
		{name: "events lost on their way", plan: "", timeline: true, share: 50, scale: inTime, before: (*faultRun).loseEvents, restore: (*faultRun).reconcileAll},
		{name: "rules giving up and started again", plan: "fail:events:PutEvents/TransactionPostingApproved=0.75", share: 15, restore: (*faultRun).startRulesAgain},
		{name: "the ledger refusing and put back", plan: "fail:dynamodb:TransactWriteItems/*Ledger*=1!AccessDeniedException", share: 8, restore: func(r *faultRun) { r.putBack("PostingDeadLetters", "PostingQueue") }},
		{name: "standardize out of order and put back", plan: "fail:lambda:Invoke/*Standardize*=1!ResourceConflictException", share: 20,
			restore: func(r *faultRun) { r.putBack("StandardizeDeadLetters", "StandardizeQueue") }},
		{name: "the pipe giving up and sent again", plan: "throttle:lambda:Invoke/*DedupFunction*=1x2000", share: 50, between: (*faultRun).sendAgain},
		{name: "poison in every queue", plan: "poison:sqs:SendMessage/*Queue*=0.004", share: 60, quick: true, dead: (*faultRun).poison},
		{name: "disputes under fire", plan: "duplicate:events:Deliver/*DisputesQueue*=0.5,drop:events:Deliver/*DisputesQueue*=0.3,duplicate:sqs:Deliver/*DisputesQueue*=0.5," +
			"kill:lambda:Run/*DisputesFunction*=1/5,kill-after:lambda:Run/*DisputesFunction*=1/7", timeline: true, share: 20, after: (*faultRun).dispute},
	}
}

// flush lets Firehose write what it has, while the faults are still armed.
func (r *faultRun) flush() { require.NoError(r.t, r.FlushAudit(r.t.Context())) }

// objects are the keys of a bucket under a prefix.
func (r *faultRun) objects(bucket, prefix string) []string {
	r.t.Helper()
	out, err := awsconfig.S3(r.aws).ListObjectsV2(r.t.Context(), &s3.ListObjectsV2Input{Bucket: aws.String(r.outputs[bucket]), Prefix: &prefix})
	require.NoError(r.t, err)
	keys := make([]string, len(out.Contents))
	for n, object := range out.Contents {
		keys[n] = aws.ToString(s3types.Object(object).Key)
	}
	return keys
}

// awaitScheduled switches a schedule on until something is done.
func (r *faultRun) awaitScheduled(function string, done func() bool) {
	r.t.Helper()
	r.schedule(r.t, function, true)
	eventually(r.t, "the schedule of "+function+" has had its effect", done)
	r.schedule(r.t, function, false)
}

func (r *faultRun) awaitScheduledReport() {
	r.awaitScheduled("Reconcile", func() bool {
		return r.killed() && slices.ContainsFunc(r.objects("AuditBucket", "recon/"), func(key string) bool { return strings.HasSuffix(key, ".sha256") })
	})
}

func (r *faultRun) awaitScheduledDigest() {
	store := digests.NewStore(awsconfig.S3(r.aws), r.outputs["AuditBucket"])
	r.awaitScheduled("Digest", func() bool {
		all, findings, err := store.All(r.t.Context())
		require.NoError(r.t, err)
		require.Empty(r.t, findings)
		return r.killed() && len(all) > 0
	})
}

// awaitScheduledSweep: there is nothing to sweep. That the function ran at last is that its events are done and none is a dead letter.
func (r *faultRun) awaitScheduledSweep() {
	r.awaitScheduled("Disputesweep", func() bool { return r.killed() && r.AtRest() })
}

func (r *faultRun) killed() bool {
	return slices.ContainsFunc(r.Faults.Report().Injected, func(c faults.Count) bool { return c.Kind == faults.Kill })
}

// reconcileAll lets reconciliation put right what got lost. A run patches ten payments at most, so it takes several; at last there is
// nothing to be found but the conflicts, which are for people (B13).
func (r *faultRun) reconcileAll() {
	r.t.Helper()
	const runs = 6
	patched := 0
	for range runs {
		require.NoError(r.t, r.FlushAudit(r.t.Context()))
		report := r.reconcile(r.t, nil)
		r.awaitRest()
		patched += len(report.Patches)
		if len(report.Patches) == 0 {
			require.Empty(r.t, slices.DeleteFunc(breaks(report), func(b string) bool {
				return strings.HasPrefix(b, "B13 OPEN ") && strings.HasSuffix(b, "-conflict")
			}))
			break
		}
	}
	require.Positive(r.t, patched, "reconciliation found nothing of what was lost")
	r.t.Logf("reconciliation patched %d payments", patched)
}

// loseEvents lets events vanish behind a PutEvents that succeeded.
func (r *faultRun) loseEvents() {
	for _, kind := range []string{"TransactionAuthorized", "TransactionStandardized", "TransactionPostingApproved"} {
		require.NoError(r.t, r.Faults.Arm(faults.Fault{Operation: "events:PutEvents/" + kind, When: faults.Lost, Skip: 20, Times: 2}))
	}
}

// each takes every message out of a queue, once.
func (r *faultRun) each(queue string, do func(body string)) int {
	r.t.Helper()
	client := sqs.NewFromConfig(r.aws)
	url := aws.String(r.queue(r.t, queue))
	for n := 0; ; {
		out, err := client.ReceiveMessage(r.t.Context(), &sqs.ReceiveMessageInput{QueueUrl: url, MaxNumberOfMessages: 10})
		require.NoError(r.t, err)
		if len(out.Messages) == 0 {
			return n
		}
		var done []sqstypes.DeleteMessageBatchRequestEntry
		for i, m := range out.Messages {
			do(*m.Body)
			done = append(done, sqstypes.DeleteMessageBatchRequestEntry{Id: aws.String(fmt.Sprint(i)), ReceiptHandle: m.ReceiptHandle})
			n++
		}
		_, err = client.DeleteMessageBatch(r.t.Context(), &sqs.DeleteMessageBatchInput{QueueUrl: url, Entries: done})
		require.NoError(r.t, err)
	}
}

// putBack sends what a function gave up on to its queue again.
func (r *faultRun) putBack(deadLetters, queue string) {
	r.t.Helper()
	client := sqs.NewFromConfig(r.aws)
	to := aws.String(r.queue(r.t, queue))
	n := r.each(deadLetters, func(body string) {
		_, err := client.SendMessage(r.t.Context(), &sqs.SendMessageInput{QueueUrl: to, MessageBody: &body})
		require.NoError(r.t, err)
	})
	require.Positive(r.t, n, "there were no dead letters")
	r.t.Logf("put %d messages back", n)
}

// restoreAll puts back whatever was given up, wherever: where everything fails at once, that can be anything.
func (r *faultRun) restoreAll() {
	for _, queue := range r.deadLetters(r.t) {
		name, _, _ := strings.Cut(strings.TrimPrefix(queue, "Payrail-"), ":")
		stage, _, known := strings.Cut(name, "DeadLetters")
		require.True(r.t, known, "%s: nothing fails for good on the way from a rule to its target", queue)
		switch stage {
		case "Rules":
			r.startRulesAgain()
		case "Pipe":
			r.sendAgain()
		default:
			r.putBack(stage+"DeadLetters", stage+"Queue")
		}
	}
}

// startRulesAgain starts an execution for each that has given up.
func (r *faultRun) startRulesAgain() {
	r.t.Helper()
	n := r.each("RulesDeadLetters", func(body string) {
		var letter struct{ Input json.RawMessage }
		require.NoError(r.t, json.Unmarshal([]byte(body), &letter))
		r.startRules(letter.Input)
	})
	require.Positive(r.t, n, "there were no dead letters")
	r.t.Logf("started %d executions again", n)
}

// startRules starts an execution, as the AWS CLI would.
func (r *faultRun) startRules(input json.RawMessage) {
	r.t.Helper()
	body := mustJSON(r.t, map[string]string{"stateMachineArn": r.outputs["RulesStateMachineArn"], "input": string(input)})
	request, err := http.NewRequestWithContext(r.t.Context(), http.MethodPost, r.Endpoint(), bytes.NewReader(body))
	require.NoError(r.t, err)
	request.Header.Set("X-Amz-Target", "AWSStepFunctions.StartExecution")
	credentials, err := r.aws.Credentials.Retrieve(r.t.Context())
	require.NoError(r.t, err)
	hash := sha256.Sum256(body)
	require.NoError(r.t, v4.NewSigner().SignHTTP(r.t.Context(), credentials, request, hex.EncodeToString(hash[:]), "states", r.aws.Region, time.Now()))
	response, err := http.DefaultClient.Do(request)
	require.NoError(r.t, err)
	require.NoError(r.t, response.Body.Close())
	require.Equal(r.t, http.StatusOK, response.StatusCode)
}

// sendAgain writes every authorization again that came so far: what the pipe gave up goes through, and what is posted has no further
// effect. It does so before the others come, for of two that conflict the first to get through is posted.
func (r *faultRun) sendAgain() {
	r.t.Helper()
	n := r.each("PipeDeadLetters", func(string) {}) // They name positions in the stream, no payments.
	require.Positive(r.t, n, "there were no dead letters")
	again := make([]authItem, 0, len(r.input.first))
	seen := map[string]bool{}
	for _, item := range r.input.first {
		if id := item["authorizationId"].(*types.AttributeValueMemberS).Value; !seen[id] {
			seen[id] = true
			again = append(again, with(item, "resent", text("yes")))
		}
	}
	r.write(r.t, again)
	r.t.Logf("%d dead letters, sent %d authorizations again", n, len(again))
}

// poison is what must be left: each message that nobody can read, in the dead-letter queue of the one it was put into.
func (r *faultRun) poison() map[string]int {
	dead := map[string]int{}
	for _, c := range r.Faults.Report().Injected {
		_, queue, _ := strings.Cut(c.Operation, "/Payrail-")
		name, _, _ := strings.Cut(queue, "Queue")
		dead[name+"DeadLetters"] += c.Times
	}
	return dead
}

// disputed is how many purchases are disputed.
const disputed = 10

// dispute opens a case for some of the purchases that were posted, and waits for the provisional credits.
func (r *faultRun) dispute() {
	r.t.Helper()
	for _, e := range slices.Clone(r.input.expected) {
		if e.end != postedOnce || e.reversed != "" || e.amount < 0 || e.fee > 0 || len(e.ids) > 1 {
			continue
		}
		_, transaction := r.ask(r.t, "/transactions/"+e.ids[0])
		status, opened := r.raise(r.t, transaction["transactionId"].(string), "dispute-"+e.ids[0], `{"reasonCode":"13.1"}`)
		require.Equal(r.t, http.StatusCreated, status, opened)
		r.awaitCase(r.t, opened["caseId"].(string), "PROVISIONAL_CREDIT")
		r.input.expected = append(r.input.expected, expectation{ids: []string{opened["caseId"].(string)}, end: postedOnce, account: e.account, amount: -e.amount})
		if r.cases++; r.cases == disputed {
			return
		}
	}
	r.t.Fatalf("only %d purchases could be disputed", r.cases)
}

// behind is a clock that tells an earlier time: it may run fast and is still not ahead of the machine's.
type behind struct {
	clock.Clock
	by time.Duration
}

func (b behind) Now() time.Time { return b.Clock.Now().Add(-b.by) }
