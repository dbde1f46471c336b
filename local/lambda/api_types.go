package lambda

import (
	"net/url"
	"strconv"
)

// functionConfiguration is a function as GetFunction and ListFunctions show it.
type functionConfiguration struct {
	FunctionName     string
	FunctionArn      string
	Runtime          string
	Role             string `json:",omitempty"`
	Handler          string
	Description      string
	Timeout          int
	MemorySize       int
	Version          string
	PackageType      string
	Architectures    []string
	State            string
	LastUpdateStatus string
	Environment      *environmentVariables `json:",omitempty"`
	DeadLetterConfig *deadLetterConfig     `json:",omitempty"`
}

type environmentVariables struct{ Variables map[string]string }

type deadLetterConfig struct{ TargetArn string }

func (f *function) configuration() functionConfiguration {
	c := functionConfiguration{
		FunctionName: f.spec.Name, FunctionArn: f.arn, Runtime: "provided.al2023", Role: f.spec.Role, Handler: f.spec.Handler,
		Description: f.spec.Description, Timeout: f.spec.TimeoutSeconds, MemorySize: f.spec.MemoryMB, Version: latestVersion,
		PackageType: "Zip", Architectures: []string{f.spec.Architecture}, State: "Active", LastUpdateStatus: "Successful",
	}
	if len(f.spec.Environment) > 0 {
		c.Environment = &environmentVariables{Variables: f.spec.Environment}
	}
	if f.spec.DeadLetterARN != "" {
		c.DeadLetterConfig = &deadLetterConfig{TargetArn: f.spec.DeadLetterARN}
	}
	return c
}

type functionList struct {
	Functions  []functionConfiguration
	NextMarker string `json:",omitempty"`
}

// maxFunctionItems and maxMappingItems are AWS's largest pages.
const (
	maxFunctionItems = 50
	maxMappingItems  = 100
)

// page cuts a list of things in order of their names: those after the marker, which is the last name of the page before.
func page[T any](all []T, name func(T) string, query url.Values, most int) (items []T, next string, err error) {
	limit := most
	if text := query.Get("MaxItems"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return nil, "", invalid("Value '%s' at 'maxItems' failed to satisfy constraint: Member must have value greater than or equal to 1", text)
		}
		limit = min(n, most)
	}
	for i, item := range all {
		if name(item) <= query.Get("Marker") {
			continue
		}
		if len(items) == limit {
			return items, name(all[i-1]), nil
		}
		items = append(items, item)
	}
	return items, "", nil
}

func (s *Service) listFunctions(query url.Values) (*functionList, error) {
	functions, next, err := page(s.all(), func(f *function) string { return f.spec.Name }, query, maxFunctionItems)
	if err != nil {
		return nil, err
	}
	out := &functionList{Functions: []functionConfiguration{}, NextMarker: next}
	for _, f := range functions {
		out.Functions = append(out.Functions, f.configuration())
	}
	return out, nil
}

type functionDescription struct {
	Configuration functionConfiguration
	Concurrency   *reservedConcurrency `json:",omitempty"`
}

type reservedConcurrency struct{ ReservedConcurrentExecutions int }

func (s *Service) getFunction(name string) (*functionDescription, error) {
	f, err := s.find(name)
	if err != nil {
		return nil, err
	}
	out := &functionDescription{Configuration: f.configuration()}
	reserved, err := s.Concurrency(name)
	if err != nil {
		return nil, err
	}
	if reserved != nil {
		out.Concurrency = &reservedConcurrency{ReservedConcurrentExecutions: *reserved}
	}
	return out, nil
}

func (s *Service) getConfiguration(name string) (*functionConfiguration, error) {
	f, err := s.find(name)
	if err != nil {
		return nil, err
	}
	c := f.configuration()
	return &c, nil
}
