package eventbridge

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/payrail/payrail/local/wire"
)

// The states of a replay.
const (
	replayRunning   = "RUNNING"
	replayCompleted = "COMPLETED"
	replayFailed    = "FAILED"
)

var replayNameForm = regexp.MustCompile(`^[.\-_A-Za-z0-9]{1,64}$`)

// replayChunk is how many archived events are routed at once.
const replayChunk = 100

// Replay sends the events of an archive to the bus they came from once more.
type Replay struct {
	Name       string
	ArchiveARN string
	// BusARN must be that of the archive's bus.
	BusARN string
	// From and To bound the events' own time: from is included, to is not.
	From, To time.Time
	// RuleARNs are the rules that see the events; none means all.
	RuleARNs []string
}

type replay struct {
	Replay
	state, reason  string
	started, ended time.Time
}

// StartReplay starts a replay in the background. Idle waits for it and for its deliveries.
func (s *Service) StartReplay(r Replay) error {
	if !replayNameForm.MatchString(r.Name) {
		return wire.Errorf("ValidationException", "Replay name %q is not valid: 1 to 64 of letters, digits, '.', '-' and '_'.", r.Name)
	}
	if !r.From.Before(r.To) {
		return wire.Errorf("ValidationException", "Parameter EventEndTime is not valid. Reason: EventStartTime must be before EventEndTime.")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	a, ok := s.archives[strings.TrimPrefix(r.ArchiveARN, s.arn("archive/"))]
	if !ok || a.arn != r.ArchiveARN {
		return wire.Errorf("ResourceNotFoundException", "Archive %s does not exist.", r.ArchiveARN)
	}
	if s.arn("event-bus/"+a.bus) != r.BusARN {
		return wire.Errorf("ValidationException", "Parameter Destination.Arn is not valid. Reason: Cross event bus replay is not permitted.")
	}
	if _, ok := s.replays[r.Name]; ok {
		return wire.Errorf("ResourceAlreadyExistsException", "Replay %s already exists.", r.Name)
	}
	made := &replay{Replay: r, state: replayRunning, started: s.options.Clock.Now()}
	s.replays[r.Name] = made
	s.outstanding.add(1)
	if !s.start(func() { s.replay(made, a) }) {
		s.outstanding.add(-1)
		return wire.Errorf("ConcurrentModificationException", "The service is closing.")
	}
	return nil
}

// replay runs one replay to its end.
func (s *Service) replay(r *replay, a *archive) {
	defer s.outstanding.add(-1)
	var failure error
	chunk := make([]event, 0, replayChunk)
	flush := func() bool {
		failure = s.route(chunk, r.RuleARNs)
		chunk = make([]event, 0, replayChunk) // Deliveries keep pointers into the old one.
		return failure == nil && s.ctx.Err() == nil
	}
	err := s.EachArchived(a.Name, r.From, r.To, func(e ArchivedEvent) bool {
		chunk = append(chunk, event{
			id: s.options.NewID(), time: e.Time, received: s.options.Clock.Now(), bus: a.bus, replayed: true,
			envelope: withReplayName(e.Envelope, r.Name),
		})
		return len(chunk) < replayChunk || flush()
	})
	if err == nil && failure == nil {
		flush()
	}
	if err == nil {
		err = failure
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	r.state, r.ended = replayCompleted, s.options.Clock.Now()
	if err != nil {
		r.state, r.reason = replayFailed, err.Error()
		s.options.Logger.Error("replay failed", "replay", r.Name, "error", fmt.Errorf("replaying archive %s: %w", a.Name, err))
	}
}
