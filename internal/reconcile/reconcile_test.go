package reconcile

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/payrail/payrail/events"
	"github.com/payrail/payrail/internal/ledger"
	"github.com/payrail/payrail/internal/timeline"
	"github.com/payrail/payrail/payment"
)

func TestWhatAgreesNeedsNoItem(t *testing.T) {
	w := newWorld(t)
	for n := range 30 {
		w.whole(n)
	}
	report := w.run(Request{})
	require.Empty(t, found(report))
	require.Zero(t, w.reads, "the indexes agree")
	require.Equal(t, 30, report.Summary.Matched)
	require.Equal(t, Outcomes{Posted: 30}, report.Outcomes)
	require.True(t, report.Balanced)
	require.Len(t, report.ControlTotals, 1)
	total := report.ControlTotals[0]
	require.Equal(t, total.A, total.C)
	require.Equal(t, 30, total.A.N)
	require.EqualValues(t, 30*1981, total.A.Minor)
	require.Equal(t, []events.DetailType{events.ReconciliationCompleted}, w.kinds())
}

func TestB01MissingEventIsPublishedFromTheItem(t *testing.T) {
	w := newWorld(t)
	w.whole(1)
	w.authorize(2)
	report := w.run(Request{})
	require.Equal(t, []string{"B01 PATCHED REPUBLISH_AUTHORIZED auth-2"}, found(report))
	require.Equal(t, []events.DetailType{events.TransactionAuthorized, events.ReconciliationPatchApplied, events.ReconciliationBreakFound, events.ReconciliationCompleted}, w.kinds())
	require.Equal(t, []string{"authorization read again: approved, unchanged", "journal read again: no sequence " + report.Breaks[0].Sequence + " of it"}, report.Patches[0].Evidence)
	w.requireClean(t)
}

func TestB01WhatDedupSetsAsideHasComeToItsEnd(t *testing.T) {
	w := newWorld(t)
	w.authorize(1)
	w.aside["auth-1"] = true
	require.Equal(t, []string{"B01 PATCHED REPUBLISH_AUTHORIZED auth-1"}, found(w.run(Request{})))
	w.now = w.now.Add(time.Hour)
	second := w.run(Request{From: written, To: w.now})
	require.Empty(t, found(second))
	require.Equal(t, Outcomes{ParkedDuplicate: 1}, second.Outcomes)
}

func TestB02MissingPostingIsRedrivenFromItsDecision(t *testing.T) {
	w := newWorld(t)
	a := w.authorize(1)
	w.tell(a, events.TransactionAuthorized, events.TransactionPostingApproved)
	require.Equal(t, []string{"B02 PATCHED REDRIVE_DECISION auth-1"}, found(w.run(Request{})))
	require.Equal(t, events.TransactionPostingApproved, w.published[0].DetailType)
	w.requireClean(t)
}

func TestB02ADecisionThatIsNotRecordedYetIsTriedAgain(t *testing.T) {
	w := newWorld(t)
	a := w.authorize(1)
	w.tell(a, events.TransactionPostingApproved)
	id := payment.TransactionID(a.BusinessKey()) + "/TransactionPostingApproved"
	w.unrecorded[id] = true
	report := w.run(Request{})
	require.Equal(t, []string{"B02 FAILED REDRIVE_DECISION auth-1"}, found(report))
	require.Contains(t, report.Breaks[0].Note, "the audit log does not have the event yet")
	delete(w.unrecorded, id)
	require.Equal(t, []string{"B02 PATCHED REDRIVE_DECISION auth-1"}, found(w.run(Request{})))
	w.requireClean(t)
}

func TestB02ToldAndNotPosted(t *testing.T) {
	w := newWorld(t)
	a := w.authorize(1)
	w.tell(a, events.TransactionAuthorized, events.TransactionPosted)
	report := w.run(Request{})
	require.Equal(t, []string{"B02 PATCHED REPUBLISH_AUTHORIZED auth-1"}, found(report))
	require.Equal(t, "an event tells that it was posted, and the journal does not have it", report.Breaks[0].Problem)
	w.requireClean(t)
}

func TestB03OrphanIsNeverPatched(t *testing.T) {
	w := newWorld(t)
	w.whole(1)
	orphan := w.post(readAuthorization(anItem(99)).parsed)
	w.record(timeline.Entry{TransactionID: orphan.TransactionID, EventID: orphan.ID + "/TransactionPosted", DetailType: events.TransactionPosted, AuthorizationID: "auth-99"})
	for range 2 {
		report := w.run(Request{})
		require.Equal(t, []string{"B03 OPEN NONE " + orphan.ID}, found(report))
		require.Equal(t, "P1", report.Breaks[0].Severity)
		require.Empty(t, report.Patches)
	}
}

func TestWhatWasAskedForIsNoOrphan(t *testing.T) {
	w := newWorld(t)
	fee := w.post(readAuthorization(anItem(99)).parsed, func(e *payment.JournalEntry) { e.AuthorizationID = "fee-2026-11" })
	w.record(timeline.Entry{TransactionID: fee.TransactionID, EventID: fee.ID + "/PostingRequested", DetailType: events.PostingRequested, AuthorizationID: "fee-2026-11"})
	require.Equal(t, []string{"B10 PATCHED EMIT_POSTED " + fee.ID}, found(w.run(Request{})), "that it is posted must be told as well")
	require.Empty(t, found(w.run(Request{})))
	w.told[fee.TransactionID][0].AuthorizationID = "fee-2026-10"
	require.Len(t, found(w.run(Request{})), 1, "another request does not stand for it")
}

// A posting that was asked for may name an authorization as its cause; it is no second posting of it.
func TestWhatWasAskedForIsNoDuplicateOfItsCause(t *testing.T) {
	w := newWorld(t)
	w.whole(1)
	gbp := func(minor int64) payment.Money { return payment.Money{Minor: minor, Currency: "GBP"} }
	request := payment.PostingRequest{Kind: payment.RequestSettlementDifference, CauseID: "auth-1", Scheme: "VISA", ValueDate: "2026-11-22",
		Amounts: payment.RequestAmounts{Principal: gbp(1981), Settled: gbp(1985)}, OccurredAt: events.FormatTime(written)}
	sequence, legs, err := request.Posting()
	require.NoError(t, err)
	difference := w.post(readAuthorization(anItem(2)).parsed, func(e *payment.JournalEntry) { e.Sequence, e.Legs = sequence, legs })
	require.Equal(t, []string{"B04 OPEN NONE " + difference.ID}, found(w.run(Request{DryRun: true, Full: true})), "nobody is known to have asked")
	w.record(timeline.Entry{TransactionID: difference.TransactionID, EventID: "1", DetailType: events.PostingRequested, AuthorizationID: "auth-1"})
	require.Empty(t, found(w.run(Request{Full: true})))
	require.Empty(t, found(w.run(Request{})))
}

func second(a payment.Authorization) func(*payment.JournalEntry) {
	return func(e *payment.JournalEntry) { e.ID = payment.SequenceID(strings.Repeat("A", 52), 0) }
}

func TestB04DuplicatePostingIsLeftToAPersonUnlessTheSame(t *testing.T) {
	w := newWorld(t)
	a := w.whole(1)
	twice := w.post(a, second(a))
	report := w.run(Request{})
	require.Equal(t, []string{"B04 OPEN NONE " + twice.ID}, found(report))
	require.Contains(t, report.Breaks[0].Note, "post the reverse of the second")

	compensated := ""
	with := func(o *Options) { o.Compensator = compensator(func(r ledger.Record) { compensated = r.ID }) }
	require.Equal(t, []string{"B04 PATCHED COMPENSATE " + twice.ID}, found(w.run(Request{}, with)))
	require.Equal(t, twice.ID, compensated)

	w.post(a, second(a), func(e *payment.JournalEntry) {
		for i := range e.Legs {
			e.Legs[i].Amount.Minor++
		}
	})
	w.told[payment.TransactionID(a.BusinessKey())] = w.told[payment.TransactionID(a.BusinessKey())][:3]
	report = w.run(Request{}, with)
	require.Equal(t, []string{"B04 OPEN NONE " + twice.ID}, found(report))
	require.Contains(t, report.Breaks[0].Note, "the two differ")
}

type compensator func(ledger.Record)

func (c compensator) Compensate(_ context.Context, r ledger.Record) (events.Event, error) {
	c(r)
	return events.New(events.PostingRequested, events.SourceReconcile, events.Metadata{TransactionID: r.TransactionID, EventID: r.ID + "/reverse"}, struct{}{})
}

func TestB05AmountMismatch(t *testing.T) {
	w := newWorld(t)
	a := w.authorize(1)
	w.tell(a, events.TransactionPosted)
	less := a
	less.BillingAmount.Minor = 1980
	w.post(less, func(e *payment.JournalEntry) { e.PayloadHash = a.PayloadHash() })
	report := w.run(Request{})
	require.Equal(t, []string{"B05 OPEN NONE auth-1"}, found(report))
	require.EqualValues(t, -1, report.Breaks[0].DiffMinor)
	require.Equal(t, "billed GBP 19.81, posted GBP 19.80", report.Breaks[0].Problem)
	require.Equal(t, 1, report.Outcomes.Broken)
}

// What passes through the accounts between offices is no other amount.
func TestAPaymentThroughABranchIsMatched(t *testing.T) {
	w := newWorld(t)
	a := w.authorize(1)
	w.tell(a, events.TransactionAuthorized, events.TransactionPostingApproved, events.TransactionPosted)
	w.post(a, func(e *payment.JournalEntry) {
		var err error
		e.Legs, err = payment.Legs(payment.Decided{Outcome: payment.OutcomePosted, TransactionType: "00", MCC: a.MCC, BillingAmount: a.BillingAmount, AccountID: "acc-1",
			Scheme: "VISA", BranchID: "601613", Terms: payment.Terms{CardCentre: "HO"}})
		require.NoError(t, err)
	})
	report := w.run(Request{})
	require.Empty(t, found(report))
	require.Equal(t, report.ControlTotals[0].A, report.ControlTotals[0].C)
	require.Zero(t, w.reads, "the indexes agree")
}

// legsOf are the first n legs of a payment that wait.
func (w *world) legsOf(a payment.Authorization, n int) {
	record := w.post(a)
	delete(w.journal, record.ID)
	w.waiting[record.ID] = append(w.waiting[record.ID], Waiting{Checksum: record.Checksum, Of: record.Of, Legs: record.Legs[:n]})
}

func TestB08IncompleteSequenceIsMadeAgainFromItsDecision(t *testing.T) {
	w := newWorld(t)
	a := w.authorize(1)
	w.tell(a, events.TransactionAuthorized, events.TransactionPostingApproved, events.PostingLegCreated)
	w.legsOf(a, 1)
	report := w.run(Request{})
	require.Equal(t, []string{"B08 PATCHED REDRIVE_DECISION auth-1"}, found(report))
	require.Equal(t, "1 of 2 legs have waited for the others", report.Breaks[0].Problem)
	w.requireClean(t)
}

func TestB08IsLeftToAPersonWhereLegsWouldDiffer(t *testing.T) {
	w := newWorld(t)
	a := w.authorize(1)
	w.tell(a, events.TransactionPostingApproved)
	w.legsOf(a, 1)
	sequence := payment.SequenceID(a.BusinessKey(), 0)
	w.waiting[sequence][0].Legs[0].RuleVersion = "0"
	report := w.run(Request{})
	require.Equal(t, []string{"B08 OPEN NONE auth-1"}, found(report))
	require.Contains(t, report.Breaks[0].Note, "made by posting rules 0")
	w.legsOf(a, 1)
	require.Contains(t, w.run(Request{}).Breaks[0].Note, "several versions")
}

func TestB09UnbalancedStopsTheLine(t *testing.T) {
	w := newWorld(t)
	w.authorize(1)
	bad := w.whole(2)
	record := w.journal[payment.SequenceID(bad.BusinessKey(), 0)]
	record.Legs[0].Amount.Minor++
	report := w.run(Request{Full: true})
	require.Equal(t, []string{"B01 HELD REPUBLISH_AUTHORIZED auth-1", "B09 OPEN NONE " + record.ID}, withoutAmounts(report))
	require.Contains(t, report.Stopped, "unbalanced or altered")
	require.Empty(t, report.Patches, "nothing is papered over")
	require.NotContains(t, w.kinds(), events.TransactionAuthorized)
}

// withoutAmounts leaves out that amounts differ as well.
func withoutAmounts(report *Report) (list []string) {
	for _, line := range found(report) {
		if !strings.HasPrefix(line, string(AmountMismatch)) {
			list = append(list, line)
		}
	}
	return list
}

func TestB09WhatCannotBeReadIsNoRecord(t *testing.T) {
	w := newWorld(t)
	a := w.whole(1)
	id := payment.SequenceID(a.BusinessKey(), 0)
	w.broken[id] = fmt.Errorf("attribute legs is not a list")
	require.Equal(t, []string{"B09 OPEN NONE " + id}, found(w.run(Request{Full: true})))
}

func TestB10TheMissingEventIsToldFromTheLedger(t *testing.T) {
	w := newWorld(t)
	a := w.authorize(1)
	w.tell(a, events.TransactionAuthorized, events.TransactionPostingApproved)
	record := w.post(a)
	require.Equal(t, []string{"B10 PATCHED EMIT_POSTED " + record.ID}, found(w.run(Request{})))
	var detail events.Detail[events.PostedData]
	require.Equal(t, events.TransactionPosted, w.published[0].DetailType)
	require.NoError(t, json.Unmarshal(w.published[0].Detail, &detail))
	require.Equal(t, record.ID+"/TransactionPosted", detail.Metadata.EventID, "the id that posting would have given it")
	require.Equal(t, record.EntryHash, detail.Data.EntryHash)
	require.Equal(t, a.PANToken, detail.Metadata.EventGroupID)
	w.requireClean(t)
}

func TestB11StuckPaymentIsSentAgain(t *testing.T) {
	w := newWorld(t)
	a := w.authorize(1)
	w.tell(a, events.TransactionAuthorized, events.TransactionStandardized, events.TransactionEnriched)
	report := w.run(Request{})
	require.Equal(t, []string{"B11 PATCHED REPUBLISH_AUTHORIZED auth-1"}, found(report))
	require.Contains(t, report.Breaks[0].Problem, "in the stage rules for 59m")
	w.requireClean(t)
}

func TestB11AfterThreePatchesAPersonMustLook(t *testing.T) {
	w := newWorld(t)
	a := w.authorize(1)
	w.tell(a, events.TransactionAuthorized)
	tx := payment.TransactionID(a.BusinessKey())
	for n := range 3 {
		w.record(timeline.Entry{TransactionID: tx, EventID: fmt.Sprintf("%s/ReconciliationPatchApplied/B11/%d", tx, n+1), DetailType: events.ReconciliationPatchApplied,
			AuthorizationID: a.ID, PublishedAt: events.FormatTime(written.Add(time.Minute))})
	}
	report := w.run(Request{})
	require.Equal(t, []string{"B11 OPEN NONE auth-1"}, found(report))
	require.Equal(t, "patched 3 times without effect: a person must look", report.Breaks[0].Note)
}

func TestB11ARepairIsNotUndone(t *testing.T) {
	w := newWorld(t)
	a := w.authorize(1)
	tx := payment.TransactionID(a.BusinessKey())
	w.tell(a, events.TransactionAuthorized, events.TransactionPostingFailed)
	w.record(timeline.Entry{TransactionID: tx, EventID: tx + "/TransactionAuthorized/2", DetailType: events.TransactionAuthorized, AuthorizationID: a.ID, Attempt: 2, PublishedAt: events.FormatTime(written.Add(time.Minute))})
	report := w.run(Request{})
	require.Equal(t, []string{"B11 OPEN NONE auth-1"}, found(report), "sent again from the item, the correction would be lost")
	require.Contains(t, report.Breaks[0].Note, "repeat the repair")
}

func TestB13DivergentDoubleIsLeftToAPerson(t *testing.T) {
	w := newWorld(t)
	first := w.whole(1)
	other := w.authorize(2, "stan", "000001", "merchantName", "ANOTHER")
	require.Equal(t, first.BusinessKey(), other.BusinessKey())
	w.record(timeline.Entry{TransactionID: payment.TransactionID(other.BusinessKey()), EventID: "x/DuplicateConflictDetected", DetailType: events.DuplicateConflictDetected,
		AuthorizationID: "auth-2", PublishedAt: events.FormatTime(written)})
	report := w.run(Request{})
	require.Equal(t, []string{"B13 OPEN NONE auth-2"}, found(report))
	require.Equal(t, Outcomes{Posted: 1, Conflict: 1}, report.Outcomes)
}

func TestB13ChangedAfterItWasPosted(t *testing.T) {
	w := newWorld(t)
	a := w.authorize(1)
	w.tell(a, events.TransactionPosted)
	w.post(a)
	w.authorize(1, "merchantName", "ANOTHER")
	w.items["auth-1"]["billingAmount"] = &types.AttributeValueMemberN{Value: "1982"}
	require.Equal(t, []string{"B13 OPEN NONE auth-1"}, found(w.run(Request{})))
}

func TestB15AgedSuspenseIsClearedWhereTheAccountIsOpenNow(t *testing.T) {
	w := newWorld(t)
	key := strings.Repeat("S", 52)
	item := func(authorization string, age time.Duration) ledger.SuspenseItem {
		return ledger.SuspenseItem{Account: "SUSPENSE.CARD.GBP", PurchaseKey: key, TransactionID: "tx_s", AuthorizationID: authorization, Reason: "ACCOUNT_CLOSED", Owner: "payments-operations",
			Amount: payment.Money{Minor: -1981, Currency: "GBP"}, OpenedAt: events.FormatTime(now.Add(-age)), State: ledger.SuspenseOpen, LastSequence: "ps_s-00"}
	}
	w.suspended = []ledger.SuspenseItem{item("auth-open", 23*time.Hour)}
	require.Empty(t, found(w.run(Request{Full: true})), "the first day it is nobody's concern")
	w.suspended = []ledger.SuspenseItem{item("auth-closed", 6*24*time.Hour)}
	report := w.run(Request{Full: true})
	require.Equal(t, []string{"B15 OPEN NONE SUSPENSE.CARD.GBP|" + key}, found(report))
	require.Equal(t, "ACCOUNT_CLOSED in suspense for 5 days and more, owner payments-operations", report.Breaks[0].Problem)
	require.Equal(t, "its account still cannot be used", report.Breaks[0].Note)
	w.suspended = []ledger.SuspenseItem{item("auth-open", 30*24*time.Hour)}
	require.Equal(t, []string{"B15 PATCHED CLEAR_SUSPENSE SUSPENSE.CARD.GBP|" + key}, found(w.run(Request{Full: true})))
	require.Contains(t, w.kinds(), events.PostingOrderCreated)
	w.suspended[0].State = ledger.SuspenseCleared
	require.Empty(t, found(w.run(Request{Full: true})))
}

// A clearing that is refused is asked for on three days, and then left to a person.
func TestB15AfterThreeClearingsAPersonMustLook(t *testing.T) {
	w := newWorld(t)
	w.suspended = []ledger.SuspenseItem{{Account: "SUSPENSE.CARD.GBP", PurchaseKey: strings.Repeat("S", 52), TransactionID: "tx_s", AuthorizationID: "auth-open", Reason: "ACCOUNT_CLOSED",
		Amount: payment.Money{Minor: -1981, Currency: "GBP"}, OpenedAt: events.FormatTime(now.AddDate(0, 0, -1)), State: ledger.SuspenseOpen, LastSequence: "ps_s-00"}}
	ids := map[string]bool{}
	for range maxAttempts {
		report := w.run(Request{Full: true})
		require.Len(t, report.Patches, 1)
		ids[report.Patches[0].ID] = true
		w.now = w.now.AddDate(0, 0, 1)
	}
	require.Len(t, ids, maxAttempts, "each patch has a record of its own")
	report := w.run(Request{Full: true})
	require.Empty(t, report.Patches)
	require.Equal(t, "patched 3 times without effect: a person must look", report.Breaks[0].Note)
}

// What cannot be cleared yet takes nothing of what may be patched.
func TestWhatCannotBeClearedIsNoPatch(t *testing.T) {
	w := newWorld(t)
	for n := range leastCap + 2 {
		s := ledger.SuspenseItem{Account: "SUSPENSE.CARD.GBP", PurchaseKey: strings.Repeat(string(rune('A'+n)), 52), TransactionID: fmt.Sprint("tx_", n), AuthorizationID: "auth-closed",
			Amount: payment.Money{Minor: -1981, Currency: "GBP"}, OpenedAt: events.FormatTime(now.AddDate(0, 0, -2)), State: ledger.SuspenseOpen, LastSequence: "ps_s-00"}
		if n > leastCap {
			s.AuthorizationID = "auth-open"
		}
		w.suspended = append(w.suspended, s)
	}
	report := w.run(Request{Full: true}, func(o *Options) { o.Caps.Value = 40 })
	require.Empty(t, report.Stopped)
	require.Equal(t, 1, report.Summary.AutoPatched)
	require.Equal(t, leastCap+1, report.Summary.Open)
}

func TestFailedReviewIsAWorkItem(t *testing.T) {
	w := newWorld(t)
	a := w.authorize(1)
	w.tell(a, events.TransactionAuthorized, events.TransactionPostingFailed)
	report := w.run(Request{})
	require.Empty(t, found(report))
	require.Len(t, report.WorkItems, 1)
	require.EqualValues(t, 3599, report.WorkItems[0].AgeSeconds)
	require.Equal(t, Outcomes{FailedReview: 1}, report.Outcomes)
	require.True(t, report.Balanced)
}

func TestYoungPaymentsAreInFlight(t *testing.T) {
	w := newWorld(t)
	w.authorize(1)
	a := w.authorize(2)
	w.tell(a, events.TransactionAuthorized, events.TransactionEnriched)
	w.now = written.Add(4 * time.Minute)
	report := w.run(Request{})
	require.Empty(t, found(report))
	require.Equal(t, map[Stage]int{StageIngest: 2}, report.InFlight)
	w.now = written.Add(5*time.Minute + time.Second - time.Millisecond)
	report = w.run(Request{})
	require.Equal(t, map[Stage]int{StageRules: 1}, report.InFlight, "five minutes after its last event it is not in flight any more")
	require.Equal(t, []string{"B01 PATCHED REPUBLISH_AUTHORIZED auth-1"}, found(report))
}

func TestAPatchIsGivenTime(t *testing.T) {
	w := newWorld(t)
	a := w.authorize(1)
	tx := payment.TransactionID(a.BusinessKey())
	w.tell(a, events.TransactionAuthorized)
	w.record(timeline.Entry{TransactionID: tx, EventID: tx + "/p", DetailType: events.ReconciliationPatchApplied, AuthorizationID: a.ID, PublishedAt: events.FormatTime(now.Add(-time.Minute))})
	report := w.run(Request{})
	require.Empty(t, found(report))
	require.Equal(t, map[Stage]int{StagePatched: 1}, report.InFlight)
}

func TestAMessageThatJoinedAPurchaseIsPosted(t *testing.T) {
	w := newWorld(t)
	root := w.whole(1)
	advice := w.authorize(2, "mti", "0120")
	record := w.post(advice, func(e *payment.JournalEntry) { e.ID = payment.SequenceID(root.BusinessKey(), 1) })
	w.record(timeline.Entry{TransactionID: record.TransactionID, EventID: record.ID + "/TransactionPosted", DetailType: events.TransactionPosted, AuthorizationID: advice.ID})
	w.locations[advice.BusinessKey()] = Location{Sequence: record.ID, All: []string{payment.SequenceID(root.BusinessKey(), 0), record.ID}}
	same := w.authorize(3, "mti", "0220")
	w.locations[same.BusinessKey()] = Location{Joined: true}
	for _, full := range []bool{false, true} {
		report := w.run(Request{Full: full})
		require.Empty(t, found(report))
		require.Equal(t, Outcomes{Posted: 2, ParkedDuplicate: 1}, report.Outcomes)
	}
}

func TestAReversalIsGivenADayForItsOriginal(t *testing.T) {
	w := newWorld(t)
	i := anItem(1, "mti", "0400", "authCode", "", "responseCode", "")
	i["original"] = &types.AttributeValueMemberM{Value: anItem(2)}
	reversal := readAuthorization(i)
	require.NoError(t, reversal.err)
	w.authorize(1, "mti", "0400")
	w.items["auth-1"]["original"] = i["original"]
	message := payment.PurchaseMessage{BusinessKey: reversal.key, TransactionID: reversal.transactionID, AuthorizationID: "auth-1", PayloadHash: reversal.hash, OccurredAt: events.FormatTime(written), State: payment.Waiting}
	w.locations[reversal.key] = Location{Waiting: &message, PurchaseKey: reversal.parsed.OriginalKey()}
	report := w.run(Request{})
	require.Equal(t, map[Stage]int{StageWaiting: 1}, report.InFlight)
	require.Zero(t, report.Expired)
	w.now = written.Add(payment.PendingOriginal + time.Minute)
	w.deaf = errDeaf
	current, err := New(w.options()).start(Request{})
	require.NoError(t, err)
	require.NoError(t, current.compare(t.Context()), "that it cannot be told keeps nothing else from being compared")
	require.Zero(t, current.report.Expired)
	w.deaf = nil
	report = w.run(Request{})
	require.Equal(t, 1, report.Expired)
	require.Equal(t, []events.DetailType{events.ReconciliationCompleted, events.PostingOrderCreated, events.ReconciliationCompleted}, w.kinds())
	var detail events.Detail[events.OrderData]
	require.NoError(t, json.Unmarshal(w.published[1].Detail, &detail))
	require.Equal(t, payment.OrderOverdue, detail.Data.Order.Kind)
	require.NoError(t, detail.Data.Order.Check())
}

func TestCapOfPatches(t *testing.T) {
	w := newWorld(t)
	for n := range 15 {
		w.authorize(n)
	}
	report := w.run(Request{})
	require.Equal(t, leastCap, report.Summary.AutoPatched, "one in a thousand of fifteen is nothing: ten are allowed")
	require.Equal(t, 5, report.Summary.Open)
	require.Equal(t, "the cap of patches in one run is reached", report.Stopped)
	require.Equal(t, 2, w.run(Request{}, func(o *Options) { o.Caps.Patches = 2 }).Summary.AutoPatched)
}

func TestCapOfValue(t *testing.T) {
	w := newWorld(t)
	for n := range 5 {
		w.authorize(n)
	}
	report := w.run(Request{}, func(o *Options) { o.Caps.Value = 40 })
	require.Equal(t, 2, report.Summary.AutoPatched, "two of GBP 19.81 are within GBP 40")
	require.Equal(t, "the cap of value in one run is reached in GBP", report.Stopped)
}

func TestDryRunAndKillSwitchPublishNoPatch(t *testing.T) {
	w := newWorld(t)
	w.authorize(1)
	require.Equal(t, []string{"B01 WOULD_PATCH REPUBLISH_AUTHORIZED auth-1"}, found(w.run(Request{DryRun: true})))
	require.Equal(t, []events.DetailType{events.ReconciliationCompleted}, w.kinds())
	report := w.run(Request{}, func(o *Options) { o.Patching = false })
	require.Equal(t, []string{"B01 WOULD_PATCH REPUBLISH_AUTHORIZED auth-1"}, found(report))
	require.Equal(t, 1, report.Summary.Open)
	require.NotContains(t, w.kinds(), events.TransactionAuthorized)
}

func TestWhatIsNoBreakAnyMoreIsNotPatched(t *testing.T) {
	w := newWorld(t)
	a := w.authorize(1)
	gets := 0
	w.before = func() {
		if gets++; gets == 2 { // The first read compares, the second comes just before the patch.
			w.post(a)
		}
	}
	report := w.run(Request{})
	require.Empty(t, found(report))
	require.Empty(t, report.Patches)
	require.Equal(t, []events.DetailType{events.ReconciliationCompleted}, w.kinds())
}

func TestAPatchThatCannotBePublishedStaysOpen(t *testing.T) {
	w := newWorld(t)
	w.authorize(1)
	w.deaf = errDeaf
	_, err := New(w.options()).Run(context.Background(), Request{Actor: "test"})
	require.ErrorIs(t, err, errDeaf, "nor could the run be told of")
	require.Contains(t, w.reports["recon/2026-11-22/rc_20261122T120000Z-7f3a.csv"], "FAILED", "but its report is written")
}

func TestAFullPassFindsWhatBearsNoStamp(t *testing.T) {
	w := newWorld(t)
	i := anItem(1)
	w.items["auth-1"] = i
	require.Empty(t, found(w.run(Request{})), "the index does not have it")
	found1 := 0
	for segment := range 4 {
		found1 += len(found(w.run(Request{Full: true, Segment: segment, Segments: 4})))
	}
	require.Equal(t, 1, found1)
	w.requireClean(t)
}

// The audit log of two days says nothing of what came in before: neither that it was told nor that it was asked for.
func TestAFullPassJudgesNothingWhoseEventsAreForgotten(t *testing.T) {
	w := newWorld(t)
	w.post(w.authorize(1)) // posted and, as far as anybody knows, not told
	w.authorize(2)         // a duplicate perhaps, and nobody knows
	w.post(readAuthorization(anItem(3)).parsed, func(e *payment.JournalEntry) { e.AuthorizationID = "dsp_1" })
	require.Len(t, found(w.run(Request{Full: true, DryRun: true})), 3)
	w.since = written.Add(time.Second)
	report := w.run(Request{Full: true})
	require.Empty(t, found(report))
	require.True(t, report.Balanced)
	require.Equal(t, w.since, report.Window.From)

	w.broken[payment.SequenceID(w.whole(4).BusinessKey(), 0)] = fmt.Errorf("attribute legs is not a list")
	require.Len(t, found(w.run(Request{Full: true})), 1, "what the journal says of itself is judged at any age")
}

func TestARunThatRunsOutOfTimeSaysSo(t *testing.T) {
	w := newWorld(t)
	w.authorize(1)
	ctx, cancel := context.WithTimeout(context.Background(), writeReserve) // all of it is reserved
	defer cancel()
	report, err := New(w.options()).Run(ctx, Request{Full: true, Actor: "test"})
	require.NoError(t, err)
	require.False(t, report.Complete)
	require.Contains(t, report.Stopped, "before everything was read")
}

// What is patched when the time is over would be patched without a report.
func TestNoPatchIsBegunWhenTheTimeIsOver(t *testing.T) {
	w := newWorld(t)
	w.authorize(1)
	w.authorize(2)
	ctx, cancel := context.WithTimeout(context.Background(), writeReserve+time.Hour)
	defer cancel()
	current, err := New(w.options()).start(Request{Actor: "test"})
	require.NoError(t, err)
	require.NoError(t, current.compare(ctx))
	late, cancelLate := context.WithTimeout(context.Background(), reportReserve) // all of it is the report's
	defer cancelLate()
	current.patchAll(late)
	require.NoError(t, current.finish(late))
	require.Equal(t, []string{"B01 HELD REPUBLISH_AUTHORIZED auth-1", "B01 HELD REPUBLISH_AUTHORIZED auth-2"}, found(current.report))
	require.Contains(t, current.report.Stopped, "before everything was patched")
	require.NotContains(t, w.kinds(), events.TransactionAuthorized)
}

func TestRequestsThatMakeNoSense(t *testing.T) {
	for name, request := range map[string]Request{
		"a window that ends before it begins": {From: now, To: now.Add(-time.Hour)},
		"a segment that there is not":         {Full: true, Segment: 3, Segments: 3},
		"less than a segment":                 {Full: true, Segment: -1},
	} {
		_, err := New(newWorld(t).options()).Run(context.Background(), request)
		require.ErrorIs(t, err, ErrRequest, name)
	}
}

func TestReportsAreSealed(t *testing.T) {
	w := newWorld(t)
	w.authorize(1, "merchantName", "=cmd()")
	report := w.run(Request{Actor: "arn:aws:iam::1:user/ops"})
	base := "recon/2026-11-22/rc_20261122T120000Z-7f3a"
	require.Equal(t, base+".json", report.Key())
	for _, ending := range []string{".json", ".csv", ".md"} {
		sum := sha256.Sum256([]byte(w.reports[base+ending]))
		require.Contains(t, w.reports[base+".sha256"], hex.EncodeToString(sum[:])+"  rc_20261122T120000Z-7f3a"+ending+"\n")
	}
	var read Report
	require.NoError(t, json.Unmarshal([]byte(w.reports[base+".json"]), &read))
	require.Equal(t, *report, read)
	require.Contains(t, w.reports[base+".csv"], "B01,MISSING_EVENT,HIGH,PATCHED,REPUBLISH_AUTHORIZED")
	require.Contains(t, w.reports[base+".md"], "0 of 1 authorizations matched (0.00 %); 1 breaks patched, 0 open.")
	require.Contains(t, w.reports[base+".md"], "| B01 MISSING_EVENT | HIGH | PATCHED | auth-1 | GBP 19.81 | no event tells of the authorization |")
}

func TestCellsAreNoFormulas(t *testing.T) {
	require.Equal(t, "'=1+1", plain("=1+1"))
	require.Equal(t, "'-HYPERLINK()", plain("-HYPERLINK()"))
	require.Equal(t, "-79.25", plain("-79.25"))
}

// Whatever gets lost of a few payments: the runs converge, the patched are posted once, and no further run patches anything.
func TestRunsConverge(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		count := rapid.IntRange(1, leastCap).Draw(t, "payments")
		for n := range count {
			a := w.authorize(n)
			switch rapid.SampledFrom([]string{"whole", "lost", "stuck", "undecided", "undelivered", "incomplete", "silent", "failed", "told only"}).Draw(t, "state") {
			case "whole":
				w.tell(a, events.TransactionAuthorized, events.TransactionPosted)
				w.post(a)
			case "stuck":
				w.tell(a, events.TransactionAuthorized, events.TransactionStandardized)
			case "undecided":
				w.tell(a, events.TransactionEnriched)
			case "undelivered":
				w.tell(a, events.TransactionPostingApproved)
			case "incomplete":
				w.tell(a, events.TransactionPostingApproved)
				w.legsOf(a, 1)
			case "silent":
				w.post(a)
			case "failed":
				w.tell(a, events.TransactionAuthorized, events.TransactionPostingFailed)
			case "told only":
				w.tell(a, events.TransactionPosted)
			}
		}
		full := rapid.Bool().Draw(t, "full")
		request := Request{From: written.Add(-time.Hour), Full: full}
		first := w.run(request)
		require.Zero(t, first.Summary.Open)
		w.now = w.now.Add(time.Hour)
		second := w.run(request)
		require.Empty(t, second.Breaks)
		require.Empty(t, second.Patches)
		require.True(t, second.Balanced)
		require.Equal(t, count, second.Outcomes.Posted+second.Outcomes.FailedReview)
		require.Len(t, w.journal, second.Outcomes.Posted)
	})
}
