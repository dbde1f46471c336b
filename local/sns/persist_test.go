package sns

import (
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/local/clock"
	"github.com/payrail/payrail/local/storage"
)

// keeping makes a service over a store, as a process would that follows one that was killed.
func keeping(t *testing.T, store storage.Store, q *queues, subscribed bool) *Service {
	t.Helper()
	s := New(Options{Queues: q, Store: store, NewID: func() string { return "id" }, Clock: clock.NewManual(time.Date(2026, 7, 9, 10, 15, 30, 0, time.UTC)),
		Logger: slog.New(slog.DiscardHandler), Region: "us-east-1", Account: "000000000000"})
	t.Cleanup(s.Close)
	_, err := s.CreateTopic("operator", "")
	require.NoError(t, err)
	if subscribed {
		_, err = s.Subscribe(topicARN, "sqs", queueARN, true)
		require.NoError(t, err)
	}
	require.NoError(t, s.Resume())
	return s
}

func TestMessagesOnTheirWayOutliveTheService(t *testing.T) {
	store := storage.NewMemory()
	down := &queues{failures: 100, failed: make(chan struct{}, 100), delivered: make(chan delivery, 10)}
	s := keeping(t, store, down, true)
	_, err := s.Publish(t.Context(), topicARN, "", "message", nil)
	require.NoError(t, err)
	<-down.failed // It waits for its next attempt.
	s.Close()

	up := &queues{failed: make(chan struct{}, 10), delivered: make(chan delivery, 10)}
	s = keeping(t, store, up, true)
	require.Equal(t, "message", (<-up.delivered).body)
	_, err = s.Publish(t.Context(), topicARN, "", "next", nil)
	require.NoError(t, err)
	require.Equal(t, "next", (<-up.delivered).body)
}

func TestTheLastMessagesWithoutSubscribersOutliveTheService(t *testing.T) {
	store := storage.NewMemory()
	s := keeping(t, store, &queues{}, false)
	for i := range keptNotifications + 5 {
		_, err := s.Publish(t.Context(), topicARN, "", fmt.Sprint(i), nil)
		require.NoError(t, err)
	}
	s = keeping(t, store, &queues{}, false)
	kept := s.Notifications()
	require.Len(t, kept, keptNotifications)
	require.Equal(t, "5", kept[0].Message)
	require.Equal(t, fmt.Sprint(keptNotifications+4), kept[len(kept)-1].Message)
}
