package test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/internal/awsconfig"
	"github.com/payrail/payrail/internal/digests"
	"github.com/payrail/payrail/internal/redrive"
	"github.com/payrail/payrail/local/clock"
	"github.com/payrail/payrail/local/faults"
)

// From the schedules to their functions. They are switched on when the payments are at rest, with the faults armed.
func scheduleScenarios() []scenario {
	const spoilt = "drop:events:Deliver/*%[1]s*=1x1,duplicate:events:Deliver/*%[1]s*=1x1,fail:lambda:Invoke/*%[1]s*=1x1!AccessDenied,drop:lambda:Deliver/*%[1]s*=1x1,kill:lambda:Run/*%[1]s*=1x1"
	return []scenario{
		{name: "scheduled reconciliation spoilt", plan: fmt.Sprintf(spoilt, "ReconcileFunction") + ",partial:events:PutEvents/Reconciliation*=1x2", timeline: true, share: 20,
			after: (*faultRun).awaitScheduledReport, restore: redriven("ReconcileUndelivered")},
		{name: "scheduled digests spoilt", plan: fmt.Sprintf(spoilt, "DigestFunction"), share: 20, after: (*faultRun).awaitScheduledDigest, restore: redriven("DigestUndelivered")},
		{name: "scheduled sweep of disputes spoilt", plan: fmt.Sprintf(spoilt, "DisputesweepFunction"), share: 20, after: (*faultRun).awaitScheduledSweep, restore: redriven("DisputesweepUndelivered")},
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
		{name: "rules giving up, the operators' topic refusing, and both put back", plan: "fail:events:PutEvents/TransactionPostingApproved=0.75,fail:sns:Publish=1!AuthorizationError", share: 15,
			restore: redriven("RulesDeadLetters", "NoticesUndelivered")},
		{name: "rules giving up, and their dead-letter queue refusing", plan: "fail:events:PutEvents/TransactionPostingApproved=0.6,fail:sqs:SendMessage/*RulesDeadLetters*=1",
			timeline: true, share: 15, behind: 90 * time.Minute, restore: (*faultRun).reconcileAll},
		{name: "the ledger refusing and put back", plan: "fail:dynamodb:TransactWriteItems/*Ledger*=1!AccessDeniedException", share: 8, restore: redriven("PostingDeadLetters")},
		{name: "standardize out of order and put back", plan: "fail:lambda:Invoke/*Standardize*=1!ResourceConflictException", share: 20, restore: redriven("StandardizeDeadLetters")},
		{name: "the pipe giving up and sent again", plan: "throttle:lambda:Invoke/*DedupFunction*=1x300", share: 50, between: redriven("PipeDeadLetters")},
		{name: "targets not letting their rules in, and put back", plan: targetsRefusing(), timeline: true, share: 30, quick: true, between: redriven("StandardizeUndelivered", "EnrichUndelivered",
			"AccountinterfaceUndelivered", "PostingUndelivered", "TrackerUndelivered", "RulesUndelivered", "AuditLogUndelivered")},
		{name: "poison in every queue", plan: "poison:sqs:SendMessage/*Queue*=0.01", timeline: true, share: 60, quick: true, dead: (*faultRun).poison},
		{name: "disputes' events under fire", plan: "fail-after:dynamodb:TransactWriteItems/*Ledger*=1/3,duplicate:events:Deliver/*DisputesQueue*=0.5,drop:events:Deliver/*DisputesQueue*=0.3,delay:events:Deliver/*DisputesQueue*=0.2:30s," +
			"reorder:events:Deliver/*DisputesQueue*=0.3:30s,fail-after:events:Deliver/*DisputesQueue*=0.2,throttle:sqs:SendMessage/*DisputesQueue*=0.2,fail-after:sqs:SendMessage/*DisputesQueue*=0.2," +
			"fail:sqs:SendMessage/*DisputesQueue*=1/2x2!AccessDenied,partial:events:PutEvents/DisputeOpened=1/2,partial:events:PutEvents/PostingRequested=1/2,partial:events:PutEvents/ProvisionalCreditPosted=1/2",
			timeline: true, share: 20, after: (*faultRun).dispute},
		{name: "disputes' function under fire", plan: "duplicate:sqs:Deliver/*DisputesQueue*=0.5,delay:sqs:Deliver/*DisputesQueue*=0.2:30s,reorder:sqs:Deliver/*DisputesQueue*=0.3:30s," +
			"drop:sqs:Deliver/*DisputesQueue*=1/8x2,poison:sqs:SendMessage/*DisputesQueue*=1/5x2,throttle:sqs:ReceiveMessage/*DisputesQueue*=1/6,fail:sqs:DeleteMessageBatch/*DisputesQueue*=1/4," +
			"fail-after:sqs:DeleteMessageBatch/*DisputesQueue*=1/5,throttle:lambda:Invoke/*DisputesFunction*=1/6,fail-after:lambda:Invoke/*DisputesFunction*=1/8,crash:lambda:Init/*DisputesFunction*=1x1," +
			"kill:lambda:Run/*DisputesFunction*=1/5x2,kill-after:lambda:Run/*DisputesFunction*=1/7x2", timeline: true, share: 20, after: (*faultRun).dispute, dead: (*faultRun).poison},
	}
}

// targetsRefusing lets some deliveries of each rule fail as they do where a permission is missing: they are not tried again. None is left
// when the second payments come, which are about the first.
func targetsRefusing() string {
	plan := "fail:states:StartExecution=0.2x5!AccessDeniedException,fail:firehose:PutRecordBatch=0.2x8!AccessDeniedException"
	for _, name := range processors {
		if name != "Disputes" { // There are none here.
			plan += ",fail:sqs:SendMessage/*" + name + "Queue*=0.2x5!AccessDenied"
		}
	}
	return plan
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

// redriven puts back what each of the stores holds with the command that people have for it, and everything else that was set aside:
// where much fails at once, one payment can come to several of them.
func redriven(stores ...string) func(*faultRun) {
	return func(r *faultRun) {
		r.t.Helper()
		held := r.deadLettersByName(r.t)
		for _, store := range stores {
			require.Positive(r.t, held[store], "%s holds nothing: %v", store, held)
		}
		for len(held) > 0 {
			report := r.putBack(r.t, "--all", "--rate", "10000/s", "--reason", "the fault is over")
			require.Positive(r.t, report.PutBack, "%v", held)
			r.t.Logf("put back %d of %v", report.PutBack, held)
			r.redriven += report.PutBack
			r.awaitRest()
			left := r.deadLettersByName(r.t)
			require.NotEqual(r.t, held, left, "what was put back has come to the same end")
			held = left
		}
	}
}

// underFire is how often the command is run where faults are still armed: they may hit its own calls.
const underFire = 10

// putBackInTries puts back what a store holds, or all of them with --all, running the command once more for what it could not put back.
func (r *faultRun) putBackInTries(tries int, store string) {
	r.t.Helper()
	holds := func() bool {
		held := r.deadLettersByName(r.t)
		return held[store] > 0 || store == "--all" && len(held) > 0
	}
	for range tries {
		if !holds() {
			return
		}
		stdout, stderr, _ := r.payrail(r.t, "redrive", "--json", store, "--rate", "10000/s", "--reason", "every attempt was hit")
		var report redrive.Report
		require.NoError(r.t, json.Unmarshal([]byte(stdout), &report), stderr)
		r.redriven += report.PutBack
		r.awaitRest()
	}
	require.False(r.t, holds(), "what was put back has come to the same end")
}

// redriveFew puts back what chance has set aside, if it is no more than the scenario expects, and in no other store.
func (r *faultRun) redriveFew(chance map[string]int, tries int) {
	r.t.Helper()
	if len(chance) == 0 {
		return
	}
	for store, n := range r.deadLettersByName(r.t) {
		require.LessOrEqual(r.t, n, chance[store], "%s: more was given up than chance explains", store)
	}
	r.putBackInTries(tries, "--all")
}

// poison is what must be left: each message that nobody can read, in the dead-letter queue of the one it was put into.
func (r *faultRun) poison() map[string]int {
	dead := map[string]int{}
	for _, c := range r.Faults.Report().Injected {
		if c.Kind != faults.Poison {
			continue
		}
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
	var cases []string
	for _, e := range slices.Clone(r.input.expected) {
		if e.end != postedOnce || e.reversed != "" || e.amount < 0 || e.fee > 0 || len(e.ids) > 1 {
			continue
		}
		_, transaction := r.ask(r.t, "/transactions/"+e.ids[0])
		status, opened := r.raise(r.t, transaction["transactionId"].(string), "dispute-"+e.ids[0], `{"reasonCode":"13.1"}`)
		require.Equal(r.t, http.StatusCreated, status, opened)
		id := opened["caseId"].(string)
		r.input.expected = append(r.input.expected, expectation{ids: []string{id}, end: postedOnce, account: e.account, amount: -e.amount})
		if cases = append(cases, id); len(cases) == disputed {
			break
		}
	}
	require.Len(r.t, cases, disputed, "there are too few purchases that could be disputed")
	r.awaitRest()
	r.putBackInTries(underFire, "DisputesUndelivered")
	for _, id := range cases {
		r.awaitCase(r.t, id, "PROVISIONAL_CREDIT")
	}
}

// behind is a clock that tells an earlier time: it may run fast and is still not ahead of the machine's.
type behind struct {
	clock.Clock
	by time.Duration
}

func (b behind) Now() time.Time { return b.Clock.Now().Add(-b.by) }
