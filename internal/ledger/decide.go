package ledger

import "github.com/payrail/payrail/payment"

// Disposition is what became of a journal entry that was to be committed.
type Disposition string

const (
	// Posted: the entry was written now.
	Posted Disposition = "POSTED"
	// AlreadyPosted: the same entry is in the journal; this is a redelivery or a replay.
	AlreadyPosted Disposition = "ALREADY_POSTED"
	// LateDuplicate: another authorization with the same content was posted under the sequence, past dedup's memory or its claim.
	LateDuplicate Disposition = "LATE_DUPLICATE"
	// Superseded: the same payment is in the journal with other legs, because reference data changed between two deliveries.
	// The first complete version counts.
	Superseded Disposition = "SUPERSEDED"
	// SamePurchase: the message is another one about a purchase that stands as the message says; nothing was to be moved.
	SamePurchase Disposition = "SAME_PURCHASE"
	// Waiting: a reversal waits for its original.
	Waiting Disposition = "WAITING"
	// Conflicting: another payment is in the journal under the same business key.
	Conflicting Disposition = "CONFLICT"
)

// Decide compares a sequence that is to be posted with the one the journal holds under its id.
func Decide(held, wanted payment.Sequence) Disposition {
	sameAuthorization := held.AuthorizationID == wanted.AuthorizationID
	switch {
	case held.PayloadHash != wanted.PayloadHash:
		return Conflicting
	case !sameAuthorization:
		return LateDuplicate
	case held.Checksum != wanted.Checksum:
		return Superseded
	default:
		return AlreadyPosted
	}
}
