package dynamodb

import (
	"cmp"
	"math/big"
	"strconv"
	"strings"

	"github.com/payrail/payrail/local/wire"
)

// Limits of a Number: 38 significant digits, magnitude from 1E-130 to 9.99…E+125.
const (
	maxDigits   = 38
	minExponent = -129 // of 0.d1d2… notation, so 1E-130 = 0.1E-129
	maxExponent = 126
	// farExponent is one that no number within the range is written with; larger ones are taken as this.
	farExponent = 1 << 30
	// fastDigits is how many digits are sure to fit an int64 before and after an addition.
	fastDigits = 17
)

// number is an exact decimal: ±0.digits × 10^exponent, digits without leading or trailing zeros; zero has no digits. In
// this form numbers order by sign, then exponent, then digits as text.
type number struct {
	negative bool
	digits   string
	exponent int
}

func notNumeric(text string) *wire.Error {
	if text == "" {
		return invalid("The parameter cannot be converted to a numeric value")
	}
	return invalid("The parameter cannot be converted to a numeric value: %s", text)
}

// normalizeNumber returns the one text a number is stored and returned as: plain notation, no superfluous zeros.
func normalizeNumber(text string) (string, error) {
	if isPlainInteger(text) {
		return text, nil
	}
	n, err := parseNumber(text)
	if err != nil {
		return "", err
	}
	return n.String(), nil
}

// isPlainInteger recognises the usual number, which needs no rewriting.
func isPlainInteger(text string) bool {
	if text == "" || len(text) > maxDigits || (text[0] == '0' && len(text) > 1) {
		return false
	}
	for i := 0; i < len(text); i++ {
		if text[i] < '0' || text[i] > '9' {
			return false
		}
	}
	return true
}

func parseNumber(text string) (number, error) {
	var n number
	rest := text
	if rest != "" && (rest[0] == '-' || rest[0] == '+') {
		n.negative = rest[0] == '-'
		rest = rest[1:]
	}
	mantissa, exponent := rest, 0
	if e := strings.IndexAny(rest, "eE"); e >= 0 {
		mantissa = rest[:e]
		parsed, err := strconv.ParseInt(rest[e+1:], 10, 64)
		if err != nil {
			return number{}, notNumeric(text)
		}
		exponent = int(max(-farExponent, min(farExponent, parsed)))
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	digits := whole + fraction
	if digits == "" || strings.Trim(digits, "0123456789") != "" {
		return number{}, notNumeric(text)
	}
	exponent += len(whole)
	significant := strings.TrimLeft(digits, "0")
	exponent -= len(digits) - len(significant)
	n.digits = strings.TrimRight(significant, "0")
	n.exponent = exponent
	if n.digits == "" {
		n.exponent++ // Zero is as far out as the last digit it is written with.
		return number{}, n.checkRange()
	}
	return n, n.checkRange()
}

func (n number) checkRange() error {
	switch {
	case n.exponent > maxExponent:
		return invalid("Number overflow. Attempting to store a number with magnitude larger than supported range")
	case n.exponent < minExponent:
		return invalid("Number underflow. Attempting to store a number with magnitude smaller than supported range")
	case len(n.digits) > maxDigits:
		return invalid("Attempting to store more than 38 significant digits in a Number")
	}
	return nil
}

func (n number) String() string {
	if n.digits == "" {
		return "0"
	}
	var b strings.Builder
	if n.negative {
		b.WriteByte('-')
	}
	switch {
	case n.exponent <= 0:
		b.WriteString("0.")
		b.WriteString(strings.Repeat("0", -n.exponent))
		b.WriteString(n.digits)
	case n.exponent >= len(n.digits):
		b.WriteString(n.digits)
		b.WriteString(strings.Repeat("0", n.exponent-len(n.digits)))
	default:
		b.WriteString(n.digits[:n.exponent])
		b.WriteByte('.')
		b.WriteString(n.digits[n.exponent:])
	}
	return b.String()
}

func (n number) sign() int {
	switch {
	case n.digits == "":
		return 0
	case n.negative:
		return -1
	}
	return 1
}

func (n number) compare(m number) int {
	if s, t := n.sign(), m.sign(); s != t {
		if s < t {
			return -1
		}
		return 1
	}
	c := cmp.Compare(n.exponent, m.exponent)
	if c == 0 {
		c = strings.Compare(n.digits, m.digits)
	}
	if n.negative {
		return -c
	}
	return c
}

// mustNumber parses text that normalizeNumber has made.
func mustNumber(text string) number {
	n, err := parseNumber(text)
	if err != nil {
		panic("dynamodb: number in storage is not normalised: " + text)
	}
	return n
}

func compareNumbers(a, b string) int { return mustNumber(a).compare(mustNumber(b)) }

// addNumbers returns a+b, or a-b where subtract is set, of two normalised numbers.
func addNumbers(a, b string, subtract bool) (string, error) {
	if len(a) <= fastDigits && len(b) <= fastDigits {
		x, errX := strconv.ParseInt(a, 10, 64)
		y, errY := strconv.ParseInt(b, 10, 64)
		if errX == nil && errY == nil {
			if subtract {
				y = -y
			}
			return strconv.FormatInt(x+y, 10), nil
		}
	}
	n, m := mustNumber(a), mustNumber(b)
	scale := min(n.exponent-len(n.digits), m.exponent-len(m.digits))
	x, y := n.scaled(scale), m.scaled(scale)
	if subtract {
		x.Sub(x, y)
	} else {
		x.Add(x, y)
	}
	if x.Sign() == 0 {
		return "0", nil
	}
	return normalizeNumber(x.String() + "E" + strconv.Itoa(scale))
}

// scaled is n × 10^-scale, an integer.
func (n number) scaled(scale int) *big.Int {
	x := new(big.Int)
	if n.digits == "" {
		return x
	}
	x.SetString(n.digits+strings.Repeat("0", n.exponent-len(n.digits)-scale), 10)
	if n.negative {
		x.Neg(x)
	}
	return x
}
