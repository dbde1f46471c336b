package lambda

import (
	"encoding/json"

	"github.com/payrail/payrail/local/wire"
)

// decodeBody reads the body of a call of the REST-JSON protocol.
func decodeBody(body []byte, into any) error {
	if len(body) == 0 {
		return nil
	}
	if err := json.Unmarshal(body, into); err != nil {
		return wire.Errorf("SerializationException", "%s", err)
	}
	return nil
}

func (s *Service) putConcurrency(function string, body []byte) (*reservedConcurrency, error) {
	var in struct{ ReservedConcurrentExecutions *int }
	if err := decodeBody(body, &in); err != nil {
		return nil, err
	}
	if in.ReservedConcurrentExecutions == nil {
		return nil, invalid("1 validation error detected: Value null at 'reservedConcurrentExecutions' failed to satisfy constraint: Member must not be null")
	}
	if err := s.PutConcurrency(function, in.ReservedConcurrentExecutions); err != nil {
		return nil, err
	}
	return &reservedConcurrency{ReservedConcurrentExecutions: *in.ReservedConcurrentExecutions}, nil
}

// concurrencySetting leaves the member out where nothing is reserved.
type concurrencySetting struct {
	ReservedConcurrentExecutions *int `json:",omitempty"`
}

func (s *Service) getConcurrency(function string) (*concurrencySetting, error) {
	reserved, err := s.Concurrency(function)
	return &concurrencySetting{ReservedConcurrentExecutions: reserved}, err
}

type destination struct {
	Destination string `json:",omitempty"`
}

type destinationConfig struct{ OnSuccess, OnFailure destination }

// eventInvokeSetting is a function's configuration of asynchronous invocations as the API takes and shows it.
type eventInvokeSetting struct {
	LastModified             float64
	FunctionArn              string
	MaximumRetryAttempts     *int              `json:",omitempty"`
	MaximumEventAgeInSeconds *int              `json:",omitempty"`
	DestinationConfig        destinationConfig // both members are there, empty where nothing is configured
}

func (s *Service) getEventInvokeConfig(function string) (*eventInvokeSetting, error) {
	f, err := s.find(function)
	if err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.async == nil {
		return nil, notFound("The function " + f.arn + ":" + latestVersion + " doesn't have an EventInvokeConfig")
	}
	out := &eventInvokeSetting{
		LastModified: epochSeconds(f.asyncModified), FunctionArn: f.arn + ":" + latestVersion, MaximumRetryAttempts: f.async.MaximumRetryAttempts,
		DestinationConfig: destinationConfig{OnSuccess: destination{f.async.OnSuccessARN}, OnFailure: destination{f.async.OnFailureARN}},
	}
	if f.async.MaximumEventAgeSeconds != 0 {
		out.MaximumEventAgeInSeconds = &f.async.MaximumEventAgeSeconds
	}
	return out, nil
}

// setEventInvokeConfig does PutFunctionEventInvokeConfig, which replaces the configuration, and with keep
// UpdateFunctionEventInvokeConfig, which changes the members given.
func (s *Service) setEventInvokeConfig(function string, body []byte, keep bool) (*eventInvokeSetting, error) {
	var in struct {
		MaximumRetryAttempts     *int
		MaximumEventAgeInSeconds *int
		DestinationConfig        *struct{ OnSuccess, OnFailure *destination }
	}
	if err := decodeBody(body, &in); err != nil {
		return nil, err
	}
	if in.MaximumRetryAttempts == nil && in.MaximumEventAgeInSeconds == nil && in.DestinationConfig == nil {
		return nil, invalid("You must specify at least one of error handling or destination setting.")
	}
	f, err := s.find(function)
	if err != nil {
		return nil, notFound("The function doesn't exist.")
	}
	config := EventInvokeConfig{}
	if keep {
		f.mu.Lock()
		if f.async == nil {
			f.mu.Unlock()
			return nil, notFound("The function " + f.arn + ":" + latestVersion + " doesn't have an EventInvokeConfig")
		}
		config = *f.async
		f.mu.Unlock()
	}
	if in.MaximumRetryAttempts != nil {
		config.MaximumRetryAttempts = in.MaximumRetryAttempts
	}
	if in.MaximumEventAgeInSeconds != nil {
		if *in.MaximumEventAgeInSeconds < minEventAgeSeconds { // 0 would mean the default.
			return nil, invalid("maximum event age %d s is not between %d and %d", *in.MaximumEventAgeInSeconds, minEventAgeSeconds, maxEventAgeSeconds)
		}
		config.MaximumEventAgeSeconds = *in.MaximumEventAgeInSeconds
	}
	if in.DestinationConfig != nil {
		config.OnSuccessARN, config.OnFailureARN = "", ""
		if d := in.DestinationConfig.OnSuccess; d != nil {
			config.OnSuccessARN = d.Destination
		}
		if d := in.DestinationConfig.OnFailure; d != nil {
			config.OnFailureARN = d.Destination
		}
	}
	if err := s.PutEventInvokeConfig(function, &config); err != nil {
		return nil, err
	}
	return s.getEventInvokeConfig(function)
}

func (s *Service) deleteEventInvokeConfig(function string) error {
	if _, err := s.getEventInvokeConfig(function); err != nil {
		return err
	}
	return s.PutEventInvokeConfig(function, nil)
}
