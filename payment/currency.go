package payment

import (
	"fmt"
	"sync"

	"github.com/bojanz/currency"
)

// Currency is an ISO 4217 alphabetic code ("GBP").
type Currency string

// Exponent is the number of decimal places of the currency's minor unit: JPY 0, GBP 2, BHD 3. The table is CLDR's as
// bojanz/currency ships it; golang.org/x/text/currency has IDR, IQD and MGA wrong.
func (c Currency) Exponent() (int, error) {
	digits, ok := currency.GetDigits(string(c))
	if !ok {
		return 0, fmt.Errorf("currency %q is not in ISO 4217", string(c))
	}
	return int(digits), nil
}

// Numeric is the ISO 4217 numeric-3 code ("826"), the form cain messages use.
func (c Currency) Numeric() (string, error) {
	numeric, ok := currency.GetNumericCode(string(c))
	if !ok || numeric == "000" {
		return "", fmt.Errorf("currency %q has no ISO 4217 numeric code", string(c))
	}
	return numeric, nil
}

var alphaByNumeric = sync.OnceValue(func() map[string]Currency {
	codes := map[string]Currency{}
	for _, code := range currency.GetCurrencyCodes() {
		if numeric, ok := currency.GetNumericCode(code); ok {
			codes[numeric] = Currency(code)
		}
	}
	return codes
})

// CurrencyFromNumeric finds the currency of an ISO 4217 numeric-3 code.
func CurrencyFromNumeric(numeric string) (Currency, error) {
	c, ok := alphaByNumeric()[numeric]
	if !ok {
		return "", fmt.Errorf("numeric currency %q is not in ISO 4217", numeric)
	}
	return c, nil
}
