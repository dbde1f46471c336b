package reconcile

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/events"
	"github.com/payrail/payrail/internal/authorizationitem"
	"github.com/payrail/payrail/internal/ingest"
	"github.com/payrail/payrail/internal/ledger"
	"github.com/payrail/payrail/internal/timeline"
	"github.com/payrail/payrail/payment"
)

// now is when runs are made, written when payments came in: longer ago than any stage may take.
var (
	now     = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	written = now.Add(-time.Hour)
)

// world has all three sides in memory. What is published takes the normal path: the pipeline's effect without the pipeline.
type world struct {
	t         require.TestingT
	now       time.Time
	items     map[string]item
	journal   map[string]ledger.Record
	broken    map[string]error // journal items that cannot be read
	told      map[string][]timeline.Entry
	waiting   map[string][]Waiting
	locations map[string]Location
	suspended []ledger.SuspenseItem
	reports   map[string]string
	published []events.Event
	// aside are authorizations that dedup sets aside; deaf is what publishing fails with, unrecorded what the audit log lacks.
	aside      map[string]bool
	deaf       error
	unrecorded map[string]bool
	outcomes   bool
	since      time.Time // from when on events are known
	reads      int
	before     func()
}

func newWorld(t require.TestingT) *world {
	return &world{t: t, now: now, items: map[string]item{}, journal: map[string]ledger.Record{}, broken: map[string]error{}, told: map[string][]timeline.Entry{},
		waiting: map[string][]Waiting{}, locations: map[string]Location{}, reports: map[string]string{}, aside: map[string]bool{}, unrecorded: map[string]bool{}}
}

func (w *world) options() Options {
	return Options{Authorizations: w, Journal: journalOf{w}, Events: eventsOf{w}, Assembly: assemblyOf{w}, Locator: w, Resender: w, Decisions: w, Clearer: w,
		Publisher: w, Reports: w, Logger: slog.New(slog.DiscardHandler), Now: func() time.Time { return w.now }, NewID: func() string { return "7f3a" },
		Patching: true, Caps: Caps{Patches: 100}, Grace: 5 * time.Minute}
}

func (w *world) run(request Request, change ...func(*Options)) *Report {
	options := w.options()
	for _, c := range change {
		c(&options)
	}
	request.Actor = cmp.Or(request.Actor, "test")
	report, err := New(options).Run(context.Background(), request)
	require.NoError(w.t, err)
	return report
}

// authorize writes the n-th authorization, stamped.
func (w *world) authorize(n int, changes ...string) payment.Authorization {
	i := anItem(n, changes...)
	ingest.Stamp(i, written)
	w.items[i.ID()] = i
	return readAuthorization(i).parsed
}

func anItem(n int, changes ...string) item {
	i := item{}
	set := func(attributes ...string) {
		for k := 0; k < len(attributes); k += 2 {
			i[attributes[k]] = &types.AttributeValueMemberS{Value: attributes[k+1]}
		}
	}
	set("authorizationId", fmt.Sprintf("auth-%d", n), "status", payment.StatusApproved, "mti", "0100", "panToken", "tok_v1_7Q2M7XKD4ZP5R6TB3W5YHC2NEF", "panLast4", "1111",
		"bin", "411111", "processingCode", "000000", "transactionCurrency", "GBP", "billingCurrency", "GBP", "stan", fmt.Sprintf("%06d", n), "acquirerId", "400010",
		"transmittedAt", written.Format(time.RFC3339), "authCode", "A1B2C3", "responseCode", "00", "mcc", "5411", "merchantName", "ACME STORE", "merchantCity", "LONDON",
		"merchantCountry", "GB", "merchantId", "MERCHANT0000001", "acquirerCountry", "826", "issuerCountry", "826")
	i["transactionAmount"], i["billingAmount"] = &types.AttributeValueMemberN{Value: "1981"}, &types.AttributeValueMemberN{Value: "1981"}
	set(changes...)
	return i
}

// post puts the payment of an authorization into the journal.
func (w *world) post(a payment.Authorization, change ...func(*payment.JournalEntry)) ledger.Record {
	legs, err := payment.Legs(payment.Decided{Outcome: payment.OutcomePosted, TransactionType: "00", MCC: a.MCC, BillingAmount: a.BillingAmount, AccountID: "acc-1", Scheme: "VISA"})
	require.NoError(w.t, err)
	key := a.BusinessKey()
	e := payment.JournalEntry{Legs: legs, Sequence: payment.Sequence{ID: payment.SequenceID(key, 0), TransactionID: payment.TransactionID(key), AuthorizationID: a.ID,
		BusinessKey: key, PayloadHash: a.PayloadHash(), Outcome: payment.OutcomePosted, OccurredAt: events.FormatTime(written)}}
	for _, c := range change {
		c(&e)
	}
	e.Of, e.Checksum = len(e.Legs), payment.Checksum(e.Legs)
	record := ledger.Record{JournalEntry: e, EntryHash: e.Hash(), PostedAt: events.FormatTime(written.Add(time.Second))}
	w.journal[record.ID] = record
	return record
}

// tell records events of an authorization.
func (w *world) tell(a payment.Authorization, detailTypes ...events.DetailType) {
	tx := payment.TransactionID(a.BusinessKey())
	for _, detailType := range detailTypes {
		subject := tx
		if detailType == events.TransactionPosted {
			subject = payment.SequenceID(a.BusinessKey(), 0)
		}
		w.record(timeline.Entry{TransactionID: tx, EventID: subject + "/" + string(detailType), DetailType: detailType, AuthorizationID: a.ID,
			OccurredAt: events.FormatTime(written), PublishedAt: events.FormatTime(written.Add(time.Second))})
	}
}

func (w *world) record(e timeline.Entry) {
	for i, known := range w.told[e.TransactionID] {
		if known.EventID == e.EventID {
			w.told[e.TransactionID][i] = e
			return
		}
	}
	w.told[e.TransactionID] = append(w.told[e.TransactionID], e)
}

// whole is a payment that is well on all sides.
func (w *world) whole(n int) payment.Authorization {
	a := w.authorize(n)
	w.tell(a, events.TransactionAuthorized, events.TransactionPostingApproved, events.TransactionPosted)
	w.post(a)
	return a
}

func (w *world) InBucket(_ context.Context, bucket string, from, to time.Time, visit func(StampedAuthorization) error) error {
	for _, id := range slices.Sorted(maps.Keys(w.items)) {
		a := readAuthorization(w.items[id])
		if a.item.Attributes()[ingest.BucketAttribute].Text != bucket || a.at.Before(from) || a.at.After(to) {
			continue
		}
		if err := visit(StampedAuthorization{ID: id, Approved: a.approved, At: a.at, Billed: a.parsed.BillingAmount, Reversal: a.parsed.IsReversal()}); err != nil {
			return err
		}
	}
	return nil
}

func (w *world) Segment(ctx context.Context, segment, segments int, visit func(authorizationitem.Item) error) error {
	for _, id := range slices.Sorted(maps.Keys(w.items)) {
		if err := ctx.Err(); err != nil {
			return err
		}
		if ingest.Shard(id)%segments == segment {
			if err := visit(w.items[id]); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *world) Get(_ context.Context, ids []string) (map[string]authorizationitem.Item, error) {
	if w.before != nil {
		w.before()
	}
	w.reads += len(ids)
	found := map[string]item{}
	for _, id := range ids {
		if i, ok := w.items[id]; ok {
			found[id] = i
		}
	}
	return found, nil
}

type journalOf struct{ *world }

func (j journalOf) InBucket(_ context.Context, bucket string, from, to time.Time, visit func(ledger.Stamped) error) error {
	for _, id := range slices.Sorted(maps.Keys(j.journal)) {
		record := j.journal[id]
		at := timeOf(record.OccurredAt)
		if ingest.Bucket(at, record.AuthorizationID) != bucket || at.Before(from) || at.After(to) {
			continue
		}
		if err := visit(stamped(record)); err != nil {
			return err
		}
	}
	return nil
}

func (j journalOf) Segment(_ context.Context, segment, segments int, visit func(ledger.Read) error, suspense func(ledger.SuspenseItem) error) error {
	for _, id := range slices.Sorted(maps.Keys(j.journal)) {
		if ingest.Shard(id)%segments == segment {
			if err := visit(ledger.Read{SequenceID: id, Record: j.journal[id], Err: j.broken[id]}); err != nil {
				return err
			}
		}
	}
	for _, s := range j.suspended {
		if err := suspense(s); err != nil {
			return err
		}
	}
	return nil
}

func (j journalOf) Journals(_ context.Context, sequences []string) (map[string]ledger.Read, error) {
	found := map[string]ledger.Read{}
	for _, id := range sequences {
		if record, ok := j.journal[id]; ok {
			found[id] = ledger.Read{SequenceID: id, Record: record, Err: j.broken[id]}
		}
	}
	return found, nil
}

type eventsOf struct{ *world }

func (e eventsOf) Source() string { return FromTimeline }
func (e eventsOf) Complete() bool { return !e.outcomes }

func (e eventsOf) Since() time.Time { return e.since }

func (e eventsOf) Known(_ context.Context, keys []EventKey) (map[EventKey]bool, error) {
	known := map[EventKey]bool{}
	for _, key := range keys {
		known[key] = slices.ContainsFunc(e.told[key.TransactionID], func(t timeline.Entry) bool { return t.EventID == key.EventID })
	}
	return known, nil
}

func (e eventsOf) Trace(_ context.Context, transactionID string) ([]timeline.Entry, error) {
	happened := slices.Clone(e.told[transactionID])
	timeline.Sort(happened)
	return happened, nil
}

type assemblyOf struct{ *world }

func (a assemblyOf) Waiting(_ context.Context, sequence string) ([]Waiting, error) {
	return a.waiting[sequence], nil
}

func (w *world) Locate(_ context.Context, a payment.Authorization) (Location, error) {
	return w.locations[a.BusinessKey()], nil
}

// Resend forwards what dedup would.
func (w *world) Resend(_ context.Context, i authorizationitem.Item, at time.Time) ([]events.Event, error) {
	a := readAuthorization(i)
	if w.aside[a.id] {
		w.tell(a.parsed, events.DuplicateTransactionParked)
		return nil, nil
	}
	metadata := events.First(events.TransactionAuthorized, a.transactionID, a.id, a.parsed.PANToken, recordID(a.id), at, w.now)
	event, err := events.New(events.TransactionAuthorized, events.SourceReconcile, metadata, events.AuthorizedData{Authorization: a.parsed, BusinessKey: a.key, PayloadHash: a.hash})
	return []events.Event{event}, err
}

func (w *world) Decision(_ context.Context, key EventKey, detailType events.DetailType, _ time.Time) (events.Event, bool, error) {
	for _, e := range w.told[key.TransactionID] {
		if e.EventID == key.EventID && !w.unrecorded[key.EventID] {
			metadata := events.Metadata{EventID: key.EventID, TransactionID: key.TransactionID, CorrelationID: e.AuthorizationID, OccurredAt: e.OccurredAt, PublishedAt: events.FormatTime(w.now)}
			event, err := events.New(detailType, events.SourceReconcile, metadata, struct{}{})
			return event, true, err
		}
	}
	return events.Event{}, false, nil
}

func (w *world) Clearing(_ context.Context, s ledger.SuspenseItem) (payment.Order, bool, error) {
	if s.AuthorizationID != "auth-open" {
		return payment.Order{}, false, nil
	}
	return payment.Order{Kind: payment.OrderClearing, PurchaseKey: s.PurchaseKey, BusinessKey: s.PurchaseKey, TransactionID: s.TransactionID, AuthorizationID: s.AuthorizationID,
		PayloadHash: "00", OccurredAt: events.FormatTime(w.now), AccountID: "acc-1"}, true, nil
}

// Publish has the effect that the pipeline would have.
func (w *world) Publish(_ context.Context, all []events.Event) events.Failures {
	if w.deaf != nil {
		return events.Failures{0: w.deaf}
	}
	for _, event := range all {
		w.published = append(w.published, event)
		var detail events.Detail[json.RawMessage]
		require.NoError(w.t, json.Unmarshal(event.Detail, &detail))
		m := detail.Metadata
		w.record(timeline.Entry{TransactionID: m.TransactionID, EventID: m.EventID, DetailType: event.DetailType, AuthorizationID: m.CorrelationID,
			OccurredAt: m.OccurredAt, PublishedAt: m.PublishedAt})
		switch event.DetailType {
		case events.TransactionAuthorized, events.TransactionPostingApproved:
			a := readAuthorization(w.items[m.CorrelationID]).parsed
			w.tell(a, events.TransactionPostingApproved, events.TransactionPosted)
			if _, ok := w.journal[payment.SequenceID(a.BusinessKey(), 0)]; !ok {
				w.post(a)
			}
		}
	}
	return nil
}

func (w *world) Put(_ context.Context, key, _ string, body []byte) error {
	w.reports[key] = string(body)
	return nil
}

func (w *world) kinds() []events.DetailType {
	var kinds []events.DetailType
	for _, event := range w.published {
		kinds = append(kinds, event.DetailType)
	}
	return kinds
}

// found is what a report lists: category, status, action, key.
func found(report *Report) []string {
	list := []string{}
	for _, b := range report.Breaks {
		list = append(list, fmt.Sprintf("%s %s %s %s", b.Category, b.Status, b.Action, b.Key))
	}
	slices.Sort(list)
	return list
}

// requireClean runs once more: nothing may be found or patched.
func (w *world) requireClean(t *testing.T) {
	t.Helper()
	w.now = w.now.Add(time.Hour)
	report := w.run(Request{From: written.Add(-time.Hour), To: w.now})
	require.Empty(t, found(report))
	require.Empty(t, report.Patches)
	require.True(t, report.Balanced)
	require.Equal(t, "100.00", report.Summary.MatchRatePct)
}

var errDeaf = errors.New("throttled")
