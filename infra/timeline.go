package main

import "github.com/payrail/payrail/events"

// Values of the context key timeline.
const (
	timelineAll      = "all"
	timelineOutcomes = "outcomes"
	timelineOff      = "off"
)

// timelineEvents are the events that the tracker records: every kind, or those with which a payment ends.
func timelineEvents(timeline string) []events.DetailType {
	if timeline == timelineOutcomes {
		return []events.DetailType{
			events.DuplicateTransactionParked, events.DuplicateConflictDetected, events.TransactionRejected, events.TransactionQuarantined,
			events.TransactionPostingFailed, events.TransactionPosted,
			// What reconciliation must know: postings that were asked for, and what it has patched before.
			events.PostingRequested, events.PostingOrderCreated, events.ReconciliationPatchApplied,
		}
	}
	var every []events.DetailType
	for _, contract := range events.Contracts() {
		every = append(every, contract.DetailType)
	}
	return every
}
