package sqs

import "github.com/payrail/payrail/local/faults"

// Operations of the fault injector, each with the queue's name.
const (
	deliverOperation = "sqs:Deliver"
	sendOperation    = "sqs:SendMessage"
)

// injected is what becomes of messages that are sent to a queue with a consumer, one that has a dead-letter queue: some come late,
// some twice, and some bring a message that nobody can read. now is in Unix nanoseconds.
func (q *queue) injected(messages []*message, now int64) []*message {
	if q.deadLetter == nil || !q.faults.Active() {
		return messages
	}
	out := make([]*message, 0, len(messages))
	for _, m := range messages {
		out = append(out, m)
		d := q.faults.Delivery(deliverOperation, q.name)
		if d.Duplicate {
			// As on AWS where a server was not there when the message was deleted: it delivers its copy, under the same id.
			again := *m
			again.sequence = q.sequence.Add(1)
			out = append(out, &again)
		}
		if d.Delay > 0 {
			m.dueAt = max(m.dueAt, now) + int64(d.Delay)
		}
		if _, ok := q.faults.Decide(sendOperation, q.name, faults.Poison); ok {
			poison := &message{id: m.id, sequence: q.sequence.Add(1), sentAt: m.sentAt, arrivedAt: now, dueIndex: -1, ageIndex: -1}
			for n := range poison.id {
				poison.id[n] ^= 0xff // Another id, and the same one in each run that gives m the same.
			}
			poison.body = "poison " + formatID(poison.id)
			out = append(out, poison)
		}
	}
	return out
}

// lost reports whether the answer of a receive gets lost, so that the message stays in flight until its visibility timeout is over.
func (q *queue) lost() bool {
	return q.deadLetter != nil && q.faults.Drop(deliverOperation, q.name) != nil
}

// Consumable is how many messages lie in queues that have a consumer, those with a dead-letter queue: visible, delayed and in flight.
func (s *Service) Consumable() int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	total := 0
	for _, q := range s.queues {
		if q.consumed() {
			stats := q.stats()
			total += stats.Visible + stats.Delayed + stats.InFlight
		}
	}
	return total
}

func (q *queue) consumed() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.deadLetter != nil
}
