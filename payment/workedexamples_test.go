package payment

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Run `go test ./payment -update` after a change of the posting-rule table to write the pages made from it anew.
var update = flag.Bool("update", false, "write docs/reference/posting-rules.md and worked-examples.md anew")

// page holds a generated page against the one that is checked in, or writes it with -update.
func page(t *testing.T, name, content string) {
	t.Helper()
	path := filepath.Join("..", "docs", "reference", name)
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(content), 0o644))
	}
	checkedIn, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, content, string(checkedIn), "%s has drifted: run `go test ./payment -update`", path)
}

// worked is an example of the accounting specification: what it posts on each account, as its text has it.
type worked struct {
	name string
	// want is lines of side, account and amount.
	want string
	legs func(t *testing.T) []Leg
}

func payments(p Decided) func(*testing.T) []Leg {
	return func(t *testing.T) []Leg {
		legs, err := Legs(p)
		require.NoError(t, err)
		return legs
	}
}

func requests(r PostingRequest) func(*testing.T) []Leg {
	return func(t *testing.T) []Leg {
		_, legs, err := r.Posting()
		require.NoError(t, err)
		return legs
	}
}

// changes is what brings the ledger from one payment to another by difference, as PR-05 and PR-06 do: from what was posted to
// what remains. The zero value is a payment of which nothing remains.
func changes(from, to Decided) func(*testing.T) []Leg {
	return func(t *testing.T) []Leg {
		legs := payments(from)(t)
		for i := range legs {
			legs[i].Side = legs[i].Side.Opposite()
		}
		if to == (Decided{}) {
			return legs
		}
		return append(legs, payments(to)(t)...)
	}
}

// workedExamples are E1 to E10 in all their variants. The tests of posting and of the whole system post them; here they are
// computed.
func workedExamples(t *testing.T) []worked {
	gbp := func(amount string) Money { return pounds(t, amount) }
	e2 := foreign(decided("00", "79.25", "GBP", plusTerms))
	untaxedShares := RequestAmounts{Principal: gbp("79.25"), FXFee: gbp("2.37")}
	return []worked{
		{"E1 domestic purchase, GBP 19.81", "D acc-1 19.81, C SCHEME_PAYABLE.VISA.GBP 19.81", payments(decided("00", "19.81", "GBP", plusTerms))},
		{"E1b the same between offices", "D acc-1 19.81, C HEAD_OFFICE.601613.GBP 19.81, D BRANCH_CTRL.601613.GBP 19.81, C SCHEME_PAYABLE.VISA.GBP 19.81",
			payments(ofBranch(decided("00", "19.81", "GBP", plusTerms), "601613"))},
		{"E2 foreign purchase, USD 100.00 at 0.7925, fee 2.99 %, VAT 20 %", "D acc-1 82.09, C SCHEME_PAYABLE.VISA.GBP 79.25, C FEE_INCOME.FX 2.37, C TAX_PAYABLE.GB 0.47", payments(e2)},
		{"E2 without tax", "D acc-1 81.62, C SCHEME_PAYABLE.VISA.GBP 79.25, C FEE_INCOME.FX 2.37", payments(foreign(decided("00", "79.25", "GBP", untaxed)))},
		{"E2b settled in USD, the principal", "D acc-1 79.25, C FX_POSITION.GBP 79.25, D FX_POSITION.USD 100.00, C SCHEME_PAYABLE.VISA.USD 100.00",
			payments(settled(decided("00", "79.25", "GBP", Terms{}), Money{10000, "USD"}))},
		{"E2c settled at GBP 79.41", "D FX_PNL 0.16, C SCHEME_PAYABLE.VISA.GBP 0.16", requests(request(RequestSettlementDifference, RequestAmounts{Principal: gbp("79.25"), Settled: gbp("79.41")}))},
		{"E3 refund, GBP 25.00", "D SCHEME_PAYABLE.VISA.GBP 25.00, C acc-1 25.00", payments(decided("20", "25.00", "GBP", plusTerms))},
		{"E4 full reversal of E2", "D SCHEME_PAYABLE.VISA.GBP 79.25, D FEE_INCOME.FX 2.37, D TAX_PAYABLE.GB 0.47, C acc-1 82.09", changes(e2, Decided{})},
		{"E5 partial reversal of E2 to GBP 50.00", "D SCHEME_PAYABLE.VISA.GBP 29.25, D FEE_INCOME.FX 0.87, D TAX_PAYABLE.GB 0.17, C acc-1 30.29",
			changes(e2, foreign(decided("00", "50.00", "GBP", plusTerms)))},
		{"E6 cash, GBP 200.00, fee 3 %, at least 3.00", "D acc-1 206.00, C SCHEME_PAYABLE.VISA.GBP 200.00, C FEE_INCOME.CASH 6.00", payments(decided("01", "200.00", "GBP", plusTerms))},
		{"E7 dispute of E2 without tax, opened", "D DISPUTE_RECEIVABLE.VISA 79.25, D FEE_INCOME.FX 2.37, C acc-1 81.62", requests(request(RequestDisputeProvisional, untaxedShares))},
		{"E7 won", "D SCHEME_PAYABLE.VISA.GBP 79.25, C DISPUTE_RECEIVABLE.VISA 79.25", requests(request(RequestDisputeWon, RequestAmounts{Principal: gbp("79.25")}))},
		{"E7 lost, the customer pays", "D acc-1 81.62, C DISPUTE_RECEIVABLE.VISA 79.25, C FEE_INCOME.FX 2.37", requests(request(RequestDisputeLostCustomer, untaxedShares))},
		{"E7 lost, the bank pays", "D DISPUTE_LOSS 79.25, C DISPUTE_RECEIVABLE.VISA 79.25", requests(request(RequestDisputeLostBank, RequestAmounts{Principal: gbp("79.25")}))},
		{"E7 split, 50.00 won and 29.25 lost", "D SCHEME_PAYABLE.VISA.GBP 50.00, D DISPUTE_LOSS 29.25, C DISPUTE_RECEIVABLE.VISA 79.25",
			requests(request(RequestDisputeSplit, RequestAmounts{Won: gbp("50.00"), Lost: gbp("29.25")}))},
		{"E8 closed account, GBP 19.81, into suspense", "D SUSPENSE.CARD.GBP 19.81, C SCHEME_PAYABLE.VISA.GBP 19.81", payments(suspended(decided("00", "19.81", "GBP", plusTerms)))},
		{"E8 cleared to another account", "D acc-1 19.81, C SUSPENSE.CARD.GBP 19.81", requests(sided(request(RequestSuspenseClear, RequestAmounts{Principal: gbp("19.81")}), Debit))},
		{"Refund of GBP 25.00 to a closed account", "D SCHEME_PAYABLE.VISA.GBP 25.00, C SUSPENSE.CARD.GBP 25.00", payments(suspended(decided("20", "25.00", "GBP", plusTerms)))},
		{"The same cleared to another account", "D SUSPENSE.CARD.GBP 25.00, C acc-1 25.00", requests(sided(request(RequestSuspenseClear, RequestAmounts{Principal: gbp("25.00")}), Credit))},
		{"E9 JPY 12345 at 0.0024957, BHD 30.809, fee 2.5 %", "D acc-1 31.579, C SCHEME_PAYABLE.VISA.BHD 30.809, C FEE_INCOME.FX 0.770", payments(foreign(decided("00", "30.809", "BHD", bahrainTerm)))},
		{"E10 settlement, net GBP 103.12, interchange 1.02", "D SCHEME_PAYABLE.VISA.GBP 103.12, C NOSTRO.GBP 102.10, C INTERCHANGE_INCOME 1.02",
			requests(sided(request(RequestSettlement, RequestAmounts{Principal: gbp("103.12"), Interchange: gbp("1.02")}), Debit))},
	}
}

// totals are what legs move on each account in each currency: debits less credits, as "D account amount". An account that they
// leave as it was is no part of it.
func totals(t *testing.T, legs []Leg) []string {
	t.Helper()
	sums := map[string]Money{}
	for _, leg := range legs {
		key := leg.Account + " " + string(leg.Amount.Currency)
		sum, ok := sums[key]
		if !ok {
			sum.Currency = leg.Amount.Currency
		}
		sum, err := sum.Add(leg.Signed().Neg())
		require.NoError(t, err)
		sums[key] = sum
	}
	var lines []string
	for _, key := range slices.Sorted(maps.Keys(sums)) {
		account, _, _ := strings.Cut(key, " ")
		switch sum := sums[key]; {
		case sum.Minor > 0:
			lines = append(lines, fmt.Sprintf("D %s %s", account, sum.Decimal()))
		case sum.Minor < 0:
			lines = append(lines, fmt.Sprintf("C %s %s", account, sum.Neg().Decimal()))
		}
	}
	return lines
}

const workedIntro = `# Worked examples

<!-- Generated by ` + "`go test ./payment -update`" + `; a test holds it against what the posting rules compute. -->

The examples of the accounting specification, to the minor unit: what each should move on each account, and what the
[posting rules](posting-rules.md) move. ` + "`acc-1`" + ` is the customer's account. Several legs on one account are added up here. E4 and E5
are the difference between what was posted and what remains, component by component.

| Example | Expected | Computed | |
|---|---|---|---|
`

func TestWorkedExamples(t *testing.T) {
	var b strings.Builder
	b.WriteString(workedIntro)
	for _, example := range workedExamples(t) {
		computed := totals(t, example.legs(t))
		want := strings.Split(example.want, ", ")
		verdict := "equal"
		if !t.Run(example.name, func(t *testing.T) { require.ElementsMatch(t, want, computed) }) {
			verdict = "**different**"
		}
		// In the order of the specification.
		slices.SortFunc(computed, func(a, b string) int { return slices.Index(want, a) - slices.Index(want, b) })
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", example.name, strings.Join(want, "<br>"), strings.Join(computed, "<br>"), verdict)
	}
	t.Log("\n" + b.String())
	page(t, "worked-examples.md", b.String())
}
