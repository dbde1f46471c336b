package redrive

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/stretchr/testify/require"
)

func TestASurveyTakesNothing(t *testing.T) {
	w := newWorld()
	w.fill(120)
	w.rule(fmt.Sprintf(region, "sqs", "PostingQueue"))
	w.add("PostingUndelivered", undeliveredTo(fmt.Sprintf(region, "sqs", "PostingQueue")))
	w.park(t, "dedup", "CONFLICT", "auth-1")
	w.park(t, "dedup", "MALFORMED", "auth-2")
	redriver := w.redriver()
	redriver.Layout.Stores = []Store{storeOf(Processor), storeOf(Rule), storeOf(Bus), storeOf(Parked), {Name: quarantineName, Kind: Quarantine, Address: "quarantine"}}
	all, err := redriver.Survey(t.Context())
	require.NoError(t, err)
	require.Equal(t, 120, all[0].Items)
	require.Equal(t, map[string]int{ReasonProcessing: 100}, all[0].Reasons, "of a hundred looked at")
	require.Equal(t, now, all[0].Oldest)
	require.Equal(t, map[string]int{"NO_PERMISSIONS": 1}, all[1].Reasons)
	require.Zero(t, all[2].Items)
	require.Equal(t, map[string]int{"CONFLICT": 1, "MALFORMED": 1}, all[3].Reasons)
	require.Equal(t, 2, all[4].Items, "counted, not read")
	require.Empty(t, all[4].Reasons)
	require.Empty(t, w.said)
	require.Len(t, w.visible("PostingDeadLetters"), 120)
	require.Len(t, w.visible("PostingUndelivered"), 1)
}

func TestAnItemIsShownWhole(t *testing.T) {
	w := newWorld()
	target := fmt.Sprintf(region, "sqs", "PostingQueue")
	w.rule(target)
	w.add("PostingUndelivered", undeliveredTo(target))
	redriver := w.redriver()
	redriver.Layout.Stores = []Store{storeOf(Rule)}
	item, err := redriver.Show(t.Context(), "m00")
	require.NoError(t, err)
	require.Equal(t, eventBody("tx_m00"), string(item.Content))
	require.Equal(t, target, item.Attributes["TARGET_ARN"])
	require.Equal(t, "PostingQueue", item.To)
	require.Equal(t, "NO_PERMISSIONS", item.Reason)
	require.Equal(t, "not allowed (MaximumRetryAttempts after 185 retries)", item.Problem)
	require.Equal(t, "auth-1", item.AuthorizationID)
	require.Equal(t, 6, item.Receives)
	_, err = redriver.Show(t.Context(), "m99")
	require.ErrorIs(t, err, ErrNoItem)
	require.Len(t, w.visible("PostingUndelivered"), 1)
}

// What was said about an item may quote a card number.
func TestReasonsAreMasked(t *testing.T) {
	m := undeliveredTo(fmt.Sprintf(region, "sqs", "PostingQueue"))
	m.MessageAttributes["ERROR_MESSAGE"] = text("cannot take 4111111111111111")
	m.MessageAttributes["note"] = text("4111111111111111")
	h := readMessage(storeOf(Rule), m)
	require.Equal(t, "cannot take [card number] (MaximumRetryAttempts after 185 retries)", h.Problem)
	require.Empty(t, h.Left)
	shown := fmt.Sprint(h.whole())
	require.NotContains(t, shown, "4111111111111111")

	m.MessageAttributes["ERROR_MESSAGE"] = text("CARD_NUMBER_FOUND in holder")
	h = readMessage(storeOf(Rule), m)
	require.NotEmpty(t, h.Withheld)
	require.Nil(t, h.whole().Content)

	plain := readMessage(storeOf(Processor), types.Message{MessageId: aws.String("m"), Body: aws.String("card 4111 1111 1111 1111")})
	require.NotEmpty(t, plain.Withheld)
	require.Nil(t, plain.whole().Content)
}

// Ids of machines, of which some would pass for card numbers, are no reason to withhold an event.
func TestIDsAreNoCardNumbers(t *testing.T) {
	body := strings.Replace(eventBody("tx_m00"), "6fea7756-0ea4-451a-a703-a558b933e274", "41111111-1111-4111-8111-111111111111", 1)
	body = strings.Replace(body, `"resources":[]`, `"resources":["arn:aws:events:ap-southeast-4:111111111111:rule/x"]`, 1)
	h := readMessage(storeOf(Processor), types.Message{MessageId: aws.String("m"), Body: &body})
	require.Empty(t, h.Withheld)
}

func TestAnUnreadableBodyIsShownAsText(t *testing.T) {
	h := readMessage(storeOf(Processor), types.Message{MessageId: aws.String("m"), Body: aws.String("no JSON")})
	require.Equal(t, ReasonUnreadable, h.Reason)
	require.Equal(t, `"no JSON"`, string(h.whole().Content))
}

func FuzzReadMessage(f *testing.F) {
	f.Add(eventBody("tx_1"))
	f.Add(`{"error":{"Error":"E"},"executionArn":"a","input":{}}`)
	f.Add(*givenUp(1).Body)
	f.Fuzz(func(t *testing.T, body string) {
		for _, kind := range []Kind{Processor, Rule, Machine, Pipe, Function, Bus, Unknown} {
			h := readMessage(storeOf(kind), types.Message{MessageId: aws.String("m"), Body: &body, Attributes: map[string]string{"SentTimestamp": "x"}})
			require.Equal(t, body, h.body)
			require.Equal(t, time.Time{}, h.FirstSeen)
			if h.Withheld != "" {
				require.Nil(t, h.whole().Content)
			}
		}
	})
}
