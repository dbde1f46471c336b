package payment

import (
	"errors"
	"fmt"
)

// Reasons for which a reversal is not posted.
const (
	// ReasonOriginalNotFound: the journal does not have the original.
	ReasonOriginalNotFound = "ORIGINAL_NOT_FOUND"
	// ReasonReversalExceeds: no less would remain than remains already.
	ReasonReversalExceeds = "REVERSAL_EXCEEDS_ORIGINAL"
	// ReasonAlreadyReversed: nothing remains of the original.
	ReasonAlreadyReversed = "ALREADY_REVERSED"
	// ReasonOriginalMismatch: the reversal is about an amount in another currency than the original's.
	ReasonOriginalMismatch = "ORIGINAL_MISMATCH"
)

// maxReversals is how many reversals one payment can have: the number of a sequence has two digits.
const maxReversals = 99

// ReversalOrder is a reversal on which the rules engine has decided. What it moves depends on what was posted of the
// original, and on the reversals before: only the ledger can say.
type ReversalOrder struct {
	// OriginalSequence is the sequence to be taken back.
	OriginalSequence string `json:"originalSequence"`
	TransactionID    string `json:"transactionId"`
	AuthorizationID  string `json:"authorizationId"`
	BusinessKey      string `json:"businessKey"`
	PayloadHash      string `json:"payloadHash"`
	OccurredAt       string `json:"occurredAt"`
	// Outcome SUSPENSE says that the customer's account cannot be posted to any more: what it would get goes to suspense.
	Outcome Outcome `json:"outcome"`
	Reason  string  `json:"reason,omitempty"`
	// TransactionAmount is the original's, and the replacement amounts what remains of it; nil for nothing.
	TransactionAmount        Money    `json:"transactionAmount"`
	ReplacementAmount        *Money   `json:"replacementAmount,omitempty"`
	ReplacementBillingAmount *Money   `json:"replacementBillingAmount,omitempty"`
	BillingCurrency          Currency `json:"billingCurrency"`
	ValueDate                string   `json:"valueDate,omitempty"`
	Description              string   `json:"description,omitempty"`
}

// Remaining is what remains of a billed amount. Where the message does not say it (DE95 has no billing amount), it is the
// share that remains of the transaction amount: DE6 of the original is the truth, so it is divided and not converted again.
func (o ReversalOrder) Remaining(billed Money) (Money, error) {
	return remaining(billed, o.TransactionAmount, o.ReplacementAmount, o.ReplacementBillingAmount)
}

// RemainingBilling is what the message says remains of its own billing amount.
func (a Authorization) RemainingBilling() (Money, error) {
	return remaining(a.BillingAmount, a.TransactionAmount, a.ReplacementAmount, a.ReplacementBillingAmount)
}

func remaining(billed, transaction Money, replacement, replacementBilling *Money) (Money, error) {
	switch {
	case replacementBilling != nil:
		return *replacementBilling, nil
	case replacement == nil || replacement.IsZero():
		return Money{Currency: billed.Currency}, nil
	case *replacement == transaction:
		return billed, nil
	default:
		return billed.Share(*replacement, transaction)
	}
}

// Reverse makes the journal entry of a reversal: the number-th of the original, of which before remains. PR-05 mirrors every
// leg. PR-06 computes each movement on what remained before and on what remains after, both from the original's terms, and
// posts the difference: the original and its reversals together are then exactly the payment of what remains. An order that
// leaves no less than remained before is refused with kind Conflict.
func Reverse(original JournalEntry, before Money, number int, order ReversalOrder) (JournalEntry, error) {
	after, err := checkReversal(original, before, number, order)
	if err != nil {
		return JournalEntry{}, err
	}
	now, err := movementsAt(original, before)
	if err != nil {
		return JournalEntry{}, err
	}
	then, err := movementsAt(original, after)
	if err != nil {
		return JournalEntry{}, err
	}
	rule := CorrectionRuleID(after.IsZero())
	var legs []Leg
	inSuspense := original.Outcome == OutcomeSuspense
	for i, leg := range original.Legs {
		difference, err := now[i/2].Add(then[i/2].Neg())
		if err != nil {
			return JournalEntry{}, fmt.Errorf("reversing sequence %s: %w", original.ID, err)
		}
		if difference.Minor < 0 {
			return JournalEntry{}, &Error{Kind: Invalid, Reason: reasonTerms, Err: fmt.Errorf("a charge of sequence %s would rise by its reversal", original.ID)}
		}
		if difference.IsZero() {
			continue
		}
		leg.Number, leg.Side, leg.Amount = len(legs)+1, leg.Side.Opposite(), difference
		leg.RuleID, leg.RuleVersion, leg.ValueDate, leg.Description = rule, PostingRuleVersion(), order.ValueDate, order.Description
		if leg.Role == RoleCustomer && order.Outcome == OutcomeSuspense {
			leg.Role = RoleSuspense
			if leg.Account, err = suspenseAccount(leg.Amount.Currency); err != nil {
				return JournalEntry{}, fmt.Errorf("reversing sequence %s: %w", original.ID, err)
			}
			inSuspense = true
		}
		legs = append(legs, leg)
	}
	sequence := Sequence{
		ID: CorrectionID(original.ID, number), Of: len(legs), Checksum: Checksum(legs), TransactionID: order.TransactionID,
		AuthorizationID: order.AuthorizationID, BusinessKey: order.BusinessKey, PayloadHash: order.PayloadHash, Outcome: OutcomePosted,
		OccurredAt: order.OccurredAt, ReversalOf: original.ID, Remaining: after,
	}
	if inSuspense {
		sequence.Outcome, sequence.Reason = OutcomeSuspense, order.Reason
		if sequence.Reason == "" {
			sequence.Reason = original.Reason
		}
	}
	return Assemble(sequence, legs)
}

// checkReversal holds an order against the original and returns what remains after it.
func checkReversal(original JournalEntry, before Money, number int, order ReversalOrder) (Money, error) {
	if len(original.Legs) < 2 || len(original.Legs)%2 != 0 || original.ReversalOf != "" {
		return Money{}, &Error{Kind: Invalid, Reason: "SEQUENCE_INVALID", Err: fmt.Errorf("sequence %s is none that can be reversed", original.ID)}
	}
	if number < 1 || number > maxReversals {
		return Money{}, &Error{Kind: Unsupported, Reason: "TOO_MANY_REVERSALS", Err: fmt.Errorf("sequence %s cannot have a reversal number %d", original.ID, number)}
	}
	billed := original.Billed()
	refuse := func(reason, format string, arguments ...any) (Money, error) {
		return Money{}, &Error{Kind: Conflict, Reason: reason, Err: fmt.Errorf(format, arguments...)}
	}
	if order.BillingCurrency != billed.Currency {
		return refuse(ReasonOriginalMismatch, "the reversal is billed in %s, its original in %s", order.BillingCurrency, billed.Currency)
	}
	after, err := order.Remaining(billed)
	if err != nil {
		return Money{}, &Error{Kind: Invalid, Reason: "REPLACEMENT_INVALID", Err: err}
	}
	switch {
	case before.IsZero():
		return refuse(ReasonAlreadyReversed, "nothing remains of sequence %s", original.ID)
	case after.Minor >= before.Minor:
		return refuse(ReasonReversalExceeds, "%s of sequence %s would remain, and no more than %s does", after, original.ID, before)
	default:
		return after, nil
	}
}

// Billed is what the payment of a sequence was billed: the principal, its first movement.
func (e JournalEntry) Billed() Money { return e.Legs[0].Amount }

// movementsAt is what each movement of the original would be worth had remaining been billed. Legs stand in pairs.
func movementsAt(original JournalEntry, remaining Money) ([]Money, error) {
	amounts := make([]Money, len(original.Legs)/2)
	for i := range amounts {
		debit, credit := original.Legs[2*i], original.Legs[2*i+1]
		if debit.Side != Debit || credit.Side != Credit || debit.Amount != credit.Amount {
			return nil, &Error{Kind: Invalid, Reason: "SEQUENCE_INVALID", Err: fmt.Errorf("legs %d and %d of sequence %s are no movement", 2*i+1, 2*i+2, original.ID)}
		}
		amounts[i] = debit.Amount
	}
	if remaining == original.Billed() {
		return amounts, nil
	}
	for i := range amounts {
		amounts[i].Minor = 0
	}
	if remaining.IsZero() {
		return amounts, nil
	}
	if original.Basis == (Decided{}) || original.Legs[0].RuleVersion != PostingRuleVersion() {
		return nil, &Error{Kind: Unsupported, Reason: "ORIGINAL_WITHOUT_TERMS",
			Err: fmt.Errorf("sequence %s was posted without its terms, or by another version of the posting rules: it can only be reversed in full", original.ID)}
	}
	p := original.Basis
	p.Outcome, p.BillingAmount = original.Outcome, remaining
	if p.SettlementAmount != (Money{}) {
		settled, err := p.SettlementAmount.Share(remaining, original.Basis.BillingAmount)
		if err != nil {
			return nil, &Error{Kind: Invalid, Reason: "REPLACEMENT_INVALID", Err: err}
		}
		p.SettlementAmount = settled
	}
	legs, err := Legs(p)
	if err != nil {
		return nil, err
	}
	for n := 0; n+1 < len(legs); n += 2 {
		placed := false
		for i := range amounts {
			if original.Legs[2*i].Account == legs[n].Account && original.Legs[2*i+1].Account == legs[n+1].Account {
				amounts[i], placed = legs[n].Amount, true
			}
		}
		if !placed {
			return nil, &Error{Kind: Invalid, Reason: "SEQUENCE_INVALID", Err: fmt.Errorf("sequence %s has no movement from %s to %s", original.ID, legs[n].Account, legs[n+1].Account)}
		}
	}
	return amounts, nil
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
