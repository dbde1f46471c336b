package batch

import (
	"github.com/payrail/payrail/events"
	"github.com/payrail/payrail/payment"
)

// ReasonUnreadable is the reason of a message that is no event its consumer understands.
const ReasonUnreadable = "EVENT_UNREADABLE"

// Decode reads the event in a message. An event that cannot be read stays unreadable: its error is of kind Invalid.
func Decode[T any](message Message, want ...events.DetailType) (events.Detail[T], error) {
	detail, err := events.Decode[T](message.Body, want...)
	if err != nil {
		return detail, &payment.Error{Kind: payment.Invalid, Reason: ReasonUnreadable, Err: err}
	}
	return detail, nil
}
