package cloudwatch

import "github.com/payrail/payrail/local/wire"

// statistics are what can be asked of a period, by name. Percentiles and the other extended statistics need every single value,
// which the store does not keep.
var statistics = map[string]func(*point) float64{
	"SampleCount": func(p *point) float64 { return p.count },
	"Average":     func(p *point) float64 { return p.sum / p.count },
	"Sum":         func(p *point) float64 { return p.sum },
	"Minimum":     func(p *point) float64 { return p.min },
	"Maximum":     func(p *point) float64 { return p.max },
}

// statistic finds a statistic; others are refused by name.
func statistic(name string) (func(*point) float64, error) {
	of, ok := statistics[name]
	if !ok {
		return nil, wire.NotImplemented("the statistic " + name + " (it does SampleCount, Average, Sum, Minimum, Maximum)")
	}
	return of, nil
}
