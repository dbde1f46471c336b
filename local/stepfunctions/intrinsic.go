package stepfunctions

import (
	"fmt"
	"strings"
)

// maxIntrinsicDepth is how deep intrinsic functions may be nested.
const maxIntrinsicDepth = 10

// intrinsicCall is a compiled call of a States.* function.
type intrinsicCall struct {
	name     string
	function intrinsicFunction
	args     []expression
}

func (c *intrinsicCall) eval(s *scope) (*value, *failure) {
	args := make([]*value, len(c.args))
	for i, a := range c.args {
		v, err := a.eval(s)
		if err != nil {
			return nil, err
		}
		args[i] = v
	}
	v, err := c.function.call(s.env, args)
	if err != nil {
		return nil, failf(errorIntrinsic, "%s: %s", c.name, err)
	}
	return v, nil
}

// intrinsicExpression is a call that is not an argument of another. Failures name its text, as the service's do.
type intrinsicExpression struct {
	text string
	call expression
}

func (e *intrinsicExpression) eval(s *scope) (*value, *failure) {
	v, err := e.call.eval(s)
	if err != nil {
		told := *err
		told.cause = fmt.Sprintf("The function '%s' had the following error: %s", e.text, err.cause)
		return nil, &told
	}
	return v, nil
}

// argumentPath is a path that is an argument of a function; it must find something.
type argumentPath struct{ path *path }

func (e *argumentPath) eval(s *scope) (*value, *failure) {
	v, err := e.path.find(s)
	if err != nil {
		return nil, pathFailure(err, "The JsonPath argument for the field '%s' could not be found in the input '%s'", e.path.text, s.root)
	}
	return v, nil
}

func compileIntrinsic(text string, n *notes) (expression, error) {
	p := &intrinsicParser{text: text, notes: n}
	call, err := p.call(1)
	if err != nil {
		return nil, fmt.Errorf("intrinsic function %q: %w", text, err)
	}
	if p.skipSpace(); p.pos != len(text) {
		return nil, fmt.Errorf("intrinsic function %q: %q follows the call", text, text[p.pos:])
	}
	return &intrinsicExpression{text, call}, nil
}

type intrinsicParser struct {
	text string
	pos  int
	*notes
}

func (p *intrinsicParser) skipSpace() {
	for p.pos < len(p.text) && (p.text[p.pos] == ' ' || p.text[p.pos] == '\t') {
		p.pos++
	}
}

func (p *intrinsicParser) call(depth int) (expression, error) {
	if depth > maxIntrinsicDepth {
		return nil, fmt.Errorf("nested deeper than %d", maxIntrinsicDepth)
	}
	open := strings.IndexByte(p.text[p.pos:], '(')
	if open < 0 {
		return nil, fmt.Errorf("( is missing")
	}
	name := strings.TrimSpace(p.text[p.pos : p.pos+open])
	function, ok := intrinsicFunctions[name]
	if !ok {
		return nil, fmt.Errorf("%s is not a function of the Amazon States Language", name)
	}
	p.pos += open + 1
	args, err := p.args(depth)
	if err != nil {
		return nil, err
	}
	if len(args) < function.minArgs || (function.maxArgs >= 0 && len(args) > function.maxArgs) {
		return nil, fmt.Errorf("%s does not take %d arguments", name, len(args))
	}
	if function.check != nil {
		if err := function.check(args); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	if name == "States.Format" {
		if template, ok := args[0].(quotedLiteral); ok {
			args[0] = literal{stringValue(template.template)} // It takes the escapes itself: \{ is not {.
		}
	}
	return &intrinsicCall{name: name, function: function, args: args}, nil
}

func (p *intrinsicParser) args(depth int) ([]expression, error) {
	var args []expression
	if p.skipSpace(); p.pos < len(p.text) && p.text[p.pos] == ')' {
		p.pos++
		return nil, nil
	}
	for {
		arg, err := p.arg(depth)
		if err != nil {
			return nil, err
		}
		args = append(args, arg)
		p.skipSpace()
		if p.pos >= len(p.text) {
			return nil, fmt.Errorf(") is missing")
		}
		p.pos++
		switch c := p.text[p.pos-1]; c {
		case ')':
			return args, nil
		case ',':
		default:
			return nil, fmt.Errorf("%q where , or ) should be", c)
		}
	}
}

func (p *intrinsicParser) arg(depth int) (expression, error) {
	p.skipSpace()
	rest := p.text[p.pos:]
	switch {
	case rest == "":
		return nil, fmt.Errorf("an argument is missing")
	case rest[0] == '\'':
		return p.quoted()
	case rest[0] == '$':
		return p.pathArg()
	case strings.HasPrefix(rest, "States."):
		return p.call(depth + 1)
	}
	end := strings.IndexAny(rest, ",) \t")
	if end < 0 {
		end = len(rest)
	}
	v, err := parse([]byte(rest[:end]))
	if err != nil || v.kind == kindString || v.kind == kindArray || v.kind == kindObject {
		return nil, fmt.Errorf("%q is not an argument", rest[:end])
	}
	p.pos += end
	return literal{v}, nil
}

// quoted reads a string in single quotes. Its escapes other than \' are kept for States.Format, which has its own.
func (p *intrinsicParser) quoted() (expression, error) {
	var s strings.Builder
	for p.pos++; p.pos < len(p.text); p.pos++ {
		switch c := p.text[p.pos]; {
		case c == '\'':
			p.pos++
			return quotedArg(s.String()), nil
		case c == '\\' && p.pos+1 < len(p.text):
			p.pos++
			s.WriteByte('\\')
			s.WriteByte(p.text[p.pos])
		default:
			s.WriteByte(c)
		}
	}
	return nil, fmt.Errorf("a string is not closed")
}

// quotedLiteral is a string argument; template is its text with the escapes still in it.
type quotedLiteral struct {
	literal
	template string
}

func quotedArg(raw string) expression {
	return quotedLiteral{literal{stringValue(unescape(raw))}, raw}
}

// unescape takes the backslash from \', \\, \{ and \}; another one stands for itself.
func unescape(raw string) string {
	if strings.IndexByte(raw, '\\') < 0 {
		return raw
	}
	var s strings.Builder
	for i := 0; i < len(raw); i++ {
		if raw[i] == '\\' && i+1 < len(raw) && strings.IndexByte(`'\{}`, raw[i+1]) >= 0 {
			i++
		}
		s.WriteByte(raw[i])
	}
	return s.String()
}

// pathArg reads a path up to the comma or bracket that ends the argument.
func (p *intrinsicParser) pathArg() (expression, error) {
	depth, brackets, quote := 0, 0, byte(0)
	start := p.pos
	for ; p.pos < len(p.text); p.pos++ {
		c := p.text[p.pos]
		switch {
		case quote != 0:
			if c == '\\' {
				p.pos++
			} else if c == quote {
				quote = 0
			}
		case depth > 0 && (c == '\'' || c == '"'):
			quote = c
		case c == '[':
			depth++
		case c == ']':
			depth--
		case c == '(':
			brackets++
		case c == ')' && brackets > 0:
			brackets--
		case depth == 0 && (c == ',' || c == ')'):
			compiled, err := compilePath(strings.TrimSpace(p.text[start:p.pos]))
			if err != nil {
				return nil, err
			}
			p.refer(compiled)
			return &argumentPath{compiled}, nil
		}
	}
	return nil, fmt.Errorf(") is missing")
}
