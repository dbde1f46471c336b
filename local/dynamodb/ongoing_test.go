package dynamodb

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/local/clock"
	"github.com/payrail/payrail/local/faults"
	"github.com/payrail/payrail/local/storage"
	"github.com/payrail/payrail/local/wire"
)

// gatedStore holds writes up: each Apply says that it has come, and goes on when it is let.
type gatedStore struct {
	storage.Store
	arrived, proceed chan struct{} // nil lets everything pass
}

func (s *gatedStore) Apply(batch *storage.Batch) error {
	if s.arrived != nil {
		s.arrived <- struct{}{}
		<-s.proceed
	}
	return s.Store.Apply(batch)
}

func newGatedFixture(t *testing.T) (*fixture, *gatedStore) {
	t.Helper()
	f := &fixture{T: t, clock: clock.NewManual(testStart), faults: &faults.Injector{}}
	store := &gatedStore{Store: storage.NewMemory()}
	f.Service = New(Options{Store: store, Clock: f.clock, Faults: f.faults, Region: "us-east-1", Account: "000000000000"})
	_, err := f.CreateTable(TableSpec{Name: "ProductCatalog", PartitionKey: Key{"Id", "N"}})
	require.NoError(t, err)
	return f, store
}

// during does an operation and, while its write is being stored, what is asked.
func (f *fixture) during(store *gatedStore, operation, body string, what func()) {
	f.Helper()
	arrived := make(chan struct{})
	store.arrived, store.proceed = arrived, make(chan struct{})
	done := make(chan error, 1)
	go func() {
		_, err := f.Call(context.Background(), operation, []byte(body))
		done <- err
	}()
	<-arrived
	store.arrived = nil
	what()
	close(store.proceed)
	require.NoError(f, <-done)
}

// apart is the Id of an item whose writes wait for none of these items' by the chance of a common lock.
func (f *fixture) apart(ids ...string) string {
	t := f.tables["ProductCatalog"]
	stripe := func(id string) int {
		return f.locks.stripe(t, t.schema.encode(attrs{{"Id", value{kind: kindN, text: id}}}))
	}
	for n := 100; ; n++ {
		id := strconv.Itoa(n)
		if !slices.ContainsFunc(ids, func(other string) bool { return stripe(other) == stripe(id) }) {
			return id
		}
	}
}

func TestRequestsMeetAnOngoingTransaction(t *testing.T) {
	f, store := newGatedFixture(t)
	transaction := `{"TransactItems":[` + putAction("1", "") + `,{"ConditionCheck":{"TableName":"ProductCatalog","Key":{"Id":{"N":"2"}},"ConditionExpression":"attribute_not_exists(A)"}}]}`
	key := func(id string) string { return `"TableName":"ProductCatalog","Key":{"Id":{"N":"` + id + `"}}` }
	f.during(store, "TransactWriteItems", transaction, func() {
		const message = "Transaction is ongoing for the item"
		f.refused("PutItem", `{"TableName":"ProductCatalog","Item":{"Id":{"N":"1"}}}`, "TransactionConflictException", message)
		f.refused("UpdateItem", `{`+key("2")+`,"UpdateExpression":"REMOVE A"}`, "TransactionConflictException", message)
		f.refused("DeleteItem", `{`+key("1")+`}`, "TransactionConflictException", message)

		err := f.refused("TransactWriteItems", `{"ClientRequestToken":"again","TransactItems":[`+putAction("3", "")+`,`+putAction("1", "")+`,
			{"ConditionCheck":{`+key("4")+`,"ConditionExpression":"attribute_exists(A)"}},{"Delete":{`+key("2")+`}}]}`, "TransactionCanceledException",
			"Transaction cancelled, please refer cancellation reasons for specific reasons [None, TransactionConflict, ConditionalCheckFailed, TransactionConflict]")
		require.Equal(t, cancellationReason{Code: "TransactionConflict", Message: message}, err.Members["CancellationReasons"].([]cancellationReason)[1])

		f.refused("TransactGetItems", `{"TransactItems":[{"Get":{`+key("9")+`}},{"Get":{`+key("2")+`}}]}`, "TransactionCanceledException",
			"Transaction cancelled, please refer cancellation reasons for specific reasons [None, TransactionConflict]")

		other := f.apart("1", "2")
		require.JSONEq(t, `{"UnprocessedItems":{"ProductCatalog":[{"PutRequest":{"Item":{"Id":{"N":"1"}}}}]}}`, f.must("BatchWriteItem",
			`{"RequestItems":{"ProductCatalog":[{"PutRequest":{"Item":{"Id":{"N":"`+other+`"}}}},{"PutRequest":{"Item":{"Id":{"N":"1"}}}}]}}`))

		require.Equal(t, `{}`, f.must("GetItem", `{`+key("1")+`,"ConsistentRead":true}`), "reads do not conflict, and see what is committed")
		require.JSONEq(t, `{"Responses":{"ProductCatalog":[{"Id":{"N":"`+other+`"}}]},"UnprocessedKeys":{}}`,
			f.must("BatchGetItem", `{"RequestItems":{"ProductCatalog":{"Keys":[{"Id":{"N":"1"}},{"Id":{"N":"`+other+`"}}]}}}`))
		require.JSONEq(t, `{"Count":1,"ScannedCount":1}`, f.must("Scan", `{"TableName":"ProductCatalog","Select":"COUNT"}`))
	})
	// What was refused may come again, with its token.
	f.must("TransactWriteItems", `{"ClientRequestToken":"again","TransactItems":[`+putAction("1", "")+`]}`)
	f.must("UpdateItem", `{`+key("2")+`,"UpdateExpression":"REMOVE A"}`)
	f.must("TransactGetItems", `{"TransactItems":[{"Get":{`+key("1")+`}},{"Get":{`+key("2")+`}}]}`)
	require.Empty(t, f.ongoing.items)
}

func TestRequestsMeetAnOngoingWrite(t *testing.T) {
	f, store := newGatedFixture(t)
	const key = `"TableName":"ProductCatalog","Key":{"Id":{"N":"1"}}`
	f.during(store, "PutItem", `{"TableName":"ProductCatalog","Item":{"Id":{"N":"1"}}}`, func() {
		f.refused("TransactGetItems", `{"TransactItems":[{"Get":{`+key+`}}]}`, "TransactionCanceledException",
			"Transaction cancelled, please refer cancellation reasons for specific reasons [TransactionConflict]")
		require.Equal(t, `{}`, f.must("GetItem", `{`+key+`}`))
	})
	// A transaction comes after the write, as a write comes after another.
	body := `{"TransactItems":[{"Update":{` + key + `,"UpdateExpression":"SET B = A"}}]}`
	second := make(chan error, 1)
	f.during(store, "PutItem", `{"TableName":"ProductCatalog","Item":{"Id":{"N":"1"},"A":{"N":"7"}}}`, func() {
		go func() {
			_, err := f.Call(context.Background(), "TransactWriteItems", []byte(body))
			second <- err
		}()
	})
	require.NoError(t, <-second)
	require.JSONEq(t, `{"Item":{"B":{"N":"7"}}}`, f.must("GetItem", `{`+key+`,"ProjectionExpression":"B"}`))
}

// conflicted reports whether a call was refused for nothing but the sake of another.
func conflicted(err error) bool {
	var e *wire.Error
	if !errors.As(err, &e) {
		return false
	}
	if e.Code == codeTransactionConflict {
		return true
	}
	reasons, _ := e.Members["CancellationReasons"].([]cancellationReason)
	for _, r := range reasons {
		if r.Code != "None" && r.Code != reasonConflict {
			return false
		}
	}
	return len(reasons) > 0
}

// persist repeats a call while it conflicts with others, as clients must.
func (f *fixture) persist(operation, body string) (any, error) {
	for {
		out, err := f.Call(context.Background(), operation, []byte(body))
		if !conflicted(err) {
			return out, err
		}
	}
}

func TestOngoingIsForgotten(t *testing.T) {
	var o ongoing
	table := &table{}
	ids := func(keys ...int) (out []itemID) {
		for _, k := range keys {
			out = append(out, itemID{table, fmt.Sprint(k)})
		}
		return out
	}
	conflicts, end := o.beginTransaction(ids(1, 2))
	require.Empty(t, conflicts)
	conflicts, endSecond := o.beginTransaction(ids(3, 2, 1))
	require.Equal(t, []int{1, 2}, conflicts)
	require.False(t, o.beginWrite(ids(3)[0]))
	endSecond()
	require.True(t, o.beginWrite(ids(3)[0]))
	require.False(t, o.beginWrite(ids(1)[0]), "the end of the second does not end the first")
	require.Equal(t, []int{0, 2}, o.busy(ids(1, 9, 3)))
	o.endWrite(ids(3)[0])
	end()
	require.Empty(t, o.items)
}
