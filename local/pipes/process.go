package pipes

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/payrail/payrail/local/wire"
)

// rejection is a failure that counts as the customer's own: a function error, an answer the target cannot take.
type rejection struct{ reason string }

func (r *rejection) Error() string { return r.reason }

// internal reports whether an error is the runtime's own. These are retried without end and do not count as attempts.
func internal(err error) bool {
	var r *rejection
	return !errors.As(err, &r) && wire.AsError(err).Status >= 500
}

// process takes a batch through the pipe until all of it is delivered, dropped or given up. earlier are the attempts that
// failed before. The worker does nothing else meanwhile: the records behind wait.
func (p *pipe) process(ctx context.Context, batch []item, earlier int) {
	failures, internalFailures := earlier, 0
	for {
		if batch = p.dropExpired(ctx, batch); len(batch) == 0 || ctx.Err() != nil {
			return
		}
		left, err := p.attempt(ctx, batch)
		if ctx.Err() != nil {
			return // What is not finished stays in the stream.
		}
		if err == nil {
			p.finish(batch)
			return
		}
		p.logger.Warn("pipe failed on a batch", "records", len(left), "first", left[0].SequenceNumber, "attempts", failures+1, "error", err)
		if internal(err) {
			p.wait(ctx, internalFailures)
			internalFailures++
			continue
		}
		internalFailures = 0
		whole := len(left) == len(batch)
		batch = left
		if whole && len(batch) > 1 && p.Source.OnPartialBatchItemFailure == AutomaticBisect {
			// A split is no retry: as with Lambda's event source mappings it does not count against the attempts.
			p.metrics.bisected.Add(1)
			half := len(batch) / 2
			p.process(ctx, batch[:half:half], failures)
			p.process(ctx, batch[half:], failures)
			return
		}
		failures++
		if limit := *p.Source.MaximumRetryAttempts; limit != unlimited && failures > limit {
			p.giveUp(ctx, batch, retryAttemptsExhausted)
			return
		}
		p.wait(ctx, failures-1)
	}
}

// attempt takes a batch through enrichment and target once. With an error, left are the records to try again.
func (p *pipe) attempt(ctx context.Context, batch []item) (left []item, err error) {
	p.metrics.executions.Add(1)
	if err := p.service.options.Faults.Drop(deliverOperation, p.Name); err != nil {
		return batch, fmt.Errorf("reading the batch: %w", err)
	}
	details, err := p.enrich(ctx, batch)
	if err != nil {
		p.metrics.enrichmentFailures.Add(1)
		return batch, fmt.Errorf("enriching: %w", err)
	}
	if len(details) == 0 {
		return nil, nil
	}
	if len(details) > MaxTargetBatch {
		p.metrics.enrichmentFailures.Add(1)
		return batch, &rejection{fmt.Sprintf("the enrichment returned %d events, the target takes %d", len(details), MaxTargetBatch)}
	}
	failed, err := p.put(ctx, details)
	if err == nil {
		p.metrics.delivered.Add(int64(len(details) - len(failed)))
		if len(failed) == 0 {
			return nil, nil
		}
		err = &rejection{fmt.Sprintf("the bus refused %d of %d events, the first with %s: %s",
			len(failed), len(details), failed[0].ErrorCode, failed[0].ErrorMessage)}
	}
	p.metrics.targetFailures.Add(1)
	if len(failed) > 0 && len(failed) < len(details) {
		p.metrics.targetPartialFailures.Add(1)
	}
	// Only where each record made one event is it known which records failed. Else all are tried again: rather twice than never.
	if len(failed) == 0 || len(failed) == len(details) || len(details) != len(batch) {
		return batch, err
	}
	var delivered []item
	for i, b := range batch {
		if _, ok := failedAt(failed, i); ok {
			left = append(left, b)
		} else {
			delivered = append(delivered, b)
		}
	}
	p.finish(delivered)
	return left, err
}

// enrich returns the details of the events to put: the answer of the function, or the records themselves.
func (p *pipe) enrich(ctx context.Context, batch []item) ([]json.RawMessage, error) {
	records := make([]json.RawMessage, len(batch))
	for i, b := range batch {
		records[i] = b.JSON
	}
	if p.EnrichmentARN == "" {
		return records, nil
	}
	p.metrics.enrichments.Add(1)
	answer, err := wire.WithFaultsOn(p.service.options.Faults, "pipes:Enrichment", p.Name, func() ([]byte, error) {
		answer, functionError, err := p.service.options.Enricher.Invoke(ctx, p.EnrichmentARN, bareArray(records))
		if err == nil && functionError {
			err = &rejection{"the function failed: " + excerpt(answer)}
		}
		return answer, err
	})
	if err != nil {
		return nil, err
	}
	return answerEvents(answer)
}

// bareArray is what the enrichment gets: an array even for one record, with no {"Records": …} around it.
func bareArray(records []json.RawMessage) []byte {
	size := len("[]")
	for _, r := range records {
		size += len(r) + len(",")
	}
	out := append(make([]byte, 0, size), '[')
	for i, r := range records {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(out, r...)
	}
	return append(out, ']')
}

// answerEvents reads an enrichment's answer: an array has one event per element, anything else is one event. Nothing, null,
// "", {} and [] are no event: the target is not invoked.
func answerEvents(answer []byte) ([]json.RawMessage, error) {
	trimmed := bytes.TrimSpace(answer)
	if len(trimmed) == 0 {
		return nil, nil
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, trimmed); err != nil {
		return nil, &rejection{"the enrichment's answer is not JSON: " + err.Error()}
	}
	switch compact.String() {
	case "null", `""`, "{}", "[]":
		return nil, nil
	}
	if trimmed[0] != '[' {
		return []json.RawMessage{trimmed}, nil
	}
	var events []json.RawMessage
	if err := json.Unmarshal(trimmed, &events); err != nil {
		return nil, &rejection{"the enrichment's answer is not JSON: " + err.Error()}
	}
	return events, nil
}

// failure is an event the bus did not take.
type failure struct {
	EventResult
	index int
}

func failedAt(failed []failure, index int) (failure, bool) {
	for _, f := range failed {
		if f.index == index {
			return f, true
		}
	}
	return failure{}, false
}

// put puts the events on the bus and returns those it did not take.
func (p *pipe) put(ctx context.Context, details []json.RawMessage) ([]failure, error) {
	events := make([]Event, len(details))
	for i, d := range details {
		events[i] = Event{BusARN: p.TargetARN, Source: p.Target.Source, DetailType: p.Target.DetailType, Detail: d, Resources: p.Target.Resources}
	}
	p.metrics.targetInvocations.Add(1)
	results, err := wire.WithFaultsOn(p.service.options.Faults, "pipes:Target", p.Name, func() ([]EventResult, error) {
		return p.service.options.Bus.PutEvents(ctx, events)
	})
	if err != nil {
		return nil, fmt.Errorf("putting events: %w", err)
	}
	if len(results) != len(events) {
		return nil, fmt.Errorf("putting events: %d results for %d events", len(results), len(events))
	}
	var failed []failure
	for i, r := range results {
		if r.ErrorCode != "" {
			failed = append(failed, failure{EventResult: r, index: i})
		}
	}
	return failed, nil
}

// excerpt keeps log lines short.
func excerpt(text []byte) string {
	const most = 256
	if len(text) > most {
		return string(text[:most]) + "…"
	}
	return string(text)
}
