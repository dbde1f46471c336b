package main

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"
)

func TestDecodeItemReadsEveryType(t *testing.T) {
	item, err := decodeItem([]byte(`{"s": {"S": "a"}, "n": {"N": "-1.50"}, "b": {"B": "AQI="}, "bool": {"BOOL": true}, "null": {"NULL": true},
		"ss": {"SS": ["a", "b"]}, "ns": {"NS": ["1"]}, "bs": {"BS": ["AQ=="]}, "m": {"M": {"l": {"L": [{"S": "a"}, {"N": "1"}]}}}}`), 0)
	require.NoError(t, err)
	require.Equal(t, map[string]types.AttributeValue{
		"s":    &types.AttributeValueMemberS{Value: "a"},
		"n":    &types.AttributeValueMemberN{Value: "-1.50"},
		"b":    &types.AttributeValueMemberB{Value: []byte{1, 2}},
		"bool": &types.AttributeValueMemberBOOL{Value: true},
		"null": &types.AttributeValueMemberNULL{Value: true},
		"ss":   &types.AttributeValueMemberSS{Value: []string{"a", "b"}},
		"ns":   &types.AttributeValueMemberNS{Value: []string{"1"}},
		"bs":   &types.AttributeValueMemberBS{Value: [][]byte{{1}}},
		"m": &types.AttributeValueMemberM{Value: map[string]types.AttributeValue{"l": &types.AttributeValueMemberL{Value: []types.AttributeValue{
			&types.AttributeValueMemberS{Value: "a"}, &types.AttributeValueMemberN{Value: "1"}}}}},
	}, item)
}

func TestDecodeItemRefuses(t *testing.T) {
	deep := strings.Repeat(`{"L": [`, maxItemDepth) + `{"S": "a"}` + strings.Repeat(`]}`, maxItemDepth)
	for input, want := range map[string]string{
		``:                                 "it is not a JSON object: unexpected end of JSON input",
		`null`:                             "it is not a JSON object: it is null",
		`[]`:                               "it is not a JSON object: json: cannot unmarshal array into Go value of type map[string]json.RawMessage",
		`{} {}`:                            "it is not a JSON object: invalid character '{' after top-level value",
		`{"a": {}}`:                        `attribute a: want {"TYPE": value} with one type such as "S" or "N"`,
		`{"a": {"S": "x", "N": "1"}}`:      `attribute a: want {"TYPE": value} with one type such as "S" or "N"`,
		`{"a": {"N": 1}}`:                  "attribute a: type N: json: cannot unmarshal number into Go value of type string",
		`{"a": {"B": "no base64"}}`:        "attribute a: type B: illegal base64 data at input byte 2",
		`{"a": {"M": null}}`:               "attribute a: type M: null is no value; leave the attribute out",
		`{"a": {"L": [null]}}`:             `attribute a: type L: want {"TYPE": value} with one type such as "S" or "N"`,
		`{"a": {"M": {"b": {"S": true}}}}`: "attribute a: type M: attribute b: type S: json: cannot unmarshal bool into Go value of type string",
	} {
		_, err := decodeItem([]byte(input), 0)
		require.EqualError(t, err, want, input)
	}
	_, err := decodeItem([]byte(`{"a": `+deep+`}`), 0)
	require.ErrorContains(t, err, "maps and lists are nested more than 32 deep")
}

func TestEveryExampleIsAnItem(t *testing.T) {
	for _, pattern := range []string{"authorizations", "try"} {
		files, err := filepath.Glob(filepath.Join("..", "..", examplesFolder, pattern, "*.json"))
		require.NoError(t, err)
		require.NotEmpty(t, files, pattern)
		for _, file := range files {
			_, err := readItem(file)
			require.NoError(t, err, file)
		}
	}
}

// Whatever is decoded is a JSON object, and each of its members is a value of a type that DynamoDB has.
func FuzzDecodeItem(f *testing.F) {
	for _, seed := range []string{``, `null`, `{"a": {"S": "x"}}`, `{"a": {"M": {"b": {"L": [{"N": "1"}, {"NULL": true}]}}}}`, `{"a": {"BS": ["AQ=="]}}`, `{"a": {"S": null}}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		item, err := decodeItem(data, 0)
		if err != nil {
			require.Nil(t, item)
			return
		}
		var members map[string]json.RawMessage
		require.NoError(t, json.Unmarshal(data, &members))
		require.Len(t, item, len(members))
		for name, value := range item {
			require.NotNil(t, value, name)
		}
	})
}
