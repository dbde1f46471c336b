// Package faults lets tests and `payrail up --chaos` make a call fail on purpose. Every call into a service of the local
// runtime, from outside or from another service, passes an Injector twice: before its effect and after it.
package faults

import (
	"fmt"
	"sync"
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

// Fault fails the next Times calls of Operation ("dynamodb:TransactWriteItems", "events:PutEvents", "pipes:Target").
// Skip calls pass first. Code is the service's error code the caller sees.
type Fault struct {
	Operation string `json:"operation"`
	When      When   `json:"when"`
	Code      string `json:"code"`
	Skip      int    `json:"skip,omitempty"`
	Times     int    `json:"times"`
}

// Error is what an injected failure returns.
type Error struct {
	Operation string
	Code      string
	When      When
}

func (e *Error) Error() string {
	return fmt.Sprintf("%s: %s injected %s the effect", e.Operation, e.Code, e.When)
}

// Injector holds the faults that are armed. The zero value injects nothing. It is safe for concurrent use.
type Injector struct {
	mu    sync.Mutex
	armed []*Fault
	hits  map[string]int
}

// Arm adds a fault; it takes effect at once.
func (i *Injector) Arm(f Fault) error {
	if f.Operation == "" || f.Code == "" && f.When != Lost {
		return fmt.Errorf("arming fault: operation and code are needed, got %+v", f)
	}
	if f.When != BeforeEffect && f.When != AfterEffect && f.When != Lost {
		return fmt.Errorf("arming fault: when is %q, want %q, %q or %q", f.When, BeforeEffect, AfterEffect, Lost)
	}
	if f.Times <= 0 {
		f.Times = 1
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.armed = append(i.armed, &f)
	return nil
}

// Before is called by a service before the effect of operation; a non-nil error must be returned to the caller, and the
// effect must not happen.
func (i *Injector) Before(operation string) error { return i.hit(operation, BeforeEffect) }

// After is called once the effect of operation has happened; a non-nil error must take the place of the answer.
func (i *Injector) After(operation string) error { return i.hit(operation, AfterEffect) }

// Lose is called by a service that can lose the effect of an operation; true means that it must not happen, and that the caller
// must not notice.
func (i *Injector) Lose(operation string) bool { return i.hit(operation, Lost) != nil }

// Hits is how often a fault of operation has fired.
func (i *Injector) Hits(operation string) int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.hits[operation]
}

func (i *Injector) hit(operation string, when When) error {
	if i == nil {
		return nil
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	for n, f := range i.armed {
		if f.Operation != operation || f.When != when {
			continue
		}
		if f.Skip > 0 {
			f.Skip--
			continue
		}
		if f.Times--; f.Times == 0 {
			i.armed = append(i.armed[:n], i.armed[n+1:]...)
		}
		if i.hits == nil {
			i.hits = map[string]int{}
		}
		i.hits[operation]++
		return &Error{Operation: operation, Code: f.Code, When: when}
	}
	return nil
}
