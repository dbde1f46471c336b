package pipes

import (
	"strings"
	"sync"
)

// progress is how far a pipe has come. Workers finish out of order; the position is the last record before which all are
// dealt with, so that a pipe that starts again there repeats some and misses none.
type progress struct {
	keep func(position string) error

	mu       sync.Mutex
	read     string // Up to here the stream has been read.
	position string
	pending  []*step
	changed  chan struct{} // Closed at the next change.
}

// step is one record on its way.
type step struct {
	sequence string
	done     bool
}

func newProgress(start string, keep func(string) error) *progress {
	return &progress{keep: keep, read: start, position: start, changed: make(chan struct{})}
}

// add notes a record that was read.
func (p *progress) add(sequence string) *step {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := &step{sequence: sequence}
	p.pending = append(p.pending, s)
	p.read = sequence
	return s
}

// readUpTo notes that the stream had nothing more up to this sequence number.
func (p *progress) readUpTo(sequence string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if later(sequence, p.read) {
		p.read = sequence
		p.wake()
	}
}

// done marks records as dealt with and keeps the new position.
func (p *progress) done(steps ...*step) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range steps {
		s.done = true
	}
	before := p.position
	for len(p.pending) > 0 && p.pending[0].done {
		p.position = p.pending[0].sequence
		p.pending[0] = nil
		p.pending = p.pending[1:]
	}
	p.wake()
	if p.position == before {
		return nil
	}
	return p.keep(p.position)
}

// passed reports whether every record up to the sequence number is dealt with.
func (p *progress) passed(sequence string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.pending) == 0 && !later(sequence, p.read)
}

// watch returns a channel that is closed at the next change.
func (p *progress) watch() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.changed
}

func (p *progress) wake() {
	close(p.changed)
	p.changed = make(chan struct{})
}

// later compares sequence numbers: decimal numbers too large for an int64.
func later(a, b string) bool {
	a, b = strings.TrimLeft(a, "0"), strings.TrimLeft(b, "0")
	if len(a) != len(b) {
		return len(a) > len(b)
	}
	return a > b
}
