package payment

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func taxed(r PostingRequest) PostingRequest            { r.TaxJurisdiction = "GB"; return r }
func sided(r PostingRequest, side Side) PostingRequest { r.Side = side; return r }
func centred(r PostingRequest, branch string) PostingRequest {
	r.BranchID, r.CardCentre = branch, cardCentre
	return r
}

func TestPostingsOfRequests(t *testing.T) {
	gbp := func(amount string) Money { return pounds(t, amount) }
	for name, tc := range map[string]struct {
		request PostingRequest
		want    string
	}{
		"PR-07 standalone fee": {request(RequestFee, RequestAmounts{Fee: gbp("5.00")}), `
D acc-1 5.00 PR-07 PMNT/CCRD/FEES
C FEE_INCOME.OTHER 5.00 PR-07 PMNT/CCRD/FEES`},
		"PR-07 standalone fee with tax": {taxed(request(RequestFee, RequestAmounts{Fee: gbp("5.00"), FeeTax: gbp("1.00")})), `
D acc-1 5.00 PR-07 PMNT/CCRD/FEES
C FEE_INCOME.OTHER 5.00 PR-07 PMNT/CCRD/FEES
D acc-1 1.00 PR-07 PMNT/CCRD/TAXE
C TAX_PAYABLE.GB 1.00 PR-07 PMNT/CCRD/TAXE`},
		"PR-08 provisional credit, E7 open": {request(RequestDisputeProvisional, RequestAmounts{Principal: gbp("79.25"), FXFee: gbp("2.37")}), `
D DISPUTE_RECEIVABLE.VISA 79.25 PR-08 PMNT/CCRD/CAJT
C acc-1 79.25 PR-08 PMNT/CCRD/CAJT
D FEE_INCOME.FX 2.37 PR-08 PMNT/CCRD/CAJT
C acc-1 2.37 PR-08 PMNT/CCRD/CAJT`},
		"PR-08 with the shares of fee, tax and cash fee": {taxed(request(RequestDisputeProvisional, RequestAmounts{Principal: gbp("79.25"), FXFee: gbp("2.37"), FXFeeTax: gbp("0.47"), CashFee: gbp("3.00")})), `
D DISPUTE_RECEIVABLE.VISA 79.25 PR-08 PMNT/CCRD/CAJT
C acc-1 79.25 PR-08 PMNT/CCRD/CAJT
D FEE_INCOME.FX 2.37 PR-08 PMNT/CCRD/CAJT
C acc-1 2.37 PR-08 PMNT/CCRD/CAJT
D TAX_PAYABLE.GB 0.47 PR-08 PMNT/CCRD/CAJT
C acc-1 0.47 PR-08 PMNT/CCRD/CAJT
D FEE_INCOME.CASH 3.00 PR-08 PMNT/CCRD/CAJT
C acc-1 3.00 PR-08 PMNT/CCRD/CAJT`},
		"PR-09 won, E7": {request(RequestDisputeWon, RequestAmounts{Principal: gbp("79.25")}), `
D SCHEME_PAYABLE.VISA.GBP 79.25 PR-09 PMNT/CCRD/OTHR
C DISPUTE_RECEIVABLE.VISA 79.25 PR-09 PMNT/CCRD/OTHR`},
		"PR-10 lost, the customer pays, E7": {request(RequestDisputeLostCustomer, RequestAmounts{Principal: gbp("79.25"), FXFee: gbp("2.37")}), `
D acc-1 79.25 PR-10 PMNT/CCRD/DAJT
C DISPUTE_RECEIVABLE.VISA 79.25 PR-10 PMNT/CCRD/DAJT
D acc-1 2.37 PR-10 PMNT/CCRD/DAJT
C FEE_INCOME.FX 2.37 PR-10 PMNT/CCRD/DAJT`},
		"PR-11 lost, the bank pays, E7": {request(RequestDisputeLostBank, RequestAmounts{Principal: gbp("79.25")}), `
D DISPUTE_LOSS 79.25 PR-11 PMNT/CCRD/OTHR
C DISPUTE_RECEIVABLE.VISA 79.25 PR-11 PMNT/CCRD/OTHR`},
		"PR-09 and PR-11 split, E7": {request(RequestDisputeSplit, RequestAmounts{Won: gbp("50.00"), Lost: gbp("29.25")}), `
D SCHEME_PAYABLE.VISA.GBP 50.00 PR-09 PMNT/CCRD/OTHR
C DISPUTE_RECEIVABLE.VISA 50.00 PR-09 PMNT/CCRD/OTHR
D DISPUTE_LOSS 29.25 PR-11 PMNT/CCRD/OTHR
C DISPUTE_RECEIVABLE.VISA 29.25 PR-11 PMNT/CCRD/OTHR`},
		"PR-13 a purchase out of suspense, E8": {sided(request(RequestSuspenseClear, RequestAmounts{Principal: gbp("19.81")}), Debit), `
D acc-1 19.81 PR-13 PMNT/CCRD/OTHR
C SUSPENSE.CARD.GBP 19.81 PR-13 PMNT/CCRD/OTHR`},
		"PR-13 a refund out of suspense": {sided(request(RequestSuspenseClear, RequestAmounts{Principal: gbp("25.00")}), Credit), `
D SUSPENSE.CARD.GBP 25.00 PR-13 PMNT/CCRD/OTHR
C acc-1 25.00 PR-13 PMNT/CCRD/OTHR`},
		"PR-13 and PR-16, to an account of a branch": {centred(sided(request(RequestSuspenseClear, RequestAmounts{Principal: gbp("19.81")}), Debit), "601613"), `
D acc-1 19.81 PR-13 PMNT/CCRD/OTHR
C HEAD_OFFICE.601613.GBP 19.81 PR-16 PMNT/CCRD/OTHR
D BRANCH_CTRL.601613.GBP 19.81 PR-16 PMNT/CCRD/OTHR
C SUSPENSE.CARD.GBP 19.81 PR-13 PMNT/CCRD/OTHR`},
		"PR-13 a purchase written off": {sided(request(RequestSuspenseWriteOff, RequestAmounts{Principal: gbp("19.81")}), Debit), `
D DISPUTE_LOSS 19.81 PR-13 PMNT/CCRD/OTHR
C SUSPENSE.CARD.GBP 19.81 PR-13 PMNT/CCRD/OTHR`},
		"PR-13 a refund written off": {sided(request(RequestSuspenseWriteOff, RequestAmounts{Principal: gbp("25.00")}), Credit), `
D SUSPENSE.CARD.GBP 25.00 PR-13 PMNT/CCRD/OTHR
C DISPUTE_LOSS 25.00 PR-13 PMNT/CCRD/OTHR`},
		"PR-14 net settlement, E10": {sided(request(RequestSettlement, RequestAmounts{Principal: gbp("103.12"), Interchange: gbp("1.02")}), Debit), `
D SCHEME_PAYABLE.VISA.GBP 102.10 PR-14 PMNT/CCRD/OTHR
C NOSTRO.GBP 102.10 PR-14 PMNT/CCRD/OTHR
D SCHEME_PAYABLE.VISA.GBP 1.02 PR-14 PMNT/CCRD/COMM
C INTERCHANGE_INCOME 1.02 PR-14 PMNT/CCRD/COMM`},
		"PR-14 without interchange": {sided(request(RequestSettlement, RequestAmounts{Principal: gbp("103.12")}), Debit), `
D SCHEME_PAYABLE.VISA.GBP 103.12 PR-14 PMNT/CCRD/OTHR
C NOSTRO.GBP 103.12 PR-14 PMNT/CCRD/OTHR`},
		"PR-14 the scheme pays on a day of refunds": {sided(request(RequestSettlement, RequestAmounts{Principal: gbp("40.00"), Interchange: gbp("1.02")}), Credit), `
D NOSTRO.GBP 40.00 PR-14 PMNT/CCRD/OTHR
C SCHEME_PAYABLE.VISA.GBP 40.00 PR-14 PMNT/CCRD/OTHR
D NOSTRO.GBP 1.02 PR-14 PMNT/CCRD/COMM
C INTERCHANGE_INCOME 1.02 PR-14 PMNT/CCRD/COMM`},
		"PR-15 settlement difference, a loss, E2c": {request(RequestSettlementDifference, RequestAmounts{Principal: gbp("79.25"), Settled: gbp("79.41")}), `
D FX_PNL 0.16 PR-15 PMNT/CCRD/OTHR
C SCHEME_PAYABLE.VISA.GBP 0.16 PR-15 PMNT/CCRD/OTHR`},
		"PR-15 settlement difference, a gain": {request(RequestSettlementDifference, RequestAmounts{Principal: gbp("79.25"), Settled: gbp("79.20")}), `
D SCHEME_PAYABLE.VISA.GBP 0.05 PR-15 PMNT/CCRD/OTHR
C FX_PNL 0.05 PR-15 PMNT/CCRD/OTHR`},
		"PR-15 a refund for which the scheme paid more, a gain": {sided(request(RequestSettlementDifference, RequestAmounts{Principal: gbp("25.00"), Settled: gbp("25.16")}), Credit), `
D SCHEME_PAYABLE.VISA.GBP 0.16 PR-15 PMNT/CCRD/OTHR
C FX_PNL 0.16 PR-15 PMNT/CCRD/OTHR`},
		"PR-15 a refund for which the scheme paid less, a loss": {sided(request(RequestSettlementDifference, RequestAmounts{Principal: gbp("25.00"), Settled: gbp("24.84")}), Credit), `
D FX_PNL 0.16 PR-15 PMNT/CCRD/OTHR
C SCHEME_PAYABLE.VISA.GBP 0.16 PR-15 PMNT/CCRD/OTHR`},
	} {
		t.Run(name, func(t *testing.T) {
			sequence, legs, err := tc.request.Posting()
			require.NoError(t, err)
			require.Equal(t, strings.TrimPrefix(tc.want, "\n"), written(legs))
			checkLegs(t, legs)
			entry, err := Assemble(sequence, legs)
			require.NoError(t, err)
			require.Equal(t, SequenceID(tc.request.BusinessKey(), 0), entry.ID)
			require.Equal(t, tc.request.CauseID, entry.AuthorizationID)
			require.Equal(t, OutcomePosted, entry.Outcome)
			require.Equal(t, "2026-07-14", legs[0].ValueDate)
		})
	}
}

func TestPostingsOfRequestsRefuse(t *testing.T) {
	gbp := func(amount string) Money { return pounds(t, amount) }
	without := func(r PostingRequest, change func(*PostingRequest)) PostingRequest { change(&r); return r }
	fee := request(RequestFee, RequestAmounts{Fee: gbp("5.00")})
	for name, tc := range map[string]struct {
		request PostingRequest
		want    string
	}{
		"a form that is wrong":      {without(fee, func(r *PostingRequest) { r.CauseID = "" }), "causeId must be"},
		"no account":                {without(fee, func(r *PostingRequest) { r.AccountID = "" }), "applying posting rule PR-07: ACCOUNT_MISSING: account CUST needs the customer's account"},
		"no scheme":                 {without(request(RequestDisputeWon, RequestAmounts{Principal: gbp("1.00")}), func(r *PostingRequest) { r.Scheme = "" }), "account SCHEME_PAYABLE needs the scheme"},
		"tax without jurisdiction":  {request(RequestFee, RequestAmounts{Fee: gbp("5.00"), FeeTax: gbp("1.00")}), "TERMS_INVALID: account TAX_PAYABLE needs the tax jurisdiction"},
		"a side it does not have":   {sided(fee, Debit), "REQUEST_INVALID: a FEE has no side"},
		"suspense without a side":   {request(RequestSuspenseClear, RequestAmounts{Principal: gbp("1.00")}), `no posting rule takes a SUSPENSE_CLEAR with side "": it must say D or C`},
		"an amount without use":     {request(RequestFee, RequestAmounts{Fee: gbp("5.00"), Principal: gbp("1.00")}), "posting rule PR-07 has no use for the amount principal"},
		"a zero that has no use":    {request(RequestFee, RequestAmounts{Fee: gbp("5.00"), Principal: gbp("0.00")}), "posting rule PR-07 has no use for the amount principal"},
		"a fee share alone":         {request(RequestDisputeProvisional, RequestAmounts{FXFee: gbp("2.37")}), "a DISPUTE_PROVISIONAL needs the amount principal"},
		"tax without a fee":         {taxed(request(RequestFee, RequestAmounts{FeeTax: gbp("1.00")})), "a FEE needs the amount fee"},
		"a split with one part":     {request(RequestDisputeSplit, RequestAmounts{Won: gbp("50.00")}), "a DISPUTE_SPLIT needs the amount lost"},
		"a split of nothing won":    {request(RequestDisputeSplit, RequestAmounts{Lost: gbp("50.00")}), "a DISPUTE_SPLIT needs the amount won"},
		"nothing":                   {request(RequestFee, RequestAmounts{Fee: gbp("0.00")}), "a FEE needs the amount fee"},
		"interchange above the net": {sided(request(RequestSettlement, RequestAmounts{Principal: gbp("1.00"), Interchange: gbp("1.01")}), Debit), "interchange of GBP 1.01 exceeds the net of GBP 1.00"},
		"a settlement to no side":   {request(RequestSettlement, RequestAmounts{Principal: gbp("1.00")}), `no posting rule takes a SETTLEMENT with side ""`},
		"a difference with a side":  {sided(request(RequestSettlementDifference, RequestAmounts{Principal: gbp("79.25"), Settled: gbp("79.41")}), Debit), "the side of a SETTLEMENT_DIFFERENCE follows from its amounts; only that of a refund has one, C"},
		"no difference of a refund": {sided(request(RequestSettlementDifference, RequestAmounts{Principal: gbp("25.00"), Settled: gbp("25.00")}), Credit), "the amounts of a SETTLEMENT_DIFFERENCE come to nothing"},
		"a difference of one":       {request(RequestSettlementDifference, RequestAmounts{Principal: gbp("79.25")}), "needs the amounts principal (what was posted) and settled"},
		"no difference":             {request(RequestSettlementDifference, RequestAmounts{Principal: gbp("79.25"), Settled: gbp("79.25")}), "the amounts of a SETTLEMENT_DIFFERENCE come to nothing"},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := tc.request.Posting()
			require.ErrorContains(t, err, tc.want)
			require.Equal(t, Invalid, KindOf(err))
		})
	}
}

// A dispute that is closed leaves nothing receivable, whoever bears it, and a customer who lost it stands where he stood
// (invariant 10).
func TestDisputesCloseToNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		amount := func(name string, least int64) Money {
			return Money{rapid.Int64Range(least, 1_000_000).Draw(t, name), "GBP"}
		}
		shares := RequestAmounts{Principal: amount("principal", 2), FXFee: amount("fee", 0), FXFeeTax: amount("tax", 0), CashFee: amount("cash fee", 0)}
		won := Money{rapid.Int64Range(1, shares.Principal.Minor-1).Draw(t, "won"), "GBP"}
		close := rapid.SampledFrom([]PostingRequest{
			request(RequestDisputeWon, RequestAmounts{Principal: shares.Principal}), request(RequestDisputeLostCustomer, shares),
			request(RequestDisputeLostBank, RequestAmounts{Principal: shares.Principal}),
			request(RequestDisputeSplit, RequestAmounts{Won: won, Lost: Money{shares.Principal.Minor - won.Minor, "GBP"}}),
		}).Draw(t, "close")
		balances := map[string]int64{}
		for _, r := range []PostingRequest{taxed(request(RequestDisputeProvisional, shares)), taxed(close)} {
			_, legs, err := r.Posting()
			require.NoError(t, err)
			checkLegs(t, legs)
			for _, leg := range legs {
				balances[leg.Account] += leg.Signed().Minor
			}
		}
		require.Zero(t, balances["DISPUTE_RECEIVABLE.VISA"])
		if close.Kind == RequestDisputeLostCustomer {
			for account, balance := range balances {
				require.Zero(t, balance, account)
			}
		}
	})
}

// Whatever a request says, it is refused or its legs hold together and move every amount that it names.
func TestRequestsAreRefusedOrBalance(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		amount := func(name string) Money {
			return rapid.SampledFrom([]Money{{}, {}, {1, "GBP"}, {7925, "GBP"}, {7941, "GBP"}, {100, "JPY"}, {-1, "GBP"}}).Draw(t, name)
		}
		var kinds []RequestKind
		for _, rule := range postingRules.Rules {
			kinds = append(kinds, rule.For)
		}
		r := request(rapid.SampledFrom(kinds).Draw(t, "kind"), RequestAmounts{
			Principal: amount("principal"), FXFee: amount("fxFee"), FXFeeTax: amount("fxFeeTax"), CashFee: amount("cashFee"), Fee: amount("fee"),
			FeeTax: amount("feeTax"), Won: amount("won"), Lost: amount("lost"), Interchange: amount("interchange"), Settled: amount("settled"),
		})
		r.Side = rapid.SampledFrom([]Side{"", Debit, Credit, "X"}).Draw(t, "side")
		r.TaxJurisdiction = rapid.SampledFrom([]string{"", "GB"}).Draw(t, "jurisdiction")
		r = centred(r, rapid.SampledFrom([]string{"", "601613", cardCentre}).Draw(t, "branch"))
		sequence, legs, err := r.Posting()
		if err != nil {
			require.Equal(t, Invalid, KindOf(err))
			return
		}
		checkLegs(t, legs)
		_, err = Assemble(sequence, legs)
		require.NoError(t, err)
	})
}
