package main

import (
	"bytes"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/internal/disputes"
	"github.com/payrail/payrail/payment"
)

// disputed is a case that has been filed.
func disputed(t *testing.T) disputes.Case {
	t.Helper()
	at := time.Date(2026, 7, 20, 9, 0, 0, 0, time.UTC)
	gbp := func(minor int64) payment.Money { return payment.Money{Minor: minor, Currency: "GBP"} }
	d, err := payment.OpenDispute(payment.DisputePolicy{Window: 120 * 24 * time.Hour, ProvisionalCredit: true}, payment.Disputable{
		Key: "KEY", TransactionID: "tx_KEY", Outcome: payment.OutcomePosted, TransactionType: "00", AccountID: "acc-1", Scheme: "VISA", OccurredAt: at,
		Remaining: gbp(7925), Disputed: gbp(0), FXFee: gbp(237), FXFeeTax: gbp(47),
	}, payment.Claim{CaseID: "dsp_1", ReasonCode: "13.1", Note: "never\ncame", By: "customer"}, at)
	require.NoError(t, err)
	d, err = d.File(at, "operator", "4711")
	require.NoError(t, err)
	return disputes.Case{Dispute: d, Version: 2}
}

func TestShowDispute(t *testing.T) {
	var out bytes.Buffer
	a := &application{stdout: &out}
	c := disputed(t)
	require.NoError(t, a.showDispute(c))
	require.Equal(t, `dsp_1  CHARGEBACK_FILED  GBP 79.25 and GBP 2.84 of charges
tx_KEY  account acc-1  reason 13.1 (VISA)  file by 2026-11-17T09:00:00.000Z
never came

at                        state             by        note
2026-07-20T09:00:00.000Z  OPENED            customer
2026-07-20T09:00:00.000Z  CHARGEBACK_FILED  operator  4711
`, out.String())
	out.Reset()
	require.NoError(t, a.showDisputes([]disputes.Case{c}))
	require.Equal(t, `case   state             amount  currency  reason  opened      file by     account  transaction
dsp_1  CHARGEBACK_FILED   79.25  GBP       13.1    2026-07-20  2026-11-17  acc-1    tx_KEY
`, out.String())
	out.Reset()
	a.json = true
	require.NoError(t, a.showDisputes(nil))
	require.Equal(t, "[]\n", out.String())
}

func TestDisputesRefusesMisuse(t *testing.T) {
	cleanEnvironment(t)
	for name, tc := range map[string]struct {
		arguments []string
		want      string
	}{
		"nothing":            {[]string{"disputes"}, "disputes needs to know what to do"},
		"no such command":    {[]string{"disputes", "close"}, `payrail disputes has no command "close"`},
		"no outcome":         {[]string{"disputes", "resolve", "dsp_1"}, "one of expired, lost-bank, lost-customer, split, withdrawn, won"},
		"an unknown outcome": {[]string{"disputes", "resolve", "dsp_1", "--outcome", "draw"}, `--outcome "draw" is none`},
		"a split of nothing": {[]string{"disputes", "resolve", "dsp_1", "--outcome", "split"}, "--won goes with --outcome split"},
		"won of a loss":      {[]string{"disputes", "resolve", "dsp_1", "--outcome", "won", "--won", "1.00"}, "--won goes with --outcome split"},
		"no reason":          {[]string{"disputes", "open", "tx_1"}, "disputes open needs --reason"},
		"no months":          {[]string{"disputes", "list", "--months", "0"}, "--months must be above zero"},
		"a card number":      {[]string{"disputes", "file", "dsp_1", "--note", "card 4111 1111 1111 1111"}, "the note holds a card number"},
	} {
		t.Run(name, func(t *testing.T) {
			r := execute(t, tc.arguments...)
			require.Equal(t, statusUsage, r.status)
			require.Contains(t, r.stderr, tc.want)
			require.Empty(t, r.stdout)
		})
	}
}

func TestWhatACaseRefusesHasANextStep(t *testing.T) {
	c := disputed(t)
	opened := c.Dispute
	opened.State = payment.DisputeOpened
	_, early := opened.Decide(payment.DisputeWon, payment.Money{}, time.Time{}, "operator", "")
	_, late := opened.File(time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC), "operator", "")
	_, split := c.Decide(payment.DisputeSplit, payment.Money{Minor: 7925, Currency: "GBP"}, time.Time{}, "operator", "")
	_, again := c.File(time.Time{}, "operator", "")
	for want, err := range map[string]error{
		"what is won was filed before: `payrail disputes file dsp_1`":   early,
		"`payrail disputes resolve dsp_1 --outcome expired` closes it":  late,
		"give the won part of a split with --won":                       split,
		"see `payrail disputes show dsp_1`":                             again,
		"there is no such case; see `payrail disputes list --all`":      disputes.ErrUnknownCase,
		"the case or its purchase is changing; try again; run it again": disputes.ErrBusy,
	} {
		require.ErrorContains(t, disputeProblem("dsp_1", err), want)
	}
	own := errors.New("the network is down")
	require.Equal(t, own, disputeProblem("dsp_1", own))
}

func TestCaseOf(t *testing.T) {
	id, err := caseOf("tx_1", http.StatusCreated, []byte(`{"caseId":"dsp_1","state":"OPENED"}`))
	require.NoError(t, err)
	require.Equal(t, "dsp_1", id)
	for _, tc := range []struct {
		code   int
		answer string
		status int
		want   string
	}{
		{201, `{}`, statusFailed, "the API answered 201 without a case"},
		{400, `{"title":"A parameter is not valid","errors":[{"field":"amount","problem":"must be a decimal"}]}`, statusUsage, "tx_1: A parameter is not valid; amount must be a decimal"},
		{409, `{"title":"The transaction cannot be disputed like this","detail":"case dsp_0 about this purchase is open"}`, statusFailed, "case dsp_0 about this purchase is open; see"},
		{404, `{"title":"Nothing is known of this id"}`, statusFailed, "tx_1: Nothing is known of this id"},
		{403, `{"message":"Forbidden"}`, statusMissing, "the API refuses these credentials (Forbidden)"},
		{503, `{"message":"Service Unavailable"}`, statusFailed, "the API answered 503: Service Unavailable; try again with the same --key"},
		{502, `<html>`, statusFailed, "the API answered 502, which is no problem details"},
	} {
		_, err := caseOf("tx_1", tc.code, []byte(tc.answer))
		var told *problem
		require.ErrorAs(t, err, &told)
		require.Equal(t, tc.status, told.status)
		require.ErrorContains(t, err, tc.want)
	}
}
