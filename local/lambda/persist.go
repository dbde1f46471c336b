package lambda

// awaitReady waits until the service may begin; it returns false where it ended first.
func (s *Service) awaitReady() bool {
	if s.Ready == nil {
		return true
	}
	select {
	case <-s.Ready:
		return true
	case <-s.ctx.Done():
		return false
	}
}
