package redrive

import (
	"context"
	"time"
)

// pace spaces items out in time. It is for one goroutine.
type pace struct {
	interval time.Duration
	next     time.Time
	now      func() time.Time
	wait     func(context.Context, time.Duration) error
}

// await returns when the next item may go, or with ctx's error.
func (p *pace) await(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	now := p.now()
	if due := p.next.Sub(now); due > 0 {
		if err := p.wait(ctx, due); err != nil {
			return err
		}
		p.next = p.next.Add(p.interval)
		return nil
	}
	p.next = now.Add(p.interval)
	return nil
}
