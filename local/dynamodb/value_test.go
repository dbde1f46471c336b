package dynamodb

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestItemEncodingIsCanonical(t *testing.T) {
	item, err := decodeItem(json.RawMessage(` { "b" : {"NS":["10","9.50","-3"]}, "a":{"S":"q\"\\\n\u00e9\ud83d\ude00\u0001"},
		"m":{"M":{"z":{"NULL":true},"y":{"L":[{"BOOL":false},{"N":"1.50"}]}}}, "c":{"B":"AAEC"}, "d":{"SS":["b","a"]}, "a0":{"S":""} } `))
	require.NoError(t, err)
	image := encodeItem(item)
	require.Equal(t, `{"a":{"S":"q\"\\\né😀\u0001"},"a0":{"S":""},"b":{"NS":["-3","9.5","10"]},"c":{"B":"AAEC"},"d":{"SS":["a","b"]},`+
		`"m":{"M":{"y":{"L":[{"BOOL":false},{"N":"1.5"}]},"z":{"NULL":true}}}}`, string(image.json()))
	back, err := image.item()
	require.NoError(t, err)
	require.Equal(t, item, back)
	require.Equal(t, item.size(), image.size())
}

func TestItemSizes(t *testing.T) {
	for in, want := range map[string]int{
		`{"abc":{"S":"é"}}`:                      3 + 2,
		`{"a":{"N":"100"}}`:                      1 + 2,
		`{"a":{"N":"-123.45"}}`:                  1 + 5,
		`{"a":{"B":"AAEC"}}`:                     1 + 3,
		`{"a":{"BOOL":true}}`:                    1 + 1,
		`{"a":{"NULL":true}}`:                    1 + 1,
		`{"a":{"SS":["ab","c"]}}`:                1 + 3,
		`{"a":{"L":[{"S":"ab"},{"BOOL":true}]}}`: 1 + 3 + 2 + 3,
		`{"a":{"M":{"k":{"S":"ab"}}}}`:           1 + 3 + 1 + 3,
	} {
		item, err := decodeItem(json.RawMessage(in))
		require.NoError(t, err)
		require.Equal(t, want, item.size(), in)
	}
}

func TestAttributeValuesRefused(t *testing.T) {
	deep := strings.Repeat(`{"L":[`, 33) + strings.Repeat(`]}`, 33)
	for in, want := range map[string]string{
		`{}`:                   "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes",
		`{"S":"a","N":"1"}`:    "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes",
		`{"NULL":false}`:       "Null attribute value types must have the value of true",
		`{"SS":[]}`:            "One or more parameter values were invalid: An string set  may not be empty",
		`{"NS":[]}`:            "One or more parameter values were invalid: An number set  may not be empty",
		`{"BS":[]}`:            "One or more parameter values were invalid: Binary sets should not be empty",
		`{"SS":["a","a"]}`:     "One or more parameter values were invalid: Input collection [a, a] contains duplicates.",
		`{"NS":["1","1.0"]}`:   "Input collection contains duplicates",
		`{"N":"x"}`:            "The parameter cannot be converted to a numeric value: x",
		`{"X":"x"}`:            "Supplied AttributeValue is empty",
		`{"S":1}`:              "NUMBER_VALUE cannot be converted to String",
		`{"S":"a`:              "unterminated string",
		`{"B":"*"}`:            "reading binary",
		`{"L":{}}`:             "Start of list expected",
		`{"S":"a"} x`:          "unexpected data",
		`{"M":{"":{"S":"a"}}}`: "Attribute name must not be empty",
		deep:                   "Nesting Levels have exceeded supported limits",
	} {
		_, err := decodeValue(json.RawMessage(in))
		require.ErrorContains(t, err, want, in)
	}
}

func FuzzDecodeItem(f *testing.F) {
	f.Add([]byte(bicycle))
	f.Add([]byte(`{"a":{"L":[{"M":{}},{"N":"1e5"}]}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		item, err := decodeItem(raw)
		if err != nil {
			return
		}
		image := encodeItem(item)
		require.True(t, json.Valid(image.json()))
		back, err := image.item()
		require.NoError(t, err)
		require.Equal(t, image, encodeItem(back))
		again, err := decodeItem(image.json())
		require.NoError(t, err)
		require.Equal(t, image, encodeItem(again))
	})
}
