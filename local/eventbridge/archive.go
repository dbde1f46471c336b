package eventbridge

import (
	"encoding/binary"
	"fmt"
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

type archive struct {
	Archive
	arn, bus, space string
	pattern         *pattern.Pattern // nil for all events.
	created         time.Time
	events, bytes   atomic.Int64
}

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
	if !archiveNameForm.MatchString(a.Name) {
		return "", wire.Errorf("ValidationException", "Archive name %q is not valid: 1 to 48 of letters, digits, '.', '-' and '_'.", a.Name)
	}
	if a.RetentionDays < 0 {
		return "", wire.Errorf("ValidationException", "RetentionDays %d is not valid: 0 or more.", a.RetentionDays)
	}
	made := &archive{Archive: a, arn: s.arn("archive/" + a.Name), space: "eventbridge/archive/" + a.Name, created: s.options.Clock.Now()}
	if a.EventPattern != "" {
		p, err := compilePattern(a.EventPattern)
		if err != nil {
			return "", err
		}
		made.pattern = p
	}
	err := s.options.Store.Scan(made.space, storage.Range{}, func(_, value []byte) bool {
		made.events.Add(1)
		made.bytes.Add(int64(len(value)))
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

// add puts the event into the batch; the returned function counts it, to be called once the batch is stored.
func (a *archive) add(batch *storage.Batch, e *event) (count func()) {
	batch.Put(a.space, append(archiveKey(e.time), e.id...), e.envelope)
	return func() {
		a.events.Add(1)
		a.bytes.Add(int64(len(e.envelope)))
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
	a, ok := s.archives[name]
	s.mu.RUnlock()
	if !ok {
		return wire.Errorf("ResourceNotFoundException", "Archive %s does not exist.", name)
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
	err := s.options.Store.Scan(a.space, r, func(key, value []byte) bool {
		at := time.UnixMilli(int64(binary.BigEndian.Uint64(key[:timeBytesInKey]))).UTC()
		return fn(ArchivedEvent{Time: at, Envelope: value})
	})
	if err != nil {
		return fmt.Errorf("reading archive %s: %w", name, err)
	}
	return nil
}
