package iso20022

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/payrail/payrail/payment"
)

// optional draws a text of the pattern, or none at all.
func optional(pattern string) *rapid.Generator[string] {
	return rapid.OneOf(rapid.Just(""), rapid.StringMatching(pattern))
}

// authorizations draws items that the intake may take: every field within its form there, many empty.
func authorizations() *rapid.Generator[payment.Authorization] {
	return rapid.Custom(func(t *rapid.T) payment.Authorization {
		fields := map[string]*rapid.Generator[string]{
			"authorizationId": rapid.Just("auth-1"), "mti": rapid.SampledFrom([]string{"0100", "0110", "0120", "0210", "0220", "0400", "0420"}), "panToken": rapid.StringMatching(`tok_v\d{1,3}_[A-Z2-7]{26}`),
			"panLast4": optional(`\d{4}`), "bin": optional(`\d{6,8}`), "processingCode": rapid.StringMatching(`(00|01|09|20)\d{4}`), "stan": rapid.StringMatching(`\d{1,12}`),
			"acquirerId": rapid.StringMatching(`\d{1,11}`), "forwarderId": optional(`\d{1,11}`), "transmittedAt": rapid.Just("2026-07-09T10:15:30Z"),
			"localDate": optional(`2026-0[1-9]-[12][0-9]`), "localTime": optional(`[01][0-9]:[0-5][0-9]:[0-5][0-9]`), "settlementDate": optional(`2026-0[1-9]-[12][0-9]`),
			"rrn": optional(`[0-9A-Za-z]{12}`), "authCode": rapid.StringMatching(`[0-9A-Za-z]{1,6}`), "responseCode": rapid.StringMatching(`[0-9A-Z]{2}`),
			"lifecycleId": optional(`[0-9A-Za-z]{15}`), "mcc": rapid.StringMatching(`[0-9A-Z]{4}`), "conversionRate": optional(`\d{1,10}(\.\d{1,9})?`),
			"issuerCountry": optional(`\d{0,3}`), "acquirerCountry": optional(`\d{3}`), "posEntryMode": optional(`\d{2,4}`), "posCondition": optional(`[0-9A-Z]{2,4}`),
			"panSequence": optional(`\d{1,4}`), "settlementRate": optional(`\d{1,10}(\.\d{1,9})?`), "conversionDate": optional(`2026-0[1-9]-[12][0-9]`),
			"additionalAmounts": optional(`[0-9A-Z]{4}(826|840|392|048)[CD]\d{12}(,[0-9A-Z]{4}978[CD]\d{12}){0,5}`), "acquirerFee": optional(`[CD]\d{8}`), "merchantName": optional(`[\p{L}\p{M} &<'.]{0,60}`), "merchantCity": optional(`[\p{L} ]{0,60}`),
			"merchantCountry": optional(`[A-Za-z ]{0,20}`), "merchantId": optional(`[ -~]{0,35}`), "terminalId": optional(`[ -~]{0,16}`),
			"transactionCurrency": rapid.SampledFrom([]string{"USD", "JPY", "BHD", "GBP"}), "billingCurrency": rapid.SampledFrom([]string{"GBP", "BHD"}),
		}
		item := map[string]payment.Attribute{}
		for name, value := range fields {
			item[name] = payment.Attribute{Kind: payment.Text, Text: value.Draw(t, name)}
		}
		for _, name := range []string{"transactionAmount", "billingAmount"} {
			item[name] = payment.Attribute{Kind: payment.Number, Text: rapid.StringMatching(`[1-9]\d{0,11}`).Draw(t, name)}
		}
		if payment.MTIClass(item["mti"].Text) == payment.ClassReversal {
			original := map[string]payment.Attribute{"transmittedAt": {Kind: payment.Text, Text: "2026-07-09T10:15:29Z"}}
			for name, pattern := range map[string]string{"mti": `0[12][0-3]0`, "stan": `\d{1,12}`, "acquirerId": `\d{1,11}`} {
				original[name] = payment.Attribute{Kind: payment.Text, Text: rapid.StringMatching(pattern).Draw(t, "original "+name)}
			}
			item["original"] = payment.Attribute{Kind: payment.Map, Map: original}
			if rapid.Bool().Draw(t, "in part") {
				item["replacementAmount"] = payment.Attribute{Kind: payment.Number, Text: rapid.StringMatching(`\d{1,6}`).Draw(t, "replacementAmount")}
			}
		}
		a, err := payment.ParseAuthorization(item)
		if err != nil {
			t.Skip("the intake refuses it: ", err)
		}
		return a
	})
}

// Whatever the intake takes has a valid message: no payment is held up because its rendering would not be valid.
func TestWhatTheIntakeTakesIsValid(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := authorizations().Draw(t, "authorization")
		message, err := Standardize(a, a.PayloadHash(), ingestedAt)
		require.NoError(t, err)
		account := payment.Account{Status: payment.AccountOpen, ID: "acc-1", Holder: rapid.StringMatching(`[\p{L} ]{0,150}`).Draw(t, "holder"), Product: "PLUS", Currency: a.BillingAmount.Currency}
		require.Empty(t, message.Enriched(account).Validate())
		if a.IsReversal() {
			return
		}
		legs, err := payment.Legs(payment.Decided{Outcome: payment.OutcomePosted, TransactionType: a.TransactionType(), MCC: a.MCC, Foreign: payment.Foreign(a), Charges: payment.ChargesOf(a), BillingAmount: a.BillingAmount,
			AccountID: account.ID, Scheme: "VISA", Terms: payment.Terms{FXFeeRate: "0.03"}, Description: payment.Description(a), ValueDate: payment.ValueDate(a.SettlementDate, a.TransmittedAt)})
		require.NoError(t, err)
		entry := payment.JournalEntry{Sequence: payment.Sequence{ID: payment.SequenceID(a.BusinessKey(), 0), Of: len(legs)}, Legs: legs}
		notice, err := Notify(Posting{Entry: entry, PostedAt: postedAt, Account: account, Authorization: a})
		require.NoError(t, err)
		require.Empty(t, notice.Validate())
	})
}
