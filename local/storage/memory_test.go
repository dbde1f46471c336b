package storage

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func filled(t *testing.T) *Memory {
	t.Helper()
	m := NewMemory()
	var b Batch
	for _, k := range []string{"a", "b", "c", "d"} {
		b.Put("s", []byte(k), []byte("v"+k))
	}
	require.NoError(t, m.Apply(&b))
	return m
}

func TestMemoryScanVisitsRangeInOrder(t *testing.T) {
	m := filled(t)
	for name, tc := range map[string]struct {
		r    Range
		want string
	}{
		"all":              {Range{}, "abcd"},
		"half open":        {Range{From: []byte("b"), To: []byte("d")}, "bc"},
		"reverse":          {Range{Reverse: true}, "dcba"},
		"reverse bounded":  {Range{From: []byte("b"), To: []byte("d"), Reverse: true}, "cb"},
		"from between two": {Range{From: []byte("bb")}, "cd"},
	} {
		t.Run(name, func(t *testing.T) {
			got := ""
			require.NoError(t, m.Scan("s", tc.r, func(k, v []byte) bool {
				require.Equal(t, "v"+string(k), string(v))
				got += string(k)
				return true
			}))
			require.Equal(t, tc.want, got)
		})
	}
}

func TestMemoryScanSeesTheStateAtItsStart(t *testing.T) {
	m := filled(t)
	seen := 0
	require.NoError(t, m.Scan("s", Range{}, func(k, _ []byte) bool {
		var b Batch
		b.Delete("s", []byte("d"))
		require.NoError(t, m.Apply(&b))
		seen++
		return true
	}))
	require.Equal(t, 4, seen)
	_, ok, err := m.Get("s", []byte("d"))
	require.NoError(t, err)
	require.False(t, ok)
}

func TestMemoryRefusesUseAfterClose(t *testing.T) {
	m := filled(t)
	require.NoError(t, m.Close())
	_, _, err := m.Get("s", []byte("a"))
	require.ErrorIs(t, err, ErrClosed)
}
