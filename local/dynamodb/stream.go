package dynamodb

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/payrail/payrail/local/clock"
	"github.com/payrail/payrail/local/faults"
	"github.com/payrail/payrail/local/storage"
	"github.com/payrail/payrail/local/wire"
)

const (
	// StreamRetention is how long a stream keeps a record.
	StreamRetention = 24 * time.Hour
	// sequencePrefix brings sequence numbers to the service's length of at least 21 digits, without leading zeros.
	sequencePrefix = "100"
	sequenceDigits = 19
	// shardID is the one shard of a stream: tables here do not split.
	shardID = "shardId-00000000000000000000-00000001"
)

// Stream is the change log of one table for StreamRetention, in memory or (keeper) in the store. Records of one item are in the
// order of its writes. It is safe for concurrent use.
type Stream struct {
	arn    string
	label  string
	view   string
	region string
	schema keySchema
	table  string
	clock  clock.Clock
	opened time.Time
	kept   *keeper // nil where the stream ends with the process
	faults *faults.Injector

	mu      sync.Mutex
	records []record // records[n] has sequence number first+n
	first   uint64
	settled uint64        // what comes before it can be read: no write is under way there
	changed chan struct{} // closed at the next record; nil while nobody waits
	closed  bool          // the table has been deleted
}

// record holds images as they lie in the store, so that it costs little while the item is still there. keys is set where the
// view keeps no image to take them from.
type record struct {
	state    recordState
	created  int64 // epoch seconds
	told     int64 // the same, as the record says it
	event    string
	size     int
	cold     bool // the images are in the store alone
	keys     stored
	old, new stored
}

// recordState is how far the write of a record's change has come. A number is given out before the write and the record with
// it, so that both are kept at once; who reads must not get past a number whose record is yet to come.
type recordState uint8

const (
	recordPending recordState = iota
	recordDone
	recordVoid // the write failed: no record has this number
)

// StreamRecord is one record as a pipe hands it on.
type StreamRecord struct {
	SequenceNumber string
	// Created is ApproximateCreationDateTime: whole seconds.
	Created time.Time
	// JSON is the record in the form of the event a function gets.
	JSON []byte
}

func newStream(t *table, opened time.Time, region string, c clock.Clock) (*Stream, error) {
	if !slices.Contains([]string{ViewKeysOnly, ViewNewImage, ViewOldImage, ViewNewAndOld}, t.spec.StreamView) {
		return nil, invalidEnum(t.spec.StreamView, "streamSpecification.streamViewType", "NEW_IMAGE, OLD_IMAGE, NEW_AND_OLD_IMAGES, KEYS_ONLY")
	}
	label := opened.UTC().Format("2006-01-02T15:04:05.000")
	first := uint64(opened.UnixNano())
	return &Stream{
		arn: t.arn + "/stream/" + label, label: label, view: t.spec.StreamView, region: region, schema: t.schema,
		table: t.spec.Name, clock: c, opened: opened,
		// Numbers of a table that is made anew over old items go on where the earlier ones were.
		first: first, settled: first,
	}, nil
}

// Stream returns the stream with this ARN.
func (s *Service) Stream(arn string) (*Stream, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	stream := s.byARN[arn]
	if stream == nil {
		return nil, wire.Errorf(codeResourceNotFound, "Requested resource not found: Stream: %s not found", arn)
	}
	return stream, nil
}

// ARN identifies the stream.
func (s *Stream) ARN() string { return s.arn }

// ShardID names the stream's one shard.
func (s *Stream) ShardID() string { return shardID }

// append adds the record of a change that is about to be written and returns its number, for settle; the caller holds the item's
// lock, which gives the order. Where the stream is kept, batch gets the record.
func (s *Stream) append(batch *storage.Batch, old, image stored, key attrs) uint64 {
	r := record{event: "MODIFY", size: key.size()}
	switch {
	case old == nil:
		r.event = "INSERT"
	case image == nil:
		r.event = "REMOVE"
	}
	if s.view == ViewNewImage || s.view == ViewNewAndOld {
		r.new = image
	}
	if s.view == ViewOldImage || s.view == ViewNewAndOld {
		r.old = old
	}
	if r.new == nil && r.old == nil {
		r.keys = encodeItem(key)
	}
	r.size += r.new.size() + r.old.size()

	s.mu.Lock()
	defer s.mu.Unlock()
	r.created = s.clock.Now().Unix()
	r.told = s.skewed(r.created)
	s.trim(r.created)
	number := s.first + uint64(len(s.records))
	s.records = append(s.records, r)
	s.kept.add(batch, number, s.first, &r)
	return number
}

// settle says whether the write of a record's change was done.
func (s *Stream) settle(number uint64, done bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := &s.records[number-s.first]
	if r.state = recordDone; !done {
		*r = record{state: recordVoid, created: r.created}
	}
	before := s.settled
	for end := s.first + uint64(len(s.records)); s.settled < end && s.records[s.settled-s.first].state != recordPending; {
		s.settled++
	}
	if s.settled > before {
		s.kept.cool(s)
		s.wake()
	}
}

func (s *Stream) wake() {
	if s.changed != nil {
		close(s.changed)
		s.changed = nil
	}
}

// trim drops what is past retention. The caller holds s.mu.
func (s *Stream) trim(now int64) {
	horizon := now - int64(StreamRetention/time.Second)
	n := 0
	for n < len(s.records) && s.records[n].created < horizon && s.records[n].state != recordPending {
		s.records[n] = record{} // lets the images go before the array does
		n++
	}
	s.records, s.first = s.records[n:], s.first+uint64(n)
}

// Changed returns a channel that is closed when the next record arrives or the table is deleted. Take it before Read: a
// record that comes in between is then not missed.
func (s *Stream) Changed() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.changed == nil {
		s.changed = make(chan struct{})
	}
	return s.changed
}

// Latest is the sequence number to read after for records that are yet to come.
func (s *Stream) Latest() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return formatSequence(s.settled - 1)
}

// Read returns up to limit records after the sequence number, oldest first; an empty one reads from the oldest record there
// is, and so does one whose successors are past retention. No records means none yet.
func (s *Stream) Read(after string, limit int) ([]StreamRecord, error) {
	from := uint64(0)
	if after != "" {
		n, err := parseSequence(after)
		if err != nil {
			return nil, fmt.Errorf("reading stream %s: %w", s.arn, err)
		}
		from = n + 1
	}
	batch, _, _, err := s.slice(from, limit)
	if err != nil {
		return nil, fmt.Errorf("reading stream %s: %w", s.arn, err)
	}
	out := make([]StreamRecord, len(batch))
	for i := range batch {
		text := formatSequence(batch[i].number)
		json, err := s.render(&batch[i].record, text, true)
		if err != nil {
			return nil, fmt.Errorf("reading stream %s: %w", s.arn, err)
		}
		out[i] = StreamRecord{SequenceNumber: text, Created: time.Unix(batch[i].told, 0).UTC(), JSON: json}
	}
	return out, nil
}

// numbered is a record with its number.
type numbered struct {
	record
	number uint64
}

// slice copies up to limit records from a sequence number on. It tells the number it began at, a later one where the records asked for
// are past retention, and the number to go on from: behind the records, and behind numbers no record has.
func (s *Stream) slice(from uint64, limit int) (batch []numbered, first, next uint64, err error) {
	s.mu.Lock()
	s.trim(s.clock.Now().Unix())
	first = max(from, s.first)
	next = first
	for ; next < s.settled && len(batch) < limit; next++ {
		if r := s.records[next-s.first]; r.state == recordDone {
			batch = append(batch, numbered{r, next})
		}
	}
	s.mu.Unlock()
	return batch, first, next, s.kept.warm(batch)
}

// render writes a record. Functions and pipes get the stream's ARN with it; GetRecords does not tell it.
func (s *Stream) render(r *record, sequence string, withARN bool) ([]byte, error) {
	keys := r.keys
	if keys == nil {
		image := r.new
		if image == nil {
			image = r.old
		}
		item, err := image.item()
		if err != nil {
			return nil, err
		}
		keys = encodeItem(s.schema.pick(item))
	}
	sum := sha256.Sum256([]byte(s.arn + sequence))
	out := make([]byte, 0, 512+len(r.new)+len(r.old))
	out = append(out, `{"eventID":"`...)
	out = hex.AppendEncode(out, sum[:16])
	out = append(out, `","eventName":"`+r.event+`","eventVersion":"1.1","eventSource":"aws:dynamodb","awsRegion":"`+s.region+`","dynamodb":{"ApproximateCreationDateTime":`...)
	out = strconv.AppendInt(out, r.told, 10)
	out = append(append(out, `,"Keys":`...), keys.json()...)
	if r.new != nil {
		out = append(append(out, `,"NewImage":`...), r.new.json()...)
	}
	if r.old != nil {
		out = append(append(out, `,"OldImage":`...), r.old.json()...)
	}
	out = append(out, `,"SequenceNumber":"`+sequence+`","SizeBytes":`...)
	out = strconv.AppendInt(out, int64(r.size), 10)
	out = append(out, `,"StreamViewType":"`+s.view+`"}`...)
	if withARN {
		out = append(out, `,"eventSourceARN":"`+s.arn+`"`...)
	}
	return append(out, '}'), nil
}

// close ends the stream when its table is deleted; what it holds can still be read.
func (s *Stream) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	s.wake()
}

func formatSequence(n uint64) string {
	digits := strconv.FormatUint(n, 10)
	return sequencePrefix + strings.Repeat("0", max(0, sequenceDigits-len(digits))) + digits
}

func parseSequence(text string) (uint64, error) {
	digits, ok := strings.CutPrefix(text, sequencePrefix)
	n, err := strconv.ParseUint(digits, 10, 64)
	if !ok || err != nil || n == math.MaxUint64 || formatSequence(n) != text {
		return 0, invalid("Invalid SequenceNumber: %q", text)
	}
	return n, nil
}
