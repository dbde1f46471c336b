package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/payrail/payrail/events"
	"github.com/payrail/payrail/internal/batch"
	"github.com/payrail/payrail/internal/disputes"
	"github.com/payrail/payrail/payment"
)

// reasonUnknownCase is the reason of an event about a case that does not exist.
const reasonUnknownCase = "CASE_UNKNOWN"

// desk models disputes.Desk. It is safe for concurrent use.
type desk interface {
	Case(ctx context.Context, id string) (disputes.Case, error)
	Record(ctx context.Context, id, sequence string) (disputes.Case, error)
}

// agent has the postings of cases made, and tells what has become of them.
type agent struct {
	desk      desk
	publisher batch.Publisher
	now       func() time.Time
	logger    *slog.Logger
}

// handle takes a batch of news. Whatever the news is, the case itself says what is to be done: the same news twice, or news that
// come late, do no harm.
func (a *agent) handle(ctx context.Context, messages []batch.Message) batch.Results {
	results := make(batch.Results, len(messages))
	var outbox batch.Outbox
	for i, message := range messages {
		all, err := a.answer(ctx, message)
		if err != nil {
			results[i] = err
			continue
		}
		for _, event := range all {
			outbox.Add(i, event)
		}
	}
	outbox.Publish(ctx, a.publisher, results)
	return results
}

// answer makes the events that one piece of news leads to.
func (a *agent) answer(ctx context.Context, message batch.Message) ([]events.Event, error) {
	if posted, err := events.Decode[events.PostedData](message.Body, events.TransactionPosted); err == nil {
		return a.posted(ctx, posted)
	}
	news, err := batch.Decode[events.DisputeData](message, events.DisputeOpened, events.DisputeAdvanced)
	if err != nil {
		return nil, err
	}
	c, err := a.desk.Case(ctx, news.Data.CaseID)
	if err != nil {
		return nil, unknown(err)
	}
	return a.next(c.Dispute, news.Metadata)
}

// unknown makes an event about no case one that is not tried again.
func unknown(err error) error {
	if errors.Is(err, disputes.ErrUnknownCase) {
		return &payment.Error{Kind: payment.Invalid, Reason: reasonUnknownCase, Err: err}
	}
	return err
}

// next is what a case leads to now: the posting that it waits for, or, where it ended without one, the news of its end.
func (a *agent) next(d payment.Dispute, cause events.Metadata) ([]events.Event, error) {
	due, ok, err := d.DuePosting()
	switch {
	case err != nil:
		return nil, fmt.Errorf("computing the posting of case %s: %w", d.CaseID, err)
	case ok:
		event, err := events.NewPostingRequest(events.SourceDisputes, due, cause.EventID, a.now())
		if err != nil {
			return nil, &payment.Error{Kind: payment.Invalid, Reason: "REQUEST_INVALID", Err: err}
		}
		return []events.Event{event}, nil
	case d.State.Closed() && d.Decision != nil && d.Decision.Posted == nil:
		return a.tell(events.DisputeResolved, d)
	default:
		return nil, nil
	}
}

// posted records that a posting of a case is in the journal, and tells what that means. An authorization whose id looks like a
// case's is not one: its posting is none of ours.
func (a *agent) posted(ctx context.Context, posted events.Detail[events.PostedData]) ([]events.Event, error) {
	id, sequence := posted.Data.Sequence.AuthorizationID, posted.Data.Sequence.ID
	if !strings.HasPrefix(id, payment.CaseIDPrefix) {
		return nil, nil
	}
	c, err := a.desk.Record(ctx, id, sequence)
	if errors.Is(err, disputes.ErrUnknownCase) {
		a.logger.WarnContext(ctx, "a posting is of no case", "sequence", sequence)
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("recording sequence %s: %w", sequence, err)
	}
	if c.ClosedBy(sequence) {
		return a.tell(events.DisputeResolved, c.Dispute)
	}
	all, err := a.tell(events.ProvisionalCreditPosted, c.Dispute)
	if err != nil {
		return nil, err
	}
	more, err := a.next(c.Dispute, posted.Metadata)
	return append(all, more...), err
}

func (a *agent) tell(detailType events.DetailType, d payment.Dispute) ([]events.Event, error) {
	event, err := events.NewDispute(detailType, events.SourceDisputes, d, a.now())
	if err != nil {
		return nil, err
	}
	return []events.Event{event}, nil
}
