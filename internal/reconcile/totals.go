package reconcile

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"github.com/payrail/payrail/payment"
)

// totals are control totals by hour and currency.
type totals struct{ byHour map[totalKey]*sums }

type totalKey struct {
	hour     string
	currency payment.Currency
}

type sums struct{ a, c sum }

type sum struct {
	n     int
	minor int64
	hash  uint64
}

func newTotals() *totals { return &totals{byHour: map[totalKey]*sums{}} }

func (t *totals) at(hour time.Time, currency payment.Currency) *sums {
	key := totalKey{currency: currency}
	if !hour.IsZero() {
		key.hour = hour.UTC().Format("2006-01-02T15")
	}
	s, ok := t.byHour[key]
	if !ok {
		s = &sums{}
		t.byHour[key] = s
	}
	return s
}

// add counts an item. Sums wrap around rather than fail: they are compared, not paid.
func (s *sum) add(id string, amount payment.Money) {
	digest := sha256.Sum256(fmt.Appendf(nil, "%s|%d|%s", id, amount.Minor, amount.Currency))
	s.n++
	s.minor += amount.Minor
	s.hash ^= binary.BigEndian.Uint64(digest[:8])
}

func (s sum) total() Total { return Total{N: s.n, Minor: s.minor, Hash: fmt.Sprintf("%016x", s.hash)} }

func (t *totals) list() []ControlTotal {
	list := make([]ControlTotal, 0, len(t.byHour))
	for key, s := range t.byHour {
		list = append(list, ControlTotal{Hour: key.hour, Currency: key.currency, A: s.a.total(), C: s.c.total()})
	}
	slices.SortFunc(list, func(a, b ControlTotal) int {
		return cmp.Or(cmp.Compare(a.Hour, b.Hour), cmp.Compare(a.Currency, b.Currency))
	})
	return list
}
