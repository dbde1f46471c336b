package firehose

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/payrail/payrail/local/clock"
	"github.com/payrail/payrail/local/wire"
)

const (
	// maxWaiting is how many full buffers a stream holds while its bucket cannot be written; then puts are throttled. It
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

	mu      sync.Mutex
	buffer  *batch
	timer   clock.Timer
	waiting []*batch
	wake    chan struct{} // Holds one token while there may be something waiting.
}

// batch is the content of one object.
type batch struct {
	data  []byte
	first time.Time     // Arrival of the oldest record.
	done  chan struct{} // Closed once it is written or given up.
	err   error         // Set before done is closed.
}

func newStream(s *Service, spec Spec, d destination) *stream {
	return &stream{
		service: s, name: spec.DeliveryStreamName, arn: s.arn(spec.DeliveryStreamName), to: d,
		created: s.options.Clock.Now(), wake: make(chan struct{}, 1),
	}
}

// add appends records to the buffer, all or none. A buffer that has reached its size goes to the delivery.
func (s *stream) add(records [][]byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.waiting) >= maxWaiting {
		return &wire.Error{Status: 503, Code: "ServiceUnavailableException", Message: "Slow down."}
	}
	for _, r := range records {
		if s.buffer == nil {
			b := &batch{first: s.service.options.Clock.Now().UTC(), done: make(chan struct{})}
			s.buffer = b
			s.timer = s.service.options.Clock.AfterFunc(s.to.interval, func() { s.cutIf(b) })
		}
		s.buffer.data = append(append(s.buffer.data, r...), s.to.delimiter...)
		if len(s.buffer.data) >= s.to.bytes {
			s.cut()
		}
	}
	return nil
}

// cutIf hands over the buffer if it is still b: its interval is over.
func (s *stream) cutIf(b *batch) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.buffer == b {
		s.cut()
	}
}

// cut hands the buffer to the delivery. The caller holds the lock.
func (s *stream) cut() {
	s.timer.Stop()
	s.waiting = append(s.waiting, s.buffer)
	s.buffer = nil
	select {
	case s.wake <- struct{}{}:
	default: // There is a token already.
	}
}

func (s *stream) flush(ctx context.Context) error {
	s.mu.Lock()
	if s.buffer != nil {
		s.cut()
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
					slog.String("stream", s.name), slog.Int("bytes", len(b.data)), slog.Any("error", b.err))
			}
			s.mu.Lock()
			s.waiting = s.waiting[1:]
			s.mu.Unlock()
			close(b.done)
		}
	}
}

// write puts the batch's object, again and again for a day. The key stays the same, so that a lost answer does not double it
// here; real Firehose may.
func (s *stream) write(ctx context.Context, b *batch) error {
	key, body, err := s.object(b)
	if err != nil {
		return err
	}
	o := s.service.options
	for attempt := 1; ; attempt++ {
		err := o.Objects.PutObject(ctx, s.to.bucket, key, body)
		if err == nil {
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
	id, err := s.service.id()
	if err != nil {
		return "", nil, err
	}
	folder, err := s.to.prefix.evaluate(b.first, s.service.options.Random)
	if err != nil {
		return "", nil, err
	}
	key = fmt.Sprintf("%s%s-%d-%s-%s%s", folder, s.name, streamVersion, b.first.Format("2006-01-02-15-04-05"), id, s.to.extension)
	if !s.to.gzip {
		return key, b.data, nil
	}
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err := w.Write(b.data); err != nil {
		return "", nil, fmt.Errorf("compressing records: %w", err)
	}
	if err := w.Close(); err != nil {
		return "", nil, fmt.Errorf("compressing records: %w", err)
	}
	return key, packed.Bytes(), nil
}
