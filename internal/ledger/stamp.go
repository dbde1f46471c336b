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

// Principal is what a record posts of the payment itself, without charges: the debits of its principal movements. ok is false where
// there are none, they are of several currencies, or they are more than an amount can hold.
func (r Record) Principal() (sum payment.Money, ok bool) {
	for _, leg := range r.Legs {
		if leg.Component != payment.Principal || leg.Side != payment.Debit {
			continue
		}
		if !ok {
			sum, ok = leg.Amount, true
			continue
		}
		added, err := sum.Add(leg.Amount)
		if err != nil {
			return payment.Money{}, false
		}
		sum = added
	}
	return sum, ok
}
