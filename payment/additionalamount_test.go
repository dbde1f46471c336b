package payment

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParseAdditionalAmounts(t *testing.T) {
	none, err := ParseAdditionalAmounts("")
	require.NoError(t, err)
	require.Empty(t, none)

	amounts, err := ParseAdditionalAmounts("2040840D000000002000,0042392C000000000100,0053048D000000000123")
	require.NoError(t, err)
	require.Equal(t, []AdditionalAmount{
		{AccountType: "20", Type: "40", Side: Debit, Amount: Money{Minor: 2000, Currency: "USD"}},
		{AccountType: "00", Type: "42", Side: Credit, Amount: Money{Minor: 100, Currency: "JPY"}},
		{AccountType: "00", Type: "53", Side: Debit, Amount: Money{Minor: 123, Currency: "BHD"}},
	}, amounts)
	require.Equal(t, []string{"20.00", "100", "0.123"}, []string{amounts[0].Amount.Decimal(), amounts[1].Amount.Decimal(), amounts[2].Amount.Decimal()})

	for problem, text := range map[string]string{
		"an additional amount has 19 characters, want 20":              "2040840D00000000200",
		`numeric currency "000" is not in ISO 4217`:                    "2040000D000000002000",
		"the amount of an additional amount is no number of 12 digits": "2040840D-00000002000",
		"an additional amount has 0 characters, want 20":               "2040840D000000002000,",
	} {
		_, err := ParseAdditionalAmounts(text)
		require.EqualError(t, err, problem)
	}
}

// The form keeps two amounts from running into one number that could be a card's.
func TestAdditionalAmountsHaveAForm(t *testing.T) {
	require.True(t, FieldHasForm("additionalAmounts", "2040840D000000002000,0042392C000000000100"))
	require.False(t, FieldHasForm("additionalAmounts", "4111111111111111"))
}

func TestTraceIDIsThatOfTheTransaction(t *testing.T) {
	require.Equal(t, TraceID("tx_A"), TraceID("tx_A"))
	require.NotEqual(t, TraceID("tx_A"), TraceID("tx_B"))
	require.Regexp(t, `^[0-9a-f]{32}$`, TraceID("tx_A"))
}
