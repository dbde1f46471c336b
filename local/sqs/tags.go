package sqs

import (
	"context"
	"maps"

	"github.com/payrail/payrail/local/wire"
)

// Limits of tags, from the developer guide's page on cost allocation tags.
const (
	maxTags     = 50
	maxTagKey   = 128
	maxTagValue = 256
)

func checkTags(tags map[string]string) error {
	if len(tags) > maxTags {
		return wire.Errorf("InvalidParameterValue", "Too many tags added for queue: a queue has %d at most.", maxTags)
	}
	for key, value := range tags {
		if key == "" || len([]rune(key)) > maxTagKey || len([]rune(value)) > maxTagValue {
			return wire.Errorf("InvalidParameterValue", "Tag keys must be between 1 and %d characters in length, values at most %d.", maxTagKey, maxTagValue)
		}
	}
	return nil
}

// tag adds tags; a tag with a key that is there takes its place.
func (q *queue) tag(tags map[string]string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.tags == nil {
		q.tags = make(map[string]string, len(tags))
	}
	maps.Copy(q.tags, tags)
}

type tagInput struct {
	QueueUrl string
	Tags     map[string]string
}

func (s *Service) apiTagQueue(_ context.Context, in *tagInput) (*empty, error) {
	q, err := s.byURL(in.QueueUrl)
	if err != nil {
		return nil, err
	}
	q.mu.Lock()
	all := maps.Clone(q.tags)
	q.mu.Unlock()
	maps.Copy(all, in.Tags)
	if err := checkTags(all); err != nil {
		return nil, err
	}
	q.tag(in.Tags)
	return &empty{}, nil
}

type untagInput struct {
	QueueUrl string
	TagKeys  []string
}

func (s *Service) apiUntagQueue(_ context.Context, in *untagInput) (*empty, error) {
	q, err := s.byURL(in.QueueUrl)
	if err != nil {
		return nil, err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, key := range in.TagKeys {
		delete(q.tags, key)
	}
	return &empty{}, nil
}

type tagsOutput struct{ Tags map[string]string }

func (s *Service) apiListQueueTags(_ context.Context, in *queueRef) (*tagsOutput, error) {
	q, err := s.byURL(in.QueueUrl)
	if err != nil {
		return nil, err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	return &tagsOutput{Tags: maps.Clone(q.tags)}, nil
}
