// Package authorizationitem reads and writes the items of the authorizations table in DynamoDB's JSON ({"N":"1050"}), as
// streams and the AWS CLI have them. Numbers stay text: none passes through a float.
package authorizationitem

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/payrail/payrail/payment"
)

// KeyAttribute is the partition key of the authorizations table.
const KeyAttribute = "authorizationId"

// Item is one item, by attribute name.
type Item map[string]types.AttributeValue

// UnmarshalJSON reads an item in DynamoDB's JSON.
func (item *Item) UnmarshalJSON(data []byte) error {
	attributes, err := decodeMap(data)
	if err != nil {
		return fmt.Errorf("decoding an item: %w", err)
	}
	*item = attributes
	return nil
}

// MarshalJSON writes the item in DynamoDB's JSON: put-item of the AWS CLI takes it.
func (item Item) MarshalJSON() ([]byte, error) {
	form, err := encodeMap(item)
	if err != nil {
		return nil, fmt.Errorf("encoding an item: %w", err)
	}
	return json.Marshal(form)
}

// ID is the item's key, or "" where it has none.
func (item Item) ID() string { return item.text(KeyAttribute) }

// Status is the item's status, or "" where it has none that is text.
func (item Item) Status() string { return item.text("status") }

func (item Item) text(name string) string {
	if value, ok := item[name].(*types.AttributeValueMemberS); ok {
		return value.Value
	}
	return ""
}

// Attributes is the item as the payment package reads it.
func (item Item) Attributes() map[string]payment.Attribute { return attributesOf(item) }

func attributesOf(values map[string]types.AttributeValue) map[string]payment.Attribute {
	attributes := make(map[string]payment.Attribute, len(values))
	for name, value := range values {
		switch v := value.(type) {
		case *types.AttributeValueMemberS:
			attributes[name] = payment.Attribute{Kind: payment.Text, Text: v.Value}
		case *types.AttributeValueMemberN:
			attributes[name] = payment.Attribute{Kind: payment.Number, Text: v.Value}
		case *types.AttributeValueMemberM:
			attributes[name] = payment.Attribute{Kind: payment.Map, Map: attributesOf(v.Value)}
		default:
			attributes[name] = payment.Attribute{Kind: payment.Other}
		}
	}
	return attributes
}

// known are the attributes of the data contract.
var known = []string{
	KeyAttribute, "status", "mti", "panToken", "panLast4", "bin", "processingCode", "transactionAmount", "billingAmount",
	"settlementAmount", "transactionCurrency", "billingCurrency", "settlementCurrency", "conversionRate", "stan", "acquirerId",
	"transmittedAt", "localDate", "localTime", "settlementDate", "rrn", "authCode", "responseCode", "lifecycleId", "mcc",
	"merchantName", "merchantCity", "merchantCountry", "merchantId", "terminalId", "acquirerCountry", "issuerCountry",
	"posEntryMode", "posCondition", "panSequence", "forwarderId", "acquirerFee",
	"settlementRate", "conversionDate", "additionalAmounts", "original", "replacementAmount", "replacementBillingAmount",
	"ingestBucket", "ingestedAt",
}

// IsKnown reports whether an attribute of this name is part of the data contract.
func IsKnown(name string) bool { return slices.Contains(known, name) }

// Known returns the attributes of the data contract and the sorted names of the others. Only the former may be copied
// anywhere: an unknown attribute may be a security code or a PIN block, which no scan can recognize.
func (item Item) Known() (attributes Item, others []string) {
	attributes = make(Item, len(item))
	for name, value := range item {
		if IsKnown(name) {
			attributes[name] = value
		} else {
			others = append(others, name)
		}
	}
	slices.Sort(others)
	return attributes, others
}
