package payment

import (
	"encoding/json"
	"math"
	"math/big"
	"strings"
	"testing"

	"github.com/govalues/decimal"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func money(t testing.TB, amount string, c Currency) Money {
	t.Helper()
	m, err := ParseMoney(amount, c)
	require.NoError(t, err)
	return m
}

func TestParseMoney(t *testing.T) {
	for name, tc := range map[string]struct {
		amount   string
		currency Currency
		minor    int64
		problem  string
	}{
		"two decimals":        {"79.25", "GBP", 7925, ""},
		"fewer decimals":      {"79.2", "GBP", 7920, ""},
		"no decimals":         {"12345", "JPY", 12345, ""},
		"three decimals":      {"30.809", "BHD", 30809, ""},
		"below one":           {"0.05", "GBP", 5, ""},
		"negative":            {"-19.81", "GBP", -1981, ""},
		"too many decimals":   {"1.234", "GBP", 0, `amount "1.234" is not a decimal with at most 2 places, as GBP has`},
		"decimals in JPY":     {"1.0", "JPY", 0, `amount "1.0" is not a decimal with at most 0 places, as JPY has`},
		"no digits":           {"", "GBP", 0, `amount "" is not a decimal with at most 2 places, as GBP has`},
		"point without digit": {"1.", "GBP", 0, `amount "1." is not a decimal with at most 2 places, as GBP has`},
		"exponent":            {"1e3", "GBP", 0, `amount "1e3" is not a decimal with at most 2 places, as GBP has`},
		"too large":           {"99999999999999999999", "GBP", 0, `amount "99999999999999999999": amount overflows`},
		"unknown currency":    {"1", "GBX", 0, `currency "GBX" is not in ISO 4217`},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := ParseMoney(tc.amount, tc.currency)
			if tc.problem != "" {
				require.EqualError(t, err, tc.problem)
				return
			}
			require.NoError(t, err)
			require.Equal(t, tc.minor, m.Minor)
		})
	}
}

func TestMoneyJSONIsAStringWithTheCurrencysDecimals(t *testing.T) {
	for want, m := range map[string]Money{
		`{"amount":"79.25","currency":"GBP"}`:  {7925, "GBP"},
		`{"amount":"0.05","currency":"GBP"}`:   {5, "GBP"},
		`{"amount":"-0.05","currency":"GBP"}`:  {-5, "GBP"},
		`{"amount":"12345","currency":"JPY"}`:  {12345, "JPY"},
		`{"amount":"30.809","currency":"BHD"}`: {30809, "BHD"},
	} {
		got, err := json.Marshal(m)
		require.NoError(t, err)
		require.Equal(t, want, string(got))
		var back Money
		require.NoError(t, json.Unmarshal(got, &back))
		require.Equal(t, m, back)
	}
	_, err := json.Marshal(Money{Minor: 1})
	require.Error(t, err, "money without a currency is no money")
	require.Error(t, json.Unmarshal([]byte(`{"amount":79.25,"currency":"GBP"}`), new(Money)), "a JSON number is refused")
}

// The exponents that naive tables get wrong (domain vectors).
func TestExponents(t *testing.T) {
	for currency, want := range map[Currency]int{"JPY": 0, "KRW": 0, "GBP": 2, "IDR": 2, "IQD": 3, "MGA": 2, "BHD": 3, "KWD": 3, "CLF": 4, "UYW": 4} {
		got, err := currency.Exponent()
		require.NoError(t, err, currency)
		require.Equal(t, want, got, currency)
	}
}

func TestCurrencyNumericRoundTrip(t *testing.T) {
	for alpha, numeric := range map[Currency]string{"GBP": "826", "USD": "840", "JPY": "392", "BHD": "048"} {
		got, err := alpha.Numeric()
		require.NoError(t, err)
		require.Equal(t, numeric, got)
		back, err := CurrencyFromNumeric(numeric)
		require.NoError(t, err)
		require.Equal(t, alpha, back)
	}
	_, err := CurrencyFromNumeric("999")
	require.Error(t, err)
}

// The worked amounts of the accounting examples E2, E5, E6 and E9.
func TestMulRoundsHalfToEvenOnce(t *testing.T) {
	for name, tc := range map[string]struct {
		amount   string
		currency Currency
		rate     string
		want     string
	}{
		"E2 FX fee":         {"79.25", "GBP", "0.0299", "2.37"},
		"E2 tax on fee":     {"2.37", "GBP", "0.20", "0.47"},
		"E5 target fee":     {"50.00", "GBP", "0.0299", "1.50"},
		"E6 cash fee":       {"200.00", "GBP", "0.03", "6.00"},
		"E9 FX fee":         {"30.809", "BHD", "0.025", "0.770"},
		"half to even down": {"0.50", "GBP", "0.05", "0.02"},
		"half to even up":   {"0.70", "GBP", "0.05", "0.04"},
		"negative half":     {"-0.50", "GBP", "0.05", "-0.02"},
		"large times small": {"9999999999.99", "GBP", "0.123456789", "1234567890.00"},
		"by zero":           {"79.25", "GBP", "0", "0.00"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := money(t, tc.amount, tc.currency).Mul(decimal.MustParse(tc.rate))
			require.NoError(t, err)
			require.Equal(t, tc.want, got.Decimal())
		})
	}
}

func TestMulEqualsExactRational(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		minor := rapid.Int64Range(-maxMinor, maxMinor).Draw(t, "minor")
		coefficient := rapid.Int64Range(0, 1e10).Draw(t, "coefficient")
		scale := rapid.IntRange(0, 12).Draw(t, "scale")
		rate := decimal.MustNew(coefficient, scale)
		exact := new(big.Rat).SetFrac(
			new(big.Int).Mul(big.NewInt(minor), big.NewInt(coefficient)),
			new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(scale)), nil))

		got, err := Money{Minor: minor, Currency: "GBP"}.Mul(rate)
		if err != nil {
			require.ErrorIs(t, err, ErrOverflow)
			require.Positive(t, new(big.Rat).Abs(exact).Cmp(big.NewRat(math.MaxInt64, 1)))
			return
		}
		// Half to even means: never more than a half away, and even when exactly a half away.
		off := new(big.Rat).Sub(exact, big.NewRat(got.Minor, 1))
		switch off.Abs(off).Cmp(big.NewRat(1, 2)) {
		case 1:
			t.Fatalf("%d × %s gave %d", minor, rate, got.Minor)
		case 0:
			require.Zero(t, got.Minor%2)
		}
	})
}

func TestAddRefusesOverflowAndOtherCurrencies(t *testing.T) {
	_, err := Money{Minor: math.MaxInt64, Currency: "GBP"}.Add(Money{Minor: 1, Currency: "GBP"})
	require.ErrorIs(t, err, ErrOverflow)
	_, err = Money{Minor: math.MinInt64, Currency: "GBP"}.Add(Money{Minor: -1, Currency: "GBP"})
	require.ErrorIs(t, err, ErrOverflow)
	_, err = Money{Minor: 1, Currency: "GBP"}.Add(Money{Minor: 1, Currency: "USD"})
	require.ErrorIs(t, err, ErrCurrencyMismatch)
}

func FuzzParseMoney(f *testing.F) {
	for _, seed := range []string{"79.25", "-0.05", "1.", ".5", "1e3", strings.Repeat("9", 30)} {
		f.Add(seed, "GBP")
	}
	f.Fuzz(func(t *testing.T, amount, currency string) {
		m, err := ParseMoney(amount, Currency(currency))
		if err != nil {
			return
		}
		back, err := ParseMoney(m.Decimal(), m.Currency)
		require.NoError(t, err)
		require.Equal(t, m, back)
	})
}
