package eventbridge

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"time"

	"github.com/payrail/payrail/local/wire"
)

// The limits of a target's retry policy; unset values are the highest ones.
const (
	defaultRetryAttempts   = 185
	defaultMaximumEventAge = 24 * time.Hour
	minimumMaximumEventAge = time.Minute
)

// Target is one target of a rule.
type Target struct {
	ID  string
	ARN string
	// RoleARN is the role AWS would assume; it is kept and handed on, not used.
	RoleARN string
	// Input is a constant JSON text that is sent instead of the event.
	Input string
	// InputPath picks the part of the event that is sent ("$.detail").
	InputPath string
	// MessageGroupID is for FIFO queues (SqsParameters.MessageGroupId).
	MessageGroupID string
	// DeadLetterARN is the standard queue for events that cannot be delivered.
	DeadLetterARN string
	// MaximumRetryAttempts is 0 to 185; nil means 185.
	MaximumRetryAttempts *int
	// MaximumEventAge is one minute to 24 hours; 0 means 24 hours.
	MaximumEventAge time.Duration
	// RuleARN is the rule the target belongs to; the service sets it.
	RuleARN string
}

// Targets delivers payloads to the services behind target ARNs. Implementations are safe for concurrent use. An error that
// is not a *DeliveryError counts as retriable.
type Targets interface {
	Deliver(ctx context.Context, target Target, payload []byte) error
}

// BatchTargets is what Targets may also be: several payloads for one target (an SQS queue, a Firehose stream) go over in
// one call. The result has one element per payload, nil for a delivered one.
type BatchTargets interface {
	DeliverBatch(ctx context.Context, target Target, payloads [][]byte) []error
}

// DeadLetters sends messages to dead-letter queues, attributes as String attributes. Safe for concurrent use.
type DeadLetters interface {
	Send(ctx context.Context, queueARN string, body []byte, attributes map[string]string) error
}

// DeliveryError is a failed delivery with the code its dead letter will bear.
type DeliveryError struct {
	// Code is one of AWS's codes: NO_PERMISSIONS, NO_RESOURCE, THROTTLING, ERROR_FROM_TARGET …
	Code    string
	Message string
	// Permanent failures are not retried: the event goes to the dead-letter queue at once.
	Permanent bool
}

func (e *DeliveryError) Error() string { return e.Code + ": " + e.Message }

// PutTargets adds targets to a rule; one with the ID of an existing target replaces it.
func (s *Service) PutTargets(bus, ruleName string, targets []Target) error {
	for i, t := range targets {
		if err := s.validateTarget(t, fmt.Sprintf("targets.%d.member.", i+1)); err != nil {
			return err
		}
	}
	return s.changeRule(bus, ruleName, func(r *rule) error {
		r.targets, r.lanes = maps.Clone(r.targets), maps.Clone(r.lanes)
		for _, t := range targets {
			t.RuleARN = r.arn
			r.targets[t.ID] = t
			r.lanes[t.ID] = newLane(s, t, r.metrics)
		}
		if len(r.targets) > maxTargets {
			return wire.Errorf("LimitExceededException", "The requested resource exceeds the maximum number allowed.")
		}
		return nil
	})
}

// RemoveTargets removes targets; events already matched are still delivered to them. Unknown IDs are no error.
func (s *Service) RemoveTargets(bus, ruleName string, ids []string) error {
	return s.changeRule(bus, ruleName, func(r *rule) error {
		r.targets, r.lanes = maps.Clone(r.targets), maps.Clone(r.lanes)
		for _, id := range ids {
			delete(r.targets, id)
			delete(r.lanes, id)
		}
		return nil
	})
}

// validateTarget checks one target; at is where it stands in the request.
func (s *Service) validateTarget(t Target, at string) error {
	if err := targetIDs.check(t.ID, at+"id"); err != nil {
		return err
	}
	if err := checkLength(t.Input, at+"input", maxInput); err != nil {
		return err
	}
	if err := checkLength(t.InputPath, at+"inputPath", maxInputPath); err != nil {
		return err
	}
	invalid := func(format string, args ...any) error { return wire.Errorf("ValidationException", format, args...) }
	switch {
	case t.ARN == "":
		return invalid("Target %s has no Arn.", t.ID)
	case t.Input != "" && t.InputPath != "":
		return invalid("Only one of Input, InputPath, or InputTransformer must be provided for target %s.", t.ID)
	case t.Input != "" && !json.Valid([]byte(t.Input)):
		return invalid("JSON syntax error in input for target %s", t.ID)
	case t.DeadLetterARN != "" && !queueARN(t.DeadLetterARN):
		return invalid("Dead-letter queue %s of target %s is not a standard SQS queue.", t.DeadLetterARN, t.ID)
	case t.DeadLetterARN != "" && s.options.DeadLetters == nil:
		return wire.NotImplemented("dead-letter queues without a queue service")
	case t.MaximumRetryAttempts != nil && (*t.MaximumRetryAttempts < 0 || *t.MaximumRetryAttempts > defaultRetryAttempts):
		return invalid("MaximumRetryAttempts of target %s must be 0 to %d.", t.ID, defaultRetryAttempts)
	case t.MaximumEventAge != 0 && (t.MaximumEventAge < minimumMaximumEventAge || t.MaximumEventAge > defaultMaximumEventAge):
		return invalid("MaximumEventAgeInSeconds of target %s must be 60 to 86400.", t.ID)
	}
	if t.InputPath != "" {
		if _, err := parseInputPath(t.InputPath); err != nil {
			return err
		}
	}
	if s.options.AcceptTarget != nil {
		return s.options.AcceptTarget(t)
	}
	return nil
}

func (t Target) retryAttempts() int {
	if t.MaximumRetryAttempts == nil {
		return defaultRetryAttempts
	}
	return *t.MaximumRetryAttempts
}

func (t Target) eventAge() time.Duration {
	if t.MaximumEventAge == 0 {
		return defaultMaximumEventAge
	}
	return t.MaximumEventAge
}
