package sqs

import (
	"container/heap"
	"container/list"
	"errors"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/payrail/payrail/local/clock"
	"github.com/payrail/payrail/local/faults"
	"github.com/payrail/payrail/local/wire"
)

// maxInFlight is AWS's limit of messages of a standard queue that are received and not yet deleted.
const maxInFlight = 120_000

// purgeInterval is how long AWS refuses a second PurgeQueue.
const purgeInterval = 60 * time.Second

// useQueueVisibility stands for "no visibility timeout given with the receive": the queue's own applies.
const useQueueVisibility time.Duration = -1

// Stats are the counters of a queue. Sent, Received and Deleted count since the queue was made, as AWS's metrics
// NumberOfMessages… do; Received counts every delivery of a message.
type Stats struct {
	Sent, Received, Deleted    uint64
	Expired, Redriven          uint64
	Visible, Delayed, InFlight int
	// Calls counts the calls that named the queue, of whatever kind: AWS has metrics of queues in use only. EachStats fills it in.
	Calls uint64
	// EmptyReceives counts receives that got nothing.
	EmptyReceives uint64
	// OldestAge is AWS's metric ApproximateAgeOfOldestMessage: how long the oldest message is in this queue, leaving out those
	// received more than three times; of a dead letter the time in the dead-letter queue counts.
	OldestAge time.Duration
}

// queue holds the messages of one queue: visible ones in arrival order, delayed and in-flight ones in a heap by the time
// they become visible, and all of them in a heap by age for retention. Every step is O(log n) or better. Due and expired
// messages are moved lazily, at the next call; a timer runs only while somebody waits.
type queue struct {
	arn, name string
	id        uint32
	clock     clock.Clock
	// deleted is closed when the queue is no more.
	deleted chan struct{}
	faults  *faults.Injector
	calls   atomic.Uint64

	mu         sync.Mutex
	settings   settings
	tags       map[string]string
	deadLetter *queue
	created    time.Time
	modified   time.Time
	purged     time.Time

	sequence atomic.Uint64 // The last one given out.
	kept     *keeper
	ready    fifo
	due      dueHeap
	byAge    ageHeap
	// received finds messages by receipt handle: only those received at least once.
	received map[uint64]*message
	visible  int
	delayed  int
	inFlight int
	counters Stats

	waiters list.List // of chan struct{}
	timer   clock.Timer
	timerAt int64
}

func newQueue(arn, name string, c clock.Clock, s settings, deadLetter *queue, kept *keeper) *queue {
	now := c.Now()
	return &queue{
		arn: arn, name: name, id: handleID(name), clock: c, settings: s, deadLetter: deadLetter, kept: kept,
		created: now, modified: now, deleted: make(chan struct{}), received: map[uint64]*message{},
	}
}

func (q *queue) currentSettings() settings {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.settings
}

func (q *queue) configure(s settings, deadLetter *queue) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.settings, q.deadLetter, q.modified = s, deadLetter, q.clock.Now()
}

// differs names an attribute whose value is not the one the queue has, or "".
func (q *queue) differs(attributes map[string]string) string {
	current := q.currentSettings().values
	for name, value := range attributes {
		if current[name] != value {
			return name
		}
	}
	return ""
}

func (q *queue) allowsRedriveFrom(sourceARN string) bool {
	allow := q.currentSettings().allow
	switch allow.RedrivePermission {
	case "", "allowAll":
		return true
	case "byQueue":
		return slices.Contains(allow.SourceQueueArns, sourceARN)
	default:
		return false
	}
}

func (q *queue) attributes() map[string]string {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.settle(q.clock.Now())
	out := make(map[string]string, len(q.settings.values)+6)
	for name, value := range q.settings.values {
		out[name] = value
	}
	out[attrQueueARN] = q.arn
	out[attrCreated] = strconv.FormatInt(q.created.Unix(), 10)
	out[attrModified] = strconv.FormatInt(q.modified.Unix(), 10)
	out[attrMessages] = strconv.Itoa(q.visible)
	out[attrMessagesInFlight] = strconv.Itoa(q.inFlight)
	out[attrMessagesDelayed] = strconv.Itoa(q.delayed)
	return out
}

func (q *queue) stats() Stats {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := q.clock.Now()
	q.settle(now)
	s := q.counters
	s.Visible, s.Delayed, s.InFlight = q.visible, q.delayed, q.inFlight
	if oldest := q.oldestArrival(); oldest > 0 {
		s.OldestAge = time.Duration(now.UnixNano() - oldest)
	}
	return s
}

// poisonReceives is how often a message may have been received and still count for the age of the oldest: AWS puts a message
// that was received more often at the back of the queue and measures the age of the oldest of the others.
const poisonReceives = 3

// oldestArrival is when the message came into this queue that makes the age of the oldest, or 0 if there is none.
func (q *queue) oldestArrival() int64 {
	if len(q.byAge) > 0 && q.byAge[0].receiveCount <= poisonReceives && q.byAge[0].deadLetterSource == "" {
		return q.byAge[0].arrivedAt
	}
	var oldest int64
	for _, m := range q.byAge {
		if m.receiveCount <= poisonReceives && (oldest == 0 || m.arrivedAt < oldest) {
			oldest = m.arrivedAt
		}
	}
	return oldest
}

// add keeps new messages and puts them in.
func (q *queue) add(messages ...*message) error {
	q.number(messages...)
	if err := q.kept.put(messages); err != nil {
		return err
	}
	q.admit(messages...)
	return nil
}

// number gives new messages their sequence numbers, and says when they came.
func (q *queue) number(messages ...*message) {
	now := q.clock.Now().UnixNano()
	for _, m := range messages {
		m.sequence, m.arrivedAt = q.sequence.Add(1), now
	}
}

// admit puts messages in that have their sequence numbers; one with dueAt set is delayed until then.
func (q *queue) admit(messages ...*message) {
	if len(messages) == 0 {
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	now := q.clock.Now().UnixNano()
	for _, m := range q.injected(messages, now) {
		heap.Push(&q.byAge, m)
		if m.deadLetterSource == "" {
			q.counters.Sent++ // As in AWS's metric, dead letters do not count as sent.
		}
		if m.dueAt > now {
			m.state = delayed
			q.delayed++
			heap.Push(&q.due, m)
		} else {
			q.makeVisible(m)
		}
	}
	q.notify()
}

func (q *queue) makeVisible(m *message) {
	m.state = visible
	q.visible++
	q.ready.push(m)
}

// take receives up to max messages. Those received more often than the redrive policy allows are taken out instead and
// returned for the dead-letter queue. A queue with as many messages in flight as may be gives none; a short poll hears of it.
// Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-queues.html
func (q *queue) take(max int, visibility time.Duration, shortPoll bool) (taken []Message, dead []*message, err error) {
	now := q.clock.Now()
	q.settle(now)
	if visibility == useQueueVisibility {
		visibility = q.settings.visibility
	}
	if q.inFlight >= maxInFlight && shortPoll {
		return nil, nil, &wire.Error{Status: 403, Code: "OverLimit", Message: "The maximum number of in flight messages is reached."}
	}
	for len(taken) < max && q.visible > 0 && q.inFlight < maxInFlight {
		m := q.ready.pop()
		if m.state != visible {
			continue // Deleted or expired while it lay in the line.
		}
		q.visible--
		if q.deadLetter != nil && int(m.receiveCount) >= q.settings.maxReceive {
			q.drop(m)
			q.counters.Redriven++
			dead = append(dead, m)
			continue
		}
		if delivered := q.deliver(m, now, visibility); !q.lost() {
			taken = append(taken, delivered)
		}
	}
	q.notify() // There may be more.
	return taken, dead, nil
}

func (q *queue) deliver(m *message, now time.Time, visibility time.Duration) Message {
	if m.receiveCount++; m.firstReceivedAt == 0 {
		m.firstReceivedAt = now.UnixNano()
	}
	m.lastReceivedAt = now.UnixNano()
	q.hide(m, now.Add(visibility))
	q.counters.Received++
	return Message{
		ID: formatID(m.id), ReceiptHandle: receiptHandle(q.id, m), Body: m.body, Attributes: m.attributes,
		Sent: m.sentAt / int64(time.Millisecond), FirstReceived: m.firstReceivedAt / int64(time.Millisecond),
		ReceiveCount: int(m.receivedBefore + m.receiveCount), DeadLetterSource: m.deadLetterSource, TraceHeader: m.traceHeader,
	}
}

// hide takes m, which is already uncounted, out of the line until a time.
func (q *queue) hide(m *message, until time.Time) {
	m.state, m.dueAt = inFlight, until.UnixNano()
	q.inFlight++
	heap.Push(&q.due, m)
	q.received[m.sequence] = m
}

// settle makes due messages visible and drops those older than the retention period.
func (q *queue) settle(now time.Time) {
	t := now.UnixNano()
	for len(q.due) > 0 && q.due[0].dueAt <= t {
		m := heap.Pop(&q.due).(*message)
		q.uncount(m)
		q.makeVisible(m)
	}
	var expired []uint64
	for len(q.byAge) > 0 && q.byAge[0].sentAt+int64(q.settings.retention) <= t {
		m := q.byAge[0]
		q.uncount(m)
		q.drop(m)
		q.counters.Expired++
		expired = append(expired, m.sequence)
	}
	q.kept.removeLater(expired)
}

// uncount takes m out of the count of its state, and out of the due heap.
func (q *queue) uncount(m *message) {
	switch m.state {
	case visible:
		q.visible--
	case delayed:
		q.delayed--
	case inFlight:
		q.inFlight--
	}
	if m.dueIndex >= 0 {
		heap.Remove(&q.due, int(m.dueIndex))
	}
}

// drop takes m, which is already uncounted, out of the queue. The line of visible messages skips it later.
func (q *queue) drop(m *message) {
	m.state = gone
	if m.ageIndex >= 0 {
		heap.Remove(&q.byAge, int(m.ageIndex))
	}
	delete(q.received, m.sequence)
}

// find returns the message of a receipt handle, or nil when it is deleted or was received again since.
func (q *queue) find(handle string) (*message, error) {
	sequence, _, ok := parseHandle(q.id, handle)
	if !ok {
		return nil, &wire.Error{Status: 404, Code: "ReceiptHandleIsInvalid", Message: `The input receipt handle "` + handle + `" is not a valid receipt handle.`}
	}
	q.settle(q.clock.Now())
	m := q.received[sequence]
	// Numbers may come again where a clock stood still between two processes; ids do not.
	if m == nil || receiptHandle(q.id, m) != handle {
		return nil, nil
	}
	return m, nil
}

// delete removes messages. As on AWS a handle that is not the latest one succeeds without effect, and one whose visibility timeout
// is over still deletes. At a handle that is none it stops.
func (q *queue) delete(handles ...string) error {
	deleted, err := q.deleteFromLine(handles)
	if failed := q.kept.remove(deleted...); failed != nil {
		return errors.Join(err, failed)
	}
	return err
}

func (q *queue) deleteFromLine(handles []string) (deleted []uint64, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, handle := range handles {
		m, err := q.find(handle)
		if err != nil {
			return deleted, err
		}
		if m == nil {
			continue
		}
		q.uncount(m)
		q.drop(m)
		q.counters.Deleted++
		deleted = append(deleted, m.sequence)
	}
	q.notify() // Something may wait for the limit of messages in flight.
	return deleted, nil
}

func (q *queue) changeVisibility(handle string, visibility time.Duration) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	m, err := q.find(handle)
	if err != nil {
		return err
	}
	if m == nil {
		return wire.Errorf("InvalidParameterValue", "Value %s for parameter ReceiptHandle is invalid. Reason: Message does not exist or is not available for visibility timeout change.", handle)
	}
	if m.state != inFlight {
		return nil // Recorded from AWS: no error when the timeout is over. What it does then is not; here nothing.
	}
	until := q.clock.Now().Add(visibility).UnixNano()
	if until-m.lastReceivedAt > maxVisibilitySeconds*int64(time.Second) {
		return wire.Errorf("InvalidParameterValue", "Value %d for parameter VisibilityTimeout is invalid. Reason: Total VisibilityTimeout for the message is beyond the limit [%d seconds].", visibility/time.Second, maxVisibilitySeconds)
	}
	m.dueAt = until
	heap.Fix(&q.due, int(m.dueIndex))
	q.settle(q.clock.Now())
	q.notify()
	return nil
}

func (q *queue) purge() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := q.clock.Now()
	if !q.purged.IsZero() && now.Sub(q.purged) < purgeInterval {
		return &wire.Error{Status: 403, Code: "PurgeQueueInProgress", Message: "Only one PurgeQueue operation on " + q.name + " is allowed every 60 seconds."}
	}
	doomed := make([]uint64, len(q.byAge))
	for i, m := range q.byAge {
		doomed[i] = m.sequence
	}
	if err := q.kept.remove(doomed...); err != nil {
		return err
	}
	q.purged = now
	q.ready, q.due, q.byAge, q.received = fifo{}, nil, nil, map[uint64]*message{}
	q.visible, q.delayed, q.inFlight = 0, 0, 0
	return nil
}
