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

// cardCentre is the branch that runs card settlement where a bank has such.
const cardCentre = "000001"

// limited is terms with an FX fee of GBP 1.50 at least and 20.00 at most.
var limited = Terms{FXFeeRate: "0.0299", FXFeeMinimum: Money{150, "GBP"}, FXFeeMaximum: Money{2000, "GBP"}, FXFeeTaxRate: "0.20", TaxJurisdiction: "GB"}

func charged(p Decided, c Charges) Decided { p.Charges = c; return p }
func settled(p Decided, m Money) Decided   { p.SettlementAmount = m; return p }
func ofBranch(p Decided, branch string) Decided {
	p.BranchID, p.Terms.CardCentre = branch, cardCentre
	return p
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
		"a purchase treated as cash bears the cash fee": {charged(decided("00", "200.00", "GBP", plusTerms), Charges{Cash: true}), `
D acc-1 200.00 PR-03 PMNT/CCRD/POSD
C SCHEME_PAYABLE.VISA.GBP 200.00 PR-03 PMNT/CCRD/POSD
D acc-1 6.00 PR-03 PMNT/CCRD/FEES
C FEE_INCOME.CASH 6.00 PR-03 PMNT/CCRD/FEES`},
		"foreign cash bears both charges": {foreign(decided("01", "200.00", "GBP", plusTerms)), `
D acc-1 200.00 PR-03 PMNT/CCRD/CWDL
C SCHEME_PAYABLE.VISA.GBP 200.00 PR-03 PMNT/CCRD/CWDL
D acc-1 6.00 PR-03 PMNT/CCRD/FEES
C FEE_INCOME.CASH 6.00 PR-03 PMNT/CCRD/FEES
D acc-1 5.98 PR-03 PMNT/CCRD/FEES
C FEE_INCOME.FX 5.98 PR-03 PMNT/CCRD/FEES
D acc-1 1.20 PR-03 PMNT/CCRD/TAXE
C TAX_PAYABLE.GB 1.20 PR-03 PMNT/CCRD/TAXE`},
		"a charge that was decided is not dropped in the own currency": {charged(decided("00", "79.25", "GBP", untaxed), Charges{FX: true}), `
D acc-1 79.25 PR-02 PMNT/CCRD/POSD
C SCHEME_PAYABLE.VISA.GBP 79.25 PR-02 PMNT/CCRD/POSD
D acc-1 2.37 PR-02 PMNT/CCRD/FEES
C FEE_INCOME.FX 2.37 PR-02 PMNT/CCRD/FEES`},
		"a charge that is waived": {charged(foreign(decided("00", "79.25", "GBP", plusTerms)), Charges{}), `
D acc-1 79.25 PR-02 PMNT/CCRD/POSD
C SCHEME_PAYABLE.VISA.GBP 79.25 PR-02 PMNT/CCRD/POSD`},
		"FX fee at its minimum, taxed as such": {foreign(decided("00", "10.00", "GBP", limited)), `
D acc-1 10.00 PR-02 PMNT/CCRD/POSD
C SCHEME_PAYABLE.VISA.GBP 10.00 PR-02 PMNT/CCRD/POSD
D acc-1 1.50 PR-02 PMNT/CCRD/FEES
C FEE_INCOME.FX 1.50 PR-02 PMNT/CCRD/FEES
D acc-1 0.30 PR-02 PMNT/CCRD/TAXE
C TAX_PAYABLE.GB 0.30 PR-02 PMNT/CCRD/TAXE`},
		"FX fee at its maximum": {foreign(decided("00", "1000.00", "GBP", limited)), `
D acc-1 1000.00 PR-02 PMNT/CCRD/POSD
C SCHEME_PAYABLE.VISA.GBP 1000.00 PR-02 PMNT/CCRD/POSD
D acc-1 20.00 PR-02 PMNT/CCRD/FEES
C FEE_INCOME.FX 20.00 PR-02 PMNT/CCRD/FEES
D acc-1 4.00 PR-02 PMNT/CCRD/TAXE
C TAX_PAYABLE.GB 4.00 PR-02 PMNT/CCRD/TAXE`},
		"E1b PR-16 between offices": {ofBranch(decided("00", "19.81", "GBP", plusTerms), "601613"), `
D acc-1 19.81 PR-01 PMNT/CCRD/POSD
C HEAD_OFFICE.601613.GBP 19.81 PR-16 PMNT/CCRD/POSD
D BRANCH_CTRL.601613.GBP 19.81 PR-16 PMNT/CCRD/POSD
C SCHEME_PAYABLE.VISA.GBP 19.81 PR-01 PMNT/CCRD/POSD`},
		"PR-16 a refund goes the other way": {ofBranch(decided("20", "25.00", "GBP", plusTerms), "601613"), `
D SCHEME_PAYABLE.VISA.GBP 25.00 PR-04 PMNT/CCRD/RIMB
C BRANCH_CTRL.601613.GBP 25.00 PR-16 PMNT/CCRD/RIMB
D HEAD_OFFICE.601613.GBP 25.00 PR-16 PMNT/CCRD/RIMB
C acc-1 25.00 PR-04 PMNT/CCRD/RIMB`},
		"PR-16 a fee is the branch's own": {ofBranch(decided("01", "200.00", "GBP", plusTerms), "601613"), `
D acc-1 200.00 PR-03 PMNT/CCRD/CWDL
C HEAD_OFFICE.601613.GBP 200.00 PR-16 PMNT/CCRD/CWDL
D BRANCH_CTRL.601613.GBP 200.00 PR-16 PMNT/CCRD/CWDL
C SCHEME_PAYABLE.VISA.GBP 200.00 PR-03 PMNT/CCRD/CWDL
D acc-1 6.00 PR-03 PMNT/CCRD/FEES
C FEE_INCOME.CASH 6.00 PR-03 PMNT/CCRD/FEES`},
		"PR-16 not for the card centre's own accounts": {ofBranch(decided("00", "19.81", "GBP", plusTerms), cardCentre), `
D acc-1 19.81 PR-01 PMNT/CCRD/POSD
C SCHEME_PAYABLE.VISA.GBP 19.81 PR-01 PMNT/CCRD/POSD`},
		"E2b settled in dollars": {settled(decided("00", "79.25", "GBP", plusTerms), Money{10000, "USD"}), `
D acc-1 79.25 PR-01 PMNT/CCRD/POSD
C FX_POSITION.GBP 79.25 PR-01 PMNT/CCRD/POSD
D FX_POSITION.USD 100.00 PR-01 PMNT/CCRD/POSD
C SCHEME_PAYABLE.VISA.USD 100.00 PR-01 PMNT/CCRD/POSD`},
		"E2b as a refund": {settled(decided("20", "79.25", "GBP", plusTerms), Money{10000, "USD"}), `
D SCHEME_PAYABLE.VISA.USD 100.00 PR-04 PMNT/CCRD/RIMB
C FX_POSITION.USD 100.00 PR-04 PMNT/CCRD/RIMB
D FX_POSITION.GBP 79.25 PR-04 PMNT/CCRD/RIMB
C acc-1 79.25 PR-04 PMNT/CCRD/RIMB`},
		"E2b to suspense": {settled(suspended(decided("00", "79.25", "GBP", plusTerms)), Money{10000, "USD"}), `
D SUSPENSE.CARD.GBP 79.25 PR-12 PMNT/CCRD/OTHR
C FX_POSITION.GBP 79.25 PR-12 PMNT/CCRD/OTHR
D FX_POSITION.USD 100.00 PR-12 PMNT/CCRD/OTHR
C SCHEME_PAYABLE.VISA.USD 100.00 PR-12 PMNT/CCRD/OTHR`},
		"E2b between offices, with a fee in the billing currency": {settled(ofBranch(foreign(decided("00", "79.25", "GBP", untaxed)), "601613"), Money{10000, "USD"}), `
D acc-1 79.25 PR-02 PMNT/CCRD/POSD
C HEAD_OFFICE.601613.GBP 79.25 PR-16 PMNT/CCRD/POSD
D BRANCH_CTRL.601613.GBP 79.25 PR-16 PMNT/CCRD/POSD
C FX_POSITION.GBP 79.25 PR-02 PMNT/CCRD/POSD
D FX_POSITION.USD 100.00 PR-02 PMNT/CCRD/POSD
C SCHEME_PAYABLE.VISA.USD 100.00 PR-02 PMNT/CCRD/POSD
D acc-1 2.37 PR-02 PMNT/CCRD/FEES
C FEE_INCOME.FX 2.37 PR-02 PMNT/CCRD/FEES`},
		"settled in the billing currency is posted as billed": {settled(decided("00", "79.25", "GBP", plusTerms), Money{7930, "GBP"}), `
D acc-1 79.25 PR-01 PMNT/CCRD/POSD
C SCHEME_PAYABLE.VISA.GBP 79.25 PR-01 PMNT/CCRD/POSD`},
		"no leg for a fee of nothing": {foreign(decided("00", "0.01", "GBP", plusTerms)), `
D acc-1 0.01 PR-02 PMNT/CCRD/POSD
C SCHEME_PAYABLE.VISA.GBP 0.01 PR-02 PMNT/CCRD/POSD`},
	} {
		t.Run(name, func(t *testing.T) {
			legs, err := Legs(tc.payment)
			require.NoError(t, err)
			require.Equal(t, strings.TrimPrefix(tc.want, "\n"), written(legs))
			checkLegs(t, legs)
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
		"an inquiry":                    {decided("30", "1.00", "GBP", plusTerms), Unsupported, "TRANSACTION_TYPE_NOT_SUPPORTED: no posting rule takes transaction type 30"},
		"a missing account":             {func() Decided { p := decided("00", "1.00", "GBP", plusTerms); p.AccountID = ""; return p }(), Invalid, "applying posting rule PR-01: ACCOUNT_MISSING: account CUST needs the customer's account"},
		"an amount of nothing":          {decided("01", "0.00", "GBP", plusTerms), Invalid, "AMOUNT_INVALID: the billed amount is GBP 0.00, want more than zero"},
		"a negative amount":             {decided("00", "-1.00", "GBP", plusTerms), Invalid, "AMOUNT_INVALID: the billed amount is GBP -1.00, want more than zero"},
		"a rate that is none":           {badTerms(Terms{FXFeeRate: "3%"}), Invalid, `applying posting rule PR-02: TERMS_INVALID: rate "3%" is not a decimal of zero or more`},
		"a negative rate":               {badTerms(Terms{FXFeeRate: "-0.01"}), Invalid, `applying posting rule PR-02: TERMS_INVALID: rate "-0.01" is not a decimal of zero or more`},
		"tax without a jurisdiction":    {badTerms(Terms{FXFeeRate: "0.03", FXFeeTaxRate: "0.2"}), Invalid, "applying posting rule PR-02: TERMS_INVALID: a tax rate without a jurisdiction"},
		"no scheme":                     {func() Decided { p := decided("00", "1.00", "GBP", plusTerms); p.Scheme = ""; return p }(), Invalid, "applying posting rule PR-01: ACCOUNT_MISSING: account SCHEME_PAYABLE needs the scheme"},
		"FX limits in another currency": {badTerms(Terms{FXFeeRate: "0.03", FXFeeMaximum: Money{1, "USD"}}), Invalid, "applying posting rule PR-02: TERMS_INVALID: FX fee maximum: comparing GBP 2.38 with USD 0.01: currencies differ"},
		"a negative maximum":            {badTerms(Terms{FXFeeRate: "0.03", FXFeeMaximum: Money{-1, "GBP"}}), Invalid, "applying posting rule PR-02: TERMS_INVALID: the FX fee would be GBP -0.01, want zero or more"},
		"minimum in another currency":   {decided("01", "1.000", "BHD", plusTerms), Invalid, "applying posting rule PR-03: TERMS_INVALID: cash fee minimum: comparing BHD 0.030 with GBP 3.00: currencies differ"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Legs(tc.payment)
			require.EqualError(t, err, tc.problem)
			require.Equal(t, tc.kind, KindOf(err))
		})
	}
}

func anyDecided(t *rapid.T) Decided {
	rate := func(name string) string {
		return rapid.SampledFrom([]string{"", "0", "0.001", "0.0299", "0.20", "0.333333"}).Draw(t, name)
	}
	currency := rapid.SampledFrom([]Currency{"GBP", "JPY", "BHD", "CLF"}).Draw(t, "currency")
	limit := func(name string) Money {
		return rapid.SampledFrom([]Money{{}, {0, currency}, {1, currency}, {300, currency}}).Draw(t, name)
	}
	return Decided{
		Outcome:          rapid.SampledFrom([]Outcome{OutcomePosted, OutcomeSuspense}).Draw(t, "outcome"),
		TransactionType:  rapid.SampledFrom([]string{"00", "01", "09", "20", "26"}).Draw(t, "type"),
		MCC:              rapid.SampledFrom([]string{"5411", "6011"}).Draw(t, "mcc"),
		Foreign:          rapid.Bool().Draw(t, "foreign"),
		Charges:          Charges{FX: rapid.Bool().Draw(t, "FX charge"), Cash: rapid.Bool().Draw(t, "cash charge")},
		BillingAmount:    Money{rapid.Int64Range(1, maxMinor).Draw(t, "billed"), currency},
		SettlementAmount: rapid.SampledFrom([]Money{{}, {10000, "USD"}, {79, "JPY"}}).Draw(t, "settled"),
		AccountID:        "acc-1", BranchID: rapid.SampledFrom([]string{"", "601613", "000001"}).Draw(t, "branch"), Scheme: "VISA", ValueDate: "2026-07-10",
		Terms: Terms{FXFeeRate: rate("fx"), FXFeeMinimum: limit("fx minimum"), FXFeeMaximum: limit("fx maximum"), FXFeeTaxRate: rate("tax"), TaxJurisdiction: "GB",
			CashFeeRate: rate("cash"), CashFeeMinimum: limit("cash minimum"), CardCentre: rapid.SampledFrom([]string{"", "000001"}).Draw(t, "centre")},
	}
}

// checkLegs verifies what holds for every set of legs: debits equal credits in every currency, also of each component by
// itself (invariant 2), and the inter-office accounts are zero together (invariant 11).
func checkLegs(t require.TestingT, legs []Leg) {
	require.NoError(t, CheckBalanced(legs))
	require.GreaterOrEqual(t, len(legs), 2)
	require.LessOrEqual(t, len(legs), maxLegs)
	byComponent := map[Component][]Leg{}
	offices := map[Currency]int64{}
	for i, leg := range legs {
		require.Equal(t, i+1, leg.Number)
		require.Positive(t, leg.Amount.Minor)
		require.NotEmpty(t, leg.Component)
		byComponent[leg.Component] = append(byComponent[leg.Component], leg)
		if leg.Role == "HEAD_OFFICE" || leg.Role == "BRANCH_CTRL" {
			offices[leg.Amount.Currency] += leg.Signed().Minor
		}
	}
	for component, part := range byComponent {
		require.NoError(t, CheckBalanced(part), "component %s", component)
	}
	for currency, sum := range offices {
		require.Zero(t, sum, "inter-office accounts in %s", currency)
	}
}

// Whatever the payment, its legs hold together, and what is posted of the principal is what was billed: to the customer, or to
// suspense in the customer's place.
func TestLegsAlwaysBalance(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := anyDecided(t)
		legs, err := Legs(p)
		require.NoError(t, err)
		checkLegs(t, legs)
		place := RoleCustomer
		if p.Outcome == OutcomeSuspense {
			place = RoleSuspense
		}
		var principal int64
		for _, leg := range legs {
			require.False(t, p.Outcome == OutcomeSuspense && leg.Role == RoleCustomer, "an account that takes no postings is not touched")
			if leg.Role == place && leg.Component == Principal {
				principal += leg.Amount.Minor
			}
		}
		require.Equal(t, p.BillingAmount.Minor, principal)
	})
}

func TestValueDate(t *testing.T) {
	at := time.Date(2026, 7, 9, 23, 30, 0, 0, time.FixedZone("", -2*3600))
	require.Equal(t, "2026-07-10", ValueDate("", at), "the day is counted in UTC")
	require.Equal(t, "2026-07-11", ValueDate("2026-07-11", at))
}
