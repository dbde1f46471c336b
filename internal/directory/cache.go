package directory

import (
	"sync"
	"time"
)

// Lifetimes in the cache. Reference data that changes in between gives two versions of a posting sequence at most: posting
// takes the first complete one.
const (
	// accountLifetime is short: once an account is closed its payments belong in suspense, and every second of staleness
	// posts some to the closed account. Half a minute still spares most reads of a busy account.
	accountLifetime = 30 * time.Second
	// cardLifetime: a card changes its account rarely, and whoever moves it expects payments of the next minutes at most to
	// go to the old one.
	cardLifetime = 5 * time.Minute
	// referenceLifetime: prices, categories, ranges and the watch-list are changed by people, some days ahead.
	referenceLifetime = 5 * time.Minute
	// absentLifetime is for what was looked for and not found. It spares a read per payment of an unknown card, and is short
	// because what is missing is often just being added: an account being opened, a product being corrected.
	absentLifetime = 10 * time.Second
)

// cacheItems bounds the cache: at some 500 bytes an item this is 10 MB of a function's 256.
const cacheItems = 20_000

// cached is a decoded item, or the knowledge that there is none.
type cached struct {
	value   any
	found   bool
	expires time.Time
}

// cache keeps decoded items for their lifetime. It has two generations: when the younger one is full it becomes the older,
// and what nobody asked for since is dropped. It is safe for concurrent use.
type cache struct {
	now func() time.Time
	max int

	mu          sync.Mutex
	young, aged map[key]cached
}

func newCache(now func() time.Time, max int) *cache {
	return &cache{now: now, max: max, young: map[key]cached{}}
}

// get returns the item at k; known is false where the cache cannot tell.
func (c *cache) get(k key) (value any, found, known bool) {
	now := c.now()
	c.mu.Lock()
	defer c.mu.Unlock()
	item, ok := c.young[k]
	if !ok {
		if item, ok = c.aged[k]; !ok {
			return nil, false, false
		}
		if now.Before(item.expires) {
			c.insert(k, item)
		}
	}
	if !now.Before(item.expires) {
		return nil, false, false
	}
	return item.value, item.found, true
}

// put keeps an item; found is false for one that does not exist.
func (c *cache) put(k key, value any, found bool) {
	lifetime := absentLifetime
	if found {
		lifetime = lifetimeOf(value)
	}
	item := cached{value: value, found: found, expires: c.now().Add(lifetime)}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.insert(k, item)
}

func (c *cache) insert(k key, item cached) {
	if _, replaces := c.young[k]; !replaces && len(c.young) >= c.max/2 {
		c.young, c.aged = make(map[key]cached, c.max/2), c.young
	}
	c.young[k] = item
}
