package disputes

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/payrail/payrail/events"
	"github.com/payrail/payrail/payment"
)

const (
	// SweepInterval is how often cases are looked through for postings that are due.
	SweepInterval = 15 * time.Minute
	// sweepGrace is what a posting may take before it is asked for again; it takes seconds.
	sweepGrace = 2 * time.Minute
	// sweepBack is how far back cases are looked for. What fails for longer than a day is in a dead-letter queue.
	sweepBack = 24 * time.Hour
)

// Sweep tells again of the cases that were opened or decided lately and still wait for a posting: whoever changed them may have
// died, or the bus refused, before anybody was told. Of a case that ended without a posting nobody can see whether it was told;
// it is told again once or twice. It returns how many cases it told of, and an error if it could not tell of all: nobody comes after
// the sweep, so that its run must fail for somebody to hear of it.
func (d *Desk) Sweep(ctx context.Context) (told int, err error) {
	now := d.Now()
	cases, err := d.Store.ActiveBetween(ctx, now.Add(-sweepBack), now.Add(-sweepGrace))
	if err != nil {
		return 0, err
	}
	var failed []error
	for _, c := range cases {
		_, due, err := c.DuePosting()
		if err != nil {
			return told, err
		}
		if due || endedUntold(c.Dispute, now) {
			// Its kind does not matter: who hears of a case reads from the case what is to be done.
			event, err := events.NewDispute(events.DisputeOpened, events.SourceDisputes, c.Dispute, d.Now())
			if err == nil {
				err = d.put(ctx, event)
			}
			if err != nil {
				failed = append(failed, fmt.Errorf("telling of case %s: %w", c.CaseID, err))
				continue
			}
			told++
		}
	}
	return told, errors.Join(failed...)
}

// endedUntold reports whether a case ended without a posting within the last two sweeps.
func endedUntold(d payment.Dispute, now time.Time) bool {
	if d.Decision == nil || d.Decision.Posted != nil || !d.State.Closed() {
		return false
	}
	at, err := time.Parse(time.RFC3339, d.Decision.DecidedAt)
	return err == nil && now.Sub(at) < 2*SweepInterval
}
