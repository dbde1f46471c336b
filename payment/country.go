package payment

import (
	"strconv"

	"golang.org/x/text/language"
)

// kosovo is the user-assigned code that schemes use and that CLDR's M.49 table does not know.
const kosovo = "383"

// KnownCountry reports whether code is an ISO 3166 numeric-3 country. Blank and 000 are not.
func KnownCountry(code string) bool {
	if len(code) != 3 || !isDigits(code) {
		return false
	}
	if code == kosovo {
		return true
	}
	n, err := strconv.Atoi(code)
	if err != nil {
		return false
	}
	region, err := language.EncodeM49(n)
	return err == nil && region.IsCountry()
}
