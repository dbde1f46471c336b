package reconcile

import (
	"strings"
	"time"

	"github.com/payrail/payrail/events"
	"github.com/payrail/payrail/internal/timeline"
	"github.com/payrail/payrail/payment"
)

// Stage is where a payment is on its way.
type Stage string

const (
	StageIngest           Stage = "ingest" // nothing has been said of it yet
	StageStandardize      Stage = "standardize"
	StageEnrich           Stage = "enrich"
	StageRules            Stage = "rules"
	StageAccountInterface Stage = "accountinterface"
	StagePosting          Stage = "posting"
	StageWaiting          Stage = "waiting" // a reversal, for its original
	StagePatched          Stage = "patched" // a patch has gone out
)

const (
	// queueTime is how long a stage behind a queue may take before its message is in the dead-letter queue: five deliveries, three
	// minutes apart.
	queueTime = 15 * time.Minute
	// RulesTime is that of the rules engine, which has no queue: an execution that failed after it started comes back by no
	// retry but this one.
	RulesTime = 5 * time.Minute
)

// stageAfter is where a payment is of which this event was the last.
var stageAfter = map[events.DetailType]Stage{
	events.TransactionAuthorized:              StageStandardize,
	events.TransactionStandardized:            StageEnrich,
	events.TransactionEnriched:                StageRules,
	events.ForeignTransactionFound:            StageRules,
	events.CurrencyConversionTransactionFound: StageRules,
	events.WarningMerchantTypeFound:           StageRules,
	events.TransactionPostingApproved:         StageAccountInterface,
	events.TransactionRoutedToSuspense:        StageAccountInterface,
	events.PostingLegCreated:                  StagePosting,
	events.PostingOrderCreated:                StagePosting,
}

// progress orders the stages, so that the furthest counts and not the last event: events arrive in any order.
var progress = map[Stage]int{StageIngest: 0, StageStandardize: 1, StageEnrich: 2, StageRules: 3, StageAccountInterface: 4, StagePosting: 5}

// timeOf is how long a payment may be in a stage.
func (o Options) timeOf(stage Stage) time.Duration {
	if o.StageTime != nil {
		return *o.StageTime
	}
	switch stage {
	case StageIngest:
		return o.Grace
	case StageRules:
		return max(o.Grace, RulesTime)
	default:
		return max(o.Grace, queueTime)
	}
}

// standing is what side B says of one authorization.
type standing struct {
	// known: something has been said of it.
	known   bool
	stage   Stage
	last    string    // the event that says so
	at      time.Time // when the latest of its events was published
	attempt int
	// decided is the decision to post, posted that it was, failed that a person must look; nil where there is none.
	decided, posted, failed *timeline.Entry
	// aside is the event that set it aside.
	aside events.DetailType
	// patches counts the patches so far, patched is when the last one went out.
	patches int
	patched time.Time
}

// standingOf reads what was said of an authorization under its transaction, in the order of time. Another authorization may share
// the transaction: a duplicate does.
func standingOf(happened []timeline.Entry, authorizationID string) standing {
	s := standing{stage: StageIngest}
	for i := range happened {
		e := &happened[i]
		if e.AuthorizationID != authorizationID {
			continue
		}
		published := timeOf(e.PublishedAt)
		switch e.DetailType {
		case events.ReconciliationPatchApplied:
			s.patches++
			s.patched = latest(s.patched, published)
			continue
		case events.ReconciliationBreakFound, events.ReconciliationCompleted:
			continue
		case events.TransactionPosted:
			s.posted = e
		case events.TransactionPostingFailed:
			s.failed = e
		case events.DuplicateTransactionParked, events.DuplicateConflictDetected, events.TransactionRejected, events.TransactionQuarantined:
			s.aside = e.DetailType
		case events.TransactionPostingApproved, events.TransactionRoutedToSuspense:
			if s.decided == nil || attemptOf(e) >= attemptOf(s.decided) {
				s.decided = e
			}
		}
		s.known = true
		s.attempt = max(s.attempt, attemptOf(e))
		s.at = latest(s.at, published)
		if stage := stageAfter[e.DetailType]; s.last == "" || progress[stage] >= progress[s.stage] {
			s.last = string(e.DetailType)
			if stage != "" {
				s.stage = stage
			}
		}
	}
	if s.failed != nil && attemptOf(s.failed) < s.attempt {
		s.failed = nil // It was repaired and is on its way again.
	}
	return s
}

// attemptsAt is how often breaks of one category about an authorization were patched.
func attemptsAt(category Category, happened []timeline.Entry, authorizationID string) (n int) {
	for _, e := range happened {
		if e.DetailType == events.ReconciliationPatchApplied && e.AuthorizationID == authorizationID && strings.Contains(e.EventID, "/"+string(category)+"/") {
			n++
		}
	}
	return n
}

func attemptOf(e *timeline.Entry) int { return max(e.Attempt, 1) }

func timeOf(text string) time.Time {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{} // Long ago: what cannot say when it was is not in flight.
	}
	return t
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// summary says in a few words what B has.
func (s standing) summary() string {
	if !s.known {
		return ""
	}
	return s.last
}

// amountOf is the billed amount of an authorization for a break, nil where it has none.
func amountOf(a payment.Authorization) *payment.Money {
	if a.BillingAmount.Currency == "" {
		return nil
	}
	amount := a.BillingAmount
	return &amount
}
