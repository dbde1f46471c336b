package dynamodb

import (
	"slices"
	"sort"
	"strings"
)

// kind is the data type of an attribute value.
type kind uint8

const (
	kindS kind = iota + 1
	kindN
	kindB
	kindBOOL
	kindNULL
	kindL
	kindM
	kindSS
	kindNS
	kindBS
)

var kindNames = [...]string{kindS: "S", kindN: "N", kindB: "B", kindBOOL: "BOOL", kindNULL: "NULL", kindL: "L", kindM: "M",
	kindSS: "SS", kindNS: "NS", kindBS: "BS"}

func (k kind) String() string { return kindNames[k] }

// element is the kind of a set's elements.
func (k kind) element() kind {
	switch k {
	case kindSS:
		return kindS
	case kindNS:
		return kindN
	case kindBS:
		return kindB
	}
	return 0
}

func (k kind) isSet() bool { return k.element() != 0 }

// value is one attribute value. Values are immutable once made: updates build new ones that share what did not change.
type value struct {
	kind   kind
	flag   bool    // BOOL
	text   string  // S; N in normalised form; B as raw bytes
	elems  []value // L in order; sets in ascending order, without duplicates
	fields attrs   // M
}

// attr is a named value; attrs an item or a map: sorted by name, without duplicates.
type (
	attr struct {
		name  string
		value value
	}
	attrs []attr
)

func (a attrs) find(name string) (int, bool) {
	// Most items have few attributes; the sorted order is for the canonical encoding.
	return sort.Find(len(a), func(i int) int { return strings.Compare(name, a[i].name) })
}

func (a attrs) get(name string) (value, bool) {
	i, ok := a.find(name)
	if !ok {
		return value{}, false
	}
	return a[i].value, true
}

// with returns a copy that has v at name.
func (a attrs) with(name string, v value) attrs {
	i, ok := a.find(name)
	if ok {
		out := slices.Clone(a)
		out[i].value = v
		return out
	}
	out := make(attrs, 0, len(a)+1)
	out = append(out, a[:i]...)
	out = append(out, attr{name, v})
	return append(out, a[i:]...)
}

// without returns a copy that has nothing at name.
func (a attrs) without(name string) attrs {
	i, ok := a.find(name)
	if !ok {
		return a
	}
	out := make(attrs, 0, len(a)-1)
	out = append(out, a[:i]...)
	return append(out, a[i+1:]...)
}

// sorted puts freshly decoded attributes in order; of several with one name the last stays.
func (a attrs) sorted() attrs {
	byName := func(x, y attr) int { return strings.Compare(x.name, y.name) }
	if !slices.IsSortedFunc(a, byName) {
		slices.SortStableFunc(a, byName)
	}
	out := a[:0]
	for i := range a {
		if i+1 < len(a) && a[i+1].name == a[i].name {
			continue
		}
		out = append(out, a[i])
	}
	return out
}

// compareScalars orders two values of the same kind S, N or B; other kinds have no order.
func compareScalars(a, b value) int {
	if a.kind == kindN {
		return compareNumbers(a.text, b.text)
	}
	return strings.Compare(a.text, b.text)
}

func (k kind) isOrdered() bool { return k == kindS || k == kindN || k == kindB }

func (v value) equal(w value) bool {
	if v.kind != w.kind {
		return false
	}
	switch v.kind {
	case kindS, kindN, kindB:
		return v.text == w.text // Numbers are normalised, so that one number has one text.
	case kindBOOL:
		return v.flag == w.flag
	case kindNULL:
		return true
	case kindM:
		return slices.EqualFunc(v.fields, w.fields, func(a, b attr) bool { return a.name == b.name && a.value.equal(b.value) })
	}
	return slices.EqualFunc(v.elems, w.elems, value.equal)
}

// union and difference work on sets of one kind, whose elements are in order.
func (v value) union(w value) value {
	out := make([]value, 0, len(v.elems)+len(w.elems))
	out = append(append(out, v.elems...), w.elems...)
	slices.SortFunc(out, compareScalars)
	return value{kind: v.kind, elems: slices.CompactFunc(out, value.equal)}
}

func (v value) difference(w value) value {
	var out []value
	for _, e := range v.elems {
		if !w.hasElement(e) {
			out = append(out, e)
		}
	}
	return value{kind: v.kind, elems: out}
}

func (v value) hasElement(e value) bool { return slices.ContainsFunc(v.elems, e.equal) }

// size is what the value counts against the item limit and in capacity, by the rules of the developer guide ("Item sizes
// and formats").
func (v value) size() int {
	switch v.kind {
	case kindS, kindB:
		return len(v.text)
	case kindN:
		return numberSize(v.text)
	case kindL:
		n := 3 // overhead of a list or map, and one byte per element
		for _, e := range v.elems {
			n += 1 + e.size()
		}
		return n
	case kindM:
		return 3 + len(v.fields) + v.fields.size()
	case kindSS, kindNS, kindBS:
		n := 0
		for _, e := range v.elems {
			n += e.size()
		}
		return n
	}
	return 1
}

// numberSize is one byte, one per two significant digits before the point and one per two behind it, and one for a minus sign. The
// developer guide's "1 byte per two significant digits" leaves out that the digits on both sides of a point are counted apart.
func numberSize(text string) int {
	digits, n := strings.TrimPrefix(text, "-"), 1
	if len(digits) != len(text) {
		n++
	}
	whole, fraction, found := strings.Cut(digits, ".")
	switch {
	case !found:
		whole = strings.TrimRight(whole, "0")
	case whole == "0":
		whole, fraction = "", strings.TrimLeft(fraction, "0")
	}
	return n + (len(whole)+1)/2 + (len(fraction)+1)/2
}

// levels is how deep the attributes are nested: 1 where none is a list or map.
func (a attrs) levels() int {
	most := 0
	for i := range a {
		most = max(most, a[i].value.levels())
	}
	return most
}

func (v value) levels() int {
	most := v.fields.levels()
	if v.kind == kindL {
		for _, e := range v.elems {
			most = max(most, e.levels())
		}
	}
	return 1 + most
}

func (a attrs) size() int {
	n := 0
	for i := range a {
		n += len(a[i].name) + a[i].value.size()
	}
	return n
}
