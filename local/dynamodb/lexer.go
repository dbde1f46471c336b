package dynamodb

import "strings"

// maxExpressionBytes is the longest expression the service takes.
const maxExpressionBytes = 4096

type tokenKind uint8

const (
	tokenEnd tokenKind = iota
	tokenWord
	tokenName   // #name
	tokenValue  // :value
	tokenNumber // list index
	tokenSymbol
)

// token is a piece of an expression; start and end are its place in the text.
type token struct {
	kind       tokenKind
	text       string
	start, end int
}

// is reports whether the token is this symbol or, in any case, this keyword.
func (t token) is(text string) bool {
	switch t.kind {
	case tokenSymbol:
		return t.text == text
	case tokenWord:
		return strings.EqualFold(t.text, text)
	}
	return false
}

func isLetter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }
func isDigit(c byte) bool  { return c >= '0' && c <= '9' }
func isWord(c byte) bool   { return isLetter(c) || isDigit(c) || c == '_' }

// tokenize cuts an expression. A character no token begins with becomes a symbol, which the parser will not accept.
func tokenize(text string) []token {
	tokens := make([]token, 0, 16)
	for i := 0; i < len(text); {
		start, c := i, text[i]
		kind := tokenSymbol
		switch {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			i++
			continue
		case isLetter(c):
			kind = tokenWord
		case c == '#' && i+1 < len(text) && isWord(text[i+1]):
			kind = tokenName
		case c == ':' && i+1 < len(text) && isWord(text[i+1]):
			kind = tokenValue
		case isDigit(c):
			kind = tokenNumber
		}
		i++
		switch kind {
		case tokenSymbol:
			if i < len(text) && (text[start:i+1] == "<=" || text[start:i+1] == ">=" || text[start:i+1] == "<>") {
				i++
			}
		case tokenNumber:
			for i < len(text) && isDigit(text[i]) {
				i++
			}
		default:
			for i < len(text) && isWord(text[i]) {
				i++
			}
		}
		tokens = append(tokens, token{kind, text[start:i], start, i})
	}
	return append(tokens, token{kind: tokenEnd, text: "<EOF>", start: len(text), end: len(text)})
}
