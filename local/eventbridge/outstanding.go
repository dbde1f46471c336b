package eventbridge

import (
	"context"
	"sync"
)

// outstanding counts deliveries that are not settled yet, and wakes who waits for none.
type outstanding struct {
	mu    sync.Mutex
	n     int
	taken uint64        // How many there were in all.
	zero  chan struct{} // Closed while n is 0.
}

func newOutstanding() *outstanding {
	o := &outstanding{zero: make(chan struct{})}
	close(o.zero)
	return o
}

func (o *outstanding) add(n int) {
	if n == 0 {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.n == 0 {
		o.zero = make(chan struct{})
	}
	if n > 0 {
		o.taken += uint64(n)
	}
	if o.n += n; o.n == 0 {
		close(o.zero)
	}
}

func (o *outstanding) count() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.n
}

func (o *outstanding) counts() (n int, taken uint64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.n, o.taken
}

func (o *outstanding) wait(ctx context.Context) error {
	o.mu.Lock()
	zero := o.zero
	o.mu.Unlock()
	select {
	case <-zero:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
