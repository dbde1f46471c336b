// Package panguard finds payment card numbers (PANs) in text: plain, with spaces or dashes, padded, inside longer digit runs, or
// encoded once, as in a URL, in base64 or in hexadecimal. It looks at content only; which fields need no look (their form says
// that they hold something else) and what a token must look like is the payment package's knowledge.
//
// A number counts as a card number if it has 13 to 19 digits, an issuer range of a card network with a length that network
// uses, and a right Luhn check digit. About one in ten random numbers passes Luhn alone; the other two make false alarms rare.
package panguard

import (
	"strings"
	"unicode"
)

const (
	minDigits, maxDigits = 13, 19
	// maxGap is how many separators in a row may stand inside a card number ("4111 - 1111").
	maxGap = 3
	// minPrefixed is the shortest card number looked for at the head of a longer unbroken number, where a security code or an
	// expiry date was appended: all networks that issue today have 15 digits or more.
	minPrefixed = 15
)

// Contains reports whether text holds a card number, as it is or under one layer of an encoding.
func Contains(text string) bool { return containsPlain(text) || containsEncoded(text) }

// containsPlain reports whether text holds a card number as it is.
func containsPlain(text string) bool {
	if len(text) < minDigits {
		return false
	}
	var r run
	gap := 0
	for _, c := range text {
		digit, isDigit := digitOf(c)
		switch {
		case isDigit:
			r.add(digit, gap > 0)
			gap = 0
		case len(r.digits) > 0 && gap < maxGap && isSeparator(c):
			gap++
		default:
			if r.holdsCard() {
				return true
			}
			r.reset()
			gap = 0
		}
	}
	return r.holdsCard()
}

// ContainsBytes reports whether binary data holds a card number in its printable digits. Zero bytes are passed over: they are
// the other half of digits in UTF-16.
func ContainsBytes(data []byte) bool {
	return Contains(strings.ReplaceAll(string(data), "\x00", ""))
}

// isSeparator reports whether c may stand between the digits of a card number: any space, dash or invisible format
// character of Unicode.
func isSeparator(c rune) bool {
	return unicode.IsSpace(c) || unicode.In(c, unicode.Pd, unicode.Cf)
}

// digitOf is the value of a decimal digit in any script. Unicode encodes each script's ten digits in one ascending block.
func digitOf(c rune) (byte, bool) {
	if c >= '0' && c <= '9' {
		return byte(c - '0'), true
	}
	if c < unicode.MaxASCII || !unicode.IsDigit(c) {
		return 0, false
	}
	value := byte(0)
	for unicode.IsDigit(c-1) && value < 9 {
		c--
		value++
	}
	return value, true
}

// run is a sequence of digits with nothing but separators between them.
type run struct {
	digits []byte
	// starts is the index of the first digit of each unbroken group.
	starts []int
}

func (r *run) reset() { r.digits, r.starts = r.digits[:0], r.starts[:0] }

func (r *run) add(digit byte, separated bool) {
	if separated || len(r.digits) == 0 {
		r.starts = append(r.starts, len(r.digits))
	}
	r.digits = append(r.digits, digit)
}

// holdsCard looks at every window of the run that may be a card number by itself. In a run too long for one number that is
// every window, wherever it starts: the run is a dump of some record, without word boundaries.
func (r *run) holdsCard() bool {
	n := len(r.digits)
	if n < minDigits {
		return false
	}
	if n > maxDigits {
		return r.anyWindow(0, n)
	}
	for i, start := range r.starts {
		// Zeros at the head of a group pad a fixed-width field: "0004111111111111111".
		for ; start+minDigits <= n; start++ {
			if r.cardFrom(start) {
				return true
			}
			if r.digits[start] != 0 || (i+1 < len(r.starts) && start+1 == r.starts[i+1]) {
				break
			}
		}
	}
	return false
}

// cardFrom reports whether a card number starts at start and ends where a group does, or is the head of a longer group.
func (r *run) cardFrom(start int) bool {
	n := len(r.digits)
	for length := minDigits; length <= min(maxDigits, n-start); length++ {
		end := start + length
		if (r.endsGroup(end) || (length >= minPrefixed && r.unbroken(start, end+1))) && isCard(r.digits[start:end]) {
			return true
		}
	}
	return false
}

func (r *run) endsGroup(end int) bool {
	if end == len(r.digits) {
		return true
	}
	for _, start := range r.starts {
		if start == end {
			return true
		}
	}
	return false
}

// unbroken reports whether [start,end) lies in one group.
func (r *run) unbroken(start, end int) bool {
	for _, s := range r.starts {
		if s > start && s < end {
			return false
		}
	}
	return end <= len(r.digits)
}

func (r *run) anyWindow(from, to int) bool {
	for start := from; start+minDigits <= to; start++ {
		for length := minDigits; length <= min(maxDigits, to-start); length++ {
			if isCard(r.digits[start : start+length]) {
				return true
			}
		}
	}
	return false
}

// isCard reports whether the digits are a card number of some network.
func isCard(digits []byte) bool { return knownIssuer(digits) && luhn(digits) }

// luhn reports whether the last digit is the check digit of ISO/IEC 7812-1 annex B.
func luhn(digits []byte) bool {
	sum := 0
	for i, digit := range digits {
		value := int(digit)
		if (len(digits)-i)%2 == 0 {
			if value *= 2; value > 9 {
				value -= 9
			}
		}
		sum += value
	}
	return sum%10 == 0
}
