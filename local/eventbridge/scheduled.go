package eventbridge

import (
	"errors"
	"sync"
	"time"

	"github.com/payrail/payrail/local/clock"
	"github.com/payrail/payrail/local/eventbridge/schedule"
	"github.com/payrail/payrail/local/storage"
	"github.com/payrail/payrail/local/wire"
)

// The members of the event that a schedule makes; the rest are the rule's ARN as the only resource, and an empty detail.
const (
	scheduledSource     = "aws.events"
	scheduledDetailType = "Scheduled Event"
)

// ticker makes a rule self-trigger. It belongs to one version of the rule's schedule: a rule that gets another schedule, or is
// enabled again, gets another ticker, whose rate starts anew.
type ticker struct {
	service   *Service
	rule      string // Of the default bus.
	schedule  *schedule.Schedule
	mu        sync.Mutex
	timer     clock.Timer
	cancelled bool
}

// compileSchedule reads a rule's expression; nil where it has none.
func compileSchedule(r Rule) (*schedule.Schedule, error) {
	if r.ScheduleExpression == "" {
		return nil, nil
	}
	compiled, err := schedule.Parse(r.ScheduleExpression)
	switch {
	case errors.Is(err, schedule.ErrNotDone):
		return nil, wire.NotImplemented("the schedule expression " + r.ScheduleExpression + ": " + err.Error())
	case err != nil:
		return nil, wire.Errorf("ValidationException", "Parameter ScheduleExpression is not valid.")
	}
	return compiled, nil
}

// startTicker arms the first tick of a rule with a schedule that is enabled; the caller holds the service's mutex.
func (s *Service) startTicker(r *rule) {
	r.ticker.stop()
	r.ticker = nil
	if r.schedule == nil || r.Disabled {
		return
	}
	r.ticker = &ticker{service: s, rule: r.Name, schedule: r.schedule}
	r.ticker.arm(s.options.Clock.Now())
}

// arm sets the timer for the first due time after a given one.
func (t *ticker) arm(after time.Time) {
	due, ok := t.schedule.Next(after)
	if !ok {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.cancelled {
		c := t.service.options.Clock
		t.timer = c.AfterFunc(due.Sub(c.Now()), func() { t.tick(due) })
	}
}

// tick triggers the rule and arms the next tick. Ticks that the clock has passed by meanwhile are not made up for: EventBridge
// promises none either, and a machine that cannot keep up must not fall behind ever further. A rate keeps its phase.
func (t *ticker) tick(due time.Time) {
	s := t.service
	if s.ctx.Err() != nil {
		return
	}
	s.trigger(t, due)
	for now := s.options.Clock.Now(); ; {
		next, ok := t.schedule.Next(due)
		if !ok || next.After(now) {
			break
		}
		due = next
	}
	t.arm(due)
}

// stop ends a ticker; a nil one is none.
func (t *ticker) stop() {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.cancelled = true
	if t.timer != nil {
		t.timer.Stop()
	}
}

// trigger hands a scheduled event to the targets of the ticker's rule, and to them alone.
func (s *Service) trigger(t *ticker, due time.Time) {
	s.mu.RLock()
	b := s.buses[DefaultBus]
	r, ok := b.rules[t.rule]
	if !ok || r.ticker != t {
		s.mu.RUnlock()
		return // Changed or deleted while the timer fired.
	}
	lanes := r.sortedLanes()
	s.mu.RUnlock()
	entry := &Entry{Source: scheduledSource, DetailType: scheduledDetailType, Detail: []byte("{}"), Resources: []string{r.arn}}
	id := s.options.NewID()
	e := &event{id: id, time: due, received: s.options.Clock.Now(), bus: DefaultBus, envelope: s.envelope(entry, id, due)}
	deliveries := make([]*delivery, len(lanes))
	for i, l := range lanes {
		deliveries[i] = &delivery{event: e, lane: l}
	}
	if err := s.deliver(storage.Batch{}, deliveries); err != nil {
		s.options.Logger.Error("a scheduled event is lost", "rule", t.rule, "error", err)
		return
	}
	r.metrics.triggered.Add(1)
}

// stopTickers ends every schedule.
func (s *Service) stopTickers() {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, r := range s.buses[DefaultBus].rules {
		r.ticker.stop()
	}
}
