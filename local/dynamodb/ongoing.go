package dynamodb

import (
	"sync"

	"github.com/payrail/payrail/local/wire"
)

// ongoing are the writes and transactions under way, by the items they are about. The service does not let a transaction wait for
// another request at the same item, or a write for a transaction: it refuses one of the two.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html#transaction-conflict-handling says when:
//   - "A PutItem, UpdateItem, or DeleteItem request for an item conflicts with an ongoing TransactWriteItems request that includes
//     the same item."
//   - "An item within a TransactWriteItems request is part of another ongoing TransactWriteItems request."
//   - "An item within a TransactGetItems request is part of an ongoing TransactWriteItems, BatchWriteItem, PutItem, UpdateItem, or
//     DeleteItem request."
//
// GetItem, BatchGetItem, Query and Scan conflict with nothing, nor do single writes with each other: those wait (locks). ongoing is
// safe for concurrent use.
type ongoing struct {
	mu    sync.Mutex
	items map[itemID]activity
}

// activity is what is under way at one item.
type activity struct {
	transaction bool // a TransactWriteItems has an action on the item
	writes      int  // single writes
}

// beginWrite enters a single write, which end takes out again. It is not entered where a transaction has the item.
func (o *ongoing) beginWrite(id itemID) (entered bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.items[id].transaction {
		return false
	}
	o.change(id, func(a *activity) { a.writes++ })
	return true
}

func (o *ongoing) endWrite(id itemID) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.change(id, func(a *activity) { a.writes-- })
}

// beginTransaction enters a transaction at every item that no other one has; conflicts are the places of the others. end takes it out
// again. Single writes under way do not stop a transaction: it comes after them.
func (o *ongoing) beginTransaction(ids []itemID) (conflicts []int, end func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	entered := make([]itemID, 0, len(ids))
	for i, id := range ids {
		if o.items[id].transaction {
			conflicts = append(conflicts, i)
			continue
		}
		entered = append(entered, id)
		o.change(id, func(a *activity) { a.transaction = true })
	}
	return conflicts, func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		for _, id := range entered {
			o.change(id, func(a *activity) { a.transaction = false })
		}
	}
}

// busy are the places of items at which anything is being written.
func (o *ongoing) busy(ids []itemID) (places []int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for i, id := range ids {
		if o.items[id] != (activity{}) {
			places = append(places, i)
		}
	}
	return places
}

func (o *ongoing) change(id itemID, edit func(*activity)) {
	if o.items == nil {
		o.items = map[itemID]activity{}
	}
	a := o.items[id]
	edit(&a)
	if a == (activity{}) {
		delete(o.items, id)
		return
	}
	o.items[id] = a
}

// transactionConflict is the failure of a single write, and the reason of a transaction's cancellation, for another transaction's sake.
func transactionConflict() *wire.Error { return wire.Errorf(codeTransactionConflict, conflictMessage) }

// conflictsAt are the failures of a transaction at these places.
func conflictsAt(places []int) map[int]error {
	failures := make(map[int]error, len(places))
	for _, i := range places {
		failures[i] = transactionConflict()
	}
	return failures
}
