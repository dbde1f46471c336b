package lambda

import (
	"cmp"
	"encoding/json"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/payrail/payrail/local/wire"
)

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

type scalingConfig struct {
	MaximumConcurrency *int `json:",omitempty"`
}

// configuration shows a mapping in a state. AWS takes a while to get there; here it is there at once, and only the answer to the
// call that changes it names the transition. The caller holds Service.mu.
func (m *mapping) configuration(state string) mappingConfiguration {
	c := mappingConfiguration{
		UUID: m.id, EventSourceArn: m.spec.QueueARN, FunctionArn: m.f.arn, BatchSize: m.spec.BatchSize,
		MaximumBatchingWindowInSeconds: m.spec.MaximumBatchingWindowSeconds, FunctionResponseTypes: []string{},
		LastModified: epochSeconds(m.modified), State: state, StateTransitionReason: "USER_INITIATED",
	}
	if m.spec.ReportBatchItemFailures {
		c.FunctionResponseTypes = append(c.FunctionResponseTypes, ReportBatchItemFailures)
	}
	if m.spec.MaximumConcurrency > 0 {
		c.ScalingConfig = &scalingConfig{MaximumConcurrency: &m.spec.MaximumConcurrency}
	}
	return c
}

func (m *mapping) state() string {
	if m.spec.Disabled {
		return "Disabled"
	}
	return "Enabled"
}

// epochSeconds is a time as REST-JSON has it: seconds with a fraction.
func epochSeconds(t time.Time) float64 {
	return float64(t.UnixMilli()) / float64(time.Second/time.Millisecond)
}

type mappingList struct {
	EventSourceMappings []mappingConfiguration
	NextMarker          string `json:",omitempty"`
}

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
	var matching []*mapping
	for _, m := range slices.SortedFunc(maps.Values(s.mappings), func(a, b *mapping) int { return cmp.Compare(a.id, b.id) }) {
		if (f == nil || m.f == f) && (source == "" || m.spec.QueueARN == source) {
			matching = append(matching, m)
		}
	}
	mappings, next, err := page(matching, func(m *mapping) string { return m.id }, query, maxMappingItems)
	if err != nil {
		return nil, err
	}
	out := &mappingList{EventSourceMappings: []mappingConfiguration{}, NextMarker: next}
	for _, m := range mappings {
		out.EventSourceMappings = append(out.EventSourceMappings, m.configuration(m.state()))
	}
	return out, nil
}

func (s *Service) getMapping(id string) (*mappingConfiguration, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	m := s.mappings[id]
	if m == nil {
		return nil, errNoMapping()
	}
	c := m.configuration(m.state())
	return &c, nil
}

// ReportBatchItemFailures is the one response type there is.
const ReportBatchItemFailures = "ReportBatchItemFailures"

// mappingRequest is what CreateEventSourceMapping and UpdateEventSourceMapping take for a queue.
type mappingRequest struct {
	EventSourceArn                 string
	FunctionName                   string
	Enabled                        *bool
	BatchSize                      *int
	MaximumBatchingWindowInSeconds *int
	FunctionResponseTypes          *[]string
	ScalingConfig                  *scalingConfig
	FilterCriteria                 *struct{ Filters []json.RawMessage }
}

// otherSources are members that are for other sources than queues: AWS answers the same to all of them.
var otherSources = []string{
	"AmazonManagedKafkaEventSourceConfig", "BisectBatchOnFunctionError", "DestinationConfig", "DocumentDBEventSourceConfig", "MaximumRecordAgeInSeconds",
	"MaximumRetryAttempts", "ParallelizationFactor", "Queues", "SelfManagedEventSource", "SelfManagedKafkaEventSourceConfig", "SourceAccessConfigurations",
	"StartingPosition", "StartingPositionTimestamp", "Topics", "TumblingWindowInSeconds",
}

// refusedMembers are for queues too, and not done here.
var refusedMembers = []string{"KMSKeyArn", "LoggingConfig", "MetricsConfig", "ProvisionedPollerConfig", "Tags"}

func decodeMapping(body []byte) (*mappingRequest, error) {
	var members map[string]json.RawMessage
	in := &mappingRequest{}
	if err := decodeBody(body, &members); err != nil {
		return nil, err
	}
	if err := decodeBody(body, in); err != nil {
		return nil, err
	}
	for name, value := range members {
		switch {
		case string(value) == "null":
		case slices.Contains(refusedMembers, name):
			return nil, wire.NotImplemented(name + " of event source mappings")
		case slices.Contains(otherSources, name):
			return nil, invalid("Unsupported parameter for given event source mapping type: %s", name)
		}
	}
	if in.FunctionResponseTypes != nil {
		for _, kind := range *in.FunctionResponseTypes {
			if kind != ReportBatchItemFailures {
				return nil, invalid("1 validation error detected: Value '[%s]' at 'functionResponseTypes' failed to satisfy constraint: Member must satisfy enum value set: [%s]", kind, ReportBatchItemFailures)
			}
		}
	}
	if in.FilterCriteria != nil && len(in.FilterCriteria.Filters) > 0 {
		return nil, invalid("the local runtime does not do FilterCriteria of event source mappings")
	}
	return in, nil
}

// apply puts the members given into a spec.
func (in *mappingRequest) apply(spec *MappingSpec) {
	if in.FunctionName != "" {
		spec.FunctionARN = in.FunctionName
	}
	if in.Enabled != nil {
		spec.Disabled = !*in.Enabled
	}
	if in.BatchSize != nil {
		spec.BatchSize = *in.BatchSize
	}
	if in.MaximumBatchingWindowInSeconds != nil {
		spec.MaximumBatchingWindowSeconds = *in.MaximumBatchingWindowInSeconds
	}
	if in.FunctionResponseTypes != nil {
		spec.ReportBatchItemFailures = len(*in.FunctionResponseTypes) > 0
	}
	if in.ScalingConfig != nil { // Empty, it takes the limit away.
		spec.MaximumConcurrency = 0
		if in.ScalingConfig.MaximumConcurrency != nil {
			spec.MaximumConcurrency = *in.ScalingConfig.MaximumConcurrency
		}
	}
}

func (s *Service) createMapping(body []byte) (*mappingConfiguration, error) {
	in, err := decodeMapping(body)
	if err != nil {
		return nil, err
	}
	if in.BatchSize != nil && *in.BatchSize < 1 {
		return nil, invalid("1 validation error detected: Value '%d' at 'batchSize' failed to satisfy constraint: Member must have value greater than or equal to 1", *in.BatchSize)
	}
	if !strings.HasPrefix(in.EventSourceArn, "arn:aws:sqs:") {
		return nil, wire.NotImplemented("event source mappings of other sources than queues (" + in.EventSourceArn + ")")
	}
	spec := MappingSpec{QueueARN: in.EventSourceArn}
	in.apply(&spec)
	if _, err := s.find(spec.FunctionARN); err != nil {
		return nil, invalid("Function does not exist")
	}
	id, err := s.CreateEventSourceMapping(spec)
	if err != nil {
		return nil, err
	}
	return s.mappingIn(id, "Creating")
}

func (s *Service) updateMapping(id string, body []byte) (*mappingConfiguration, error) {
	in, err := decodeMapping(body)
	if err != nil {
		return nil, err
	}
	state := "Updating"
	if in.Enabled != nil {
		state = map[bool]string{true: "Enabling", false: "Disabling"}[*in.Enabled]
	}
	if err := s.UpdateEventSourceMapping(id, in.apply); err != nil {
		return nil, err
	}
	return s.mappingIn(id, state)
}

func (s *Service) deleteMapping(id string) (*mappingConfiguration, error) {
	c, err := s.mappingIn(id, "Deleting")
	if err != nil {
		return nil, err
	}
	return c, s.DeleteEventSourceMapping(id)
}

func (s *Service) mappingIn(id, state string) (*mappingConfiguration, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	m := s.mappings[id]
	if m == nil {
		return nil, errNoMapping()
	}
	c := m.configuration(state)
	return &c, nil
}
