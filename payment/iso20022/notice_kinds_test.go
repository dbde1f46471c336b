package iso20022

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/payment"
)

// leg reads "D CUST PRINCIPAL GBP 7925 POSD": side, role, component, currency, minor units, sub-family.
func leg(t *testing.T, number int, line string) payment.Leg {
	t.Helper()
	var side, role, component, currency, family string
	var minor int64
	_, err := fmt.Sscanf(line, "%s %s %s %s %d %s", &side, &role, &component, &currency, &minor, &family)
	require.NoError(t, err, line)
	account := role
	switch role {
	case "CUST":
		account = "acc-alice-gbp"
	case "SCHEME_PAYABLE":
		account = "SCHEME_PAYABLE.VISA.GBP"
	case "TAX_PAYABLE":
		account = "TAX_PAYABLE.GB"
	}
	return payment.Leg{Number: number, Side: payment.Side(side), Role: payment.Role(role), Account: account, Component: payment.Component(component),
		Amount: money(minor, payment.Currency(currency)), RuleID: "PR-00", BankTransactionCode: "PMNT/CCRD/" + family, ValueDate: "2026-07-10", Description: "ACME STORE"}
}

// made is a posting of literal legs.
func made(t *testing.T, a payment.Authorization, corrects string, lines ...string) Posting {
	t.Helper()
	var legs []payment.Leg
	for i, line := range lines {
		legs = append(legs, leg(t, i+1, line))
	}
	require.NoError(t, payment.CheckBalanced(legs))
	id := "ps_AAAAAAAAAAAAAAAAAAAAAAAAAA-00"
	if corrects != "" {
		id = "ps_AAAAAAAAAAAAAAAAAAAAAAAAAA-01"
	}
	entry := payment.JournalEntry{Sequence: payment.Sequence{ID: id, Of: len(legs), AuthorizationID: "case-1"}, Legs: legs}
	return Posting{Entry: entry, PostedAt: postedAt, Account: gbpAccount(), Authorization: a, Corrects: corrects}
}

const root = "ps_AAAAAAAAAAAAAAAAAAAAAAAAAA-00"

type kind struct {
	posting Posting
	entries []string
}

// kinds are the postings there are besides first ones of a payment, with what a notice says of each entry: leg, direction, amount,
// sub-family and own code, RVSL where it takes an entry back.
func kinds(t *testing.T) map[string]kind {
	reversal := changed(func(a *payment.Authorization) { a.MTI, a.STAN = "0400", "123461" })
	completion := changed(func(a *payment.Authorization) { a.MTI, a.STAN = "0220", "123470" })
	refundReversal := changed(func(a *payment.Authorization) { a.MTI, a.ProcessingCode = "0420", "200000" })
	cashReversal := cash()
	cashReversal.MTI = "0400"
	of := func(p Posting, entries ...string) kind { return kind{p, entries} }
	return map[string]kind{
		"reversal-full": of(made(t, reversal, root, // E4
			"C CUST PRINCIPAL GBP 7925 POSD", "D SCHEME_PAYABLE PRINCIPAL GBP 7925 POSD", "C CUST FX_FEE GBP 237 FEES", "D FEE_INCOME.FX FX_FEE GBP 237 FEES",
			"C CUST FX_FEE_TAX GBP 47 TAXE", "D TAX_PAYABLE FX_FEE_TAX GBP 47 TAXE"),
			"1 CRDT GBP 79.25 POSD CARD.PURCHASE.FOREIGN RVSL", "3 CRDT GBP 2.37 FEES CARD.FEE.FX RVSL", "5 CRDT GBP 0.47 TAXE CARD.TAX RVSL"),
		"reversal-partial": of(made(t, reversal, root, // E5
			"C CUST PRINCIPAL GBP 2925 POSD", "D SCHEME_PAYABLE PRINCIPAL GBP 2925 POSD", "C CUST FX_FEE GBP 87 FEES", "D FEE_INCOME.FX FX_FEE GBP 87 FEES",
			"C CUST FX_FEE_TAX GBP 17 TAXE", "D TAX_PAYABLE FX_FEE_TAX GBP 17 TAXE"),
			"1 CRDT GBP 29.25 POSD CARD.PURCHASE.FOREIGN RVSL", "3 CRDT GBP 0.87 FEES CARD.FEE.FX RVSL", "5 CRDT GBP 0.17 TAXE CARD.TAX RVSL"),
		"reversal-of-a-refund": of(made(t, refundReversal, root, "C SCHEME_PAYABLE PRINCIPAL GBP 2500 RIMB", "D CUST PRINCIPAL GBP 2500 RIMB"),
			"2 DBIT GBP 25.00 RIMB CARD.REFUND.FOREIGN RVSL"),
		"reversal-of-cash": of(made(t, cashReversal, root, "C CUST PRINCIPAL GBP 20000 CWDL", "D SCHEME_PAYABLE PRINCIPAL GBP 20000 CWDL", "C CUST CASH_FEE GBP 600 FEES", "D FEE_INCOME.CASH CASH_FEE GBP 600 FEES"),
			"1 CRDT GBP 200.00 CWDL CARD.CASH RVSL", "3 CRDT GBP 6.00 FEES CARD.FEE.CASH RVSL"),
		"completion-higher": of(made(t, completion, root, "D CUST PRINCIPAL GBP 1000 POSD", "C SCHEME_PAYABLE PRINCIPAL GBP 1000 POSD", "D CUST FX_FEE GBP 30 FEES", "C FEE_INCOME.FX FX_FEE GBP 30 FEES"),
			"1 DBIT GBP 10.00 POSD CARD.PURCHASE.FOREIGN", "3 DBIT GBP 0.30 FEES CARD.FEE.FX"),
		"completion-lower": of(made(t, completion, root, "C CUST PRINCIPAL GBP 1000 POSD", "D SCHEME_PAYABLE PRINCIPAL GBP 1000 POSD", "C CUST FX_FEE GBP 30 FEES", "D FEE_INCOME.FX FX_FEE GBP 30 FEES"),
			"1 CRDT GBP 10.00 POSD CARD.PURCHASE.FOREIGN RVSL", "3 CRDT GBP 0.30 FEES CARD.FEE.FX RVSL"),
		"out-of-suspense": of(made(t, payment.Authorization{}, root, "D CUST PRINCIPAL GBP 1981 OTHR", "C SUSPENSE.CARD PRINCIPAL GBP 1981 OTHR"), "1 DBIT GBP 19.81 OTHR CARD.OTHER"),
		"fee": of(made(t, payment.Authorization{}, "", "D CUST FEE GBP 500 FEES", "C FEE_INCOME.OTHER FEE GBP 500 FEES", "D CUST FEE_TAX GBP 100 TAXE", "C TAX_PAYABLE FEE_TAX GBP 100 TAXE"),
			"1 DBIT GBP 5.00 FEES CARD.FEE", "3 DBIT GBP 1.00 TAXE CARD.TAX"),
		"provisional-credit": of(made(t, payment.Authorization{}, "", "D DISPUTE_RECEIVABLE PRINCIPAL GBP 7925 CAJT", "C CUST PRINCIPAL GBP 7925 CAJT", "D FEE_INCOME.FX FX_FEE GBP 237 CAJT", "C CUST FX_FEE GBP 237 CAJT"),
			"2 CRDT GBP 79.25 CAJT CARD.ADJUSTMENT", "4 CRDT GBP 2.37 CAJT CARD.ADJUSTMENT"),
		"claw-back": of(made(t, payment.Authorization{}, "", "D CUST PRINCIPAL GBP 7925 DAJT", "C DISPUTE_RECEIVABLE PRINCIPAL GBP 7925 DAJT"),
			"1 DBIT GBP 79.25 DAJT CARD.ADJUSTMENT"),
		"between-branches": of(made(t, foreignPurchase(), "", // E1b: the customer's leg and that of the scheme are not next to each other
			"D CUST PRINCIPAL GBP 7925 POSD", "C HEAD_OFFICE PRINCIPAL GBP 7925 POSD", "D BRANCH_CTRL PRINCIPAL GBP 7925 POSD", "C SCHEME_PAYABLE PRINCIPAL GBP 7925 POSD",
			"D CUST FX_FEE GBP 237 FEES", "C FEE_INCOME.FX FX_FEE GBP 237 FEES"),
			"1 DBIT GBP 79.25 POSD CARD.PURCHASE.FOREIGN", "5 DBIT GBP 2.37 FEES CARD.FEE.FX"),
	}
}

func TestNoticeOfEveryKindOfPosting(t *testing.T) {
	for name, tc := range kinds(t) {
		t.Run(name, func(t *testing.T) {
			m, err := Notify(tc.posting)
			require.NoError(t, err)
			require.Empty(t, m.Validate())
			var got []string
			for _, e := range m.Document.BkToCstmrDbtCdtNtfctn.Ntfctn[0].Ntry {
				line := fmt.Sprintf("%s %s %s %s %s %s", e.NtryRef[strings.IndexByte(e.NtryRef, '/')+1:], e.CdtDbtInd, e.Amt.Ccy, e.Amt.Value, e.BkTxCd.Domn.Fmly.SubFmlyCd, e.BkTxCd.Prtry.Cd)
				if e.RvslInd != nil && *e.RvslInd {
					line += " RVSL"
				}
				got = append(got, line)
				references := e.NtryDtls[0].TxDtls[0].Refs.Prtry
				if tc.posting.Corrects != "" {
					require.Contains(t, references, Reference{"ORIG", root})
				}
				if !tc.posting.ofCard() {
					require.Contains(t, references, Reference{"CAUSE", "case-1"})
					require.Nil(t, e.CardTx)
				}
				if tc.posting.Corrects != "" && e.AmtDtls != nil {
					require.Nil(t, e.AmtDtls.InstdAmt, "the amounts of the message are not those of the posting")
				}
			}
			require.Equal(t, tc.entries, got)
		})
	}
}

// A cause that is longer than a reference is left out, and nothing is cut: half an id is none.
func TestALongCauseIsLeftOut(t *testing.T) {
	p := made(t, payment.Authorization{}, "", "D CUST FEE GBP 500 FEES", "C FEE_INCOME.OTHER FEE GBP 500 FEES")
	p.Entry.AuthorizationID = strings.Repeat("c", 36)
	m, err := Notify(p)
	require.NoError(t, err)
	require.Empty(t, m.Validate())
	require.Equal(t, []Reference{{"POSTING_SEQUENCE", root}, {"POSTING_LEG", "1/2"}}, m.Document.BkToCstmrDbtCdtNtfctn.Ntfctn[0].Ntry[0].NtryDtls[0].TxDtls[0].Refs.Prtry)
}

// A settlement, a dispute that the bank loses, and what stays in suspense touch no customer.
func TestNobodyIsNotifiedOfWhatTouchesNoCustomer(t *testing.T) {
	for _, lines := range [][]string{
		{"D SCHEME_PAYABLE PRINCIPAL GBP 10210 OTHR", "C NOSTRO PRINCIPAL GBP 10210 OTHR"},
		{"D DISPUTE_LOSS PRINCIPAL GBP 7925 OTHR", "C DISPUTE_RECEIVABLE PRINCIPAL GBP 7925 OTHR"},
		{"D SUSPENSE.CARD PRINCIPAL GBP 1981 OTHR", "C SCHEME_PAYABLE PRINCIPAL GBP 1981 OTHR"},
	} {
		_, err := Notify(made(t, payment.Authorization{}, "", lines...))
		require.ErrorIs(t, err, ErrNoCustomerLeg)
	}
}
