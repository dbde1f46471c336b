package payment

import (
	"fmt"
	"slices"
)

// posting is what a posting rule is applied to: a payment or a posting request.
type posting struct {
	rule  postingRule
	worth func(AmountName) (Money, error)
	// settlement is what the payment is settled for; zero where that is not known.
	settlement Money
	places     places
	// cardCentre is the branch that runs card settlement; empty where branches keep no books of their own.
	cardCentre             string
	valueDate, description string
}

// step is an amount that is debited to one role and credited to another: a movement, or a part of an expanded one.
type step struct {
	debit, credit end
	amount        Money
}

// end is one side of a step, with the id of the rule that puts it there.
type end struct {
	role Role
	rule string
}

// legs applies the rule: two legs for each step, the debit first. Movements worth nothing are omitted.
func (t *postingTable) legs(p posting) ([]Leg, error) {
	var legs []Leg
	for _, m := range p.rule.Movements {
		amount, err := p.worth(m.Amount)
		if err != nil {
			return nil, fmt.Errorf("applying posting rule %s: %w", p.rule.ID, err)
		}
		if amount.IsZero() {
			continue
		}
		for _, s := range t.steps(p, m, amount) {
			pair, err := t.pair(p, m, s)
			if err != nil {
				return nil, fmt.Errorf("applying posting rule %s: %w", p.rule.ID, err)
			}
			legs = append(legs, pair[:]...)
		}
	}
	for i := range legs {
		legs[i].Number = i + 1
	}
	if err := CheckBalanced(legs); err != nil {
		return nil, err
	}
	return legs, nil
}

// pair makes the two legs of a step.
func (t *postingTable) pair(p posting, m movement, s step) ([2]Leg, error) {
	var legs [2]Leg
	for i, side := range []struct {
		side Side
		end
	}{{Debit, s.debit}, {Credit, s.credit}} {
		account, err := t.account(side.role, p.places, s.amount.Currency)
		if err != nil {
			return legs, err
		}
		legs[i] = Leg{
			Side: side.side, Role: side.role, Account: account, Component: m.Component, Amount: s.amount,
			RuleID: side.rule, RuleVersion: t.Version, BankTransactionCode: m.BankTransactionCode,
			ValueDate: p.valueDate, Description: p.description,
		}
	}
	return legs, nil
}

// steps expands a movement where its ends are in two branches' books (PR-16) or in two currencies.
func (t *postingTable) steps(p posting, m movement, amount Money) []step {
	rule := p.rule.ID
	if m.Rule != "" {
		rule = m.Rule
	}
	steps := []step{{end{m.Debit, rule}, end{m.Credit, rule}, amount}}
	if p.cardCentre != "" && p.places.branch != "" && p.places.branch != p.cardCentre {
		steps = t.throughOffices(steps[0])
	}
	// Charges are the issuer's own, in the currency of the account: the scheme settles the principal alone.
	if m.Amount != AmountPrincipal || p.settlement.IsZero() || p.settlement.Currency == amount.Currency {
		return steps
	}
	var split []step
	for _, s := range steps {
		split = append(split, t.throughPositions(s, p.settlement)...)
	}
	return split
}

// throughOffices passes a step between the customer and a central account through the inter-office accounts: what the
// branch's books and the card centre's books each see balances.
func (t *postingTable) throughOffices(s step) []step {
	office, control := end{t.InterOffice.Credit, t.InterOffice.ID}, end{t.InterOffice.Debit, t.InterOffice.ID}
	switch {
	case s.debit.role == RoleCustomer && slices.Contains(t.InterOffice.Central, s.credit.role):
		return []step{{s.debit, office, s.amount}, {control, s.credit, s.amount}}
	case s.credit.role == RoleCustomer && slices.Contains(t.InterOffice.Central, s.debit.role):
		return []step{{s.debit, control, s.amount}, {office, s.credit, s.amount}}
	default:
		return []step{s}
	}
}

// throughPositions splits a step with a role that is kept in the currency of settlement into one step for each currency.
func (t *postingTable) throughPositions(s step, settlement Money) []step {
	position := func(of end) end { return end{t.Positions.Position, of.rule} }
	switch {
	case slices.Contains(t.Positions.Settled, s.credit.role):
		return []step{{s.debit, position(s.credit), s.amount}, {position(s.credit), s.credit, settlement}}
	case slices.Contains(t.Positions.Settled, s.debit.role):
		return []step{{s.debit, position(s.debit), settlement}, {position(s.debit), s.credit, s.amount}}
	default:
		return []step{s}
	}
}
