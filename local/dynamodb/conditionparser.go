package dynamodb

import (
	"encoding/base64"
	"slices"
	"strings"
)

// maxInOperands is how many operands IN takes.
const maxInOperands = 100

// node is what a piece of a condition turned out to be: a condition or, of which one is made, an operand.
type node struct {
	condition condition
	operand   operand
	function  string // set where the piece is a function call
	grouped   bool   // the piece stands in parentheses
}

// parseCondition reads a ConditionExpression; no expression gives no condition.
func parseCondition(parameter string, text *string, s *scope) (condition, error) {
	c, _, err := parseFilter(parameter, text, s)
	return c, err
}

// parseFilter reads a condition and tells also the attributes it is about.
func parseFilter(parameter string, text *string, s *scope) (condition, []path, error) {
	if text == nil {
		return nil, nil, nil
	}
	p, err := newParser(parameter, *text, s)
	if err != nil {
		return nil, nil, err
	}
	n, err := p.anyOf()
	if err != nil {
		return nil, nil, err
	}
	if err := p.requireCondition(n); err != nil {
		return nil, nil, err
	}
	return n.condition, p.paths, p.finish()
}

// requireCondition refuses an operand where a condition must stand.
func (p *parser) requireCondition(n node) error {
	if n.condition != nil {
		return nil
	}
	if n.function != "" {
		p.misused(n.function)
		return nil
	}
	return p.syntaxError()
}

// requireOperand refuses a condition where an operand must stand.
func (p *parser) requireOperand(n node) error {
	if n.operand != nil {
		return nil
	}
	if n.function != "" {
		p.misused(n.function)
		return nil
	}
	return p.syntaxError()
}

func (p *parser) misused(function string) {
	p.note(rankMisuse, "The function is not allowed to be used this way in an expression; function: "+function)
}

// anyOf reads conditions joined by OR.
func (p *parser) anyOf() (node, error) {
	return p.joined("OR", p.allOf, func(a, b condition) condition { return or{a, b} })
}

// allOf reads conditions joined by AND.
func (p *parser) allOf() (node, error) {
	return p.joined("AND", p.negated, func(a, b condition) condition { return and{a, b} })
}

func (p *parser) joined(keyword string, part func() (node, error), join func(a, b condition) condition) (node, error) {
	left, err := part()
	if err != nil || !p.peek().is(keyword) {
		return left, err
	}
	for p.peek().is(keyword) {
		if err := p.requireCondition(left); err != nil {
			return node{}, err
		}
		p.at++
		right, err := part()
		if err != nil {
			return node{}, err
		}
		if err := p.requireCondition(right); err != nil {
			return node{}, err
		}
		left = node{condition: join(left.condition, right.condition)}
	}
	return left, nil
}

func (p *parser) negated() (node, error) {
	if !p.accept("NOT") {
		return p.compared()
	}
	n, err := p.negated()
	if err != nil {
		return node{}, err
	}
	return node{condition: not{n.condition}}, p.requireCondition(n)
}

// compared reads a comparison, BETWEEN, IN, or a piece that stands by itself.
func (p *parser) compared() (node, error) {
	left, err := p.primary()
	if err != nil {
		return node{}, err
	}
	t := p.peek()
	switch {
	case t.kind == tokenSymbol && slices.Contains([]string{"=", "<>", "<", "<=", ">", ">="}, t.text):
		if err := p.requireOperand(left); err != nil {
			return node{}, err
		}
		p.at++
		right, err := p.operand()
		if err != nil {
			return node{}, err
		}
		p.checkComparison(t.text, left.operand, right)
		return node{condition: comparison{t.text, left.operand, right}}, nil
	case t.is("BETWEEN"):
		if err := p.requireOperand(left); err != nil {
			return node{}, err
		}
		p.at++
		return p.between(left.operand)
	case t.is("IN"):
		if err := p.requireOperand(left); err != nil {
			return node{}, err
		}
		p.at++
		return p.in(left.operand)
	}
	return left, nil
}

func (p *parser) operand() (operand, error) {
	n, err := p.primary()
	if err != nil {
		return nil, err
	}
	return n.operand, p.requireOperand(n)
}

// primary reads a value, a path, a function, or anything in parentheses.
func (p *parser) primary() (node, error) {
	t := p.peek()
	switch {
	case p.accept("("):
		n, err := p.anyOf()
		if err != nil {
			return node{}, err
		}
		if n.grouped && p.parameter != keyConditionExpression {
			p.note(rankParentheses, "The expression has redundant parentheses;")
		}
		n.grouped = true
		return n, p.expect(")")
	case t.kind == tokenValue:
		v, err := p.literal()
		return node{operand: literal{v}}, err
	case t.kind == tokenWord && p.peekAfter().is("("):
		if t.is("IN") || t.is("NOT") || t.is("AND") || t.is("OR") || t.is("BETWEEN") {
			return node{}, p.syntaxError()
		}
		return p.function()
	case t.is("BETWEEN") || t.is("IN") || t.is("AND") || t.is("OR"):
		return node{}, p.syntaxError()
	}
	one, err := p.path()
	p.paths = append(p.paths, one)
	return node{operand: one}, err
}

func (p *parser) between(subject operand) (node, error) {
	low, err := p.operand()
	if err != nil {
		return node{}, err
	}
	if err := p.expect("AND"); err != nil {
		return node{}, err
	}
	high, err := p.operand()
	if err != nil {
		return node{}, err
	}
	p.checkBounds(low, high)
	return node{condition: between{subject, low, high}}, nil
}

func (p *parser) in(subject operand) (node, error) {
	if err := p.expect("("); err != nil {
		return node{}, err
	}
	list, err := p.operands()
	if err != nil {
		return node{}, err
	}
	if len(list) > maxInOperands {
		p.wrongCount("IN", len(list)+1)
	}
	return node{condition: in{subject, list}}, nil
}

// operands reads a list up to and with the closing parenthesis.
func (p *parser) operands() ([]operand, error) {
	var list []operand
	for {
		o, err := p.operand()
		if err != nil {
			return nil, err
		}
		list = append(list, o)
		if !p.accept(",") {
			return list, p.expect(")")
		}
	}
}

// function reads name(operands). Names are case-sensitive.
func (p *parser) function() (node, error) {
	name := p.next().text
	p.at++ // the parenthesis
	args, err := p.operands()
	if err != nil {
		return node{}, err
	}
	n := node{function: name}
	counts := map[string]int{"attribute_exists": 1, "attribute_not_exists": 1, "attribute_type": 2, "begins_with": 2, "contains": 2, "size": 1}
	count, known := counts[name]
	if !known {
		p.note(rankFunction, "Invalid function name; function: "+name)
		n.condition = exists{path{{name: name}}} // any: the expression is refused
		return n, nil
	}
	if len(args) != count {
		p.wrongCount(name, len(args))
		args = append(args, literal{}, literal{})
	}
	switch name {
	case "size":
		p.checkSize(args[0])
		n.operand = sizeOf{args[0]}
	case "attribute_exists":
		n.condition = exists{p.requirePath(name, args[0])}
	case "attribute_not_exists":
		n.condition = not{exists{p.requirePath(name, args[0])}}
	case "attribute_type":
		n.condition = hasType{args[0], p.typeName(args[1])}
	case "begins_with":
		p.checkPrefix(args)
		n.condition = beginsWith{args[0], args[1]}
	case "contains":
		p.checkDistinct(name, args[0], args[1])
		n.condition = contains{args[0], args[1]}
	}
	return n, nil
}

func (p *parser) requirePath(function string, o operand) path {
	one, ok := o.(path)
	if !ok {
		p.note(rankOperand, "Operator or function requires a document path; operator or function: "+function)
		return path{{name: function}}
	}
	return one
}

func (p *parser) typeName(o operand) kind {
	l, ok := o.(literal)
	if !ok || l.value.kind != kindS {
		given := "{NS,SS,L,BS,N,M,B,BOOL,NULL,S}"
		if ok && l.value.kind != 0 {
			given = l.value.kind.String()
		}
		p.wrongType("operator or function", "attribute_type", given)
		return 0
	}
	k := slices.Index(kindNames[:], l.value.text)
	if k <= 0 {
		p.note(rankOperand, "Invalid attribute type name found; type: "+l.value.text+", valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}")
		return 0
	}
	return kind(k)
}

func (p *parser) checkSize(o operand) {
	if l, ok := o.(literal); ok && (l.value.kind == kindN || l.value.kind == kindBOOL || l.value.kind == kindNULL) {
		p.wrongType("operator or function", "size", l.value.kind.String())
	}
}

func (p *parser) checkPrefix(args []operand) {
	for _, o := range args {
		if k := operandKind(o); k != 0 && k != kindS && k != kindB {
			p.wrongType("operator or function", "begins_with", k.String())
		}
	}
	p.checkDistinct("begins_with", args[0], args[1])
}

// operandKind is the type an operand is sure to have, or 0.
func operandKind(o operand) kind {
	switch o := o.(type) {
	case literal:
		return o.value.kind
	case sizeOf:
		return kindN
	}
	return 0
}

func (p *parser) checkComparison(operator string, left, right operand) {
	p.checkDistinct(operator, left, right)
	if operator == "=" || operator == "<>" {
		return
	}
	for _, o := range []operand{left, right} {
		if k := operandKind(o); k != 0 && !k.isOrdered() {
			p.wrongType("operator or function", operator, k.String())
		}
	}
}

func (p *parser) checkDistinct(operator string, left, right operand) {
	a, okA := left.(path)
	b, okB := right.(path)
	if okA && okB && slices.Equal(a, b) {
		p.note(rankOperand, "The first operand must be distinct from the remaining operands for this operator or function; operator: "+
			operator+", first operand: "+a.String())
	}
}

func (p *parser) checkBounds(low, high operand) {
	l, okL := low.(literal)
	h, okH := high.(literal)
	if !okL || !okH || l.value.kind == 0 || h.value.kind == 0 {
		return
	}
	bounds := "lower bound operand: AttributeValue: {" + printScalar(l.value) + "}, upper bound operand: AttributeValue: {" + printScalar(h.value) + "}"
	switch {
	case !l.value.kind.isOrdered():
		p.wrongType("operator or function", "BETWEEN", l.value.kind.String())
	case l.value.kind != h.value.kind:
		p.note(rankOperand, "The BETWEEN operator requires same data type for lower and upper bounds; "+bounds)
	case compareScalars(l.value, h.value) > 0:
		p.note(rankOperand, "The BETWEEN operator requires upper bound to be greater than or equal to lower bound; "+bounds)
	}
}

func printScalar(v value) string {
	text := v.text
	if v.kind == kindB {
		text = base64.StdEncoding.EncodeToString([]byte(text))
	}
	return strings.Join([]string{v.kind.String(), text}, ":")
}
