package payment

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRank(t *testing.T) {
	for rank, types := range map[int][]string{
		RankReversal:      {"0400", "0401", "0410", "0420", "0421", "0430", "0800", "0302", "", "01"},
		RankAuthorization: {"0100", "0101", "0110"},
		RankAdvice:        {"0120", "0121", "0130"},
		RankFinancial:     {"0200", "0201", "0210", "0220", "0221", "0230"},
	} {
		for _, mti := range types {
			require.Equal(t, rank, Authorization{MTI: mti}.Rank(), mti)
		}
	}
	require.Equal(t, []int{0, 1, 2, 3}, []int{RankReversal, RankAuthorization, RankAdvice, RankFinancial})
}

func TestDirection(t *testing.T) {
	for direction, codes := range map[Direction][]string{
		DirectionDebit: {"000000", "010000", "090000", "110000", "170000", ""}, DirectionCredit: {"200000", "220000", "260000"},
	} {
		for _, code := range codes {
			require.Equal(t, direction, Authorization{ProcessingCode: code}.Direction(), code)
		}
	}
}

// A completion finds its authorization although it was sent under another STAN, time and amount.
func TestMessagesOfOnePurchaseHaveOneLink(t *testing.T) {
	own := map[string]Attribute{"stan": text("999999"), "transmittedAt": text("2026-07-12T08:00:00Z"), "billingAmount": number("9000"), "mti": text("0220"), "rrn": text("519312999999")}
	byCode, byLifecycle := parsed(t, foreignPurchase()), parsed(t, with(map[string]Attribute{"lifecycleId": text("385190412345678")}))
	require.Len(t, byCode.Links().Approval, 52)
	require.Empty(t, byCode.Links().Lifecycle)

	for name, tc := range map[string]struct {
		of     Authorization
		change map[string]Attribute
		same   bool
	}{
		"completion":                           {byCode, nil, true},
		"approval code in small letters":       {byCode, map[string]Attribute{"authCode": text("a1b2c3")}, true},
		"acquirer with leading zeros":          {byCode, map[string]Attribute{"acquirerId": text("00000400010")}, true},
		"another approval code":                {byCode, map[string]Attribute{"authCode": text("A1B2C4")}, false},
		"another acquirer":                     {byCode, map[string]Attribute{"acquirerId": text("400011")}, false},
		"another card":                         {byCode, map[string]Attribute{"panToken": text("tok_v1_AAAAAAAAAAAAAAAAAAAAAAAAAA")}, false},
		"refund under the same approval code":  {byCode, map[string]Attribute{"processingCode": text("200000")}, false},
		"cash under the same approval code":    {byCode, map[string]Attribute{"processingCode": text("010000")}, true},
		"lifecycle that the original has not":  {byCode, map[string]Attribute{"lifecycleId": text("385190412345678")}, true},
		"lifecycle":                            {byLifecycle, map[string]Attribute{"lifecycleId": text("385190412345678")}, true},
		"lifecycle, another approval code":     {byLifecycle, map[string]Attribute{"lifecycleId": text("385190412345678"), "authCode": text("ZZZZZZ")}, true},
		"lifecycle, another acquirer":          {byLifecycle, map[string]Attribute{"lifecycleId": text("385190412345678"), "acquirerId": text("400011")}, true},
		"another lifecycle, same code":         {byLifecycle, map[string]Attribute{"lifecycleId": text("385190412345679")}, false},
		"lifecycle of the original left out":   {byLifecycle, nil, true},
		"lifecycle of a refund of the payment": {byLifecycle, map[string]Attribute{"lifecycleId": text("385190412345678"), "processingCode": text("200000")}, false},
	} {
		t.Run(name, func(t *testing.T) {
			item := with(own)
			for field, value := range tc.change {
				item[field] = value
			}
			require.Equal(t, tc.same, tc.of.Links().Match(parsed(t, item).Links()))
		})
	}
	require.Empty(t, Authorization{MTI: "0420", PANToken: sampleToken, AcquirerID: "400010"}.Links(), "nothing to link by")

	// A refund finds the purchase by the links that the purchase has.
	refund := parsed(t, with(map[string]Attribute{"processingCode": text("200000")}))
	require.True(t, byCode.Links().Match(refund.RefundOf()))
	require.Empty(t, byCode.RefundOf())
}
