package main

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/payrail/payrail/internal/batch"
	"github.com/payrail/payrail/internal/ledger"
	"github.com/payrail/payrail/internal/ledger/ledgertest"
	"github.com/payrail/payrail/payment"
)

// The invariants of the accounting specification (INV 1 to 16) on random streams: payments in one currency and two, cash, settled in a
// third currency, of another branch than the card centre's, to closed accounts; completions, advices, reversals in full and in part, before,
// after and without their original; refunds; disputes and their ends; fees and settlements. Everything comes in random order and random
// batches, several at once, some of it twice, while calls fail before and after their effect.
//
// INV 13 is about holds, which belong to the authorizer; INV 7, that nothing is ever updated or deleted, is also a matter of the access
// policy: here, that what stands in the journal stays as it is.
func TestLedgerInvariants(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawStream(t)
		random := &dice{random: rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))}
		w := newWorld()
		deliver(t, w, s, random)

		books := read(t, w)
		books.everyEntryBalances(t)
		books.everySequenceOnce(t, s)
		books.everyMessageEndsOnce(t, w, s)
		books.everythingIsTold(t, w)
		books.paymentsStandAtWhatIsOwed(t, s)
		books.disputesClose(t, s)
		books.controlAccountsNet(t)
		books.suspenseIsItsOpenItems(t, w)
		replayChangesNothing(t, w, s, random)
		othersPayloadIsAConflict(t, w, s, random)
		tamperedNeverPosts(t, w, random)

		other := newWorld()
		deliver(t, other, s, random)
		books.orderDecidesNothing(t, read(t, other), s)
	})
}

// dice is a source of chance for many goroutines.
type dice struct {
	mu     sync.Mutex
	random *rand.Rand
}

func (d *dice) below(n int) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.random.IntN(n)
}

// fault is an error every now and then, of one of the kinds that a client sees.
func (d *dice) fault() error {
	switch d.below(40) {
	case 0:
		return errors.New("connection reset")
	case 1:
		return &types.ProvisionedThroughputExceededException{Message: aws.String("slow down")}
	case 2:
		return &types.TransactionCanceledException{CancellationReasons: []types.CancellationReason{{Code: aws.String("ThrottlingError")}}}
	default:
		return nil
	}
}

// deliver sends posting a stream, phase by phase, under faults.
func deliver(t *rapid.T, w *world, s *stream, random *dice) {
	w.fault = random.fault
	w.table.Before, w.table.After = func(string) error { return random.fault() }, func(string) error { return random.fault() }
	for phase := range phases {
		queue := s.of(phase)
		for _, m := range slices.Clone(queue) {
			if random.below(3) == 0 {
				queue = append(queue, m) // the bus delivers twice: as a first delivery
			}
		}
		drain(t, w, queue, random)
	}
	w.fault, w.table.Before, w.table.After = nil, nil, nil
}

// drain delivers messages in random order until none is left, up to three batches at once. What fails comes again.
func drain(t *rapid.T, w *world, queue []batch.Message, random *dice) {
	for deliveries := 0; len(queue) > 0; deliveries++ {
		require.Less(t, deliveries, 10_000, "deliveries do not come to an end")
		random.random.Shuffle(len(queue), func(i, j int) { queue[i], queue[j] = queue[j], queue[i] })
		var running sync.WaitGroup
		var batches, back [][]batch.Message
		for range 1 + random.below(3) {
			n := min(1+random.below(10), len(queue))
			batches, queue = append(batches, queue[:n:n]), queue[n:]
		}
		back = make([][]batch.Message, len(batches))
		for i, messages := range batches {
			running.Go(func() {
				for _, n := range failed(w.poster().handle(ctx, messages)) {
					back[i] = append(back[i], again(messages[n:n+1])...)
				}
			})
		}
		running.Wait()
		queue = slices.Concat(append(back, queue)...)
	}
}

// account is an account in a currency.
type account struct {
	name     string
	currency payment.Currency
}

// books is a ledger as its journal has it.
type books struct {
	records []ledger.Record
	sums    map[account]int64
}

func sumOf(legs []payment.Leg, into map[account]int64) map[account]int64 {
	for _, leg := range legs {
		into[account{leg.Account, leg.Amount.Currency}] += leg.Signed().Minor
	}
	maps.DeleteFunc(into, func(_ account, minor int64) bool { return minor == 0 })
	return into
}

func read(t require.TestingT, w *world) *books {
	reader := ledger.NewReader(w.table, "ledger")
	b := &books{sums: map[account]int64{}}
	require.NoError(t, reader.EachJournal(ctx, func(r ledger.Record) error {
		b.records = append(b.records, r)
		sumOf(r.Legs, b.sums)
		return nil
	}))
	// INV 8: entries and balances are what the journal makes, purchases and suspense items what it has.
	verified, err := reader.Verify(ctx)
	require.NoError(t, err)
	require.Empty(t, verified.Findings, "INV 8: the ledger is not what its journal makes")
	trial, err := reader.TrialBalance(ctx, time.Time{})
	require.NoError(t, err)
	require.True(t, trial.Balanced(), "INV 1: trial balance")
	return b
}

// INV 1 and 14.
func (b *books) everyEntryBalances(t require.TestingT) {
	total := map[payment.Currency]int64{}
	for _, r := range b.records {
		sums := map[payment.Currency]int64{}
		for _, leg := range r.Legs {
			require.Positive(t, leg.Amount.Minor, "INV 14: leg %d of %s", leg.Number, r.ID)
			_, err := leg.Amount.Currency.Exponent()
			require.NoError(t, err, "INV 14: leg %d of %s", leg.Number, r.ID)
			sums[leg.Amount.Currency] += leg.Signed().Minor
			total[leg.Amount.Currency] += leg.Signed().Minor
		}
		for currency, minor := range sums {
			require.Zero(t, minor, "INV 1: sequence %s in %s", r.ID, currency)
		}
	}
	for currency, minor := range total {
		require.Zero(t, minor, "INV 1: all of %s", currency)
	}
}

// made are the records that a message made.
func (b *books) made(key string) []ledger.Record {
	var made []ledger.Record
	for _, r := range b.records {
		if r.BusinessKey == key {
			made = append(made, r)
		}
	}
	return made
}

// INV 2: one entry for each sequence, and one sequence for each message, but for a reversal that was in suspense before its original came.
func (b *books) everySequenceOnce(t require.TestingT, s *stream) {
	seen := map[string]bool{}
	for _, r := range b.records {
		require.False(t, seen[r.ID], "INV 2: sequence %s", r.ID)
		seen[r.ID] = true
	}
	for _, m := range s.sent {
		most := 1
		if m.order != nil && m.order.Kind == payment.OrderReversal {
			most = 2
		}
		require.LessOrEqual(t, len(b.made(m.key)), most, "INV 2: message %s", m.key)
	}
}

// INV 4.
func (b *books) everyMessageEndsOnce(t require.TestingT, w *world, s *stream) {
	reader := ledger.NewReader(w.table, "ledger")
	parked := map[string]string{}
	for _, record := range w.objects {
		parked[record.AuthorizationID] = record.Reason
	}
	for _, m := range s.sent {
		if m.key == "" {
			continue // the order to look at a reversal that waits is about that, and has no end of its own
		}
		id, of := "", m.key
		if m.order != nil {
			id, of = m.order.AuthorizationID, m.order.PurchaseKey
		} else {
			id = m.entry.AuthorizationID
		}
		purchase, _, err := reader.Purchase(ctx, of)
		require.NoError(t, err)
		held, _ := purchase.Find(m.key)
		reason, isParked := parked[id]
		var ends []string
		for _, r := range b.made(m.key) {
			ends = []string{string(r.Outcome)} // the last of a reversal's two: in suspense first, posted then
		}
		if len(ends) == 0 && held.State == payment.Waiting {
			ends = append(ends, "WAITING")
		}
		// A reversal that was refused, and parked, counts after all should a message come that gives it an effect.
		reverses := m.order != nil && m.order.Kind == payment.OrderReversal
		if isParked && (len(ends) == 0 || !reverses) {
			ends = append(ends, "PARKED "+reason)
		}
		require.Len(t, ends, 1, "INV 4: message %s of phase %d: %v", m.key, m.phase, ends)
	}
}

// INV 6, with the faults of the delivery: nothing is posted that nobody is told of.
func (b *books) everythingIsTold(t *rapid.T, w *world) {
	told := w.ids(t)
	for _, r := range b.records {
		require.Contains(t, told, r.ID+"/TransactionPosted", "INV 6")
	}
}

// purchase are the legs of everything posted about a payment.
func (b *books) purchase(p *paid) []payment.Leg {
	keys := map[string]bool{}
	for _, e := range p.presented {
		keys[e.BusinessKey] = true
	}
	for _, o := range p.reversals {
		keys[o.BusinessKey] = true
	}
	roots := map[string]bool{}
	for _, r := range b.records {
		if keys[r.BusinessKey] {
			roots[strings.TrimSuffix(r.ID, r.ID[len(r.ID)-3:])] = true
		}
	}
	var legs []payment.Leg
	for _, r := range b.records {
		if roots[r.ID[:len(r.ID)-3]] {
			legs = append(legs, r.Legs...)
		}
	}
	return legs
}

// INV 9, and more: what stands of a payment is what the posting rules make of what it costs in the end, to the minor unit and on every
// account, however many steps led there. Of a payment taken back in full nothing stands.
func (b *books) paymentsStandAtWhatIsOwed(t require.TestingT, s *stream) {
	for _, p := range s.paid {
		legs := b.purchase(p)
		if p.lost {
			requireWithholding(t, legs, p)
			continue
		}
		owed := p.owed(t)
		want := map[account]int64{}
		if !owed.IsZero() {
			d := p.base().Basis
			if d.SettlementAmount != (payment.Money{}) {
				var err error
				d.SettlementAmount, err = d.SettlementAmount.Share(owed, d.BillingAmount)
				require.NoError(t, err)
			}
			d.BillingAmount = owed
			target, err := payment.Legs(d)
			require.NoError(t, err)
			sumOf(target, want)
		}
		have := sumOf(legs, map[account]int64{})
		if p.closed() || p.redirected {
			want, have = withCustomersAsOne(want), withCustomersAsOne(have)
		}
		require.Equal(t, want, have, "INV 9: payment %s of which %s is owed", p.key(), owed)
	}
}

// requireWithholding checks what stands of reversals whose original never came: the scheme's money, with suspense or where that was
// cleared to.
func requireWithholding(t require.TestingT, legs []payment.Leg, p *paid) {
	var back int64
	for _, o := range p.reversals {
		remains := payment.Money{}
		if o.ReplacementAmount != nil {
			var err error
			remains, err = o.BillingAmount.Share(*o.ReplacementAmount, o.TransactionAmount)
			require.NoError(t, err)
		}
		back += o.BillingAmount.Minor - remains.Minor
	}
	if p.presented[0].Basis.TransactionType == "20" {
		back = -back
	}
	var held int64
	for _, leg := range legs {
		if leg.Role != payment.RoleSchemePayable {
			held += leg.Signed().Minor
		}
	}
	require.Equal(t, back, held, "INV 12: reversals without their original %s", p.key())
}

// withCustomersAsOne adds up the places where a customer's money may stand: an account, suspense, the write-off account.
func withCustomersAsOne(sums map[account]int64) map[account]int64 {
	one := map[account]int64{}
	for at, minor := range sums {
		if strings.HasPrefix(at.name, "acc-") || strings.HasPrefix(at.name, "SUSPENSE.") || at.name == "DISPUTE_LOSS" {
			at.name = "customers"
		}
		one[at] += minor
	}
	maps.DeleteFunc(one, func(_ account, minor int64) bool { return minor == 0 })
	return one
}

// INV 10.
func (b *books) disputesClose(t require.TestingT, s *stream) {
	for _, c := range s.disputes {
		var receivable int64
		for _, r := range b.records {
			for _, leg := range r.Legs {
				if r.AuthorizationID == c.cause && leg.Role == "DISPUTE_RECEIVABLE" {
					receivable -= leg.Signed().Minor
				}
			}
		}
		want := c.amount.Minor
		if c.closed {
			want = 0
		}
		require.Equal(t, want, receivable, "INV 10: %s", c.cause)
	}
}

// INV 11. Nothing but settlements is in EUR, so that the position in it is the scheme's.
func (b *books) controlAccountsNet(t require.TestingT) {
	offices, euros := map[account]int64{}, int64(0)
	for at, minor := range b.sums {
		kind, branch, _ := strings.Cut(at.name, ".")
		switch kind {
		case "HEAD_OFFICE", "BRANCH_CTRL":
			offices[account{branch, at.currency}] += minor
		case "FX_POSITION", "SCHEME_PAYABLE":
			if at.currency == "EUR" {
				euros += minor
			}
			require.False(t, kind == "FX_POSITION" && branch != string(at.currency), "INV 11: %s in %s", at.name, at.currency)
		}
	}
	for branch, minor := range offices {
		require.Zero(t, minor, "INV 11: branch %s in %s", branch.name, branch.currency)
	}
	require.Zero(t, euros, "INV 11: positions in EUR")
}

// INV 12.
func (b *books) suspenseIsItsOpenItems(t require.TestingT, w *world) {
	open := map[account]int64{}
	require.NoError(t, ledger.NewReader(w.table, "ledger").EachSuspense(ctx, func(item ledger.SuspenseItem) error {
		require.Equal(t, item.State == ledger.SuspenseOpen, !item.Amount.IsZero(), "INV 12: item of %s is %s with %s", item.PurchaseKey, item.State, item.Amount)
		require.NotEmpty(t, item.Owner, "INV 12")
		require.NotEmpty(t, item.Reason, "INV 12")
		require.NotEmpty(t, item.OpenedAt, "INV 12")
		open[account{item.Account, item.Amount.Currency}] += item.Amount.Minor
		return nil
	}))
	maps.DeleteFunc(open, func(_ account, minor int64) bool { return minor == 0 })
	stands := maps.Clone(b.sums)
	maps.DeleteFunc(stands, func(at account, _ int64) bool { return !strings.HasPrefix(at.name, "SUSPENSE.") })
	require.Equal(t, stands, open, "INV 12")
}

// image is the table, byte for byte.
func image(w *world) map[ledgertest.Key]string {
	all := map[ledgertest.Key]string{}
	w.table.Edit(func(items map[ledgertest.Key]ledgertest.Item) {
		for key, item := range items {
			var text strings.Builder
			for _, name := range slices.Sorted(maps.Keys(item)) {
				fmt.Fprintf(&text, "%s=%s\n", name, plain(item[name]))
			}
			all[key] = text.String()
		}
	})
	return all
}

// sameImage names the items that are not as they were.
func sameImage(t require.TestingT, before map[ledgertest.Key]string, w *world, what string, arguments ...any) {
	after := image(w)
	var changed []string
	for key := range after {
		if before[key] != after[key] {
			changed = append(changed, key.Partition+" was: "+before[key]+" is: "+after[key])
		}
	}
	require.Empty(t, changed, append([]any{what}, arguments...)...)
	require.Len(t, after, len(before), append([]any{what}, arguments...)...)
}

// plain writes an attribute with all that is in it.
func plain(value types.AttributeValue) string {
	switch v := value.(type) {
	case *types.AttributeValueMemberM:
		var text strings.Builder
		for _, name := range slices.Sorted(maps.Keys(v.Value)) {
			fmt.Fprintf(&text, "%s=%s,", name, plain(v.Value[name]))
		}
		return text.String()
	case *types.AttributeValueMemberL:
		var text strings.Builder
		for _, element := range v.Value {
			fmt.Fprintf(&text, "[%s]", plain(element))
		}
		return text.String()
	case *types.AttributeValueMemberS:
		return strconv.Quote(v.Value)
	case *types.AttributeValueMemberN:
		return v.Value
	default:
		return fmt.Sprintf("%#v", value)
	}
}

// INV 15, and with it 2, 3 and 7: everything once more, as the queue does it and as a replay of the archive does.
func replayChangesNothing(t *rapid.T, w *world, s *stream, random *dice) {
	before, parked := image(w), slices.Sorted(maps.Keys(w.objects))
	drain(t, w, slices.Concat(again(s.all()), s.all()), random)
	sameImage(t, before, w, "INV 15: delivered again")
	told := len(w.published)
	drain(t, w, fromArchive(t, s.all()), random)
	sameImage(t, before, w, "INV 15: replayed")
	require.Len(t, w.published, told, "INV 15: a replay tells nothing")
	require.Equal(t, parked, slices.Sorted(maps.Keys(w.objects)), "INV 15: parked objects")
}

// INV 3: another payment under a known key, another authorization of a known payment, a dispute that is ended in two ways.
func othersPayloadIsAConflict(t *rapid.T, w *world, s *stream, random *dice) {
	before := image(w)
	park := func(e payment.JournalEntry, what string) {
		parked := len(w.objects)
		drain(t, w, messages(t, e), random)
		require.Equal(t, parked+1, len(w.objects), "INV 3: %s of %s is parked", what, e.BusinessKey)
	}
	for _, m := range s.sent {
		if m.entry == nil {
			continue
		}
		other, late := *m.entry, *m.entry
		other.AuthorizationID, other.PayloadHash = "other-"+other.AuthorizationID, "other"
		park(other, "another payload")
		late.AuthorizationID = "late-" + late.AuthorizationID
		park(late, "another authorization")
	}
	for _, c := range s.disputes {
		if c.closed {
			park(c.rival, "another end")
		}
	}
	sameImage(t, before, w, "INV 3")
}

// tampers are ways in which the legs of a sequence are not what was made. Those that leave the checksum are found out by it.
var tampers = map[string]func(e *payment.JournalEntry){
	"a leg is missing":          func(e *payment.JournalEntry) { e.Legs = e.Legs[1:] },
	"an amount was changed":     func(e *payment.JournalEntry) { e.Legs[1].Amount.Minor++ },
	"both amounts were changed": func(e *payment.JournalEntry) { e.Legs[0].Amount.Minor++; e.Legs[1].Amount.Minor++ },
	"an account was changed":    func(e *payment.JournalEntry) { e.Legs[0].Account = "acc-thief" },
	"a side was changed":        func(e *payment.JournalEntry) { e.Legs[0].Side = e.Legs[0].Side.Opposite() },
	"a leg was added and signed": func(e *payment.JournalEntry) {
		extra := e.Legs[0]
		extra.Number = len(e.Legs) + 1
		e.Legs = append(e.Legs, extra)
		e.Of, e.Checksum = len(e.Legs), payment.Checksum(e.Legs)
	},
	"an amount was changed and signed": func(e *payment.JournalEntry) {
		e.Legs[0].Amount.Minor++
		e.Checksum = payment.Checksum(e.Legs)
	},
	"amounts below zero, signed": func(e *payment.JournalEntry) {
		for i := range e.Legs {
			e.Legs[i].Amount.Minor = -e.Legs[i].Amount.Minor
		}
		e.Checksum = payment.Checksum(e.Legs)
	},
}

// INV 16.
func tamperedNeverPosts(t *rapid.T, w *world, random *dice) {
	before := image(w)
	for i, name := range slices.Sorted(maps.Keys(tampers)) {
		e := priced(t, 900_000+i, "acc-1")
		e.Legs = slices.Clone(e.Legs)
		tampers[name](&e)
		all := messages(t, e)
		random.random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		cut := random.below(len(all) + 1)
		for _, part := range [][]batch.Message{all[:cut], all[cut:], again(all)} {
			w.poster().handle(ctx, part)
		}
		_, posted, err := ledger.NewReader(w.table, "ledger").Journal(ctx, e.ID)
		require.NoError(t, err)
		require.False(t, posted, "INV 16: %s", name)
	}
	sameImage(t, before, w, "INV 16")
}

// INV 5: the same messages in another order, in other batches, with other faults. Balances are the same, and so is every entry that has
// a payment for itself, to the hash.
func (b *books) orderDecidesNothing(t require.TestingT, other *books, s *stream) {
	require.Equal(t, b.sums, other.sums, "INV 5")
	for _, m := range s.sent {
		if m.entry == nil {
			continue
		}
		first, second := b.made(m.key), other.made(m.key)
		if len(first) == 1 && len(second) == 1 && first[0].Root == "" && second[0].Root == "" {
			require.Equal(t, first[0].EntryHash, second[0].EntryHash, "INV 15: entry of %s", m.key)
		}
	}
}
