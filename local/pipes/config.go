package pipes

import (
	"regexp"
	"strings"
	"time"

	"github.com/payrail/payrail/local/eventbridge/pattern"
	"github.com/payrail/payrail/local/wire"
)

// The limits of a pipe with a DynamoDB stream source and an event bus target.
const (
	// MaxTargetBatch is how many events the bus takes in one PutEvents; a pipe's batch may not be larger either.
	MaxTargetBatch     = 10
	maxFilters         = 5
	maxWindow          = 300 * time.Second
	maxParallelization = 10
	maxRetryAttempts   = 10_000
	minRecordAge       = 60 * time.Second
	maxRecordAge       = 7 * 24 * time.Hour
	maxDetailType      = 128
	maxSource          = 256
	maxResources       = 10
)

// The positions a pipe may start at.
const (
	TrimHorizon = "TRIM_HORIZON"
	Latest      = "LATEST"
)

// AutomaticBisect is the one OnPartialBatchItemFailure there is: halve a failing batch and try each half by itself.
const AutomaticBisect = "AUTOMATIC_BISECT"

// unlimited is the -1 of MaximumRetryAttempts and MaximumRecordAge: until the record leaves the stream.
const unlimited = -1

var (
	nameForm   = regexp.MustCompile(`^[.\-_A-Za-z0-9]{1,64}$`)
	streamForm = regexp.MustCompile(`^arn:aws:dynamodb:[^:]+:\d{12}:table/[^/]+/stream/.+$`)
)

// Pipe is what a pipe is made of. Zero values are the service's defaults.
type Pipe struct {
	Name string
	// SourceARN is a DynamoDB stream.
	SourceARN string
	Source    Source
	// EnrichmentARN is a function; empty means none. EnrichmentTemplate is not done and refused.
	EnrichmentARN      string
	EnrichmentTemplate string
	// TargetARN is an event bus.
	TargetARN string
	Target    Target
	// Stopped makes the pipe without running it.
	Stopped bool
}

// Source is how the stream is read.
type Source struct {
	// StartingPosition is TrimHorizon or Latest; it must be given.
	StartingPosition string
	// Filters are event patterns; a record that matches none of them is dropped, unless there are none.
	Filters []string
	// BatchSize is 1 to 10; 0 means 1.
	BatchSize int
	// BatchingWindow is how long a batch may wait for more records, up to 300 s.
	BatchingWindow time.Duration
	// ParallelizationFactor is how many batches are processed at once, 1 to 10; 0 means 1. Records of one item stay in order.
	ParallelizationFactor int
	// MaximumRetryAttempts is 0 to 10,000; nil or -1 means until the record leaves the stream.
	MaximumRetryAttempts *int
	// MaximumRecordAge is 60 s to 7 days; 0 or -1 means no limit but the stream's.
	MaximumRecordAge time.Duration
	// OnPartialBatchItemFailure is empty or AutomaticBisect.
	OnPartialBatchItemFailure string
	// DeadLetterARN is a queue for what is given up (a topic is refused); it gets the position of the records, not the records.
	DeadLetterARN string
}

// Target is how events are put on the bus. Paths ("$.…") are not done and refused.
type Target struct {
	// DetailType is "Event from aws:dynamodb" by default, Source is "Pipe <name>".
	DetailType string
	Source     string
	Resources  []string
	Time       string
	EndpointID string
	// InputTemplate is refused.
	InputTemplate string
}

func invalid(format string, args ...any) error {
	return wire.Errorf("ValidationException", format, args...)
}

// withDefaults fills in what is not given.
func (p Pipe) withDefaults() Pipe {
	p.Source.BatchSize = max(p.Source.BatchSize, 1)
	p.Source.ParallelizationFactor = max(p.Source.ParallelizationFactor, 1)
	if p.Source.MaximumRetryAttempts == nil {
		attempts := unlimited
		p.Source.MaximumRetryAttempts = &attempts
	}
	if p.Target.DetailType == "" {
		p.Target.DetailType = "Event from aws:dynamodb"
	}
	if p.Target.Source == "" {
		p.Target.Source = "Pipe " + p.Name
	}
	return p
}

func (p Pipe) validate() error {
	switch {
	case !nameForm.MatchString(p.Name):
		return invalid("Pipe name %q is not valid: 1 to 64 of letters, digits, '.', '-' and '_'.", p.Name)
	case !streamForm.MatchString(p.SourceARN):
		return wire.NotImplemented("the pipe source " + p.SourceARN + " (only DynamoDB streams)")
	case p.EnrichmentARN != "" && !strings.HasPrefix(p.EnrichmentARN, "arn:aws:lambda:"):
		return wire.NotImplemented("the pipe enrichment " + p.EnrichmentARN + " (only Lambda functions)")
	case p.EnrichmentTemplate != "":
		return wire.NotImplemented("EnrichmentParameters.InputTemplate")
	case !strings.HasPrefix(p.TargetARN, "arn:aws:events:") || !strings.Contains(p.TargetARN, ":event-bus/"):
		return wire.NotImplemented("the pipe target " + p.TargetARN + " (only event buses)")
	}
	if err := p.Source.validate(); err != nil {
		return err
	}
	return p.Target.validate()
}

func (s Source) validate() error {
	switch {
	case s.StartingPosition != TrimHorizon && s.StartingPosition != Latest:
		return invalid("StartingPosition %q is not valid: TRIM_HORIZON or LATEST.", s.StartingPosition)
	case s.BatchSize < 0 || s.BatchSize > MaxTargetBatch:
		return invalid("BatchSize must be 1 to %d: an event bus target takes no more.", MaxTargetBatch)
	case s.BatchingWindow < 0 || s.BatchingWindow > maxWindow:
		return invalid("MaximumBatchingWindowInSeconds must be 0 to 300.")
	case s.ParallelizationFactor < 0 || s.ParallelizationFactor > maxParallelization:
		return invalid("ParallelizationFactor must be 1 to %d.", maxParallelization)
	case s.MaximumRetryAttempts != nil && (*s.MaximumRetryAttempts < unlimited || *s.MaximumRetryAttempts > maxRetryAttempts):
		return invalid("MaximumRetryAttempts must be -1 to %d.", maxRetryAttempts)
	case s.MaximumRecordAge != 0 && s.MaximumRecordAge != unlimited && (s.MaximumRecordAge < minRecordAge || s.MaximumRecordAge > maxRecordAge):
		return invalid("MaximumRecordAgeInSeconds must be -1 or 60 to 604800.")
	case s.OnPartialBatchItemFailure != "" && s.OnPartialBatchItemFailure != AutomaticBisect:
		return invalid("OnPartialBatchItemFailure %q is not valid: AUTOMATIC_BISECT.", s.OnPartialBatchItemFailure)
	case strings.HasPrefix(s.DeadLetterARN, "arn:aws:sns:"):
		return wire.NotImplemented("dead letters of a pipe to a topic (" + s.DeadLetterARN + ")")
	case s.DeadLetterARN != "" && !strings.HasPrefix(s.DeadLetterARN, "arn:aws:sqs:"):
		return invalid("Dead-letter target %s is neither a queue nor a topic.", s.DeadLetterARN)
	case len(s.Filters) > maxFilters:
		return invalid("A pipe has at most %d filters, not %d.", maxFilters, len(s.Filters))
	}
	return nil
}

func (t Target) validate() error {
	for _, m := range []struct{ name, value string }{
		{"EventBridgeEventBusParameters.Time", t.Time}, {"EventBridgeEventBusParameters.EndpointId", t.EndpointID}, {"TargetParameters.InputTemplate", t.InputTemplate},
	} {
		if m.value != "" {
			return wire.NotImplemented(m.name)
		}
	}
	for _, value := range append([]string{t.DetailType, t.Source}, t.Resources...) {
		if strings.HasPrefix(value, "$.") {
			return wire.NotImplemented("the path " + value + " in EventBridgeEventBusParameters")
		}
	}
	switch {
	case len(t.DetailType) > maxDetailType:
		return invalid("DetailType is longer than %d characters.", maxDetailType)
	case len(t.Source) > maxSource || strings.HasPrefix(t.Source, "aws."):
		return invalid("Source %q is not valid: at most %d characters, and not of aws.", t.Source, maxSource)
	case len(t.Resources) > maxResources:
		return invalid("A pipe sets at most %d resources, not %d.", maxResources, len(t.Resources))
	}
	return nil
}

// filter decides which records the pipe takes.
type filter struct {
	patterns []*pattern.Pattern
	fields   *pattern.Set
}

func newFilter(texts []string) (*filter, error) {
	f := &filter{}
	for _, text := range texts {
		p, err := pattern.CompileFilter([]byte(text))
		if err != nil {
			return nil, invalid("Filter pattern is not valid. Reason: %s", err)
		}
		f.patterns = append(f.patterns, p)
	}
	f.fields = pattern.NewSet(f.patterns...)
	return f, nil
}

func (f *filter) takes(record []byte) (bool, error) {
	if len(f.patterns) == 0 {
		return true, nil
	}
	fields, err := f.fields.Flatten(record)
	if err != nil {
		return false, err
	}
	for _, p := range f.patterns {
		if p.Match(fields) {
			return true, nil
		}
	}
	return false, nil
}
