package payment

import "strings"

const (
	uuidCharacters, ulidCharacters = 36, 26
	// keyCharacters is the length of a SHA-256 in base32, such as a business key.
	keyCharacters = 52
	// minLetters is how many letters an identifier in base32 has at least; one in hexadecimal has one. Practically all random ones
	// have. Digits alone could be a card number, padded or itself in hexadecimal.
	minLetters = 4
)

// IsIdentifier reports whether s has the form of an identifier that machines make: a UUID, a ULID, a hash in hexadecimal, or one of
// this system's own (tx_…, ps_…, iso8583-…, business keys, card tokens). A search for card numbers would find one in some hundreds
// of them.
func IsIdentifier(s string) bool {
	switch {
	case strings.HasPrefix(s, "ps_"):
		return isSequenceID(s[len("ps_"):])
	case strings.HasPrefix(s, "tok_"):
		return IsPANToken(s)
	}
	for _, prefix := range []string{"tx_", "iso8583-"} {
		if rest, ok := strings.CutPrefix(s, prefix); ok {
			return len(rest) == idCharacters && isBase32(rest)
		}
	}
	switch len(s) {
	case uuidCharacters:
		return isUUID(s)
	case idCharacters: // the length of a ULID as well
		return isBase32(s) || isULID(s)
	case keyCharacters:
		return isBase32(s)
	case 32, 40, 64: // MD5 and the ids of stream records, SHA-1, SHA-256
		return isHexDigest(s)
	default:
		return false
	}
}

// maxSequenceDigits is how many digits number the corrections of a payment at most.
const maxSequenceDigits = 6

// isSequenceID takes what follows ps_ in the id of a posting sequence: part of a business key, a dash and a number.
func isSequenceID(s string) bool {
	key, number, found := strings.Cut(s, "-")
	if !found || len(key) != idCharacters || !isBase32(key) || len(number) < 2 || len(number) > maxSequenceDigits {
		return false
	}
	for i := range len(number) {
		if number[i] < '0' || number[i] > '9' {
			return false
		}
	}
	return true
}

// IsHash reports whether s is a SHA-256 in hexadecimal.
func IsHash(s string) bool { return len(s) == 64 && isHexDigest(s) }

func isUUID(s string) bool {
	for i := range len(s) {
		switch i {
		case 8, 13, 18, 23:
			if s[i] != '-' {
				return false
			}
		default:
			if !isHexDigit(s[i]) {
				return false
			}
		}
	}
	// RFC 9562: version 1 to 8, variant 10x.
	return s[14] >= '1' && s[14] <= '8' && strings.IndexByte("89abAB", s[19]) >= 0
}

// isULID takes Crockford's base32: no I, L, O and U.
func isULID(s string) bool {
	letters := 0
	for i := range len(s) {
		switch c := s[i]; {
		case c >= '0' && c <= '9':
		case c >= 'A' && c <= 'Z' && strings.IndexByte("ILOU", c) < 0:
			letters++
		default:
			return false
		}
	}
	return s[0] <= '7' && letters >= minLetters
}

func isBase32(s string) bool {
	letters := 0
	for i := range len(s) {
		switch c := s[i]; {
		case c >= 'A' && c <= 'Z':
			letters++
		case c < '2' || c > '7':
			return false
		}
	}
	return letters >= minLetters
}

func isHexDigest(s string) bool {
	letters := 0
	for i := range len(s) {
		if !isHexDigit(s[i]) {
			return false
		}
		if s[i] > '9' {
			letters++
		}
	}
	return letters > 0
}

func isHexDigit(c byte) bool {
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F')
}

// IsIBAN reports whether s is an international bank account number with right check digits (ISO 13616, ISO 7064 MOD 97-10).
func IsIBAN(s string) bool {
	const shortest, longest = 15, 34
	if len(s) < shortest || len(s) > longest {
		return false
	}
	remainder := 0
	for i := range len(s) {
		// The country and the check digits, which stand first, count last.
		switch c := s[(i+4)%len(s)]; {
		case c >= '0' && c <= '9':
			remainder = (remainder*10 + int(c-'0')) % 97
		case c >= 'A' && c <= 'Z':
			remainder = (remainder*100 + int(c-'A') + 10) % 97
		default:
			return false
		}
	}
	isLetter := func(c byte) bool { return c >= 'A' && c <= 'Z' }
	return isLetter(s[0]) && isLetter(s[1]) && !isLetter(s[2]) && !isLetter(s[3]) && remainder == 1
}
