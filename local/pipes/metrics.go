package pipes

import (
	"maps"
	"slices"
	"sync/atomic"
)

// Metrics are a pipe's counters.
type Metrics struct {
	// RecordsRead counts records read from the stream, RecordsFiltered those the filter dropped.
	RecordsRead, RecordsFiltered int64
	// Enrichments and EnrichmentFailures count calls of the function; an answer the target cannot take is a failure too.
	Enrichments, EnrichmentFailures int64
	// TargetInvocations and TargetFailures count calls of the bus; one that failed in part is a failure, and counts as
	// TargetPartialFailures too.
	TargetInvocations, TargetFailures, TargetPartialFailures int64
	// Executions counts the attempts to take a batch through the pipe.
	Executions int64
	// EventsDelivered counts the events the bus took, repetitions included.
	EventsDelivered int64
	// BatchesBisected counts the batches cut in two.
	BatchesBisected int64
	// RecordsDeadLettered and RecordsDropped count the records given up, with and without a dead-letter target.
	RecordsDeadLettered, RecordsDropped int64
}

type metrics struct {
	executions, targetPartialFailures                                                                                              atomic.Int64
	read, filtered, enrichments, enrichmentFailures, targetInvocations, targetFailures, delivered, bisected, deadLettered, dropped atomic.Int64
}

// Names are the names of all pipes, in order.
func (s *Service) Names() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.pipes))
}

// Metrics returns the counters of a pipe.
func (s *Service) Metrics(name string) (Metrics, error) {
	p, err := s.pipe(name)
	if err != nil {
		return Metrics{}, err
	}
	m := &p.metrics
	return Metrics{
		RecordsRead: m.read.Load(), RecordsFiltered: m.filtered.Load(),
		Enrichments: m.enrichments.Load(), EnrichmentFailures: m.enrichmentFailures.Load(),
		TargetInvocations: m.targetInvocations.Load(), TargetFailures: m.targetFailures.Load(),
		TargetPartialFailures: m.targetPartialFailures.Load(), Executions: m.executions.Load(),
		EventsDelivered: m.delivered.Load(), BatchesBisected: m.bisected.Load(),
		RecordsDeadLettered: m.deadLettered.Load(), RecordsDropped: m.dropped.Load(),
	}, nil
}
