package pipes

import (
	"context"
	"time"
)

// deliverOperation of the fault injector has the pipe's name behind it.
const deliverOperation = "pipes:Deliver"

// take processes a batch: at once, late or twice. A batch that is late holds up the records behind it, and those of other workers
// overtake it; one that comes twice goes through the whole pipe both times, as after a crash before the position was kept.
func (p *pipe) take(ctx context.Context, batch []item) {
	d := p.service.options.Faults.Delivery(deliverOperation, p.Name)
	if d.Delay > 0 {
		p.pause(ctx, d.Delay)
	}
	if d.Duplicate {
		if left, err := p.attempt(ctx, batch); err != nil {
			p.logger.Warn("pipe failed on a batch that it will take again", "records", len(left), "error", err)
		}
	}
	p.process(ctx, batch, 0)
}

// pause lets a time of the clock pass, or returns when ctx ends.
func (p *pipe) pause(ctx context.Context, d time.Duration) {
	select {
	case <-p.service.options.Clock.After(d):
	case <-ctx.Done():
	}
}

// AtRest reports whether every pipe that runs has dealt with all records its stream has.
func (s *Service) AtRest() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.pipes {
		if !p.Stopped && !p.progress.passed(p.stream.Latest()) {
			return false
		}
	}
	return true
}
