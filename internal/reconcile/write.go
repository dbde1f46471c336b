package reconcile

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// reportFolder is where reports are in the audit bucket, whose object lock keeps them as they are.
const reportFolder = "recon/"

// write puts the report as JSON, its breaks as CSV and a summary for people, and at last a manifest with the hashes of the three: a
// report without a manifest was not written to its end.
func (r *run) write(ctx context.Context) (key string, err error) {
	base := strings.TrimSuffix(r.report.Key(), ".json")
	form, err := json.MarshalIndent(r.report, "", "  ")
	if err != nil {
		return "", fmt.Errorf("encoding it: %w", err)
	}
	table, err := breaksCSV(r.report.Breaks)
	if err != nil {
		return "", err
	}
	var manifest strings.Builder
	for _, file := range []struct {
		ending, contentType string
		body                []byte
	}{{".json", "application/json", form}, {".csv", "text/csv", table}, {".md", "text/markdown; charset=utf-8", []byte(r.report.Markdown())}} {
		if err := r.Reports.Put(ctx, base+file.ending, file.contentType, file.body); err != nil {
			return "", err
		}
		sum := sha256.Sum256(file.body)
		fmt.Fprintf(&manifest, "%s  %s%s\n", hex.EncodeToString(sum[:]), r.report.RunID, file.ending)
	}
	return base + ".json", r.Reports.Put(ctx, base+".sha256", "text/plain; charset=utf-8", []byte(manifest.String()))
}

// Key is the report's key in its bucket.
func (r *Report) Key() string {
	return reportFolder + r.StartedAt.Format(time.DateOnly) + "/" + r.RunID + ".json"
}

func breaksCSV(breaks []Break) ([]byte, error) {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	rows := [][]string{{"id", "category", "name", "severity", "status", "action", "transactionId", "authorizationId", "sequence", "ageSec", "amount", "currency",
		"diffMinor", "a", "b", "c", "problem", "note", "patchId"}}
	for _, k := range breaks {
		amount, currency := "", ""
		if k.Amount != nil {
			amount, currency = k.Amount.Decimal(), string(k.Amount.Currency)
		}
		row := []string{k.ID, string(k.Category), k.Name, k.Severity, string(k.Status), string(k.Action), k.TransactionID, k.AuthorizationID, k.Sequence,
			strconv.FormatInt(k.AgeSeconds, 10), amount, currency, strconv.FormatInt(k.DiffMinor, 10), k.A, k.B, k.C, k.Problem, k.Note, k.PatchID}
		for i, cell := range row {
			row[i] = plain(cell)
		}
		rows = append(rows, row)
	}
	if err := w.WriteAll(rows); err != nil {
		return nil, fmt.Errorf("writing the breaks as CSV: %w", err)
	}
	return b.Bytes(), nil
}

// plain keeps a spreadsheet from taking what an authorizer wrote for a formula.
func plain(cell string) string {
	if cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) && !isNumber(cell) {
		return "'" + cell
	}
	return cell
}

func isNumber(cell string) bool { return strings.Trim(cell, "-0123456789.") == "" }

// maxListed is how many breaks the summary for people lists; the CSV has all.
const maxListed = 100

// Markdown is the report for people.
func (r *Report) Markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Reconciliation %s\n\n%s\n\n", r.RunID, r.headline())
	if r.Mode == WindowMode {
		fmt.Fprintf(&b, "Window: %s to %s, grace %d s. ", r.Window.From.Format(time.RFC3339), r.Window.To.Format(time.RFC3339), r.Window.GraceSeconds)
	} else {
		fmt.Fprintf(&b, "Full pass, segment %d of %d. ", r.Window.Segment+1, r.Window.Segments)
	}
	fmt.Fprintf(&b, "Events read from: %s. Started by: %s.\n\n", r.Events, r.Actor)
	if r.Stopped != "" {
		fmt.Fprintf(&b, "**Stopped:** %s.\n\n", r.Stopped)
	}
	o := r.Outcomes
	fmt.Fprintf(&b, "| Authorizations | Posted | Suspense | Failed review | Rejected | Duplicate | Conflict | Quarantined | In flight | Broken |\n|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n"+
		"| %d | %d | %d | %d | %d | %d | %d | %d | %d | %d |\n\n", r.Summary.Items, o.Posted, o.Suspense, o.FailedReview, o.Rejected, o.ParkedDuplicate, o.Conflict, o.Quarantined, o.InFlight, o.Broken)
	b.WriteString("| Hour | Currency | A: number, minor units, hash | C: number, minor units, hash |\n|---|---|---|---|\n")
	for _, t := range r.ControlTotals {
		fmt.Fprintf(&b, "| %s | %s | %d, %d, %s | %d, %d, %s |\n", t.Hour, t.Currency, t.A.N, t.A.Minor, t.A.Hash, t.C.N, t.C.Minor, t.C.Hash)
	}
	if len(r.InFlight) > 0 {
		b.WriteString("\nIn flight:")
		for _, stage := range slices.Sorted(maps.Keys(r.InFlight)) {
			fmt.Fprintf(&b, " %s %d", stage, r.InFlight[stage])
		}
		b.WriteString("\n")
	}
	r.listBreaks(&b)
	if len(r.WorkItems) > 0 {
		fmt.Fprintf(&b, "\n%d failed reviews wait for a repair; the oldest for %s.\n", len(r.WorkItems), oldest(r.WorkItems))
	}
	return b.String()
}

func (r *Report) headline() string {
	if r.Summary.Open == 0 && r.Summary.AutoPatched == 0 && r.Complete {
		return fmt.Sprintf("Clean: %d of %d authorizations matched (%s %%).", r.Summary.Matched, r.Summary.Items, r.Summary.MatchRatePct)
	}
	return fmt.Sprintf("%d of %d authorizations matched (%s %%); %d breaks patched, %d open.", r.Summary.Matched, r.Summary.Items, r.Summary.MatchRatePct, r.Summary.AutoPatched, r.Summary.Open)
}

func (r *Report) listBreaks(b *strings.Builder) {
	if len(r.Breaks) == 0 {
		return
	}
	b.WriteString("\n| Break | Severity | Status | Payment | Amount | Problem | Note |\n|---|---|---|---|--:|---|---|\n")
	for i, k := range r.Breaks {
		if i == maxListed {
			fmt.Fprintf(b, "\n%d more are in the CSV.\n", len(r.Breaks)-maxListed+r.BreaksOmitted)
			return
		}
		amount := ""
		if k.Amount != nil {
			amount = k.Amount.String()
		}
		fmt.Fprintf(b, "| %s %s | %s | %s | %s | %s | %s | %s |\n", k.Category, k.Name, k.Severity, k.Status, cell(k.Key), amount, cell(k.Problem), cell(k.Note))
	}
}

// cell keeps a text within its cell of a Markdown table.
func cell(text string) string {
	return strings.NewReplacer("|", `\|`, "\n", " ", "<", "&lt;").Replace(text)
}

func oldest(items []WorkItem) time.Duration {
	age := int64(0)
	for _, w := range items {
		age = max(age, w.AgeSeconds)
	}
	return time.Duration(age) * time.Second
}
