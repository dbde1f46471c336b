// Package faults lets tests and `payrail up --chaos` make things go wrong on purpose: calls fail or are not answered, deliveries
// come twice, late or in another order, functions die. The services of the local runtime ask an Injector at every point where
// something can go wrong, naming the operation and what it is on; the injector decides by the faults it was given.
//
// A fault hits every call of its operation, every n-th, or each with a probability. Chance is a hash of the seed, the fault, the
// operation and how often the operation was called before, and of nothing else. So with the same seed the n-th call of an
// operation on a resource meets the same faults in every run, whatever other operations do at the same time.
package faults

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// When says on which side of its effect a call fails. A failure after the effect is a lost answer: the caller sees an
// error although the work was done.
type When string

const (
	BeforeEffect When = "before"
	AfterEffect  When = "after"
	// Lost answers as if the effect had happened, and it has not: what a filter with a defect, or a person, would do. AWS promises
	// that it does not; reconciliation must find it all the same. Only operations that say so can be lost:
	// "events:PutEvents/<detail-type>", for one entry.
	Lost When = "lost"
)

// Fault is one thing that is to go wrong, and how often.
type Fault struct {
	// Kind is what happens; empty means Fail.
	Kind Kind `json:"kind,omitempty"`
	// Operation is a pattern of operations: "dynamodb:TransactWriteItems", "sqs:Deliver/*PostingQueue*", "dynamodb". See matches.
	Operation string `json:"operation"`
	When      When   `json:"when,omitempty"`
	// Code is the service's error code that the caller sees; kinds that have a code of their own need none.
	Code string `json:"code,omitempty"`
	// Skip calls pass first.
	Skip int `json:"skip,omitempty"`
	// Times is how often the fault happens at most. 0 means once, and without end for a fault with Probability or Every.
	Times int `json:"times,omitempty"`
	// Probability is that of each call, Every makes it each n-th. Without both it is every call.
	Probability float64 `json:"probability,omitempty"`
	Every       int     `json:"every,omitempty"`
	// For is how long: of a delay, of a call without an answer, of a skew to either side. 0 means the kind's own.
	For Duration `json:"for,omitzero"`
}

// Error is what an injected failure returns.
type Error struct {
	Operation string
	Code      string
	When      When
	// Unanswered is how long, in real time, a call over HTTP is held before its connection is closed without an answer; 0 for one
	// that is answered with Code.
	Unanswered time.Duration
}

func (e *Error) Error() string {
	return fmt.Sprintf("%s: %s injected %s the effect", e.Operation, e.Code, e.When)
}

// Injector holds the faults that are armed. The zero value injects nothing, nor does nil. It is safe for concurrent use.
type Injector struct {
	kinds atomic.Uint64 // The kinds that are armed: most calls of most runs end here.

	mu     sync.Mutex
	seed   uint64
	armed  []*armed
	counts map[Count]int // With Count 0 in the key.
	hits   map[place]int
}

// armed is a fault with what it has come to.
type armed struct {
	Fault
	identity uint64
	// streams has how often each operation was called, and whether the fault is for it.
	streams map[string]*stream
	hits    int
}

type stream struct {
	matches bool
	calls   uint64
}

// Injection is a fault that happens.
type Injection struct {
	Kind Kind
	When When
	Code string
	For  time.Duration
	// Chance is a number in [0, 1) for what the fault leaves open, as repeatable as the fault itself.
	Chance float64
}

// Arm adds a fault; it takes effect at once.
func (i *Injector) Arm(f Fault) error {
	f, err := f.complete()
	if err != nil {
		return fmt.Errorf("arming fault: %w", err)
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.arm(f)
	return nil
}

// arm adds a complete fault. The caller holds i.mu, here and below.
func (i *Injector) arm(f Fault) {
	i.armed = append(i.armed, &armed{Fault: f, identity: f.identity(), streams: map[string]*stream{}})
	i.kinds.Store(i.kinds.Load() | f.Kind.bit())
}

// Clear disarms all faults. What has happened stays counted.
func (i *Injector) Clear() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.armed = nil
	i.kinds.Store(0)
}

// Active reports whether any fault is armed. What only faults need to know is not worth finding out otherwise.
func (i *Injector) Active() bool { return i != nil && i.kinds.Load() != 0 }

// Before is called by a service before the effect of operation, on a resource where one is given; a non-nil error must be
// returned to the caller, and the effect must not happen.
func (i *Injector) Before(operation string, resource ...string) error {
	return i.fail(operation, resource, BeforeEffect, Throttle, Timeout, Fail)
}

// After is called once the effect of operation has happened; a non-nil error must take the place of the answer.
func (i *Injector) After(operation string, resource ...string) error {
	return i.fail(operation, resource, AfterEffect, Timeout, Fail)
}

func (i *Injector) fail(operation string, resource []string, when When, kinds ...Kind) error {
	injection, ok := i.decide(operation, resource, when, kinds...)
	if !ok {
		return nil
	}
	e := &Error{Operation: operation, Code: injection.Code, When: when}
	if injection.Kind == Timeout {
		e.Unanswered = injection.For
	}
	if e.Code == "" {
		e.Code = codeOf(injection.Kind, operation)
	}
	return e
}

// Lose is called by a service that can lose the effect of an operation; true means that it must not happen, and that the caller
// must not notice.
func (i *Injector) Lose(operation string) bool {
	_, ok := i.decide(operation, nil, Lost, Fail)
	return ok
}

// Decide says whether a fault of one of the kinds happens to this call of operation on resource, and which. Kinds that fail calls
// are decided by Before and After, those of deliveries by Delivery.
func (i *Injector) Decide(operation, resource string, kinds ...Kind) (Injection, bool) {
	return i.decide(operation, []string{resource}, "", kinds...)
}

// decide takes the first fault that happens. All of them count the call, so that none changes what another decides. when is empty
// where the kind leaves it to the fault.
func (i *Injector) decide(operation string, resource []string, when When, kinds ...Kind) (Injection, bool) {
	if i == nil {
		return Injection{}, false
	}
	var wanted uint64
	for _, kind := range kinds {
		wanted |= kind.bit()
	}
	if i.kinds.Load()&wanted == 0 {
		return Injection{}, false
	}
	name := operation
	if len(resource) > 0 && resource[0] != "" {
		name += "/" + resource[0]
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	var hit *armed
	var chance float64
	for _, a := range i.armed {
		if a.Kind.bit()&wanted == 0 || when != "" && a.When != when {
			continue
		}
		if c, ok := a.happens(i.seed, name); ok && hit == nil {
			hit, chance = a, c
		}
	}
	if hit == nil {
		return Injection{}, false
	}
	i.count(hit, name)
	return Injection{Kind: hit.Kind, When: hit.When, Code: hit.Code, For: time.Duration(hit.For), Chance: chance}, true
}

// happens decides for the next call of the operation called name.
func (a *armed) happens(seed uint64, name string) (chance float64, ok bool) {
	s := a.streams[name]
	if s == nil {
		s = &stream{matches: matches(a.Operation, name)}
		a.streams[name] = s
	}
	if !s.matches {
		return 0, false
	}
	s.calls++
	if a.Skip > 0 {
		a.Skip--
		return 0, false
	}
	if a.Times > 0 && a.hits >= a.Times {
		return 0, false
	}
	drawn := mix(seed ^ a.identity ^ mix(hashText(name)+s.calls))
	switch {
	case a.Every > 0:
		ok = s.calls%uint64(a.Every) == 0
	case a.Probability > 0:
		ok = unit(drawn) < a.Probability
	default:
		ok = true
	}
	return unit(mix(drawn)), ok
}

// count keeps what has happened; a fault that is used up is disarmed.
func (i *Injector) count(a *armed, name string) {
	if i.counts == nil {
		i.counts, i.hits = map[Count]int{}, map[place]int{}
	}
	a.hits++
	i.counts[Count{Kind: a.Kind, When: a.When, Operation: name}]++
	i.hits[a.place()]++
	if a.hits != a.Times {
		return
	}
	kinds := uint64(0)
	rest := make([]*armed, 0, len(i.armed))
	for _, other := range i.armed {
		if other != a {
			rest = append(rest, other)
			kinds |= other.Kind.bit()
		}
	}
	i.armed = rest
	i.kinds.Store(kinds)
}

// Concerns reports whether the fault is for an operation as services name it, with its resource: "sqs:Deliver/Payrail-PostingQueue".
func (f Fault) Concerns(operation string) bool { return matches(f.Operation, operation) }

// matches reports whether a pattern is for an operation, which may have a resource ("sqs:Deliver/Payrail-PostingQueue"). A pattern
// without a slash is for every resource, one without a colon for every operation of the service; "*" stands for any text.
func matches(pattern, name string) bool {
	if !strings.Contains(pattern, "/") {
		name, _, _ = strings.Cut(name, "/")
	}
	if !strings.Contains(pattern, ":") && pattern != "*" {
		name, _, _ = strings.Cut(name, ":")
	}
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == name
	}
	rest, ok := strings.CutPrefix(name, parts[0])
	if !ok {
		return false
	}
	for _, part := range parts[1 : len(parts)-1] {
		_, after, found := strings.Cut(rest, part)
		if !found {
			return false
		}
		rest = after
	}
	return strings.HasSuffix(rest, parts[len(parts)-1])
}

// hashText is FNV-1a.
func hashText(text string) uint64 {
	h := uint64(14695981039346656037)
	for n := range len(text) {
		h = (h ^ uint64(text[n])) * 1099511628211
	}
	return h
}

// mix is the finalizer of SplitMix64: every bit of its argument changes about half of those of the result.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// unit maps 64 bits to [0, 1).
func unit(x uint64) float64 { return float64(x>>11) / (1 << 53) }
