package cloudwatch

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/payrail/payrail/local/wire"
)

// Metric math, as far as the stack's alarms need it: sums of metrics. The rules are those of "Metric math syntax and functions" in
// the CloudWatch user guide:
//
//   - a + b adds two series, or a number to each value of a series; a period has a result only if both have a value;
//   - SUM and MAX of an array ([m1, m2] or METRICS()) give a series: a period's result is made of the values there are;
//   - SUM and MAX of one series give a number, which no alarm can watch; they are refused, as everything else is.
//
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html

// node is a part of an expression whose result is a series.
type node interface {
	eval(s *store, start time.Time, n int) []*float64
	metrics(found []Metric) []Metric
}

type (
	// reference is the result of another query.
	reference struct{ *watched }
	// constant is a number in a sum.
	constant float64
	// addition is a + b + ….
	addition []node
	// aggregation is a function of an array, period by period.
	aggregation struct {
		of       func(a, b float64) float64
		elements []node
	}
)

func (r reference) eval(s *store, start time.Time, n int) []*float64 {
	numbers := make([]*float64, n)
	for i, v := range r.values(s, start, n) {
		if v != nil {
			numbers[i] = &v.number
		}
	}
	return numbers
}

func (r reference) metrics(found []Metric) []Metric { return append(found, r.watched.metrics()...) }

func (c constant) eval(_ *store, _ time.Time, n int) []*float64 {
	number := float64(c)
	return slices.Repeat([]*float64{&number}, n)
}

func (c constant) metrics(found []Metric) []Metric { return found }

func (a addition) eval(s *store, start time.Time, n int) []*float64 {
	sum := a[0].eval(s, start, n)
	for _, term := range a[1:] {
		for i, v := range term.eval(s, start, n) {
			if v == nil || sum[i] == nil {
				sum[i] = nil
				continue
			}
			total := *sum[i] + *v
			sum[i] = &total
		}
	}
	return sum
}

func (a addition) metrics(found []Metric) []Metric {
	for _, term := range a {
		found = term.metrics(found)
	}
	return found
}

func (a aggregation) eval(s *store, start time.Time, n int) []*float64 {
	result := make([]*float64, n)
	for _, element := range a.elements {
		for i, v := range element.eval(s, start, n) {
			switch {
			case v == nil:
			case result[i] == nil:
				result[i] = v
			default:
				combined := a.of(*result[i], *v)
				result[i] = &combined
			}
		}
	}
	return result
}

func (a aggregation) metrics(found []Metric) []Metric {
	for _, element := range a.elements {
		found = element.metrics(found)
	}
	return found
}

// planner makes expressions executable, each after those it refers to.
type planner struct {
	written map[string]MetricDataQuery
	done    map[string]*watched
	open    map[string]bool // Being made: met again, they would refer to themselves.
}

func (p *planner) query(id string) (*watched, error) {
	if w := p.done[id]; w != nil {
		return w, nil
	}
	q, ok := p.written[id]
	if !ok {
		return nil, invalid("Error in expression: Unknown identifier: %s", id)
	}
	if p.open[id] {
		return nil, invalid("Error in expression '%s': Circular reference", id)
	}
	p.open[id] = true
	text := &expressionText{planner: p, id: id, left: q.Expression}
	expression, err := text.sum()
	if err != nil {
		return nil, err
	}
	if text.skip(); text.left != "" {
		return nil, text.refuse(text.left)
	}
	if text.period == 0 {
		return nil, invalid("Error in expression '%s': the expression has no time series", id)
	}
	if q.Period != nil && time.Duration(*q.Period)*time.Second != text.period {
		return nil, wire.NotImplemented("the expression " + id + " with a period other than its metrics'")
	}
	w := &watched{period: text.period, expression: expression}
	p.done[id] = w
	return w, nil
}

// expressionText reads one expression.
type expressionText struct {
	planner *planner
	id      string
	left    string
	period  time.Duration // Of the series met; 0 while there are none.
}

func (t *expressionText) skip() { t.left = strings.TrimLeft(t.left, " \t\r\n") }

// take consumes a word if the text goes on with it.
func (t *expressionText) take(word string) bool {
	t.skip()
	rest, ok := strings.CutPrefix(t.left, word)
	if ok {
		t.left = rest
	}
	return ok
}

func (t *expressionText) refuse(what string) error {
	return wire.NotImplemented("metric math other than SUM([…]), MAX([…]) and +: " + t.planner.written[t.id].Expression + " (at " + strconv.Quote(what) + ")")
}

func (t *expressionText) sum() (node, error) {
	first, err := t.term()
	if err != nil {
		return nil, err
	}
	terms := addition{first}
	for t.take("+") {
		term, err := t.term()
		if err != nil {
			return nil, err
		}
		terms = append(terms, term)
	}
	if len(terms) == 1 {
		return first, nil
	}
	return terms, nil
}

func (t *expressionText) term() (node, error) {
	if t.take("(") {
		inner, err := t.sum()
		if err == nil && !t.take(")") {
			err = t.refuse(t.left)
		}
		return inner, err
	}
	word := t.word()
	switch {
	case word == "":
		return nil, t.refuse(t.left)
	case word[0] >= '0' && word[0] <= '9':
		number, err := strconv.ParseFloat(word, 64)
		if err != nil {
			return nil, t.refuse(word)
		}
		return constant(number), nil
	case t.take("("):
		return t.function(word)
	}
	w, err := t.planner.query(word)
	if err != nil {
		return nil, err
	}
	return t.series(w)
}

// word consumes a name or a number.
func (t *expressionText) word() string {
	t.skip()
	end := strings.IndexFunc(t.left, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' || r == '.')
	})
	if end < 0 {
		end = len(t.left)
	}
	word := t.left[:end]
	t.left = t.left[end:]
	return word
}

func (t *expressionText) series(w *watched) (node, error) {
	if t.period != 0 && t.period != w.period {
		return nil, wire.NotImplemented("the expression " + t.id + " over metrics of different periods")
	}
	t.period = w.period
	return reference{w}, nil
}

// function reads the rest of a call whose parenthesis is open.
func (t *expressionText) function(name string) (node, error) {
	a := aggregation{}
	switch name {
	case "SUM":
		a.of = func(a, b float64) float64 { return a + b }
	case "MAX":
		a.of = func(a, b float64) float64 { return max(a, b) }
	default:
		return nil, t.refuse(name)
	}
	var err error
	switch {
	case t.take("["):
		a.elements, err = t.array()
	case t.take("METRICS()"):
		a.elements, err = t.allMetrics()
	default:
		return nil, t.refuse(name + "(" + t.left)
	}
	if err == nil && !t.take(")") {
		err = t.refuse(t.left)
	}
	return a, err
}

func (t *expressionText) array() ([]node, error) {
	var elements []node
	for {
		element, err := t.sum()
		if err != nil {
			return nil, err
		}
		elements = append(elements, element)
		switch {
		case t.take(","):
		case t.take("]"):
			return elements, nil
		default:
			return nil, t.refuse(t.left)
		}
	}
}

// allMetrics are the metrics of the request, not its expressions.
func (t *expressionText) allMetrics() ([]node, error) {
	var elements []node
	for _, id := range sortedKeys(t.planner.written) {
		if t.planner.written[id].MetricStat == nil {
			continue
		}
		element, err := t.series(t.planner.done[id])
		if err != nil {
			return nil, err
		}
		elements = append(elements, element)
	}
	return elements, nil
}
