package eventbridge

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/payrail/payrail/local/wire"
)

type archiveInput struct {
	page
	ArchiveName, EventSourceArn, NamePrefix, State string
	EventPattern, Description                      *string
	RetentionDays                                  *int
	KmsKeyIdentifier                               json.RawMessage
}

// change puts what is given into an archive.
func (in *archiveInput) change(a *Archive) {
	if in.EventPattern != nil {
		a.EventPattern = *in.EventPattern
	}
	if in.Description != nil {
		a.Description = *in.Description
	}
	if in.RetentionDays != nil {
		a.RetentionDays = *in.RetentionDays
	}
}

// archiveOutput is an archive in a list; described ones have the further members.
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

// archiveEnabled is the one state that archives have here: nothing about making one takes time.
const archiveEnabled = "ENABLED"

type changedArchiveOutput struct {
	ArchiveArn, State string
	CreationTime      epoch
}

func (s *Service) apiCreateArchive(_ context.Context, in *archiveInput) (*changedArchiveOutput, error) {
	if err := refuseGiven(map[string]json.RawMessage{"KmsKeyIdentifier": in.KmsKeyIdentifier}); err != nil {
		return nil, err
	}
	if !strings.HasPrefix(in.EventSourceArn, "arn:") {
		return nil, violated(in.EventSourceArn, "eventSourceArn", "satisfy regular expression pattern: arn:aws[\\w-]*:events:.*:event-bus/.*")
	}
	a := Archive{Name: in.ArchiveName, Bus: in.EventSourceArn}
	in.change(&a)
	arn, err := s.CreateArchive(a)
	return &changedArchiveOutput{ArchiveArn: arn, State: archiveEnabled, CreationTime: epoch{s.options.Clock.Now()}}, err
}

func (s *Service) apiUpdateArchive(_ context.Context, in *archiveInput) (*changedArchiveOutput, error) {
	if err := refuseGiven(map[string]json.RawMessage{"KmsKeyIdentifier": in.KmsKeyIdentifier}); err != nil {
		return nil, err
	}
	if err := s.UpdateArchive(in.ArchiveName, in.change); err != nil {
		return nil, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	a, err := s.lookupArchive(in.ArchiveName)
	if err != nil {
		return nil, err
	}
	return &changedArchiveOutput{ArchiveArn: a.arn, State: archiveEnabled, CreationTime: epoch{a.created}}, nil
}

func (s *Service) apiDeleteArchive(_ context.Context, in *archiveInput) (*empty, error) {
	return &empty{}, s.DeleteArchive(in.ArchiveName)
}

func (s *Service) listedArchive(a *archive) archiveOutput {
	return archiveOutput{
		ArchiveName: a.Name, EventSourceArn: s.arn("event-bus/" + a.bus), State: archiveEnabled, RetentionDays: a.RetentionDays,
		SizeBytes: a.counts.bytes.Load(), EventCount: a.counts.events.Load(), CreationTime: epoch{a.created},
	}
}

func (s *Service) apiDescribeArchive(_ context.Context, in *archiveInput) (*archiveOutput, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	a, err := s.lookupArchive(in.ArchiveName)
	if err != nil {
		return nil, err
	}
	out := s.listedArchive(a)
	out.ArchiveArn, out.Description, out.EventPattern = a.arn, a.Description, a.EventPattern
	return &out, nil
}

type listArchivesOutput struct {
	Archives  []archiveOutput
	NextToken string `json:",omitempty"`
}

// onlyOneFilter refuses a list that is asked to filter by two things at once.
func onlyOneFilter(filters ...string) error {
	given := 0
	for _, f := range filters {
		if f != "" {
			given++
		}
	}
	if given > 1 {
		return wire.Errorf("ValidationException", "At most one filter is allowed for this operation. Use either : NamePrefix, EventSourceArn or State.")
	}
	return nil
}

func (s *Service) apiListArchives(_ context.Context, in *archiveInput) (*listArchivesOutput, error) {
	if err := onlyOneFilter(in.NamePrefix, in.EventSourceArn, in.State); err != nil {
		return nil, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	busName := ""
	if in.EventSourceArn != "" {
		b, err := s.lookup(in.EventSourceArn)
		if err != nil {
			return nil, err
		}
		busName = b.Name
	}
	var names []string
	for _, name := range sortedKeys(s.archives) {
		if strings.HasPrefix(name, in.NamePrefix) && (busName == "" || busName == s.archives[name].bus) && (in.State == "" || in.State == archiveEnabled) {
			names = append(names, name)
		}
	}
	part, next, err := in.names(names)
	if err != nil {
		return nil, err
	}
	out := &listArchivesOutput{Archives: []archiveOutput{}, NextToken: next}
	for _, name := range part {
		out.Archives = append(out.Archives, s.listedArchive(s.archives[name]))
	}
	return out, nil
}

type replayDestination struct {
	Arn        string
	FilterArns []string `json:",omitempty"`
}

type replayInput struct {
	page
	ReplayName, Description, EventSourceArn, NamePrefix, State string
	EventStartTime, EventEndTime                               epoch
	Destination                                                replayDestination
}

// replayOutput is a replay as the operations show it; each fills what its own answer has.
type replayOutput struct {
	ReplayArn             string `json:",omitempty"`
	ReplayName            string `json:",omitempty"`
	Description           string `json:",omitempty"`
	State                 string
	StateReason           string             `json:",omitempty"`
	EventSourceArn        string             `json:",omitempty"`
	Destination           *replayDestination `json:",omitempty"`
	EventStartTime        *epoch             `json:",omitempty"`
	EventEndTime          *epoch             `json:",omitempty"`
	EventLastReplayedTime *epoch             `json:",omitempty"`
	ReplayStartTime       *epoch             `json:",omitempty"`
	ReplayEndTime         *epoch             `json:",omitempty"`
}

func (s *Service) apiStartReplay(_ context.Context, in *replayInput) (*replayOutput, error) {
	err := s.StartReplay(Replay{
		Name: in.ReplayName, Description: in.Description, ArchiveARN: in.EventSourceArn, BusARN: in.Destination.Arn,
		From: in.EventStartTime.Time, To: in.EventEndTime.Time, RuleARNs: in.Destination.FilterArns,
	})
	if err != nil {
		return nil, err
	}
	// Whatever the replay has come to by now: the answer is about its start.
	return &replayOutput{ReplayArn: s.arn("replay/" + in.ReplayName), State: replayStarting, ReplayStartTime: &epoch{s.options.Clock.Now()}}, nil
}

func (s *Service) apiCancelReplay(_ context.Context, in *replayInput) (*replayOutput, error) {
	if err := s.CancelReplay(in.ReplayName); err != nil {
		return nil, err
	}
	return &replayOutput{ReplayArn: s.arn("replay/" + in.ReplayName), State: replayCancelling}, nil
}

// listed is a replay in a list.
func (r *replay) listed() replayOutput {
	out := replayOutput{
		ReplayName: r.Name, State: r.state, StateReason: r.reason, EventSourceArn: r.ArchiveARN,
		EventStartTime: &epoch{r.From}, EventEndTime: &epoch{r.To}, ReplayStartTime: &epoch{r.started},
	}
	if !r.last.IsZero() {
		out.EventLastReplayedTime = &epoch{r.last}
	}
	if !r.ended.IsZero() {
		out.ReplayEndTime = &epoch{r.ended}
	}
	return out
}

func (s *Service) apiDescribeReplay(_ context.Context, in *replayInput) (*replayOutput, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	r, err := s.lookupReplay(in.ReplayName)
	if err != nil {
		return nil, err
	}
	out := r.listed()
	out.ReplayArn, out.Description = s.arn("replay/"+r.Name), r.Description
	out.Destination = &replayDestination{Arn: r.BusARN, FilterArns: r.RuleARNs}
	return &out, nil
}

type listReplaysOutput struct {
	Replays   []replayOutput
	NextToken string `json:",omitempty"`
}

func (s *Service) apiListReplays(_ context.Context, in *replayInput) (*listReplaysOutput, error) {
	if err := onlyOneFilter(in.NamePrefix, in.EventSourceArn, in.State); err != nil {
		return nil, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	var names []string
	for _, name := range sortedKeys(s.replays) {
		r := s.replays[name]
		if strings.HasPrefix(name, in.NamePrefix) && (in.EventSourceArn == "" || in.EventSourceArn == r.ArchiveARN) && (in.State == "" || in.State == r.state) {
			names = append(names, name)
		}
	}
	part, next, err := in.names(names)
	if err != nil {
		return nil, err
	}
	out := &listReplaysOutput{Replays: []replayOutput{}, NextToken: next}
	for _, name := range part {
		out.Replays = append(out.Replays, s.replays[name].listed())
	}
	return out, nil
}
