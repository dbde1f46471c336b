package stepfunctions

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func mustParse(t testing.TB, text string) *value {
	t.Helper()
	v, err := parse([]byte(text))
	require.NoError(t, err, text)
	return v
}

func TestValuesPassThroughUnchanged(t *testing.T) {
	for text, want := range map[string]string{
		`1.50`:                           `1.50`,
		`12345678901234567890.123456789`: `12345678901234567890.123456789`,
		`-0`:                             `-0`,
		`1e400`:                          `1e400`,
		` { "b" : 1 , "a" : [ ] } `:      `{"b":1,"a":[]}`,
		`{"a":1,"b":2,"a":3}`:            `{"a":3,"b":2}`,
		`[{"a":1,"a":2},3]`:              `[{"a":2},3]`,
		`"\u00e9\n\/"`:                   `"\u00e9\n\/"`,
		`{"\u0061":1}`:                   `{"a":1}`,
		`[[],{},"",null,true,false]`:     `[[],{},"",null,true,false]`,
	} {
		require.Equal(t, want, mustParse(t, text).String(), text)
	}
	for _, text := range []string{``, `{`, `[1,]`, `01`, `"a`, "\"\xff\"", `{"a":1} x`} {
		_, err := parse([]byte(text))
		require.Error(t, err, text)
	}
}

func TestManyMembersWithDoubleNames(t *testing.T) {
	var members []string
	for i := range 3 * indexFrom {
		members = append(members, `"k`+string(rune('a'+i%50))+`":`+intValue(int64(i)).text)
	}
	text := "{" + strings.Join(members, ",") + "}"
	require.JSONEq(t, reencode(t, text), mustParse(t, text).String())
}

// reencode passes a text through encoding/json.
func reencode(t testing.TB, text string) string {
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	var v any
	require.NoError(t, decoder.Decode(&v))
	out, err := json.Marshal(v)
	require.NoError(t, err)
	return string(out)
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{`{"a":[1,{"b":"\ud83d\ude00"}],"a":null}`, `"\b\f\u0001"`, `{"\ud800":1,"\ud801":2}`, `-1.5e-7`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		v, err := parse(data)
		if err != nil {
			return
		}
		require.True(t, json.Valid(data))
		text := v.String()
		require.Len(t, text, v.size)
		require.Equal(t, reencode(t, string(data)), reencode(t, text))
		again, err := parse([]byte(text))
		require.NoError(t, err)
		require.True(t, v.equal(again) || strings.Contains(text, "e")) // 1e400 and the like are not comparable as doubles
	})
}

func TestStringsAreQuotedAsShortAsCanBe(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.String().Draw(t, "s")
		v := stringValue(s)
		var back string
		require.NoError(t, json.Unmarshal(v.json(), &back))
		require.Equal(t, s, back)
		require.Equal(t, len(v.text), quotedLen(s))
	})
}

func TestCompareNumbers(t *testing.T) {
	for _, tc := range []struct {
		a, b string
		want int
	}{
		{"1", "1.0", 0}, {"9007199254740993", "9007199254740992", 1}, {"0.1", "0.2", -1}, {"-1", "1", -1}, {"1e3", "1000", 0}, {"2", "10", -1},
	} {
		require.Equal(t, tc.want, compareNumbers(numberValue(tc.a), numberValue(tc.b)), "%s %s", tc.a, tc.b)
	}
}
