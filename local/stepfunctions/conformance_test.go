package stepfunctions

import (
	"context"

	"os"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/local/wire"
)

// Sources of the cases. What is in the guide is expected as the guide has it; "recorded" is what tests of LocalStack, an
// emulator by others, recorded on AWS itself and keep as snapshots.
const (
	guide    = "https://docs.aws.amazon.com/step-functions/latest/dg/"
	apiPages = "https://docs.aws.amazon.com/step-functions/latest/apireference/"
	recorded = "https://github.com/localstack/localstack/tree/main/tests/aws/services/stepfunctions/v2/"
	language = "https://states-language.net/spec.html"
	jsonPath = "https://github.com/json-path/JsonPath"
	measured = "https://github.com/floci-io/floci/issues/" // measured on AWS by its reporters
)

// conformanceCase is a state machine, its input and the output, or the error and what its cause tells.
type conformanceCase struct {
	source, definition, input string
	output                    string
	errorName, cause          string
}

func (c conformanceCase) check(t *testing.T) {
	t.Run(c.definition, func(t *testing.T) {
		o := newFixture(t).run(t, c.definition, c.input)
		if c.output != "" {
			require.Nil(t, o.failure, c.source)
			require.JSONEq(t, c.output, o.output.String(), c.source)
			return
		}
		require.NotNil(t, o.failure, c.source)
		require.Equal(t, c.errorName, o.failure.name, c.source)
		require.Contains(t, o.failure.cause, c.cause, c.source)
	})
}

// parameters is a Pass state whose Parameters are given.
func parameters(template string) string {
	return single(`{"Type":"Pass","Parameters":` + template + `,"End":true}`)
}

const oneToNine = `[1,2,3,4,5,6,7,8,9]`

func TestConformanceOfIntrinsicFunctions(t *testing.T) {
	const page = guide + "intrinsic-functions.html"
	for _, c := range []conformanceCase{
		{source: page, definition: parameters(`{"BuildId.$":"States.Array($.Id)"}`), input: `{"Id":123456}`, output: `{"BuildId":[123456]}`},
		{source: page, definition: parameters(`{"inputArray.$":"States.ArrayPartition($.inputArray,4)"}`), input: `{"inputArray":` + oneToNine + `}`, output: `{"inputArray":[[1,2,3,4],[5,6,7,8],[9]]}`},
		{source: page, definition: parameters(`{"contains.$":"States.ArrayContains($.inputArray, $.lookingFor)"}`), input: `{"inputArray":` + oneToNine + `,"lookingFor":5}`, output: `{"contains":true}`},
		{source: page, definition: parameters(`{"array.$":"States.ArrayRange(1, 9, 2)"}`), input: `{}`, output: `{"array":[1,3,5,7,9]}`},
		{source: page, definition: parameters(`{"item.$":"States.ArrayGetItem($.inputArray, $.index)"}`), input: `{"inputArray":` + oneToNine + `,"index":5}`, output: `{"item":6}`},
		{source: page, definition: parameters(`{"length.$":"States.ArrayLength($.inputArray)"}`), input: `{"inputArray":` + oneToNine + `}`, output: `{"length":9}`},
		{source: page, definition: parameters(`{"array.$":"States.ArrayUnique($.inputArray)"}`), input: `{"inputArray":[1,2,3,3,3,3,3,3,4]}`, output: `{"array":[1,2,3,4]}`},
		{source: page, definition: parameters(`{"base64.$":"States.Base64Encode($.input)"}`), input: `{"input":"Data to encode"}`, output: `{"base64":"RGF0YSB0byBlbmNvZGU="}`},
		{source: page, definition: parameters(`{"data.$":"States.Base64Decode($.base64)"}`), input: `{"base64":"RGF0YSB0byBlbmNvZGU="}`, output: `{"data":"Data to encode"}`},
		{source: page, definition: parameters(`{"hash.$":"States.Hash($.Data, $.Algorithm)"}`), input: `{"Data":"input data","Algorithm":"SHA-1"}`, output: `{"hash":"aaff4a450a104cd177d28d18d74485e8cae074b7"}`},
		{source: page, definition: parameters(`{"output.$":"States.JsonMerge($.json1, $.json2, false)"}`), input: `{"json1":{"a":{"a1":1,"a2":2},"b":2},"json2":{"a":{"a3":1,"a4":2},"c":3}}`, output: `{"output":{"a":{"a3":1,"a4":2},"b":2,"c":3}}`},
		{source: page, definition: parameters(`{"foo.$":"States.StringToJson($.escapedJsonString)"}`), input: `{"escapedJsonString":"{\"foo\": \"bar\"}"}`, output: `{"foo":{"foo":"bar"}}`},
		{source: page, definition: parameters(`{"foo.$":"States.JsonToString($.unescapedJson)"}`), input: `{"unescapedJson":{"foo":"bar"}}`, output: `{"foo":"{\"foo\":\"bar\"}"}`},
		{source: page, definition: parameters(`{"value1.$":"States.MathAdd($.value1, $.step)"}`), input: `{"value1":111,"step":-1}`, output: `{"value1":110}`},
		{source: page, definition: parameters(`{"array.$":"States.StringSplit($.inputString, $.splitter)"}`), input: `{"inputString":"1,2,3,4,5","splitter":","}`, output: `{"array":["1","2","3","4","5"]}`},
		{source: page, definition: parameters(`{"array.$":"States.StringSplit($.inputString, $.splitter)"}`), input: `{"inputString":"This.is+a,test=string","splitter":".+,="}`, output: `{"array":["This","is","a","test","string"]}`},
		{source: page, definition: parameters(`{"data.$":"States.Format('Hello, my name is {}.', $.name)"}`), input: `{"name":"Arnav"}`, output: `{"data":"Hello, my name is Arnav."}`},
		{source: page, definition: parameters(`{"data.$":"States.Format($.template, $.name)"}`), input: `{"name":"Arnav","template":"Hello, my name is {}."}`, output: `{"data":"Hello, my name is Arnav."}`},
		{source: page, definition: parameters(`{"id.$":"States.UUID()"}`), input: `{}`, output: `{"id":"an-id"}`},
		{source: page + " (seed-less)", definition: parameters(`{"n.$":"States.MathRandom($.start, $.end)"}`), input: `{"start":1,"end":999}`, output: `{"n":500}`},
		{source: language + "#intrinsic-functions", definition: parameters(`{"greeting.$":"States.Format('Welcome to {} {}\\'s playlist.', $.firstName, $.lastName)"}`), input: `{"firstName":"John","lastName":"Doe"}`, output: `{"greeting":"Welcome to John Doe's playlist."}`},
		{source: language + "#intrinsic-functions", definition: parameters(`{"out.$":"States.Format('\\{\\} is {} and \\\\', 1)"}`), input: `{}`, output: `{"out":"{} is 1 and \\"}`},
		{source: language + "#appendix-b", definition: parameters(`{"foo.$":"States.Format('Your name is {}, we are in the year {}', $.name, 2020)"}`), input: `{"name":"Foo","zebra":"stripe"}`, output: `{"foo":"Your name is Foo, we are in the year 2020"}`},
		{source: language + "#appendix-b", definition: parameters(`{"foo.$":"States.Array('Foo', 2020, $.someJson, null)"}`), input: `{"someJson":{"random":"abcdefg"},"zebra":"stripe"}`, output: `{"foo":["Foo",2020,{"random":"abcdefg"},null]}`},
		// Recorded: rounding is of Java's Math.round; empty text is no JSON and gives null; empty parts of a split are left out.
		{source: recorded + "intrinsic_functions/test_math_operations.snapshot.json", definition: parameters(`{"a.$":"States.MathAdd(-9, 3)","b.$":"States.MathAdd(1.49, 1.5)","c.$":"States.MathAdd(1.5, 1.51)","d.$":"States.MathAdd(-1.49, -1.5)"}`), input: `{}`, output: `{"a":-6,"b":3,"c":4,"d":-2}`},
		{source: recorded + "intrinsic_functions/test_json_manipulation.snapshot.json", definition: parameters(`{"a.$":"States.StringToJson('')","b.$":"States.StringToJson(' ')","c.$":"States.StringToJson('null')","d.$":"States.StringToJson('[1, 2, \"HelloWorld\"]')","e.$":"States.StringToJson('\"HelloWorld\"')"}`), input: `{}`, output: `{"a":null,"b":null,"c":null,"d":[1,2,"HelloWorld"],"e":"HelloWorld"}`},
		{source: recorded + "intrinsic_functions/test_string_operations.snapshot.json", definition: parameters(`{"a.$":"States.StringSplit($.a, ',')","b.$":"States.StringSplit($.b, ',')","c.$":"States.StringSplit($.c, ',')","d.$":"States.StringSplit($.d, $.s)"}`), input: `{"a":" , ","b":", , ,","c":",,,,","d":"split on T and \nnew line","s":"T\n"}`, output: `{"a":[" "," "],"b":[" "," "],"c":[],"d":["split on "," and ","new line"]}`},
		{source: recorded + "intrinsic_functions/test_generic.snapshot.json", definition: parameters(`{"a.$":"States.Format('Formatting argument {}.', $.n)","b.$":"States.Format('Formatting argument {}.', $.f)","c.$":"States.Format('Formatting argument {}.', $.j)"}`), input: `{"n":null,"f":1.1,"j":"{\"Arg1\": 1, \"Arg2\": []}"}`, output: `{"a":"Formatting argument null.","b":"Formatting argument 1.1.","c":"Formatting argument {\"Arg1\": 1, \"Arg2\": []}."}`},
		{source: recorded + "intrinsic_functions/test_array.snapshot.json", definition: parameters(`{"a.$":"States.Array()","b.$":"States.Array($.x, $.y)"}`), input: `{"x":"","y":" "}`, output: `{"a":[],"b":[""," "]}`},
		// Measured: an argument that is missing, also after the end of an array, ends the execution; an explicit null does not.
		{source: measured + "2870", definition: parameters(`{"v.$":"States.Format('{}', States.Format('{}', $.nope))"}`), input: `{"other":1}`, errorName: "States.Runtime", cause: `The function 'States.Format('{}', States.Format('{}', $.nope))' had the following error: The JsonPath argument for the field '$.nope' could not be found in the input '{"other":1}'`},
		{source: measured + "2870", definition: parameters(`{"v.$":"States.Format('{}', $.items[5])"}`), input: `{"items":[1,2]}`, errorName: "States.Runtime", cause: `The JsonPath argument for the field '$.items[5]' could not be found in the input '{"items":[1,2]}'`},
		{source: measured + "2870", definition: parameters(`{"v.$":"$.items[5]"}`), input: `{"items":[1,2]}`, output: `{"v":null}`},
		{source: measured + "2870", definition: parameters(`{"v.$":"States.Format('{}', $.nul)"}`), input: `{"nul":null}`, output: `{"v":"null"}`},
		{source: measured + "2521", definition: parameters(`{"missing.$":"$.nope.deep"}`), input: `{"other":1}`, errorName: "States.Runtime", cause: `The JSONPath '$.nope.deep' specified for the field 'missing.$' could not be found in the input '{"other":1}'`},
	} {
		c.check(t)
	}
	require.Regexp(t, regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`), wire.RequestID(), page+": a version 4 UUID is what NewID makes")
}

func TestConformanceOfInputAndOutputProcessing(t *testing.T) {
	datasets := `{"comment":"Example for InputPath.","dataset1":{"val1":1,"val2":2,"val3":3},"dataset2":{"val1":"a","val2":"b","val3":"c"}}`
	product := `{"comment":"Example for Parameters.","product":{"details":{"color":"blue","size":"small","material":"cotton"},"availability":"in stock","sku":"2317","cost":"$23"}}`
	cluster := `{"resourceType":"elasticmapreduce","resource":"createCluster.sync","output":{"SdkHttpMetadata":{"HttpStatusCode":200},"ClusterId":"AKIAIOSFODNN7EXAMPLE"}}`
	details := `{"comment":"This is a test of the input and output of a Task state.","details":"Default example","who":"AWS Step Functions"}`
	hello := func(more string) string {
		return single(`{"Type":"Pass","Result":"Hello, AWS Step Functions!",` + more + `"End":true}`)
	}
	for _, c := range []conformanceCase{
		{source: guide + "input-output-inputpath-params.html", definition: single(`{"Type":"Pass","InputPath":"$.dataset2","End":true}`), input: datasets, output: `{"val1":"a","val2":"b","val3":"c"}`},
		{source: guide + "input-output-inputpath-params.html", definition: single(`{"Type":"Pass","InputPath":"$.a[0:2]","End":true}`), input: `{"a":[1,2,3,4]}`, output: `[1,2]`},
		{source: guide + "input-output-inputpath-params.html", definition: parameters(`{"comment":"Selecting what I care about.","MyDetails":{"size.$":"$.product.details.size","exists.$":"$.product.availability","StaticValue":"foo"}}`), input: product, output: `{"comment":"Selecting what I care about.","MyDetails":{"size":"small","exists":"in stock","StaticValue":"foo"}}`},
		{source: guide + "input-output-inputpath-params.html", definition: single(`{"Type":"Parallel","Branches":[{"StartAt":"A","States":{"A":{"Type":"Pass","End":true}}}],"ResultSelector":{"ClusterId.$":"$[0].output.ClusterId","ResourceType.$":"$[0].resourceType"},"ResultPath":"$.EMROutput","OutputPath":"$.EMROutput","End":true}`), input: cluster, output: `{"ClusterId":"AKIAIOSFODNN7EXAMPLE","ResourceType":"elasticmapreduce"}`},
		{source: guide + "input-output-inputpath-params.html", definition: single(`{"Type":"Parallel","Branches":[{"StartAt":"A","States":{"A":{"Type":"Pass","Result":[1,2],"End":true}}},{"StartAt":"B","States":{"B":{"Type":"Pass","Result":[3,4],"End":true}}}],"ResultSelector":{"flattenArray.$":"$[*][*]"},"End":true}`), input: `{}`, output: `{"flattenArray":[1,2,3,4]}`},
		{source: guide + "input-output-resultpath.html", definition: hello(``), input: details, output: `"Hello, AWS Step Functions!"`},
		{source: guide + "input-output-resultpath.html", definition: hello(`"ResultPath":"$",`), input: details, output: `"Hello, AWS Step Functions!"`},
		{source: guide + "input-output-resultpath.html", definition: hello(`"ResultPath":null,`), input: details, output: details},
		{source: guide + "input-output-resultpath.html", definition: hello(`"ResultPath":"$.taskresult",`), input: details, output: `{"comment":"This is a test of the input and output of a Task state.","details":"Default example","who":"AWS Step Functions","taskresult":"Hello, AWS Step Functions!"}`},
		{source: guide + "input-output-resultpath.html", definition: hello(`"ResultPath":"$.details",`), input: details, output: `{"comment":"This is a test of the input and output of a Task state.","details":"Hello, AWS Step Functions!","who":"AWS Step Functions"}`},
		{source: guide + "input-output-resultpath.html", definition: hello(`"ResultPath":"$.strings.lambdaresult",`), input: `{"comment":"An input comment.","strings":{"string1":"foo","string2":"bar","string3":"baz"}}`, output: `{"comment":"An input comment.","strings":{"string1":"foo","string2":"bar","string3":"baz","lambdaresult":"Hello, AWS Step Functions!"}}`},
		{source: guide + "input-output-example.html", definition: hello(`"InputPath":"$.lambda","ResultPath":"$.data.lambdaresult","OutputPath":"$.data",`), input: `{"comment":"An input comment.","data":{"val1":23,"val2":17},"extra":"foo","lambda":{"who":"AWS Step Functions"}}`, output: `{"val1":23,"val2":17,"lambdaresult":"Hello, AWS Step Functions!"}`},
		{source: language + "#input-and-output-processing (InputPath null: an empty object)", definition: single(`{"Type":"Pass","InputPath":null,"End":true}`), input: `{"a":1}`, output: `{}`},
		{source: language + "#input-and-output-processing (OutputPath null: an empty object)", definition: single(`{"Type":"Pass","OutputPath":null,"End":true}`), input: `{"a":1}`, output: `{}`},
		{source: guide + "amazon-states-language-paths.html", definition: parameters(`{"a.$":"$.store.book","b.$":"$['store']['book'][0].title","c.$":"$.store['book'][1]['title']"}`), input: `{"store":{"book":[{"title":"x"},{"title":"y"}]}}`, output: `{"a":[{"title":"x"},{"title":"y"}],"b":"x","c":"y"}`},
		{source: guide + "concepts-error-handling.html (States.Runtime)", definition: single(`{"Type":"Pass","InputPath":"$.missing","End":true}`), input: `{}`, errorName: "States.Runtime", cause: "An error occurred while executing the state 'S'. Invalid path '$.missing'"},
		{source: language + "#errors (States.ResultPathMatchFailure)", definition: single(`{"Type":"Pass","ResultPath":"$.a.b","End":true}`), input: `{"a":1}`, errorName: "States.ResultPathMatchFailure", cause: "'$.a.b'"},
	} {
		c.check(t)
	}
}

func TestConformanceOfPaths(t *testing.T) {
	// The document of the library's own page, which states-language.net names for the syntax of paths.
	const store = `{"store":{"book":[{"category":"reference","author":"Nigel Rees","title":"Sayings of the Century","price":8.95},
	 {"category":"fiction","author":"Evelyn Waugh","title":"Sword of Honour","price":12.99},
	 {"category":"fiction","author":"Herman Melville","title":"Moby Dick","isbn":"0-553-21311-3","price":8.99},
	 {"category":"fiction","author":"J. R. R. Tolkien","title":"The Lord of the Rings","isbn":"0-395-19395-8","price":22.99}],
	 "bicycle":{"color":"red","price":19.95}},"expensive":10}`
	const authors = `["Nigel Rees","Evelyn Waugh","Herman Melville","J. R. R. Tolkien"]`
	for _, c := range []struct{ source, path, want string }{
		{jsonPath + "#path-examples", `$.store.book[*].author`, authors},
		{jsonPath + "#path-examples", `$..author`, authors},
		{jsonPath + "#path-examples", `$.store..price`, `[8.95,12.99,8.99,22.99,19.95]`},
		{jsonPath + "#path-examples", `$..book[2].title`, `["Moby Dick"]`},
		{jsonPath + "#path-examples", `$..book[-2].title`, `["Moby Dick"]`},
		{jsonPath + "#path-examples", `$..book[0,1].price`, `[8.95,12.99]`},
		{jsonPath + "#path-examples", `$..book[:2].price`, `[8.95,12.99]`},
		{jsonPath + "#path-examples", `$..book[1:2].price`, `[12.99]`},
		{jsonPath + "#path-examples", `$..book[-2:].price`, `[8.99,22.99]`},
		{jsonPath + "#path-examples", `$..book[2:].price`, `[8.99,22.99]`},
		{jsonPath + "#path-examples", `$..book[?(@.isbn)].price`, `[8.99,22.99]`},
		{jsonPath + "#path-examples", `$.store.book[?(@.price < 10)].title`, `["Sayings of the Century","Moby Dick"]`},
		{jsonPath + "#predicates", `$.store.book[?(@.price < 10 && @.category == 'fiction')].title`, `["Moby Dick"]`},
		{jsonPath + "#predicates", `$.store.book[?(@.category == 'reference' || @.price > 10)].title`, `["Sayings of the Century","Sword of Honour","The Lord of the Rings"]`},
		{jsonPath + "#what-is-returned-when", `$.store.book[9,10]`, `[]`},
		{guide + "workflow-variables.html (Using variables in JSONPath states)", `$.store..color`, `["red"]`},
		{measured + "3260 (with AWS's Step Functions Local)", `$.list[?(@.keep)]`, `[{"keep":true},{"keep":false}]`},
		{measured + "3260 (with AWS's Step Functions Local)", `$.list[?(@.keep == true)]`, `[{"keep":true}]`},
		{measured + "3260 (with AWS's Step Functions Local)", `$.d..a`, `[[1,2]]`},
		{measured + "3260 (with AWS's Step Functions Local)", `$.d..a[*]`, `[1,2]`},
	} {
		input := store
		if strings.Contains(c.source, "3260") {
			input = `{"list":[{"keep":true},{"keep":false},{"other":1}],"d":{"x":{"a":[1,2]}}}`
		}
		conformanceCase{source: c.source, definition: parameters(`{"r.$":"` + c.path + `"}`), input: input, output: `{"r":` + c.want + `}`}.check(t)
	}
}

func TestConformanceOfContextObject(t *testing.T) {
	const page = guide + "input-output-contextobject.html"
	for _, c := range []conformanceCase{
		{source: page, definition: single(`{"Type":"Map","ItemSelector":{"ContextIndex.$":"$$.Map.Item.Index","ContextValue.$":"$$.Map.Item.Value","ContextSource.$":"$$.Map.Item.Source"},"ItemProcessor":{"ProcessorConfig":{"Mode":"INLINE"},"StartAt":"TestPass","States":{"TestPass":{"Type":"Pass","End":true}}},"End":true}`),
			input: `[{"who":"bob"},{"who":"meg"}]`, output: `[{"ContextIndex":0,"ContextValue":{"who":"bob"},"ContextSource":"STATE_DATA"},{"ContextIndex":1,"ContextValue":{"who":"meg"},"ContextSource":"STATE_DATA"}]`},
		{source: recorded + "context_object/test_context_object.snapshot.json (test_input_path, a Pass has no RetryCount)", definition: single(`{"Type":"Pass","InputPath":"$$","End":true}`), input: `{"input-value":0}`,
			output: `{"Execution":{"Id":"arn:aws:states:us-east-1:000000000000:express:m:run:an-id","Input":{"input-value":0},"StartTime":"2026-07-09T10:15:30Z","Name":"run","RoleArn":"role","RedriveCount":0},"StateMachine":{"Id":"arn:aws:states:us-east-1:000000000000:stateMachine:m","Name":"m"},"State":{"Name":"S","EnteredTime":"2026-07-09T10:15:30Z"}}`},
		{source: recorded + "context_object/test_context_object.snapshot.json (test_output_path)", definition: single(`{"Type":"Pass","OutputPath":"$$.Execution.Input","End":true}`), input: `{"input-value":0}`, output: `{"input-value":0}`},
		{source: page + " (State.RetryCount)", definition: single(`{"Type":"Parallel","Parameters":{"n.$":"$$.State.RetryCount"},"Branches":[{"StartAt":"A","States":{"A":{"Type":"Pass","End":true}}}],"End":true}`), input: `{}`, output: `[{"n":0}]`},
		{source: page + " (in Choice and intrinsic functions)", definition: `{"StartAt":"S","States":{"S":{"Type":"Choice","Choices":[{"Variable":"$$.Execution.Name","StringEqualsPath":"$.name","Next":"T"}]},"T":{"Type":"Pass","Parameters":{"r.$":"States.Format('{}', $$.StateMachine.Name)"},"End":true}}}`, input: `{"name":"run"}`, output: `{"r":"m"}`},
		{source: page + " (Task.Token only in callbacks)", definition: parameters(`{"t.$":"$$.Task.Token"}`), input: `{}`, errorName: "States.Runtime", cause: "'$$.Task.Token'"},
		{source: page + " (RedriveTime only after a redrive)", definition: parameters(`{"t.$":"$$.Execution.RedriveTime"}`), input: `{}`, errorName: "States.Runtime", cause: "RedriveTime"},
	} {
		c.check(t)
	}
}

// conditions are choice rules about input, and whether they hold.
func conditions(t *testing.T, source, input string, rules map[string]bool) {
	for rule, want := range rules {
		output := map[bool]string{true: `"yes"`, false: `"no"`}[want]
		conformanceCase{source: source, definition: conditionMachine(rule), input: input, output: output}.check(t)
	}
}

func conditionMachine(rule string) string {
	return `{"StartAt":"C","States":{"C":{"Type":"Choice","Choices":[{` + rule + `,"Next":"Y"}],"Default":"N"},"Y":{"Type":"Pass","Result":"yes","End":true},"N":{"Type":"Pass","Result":"no","End":true}}}`
}

func TestConformanceOfChoice(t *testing.T) {
	const page = guide + "state-choice.html"
	const example = `{"StartAt":"C","States":{"C":{"Type":"Choice","Choices":[
	 {"Not":{"Variable":"$.type","StringEquals":"Private"},"Next":"Public"},
	 {"Variable":"$.value","NumericEquals":0,"Next":"ValueIsZero"},
	 {"And":[{"Variable":"$.value","NumericGreaterThanEquals":20},{"Variable":"$.value","NumericLessThan":30}],"Next":"ValueInTwenties"}],"Default":"DefaultState"},
	 "Public":{"Type":"Pass","Result":1,"End":true},"ValueIsZero":{"Type":"Pass","Result":2,"End":true},"ValueInTwenties":{"Type":"Pass","Result":3,"End":true},"DefaultState":{"Type":"Pass","Result":4,"End":true}}}`
	for input, output := range map[string]string{`{"type":"Private","value":22}`: `3`, `{"type":"Public","value":22}`: `1`, `{"type":"Private","value":0}`: `2`, `{"type":"Private","value":30}`: `4`} {
		conformanceCase{source: page, definition: example, input: input, output: output}.check(t)
	}
	conditions(t, page, `{"s":"log-2026.txt","u":"log-2026.txt","n":1,"m":2,"b":true,"c":false,"t":"2001-01-01T12:00:00Z","later":"2001-01-01T12:00:01Z","z":null,"star":"a*b\\"}`, map[string]bool{
		`"Variable":"$.b","BooleanEquals":true`: true, `"Variable":"$.b","BooleanEqualsPath":"$.c"`: false,
		`"Variable":"$.n","NumericEquals":1`: true, `"Variable":"$.n","NumericEqualsPath":"$.m"`: false,
		`"Variable":"$.n","NumericLessThan":2`: true, `"Variable":"$.n","NumericLessThanPath":"$.m"`: true,
		`"Variable":"$.n","NumericLessThanEquals":1`: true, `"Variable":"$.m","NumericLessThanEqualsPath":"$.n"`: false,
		`"Variable":"$.n","NumericGreaterThan":1`: false, `"Variable":"$.m","NumericGreaterThanPath":"$.n"`: true,
		`"Variable":"$.n","NumericGreaterThanEquals":1`: true, `"Variable":"$.n","NumericGreaterThanEqualsPath":"$.m"`: false,
		`"Variable":"$.s","StringEquals":"log-2026.txt"`: true, `"Variable":"$.s","StringEqualsPath":"$.u"`: true,
		`"Variable":"$.s","StringLessThan":"m"`: true, `"Variable":"$.s","StringLessThanPath":"$.u"`: false,
		`"Variable":"$.s","StringLessThanEquals":"a"`: false, `"Variable":"$.s","StringLessThanEqualsPath":"$.u"`: true,
		`"Variable":"$.s","StringGreaterThan":"a"`: true, `"Variable":"$.s","StringGreaterThanPath":"$.u"`: false,
		`"Variable":"$.s","StringGreaterThanEquals":"m"`: false, `"Variable":"$.s","StringGreaterThanEqualsPath":"$.u"`: true,
		`"Variable":"$.s","StringMatches":"log-*.txt"`: true, `"Variable":"$.s","StringMatches":"*.LOG"`: false,
		`"Variable":"$.star","StringMatches":"a\\*b\\\\"`: true, `"Variable":"$.s","StringMatches":"log\\*"`: false,
		`"Variable":"$.t","TimestampEquals":"2001-01-01T12:00:00Z"`: true, `"Variable":"$.t","TimestampEquals":"2001-01-01T13:00:00+01:00"`: true,
		`"Variable":"$.t","TimestampEqualsPath":"$.later"`: false, `"Variable":"$.t","TimestampLessThan":"2001-01-01T12:00:00Z"`: false,
		`"Variable":"$.t","TimestampLessThanPath":"$.later"`: true, `"Variable":"$.t","TimestampLessThanEquals":"2001-01-01T12:00:00Z"`: true,
		`"Variable":"$.t","TimestampLessThanEqualsPath":"$.later"`: true, `"Variable":"$.later","TimestampGreaterThan":"2001-01-01T12:00:00Z"`: true,
		`"Variable":"$.t","TimestampGreaterThanPath":"$.later"`: false, `"Variable":"$.t","TimestampGreaterThanEquals":"2001-01-01T12:00:00.001Z"`: false,
		`"Variable":"$.later","TimestampGreaterThanEqualsPath":"$.t"`: true,
		`"Variable":"$.t","IsTimestamp":true`:                         true, `"Variable":"$.s","IsTimestamp":true`: false,
		`"Variable":"$.z","IsPresent":true`: true, `"Variable":"$.nope","IsPresent":true`: false, `"Variable":"$.nope","IsPresent":false`: true,
		`"And":[{"Variable":"$.nope","IsPresent":true},{"Variable":"$.nope","StringEquals":"x"}]`:                                              false,
		`"Or":[{"Variable":"$.n","NumericEquals":7},{"And":[{"Variable":"$.b","IsBoolean":true},{"Not":{"Variable":"$.z","IsString":true}}]}]`: true,
	})
	conformanceCase{source: page + " (States.NoChoiceMatched)", definition: `{"StartAt":"C","States":{"C":{"Type":"Choice","Choices":[{"Variable":"$.n","NumericEquals":1,"Next":"T"}]},"T":{"Type":"Succeed"}}}`, input: `{"n":2}`, errorName: "States.NoChoiceMatched"}.check(t)
	conformanceCase{source: "https://repost.aws/knowledge-center (public message of the service)", definition: conditionMachine(`"Variable":"$.nope","StringEquals":"a"`), input: `{}`, errorName: "States.Runtime",
		cause: "Invalid path '$.nope': The choice state's condition path references an invalid value."}.check(t)
}

// What was recorded of comparisons with values of every kind.
func TestConformanceOfRecordedComparisons(t *testing.T) {
	const source = recorded + "choice_operators/"
	kinds := []string{`null`, `0`, `0.0`, `1`, `1.1`, `""`, `" "`, `"HelloWorld"`, `"2012-10-09T19:00:55"`, `"2023-02-24"`, `[]`, `[""]`, `{}`, `{"A":0}`, `true`, `false`}
	is := map[string]func(string) bool{
		"IsBoolean": func(v string) bool { return v == "true" || v == "false" },
		"IsNull":    func(v string) bool { return v == "null" },
		"IsNumeric": func(v string) bool { return strings.ContainsAny(v[:1], "01") },
		"IsString":  func(v string) bool { return v[0] == '"' },
		// A date without a zone, or without a time, is no timestamp.
		"IsTimestamp": func(string) bool { return false },
	}
	for operator, holds := range is {
		for _, v := range kinds {
			conditions(t, source+"test_is_operators.snapshot.json", `{"v":`+v+`}`, map[string]bool{
				`"Variable":"$.v","` + operator + `":true`: holds(v), `"Variable":"$.v","` + operator + `":false`: !holds(v),
			})
		}
	}
	for _, v := range kinds {
		conditions(t, source+"test_string_operators.snapshot.json (test_string_equals)", `{"v":`+v+`}`, map[string]bool{`"Variable":"$.v","StringEquals":"HelloWorld"`: v == `"HelloWorld"`})
	}
	for _, c := range []struct {
		operator, a, b string
		want           bool
	}{
		{"StringGreaterThan", ``, ``, false}, {"StringGreaterThan", `A`, `A `, false}, {"StringGreaterThan", `AB`, `ABC`, false}, {"StringGreaterThanEquals", ``, ``, true},
		{"StringGreaterThanEquals", `A`, `AB`, false}, {"StringGreaterThanEquals", `AB`, `A`, true}, {"StringLessThan", ``, ``, false}, {"StringLessThan", `A`, `AB`, true},
		{"StringLessThan", `AB`, `A`, false}, {"StringLessThanEquals", ``, ``, true}, {"StringLessThanEquals", `A`, `AB`, true}, {"StringLessThanEquals", `AB`, `A`, false},
		{"StringEquals", `\t\n`, `\t\r\n`, false}, {"StringEquals", `Hello`, `Hello`, true},
	} {
		conditions(t, source+"test_string_operators.snapshot.json", `{"a":"`+c.a+`","b":"`+c.b+`"}`, map[string]bool{
			`"Variable":"$.a","` + c.operator + `":"` + c.b + `"`: c.want, `"Variable":"$.a","` + c.operator + `Path":"$.b"`: c.want,
		})
	}
}

func TestConformanceOfVariables(t *testing.T) {
	const page = guide + "workflow-variables.html"
	// then is a state machine of a first state and one that gives what is asked for.
	then := func(first, ask string) string {
		return `{"StartAt":"First","States":{"First":` + first + `,"Ask":{"Type":"Pass","Parameters":` + ask + `,"End":true}}}`
	}
	constants := `"bool":true,"float":0.1,"null":null,"list":[null,"$.no.such.path","$varname","{% $varname %}","$$","States.Format('{}', $varname)"],"obj":{"path":"$.no.such.path","var":"$noSuchVar.member","empty":{}}`
	failing := `{"StartAt":"A","States":{"A":{"Type":"Fail","Error":"E","Cause":"C"}}}`
	for _, c := range []conformanceCase{
		{source: page, definition: then(`{"Type":"Pass","Assign":{"productName":"product1","count":42,"available":true},"Next":"Ask"}`, `{"a.$":"$productName","b.$":"$count","c.$":"$available"}`), input: `{}`, output: `{"a":"product1","b":42,"c":true}`},
		{source: page + " (Evaluation order)", definition: `{"StartAt":"Set","States":{"Set":{"Type":"Pass","Assign":{"x":3,"a":6},"Next":"Swap"},"Swap":{"Type":"Pass","Assign":{"x.$":"$a","nextX.$":"$x"},"Next":"Ask"},"Ask":{"Type":"Pass","Parameters":{"x.$":"$x","nextX.$":"$nextX"},"End":true}}}`, input: `{}`, output: `{"x":6,"nextX":3}`},
		{source: page + " (newly assigned values are there from the next state on)", definition: single(`{"Type":"Pass","Assign":{"x":1},"OutputPath":"$x","End":true}`), input: `{}`, errorName: "States.Runtime", cause: "the variable '$x' has no value here"},
		{source: page + " (Using variables in JSONPath states)", definition: then(`{"Type":"Pass","Assign":{"products.$":"$.order..product","orderTotal.$":"$.order.total"},"Next":"Ask"}`, `{"p.$":"$products","t.$":"$orderTotal"}`), input: `{"order":{"total":7,"lines":[{"product":"a"},{"product":"b"}]}}`, output: `{"p":["a","b"],"t":7}`},
		{source: page + " ($ in Assign of a Pass: its result)", definition: then(`{"Type":"Pass","Result":{"r":1},"ResultPath":"$.kept","Assign":{"x.$":"$.r"},"Next":"Ask"}`, `{"x.$":"$x","kept.$":"$.kept.r"}`), input: `{"in":1}`, output: `{"x":1,"kept":1}`},
		{source: page + " ($ in Assign of a Pass: its parameters)", definition: then(`{"Type":"Pass","Parameters":{"p.$":"$.in"},"Assign":{"x.$":"$.p"},"Next":"Ask"}`, `{"x.$":"$x"}`), input: `{"in":1}`, output: `{"x":1}`},
		{source: page + " ($ in Assign of a Parallel: its result, before ResultSelector)", definition: then(`{"Type":"Parallel","Branches":[{"StartAt":"A","States":{"A":{"Type":"Pass","Result":5,"End":true}}}],"ResultSelector":{"s.$":"$[0]"},"Assign":{"x.$":"$[0]"},"Next":"Ask"}`, `{"x.$":"$x","s.$":"$.s"}`), input: `{}`, output: `{"x":5,"s":5}`},
		{source: page + " ($ in Assign of a Map: its result)", definition: then(`{"Type":"Map","ItemProcessor":{"StartAt":"A","States":{"A":{"Type":"Pass","End":true}}},"Assign":{"x.$":"$"},"Next":"Ask"}`, `{"x.$":"$x"}`), input: `[1,2]`, output: `{"x":[1,2]}`},
		{source: page + " ($ in Assign of a Wait: its effective input)", definition: then(`{"Type":"Wait","Seconds":0,"InputPath":"$.a","Assign":{"x.$":"$.b"},"Next":"Ask"}`, `{"x.$":"$x"}`), input: `{"a":{"b":1}}`, output: `{"x":1}`},
		{source: page + " ($ in Assign of a Choice: its effective input)", definition: `{"StartAt":"C","States":{"C":{"Type":"Choice","InputPath":"$.a","Choices":[{"Variable":"$.b","NumericEquals":1,"Assign":{"x.$":"$.b"},"Next":"Ask"}]},"Ask":{"Type":"Pass","Parameters":{"x.$":"$x"},"End":true}}}`, input: `{"a":{"b":1}}`, output: `{"x":1}`},
		{source: language + " ($ in Assign of a Catch: the error output)", definition: `{"StartAt":"P","States":{"P":{"Type":"Parallel","Branches":[` + failing + `],"Catch":[{"ErrorEquals":["E"],"ResultPath":null,"Assign":{"e.$":"$.Error","c.$":"$.Cause"},"Next":"Ask"}],"End":true},"Ask":{"Type":"Pass","Parameters":{"e.$":"$e","c.$":"$c","in.$":"$.in"},"End":true}}}`, input: `{"in":1}`, output: `{"e":"E","c":"C","in":1}`},
		{source: recorded + "assign/test_assign_base.snapshot.json (BASE_CONSTANT_LITERALS)", definition: then(`{"Type":"Pass","Assign":{`+constants+`},"Next":"Ask"}`, `{"all.$":"States.Array($bool, $float, $null, $list, $obj)"}`), input: `{}`, output: `{"all":[true,0.1,null,[null,"$.no.such.path","$varname","{% $varname %}","$$","States.Format('{}', $varname)"],{"path":"$.no.such.path","var":"$noSuchVar.member","empty":{}}]}`},
		{source: recorded + "assign/test_assign_base.snapshot.json (BASE_PATHS)", definition: then(`{"Type":"Pass","Assign":{"root.$":"$","path.$":"$.input_value","ctx.$":"$$.Execution.Name","f.$":"States.Format('Format Func {}', $.input_value)"},"Next":"Ask"}`, `{"root.$":"$root","path.$":"$path","ctx.$":"$ctx","f.$":"$f"}`), input: `{"input_value":"v"}`, output: `{"root":{"input_value":"v"},"path":"v","ctx":"run","f":"Format Func v"}`},
		{source: recorded + "assign/test_assign_base.snapshot.json (test_assign_in_choice)", definition: `{"StartAt":"C","States":{"C":{"Type":"Choice","Choices":[{"Variable":"$.condition","BooleanEquals":true,"Assign":{"a":"Condition assignment"},"Next":"Ask"}],"Default":"Ask","Assign":{"a":"Default Assignment"}},"Ask":{"Type":"Pass","Parameters":{"a.$":"$a"},"End":true}}}`, input: `{"condition":true}`, output: `{"a":"Condition assignment"}`},
		{source: recorded + "assign/test_assign_base.snapshot.json (test_assign_in_choice)", definition: `{"StartAt":"C","States":{"C":{"Type":"Choice","Choices":[{"Variable":"$.condition","BooleanEquals":true,"Assign":{"a":"Condition assignment"},"Next":"Ask"}],"Default":"Ask","Assign":{"a":"Default Assignment"}},"Ask":{"Type":"Pass","Parameters":{"a.$":"$a"},"End":true}}}`, input: `{"condition":false}`, output: `{"a":"Default Assignment"}`},
		{source: recorded + "assign/test_assign_reference_variables.snapshot.json (BASE_REFERENCE_IN_PARAMETERS)", definition: `{"StartAt":"State0","States":{"State0":{"Type":"Pass","Parameters":{"result":"$result"},"Assign":{"result":"foobar"},"Next":"State1"},"State1":{"Type":"Pass","ResultPath":"$.result","Parameters":{"result.$":"$result"},"End":true}}}`, input: `{}`, output: `{"result":{"result":"foobar"}}`},
		{source: recorded + "assign/test_assign_reference_variables.snapshot.json (BASE_REFERENCE_IN_CHOICE)", definition: `{"StartAt":"Setup","States":{"Setup":{"Type":"Pass","Assign":{"guess":"the_guess","answer":"the_answer"},"Next":"CheckAnswer"},"CheckAnswer":{"Type":"Choice","Choices":[{"Variable":"$guess","StringEqualsPath":"$answer","Next":"CorrectAnswer"}],"Default":"WrongAnswer"},"CorrectAnswer":{"Type":"Pass","Result":{"state":"CORRECT"},"End":true},"WrongAnswer":{"Type":"Pass","Assign":{"guess.$":"$answer"},"Result":{"state":"WRONG"},"Next":"CheckAnswer"}}}`, input: `{}`, output: `{"state":"CORRECT"}`},
		{source: recorded + "assign/test_assign_reference_variables.snapshot.json (BASE_REFERENCE_IN_ITERATOR_OUTER_SCOPE)", definition: `{"StartAt":"Input","States":{"Input":{"Type":"Pass","Result":[[9,44,6],[82,25,76]],"Assign":{"bias":4.3},"Next":"IterateLevels"},"IterateLevels":{"Type":"Map","MaxConcurrency":1,"ItemProcessor":{"ProcessorConfig":{"Mode":"INLINE"},"StartAt":"AssignCurrentVector","States":{"AssignCurrentVector":{"Type":"Pass","Assign":{"xCurrent.$":"$[0]","yCurrent.$":"$[1]","zCurrent.$":"$[2]"},"Next":"Summate"},"Summate":{"Type":"Pass","Parameters":{"Sum.$":"States.MathAdd(States.MathAdd(States.MathAdd($yCurrent, $xCurrent), $zCurrent), $bias)"},"End":true}}},"End":true}}}`, input: `{}`, output: `[{"Sum":63},{"Sum":187}]`},
		{source: recorded + "assign/test_assign_base.snapshot.json (BASE_SCOPE_PARALLEL)", definition: `{"StartAt":"S0","States":{"S0":{"Type":"Pass","Assign":{"x":42},"Next":"S1"},"S1":{"Type":"Parallel","Branches":[{"StartAt":"B1","States":{"B1":{"Type":"Pass","Assign":{"innerX.$":"$x"},"Next":"B11"},"B11":{"Type":"Pass","Parameters":{"v.$":"$innerX"},"End":true}}},{"StartAt":"B2","States":{"B2":{"Type":"Pass","Assign":{"innerX":7},"Next":"B21"},"B21":{"Type":"Pass","Parameters":{"v.$":"$innerX"},"End":true}}}],"End":true}}}`, input: `{}`, output: `[{"v":42},{"v":7}]`},
		{source: page + " (variables of branches go out of scope)", definition: then(`{"Type":"Parallel","Branches":[{"StartAt":"A","States":{"A":{"Type":"Pass","Assign":{"inner":1},"End":true}}}],"Next":"Ask"}`, `{"x.$":"$inner"}`), input: `{}`, errorName: "States.Runtime", cause: "the variable '$inner' has no value here"},
		{source: page + " (everywhere a path is taken)", definition: `{"StartAt":"Set","States":{"Set":{"Type":"Pass","Assign":{"list":[{"v":1},{"v":2}],"n":1,"zero":0},"Next":"Wait"},"Wait":{"Type":"Wait","SecondsPath":"$zero","Next":"Map"},"Map":{"Type":"Map","ItemsPath":"$list","MaxConcurrencyPath":"$n","ItemSelector":{"i.$":"$$.Map.Item.Value.v","n.$":"$n"},"ItemProcessor":{"StartAt":"A","States":{"A":{"Type":"Pass","End":true}}},"ResultSelector":{"r.$":"$[*].i","first.$":"$list[0].v"},"Next":"Out"},"Out":{"Type":"Succeed","OutputPath":"$list[1]"}}}`, input: `{}`, output: `{"v":2}`},
	} {
		c.check(t)
	}
}

func TestConformanceOfVariableLimits(t *testing.T) {
	const page = guide + "workflow-variables.html (Limits)"
	big := strings.Repeat("x", 200<<10)
	// Two variables of 200 KiB in one Assign are more than 256 KiB.
	o := newFixture(t).run(t, single(`{"Type":"Pass","Assign":{"a.$":"$.big","b.$":"$.big"},"End":true}`), `{"big":"`+big+`"}`)
	require.NotNil(t, o.failure, page)
	require.Equal(t, errorDataLimit, o.failure.name, page)
	// 52 of them, each in its own iteration of one outer scope's loop, are more than 10 MiB; replaced ones do not count.
	loop := func(name string) string {
		return `{"StartAt":"M","States":{"M":{"Type":"Map","ItemProcessor":{"StartAt":"A","States":{"A":{"Type":"Pass","Parameters":{"v.$":"$$.Execution.Input[0]"},"Assign":{"` + name + `.$":"$.v"},"Next":"B"},"B":{"Type":"Pass","Result":1,"End":true}}},"End":true}}}`
	}
	o = newFixture(t).run(t, loop("v"), `["`+big+`",2,3,4]`)
	require.Nil(t, o.failure, "scopes that have ended do not count")
	var states []string
	for i := range 53 {
		next := `"Next":"S` + intValue(int64(i+1)).text + `"`
		if i == 52 {
			next = `"End":true`
		}
		states = append(states, `"S`+intValue(int64(i)).text+`":{"Type":"Pass","Assign":{"v`+intValue(int64(i)).text+`.$":"$"},`+next+`}`)
	}
	o = newFixture(t).run(t, `{"StartAt":"S0","States":{`+strings.Join(states, ",")+`}}`, `"`+big+`"`)
	require.NotNil(t, o.failure, page)
	require.Contains(t, o.failure.cause, "more than 10485760")
}

func TestConformanceOfMapAndFail(t *testing.T) {
	const orders = `{"delivery-partner":"UQS","shipped":[{"prod":"R31","dest-code":9511,"quantity":1344},{"prod":"S39","dest-code":9511,"quantity":40}]}`
	for _, c := range []conformanceCase{
		{source: guide + "state-map-inline.html", definition: single(`{"Type":"Map","InputPath":"$.detail","ItemProcessor":{"ProcessorConfig":{"Mode":"INLINE"},"StartAt":"Validate","States":{"Validate":{"Type":"Pass","End":true}}},"ItemsPath":"$.shipped","ItemSelector":{"parcel.$":"$$.Map.Item.Value","courier.$":"$.delivery-partner"},"MaxConcurrency":0,"ResultPath":"$.detail.shipped","End":true}`),
			input:  `{"ship-date":"2016-03-14T01:59:00Z","detail":` + orders + `}`,
			output: `{"ship-date":"2016-03-14T01:59:00Z","detail":{"delivery-partner":"UQS","shipped":[{"parcel":{"prod":"R31","dest-code":9511,"quantity":1344},"courier":"UQS"},{"parcel":{"prod":"S39","dest-code":9511,"quantity":40},"courier":"UQS"}]}}`},
		{source: guide + "state-map-inline.html (Parameters and Iterator, the older names)", definition: single(`{"Type":"Map","ItemsPath":"$.shipped","Parameters":{"p.$":"$$.Map.Item.Value.prod"},"Iterator":{"StartAt":"A","States":{"A":{"Type":"Pass","End":true}}},"End":true}`), input: orders, output: `[{"p":"R31"},{"p":"S39"}]`},
		{source: guide + "state-map-inline.html (an empty array)", definition: single(`{"Type":"Map","ItemProcessor":{"StartAt":"A","States":{"A":{"Type":"Fail"}}},"End":true}`), input: `[]`, output: `[]`},
		{source: guide + "state-map-inline.html (more than 40 at once may be asked for)", definition: single(`{"Type":"Map","MaxConcurrency":1000,"ItemProcessor":{"StartAt":"A","States":{"A":{"Type":"Pass","End":true}}},"End":true}`), input: `[1]`, output: `[1]`},
		{source: guide + "state-map-inline.html (items must be an array)", definition: single(`{"Type":"Map","ItemProcessor":{"StartAt":"A","States":{"A":{"Type":"Succeed"}}},"End":true}`), input: `{}`, errorName: "States.Runtime"},
		{source: guide + "state-map-inline.html (MaxConcurrencyPath)", definition: single(`{"Type":"Map","ItemsPath":"$.l","MaxConcurrencyPath":"$.n","ItemProcessor":{"StartAt":"A","States":{"A":{"Type":"Pass","End":true}}},"End":true}`), input: `{"l":[1,2],"n":-1}`, errorName: "States.Runtime", cause: "MaxConcurrencyPath"},
		{source: guide + "state-fail.html", definition: single(`{"Type":"Fail","Cause":"Invalid response.","Error":"ErrorA"}`), input: `{}`, errorName: "ErrorA", cause: "Invalid response."},
		{source: guide + "state-fail.html", definition: single(`{"Type":"Fail","CausePath":"$.Cause","ErrorPath":"$.Error"}`), input: `{"Error":"E","Cause":"C"}`, errorName: "E", cause: "C"},
		{source: guide + "state-fail.html", definition: single(`{"Type":"Fail","CausePath":"States.Format('This is a custom error message for {}, caused by {}.', $.Error, $.Cause)","ErrorPath":"States.Format('{}', $.Error)"}`), input: `{"Error":"E","Cause":"C"}`, errorName: "E", cause: "This is a custom error message for E, caused by C."},
		{source: guide + "state-parallel.html", definition: single(`{"Type":"Parallel","Branches":[{"StartAt":"Add","States":{"Add":{"Type":"Pass","Parameters":{"sum.$":"States.MathAdd($[0], $[1])"},"OutputPath":"$.sum","End":true}}},{"StartAt":"Subtract","States":{"Subtract":{"Type":"Pass","Result":1,"End":true}}}],"End":true}`), input: `[3,2]`, output: `[5,1]`},
		{source: recorded + "error_handling (an error output has both members)", definition: `{"StartAt":"P","States":{"P":{"Type":"Parallel","Branches":[{"StartAt":"A","States":{"A":{"Type":"Fail"}}}],"Catch":[{"ErrorEquals":["States.ALL"],"Next":"H"}],"End":true},"H":{"Type":"Pass","End":true}}}`, input: `{}`, output: `{"Error":"","Cause":""}`},
	} {
		c.check(t)
	}
}

// A time without a zone is none; one that is over is not waited for.
func TestConformanceOfWaitingUntilATime(t *testing.T) {
	const source = recorded + "base/test_wait.snapshot.json"
	until := single(`{"Type":"Wait","TimestampPath":"$.start_at","End":true}`)
	for _, zone := range []string{"Z", ".000000Z", ".000Z", ".0000000Z", ".00Z"} {
		conformanceCase{source: source + " (test_wait_timestamppath)", definition: until, input: `{"start_at":"2023-12-11T22:01:34` + zone + `"}`, output: `{"start_at":"2023-12-11T22:01:34` + zone + `"}`}.check(t)
	}
	for _, noZone := range []string{"", ".000000", ".000"} {
		conformanceCase{source: source + " (test_wait_timestamppath)", definition: until, input: `{"start_at":"2023-12-11T22:01:34` + noZone + `"}`, errorName: "States.Runtime",
			cause: "The TimestampPath parameter does not reference a valid ISO-8601 extended offset date-time format string: $.start_at == 2023-12-11T22:01:34" + noZone}.check(t)
	}
}

// The example of the guide: ErrorA, ErrorB, ErrorC, ErrorB, ErrorB. The first two wait 1 and 2 s after the first retrier,
// the third 5 s after the second; the fourth finds the first retrier used up.
func TestConformanceOfRetries(t *testing.T) {
	const source = guide + "concepts-error-handling.html (Complex retry scenarios)"
	f := newFixture(t)
	errs := []string{"ErrorA", "ErrorB", "ErrorC", "ErrorB", "ErrorB"}
	var calls atomic.Int32
	f.backend.invoke = func(context.Context, string, []byte) (Invocation, error) {
		name := errs[calls.Add(1)-1]
		return Invocation{FunctionError: "Unhandled", Payload: []byte(`{"errorType":"` + name + `"}`)}, nil
	}
	done := f.async(t, `{"StartAt":"X","States":{"X":{"Type":"Task","Resource":"arn:aws:lambda:us-east-1:123456789012:function:X",
	 "Retry":[{"ErrorEquals":["ErrorA","ErrorB"],"IntervalSeconds":1,"BackoffRate":2.0,"MaxAttempts":2},{"ErrorEquals":["ErrorC"],"IntervalSeconds":5}],
	 "Catch":[{"ErrorEquals":["States.ALL"],"ResultPath":"$.error-info","Next":"Z"}],"Next":"Z"},
	 "Z":{"Type":"Pass","Parameters":{"retries.$":"$.error-info.Error"},"End":true}}}`, `{}`)
	for i, delay := range []time.Duration{time.Second, 2 * time.Second, 5 * time.Second} {
		f.clock.WaitForTimers(2) // the execution's limit and the back-off
		require.EqualValues(t, i+1, calls.Load(), source)
		f.clock.Advance(delay)
	}
	o := <-done
	require.EqualValues(t, 4, calls.Load(), source)
	require.Nil(t, o.failure)
	require.JSONEq(t, `{"retries":"ErrorB"}`, o.output.String(), source)
}

func TestConformanceOfErrors(t *testing.T) {
	const page = guide + "concepts-error-handling.html"
	call := func(more string) string {
		return `{"StartAt":"X","States":{"X":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","Parameters":{"FunctionName":"f"},` + more + `"End":true},"H":{"Type":"Pass","End":true}}}`
	}
	catch := func(names string) string { return call(`"Catch":[{"ErrorEquals":[` + names + `],"Next":"H"}],`) }
	large := func(*testing.T) (Invocation, error) {
		return Invocation{StatusCode: 200, Payload: []byte(`"` + strings.Repeat("x", maxDataBytes) + `"`)}, nil
	}
	custom := func(*testing.T) (Invocation, error) {
		return Invocation{FunctionError: "Unhandled", Payload: []byte(`{"errorType":"CustomError","errorMessage":"m"}`)}, nil
	}
	throttled := func(*testing.T) (Invocation, error) {
		return Invocation{}, &wire.Error{Status: 429, Code: "TooManyRequestsException", Message: "Rate exceeded"}
	}
	for name, c := range map[string]struct {
		source, definition string
		invoke             func(*testing.T) (Invocation, error)
		output             string
	}{
		"by its own name":      {page, catch(`"CustomError"`), custom, `{"Error":"CustomError","Cause":"{\"errorType\":\"CustomError\",\"errorMessage\":\"m\"}"}`},
		"by States.TaskFailed": {page, catch(`"States.TaskFailed"`), custom, `{"Error":"CustomError","Cause":"{\"errorType\":\"CustomError\",\"errorMessage\":\"m\"}"}`},
		"of the service":       {page, catch(`"Lambda.TooManyRequestsException"`), throttled, `{"Error":"Lambda.TooManyRequestsException","Cause":"Rate exceeded (Service: AWSLambda; Status Code: 429; Error Code: TooManyRequestsException; Request ID: an-id; Proxy: null)"}`},
		"too large, by name":   {recorded + "error_handling/test_states_errors.snapshot.json", catch(`"States.DataLimitExceeded"`), large, `{"Error":"States.DataLimitExceeded","Cause":"The state/task 'lambda' returned a result with a size exceeding the maximum number of bytes service limit."}`},
		"too large, by ALL":    {recorded + "error_handling/test_states_errors.snapshot.json", catch(`"States.ALL"`), large, `{"Error":"States.DataLimitExceeded","Cause":"The state/task 'lambda' returned a result with a size exceeding the maximum number of bytes service limit."}`},
		"without a type": {page, catch(`"Lambda.Unknown"`), func(*testing.T) (Invocation, error) {
			return Invocation{FunctionError: "Unhandled", Payload: []byte(`{"errorMessage":"t"}`)}, nil
		}, `{"Error":"Lambda.Unknown","Cause":"The cause could not be determined because Lambda did not return an error type. Returned payload: {\"errorMessage\":\"t\"}"}`},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.backend.invoke = func(context.Context, string, []byte) (Invocation, error) { return c.invoke(t) }
			o := f.run(t, c.definition, `{}`)
			require.Nil(t, o.failure, c.source)
			require.JSONEq(t, c.output, o.output.String(), c.source)
		})
	}
	// A state's own output that is too large, and States.Runtime, end the execution whatever is caught.
	for source, inner := range map[string]string{
		page + " (States.Runtime)":           `{"Type":"Pass","InputPath":"$.nope","End":true}`,
		page + " (States.DataLimitExceeded)": `{"Type":"Pass","Parameters":{"a.$":"$.big","b.$":"$.big"},"End":true}`,
	} {
		o := newFixture(t).run(t, `{"StartAt":"P","States":{"P":{"Type":"Parallel","Branches":[{"StartAt":"A","States":{"A":`+inner+`}}],"Retry":[{"ErrorEquals":["States.ALL"]}],"Catch":[{"ErrorEquals":["States.ALL"],"Next":"H"}],"End":true},"H":{"Type":"Succeed"}}}`, `{"big":"`+strings.Repeat("x", maxDataBytes/2)+`"}`)
		require.NotNil(t, o.failure, source)
	}
}

// Null for the text of a message is no text; the queue's answer is told in the words of the service's client.
func TestConformanceOfMessagesWithoutABody(t *testing.T) {
	const source = recorded + "error_handling/test_task_service_sqs.snapshot.json (test_send_message_empty_body)"
	f := newFixture(t)
	o := f.run(t, single(`{"Type":"Task","Resource":"arn:aws:states:::sqs:sendMessage","Parameters":{"QueueUrl":"q","MessageBody.$":"$.MessageBody"},"End":true}`), `{"MessageBody":null}`)
	require.Empty(t, f.backend.messages, source)
	require.NotNil(t, o.failure, source)
	require.Equal(t, "SQS.AmazonSQSException", o.failure.name, source)
	require.Equal(t, "The request must contain the parameter MessageBody. (Service: AmazonSQS; Status Code: 400; Error Code: MissingParameter; Request ID: an-id; Proxy: null)", o.failure.cause, source)
}

func TestConformanceOfFunctionResources(t *testing.T) {
	const source = guide + "state-task.html (Lambda function)"
	f := newFixture(t)
	f.backend.invoke = func(_ context.Context, function string, payload []byte) (Invocation, error) {
		require.Equal(t, "arn:aws:lambda:us-east-1:123456789012:function:HelloFunctionlive", function, source)
		return Invocation{StatusCode: 200, Payload: payload}, nil
	}
	o := f.run(t, single(`{"Type":"Task","Resource":"arn:aws:lambda:us-east-1:123456789012:function:HelloFunction:live","InputPath":"$.a","End":true}`), `{"a":{"who":"x"}}`)
	require.Nil(t, o.failure)
	require.JSONEq(t, `{"who":"x"}`, o.output.String(), source)
	f.backend.invoke = func(context.Context, string, []byte) (Invocation, error) {
		return Invocation{Payload: []byte(`"` + strings.Repeat("x", maxDataBytes) + `"`)}, nil
	}
	o = newFixtureLike(t, f).run(t, `{"StartAt":"S","States":{"S":{"Type":"Task","Resource":"arn:aws:lambda:us-east-1:123456789012:function:F","Catch":[{"ErrorEquals":["States.ALL"],"Next":"H"}],"End":true},"H":{"Type":"Succeed","OutputPath":"$.Cause"}}}`, `{}`)
	require.JSONEq(t, `"The state/task 'arn:aws:lambda:us-east-1:123456789012:function:F' returned a result with a size exceeding the maximum number of bytes service limit."`, o.output.String(), recorded+"error_handling/test_states_errors.snapshot.json")
}

// newFixtureLike makes a service with the backend of another.
func newFixtureLike(t *testing.T, f *fixture) *fixture {
	return newFixture(t, func(o *Options) { o.Functions = f.backend })
}

func TestConformanceOfValidation(t *testing.T) {
	const source = recorded + "test_sfn_api_validation.snapshot.json"
	diagnostic := func(code, message, location string) any {
		d := in{"severity": "ERROR", "code": code, "message": message}
		if location != "" {
			d["location"] = location
		}
		return d
	}
	for _, c := range []struct {
		source, kind, definition string
		want                     []any
	}{
		{source, "STANDARD", ``, []any{diagnostic("SCHEMA_VALIDATION_FAILED", "Definition must be a valid JSON object", "")}},
		{source, "STANDARD", `{}`, []any{diagnostic("SCHEMA_VALIDATION_FAILED", "These fields are required: [States, StartAt]", "/")}},
		{source, "EXPRESS", `{"States":{"A":{"Type":"Succeed"}}}`, []any{diagnostic("SCHEMA_VALIDATION_FAILED", "These fields are required: [StartAt]", "/")}},
		{source, "EXPRESS", `{"StartAt":"SendMessageWithWait","States":{"SendMessageWithWait":{"Type":"Task","Resource":"arn:aws:states:::sqs:sendMessage.waitForTaskToken","End":true}}}`,
			[]any{diagnostic("SCHEMA_VALIDATION_FAILED", "Express state machine does not support '.waitForTaskToken' service integration ", "/States/SendMessageWithWait/Resource")}},
		{source, "EXPRESS", single(`{"Type":"Pass","End":true}`), []any{}},
		{measured + "2735", "STANDARD", `{"StartAt":"A","States":{"A":{"Type":"Pass","Next":"A"}}}`, []any{diagnostic("MISSING_END_STATE", "Workflow has no terminal state", "")}},
		{measured + "2735", "STANDARD", `{"StartAt":"M","States":{"M":{"Type":"Map","TimeoutSeconds":1,"ItemProcessor":{"StartAt":"A","States":{"A":{"Type":"Succeed"}}},"End":true}}}`, []any{diagnostic("SCHEMA_VALIDATION_FAILED", "Field 'TimeoutSeconds' is not supported", "/States/M")}},
		{measured + "2968", "STANDARD", `{"StartAt":"M","States":{"M":{"Type":"Pass","Output":1,"End":true}}}`, []any{diagnostic("SCHEMA_VALIDATION_FAILED", "The QueryLanguage is set to 'JSONPath', but field 'Output' is only supported for the 'JSONata' QueryLanguage", "/States/M")}},
		{measured + "2968", "STANDARD", `{"StartAt":"M","States":{"M":{"Type":"Map","ItemProcessor":{"QueryLanguage":"JSONPath","StartAt":"A","States":{"A":{"Type":"Succeed"}}},"End":true}}}`, []any{diagnostic("SCHEMA_VALIDATION_FAILED", "Field 'QueryLanguage' is not supported", "/States/M/ItemProcessor")}},
		{"https://github.com/localstack/localstack/pull/12487", "STANDARD", `{"StartAt":"pass1","States":{"pass1":{"Type":"Pass","Next":"pass3"},"pass2":{"Type":"Pass","End":true}}}`,
			[]any{diagnostic("MISSING_TRANSITION_TARGET", "Missing 'Next' target: pass3", "/States/pass1/Next"), diagnostic("MISSING_TRANSITION_TARGET", `State "pass2" is not reachable.`, "/States/pass2")}},
		{"https://github.com/localstack/localstack/pull/13446", "STANDARD", single(`{"Type":"TypeThatDoesNotExist"}`), []any{diagnostic("SCHEMA_VALIDATION_FAILED", "The field 'Type' should have one of these values: [Task, Wait, Pass, Succeed, Fail, Choice, Parallel, Map]", "/States/S/Type")}},
	} {
		f := newFixture(t)
		status, out := f.call(t, "ValidateStateMachineDefinition", in{"definition": c.definition, "type": c.kind})
		require.Equal(t, 200, status)
		result := "FAIL"
		if len(c.want) == 0 {
			result = "OK"
		}
		require.Equal(t, in{"result": result, "diagnostics": c.want, "truncated": false}, out, c.source)
		if len(c.want) == 0 || c.definition == "" {
			continue
		}
		status, out = f.call(t, "CreateStateMachine", in{"name": "m", "roleArn": testRole, "definition": c.definition, "type": c.kind})
		require.Equal(t, 400, status, c.source)
		require.Equal(t, "InvalidDefinition", out["__type"], c.source)
		var texts []string
		for _, d := range c.want {
			location, _ := d.(in)["location"].(string)
			if location == "" {
				location = "null"
			}
			texts = append(texts, d.(in)["code"].(string)+": "+d.(in)["message"].(string)+" at "+location)
		}
		require.Equal(t, "Invalid State Machine Definition: '"+strings.Join(texts, ", ")+"'", out["message"], c.source)
	}
	f := newFixture(t)
	_, out := f.call(t, "ValidateStateMachineDefinition", in{"definition": `{"StartAt":"A","States":{"A":{"Type":"X"},"B":{"Type":"Y"}}}`, "maxResults": 1})
	require.Len(t, out["diagnostics"], 1, apiPages+"API_ValidateStateMachineDefinition.html")
	require.Equal(t, true, out["truncated"])
}

// refusalsInDocs are the refusals of a service that the documentation lists.
func refusalsInDocs(t *testing.T, service string) []string {
	text, err := os.ReadFile("../../docs/reference/local-runtime.md")
	require.NoError(t, err)
	_, refused, ok := strings.Cut(string(text), "## Refused features")
	require.True(t, ok)
	for line := range strings.SplitSeq(refused, "\n") {
		if row, ok := strings.CutPrefix(line, "| "+service+" | "); ok {
			return strings.Split(strings.TrimSuffix(row, " |"), "; ")
		}
	}
	t.Fatalf("no row for %s", service)
	return nil
}

// refusal is something the runtime does not do: a definition that is refused, or a call with its answer's status.
type refusal struct {
	documented string
	definition string
	operation  string
	call       in
	status     int
	want       string
}

func refusals() []refusal {
	const machineARN = "arn:aws:states:us-east-1:000000000000:stateMachine:m"
	path := func(p string) string { return parameters(`{"a.$":"` + p + `"}`) }
	item := `"ItemProcessor":{"StartAt":"A","States":{"A":{"Type":"Succeed"}}}`
	invoke := `"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","Parameters":{"FunctionName":"f"},`
	return []refusal{
		{documented: "JSONata (`QueryLanguage`)", definition: `{"QueryLanguage":"JSONata","StartAt":"S","States":{"S":{"Type":"Succeed"}}}`, want: "QueryLanguage 'JSONata' is not done by the local runtime"},
		{documented: "distributed Map and its fields", definition: single(`{"Type":"Map","ItemProcessor":{"ProcessorConfig":{"Mode":"DISTRIBUTED","ExecutionType":"EXPRESS"},"StartAt":"A","States":{"A":{"Type":"Succeed"}}},"End":true}`), want: `the mode "DISTRIBUTED" are not done by the local runtime`},
		{documented: "distributed Map and its fields", definition: single(`{"Type":"Map","ItemReader":{},` + item + `,"End":true}`), want: "Field 'ItemReader' is not done by the local runtime"},
		{documented: "task resources other than `events:putEvents`, `sqs:sendMessage`, `lambda:invoke`, `sns:publish` and functions by their ARN", definition: single(`{"Type":"Task","Resource":"arn:aws:states:::dynamodb:putItem","Parameters":{},"End":true}`), want: "The resource arn:aws:states:::dynamodb:putItem is not done by the local runtime"},
		{documented: "task resources other than `events:putEvents`, `sqs:sendMessage`, `lambda:invoke`, `sns:publish` and functions by their ARN", definition: single(`{` + strings.Replace(invoke, `"FunctionName":"f"`, `"FunctionName":"f","InvocationType":"Event"`, 1) + `"End":true}`), want: `The field "InvocationType" is not supported by this resource of the local runtime`},
		{documented: "`.sync`, `.waitForTaskToken` and activities", definition: single(`{"Type":"Task","Resource":"arn:aws:states:::sqs:sendMessage.waitForTaskToken","End":true}`), want: "waits for an answer (.sync, .waitForTaskToken), which is not done by the local runtime"},
		{documented: "`.sync`, `.waitForTaskToken` and activities", definition: single(`{"Type":"Task","Resource":"arn:aws:states:us-east-1:000000000000:activity:a","End":true}`), want: "Activities are not done by the local runtime"},
		{documented: "`HeartbeatSeconds` and `Credentials` of a Task", definition: single(`{` + invoke + `"HeartbeatSeconds":1,"End":true}`), want: "Field 'HeartbeatSeconds' is not done by the local runtime"},
		{documented: "`HeartbeatSeconds` and `Credentials` of a Task", definition: single(`{` + invoke + `"Credentials":{},"End":true}`), want: "Field 'Credentials' is not done by the local runtime"},
		{documented: "`States.MathRandom` with a seed", definition: path("States.MathRandom(1, 2, 3)"), want: "a seed is not done by the local runtime"},
		{documented: "in paths: functions (`length()`)", definition: path("$.a.length()"), want: "the function length() of a path is not done by the local runtime"},
		{documented: "scripts (`[(@.length-1)]`)", definition: path("$.a[(@.length-1)]"), want: "the script expression [(@.length-1)] is not done by the local runtime"},
		{documented: "several names in brackets", definition: path("$['a','b']"), want: "more than one name in brackets is not done by the local runtime"},
		{documented: "`..` before an index, a slice or a filter", definition: path("$..[0]"), want: "recursive descent (..) is done by the local runtime for names and *"},
		{documented: "anything after `..*`", definition: path("$..*.a"), want: "what follows ..* is not done by the local runtime"},
		{documented: "slices from both ends (`[1:-1]`)", definition: path("$.a[1:-1]"), want: "count from different ends is not done by the local runtime"},
		{documented: "in filters: operators other than `==` `!=` `<` `<=` `>` `>=` `&&` and the logical or", definition: path("$.a[?(@.b =~ /x/)]"), want: "is not done by the local runtime: only == != < <= > >="},
		{documented: "in filters: operators other than `==` `!=` `<` `<=` `>` `>=` `&&` and the logical or", definition: path("$.a[?(!@.b)]"), want: "negation (!) is not done by the local runtime"},
		{documented: "paths from `$`", definition: path("$.a[?(@.b == $.c)]"), want: "a path that starts at $ within a filter is not done by the local runtime"},
		{documented: "escapes in their strings", definition: path(`$.a[?(@.b == 'x\\'y')]`), want: "an escape in a string of a filter is not done by the local runtime"},
		{documented: "versions, aliases, map runs, tags and redrives of state machines and executions", operation: "CreateStateMachine", call: in{"name": "v", "roleArn": testRole, "definition": single(`{"Type":"Succeed"}`), "publish": true}, status: 501, want: "versions of state machines (publish)"},
		{documented: "versions, aliases, map runs, tags and redrives of state machines and executions", operation: "DescribeStateMachine", call: in{"stateMachineArn": machineARN + ":1"}, status: 501, want: "versions, aliases and map runs of state machines"},
		{documented: "versions, aliases, map runs, tags and redrives of state machines and executions", operation: "RedriveExecution", call: in{}, status: 501, want: "the local runtime does not do states:RedriveExecution"},
		{documented: "versions, aliases, map runs, tags and redrives of state machines and executions", operation: "TagResource", call: in{}, status: 501, want: "the local runtime does not do states:TagResource"},
		{documented: "versions, aliases, map runs, tags and redrives of state machines and executions", operation: "ListExecutions", call: in{"stateMachineArn": machineARN, "redriveFilter": "REDRIVEN"}, status: 501, want: "lists of executions by mapRunArn or redriveFilter"},
		{documented: "`GetExecutionHistory`", operation: "GetExecutionHistory", call: in{"executionArn": "arn:aws:states:us-east-1:000000000000:execution:m:n"}, status: 501, want: "the local runtime does not do states:GetExecutionHistory"},
		{documented: "`includedData` other than `ALL_DATA`", operation: "DescribeStateMachine", call: in{"stateMachineArn": machineARN, "includedData": "METADATA_ONLY"}, status: 501, want: "includedData METADATA_ONLY"},
		{documented: "diagnostics of the severity `WARNING`", operation: "ValidateStateMachineDefinition", call: in{"definition": `{}`, "severity": "WARNING"}, status: 501, want: "diagnostics of the severity WARNING"},
	}
}

// The list in the documentation and the tested one are the same, and every refusal is an error that names the feature.
func TestRefusals(t *testing.T) {
	tested := map[string]bool{}
	for _, r := range refusals() {
		tested[r.documented] = true
		t.Run(r.documented, func(t *testing.T) {
			f := newFixture(t)
			if r.definition != "" {
				r.operation, r.status, r.call = "CreateStateMachine", 400, in{"name": "m", "roleArn": testRole, "definition": r.definition}
			}
			status, out := f.call(t, r.operation, r.call)
			require.Equal(t, r.status, status, out)
			require.Contains(t, out["message"], r.want)
			require.Equal(t, map[int]string{400: "InvalidDefinition", 501: "NotImplemented"}[r.status], out["__type"])
		})
	}
	for _, documented := range refusalsInDocs(t, "Step Functions") {
		require.True(t, tested[documented], "the documentation lists %q, which is not tested", documented)
		delete(tested, documented)
	}
	require.Empty(t, tested, "tested, but not in the documentation")
}
