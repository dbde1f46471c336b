package local

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/payrail/payrail/local/clock"
	"github.com/payrail/payrail/local/storage"
)

const (
	// runtimeSpace has what the runtime itself keeps in the store.
	runtimeSpace = "runtime"
	clockKey     = "clock"
	// leaseInterval is how often, in real time, the clock's lease is renewed, and leaseLength how far ahead it is, in the same.
	leaseInterval = time.Second
	leaseLength   = 3 * time.Second
)

// Timekeeper is a clock whose time does not go back from one process to the next. One that runs faster than the machine's gets
// ahead of it; the next process begins where it was. The store has a time that is never reached without a later one being kept.
type Timekeeper struct {
	*clock.Scaled
	store  storage.Store
	factor float64
	done   chan struct{}
	ended  chan struct{}
	once   sync.Once
}

// KeepTime starts a clock at the machine's time, or at what an earlier process's may have shown, if that is later. The caller must
// Close it before the store.
func KeepTime(store storage.Store, factor float64) (*Timekeeper, error) {
	value, found, err := store.Get(runtimeSpace, []byte(clockKey))
	if err != nil {
		return nil, fmt.Errorf("reading the kept time: %w", err)
	}
	begin := time.Now()
	if found && len(value) == 8 {
		if kept := time.Unix(0, int64(binary.BigEndian.Uint64(value))); kept.After(begin) {
			begin = kept
		}
	}
	t := &Timekeeper{Scaled: clock.NewScaledFrom(begin, factor), store: store, factor: factor, done: make(chan struct{}), ended: make(chan struct{})}
	if err := t.keep(leaseLength); err != nil {
		return nil, err
	}
	go t.renew()
	return t, nil
}

// keep writes the time that is ahead by some real time. A clock that goes with the machine's, which does not go back either, needs
// none ahead: it would be pushed forward by every restart.
func (t *Timekeeper) keep(ahead time.Duration) error {
	until := t.Now()
	if t.factor > 1 || until.Sub(time.Now()) > leaseInterval {
		until = until.Add(time.Duration(float64(ahead) * t.factor))
	}
	var b storage.Batch
	b.Put(runtimeSpace, []byte(clockKey), binary.BigEndian.AppendUint64(nil, uint64(until.UnixNano())))
	if err := t.store.Apply(&b); err != nil {
		return fmt.Errorf("keeping the time: %w", err)
	}
	return nil
}

// renew keeps the lease ahead of the clock.
func (t *Timekeeper) renew() {
	defer close(t.ended)
	ticker := time.NewTicker(leaseInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			if err := t.keep(leaseLength); errors.Is(err, storage.ErrClosed) {
				return
			}
		case <-t.done:
			return
		}
	}
}

// Close keeps the time as it is.
func (t *Timekeeper) Close() error {
	t.once.Do(func() { close(t.done) })
	<-t.ended
	return t.keep(0)
}
