package cloudwatch

import (
	"context"
	"encoding/base64"
	"strings"

	"github.com/payrail/payrail/local/wire"
)

// protocol serves the operations that there are; every other one is refused by name.
func (s *Service) protocol() *wire.RPC {
	return &wire.RPC{
		Name: "cloudwatch", Namespace: "http://monitoring.amazonaws.com/doc/2010-08-01/", ShapePrefix: "com.amazonaws.cloudwatch#", Faults: s.options.Faults, Now: s.options.Clock.Now,
		ErrorShapes: map[string]string{
			codeInvalidValue: "InvalidParameterValueException", codeInvalidCombination: "InvalidParameterCombinationException",
			codeMissing: "MissingRequiredParameterException", codeInvalidFormat: "InvalidFormatFault",
		},
		Operations: map[string]wire.Call{
			"DescribeAlarms":          wire.Shaped(s.describeAlarms),
			"DescribeAlarmsForMetric": wire.Shaped(s.describeAlarmsForMetric),
			"DescribeAlarmHistory":    wire.Shaped(s.describeAlarmHistory),
			"PutMetricAlarm":          wire.Shaped(s.putMetricAlarm),
			"PutCompositeAlarm":       wire.Shaped(s.putCompositeAlarm),
			"DeleteAlarms":            wire.Shaped(s.deleteAlarms),
			"SetAlarmState":           wire.Shaped(s.setAlarmState),
			"EnableAlarmActions":      wire.Shaped(s.enableAlarmActions),
			"DisableAlarmActions":     wire.Shaped(s.disableAlarmActions),
			"PutMetricData":           wire.Shaped(s.putMetricData),
			"ListMetrics":             wire.Shaped(s.listMetrics),
			"GetMetricStatistics":     wire.Shaped(s.getMetricStatistics),
			"GetMetricData":           wire.Shaped(s.getMetricData),
		},
	}
}

// The codes of errors, as the query protocol has them.
const (
	codeInvalidValue       = "InvalidParameterValue"
	codeInvalidCombination = "InvalidParameterCombination"
	codeMissing            = "MissingParameter"
	codeInvalidFormat      = "InvalidFormat"
	codeInvalidNextToken   = "InvalidNextToken"
)

// nothing is the answer of operations that return nothing.
type nothing struct{}

func (s *Service) putMetricAlarm(_ context.Context, in *MetricAlarmSpec) (*nothing, error) {
	_, err := s.PutMetricAlarm(*in)
	return &nothing{}, err
}

func (s *Service) putCompositeAlarm(_ context.Context, in *CompositeAlarmSpec) (*nothing, error) {
	_, err := s.PutCompositeAlarm(*in)
	return &nothing{}, err
}

type alarmNames struct{ AlarmNames []string }

// maxAlarmNames is the limit of a list of alarm names, from the API reference.
const maxAlarmNames = 100

func (in *alarmNames) check() error {
	if in.AlarmNames == nil {
		return isNull("alarmNames")
	}
	if len(in.AlarmNames) > maxAlarmNames {
		return invalid("1 validation error detected: Value at 'alarmNames' failed to satisfy constraint: Member must have length less than or equal to %d", maxAlarmNames)
	}
	return nil
}

func (s *Service) deleteAlarms(_ context.Context, in *alarmNames) (*nothing, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	return &nothing{}, s.DeleteAlarms(in.AlarmNames)
}

func (s *Service) enableAlarmActions(_ context.Context, in *alarmNames) (*nothing, error) {
	return s.switchActions(in, true)
}

func (s *Service) disableAlarmActions(_ context.Context, in *alarmNames) (*nothing, error) {
	return s.switchActions(in, false)
}

// switchActions passes over names of no alarm: the operations have no error for them.
func (s *Service) switchActions(in *alarmNames, enabled bool) (*nothing, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.options.Clock.Now()
	for _, name := range in.AlarmNames {
		if a := s.alarms[name]; a != nil && a.enabled != enabled {
			a.enabled, a.configured = enabled, now
			s.remember(a, historyConfiguration, now, `Alarm "`+name+`" updated`, "")
		}
	}
	return &nothing{}, nil
}

// pageToken names the place after which a page goes on.
func pageToken(after string) string {
	return base64.StdEncoding.EncodeToString([]byte("after:" + after))
}

// pageAfter reads a token; "" begins at the beginning.
func pageAfter(token string) (string, error) {
	if token == "" {
		return "", nil
	}
	text, err := base64.StdEncoding.DecodeString(token)
	after, ok := strings.CutPrefix(string(text), "after:")
	if err != nil || !ok {
		return "", wire.Errorf(codeInvalidNextToken, "The next token specified is invalid.")
	}
	return after, nil
}

// pageSize reads a number of records, from 1 to most.
func pageSize(asked *int, otherwise, most int, parameter string) (int, error) {
	switch {
	case asked == nil:
		return otherwise, nil
	case *asked < 1 || *asked > most:
		return 0, invalid("1 validation error detected: Value '%d' at '%s' failed to satisfy constraint: Member must have value from 1 to %d", *asked, parameter, most)
	}
	return *asked, nil
}
