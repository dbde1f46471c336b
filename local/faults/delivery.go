package faults

import "time"

// Delivery is what is to go wrong with one delivery. Several can at once.
type Delivery struct {
	Duplicate bool
	// Delay is how much later than it would the delivery is made, on the runtime's clock.
	Delay time.Duration
}

// Delivery is called once for each delivery that operation makes to or from resource, however often it is attempted.
func (i *Injector) Delivery(operation, resource string) Delivery {
	var d Delivery
	if !i.Active() {
		return d
	}
	_, d.Duplicate = i.Decide(operation, resource, Duplicate)
	if late, ok := i.Decide(operation, resource, Delay); ok {
		d.Delay = late.For
	}
	if late, ok := i.Decide(operation, resource, Reorder); ok {
		d.Delay += time.Duration(late.Chance * float64(late.For))
	}
	return d
}

// Drop is called for each attempt to deliver; a non-nil error must end the attempt before the delivery was made.
func (i *Injector) Drop(operation, resource string) error {
	if _, ok := i.Decide(operation, resource, Drop); ok {
		return &Error{Operation: operation, Code: "InternalException", When: BeforeEffect}
	}
	return nil
}
