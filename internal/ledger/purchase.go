package ledger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/payrail/payrail/events"
	"github.com/payrail/payrail/payment"
)

// approvalWindow is how far apart in time two messages may be transmitted that are taken for one purchase by their approval
// code alone. Six characters come again; a hotel or a shipment is completed within a month or so.
const approvalWindow = 45 * 24 * time.Hour

// StoredPurchase is a purchase as its item has it.
type StoredPurchase struct {
	payment.Purchase
	// Version counts the changes of the item; every change is conditional on it. 0 is that of no item.
	Version int64
	// Refunded is what was given back by refunds that name the purchase, in its billing currency.
	Refunded payment.Money
	// OpenCase is the dispute about the purchase that is open.
	OpenCase string
}

// purchaseItem is the item under a business key: a purchase, or where it went.
type purchaseItem struct {
	StoredPurchase
	// root is the business key of the purchase that the message with this key belongs to; empty for a purchase itself.
	root string
}

// linkItem says which purchase a link leads to.
type linkItem struct {
	hash          string
	root          string
	lifecycle     string
	transmittedAt time.Time
	// version is 0 where there is no item.
	version int64
}

func (s *Store) get(ctx context.Context, key itemKey) (map[string]types.AttributeValue, error) {
	return getItem(ctx, s.options.Client, s.options.Table, key)
}

func getItem(ctx context.Context, client Getter, table string, key itemKey) (map[string]types.AttributeValue, error) {
	out, err := client.GetItem(ctx, &dynamodb.GetItemInput{TableName: &table, Key: key.attributes(), ConsistentRead: aws.Bool(true)})
	if err != nil {
		return nil, fmt.Errorf("reading item %s of the ledger: %w", key.partition, err)
	}
	return out.Item, nil
}

// purchaseAt reads the item under a business key. Without one it is the empty purchase of that key.
func purchaseAt(ctx context.Context, client Getter, table, businessKey string) (purchaseItem, error) {
	item, err := getItem(ctx, client, table, purchaseKey(businessKey))
	if err != nil {
		return purchaseItem{}, err
	}
	if len(item) == 0 {
		return purchaseItem{StoredPurchase: StoredPurchase{Purchase: payment.Purchase{Key: businessKey}}}, nil
	}
	return decodePurchase(item)
}

func decodePurchase(item map[string]types.AttributeValue) (purchaseItem, error) {
	d := &decoder{item: item}
	p := purchaseItem{root: d.text("root")}
	p.OpenCase = d.text("openCase")
	p.Version = d.number("version")
	if state := d.text("state"); state != "" {
		if err := json.Unmarshal([]byte(state), &p.Purchase); err != nil {
			d.fail("state", err.Error())
		}
	} else if p.root == "" {
		d.fail("state", "is missing")
	}
	if base, err := p.Billed(); err == nil && base.Currency != "" {
		p.Refunded.Currency = base.Currency
		if _, ok := item["refundedMinor"]; ok {
			p.Refunded.Minor = d.number("refundedMinor")
		}
	}
	if d.err != nil {
		return purchaseItem{}, fmt.Errorf("decoding purchase item %q: %w", d.text("pk"), d.err)
	}
	return p, nil
}

// maxPointers is how many pointers lead to a purchase: a reversal's key to that of its original, which came when another message
// had presented the purchase, and from there to that message's.
const maxPointers = 2

// purchaseOf reads the purchase that a business key leads to, and the item of the key itself, which may be the same.
func purchaseOf(ctx context.Context, client Getter, table, businessKey string) (found, own purchaseItem, err error) {
	own, err = purchaseAt(ctx, client, table, businessKey)
	found = own
	for n := 0; err == nil && found.root != ""; n++ {
		root := found.root
		if found, err = purchaseAt(ctx, client, table, root); err == nil && (found.Version == 0 || n == maxPointers) {
			err = fmt.Errorf("purchase item of %s leads to %s, which is no purchase", businessKey, root)
		}
	}
	return found, own, err
}

func (s *Store) purchase(ctx context.Context, businessKey string) (found, own purchaseItem, err error) {
	return purchaseOf(ctx, s.options.Client, s.options.Table, businessKey)
}

func (s *Store) link(ctx context.Context, hash string) (linkItem, error) {
	if hash == "" {
		return linkItem{}, nil
	}
	item, err := s.get(ctx, linkKey(hash))
	if err != nil || len(item) == 0 {
		return linkItem{hash: hash}, err
	}
	d := &decoder{item: item}
	l := linkItem{hash: hash, root: d.required("root"), lifecycle: d.text("lifecycle"), version: d.number("version")}
	if l.transmittedAt, err = time.Parse(time.RFC3339, d.required("transmittedAt")); err != nil {
		d.fail("transmittedAt", "is not RFC 3339")
	}
	if d.err != nil {
		return linkItem{}, fmt.Errorf("decoding link item %q: %w", d.text("pk"), d.err)
	}
	return l, nil
}

// joining is a message on its way into a purchase.
type joining struct {
	message payment.PurchaseMessage
	// entry is the journal entry that a message which presents the purchase was given before anything was known of it.
	entry *payment.JournalEntry
	links payment.Links
	// key leads to the purchase: the message's own business key, or of an order that of the original.
	key string
}

// place is where a message belongs, as it was read.
type place struct {
	purchase purchaseItem
	// own is the item of the message's own key where the purchase is another one: it becomes a pointer to the purchase.
	own *purchaseItem
	// claims are links that are to lead to the purchase.
	claims []linkItem
}

// locate finds the purchase that a message belongs to: the one it is in already, the one its links lead to, else its own.
func (s *Store) locate(ctx context.Context, j joining) (place, error) {
	found, own, err := s.purchase(ctx, j.key)
	if err != nil {
		return place{}, err
	}
	at := place{purchase: found}
	if _, known := found.Find(j.message.BusinessKey); known {
		return at, nil
	}
	if j.entry == nil {
		return s.locateReversal(ctx, at, j)
	}
	transmitted, err := time.Parse(time.RFC3339, j.message.Decided.TransmittedAt)
	if err != nil {
		return place{}, &payment.Error{Kind: payment.Invalid, Reason: "SEQUENCE_INVALID", Err: fmt.Errorf("sequence %s has no time of transmission", j.entry.ID)}
	}
	for _, hash := range []string{j.links.Lifecycle, j.links.Approval} {
		link, err := s.link(ctx, hash)
		if err != nil {
			return place{}, err
		}
		joined, err := s.follow(ctx, j, link, transmitted)
		if err != nil {
			return place{}, err
		}
		switch {
		case hash == "":
		case joined != nil && at.own == nil:
			at.purchase, at.own = *joined, &own
		case link.version == 0, joined == nil && at.own == nil && transmitted.After(link.transmittedAt):
			// A link that is free; or one of an earlier purchase with the same approval code, which gives way to this one.
			link.lifecycle, link.transmittedAt = j.links.Lifecycle, transmitted
			at.claims = append(at.claims, link)
		}
	}
	return at, nil
}

// locateReversal makes the key of a reversal lead to its purchase, so that it is found by its own key too. One whose key leads to
// another purchase already is known there, and is not what it was.
func (s *Store) locateReversal(ctx context.Context, at place, j joining) (place, error) {
	if j.message.Order.Kind != payment.OrderReversal {
		return at, nil
	}
	found, own, err := s.purchase(ctx, j.message.BusinessKey)
	switch _, known := found.Find(j.message.BusinessKey); {
	case err != nil:
		return place{}, err
	case known:
		return place{purchase: found}, nil
	case own.Version == 0:
		at.own = &own
	}
	return at, nil
}

// follow is the purchase that a link leads to where the message is another one about it; nil where it is not. An authorization
// joins what has none yet: a completion that came first. Two authorizations are two purchases.
func (s *Store) follow(ctx context.Context, j joining, link linkItem, transmitted time.Time) (*purchaseItem, error) {
	switch {
	case link.version == 0, link.root == j.message.BusinessKey:
		return nil, nil
	case link.hash == j.links.Approval && link.lifecycle != "" && j.links.Lifecycle != "" && link.lifecycle != j.links.Lifecycle:
		return nil, nil
	case link.hash == j.links.Approval && transmitted.Sub(link.transmittedAt).Abs() > approvalWindow:
		return nil, nil
	}
	found, _, err := s.purchase(ctx, link.root)
	if err != nil {
		return nil, err
	}
	if j.message.Rank == payment.RankAuthorization && found.Authorized() {
		return nil, nil
	}
	return &found, nil
}

// Settle carries an order out: a reversal, a clearing of suspense, the end of a reversal's waiting. It is carried out once,
// however often it is given. What the purchase refuses is an error of kind Conflict, whose reason says why.
func (s *Store) Settle(ctx context.Context, order payment.Order) Result {
	if err := order.Check(); err != nil {
		return Result{Err: err}
	}
	if order.Kind == payment.OrderOverdue {
		return s.overdue(ctx, order)
	}
	return s.join(ctx, joining{message: payment.OrderMessage(order), key: order.PurchaseKey})
}

// overdue ends the waiting of reversals whose original did not come: they are posted to suspense. Where it has come, they are
// matched with it.
func (s *Store) overdue(ctx context.Context, order payment.Order) Result {
	found, _, err := s.purchase(ctx, order.PurchaseKey)
	if err != nil {
		return Result{Err: err}
	}
	if found.Presented() {
		return Result{Disposition: AlreadyPosted, Further: s.match(ctx, found.Key)}
	}
	now, err := time.Parse(time.RFC3339, order.OccurredAt)
	if err != nil {
		return Result{Err: err}
	}
	result := Result{Disposition: Waiting}
	for _, m := range found.Unmatched() {
		since, err := time.Parse(time.RFC3339, m.OccurredAt)
		if err != nil || m.State == payment.Waiting && now.Sub(since) < payment.PendingOriginal {
			continue
		}
		// What is in suspense by now is asked for again: whoever put it there may have died before telling of it.
		m.State = payment.Suspended
		result.Further = append(result.Further, s.join(ctx, joining{message: m, key: found.Key}))
	}
	return result
}

// match takes the reversals of a purchase that came before it, one after the other. Those that were taken before are among the
// results too: their messages are long gone, so that nobody else reminds whoever died before telling of them.
func (s *Store) match(ctx context.Context, businessKey string) []Result {
	found, _, err := s.purchase(ctx, businessKey)
	if err != nil {
		return []Result{{Err: err}}
	}
	var results []Result
	if !found.Presented() {
		return nil
	}
	for _, m := range found.Orphans() {
		m.State = payment.Effective
		results = append(results, s.join(ctx, joining{message: m, key: found.Key}))
	}
	return results
}

// join brings a message into its purchase and posts what it changes.
func (s *Store) join(ctx context.Context, j joining) Result {
	postedAt := events.FormatTime(s.options.Now())
	backoff := firstBackoff
	for attempt := 1; ; attempt++ {
		result, err := s.joinOnce(ctx, j, postedAt)
		if err == nil {
			result.Order = j.message.Order
			return result
		}
		var final *payment.Error
		if errors.As(err, &final) || attempt == maxAttempts || !(retryable(err) || lostRace(err)) {
			return Result{Order: j.message.Order, Err: fmt.Errorf("posting to purchase %s, attempt %d: %w", j.key, attempt, err)}
		}
		if waitErr := s.options.Wait(ctx, s.options.Jitter(backoff)); waitErr != nil {
			return Result{Order: j.message.Order, Err: fmt.Errorf("posting to purchase %s: %w, after %w", j.key, waitErr, err)}
		}
		backoff = min(2*backoff, longestBackoff)
	}
}

// joinOnce takes the message on the purchase as it is now and writes the outcome if that has not changed meanwhile.
func (s *Store) joinOnce(ctx context.Context, j joining, postedAt string) (Result, error) {
	at, err := s.locate(ctx, j)
	if err != nil {
		return Result{}, err
	}
	if at.purchase.OpenCase != "" {
		j.message = j.message.WhileDisputed()
	}
	held, known := at.purchase.Find(j.message.BusinessKey)
	if known && !again(at.purchase.Purchase, held, j.message) {
		return s.known(ctx, j, at.purchase.Purchase, held, postedAt)
	}
	purchase, moved := at.purchase.Purchase, []payment.Leg(nil)
	if at.own != nil && at.own.Version > 0 {
		if moved, err = s.legs(ctx, at.own.Sequences); err != nil {
			return Result{}, err
		}
		purchase = purchase.Join(at.own.Purchase)
	}
	posted, err := s.legs(ctx, purchase.Sequences)
	if err != nil {
		return Result{}, err
	}
	taken, err := s.take(purchase, j, posted)
	if err != nil {
		return Result{}, err
	}
	now, _ := taken.Purchase.Find(j.message.BusinessKey)
	if known && taken.Entry == nil && now.State == held.State && now.Reason == held.Reason {
		return s.known(ctx, j, taken.Purchase, now, postedAt) // refused before, and again
	}
	p := plan{}
	if taken.Entry != nil {
		record := Record{JournalEntry: *taken.Entry, EntryHash: taken.Entry.Hash(), PostedAt: postedAt}
		if p, err = newPlan(s.options.Table, 0, record); err != nil {
			return Result{}, err
		}
		if err := s.countRefund(ctx, &p, purchase, taken.Purchase, j); err != nil {
			return Result{}, err
		}
	}
	p.suspense(s.options.Table, taken.Purchase, now, posted, moved)
	if err := p.place(s.options.Table, at, taken.Purchase, j); err != nil {
		return Result{}, err
	}
	if err := s.writeActions(ctx, p.actions, purchaseToken(at, j, p.keys, postedAt)); err != nil {
		return Result{}, err
	}
	if taken.Refusal != nil {
		return Result{}, taken.Refusal
	}
	result, err := s.taken(ctx, p.record, taken, now)
	result.Authorized = taken.Purchase.AuthorizedAmount()
	if err == nil && j.entry != nil && len(taken.Purchase.Unmatched()) > 0 {
		result.Further = s.match(ctx, taken.Purchase.Key)
	}
	return result, err
}

// again reports whether a message that a purchase knows is to be taken once more: what is unmatched is once the original is there,
// and once more when its waiting ends.
func again(p payment.Purchase, held, m payment.PurchaseMessage) bool {
	return held.PayloadHash == m.PayloadHash && held.AuthorizationID == m.AuthorizationID &&
		held.State != payment.Effective && held.State != m.State && (p.Presented() || m.State == payment.Suspended)
}

// taken is the result for a message that was taken now.
func (s *Store) taken(ctx context.Context, record Record, taken payment.Taken, m payment.PurchaseMessage) (Result, error) {
	switch {
	case m.State == payment.Waiting:
		return Result{Disposition: Waiting}, nil
	case taken.Entry != nil:
		return Result{Disposition: Posted, Record: record}, nil
	case m.Sequence == "":
		return samePurchase(taken.Purchase, m), nil
	default:
		// A reversal that stood in suspense, as its original does: nothing was to be moved.
		held, err := s.posted(ctx, m.Sequence)
		return Result{Disposition: AlreadyPosted, Record: held}, err
	}
}

// take is the message in its purchase: the first that presents it brings its own entry.
func (s *Store) take(purchase payment.Purchase, j joining, posted []payment.Leg) (payment.Taken, error) {
	if j.entry != nil && !purchase.Presented() {
		return payment.Taken{Purchase: purchase.Open(*j.entry), Entry: j.entry}, nil
	}
	return purchase.Take(j.message, posted)
}

// samePurchase is the result for a message that changed nothing: it names the message that posted the purchase.
func samePurchase(p payment.Purchase, m payment.PurchaseMessage) Result {
	result := Result{Disposition: SamePurchase}
	for _, held := range p.Messages {
		if held.Rank > 0 && held.BusinessKey != m.BusinessKey && held.Sequence != "" {
			result.Record.Sequence = payment.Sequence{ID: held.Sequence, AuthorizationID: held.AuthorizationID, TransactionID: held.TransactionID}
			break
		}
	}
	return result
}

// known settles a message that is in its purchase already.
func (s *Store) known(ctx context.Context, j joining, purchase payment.Purchase, held payment.PurchaseMessage, postedAt string) (Result, error) {
	result := Result{Disposition: AlreadyPosted, Authorized: purchase.AuthorizedAmount()}
	switch {
	case held.PayloadHash != j.message.PayloadHash:
		result.Disposition = Conflicting
	case held.AuthorizationID != j.message.AuthorizationID:
		result.Disposition = LateDuplicate
	case held.Refusal() != nil && (held.Sequence == "" || held.State == payment.Suspended):
		return Result{}, held.Refusal()
	case held.State == payment.Waiting:
		return Result{Disposition: Waiting, Known: true}, nil
	case held.Sequence == "":
		result = samePurchase(purchase, held)
	}
	if held.Sequence != "" {
		record, err := s.posted(ctx, held.Sequence)
		if err != nil {
			return Result{}, err
		}
		result.Record = record
		if result.Disposition == AlreadyPosted && record.PostedAt == postedAt {
			result.Disposition = Posted // our own transaction, whose answer was lost
		}
	}
	if j.message.Order == nil && result.Disposition != Conflicting && result.Disposition != LateDuplicate {
		// Whoever took it may have died before taking the reversals that had waited for it.
		result.Further = s.match(ctx, purchase.Key)
	}
	return result, nil
}

// posted reads the record of a sequence that a purchase names.
func (s *Store) posted(ctx context.Context, sequence string) (Record, error) {
	record, found, err := s.Journal(ctx, sequence)
	if err == nil && !found {
		err = fmt.Errorf("sequence %s: %w", sequence, errNotInJournal)
	}
	return record, err
}

// legs reads the legs of posting sequences, all together.
func (s *Store) legs(ctx context.Context, sequences []string) ([]payment.Leg, error) {
	return legsOf(ctx, s.options.Client, s.options.Table, sequences)
}

// errNotInJournal says that a purchase names a sequence that was never posted, or is gone.
var errNotInJournal = errors.New("it is in its purchase and not in the journal")

func legsOf(ctx context.Context, client Getter, table string, sequences []string) ([]payment.Leg, error) {
	var legs []payment.Leg
	for _, id := range sequences {
		record, found, err := getJournal(ctx, client, table, id)
		if err != nil {
			return nil, err
		}
		if !found {
			return nil, fmt.Errorf("sequence %s: %w", id, errNotInJournal)
		}
		legs = append(legs, record.Legs...)
	}
	return legs, nil
}

// Lookup says what is known of a sequence whose legs come again: that it is in the journal, or that its message joined another
// purchase. known is false for one that was never posted.
func (s *Store) Lookup(ctx context.Context, sequence payment.Sequence) (result Result, known bool, err error) {
	record, found, err := s.Journal(ctx, sequence.ID)
	if err != nil {
		return Result{}, false, err
	}
	if found {
		result = Result{Disposition: Decide(record.Sequence, sequence), Record: record}
		if result.Disposition == AlreadyPosted && payment.RankOf(sequence.Basis.MTI) > 0 {
			result.Further = s.match(ctx, sequence.BusinessKey)
		}
		return result, true, nil
	}
	if payment.RankOf(sequence.Basis.MTI) == 0 {
		return Result{}, false, nil
	}
	purchase, _, err := s.purchase(ctx, sequence.BusinessKey)
	if err != nil {
		return Result{}, false, err
	}
	held, known := purchase.Find(sequence.BusinessKey)
	if !known {
		return Result{}, false, nil
	}
	j := joining{message: payment.Presentment(sequence), key: sequence.BusinessKey}
	result, err = s.known(ctx, j, purchase.Purchase, held, "")
	return result, true, err
}

// lostRace reports whether what a transaction was computed on was changed by another one meanwhile: a condition failed.
func lostRace(err error) bool {
	var cancelled *types.TransactionCanceledException
	if !errors.As(err, &cancelled) {
		return false
	}
	for _, reason := range cancelled.CancellationReasons {
		if aws.ToString(reason.Code) == conditionFailed {
			return true
		}
	}
	return false
}
