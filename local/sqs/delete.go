package sqs

import (
	"context"
	"time"

	"github.com/payrail/payrail/local/wire"
)

// reuseInterval is how long AWS keeps the name of a deleted queue.
const reuseInterval = 60 * time.Second

// DeleteQueue deletes a queue with all its messages. Receives that wait on it end. Queues whose dead letters went there keep
// them from then on, as on AWS, until their redrive policy names another.
func (s *Service) DeleteQueue(queueARN string) error {
	q, err := s.byARN(queueARN)
	if err != nil {
		return err
	}
	defer s.forgetMoves(q) // Once s.mu is free: a move task takes it.
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.queues[q.name] != q { // Somebody else was faster.
		return errNoQueue()
	}
	delete(s.queues, q.name)
	s.deletedAt[q.name] = s.clock.Now()
	for _, source := range s.queues {
		source.forgetDeadLetter(q)
	}
	close(q.deleted)
	return q.kept.drop()
}

func (q *queue) forgetDeadLetter(deleted *queue) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.deadLetter == deleted {
		q.deadLetter = nil
	}
}

// mayReuse refuses a name that was deleted a moment ago. The caller holds s.mu.
func (s *Service) mayReuse(name string) error {
	now := s.clock.Now()
	for deleted, at := range s.deletedAt { // Forget those whose time is over, or each session's name would stay for good.
		if now.Sub(at) >= reuseInterval {
			delete(s.deletedAt, deleted)
		}
	}
	if _, recently := s.deletedAt[name]; recently {
		return wire.Errorf("QueueDeletedRecently", "You must wait 60 seconds after deleting a queue before you can create another with the same name.")
	}
	return nil
}

func (s *Service) apiDeleteQueue(_ context.Context, in *queueRef) (*empty, error) {
	q, err := s.byURL(in.QueueUrl)
	if err != nil {
		return nil, err
	}
	return &empty{}, s.DeleteQueue(q.arn)
}
