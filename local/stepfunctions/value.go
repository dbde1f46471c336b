package stepfunctions

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

type kind uint8

const (
	kindNull kind = iota
	kindBool
	kindNumber
	kindString
	kindArray
	kindObject
)

func (k kind) String() string {
	return [...]string{"null", "boolean", "number", "string", "array", "object"}[k]
}

// value is an immutable JSON value. It keeps the order of members and the text of numbers, so what a state only passes
// on leaves as it came; and it knows the length of its text, because every state checks it against the data limit. A
// parsed value keeps its compact text, so writing it out is a copy. Values are shared freely between states and branches.
type value struct {
	kind    kind
	text    string // compact JSON text; "" for arrays and objects made here
	str     string // a string's contents
	elems   []*value
	members []member
	size    int // length of the compact JSON text
}

type member struct {
	name  string
	value *value
}

var (
	nullValue  = &value{kind: kindNull, text: "null", size: 4}
	trueValue  = &value{kind: kindBool, text: "true", size: 4}
	falseValue = &value{kind: kindBool, text: "false", size: 5}
)

func boolValue(b bool) *value {
	if b {
		return trueValue
	}
	return falseValue
}

func stringValue(s string) *value {
	text := quote(s)
	return &value{kind: kindString, text: text, str: s, size: len(text)}
}

func numberValue(text string) *value { return &value{kind: kindNumber, text: text, size: len(text)} }

func intValue(n int64) *value { return numberValue(strconv.FormatInt(n, 10)) }

func arrayValue(elems ...*value) *value {
	size := 2 + max(len(elems)-1, 0)
	for _, e := range elems {
		size += e.size
	}
	return &value{kind: kindArray, elems: elems, size: size}
}

// objectValue takes members with unique names.
func objectValue(members ...member) *value {
	size := 2 + max(len(members)-1, 0)
	for _, m := range members {
		size += quotedLen(m.name) + 1 + m.value.size
	}
	return &value{kind: kindObject, members: members, size: size}
}

// get returns a member's value, nil when there is none.
func (v *value) get(name string) *value {
	for i := range v.members {
		if v.members[i].name == name {
			return v.members[i].value
		}
	}
	return nil
}

// with returns a copy of an object in which name has the value x.
func (v *value) with(name string, x *value) *value {
	members := make([]member, len(v.members), len(v.members)+1)
	copy(members, v.members)
	for i := range members {
		if members[i].name == name {
			members[i].value = x
			return objectValue(members...)
		}
	}
	return objectValue(append(members, member{name, x})...)
}

func (v *value) bool() bool { return v.text == "true" }

// integer returns a number that is an integer of 64 bits.
func (v *value) integer() (int64, bool) {
	if v.kind != kindNumber {
		return 0, false
	}
	if n, err := strconv.ParseInt(v.text, 10, 64); err == nil {
		return n, true
	}
	f := v.number() // 1e3 and 5.0 are integers, too
	if f != math.Trunc(f) || math.Abs(f) > 1<<53 {
		return 0, false
	}
	return int64(f), true
}

// number returns a number as the double that comparisons and arithmetic use.
func (v *value) number() float64 {
	f, err := strconv.ParseFloat(v.text, 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return math.NaN()
	}
	return f
}

// compareNumbers orders two numbers: integers exactly, others as doubles.
func compareNumbers(a, b *value) int {
	x, errX := strconv.ParseInt(a.text, 10, 64)
	y, errY := strconv.ParseInt(b.text, 10, 64)
	if errX == nil && errY == nil {
		switch {
		case x < y:
			return -1
		case x > y:
			return 1
		}
		return 0
	}
	f, g := a.number(), b.number()
	switch {
	case f < g:
		return -1
	case f > g:
		return 1
	}
	return 0
}

// equal compares by content: numbers by worth, objects without regard to order.
func (v *value) equal(w *value) bool {
	if v == w {
		return true
	}
	if v.kind != w.kind || len(v.elems) != len(w.elems) || len(v.members) != len(w.members) {
		return false
	}
	switch v.kind {
	case kindString:
		return v.str == w.str
	case kindNumber:
		return compareNumbers(v, w) == 0
	case kindArray:
		for i := range v.elems {
			if !v.elems[i].equal(w.elems[i]) {
				return false
			}
		}
		return true
	case kindObject:
		for _, m := range v.members {
			other := w.get(m.name)
			if other == nil || !m.value.equal(other) {
				return false
			}
		}
		return true
	}
	return v.text == w.text
}

// appendTo writes the compact JSON text.
func (v *value) appendTo(dst []byte) []byte {
	if v.text != "" {
		return append(dst, v.text...)
	}
	if v.kind == kindArray {
		dst = append(dst, '[')
		for i, e := range v.elems {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = e.appendTo(dst)
		}
		return append(dst, ']')
	}
	dst = append(dst, '{')
	for i, m := range v.members {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = m.value.appendTo(append(appendQuoted(dst, m.name), ':'))
	}
	return append(dst, '}')
}

// json returns the compact JSON text.
func (v *value) json() []byte { return v.appendTo(make([]byte, 0, v.size)) }

func (v *value) String() string { return string(v.json()) }

const hexDigits = "0123456789abcdef"

// appendQuoted writes a string in the shortest way JSON has.
func appendQuoted(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c == '\n':
			dst = append(dst, '\\', 'n')
		case c == '\r':
			dst = append(dst, '\\', 'r')
		case c == '\t':
			dst = append(dst, '\\', 't')
		case c == '\b':
			dst = append(dst, '\\', 'b')
		case c == '\f':
			dst = append(dst, '\\', 'f')
		case c < 0x20:
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		default:
			dst = append(dst, c)
		}
	}
	return append(dst, '"')
}

func quote(s string) string { return string(appendQuoted(make([]byte, 0, len(s)+2), s)) }

func quotedLen(s string) int {
	n := len(s) + 2
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"' || c == '\\' || c == '\n' || c == '\r' || c == '\t' || c == '\b' || c == '\f':
			n++
		case c < 0x20:
			n += 5
		}
	}
	return n
}

// parse reads one JSON text. Of members with the same name the last one counts.
func parse(data []byte) (*value, error) {
	if !utf8.Valid(data) {
		return nil, errors.New("reading JSON: not UTF-8")
	}
	var compact bytes.Buffer
	compact.Grow(len(data))
	if err := json.Compact(&compact, data); err != nil {
		return nil, fmt.Errorf("reading JSON: %w", err)
	}
	p := parser{text: compact.String()}
	return p.value(), nil
}

// parser walks a text that json.Compact has accepted: no white space, no syntax errors.
type parser struct {
	text string
	pos  int
}

func (p *parser) value() *value {
	start := p.pos
	switch c := p.text[p.pos]; c {
	case 'n':
		p.pos += len("null")
		return nullValue
	case 't':
		p.pos += len("true")
		return trueValue
	case 'f':
		p.pos += len("false")
		return falseValue
	case '"':
		s := p.string()
		return &value{kind: kindString, text: p.text[start:p.pos], str: s, size: p.pos - start}
	case '[':
		return p.array()
	case '{':
		return p.object()
	}
	for p.pos < len(p.text) && strings.IndexByte("+-.0123456789eE", p.text[p.pos]) >= 0 {
		p.pos++
	}
	return numberValue(p.text[start:p.pos])
}

func (p *parser) string() string {
	start := p.pos
	plain := true
	for p.pos++; p.text[p.pos] != '"'; p.pos++ {
		if p.text[p.pos] == '\\' {
			plain = false
			p.pos++
		}
	}
	p.pos++
	if plain {
		return p.text[start+1 : p.pos-1]
	}
	var s string
	// The text is a valid JSON string, which Unmarshal always takes.
	_ = json.Unmarshal([]byte(p.text[start:p.pos]), &s)
	return s
}

func (p *parser) array() *value {
	start := p.pos
	var elems []*value
	for p.pos++; p.text[p.pos] != ']'; {
		elems = append(elems, p.value())
		if p.text[p.pos] == ',' {
			p.pos++
		}
	}
	p.pos++
	v := arrayValue(elems...)
	p.keepText(v, start)
	return v
}

// keepText lets v keep its text. Where the sizes differ, a member with a double name was dropped or a name was written
// with needless escapes, here or further down; sizes cannot agree by chance, as both only make the text longer.
func (p *parser) keepText(v *value, start int) {
	if v.size == p.pos-start {
		v.text = p.text[start:p.pos]
	}
}

func (p *parser) object() *value {
	start := p.pos
	var members []member
	var index map[string]int
	for p.pos++; p.text[p.pos] != '}'; {
		name := p.string()
		p.pos++ // the colon
		v := p.value()
		if p.text[p.pos] == ',' {
			p.pos++
		}
		if i := p.find(&index, members, name); i >= 0 {
			members[i].value = v
			continue
		}
		members = append(members, member{name, v})
		if index != nil {
			index[name] = len(members) - 1
		}
	}
	p.pos++
	v := objectValue(members...)
	p.keepText(v, start)
	return v
}

// indexFrom is the number of members from which on duplicates are looked up in a map instead of by walking.
const indexFrom = 32

func (p *parser) find(index *map[string]int, members []member, name string) int {
	if len(members) < indexFrom {
		for i := range members {
			if members[i].name == name {
				return i
			}
		}
		return -1
	}
	if *index == nil {
		*index = make(map[string]int, 2*len(members))
		for i, m := range members {
			(*index)[m.name] = i
		}
	}
	if i, ok := (*index)[name]; ok {
		return i
	}
	return -1
}
