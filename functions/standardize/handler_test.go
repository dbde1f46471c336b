package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	lambdaevents "github.com/aws/aws-lambda-go/events"
	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/events"
	"github.com/payrail/payrail/internal/batch"
	"github.com/payrail/payrail/payment"
	"github.com/payrail/payrail/payment/iso20022"
)

var (
	ingested = time.Date(2026, 7, 9, 10, 15, 31, 123e6, time.UTC)
	present  = ingested.Add(time.Hour)
)

// bus takes every event but those at the indexes that refuse names.
type bus struct {
	refuse    map[int]error
	published []events.Event
	calls     int
}

func (b *bus) Publish(_ context.Context, all []events.Event) events.Failures {
	b.calls++
	failures := events.Failures{}
	for i, event := range all {
		if err := b.refuse[i]; err != nil {
			failures[i] = err
			continue
		}
		b.published = append(b.published, event)
	}
	return failures
}

func authorization(stan string) payment.Authorization {
	return payment.Authorization{
		ID: "auth-" + stan, MTI: "0100", ProcessingCode: "000000", PANToken: "tok_v1_ABCDEFGHIJKLMNOPQRSTUVWXYZ", PANLast4: "1111", BIN: "411111",
		TransactionAmount: payment.Money{Minor: 10000, Currency: "USD"}, BillingAmount: payment.Money{Minor: 7925, Currency: "GBP"}, ConversionRate: "0.7925",
		STAN: stan, AcquirerID: "400010", TransmittedAt: ingested.Add(-time.Second), AuthCode: "A1B2C3", ResponseCode: "00", MCC: "5411",
		Merchant: payment.Merchant{Name: "ACME STORE", City: "NEW YORK", Country: "US", ID: "M1", TerminalID: "T1"}, AcquirerCountry: "840", IssuerCountry: "826",
	}
}

// delivery is a TransactionAuthorized event as SQS has it.
func delivery(t testing.TB, a payment.Authorization) string {
	t.Helper()
	key := a.BusinessKey()
	detail, err := json.Marshal(events.Detail[events.AuthorizedData]{
		Metadata: events.First(events.TransactionAuthorized, payment.TransactionID(key), a.ID, a.PANToken, "record-1", ingested, ingested),
		Data:     events.AuthorizedData{Authorization: a, BusinessKey: key, PayloadHash: a.PayloadHash()},
	})
	require.NoError(t, err)
	return fmt.Sprintf(`{"id":"1","detail-type":"TransactionAuthorized","source":"payrail.dedup","detail":%s}`, detail)
}

// process delivers the bodies as one batch and returns the ids of the messages that failed, m0 the first.
func process(t testing.TB, b *bus, bodies ...string) ([]string, string) {
	t.Helper()
	var log bytes.Buffer
	s := standardizer{publisher: b, now: func() time.Time { return present }}
	var batchOf lambdaevents.SQSEvent
	for i, body := range bodies {
		batchOf.Records = append(batchOf.Records, lambdaevents.SQSMessage{MessageId: fmt.Sprintf("m%d", i), Body: body})
	}
	response, err := batch.NewProcessor(slog.New(slog.NewJSONHandler(&log, nil)), s.handle).Process(context.Background(), batchOf)
	require.NoError(t, err)
	var failed []string
	for _, failure := range response.BatchItemFailures {
		failed = append(failed, failure.ItemIdentifier)
	}
	return failed, log.String()
}

func TestAnAuthorizationBecomesAMessageOfItsIngestTime(t *testing.T) {
	var b bus
	a := authorization("1")
	failed, _ := process(t, &b, delivery(t, a))
	require.Empty(t, failed)
	require.Len(t, b.published, 1)
	require.Equal(t, events.TransactionStandardized, b.published[0].DetailType)
	require.Equal(t, events.SourceStandardize, b.published[0].Source)

	var detail events.Detail[events.StandardizedData]
	require.NoError(t, json.Unmarshal(b.published[0].Detail, &detail))
	want, err := payment.Standardize(a, a.PayloadHash(), ingested)
	require.NoError(t, err)
	require.Equal(t, iso20022.Initiation(want), detail.Data.Message)
	require.Equal(t, "2026-07-09T10:15:31.123Z", detail.Data.Document.FinInitn.Hdr.CreDtTm, "not the present")
	require.Equal(t, events.Payment{Authorization: a, TransactionType: "00", BusinessKey: a.BusinessKey(), PayloadHash: a.PayloadHash()}, detail.Data.Payment)
	tx := payment.TransactionID(a.BusinessKey())
	require.Equal(t, tx+"/TransactionStandardized", detail.Metadata.EventID)
	require.Equal(t, tx+"/TransactionAuthorized", detail.Metadata.CausationID)
	require.Equal(t, "2026-07-09T10:15:31.123Z", detail.Metadata.OccurredAt)
	require.Equal(t, "2026-07-09T11:15:31.123Z", detail.Metadata.PublishedAt)
}

// A reversal becomes a cain.005 whose amounts are what remains: E5, of USD 100.00 and GBP 79.25 remain 63.09 and 50.00.
func TestAReversalBecomesACain005(t *testing.T) {
	for name, tc := range map[string]struct {
		replacement *payment.Money
		amounts     string
	}{
		"in full": {nil, "0.00 0.00"},
		"in part": {&payment.Money{Minor: 6309, Currency: "USD"}, "63.09 50.00"},
	} {
		t.Run(name, func(t *testing.T) {
			var b bus
			a := authorization("2")
			a.MTI, a.ReplacementAmount = "0400", tc.replacement
			a.Original = &payment.Original{MTI: "0100", STAN: "1", TransmittedAt: a.TransmittedAt, AcquirerID: "400010"}
			failed, log := process(t, &b, delivery(t, a))
			require.Empty(t, failed, log)
			var detail events.Detail[events.StandardizedData]
			require.NoError(t, json.Unmarshal(b.published[0].Detail, &detail))
			require.Equal(t, iso20022.ReversalInitiation, detail.Data.MsgDefIdr)
			require.Empty(t, detail.Data.Message.Validate())
			r := detail.Data.Document.RvslInitn
			require.Equal(t, tc.amounts, r.TxAmts.Amt+" "+r.TxAmts.CrdhldrBllgAmt)
			require.Equal(t, "100.00", r.OrgnlDataElmts.TxAmts.Amt)
			require.Equal(t, "1", r.OrgnlDataElmts.TxId.SysTracAudtNb)
			require.Equal(t, a.Original, detail.Data.Payment.Original)

			account := payment.Account{Status: payment.AccountOpen, IBAN: "GB29NWBK60161331926819", Holder: "A HOLDER", Product: "CURRENT", SortCode: "601613"}
			enriched := detail.Data.Message.Enriched(account)
			require.Empty(t, enriched.Validate())
			require.Equal(t, "GB29NWBK60161331926819", enriched.Document.RvslInitn.AcctFr.Id)
			require.Equal(t, "CURRENT", enriched.Document.RvslInitn.Card.PdctTp)
			require.Len(t, enriched.Document.RvslInitn.AddtlData, len(r.AddtlData)+1)
			require.Nil(t, r.AcctFr, "the message itself stays as it was")
			require.Empty(t, r.Card.PdctTp)
		})
	}
}

// A repair changes the content of a payment and neither its identity nor the hash it was taken in under; its attempt is in the id.
func TestARepairStaysThePaymentThatWasTakenIn(t *testing.T) {
	var b bus
	a := authorization("1")
	a.IssuerCountry = ""
	key, recorded := a.BusinessKey(), a.PayloadHash()
	first := events.First(events.TransactionAuthorized, payment.TransactionID(key), a.ID, a.PANToken, "record-1", ingested, ingested)
	a.IssuerCountry = "826"
	detail, err := json.Marshal(events.Detail[events.AuthorizedData]{
		Metadata: first.Retry(events.TransactionAuthorized, 2, first.TransactionID+"/TransactionPostingFailed", present),
		Data:     events.AuthorizedData{Authorization: a, BusinessKey: key, PayloadHash: recorded},
	})
	require.NoError(t, err)
	failed, _ := process(t, &b, fmt.Sprintf(`{"id":"1","detail-type":"TransactionAuthorized","source":"payrail.repair","detail":%s}`, detail))
	require.Empty(t, failed)

	var standardized events.Detail[events.StandardizedData]
	require.NoError(t, json.Unmarshal(b.published[0].Detail, &standardized))
	require.Equal(t, payment.TransactionID(key)+"/TransactionStandardized/2", standardized.Metadata.EventID)
	require.Equal(t, 2, standardized.Metadata.Attempt)
	require.Equal(t, "2026-07-09T10:15:31.123Z", standardized.Metadata.OccurredAt)
	require.Equal(t, recorded, standardized.Data.Payment.PayloadHash)
	require.Contains(t, standardized.Data.Document.FinInitn.AddtlData[0].Dtls, payment.Additional{Tp: "PAYLOAD_HASH", Val: recorded})
}

func TestARedeliveryRepeatsTheEvent(t *testing.T) {
	var b bus
	body := delivery(t, authorization("1"))
	process(t, &b, body)
	process(t, &b, body, body)
	require.Len(t, b.published, 3)
	require.Equal(t, b.published[0], b.published[1])
	require.Equal(t, b.published[0], b.published[2])
}

func TestABatchIsPublishedTogetherAndFailsInPart(t *testing.T) {
	b := bus{refuse: map[int]error{1: errors.New("publishing: ThrottlingException")}}
	reversal, short, undated := authorization("5"), authorization("6"), authorization("7")
	reversal.MTI, short.ProcessingCode, undated.ID = "0400", "0", ""
	failed, log := process(t, &b, delivery(t, authorization("1")), "no JSON", delivery(t, authorization("2")), delivery(t, authorization("3")),
		delivery(t, reversal), delivery(t, short), `{"detail-type":"TransactionAuthorized","detail":{"metadata":{"eventId":"e","transactionId":"t"}}}`)
	require.Equal(t, []string{"m1", "m2", "m4", "m5", "m6"}, failed)
	require.Equal(t, 1, b.calls)
	require.Len(t, b.published, 2)
	for _, line := range []string{`"kind":"INVALID","reason":"EVENT_UNREADABLE"`, `"kind":"UNSUPPORTED","reason":"ORIGINAL_NOT_SUPPORTED"`, `"kind":"UNAVAILABLE"`, "no occurredAt"} {
		require.Contains(t, log, line)
	}
}

func FuzzHandle(f *testing.F) {
	f.Add(delivery(f, authorization("1")))
	f.Add(`{"detail-type":"TransactionAuthorized","detail":{"metadata":{"eventId":"e","transactionId":"t","occurredAt":"2026-07-09T10:15:31.123Z"},"data":{"authorization":{"mti":"0100","processingCode":"000000"}}}}`)
	f.Fuzz(func(t *testing.T, body string) {
		var b bus
		failed, log := process(t, &b, body)
		require.NotContains(t, log, "panic")
		require.Equal(t, 1, len(failed)+len(b.published), "published or failed, never neither")
	})
}

func BenchmarkHandle(b *testing.B) {
	var messages []batch.Message
	for n := range 10 {
		messages = append(messages, batch.Message{Body: []byte(delivery(b, authorization(fmt.Sprint(n))))})
	}
	s := standardizer{publisher: &discard{}, now: func() time.Time { return present }}
	b.ReportAllocs()
	for b.Loop() {
		for _, err := range s.handle(context.Background(), messages) {
			if err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*10), "ns/event")
}

type discard struct{}

func (discard) Publish(context.Context, []events.Event) events.Failures { return nil }
