package eventbridge

import (
	"context"
	"maps"
	"strings"

	"github.com/payrail/payrail/local/wire"
)

// The limits of tags. Source: https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_Tag.html and
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-tagging.html
const (
	maxTags     = 50
	maxTagKey   = 128
	maxTagValue = 256
)

type tag struct{ Key, Value string }

type tagsInput struct {
	ResourceARN string
	Tags        []tag
	TagKeys     []string
}

type tagsOutput struct{ Tags []tag }

// tagged finds the tags of a bus or a rule, the two resources that have some; the caller holds the service's mutex.
func (s *Service) tagged(arn string) (map[string]string, error) {
	if name, ok := strings.CutPrefix(arn, s.arn("event-bus/")); ok {
		b, err := s.lookup(name)
		if err != nil {
			return nil, err
		}
		return b.tags, nil
	}
	path, ok := strings.CutPrefix(arn, s.arn("rule/"))
	if !ok {
		return nil, wire.Errorf("ValidationException", "Parameter ResourceARN is not valid. Reason: Provided Arn is not in correct format.")
	}
	busName, name := DefaultBus, path
	if i := strings.LastIndexByte(path, '/'); i >= 0 {
		busName, name = path[:i], path[i+1:]
	}
	_, r, err := s.lookupRule(busName, name)
	if err != nil {
		return nil, err
	}
	return r.tags, nil
}

// addTags checks and adds tags.
func addTags(to map[string]string, tags []tag) error {
	merged := maps.Clone(to)
	for _, t := range tags {
		if t.Key == "" {
			return violated("", "tags.1.member.key", "have length greater than or equal to 1")
		}
		if err := checkLength(t.Key, "tags.1.member.key", maxTagKey); err != nil {
			return err
		}
		if err := checkLength(t.Value, "tags.1.member.value", maxTagValue); err != nil {
			return err
		}
		merged[t.Key] = t.Value
	}
	if len(merged) > maxTags {
		return wire.Errorf("ValidationException", "Number of tags exceeds resource tag limit of %d.", maxTags)
	}
	maps.Copy(to, merged)
	return nil
}

func (s *Service) apiTagResource(_ context.Context, in *tagsInput) (*empty, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	tags, err := s.tagged(in.ResourceARN)
	if err != nil {
		return nil, err
	}
	return &empty{}, addTags(tags, in.Tags)
}

func (s *Service) apiUntagResource(_ context.Context, in *tagsInput) (*empty, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	tags, err := s.tagged(in.ResourceARN)
	if err != nil {
		return nil, err
	}
	for _, key := range in.TagKeys {
		delete(tags, key)
	}
	return &empty{}, nil
}

func (s *Service) apiListTagsForResource(_ context.Context, in *tagsInput) (*tagsOutput, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	tags, err := s.tagged(in.ResourceARN)
	if err != nil {
		return nil, err
	}
	out := &tagsOutput{Tags: []tag{}}
	for _, key := range sortedKeys(tags) {
		out.Tags = append(out.Tags, tag{Key: key, Value: tags[key]})
	}
	return out, nil
}
