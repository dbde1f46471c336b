// Package panguard finds payment card numbers (PANs) in text and bytes: plain, with separators, padded, inside longer digit runs,
// split over the elements of a list, or under up to two layers of an encoding, such as a URL, base64, hexadecimal or packed
// decimals. It also knows the names of fields that hold sensitive authentication data.
//
// It looks at content only; which fields need no look (their form says that they hold something else) and what a token must
// look like is the knowledge of the payment and events packages.
//
// A number counts as a card number if it has 13 to 19 digits, an issuer range of a card network with a length that network
// uses, and a right Luhn check digit. About one in ten random numbers passes Luhn alone; the other two make false alarms rare.
package panguard

import (
	"math/big"
	"strings"
	"unicode"
)

const (
	minDigits, maxDigits = 13, 19
	// maxGap is how many spaces and dashes in a row may stand inside a card number ("4111 - 1111").
	maxGap = 3
	// maxLooseGap is the same for any punctuation. The longest that JSON in JSON puts between two numbers of a list is `\", \"`.
	maxLooseGap = 8
	// minPrefixed is the shortest card number looked for at the head of a longer unbroken number, where a security code or an
	// expiry date was appended: all networks that issue today have 15 digits or more.
	minPrefixed = 15
)

// Masked stands where a card number was.
const Masked = "[card number]"

// Contains reports whether text holds a card number, as it is or under at most two layers of an encoding.
func Contains(text string) bool { return contains(text, maxLayers) }

// ContainsNumber is Contains for a decimal number as DynamoDB writes it, which may have an exponent.
func ContainsNumber(number string) bool {
	if Contains(number) {
		return true
	}
	at := strings.IndexAny(number, "eE")
	// DynamoDB's exponents have three digits at most; a longer one would be expanded to a text of that many digits.
	if at < 0 || len(number)-at > len("E+125") {
		return false
	}
	exact, ok := new(big.Rat).SetString(number)
	return ok && Contains(exact.FloatString(0))
}

// Mask returns text with its card numbers replaced by Masked; all of it, where one stands under an encoding. Of a number in a
// longer run of digits the whole run goes: a security code or an expiry date may follow it.
func Mask(text string) string {
	if !Contains(text) {
		return text
	}
	var masked strings.Builder
	rest := text
	for {
		start, end, found := find(rest)
		if !found {
			break
		}
		masked.WriteString(rest[:start])
		masked.WriteString(Masked)
		rest = strings.TrimLeft(rest[end:], "0123456789")
	}
	masked.WriteString(rest)
	if result := masked.String(); !Contains(result) {
		return result
	}
	return Masked
}

// find returns where in text a card number stands as it is, under no encoding.
func find(text string) (start, end int, found bool) {
	if len(text) < minDigits || !featuresOf(text).enoughDigits() {
		return 0, 0, false
	}
	return findDigits(text)
}

// findDigits is find in a text that has enough digits.
func findDigits(text string) (start, end int, found bool) {
	if start, end, found = scan(text, false); found {
		return start, end, true
	}
	return scan(text, true)
}

// scan collects runs of digits that few separators stand between, and judges each. Strictly, separators are spaces and dashes;
// loosely, any punctuation.
func scan(text string, loosely bool) (start, end int, found bool) {
	var r run
	gap := maxGap
	if loosely {
		gap = maxLooseGap
	}
	between := 0
	for at, c := range text {
		if value, isDigit := digitOf(c); isDigit {
			if r.n == window {
				if first, last, found := r.judge(loosely); found {
					return r.span(text, first, last)
				}
				r.slide()
			}
			r.add(value, at, between > 0)
			between = 0
			continue
		}
		if r.n == 0 {
			continue
		}
		if between < gap && (isSeparator(c) || (loosely && isPunctuation(c))) {
			between++
			continue
		}
		if first, last, found := r.judge(loosely); found {
			return r.span(text, first, last)
		}
		r.reset()
		between = 0
	}
	if first, last, found := r.judge(loosely); found {
		return r.span(text, first, last)
	}
	return 0, 0, false
}

// isSeparator reports whether c may stand between the digits of a card number wherever they are grouped: any space, dash or
// invisible format character of Unicode.
func isSeparator(c rune) bool {
	if c <= unicode.MaxASCII {
		return c == ' ' || c == '-' || (c >= '\t' && c <= '\r')
	}
	return unicode.IsSpace(c) || unicode.In(c, unicode.Pd, unicode.Cf)
}

// isPunctuation reports whether c is punctuation or a symbol: dots, commas, quotes, brackets, signs.
func isPunctuation(c rune) bool {
	if c <= unicode.MaxASCII {
		return c > ' ' && c < 0x7f && !(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9')
	}
	return unicode.IsPunct(c) || unicode.IsSymbol(c)
}

// Digits outside the scripts' own blocks, by the first and what it is worth.
var scattered = []struct {
	first, last rune
	value       byte
}{
	{'\u00b2', '\u00b3', 2}, {'\u00b9', '\u00b9', 1}, {'\u2070', '\u2070', 0}, {'\u2074', '\u2079', 4}, // superscript
	{'\u2080', '\u2089', 0},                                                                            // subscript
	{'\u2460', '\u2468', 1}, {'\u24ea', '\u24ea', 0}, {'\u24f5', '\u24fd', 1}, {'\u2776', '\u277e', 1}, // circled
}

// Mathematical digits are five alphabets of ten, side by side.
const mathZero, mathLast = '\U0001d7ce', '\U0001d7ff'

// digitOf is the value of a decimal digit in any script. Unicode encodes each script's ten digits in one ascending block.
func digitOf(c rune) (byte, bool) {
	switch {
	case c >= '0' && c <= '9':
		return byte(c - '0'), true
	case c <= unicode.MaxASCII:
		return 0, false
	case c >= mathZero && c <= mathLast:
		return byte((c - mathZero) % 10), true
	case !unicode.IsDigit(c):
		for _, s := range scattered {
			if c >= s.first && c <= s.last {
				return s.value + byte(c-s.first), true
			}
		}
		return 0, false
	}
	value := byte(0)
	for unicode.IsDigit(c-1) && value < 9 {
		c--
		value++
	}
	return value, true
}
