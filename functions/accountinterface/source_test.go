package main

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/events"
	"github.com/payrail/payrail/internal/batch"
	"github.com/payrail/payrail/payment"
)

// from is a message as another producer would have put it.
func from(t *testing.T, source events.Source, message batch.Message) batch.Message {
	t.Helper()
	var envelope events.Envelope
	require.NoError(t, json.Unmarshal(message.Body, &envelope))
	envelope.Source = source
	body, err := json.Marshal(envelope)
	require.NoError(t, err)
	message.Body = body
	return message
}

// Whoever may put one kind of event may not have another kind posted by it.
func TestNobodyPostsWhatIsNotTheirs(t *testing.T) {
	approved := message(t, events.TransactionPostingApproved, decision(nil))
	suspended := message(t, events.TransactionRoutedToSuspense, decision(func(d *events.DecisionData) { d.Decision.Outcome = events.DecisionSuspense }))
	credit := requested(t, nil)
	for name, tc := range map[string]struct {
		message batch.Message
		allowed []events.Source
		refused []events.Source
	}{
		"approval":        {approved, []events.Source{events.SourceRules, events.SourceReconcile}, []events.Source{events.SourceDisputes, events.SourceOperator, ""}},
		"suspense":        {suspended, []events.Source{events.SourceRules, events.SourceReconcile}, []events.Source{events.SourceDisputes, events.SourceOperator}},
		"posting request": {credit, []events.Source{events.SourceDisputes, events.SourceReconcile, events.SourceOperator}, []events.Source{events.SourceRules, ""}},
	} {
		t.Run(name, func(t *testing.T) {
			for _, source := range tc.allowed {
				require.Equal(t, batch.Results{nil}, handle(&publisher{}, from(t, source, tc.message)), "%q", source)
			}
			for _, source := range tc.refused {
				p := &publisher{}
				results := handle(p, from(t, source, tc.message))
				require.Equal(t, reasonSource, payment.ReasonOf(results[0]), "%q", source)
				require.Equal(t, payment.Invalid, payment.KindOf(results[0]))
				require.Empty(t, p.events)
			}
		})
	}
}

func TestDisputesAskForPostingsOfDisputesOnly(t *testing.T) {
	request := payment.PostingRequest{Kind: payment.RequestFee, CauseID: "fee-1", AccountID: "acc-1", ValueDate: "2026-07-14",
		OccurredAt: events.FormatTime(ingested), Amounts: payment.RequestAmounts{Fee: payment.Money{Minor: 500, Currency: "GBP"}}}
	for source, allowed := range map[events.Source]bool{events.SourceOperator: true, events.SourceDisputes: false} {
		event, err := events.NewPostingRequest(source, request, "cause", ingested)
		require.NoError(t, err)
		body, err := json.Marshal(events.Envelope{ID: "id", DetailType: event.DetailType, Source: event.Source, Detail: event.Detail})
		require.NoError(t, err)
		results := handle(&publisher{}, batch.Message{ID: "f", Body: body})
		if allowed {
			require.NoError(t, results[0])
			continue
		}
		require.Equal(t, reasonSource, payment.ReasonOf(results[0]))
	}
}
