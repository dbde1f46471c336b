package dynamodb

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/local/conformance"
)

// Where the expectations of the conformance cases come from.
const (
	guide     = "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/"
	reference = "https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/"
)

// protocol makes a call over HTTP and returns status and body.
func (f *fixture) protocol(operation, body string) (int, string) {
	f.Helper()
	server := httptest.NewServer(f.Service)
	defer server.Close()
	request, err := http.NewRequestWithContext(f.Context(), http.MethodPost, server.URL, strings.NewReader(body))
	require.NoError(f, err)
	request.Header.Set("Content-Type", "application/x-amz-json-1.0")
	request.Header.Set("X-Amz-Target", TargetPrefix+"."+operation)
	response, err := http.DefaultClient.Do(request)
	require.NoError(f, err)
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	require.NoError(f, err)
	return response.StatusCode, string(answer)
}

func (f *fixture) update(expression, values string) string {
	f.Helper()
	return f.must("UpdateItem", `{`+bicycleKey+`,"UpdateExpression":`+quote(expression)+values+`,"ReturnValues":"UPDATED_NEW"}`)
}

func values(json string) string { return `,"ExpressionAttributeValues":` + json }

// holds asks whether a condition is true of the bicycle.
func (f *fixture) holds(expression, placeholders string) bool {
	f.Helper()
	return strings.Contains(f.must("Scan", `{"TableName":"ProductCatalog","Select":"COUNT","FilterExpression":`+quote(expression)+placeholders+`}`), `"Count":1`)
}

// conforming is a case whose expectation does not come from this code.
type conforming struct {
	name, source string
	check        func(f *fixture)
}

// conformances have theirs from the documentation of AWS; recorded, in a file of its own, from answers of AWS.
var conformances = []conforming{
	{"SET changes and adds attributes", guide + "Expressions.UpdateExpressions.html#Expressions.UpdateExpressions.SET.ModifyingListElements", func(f *fixture) {
		require.JSONEq(f, `{"Attributes":{"RelatedItems":{"L":[{"S":"Hammer"}]}}}`, f.update("SET RelatedItems[0] = :ri", values(`{":ri":{"S":"Hammer"}}`)))
		require.JSONEq(f, `{"Attributes":{"Price":{"N":"485"}}}`, f.update("SET Price = Price - :p", values(`{":p":{"N":"15"}}`)))
		require.JSONEq(f, `{"Attributes":{"Price":{"N":"485"}}}`, f.update("SET Price = if_not_exists(Price, :p)", values(`{":p":{"N":"100"}}`)))
		require.JSONEq(f, `{"Attributes":{"Color":{"L":[{"S":"Blue"},{"S":"Red"},{"S":"Black"}]}}}`, f.update("SET Color = list_append(:vals, Color)", values(`{":vals":{"L":[{"S":"Blue"}]}}`)))
	}},
	{"an element beyond the end of a list is appended", guide + "Expressions.UpdateExpressions.html#Expressions.UpdateExpressions.SET.AddingListElements", func(f *fixture) {
		f.update("SET Color[9] = :c", values(`{":c":{"S":"Blue"}}`))
		require.JSONEq(f, `{"Item":{"Color":{"L":[{"S":"Red"},{"S":"Black"},{"S":"Blue"}]}}}`, f.must("GetItem", `{`+bicycleKey+`,"ProjectionExpression":"Color"}`))
	}},
	{"REMOVE shifts the remaining elements", guide + "Expressions.UpdateExpressions.html#Expressions.UpdateExpressions.REMOVE.RemovingListElements", func(f *fixture) {
		f.update("REMOVE RelatedItems[1], RelatedItems[2]", "")
		require.JSONEq(f, `{"Item":{"RelatedItems":{"L":[{"N":"341"}]}}}`, f.must("GetItem", `{`+bicycleKey+`,"ProjectionExpression":"RelatedItems"}`))
	}},
	{"ADD begins numbers at 0 and sets empty", guide + "Expressions.UpdateExpressions.html#Expressions.UpdateExpressions.ADD", func(f *fixture) {
		require.JSONEq(f, `{"Attributes":{"Hits":{"N":"5"},"Fresh":{"SS":["x"]}}}`, f.update("ADD Hits :n, Fresh :s", values(`{":n":{"N":"5"},":s":{"SS":["x"]}}`)))
	}},
	{"DELETE takes elements from sets, of which none is empty", guide + "Expressions.UpdateExpressions.html#Expressions.UpdateExpressions.DELETE", func(f *fixture) {
		require.JSONEq(f, `{}`, f.update("DELETE Colors :p", values(`{":p":{"SS":["Red","Blue"]}}`)))
		require.False(f, f.holds("attribute_exists(Colors)", ""))
	}},
	{"functions of conditions", guide + "Expressions.OperatorsAndFunctions.html#Expressions.OperatorsAndFunctions.Functions", func(f *fixture) {
		for expression, placeholders := range map[string]string{
			"attribute_exists(Pictures.FrontView)":         "",
			"attribute_not_exists(Manufacturer)":           "",
			"attribute_type(ProductReviews.FiveStar, :v)":  values(`{":v":{"S":"L"}}`),
			"begins_with(Pictures.FrontView, :v)":          values(`{":v":{"S":"http://"}}`),
			"contains(Brand, :v)":                          values(`{":v":{"S":"Company"}}`),
			"contains(Colors, :v) AND contains(Color, :v)": values(`{":v":{"S":"Red"}}`),
			"contains(Sizes, :v)":                          values(`{":v":{"N":"9.5"}}`),
			"size(Brand) = :a AND size(RelatedItems) = :b AND size(Pictures) = :c AND size(Photo) = :b": values(`{":a":{"N":"15"},":b":{"N":"3"},":c":{"N":"1"}}`),
			"Price BETWEEN :a AND :b OR Price < :a":                                                     values(`{":a":{"N":"500"},":b":{"N":"600"}}`),
			"Price IN (:a, :b)":                                                                         values(`{":a":{"N":"5E2"},":b":{"N":"1"}}`),
		} {
			require.True(f, f.holds(expression, placeholders), expression)
			require.False(f, f.holds("NOT ("+expression+")", placeholders), expression)
		}
	}},
	{"precedence of operators", guide + "Expressions.OperatorsAndFunctions.html#Expressions.OperatorsAndFunctions.Precedence", func(f *fixture) {
		absent, present := "attribute_exists(Nothing)", "attribute_exists(Brand)"
		require.True(f, f.holds(present+" OR "+absent+" AND "+absent, ""), "AND before OR")
		require.True(f, f.holds("NOT "+absent+" OR "+present, ""), "NOT before OR")
		require.False(f, f.holds("("+present+" OR "+present+") AND "+absent, ""))
	}},
	{"IN takes up to 100 operands", guide + "Expressions.OperatorsAndFunctions.html", func(f *fixture) {
		list := func(n int) string {
			return `{"TableName":"ProductCatalog","FilterExpression":"Brand IN (:v` + strings.Repeat(",:v", n-1) + `)","ExpressionAttributeValues":{":v":{"S":"x"}}}`
		}
		f.must("Scan", list(100))
		_, err := f.call("Scan", list(101))
		require.NotNil(f, err)
		require.Equal(f, codeValidation, err.Code)
	}},
	{"expressions have up to 4 KB", guide + "ServiceQuotas.html#limits-expression-parameters", func(f *fixture) {
		filter := func(size int) string {
			text := "attribute_exists(Brand)"
			return `{"TableName":"ProductCatalog","FilterExpression":"` + text + strings.Repeat(" ", size-len(text)) + `"}`
		}
		f.must("Scan", filter(4096))
		f.refused("Scan", filter(4097), codeValidation, "Invalid FilterExpression: Expression size has exceeded the maximum allowed size; expression size: 4097")
	}},
	{"numbers have up to 38 digits and a range", guide + "HowItWorks.NamingRulesDataTypes.html#HowItWorks.DataTypes.Number", func(f *fixture) {
		put := func(n string) string {
			return `{"TableName":"ProductCatalog","Item":{"Id":{"N":"1"},"A":{"N":"` + n + `"}}}`
		}
		for _, n := range []string{strings.Repeat("9", 38), "1E-130", "9.9999999999999999999999999999999999999E+125", "-9.9999999999999999999999999999999999999E+125", "-1E-130"} {
			f.must("PutItem", put(n))
		}
		for n, message := range map[string]string{
			strings.Repeat("9", 39): "Attempting to store more than 38 significant digits in a Number",
			"1E126":                 "Number overflow. Attempting to store a number with magnitude larger than supported range",
			"1E-131":                "Number underflow. Attempting to store a number with magnitude smaller than supported range",
		} {
			f.refused("PutItem", put(n), codeValidation, message)
		}
		f.must("PutItem", put("+00.1500e1"))
		require.JSONEq(f, `{"Item":{"A":{"N":"1.5"}}}`, f.must("GetItem", `{"TableName":"ProductCatalog","Key":{"Id":{"N":"1.0"}},"ProjectionExpression":"A"}`), "leading and trailing zeroes are trimmed")
	}},
	{"items have up to 400 KB with the names", guide + "ServiceQuotas.html#limits-items", func(f *fixture) {
		put := func(size int) string {
			return `{"TableName":"Thread","Item":{"ForumName":{"S":"f"},"Subject":{"S":"s"},"A":{"S":"` + strings.Repeat("x", size-len("ForumNamefSubjectsA")) + `"}}}`
		}
		f.must("PutItem", put(400<<10))
		f.refused("PutItem", put(400<<10+1), codeValidation, "Item size has exceeded the maximum allowed size")
	}},
	{"a page ends with Limit or 1 MB, before the filter", guide + "Query.Pagination.html", func(f *fixture) {
		for i := range 5 {
			f.must("PutItem", fmt.Sprintf(`{"TableName":"Thread","Item":{"ForumName":{"S":"f"},"Subject":{"S":"%d"},"A":{"S":"%s"}}}`, i, strings.Repeat("x", 300<<10)))
		}
		query := `{"TableName":"Thread","KeyConditionExpression":"ForumName = :f","ProjectionExpression":"Subject"`
		require.JSONEq(f, `{"Count":0,"ScannedCount":4,"Items":[],"LastEvaluatedKey":{"ForumName":{"S":"f"},"Subject":{"S":"3"}}}`,
			f.must("Query", query+`,"FilterExpression":"B = :b","ExpressionAttributeValues":{":f":{"S":"f"},":b":{"S":"x"}}}`), "the item that passes 1 MB is part of the page")
		require.JSONEq(f, `{"Count":2,"ScannedCount":2,"Items":[{"Subject":{"S":"4"}},{"Subject":{"S":"3"}}],"LastEvaluatedKey":{"ForumName":{"S":"f"},"Subject":{"S":"3"}}}`,
			f.must("Query", query+`,"Limit":2,"ScanIndexForward":false,"ExpressionAttributeValues":{":f":{"S":"f"}}}`))
	}},
	{"cancellation reasons stand in the order of the actions", reference + "API_TransactWriteItems.html", func(f *fixture) {
		status, body := f.protocol("TransactWriteItems", `{"TransactItems":[`+putAction("1", "")+`,
			{"ConditionCheck":{`+bicycleKey+`,"ConditionExpression":"Price > :p","ExpressionAttributeValues":{":p":{"N":"900"}},"ReturnValuesOnConditionCheckFailure":"ALL_OLD"}}]}`)
		require.Equal(f, http.StatusBadRequest, status)
		var answer struct {
			Type                string `json:"__type"`
			Message             string // SDKs read this member in both cases of its first letter.
			CancellationReasons json.RawMessage
		}
		require.NoError(f, json.Unmarshal([]byte(body), &answer))
		require.Equal(f, "com.amazonaws.dynamodb.v20120810#TransactionCanceledException", answer.Type)
		require.Equal(f, "Transaction cancelled, please refer cancellation reasons for specific reasons [None, ConditionalCheckFailed]", answer.Message)
		require.JSONEq(f, `[{"Code":"None"},{"Code":"ConditionalCheckFailed","Message":"The conditional request failed","Item":`+f.storedBicycle()+`}]`, string(answer.CancellationReasons))
		require.JSONEq(f, `{}`, f.must("GetItem", `{"TableName":"ProductCatalog","Key":{"Id":{"N":"1"}}}`))
	}},
	{"a token is good for ten minutes", reference + "API_TransactWriteItems.html#DDB-TransactWriteItems-request-ClientRequestToken", func(f *fixture) {
		body := func(id string) string {
			return `{"ClientRequestToken":"t","TransactItems":[` + putAction(id, "") + `]}`
		}
		f.must("TransactWriteItems", body("1"))
		f.clock.Advance(10*time.Minute - time.Second)
		f.must("TransactWriteItems", body("1"))
		_, err := f.call("TransactWriteItems", body("2"))
		require.NotNil(f, err)
		require.Equal(f, "IdempotentParameterMismatchException", err.Code)
		f.clock.Advance(time.Second)
		f.must("TransactWriteItems", body("2"))
	}},
	{"a stream has no record of a write that changes nothing", guide + "Streams.html", func(f *fixture) {
		const put = `{"TableName":"Thread","Item":{"ForumName":{"S":"f"},"Subject":{"S":"s"},"Tags":{"SS":["a","b"]},"N":{"N":"1"}}}`
		f.must("PutItem", put)
		f.must("PutItem", strings.NewReplacer(`["a","b"]`, `["b","a"]`, `"1"`, `"1.0"`).Replace(put))
		f.must("DeleteItem", `{"TableName":"Thread","Key":{"ForumName":{"S":"f"},"Subject":{"S":"none"}}}`)
		records, err := f.stream.Read("", 10)
		require.NoError(f, err)
		require.Len(f, records, 1)
	}},
	{"global secondary indexes are read without ConsistentRead", reference + "API_Query.html#DDB-Query-request-ConsistentRead", func(f *fixture) {
		f.refused("Query", `{"TableName":"Thread","IndexName":"ByViews","ConsistentRead":true,"KeyConditionExpression":"ForumName = :f","ExpressionAttributeValues":{":f":{"S":"f"}}}`,
			codeValidation, "Consistent reads are not supported on global secondary indexes")
	}},
	{"a table is being created at first and active when it can be used", reference + "API_CreateTable.html", func(f *fixture) {
		status := func(answer string) (all []string) {
			var d struct{ TableDescription, Table tableDescription }
			require.NoError(f, json.Unmarshal([]byte(answer), &d))
			for _, t := range []tableDescription{d.TableDescription, d.Table} {
				if all = append(all, t.TableStatus); len(t.GlobalSecondaryIndexes) > 0 {
					all = append(all, t.GlobalSecondaryIndexes[0].IndexStatus)
				}
			}
			return slices.DeleteFunc(all, func(s string) bool { return s == "" })
		}
		const index = `,"GlobalSecondaryIndexes":[{"IndexName":"ByA","KeySchema":[{"AttributeName":"A","KeyType":"HASH"}],"Projection":{"ProjectionType":"ALL"}}]}`
		require.Equal(f, []string{"CREATING", "CREATING"}, status(f.must("CreateTable", createMusic+index)))
		require.Equal(f, []string{"ACTIVE", "ACTIVE"}, status(f.must("DescribeTable", `{"TableName":"Music"}`)))
		require.Equal(f, []string{"DELETING", "DELETING"}, status(f.must("DeleteTable", `{"TableName":"Music"}`)))
	}},
	{"batches take 25 writes and 100 reads, each item once", reference + "API_BatchWriteItem.html", func(f *fixture) {
		batch := func(n int, form string) string { return strings.TrimSuffix(strings.Repeat(form+",", n), ",") }
		write := func(n int) string {
			one := ""
			for i := range n {
				one += fmt.Sprintf(`,{"DeleteRequest":{"Key":{"Id":{"N":"%d"}}}}`, i)
			}
			return `{"RequestItems":{"ProductCatalog":[` + strings.TrimPrefix(one, ",") + `]}}`
		}
		f.must("BatchWriteItem", write(25))
		f.refused("BatchWriteItem", write(26), codeValidation,
			"1 validation error detected: Value at 'RequestItems.ProductCatalog.member' failed to satisfy constraint: Member must have length less than or equal to 25")
		f.refused("BatchGetItem", `{"RequestItems":{"ProductCatalog":{"Keys":[`+batch(2, `{"Id":{"N":"1"}}`)+`]}}}`, codeValidation, "Provided list of item keys contains duplicates")
	}},
}

func (f *fixture) storedBicycle() string {
	f.Helper()
	answer := f.must("GetItem", `{`+bicycleKey+`}`)
	return strings.TrimSuffix(strings.TrimPrefix(answer, `{"Item":`), `}`)
}

func TestConformance(t *testing.T) {
	for _, c := range slices.Concat(conformances, recorded) {
		t.Run(c.name, func(t *testing.T) {
			require.NotEmpty(t, c.source)
			f := newFixture(t)
			f.putBicycle()
			c.check(f)
		})
	}
}

// refusal is something that is refused: a call, and what its error names.
type refusal struct{ operation, body, code, names string }

const createMusic = `{"TableName":"Music","BillingMode":"PAY_PER_REQUEST","AttributeDefinitions":[{"AttributeName":"A","AttributeType":"S"}],"KeySchema":[{"AttributeName":"A","KeyType":"HASH"}]`

func refusedTable(parameter, value string) refusal {
	return refusal{"CreateTable", createMusic + `,"` + parameter + `":` + value + `}`, codeValidation, parameter}
}

// refusals has a test for every entry of the page's row.
var refusals = map[string][]refusal{
	"local secondary indexes": {refusedTable("LocalSecondaryIndexes", `[{"IndexName":"L"}]`)},
	"index keys of several attributes": {
		{"CreateTable", `{"TableName":"Music","BillingMode":"PAY_PER_REQUEST","AttributeDefinitions":[{"AttributeName":"A","AttributeType":"S"},{"AttributeName":"B","AttributeType":"S"}],
			"KeySchema":[{"AttributeName":"A","KeyType":"HASH"}],"GlobalSecondaryIndexes":[{"IndexName":"ByB","Projection":{"ProjectionType":"ALL"},
			"KeySchema":[{"AttributeName":"B","KeyType":"HASH"},{"AttributeName":"A","KeyType":"RANGE"},{"AttributeName":"C","KeyType":"RANGE"}]}]}`, codeValidation, "index keys of several attributes"},
	},
	"PartiQL": {
		{"ExecuteStatement", `{"Statement":"SELECT * FROM Music"}`, "NotImplemented", "ExecuteStatement"},
		{"BatchExecuteStatement", `{}`, "NotImplemented", "BatchExecuteStatement"},
		{"ExecuteTransaction", `{}`, "NotImplemented", "ExecuteTransaction"},
	},
	"the parameters that expressions replaced (`Expected`, `AttributeUpdates`, `KeyConditions`, `QueryFilter`, `ScanFilter`, `AttributesToGet`, `ConditionalOperator`)": {
		{"PutItem", `{"TableName":"ProductCatalog","Item":{"Id":{"N":"1"}},"Expected":{"A":{"Exists":false}}}`, codeValidation, "Expected"},
		{"PutItem", `{"TableName":"ProductCatalog","Item":{"Id":{"N":"1"}},"ConditionalOperator":"AND"}`, codeValidation, "ConditionalOperator"},
		{"UpdateItem", `{` + bicycleKey + `,"AttributeUpdates":{"A":{"Action":"DELETE"}}}`, codeValidation, "AttributeUpdates"},
		{"GetItem", `{` + bicycleKey + `,"AttributesToGet":["Id"]}`, codeValidation, "AttributesToGet"},
		{"Query", `{"TableName":"ProductCatalog","KeyConditions":{"Id":{}}}`, codeValidation, "KeyConditions"},
		{"Query", `{"TableName":"ProductCatalog","QueryFilter":{"A":{}}}`, codeValidation, "QueryFilter"},
		{"Scan", `{"TableName":"ProductCatalog","ScanFilter":{"A":{}}}`, codeValidation, "ScanFilter"},
	},
	"provisioned capacity": {
		{"CreateTable", strings.Replace(createMusic, "PAY_PER_REQUEST", "PROVISIONED", 1) + `,"ProvisionedThroughput":{"ReadCapacityUnits":1,"WriteCapacityUnits":1}}`, codeValidation, "provisioned capacity"},
		refusedTable("WarmThroughput", `{"ReadUnitsPerSecond":1}`), refusedTable("OnDemandThroughput", `{"MaxReadRequestUnits":1}`),
	},
	"keys, classes, policies and tags of tables": {
		refusedTable("SSESpecification", `{"Enabled":true}`), refusedTable("TableClass", `"STANDARD"`), refusedTable("ResourcePolicy", `"{}"`),
		refusedTable("Tags", `[{"Key":"a","Value":"b"}]`), {"TagResource", `{}`, "NotImplemented", "TagResource"},
	},
	"changing tables": {
		{"UpdateTable", `{"TableName":"Thread"}`, "NotImplemented", "UpdateTable"}, {"UpdateTimeToLive", `{}`, "NotImplemented", "UpdateTimeToLive"},
	},
	"global tables": {
		refusedTable("GlobalTableSourceArn", `"arn"`), {"CreateGlobalTable", `{}`, "NotImplemented", "CreateGlobalTable"},
	},
	"backups, exports and imports": {
		{"CreateBackup", `{}`, "NotImplemented", "CreateBackup"}, {"ExportTableToPointInTime", `{}`, "NotImplemented", "ExportTableToPointInTime"},
		{"ImportTable", `{}`, "NotImplemented", "ImportTable"}, {"UpdateContinuousBackups", `{}`, "NotImplemented", "UpdateContinuousBackups"},
	},
}

func TestRefusals(t *testing.T) {
	page := conformance.Refusals(t, "DynamoDB")
	require.Len(t, refusals, len(page))
	for _, entry := range page {
		require.NotEmpty(t, refusals[entry], "the page refuses %q, which no test does", entry)
		for _, r := range refusals[entry] {
			f := newFixture(t)
			status, body := f.protocol(r.operation, r.body)
			want := http.StatusBadRequest
			if r.code == "NotImplemented" {
				want = http.StatusNotImplemented
			}
			require.Equal(t, want, status, "%s %s: %s", r.operation, r.body, body)
			require.Contains(t, body, r.code)
			require.Contains(t, body, r.names)
		}
	}
}
