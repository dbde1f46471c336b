package reconcile

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/payrail/payrail/events"
	"github.com/payrail/payrail/internal/ledger"
	"github.com/payrail/payrail/internal/timeline"
	"github.com/payrail/payrail/payment"
)

// checkTold looks up whether events tell of postings that agree. A posting of the last minutes may not have been recorded yet.
func (r *run) checkTold(ctx context.Context, posted []ledger.Stamped) error {
	keys := make([]EventKey, 0, len(posted))
	seen := map[EventKey]bool{}
	for _, c := range posted {
		key := postedKey(c)
		if r.Now().Sub(c.OccurredAt) >= r.Grace && !seen[key] && !r.isForgotten(c.OccurredAt) {
			seen[key] = true
			keys = append(keys, key)
		}
	}
	if len(keys) == 0 {
		return nil
	}
	known, err := r.Events.Known(ctx, keys)
	if err != nil {
		return err
	}
	var silent []ledger.Stamped
	for _, c := range posted {
		if key := postedKey(c); seen[key] && !known[key] {
			silent = append(silent, c)
		}
	}
	return r.addSilent(ctx, silent)
}

// postedKey is the key of the event that tells of a posting: its id follows from the sequence.
func postedKey(c ledger.Stamped) EventKey {
	return EventKey{c.TransactionID, c.SequenceID + "/" + string(events.TransactionPosted)}
}

// addSilent adds the journal entries of which no event tells.
func (r *run) addSilent(ctx context.Context, silent []ledger.Stamped) error {
	if len(silent) == 0 {
		return nil
	}
	var sequences []string
	for _, c := range silent {
		sequences = append(sequences, c.SequenceID)
	}
	journal, err := r.Journal.Journals(ctx, sequences)
	if err != nil {
		return err
	}
	for _, c := range silent {
		read, ok := journal[c.SequenceID]
		if !ok || read.Err != nil {
			continue // The check of the journal itself tells of those.
		}
		record := read.Record
		postedAt := timeOf(record.PostedAt)
		if r.Now().Sub(postedAt) < r.timeOf(StagePosting) {
			continue
		}
		happened, err := r.Events.Trace(ctx, record.TransactionID)
		if err != nil {
			return err
		}
		s := standingOf(happened, record.AuthorizationID)
		if s.posted != nil || s.patches > 0 && r.Now().Sub(s.patched) < r.timeOf(StagePatched) {
			continue
		}
		f := recordFinding(record, StatusMismatch, r.Now(), "it is posted and no event tells of it")
		f.B, f.Action, f.attempt = s.summary(), ActionEmitPosted, s.patches
		f.patch = func(ctx context.Context, f *finding) (patched, error) { return r.emitPosted(ctx, record.ID, f) }
		r.add(f)
	}
	return nil
}

// recordFinding fills in what is known of a journal record.
func recordFinding(record ledger.Record, category Category, now time.Time, problem string) *finding {
	f := &finding{occurredAt: timeOf(record.OccurredAt), Break: Break{Category: category, Key: record.ID, TransactionID: record.TransactionID,
		AuthorizationID: record.AuthorizationID, Sequence: record.ID, Problem: problem, Action: ActionNone, C: string(record.Outcome) + " " + record.ID}}
	if principal, ok := record.Principal(); ok {
		f.Amount = &principal
	}
	if at := timeOf(record.PostedAt); !at.IsZero() {
		f.AgeSeconds = int64(now.Sub(at).Seconds())
	}
	return f
}

// checkJournal holds journal entries against their own seal and against the authorizations that should have caused them.
func (r *run) checkJournal(ctx context.Context, all []ledger.Read) error {
	var ids []string
	var sound []ledger.Record
	for _, read := range all {
		r.report.Watermarks.C = latest(r.report.Watermarks.C, timeOf(read.Record.OccurredAt))
		if problem := unsound(read); problem != "" {
			f := recordFinding(read.Record, Unbalanced, r.Now(), problem)
			f.Key, f.Sequence = read.SequenceID, read.SequenceID
			r.add(f)
			continue
		}
		sound = append(sound, read.Record)
		ids = append(ids, read.Record.AuthorizationID)
	}
	ids = slices.DeleteFunc(distinct(ids), func(id string) bool { return id == "" })
	items, err := r.Authorizations.Get(ctx, ids)
	if err != nil {
		return err
	}
	for _, record := range sound {
		if err := r.checkRecord(ctx, record, items); err != nil {
			return fmt.Errorf("checking sequence %s: %w", record.ID, err)
		}
	}
	return nil
}

// unsound says what is wrong with a journal item in itself.
func unsound(read ledger.Read) string {
	if read.Err != nil {
		return read.Err.Error()
	}
	if err := payment.CheckBalanced(read.Record.Legs); err != nil {
		return err.Error()
	}
	if _, err := payment.Assemble(read.Record.Sequence, read.Record.Legs); err != nil {
		return err.Error()
	}
	if hash := read.Record.Hash(); hash != read.Record.EntryHash {
		return fmt.Sprintf("its content has the hash %s, recorded is %s", hash, read.Record.EntryHash)
	}
	return ""
}

// checkRecord says whether an authorization, or a request, stands behind a journal entry.
func (r *run) checkRecord(ctx context.Context, record ledger.Record, items map[string]item) error {
	item, ok := items[record.AuthorizationID]
	if !ok {
		return r.checkOrphan(ctx, record, "no authorization stands behind it")
	}
	a := readAuthorization(item)
	if a.err != nil {
		// Posted once, unreadable now: scrubbed, or changed by somebody. The posting stands.
		return r.checkOrphan(ctx, record, "its authorization cannot be read any more")
	}
	sequence := payment.SequenceID(a.key, 0)
	if sequence == record.ID && !a.parsed.IsReversal() {
		return nil
	}
	location, err := r.Locator.Locate(ctx, a.parsed)
	if err != nil {
		return err
	}
	if slices.Contains(location.All, record.ID) {
		return nil
	}
	if location.Sequence != "" {
		sequence = location.Sequence
	}
	journal, err := r.Journal.Journals(ctx, []string{sequence})
	if err != nil {
		return err
	}
	first, found := journal[sequence]
	if !found || first.Err != nil || first.Record.AuthorizationID != record.AuthorizationID {
		return r.checkOrphan(ctx, record, "its authorization is another payment: it would be posted under "+sequence)
	}
	// What somebody asked for may name the authorization as its cause: what its settlement differs by, for instance.
	if asked, err := r.isAskedFor(ctx, record, events.PostingRequested); err != nil || asked {
		return err
	}
	r.addDuplicate(record, first.Record)
	return nil
}

// addDuplicate adds the second posting of an authorization. It is compensated only where both are the same to the leg.
func (r *run) addDuplicate(second, first ledger.Record) {
	f := recordFinding(second, DuplicatePosting, r.Now(), "the authorization is posted under "+first.ID+" already")
	f.A = "approved"
	switch {
	case second.BusinessKey != first.BusinessKey || !slices.Equal(second.Legs, first.Legs):
		f.Note = "the two differ: a person must say which one counts"
	case r.Compensator == nil:
		f.Note = "its legs are those of the first: post the reverse of the second"
	default:
		f.Action = ActionCompensate
		f.patch = func(ctx context.Context, f *finding) (patched, error) { return r.compensate(ctx, second.ID, f) }
	}
	r.add(f)
}

// checkOrphan looks for a request behind a journal entry that has no authorization. Without one somebody else wrote it.
func (r *run) checkOrphan(ctx context.Context, record ledger.Record, problem string) error {
	if r.Now().Sub(timeOf(record.PostedAt)) < r.Grace || r.isForgotten(timeOf(record.OccurredAt)) {
		return nil
	}
	// Fees, disputes and settlements are asked for, and have no authorization.
	switch asked, err := r.isAskedFor(ctx, record, events.PostingRequested, events.PostingOrderCreated); {
	case err != nil:
		return err
	case asked:
		return r.checkTold(ctx, []ledger.Stamped{stamped(record)})
	}
	f := recordFinding(record, OrphanPosting, r.Now(), problem)
	f.Note = "freeze the sequence and find out who wrote it; nothing is patched"
	r.add(f)
	return nil
}

// isAskedFor reports whether an event of one of these kinds asks for a journal entry.
func (r *run) isAskedFor(ctx context.Context, record ledger.Record, kinds ...events.DetailType) (bool, error) {
	happened, err := r.Events.Trace(ctx, record.TransactionID)
	return slices.ContainsFunc(happened, func(e timeline.Entry) bool {
		return e.AuthorizationID == record.AuthorizationID && slices.Contains(kinds, e.DetailType)
	}), err
}
