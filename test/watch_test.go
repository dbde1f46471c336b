package test

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/events"
	"github.com/payrail/payrail/internal/tap"
	"github.com/payrail/payrail/internal/timeline"
)

// A tap hears a payment from its first event to its last, through a queue whose policy was set by the API, and is gone afterwards.
func TestATapHearsAPayment(t *testing.T) {
	s := start(t)
	rules, queues, bus := eventbridge.NewFromConfig(s.aws), sqs.NewFromConfig(s.aws), s.outputs["EventBus"]
	open, err := tap.Open(t.Context(), tap.Options{Rules: rules, Queues: queues, Bus: bus, Pattern: `{"source":[{"prefix":"payrail."}]}`,
		Until: time.Now().Add(time.Minute), Suffix: "test"})
	require.NoError(t, err)
	s.put(t, item(t, 1, aliceCard, nil))
	heard := map[events.DetailType]bool{}
	eventually(t, "the payment's events", func() bool {
		bodies, err := open.Receive(t.Context())
		require.NoError(t, err)
		for _, body := range bodies {
			entry, err := timeline.Read(body)
			require.NoError(t, err)
			require.Equal(t, "auth-000001", entry.AuthorizationID)
			heard[entry.DetailType] = true
		}
		return heard[events.TransactionAuthorized] && heard[events.TransactionPostingApproved] && heard[events.TransactionPosted]
	})
	require.NoError(t, open.Close(t.Context()))
	s.requireNoTaps(t)

	// One that nobody closed is found by its time.
	killed, err := tap.Open(t.Context(), tap.Options{Rules: rules, Queues: queues, Bus: bus, Pattern: `{"source":["payrail.posting"]}`,
		Until: time.Now().Add(-time.Second), Suffix: "killed"})
	require.NoError(t, err)
	deleted, err := tap.Clean(t.Context(), rules, queues, bus, time.Now())
	require.NoError(t, err)
	require.Equal(t, []string{"rule " + killed.Name(), "queue " + killed.Name()}, deleted)
	s.requireNoTaps(t)
	s.requireSound(t)
}

func (s *system) requireNoTaps(t *testing.T) {
	t.Helper()
	rules, err := eventbridge.NewFromConfig(s.aws).ListRules(t.Context(), &eventbridge.ListRulesInput{EventBusName: aws.String(s.outputs["EventBus"])})
	require.NoError(t, err)
	for _, rule := range rules.Rules {
		require.False(t, strings.HasPrefix(*rule.Name, "payrail-watch"), *rule.Name)
	}
	queues, err := sqs.NewFromConfig(s.aws).ListQueues(t.Context(), &sqs.ListQueuesInput{QueueNamePrefix: aws.String("payrail-watch")})
	require.NoError(t, err)
	require.Empty(t, queues.QueueUrls)
}
