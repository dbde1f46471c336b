package payment

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/bits"
	"strconv"
	"strings"

	"github.com/govalues/decimal"
)

// maxMinor is the largest amount accepted: 12 digits, the width of the ISO 8583 amount fields. It leaves six digits of
// headroom in an int64 for sums.
const maxMinor = 999_999_999_999

// ErrCurrencyMismatch is the error of arithmetic across currencies.
var ErrCurrencyMismatch = errors.New("currencies differ")

// ErrOverflow is the error of a sum that does not fit 64 bits.
var ErrOverflow = errors.New("amount overflows")

// Money is an amount in minor units of its currency. In JSON it is {"amount": "79.25", "currency": "GBP"}, the amount a
// string with exactly as many decimals as the currency has. The zero value is no money at all and does not marshal.
type Money struct {
	Minor    int64
	Currency Currency
}

// NewMoney makes an amount of minor units, checking the currency.
func NewMoney(minor int64, c Currency) (Money, error) {
	if _, err := c.Exponent(); err != nil {
		return Money{}, err
	}
	return Money{Minor: minor, Currency: c}, nil
}

// ParseMoney reads a decimal string. It refuses more decimals than the currency has: rounding is nobody's silent choice.
func ParseMoney(amount string, c Currency) (Money, error) {
	exponent, err := c.Exponent()
	if err != nil {
		return Money{}, err
	}
	digits, negative := strings.CutPrefix(amount, "-")
	whole, fraction, pointed := strings.Cut(digits, ".")
	if whole == "" || (pointed && fraction == "") || len(fraction) > exponent || !isDigits(whole) || !isDigits(fraction) {
		return Money{}, fmt.Errorf("amount %q is not a decimal with at most %d places, as %s has", amount, exponent, c)
	}
	minor, err := strconv.ParseInt(whole+fraction+strings.Repeat("0", exponent-len(fraction)), 10, 64)
	if err != nil {
		return Money{}, fmt.Errorf("amount %q: %w", amount, ErrOverflow)
	}
	if negative {
		minor = -minor
	}
	return Money{Minor: minor, Currency: c}, nil
}

func isDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// Decimal is the amount in major units, with the currency's number of decimals: 7925 GBP is "79.25".
func (m Money) Decimal() string {
	exponent, err := m.Currency.Exponent()
	if err != nil {
		return strconv.FormatInt(m.Minor, 10) + "E?"
	}
	digits := strconv.FormatUint(absolute(m.Minor), 10)
	if exponent > 0 {
		if len(digits) <= exponent {
			digits = strings.Repeat("0", exponent+1-len(digits)) + digits
		}
		digits = digits[:len(digits)-exponent] + "." + digits[len(digits)-exponent:]
	}
	if m.Minor < 0 {
		return "-" + digits
	}
	return digits
}

func absolute(n int64) uint64 {
	if n < 0 {
		return uint64(-(n + 1)) + 1
	}
	return uint64(n)
}

// String is the amount for people: "GBP 79.25".
func (m Money) String() string { return string(m.Currency) + " " + m.Decimal() }

// IsZero reports whether the amount is nothing; legs of zero are not posted.
func (m Money) IsZero() bool { return m.Minor == 0 }

// Neg is the amount with the other sign.
func (m Money) Neg() Money { return Money{Minor: -m.Minor, Currency: m.Currency} }

// Add sums two amounts of one currency.
func (m Money) Add(n Money) (Money, error) {
	if m.Currency != n.Currency {
		return Money{}, fmt.Errorf("adding %s to %s: %w", n, m, ErrCurrencyMismatch)
	}
	if (n.Minor > 0 && m.Minor > math.MaxInt64-n.Minor) || (n.Minor < 0 && m.Minor < math.MinInt64-n.Minor) {
		return Money{}, fmt.Errorf("adding %s to %s: %w", n, m, ErrOverflow)
	}
	return Money{Minor: m.Minor + n.Minor, Currency: m.Currency}, nil
}

// Mul multiplies by a rate and rounds once, half to even, to the currency's minor unit: 79.25 × 0.0299 = 2.369575 → 2.37.
// The product is exact in 128 bits before it is rounded; a product rounded to the decimal type's 19 digits first could be
// rounded twice.
func (m Money) Mul(rate decimal.Decimal) (Money, error) {
	divisor := uint64(1)
	for range rate.Scale() { // at most 19, so that the divisor fits 64 bits
		divisor *= 10
	}
	product, err := m.mulDiv(rate.Coef(), divisor)
	if err != nil {
		return Money{}, fmt.Errorf("multiplying %s by %s: %w", m, rate, err)
	}
	if rate.IsNeg() {
		product = product.Neg()
	}
	return product, nil
}

// mulDiv multiplies by a fraction, exactly in 128 bits, and rounds once, half to even.
func (m Money) mulDiv(numerator, denominator uint64) (Money, error) {
	high, low := bits.Mul64(absolute(m.Minor), numerator)
	if high >= denominator {
		return Money{}, ErrOverflow
	}
	quotient, remainder := bits.Div64(high, low, denominator)
	rest := denominator - remainder
	if remainder > rest || (remainder == rest && quotient%2 == 1) {
		quotient++
	}
	if quotient > math.MaxInt64 {
		return Money{}, ErrOverflow
	}
	product := int64(quotient)
	if m.Minor < 0 {
		product = -product
	}
	return Money{Minor: product, Currency: m.Currency}, nil
}

// Max is the larger of two amounts of one currency.
func (m Money) Max(n Money) (Money, error) {
	if m.Currency != n.Currency {
		return Money{}, fmt.Errorf("comparing %s with %s: %w", m, n, ErrCurrencyMismatch)
	}
	if n.Minor > m.Minor {
		return n, nil
	}
	return m, nil
}

// errShare is the error of a share of nothing, or of more than all.
var errShare = errors.New("a share must be between nothing and all")

// Share is the same share of m as part is of whole, rounded once, half to even, at m's minor unit. part and whole have one
// currency, which may be another one than m's.
func (m Money) Share(part, whole Money) (Money, error) {
	if part.Currency != whole.Currency {
		return Money{}, fmt.Errorf("dividing %s by %s: %w", part, whole, ErrCurrencyMismatch)
	}
	if m.Minor < 0 || part.Minor < 0 || whole.Minor <= 0 || part.Minor > whole.Minor {
		return Money{}, fmt.Errorf("dividing %s by %s: %w", part, whole, errShare)
	}
	return m.mulDiv(uint64(part.Minor), uint64(whole.Minor))
}

// Min is the smaller of two amounts of one currency.
func (m Money) Min(n Money) (Money, error) {
	if m.Currency != n.Currency {
		return Money{}, fmt.Errorf("comparing %s with %s: %w", m, n, ErrCurrencyMismatch)
	}
	if n.Minor < m.Minor {
		return n, nil
	}
	return m, nil
}

type moneyJSON struct {
	Amount   string   `json:"amount"`
	Currency Currency `json:"currency"`
}

func (m Money) MarshalJSON() ([]byte, error) {
	if _, err := m.Currency.Exponent(); err != nil {
		return nil, err
	}
	return json.Marshal(moneyJSON{Amount: m.Decimal(), Currency: m.Currency})
}

func (m *Money) UnmarshalJSON(data []byte) error {
	var form moneyJSON
	if err := json.Unmarshal(data, &form); err != nil {
		return fmt.Errorf("reading money: %w", err)
	}
	parsed, err := ParseMoney(form.Amount, form.Currency)
	if err != nil {
		return fmt.Errorf("reading money: %w", err)
	}
	*m = parsed
	return nil
}
