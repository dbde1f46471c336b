package rebuild

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math/bits"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/payrail/payrail/events"
	"github.com/payrail/payrail/payment"
)

// Kinds are the kinds of event that a rebuild reads: what posting consumes, and what it said of it.
var Kinds = []events.DetailType{
	events.PostingLegCreated, events.PostingOrderCreated,
	events.TransactionPosted, events.DuplicateTransactionParked, events.DuplicateConflictDetected, events.TransactionRejected, events.OrphanReversal,
}

// unitKey tells apart what posting decides on as a whole: a version of a sequence, or an order.
type unitKey [16]byte

// messageKey is the authorization's message that a unit belongs to: several versions of it may exist.
type messageKey [16]byte

func digest(parts ...string) (key [16]byte) {
	h := sha256.New()
	for _, part := range parts {
		fmt.Fprintf(h, "%q,", part)
	}
	copy(key[:], h.Sum(nil))
	return key
}

// unit is what posting decides on as a whole.
type unit struct {
	key     unitKey
	message messageKey
	// basis is what the legs were computed from: it tells the version that was posted from the others.
	basis uint64
	// at is when posting decided on it, in milliseconds; published is when it was put on the bus.
	at, published int64
	// legs is of how many legs it consists, seen which of them the audit log has, a bit for each.
	legs int
	seen uint64
	// order is the kind of an order, empty for a sequence.
	order payment.OrderKind
	// group is an index into Plan.groups; turn is the unit's place in it.
	group, turn int32
	// without says that it is not sent, because it had no effect, or had none yet.
	without bool
	// posted says that the audit log tells of an entry that it made.
	posted bool
	// purchase is the business key under which the ledger knows the message; empty where it keeps no purchase of it.
	purchase, business string
}

// entry is a journal entry that the audit log tells of.
type entry struct {
	id      string
	hash    string
	message messageKey
	basis   uint64
	at      int64
	// suspense says that it was posted to suspense.
	suspense bool
	// lacking says that the audit log has not all of what it was made of: it cannot come.
	lacking bool
}

// Plan is what to post, in which order, and what has to come of it. It holds some hundred bytes for each payment, not the events.
type Plan struct {
	// Units counts versions of sequences and orders; Events the legs and orders they consist of.
	Units, Events int
	// From and To are when the first and the last of them were published.
	From, To time.Time

	units    []unit
	byKey    map[unitKey]int32
	links    map[uint64]int32 // a unit for each key under which units find each other
	parents  []int32
	outcomes map[messageKey]int64 // when posting first spoke of a message without posting it
	entries  []entry
	seen     map[string]int32 // entries by id
	// until leaves out what was published then or later; the zero time leaves out nothing.
	until time.Time

	groups []group
}

// group are the units of messages that may be about one purchase, in the order in which posting decided on them, and the entries that
// came of them, in the order in which they were posted.
type group struct {
	units   []int32
	entries []int32
}

// NewPlan makes an empty plan of what was published before a time; the zero time is no bound.
func NewPlan(until time.Time) *Plan {
	return &Plan{until: until, byKey: map[unitKey]int32{}, links: map[uint64]int32{}, outcomes: map[messageKey]int64{}, seen: map[string]int32{}}
}

// envelope is an event of the audit log.
type envelope struct {
	DetailType events.DetailType `json:"detail-type"`
	Source     events.Source     `json:"source"`
	Detail     struct {
		Metadata events.Metadata `json:"metadata"`
		Data     json.RawMessage `json:"data"`
	} `json:"detail"`
}

// Add takes in one event of the audit log, of any kind and in any order, also repeatedly.
func (p *Plan) Add(line []byte) error {
	var e envelope
	if err := json.Unmarshal(line, &e); err != nil {
		return fmt.Errorf("decoding an event of the audit log: %w", err)
	}
	published, err := time.Parse(time.RFC3339, e.Detail.Metadata.PublishedAt)
	if err != nil {
		return fmt.Errorf("event %q of the audit log: publishedAt is not RFC 3339", e.Detail.Metadata.EventID)
	}
	if !p.until.IsZero() && !published.Before(p.until) {
		return nil
	}
	switch {
	case e.DetailType == events.PostingLegCreated || e.DetailType == events.PostingOrderCreated:
		u, keys, err := unitOf(e)
		if err != nil {
			return fmt.Errorf("event %q of the audit log: %w", e.Detail.Metadata.EventID, err)
		}
		p.addUnit(u, keys, published)
	case e.DetailType == events.TransactionPosted:
		return p.addEntry(e, published)
	case e.Source == events.SourcePosting:
		key := messageOf(e.Detail.Metadata)
		if at, known := p.outcomes[key]; !known || published.UnixMilli() < at {
			p.outcomes[key] = published.UnixMilli()
		}
	}
	return nil
}

func messageOf(m events.Metadata) messageKey { return digest(m.TransactionID, m.CorrelationID) }

// unitOf reads which unit an event is part of, and the keys under which it may meet others.
func unitOf(e envelope) (u unit, keys []string, err error) {
	if e.DetailType == events.PostingOrderCreated {
		var data events.OrderData
		if err := json.Unmarshal(e.Detail.Data, &data); err != nil {
			return unit{}, nil, err
		}
		o := data.Order
		if err := o.Check(); err != nil {
			return unit{}, nil, err
		}
		return unit{key: digest("order", string(o.Kind), o.BusinessKey, o.AuthorizationID, o.PayloadHash), message: digest(o.TransactionID, o.AuthorizationID), legs: 1, seen: 1,
			order: o.Kind, purchase: o.PurchaseKey, business: o.BusinessKey}, []string{keyName(o.PurchaseKey), keyName(o.BusinessKey)}, nil
	}
	var data events.LegData
	if err := json.Unmarshal(e.Detail.Data, &data); err != nil {
		return unit{}, nil, err
	}
	s := data.Sequence
	if s.ID == "" || s.Of < 1 || s.Checksum == "" {
		return unit{}, nil, fmt.Errorf("its sequence has no id, number of legs or checksum")
	}
	u = unit{key: digest("sequence", s.ID, s.Checksum, s.AuthorizationID, s.PayloadHash), message: digest(s.TransactionID, s.AuthorizationID), basis: basisOf(s), legs: s.Of}
	if n := data.Leg.Number; n >= 1 && n <= maxLegs {
		u.seen = 1 << (n - 1)
	}
	if payment.RankOf(s.Basis.MTI) > 0 {
		u.purchase, u.business = s.BusinessKey, s.BusinessKey
	}
	keys = []string{keyName(s.BusinessKey)}
	for _, link := range []string{s.Links.Lifecycle, s.Links.Approval, s.RefundOf.Lifecycle, s.RefundOf.Approval} {
		if link != "" {
			keys = append(keys, "link "+link)
		}
	}
	return u, keys, nil
}

// maxLegs is of how many legs a plan can tell whether all are there; no posting rule makes as many.
const maxLegs = 64

// isWhole reports whether the audit log has all legs of a unit.
func (u unit) isWhole() bool { return u.legs > maxLegs || bits.OnesCount64(u.seen) >= u.legs }

// keyName names a business key by the characters that the ledger knows it by.
func keyName(businessKey string) string { return "key " + payment.ShortKey(businessKey) }

func basisOf(s payment.Sequence) uint64 {
	text, err := json.Marshal(s.Basis)
	if err != nil {
		return 0 // Not reached: it was decoded from JSON.
	}
	return short(string(text))
}

// short is a key of 64 bits. Two that collide only make their units wait for each other.
func short(key string) uint64 {
	sum := sha256.Sum256([]byte(key))
	return binary.BigEndian.Uint64(sum[:])
}

func (p *Plan) addUnit(u unit, keys []string, published time.Time) {
	p.Events++
	if p.From.IsZero() || published.Before(p.From) {
		p.From = published
	}
	if published.After(p.To) {
		p.To = published
	}
	n, known := p.byKey[u.key]
	if known {
		held := &p.units[n]
		held.published, held.seen = min(held.published, published.UnixMilli()), held.seen|u.seen
		return
	}
	n = int32(len(p.units))
	u.published = published.UnixMilli()
	p.units, p.parents = append(p.units, u), append(p.parents, n)
	p.byKey[u.key] = n
	p.Units++
	for _, key := range append(keys, "message "+string(u.message[:])) {
		if other, met := p.links[short(key)]; met {
			p.union(n, other)
		} else {
			p.links[short(key)] = n
		}
	}
}

func (p *Plan) find(n int32) int32 {
	for p.parents[n] != n {
		p.parents[n] = p.parents[p.parents[n]]
		n = p.parents[n]
	}
	return n
}

func (p *Plan) union(a, b int32) {
	if a, b = p.find(a), p.find(b); a != b {
		p.parents[max(a, b)] = min(a, b)
	}
}

func (p *Plan) addEntry(e envelope, published time.Time) error {
	var data events.PostedData
	if err := json.Unmarshal(e.Detail.Data, &data); err != nil {
		return fmt.Errorf("event %q of the audit log: %w", e.Detail.Metadata.EventID, err)
	}
	if n, known := p.seen[data.Sequence.ID]; known {
		held := &p.entries[n]
		if held.hash != data.EntryHash {
			return fmt.Errorf("the audit log tells of sequence %s twice, with hashes %s and %s: it is not of one ledger", held.id, held.hash, data.EntryHash)
		}
		held.at = min(held.at, published.UnixMilli())
		return nil
	}
	p.seen[data.Sequence.ID] = int32(len(p.entries))
	p.entries = append(p.entries, entry{id: data.Sequence.ID, hash: data.EntryHash, message: messageOf(e.Detail.Metadata), basis: basisOf(data.Sequence), at: published.UnixMilli(),
		suspense: data.Outcome == payment.OutcomeSuspense})
	return nil
}

// Entries is how many journal entries the audit log tells of.
func (p *Plan) Entries() int { return len(p.entries) }

// Lacking is how many of them it has not all legs of, and the sequence of one of them.
func (p *Plan) Lacking() (n int, sequence string) {
	for _, e := range p.entries {
		if e.lacking {
			n, sequence = n+1, e.id
		}
	}
	return n, sequence
}

// Order puts the units of each group in their order. Add must not be called afterwards.
func (p *Plan) Order() {
	entriesOf := p.orderEntries()
	byRoot := map[int32]int32{}
	several := p.versions()
	for n := range p.entries {
		p.entries[n].lacking = true
	}
	for n := range p.units {
		u := &p.units[n]
		if p.decide(u, entriesOf[u.message], several[u.message]); u.without {
			continue
		}
		root := p.find(int32(n))
		index, known := byRoot[root]
		if !known {
			index = int32(len(p.groups))
			byRoot[root] = index
			p.groups = append(p.groups, group{})
		}
		u.group = index
		p.groups[index].units = append(p.groups[index].units, int32(n))
	}
	placed := map[messageKey]bool{}
	for i := range p.groups {
		g := &p.groups[i]
		p.placeOverdue(g, entriesOf)
		slices.SortStableFunc(g.units, func(a, b int32) int {
			return cmp.Or(cmp.Compare(p.units[a].at, p.units[b].at), cmp.Compare(p.units[a].published, p.units[b].published))
		})
		for turn, n := range g.units {
			p.units[n].turn = int32(turn)
			if message := p.units[n].message; !placed[message] {
				placed[message] = true
				g.entries = append(g.entries, entriesOf[message]...)
			}
		}
		slices.SortStableFunc(g.entries, func(a, b int32) int { return cmp.Compare(p.entries[a].at, p.entries[b].at) })
	}
	p.links, p.parents, p.outcomes, p.seen = nil, nil, nil, nil
}

// placeOverdue finds out when the orders of a group were carried out that end the waiting of reversals, of which posting tells under
// the reversals' names: when the first reversal was posted to suspense after that. One without effect, because the original had
// come by then, is left out: where it would be too early it would have an effect.
func (p *Plan) placeOverdue(g *group, entriesOf map[messageKey][]int32) {
	g.units = slices.DeleteFunc(g.units, func(n int32) bool {
		u := &p.units[n]
		if u.order != payment.OrderOverdue {
			return false
		}
		first := int64(0)
		for _, other := range g.units {
			if p.units[other].order != payment.OrderReversal {
				continue
			}
			for _, posted := range entriesOf[p.units[other].message] {
				if e := p.entries[posted]; e.suspense && e.at >= u.published && (first == 0 || e.at < first) {
					first = e.at
				}
			}
		}
		u.at, u.without = first, first == 0
		return u.without
	})
}

// orderEntries puts the entries of each purchase in the order of their numbers, whatever the clocks of their posters said, and lists
// those of each message. Number 0 is out of order: it belongs to the message that presents the purchase, and reversals may have been
// posted to suspense before it came.
func (p *Plan) orderEntries() map[messageKey][]int32 {
	sorted := make([]int32, len(p.entries))
	for n := range sorted {
		sorted[n] = int32(n)
	}
	slices.SortFunc(sorted, func(a, b int32) int {
		rootA, numberA := numbered(p.entries[a].id)
		rootB, numberB := numbered(p.entries[b].id)
		return cmp.Or(strings.Compare(rootA, rootB), cmp.Compare(numberA, numberB))
	})
	of := make(map[messageKey][]int32, len(p.entries))
	for i, n := range sorted {
		if i > 0 {
			before, number := numbered(p.entries[sorted[i-1]].id)
			if root, _ := numbered(p.entries[n].id); root == before && number > 0 {
				p.entries[n].at = max(p.entries[n].at, p.entries[sorted[i-1]].at)
			}
		}
		of[p.entries[n].message] = append(of[p.entries[n].message], n)
	}
	return of
}

// numbered takes a sequence's id apart: its purchase, and its number there.
func numbered(id string) (root string, number int) {
	at := strings.LastIndexByte(id, '-')
	if at < 0 {
		return id, 0
	}
	number, err := strconv.Atoi(id[at+1:])
	if err != nil {
		return id, 0
	}
	return id[:at], number
}

// versions lists the bases of the messages of which there are several versions.
func (p *Plan) versions() map[messageKey][]uint64 {
	one := make(map[messageKey]uint64, len(p.units))
	several := map[messageKey][]uint64{}
	for _, u := range p.units {
		first, known := one[u.message]
		switch {
		case !known:
			one[u.message] = u.basis
		case several[u.message] == nil:
			several[u.message] = []uint64{first, u.basis}
		default:
			several[u.message] = append(several[u.message], u.basis)
		}
	}
	return several
}

// decide finds out when posting decided on a unit, as far as its events tell: when it posted the unit's message, or said otherwise
// what became of it. Of several versions those that were not posted came after the one that was. What posting said nothing of is
// taken to have come when it was published; where the plan ends at a time it came to nothing by then.
func (p *Plan) decide(u *unit, posted []int32, versions []uint64) {
	at, told := p.outcomes[u.message]
	for _, n := range posted {
		e := &p.entries[n]
		if u.basis != e.basis && slices.Contains(versions, e.basis) {
			u.at, u.posted = max(e.at+1, u.published), false
			return
		}
		u.posted = u.isWhole()
		e.lacking = e.lacking && !u.posted
		if !told || e.at < at {
			at, told = e.at, true
		}
	}
	if u.at = at; !told {
		u.at, u.without = u.published, !p.until.IsZero()
	}
}
