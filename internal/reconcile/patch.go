package reconcile

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"fmt"
	"strconv"

	"github.com/payrail/payrail/events"
	"github.com/payrail/payrail/internal/ledger"
	"github.com/payrail/payrail/internal/timeline"
	"github.com/payrail/payrail/payment"
)

const (
	// maxAttempts is how often a payment is patched. What three patches did not mend is something else than lost.
	maxAttempts = 3
	// shareCap and leastCap: a run patches at most one in a thousand of what it compared, but ten anyhow. More than that is no
	// accident of single payments but a fault of the system, which patches would only hide.
	shareCap = 1000
	leastCap = 10
)

// Caps bound what one run patches.
type Caps struct {
	// Patches is how many patches at most, whatever the share.
	Patches int
	// Value is the most that the patched payments of one currency may be worth together, in major units; 0 is no limit.
	Value int64
}

// patched is what a patch did. gone says that there was no break any more.
type patched struct {
	gone     bool
	after    string
	evidence []string
	// reason, where there is one, says why it must not be patched.
	reason string
}

var idEncoding = base32.StdEncoding.WithPadding(base32.NoPadding)

// breakID is the same in every run: a break is known by its category and what it is about.
func breakID(category Category, key string) string {
	digest := sha256.Sum256([]byte(string(category) + "|" + key))
	return "brk_" + idEncoding.EncodeToString(digest[:10])
}

// budget is what is left of the caps.
type budget struct {
	patches int
	value   int64
	spent   map[payment.Currency]int64
}

func (r *run) budget() *budget {
	allowed := max(leastCap, r.report.Summary.Items/shareCap)
	return &budget{patches: min(allowed, r.Caps.Patches), value: r.Caps.Value, spent: map[payment.Currency]int64{}}
}

// take says why a patch is beyond the caps, or takes it from the budget.
func (b *budget) take(f *finding) (reason string) {
	if b.patches == 0 {
		return "the cap of patches in one run is reached"
	}
	if f.Amount != nil && b.value > 0 {
		limit, err := payment.ParseMoney(strconv.FormatInt(b.value, 10), f.Amount.Currency)
		if err != nil {
			return "the cap of value cannot be applied to " + f.Amount.String()
		}
		if f.Amount.Minor > limit.Minor-b.spent[f.Amount.Currency] {
			return "the cap of value in one run is reached in " + string(f.Amount.Currency)
		}
		b.spent[f.Amount.Currency] += f.Amount.Minor
	}
	b.patches--
	return ""
}

// giveBack returns to the budget what was taken for a patch that turned out to be none.
func (b *budget) giveBack(f *finding) {
	if f.Amount != nil && b.value > 0 {
		b.spent[f.Amount.Currency] -= f.Amount.Minor
	}
	b.patches++
}

// patchAll patches what may be patched. Beyond a cap nothing more is patched, and the report says so.
func (r *run) patchAll(ctx context.Context) {
	left := r.budget()
	patching := ctx
	if deadline, ok := ctx.Deadline(); ok {
		var stop context.CancelFunc
		patching, stop = context.WithDeadline(ctx, deadline.Add(-reportReserve))
		defer stop()
	}
	for _, f := range r.order {
		switch {
		case f.patch == nil:
		case f.attempt >= maxAttempts:
			f.Note = fmt.Sprintf("patched %d times without effect: a person must look", f.attempt)
			f.Action = ActionNone
		case r.request.DryRun || !r.Patching:
			f.Status = WouldPatch
		case r.report.Stopped != "":
			f.Status = Held
		case patching.Err() != nil:
			r.stop("the time of the run was over before everything was patched")
			f.Status = Held
		default:
			if reason := left.take(f); reason != "" {
				r.stop(reason)
				f.Status = Held
				continue
			}
			if r.patch(ctx, patching, f); f.Status == Gone || f.Status == Open {
				left.giveBack(f)
			}
		}
	}
}

// patch does one patch while patching allows, and records it.
func (r *run) patch(ctx, patching context.Context, f *finding) {
	done, err := f.patch(patching, f)
	switch {
	case err != nil:
		f.Status, f.Note = Failed, err.Error()
		r.Logger.ErrorContext(ctx, "patch failed", "runId", r.report.RunID, "breakId", f.ID, "transactionId", f.TransactionID, "action", f.Action, "error", err)
		return
	case done.gone:
		f.Status = Gone
		return
	case done.reason != "":
		f.Status, f.Note, f.Action = Open, done.reason, ActionNone
		return
	}
	attempt := f.attempt + 1
	p := Patch{ID: "pt_" + f.ID[len("brk_"):] + "-" + strconv.Itoa(attempt), BreakID: f.ID, Category: f.Category, Action: f.Action, Attempt: attempt,
		Before: f.Problem, After: done.after, Evidence: done.evidence, Actor: r.request.Actor}
	f.Status, f.PatchID = Patched, p.ID
	r.report.Patches = append(r.report.Patches, p)
	if err := r.record(ctx, p, f); err != nil {
		f.Note = "its record is in this report alone: " + err.Error()
		r.Logger.ErrorContext(ctx, "patch not recorded", "runId", r.report.RunID, "patchId", p.ID, "error", err)
	}
}

// reread reads both sides again, strongly consistently, just before a patch. The authorization must be what it was.
func (r *run) reread(ctx context.Context, l located) (now authorization, evidence []string, gone bool, err error) {
	items, err := r.Authorizations.Get(ctx, []string{l.id})
	if err != nil {
		return authorization{}, nil, false, err
	}
	item, ok := items[l.id]
	if !ok {
		return authorization{}, nil, true, nil
	}
	now = readAuthorization(item)
	if !now.approved || now.key != l.key || now.hash != l.hash {
		return authorization{}, nil, true, nil
	}
	evidence = append(evidence, "authorization read again: approved, unchanged")
	if l.sequence == "" {
		return now, evidence, false, nil
	}
	journal, err := r.Journal.Journals(ctx, []string{l.sequence})
	if err != nil {
		return authorization{}, nil, false, err
	}
	if read, found := journal[l.sequence]; found && (read.Err != nil || read.Record.AuthorizationID == l.id) {
		return authorization{}, nil, true, nil
	}
	return now, append(evidence, "journal read again: no sequence "+l.sequence+" of it"), false, nil
}

// resend gives the authorization to dedup again and publishes what dedup forwards.
func (r *run) resend(ctx context.Context, l located, f *finding) (patched, error) {
	a, evidence, gone, err := r.reread(ctx, l)
	if err != nil || gone {
		return patched{gone: gone}, err
	}
	at := a.at
	if at.IsZero() {
		at = r.Now()
	}
	forwarded, err := r.Resender.Resend(ctx, a.item, at)
	if err != nil {
		return patched{}, fmt.Errorf("sending it through dedup: %w", err)
	}
	if len(forwarded) == 0 {
		// Dedup has set it aside and told of that: it has come to its end.
		return patched{after: "given to dedup, which set it aside", evidence: evidence}, nil
	}
	if err := r.publish(ctx, forwarded); err != nil {
		return patched{}, err
	}
	return patched{after: "published " + string(events.TransactionAuthorized) + " again", evidence: evidence}, nil
}

// redriveDecision publishes the recorded decision again: legs are made of it anew, under the same ids, and posting takes them once.
func (r *run) redriveDecision(ctx context.Context, l located, decided timeline.Entry, f *finding) (patched, error) {
	_, evidence, gone, err := r.reread(ctx, l)
	if err != nil || gone {
		return patched{gone: gone}, err
	}
	event, found, err := r.Decisions.Decision(ctx, EventKey{l.transactionID, decided.EventID}, decided.DetailType, timeOf(decided.OccurredAt))
	if err != nil {
		return patched{}, fmt.Errorf("finding the decision: %w", err)
	}
	if !found {
		return patched{}, fmt.Errorf("%w: %s", ErrNotRecorded, decided.EventID)
	}
	if err := r.publish(ctx, []events.Event{event}); err != nil {
		return patched{}, err
	}
	return patched{after: "published " + decided.EventID + " again", evidence: append(evidence, "decision "+decided.EventID+" found in the audit log")}, nil
}

// ErrNotRecorded says that the audit log does not have an event, or not yet: Firehose writes a minute late.
var ErrNotRecorded = errors.New("the audit log does not have the event yet")

// emitPosted publishes that a journal entry was committed, from the journal, under the id that posting would have given it.
func (r *run) emitPosted(ctx context.Context, sequence string, _ *finding) (patched, error) {
	journal, err := r.Journal.Journals(ctx, []string{sequence})
	if err != nil {
		return patched{}, err
	}
	read, ok := journal[sequence]
	if !ok {
		return patched{gone: true}, nil
	}
	if problem := unsound(read); problem != "" {
		return patched{reason: problem}, nil
	}
	key := postedKey(stamped(read.Record))
	known, err := r.Events.Known(ctx, []EventKey{key})
	if err != nil || known[key] {
		return patched{gone: known[key]}, err
	}
	event, err := r.postedEvent(ctx, read.Record)
	if err != nil {
		return patched{}, err
	}
	if err := r.publish(ctx, []events.Event{event}); err != nil {
		return patched{}, err
	}
	return patched{after: "published " + key.EventID, evidence: []string{"journal read again: sequence " + sequence + ", sound", "events read again: none tells of it"}}, nil
}

// postedEvent is the event that posting publishes of a record.
func (r *run) postedEvent(ctx context.Context, record ledger.Record) (events.Event, error) {
	token := ""
	items, err := r.Authorizations.Get(ctx, []string{record.AuthorizationID})
	if err != nil {
		return events.Event{}, err
	}
	if item, ok := items[record.AuthorizationID]; ok {
		token = readAuthorization(item).parsed.PANToken
	}
	cause := events.First(events.PostingLegCreated, record.TransactionID, record.AuthorizationID, token, "", timeOf(record.OccurredAt), r.Now())
	cause.PostingSequence = record.ID
	cause.EventID = record.ID + "/" + string(events.PostingLegCreated) + "/1"
	return events.New(events.TransactionPosted, events.SourceReconcile, cause.Next(events.TransactionPosted, "", r.Now()),
		events.PostedData{Sequence: record.Sequence, Outcome: record.Outcome, EntryHash: record.EntryHash, Legs: record.Legs})
}

// compensate posts the reverse of a second posting.
func (r *run) compensate(ctx context.Context, sequence string, _ *finding) (patched, error) {
	journal, err := r.Journal.Journals(ctx, []string{sequence})
	if err != nil {
		return patched{}, err
	}
	read, ok := journal[sequence]
	if !ok || read.Err != nil {
		return patched{gone: !ok, reason: "it cannot be read"}, nil
	}
	event, err := r.Compensator.Compensate(ctx, read.Record)
	if err != nil {
		return patched{}, fmt.Errorf("making the compensation: %w", err)
	}
	if err := r.publish(ctx, []events.Event{event}); err != nil {
		return patched{}, err
	}
	return patched{after: "asked for the reverse of " + sequence, evidence: []string{"journal read again: both sequences, the same to the leg"}}, nil
}

// publish puts events; one that could not be put fails the patch.
func (r *run) publish(ctx context.Context, all []events.Event) error {
	var errs []error
	for i, err := range r.Publisher.Publish(ctx, all) {
		errs = append(errs, fmt.Errorf("publishing %s: %w", all[i].DetailType, err))
	}
	return errors.Join(errs...)
}
