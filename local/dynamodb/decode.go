package dynamodb

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/payrail/payrail/local/wire"
)

// maxNesting is how many levels an attribute may have; the attribute itself is the first, also where it is no list or map.
const maxNesting = 32

// typicalAttribute is the JSON length of an attribute, to guess how many an item has.
const typicalAttribute = 40

// decodeItem reads an item, key or map of values in DynamoDB JSON, as a client sent it.
func decodeItem(raw json.RawMessage) (attrs, error) {
	d := decoder{data: raw}
	item, err := d.object(0)
	if err != nil {
		return nil, err
	}
	return item, d.end()
}

func decodeValue(raw json.RawMessage) (value, error) {
	d := decoder{data: raw}
	v, err := d.value(0)
	if err != nil {
		return value{}, err
	}
	return v, d.end()
}

// decoder reads DynamoDB JSON straight into values. trusted input has been written by encode and is not checked again.
type decoder struct {
	data    []byte
	pos     int
	trusted bool
}

func malformed(format string, args ...any) *wire.Error {
	return wire.Errorf(codeSerialization, format, args...)
}

func (d *decoder) space() {
	for d.pos < len(d.data) {
		switch d.data[d.pos] {
		case ' ', '\t', '\n', '\r':
			d.pos++
		default:
			return
		}
	}
}

func (d *decoder) end() error {
	if d.space(); d.pos != len(d.data) {
		return malformed("unexpected data after the value")
	}
	return nil
}

// take consumes c, after white space, if it is next.
func (d *decoder) take(c byte) bool {
	d.space()
	if d.pos < len(d.data) && d.data[d.pos] == c {
		d.pos++
		return true
	}
	return false
}

func (d *decoder) literal(word string) bool {
	d.space()
	if strings.HasPrefix(string(d.data[d.pos:min(len(d.data), d.pos+len(word))]), word) {
		d.pos += len(word)
		return true
	}
	return false
}

// each reads a JSON object (or array, by the brackets given) and calls member at each element.
func (d *decoder) each(open, end byte, member func() error) error {
	if !d.take(open) {
		if open == '{' {
			return malformed("Start of structure or map expected")
		}
		return malformed("Start of list expected")
	}
	if d.take(end) {
		return nil
	}
	for {
		if err := member(); err != nil {
			return err
		}
		if d.take(',') {
			continue
		}
		if d.take(end) {
			return nil
		}
		return malformed("',' or '%c' expected", end)
	}
}

func (d *decoder) name() (string, error) {
	name, err := d.string()
	if err != nil {
		return "", err
	}
	if !d.take(':') {
		return "", malformed("':' expected")
	}
	return name, nil
}

func (d *decoder) string() (string, error) {
	if !d.take('"') {
		return "", d.notString()
	}
	start := d.pos
	plain := true
	for ; d.pos < len(d.data); d.pos++ {
		switch c := d.data[d.pos]; {
		case c == '"':
			raw := d.data[start:d.pos]
			d.pos++
			if plain && utf8.Valid(raw) {
				return string(raw), nil
			}
			var text string
			if err := json.Unmarshal(d.data[start-1:d.pos], &text); err != nil {
				return "", malformed("reading string: %s", err)
			}
			return text, nil
		case c == '\\':
			plain = false
			d.pos++
		case c < ' ':
			return "", malformed("control character in string")
		}
	}
	return "", malformed("unterminated string")
}

// notString tells of what stands where a string should.
func (d *decoder) notString() error {
	number := d.data[d.pos:]
	if end := bytes.IndexAny(number, ",}] \t\r\n"); end >= 0 {
		number = number[:end]
	}
	switch {
	case len(number) == 0:
		return malformed("String expected")
	case number[0] == '{':
		return malformed("Start of structure or map found where not expected")
	case number[0] == '[':
		return malformed("Unrecognized collection type class java.lang.String")
	case number[0] == 't':
		return malformed("TRUE_VALUE cannot be converted to String")
	case number[0] == 'f':
		return malformed("FALSE_VALUE cannot be converted to String")
	case bytes.ContainsAny(number, ".eE"):
		return malformed("DECIMAL_VALUE cannot be converted to String")
	}
	return malformed("NUMBER_VALUE cannot be converted to String")
}

// skip passes over one JSON value.
func (d *decoder) skip() error {
	reader := json.NewDecoder(bytes.NewReader(d.data[d.pos:]))
	var raw json.RawMessage
	if err := reader.Decode(&raw); err != nil {
		return malformed("reading value: %s", err)
	}
	d.pos += int(reader.InputOffset())
	return nil
}

func (d *decoder) object(depth int) (attrs, error) {
	var item attrs
	if depth == 0 {
		item = make(attrs, 0, len(d.data)/typicalAttribute+1)
	}
	err := d.each('{', '}', func() error {
		name, err := d.name()
		if err != nil {
			return err
		}
		if name == "" && !d.trusted {
			return invalid("Attribute name must not be empty")
		}
		v, err := d.value(depth)
		if err != nil {
			return err
		}
		item = append(item, attr{name, v})
		return nil
	})
	if err != nil {
		return nil, err
	}
	if d.trusted {
		return item, nil
	}
	return item.sorted(), nil
}

// value reads {"S":"text"} and the like.
func (d *decoder) value(depth int) (value, error) {
	var v value
	if depth >= maxNesting && !d.trusted {
		return value{}, nestedTooDeep()
	}
	err := d.each('{', '}', func() error {
		name, err := d.name()
		if err != nil {
			return err
		}
		if d.literal("null") {
			return nil
		}
		k := kind(max(0, slices.Index(kindNames[:], name)))
		if k == 0 { // Members that a structure has not got are passed over, as everywhere in the service's protocol.
			return d.skip()
		}
		if v.kind != 0 {
			return invalid("Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes")
		}
		v.kind = k
		return d.content(&v, name, depth)
	})
	if err != nil {
		return value{}, err
	}
	if v.kind == 0 {
		return value{}, invalid("Supplied AttributeValue is empty, must contain exactly one of the supported datatypes")
	}
	return v, nil
}

// content reads what stands after the data type's name.
func (d *decoder) content(v *value, name string, depth int) (err error) {
	switch v.kind {
	case kindS, kindN, kindB:
		v.text, err = d.scalar(v.kind)
	case kindBOOL, kindNULL:
		v.flag = d.literal("true")
		if !v.flag && !d.literal("false") {
			return malformed("Boolean expected for %s", name)
		}
		if v.kind == kindNULL && !v.flag {
			return invalidParameter("Null attribute value types must have the value of true")
		}
	case kindL:
		err = d.each('[', ']', func() error {
			e, err := d.value(depth + 1)
			v.elems = append(v.elems, e)
			return err
		})
	case kindM:
		v.fields, err = d.object(depth + 1)
	case kindSS, kindNS, kindBS:
		err = d.set(v)
	}
	return err
}

func nestedTooDeep() *wire.Error {
	return invalid("Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond supported limit")
}

// scalar reads a string and brings it into the form values hold: numbers normalised, binary decoded.
func (d *decoder) scalar(k kind) (string, error) {
	text, err := d.string()
	if err != nil {
		return "", err
	}
	switch {
	case k == kindN && !d.trusted:
		return normalizeNumber(text)
	case k == kindB:
		raw, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return "", malformed("reading binary: %s", err)
		}
		return string(raw), nil
	}
	return text, nil
}

func (d *decoder) set(v *value) error {
	element := v.kind.element()
	var input []string
	err := d.each('[', ']', func() error {
		text, err := d.scalar(element)
		if !d.trusted {
			input = append(input, text)
		}
		v.elems = append(v.elems, value{kind: element, text: text})
		return err
	})
	if err != nil || d.trusted {
		return err
	}
	if len(v.elems) == 0 {
		return emptySet(v.kind)
	}
	slices.SortFunc(v.elems, compareScalars)
	if unique := slices.CompactFunc(slices.Clone(v.elems), value.equal); len(unique) < len(v.elems) {
		if v.kind == kindNS {
			return invalid("Input collection contains duplicates")
		}
		return invalidParameter("Input collection %s contains duplicates.", printSet(v.kind, input))
	}
	return nil
}

func emptySet(k kind) error {
	switch k {
	case kindSS:
		return invalidParameter("An string set  may not be empty")
	case kindNS:
		return invalidParameter("An number set  may not be empty")
	}
	return invalidParameter("Binary sets should not be empty")
}

func printSet(k kind, elements []string) string {
	if k == kindBS {
		for i := range elements {
			elements[i] = base64.StdEncoding.EncodeToString([]byte(elements[i]))
		}
	}
	return fmt.Sprintf("[%s]", strings.Join(elements, ", "))
}
