package payment

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

var (
	plusTerms   = Terms{FXFeeRate: "0.0299", FXFeeTaxRate: "0.20", TaxJurisdiction: "GB", CashFeeRate: "0.03", CashFeeMinimum: Money{300, "GBP"}}
	untaxed     = Terms{FXFeeRate: "0.0299"}
	bahrainTerm = Terms{FXFeeRate: "0.025"}
)

func decided(transactionType, billed string, currency Currency, terms Terms) Decided {
	amount, err := ParseMoney(billed, currency)
	if err != nil {
		panic(err)
	}
	return Decided{Outcome: OutcomePosted, TransactionType: transactionType, MCC: "5411", BillingAmount: amount, Charges: Charges{Cash: transactionType == "01"},
		AccountID: "acc-1", Scheme: "VISA", Terms: terms, ValueDate: "2026-07-10"}
}

func foreign(p Decided) Decided   { p.Foreign, p.Charges.FX = true, true; return p }
func suspended(p Decided) Decided { p.Outcome, p.AccountID = OutcomeSuspense, ""; return p }
func atMerchant(p Decided, mcc string) Decided {
	p.MCC, p.Charges.Cash = mcc, p.Charges.Cash || mcc == "6011"
	return p
}

func written(legs []Leg) string {
	lines := make([]string, len(legs))
	for i, leg := range legs {
		lines[i] = fmt.Sprintf("%s %s %s %s %s", leg.Side, leg.Account, leg.Amount.Decimal(), leg.RuleID, leg.BankTransactionCode)
	}
	return strings.Join(lines, "\n")
}

// The worked examples of the accounting specification.
func TestLegsOfTheWorkedExamples(t *testing.T) {
	for name, tc := range map[string]struct {
		payment Decided
		want    string
	}{
		"E1 domestic purchase": {decided("00", "19.81", "GBP", plusTerms), `
D acc-1 19.81 PR-01 PMNT/CCRD/POSD
C SCHEME_PAYABLE.VISA.GBP 19.81 PR-01 PMNT/CCRD/POSD`},
		"E2 foreign purchase with fee and tax": {foreign(decided("00", "79.25", "GBP", plusTerms)), `
D acc-1 79.25 PR-02 PMNT/CCRD/POSD
C SCHEME_PAYABLE.VISA.GBP 79.25 PR-02 PMNT/CCRD/POSD
D acc-1 2.37 PR-02 PMNT/CCRD/FEES
C FEE_INCOME.FX 2.37 PR-02 PMNT/CCRD/FEES
D acc-1 0.47 PR-02 PMNT/CCRD/TAXE
C TAX_PAYABLE.GB 0.47 PR-02 PMNT/CCRD/TAXE`},
		"E2 without tax": {foreign(decided("00", "79.25", "GBP", untaxed)), `
D acc-1 79.25 PR-02 PMNT/CCRD/POSD
C SCHEME_PAYABLE.VISA.GBP 79.25 PR-02 PMNT/CCRD/POSD
D acc-1 2.37 PR-02 PMNT/CCRD/FEES
C FEE_INCOME.FX 2.37 PR-02 PMNT/CCRD/FEES`},
		"E3 refund": {decided("20", "25.00", "GBP", plusTerms), `
D SCHEME_PAYABLE.VISA.GBP 25.00 PR-04 PMNT/CCRD/RIMB
C acc-1 25.00 PR-04 PMNT/CCRD/RIMB`},
		"E6 cash with fee": {decided("01", "200.00", "GBP", plusTerms), `
D acc-1 200.00 PR-03 PMNT/CCRD/CWDL
C SCHEME_PAYABLE.VISA.GBP 200.00 PR-03 PMNT/CCRD/CWDL
D acc-1 6.00 PR-03 PMNT/CCRD/FEES
C FEE_INCOME.CASH 6.00 PR-03 PMNT/CCRD/FEES`},
		"cash fee at its minimum, by merchant category": {atMerchant(decided("00", "20.00", "GBP", plusTerms), "6011"), `
D acc-1 20.00 PR-03 PMNT/CCRD/CWDL
C SCHEME_PAYABLE.VISA.GBP 20.00 PR-03 PMNT/CCRD/CWDL
D acc-1 3.00 PR-03 PMNT/CCRD/FEES
C FEE_INCOME.CASH 3.00 PR-03 PMNT/CCRD/FEES`},
		"E8 purchase to suspense": {suspended(foreign(decided("00", "19.81", "GBP", plusTerms))), `
D SUSPENSE.CARD.GBP 19.81 PR-12 PMNT/CCRD/OTHR
C SCHEME_PAYABLE.VISA.GBP 19.81 PR-12 PMNT/CCRD/OTHR`},
		"refund to suspense keeps its side": {suspended(decided("20", "25.00", "GBP", Terms{})), `
D SCHEME_PAYABLE.VISA.GBP 25.00 PR-12 PMNT/CCRD/OTHR
C SUSPENSE.CARD.GBP 25.00 PR-12 PMNT/CCRD/OTHR`},
		"E9 JPY to BHD": {foreign(decided("00", "30.809", "BHD", bahrainTerm)), `
D acc-1 30.809 PR-02 PMNT/CCRD/POSD
C SCHEME_PAYABLE.VISA.BHD 30.809 PR-02 PMNT/CCRD/POSD
D acc-1 0.770 PR-02 PMNT/CCRD/FEES
C FEE_INCOME.FX 0.770 PR-02 PMNT/CCRD/FEES`},
		"foreign refund charges nothing": {foreign(decided("20", "79.25", "GBP", plusTerms)), `
D SCHEME_PAYABLE.VISA.GBP 79.25 PR-04 PMNT/CCRD/RIMB
C acc-1 79.25 PR-04 PMNT/CCRD/RIMB`},
		"no leg for a fee of nothing": {foreign(decided("00", "0.01", "GBP", plusTerms)), `
D acc-1 0.01 PR-02 PMNT/CCRD/POSD
C SCHEME_PAYABLE.VISA.GBP 0.01 PR-02 PMNT/CCRD/POSD`},
	} {
		t.Run(name, func(t *testing.T) {
			legs, err := Legs(tc.payment)
			require.NoError(t, err)
			require.Equal(t, strings.TrimPrefix(tc.want, "\n"), written(legs))
		})
	}
}

func TestLegsRefuse(t *testing.T) {
	badTerms := func(terms Terms) Decided { return foreign(decided("00", "79.25", "GBP", terms)) }
	for name, tc := range map[string]struct {
		payment Decided
		kind    Kind
		problem string
	}{
		"an inquiry":                  {decided("30", "1.00", "GBP", plusTerms), Unsupported, "TRANSACTION_TYPE_NOT_SUPPORTED: no posting rule takes transaction type 30"},
		"a missing account":           {func() Decided { p := decided("00", "1.00", "GBP", plusTerms); p.AccountID = ""; return p }(), Invalid, "ACCOUNT_MISSING: posting rule PR-01 needs the customer's account"},
		"an amount of nothing":        {decided("01", "0.00", "GBP", plusTerms), Invalid, "AMOUNT_INVALID: the billed amount is GBP 0.00, want more than zero"},
		"a negative amount":           {decided("00", "-1.00", "GBP", plusTerms), Invalid, "AMOUNT_INVALID: the billed amount is GBP -1.00, want more than zero"},
		"a rate that is none":         {badTerms(Terms{FXFeeRate: "3%"}), Invalid, `applying posting rule PR-02: TERMS_INVALID: rate "3%" is not a decimal of zero or more`},
		"a negative rate":             {badTerms(Terms{FXFeeRate: "-0.01"}), Invalid, `applying posting rule PR-02: TERMS_INVALID: rate "-0.01" is not a decimal of zero or more`},
		"tax without a jurisdiction":  {badTerms(Terms{FXFeeRate: "0.03", FXFeeTaxRate: "0.2"}), Invalid, "applying posting rule PR-02: TERMS_INVALID: a tax rate without a jurisdiction"},
		"minimum in another currency": {decided("01", "1.000", "BHD", plusTerms), Invalid, "applying posting rule PR-03: TERMS_INVALID: cash fee minimum: comparing BHD 0.030 with GBP 3.00: currencies differ"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Legs(tc.payment)
			require.EqualError(t, err, tc.problem)
			require.Equal(t, tc.kind, KindOf(err))
		})
	}
}

func TestCheckSupported(t *testing.T) {
	for name, tc := range map[string]struct {
		change  map[string]Attribute
		classes []string
		problem string
	}{
		"authorization response":          {nil, EveryClass(), ""},
		"authorization request":           {map[string]Attribute{"mti": text("0100")}, EveryClass(), ""},
		"advice":                          {map[string]Attribute{"mti": text("0120")}, EveryClass(), "MESSAGE_TYPE_NOT_SUPPORTED: message type 0120 is not supported yet, only 0100, 0110, 0400, 0401, 0410, 0420, 0421 and 0430 are"},
		"financial":                       {map[string]Attribute{"mti": text("0210")}, []string{ClassAuthorization}, "MESSAGE_TYPE_NOT_SUPPORTED: message type 0210 is not supported yet, only 0100 and 0110 are"},
		"reversal":                        {map[string]Attribute{"mti": text("0420"), "original": originalOf("0100")}, EveryClass(), ""},
		"reversal that is not taken":      {map[string]Attribute{"mti": text("0420"), "original": originalOf("0100")}, []string{ClassAuthorization}, "MESSAGE_TYPE_NOT_SUPPORTED: message type 0420 is not supported yet, only 0100 and 0110 are"},
		"reversal of a financial message": {map[string]Attribute{"mti": text("0400"), "original": originalOf("0200")}, EveryClass(), "ORIGINAL_NOT_SUPPORTED: a reversal of anything but an authorization (01xx) is not supported yet"},
		"balance inquiry":                 {map[string]Attribute{"processingCode": text("310000")}, EveryClass(), "TRANSACTION_TYPE_NOT_SUPPORTED: transaction type 31 is not supported yet"},
	} {
		t.Run(name, func(t *testing.T) {
			err := CheckSupported(parsed(t, with(tc.change)), tc.classes)
			if tc.problem == "" {
				require.NoError(t, err)
				return
			}
			require.Equal(t, Unsupported, KindOf(err))
			require.EqualError(t, err, tc.problem)
		})
	}
}

func anyDecided(t *rapid.T) Decided {
	rate := func(name string) string {
		return rapid.SampledFrom([]string{"", "0", "0.001", "0.0299", "0.20", "0.333333"}).Draw(t, name)
	}
	currency := rapid.SampledFrom([]Currency{"GBP", "JPY", "BHD", "CLF"}).Draw(t, "currency")
	p := Decided{
		Outcome:         rapid.SampledFrom([]Outcome{OutcomePosted, OutcomeSuspense}).Draw(t, "outcome"),
		TransactionType: rapid.SampledFrom([]string{"00", "01", "09", "20", "26"}).Draw(t, "type"),
		MCC:             rapid.SampledFrom([]string{"5411", "6011"}).Draw(t, "mcc"),
		Foreign:         rapid.Bool().Draw(t, "foreign"),
		BillingAmount:   Money{rapid.Int64Range(1, maxMinor).Draw(t, "billed"), currency},
		AccountID:       "acc-1", Scheme: "VISA", ValueDate: "2026-07-10",
		Terms: Terms{FXFeeRate: rate("fx"), FXFeeTaxRate: rate("tax"), TaxJurisdiction: "GB", CashFeeRate: rate("cash")},
	}
	return p
}

// Debits equal credits in every sequence, whatever the payment (invariant 2), and the customer never pays less than billed.
func TestLegsAlwaysBalance(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := anyDecided(t)
		legs, err := Legs(p)
		require.NoError(t, err)
		require.NoError(t, CheckBalanced(legs))
		require.GreaterOrEqual(t, len(legs), 2)
		for i, leg := range legs {
			require.Equal(t, i+1, leg.Number)
			require.Positive(t, leg.Amount.Minor)
		}
	})
}

func TestValueDate(t *testing.T) {
	at := time.Date(2026, 7, 9, 23, 30, 0, 0, time.FixedZone("", -2*3600))
	require.Equal(t, "2026-07-10", ValueDate("", at), "the day is counted in UTC")
	require.Equal(t, "2026-07-11", ValueDate("2026-07-11", at))
}
