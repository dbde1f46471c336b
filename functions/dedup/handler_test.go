package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/events"
	"github.com/payrail/payrail/internal/authorizationitem"
	"github.com/payrail/payrail/payment"
)

func TestAFirstAuthorizationIsClaimedAndForwarded(t *testing.T) {
	w := newWorld()
	details := w.run(t, insert(t, 1, item(t, "loyalty", `{"S":"gold"}`)))
	require.Len(t, details, 1)
	a, err := payment.ParseAuthorization(item(t).Attributes())
	require.NoError(t, err)
	require.Equal(t, events.AuthorizedData{Authorization: a, BusinessKey: a.BusinessKey(), PayloadHash: a.PayloadHash()}, details[0].Data)
	tx := payment.TransactionID(a.BusinessKey())
	require.Equal(t, events.First(events.TransactionAuthorized, tx, "auth-1", token, "r1", time.Unix(1783592131, 0), w.now), details[0].Metadata)

	claim := w.claims[a.BusinessKey()]
	require.Len(t, claim, 5)
	require.Equal(t, text("2026-07-09T10:15:31.000Z"), claim["ingestedAt"])
	require.Equal(t, &types.AttributeValueMemberN{Value: "1787048131"}, claim["expiresAt"], "40 days later")
	require.Empty(t, w.objects)
	require.Empty(t, w.published)
	encoded, err := json.Marshal(details)
	require.NoError(t, err)
	require.NotContains(t, string(encoded), "gold", "unknown attributes are never passed on")
}

func TestARedeliveryIsForwardedAgainWithTheRecordedTime(t *testing.T) {
	w := newWorld()
	first := w.run(t, insert(t, 1, item(t)))
	w.now = w.now.Add(time.Hour)
	again := w.run(t, insert(t, 1, item(t)))
	rewritten := w.run(t, modify(t, 60, item(t), item(t, "note", `{"S":"seen"}`)))
	for _, details := range [][]Authorized{again, rewritten} {
		require.Len(t, details, 1)
		require.Equal(t, first[0].Data, details[0].Data)
		require.Equal(t, first[0].Metadata.EventID, details[0].Metadata.EventID)
		require.Equal(t, first[0].Metadata.OccurredAt, details[0].Metadata.OccurredAt)
	}
	require.Equal(t, "2026-07-09T11:15:32.000Z", again[0].Metadata.PublishedAt)
	require.Empty(t, w.published)
}

func TestAClaimThatHasExpiredStillHolds(t *testing.T) {
	w := newWorld()
	w.run(t, insert(t, 1, item(t)))
	w.now = w.now.AddDate(1, 0, 0)
	require.Empty(t, w.run(t, insert(t, 365*24*3600, item(t, "authorizationId", `{"S":"auth-2"}`))))
	require.Equal(t, events.DuplicateTransactionParked, w.published[0].DetailType)
}

// What is parked: the event, and the object that holds the item.
func TestWhatIsParked(t *testing.T) {
	key := func(changes ...string) string {
		a, err := payment.ParseAuthorization(item(t, changes...).Attributes())
		require.NoError(t, err)
		return payment.TransactionID(a.BusinessKey())
	}
	for name, tc := range map[string]struct {
		record     string
		detailType events.DetailType
		tx         string
		want       events.ParkedData
	}{
		"duplicate": {
			insert(t, 2, item(t, "authorizationId", `{"S":"auth-2"}`)), events.DuplicateTransactionParked, key(),
			events.ParkedData{AuthorizationID: "auth-2", Kind: "DUPLICATE", Reason: "DUPLICATE", Rule: "R-013", KnownAuthorizationID: "auth-1", Problem: problemDuplicate},
		},
		"conflict": {
			insert(t, 2, item(t, "authorizationId", `{"S":"auth-2"}`, "billingAmount", `{"N":"1982"}`)), events.DuplicateConflictDetected, key(),
			events.ParkedData{AuthorizationID: "auth-2", Kind: "CONFLICT", Reason: "CONFLICT", Rule: "R-013", KnownAuthorizationID: "auth-1", Problem: problemConflict},
		},
		"content changed after approval": {
			modify(t, 2, item(t), item(t, "billingAmount", `{"N":"1982"}`)), events.DuplicateConflictDetected, key(),
			events.ParkedData{AuthorizationID: "auth-1", Kind: "CONFLICT", Reason: "CHANGED_AFTER_APPROVAL", Rule: "R-013", KnownAuthorizationID: "auth-1", Problem: problemChanged},
		},
		"key changed after approval": {
			modify(t, 2, item(t), item(t, "stan", `{"S":"999"}`)), events.DuplicateConflictDetected, key(),
			events.ParkedData{AuthorizationID: "auth-1", Kind: "CONFLICT", Reason: "CHANGED_AFTER_APPROVAL", Rule: "R-013", KnownAuthorizationID: "auth-1", Problem: problemChanged},
		},
		"content changed while not approved": {
			modify(t, 2, item(t, "status", `{"S":"REPAIR"}`), item(t, "mcc", `{"S":"5412"}`)), events.DuplicateConflictDetected, key(),
			events.ParkedData{AuthorizationID: "auth-1", Kind: "CONFLICT", Reason: "CONFLICT", Rule: "R-013", KnownAuthorizationID: "auth-1", Problem: problemConflict},
		},
		"malformed": {
			insert(t, 2, item(t, "authorizationId", `{"S":"auth-3"}`, "mcc", "", "stan", `{"S":"secret"}`)), events.TransactionRejected, payment.UnkeyedTransactionID("auth-3"),
			events.ParkedData{AuthorizationID: "auth-3", Kind: "INVALID", Reason: "MALFORMED", Problem: "stan must be 1 to 12 digits; mcc is missing"},
		},
		"without a token": {
			insert(t, 2, item(t, "authorizationId", `{"S":"auth-3"}`, "panToken", `{"S":""}`)), events.TransactionRejected, payment.UnkeyedTransactionID("auth-3"),
			events.ParkedData{AuthorizationID: "auth-3", Kind: "INVALID", Reason: "MALFORMED", Problem: "panToken is missing"},
		},
		"declined": {
			insert(t, 2, item(t, "authorizationId", `{"S":"auth-3"}`, "stan", `{"S":"777"}`, "responseCode", `{"S":"05"}`)), events.TransactionRejected, key("stan", `{"S":"777"}`),
			events.ParkedData{AuthorizationID: "auth-3", Kind: "INVALID", Reason: "NOT_APPROVED", Rule: "R-010", Problem: "response code 05 is no approval, only 00, 08, 10, 11, 85, 87 are"},
		},
		"no amount": {
			insert(t, 2, item(t, "authorizationId", `{"S":"auth-3"}`, "billingAmount", `{"N":"0"}`)), events.TransactionRejected, payment.UnkeyedTransactionID("auth-3"),
			events.ParkedData{AuthorizationID: "auth-3", Kind: "INVALID", Reason: "BAD_AMOUNT", Rule: "R-011", Problem: "billingAmount must be above zero and have at most 12 digits"},
		},
		"an inquiry": {
			insert(t, 2, item(t, "authorizationId", `{"S":"auth-3"}`, "stan", `{"S":"777"}`, "processingCode", `{"S":"310000"}`)), events.TransactionRejected, key("stan", `{"S":"777"}`),
			events.ParkedData{AuthorizationID: "auth-3", Kind: "INVALID", Reason: "NON_FINANCIAL", Rule: "R-012", Problem: "transaction type 31 is an inquiry: it moves no money"},
		},
		"a reversal of nothing": {
			insert(t, 2, item(t, "mti", `{"S":"0400"}`)), events.TransactionRejected, payment.UnkeyedTransactionID("auth-1"),
			events.ParkedData{AuthorizationID: "auth-1", Kind: "INVALID", Reason: "MALFORMED", Problem: "original is missing: a reversal must say what it reverses"},
		},
		"a reversal of a reversal": {
			insert(t, 2, item(t, "mti", `{"S":"0400"}`, "original", originalOf("0400"))), events.TransactionRejected, key("mti", `{"S":"0400"}`, "original", originalOf("0400")),
			events.ParkedData{AuthorizationID: "auth-1", Kind: "UNSUPPORTED", Reason: "ORIGINAL_NOT_SUPPORTED",
				Problem: "a reversal takes back an authorization (01xx) or a financial message (02xx), and nothing else"},
		},
		"a reversal with another replacement": {
			modify(t, 2, item(t, "mti", `{"S":"0400"}`, "original", originalOf("0100")), item(t, "mti", `{"S":"0400"}`, "original", originalOf("0100"), "replacementAmount", `{"N":"1"}`)),
			events.DuplicateConflictDetected, key("mti", `{"S":"0400"}`, "original", originalOf("0100")),
			events.ParkedData{AuthorizationID: "auth-1", Kind: "CONFLICT", Reason: "CHANGED_AFTER_APPROVAL", Rule: "R-013", KnownAuthorizationID: "auth-1", Problem: problemChanged},
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			require.Len(t, w.run(t, insert(t, 1, item(t))), 1)
			require.Empty(t, w.run(t, tc.record))
			require.Len(t, w.published, 1)
			require.Equal(t, tc.detailType, w.published[0].DetailType)
			require.Equal(t, events.SourceDedup, w.published[0].Source)
			detail := data[events.ParkedData](t, w.published[0])
			tc.want.Object = detail.Data.Object
			require.Equal(t, tc.want, detail.Data)
			require.Equal(t, tc.tx, detail.Metadata.TransactionID)
			require.True(t, strings.HasPrefix(detail.Metadata.EventID, tc.tx+"/"+string(tc.detailType)+"/"+tc.want.AuthorizationID+"/"), detail.Metadata.EventID)
			require.Equal(t, "r2", detail.Metadata.CausationID)
			require.Equal(t, "2026-07-09T10:15:32.000Z", detail.Metadata.OccurredAt)
			require.NotContains(t, string(w.published[0].Detail)+w.log.String(), "secret", "problems name fields, not values")
			require.Len(t, w.claims, 1, "what is parked claims nothing")
			require.Contains(t, w.objects, "parked/"+detail.Data.Object)
			require.True(t, strings.HasPrefix(detail.Data.Object, "2026/07/09/"+tc.want.Reason+"/"+tc.want.AuthorizationID+"-"), detail.Data.Object)
		})
	}
}

func originalOf(mti string) string {
	return `{"M":{"mti":{"S":"` + mti + `"},"stan":{"S":"123456"},"transmittedAt":{"S":"2026-07-09T10:15:30Z"},"acquirerId":{"S":"400010"},"unknown":{"S":"x"}}}`
}

// A reversal is a payment of its own beside the one it takes back, under the class of its message type.
func TestAReversalIsForwarded(t *testing.T) {
	w := newWorld()
	reversal := item(t, "authorizationId", `{"S":"auth-r"}`, "mti", `{"S":"0420"}`, "original", originalOf("0100"), "replacementAmount", `{"N":"1000"}`)
	require.Len(t, w.run(t, insert(t, 1, item(t))), 1)
	forwarded := w.run(t, insert(t, 2, reversal))
	require.Len(t, forwarded, 1)
	a := forwarded[0].Data.Authorization
	require.Equal(t, "400010", a.Original.AcquirerID)
	require.EqualValues(t, 1000, a.ReplacementAmount.Minor)
	require.Len(t, w.claims, 2)
	require.Empty(t, w.published)

	reversal["authorizationId"] = &types.AttributeValueMemberS{Value: "auth-r2"}
	require.Empty(t, w.run(t, insert(t, 3, reversal)))
	require.Equal(t, events.DuplicateTransactionParked, w.published[0].DetailType)
}

// Every message about a payment is let in: which purchase it belongs to is decided where the state is, in posting.
func TestAdvicesAndFinancialMessagesAreForwarded(t *testing.T) {
	w := newWorld()
	for n, mti := range []string{"0100", "0120", "0220"} {
		message := item(t, "authorizationId", `{"S":"auth-`+mti+`"}`, "mti", `{"S":"`+mti+`"}`, "stan", fmt.Sprintf(`{"S":"%06d"}`, n+1))
		require.Len(t, w.run(t, insert(t, n+1, message)), 1, mti)
	}
	require.Len(t, w.claims, 3)
	require.Empty(t, w.published)
}

// What is no message about a payment is parked as such, whatever else it lacks, and claims nothing.
func TestMessagesThatMoveNoMoneyAreParked(t *testing.T) {
	for name, tc := range map[string]struct {
		message      authorizationitem.Item
		kind, reason string
	}{
		"network management":              {item(t, "mti", `{"S":"0800"}`), "UNSUPPORTED", "MESSAGE_TYPE_NOT_SUPPORTED"},
		"network management, no amounts":  {item(t, "mti", `{"S":"0800"}`, "transactionAmount", ""), "UNSUPPORTED", "MESSAGE_TYPE_NOT_SUPPORTED"},
		"file action":                     {item(t, "mti", `{"S":"0302"}`), "UNSUPPORTED", "MESSAGE_TYPE_NOT_SUPPORTED"},
		"no message type":                 {item(t, "mti", `{"S":"x4 0"}`), "INVALID", "MALFORMED"},
		"reversal of nothing":             {item(t, "mti", `{"S":"0400"}`), "INVALID", "MALFORMED"},
		"reversal of a reversal":          {item(t, "mti", `{"S":"0400"}`, "original", originalOf("0420")), "UNSUPPORTED", "ORIGINAL_NOT_SUPPORTED"},
		"reversal of network management":  {item(t, "mti", `{"S":"0400"}`, "original", originalOf("0800")), "UNSUPPORTED", "ORIGINAL_NOT_SUPPORTED"},
		"advice without an approval code": {item(t, "mti", `{"S":"0120"}`, "authCode", ""), "INVALID", "MALFORMED"},
		"financial without a response":    {item(t, "mti", `{"S":"0200"}`, "responseCode", ""), "INVALID", "MALFORMED"},
		"financial, balance inquiry":      {item(t, "mti", `{"S":"0200"}`, "processingCode", `{"S":"310000"}`), "INVALID", "NON_FINANCIAL"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			require.Empty(t, w.run(t, insert(t, 1, tc.message)))
			require.Empty(t, w.claims)
			require.Len(t, w.published, 1)
			detail := data[events.ParkedData](t, w.published[0]).Data
			require.Equal(t, []string{tc.kind, tc.reason}, []string{detail.Kind, detail.Reason})
			require.Contains(t, w.objects, "parked/"+detail.Object)
		})
	}
}

func TestAParkedObjectHoldsTheItemWithoutUnknownAttributes(t *testing.T) {
	w := newWorld()
	w.run(t, insert(t, 1, item(t, "mti", `{"S":"0820"}`, "color", `{"S":"987"}`, "big", `{"N":"12345678901234567890"}`, "original", `{"M":{"stan":{"S":"1"}}}`)))
	var record struct {
		Withheld []string
		Content  json.RawMessage
	}
	require.NoError(t, json.Unmarshal([]byte(w.objects["parked/"+data[events.ParkedData](t, w.published[0]).Data.Object]), &record))
	require.Equal(t, []string{"big", "color"}, record.Withheld)
	want, err := json.Marshal(item(t, "mti", `{"S":"0820"}`, "original", `{"M":{"stan":{"S":"1"}}}`))
	require.NoError(t, err)
	require.JSONEq(t, string(want), string(record.Content))
}

func TestCorrectingWhatWasNeverAcceptedIsNoConflict(t *testing.T) {
	for name, before := range map[string][]string{
		"malformed":          {"mcc", ""},
		"unsupported":        {"mti", `{"S":"0820"}`},
		"with a card number": {"merchantName", `{"S":"4111111111111111"}`},
		"not approved":       {"status", `{"S":"QUARANTINED"}`, "merchantName", ""},
	} {
		t.Run(name, func(t *testing.T) {
			require.Len(t, newWorld().run(t, modify(t, 1, item(t, before...), item(t))), 1)
		})
	}
}

func TestABatchKeepsTheOrderOfEachKeyAndOfItsOutput(t *testing.T) {
	for range 20 { // the claims of different keys run concurrently
		w := newWorld()
		var records, want []string
		for n := range 5 {
			stan := fmt.Sprintf(`{"S":"%d"}`, n)
			records = append(records,
				insert(t, 2*n, item(t, "stan", stan, "authorizationId", fmt.Sprintf(`{"S":"first-%d"}`, n))),
				insert(t, 2*n+1, item(t, "stan", stan, "authorizationId", fmt.Sprintf(`{"S":"second-%d"}`, n))))
			want = append(want, fmt.Sprintf("first-%d", n))
		}
		var got []string
		for _, detail := range w.run(t, records...) {
			got = append(got, detail.Metadata.CorrelationID)
		}
		require.Equal(t, want, got)
		require.Len(t, w.published, 5)
		for n, event := range w.published {
			require.Equal(t, fmt.Sprintf("second-%d", n), data[events.ParkedData](t, event).Data.AuthorizationID)
		}
	}
}

func TestNothingToForwardIsAnEmptyArray(t *testing.T) {
	w := newWorld()
	for _, records := range [][]string{{}, {insert(t, 1, item(t, "mcc", ""))}, {insert(t, 1, item(t, "status", `{"S":"DECLINED"}`))}} {
		encoded, err := json.Marshal(w.run(t, records...))
		require.NoError(t, err)
		require.Equal(t, "[]", string(encoded))
	}
	require.Contains(t, w.log.String(), "item that is not approved ignored")
}

func TestOnlyAFailedConditionMeansKnown(t *testing.T) {
	w := newWorld()
	w.fail = func(call string, _ bool) error {
		if strings.HasPrefix(call, "PutItem") {
			return errThrottled
		}
		return nil
	}
	_, err := w.handler().Handle(context.Background(), payload(insert(t, 1, item(t))))
	require.ErrorIs(t, err, errThrottled)
	require.Empty(t, w.published)
	require.Equal(t, 1, strings.Count(w.log.String(), `"level":"ERROR"`), "logged once")
	require.Contains(t, w.log.String(), `"kind":"UNAVAILABLE"`)
}

func TestAClaimWithoutItsFactsIsAnError(t *testing.T) {
	w := newWorld()
	w.run(t, insert(t, 1, item(t)))
	for _, claim := range w.claims {
		delete(claim, "payloadHash")
	}
	_, err := w.handler().Handle(context.Background(), payload(insert(t, 2, item(t))))
	require.ErrorContains(t, err, "it has no payloadHash")
}

// A batch in which everything happens fails at each of its calls in turn, before and after the effect; the pipe repeats it.
// The end must be the same as without the failure.
func TestACrashBetweenAnyTwoStepsLosesAndDoublesNothing(t *testing.T) {
	start := func() *world {
		w := newWorld()
		w.run(t, insert(t, 0, item(t, "authorizationId", `{"S":"known"}`)))
		w.items["pan"] = item(t, "authorizationId", `{"S":"pan"}`, "merchantName", `{"S":"4111 1111 1111 1111"}`, "extra", `{"L":[{"S":"4111111111111111"}]}`)
		w.calls = nil
		return w
	}
	pan := start().items["pan"]
	batch := []string{
		insert(t, 1, item(t, "stan", `{"S":"1"}`)),
		insert(t, 2, item(t, "authorizationId", `{"S":"duplicate"}`)),
		insert(t, 3, item(t, "authorizationId", `{"S":"conflict"}`, "mcc", `{"S":"5999"}`)),
		insert(t, 4, item(t, "authorizationId", `{"S":"malformed"}`, "mcc", "")),
		insert(t, 5, pan),
	}
	clean := start()
	want := clean.run(t, batch...)
	require.Len(t, want, 1)
	require.Len(t, clean.published, 4)
	steps := len(clean.calls)
	require.Equal(t, 3+3+1+2+1, steps, "claims, parked objects, quarantine object, two scrubs, one publish")

	for step := range steps {
		for _, after := range []bool{false, true} {
			w := start()
			n := 0
			w.fail = func(_ string, done bool) error {
				if done == after {
					if n++; n == step+1 {
						return errThrottled
					}
				}
				return nil
			}
			_, err := w.handler().Handle(context.Background(), payload(batch...))
			if n <= step {
				require.NoError(t, err)
				require.True(t, after, "a put whose condition fails has no effect to fail after")
				continue
			}
			require.ErrorIs(t, err, errThrottled)
			w.fail = nil
			require.Equal(t, want, w.run(t, batch...), "step %d", step)
			require.Equal(t, clean.claims, w.claims)
			require.Equal(t, clean.items, w.items)
			require.Equal(t, clean.objects, w.objects)
			require.Subset(t, ids(t, clean.published), ids(t, w.published))
			require.Subset(t, ids(t, w.published), ids(t, clean.published))
		}
	}
}

func ids(t *testing.T, all []events.Event) []string {
	var ids []string
	for _, event := range all {
		ids = append(ids, data[any](t, event).Metadata.EventID)
	}
	return ids
}

func TestNothingIsAnnouncedBeforeItIsKept(t *testing.T) {
	w := newWorld()
	w.run(t, insert(t, 1, item(t, "mcc", "")), insert(t, 2, item(t, "merchantName", `{"S":"4111111111111111"}`)))
	require.Equal(t, "Publish", w.calls[len(w.calls)-1])
	quarantinedAt, scrubbedAt := -1, -1
	for i, call := range w.calls {
		if strings.HasPrefix(call, "PutObject quarantine/") {
			quarantinedAt = i
		}
		if strings.HasPrefix(call, "UpdateItem") {
			scrubbedAt = i
		}
	}
	require.Less(t, quarantinedAt, scrubbedAt)
}

func BenchmarkHandle(b *testing.B) {
	w := newWorld()
	var records []string
	for n := range 10 {
		records = append(records, insert(b, n, item(b, "stan", fmt.Sprintf(`{"S":"%d"}`, n))))
	}
	handler, input := w.handler(), payload(records...)
	b.ReportAllocs()
	for b.Loop() {
		w.calls = nil
		details, err := handler.Handle(context.Background(), input)
		if err != nil || len(details) != 10 {
			b.Fatal(len(details), err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*10), "ns/event")
}
