package sqs

import (
	"maps"
	"slices"
)

// EachStats calls fn with the counters of every queue, in the order of names. Unlike other calls it does not count as one on the queue.
func (s *Service) EachStats(fn func(name string, stats Stats)) {
	s.mu.RLock()
	queues := maps.Clone(s.queues)
	s.mu.RUnlock()
	for _, name := range slices.Sorted(maps.Keys(queues)) {
		stats := queues[name].stats()
		stats.Calls = queues[name].calls.Load()
		fn(name, stats)
	}
}
