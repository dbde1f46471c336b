package stepfunctions

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/payrail/payrail/local/storage"
)

// runningSpace has the executions that were started and have not ended, by ARN.
const runningSpace = "states/running"

// keeper keeps started executions in the store until they have ended. After a restart they are run again from their input: what they
// did is done twice, as may happen with EXPRESS executions on AWS too; STANDARD ones would go on at their state there. A nil keeper
// keeps nothing.
type keeper struct {
	store  storage.Store
	logger *slog.Logger
}

// keptExecution is what an execution is run again from.
type keptExecution struct {
	StateMachine, Name string
	Started            time.Time
	Input              json.RawMessage
	arn                string
}

func newKeeper(o Options) *keeper {
	if o.Store == nil {
		return nil
	}
	return &keeper{store: o.Store, logger: o.Logger}
}

// add keeps an execution before its start is acknowledged.
func (k *keeper) add(p *pending, input []byte) error {
	if k == nil {
		return nil
	}
	value, err := json.Marshal(keptExecution{StateMachine: p.stateMachineARN, Name: p.name, Started: p.started, Input: input})
	if err != nil {
		return fmt.Errorf("keeping an execution: %w", err)
	}
	var b storage.Batch
	b.Put(runningSpace, []byte(p.arn), value)
	if err := k.store.Apply(&b); err != nil {
		return fmt.Errorf("keeping an execution: %w", err)
	}
	p.kept = true
	return nil
}

// forget is called when an execution has ended. A failure runs it again after a restart.
func (k *keeper) forget(arn string) {
	if k == nil {
		return
	}
	var b storage.Batch
	b.Delete(runningSpace, []byte(arn))
	if err := k.store.Apply(&b); err != nil {
		k.logger.Error("forgetting an ended execution", "execution", arn, "error", err)
	}
}

// Resume runs the executions again that an earlier process has left, once their state machines are there, and returns how many. It
// does not wait for them. Those whose state machine is no more are dropped.
func (s *Service) Resume() (int, error) {
	if s.kept == nil {
		return 0, nil
	}
	var left []keptExecution
	var broken error
	err := s.kept.store.Scan(runningSpace, storage.Range{}, func(key, value []byte) bool {
		e := keptExecution{arn: string(key)}
		broken = json.Unmarshal(value, &e)
		left = append(left, e)
		return broken == nil
	})
	if err = errors.Join(err, broken); err != nil {
		return 0, fmt.Errorf("reading kept executions: %w", err)
	}
	slices.SortFunc(left, func(a, b keptExecution) int { return a.Started.Compare(b.Started) })
	for _, e := range left {
		if s.isExpress(e.StateMachine) {
			go s.beginAgain(e) // It may have to wait for its turn.
			continue
		}
		s.beginAgain(e) // Its name is taken before anybody can ask for it.
	}
	return len(left), nil
}

func (s *Service) isExpress(stateMachineARN string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.machines[stateMachineARN]
	return m != nil && m.kind == typeExpress
}

// beginAgain runs a kept execution under the ARN it had, without waiting for its end.
func (s *Service) beginAgain(e keptExecution) {
	p, err := s.beginSince(s.ctx, e.Started, e.StateMachine, e.Name, e.Input)
	if err != nil && s.ctx.Err() != nil {
		return // The service is closing: the next one begins it.
	}
	if err != nil {
		s.options.Logger.Error("an execution is dropped: it cannot be run again", "execution", e.arn, "error", err)
		s.kept.forget(e.arn)
		return
	}
	if p.ctx == nil {
		return // It runs already: nobody but a second Resume does that.
	}
	p.rename(e.arn)
	p.kept = true
	go s.finish(p)
}

// rename gives an execution the ARN it was started under, in the context object too.
func (p *pending) rename(arn string) {
	p.arn = arn
	members := slices.Clone(p.about[0].value.members)
	members[0].value = stringValue(arn)
	p.about[0].value = objectValue(members...)
}

// abandon ends an execution that could not be kept: it does not run, and its start fails.
func (s *Service) abandon(p *pending, reason error) {
	p.cancel(nil)
	s.recordEnd(p, outcome{failure: &failure{name: errorRuntime, cause: reason.Error()}, stopped: s.env.clock.Now()})
}
