package storage

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// onEach runs a test on both back-ends: what holds for one holds for the other.
func onEach(t *testing.T, test func(t *testing.T, s Store)) {
	t.Helper()
	t.Run("memory", func(t *testing.T) { test(t, NewMemory()) })
	t.Run("disk", func(t *testing.T) { test(t, openDisk(t, t.TempDir())) })
}

func openDisk(t testing.TB, folder string) *Disk {
	t.Helper()
	d, err := OpenDisk(folder, DiskOptions{Fatal: func(message string) { panic(message) }})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, d.Close()) })
	return d
}

func fill(t *testing.T, s Store) {
	t.Helper()
	var b Batch
	for _, k := range []string{"a", "b", "c", "d"} {
		b.Put("s", []byte(k), []byte("v"+k))
	}
	// Neighbours by name: none of them is in the space "s".
	b.Put("r", []byte("z"), []byte("other"))
	b.Put("s/index", []byte("b"), []byte("other"))
	b.Put("sa", []byte("b"), []byte("other"))
	require.NoError(t, s.Apply(&b))
}

func TestScanVisitsRangeInOrder(t *testing.T) {
	onEach(t, func(t *testing.T, s Store) {
		fill(t, s)
		for name, tc := range map[string]struct {
			r    Range
			want string
		}{
			"all":              {Range{}, "abcd"},
			"half open":        {Range{From: []byte("b"), To: []byte("d")}, "bc"},
			"reverse":          {Range{Reverse: true}, "dcba"},
			"reverse bounded":  {Range{From: []byte("b"), To: []byte("d"), Reverse: true}, "cb"},
			"from between two": {Range{From: []byte("bb")}, "cd"},
			"empty":            {Range{From: []byte("c"), To: []byte("c")}, ""},
			"crossed":          {Range{From: []byte("d"), To: []byte("a")}, ""},
			"crossed, reverse": {Range{From: []byte("d"), To: []byte("a"), Reverse: true}, ""},
		} {
			t.Run(name, func(t *testing.T) {
				got := ""
				require.NoError(t, s.Scan("s", tc.r, func(k, v []byte) bool {
					require.Equal(t, "v"+string(k), string(v))
					got += string(k)
					return true
				}))
				require.Equal(t, tc.want, got)
			})
		}
	})
}

func TestScanSeesTheStateAtItsStart(t *testing.T) {
	onEach(t, func(t *testing.T, s Store) {
		fill(t, s)
		seen := 0
		require.NoError(t, s.Scan("s", Range{}, func(k, _ []byte) bool {
			var b Batch
			b.Delete("s", []byte("d"))
			require.NoError(t, s.Apply(&b))
			seen++
			return true
		}))
		require.Equal(t, 4, seen)
		_, ok, err := s.Get("s", []byte("d"))
		require.NoError(t, err)
		require.False(t, ok)
	})
}

func TestWhatAScanHandsOverMayBeKept(t *testing.T) {
	onEach(t, func(t *testing.T, s Store) {
		fill(t, s)
		var keys, values [][]byte
		require.NoError(t, s.Scan("s", Range{}, func(k, v []byte) bool {
			keys, values = append(keys, k), append(values, v)
			return true
		}))
		require.Equal(t, "a b c d", string(bytes.Join(keys, []byte(" "))))
		require.Equal(t, "va vb vc vd", string(bytes.Join(values, []byte(" "))))
	})
}

func TestChangesOfABatchAreMadeInOrder(t *testing.T) {
	onEach(t, func(t *testing.T, s Store) {
		var b Batch
		b.Put("s", []byte("a"), []byte("1"))
		b.Put("s", []byte("b"), []byte("1"))
		b.DeleteRange("s", Range{})
		b.Put("s", []byte("b"), []byte("2"))
		b.Put("s", []byte("c"), nil)
		b.Delete("s", []byte("none"))
		require.Equal(t, 6, b.Len())
		require.NoError(t, s.Apply(&b))
		require.Equal(t, map[string]string{"b": "2", "c": ""}, content(t, s, "s"))
		value, ok, err := s.Get("s", []byte("c"))
		require.NoError(t, err)
		require.True(t, ok, "an empty value is a value")
		require.Empty(t, value)
		require.NoError(t, s.Apply(&Batch{}))
	})
}

func TestDeleteRange(t *testing.T) {
	for name, tc := range map[string]struct {
		r    Range
		want string
	}{
		"all":       {Range{}, ""},
		"half open": {Range{From: []byte("b"), To: []byte("d")}, "ad"},
		"from":      {Range{From: []byte("c")}, "ab"},
		"to":        {Range{To: []byte("c")}, "cd"},
		"crossed":   {Range{From: []byte("d"), To: []byte("a")}, "abcd"},
	} {
		t.Run(name, func(t *testing.T) {
			onEach(t, func(t *testing.T, s Store) {
				fill(t, s)
				var b Batch
				b.DeleteRange("s", tc.r)
				require.NoError(t, s.Apply(&b))
				left := ""
				for _, k := range slices.Sorted(keysOf(content(t, s, "s"))) {
					left += k
				}
				require.Equal(t, tc.want, left)
				require.Len(t, content(t, s, "s/index"), 1)
				require.Len(t, content(t, s, "r"), 1)
				require.Len(t, content(t, s, "sa"), 1)
			})
		})
	}
}

func keysOf(m map[string]string) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

func TestUseAfterCloseIsRefused(t *testing.T) {
	onEach(t, func(t *testing.T, s Store) {
		fill(t, s)
		require.NoError(t, s.Close())
		_, _, err := s.Get("s", []byte("a"))
		require.ErrorIs(t, err, ErrClosed)
		require.ErrorIs(t, s.Apply(&Batch{}), ErrClosed)
		require.ErrorIs(t, s.Scan("s", Range{}, func(_, _ []byte) bool { return true }), ErrClosed)
		require.NoError(t, s.Close(), "closing twice is no error")
	})
}

func content(t testing.TB, s Store, space string) map[string]string {
	t.Helper()
	all := map[string]string{}
	require.NoError(t, s.Scan(space, Range{}, func(k, v []byte) bool {
		all[string(k)] = string(v)
		return true
	}))
	return all
}

// TestDiskDoesWhatMemoryDoes drives both back-ends with the same calls, the disk one closed and opened now and then.
func TestDiskDoesWhatMemoryDoes(t *testing.T) {
	folder, run := t.TempDir(), 0
	disk := openDisk(t, folder)
	t.Cleanup(func() { require.NoError(t, disk.Close()) })
	keys := rapid.SliceOfN(rapid.SampledFrom([]byte{0, 1, 'k', 0xff}), 0, 3)
	bound := rapid.OneOf(rapid.Just[[]byte](nil), keys)
	rapid.Check(t, func(r *rapid.T) {
		// One folder for all runs, for opening one takes a while; each run has spaces of its own.
		run++
		memory, own := NewMemory(), fmt.Sprint(run)
		spaces := rapid.SampledFrom([]string{own, own + "/a", own + "b"})
		r.Repeat(map[string]func(*rapid.T){
			"apply": func(r *rapid.T) {
				var b Batch
				for range rapid.IntRange(1, 4).Draw(r, "changes") {
					space := spaces.Draw(r, "space")
					switch rapid.IntRange(0, 3).Draw(r, "kind") {
					case 0:
						b.Delete(space, keys.Draw(r, "key"))
					case 1:
						b.DeleteRange(space, Range{From: bound.Draw(r, "from"), To: bound.Draw(r, "to")})
					default:
						b.Put(space, keys.Draw(r, "key"), rapid.SliceOfN(rapid.Byte(), 0, 4).Draw(r, "value"))
					}
				}
				require.NoError(r, memory.Apply(&b))
				require.NoError(r, disk.Apply(&b))
			},
			"reopen": func(r *rapid.T) {
				if rapid.IntRange(0, 49).Draw(r, "seldom") > 0 { // It forces files to the device.
					return
				}
				require.NoError(r, disk.Close())
				disk = mustOpen(r, folder)
			},
			"scan": func(r *rapid.T) {
				space, range_ := spaces.Draw(r, "space"), Range{From: bound.Draw(r, "from"), To: bound.Draw(r, "to"), Reverse: rapid.Bool().Draw(r, "reverse")}
				limit := rapid.IntRange(1, 5).Draw(r, "limit")
				require.Equal(r, visited(r, memory, space, range_, limit), visited(r, disk, space, range_, limit))
			},
			"": func(r *rapid.T) {
				space, key := spaces.Draw(r, "space"), keys.Draw(r, "key")
				inMemory, inMemoryOK, err := memory.Get(space, key)
				require.NoError(r, err)
				onDisk, onDiskOK, err := disk.Get(space, key)
				require.NoError(r, err)
				require.Equal(r, inMemoryOK, onDiskOK)
				require.Equal(r, string(inMemory), string(onDisk))
			},
		})
	})
}

func mustOpen(r *rapid.T, folder string) *Disk {
	d, err := OpenDisk(folder, DiskOptions{Fatal: func(message string) { panic(message) }})
	require.NoError(r, err)
	return d
}

func visited(r *rapid.T, s Store, space string, in Range, limit int) []string {
	var all []string
	require.NoError(r, s.Scan(space, in, func(k, v []byte) bool {
		all = append(all, fmt.Sprintf("%x=%x", k, v))
		return len(all) < limit
	}))
	return all
}
