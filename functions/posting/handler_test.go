package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/payrail/payrail/events"
	"github.com/payrail/payrail/internal/batch"
	"github.com/payrail/payrail/internal/ledger"
	"github.com/payrail/payrail/payment"
)

var ctx = context.Background()

func TestSequenceCompleteInItsBatchNeedsNoAssembly(t *testing.T) {
	w, e := newWorld(), entry(t, 1, "acc-1")
	require.Empty(t, failed(w.poster().handle(ctx, messages(t, e))))
	require.Zero(t, w.updates)
	w.requireSound(t, 1)
	require.Equal(t, []string{e.ID + "/TransactionPosted"}, w.ids(t))

	var posted events.Detail[events.PostedData]
	require.NoError(t, json.Unmarshal(w.published[0].Detail, &posted))
	require.Equal(t, events.PostedData{Sequence: e.Sequence, Outcome: payment.OutcomePosted, EntryHash: e.Hash(), Legs: e.Legs}, posted.Data)
	require.Equal(t, e.ID+"/PostingLegCreated/1", posted.Metadata.CausationID)
}

func TestLegsWaitForTheirSiblings(t *testing.T) {
	w, e := newWorld(), entry(t, 1, "acc-1")
	all := messages(t, e)
	require.Empty(t, failed(w.poster().handle(ctx, all[2:5])))
	require.Empty(t, failed(w.poster().handle(ctx, all[5:])))
	require.Empty(t, w.published)
	w.requireSound(t, 0)
	require.Empty(t, failed(w.poster().handle(ctx, all[:2])))
	require.Equal(t, 3, w.updates, "one update for each batch")
	require.Equal(t, []string{e.ID + "/TransactionPosted"}, w.ids(t))
	w.requireSound(t, 1)

	var posted events.Detail[events.PostedData]
	require.NoError(t, json.Unmarshal(w.published[0].Detail, &posted))
	require.Equal(t, e.Legs, posted.Data.Legs, "through the table unchanged")
	require.Equal(t, e.ID+"/PostingLegCreated/1", posted.Metadata.CausationID)
}

func TestAssemblyItemOutlivesTheQueues(t *testing.T) {
	w, e := newWorld(), entry(t, 1, "acc-1")
	w.poster().handle(ctx, messages(t, e)[:1])
	item := w.assembly[e.ID+"|"+e.Checksum]
	require.ElementsMatch(t, []string{"sequence", "checksum", "of", "transactionId", "authorizationId", "occurredAt", "leg01", "expiresAt"}, slices.Collect(maps.Keys(item)))
	expires, err := strconv.ParseInt(item["expiresAt"].(*types.AttributeValueMemberN).Value, 10, 64)
	require.NoError(t, err)
	require.WithinDuration(t, start.Add(35*24*time.Hour), time.Unix(expires, 0), time.Minute)
}

func TestNothingIsAcknowledgedBeforeItIsKept(t *testing.T) {
	w, e := newWorld(), entry(t, 1, "acc-1")
	w.fault = func() error { return errors.New("throttled") }
	require.Equal(t, []int{0, 1}, failed(w.poster().handle(ctx, messages(t, e)[:2])))
}

func TestNothingIsAcknowledgedBeforeItIsPublished(t *testing.T) {
	w, e, other := newWorld(), entry(t, 1, "acc-1"), entry(t, 2, "acc-2")
	calls := 0
	w.fault = func() error {
		if calls++; calls == 1 {
			return errors.New("throttled")
		}
		return nil
	}
	all := append(messages(t, e), messages(t, other)...)
	require.Equal(t, []int{0, 1, 2, 3, 4, 5}, failed(w.poster().handle(ctx, all)), "every leg of the unpublished sequence, none of the other")
	w.requireSound(t, 2)
	require.Equal(t, []string{other.ID + "/TransactionPosted"}, w.ids(t))

	require.Empty(t, failed(w.poster().handle(ctx, again(all[3:4]))), "one of its legs is enough to publish")
	require.Equal(t, e.ID+"/TransactionPosted", w.ids(t)[1])
	require.Empty(t, w.assembly, "and leaves no leg to wait for ever")
	w.requireSound(t, 2)
}

func TestReplayIntoALiveSystemChangesNothing(t *testing.T) {
	w, e := newWorld(), entry(t, 1, "acc-1")
	require.Empty(t, failed(w.poster().handle(ctx, messages(t, e))))
	replay := replayed(t, e)
	require.Empty(t, failed(w.poster().handle(ctx, replay)))
	for i := range replay {
		require.Empty(t, failed(w.poster().handle(ctx, replay[i:i+1])))
	}
	require.Len(t, w.published, 1)
	require.Empty(t, w.assembly)
	w.requireSound(t, 1)

	require.Empty(t, failed(w.poster().handle(ctx, again(replay))))
	require.Len(t, w.published, 2, "but the attempt before may have posted and died")
}

func TestRebuildByReplayPublishes(t *testing.T) {
	w, e := newWorld(), entry(t, 1, "acc-1")
	replay := replayed(t, e)
	require.Empty(t, failed(w.poster().handle(ctx, replay[:4])))
	require.Empty(t, failed(w.poster().handle(ctx, replay[4:])))
	require.Equal(t, []string{e.ID + "/TransactionPosted"}, w.ids(t))
	w.requireSound(t, 1)
}

func TestSequenceThatIsNotTheOnePosted(t *testing.T) {
	first := entry(t, 1, "acc-1")
	for name, tc := range map[string]struct {
		change func(*payment.JournalEntry)
		reason string
		kind   string
		event  events.DetailType
	}{
		"late duplicate": {func(e *payment.JournalEntry) { e.AuthorizationID = "auth-other" }, reasonLateDuplicate, "DUPLICATE", events.DuplicateTransactionParked},
		"superseded":     {func(e *payment.JournalEntry) { *e = entry(t, 1, "acc-2") }, reasonSuperseded, "SUPERSEDED", ""},
		"conflict":       {func(e *payment.JournalEntry) { e.PayloadHash = "other" }, reasonConflict, "CONFLICT", events.DuplicateConflictDetected},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			require.Empty(t, failed(w.poster().handle(ctx, messages(t, first))))
			second := first
			tc.change(&second)
			all := messages(t, second)
			require.Empty(t, failed(w.poster().handle(ctx, all)))
			require.Empty(t, failed(w.poster().handle(ctx, again(all)[:2])), "part of it comes again")
			require.Empty(t, failed(w.poster().handle(ctx, again(all)[2:])))
			w.requireSound(t, 1)

			require.Len(t, w.objects, 1, "the same object each time")
			for key, object := range w.objects {
				require.Equal(t, []string{"posting", tc.kind, tc.reason, second.AuthorizationID, "auth-1"},
					[]string{object.Stage, object.Kind, object.Reason, object.AuthorizationID, object.KnownAuthorizationID})
				var content events.PostedData
				require.NoError(t, json.Unmarshal(object.Content, &content))
				require.Equal(t, second.Legs, content.Legs)
				if tc.event == "" {
					require.Len(t, w.published, 1, "only the posting itself")
					continue
				}
				require.Equal(t, tc.event, w.published[1].DetailType)
				require.Equal(t, fmt.Sprintf("%s/%s/%s", first.ID, tc.event, second.AuthorizationID), w.ids(t)[1])
				var told events.Detail[events.ParkedData]
				require.NoError(t, json.Unmarshal(w.published[1].Detail, &told))
				require.Equal(t, key, told.Data.Object)
				require.Equal(t, "auth-1", told.Data.KnownAuthorizationID)
			}
		})
	}
}

func TestDuplicatesThatMixArePostedForOneOfThem(t *testing.T) {
	w, e := newWorld(), entry(t, 1, "acc-1")
	other := e
	other.AuthorizationID = "auth-other"
	one, two := messages(t, e), messages(t, other)
	require.Empty(t, failed(w.poster().handle(ctx, slices.Concat(one[:3], two[3:]))))
	require.Empty(t, failed(w.poster().handle(ctx, slices.Concat(one[3:], two[:3]))))
	w.requireSound(t, 1)
	require.Len(t, w.objects, 1, "the other one is parked, not lost")
}

func TestMessageThatIsNoLegFailsAlone(t *testing.T) {
	e := entry(t, 1, "acc-1")
	tampered := e.Legs[5]
	tampered.Number = 9
	noTime := e.Sequence
	noTime.OccurredAt = "yesterday"
	noHash := e.Sequence
	noHash.PayloadHash = ""
	for name, bad := range map[string]batch.Message{
		"no JSON":          {Body: []byte("{")},
		"another event":    {Body: []byte(`{"detail-type":"TransactionPosted","detail":{}}`)},
		"leg 9 of 6":       message(t, e.Sequence, tampered, ""),
		"no time":          message(t, noTime, e.Legs[0], ""),
		"no payload hash":  message(t, noHash, e.Legs[0], ""),
		"an unknown money": {Body: []byte(`{"detail-type":"PostingLegCreated","detail":{"metadata":{"eventId":"e","transactionId":"t"},"data":{"leg":{"amount":{"amount":"1.005","currency":"GBP"}}}}}`)},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			results := w.poster().handle(ctx, append([]batch.Message{bad}, messages(t, e)...))
			require.Equal(t, []int{0}, failed(results))
			require.Equal(t, payment.Invalid, payment.KindOf(results[0]))
			w.requireSound(t, 1)
		})
	}
}

func TestTamperedLegsAreNotPosted(t *testing.T) {
	e := entry(t, 1, "acc-1")
	changed := e.Legs[0]
	changed.Amount.Minor++
	all := append([]batch.Message{message(t, e.Sequence, changed, "")}, messages(t, e)[1:]...)

	w := newWorld()
	results := w.poster().handle(ctx, all)
	require.Len(t, failed(results), 6)
	require.Equal(t, "CHECKSUM_MISMATCH", payment.ReasonOf(results[0]))
	w.requireSound(t, 0)

	w = newWorld()
	require.Empty(t, failed(w.poster().handle(ctx, all[:3])))
	results = w.poster().handle(ctx, all[3:])
	require.Len(t, failed(results), 3, "nor through the table")
	require.Equal(t, payment.Invalid, payment.KindOf(results[0]))
	w.requireSound(t, 0)

	w = newWorld()
	require.Empty(t, failed(w.poster().handle(ctx, messages(t, e))))
	results = w.poster().handle(ctx, again(all[:1]))
	require.Equal(t, reasonLeg, payment.ReasonOf(results[0]), "nor taken for a redelivery of what is posted")

	unbalanced := e
	unbalanced.Legs = slices.Clone(e.Legs)
	unbalanced.Legs[0].Amount.Minor++
	unbalanced.Checksum = payment.Checksum(unbalanced.Legs)
	w = newWorld()
	results = w.poster().handle(ctx, messages(t, unbalanced))
	require.Equal(t, "UNBALANCED", payment.ReasonOf(results[0]))
	w.requireSound(t, 0)
}

func TestAssemblyItemThatIsNoneFailsItsMessages(t *testing.T) {
	w, e := newWorld(), entry(t, 1, "acc-1")
	w.assembly[e.ID+"|"+e.Checksum] = map[string]types.AttributeValue{"leg02": text("{")}
	results := w.poster().handle(ctx, messages(t, e)[:1])
	require.Equal(t, reasonLeg, payment.ReasonOf(results[0]))
}

// TestEveryDeliveryPostsOnce delivers the legs of some payments in any order, some of them twice, in batches of any size,
// while calls fail before or after their effect; what fails is delivered again. In the end every payment is posted once.
func TestEveryDeliveryPostsOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld()
		random := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "schedule"), 0))
		odds := rapid.IntRange(3, 12).Draw(t, "odds")
		var mu sync.Mutex
		calls := 0
		fault := func() error {
			mu.Lock()
			defer mu.Unlock()
			if calls++; calls < 300 && random.IntN(odds) == 0 { // faults end some time, so that the run does
				return errors.New("fault")
			}
			return nil
		}
		w.fault = fault
		w.table.Before = func(string) error { return fault() }
		w.table.After = w.table.Before

		count := rapid.IntRange(1, 5).Draw(t, "payments")
		var queue []batch.Message
		for n := range count {
			legs := messages(t, entry(t, n, fmt.Sprintf("acc-%d", n%2)))
			queue = append(queue, legs...)
			if rapid.Bool().Draw(t, "twice") {
				queue = append(queue, legs[random.IntN(len(legs))])
			}
		}
		for deliveries := 0; len(queue) > 0; deliveries++ {
			require.Less(t, deliveries, 10_000, "deliveries do not come to an end")
			shuffle(random, queue)
			n := min(len(queue), 1+random.IntN(10))
			delivered := queue[:n:n]
			queue = queue[n:]
			for _, i := range failed(w.poster().handle(ctx, delivered)) {
				queue = append(queue, again(delivered[i:i+1])...)
			}
		}
		w.fault, w.table.Before, w.table.After = nil, nil, nil
		w.requireSound(t, count)
		told := map[string]bool{}
		for _, id := range w.ids(t) {
			told[id] = true
		}
		require.Len(t, told, count, "every posting was published")
		for n := range min(count, 2) {
			balances, err := ledger.NewReader(w.table, "ledger").Balances(ctx, fmt.Sprintf("acc-%d", n))
			require.NoError(t, err)
			require.EqualValues(t, -8209*((count+1-n)/2), balances[0].Amount.Minor)
		}
	})
}

func TestManyAtOncePostOnce(t *testing.T) {
	w, e := newWorld(), entry(t, 1, "acc-1")
	all := messages(t, e)
	var running sync.WaitGroup
	for n := range 100 {
		running.Go(func() {
			random := rand.New(rand.NewPCG(uint64(n), 0))
			queue := slices.Clone(all)
			for deliveries := 0; len(queue) > 0; deliveries++ {
				if deliveries == 10_000 {
					t.Error("deliveries do not come to an end")
					return
				}
				shuffle(random, queue)
				n := 1 + random.IntN(len(queue))
				delivered := queue[:n:n]
				queue = queue[n:]
				for _, i := range failed(w.poster().handle(ctx, delivered)) {
					queue = append(queue, again(delivered[i:i+1])...)
				}
			}
		})
	}
	running.Wait()
	w.requireSound(t, 1)
	require.Subset(t, []string{e.ID + "/TransactionPosted"}, w.ids(t))
	require.NotEmpty(t, w.published)
}

func BenchmarkHandlePerLeg(b *testing.B) {
	w := newWorld()
	p := w.poster()
	n, legs := 0, 0
	var pending []batch.Message
	for b.Loop() {
		if legs++; len(pending) == 0 {
			b.StopTimer()
			n++
			pending = messages(b, entry(b, n, fmt.Sprintf("acc-%d", n%1000)))
			b.StartTimer()
			if len(failed(p.handle(ctx, pending))) > 0 {
				b.Fatal("failed")
			}
		}
		pending = pending[1:]
	}
}

func FuzzHandle(f *testing.F) {
	e := entry(f, 1, "acc-1")
	f.Add(message(f, e.Sequence, e.Legs[0], "").Body)
	f.Add([]byte(`{"detail-type":"PostingLegCreated","detail":{"metadata":{"eventId":"e","transactionId":"t"},"data":{"sequence":{"of":-1}}}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		w := newWorld()
		require.Len(t, w.poster().handle(ctx, []batch.Message{{ID: "m", Body: body, Receives: 1}}), 1)
		w.requireSound(t, 0) // no single leg makes a sequence
	})
}

func FuzzDecodeLegs(f *testing.F) {
	f.Add("leg01", `{"leg":1,"amount":{"amount":"1.00","currency":"GBP"}}`)
	f.Fuzz(func(t *testing.T, name, content string) {
		legs, err := decodeLegs(map[string]types.AttributeValue{name: text(content)})
		if err == nil && len(legs) == 1 {
			require.Equal(t, fmt.Sprintf("leg%02d", legs[0].Number), name)
		}
	})
}
