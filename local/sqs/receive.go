package sqs

import (
	"container/list"
	"context"
	"time"
)

// maxWaitSeconds is AWS's longest long poll.
const maxWaitSeconds = 20

// prepare validates a draft and makes a message of it that is not in the queue yet.
func (s *Service) prepare(q *queue, d draft) (*message, error) {
	settings := q.currentSettings()
	if err := d.validate(settings.maxBytes); err != nil {
		return nil, err
	}
	now := s.clock.Now()
	m := &message{
		id: s.newID(), body: d.body, attributes: d.attributes, traceHeader: d.traceHeader,
		sentAt: now.UnixNano(), dueIndex: -1, ageIndex: -1,
	}
	if d.delay == useQueueDelay {
		d.delay = settings.delay
	}
	if d.delay > 0 {
		m.dueAt = now.Add(d.delay).UnixNano()
	}
	return m, nil
}

func (s *Service) send(q *queue, d draft) ([16]byte, error) {
	m, err := s.prepare(q, d)
	if err != nil {
		return [16]byte{}, err
	}
	return m.id, q.add(m)
}

// receive takes messages, waiting up to wait for the first one.
func (s *Service) receive(ctx context.Context, q *queue, max int, wait, visibility time.Duration) ([]Message, error) {
	var expired chan struct{}
	for {
		q.mu.Lock()
		taken, dead, err := q.take(max, visibility, wait <= 0)
		if err != nil || len(taken) > 0 || wait <= 0 || isClosed(expired) {
			if err == nil && len(taken) == 0 {
				q.counters.EmptyReceives++
			}
			q.mu.Unlock()
			s.moveToDeadLetter(q, dead)
			q.kept.received(q.id, taken)
			return s.signed(taken), err
		}
		wake := make(chan struct{}, 1)
		waiter := q.waiters.PushBack(wake)
		q.arm()
		q.mu.Unlock()
		s.moveToDeadLetter(q, dead)
		if expired == nil {
			expired = make(chan struct{})
			defer s.clock.AfterFunc(wait, func() { close(expired) }).Stop()
		}
		select {
		case <-wake:
		case <-expired:
			q.leave(waiter)
		case <-ctx.Done():
			q.leave(waiter)
			return nil, ctx.Err()
		case <-q.deleted:
			q.leave(waiter)
			return nil, errNoQueue()
		case <-s.closed:
			q.leave(waiter)
			return nil, context.Canceled
		}
	}
}

// signed sets the sender: every caller of the local runtime is its one account.
func (s *Service) signed(messages []Message) []Message {
	for i := range messages {
		messages[i].SenderID = s.account
	}
	return messages
}

// moveToDeadLetter puts messages taken out of q into its dead-letter queue, outside q's lock because two queues may be
// each other's. A message keeps its id, the times it was first sent and first received, and what was counted of its receives
// ("across all queues", says the ReceiveMessage reference); the count that leads to the next dead-letter queue starts again.
func (s *Service) moveToDeadLetter(q *queue, dead []*message) {
	if len(dead) == 0 {
		return
	}
	q.mu.Lock()
	target := q.deadLetter
	q.mu.Unlock()
	moved := make([]*message, len(dead))
	for i, m := range dead {
		moved[i] = &message{
			id: m.id, body: m.body, attributes: m.attributes, traceHeader: m.traceHeader, sentAt: m.sentAt,
			firstReceivedAt: m.firstReceivedAt, receivedBefore: m.receivedBefore + m.receiveCount,
			deadLetterSource: q.arn, dueIndex: -1, ageIndex: -1,
		}
		if target == nil { // The redrive policy was removed meanwhile: the messages stay where they were.
			moved[i].deadLetterSource = m.deadLetterSource
		}
	}
	if target == nil {
		target = q
	}
	target.number(moved...)
	if err := q.kept.move(dead, target.kept, moved, nil); err != nil { // They come back here after a restart.
		s.logger.Error("keeping dead letters", "from", q.name, "to", target.name, "error", err)
	}
	target.admit(moved...)
}

// notify wakes the longest waiting receive if there is something to take, and keeps the timer armed for the others. The
// caller holds q.mu.
func (q *queue) notify() {
	if q.visible > 0 && q.inFlight < maxInFlight {
		if first := q.waiters.Front(); first != nil {
			q.waiters.Remove(first)
			first.Value.(chan struct{}) <- struct{}{}
		}
	}
	q.arm()
}

// leave ends a wait. If the waiter was woken at the same moment, the wake-up goes to the next one.
func (q *queue) leave(waiter *list.Element) {
	q.mu.Lock()
	defer q.mu.Unlock()
	select {
	case <-waiter.Value.(chan struct{}):
		q.notify()
	default:
		q.waiters.Remove(waiter)
	}
}

// arm starts the timer for the next message that becomes visible, if somebody waits for one. The caller holds q.mu.
func (q *queue) arm() {
	if q.waiters.Len() == 0 || len(q.due) == 0 {
		return
	}
	next := q.due[0].dueAt
	if q.timer != nil {
		if q.timerAt <= next {
			return
		}
		q.timer.Stop()
	}
	q.timerAt = next
	q.timer = q.clock.AfterFunc(time.Duration(next-q.clock.Now().UnixNano()), q.onTimer)
}

func (q *queue) onTimer() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.timer = nil
	q.settle(q.clock.Now())
	q.notify()
}

func isClosed(ch chan struct{}) bool {
	select {
	case <-ch:
		return true
	default:
		return false
	}
}
