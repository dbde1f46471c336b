package eventbridge

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/payrail/payrail/local/storage"
)

// replaySpace has the replays by name.
const replaySpace = "eventbridge/replays"

// keptReplay is a replay as the store has it.
type keptReplay struct {
	Replay
	State, Reason        string
	Started, Ended, Last time.Time
}

// replay keeps how far a replay has come. The caller holds the service's mutex.
func (k *keeper) replay(r *replay) error {
	if k == nil {
		return nil
	}
	value, err := json.Marshal(keptReplay{Replay: r.Replay, State: r.state, Reason: r.reason, Started: r.started, Ended: r.ended, Last: r.last})
	if err != nil {
		return fmt.Errorf("keeping a replay: %w", err)
	}
	var b storage.Batch
	b.Put(replaySpace, []byte(r.Name), value)
	if err := k.store.Apply(&b); err != nil {
		return fmt.Errorf("keeping a replay: %w", err)
	}
	return nil
}

// replayProgress is replay where nobody waits to hear of a failure, which repeats events after a restart.
func (k *keeper) replayProgress(r *replay) {
	if err := k.replay(r); err != nil {
		k.logger.Error("keeping a replay's progress", "replay", r.Name, "error", err)
	}
}

// begin is where a replay goes on: at the last event that an earlier process has replayed, or at its start.
func (r *replay) begin() time.Time {
	if r.last.After(r.From) {
		return r.last
	}
	return r.From
}

// resumeReplays lists the replays of earlier processes and goes on with those that had not ended.
func (s *Service) resumeReplays() error {
	var kept []keptReplay
	var broken error
	err := s.kept.store.Scan(replaySpace, storage.Range{}, func(_, value []byte) bool {
		var r keptReplay
		broken = json.Unmarshal(value, &r)
		kept = append(kept, r)
		return broken == nil
	})
	if err = errors.Join(err, broken); err != nil {
		return fmt.Errorf("reading kept replays: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, one := range kept {
		if _, known := s.replays[one.Name]; known {
			continue // Started anew by a client that was faster.
		}
		r := &replay{Replay: one.Replay, state: one.State, reason: one.Reason, started: one.Started, ended: one.Ended, last: one.Last}
		s.replays[r.Name] = r
		if !r.active() {
			continue
		}
		a, err := s.replayedArchive(r.Replay)
		if err != nil {
			r.state, r.reason, r.ended = replayFailed, err.Error(), s.options.Clock.Now()
			s.kept.replayProgress(r)
			continue
		}
		s.outstanding.add(1)
		if !s.start(func() { s.replay(r, a) }) {
			s.outstanding.add(-1)
		}
	}
	return nil
}
