package cloudwatch

import "sync"

// Observations collects what services observe until the minute is over. It is safe for concurrent use and made for hot paths: who
// observes one metric does not wait for who observes another, and nothing is allocated but the first time.
type Observations struct{ observed sync.Map } // of *observed, by observedKey

type observedKey struct{ resource, metric string }

type observed struct {
	mu    sync.Mutex
	point point
}

// Observe adds one value of a resource's metric.
func (o *Observations) Observe(resource, metric string, value float64) {
	key := observedKey{resource, metric}
	found, ok := o.observed.Load(key)
	if !ok {
		found, _ = o.observed.LoadOrStore(key, &observed{})
	}
	one := found.(*observed)
	one.mu.Lock()
	one.point.add(point{sum: value, count: 1, min: value, max: value})
	one.mu.Unlock()
}

// Drain gives out what was observed since the last call, with everything but the metric's name, time and unit filled in.
func (o *Observations) Drain(take func(resource, metric string, d Datum)) {
	o.observed.Range(func(key, value any) bool {
		one := value.(*observed)
		one.mu.Lock()
		p := one.point
		one.point = point{}
		one.mu.Unlock()
		if p.count > 0 {
			k := key.(observedKey)
			take(k.resource, k.metric, Datum{Sum: p.sum, Count: p.count, Min: p.min, Max: p.max})
		}
		return true
	})
}
