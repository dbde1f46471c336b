package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/events"
	"github.com/payrail/payrail/internal/batch"
	"github.com/payrail/payrail/internal/ledger"
	"github.com/payrail/payrail/internal/ledger/ledgertest"
	"github.com/payrail/payrail/internal/parked"
	"github.com/payrail/payrail/payment"
)

var start = time.Date(2026, 7, 9, 10, 15, 32, 0, time.UTC)

// world is everything around posting, in memory. It is safe for concurrent use.
type world struct {
	table *ledgertest.Table

	mu        sync.Mutex
	now       time.Time
	assembly  map[string]map[string]types.AttributeValue
	updates   int
	objects   map[string]parked.Record
	published []events.Event
	// fault is asked before and after each effect of assembly, parking and publishing; nil for none.
	fault func() error
}

func newWorld() *world {
	return &world{table: ledgertest.NewTable(), now: start, assembly: map[string]map[string]types.AttributeValue{}, objects: map[string]parked.Record{}}
}

func (w *world) tick() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(time.Second)
	return w.now
}

func (w *world) poster() *poster {
	return &poster{
		assembly: &assemblyTable{client: w, table: "assembly", now: w.tick},
		ledger: ledger.New(ledger.Options{Client: w.table, Table: "ledger", Now: w.tick,
			Wait:   func(context.Context, time.Duration) error { runtime.Gosched(); return nil },
			Jitter: func(d time.Duration) time.Duration { return d }}),
		parked: w, publisher: w, now: w.tick,
	}
}

func (w *world) ask() error {
	if w.fault == nil {
		return nil
	}
	return w.fault()
}

// UpdateItem does SET with plain values and if_not_exists, and returns ALL_NEW.
func (w *world) UpdateItem(_ context.Context, in *dynamodb.UpdateItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.ask(); err != nil {
		return nil, err
	}
	if in.ReturnValues != types.ReturnValueAllNew || !strings.HasPrefix(*in.UpdateExpression, "SET ") {
		return nil, errors.New("ValidationException")
	}
	w.updates++
	id := in.Key["sequence"].(*types.AttributeValueMemberS).Value + "|" + in.Key["checksum"].(*types.AttributeValueMemberS).Value
	item := w.assembly[id]
	if item == nil {
		item = maps.Clone(in.Key)
		w.assembly[id] = item
	}
	for placeholder, name := range in.ExpressionAttributeNames {
		_, exists := item[name]
		if exists && strings.Contains(*in.UpdateExpression, placeholder+" = if_not_exists("+placeholder+", :"+name+")") {
			continue
		}
		item[name] = in.ExpressionAttributeValues[":"+name]
	}
	return &dynamodb.UpdateItemOutput{Attributes: maps.Clone(item)}, w.ask()
}

func (w *world) Put(_ context.Context, record parked.Record) (string, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.ask(); err != nil {
		return "", err
	}
	w.objects[record.Key()] = record
	return record.Key(), w.ask()
}

func (w *world) PutNew(ctx context.Context, record parked.Record) (string, bool, error) {
	w.mu.Lock()
	_, known := w.objects[record.Key()]
	w.mu.Unlock()
	if known {
		return record.Key(), false, w.ask()
	}
	key, err := w.Put(ctx, record)
	return key, err == nil, err
}

func (w *world) Publish(_ context.Context, all []events.Event) events.Failures {
	w.mu.Lock()
	defer w.mu.Unlock()
	failures := events.Failures{}
	for i, event := range all {
		if err := w.ask(); err != nil {
			failures[i] = err
			continue
		}
		w.published = append(w.published, event)
		if err := w.ask(); err != nil {
			failures[i] = err
		}
	}
	return failures
}

// ids are the ids of what was published, in order.
func (w *world) ids(t require.TestingT) []string {
	var ids []string
	for _, event := range w.published {
		var detail events.Detail[json.RawMessage]
		require.NoError(t, json.Unmarshal(event.Detail, &detail))
		require.Equal(t, events.SourcePosting, event.Source)
		ids = append(ids, detail.Metadata.EventID)
	}
	return ids
}

func (w *world) requireSound(t require.TestingT, journalEntries int) {
	v, err := ledger.NewReader(w.table, "ledger").Verify(context.Background())
	require.NoError(t, err)
	require.Empty(t, v.Findings)
	require.EqualValues(t, journalEntries, v.JournalEntries)
}

// entry is the n-th payment: a foreign purchase with fee and tax, six legs, GBP 82.09 from the account.
func entry(t require.TestingT, n int, account string) payment.JournalEntry {
	legs, err := payment.Legs(payment.Decided{
		Outcome: payment.OutcomePosted, TransactionType: "00", MCC: "5411", Foreign: true, Charges: payment.Charges{FX: true}, BillingAmount: payment.Money{Minor: 7925, Currency: "GBP"},
		AccountID: account, Scheme: "VISA", Terms: payment.Terms{FXFeeRate: "0.0299", FXFeeTaxRate: "0.20", TaxJurisdiction: "GB"},
		Description: "ACME STORE", ValueDate: "2026-07-10",
	})
	require.NoError(t, err)
	key := fmt.Sprintf("KEY%023d", n)
	return payment.JournalEntry{Legs: legs, Sequence: payment.Sequence{
		ID: payment.SequenceID(key, 0), Of: len(legs), Checksum: payment.Checksum(legs), TransactionID: payment.TransactionID(key),
		AuthorizationID: fmt.Sprintf("auth-%d", n), BusinessKey: key, PayloadHash: fmt.Sprintf("hash-%d", n),
		Outcome: payment.OutcomePosted, OccurredAt: "2026-07-09T10:15:31.123Z",
	}}
}

func message(t require.TestingT, sequence payment.Sequence, leg payment.Leg, replay string) batch.Message {
	metadata := events.First(events.TransactionPostingApproved, sequence.TransactionID, sequence.AuthorizationID, "tok", "c", start, start)
	metadata.PostingSequence = sequence.ID
	detail, err := json.Marshal(events.Detail[events.LegData]{
		Metadata: metadata.Next(events.PostingLegCreated, fmt.Sprint(leg.Number), start), Data: events.LegData{Sequence: sequence, Leg: leg}})
	require.NoError(t, err)
	body, err := json.Marshal(events.Envelope{ID: "id", DetailType: events.PostingLegCreated, Source: events.SourceAccountInterface, ReplayName: replay, Detail: detail})
	require.NoError(t, err)
	return batch.Message{ID: fmt.Sprintf("%s/%d", sequence.ID, leg.Number), Body: body, Receives: 1}
}

func messages(t require.TestingT, e payment.JournalEntry) []batch.Message {
	var all []batch.Message
	for _, leg := range e.Legs {
		all = append(all, message(t, e.Sequence, leg, ""))
	}
	return all
}

func replayed(t require.TestingT, e payment.JournalEntry) []batch.Message {
	var all []batch.Message
	for _, leg := range e.Legs {
		all = append(all, message(t, e.Sequence, leg, "replay-1"))
	}
	return all
}

// fromArchive are the messages as a replay of the archive brings them.
func fromArchive(t require.TestingT, all []batch.Message) []batch.Message {
	replayed := slices.Clone(all)
	for i, m := range replayed {
		var envelope events.Envelope
		require.NoError(t, json.Unmarshal(m.Body, &envelope))
		envelope.ReplayName = "replay-1"
		body, err := json.Marshal(envelope)
		require.NoError(t, err)
		replayed[i].Body = body
	}
	return replayed
}

func again(all []batch.Message) []batch.Message {
	second := append([]batch.Message(nil), all...)
	for i := range second {
		second[i].Receives++
	}
	return second
}

func failed(results batch.Results) []int {
	var indexes []int
	for i, err := range results {
		if err != nil {
			indexes = append(indexes, i)
		}
	}
	return indexes
}

func shuffle[T any](random *rand.Rand, list []T) {
	random.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
}
