package pattern

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
)

const (
	// maxComplexity is how many beginnings of wildcard patterns one value of a field may match at once. The service refuses more
	// without naming its limit; 10 lies between what the documentation and users report as accepted (8) and as refused (11).
	// Source of the measure: event-ruler, MachineComplexityEvaluator; of the refusals:
	// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html#eb-filtering-wildcard-matching-complexity
	maxComplexity = 10
	// maxStates bounds the search; what needs more states is far beyond the limit.
	maxStates = 20_000
	asterisk  = 256 // Stands beside the 256 bytes.
)

var errTooComplex = refuse("Rule is too complex - try using fewer wildcard characters or fewer repeating character sequences after a wildcard character")

// checkComplexity refuses wildcards that take the service too much work. It looks at all wildcards of a field together, also
// where $or keeps them apart: it may refuse a little more than the service, and never less.
func checkComplexity(alternatives []alternative) error {
	byPath := map[string]map[string][]string{} // Path, then the match expression, to its wildcards.
	for _, a := range alternatives {
		for _, f := range a {
			for expression, texts := range f.wildcards {
				if byPath[f.path] == nil {
					byPath[f.path] = map[string][]string{}
				}
				byPath[f.path][expression] = texts
			}
		}
	}
	for path, expressions := range byPath {
		if complexity(expressions) > maxComplexity {
			return fmt.Errorf("%w%s", errTooComplex, at(path))
		}
	}
	return nil
}

// wildcardsOf are the wildcards of one match expression, none where it has none. The expression is valid.
func wildcardsOf(expression json.RawMessage) []string {
	var e struct {
		Wildcard    string          `json:"wildcard"`
		AnythingBut json.RawMessage `json:"anything-but"`
	}
	if json.Unmarshal(expression, &e) != nil {
		return nil
	}
	if e.AnythingBut == nil || e.AnythingBut[0] != '{' {
		if e.Wildcard == "" {
			return nil
		}
		return []string{e.Wildcard}
	}
	var inner struct {
		Wildcard json.RawMessage `json:"wildcard"`
	}
	if json.Unmarshal(e.AnythingBut, &inner) != nil || inner.Wildcard == nil {
		return nil
	}
	items, err := oneOrMany(inner.Wildcard)
	if err != nil {
		return nil
	}
	texts := make([]string, 0, len(items))
	for _, item := range items {
		text, _ := stringOf(item, "wildcard") // Compiled before.
		texts = append(texts, text)
	}
	return texts
}

// automaton is the wildcards of a field as event-ruler runs them: all at once, byte by byte, quotation marks included.
type automaton struct {
	patterns []tokens
	alphabet []int
}

type tokens struct {
	of []int // Bytes and asterisks.
	// states[n] counts once however many patterns are in it: the part up to the first asterisk is shared, and so is the end of
	// one expression.
	states []string
}

// place is how far one pattern has been read.
type place struct{ pattern, position int }

func newAutomaton(expressions map[string][]string) automaton {
	a := automaton{alphabet: []int{-1}} // -1 is any byte that no pattern names.
	for group, name := range sortedNames(expressions) {
		for _, text := range expressions[name] {
			a.patterns = append(a.patterns, tokenize(text, len(a.patterns), group))
		}
	}
	for _, p := range a.patterns {
		for _, token := range p.of {
			if token != asterisk && !slices.Contains(a.alphabet, token) {
				a.alphabet = append(a.alphabet, token)
			}
		}
	}
	return a
}

func sortedNames(m map[string][]string) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func tokenize(text string, pattern, group int) tokens {
	t := tokens{of: []int{'"'}}
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '*':
			t.of = append(t.of, asterisk)
			continue
		case '\\':
			i++
		}
		t.of = append(t.of, int(text[i]))
	}
	t.of = append(t.of, '"')
	suffix, own := "/"+strconv.Itoa(group), strconv.Itoa(pattern)+":"
	shared, prefix := true, ""
	t.states = []string{"start"}
	for i, token := range t.of {
		if shared {
			prefix += strconv.Itoa(token) + ","
		}
		switch {
		case i == len(t.of)-1:
			t.states = append(t.states, "end"+suffix)
		case shared:
			t.states = append(t.states, prefix+suffix)
		default:
			t.states = append(t.states, own+strconv.Itoa(i)+suffix)
		}
		shared = shared && token != asterisk
	}
	return t
}

// complexity is the largest number of states the automaton can be in at once, up to one beyond the limit.
func complexity(expressions map[string][]string) int {
	a := newAutomaton(expressions)
	var start []place
	for i := range a.patterns {
		start = append(start, place{pattern: i})
	}
	seen := map[string]bool{}
	largest := 0
	for pending := [][]place{start}; len(pending) > 0; {
		active := pending[len(pending)-1]
		pending = pending[:len(pending)-1]
		for _, b := range a.alphabet {
			next := a.step(active, b)
			if largest = max(largest, a.count(next)); largest > maxComplexity || len(seen) > maxStates {
				return maxComplexity + 1
			}
			if key := fmt.Sprint(next); len(next) > 0 && !seen[key] {
				seen[key] = true
				pending = append(pending, next)
			}
		}
	}
	return largest
}

// step is where the automaton is after one more byte.
func (a automaton) step(active []place, b int) []place {
	var next []place
	add := func(p place) {
		if !slices.Contains(next, p) {
			next = append(next, p)
		}
	}
	for _, p := range active {
		of := a.patterns[p.pattern].of
		if p.position > 0 && of[p.position-1] == asterisk {
			add(p)
		}
		if p.position < len(of) && of[p.position] == b {
			p.position++
			add(p)
			if p.position < len(of) && of[p.position] == asterisk {
				p.position++
				add(p)
			}
		}
	}
	slices.SortFunc(next, func(x, y place) int {
		if x.pattern != y.pattern {
			return x.pattern - y.pattern
		}
		return x.position - y.position
	})
	return next
}

func (a automaton) count(active []place) int {
	states := map[string]bool{}
	for _, p := range active {
		states[a.patterns[p.pattern].states[p.position]] = true
	}
	return len(states)
}
