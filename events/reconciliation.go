package events

import "github.com/payrail/payrail/payment"

// ReconciliationBreakData is a disagreement between authorizations (A), events (B) and ledger (C) about one payment.
type ReconciliationBreakData struct {
	// BreakID is the same in every run that finds the break.
	BreakID string `json:"breakId"`
	RunID   string `json:"runId"`
	// Category is B01, B02 and so on.
	Category string `json:"category"`
	// Severity is P1, HIGH, MEDIUM or LOW.
	Severity        string `json:"severity"`
	AuthorizationID string `json:"authorizationId,omitempty"`
	Sequence        string `json:"sequence,omitempty"`
	// Problem is one sentence.
	Problem    string         `json:"problem"`
	AgeSeconds int64          `json:"ageSeconds"`
	Amount     *payment.Money `json:"amount,omitempty"`
	// Action is what would patch the break; NONE where a person decides.
	Action string `json:"action"`
}

// ReconciliationPatchData is the record of one patch: what was done, on what evidence, by whom.
type ReconciliationPatchData struct {
	PatchID  string `json:"patchId"`
	BreakID  string `json:"breakId"`
	RunID    string `json:"runId"`
	Category string `json:"category"`
	Action   string `json:"action"`
	// Attempt counts the patches of this payment.
	Attempt int `json:"attempt"`
	// Before says what was found, After what was published.
	Before   string   `json:"before"`
	After    string   `json:"after"`
	Evidence []string `json:"evidence"`
	// Actor is who started the run: schedule, or a principal.
	Actor string `json:"actor"`
}

// ReconciliationCompletedData sums up a run; its report is in S3.
type ReconciliationCompletedData struct {
	RunID string `json:"runId"`
	// Mode is WINDOW or FULL.
	Mode string `json:"mode"`
	// From and To bound the window, RFC 3339; empty in a full pass.
	From   string `json:"from,omitempty"`
	To     string `json:"to,omitempty"`
	DryRun bool   `json:"dryRun,omitempty"`
	// Complete is false for a run that ended before it had read everything.
	Complete   bool           `json:"complete"`
	Items      int            `json:"items"`
	Matched    int            `json:"matched"`
	Breaks     int            `json:"breaks"`
	ByCategory map[string]int `json:"byCategory"`
	Patched    int            `json:"patched"`
	Open       int            `json:"open"`
	// Stopped says why patching ended early, empty where it did not.
	Stopped string `json:"stopped,omitempty"`
	// Report is the key of the JSON report in the audit bucket.
	Report string `json:"report"`
}
