package pattern

import (
	"strings"
)

// wildcard is a pattern cut at its asterisks: the literal parts must occur in this order.
type wildcard []string

// parseWildcard reads a wildcard pattern: * stands for any characters, \* and \\ for themselves. Positions in messages count
// the quotation mark before the text, as the service does.
func parseWildcard(text string) (wildcard, error) {
	parts := wildcard{}
	var literal strings.Builder
	for i := 0; i < len(text); i++ {
		switch c := text[i]; c {
		case '*':
			if i+1 < len(text) && text[i+1] == '*' {
				return nil, refuse("Consecutive wildcard characters at pos %d", i+1)
			}
			parts = append(parts, literal.String())
			literal.Reset()
		case '\\':
			if i+1 == len(text) || text[i+1] != '*' && text[i+1] != '\\' {
				return nil, refuse("Invalid escape character at pos %d", i+1)
			}
			i++
			literal.WriteByte(text[i])
		default:
			literal.WriteByte(c)
		}
	}
	return append(parts, literal.String()), nil
}

func (w wildcard) match(s string) bool {
	first, last := w[0], w[len(w)-1]
	if len(w) == 1 {
		return s == first
	}
	if !strings.HasPrefix(s, first) {
		return false
	}
	s = s[len(first):]
	for _, part := range w[1 : len(w)-1] {
		i := strings.Index(s, part)
		if i < 0 {
			return false
		}
		s = s[i+len(part):]
	}
	return strings.HasSuffix(s, last)
}
