package payment

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

const sampleToken = "tok_v1_7Q2M7XKD4ZP5R6TB3W5YHC2NEF"

func text(s string) Attribute   { return Attribute{Kind: Text, Text: s} }
func number(s string) Attribute { return Attribute{Kind: Number, Text: s} }

// foreignPurchase is the item of example E2: USD 100.00 at 0.7925 is GBP 79.25.
func foreignPurchase() map[string]Attribute {
	return map[string]Attribute{
		"authorizationId": text("auth-0002"), "status": text("APPROVED"), "mti": text("0110"), "panToken": text(sampleToken),
		"panLast4": text("1111"), "bin": text("411111"), "processingCode": text("000000"),
		"transactionAmount": number("10000"), "transactionCurrency": text("USD"),
		"billingAmount": number("7925"), "billingCurrency": text("GBP"), "conversionRate": text("0.7925"),
		"stan": text("123457"), "acquirerId": text("400010"), "transmittedAt": text("2026-07-09T10:15:30Z"),
		"localDate": text("2026-07-09"), "localTime": text("11:15:30"), "settlementDate": text("2026-07-10"),
		"rrn": text("519010123457"), "authCode": text("A1B2C3"), "responseCode": text("00"), "mcc": text("5411"),
		"merchantName": text("ACME STORE"), "merchantCity": text("NEW YORK"), "merchantCountry": text("US"),
		"merchantId": text("MERCHANT0000001"), "terminalId": text("TERM0001"),
		"acquirerCountry": text("840"), "issuerCountry": text("826"), "posEntryMode": text("051"), "posCondition": text("00"),
	}
}

func with(changes map[string]Attribute) map[string]Attribute {
	item := foreignPurchase()
	maps.Copy(item, changes)
	return item
}

func parsed(t testing.TB, item map[string]Attribute) Authorization {
	t.Helper()
	a, err := ParseAuthorization(item)
	require.NoError(t, err)
	return a
}

func TestParseAuthorization(t *testing.T) {
	a := parsed(t, foreignPurchase())
	require.Equal(t, "USD 100.00", a.TransactionAmount.String())
	require.Equal(t, "GBP 79.25", a.BillingAmount.String())
	require.Equal(t, "0.7925", a.ConversionRate)
	require.Equal(t, "00", a.TransactionType())
	require.Equal(t, Merchant{Name: "ACME STORE", City: "NEW YORK", Country: "US", ID: "MERCHANT0000001", TerminalID: "TERM0001"}, a.Merchant)
}

func TestParseAuthorizationNamesEveryProblemAndNoValue(t *testing.T) {
	for name, tc := range map[string]struct {
		change  map[string]Attribute
		problem string
	}{
		"missing":            {map[string]Attribute{"stan": text("")}, "stan is missing"},
		"malformed":          {map[string]Attribute{"mti": text("01X0")}, "mti must be 4 digits"},
		"amount as text":     {map[string]Attribute{"billingAmount": text("7925")}, "billingAmount must be a number of minor units"},
		"fraction of minor":  {map[string]Attribute{"billingAmount": number("79.25")}, "billingAmount must be a whole number of minor units"},
		"amount of nothing":  {map[string]Attribute{"transactionAmount": number("0")}, "transactionAmount must be above zero and have at most 12 digits"},
		"13 digits":          {map[string]Attribute{"transactionAmount": number("1000000000000")}, "transactionAmount must be above zero and have at most 12 digits"},
		"unknown currency":   {map[string]Attribute{"billingCurrency": text("XXQ")}, "billingCurrency is not an ISO 4217 currency"},
		"rate of nothing":    {map[string]Attribute{"conversionRate": text("0.0")}, "conversionRate must be a rate above zero"},
		"no such date":       {map[string]Attribute{"localDate": text("2026-02-30")}, "localDate is not a date of the calendar"},
		"no RFC 3339":        {map[string]Attribute{"transmittedAt": text("0709101530")}, "transmittedAt must be an RFC 3339 time"},
		"before year 0":      {map[string]Attribute{"transmittedAt": text("0000-01-01T00:00:00+01:00")}, "transmittedAt must be an RFC 3339 time"},
		"after year 9999":    {map[string]Attribute{"transmittedAt": text("9999-12-31T23:59:59-01:00")}, "transmittedAt must be an RFC 3339 time"},
		"unprintable":        {map[string]Attribute{"merchantName": text("ACME\x00STORE")}, "merchantName must be printable text of at most 99 characters"},
		"card number":        {map[string]Attribute{"panToken": text("4111111111111111")}, "panToken must be a card-number token"},
		"two problems":       {map[string]Attribute{"mcc": text("54"), "stan": text("x")}, "stan must be 1 to 12 digits; mcc must be 4 letters or digits"},
		"settlement rate":    {map[string]Attribute{"settlementRate": text("1,5")}, "settlementRate must be a decimal number"},
		"conversion date":    {map[string]Attribute{"conversionDate": text("2026-02-30")}, "conversionDate is not a date of the calendar"},
		"DE54 run together":  {map[string]Attribute{"additionalAmounts": text("0040840D0000000020000042840C000000000100")}, "additionalAmounts must be 1 to 6 amounts as in DE54, 20 characters each, with commas between them"},
		"DE54 in a currency": {map[string]Attribute{"additionalAmounts": text("0040000D000000002000")}, "additionalAmounts has a currency that is not an ISO 4217 numeric code"},
		"half a settlement":  {map[string]Attribute{"settlementAmount": number("7925")}, "settlementCurrency is missing"},
		"long merchant name": {map[string]Attribute{"merchantName": text(strings.Repeat("x", 100))}, "merchantName must be printable text of at most 99 characters"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ParseAuthorization(with(tc.change))
			require.EqualError(t, err, tc.problem)
			require.Equal(t, Invalid, KindOf(err))
			want := ReasonMalformed
			if !strings.HasPrefix(tc.problem, "additional") && (strings.Contains(tc.problem, "Amount") || strings.Contains(tc.problem, "Currency")) {
				want = ReasonBadAmount // nothing but the amounts is wrong.
			}
			require.Equal(t, want, ReasonOf(err))
			require.NotContains(t, err.Error(), "4111111111111111")
		})
	}
}

func TestParseAuthorizationTakesWhatTheRulesDecideOn(t *testing.T) {
	for name, change := range map[string]map[string]Attribute{
		"empty issuer country":  {"issuerCountry": text("")},
		"letters in the MCC":    {"mcc": text("AAFF")},
		"rate written as 01":    {"conversionRate": text("01")},
		"12-digit STAN":         {"stan": text("981786145671")},
		"typographic signs":     {"merchantName": text("L’ORÉAL – PARIS №5 €")},
		"99 letters, not Latin": {"merchantName": text(strings.Repeat("京", 99))},
		"unknown attribute":     {"colour": {Kind: Other}},
	} {
		t.Run(name, func(t *testing.T) { parsed(t, with(change)) })
	}
}

func TestTransactionTypeOfWhatNoParserHasChecked(t *testing.T) {
	for code, want := range map[string]string{"": "", "2": "2", "20": "20", "200000": "20"} {
		require.Equal(t, want, Authorization{ProcessingCode: code}.TransactionType(), code)
	}
}

func TestBusinessKeyIsThePaymentNotTheMessage(t *testing.T) {
	original := parsed(t, foreignPurchase())
	same := map[string]map[string]Attribute{
		"another authorization id": {"authorizationId": text("auth-9")},
		"another amount":           {"billingAmount": number("1")},
		"the request of the pair":  {"mti": text("0100")},
		"a repeat":                 {"mti": text("0101")},
		"a padded STAN":            {"stan": text("000000123457")},
		"another time zone":        {"transmittedAt": text("2026-07-09T12:15:30+02:00")},
	}
	for name, change := range same {
		require.Equal(t, original.BusinessKey(), parsed(t, with(change)).BusinessKey(), name)
	}
	different := map[string]map[string]Attribute{
		"reversal":         {"mti": text("0400"), "original": originalOf("0110")},
		"another STAN":     {"stan": text("123458")},
		"another acquirer": {"acquirerId": text("400011")},
		"another second":   {"transmittedAt": text("2026-07-09T10:15:31Z")},
		"another card":     {"panToken": text("tok_v1_AAAAAAAAAAAAAAAAAAAAAAAAAA")},
	}
	for name, change := range different {
		require.NotEqual(t, original.BusinessKey(), parsed(t, with(change)).BusinessKey(), name)
	}
	require.Len(t, TransactionID(original.BusinessKey()), 29)
	require.LessOrEqual(t, len(SequenceID(original.BusinessKey(), 0)), 35, "a camt.054 notification id has at most 35 characters")
}

func TestPayloadHashCoversTheBusinessContent(t *testing.T) {
	original := parsed(t, foreignPurchase()).PayloadHash()
	for name, change := range map[string]map[string]Attribute{
		"authorizationId": {"authorizationId": text("auth-9")},
		"unknown":         {"colour": text("red")},
		"rate spelling":   {"conversionRate": text("0.792500")},
		"blanks":          {"merchantName": text(" ACME STORE ")},
	} {
		require.Equal(t, original, parsed(t, with(change)).PayloadHash(), name)
	}
	for field, other := range map[string]Attribute{
		"processingCode": text("200000"), "transactionAmount": number("10001"), "billingAmount": number("7926"),
		"billingCurrency": text("EUR"), "conversionRate": text("0.7926"), "rrn": text("519010123458"), "authCode": text("A1B2C4"),
		"responseCode": text("10"), "lifecycleId": text("385190412345678"), "mcc": text("5412"), "merchantName": text("ACME"),
		"merchantCity": text("BOSTON"), "merchantCountry": text("CA"), "merchantId": text("M2"), "terminalId": text("T2"),
		"acquirerCountry": text("124"), "issuerCountry": text("840"), "acquirerFee": text("D00000250"), "settlementRate": text("1.5"),
		"additionalAmounts": text("0040840D000000002000"),
	} {
		require.NotEqual(t, original, parsed(t, with(map[string]Attribute{field: other})).PayloadHash(), field)
	}
}

func TestKnownCountry(t *testing.T) {
	for code, want := range map[string]bool{"840": true, "826": true, "392": true, "048": true, "276": true, "158": true, "383": true,
		"": false, "000": false, "999": false, "US": false, "8400": false, "001": false} {
		require.Equal(t, want, KnownCountry(code), code)
	}
}

func TestPANToken(t *testing.T) {
	token, err := PANToken(1, make([]byte, 32))
	require.NoError(t, err)
	require.Equal(t, "tok_v1_AAAAAAAAAAAAAAAAAAAAAAAAAA", token)
	require.True(t, IsPANToken(token))
	_, err = PANToken(1, make([]byte, 16))
	require.Error(t, err)
	require.False(t, IsPANToken("4561908061867981"), "a card number that fails Luhn is still no token")
	require.False(t, IsPANToken("tok_v4111111111111111_AAAAAAAAAAAAAAAAAAAAAAAAAA"), "a card number fits in no token")
}

func TestFieldHasForm(t *testing.T) {
	require.True(t, FieldHasForm("lifecycleId", "385190412345678"))
	require.False(t, FieldHasForm("merchantName", "ACME"), "free text is searched")
	require.False(t, FieldHasForm("stan", "4111111111111111"), "a value without its field's form is searched")
	require.False(t, FieldHasForm("colour", "red"))
}

func FuzzParseAuthorization(f *testing.F) {
	f.Add("mti", "0110", 1)
	f.Add("billingAmount", "-1", 2)
	f.Add("transmittedAt", "2026-13-01T00:00:00Z", 1)
	f.Fuzz(func(t *testing.T, field, value string, kind int) {
		a, err := ParseAuthorization(with(map[string]Attribute{field: {Kind: AttributeKind(kind), Text: value}}))
		if err != nil {
			require.Equal(t, Invalid, KindOf(err))
			return
		}
		require.Positive(t, a.BillingAmount.Minor)
		require.Len(t, a.BusinessKey(), 52)
		require.Len(t, a.PayloadHash(), 64)
		_, err = json.Marshal(a)
		require.NoError(t, err, "what is accepted can be published")
	})
}

func TestHashDependsOnNothingButTheFields(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.StringMatching(`[A-Z ]{1,22}`).Draw(t, "name")
		city := rapid.StringMatching(`[A-Z]{1,13}`).Draw(t, "city")
		one, err := ParseAuthorization(with(map[string]Attribute{"merchantName": text(name), "merchantCity": text(city)}))
		require.NoError(t, err)
		two, err := ParseAuthorization(with(map[string]Attribute{"merchantName": text(name), "merchantCity": text(city)}))
		require.NoError(t, err)
		require.Equal(t, one.PayloadHash(), two.PayloadHash())
		shifted, err := ParseAuthorization(with(map[string]Attribute{"merchantName": text(name + "X"), "merchantCity": text(city)}))
		require.NoError(t, err)
		require.NotEqual(t, one.PayloadHash(), shifted.PayloadHash())
	})
}

// originalOf is what a reversal says of the foreign purchase, which was a message of this type.
func originalOf(mti string) Attribute {
	return Attribute{Kind: Map, Map: map[string]Attribute{"mti": text(mti), "stan": text("123457"), "transmittedAt": text("2026-07-09T10:15:30Z"), "acquirerId": text("00000400010")}}
}

func reversalOf(changes map[string]Attribute) map[string]Attribute {
	item := with(map[string]Attribute{"mti": text("0400"), "stan": text("123461"), "original": originalOf("0110")})
	maps.Copy(item, changes)
	return item
}

func TestReversalNamesItsOriginal(t *testing.T) {
	original, reversal := parsed(t, foreignPurchase()), parsed(t, reversalOf(map[string]Attribute{"replacementAmount": number("6309")}))
	require.Equal(t, original.BusinessKey(), reversal.OriginalKey())
	require.NotEqual(t, original.BusinessKey(), reversal.BusinessKey())
	require.Equal(t, "USD 63.09", reversal.ReplacementAmount.String())
	remaining, err := reversal.RemainingBilling()
	require.NoError(t, err)
	require.Equal(t, "GBP 50.00", remaining.String())
	for _, mti := range []string{"0400", "0401", "0410", "0420", "0421", "0430"} {
		same := parsed(t, reversalOf(map[string]Attribute{"mti": text(mti)}))
		require.NoError(t, CheckSupported(same))
		require.Equal(t, reversal.BusinessKey(), same.BusinessKey(), "repeats and responses are the same reversal")
	}
	require.Empty(t, original.OriginalKey())

	hashes := map[string]bool{}
	for _, change := range []map[string]Attribute{
		{}, {"replacementAmount": number("6309")}, {"replacementAmount": number("6310")}, {"replacementAmount": number("6309"), "replacementBillingAmount": number("5000")},
		{"original": Attribute{Kind: Map, Map: map[string]Attribute{"mti": text("0110"), "stan": text("123458"), "transmittedAt": text("2026-07-09T10:15:30Z"), "acquirerId": text("400010")}}},
	} {
		hashes[parsed(t, reversalOf(change)).PayloadHash()] = true
	}
	require.Len(t, hashes, 5, "original and replacement amounts are business content")
}

func TestReversalsThatAreMalformed(t *testing.T) {
	for problem, change := range map[string]map[string]Attribute{
		"original is missing: a reversal must say what it reverses":                                    {"original": text("0110")},
		"original.stan must be 1 to 12 digits":                                                         {"original": Attribute{Kind: Map, Map: map[string]Attribute{"mti": text("0110"), "stan": text("X"), "transmittedAt": text("2026-07-09T10:15:30Z"), "acquirerId": text("1")}}},
		"replacementAmount must be a whole number of minor units between zero and the original amount": {"replacementAmount": number("10001")},
		"replacementAmount is missing beside replacementBillingAmount":                                 {"replacementBillingAmount": number("1")},
		"replacementBillingAmount must be zero where replacementAmount is, and only there":             {"replacementAmount": number("0"), "replacementBillingAmount": number("1")},
	} {
		_, err := ParseAuthorization(reversalOf(change))
		require.EqualError(t, err, problem)
	}
}

func TestSequencesNameTheirTransaction(t *testing.T) {
	key := parsed(t, foreignPurchase()).BusinessKey()
	for _, n := range []int{0, 1, 99, 100} {
		transaction, err := TransactionOfSequence(SequenceID(key, n))
		require.NoError(t, err)
		require.Equal(t, TransactionID(key), transaction)
		require.Equal(t, n == 0, IsFirstSequence(SequenceID(key, n)))
	}
	for _, other := range []string{"", "ps_", "ps_A-00", "tx_" + key[:idCharacters], SequenceID(key, 0) + "0"} {
		_, err := TransactionOfSequence(other)
		require.ErrorContains(t, err, "is not the id of a posting sequence", other)
	}
}
