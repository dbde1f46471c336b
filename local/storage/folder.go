package storage

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// ErrInUse says that another process, or this one, has the folder open.
var ErrInUse = errors.New("the folder is in use by another process")

// ErrFormat says that the folder holds something else than this version of Payrail writes.
var ErrFormat = errors.New("the folder cannot be read by this version")

const (
	// formatFile says what a folder is, so that neither a stranger's folder nor a later version's is written to.
	formatFile = "FORMAT"
	// formatName and formatVersion are its words. The version counts the changes after which an older folder cannot be read: to
	// the engine, to the spaces, to what the services keep in them.
	formatName    = "payrail-data"
	formatVersion = "1"
	// engineFolder is the engine's own part of the folder.
	engineFolder = "store"
	// folderMode and fileMode are for the user alone: a ledger is nobody else's business.
	folderMode = 0o700
	fileMode   = 0o600
)

// claim makes the folder where there is none, checks that it is ours, and locks it. The result holds the lock until it is closed.
func claim(folder string) (*pebble.Lock, error) {
	if err := os.MkdirAll(folder, folderMode); err != nil {
		return nil, err
	}
	known, err := checkFormat(folder)
	if err != nil {
		return nil, err
	}
	engine := filepath.Join(folder, engineFolder)
	if err := os.MkdirAll(engine, folderMode); err != nil {
		return nil, err
	}
	lock, err := pebble.LockDirectory(engine, vfs.Default)
	if err != nil {
		return nil, lockError(err)
	}
	if known {
		return lock, nil
	}
	if err := writeFormat(folder); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return lock, nil
}

// lockError tells a lock that somebody holds from other failures.
func lockError(err error) error {
	// The engine has no error of its own for a second opening in one process.
	if errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.EACCES) || strings.Contains(err.Error(), "lock held by current process") {
		return ErrInUse
	}
	return fmt.Errorf("locking: %w", err)
}

// checkFormat says whether the folder is one of ours already. One that is neither ours nor empty is refused: a wrong path must
// not mix the user's files with the store's.
func checkFormat(folder string) (known bool, err error) {
	text, err := os.ReadFile(filepath.Join(folder, formatFile))
	if errors.Is(err, os.ErrNotExist) {
		return false, checkEmpty(folder)
	}
	if err != nil {
		return false, err
	}
	name, version, _ := strings.Cut(strings.TrimSpace(string(text)), " ")
	if name != formatName {
		return false, fmt.Errorf("%w: its file %s says it is something else than data of Payrail", ErrFormat, formatFile)
	}
	if version != formatVersion {
		return false, fmt.Errorf("%w: its format is %s, this version reads and writes format %s", ErrFormat, version, formatVersion)
	}
	return true, nil
}

// checkEmpty refuses a folder that has files, but for what claim itself leaves when it is interrupted.
func checkEmpty(folder string) error {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if name := entry.Name(); name != engineFolder && name != formatFile+temporarySuffix {
			return fmt.Errorf("%w: it holds files (%s) and no data of Payrail", ErrFormat, name)
		}
	}
	return nil
}

// temporarySuffix is on the name of a file that is not whole yet.
const temporarySuffix = ".new"

// writeFormat makes the folder one of ours, all at once.
func writeFormat(folder string) (err error) {
	path := filepath.Join(folder, formatFile)
	file, err := os.OpenFile(path+temporarySuffix, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, fileMode)
	if err != nil {
		return err
	}
	_, err = io.WriteString(file, formatName+" "+formatVersion+"\n")
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return os.Rename(path+temporarySuffix, path)
}
