package eventbridge

import (
	"errors"
	"strconv"
	"sync"
	"time"

	"github.com/payrail/payrail/local/faults"
)

const (
	// maxWorkers is how many deliveries, or batches of them, run at once for one target.
	maxWorkers = 4
	// maxBatch is how many events a batch delivery takes: the limit of SQS's SendMessageBatch.
	maxBatch = 10
	// The back-off doubles from the first to the longest wait. AWS does not publish its own; with these, 185 attempts take
	// most of the 24 hours, so that neither default limit makes the other one pointless.
	firstBackOff   = time.Second
	longestBackOff = 10 * time.Minute
)

// The conditions of a dead letter's EXHAUSTED_RETRY_CONDITION.
const (
	exhaustedAttempts = "MaximumRetryAttempts"
	exhaustedAge      = "MaximumEventAgeInSeconds"
)

// delivery is one event on its way to one target.
type delivery struct {
	event   *event
	lane    *lane
	retries int
	last    error // Of the attempt before; nil at first.
	extra   bool  // A duplicate made on purpose, which is not kept.
}

// lane delivers to one target. It never blocks who enqueues: what waits is a pointer to the event shared by all targets,
// and workers exist only while there is work.
type lane struct {
	service *Service
	target  Target
	name    string // Of the target.
	metrics *ruleMetrics
	batches BatchTargets // nil where Targets takes one payload at a time.

	mu      sync.Mutex
	queue   []*delivery
	workers int
}

func newLane(s *Service, t Target, m *ruleMetrics) *lane {
	l := &lane{service: s, target: t, name: targetName(t), metrics: m}
	l.batches, _ = s.options.Targets.(BatchTargets)
	return l
}

func (l *lane) enqueue(d *delivery) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.queue = append(l.queue, d)
	if l.workers < maxWorkers && l.service.start(l.work) {
		l.workers++
	}
}

// start runs f in a goroutine that Close waits for; it does not once the service is closed.
func (s *Service) start(f func()) bool {
	s.closing.Lock()
	defer s.closing.Unlock()
	if s.ctx.Err() != nil {
		return false
	}
	s.workers.Go(f)
	return true
}

// work delivers until the queue is empty.
func (l *lane) work() {
	for {
		batch := l.take()
		if batch == nil {
			return
		}
		var over []*delivery
		for i, err := range l.deliver(batch) {
			if l.settle(batch[i], err) {
				over = append(over, batch[i])
			}
		}
		l.service.kept.forget(over...)
	}
}

func (l *lane) take() []*delivery {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 1
	if l.batches != nil {
		n = maxBatch
	}
	n = min(n, len(l.queue))
	if n == 0 || l.service.ctx.Err() != nil {
		l.workers--
		return nil
	}
	batch := make([]*delivery, n)
	copy(batch, l.queue)
	clear(l.queue[:n]) // The array behind the slice must not keep the events.
	if l.queue = l.queue[n:]; len(l.queue) == 0 {
		l.queue = nil
	}
	return batch
}

// deliver makes one attempt for each delivery; the result has one element per delivery.
func (l *lane) deliver(batch []*delivery) []error {
	failures := make([]error, len(batch))
	if check := l.service.options.CheckTarget; check != nil {
		if err := check(l.target); err != nil {
			for i := range failures {
				failures[i] = &DeliveryError{Code: "NO_PERMISSIONS", Message: err.Error(), Permanent: true}
			}
			return failures
		}
	}
	payloads := make([][]byte, 0, len(batch))
	places := make([]int, 0, len(batch)) // Of each payload in the batch.
	for i, d := range batch {
		payload, err := l.target.payload(d.event.envelope)
		if err == nil {
			err = l.attempted()
		}
		if err != nil {
			failures[i] = err
			continue
		}
		payloads, places = append(payloads, payload), append(places, i)
	}
	for n, err := range l.hand(payloads) {
		if err == nil {
			err = l.service.options.Faults.After(deliverOperation, l.name)
		}
		failures[places[n]] = err
	}
	return failures
}

// hand gives the payloads to the target's service.
func (l *lane) hand(payloads [][]byte) []error {
	if l.batches != nil && len(payloads) > 0 {
		return l.batches.DeliverBatch(l.service.ctx, l.target, payloads)
	}
	failures := make([]error, len(payloads))
	for i, p := range payloads {
		failures[i] = l.service.options.Targets.Deliver(l.service.ctx, l.target, p)
	}
	return failures
}

// settle ends a delivery (over) or schedules its next attempt.
func (l *lane) settle(d *delivery, err error) (over bool) {
	s := l.service
	if err == nil {
		l.metrics.invocations.Add(1)
		s.outstanding.add(-1)
		return true
	}
	if s.kept != nil && s.ctx.Err() != nil {
		return false // The service is closing: the attempt is made again by the next one.
	}
	d.last = err
	var failure *DeliveryError
	if errors.As(err, &failure) && failure.Permanent {
		l.giveUp(d, "")
		return true
	}
	if d.retries >= l.target.retryAttempts() {
		l.giveUp(d, exhaustedAttempts)
		return true
	}
	left := d.event.received.Add(l.target.eventAge()).Sub(s.options.Clock.Now())
	s.kept.retrying(d)
	s.options.Clock.AfterFunc(min(l.backOff(d.retries), left), func() { l.retry(d) })
	return false
}

// retry is called by the timer: the event goes back into the queue unless it has become too old.
func (l *lane) retry(d *delivery) {
	age := l.service.options.Clock.Now().Sub(d.event.received)
	if age >= l.target.eventAge() {
		l.service.start(func() {
			l.giveUp(d, exhaustedAge)
			l.service.kept.forget(d)
		})
		return
	}
	d.retries++
	l.metrics.retries.Add(1)
	l.enqueue(d)
}

// backOff is between half and the whole of the exponential wait.
func (l *lane) backOff(retries int) time.Duration {
	wait := longestBackOff
	if retries < 10 { // 2^10 seconds are more than the longest wait.
		wait = min(firstBackOff<<retries, longestBackOff)
	}
	return wait/2 + time.Duration(l.service.options.Random()*float64(wait/2))
}

// giveUp sends the original event to the dead-letter queue, or drops it where the target has none.
func (l *lane) giveUp(d *delivery, condition string) {
	s := l.service
	defer s.outstanding.add(-1)
	l.metrics.invocations.Add(1)
	l.metrics.failed.Add(1)
	logger := s.options.Logger.With("rule", l.target.RuleARN, "target", l.target.ARN, "event", d.event.id, "retries", d.retries)
	if l.target.DeadLetterARN == "" {
		l.metrics.dropped.Add(1)
		logger.Warn("event dropped: the target failed and has no dead-letter queue", "error", d.last)
		return
	}
	attributes := map[string]string{
		"RULE_ARN": l.target.RuleARN, "TARGET_ARN": l.target.ARN,
		"ERROR_CODE": errorCode(d.last), "ERROR_MESSAGE": d.last.Error(), "RETRY_ATTEMPTS": strconv.Itoa(d.retries),
	}
	if condition != "" {
		attributes["EXHAUSTED_RETRY_CONDITION"] = condition
	}
	if err := s.options.DeadLetters.Send(s.ctx, l.target.DeadLetterARN, d.event.envelope, attributes); err != nil {
		l.metrics.failedToDLQ.Add(1)
		logger.Error("event lost: the dead-letter queue failed too", "queue", l.target.DeadLetterARN, "error", err, "cause", d.last)
		return
	}
	l.metrics.sentToDLQ.Add(1)
}

// errorCode is the ERROR_CODE of a dead letter.
func errorCode(err error) string {
	var failure *DeliveryError
	var injected *faults.Error
	var kept *keptError
	switch {
	case errors.As(err, &kept):
		return kept.code
	case errors.As(err, &failure):
		return failure.Code
	case errors.As(err, &injected):
		return injected.Code
	}
	return "ERROR_FROM_TARGET"
}
