package panguard

import (
	"bytes"
	"encoding/json"
)

// NameWithheld stands in a path for a name that holds a card number.
const NameWithheld = "(name withheld)"

// FindInJSON looks for a card number in the names, strings and numbers of a JSON document and names the member it stands in.
// Values of which hasForm says that they have the form of what their member's name announces are not searched. The document is
// not decoded, for this is done to every event that is published.
func FindInJSON(document []byte, hasForm func(member, value string) bool) (member string, found bool) {
	var name []byte
	for i := 0; i < len(document); {
		switch c := document[i]; {
		case c == '"':
			end := endOfString(document, i)
			text := document[i+1 : end]
			i = end + 1
			isName := endsName(document, i)
			if isName {
				name = text
			}
			// No shorter text holds a card number under any encoding, and most others plainly do not.
			if len(text) < minPacked || !(featuresOf(text).suspicious() || packedBase64(text)) {
				continue
			}
			value := unquoted(text)
			switch {
			case isName:
				if Contains(value) {
					return NameWithheld, true
				}
			case !hasForm(string(name), value) && Contains(value):
				return string(name), true
			}
		case c >= '0' && c <= '9':
			end := endOfNumber(document, i)
			if end-i >= minPacked && ContainsNumber(string(document[i:end])) {
				return string(name), true
			}
			i = end
		default:
			i++
		}
	}
	return "", false
}

func endOfNumber(document []byte, start int) int {
	for i := start; i < len(document); i++ {
		switch c := document[i]; {
		case c >= '0' && c <= '9', c == '.', c == 'e', c == 'E', c == '+', c == '-':
		default:
			return i
		}
	}
	return len(document)
}

// endOfString is the index of the quote that closes the string opened at start, or of the end of an unfinished document.
func endOfString(document []byte, start int) int {
	for from := start + 1; ; {
		quote := bytes.IndexByte(document[from:], '"')
		if quote < 0 {
			return len(document)
		}
		// An odd number of backslashes before a quote escapes it.
		end, backslashes := from+quote, 0
		for end-1-backslashes > start && document[end-1-backslashes] == '\\' {
			backslashes++
		}
		if backslashes%2 == 0 {
			return end
		}
		from = end + 1
	}
}

// endsName reports whether the string that ends before at is the name of a member.
func endsName(document []byte, at int) bool {
	for ; at < len(document); at++ {
		switch document[at] {
		case ' ', '\t', '\r', '\n':
		default:
			return document[at] == ':'
		}
	}
	return false
}

// unquoted is the value of a JSON string; as it is written, where it is none.
func unquoted(text []byte) string {
	if bytes.IndexByte(text, '\\') < 0 {
		return string(text)
	}
	quoted := make([]byte, 0, len(text)+2)
	quoted = append(append(append(quoted, '"'), text...), '"')
	var value string
	if json.Unmarshal(quoted, &value) != nil {
		return string(text)
	}
	return value
}
