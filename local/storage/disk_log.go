package storage

import (
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// logSuffix ends the names of the engine's write-ahead logs.
const logSuffix = ".log"

// keepLogWithSystem is a file system, the machine's where nil, on which forcing a write-ahead log to the device does nothing. A commit that
// asks for it then returns once the log is written to the operating system, together with those of other calls: that outlives
// the process, and costs a third of an fsync here. All other files are forced, so that the folder as a whole stays readable
// after a power loss too.
func keepLogWithSystem(files vfs.FS) vfs.FS {
	if files == nil {
		files = vfs.Default
	}
	return logWithSystem{files}
}

type logWithSystem struct{ vfs.FS }

func (f logWithSystem) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	file, err := f.FS.Create(name, category)
	return unforced(name, file, err)
}

func (f logWithSystem) ReuseForWrite(oldName, newName string, category vfs.DiskWriteCategory) (vfs.File, error) {
	file, err := f.FS.ReuseForWrite(oldName, newName, category)
	return unforced(newName, file, err)
}

func (f logWithSystem) Unwrap() vfs.FS { return f.FS }

func unforced(name string, file vfs.File, err error) (vfs.File, error) {
	if err != nil || !strings.HasSuffix(name, logSuffix) {
		return file, err
	}
	return unforcedFile{file}, nil
}

type unforcedFile struct{ vfs.File }

func (unforcedFile) Sync() error                { return nil }
func (unforcedFile) SyncData() error            { return nil }
func (unforcedFile) SyncTo(int64) (bool, error) { return false, nil }
