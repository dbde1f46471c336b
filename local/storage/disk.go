package storage

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

const (
	// cacheBytes is what the store keeps of its tables' blocks: enough for the items a pipeline has at hand.
	cacheBytes = 32 << 20
	// memTableBytes is how much is written before it is sorted into a file. Most messages are deleted within seconds of their
	// writing; what is gone before its memory table is full never reaches a file.
	memTableBytes = 32 << 20
	// engineFormat is the version of the engine's own files. It is pinned: an engine that is brought up to date must not change
	// a folder so that the Payrail of the day before cannot read it. The next one promises in the log what was forced to the
	// device, which is not so here: after a power loss the engine would take a short log for a broken one.
	engineFormat = pebble.FormatColumnarBlocks
	// spaceEnd ends a space's name in a key; no name contains it.
	spaceEnd = 0
)

// Disk is a Store in a folder, compressed. What Apply has taken is with the operating system before it returns: it outlives
// the process, however that ends. It is not forced to the device, so that a power loss may take the last seconds with it.
type Disk struct {
	db     *pebble.DB
	lock   *pebble.Lock
	folder string

	// The engine does not survive a call after its end: Close waits for those under way.
	mu     sync.Mutex
	idle   *sync.Cond
	calls  int
	closed bool
}

var _ Store = (*Disk)(nil)

// DiskOptions are what a Disk works with.
type DiskOptions struct {
	Logger *slog.Logger
	// Fatal is called where the engine can neither go on nor take anything back: the device is full, a file is broken. It must
	// not return. The process ends as in a crash, which loses nothing. nil logs and exits with status 1.
	Fatal func(message string)

	files vfs.FS // the machine's where nil
}

// OpenDisk opens the store in a folder, which is made if there is none. One process at a time may have it open (ErrInUse). A
// folder that is not of this format is refused (ErrFormat).
func OpenDisk(folder string, o DiskOptions) (*Disk, error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Fatal == nil {
		o.Fatal = func(message string) {
			o.Logger.Error("storage cannot go on", "error", message)
			os.Exit(1)
		}
	}
	folder, err := filepath.Abs(folder)
	if err != nil {
		return nil, fmt.Errorf("opening storage: %w", err)
	}
	lock, err := claim(folder)
	if err != nil {
		return nil, fmt.Errorf("opening storage in %s: %w", folder, err)
	}
	db, err := openEngine(filepath.Join(folder, engineFolder), lock, o)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("opening storage in %s: %w", folder, err), lock.Close())
	}
	d := &Disk{db: db, lock: lock, folder: folder}
	d.idle = sync.NewCond(&d.mu)
	return d, nil
}

func openEngine(folder string, lock *pebble.Lock, o DiskOptions) (*pebble.DB, error) {
	options := &pebble.Options{
		FS: keepLogWithSystem(o.files), Lock: lock, FormatMajorVersion: engineFormat, Logger: engineLog{o}, CacheSize: cacheBytes, MemTableSize: memTableBytes,
		// What fails in the background the engine tries again at once, for ever, and lets all writes wait for it.
		EventListener: &pebble.EventListener{BackgroundError: func(err error) { o.Fatal(err.Error()) }},
		// One compaction at a time: the machine's cores are the functions'.
		CompactionConcurrencyRange: func() (int, int) { return 1, 1 },
	}
	options.ApplyCompressionSettings(func() pebble.DBCompressionSettings { return pebble.DBCompressionBalanced })
	return pebble.Open(folder, options)
}

// engineLog passes on what the engine says of failures; what it does otherwise is nobody's concern.
type engineLog struct{ options DiskOptions }

func (engineLog) Infof(string, ...any) {}

func (l engineLog) Errorf(format string, arguments ...any) {
	l.options.Logger.Error("storage: " + fmt.Sprintf(format, arguments...))
}

func (l engineLog) Fatalf(format string, arguments ...any) {
	l.options.Fatal(fmt.Sprintf(format, arguments...))
}

// Folder is where the store is.
func (d *Disk) Folder() string { return d.folder }

// enter begins a call. It takes no lock for the call's duration: the function of a Scan may call the store.
func (d *Disk) enter() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return ErrClosed
	}
	d.calls++
	return nil
}

func (d *Disk) leave() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.calls--; d.calls == 0 && d.closed {
		d.idle.Broadcast()
	}
}

// appendKey writes a key of a space as it lies in the engine, where all spaces are one ordered map.
func appendKey(b []byte, space string, key []byte) []byte {
	return append(append(append(b, space...), spaceEnd), key...)
}

func (d *Disk) Get(space string, key []byte) ([]byte, bool, error) {
	if err := d.enter(); err != nil {
		return nil, false, err
	}
	defer d.leave()
	value, closer, err := d.db.Get(appendKey(make([]byte, 0, len(space)+1+len(key)), space, key))
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("reading from storage: %w", err)
	}
	own := append(make([]byte, 0, len(value)), value...)
	return own, true, closer.Close()
}

func (d *Disk) Apply(batch *Batch) error {
	if err := d.enter(); err != nil {
		return err
	}
	defer d.leave()
	if batch.Len() == 0 {
		return nil
	}
	size := 64
	for i := range batch.changes {
		c := &batch.changes[i]
		size += len(c.space) + len(c.key) + len(c.value) + 16
	}
	b := d.db.NewBatchWithSize(size)
	var err error
	for i := range batch.changes {
		if err = batch.changes[i].engine(b); err != nil {
			return errors.Join(fmt.Errorf("writing to storage: %w", err), b.Close())
		}
	}
	// Sync: without it the engine keeps the last writes in the process. What it means here is said at keepLogWithSystem.
	if err := b.Commit(pebble.Sync); err != nil {
		return errors.Join(fmt.Errorf("writing to storage: %w", err), b.Close())
	}
	return b.Close()
}

// engine puts the change into the engine's batch.
func (c *change) engine(b *pebble.Batch) error {
	switch c.kind {
	case changePut:
		op := b.SetDeferred(len(c.space)+1+len(c.key), len(c.value))
		appendKey(op.Key[:0], c.space, c.key)
		copy(op.Value, c.value)
		return op.Finish()
	case changeDelete:
		op := b.DeleteDeferred(len(c.space) + 1 + len(c.key))
		appendKey(op.Key[:0], c.space, c.key)
		return op.Finish()
	default:
		from, to := bounds(c.space, Range{From: c.key, To: c.value})
		if bytes.Compare(from, to) >= 0 {
			return nil
		}
		return b.DeleteRange(from, to, nil)
	}
}

// bounds are a range's first key and the one behind its last, as they lie in the engine.
func bounds(space string, r Range) (from, to []byte) {
	from = appendKey(nil, space, r.From)
	if r.To != nil {
		return from, appendKey(nil, space, r.To)
	}
	to = appendKey(nil, space, nil)
	to[len(to)-1] = spaceEnd + 1
	return from, to
}

func (d *Disk) Scan(space string, r Range, fn func(key, value []byte) bool) (err error) {
	if err := d.enter(); err != nil {
		return err
	}
	defer d.leave()
	from, to := bounds(space, r)
	if bytes.Compare(from, to) >= 0 {
		return nil
	}
	it, err := d.db.NewIter(&pebble.IterOptions{LowerBound: from, UpperBound: to})
	if err != nil {
		return fmt.Errorf("reading from storage: %w", err)
	}
	defer func() {
		if closing := it.Close(); closing != nil {
			err = errors.Join(err, fmt.Errorf("reading from storage: %w", closing))
		}
	}()
	start, next := it.First, it.Next
	if r.Reverse {
		start, next = it.Last, it.Prev
	}
	for ok := start(); ok; ok = next() {
		value, err := it.ValueAndErr()
		if err != nil {
			return fmt.Errorf("reading from storage: %w", err)
		}
		// The caller may keep both; the engine uses its buffers again.
		key := it.Key()[len(space)+1:]
		own := append(append(make([]byte, 0, len(key)+len(value)), key...), value...)
		if !fn(own[:len(key):len(key)], own[len(key):]) {
			return nil
		}
	}
	return nil
}

func (d *Disk) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return nil
	}
	d.closed = true
	for d.calls > 0 {
		d.idle.Wait()
	}
	if err := errors.Join(d.db.Close(), d.lock.Close()); err != nil {
		return fmt.Errorf("closing storage: %w", err)
	}
	return nil
}
