package authorizationitem

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/payment"
)

const everyType = `{"authorizationId":{"S":"auth-1"},"status":{"S":"APPROVED"},"amount":{"N":"12345678901234567890123456789012345678"},
"empty":{"S":""},"bytes":{"B":"AQID"},"yes":{"BOOL":true},"nothing":{"NULL":true},"words":{"SS":["a","b"]},"numbers":{"NS":["1","2.5"]},
"blobs":{"BS":["AQ==","Ag=="]},"original":{"M":{"mti":{"S":"0100"},"n":{"N":"1"},"deep":{"L":[{"S":"x"},{"M":{}}]}}},"list":{"L":[]}}`

func decodeItem(t *testing.T, text string) Item {
	t.Helper()
	var item Item
	require.NoError(t, json.Unmarshal([]byte(text), &item))
	return item
}

func TestEveryTypeSurvivesARoundTrip(t *testing.T) {
	encoded, err := json.Marshal(decodeItem(t, everyType))
	require.NoError(t, err)
	require.JSONEq(t, everyType, string(encoded))
}

func TestAttributesKeepNumbersExact(t *testing.T) {
	item := decodeItem(t, everyType)
	require.Equal(t, "auth-1", item.ID())
	require.Equal(t, "APPROVED", item.Status())
	attributes := item.Attributes()
	require.Len(t, attributes, len(item))
	require.Equal(t, payment.Attribute{Kind: payment.Number, Text: "12345678901234567890123456789012345678"}, attributes["amount"])
	require.Equal(t, payment.Attribute{Kind: payment.Text}, attributes["empty"])
	require.Equal(t, payment.Attribute{Kind: payment.Text, Text: "0100"}, attributes["original"].Map["mti"])
	for _, name := range []string{"bytes", "yes", "nothing", "words", "numbers", "blobs", "list"} {
		require.Equal(t, payment.Attribute{Kind: payment.Other}, attributes[name], name)
	}
}

func TestAKeyOrStatusThatIsNoTextIsNone(t *testing.T) {
	item := decodeItem(t, `{"authorizationId":{"N":"1"}}`)
	require.Empty(t, item.ID())
	require.Empty(t, item.Status())
}

func TestKnownLeavesTheRestBehind(t *testing.T) {
	known, others := decodeItem(t, `{"authorizationId":{"S":"a"},"stan":{"S":"1"},"cvv2":{"S":"123"},"Stan":{"S":"1"}}`).Known()
	require.Equal(t, decodeItem(t, `{"authorizationId":{"S":"a"},"stan":{"S":"1"}}`), known)
	require.Equal(t, []string{"Stan", "cvv2"}, others)
}

// What ParseAuthorization reads must be known: every field of a full item is either mandatory (its absence is a problem that
// names it) or checked for form (a map in its place is a problem that names it).
func TestEveryFieldThatIsParsedIsKnown(t *testing.T) {
	_, err := payment.ParseAuthorization(nil)
	var problems payment.FieldErrors
	require.ErrorAs(t, err, &problems)
	item := Item{}
	for _, problem := range problems {
		require.Contains(t, known, problem.Field)
	}
	for _, name := range known {
		item[name] = decodeItem(t, `{"x":{"M":{}}}`)["x"]
	}
	_, err = payment.ParseAuthorization(item.Attributes())
	require.ErrorAs(t, err, &problems)
	var named []string
	for _, problem := range problems {
		named = append(named, problem.Field)
	}
	for _, name := range known {
		switch name {
		case "ingestBucket", "ingestedAt": // for reconciliation alone
		case "status", "original", "replacementAmount", "replacementBillingAmount": // not read from 0100 messages
		default:
			require.Contains(t, named, name)
		}
	}
}

func TestWhatDynamoDBWouldNotSendIsRefused(t *testing.T) {
	for text, problem := range map[string]string{
		`[]`:                         "cannot unmarshal array",
		`{"a":1}`:                    `json: cannot unmarshal number`,
		`{"a":{}}`:                   "an attribute has 0 types of DynamoDB, want one",
		`{"a":{"S":"x","N":"1"}}`:    "has 2 types of DynamoDB, want one",
		`{"a":{"N":1}}`:              "json: cannot unmarshal number",
		`{"a":{"B":"*"}}`:            "illegal base64",
		`{"a":{"X":"1"}}`:            "an attribute has 0 types",
		`{"a":{"L":[{"S":"1"},{}]}}`: "an attribute has 0 types",
		`{"a":` + strings.Repeat(`{"L":[`, 40) + strings.Repeat(`]}`, 40) + `}`: "nested deeper than 32",
	} {
		var item Item
		require.ErrorContains(t, json.Unmarshal([]byte(text), &item), problem, text)
	}
}

func FuzzItem(f *testing.F) {
	f.Add(everyType)
	f.Add(`{"a":{"N":1}}`)
	f.Fuzz(func(t *testing.T, text string) {
		var item Item
		if json.Unmarshal([]byte(text), &item) != nil {
			return
		}
		encoded, err := json.Marshal(item)
		require.NoError(t, err)
		var again Item
		require.NoError(t, json.Unmarshal(encoded, &again))
		require.Equal(t, item.Attributes(), again.Attributes())
	})
}
