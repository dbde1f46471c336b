package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/payrail/payrail/internal/redrive"
)

// maxProblems is how many items that were not put back are told one by one; --json has all of them.
const maxProblems = 20

func (a *application) showSurvey(all []redrive.Overview) error {
	if a.json {
		return a.printJSON(map[string]any{"stores": all})
	}
	rows := make([][]string, len(all))
	total := 0
	for i, o := range all {
		items := strconv.Itoa(o.Items)
		if o.More {
			items += "+"
		}
		if o.Items > 0 {
			items = a.paint(aside, items)
		}
		if o.Kind != redrive.Parked && o.Kind != redrive.Quarantine {
			total += o.Items
		}
		rows[i] = []string{o.Name, items, ageOf(o.Oldest), reasonsOf(o), cmp.Or(o.To, "stays where it is"), o.Runbook}
	}
	a.table([]string{"store", "items", "oldest", "reasons", "goes back to", "see"}, rows, 1, 2)
	if total > 0 {
		fmt.Fprintf(a.stdout, "%d in dead-letter queues: `payrail redrive list` shows them, `payrail redrive --all` puts them back\n", total)
	}
	return nil
}

// reasonsOf lists reasons, the most frequent first.
func reasonsOf(o redrive.Overview) string {
	reasons := slices.SortedFunc(maps.Keys(o.Reasons), func(x, y string) int {
		return cmp.Or(o.Reasons[y]-o.Reasons[x], strings.Compare(x, y))
	})
	for i, reason := range reasons {
		reasons[i] = fmt.Sprintf("%s %d", reason, o.Reasons[reason])
	}
	if o.LookedAt > 0 && o.LookedAt < o.Items {
		reasons = append(reasons, fmt.Sprintf("(of %d looked at)", o.LookedAt))
	}
	if o.InHand > 0 {
		reasons = append(reasons, fmt.Sprintf("(%d in hand)", o.InHand))
	}
	return strings.Join(reasons, ", ")
}

// ageOf is how long ago something was, as one number. A clock that runs fast makes it none.
func ageOf(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	age := max(time.Since(at), 0)
	switch {
	case age < time.Minute:
		return fmt.Sprintf("%ds", age/time.Second)
	case age < time.Hour:
		return fmt.Sprintf("%dm", age/time.Minute)
	case age < 48*time.Hour:
		return fmt.Sprintf("%dh", age/time.Hour)
	default:
		return fmt.Sprintf("%dd", age/(24*time.Hour))
	}
}

func (a *application) showItems(items []redrive.Item) error {
	if a.json {
		return a.printJSON(map[string]any{"items": items})
	}
	if len(items) == 0 {
		fmt.Fprintln(a.stdout, "nothing lies there")
		return nil
	}
	rows := make([][]string, len(items))
	for i, item := range items {
		to := item.To
		if item.Left != "" {
			to = a.paint(aside, "stays: ") + item.Left
		}
		seen := ""
		if !item.FirstSeen.IsZero() {
			seen = item.FirstSeen.Format(time.RFC3339)
		}
		rows[i] = []string{item.Store, item.ID, item.TransactionID, item.DetailType, item.Reason, seen, strconv.Itoa(item.Receives), oneLine(to)}
	}
	a.table([]string{"store", "id", "transaction", "event", "reason", "first seen", "received", "goes back to"}, rows, 6)
	return nil
}

func (a *application) showRedriven(r redrive.Report) error {
	if a.json {
		return a.printJSON(r)
	}
	did := "put back"
	if r.DryRun {
		did = "would be put back"
	}
	for _, s := range r.Stores {
		line := fmt.Sprintf("%s  %d %s", a.paint(bold, s.Store), s.PutBack, did)
		if s.To != "" && s.PutBack > 0 {
			line += " to " + s.To
		}
		if s.Left > 0 {
			line += fmt.Sprintf(", %d left", s.Left)
		}
		if s.Failed > 0 {
			line += ", " + a.paint(bad, fmt.Sprintf("%d failed", s.Failed))
		}
		if !r.DryRun {
			line += fmt.Sprintf("; %d remain", s.Remaining.Items)
			if n := s.Remaining.InHand; n > 0 {
				line += fmt.Sprintf(", about %d of them in hand: SQS counts late, and what a receive has lost is back within %.0f minutes", n, redrive.PutBackHold.Minutes())
			}
		}
		fmt.Fprintln(a.stdout, line)
		for _, note := range append(s.Notes, s.Stopped) {
			if note != "" {
				fmt.Fprintln(a.stdout, "  "+oneLine(note))
			}
		}
	}
	a.showProblems(r)
	for _, id := range r.NotFound {
		fmt.Fprintln(a.stdout, a.paint(bad, "not found: ")+id)
	}
	if r.DryRun {
		fmt.Fprintf(a.stdout, "dry run: %d would be put back, %d left, %d failed; nothing was touched\n", r.PutBack, r.Left, r.Failed)
		return nil
	}
	fmt.Fprintf(a.stdout, "%d put back, %d left, %d failed  %s\n", r.PutBack, r.Left, r.Failed, a.paint(quiet, r.ID))
	return nil
}

func (a *application) showProblems(r redrive.Report) {
	told := 0
	for _, item := range r.Items {
		if item.Problem == "" {
			continue
		}
		if told++; told > maxProblems {
			fmt.Fprintf(a.stdout, "  and others: --json has them\n")
			return
		}
		fmt.Fprintf(a.stdout, "  %s %s: %s\n", item.Store, item.ID, oneLine(item.Problem))
	}
}

// verdictOf is the error of a run that did not do all it was asked for.
func verdictOf(r redrive.Report) error {
	switch {
	case r.Complete():
		return nil
	case r.Interrupted:
		return failed(fmt.Sprintf("interrupted after %d items", r.PutBack), "run it again for the rest")
	case r.Failed == 0 && len(r.NotFound) == 0 && r.Left > 0:
		return failed(fmt.Sprintf("%d items were left where they are", r.Left), "docs/how-to/redrive.md says what to do with each kind")
	case r.Failed == 0 && len(r.NotFound) > 0:
		return failed(fmt.Sprintf("%d ids are in no store", len(r.NotFound)), "see `payrail redrive list`; somebody else may have them in hand")
	case r.Failed == 0:
		return failed("not every store was worked through", "what is said above it is why; run it again")
	default:
		return failed(fmt.Sprintf("%d items failed, %d were left", r.Failed, r.Left), "remove the cause and run it again: what is still there was not lost")
	}
}
