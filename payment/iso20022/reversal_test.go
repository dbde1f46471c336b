package iso20022

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/payment"
)

func reversal(t *testing.T, final *Final) *Reversal {
	t.Helper()
	a := changed(func(a *payment.Authorization) { a.MTI, a.STAN, a.RRN = "0400", "123461", "" })
	original := Original{MTI: "0110", STAN: "123457", TransmittedAt: transmittedAt, AcquirerID: "400010", AuthCode: "A1"}
	m, err := Reverse(a, a.PayloadHash(), original, final, ingestedAt)
	require.NoError(t, err)
	require.Empty(t, m.Validate())
	require.Equal(t, ReversalInitiation, m.MsgDefIdr)
	return m.Document.RvslInitn
}

// The amounts of a reversal are what remains; those of the original stand with its data.
func TestReverseInPart(t *testing.T) {
	r := reversal(t, &Final{Transaction: money(6309, "USD"), Billing: money(5000, "GBP")})
	require.Equal(t, []string{"63.09", "840", "50.00", "826"}, []string{r.TxAmts.Amt, r.TxAmts.Ccy, r.TxAmts.CrdhldrBllgAmt, r.TxAmts.CrdhldrBllgCcy})
	require.Equal(t, []string{"100.00", "79.25"}, []string{r.OrgnlDataElmts.TxAmts.Amt, r.OrgnlDataElmts.TxAmts.CrdhldrBllgAmt})
	require.Equal(t, OriginalIdentification{TrnsmssnDtTm: "2026-07-09T10:15:30Z", SysTracAudtNb: "123457", LifeCyclId: "385190412345678"}, r.OrgnlDataElmts.TxId)
	require.Equal(t, "AUTH", r.OrgnlDataElmts.MsgClss)
	require.Equal(t, "A1    ", r.OrgnlDataElmts.ApprvlCd)
	require.Equal(t, []payment.Additional{{Tp: "PAN_TOKEN", Val: panToken}, {Tp: "PAN_LAST4", Val: "1111"}}, r.Card.AddtlCardData)
	require.Equal(t, "619010123461", r.TxId.RtrvlRefNb)
	require.Equal(t, "NOTI", r.Hdr.MsgFctn)
}

func TestReverseInFullLeavesNothing(t *testing.T) {
	r := reversal(t, nil)
	require.Equal(t, "0.00", r.TxAmts.Amt)
	require.Equal(t, "0.00", r.TxAmts.CrdhldrBllgAmt)
	require.Equal(t, "100.00", r.OrgnlDataElmts.TxAmts.Amt)
}

func TestReverseRefuses(t *testing.T) {
	a := changed(func(a *payment.Authorization) { a.MTI = "0400" })
	original := Original{MTI: "0110", STAN: "123457"}
	for name, tc := range map[string]struct {
		a        payment.Authorization
		original Original
		final    *Final
		reason   string
	}{
		"a purchase":               {foreignPurchase(), original, nil, "MESSAGE_TYPE_NOT_SUPPORTED"},
		"a reversal of a reversal": {a, Original{MTI: "0400", STAN: "1"}, nil, "ORIGINAL_INVALID"},
		"more than there was":      {a, original, &Final{money(10001, "USD"), money(7925, "GBP")}, "REPLACEMENT_INVALID"},
		"less than nothing":        {a, original, &Final{money(0, "USD"), money(-1, "GBP")}, "REPLACEMENT_INVALID"},
		"another currency":         {a, original, &Final{money(1, "EUR"), money(1, "GBP")}, "REPLACEMENT_INVALID"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Reverse(tc.a, "", tc.original, tc.final, ingestedAt)
			require.Equal(t, tc.reason, payment.ReasonOf(err))
		})
	}
}
