package lambda

import (
	"cmp"
	"maps"
	"net/url"
	"slices"
	"time"
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

type functionList struct{ Functions []functionConfiguration }

func (s *Service) listFunctions() functionList {
	out := functionList{Functions: []functionConfiguration{}}
	for _, f := range s.all() {
		out.Functions = append(out.Functions, f.configuration())
	}
	return out
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

// mappingConfiguration is an event source mapping as the API shows it.
type mappingConfiguration struct {
	UUID                           string
	EventSourceArn                 string
	FunctionArn                    string
	BatchSize                      int
	MaximumBatchingWindowInSeconds int
	FunctionResponseTypes          []string
	ScalingConfig                  *scalingConfig `json:",omitempty"`
	LastModified                   float64
	State                          string
	StateTransitionReason          string
}

type scalingConfig struct{ MaximumConcurrency int }

func (m *mapping) configuration() mappingConfiguration {
	c := mappingConfiguration{
		UUID: m.id, EventSourceArn: m.spec.QueueARN, FunctionArn: m.f.arn, BatchSize: m.spec.BatchSize,
		MaximumBatchingWindowInSeconds: m.spec.MaximumBatchingWindowSeconds, FunctionResponseTypes: []string{},
		LastModified: float64(m.created.UnixMilli()) / float64(time.Second/time.Millisecond),
		State:        "Enabled", StateTransitionReason: "USER_INITIATED",
	}
	if m.spec.Disabled {
		c.State = "Disabled"
	}
	if m.spec.ReportBatchItemFailures {
		c.FunctionResponseTypes = append(c.FunctionResponseTypes, "ReportBatchItemFailures")
	}
	if m.spec.MaximumConcurrency > 0 {
		c.ScalingConfig = &scalingConfig{MaximumConcurrency: m.spec.MaximumConcurrency}
	}
	return c
}

type mappingList struct{ EventSourceMappings []mappingConfiguration }

// listMappings shows the mappings, those of one queue or function if the query names one.
func (s *Service) listMappings(query url.Values) (*mappingList, error) {
	var f *function
	if name := query.Get("FunctionName"); name != "" {
		var err error
		if f, err = s.find(name); err != nil {
			return nil, err
		}
	}
	source := query.Get("EventSourceArn")
	s.mu.RLock()
	defer s.mu.RUnlock()
	out := &mappingList{EventSourceMappings: []mappingConfiguration{}}
	for _, m := range slices.SortedFunc(maps.Values(s.mappings), func(a, b *mapping) int { return cmp.Compare(a.id, b.id) }) {
		if (f == nil || m.f == f) && (source == "" || m.spec.QueueARN == source) {
			out.EventSourceMappings = append(out.EventSourceMappings, m.configuration())
		}
	}
	return out, nil
}

func (s *Service) getMapping(id string) (*mappingConfiguration, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	m := s.mappings[id]
	if m == nil {
		return nil, notFound("The resource you requested does not exist.")
	}
	c := m.configuration()
	return &c, nil
}
