package stepfunctions

import (
	"fmt"
	"regexp"
	"strings"
)

// equality is one condition of a filter: a field of the element is equal to a literal.
type equality struct {
	field   string
	literal *value
}

// comparisonForm is a condition that this package and the service read alike. An existence test (@.x) is not among them:
// interpreters differ on whether a field that is false exists. Nor are order and !=: what they give for a field that is not
// there, or of another type, is each library's own.
var comparisonForm = regexp.MustCompile(`^@\.([A-Za-z_][A-Za-z0-9_]*)\s*==\s*(true|false|-?[0-9]+|'[^'\\\]]*')$`)

// filterStep compiles what stands between the brackets of [?(@.a == true && @.b == 'x')].
func filterStep(inside string) (step, error) {
	conditions, opened := strings.CutPrefix(inside, "?(")
	conditions, closed := strings.CutSuffix(conditions, ")")
	if !opened || !closed {
		return step{}, fmt.Errorf("[%s]: a filter has the form [?(…)]", inside)
	}
	s := step{kind: stepFilter}
	for text := range strings.SplitSeq(conditions, "&&") {
		parts := comparisonForm.FindStringSubmatch(strings.TrimSpace(text))
		if parts == nil {
			return step{}, fmt.Errorf("[%s]: %q is a filter expression that is not done by the local runtime, only comparisons like @.name == true, joined by &&", inside, strings.TrimSpace(text))
		}
		c := equality{field: parts[1]}
		if quoted, ok := strings.CutPrefix(parts[2], "'"); ok {
			c.literal = stringValue(strings.TrimSuffix(quoted, "'"))
		} else {
			literal, err := parse([]byte(parts[2]))
			if err != nil {
				return step{}, fmt.Errorf("[%s]: %w", inside, err)
			}
			c.literal = literal
		}
		s.filter = append(s.filter, c)
	}
	return s, nil
}

// matching are the elements of an array for which every condition holds, in their order. One that lacks a field does not match.
func (s *step) matching(v *value) []*value {
	if v.kind != kindArray {
		return nil
	}
	var out []*value
	for _, element := range v.elems {
		if s.matches(element) {
			out = append(out, element)
		}
	}
	return out
}

func (s *step) matches(element *value) bool {
	if element.kind != kindObject {
		return false
	}
	for _, c := range s.filter {
		field := element.get(c.field)
		if field == nil || !field.equal(c.literal) {
			return false
		}
	}
	return true
}

// filtered reports whether the path holds a filter, which a reference path may not.
func (p *path) filtered() bool {
	for _, s := range p.steps {
		if s.kind == stepFilter {
			return true
		}
	}
	return false
}
