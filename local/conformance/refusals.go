// Package conformance is for the conformance tests of the local runtime's services: it reads from the reference page what a service
// says it refuses, so that the page and the tests cannot part.
package conformance

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Refusals returns the entries of a service's row in the table "Refused features" of docs/reference/local-runtime.md. Entries are
// separated by semicolons.
func Refusals(t testing.TB, service string) []string {
	t.Helper()
	_, here, _, ok := runtime.Caller(0)
	require.True(t, ok)
	text, err := os.ReadFile(filepath.Join(filepath.Dir(here), "..", "..", "docs", "reference", "local-runtime.md"))
	require.NoError(t, err)
	_, section, ok := strings.Cut(string(text), "\n## Refused features\n")
	require.True(t, ok, "the page has no table of refused features")
	section, _, _ = strings.Cut(section, "\n## ")
	for line := range strings.Lines(section) {
		cells := strings.Split(strings.TrimSpace(line), "|")
		if len(cells) < 4 || strings.TrimSpace(cells[1]) != service {
			continue
		}
		var refused []string
		for entry := range strings.SplitSeq(cells[2], ";") {
			refused = append(refused, strings.TrimSpace(entry))
		}
		return refused
	}
	require.FailNow(t, "the page has no row for "+service)
	return nil
}
