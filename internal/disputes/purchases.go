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

// journal models ledger.Reader. It is safe for concurrent use.
type journal interface {
	Journal(ctx context.Context, sequence string) (record ledger.Record, found bool, err error)
}

// Attributes of a purchase item that cases change.
const (
	purchasePrefix = "PURCHASE#"
	purchaseSort   = "PURCHASE"
)

func purchaseKey(key string) itemKey { return itemKey{purchasePrefix + key, purchaseSort} }

// purchase reads what the ledger says of the purchase with a key; found is false where nothing was posted of it.
func (s *Store) purchase(ctx context.Context, key string) (p payment.Disputable, found bool, err error) {
	root, found, err := s.journal.Journal(ctx, payment.SequenceID(key, 0))
	if err != nil || !found {
		return payment.Disputable{}, false, err
	}
	occurredAt, err := time.Parse(time.RFC3339, root.OccurredAt)
	if err != nil {
		return payment.Disputable{}, false, fmt.Errorf("reading purchase %s: %w", key, err)
	}
	billed := root.Basis.BillingAmount
	none := payment.Money{Currency: billed.Currency}
	p = payment.Disputable{
		Key: key, TransactionID: root.TransactionID, AuthorizationID: root.AuthorizationID, Outcome: root.Outcome, TransactionType: root.Basis.TransactionType,
		AccountID: root.Basis.AccountID, BranchID: root.Basis.BranchID, Scheme: root.Basis.Scheme, TaxJurisdiction: root.Basis.Terms.TaxJurisdiction,
		Description: root.Basis.Description, OccurredAt: occurredAt, Remaining: billed, Disputed: none, FXFee: none, FXFeeTax: none,
	}
	for _, leg := range root.CustomerLegs() {
		switch leg.Component {
		case payment.FXFee:
			p.FXFee = leg.Amount
		case payment.FXFeeTax:
			p.FXFeeTax = leg.Amount
		}
	}
	return p, true, s.readClaims(ctx, &p)
}

// readClaims adds what cases have claimed of the purchase.
func (s *Store) readClaims(ctx context.Context, p *payment.Disputable) error {
	i, err := s.get(ctx, purchaseKey(p.Key))
	if err != nil || i == nil {
		return err
	}
	if p.Version, err = numberOf(i, "version"); err != nil {
		return fmt.Errorf("reading purchase %s: %w", p.Key, err)
	}
	p.OpenCase = textOf(i, "openCase")
	if _, claimed := i["disputedMinor"]; claimed {
		if p.Disputed.Minor, err = numberOf(i, "disputedMinor"); err != nil {
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
	update := &types.Update{
		TableName: &s.table, Key: purchaseKey(p.Key).attributes(),
		UpdateExpression:          aws.String("SET #disputed = :disputed, #openCase = :openCase, #version = :version"),
		ConditionExpression:       aws.String("#version = :before"),
		ExpressionAttributeNames:  map[string]string{"#disputed": "disputedMinor", "#openCase": "openCase", "#version": "version"},
		ExpressionAttributeValues: item{":disputed": number(disputed.Minor), ":openCase": text(openCase), ":version": number(p.Version + 1), ":before": number(p.Version)},
	}
	if p.Version == 0 {
		update.ConditionExpression = aws.String("attribute_not_exists(pk)")
		delete(update.ExpressionAttributeValues, ":before")
	}
	return types.TransactWriteItem{Update: update}
}
