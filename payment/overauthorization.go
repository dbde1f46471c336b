package payment

import (
	"fmt"
	"math/big"
)

// OverAuthorized reports whether what is to be posted in the end is more than was authorized, beyond the tolerance of the
// merchant's category, a decimal of one (rule R-031): tips, fuel, the length of a stay. It posts all the same; the finding makes it eligible for
// a dispute.
func OverAuthorized(authorized, final Money, tolerance string) (bool, error) {
	if authorized.Currency != final.Currency {
		return false, fmt.Errorf("comparing %s with %s: %w", final, authorized, ErrCurrencyMismatch)
	}
	share, ok := new(big.Rat).SetString(tolerance)
	if !ok {
		return false, fmt.Errorf("tolerance %q is not a decimal", tolerance)
	}
	limit := new(big.Rat).SetInt64(authorized.Minor)
	limit.Add(limit, share.Mul(share, limit))
	return new(big.Rat).SetInt64(final.Minor).Cmp(limit) > 0, nil
}
