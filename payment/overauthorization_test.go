package payment

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestOverAuthorized(t *testing.T) {
	tolerance := DefaultRuleSettings().OverAuthorization
	for name, tc := range map[string]struct {
		mcc               string
		authorized, final int64
		want              bool
	}{
		"the same":                  {"5411", 10000, 10000, false},
		"less":                      {"5411", 10000, 9999, false},
		"one penny more":            {"5411", 10000, 10001, true},
		"a tip of a fifth":          {"5812", 10000, 12000, false},
		"a tip of more":             {"5812", 10000, 12001, true},
		"a fifth of an odd amount":  {"5814", 1981, 2377, false}, // 2377.2
		"just beyond it":            {"5814", 1981, 2378, true},
		"fuel":                      {"5542", 10000, 12000, false},
		"a longer stay":             {"7011", 10000, 11500, false},
		"a much longer one":         {"7011", 10000, 11501, true},
		"an airline":                {"3058", 10000, 11500, false},
		"a category of letters":     {"AAFF", 10000, 10001, true},
		"the largest amounts agree": {"5812", maxMinor, maxMinor, false},
	} {
		t.Run(name, func(t *testing.T) {
			over, err := OverAuthorized(Money{tc.authorized, "GBP"}, Money{tc.final, "GBP"}, tolerance.For(tc.mcc))
			require.NoError(t, err)
			require.Equal(t, tc.want, over)
		})
	}
	_, err := OverAuthorized(Money{1, "GBP"}, Money{1, "EUR"}, "0.20")
	require.ErrorIs(t, err, ErrCurrencyMismatch)
	_, err = OverAuthorized(Money{1, "GBP"}, Money{1, "GBP"}, "x")
	require.ErrorContains(t, err, `tolerance "x" is not a decimal`)
}
