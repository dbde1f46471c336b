package sqs

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/payrail/payrail/local/clock"
	"github.com/payrail/payrail/local/faults"
	"github.com/payrail/payrail/local/wire"
)

const arnPrefix = "arn:aws:sqs:us-east-1:000000000000:"

var start = time.Date(2026, 7, 9, 10, 15, 30, 0, time.UTC)

func newService(t testing.TB) (*Service, *clock.Manual, *faults.Injector) {
	t.Helper()
	c, injector := clock.NewManual(start), &faults.Injector{}
	s := New(Options{
		Clock: c, Faults: injector, Region: "us-east-1", Account: "000000000000",
		BaseURL: func() string { return "http://127.0.0.1:4566" },
	})
	t.Cleanup(s.Close)
	return s, c, injector
}

func create(t testing.TB, s *Service, name string, attributes map[string]string) string {
	t.Helper()
	arn, _, err := s.CreateQueue(QueueSpec{Name: name, Attributes: attributes})
	require.NoError(t, err)
	return arn
}

func send(t testing.TB, s *Service, arn string, bodies ...string) {
	t.Helper()
	require.Nil(t, s.SendBatch(context.Background(), arn, bodies))
}

func receive(t testing.TB, s *Service, arn string, max int) []Message {
	t.Helper()
	messages, err := s.Receive(context.Background(), arn, max, 0)
	require.NoError(t, err)
	return messages
}

func requireCode(t testing.TB, err error, code string) {
	t.Helper()
	require.Error(t, err)
	require.Equal(t, code, wire.AsError(err).Code)
}

func TestCreateQueue(t *testing.T) {
	s, _, _ := newService(t)
	arn, url, err := s.CreateQueue(QueueSpec{Name: "enrich", Attributes: map[string]string{"VisibilityTimeout": "180"}})
	require.NoError(t, err)
	require.Equal(t, arnPrefix+"enrich", arn)
	require.Equal(t, "http://127.0.0.1:4566/000000000000/enrich", url)

	_, _, err = s.CreateQueue(QueueSpec{Name: "enrich", Attributes: map[string]string{"VisibilityTimeout": "180"}})
	require.NoError(t, err, "the same queue again is the same queue")

	for name, tc := range map[string]struct {
		spec QueueSpec
		code string
	}{
		"other attributes": {QueueSpec{Name: "enrich", Attributes: map[string]string{"VisibilityTimeout": "181"}}, "QueueNameExists"},
		"FIFO name":        {QueueSpec{Name: "posting.fifo"}, "NotImplemented"},
		"FIFO attribute":   {QueueSpec{Name: "posting", Attributes: map[string]string{"FifoQueue": "true"}}, "NotImplemented"},
		"bad name":         {QueueSpec{Name: "a b"}, "InvalidParameterValue"},
		"unknown":          {QueueSpec{Name: "q", Attributes: map[string]string{"Colour": "red"}}, "InvalidAttributeName"},
		"visibility":       {QueueSpec{Name: "q", Attributes: map[string]string{"VisibilityTimeout": "43201"}}, "InvalidAttributeValue"},
		"retention":        {QueueSpec{Name: "q", Attributes: map[string]string{"MessageRetentionPeriod": "59"}}, "InvalidAttributeValue"},
		"size":             {QueueSpec{Name: "q", Attributes: map[string]string{"MaximumMessageSize": "1048577"}}, "InvalidAttributeValue"},
		"policy":           {QueueSpec{Name: "q", Attributes: map[string]string{"Policy": "{"}}, "InvalidAttributeValue"},
		"no DLQ":           {QueueSpec{Name: "q", Attributes: redrive("nowhere", 3)}, "InvalidParameterValue"},
		"receive count":    {QueueSpec{Name: "q", Attributes: redrive("enrich", 0)}, "InvalidParameterValue"},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := s.CreateQueue(tc.spec)
			requireCode(t, err, tc.code)
		})
	}
	require.Equal(t, []string{arnPrefix + "enrich"}, s.Queues())
}

func redrive(target string, count int) map[string]string {
	return map[string]string{"RedrivePolicy": fmt.Sprintf(`{"deadLetterTargetArn":"%s%s","maxReceiveCount":%d}`, arnPrefix, target, count)}
}

func TestVisibilityTimeout(t *testing.T) {
	s, c, _ := newService(t)
	arn := create(t, s, "q", map[string]string{"VisibilityTimeout": "30"})
	send(t, s, arn, "a")

	first := receive(t, s, arn, 10)
	require.Len(t, first, 1)
	require.Empty(t, receive(t, s, arn, 10), "in flight")
	c.Advance(30*time.Second - 1)
	require.Empty(t, receive(t, s, arn, 10), "a nanosecond early")
	c.Advance(1)
	second := receive(t, s, arn, 10)
	require.Len(t, second, 1)
	require.Equal(t, first[0].ID, second[0].ID)
	require.Equal(t, 2, second[0].ReceiveCount)
	require.Equal(t, start.UnixMilli(), second[0].FirstReceived)
	require.NotEqual(t, first[0].ReceiptHandle, second[0].ReceiptHandle)

	require.NoError(t, s.DeleteBatch(context.Background(), arn, []string{first[0].ReceiptHandle}))
	depth, err := s.Depth(arn)
	require.NoError(t, err)
	require.Equal(t, 1, depth, "an old handle does not delete")

	c.Advance(time.Hour)
	require.NoError(t, s.DeleteBatch(context.Background(), arn, []string{second[0].ReceiptHandle}), "a visible message can be deleted")
	require.Empty(t, receive(t, s, arn, 10))
	require.NoError(t, s.DeleteBatch(context.Background(), arn, []string{second[0].ReceiptHandle}), "deleting twice is no error")
	stats, err := s.Stats(arn)
	require.NoError(t, err)
	require.Equal(t, Stats{Sent: 1, Received: 2, Deleted: 1, EmptyReceives: 3}, stats)
}

func TestDelayAndRetention(t *testing.T) {
	s, c, _ := newService(t)
	arn := create(t, s, "q", map[string]string{"DelaySeconds": "5", "MessageRetentionPeriod": "60"})
	send(t, s, arn, "a")
	stats, err := s.Stats(arn)
	require.NoError(t, err)
	require.Equal(t, Stats{Sent: 1, Delayed: 1}, stats)
	c.Advance(5 * time.Second)
	require.Len(t, receive(t, s, arn, 10), 1)
	c.Advance(54 * time.Second)
	stats, err = s.Stats(arn)
	require.NoError(t, err)
	require.Equal(t, 59*time.Second, stats.OldestAge)
	c.Advance(time.Second)
	require.Empty(t, receive(t, s, arn, 10))
	stats, err = s.Stats(arn)
	require.NoError(t, err)
	require.Equal(t, uint64(1), stats.Expired)
	require.Zero(t, stats.Visible+stats.InFlight+stats.Delayed)
}

func TestRedrive(t *testing.T) {
	s, c, _ := newService(t)
	dlq := create(t, s, "dlq", nil)
	arn := create(t, s, "q", redrive("dlq", 2))
	send(t, s, arn, "poison")
	id := receive(t, s, arn, 1)[0].ID
	c.Advance(30 * time.Second)
	require.Equal(t, 2, receive(t, s, arn, 1)[0].ReceiveCount)
	require.Empty(t, receive(t, s, dlq, 1), "received as often as allowed, not more")
	c.Advance(30 * time.Second)
	require.Empty(t, receive(t, s, arn, 1))

	moved := receive(t, s, dlq, 1)
	require.Len(t, moved, 1)
	require.Equal(t, id, moved[0].ID)
	require.Equal(t, "poison", moved[0].Body)
	require.Equal(t, arn, moved[0].DeadLetterSource)
	require.Equal(t, start.UnixMilli(), moved[0].Sent, "retention counts from the first sending")
	require.Equal(t, 3, moved[0].ReceiveCount, "counted across all queues")
	require.Equal(t, start.UnixMilli(), moved[0].FirstReceived)
	depth, err := s.Depth(arn)
	require.NoError(t, err)
	require.Zero(t, depth)
}

func TestRedriveAllowPolicy(t *testing.T) {
	s, _, _ := newService(t)
	create(t, s, "closed", map[string]string{"RedriveAllowPolicy": `{"redrivePermission":"denyAll"}`})
	create(t, s, "one", map[string]string{"RedriveAllowPolicy": `{"redrivePermission":"byQueue","sourceQueueArns":["` + arnPrefix + `friend"]}`})
	_, _, err := s.CreateQueue(QueueSpec{Name: "q", Attributes: redrive("closed", 3)})
	requireCode(t, err, "InvalidParameterValue")
	_, _, err = s.CreateQueue(QueueSpec{Name: "q", Attributes: redrive("one", 3)})
	requireCode(t, err, "InvalidParameterValue")
	create(t, s, "friend", redrive("one", 3))
}

func TestReceiveWaits(t *testing.T) {
	type result struct {
		messages []Message
		err      error
	}
	wait := func(ctx context.Context, s *Service, arn string) chan result {
		done := make(chan result, 1)
		go func() {
			messages, err := s.Receive(ctx, arn, 10, 20*time.Second)
			done <- result{messages, err}
		}()
		return done
	}
	t.Run("for a message", func(t *testing.T) {
		s, c, _ := newService(t)
		arn := create(t, s, "q", nil)
		done := wait(context.Background(), s, arn)
		c.WaitForTimers(1)
		send(t, s, arn, "a")
		require.Equal(t, "a", (<-done).messages[0].Body)
	})
	t.Run("for a delayed message", func(t *testing.T) {
		s, c, _ := newService(t)
		arn := create(t, s, "q", map[string]string{"DelaySeconds": "10"})
		done := wait(context.Background(), s, arn)
		c.WaitForTimers(1)
		send(t, s, arn, "a")
		c.Advance(10 * time.Second)
		require.Equal(t, "a", (<-done).messages[0].Body)
	})
	t.Run("until the wait is over", func(t *testing.T) {
		s, c, _ := newService(t)
		arn := create(t, s, "q", nil)
		done := wait(context.Background(), s, arn)
		c.WaitForTimers(1)
		c.Advance(20 * time.Second)
		require.Equal(t, result{}, <-done)
	})
	t.Run("until its context ends", func(t *testing.T) {
		s, c, _ := newService(t)
		ctx, cancel := context.WithCancel(context.Background())
		done := wait(ctx, s, create(t, s, "q", nil))
		c.WaitForTimers(1)
		cancel()
		require.ErrorIs(t, (<-done).err, context.Canceled)
	})
	t.Run("until the service closes", func(t *testing.T) {
		s, c, _ := newService(t)
		done := wait(context.Background(), s, create(t, s, "q", nil))
		c.WaitForTimers(1)
		s.Close()
		require.Error(t, (<-done).err)
	})
}

// TestEveryWaiterGetsItsMessage would hang if a wake-up were lost.
func TestEveryWaiterGetsItsMessage(t *testing.T) {
	s, c, _ := newService(t)
	arn := create(t, s, "q", nil)
	const waiters = 50
	got := make(chan string, waiters)
	for range waiters {
		go func() {
			messages, err := s.Receive(context.Background(), arn, 1, 20*time.Second)
			if err != nil || len(messages) != 1 {
				got <- fmt.Sprint(messages, err)
				return
			}
			got <- messages[0].Body
		}()
	}
	c.WaitForTimers(waiters)
	want := make([]string, waiters)
	for i := range want {
		want[i] = strconv.Itoa(i)
	}
	send(t, s, arn, want...)
	var all []string
	for range waiters {
		all = append(all, <-got)
	}
	require.ElementsMatch(t, want, all)
}

func TestSendIsRefused(t *testing.T) {
	s, _, injector := newService(t)
	arn := create(t, s, "q", map[string]string{"MaximumMessageSize": "1024"})
	ctx := context.Background()
	requireCode(t, s.Send(ctx, arnPrefix+"other", "a", nil), "QueueDoesNotExist")
	requireCode(t, s.Send(ctx, "arn:aws:sqs:eu-west-1:000000000000:q", "a", nil), "QueueDoesNotExist")
	requireCode(t, s.Send(ctx, arn, "", nil), "MissingParameter")
	requireCode(t, s.Send(ctx, arn, strings.Repeat("x", 1025), nil), "InvalidParameterValue")
	requireCode(t, s.Send(ctx, arn, strings.Repeat("x", 1020), map[string]string{"name": "value"}), "InvalidParameterValue")
	requireCode(t, s.Send(ctx, arn, "a\x00b", nil), "InvalidMessageContents")
	requireCode(t, s.Send(ctx, arn, "a\xffb", nil), "InvalidMessageContents")
	requireCode(t, s.Send(ctx, arn, "a", map[string]string{"empty": ""}), "InvalidParameterValue")

	require.NoError(t, injector.Arm(faults.Fault{Operation: "sqs:SendMessage", When: faults.BeforeEffect, Code: "ServiceUnavailable"}))
	requireCode(t, s.Send(ctx, arn, "lost", nil), "ServiceUnavailable")
	require.NoError(t, injector.Arm(faults.Fault{Operation: "sqs:SendMessage", When: faults.AfterEffect, Code: "ServiceUnavailable", Skip: 1}))
	failed := s.SendBatch(ctx, arn, []string{"first", "answer lost", "third"})
	require.NoError(t, failed[0])
	requireCode(t, failed[1], "ServiceUnavailable")
	require.NoError(t, failed[2])
	require.Len(t, receive(t, s, arn, 10), 3, "a lost answer does not undo the sending")
}

func TestAttributesAndPolicy(t *testing.T) {
	s, _, _ := newService(t)
	arn := create(t, s, "q", map[string]string{"Policy": `{"Statement":[]}`, "KmsMasterKeyId": "alias/payrail"})
	policy, err := s.Policy(arn)
	require.NoError(t, err)
	require.Equal(t, `{"Statement":[]}`, policy)
	require.NoError(t, s.SetAttributes(arn, map[string]string{"VisibilityTimeout": "60", "Policy": ""}))
	visibility, err := s.VisibilityTimeout(arn)
	require.NoError(t, err)
	require.Equal(t, time.Minute, visibility)
	send(t, s, arn, "a", "b")
	receive(t, s, arn, 1)
	attributes, err := s.Attributes(arn)
	require.NoError(t, err)
	require.Equal(t, map[string]string{
		"VisibilityTimeout": "60", "MessageRetentionPeriod": "345600", "MaximumMessageSize": "1048576", "DelaySeconds": "0",
		"ReceiveMessageWaitTimeSeconds": "0", "SqsManagedSseEnabled": "false", "KmsMasterKeyId": "alias/payrail", "QueueArn": arn,
		"CreatedTimestamp": "1783592130", "LastModifiedTimestamp": "1783592130", "ApproximateNumberOfMessages": "1",
		"ApproximateNumberOfMessagesNotVisible": "1", "ApproximateNumberOfMessagesDelayed": "0",
	}, attributes)
}

func TestPurge(t *testing.T) {
	s, c, _ := newService(t)
	arn := create(t, s, "q", nil)
	send(t, s, arn, "a", "b")
	held := receive(t, s, arn, 1)
	require.NoError(t, s.Purge(arn))
	requireCode(t, s.Purge(arn), "PurgeQueueInProgress")
	require.NoError(t, s.DeleteBatch(context.Background(), arn, []string{held[0].ReceiptHandle}))
	send(t, s, arn, "c")
	c.Advance(time.Minute)
	messages := receive(t, s, arn, 10)
	require.Len(t, messages, 1)
	require.Equal(t, "c", messages[0].Body)
	require.NoError(t, s.Purge(arn))
}

func TestInFlightLimit(t *testing.T) {
	s, c, _ := newService(t)
	arn := create(t, s, "q", nil)
	bodies := make([]string, maxInFlight+1)
	for i := range bodies {
		bodies[i] = "x"
	}
	send(t, s, arn, bodies...)
	inFlight := receive(t, s, arn, maxInFlight+1)
	require.Len(t, inFlight, maxInFlight)
	_, err := s.Receive(context.Background(), arn, 1, 0)
	requireCode(t, err, "OverLimit")

	// "If you use long polling, Amazon SQS returns no error messages."
	// Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-queues.html
	type answer struct {
		messages []Message
		err      error
	}
	poll := func(answered chan<- answer) {
		messages, err := s.Receive(context.Background(), arn, 1, maxWaitSeconds*time.Second)
		answered <- answer{messages, err}
	}
	first, second := make(chan answer, 1), make(chan answer, 1)
	go poll(first)
	const timers = 2 // Of the poll, and of the message that is visible again next.
	c.WaitForTimers(timers)
	c.Advance(maxWaitSeconds * time.Second)
	require.Equal(t, answer{}, <-first)
	go poll(second)
	c.WaitForTimers(timers)
	require.NoError(t, s.DeleteBatch(context.Background(), arn, []string{inFlight[0].ReceiptHandle}))
	got := <-second
	require.NoError(t, got.err)
	require.Len(t, got.messages, 1, "one of those in flight was deleted")
}

// TestNothingIsLost drives a queue with its dead-letter queue by random calls. Every message is always in exactly one
// place, and a message is never delivered while it is in flight.
func TestNothingIsLost(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s, c, _ := newService(t)
		create(t, s, "dlq", map[string]string{"VisibilityTimeout": "0"})
		arn := create(t, s, "q", redrive("dlq", 3))
		var sent, deleted int
		hidden := map[string]time.Time{}
		handles := map[string]string{}
		rt.Repeat(map[string]func(*rapid.T){
			"send": func(rt *rapid.T) {
				n := rapid.IntRange(1, 20).Draw(rt, "n")
				for range n {
					send(t, s, arn, "x")
				}
				sent += n
			},
			"receive": func(rt *rapid.T) {
				for _, m := range receive(t, s, arn, rapid.IntRange(1, 10).Draw(rt, "max")) {
					if c.Now().Before(hidden[m.ID]) {
						rt.Fatalf("%s was delivered while in flight", m.ID)
					}
					if m.ReceiveCount > 3 {
						rt.Fatalf("%s was delivered %d times", m.ID, m.ReceiveCount)
					}
					hidden[m.ID], handles[m.ID] = c.Now().Add(30*time.Second), m.ReceiptHandle
				}
			},
			"delete": func(rt *rapid.T) {
				for id, handle := range handles {
					before, _ := s.Stats(arn)
					require.NoError(t, s.DeleteBatch(context.Background(), arn, []string{handle}))
					after, _ := s.Stats(arn)
					deleted += int(after.Deleted - before.Deleted)
					delete(handles, id)
					break
				}
			},
			"advance": func(rt *rapid.T) { c.Advance(time.Duration(rapid.IntRange(1, 40).Draw(rt, "seconds")) * time.Second) },
			"": func(rt *rapid.T) {
				inQueue, _ := s.Depth(arn)
				dead, _ := s.Depth(arnPrefix + "dlq")
				if inQueue+dead+deleted != sent {
					rt.Fatalf("%d in the queue + %d dead + %d deleted is not %d sent", inQueue, dead, deleted, sent)
				}
			},
		})
	})
}

func BenchmarkSendReceiveDelete(b *testing.B) {
	s := New(Options{Clock: clock.NewScaled(1), Region: "us-east-1", Account: "000000000000", BaseURL: func() string { return "" }})
	arn, _, err := s.CreateQueue(QueueSpec{Name: "q"})
	require.NoError(b, err)
	body := strings.Repeat("x", 3000)
	ctx := context.Background()
	b.ReportAllocs()
	for b.Loop() {
		if err := s.Send(ctx, arn, body, nil); err != nil {
			b.Fatal(err)
		}
		messages, err := s.Receive(ctx, arn, 1, 0)
		if err != nil || len(messages) != 1 {
			b.Fatal(messages, err)
		}
		if err := s.DeleteBatch(ctx, arn, []string{messages[0].ReceiptHandle}); err != nil {
			b.Fatal(err)
		}
	}
}
