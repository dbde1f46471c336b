package panguard

// issuerRange is a range of leading digits that belongs to a network, with the lengths of its card numbers.
type issuerRange struct {
	low, high int // the first four digits
	lengths   []int
}

var (
	visa     = []int{13, 16, 19}
	sixteen  = []int{16}
	upward   = []int{16, 17, 18, 19}
	anything = []int{13, 14, 15, 16, 17, 18, 19}
)

// issuerRanges are the ranges of the card networks, by their first four digits.
var issuerRanges = []issuerRange{
	{2221, 2720, sixteen},   // Mastercard, 2-series
	{3000, 3059, []int{14}}, // Diners Club
	{3400, 3499, []int{15}}, // American Express
	{3528, 3589, upward},    // JCB
	{3600, 3699, []int{14}}, // Diners Club
	{3700, 3799, []int{15}}, // American Express
	{3800, 3999, []int{14}}, // Diners Club
	{4000, 4999, visa},      // Visa
	{5000, 5099, anything},  // Maestro
	{5100, 5599, sixteen},   // Mastercard
	{5600, 6999, anything},  // Maestro, Discover (6011, 644-659), UnionPay (62), RuPay
	{8100, 8199, upward},    // UnionPay
}

func knownIssuer(digits []byte) bool {
	head := int(digits[0])*1000 + int(digits[1])*100 + int(digits[2])*10 + int(digits[3])
	for _, r := range issuerRanges {
		if head < r.low || head > r.high {
			continue
		}
		for _, length := range r.lengths {
			if length == len(digits) {
				return true
			}
		}
	}
	return false
}
