package stepfunctions

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func evaluate(t *testing.T, text, input string) (*value, *failure) {
	t.Helper()
	e, err := compileExpression(text, "x.$", nil)
	require.NoError(t, err, text)
	env := &environment{random: func() float64 { return 0.999 }, newID: func() string { return "an-id" }}
	return e.eval(&scope{root: mustParse(t, input), context: func() *value { return mustParse(t, `{"Execution":{"Name":"n"}}`) }, env: env})
}

func TestIntrinsicFunctions(t *testing.T) {
	const input = `{"s":"a,b;c","n":7,"f":1.50,"list":[1,2,3,2,1.0],"o":{"a":1,"b":2},"p":{"b":3,"c":4},"j":"{\"k\":[1]}","quote":"it's {}","yes":true,"nil":null}`
	for text, want := range map[string]string{
		`States.Format('{}/{}', $.n, $.s)`:                           `"7/a,b;c"`,
		`States.Format('{} {} {} {}', $.f, $.yes, $.nil, $.o)`:       `"1.50 true null {\"a\":1,\"b\":2}"`,
		`States.Format('it\'s \{\} \\ {}', $.quote)`:                 `"it's {} \\ it's {}"`,
		`States.Format($.quote, 1)`:                                  `"it's 1"`,
		`States.Format('plain')`:                                     `"plain"`,
		`States.Format('{}', $$.Execution.Name)`:                     `"n"`,
		`States.Format('{}', $['s'])`:                                `"a,b;c"`,
		`States.StringToJson($.j)`:                                   `{"k":[1]}`,
		`States.JsonToString($.o)`:                                   `"{\"a\":1,\"b\":2}"`,
		`States.Array()`:                                             `[]`,
		`States.Array($.n, 'x', 1.5, null, true, States.Array(1))`:   `[7,"x",1.5,null,true,[1]]`,
		`States.ArrayPartition($.list, 2)`:                           `[[1,2],[3,2],[1.0]]`,
		`States.ArrayContains($.list, 3)`:                            `true`,
		`States.ArrayContains($.list, '3')`:                          `false`,
		`States.ArrayRange(1, 9, 4)`:                                 `[1,5,9]`,
		`States.ArrayRange(3, 1, -1)`:                                `[3,2,1]`,
		`States.ArrayGetItem($.list, 2)`:                             `3`,
		`States.ArrayLength($.list)`:                                 `5`,
		`States.ArrayUnique($.list)`:                                 `[1,2,3]`,
		`States.Base64Encode('Data to encode')`:                      `"RGF0YSB0byBlbmNvZGU="`,
		`States.Base64Decode('RGVjb2RlZCBkYXRh')`:                    `"Decoded data"`,
		`States.Hash('input data', 'SHA-1')`:                         `"aaff4a450a104cd177d28d18d74485e8cae074b7"`,
		`States.Hash('', 'MD5')`:                                     `"d41d8cd98f00b204e9800998ecf8427e"`,
		`States.Hash('abc', 'SHA-256')`:                              `"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"`,
		`States.JsonMerge($.o, $.p, false)`:                          `{"a":1,"b":3,"c":4}`,
		`States.MathRandom(1, 10)`:                                   `9`,
		`States.MathAdd($.n, -10)`:                                   `-3`,
		`States.MathAdd(1.5, 1)`:                                     `3`,
		`States.StringSplit($.s, ',;')`:                              `["a","b","c"]`,
		`States.StringSplit(',a,,b,', ',')`:                          `["a","b"]`,
		`States.UUID()`:                                              `"an-id"`,
		`States.StringToJson('')`:                                    `null`,
		`States.StringToJson(' ')`:                                   `null`,
		`States.ArrayLength($.list[?(@ >= 2)])`:                      `3`,
		`States.Format('{}', $.o..b)`:                                `"[2]"`,
		`States.ArrayGetItem(States.StringSplit($.s, ','), 1)`:       `"b;c"`,
		`States.StringSplit(States.Format('{}R-005', 'R-002,'),',')`: `["R-002","R-005"]`,
	} {
		v, err := evaluate(t, text, input)
		require.Nil(t, err, "%s: %v", text, err)
		require.Equal(t, want, v.String(), text)
	}
}

func TestIntrinsicFunctionsFail(t *testing.T) {
	for text, want := range map[string]string{
		`States.Format($.missing)`:                 errorRuntime,
		`States.Format($.n)`:                       errorIntrinsic,
		`States.Format($.two, 1)`:                  errorIntrinsic,
		`States.StringToJson('{')`:                 errorIntrinsic,
		`States.ArrayPartition($.list, 0)`:         errorIntrinsic,
		`States.ArrayGetItem($.list, 1)`:           errorIntrinsic,
		`States.ArrayGetItem($.list, -1)`:          errorIntrinsic,
		`States.ArrayGetItem($.list, 0.4)`:         errorIntrinsic,
		`States.ArrayGetItem($.list, '0')`:         errorIntrinsic,
		`States.ArrayRange(1, 1001, 1)`:            errorIntrinsic,
		`States.ArrayRange(1, 2, 0)`:               errorIntrinsic,
		`States.ArrayLength($.n)`:                  errorIntrinsic,
		`States.Base64Decode('%')`:                 errorIntrinsic,
		`States.Hash('a', 'CRC')`:                  errorIntrinsic,
		`States.Hash($.n, 'MD5')`:                  errorIntrinsic,
		`States.JsonMerge($, $, true)`:             errorIntrinsic,
		`States.MathAdd('1', 2)`:                   errorIntrinsic,
		`States.MathAdd(99999999999, 2)`:           errorIntrinsic,
		`States.MathRandom(2, 2)`:                  errorIntrinsic,
		`States.StringSplit($.n, ',')`:             errorIntrinsic,
		`States.Format('{}', States.MathAdd(1,2))`: "",
	} {
		_, err := evaluate(t, text, `{"n":1,"list":[0],"two":"{} {}"}`)
		if want == "" {
			require.Nil(t, err, text)
			continue
		}
		require.NotNil(t, err, text)
		require.Equal(t, want, err.name, text)
	}
}

func TestIntrinsicFunctionsRefusedAtCreation(t *testing.T) {
	for text, want := range map[string]string{
		`States.Nope($.a)`:             "States.Nope is not a function",
		`States.Format('{}')`:          "1 places for 0 values",
		`States.Format('{', $.a)`:      "single",
		`States.Format()`:              "does not take 0 arguments",
		`States.Format('a'`:            ") is missing",
		`States.Format('a`:             "not closed",
		`States.Format('a') x`:         "follows the call",
		`States.Format('a' 'b')`:       "where , or ) should be",
		`States.Array([1])`:            "not an argument",
		`States.Array("a")`:            "not an argument",
		`States.UUID(1)`:               "does not take 1 arguments",
		`States.MathRandom(1, 2, 3)`:   "seed",
		`States.Array($.a..[0])`:       "recursive descent",
		`States.Array($.a`:             ") is missing",
		`States.Format`:                "( is missing",
		`Format('a')`:                  "must be a valid JSONPath or a valid intrinsic function call",
		`States.Array(1,)`:             "not an argument",
		`States.Array(` + nested + `)`: "nested deeper",
	} {
		_, err := compileExpression(text, "x.$", nil)
		require.ErrorContains(t, err, want, text)
	}
}

const nested = `States.Array(States.Array(States.Array(States.Array(States.Array(States.Array(States.Array(States.Array(States.Array(States.Array(1))))))))))`

func FuzzCompileExpression(f *testing.F) {
	for _, seed := range []string{`States.Format('\'{}', $['a'][0])`, `$.a[1:2]`, `States.Array(-1e5, 'x')`, `$$.x.*`} {
		f.Add(seed)
	}
	doc, err := parse([]byte(`{"a":[{"b":1}],"x":"y"}`))
	require.NoError(f, err)
	env := &environment{random: func() float64 { return 0.5 }, newID: func() string { return "id" }}
	f.Fuzz(func(t *testing.T, text string) {
		e, err := compileExpression(text, "x.$", nil)
		if err != nil {
			return
		}
		v, failed := e.eval(&scope{root: doc, context: func() *value { return doc }, env: env})
		if failed == nil {
			require.Len(t, v.String(), v.size)
		}
	})
}
