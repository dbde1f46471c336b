package dynamodb

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/local/faults"
)

func TestPutItemConditions(t *testing.T) {
	f := newFixture(t)
	f.putBicycle()
	put := `{"TableName":"ProductCatalog","Item":{"Id":{"N":"205"},"Price":{"N":"1"}},"ConditionExpression":"attribute_not_exists(Id)"`
	err := f.refused("PutItem", put+`}`, codeConditionFailed, "The conditional request failed")
	require.Nil(t, err.Members)
	err = f.refused("PutItem", put+`,"ReturnValuesOnConditionCheckFailure":"ALL_OLD"}`, codeConditionFailed, "The conditional request failed")
	old, decodeErr := decodeItem(err.Members["Item"].(json.RawMessage))
	require.NoError(t, decodeErr)
	title, _ := old.get("Title")
	require.Equal(t, "20-Bicycle 205", title.text)

	require.JSONEq(t, `{"Attributes":{"Id":{"N":"7"},"A":{"S":"x"}}}`, func() string {
		f.must("PutItem", `{"TableName":"ProductCatalog","Item":{"Id":{"N":"7.00"},"A":{"S":"x"}}}`)
		return f.must("DeleteItem", `{"TableName":"ProductCatalog","Key":{"Id":{"N":"7"}},"ReturnValues":"ALL_OLD"}`)
	}())
	require.Equal(t, `{}`, f.must("GetItem", `{"TableName":"ProductCatalog","Key":{"Id":{"N":"7"}}}`))
	require.Equal(t, `{}`, f.must("DeleteItem", `{"TableName":"ProductCatalog","Key":{"Id":{"N":"7"}},"ReturnValues":"ALL_OLD"}`))
}

func TestItemsRefused(t *testing.T) {
	big := strings.Repeat("x", maxItemBytes)
	for name, tc := range map[string]struct{ operation, body, want string }{
		"missing key":      {"PutItem", `{"TableName":"Thread","Item":{"ForumName":{"S":"a"}}}`, "One or more parameter values were invalid: Missing the key Subject in the item"},
		"key type":         {"PutItem", `{"TableName":"ProductCatalog","Item":{"Id":{"S":"a"}}}`, "One or more parameter values were invalid: Type mismatch for key Id expected: N actual: S"},
		"empty key":        {"PutItem", `{"TableName":"Thread","Item":{"ForumName":{"S":""},"Subject":{"S":"s"}}}`, "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: ForumName"},
		"long key":         {"PutItem", `{"TableName":"Thread","Item":{"ForumName":{"S":"` + big[:2049] + `"},"Subject":{"S":"s"}}}`, "One or more parameter values were invalid: Size of hashkey has exceeded the maximum size limit of2048 bytes"},
		"long sort key":    {"PutItem", `{"TableName":"Thread","Item":{"ForumName":{"S":"f"},"Subject":{"S":"` + big[:1025] + `"}}}`, "One or more parameter values were invalid: Aggregated size of all range keys has exceeded the size limit of 1024 bytes"},
		"index key type":   {"PutItem", `{"TableName":"Thread","Item":{"ForumName":{"S":"f"},"Subject":{"S":"s"},"Views":{"S":"1"}}}`, "One or more parameter values were invalid: Type mismatch for Index Key Views Expected: N Actual: S IndexName: ByViews"},
		"empty index key":  {"PutItem", `{"TableName":"Thread","Item":{"ForumName":{"S":"f"},"Subject":{"S":"s"},"LastPostedBy":{"S":""}}}`, "One or more parameter values are not valid. A value specified for a secondary index key is not supported. The AttributeValue for a key attribute cannot contain an empty string value. IndexName: ByPoster, IndexKey: LastPostedBy"},
		"400 KB":           {"PutItem", `{"TableName":"ProductCatalog","Item":{"Id":{"N":"1"},"A":{"S":"` + big + `"}}}`, "Item size has exceeded the maximum allowed size"},
		"update to 400 KB": {"UpdateItem", `{` + bicycleKey + `,"UpdateExpression":"SET A = :a","ExpressionAttributeValues":{":a":{"S":"` + big + `"}}}`, "Item size to update has exceeded the maximum allowed size"},
		"wrong key":        {"GetItem", `{"TableName":"ProductCatalog","Key":{"Name":{"N":"1"}}}`, "The provided key element does not match the schema"},
		"key too wide":     {"GetItem", `{"TableName":"ProductCatalog","Key":{"Id":{"N":"1"},"A":{"N":"1"}}}`, "The provided key element does not match the schema"},
		"no key":           {"GetItem", `{"TableName":"ProductCatalog"}`, "1 validation error detected: Value null at 'key' failed to satisfy constraint: Member must not be null"},
		"legacy get":       {"GetItem", `{` + bicycleKey + `,"AttributesToGet":["Id"]}`, "the local runtime does not do the legacy parameter AttributesToGet: use ProjectionExpression"},
		"legacy put":       {"PutItem", `{"TableName":"ProductCatalog","Item":{"Id":{"N":"1"}},"Expected":{}}`, "the local runtime does not do the legacy parameter Expected: use ConditionExpression"},
		"legacy update":    {"UpdateItem", `{` + bicycleKey + `,"AttributeUpdates":{}}`, "the local runtime does not do the legacy parameter AttributeUpdates: use UpdateExpression"},
		"legacy query":     {"Query", `{"TableName":"Thread","KeyConditions":{}}`, "the local runtime does not do the legacy parameter KeyConditions: use KeyConditionExpression"},
		"legacy scan":      {"Scan", `{"TableName":"Thread","ScanFilter":{}}`, "the local runtime does not do the legacy parameter ScanFilter: use FilterExpression"},
		"return values":    {"PutItem", `{"TableName":"ProductCatalog","Item":{"Id":{"N":"1"}},"ReturnValues":"ALL_NEW"}`, "ReturnValues can only be ALL_OLD or NONE"},
		"unused name":      {"GetItem", `{` + bicycleKey + `,"ProjectionExpression":"Title","ExpressionAttributeNames":{"#a":"A"}}`, "Value provided in ExpressionAttributeNames unused in expressions: keys: {#a}"},
		"names alone":      {"GetItem", `{` + bicycleKey + `,"ExpressionAttributeNames":{"#a":"A"}}`, "ExpressionAttributeNames can only be specified when using expressions"},
		"values alone":     {"UpdateItem", `{` + bicycleKey + `,"ExpressionAttributeValues":{":a":{"S":"A"}}}`, "ExpressionAttributeValues can only be specified when using expressions: UpdateExpression and ConditionExpression are null"},
		"bad value":        {"DeleteItem", `{` + bicycleKey + `,"ConditionExpression":"A = :a","ExpressionAttributeValues":{":a":{"SS":[]}}}`, "ExpressionAttributeValues contains invalid value: One or more parameter values were invalid: An string set  may not be empty for key :a"},
		"no values":        {"DeleteItem", `{` + bicycleKey + `,"ConditionExpression":"A = :a","ExpressionAttributeValues":{}}`, "ExpressionAttributeValues must not be empty"},
		"bad placeholder":  {"DeleteItem", `{` + bicycleKey + `,"ConditionExpression":"A = :a","ExpressionAttributeValues":{"a":{"S":"A"}}}`, `ExpressionAttributeValues contains invalid key: Syntax error; key: "a"`},
	} {
		t.Run(name, func(t *testing.T) {
			newFixture(t).refused(tc.operation, tc.body, codeValidation, tc.want)
		})
	}
	f := newFixture(t)
	f.refused("GetItem", `{"TableName":"Nowhere","Key":{}}`, codeResourceNotFound, "Requested resource not found")
	f.refused("PutItem", `{"TableName":1}`, codeSerialization, "json: cannot unmarshal number into Go struct field writeInput.TableName of type string")
}

func TestProjectionExpression(t *testing.T) {
	f := newFixture(t)
	f.putBicycle()
	require.JSONEq(t, `{"Item":{"Color":{"L":[{"S":"Black"}]},"ProductReviews":{"M":{"FiveStar":{"L":[{"S":"Excellent!"}]}}},"Title":{"S":"20-Bicycle 205"}}}`,
		f.must("GetItem", `{`+bicycleKey+`,"ProjectionExpression":"Title, Color[1], ProductReviews.#five[0], Absent.a","ExpressionAttributeNames":{"#five":"FiveStar"}}`))
	require.Equal(t, `{"Item":{}}`, f.must("GetItem", `{`+bicycleKey+`,"ProjectionExpression":"Absent"}`))
}

func TestConsumedCapacity(t *testing.T) {
	f := newFixture(t)
	kilobytes := func(n int) string { return strings.Repeat("x", n<<10-10) }
	for name, tc := range map[string]struct{ operation, body, want string }{
		"write per KB":          {"PutItem", `{"TableName":"ProductCatalog","Item":{"Id":{"N":"1"},"A":{"S":"` + kilobytes(3) + `"}},"ReturnConsumedCapacity":"TOTAL"}`, `{"TableName":"ProductCatalog","CapacityUnits":3}`},
		"eventual read of none": {"GetItem", `{"TableName":"ProductCatalog","Key":{"Id":{"N":"2"}},"ReturnConsumedCapacity":"TOTAL"}`, `{"TableName":"ProductCatalog","CapacityUnits":0.5}`},
		"with indexes": {"PutItem", `{"TableName":"Thread","Item":{"ForumName":{"S":"f"},"Subject":{"S":"s"},"Views":{"N":"1"}},"ReturnConsumedCapacity":"INDEXES"}`,
			`{"TableName":"Thread","CapacityUnits":2,"Table":{"CapacityUnits":1},"GlobalSecondaryIndexes":{"ByViews":{"CapacityUnits":1}}}`},
	} {
		t.Run(name, func(t *testing.T) {
			require.JSONEq(t, `{"ConsumedCapacity":`+tc.want+`}`, f.must(tc.operation, tc.body))
		})
	}
	f.must("PutItem", `{"TableName":"ProductCatalog","Item":{"Id":{"N":"9"},"A":{"S":"`+kilobytes(5)+`"}}}`)
	require.Contains(t, f.must("GetItem", `{"TableName":"ProductCatalog","Key":{"Id":{"N":"9"}},"ConsistentRead":true,"ReturnConsumedCapacity":"TOTAL"}`), `"CapacityUnits":2}`)
	require.JSONEq(t, `{"ConsumedCapacity":[{"TableName":"ProductCatalog","CapacityUnits":12,"WriteCapacityUnits":12}]}`,
		f.must("TransactWriteItems", `{"TransactItems":[{"Delete":{"TableName":"ProductCatalog","Key":{"Id":{"N":"9"}}}},{"Delete":{"TableName":"ProductCatalog","Key":{"Id":{"N":"8"}}}}],"ReturnConsumedCapacity":"TOTAL"}`))
}

func TestBatchWriteAndGet(t *testing.T) {
	f := newFixture(t)
	require.JSONEq(t, `{"UnprocessedItems":{}}`, f.must("BatchWriteItem", `{"RequestItems":{"ProductCatalog":[{"PutRequest":{"Item":{"Id":{"N":"1"}}}},
		{"PutRequest":{"Item":{"Id":{"N":"2"}}}},{"DeleteRequest":{"Key":{"Id":{"N":"3"}}}}]}}`))
	require.JSONEq(t, `{"Responses":{"ProductCatalog":[{"Id":{"N":"2"}},{"Id":{"N":"1"}}]},"UnprocessedKeys":{}}`,
		f.must("BatchGetItem", `{"RequestItems":{"ProductCatalog":{"Keys":[{"Id":{"N":"2"}},{"Id":{"N":"3"}},{"Id":{"N":"1"}}]}}}`))
	item := `{"PutRequest":{"Item":{"Id":{"N":"1"}}}}`
	f.refused("BatchWriteItem", `{"RequestItems":{"ProductCatalog":[`+item+`,`+item+`]}}`, codeValidation, "Provided list of item keys contains duplicates")
	var many []string
	for i := range 101 {
		many = append(many, `{"Id":{"N":"`+strings.Repeat("1", i%30+1)+string(rune('0'+i/30))+`"}}`)
	}
	f.refused("BatchGetItem", `{"RequestItems":{"ProductCatalog":{"Keys":[`+strings.Join(many, ",")+`]}}}`, codeValidation, "1 validation error detected: Value at 'RequestItems.ProductCatalog.member.Keys' failed to satisfy constraint: Member must have length less than or equal to 100")
	puts := `{"PutRequest":{"Item":` + strings.Join(many[:26], `}},{"PutRequest":{"Item":`) + `}}`
	f.refused("BatchWriteItem", `{"RequestItems":{"ProductCatalog":[`+puts+`]}}`, codeValidation, "1 validation error detected: Value at 'RequestItems.ProductCatalog.member' failed to satisfy constraint: Member must have length less than or equal to 25")
}

func TestFaultsAreInjectedAroundTheEffect(t *testing.T) {
	f := newFixture(t)
	require.NoError(t, f.faults.Arm(faults.Fault{Operation: "dynamodb:PutItem", When: faults.AfterEffect, Code: "InternalServerError"}))
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(`{"TableName":"ProductCatalog","Item":{"Id":{"N":"1"}}}`))
	r.Header.Set("X-Amz-Target", TargetPrefix+".PutItem")
	w := httptest.NewRecorder()
	f.ServeHTTP(w, r)
	require.Equal(t, http.StatusInternalServerError, w.Code)
	require.Contains(t, w.Body.String(), "com.amazonaws.dynamodb.v20120810#InternalServerError")
	require.JSONEq(t, `{"Item":{"Id":{"N":"1"}}}`, f.must("GetItem", `{"TableName":"ProductCatalog","Key":{"Id":{"N":"1"}}}`))

	r = httptest.NewRequest(http.MethodPost, "/", strings.NewReader(`{}`))
	r.Header.Set("X-Amz-Target", TargetPrefix+".ExecuteStatement")
	w = httptest.NewRecorder()
	f.ServeHTTP(w, r)
	require.Equal(t, http.StatusNotImplemented, w.Code)
	require.Contains(t, w.Body.String(), "dynamodb:ExecuteStatement")
}
