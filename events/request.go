package events

import (
	"fmt"
	"time"

	"github.com/payrail/payrail/payment"
)

// NewPostingRequest makes the event that asks for a posting. causation is the id of the event that is behind it, or of the cause
// where there is none. Asking again repeats the event's id, which tells the kinds of request about one posting apart.
func NewPostingRequest(source Source, request payment.PostingRequest, causation string, publishedAt time.Time) (Event, error) {
	if err := request.Check(); err != nil {
		return Event{}, fmt.Errorf("making a posting request for %q: %w", request.CauseID, err)
	}
	occurredAt, err := time.Parse(time.RFC3339, request.OccurredAt)
	if err != nil {
		return Event{}, fmt.Errorf("making a posting request for %q: %w", request.CauseID, err)
	}
	metadata := First(PostingRequested, payment.TransactionID(request.BusinessKey()), request.CauseID, "", causation, occurredAt, publishedAt)
	return New(PostingRequested, source, metadata.WithSuffix(string(request.Kind)), PostingRequestedData{Request: request})
}
