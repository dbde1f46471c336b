package sqs

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/payrail/payrail/local/storage"
)

// moveSpace has the move tasks that ListMessageMoveTasks knows, running or not.
const moveSpace = "sqs.moves"

// keptMove is a move task as the store has it.
type keptMove struct {
	ID      string
	State   MoveTask
	Rate    int
	Started time.Time
	key     []byte
}

func (t *moveTask) key() []byte { return []byte(t.source.name + "/" + t.id) }

// keep keeps the state of a task. The caller holds Service.movesMu.
func (t *moveTask) keep() error {
	if t.service.store == nil {
		return nil
	}
	var b storage.Batch
	if err := t.keepIn(&b); err != nil {
		return err
	}
	if err := t.service.store.Apply(&b); err != nil {
		return fmt.Errorf("keeping a move task: %w", err)
	}
	return nil
}

// keepIn puts the state of a task into a batch, with the move it counts.
func (t *moveTask) keepIn(b *storage.Batch) error {
	value, err := json.Marshal(keptMove{ID: t.id, State: t.state, Rate: t.rate, Started: t.started})
	if err != nil {
		return fmt.Errorf("keeping a move task: %w", err)
	}
	b.Put(moveSpace, t.key(), value)
	return nil
}

// addMove makes a task the latest of its source; the oldest one makes room. The caller holds s.movesMu.
func (s *Service) addMove(task *moveTask) {
	tasks := append([]*moveTask{task}, s.moves[task.source]...)
	known := min(len(tasks), maxMoveTasks)
	s.dropMoves(tasks[known:])
	s.moves[task.source] = tasks[:known]
}

// dropMoves forgets tasks in the store; where that fails they are listed again after a restart.
func (s *Service) dropMoves(tasks []*moveTask) {
	if s.store == nil || len(tasks) == 0 {
		return
	}
	var b storage.Batch
	for _, t := range tasks {
		b.Delete(moveSpace, t.key())
	}
	if err := s.store.Apply(&b); err != nil {
		s.logger.Error("forgetting move tasks", "error", err)
	}
}

// Resume goes on with the move tasks an earlier process has left. It is to be called once, when the queues are there; the tasks of
// one that is no more are forgotten.
func (s *Service) Resume() error {
	if s.store == nil {
		return nil
	}
	var left []keptMove
	var broken error
	err := s.store.Scan(moveSpace, storage.Range{}, func(key, value []byte) bool {
		one := keptMove{key: key}
		broken = json.Unmarshal(value, &one)
		left = append(left, one)
		return broken == nil
	})
	if err = errors.Join(err, broken); err != nil {
		return fmt.Errorf("reading kept move tasks: %w", err)
	}
	slices.SortFunc(left, func(a, b keptMove) int { return a.Started.Compare(b.Started) })
	var orphans storage.Batch
	s.movesMu.Lock()
	defer s.movesMu.Unlock()
	for _, one := range left {
		source, err := s.byARN(one.State.SourceArn)
		if err != nil {
			orphans.Delete(moveSpace, one.key)
			continue
		}
		task := &moveTask{service: s, id: one.ID, source: source, state: one.State, rate: one.Rate, started: one.Started}
		s.addMove(task)
		if task.state.Status == MoveRunning {
			task.timer = s.clock.AfterFunc(0, task.step)
		}
	}
	if err := s.store.Apply(&orphans); err != nil {
		return fmt.Errorf("forgetting move tasks: %w", err)
	}
	return nil
}
