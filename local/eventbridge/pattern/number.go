package pattern

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// Numbers compare by value between -5e9 and 5e9, with six digits after the point: the range of the service.
const (
	numberScale  = 6
	numberLimit  = 5_000_000_000 * 1_000_000
	maxDigits    = 64 // A JSON number with more significant digits is outside the range or its precision.
	maxExponents = 4  // Digits of an exponent; more is far outside the range.
)

// number is a JSON number in millionths, rounded down; rest is set where digits were cut off.
type number struct {
	millionths int64
	rest       bool
}

func (n number) compare(to number) int {
	switch {
	case n.millionths < to.millionths:
		return -1
	case n.millionths > to.millionths:
		return 1
	case n.rest == to.rest:
		return 0
	case n.rest:
		return 1
	}
	return -1
}

// parseNumber reads a valid JSON number exactly; ok is false where it lies outside the comparable range.
func parseNumber(text string) (n number, ok bool) {
	negative := strings.HasPrefix(text, "-")
	mantissa, exponentText, _ := strings.Cut(strings.ToLower(strings.TrimPrefix(text, "-")), "e")
	whole, fraction, _ := strings.Cut(mantissa, ".")
	digits := strings.TrimLeft(whole+fraction, "0")
	if digits == "" {
		return number{}, true
	}
	exponent := 0
	if exponentText != "" {
		if len(exponentText) > maxExponents {
			return number{}, false
		}
		e, err := strconv.Atoi(exponentText)
		if err != nil {
			return number{}, false
		}
		exponent = e
	}
	// The point moves numberScale places to the right: what is left of it are the millionths.
	cut := len(digits) - len(fraction) + exponent + numberScale
	if cut > len("5000000000")+numberScale || len(digits) > maxDigits {
		return number{}, false
	}
	left, right := digits, ""
	switch {
	case cut <= 0:
		left, right = "0", digits
	case cut < len(digits):
		left, right = digits[:cut], digits[cut:]
	default:
		left += strings.Repeat("0", cut-len(digits))
	}
	v, err := strconv.ParseInt(left, 10, 64)
	if err != nil {
		return number{}, false
	}
	rest := strings.Trim(right, "0") != ""
	if negative {
		v = -v
		if rest {
			v-- // Rounding down goes away from zero here.
		}
	}
	if v < -numberLimit || v > numberLimit || v == numberLimit && rest {
		return number{}, false
	}
	return number{millionths: v, rest: rest}, true
}

func notComparable(text string) error {
	return refuse("Value %s must be between -5.0E9 and 5.0E9, inclusive", text)
}

// numericOperand is one number of a numeric expression; a pattern's number has at most six digits after the point.
func numericOperand(operator string, text json.RawMessage) (number, error) {
	if c := text[0]; c != '-' && (c < '0' || c > '9') {
		return number{}, refuse("Value of %s must be numeric", operator)
	}
	n, ok := parseNumber(string(text))
	if !ok {
		return number{}, notComparable(string(text))
	}
	if n.rest {
		return number{}, refuse("Value %s has more than %d digits after the point", text, numberScale)
	}
	return n, nil
}

// compileNumeric takes ["=", n], one bound (["<", n]), or a lower and then an upper bound ([">", 0, "<=", 5]).
func compileNumeric(_ dialect, operand json.RawMessage) (test, error) {
	var items []json.RawMessage
	if operand[0] != '[' {
		return nil, refuse("Value of numeric must be an array.")
	}
	if err := json.Unmarshal(operand, &items); err != nil {
		return nil, err
	}
	if len(items) != 2 && len(items) != 4 {
		return nil, fmt.Errorf("a numeric expression has 2 or 4 elements, not %d", len(items))
	}
	operator, first, err := numericTerm(items[0], items[1])
	if err != nil {
		return nil, err
	}
	if len(items) == 2 {
		return numericTest(bound{operator, first}), nil
	}
	if operator != ">" && operator != ">=" {
		return nil, refuse("Too many elements in numeric expression")
	}
	upper, second, err := numericTerm(items[2], items[3])
	if err != nil {
		return nil, err
	}
	if upper != "<" && upper != "<=" {
		return nil, refuse("Bad numeric range operator: %s", upper)
	}
	if first.compare(second) >= 0 {
		return nil, refuse("Bottom must be less than top")
	}
	return numericTest(bound{operator, first}, bound{upper, second}), nil
}

func numericTerm(operatorText, numberText json.RawMessage) (string, number, error) {
	operator, err := stringOf(operatorText, "numeric")
	if err != nil {
		return "", number{}, refuse("Invalid member in numeric match: %s", operatorText)
	}
	switch operator {
	case "=", "<", "<=", ">", ">=":
	default:
		return "", number{}, refuse("Unrecognized numeric range operator: %s", operator)
	}
	n, err := numericOperand(operator, numberText)
	return operator, n, err
}

type bound struct {
	operator string
	number   number
}

func (b bound) holds(n number) bool {
	c := n.compare(b.number)
	switch b.operator {
	case "=":
		return c == 0
	case "<":
		return c < 0
	case "<=":
		return c <= 0
	case ">":
		return c > 0
	}
	return c >= 0
}

func numericTest(bounds ...bound) test {
	return func(v value) bool {
		if v.kind != kindNumber {
			return false
		}
		n, ok := parseNumber(v.text)
		if !ok {
			return false
		}
		for _, b := range bounds {
			if !b.holds(n) {
				return false
			}
		}
		return true
	}
}
