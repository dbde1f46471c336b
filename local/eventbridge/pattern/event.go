package pattern

import (
	"encoding/json"
	"errors"
	"slices"
	"unicode/utf8"
)

type kind byte

const (
	kindString kind = iota
	kindNumber
	kindLiteral
)

// value is one leaf of an event: the decoded text of a string, or a number, true, false or null as spelled.
type value struct {
	text   string
	within membership
	kind   kind
}

// element is a place in an array; arrays are numbered through the event.
type element struct{ array, index int }

// membership is the array elements a value lies in, outermost first. As in event-ruler an element is an object or an array: a
// scalar in an array lies in no element of it, and goes with every object beside it.
type membership []element

// merge joins two memberships; ok is false where they lie in different elements of one array.
func (m membership) merge(other membership) (merged membership, ok bool) {
	merged = m
	for _, o := range other {
		i := slices.IndexFunc(merged, func(e element) bool { return e.array == o.array })
		switch {
		case i < 0:
			merged = append(slices.Clip(merged), o)
		case merged[i].index != o.index:
			return nil, false
		}
	}
	return merged, true
}

// Event is the flattened form of an event: the values at the dotted paths that the patterns of a Set ask for. Arrays have
// no path of their own; objects are not values, so that an object or an empty array counts as a missing field.
type Event struct{ values map[string][]value }

// Set knows the fields that a number of patterns ask for. It is immutable and safe for concurrent use.
type Set struct {
	// wanted has every dotted path of the patterns (true) and of the objects above them (false).
	wanted map[string]bool
}

// NewSet makes the set of the given patterns; nil ones are left out.
func NewSet(patterns ...*Pattern) *Set {
	s := &Set{wanted: map[string]bool{}}
	for _, p := range patterns {
		if p != nil {
			p.paths(s.wanted)
		}
	}
	return s
}

// ErrNotObject is the error of an event that is not a JSON object.
var ErrNotObject = errors.New("the event is not a JSON object")

// Flatten reads one event, once for all patterns of the set.
func (s *Set) Flatten(event []byte) (*Event, error) {
	if !json.Valid(event) || !isObject(event) {
		return nil, ErrNotObject
	}
	return s.FlattenValid(event), nil
}

// FlattenValid is Flatten for a text that is known to be a valid JSON object; any other text gives an event with
// arbitrary content.
func (s *Set) FlattenValid(event []byte) *Event {
	w := walker{text: event, wanted: s.wanted, event: &Event{values: make(map[string][]value, len(s.wanted))}}
	w.space()
	w.object(w.path[:0], nil)
	return w.event
}

// walker goes once over a valid JSON text and collects the wanted leaves.
type walker struct {
	text   []byte
	at     int
	wanted map[string]bool
	event  *Event
	arrays int
	path   [256]byte
}

// object reads the object at the position. Of a name that occurs more than once the last one counts, hence the two passes.
func (w *walker) object(path []byte, within membership) {
	type place struct {
		path  string
		start int
	}
	var found []place
	w.at++ // {
	for w.space(); w.at < len(w.text) && w.text[w.at] != '}'; w.space() {
		if w.text[w.at] == ',' {
			w.at++
			continue
		}
		child := path
		if len(child) > 0 {
			child = append(child, '.')
		}
		child = w.appendString(child)
		w.space()
		w.at++ // :
		w.space()
		if _, ok := w.wanted[string(child)]; ok {
			i := slices.IndexFunc(found, func(p place) bool { return p.path == string(child) })
			if i >= 0 {
				found[i].start = w.at
			} else {
				found = append(found, place{path: string(child), start: w.at})
			}
		}
		w.skip()
	}
	w.at++ // }
	end := w.at
	for _, p := range found {
		w.at = p.start
		w.value(p.path, within)
	}
	w.at = end
}

// value reads the value at the position, which belongs to a wanted path.
func (w *walker) value(path string, within membership) {
	switch w.text[w.at] {
	case '{':
		w.object(append([]byte(nil), path...), within)
	case '[':
		w.array(path, within)
	case '"':
		text := string(w.appendString(nil))
		w.add(path, value{kind: kindString, text: text, within: within})
	case 't', 'f', 'n':
		w.add(path, value{kind: kindLiteral, text: w.scalar(), within: within})
	default:
		w.add(path, value{kind: kindNumber, text: w.scalar(), within: within})
	}
}

func (w *walker) add(path string, v value) {
	if w.wanted[path] {
		w.event.values[path] = append(w.event.values[path], v)
	}
}

func (w *walker) array(path string, within membership) {
	id, index := w.arrays, 0
	w.arrays++
	w.at++ // [
	for w.space(); w.at < len(w.text) && w.text[w.at] != ']'; w.space() {
		if w.text[w.at] == ',' {
			w.at++
			continue
		}
		if c := w.text[w.at]; c == '{' || c == '[' {
			w.value(path, append(slices.Clip(within), element{array: id, index: index}))
		} else {
			w.value(path, within)
		}
		index++
	}
	w.at++ // ]
}

func (w *walker) scalar() string {
	start := w.at
	w.skip()
	return string(w.text[start:w.at])
}

func (w *walker) space() {
	for w.at < len(w.text) {
		switch w.text[w.at] {
		case ' ', '\t', '\r', '\n':
			w.at++
		default:
			return
		}
	}
}

// skip goes past the value at the position.
func (w *walker) skip() {
	depth := 0
	for w.at < len(w.text) {
		switch w.text[w.at] {
		case '"':
			w.skipString()
		case '{', '[':
			depth++
			w.at++
		case '}', ']':
			if depth == 0 {
				return
			}
			depth--
			w.at++
		case ',', ' ', '\t', '\r', '\n':
			if depth == 0 {
				return
			}
			w.at++
			continue
		case ':':
			w.at++
			continue
		default:
			w.at++
			continue // Within a number or a literal.
		}
		if depth == 0 {
			return
		}
	}
}

func (w *walker) skipString() {
	for w.at++; w.at < len(w.text); w.at++ {
		switch w.text[w.at] {
		case '"':
			w.at++
			return
		case '\\':
			w.at++
		}
	}
}

// appendString reads the string at the position and appends its decoded text.
func (w *walker) appendString(to []byte) []byte {
	start := w.at
	w.skipString()
	raw := w.text[start:min(w.at, len(w.text))]
	plain := len(raw) >= 2 && !slices.Contains(raw, '\\') && utf8.Valid(raw)
	if plain {
		return append(to, raw[1:len(raw)-1]...)
	}
	var decoded string
	if err := json.Unmarshal(raw, &decoded); err != nil {
		return to // Not reached for valid JSON.
	}
	return append(to, decoded...)
}
