package dynamodb

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/stretchr/testify/require"
)

// Where others recorded answers of AWS: a suite that is run against DynamoDB itself, tests that moto's authors run against AWS, and
// LocalStack's snapshots.
const (
	parity     = "https://github.com/paritysuite/dynamodb-conformance/blob/main/tests/"
	motoTests  = "https://github.com/getmoto/moto/blob/master/tests/test_dynamodb/"
	localStack = "https://github.com/localstack/localstack/blob/main/tests/aws/services/dynamodb/test_dynamodb.snapshot.json"
)

const (
	emptyKeyMessage  = "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: ForumName"
	mismatchMessage  = "The provided key element does not match the schema"
	cancelledMessage = "Transaction cancelled, please refer cancellation reasons for specific reasons "
)

// cancels expects a transaction to be cancelled, and returns the reasons' messages.
func (f *fixture) cancels(operation, body, codes string) (messages []string) {
	f.Helper()
	e := f.refused(operation, body, codeTransactionAborted, cancelledMessage+codes)
	for _, reason := range e.Members["CancellationReasons"].([]cancellationReason) {
		messages = append(messages, reason.Message)
	}
	return messages
}

func transactions(actions ...string) string {
	return `{"TransactItems":[` + strings.Join(actions, ",") + `]}`
}

// thread is a key of Thread.
func thread(forum, subject string) string {
	return `{"ForumName":` + forum + `,"Subject":` + subject + `}`
}

var recorded = []conforming{
	{"an empty key in a transaction is an error of the request", parity + "tier3/error-messages/transactWriteItems.test.ts", func(f *fixture) {
		key := `"TableName":"Thread","Key":` + thread(`{"S":""}`, `{"S":"s"}`)
		for _, action := range []string{
			`{"Put":{"TableName":"Thread","Item":` + thread(`{"S":""}`, `{"S":"s"}`) + `}}`,
			`{"Update":{` + key + `,"UpdateExpression":"SET A = :v","ExpressionAttributeValues":{":v":{"S":"x"}}}}`,
			`{"Delete":{` + key + `}}`,
			`{"ConditionCheck":{` + key + `,"ConditionExpression":"attribute_exists(A)"}}`,
		} {
			f.refused("TransactWriteItems", transactions(action), codeValidation, emptyKeyMessage)
		}
		f.refused("TransactWriteItems", transactions(`{"Put":{"TableName":"Thread","Item":{"ForumName":{"S":"f"},"Subject":{"S":"s"},"LastPostedBy":{"S":""}}}}`), codeValidation,
			"One or more parameter values are not valid. A value specified for a secondary index key is not supported. The AttributeValue for a key attribute cannot contain an empty string value. IndexName: ByPoster, IndexKey: LastPostedBy")
	}},
	{"the first key that does not fit its table cancels a transaction, whatever else there is", "https://github.com/floci-io/floci/pull/3674", func(f *fixture) {
		wrong := `{"Delete":{"TableName":"ProductCatalog","Key":{"Id":{"S":"3"}}}}`
		require.Equal(f, []string{"", mismatchMessage, "", ""}, f.cancels("TransactWriteItems",
			transactions(putAction("1", ""), wrong, putAction("1", ""), wrong), "[None, ValidationError, None, None]"))
		require.Equal(f, []string{"One or more parameter values were invalid: Type mismatch for key Id expected: N actual: S"},
			f.cancels("TransactWriteItems", transactions(`{"Put":{"TableName":"ProductCatalog","Item":{"Id":{"S":"1"}}}}`), "[ValidationError]"))
	}},
	{"what an action says for itself is checked before any table is looked for", parity + "tier3/validation-ordering/transactions.test.ts", func(f *fixture) {
		nowhere := `{"Put":{"TableName":"Nowhere","Item":{"Id":{"N":"1"}}}}`
		f.refused("TransactWriteItems", transactions(nowhere, `{"ConditionCheck":{`+bicycleKey+`,"ConditionExpression":"attribute_not_exists("}}`), codeValidation,
			`Invalid ConditionExpression: Syntax error; token: "<EOF>", near: "("`)
		f.refused("TransactWriteItems", transactions(nowhere, `{"ConditionCheck":{`+bicycleKey+`,"ConditionExpression":"attribute_not_exists(A)","ExpressionAttributeValues":{":v":{"S":"x"}}}}`),
			codeValidation, "Value provided in ExpressionAttributeValues unused in expressions: keys: {:v}")
		f.refused("TransactWriteItems", transactions(nowhere), codeResourceNotFound, "Requested resource not found")
	}},
	{"a put that is too large is an error of the request, an update cancels", parity + "tier3/limits/itemSizeBySurface.test.ts", func(f *fixture) {
		text := func(size int) string { return `{"S":"` + strings.Repeat("x", size) + `"}` }
		put := func(size int) string {
			return transactions(`{"Put":{"TableName":"Thread","Item":{"ForumName":{"S":"f"},"Subject":{"S":"s"},"A":` + text(size-len("ForumNamefSubjectsA")) + `}}}`)
		}
		f.must("TransactWriteItems", put(400<<10))
		f.refused("TransactWriteItems", put(400<<10+1), codeValidation, "Item size has exceeded the maximum allowed size")
		require.Equal(f, []string{"Item size to update has exceeded the maximum allowed size"}, f.cancels("TransactWriteItems",
			transactions(`{"Update":{`+bicycleKey+`,"UpdateExpression":"SET A = :v","ExpressionAttributeValues":{":v":`+text(400<<10)+`}}}`), "[ValidationError]"))
	}},
	{"a wrong key cancels a transaction of reads", parity + "tier3/error-messages/transactGetItems.test.ts", func(f *fixture) {
		get := func(key string) string { return `{"Get":{"TableName":"ProductCatalog","Key":` + key + `}}` }
		require.Equal(f, []string{"", mismatchMessage}, f.cancels("TransactGetItems", transactions(get(`{"Id":{"N":"1"}}`), get(`{}`)), "[None, ValidationError]"))
		f.refused("TransactGetItems", transactions(`{"Get":{`+bicycleKey+`,"ProjectionExpression":"!!!"}}`), codeValidation,
			`Invalid ProjectionExpression: Syntax error; token: "!", near: "!!"`)
	}},
	{"a transaction has no item where the projection finds nothing, GetItem an empty one", "https://github.com/nubo-db/dynoxide/issues/39", func(f *fixture) {
		require.JSONEq(f, `{"Responses":[{}]}`, f.must("TransactGetItems", transactions(`{"Get":{`+bicycleKey+`,"ProjectionExpression":"Nothing"}}`)))
		require.JSONEq(f, `{"Item":{}}`, f.must("GetItem", `{`+bicycleKey+`,"ProjectionExpression":"Nothing"}`))
	}},
	{"a transaction tells the table's read units", parity + "tier2/transactions/transactGet.test.ts", func(f *fixture) {
		require.JSONEq(f, `{"Responses":[{},{}],"ConsumedCapacity":[{"TableName":"ProductCatalog","CapacityUnits":4,"ReadCapacityUnits":4,"Table":{"CapacityUnits":4,"ReadCapacityUnits":4}}]}`,
			f.must("TransactGetItems", `{"TransactItems":[{"Get":{"TableName":"ProductCatalog","Key":{"Id":{"N":"1"}}}},{"Get":{"TableName":"ProductCatalog","Key":{"Id":{"N":"2"}}}}],"ReturnConsumedCapacity":"INDEXES"}`))
	}},
	{"a transaction reads up to 4 MB", reference + "API_TransactGetItems.html", func(f *fixture) {
		var gets []string
		for i := range 11 {
			id := fmt.Sprintf(`"Id":{"N":"%d"}`, i)
			f.must("PutItem", `{"TableName":"ProductCatalog","Item":{`+id+`,"A":{"S":"`+strings.Repeat("x", 390<<10)+`"}}}`)
			gets = append(gets, `{"Get":{"TableName":"ProductCatalog","Key":{`+id+`}}}`)
		}
		f.must("TransactGetItems", transactions(gets[:10]...))
		f.refused("TransactGetItems", transactions(gets...), codeValidation, "Transaction request cannot be larger than 4 MB")
	}},
	{"a key that does not fit the table is the same to a batch, whatever is wrong with it", parity + "tier3/error-messages/batchWriteItem.test.ts", func(f *fixture) {
		for request, message := range map[string]string{
			`{"PutRequest":{"Item":{"ForumName":{"S":"f"}}}}`:                                       mismatchMessage,
			`{"PutRequest":{"Item":{"ForumName":{"S":"f"},"Subject":{"N":"1"}}}}`:                   mismatchMessage,
			`{"DeleteRequest":{"Key":{"ForumName":{"S":"f"}}}}`:                                     mismatchMessage,
			`{"PutRequest":{"Item":` + thread(`{"S":""}`, `{"S":"s"}`) + `}}`:                       emptyKeyMessage,
			`{"DeleteRequest":{"Key":` + thread(`{"S":""}`, `{"S":"s"}`) + `}}`:                     emptyKeyMessage,
			`{"PutRequest":{"Item":{"ForumName":{"S":"f"},"Subject":{"S":"s"},"Views":{"S":"1"}}}}`: "One or more parameter values were invalid: Type mismatch for Index Key Views Expected: N Actual: S IndexName: ByViews",
		} {
			f.refused("BatchWriteItem", `{"RequestItems":{"Thread":[`+request+`]}}`, codeValidation, message)
		}
	}},
	{"an update that empties an index key has a message of its own", parity + "tier3/error-messages/indexKeyValues.test.ts", func(f *fixture) {
		const message = "One or more parameter values are not valid. The update expression attempted to update a secondary index key to a value that is not supported. " +
			"The AttributeValue for a key attribute cannot contain an empty string value."
		f.must("PutItem", `{"TableName":"Thread","Item":{"ForumName":{"S":"f"},"Subject":{"S":"s"},"Blank":{"S":""}}}`)
		key := `"TableName":"Thread","Key":` + thread(`{"S":"f"}`, `{"S":"s"}`)
		literal := `{` + key + `,"UpdateExpression":"SET LastPostedBy = :v","ExpressionAttributeValues":{":v":{"S":""}}}`
		f.refused("UpdateItem", literal, codeValidation, message)
		f.refused("TransactWriteItems", transactions(`{"Update":`+literal+`}`), codeValidation, message)
		f.refused("UpdateItem", `{`+key+`,"UpdateExpression":"SET LastPostedBy = Blank"}`, codeValidation, message)
	}},
	{"nesting goes 32 levels deep, of which the attribute is the first", parity + "tier3/limits/nestingDepth.test.ts", func(f *fixture) {
		const tooDeep = "Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond supported limit"
		deep := func(maps int) string {
			return strings.Repeat(`{"M":{"n":`, maps) + `{"S":"leaf"}` + strings.Repeat(`}}`, maps)
		}
		put := func(maps int) string {
			return `{"TableName":"ProductCatalog","Item":{"Id":{"N":"1"},"A":` + deep(maps) + `}}`
		}
		f.must("PutItem", put(31))
		f.refused("PutItem", put(32), codeValidation, tooDeep)
		f.refused("BatchWriteItem", `{"RequestItems":{"ProductCatalog":[{"PutRequest":{"Item":{"Id":{"N":"1"},"A":`+deep(32)+`}}}]}}`, codeValidation, tooDeep)
		f.refused("TransactWriteItems", transactions(`{"Put":`+put(32)+`}`), codeValidation, tooDeep)
	}},
	{"an update cannot nest deeper either", reference + "API_TransactWriteItems.html#API_TransactWriteItems_Errors", func(f *fixture) {
		f.must("PutItem", `{"TableName":"ProductCatalog","Item":{"Id":{"N":"1"},"A":`+strings.Repeat(`{"M":{"n":`, 31)+`{"S":"leaf"}`+strings.Repeat(`}}`, 31)+`}}`)
		path := "A" + strings.Repeat(".n", 31)
		update := `{"TableName":"ProductCatalog","Key":{"Id":{"N":"1"}},"UpdateExpression":"SET ` + path + ` = :v","ExpressionAttributeValues":{":v":`
		f.must("UpdateItem", update+`{"M":{}}}}`)
		_, err := f.call("UpdateItem", update+`{"M":{"n":{"S":"leaf"}}}}}`)
		require.NotNil(f, err)
		require.Contains(f, err.Message, "Nesting Levels have exceeded supported limits")
		f.must("GetItem", `{"TableName":"ProductCatalog","Key":{"Id":{"N":"1"}},"ProjectionExpression":"A"}`)
	}},
	{"a number's digits before and behind the point are counted apart", parity + "tier3/limits/numberByteSize.test.ts", func(f *fixture) {
		for number, size := range map[string]int{
			"0": 1, "1": 2, "12": 2, "123": 3, "1234": 3, "12345678901234567890123456789012345678": 20, "0042": 2, "100": 2, "1010": 3, "0.0000001": 2, "1E125": 2,
			"1E-100": 2, "1.5": 3, "15": 2, "1.2": 3, "1.200": 3, "1.234": 4, "3.14159": 5, "123456": 4, "100.5": 4, "0.15": 2, "-42": 3, "-0": 1,
		} {
			v, err := decodeValue(json.RawMessage(`{"N":"` + number + `"}`))
			require.NoError(f, err)
			require.Equal(f, size, v.size(), number)
		}
	}},
	{"key conditions may have more parentheses than they need, other conditions not", parity + "tier1/query/keyConditionParens.test.ts", func(f *fixture) {
		f.putThread(`,"A":{"N":"1"}`)
		const values = `,"ExpressionAttributeValues":{":f":{"S":"f"},":s":{"S":"s"}}}`
		require.Equal(f, 1, f.page("Query", `{"TableName":"Thread","KeyConditionExpression":"((ForumName = :f)) AND ((Subject = :s))"`+values).Count)
		f.refused("Scan", `{"TableName":"Thread","FilterExpression":"((ForumName = :f)) AND Subject = :s"`+values, codeValidation,
			"Invalid FilterExpression: The expression has redundant parentheses;")
	}},
	{"operands of key conditions", parity + "tier3/error-messages/queryKeyConditionOperands.test.ts", func(f *fixture) {
		const schema = "One or more parameter values were invalid: Condition parameter type does not match schema type"
		operand := func(operator, kind string) string {
			return "Invalid KeyConditionExpression: Incorrect operand type for operator or function; operator or function: " + operator + ", operand type: " + kind
		}
		for _, c := range []struct{ condition, values, message string }{
			{"begins_with(#v, :v)", `":v":{"N":"1"}`, operand("begins_with", "N")},
			{"begins_with(#v, :v)", `":v":{"S":"a"}`, schema},
			{"#v < :v", `":v":{"BOOL":true}`, operand("<", "BOOL")},
			{":v >= #v", `":v":{"BOOL":true}`, operand(">=", "BOOL")},
			{"#v BETWEEN :v AND :w", `":v":{"BOOL":false},":w":{"BOOL":true}`, operand("BETWEEN", "BOOL")},
			{"#v = :v", `":v":{"BOOL":true}`, schema},
			{"#v > :v AND #v < :w", `":v":{"N":"1"},":w":{"N":"5"}`, "Invalid KeyConditionExpression: KeyConditionExpressions must only contain one condition per key"},
			{"#v > :v AND extra = :w", `":v":{"N":"1"},":w":{"N":"5"}`, "The number of query conditions (3) exceeds the number of key attributes defined in the schema (2)"},
		} {
			f.refused("Query", `{"TableName":"Thread","IndexName":"ByViews","KeyConditionExpression":`+quote("ForumName = :f AND "+c.condition)+`,"ExpressionAttributeNames":{"#v":"Views"},"ExpressionAttributeValues":{":f":{"S":"f"},`+c.values+`}}`,
				codeValidation, c.message)
		}
	}},
	{"a key condition is read before its table is looked for", parity + "tier3/validation-ordering/queryKeyCondition.test.ts", func(f *fixture) {
		query := `{"TableName":"Nowhere","KeyConditionExpression":"p = :p AND begins_with(s, :s)","ExpressionAttributeValues":{":p":{"S":"q"},":s":`
		f.refused("Query", query+`{"N":"1"}}}`, codeValidation,
			"Invalid KeyConditionExpression: Incorrect operand type for operator or function; operator or function: begins_with, operand type: N")
		f.refused("Query", query+`{"S":"a"}}}`, codeResourceNotFound, "Requested resource not found")
	}},
	{"names and values want an expression that can use them", motoTests + "exceptions/test_dynamodb_exceptions.py", func(f *fixture) {
		f.refused("GetItem", `{`+bicycleKey+`,"ExpressionAttributeNames":{}}`, codeValidation, "ExpressionAttributeNames can only be specified when using expressions")
		f.refused("GetItem", `{`+bicycleKey+`,"ProjectionExpression":"Id","ExpressionAttributeNames":{}}`, codeValidation, "ExpressionAttributeNames must not be empty")
	}},
	{"strings that are none", motoTests + "exceptions/test_dynamodb_exceptions.py", func(f *fixture) {
		for value, message := range map[string]string{
			`{"N":5}`: "NUMBER_VALUE cannot be converted to String", `{"S":123}`: "NUMBER_VALUE cannot be converted to String",
			`{"S":{"S":"asdf"}}`: "Start of structure or map found where not expected",
		} {
			f.refused("PutItem", `{"TableName":"ProductCatalog","Item":{"Id":{"N":"1"},"A":`+value+`}}`, codeSerialization, message)
		}
	}},
	{"tables that are refused", parity + "tier3/error-messages/createTable.test.ts", func(f *fixture) {
		const definitions = `"AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"}]`
		for body, message := range map[string]string{
			definitions + `,"KeySchema":[{"AttributeName":"pk","KeyType":"HASH"}]`: "The parameter 'TableName' is required but was not present in the request",
			`"TableName":"ab",` + definitions + `,"KeySchema":[{"AttributeName":"pk","KeyType":"HASH"}]`: "1 validation error detected: Value 'ab' at 'tableName' failed to satisfy constraint: " +
				"Member must have length greater than or equal to 3",
			`"TableName":"abc",` + definitions + `,"KeySchema":[{"AttributeName":"pk","KeyType":"HASH"},{"AttributeName":"pk","KeyType":"RANGE"}]`: "Invalid KeySchema: Some index key attribute have no definition",
			`"TableName":"abc",` + definitions + `,"KeySchema":[{"AttributeName":"pk","KeyType":"HASH"},{"AttributeName":"sk","KeyType":"RANGE"},{"AttributeName":"extra","KeyType":"RANGE"}]`: "1 validation error detected: " +
				"Value '[KeySchemaElement(attributeName=pk, keyType=HASH), KeySchemaElement(attributeName=sk, keyType=RANGE), KeySchemaElement(attributeName=extra, keyType=RANGE)]' " +
				"at 'keySchema' failed to satisfy constraint: Member must have length less than or equal to 2",
			`"TableName":"abc",` + definitions + `,"KeySchema":[{"AttributeName":"pk","KeyType":"INVALID"}]`: "1 validation error detected: Value 'INVALID' at 'keySchema.1.member.keyType' " +
				"failed to satisfy constraint: Member must satisfy enum value set: [HASH, RANGE]",
			`"TableName":"abc","AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"INVALID"}],"KeySchema":[{"AttributeName":"pk","KeyType":"HASH"}]`: "1 validation error detected: " +
				"Value 'INVALID' at 'attributeDefinitions.1.member.attributeType' failed to satisfy constraint: Member must satisfy enum value set: [B, N, S]",
		} {
			f.refused("CreateTable", `{"BillingMode":"PAY_PER_REQUEST",`+body+`}`, codeValidation, message)
		}
	}},
	{"attributes of a table are defined once and are all of keys", motoTests + "exceptions/test_dynamodb_exceptions.py", func(f *fixture) {
		const index = `,"GlobalSecondaryIndexes":[{"IndexName":"gsi_user-items","KeySchema":[{"AttributeName":"user","KeyType":"HASH"}],"Projection":{"ProjectionType":"ALL"}}]`
		const invalid = "One or more parameter values were invalid: "
		for _, c := range []struct{ attributes, key, index, message string }{
			{"id created_at", "id", "", invalid + "Number of attributes in KeySchema does not exactly match number of attributes defined in AttributeDefinitions"},
			{"id user created_at", "id", index, invalid + "Some AttributeDefinitions are not used. AttributeDefinitions: [created_at, id, user], keys used: [id, user]"},
			{"id", "id", index, invalid + "Some index key attributes are not defined in AttributeDefinitions. Keys: [user], AttributeDefinitions: [id]"},
			{"id created_at", "id", index, invalid + "Some index key attributes are not defined in AttributeDefinitions. Keys: [user], AttributeDefinitions: [created_at, id]"},
			{"created_at", "id", "", invalid + "Some index key attributes are not defined in AttributeDefinitions. Keys: [id], AttributeDefinitions: [created_at]"},
			{"id", "id", `,"GlobalSecondaryIndexes":[]`, invalid + "List of GlobalSecondaryIndexes is empty"},
		} {
			var definitions []string
			for _, name := range strings.Fields(c.attributes) {
				definitions = append(definitions, `{"AttributeName":"`+name+`","AttributeType":"S"}`)
			}
			f.refused("CreateTable", `{"TableName":"test-table","BillingMode":"PAY_PER_REQUEST","AttributeDefinitions":[`+strings.Join(definitions, ",")+`],
				"KeySchema":[{"AttributeName":"`+c.key+`","KeyType":"HASH"}]`+c.index+`}`, codeValidation, c.message)
		}
	}},
	{"a disabled stream has no view", "https://github.com/nubo-db/dynoxide/issues/115", func(f *fixture) {
		f.refused("CreateTable", createMusic+`,"StreamSpecification":{"StreamEnabled":false,"StreamViewType":"NEW_AND_OLD_IMAGES"}}`, codeValidation,
			"One or more parameter values were invalid: Table is being created with a stream disabled, UpdateViewType should not be specified")
		f.must("CreateTable", createMusic+`,"StreamSpecification":{"StreamEnabled":false}}`)
	}},
	{"an index has no throughput of its own where the table pays per request", "https://github.com/architect/dynalite/blob/main/validations/createTable.js", func(f *fixture) {
		f.refused("CreateTable", createMusic+`,"GlobalSecondaryIndexes":[{"IndexName":"ByA","KeySchema":[{"AttributeName":"A","KeyType":"HASH"}],"Projection":{"ProjectionType":"ALL"},
			"ProvisionedThroughput":{"ReadCapacityUnits":1,"WriteCapacityUnits":1}}]}`, codeValidation,
			"One or more parameter values were invalid: ProvisionedThroughput should not be specified for index: ByA when BillingMode is PAY_PER_REQUEST")
	}},
	{"iterators and descriptions that are refused", "https://github.com/scylladb/scylladb/blob/master/test/alternator/test_streams.py", func(f *fixture) {
		const nonsense = "sdfadsfsdfsdgdfsgsfdabadfbabdadsfsdfsdfsdfsdfsdfsdfdfdssdffbdfdf"
		iterator := func(arn, shard, rest string) string {
			return `{"StreamArn":"` + arn + `","ShardId":"` + shard + `","ShardIteratorType":` + rest + `}`
		}
		start := `","SequenceNumber":"` + f.stream.Latest() + `"`
		for body, code := range map[string]string{
			iterator(f.stream.ARN(), shardID, `"AT_SEQUENCE_NUMBER"`):                              codeValidation,
			iterator(f.stream.ARN(), shardID, `"AFTER_SEQUENCE_NUMBER"`):                           codeValidation,
			iterator(f.stream.ARN(), shardID, `"TRIM_HORIZON`+start):                               codeValidation,
			iterator(f.stream.ARN(), shardID, `"LATEST`+start):                                     codeValidation,
			iterator(f.stream.ARN(), shardID, `"bulle`+start):                                      codeValidation,
			iterator(nonsense, shardID, `"LATEST"`):                                                codeValidation,
			iterator(f.stream.ARN(), "semprinidfaasdasfsdvacsdcfsdsvsdvsdvsdvsdvsdv", `"LATEST"`):  codeResourceNotFound,
			iterator(strings.Replace(f.stream.ARN(), "Thread", "Nowhere", 1), shardID, `"LATEST"`): codeResourceNotFound,
		} {
			_, err := f.call("GetShardIterator", body)
			require.NotNil(f, err, body)
			require.Equal(f, code, err.Code, body)
		}
		_, err := f.call("DescribeStream", `{"StreamArn":"`+nonsense+`"}`)
		require.Equal(f, codeValidation, err.Code)
		_, err = f.call("GetRecords", `{"ShardIterator":"`+nonsense+`"}`)
		require.Equal(f, codeValidation, err.Code)
	}},
	{"shards come after the one a description starts with", "https://github.com/scylladb/scylladb/blob/master/test/alternator/test_streams.py", func(f *fixture) {
		shards := func(rest string) int {
			var out describeStreamOutput
			require.NoError(f, json.Unmarshal([]byte(f.must("DescribeStream", `{"StreamArn":"`+f.stream.ARN()+`"`+rest+`}`)), &out))
			return len(out.StreamDescription.Shards)
		}
		require.Equal(f, 1, shards(""))
		require.Equal(f, 1, shards(`,"ExclusiveStartShardId":"shardId-00000000000000000000-00000000"`))
		require.Equal(f, 0, shards(`,"ExclusiveStartShardId":"`+shardID+`"`))
		require.Equal(f, 0, shards(`,"ExclusiveStartShardId":"zzzzzzzzzzzzzzzzzzzzzzzzsfasdgagadfadfgagkjsdfsfsdjfjks"`))
		require.Equal(f, 0, shards(`,"ShardFilter":{"Type":"CHILD_SHARDS","ShardId":"`+shardID+`"}`), "this one has no children")
	}},
	{"records of a stream: names, sizes, images", localStack + " (test_batch_write_items_streaming)", func(f *fixture) {
		f.must("CreateTable", `{"TableName":"Names","BillingMode":"PAY_PER_REQUEST","AttributeDefinitions":[{"AttributeName":"id","AttributeType":"S"}],
			"KeySchema":[{"AttributeName":"id","KeyType":"HASH"}],"StreamSpecification":{"StreamEnabled":true,"StreamViewType":"NEW_AND_OLD_IMAGES"}}`)
		f.must("PutItem", `{"TableName":"Names","Item":{"id":{"S":"Fred"}}}`)
		f.must("PutItem", `{"TableName":"Names","Item":{"id":{"S":"NewKey"}}}`)
		f.must("BatchWriteItem", `{"RequestItems":{"Names":[{"DeleteRequest":{"Key":{"id":{"S":"NewKey"}}}}]}}`)
		f.must("BatchWriteItem", `{"RequestItems":{"Names":[{"PutRequest":{"Item":{"id":{"S":"Fred"},"name":{"S":"Fred"}}}}]}}`)
		var list listStreamsOutput
		require.NoError(f, json.Unmarshal([]byte(f.must("ListStreams", `{"TableName":"Names"}`)), &list))
		require.Len(f, list.Streams, 1)
		var at getShardIteratorOutput
		require.NoError(f, json.Unmarshal([]byte(f.must("GetShardIterator", `{"StreamArn":"`+list.Streams[0].StreamArn+`","ShardId":"`+shardID+`","ShardIteratorType":"TRIM_HORIZON"}`)), &at))
		var out getRecordsOutput
		require.NoError(f, json.Unmarshal([]byte(f.must("GetRecords", `{"ShardIterator":"`+at.ShardIterator+`"}`)), &out))
		require.Len(f, out.Records, 4)
		for i, want := range []string{
			`{"eventName":"INSERT","dynamodb":{"Keys":{"id":{"S":"Fred"}},"NewImage":{"id":{"S":"Fred"}},"SizeBytes":12`,
			`{"eventName":"INSERT","dynamodb":{"Keys":{"id":{"S":"NewKey"}},"NewImage":{"id":{"S":"NewKey"}},"SizeBytes":16`,
			`{"eventName":"REMOVE","dynamodb":{"Keys":{"id":{"S":"NewKey"}},"OldImage":{"id":{"S":"NewKey"}},"SizeBytes":16`,
			`{"eventName":"MODIFY","dynamodb":{"Keys":{"id":{"S":"Fred"}},"NewImage":{"id":{"S":"Fred"},"name":{"S":"Fred"}},"OldImage":{"id":{"S":"Fred"}},"SizeBytes":26`,
		} {
			var record map[string]any
			require.NoError(f, json.Unmarshal(out.Records[i], &record))
			require.NotEmpty(f, record["eventID"])
			delete(record, "eventID")
			change := record["dynamodb"].(map[string]any)
			require.NotEmpty(f, change["SequenceNumber"])
			delete(change, "SequenceNumber")
			require.EqualValues(f, testStart.Unix(), change["ApproximateCreationDateTime"])
			delete(change, "ApproximateCreationDateTime")
			text, err := json.Marshal(record)
			require.NoError(f, err)
			require.JSONEq(f, want+`,"StreamViewType":"NEW_AND_OLD_IMAGES"},"awsRegion":"us-east-1","eventSource":"aws:dynamodb","eventVersion":"1.1"}`, string(text))
		}
	}},
	{"exponents far out, and zero with one", parity + "tier3/limits/numberExponent.test.ts", func(f *fixture) {
		const overflow = "Number overflow. Attempting to store a number with magnitude larger than supported range"
		const underflow = "Number underflow. Attempting to store a number with magnitude smaller than supported range"
		put := func(n string) string {
			return `{"TableName":"ProductCatalog","Item":{"Id":{"N":"1"},"A":{"N":"` + n + `"}}}`
		}
		for n, message := range map[string]string{
			"1e99999999999": overflow, "1e-99999999999": underflow, "1e2147483648": overflow, "0e126": overflow, "0e-131": underflow,
			"1e9223372036854775808": "The parameter cannot be converted to a numeric value: 1e9223372036854775808",
		} {
			f.refused("PutItem", put(n), codeValidation, message)
		}
		f.must("PutItem", put("0e125"))
		require.JSONEq(f, `{"Item":{"A":{"N":"0"}}}`, f.must("GetItem", `{"TableName":"ProductCatalog","Key":{"Id":{"N":"1"}},"ProjectionExpression":"A"}`))
		f.must("PutItem", put("1.5e-130"))
		require.JSONEq(f, `{"Attributes":{"A":{"N":"0"}}}`, f.must("UpdateItem", `{"TableName":"ProductCatalog","Key":{"Id":{"N":"1"}},"UpdateExpression":"SET A = A - A","ReturnValues":"UPDATED_NEW"}`))
	}},
	{"lengths of batches", parity + "tier3/error-messages/batchWriteItem.test.ts", func(f *fixture) {
		const detected = "1 validation error detected: Value "
		f.refused("BatchWriteItem", `{"RequestItems":{}}`, codeValidation, detected+"at 'RequestItems' failed to satisfy constraint: Member must have length greater than or equal to 1")
		f.refused("BatchWriteItem", `{"RequestItems":{"Thread":[]}}`, codeValidation, detected+"'{Thread=[]}' at 'requestItems' failed to satisfy constraint: "+
			"Map value must satisfy constraint: [Member must have length less than or equal to 25, Member must have length greater than or equal to 1]")
		f.refused("BatchGetItem", `{"RequestItems":{"Thread":{"Keys":[]}}}`, codeValidation,
			detected+"at 'RequestItems.Thread.member.Keys' failed to satisfy constraint: Member must have length greater than or equal to 1")
	}},
}
