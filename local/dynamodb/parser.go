package dynamodb

import (
	"strconv"

	"github.com/payrail/payrail/local/wire"
)

// parser is the part that the grammars of all expressions share: tokens, paths, operands, errors. The first syntax error
// ends parsing at once; of other errors the service reports the most basic one of the whole expression, so they are kept
// until the end, by rank.
type parser struct {
	parameter string // "ConditionExpression"
	text      string
	tokens    []token
	at        int
	scope     *scope
	found     [rankCount]string
	paths     []path // the operands of a condition
}

// Ranks of errors, the most basic first.
const (
	rankParentheses = iota
	rankFunction
	rankMisuse
	rankReserved
	rankSection
	rankUndefined
	rankOverlap
	rankOperand
	rankCount
)

func newParser(parameter, text string, s *scope) (*parser, error) {
	p := &parser{parameter: parameter, text: text, scope: s}
	if len(text) > maxExpressionBytes {
		return nil, p.fail("Expression size has exceeded the maximum allowed size; expression size: " + strconv.Itoa(len(text)))
	}
	p.tokens = tokenize(text)
	if len(p.tokens) == 1 {
		return nil, p.fail("The expression can not be empty;")
	}
	return p, nil
}

func (p *parser) fail(text string) *wire.Error { return invalid("Invalid %s: %s", p.parameter, text) }

// note keeps a semantic error for the end.
func (p *parser) note(rank int, text string) {
	if p.found[rank] == "" {
		p.found[rank] = text
	}
}

// finish expects the end of the text and reports what has been noted.
func (p *parser) finish() error {
	if p.peek().kind != tokenEnd {
		return p.syntaxError()
	}
	for _, text := range p.found {
		if text != "" {
			return p.fail(text)
		}
	}
	return nil
}

func (p *parser) peek() token { return p.tokens[p.at] }

func (p *parser) peekAfter() token { return p.tokens[min(p.at+1, len(p.tokens)-1)] }

func (p *parser) next() token {
	t := p.tokens[p.at]
	if t.kind != tokenEnd {
		p.at++
	}
	return t
}

// accept consumes the symbol or keyword if it is next.
func (p *parser) accept(text string) bool {
	if p.peek().is(text) {
		p.at++
		return true
	}
	return false
}

func (p *parser) expect(text string) error {
	if !p.accept(text) {
		return p.syntaxError()
	}
	return nil
}

// syntaxError names the token that is next and its neighbours, as the service does.
func (p *parser) syntaxError() error {
	from, to := p.tokens[max(0, p.at-1)], p.peekAfter()
	return p.fail("Syntax error; token: \"" + p.peek().text + "\", near: \"" + p.text[from.start:to.end] + "\"")
}

// path reads a.b[0].#c.
func (p *parser) path() (path, error) {
	var out path
	first, err := p.identifier()
	if err != nil {
		return nil, err
	}
	out = append(out, step{name: first})
	for {
		switch {
		case p.accept("."):
			name, err := p.identifier()
			if err != nil {
				return nil, err
			}
			out = append(out, step{name: name})
		case p.accept("["):
			if p.peek().kind != tokenNumber {
				return nil, p.syntaxError()
			}
			index, err := strconv.ParseInt(p.peek().text, 10, 32)
			if err != nil {
				return nil, p.fail("List index is not within the allowable range; index: [" + p.peek().text + "]")
			}
			p.at++
			if err := p.expect("]"); err != nil {
				return nil, err
			}
			out = append(out, step{index: int(index)})
		default:
			if len(out) > 1 {
				p.scope.nested = append(p.scope.nested, out)
			}
			return out, nil
		}
	}
}

// identifier reads a name or #placeholder. An undefined placeholder stands for itself: the expression is refused at the end.
func (p *parser) identifier() (string, error) {
	t := p.peek()
	switch t.kind {
	case tokenWord:
		p.at++
		if isReserved(t.text) {
			p.note(rankReserved, "Attribute name is a reserved keyword; reserved keyword: "+t.text)
		}
		return t.text, nil
	case tokenName:
		p.at++
		name, ok := p.scope.name(t.text)
		if !ok || name == "" {
			p.note(rankUndefined, "An expression attribute name used in the document path is not defined; attribute name: "+t.text)
			return t.text, nil
		}
		return name, nil
	}
	return "", p.syntaxError()
}

// literal reads a :value.
func (p *parser) literal() (value, error) {
	t := p.peek()
	if t.kind != tokenValue {
		return value{}, p.syntaxError()
	}
	p.at++
	v, ok := p.scope.value(t.text)
	if !ok {
		p.note(rankUndefined, "An expression attribute value used in expression is not defined; attribute value: "+t.text)
	}
	return v, nil
}

func (p *parser) wrongCount(function string, n int) {
	p.note(rankOperand, "Incorrect number of operands for operator or function; operator or function: "+function+
		", number of operands: "+strconv.Itoa(n))
}

func (p *parser) wrongType(what, function, kind string) {
	p.note(rankOperand, "Incorrect operand type for operator or function; "+what+": "+function+", operand type: "+kind)
}
