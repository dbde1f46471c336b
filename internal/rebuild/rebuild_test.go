package rebuild

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/payrail/payrail/events"
	"github.com/payrail/payrail/internal/bulkread"
	"github.com/payrail/payrail/internal/ledger"
	"github.com/payrail/payrail/internal/ledger/ledgertest"
	"github.com/payrail/payrail/payment"
)

var start = time.Date(2026, 7, 9, 10, 15, 31, 0, time.UTC)

// deployment is a ledger with a posting queue, and the audit log of what is said about it. It posts when it is asked to wait.
type deployment struct {
	t      require.TestingT
	table  *ledgertest.Table
	store  *ledger.Store
	random *rand.Rand
	now    time.Time
	queue  [][]byte
	legs   map[string][]payment.Leg
	audit  map[events.DetailType][][]byte
	// refuse is how many messages SQS does not take at first.
	refuse int
	// deaf keeps what was sent from being posted.
	deaf bool
	// poison, where it is in a message, has the message go to the dead-letter queue.
	poison string
	dead   [][]byte
}

func newDeployment(t require.TestingT, seed int64) *deployment {
	d := &deployment{t: t, table: ledgertest.NewTable(), random: rand.New(rand.NewSource(seed)), now: start, legs: map[string][]payment.Leg{}, audit: map[events.DetailType][][]byte{}}
	d.store = ledger.New(ledger.Options{Client: d.table, Table: "ledger", Now: func() time.Time { return d.now },
		Wait: func(context.Context, time.Duration) error { return nil }, Jitter: func(w time.Duration) time.Duration { return w }})
	return d
}

// say puts an event into the audit log, a moment after the one before.
func (d *deployment) say(kind events.DetailType, source events.Source, transactionID, authorizationID, suffix string, data any) {
	d.now = d.now.Add(time.Millisecond)
	metadata := events.First(kind, transactionID, authorizationID, "tok", "cause", start, d.now).WithSuffix(suffix)
	raw, err := json.Marshal(data)
	require.NoError(d.t, err)
	event, err := events.New(kind, source, metadata, json.RawMessage(raw))
	require.NoError(d.t, err)
	line, err := json.Marshal(events.Envelope{ID: strconv.Itoa(d.random.Int()), DetailType: kind, Source: source, Detail: event.Detail})
	require.NoError(d.t, err)
	d.audit[kind] = append(d.audit[kind], line)
	if kind == events.PostingLegCreated || kind == events.PostingOrderCreated {
		d.queue = append(d.queue, line)
	}
}

func (d *deployment) present(e payment.JournalEntry) {
	for _, leg := range e.Legs {
		d.say(events.PostingLegCreated, events.SourceAccountInterface, e.TransactionID, e.AuthorizationID, strconv.Itoa(leg.Number), events.LegData{Sequence: e.Sequence, Leg: leg})
	}
}

func (d *deployment) order(o payment.Order) {
	d.say(events.PostingOrderCreated, events.SourceAccountInterface, o.TransactionID, o.AuthorizationID, string(o.Kind), events.OrderData{Order: o})
}

// post takes some messages off the queue, in any order, some of them twice.
func (d *deployment) post(messages int) {
	for range min(messages, len(d.queue)) {
		n := d.random.Intn(len(d.queue))
		line := d.queue[n]
		if d.random.Intn(10) > 0 {
			d.queue = append(d.queue[:n], d.queue[n+1:]...)
		}
		if d.poison != "" && strings.Contains(string(line), d.poison) {
			d.dead = append(d.dead, line)
			continue
		}
		var e envelope
		require.NoError(d.t, json.Unmarshal(line, &e))
		if e.DetailType == events.PostingOrderCreated {
			var data events.OrderData
			require.NoError(d.t, json.Unmarshal(e.Detail.Data, &data))
			d.tell(data.Order.TransactionID, data.Order.AuthorizationID, d.store.Settle(context.Background(), data.Order))
			continue
		}
		var data events.LegData
		require.NoError(d.t, json.Unmarshal(e.Detail.Data, &data))
		key := data.Sequence.ID + data.Sequence.Checksum
		d.legs[key] = append(d.legs[key], data.Leg)
		entry, err := payment.Assemble(data.Sequence, d.legs[key])
		if errors.Is(err, payment.ErrIncomplete) {
			continue
		}
		require.NoError(d.t, err)
		d.tell(data.Sequence.TransactionID, data.Sequence.AuthorizationID, d.store.Commit(context.Background(), []payment.JournalEntry{entry})[0])
	}
}

func (d *deployment) drain() {
	for len(d.queue) > 0 {
		d.post(1)
	}
}

// tell says what posting says of a result.
func (d *deployment) tell(transactionID, authorizationID string, result ledger.Result) {
	for _, further := range result.Further {
		d.tell(further.Order.TransactionID, further.Order.AuthorizationID, further)
	}
	var refused *payment.Error
	switch {
	case errors.As(result.Err, &refused):
		d.say(events.TransactionRejected, events.SourcePosting, transactionID, authorizationID, authorizationID, events.ParkedData{})
	case result.Disposition == ledger.Posted:
		r := result.Record
		d.say(events.TransactionPosted, events.SourcePosting, transactionID, authorizationID, r.ID, events.PostedData{Sequence: r.Sequence, Outcome: r.Outcome, EntryHash: r.EntryHash, Legs: r.Legs})
	case result.Disposition == ledger.SamePurchase:
		d.say(events.DuplicateTransactionParked, events.SourcePosting, transactionID, authorizationID, authorizationID, events.ParkedData{})
	case result.Disposition == ledger.Waiting && result.Order != nil && len(result.Further) == 0:
		d.say(events.OrphanReversal, events.SourcePosting, transactionID, authorizationID, "R-060", events.LedgerFindingData{})
	default:
		require.NoError(d.t, result.Err)
	}
}

func (d *deployment) SendMessageBatch(_ context.Context, in *sqs.SendMessageBatchInput, _ ...func(*sqs.Options)) (*sqs.SendMessageBatchOutput, error) {
	out := &sqs.SendMessageBatchOutput{}
	for _, entry := range in.Entries {
		if d.refuse > 0 {
			d.refuse--
			out.Failed = append(out.Failed, types.BatchResultErrorEntry{Id: entry.Id, Code: aws.String("InternalError")})
			continue
		}
		require.Contains(d.t, *entry.MessageBody, `"replay-name":"rb_1"`)
		d.queue = append(d.queue, []byte(*entry.MessageBody))
	}
	return out, nil
}

func (d *deployment) GetQueueAttributes(context.Context, *sqs.GetQueueAttributesInput, ...func(*sqs.Options)) (*sqs.GetQueueAttributesOutput, error) {
	return &sqs.GetQueueAttributesOutput{Attributes: map[string]string{"ApproximateNumberOfMessages": strconv.Itoa(len(d.queue)),
		"ApproximateNumberOfMessagesNotVisible": "0", "ApproximateNumberOfMessagesDelayed": "0"}}, nil
}

func (d *deployment) hashes() map[string]string {
	hashes := map[string]string{}
	require.NoError(d.t, ledger.NewReader(d.table, "ledger").EachJournal(context.Background(), func(r ledger.Record) error { hashes[r.ID] = r.EntryHash; return nil }))
	return hashes
}

func (d *deployment) rebuilder() *Rebuilder {
	wait := func(context.Context, time.Duration) error {
		d.now = d.now.Add(time.Second)
		if !d.deaf {
			d.post(1 + d.random.Intn(8))
		}
		return nil
	}
	return &Rebuilder{Name: "rb_1", Queue: d, QueueURL: "queue", Quiet: 3 * time.Second, Purchases: ledger.NewReader(d.table, "ledger"), Wait: wait, Now: func() time.Time { return d.now },
		Journals: ledger.NewBulkReader(bulkread.Reader{Client: d.table, Wait: wait}, "ledger"), Progress: func(Step, int, int) {}}
}

// log is the audit log as a source: the kinds one after the other, each in any order and with some events twice.
func (d *deployment) log() Source {
	return func(_ context.Context, kinds []events.DetailType, visit func([]byte) error) error {
		for _, kind := range kinds {
			lines := append([][]byte(nil), d.audit[kind]...)
			lines = append(lines, lines[:len(lines)/4]...)
			d.random.Shuffle(len(lines), func(i, j int) { lines[i], lines[j] = lines[j], lines[i] })
			for _, line := range lines {
				if err := visit(append([]byte(nil), line...)); err != nil {
					return err
				}
			}
		}
		return nil
	}
}

// presentment is message k about the n-th purchase.
func presentment(t require.TestingT, n, k int, mti string, usd, gbp int64) payment.JournalEntry {
	basis := payment.Decided{
		Outcome: payment.OutcomePosted, MTI: mti, TransactionType: "00", MCC: "5411", Foreign: true, Charges: payment.Charges{FX: true}, TransmittedAt: start.Add(time.Duration(k) * time.Minute).Format(time.RFC3339),
		TransactionAmount: payment.Money{Minor: usd, Currency: "USD"}, BillingAmount: payment.Money{Minor: gbp, Currency: "GBP"}, AccountID: "acc-1", Scheme: "VISA",
		Terms: payment.Terms{FXFeeRate: "0.0299", FXFeeTaxRate: "0.20", TaxJurisdiction: "GB"}, ValueDate: "2026-07-10",
	}
	legs, err := payment.Legs(basis)
	require.NoError(t, err)
	key := fmt.Sprintf("KEY%018d%05d", n, k)
	return payment.JournalEntry{Legs: legs, Sequence: payment.Sequence{
		ID: payment.SequenceID(key, 0), Of: len(legs), Checksum: payment.Checksum(legs), TransactionID: payment.TransactionID(key), AuthorizationID: fmt.Sprintf("auth-%d-%d", n, k),
		BusinessKey: key, PayloadHash: "hash" + key, Outcome: payment.OutcomePosted, OccurredAt: events.FormatTime(start), Basis: basis, Links: payment.Links{Approval: fmt.Sprintf("CODE%d", n)},
	}}
}

func reversal(original payment.JournalEntry, n, k int, remains int64) payment.Order {
	key := fmt.Sprintf("REV%018d%05d", n, k)
	return payment.Order{Kind: payment.OrderReversal, PurchaseKey: original.BusinessKey, TransactionID: payment.TransactionID(key), AuthorizationID: fmt.Sprintf("auth-%d-r%d", n, k), BusinessKey: key,
		PayloadHash: "hash" + key, PANToken: "tok", OccurredAt: events.FormatTime(start), Outcome: payment.OutcomePosted, AccountID: "acc-1", TransmittedAt: start.Add(time.Hour).Format(time.RFC3339),
		TransactionType: "00", Scheme: "VISA", TransactionAmount: original.Basis.TransactionAmount, BillingAmount: original.Basis.BillingAmount,
		ReplacementAmount: &payment.Money{Minor: remains, Currency: "USD"}}
}

func overdue(original payment.JournalEntry, n int) payment.Order {
	key := fmt.Sprintf("DUE%023d", n)
	return payment.Order{Kind: payment.OrderOverdue, PurchaseKey: original.BusinessKey, TransactionID: payment.TransactionID(key), AuthorizationID: fmt.Sprintf("overdue-%d", n), BusinessKey: key,
		PayloadHash: "hash" + key, OccurredAt: events.FormatTime(start.Add(25 * time.Hour))}
}

// INV 6: whatever purchases went through, in whatever order posting met their messages, the audit log makes the same entries in an
// empty ledger.
func TestRebuiltLedgerHasTheSameHashes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		original := newDeployment(t, rapid.Int64().Draw(t, "seed"))
		for n := range rapid.IntRange(1, 4).Draw(t, "purchases") {
			first := presentment(t, n, 0, "0100", 10000, 7925)
			messages := []func(){func() { original.present(first) }}
			if rapid.Bool().Draw(t, "advised") {
				usd := rapid.SampledFrom([]int64{10000, 8000}).Draw(t, "advice")
				messages = append(messages, func() { original.present(presentment(t, n, 1, "0120", usd, usd*7925/10000)) })
			}
			if rapid.Bool().Draw(t, "completed") {
				usd := rapid.SampledFrom([]int64{10000, 12000, 3000}).Draw(t, "completion")
				messages = append(messages, func() { original.present(presentment(t, n, 2, "0220", usd, usd*7925/10000)) })
			}
			for k, remains := range rapid.SliceOfN(rapid.SampledFrom([]int64{0, 2500, 9000}), 0, 3).Draw(t, "reversals") {
				messages = append(messages, func() { original.order(reversal(first, n, k, remains)) })
			}
			if rapid.Bool().Draw(t, "overdue") {
				messages = append(messages, func() {
					// It comes a day after the reversals that it is about, and is done with before others come.
					original.drain()
					original.order(overdue(first, n))
					original.drain()
				})
			}
			for _, send := range rapid.Permutation(messages).Draw(t, "order") {
				send()
				original.post(rapid.IntRange(0, 6).Draw(t, "posted meanwhile"))
			}
		}
		original.drain()
		// What waits for 24 hours is no part of the journal, and what was said of it says when.
		want := original.hashes()

		empty := newDeployment(t, rapid.Int64().Draw(t, "other seed"))
		empty.refuse = rapid.IntRange(0, sendAttempts-1).Draw(t, "refused")
		plan, err := Read(context.Background(), original.log(), time.Time{}, func(int) {})
		require.NoError(t, err)
		report, err := empty.rebuilder().Run(context.Background(), plan, original.log())
		require.NoError(t, err)
		empty.drain()
		require.Empty(t, report.Differences)
		require.Equal(t, len(want), report.Same)
		require.Equal(t, want, empty.hashes())
	})
}

// rebuiltFrom rebuilds the original's audit log in another deployment.
func (d *deployment) rebuiltFrom(original *deployment) (Report, error) {
	plan, err := Read(context.Background(), original.log(), time.Time{}, func(int) {})
	require.NoError(d.t, err)
	return d.rebuilder().Run(context.Background(), plan, original.log())
}

// A message that fails, so that it is in the dead-letter queue and the queue is empty, holds back what came after it: the ledger would
// post that otherwise, and for good.
func TestRebuildWaitsForWhatFailed(t *testing.T) {
	original, empty := newDeployment(t, 1), newDeployment(t, 2)
	first, completion := presentment(t, 1, 0, "0100", 10000, 7925), presentment(t, 1, 2, "0220", 12000, 9510)
	for _, e := range []payment.JournalEntry{first, completion} {
		original.present(e)
		original.drain()
	}
	empty.poison = first.TransactionID
	report, err := empty.rebuiltFrom(original)
	require.ErrorIs(t, err, ErrStuck)
	require.ErrorContains(t, err, "1 purchases wait for an earlier message of theirs, the first for that with business key "+first.BusinessKey)
	require.Equal(t, []int{2, 2, 0}, []int{report.Units, report.Entries, report.Same}, "which the record of it needs")
	require.Empty(t, empty.hashes())

	empty.poison = ""
	report, err = empty.rebuiltFrom(original)
	require.NoError(t, err)
	require.Equal(t, 2, report.Same)
	require.Equal(t, original.hashes(), empty.hashes())
}

// Purchases that have to wait until the queue is empty wait at the same time, not one after the other.
func TestRebuildWaitsOnceForManyPurchases(t *testing.T) {
	original, empty := newDeployment(t, 1), newDeployment(t, 2)
	for n := range 30 {
		first := presentment(t, n, 0, "0100", 10000, 7925)
		original.order(reversal(first, n, 0, 0))
		original.drain()
		original.present(first)
		original.drain()
	}
	plan, err := Read(t.Context(), original.log(), time.Time{}, func(int) {})
	require.NoError(t, err)
	rebuilder, steps := empty.rebuilder(), map[Step]int{}
	rebuilder.Wait = func(context.Context, time.Duration) error {
		empty.now = empty.now.Add(time.Second)
		empty.drain()
		return nil
	}
	rebuilder.Progress = func(step Step, done, total int) {
		require.LessOrEqual(t, done, total)
		steps[step] = total - done
	}
	_, err = rebuilder.Run(t.Context(), plan, original.log())
	require.NoError(t, err)
	require.Equal(t, original.hashes(), empty.hashes())
	require.Less(t, empty.now.Sub(start), 3*rebuilder.Quiet)
	require.Equal(t, map[Step]int{Sending: 0, InTurn: 0, Posting: 0}, steps, "each comes to its end")
}

// Legs that Firehose still holds, or that were lost, cannot be waited for.
func TestAuditLogThatLacksLegs(t *testing.T) {
	original, empty := newDeployment(t, 1), newDeployment(t, 2)
	whole, part := presentment(t, 1, 0, "0100", 10000, 7925), presentment(t, 2, 0, "0100", 10000, 7925)
	original.present(whole)
	original.present(part)
	original.drain()
	legs := original.audit[events.PostingLegCreated]
	original.audit[events.PostingLegCreated] = append(legs[:7:7], legs[7])
	plan, err := Read(t.Context(), original.log(), time.Time{}, func(int) {})
	require.NoError(t, err)
	n, sequence := plan.Lacking()
	require.Equal(t, 1, n)
	require.Equal(t, part.ID, sequence)
	report, err := empty.rebuiltFrom(original)
	require.NoError(t, err)
	require.Equal(t, []int{1, 1}, []int{report.Same, report.Different})
	require.Equal(t, []Difference{{Sequence: part.ID, Want: part.Hash()}}, report.Differences)
	require.Less(t, empty.now.Sub(start), patience)
}

// What was on its way to posting at that time is in no books of it.
func TestRebuildLeavesOutWhatWasPostedLater(t *testing.T) {
	original, empty := newDeployment(t, 1), newDeployment(t, 2)
	first := presentment(t, 1, 0, "0100", 10000, 7925)
	original.present(first)
	original.drain()
	before := maps.Clone(original.hashes())
	original.present(presentment(t, 1, 2, "0220", 12000, 9510))
	original.present(presentment(t, 2, 0, "0100", 10000, 7925))
	noon := original.now.Add(time.Millisecond)
	original.drain()
	require.Len(t, original.hashes(), 3)
	plan, err := Read(t.Context(), original.log(), noon, func(int) {})
	require.NoError(t, err)
	require.Equal(t, 1, plan.Entries())
	_, err = empty.rebuilder().Run(t.Context(), plan, original.log())
	require.NoError(t, err)
	empty.drain()
	require.Equal(t, before, empty.hashes())
}

func TestRebuildUpToATime(t *testing.T) {
	original := newDeployment(t, 1)
	original.present(presentment(t, 1, 0, "0100", 10000, 7925))
	original.drain()
	noon, before := original.now.Add(time.Millisecond), maps.Clone(original.hashes())
	original.present(presentment(t, 2, 0, "0100", 10000, 7925))
	original.drain()
	require.Len(t, original.hashes(), 2)
	plan, err := Read(t.Context(), original.log(), noon, func(int) {})
	require.NoError(t, err)
	empty := newDeployment(t, 2)
	_, err = empty.rebuilder().Run(t.Context(), plan, original.log())
	require.NoError(t, err)
	require.Equal(t, before, empty.hashes())
}

func TestRebuildTellsWhatIsNotTheSame(t *testing.T) {
	original, empty := newDeployment(t, 1), newDeployment(t, 2)
	one := presentment(t, 1, 0, "0100", 10000, 7925)
	original.present(one)
	original.drain()
	other := presentment(t, 1, 0, "0100", 20000, 15850)
	other.AuthorizationID = one.AuthorizationID
	require.Equal(t, ledger.Posted, empty.store.Commit(t.Context(), []payment.JournalEntry{other})[0].Disposition)
	plan, err := Read(t.Context(), original.log(), time.Time{}, func(int) {})
	require.NoError(t, err)
	empty.deaf = true
	report, err := empty.rebuilder().Run(t.Context(), plan, original.log())
	require.NoError(t, err)
	require.Equal(t, 1, report.Different)
	require.Equal(t, []Difference{{Sequence: one.ID, Want: one.Hash(), Got: other.Hash()}}, report.Differences)
}

func TestRebuildThatComesToNothingEnds(t *testing.T) {
	original, empty := newDeployment(t, 1), newDeployment(t, 2)
	original.present(presentment(t, 1, 0, "0100", 10000, 7925))
	original.drain()
	original.present(presentment(t, 1, 1, "0220", 12000, 9510))
	original.drain()
	plan, err := Read(t.Context(), original.log(), time.Time{}, func(int) {})
	require.NoError(t, err)
	empty.deaf = true
	_, err = empty.rebuilder().Run(t.Context(), plan, original.log())
	require.ErrorIs(t, err, ErrStuck)
}

func TestAuditLogThatCannotBeRead(t *testing.T) {
	for name, line := range map[string]string{
		"no JSON":            `{`,
		"no time":            `{"detail-type":"PostingLegCreated","detail":{"metadata":{"eventId":"e"},"data":{}}}`,
		"no sequence":        `{"detail-type":"PostingLegCreated","detail":{"metadata":{"eventId":"e","publishedAt":"2026-07-09T10:15:31.000Z"},"data":{}}}`,
		"an order of no use": `{"detail-type":"PostingOrderCreated","detail":{"metadata":{"eventId":"e","publishedAt":"2026-07-09T10:15:31.000Z"},"data":{}}}`,
		"a posting of text":  `{"detail-type":"TransactionPosted","detail":{"metadata":{"eventId":"e","publishedAt":"2026-07-09T10:15:31.000Z"},"data":"x"}}`,
	} {
		t.Run(name, func(t *testing.T) { require.ErrorContains(t, NewPlan(time.Time{}).Add([]byte(line)), "the audit log") })
	}
}
