package main

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/events"
	"github.com/payrail/payrail/internal/repair"
	"github.com/payrail/payrail/internal/timeline"
	"github.com/payrail/payrail/payment"
)

func TestRepairRefusesWrongWords(t *testing.T) {
	cleanEnvironment(t)
	for name, tc := range map[string]struct {
		arguments []string
		want      string
	}{
		"no id":         {nil, "payrail repair needs ID"},
		"no pair":       {[]string{"auth-1", "--set", "issuerCountry"}, "a --set is not FIELD=VALUE"},
		"no field":      {[]string{"auth-1", "--set", "=826"}, "a --set is not FIELD=VALUE"},
		"a field twice": {[]string{"auth-1", "--set", "mcc=1", "--set", "mcc=2"}, "--set gives mcc twice"},
		"two ids":       {[]string{"auth-1", "auth-2", "--set", "mcc=1"}, `does not take "auth-2"`},
	} {
		t.Run(name, func(t *testing.T) {
			r := execute(t, append([]string{"repair"}, tc.arguments...)...)
			require.Equal(t, statusUsage, r.status)
			require.Contains(t, r.stderr, tc.want)
			require.Equal(t, 1, strings.Count(r.stderr, "\n"), "one line")
		})
	}
}

// Whatever a repair is refused for, the person is told what to do next.
func TestEveryRefusalHasANextStep(t *testing.T) {
	for _, tc := range []struct {
		err    error
		status int
		next   string
	}{
		{payment.FieldErrors{{Field: "stan", Problem: "cannot be corrected"}}, statusUsage, "fields that can be corrected: acquirerCountry, issuerCountry, mcc"},
		{payment.ErrNothingCorrected, statusUsage, "set a field to another value"},
		{repair.ErrWouldFailAgain, statusUsage, "add --set issuerCountry="},
		{fmt.Errorf("%w: the reason holds one", repair.ErrCardNumber), statusUsage, "write it without"},
		{repair.ErrReason, statusUsage, "write it without"},
		{repair.ErrPosted, statusFailed, "does not change what is posted; see `payrail trace auth-1`"},
		{repair.ErrUnderWay, statusFailed, "wait for its end"},
		{repair.ErrNotFailed, statusFailed, "only FAILED_REVIEW can be repaired"},
		{repair.ErrNotTaken, statusFailed, "check the id"},
		{repair.ErrSeveral, statusUsage, "payrail trace"},
		{fmt.Errorf("%w: %w", repair.ErrChanged, payment.FieldErrors{{Field: "mcc", Problem: "is missing"}}), statusFailed, "have the authorizer send a new authorization"},
		{repair.ErrForgotten, statusFailed, "have the authorizer send a new authorization"},
		{repair.ErrNotApproved, statusFailed, "ask the authorizer"},
		{fmt.Errorf("%w: {}", repair.ErrTaken), statusFailed, "repeat that correction"},
	} {
		var p *problem
		require.ErrorAs(t, unrepairable("auth-1", tc.err), &p, tc.err)
		require.Equal(t, tc.status, p.status, tc.err)
		require.Contains(t, p.Error(), tc.next)
	}
	network := errors.New("connection refused")
	require.Equal(t, network, unrepairable("auth-1", network))
}

func TestARepairEndsWithItsOwnAttempt(t *testing.T) {
	first := timeline.Entry{DetailType: events.TransactionPostingFailed}
	second := timeline.Entry{DetailType: events.TransactionPosted, Attempt: 2}
	_, ended := finalOfAttempt(2, []timeline.Entry{first, {DetailType: events.TransactionEnriched, Attempt: 2}})
	require.False(t, ended)
	end, ended := finalOfAttempt(2, []timeline.Entry{first, second})
	require.True(t, ended)
	require.Equal(t, second, end)
}

func TestShowRepaired(t *testing.T) {
	plan := repair.Plan{AuthorizationID: "auth-1", TransactionID: "tx_A", EventID: "tx_A/TransactionAuthorized/2",
		Repair: events.Repair{Attempt: 2, By: "ops"}, Changes: []repair.Change{{Field: "issuerCountry", After: "826"}}}
	for name, tc := range map[string]struct {
		result repaired
		want   []string
	}{
		"dry run":    {repaired{Plan: plan}, []string{"tx_A  auth-1  attempt 2, by ops", `issuerCountry  ""      826`, "nothing was published"}},
		"not waited": {repaired{Plan: plan, Published: true}, []string{"published tx_A/TransactionAuthorized/2"}},
		"posted":     {repaired{Plan: plan, Published: true, Outcome: outcomePosted, Summary: "POSTED ps_A-00 2 legs", Seconds: 0.25}, []string{"POSTED  POSTED ps_A-00 2 legs  after 250 ms"}},
	} {
		t.Run(name, func(t *testing.T) {
			var stdout bytes.Buffer
			require.NoError(t, (&application{stdout: &stdout}).showRepaired(tc.result))
			for _, want := range tc.want {
				require.Contains(t, stdout.String(), want)
			}
		})
	}
	var stdout bytes.Buffer
	require.NoError(t, (&application{stdout: &stdout, json: true}).showRepaired(repaired{Plan: plan}))
	require.Contains(t, stdout.String(), `"published": false`)
}
