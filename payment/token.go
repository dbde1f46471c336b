package payment

import (
	"encoding/base32"
	"fmt"
	"regexp"
	"strings"
)

// tokenBytes is how much of an HMAC-SHA-256 a token carries: 17 bytes hold the 130 bits that 26 base32 characters show.
const tokenBytes, tokenCharacters = 17, 26

// The version has few digits, or a card number could stand in its place.
var panToken = regexp.MustCompile(`^tok_v\d{1,4}_[A-Z2-7]{26}$`)

// IsPANToken reports whether s has the form of a card-number token. Anything else in a token's place is treated as a card
// number, whatever it looks like: not every card number passes the Luhn check.
func IsPANToken(s string) bool {
	// A look at the head first, because most values that are asked about are none.
	return strings.HasPrefix(s, "tok_v") && panToken.MatchString(s)
}

// PANToken writes the MAC of a card number under version of the token key as a token.
func PANToken(version int, mac []byte) (string, error) {
	if len(mac) < tokenBytes {
		return "", fmt.Errorf("making a token: a MAC of %d bytes is shorter than %d", len(mac), tokenBytes)
	}
	text := base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(mac[:tokenBytes])
	return fmt.Sprintf("tok_v%d_%s", version, text[:tokenCharacters]), nil
}
