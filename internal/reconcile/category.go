package reconcile

// Category is a kind of break; the numbers are those of the runbooks.
type Category string

const (
	MissingEvent     Category = "B01"
	MissingPosting   Category = "B02"
	OrphanPosting    Category = "B03"
	DuplicatePosting Category = "B04"
	AmountMismatch   Category = "B05"
	IncompleteLegs   Category = "B08"
	Unbalanced       Category = "B09"
	StatusMismatch   Category = "B10"
	StuckInStage     Category = "B11"
	DivergentDouble  Category = "B13"
	AgedSuspense     Category = "B15"
)

const (
	severityPage   = "P1"
	severityHigh   = "HIGH"
	severityMedium = "MEDIUM"
	severityLow    = "LOW"
)

// Name is the category's name in reports.
func (c Category) Name() string { return kinds[c].name }

// Severity says how soon a person should look: P1 at once.
func (c Category) Severity() string { return kinds[c].severity }

var kinds = map[Category]struct{ name, severity string }{
	MissingEvent:     {"MISSING_EVENT", severityHigh},
	MissingPosting:   {"MISSING_POSTING", severityHigh},
	OrphanPosting:    {"ORPHAN_POSTING", severityPage},
	DuplicatePosting: {"DUPLICATE_POSTING", severityPage},
	AmountMismatch:   {"AMOUNT_MISMATCH", severityHigh},
	IncompleteLegs:   {"INCOMPLETE_SEQUENCE", severityHigh},
	Unbalanced:       {"UNBALANCED_SEQUENCE", severityPage},
	StatusMismatch:   {"STATUS_MISMATCH", severityMedium},
	StuckInStage:     {"STUCK_IN_STAGE", severityHigh},
	DivergentDouble:  {"DUP_DIVERGENT", severityMedium},
	AgedSuspense:     {"AGED_SUSPENSE", severityLow},
}

// Action is what patches a break.
type Action string

const (
	// ActionNone: a person decides.
	ActionNone Action = "NONE"
	// ActionRepublish gives the authorization to dedup again, as its stream record did, and publishes what dedup returns.
	ActionRepublish Action = "REPUBLISH_AUTHORIZED"
	// ActionRedriveDecision publishes the recorded decision of the rules again, from which the legs are made.
	ActionRedriveDecision Action = "REDRIVE_DECISION"
	// ActionEmitPosted publishes that a journal entry was committed, from the journal.
	ActionEmitPosted Action = "EMIT_POSTED"
	// ActionCompensate posts the reverse of a second posting.
	ActionCompensate Action = "COMPENSATE"
	// ActionClearSuspense asks for the clearing of a suspense item whose account can be used now.
	ActionClearSuspense Action = "CLEAR_SUSPENSE"
)

// Urgent reports whether money waits for a person: the break is severe, and this run has not put it right.
func (b Break) Urgent() bool {
	return b.Severe() && b.Status != Patched && b.Status != Gone
}

// Severe reports whether the break is about money that is late or wrong.
func (b Break) Severe() bool { return b.Severity == severityPage || b.Severity == severityHigh }

// Status is what became of a break in its run.
type Status string

const (
	// Patched: an event went out that should mend it; the next run tells.
	Patched Status = "PATCHED"
	// Open: a person decides.
	Open Status = "OPEN"
	// WouldPatch: it would have been patched, but this was a dry run or patching is switched off.
	WouldPatch Status = "WOULD_PATCH"
	// Held: patching had stopped before its turn.
	Held Status = "HELD"
	// Gone: it was no break any more when it was read again just before its patch.
	Gone Status = "GONE"
	// Failed: its patch could not be published; the next run tries again.
	Failed Status = "FAILED"
)
