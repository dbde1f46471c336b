package iso8583

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/internal/authorizationitem"
	"github.com/payrail/payrail/internal/panguard"
	"github.com/payrail/payrail/payment"
)

// flat is an item as text: numbers with a # before them, members of maps as path=value, sets joined by spaces.
func flat(item map[string]types.AttributeValue) map[string]string {
	values := map[string]string{}
	for name, value := range item {
		switch v := value.(type) {
		case *types.AttributeValueMemberS:
			values[name] = v.Value
		case *types.AttributeValueMemberN:
			values[name] = "#" + v.Value
		case *types.AttributeValueMemberSS:
			values[name] = strings.Join(v.Value, " ")
		case *types.AttributeValueMemberM:
			for member, text := range flat(v.Value) {
				values[name+"."+member] = text
			}
		}
	}
	return values
}

// with is a copy of base with changes; an empty value removes.
func with(base map[string]string, changes map[string]string) map[string]string {
	all := maps.Clone(base)
	for name, value := range changes {
		if all[name] = value; value == "" {
			delete(all, name)
		}
	}
	return all
}

var wantDomestic = map[string]string{
	"status": "APPROVED", "mti": "0110", "panToken": "tok_v1_XMYSAOFQRTVHDBOVPJUHSBK3WF", "panLast4": "1111", "bin": "411111",
	"processingCode": "000000", "transactionAmount": "#1981", "transactionCurrency": "GBP", "billingAmount": "#1981", "billingCurrency": "GBP",
	"stan": "123456", "acquirerId": "400010", "transmittedAt": "2026-07-09T10:15:30Z", "localDate": "2026-07-09", "localTime": "11:15:30",
	"rrn": "519010123456", "authCode": "A1B2C3", "responseCode": "00", "mcc": "5411", "merchantName": "ACME STORE", "merchantCity": "LONDON",
	"merchantCountry": "GB", "merchantId": "MERCHANT0000001", "terminalId": "TERM0001", "acquirerCountry": "826", "issuerCountry": "826",
	"posEntryMode": "051", "posCondition": "00",
}

func TestTheExampleMessages(t *testing.T) {
	want := []map[string]string{
		wantDomestic,
		with(wantDomestic, map[string]string{"transactionAmount": "#10000", "transactionCurrency": "USD", "billingAmount": "#7925", "conversionRate": "0.7925",
			"stan": "123457", "rrn": "519010123457", "acquirerCountry": "840", "merchantCity": "NEW YORK", "merchantCountry": "US"}),
		with(wantDomestic, map[string]string{"processingCode": "200000", "transactionAmount": "#2500", "billingAmount": "#2500", "stan": "123458", "rrn": "519010123458"}),
		with(wantDomestic, map[string]string{"processingCode": "012000", "transactionAmount": "#20000", "billingAmount": "#20000", "stan": "123459",
			"rrn": "519010123459", "mcc": "6011", "acquirerFee": "D00000250"}),
		with(wantDomestic, map[string]string{"transactionAmount": "#12345", "transactionCurrency": "JPY", "billingAmount": "#30809", "billingCurrency": "BHD",
			"conversionRate": "0.0024957", "stan": "123460", "rrn": "519010123460", "acquirerCountry": "392", "merchantName": "TOKYO STORE", "merchantCity": "TOKYO", "merchantCountry": "JP"}),
		with(wantDomestic, map[string]string{"mti": "0400", "transactionAmount": "#10000", "transactionCurrency": "USD", "billingAmount": "#7925", "conversionRate": "0.7925",
			"stan": "123461", "rrn": "519012123461", "responseCode": "", "acquirerCountry": "840",
			"original.mti": "0100", "original.stan": "123457", "original.transmittedAt": "2026-07-09T10:15:30Z", "original.acquirerId": "400010", "replacementAmount": "#6309"}),
		with(wantDomestic, map[string]string{"stan": "123462", "rrn": "519010123462", "mcc": "7995", "acquirerCountry": "826", "posCondition": "59", "merchantName": "BETCO", "posEntryMode": "810"}),
	}
	messages, err := newDecoder(t).DecodeFile(t.Context(), exampleFile(t, "visa-1987.txt"))
	require.NoError(t, err)
	require.Len(t, messages, len(want))
	ids := map[string]bool{}
	for i, m := range messages {
		got := flat(m.Item)
		require.Regexp(t, `^iso8583-[A-Z2-7]{26}$`, got["authorizationId"])
		ids[got["authorizationId"]] = true
		delete(got, "authorizationId")
		require.Equal(t, want[i], got, "message %d", i+1)
		require.Empty(t, m.Notes)
		requireNoCard(t, m.Item)
	}
	require.Len(t, ids, len(want))
}

func TestTheGuidancesMessage(t *testing.T) {
	messages, err := newDecoder(t).DecodeFile(t.Context(), exampleFile(t, "aws-guidance.txt"))
	require.NoError(t, err)
	require.Len(t, messages, 1)
	got := flat(messages[0].Item)
	require.Regexp(t, `^[A-Z2-7]{6}$`, got["authCode"])
	delete(got, "authCode")
	delete(got, "authorizationId")
	require.Equal(t, map[string]string{
		"status": "APPROVED", "mti": "0100", "panToken": tokenOf(t, guidancePAN), "panLast4": "7981", "bin": "456190", "processingCode": "000010",
		"transactionAmount": "#1981", "transactionCurrency": "USD", "billingAmount": "#1981", "billingCurrency": "USD", "conversionRate": "1",
		"stan": "981786145671", "acquirerId": "0840", "forwarderId": "0840", "transmittedAt": "2023-07-09T00:00:00Z", "localDate": "2023-07-09",
		"responseCode": "00", "mcc": "AAFF", "acquirerCountry": "840", "issuerCountry": "840", "posEntryMode": "0010", "panSequence": "0001", "posCondition": "AAFF",
		"inferred": "authCode billingCurrency localDate responseCode transactionCurrency transmittedAt",
	}, got)
	requireNoCard(t, messages[0].Item)
}

// requireNoCard searches the item as text for the card numbers of the tests, whatever the guard thinks of them.
func requireNoCard(t *testing.T, item authorizationitem.Item) {
	t.Helper()
	encoded, err := json.Marshal(item)
	require.NoError(t, err)
	require.NotContains(t, string(encoded), testPAN)
	require.NotContains(t, string(encoded), guidancePAN)
	require.NotEqual(t, testPAN, item["panToken"].(*types.AttributeValueMemberS).Value)
	require.True(t, payment.IsPANToken(item["panToken"].(*types.AttributeValueMemberS).Value))
}

func TestHexadecimalIsTheSameMessage(t *testing.T) {
	decoder := newDecoder(t)
	plain, err := decoder.Decode(t.Context(), []byte(domestic))
	require.NoError(t, err)
	for _, text := range []string{hex.EncodeToString([]byte(domestic)), strings.ToUpper(hex.EncodeToString([]byte(domestic)))} {
		encoded, err := decoder.Decode(t.Context(), []byte(text))
		require.NoError(t, err)
		require.Equal(t, plain, encoded)
	}
	lower, err := decoder.Decode(t.Context(), []byte(strings.ToLower(guidance)))
	require.NoError(t, err)
	upper, err := decoder.Decode(t.Context(), []byte(guidance))
	require.NoError(t, err)
	require.Equal(t, upper, lower)
}

func TestDecodeOverwritesTheMessage(t *testing.T) {
	for _, text := range []string{domestic, guidance, hex.EncodeToString([]byte(domestic)), domesticHead + "16" + testPAN, domesticHead + "35" + testPAN} {
		message := []byte(text)
		_, _ = newDecoder(t).Decode(t.Context(), message) // some are damaged
		require.Equal(t, make([]byte, len(text)), message)
	}
}

func TestWhatTheMessageDoesNotSay(t *testing.T) {
	t.Run("without a billing amount it is billed as paid", func(t *testing.T) {
		text := "0110723864810EE0A000" + strings.Replace(domesticBody, "000000001981000000001981", "000000001981", 1)
		text = strings.Replace(text[:len(text)-3], "0110723864810EE0A000", "0110723864810EE08000", 1)
		m, err := newDecoder(t).Decode(t.Context(), []byte(text))
		require.NoError(t, err)
		require.Equal(t, with(wantDomestic, map[string]string{"inferred": "billingAmount billingCurrency"}), with(flat(m.Item), map[string]string{"authorizationId": ""}))
	})
	t.Run("a range that is not listed leaves the country out and says so", func(t *testing.T) {
		decoder := newDecoder(t)
		decoder.Reference = directory{}
		m, err := decoder.Decode(t.Context(), []byte(domestic))
		require.NoError(t, err)
		require.NotContains(t, m.Item, "issuerCountry")
		require.Equal(t, []string{"DE2 (primary account number) is of a range that the reference data does not list: without an issuer country the payment goes to review"}, m.Notes)
	})
	t.Run("the card's only account tells the currency", func(t *testing.T) {
		decoder := newDecoder(t)
		decoder.Reference = directory{currencies: map[string][]payment.Currency{tokenOf(t, guidancePAN): {"EUR"}}}
		m, err := decoder.Decode(t.Context(), []byte(guidance))
		require.NoError(t, err)
		require.Equal(t, "EUR", flat(m.Item)["billingCurrency"])
	})
	t.Run("without an account the issuer's country does", func(t *testing.T) {
		decoder := newDecoder(t)
		decoder.Reference = directory{}
		m, err := decoder.Decode(t.Context(), []byte(guidance))
		require.NoError(t, err)
		require.Equal(t, "USD", flat(m.Item)["billingCurrency"])
	})
	t.Run("with several accounts it must be one of theirs", func(t *testing.T) {
		decoder := newDecoder(t)
		decoder.Reference = directory{currencies: map[string][]payment.Currency{tokenOf(t, guidancePAN): {"EUR", "GBP"}}}
		_, err := decoder.Decode(t.Context(), []byte(guidance))
		require.EqualError(t, err, "DE20 (IssuingCountryCode) does not tell the billing currency, which neither the message nor the card's accounts tell")
	})
	t.Run("other amounts are paid in the acquirer's currency", func(t *testing.T) {
		m, err := newDecoder(t).Decode(t.Context(), []byte(strings.Replace(strings.Replace(guidance, "0000000019810000", "0000000030000000", 1), "AAFF0840", "AAFF0392", 1)))
		require.NoError(t, err)
		got := flat(m.Item)
		require.Equal(t, []string{"#3000", "JPY", "#1981", "USD"}, []string{got["transactionAmount"], got["transactionCurrency"], got["billingAmount"], got["billingCurrency"]})
	})
}

func TestAFailureOfWhatIsAskedIsNoDamage(t *testing.T) {
	decoder := newDecoder(t)
	decoder.Reference = directory{err: errors.New("throttled")}
	for _, text := range []string{domestic, guidance} {
		_, err := decoder.Decode(t.Context(), []byte(text))
		var fields payment.FieldErrors
		require.ErrorContains(t, err, "throttled")
		require.False(t, errors.As(err, &fields))
	}
	decoder = newDecoder(t)
	decoder.Tokens = failing{}
	_, err := decoder.Decode(t.Context(), []byte(domestic))
	require.EqualError(t, err, "tokenizing a card number: no key")
}

type failing struct{}

func (failing) Token(context.Context, string) (string, error) { return "", errors.New("no key") }

func TestConversionRates(t *testing.T) {
	for text, want := range map[string]string{"77925000": "0.7925", "70024957": "0.0024957", "00000150": "150", "61000000": "1", "20012345": "123.45",
		"80024957": "0.00024957", "90000001": "0.000000001", "09999999": "9999999"} {
		f := newDraft(elementName)
		f.readRate("conversionRate", text)
		require.NoError(t, f.err())
		require.Equal(t, want, f.text["conversionRate"], text)
	}
}

func TestTheYearIsThatOfReceipt(t *testing.T) {
	for name, tc := range map[string]struct {
		text, now, want string
	}{
		"now":                                {"1121120000", "2026-11-21T12:00:00Z", "2026-11-21T12:00:00Z"},
		"last year's, before New Year":       {"1231235959", "2027-01-01T00:00:30Z", "2026-12-31T23:59:59Z"},
		"a clock ahead, across New Year":     {"0101000005", "2026-12-31T23:59:59Z", "2027-01-01T00:00:05Z"},
		"a day ahead":                        {"1122120000", "2026-11-21T12:00:00Z", "2026-11-22T12:00:00Z"},
		"more than a day ahead is last year": {"1122120001", "2026-11-21T12:00:00Z", "2025-11-22T12:00:01Z"},
		"leap day, received on it":           {"0229120000", "2028-02-29T12:00:01Z", "2028-02-29T12:00:00Z"},
		"leap day, received the day before":  {"0229000001", "2028-02-28T12:00:00Z", "2028-02-29T00:00:01Z"},
		"leap day, received the day after":   {"0229235959", "2028-03-01T00:00:00Z", "2028-02-29T23:59:59Z"},
		"leap day, received a year later":    {"0229120000", "2029-02-01T00:00:00Z", "2028-02-29T12:00:00Z"},
		"leap day without one":               {"0229120000", "2027-03-01T00:00:00Z", ""},
		"no day":                             {"0230120000", "2026-03-01T00:00:00Z", ""},
		"no hour":                            {"0228240000", "2026-03-01T00:00:00Z", ""},
		"no digits":                          {"02281200 0", "2026-03-01T00:00:00Z", ""},
	} {
		t.Run(name, func(t *testing.T) {
			now, err := time.Parse(time.RFC3339, tc.now)
			require.NoError(t, err)
			got, ok := inferYear("0102150405", tc.text, now.Add(clockSkew))
			require.Equal(t, tc.want != "", ok)
			if ok {
				require.Equal(t, tc.want, got.Format(time.RFC3339))
			}
		})
	}
}

func TestLocalDatesGoWithTheTransmission(t *testing.T) {
	for name, tc := range map[string]struct{ transmitted, local, now, want string }{
		"east of Greenwich, New Year's Eve": {"1231103000", "0101", "2026-12-31T11:00:00Z", "2027-01-01"},
		"west of Greenwich, New Year":       {"0101020000", "1231", "2027-01-01T03:00:00Z", "2026-12-31"},
		"the same day":                      {"0709101530", "0709", "2026-11-21T12:00:00Z", "2026-07-09"},
		"received half a year later":        {"1231103000", "0101", "2027-06-01T00:00:00Z", "2027-01-01"},
	} {
		t.Run(name, func(t *testing.T) {
			now, err := time.Parse(time.RFC3339, tc.now)
			require.NoError(t, err)
			f := newDraft(elementName)
			f.readTimes(map[int]string{elementTransmission: tc.transmitted, elementLocalDate: tc.local, elementSettlementDate: tc.local}, now)
			require.NoError(t, f.err())
			require.Equal(t, tc.want, f.text["localDate"])
		})
	}
	f := newDraft(elementName)
	f.readTimes(map[int]string{elementTransmission: "1230103000", elementSettlementDate: "0104"}, time.Date(2026, 12, 30, 11, 0, 0, 0, time.UTC))
	require.Equal(t, "2027-01-04", f.text["settlementDate"])
}

func TestAnOriginalIsBeforeItsReversal(t *testing.T) {
	for name, tc := range map[string]struct{ reversal, original, now, want string }{
		"received at once":                   {"0709120000", "0709101530", "2026-07-09T12:00:01Z", "2026-07-09T10:15:30Z"},
		"across New Year":                    {"0101000005", "1231235959", "2027-01-01T00:00:06Z", "2026-12-31T23:59:59Z"},
		"received late, of the year before":  {"0709101530", "0801101530", "2026-11-21T12:00:00Z", "2025-08-01T10:15:30Z"},
		"received late, and a clock is slow": {"0709101530", "0709101531", "2026-11-21T12:00:00Z", "2026-07-09T10:15:31Z"},
	} {
		t.Run(name, func(t *testing.T) {
			now, err := time.Parse(time.RFC3339, tc.now)
			require.NoError(t, err)
			f := newDraft(elementName)
			f.text["mti"] = "0400"
			f.readTimes(map[int]string{elementTransmission: tc.reversal}, now)
			f.readReversal(map[int]string{elementOriginal: "0100" + "123457" + tc.original + "00000400010" + "00000000000"}, now)
			require.NoError(t, f.err())
			require.Equal(t, tc.want, f.original["transmittedAt"])
		})
	}
}

func TestTheGuardKnowsTheTestCard(t *testing.T) { require.True(t, panguard.Contains(domestic)) }
