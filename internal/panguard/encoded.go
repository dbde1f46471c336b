package panguard

import (
	"bytes"
	"encoding/hex"
	"strconv"
	"strings"
	"unicode/utf8"
)

const (
	// maxLayers is how many encodings on top of each other are looked through, such as base64 of hexadecimal. Each layer multiplies
	// the work by the alignments tried.
	maxLayers = 2
	// minHex and minBase64 are the shortest runs that can encode minDigits digits: two characters a digit, four for three.
	minHex, minBase64 = 2 * minDigits, (minDigits*4 + 2) / 3
	// minPacked is the shortest base64 of minDigits packed digits, which are seven bytes. maxPacked leaves room for zeros before the
	// longest number, which has ten.
	minPacked, maxPacked = 10, 40
)

// ContainsBytes reports whether binary data holds a card number: in its printable digits (ASCII, EBCDIC, UTF-16), encoded once
// more, or as packed decimals (BCD), wherever in the data they start.
func ContainsBytes(data []byte) bool {
	return containsBytes(data, maxLayers) || isPacked(data)
}

func contains(text string, layers int) bool {
	if len(text) < minPacked {
		return false
	}
	f := featuresOf(text)
	if f.enoughDigits() {
		if _, _, found := findDigits(text); found {
			return true
		}
	}
	if layers == 0 {
		return false
	}
	if f.escapes {
		if plain, changed := unescape(text); changed && contains(plain, layers-1) {
			return true
		}
	}
	if f.encoded >= minBase64 && (inRuns(text, minHex, classHex, layers, inHex) || inRuns(text, minBase64, classBase64, layers, inBase64)) {
		return true
	}
	return f.encoded >= minPacked && packedBase64(text)
}

// containsBytes looks at bytes as at text. Zero bytes are passed over: they are the other half of digits in UTF-16.
func containsBytes(data []byte, layers int) bool {
	f := featuresOf(data)
	if f.zeros {
		data = bytes.ReplaceAll(data, []byte{0}, nil)
		f = featuresOf(data)
	}
	if (f.suspicious() || (layers > 0 && packedBase64(data))) && contains(string(data), layers) {
		return true
	}
	if f.ebcdic < minDigits {
		return false
	}
	_, _, found := find(fromEBCDIC(data))
	return found
}

// fromEBCDIC writes the digits of IBM's character set, in which card networks' messages often come, as ASCII, its space and dash
// as a dash, and everything else as a letter.
func fromEBCDIC(data []byte) string {
	const zero, nine, space, dash = 0xf0, 0xf9, 0x40, 0x60
	text := make([]byte, len(data))
	for i, b := range data {
		switch {
		case b >= zero && b <= nine:
			text[i] = b - zero + '0'
		case b == space || b == dash:
			text[i] = '-'
		default:
			text[i] = 'x'
		}
	}
	return string(text)
}

// isPacked looks for a number whose digits are half bytes. It starts with a byte, or behind a zero that fills one up, and ends where
// the digits do, at a filler or a sign (F, C, D), or, being of a length that is issued today, anywhere.
func isPacked(data []byte) bool {
	half := func(i int) byte { return data[i/2] >> (4 - 4*(i%2)) & 0xf }
	end := 0 // of the digits that start at or before start
	for start := range 2 * len(data) {
		for end = max(end, start); end < 2*len(data) && half(end) <= 9; {
			end++
		}
		if end-start < minDigits || (start%2 == 1 && half(start-1) != 0) {
			continue
		}
		var digits [maxDigits]byte
		longest := min(maxDigits, end-start)
		for i := range longest {
			digits[i] = half(start + i)
		}
		for length := minDigits; length <= longest; length++ {
			if (length >= minPrefixed || start+length == end) && isCard(digits[:length]) {
				return true
			}
		}
	}
	return false
}

// packedBase64 reports whether the whole of text is base64 of nothing but a packed number with its filler. A number packed
// somewhere inside of other bytes is not looked for here: one in a thousand random texts would hold one.
func packedBase64[T string | []byte](text T) bool {
	for len(text) > 0 && (text[len(text)-1] == '=' || text[len(text)-1] <= ' ') {
		text = text[:len(text)-1]
	}
	for len(text) > 0 && text[0] <= ' ' {
		text = text[1:]
	}
	if len(text) < minPacked || len(text) > maxPacked {
		return false
	}
	var buffer [maxPacked]byte
	data := buffer[:0]
	var bits, count uint
	for i := range len(text) {
		value := sextets[text[i]]
		if value == noSextet {
			return false
		}
		bits, count = bits<<6|uint(value), count+6
		if count < 8 {
			continue
		}
		count -= 8
		b := byte(bits >> count)
		// Fillers and signs are at the end.
		if b>>4 > 9 || (b&0xf > 9 && i+2 < len(text)) {
			return false
		}
		data = append(data, b)
	}
	return isPacked(data)
}

// inRuns asks look about every run of at least shortest characters of a class.
func inRuns(text string, shortest int, class uint8, layers int, look func(run string, layers int) bool) bool {
	start := 0
	for i := 0; i <= len(text); i++ {
		if i < len(text) && classes[text[i]]&class != 0 {
			continue
		}
		if i-start >= shortest && look(text[start:i], layers) {
			return true
		}
		start = i + 1
	}
	return false
}

// inHex decodes a run at both alignments: what stands in front of an encoded text may look like a part of it.
func inHex(run string, layers int) bool {
	for shift := range 2 {
		part := run[shift:]
		if decoded, err := hex.DecodeString(part[:len(part)&^1]); err == nil && containsBytes(decoded, layers-1) {
			return true
		}
	}
	return false
}

// sextets are the six bits that a character of base64, of either alphabet, stands for.
var sextets = func() (values [256]byte) {
	for i := range values {
		values[i] = noSextet
	}
	const standard, forURLs = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", "-_"
	for i := range len(standard) {
		values[standard[i]] = byte(i)
	}
	for i := range len(forURLs) {
		values[forURLs[i]] = byte(len(standard) - len(forURLs) + i)
	}
	return values
}()

const noSextet = 0xff

// inBase64 decodes a run at its four alignments. The bits behind the last whole byte are not looked at: the number may be a part of
// a longer text.
func inBase64(run string, layers int) bool {
	var buffer [256]byte // enough for most runs; longer ones go to the heap
	for shift := range 4 {
		decoded := buffer[:0]
		var bits, count uint
		for i := shift; i < len(run); i++ {
			bits, count = bits<<6|uint(sextets[run[i]]), count+6
			if count >= 8 {
				count -= 8
				decoded = append(decoded, byte(bits>>count))
			}
		}
		if containsBytes(decoded, layers-1) {
			return true
		}
	}
	return false
}

// unescape replaces the escapes of URLs (%34), of JSON and of programs (\u0034, \x34), and of XML and HTML (&#52;, &#x34;) by the
// characters they stand for. What is no escape stays.
func unescape(text string) (plain string, changed bool) {
	var b strings.Builder
	for i := 0; i < len(text); {
		if c, length := escape(text[i:]); length > 0 {
			b.WriteRune(c)
			i += length
			changed = true
			continue
		}
		b.WriteByte(text[i])
		i++
	}
	if !changed {
		return text, false
	}
	return strings.ReplaceAll(b.String(), "+", " "), true // as URLs write a space
}

// escape reads an escape at the head of text: its character and its length, 0 where there is none.
func escape(text string) (c rune, length int) {
	switch {
	case len(text) >= 3 && text[0] == '%':
		return code(text[1:3], 16, 3)
	case len(text) >= 6 && (text[:2] == `\u` || text[:2] == `\U`):
		return code(text[2:6], 16, 6)
	case len(text) >= 4 && text[:2] == `\x`:
		return code(text[2:4], 16, 4)
	case strings.HasPrefix(text, "&#x"), strings.HasPrefix(text, "&#X"):
		return reference(text, len("&#x"), classHex, 16)
	case strings.HasPrefix(text, "&#"):
		return reference(text, len("&#"), classDigit, 10)
	default:
		return 0, 0
	}
}

// reference reads a character reference, whose semicolon browsers do not insist on.
func reference(text string, start int, class uint8, base int) (c rune, length int) {
	const longest = 8 // with a few zeros in front
	end := start
	for end < len(text) && end-start < longest && classes[text[end]]&class != 0 {
		end++
	}
	if end < len(text) && text[end] == ';' {
		return code(text[start:end], base, end+1)
	}
	return code(text[start:end], base, end)
}

func code(digits string, base, length int) (rune, int) {
	value, err := strconv.ParseUint(digits, base, 32)
	if err != nil || !utf8.ValidRune(rune(value)) {
		return 0, 0
	}
	return rune(value), length
}
