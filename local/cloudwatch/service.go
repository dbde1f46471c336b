package cloudwatch

import (
	"context"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/payrail/payrail/local/clock"
	"github.com/payrail/payrail/local/faults"
	"github.com/payrail/payrail/local/storage"
	"github.com/payrail/payrail/local/wire"
)

// evaluationInterval is how often CloudWatch evaluates alarms with periods of a minute and more.
const evaluationInterval = time.Minute

// Topics is where alarms tell of themselves. Implementations check that the topic lets CloudWatch publish for the alarm, and
// are safe for concurrent use.
type Topics interface {
	Notify(ctx context.Context, topicARN, alarmARN, subject, message string) error
}

// Options are what a Service needs. Topics may be nil where no alarm has actions.
type Options struct {
	Clock  clock.Clock
	Topics Topics
	// Collect is called once a minute with the minute that is over; it puts what the services have counted since the last call.
	// It may be nil.
	Collect func(minute time.Time, put func(Datum))
	// Store keeps metrics and the states of alarms beyond the process; nil keeps them in memory alone.
	Store storage.Store
	// Changed hears of every change of an alarm's state, after the fact and one at a time. It may be nil.
	Changed func(Change)
	Faults  *faults.Injector
	Logger  *slog.Logger
	Region  string
	Account string
}

// Change is a change of an alarm's state.
type Change struct {
	Name, ARN, Description string
	Old, New               State
	Reason                 string
	At                     time.Time

	subject, message string
	topics           []string
	kept             keptState
}

// Service holds metrics and alarms. It is safe for concurrent use.
type Service struct {
	*wire.RPC
	options   Options
	arnPrefix string
	store     *store
	keeper    *keeper
	ctx       context.Context // Ends with Close.
	cancel    context.CancelFunc

	mu      sync.Mutex
	alarms  map[string]*alarm
	history []historyItem // Oldest first.

	acting sync.Mutex // Keeps notifications in their order.

	ticking sync.Mutex // Held while alarms are evaluated, and by Close.
	timer   clock.Timer
	closed  bool
}

// New makes a Service without alarms and starts its clock. The caller must Close it.
func New(o Options) *Service {
	s := &Service{options: o, arnPrefix: "arn:aws:cloudwatch:" + o.Region + ":" + o.Account + ":alarm:", store: newStore(), alarms: map[string]*alarm{}}
	s.keeper = newKeeper(o, s.store)
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.RPC = s.protocol()
	s.ticking.Lock()
	defer s.ticking.Unlock()
	s.arm(o.Clock.Now())
	return s
}

// Close ends the evaluation of alarms, and waits for one that is under way.
func (s *Service) Close() {
	s.cancel()
	s.ticking.Lock()
	defer s.ticking.Unlock()
	s.closed = true
	s.timer.Stop()
	s.keeper.keepMetrics(s.store, s.options.Clock.Now())
}

// arm sets the timer for the next full minute. The caller holds s.ticking.
func (s *Service) arm(now time.Time) {
	due := now.Truncate(evaluationInterval).Add(evaluationInterval)
	s.timer = s.options.Clock.AfterFunc(due.Sub(now), func() { s.tick(due) })
}

// tick ends a minute. Minutes that the clock has passed by meanwhile are not made up for: a machine that cannot keep up must not
// fall behind ever further.
func (s *Service) tick(due time.Time) {
	s.ticking.Lock()
	defer s.ticking.Unlock()
	if s.closed {
		return
	}
	now := s.options.Clock.Now()
	if full := now.Truncate(evaluationInterval); full.After(due) {
		due = full
	}
	s.minute(due)
	s.arm(due)
}

// minute collects what was counted in the minute before now and evaluates the alarms.
func (s *Service) minute(now time.Time) {
	if s.options.Collect != nil {
		s.options.Collect(now.Add(-resolution), s.Put)
	}
	s.store.forget(now)
	s.keeper.keepMetrics(s.store, now)
	s.act(s.evaluate(now))
}

// Put adds a datum. One that there is no room for is dropped, with a line in the log.
func (s *Service) Put(d Datum) {
	if err := s.store.put(d); err != nil {
		s.options.Logger.Warn("dropping a metric", "namespace", d.Namespace, "metric", d.MetricName, "error", err)
	}
}

// evaluate evaluates all metric alarms as of now, and the composite alarms over those that changed.
func (s *Service) evaluate(now time.Time) []Change {
	s.mu.Lock()
	defer s.mu.Unlock()
	var changes []Change
	for _, name := range slices.Sorted(maps.Keys(s.alarms)) {
		a := s.alarms[name]
		if a.metric == nil {
			continue
		}
		n := a.criteria.evaluationRange()
		start := now.Add(-time.Duration(n) * a.watched.period)
		j := a.criteria.judge(a.watched.values(s.store, start, n))
		if j.state == retain || j.state == a.state {
			continue
		}
		c := s.transition(a, j.state, a.criteria.reason(j, a.state), a.reasonDataOf(j, now), now)
		changes = append(append(changes, c), s.evaluateComposites([]Change{c}, now)...)
	}
	return changes
}

// evaluateComposites evaluates the composite alarms over alarms that changed, and those over them. As on AWS nothing else makes a
// composite alarm look at its rule. The caller holds the lock.
func (s *Service) evaluateComposites(changed []Change, now time.Time) []Change {
	var all []Change
	for len(changed) > 0 {
		var next []Change
		for _, name := range slices.Sorted(maps.Keys(s.alarms)) {
			a := s.alarms[name]
			if a.rule == nil {
				continue
			}
			i := slices.IndexFunc(changed, func(c Change) bool { return slices.Contains(children(a.rule), c.Name) })
			if i < 0 {
				continue
			}
			if state := s.compositeState(a); state != a.state {
				reason := changed[i].ARN + " transitioned to " + string(changed[i].New) + " at " + now.UTC().Format("Monday 02 January, 2006 15:04:05 MST")
				next = append(next, s.transition(a, state, reason, s.triggeringData(a, changed), now))
			}
		}
		all, changed = append(all, next...), next
	}
	return all
}

func (s *Service) compositeState(a *alarm) State {
	if a.rule.holds(func(name string) State { return s.alarms[name].state }) {
		return Alarm
	}
	return OK
}

// transition gives an alarm its new state; the caller holds the lock and acts on the change once it has released it.
func (s *Service) transition(a *alarm, to State, reason, reasonData string, now time.Time) Change {
	c := Change{Name: a.name, ARN: a.arn, Description: a.description, Old: a.state, New: to, Reason: reason, At: now}
	data := stateData(a, to, reason, reasonData)
	if a.state != to {
		a.transitioned = now
	}
	a.state, a.reason, a.reasonData, a.updated = to, reason, reasonData, now
	c.kept = a.keptState()
	s.remember(a, historyState, now, "Alarm updated from "+string(c.Old)+" to "+string(to), data)
	if a.enabled && c.Old != to {
		c.topics = a.actions[to]
		c.subject, c.message = s.subject(c), s.message(a, c)
	}
	return c
}

// act does the actions of changes, in their order.
func (s *Service) act(changes []Change) {
	if len(changes) == 0 {
		return
	}
	s.acting.Lock()
	defer s.acting.Unlock()
	for _, c := range changes {
		s.options.Logger.Info("alarm changed", "alarm", c.Name, "from", c.Old, "to", c.New, "reason", c.Reason)
		if s.options.Changed != nil {
			s.options.Changed(c)
		}
		for _, topic := range c.topics {
			err := s.options.Topics.Notify(s.ctx, topic, c.ARN, c.subject, c.message)
			if err != nil {
				s.options.Logger.Warn("alarm could not tell its topic", "alarm", c.Name, "topic", topic, "error", err)
			}
			s.rememberAction(c, topic, err)
		}
		s.keeper.keepState(c.Name, c.kept) // After its actions: they are done again by the next process, not left out.
	}
}

func notFound(message string) error {
	return &wire.Error{Status: http.StatusNotFound, Code: "ResourceNotFound", Message: message}
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
