package main

import (
	"fmt"
	"slices"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/payrail/payrail/internal/batch"
	"github.com/payrail/payrail/payment"
)

// Phases of a stream. What is in one comes in any order; what is in the next one has its cause in what came before: a person clears
// what stands in suspense, a reversal is overdue when its original has not come.
const (
	phaseFirst = iota
	phaseOverdue
	phaseLateOriginal
	phaseClearing
	phaseAfterClearing
	phases
)

// sent is one message of a stream, which is several where it is legs: what its sender made, and when it can come.
type sent struct {
	key      string
	phase    int
	messages []batch.Message
	// entry is there where posting gets legs, order where it gets an order.
	entry *payment.JournalEntry
	order *payment.Order
}

// paid is a payment with all messages about it.
type paid struct {
	presented []payment.JournalEntry
	reversals []payment.Order
	// redirected says that a reversal comes when the account is closed; cleared that what stands in suspense is cleared.
	redirected, cleared bool
	// lost says that the payment itself never comes, only reversals of it.
	lost bool
}

func (p *paid) key() string { return p.presented[0].BusinessKey }

func (p *paid) closed() bool { return p.presented[0].Outcome == payment.OutcomeSuspense }

// disputed is a dispute case.
type disputed struct {
	cause  string
	amount payment.Money
	closed bool
	// rival is another end than the one it has.
	rival payment.JournalEntry
}

// stream is what posting is sent, and what its senders know of it.
type stream struct {
	sent     []sent
	paid     []*paid
	disputes []*disputed
	keys     int
}

func (s *stream) nextKey() string {
	s.keys++
	return fmt.Sprintf("KEY%023d", s.keys)
}

// drawStream makes a random stream: payments of every kind with what comes after them, disputes, fees and settlements.
func drawStream(t *rapid.T) *stream {
	s := &stream{}
	for range rapid.IntRange(1, 3).Draw(t, "payments") {
		s.drawPayment(t)
	}
	for range rapid.IntRange(0, 2).Draw(t, "disputes") {
		s.drawDispute(t)
	}
	for range rapid.IntRange(0, 2).Draw(t, "other postings") {
		s.drawOther(t)
	}
	return s
}

var currencies = []payment.Currency{"GBP", "JPY", "BHD"}

func drawMoney(t *rapid.T, currency payment.Currency, name string) payment.Money {
	return payment.Money{Minor: rapid.Int64Range(1, 100_000).Draw(t, name), Currency: currency}
}

// minute writes a time of transmission. All messages of a payment have times of their own.
func minute(n int) string { return fmt.Sprintf("2026-07-09T10:%02d:00Z", n) }

// drawDecided draws what the rules engine decided on a payment.
func drawDecided(t *rapid.T) payment.Decided {
	billed := drawMoney(t, rapid.SampledFrom(currencies).Draw(t, "currency"), "billed")
	d := payment.Decided{
		Outcome: payment.OutcomePosted, MTI: "0100", MCC: "5411", TransmittedAt: minute(1), TransactionAmount: billed, BillingAmount: billed,
		TransactionType: rapid.SampledFrom([]string{"00", "00", "01", "09", "20"}).Draw(t, "type"),
		AccountID:       fmt.Sprintf("acc-%d", rapid.IntRange(1, 3).Draw(t, "account")),
		Scheme:          rapid.SampledFrom([]string{"VISA", "MASTERCARD"}).Draw(t, "scheme"), Description: "ACME STORE", ValueDate: "2026-07-10",
		Terms: payment.Terms{FXFeeRate: "0.0299", FXFeeTaxRate: "0.20", TaxJurisdiction: "GB", CashFeeRate: "0.03", CashFeeMinimum: payment.Money{Minor: 300, Currency: billed.Currency}},
	}
	d.Charges.Cash = d.TransactionType == "01"
	if rapid.Bool().Draw(t, "foreign") {
		d.Foreign, d.Charges.FX, d.TransactionAmount = true, d.TransactionType != "20", drawMoney(t, "USD", "abroad")
	}
	if rapid.IntRange(0, 3).Draw(t, "settled in EUR") == 0 {
		d.SettlementAmount = drawMoney(t, "EUR", "settled")
	}
	if rapid.IntRange(0, 3).Draw(t, "branch") == 0 {
		d.BranchID, d.Terms.CardCentre = rapid.SampledFrom([]string{"601613", "601614"}).Draw(t, "of"), "000001"
	}
	if rapid.IntRange(0, 3).Draw(t, "closed") == 0 {
		d.Outcome = payment.OutcomeSuspense
	}
	return d
}

// present adds a message that presents a payment.
func (s *stream) present(t *rapid.T, p *paid, phase int, d payment.Decided, links, refundOf payment.Links) {
	key := s.nextKey()
	legs, err := payment.Legs(d)
	require.NoError(t, err)
	e := payment.JournalEntry{Legs: legs, Sequence: payment.Sequence{
		ID: payment.SequenceID(key, 0), Of: len(legs), Checksum: payment.Checksum(legs), TransactionID: payment.TransactionID(key), AuthorizationID: "auth-" + key,
		BusinessKey: key, PayloadHash: "hash-" + key, Outcome: d.Outcome, OccurredAt: "2026-07-09T10:15:31.123Z", Basis: d, Links: links, RefundOf: refundOf,
	}}
	if d.Outcome == payment.OutcomeSuspense {
		e.Reason = "ACCOUNT_CLOSED"
	}
	p.presented = append(p.presented, e)
	if !p.lost {
		s.sent = append(s.sent, sent{key: key, phase: phase, messages: messages(t, e), entry: &e})
	}
}

// drawPayment draws a payment, its completions and advices, its reversals, refunds of it, and the clearing of what is in suspense.
func (s *stream) drawPayment(t *rapid.T) {
	p, d := &paid{}, drawDecided(t)
	first := phaseFirst
	switch rapid.IntRange(0, 5).Draw(t, "original") {
	case 0:
		p.lost = true
	case 1:
		first = phaseLateOriginal
	}
	p.cleared = rapid.Bool().Draw(t, "cleared")
	later := func(name string) int {
		if p.cleared && !p.lost && rapid.IntRange(0, 3).Draw(t, name) == 0 {
			return phaseAfterClearing
		}
		return first
	}
	links := payment.Links{Approval: fmt.Sprintf("APPROVAL%d", s.keys)}
	if rapid.Bool().Draw(t, "lifecycle") {
		links.Lifecycle = fmt.Sprintf("LIFECYCLE%d", s.keys)
	}
	s.present(t, p, first, d, links, payment.Links{})
	for i := range rapid.IntRange(0, 2).Draw(t, "further messages") {
		if p.lost {
			break
		}
		next := d
		next.MTI, next.TransmittedAt = rapid.SampledFrom([]string{"0120", "0220"}).Draw(t, "mti"), minute(10*(i+1))
		if rapid.IntRange(0, 3).Draw(t, "same amount") > 0 {
			next.BillingAmount = drawMoney(t, d.BillingAmount.Currency, "completed")
			next.TransactionAmount = next.BillingAmount
			if d.Foreign {
				next.TransactionAmount = drawMoney(t, "USD", "completed abroad")
			}
		}
		s.present(t, p, later("completed after clearing"), next, links, payment.Links{})
	}
	reversals := rapid.IntRange(0, 3).Draw(t, "reversals")
	// Where some of several messages find the account closed, what is redirected depends on when they come.
	p.redirected = reversals == 1 && len(p.presented) == 1 && !p.closed() && rapid.Bool().Draw(t, "closed since")
	for i := range reversals {
		phase := phaseFirst
		if first == phaseFirst {
			phase = later("reversed after clearing")
		}
		s.drawReversal(t, p, i, phase)
	}
	if !p.lost && first == phaseFirst && d.TransactionType != "20" && rapid.IntRange(0, 2).Draw(t, "refunded") == 0 {
		s.drawRefund(t, d, links)
	}
	s.drawClearing(t, p)
	s.paid = append(s.paid, p)
}

// drawReversal draws a reversal of any of the payment's messages, in part or in full. It may leave more than there is.
func (s *stream) drawReversal(t *rapid.T, p *paid, n, phase int) {
	of := p.presented[rapid.IntRange(0, len(p.presented)-1).Draw(t, "reversal of")]
	key := s.nextKey()
	o := payment.Order{
		Kind: payment.OrderReversal, PurchaseKey: of.BusinessKey, TransactionID: payment.TransactionID(key), AuthorizationID: "auth-" + key, BusinessKey: key, PayloadHash: "hash-" + key,
		PANToken: "tok", OccurredAt: "2026-07-09T10:16:31.123Z", Outcome: of.Basis.Outcome, Reason: of.Reason, AccountID: of.Basis.AccountID,
		TransmittedAt: minute(rapid.SampledFrom([]int{5, 15, 25}).Draw(t, "reversed at") + n), TransactionType: of.Basis.TransactionType, Scheme: of.Basis.Scheme,
		TransactionAmount: of.Basis.TransactionAmount, BillingAmount: of.Basis.BillingAmount,
	}
	if remains := rapid.Int64Range(0, of.Basis.TransactionAmount.Minor).Draw(t, "remains"); remains > 0 && rapid.Bool().Draw(t, "in part") {
		if p.lost {
			remains-- // one that takes nothing back has nothing to be posted without its original
		}
		o.ReplacementAmount = &payment.Money{Minor: remains, Currency: of.Basis.TransactionAmount.Currency}
	}
	if p.redirected {
		o.Outcome, o.Reason = payment.OutcomeSuspense, "ACCOUNT_CLOSED"
	}
	p.reversals = append(p.reversals, o)
	s.add(t, phase, o)
	overdue := o
	overdue.Kind, overdue.BusinessKey, overdue.OccurredAt = payment.OrderOverdue, s.nextKey(), "2026-07-10T11:00:00.000Z"
	if phase == phaseFirst {
		s.sent = append(s.sent, sent{phase: phaseOverdue, messages: []batch.Message{orderMessage(t, overdue)}})
	}
}

// drawRefund draws a refund that names the purchase it gives back, or none.
func (s *stream) drawRefund(t *rapid.T, of payment.Decided, links payment.Links) {
	d := of
	d.TransactionType, d.Charges, d.TransmittedAt, d.TransactionAmount, d.Foreign = "20", payment.Charges{}, minute(40), of.BillingAmount, false
	d.SettlementAmount = payment.Money{}
	if !rapid.Bool().Draw(t, "linked") {
		links = payment.Links{}
	}
	p := &paid{}
	own := payment.Links{Approval: fmt.Sprintf("CREDIT%d", s.keys)}
	s.present(t, p, phaseFirst, d, own, links)
	if rapid.IntRange(0, 2).Draw(t, "refund taken back") == 0 {
		s.drawReversal(t, p, 0, phaseFirst)
	}
	s.paid = append(s.paid, p)
}

// drawClearing draws the clearing of what a payment has in suspense. Where nothing stands there, it is refused.
func (s *stream) drawClearing(t *rapid.T, p *paid) {
	if !p.cleared {
		return
	}
	basis := p.presented[0].Basis
	r := payment.PostingRequest{Kind: payment.RequestSuspenseWriteOff, CauseID: payment.SequenceID(p.key(), 0), Scheme: basis.Scheme, Side: payment.Debit, PurchaseKey: payment.ShortKey(p.key()),
		Amounts: payment.RequestAmounts{Principal: basis.BillingAmount}, ValueDate: "2026-07-12", OccurredAt: "2026-07-12T09:00:00.000Z"}
	if rapid.Bool().Draw(t, "to an account") {
		r.Kind, r.AccountID = payment.RequestSuspenseClear, "acc-cleared"
	}
	order, clears, err := r.Clearing()
	require.NoError(t, err)
	require.True(t, clears)
	s.add(t, phaseClearing, order)
}

// drawDispute draws a case with its provisional credit and, mostly, its end. That a case is ended twice, in two ways, comes later.
func (s *stream) drawDispute(t *rapid.T) {
	amount := drawMoney(t, rapid.SampledFrom(currencies).Draw(t, "currency"), "disputed")
	amount.Minor++ // two parts need two minor units
	c := &disputed{cause: fmt.Sprintf("case-%d", len(s.disputes)+1), amount: amount, closed: rapid.IntRange(0, 3).Draw(t, "ends") > 0}
	s.disputes = append(s.disputes, c)
	r := payment.PostingRequest{Kind: payment.RequestDisputeProvisional, CauseID: c.cause, CaseID: c.cause, AccountID: "acc-1", Scheme: "VISA", TaxJurisdiction: "GB",
		Amounts: payment.RequestAmounts{Principal: amount}, ValueDate: "2026-07-12", OccurredAt: "2026-07-12T09:00:00.000Z"}
	if rapid.Bool().Draw(t, "with charges") {
		r.Amounts.FXFee, r.Amounts.FXFeeTax = drawMoney(t, amount.Currency, "fee"), drawMoney(t, amount.Currency, "tax")
	}
	if rapid.Bool().Draw(t, "of a branch") {
		r.BranchID, r.CardCentre = "601613", "000001"
	}
	s.request(t, phaseFirst, r)
	ends := []payment.PostingRequest{r, r, r, r}
	ends[0].Kind = payment.RequestDisputeLostCustomer
	ends[1].Kind, ends[1].Amounts = payment.RequestDisputeWon, payment.RequestAmounts{Principal: amount}
	ends[2].Kind, ends[2].Amounts = payment.RequestDisputeLostBank, payment.RequestAmounts{Principal: amount}
	won := rapid.Int64Range(1, amount.Minor-1).Draw(t, "won")
	ends[3].Kind, ends[3].Amounts = payment.RequestDisputeSplit, payment.RequestAmounts{
		Won: payment.Money{Minor: won, Currency: amount.Currency}, Lost: payment.Money{Minor: amount.Minor - won, Currency: amount.Currency}}
	if c.closed {
		end := rapid.IntRange(0, len(ends)-1).Draw(t, "end")
		s.request(t, phaseFirst, ends[end])
		c.rival = requested(t, ends[(end+1)%len(ends)])
	}
}

// drawOther draws a posting that no card payment makes.
func (s *stream) drawOther(t *rapid.T) {
	currency := rapid.SampledFrom(currencies).Draw(t, "currency")
	r := payment.PostingRequest{CauseID: fmt.Sprintf("other-%d", s.keys), Scheme: "VISA", ValueDate: "2026-07-12", OccurredAt: "2026-07-12T09:00:00.000Z"}
	s.keys++
	amount := drawMoney(t, currency, "amount")
	part := payment.Money{Minor: rapid.Int64Range(0, amount.Minor).Draw(t, "part"), Currency: currency}
	switch rapid.IntRange(0, 2).Draw(t, "kind") {
	case 0:
		r.Kind, r.AccountID, r.TaxJurisdiction, r.Amounts = payment.RequestFee, "acc-2", "GB", payment.RequestAmounts{Fee: amount, FeeTax: part}
	case 1:
		r.Kind, r.Side = payment.RequestSettlement, rapid.SampledFrom([]payment.Side{payment.Debit, payment.Credit}).Draw(t, "side")
		r.Amounts = payment.RequestAmounts{Principal: amount, Interchange: part}
	case 2:
		other := drawMoney(t, currency, "settled")
		if other == amount {
			other.Minor++
		}
		r.Kind, r.Amounts = payment.RequestSettlementDifference, payment.RequestAmounts{Principal: amount, Settled: other}
	}
	s.request(t, phaseFirst, r)
}

func (s *stream) add(t require.TestingT, phase int, o payment.Order) {
	s.sent = append(s.sent, sent{key: o.BusinessKey, phase: phase, messages: []batch.Message{orderMessage(t, o)}, order: &o})
}

func (s *stream) request(t require.TestingT, phase int, r payment.PostingRequest) {
	e := requested(t, r)
	s.sent = append(s.sent, sent{key: e.BusinessKey, phase: phase, messages: messages(t, e), entry: &e})
}

// requested is the posting of a request.
func requested(t require.TestingT, r payment.PostingRequest) payment.JournalEntry {
	sequence, legs, err := r.Posting()
	require.NoError(t, err)
	return payment.JournalEntry{Sequence: sequence, Legs: legs}
}

// of are the messages of a phase.
func (s *stream) of(phase int) []batch.Message {
	var all []batch.Message
	for _, m := range s.sent {
		if m.phase == phase {
			all = append(all, m.messages...)
		}
	}
	return all
}

// all are the messages of all phases.
func (s *stream) all() []batch.Message {
	var all []batch.Message
	for phase := range phases {
		all = append(all, s.of(phase)...)
	}
	return slices.Clip(all)
}

// base is the message whose amount is the payment's: a completion before an advice before the authorization, of several the last.
func (p *paid) base() payment.JournalEntry {
	return slices.MaxFunc(p.presented, func(a, b payment.JournalEntry) int {
		if ranks := payment.RankOf(a.Basis.MTI) - payment.RankOf(b.Basis.MTI); ranks != 0 {
			return ranks
		}
		return slices.Compare([]byte(a.Basis.TransmittedAt), []byte(b.Basis.TransmittedAt))
	})
}

// owed is what the payment costs in the end, by the rules of docs/concepts/purchases.md: computed from the set of its messages.
func (p *paid) owed(t require.TestingT) payment.Money {
	base := p.base()
	left := base.Basis.BillingAmount
	for _, o := range p.reversals {
		completedLater := base.Basis.MTI != "0100" && base.BusinessKey != o.PurchaseKey && base.Basis.TransmittedAt > o.TransmittedAt
		if completedLater {
			continue
		}
		remains := payment.Money{Currency: left.Currency}
		if o.ReplacementAmount != nil {
			var err error
			remains, err = o.BillingAmount.Share(*o.ReplacementAmount, o.TransactionAmount)
			require.NoError(t, err)
		}
		left.Minor = min(left.Minor, remains.Minor)
	}
	return left
}
