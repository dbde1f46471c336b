package panguard

import (
	"regexp"
	"strings"
)

// sensitiveNames are what fields with sensitive authentication data are called: full track data, card verification values, PIN
// data and the chip data that carries them. PCI DSS 3.3.1 forbids to keep them after authorization, encrypted or not, and no scan
// can recognize three digits, so that the name must do. A card's expiry date is none of it.
var sensitiveNames = map[string]bool{
	"track": true, "track1": true, "track2": true, "track3": true, "tracks": true, "tracki": true, "trackii": true,
	"track2equivalent": true, "track1discretionary": true, "track2discretionary": true, "magstripe": true, "magneticstripe": true,
	"cvv": true, "cvv1": true, "cvv2": true, "icvv": true, "dcvv": true, "cvc": true, "cvc1": true, "cvc2": true, "cvc3": true, "cvn": true, "cvn2": true,
	"csc": true, "cav": true, "cav2": true, "securitycode": true, "verificationvalue": true, "verificationcode": true,
	"pin": true, "epb": true, "pvv": true,
	"icc": true, "emv": true, "chipdata": true,
	// EMV tags: track 2 equivalent, number, expiry and track 1 discretionary data of the chip.
	"tag57": true, "tag5a": true, "tag5f24": true, "tag9f1f": true, "tag9f20": true, "5a": true, "5f24": true, "9f1f": true, "9f20": true,
}

// sensitiveElement are ISO 8583's elements of the same kind, and those in which networks put card verification values.
var sensitiveElement = regexp.MustCompile(`^(?:iso8583|iso)?(?:de|d|f|fld|field|bit|dataelement)0*(?:35|36|45|48|52|53|55|126)$`)

// What is put around these names. The longest ones come first.
var (
	leading  = []string{"cardholder", "customer", "encrypted", "card", "clear", "full", "raw", "enc"}
	trailing = []string{"base64", "block", "value", "bytes", "data", "hex", "b64", "raw", "tlv"}
)

// SensitiveName reports whether a field of this name holds sensitive authentication data. Case and anything but letters and
// digits make no difference.
func SensitiveName(name string) bool {
	// No name on the list is that long, with all that is put around it.
	if len(name) > 64 {
		return false
	}
	plain := strings.Map(func(c rune) rune {
		switch {
		case c >= 'A' && c <= 'Z':
			return c - 'A' + 'a'
		case (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'):
			return c
		default:
			return -1
		}
	}, name)
	for plain != "" {
		if sensitiveNames[plain] || (plain[len(plain)-1] <= '9' && sensitiveElement.MatchString(plain)) {
			return true
		}
		shorter := trimmed(plain)
		if shorter == plain {
			return false
		}
		plain = shorter
	}
	return false
}

func trimmed(name string) string {
	for _, word := range trailing {
		if rest, ok := strings.CutSuffix(name, word); ok {
			return rest
		}
	}
	for _, word := range leading {
		if rest, ok := strings.CutPrefix(name, word); ok {
			return rest
		}
	}
	return name
}

// maxNameWords is of how many words a name in a text consists at most: "card verification value".
const maxNameWords = 3

// NamesSensitiveData reports whether text holds a named value that is sensitive authentication data, such as {"cvv2":"123"}, as JSON,
// XML attributes, query strings and people write them. The value must begin with three digits or hexadecimal digits, which every
// card verification value, PIN block and track has.
func NamesSensitiveData(text string) bool {
	for i := range len(text) {
		if c := text[i]; (c == ':' || c == '=') && beginsValue(text[i+1:]) && endsInSensitiveName(text[:i]) {
			return true
		}
	}
	return false
}

// quoting is what may stand between a name, its separator and its value; % and ; begin tracks.
const quoting = " \t\"'\\"

func beginsValue(text string) bool {
	const shortest = 3
	text = strings.TrimLeft(text, quoting+"%;")
	if len(text) < shortest {
		return false
	}
	for i := range shortest {
		if classes[text[i]]&classHex == 0 {
			return false
		}
	}
	return true
}

func endsInSensitiveName(text string) bool {
	text = strings.TrimRight(text, quoting)
	start := len(text)
	for range maxNameWords {
		end := start
		for start > 0 && isNameCharacter(text[start-1]) {
			start--
		}
		if start == end {
			return false
		}
		if SensitiveName(text[start:]) {
			return true
		}
		if start == 0 || text[start-1] != ' ' {
			return false
		}
		start--
	}
	return false
}

func isNameCharacter(c byte) bool {
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-'
}
