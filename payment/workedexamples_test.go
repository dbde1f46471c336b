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

// orders is what a purchase posts for an order after it was posted itself: the difference between what is to stand and what stands.
func orders(p Decided, o Order) func(*testing.T) []Leg {
	return func(t *testing.T) []Leg {
		b := &book{}
		_, err := b.present(t, 'A', p)
		require.NoError(t, err)
		entry, err := b.order(o)
		require.NoError(t, err)
		return entry.Legs
	}
}

// clears is what is posted for a request to take what is in suspense out of it.
func clears(p Decided, r PostingRequest) func(*testing.T) []Leg {
	return func(t *testing.T) []Leg {
		r.PurchaseKey = keyOf('A')
		o, clears, err := r.Clearing()
		require.NoError(t, err)
		require.True(t, clears)
		return orders(p, o)(t)
	}
}

// completes is what is posted for another message about a payment, after it.
func completes(p, completion Decided) func(*testing.T) []Leg {
	return func(t *testing.T) []Leg {
		b := &book{}
		_, err := b.present(t, 'A', p)
		require.NoError(t, err)
		entry, err := b.present(t, 'C', completion)
		require.NoError(t, err)
		if entry == nil {
			return nil
		}
		return entry.Legs
	}
}

// presented is a message about a payment, of a type, made at a minute.
func presented(p Decided, mti string, minute int) Decided {
	p.MTI, p.TransmittedAt = mti, at(minute)
	return p
}

// workedExamples are E1 to E10 in all their variants. The tests of posting and of the whole system post them; here they are
// computed.
func workedExamples(t *testing.T) []worked {
	gbp := func(amount string) Money { return pounds(t, amount) }
	dollars := e2() // E2 with the amount in USD, which a reversal in part needs
	closed := presented(suspended(decided("00", "19.81", "GBP", plusTerms)), "0100", 0)
	closedRefund := presented(suspended(decided("20", "25.00", "GBP", plusTerms)), "0100", 0)
	completed := presented(dollars, "0220", 30)
	completed.TransactionAmount, completed.BillingAmount = Money{12000, "USD"}, gbp("95.10")
	outOfSuspense := func(kind RequestKind, side Side, amount string) PostingRequest {
		return sided(request(kind, RequestAmounts{Principal: gbp(amount)}), side)
	}
	writeOff := func(side Side, amount string) PostingRequest {
		r := outOfSuspense(RequestSuspenseWriteOff, side, amount)
		r.AccountID = ""
		return r
	}
	dollarSettled := settled(foreign(decided("00", "79.25", "GBP", plusTerms)), Money{10000, "USD"})
	dollarSettled = presented(dollarSettled, "0100", 0)
	dollarSettled.TransactionAmount = Money{10000, "USD"}
	taxedShares := RequestAmounts{Principal: gbp("79.25"), FXFee: gbp("2.37"), FXFeeTax: gbp("0.47")}
	taxed := func(kind RequestKind) PostingRequest {
		r := request(kind, taxedShares)
		r.TaxJurisdiction = "GB"
		return r
	}
	untaxedShares := RequestAmounts{Principal: gbp("79.25"), FXFee: gbp("2.37")}
	return []worked{
		{"E1 domestic purchase, GBP 19.81", "D acc-1 19.81, C SCHEME_PAYABLE.VISA.GBP 19.81", payments(decided("00", "19.81", "GBP", plusTerms))},
		{"E1b the same between offices", "D acc-1 19.81, C HEAD_OFFICE.601613.GBP 19.81, D BRANCH_CTRL.601613.GBP 19.81, C SCHEME_PAYABLE.VISA.GBP 19.81",
			payments(ofBranch(decided("00", "19.81", "GBP", plusTerms), "601613"))},
		{"E2 foreign purchase, USD 100.00 at 0.7925, fee 2.99 %, VAT 20 %", "D acc-1 82.09, C SCHEME_PAYABLE.VISA.GBP 79.25, C FEE_INCOME.FX 2.37, C TAX_PAYABLE.GB 0.47", payments(dollars)},
		{"E2 without tax", "D acc-1 81.62, C SCHEME_PAYABLE.VISA.GBP 79.25, C FEE_INCOME.FX 2.37", payments(foreign(decided("00", "79.25", "GBP", untaxed)))},
		{"E2b settled in USD, the principal", "D acc-1 79.25, C FX_POSITION.GBP 79.25, D FX_POSITION.USD 100.00, C SCHEME_PAYABLE.VISA.USD 100.00",
			payments(settled(decided("00", "79.25", "GBP", Terms{}), Money{10000, "USD"}))},
		{"E2b with fee and tax", "D acc-1 82.09, C FX_POSITION.GBP 79.25, D FX_POSITION.USD 100.00, C SCHEME_PAYABLE.VISA.USD 100.00, C FEE_INCOME.FX 2.37, C TAX_PAYABLE.GB 0.47", payments(dollarSettled)},
		{"E2b the same reversed to USD 63.09", "C acc-1 30.29, D FX_POSITION.GBP 29.25, C FX_POSITION.USD 36.91, D SCHEME_PAYABLE.VISA.USD 36.91, D FEE_INCOME.FX 0.87, D TAX_PAYABLE.GB 0.17",
			orders(dollarSettled, orderOf('R', 'A', dollarSettled, &Money{6309, "USD"}))},
		{"E2c settled at GBP 79.41", "D FX_PNL 0.16, C SCHEME_PAYABLE.VISA.GBP 0.16", requests(request(RequestSettlementDifference, RequestAmounts{Principal: gbp("79.25"), Settled: gbp("79.41")}))},
		{"E2c the other way, settled at GBP 79.09", "D SCHEME_PAYABLE.VISA.GBP 0.16, C FX_PNL 0.16", requests(request(RequestSettlementDifference, RequestAmounts{Principal: gbp("79.25"), Settled: gbp("79.09")}))},
		{"E2 completed (0220) at GBP 95.10: the difference", "D acc-1 16.42, C SCHEME_PAYABLE.VISA.GBP 15.85, C FEE_INCOME.FX 0.47, C TAX_PAYABLE.GB 0.10", completes(dollars, completed)},
		{"E2 advised (0120) at the same amount", "nothing", completes(dollars, presented(dollars, "0120", 20))},
		{"E3 refund, GBP 25.00", "D SCHEME_PAYABLE.VISA.GBP 25.00, C acc-1 25.00", payments(decided("20", "25.00", "GBP", plusTerms))},
		{"E4 full reversal of E2", "D SCHEME_PAYABLE.VISA.GBP 79.25, D FEE_INCOME.FX 2.37, D TAX_PAYABLE.GB 0.47, C acc-1 82.09", orders(dollars, orderOf('R', 'A', dollars, nil))},
		{"E5 partial reversal of E2 to USD 63.09", "D SCHEME_PAYABLE.VISA.GBP 29.25, D FEE_INCOME.FX 0.87, D TAX_PAYABLE.GB 0.17, C acc-1 30.29",
			orders(dollars, orderOf('R', 'A', dollars, &Money{6309, "USD"}))},
		{"E6 cash, GBP 200.00, fee 3 %, at least 3.00", "D acc-1 206.00, C SCHEME_PAYABLE.VISA.GBP 200.00, C FEE_INCOME.CASH 6.00", payments(decided("01", "200.00", "GBP", plusTerms))},
		{"E7 dispute of E2 without tax, opened", "D DISPUTE_RECEIVABLE.VISA 79.25, D FEE_INCOME.FX 2.37, C acc-1 81.62", requests(request(RequestDisputeProvisional, untaxedShares))},
		{"E7 won", "D SCHEME_PAYABLE.VISA.GBP 79.25, C DISPUTE_RECEIVABLE.VISA 79.25", requests(request(RequestDisputeWon, RequestAmounts{Principal: gbp("79.25")}))},
		{"E7 lost, the customer pays", "D acc-1 81.62, C DISPUTE_RECEIVABLE.VISA 79.25, C FEE_INCOME.FX 2.37", requests(request(RequestDisputeLostCustomer, untaxedShares))},
		{"E7 lost, the bank pays", "D DISPUTE_LOSS 79.25, C DISPUTE_RECEIVABLE.VISA 79.25", requests(request(RequestDisputeLostBank, RequestAmounts{Principal: gbp("79.25")}))},
		{"E7 split, 50.00 won and 29.25 lost", "D SCHEME_PAYABLE.VISA.GBP 50.00, D DISPUTE_LOSS 29.25, C DISPUTE_RECEIVABLE.VISA 79.25",
			requests(request(RequestDisputeSplit, RequestAmounts{Won: gbp("50.00"), Lost: gbp("29.25")}))},
		{"E7 of E2 with tax, opened", "D DISPUTE_RECEIVABLE.VISA 79.25, D FEE_INCOME.FX 2.37, D TAX_PAYABLE.GB 0.47, C acc-1 82.09", requests(taxed(RequestDisputeProvisional))},
		{"E7 with tax lost, the customer pays", "D acc-1 82.09, C DISPUTE_RECEIVABLE.VISA 79.25, C FEE_INCOME.FX 2.37, C TAX_PAYABLE.GB 0.47", requests(taxed(RequestDisputeLostCustomer))},
		{"E8 closed account, GBP 19.81, into suspense", "D SUSPENSE.CARD.GBP 19.81, C SCHEME_PAYABLE.VISA.GBP 19.81", payments(closed)},
		{"E8 cleared to another account", "D acc-1 19.81, C SUSPENSE.CARD.GBP 19.81", clears(closed, outOfSuspense(RequestSuspenseClear, Debit, "19.81"))},
		{"E8 written off", "D DISPUTE_LOSS 19.81, C SUSPENSE.CARD.GBP 19.81", clears(closed, writeOff(Debit, "19.81"))},
		{"Refund of GBP 25.00 to a closed account", "D SCHEME_PAYABLE.VISA.GBP 25.00, C SUSPENSE.CARD.GBP 25.00", payments(closedRefund)},
		{"The same cleared to another account", "D SUSPENSE.CARD.GBP 25.00, C acc-1 25.00", clears(closedRefund, outOfSuspense(RequestSuspenseClear, Credit, "25.00"))},
		{"The same written off", "D SUSPENSE.CARD.GBP 25.00, C DISPUTE_LOSS 25.00", clears(closedRefund, writeOff(Credit, "25.00"))},
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
	if len(sums) == 0 {
		return []string{"nothing"}
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
[posting rules](posting-rules.md) move. ` + "`acc-1`" + ` is the customer's account. Several legs on one account are added up here. Reversals,
completions and what is taken out of suspense post the difference between what is to stand and what stands, as the
[purchase](../concepts/purchases.md) computes it from what was posted before.

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
