package storage

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// abandoned is the folder as another process would find it if this one were killed now: what the operating system has.
func abandoned(t *testing.T, folder string) string {
	t.Helper()
	copied := filepath.Join(t.TempDir(), "copy")
	require.NoError(t, os.CopyFS(copied, os.DirFS(folder)))
	return copied
}

func TestWhatApplyTookOutlivesTheProcess(t *testing.T) {
	folder := t.TempDir()
	d := openDisk(t, folder)
	for i := range 100 {
		var b Batch
		b.Put("s", fmt.Appendf(nil, "%03d", i), []byte(strings.Repeat("x", i)))
		require.NoError(t, d.Apply(&b))
		if i%33 != 0 {
			continue
		}
		got := content(t, openDisk(t, abandoned(t, folder)), "s")
		require.Len(t, got, i+1)
		require.Len(t, got[fmt.Sprintf("%03d", i)], i)
	}
}

func TestWhatConcurrentCallsTookOutlivesTheProcess(t *testing.T) {
	folder := t.TempDir()
	d := openDisk(t, folder)
	var calls sync.WaitGroup
	for i := range 8 {
		calls.Go(func() {
			for j := range 50 {
				var b Batch
				b.Put("s", fmt.Appendf(nil, "%d/%d", i, j), []byte("v"))
				if err := d.Apply(&b); err != nil {
					panic(err)
				}
			}
		})
	}
	calls.Wait()
	require.Len(t, content(t, openDisk(t, abandoned(t, folder)), "s"), 400)
}

func TestAFolderIsOpenOnce(t *testing.T) {
	folder := t.TempDir()
	d := openDisk(t, folder)
	_, err := OpenDisk(folder, DiskOptions{})
	require.ErrorIs(t, err, ErrInUse)
	require.ErrorContains(t, err, folder)
	require.NoError(t, d.Close())
	openDisk(t, folder)
}

func TestAFolderOfAnotherFormatIsRefused(t *testing.T) {
	for name, tc := range map[string]struct{ file, content, want string }{
		"later version":      {"FORMAT", "payrail-data 2\n", "its format is 2, this version reads and writes format 1"},
		"no version":         {"FORMAT", "payrail-data\n", "its format is , this version"},
		"another program's":  {"FORMAT", "something\n", "something else than data of Payrail"},
		"a folder of a user": {"letter.txt", "hello\n", "it holds files (letter.txt) and no data of Payrail"},
	} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			require.NoError(t, os.WriteFile(filepath.Join(folder, tc.file), []byte(tc.content), 0o600))
			_, err := OpenDisk(folder, DiskOptions{})
			require.ErrorIs(t, err, ErrFormat)
			require.ErrorContains(t, err, tc.want)
			entries, err := os.ReadDir(folder)
			require.NoError(t, err)
			require.Len(t, entries, 1, "nothing was written to it")
		})
	}
}

func TestAnInterruptedBeginningIsNoStranger(t *testing.T) {
	folder := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(folder, "store"), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(folder, "FORMAT.new"), []byte("payr"), 0o600))
	fill(t, openDisk(t, folder))
	text, err := os.ReadFile(filepath.Join(folder, "FORMAT"))
	require.NoError(t, err)
	require.Equal(t, "payrail-data 1\n", string(text))
}

func TestAFileIsNoFolder(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	_, err := OpenDisk(file, DiskOptions{})
	require.ErrorContains(t, err, file)
}

func TestDataIsCompressed(t *testing.T) {
	folder := t.TempDir()
	d := openDisk(t, folder)
	event := strings.Repeat(`{"panToken":"tok_v1_ABCDEFGHIJKLMNOPQRSTUVWXYZ","amount":{"amount":"79.25","currency":"GBP"}},`, 30)
	const events = 5000
	var b Batch
	for i := range events {
		b.Put("s", fmt.Appendf(nil, "%06d", i), []byte(event))
	}
	require.NoError(t, d.Apply(&b))
	require.NoError(t, d.Close())
	d = openDisk(t, folder) // Opening sorts what the log has into files.
	require.Len(t, content(t, d, "s"), events)
	var size int64
	require.NoError(t, filepath.WalkDir(folder, func(path string, entry os.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".sst") {
			return err
		}
		info, err := entry.Info()
		size += info.Size()
		return err
	}))
	require.Positive(t, size)
	require.Less(t, size, int64(events*len(event)/4))
}
