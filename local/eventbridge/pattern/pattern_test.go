package pattern

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// sample is the event of the event-ruler documentation.
const sample = `{"version":"0","id":"ddddd4-aaaa-7777-4444-345dd43cc333","detail-type":"EC2 Instance State-change Notification",
 "source":"aws.ec2","account":"012345679012","time":"2017-10-02T16:24:49Z","region":"us-east-1",
 "resources":["arn:aws:ec2:us-east-1:123456789012:instance/i-000000aaaaaa00000"],
 "detail":{"c-count":5,"d-count":3,"x-limit":301.8,"source-ip":"10.0.0.33","instance-id":"i-000000aaaaaa00000","state":"running",
  "nothing":null,"empty":"","flag":true,"list":[],"object":{"inner":1},"tags":["a","b"],"name":"Éclair","escaped":"a\"\u0062"}}`

func matches(t *testing.T, pattern, event string) bool {
	t.Helper()
	p, err := Compile([]byte(pattern))
	require.NoError(t, err)
	ok, err := p.MatchJSON([]byte(event))
	require.NoError(t, err)
	return ok
}

func TestOperators(t *testing.T) {
	for pattern, want := range map[string]bool{
		`"state": ["initializing","running"]`: true,
		`"state": ["RUNNING"]`:                false,
		`"escaped": ["a\"b"]`:                 true,
		`"tags": ["b","z"]`:                   true,
		`"tags": ["z"]`:                       false,
		`"flag": [true]`:                      true,
		`"flag": ["true"]`:                    false,
		`"nothing": [null]`:                   true,
		`"nothing": [""]`:                     false,
		`"empty": [""]`:                       true,
		`"empty": [null]`:                     false,
		`"missing": [null]`:                   false,
		`"c-count": [5]`:                      true,
		`"c-count": [5.0]`:                    true,
		`"c-count": ["5"]`:                    false,
		`"x-limit": [3.018e2]`:                true,
		`"state": [{"exactly":"running"}]`:    true,
		`"state": [{"prefix":"run"}]`:         true,
		`"state": [{"prefix":"ning"}]`:        false,
		`"state": [{"prefix":{"equals-ignore-case":"RUN"}}]`:                             true,
		`"c-count": [{"prefix":"5"}]`:                                                    false,
		`"state": [{"suffix":"ning"}]`:                                                   true,
		`"state": [{"suffix":{"equals-ignore-case":"NING"}}]`:                            true,
		`"state": [{"suffix":"run"}]`:                                                    false,
		`"state": [{"equals-ignore-case":"RunninG"}]`:                                    true,
		`"name": [{"equals-ignore-case":"éCLAIR"}]`:                                      true,
		`"state": [{"wildcard":"r*n*g"}]`:                                                true,
		`"state": [{"wildcard":"*"}]`:                                                    true,
		`"state": [{"wildcard":"r*x*g"}]`:                                                false,
		`"state": [{"wildcard":"running*running"}]`:                                      false,
		`"c-count": [{"numeric":[">",0,"<=",5]}]`:                                        true,
		`"c-count": [{"numeric":[">",5]}]`:                                               false,
		`"d-count": [{"numeric":["<",10]}]`:                                              true,
		`"x-limit": [{"numeric":["=",3.018e2]}]`:                                         true,
		`"account-as-text": [{"numeric":[">",0]}]`:                                       false,
		`"state": [{"numeric":[">",-5e9]}]`:                                              false,
		`"source-ip": [{"cidr":"10.0.0.0/24"}]`:                                          true,
		`"source-ip": [{"cidr":"10.0.1.0/24"}]`:                                          false,
		`"source-ip": [{"cidr":"10.0.0.34/24"}]`:                                         true,
		`"state": [{"cidr":"0.0.0.0/0"}]`:                                                false,
		`"state": [{"anything-but":"initializing"}]`:                                     true,
		`"state": [{"anything-but":["stopped","running"]}]`:                              false,
		`"missing": [{"anything-but":"x"}]`:                                              false,
		`"object": [{"anything-but":"x"}]`:                                               false,
		`"tags": [{"anything-but":"a"}]`:                                                 true,
		`"tags": [{"anything-but":["a","b"]}]`:                                           false,
		`"x-limit": [{"anything-but":[100,200,300]}]`:                                    true,
		`"x-limit": [{"anything-but":[100,301.80]}]`:                                     false,
		`"state": [{"anything-but":[100]}]`:                                              true,
		`"c-count": [{"anything-but":"5"}]`:                                              true,
		`"state": [{"anything-but":{"prefix":"init"}}]`:                                  true,
		`"state": [{"anything-but":{"prefix":["init","run"]}}]`:                          false,
		`"state": [{"anything-but":{"suffix":"ning"}}]`:                                  false,
		`"state": [{"anything-but":{"equals-ignore-case":["RUNNING"]}}]`:                 false,
		`"state": [{"anything-but":{"wildcard":"*/lib/*"}}]`:                             true,
		`"c-count": [{"anything-but":{"prefix":"5"}}]`:                                   true,
		`"c-count": [{"exists":true}]`:                                                   true,
		`"nothing": [{"exists":true}]`:                                                   true,
		`"missing": [{"exists":true}]`:                                                   false,
		`"missing": [{"exists":false}]`:                                                  true,
		`"c-count": [{"exists":false}]`:                                                  false,
		`"object": [{"exists":true}]`:                                                    false,
		`"object": [{"exists":false}]`:                                                   true,
		`"list": [{"exists":true}]`:                                                      false,
		`"list": [{"exists":false}]`:                                                     true,
		`"missing": [{"exists":false},"x"]`:                                              true,
		`"missing": {"deeper": [{"exists":false}]}`:                                      true,
		`"object": {"inner": [1]}`:                                                       true,
		`"object.inner": [1]`:                                                            true,
		`"state": ["running"], "c-count": [6]`:                                           false,
		`"$or": [{"c-count":[{"numeric":[">",9]}]},{"x-limit":[{"numeric":["<",400]}]}]`: true,
		`"$or": [{"c-count":[9]},{"d-count":[9]}]`:                                       false,
		`"$or": [{"c-count":[9]},{"d-count":[3],"$or":[{"state":["x"]},{"flag":[true]}]}], "empty":[""]`: true,
	} {
		t.Run(pattern, func(t *testing.T) {
			require.Equal(t, want, matches(t, `{"detail":{`+pattern+`}}`, sample))
		})
	}
}

func TestEnvelopeFields(t *testing.T) {
	require.True(t, matches(t, `{"detail-type":["EC2 Instance State-change Notification"],"source":[{"prefix":"aws."}],
		"resources":["arn:aws:ec2:us-east-1:123456789012:instance/i-000000aaaaaa00000"],"time":[{"prefix":"2017-10-02"}]}`, sample))
	require.False(t, matches(t, `{"replay-name":[{"exists":true}]}`, sample))
}

func TestArrays(t *testing.T) {
	const employees = `{"employees":[{"firstName":"John","lastName":"Doe"},{"firstName":"Anna","lastName":"Smith"},
		{"firstName":"Peter","lastName":"Jones","nick":"Pete"}]}`
	const nested = `{"employees":[[{"firstName":"John","lastName":"Doe"},{"firstName":"Anna","lastName":"Smith"}],
		[{"firstName":"Peter","lastName":"Jones"}]]}`
	for name, tc := range map[string]struct {
		pattern, event string
		want           bool
	}{
		"one field":                     {`{"employees":{"firstName":["Anna"]}}`, employees, true},
		"siblings of one element":       {`{"employees":{"firstName":["Anna"],"lastName":["Smith"]}}`, employees, true},
		"siblings of two elements":      {`{"employees":{"firstName":["Anna"],"lastName":["Jones"]}}`, employees, false},
		"later candidate is consistent": {`{"employees":{"firstName":["John","Peter"],"lastName":["Jones"]}}`, employees, true},
		"nested arrays":                 {`{"employees":{"firstName":["Anna"],"lastName":["Smith"]}}`, nested, true},
		"across nested arrays":          {`{"employees":{"firstName":["Anna"],"lastName":["Jones"]}}`, nested, false},
		"absent in the chosen element":  {`{"employees":{"firstName":["Anna"],"nick":[{"exists":false}]}}`, employees, true},
		"present in the chosen element": {`{"employees":{"firstName":["Peter"],"nick":[{"exists":false}]}}`, employees, false},
		"field outside the array":       {`{"a":{"x":[1]},"b":[2]}`, `{"a":[{"x":0},{"x":1}],"b":2}`, true},
		"two arrays are independent":    {`{"a":{"x":[1]},"b":{"y":[2]}}`, `{"a":[{"x":0},{"x":1}],"b":[{"y":2},{"y":3}]}`, true},
		"array within an element":       {`{"a":{"n":["k"],"v":{"x":[1]}}}`, `{"a":[{"n":"j","v":[{"x":1}]},{"n":"k","v":[{"x":2}]}]}`, false},
		"scalars and objects mixed":     {`{"a":["s"]}`, `{"a":[{"x":1},"s"]}`, true},
	} {
		t.Run(name, func(t *testing.T) { require.Equal(t, tc.want, matches(t, tc.pattern, tc.event)) })
	}
}

func TestLastOfDuplicateNamesCounts(t *testing.T) {
	require.True(t, matches(t, `{"a":[2]}`, `{"a":1,"b":0,"a":2}`))
	require.False(t, matches(t, `{"a":[1]}`, `{"a":1,"b":0,"a":2}`))
}

func TestDottedNames(t *testing.T) {
	for _, pattern := range []string{`{"detail":{"state":{"status":["running"]}}}`, `{"detail":{"state.status":["running"]}}`} {
		for _, event := range []string{`{"detail":{"state":{"status":"running"}}}`, `{"detail":{"state.status":"running"}}`} {
			require.True(t, matches(t, pattern, event))
		}
	}
}

func TestInvalidPatternsAreRefused(t *testing.T) {
	for pattern, reason := range map[string]string{
		``:                                       "Invalid JSON",
		`{`:                                      "Invalid JSON",
		`[]`:                                     "Filter is not an object",
		`{}`:                                     "Empty objects are not allowed",
		`{"a":{}}`:                               "Empty objects are not allowed (at a)",
		`{"a":[]}`:                               "Empty arrays are not allowed (at a)",
		`{"a":"x"}`:                              `"a" must be an object or an array`,
		`{"a":[[1]]}`:                            "Match value must be String, number, true, false, or null (at a)",
		`{"a":[{}]}`:                             "Match expression name not found (at a)",
		`{"a":{"b":[{"regex":"x"}]}}`:            "Unrecognized match type regex (at a.b)",
		`{"a":[{"prefix":"x","suffix":"y"}]}`:    "Only one key allowed in match expression (at a)",
		`{"a":[{"prefix":1}]}`:                   "prefix match pattern must be a string (at a)",
		`{"a":[{"prefix":{"wildcard":"x"}}]}`:    "Unsupported prefix pattern: wildcard (at a)",
		`{"a":[{"exists":"yes"}]}`:               "exists match pattern must be either true or false. (at a)",
		`{"a":[{"wildcard":"x**y"}]}`:            "Consecutive wildcard characters at pos 2 (at a)",
		`{"a":[{"wildcard":"x\\y"}]}`:            "Invalid escape character at pos 2 (at a)",
		`{"a":[{"cidr":"10.0.0.1"}]}`:            "Malformed CIDR, one '/' required (at a)",
		`{"a":[{"cidr":"10.0.0.1/32"}]}`:         "IPv4 mask bits must be < 32 (at a)",
		`{"a":[{"numeric":">"}]}`:                "Value of numeric must be an array. (at a)",
		`{"a":[{"numeric":[">"]}]}`:              "Value of > must be numeric (at a)",
		`{"a":[{"numeric":["!",1]}]}`:            "Unrecognized numeric range operator: ! (at a)",
		`{"a":[{"numeric":[">","1"]}]}`:          "Value of > must be numeric (at a)",
		`{"a":[{"numeric":["<",1,">",0]}]}`:      "Too many elements in numeric expression (at a)",
		`{"a":[{"numeric":[">",1,">",2]}]}`:      "Bad numeric range operator: > (at a)",
		`{"a":[{"numeric":[">",2,"<",1]}]}`:      "Bottom must be less than top (at a)",
		`{"a":[{"numeric":[">",5000000001]}]}`:   "Value 5000000001 must be between -5.0E9 and 5.0E9, inclusive, with at most 6 digits after the point (at a)",
		`{"a":[{"numeric":[">",1e999999999]}]}`:  "Value 1e999999999 must be between -5.0E9 and 5.0E9, inclusive, with at most 6 digits after the point (at a)",
		`{"a":[{"numeric":[">",0.0000001]}]}`:    "Value 0.0000001 must be between -5.0E9 and 5.0E9, inclusive, with at most 6 digits after the point (at a)",
		`{"a":[{"anything-but":[]}]}`:            "Inside anything but list, either all values are number or string, mixed type is not supported (at a)",
		`{"a":[{"anything-but":["x",1]}]}`:       "Inside anything but list, either all values are number or string, mixed type is not supported (at a)",
		`{"a":[{"anything-but":[true]}]}`:        "Inside anything but list, start|null|boolean is not supported. (at a)",
		`{"a":[{"anything-but":{"cidr":"x"}}]}`:  "Unsupported anything-but pattern: cidr (at a)",
		`{"a":[{"anything-but":{"prefix":""}}]}`: "Null prefix/suffix not allowed (at a)",
		`{"a":[{"anything-but":{"prefix":[]}}]}`: "Empty arrays are not allowed in anything-but prefix (at a)",
		`{"$or":[{"a":[1]}]}`:                    "There must have at least 2 Objects in $or relationship.",
		`{"$or":{"a":[1]}}`:                      "It must be an Array followed with $or.",
		`{"$or":[1,2]}`:                          "Only JSON object is allowed in array of $or relationship.",
		`{"$or":[{"prefix":[1]},{"b":[1]}]}`:     "prefix is Ruler reserved fieldName which cannot be used inside $or.",
	} {
		t.Run(pattern, func(t *testing.T) {
			_, err := Compile([]byte(pattern))
			require.EqualError(t, err, reason)
		})
	}
	_, err := Compile([]byte(`{"a":["` + strings.Repeat("x", MaxLength) + `"]}`))
	require.EqualError(t, err, "the pattern has 4106 characters, at most 4096 are allowed")
}

func TestTooManyOrCombinationsAreRefused(t *testing.T) {
	var parts []string
	for i := range 10 { // 2^10 combinations.
		parts = append(parts, fmt.Sprintf(`"o%d":{"$or":[{"a":[1]},{"b":[1]}]}`, i))
	}
	_, err := Compile([]byte("{" + strings.Join(parts, ",") + "}"))
	require.EqualError(t, err, "the $or branches make more than 1000 combinations")
}

func TestPipesTakeFewerOperators(t *testing.T) {
	for pattern, reason := range map[string]string{
		`{"a":[{"wildcard":"x*"}]}`:               "pipes do not support wildcard (at a)",
		`{"a":[{"anything-but":{"prefix":"x"}}]}`: "pipes do not support anything-but with prefix (at a)",
	} {
		_, err := CompileFilter([]byte(pattern))
		require.EqualError(t, err, reason)
	}
	_, err := CompileFilter([]byte(`{"eventName":["INSERT",{"anything-but":"REMOVE"}],"dynamodb":{"NewImage":{"status":{"S":["APPROVED"]}}}}`))
	require.NoError(t, err)
}

func TestNumbersCompareExactly(t *testing.T) {
	for _, tc := range []struct {
		text string
		want number
	}{
		{"0.1", 100_000}, {"1e-1", 100_000}, {"-0", 0}, {"0.30", 300_000}, {"1E2", 100_000_000}, {"4999999999.999999", 4_999_999_999_999_999},
		{"5000000000", numberLimit}, {"-5e9", -numberLimit}, {"-0.000001", -1}, {"123456.789012", 123_456_789_012}, {"0.1000000", 100_000},
		{"0.00000000000000000012e20", 12_000_000},
	} {
		n, ok := parseNumber(tc.text)
		require.True(t, ok, tc.text)
		require.Equal(t, tc.want, n, tc.text)
	}
	for _, text := range []string{"5000000000.000001", "5000000000.0000001", "-5000000001", "0.0000001", "1e10", "1e99999", "012345679012e3"} {
		_, ok := parseNumber(text)
		require.False(t, ok, text)
	}
}

// A value that a pattern names is found wherever it stands in an event, and after any other formatting of the event.
func TestExactMatchAgainstDecodedEvent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		keys := rapid.SampledFrom([]string{"a", "b", "c"})
		text := rapid.String()
		depth := rapid.IntRange(1, 4).Draw(t, "depth")
		var event, pattern any = text.Draw(t, "value"), nil
		pattern = []any{event}
		for range depth {
			key := keys.Draw(t, "key")
			siblings := map[string]any{"x" + text.Draw(t, "sibling"): text.Draw(t, "other"), key: event}
			event, pattern = siblings, map[string]any{key: pattern}
			if rapid.Bool().Draw(t, "in an array") {
				event = map[string]any{"l": []any{1, event, "}]"}}
				pattern = map[string]any{"l": pattern}
			}
		}
		encodedPattern, err := json.Marshal(pattern)
		require.NoError(t, err)
		encodedEvent, err := json.MarshalIndent(event, " ", "\t")
		require.NoError(t, err)
		p, err := Compile(encodedPattern)
		require.NoError(t, err)
		ok, err := p.MatchJSON(encodedEvent)
		require.NoError(t, err)
		require.True(t, ok)
	})
}

// The walker must agree with encoding/json about a top-level string, whatever surrounds it.
func FuzzFlatten(f *testing.F) {
	for _, seed := range []string{sample, `{"a":1,"a":"x"}`, `{"a":["x",{"b":"y"}]}`, `{"\u0061":"\ud83d\ude00"}`, ` {"b":{"a":[]},"a":"}"} `} {
		f.Add([]byte(seed))
	}
	p, err := Compile([]byte(`{"a":[{"exists":true}],"b":{"a":[{"exists":true}]}}`))
	require.NoError(f, err)
	set := NewSet(p)
	f.Fuzz(func(t *testing.T, event []byte) {
		e, err := set.Flatten(event)
		var want map[string]any
		decodeErr := json.Unmarshal(event, &want)
		if err != nil {
			require.True(t, decodeErr != nil || want == nil)
			return
		}
		if s, ok := want["a"].(string); ok {
			require.Len(t, e.values["a"], 1)
			require.Equal(t, s, e.values["a"][0].text)
		}
		if _, ok := want["a"]; !ok {
			require.Empty(t, e.values["a"])
		}
	})
}

func BenchmarkMatch(b *testing.B) {
	p, err := Compile([]byte(`{"source":["aws.ec2"],"detail-type":["EC2 Instance State-change Notification"],"detail":{"state":["running"]}}`))
	require.NoError(b, err)
	set := NewSet(p)
	event := []byte(sample)
	b.ReportAllocs()
	for b.Loop() {
		if !p.Match(set.FlattenValid(event)) {
			b.Fatal("no match")
		}
	}
}

// Whatever the text, compiling ends with a pattern or an error, and a compiled pattern can be matched.
func FuzzCompile(f *testing.F) {
	for _, tc := range matching {
		f.Add([]byte(tc.pattern))
	}
	for _, tc := range refused {
		f.Add([]byte(tc.pattern))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, compile := range []func([]byte) (*Pattern, error){Compile, CompileFilter} {
			p, err := compile(text)
			if err != nil {
				require.Nil(t, p)
				continue
			}
			_, err = p.MatchJSON([]byte(sample))
			require.NoError(t, err)
		}
	})
}
