package directory

import (
	"context"
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/payment"
)

// heldItems is a table by partition key.
type heldItems struct {
	items map[string][]map[string]types.AttributeValue
	err   error
}

func (h heldItems) GetItem(_ context.Context, in *dynamodb.GetItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error) {
	found := h.items[*in.TableName+"/"+in.Key["pk"].(*types.AttributeValueMemberS).Value]
	if h.err != nil || len(found) == 0 {
		return &dynamodb.GetItemOutput{}, h.err
	}
	return &dynamodb.GetItemOutput{Item: found[0]}, nil
}

func (h heldItems) Query(_ context.Context, in *dynamodb.QueryInput, _ ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error) {
	card := in.ExpressionAttributeValues[":card"].(*types.AttributeValueMemberS).Value
	return &dynamodb.QueryOutput{Items: h.items[*in.TableName+"/"+card]}, h.err
}

func TestReader(t *testing.T) {
	const panToken = "tok_v1_XMYSAOFQRTVHDBOVPJUHSBK3WF"
	held := heldItems{items: map[string][]map[string]types.AttributeValue{
		"reference/BIN#411111": {rangeItem(Range{BIN: "411111", Scheme: "VISA", IssuerCountry: "826"})},
		"reference/BIN#400000": {rangeItem(Range{BIN: "400000"})},
		"accounts/CARD#" + panToken: {cardItem(Card{PANToken: panToken, Currency: "BHD", AccountID: "acc-1"}),
			cardItem(Card{PANToken: panToken, Currency: "GBP", AccountID: "acc-2"})},
	}}
	reader := NewReader(held, "accounts", "reference")

	country, err := reader.IssuerCountry(t.Context(), "41111122")
	require.NoError(t, err)
	require.Equal(t, "826", country)
	country, err = reader.IssuerCountry(t.Context(), "555555")
	require.NoError(t, err)
	require.Empty(t, country)
	_, err = reader.IssuerCountry(t.Context(), "400000")
	require.ErrorContains(t, err, "reading range 400000: ")
	_, err = reader.IssuerCountry(t.Context(), "41111")
	require.EqualError(t, err, "looking a range up: it needs 6 digits")

	currencies, err := reader.Currencies(t.Context(), panToken)
	require.NoError(t, err)
	require.Equal(t, []payment.Currency{"BHD", "GBP"}, currencies)
	currencies, err = reader.Currencies(t.Context(), "tok_v1_AAAAAAAAAAAAAAAAAAAAAAAAAA")
	require.NoError(t, err)
	require.Empty(t, currencies)

	held.err = errors.New("throttled")
	reader = NewReader(held, "accounts", "reference")
	_, err = reader.IssuerCountry(t.Context(), "411111")
	require.EqualError(t, err, "reading range 411111: throttled")
	_, err = reader.Currencies(t.Context(), panToken)
	require.EqualError(t, err, "reading a card's accounts: throttled")
}
