package eventbridge

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/payrail/payrail/local/eventbridge/pattern"
	"github.com/payrail/payrail/local/storage"
	"github.com/payrail/payrail/local/wire"
)

// Archive is what an archive is made of.
type Archive struct {
	Name string
	// Bus is the name or ARN of the bus whose events are kept.
	Bus         string
	Description string
	// EventPattern picks the events; empty means all. Replayed events are never archived again: on AWS the archive is a
	// managed rule that demands {"replay-name": [{"exists": false}]}.
	EventPattern string
	// RetentionDays is how long events are kept; 0 is for ever.
	RetentionDays int
}

// archive is never changed once it is in use: an update puts another one in its place, which counts on.
type archive struct {
	Archive
	arn, bus, space string
	pattern         *pattern.Pattern // nil for all events.
	created         time.Time
	counts          *archiveCounts
}

type archiveCounts struct{ events, bytes atomic.Int64 }

// ArchivedEvent is one event of an archive.
type ArchivedEvent struct {
	Time time.Time
	// Envelope is the whole event as targets got it.
	Envelope []byte
}

const day = 24 * time.Hour

// timeBytesInKey is the length of the time at the start of an archive key: milliseconds, big-endian, so that keys sort by time.
const timeBytesInKey = 8

// CreateArchive starts to archive the events of a bus, and returns the archive's ARN. What the store has under the name
// from an earlier run belongs to the archive.
func (s *Service) CreateArchive(a Archive) (string, error) {
	compiled, err := a.compile()
	if err != nil {
		return "", err
	}
	made := &archive{Archive: a, arn: s.arn("archive/" + a.Name), space: "eventbridge/archive/" + a.Name, pattern: compiled,
		created: s.options.Clock.Now(), counts: &archiveCounts{}}
	err = s.options.Store.Scan(made.space, storage.Range{}, func(_, value []byte) bool {
		made.counts.events.Add(1)
		made.counts.bytes.Add(int64(len(value)))
		return true
	})
	if err != nil {
		return "", fmt.Errorf("counting archived events: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	b, err := s.lookup(a.Bus)
	if err != nil {
		return "", err
	}
	if _, ok := s.archives[a.Name]; ok {
		return "", wire.Errorf("ResourceAlreadyExistsException", "Archive %s already exists.", a.Name)
	}
	made.bus = b.Name
	s.archives[a.Name] = made
	b.refresh(s.archives)
	return made.arn, nil
}

// compile checks what an archive is made of and reads its pattern, nil for all events.
func (a Archive) compile() (*pattern.Pattern, error) {
	if err := archiveNames.check(a.Name, "archiveName"); err != nil {
		return nil, err
	}
	if err := checkLength(a.Description, "description", maxDescription); err != nil {
		return nil, err
	}
	if a.RetentionDays < 0 {
		return nil, violated(strconv.Itoa(a.RetentionDays), "retentionDays", "have value greater than or equal to 0")
	}
	if a.EventPattern == "" {
		return nil, nil
	}
	return compilePattern(a.EventPattern)
}

// UpdateArchive lets change replace description, pattern and retention of an archive; name and bus stay. What is archived stays.
func (s *Service) UpdateArchive(name string, change func(*Archive)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, err := s.lookupArchive(name)
	if err != nil {
		return err
	}
	changed := *a
	change(&changed.Archive)
	changed.Name, changed.Bus = a.Name, a.Bus
	if changed.pattern, err = changed.compile(); err != nil {
		return err
	}
	s.archives[name] = &changed
	s.buses[a.bus].refresh(s.archives)
	return nil
}

// DeleteArchive removes an archive and its events.
func (s *Service) DeleteArchive(name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, err := s.lookupArchive(name)
	if err != nil {
		return err
	}
	for _, r := range s.replays {
		if r.ArchiveARN == a.arn && r.active() {
			return wire.Errorf("ConcurrentModificationException", "Archive %s is being replayed (%s).", name, r.Name)
		}
	}
	var batch storage.Batch
	err = s.options.Store.Scan(a.space, storage.Range{}, func(key, _ []byte) bool {
		batch.Delete(a.space, key)
		return true
	})
	if err == nil && batch.Len() > 0 {
		err = s.options.Store.Apply(&batch)
	}
	if err != nil {
		return fmt.Errorf("deleting archive %s: %w", name, err)
	}
	delete(s.archives, name)
	if b, ok := s.buses[a.bus]; ok {
		b.refresh(s.archives)
	}
	return nil
}

// lookupArchive finds an archive; the caller holds the service's mutex.
func (s *Service) lookupArchive(name string) (*archive, error) {
	a, ok := s.archives[name]
	if !ok {
		return nil, wire.Errorf("ResourceNotFoundException", "Archive %s does not exist.", name)
	}
	return a, nil
}

// add puts the event into the batch; the returned function counts it, to be called once the batch is stored.
func (a *archive) add(batch *storage.Batch, e *event) (count func()) {
	batch.Put(a.space, append(archiveKey(e.time), e.id...), e.envelope)
	return func() {
		a.counts.events.Add(1)
		a.counts.bytes.Add(int64(len(e.envelope)))
	}
}

func archiveKey(at time.Time) []byte {
	// A time before 1970 sorts as the oldest.
	return binary.BigEndian.AppendUint64(make([]byte, 0, timeBytesInKey), uint64(max(0, at.UnixMilli())))
}

// EachArchived calls fn for the archive's events whose own time is in [from, to) and within the retention period, oldest
// first, until fn returns false. A zero time means no bound.
func (s *Service) EachArchived(name string, from, to time.Time, fn func(ArchivedEvent) bool) error {
	s.mu.RLock()
	a, err := s.lookupArchive(name)
	s.mu.RUnlock()
	if err != nil {
		return err
	}
	if a.RetentionDays > 0 {
		if oldest := s.options.Clock.Now().Add(-time.Duration(a.RetentionDays) * day); from.Before(oldest) {
			from = oldest
		}
	}
	var r storage.Range
	if !from.IsZero() {
		r.From = archiveKey(from)
	}
	if !to.IsZero() {
		r.To = archiveKey(to)
	}
	err = s.options.Store.Scan(a.space, r, func(key, value []byte) bool {
		at := time.UnixMilli(int64(binary.BigEndian.Uint64(key[:timeBytesInKey]))).UTC()
		return fn(ArchivedEvent{Time: at, Envelope: value})
	})
	if err != nil {
		return fmt.Errorf("reading archive %s: %w", name, err)
	}
	return nil
}
