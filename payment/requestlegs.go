package payment

import (
	"fmt"
	"slices"
)

// Amounts that posting requests know besides those of payments.
const (
	AmountFee         AmountName = "FEE"
	AmountFeeTax      AmountName = "FEE_TAX"
	AmountWon         AmountName = "WON"
	AmountLost        AmountName = "LOST"
	AmountInterchange AmountName = "INTERCHANGE"
	// AmountLessInterchange is the principal without the interchange: what leaves the bank of a settlement.
	AmountLessInterchange AmountName = "PRINCIPAL_LESS_INTERCHANGE"
	// AmountSettlementDifference is by how much settled and principal differ.
	AmountSettlementDifference AmountName = "SETTLEMENT_DIFFERENCE"
)

// requestAmounts are the amounts that a posting request can be worth, with the members of RequestAmounts each is made of.
var requestAmounts = map[AmountName][]string{
	AmountPrincipal: {"principal"}, AmountFXFee: {"fxFee"}, AmountFXFeeTax: {"fxFeeTax"}, AmountCashFee: {"cashFee"},
	AmountFee: {"fee"}, AmountFeeTax: {"feeTax"}, AmountWon: {"won"}, AmountLost: {"lost"}, AmountInterchange: {"interchange"},
	AmountLessInterchange: {"principal", "interchange"}, AmountSettlementDifference: {"principal", "settled"},
}

// Posting makes the posting sequence that a request asks for. The error's kind is Invalid.
func (r PostingRequest) Posting() (Sequence, []Leg, error) { return postingRules.requestPosting(r) }

func (t *postingTable) requestPosting(r PostingRequest) (Sequence, []Leg, error) {
	if err := r.Check(); err != nil {
		return Sequence{}, nil, err
	}
	legs, err := t.requestLegs(r)
	if err != nil {
		return Sequence{}, nil, err
	}
	hash, err := r.PayloadHash()
	if err != nil {
		return Sequence{}, nil, err
	}
	key := r.BusinessKey()
	return Sequence{
		ID: SequenceID(key, 0), Of: len(legs), Checksum: Checksum(legs), TransactionID: TransactionID(key), AuthorizationID: r.CauseID,
		BusinessKey: key, PayloadHash: hash, Outcome: OutcomePosted, OccurredAt: r.OccurredAt,
	}, legs, nil
}

// requestLegs applies the posting rules to a request whose form has been checked.
func (t *postingTable) requestLegs(r PostingRequest) ([]Leg, error) {
	side, err := r.direction()
	if err != nil {
		return nil, err
	}
	rule, found := t.rule(situation{trigger: r.Kind, side: side})
	switch {
	case !found:
		return nil, refuseRequest("no posting rule takes a %s with side %q: it must say D or C", r.Kind, r.Side)
	case r.Side != "" && !rule.usesSide():
		return nil, refuseRequest("a %s has no side", r.Kind)
	}
	if err := r.checkAmounts(rule); err != nil {
		return nil, err
	}
	legs, err := t.legs(posting{
		rule: rule, worth: r.worth, cardCentre: r.CardCentre,
		places:    places{account: r.AccountID, scheme: r.Scheme, branch: r.BranchID, jurisdiction: r.TaxJurisdiction},
		valueDate: r.ValueDate, description: r.Description,
	})
	if err == nil && len(legs) == 0 {
		err = refuseRequest("the amounts of a %s come to nothing", r.Kind)
	}
	return legs, err
}

// direction is the side that the rules' conditions are held against. That of a settlement difference follows from its amounts:
// D, a loss, where more was settled than had been posted; of a refund, which the scheme pays, the other way round.
func (r PostingRequest) direction() (Side, error) {
	if r.Kind != RequestSettlementDifference {
		return r.Side, nil
	}
	switch {
	case r.Side == Debit:
		return "", refuseRequest("the side of a %s follows from its amounts; only that of a refund has one, C", r.Kind)
	case r.Amounts.Principal == (Money{}) || r.Amounts.Settled == (Money{}):
		return "", refuseRequest("a %s needs the amounts principal (what was posted) and settled", r.Kind)
	case (r.Amounts.Settled.Minor > r.Amounts.Principal.Minor) == (r.Side == ""):
		return Debit, nil
	default:
		return Credit, nil
	}
}

// checkAmounts verifies that the rule has a use for every amount, as one that is left out would pass for posted, and that what
// the request is about is there: charges are never moved without the principal they belong to.
func (r PostingRequest) checkAmounts(rule postingRule) error {
	needed := requestAmounts[rule.Movements[0].Amount][:1]
	if r.Kind == RequestDisputeSplit {
		needed = []string{"won", "lost"} // with one of them alone it is another kind
	}
	var used []string
	for _, m := range rule.Movements {
		used = append(used, requestAmounts[m.Amount]...)
	}
	for _, amount := range r.Amounts.named() {
		switch {
		case amount.money != (Money{}) && !slices.Contains(used, amount.name):
			return refuseRequest("posting rule %s has no use for the amount %s", rule.ID, amount.name)
		case amount.money.IsZero() && slices.Contains(needed, amount.name):
			return refuseRequest("a %s needs the amount %s", r.Kind, amount.name)
		}
	}
	return nil
}

// worth is what a movement is worth. An amount that is absent is nothing.
func (r PostingRequest) worth(amount AmountName) (Money, error) {
	a := r.Amounts
	switch amount {
	case AmountPrincipal:
		return a.Principal, nil
	case AmountFXFee:
		return a.FXFee, nil
	case AmountFXFeeTax:
		return a.FXFeeTax, nil
	case AmountCashFee:
		return a.CashFee, nil
	case AmountFee:
		return a.Fee, nil
	case AmountFeeTax:
		return a.FeeTax, nil
	case AmountWon:
		return a.Won, nil
	case AmountLost:
		return a.Lost, nil
	case AmountInterchange:
		return a.Interchange, nil
	case AmountLessInterchange:
		if a.Interchange == (Money{}) {
			return a.Principal, nil
		}
		if a.Interchange.Minor > a.Principal.Minor {
			return Money{}, refuseRequest("interchange of %s exceeds the net of %s", a.Interchange, a.Principal)
		}
		return a.Principal.Add(a.Interchange.Neg())
	case AmountSettlementDifference:
		difference, err := a.Settled.Add(a.Principal.Neg())
		if err != nil {
			return Money{}, err
		}
		if difference.Minor < 0 {
			difference = difference.Neg()
		}
		return difference, nil
	default:
		return Money{}, fmt.Errorf("a posting request knows no amount %s", amount)
	}
}
