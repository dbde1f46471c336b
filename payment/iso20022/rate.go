package iso20022

import (
	"strings"

	"github.com/govalues/decimal"
)

// A rate of an entry has at most 11 digits, 10 of them decimals, where cain.003 takes 25 and 13.
const rateDigits, rateDecimals = 11, 10

// entryRate rounds a conversion rate, half to even, to what an entry's exchange block takes. ok is false where there is no rate,
// where it is too large for 11 digits, or so small that nothing would be left of it: then the block is left out, and the
// amounts still tell the rate.
func entryRate(rate string) (rounded string, ok bool) {
	d, err := decimal.Parse(rate)
	if err != nil || !d.IsPos() {
		return "", false
	}
	whole, _, _ := strings.Cut(d.Trim(0).String(), ".")
	places := rateDecimals
	if whole != "0" {
		places = min(places, rateDigits-len(whole))
	}
	if places < 0 {
		return "", false
	}
	d = d.Round(places).Trim(0)
	if !d.IsPos() || !facets["BaseOneRate"].accepts(d.String()) {
		return "", false
	}
	return d.String(), true
}
