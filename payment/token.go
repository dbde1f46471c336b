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
	const prefix, maxVersionDigits = "tok_v", 4
	rest, ok := strings.CutPrefix(s, prefix)
	version, random, found := strings.Cut(rest, "_")
	if !ok || !found || version == "" || len(version) > maxVersionDigits || len(random) != tokenCharacters {
		return false
	}
	for i := range len(version) {
		if version[i] < '0' || version[i] > '9' {
			return false
		}
	}
	for i := range len(random) {
		if c := random[i]; (c < 'A' || c > 'Z') && (c < '2' || c > '7') {
			return false
		}
	}
	return true
}

// PANToken writes the MAC of a card number under version of the token key as a token.
func PANToken(version int, mac []byte) (string, error) {
	if len(mac) < tokenBytes {
		return "", fmt.Errorf("making a token: a MAC of %d bytes is shorter than %d", len(mac), tokenBytes)
	}
	text := base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(mac[:tokenBytes])
	return fmt.Sprintf("tok_v%d_%s", version, text[:tokenCharacters]), nil
}
