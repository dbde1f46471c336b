package payment

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// maxLegs bounds a sequence: the largest posting rule has eight legs, reversals mirror them, inter-office pairs double them.
const maxLegs = 32

// ErrIncomplete says that legs of a sequence are still missing; they are waited for.
var ErrIncomplete = errors.New("legs are missing")

// CheckBalanced verifies that debits equal credits in every currency, and that every amount is above zero.
func CheckBalanced(legs []Leg) error {
	sums := map[Currency]Money{}
	for _, leg := range legs {
		if leg.Amount.Minor <= 0 {
			return &Error{Kind: Invalid, Reason: "AMOUNT_INVALID", Err: fmt.Errorf("leg %d is worth %s, want more than zero", leg.Number, leg.Amount)}
		}
		amount := leg.Amount
		switch leg.Side {
		case Debit:
		case Credit:
			amount = amount.Neg()
		default:
			return &Error{Kind: Invalid, Reason: "SIDE_INVALID", Err: fmt.Errorf("leg %d has side %q, want D or C", leg.Number, leg.Side)}
		}
		sum, ok := sums[amount.Currency]
		if !ok {
			sum.Currency = amount.Currency
		}
		sum, err := sum.Add(amount)
		if err != nil {
			return &Error{Kind: Invalid, Reason: "AMOUNT_INVALID", Err: err}
		}
		sums[amount.Currency] = sum
	}
	for _, sum := range sums {
		if !sum.IsZero() {
			return &Error{Kind: Invalid, Reason: "UNBALANCED", Err: fmt.Errorf("debits exceed credits by %s", sum)}
		}
	}
	return nil
}

// Checksum is the hex SHA-256 over all legs of a sequence in the order of their numbers. Every leg event carries it, so that
// legs of two versions of a sequence are never mixed.
func Checksum(legs []Leg) string {
	sorted := slices.SortedFunc(slices.Values(legs), func(a, b Leg) int { return a.Number - b.Number })
	var b strings.Builder
	for _, leg := range sorted {
		for _, part := range []string{strconv.Itoa(leg.Number), string(leg.Side), string(leg.Role), leg.Account, string(leg.Component),
			strconv.FormatInt(leg.Amount.Minor, 10), string(leg.Amount.Currency), leg.RuleID, leg.RuleVersion,
			leg.BankTransactionCode, leg.ValueDate, leg.Description} {
			// The length keeps free text from posing as a separator.
			fmt.Fprintf(&b, "%d:%s|", len(part), part)
		}
		b.WriteByte('\n')
	}
	sum := sha256.Sum256([]byte(b.String()))
	return hex.EncodeToString(sum[:])
}

// Sequence is a posting sequence whose legs arrive one by one: who it belongs to, and how it is put together again.
type Sequence struct {
	ID              string  `json:"id"`
	Of              int     `json:"of"`
	Checksum        string  `json:"checksum"`
	TransactionID   string  `json:"transactionId"`
	AuthorizationID string  `json:"authorizationId"`
	BusinessKey     string  `json:"businessKey"`
	PayloadHash     string  `json:"payloadHash"`
	Outcome         Outcome `json:"outcome"`
	Reason          string  `json:"reason,omitempty"`
	OccurredAt      string  `json:"occurredAt"`
	// Basis is what the legs were computed from; a reversal has none of its own.
	Basis Decided `json:"basis,omitzero"`
	// Links find the purchase that the payment is another message about, RefundOf that which a credit gives back.
	Links    Links `json:"links,omitzero"`
	RefundOf Links `json:"refundOf,omitzero"`
	// MerchantKey is that of the authorization; empty where no card paid at a merchant.
	MerchantKey string `json:"merchantKey,omitempty"`
	// Root is the first sequence of the purchase, where this one is another; ReversalOf the same where it takes it back.
	Root       string `json:"root,omitempty"`
	ReversalOf string `json:"reversalOf,omitempty"`
}

// JournalEntry is a complete, balanced posting sequence, ready to be committed. It is never changed afterwards.
type JournalEntry struct {
	Sequence
	Legs []Leg
}

// Assemble puts the legs of a sequence together. Legs may come in any order and repeatedly. The error is ErrIncomplete
// while some are missing, and of kind Invalid when the legs are not what the sequence says they are.
func Assemble(s Sequence, legs []Leg) (JournalEntry, error) {
	if s.Of < 2 || s.Of > maxLegs {
		return JournalEntry{}, &Error{Kind: Invalid, Reason: "SEQUENCE_INVALID", Err: fmt.Errorf("sequence %s has %d legs, want 2 to %d", s.ID, s.Of, maxLegs)}
	}
	byNumber := make([]*Leg, s.Of)
	found := 0
	for i := range legs {
		leg := &legs[i]
		if leg.Number < 1 || leg.Number > s.Of {
			return JournalEntry{}, &Error{Kind: Invalid, Reason: "SEQUENCE_INVALID", Err: fmt.Errorf("sequence %s has no leg %d of %d", s.ID, leg.Number, s.Of)}
		}
		if byNumber[leg.Number-1] == nil {
			byNumber[leg.Number-1] = leg
			found++
		}
	}
	if found < s.Of {
		return JournalEntry{}, fmt.Errorf("sequence %s has %d of %d legs: %w", s.ID, found, s.Of, ErrIncomplete)
	}
	entry := JournalEntry{Sequence: s, Legs: make([]Leg, s.Of)}
	for i, leg := range byNumber {
		entry.Legs[i] = *leg
	}
	if sum := Checksum(entry.Legs); sum != s.Checksum {
		return JournalEntry{}, &Error{Kind: Invalid, Reason: "CHECKSUM_MISMATCH", Err: fmt.Errorf("the legs of sequence %s do not have its checksum", s.ID)}
	}
	if err := CheckBalanced(entry.Legs); err != nil {
		return JournalEntry{}, fmt.Errorf("sequence %s: %w", s.ID, err)
	}
	return entry, nil
}

// Hash is the hex SHA-256 of the entry's content. The time of posting is no part of it, nor is any other entry: a rebuild
// gives the same hashes, in whatever order it posts.
func (e JournalEntry) Hash() string {
	parts := []string{"v1", e.ID, e.TransactionID, e.AuthorizationID, e.PayloadHash, string(e.Outcome), e.Reason, e.OccurredAt, Checksum(e.Legs)}
	if e.Basis != (Decided{}) {
		parts = append(parts, "basis", e.Basis.Text())
	}
	if e.Root != "" {
		parts = append(parts, "root", e.Root, "reversal", e.ReversalOf)
	}
	sum := sha256.Sum256([]byte(strings.Join(parts, "|")))
	return hex.EncodeToString(sum[:])
}

// CustomerLegs are the legs on customer accounts: each becomes an entry of its account.
func (e JournalEntry) CustomerLegs() []Leg {
	var legs []Leg
	for _, leg := range e.Legs {
		if leg.Role == RoleCustomer {
			legs = append(legs, leg)
		}
	}
	return legs
}

// Signed is what a leg adds to the balance of a customer account, a deposit liability: credits add, debits subtract.
func (l Leg) Signed() Money {
	if l.Side == Debit {
		return l.Amount.Neg()
	}
	return l.Amount
}
