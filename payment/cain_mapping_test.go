package payment

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestStandardizeAccountTypesAndFee(t *testing.T) {
	f := standardized(t, map[string]Attribute{"processingCode": text("013020"), "acquirerFee": text("D00000250")})
	require.Equal(t, "01", f.TxChrtcs.TxTp)
	require.Equal(t, &CardAccount{Tp: "30"}, f.AcctFr)
	require.Equal(t, &CardAccount{Tp: "20"}, f.AcctTo)
	require.Equal(t, []AdditionalFee{{Tp: "FEEP", CdtDbt: "DBIT", Amt: "2.50", Ccy: "840"}}, f.AddtlFee)

	f = standardized(t, map[string]Attribute{"acquirerFee": text("C00000250")})
	require.Equal(t, "CRDT", f.AddtlFee[0].CdtDbt)
	f = standardized(t, map[string]Attribute{"acquirerFee": text("D00000000")})
	require.Empty(t, f.AddtlFee)
	require.Nil(t, f.AcctFr, "00 is not specified")
	require.Nil(t, f.AcctTo)
}

func TestStandardizeSaysWhatWasPresent(t *testing.T) {
	for condition, want := range map[string]presence{"00": {true, true}, "01": {true, false}, "05": {false, true}, "08": {false, false}, "59": {false, false}} {
		c := standardized(t, map[string]Attribute{"posCondition": text(condition)}).Cntxt
		require.Equal(t, want, presence{card: *c.CardPres, cardholder: *c.CrdhldrPres}, condition)
	}
	c := standardized(t, map[string]Attribute{"posCondition": text("02")}).Cntxt
	require.Nil(t, c.CardPres, "nothing is said of what is not known")
	require.Nil(t, c.CrdhldrPres)
}

// The schema takes no empty and no overlong text; what a network sends otherwise must not make the message invalid.
func TestStandardizeKeepsTextsWithinTheSchema(t *testing.T) {
	f := standardized(t, map[string]Attribute{"merchantCity": text(strings.Repeat("Ö", 60)), "merchantCountry": text("United States")})
	require.Equal(t, &Address{TwnNm: strings.Repeat("Ö", 50)}, f.Accptr.Adr)
	f = standardized(t, map[string]Attribute{"merchantName": text(""), "merchantCity": text(""), "merchantCountry": text("")})
	require.Equal(t, &Acceptor{Id: "MERCHANT0000001", NmAndLctn: "MERCHANT0000001"}, f.Accptr)

	a := parsed(t, foreignPurchase())
	message, err := Standardize(a, a.PayloadHash(), ingestedAt)
	require.NoError(t, err)
	enriched := message.Enriched(Account{Status: AccountOpen, Holder: strings.Repeat("A ", 60), Product: "PLUS"}).Document.FinInitn
	require.Equal(t, strings.TrimSpace(strings.Repeat("A ", 35)), enriched.AcctFr.Nm)
	require.Equal(t, enriched.AcctFr.Nm, enriched.Crdhldr.Nm.Nm)
	require.Equal(t, AdditionalSet{Tp: "ENRICHMENT", Dtls: []Additional{{"BANK_PRODUCT", "PLUS"}}}, enriched.AddtlData[1])
}

func TestEnrichedKeepsTheAccountType(t *testing.T) {
	a := parsed(t, with(map[string]Attribute{"processingCode": text("002000")}))
	message, err := Standardize(a, a.PayloadHash(), ingestedAt)
	require.NoError(t, err)
	enriched := message.Enriched(Account{Status: AccountOpen, IBAN: "GB29NWBK60161331926819", Holder: "A HOLDER"})
	require.Equal(t, &CardAccount{Nm: "A HOLDER", Tp: "20", Id: "GB29NWBK60161331926819"}, enriched.Document.FinInitn.AcctFr)
	require.Equal(t, &CardAccount{Tp: "20"}, message.Document.FinInitn.AcctFr, "the input is left alone")
}
