package test

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/local/faults"
)

// faultEdge is a way on which one part of the stack hands something to another, with the faults that the suite must have there.
type faultEdge struct {
	// name is "From → To" as in docs/operating/delivery-edges.md, or one of ours for what is no delivery edge: tables and buckets.
	name  string
	steps []faultStep
	// spared says why nothing is injected here.
	spared string
}

// faultStep is an operation at an edge, as a pattern of the fault injector's names, and the kinds of faults it must meet, separated by
// blanks. It may meet others.
type faultStep struct{ operation, kinds string }

// The processors, by the names of their queues and functions.
var processors = []string{"Accountinterface", "Disputes", "Enrich", "Posting", "Standardize", "Tracker"}

// Kinds of faults by what they are for. Every delivery of a rule can fail for want of a permission, which ends in its dead-letter queue.
const (
	deliveryKinds = "duplicate delay reorder drop"
	ruleKinds     = deliveryKinds + " fail-after"
	publishKinds  = "throttle fail-after partial"
)

// faultEdges are all edges, in the order of the page; what comes behind its own is no delivery.
var faultEdges = slices.Concat(
	[]faultEdge{
		{name: "TablesAuthorizations → Pipe", steps: []faultStep{{"pipes:Deliver", deliveryKinds}, {"dynamodb:Stream/*TablesAuthorizations*", "skew"}}},
		{name: "Pipe → DedupFunction", steps: []faultStep{{"lambda:Invoke/*DedupFunction*", "throttle fail-after"}, {"pipes:Enrichment", "fail-after"},
			{"lambda:Run/*DedupFunction*", "kill kill-after hang hang-after"}, {"lambda:Init/*DedupFunction*", "crash"}}},
		{name: "Pipe → Bus", steps: []faultStep{{"pipes:Target", "fail fail-after"}, {"events:PutEvents/TransactionAuthorized", publishKinds}}},
		publisherEdge("Accountinterface", publishKinds, "PostingLegCreated", "PostingOrderCreated"),
		publisherEdge("Api", "partial", "DisputeOpened"),
		publisherEdge("Dedup", publishKinds, "DuplicateTransactionParked", "DuplicateConflictDetected", "TransactionRejected"),
		publisherEdge("Disputes", "partial", "PostingRequested", "ProvisionalCreditPosted"),
		{name: "DisputesweepFunction → Bus", spared: "the suite leaves it nothing to tell; it publishes as the others do"},
		publisherEdge("Enrich", publishKinds, "TransactionEnriched"),
		publisherEdge("Posting", publishKinds, "TransactionPosted", "OrphanReversal", "UnmatchedRefund"),
		publisherEdge("Reconcile", "partial", "ReconciliationBreakFound", "ReconciliationCompleted"),
		publisherEdge("Standardize", publishKinds, "TransactionStandardized"),
		{name: "Bus → every rule", spared: "with AWS's own key nothing fails here, nor does it in the local runtime"},
	},
	eachProcessor(func(name string) faultEdge {
		return faultEdge{name: fmt.Sprintf("%[1]sRule → %[1]sQueue", name), steps: []faultStep{
			{"events:Deliver/*" + name + "Queue*", ruleKinds}, {"sqs:SendMessage/*" + name + "Queue*", "throttle fail-after fail"}}}
	}),
	eachProcessor(func(name string) faultEdge {
		return faultEdge{name: fmt.Sprintf("%[1]sQueue → %[1]sFunction", name), steps: []faultStep{
			{"sqs:Deliver/*" + name + "Queue*", deliveryKinds}, {"sqs:SendMessage/*" + name + "Queue*", "poison"}, {"sqs:ReceiveMessage/*" + name + "Queue*", "throttle"},
			{"sqs:DeleteMessageBatch/*" + name + "Queue*", "fail fail-after"}, {"lambda:Invoke/*" + name + "Function*", "throttle fail-after"},
			{"lambda:Run/*" + name + "Function*", "kill kill-after"}, {"lambda:Init/*" + name + "Function*", "crash"}}}
	}),
	[]faultEdge{
		{name: "RulesRule → RulesStateMachine", steps: []faultStep{{"events:Deliver/*RulesStateMachine*", ruleKinds}, {"states:StartExecution", "throttle fail fail-after"}}},
		{name: "RulesStateMachine → decision", steps: []faultStep{{"states:Run", "slow abort abort-after expire"}}},
		{name: "RulesStateMachine → Bus", steps: []faultStep{{"events:PutEvents/TransactionPostingApproved", "partial fail throttle fail-after"},
			{"events:PutEvents/TransactionRoutedToSuspense", "throttle"}, {"events:PutEvents/TransactionPostingFailed", "throttle"}, {"events:PutEvents/*Found", "throttle"}, {"events:PutEvents/FeeApplied", ""}}},
		{name: "RulesStateMachine → RulesDeadLetters", steps: []faultStep{{"sqs:SendMessage/*RulesDeadLetters*", "fail"}}},
		{name: "AuditLogRule → AuditLogPartitionedStream", steps: []faultStep{{"events:Deliver/*AuditLog*", ruleKinds}, {"firehose:PutRecordBatch", "throttle fail fail-after"}}},
		{name: "AuditLogPartitionedStream → BucketsAudit", steps: []faultStep{{"firehose:Deliver", "duplicate delay drop"}, {"s3:PutObject/*udit*", "fail-after"}}},
		{name: "Bus → Archive", steps: []faultStep{{"events:Archive", "fail fail-after"}}},
		scheduleEdge("Digest"), scheduleEdge("Disputesweep"), scheduleEdge("Reconcile"),
		runEdge("Digest"), runEdge("Disputesweep"), runEdge("Reconcile"),
		{name: "ReconcileFunction → DedupFunction", spared: "the injector does not tell it from the pipe's calls; what a run fails on, the next one finds again"},
		{name: "ApiHttp → ApiFunction", spared: "nothing was taken on: the caller asks again under its Idempotency-Key"},
		{name: "NoticesRule → NoticesTopic", steps: []faultStep{{"events:Deliver/*NoticesTopic*", ruleKinds}, {"sns:Publish", "fail"}}},
		{name: "alarms → NoticesTopic", spared: "no payment takes it"},
		{name: "NoticesTopic → each subscription", spared: "subscriptions are not of the stack"},
	},
	notDelivered,
)

// notDelivered are writes and reads of functions: what fails there fails the function.
var notDelivered = []faultEdge{
	{name: "authorizer → table", steps: []faultStep{{"dynamodb:BatchWriteItem/*TablesAuthorizations*", "partial fail-after"}}},
	{name: "dedup → its table", steps: []faultStep{{"dynamodb:PutItem/*TablesDedup*", "throttle conflict fail-after timeout timeout-after"}, {"dynamodb:*/*TablesDedup*", ""}}},
	{name: "dedup, posting → parked", steps: []faultStep{{"s3:PutObject/*arked*", "throttle fail fail-after"}}},
	{name: "enrich → reference data", steps: []faultStep{{"dynamodb:BatchGetItem/*TablesAccounts*", "throttle"}, {"dynamodb:*/*TablesAccounts*", ""}, {"dynamodb:*/*TablesReference*", ""}}},
	{name: "posting → ledger", steps: []faultStep{{"dynamodb:TransactWriteItems/*TablesLedger*", "conflict throttle fail fail-after timeout timeout-after"}, {"dynamodb:*/*TablesLedger*", ""}}},
	{name: "posting → assembly", steps: []faultStep{{"dynamodb:UpdateItem/*TablesAssembly*", "throttle fail-after"}, {"dynamodb:*/*TablesAssembly*", ""}}},
	{name: "tracker → timeline", steps: []faultStep{{"dynamodb:BatchWriteItem/*TablesTimeline*", "partial"}, {"dynamodb:*/*TablesTimeline*", ""}}},
}

func eachProcessor(edge func(name string) faultEdge) (all []faultEdge) {
	for _, name := range processors {
		all = append(all, edge(name))
	}
	return all
}

func publisherEdge(name, kinds string, detailTypes ...string) faultEdge {
	e := faultEdge{name: name + "Function → Bus"}
	for _, detailType := range detailTypes {
		e.steps = append(e.steps, faultStep{"events:PutEvents/" + detailType, kinds})
	}
	return e
}

func scheduleEdge(name string) faultEdge {
	return faultEdge{name: fmt.Sprintf("%[1]sSchedule → %[1]sFunction", name), steps: []faultStep{{"events:Deliver/*" + name + "Function*", "duplicate drop"},
		{"lambda:Invoke/*" + name + "Function*", "fail"}}}
}

func runEdge(name string) faultEdge {
	return faultEdge{name: "Lambda → " + name + "Function", steps: []faultStep{{"lambda:Deliver/*" + name + "Function*", "drop"}, {"lambda:Run/*" + name + "Function*", "kill"}}}
}

// wanted are the kinds of faults that an edge must meet.
func (e faultEdge) wanted() map[string]bool {
	kinds := map[string]bool{}
	for _, s := range e.steps {
		for _, kind := range strings.Fields(s.kinds) {
			kinds[kind] = true
		}
	}
	return kinds
}

// has reports whether a fault of a kind at an operation is one of this edge: one that it must meet, or any at its operations.
func (e faultEdge) has(operation, kind string, must bool) bool {
	return slices.ContainsFunc(e.steps, func(s faultStep) bool {
		return faults.Fault{Operation: s.operation}.Concerns(operation) && (!must || slices.Contains(strings.Fields(s.kinds), kind))
	})
}

// edgeOf is the edge at which a fault has happened; the operation itself where it is at none.
func edgeOf(operation, kind string) string {
	for _, must := range []bool{true, false} { // A poisoned message is the consumer's, though the operation is that of the rule.
		for _, e := range faultEdges {
			if e.has(operation, kind, must) {
				return e.name
			}
		}
	}
	return operation
}

// kindOf is a fault's kind as plans and the report write it.
func kindOf(kind faults.Kind, when faults.When) string {
	if when == faults.BeforeEffect {
		return string(kind)
	}
	return string(kind) + "-" + string(when)
}

// Every edge of the page is one of the suite's, and no other: what an edge lacks in faults is said there with its reason.
func TestFaultSuiteHasEveryDeliveryEdge(t *testing.T) {
	page, err := os.ReadFile(repository(t, "docs", "operating", "delivery-edges.md"))
	require.NoError(t, err)
	var want []string
	for _, row := range regexp.MustCompile("(?m)^\\| `(?:\\d+ )?([^`]+)` → `([^`]+)` \\|").FindAllStringSubmatch(string(page), -1) {
		want = append(want, row[1]+" → "+row[2])
	}
	var got []string
	for _, e := range faultEdges[:len(faultEdges)-len(notDelivered)] {
		got = append(got, e.name)
		require.NotEqual(t, len(e.steps) == 0, e.spared == "", "%s has faults or a reason for none", e.name)
	}
	require.Equal(t, want, got)
}

// Each edge meets every kind of fault that applies in a scenario that is about it: days on which everything fails do not count.
func TestFaultSuiteHasEveryFaultAtEveryEdge(t *testing.T) {
	var planned []faults.Fault
	for _, sc := range scenarios() {
		plan, _, err := faults.ParsePlan("seed=1," + sc.plan)
		if sc.plan == "" {
			continue
		}
		require.NoError(t, err, sc.name)
		if !slices.ContainsFunc(everythingScenarios(), func(all scenario) bool { return all.name == sc.name }) {
			planned = append(planned, plan.Faults...)
		}
	}
	for _, e := range faultEdges {
		for _, s := range e.steps {
			for _, kind := range strings.Fields(s.kinds) {
				operation := strings.ReplaceAll(s.operation, "*", "")
				require.True(t, slices.ContainsFunc(planned, func(f faults.Fault) bool { return kindOf(f.Kind, f.When) == kind && f.Concerns(operation) }),
					"%s: no scenario has %s at %s", e.name, kind, s.operation)
			}
		}
	}
}

// What the documentation promises of `make fault`.
func TestFaultSuiteIsAsLargeAsItSays(t *testing.T) {
	makefile, err := os.ReadFile(repository(t, "Makefile"))
	require.NoError(t, err)
	each := regexp.MustCompile(`(?m)^FAULT_PAYMENTS \?= (\d+)$`).FindSubmatch(makefile)
	require.NotNil(t, each)
	var n int
	_, err = fmt.Sscan(string(each[1]), &n)
	require.NoError(t, err)
	payments, names, sizes := 0, map[string]bool{}, map[int]int{}
	for _, sc := range scenarios() {
		require.False(t, names[sc.name], "%s is there twice", sc.name)
		names[sc.name] = true
		size := sc.payments(n)
		if sizes[size] == 0 {
			sizes[size] = newFaultInput(usualFaultSeed, size).payments
		}
		payments += sizes[size]
	}
	require.GreaterOrEqual(t, len(names), 50)
	require.Greater(t, payments, 100_000)
	readme, err := os.ReadFile(repository(t, "README.md"))
	require.NoError(t, err)
	require.True(t, strings.Contains(string(readme), fmt.Sprintf(", %d ways, ", len(names))), "README.md tells another number of scenarios than %d", len(names))
}

// The report puts what was injected where it belongs, and tells what was not.
func TestFaultReportNamesEdges(t *testing.T) {
	sums := byEdge([]faults.Count{
		{Kind: faults.Poison, When: faults.BeforeEffect, Operation: "sqs:SendMessage/Payrail-PostingQueue0A", Times: 1},
		{Kind: faults.Throttle, When: faults.BeforeEffect, Operation: "sqs:SendMessage/Payrail-PostingQueue0A", Times: 2},
		{Kind: faults.Fail, When: faults.Lost, Operation: "events:PutEvents/TransactionAuthorized", Times: 3},
		{Kind: faults.Timeout, When: faults.AfterEffect, Operation: "dynamodb:Query/Payrail-TablesLedger0A", Times: 4},
		{Kind: faults.Fail, When: faults.BeforeEffect, Operation: "kms:Encrypt", Times: 5},
	})
	require.Equal(t, map[string]int{"PostingQueue → PostingFunction: poison": 1, "PostingRule → PostingQueue: throttle": 2, "Pipe → Bus: fail-lost": 3,
		"posting → ledger: timeout-after": 4, "kms:Encrypt: fail": 5}, sums)

	report := faultReport{Results: []faultResult{{Scenario: "one", Injected: sums, Invariants: notReached}}}
	gaps := report.gaps()
	require.Contains(t, gaps, "PostingQueue → PostingFunction: duplicate")
	require.NotContains(t, gaps, "PostingQueue → PostingFunction: poison")
	require.Contains(t, gaps, "posting → ledger: timeout")
	require.NotContains(t, gaps, "posting → ledger: timeout-after")
	text := report.Markdown()
	require.Contains(t, text, "| one | `` | 0 | 15 | 0 | ? | ? | not reached | 0.0 |")
	require.Regexp(t, `(?m)^\| Pipe → Bus \|.* 3 \|`, text)
	require.Regexp(t, `(?m)^\| kms:Encrypt \|.* 5 \|`, text)
}
