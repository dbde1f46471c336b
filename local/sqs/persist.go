package sqs

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"

	"github.com/payrail/payrail/local/storage"
)

// keeper keeps the messages of one queue in the store, so that they outlive the process. A message is kept before its sending is
// acknowledged and deleted before its deletion is; which ones are in flight is not kept: after a restart they are visible, as if
// their visibility timeout was over. A nil keeper keeps nothing.
type keeper struct {
	store  storage.Store
	logger *slog.Logger
	// messages has the messages by sequence number, receives how often they were received: the bodies are written once.
	messages, receives string
}

func (s *Service) keeperOf(queueName string) *keeper {
	if s.store == nil {
		return nil
	}
	space := "sqs/" + queueName
	return &keeper{store: s.store, logger: s.logger, messages: space + "/messages", receives: space + "/receives"}
}

func sequenceKey(sequence uint64) []byte {
	return binary.BigEndian.AppendUint64(make([]byte, 0, 8), sequence)
}

// put keeps new messages.
func (k *keeper) put(messages []*message) error {
	if k == nil || len(messages) == 0 {
		return nil
	}
	var b storage.Batch
	if err := k.addTo(&b, messages); err != nil {
		return err
	}
	if err := k.store.Apply(&b); err != nil {
		return fmt.Errorf("keeping messages: %w", err)
	}
	return nil
}

func (k *keeper) addTo(b *storage.Batch, messages []*message) error {
	for _, m := range messages {
		value, err := m.encode()
		if err != nil {
			return err
		}
		b.Put(k.messages, sequenceKey(m.sequence), value)
	}
	return nil
}

// received keeps that messages were received once more. A failure costs the count, which is approximate by name.
func (k *keeper) received(queueID uint32, messages []Message) {
	if k == nil || len(messages) == 0 {
		return
	}
	var b storage.Batch
	for i := range messages {
		sequence, count, ok := parseHandle(queueID, messages[i].ReceiptHandle)
		if !ok {
			continue // Not reached: the handle was made a moment ago.
		}
		value := binary.AppendUvarint(make([]byte, 0, 2*binary.MaxVarintLen64), uint64(count))
		b.Put(k.receives, sequenceKey(sequence), binary.AppendVarint(value, messages[i].FirstReceived))
	}
	if err := k.store.Apply(&b); err != nil {
		k.logger.Error("keeping receive counts", "space", k.receives, "error", err)
	}
}

// remove forgets messages.
func (k *keeper) remove(sequences ...uint64) error {
	if k == nil || len(sequences) == 0 {
		return nil
	}
	var b storage.Batch
	for _, sequence := range sequences {
		k.removeFrom(&b, sequence)
	}
	if err := k.store.Apply(&b); err != nil {
		return fmt.Errorf("forgetting messages: %w", err)
	}
	return nil
}

// removeLater forgets messages of which no caller waits to hear; where that fails they are there again after a restart.
func (k *keeper) removeLater(sequences []uint64) {
	if err := k.remove(sequences...); err != nil {
		k.logger.Error("forgetting messages", "space", k.messages, "error", err)
	}
}

func (k *keeper) removeFrom(b *storage.Batch, sequence uint64) {
	key := sequenceKey(sequence)
	b.Delete(k.messages, key)
	b.Delete(k.receives, key)
}

// move keeps messages in another queue and forgets them here, both at once, with what is along.
func (k *keeper) move(from []*message, to *keeper, moved []*message, along func(*storage.Batch) error) error {
	if k == nil {
		return nil
	}
	var b storage.Batch
	for _, m := range from {
		k.removeFrom(&b, m.sequence)
	}
	err := to.addTo(&b, moved)
	if err == nil && along != nil {
		err = along(&b)
	}
	if err != nil {
		return err
	}
	if err := k.store.Apply(&b); err != nil {
		return fmt.Errorf("keeping moved messages: %w", err)
	}
	return nil
}

// drop forgets all messages.
func (k *keeper) drop() error {
	if k == nil {
		return nil
	}
	var b storage.Batch
	b.DeleteRange(k.messages, storage.Range{})
	b.DeleteRange(k.receives, storage.Range{})
	if err := k.store.Apply(&b); err != nil {
		return fmt.Errorf("forgetting messages: %w", err)
	}
	return nil
}

// restore puts the messages an earlier process kept into a queue that is new. New messages get numbers above all that were ever
// given out, or an old receipt handle could delete one of them.
func (k *keeper) restore(q *queue) error {
	if k == nil {
		return nil
	}
	last := uint64(q.clock.Now().UnixNano())
	counts := map[uint64][]byte{}
	err := k.store.Scan(k.receives, storage.Range{}, func(key, value []byte) bool {
		counts[binary.BigEndian.Uint64(key)] = value
		return true
	})
	if err != nil {
		return fmt.Errorf("reading kept messages: %w", err)
	}
	var restored []*message
	var broken error
	err = k.store.Scan(k.messages, storage.Range{}, func(key, value []byte) bool {
		m := &message{sequence: binary.BigEndian.Uint64(key), dueIndex: -1, ageIndex: -1}
		if broken = m.decode(value); broken != nil {
			return false
		}
		if count := counts[m.sequence]; count != nil {
			received, n := binary.Uvarint(count)
			first, _ := binary.Varint(count[max(n, 0):])
			m.receiveCount, m.firstReceivedAt = uint32(received), first*millisecond
		}
		last = max(last, m.sequence)
		restored = append(restored, m)
		return true
	})
	if err = errors.Join(err, broken); err != nil {
		return fmt.Errorf("reading kept messages of %s: %w", k.messages, err)
	}
	q.sequence.Store(last)
	q.readmit(restored)
	return nil
}

// millisecond is the unit of what is told of receives, in nanoseconds.
const millisecond = 1_000_000

// readmit lines up restored messages.
func (q *queue) readmit(messages []*message) {
	q.admit(messages...)
	q.mu.Lock()
	defer q.mu.Unlock()
	q.counters.Sent = 0 // They were counted when they were sent.
	for _, m := range messages {
		if m.receiveCount > 0 {
			q.received[m.sequence] = m // A consumer that outlived the queue may still delete it by its handle.
		}
	}
}

// encode writes what a queue keeps of a message while it is not received.
func (m *message) encode() ([]byte, error) {
	var attributes []byte
	if len(m.attributes) > 0 {
		var err error
		if attributes, err = json.Marshal(m.attributes); err != nil {
			return nil, fmt.Errorf("encoding message attributes: %w", err)
		}
	}
	b := make([]byte, 0, len(m.id)+len(m.body)+len(attributes)+len(m.traceHeader)+len(m.deadLetterSource)+6*binary.MaxVarintLen64)
	b = append(b, m.id[:]...)
	for _, n := range m.numbers() {
		b = binary.AppendVarint(b, *n)
	}
	b = binary.AppendUvarint(b, uint64(m.receivedBefore))
	for _, text := range []string{m.body, string(attributes), m.traceHeader, m.deadLetterSource} {
		b = append(binary.AppendUvarint(b, uint64(len(text))), text...)
	}
	return b, nil
}

// numbers are the numbers that encode writes, in their order.
func (m *message) numbers() []*int64 {
	return []*int64{&m.sentAt, &m.dueAt, &m.arrivedAt, &m.firstReceivedAt}
}

var errBrokenMessage = errors.New("a kept message is not whole")

func (m *message) decode(b []byte) error {
	if len(b) < len(m.id) {
		return errBrokenMessage
	}
	b = b[copy(m.id[:], b):]
	for _, n := range m.numbers() {
		value, size := binary.Varint(b)
		if size <= 0 {
			return errBrokenMessage
		}
		*n, b = value, b[size:]
	}
	before, size := binary.Uvarint(b)
	if size <= 0 {
		return errBrokenMessage
	}
	m.receivedBefore, b = uint32(before), b[size:]
	var attributes string
	for _, text := range []*string{&m.body, &attributes, &m.traceHeader, &m.deadLetterSource} {
		length, size := binary.Uvarint(b)
		if size <= 0 || length > uint64(len(b)-size) {
			return errBrokenMessage
		}
		b = b[size:]
		*text, b = string(b[:length]), b[length:]
	}
	if attributes == "" {
		return nil
	}
	if err := json.Unmarshal([]byte(attributes), &m.attributes); err != nil {
		return fmt.Errorf("decoding message attributes: %w", err)
	}
	return nil
}
