package eventbridge

import (
	"bytes"
	"context"
	"encoding/json"
	"time"

	"github.com/payrail/payrail/local/wire"
)

// newAPI is the table of operations of the JSON protocol.
func (s *Service) newAPI() *wire.JSON {
	return &wire.JSON{
		Name: "events", TargetPrefix: "AWSEvents", Version: "1.1", Faults: s.options.Faults, Observe: s.observe,
		Operations: map[string]wire.Operation{
			"PutEvents":             wire.Op(s.apiPutEvents),
			"TestEventPattern":      wire.Op(s.apiTestEventPattern),
			"CreateEventBus":        wire.Op(s.apiCreateEventBus),
			"DescribeEventBus":      wire.Op(s.apiDescribeEventBus),
			"UpdateEventBus":        wire.Op(s.apiUpdateEventBus),
			"DeleteEventBus":        wire.Op(s.apiDeleteEventBus),
			"ListEventBuses":        wire.Op(s.apiListEventBuses),
			"PutRule":               wire.Op(s.apiPutRule),
			"DescribeRule":          wire.Op(s.apiDescribeRule),
			"ListRules":             wire.Op(s.apiListRules),
			"ListRuleNamesByTarget": wire.Op(s.apiListRuleNamesByTarget),
			"EnableRule":            wire.Op(s.apiEnableRule),
			"DisableRule":           wire.Op(s.apiDisableRule),
			"DeleteRule":            wire.Op(s.apiDeleteRule),
			"PutTargets":            wire.Op(s.apiPutTargets),
			"ListTargetsByRule":     wire.Op(s.apiListTargetsByRule),
			"RemoveTargets":         wire.Op(s.apiRemoveTargets),
			"CreateArchive":         wire.Op(s.apiCreateArchive),
			"DescribeArchive":       wire.Op(s.apiDescribeArchive),
			"UpdateArchive":         wire.Op(s.apiUpdateArchive),
			"DeleteArchive":         wire.Op(s.apiDeleteArchive),
			"ListArchives":          wire.Op(s.apiListArchives),
			"StartReplay":           wire.Op(s.apiStartReplay),
			"DescribeReplay":        wire.Op(s.apiDescribeReplay),
			"CancelReplay":          wire.Op(s.apiCancelReplay),
			"ListReplays":           wire.Op(s.apiListReplays),
			"TagResource":           wire.Op(s.apiTagResource),
			"UntagResource":         wire.Op(s.apiUntagResource),
			"ListTagsForResource":   wire.Op(s.apiListTagsForResource),
		},
	}
}

// epoch is a timestamp as the protocol has it: seconds since 1970, with a fraction.
type epoch struct{ time.Time }

func (e epoch) MarshalJSON() ([]byte, error) { return json.Marshal(float64(e.UnixMilli()) / 1000) }

func (e *epoch) UnmarshalJSON(text []byte) error {
	if bytes.HasPrefix(text, []byte(`"`)) {
		return json.Unmarshal(text, &e.Time)
	}
	var seconds float64
	if err := json.Unmarshal(text, &seconds); err != nil {
		return err
	}
	e.Time = time.UnixMilli(int64(seconds * 1000)).UTC()
	return nil
}

// refuseGiven refuses a request that has one of the members, which are not done here.
func refuseGiven(members map[string]json.RawMessage) error {
	for _, name := range sortedKeys(members) {
		if text := string(members[name]); text != "" && text != "null" {
			return wire.NotImplemented("the parameter " + name)
		}
	}
	return nil
}

type putEventsInput struct {
	EndpointID json.RawMessage `json:"EndpointId"`
	Entries    []struct {
		EventBusName, Source, DetailType, Detail string
		Time                                     epoch
		Resources                                []string
	}
}

type putEventsEntry struct {
	EventID      string `json:"EventId,omitempty"`
	ErrorCode    string `json:",omitempty"`
	ErrorMessage string `json:",omitempty"`
}

type putEventsOutput struct {
	FailedEntryCount int
	Entries          []putEventsEntry
}

func (s *Service) apiPutEvents(ctx context.Context, in *putEventsInput) (*putEventsOutput, error) {
	if err := refuseGiven(map[string]json.RawMessage{"EndpointId": in.EndpointID}); err != nil {
		return nil, err
	}
	entries := make([]Entry, len(in.Entries))
	for i, e := range in.Entries {
		entries[i] = Entry{Bus: e.EventBusName, Source: e.Source, DetailType: e.DetailType, Detail: []byte(e.Detail), Time: e.Time.Time, Resources: e.Resources}
	}
	results, err := s.putEvents(ctx, entries) // The fault injector was passed by the protocol server.
	if err != nil {
		return nil, err
	}
	out := &putEventsOutput{}
	for _, r := range results {
		if r.ErrorCode != "" {
			out.FailedEntryCount++
		}
		out.Entries = append(out.Entries, putEventsEntry(r))
	}
	return out, nil
}

type testEventPatternInput struct{ EventPattern, Event string }

type testEventPatternOutput struct{ Result bool }

func (s *Service) apiTestEventPattern(_ context.Context, in *testEventPatternInput) (*testEventPatternOutput, error) {
	p, err := compilePattern(in.EventPattern)
	if err != nil {
		return nil, err
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal([]byte(in.Event), &members); err != nil {
		return nil, wire.Errorf("ValidationException", "Parameter Event is not valid.")
	}
	// The reference calls resources mandatory too; events without it are accepted (recorded by LocalStack's test_event_patterns.py).
	for _, name := range []string{"id", "account", "source", "time", "region", "detail-type"} {
		if _, ok := members[name]; !ok {
			return nil, wire.Errorf("ValidationException", "Parameter Event is not valid.")
		}
	}
	ok, err := p.MatchJSON([]byte(in.Event))
	if err != nil {
		return nil, wire.Errorf("ValidationException", "Parameter Event is not valid.")
	}
	return &testEventPatternOutput{Result: ok}, nil
}
