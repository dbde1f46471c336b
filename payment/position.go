package payment

import (
	"cmp"
	"fmt"
	"slices"
)

// slot is a place that a purchase's money stands in. The customer has one whatever the account: which account is posted to is
// decided when it is posted to, and a purchase may have moved from one to another.
type slot struct {
	component Component
	role      Role
	account   string
	currency  Currency
}

func slotOf(leg Leg) slot {
	s := slot{component: leg.Component, role: leg.Role, account: leg.Account, currency: leg.Amount.Currency}
	if s.role == RoleCustomer {
		s.account = ""
	}
	return s
}

// position is what stands where, credits positive. It keeps the order in which its slots first came, so that legs made of it
// have the order of the legs they change.
type position struct {
	order  []slot
	amount map[slot]Money
	// code is the bank transaction code of the first leg of a slot.
	code map[slot]string
}

func newPosition(legs []Leg) (*position, error) {
	p := &position{amount: map[slot]Money{}, code: map[slot]string{}}
	for _, leg := range legs {
		if err := p.add(slotOf(leg), leg.Signed(), leg.BankTransactionCode); err != nil {
			return nil, err
		}
	}
	return p, nil
}

func (p *position) add(s slot, amount Money, code string) error {
	held, known := p.amount[s]
	if !known {
		p.order = append(p.order, s)
		held = Money{Currency: s.currency}
		p.code[s] = code
	}
	sum, err := held.Add(amount)
	if err != nil {
		return fmt.Errorf("adding up %s %s: %w", s.role, s.component, err)
	}
	p.amount[s] = sum
	return nil
}

// minus is what has to be added to other to get p.
func (p *position) minus(other *position) (*position, error) {
	difference, err := newPosition(nil)
	if err != nil {
		return nil, err
	}
	// The slots of what stands come first: a reversal's legs then mirror the original's one by one.
	for _, s := range other.order {
		if err := difference.add(s, other.amount[s].Neg(), other.code[s]); err != nil {
			return nil, err
		}
	}
	for _, s := range p.order {
		if err := difference.add(s, p.amount[s], p.code[s]); err != nil {
			return nil, err
		}
	}
	return difference, nil
}

// moved is p with everything of one role standing in another one's slots.
func (p *position) moved(from Role, to func(slot) slot) (*position, error) {
	result, err := newPosition(nil)
	if err != nil {
		return nil, err
	}
	for _, s := range p.order {
		place := s
		if s.role == from {
			place = to(s)
		}
		if err := result.add(place, p.amount[s], p.code[s]); err != nil {
			return nil, err
		}
	}
	return result, nil
}

// legs writes the position as legs: component by component, in the order in which the slots came.
func (p *position) legs(account string, template Leg) []Leg {
	components := map[Component]int{}
	for _, s := range p.order {
		if _, known := components[s.component]; !known {
			components[s.component] = len(components)
		}
	}
	slots := slices.Clone(p.order)
	slices.SortStableFunc(slots, func(a, b slot) int { return cmp.Compare(components[a.component], components[b.component]) })
	var legs []Leg
	for _, s := range slots {
		amount := p.amount[s]
		if amount.IsZero() {
			continue
		}
		leg := template
		leg.Number, leg.Side, leg.Role, leg.Account, leg.Component, leg.Amount = len(legs)+1, Credit, s.role, s.account, s.component, amount
		leg.BankTransactionCode = p.code[s]
		if amount.Minor < 0 {
			leg.Side, leg.Amount = Debit, amount.Neg()
		}
		if s.role == RoleCustomer {
			leg.Account = account
		}
		legs = append(legs, leg)
	}
	return legs
}
