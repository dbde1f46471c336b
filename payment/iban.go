package payment

import "strings"

// Lengths of an IBAN (ISO 13616): the shortest in use has 15 characters, none may have more than 34.
const minIBAN, maxIBAN = 15, 34

// ValidIBAN reports whether text has the form of an IBAN and its check digits are right: with the first four characters moved
// to the end and letters read as 10 to 35, the number is 1 modulo 97 (ISO 7064).
func ValidIBAN(text string) bool {
	if len(text) < minIBAN || len(text) > maxIBAN || !isLetters(text[:2]) || !isDigits(text[2:4]) {
		return false
	}
	remainder := 0
	for _, c := range strings.Join([]string{text[4:], text[:4]}, "") {
		switch {
		case c >= '0' && c <= '9':
			remainder = (remainder*10 + int(c-'0')) % 97
		case c >= 'A' && c <= 'Z':
			remainder = (remainder*100 + int(c-'A') + 10) % 97
		default:
			return false
		}
	}
	return remainder == 1
}

func isLetters(s string) bool {
	for i := range len(s) {
		if s[i] < 'A' || s[i] > 'Z' {
			return false
		}
	}
	return true
}

// sortCodeDigits is the length of a sort code of the United Kingdom.
const sortCodeDigits = 6

// validSortCode reports whether text has the form of a sort code. Whether it is in use, only its issuer's directory knows.
func validSortCode(text string) bool { return len(text) == sortCodeDigits && isDigits(text) }
