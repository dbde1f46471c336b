package main

import (
	"fmt"

	"github.com/payrail/payrail/events"
	"github.com/payrail/payrail/internal/batch"
	"github.com/payrail/payrail/payment"
)

// request makes the leg events of a posting request; of one that clears suspense, the order to do so, as only the ledger can
// tell what stands there. The id is recomputed and not only read, as that of a payment is: it is what keeps the posting from being
// made twice.
func (s *splitter) request(message batch.Message, from head) ([]events.Event, error) {
	detail, err := batch.Decode[events.PostingRequestedData](message, events.PostingRequested)
	if err != nil {
		return nil, err
	}
	if err := from.checkRequest(detail.Data.Request); err != nil {
		return nil, err
	}
	sequence, legs, err := detail.Data.Request.Posting()
	if err != nil {
		return nil, fmt.Errorf("making the legs of %s: %w", detail.Metadata.TransactionID, err)
	}
	if detail.Metadata.TransactionID != sequence.TransactionID {
		return nil, &payment.Error{Kind: payment.Invalid, Reason: reasonDecision,
			Err: fmt.Errorf("the posting request of %s is sent under the id %s", sequence.TransactionID, detail.Metadata.TransactionID)}
	}
	order, clears, err := detail.Data.Request.Clearing()
	switch {
	case err != nil:
		return nil, fmt.Errorf("making the order of %s: %w", detail.Metadata.TransactionID, err)
	case clears:
		return s.order(detail.Metadata, order)
	default:
		return s.legEvents(detail.Metadata, sequence, legs)
	}
}
