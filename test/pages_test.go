package test

import (
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/stretchr/testify/require"
)

// firing are the stack's alarms in state ALARM, without the stack's name, those that wake somebody among them.
func (s *system) firing(t *testing.T) []string {
	t.Helper()
	names := []string{}
	pages := cloudwatch.NewDescribeAlarmsPaginator(cloudwatch.NewFromConfig(s.aws), &cloudwatch.DescribeAlarmsInput{
		AlarmTypes: []types.AlarmType{types.AlarmTypeMetricAlarm, types.AlarmTypeCompositeAlarm}, StateValue: types.StateValueAlarm,
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		require.NoError(t, err)
		for _, alarm := range page.MetricAlarms {
			names = append(names, strings.TrimPrefix(*alarm.AlarmName, "Payrail-"))
		}
		for _, alarm := range page.CompositeAlarms {
			names = append(names, strings.TrimPrefix(*alarm.AlarmName, "Payrail-"))
		}
	}
	slices.Sort(names)
	return names
}

// The stack's own alarms say nothing while payments are posted; while the ledger refuses writes they say what is wrong, and wake
// somebody; and they are over once everything is put back.
func TestTheStackCallsForHelpAndStopsCalling(t *testing.T) {
	s := startAt(t, alarmScale)
	s.put(t, item(t, 1, aliceCard, nil))
	eventually(t, "a payment is posted", func() bool { return s.journalEntries(t, "acc-alice") == 1 })
	require.Empty(t, s.firing(t))

	accept := s.refuse(t, "dynamodb:TransactWriteItems", "AccessDeniedException", 0)
	s.put(t, item(t, 2, aliceCard, nil))
	eventually(t, "the alarms of posting's dead letters and of money that stands still", func() bool {
		firing := s.firing(t)
		return slices.Contains(firing, "PostingDeadLetters") && slices.Contains(firing, "MoneyStuck")
	})
	accept()
	s.putBack(t, "--all", "--reason", "the ledger table answers again")
	eventually(t, "every payment is posted", func() bool { return s.journalEntries(t, "acc-alice") == 2 })
	eventually(t, "no alarm is left", func() bool { return len(s.firing(t)) == 0 })
}
