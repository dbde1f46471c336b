package dynamodb

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"time"

	"github.com/payrail/payrail/local/storage"
	"github.com/payrail/payrail/local/wire"
)

// The spaces of what outlives the process beside items. No table name contains what follows "dynamodb" here.
const (
	definitionSpace = "dynamodb.tables"
	streamSpace     = "dynamodb.stream/"
	tokenSpace      = "dynamodb.tokens"
)

// warmRecords is how many of a stream's last records are held in memory with their images; a pipe that keeps up reads those.
const warmRecords = 2048

// definition is what is kept of a table.
type definition struct {
	Spec         TableSpec
	ID           string
	Created      time.Time
	StreamOpened time.Time // zero without stream
}

// adopt makes a new table the one that an earlier process had by its name, if there was one, and opens its stream.
func (s *Service) adopt(t *table) error {
	if !s.options.Durable {
		return s.openStream(t, t.created)
	}
	value, found, err := s.options.Store.Get(definitionSpace, []byte(t.spec.Name))
	if err != nil {
		return s.internal("reading table definition", err)
	}
	now := definition{Spec: t.spec, ID: t.id, Created: t.created, StreamOpened: t.created}
	var batch storage.Batch
	if found {
		var before definition
		if err := json.Unmarshal(value, &before); err != nil {
			return s.internal("reading table definition", err)
		}
		if err := s.carryOn(t, &before, &now, &batch); err != nil {
			return err
		}
	}
	if err := s.openStream(t, now.StreamOpened); err != nil {
		return err
	}
	if value, err = json.Marshal(now); err != nil {
		return s.internal("keeping table definition", err)
	}
	batch.Put(definitionSpace, []byte(t.spec.Name), value)
	if err := s.options.Store.Apply(&batch); err != nil {
		return s.internal("keeping table definition", err)
	}
	if t.stream == nil {
		return nil
	}
	kept := &keeper{store: s.options.Store, space: streamSpace + t.spec.Name}
	if err := kept.restore(t.stream); err != nil {
		return s.internal("reading the kept stream of "+t.spec.Name, err)
	}
	return nil
}

// carryOn takes over from an earlier definition what stays, and brings indexes up to the new one. Another primary key is refused:
// the items lie under the old one.
func (s *Service) carryOn(t *table, before, now *definition, batch *storage.Batch) error {
	if before.Spec.PartitionKey != t.spec.PartitionKey || before.Spec.SortKey != t.spec.SortKey {
		return wire.Errorf(codeResourceInUse, "the data kept from an earlier run has table %s with the key %s, the table to create has the key %s: "+
			"take another data folder, or go back to the template it was made with", t.spec.Name, before.Spec.keyText(), t.spec.keyText())
	}
	t.id, t.created = before.ID, before.Created
	now.ID, now.Created = before.ID, before.Created
	if before.Spec.StreamView == t.spec.StreamView {
		now.StreamOpened = before.StreamOpened
	} else {
		batch.DeleteRange(streamSpace+t.spec.Name, storage.Range{}) // A stream with another view is another stream, as on AWS.
	}
	same := map[string]bool{}
	for _, x := range before.Spec.Indexes {
		if current := t.index(x.Name); current != nil && reflect.DeepEqual(current.spec, x) {
			same[x.Name] = true
			continue
		}
		batch.DeleteRange(t.space+"/index/"+x.Name, storage.Range{})
	}
	for _, x := range t.indexes {
		if same[x.spec.Name] {
			continue
		}
		if err := s.backfill(t, x, batch); err != nil {
			return err
		}
	}
	return nil
}

// backfill writes the entries of an index that the table's items were written without.
func (s *Service) backfill(t *table, x *index, batch *storage.Batch) error {
	var broken error
	err := s.options.Store.Scan(t.space, storage.Range{}, func(key, value []byte) bool {
		item, err := stored(value).item()
		if err != nil {
			broken = err
			return false
		}
		if t.checkIndexKeys(item) != nil {
			return true // As on AWS an item whose attribute is no key of the index stays out of it.
		}
		if entryKey, entry := x.entry(key, item, value); entryKey != nil {
			batch.Put(x.space, entryKey, entry)
		}
		return true
	})
	if err = errors.Join(err, broken); err != nil {
		return s.internal("filling index "+x.spec.Name, err)
	}
	return nil
}

func (s TableSpec) keyText() string {
	text := fmt.Sprintf("(%s %s", s.PartitionKey.Name, s.PartitionKey.Type)
	if s.SortKey.Name != "" {
		text += fmt.Sprintf(", %s %s", s.SortKey.Name, s.SortKey.Type)
	}
	return text + ")"
}

func (s *Service) openStream(t *table, opened time.Time) (err error) {
	if t.spec.StreamView != "" {
		t.stream, err = newStream(t, opened, s.options.Region, s.options.Clock)
	}
	return err
}

// forget deletes what is kept of a table but its items.
func (t *table) forget(batch *storage.Batch) {
	batch.Delete(definitionSpace, []byte(t.spec.Name))
	batch.DeleteRange(streamSpace+t.spec.Name, storage.Range{})
}

// keeper keeps the records of one stream in the store. A nil keeper keeps nothing. It is guarded by its stream's lock, but for warm.
type keeper struct {
	store   storage.Store
	space   string
	trimmed uint64 // what comes before it is deleted from the store
	cold    uint64 // what comes before it is no longer in memory with its images
}

func recordKey(number uint64) []byte {
	return binary.BigEndian.AppendUint64(make([]byte, 0, 8), number)
}

// add puts a record into the batch with the change it tells of, and deletes what the stream has trimmed.
func (k *keeper) add(batch *storage.Batch, number, first uint64, r *record) {
	if k == nil {
		return
	}
	batch.Put(k.space, recordKey(number), r.encode())
	if k.trimmed < first {
		batch.DeleteRange(k.space, storage.Range{To: recordKey(first)})
		k.trimmed = first
	}
}

// cool lets go of the images of records that are no longer the last ones.
func (k *keeper) cool(s *Stream) {
	if k == nil {
		return
	}
	for k.cold = max(k.cold, s.first); k.cold+warmRecords < s.settled; k.cold++ {
		if r := &s.records[k.cold-s.first]; r.state == recordDone {
			r.cold, r.keys, r.old, r.new = true, nil, nil, nil
		}
	}
}

// warm reads the images of records that are not in memory.
func (k *keeper) warm(batch []numbered) error {
	for i := range batch {
		if !batch[i].cold {
			continue
		}
		value, found, err := k.store.Get(k.space, recordKey(batch[i].number))
		if err != nil {
			return err
		}
		if !found {
			return trimmedData()
		}
		if err := batch[i].decode(value); err != nil {
			return err
		}
	}
	return nil
}

// restore gives a new stream the records that are kept. Numbers that were given out and not kept belong to no record. New numbers
// begin above all that were ever given out: a position in the stream stays what it was.
func (k *keeper) restore(s *Stream) error {
	s.kept = k
	var broken error
	err := k.store.Scan(k.space, storage.Range{}, func(key, value []byte) bool {
		number := binary.BigEndian.Uint64(key)
		if len(s.records) == 0 {
			s.first = number
		}
		for s.first+uint64(len(s.records)) < number {
			s.records = append(s.records, record{state: recordVoid, created: s.lastCreated()})
		}
		r := record{state: recordDone}
		if broken = r.decode(value); broken != nil {
			return false
		}
		r.cold, r.keys, r.old, r.new = true, nil, nil, nil
		s.records = append(s.records, r)
		return true
	})
	if err = errors.Join(err, broken); err != nil {
		return err
	}
	if len(s.records) == 0 {
		// As many records as nanoseconds have passed there cannot have been.
		s.first = max(s.first, uint64(s.clock.Now().UnixNano()))
	}
	s.settled = s.first + uint64(len(s.records))
	k.trimmed, k.cold = s.first, s.settled
	return nil
}

func (s *Stream) lastCreated() int64 {
	if len(s.records) == 0 {
		return s.opened.Unix()
	}
	return s.records[len(s.records)-1].created
}

var errBrokenRecord = errors.New("a kept stream record is not whole")

func (r *record) encode() []byte {
	b := make([]byte, 0, len(r.event)+len(r.keys)+len(r.old)+len(r.new)+8*binary.MaxVarintLen64)
	for _, n := range []int64{r.created, r.told, int64(r.size)} {
		b = binary.AppendVarint(b, n)
	}
	b = append(binary.AppendUvarint(b, uint64(len(r.event))), r.event...)
	for _, image := range []stored{r.keys, r.old, r.new} {
		if image == nil {
			b = binary.AppendUvarint(b, 0)
			continue
		}
		b = append(binary.AppendUvarint(b, uint64(len(image))+1), image...)
	}
	return b
}

func (r *record) decode(b []byte) error {
	var size int64
	for _, into := range []*int64{&r.created, &r.told, &size} {
		n, length := binary.Varint(b)
		if length <= 0 {
			return errBrokenRecord
		}
		*into, b = n, b[length:]
	}
	if size < 0 || size > math.MaxInt32 {
		return errBrokenRecord
	}
	r.size = int(size)
	event, b, ok := cutSized(b, 0)
	if !ok {
		return errBrokenRecord
	}
	r.event, r.cold = string(event), false
	for _, image := range []*stored{&r.keys, &r.old, &r.new} {
		if *image, b, ok = cutSized(b, 1); !ok {
			return errBrokenRecord
		}
	}
	return nil
}

// cutSized cuts off a value behind its length, which is given plus an offset; a length below the offset is that of no value.
func cutSized(b []byte, offset uint64) (value, rest []byte, ok bool) {
	length, n := binary.Uvarint(b)
	if n <= 0 {
		return nil, nil, false
	}
	b = b[n:]
	if length < offset {
		return nil, b, true
	}
	if length -= offset; length > uint64(len(b)) {
		return nil, nil, false
	}
	return b[:length:length], b[length:], true
}

// keep puts the token of a transaction into the batch with its effects, and deletes those whose time is over.
func (t *tokens) keep(batch *storage.Batch, token string, request fingerprint) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.store == nil {
		return
	}
	for _, expired := range t.expired {
		batch.Delete(tokenSpace, []byte(expired))
	}
	t.expired = nil
	value := binary.AppendVarint(request[:len(request):len(request)], t.clock.Now().Add(tokenLife).UnixNano())
	batch.Put(tokenSpace, []byte(token), value)
}

// restore reads the kept tokens once. The caller holds t.mu.
func (t *tokens) restore() error {
	if t.store == nil || t.known != nil {
		return nil
	}
	known := map[string]*tokenState{}
	err := t.store.Scan(tokenSpace, storage.Range{}, func(key, value []byte) bool {
		state := &tokenState{}
		expires, _ := binary.Varint(value[copy(state.request[:], value):])
		state.expires = time.Unix(0, expires)
		known[string(key)] = state
		return true
	})
	if err != nil {
		return fmt.Errorf("reading kept tokens: %w", err)
	}
	t.known = known
	t.done = slices.SortedFunc(maps.Keys(known), func(a, b string) int { return known[a].expires.Compare(known[b].expires) })
	return nil
}
