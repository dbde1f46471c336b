package reconcile

import (
	"time"

	"github.com/payrail/payrail/payment"
)

// Report is what a run found and did.
type Report struct {
	RunID    string `json:"runId"`
	Mode     Mode   `json:"mode"`
	Window   Window `json:"window"`
	DryRun   bool   `json:"dryRun"`
	Patching bool   `json:"patching"`
	Actor    string `json:"actor"`
	// Complete is false where the run had to end before it had read everything; Stopped then says why.
	Complete bool   `json:"complete"`
	Stopped  string `json:"stopped,omitempty"`
	// Events says what B was read from: TIMELINE, OUTCOMES (a timeline of endings alone) or AUDIT_LOG.
	Events string `json:"events"`
	// Watermarks are the latest ingest times that were compared.
	Watermarks    Watermarks     `json:"watermarks"`
	ControlTotals []ControlTotal `json:"controlTotals"`
	Equation      string         `json:"equation"`
	// Balanced reports whether the equation holds with nothing broken.
	Balanced bool     `json:"balanced"`
	Outcomes Outcomes `json:"outcomes"`
	// InFlight counts, by the stage they are in, payments younger than that stage's time.
	InFlight map[Stage]int `json:"inFlight"`
	Breaks   []Break       `json:"breaks"`
	// BreaksOmitted counts breaks that the report has no room for.
	BreaksOmitted int `json:"breaksOmitted,omitempty"`
	// Expired counts the reversals whose waiting for their original was ended.
	Expired int `json:"expired,omitempty"`
	// WorkItems wait for a person without being breaks: failed reviews.
	WorkItems []WorkItem `json:"workItems"`
	Patches   []Patch    `json:"patches"`
	Summary   Summary    `json:"summary"`
	StartedAt time.Time  `json:"startedAt"`
	EndedAt   time.Time  `json:"endedAt"`
}

// Equation is what must hold of the authorizations compared.
const equation = "A = posted + suspense + failedReview + rejected + parkedDuplicate + conflict + quarantined + inFlight + broken"

// Mode says what a run reads.
type Mode string

const (
	// WindowMode compares the buckets of a window through the indexes.
	WindowMode Mode = "WINDOW"
	// FullMode reads a segment of both tables.
	FullMode Mode = "FULL"
)

// Window is what was compared.
type Window struct {
	From         time.Time `json:"from,omitzero"`
	To           time.Time `json:"to,omitzero"`
	GraceSeconds int64     `json:"graceSec"`
	// Segment and Segments are of a full pass.
	Segment  int `json:"segment,omitempty"`
	Segments int `json:"segments,omitempty"`
}

// Watermarks are the latest times met on each side.
type Watermarks struct {
	A time.Time `json:"a,omitzero"`
	C time.Time `json:"c,omitzero"`
}

// Total is one side of a control total. Hash is the exclusive-or of a hash of each item's id and amount: two sides with the same
// hash hold the same items.
type Total struct {
	N     int    `json:"n"`
	Minor int64  `json:"minor"`
	Hash  string `json:"hash"`
}

// ControlTotal holds both sides of one hour and currency against each other.
type ControlTotal struct {
	// Hour is 2026-11-22T01; empty for what bears no stamp.
	Hour     string           `json:"hour,omitempty"`
	Currency payment.Currency `json:"ccy"`
	A        Total            `json:"a"`
	C        Total            `json:"c"`
}

// Outcomes counts what authorizations came to.
type Outcomes struct {
	Posted          int `json:"posted"`
	Suspense        int `json:"suspense"`
	FailedReview    int `json:"failedReview"`
	Rejected        int `json:"rejected"`
	ParkedDuplicate int `json:"parkedDuplicate"`
	Conflict        int `json:"conflict"`
	Quarantined     int `json:"quarantined"`
	InFlight        int `json:"inFlight"`
	Broken          int `json:"broken"`
}

// Break is a disagreement about one payment.
type Break struct {
	// ID is the same in every run that finds the break.
	ID              string         `json:"id"`
	Category        Category       `json:"category"`
	Name            string         `json:"name"`
	Severity        string         `json:"severity"`
	Key             string         `json:"key"`
	TransactionID   string         `json:"transactionId,omitempty"`
	AuthorizationID string         `json:"authorizationId,omitempty"`
	Sequence        string         `json:"sequence,omitempty"`
	Problem         string         `json:"problem"`
	AgeSeconds      int64          `json:"ageSec"`
	Amount          *payment.Money `json:"amount,omitempty"`
	// DiffMinor is C less A, in the currency of Amount.
	DiffMinor int64 `json:"diffMinor,omitempty"`
	// A, B and C say in a few words what each side has; empty where it has nothing.
	A       string `json:"a,omitempty"`
	B       string `json:"b,omitempty"`
	C       string `json:"c,omitempty"`
	Action  Action `json:"action"`
	Status  Status `json:"status"`
	PatchID string `json:"patchId,omitempty"`
	// Note says why it was not patched, or what a person should know.
	Note string `json:"note,omitempty"`
}

// WorkItem is a payment that waits for a person where the rules sent it.
type WorkItem struct {
	TransactionID   string         `json:"transactionId"`
	AuthorizationID string         `json:"authorizationId"`
	Reason          string         `json:"reason"`
	AgeSeconds      int64          `json:"ageSec"`
	Amount          *payment.Money `json:"amount,omitempty"`
}

// Patch is what was done about a break.
type Patch struct {
	ID       string   `json:"id"`
	BreakID  string   `json:"breakId"`
	Category Category `json:"category"`
	Action   Action   `json:"action"`
	Attempt  int      `json:"attempt"`
	Before   string   `json:"before"`
	After    string   `json:"after"`
	Evidence []string `json:"evidence"`
	Actor    string   `json:"actor"`
}

// Summary is what a dashboard shows.
type Summary struct {
	Items         int              `json:"items"`
	Matched       int              `json:"matched"`
	ByCategory    map[Category]int `json:"byCategory"`
	AutoPatched   int              `json:"autoPatched"`
	Open          int              `json:"open"`
	MatchRatePct  string           `json:"matchRatePct"`
	OldestOpenSec int64            `json:"oldestOpenSec"`
}
