package stepfunctions

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPathsFind(t *testing.T) {
	doc := mustParse(t, `{"a":{"b":1,"x y":2,"list":[10,20,30,40]},"rows":[{"id":1,"n":null},{"id":2},{"other":3}],"empty":[],"z":null,
		"flags":[{"n":1,"on":true,"kind":"a"},{"n":2,"on":true,"kind":"b"},{"n":3,"on":false,"kind":"b"},{"n":4,"on":true,"kind":"b"},{"n":5}]}`)
	for text, want := range map[string]string{
		`$`:                      doc.String(),
		`$.a.b`:                  `1`,
		`$['a']['x y']`:          `2`,
		`$.a["b"]`:               `1`,
		`$.a.list[0]`:            `10`,
		`$.a.list[1:3]`:          `[20,30]`,
		`$.a.list[-2:]`:          `[30,40]`,
		`$.a.list[:1]`:           `[10]`,
		`$.a.list[3:1]`:          `[]`,
		`$.a.list[0,2]`:          `[10,30]`,
		`$.a.list[0,9]`:          `[10]`,
		`$.rows[*].id`:           `[1,2]`,
		`$.rows[*].n`:            `[null]`,
		`$.rows[*].missing`:      `[]`,
		`$.rows[0:2].id`:         `[1,2]`,
		`$.empty[*]`:             `[]`,
		`$.a.list.*`:             `[10,20,30,40]`,
		`$.a.*`:                  `[1,2,[10,20,30,40]]`,
		`$.z`:                    `null`,
		`$.rows[?(@.id == 2)]`:   `[{"id":2}]`,
		`$.rows[?(@.id==1)].id`:  `[1]`,
		`$.rows[?(@.id == 9)]`:   `[]`,
		`$.rows[?(@.id == '2')]`: `[]`,
		`$.flags[?(@.on == true && @.kind == 'b')].n`: `[2,4]`,
		`$.flags[?(@.on == false)].n`:                 `[3]`,
		`$.a.list[?(@.id == 1)]`:                      `[]`,
		`$.a[?(@.id == 1)]`:                           `[]`,
		`$.missing[?(@.id == 1)]`:                     ``,
		`$.missing`:                                   ``,
		`$.a.b.c`:                                     ``,
		`$.a.list[4]`:                                 ``,
		`$.a[0]`:                                      ``,
		`$.missing[*]`:                                ``,
		`$.missing[*].field`:                          ``,
	} {
		p, err := compilePath(text)
		require.NoError(t, err, text)
		v, ok := p.find(doc)
		require.Equal(t, want != "", ok, text)
		if ok {
			require.Equal(t, want, v.String(), text)
		}
	}
}

func TestPathsRefused(t *testing.T) {
	for text, want := range map[string]string{
		`a.b`:                    "must start with $",
		``:                       "must start with $",
		`$..a`:                   "recursive descent",
		`$.a[?(@.b)]`:            "filter expression",
		`$.a[?(@.b!=1)]`:         "filter expression",
		`$.a[?(@.b>1)]`:          "filter expression",
		`$.a[?(@.b==1||@.c==1)]`: "filter expression",
		`$.a[?(@.b==$.c)]`:       "filter expression",
		`$.a[?(@.b.c==1)]`:       "filter expression",
		`$.a[?@.b==1]`:           "a filter has the form",
		`$name`:                  "variables",
		`$.a.length()`:           "only field names",
		`$.`:                     "field name is missing",
		`$.a[`:                   "not closed",
		`$.a['b`:                 "not closed",
		`$.a['b','c']`:           "more than one name",
		`$.a[-1]`:                "such as [-1:]",
		`$.a[0,-1]`:              "negative indexes",
		`$.a[x]`:                 "not an index",
		`$.a[1:2:3]`:             "a slice has the form",
		`$.a[x:2]`:               "not a slice",
		`$.list[(@.len)]`:        "not an index",
	} {
		_, err := compilePath(text)
		require.ErrorContains(t, err, want, text)
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
		require.NoError(t, p.reference())
		root := mustParse(t, tc.root)
		v, ok := put(root, p.steps, stringValue("X"))
		require.Equal(t, tc.want != "", ok, tc)
		if ok {
			require.Equal(t, tc.want, v.String())
		}
		require.Equal(t, tc.root, root.String(), "the input is not changed")
	}
	for _, text := range []string{"$$.a", "$.a[*]", "$.a[0:1]"} {
		p, err := compilePath(text)
		require.NoError(t, err)
		require.Error(t, p.reference(), text)
	}
}
