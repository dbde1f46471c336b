package test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
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
	PutBack    int            `json:"putBack"`  // By `payrail redrive`.
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

// byEdge sums what was injected by edge and kind.
func byEdge(counts []faults.Count) map[string]int {
	sums := map[string]int{}
	for _, c := range counts {
		kind := kindOf(c.Kind, c.When)
		sums[edgeOf(shortName(c.Operation), kind)+separator+kind] += c.Times
	}
	return sums
}

// separator stands between an edge and a kind.
const separator = ": "

// shortName leaves out the stack's name, in both of its forms.
func shortName(operation string) string {
	return strings.NewReplacer("Payrail-", "", "payrail-", "").Replace(operation)
}

func (r *faultReport) payments() (n int) {
	for _, result := range r.Results {
		n += result.Payments
	}
	return n
}

// checked is what each scenario is held to at its end.
const checked = `## What holds after each scenario

- Every authorization is in exactly one place: posted, in suspense, failed review, or parked (lost: in none; duplicated: in more than one, or twice).
- Every balance is the one that the input asks for, to the penny, as are fee income, tax and suspense; nothing else is posted.
- Debits equal credits in each currency, in each journal entry and in all of them; seals and hashes hold (` + "`payrail ledger verify`" + `).
- Each posting has its whole story in the archive, from authorized to posted; archive and audit log have the same events, and so has the
  timeline where the tracker is in the stack.
- Every queue is empty, and every dead-letter queue but for what a scenario says must lie there. What was set aside was put back with ` + "`payrail redrive`" + `;
  where setting aside is not what a scenario is about, that is a handful at most, and only where chance can hit all attempts.
- Each fault of the scenario has happened.

`

// Markdown writes the report for people.
func (r *faultReport) Markdown() string {
	var b strings.Builder
	lost, duplicated, injected, held := 0, 0, 0, 0
	for _, result := range r.Results {
		lost, duplicated, injected = lost+result.Lost, duplicated+result.Duplicated, injected+result.injected()
		if result.Invariants == heldInvariants {
			held++
		}
	}
	fmt.Fprintf(&b, "# Fault suite\n\n**%d payments, lost %d, duplicated %d; invariants held in %d of %d scenarios.** %d faults injected. Seed %d; %d of the suite's %d scenarios, begun %s, %.0f s.\n\n",
		r.payments(), lost, duplicated, held, len(r.Results), injected, r.Seed, len(r.Results), len(scenarios()), r.Begun.UTC().Format(time.RFC3339), r.Seconds)
	b.WriteString(checked)
	b.WriteString("## Scenarios\n\n| scenario | faults | payments | injected | put back | lost | duplicated | invariants | seconds |\n|---|---|---:|---:|---:|---:|---:|---|---:|\n")
	for _, result := range r.Results {
		lost, duplicated := strconv.Itoa(result.Lost), strconv.Itoa(result.Duplicated)
		if result.Invariants == notReached {
			lost, duplicated = "?", "?"
		}
		fmt.Fprintf(&b, "| %s | `%s` | %d | %d | %d | %s | %s | %s | %.1f |\n", result.Scenario, strings.ReplaceAll(result.Faults, "|", `\|`), result.Payments, result.injected(), result.PutBack, lost,
			duplicated, result.Invariants, result.Seconds)
	}
	b.WriteString("\n## Faults injected at each edge\n\nThe edges are those of [delivery edges](../docs/operating/delivery-edges.md), then the tables and buckets. " +
		"A **0** is a fault that belongs there and was not injected in this run; an empty cell is one that does not apply, or that only a bad day brings.\n\n")
	r.matrix(&b)
	return b.String()
}

func (r faultResult) injected() (n int) {
	for _, times := range r.Injected {
		n += times
	}
	return n
}

// at is how often each kind of fault has happened at each edge.
func (r *faultReport) at() map[string]map[string]int {
	cells := map[string]map[string]int{}
	for _, result := range r.Results {
		for key, n := range result.Injected {
			edge, kind, _ := strings.Cut(key, separator)
			if cells[edge] == nil {
				cells[edge] = map[string]int{}
			}
			cells[edge][kind] += n
		}
	}
	return cells
}

// gaps are the faults that an edge has not met and must.
func (r *faultReport) gaps() (gaps []string) {
	cells := r.at()
	for _, e := range faultEdges {
		for kind := range e.wanted() {
			if cells[e.name][kind] == 0 {
				gaps = append(gaps, e.name+separator+kind)
			}
		}
	}
	slices.Sort(gaps)
	return gaps
}

// matrix writes edges by kinds.
func (r *faultReport) matrix(b *strings.Builder) {
	cells, columns := r.at(), map[string]bool{}
	rows := slices.Clone(faultEdges)
	for _, edge := range slices.Sorted(maps.Keys(cells)) {
		for kind := range cells[edge] {
			columns[kind] = true
		}
		if !slices.ContainsFunc(rows, func(e faultEdge) bool { return e.name == edge }) {
			rows = append(rows, faultEdge{name: edge, steps: []faultStep{{edge, ""}}})
		}
	}
	for _, e := range faultEdges {
		maps.Copy(columns, e.wanted())
	}
	kinds := slices.Sorted(maps.Keys(columns))
	b.WriteString("| edge | " + strings.Join(kinds, " | ") + " |\n|---|" + strings.Repeat("---:|", len(kinds)) + "\n")
	spared := ""
	for _, e := range rows {
		if e.spared != "" {
			spared += "- " + e.name + separator + e.spared + ".\n"
			continue
		}
		b.WriteString("| " + e.name + " |")
		for _, kind := range kinds {
			switch n := cells[e.name][kind]; {
			case n > 0:
				fmt.Fprintf(b, " %d |", n)
			case e.wanted()[kind]:
				b.WriteString(" **0** |")
			default:
				b.WriteString(" |")
			}
		}
		b.WriteString("\n")
	}
	b.WriteString("\nEdges at which nothing is injected:\n\n" + spared)
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
