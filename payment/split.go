package payment

import (
	"cmp"
	"errors"
	"fmt"
	"math/bits"
	"slices"
)

// errWeights is the error of weights that nothing can be split by.
var errWeights = errors.New("weights must be zero or more, and one of them more")

// Split divides an amount in proportion to weights so that the parts add up to it exactly. Each part is rounded down, and the
// minor units left over go one by one to the parts that lost most by that (the largest remainders), the first of equals first.
func Split(total Money, weights []int64) ([]Money, error) {
	var sum uint64
	for _, weight := range weights {
		var carry uint64
		if sum, carry = bits.Add64(sum, uint64(max(weight, 0)), 0); weight < 0 || carry > 0 {
			return nil, fmt.Errorf("splitting %s: %w", total, errWeights)
		}
	}
	if sum == 0 || total.Minor < 0 {
		return nil, fmt.Errorf("splitting %s: %w", total, errWeights)
	}
	parts, remainders, left := make([]Money, len(weights)), make([]uint64, len(weights)), total.Minor
	for i, weight := range weights {
		// A weight is no more than the sum, so the quotient fits.
		high, low := bits.Mul64(uint64(total.Minor), uint64(weight))
		quotient, remainder := bits.Div64(high, low, sum)
		parts[i], remainders[i] = Money{Minor: int64(quotient), Currency: total.Currency}, remainder
		left -= int64(quotient)
	}
	order := make([]int, len(weights))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(remainders[b], remainders[a]) })
	for _, i := range order[:left] {
		parts[i].Minor++
	}
	return parts, nil
}
