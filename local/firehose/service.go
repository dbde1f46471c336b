// Package firehose is the local runtime's Data Firehose: streams that are put to directly and write their records to S3
// in batches, when a buffer is full or old enough. A failed write is retried with back-off, as Firehose does, so a
// record may be written twice after a lost answer and is lost only when writing fails for a day.
package firehose

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/payrail/payrail/local/clock"
	"github.com/payrail/payrail/local/faults"
	"github.com/payrail/payrail/local/storage"
	"github.com/payrail/payrail/local/wire"
)

// Limits of PutRecord and PutRecordBatch, before base64.
const (
	maxRecordBytes  = 1000 << 10
	maxBatchRecords = 500
	maxBatchBytes   = 4 << 20
)

// ObjectStore is where streams write. Implementations are safe for concurrent use, and may keep body.
type ObjectStore interface {
	PutObject(ctx context.Context, bucket, key string, body []byte) error
}

// Options are what a Service needs.
type Options struct {
	Objects ObjectStore
	Clock   clock.Clock
	// Store keeps accepted records beyond the process until they are written; nil keeps them in memory alone.
	Store storage.Store
	// Random gives the bytes of object and record ids; it must be safe for concurrent use (crypto/rand.Reader is).
	Random  io.Reader
	Faults  *faults.Injector
	Logger  *slog.Logger
	Region  string
	Account string
}

// Service holds the delivery streams. It is safe for concurrent use.
type Service struct {
	options Options
	ctx     context.Context // Ends deliveries at Close.
	cancel  context.CancelFunc
	workers sync.WaitGroup
	mu      sync.RWMutex
	streams map[string]*stream
	closed  bool
	*wire.JSON
}

// New makes a Service without streams. Close ends its deliveries.
func New(o Options) *Service {
	s := &Service{options: o, streams: map[string]*stream{}}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.JSON = s.protocol()
	return s
}

// Close stops delivering; what is still buffered is lost, unless it is kept. Call Flush before it.
func (s *Service) Close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.cancel()
	s.workers.Wait()
}

// CreateDeliveryStream adds a stream and returns its ARN. What the local runtime does not do in spec is refused by name.
func (s *Service) CreateDeliveryStream(spec Spec) (arn string, err error) {
	d, err := spec.check()
	if err != nil {
		return "", fmt.Errorf("creating delivery stream %s: %w", spec.DeliveryStreamName, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return "", fmt.Errorf("creating delivery stream %s: the service is closed", spec.DeliveryStreamName)
	}
	if _, exists := s.streams[spec.DeliveryStreamName]; exists {
		return "", wire.Errorf("ResourceInUseException", "Firehose %s exists already", spec.DeliveryStreamName)
	}
	st := newStream(s, spec, d)
	if err := st.restore(); err != nil {
		return "", fmt.Errorf("creating delivery stream %s: %w", spec.DeliveryStreamName, err)
	}
	s.streams[spec.DeliveryStreamName] = st
	s.workers.Go(func() { st.deliver(s.ctx) })
	return st.arn, nil
}

// Put adds records to the stream of that name or ARN, as PutRecordBatch does: all are accepted or none.
func (s *Service) Put(ctx context.Context, stream string, records [][]byte) error {
	_, err := wire.WithFaultsOn(s.options.Faults, "firehose:PutRecordBatch", wire.LastPart(strings.ReplaceAll(stream, "/", ":")), func() (struct{}, error) {
		st, err := s.find(stream)
		if err != nil {
			return struct{}{}, err
		}
		if err := checkBatch(records); err != nil {
			return struct{}{}, err
		}
		if err := ctx.Err(); err != nil {
			return struct{}{}, err
		}
		return struct{}{}, st.add(records)
	})
	return err
}

// Flush writes what all streams have buffered and waits until it is written, or until ctx ends.
func (s *Service) Flush(ctx context.Context) error {
	s.mu.RLock()
	streams := make([]*stream, 0, len(s.streams))
	for _, st := range s.streams {
		streams = append(streams, st)
	}
	s.mu.RUnlock()
	for _, st := range streams {
		if err := st.flush(ctx); err != nil {
			return fmt.Errorf("flushing delivery stream %s: %w", st.name, err)
		}
	}
	return nil
}

// nameForm is what a stream's name looks like. Source: https://docs.aws.amazon.com/firehose/latest/APIReference/API_PutRecord.html
var nameForm = regexp.MustCompile(`^[a-zA-Z0-9_.-]{1,64}$`)

// named finds a stream by the name that a request gives: unlike within the runtime, an ARN is none.
func (s *Service) named(name string) (*stream, error) {
	if !nameForm.MatchString(name) {
		return nil, violated("deliveryStreamName", "satisfy regular expression pattern: [a-zA-Z0-9_.-]+ with 1 to 64 characters")
	}
	return s.find(name)
}

func (s *Service) find(nameOrARN string) (*stream, error) {
	name := nameOrARN
	if strings.HasPrefix(name, "arn:") {
		_, name, _ = strings.Cut(name, ":deliverystream/")
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	st, ok := s.streams[name]
	if !ok {
		return nil, wire.Errorf("ResourceNotFoundException", "Firehose %s under account %s not found.", nameOrARN, s.options.Account)
	}
	return st, nil
}

// violated is the service's message about one member of a request that breaks a constraint of the API model.
func violated(member, constraint string) error {
	return wire.Errorf("ValidationException", "1 validation error detected: Value at '%s' failed to satisfy constraint: Member must %s", member, constraint)
}

func checkBatch(records [][]byte) error {
	switch {
	case len(records) == 0:
		return violated("records", "have length greater than or equal to 1")
	case len(records) > maxBatchRecords:
		return violated("records", fmt.Sprintf("have length less than or equal to %d", maxBatchRecords))
	}
	total := 0
	for i, r := range records {
		if len(r) > maxRecordBytes {
			return violated(fmt.Sprintf("records.%d.member.data", i+1), fmt.Sprintf("have length less than or equal to %d", maxRecordBytes))
		}
		total += len(r)
	}
	if total > maxBatchBytes {
		return wire.Errorf("InvalidArgumentException", "Records size exceeds %d bytes: %d", maxBatchBytes, total)
	}
	return nil
}

func (s *Service) arn(name string) string {
	return fmt.Sprintf("arn:aws:firehose:%s:%s:deliverystream/%s", s.options.Region, s.options.Account, name)
}

// id makes a UUID from the injected randomness.
func (s *Service) id() (string, error) {
	var b [16]byte
	if _, err := io.ReadFull(s.options.Random, b[:]); err != nil {
		return "", fmt.Errorf("reading random bytes: %w", err)
	}
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:]), nil
}

// backOff is the wait before the attempt of that number (from 1): doubling from a second to five minutes.
func backOff(attempt int) time.Duration {
	const longest = 5 * time.Minute
	return min(longest, time.Second<<min(attempt-1, 16))
}
