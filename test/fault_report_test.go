package test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/local/faults"
)

// faultResult is a line of the suite's report.
type faultResult struct {
	Scenario   string         `json:"scenario"`
	Faults     string         `json:"faults"`
	Payments   int            `json:"payments"`
	Injected   map[string]int `json:"injected"` // By edge and kind.
	Lost       int            `json:"lost"`
	Duplicated int            `json:"duplicated"`
	Invariants string         `json:"invariants"`
	Seconds    float64        `json:"seconds"`
}

// faultReport is what the suite says at its end. It is safe for concurrent use.
type faultReport struct {
	mu      sync.Mutex
	Seed    uint64        `json:"seed"`
	Begun   time.Time     `json:"begun"`
	Seconds float64       `json:"seconds"`
	Results []faultResult `json:"results"`
}

func (r *faultReport) add(result faultResult) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.Results = append(r.Results, result)
}

// edges name what lies between which services, most telling pattern first.
var edges = []struct {
	pattern *regexp.Regexp
	name    string
}{
	{regexp.MustCompile(`^dynamodb:(Batch|Put).*/TablesAuthorizations`), "authorizer → table"},
	{regexp.MustCompile(`^dynamodb:Stream/|^pipes:Deliver/`), "table → stream → pipe"},
	{regexp.MustCompile(`^pipes:Enrichment/|^lambda:.*/DedupFunction`), "pipe → dedup"},
	{regexp.MustCompile(`^dynamodb:.*/TablesDedup`), "dedup → its table"},
	{regexp.MustCompile(`^s3:.*/[Bb]uckets[Pp]arked|^s3:.*parked`), "dedup, posting → parked"},
	{regexp.MustCompile(`^pipes:Target/|^events:PutEvents/TransactionAuthorized`), "pipe → bus"},
	{regexp.MustCompile(`^(events:Deliver|sqs:SendMessage)/StandardizeQueue`), "bus → standardize's queue"},
	{regexp.MustCompile(`^(events:Deliver|sqs:SendMessage)/EnrichQueue`), "bus → enrich's queue"},
	{regexp.MustCompile(`^(events:Deliver|sqs:SendMessage)/AccountinterfaceQueue`), "bus → accountinterface's queue"},
	{regexp.MustCompile(`^(events:Deliver|sqs:SendMessage)/PostingQueue`), "bus → posting's queue"},
	{regexp.MustCompile(`^(events:Deliver|sqs:SendMessage)/TrackerQueue`), "bus → tracker's queue"},
	{regexp.MustCompile(`^(events:Deliver|sqs:SendMessage)/DisputesQueue`), "bus → disputes' queue"},
	{regexp.MustCompile(`^(sqs:.*/Standardize|lambda:.*/Standardize)`), "queue → standardize"},
	{regexp.MustCompile(`^(sqs:.*/Enrich|lambda:.*/Enrich)`), "queue → enrich"},
	{regexp.MustCompile(`^(sqs:.*/Accountinterface|lambda:.*/Accountinterface)`), "queue → accountinterface"},
	{regexp.MustCompile(`^(sqs:.*/Posting|lambda:.*/Posting)`), "queue → posting"},
	{regexp.MustCompile(`^(sqs:.*/Tracker|lambda:.*/Tracker)`), "queue → tracker"},
	{regexp.MustCompile(`^(sqs:.*/Disputes(Queue|Function)|lambda:.*/DisputesFunction)`), "queue → disputes"},
	{regexp.MustCompile(`^events:PutEvents/(TransactionPostingApproved|TransactionRoutedToSuspense|TransactionPostingFailed|.*Found$)`), "rules → bus"},
	{regexp.MustCompile(`^events:PutEvents/`), "function → bus"},
	{regexp.MustCompile(`^(events:Deliver|states:StartExecution)/RulesStateMachine`), "bus → rules"},
	{regexp.MustCompile(`^states:Run/`), "rules execution"},
	{regexp.MustCompile(`^sqs:.*/RulesDeadLetters`), "rules → dead letters"},
	{regexp.MustCompile(`^dynamodb:.*/TablesLedger`), "posting → ledger"},
	{regexp.MustCompile(`^dynamodb:.*/TablesAssembly`), "posting → assembly"},
	{regexp.MustCompile(`^dynamodb:.*/TablesTimeline`), "tracker → timeline"},
	{regexp.MustCompile(`^dynamodb:.*/Tables(Accounts|Reference)`), "enrich → reference data"},
	{regexp.MustCompile(`^(events:Deliver|firehose:PutRecord.*)/AuditLog`), "bus → Firehose"},
	{regexp.MustCompile(`^firehose:Deliver/|^s3:.*audit|^s3:.*Audit`), "Firehose → S3"},
	{regexp.MustCompile(`^events:Archive`), "bus → archive"},
	{regexp.MustCompile(`^(events:Deliver|lambda:.*)/(Reconcile|Digest|Disputesweep)Function`), "schedule → function"},
	{regexp.MustCompile(`NoticesTopic`), "bus → operators"},
}

// edgeOf is the edge of an operation as the injector names it.
func edgeOf(operation string) string {
	name := strings.ReplaceAll(operation, "Payrail-", "")
	name = strings.ReplaceAll(name, "payrail-", "")
	for _, e := range edges {
		if e.pattern.MatchString(name) {
			return e.name
		}
	}
	return operation
}

// byEdge sums what was injected by edge and kind.
func byEdge(counts []faults.Count) map[string]int {
	sums := map[string]int{}
	for _, c := range counts {
		kind := string(c.Kind)
		if c.When == faults.AfterEffect {
			kind += "-after"
		}
		sums[edgeOf(c.Operation)+": "+kind] += c.Times
	}
	return sums
}

func (r *faultReport) payments() (n int) {
	for _, result := range r.Results {
		n += result.Payments
	}
	return n
}

// Markdown writes the report for people.
func (r *faultReport) Markdown() string {
	var b strings.Builder
	lost, duplicated, injected, broken := 0, 0, 0, 0
	for _, result := range r.Results {
		lost, duplicated = lost+result.Lost, duplicated+result.Duplicated
		for _, n := range result.Injected {
			injected += n
		}
		if result.Invariants != "held" {
			broken++
		}
	}
	fmt.Fprintf(&b, "# Fault suite\n\nSeed %d, begun %s, %.0f s. %d scenarios, %d payments, %d faults injected: lost %d, duplicated %d, invariants broken in %d.\n\n",
		r.Seed, r.Begun.UTC().Format(time.RFC3339), r.Seconds, len(r.Results), r.payments(), injected, lost, duplicated, broken)
	b.WriteString("| scenario | faults | payments | injected | lost | duplicated | invariants | seconds |\n|---|---|---:|---:|---:|---:|---|---:|\n")
	for _, result := range r.Results {
		n := 0
		for _, times := range result.Injected {
			n += times
		}
		fmt.Fprintf(&b, "| %s | `%s` | %d | %d | %d | %d | %s | %.1f |\n", result.Scenario, strings.ReplaceAll(result.Faults, "|", `\|`), result.Payments, n, result.Lost,
			result.Duplicated, result.Invariants, result.Seconds)
	}
	b.WriteString("\n## Faults injected at each edge\n\n")
	r.matrix(&b)
	return b.String()
}

// matrix writes edges by kinds.
func (r *faultReport) matrix(b *strings.Builder) {
	cells := map[string]map[string]int{}
	var kinds []string
	for _, result := range r.Results {
		for key, n := range result.Injected {
			edge, kind, _ := strings.Cut(key, ": ")
			if cells[edge] == nil {
				cells[edge] = map[string]int{}
			}
			cells[edge][kind] += n
			if !slices.Contains(kinds, kind) {
				kinds = append(kinds, kind)
			}
		}
	}
	slices.Sort(kinds)
	b.WriteString("| edge | " + strings.Join(kinds, " | ") + " |\n|---|" + strings.Repeat("---:|", len(kinds)) + "\n")
	line := func(edge string) {
		b.WriteString("| " + edge + " |")
		for _, kind := range kinds {
			if n := cells[edge][kind]; n > 0 {
				fmt.Fprintf(b, " %d |", n)
			} else {
				b.WriteString(" |")
			}
		}
		b.WriteString("\n")
	}
	var rest []string
	known := map[string]bool{}
	for _, e := range edges {
		if cells[e.name] != nil && !known[e.name] {
			line(e.name)
		}
		known[e.name] = true
	}
	for edge := range cells {
		if !known[edge] {
			rest = append(rest, edge)
		}
	}
	slices.Sort(rest)
	for _, edge := range rest {
		line(edge)
	}
}

// write puts the report as it is into dist, for people and programs, and returns it.
func (r *faultReport) write(t *testing.T) string {
	t.Helper()
	r.Seconds = time.Since(r.Begun).Seconds()
	text := r.Markdown()
	folder := repository(t, "dist")
	require.NoError(t, os.MkdirAll(folder, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(folder, "fault-report.md"), []byte(text), 0o644))
	raw, err := json.MarshalIndent(r, "", "  ")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(folder, "fault-report.json"), append(raw, '\n'), 0o644))
	return text
}
