package storage

import (
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"
)

// fullDevice takes no more files of a kind, and nothing into those there are, once it is full.
type fullDevice struct {
	vfs.FS
	suffix string
	full   *atomic.Bool
}

func (f fullDevice) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	if !strings.HasSuffix(name, f.suffix) {
		return f.FS.Create(name, category)
	}
	if f.full.Load() {
		return nil, syscall.ENOSPC
	}
	file, err := f.FS.Create(name, category)
	return fullFile{file, f.full}, err
}

type fullFile struct {
	vfs.File
	full *atomic.Bool
}

func (f fullFile) Write(p []byte) (int, error) {
	if f.full.Load() {
		return 0, syscall.ENOSPC
	}
	return f.File.Write(p)
}

// A full device ends the process with its reason, wherever the engine meets it: a process that waits for room for ever tells nobody.
func TestAFullDeviceIsSaid(t *testing.T) {
	for name, tc := range map[string]struct {
		suffix string
		meet   func(*Disk)
	}{
		"log": {".log", func(d *Disk) {
			var b Batch
			b.Put("s", []byte("k"), []byte("v"))
			_ = d.Apply(&b) // It does not return: Fatal is called.
		}},
		"table of a flush": {".sst", func(d *Disk) { _ = d.db.Flush() }},
	} {
		t.Run(name, func(t *testing.T) {
			folder, full, said := t.TempDir(), &atomic.Bool{}, make(chan string, 10)
			// It is not closed: the engine does not come back from this.
			d, err := OpenDisk(folder, DiskOptions{
				Fatal: func(message string) { said <- message; runtime.Goexit() },
				files: fullDevice{vfs.Default, tc.suffix, full},
			})
			require.NoError(t, err)
			var b Batch
			b.Put("s", []byte("before"), []byte("v"))
			require.NoError(t, d.Apply(&b))
			full.Store(true)
			go tc.meet(d)
			require.Contains(t, <-said, "no space left on device")
			require.Equal(t, map[string]string{"before": "v"}, content(t, openDisk(t, abandoned(t, folder)), "s"))
		})
	}
}
