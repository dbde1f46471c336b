package cloudwatch

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/payrail/payrail/local/wire"
)

// rule is a composite alarm's AlarmRule. NOT binds closer than AND, and AND closer than OR.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutCompositeAlarm.html
type rule interface {
	// holds evaluates the rule over the states of alarms.
	holds(stateOf func(name string) State) bool
	// alarms adds the names of the alarms it asks for.
	alarms(names map[string]bool)
}

type (
	inState struct {
		name  string
		state State
	}
	always bool
	not    struct{ rule }
	and    []rule
	or     []rule
)

func (r inState) holds(stateOf func(string) State) bool { return stateOf(r.name) == r.state }
func (r inState) alarms(names map[string]bool)          { names[r.name] = true }

func (r always) holds(func(string) State) bool { return bool(r) }
func (always) alarms(map[string]bool)          {}

func (r not) holds(stateOf func(string) State) bool { return !r.rule.holds(stateOf) }

func (r and) holds(stateOf func(string) State) bool {
	return !slices.ContainsFunc(r, func(part rule) bool { return !part.holds(stateOf) })
}

func (r and) alarms(names map[string]bool) {
	for _, part := range r {
		part.alarms(names)
	}
}

func (r or) holds(stateOf func(string) State) bool {
	return slices.ContainsFunc(r, func(part rule) bool { return part.holds(stateOf) })
}

func (r or) alarms(names map[string]bool) {
	for _, part := range r {
		part.alarms(names)
	}
}

// children are the names of the alarms a rule asks for, in order.
func children(r rule) []string {
	names := map[string]bool{}
	r.alarms(names)
	return slices.Sorted(maps.Keys(names))
}

// parseRule reads an AlarmRule. arnPrefix is what precedes the name in the ARN of an alarm of this account and region.
func parseRule(text, arnPrefix string) (rule, error) {
	if text == "" {
		return nil, isNull("alarmRule")
	}
	if len(text) > maxRuleLength {
		return nil, invalid("1 validation error detected: Value at 'alarmRule' failed to satisfy constraint: Member must have length less than or equal to %d", maxRuleLength)
	}
	t := &ruleText{left: text, arnPrefix: arnPrefix}
	r, err := t.or()
	if err == nil && t.next() != "" {
		err = t.wrong(t.left)
	}
	if err != nil {
		return nil, err
	}
	if n := len(children(r)); n > maxRuleAlarms {
		return nil, invalid("AlarmRule has %d alarms, up to %d are allowed", n, maxRuleAlarms)
	}
	if t.elements > maxRuleElements {
		return nil, invalid("AlarmRule has %d elements, up to %d are allowed", t.elements, maxRuleElements)
	}
	return r, nil
}

// ruleText reads a rule from left to right.
type ruleText struct {
	left      string
	arnPrefix string
	elements  int
}

func (t *ruleText) wrong(at string) error {
	return invalid("AlarmRule is not valid at %s", strconv.Quote(at))
}

// next is the word or parenthesis the text goes on with; "" at its end.
func (t *ruleText) next() string {
	t.left = strings.TrimLeft(t.left, " \t\r\n")
	if t.left == "" {
		return ""
	}
	end := strings.IndexAny(t.left, " \t\r\n()\"")
	switch end {
	case -1:
		return t.left
	case 0:
		return t.left[:1]
	}
	return t.left[:end]
}

func (t *ruleText) take(word string) bool {
	if t.next() != word {
		return false
	}
	t.left = t.left[len(word):]
	return true
}

func (t *ruleText) or() (rule, error) {
	return t.chain("OR", t.and, func(parts []rule) rule { return or(parts) })
}

func (t *ruleText) and() (rule, error) {
	return t.chain("AND", t.not, func(parts []rule) rule { return and(parts) })
}

// chain reads parts with an operator between them.
func (t *ruleText) chain(operator string, part func() (rule, error), join func([]rule) rule) (rule, error) {
	var parts []rule
	for {
		r, err := part()
		if err != nil {
			return nil, err
		}
		parts = append(parts, r)
		if !t.take(operator) {
			break
		}
	}
	if len(parts) == 1 {
		return parts[0], nil
	}
	return join(parts), nil
}

func (t *ruleText) not() (rule, error) {
	if t.take("NOT") {
		r, err := t.not()
		return not{r}, err
	}
	t.elements++
	if t.take("(") {
		r, err := t.or()
		if err == nil && !t.take(")") {
			err = t.wrong(t.left)
		}
		t.elements++
		return r, err
	}
	word := t.next()
	switch word {
	case "TRUE", "FALSE":
		t.take(word)
		return always(word == "TRUE"), nil
	case string(Alarm), string(OK), string(InsufficientData):
		t.take(word)
		name, err := t.name()
		return inState{name, State(word)}, err
	case "AT_LEAST":
		return nil, wire.NotImplemented("AT_LEAST in alarm rules")
	}
	return nil, t.wrong(t.left)
}

// name reads an alarm's name or ARN in parentheses; quotes around it are optional.
func (t *ruleText) name() (string, error) {
	if !t.take("(") {
		return "", t.wrong(t.left)
	}
	t.left = strings.TrimLeft(t.left, " \t\r\n")
	var name string
	if quoted, ok := strings.CutPrefix(t.left, `"`); ok {
		end := strings.IndexByte(quoted, '"')
		if end < 0 {
			return "", t.wrong(t.left)
		}
		name, t.left = quoted[:end], quoted[end+1:]
		if !t.take(")") {
			return "", t.wrong(t.left)
		}
	} else {
		end := strings.IndexByte(t.left, ')')
		if end < 0 {
			return "", t.wrong(t.left)
		}
		name, t.left = strings.TrimSpace(t.left[:end]), t.left[end+1:]
	}
	name = strings.TrimPrefix(name, t.arnPrefix)
	if name == "" || strings.HasPrefix(name, "arn:") {
		return "", invalid("AlarmRule names no alarm of this account and region: %q", name)
	}
	return name, nil
}
