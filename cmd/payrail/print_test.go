package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTableSetsColumns(t *testing.T) {
	var out bytes.Buffer
	a := &application{stdout: &out}
	a.table([]string{"account", "amount", "what"}, [][]string{{"acc-1", "19.81", "café"}, {"acc-long-name", "1200.00", ""}}, 1)
	require.Equal(t, ""+
		"account         amount  what\n"+
		"acc-1            19.81  café\n"+
		"acc-long-name  1200.00\n", out.String())
}

// A colour takes no room: a cell with one is as wide as the same cell without.
func TestWidthCountsNoColours(t *testing.T) {
	require.Equal(t, 6, width(string(good)+"POSTED"+reset))
	require.Equal(t, 4, width("café"))
}

func TestColoursAreForTerminalsAlone(t *testing.T) {
	file, err := os.Create(filepath.Join(t.TempDir(), "out"))
	require.NoError(t, err)
	defer file.Close()
	for _, a := range []*application{{stdout: &bytes.Buffer{}}, {stdout: file}} {
		require.Equal(t, "POSTED", a.paintOutcome(outcomePosted))
	}
}

func TestPrintJSONKeepsText(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, (&application{stdout: &out}).printJSON(map[string]string{"merchant": "MARKS & SPENCER"}))
	require.Equal(t, "{\n  \"merchant\": \"MARKS & SPENCER\"\n}\n", out.String())
}

// Nothing but JSON is on stdout with --json, whatever the command does besides.
func TestJSONOutput(t *testing.T) {
	cleanEnvironment(t)
	t.Setenv(endpointVariable, startSmallStack(t))
	got := execute(t, "ledger", "trial-balance", "--json")
	require.Equal(t, statusDone, got.status, got.stderr)
	require.True(t, bytes.HasPrefix([]byte(got.stdout), []byte("{\n")), got.stdout)

	got = execute(t, "send", "--json", "--wait=false", "../../examples/try/coffee.json")
	require.Equal(t, statusDone, got.status, got.stderr)
	require.JSONEq(t, `[{"file": "../../examples/try/coffee.json", "authorizationId": "auth-coffee"}]`, got.stdout)
	require.Empty(t, got.stderr)

	got = execute(t, "send", "--wait=false", "../../examples/try/coffee.json")
	require.Equal(t, ""+
		"file                            authorization  outcome  took  what\n"+
		"../../examples/try/coffee.json  auth-coffee    sent\n", got.stdout)
}
