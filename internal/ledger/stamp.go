package ledger

import (
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/payrail/payrail/internal/ingest"
	"github.com/payrail/payrail/payment"
)

// stamp marks a journal item with its ingest bucket and its control amount, under which reconciliation finds and compares it. Both
// follow from the record: they are an index of it and no part of its hash. A record whose time cannot be read has no bucket; a
// full pass finds it.
func stamp(item map[string]types.AttributeValue, r Record) {
	at, err := ingest.ParseTime(r.OccurredAt)
	if err != nil {
		return
	}
	item[ingest.BucketAttribute] = text(ingest.Bucket(at, r.AuthorizationID))
	if principal, ok := r.Principal(); ok {
		item[ingest.PrincipalMinorAttribute] = number(principal.Minor)
		item[ingest.PrincipalCurrencyAttribute] = text(string(principal.Currency))
	}
}

// Principal is what a record posts of the payment itself, without charges: the debits of its principal movements to the customer
// or to suspense, where there are none their credits, and of what touches neither all debits. What passes through inter-office and
// position accounts on its way is the same money again, the latter in another currency. ok is false where there is none, it is of
// several currencies, or more than an amount can hold.
func (r Record) Principal() (sum payment.Money, ok bool) {
	for _, counts := range []func(payment.Leg) bool{
		func(l payment.Leg) bool { return l.Side == payment.Debit && holdsItem(l.Role) },
		func(l payment.Leg) bool { return l.Side == payment.Credit && holdsItem(l.Role) },
		func(l payment.Leg) bool { return l.Side == payment.Debit },
	} {
		if sum, n, err := sumOf(r.Legs, counts); err != nil {
			return payment.Money{}, false
		} else if n > 0 {
			return sum, true
		}
	}
	return payment.Money{}, false
}

// holdsItem reports whether accounts of a role are where a payment ends: the customer's, or suspense in its place.
func holdsItem(role payment.Role) bool {
	return role == payment.RoleCustomer || role == payment.RoleSuspense
}

// sumOf adds up the principal legs that count.
func sumOf(legs []payment.Leg, counts func(payment.Leg) bool) (sum payment.Money, n int, err error) {
	for _, leg := range legs {
		if leg.Component != payment.Principal || !counts(leg) {
			continue
		}
		if n++; n == 1 {
			sum = leg.Amount
			continue
		}
		if sum, err = sum.Add(leg.Amount); err != nil {
			return payment.Money{}, 0, err
		}
	}
	return sum, n, nil
}
