package main

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/internal/reconcile"
	"github.com/payrail/payrail/payment"
)

func TestReconcileRequests(t *testing.T) {
	parse := func(arguments ...string) ([]reconcileRequest, error) {
		var o reconcileOptions
		a := &application{}
		command := a.reconcileCommand()
		require.NoError(t, command.ParseFlags(arguments))
		o.from, _ = command.Flags().GetString("from")
		o.to, _ = command.Flags().GetString("to")
		o.full, _ = command.Flags().GetBool("full")
		o.dryRun, _ = command.Flags().GetBool("dry-run")
		o.segments, _ = command.Flags().GetInt("segments")
		return o.requests(command)
	}
	requests, err := parse()
	require.NoError(t, err)
	require.Equal(t, []reconcileRequest{{}}, requests, "the stack's own settings")
	requests, err = parse("--full", "--segments", "2", "--dry-run", "--grace", "0s", "--stage-time", "1m")
	require.NoError(t, err)
	require.Len(t, requests, 2)
	require.Equal(t, 1, requests[1].Segment)
	require.True(t, requests[1].DryRun)
	require.Zero(t, *requests[1].GraceSeconds, "nothing is something else than not given")
	require.EqualValues(t, 60, *requests[1].StageSeconds)
	for problem, arguments := range map[string][]string{
		"a full pass has no window":           {"--full", "--from", "2026-07-09T12:00:00Z"},
		"--from yesterday is no RFC 3339":     {"--from", "yesterday"},
		"--segments are the parts":            {"--segments", "3"},
		"at least one":                        {"--full", "--segments", "0"},
		"--grace is less than nothing; write": {"--grace", "-1s"},
	} {
		_, err := parse(arguments...)
		require.ErrorContains(t, err, problem)
		require.Equal(t, statusUsage, asProblem(err).status)
	}
}

func TestReconcileShowsWhatRunsFound(t *testing.T) {
	amount := payment.Money{Minor: 1981, Currency: "GBP"}
	var out, errs bytes.Buffer
	a := &application{stdout: &out, stderr: &errs}
	result := reconciled{Summary: reconcile.Summary{ByCategory: map[reconcile.Category]int{}}}
	result.add("s3://audit/recon/a.json", &reconcile.Report{RunID: "rc_a", Complete: true, Summary: reconcile.Summary{Items: 600, Matched: 599, AutoPatched: 1, ByCategory: map[reconcile.Category]int{"B01": 1}},
		Breaks:   []reconcile.Break{{Category: "B01", Name: "MISSING_EVENT", Status: reconcile.Patched, Key: "auth-1", Amount: &amount, Problem: "no event tells of the authorization"}},
		InFlight: map[reconcile.Stage]int{reconcile.StageRules: 2}})
	result.add("s3://audit/recon/b.json", &reconcile.Report{RunID: "rc_b", Complete: true, Summary: reconcile.Summary{Items: 400, Matched: 400}, WorkItems: []reconcile.WorkItem{{}}})
	require.NoError(t, a.showReconciled(result))
	require.Equal(t, `break  name           status   payment     amount  problem
B01    MISSING_EVENT  PATCHED  auth-1   GBP 19.81  no event tells of the authorization
1000 authorizations, 999 matched (99.90 %), 1 breaks patched, 0 open
1 failed reviews wait for `+"`payrail repair`"+`
in flight: rules 2
report: s3://audit/recon/a.json s3://audit/recon/b.json
`, out.String())
	require.NoError(t, result.verdict(), "what is patched is not open")

	result.Summary.Open = 1
	require.ErrorContains(t, result.verdict(), "1 breaks are open")
	result.Runs[0].Complete, result.Runs[0].Stopped = false, "the time of the run was over"
	require.ErrorContains(t, result.verdict(), "run rc_a did not read everything")
	require.Equal(t, statusFailed, asProblem(result.verdict()).status)
}
