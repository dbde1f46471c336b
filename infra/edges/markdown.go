package edges

import (
	"fmt"
	"strings"
)

// Markdown writes edges as tables, one for each kind. The stack's name is left out of the names of alarms.
func Markdown(edges []Edge, stack string) string {
	var b strings.Builder
	var kind Kind
	for _, e := range edges {
		if e.Kind != kind {
			kind = e.Kind
			fmt.Fprintf(&b, "\n## %s\n\n%s\n", kind, facts[kind].fails)
			if reason := facts[kind].unwatched; reason != "" {
				fmt.Fprintf(&b, "No alarm tells: %s.\n", reason)
			}
			b.WriteString("\n| From → to | Who tries again | Ends in | Alarm | Put back by |\n|---|---|---|---|---|\n")
		}
		alarms := make([]string, len(e.Alarms))
		for i, alarm := range e.Alarms {
			alarms[i] = "`" + strings.TrimPrefix(alarm, stack+"-") + "`"
		}
		if len(alarms) == 0 {
			alarms = []string{"none"}
		}
		fmt.Fprintf(&b, "| `%s` → `%s` | %s | %s | %s | %s |\n", e.From, e.To, e.Retries, strings.Join(e.Ends, "; "), strings.Join(alarms, ", "), strings.Join(e.Repair, ", "))
	}
	return b.String()
}
