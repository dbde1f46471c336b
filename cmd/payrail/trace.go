package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/payrail/payrail/events"
	"github.com/payrail/payrail/internal/timeline"
	"github.com/payrail/payrail/payment"
)

func (d *deployment) timeline() (*timeline.Reader, error) {
	table, err := d.output("TimelineTable")
	if err != nil {
		return nil, err
	}
	return timeline.NewReader(d.dynamodb(), table), nil
}

func (a *application) traceCommand() *cobra.Command {
	return &cobra.Command{
		Use:               "trace ID",
		Short:             "Show everything that happened to a payment",
		Long:              "trace shows every event of a payment in the order they happened. ID is an authorization id or a transaction id (tx_…).",
		Example:           "  payrail trace auth-coffee",
		Args:              exactly("ID"),
		ValidArgsFunction: noFiles,
		RunE: func(command *cobra.Command, arguments []string) error {
			deployed, err := a.connect(command.Context())
			if err != nil {
				return err
			}
			return a.trace(command.Context(), deployed, arguments[0])
		},
	}
}

func (a *application) trace(ctx context.Context, d *deployment, id string) error {
	reader, err := d.timeline()
	if err != nil {
		return err
	}
	found, err := reader.Trace(ctx, id)
	if errors.Is(err, timeline.ErrNotFound) {
		return failed("nothing has happened to "+id+" yet", "check the id; an authorization whose status is not APPROVED is never taken up")
	}
	if err != nil {
		return fmt.Errorf("reading the timeline: %w", err)
	}
	if a.json {
		return a.printJSON(found)
	}
	rows := make([][]string, len(found))
	for i, e := range found {
		rows[i] = []string{e.PublishedAt, sinceFirst(found[0].PublishedAt, e.PublishedAt), string(e.DetailType), strings.TrimPrefix(string(e.Source), "payrail."), e.AuthorizationID, e.Summary}
	}
	fmt.Fprintln(a.stdout, a.paint(bold, found[0].TransactionID))
	a.table([]string{"published", "after", "event", "by", "authorization", "what"}, rows, 1)
	return nil
}

// sinceFirst is the time between two events in milliseconds.
func sinceFirst(first, this string) string {
	from, err := time.Parse(time.RFC3339, first)
	if err != nil {
		return ""
	}
	to, err := time.Parse(time.RFC3339, this)
	if err != nil {
		return ""
	}
	return fmt.Sprintf("%d ms", to.Sub(from).Milliseconds())
}

// What a payment comes to. Every accepted authorization comes to exactly one of these.
const (
	stillUnderWay       = ""
	outcomePosted       = string(payment.OutcomePosted)
	outcomeSuspense     = string(payment.OutcomeSuspense)
	outcomeFailedReview = "FAILED_REVIEW"
	outcomeRejected     = "REJECTED"
	outcomeDuplicate    = "PARKED_DUPLICATE"
	outcomeConflict     = "CONFLICT"
	outcomeQuarantined  = "QUARANTINED"
)

// outcomes are the events after which nothing more happens to an authorization. Whether a posted one went to its account or
// to suspense stands in the journal.
var outcomes = map[events.DetailType]string{
	events.TransactionPosted:          outcomePosted,
	events.TransactionPostingFailed:   outcomeFailedReview,
	events.TransactionRejected:        outcomeRejected,
	events.DuplicateTransactionParked: outcomeDuplicate,
	events.DuplicateConflictDetected:  outcomeConflict,
	events.TransactionQuarantined:     outcomeQuarantined,
}

// final is the event that ended an authorization's way, the last one where it was sent again or repaired; ok is false if there
// is none yet.
func final(authorizationID string, happened []timeline.Entry) (event timeline.Entry, ok bool) {
	for _, e := range happened {
		if e.DetailType == events.TransactionPostingFailed && e.Attempt < event.Attempt {
			continue // A replay told the failed attempt again: the repaired one stands.
		}
		if _, ends := outcomes[e.DetailType]; ends && e.AuthorizationID == authorizationID {
			event, ok = e, true
		}
	}
	return event, ok
}
