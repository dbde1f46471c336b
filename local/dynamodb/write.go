package dynamodb

import (
	"bytes"
	"encoding/json"

	"github.com/payrail/payrail/local/storage"
)

// maxItemBytes is the largest item: 400 KB with the attribute names.
const maxItemBytes = 400 << 10

type writeKind uint8

const (
	writePut writeKind = iota
	writeUpdate
	writeDelete
	writeCheck // ConditionCheck of a transaction: changes nothing
)

// write is one parsed and checked write of an item.
type write struct {
	kind      writeKind
	table     *table
	key       []byte    // in the store
	target    attrs     // the item to put, or the primary key
	update    *update   // of writeUpdate
	condition condition // nil for none
	nested    []path    // document paths of the update that go into an attribute
	showOld   bool      // ReturnValuesOnConditionCheckFailure is ALL_OLD
}

func (w *write) id() itemID { return itemID{w.table, string(w.key)} }

// effect is what a write will do: the item before and after it, encoded; nil is no item.
type effect struct {
	write    *write
	old, new stored
	newItem  attrs // decoded new
}

func (e *effect) changes() bool { return !bytes.Equal(e.old, e.new) }

// conditionError says that a write's condition does not hold.
type conditionError struct{ item json.RawMessage }

func (*conditionError) Error() string { return conditionFailedMessage }

// evaluate reads the item and finds out what w does to it. The caller holds the item's lock.
func (s *Service) evaluate(w *write) (*effect, error) {
	old, _, err := s.options.Store.Get(w.table.space, w.key)
	if err != nil {
		return nil, s.internal("reading item", err)
	}
	e := &effect{write: w, old: old}
	var oldItem attrs
	if old != nil && (w.condition != nil || w.kind == writeUpdate) {
		if oldItem, err = e.old.item(); err != nil {
			return nil, s.internal("reading item", err)
		}
	}
	if w.condition != nil && !w.condition.holds(oldItem) {
		failed := &conditionError{}
		if w.showOld {
			failed.item = e.old.json()
		}
		return nil, failed
	}
	return e, e.decide(oldItem)
}

// decide sets the item after the write.
func (e *effect) decide(oldItem attrs) error {
	w := e.write
	switch w.kind {
	case writeDelete:
		return nil
	case writeCheck:
		e.new = e.old
		return nil
	case writePut:
		e.newItem = w.target
	case writeUpdate:
		if oldItem == nil {
			oldItem = w.target
		}
		item, err := w.update.apply(oldItem)
		if err != nil {
			return err
		}
		if err := w.checkIndexKeysAfter(item); err != nil {
			return err
		}
		e.newItem = item
	}
	e.new = encodeItem(e.newItem)
	if w.kind == writeUpdate && e.new.size() > maxItemBytes {
		return invalid("Item size to update has exceeded the maximum allowed size")
	}
	if w.kind == writeUpdate && e.newItem.levels() > maxNesting {
		return nestedTooDeep()
	}
	return nil
}

// checkIndexKeysAfter checks the index keys of an item as an update leaves it.
func (w *write) checkIndexKeysAfter(item attrs) error {
	if len(w.table.indexes) == 0 {
		return nil
	}
	for _, name := range topNames(w.update.paths()) {
		if v, ok := item.get(name); ok {
			if err := w.table.checkUpdatedIndexKey(name, v); err != nil {
				return err
			}
		}
	}
	return w.table.checkIndexKeys(item)
}

// commit makes all effects visible at once, and their stream records with them. The caller holds the locks of all items. along, if
// any, adds what is to be kept with the effects.
func (s *Service) commit(effects []*effect, along func(*storage.Batch)) ([]consumption, error) {
	var batch storage.Batch
	costs := make([]consumption, len(effects))
	for i, e := range effects {
		costs[i].table = writeUnits(max(e.old.size(), e.new.size()))
		if !e.changes() {
			continue
		}
		if e.new == nil {
			batch.Delete(e.write.table.space, e.write.key)
		} else {
			batch.Put(e.write.table.space, e.write.key, e.new)
		}
		if err := e.index(&batch, &costs[i]); err != nil {
			return nil, s.internal("reading item", err)
		}
	}
	if along != nil {
		along(&batch)
	}
	if batch.Len() == 0 {
		return costs, nil
	}
	settle := announce(&batch, effects)
	err := s.options.Store.Apply(&batch)
	settle(err == nil)
	if err != nil {
		return nil, s.internal("writing items", err)
	}
	return costs, nil
}

// announce gives the effects their places in the streams; the result says whether they came about.
func announce(batch *storage.Batch, effects []*effect) (settle func(done bool)) {
	var streams []*Stream
	var numbers []uint64
	for _, e := range effects {
		if stream := e.write.table.stream; stream != nil && e.changes() {
			streams = append(streams, stream)
			numbers = append(numbers, stream.append(batch, e.old, e.new, e.write.table.schema.pick(e.write.target)))
		}
	}
	return func(done bool) {
		for i, stream := range streams {
			stream.settle(numbers[i], done)
		}
	}
}

// index brings the table's indexes up to date.
func (e *effect) index(batch *storage.Batch, cost *consumption) error {
	t := e.write.table
	if len(t.indexes) == 0 {
		return nil
	}
	oldItem, err := e.old.item()
	if err != nil {
		return err
	}
	for _, x := range t.indexes {
		oldKey, oldEntry := x.entry(e.write.key, oldItem, e.old)
		newKey, newEntry := x.entry(e.write.key, e.newItem, e.new)
		moved := !bytes.Equal(oldKey, newKey)
		if oldKey != nil && moved {
			batch.Delete(x.space, oldKey)
			cost.addIndex(x.spec.Name, writeUnits(oldEntry.size()))
		}
		if newKey != nil && (moved || !bytes.Equal(oldEntry, newEntry)) {
			batch.Put(x.space, newKey, newEntry)
			cost.addIndex(x.spec.Name, writeUnits(max(oldEntry.size(), newEntry.size())))
		}
	}
	return nil
}

// perform does one write by itself, unless a transaction has the item.
func (s *Service) perform(w *write) (*effect, consumption, error) {
	id := w.id()
	if !s.ongoing.beginWrite(id) {
		return nil, consumption{}, transactionConflict()
	}
	defer s.ongoing.endWrite(id)
	lock := s.locks.lock(w.table, w.key)
	defer lock.Unlock()
	e, err := s.evaluate(w)
	if err != nil {
		return nil, consumption{}, err
	}
	costs, err := s.commit([]*effect{e}, nil)
	if err != nil {
		return nil, consumption{}, err
	}
	return e, costs[0], nil
}
