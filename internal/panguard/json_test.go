package panguard

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func noForm(string, string) bool { return false }

func TestAJSONDocumentIsSearchedMemberByMember(t *testing.T) {
	for document, want := range map[string]string{
		`{"a":"4111111111111111"}`:                              "a",
		`{"a":{"b":["x",{"c":"pay 4111-1111-1111-1111"}]}}`:     "c",
		`{"a":4111111111111111}`:                                "a",
		`{"a":[1,2,4111111111111111]}`:                          "a",
		`{"a":4.111111111111111e15}`:                            "a",
		`{"a":"\u0034111111111111111"}`:                         "a",
		`{"a":"say \"4111111111111111\""}`:                      "a",
		`{"4111111111111111":1}`:                                NameWithheld,
		`{"a": "NDExMTExMTExMTExMTExMQ=="}`:                     "a",
		`{"a":"4111111111111111`:                                "a", // cut off
		`{"a":"{\"b\":[\"4111\",\"1111\",\"1111\",\"1111\"]}"}`: "a",
	} {
		member, found := FindInJSON([]byte(document), noForm)
		require.True(t, found, document)
		require.Equal(t, want, member, document)
	}
	for _, document := range []string{``, `null`, `{}`, `{"a":"411111","b":"1111111111"}`, `{"a":123456789012,"b":12.5,"c":[true,null]}`, `"`, `{"a":"x\`, `{"a":-1e-7}`} {
		_, found := FindInJSON([]byte(document), noForm)
		require.False(t, found, document)
	}
}

func TestAMemberWithItsFormIsNotSearched(t *testing.T) {
	form := func(member, value string) bool { return member == "id" && len(value) == 16 }
	_, found := FindInJSON([]byte(`{"id":"4111111111111111"}`), form)
	require.False(t, found)
	member, found := FindInJSON([]byte(`{"id":"x4111111111111111","name":"4111111111111111"}`), form)
	require.True(t, found)
	require.Equal(t, "id", member)
}

func TestACardNumberAnywhereInAnyDocumentIsFound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		texts := rapid.SliceOfN(rapid.String(), 1, 5).Draw(t, "texts")
		at := rapid.IntRange(0, len(texts)-1).Draw(t, "at")
		texts[at] = strings.ReplaceAll(texts[at], "1", "") + " , 4111 1111 1111 1111 x"
		document, err := json.Marshal(map[string]any{"before": rapid.String().Draw(t, "value"), "list": texts})
		require.NoError(t, err)
		_, found := FindInJSON(document, noForm)
		require.True(t, found, string(document))
	})
}

func FuzzFindInJSON(f *testing.F) {
	f.Add(`{"a":"4111111111111111"}`)
	f.Add(`{"a":"\`)
	f.Add(`{"\ud800":1e400}`)
	f.Fuzz(func(t *testing.T, document string) { _, _ = FindInJSON([]byte(document), noForm) })
}
