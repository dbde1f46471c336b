package eventbridge

import (
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/payrail/payrail/local/storage"
)

// The spaces of events that were accepted and whose deliveries are outstanding: the event once, and an entry per delivery, which has
// the number of its event, its rule and its target in the key.
const (
	eventSpace    = "eventbridge/events"
	deliverySpace = "eventbridge/deliveries"
)

// keeper keeps accepted events in the store until they are delivered, dead-lettered or dropped. A nil keeper keeps nothing.
type keeper struct {
	store  storage.Store
	logger *slog.Logger
	last   atomic.Uint64 // number given to an event
	before uint64        // the last number of an earlier process
}

func newKeeper(o Options) (*keeper, error) {
	if !o.Durable {
		return nil, nil
	}
	k := &keeper{store: o.Store, logger: o.Logger}
	for _, space := range []string{eventSpace, deliverySpace} {
		err := o.Store.Scan(space, storage.Range{Reverse: true}, func(key, _ []byte) bool {
			k.before = max(k.before, binary.BigEndian.Uint64(key))
			return false
		})
		if err != nil {
			return nil, fmt.Errorf("reading kept events: %w", err)
		}
	}
	k.last.Store(k.before)
	return k, nil
}

func eventKey(number uint64) []byte { return binary.BigEndian.AppendUint64(make([]byte, 0, 8), number) }

func (d *delivery) key() []byte {
	key := append(eventKey(d.event.number), d.lane.target.RuleARN...)
	return append(append(key, 0), d.lane.target.ID...)
}

// add puts the events of deliveries that begin into the batch, and the deliveries. Those of one event follow each other.
func (k *keeper) add(b *storage.Batch, deliveries []*delivery) {
	if k == nil {
		return
	}
	for _, d := range deliveries {
		e := d.event
		if e.number == 0 {
			e.number = k.last.Add(1)
			b.Put(eventSpace, eventKey(e.number), e.encode())
		}
		e.left.Add(1)
		b.Put(deliverySpace, d.key(), d.encode())
	}
}

// retrying keeps how far a delivery has come. A failure costs the count: the event is tried more often than it should be.
func (k *keeper) retrying(d *delivery) {
	if k == nil || d.extra {
		return
	}
	var b storage.Batch
	b.Put(deliverySpace, d.key(), d.encode())
	if err := k.store.Apply(&b); err != nil {
		k.logger.Error("keeping an event's attempts", "event", d.event.id, "error", err)
	}
}

// forget deletes deliveries that are over, and events that have no other. A failure makes them again after a restart.
func (k *keeper) forget(deliveries ...*delivery) {
	if k == nil || len(deliveries) == 0 {
		return
	}
	var b storage.Batch
	for _, d := range deliveries {
		if d.extra {
			continue
		}
		b.Delete(deliverySpace, d.key())
		if d.event.left.Add(-1) == 0 {
			b.Delete(eventSpace, eventKey(d.event.number))
		}
	}
	if err := k.store.Apply(&b); err != nil {
		k.logger.Error("forgetting delivered events", "error", err)
	}
}

// Resumed tells what Resume found.
type Resumed struct {
	// Deliveries go on; Orphans were given up because their rule or target is no more.
	Deliveries, Orphans int
}

// Resume goes on with the deliveries an earlier process has left. It is to be called once, when the rules are in place.
func (s *Service) Resume() (Resumed, error) {
	if s.kept == nil {
		return Resumed{}, nil
	}
	deliveries, orphans, err := s.kept.outstanding(s.lanes())
	if err != nil {
		return Resumed{}, fmt.Errorf("reading kept events: %w", err)
	}
	if err := s.resumeReplays(); err != nil {
		return Resumed{}, err
	}
	for _, d := range deliveries {
		s.outstanding.add(1)
		if d.last != nil {
			d.lane.retry(d) // The wait before it is over: nobody knows how long ago that began.
			continue
		}
		d.lane.enqueue(d)
	}
	return Resumed{Deliveries: len(deliveries), Orphans: orphans}, nil
}

// lanes are the ways to all targets, by what stands for them in a delivery's key.
func (s *Service) lanes() map[string]*lane {
	s.mu.RLock()
	defer s.mu.RUnlock()
	lanes := map[string]*lane{}
	for _, b := range s.buses {
		for _, r := range b.rules {
			for _, l := range r.lanes {
				lanes[l.target.RuleARN+"\x00"+l.target.ID] = l
			}
		}
	}
	return lanes
}

// outstanding reads what an earlier process has left. What has nobody to go to is deleted.
func (k *keeper) outstanding(lanes map[string]*lane) (deliveries []*delivery, orphans int, err error) {
	events, left := map[uint64]*event{}, storage.Range{To: eventKey(k.before + 1)}
	var broken error
	err = k.store.Scan(eventSpace, left, func(key, value []byte) bool {
		e := &event{number: binary.BigEndian.Uint64(key)}
		broken = e.decode(value)
		events[e.number] = e
		return broken == nil
	})
	if err = errors.Join(err, broken); err != nil {
		return nil, 0, err
	}
	var over storage.Batch
	err = k.store.Scan(deliverySpace, left, func(key, value []byte) bool {
		e := events[binary.BigEndian.Uint64(key)]
		l := lanes[string(key[8:])]
		if e == nil || l == nil {
			if e != nil { // Without its event it was over: the event goes with the last delivery.
				orphans++
				k.logger.Error("an event is dropped: its rule or target is no more", "event", e.id, "target", string(key[8:]))
			}
			over.Delete(deliverySpace, key)
			return true
		}
		d := &delivery{event: e, lane: l}
		if broken = d.decode(value); broken != nil {
			return false
		}
		e.left.Add(1)
		deliveries = append(deliveries, d)
		return true
	})
	if err = errors.Join(err, broken); err != nil {
		return nil, 0, err
	}
	for number, e := range events {
		if e.left.Load() == 0 {
			over.Delete(eventSpace, eventKey(number))
		}
	}
	return deliveries, orphans, k.store.Apply(&over)
}

var errBrokenEvent = errors.New("a kept event is not whole")

func appendText[T string | []byte](b []byte, text T) []byte {
	return append(binary.AppendUvarint(b, uint64(len(text))), text...)
}

// cutText cuts off a text behind its length; ok stays false once it was.
func cutText(b *[]byte, ok *bool) []byte {
	length, n := binary.Uvarint(*b)
	if n <= 0 || length > uint64(len(*b)-n) {
		*ok = false
		return nil
	}
	text := (*b)[n : n+int(length) : n+int(length)]
	*b = (*b)[n+int(length):]
	return text
}

func cutNumber(b *[]byte, ok *bool) int64 {
	number, n := binary.Varint(*b)
	if n <= 0 {
		*ok = false
		return 0
	}
	*b = (*b)[n:]
	return number
}

func (e *event) encode() []byte {
	b := make([]byte, 0, len(e.id)+len(e.bus)+len(e.envelope)+6*binary.MaxVarintLen64)
	b = binary.AppendVarint(binary.AppendVarint(b, e.time.UnixNano()), e.received.UnixNano())
	return appendText(appendText(appendText(b, e.id), e.bus), e.envelope)
}

func (e *event) decode(b []byte) error {
	ok := true
	e.time = time.Unix(0, cutNumber(&b, &ok))
	e.received = time.Unix(0, cutNumber(&b, &ok))
	e.id, e.bus, e.envelope = string(cutText(&b, &ok)), string(cutText(&b, &ok)), cutText(&b, &ok)
	if !ok {
		return errBrokenEvent
	}
	return nil
}

// encode writes the attempts of a delivery and why the last one failed, which its dead letter will tell.
func (d *delivery) encode() []byte {
	b := binary.AppendVarint(nil, int64(d.retries))
	if d.last == nil {
		return b
	}
	return appendText(appendText(b, errorCode(d.last)), d.last.Error())
}

func (d *delivery) decode(b []byte) error {
	ok := true
	if d.retries = int(cutNumber(&b, &ok)); ok && len(b) > 0 {
		d.last = &keptError{code: string(cutText(&b, &ok)), message: string(cutText(&b, &ok))}
	}
	if !ok {
		return errBrokenEvent
	}
	return nil
}

// keptError is the failure of an attempt of an earlier process.
type keptError struct{ code, message string }

func (e *keptError) Error() string { return e.message }
