package pipes

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"log/slog"
	"time"
)

const (
	// readLimit is how many records one read of the stream takes at most.
	readLimit = 500
	// workerBuffer is how many reads' worth of records may wait for one worker. Beyond that the reader waits and the records
	// stay in the stream, so that memory is bounded however long a batch fails.
	workerBuffer = 1
	// maxPayload is what a function may be called with; batches are cut before it.
	maxPayload = 6 << 20
	// The waits between attempts double from the first to the longest. AWS does not publish its own.
	firstBackOff   = time.Second
	longestBackOff = time.Minute
)

// pipe is a running pipe: one reader, and one worker per unit of parallelization.
type pipe struct {
	Pipe
	service  *Service
	arn      string
	stream   Stream
	filter   *filter
	progress *progress
	metrics  metrics
	logger   *slog.Logger
}

// item is a record on its way through the pipe.
type item struct {
	Record
	step *step
}

func (p *pipe) run(ctx context.Context) {
	workers := make([]chan []item, p.Source.ParallelizationFactor)
	for i := range workers {
		in := make(chan []item, workerBuffer)
		workers[i] = in
		p.service.running.Go(func() { p.work(ctx, in) })
	}
	p.service.running.Go(func() { p.readAll(ctx, workers) })
}

// readAll reads the stream, drops what the filter does not take, and deals the rest out by item key.
func (p *pipe) readAll(ctx context.Context, workers []chan []item) {
	after, failures := p.progress.position, 0
	if ready := p.service.options.Ready; ready != nil {
		select {
		case <-ready:
		case <-ctx.Done():
		}
	}
	for ctx.Err() == nil {
		changed, latest := p.stream.Changed(), p.stream.Latest()
		records, err := p.stream.Read(after, readLimit)
		if err != nil {
			p.logger.Error("pipe cannot read its stream", "error", err)
			p.wait(ctx, failures)
			failures++
			continue
		}
		failures = 0
		if len(records) > 0 {
			after = records[len(records)-1].SequenceNumber
			p.dispatch(ctx, records, workers)
			continue
		}
		p.progress.readUpTo(latest)
		select {
		case <-changed:
		case <-ctx.Done():
		}
	}
}

// dispatch hands the records of one read to their workers; what is read together can be in one batch.
func (p *pipe) dispatch(ctx context.Context, records []Record, workers []chan []item) {
	shares := make([][]item, len(workers))
	for _, r := range records {
		i := item{Record: r, step: p.progress.add(r.SequenceNumber)}
		p.metrics.read.Add(1)
		takes, err := p.filter.takes(r.JSON)
		if err != nil {
			p.logger.Error("pipe drops a record that is not JSON", "sequence", r.SequenceNumber, "error", err)
		}
		if !takes {
			p.metrics.filtered.Add(1)
			p.finish([]item{i})
			continue
		}
		n := p.worker(r, len(workers))
		shares[n] = append(shares[n], i)
	}
	for n, share := range shares {
		if len(share) == 0 {
			continue
		}
		select {
		case workers[n] <- share:
		case <-ctx.Done():
			return
		}
	}
}

// worker is the worker of a record: always the same one for one item.
func (p *pipe) worker(r Record, workers int) int {
	if workers == 1 {
		return 0
	}
	key, err := itemKey(r.JSON)
	if err != nil {
		// Without its key a record's order cannot be kept; one worker takes all of these.
		p.logger.Error("pipe finds no key in a record", "sequence", r.SequenceNumber, "error", err)
	}
	return int(key % uint64(workers))
}

// itemKey is a hash of the item's key: as on AWS, parallel batches keep the order of changes to one item.
func itemKey(record []byte) (uint64, error) {
	var r struct {
		Dynamodb struct{ Keys json.RawMessage }
	}
	if err := json.Unmarshal(record, &r); err != nil {
		return 0, fmt.Errorf("reading the record's keys: %w", err)
	}
	h := fnv.New64a()
	_, _ = h.Write(r.Dynamodb.Keys) // A hash does not fail.
	return h.Sum64(), nil
}

// work makes batches of one worker's records and processes them one after the other.
func (p *pipe) work(ctx context.Context, in <-chan []item) {
	var waiting, batch []item
	for ctx.Err() == nil {
		if len(waiting) == 0 {
			select {
			case waiting = <-in:
			case <-ctx.Done():
				return
			}
		}
		batch, waiting = p.collect(ctx, waiting, in)
		p.take(ctx, batch)
	}
}

// collect makes a batch of what waits already or comes within the batching window, and returns what is left over.
func (p *pipe) collect(ctx context.Context, waiting []item, in <-chan []item) (batch, left []item) {
	var window chan struct{}
	if p.Source.BatchingWindow > 0 {
		window = make(chan struct{})
		timer := p.service.options.Clock.AfterFunc(p.Source.BatchingWindow, func() { close(window) })
		defer timer.Stop()
	}
	size := len("[]")
	for {
		for ; len(waiting) > 0 && len(batch) < p.Source.BatchSize; waiting = waiting[1:] {
			size += len(waiting[0].JSON) + len(",")
			if size > maxPayload && len(batch) > 0 {
				return batch, waiting
			}
			batch = append(batch, waiting[0])
		}
		if len(batch) == p.Source.BatchSize {
			return batch, waiting
		}
		select {
		case waiting = <-in:
			continue
		default:
		}
		if window == nil {
			return batch, nil
		}
		select {
		case waiting = <-in:
		case <-window:
			return batch, nil
		case <-ctx.Done():
			return batch, nil
		}
	}
}

// finish moves the position past records that are dealt with.
func (p *pipe) finish(batch []item) {
	steps := make([]*step, len(batch))
	for i := range batch {
		steps[i] = batch[i].step
	}
	if err := p.progress.done(steps...); err != nil {
		// The pipe goes on: a position that lags only repeats records.
		p.logger.Error("pipe cannot keep its position", "error", err)
	}
}

// wait lets the back-off after a number of earlier failures pass.
func (p *pipe) wait(ctx context.Context, failures int) {
	d := longestBackOff
	if failures < 6 { // 2^6 seconds are more than the longest wait.
		d = min(firstBackOff<<failures, longestBackOff)
	}
	p.pause(ctx, d)
}
