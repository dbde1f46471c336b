package test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/events"
	"github.com/payrail/payrail/internal/redrive"
	"github.com/payrail/payrail/local/faults"
)

// refuse makes calls of an operation fail until the function it returns is called.
func (s *system) refuse(t *testing.T, operation, code string, skip int) (accept func()) {
	t.Helper()
	const always = 1_000_000
	require.NoError(t, s.Faults.Arm(faults.Fault{Operation: operation, When: faults.BeforeEffect, Code: code, Skip: skip, Times: always}))
	return func() {
		require.NotZero(t, s.Faults.Hits(operation), "the fault never happened")
		s.Faults.Clear()
	}
}

// setAside are the items of a store.
func (s *system) setAside(t *testing.T, store string) []redrive.Item {
	t.Helper()
	stdout, stderr, status := s.payrail(t, "redrive", "list", store, "--limit", "1000", "--json")
	require.Zero(t, status, stderr)
	var listed struct{ Items []redrive.Item }
	require.NoError(t, json.Unmarshal([]byte(stdout), &listed))
	return listed.Items
}

// putBack redrives and returns the report.
func (s *system) putBack(t *testing.T, arguments ...string) redrive.Report {
	t.Helper()
	stdout, stderr, status := s.payrail(t, append([]string{"redrive", "--json"}, arguments...)...)
	var report redrive.Report
	require.NoError(t, json.Unmarshal([]byte(stdout), &report), stderr)
	require.Zero(t, status, "%s\n%s", stdout, stderr)
	return report
}

// operatorActions are the archived records of what operators did.
func (s *system) operatorActions(t *testing.T) (actions []events.OperatorActionData) {
	t.Helper()
	require.NoError(t, s.ArchivedEvents(s.outputs["ArchiveName"], func(envelope []byte) bool {
		if detail, err := events.Decode[events.OperatorActionData](envelope, events.OperatorActionTaken); err == nil {
			actions = append(actions, detail.Data)
		}
		return true
	}))
	return actions
}

// While the ledger refuses writes payments pile up in posting's dead-letter queue; one command empties it, and every payment is
// posted once.
func TestRedriveAfterTheLedgerRefusedWrites(t *testing.T) {
	s := start(t)
	const n = 21
	accept := s.refuse(t, "dynamodb:TransactWriteItems", "AccessDeniedException", 0)
	items, alice, bob := mixed(t, n)
	s.putAll(t, items)
	eventually(t, "every payment is in the dead-letter queue", func() bool {
		payments := map[string]bool{}
		for _, item := range s.setAside(t, "PostingDeadLetters") {
			payments[item.TransactionID] = true
			require.Equal(t, "PostingQueue", item.To)
		}
		return len(payments) == n && s.isEmpty(t, s.outputs["PostingQueueUrl"])
	})
	require.Zero(t, s.journalEntries(t, "acc-alice", "acc-bob"))

	stdout, stderr, status := s.payrail(t, "redrive")
	require.Zero(t, status, stderr)
	require.Regexp(t, `(?m)^PostingDeadLetters +\d+ .*PROCESSING_FAILED.*PostingQueue.*redrive.md#processors$`, stdout)
	planned := s.putBack(t, "--all", "--dry-run")
	require.GreaterOrEqual(t, planned.PutBack, n)
	require.Empty(t, s.operatorActions(t), "a dry run does nothing that would have to be recorded")

	accept()
	report := s.putBack(t, "--all", "--reason", "the ledger table answers again", "--rate", "1000/s")
	require.Equal(t, planned.PutBack, report.PutBack, "what a look or a dry run had in hand was given back: %+v\n%+v", planned.Stores, report.Stores)
	eventually(t, "every payment is posted", func() bool { return s.journalEntries(t, "acc-alice", "acc-bob") == n })
	s.requireSound(t)
	require.Equal(t, alice.String(), s.balance(t, "acc-alice"))
	require.Equal(t, bob.String(), s.balance(t, "acc-bob"))

	eventually(t, "the redrive is in the archive", func() bool { return len(s.operatorActions(t)) == 2 })
	for _, action := range s.operatorActions(t) {
		require.Equal(t, events.ActionRedrive, action.Action)
		require.Equal(t, "the ledger table answers again", action.Reason)
		require.Equal(t, "PostingDeadLetters", action.From)
		require.Equal(t, "PostingQueue", action.To)
		require.NotEmpty(t, action.By)
		require.Len(t, action.Items, min(report.PutBack, events.MaxOperatorItems))
		require.Equal(t, report.PutBack, action.Count)
	}
	eventually(t, "and in the audit log", func() bool {
		stdout, _, _ := s.payrail(t, "audit", "cat", "--detail-type", string(events.OperatorActionTaken))
		return strings.Count(stdout, `"phase":"ENDED"`) == 1
	})
}

// What a rule, the rules engine and the pipe set aside goes back to where it had been going, and is posted once.
func TestRedriveOfEventsThatDidNotArrive(t *testing.T) {
	s := start(t)
	posted := int64(0)
	requirePosted := func(what string) {
		t.Helper()
		posted++
		eventually(t, what, func() bool { return s.journalEntries(t, "acc-alice") == posted })
		s.requireSound(t)
	}

	// A queue whose policy does not let the rule in.
	queue := s.queue(t, "EnrichQueue")
	policy := s.queuePolicy(t, queue, "")
	s.put(t, item(t, 1, aliceCard, nil))
	eventually(t, "the event is with the rule", func() bool { return len(s.setAside(t, "EnrichUndelivered")) == 1 })
	undelivered := s.setAside(t, "enrichundelivered")[0]
	require.Equal(t, "NO_PERMISSIONS", undelivered.Reason)
	require.Equal(t, string(events.TransactionStandardized), undelivered.DetailType)
	require.Contains(t, undelivered.To, "EnrichQueue")
	shown, stderr, status := s.payrail(t, "redrive", "show", undelivered.ID)
	require.Zero(t, status, stderr)
	require.Contains(t, shown, `"TARGET_ARN"`)
	s.queuePolicy(t, queue, policy)
	require.Equal(t, 1, s.putBack(t, undelivered.ID).PutBack)
	requirePosted("what the rule could not deliver is posted")

	// The rules engine, which may not publish its decision: the fourth call, after the pipe's, standardize's and enrich's.
	accept := s.refuse(t, "events:PutEvents", "AccessDeniedException", 3)
	s.put(t, item(t, 2, aliceCard, nil))
	eventually(t, "the event is with the rules engine", func() bool { return len(s.setAside(t, "RulesDeadLetters")) == 1 })
	accept()
	caught := s.setAside(t, "RulesDeadLetters")[0]
	require.Equal(t, string(events.TransactionEnriched), caught.DetailType)
	require.NotEqual(t, redrive.ReasonUnknown, caught.Reason)
	require.Equal(t, 1, s.putBack(t, caught.TransactionID).PutBack)
	requirePosted("what the rules engine caught is posted")

	// The pipe, which cannot ask dedup.
	accept = s.refuse(t, "pipes:Enrichment", "AccessDeniedException", 0)
	s.put(t, item(t, 3, aliceCard, nil))
	eventually(t, "the pipe gave up", func() bool { return len(s.setAside(t, "PipeDeadLetters")) == 1 })
	accept()
	require.Equal(t, 1, s.putBack(t, "PipeDeadLetters").PutBack)
	requirePosted("what the pipe gave up is posted")
	require.Len(t, s.operatorActions(t), 2*int(posted), "two records of each")

	// Nothing lies anywhere now.
	require.Zero(t, s.putBack(t, "--all").PutBack)
}

// isEmpty reports whether nothing is in a queue, nor in the hands of its consumer.
func (s *system) isEmpty(t *testing.T, url string) bool {
	t.Helper()
	out, err := sqs.NewFromConfig(s.aws).GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{QueueUrl: &url, AttributeNames: []sqstypes.QueueAttributeName{sqstypes.QueueAttributeNameAll}})
	require.NoError(t, err)
	return out.Attributes["ApproximateNumberOfMessages"] == "0" && out.Attributes["ApproximateNumberOfMessagesNotVisible"] == "0"
}

// queuePolicy sets a queue's policy and returns the one before.
func (s *system) queuePolicy(t *testing.T, url, policy string) (before string) {
	t.Helper()
	client := sqs.NewFromConfig(s.aws)
	const name = sqstypes.QueueAttributeNamePolicy
	out, err := client.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{QueueUrl: &url, AttributeNames: []sqstypes.QueueAttributeName{name}})
	require.NoError(t, err)
	_, err = client.SetQueueAttributes(t.Context(), &sqs.SetQueueAttributesInput{QueueUrl: &url, Attributes: map[string]string{string(name): policy}})
	require.NoError(t, err)
	return out.Attributes[string(name)]
}

// Of what is parked only a rejected authorization is judged anew; a conflict is a person's. The payment that the authorizer had
// corrected meanwhile is not posted twice.
func TestRedriveOfParkedPayments(t *testing.T) {
	s := start(t)
	s.put(t, item(t, 1, aliceCard, map[string]types.AttributeValue{"mcc": text("none")}))
	eventually(t, "the payment is rejected", func() bool { return len(s.setAside(t, redrive.ParkedName)) == 1 })
	require.Equal(t, "MALFORMED", s.setAside(t, redrive.ParkedName)[0].Reason)
	stdout, stderr, status := s.payrail(t, "redrive", redrive.ParkedName)
	require.Equal(t, 1, status, stderr)
	require.Contains(t, stdout, "dedup rejects it still")

	s.put(t, item(t, 1, aliceCard, nil))
	eventually(t, "the corrected payment is posted", func() bool { return s.journalEntries(t, "acc-alice") == 1 })
	s.put(t, item(t, 1, aliceCard, map[string]types.AttributeValue{"authorizationId": text("auth-conflict"), "billingAmount": number("5000")}))
	eventually(t, "the conflict is parked", func() bool { return len(s.setAside(t, redrive.ParkedName)) == 2 })
	stdout, stderr, status = s.payrail(t, "redrive", redrive.ParkedName)
	require.Equal(t, 1, status)
	require.Contains(t, stdout, "Parked  1 put back to dedup, if it was rejected, 1 left; 1 remain")
	require.Contains(t, stdout, "a person compares them")
	require.Contains(t, stderr, "1 items were left where they are")
	s.put(t, item(t, 2, aliceCard, nil))
	eventually(t, "a later payment is posted", func() bool { return s.journalEntries(t, "acc-alice") == 2 })
	s.requireSound(t)
}
