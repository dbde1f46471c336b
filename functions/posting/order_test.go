package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/payrail/payrail/events"
	"github.com/payrail/payrail/internal/batch"
	"github.com/payrail/payrail/internal/ledger"
	"github.com/payrail/payrail/payment"
)

// priced is the n-th payment with what it was priced by, which a reversal needs.
func priced(t require.TestingT, n int, account string) payment.JournalEntry {
	e := entry(t, n, account)
	e.Basis = payment.Decided{
		Outcome: payment.OutcomePosted, MTI: "0100", TransactionType: "00", MCC: "5411", Foreign: true, Charges: payment.Charges{FX: true}, TransmittedAt: "2026-07-09T10:15:30Z",
		TransactionAmount: payment.Money{Minor: 10000, Currency: "USD"}, BillingAmount: payment.Money{Minor: 7925, Currency: "GBP"}, AccountID: account, Scheme: "VISA",
		Terms: payment.Terms{FXFeeRate: "0.0299", FXFeeTaxRate: "0.20", TaxJurisdiction: "GB"}, Description: "ACME STORE", ValueDate: "2026-07-10",
	}
	return e
}

// orderOf is the n-th reversal of a payment: of USD 100.00 so many cents remain.
func orderOf(original payment.JournalEntry, n int, remains int64) payment.Order {
	key := fmt.Sprintf("REV%023d", n)
	return payment.Order{Kind: payment.OrderReversal, PurchaseKey: original.BusinessKey, TransactionID: payment.TransactionID(key), AuthorizationID: fmt.Sprintf("auth-r%d", n), BusinessKey: key,
		PayloadHash: fmt.Sprintf("hash-r%d", n), PANToken: "tok", OccurredAt: "2026-07-09T10:16:31.123Z", Outcome: payment.OutcomePosted, AccountID: original.Basis.AccountID,
		TransmittedAt: "2026-07-09T10:20:00Z", TransactionType: "00", Scheme: "VISA", TransactionAmount: payment.Money{Minor: 10000, Currency: "USD"},
		BillingAmount: payment.Money{Minor: 7925, Currency: "GBP"}, ReplacementAmount: &payment.Money{Minor: remains, Currency: "USD"}}
}

func reversalOf(t require.TestingT, original payment.JournalEntry, n int, remains int64) batch.Message {
	message := orderMessage(t, orderOf(original, n, remains))
	message.ID = fmt.Sprintf("r%d", n)
	return message
}

func orderMessage(t require.TestingT, order payment.Order) batch.Message {
	metadata := events.First(events.TransactionPostingApproved, order.TransactionID, order.AuthorizationID, "tok", "c", start, start)
	detail, err := json.Marshal(events.Detail[events.OrderData]{Metadata: metadata.Next(events.PostingOrderCreated, "", start), Data: events.OrderData{Order: order}})
	require.NoError(t, err)
	body, err := json.Marshal(events.Envelope{ID: "id", DetailType: events.PostingOrderCreated, Source: events.SourceAccountInterface, Detail: detail})
	require.NoError(t, err)
	return batch.Message{ID: order.BusinessKey + string(order.Kind), Body: body, Receives: 1}
}

func TestReversalIsPostedAndTold(t *testing.T) {
	w, e := newWorld(), priced(t, 1, "acc-1")
	all := append([]batch.Message{reversalOf(t, e, 1, 6309)}, messages(t, e)...)
	require.Empty(t, failed(w.poster().handle(ctx, all)), "its original is in the same batch, behind it")
	w.requireSound(t, 2)
	require.Equal(t, []string{e.ID + "/TransactionPosted", "ps_KEY00000000000000000000001-01/TransactionPosted"}, w.ids(t))
	var posted events.Detail[events.PostedData]
	require.NoError(t, json.Unmarshal(w.published[1].Detail, &posted))
	require.Equal(t, "tx_REV00000000000000000000001", posted.Metadata.TransactionID, "the reversal's own, so that its trace shows it")
	require.Equal(t, "tx_REV00000000000000000000001/PostingOrderCreated", posted.Metadata.CausationID)
	require.Equal(t, e.ID, posted.Data.Sequence.ReversalOf)
	require.Equal(t, "GBP 29.25", posted.Data.Legs[0].Amount.String())

	require.Empty(t, failed(w.poster().handle(ctx, again(all[:1]))))
	w.requireSound(t, 2)
	require.Equal(t, w.ids(t)[1], w.ids(t)[2], "twice is once, told again under the same id")
	require.Empty(t, w.objects)
}

func TestReversalThatTheLedgerRefusesIsParked(t *testing.T) {
	w, e := newWorld(), priced(t, 1, "acc-1")
	require.Empty(t, failed(w.poster().handle(ctx, messages(t, e))))
	require.Empty(t, failed(w.poster().handle(ctx, []batch.Message{reversalOf(t, e, 1, 0)})))
	second := []batch.Message{reversalOf(t, e, 2, 0)}
	require.Empty(t, failed(w.poster().handle(ctx, second)))
	require.Empty(t, failed(w.poster().handle(ctx, again(second))))
	w.requireSound(t, 2)
	require.Len(t, w.objects, 1)
	for key, record := range w.objects {
		require.Equal(t, "ALREADY_REVERSED", record.Reason)
		require.Equal(t, "posting", record.Stage)
		var order payment.Order
		require.NoError(t, json.Unmarshal(record.Content, &order))
		require.Equal(t, "auth-r2", order.AuthorizationID)
		var told events.Detail[events.ParkedData]
		require.Equal(t, events.ReversalExceedsOriginal, w.published[2].DetailType)
		require.NoError(t, json.Unmarshal(w.published[3].Detail, &told))
		require.Equal(t, events.TransactionRejected, w.published[3].DetailType)
		require.Equal(t, "tx_REV00000000000000000000002/TransactionRejected/auth-r2", told.Metadata.EventID)
		require.Equal(t, events.ParkedData{AuthorizationID: "auth-r2", Kind: "CONFLICT", Reason: "ALREADY_REVERSED",
			Problem: "nothing remains of purchase " + e.BusinessKey, Object: key}, told.Data)
	}
}

// the reversal is told to be waiting, and posted with its original.
func TestReversalWaitsForItsOriginal(t *testing.T) {
	w, e := newWorld(), priced(t, 1, "acc-1")
	orphan := []batch.Message{reversalOf(t, e, 1, 0)}
	require.Empty(t, failed(w.poster().handle(ctx, orphan)))
	require.Empty(t, failed(w.poster().handle(ctx, again(orphan))))
	require.Equal(t, []string{"tx_REV00000000000000000000001/OrphanReversal/R-060", "tx_REV00000000000000000000001/OrphanReversal/R-060"}, w.ids(t))
	w.published = nil
	require.Empty(t, failed(w.poster().handle(ctx, messages(t, e))))
	require.Equal(t, []string{"ps_KEY00000000000000000000001-01/TransactionPosted", "ps_KEY00000000000000000000001-00/TransactionPosted"}, w.ids(t))
	var posted events.Detail[events.PostedData]
	require.NoError(t, json.Unmarshal(w.published[0].Detail, &posted))
	require.Equal(t, "tx_REV00000000000000000000001", posted.Metadata.TransactionID)
	require.Equal(t, "auth-r1", posted.Metadata.CorrelationID)
	require.Equal(t, "2026-07-09T10:16:31.123Z", posted.Metadata.OccurredAt)
	w.requireSound(t, 2)
}

// The function dies when an overdue reversal is in suspense and nobody was told: the order comes again and tells.
func TestOverdueReversalIsToldAfterACrash(t *testing.T) {
	w, e := newWorld(), priced(t, 1, "acc-1")
	require.Empty(t, failed(w.poster().handle(ctx, []batch.Message{reversalOf(t, e, 1, 0)})))
	overdue := orderOf(e, 1, 0)
	overdue.Kind, overdue.OccurredAt = payment.OrderOverdue, "2026-07-10T11:00:00.000Z"
	order := []batch.Message{orderMessage(t, overdue)}
	w.published, w.fault = nil, func() error { return errors.New("killed") }
	require.NotEmpty(t, failed(w.poster().handle(ctx, order)))
	w.requireSound(t, 1)
	require.Empty(t, w.published)
	w.fault = nil
	require.Empty(t, failed(w.poster().handle(ctx, again(order))))
	require.Equal(t, []string{"ps_KEY00000000000000000000001-01/TransactionPosted"}, w.ids(t))
	w.requireSound(t, 1)
}

// A reversal that had waited for a payment which it cannot be about is parked when the payment comes.
func TestWaitingReversalThatIsRefused(t *testing.T) {
	w, e := newWorld(), priced(t, 1, "acc-1")
	o := orderOf(e, 1, 0)
	o.BillingAmount.Minor++
	require.NoError(t, w.poster().ledger.Settle(ctx, o).Err)
	require.Empty(t, failed(w.poster().handle(ctx, messages(t, e))))
	require.Len(t, w.objects, 1)
	for _, record := range w.objects {
		require.Equal(t, payment.ReasonOriginalMismatch, record.Reason)
		require.Equal(t, "auth-r1", record.AuthorizationID)
	}
	w.requireSound(t, 1)
}

// The function dies when the original and its reversal are posted, and nothing is told. The reversal's own message is long gone: the
// original's tells of both.
func TestReversalThatWaitedIsToldByItsOriginal(t *testing.T) {
	for name, remains := range map[string]int64{"posted": 0, "refused": 10000} {
		t.Run(name, func(t *testing.T) {
			w, e := newWorld(), priced(t, 1, "acc-1")
			require.Empty(t, failed(w.poster().handle(ctx, []batch.Message{reversalOf(t, e, 1, remains)})))
			w.published, w.fault = nil, func() error { return errors.New("killed") }
			require.NotEmpty(t, failed(w.poster().handle(ctx, messages(t, e))))
			w.fault = nil
			require.Empty(t, failed(w.poster().handle(ctx, again(messages(t, e)))))
			told := "ps_KEY00000000000000000000001-01/TransactionPosted"
			if remains > 0 {
				told = "tx_REV00000000000000000000001/TransactionRejected/auth-r1"
			}
			require.Contains(t, w.ids(t), told)
			require.Contains(t, w.ids(t), "ps_KEY00000000000000000000001-00/TransactionPosted")
		})
	}
}

// 0100, then 0120 at the same amount and 0220 at another: the first is posted, the second parked as the same purchase, the third
// posts the difference. Legs that come again one by one do not wait for their siblings.
func TestMessagesAboutOnePurchase(t *testing.T) {
	w, e := newWorld(), priced(t, 1, "acc-1")
	e.Links = payment.Links{Approval: "CODE"}
	require.Empty(t, failed(w.poster().handle(ctx, messages(t, e))))
	second := func(n int, mti string, gbp int64) payment.JournalEntry {
		other := priced(t, n, "acc-1")
		other.Links, other.Basis.MTI, other.Basis.BillingAmount.Minor, other.Basis.TransmittedAt = e.Links, mti, gbp, "2026-07-09T10:40:00Z"
		legs, err := payment.Legs(other.Basis)
		require.NoError(t, err)
		other.Legs, other.Of, other.Checksum = legs, len(legs), payment.Checksum(legs)
		return other
	}
	advice, completion := second(2, "0120", 7925), second(3, "0220", 9510)
	for range 2 {
		require.Empty(t, failed(w.poster().handle(ctx, messages(t, advice))))
		require.Empty(t, failed(w.poster().handle(ctx, messages(t, completion))))
	}
	for _, m := range again(messages(t, completion)) {
		require.Empty(t, failed(w.poster().handle(ctx, []batch.Message{m})))
	}
	for _, m := range again(messages(t, advice)) {
		require.Empty(t, failed(w.poster().handle(ctx, []batch.Message{m})))
	}
	require.Empty(t, w.assembly)
	require.Len(t, w.objects, 1, "the advice is parked as one object, whichever of its legs comes again")
	for _, record := range w.objects {
		require.Equal(t, payment.ReasonSamePurchase, record.Reason)
		require.Equal(t, "auth-1", record.KnownAuthorizationID)
	}
	require.Contains(t, w.ids(t), "ps_KEY00000000000000000000001-01/TransactionPosted")
	balances, err := ledger.NewReader(w.table, "ledger").Balances(ctx, "acc-1")
	require.NoError(t, err)
	require.Equal(t, "GBP -98.51", balances[0].Amount.String())
	w.requireSound(t, 2)
}

// A replay of the archive tells nothing of what posting has set aside, refused or kept waiting: it was told then. What the archive has
// and posting never saw is settled and told as ever.
func TestReplayTellsOnlyWhatIsNew(t *testing.T) {
	w, e := newWorld(), priced(t, 1, "acc-1")
	e.Links = payment.Links{Approval: "CODE"}
	advice := priced(t, 2, "acc-1")
	advice.Links, advice.Basis.MTI = e.Links, "0120"
	late, conflicting, superseded := e, e, priced(t, 1, "acc-2")
	late.AuthorizationID, conflicting.PayloadHash = "auth-late", "other"
	orphan := priced(t, 7, "acc-1") // its original never comes
	history := [][]batch.Message{
		messages(t, e), messages(t, advice), messages(t, late), messages(t, conflicting), messages(t, superseded),
		{reversalOf(t, e, 1, 0)}, {reversalOf(t, e, 2, 0)}, {reversalOf(t, orphan, 3, 0)},
	}
	for _, came := range history {
		require.Empty(t, failed(w.poster().handle(ctx, came)))
	}
	told, objects, before := len(w.published), len(w.objects), image(w)
	require.Equal(t, 5, objects)
	for range 2 {
		for _, came := range history {
			require.Empty(t, failed(w.poster().handle(ctx, fromArchive(t, came))))
			for _, one := range fromArchive(t, came) {
				require.Empty(t, failed(w.poster().handle(ctx, []batch.Message{one})))
			}
		}
	}
	require.Len(t, w.published, told)
	require.Len(t, w.objects, objects)
	sameImage(t, before, w, "replayed")

	require.Empty(t, failed(w.poster().handle(ctx, fromArchive(t, []batch.Message{reversalOf(t, e, 4, 0)}))))
	require.Contains(t, w.ids(t)[told:], "tx_REV00000000000000000000004/TransactionRejected/auth-r4")
	require.Contains(t, w.ids(t)[told:], "tx_REV00000000000000000000004/ReversalExceedsOriginal/R-061")
	again := again(fromArchive(t, []batch.Message{reversalOf(t, e, 4, 0)}))
	require.Empty(t, failed(w.poster().handle(ctx, again)))
	require.Len(t, w.published, told+4, "whoever parked it may have died before telling")
}

func TestReversalIsNotAcknowledgedBeforeItIsTold(t *testing.T) {
	w, e := newWorld(), priced(t, 1, "acc-1")
	require.Empty(t, failed(w.poster().handle(ctx, messages(t, e))))
	w.fault = func() error { return errors.New("throttled") }
	one := []batch.Message{reversalOf(t, e, 1, 0)}
	require.Equal(t, []int{0}, failed(w.poster().handle(ctx, one)))
	w.requireSound(t, 2)
	w.fault = nil
	require.Empty(t, failed(w.poster().handle(ctx, again(one))))
	require.Len(t, w.published, 2)
	w.requireSound(t, 2)
}

func TestOrderThatLacksWhatItIsPostedBy(t *testing.T) {
	w := newWorld()
	bad := batch.Message{ID: "m", Receives: 1, Body: []byte(`{"detail-type":"PostingOrderCreated","detail":{"metadata":{"eventId":"e","transactionId":"t"},"data":{"order":{"kind":"REVERSAL",
		"purchaseKey":"KEY00000000000000000000001"}}}}`)}
	results := w.poster().handle(ctx, []batch.Message{bad})
	require.Equal(t, "ORDER_INVALID", payment.ReasonOf(results[0]))
	bad.Body = []byte(`{"detail-type":"PostingOrderCreated","detail":{}}`)
	require.Equal(t, batch.ReasonUnreadable, payment.ReasonOf(w.poster().handle(ctx, []batch.Message{bad})[0]))
}

// Payments and their reversals in any order, in batches of any cut, twice, with calls that fail and answers that are lost, many
// at once: every reversal is posted or parked, and each account ends at the least that was to remain.
func TestReversalsInAnyOrderUnderFaults(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld()
		random, guard := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0)), sync.Mutex{}
		chance := func(n int) bool {
			guard.Lock()
			defer guard.Unlock()
			return random.IntN(n) == 0
		}
		fault := func() error {
			if chance(12) {
				return errors.New("throttled")
			}
			return nil
		}
		w.fault = fault
		w.table.Before, w.table.After = func(string) error { return fault() }, func(string) error { return fault() }
		var queue []batch.Message
		want := map[string]int64{}
		for n := range rapid.IntRange(1, 3).Draw(t, "payments") {
			e := priced(t, n, fmt.Sprintf("acc-%d", n))
			queue = append(queue, messages(t, e)...)
			least := int64(10000)
			for r, remains := range rapid.SliceOfN(rapid.Int64Range(0, 9999), 0, 3).Draw(t, "remains") {
				queue = append(queue, reversalOf(t, e, 10*n+r, remains))
				least = min(least, remains)
			}
			want[fmt.Sprintf("acc-%d", n)] = balanceAt(t, least)
		}
		queue = append(queue, again(queue)...)
		for deliveries := 0; len(queue) > 0; deliveries++ {
			require.Less(t, deliveries, 10_000, "deliveries do not come to an end")
			shuffle(random, queue)
			n := 1 + random.IntN(min(10, len(queue)))
			delivered := queue[:n:n]
			queue = queue[n:]
			for _, i := range failed(w.poster().handle(ctx, delivered)) {
				queue = append(queue, again(delivered[i:i+1])...)
			}
		}
		w.table.Before, w.table.After = nil, nil
		reader := ledger.NewReader(w.table, "ledger")
		verified, err := reader.Verify(ctx)
		require.NoError(t, err)
		require.Empty(t, verified.Findings)
		for account, minor := range want {
			balances, err := reader.Balances(ctx, account)
			require.NoError(t, err)
			require.Equal(t, minor, balances[0].Amount.Minor, account)
		}
	})
}

// balanceAt is what a purchase of so many cents of the USD 100.00 makes of an account.
func balanceAt(t require.TestingT, cents int64) int64 {
	billed, err := payment.Money{Minor: 7925, Currency: "GBP"}.Share(payment.Money{Minor: cents, Currency: "USD"}, payment.Money{Minor: 10000, Currency: "USD"})
	require.NoError(t, err)
	if billed.IsZero() {
		return 0
	}
	legs, err := payment.Legs(payment.Decided{Outcome: payment.OutcomePosted, TransactionType: "00", MCC: "5411", Foreign: true, Charges: payment.Charges{FX: true}, BillingAmount: billed, AccountID: "acc", Scheme: "VISA",
		Terms: payment.Terms{FXFeeRate: "0.0299", FXFeeTaxRate: "0.20", TaxJurisdiction: "GB"}})
	require.NoError(t, err)
	var sum int64
	for _, leg := range (payment.JournalEntry{Legs: legs}).CustomerLegs() {
		sum += leg.Signed().Minor
	}
	return sum
}

// told beside what is posted, again under the same id.
func TestFindingsBesideWhatIsPosted(t *testing.T) {
	w := newWorld()
	one, two := priced(t, 1, "acc-1"), priced(t, 2, "acc-1")
	one.MerchantKey, two.MerchantKey = "SHOP", "SHOP"
	require.Empty(t, failed(w.poster().handle(ctx, messages(t, one))))
	require.Empty(t, failed(w.poster().handle(ctx, messages(t, two))))
	require.Equal(t, []string{one.ID + "/TransactionPosted", two.ID + "/TransactionPosted", two.TransactionID + "/SuspectedDuplicateFound/R-052"}, w.ids(t))
	var told events.Detail[events.LedgerFindingData]
	require.NoError(t, json.Unmarshal(w.published[2].Detail, &told))
	require.Equal(t, one.ID, told.Data.RelatedSequence)

	w.published = nil
	w.table.Before = func(operation string) error {
		if operation == "Query" {
			return errors.New("throttled")
		}
		return nil
	}
	three := priced(t, 3, "acc-1")
	three.MerchantKey = "SHOP"
	require.Len(t, failed(w.poster().handle(ctx, messages(t, three))), 6, "what cannot be looked at comes again")
	w.table.Before = nil
	w.published = nil
	require.Empty(t, failed(w.poster().handle(ctx, again(messages(t, three)))))
	require.Equal(t, []string{three.ID + "/TransactionPosted", three.TransactionID + "/SuspectedDuplicateFound/R-052"}, w.ids(t))

	// Legs that come back one by one, because an attempt died, tell of it too; a replay of the archive does not.
	w.published = nil
	require.Empty(t, failed(w.poster().handle(ctx, again(messages(t, three))[:1])))
	require.Equal(t, []string{three.ID + "/TransactionPosted", three.TransactionID + "/SuspectedDuplicateFound/R-052"}, w.ids(t))
	w.published = nil
	var replayed []batch.Message
	for _, leg := range three.Legs {
		replayed = append(replayed, message(t, three.Sequence, leg, "a-replay"))
	}
	require.Empty(t, failed(w.poster().handle(ctx, replayed)))
	require.Empty(t, w.published)

	refund := priced(t, 4, "acc-2")
	refund.Basis.TransactionType, refund.Basis.Charges, refund.Basis.Foreign = "20", payment.Charges{}, false
	refund.Basis.TransactionAmount = refund.Basis.BillingAmount
	legs, err := payment.Legs(refund.Basis)
	require.NoError(t, err)
	refund.Legs, refund.Of, refund.Checksum = legs, len(legs), payment.Checksum(legs)
	refund.MerchantKey, refund.RefundOf = "SHOP", payment.Links{Approval: "CODE"}
	require.Empty(t, failed(w.poster().handle(ctx, messages(t, refund))))
	require.Equal(t, []string{refund.ID + "/TransactionPosted", refund.TransactionID + "/UnmatchedRefund/R-062"}, w.ids(t))
	w.requireSound(t, 4)
}

// a completion beyond the tolerance of its merchant's category is told of, one within it is not.
func TestOverAuthorizationIsFound(t *testing.T) {
	for tolerance, found := range map[string]bool{"": false, "0.20": false, "0.15": true} {
		w, e := newWorld(), priced(t, 1, "acc-1")
		e.Links = payment.Links{Approval: "CODE"}
		require.Empty(t, failed(w.poster().handle(ctx, messages(t, e))))
		completion := priced(t, 2, "acc-1")
		completion.Links, completion.Basis.MTI, completion.Basis.TransmittedAt = e.Links, "0220", "2026-07-09T10:40:00Z"
		completion.Basis.BillingAmount.Minor, completion.Basis.Terms.OverAuthorization = 9510, tolerance // 20 % more
		legs, err := payment.Legs(completion.Basis)
		require.NoError(t, err)
		completion.Legs, completion.Of, completion.Checksum = legs, len(legs), payment.Checksum(legs)
		for range 2 {
			w.published = nil
			require.Empty(t, failed(w.poster().handle(ctx, messages(t, completion))))
			want := []string{"ps_KEY00000000000000000000001-01/TransactionPosted"}
			if found {
				want = append(want, completion.TransactionID+"/OverAuthorizationFound/R-031")
			}
			require.Equal(t, want, w.ids(t), tolerance)
		}
		w.requireSound(t, 2)
	}
}
