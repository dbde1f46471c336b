package payment

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCorrectSetsFieldsAndNothingElse(t *testing.T) {
	a := parsed(t, foreignPurchase())
	corrected, err := a.Correct(map[string]string{"issuerCountry": "276", "acquirerCountry": "250", "mcc": "5812", "merchantName": " CAFÉ ", "merchantCity": "PARIS",
		"merchantCountry": "FR", "merchantId": "M-2", "terminalId": "T-2"})
	require.NoError(t, err)
	want := a
	want.IssuerCountry, want.AcquirerCountry, want.MCC = "276", "250", "5812"
	want.Merchant = Merchant{Name: "CAFÉ", City: "PARIS", Country: "FR", ID: "M-2", TerminalID: "T-2"}
	require.Equal(t, want, corrected)
	require.Equal(t, a.BusinessKey(), corrected.BusinessKey(), "the same payment")
	require.NotEqual(t, a, corrected, "the authorization given stays as it was")
}

func TestCorrectRefuses(t *testing.T) {
	a := parsed(t, foreignPurchase())
	for name, tc := range map[string]struct {
		set  map[string]string
		want string
	}{
		"an amount":                {map[string]string{"billingAmount": "1"}, "billingAmount cannot be corrected"},
		"a currency":               {map[string]string{"billingCurrency": "EUR"}, "billingCurrency cannot be corrected"},
		"the rate":                 {map[string]string{"conversionRate": "1"}, "conversionRate cannot be corrected"},
		"a field of the key":       {map[string]string{"stan": "1"}, "stan cannot be corrected"},
		"the token":                {map[string]string{"panToken": sampleToken}, "panToken cannot be corrected"},
		"the processing code":      {map[string]string{"processingCode": "200000"}, "processingCode cannot be corrected"},
		"a field that is none":     {map[string]string{"country": "826"}, "country cannot be corrected"},
		"an empty value":           {map[string]string{"mcc": " "}, "mcc needs a value"},
		"a country by its letters": {map[string]string{"issuerCountry": "GB"}, "issuerCountry must be an ISO 3166 numeric-3 code or empty"},
		"a country that is none":   {map[string]string{"issuerCountry": "999"}, "issuerCountry must be an ISO 3166 numeric-3 code that is in use"},
		"a long name":              {map[string]string{"merchantName": strings.Repeat("é", 100)}, "merchantName must be printable text of at most 99 characters"},
		"a long MCC":               {map[string]string{"mcc": "54111"}, "mcc must be 4 letters or digits"},
		"several":                  {map[string]string{"mcc": "1", "rrn": "x"}, "mcc must be 4 letters or digits; rrn cannot be corrected"},
		"what it already has":      {map[string]string{"mcc": a.MCC}, ErrNothingCorrected.Error()},
		"nothing":                  {nil, ErrNothingCorrected.Error()},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := a.Correct(tc.set)
			require.EqualError(t, err, tc.want)
		})
	}
}

func TestEveryCorrectableFieldHasAForm(t *testing.T) {
	for _, name := range Correctable() {
		require.Contains(t, textForms, name)
	}
	require.Len(t, Correctable(), 8)
}
