package sqs

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/payrail/payrail/local/clock"
	"github.com/payrail/payrail/local/storage"
)

// keeping makes a service over a store, as a process would that follows one that was killed.
func keeping(t testing.TB, c clock.Clock, store storage.Store) *Service {
	t.Helper()
	s := New(Options{
		Clock: c, Store: store, Region: "us-east-1", Account: "000000000000",
		BaseURL: func() string { return "http://127.0.0.1:4566" },
	})
	t.Cleanup(s.Close)
	return s
}

func bodiesOf(messages []Message) []string {
	all := make([]string, len(messages))
	for i, m := range messages {
		all[i] = m.Body
	}
	return all
}

func TestMessagesOutliveTheService(t *testing.T) {
	c, store := clock.NewManual(start), storage.NewMemory()
	s := keeping(t, c, store)
	arn := create(t, s, "q", nil)
	require.NoError(t, s.Send(context.Background(), arn, "first", map[string]string{"ERROR_CODE": "NO_RESOURCE"}))
	send(t, s, arn, "second", "third", "fourth")
	before := receive(t, s, arn, 2)
	require.NoError(t, s.DeleteBatch(context.Background(), arn, []string{before[1].ReceiptHandle}))
	c.Advance(5 * time.Second)

	after := keeping(t, c, store)
	require.Equal(t, arn, create(t, after, "q", nil))
	stats, err := after.Stats(arn)
	require.NoError(t, err)
	require.Equal(t, Stats{Visible: 3, OldestAge: 5 * time.Second}, stats, "what was in flight is visible")
	again := receive(t, after, arn, 10)
	require.Equal(t, []string{"first", "third", "fourth"}, bodiesOf(again))
	require.Equal(t, 2, again[0].ReceiveCount)
	require.Equal(t, before[0].ID, again[0].ID)
	require.Equal(t, before[0].Sent, again[0].Sent)
	require.Equal(t, before[0].FirstReceived, again[0].FirstReceived)
	require.Equal(t, map[string]Attribute{"ERROR_CODE": {DataType: "String", StringValue: "NO_RESOURCE"}}, again[0].Attributes)
	require.Equal(t, 1, again[1].ReceiveCount)
}

func TestAHandleFromBeforeTheRestartDeletes(t *testing.T) {
	c, store := clock.NewManual(start), storage.NewMemory()
	s := keeping(t, c, store)
	arn := create(t, s, "q", nil)
	send(t, s, arn, "done", "next")
	handle := receive(t, s, arn, 1)[0].ReceiptHandle
	after := keeping(t, c, store)
	create(t, after, "q", nil)
	require.NoError(t, after.DeleteBatch(context.Background(), arn, []string{handle}))
	require.Equal(t, []string{"next"}, bodiesOf(receive(t, after, arn, 10)))
}

// An old handle names its message by number: were numbers given out twice, it would delete another message.
func TestAHandleFromBeforeTheRestartNamesNoNewMessage(t *testing.T) {
	c, store := clock.NewManual(start), storage.NewMemory()
	s := keeping(t, c, store)
	arn := create(t, s, "q", nil)
	send(t, s, arn, "old")
	handle := receive(t, s, arn, 1)[0].ReceiptHandle
	require.NoError(t, s.DeleteBatch(context.Background(), arn, []string{handle}))
	c.Advance(time.Millisecond)
	after := keeping(t, c, store)
	create(t, after, "q", nil)
	send(t, after, arn, "new")
	require.Len(t, receive(t, after, arn, 1), 1)
	require.NoError(t, after.DeleteBatch(context.Background(), arn, []string{handle}))
	depth, err := after.Depth(arn)
	require.NoError(t, err)
	require.Equal(t, 1, depth)
}

func TestADelayOutlivesTheService(t *testing.T) {
	c, store := clock.NewManual(start), storage.NewMemory()
	s := keeping(t, c, store)
	arn := create(t, s, "q", map[string]string{"DelaySeconds": "60"})
	send(t, s, arn, "later")
	c.Advance(20 * time.Second)
	after := keeping(t, c, store)
	create(t, after, "q", map[string]string{"DelaySeconds": "60"})
	c.Advance(39 * time.Second)
	require.Empty(t, receive(t, after, arn, 1))
	c.Advance(time.Second)
	require.Equal(t, []string{"later"}, bodiesOf(receive(t, after, arn, 1)))
}

func TestAPoisonMessageReachesItsDeadLetterQueueAcrossRestarts(t *testing.T) {
	c, store := clock.NewManual(start), storage.NewMemory()
	attributes := map[string]string{"RedrivePolicy": `{"deadLetterTargetArn":"` + arnPrefix + `dead","maxReceiveCount":3}`}
	var s *Service
	var arn, dead string
	restart := func() {
		s = keeping(t, c, store)
		dead = create(t, s, "dead", nil)
		arn = create(t, s, "q", attributes)
	}
	restart()
	send(t, s, arn, "poison")
	for range 3 {
		require.Len(t, receive(t, s, arn, 1), 1)
		restart()
	}
	require.Empty(t, receive(t, s, arn, 1))
	restart()
	got := receive(t, s, dead, 10)
	require.Equal(t, []string{"poison"}, bodiesOf(got))
	require.Equal(t, arn, got[0].DeadLetterSource)
	depth, err := s.Depth(arn)
	require.NoError(t, err)
	require.Zero(t, depth)
}

func TestWhatIsGoneStaysGone(t *testing.T) {
	for name, gone := range map[string]func(t *testing.T, s *Service, c *clock.Manual, arn string){
		"purged": func(t *testing.T, s *Service, _ *clock.Manual, arn string) { require.NoError(t, s.Purge(arn)) },
		"expired": func(t *testing.T, s *Service, c *clock.Manual, arn string) {
			c.Advance(5 * 24 * time.Hour)
			require.Empty(t, receive(t, s, arn, 1))
		},
		"queue deleted": func(t *testing.T, s *Service, _ *clock.Manual, arn string) { require.NoError(t, s.DeleteQueue(arn)) },
	} {
		t.Run(name, func(t *testing.T) {
			c, store := clock.NewManual(start), storage.NewMemory()
			s := keeping(t, c, store)
			arn := create(t, s, "q", nil)
			send(t, s, arn, "a", "b")
			require.Len(t, receive(t, s, arn, 1), 1)
			gone(t, s, c, arn)
			after := keeping(t, c, store)
			create(t, after, "q", nil)
			depth, err := after.Depth(arn)
			require.NoError(t, err)
			require.Zero(t, depth)
			for _, space := range []string{"sqs/q/messages", "sqs/q/receives"} {
				require.NoError(t, store.Scan(space, storage.Range{}, func(key, _ []byte) bool {
					t.Errorf("%s has %x", space, key)
					return true
				}))
			}
		})
	}
}

// brokenStore fails to write once it is broken.
type brokenStore struct {
	*storage.Memory
	broken bool
}

func (b *brokenStore) Apply(batch *storage.Batch) error {
	if b.broken {
		return errors.New("the device is full")
	}
	return b.Memory.Apply(batch)
}

func TestWhatCannotBeKeptIsNotAcknowledged(t *testing.T) {
	store := &brokenStore{Memory: storage.NewMemory()}
	s := keeping(t, clock.NewManual(start), store)
	arn := create(t, s, "q", nil)
	send(t, s, arn, "kept")
	handle := receive(t, s, arn, 1)[0].ReceiptHandle
	store.broken = true
	require.ErrorContains(t, s.Send(context.Background(), arn, "lost", nil), "the device is full")
	for _, err := range s.SendBatch(context.Background(), arn, []string{"lost", "lost"}) {
		require.ErrorContains(t, err, "the device is full")
	}
	require.ErrorContains(t, s.DeleteBatch(context.Background(), arn, []string{handle}), "the device is full")
	require.Empty(t, receive(t, s, arn, 10))
	store.broken = false
	send(t, s, arn, "more")
	store.broken = true
	require.ErrorContains(t, s.Purge(arn), "the device is full")
}

func TestABrokenMessageIsAnErrorNotALoss(t *testing.T) {
	m := message{id: [16]byte{1}, body: "body", traceHeader: "trace", attributes: map[string]Attribute{"a": {DataType: "String", StringValue: "v"}}}
	whole, err := m.encode()
	require.NoError(t, err)
	for length := range whole {
		store := storage.NewMemory()
		var b storage.Batch
		b.Put("sqs/q/messages", sequenceKey(1), whole[:length])
		require.NoError(t, store.Apply(&b))
		_, _, err := keeping(t, clock.NewManual(start), store).CreateQueue(QueueSpec{Name: "q"})
		require.Error(t, err, "%d bytes", length)
	}
}

// TestNoAcknowledgedMessageIsLost sends, receives, deletes and restarts at random: what was sent and not deleted is in the queue or
// its dead-letter queue, whatever happens in between, and what was deleted is not.
func TestNoAcknowledgedMessageIsLost(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		c, store := clock.NewManual(start), storage.NewMemory()
		attributes := map[string]string{"VisibilityTimeout": "30", "RedrivePolicy": `{"deadLetterTargetArn":"` + arnPrefix + `dead","maxReceiveCount":2}`}
		var s *Service
		restart := func() {
			s = New(Options{Clock: c, Store: store, Region: "us-east-1", Account: "000000000000", BaseURL: func() string { return "" }})
			for name, a := range map[string]map[string]string{"dead": nil} {
				_, _, err := s.CreateQueue(QueueSpec{Name: name, Attributes: a})
				require.NoError(r, err)
			}
			_, _, err := s.CreateQueue(QueueSpec{Name: "q", Attributes: attributes})
			require.NoError(r, err)
		}
		restart()
		there, sent := map[string]bool{}, 0
		var handles [][2]string // Of messages received, with their bodies.
		r.Repeat(map[string]func(*rapid.T){
			"send": func(r *rapid.T) {
				batch := make([]string, rapid.IntRange(1, 4).Draw(r, "messages"))
				for i := range batch {
					sent++
					batch[i] = fmt.Sprint(sent)
					there[batch[i]] = true
				}
				require.Nil(r, s.SendBatch(context.Background(), arnPrefix+"q", batch))
			},
			"receive": func(r *rapid.T) {
				queue := rapid.SampledFrom([]string{"q", "dead"}).Draw(r, "queue")
				messages, err := s.Receive(context.Background(), arnPrefix+queue, rapid.IntRange(1, 5).Draw(r, "max"), 0)
				require.NoError(r, err)
				for _, m := range messages {
					require.True(r, there[m.Body], "%s was deleted", m.Body)
					handles = append(handles, [2]string{queue + "/" + m.ReceiptHandle, m.Body})
				}
			},
			"delete": func(r *rapid.T) {
				if len(handles) == 0 {
					return
				}
				one := rapid.SampledFrom(handles).Draw(r, "message")
				queue, handle, _ := strings.Cut(one[0], "/")
				before, err := s.Depth(arnPrefix + queue)
				require.NoError(r, err)
				require.NoError(r, s.DeleteBatch(context.Background(), arnPrefix+queue, []string{handle}))
				after, err := s.Depth(arnPrefix + queue)
				require.NoError(r, err)
				if after < before { // A handle that is not the last one has no effect.
					delete(there, one[1])
				}
			},
			"wait":    func(*rapid.T) { c.Advance(31 * time.Second) },
			"restart": func(*rapid.T) { restart() },
			"": func(r *rapid.T) {
				live, err := s.Depth(arnPrefix + "q")
				require.NoError(r, err)
				dead, err := s.Depth(arnPrefix + "dead")
				require.NoError(r, err)
				require.Equal(r, len(there), live+dead)
			},
		})
	})
}
