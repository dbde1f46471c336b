package panguard

import "unicode/utf8"

// window is how many digits are looked at together. A longer run is a dump of some record; its digits pass through the window.
const window = 64

// run is a sequence of digits with nothing but separators between them. It is no slice, so that looking for one costs no memory.
type run struct {
	digits [window]byte
	at     [window]int // where in the text each digit stands
	n      int
	// starts is the index of the first digit of each unbroken group.
	starts [window]int
	groups int
	// passed says that digits of this run have left the window.
	passed bool
}

func (r *run) reset() { r.n, r.groups, r.passed = 0, 0, false }

func (r *run) add(value byte, at int, separated bool) {
	if r.n == 0 || separated {
		r.starts[r.groups] = r.n
		r.groups++
	}
	r.digits[r.n], r.at[r.n] = value, at
	r.n++
}

// slide makes room, keeping the digits with which a card number may still begin.
func (r *run) slide() {
	const kept = maxDigits - 1
	dropped := r.n - kept
	copy(r.digits[:], r.digits[dropped:r.n])
	copy(r.at[:], r.at[dropped:r.n])
	r.n, r.passed = kept, true
	groups := 0
	for _, start := range r.starts[:r.groups] {
		if start >= dropped {
			r.starts[groups] = start - dropped
			groups++
		}
	}
	r.groups = groups
}

// span is the part of text from the first digit to the end of the last one.
func (r *run) span(text string, first, last int) (start, end int, found bool) {
	_, width := utf8.DecodeRuneInString(text[r.at[last]:])
	return r.at[first], r.at[last] + width, true
}

func (r *run) judge(loosely bool) (first, last int, found bool) {
	switch {
	case r.n < minDigits:
		return 0, 0, false
	case loosely:
		return r.groupedCard()
	default:
		return 0, r.n - 1, r.card()
	}
}

// card looks at every window of the run that may be a card number by itself. In a run too long for one number that is every
// window, wherever it starts: a dump has no word boundaries.
func (r *run) card() bool {
	if r.n > maxDigits || r.passed {
		return r.anywhere()
	}
	return r.wholeGroups()
}

func (r *run) wholeGroups() bool {
	for i, start := range r.starts[:r.groups] {
		// Zeros at the head of a group pad a fixed-width field: "0004111111111111111".
		for ; start+minDigits <= r.n; start++ {
			if r.cardFrom(start) {
				return true
			}
			if r.digits[start] != 0 || (i+1 < r.groups && start+1 == r.starts[i+1]) {
				break
			}
		}
	}
	return false
}

// cardFrom reports whether a card number starts at start and ends where a group does, or is the head of a longer group.
func (r *run) cardFrom(start int) bool {
	for length := minDigits; length <= min(maxDigits, r.n-start); length++ {
		end := start + length
		if (r.endsGroup(end) || (length >= minPrefixed && r.unbroken(start, end+1))) && isCard(r.digits[start:end]) {
			return true
		}
	}
	return false
}

func (r *run) endsGroup(end int) bool {
	if end == r.n {
		return true
	}
	for _, start := range r.starts[:r.groups] {
		if start == end {
			return true
		}
	}
	return false
}

// unbroken reports whether [start,end) lies in one group.
func (r *run) unbroken(start, end int) bool {
	for _, s := range r.starts[:r.groups] {
		if s > start && s < end {
			return false
		}
	}
	return end <= r.n
}

func (r *run) anywhere() bool {
	for start := 0; start+minDigits <= r.n; start++ {
		for length := minDigits; length <= min(maxDigits, r.n-start); length++ {
			if isCard(r.digits[start : start+length]) {
				return true
			}
		}
	}
	return false
}

// groupedCard looks for a card number whose groups are separated by any punctuation, as in "4111.1111.1111.1111" or in a JSON
// list. Such separators also stand between numbers that do not belong together, so only groupings count that card numbers are
// written in.
func (r *run) groupedCard() (first, last int, found bool) {
	starts := r.starts[:r.groups]
	for i := range starts {
		for j := i + minGroups; j <= len(starts); j++ {
			start, end := starts[i], r.n
			if j < len(starts) {
				end = starts[j]
			}
			if end-start > maxDigits {
				break
			}
			if end-start >= minDigits && isGrouping(starts[i:j], end) && isCard(r.digits[start:end]) {
				return start, end - 1, true
			}
		}
	}
	return 0, 0, false
}

// minGroups tells a grouped number from one with a decimal point.
const minGroups = 3

// unequal are the groupings of card numbers that are not into equal parts: American Express, Diners Club, and issuer range,
// middle, last four.
var unequal = [][minGroups]int{{4, 6, 5}, {4, 6, 4}, {6, 6, 4}}

// isGrouping reports whether groups that start at starts, up to end, are equal but for a shorter last one, or of a usual grouping.
func isGrouping(starts []int, end int) bool {
	if len(starts) == minGroups {
		lengths := [minGroups]int{starts[1] - starts[0], starts[2] - starts[1], end - starts[2]}
		for _, usual := range unequal {
			if lengths == usual {
				return true
			}
		}
	}
	size := starts[1] - starts[0]
	for i := 1; i+1 < len(starts); i++ {
		if starts[i+1]-starts[i] != size {
			return false
		}
	}
	return end-starts[len(starts)-1] <= size
}

// isCard reports whether the digits are a card number of some network.
func isCard(digits []byte) bool { return knownIssuer(digits) && luhn(digits) }

// luhn reports whether the last digit is the check digit of ISO/IEC 7812-1 annex B.
func luhn(digits []byte) bool {
	sum := 0
	for i, digit := range digits {
		value := int(digit)
		if (len(digits)-i)%2 == 0 {
			if value *= 2; value > 9 {
				value -= 9
			}
		}
		sum += value
	}
	return sum%10 == 0
}
