package directory

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/payrail/payrail/payment"
)

// LookupClient models the DynamoDB client as far as a Reader needs it. It is safe for concurrent use.
type LookupClient interface {
	GetItem(context.Context, *dynamodb.GetItemInput, ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error)
	Query(context.Context, *dynamodb.QueryInput, ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error)
}

// Reader answers what the intake of messages asks, uncached: it is for tools and for authorizers. It is safe for concurrent use.
type Reader struct {
	client                        LookupClient
	accountsTable, referenceTable string
}

// NewReader makes a Reader.
func NewReader(client LookupClient, accountsTable, referenceTable string) *Reader {
	return &Reader{client: client, accountsTable: accountsTable, referenceTable: referenceTable}
}

// IssuerCountry is the country of the range that bin, six digits or more, is in; "" where no such range is listed.
func (r *Reader) IssuerCountry(ctx context.Context, bin string) (string, error) {
	if len(bin) < binDigits {
		return "", fmt.Errorf("looking a range up: it needs %d digits", binDigits)
	}
	k := binKey(bin)
	out, err := r.client.GetItem(ctx, &dynamodb.GetItemInput{TableName: &r.referenceTable, Key: k.attributes()})
	if err != nil {
		return "", fmt.Errorf("reading range %s: %w", bin[:binDigits], err)
	}
	if out.Item == nil {
		return "", nil
	}
	value, err := decode(k, out.Item)
	if err != nil {
		return "", fmt.Errorf("reading range %s: %w", bin[:binDigits], err)
	}
	return value.(Range).IssuerCountry, nil
}

// Currencies are those in which the card behind panToken has accounts, in alphabetical order.
func (r *Reader) Currencies(ctx context.Context, panToken string) ([]payment.Currency, error) {
	condition := "pk = :card"
	out, err := r.client.Query(ctx, &dynamodb.QueryInput{TableName: &r.accountsTable, KeyConditionExpression: &condition,
		ExpressionAttributeValues: map[string]types.AttributeValue{":card": text(cardKey(panToken, "").partition)}})
	if err != nil {
		return nil, fmt.Errorf("reading a card's accounts: %w", err)
	}
	// One page holds thousands of cards' items, and a card has few.
	var currencies []payment.Currency
	for _, attributes := range out.Items {
		sort, ok := attributes["sk"].(*types.AttributeValueMemberS)
		if !ok {
			return nil, fmt.Errorf("reading a card's accounts: an item has no sort key")
		}
		currencies = append(currencies, payment.Currency(sort.Value))
	}
	return currencies, nil
}
