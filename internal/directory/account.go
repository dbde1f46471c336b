package directory

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/payrail/payrail/payment"
)

// Account is the account of this id, whatever card leads to it now. Where there is none its status is NOT_FOUND.
func (r *Reader) Account(ctx context.Context, accountID string) (payment.Account, error) {
	k := accountKey(accountID)
	out, err := r.client.GetItem(ctx, &dynamodb.GetItemInput{TableName: &r.accountsTable, Key: k.attributes()})
	if err != nil {
		return payment.Account{}, fmt.Errorf("reading account %s: %w", accountID, err)
	}
	if out.Item == nil {
		return payment.Account{Status: payment.AccountNotFound}, nil
	}
	value, err := decode(k, out.Item)
	if err != nil {
		return payment.Account{}, fmt.Errorf("reading account %s: %w", accountID, err)
	}
	return value.(payment.Account), nil
}
