package payment

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// Reasons for which a message about a purchase is not posted, or posted to suspense.
const (
	// ReasonOriginalNotFound: no original came for a reversal.
	ReasonOriginalNotFound = "ORIGINAL_NOT_FOUND"
	// ReasonReversalExceeds: no less would remain than remains already.
	ReasonReversalExceeds = "REVERSAL_EXCEEDS_ORIGINAL"
	// ReasonAlreadyReversed: nothing remains of the original.
	ReasonAlreadyReversed = "ALREADY_REVERSED"
	// ReasonOriginalMismatch: the message is about other amounts than those of the purchase it names.
	ReasonOriginalMismatch = "ORIGINAL_MISMATCH"
	// ReasonSamePurchase: the purchase was posted already, with the amount that this message has.
	ReasonSamePurchase = "SAME_PURCHASE"
	// ReasonNothingToClear: nothing of the purchase stands in suspense.
	ReasonNothingToClear = "NOTHING_TO_CLEAR"
	// ReasonTooManySequences: the purchase has as many posting sequences as it can have.
	ReasonTooManySequences = "TOO_MANY_SEQUENCES"
	// ReasonTooManyMessages: the purchase has as many messages as its item has room for.
	ReasonTooManyMessages = "TOO_MANY_MESSAGES"
	// ReasonDisputeOpen: a case about the purchase is open, and the customer has a provisional credit.
	ReasonDisputeOpen = "DISPUTE_OPEN"
	// ReasonAccountChanged: the card leads to another account than the one the original was posted to.
	ReasonAccountChanged = "ACCOUNT_CHANGED"
)

// maxSequences bounds the posting sequences of one purchase, and with them what its item and its journal entries cost to read.
const maxSequences = 99

// maxMessages bounds the messages of one purchase: its item takes 400 KB, a message about one. Two purchases that are joined have
// twice as many.
const maxMessages = 120

// PendingOriginal is how long a reversal waits for its original before it is posted to suspense.
const PendingOriginal = 24 * time.Hour

// MessageState says what a message does to its purchase.
type MessageState string

const (
	// Effective: it counts.
	Effective MessageState = "EFFECTIVE"
	// Waiting: a reversal whose original has not come.
	Waiting MessageState = "WAITING"
	// Suspended: a reversal that was posted to suspense because its original did not come in time.
	Suspended MessageState = "SUSPENDED"
)

// PurchaseMessage is what a purchase knows of one message about it.
type PurchaseMessage struct {
	BusinessKey     string       `json:"businessKey"`
	TransactionID   string       `json:"transactionId"`
	AuthorizationID string       `json:"authorizationId"`
	PayloadHash     string       `json:"payloadHash"`
	OccurredAt      string       `json:"occurredAt"`
	State           MessageState `json:"state"`
	// Sequence is the last posting sequence that the message made; empty while there is none.
	Sequence string `json:"sequence,omitempty"`
	// Reason is why a message that presents the purchase goes to suspense, or why a reversal was refused.
	Reason string `json:"reason,omitempty"`
	// Rank orders what presents the purchase: see Authorization.Rank. A reversal has none.
	Rank int `json:"rank,omitempty"`
	// Decided is what a message that presents the purchase is priced by.
	Decided Decided `json:"decided,omitzero"`
	// Orphan says that the message is a reversal which came before its original.
	Orphan bool `json:"orphan,omitempty"`
	// Order is a reversal or a clearing.
	Order *Order `json:"order,omitempty"`
}

// Purchase is all that is known of one payment: the messages about it, whichever came first. What is to stand in the ledger is
// a function of the set of them, so that the order of their arrival decides no balance; every message posts the difference
// between that and what stands already.
type Purchase struct {
	// Key is the business key that the purchase goes by: of the message that was posted first, or of the original that a
	// reversal waits for.
	Key string `json:"key"`
	// Sequences are the posting sequences made for it, in order.
	Sequences []string          `json:"sequences,omitempty"`
	Messages  []PurchaseMessage `json:"messages"`
	// AccountID is the customer account that the purchase is posted to; empty while it stands in suspense.
	AccountID string `json:"accountId,omitempty"`
	// ClearedTo is the role that took the place of suspense when the purchase was cleared.
	ClearedTo Role `json:"clearedTo,omitempty"`
	// ClearedBranch is the branch of the account it was cleared to, where that is another than the card centre's (PR-16).
	ClearedBranch string `json:"clearedBranch,omitempty"`
}

// Find is the message with a business key.
func (p Purchase) Find(businessKey string) (PurchaseMessage, bool) {
	i := slices.IndexFunc(p.Messages, func(m PurchaseMessage) bool { return m.BusinessKey == businessKey })
	if i < 0 {
		return PurchaseMessage{}, false
	}
	return p.Messages[i], true
}

// Presented reports whether anything but reversals is known of the purchase.
func (p Purchase) Presented() bool {
	return slices.ContainsFunc(p.Messages, PurchaseMessage.presents)
}

// Presentments are the messages that present the purchase, in the order in which they were posted.
func (p Purchase) Presentments() []PurchaseMessage {
	return slices.DeleteFunc(slices.Clone(p.Messages), func(m PurchaseMessage) bool { return !m.presents() })
}

// Authorized reports whether an authorization is among the messages, and not only advices and completions of one.
func (p Purchase) Authorized() bool {
	return slices.ContainsFunc(p.Messages, func(m PurchaseMessage) bool { return m.Rank == RankAuthorization })
}

// Credits reports whether the purchase is a refund or another credit, once it is presented.
func (p Purchase) Credits() bool {
	base, ok := p.base()
	return ok && slices.Contains(creditTypes, base.Decided.TransactionType)
}

// FirstSequence is the sequence of the message that presented the purchase first; empty while none has.
func (p Purchase) FirstSequence() string {
	i := slices.IndexFunc(p.Sequences, IsFirstSequence)
	if i < 0 {
		return ""
	}
	return p.Sequences[i]
}

// Unmatched are the reversals that wait for the original, or were posted to suspense without it, in the order in which they
// were transmitted.
func (p Purchase) Unmatched() []PurchaseMessage {
	return slices.DeleteFunc(p.reversals(), func(m PurchaseMessage) bool { return m.State == Effective })
}

// Orphans are the unmatched reversals and those that were once, in the order in which they were transmitted.
func (p Purchase) Orphans() []PurchaseMessage {
	return slices.DeleteFunc(p.reversals(), func(m PurchaseMessage) bool { return m.State == Effective && !m.Orphan })
}

// reversals are the reversals in the order in which they were transmitted.
func (p Purchase) reversals() []PurchaseMessage {
	all := slices.DeleteFunc(slices.Clone(p.Messages), func(m PurchaseMessage) bool { return !m.reverses() })
	slices.SortStableFunc(all, func(a, b PurchaseMessage) int {
		return cmp.Or(a.transmitted().Compare(b.transmitted()), cmp.Compare(a.BusinessKey, b.BusinessKey))
	})
	return all
}

// presents reports whether the message says what the purchase costs.
func (m PurchaseMessage) presents() bool { return m.Rank > 0 }

// transmitted is when the message was transmitted.
func (m PurchaseMessage) transmitted() time.Time {
	text := m.Decided.TransmittedAt
	if m.Order != nil {
		text = m.Order.TransmittedAt
	}
	t, _ := time.Parse(time.RFC3339, text) // checked where messages come in; the zero time sorts first
	return t
}

// Presentment is the message that a posting sequence comes from.
func Presentment(s Sequence) PurchaseMessage {
	return PurchaseMessage{BusinessKey: s.BusinessKey, TransactionID: s.TransactionID, AuthorizationID: s.AuthorizationID, PayloadHash: s.PayloadHash,
		OccurredAt: s.OccurredAt, State: Effective, Reason: s.Reason, Rank: RankOf(s.Basis.MTI), Decided: s.Basis}
}

// OrderMessage is the message that an order is.
func OrderMessage(o Order) PurchaseMessage {
	return PurchaseMessage{BusinessKey: o.BusinessKey, TransactionID: o.TransactionID, AuthorizationID: o.AuthorizationID, PayloadHash: o.PayloadHash,
		OccurredAt: o.OccurredAt, State: Effective, Order: &o}
}

// base is the message whose amount is the purchase's: a completion's over an advice's over an authorization's, of several the
// one transmitted last.
func (p Purchase) base() (PurchaseMessage, bool) {
	var base PurchaseMessage
	for _, m := range p.Messages {
		if !m.presents() {
			continue
		}
		if base.BusinessKey == "" || cmp.Or(cmp.Compare(m.Rank, base.Rank), m.transmitted().Compare(base.transmitted()), cmp.Compare(m.BusinessKey, base.BusinessKey)) > 0 {
			base = m
		}
	}
	return base, base.BusinessKey != ""
}

// Billed is what the purchase costs the customer's account now, charges apart: the amount of its base, and no more than the
// reversals leave. A reversal does not hold against a completion that was transmitted after it.
func (p Purchase) Billed() (Money, error) {
	base, ok := p.base()
	if !ok {
		return Money{}, nil
	}
	amount := base.Decided.BillingAmount
	for _, m := range p.Messages {
		if m.State != Effective || m.Order == nil || m.Order.Kind != OrderReversal {
			continue
		}
		if base.Rank > RankAuthorization && base.BusinessKey != m.Order.PurchaseKey && base.transmitted().After(m.transmitted()) {
			continue
		}
		left, err := m.Order.remains()
		if err != nil {
			return Money{}, &Error{Kind: Invalid, Reason: "REPLACEMENT_INVALID", Err: err}
		}
		if left.Currency != amount.Currency {
			return Money{}, mismatch("a reversal leaves %s of a purchase of %s", left, amount)
		}
		if left.Minor < amount.Minor {
			amount = left
		}
	}
	return amount, nil
}

func mismatch(format string, arguments ...any) error {
	return &Error{Kind: Conflict, Reason: ReasonOriginalMismatch, Err: fmt.Errorf(format, arguments...)}
}

// target is what is to stand in the ledger for the purchase: its base at the amount it is billed now, by the terms under which
// it was posted first. Reversals that found no original stand in suspense for as long as none comes.
func (p Purchase) target() (*position, error) {
	legs, err := p.priced()
	if err != nil {
		return nil, err
	}
	back, err := p.suspended()
	if err != nil {
		return nil, err
	}
	whole, err := newPosition(append(legs, back...))
	if err != nil || p.ClearedTo == "" {
		return whole, err
	}
	cleared, err := whole.moved(RoleSuspense, p.cleared)
	if err != nil || p.ClearedBranch == "" || !slices.Contains(postingRules.InterOffice.Central, RoleSuspense) {
		return cleared, err
	}
	return cleared, p.passOffices(whole, cleared)
}

// passOffices adds to what was cleared the inter-office pair of whatever whole has in suspense, as the purchase would have had it
// between its account and suspense (PR-16).
func (p Purchase) passOffices(whole, cleared *position) error {
	office := postingRules.InterOffice
	for _, s := range whole.order {
		if s.role != RoleSuspense {
			continue
		}
		amount := whole.amount[s]
		for _, side := range []struct {
			role   Role
			amount Money
		}{{office.Credit, amount.Neg()}, {office.Debit, amount}} {
			account, err := postingRules.account(side.role, places{branch: p.ClearedBranch}, s.currency)
			if err != nil {
				return err
			}
			if err := cleared.add(slot{s.component, side.role, account, s.currency}, side.amount, whole.code[s]); err != nil {
				return err
			}
		}
	}
	return nil
}

// priced are the legs that the purchase would have had, had it been billed from the start what it is billed now.
func (p Purchase) priced() ([]Leg, error) {
	base, ok := p.base()
	if !ok {
		return nil, nil
	}
	billed, err := p.Billed()
	if err != nil || billed.IsZero() {
		return nil, err
	}
	d := base.Decided
	first := p.Messages[slices.IndexFunc(p.Messages, PurchaseMessage.presents)].Decided
	d.Outcome, d.AccountID, d.BranchID, d.Scheme, d.Terms = first.Outcome, first.AccountID, first.BranchID, first.Scheme, first.Terms
	if base.Decided.Outcome == OutcomeSuspense {
		d.Charges = first.Charges // the rules decide on charges where they approve only
	}
	if d.SettlementAmount != (Money{}) && billed != base.Decided.BillingAmount {
		if d.SettlementAmount, err = d.SettlementAmount.Share(billed, base.Decided.BillingAmount); err != nil {
			return nil, fmt.Errorf("reducing the settlement amount: %w", err)
		}
	}
	d.BillingAmount = billed
	return Legs(d)
}

// cleared is the slot that took the place of one in suspense.
func (p Purchase) cleared(s slot) slot {
	s.role = p.ClearedTo
	s.account = ""
	if s.role != RoleCustomer {
		s.account = string(s.role)
	}
	return s
}

// suspended are the legs of reversals without an original: the scheme gave the money back, and nobody knows to whom.
func (p Purchase) suspended() ([]Leg, error) {
	var all []Leg
	for _, m := range p.Messages {
		if m.State != Suspended || m.Order == nil {
			continue
		}
		left, err := m.Order.remains()
		if err != nil {
			return nil, &Error{Kind: Invalid, Reason: "REPLACEMENT_INVALID", Err: err}
		}
		back, err := m.Order.BillingAmount.Add(left.Neg())
		if err != nil {
			return nil, &Error{Kind: Invalid, Reason: "AMOUNT_INVALID", Err: err}
		}
		if back.Minor <= 0 {
			continue // refused: see givesBack
		}
		d := Decided{Outcome: OutcomeSuspense, MTI: "0100", TransactionType: m.Order.TransactionType, BillingAmount: back, Scheme: m.Order.Scheme}
		legs, err := Legs(d)
		if err != nil {
			return nil, err
		}
		for _, leg := range legs {
			leg.Side = leg.Side.Opposite()
			all = append(all, leg)
		}
	}
	return all, nil
}

// Taken is what a message comes to.
type Taken struct {
	// Purchase is the purchase with the message.
	Purchase Purchase
	// Entry is the journal entry to be committed with it; nil where nothing is to be posted.
	Entry *JournalEntry
	// Refusal says why a reversal or a clearing has no effect now, with kind Conflict. It belongs to the purchase all the same: another message
	// may come that gives it one, and whether that comes before or after it must decide nothing.
	Refusal error
}

// Open adds the first message that presents the purchase, with the journal entry that was made of it before anything was known
// of the purchase. Reversals that came earlier are taken one by one afterwards: see Unmatched.
func (p Purchase) Open(entry JournalEntry) Purchase {
	m := Presentment(entry.Sequence)
	m.Sequence = entry.ID
	p.Messages, p.Sequences = slices.Clone(p.Messages), append(slices.Clone(p.Sequences), entry.ID)
	p.put(m)
	if entry.Outcome == OutcomePosted {
		p.AccountID = entry.Basis.AccountID
	}
	return p
}

// Join is p with all that is known of another purchase, which turned out to be the same one.
func (p Purchase) Join(other Purchase) Purchase {
	p.Messages, p.Sequences = slices.Concat(p.Messages, other.Messages), slices.Concat(p.Sequences, other.Sequences)
	if p.ClearedTo == "" {
		p.ClearedTo, p.ClearedBranch = other.ClearedTo, other.ClearedBranch
	}
	if p.AccountID == "" {
		p.AccountID = other.AccountID
	}
	return p
}

// Take adds a message to a purchase of which posted are the legs in the journal, all of its sequences together. An error of
// kind Conflict, Invalid or Unsupported is final: the message has no effect, and the purchase stays as it was. A reversal without
// an original is taken and waits. A message that presents the purchase once more, at no other amount, is taken without an entry.
func (p Purchase) Take(m PurchaseMessage, posted []Leg) (Taken, error) {
	before, err := p.Billed()
	if err != nil {
		return Taken{}, err
	}
	held, known := p.Find(m.BusinessKey)
	if !known && len(p.Messages) >= maxMessages {
		return Taken{}, &Error{Kind: Unsupported, Reason: ReasonTooManyMessages, Err: fmt.Errorf("purchase %s has %d messages", ShortKey(p.Key), len(p.Messages))}
	}
	next := p
	next.Messages, next.Sequences = slices.Clone(p.Messages), slices.Clone(p.Sequences)
	if known {
		m.Sequence, m.Orphan = held.Sequence, held.Orphan
	}
	if m.reverses() {
		// An original may have come since it was found missing.
		if m.State = m.stateIn(p); m.State == Waiting {
			m.Orphan = true
			next.put(m)
			return Taken{Purchase: next}, nil
		}
	}
	next.put(m)
	switch {
	case m.presents():
		err = next.checkPresentment(m)
	case m.reverses() && m.State == Effective:
		m.Reason, err = next.judge(m, before)
	case m.reverses():
		if !m.givesBack() {
			m.Reason = ReasonReversalExceeds
		}
	default:
		return p.takeClearing(next, m, posted)
	}
	if err != nil {
		return Taken{}, err
	}
	if m.reverses() && m.Reason != "" && (held.State != Suspended || held.Sequence == "" || m.Reason == ReasonOriginalMismatch) {
		return next.refuse(m, held), nil
	}
	return next.takeEntry(m, posted)
}

// takeClearing takes what stands in suspense out of it; next is the purchase with the clearing. Where nothing stands there, it is refused,
// and stays refused however often it comes: what may stand there later is not what whoever asked for it had seen.
func (p Purchase) takeClearing(next Purchase, m PurchaseMessage, posted []Leg) (Taken, error) {
	if next.clear(*m.Order, posted) {
		if taken, err := next.takeEntry(m, posted); err != nil || taken.Entry != nil {
			return taken, err
		}
	}
	m.Reason = ReasonNothingToClear
	if len(p.Messages) == 0 {
		return Taken{}, m.Refusal() // no purchase is known that could remember it
	}
	p.Messages = slices.Clone(p.Messages)
	p.put(m)
	return Taken{Purchase: p, Refusal: m.Refusal()}, nil
}

// takeEntry adds what the message posts.
func (p Purchase) takeEntry(m PurchaseMessage, posted []Leg) (Taken, error) {
	entry, err := p.entry(m, posted)
	if err != nil {
		return Taken{}, err
	}
	if entry != nil {
		p.Sequences, m.Sequence = append(p.Sequences, entry.ID), entry.ID
	}
	p.put(m)
	return Taken{Purchase: p, Entry: entry}, nil
}

// reverses reports whether the message is a reversal.
func (m PurchaseMessage) reverses() bool { return m.Order != nil && m.Order.Kind == OrderReversal }

// givesBack reports whether a reversal gives back anything of its own billing amount. A part of a small amount in another currency may
// come to nothing in this one.
func (m PurchaseMessage) givesBack() bool {
	left, err := m.Order.remains()
	return err != nil || left.Minor < m.Order.BillingAmount.Minor
}

// stateIn is the state of a reversal that is taken on a purchase as it is.
func (m PurchaseMessage) stateIn(p Purchase) MessageState {
	switch {
	case p.Presented():
		return Effective
	case m.State == Effective:
		return Waiting
	default:
		return m.State
	}
}

// refuse is a purchase with a reversal that has no effect now. One that is about amounts which no message has goes on waiting for
// such a message, in suspense if it is there; one that leaves no less than remains counts.
func (p Purchase) refuse(m, held PurchaseMessage) Taken {
	if m.Reason == ReasonOriginalMismatch {
		m.State, m.Orphan = Waiting, true
		if held.State == Suspended {
			m.State = Suspended
		}
	}
	p.put(m)
	return Taken{Purchase: p, Refusal: m.Refusal()}
}

// Refusal is the error of a reversal or a clearing that was refused, the same whenever it is asked for; nil for any other message.
func (m PurchaseMessage) Refusal() error {
	if m.Order == nil || m.Reason == "" {
		return nil
	}
	o := *m.Order
	problem := fmt.Errorf("no less than remained would remain of purchase %s", ShortKey(o.PurchaseKey))
	switch m.Reason {
	case ReasonOriginalMismatch:
		problem = fmt.Errorf("a reversal of %s billed as %s is not about any message of the purchase", o.TransactionAmount, o.BillingAmount)
	case ReasonAlreadyReversed:
		problem = fmt.Errorf("nothing remains of purchase %s", ShortKey(o.PurchaseKey))
	case ReasonNothingToClear:
		problem = fmt.Errorf("nothing of purchase %s stands in suspense that could be cleared so", ShortKey(o.PurchaseKey))
	}
	return &Error{Kind: Conflict, Reason: m.Reason, Err: problem}
}

// put adds the message, or replaces it where it is known.
func (p *Purchase) put(m PurchaseMessage) {
	i := slices.IndexFunc(p.Messages, func(held PurchaseMessage) bool { return held.BusinessKey == m.BusinessKey })
	if i < 0 {
		p.Messages = append(p.Messages, m)
		return
	}
	p.Messages[i] = m
}

// checkPresentment holds a message that presents the purchase against those that did before.
func (p *Purchase) checkPresentment(m PurchaseMessage) error {
	first := p.Messages[slices.IndexFunc(p.Messages, PurchaseMessage.presents)]
	if billed := first.Decided.BillingAmount; m.Decided.BillingAmount.Currency != billed.Currency {
		return mismatch("the message is billed in %s, the purchase in %s", m.Decided.BillingAmount.Currency, billed.Currency)
	}
	return nil
}

// judge holds a reversal against the purchase that has it: its amounts must be those of a message that presented it, or it may be
// about another payment, and it must leave less than remained before. reason says why it is refused, empty where it is not.
func (p *Purchase) judge(m PurchaseMessage, before Money) (reason string, err error) {
	o := *m.Order
	known := slices.ContainsFunc(p.Messages, func(held PurchaseMessage) bool {
		return held.presents() && held.Decided.BillingAmount == o.BillingAmount && held.Decided.TransactionAmount == o.TransactionAmount
	})
	if !known {
		return ReasonOriginalMismatch, nil
	}
	after, err := p.Billed()
	switch {
	case err != nil:
		return "", err
	case before.IsZero():
		return ReasonAlreadyReversed, nil
	case after.Minor >= before.Minor:
		return ReasonReversalExceeds, nil
	default:
		return "", nil
	}
}

// clear says where what stands in suspense belongs, and reports whether anything stands there that may go there. A purchase is cleared to
// a customer or written off, not both: the place of suspense is one for all that was ever there, so that another one would take
// back what was cleared before.
func (p *Purchase) clear(o Order, posted []Leg) bool {
	to := RoleDisputeLoss
	if o.AccountID != "" {
		to = RoleCustomer
	}
	if p.ClearedTo != "" && p.ClearedTo != to {
		return false
	}
	var stands int64
	for _, leg := range posted {
		if leg.Role == RoleSuspense {
			stands += leg.Signed().Minor // a purchase is billed in one currency, and its suspense is in that
		}
	}
	if p.ClearedTo == "" {
		p.ClearedTo, p.ClearedBranch = to, o.BranchID
	}
	if to == RoleCustomer {
		p.AccountID = o.AccountID
	}
	return stands != 0
}

// entry is the journal entry that brings the ledger from posted to the purchase's target; nil where nothing is to be moved.
func (p Purchase) entry(m PurchaseMessage, posted []Leg) (*JournalEntry, error) {
	target, err := p.target()
	if err != nil {
		return nil, err
	}
	stands, err := newPosition(posted)
	if err != nil {
		return nil, err
	}
	change, err := target.minus(stands)
	if err != nil {
		return nil, err
	}
	sequence := Sequence{
		ID: SequenceID(p.Key, p.nextNumber(m)), TransactionID: m.TransactionID, AuthorizationID: m.AuthorizationID, BusinessKey: m.BusinessKey,
		PayloadHash: m.PayloadHash, OccurredAt: m.OccurredAt, Outcome: OutcomePosted, Basis: m.Decided,
	}
	account, reason := p.AccountID, p.redirect(m)
	if reason != "" {
		change, err = change.moved(RoleCustomer, func(s slot) slot {
			s.role = RoleSuspense
			s.account, _ = suspenseAccount(s.currency) // the table's check makes sure that there is one
			return s
		})
		if err != nil {
			return nil, err
		}
	}
	legs := change.legs(account, p.template(m))
	if len(legs) == 0 {
		return nil, nil
	}
	if len(p.Sequences) >= maxSequences {
		return nil, &Error{Kind: Unsupported, Reason: ReasonTooManySequences, Err: fmt.Errorf("purchase %s has %d posting sequences", ShortKey(p.Key), len(p.Sequences))}
	}
	if m.BusinessKey != p.Key {
		sequence.Root = SequenceID(p.Key, 0)
	}
	if m.Order != nil && m.Order.Kind == OrderReversal {
		sequence.ReversalOf = sequence.Root
	}
	has := func(role Role) bool { return slices.ContainsFunc(legs, func(leg Leg) bool { return leg.Role == role }) }
	if has(RoleSuspense) && !has(RoleCustomer) && (m.Order == nil || m.Order.Kind != OrderClearing) {
		sequence.Outcome, sequence.Reason = OutcomeSuspense, p.suspenseReason(m, reason)
	}
	sequence.Of, sequence.Checksum = len(legs), Checksum(legs)
	entry, err := Assemble(sequence, legs)
	if err != nil {
		return nil, err
	}
	return &entry, nil
}

// nextNumber is the number of the next posting sequence: 0 is that of the message the purchase goes by.
func (p Purchase) nextNumber(m PurchaseMessage) int {
	if m.BusinessKey == p.Key {
		return 0
	}
	return 1 + len(slices.DeleteFunc(slices.Clone(p.Sequences), IsFirstSequence))
}

// WhileDisputed is the message as it is taken while a case about the purchase is open: what a reversal gives back goes to
// suspense, because the customer has the disputed amount already, by provisional credit.
func (m PurchaseMessage) WhileDisputed() PurchaseMessage {
	if m.Order == nil || m.Order.Kind != OrderReversal || m.Order.Outcome == OutcomeSuspense {
		return m
	}
	order := *m.Order
	order.Outcome, order.Reason = OutcomeSuspense, ReasonDisputeOpen
	m.Order = &order
	return m
}

// AuthorizedAmount is the billed amount of the purchase's authorization; the zero value where none came.
func (p Purchase) AuthorizedAmount() Money {
	i := slices.IndexFunc(p.Messages, func(m PurchaseMessage) bool { return m.Rank == RankAuthorization })
	if i < 0 {
		return Money{}
	}
	return p.Messages[i].Decided.BillingAmount
}

// redirect says why what the customer's account would be moved by goes to suspense; empty where it does not.
func (p Purchase) redirect(m PurchaseMessage) string {
	outcome, reason, account := m.Decided.Outcome, m.Reason, m.Decided.AccountID
	if m.Order != nil {
		outcome, reason, account = m.Order.Outcome, m.Order.Reason, m.Order.AccountID
	}
	switch {
	case m.Order != nil && m.Order.Kind == OrderClearing:
		return ""
	case p.ClearedTo == RoleCustomer && account != p.AccountID:
		return "" // a person chose the account; the card's says nothing about it
	case outcome == OutcomeSuspense:
		return reason
	case p.AccountID != "" && account != p.AccountID:
		// Whether the account of the original still takes postings is not known here.
		return ReasonAccountChanged
	default:
		return ""
	}
}

// suspenseReason is the reason of a sequence that touches suspense.
func (p Purchase) suspenseReason(m PurchaseMessage, redirected string) string {
	switch {
	case m.State == Suspended:
		return ReasonOriginalNotFound
	case redirected != "":
		return redirected
	default:
		return "ORIGINAL_IN_SUSPENSE"
	}
}

// template is what all legs of a message's sequence have in common.
func (p Purchase) template(m PurchaseMessage) Leg {
	rules := postingRules.Corrections
	leg := Leg{RuleVersion: PostingRuleVersion(), ValueDate: m.Decided.ValueDate, Description: m.Decided.Description}
	if m.Order == nil {
		leg.RuleID = rules.Partial.ID
		return leg
	}
	leg.ValueDate, leg.Description = m.Order.ValueDate, m.Order.Description
	switch billed, _ := p.Billed(); {
	case m.Order.Kind == OrderClearing:
		leg.RuleID = rules.Clearing.ID
	case m.State == Suspended:
		leg.RuleID = rules.Unmatched.ID
	case billed.IsZero():
		leg.RuleID = rules.Full.ID
	default:
		leg.RuleID = rules.Partial.ID
	}
	return leg
}
