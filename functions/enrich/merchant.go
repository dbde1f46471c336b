package main

import "strings"

// facilitators are what payment facilitators put before the name of their merchant in DE43: the customer knows the merchant.
var facilitators = []string{"SQ *", "SQ*", "PAYPAL *", "PAYPAL*", "PP*", "SUMUP *", "SUMUP*", "ZETTLE_*", "IZ *", "IZ*", "TST* ", "TST*", "SP * ", "SP *"}

// cleanName is the merchant's name as a customer would write it: without the facilitator's prefix, the padding of fixed-width
// fields, and the separators that stand where a store number was cut off. A name that would be nothing then stays as it is.
func cleanName(name string) string {
	words := strings.Join(strings.Fields(name), " ")
	cleaned := words
	for _, prefix := range facilitators {
		if len(cleaned) > len(prefix) && strings.EqualFold(cleaned[:len(prefix)], prefix) {
			cleaned = cleaned[len(prefix):]
			break
		}
	}
	cleaned = strings.Trim(cleaned, " *#-_/,;:")
	if cleaned == "" {
		return words
	}
	return cleaned
}
