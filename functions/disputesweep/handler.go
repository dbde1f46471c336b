package main

import (
	"context"
	"log/slog"
)

// desk models disputes.Desk.
type desk interface {
	Sweep(ctx context.Context) (told int, err error)
}

// sweeper looks after cases that were forgotten.
type sweeper struct {
	desk   desk
	logger *slog.Logger
}

// handle is one run. It does not use its event: what is to be done follows from the cases, so that a run that is repeated or
// overlaps another does no harm.
func (s *sweeper) handle(ctx context.Context) error {
	told, err := s.desk.Sweep(ctx)
	if told > 0 {
		s.logger.WarnContext(ctx, "cases waited for a posting and were told of again", "cases", told)
	}
	return err
}
