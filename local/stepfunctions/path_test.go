package stepfunctions

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPathsFind(t *testing.T) {
	doc := mustParse(t, `{"a":{"b":1,"x y":2,"list":[10,20,30,40]},"rows":[{"id":1,"n":null},{"id":2},{"other":3}],"empty":[],"z":null,
		"flags":[{"n":1,"on":true,"kind":"a"},{"n":2,"on":true,"kind":"b"},{"n":3,"on":false,"kind":"b"},{"n":4,"on":true,"kind":"b"},{"n":5}],"deep":[{"x":[1,2]}]}`)
	for text, want := range map[string]string{
		`$`:                     doc.String(),
		`$.a.b`:                 `1`,
		`$['a']['x y']`:         `2`,
		`$.a["b"]`:              `1`,
		`$.a.list[0]`:           `10`,
		`$.a.list[1:3]`:         `[20,30]`,
		`$.a.list[-2:]`:         `[30,40]`,
		`$.a.list[:1]`:          `[10]`,
		`$.a.list[3:1]`:         `[]`,
		`$.a.list[0,2]`:         `[10,30]`,
		`$.a.list[0,9]`:         `[10]`,
		`$.rows[*].id`:          `[1,2]`,
		`$.rows[*].n`:           `[null]`,
		`$.rows[*].missing`:     `[]`,
		`$.rows[0:2].id`:        `[1,2]`,
		`$.empty[*]`:            `[]`,
		`$.a.list.*`:            `[10,20,30,40]`,
		`$.a.*`:                 `[1,2,[10,20,30,40]]`,
		`$.z`:                   `null`,
		`$.rows[?(@.id == 2)]`:  `[{"id":2}]`,
		`$.rows[?(@.id==1)].id`: `[1]`,
		`$.rows[?(@.id == 9)]`:  `[]`,
		`$.flags[?(@.on == true && @.kind == 'b')].n`:        `[2,4]`,
		`$.flags[?(@.on == false)].n`:                        `[3]`,
		`$.a.list[?(@.id == 1)]`:                             `[]`,
		`$.a[?(@.b == 1)].b`:                                 `[1]`,
		`$.a[?(@.b == 2)]`:                                   `[]`,
		`$.a.b[?(@.b == 2)]`:                                 ``,
		`$.flags[?(@.on == true || @.n >= 5)].n`:             `[1,2,4,5]`,
		`$.flags[?((@.n < 2 || @.n > 3) && @.on == true)].n`: `[1,4]`,
		`$.flags[?(@.on)].n`:                                 `[1,2,3,4]`,
		`$.flags[?(@.kind != 'b')].n`:                        `[1,5]`,
		`$.flags[?(@['kind'] == "b")].n`:                     `[2,3,4]`,
		`$.flags[?(@.kind > 'a')].n`:                         `[2,3,4]`,
		`$.flags[?(2 <= @.n)].n`:                             `[2,3,4,5]`,
		`$.a.list[?(@ >= 30)]`:                               `[30,40]`,
		`$.deep[?(@.x[0] == 1)].x[1]`:                        `[2]`,
		`$..id`:                                              `[1,2]`,
		`$.flags..n`:                                         `[1,2,3,4,5]`,
		`$..x[0]`:                                            `[1]`,
		`$..['x y']`:                                         `[2]`,
		`$..nope`:                                            `[]`,
		`$.deep..*`:                                          `[{"x":[1,2]},[1,2],1,2]`,
		`$.a.list[-1]`:                                       `40`,
		`$.a.list[-5]`:                                       ``,
		`$.a.list[-3:-1]`:                                    `[20,30]`,
		`$.a.list[:-1]`:                                      `[10,20,30]`,
		`$.a.list[0,-1]`:                                     `[10,40]`,
		`$.a.b[0:1]`:                                         ``,
		`$.rows[*].id[0]`:                                    `[]`,
		`$.missing..a`:                                       ``,
		`$.missing[?(@.id == 1)]`:                            ``,
		`$.missing`:                                          ``,
		`$.a.b.c`:                                            ``,
		`$.a.list[4]`:                                        ``,
		`$.a[0]`:                                             ``,
		`$.missing[*]`:                                       ``,
		`$.missing[*].field`:                                 ``,
	} {
		p, err := compilePath(text)
		require.NoError(t, err, text)
		v, err := p.find(&scope{root: doc})
		if want == "" {
			require.ErrorIs(t, err, errNoResults, text)
		} else {
			require.NoError(t, err, text)
			require.Equal(t, want, v.String(), text)
		}
	}
}

func TestPathsRefused(t *testing.T) {
	for text, want := range map[string]string{
		`a.b`:                     "must start with $",
		``:                        "must start with $",
		`$..[0]`:                  "recursive descent (..) is done by the local runtime for names and *",
		`$..[1:2]`:                "recursive descent",
		`$..[?(@.a == 1)]`:        "recursive descent",
		`$..*.a`:                  "what follows ..* is not done",
		`$...a`:                   "a field name is missing",
		`$.a[?(@.b =~ /x/)]`:      "the operator at",
		`$.a[?(@.b in [1])]`:      "the operator at",
		`$.a[?(!@.b)]`:            "negation (!) is not done",
		`$.a[?(@.b==$.c)]`:        "a path that starts at $ within a filter",
		`$.a[?(@.b[*]==1)]`:       "only field names and indexes may follow @",
		`$.a[?(@..b==1)]`:         "recursive descent (..) within a filter",
		`$.a[?(@.b=='x\\'y')]`:    "an escape in a string of a filter",
		`$.a[?(@.b==x)]`:          "neither @, a number",
		`$.a[?(@.b==[1])]`:        "neither @, a number",
		`$.a[?('x')]`:             "a comparison must follow 'x'",
		`$.a[?(@.b==1]`:           ")] is missing",
		`$.a[?((@.b==1)]`:         "is missing",
		`$.a[?(@.b.length()==1)]`: "is not a field name",
		`$.a[?@.b==1]`:            "a filter has the form",
		`$states.input`:           "reserved",
		`$1st`:                    "is not a variable name",
		`$_a`:                     "is not a variable name",
		`$a b`:                    "is not a variable name",
		`$` + long('n', 81):       "longer than 80",
		`$.a.length()`:            "the function length() of a path",
		`$.`:                      "field name is missing",
		`$.a[`:                    "not closed",
		`$.a['b`:                  "not closed",
		`$.a['b','c']`:            "more than one name",
		`$.a[x]`:                  "not an index",
		`$.a[1:2:3]`:              "a slice has the form",
		`$.a[:]`:                  "at least one bound",
		`$.a[1:-1]`:               "count from different ends",
		`$.a[-3:2]`:               "count from different ends",
		`$.a[x:2]`:                "not a slice",
		`$.list[(@.length-1)]`:    "script expression",
		`$.a b`:                   "is not a field name; write it as ['a b']",
		`$['a']b`:                 "where . or [ should be",
	} {
		_, err := compilePath(text)
		require.ErrorContains(t, err, want, text)
	}
}

func long(c byte, n int) string { return strings.Repeat(string(c), n) }

// What cannot be told from the definition is refused when it is evaluated, not answered by guessing.
func TestFiltersThatCannotBeToldEndTheExecution(t *testing.T) {
	for path, want := range map[string]string{
		`$.rows[?(@.z)]`:        "whether @.z exists where it is null is not done",
		`$.rows[?(@.n == '1')]`: "whether the text and the number of @.n == '1' are the same is not done",
	} {
		o := newFixture(t).run(t, single(`{"Type":"Pass","Parameters":{"r.$":"`+path+`"},"End":true}`), `{"rows":[{"z":null,"n":1}]}`)
		require.NotNil(t, o.failure, path)
		require.Equal(t, errorRuntime, o.failure.name)
		require.Contains(t, o.failure.cause, want)
	}
}

func TestPutMakesObjectsOnTheWay(t *testing.T) {
	for _, tc := range []struct{ root, path, want string }{
		{`{"a":1}`, `$.b`, `{"a":1,"b":"X"}`},
		{`{"a":1}`, `$.a`, `{"a":"X"}`},
		{`{"a":1}`, `$.b.c.d`, `{"a":1,"b":{"c":{"d":"X"}}}`},
		{`{"a":[1,2]}`, `$.a[1]`, `{"a":[1,"X"]}`},
		{`{"a":[{"b":1}]}`, `$.a[0].b`, `{"a":[{"b":"X"}]}`},
		{`1`, `$`, `"X"`},
		{`{"a":[1]}`, `$.a[1]`, ``},
		{`{"a":1}`, `$.a.b`, ``},
		{`[1]`, `$.a`, ``},
		{`null`, `$.a`, ``},
	} {
		p, err := compilePath(tc.path)
		require.NoError(t, err)
		require.NoError(t, p.target())
		root := mustParse(t, tc.root)
		v, ok := put(root, p.steps, stringValue("X"))
		require.Equal(t, tc.want != "", ok, tc)
		if ok {
			require.Equal(t, tc.want, v.String())
		}
		require.Equal(t, tc.root, root.String(), "the input is not changed")
	}
	for _, text := range []string{"$$.a", "$.a[*]", "$.a[0:1]", "$name", "$name.a", "$.a[-1]", "$..a"} {
		p, err := compilePath(text)
		require.NoError(t, err)
		require.Error(t, p.target(), text)
	}
}

func FuzzCompilePath(f *testing.F) {
	for _, seed := range []string{`$.a[0]['b c'][-1]`, `$$.Execution.Id`, `$name.x[*]`, `$..a[1:2]`, `$..*`, `$.a[?(@.b == 'x' && (@.c[0] >= -1.5e2 || @['d'] != null))].e`, `$[?(@)]`, `$.a[0,-1].*`, `$.é[?(@.x<true)]`} {
		f.Add(seed)
	}
	doc, err := parse([]byte(`{"a":[{"b":"x","c":[1],"e":2},{"d":null}],"é":[{"x":1}]}`))
	require.NoError(f, err)
	s := &scope{root: doc, context: func() *value { return doc }, variables: &variables{values: map[string]*value{"name": doc}}}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := compilePath(text)
		if err != nil {
			return
		}
		v, err := p.find(s)
		if err != nil {
			return
		}
		if !p.definite {
			require.Equal(t, kindArray, v.kind)
		}
		require.Len(t, v.String(), v.size)
		if p.target() == nil {
			changed, ok := put(doc, p.steps, stringValue("X"))
			require.True(t, ok, "what is there can be replaced")
			found, err := p.find(&scope{root: changed})
			require.NoError(t, err)
			require.Equal(t, `"X"`, found.String())
		}
	})
}

func FuzzMatchWildcards(f *testing.F) {
	f.Add("log-*.txt", "log-1.txt")
	f.Add(`a\*b\\`, `a*b\`)
	f.Add("**", "")
	f.Fuzz(func(t *testing.T, pattern, s string) {
		if !strings.ContainsAny(pattern, `*\`) {
			require.Equal(t, pattern == s, matchWildcards(pattern, s))
		}
		require.True(t, matchWildcards("*"+strings.NewReplacer(`\`, `\\`, `*`, `\*`).Replace(s), s), "a text matches itself, escaped, after a star")
	})
}
