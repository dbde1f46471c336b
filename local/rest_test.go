package local

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/local/sqs"
)

func TestAtRestOnceEveryQueueWithAConsumerIsEmpty(t *testing.T) {
	f := start(t)
	require.True(t, f.AtRest())
	dead, _, err := f.sqs.CreateQueue(sqs.QueueSpec{Name: "rest-dead"})
	require.NoError(t, err)
	work, _, err := f.sqs.CreateQueue(sqs.QueueSpec{Name: "rest-work", Attributes: map[string]string{"RedrivePolicy": `{"deadLetterTargetArn":"` + dead + `","maxReceiveCount":3}`}})
	require.NoError(t, err)

	require.NoError(t, f.sqs.Send(t.Context(), dead, "x", nil))
	require.True(t, f.AtRest(), "a dead letter waits for people")
	require.NoError(t, f.sqs.Send(t.Context(), work, "x", nil))
	require.False(t, f.AtRest())
	got, err := f.sqs.Receive(t.Context(), work, 1, 0)
	require.NoError(t, err)
	require.False(t, f.AtRest(), "it is being worked on")
	require.NoError(t, f.sqs.DeleteBatch(t.Context(), work, []string{got[0].ReceiptHandle}))
	require.True(t, f.AtRest())
}

// What the bus takes on counts for ever: a look that began before it is no look at rest, though it was delivered meanwhile.
func TestTheBusTellsWhatItHasTakenOn(t *testing.T) {
	f := start(t)
	_, before := f.eventbridge.Outstanding()
	f.put(t, "One")
	deliveries, after := f.eventbridge.Outstanding()
	require.Zero(t, deliveries)
	require.Greater(t, after, before)
}
