package eventbridge

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/payrail/payrail/local/wire"
)

type archiveInput struct {
	ArchiveName, EventSourceArn, EventPattern, Description, NamePrefix string
	RetentionDays                                                      int
	KmsKeyIdentifier                                                   json.RawMessage
}

type archiveOutput struct {
	ArchiveArn     string `json:",omitempty"`
	ArchiveName    string
	EventSourceArn string
	Description    string `json:",omitempty"`
	EventPattern   string `json:",omitempty"`
	State          string
	RetentionDays  int
	SizeBytes      int64
	EventCount     int64
	CreationTime   epoch
}

type createArchiveOutput struct {
	ArchiveArn, State string
	CreationTime      epoch
}

func (s *Service) apiCreateArchive(_ context.Context, in *archiveInput) (*createArchiveOutput, error) {
	if err := refuseGiven(map[string]json.RawMessage{"KmsKeyIdentifier": in.KmsKeyIdentifier}); err != nil {
		return nil, err
	}
	arn, err := s.CreateArchive(Archive{Name: in.ArchiveName, Bus: in.EventSourceArn, Description: in.Description, EventPattern: in.EventPattern,
		RetentionDays: in.RetentionDays})
	return &createArchiveOutput{ArchiveArn: arn, State: "ENABLED", CreationTime: epoch{s.options.Clock.Now()}}, err
}

func (s *Service) describeArchive(a *archive) archiveOutput {
	return archiveOutput{
		ArchiveName: a.Name, EventSourceArn: s.arn("event-bus/" + a.bus), Description: a.Description, EventPattern: a.EventPattern,
		State: "ENABLED", RetentionDays: a.RetentionDays, SizeBytes: a.bytes.Load(), EventCount: a.events.Load(), CreationTime: epoch{a.created},
	}
}

func (s *Service) apiDescribeArchive(_ context.Context, in *archiveInput) (*archiveOutput, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	a, ok := s.archives[in.ArchiveName]
	if !ok {
		return nil, wire.Errorf("ResourceNotFoundException", "Archive %s does not exist.", in.ArchiveName)
	}
	out := s.describeArchive(a)
	out.ArchiveArn = a.arn
	return &out, nil
}

type listArchivesOutput struct{ Archives []archiveOutput }

func (s *Service) apiListArchives(_ context.Context, in *archiveInput) (*listArchivesOutput, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	out := &listArchivesOutput{Archives: []archiveOutput{}}
	for _, name := range sortedKeys(s.archives) {
		a := s.archives[name]
		if strings.HasPrefix(name, in.NamePrefix) && (in.EventSourceArn == "" || in.EventSourceArn == s.arn("event-bus/"+a.bus)) {
			out.Archives = append(out.Archives, s.describeArchive(a))
		}
	}
	return out, nil
}

type replayInput struct {
	ReplayName, EventSourceArn   string
	EventStartTime, EventEndTime epoch
	Destination                  struct {
		Arn        string
		FilterArns []string
	}
}

type replayOutput struct {
	ReplayArn, ReplayName, State string
	StateReason                  string `json:",omitempty"`
	ReplayStartTime              epoch
	ReplayEndTime                *epoch `json:",omitempty"`
	EventSourceArn               string
}

func (s *Service) apiStartReplay(ctx context.Context, in *replayInput) (*replayOutput, error) {
	err := s.StartReplay(Replay{
		Name: in.ReplayName, ArchiveARN: in.EventSourceArn, BusARN: in.Destination.Arn, From: in.EventStartTime.Time,
		To: in.EventEndTime.Time, RuleARNs: in.Destination.FilterArns,
	})
	if err != nil {
		return nil, err
	}
	return s.apiDescribeReplay(ctx, in)
}

func (s *Service) apiDescribeReplay(_ context.Context, in *replayInput) (*replayOutput, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	r, ok := s.replays[in.ReplayName]
	if !ok {
		return nil, wire.Errorf("ResourceNotFoundException", "Replay %s does not exist.", in.ReplayName)
	}
	out := &replayOutput{
		ReplayArn: s.arn("replay/" + r.Name), ReplayName: r.Name, State: r.state, StateReason: r.reason, ReplayStartTime: epoch{r.started},
		EventSourceArn: r.ArchiveARN,
	}
	if !r.ended.IsZero() {
		out.ReplayEndTime = &epoch{r.ended}
	}
	return out, nil
}
