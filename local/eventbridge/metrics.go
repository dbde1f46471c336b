package eventbridge

import "sync/atomic"

// RuleMetrics are a rule's counters, named and counted as in CloudWatch: an invocation is counted once it is settled,
// whatever retries it took.
type RuleMetrics struct {
	// MatchedEvents is the number of events that matched the rule.
	MatchedEvents int64
	// TriggeredRules is the number of times the rule ran: on matched events and on its schedule.
	TriggeredRules int64
	// Invocations is the number of deliveries settled, well or not.
	Invocations int64
	// FailedInvocations is the number of deliveries given up.
	FailedInvocations int64
	// RetryInvocationAttempts is the number of retries made.
	RetryInvocationAttempts int64
	// InvocationsSentToDlq and InvocationsFailedToBeSentToDlq split the failed ones that had a dead-letter queue.
	InvocationsSentToDlq           int64
	InvocationsFailedToBeSentToDlq int64
	// Dropped is the number of events lost because their target had no dead-letter queue. AWS shows only FailedInvocations.
	Dropped int64
}

type ruleMetrics struct {
	matched, triggered, invocations, failed, retries, sentToDLQ, failedToDLQ, dropped atomic.Int64
}

// RuleMetrics returns the counters of a rule.
func (s *Service) RuleMetrics(bus, name string) (RuleMetrics, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	_, r, err := s.lookupRule(bus, name)
	if err != nil {
		return RuleMetrics{}, err
	}
	m := r.metrics
	return RuleMetrics{
		MatchedEvents: m.matched.Load(), TriggeredRules: m.triggered.Load(), Invocations: m.invocations.Load(), FailedInvocations: m.failed.Load(),
		RetryInvocationAttempts: m.retries.Load(), InvocationsSentToDlq: m.sentToDLQ.Load(),
		InvocationsFailedToBeSentToDlq: m.failedToDLQ.Load(), Dropped: m.dropped.Load(),
	}, nil
}
