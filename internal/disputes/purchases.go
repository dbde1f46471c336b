package disputes

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/payrail/payrail/internal/ledger"
	"github.com/payrail/payrail/payment"
)

// Ledger models ledger.Reader. It is safe for concurrent use.
type Ledger interface {
	Purchase(ctx context.Context, businessKey string) (purchase ledger.StoredPurchase, found bool, err error)
	Journal(ctx context.Context, sequence string) (record ledger.Record, found bool, err error)
}

// The purchase items are the ledger's. Cases change these attributes of theirs, and the version, which everything that is posted
// to a purchase depends on as well.
const (
	purchasePrefix   = "PURCHASE#"
	purchaseSort     = "PURCHASE"
	disputedAttr     = "disputedMinor"
	openCaseAttr     = "openCase"
	purchaseVersAttr = "version"
)

func purchaseKey(key string) itemKey { return itemKey{purchasePrefix + key, purchaseSort} }

// purchase reads what the ledger says of the purchase that a key, the head of the business key of any message about it, leads
// to; found is false where nothing was posted of it.
func (s *Store) purchase(ctx context.Context, key string) (p payment.Disputable, found bool, err error) {
	stored, found, err := s.ledger.Purchase(ctx, key)
	if err != nil || !found || !stored.Presented() || len(stored.Sequences) == 0 {
		return payment.Disputable{}, false, err
	}
	first := stored.Presentments()[0]
	occurredAt, err := time.Parse(time.RFC3339, first.OccurredAt)
	if err != nil {
		return payment.Disputable{}, false, fmt.Errorf("reading purchase %s: %w", key, err)
	}
	terms := first.Decided
	none := payment.Money{Currency: terms.BillingAmount.Currency}
	p = payment.Disputable{
		Key: payment.ShortKey(stored.Key), Version: stored.Version, TransactionID: first.TransactionID, AuthorizationID: first.AuthorizationID,
		Outcome: payment.OutcomeSuspense, TransactionType: terms.TransactionType, AccountID: stored.AccountID, BranchID: terms.BranchID, CardCentre: terms.Terms.CardCentre, Scheme: terms.Scheme,
		TaxJurisdiction: terms.Terms.TaxJurisdiction, Description: terms.Description, OccurredAt: occurredAt,
		Remaining: none, Disputed: none, FXFee: none, FXFeeTax: none,
	}
	if stored.ClearedTo == payment.RoleCustomer { // to an account of its own branch
		p.BranchID = stored.ClearedBranch
	}
	if err := s.addPosted(ctx, &p, stored.Sequences); err != nil {
		return payment.Disputable{}, false, err
	}
	if stored.Refunded != (payment.Money{}) {
		if p.Remaining, err = p.Remaining.Add(stored.Refunded.Neg()); err != nil {
			return payment.Disputable{}, false, fmt.Errorf("reading purchase %s: %w", key, err)
		}
	}
	return p, true, s.addClaims(ctx, &p)
}

// addPosted adds what stands on the customer's account for the purchase, all of its posting sequences together. What stands in
// suspense is not the customer's.
func (s *Store) addPosted(ctx context.Context, p *payment.Disputable, sequences []string) error {
	sums := map[payment.Component]*payment.Money{payment.Principal: &p.Remaining, payment.FXFee: &p.FXFee, payment.FXFeeTax: &p.FXFeeTax}
	for _, id := range sequences {
		record, found, err := s.ledger.Journal(ctx, id)
		if err != nil {
			return err
		}
		if !found {
			return fmt.Errorf("reading purchase %s: its sequence %s is not in the journal", p.Key, id)
		}
		for _, leg := range record.CustomerLegs() {
			p.Outcome = payment.OutcomePosted
			sum, wanted := sums[leg.Component]
			if !wanted {
				continue
			}
			if *sum, err = sum.Add(leg.Signed().Neg()); err != nil {
				return fmt.Errorf("reading purchase %s: %w", p.Key, err)
			}
		}
	}
	return nil
}

// addClaims adds what cases have claimed of the purchase, if it is still the version that was read.
func (s *Store) addClaims(ctx context.Context, p *payment.Disputable) error {
	i, err := s.get(ctx, purchaseKey(p.Key))
	if err != nil {
		return err
	}
	version, err := numberOf(i, purchaseVersAttr)
	if err != nil {
		return fmt.Errorf("reading purchase %s: %w", p.Key, err)
	}
	if version != p.Version {
		return fmt.Errorf("reading purchase %s: %w", p.Key, errChanged)
	}
	p.OpenCase = textOf(i, openCaseAttr)
	if _, claimed := i[disputedAttr]; claimed {
		if p.Disputed.Minor, err = numberOf(i, disputedAttr); err != nil {
			return fmt.Errorf("reading purchase %s: %w", p.Key, err)
		}
	}
	return nil
}

// claim is the action by which a case takes its amount of the purchase.
func (s *Store) claim(p payment.Disputable, d payment.Dispute) (types.TransactWriteItem, error) {
	disputed, err := p.Disputed.Add(d.Amount)
	return s.changePurchase(p, disputed, d.CaseID), err
}

// release is the action by which a case that has ended leaves the purchase.
func (s *Store) release(p payment.Disputable, d payment.Dispute) (types.TransactWriteItem, error) {
	disputed := p.Disputed
	var err error
	if d.Releases() {
		disputed, err = disputed.Add(d.Amount.Neg())
	}
	return s.changePurchase(p, disputed, ""), err
}

func (s *Store) changePurchase(p payment.Disputable, disputed payment.Money, openCase string) types.TransactWriteItem {
	return types.TransactWriteItem{Update: &types.Update{
		TableName: &s.table, Key: purchaseKey(p.Key).attributes(),
		UpdateExpression:          aws.String("SET #disputed = :disputed, #openCase = :openCase, #version = :version"),
		ConditionExpression:       aws.String("#version = :before"),
		ExpressionAttributeNames:  map[string]string{"#disputed": disputedAttr, "#openCase": openCaseAttr, "#version": purchaseVersAttr},
		ExpressionAttributeValues: item{":disputed": number(disputed.Minor), ":openCase": text(openCase), ":version": number(p.Version + 1), ":before": number(p.Version)},
	}}
}
