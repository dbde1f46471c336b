package local

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/payrail/payrail/local/eventbridge"
	"github.com/payrail/payrail/local/pipes"
)

func (s *stack) bus(id string, properties map[string]any) (resource, error) {
	var p struct {
		Name, Description string
		DeadLetterConfig  struct{ Arn string }
	}
	if err := s.decode(properties, &p, "Tags"); err != nil {
		return resource{}, err
	}
	busARN, err := s.eventbridge.CreateBus(eventbridge.Bus{Name: p.Name, Description: p.Description, DeadLetterARN: p.DeadLetterConfig.Arn})
	if err != nil {
		return resource{}, err
	}
	return resource{p.Name, map[string]any{"Arn": busARN, "Name": p.Name}}, nil
}

func (s *stack) rule(id string, properties map[string]any) (resource, error) {
	var p struct {
		Name, EventBusName, Description, State, ScheduleExpression string
		EventPattern                                               any
		Targets                                                    []struct {
			ID               string `json:"Id"`
			Arn, RoleArn     string
			Input, InputPath string
			DeadLetterConfig struct{ Arn string }
			RetryPolicy      struct {
				MaximumRetryAttempts     *int
				MaximumEventAgeInSeconds int
			}
		}
	}
	if err := s.decode(properties, &p, "Tags"); err != nil {
		return resource{}, err
	}
	rule := eventbridge.Rule{Name: p.Name, Bus: p.EventBusName, ScheduleExpression: p.ScheduleExpression, Description: p.Description, Disabled: p.State == "DISABLED"}
	if p.EventPattern != nil {
		pattern, err := json.Marshal(p.EventPattern)
		if err != nil {
			return resource{}, fmt.Errorf("encoding the event pattern: %w", err)
		}
		rule.EventPattern = string(pattern)
	}
	if rule.Name == "" {
		rule.Name = s.name(id)
	}
	ruleARN, err := s.eventbridge.PutRule(rule)
	if err != nil {
		return resource{}, err
	}
	targets := make([]eventbridge.Target, len(p.Targets))
	for i, t := range p.Targets {
		targets[i] = eventbridge.Target{ID: t.ID, ARN: t.Arn, RoleARN: t.RoleArn, Input: t.Input, InputPath: t.InputPath, DeadLetterARN: t.DeadLetterConfig.Arn,
			MaximumRetryAttempts: t.RetryPolicy.MaximumRetryAttempts, MaximumEventAge: time.Duration(t.RetryPolicy.MaximumEventAgeInSeconds) * time.Second}
	}
	if err := s.eventbridge.PutTargets(p.EventBusName, rule.Name, targets); err != nil {
		return resource{}, err
	}
	return resource{rule.Name, map[string]any{"Arn": ruleARN}}, nil
}

func (s *stack) archive(id string, properties map[string]any) (resource, error) {
	var p struct {
		ArchiveName, SourceArn, Description string
		EventPattern                        any
		RetentionDays                       int
	}
	if err := s.decode(properties, &p); err != nil {
		return resource{}, err
	}
	archive := eventbridge.Archive{Name: p.ArchiveName, Bus: p.SourceArn, Description: p.Description, RetentionDays: p.RetentionDays}
	if archive.Name == "" {
		archive.Name = s.name(id)
	}
	if p.EventPattern != nil {
		pattern, err := json.Marshal(p.EventPattern)
		if err != nil {
			return resource{}, fmt.Errorf("encoding the event pattern: %w", err)
		}
		archive.EventPattern = string(pattern)
	}
	archiveARN, err := s.eventbridge.CreateArchive(archive)
	if err != nil {
		return resource{}, err
	}
	return resource{archive.Name, map[string]any{"Arn": archiveARN, "ArchiveName": archive.Name}}, nil
}

func (s *stack) pipe(id string, properties map[string]any) (resource, error) {
	var p struct {
		Name, Source, Enrichment, Target string
		DesiredState                     string
		EnrichmentParameters             struct{ InputTemplate string }
		SourceParameters                 struct {
			DynamoDBStreamParameters struct {
				BatchSize, ParallelizationFactor                          int
				MaximumBatchingWindowInSeconds, MaximumRecordAgeInSeconds int
				MaximumRetryAttempts                                      *int
				StartingPosition, OnPartialBatchItemFailure               string
				DeadLetterConfig                                          struct{ Arn string }
			}
			FilterCriteria struct{ Filters []struct{ Pattern string } }
		}
		TargetParameters struct {
			InputTemplate                 string
			EventBridgeEventBusParameters struct {
				DetailType, Source, Time, EndpointID string
				Resources                            []string
			}
		}
	}
	if err := s.decode(properties, &p, "RoleArn", "Description", "LogConfiguration", "Tags"); err != nil {
		return resource{}, err
	}
	if p.Name == "" {
		p.Name = s.name(id)
	}
	stream, bus := p.SourceParameters.DynamoDBStreamParameters, p.TargetParameters.EventBridgeEventBusParameters
	pipe := pipes.Pipe{
		Name: p.Name, SourceARN: p.Source, EnrichmentARN: p.Enrichment, EnrichmentTemplate: p.EnrichmentParameters.InputTemplate,
		TargetARN: p.Target, Stopped: p.DesiredState == "STOPPED",
		Source: pipes.Source{
			StartingPosition: stream.StartingPosition, BatchSize: stream.BatchSize, ParallelizationFactor: stream.ParallelizationFactor,
			BatchingWindow:       time.Duration(stream.MaximumBatchingWindowInSeconds) * time.Second,
			MaximumRecordAge:     time.Duration(stream.MaximumRecordAgeInSeconds) * time.Second,
			MaximumRetryAttempts: stream.MaximumRetryAttempts, OnPartialBatchItemFailure: stream.OnPartialBatchItemFailure,
			DeadLetterARN: stream.DeadLetterConfig.Arn,
		},
		Target: pipes.Target{DetailType: bus.DetailType, Source: bus.Source, Resources: bus.Resources, Time: bus.Time, EndpointID: bus.EndpointID,
			InputTemplate: p.TargetParameters.InputTemplate},
	}
	for _, filter := range p.SourceParameters.FilterCriteria.Filters {
		pipe.Source.Filters = append(pipe.Source.Filters, filter.Pattern)
	}
	if pipe.Source.MaximumRecordAge < 0 {
		pipe.Source.MaximumRecordAge = -1
	}
	pipeARN, err := s.pipes.CreatePipe(pipe)
	if err != nil {
		return resource{}, err
	}
	return resource{p.Name, map[string]any{"Arn": pipeARN}}, nil
}
