package iso20022

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/payment"
	"github.com/payrail/payrail/payment/iso20022/iso20022test"
)

// Run `go test ./payment/iso20022 -update` to write the golden documents anew, then read the difference.
var update = flag.Bool("update", false, "write testdata/ anew")

const panToken = "tok_v1_7Q2M7XKD4ZP5R6TB3W5YHC2NEF"

var (
	ingestedAt    = time.Date(2026, 7, 9, 10, 15, 31, 0, time.UTC)
	transmittedAt = time.Date(2026, 7, 9, 10, 15, 30, 0, time.UTC)
)

const postedAt = "2026-07-09T10:15:32.250Z"

func money(minor int64, c payment.Currency) payment.Money {
	return payment.Money{Minor: minor, Currency: c}
}

// foreignPurchase is example E2: USD 100.00 at 0.7925 is GBP 79.25.
func foreignPurchase() payment.Authorization {
	settled := money(9950, "USD")
	return payment.Authorization{
		ID: "auth-0002", MTI: "0110", ProcessingCode: "002000", PANToken: panToken, PANLast4: "1111", BIN: "411111",
		TransactionAmount: money(10000, "USD"), BillingAmount: money(7925, "GBP"), SettlementAmount: &settled, ConversionRate: "0.7925",
		STAN: "123457", AcquirerID: "400010", TransmittedAt: transmittedAt, LocalDate: "2026-07-09", LocalTime: "11:15:30", SettlementDate: "2026-07-10",
		RRN: "519010123457", AuthCode: "A1B2C3", ResponseCode: "00", LifecycleID: "385190412345678", MCC: "5411",
		Merchant:        payment.Merchant{Name: "ACME STORE", City: "NEW YORK", Country: "US", ID: "MERCHANT0000001", TerminalID: "TERM0001"},
		AcquirerCountry: "840", IssuerCountry: "826", POSEntryMode: "051", POSCondition: "00", PANSequence: "0001", ForwarderID: "400011",
	}
}

func gbpAccount() payment.Account {
	return payment.Account{Status: payment.AccountOpen, ID: "acc-alice-gbp", IBAN: "GB29NWBK60161331926819", Holder: "MS A CARDHOLDER", SortCode: "601613",
		BranchID: "601613", BranchName: "LONDON CITY", Product: "CURRENT_PLUS", Currency: "GBP", TaxCategory: "PERSONAL"}
}

// posted posts an authorization by the posting rules.
func posted(t *testing.T, a payment.Authorization, account payment.Account) Posting {
	t.Helper()
	minimum := money(300, account.Currency)
	terms := payment.Terms{FXFeeRate: "0.0299", FXFeeTaxRate: "0.20", TaxJurisdiction: "GB", CashFeeRate: "0.03", CashFeeMinimum: minimum}
	key := a.BusinessKey()
	legs, err := payment.Legs(payment.Decided{Outcome: payment.OutcomePosted, TransactionType: a.TransactionType(), MCC: a.MCC, Foreign: payment.Foreign(a), Charges: payment.ChargesOf(a),
		BillingAmount: a.BillingAmount, AccountID: account.ID, Scheme: "VISA", Terms: terms, Description: payment.Description(a),
		ValueDate: payment.ValueDate(a.SettlementDate, a.TransmittedAt)})
	require.NoError(t, err)
	entry, err := payment.Assemble(payment.Sequence{ID: payment.SequenceID(key, 0), Of: len(legs), Checksum: payment.Checksum(legs), Outcome: payment.OutcomePosted}, legs)
	require.NoError(t, err)
	return Posting{Entry: entry, PostedAt: postedAt, Account: account, Authorization: a}
}

func changed(change func(*payment.Authorization)) payment.Authorization {
	a := foreignPurchase()
	change(&a)
	return a
}

func cash() payment.Authorization {
	return changed(func(a *payment.Authorization) {
		a.ProcessingCode, a.MCC, a.AcquirerFee = "013000", "6011", "D00000250"
		a.TransactionAmount, a.BillingAmount, a.ConversionRate, a.SettlementAmount = money(20000, "GBP"), money(20000, "GBP"), "", nil
	})
}

func yen() (payment.Authorization, payment.Account) {
	a := changed(func(a *payment.Authorization) {
		a.TransactionAmount, a.BillingAmount, a.ConversionRate, a.SettlementAmount = money(12345, "JPY"), money(30809, "BHD"), "0.0024957", nil
		a.Merchant.City, a.Merchant.Country, a.AcquirerCountry = "東京", "JPN", "392"
	})
	account := gbpAccount()
	account.ID, account.IBAN, account.Currency = "acc-alice-bhd", "BH67BMAG00001299123456", "BHD"
	return a, account
}

// golden are documents of every kind, for reading and for validating.
func golden(t *testing.T) map[string]Message {
	t.Helper()
	standard := func(a payment.Authorization, account payment.Account) Message {
		m, err := payment.Standardize(a, a.PayloadHash(), ingestedAt)
		require.NoError(t, err)
		return Initiation(m.Enriched(account))
	}
	notice := func(p Posting) Message {
		m, err := Notify(p)
		require.NoError(t, err)
		return m
	}
	yenPurchase, bhdAccount := yen()
	refund := changed(func(a *payment.Authorization) { a.ProcessingCode = "200000" })
	bare := changed(func(a *payment.Authorization) {
		a.RRN, a.AuthCode, a.MCC, a.BIN, a.PANLast4, a.LifecycleID, a.LocalDate, a.LocalTime = "", "A1", "AAFF", "", "", "", "", ""
		a.Merchant, a.IssuerCountry, a.POSEntryMode, a.POSCondition, a.SettlementDate = payment.Merchant{ID: "M1"}, "", "", "", ""
	})
	original := Original{MTI: "0110", STAN: "123457", TransmittedAt: transmittedAt, AcquirerID: "400010", RRN: "519010123457", AuthCode: "A1B2C3"}
	reversal := changed(func(a *payment.Authorization) { a.MTI, a.STAN, a.RRN = "0400", "123461", "519012123461" })
	partial, err := Reverse(reversal, reversal.PayloadHash(), original, &Final{Transaction: money(6309, "USD"), Billing: money(5000, "GBP")}, ingestedAt)
	require.NoError(t, err)
	full, err := Reverse(reversal, reversal.PayloadHash(), original, nil, ingestedAt)
	require.NoError(t, err)
	documents := map[string]Message{
		"cain.003-foreign-purchase": standard(foreignPurchase(), gbpAccount()), "cain.003-cash": standard(cash(), gbpAccount()),
		"cain.003-yen-to-dinar": standard(yenPurchase, bhdAccount), "cain.003-bare": standard(bare, payment.Account{Status: payment.AccountNotFound}),
		"cain.005-partial": partial, "cain.005-full": full,
		"camt.054-foreign-purchase": notice(posted(t, foreignPurchase(), gbpAccount())), "camt.054-cash": notice(posted(t, cash(), gbpAccount())),
		"camt.054-yen-to-dinar": notice(posted(t, yenPurchase, bhdAccount)), "camt.054-refund": notice(posted(t, refund, gbpAccount())),
		"camt.054-bare": notice(posted(t, bare, payment.Account{ID: "acc-1", Currency: "GBP"})),
	}
	for _, name := range []string{"reversal-partial", "completion-lower", "fee", "provisional-credit"} {
		documents["camt.054-"+name] = notice(kinds(t)[name].posting)
	}
	return documents
}

func TestGoldenDocuments(t *testing.T) {
	for name, m := range golden(t) {
		t.Run(name, func(t *testing.T) {
			require.Empty(t, m.Validate())
			document, err := m.XML()
			require.NoError(t, err)
			var b bytes.Buffer
			encoder := json.NewEncoder(&b)
			encoder.SetEscapeHTML(false)
			encoder.SetIndent("", "  ")
			require.NoError(t, encoder.Encode(m))
			for extension, content := range map[string][]byte{".xml": document, ".json": b.Bytes()} {
				path := filepath.Join("testdata", name+extension)
				if *update {
					require.NoError(t, os.MkdirAll("testdata", 0o755))
					require.NoError(t, os.WriteFile(path, content, 0o644))
				}
				want, err := os.ReadFile(path)
				require.NoError(t, err)
				require.Equal(t, string(want), string(content), "%s has changed: run with -update and read the difference", path)
			}
			require.NotContains(t, string(document), "<PAN>")
			require.NotContains(t, string(document), "PlainCardData")
		})
	}
}

func TestGoldenDocumentsAreValid(t *testing.T) {
	iso20022test.RequireSchemas(t)
	for name, m := range golden(t) {
		t.Run(name, func(t *testing.T) {
			document, err := m.XML()
			require.NoError(t, err)
			iso20022test.Valid(t, m.MsgDefIdr, document)
		})
	}
	var notices [][]byte
	for _, k := range kinds(t) {
		m, err := Notify(k.posting)
		require.NoError(t, err)
		document, err := m.XML()
		require.NoError(t, err)
		notices = append(notices, document)
	}
	iso20022test.Valid(t, PostedNotice, notices...)
}

func entriesOf(t *testing.T, p Posting) (AccountNotification, []Entry) {
	t.Helper()
	m, err := Notify(p)
	require.NoError(t, err)
	require.Len(t, m.Document.BkToCstmrDbtCdtNtfctn.Ntfctn, 1)
	n := m.Document.BkToCstmrDbtCdtNtfctn.Ntfctn[0]
	return n, n.Ntry
}

func TestNoticeOfAForeignPurchase(t *testing.T) {
	p := posted(t, foreignPurchase(), gbpAccount())
	n, entries := entriesOf(t, p)
	require.Equal(t, p.Entry.ID, n.Id)
	require.Equal(t, AccountIdentification{IBAN: "GB29NWBK60161331926819"}, n.Acct.Id)
	require.Equal(t, "CACC", n.Acct.Tp.Cd)
	require.Equal(t, &ClearingMember{ClrSysId: &ClearingSystem{Cd: "GBDSC"}, MmbId: "601613"}, n.Acct.Svcr.FinInstnId.ClrSysMmbId)
	require.Equal(t, &Summary{TtlNtries: NetTotal{NbOfNtries: "3", Sum: "82.09", TtlNetNtry: Net{Amt: "82.09", CdtDbtInd: "DBIT"}}, TtlDbtNtries: &Total{NbOfNtries: "3", Sum: "82.09"}}, n.TxsSummry)

	type told struct{ reference, amount, side, subFamily, own string }
	var got []told
	for _, e := range entries {
		require.Equal(t, "BOOK", e.Sts.Cd)
		require.Equal(t, postedAt, e.BookgDt.DtTm)
		require.Equal(t, "2026-07-10", e.ValDt.Dt)
		require.Nil(t, e.RvslInd)
		got = append(got, told{strings.TrimPrefix(e.NtryRef, p.Entry.ID), e.Amt.Ccy + e.Amt.Value, e.CdtDbtInd, e.BkTxCd.Domn.Fmly.SubFmlyCd, e.BkTxCd.Prtry.Cd})
	}
	require.Equal(t, []told{{"/1", "GBP79.25", "DBIT", "POSD", "CARD.PURCHASE.FOREIGN"}, {"/3", "GBP2.37", "DBIT", "FEES", "CARD.FEE.FX"}, {"/5", "GBP0.47", "DBIT", "TAXE", "CARD.TAX"}}, got)

	principal := entries[0]
	require.Equal(t, Amount{Ccy: "USD", Value: "100.00"}, principal.AmtDtls.InstdAmt.Amt)
	require.Equal(t, &CurrencyExchange{SrcCcy: "USD", TrgtCcy: "GBP", UnitCcy: "USD", XchgRate: "0.7925"}, principal.AmtDtls.TxAmt.CcyXchg)
	require.Equal(t, Amount{Ccy: "USD", Value: "99.50"}, principal.AmtDtls.CntrValAmt.Amt)
	require.Equal(t, "411111******1111;"+panToken, principal.CardTx.Card.AddtlCardData)
	require.Equal(t, "VISA", principal.CardTx.Card.CardBrnd.Id)
	transaction := principal.NtryDtls[0].TxDtls[0]
	require.Equal(t, References{AcctSvcrRef: p.Entry.ID, EndToEndId: "519010123457", TxId: "385190412345678", Prtry: []Reference{
		{"STAN", "123457"}, {"AUTH_CODE", "A1B2C3"}, {"ACQUIRER_ID", "400010"}, {"POSTING_SEQUENCE", p.Entry.ID}, {"POSTING_LEG", "1/6"}}}, transaction.Refs)
	require.Equal(t, "ACME STORE", transaction.RltdPties.Cdtr.Pty.Nm)
	require.Nil(t, transaction.RltdPties.Dbtr)
	require.Equal(t, "CICC", transaction.CardTx.Tx.Indv.PmtCntxt.CardDataNtryMd)
	require.Equal(t, TransactionIdentifier{TxDtTm: "2026-07-09T11:15:30", TxRef: "519010123457"}, transaction.CardTx.Tx.Indv.TxId)

	require.Nil(t, entries[1].CardTx)
	require.Equal(t, "FXFEE", entries[1].Chrgs.Rcrd[0].Tp.Prtry.Id)
	require.Equal(t, "GB", entries[2].Chrgs.Rcrd[0].Tax.Id)
}

func TestNoticeOfARefundHasTheMerchantAsDebtor(t *testing.T) {
	_, entries := entriesOf(t, posted(t, changed(func(a *payment.Authorization) { a.ProcessingCode = "200000" }), gbpAccount()))
	require.Equal(t, "CRDT", entries[0].CdtDbtInd)
	require.Equal(t, "RIMB", entries[0].BkTxCd.Domn.Fmly.SubFmlyCd)
	require.Equal(t, "ACME STORE", entries[0].NtryDtls[0].TxDtls[0].RltdPties.Dbtr.Pty.Nm)
	require.Nil(t, entries[0].NtryDtls[0].TxDtls[0].RltdPties.Cdtr)
}

func TestNoticeOfCash(t *testing.T) {
	n, entries := entriesOf(t, posted(t, cash(), gbpAccount()))
	require.Equal(t, "CARD", n.Acct.Tp.Cd)
	require.Equal(t, "CARD.CASH", entries[0].BkTxCd.Prtry.Cd)
	yes := true
	require.Equal(t, []Charge{{Amt: Amount{"GBP", "2.50"}, CdtDbtInd: "DBIT", ChrgInclInd: &yes, Tp: ChargeType{Prtry: ChargeName{Id: "ACQUIRERFEE"}}}}, entries[0].Chrgs.Rcrd)
	require.Equal(t, "CARD.FEE.CASH", entries[1].BkTxCd.Prtry.Cd)
}

// A reversal has the code of its original, the other side, and says what it takes back.
func TestNoticeOfAReversal(t *testing.T) {
	p := posted(t, foreignPurchase(), gbpAccount())
	p.Corrects = p.Entry.ID
	for i, leg := range p.Entry.Legs {
		p.Entry.Legs[i].Side = map[payment.Side]payment.Side{payment.Debit: payment.Credit, payment.Credit: payment.Debit}[leg.Side]
	}
	p.Entry.ID = strings.Replace(p.Entry.ID, "-00", "-01", 1)
	n, entries := entriesOf(t, p)
	require.Equal(t, "CRDT", n.TxsSummry.TtlNtries.TtlNetNtry.CdtDbtInd)
	require.True(t, *entries[0].RvslInd)
	require.Equal(t, "CRDT", entries[0].CdtDbtInd)
	require.Equal(t, "POSD", entries[0].BkTxCd.Domn.Fmly.SubFmlyCd)
	require.Contains(t, entries[0].NtryDtls[0].TxDtls[0].Refs.Prtry, Reference{"ORIG", p.Corrects})
	require.Equal(t, "CARD.FEE.FX", entries[1].BkTxCd.Prtry.Cd)
}

// The traps of the schema: what camt.054 takes only in a certain form.
func TestNoticeTraps(t *testing.T) {
	first := func(t *testing.T, a payment.Authorization, account payment.Account) (AccountNotification, Entry) {
		n, entries := entriesOf(t, posted(t, a, account))
		return n, entries[0]
	}
	t.Run("without a reference of the network the synthetic one stands in every place", func(t *testing.T) {
		_, e := first(t, changed(func(a *payment.Authorization) { a.RRN = "" }), gbpAccount())
		require.Equal(t, "619010123457", e.NtryDtls[0].TxDtls[0].Refs.EndToEndId)
		require.Equal(t, "619010123457", e.NtryDtls[0].TxDtls[0].CardTx.Tx.Indv.SaleRefNb)
	})
	t.Run("an MCC with letters is told as it is", func(t *testing.T) {
		_, e := first(t, changed(func(a *payment.Authorization) { a.MCC = "AAFF" }), gbpAccount())
		require.Equal(t, "AAFF", e.NtryDtls[0].TxDtls[0].CardTx.Tx.Indv.TxCtgy)
	})
	t.Run("without first and last digits the card is its token", func(t *testing.T) {
		_, e := first(t, changed(func(a *payment.Authorization) { a.BIN = "" }), gbpAccount())
		require.Equal(t, panToken, e.CardTx.Card.AddtlCardData)
	})
	t.Run("eight first digits leave four masked", func(t *testing.T) {
		_, e := first(t, changed(func(a *payment.Authorization) { a.BIN = "41111111" }), gbpAccount())
		require.Equal(t, "41111111****1111;"+panToken, e.CardTx.Card.AddtlCardData)
	})
	t.Run("a country that is not two letters gives way to the acquirer's", func(t *testing.T) {
		a, account := yen()
		_, e := first(t, a, account)
		require.Equal(t, &PostalAddress{TwnNm: "東京", Ctry: "JP"}, e.NtryDtls[0].TxDtls[0].RltdPties.Cdtr.Pty.PstlAdr)
	})
	t.Run("an IBAN with wrong check digits gives way to the account's number", func(t *testing.T) {
		account := gbpAccount()
		account.IBAN = "GB28NWBK60161331926819"
		n, _ := first(t, foreignPurchase(), account)
		require.Equal(t, AccountIdentification{Othr: &OtherAccount{Id: "acc-alice-gbp"}}, n.Acct.Id)
	})
	t.Run("an entry mode without counterpart leaves the context out", func(t *testing.T) {
		_, e := first(t, changed(func(a *payment.Authorization) { a.POSEntryMode = "041" }), gbpAccount())
		require.Nil(t, e.NtryDtls[0].TxDtls[0].CardTx.Tx.Indv.PmtCntxt)
	})
	t.Run("without a terminal the merchant is the point of interaction", func(t *testing.T) {
		_, e := first(t, changed(func(a *payment.Authorization) { a.Merchant.TerminalID = "" }), gbpAccount())
		require.Equal(t, PointOfInteractionIdentity{Id: "MERCHANT0000001", Tp: "MERC", Issr: "ACQR", ShrtNm: "ACME STORE"}, e.CardTx.POI.Id)
	})
}

func TestEntryRate(t *testing.T) {
	for rate, want := range map[string]string{
		"0.7925": "0.7925", "0.7925000": "0.7925", "1": "1", "1.123456789": "1.123456789", "12.12345678912": "12.123456789", "0.12345678905": "0.123456789",
		"0.12345678915": "0.1234567892", "12345678901": "12345678901", "1234567890.55": "1234567890.6", "9999999999.95": "10000000000", "0.0000000001": "0.0000000001",
		"123456789012": "", "0.00000000001": "", "0": "", "-1": "", "": "", "one": "",
	} {
		got, ok := entryRate(rate)
		require.Equal(t, want, got, rate)
		require.Equal(t, want != "", ok, rate)
	}
}

func TestNotifyRefuses(t *testing.T) {
	suspense := posted(t, foreignPurchase(), gbpAccount())
	for i := range suspense.Entry.Legs {
		suspense.Entry.Legs[i].Role = payment.RoleSuspense
	}
	_, err := Notify(suspense)
	require.ErrorIs(t, err, ErrNoCustomerLeg)

	another := posted(t, foreignPurchase(), gbpAccount())
	another.Account.ID = "acc-bob-gbp"
	_, err = Notify(another)
	require.ErrorContains(t, err, "acc-bob-gbp")

	currency := posted(t, foreignPurchase(), gbpAccount())
	currency.Account.Currency = "EUR"
	_, err = Notify(currency)
	require.ErrorContains(t, err, "EUR")
}
