package payment

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPostingTableIsReadStrictly(t *testing.T) {
	for name, tc := range map[string]struct{ old, new, want string }{
		"no JSON":                       {`{`, ``, "reading it"},
		"something after it":            {"\"position\": \"FX_POSITION\"\n  }\n}", "\"position\": \"FX_POSITION\"\n  }\n} {}", "something after its JSON value"},
		"an unknown member":             {`"version": "1"`, `"version": "1", "author": "me"`, `unknown field "author"`},
		"an unknown member of a rule":   {`"name": "refund", "for"`, `"name": "refund", "fore": 1, "for"`, `unknown field "fore"`},
		"an unknown condition":          {`"foreign": true`, `"foriegn": true`, `unknown field "foriegn"`},
		"no version":                    {`"version": "1"`, `"version": ""`, "it has no version"},
		"a class without a side":        {`"class": "CASH", "side": "D"`, `"class": "CASH", "side": "X"`, `transaction class "CASH" has no side`},
		"a type in two classes":         {`["01", "17"]`, `["01", "00"]`, `type "00" is not two digits, or is there twice`},
		"a class the rules need":        {`"class": "CREDIT"`, `"class": "CREDITS"`, "transaction class CREDIT must be there"},
		"a merchant category":           {`["6010", "6011"]`, `["601"]`, `"601" is no merchant category`},
		"a merchant class twice":        {`{"class": "CASH", "categories"`, `{"class": "CASH", "categories": []}, {"class": "CASH", "categories"`, `merchant class "CASH" has no name, or is there twice`},
		"a role twice":                  {`"role": "NOSTRO"`, `"role": "CUST"`, `the chart has role "CUST" twice`},
		"an account's class":            {`"class": "EXPENSE", "normalSide": "D", "meaning": "differences`, `"class": "COSTS", "normalSide": "D", "meaning": "differences`, "role ROUNDING: want a class of ASSET"},
		"a place in an account":         {`NOSTRO.{currency}`, `NOSTRO.{ccy}`, `account "NOSTRO.{ccy}" has a place that is none of`},
		"a place left open":             {`NOSTRO.{currency}`, `NOSTRO.{currency`, "has a place that is none of"},
		"no account":                    {`"account": "NOSTRO.{currency}"`, `"account": ""`, "role NOSTRO: it has no account"},
		"a customer of another name":    {`"{account}"`, `"CUST.{account}"`, "role CUST must be in the chart, with the account {account}"},
		"suspense by scheme":            {`SUSPENSE.CARD.{currency}`, `SUSPENSE.CARD.{scheme}`, "role SUSPENSE.CARD must be in the chart, with an account kept by {currency} alone"},
		"positions in one account":      {`"FX_POSITION.{currency}"`, `"FX_POSITION"`, "positions: the account of role FX_POSITION must be kept by {currency}"},
		"positions out of the chart":    {`"position": "FX_POSITION"`, `"position": "FX_POS"`, `positions: role "FX_POS" is not in the chart of accounts`},
		"offices out of the chart":      {`"debit": "BRANCH_CTRL"`, `"debit": "BRANCHES"`, `interOffice: role "BRANCHES" is not in the chart of accounts`},
		"a correction without an id":    {`"id": "PR-05"`, `"id": "FULL"`, `corrections.full: rule "FULL" must have an id like PR-01`},
		"a rule's id":                   {`"id": "PR-04"`, `"id": "4"`, `rule "4" must have an id like PR-01 and a name`},
		"a kind of request":             {`"for": "FEE"`, `"for": "FEES"`, `it is for "FEES", which is neither PAYMENT nor a kind of posting request`},
		"a class of transactions":       {`"when": [{"class": "CASH"}`, `"when": [{"class": "ATM"}`, `there is no transaction class "ATM"`},
		"a class of merchants":          {`"merchantClass": "CASH"`, `"merchantClass": "BANKS"`, `there is no merchant class "BANKS"`},
		"an outcome":                    {`"outcome": "SUSPENSE", "side": "D"`, `"outcome": "LATER", "side": "D"`, `there is no outcome "LATER"`},
		"a side":                        {`"outcome": "SUSPENSE", "side": "D"`, `"outcome": "SUSPENSE", "side": "E"`, `side "E" is neither D nor C`},
		"a condition of nothing":        {`"when": [{"side": "C"}]`, `"when": [{}]`, "a condition is empty"},
		"a request by merchant":         {`"for": "FEE",`, `"for": "FEE", "when": [{"merchantClass": "CASH"}],`, "a condition of a posting request can only name its side"},
		"no movements":                  {`{"debit": "SCHEME_PAYABLE", "credit": "CUST", "component": "PRINCIPAL", "amount": "PRINCIPAL", "bankTransactionCode": "PMNT/CCRD/RIMB"}`, ``, "it has no movements"},
		"a role out of the chart":       {`"credit": "FEE_INCOME.OTHER"`, `"credit": "FEE_INCOME.MISC"`, `movement 1: role "FEE_INCOME.MISC" is not in the chart of accounts`},
		"a role on both sides":          {`"debit": "SCHEME_PAYABLE", "credit": "CUST"`, `"debit": "CUST", "credit": "CUST"`, "role CUST is debited and credited"},
		"a component":                   {`"component": "FEE_TAX"`, `"component": "VAT"`, `there is no component "VAT"`},
		"an amount":                     {`"amount": "CASH_FEE"`, `"amount": "CASHFEE"`, `a rule for PAYMENT knows no amount "CASHFEE"`},
		"a payment worth what was won":  {`"amount": "CASH_FEE"`, `"amount": "WON"`, `a rule for PAYMENT knows no amount "WON"`},
		"a bank transaction code":       {`"PMNT/CCRD/RIMB"`, `"PMNT/CCRD/RIMBURSEMENT"`, `bank transaction code "PMNT/CCRD/RIMBURSEMENT" is none of cards`},
		"another family":                {`"PMNT/CCRD/RIMB"`, `"PMNT/ICDT/RIMB"`, `bank transaction code "PMNT/ICDT/RIMB" is none of cards`},
		"a movement's rule":             {`"rule": "PR-11"`, `"rule": "11"`, `movement 2: rule "11" must be an id like PR-01`},
		"a rule that is never reached":  {`"id": "PR-12", "name": "refund to suspense", "for": "PAYMENT", "when": [{"outcome": "SUSPENSE", "side": "C"}],`, `"id": "PR-12", "name": "refund to suspense", "for": "PAYMENT",`, "is never reached: an earlier one takes every PAYMENT"},
		"a class that no rule takes":    {`"when": [{"class": "CASH"}, {"class": "PURCHASE", "merchantClass": "CASH"}]`, `"when": [{"class": "PURCHASE", "merchantClass": "CASH"}]`, "no rule takes transaction class CASH with outcome POSTED"},
		"a request that no rule takes":  {`"for": "DISPUTE_WON"`, `"for": "DISPUTE_LOST_BANK"`, "is never reached"},
		"a suspense that no rule takes": {`"when": [{"outcome": "SUSPENSE", "side": "C"}]`, `"when": [{"outcome": "SUSPENSE", "side": "D"}]`, "rule PR-04 (refund) takes transaction class CREDIT with outcome SUSPENSE and moves the customer's account"},
	} {
		t.Run(name, func(t *testing.T) {
			file := strings.Replace(string(postingRulesFile), tc.old, tc.new, 1)
			require.NotEqual(t, string(postingRulesFile), file, "the case changes something")
			_, err := readPostingTable([]byte(file))
			require.ErrorContains(t, err, tc.want)
		})
	}
}

func TestPostingTableNeedsARuleForEveryRequest(t *testing.T) {
	table, err := readPostingTable(postingRulesFile)
	require.NoError(t, err)
	for kind := range subjects {
		var rules []postingRule
		for _, rule := range table.Rules {
			if rule.For != kind {
				rules = append(rules, rule)
			}
		}
		without := *table
		without.Rules = rules
		require.EqualError(t, without.check(), "no rule takes posting requests of kind "+string(kind))
	}
}

// The table is data: a change of it changes the legs, and nothing else has to.
func TestPostingTableDecides(t *testing.T) {
	file := strings.Replace(string(postingRulesFile), `"credit": "FEE_INCOME.CASH", "component": "CASH_FEE"`, `"credit": "FEE_INCOME.OTHER", "component": "CASH_FEE"`, 1)
	file = strings.Replace(file, `"version": "1"`, `"version": "2"`, 1)
	file = strings.Replace(file, `["01", "17"]`, `["01", "17", "18"]`, 1)
	file = strings.Replace(file, `"SCHEME_PAYABLE.{scheme}.{currency}"`, `"2100.{scheme}.{currency}"`, 1)
	table, err := readPostingTable([]byte(file))
	require.NoError(t, err)
	p := decided("18", "200.00", "GBP", plusTerms)
	p.Charges.Cash = true
	legs, err := table.paymentLegs(p)
	require.NoError(t, err)
	require.Equal(t, `D acc-1 200.00 PR-03 PMNT/CCRD/CWDL
C 2100.VISA.GBP 200.00 PR-03 PMNT/CCRD/CWDL
D acc-1 6.00 PR-03 PMNT/CCRD/FEES
C FEE_INCOME.OTHER 6.00 PR-03 PMNT/CCRD/FEES`, written(legs))
	require.Equal(t, "2", legs[0].RuleVersion)
	_, err = Legs(p)
	require.Equal(t, Unsupported, KindOf(err), "the table in force has no type 18")
}

func TestCorrectionRules(t *testing.T) {
	require.Equal(t, "PR-05", postingRules.Corrections.Full.ID)
	require.Equal(t, "PR-06", postingRules.Corrections.Partial.ID)
	require.Equal(t, "1", PostingRuleVersion())
}
