package local

import (
	"fmt"

	"github.com/payrail/payrail/local/lambda"
	"github.com/payrail/payrail/local/stepfunctions"
)

func (s *stack) function(id string, properties map[string]any) (resource, error) {
	var p struct {
		FunctionName, Description, Handler, Role, Runtime string
		Architectures                                     []string
		Code                                              any
		Environment                                       struct{ Variables map[string]string }
		MemorySize, Timeout                               int
		ReservedConcurrentExecutions                      *int
		DeadLetterConfig                                  struct{ TargetArn string }
	}
	if err := s.decode(properties, &p, "LoggingConfig", "TracingConfig", "Tags"); err != nil {
		return resource{}, err
	}
	if p.Runtime != "provided.al2023" {
		return resource{}, fmt.Errorf("the local runtime runs provided.al2023 functions, not %s", p.Runtime)
	}
	folder, err := s.template.CodeFolder(p.Code)
	if err != nil {
		return resource{}, err
	}
	spec := lambda.FunctionSpec{Name: p.FunctionName, Dir: folder, Handler: p.Handler, Environment: p.Environment.Variables, TimeoutSeconds: p.Timeout,
		MemoryMB: p.MemorySize, Description: p.Description, Role: p.Role, ReservedConcurrency: p.ReservedConcurrentExecutions,
		DeadLetterARN: p.DeadLetterConfig.TargetArn}
	if spec.Name == "" {
		spec.Name = s.name(id)
	}
	if len(p.Architectures) > 0 {
		spec.Architecture = p.Architectures[0]
	}
	functionARN, err := s.lambda.CreateFunction(spec)
	if err != nil {
		return resource{}, err
	}
	return resource{spec.Name, map[string]any{"Arn": functionARN}}, nil
}

func (s *stack) mapping(id string, properties map[string]any) (resource, error) {
	var p struct {
		BatchSize                      int
		MaximumBatchingWindowInSeconds int
		EventSourceArn, FunctionName   string
		FunctionResponseTypes          []string
		ScalingConfig                  struct{ MaximumConcurrency int }
		Enabled                        *bool
	}
	if err := s.decode(properties, &p, "Tags"); err != nil {
		return resource{}, err
	}
	for _, kind := range p.FunctionResponseTypes {
		if kind != lambda.ReportBatchItemFailures { // Misspelt, the failures of a batch would be deleted.
			return resource{}, fmt.Errorf("FunctionResponseTypes has %q, want %s", kind, lambda.ReportBatchItemFailures)
		}
	}
	mappingID, err := s.lambda.CreateEventSourceMapping(lambda.MappingSpec{
		QueueARN: p.EventSourceArn, FunctionARN: p.FunctionName, BatchSize: p.BatchSize, MaximumBatchingWindowSeconds: p.MaximumBatchingWindowInSeconds,
		ReportBatchItemFailures: len(p.FunctionResponseTypes) > 0,
		MaximumConcurrency:      p.ScalingConfig.MaximumConcurrency, Disabled: p.Enabled != nil && !*p.Enabled,
	})
	return resource{ref: mappingID, attributes: map[string]any{"Id": mappingID}}, err
}

// eventInvokeConfig configures a function's asynchronous invocations.
func (s *stack) eventInvokeConfig(id string, properties map[string]any) (resource, error) {
	var p struct {
		FunctionName, Qualifier  string
		MaximumRetryAttempts     *int
		MaximumEventAgeInSeconds int
		DestinationConfig        struct{ OnSuccess, OnFailure struct{ Destination string } }
	}
	if err := s.decode(properties, &p); err != nil {
		return resource{}, err
	}
	if p.Qualifier != "$LATEST" {
		return resource{}, fmt.Errorf("the local runtime has no function versions and aliases: Qualifier is %q, want $LATEST", p.Qualifier)
	}
	return named(s.name(id)), s.lambda.PutEventInvokeConfig(p.FunctionName, &lambda.EventInvokeConfig{
		MaximumRetryAttempts: p.MaximumRetryAttempts, MaximumEventAgeSeconds: p.MaximumEventAgeInSeconds,
		OnSuccessARN: p.DestinationConfig.OnSuccess.Destination, OnFailureARN: p.DestinationConfig.OnFailure.Destination,
	})
}

func (s *stack) stateMachine(id string, properties map[string]any) (resource, error) {
	var p struct {
		StateMachineName, StateMachineType, RoleArn, DefinitionString string
		DefinitionSubstitutions                                       map[string]string
	}
	if err := s.decode(properties, &p, "LoggingConfiguration", "TracingConfiguration", "Tags"); err != nil {
		return resource{}, err
	}
	if p.StateMachineName == "" {
		p.StateMachineName = s.name(id)
	}
	machineARN, err := s.stepfunctions.CreateStateMachine(stepfunctions.Spec{Name: p.StateMachineName, Type: p.StateMachineType, Definition: p.DefinitionString,
		Substitutions: p.DefinitionSubstitutions, RoleARN: p.RoleArn})
	if err != nil {
		return resource{}, err
	}
	return resource{machineARN, map[string]any{"Arn": machineARN, "Name": p.StateMachineName}}, nil
}
