package events

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/payment"
)

func TestNewPostingRequestRepeatsItsID(t *testing.T) {
	request := payment.PostingRequest{Kind: payment.RequestDisputeWon, CauseID: "case-1", Scheme: "VISA", ValueDate: "2026-07-14", OccurredAt: FormatTime(ingested),
		Amounts: payment.RequestAmounts{Principal: payment.Money{Minor: 7925, Currency: "GBP"}}}
	metadata := func(request payment.PostingRequest, at time.Time) Metadata {
		event, err := NewPostingRequest(SourceDisputes, request, "case-1", at)
		require.NoError(t, err)
		var detail Detail[PostingRequestedData]
		require.NoError(t, json.Unmarshal(event.Detail, &detail))
		require.Equal(t, request, detail.Data.Request)
		return detail.Metadata
	}
	first := metadata(request, published)
	require.Equal(t, payment.TransactionID(request.BusinessKey())+"/PostingRequested/DISPUTE_WON", first.EventID)
	require.Equal(t, "case-1", first.CorrelationID)
	require.Equal(t, FormatTime(ingested), first.OccurredAt)
	require.Equal(t, first.EventID, metadata(request, published.Add(time.Hour)).EventID)

	request.Kind = payment.RequestDisputeLostBank
	lost := metadata(request, published)
	require.Equal(t, first.TransactionID, lost.TransactionID, "one dispute is closed once")
	require.NotEqual(t, first.EventID, lost.EventID)

	request.CauseID = "a|b"
	_, err := NewPostingRequest(SourceDisputes, request, "case-1", published)
	require.ErrorContains(t, err, "causeId must be")
}
