package local

import (
	"context"
	"fmt"

	"github.com/payrail/payrail/local/cloudwatch"
)

// cloudWatchService is the principal that a topic's policy must let in.
const cloudWatchService = "cloudwatch.amazonaws.com"

func (s *stack) alarm(id string, properties map[string]any) (resource, error) {
	var spec cloudwatch.MetricAlarmSpec
	if err := s.decode(properties, &spec); err != nil {
		return resource{}, err
	}
	if spec.AlarmName == "" {
		spec.AlarmName = s.name(id)
	}
	alarmARN, err := s.cloudwatch.PutMetricAlarm(spec)
	if err != nil {
		return resource{}, err
	}
	return resource{spec.AlarmName, map[string]any{"Arn": alarmARN}}, nil
}

func (s *stack) compositeAlarm(id string, properties map[string]any) (resource, error) {
	var spec cloudwatch.CompositeAlarmSpec
	if err := s.decode(properties, &spec); err != nil {
		return resource{}, err
	}
	if spec.AlarmName == "" {
		spec.AlarmName = s.name(id)
	}
	alarmARN, err := s.cloudwatch.PutCompositeAlarm(spec)
	if err != nil {
		return resource{}, err
	}
	return resource{spec.AlarmName, map[string]any{"Arn": alarmARN}}, nil
}

// alarmTopics is where alarms tell of themselves.
type alarmTopics struct{ *Runtime }

// Notify publishes for an alarm to a topic that lets CloudWatch in. A topic without a policy of its own has SNS's default one, which
// lets its account publish, and so its alarms.
func (r alarmTopics) Notify(ctx context.Context, topicARN, alarmARN, subject, message string) error {
	p, _, err := r.wiring.policyOf(topicARN)
	if err != nil {
		return err
	}
	asked := request{service: cloudWatchService, action: "sns:Publish", resource: topicARN,
		keys: map[string]string{keySourceARN: alarmARN, keySourceAccount: Account, keySecureTransport: "true"}}
	if p.Statement != nil && !p.allows(asked) {
		return fmt.Errorf("the policy of %s does not let %s publish for %s", topicARN, cloudWatchService, alarmARN)
	}
	_, err = r.sns.Publish(ctx, topicARN, subject, message, nil)
	return err
}
