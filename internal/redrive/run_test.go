package redrive

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/events"
)

func TestAWholeStoreIsPutBack(t *testing.T) {
	w := newWorld()
	w.fill(25)
	report := w.run(t, storeOf(Processor))
	require.True(t, report.Complete())
	require.Equal(t, Tally{PutBack: 25}, report.Tally)
	require.Empty(t, w.queues[queueURL+"PostingDeadLetters"])
	require.Contains(t, w.said, "SendMessage PostingQueue "+eventBody("tx_m07")+" payrail-redriven", "byte for byte, and known as delivered before")
	require.Equal(t, "rd_20260709T101530Z-7f3a", report.ID)

	require.Len(t, w.records, 2)
	started, ended := w.records[0], w.records[1]
	require.Equal(t, events.OperatorActionData{ActionID: "rd_20260709T101530Z-7f3a-PostingDeadLetters", Action: events.ActionRedrive, Phase: events.OperatorStarted, By: "ana",
		Reason: "it answers again", From: "PostingDeadLetters", To: "PostingQueue", Items: started.Items, Count: 25}, started)
	require.Len(t, started.Items, 25)
	require.Equal(t, events.OperatorEnded, ended.Phase)
	require.Equal(t, 25, ended.Count)
	require.ElementsMatch(t, started.Items, ended.Items)
}

// The order of the calls is what keeps an item from being lost: the record, then the sending, then the deletion.
func TestSendsFirstAndDeletesSecond(t *testing.T) {
	w := newWorld()
	w.fill(1)
	w.run(t, storeOf(Processor))
	require.Equal(t, []string{"Record OperatorActionTaken payrail.operator STARTED", "SendMessage PostingQueue " + eventBody("tx_m00") + " payrail-redriven", "DeleteMessage m00",
		"Record OperatorActionTaken payrail.operator ENDED"}, w.said)
}

func TestWhatCannotBeDeletedIsRepeatedAndNotLost(t *testing.T) {
	w := newWorld()
	w.fill(3)
	w.broken["DeleteMessage"] = errBroken
	report := w.run(t, storeOf(Processor))
	require.False(t, report.Complete())
	require.Equal(t, 3, report.Failed)
	require.Contains(t, report.Items[0].Problem, "it was put back, and is still here")
	require.Equal(t, []string{"m00", "m01", "m02"}, w.visible("PostingDeadLetters"), "given back")

	delete(w.broken, "DeleteMessage")
	require.Equal(t, 3, w.run(t, storeOf(Processor)).PutBack)
	require.Len(t, w.records, 4)
	require.Equal(t, 3, w.records[1].Failed)
}

func TestWhatCannotBeSentStays(t *testing.T) {
	w := newWorld()
	w.fill(25)
	w.broken["SendMessage"] = errBroken
	report := w.run(t, storeOf(Processor))
	require.Equal(t, Tally{Failed: 10}, report.Tally, "after ten failures in a row nothing more is tried")
	require.Contains(t, report.Stores[0].Stopped, "the rest stays where it is")
	require.Len(t, w.visible("PostingDeadLetters"), 25)
	require.Equal(t, 25, report.Stores[0].Remaining.Items)
}

// Ten in a row, not one that happens to be the last of what was taken in hand at once.
func TestOneThatCannotBeSentDoesNotStopTheOthers(t *testing.T) {
	w := newWorld()
	w.fill(25)
	w.broken["DeleteMessage m10"] = errBroken
	report := w.run(t, storeOf(Processor), func(r *Request) { r.Rate = 11 / rateReserve.Seconds() }) // Eleven in hand at once.
	require.Equal(t, Tally{PutBack: 24, Failed: 1}, report.Tally)
	require.Empty(t, report.Stores[0].Stopped)
	require.Equal(t, []string{"m10"}, w.visible("PostingDeadLetters"))
}

// One message that fails does not keep the others.
func TestAFailureInTheMiddleLeavesItsItem(t *testing.T) {
	w := newWorld()
	w.fill(4)
	w.add("PostingDeadLetters", types.Message{MessageId: aws.String("unreadable"), Body: aws.String("{")})
	w.add("PostingDeadLetters", types.Message{MessageId: aws.String("foreign"), Body: aws.String(`{"detail-type":"Other","source":"x","detail":{}}`)})
	report := w.run(t, storeOf(Processor))
	require.Equal(t, Tally{PutBack: 4, Left: 2}, report.Tally)
	require.Equal(t, Left, outcomes(report)["unreadable"])
	require.Equal(t, []string{"unreadable", "foreign"}, w.visible("PostingDeadLetters"))
	require.False(t, report.Complete())
}

func TestSomeItemsArePutBack(t *testing.T) {
	for name, tc := range map[string]struct {
		selection Selection
		want      []string
		notFound  []string
	}{
		"by id":          {Selection{IDs: []string{"m01"}}, []string{"m01"}, nil},
		"by transaction": {Selection{IDs: []string{"tx_m02", "m00"}}, []string{"m00", "m02"}, nil},
		"unknown":        {Selection{IDs: []string{"m00", "m99"}}, []string{"m00"}, []string{"m99"}},
		"by reason":      {Selection{Match: "processing_f"}, []string{"m00", "m01", "m02"}, nil},
		"other reason":   {Selection{Match: "THROTTLED"}, nil, nil},
		"since":          {Selection{Since: now}, []string{"m00", "m01", "m02"}, nil},
		"later":          {Selection{Since: now.Add(time.Second)}, nil, nil},
		"before":         {Selection{Until: now.Add(-time.Second)}, nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			w.fill(3)
			report := w.run(t, storeOf(Processor), func(r *Request) { r.Selection = tc.selection })
			var got []string
			for _, item := range report.Items {
				got = append(got, item.ID)
			}
			require.ElementsMatch(t, tc.want, got)
			require.Equal(t, tc.notFound, report.NotFound)
			require.Len(t, w.visible("PostingDeadLetters"), 3-len(tc.want), "the others were given back")
			require.Len(t, w.records, min(2*len(tc.want), 2), "no record of nothing")
		})
	}
}

func TestADryRunTouchesNothing(t *testing.T) {
	w := newWorld()
	w.fill(12)
	report := w.run(t, storeOf(Processor), func(r *Request) { r.DryRun = true })
	require.Equal(t, 12, report.PutBack)
	require.Equal(t, Planned, report.Items[0].Outcome)
	require.Len(t, w.visible("PostingDeadLetters"), 12)
	require.Empty(t, w.said)
	require.Empty(t, w.records)
}

// Without its record nothing is put back.
func TestNothingHappensThatIsNotRecorded(t *testing.T) {
	w := newWorld()
	w.fill(2)
	w.broken["Record"] = errBroken
	report, err := w.redriver().Run(t.Context(), Request{Stores: []Store{storeOf(Processor)}, Rate: 1000, By: "ana"})
	require.ErrorContains(t, err, "recording the redrive of PostingDeadLetters")
	require.Zero(t, report.PutBack)
	require.Len(t, w.visible("PostingDeadLetters"), 2)
	require.Empty(t, w.said)
}

// An interruption ends the item that was begun, gives the others back and still writes the result.
func TestAnInterruptionEndsBetweenItems(t *testing.T) {
	w := newWorld()
	w.fill(15)
	ctx, cancel := context.WithCancel(t.Context())
	sent := 0
	redriver := w.redriver()
	redriver.Wait = func(ctx context.Context, _ time.Duration) error {
		if sent++; sent == 3 {
			cancel()
		}
		return ctx.Err()
	}
	report, err := redriver.Run(ctx, Request{Stores: []Store{storeOf(Processor)}, Rate: 1, By: "ana"})
	require.NoError(t, err)
	require.True(t, report.Interrupted)
	require.False(t, report.Complete())
	require.Equal(t, Tally{PutBack: 3}, report.Tally)
	require.Len(t, w.visible("PostingDeadLetters"), 12)
	require.Equal(t, events.OperatorEnded, w.records[1].Phase)
	require.Equal(t, 3, w.records[1].Count)
}

// What fails again at once comes back into the queue under the id it was sent with. It is not sent round and round.
func TestWhatComesBackIsNotSentAgain(t *testing.T) {
	w := newWorld()
	w.fill(1)
	w.before = func(call string) {
		if call == "DeleteMessage" {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.add("PostingDeadLetters", deadLetter(fmt.Sprintf("sent-%d", w.sent)))
		}
	}
	report := w.run(t, storeOf(Processor))
	require.Equal(t, Tally{PutBack: 1, Left: 1}, report.Tally)
	require.Contains(t, report.Items[1].Problem, "failed again")
	require.Equal(t, []string{"sent-1"}, w.visible("PostingDeadLetters"))
}

// Of two redrives at once each message is in the hands of one.
func TestTwoRedrivesAtOnce(t *testing.T) {
	w := newWorld()
	w.fill(40)
	reports := make(chan Report, 2)
	for range 2 {
		go func() {
			report, err := w.redriver().Run(t.Context(), Request{Stores: []Store{storeOf(Processor)}, Rate: 10_000, By: "ana"})
			if err != nil {
				t.Error(err)
			}
			reports <- report
		}()
	}
	first, second := <-reports, <-reports
	require.Equal(t, 40, first.PutBack+second.PutBack)
	require.Equal(t, 40, w.sent)
	require.Empty(t, w.queues[queueURL+"PostingDeadLetters"])
}

func TestWhatCannotBeGivenBackIsTold(t *testing.T) {
	w := newWorld()
	w.add("PostingDeadLetters", types.Message{MessageId: aws.String("unreadable"), Body: aws.String("{")})
	w.broken["ChangeMessageVisibilityBatch"] = errBroken
	report := w.run(t, storeOf(Processor))
	require.Contains(t, strings.Join(report.Stores[0].Notes, ""), "stay invisible for up to 15m0s")
}

func TestAStoreThatDoesNotAnswerIsTold(t *testing.T) {
	for _, call := range []string{"GetQueueAttributes", "ReceiveMessage"} {
		w := newWorld()
		w.fill(1)
		w.broken[call] = errBroken
		report := w.run(t, storeOf(Processor))
		require.Contains(t, report.Stores[0].Stopped, "broken", call)
		require.False(t, report.Complete())
	}
}

func TestACardNumberStaysWhereItIs(t *testing.T) {
	w := newWorld()
	body := strings.Replace(eventBody("tx_m00"), `"later": 1`, `"holder":"4111 1111 1111 1111"`, 1)
	w.add("PostingDeadLetters", types.Message{MessageId: aws.String("m00"), Body: &body})
	report := w.run(t, storeOf(Processor))
	require.Equal(t, Tally{Left: 1}, report.Tally)
	require.Contains(t, report.Items[0].Problem, "card-number-found.md")

	redriver := w.redriver()
	redriver.Layout.Stores = []Store{storeOf(Processor)}
	item, err := redriver.Show(t.Context(), "m00")
	require.NoError(t, err)
	require.Equal(t, events.ReasonCardNumber, item.Reason)
	require.Contains(t, item.Withheld, `member "holder"`)
	require.Nil(t, item.Content)
	require.Nil(t, item.Attributes)
}

func TestTheRateIsKept(t *testing.T) {
	clock := now
	var slept time.Duration
	p := pace{interval: 100 * time.Millisecond, now: func() time.Time { return clock }, wait: func(_ context.Context, d time.Duration) error {
		slept += d
		clock = clock.Add(d)
		return nil
	}}
	for range 5 {
		require.NoError(t, p.await(t.Context()))
	}
	require.Equal(t, 400*time.Millisecond, slept)
	clock = clock.Add(time.Hour)
	require.NoError(t, p.await(t.Context()), "nothing is made up for")
	require.NoError(t, p.await(t.Context()))
	require.Equal(t, 500*time.Millisecond, slept)

	_, err := newWorld().redriver().Run(t.Context(), Request{Rate: MinRate / 2})
	require.Error(t, err)
}

// What is in hand must be put back before others get it again.
func TestASlowRateTakesFewInHand(t *testing.T) {
	for rate, want := range map[float64]int{MinRate: 3, 0.1: 30, 1: 100, 1000: 100} {
		r := &run{request: Request{Rate: rate}}
		require.Equal(t, want, r.groupSize(), rate)
		require.Less(t, float64(want)/rate, PutBackHold.Seconds(), rate)
	}
}

// Items in the quarantine bucket are card data: no run reads one, not even by mistake.
func TestQuarantinedItemsAreNotRead(t *testing.T) {
	quarantine := Store{Name: quarantineName, Kind: Quarantine, Address: "quarantine"}
	for _, dry := range []bool{true, false} {
		w := newWorld()
		w.objects["2026/07/09/CARD_NUMBER_FOUND/auth-1.json"] = `{"holder":"4111 1111 1111 1111"}`
		w.before = func(call string) {
			require.NotEqual(t, "GetObject", call)
		}
		_, err := w.redriver().Run(t.Context(), Request{Stores: []Store{storeOf(Processor), quarantine}, Rate: 1000, By: "ana", DryRun: dry})
		require.ErrorIs(t, err, ErrOnlyCounted)
		_, err = w.redriver().List(t.Context(), []Store{quarantine}, 10)
		require.NoError(t, err)
	}
}

// Once the items that were asked for are found, the other stores are left in peace.
func TestOtherStoresAreNotSearchedForWhatWasFound(t *testing.T) {
	w := newWorld()
	w.fill(1)
	w.add("BusDeadLetters", deadLetter("m01"))
	report := w.run(t, storeOf(Processor), func(r *Request) {
		r.Stores, r.IDs = append(r.Stores, storeOf(Bus)), []string{"m00"}
	})
	require.True(t, report.Complete())
	require.Equal(t, 1, report.PutBack)
	require.Zero(t, w.queues[queueURL+"BusDeadLetters"][0].receipt, "never received")
}

// A dry run that does not look at everything says so: what it counts is not what would be put back.
func TestADryRunSaysWhereItStops(t *testing.T) {
	w := newWorld()
	w.fill(maxPlanned + 1)
	report := w.run(t, storeOf(Processor), func(r *Request) { r.DryRun = true })
	require.Equal(t, maxPlanned, report.PutBack)
	require.Contains(t, report.Stores[0].Stopped, "a dry run looks at 10000 items")
	require.False(t, report.Complete())
}
