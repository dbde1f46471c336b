package stepfunctions

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// oracleCases are definitions in which this package and aws-local-stepfunctions, written by other people from the same
// specification, must agree. Not compared is what the other one leaves out or does unlike the service:
//   - most of the context object, ErrorPath and CausePath, variables, time limits and task resources are not there;
//   - a filter that finds nothing, and a path that finds 0 or false in some places, are errors to it: on AWS a filter gives an
//     array (github.com/json-path/JsonPath, "What is Returned When?");
//   - JsonMerge changes its first argument; StringSplit splits at a whole word, where the service splits at each character
//     (docs.aws.amazon.com/step-functions/latest/dg/intrinsic-functions.html);
//   - IsPresent false is taken for true (…/dg/state-choice.html);
//   - Base64Encode encodes Latin-1, not UTF-8, and an element after the end of an array is an error, not null.
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

// oracleMachines are state machines of several states.
var oracleMachines = []struct{ definition, input string }{
	{`{"StartAt":"A","States":{"A":{"Type":"Pass","Result":{"x":1},"ResultPath":"$.r","Next":"B"},"B":{"Type":"Choice","Choices":[{"Variable":"$.r.x","NumericEquals":1,"Next":"C"}],"Default":"D"},"C":{"Type":"Succeed","OutputPath":"$.r"},"D":{"Type":"Fail","Error":"No"}}}`, `{"a":1}`},
	{`{"StartAt":"P","States":{"P":{"Type":"Parallel","Branches":[{"StartAt":"F","States":{"F":{"Type":"Fail","Error":"Mine","Cause":"c"}}}],"Catch":[{"ErrorEquals":["Other"],"Next":"H"},{"ErrorEquals":["Mine"],"ResultPath":"$.e","Next":"G"}],"End":true},"G":{"Type":"Pass","InputPath":"$.e.Error","End":true},"H":{"Type":"Succeed"}}}`, `{"a":1}`},
	{`{"StartAt":"M","States":{"M":{"Type":"Map","ItemsPath":"$.l","ItemProcessor":{"StartAt":"N","States":{"N":{"Type":"Map","ItemSelector":{"v.$":"$$.Map.Item.Index","x.$":"$$.Map.Item.Value"},"ItemProcessor":{"StartAt":"I","States":{"I":{"Type":"Pass","End":true}}},"End":true}}},"End":true}}}`, `{"l":[[1,2],[3]]}`},
	{`{"StartAt":"M","States":{"M":{"Type":"Map","ItemsPath":"$.l","ItemProcessor":{"StartAt":"C","States":{"C":{"Type":"Choice","Choices":[{"Variable":"$","NumericGreaterThan":1,"Next":"F"}],"Default":"O"},"F":{"Type":"Fail","Error":"Big"},"O":{"Type":"Succeed"}}},"Catch":[{"ErrorEquals":["States.ALL"],"Next":"H"}],"End":true},"H":{"Type":"Pass","InputPath":"$.Error","End":true}}}`, `{"l":[1,2]}`},
	{`{"StartAt":"C","States":{"C":{"Type":"Choice","Choices":[{"Variable":"$.a","NumericEquals":2,"Next":"S"}]},"S":{"Type":"Succeed"}}}`, `{"a":1}`},
	{`{"StartAt":"W","States":{"W":{"Type":"Wait","SecondsPath":"$.s","OutputPath":"$.o","Next":"S"},"S":{"Type":"Succeed"}}}`, `{"s":0,"o":{"k":1}}`},
}

type oracleCase struct {
	Definition json.RawMessage `json:"definition"`
	Input      json.RawMessage `json:"input"`
}

// ask runs a script of testdata over cases; the test is skipped where Node or the package is not installed.
func ask(t *testing.T, module, script string, cases, answers any) {
	t.Helper()
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("Node is not installed: it runs what to compare with")
	}
	if exec.Command(node, "-e", "require('"+module+"')").Run() != nil {
		t.Skip("the npm package " + module + " is not installed: npm ci --prefix test/node, and NODE_PATH=test/node/node_modules")
	}
	stdin, err := json.Marshal(cases)
	require.NoError(t, err)
	command := exec.Command(node, "testdata/"+script)
	command.Stdin = bytes.NewReader(stdin)
	stdout, err := command.Output()
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(stdout, answers))
}

type oracleAnswer struct {
	Output         json.RawMessage
	Error, Message string
}

func TestAgainstAnIndependentInterpreter(t *testing.T) {
	var cases []oracleCase
	for _, c := range oracleCases {
		cases = append(cases, oracleCase{json.RawMessage(single(c.state)), json.RawMessage(c.input)})
	}
	for _, c := range oracleMachines {
		cases = append(cases, oracleCase{json.RawMessage(c.definition), json.RawMessage(c.input)})
	}
	for _, rule := range oracleConditions {
		cases = append(cases, oracleCase{json.RawMessage(conditionMachine(rule)), json.RawMessage(oracleInput)})
	}
	var answers []oracleAnswer
	ask(t, "aws-local-stepfunctions", "oracle.cjs", cases, &answers)
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

// oracleGenerated is how many generated state machines are compared.
const oracleGenerated = 400

// Generated state machines and inputs, the same in every run.
func TestGeneratedStateMachinesAgainstAnIndependentInterpreter(t *testing.T) {
	g := generator{rand.New(rand.NewPCG(1, 2))}
	cases := make([]oracleCase, oracleGenerated)
	for i := range cases {
		cases[i] = oracleCase{json.RawMessage(g.machine()), json.RawMessage(g.input())}
	}
	var answers []oracleAnswer
	ask(t, "aws-local-stepfunctions", "oracle.cjs", cases, &answers)
	require.Len(t, answers, len(cases))
	failed := 0
	for i, answer := range answers {
		definition, input := string(cases[i].Definition), string(cases[i].Input)
		o := newFixture(t).run(t, definition, input)
		if answer.Error != "" {
			failed++
			require.NotNil(t, o.failure, "%s\n%s\nthe other one fails: %s", definition, input, answer.Message)
			continue
		}
		require.Nil(t, o.failure, "%s\n%s\nthe other one gives %s", definition, input, answer.Output)
		require.JSONEq(t, string(answer.Output), o.output.String(), "%s\n%s", definition, input)
	}
	require.Less(t, failed, oracleGenerated/2, "most machines should come to an end, so that outputs are compared")
}

// generator makes state machines of Pass, Choice, Parallel, Map and Succeed states over inputs of one shape.
type generator struct{ *rand.Rand }

func (g generator) pick(from ...string) string { return from[g.IntN(len(from))] }

func (g generator) input() string {
	numbers := make([]string, g.IntN(5))
	for i := range numbers {
		numbers[i] = fmt.Sprint(g.IntN(9))
	}
	rows := make([]string, 1+g.IntN(3))
	for i := range rows {
		rows[i] = fmt.Sprintf(`{"id":%d,"on":%t,"name":"n%d","deep":{"v":%d}}`, i, g.IntN(2) == 0, g.IntN(3), g.IntN(4))
	}
	return fmt.Sprintf(`{"n":%d,"m":%d.5,"s":"%s","b":%t,"z":null,"o":{"k":"v","p":{"q":[1,2]}},"list":[%s],"rows":[%s],"t":"2026-07-0%dT00:00:00Z"}`,
		g.IntN(5), g.IntN(5), g.pick("x", "log-1.txt", "", "z y"), g.IntN(2) == 0, strings.Join(numbers, ","), strings.Join(rows, ","), 1+g.IntN(9))
}

func (g generator) path() string {
	return g.pick("$", "$.n", "$.m", "$.s", "$.b", "$.z", "$.o", "$.o.k", "$.o.p.q", "$.o.p.q[1]", "$['o']['p']", "$.list", "$.rows", "$.rows[0]", "$.rows[0].deep.v", "$.rows[*].id",
		"$.rows[*].deep.v", "$.rows[0:2].name", "$.rows[-1:].id", "$.rows[:1]", "$..v", "$.rows[?(@.id >= 0)].name", "$.rows[?(@.id == 0 || @.deep.v < 5)].id", "$$.Execution.Input.n")
}

func (g generator) expression() string {
	return g.pick(g.path(), g.path(), g.path(), "States.Format('{}-{}', $.n, $.s)", "States.MathAdd($.n, 2)", "States.Array($.n, 'a', null)", "States.ArrayLength($.rows)", "States.ArrayContains($.list, 3)",
		"States.ArrayRange(0, 6, 2)", "States.ArrayPartition($.rows, 2)", "States.JsonToString($.o)", "States.StringToJson('[1,{}]')", "States.Base64Encode($.s)", "States.Hash($.s, 'SHA-256')",
		"States.ArrayGetItem($.rows, 0)", "States.ArrayUnique(States.Array($.n, 1, 1))")
}

func (g generator) template() string {
	return fmt.Sprintf(`{"a.$":%q,"fixed":{"c":[1,{"d.$":%q}],"e":null},"f.$":%q}`, g.expression(), g.expression(), g.expression())
}

func (g generator) rule() string {
	simple := func() string {
		return g.pick(fmt.Sprintf(`"Variable":"$.n","Numeric%s":%d`, g.comparison(), g.IntN(5)), fmt.Sprintf(`"Variable":"$.n","Numeric%sPath":"$.m"`, g.comparison()),
			fmt.Sprintf(`"Variable":"$.s","String%s":"%s"`, g.comparison(), g.pick("", "x", "m")), `"Variable":"$.s","StringMatches":"log-*.txt"`, `"Variable":"$.b","BooleanEquals":true`,
			fmt.Sprintf(`"Variable":"$.t","Timestamp%s":"2026-07-05T00:00:00Z"`, g.comparison()), `"Variable":"$.z","IsNull":true`, `"Variable":"$.nope","IsPresent":true`, `"Variable":"$.o.k","IsString":true`)
	}
	switch g.IntN(4) {
	case 0:
		return fmt.Sprintf(`"And":[{%s},{%s}]`, simple(), simple())
	case 1:
		return fmt.Sprintf(`"Or":[{%s},{"Not":{%s}}]`, simple(), simple())
	case 2:
		return fmt.Sprintf(`"Not":{%s}`, simple())
	}
	return simple()
}

func (g generator) comparison() string {
	return g.pick("Equals", "LessThan", "LessThanEquals", "GreaterThan", "GreaterThanEquals")
}

// machine is a chain of states that each keep the shape of the input, and a last one that makes the output.
func (g generator) machine() string {
	var states []string
	n := g.IntN(4)
	for i := range n {
		next := fmt.Sprintf(`"Next":"S%d"`, i+1)
		var state string
		switch g.IntN(4) {
		case 0:
			state = fmt.Sprintf(`{"Type":"Pass","Parameters":%s,"ResultPath":"$.o.r%d",%s}`, g.template(), i, next)
		case 1:
			state = fmt.Sprintf(`{"Type":"Pass","InputPath":%q,"ResultPath":%s,%s}`, g.path(), g.pick(`"$.copy"`, `"$.o.p.c"`, `null`), next)
		case 2:
			state = fmt.Sprintf(`{"Type":"Choice","Choices":[{%s,"Next":"S%d"}],"Default":"D%d"}`, g.rule(), i+1, i)
			states = append(states, fmt.Sprintf(`"D%d":{"Type":"Pass","Result":"default","ResultPath":"$.o.k",%s}`, i, next))
		default:
			state = fmt.Sprintf(`{"Type":"Map","ItemsPath":"$.rows","ItemSelector":{"i.$":"$$.Map.Item.Index","v.$":"$$.Map.Item.Value.id","x.$":%q},"ItemProcessor":{"StartAt":"M%d","States":{"M%d":{"Type":"Pass","End":true}}},"ResultSelector":{"all.$":"$[*].i"},"ResultPath":"$.mapped",%s}`,
				g.path(), i, i, next)
		}
		states = append(states, fmt.Sprintf(`"S%d":%s`, i, state))
	}
	last := g.pick(fmt.Sprintf(`{"Type":"Pass","Parameters":%s,"End":true}`, g.template()), fmt.Sprintf(`{"Type":"Succeed","OutputPath":%q}`, g.path()), `{"Type":"Succeed"}`,
		fmt.Sprintf(`{"Type":"Parallel","Branches":[{"StartAt":"P","States":{"P":{"Type":"Pass","InputPath":%q,"End":true}}},{"StartAt":"Q","States":{"Q":{"Type":"Succeed"}}}],"ResultSelector":{"one.$":"$[0]","two.$":"$[1].n"},"End":true}`, g.path()))
	states = append(states, fmt.Sprintf(`"S%d":%s`, n, last))
	return `{"StartAt":"S0","States":{` + strings.Join(states, ",") + `}}`
}

// oracleDefinitions are right and wrong definitions, of which asl-validator, written by other people from the same
// specification, thinks the same as this package. It lets a BackoffRate below 1, any JitterStrategy and Next in a nested
// rule pass, which the service does not (docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html).
var oracleDefinitions = map[string]bool{
	single(`{"Type":"Succeed"}`):                                                                                    true,
	single(`{"Type":"Pass","End":true}`):                                                                            true,
	single(`{"Type":"Pass"}`):                                                                                       false,
	single(`{"Type":"Pass","Next":"T"}`):                                                                            false,
	single(`{"Type":"Nope","End":true}`):                                                                            false,
	single(`{"Type":"Pass","Nope":1,"End":true}`):                                                                   false,
	single(`{"Type":"Succeed","End":true}`):                                                                         false,
	single(`{"Type":"Pass","Assign":{"x.$":"$.a"},"End":true}`):                                                     true,
	single(`{"Type":"Succeed","Assign":{"x":1}}`):                                                                   false,
	single(`{"Type":"Pass","Parameters":{"a.$":"$.b","a":1},"End":true}`):                                           false,
	single(`{"Type":"Pass","InputPath":"b","End":true}`):                                                            false,
	single(`{"Type":"Pass","ResultPath":"$.a[*]","End":true}`):                                                      false,
	single(`{"Type":"Pass","Catch":[],"End":true}`):                                                                 false,
	single(`{"Type":"Fail","Error":"E","Cause":"C"}`):                                                               true,
	single(`{"Type":"Fail","ErrorPath":"$.e","CausePath":"States.Format('{}', $.c)"}`):                              true,
	single(`{"Type":"Fail","Error":"E","ErrorPath":"$.e"}`):                                                         false,
	single(`{"Type":"Fail","Error":"E","End":true}`):                                                                false,
	single(`{"Type":"Wait","Seconds":1,"End":true}`):                                                                true,
	single(`{"Type":"Wait","TimestampPath":"$.t","End":true}`):                                                      true,
	single(`{"Type":"Wait","End":true}`):                                                                            false,
	single(`{"Type":"Wait","Seconds":1,"SecondsPath":"$.s","End":true}`):                                            false,
	single(`{"Type":"Wait","Seconds":"1","End":true}`):                                                              false,
	single(`{"Type":"Wait","Timestamp":"soon","End":true}`):                                                         false,
	single(`{"Type":"Choice","Choices":[]}`):                                                                        false,
	single(`{"Type":"Parallel","Branches":[{"StartAt":"A","States":{"A":{"Type":"Succeed"}}}],"End":true}`):         true,
	single(`{"Type":"Parallel","End":true}`):                                                                        false,
	single(`{"Type":"Parallel","Branches":[{"StartAt":"A","States":{"A":{"Type":"Pass","Next":"S"}}}],"End":true}`): false,
	single(`{"Type":"Parallel","Branches":[{"StartAt":"S","States":{"S":{"Type":"Succeed"}}}],"End":true}`):         false,
	single(`{"Type":"Map","ItemProcessor":{"StartAt":"A","States":{"A":{"Type":"Succeed"}}},"End":true}`):           true,
	single(`{"Type":"Map","Iterator":{"StartAt":"A","States":{"A":{"Type":"Succeed"}}},"End":true}`):                true,
	single(`{"Type":"Map","ItemProcessor":{"StartAt":"A","States":{"A":{"Type":"Succeed"}}},"Iterator":{"StartAt":"B","States":{"B":{"Type":"Succeed"}}},"End":true}`): false,
	single(`{"Type":"Map","ItemProcessor":{"StartAt":"A","States":{"A":{"Type":"Succeed"}}},"MaxConcurrency":1,"MaxConcurrencyPath":"$.n","End":true}`):                false,
	single(`{"Type":"Map","End":true}`): false,
	single(`{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","Parameters":{"FunctionName":"f"},"TimeoutSeconds":5,"Retry":[{"ErrorEquals":["States.ALL"],"IntervalSeconds":1,"MaxAttempts":2,"BackoffRate":1.5,"MaxDelaySeconds":9,"JitterStrategy":"FULL"}],"End":true}`): true,
	single(`{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","Parameters":{"FunctionName":"f"},"TimeoutSeconds":5,"TimeoutSecondsPath":"$.t","End":true}`):                                                                                                                 false,
	single(`{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","Parameters":{"FunctionName":"f"},"Retry":[{}],"End":true}`):                                                                                                                                                  false,
	single(`{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","Parameters":{"FunctionName":"f"},"Catch":[{"ErrorEquals":["A"]}],"End":true}`):                                                                                                                               false,
	single(`{"Type":"Task","Parameters":{"FunctionName":"f"},"End":true}`):                                                                                                                                                                                                           false,
	`{"StartAt":"A","States":{"A":{"Type":"Pass","Next":"A"}}}`:                                                                                                                                                                                                                      false,
	`{"StartAt":"X","States":{"A":{"Type":"Succeed"}}}`:                                                                                                                                                                                                                              false,
	`{"States":{"A":{"Type":"Succeed"}}}`: false,
	`{"StartAt":"A"}`:                     false,
	`{"StartAt":"A","States":{"A":{"Type":"Succeed"},"B":{"Type":"Succeed"}}}`:                                                                                           false,
	`{"StartAt":"A","States":{"A":{"Type":"Succeed"}},"Version":"1.0","TimeoutSeconds":60,"Comment":"c","QueryLanguage":"JSONPath"}`:                                     true,
	`{"StartAt":"A","States":{"A":{"Type":"Succeed"}},"Nope":1}`:                                                                                                         false,
	`{"StartAt":"C","States":{"C":{"Type":"Choice","Choices":[{"Variable":"$.a","NumericEquals":1,"Assign":{"x":1},"Next":"D"}],"Default":"D"},"D":{"Type":"Succeed"}}}`: true,
	`{"StartAt":"C","States":{"C":{"Type":"Choice","Choices":[{"Variable":"$.a","Next":"D"}],"Default":"D"},"D":{"Type":"Succeed"}}}`:                                    false,
	`{"StartAt":"C","States":{"C":{"Type":"Choice","Choices":[{"Variable":"$.a","NumericEquals":"1","Next":"D"}],"Default":"D"},"D":{"Type":"Succeed"}}}`:                false,
	`{"StartAt":"C","States":{"C":{"Type":"Choice","Choices":[{"Variable":"$.a","IsNull":true}],"Default":"D"},"D":{"Type":"Succeed"}}}`:                                 false,
	`{"StartAt":"C","States":{"C":{"Type":"Choice","Choices":[{"Variable":"$.a","IsNull":true,"Next":"E"}],"Default":"D"},"D":{"Type":"Succeed"}}}`:                      false,
}

func TestDefinitionsAgainstAnIndependentValidator(t *testing.T) {
	var definitions []json.RawMessage
	for definition := range oracleDefinitions {
		definitions = append(definitions, json.RawMessage(definition))
	}
	var answers []struct {
		Valid  bool
		Errors json.RawMessage
	}
	ask(t, "asl-validator", "validator.cjs", definitions, &answers)
	require.Len(t, answers, len(definitions))
	for i, answer := range answers {
		definition := string(definitions[i])
		t.Run(definition, func(t *testing.T) {
			want := oracleDefinitions[definition]
			_, err := newFixture(t).CreateStateMachine(Spec{Name: "m", Definition: definition})
			require.Equal(t, want, err == nil, "%v", err)
			require.Equal(t, want, answer.Valid, "the other one says %s", answer.Errors)
		})
	}
}
