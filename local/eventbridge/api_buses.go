package eventbridge

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/payrail/payrail/local/wire"
)

type logConfig struct {
	IncludeDetail string `json:",omitempty"`
	Level         string `json:",omitempty"`
}

type busInput struct {
	page
	Tags                              []tag
	Name, NamePrefix, Description     string
	DeadLetterConfig                  *deadLetterConfig
	LogConfig                         *logConfig
	EventSourceName, KmsKeyIdentifier json.RawMessage
}

// bus reads what CreateEventBus and UpdateEventBus share, and refuses what is not done: logs, customer managed keys, partners.
func (in *busInput) bus() (Bus, error) {
	err := refuseGiven(map[string]json.RawMessage{"EventSourceName": in.EventSourceName, "KmsKeyIdentifier": in.KmsKeyIdentifier})
	if err != nil {
		return Bus{}, err
	}
	if l := in.LogConfig; l != nil && l.Level != "" && l.Level != "OFF" {
		return Bus{}, wire.NotImplemented("the logs of an event bus (LogConfig.Level " + l.Level + ")")
	}
	b := Bus{Name: in.Name, Description: in.Description}
	if in.DeadLetterConfig != nil {
		b.DeadLetterARN = in.DeadLetterConfig.Arn
	}
	return b, nil
}

// busOutput is a bus as the operations show it; each fills what its own answer has.
type busOutput struct {
	Name, Arn        string            `json:",omitempty"`
	EventBusArn      string            `json:",omitempty"`
	Description      string            `json:",omitempty"`
	DeadLetterConfig *deadLetterConfig `json:",omitempty"`
	LogConfig        *logConfig        `json:",omitempty"`
	CreationTime     *epoch            `json:",omitempty"`
	LastModifiedTime *epoch            `json:",omitempty"`
}

func (b Bus) deadLetterConfig() *deadLetterConfig {
	if b.DeadLetterARN == "" {
		return nil
	}
	return &deadLetterConfig{Arn: b.DeadLetterARN}
}

func (s *Service) apiCreateEventBus(ctx context.Context, in *busInput) (*busOutput, error) {
	b, err := in.bus()
	if err != nil {
		return nil, err
	}
	tags := map[string]string{}
	if err := addTags(tags, in.Tags); err != nil {
		return nil, err
	}
	arn, err := s.CreateBus(b)
	if err != nil {
		return nil, err
	}
	if _, err := s.apiTagResource(ctx, &tagsInput{ResourceARN: arn, Tags: in.Tags}); err != nil {
		return nil, err
	}
	return &busOutput{EventBusArn: arn, Description: b.Description, DeadLetterConfig: b.deadLetterConfig(), LogConfig: in.LogConfig}, nil
}

// apiUpdateEventBus replaces what is given and keeps the rest.
func (s *Service) apiUpdateEventBus(ctx context.Context, in *busInput) (*busOutput, error) {
	change, err := in.bus()
	if err != nil {
		return nil, err
	}
	before, err := s.apiDescribeEventBus(ctx, in)
	if err != nil {
		return nil, err
	}
	if change.Description == "" {
		change.Description = before.Description
	}
	if in.DeadLetterConfig == nil && before.DeadLetterConfig != nil {
		change.DeadLetterARN = before.DeadLetterConfig.Arn
	}
	err = s.UpdateBus(change)
	return &busOutput{Name: before.Name, Arn: before.Arn, Description: change.Description, DeadLetterConfig: change.deadLetterConfig()}, err
}

func (s *Service) apiDeleteEventBus(_ context.Context, in *busInput) (*empty, error) {
	return &empty{}, s.DeleteBus(in.Name)
}

func (s *Service) apiDescribeEventBus(_ context.Context, in *busInput) (*busOutput, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	b, err := s.lookup(in.Name)
	if err != nil {
		return nil, err
	}
	out := b.output()
	out.DeadLetterConfig = b.deadLetterConfig()
	return &out, nil
}

// output is a bus in a list.
func (b *bus) output() busOutput {
	return busOutput{Name: b.Name, Arn: b.arn, Description: b.Description, CreationTime: &epoch{b.created}, LastModifiedTime: &epoch{b.modified}}
}

type listEventBusesOutput struct {
	EventBuses []busOutput
	NextToken  string `json:",omitempty"`
}

func (s *Service) apiListEventBuses(_ context.Context, in *busInput) (*listEventBusesOutput, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var names []string
	for _, name := range sortedKeys(s.buses) {
		if strings.HasPrefix(name, in.NamePrefix) {
			names = append(names, name)
		}
	}
	part, next, err := in.names(names)
	if err != nil {
		return nil, err
	}
	out := &listEventBusesOutput{EventBuses: []busOutput{}, NextToken: next}
	for _, name := range part {
		out.EventBuses = append(out.EventBuses, s.buses[name].output())
	}
	return out, nil
}
