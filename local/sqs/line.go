package sqs

import (
	"encoding/base64"
	"encoding/binary"
	"hash/fnv"
)

type state uint8

const (
	visible state = iota
	delayed
	inFlight
	gone
)

// message is a message while a queue holds it. It is kept small: a queue may hold a million of them. Times are Unix
// nanoseconds; the indexes are positions in the queue's heaps, -1 when the message is not in them.
type message struct {
	body             string
	attributes       map[string]Attribute
	traceHeader      string
	deadLetterSource string
	id               [16]byte
	sequence         uint64
	sentAt           int64
	firstReceivedAt  int64
	lastReceivedAt   int64
	dueAt            int64
	// arrivedAt is when the message came into this queue; a dead letter was sent earlier.
	arrivedAt int64
	// receiveCount counts the receives from this queue, receivedBefore those from the queues before it.
	receiveCount   uint32
	receivedBefore uint32
	dueIndex       int32
	ageIndex       int32
	state          state
}

// fifo is the line of visible messages; push and pop are O(1) amortized.
type fifo struct {
	items []*message
	head  int
}

func (f *fifo) push(m *message) { f.items = append(f.items, m) }

// pop takes the first message; the line must not be empty.
func (f *fifo) pop() *message {
	m := f.items[f.head]
	f.items[f.head] = nil
	f.head++
	switch {
	case f.head == len(f.items):
		f.items, f.head = f.items[:0], 0
		if cap(f.items) > 1<<16 { // A burst is over: give its memory back.
			f.items = nil
		}
	case f.head > 1024 && f.head > len(f.items)/2:
		n := copy(f.items, f.items[f.head:])
		clear(f.items[n:])
		f.items, f.head = f.items[:n], 0
	}
	return m
}

// dueHeap orders delayed and in-flight messages by the time they become visible.
type dueHeap []*message

func (h dueHeap) Len() int           { return len(h) }
func (h dueHeap) Less(i, j int) bool { return h[i].dueAt < h[j].dueAt }
func (h dueHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].dueIndex, h[j].dueIndex = int32(i), int32(j)
}

func (h *dueHeap) Push(x any) {
	m := x.(*message)
	m.dueIndex = int32(len(*h))
	*h = append(*h, m)
}

func (h *dueHeap) Pop() any {
	last := len(*h) - 1
	m := (*h)[last]
	(*h)[last] = nil
	*h, m.dueIndex = (*h)[:last], -1
	return m
}

// ageHeap orders all messages by the time they were first sent.
type ageHeap []*message

func (h ageHeap) Len() int           { return len(h) }
func (h ageHeap) Less(i, j int) bool { return h[i].sentAt < h[j].sentAt }
func (h ageHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].ageIndex, h[j].ageIndex = int32(i), int32(j)
}

func (h *ageHeap) Push(x any) {
	m := x.(*message)
	m.ageIndex = int32(len(*h))
	*h = append(*h, m)
}

func (h *ageHeap) Pop() any {
	last := len(*h) - 1
	m := (*h)[last]
	(*h)[last] = nil
	*h, m.ageIndex = (*h)[:last], -1
	return m
}

// handleBytes is the length of a receipt handle before base64: queue, message sequence, receive count, part of the id.
const handleBytes = 4 + 8 + 4 + 8

func handleID(queueName string) uint32 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(queueName)) // A hash never fails.
	return h.Sum32()
}

// receiptHandle names one delivery of a message of one queue.
func receiptHandle(queueID uint32, m *message) string {
	var b [handleBytes]byte
	binary.BigEndian.PutUint32(b[0:], queueID)
	binary.BigEndian.PutUint64(b[4:], m.sequence)
	binary.BigEndian.PutUint32(b[12:], m.receiveCount)
	copy(b[16:], m.id[:8])
	return base64.StdEncoding.EncodeToString(b[:])
}

func parseHandle(queueID uint32, handle string) (sequence uint64, receiveCount uint32, ok bool) {
	b, err := base64.StdEncoding.DecodeString(handle)
	if err != nil || len(b) != handleBytes || binary.BigEndian.Uint32(b) != queueID {
		return 0, 0, false
	}
	return binary.BigEndian.Uint64(b[4:]), binary.BigEndian.Uint32(b[12:]), true
}
