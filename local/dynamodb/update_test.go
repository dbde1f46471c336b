package dynamodb

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestUpdateItem has the examples of the developer guide ("Update expressions") on item 205.
func TestUpdateItem(t *testing.T) {
	for name, tc := range map[string]struct{ expression, values, show, want string }{
		"modifying or adding item attributes": {"SET ProductCategory = :c, Price = :p", `{":c":{"S":"Hardware"},":p":{"N":"60.00"}}`,
			"UPDATED_NEW", `{"Price":{"N":"60"},"ProductCategory":{"S":"Hardware"}}`},
		"adding lists and maps": {"SET RelatedItems[5] = :a, RelatedItems[3] = :b", `{":a":{"N":"5"},":b":{"N":"3"}}`,
			"ALL_NEW RelatedItems", `{"L":[{"N":"341"},{"N":"472"},{"N":"649"},{"N":"3"},{"N":"5"}]}`},
		"adding nested map attributes": {"SET ProductReviews.FiveStar[0] = :r1, ProductReviews.FourStar = :r2", `{":r1":{"S":"Best product"},":r2":{"S":"ok"}}`,
			"UPDATED_NEW", `{"ProductReviews":{"M":{"FiveStar":{"L":[{"S":"Best product"}]},"FourStar":{"S":"ok"}}}}`},
		"incrementing and decrementing numeric attributes": {"SET Price = Price - :p", `{":p":{"N":"15.75"}}`, "UPDATED_NEW", `{"Price":{"N":"484.25"}}`},
		"appending elements to a list": {"SET Color = list_append(Color, :vals)", `{":vals":{"L":[{"S":"Blue"}]}}`,
			"UPDATED_NEW", `{"Color":{"L":[{"S":"Red"},{"S":"Black"},{"S":"Blue"}]}}`},
		"adding elements to the beginning of a list": {"SET Color = list_append(:vals, Color)", `{":vals":{"L":[{"S":"Blue"}]}}`,
			"UPDATED_NEW", `{"Color":{"L":[{"S":"Blue"},{"S":"Red"},{"S":"Black"}]}}`},
		"preventing overwrites of an existing attribute": {"SET Price = if_not_exists(Price, :p)", `{":p":{"N":"1"}}`, "UPDATED_NEW", `{"Price":{"N":"500"}}`},
		"if_not_exists of a missing attribute":           {"SET Version = if_not_exists(Version, :z) + :o", `{":z":{"N":"0"},":o":{"N":"1"}}`, "UPDATED_NEW", `{"Version":{"N":"1"}}`},
		"swapping uses the values before":                {"SET Title = Brand, Brand = Title", ``, "UPDATED_NEW", `{"Brand":{"S":"20-Bicycle 205"},"Title":{"S":"Brand-Company C"}}`},
		"removing elements from a list":                  {"REMOVE RelatedItems[1], RelatedItems[2]", ``, "ALL_NEW RelatedItems", `{"L":[{"N":"341"}]}`},
		"removing below a removed element":               {"REMOVE Color[0], ProductReviews.FiveStar[0], ProductReviews.OneStar", ``, "ALL_NEW ProductReviews", `{"M":{"FiveStar":{"L":[{"S":"Buy it"}]}}}`},
		"removing what is not there":                     {"REMOVE Nothing, Color[9]", ``, "ALL_NEW Color", `{"L":[{"S":"Red"},{"S":"Black"}]}`},
		"adding a number":                                {"ADD QuantitySold :q, Price :q", `{":q":{"N":"5"}}`, "UPDATED_NEW", `{"Price":{"N":"505"},"QuantitySold":{"N":"5"}}`},
		"adding elements to a set":                       {"ADD Colors :c", `{":c":{"SS":["Yellow","Red"]}}`, "UPDATED_NEW", `{"Colors":{"SS":["Blue","Red","Yellow"]}}`},
		"adding numbers to a set":                        {"ADD Sizes :c", `{":c":{"NS":["9.5","100"]}}`, "UPDATED_NEW", `{"Sizes":{"NS":["-3","9.5","10","100"]}}`},
		"deleting elements from a set":                   {"DELETE Colors :c", `{":c":{"SS":["Red"]}}`, "UPDATED_NEW", `{"Colors":{"SS":["Blue"]}}`},
		"deleting all elements of a set":                 {"DELETE Colors :c SET Price = :p", `{":c":{"SS":["Red","Blue"]},":p":{"N":"1"}}`, "UPDATED_NEW", `{"Price":{"N":"1"}}`},
		"old values":                                     {"SET Price = :p", `{":p":{"N":"1"}}`, "UPDATED_OLD", `{"Price":{"N":"500"}}`},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.putBicycle()
			values := ""
			if tc.values != "" {
				values = `,"ExpressionAttributeValues":` + tc.values
			}
			show, attribute := tc.show, ""
			if len(show) > 8 && show[:8] == "ALL_NEW " {
				show, attribute = "ALL_NEW", show[8:]
			}
			out := f.must("UpdateItem", `{`+bicycleKey+`,"UpdateExpression":`+quote(tc.expression)+values+`,"ReturnValues":"`+show+`"}`)
			want := `{"Attributes":` + tc.want + `}`
			if attribute != "" {
				out = f.must("GetItem", `{`+bicycleKey+`,"ProjectionExpression":"`+attribute+`"}`)
				want = `{"Item":{"` + attribute + `":` + tc.want + `}}`
			}
			require.JSONEq(t, want, out)
		})
	}
}

func TestUpdateItemRefused(t *testing.T) {
	for name, tc := range map[string]struct{ expression, values, want string }{
		"key":               {"SET Id = :v", `{":v":{"N":"1"}}`, "One or more parameter values were invalid: Cannot update attribute Id. This attribute is part of the key"},
		"missing operand":   {"SET Price = Nothing + :v", `{":v":{"N":"1"}}`, "The provided expression refers to an attribute that does not exist in the item"},
		"operand type":      {"SET Price = Title + :v", `{":v":{"N":"1"}}`, "An operand in the update expression has an incorrect data type"},
		"literal type":      {"SET Price = Price + :v", `{":v":{"S":"1"}}`, "Invalid UpdateExpression: Incorrect operand type for operator or function; operator or function: +, operand type: S"},
		"no such parent":    {"SET Nothing.a = :v", `{":v":{"N":"1"}}`, "The document path provided in the update expression is invalid for update"},
		"list as map":       {"SET Color.a = :v", `{":v":{"N":"1"}}`, "The document path provided in the update expression is invalid for update"},
		"overlap":           {"SET Color = :v, Color[0] = :v", `{":v":{"N":"1"}}`, "Invalid UpdateExpression: Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [Color], path two: [Color, [0]]"},
		"conflict":          {"SET Color.a = :v, Color[0] = :v", `{":v":{"N":"1"}}`, "Invalid UpdateExpression: Two document paths conflict with each other; must remove or rewrite one of these paths; path one: [Color, a], path two: [Color, [0]]"},
		"section twice":     {"SET A = :v SET B = :v", `{":v":{"N":"1"}}`, `Invalid UpdateExpression: The "SET" section can only be used once in an update expression;`},
		"add a string":      {"ADD Price :v", `{":v":{"S":"1"}}`, "Invalid UpdateExpression: Incorrect operand type for operator or function; operator: ADD, operand type: STRING"},
		"add to other type": {"ADD Title :v", `{":v":{"N":"1"}}`, "An operand in the update expression has an incorrect data type"},
		"delete a number":   {"DELETE Price :v", `{":v":{"N":"1"}}`, "Invalid UpdateExpression: Incorrect operand type for operator or function; operator: DELETE, operand type: NUMBER"},
		"syntax":            {"SET Price :v", `{":v":{"N":"1"}}`, `Invalid UpdateExpression: Syntax error; token: ":v", near: "Price :v"`},
		"no section":        {"Price = :v", `{":v":{"N":"1"}}`, `Invalid UpdateExpression: Syntax error; token: "Price", near: "Price ="`},
		"unused value":      {"REMOVE Price", `{":v":{"N":"1"}}`, "Value provided in ExpressionAttributeValues unused in expressions: keys: {:v}"},
		"reserved":          {"SET Status = :v", `{":v":{"N":"1"}}`, "Invalid UpdateExpression: Attribute name is a reserved keyword; reserved keyword: Status"},
		"function":          {"SET Price = min(Price, :v)", `{":v":{"N":"1"}}`, "Invalid UpdateExpression: Invalid function name; function: min"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.putBicycle()
			f.refused("UpdateItem", `{`+bicycleKey+`,"UpdateExpression":`+quote(tc.expression)+`,"ExpressionAttributeValues":`+tc.values+`}`, codeValidation, tc.want)
			require.JSONEq(t, `{"Item":{"Price":{"N":"500"}}}`, f.must("GetItem", `{`+bicycleKey+`,"ProjectionExpression":"Price"}`))
		})
	}
}

func TestUpdateItemMakesTheItem(t *testing.T) {
	f := newFixture(t)
	f.must("UpdateItem", `{"TableName":"ProductCatalog","Key":{"Id":{"N":"1.0"}}}`)
	require.JSONEq(t, `{"Item":{"Id":{"N":"1"}}}`, f.must("GetItem", `{"TableName":"ProductCatalog","Key":{"Id":{"N":"1"}}}`))
}
