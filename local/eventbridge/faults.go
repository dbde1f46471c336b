package eventbridge

import (
	"github.com/payrail/payrail/local/faults"
	"github.com/payrail/payrail/local/wire"
)

// Operations of the fault injector, with the target's name and the detail-type.
const (
	deliverOperation = "events:Deliver"
	putOperation     = "events:PutEvents"
	archiveOperation = "events:Archive"
)

// admit takes an event for the target: at once, late or twice.
func (l *lane) admit(first *delivery) {
	s := l.service
	d := s.options.Faults.Delivery(deliverOperation, l.name)
	s.outstanding.add(1)
	if d.Duplicate {
		s.outstanding.add(1)
		l.enqueue(&delivery{event: first.event, lane: l, extra: true})
	}
	if d.Delay > 0 {
		s.options.Clock.AfterFunc(d.Delay, func() { l.enqueue(first) })
		return
	}
	l.enqueue(first)
}

// attempted is the injector's say in an attempt to deliver, before it is made.
func (l *lane) attempted() error {
	if err := l.service.options.Faults.Drop(deliverOperation, l.name); err != nil {
		return err
	}
	return l.service.options.Faults.Before(deliverOperation, l.name)
}

// refused reports whether a fault fails one entry of PutEvents while others may succeed.
// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEventsResultEntry.html
func (s *Service) refused(e *Entry) (Result, bool) {
	injection, ok := s.options.Faults.Decide(putOperation, e.DetailType, faults.Partial)
	if !ok {
		return Result{}, false
	}
	r := Result{ErrorCode: injection.Code, ErrorMessage: "injected"}
	if r.ErrorCode == "" {
		r.ErrorCode = []string{"InternalFailure", "ThrottlingException"}[int(2*injection.Chance)]
	}
	return r, true
}

// firstType is the detail-type of the first entry, which the operation's name has behind the slash.
func firstType(entries []Entry) string {
	if len(entries) == 0 {
		return ""
	}
	return entries[0].DetailType
}

// targetName is the last part of a target's ARN.
func targetName(t Target) string { return wire.LastPart(t.ARN) }

// Outstanding is how many deliveries are neither made nor given up, and how many the service has taken on since it began.
func (s *Service) Outstanding() (deliveries int, taken uint64) { return s.outstanding.counts() }
