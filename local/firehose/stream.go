package firehose

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/payrail/payrail/local/clock"
	"github.com/payrail/payrail/local/wire"
)

const (
	// maxWaiting is how many full buffers' worth a stream holds while its bucket cannot be written; then puts are throttled. It
	// bounds memory.
	maxWaiting = 4
	// deliveryDeadline is how long Firehose tries to write to S3 before it gives records up.
	deliveryDeadline = 24 * time.Hour
	// streamVersion is part of object names; it counts configuration changes, which the local runtime does not have.
	streamVersion = 1
)

type stream struct {
	service *Service
	name    string
	arn     string
	created time.Time
	to      destination
	metrics metrics
	kept    *keeper

	mu sync.Mutex
	// buffers are the batches that still take records, by folder; a stream without partitions has one, under "".
	buffers map[string]*batch
	// active counts the batches of each partition that are not written yet. A partition is active until it has none: what the
	// bucket does not take keeps its partition active.
	// Source: https://docs.aws.amazon.com/firehose/latest/dev/buffering.html
	active       map[string]int
	waiting      []*batch      // Cut, and not written yet.
	waitingBytes int           // What they hold before compression.
	wake         chan struct{} // Holds one token while there may be something waiting.
}

// batch is the content of one object. It is compressed as it comes: a stream has as many of them as partitions.
type batch struct {
	key     string // In buffers.
	active  bool   // It is a partition's, not one of errors.
	folder  string // Of the object; empty where the prefix is evaluated when it is written.
	timer   clock.Timer
	packed  bytes.Buffer
	zip     *gzip.Writer // nil without compression.
	size    int          // Before compression.
	records int
	numbers numbers       // Of the records, in the store.
	first   time.Time     // Arrival of the oldest record.
	done    chan struct{} // Closed once it is written or given up.
	err     error         // Set before done is closed.
}

func newStream(s *Service, spec Spec, d destination) *stream {
	return &stream{
		service: s, name: spec.DeliveryStreamName, arn: s.arn(spec.DeliveryStreamName), to: d,
		kept: s.keeperOf(spec.DeliveryStreamName), created: s.options.Clock.Now(), buffers: map[string]*batch{}, active: map[string]int{}, wake: make(chan struct{}, 1),
	}
}

// add appends records to their buffers, all or none. A buffer that has reached its size goes to the delivery.
func (s *stream) add(records [][]byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.waitingBytes >= maxWaiting*s.to.bytes {
		return &wire.Error{Status: 503, Code: "ServiceUnavailableException", Message: "Slow down."}
	}
	now := s.service.options.Clock.Now().UTC()
	first, err := s.kept.put(records, now)
	if err != nil {
		return err
	}
	for i, r := range records {
		if err := s.buffer(first+uint64(i), r, now); err != nil {
			return err
		}
	}
	s.metrics.received(records)
	return nil
}

// buffer appends a record to its buffer. The caller holds the lock.
func (s *stream) buffer(number uint64, record []byte, now time.Time) error {
	p, err := s.place(record, now)
	if err != nil {
		return err
	}
	b := s.buffers[p.folder]
	if b == nil {
		b = s.open(p, now)
	}
	if err := b.write(p.content, s.to.delimiter); err != nil {
		return err
	}
	b.numbers.add(number)
	if b.size >= s.to.bytes {
		s.cut(b)
	}
	return nil
}

// placed is a record with the buffer it goes to.
type placed struct {
	folder    string
	partition bool // The folder is a partition's.
	content   []byte
}

// place decides which buffer a record goes to, and as what: a record that cannot be put into a partition goes to the errors.
// The caller holds the lock.
func (s *stream) place(record []byte, now time.Time) (placed, error) {
	if s.to.query == nil {
		return placed{content: record}, nil
	}
	keys, err := s.to.query.extract(record)
	if err != nil {
		return s.misplaced(record, now, extractionFailedFolder, extractionFailedCode, err.Error())
	}
	folder, err := s.to.prefix.evaluate(scope{at: now, random: s.service.options.Random, keys: keys})
	if err != nil {
		return placed{}, err
	}
	if s.active[folder] == 0 && len(s.active) >= maxActivePartitions {
		return s.misplaced(record, now, limitExceededFolder, limitExceededCode,
			fmt.Sprintf("the stream has %d active partitions, as many as it may have", maxActivePartitions))
	}
	return placed{folder: folder, partition: true, content: record}, nil
}

// misplaced makes the error record of a record.
func (s *stream) misplaced(record []byte, now time.Time, failure, code, message string) (placed, error) {
	s.metrics.logEvents.Add(1)
	s.service.options.Logger.Error("a record cannot be put into a partition",
		slog.String("stream", s.name), slog.String("code", code), slog.String("problem", message))
	folder, err := s.to.errorPrefix.evaluate(scope{at: now, random: s.service.options.Random, failure: failure})
	if err != nil {
		return placed{}, err
	}
	content, err := json.Marshal(errorRecord{AttemptsMade: 1, ArrivalTimestamp: now.UnixMilli(), ErrorCode: code, ErrorMessage: message,
		AttemptEndingTimestamp: now.UnixMilli(), RawData: record})
	if err != nil {
		return placed{}, fmt.Errorf("encoding the error record: %w", err)
	}
	return placed{folder: folder, content: content}, nil
}

// open starts a buffer. The caller holds the lock.
func (s *stream) open(p placed, now time.Time) *batch {
	b := &batch{key: p.folder, active: p.partition, folder: p.folder, first: now, done: make(chan struct{})}
	if s.to.gzip {
		b.zip = gzip.NewWriter(&b.packed)
	}
	if b.active {
		s.active[b.key]++
	}
	s.buffers[b.key] = b
	b.timer = s.service.options.Clock.AfterFunc(s.to.interval, func() { s.cutIf(b) })
	return b
}

func (b *batch) write(record []byte, delimiter string) error {
	var to io.Writer = &b.packed
	if b.zip != nil {
		to = b.zip
	}
	b.size += len(record) + len(delimiter)
	b.records++
	if _, err := to.Write(record); err != nil {
		return fmt.Errorf("compressing records: %w", err)
	}
	if _, err := io.WriteString(to, delimiter); err != nil {
		return fmt.Errorf("compressing records: %w", err)
	}
	return nil
}

// cutIf hands over the buffer b if it still takes records: its interval is over.
func (s *stream) cutIf(b *batch) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.buffers[b.key] == b {
		s.cut(b)
	}
}

// cut hands a buffer to the delivery. The caller holds the lock.
func (s *stream) cut(b *batch) {
	b.timer.Stop()
	delete(s.buffers, b.key)
	s.waiting = append(s.waiting, b)
	s.waitingBytes += b.size
	select {
	case s.wake <- struct{}{}:
	default: // There is a token already.
	}
}

func (s *stream) flush(ctx context.Context) error {
	s.mu.Lock()
	for _, key := range slices.Sorted(maps.Keys(s.buffers)) {
		s.cut(s.buffers[key])
	}
	pending := append([]*batch(nil), s.waiting...)
	s.mu.Unlock()
	var failed []error
	for _, b := range pending {
		select {
		case <-b.done:
			failed = append(failed, b.err)
		case <-ctx.Done():
			return ctx.Err()
		case <-s.service.ctx.Done():
			return errors.New("the service is closed")
		}
	}
	return errors.Join(failed...)
}

// deliver writes waiting batches one after the other until ctx ends. A batch stays in waiting until it is settled.
func (s *stream) deliver(ctx context.Context) {
	for {
		select {
		case <-s.wake:
		case <-ctx.Done():
			return
		}
		for {
			s.mu.Lock()
			if len(s.waiting) == 0 {
				s.mu.Unlock()
				break
			}
			b := s.waiting[0]
			s.mu.Unlock()
			b.err = s.write(ctx, b)
			if ctx.Err() != nil {
				return
			}
			if b.err != nil {
				s.service.options.Logger.Error("giving up records of a delivery stream",
					slog.String("stream", s.name), slog.Int("bytes", b.size), slog.Any("error", b.err))
			}
			s.kept.remove(b.numbers)
			s.settled(b)
		}
	}
}

// settled takes a batch that was written or given up out of what waits.
func (s *stream) settled(b *batch) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting = s.waiting[1:]
	s.waitingBytes -= b.size
	if b.active {
		if s.active[b.key]--; s.active[b.key] == 0 {
			delete(s.active, b.key)
		}
	}
	close(b.done)
}

// write puts the batch's object, again and again for a day. The key stays the same, so that a lost answer does not double it
// here; real Firehose may.
func (s *stream) write(ctx context.Context, b *batch) error {
	key, body, err := s.object(b)
	if err != nil {
		return err
	}
	o := s.service.options
	injected := s.drawDelivery()
	s.late(ctx, injected.Delay)
	for attempt := 1; ; attempt++ {
		err := s.put(ctx, key, body)
		s.metrics.put(b, err)
		if err == nil {
			if injected.Duplicate {
				s.again(ctx, b, body)
			}
			return nil
		}
		if o.Clock.Now().Sub(b.first) >= deliveryDeadline {
			return fmt.Errorf("writing s3://%s/%s: given up after %s: %w", s.to.bucket, key, deliveryDeadline, err)
		}
		o.Logger.Warn("writing an object of a delivery stream failed, trying again",
			slog.String("stream", s.name), slog.String("key", key), slog.Int("attempt", attempt), slog.Any("error", err))
		select {
		case <-o.Clock.After(backOff(attempt)):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (s *stream) object(b *batch) (key string, body []byte, err error) {
	if key, err = s.key(b); err != nil {
		return "", nil, err
	}
	if b.zip != nil {
		if err := b.zip.Close(); err != nil {
			return "", nil, fmt.Errorf("compressing records: %w", err)
		}
	}
	return key, b.packed.Bytes(), nil
}

// key makes a name for a batch's object, another one each time.
func (s *stream) key(b *batch) (string, error) {
	id, err := s.service.id()
	if err != nil {
		return "", err
	}
	folder := b.folder
	if folder == "" {
		if folder, err = s.to.prefix.evaluate(scope{at: b.first, random: s.service.options.Random}); err != nil {
			return "", err
		}
	}
	return fmt.Sprintf("%s%s-%d-%s-%s%s", folder, s.name, streamVersion, b.first.Format("2006-01-02-15-04-05"), id, s.to.extension), nil
}
