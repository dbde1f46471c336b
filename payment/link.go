package payment

import (
	"slices"
	"strconv"
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
func (a Authorization) Rank() int { return RankOf(a.MTI) }

// RankOf is the rank of a message type.
func RankOf(mti string) int {
	switch {
	case MTIClass(mti) == ClassFinancial:
		return RankFinancial
	case MTIClass(mti) != ClassAuthorization:
		return RankReversal
	case isAdvice(mti):
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

// Links are the keys under which the messages of one purchase find each other where their business keys differ: a completion
// and an advice may have a STAN and a time of their own. One is made of the network's lifecycle id, the other of acquirer and
// approval code; each is empty where the message lacks what it is made of. The card and the direction are always part of them:
// an approval code has six characters and is the issuer's own, and a refund is never a message about the purchase it gives back.
type Links struct {
	Lifecycle string `json:"lifecycle,omitempty"`
	Approval  string `json:"approval,omitempty"`
}

// Links are those of the message.
func (a Authorization) Links() Links { return a.links(a.Direction()) }

// RefundOf are, of a credit, the links that the purchase it gives back would have.
func (a Authorization) RefundOf() Links {
	if a.Direction() != DirectionCredit {
		return Links{}
	}
	return a.links(DirectionDebit)
}

func (a Authorization) links(direction Direction) Links {
	var l Links
	if a.LifecycleID != "" {
		l.Lifecycle = digest("link", "v1", string(direction), a.PANToken, "L"+strings.ToUpper(a.LifecycleID))
	}
	if a.AuthCode != "" {
		l.Approval = digest("link", "v1", string(direction), a.PANToken, "A"+leftPad(a.AcquirerID, 11)+strings.ToUpper(a.AuthCode))
	}
	return l
}

// Match reports whether two messages are about one purchase: by their lifecycle where both have one, else by their approval.
func (l Links) Match(other Links) bool {
	if l.Lifecycle != "" && other.Lifecycle != "" {
		return l.Lifecycle == other.Lifecycle
	}
	return l.Approval != "" && l.Approval == other.Approval
}

// MerchantKey tells apart what a card did at a merchant from what it did elsewhere (rules ). A merchant goes by
// its id, one without an id by name and place.
func (a Authorization) MerchantKey() string {
	m := a.Merchant
	merchant := []string{m.ID}
	if m.ID == "" {
		merchant = []string{"", m.Name, m.City, m.Country}
	}
	parts := []string{"merchant", "v1", a.PANToken}
	for _, part := range merchant {
		parts = append(parts, strconv.Quote(strings.ToUpper(part))) // free text: it may hold the separator
	}
	return digest(parts...)
}
