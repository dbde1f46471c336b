package faults

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// Plan is a list of faults and the seed of their chances.
type Plan struct {
	Seed   uint64  `json:"seed"`
	Faults []Fault `json:"faults"`
}

// Duration is a time.Duration that is written like "30s".
type Duration time.Duration

func (d Duration) String() string { return time.Duration(d).String() }

// MarshalText writes a duration as time.Duration does.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText reads what time.ParseDuration does.
func (d *Duration) UnmarshalText(text []byte) error {
	parsed, err := time.ParseDuration(string(text))
	if err != nil {
		return err
	}
	*d = Duration(parsed)
	return nil
}

// ParseFault reads one fault as JSON. Unknown members are refused: a misspelt one would arm another fault than was meant.
func ParseFault(text []byte) (Fault, error) {
	var f Fault
	return f, strictly(text, &f)
}

// ParsePlanJSON reads a plan as JSON.
func ParsePlanJSON(text []byte) (Plan, error) {
	var p Plan
	if err := strictly(text, &p); err != nil {
		return Plan{}, err
	}
	return p.complete()
}

func strictly(text []byte, value any) error {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(value); err != nil {
		return err
	}
	if decoder.More() {
		return fmt.Errorf("something stands behind the end, at byte %d", decoder.InputOffset())
	}
	return nil
}

// place is what tells the faults of a plan apart.
type place struct {
	kind      Kind
	when      When
	operation string
}

func (f Fault) place() place { return place{f.Kind, f.When, f.Operation} }

// complete checks every fault. The same one twice would draw the same numbers twice, and so happen no more often than once.
func (p Plan) complete() (Plan, error) {
	seen := map[place]bool{}
	faults := make([]Fault, len(p.Faults))
	for n, f := range p.Faults {
		f, err := f.complete()
		if err != nil {
			return Plan{}, fmt.Errorf("fault %d: %w", n+1, err)
		}
		if seen[f.place()] {
			return Plan{}, fmt.Errorf("fault %d: %s %s the effect of %s is there twice", n+1, f.Kind, f.When, f.Operation)
		}
		seen[f.place()] = true
		faults[n] = f
	}
	p.Faults = faults
	return p, nil
}

// Follow arms all faults of a plan and takes its seed.
func (i *Injector) Follow(p Plan) error {
	p, err := p.complete()
	if err != nil {
		return fmt.Errorf("arming a plan: %w", err)
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.seed = p.Seed
	for _, f := range p.Faults {
		i.arm(f)
	}
	return nil
}

// Count is how often a fault has happened to one operation.
type Count struct {
	Kind      Kind   `json:"kind"`
	When      When   `json:"when"`
	Operation string `json:"operation"`
	Times     int    `json:"times"`
}

// Report is the state of an injector.
type Report struct {
	Seed uint64 `json:"seed"`
	// Armed are the faults that can still happen, Injected what has happened.
	Armed    []Fault `json:"armed"`
	Injected []Count `json:"injected"`
}

// Report tells what is armed and what has happened, by kind and operation.
func (i *Injector) Report() Report {
	i.mu.Lock()
	defer i.mu.Unlock()
	r := Report{Seed: i.seed, Armed: []Fault{}, Injected: make([]Count, 0, len(i.counts))}
	for _, a := range i.armed {
		f := a.Fault
		if f.Times > 0 {
			f.Times -= a.hits
		}
		r.Armed = append(r.Armed, f)
	}
	for c, times := range i.counts {
		c.Times = times
		r.Injected = append(r.Injected, c)
	}
	slices.SortFunc(r.Injected, func(a, b Count) int {
		return cmp.Or(cmp.Compare(a.Kind.bit(), b.Kind.bit()), cmp.Compare(a.When, b.When), cmp.Compare(a.Operation, b.Operation))
	})
	return r
}

// Hits is how often the faults armed for operation have happened.
func (i *Injector) Hits(operation string) int {
	i.mu.Lock()
	defer i.mu.Unlock()
	total := 0
	for place, times := range i.hits {
		if place.operation == operation {
			total += times
		}
	}
	return total
}

// Happened is how often a fault has happened, told apart from others by its kind, its side of the effect and its operation.
func (i *Injector) Happened(f Fault) int {
	if f, err := f.complete(); err == nil {
		i.mu.Lock()
		defer i.mu.Unlock()
		return i.hits[f.place()]
	}
	return 0 // What cannot be armed cannot happen.
}

// Total is how often anything has happened.
func (i *Injector) Total() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	total := 0
	for _, times := range i.counts {
		total += times
	}
	return total
}
