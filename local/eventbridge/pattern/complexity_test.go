package pattern

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestComplexityOfWildcards(t *testing.T) {
	for name, tc := range map[string]struct {
		expressions map[string][]string
		want        int
	}{
		"no asterisk":                       {map[string][]string{"a": {"abc"}}, 1},
		"one asterisk":                      {map[string][]string{"a": {"*.png"}}, 2},
		"repeating part after the asterisk": {map[string][]string{"a": {"/Users/*/dir/dir/dir/dir/dir/doc.txt"}}, 7},
		"five colons":                       {map[string][]string{"a": {"*:*:*:*:*:event-bus/*"}}, 11},
		"four patterns with one asterisk":   {map[string][]string{"a": {"*.bif"}, "b": {"*.tiff"}, "c": {"*.tif"}, "d": {"*.svs"}}, 8},
		"two patterns with two":             {map[string][]string{"a": {"*/datasync/*.bif"}, "b": {"*/datasync/*.tif"}}, 8},
		"three patterns with two":           {map[string][]string{"a": {"*/datasync/*.bif"}, "b": {"*/datasync/*.tif"}, "c": {"*/datasync/*.svs"}}, 11},
		"one list shares its beginning":     {map[string][]string{"a": {"*/init/*", "*/dir/*"}}, 6},
		"escaped asterisks are characters":  {map[string][]string{"a": {`\*:\*:\*:\*:\*:\*`}}, 1},
	} {
		t.Run(name, func(t *testing.T) { require.Equal(t, tc.want, complexity(tc.expressions)) })
	}
}

func TestComplexityOfTheLongestPatternIsFoundSoon(t *testing.T) {
	require.Equal(t, maxComplexity+1, complexity(map[string][]string{"a": {strings.Repeat("*ab", 1300)}}))
	_, err := Compile([]byte(`{"a":[{"wildcard":"*` + strings.Repeat("abcdefgh", 500) + `"}]}`))
	require.ErrorIs(t, err, errTooComplex)
	_, err = Compile([]byte(`{"a":[{"wildcard":"*/` + strings.Repeat("abcdefgh", 500) + `"}]}`))
	require.NoError(t, err)
}
