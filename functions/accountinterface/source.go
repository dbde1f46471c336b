package main

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/payrail/payrail/events"
	"github.com/payrail/payrail/internal/batch"
	"github.com/payrail/payrail/payment"
)

// reasonSource is the reason of an event that its producer may not make.
const reasonSource = "SOURCE_NOT_ALLOWED"

// head is what a message says of itself before its body is read.
type head struct {
	DetailType events.DetailType `json:"detail-type"`
	Source     events.Source     `json:"source"`
}

// headOf reads the head; what cannot be read has none, and fails when its body is read.
func headOf(message batch.Message) head {
	var h head
	if json.Unmarshal(message.Body, &h) != nil {
		return head{}
	}
	return h
}

// producers are who may make the events that become postings.
var producers = func() map[events.DetailType][]events.Source {
	sources := map[events.DetailType][]events.Source{}
	for _, c := range events.Contracts() {
		sources[c.DetailType] = c.Sources
	}
	return sources
}()

// checkSource verifies that an event comes from a producer of its kind. The rule of the queue is no such check: its pattern takes every
// producer of any kind for all of them. The source can be relied on, for IAM lets each role put events under its own alone.
func (h head) checkSource() error {
	if allowed, known := producers[h.DetailType]; known && !slices.Contains(allowed, h.Source) {
		return notAllowed("%s makes no %s", h.Source, h.DetailType)
	}
	return nil
}

// checkRequest verifies that a producer may ask for a posting: who keeps disputes, for the customers' API among others, for those of
// disputes only.
func (h head) checkRequest(r payment.PostingRequest) error {
	if h.Source == events.SourceDisputes && !r.Kind.OfDispute() {
		return notAllowed("%s asks for no %s", h.Source, r.Kind)
	}
	return nil
}

func notAllowed(format string, arguments ...any) error {
	return &payment.Error{Kind: payment.Invalid, Reason: reasonSource, Err: fmt.Errorf(format, arguments...)}
}
