package payment

import (
	"fmt"
	"slices"
)

// CheckPosted verifies what must hold of a purchase whatever the posting rules were when it was posted: given the legs of all its
// sequences, its principal stands with the customer, in suspense or where it was written off, and comes to what the purchase is billed
// now, so that reversals never take more than was posted; no charge stands the other way round; and of a purchase that was taken back in
// full nothing stands anywhere. Purchases with a reversal that was posted without its original are not judged: it is not known to belong
// to them.
func (p Purchase) CheckPosted(posted []Leg) error {
	base, ok := p.base()
	if !ok || slices.ContainsFunc(p.Messages, func(m PurchaseMessage) bool { return m.State == Suspended }) {
		return nil
	}
	billed, err := p.Billed()
	if err != nil {
		return err
	}
	stands, err := newPosition(posted)
	if err != nil {
		return err
	}
	holds := map[Component]Money{}
	for _, s := range stands.order {
		if billed.IsZero() && !stands.amount[s].IsZero() && s.role != RoleCustomer && s.role != RoleSuspense && s.role != p.ClearedTo {
			return fmt.Errorf("purchase %s was taken back in full, and %s stands on %s", p.Key, stands.amount[s], s.account)
		}
		if s.role != RoleCustomer && s.role != RoleSuspense && s.role != p.ClearedTo {
			continue
		}
		sum, known := holds[s.component]
		if !known {
			sum.Currency = s.currency
		}
		if holds[s.component], err = sum.Add(stands.amount[s]); err != nil {
			return err
		}
	}
	want := billed.Minor
	if class, _ := postingRules.classOf(base.Decided.TransactionType); class.Side == Debit {
		want = -want
	}
	if held := holds[Principal].Minor; held != want {
		return fmt.Errorf("purchase %s is billed %s, and %s stands with its customer", p.Key, billed, holds[Principal])
	}
	for component, held := range holds {
		if held.Minor > 0 && want <= 0 || held.Minor < 0 && want >= 0 {
			return fmt.Errorf("of purchase %s more %s was taken back than was posted: %s", p.Key, component, held)
		}
	}
	return nil
}
