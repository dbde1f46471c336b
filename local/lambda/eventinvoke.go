package lambda

import (
	"fmt"
	"slices"
	"strings"

	"github.com/payrail/payrail/local/wire"
)

// Limits of asynchronous invocations, from the PutFunctionEventInvokeConfig API reference.
const (
	maxRetryAttempts   = 2
	minEventAgeSeconds = 60
	maxEventAgeSeconds = 6 * 60 * 60
)

// EventInvokeConfig says how asynchronous invocations of a function are retried and where their records go.
type EventInvokeConfig struct {
	// MaximumRetryAttempts after errors of the function, 0 to 2; nil means 2.
	MaximumRetryAttempts *int
	// MaximumEventAgeSeconds is 60 to 21,600; 0 means 21,600.
	MaximumEventAgeSeconds int
	// OnSuccessARN and OnFailureARN are the queue, topic, function or event bus that gets the record of an invocation.
	OnSuccessARN, OnFailureARN string
}

func (c *EventInvokeConfig) validate() error {
	if n := c.MaximumRetryAttempts; n != nil && (*n < 0 || *n > maxRetryAttempts) {
		return invalid("maximum retry attempts %d is not between 0 and %d", *n, maxRetryAttempts)
	}
	if age := c.MaximumEventAgeSeconds; age != 0 && (age < minEventAgeSeconds || age > maxEventAgeSeconds) {
		return invalid("maximum event age %d s is not between %d and %d", age, minEventAgeSeconds, maxEventAgeSeconds)
	}
	for _, arn := range []string{c.OnSuccessARN, c.OnFailureARN} {
		switch service := serviceOf(arn); {
		case arn == "", oneOf(service, "sqs", "sns", "lambda", "events"):
		case service == "s3":
			return wire.NotImplemented("lambda destinations in buckets (" + arn + ")")
		default:
			return invalid("the destination %s is no queue, topic, function or event bus", arn)
		}
	}
	return nil
}

// serviceOf is the third part of an ARN.
func serviceOf(arn string) string {
	parts := strings.SplitN(arn, ":", 4)
	if len(parts) < 4 {
		return ""
	}
	return parts[2]
}

func oneOf(s string, set ...string) bool { return slices.Contains(set, s) }

// eventInvokeConfig is the configuration in force, defaults filled in.
func (f *function) eventInvokeConfig() EventInvokeConfig {
	f.mu.Lock()
	defer f.mu.Unlock()
	var c EventInvokeConfig
	if f.async != nil {
		c = *f.async
	}
	if c.MaximumRetryAttempts == nil {
		attempts := maxRetryAttempts
		c.MaximumRetryAttempts = &attempts
	}
	if c.MaximumEventAgeSeconds == 0 {
		c.MaximumEventAgeSeconds = maxEventAgeSeconds
	}
	return c
}

// PutEventInvokeConfig replaces the configuration of a function's asynchronous invocations; nil deletes it.
func (s *Service) PutEventInvokeConfig(function string, config *EventInvokeConfig) error {
	f, err := s.find(function)
	if err != nil {
		return err
	}
	if config != nil {
		if err := config.validate(); err != nil {
			return err
		}
		if s.Destinations == nil && config.OnSuccessARN+config.OnFailureARN != "" {
			return fmt.Errorf("configuring %s: it has a destination but the service has no Destinations", f.spec.Name)
		}
		if config.OnSuccessARN == f.arn || config.OnFailureARN == f.arn {
			return invalid("You can't specify the function as a destination for itself.")
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.async, f.asyncModified = config, s.Clock.Now()
	return nil
}
