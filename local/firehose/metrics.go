package firehose

import (
	"maps"
	"slices"
	"sync/atomic"
	"time"
)

// Metrics are a stream's counters, named as in CloudWatch's namespace AWS/Firehose with the dimension DeliveryStreamName, but that
// dots are left out.
type Metrics struct {
	IncomingRecords, IncomingBytes int64
	// DeliveryToS3Records and DeliveryToS3Bytes count what was written, before compression.
	DeliveryToS3Records, DeliveryToS3Bytes int64
	// Puts counts attempts to write an object, SuccessfulPuts those that succeeded: DeliveryToS3.Success is their share.
	Puts, SuccessfulPuts int64
	// DataFreshness is the age of the oldest record that is not written; 0 where there is none.
	DataFreshness time.Duration
	// LogEvents counts the errors that Firehose would write to the stream's log group, LogGroup; empty where it has none.
	LogEvents int64
	LogGroup  string
}

type metrics struct {
	incomingRecords, incomingBytes, records, bytes, puts, successes, logEvents atomic.Int64
}

// EachMetrics calls fn with the counters of every stream, in the order of names.
func (s *Service) EachMetrics(fn func(name string, m Metrics)) {
	s.mu.RLock()
	streams := maps.Clone(s.streams)
	s.mu.RUnlock()
	for _, name := range slices.Sorted(maps.Keys(streams)) {
		st := streams[name]
		m := &st.metrics
		fn(name, Metrics{
			IncomingRecords: m.incomingRecords.Load(), IncomingBytes: m.incomingBytes.Load(),
			DeliveryToS3Records: m.records.Load(), DeliveryToS3Bytes: m.bytes.Load(), Puts: m.puts.Load(), SuccessfulPuts: m.successes.Load(),
			DataFreshness: st.oldest(s.options.Clock.Now()), LogEvents: m.logEvents.Load(), LogGroup: st.to.logGroup,
		})
	}
}

// received counts records that a stream has taken.
func (m *metrics) received(records [][]byte) {
	m.incomingRecords.Add(int64(len(records)))
	for _, r := range records {
		m.incomingBytes.Add(int64(len(r)))
	}
}

// put counts an attempt to write a batch's object.
func (m *metrics) put(b *batch, err error) {
	m.puts.Add(1)
	if err != nil {
		m.logEvents.Add(1)
		return
	}
	m.successes.Add(1)
	m.records.Add(int64(b.records))
	m.bytes.Add(int64(b.size))
}

// oldest is the age of the oldest record that is not written.
func (s *stream) oldest(now time.Time) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	var age time.Duration
	for _, b := range s.buffers {
		age = max(age, now.Sub(b.first))
	}
	for _, b := range s.waiting {
		age = max(age, now.Sub(b.first))
	}
	return age
}
