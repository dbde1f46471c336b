package stepfunctions

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"
)

// oracleCases are definitions in which this package and aws-local-stepfunctions, written by other people from the same
// specification, must agree. Not in the list is what the other one leaves out (most of the context object) or does unlike the service: a
// filter that finds nothing is an error to it, JsonMerge changes its first argument, it splits strings at a whole word where the service splits at each character of it, and it takes IsPresent false for true.
var oracleCases = []struct{ state, input string }{
	{`{"Type":"Pass","End":true}`, `{"a":[1,2.5,null,true,"x"]}`},
	{`{"Type":"Pass","InputPath":"$.a","ResultPath":"$.b","End":true}`, `{"a":{"x":1}}`},
	{`{"Type":"Pass","Result":{"r":[1]},"ResultPath":"$.a.b","OutputPath":"$.a","End":true}`, `{"a":{"x":1}}`},
	{`{"Type":"Pass","Result":1,"ResultPath":null,"End":true}`, `{"a":1}`},
	{`{"Type":"Pass","InputPath":null,"End":true}`, `{"a":1}`},
	{`{"Type":"Pass","Parameters":{"x.$":"$.a[1:3]","y.$":"$.a[*]","z.$":"$['b c']","w":{"v.$":"$.rows[*].id"}},"End":true}`, `{"a":[1,2,3,4],"b c":5,"rows":[{"id":1},{"id":2}]}`},
	{`{"Type":"Pass","Parameters":{"i.$":"$$.Execution.Input.a"},"End":true}`, `{"a":1}`},
	{`{"Type":"Pass","Parameters":{"f.$":"States.Format('{} and {}: \\'{}\\'', $.s, $.n, $.b)"},"End":true}`, `{"s":"x","n":1.5,"b":true}`},
	{`{"Type":"Pass","Parameters":{"f.$":"States.StringSplit(States.Format('{}R-005', $.fired), ',')"},"End":true}`, `{"fired":"R-002,R-003,"}`},
	{`{"Type":"Pass","Parameters":{"j.$":"States.StringToJson($.s)","t.$":"States.JsonToString($.o)"},"End":true}`, `{"s":"{\"a\":[1,2]}","o":{"k":"v"}}`},
	{`{"Type":"Pass","Parameters":{"a.$":"States.Array($.n, 'x', null, 2)","p.$":"States.ArrayPartition($.l, 2)","c.$":"States.ArrayContains($.l, 3)","g.$":"States.ArrayGetItem($.l, 1)","n.$":"States.ArrayLength($.l)","u.$":"States.ArrayUnique($.l)"},"End":true}`, `{"n":1,"l":[1,2,3,2,1]}`},
	{`{"Type":"Pass","Parameters":{"r.$":"States.ArrayRange(1, 9, 2)","m.$":"States.MathAdd($.n, -3)","j.$":"States.JsonMerge($.o, $.p, false)"},"End":true}`, `{"n":1,"o":{"a":{"x":1},"b":1},"p":{"a":{"y":2}}}`},
	{`{"Type":"Pass","Parameters":{"e.$":"States.Base64Encode('Data')","d.$":"States.Base64Decode('RGF0YQ==')","h.$":"States.Hash('abc', 'SHA-256')","m.$":"States.Hash('abc', 'MD5')"},"End":true}`, `{}`},
	{`{"Type":"Pass","Parameters":{"on.$":"$.rows[?(@.on == true)]","both.$":"$.rows[?(@.on == true && @.kind == 'b')].n","first.$":"States.ArrayGetItem($.rows[?(@.on == true)].n, 0)","has.$":"States.ArrayContains($.rows[*].kind, 'b')"},"End":true}`, `{"rows":[{"n":1,"on":true,"kind":"a"},{"n":2,"on":false,"kind":"b"},{"n":3,"on":true,"kind":"b"}]}`},
	{`{"Type":"Map","ItemsPath":"$.l","ItemSelector":{"d.$":"States.JsonMerge($.base, $$.Map.Item.Value.data, false)"},"ItemProcessor":{"StartAt":"A","States":{"A":{"Type":"Pass","End":true}}},"End":true}`, `{"l":[{"data":{"x":1}}],"base":{"k":"v"}}`},
	{`{"Type":"Fail","Error":"E","Cause":"C"}`, `{}`},
	{`{"Type":"Parallel","Branches":[{"StartAt":"A","States":{"A":{"Type":"Pass","Result":1,"End":true}}},{"StartAt":"B","States":{"B":{"Type":"Pass","InputPath":"$.a","End":true}}}],"ResultSelector":{"first.$":"$[0]","second.$":"$[1]"},"ResultPath":"$.r","End":true}`, `{"a":2}`},
	{`{"Type":"Parallel","Branches":[{"StartAt":"A","States":{"A":{"Type":"Fail","Error":"Mine"}}}],"End":true}`, `{}`},
	{`{"Type":"Map","ItemsPath":"$.l","ItemSelector":{"i.$":"$$.Map.Item.Index","v.$":"$$.Map.Item.Value","k.$":"$.k"},"ItemProcessor":{"StartAt":"A","States":{"A":{"Type":"Pass","End":true}}},"ResultPath":"$.r","End":true}`, `{"l":["x","y"],"k":1}`},
	{`{"Type":"Map","ItemProcessor":{"StartAt":"A","States":{"A":{"Type":"Pass","Parameters":{"n.$":"States.MathAdd($, 1)"},"End":true}}},"End":true}`, `[1,2,3]`},
}

// oracleConditions are choice rules, each asked about oracleInput.
var oracleConditions = []string{
	`"Variable":"$.s","StringMatches":"log-*.txt"`, `"Variable":"$.s","StringMatches":"*.csv"`,
	`"Variable":"$.s","StringLessThan":"m"`, `"Variable":"$.s","StringGreaterThanEqualsPath":"$.s"`,
	`"Variable":"$.n","NumericEquals":5`, `"Variable":"$.n","NumericLessThanPath":"$.m"`, `"Variable":"$.n","NumericGreaterThanEquals":6`,
	`"Variable":"$.b","BooleanEquals":true`, `"Variable":"$.b","BooleanEqualsPath":"$.c"`,
	`"Variable":"$.t","TimestampLessThan":"2026-07-10T00:00:00Z"`, `"Variable":"$.t","TimestampEqualsPath":"$.t"`,
	`"Variable":"$.z","IsNull":true`, `"Variable":"$.s","IsString":true`, `"Variable":"$.n","IsNumeric":true`, `"Variable":"$.b","IsBoolean":true`,
	`"Variable":"$.t","IsTimestamp":true`, `"Variable":"$.x","IsPresent":true`, `"Variable":"$.z","IsPresent":true`,
	`"Not":{"Variable":"$.b","BooleanEquals":true}`,
	`"And":[{"Variable":"$.x","IsPresent":true},{"Variable":"$.x","StringEquals":"a"}]`,
	`"Or":[{"Variable":"$.n","NumericEquals":1},{"Variable":"$.s","StringEquals":"log-1.txt"}]`,
}

const oracleInput = `{"s":"log-1.txt","n":5,"m":6.5,"b":true,"c":false,"t":"2026-07-09T10:15:30Z","z":null}`

type oracleCase struct {
	Definition json.RawMessage `json:"definition"`
	Input      json.RawMessage `json:"input"`
}

func TestAgainstAnIndependentInterpreter(t *testing.T) {
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("Node is not installed: it runs the interpreter to compare with")
	}
	if exec.Command(node, "-e", "require('aws-local-stepfunctions')").Run() != nil {
		t.Skip("the npm package aws-local-stepfunctions is not installed: npm install --no-save aws-local-stepfunctions@3.0.0")
	}
	var cases []oracleCase
	for _, c := range oracleCases {
		cases = append(cases, oracleCase{json.RawMessage(single(c.state)), json.RawMessage(c.input)})
	}
	for _, rule := range oracleConditions {
		cases = append(cases, oracleCase{json.RawMessage(`{"StartAt":"C","States":{"C":{"Type":"Choice","Choices":[{` + rule + `,"Next":"Y"}],"Default":"N"},"Y":{"Type":"Pass","Result":"yes","End":true},"N":{"Type":"Pass","Result":"no","End":true}}}`), json.RawMessage(oracleInput)})
	}
	stdin, err := json.Marshal(cases)
	require.NoError(t, err)
	command := exec.Command(node, "testdata/oracle.cjs")
	command.Stdin = bytes.NewReader(stdin)
	stdout, err := command.Output()
	require.NoError(t, err)
	var answers []struct {
		Output         json.RawMessage
		Error, Message string
	}
	require.NoError(t, json.Unmarshal(stdout, &answers))
	require.Len(t, answers, len(cases))
	for i, answer := range answers {
		t.Run(string(cases[i].Definition), func(t *testing.T) {
			o := newFixture(t).run(t, string(cases[i].Definition), string(cases[i].Input))
			if answer.Error != "" {
				require.NotNil(t, o.failure, "the other one fails: %s", answer.Message)
				require.Equal(t, answer.Error, o.failure.name)
				return
			}
			require.Nil(t, o.failure)
			require.JSONEq(t, string(answer.Output), o.output.String())
		})
	}
}
