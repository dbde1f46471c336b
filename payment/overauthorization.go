package payment

import (
	"fmt"
	"math/big"
)

// OverAuthorized reports whether what is to be posted in the end is more than was authorized, beyond the tolerance of the
// merchant's category (rule R-031): tips, fuel, the length of a stay. It posts all the same; the finding makes it eligible for
// a dispute.
func OverAuthorized(mcc string, authorized, final Money, tolerance AmountTolerance) (bool, error) {
	if authorized.Currency != final.Currency {
		return false, fmt.Errorf("comparing %s with %s: %w", final, authorized, ErrCurrencyMismatch)
	}
	share, ok := new(big.Rat).SetString(tolerance.For(mcc))
	if !ok {
		return false, fmt.Errorf("tolerance %q of category %s is not a decimal", tolerance.For(mcc), mcc)
	}
	limit := new(big.Rat).SetInt64(authorized.Minor)
	limit.Add(limit, share.Mul(share, limit))
	return new(big.Rat).SetInt64(final.Minor).Cmp(limit) > 0, nil
}
