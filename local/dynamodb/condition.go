package dynamodb

import (
	"slices"
	"strconv"
	"strings"
)

// condition is a parsed condition or filter. Its values are immutable, so one condition may judge many items.
type condition interface{ holds(item attrs) bool }

// operand is something that has a value in an item, or has none.
type operand interface {
	resolve(item attrs) (value, bool)
}

type (
	and        struct{ left, right condition }
	or         struct{ left, right condition }
	not        struct{ inner condition }
	comparison struct {
		operator    string
		left, right operand
	}
	between struct{ subject, low, high operand }
	in      struct {
		subject operand
		list    []operand
	}
	exists  struct{ path path }
	hasType struct {
		path operand
		kind kind
	}
	beginsWith struct{ subject, prefix operand }
	contains   struct{ subject, part operand }
	literal    struct{ value value }
	sizeOf     struct{ subject operand }
)

func (c and) holds(item attrs) bool    { return c.left.holds(item) && c.right.holds(item) }
func (c or) holds(item attrs) bool     { return c.left.holds(item) || c.right.holds(item) }
func (c not) holds(item attrs) bool    { return !c.inner.holds(item) }
func (c exists) holds(item attrs) bool { _, ok := c.path.resolve(item); return ok }

func (l literal) resolve(attrs) (value, bool) { return l.value, true }

func (c hasType) holds(item attrs) bool {
	v, ok := c.path.resolve(item)
	return ok && v.kind == c.kind
}

// holds: what is not there is different from everything and neither greater nor less than anything.
func (c comparison) holds(item attrs) bool {
	left, okLeft := c.left.resolve(item)
	right, okRight := c.right.resolve(item)
	both := okLeft && okRight
	switch c.operator {
	case "=":
		return both && left.equal(right)
	case "<>":
		return !both || !left.equal(right)
	}
	return both && ordered(left, c.operator, right)
}

// ordered compares values of one ordered type; values of different types have no order.
func ordered(left value, operator string, right value) bool {
	if left.kind != right.kind || !left.kind.isOrdered() {
		return false
	}
	c := compareScalars(left, right)
	switch operator {
	case "<":
		return c < 0
	case "<=":
		return c <= 0
	case ">":
		return c > 0
	}
	return c >= 0
}

func (c between) holds(item attrs) bool {
	v, ok := c.subject.resolve(item)
	low, okLow := c.low.resolve(item)
	high, okHigh := c.high.resolve(item)
	return ok && okLow && okHigh && ordered(v, ">=", low) && ordered(v, "<=", high)
}

func (c in) holds(item attrs) bool {
	v, ok := c.subject.resolve(item)
	return ok && slices.ContainsFunc(c.list, func(o operand) bool {
		candidate, ok := o.resolve(item)
		return ok && v.equal(candidate)
	})
}

func (c beginsWith) holds(item attrs) bool {
	v, ok := c.subject.resolve(item)
	prefix, okPrefix := c.prefix.resolve(item)
	return ok && okPrefix && v.kind == prefix.kind && (v.kind == kindS || v.kind == kindB) && strings.HasPrefix(v.text, prefix.text)
}

func (c contains) holds(item attrs) bool {
	v, ok := c.subject.resolve(item)
	part, okPart := c.part.resolve(item)
	if !ok || !okPart {
		return false
	}
	if v.kind == kindS || v.kind == kindB {
		return v.kind == part.kind && strings.Contains(v.text, part.text)
	}
	return v.hasElement(part)
}

func (s sizeOf) resolve(item attrs) (value, bool) {
	v, ok := s.subject.resolve(item)
	if !ok {
		return value{}, false
	}
	n := len(v.elems)
	switch v.kind {
	case kindS, kindB:
		n = len(v.text)
	case kindM:
		n = len(v.fields)
	case kindN, kindBOOL, kindNULL:
		return value{}, false
	}
	return value{kind: kindN, text: strconv.Itoa(n)}, true
}
