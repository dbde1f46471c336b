package dynamodb

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// names and values of the condition cases.
const (
	caseNames  = `{"#name":"Brand","#dot":"Safety.Warning"}`
	caseValues = `{":n":{"N":"500"},":low":{"N":"499.99"},":high":{"N":"500.01"},":s":{"S":"Bicycle"},":part":{"S":"cycle"},":b":{"BOOL":true},
		":red":{"S":"Red"},":two":{"N":"2"},":S":{"S":"S"},":pre":{"S":"Brand"},":null":{"NULL":true},":set":{"SS":["Blue","Red"]},":t":{"S":"NULL"},":x":{"S":"x"}}`
)

func caseScope(t testing.TB) *scope {
	var values map[string]json.RawMessage
	var names map[string]string
	require.NoError(t, json.Unmarshal([]byte(caseValues), &values))
	require.NoError(t, json.Unmarshal([]byte(caseNames), &names))
	s, err := newScope(names, values, expression{"ConditionExpression", new(string)})
	require.NoError(t, err)
	return s
}

func TestConditions(t *testing.T) {
	item, err := decodeItem(json.RawMessage(bicycle))
	require.NoError(t, err)
	for expression, want := range map[string]bool{
		"attribute_exists(ProductReviews.OneStar)":                         true,
		"attribute_not_exists(Price)":                                      false,
		"attribute_not_exists(ProductReviews.OneStar[1])":                  true,
		"attribute_type(ProductReviews.FiveStar[0], :S)":                   true,
		"attribute_type(QuantityOnHand, :t)":                               true,
		"begins_with(#name, :pre)":                                         true,
		"contains(Color, :red)":                                            true,
		"contains(Colors, :red)":                                           true,
		"contains(ProductCategory, :part)":                                 true,
		"contains(Price, :red)":                                            false,
		"size(Color) = :two":                                               true,
		"size(Photo) > :two":                                               true,
		"size(Absent) < :two":                                              false,
		"Price = :n":                                                       true,
		"Price <> :n":                                                      false,
		"Price BETWEEN :low AND :high":                                     true,
		"Price between :high and :high OR InStock = :b":                    true,
		"Price IN (:two, :n)":                                              true,
		"(ProductCategory IN (:s, :x)) and (Price between :low and :high)": true,
		"NOT Price < :low":                                                 true,
		"NOT (Price > :low AND InStock = :b)":                              false,
		"Price > :s":                                                       false,
		"Absent = :n":                                                      false,
		"Absent <> :n":                                                     true,
		"Absent > :n":                                                      false,
		"Colors = :set":                                                    true,
		"QuantityOnHand = :null":                                           true,
		"Price = :low OR Price = :n AND InStock = :b":                      true,
		"(Price = :n OR Price = :low) AND ProductCategory = :x":            false,
		"(Price) >= (:n)":                                                  true,
		":n = Price":                                                       true,
		"attribute_exists(#dot)":                                           false,
	} {
		c, err := parseCondition("ConditionExpression", &expression, caseScope(t))
		require.NoError(t, err, expression)
		require.Equal(t, want, c.holds(item), expression)
	}
}

func TestConditionsRefused(t *testing.T) {
	for expression, want := range map[string]string{
		"":                                      "The expression can not be empty;",
		"Price =":                               `Syntax error; token: "<EOF>", near: "="`,
		"Price = :n :n":                         `Syntax error; token: ":n", near: ":n :n"`,
		"Price == :n":                           `Syntax error; token: "=", near: "== :n"`,
		"Price":                                 `Syntax error; token: "<EOF>", near: "Price"`,
		"a.b.[0] = :n":                          `Syntax error; token: "[", near: ".[0"`,
		"_a = :n":                               `Syntax error; token: "_", near: "_a"`,
		"Price = 500":                           `Syntax error; token: "500", near: "= 500"`,
		"Status = :n":                           "Attribute name is a reserved keyword; reserved keyword: Status",
		"#undefined = :n":                       "An expression attribute name used in the document path is not defined; attribute name: #undefined",
		"Price = :undefined":                    "An expression attribute value used in expression is not defined; attribute value: :undefined",
		"exists(Price)":                         "Invalid function name; function: exists",
		"Attribute_exists(Price)":               "Invalid function name; function: Attribute_exists",
		"size(Price)":                           "The function is not allowed to be used this way in an expression; function: size",
		"attribute_exists(Price) = :b":          "The function is not allowed to be used this way in an expression; function: attribute_exists",
		"attribute_exists(:n)":                  "Operator or function requires a document path; operator or function: attribute_exists",
		"attribute_exists(Price, Title)":        "Incorrect number of operands for operator or function; operator or function: attribute_exists, number of operands: 2",
		"attribute_type(Price, :n)":             "Incorrect operand type for operator or function; operator or function: attribute_type, operand type: N",
		"attribute_type(Price, :x)":             "Invalid attribute type name found; type: x, valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}",
		"begins_with(Title, :n)":                "Incorrect operand type for operator or function; operator or function: begins_with, operand type: N",
		"Price < :b":                            "Incorrect operand type for operator or function; operator or function: <, operand type: BOOL",
		"Price = Price":                         "The first operand must be distinct from the remaining operands for this operator or function; operator: =, first operand: [Price]",
		"((Price = :n))":                        "The expression has redundant parentheses;",
		"Price BETWEEN :high AND :low":          "The BETWEEN operator requires upper bound to be greater than or equal to lower bound; lower bound operand: AttributeValue: {N:500.01}, upper bound operand: AttributeValue: {N:499.99}",
		"Price BETWEEN :n AND :s":               "The BETWEEN operator requires same data type for lower and upper bounds; lower bound operand: AttributeValue: {N:500}, upper bound operand: AttributeValue: {S:Bicycle}",
		"Title = :" + strings.Repeat("x", 4096): "Expression size has exceeded the maximum allowed size; expression size: 4105",
	} {
		_, err := parseCondition("ConditionExpression", &expression, caseScope(t))
		require.EqualError(t, err, "ValidationException: Invalid ConditionExpression: "+want, expression)
	}
}

func TestReservedWordsAreComplete(t *testing.T) {
	require.Len(t, reserved, 573)
	require.True(t, isReserved("Name"))
	require.True(t, isReserved("zone"))
	require.False(t, isReserved("authorizationId"))
}

func FuzzExpressions(f *testing.F) {
	for _, text := range []string{"a.b[0] = :n AND NOT (size(#name) > :two)", "SET a = if_not_exists(a, :n) + :n REMOVE b[1] ADD c :n DELETE d :set",
		"Price BETWEEN :low AND :high", "a, b.c[3], #name", "x IN (:n, :s)", "((((", "attribute_type(a,:S)"} {
		f.Add(text)
	}
	item, err := decodeItem(json.RawMessage(bicycle))
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, text string) {
		if c, err := parseCondition("ConditionExpression", &text, caseScope(t)); err == nil {
			c.holds(item)
		}
		if paths, err := parseProjection(&text, caseScope(t)); err == nil {
			projected := encodeItem(project(item, paths))
			_, err := projected.item()
			require.NoError(t, err)
		}
		if u, err := parseUpdate(&text, caseScope(t)); err == nil {
			before := encodeItem(item)
			if updated, err := u.apply(item); err == nil {
				_, err := encodeItem(updated).item()
				require.NoError(t, err)
			}
			require.Equal(t, before, encodeItem(item), "the item before the update must stay as it is")
		}
		if tests, err := parseKeyTests(&text, caseScope(t)); err == nil {
			_, _ = newKeyCondition(tests, keySchema{hash: keyAttribute{"a", kindS}})
		}
	})
}
