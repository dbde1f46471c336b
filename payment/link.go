package payment

import (
	"slices"
	"strings"
)

// Ranks of messages about one purchase, by how much they say of it: a completion says more than an advice, an advice more than
// the authorization. The highest rank there is of a purchase has the last word on its amount, in whatever order they come.
const (
	RankReversal = iota // takes a purchase back, and is none itself
	RankAuthorization
	RankAdvice
	RankFinancial
)

// Rank is the rank of the message; 0 for a reversal, and for a message type that is not posted.
func (a Authorization) Rank() int {
	switch {
	case MTIClass(a.MTI) == ClassFinancial:
		return RankFinancial
	case MTIClass(a.MTI) != ClassAuthorization:
		return RankReversal
	case isAdvice(a.MTI):
		return RankAdvice
	default:
		return RankAuthorization
	}
}

// isAdvice reports whether a message tells of what has been done already, by the function digit of its type: 2 is an advice,
// 3 the answer to one.
func isAdvice(mti string) bool { return len(mti) == 4 && (mti[2] == '2' || mti[2] == '3') }

// Direction is which way a payment moves the customer's money.
type Direction string

const (
	DirectionDebit  Direction = "debit"
	DirectionCredit Direction = "credit"
)

// Direction is that of the transaction type: refunds and other credits go to the customer, everything else comes from it.
func (a Authorization) Direction() Direction {
	if slices.Contains(creditTypes, a.TransactionType()) {
		return DirectionCredit
	}
	return DirectionDebit
}

// Link is the key under which the messages of one purchase find each other where their business keys differ: a completion and
// an advice may have a STAN and a time of their own. It is made of the network's lifecycle id, else of acquirer and approval
// code; without either it is empty, and the message stands for itself. The card and the direction are always part of it: an
// approval code has six characters and is the issuer's own, and a refund is never a message about the purchase it gives back.
func (a Authorization) Link() string {
	var by string
	switch {
	case a.LifecycleID != "":
		by = "L" + strings.ToUpper(a.LifecycleID)
	case a.AuthCode != "":
		by = "A" + leftPad(a.AcquirerID, 11) + strings.ToUpper(a.AuthCode)
	default:
		return ""
	}
	return digest("link", "v1", string(a.Direction()), a.PANToken, by)
}
