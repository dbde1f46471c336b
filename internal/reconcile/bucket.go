package reconcile

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/payrail/payrail/internal/ingest"
	"github.com/payrail/payrail/internal/ledger"
	"github.com/payrail/payrail/payment"
)

// compareBucket holds both indexes of one bucket against each other. What agrees in authorization and amount is matched without
// reading an item, only its event is looked up; the rest is read again, from both sides.
func (r *run) compareBucket(ctx context.Context, hour time.Time, shard int) error {
	bucket := ingest.Name(hour, shard)
	from, to := hour, hour.Add(time.Hour-time.Millisecond)
	if r.request.From.After(from) {
		from = r.request.From
	}
	if r.request.To.Before(to) {
		to = r.request.To
	}
	unmatched := map[string]StampedAuthorization{}
	err := r.Authorizations.InBucket(ctx, bucket, from, to, func(a StampedAuthorization) error {
		if a.Approved {
			r.meet(a.ID, a.At, a.Billed)
			unmatched[a.ID] = a
		}
		return nil
	})
	if err != nil {
		return err
	}
	var posted, suspects []ledger.Stamped
	matched := map[string]ledger.Stamped{}
	err = r.Journal.InBucket(ctx, bucket, from, to, func(c ledger.Stamped) error {
		r.report.Watermarks.C = latest(r.report.Watermarks.C, c.OccurredAt)
		if first, twice := matched[c.AuthorizationID]; twice {
			suspects = append(suspects, first, c) // Which of the two is its own, the items tell.
			return nil
		}
		a, ok := unmatched[c.AuthorizationID]
		if !ok || !agree(a, c) {
			suspects = append(suspects, c)
			return nil
		}
		delete(unmatched, a.ID)
		matched[a.ID] = c
		r.match(a.ID, a.At, c.Outcome, controlAmount(c, a))
		if posted = append(posted, c); len(posted) == chunk {
			err := r.checkTold(ctx, posted)
			posted = posted[:0]
			return err
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := r.checkTold(ctx, posted); err != nil {
		return err
	}
	if err := r.checkSuspects(ctx, suspects); err != nil {
		return err
	}
	return r.checkUnmatched(ctx, unmatched)
}

// agree reports whether the index entries of one payment say the same. What corrects an earlier posting posts a difference, which
// is compared when the purchase is; what bears no control amount is read.
func agree(a StampedAuthorization, c ledger.Stamped) bool {
	if a.Reversal || !payment.IsFirstSequence(c.SequenceID) {
		return true
	}
	return c.Principal == a.Billed && a.Billed != payment.Money{}
}

// controlAmount is what the journal's side of the control total counts for a payment.
func controlAmount(c ledger.Stamped, a StampedAuthorization) payment.Money {
	if !a.Reversal && payment.IsFirstSequence(c.SequenceID) && c.Principal != (payment.Money{}) {
		return c.Principal
	}
	return a.Billed
}

// meet counts an approved authorization.
func (r *run) meet(id string, at time.Time, billed payment.Money) {
	r.report.Summary.Items++
	r.report.Watermarks.A = latest(r.report.Watermarks.A, at)
	if billed.Currency != "" {
		r.totals.at(at, billed.Currency).a.add(id, billed)
	}
}

// match counts an authorization that is posted as it should be.
func (r *run) match(id string, at time.Time, outcome payment.Outcome, amount payment.Money) {
	r.report.Summary.Matched++
	if outcome == payment.OutcomeSuspense {
		r.report.Outcomes.Suspense++
	} else {
		r.report.Outcomes.Posted++
	}
	if amount.Currency != "" {
		r.totals.at(at, amount.Currency).c.add(id, amount)
	}
}

// inFlight counts an authorization that is on its way.
func (r *run) inFlight(stage Stage) {
	r.report.Outcomes.InFlight++
	r.report.InFlight[stage]++
}

// checkUnmatched reads the authorizations that have no journal entry in the index.
func (r *run) checkUnmatched(ctx context.Context, unmatched map[string]StampedAuthorization) error {
	var old []string
	for _, id := range slices.Sorted(maps.Keys(unmatched)) {
		if r.Now().Sub(unmatched[id].At) < r.Grace {
			r.inFlight(StageIngest)
			continue
		}
		old = append(old, id)
	}
	for ids := range slices.Chunk(old, chunk) {
		items, err := r.Authorizations.Get(ctx, ids)
		if err != nil {
			return err
		}
		var present []authorization
		for _, id := range ids {
			if item, ok := items[id]; ok {
				present = append(present, readAuthorization(item))
			}
		}
		if err := r.checkAuthorizations(ctx, present); err != nil {
			return err
		}
	}
	return nil
}

// checkSuspects reads the journal entries that the index of authorizations does not explain.
func (r *run) checkSuspects(ctx context.Context, suspects []ledger.Stamped) error {
	suspects = slices.DeleteFunc(suspects, func(c ledger.Stamped) bool { return r.Now().Sub(c.OccurredAt) < r.Grace })
	for some := range slices.Chunk(suspects, chunk) {
		var sequences []string
		for _, c := range some {
			sequences = append(sequences, c.SequenceID)
		}
		read, err := r.Journal.Journals(ctx, distinct(sequences))
		if err != nil {
			return err
		}
		if err := r.checkJournal(ctx, slices.Collect(maps.Values(read))); err != nil {
			return err
		}
	}
	return nil
}

// compareSegment reads a part of both tables: every authorization and every journal entry, stamped or not.
func (r *run) compareSegment(ctx context.Context) error {
	if err := r.readAuthorizations(ctx); err != nil {
		return err
	}
	return r.readJournal(ctx)
}

func (r *run) readAuthorizations(ctx context.Context) error {
	var waiting []authorization
	flush := func() error {
		err := r.checkAuthorizations(ctx, waiting)
		waiting = waiting[:0]
		return err
	}
	err := r.Authorizations.Segment(ctx, r.request.Segment, r.request.Segments, func(item item) error {
		if a := readAuthorization(item); a.approved && !r.isForgotten(a.at) {
			r.meet(a.id, a.at, a.parsed.BillingAmount)
			waiting = append(waiting, a)
		}
		if len(waiting) == chunk {
			return flush()
		}
		return nil
	})
	if err != nil {
		return err
	}
	return flush()
}

// isForgotten reports whether a time is before the events that are known: what came in then was compared while they were.
func (r *run) isForgotten(at time.Time) bool { return !at.IsZero() && at.Before(r.Events.Since()) }

func (r *run) readJournal(ctx context.Context) error {
	var waiting []ledger.Read
	flush := func() error {
		err := r.checkJournal(ctx, waiting)
		waiting = waiting[:0]
		return err
	}
	err := r.Journal.Segment(ctx, r.request.Segment, r.request.Segments, func(read ledger.Read) error {
		if waiting = append(waiting, read); len(waiting) == chunk {
			return flush()
		}
		return nil
	}, func(s ledger.SuspenseItem) error { return r.suspense(ctx, s) })
	if err != nil {
		return err
	}
	return flush()
}
