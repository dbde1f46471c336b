// Package clock is the local runtime's time. Delivery timers (visibility, back-off, windows, retention) run on it, so
// that hours of retries can be tested in seconds; function deadlines use the real clock, because functions run for real.
package clock

import (
	"sync"
	"time"
)

// Clock tells the time and starts timers. Implementations are safe for concurrent use.
type Clock interface {
	Now() time.Time
	// AfterFunc runs f in its own goroutine once d has passed on this clock.
	AfterFunc(d time.Duration, f func()) Timer
	// After returns a channel that receives the time once d has passed on this clock.
	After(d time.Duration) <-chan time.Time
}

// Timer is a started AfterFunc. Stop reports whether it kept the function from running.
type Timer interface{ Stop() bool }

// Scaled is the machine's clock, running factor times as fast since it was made. A factor of 1 is real time.
type Scaled struct {
	start  time.Time
	ahead  time.Duration // of start, where the clock began
	factor float64
}

// NewScaled returns a clock that starts at the machine's time and runs factor times as fast; a factor of 0 or less means 1.
func NewScaled(factor float64) *Scaled {
	if factor <= 0 {
		factor = 1
	}
	return &Scaled{start: time.Now(), factor: factor}
}

// NewScaledFrom is NewScaled, beginning at a time that may be ahead of the machine's.
func NewScaledFrom(begin time.Time, factor float64) *Scaled {
	c := NewScaled(factor)
	c.ahead = begin.Sub(c.start)
	return c
}

func (c *Scaled) Now() time.Time {
	return c.start.Add(c.ahead + time.Duration(float64(time.Since(c.start))*c.factor))
}

func (c *Scaled) real(d time.Duration) time.Duration { return time.Duration(float64(d) / c.factor) }

func (c *Scaled) AfterFunc(d time.Duration, f func()) Timer { return time.AfterFunc(c.real(d), f) }

func (c *Scaled) After(d time.Duration) <-chan time.Time {
	ch := make(chan time.Time, 1)
	time.AfterFunc(c.real(d), func() { ch <- c.Now() })
	return ch
}

// Manual stands still until a test moves it.
type Manual struct {
	mu     sync.Mutex
	now    time.Time
	timers map[*manualTimer]struct{}
	armed  *sync.Cond
}

type manualTimer struct {
	clock *Manual
	at    time.Time
	f     func()
}

// NewManual returns a clock that stands at now.
func NewManual(now time.Time) *Manual {
	c := &Manual{now: now, timers: map[*manualTimer]struct{}{}}
	c.armed = sync.NewCond(&c.mu)
	return c
}

func (c *Manual) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *Manual) AfterFunc(d time.Duration, f func()) Timer {
	c.mu.Lock()
	t := &manualTimer{clock: c, at: c.now.Add(d), f: f}
	if d <= 0 {
		c.mu.Unlock()
		go f()
		return t
	}
	c.timers[t] = struct{}{}
	c.armed.Broadcast()
	c.mu.Unlock()
	return t
}

func (c *Manual) After(d time.Duration) <-chan time.Time {
	ch := make(chan time.Time, 1)
	c.AfterFunc(d, func() { ch <- c.Now() })
	return ch
}

// Advance moves the clock by d and starts, in order of their time, the functions of all timers that fall due.
func (c *Manual) Advance(d time.Duration) {
	c.mu.Lock()
	target := c.now.Add(d)
	for {
		var due *manualTimer
		for t := range c.timers {
			if !t.at.After(target) && (due == nil || t.at.Before(due.at)) {
				due = t
			}
		}
		if due == nil {
			break
		}
		delete(c.timers, due)
		c.now = due.at
		go due.f()
	}
	c.now = target
	c.mu.Unlock()
}

// WaitForTimers blocks until at least n timers are armed. Tests call it before Advance instead of sleeping.
func (c *Manual) WaitForTimers(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.timers) < n {
		c.armed.Wait()
	}
}

func (t *manualTimer) Stop() bool {
	t.clock.mu.Lock()
	defer t.clock.mu.Unlock()
	_, armed := t.clock.timers[t]
	delete(t.clock.timers, t)
	return armed
}
