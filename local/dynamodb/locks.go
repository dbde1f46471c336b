package dynamodb

import (
	"hash/maphash"
	"slices"
	"sync"
)

// lockStripes is how many locks all items share: enough that concurrent calls seldom meet, few enough to be nothing.
const lockStripes = 1024

// locks serialise the writes of an item. An item's lock is the stripe its table and key hash to; a transaction takes the
// stripes of all its items in ascending order, so that transactions cannot wait for each other in a circle.
type locks struct {
	seed    maphash.Seed
	stripes [lockStripes]sync.RWMutex
}

func (l *locks) stripe(t *table, key []byte) int {
	return int((maphash.Bytes(l.seed, key) ^ t.salt) % lockStripes)
}

func (l *locks) lock(t *table, key []byte) *sync.RWMutex {
	m := &l.stripes[l.stripe(t, key)]
	m.Lock()
	return m
}

// lockAll takes the stripes for writing and returns what releases them.
func (l *locks) lockAll(stripes []int) (unlock func()) {
	stripes = ascending(stripes)
	for _, i := range stripes {
		l.stripes[i].Lock()
	}
	return func() {
		for _, i := range stripes {
			l.stripes[i].Unlock()
		}
	}
}

// readLockAll keeps the stripes from being written.
func (l *locks) readLockAll(stripes []int) (unlock func()) {
	stripes = ascending(stripes)
	for _, i := range stripes {
		l.stripes[i].RLock()
	}
	return func() {
		for _, i := range stripes {
			l.stripes[i].RUnlock()
		}
	}
}

func ascending(stripes []int) []int {
	slices.Sort(stripes)
	return slices.Compact(stripes)
}
