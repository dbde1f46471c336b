package lambda

// PutConcurrency reserves concurrency for a function: as many invocations run at once, further ones are throttled. 0 throttles
// all; nil takes the reservation back. What runs already goes on.
func (s *Service) PutConcurrency(function string, reserved *int) error {
	f, err := s.find(function)
	if err != nil {
		return err
	}
	if reserved != nil && *reserved < 0 {
		return invalid("1 validation error detected: Value '%d' at 'reservedConcurrentExecutions' failed to satisfy constraint: Member must have value greater than or equal to 0", *reserved)
	}
	if reserved != nil && *reserved > maxReservedConcurrency {
		return invalid("Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [%d].", minUnreservedConcurrency)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.reserved = reserved
	return nil
}

// Concurrency returns the reserved concurrency of a function, nil if it has none.
func (s *Service) Concurrency(function string) (reserved *int, err error) {
	f, err := s.find(function)
	if err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.reserved, nil
}

const (
	// accountConcurrency is the quota of a new account; minUnreservedConcurrency of it cannot be reserved.
	accountConcurrency       = 1000
	minUnreservedConcurrency = 100
	maxReservedConcurrency   = accountConcurrency - minUnreservedConcurrency
)

// throttles reports whether the reserved concurrency is used up. The caller holds f.mu.
func (f *function) throttles() bool { return f.reserved != nil && f.busy >= *f.reserved }
