package directory

import (
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/payrail/payrail/payment"
)

// table says which of the two tables an item is in.
type table int

const (
	accountsTable table = iota
	referenceTable
)

// key is the primary key of an item of one of the tables.
type key struct {
	table           table
	partition, sort string
}

func (k key) attributes() map[string]types.AttributeValue {
	return map[string]types.AttributeValue{"pk": text(k.partition), "sk": text(k.sort)}
}

func cardKey(panToken string, currency payment.Currency) key {
	return key{accountsTable, "CARD#" + panToken, string(currency)}
}

func accountKey(accountID string) key { return key{accountsTable, "ACCOUNT#" + accountID, "ACCOUNT"} }

func productKey(product string, currency payment.Currency) key {
	return key{referenceTable, "PRODUCT#" + product, string(currency)}
}

func categoryKey(mcc string) key { return key{referenceTable, "MCC#" + mcc, "MCC"} }

func watchListKey() key { return key{referenceTable, "SETTINGS", "WATCH_LIST"} }

func rulesKey() key { return key{referenceTable, "SETTINGS", "RULES"} }

// binDigits is how much of a card number's prefix names its range here: the six digits of ISO/IEC 7812-1:2015, which the
// eight of its successor start with.
const binDigits = 6

func binKey(bin string) key { return key{referenceTable, "BIN#" + bin[:binDigits], "BIN"} }

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }
