package eventbridge

import (
	"maps"
	"slices"
	"sync/atomic"
)

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

// PutMetrics are the counters of PutEvents, named as in CloudWatch.
type PutMetrics struct {
	// PutEventsApproximateCallCount and PutEventsApproximateFailedCount count calls, PutEventsEntriesCount and
	// PutEventsFailedEntriesCount the entries of those that did not fail as a whole.
	PutEventsApproximateCallCount, PutEventsApproximateFailedCount int64
	PutEventsEntriesCount, PutEventsFailedEntriesCount             int64
}

type putMetrics struct{ calls, failed, entries, failedEntries atomic.Int64 }

// call counts a call, an injected failure too.
func (m *putMetrics) call(err error) {
	m.calls.Add(1)
	if err != nil {
		m.failed.Add(1)
	}
}

// observe counts a call of the API.
func (s *Service) observe(operation string, _ []byte, err error) {
	if operation == "PutEvents" {
		s.puts.call(err)
	}
}

// results counts what became of entries.
func (m *putMetrics) results(results []Result) {
	m.entries.Add(int64(len(results)))
	for i := range results {
		if results[i].ErrorCode != "" {
			m.failedEntries.Add(1)
		}
	}
}

// PutMetrics returns the counters of PutEvents.
func (s *Service) PutMetrics() PutMetrics {
	m := &s.puts
	return PutMetrics{m.calls.Load(), m.failed.Load(), m.entries.Load(), m.failedEntries.Load()}
}

// EachRuleMetrics calls fn with the counters of every rule of every bus, in order.
func (s *Service) EachRuleMetrics(fn func(bus, rule string, m RuleMetrics)) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, bus := range slices.Sorted(maps.Keys(s.buses)) {
		rules := s.buses[bus].rules
		for _, name := range slices.Sorted(maps.Keys(rules)) {
			fn(bus, name, rules[name].metrics.read())
		}
	}
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
	return r.metrics.read(), nil
}

func (m *ruleMetrics) read() RuleMetrics {
	return RuleMetrics{
		MatchedEvents: m.matched.Load(), TriggeredRules: m.triggered.Load(), Invocations: m.invocations.Load(), FailedInvocations: m.failed.Load(),
		RetryInvocationAttempts: m.retries.Load(), InvocationsSentToDlq: m.sentToDLQ.Load(),
		InvocationsFailedToBeSentToDlq: m.failedToDLQ.Load(), Dropped: m.dropped.Load(),
	}
}
