package payment

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestIntakeRejectsWhatNobodyOwes(t *testing.T) {
	for name, tc := range map[string]struct {
		change  map[string]Attribute
		problem string
		rule    string
	}{
		"approved":                    {nil, "", ""},
		"approved in part":            {map[string]Attribute{"responseCode": text("10")}, "", ""},
		"no reason to decline":        {map[string]Attribute{"responseCode": text("85")}, "", ""},
		"declined":                    {map[string]Attribute{"responseCode": text("05")}, "NOT_APPROVED: response code 05 is no approval, only 00, 08, 10, 11, 85, 87 are", RuleNotApproved},
		"insufficient funds, 0210":    {map[string]Attribute{"mti": text("0210"), "responseCode": text("51")}, "NOT_APPROVED: response code 51 is no approval, only 00, 08, 10, 11, 85, 87 are", RuleNotApproved},
		"a reversal's reason is none": {map[string]Attribute{"mti": text("0420"), "original": originalOf("0100"), "responseCode": text("68")}, "", ""},
		"a reversal without any":      {map[string]Attribute{"mti": text("0420"), "original": originalOf("0100"), "responseCode": text("")}, "", ""},
		"balance inquiry":             {map[string]Attribute{"processingCode": text("310000")}, "NON_FINANCIAL: transaction type 31 is an inquiry: it moves no money", RuleNonFinancial},
		"available funds inquiry":     {map[string]Attribute{"processingCode": text("300000")}, "NON_FINANCIAL: transaction type 30 is an inquiry: it moves no money", RuleNonFinancial},
		"a type that no rule posts":   {map[string]Attribute{"processingCode": text("400000")}, "TRANSACTION_TYPE_NOT_SUPPORTED: transaction type 40 is not posted", RuleNonFinancial},
	} {
		t.Run(name, func(t *testing.T) {
			a := parsed(t, with(tc.change))
			err := CheckApproved(a)
			if err == nil {
				err = CheckSupported(a)
			}
			if tc.problem == "" {
				require.NoError(t, err)
				return
			}
			require.EqualError(t, err, tc.problem)
			require.Equal(t, tc.rule, RuleOf(err))
		})
	}
}

func TestRuleOfAMalformedMessage(t *testing.T) {
	for name, tc := range map[string]struct {
		err  error
		rule string
	}{
		"an amount":              {FieldErrors{{"billingAmount", "x"}}, RuleBadAmount},
		"amounts and currencies": {FieldErrors{{"transactionAmount", "x"}, {"transactionCurrency", "x"}}, RuleBadAmount},
		"something else too":     {FieldErrors{{"billingAmount", "x"}, {"mcc", "x"}}, ""},
		"an error of ours":       {errors.New("x"), ""},
		"a type of message":      {&Error{Kind: Unsupported, Reason: "MESSAGE_TYPE_NOT_SUPPORTED"}, RuleNotApproved},
	} {
		require.Equal(t, tc.rule, RuleOf(tc.err), name)
	}
}
