package main

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/payrail/payrail/internal/digests"
	"github.com/payrail/payrail/internal/ledger"
)

const (
	// margin is how long after its end an hour is summed. A posting is written within half a minute of its time of posting, and
	// the index follows within a second; the rest is for clocks and for an index that is behind.
	margin = 8 * time.Minute
	// lookBack is how far the first run looks for what was posted before there were digests: a schedule that failed from the
	// beginning is noticed within it.
	lookBack = 48 * time.Hour
	// maxHours is how many hours one run writes; what is left is for the next run.
	maxHours = 7 * 24
)

// journal reads the journal by hours of posting. It is safe for concurrent use.
type journal interface {
	Any(ctx context.Context, hour time.Time) (bool, error)
	Sum(ctx context.Context, hour, upTo time.Time) (*ledger.HourSum, error)
}

// digester writes the digests of the hours that are over.
type digester struct {
	journal journal
	store   *digests.Store
	now     func() time.Time
	logger  *slog.Logger
}

// handle is one run. It does not use its event: what is to be done follows from the digests that are there and the time, so that a
// run that was missed, repeated or overlaps another does no harm.
func (d *digester) handle(ctx context.Context) error {
	now := d.now().UTC()
	latest, found, err := d.store.Latest(ctx, now)
	if err != nil {
		return err
	}
	next := latest.End()
	if !found {
		if next, err = d.firstHour(ctx, now); err != nil {
			return err
		}
	}
	previous := latest.Hash
	for range maxHours {
		if over := next.Add(time.Hour + margin); now.Before(over) {
			return nil
		}
		written, err := d.digest(ctx, next, previous)
		if err != nil {
			return err
		}
		next, previous = written.End(), written.Hash
	}
	d.logger.WarnContext(ctx, "hours are left to be digested", "from", next)
	return nil
}

// firstHour is the first hour within lookBack in which something was posted, else the last one that is over.
func (d *digester) firstHour(ctx context.Context, now time.Time) (time.Time, error) {
	last := now.Add(-time.Hour - margin).Truncate(time.Hour)
	for hour := last.Add(-lookBack); hour.Before(last); hour = hour.Add(time.Hour) {
		found, err := d.journal.Any(ctx, hour)
		if err != nil || found {
			return hour, err
		}
	}
	return last, nil
}

func (d *digester) digest(ctx context.Context, hour time.Time, previous string) (digests.Stored, error) {
	sum, err := d.journal.Sum(ctx, hour, time.Time{})
	if err != nil {
		return digests.Stored{}, err
	}
	digest, err := sum.Digest(hour, previous)
	if err != nil {
		return digests.Stored{}, err
	}
	written, err := d.store.Put(ctx, digest)
	if err != nil {
		return digests.Stored{}, fmt.Errorf("digesting the ledger: %w", err)
	}
	d.logger.InfoContext(ctx, "digest written", "hour", hour, "journalEntries", digest.JournalEntries, "seal", digest.Seal)
	return written, nil
}
