package dynamodb

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// oracleCall is a call that the independent implementation answers too, dynalite, whose own tests run against AWS.
type oracleCall struct {
	Operation string          `json:"operation"`
	Body      json.RawMessage `json:"body"`
}

type oracleAnswer struct {
	Status int             `json:"status"`
	Body   json.RawMessage `json:"body"`
}

// ask has calls answered by the independent implementation; the test is skipped where Node or the package is not installed.
func ask(t *testing.T, calls []oracleCall) []oracleAnswer {
	t.Helper()
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("Node is not installed: it runs what to compare with")
	}
	stdin, err := json.Marshal(calls)
	require.NoError(t, err)
	command := exec.Command(node, "testdata/oracle.cjs")
	command.Stdin = bytes.NewReader(stdin)
	var stderr bytes.Buffer
	command.Stderr = &stderr
	stdout, err := command.Output()
	if strings.Contains(stderr.String(), "Cannot find module 'dynalite'") {
		t.Skip("the npm package dynalite is not installed: npm ci --prefix test/node, and NODE_PATH=test/node/node_modules")
	}
	require.NoError(t, err, stderr.String())
	var answers []oracleAnswer
	require.NoError(t, json.Unmarshal(stdout, &answers))
	require.Len(t, answers, len(calls))
	return answers
}

// plain writes an answer so that equal ones have equal text: members in order, sets and the items of a page sorted.
func plain(t *testing.T, answer []byte) string {
	t.Helper()
	var v any
	require.NoError(t, json.Unmarshal(answer, &v))
	text, err := json.Marshal(sortSets(v))
	require.NoError(t, err)
	return string(text)
}

func sortSets(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k, member := range v {
			v[k] = sortSets(member)
			if list, ok := v[k].([]any); ok && (k == "SS" || k == "NS" || k == "BS" || k == "Items") {
				v[k] = sortedTexts(list)
			}
		}
	case []any:
		for i := range v {
			v[i] = sortSets(v[i])
		}
	}
	return v
}

// answer is what this service says to a call, in the form of the other's.
func (f *fixture) answer(c oracleCall) string {
	f.Helper()
	text, err := f.call(c.Operation, string(c.Body))
	if err != nil {
		return err.Code + ": " + err.Message
	}
	return plain(f.T, []byte(text))
}

func (a oracleAnswer) text(t *testing.T) string {
	t.Helper()
	if a.Status == 200 {
		return plain(t, a.Body)
	}
	var e struct {
		Type    string `json:"__type"`
		Message string `json:"message"`
		Upper   string `json:"Message"`
	}
	require.NoError(t, json.Unmarshal(a.Body, &e))
	_, code, _ := strings.Cut(e.Type, "#")
	return code + ": " + e.Message + e.Upper
}

// expressions makes expressions of DynamoDB, with exactly the placeholders that each uses.
type expressions struct {
	*rand.Rand
	names  map[string]string
	values map[string]json.RawMessage
}

func newExpressions(seed uint64) *expressions {
	return &expressions{Rand: rand.New(rand.NewPCG(seed, 5))}
}

func (g *expressions) begin() {
	g.names, g.values = map[string]string{}, map[string]json.RawMessage{}
}

func pick[T any](g *expressions, from ...T) T { return from[g.IntN(len(from))] }

// oracleValues are of every type, some alike and some equal in another notation.
var oracleValues = []string{
	`{"S":"a"}`, `{"S":"abc"}`, `{"S":"b"}`, `{"S":""}`, `{"N":"1"}`, `{"N":"2.50"}`, `{"N":"-3"}`, `{"N":"1e2"}`, `{"N":"0"}`, `{"B":"YWJj"}`, `{"B":"YQ=="}`, `{"BOOL":true}`,
	`{"BOOL":false}`, `{"NULL":true}`, `{"SS":["a","b"]}`, `{"SS":["b","a"]}`, `{"SS":["abc"]}`, `{"NS":["1","2.5"]}`, `{"NS":["2.50"]}`, `{"BS":["YQ==","Yg=="]}`,
	`{"L":[{"S":"a"},{"N":"1"}]}`, `{"L":[]}`, `{"L":[{"N":"1"}]}`, `{"M":{}}`, `{"M":{"x":{"N":"1"}}}`, `{"M":{"x":{"S":"abc"},"y":{"L":[{"N":"2.5"}]}}}`,
}

func (g *expressions) path() string {
	text := pick(g, "a", "b", "c", "d", "m", "l", "missing")
	if g.IntN(6) == 0 {
		g.names["#n"] = pick(g, "a", "m", "size", "a.b")
		text = "#n"
	}
	for g.IntN(3) == 0 {
		text += pick(g, ".x", ".y", "[0]", "[1]")
	}
	return text
}

func (g *expressions) value() string {
	name := fmt.Sprintf(":v%d", len(g.values))
	g.values[name] = json.RawMessage(pick(g, oracleValues...))
	return name
}

func (g *expressions) operand() string {
	switch g.IntN(8) {
	case 0:
		return "size(" + g.path() + ")"
	case 1, 2, 3:
		return g.value()
	}
	return g.path()
}

func (g *expressions) condition(depth int) string {
	if depth > 0 {
		switch g.IntN(5) {
		case 0:
			return g.condition(depth-1) + " AND " + g.condition(depth-1)
		case 1:
			return g.condition(depth-1) + " OR " + g.condition(depth-1)
		case 2:
			return "NOT " + g.condition(depth-1)
		case 3:
			return "(" + g.condition(depth-1) + ")"
		}
	}
	switch g.IntN(9) {
	case 0:
		return "attribute_exists(" + g.path() + ")"
	case 1:
		return "attribute_not_exists(" + g.path() + ")"
	case 2:
		name := fmt.Sprintf(":v%d", len(g.values))
		g.values[name] = json.RawMessage(`{"S":"` + pick(g, "S", "N", "B", "BOOL", "NULL", "SS", "NS", "BS", "L", "M") + `"}`)
		return "attribute_type(" + g.path() + ", " + name + ")"
	case 3:
		return "begins_with(" + g.path() + ", " + g.operand() + ")"
	case 4:
		return "contains(" + g.operand() + ", " + g.operand() + ")"
	case 5:
		return g.operand() + " BETWEEN " + g.operand() + " AND " + g.operand()
	case 6:
		return g.operand() + " IN (" + g.operand() + ", " + g.operand() + ")"
	}
	return g.operand() + " " + pick(g, "=", "<>", "<", "<=", ">", ">=") + " " + g.operand()
}

// item is an item of the table, with attributes of any type.
func (g *expressions) item(id int) json.RawMessage {
	item := map[string]json.RawMessage{"Id": json.RawMessage(fmt.Sprintf(`{"N":"%d"}`, id))}
	for _, name := range []string{"a", "b", "c", "d", "size", "a.b"} {
		if g.IntN(6) > 0 {
			item[name] = json.RawMessage(pick(g, oracleValues...))
		}
	}
	item["m"] = json.RawMessage(fmt.Sprintf(`{"M":{"x":%s,"y":%s}}`, pick(g, oracleValues...), pick(g, oracleValues...)))
	item["l"] = json.RawMessage(fmt.Sprintf(`{"L":[%s,%s,%s]}`, pick(g, oracleValues...), pick(g, oracleValues...), pick(g, oracleValues...)))
	return encodeJSON(item)
}

func encodeJSON(v any) json.RawMessage {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return text
}

// call makes a call with the placeholders of the expression just made.
func (g *expressions) call(operation string, members map[string]any) oracleCall {
	members["TableName"] = "ProductCatalog"
	if len(g.names) > 0 {
		members["ExpressionAttributeNames"] = g.names
	}
	if len(g.values) > 0 {
		members["ExpressionAttributeValues"] = g.values
	}
	g.begin()
	return oracleCall{operation, encodeJSON(members)}
}

// oracleTable makes the table both have.
var oracleTable = []oracleCall{
	{"CreateTable", json.RawMessage(`{"TableName":"ProductCatalog","BillingMode":"PAY_PER_REQUEST","AttributeDefinitions":[{"AttributeName":"Id","AttributeType":"N"}],"KeySchema":[{"AttributeName":"Id","KeyType":"HASH"}]}`)},
	{"DescribeTable", json.RawMessage(`{"TableName":"ProductCatalog"}`)},
}

// compare has calls answered by both and compares from the first one on.
func compare(t *testing.T, calls []oracleCall, known func(c oracleCall, ours, theirs string) bool) {
	t.Helper()
	f := newFixture(t)
	answers := ask(t, append(oracleTable[:len(oracleTable):len(oracleTable)], calls...))[len(oracleTable):]
	different := 0
	for i, c := range calls {
		ours, theirs := f.answer(c), answers[i].text(t)
		if ours == theirs || known(c, ours, theirs) {
			continue
		}
		if different++; different <= 12 {
			t.Errorf("%s %s\n  here:  %s\n  there: %s", c.Operation, c.Body, ours, theirs)
		}
	}
	require.Zero(t, different, "answers differ, of %d", len(calls))
}

// Filters on an empty table: what is accepted, and how the rest is refused.
func TestGeneratedExpressionsAreAcceptedAsByAnIndependentImplementation(t *testing.T) {
	g := newExpressions(1)
	g.begin()
	var calls []oracleCall
	for range 400 {
		filter := g.condition(2)
		if g.IntN(3) == 0 {
			filter = g.damaged(filter)
		}
		calls = append(calls, g.call("Scan", map[string]any{"FilterExpression": filter}))
	}
	compare(t, calls, func(c oracleCall, ours, theirs string) bool {
		// Both name what a syntax error is near to, in words of their parsers' own.
		return strings.Contains(ours, ": Syntax error; ") && strings.Contains(theirs, ": Syntax error; ") ||
			// The other one lets ordered comparisons of values without an order pass, and looks at the bounds of BETWEEN in another order.
			regexp.MustCompile(`operator or function: (<|<=|>|>=|BETWEEN), operand type: (BOOL|NULL|SS|NS|BS|L|M)$`).MatchString(ours) ||
			// "condition ::= NOT condition" (Expressions.OperatorsAndFunctions.html): the other one wants parentheses before a second NOT.
			regexp.MustCompile(`(?i)NOT +NOT`).Match(c.Body)
	})
}

// typedCondition is a condition the other implementation can judge: it fails on operands that are not there or of another type than
// the operator's.
func (g *expressions) typedCondition(depth int) string {
	if depth > 0 {
		switch g.IntN(4) {
		case 0:
			return g.typedCondition(depth-1) + " AND " + g.typedCondition(depth-1)
		case 1:
			return g.typedCondition(depth-1) + " OR " + g.typedCondition(depth-1)
		case 2:
			return "NOT (" + g.typedCondition(depth-1) + ")"
		}
	}
	literal := func(from ...string) string {
		name := fmt.Sprintf(":v%d", len(g.values))
		g.values[name] = json.RawMessage(pick(g, from...))
		return name
	}
	texts := []string{`{"S":"a"}`, `{"S":"ab"}`, `{"S":"b"}`, `{"S":"B"}`, `{"S":"\u00e9"}`, `{"S":"10"}`}
	numbers := []string{`{"N":"1"}`, `{"N":"-1.50"}`, `{"N":"10"}`, `{"N":"9"}`, `{"N":"1e-3"}`}
	path, of := pick(g, "s", "m.s", "l[0]"), texts
	if g.IntN(2) == 0 {
		path, of = pick(g, "n", "m.n", "l[1]"), numbers
	}
	switch g.IntN(9) {
	case 0:
		return pick(g, "attribute_exists(", "attribute_not_exists(") + pick(g, path, "maybe", "m.maybe", "l[7]") + ")"
	case 1:
		return "attribute_type(" + pick(g, "s", "n", "m", "l", "ss", "ns", "maybe") + ", " + literal(`{"S":"S"}`, `{"S":"N"}`, `{"S":"M"}`, `{"S":"L"}`, `{"S":"SS"}`, `{"S":"NS"}`) + ")"
	case 2:
		return "begins_with(" + pick(g, "s", "m.s", "l[0]") + ", " + literal(texts...) + ")"
	case 3:
		return "contains(" + pick(g, "s", "ss", "l", "m.s") + ", " + literal(texts...) + ")"
	case 4:
		return "contains(" + pick(g, "ns", "l") + ", " + literal(`{"N":"1"}`, `{"N":"10"}`, `{"N":"9"}`) + ")"
	case 5:
		return path + " IN (" + literal(of...) + ", " + literal(of...) + ", " + pick(g, "s", "n") + ")"
	case 6:
		low, high := `{"S":"a"}`, pick(g, `{"S":"a"}`, `{"S":"b"}`)
		if of[0] == numbers[0] {
			low, high = pick(g, `{"N":"-1.5"}`, `{"N":"1"}`), pick(g, `{"N":"9"}`, `{"N":"10.0"}`)
		}
		return path + " BETWEEN " + literal(low) + " AND " + literal(high)
	case 7:
		return "size(" + pick(g, "s", "l", "ss", "m") + ") " + pick(g, "=", "<>", "<", "<=", ">", ">=") + " " + literal(`{"N":"1"}`, `{"N":"2"}`, `{"N":"3"}`)
	}
	return path + " " + pick(g, "=", "<>", "<", "<=", ">", ">=") + " " + literal(of...)
}

// typedItem has everywhere what typedCondition expects there.
func (g *expressions) typedItem(id int) json.RawMessage {
	s := func() string { return pick(g, `{"S":"a"}`, `{"S":"abc"}`, `{"S":"b"}`, `{"S":"B"}`, `{"S":"~"}`) }
	n := func() string { return pick(g, `{"N":"1"}`, `{"N":"-1.5"}`, `{"N":"10"}`, `{"N":"9"}`, `{"N":"0.001"}`) }
	maybe := ""
	if g.IntN(2) == 0 {
		maybe = `,"maybe":` + s()
	}
	return json.RawMessage(fmt.Sprintf(`{"Id":{"N":"%d"},"s":%s,"n":%s,"m":{"M":{"s":%s,"n":%s%s}},"l":{"L":[%s,%s]},"ss":{"SS":%s},"ns":{"NS":%s}%s}`,
		id, s(), n(), s(), n(), maybe, s(), n(), pick(g, `["a"]`, `["a","b"]`, `["ab","B"]`), pick(g, `["1"]`, `["10","9"]`, `["1","9","10"]`), maybe))
}

func TestGeneratedFiltersChooseWhatAnIndependentImplementationChooses(t *testing.T) {
	g := newExpressions(2)
	g.begin()
	var calls []oracleCall
	for i := range 25 {
		calls = append(calls, g.call("PutItem", map[string]any{"Item": g.typedItem(i)}))
	}
	for range 200 {
		calls = append(calls, g.call("Scan", map[string]any{"FilterExpression": g.typedCondition(2), "ProjectionExpression": "Id"}))
	}
	compare(t, calls, func(oracleCall, string, string) bool { return false })
}

// update is an UpdateExpression on typedItem.
func (g *expressions) update() string {
	literal := func(from ...string) string {
		name := fmt.Sprintf(":v%d", len(g.values))
		g.values[name] = json.RawMessage(pick(g, from...))
		return name
	}
	path := func() string {
		return pick(g, "s", "n", "m", "m.s", "m.n", "l[0]", "l[1]", "l[5]", "new", "m.new", "maybe", "none.x")
	}
	number := func() string {
		return pick(g, "n", "m.n", "l[1]", literal(`{"N":"1"}`, `{"N":"0.1"}`, `{"N":"-7e3"}`))
	}
	clauses := map[string][]string{}
	for range 1 + g.IntN(3) {
		switch g.IntN(9) {
		case 0:
			clauses["SET"] = append(clauses["SET"], path()+" = "+literal(oracleValues...))
		case 1:
			clauses["SET"] = append(clauses["SET"], path()+" = "+number()+pick(g, " + ", " - ")+number())
		case 2:
			clauses["SET"] = append(clauses["SET"], path()+" = if_not_exists("+pick(g, "maybe", "m.maybe", "s")+", "+literal(oracleValues...)+")")
		case 3:
			clauses["SET"] = append(clauses["SET"], path()+" = list_append("+pick(g, "l", "maybe", "if_not_exists(maybe, l)")+", "+literal(`{"L":[{"N":"1"}]}`, `{"L":[]}`, `{"S":"a"}`)+")")
		case 4:
			clauses["SET"] = append(clauses["SET"], path()+" = "+pick(g, "s", "l[0]", "l[5]", "m.n", "maybe", "none.x"))
		case 5:
			clauses["REMOVE"] = append(clauses["REMOVE"], path())
		case 6:
			clauses["ADD"] = append(clauses["ADD"], pick(g, "n", "new", "s", "ns")+" "+literal(`{"N":"2.50"}`, `{"N":"-1"}`, `{"NS":["1","7"]}`))
		case 7:
			clauses["ADD"] = append(clauses["ADD"], pick(g, "ss", "new", "n")+" "+literal(`{"SS":["a","z"]}`, `{"S":"a"}`, `{"L":[]}`))
		case 8:
			clauses["DELETE"] = append(clauses["DELETE"], pick(g, "ss", "ns", "maybe", "n")+" "+literal(`{"SS":["a"]}`, `{"SS":["a","b"]}`, `{"NS":["9"]}`, `{"N":"1"}`))
		}
	}
	var parts []string
	for _, keyword := range []string{"SET", "REMOVE", "ADD", "DELETE"} {
		if len(clauses[keyword]) > 0 {
			parts = append(parts, keyword+" "+strings.Join(clauses[keyword], ", "))
		}
	}
	return strings.Join(parts, " ")
}

func TestGeneratedUpdatesDoWhatAnIndependentImplementationDoes(t *testing.T) {
	g := newExpressions(3)
	g.begin()
	var calls []oracleCall
	for i := range 150 {
		item := g.typedItem(i)
		calls = append(calls, g.call("PutItem", map[string]any{"Item": item}))
		text := g.update()
		key := map[string]any{"N": fmt.Sprint(i)}
		calls = append(calls, g.call("UpdateItem", map[string]any{"Key": map[string]any{"Id": key}, "UpdateExpression": text,
			"ReturnValues": pick(g, "ALL_NEW", "ALL_NEW", "ALL_OLD", "UPDATED_NEW", "UPDATED_OLD")}))
	}
	compare(t, calls, func(c oracleCall, ours, theirs string) bool {
		const operand = "ValidationException: Invalid UpdateExpression: Incorrect operand type"
		// Of two wrong operands each has its own first.
		return strings.HasPrefix(ours, operand) && strings.HasPrefix(theirs, operand) ||
			// "The UPDATED_ values return only the attributes that were updated": the other one returns an empty map where there are none inside a list or map.
			ours == "{}" && theirs == `{"Attributes":{}}`
	})
}

// damaged takes a word out, doubles one or puts another in.
func (g *expressions) damaged(text string) string {
	words := strings.Fields(text)
	i := g.IntN(len(words))
	switch g.IntN(4) {
	case 0:
		words = slices.Delete(words, i, i+1)
	case 1:
		words = slices.Insert(words, i, words[i])
	default:
		words = slices.Insert(words, i, pick(g, "AND", "not", "in", "between", "(", ")", ",", "=", ":undefined", "#undefined", "name", "size", "a.", "[0]", "1", "\"", "a..b", "=="))
	}
	return strings.Join(words, " ")
}

func sortedTexts(list []any) []any {
	texts := make([]string, len(list))
	byText := map[string]any{}
	for i, e := range list {
		texts[i] = string(encodeJSON(e))
		byText[texts[i]] = e
	}
	slices.Sort(texts)
	for i, text := range texts {
		list[i] = byText[text]
	}
	return list
}

func TestTablesAreRefusedAsByAnIndependentImplementation(t *testing.T) {
	const defined = `"TableName":"Refused","AttributeDefinitions":[{"AttributeName":"a","AttributeType":"S"},{"AttributeName":"b","AttributeType":"S"}]`
	const valid = defined + `,"KeySchema":[{"AttributeName":"a","KeyType":"HASH"}],"GlobalSecondaryIndexes":`
	const byB = `"IndexName":"ByB","KeySchema":[{"AttributeName":"b","KeyType":"HASH"}]`
	var calls []oracleCall
	for _, body := range []string{
		`"TableName":"Refused"`,
		`"TableName":"not a name","AttributeDefinitions":[{"AttributeName":"a","AttributeType":"S"}],"KeySchema":[{"AttributeName":"a","KeyType":"HASH"}]`,
		`"TableName":"Refused","AttributeDefinitions":[{"AttributeType":"S"}],"KeySchema":[{"AttributeName":"a","KeyType":"HASH"}]`,
		defined + `,"KeySchema":[]`,
		defined + `,"KeySchema":[{"AttributeName":"a","KeyType":"HASH"}]`,
		defined + `,"KeySchema":[{"AttributeName":"a","KeyType":"RANGE"}]`,
		defined + `,"KeySchema":[{"AttributeName":"a","KeyType":"HASH"},{"AttributeName":"b","KeyType":"HASH"}]`,
		defined + `,"KeySchema":[{"AttributeName":"a","KeyType":"HASH"},{"AttributeName":"a","KeyType":"RANGE"}]`,
		defined + `,"KeySchema":[{"AttributeName":"a","KeyType":"X"}]`,
		defined + `,"KeySchema":[{"AttributeName":"c","KeyType":"HASH"}]`,
		defined + `,"KeySchema":[{"AttributeName":"a","KeyType":"HASH"},{"AttributeName":"c","KeyType":"RANGE"}]`,
		valid + `[]`,
		valid + `[{"KeySchema":[{"AttributeName":"b","KeyType":"HASH"}],"Projection":{"ProjectionType":"ALL"}}]`,
		valid + `[{"IndexName":"by","KeySchema":[{"AttributeName":"b","KeyType":"HASH"}],"Projection":{"ProjectionType":"ALL"}}]`,
		valid + `[{"IndexName":"ByC","KeySchema":[{"AttributeName":"c","KeyType":"HASH"}],"Projection":{"ProjectionType":"ALL"}}]`,
		valid + `[{` + byB + `}]`,
		valid + `[{` + byB + `,"Projection":{}}]`,
		valid + `[{` + byB + `,"Projection":{"ProjectionType":"X"}}]`,
		valid + `[{` + byB + `,"Projection":{"ProjectionType":"KEYS_ONLY","NonKeyAttributes":["x"]}}]`,
		valid + `[{` + byB + `,"Projection":{"ProjectionType":"ALL"},"ProvisionedThroughput":{"ReadCapacityUnits":1,"WriteCapacityUnits":1}}]`,
		valid + `[{` + byB + `,"Projection":{"ProjectionType":"ALL"}},{` + byB + `,"Projection":{"ProjectionType":"ALL"}}]`,
	} {
		calls = append(calls, oracleCall{"CreateTable", json.RawMessage(`{"BillingMode":"PAY_PER_REQUEST",` + body + `}`)})
	}
	for _, call := range []oracleCall{
		{"DeleteTable", json.RawMessage(`{"TableName":"Nowhere"}`)},
		{"ListTables", json.RawMessage(`{"Limit":0}`)}, {"ListTables", json.RawMessage(`{"Limit":101}`)},
		{"ListTables", json.RawMessage(`{"ExclusiveStartTableName":"x"}`)},
	} {
		calls = append(calls, call)
	}
	compare(t, calls, func(oracleCall, string, string) bool { return false })
}

func TestStartingKeysAndPathsIntoKeysAreJudgedAsByAnIndependentImplementation(t *testing.T) {
	calls := []oracleCall{
		{"CreateTable", json.RawMessage(`{"TableName":"Pages","BillingMode":"PAY_PER_REQUEST","KeySchema":[{"AttributeName":"p","KeyType":"HASH"},{"AttributeName":"s","KeyType":"RANGE"}],
			"AttributeDefinitions":[{"AttributeName":"p","AttributeType":"S"},{"AttributeName":"s","AttributeType":"N"},{"AttributeName":"g","AttributeType":"S"}],
			"GlobalSecondaryIndexes":[{"IndexName":"ByG","KeySchema":[{"AttributeName":"g","KeyType":"HASH"},{"AttributeName":"s","KeyType":"RANGE"}],"Projection":{"ProjectionType":"ALL"}}]}`)},
		{"DescribeTable", json.RawMessage(`{"TableName":"Pages"}`)},
	}
	ready := len(calls)
	add := func(operation, rest string) {
		calls = append(calls, oracleCall{operation, json.RawMessage(`{"TableName":"Pages",` + rest + `}`)})
	}
	for i := range 4 {
		add("PutItem", fmt.Sprintf(`"Item":{"p":{"S":"a"},"s":{"N":"%d"},"g":{"S":"x"}}`, i))
	}
	for _, start := range []string{
		`{}`, `{"p":{"S":"a"}}`, `{"p":{"S":"a"},"s":{"S":"1"}}`, `{"p":{"S":"b"},"s":{"N":"1"}}`, `{"p":{"S":"a"},"s":{"N":"1"}}`, `{"p":{"S":"a"},"s":{"N":"9"}}`, `{"p":{"S":"b"},"s":{"N":"9"}}`,
		`{"p":{"S":"a"},"x":{"N":"9"}}`, `{"p":{"S":"a"},"s":{"N":"9"},"x":{"N":"1"}}`, `{"p":{"S":"a"},"s":{}}`, `{"p":{"S":"a"},"s":{"N":"x"}}`,
		`{"p":{"S":"a"},"s":{"N":"1"},"g":{"S":"y"}}`, `{"p":{"S":"a"},"s":{"N":"1"},"g":{"N":"1"}}`, `{"p":{"S":"a"},"s":{"N":"1"},"g":{"S":"x"}}`,
	} {
		add("Scan", `"ExclusiveStartKey":`+start)
		add("Scan", `"IndexName":"ByG","ExclusiveStartKey":`+start)
		add("Query", `"KeyConditionExpression":"p = :a","ExpressionAttributeValues":{":a":{"S":"a"}},"ExclusiveStartKey":`+start)
		add("Query", `"KeyConditionExpression":"p = :a AND s < :n","ExpressionAttributeValues":{":a":{"S":"a"},":n":{"N":"3"}},"ExclusiveStartKey":`+start)
		add("Query", `"IndexName":"ByG","KeyConditionExpression":"g = :x","ExpressionAttributeValues":{":x":{"S":"x"}},"ExclusiveStartKey":`+start)
	}
	for _, path := range []string{"p.x", "s[0]", "g.x", "z.p"} {
		add("GetItem", `"Key":{"p":{"S":"a"},"s":{"N":"1"}},"ProjectionExpression":"`+path+`"`)
		add("Scan", `"ProjectionExpression":"`+path+`"`)
		add("Scan", `"FilterExpression":"attribute_exists(`+path+`)"`)
		add("Query", `"KeyConditionExpression":"p = :a","ExpressionAttributeValues":{":a":{"S":"a"}},"ProjectionExpression":"`+path+`"`)
		add("UpdateItem", `"Key":{"p":{"S":"a"},"s":{"N":"1"}},"UpdateExpression":"REMOVE `+path+`"`)
	}
	for _, update := range []string{"SET g = :v", "ADD g :v"} {
		add("UpdateItem", `"Key":{"p":{"S":"a"},"s":{"N":"1"}},"ExpressionAttributeValues":{":v":{"N":"1"}},"UpdateExpression":"`+update+`"`)
	}
	compare(t, calls, func(c oracleCall, _, _ string) bool {
		return slices.ContainsFunc(calls[:ready], func(made oracleCall) bool { return bytes.Equal(made.Body, c.Body) }) // Times and ids differ.
	})
}
