package dynamodb

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
)

// stored is an item as it lies in the store: its size in bytes by DynamoDB's rules, as a uvarint, then its canonical JSON
// (names sorted, sets sorted, numbers normalised, no white space). Equal items are equal bytes, and the JSON goes into
// answers and stream records as it is. nil is no item.
type stored []byte

func encodeItem(item attrs) stored {
	size := item.size()
	out := make([]byte, 0, size+len(item)*16+binary.MaxVarintLen32) // 16: quotes, braces and type name of an attribute
	out = binary.AppendUvarint(out, uint64(size))
	return appendAttrs(out, item)
}

// size is 0 for no item.
func (s stored) size() int {
	n, _ := binary.Uvarint(s)
	return int(n)
}

func (s stored) json() json.RawMessage {
	if s == nil {
		return nil
	}
	_, n := binary.Uvarint(s)
	return json.RawMessage(s[n:])
}

// item decodes; no item has no attributes.
func (s stored) item() (attrs, error) {
	if s == nil {
		return nil, nil
	}
	d := decoder{data: s.json(), trusted: true}
	item, err := d.object(0)
	if err != nil {
		return nil, fmt.Errorf("reading stored item: %w", err)
	}
	return item, nil
}

func itemJSON(item attrs) json.RawMessage { return appendAttrs(nil, item) }

func appendAttrs(out []byte, item attrs) []byte {
	out = append(out, '{')
	for i := range item {
		if i > 0 {
			out = append(out, ',')
		}
		out = appendString(out, item[i].name)
		out = append(out, ':')
		out = appendValue(out, item[i].value)
	}
	return append(out, '}')
}

func appendValue(out []byte, v value) []byte {
	out = append(out, `{"`...)
	out = append(out, v.kind.String()...)
	out = append(out, `":`...)
	switch v.kind {
	case kindBOOL, kindNULL:
		if v.flag {
			out = append(out, "true"...)
		} else {
			out = append(out, "false"...)
		}
	case kindL:
		out = append(out, '[')
		for i, e := range v.elems {
			if i > 0 {
				out = append(out, ',')
			}
			out = appendValue(out, e)
		}
		out = append(out, ']')
	case kindM:
		out = appendAttrs(out, v.fields)
	case kindSS, kindNS, kindBS:
		out = append(out, '[')
		for i, e := range v.elems {
			if i > 0 {
				out = append(out, ',')
			}
			out = appendScalar(out, e)
		}
		out = append(out, ']')
	default:
		out = appendScalar(out, v)
	}
	return append(out, '}')
}

func appendScalar(out []byte, v value) []byte {
	switch v.kind {
	case kindB:
		out = append(out, '"')
		out = base64.StdEncoding.AppendEncode(out, []byte(v.text))
		return append(out, '"')
	case kindN: // digits, sign and point need no escape
		out = append(out, '"')
		out = append(out, v.text...)
		return append(out, '"')
	}
	return appendString(out, v.text)
}

const hexDigits = "0123456789abcdef"

// appendString writes a JSON string; text is valid UTF-8, as decode makes it.
func appendString(out []byte, text string) []byte {
	out = append(out, '"')
	start := 0
	for i := 0; i < len(text); i++ {
		c := text[i]
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		out = append(out, text[start:i]...)
		start = i + 1
		switch c {
		case '"', '\\':
			out = append(out, '\\', c)
		case '\n':
			out = append(out, '\\', 'n')
		default:
			out = append(out, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&0xf])
		}
	}
	out = append(out, text[start:]...)
	return append(out, '"')
}
