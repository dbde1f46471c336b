// Package pattern is the event pattern language of EventBridge rules, archives and pipe filters. A pattern is compiled
// once; an event is flattened once, keeping only the fields some pattern asks for, and is then matched against any number
// of patterns. The semantics are those of AWS's open-source matcher (aws/event-ruler): leaves only, arrays flattened, and
// no match across different elements of one array.
package pattern

import (
	"net/netip"
	"sort"
	"strings"
)

// MaxLength is the longest pattern the services take, in characters.
const MaxLength = 4096

// maxAlternatives is how many combinations the $or branches of one pattern may make; AWS refuses more.
const maxAlternatives = 1000

// Pattern is a compiled event pattern. It is immutable and safe for concurrent use.
type Pattern struct {
	// alternatives are what the pattern comes to once every $or is multiplied out; one of them must match.
	alternatives []alternative
}

// alternative is a set of fields that must all match, ordered by path as event-ruler does: the order decides which array
// elements an exists:false refers to.
type alternative []field

// field is one leaf of the pattern; one of its tests must match.
type field struct {
	path  string
	tests []test
	// absent is set where the field may also be missing ({"exists": false}).
	absent bool
	// wildcards are the wildcards by their match expressions, for the check of their complexity.
	wildcards map[string][]string
}

// test decides on one leaf value of an event.
type test func(value) bool

// Match reports whether the event has what the pattern asks for. The event must have been made by a Set that holds p.
func (p *Pattern) Match(e *Event) bool {
	for _, a := range p.alternatives {
		if a.match(e, nil) {
			return true
		}
	}
	return false
}

// MatchJSON flattens one JSON event for this pattern alone and matches it.
func (p *Pattern) MatchJSON(event []byte) (bool, error) {
	e, err := NewSet(p).Flatten(event)
	if err != nil {
		return false, err
	}
	return p.Match(e), nil
}

// match tries the fields in order; chosen are the array elements that the values taken so far lie in.
func (a alternative) match(e *Event, chosen membership) bool {
	if len(a) == 0 {
		return true
	}
	f, rest := a[0], a[1:]
	present := false
	for _, v := range e.values[f.path] {
		merged, ok := chosen.merge(v.within)
		if !ok {
			continue
		}
		present = true
		if f.accepts(v) && rest.match(e, merged) {
			return true
		}
	}
	return !present && f.absent && rest.match(e, chosen)
}

func (f field) accepts(v value) bool {
	for _, t := range f.tests {
		if t(v) {
			return true
		}
	}
	return false
}

// paths adds the dotted paths of all fields, and of the objects above them, to wanted.
func (p *Pattern) paths(wanted map[string]bool) {
	for _, a := range p.alternatives {
		for _, f := range a {
			wanted[f.path] = true
			for i := range f.path {
				if f.path[i] == '.' && !wanted[f.path[:i]] {
					wanted[f.path[:i]] = false
				}
			}
		}
	}
}

func (a alternative) sorted() alternative {
	sort.SliceStable(a, func(i, j int) bool { return a[i].path < a[j].path })
	return a
}

// address is the IP address a string spells; addresses compare by value, so that two spellings of one IPv6 address match.
// A mixed spelling (::ffff:10.0.0.1) is none for the service, and the IPv6 form of an IPv4 address is that IPv4 address.
func address(text string) (netip.Addr, bool) {
	if len(text) < 2 || len(text) > 45 || strings.Contains(text, ":") && strings.Contains(text, ".") {
		return netip.Addr{}, false
	}
	a, err := netip.ParseAddr(text)
	return a.Unmap(), err == nil && a.Zone() == ""
}
