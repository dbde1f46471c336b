package panguard

import (
	"encoding/base64"
	"encoding/hex"
	"net/url"
	"regexp"
	"strings"
)

// Runs of characters that may be an encoding of at least minDigits digits. Hexadecimal digits of packed (BCD) numbers are the
// number's own digits and need no decoding.
var (
	base64Run  = regexp.MustCompile(`[A-Za-z0-9+/_-]{18,}`)
	hexRun     = regexp.MustCompile(`[0-9A-Fa-f]{26,}`)
	percentHex = regexp.MustCompile(`%[0-9A-Fa-f]{2}`)
)

// minEncoded is the shortest text that an encoding of minDigits digits can have: base64 writes three bytes as four characters.
const minEncoded = 18

// fromEBCDIC writes the digits of IBM's character set, in which card networks' messages often come, as ASCII.
var fromEBCDIC = func() *strings.Replacer {
	var pairs []string
	for digit := range byte(10) {
		pairs = append(pairs, string([]byte{0xf0 + digit}), string([]byte{'0' + digit}))
	}
	return strings.NewReplacer(pairs...)
}()

// containsEncoded reports whether a card number stands in text under one layer of an encoding: as in a URL, in base64 (either
// alphabet, at any alignment), in hexadecimal of ASCII or EBCDIC.
func containsEncoded(text string) bool {
	if len(text) < minEncoded {
		return false
	}
	if percentHex.MatchString(text) {
		plain := percentHex.ReplaceAllStringFunc(text, func(escape string) string {
			decoded, err := url.PathUnescape(escape)
			if err != nil {
				return escape
			}
			return decoded
		})
		if containsPlain(strings.ReplaceAll(plain, "+", " ")) {
			return true
		}
	} else if strings.Contains(text, "+") && containsPlain(strings.ReplaceAll(text, "+", " ")) {
		return true
	}
	for _, run := range hexRun.FindAllString(text, -1) {
		if inHex(run) || inHex(run[1:]) {
			return true
		}
	}
	for _, run := range base64Run.FindAllString(text, -1) {
		if inBase64(run) {
			return true
		}
	}
	return false
}

func inHex(run string) bool {
	decoded, err := hex.DecodeString(run[:len(run)&^1])
	return err == nil && (containsPlain(string(decoded)) || containsPlain(fromEBCDIC.Replace(string(decoded))))
}

// base64Standard writes the URL alphabet as the standard one.
var base64Standard = strings.NewReplacer("-", "+", "_", "/")

// inBase64 decodes a run at its four alignments: what stands in front of an encoded text may look like a part of it.
func inBase64(run string) bool {
	run = base64Standard.Replace(run)
	for shift := range 4 {
		part := run[shift:]
		if len(part)%4 == 1 {
			part = part[:len(part)-1] // One character is no byte.
		}
		// The bits behind the last whole byte are not checked: the number may be a part of a longer text.
		if decoded, err := base64.RawStdEncoding.DecodeString(part); err == nil && containsPlain(string(decoded)) {
			return true
		}
	}
	return false
}
