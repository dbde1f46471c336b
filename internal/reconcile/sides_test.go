package reconcile

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/events"
	"github.com/payrail/payrail/internal/auditlog"
	"github.com/payrail/payrail/internal/directory"
	"github.com/payrail/payrail/internal/ledger"
	"github.com/payrail/payrail/payment"
)

type invoker struct {
	payload []byte
	out     lambda.InvokeOutput
}

func (i *invoker) Invoke(_ context.Context, in *lambda.InvokeInput, _ ...func(*lambda.Options)) (*lambda.InvokeOutput, error) {
	i.payload = in.Payload
	return &i.out, nil
}

func TestDedupGetsAStreamRecord(t *testing.T) {
	example, err := os.ReadFile(filepath.Join("..", "..", "events", "examples", "TransactionAuthorized.json"))
	require.NoError(t, err)
	var envelope struct{ Detail json.RawMessage }
	require.NoError(t, json.Unmarshal(example, &envelope))
	forwarded, err := json.Marshal([]any{envelope.Detail})
	require.NoError(t, err)
	client := &invoker{out: lambda.InvokeOutput{Payload: forwarded}}
	all, err := DedupFunction{Client: client, Function: "dedup"}.Resend(t.Context(), anItem(1), written.Add(7*time.Millisecond))
	require.NoError(t, err)
	require.Len(t, all, 1)
	require.Equal(t, events.SourceReconcile, all[0].Source)
	require.JSONEq(t, string(envelope.Detail), string(all[0].Detail))
	var records []struct {
		EventID  string
		DynamoDB struct {
			ApproximateCreationDateTime json.Number
			NewImage                    item
		} `json:"dynamodb"`
	}
	require.NoError(t, json.Unmarshal(client.payload, &records))
	require.Len(t, records, 1)
	require.Equal(t, recordID("auth-1"), records[0].EventID)
	require.Equal(t, json.Number("1795345200.007"), records[0].DynamoDB.ApproximateCreationDateTime)
	require.Equal(t, anItem(1), records[0].DynamoDB.NewImage)

	client.out = lambda.InvokeOutput{FunctionError: aws.String("Unhandled"), Payload: []byte(`{"errorMessage":"throttled"}`)}
	_, err = DedupFunction{Client: client, Function: "dedup"}.Resend(t.Context(), anItem(1), written)
	require.ErrorContains(t, err, "throttled")
}

// log is an audit log of one object per kind, written at a time.
type log struct {
	lines   map[events.DetailType][][]byte
	written time.Time
}

func (l log) List(_ context.Context, p auditlog.Partition) ([]auditlog.Object, error) {
	if len(l.lines[p.DetailType]) == 0 || p.Date != l.written.Format(auditlog.DateForm) {
		return nil, nil
	}
	return []auditlog.Object{{Key: string(p.DetailType), Date: p.Date, DetailType: p.DetailType, Written: l.written}}, nil
}

func (l log) Read(_ context.Context, key string, of auditlog.Of, fn func(auditlog.Event) error) error {
	for _, line := range l.lines[events.DetailType(key)] {
		var envelope struct {
			Detail struct{ Metadata events.Metadata }
		}
		if err := json.Unmarshal(line, &envelope); err != nil {
			return err
		}
		if of.TransactionID != "" && of.TransactionID != envelope.Detail.Metadata.TransactionID {
			continue
		}
		if err := fn(auditlog.Event{Line: line, Metadata: envelope.Detail.Metadata}); err != nil {
			return err
		}
	}
	return nil
}

func exampleLog(t *testing.T, detailTypes ...events.DetailType) (l log, metadata events.Metadata) {
	l = log{lines: map[events.DetailType][][]byte{}, written: time.Date(2026, 7, 9, 10, 16, 30, 0, time.UTC)}
	for _, detailType := range detailTypes {
		line, err := os.ReadFile(filepath.Join("..", "..", "events", "examples", string(detailType)+".json"))
		require.NoError(t, err)
		var envelope struct {
			Detail struct{ Metadata events.Metadata }
		}
		require.NoError(t, json.Unmarshal(line, &envelope))
		metadata = envelope.Detail.Metadata
		l.lines[detailType] = [][]byte{line, line}
	}
	return l, metadata
}

func TestADecisionIsToldAgainAsItWas(t *testing.T) {
	l, metadata := exampleLog(t, events.TransactionPostingApproved)
	occurred := time.Date(2026, 7, 9, 10, 15, 31, 0, time.UTC)
	decisions := AuditDecisions{Log: l, Now: func() time.Time { return occurred.Add(25 * time.Hour) }}
	event, found, err := decisions.Decision(t.Context(), EventKey{metadata.TransactionID, metadata.EventID}, events.TransactionPostingApproved, occurred)
	require.NoError(t, err)
	require.True(t, found)
	var again, before struct{ Metadata, Data map[string]any }
	require.NoError(t, json.Unmarshal(event.Detail, &again))
	var envelope struct{ Detail json.RawMessage }
	require.NoError(t, json.Unmarshal(l.lines[events.TransactionPostingApproved][0], &envelope))
	require.NoError(t, json.Unmarshal(envelope.Detail, &before))
	require.Equal(t, "2026-07-10T11:15:31.000Z", again.Metadata["publishedAt"])
	before.Metadata["publishedAt"] = again.Metadata["publishedAt"]
	require.Equal(t, before, again)

	_, found, err = decisions.Decision(t.Context(), EventKey{metadata.TransactionID, "another"}, events.TransactionPostingApproved, occurred)
	require.NoError(t, err)
	require.False(t, found)
}

func TestTheAuditLogStandsInForTheTimeline(t *testing.T) {
	l, metadata := exampleLog(t, events.TransactionAuthorized, events.TransactionPosted)
	side := &AuditEvents{Log: l, From: l.written.Add(-time.Hour), To: l.written.Add(time.Hour)}
	require.True(t, side.Complete())
	key := EventKey{metadata.TransactionID, metadata.EventID}
	known, err := side.Known(t.Context(), []EventKey{key, {"tx", "none"}})
	require.NoError(t, err)
	require.Equal(t, map[EventKey]bool{key: true, {"tx", "none"}: false}, known)
	happened, err := side.Trace(t.Context(), metadata.TransactionID)
	require.NoError(t, err)
	require.Len(t, happened, 2, "an event that stands there twice is one")
	require.Equal(t, events.TransactionAuthorized, happened[0].DetailType)

	later := &AuditEvents{Log: l, From: l.written.Add(time.Second), To: l.written.Add(time.Hour)}
	happened, err = later.Trace(t.Context(), metadata.TransactionID)
	require.NoError(t, err)
	require.Empty(t, happened, "what was written before the window is not read")
}

// Without a timeline, what was asked for is found in the audit log: the postings of disputes and fees have nothing else behind them.
func TestWhatWasAskedForIsNoOrphanWithoutATimeline(t *testing.T) {
	for _, kind := range []payment.RequestKind{payment.RequestDisputeProvisional, payment.RequestFee} {
		request := payment.PostingRequest{Kind: kind, CauseID: "cause-1", AccountID: "acc-1", Scheme: "VISA", ValueDate: "2026-11-22",
			OccurredAt: events.FormatTime(written)}
		amount := payment.Money{Minor: 1981, Currency: "GBP"}
		if request.Amounts.Principal = amount; kind == payment.RequestFee {
			request.Amounts = payment.RequestAmounts{Fee: amount}
		}
		sequence, legs, err := request.Posting()
		require.NoError(t, err)
		event, err := events.NewPostingRequest(events.SourceDisputes, request, "cause", written)
		require.NoError(t, err)
		w := newWorld(t)
		record := w.post(readAuthorization(anItem(1)).parsed, func(e *payment.JournalEntry) { e.Sequence, e.Legs = sequence, legs })
		l := log{lines: map[events.DetailType][][]byte{events.PostingRequested: {auditLine(t, event)}}, written: written.Add(time.Minute)}
		side := &AuditEvents{Log: l, From: written.Add(-time.Hour), To: now}
		withLog := func(o *Options) { o.Events = side }

		report := w.run(Request{DryRun: true}, withLog)
		for _, b := range report.Breaks {
			require.NotEqual(t, OrphanPosting, b.Category, kind)
		}
		full := w.run(Request{DryRun: true, Full: true}, withLog)
		require.Equal(t, []string{"B10 WOULD_PATCH EMIT_POSTED " + record.ID}, found(full), "nobody told that it is posted")
		side.eventIDs[postedKey(stamped(record))] = true
		require.Empty(t, found(w.run(Request{DryRun: true, Full: true}, withLog)), kind)

		side.byTx[record.TransactionID] = nil
		require.Equal(t, []string{"B03 OPEN NONE " + record.ID}, found(w.run(Request{DryRun: true, Full: true}, withLog)))
	}
}

func auditLine(t *testing.T, event events.Event) []byte {
	line, err := json.Marshal(map[string]any{"source": event.Source, "detail-type": event.DetailType, "detail": json.RawMessage(event.Detail), "time": written.Format(time.RFC3339)})
	require.NoError(t, err)
	return line
}

func TestReadWaiting(t *testing.T) {
	leg := `{"leg":2,"side":"C","role":"SCHEME_PAYABLE","account":"a","component":"PRINCIPAL","amount":{"amount":"19.81","currency":"GBP"},"ruleId":"PR-01","ruleVersion":"1","bankTransactionCode":"x"}`
	w, err := readWaiting(attributes{"sequence": textValue("ps"), "checksum": textValue("c"), "of": &types.AttributeValueMemberN{Value: "2"}, "leg02": textValue(leg)})
	require.NoError(t, err)
	require.Equal(t, 2, w.Of)
	require.Len(t, w.Legs, 1)
	require.Equal(t, payment.Money{Minor: 1981, Currency: "GBP"}, w.Legs[0].Amount)
	_, err = readWaiting(attributes{"of": &types.AttributeValueMemberN{Value: "2"}, "leg02": textValue("{")})
	require.ErrorContains(t, err, "its leg 02")
}

type accounts struct{ account payment.Account }

func (a accounts) Answers(_ context.Context, questions []directory.Question) []directory.Answer {
	return []directory.Answer{{Account: a.account}}
}

func TestSuspenseIsClearedToAnOpenAccountAlone(t *testing.T) {
	w := newWorld(t)
	a := w.authorize(1)
	s := ledger.SuspenseItem{PurchaseKey: a.BusinessKey(), TransactionID: "tx", AuthorizationID: "auth-1", Amount: payment.Money{Minor: -1981, Currency: "GBP"}, LastSequence: "ps_1-00"}
	clearing := func(status payment.AccountStatus) (payment.Order, bool) {
		c := AccountClearer{Authorizations: w, Accounts: accounts{payment.Account{Status: status, ID: "acc-1"}}, Now: func() time.Time { return now }}
		order, found, err := c.Clearing(t.Context(), s)
		require.NoError(t, err)
		return order, found
	}
	order, found := clearing(payment.AccountOpen)
	require.True(t, found)
	require.NoError(t, order.Check())
	require.Equal(t, payment.OrderClearing, order.Kind)
	require.Equal(t, "acc-1", order.AccountID)
	again, _ := clearing(payment.AccountOpen)
	require.Equal(t, order, again, "asked for twice it is one order")
	_, found = clearing(payment.AccountNotFound)
	require.False(t, found)
	s.AuthorizationID = "auth-gone"
	_, found = clearing(payment.AccountOpen)
	require.False(t, found)
}
