package iso8583

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/payment"
)

// The messages about a purchase after its authorization: advice, completion, and a financial message with its reversal.
func TestCompletions(t *testing.T) {
	hotel := with(wantDomestic, map[string]string{"transactionAmount": "#15000", "billingAmount": "#15000", "stan": "123501", "acquirerId": "400020",
		"transmittedAt": "2026-07-09T11:15:30Z", "localTime": "12:15:30", "rrn": "519011123501", "authCode": "H1B2C3", "mcc": "7011", "merchantName": "HOTEL MIDLAND",
		"merchantCity": "MANCHESTER", "merchantId": "MERCHANT0000020", "terminalId": "TERM0020", "lifecycleId": "385190412345701"})
	cashBack := with(hotel, map[string]string{"mti": "0200", "processingCode": "090000", "transactionAmount": "#4000", "billingAmount": "#4000", "settlementAmount": "#4000",
		"settlementCurrency": "GBP", "settlementRate": "1", "stan": "123504", "transmittedAt": "2026-07-11T13:00:00Z", "localDate": "2026-07-11", "localTime": "14:00:00",
		"settlementDate": "2026-07-13", "conversionDate": "2026-07-11", "rrn": "519213123504", "authCode": "K1B2C3", "lifecycleId": "385190412345702",
		"additionalAmounts": "0040826D000000001000"})
	want := []map[string]string{
		hotel,
		with(hotel, map[string]string{"mti": "0120", "stan": "123502", "transmittedAt": "2026-07-10T09:00:00Z", "localDate": "2026-07-10", "localTime": "10:00:00", "rrn": "519109123502"}),
		with(hotel, map[string]string{"mti": "0220", "transactionAmount": "#16250", "billingAmount": "#16250", "stan": "123503", "transmittedAt": "2026-07-11T10:00:00Z",
			"localDate": "2026-07-11", "localTime": "11:00:00", "rrn": "519210123503", "additionalAmounts": "0044826D000000001250", "inferred": "responseCode"}),
		cashBack,
		with(cashBack, map[string]string{"mti": "0420", "settlementAmount": "", "settlementCurrency": "", "settlementRate": "", "settlementDate": "", "conversionDate": "",
			"additionalAmounts": "", "stan": "123505", "transmittedAt": "2026-07-11T13:05:00Z", "localTime": "14:05:00", "rrn": "519213123505", "responseCode": "",
			"original.mti": "0200", "original.stan": "123504", "original.transmittedAt": "2026-07-11T13:00:00Z", "original.acquirerId": "400020"}),
	}
	messages := decoded(t, "completions.txt")
	require.Len(t, messages, len(want))
	var authorizations []payment.Authorization
	for i, m := range messages {
		got := flat(m.Item)
		delete(got, "authorizationId")
		require.Equal(t, want[i], got, "message %d", i+1)
		a, err := payment.ParseAuthorization(m.Item.Attributes())
		require.NoError(t, err)
		require.NoError(t, payment.CheckSupported(a))
		authorizations = append(authorizations, a)
		requireNoCard(t, m.Item)
	}
	require.Equal(t, authorizations[3].BusinessKey(), authorizations[4].OriginalKey())
	keys := map[string]bool{}
	for _, a := range authorizations {
		keys[a.BusinessKey()] = true
	}
	require.Len(t, keys, len(authorizations), "only the network's id says that they belong together")
}

// DE90 of the sample reversal leads to the foreign purchase before it.
func TestTheSampleReversalFindsItsOriginal(t *testing.T) {
	messages := decoded(t, "visa-1987.txt")
	require.NoError(t, Restamp(messages, received))
	reversal, err := payment.ParseAuthorization(messages[5].Item.Attributes())
	require.NoError(t, err)
	require.Equal(t, keyOf(t, messages[1]), reversal.OriginalKey())
	remaining, err := reversal.RemainingBilling()
	require.NoError(t, err)
	require.Equal(t, "GBP 50.00", remaining.String())
}

// An id of the network moves with the times: sent again, a completion is one of what was sent with it and not of what was sent
// before.
func TestRestampedMessagesKeepAnIdOfTheirOwn(t *testing.T) {
	sent := func(now time.Time) []string {
		messages := decoded(t, "completions.txt")
		require.NoError(t, Restamp(messages, now))
		var ids []string
		for _, m := range messages {
			ids = append(ids, flat(m.Item)["lifecycleId"])
			_, err := payment.ParseAuthorization(m.Item.Attributes())
			require.NoError(t, err)
		}
		require.Equal(t, []string{ids[0], ids[0], ids[0], ids[3], ids[3]}, ids)
		require.NotEqual(t, ids[0], ids[3])
		return ids
	}
	first, second := sent(received), sent(received.Add(time.Millisecond))
	require.NotEqual(t, first[0], second[0])
	require.NotEqual(t, "385190412345701", first[0])
}

func TestAnAdviceNeedsNoResponseCode(t *testing.T) {
	lines := strings.Split(string(exampleFile(t, "completions.txt")), "\n")
	completion := lines[6]
	require.True(t, strings.HasPrefix(completion, "0220"))
	for name, tc := range map[string]struct{ message, problem string }{
		"advice":                          {"0120" + completion[4:], ""},
		"repeated completion":             {"0221" + completion[4:], ""},
		"answer to a completion":          {"0230" + completion[4:], ""},
		"authorization":                   {"0100" + completion[4:], "DE39 (response code) is missing: a request without an answer is not approved"},
		"financial request":               {"0200" + completion[4:], "DE39 (response code) is missing: a request without an answer is not approved"},
		"completion without approval":     {strings.Replace(completion, "H1B2C3", "      ", 1), "DE39 (response code) is missing: a request without an answer is not approved"},
		"additional amounts, half of one": {strings.Replace(completion, "0200044826D000000001250", "0100044826D00", 1), "DE54 (additional amounts) must be amounts of 20 characters each"},
		"additional amounts of nothing":   {strings.Replace(completion, "0044826D", "0044000D", 1), "DE54 (additional amounts) has a currency that is not an ISO 4217 numeric code"},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := newDecoder(t).Decode(t.Context(), []byte(tc.message))
			if tc.problem != "" {
				require.EqualError(t, err, tc.problem)
				return
			}
			require.NoError(t, err)
			require.Equal(t, "00", flat(m.Item)["responseCode"])
		})
	}
}

// What networks put into DE63 otherwise is theirs, and is dropped.
func TestOnlyWhatHasTheLengthOfALifecycleIsOne(t *testing.T) {
	completion := strings.Split(string(exampleFile(t, "completions.txt")), "\n")[6]
	m, err := newDecoder(t).Decode(t.Context(), []byte(strings.Replace(completion, "015385190412345701", "010PRIVATE123", 1)))
	require.NoError(t, err)
	require.NotContains(t, m.Item, "lifecycleId")
}
