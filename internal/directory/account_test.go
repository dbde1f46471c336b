package directory

import (
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/payment"
)

func TestReaderAccount(t *testing.T) {
	account := payment.Account{ID: "acc-1", Status: payment.AccountOpen, Currency: "GBP", Product: "PLUS", Holder: "A HOLDER"}
	held := heldItems{items: map[string][]map[string]types.AttributeValue{
		"accounts/ACCOUNT#acc-1": {accountItem(account)},
		"accounts/ACCOUNT#acc-2": {accountItem(payment.Account{ID: "acc-2", Status: "LOST"})},
	}}
	reader := NewReader(held, "accounts", "reference")

	found, err := reader.Account(t.Context(), "acc-1")
	require.NoError(t, err)
	require.Equal(t, account, found)
	found, err = reader.Account(t.Context(), "acc-9")
	require.NoError(t, err)
	require.Equal(t, payment.Account{Status: payment.AccountNotFound}, found)
	_, err = reader.Account(t.Context(), "acc-2")
	require.ErrorContains(t, err, "LOST")

	held.err = errors.New("throttled")
	_, err = NewReader(held, "accounts", "reference").Account(t.Context(), "acc-1")
	require.ErrorIs(t, err, held.err)
}
