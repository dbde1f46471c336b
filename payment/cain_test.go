package payment

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var ingestedAt = time.Date(2026, 7, 9, 10, 15, 31, 0, time.UTC)

func standardized(t testing.TB, change map[string]Attribute) FinancialInitiation {
	t.Helper()
	a := parsed(t, with(change))
	message, err := Standardize(a, a.PayloadHash(), ingestedAt)
	require.NoError(t, err)
	require.Equal(t, CainVersion, message.MsgDefIdr)
	return message.Document.FinInitn
}

func TestStandardizeForeignPurchase(t *testing.T) {
	f := standardized(t, nil)
	require.Equal(t, "CANO", f.Hdr.MsgFctn)
	require.Equal(t, "2026-07-09T10:15:31.000Z", f.Hdr.CreDtTm)
	require.Equal(t, TransactionAmounts{AmtQlfr: "ACTL", Amt: "100.00", Ccy: "840", CrdhldrBllgAmt: "79.25", CrdhldrBllgCcy: "826", CrdhldrBllgFctvXchgRate: "0.7925"}, f.TxAmts)
	require.Equal(t, TransactionIdentification{LclDt: "2026-07-09", LclTm: "11:15:30", TrnsmssnDtTm: "2026-07-09T10:15:30Z", SysTracAudtNb: "123457", RtrvlRefNb: "519010123457"}, f.TxId)
	require.Equal(t, []Additional{{"PAN_TOKEN", sampleToken}, {"PAN_LAST4", "1111"}}, f.Card.AddtlData)
	require.Equal(t, "411111", f.Card.PANAcctRg)
	require.Equal(t, "ICCY", f.Cntxt.CardDataNtryMd)
	require.Equal(t, "ACME STORE            NEW YORK       US", f.Accptr.NmAndLctn)
	require.Equal(t, "ACME STORE NEW YORK US USD 100.00", f.TxChrtcs.TxDesc)
	require.False(t, f.Jursdctn.DmstInd)
}

// The traps of the schema: what it takes only in a certain form.
func TestStandardizeTraps(t *testing.T) {
	t.Run("an MCC with letters goes beside the numeric one", func(t *testing.T) {
		f := standardized(t, map[string]Attribute{"mcc": text("AAFF")})
		require.Equal(t, "0000", f.Cntxt.MrchntCtgyCd)
		require.Equal(t, "AAFF", f.Cntxt.OthrMrchntCtgy)
	})
	t.Run("a missing retrieval reference is synthesized from the message", func(t *testing.T) {
		f := standardized(t, map[string]Attribute{"rrn": text("")})
		require.Equal(t, "619010123457", f.TxId.RtrvlRefNb)
		require.Contains(t, f.AddtlData[0].Dtls, Additional{"RRN", "SYNTHETIC"})
	})
	t.Run("a short approval code is padded to six", func(t *testing.T) {
		require.Equal(t, "A1    ", standardized(t, map[string]Attribute{"authCode": text("A1")}).PrcgRslt.ApprvlCd)
	})
	t.Run("a card sequence of four digits loses its first", func(t *testing.T) {
		require.Equal(t, "001", standardized(t, map[string]Attribute{"panSequence": text("0001")}).Card.CardSeqNb)
		require.Equal(t, "001", standardized(t, map[string]Attribute{"panSequence": text("1")}).Card.CardSeqNb)
	})
	t.Run("an unknown issuer country is left out", func(t *testing.T) {
		f := standardized(t, map[string]Attribute{"issuerCountry": text("")})
		require.Empty(t, f.Card.Ctry)
		require.Nil(t, f.Issr)
	})
	t.Run("a missing local date is the day of transmission", func(t *testing.T) {
		require.Equal(t, "2026-07-09", standardized(t, map[string]Attribute{"localDate": text("")}).TxId.LclDt)
	})
}

func TestEntryModes(t *testing.T) {
	for mode, want := range map[string]string{"": "UNSP", "012": "KEEN", "051": "ICCY", "071": "ICPY", "0010": "KEEN", "801": "MGST", "812": "KEEN", "661": "OTHP"} {
		require.Equal(t, want, standardized(t, map[string]Attribute{"posEntryMode": text(mode)}).Cntxt.CardDataNtryMd, mode)
	}
	require.True(t, *standardized(t, map[string]Attribute{"posEntryMode": text("801")}).Cntxt.ICCFllbck)
	require.True(t, *standardized(t, map[string]Attribute{"posEntryMode": text("812")}).Cntxt.EComrc)
}

func TestMessageJSONUsesTheShortTags(t *testing.T) {
	a := parsed(t, foreignPurchase())
	message, err := Standardize(a, a.PayloadHash(), ingestedAt)
	require.NoError(t, err)
	raw, err := json.Marshal(message)
	require.NoError(t, err)
	var form struct {
		MsgDefIdr string `json:"msgDefIdr"`
		Document  struct {
			FinInitn map[string]json.RawMessage
		}
	}
	require.NoError(t, json.Unmarshal(raw, &form))
	require.Equal(t, CainVersion, form.MsgDefIdr)
	require.JSONEq(t, `{"AmtQlfr":"ACTL","Amt":"100.00","Ccy":"840","CrdhldrBllgAmt":"79.25","CrdhldrBllgCcy":"826","CrdhldrBllgFctvXchgRate":"0.7925"}`, string(form.Document.FinInitn["TxAmts"]))

	var back Message
	require.NoError(t, json.Unmarshal(raw, &back))
	require.Equal(t, message, back)
}

func TestEnrichedLeavesItsInputAlone(t *testing.T) {
	a := parsed(t, foreignPurchase())
	message, err := Standardize(a, a.PayloadHash(), ingestedAt)
	require.NoError(t, err)
	before, err := json.Marshal(message)
	require.NoError(t, err)

	enriched := message.Enriched(Account{Status: AccountOpen, IBAN: "GB29NWBK60161331926819", Holder: "MS A CARDHOLDER", Product: "CURRENT_ACCOUNT_PLUS", SortCode: "601613"})
	require.Equal(t, "GB29NWBK60161331926819", enriched.Document.FinInitn.AcctFr.Id)
	require.Equal(t, "MS A CARDHOLDER", enriched.Document.FinInitn.Crdhldr.Nm.Nm)
	require.Equal(t, "ENRICHMENT", enriched.Document.FinInitn.AddtlData[1].Tp)

	after, err := json.Marshal(message)
	require.NoError(t, err)
	require.JSONEq(t, string(before), string(after))
	require.Equal(t, message, message.Enriched(Account{Status: AccountNotFound}))
}

// A corrected authorization has another content and is still the payment that was taken in.
func TestStandardizeKeepsTheRecordedHash(t *testing.T) {
	a := parsed(t, foreignPurchase())
	recorded := a.PayloadHash()
	a.IssuerCountry = "276"
	require.NotEqual(t, recorded, a.PayloadHash())
	message, err := Standardize(a, recorded, ingestedAt)
	require.NoError(t, err)
	require.Contains(t, message.Document.FinInitn.AddtlData[0].Dtls, Additional{"PAYLOAD_HASH", recorded})
}
