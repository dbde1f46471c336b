package pattern

import (
	"encoding/json"
	"strconv"
	"strings"
)

// Numbers compare by value between -5e9 and 5e9 inclusive, with at most six digits after the point: the range of the service.
const (
	numberScale  = 6
	numberLimit  = 5_000_000_000 * 1_000_000
	maxDigits    = 64 // A JSON number with more significant digits is outside the range or its precision.
	maxExponents = 4  // Digits of an exponent; more is far outside the range.
)

// number is a JSON number in millionths.
type number int64

// parseNumber reads a valid JSON number exactly; ok is false where it is out of range or has more digits after the point than
// the service compares. Such a number of an event matches no numeric expression, as in event-ruler (ComparableNumber).
func parseNumber(text string) (n number, ok bool) {
	negative := strings.HasPrefix(text, "-")
	mantissa, exponentText, _ := strings.Cut(strings.ToLower(strings.TrimPrefix(text, "-")), "e")
	whole, fraction, _ := strings.Cut(mantissa, ".")
	digits := strings.TrimLeft(whole+fraction, "0")
	if digits == "" {
		return 0, true
	}
	exponent := 0
	if exponentText != "" {
		if len(exponentText) > maxExponents {
			return 0, false
		}
		e, err := strconv.Atoi(exponentText)
		if err != nil {
			return 0, false
		}
		exponent = e
	}
	// The point moves numberScale places to the right: what is left of it are the millionths.
	cut := len(digits) - len(fraction) + exponent + numberScale
	if cut > len("5000000000")+numberScale || len(digits) > maxDigits {
		return 0, false
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
	if err != nil || v > numberLimit || strings.Trim(right, "0") != "" {
		return 0, false
	}
	if negative {
		v = -v
	}
	return number(v), true
}

// patternNumber reads a number of a pattern that is to be compared by value.
func patternNumber(text string) (number, error) {
	n, ok := parseNumber(text)
	if !ok {
		return 0, refuse("Value %s must be between -5.0E9 and 5.0E9, inclusive, with at most %d digits after the point", text, numberScale)
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
	if len(items) == 0 {
		return nil, refuse("Invalid member in numeric match: ]")
	}
	operator, err := stringOf(items[0], "numeric")
	if err != nil {
		return nil, refuse("Invalid member in numeric match: %s", items[0])
	}
	switch operator {
	case "=", "<", "<=", ">", ">=":
	default:
		return nil, refuse("Unrecognized numeric range operator: %s", operator)
	}
	n, err := numericOperand(operator, items[1:])
	if err != nil {
		return nil, err
	}
	lower := operator == ">" || operator == ">="
	switch {
	case len(items) == 2:
		return oneBound(bound{operator, n})
	case !lower:
		return nil, refuse("Too many elements in numeric expression")
	}
	return twoBounds(bound{operator, n}, items[2:])
}

// oneBound checks that the bound leaves something of the service's range: the other bound is the end of the range.
func oneBound(b bound) (test, error) {
	above, below := b.operator == ">" || b.operator == ">=", b.operator == "<" || b.operator == "<="
	if above && b.number == numberLimit || below && b.number == -numberLimit {
		return nil, refuse("Bottom must be less than top")
	}
	return numericTest(b), nil
}

// twoBounds reads the upper bound that follows a lower one.
func twoBounds(lower bound, items []json.RawMessage) (test, error) {
	operator, err := stringOf(items[0], "numeric")
	if err != nil {
		return nil, refuse("Bad value in numeric range: %s", items[0])
	}
	if operator != "<" && operator != "<=" {
		return nil, refuse("Bad numeric range operator: %s", operator)
	}
	n, err := numericOperand(operator, items[1:])
	switch {
	case err != nil:
		return nil, err
	case len(items) > 2:
		return nil, refuse("Too many terms in numeric range expression")
	case lower.number >= n:
		return nil, refuse("Bottom must be less than top")
	}
	return numericTest(lower, bound{operator, n}), nil
}

// numericOperand is the number after an operator.
func numericOperand(operator string, rest []json.RawMessage) (number, error) {
	if len(rest) == 0 || !isNumber(rest[0]) {
		if operator == "=" {
			operator = "equals"
		}
		return 0, refuse("Value of %s must be numeric", operator)
	}
	return patternNumber(string(rest[0]))
}

func isNumber(text json.RawMessage) bool { return text[0] == '-' || text[0] >= '0' && text[0] <= '9' }

type bound struct {
	operator string
	number   number
}

func (b bound) holds(n number) bool {
	switch b.operator {
	case "=":
		return n == b.number
	case "<":
		return n < b.number
	case "<=":
		return n <= b.number
	case ">":
		return n > b.number
	}
	return n >= b.number
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
