package eventbridge

import (
	"fmt"
	"strings"
	"time"

	"github.com/payrail/payrail/local/wire"
)

// The states of a replay.
const (
	replayStarting   = "STARTING"
	replayRunning    = "RUNNING"
	replayCancelling = "CANCELLING"
	replayCancelled  = "CANCELLED"
	replayCompleted  = "COMPLETED"
	replayFailed     = "FAILED"
)

const (
	// replayChunk is how many archived events are routed at once.
	replayChunk = 100
	// maxActiveReplays is the service's limit for an account and Region.
	// Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html
	maxActiveReplays = 10
)

// Replay sends the events of an archive to the bus they came from once more.
type Replay struct {
	Name        string
	Description string
	ArchiveARN  string
	// BusARN must be that of the archive's bus.
	BusARN string
	// From and To bound the events' own time: from is included, to is not.
	From, To time.Time
	// RuleARNs are the rules that see the events; none means all.
	RuleARNs []string
}

// replay is guarded by the service's mutex but for the part that StartReplay sets.
type replay struct {
	Replay
	state, reason        string
	started, ended, last time.Time // last is the own time of the last event replayed.
}

func (r *replay) active() bool {
	return r.state == replayStarting || r.state == replayRunning || r.state == replayCancelling
}

// StartReplay starts a replay in the background. Idle waits for it and for its deliveries.
func (s *Service) StartReplay(r Replay) error {
	if err := replayNames.check(r.Name, "replayName"); err != nil {
		return err
	}
	if err := checkLength(r.Description, "description", maxDescription); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	a, err := s.replayedArchive(r)
	if err != nil {
		return err
	}
	if !r.From.Before(r.To) {
		return wire.Errorf("ValidationException", "Parameter EventEndTime is not valid. Reason: EventStartTime must be before EventEndTime.")
	}
	if _, ok := s.replays[r.Name]; ok {
		return wire.Errorf("ResourceAlreadyExistsException", "Replay %s already exists.", r.Name)
	}
	active := 0
	for _, other := range s.replays {
		if other.active() {
			active++
		}
	}
	if active >= maxActiveReplays {
		return wire.Errorf("LimitExceededException", "The requested resource exceeds the maximum number allowed.")
	}
	made := &replay{Replay: r, state: replayStarting, started: s.options.Clock.Now()}
	if err := s.kept.replay(made); err != nil {
		return err
	}
	s.outstanding.add(1)
	if !s.start(func() { s.replay(made, a) }) {
		s.outstanding.add(-1)
		return wire.Errorf("InternalException", "The service is closing.")
	}
	s.replays[r.Name] = made
	return nil
}

// replayedArchive finds the archive to replay, which must have the destination as its bus; the caller holds the service's mutex.
func (s *Service) replayedArchive(r Replay) (*archive, error) {
	busName, ok := strings.CutPrefix(r.BusARN, s.arn("event-bus/"))
	if !ok {
		return nil, wire.Errorf("ValidationException", "Parameter Destination.Arn is not valid. Reason: Must contain an event bus ARN.")
	}
	if _, err := s.lookup(busName); err != nil {
		return nil, err
	}
	name := r.ArchiveARN[strings.LastIndexByte(r.ArchiveARN, '/')+1:]
	a, ok := s.archives[name]
	switch {
	case !ok || a.arn != r.ArchiveARN:
		return nil, wire.Errorf("ValidationException", "Parameter EventSourceArn is not valid. Reason: Archive %s does not exist.", name)
	case a.bus != busName:
		return nil, wire.Errorf("ValidationException", "Parameter Destination.Arn is not valid. Reason: Cross event bus replay is not permitted.")
	}
	return a, nil
}

// CancelReplay stops a replay; events it has put on the bus by then are delivered.
func (s *Service) CancelReplay(name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, err := s.lookupReplay(name)
	if err != nil {
		return err
	}
	if r.state != replayStarting && r.state != replayRunning {
		return wire.Errorf("IllegalStatusException", "Replay %s is not in a valid state for this operation.", name)
	}
	r.state = replayCancelling
	return s.kept.replay(r)
}

// lookupReplay finds a replay; the caller holds the service's mutex.
func (s *Service) lookupReplay(name string) (*replay, error) {
	r, ok := s.replays[name]
	if !ok {
		return nil, wire.Errorf("ResourceNotFoundException", "Replay %s does not exist.", name)
	}
	return r, nil
}

// replay runs one replay to its end.
func (s *Service) replay(r *replay, a *archive) {
	defer s.outstanding.add(-1)
	var failure error
	chunk := make([]event, 0, replayChunk)
	flush := func() bool {
		if !s.replayGoesOn(r) {
			return false
		}
		if failure = s.route(chunk, r.RuleARNs); failure != nil {
			return false
		}
		s.replayed(r, chunk)
		chunk = make([]event, 0, replayChunk) // Deliveries keep pointers into the old one.
		return true
	}
	going := s.replayGoesOn(r)
	err := s.EachArchived(a.Name, r.begin(), r.To, func(e ArchivedEvent) bool {
		if !going {
			return false
		}
		chunk = append(chunk, event{
			id: s.options.NewID(), time: e.Time, received: s.options.Clock.Now(), bus: a.bus, replayed: true,
			envelope: withReplayName(e.Envelope, r.Name),
		})
		if len(chunk) == replayChunk {
			going = flush()
		}
		return going
	})
	if err == nil && going && len(chunk) > 0 {
		flush()
	}
	if err == nil {
		err = failure
	}
	s.endReplay(r, err)
}

// replayGoesOn tells whether a replay is to go on, which it then does as RUNNING.
func (s *Service) replayGoesOn(r *replay) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.state == replayCancelling || s.ctx.Err() != nil {
		return false
	}
	r.state = replayRunning
	return true
}

func (s *Service) replayed(r *replay, chunk []event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r.last = chunk[len(chunk)-1].time
	s.kept.replayProgress(r)
}

func (s *Service) endReplay(r *replay, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.kept != nil && s.ctx.Err() != nil {
		return // The service is closing: the next process goes on.
	}
	r.ended = s.options.Clock.Now()
	defer s.kept.replayProgress(r)
	switch {
	case err != nil:
		r.state, r.reason = replayFailed, err.Error()
		s.options.Logger.Error("replay failed", "replay", r.Name, "error", fmt.Errorf("replaying %s: %w", r.ArchiveARN, err))
	case r.state == replayCancelling:
		r.state = replayCancelled
	default:
		r.state = replayCompleted
	}
}
