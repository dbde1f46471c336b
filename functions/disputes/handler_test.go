package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/events"
	"github.com/payrail/payrail/internal/batch"
	"github.com/payrail/payrail/internal/disputes"
	"github.com/payrail/payrail/internal/ledger"
	"github.com/payrail/payrail/internal/ledger/ledgertest"
	"github.com/payrail/payrail/payment"
)

var today = time.Date(2026, 7, 20, 9, 0, 0, 0, time.UTC)

// told keeps what was published; failing is the number of events that are not taken.
type told struct {
	events  []events.Event
	failing int
}

func (b *told) Publish(_ context.Context, all []events.Event) events.Failures {
	failures := events.Failures{}
	for i, event := range all {
		if b.failing > 0 {
			b.failing--
			failures[i] = errors.New("throttled")
			continue
		}
		b.events = append(b.events, event)
	}
	return failures
}

// world is an agent on a ledger in memory, with one case of worked example E7.
type world struct {
	*agent
	desk  *disputes.Desk
	table *ledgertest.Table
	bus   *told
	log   *bytes.Buffer
	id    string
}

func newWorld(t *testing.T, credit bool) *world {
	t.Helper()
	w := &world{table: ledgertest.NewTable(), bus: &told{}, log: &bytes.Buffer{}}
	logger := slog.New(slog.NewTextHandler(w.log, nil))
	clock := func() time.Time { return today }
	wait := func(ctx context.Context, _ time.Duration) error { return ctx.Err() }
	jitter := func(d time.Duration) time.Duration { return d }
	w.desk = disputes.NewDesk(disputes.Options{Store: disputes.NewStore(w.table, "ledger", ledger.NewReader(w.table, "ledger")), Publisher: &told{}, Logger: logger,
		Policy: payment.DisputePolicy{Window: 120 * 24 * time.Hour, ProvisionalCredit: credit}, Now: clock, Wait: wait, Jitter: jitter})
	w.agent = &agent{desk: w.desk, publisher: w.bus, now: clock, logger: logger}

	key := strings.Repeat("P", 52)
	decided := payment.Decided{Outcome: payment.OutcomePosted, MTI: "0100", TransactionType: "00", MCC: "5411", Foreign: true, Charges: payment.Charges{FX: true},
		TransmittedAt: "2026-07-09T10:15:30Z", TransactionAmount: payment.Money{Minor: 10000, Currency: "USD"}, BillingAmount: payment.Money{Minor: 7925, Currency: "GBP"},
		AccountID: "acc-alice", Scheme: "VISA", Terms: payment.Terms{FXFeeRate: "0.0299"}, Description: "ACME STORE NEW YORK US USD 100.00", ValueDate: "2026-07-10"}
	legs, err := payment.Legs(decided)
	require.NoError(t, err)
	store := ledger.New(ledger.Options{Client: w.table, Table: "ledger", Now: clock, Wait: wait, Jitter: jitter})
	result := store.Commit(t.Context(), []payment.JournalEntry{{Legs: legs, Sequence: payment.Sequence{
		ID: payment.SequenceID(key, 0), Of: len(legs), Checksum: payment.Checksum(legs), TransactionID: payment.TransactionID(key), AuthorizationID: "auth-1",
		BusinessKey: key, PayloadHash: strings.Repeat("0", 64), Outcome: payment.OutcomePosted, OccurredAt: "2026-07-09T10:15:31.000Z", Basis: decided}}})
	require.NoError(t, result[0].Err)
	c, _, err := w.desk.Open(t.Context(), disputes.Request{IdempotencyKey: "a-key-of-it", PurchaseKey: key[:26], ReasonCode: "13.1", By: "customer"})
	require.NoError(t, err)
	w.id = c.CaseID
	return w
}

// message is an event as the queue delivers it.
func message(t *testing.T, event events.Event) batch.Message {
	t.Helper()
	body, err := json.Marshal(events.Envelope{ID: "1", DetailType: event.DetailType, Source: event.Source, Detail: event.Detail})
	require.NoError(t, err)
	return batch.Message{ID: "m-1", Body: body, Receives: 1}
}

// news tells the agent where the case stands.
func (w *world) news(t *testing.T, detailType events.DetailType) batch.Message {
	t.Helper()
	c, err := w.desk.Case(t.Context(), w.id)
	require.NoError(t, err)
	event, err := events.NewDispute(detailType, events.SourceDisputes, c.Dispute, today)
	require.NoError(t, err)
	return message(t, event)
}

// posted tells the agent that the ledger has a sequence.
func posted(t *testing.T, authorizationID, sequence string) batch.Message {
	t.Helper()
	metadata := events.First(events.TransactionPosted, "tx_"+sequence[3:29], authorizationID, "", "cause", today, today)
	event, err := events.New(events.TransactionPosted, events.SourcePosting, metadata,
		events.PostedData{Sequence: payment.Sequence{ID: sequence, AuthorizationID: authorizationID}, Outcome: payment.OutcomePosted})
	require.NoError(t, err)
	return message(t, event)
}

// take has the agent handle messages and returns the kinds of event that it published.
func (w *world) take(t *testing.T, messages ...batch.Message) (kinds []string) {
	t.Helper()
	w.bus.events = nil
	for _, err := range w.handle(t.Context(), messages) {
		require.NoError(t, err)
	}
	for _, event := range w.bus.events {
		kinds = append(kinds, string(event.DetailType))
	}
	return kinds
}

// requested is the request in the last event that was published.
func (w *world) requested(t *testing.T) (request payment.PostingRequest, sequence string) {
	t.Helper()
	var detail events.Detail[events.PostingRequestedData]
	require.NoError(t, json.Unmarshal(w.bus.events[len(w.bus.events)-1].Detail, &detail))
	return detail.Data.Request, payment.SequenceID(detail.Data.Request.BusinessKey(), 0)
}

func (w *world) decide(t *testing.T, outcome payment.DisputeState) {
	t.Helper()
	_, err := w.desk.Advance(t.Context(), w.id, func(d payment.Dispute) (payment.Dispute, error) {
		return d.Decide(outcome, payment.Money{}, today, "operator", "")
	})
	require.NoError(t, err)
}

func TestACaseFromItsOpeningToItsEnd(t *testing.T) {
	w := newWorld(t, true)
	require.Equal(t, []string{"PostingRequested"}, w.take(t, w.news(t, events.DisputeOpened)))
	credit, sequence := w.requested(t)
	require.Equal(t, payment.RequestDisputeProvisional, credit.Kind)
	require.Equal(t, int64(7925), credit.Amounts.Principal.Minor)
	require.Equal(t, int64(237), credit.Amounts.FXFee.Minor)
	require.Equal(t, []string{"PostingRequested"}, w.take(t, w.news(t, events.DisputeOpened)), "asked for until it is posted")

	for range 2 { // told at least once
		require.Equal(t, []string{"ProvisionalCreditPosted"}, w.take(t, posted(t, w.id, sequence)))
	}
	require.Empty(t, w.take(t, w.news(t, events.DisputeOpened)), "old news")

	w.decide(t, payment.DisputeLostCustomer)
	require.Equal(t, []string{"PostingRequested"}, w.take(t, w.news(t, events.DisputeAdvanced)))
	end, closing := w.requested(t)
	require.Equal(t, payment.RequestDisputeLostCustomer, end.Kind)
	for range 2 {
		require.Equal(t, []string{"DisputeResolved"}, w.take(t, posted(t, w.id, closing)))
	}
	c, err := w.desk.Case(t.Context(), w.id)
	require.NoError(t, err)
	require.Equal(t, payment.DisputeLostCustomer, c.State)
	require.Equal(t, []string{"ProvisionalCreditPosted"}, w.take(t, posted(t, w.id, sequence)), "told late")
	require.Empty(t, w.take(t, w.news(t, events.DisputeAdvanced)))
}

// A case that is decided before its credit is posted is credited first, and then closed.
func TestADecisionWaitsForTheCredit(t *testing.T) {
	w := newWorld(t, true)
	w.decide(t, payment.DisputeLostBank)
	require.Equal(t, []string{"PostingRequested"}, w.take(t, w.news(t, events.DisputeAdvanced)))
	credit, sequence := w.requested(t)
	require.Equal(t, payment.RequestDisputeProvisional, credit.Kind)
	require.Equal(t, []string{"ProvisionalCreditPosted", "PostingRequested"}, w.take(t, posted(t, w.id, sequence)))
	end, _ := w.requested(t)
	require.Equal(t, payment.RequestDisputeLostBank, end.Kind)
}

func TestACaseWithoutPostingsEndsAtOnce(t *testing.T) {
	w := newWorld(t, false)
	require.Empty(t, w.take(t, w.news(t, events.DisputeOpened)))
	w.decide(t, payment.DisputeWithdrawn)
	require.Equal(t, []string{"DisputeResolved"}, w.take(t, w.news(t, events.DisputeAdvanced)))
}

// What was recorded but not told is told when the message comes again.
func TestAFailedPublishIsMadeUpFor(t *testing.T) {
	w := newWorld(t, true)
	w.take(t, w.news(t, events.DisputeOpened))
	_, sequence := w.requested(t)
	w.bus.failing = 1
	results := w.handle(t.Context(), []batch.Message{posted(t, w.id, sequence)})
	require.ErrorContains(t, results[0], "throttled")
	require.Equal(t, []string{"ProvisionalCreditPosted"}, w.take(t, posted(t, w.id, sequence)))
}

func TestWhatIsNotOurs(t *testing.T) {
	w := newWorld(t, true)
	sequence := "ps_" + strings.Repeat("A", 26) + "-00"
	require.Empty(t, w.take(t, posted(t, "auth-1", sequence)))
	require.Empty(t, w.take(t, posted(t, "dsp_of-some-authorizer", sequence)))
	require.Contains(t, w.log.String(), "a posting is of no case")

	results := w.handle(t.Context(), []batch.Message{posted(t, w.id, sequence), {ID: "m-2", Body: []byte("{")}})
	require.Equal(t, payment.ReasonUnexpectedEntry, payment.ReasonOf(results[0]), "a posting under a case's name that the case does not wait for")
	require.Equal(t, batch.ReasonUnreadable, payment.ReasonOf(results[1]))
	event, err := events.NewDispute(events.DisputeOpened, events.SourceDisputes, payment.Dispute{CaseID: "dsp_gone", TransactionID: "tx_1", OpenedAt: events.FormatTime(today),
		Amount: payment.Money{Currency: "GBP"}, FXFee: payment.Money{Currency: "GBP"}, FXFeeTax: payment.Money{Currency: "GBP"}}, today)
	require.NoError(t, err)
	results = w.handle(t.Context(), []batch.Message{message(t, event)})
	require.Equal(t, payment.Invalid, payment.KindOf(results[0]))
}
