package reconcile

import (
	"context"
	"fmt"
	"time"

	"github.com/payrail/payrail/events"
	"github.com/payrail/payrail/internal/authorizationitem"
	"github.com/payrail/payrail/internal/ingest"
	"github.com/payrail/payrail/internal/ledger"
	"github.com/payrail/payrail/payment"
)

type item = authorizationitem.Item

// authorization is an item of side A as it was read.
type authorization struct {
	id       string
	item     item
	approved bool
	// parsed, key and hash are what dedup makes of the item; err says why it makes nothing.
	parsed        payment.Authorization
	key, hash     string
	transactionID string
	err           error
	// at is when it came in: its stamp, or where it bears none the time of the message.
	at time.Time
}

func readAuthorization(item item) authorization {
	a := authorization{id: item.ID(), item: item, approved: item.Status() == payment.StatusApproved}
	a.transactionID = payment.UnkeyedTransactionID(a.id)
	if a.parsed, a.err = payment.ParseAuthorization(item.Attributes()); a.err == nil {
		a.key, a.hash = a.parsed.BusinessKey(), a.parsed.PayloadHash()
		a.transactionID = payment.TransactionID(a.key)
		a.at = a.parsed.TransmittedAt
	}
	if at, err := ingest.ParseTime(item.Attributes()[ingest.TimeAttribute].Text); err == nil {
		a.at = at
	}
	return a
}

// located is an authorization with where it is posted, or is to be.
type located struct {
	authorization
	sequence string
	location Location
	read     ledger.Read
	found    bool
}

// checkAuthorizations holds authorizations against the journal and, where that does not have them, against what was said of them.
func (r *run) checkAuthorizations(ctx context.Context, all []authorization) error {
	var checked []located
	var sequences []string
	for _, a := range all {
		if !a.approved {
			continue // It was taken back since: nothing is owed.
		}
		l := located{authorization: a}
		if a.err == nil && !a.parsed.IsReversal() {
			l.sequence = payment.SequenceID(a.key, 0)
			sequences = append(sequences, l.sequence)
		}
		checked = append(checked, l)
	}
	journal, err := r.Journal.Journals(ctx, distinct(sequences))
	if err != nil {
		return err
	}
	var told []ledger.Stamped
	for _, l := range checked {
		if l.read, l.found = journal[l.sequence]; !l.found {
			if err := r.locate(ctx, &l); err != nil {
				return fmt.Errorf("locating authorization %s: %w", l.id, err)
			}
		}
		if r.isPosted(l) {
			told = append(told, stamped(l.read.Record))
			continue
		}
		if err := r.checkUnposted(ctx, l); err != nil {
			return fmt.Errorf("checking authorization %s: %w", l.id, err)
		}
	}
	return r.checkTold(ctx, told)
}

// locate looks for an authorization in the purchases where the journal has no sequence of its own.
func (r *run) locate(ctx context.Context, l *located) error {
	if l.err != nil {
		return nil
	}
	var err error
	if l.location, err = r.Locator.Locate(ctx, l.parsed); err != nil || l.location.Sequence == "" || l.location.Sequence == l.sequence {
		return err
	}
	l.sequence = l.location.Sequence
	journal, err := r.Journal.Journals(ctx, []string{l.sequence})
	l.read, l.found = journal[l.sequence]
	return err
}

// isPosted reports whether an authorization's journal entry is its own, and holds the amounts against each other.
func (r *run) isPosted(l located) bool {
	if !l.found || l.read.Err != nil || l.read.Record.AuthorizationID != l.id || l.read.Record.PayloadHash != l.hash {
		return false
	}
	record := l.read.Record
	principal, ok := record.Principal()
	own := ok && !l.parsed.IsReversal() && payment.IsFirstSequence(record.ID)
	if own && principal != l.parsed.BillingAmount {
		diff := principal.Minor - l.parsed.BillingAmount.Minor
		r.add(l.finding(AmountMismatch, r.Now(), finding{broken: 1, Break: Break{DiffMinor: diff, C: principal.String(),
			Problem: fmt.Sprintf("billed %s, posted %s", l.parsed.BillingAmount, principal)}}))
		return false
	}
	if !own {
		principal = l.parsed.BillingAmount
	}
	r.match(l.id, l.at, record.Outcome, principal)
	return true
}

// finding fills in what is known of the authorization.
func (l located) finding(category Category, now time.Time, f finding) *finding {
	f.Category, f.Key, f.TransactionID, f.AuthorizationID = category, l.id, l.transactionID, l.id
	f.Sequence, f.Amount, f.panToken, f.occurredAt = l.sequence, amountOf(l.parsed), l.parsed.PANToken, l.at
	f.A = "approved"
	if f.AgeSeconds == 0 && !l.at.IsZero() {
		f.AgeSeconds = int64(now.Sub(l.at).Seconds())
	}
	if f.Action == "" {
		f.Action = ActionNone
	}
	return &f
}

// checkUnposted says what became of an authorization that the journal does not have.
func (r *run) checkUnposted(ctx context.Context, l located) error {
	switch {
	case r.found[breakID(AmountMismatch, l.id)] != nil:
		return nil // It is accounted for.
	case l.location.Joined:
		r.report.Outcomes.ParkedDuplicate++
		return nil
	case l.location.Waiting != nil:
		r.wait(ctx, l)
		return nil
	}
	if l.found && l.read.Err != nil {
		return r.checkJournal(ctx, []ledger.Read{l.read})
	}
	if l.found && l.read.Record.AuthorizationID == l.id {
		r.report.Outcomes.Conflict++
		r.add(l.finding(DivergentDouble, r.Now(), finding{Break: Break{C: "POSTED " + l.sequence, Problem: "the authorization was changed after it was posted"}}))
		return nil
	}
	happened, err := r.Events.Trace(ctx, l.transactionID)
	if err != nil {
		return err
	}
	if l.err == nil && len(happened) == 0 {
		// What cannot be keyed when dedup reads it, and can now, was told of under another transaction.
		if happened, err = r.Events.Trace(ctx, payment.UnkeyedTransactionID(l.id)); err != nil {
			return err
		}
	}
	s := standingOf(happened, l.id)
	now := r.Now()
	switch {
	case s.aside == events.DuplicateTransactionParked:
		r.report.Outcomes.ParkedDuplicate++
	case s.aside == events.TransactionRejected:
		r.report.Outcomes.Rejected++
	case s.aside == events.TransactionQuarantined:
		r.report.Outcomes.Quarantined++
	case s.aside == events.DuplicateConflictDetected:
		r.report.Outcomes.Conflict++
		r.add(l.finding(DivergentDouble, now, finding{Break: Break{B: s.last, Problem: "its business key is known with other content; it is parked and never posted"}}))
	case s.failed != nil:
		r.report.Outcomes.FailedReview++
		r.report.WorkItems = append(r.report.WorkItems, WorkItem{TransactionID: l.transactionID, AuthorizationID: l.id, Reason: s.failed.Summary,
			AgeSeconds: int64(now.Sub(s.at).Seconds()), Amount: amountOf(l.parsed)})
	case r.isUnderWay(l, s, now):
	default:
		return r.addMissing(ctx, l, s, now)
	}
	return nil
}

// isUnderWay reports whether a payment may still be on its way, and counts it.
func (r *run) isUnderWay(l located, s standing, now time.Time) bool {
	if s.patches > 0 && now.Sub(s.patched) < r.timeOf(StagePatched) {
		r.inFlight(StagePatched)
		return true
	}
	since := latest(l.at, s.at)
	if !s.known {
		since = l.at
	}
	if now.Sub(since) < r.timeOf(s.stage) {
		r.inFlight(s.stage)
		return true
	}
	return false
}

// addMissing says at which point an authorization was lost.
func (r *run) addMissing(ctx context.Context, l located, s standing, now time.Time) error {
	f := l.finding(MissingPosting, now, finding{broken: 1, attempt: s.patches, Break: Break{B: s.summary(), Action: ActionRepublish}})
	f.patch = func(ctx context.Context, f *finding) (patched, error) { return r.resend(ctx, l, f) }
	redrive := func() {
		f.Action = ActionRedriveDecision
		f.patch = func(ctx context.Context, f *finding) (patched, error) {
			return r.redriveDecision(ctx, l, *s.decided, f)
		}
	}
	switch {
	case !s.known && r.Events.Complete():
		f.Category, f.Problem = MissingEvent, "no event tells of the authorization"
	case !s.known:
		f.Problem = "the payment has come to no end; which stage lost it is not recorded"
	case s.posted != nil:
		f.Problem = "an event tells that it was posted, and the journal does not have it"
		if s.decided != nil {
			redrive()
		}
	case s.decided != nil:
		waiting, err := r.Assembly.Waiting(ctx, l.sequence)
		if err != nil {
			return err
		}
		f.Problem = "it was decided and not posted"
		redrive()
		if len(waiting) > 0 {
			f.Category = IncompleteLegs
			f.Problem = incomplete(waiting)
			f.Note = mayRegenerate(waiting)
		}
	default:
		f.Category, f.Problem = StuckInStage, fmt.Sprintf("it has been in the stage %s for %s", s.stage, now.Sub(s.at).Round(time.Second))
	}
	if s.attempt > 1 && f.Action == ActionRepublish {
		f.Note = "it was repaired: repeat the repair with the same correction"
	}
	if f.Note != "" {
		f.Action, f.patch = ActionNone, nil
	}
	r.add(f)
	return nil
}

// incomplete says how much of a sequence waits.
func incomplete(waiting []Waiting) string {
	w := waiting[0]
	if len(waiting) > 1 {
		return fmt.Sprintf("%d versions of the sequence wait for legs", len(waiting))
	}
	return fmt.Sprintf("%d of %d legs have waited for the others", len(w.Legs), w.Of)
}

// mayRegenerate says why legs must not be made again, empty where they may: the decision makes the legs anew, and they must be
// the ones that wait, which they are by the same posting rules.
func mayRegenerate(waiting []Waiting) string {
	if len(waiting) > 1 {
		return "legs of several versions wait: a person must say which one counts"
	}
	for _, leg := range waiting[0].Legs {
		if leg.RuleVersion != payment.PostingRuleVersion() {
			return fmt.Sprintf("its legs were made by posting rules %s, now they would be made by %s", leg.RuleVersion, payment.PostingRuleVersion())
		}
	}
	return ""
}

// stamped is a record as the index would have it.
func stamped(record ledger.Record) ledger.Stamped {
	principal, _ := record.Principal()
	return ledger.Stamped{SequenceID: record.ID, AuthorizationID: record.AuthorizationID, TransactionID: record.TransactionID,
		Outcome: record.Outcome, OccurredAt: timeOf(record.OccurredAt), Principal: principal}
}

func distinct(texts []string) []string {
	seen := map[string]bool{}
	var once []string
	for _, text := range texts {
		if !seen[text] {
			seen[text] = true
			once = append(once, text)
		}
	}
	return once
}
