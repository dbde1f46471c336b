package directory

import "strconv"

// SchemeUnknown stands where neither the reference data nor the number's first digits name a scheme. Its payable account is
// one for people to look into, not one that anybody settles.
const SchemeUnknown = "UNKNOWN"

// prefixRange is a range of first digits that belongs to a scheme.
type prefixRange struct {
	digits   int
	from, to int
	scheme   string
}

// prefixRanges are the schemes' ranges by the first digits of the issuer identification number, the narrower ones first. They
// are the fallback for ranges the reference data does not list.
var prefixRanges = []prefixRange{
	{4, 6011, 6011, "DISCOVER"}, {3, 644, 649, "DISCOVER"}, {2, 65, 65, "DISCOVER"},
	{4, 2221, 2720, "MASTERCARD"}, {2, 51, 55, "MASTERCARD"},
	{4, 3528, 3589, "JCB"}, {2, 34, 34, "AMEX"}, {2, 37, 37, "AMEX"}, {2, 62, 62, "UNIONPAY"},
	{2, 50, 50, "MAESTRO"}, {2, 56, 58, "MAESTRO"}, {2, 60, 69, "MAESTRO"}, {1, 4, 4, "VISA"},
}

// SchemeOf is the scheme that the first digits of a card number belong to.
func SchemeOf(bin string) string {
	for _, r := range prefixRanges {
		if len(bin) < r.digits {
			continue
		}
		if n, err := strconv.Atoi(bin[:r.digits]); err == nil && n >= r.from && n <= r.to {
			return r.scheme
		}
	}
	return SchemeUnknown
}
