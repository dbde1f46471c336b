package ledger

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/payrail/payrail/payment"
)

// suspenseOwner is who has to find out where an item in suspense belongs.
const suspenseOwner = "payments-operations"

// States of a suspense item.
const (
	SuspenseOpen    = "OPEN"
	SuspenseCleared = "CLEARED"
)

// open adds what a payment leaves behind that presents a purchase of which nothing is known: the purchase, and its links. If
// one of the items exists, something is known after all.
func (p *plan) open(table string) error {
	e := p.record.JournalEntry
	if payment.RankOf(e.Basis.MTI) == 0 {
		return nil
	}
	if _, err := time.Parse(time.RFC3339, e.Basis.TransmittedAt); err != nil {
		return &payment.Error{Kind: payment.Invalid, Reason: "SEQUENCE_INVALID", Err: fmt.Errorf("sequence %s has no time of transmission", e.ID)}
	}
	purchase := payment.Purchase{Key: e.BusinessKey}.Open(e)
	state, err := json.Marshal(purchase)
	if err != nil {
		return fmt.Errorf("encoding purchase %s: %w", e.BusinessKey, err)
	}
	item := purchaseKey(e.BusinessKey).attributes()
	item["version"], item["state"] = number(1), text(string(state))
	p.put(table, purchaseKey(e.BusinessKey), item, types.ReturnValuesOnConditionCheckFailureNone)
	for _, hash := range []string{e.Links.Lifecycle, e.Links.Approval} {
		if hash == "" {
			continue
		}
		item := linkKey(hash).attributes()
		item["root"], item["transmittedAt"], item["version"] = text(e.BusinessKey), text(e.Basis.TransmittedAt), number(1)
		setText(item, "lifecycle", e.Links.Lifecycle)
		p.put(table, linkKey(hash), item, types.ReturnValuesOnConditionCheckFailureNone)
	}
	p.suspense(table, purchase, payment.Presentment(e.Sequence), nil, nil)
	return nil
}

// place adds the changes of the purchase's own items: the purchase, conditional on the version that the message was taken on;
// the pointer from the message's key; the links that lead there from now on.
func (p *plan) place(table string, at place, purchase payment.Purchase, j joining) error {
	state, err := json.Marshal(purchase)
	if err != nil {
		return fmt.Errorf("encoding purchase %s: %w", purchase.Key, err)
	}
	p.set(table, purchaseKey(purchase.Key), at.purchase.Version, map[string]types.AttributeValue{"state": text(string(state))})
	if at.own != nil {
		p.set(table, purchaseKey(j.message.BusinessKey), at.own.Version, map[string]types.AttributeValue{"root": text(purchase.Key)})
	}
	for _, link := range at.claims {
		p.set(table, linkKey(link.hash), link.version, map[string]types.AttributeValue{
			"root": text(purchase.Key), "transmittedAt": text(link.transmittedAt.UTC().Format(time.RFC3339Nano)),
			"lifecycle": text(link.lifecycle), // set though it be empty: that of another purchase may stand there
		})
	}
	return nil
}

// set adds an action that changes attributes of an item with a version, conditional on it.
func (p *plan) set(table string, key itemKey, before int64, values map[string]types.AttributeValue) {
	update := &types.Update{
		TableName: &table, Key: key.attributes(), UpdateExpression: aws.String("SET #version = :version"),
		ExpressionAttributeNames:  map[string]string{"#version": "version"},
		ExpressionAttributeValues: map[string]types.AttributeValue{":version": number(before + 1)},
		ConditionExpression:       aws.String("attribute_not_exists(pk)"),
	}
	assign(update, values)
	if before > 0 {
		update.ConditionExpression = aws.String("#version = :before")
		update.ExpressionAttributeValues[":before"] = number(before)
	}
	p.keys = append(p.keys, key)
	p.actions = append(p.actions, types.TransactWriteItem{Update: update})
}

func assign(update *types.Update, values map[string]types.AttributeValue) {
	for _, name := range slices.Sorted(maps.Keys(values)) {
		*update.UpdateExpression += fmt.Sprintf(", #%s = :%s", name, name)
		update.ExpressionAttributeNames["#"+name], update.ExpressionAttributeValues[":"+name] = name, values[name]
	}
}

// suspense adds the changes of the items of what the purchase has in suspense, for each account that the plan's record moves. They
// say what stands there after all of the purchase's postings, so they need no condition of their own: the purchase's version
// guards them. moved are the legs that came with the message from the purchase under its own key: what stands in suspense of
// those is from now on this purchase's.
func (p *plan) suspense(table string, purchase payment.Purchase, m payment.PurchaseMessage, posted, moved []payment.Leg) {
	came, places := inSuspense(moved)
	places = slices.DeleteFunc(places, func(at position) bool { return came[at] == 0 })
	before, _ := inSuspense(posted)
	change, touched := inSuspense(p.record.Legs)
	for _, at := range touched {
		if !slices.Contains(places, at) {
			places = append(places, at)
		}
	}
	for _, at := range places {
		now := before[at] + change[at]
		values := map[string]types.AttributeValue{
			"minor": number(now), "currency": text(string(at.currency)), "state": text(suspenseState(now)), "owner": text(suspenseOwner), "purchase": text(purchase.Key),
		}
		if p.record.ID != "" {
			values["lastSequence"] = text(p.record.ID)
		}
		// Its age, and what it is about, are those of the posting that opened it.
		if before[at]-came[at] == 0 && now != 0 {
			values["openedAt"], values["reason"] = text(m.OccurredAt), text(cmp.Or(p.record.Reason, m.Reason, "UNKNOWN"))
			values["transactionId"], values["authorizationId"] = text(m.TransactionID), text(m.AuthorizationID)
			if since, ok := suspendedSince(purchase); ok && came[at] != 0 {
				values["openedAt"], values["reason"] = text(since), text(payment.ReasonOriginalNotFound)
			}
		}
		p.setSuspense(table, suspenseKey(at.account, purchase.Key), purchase, values)
		if came[at] != 0 {
			p.setSuspense(table, suspenseKey(at.account, m.BusinessKey), purchase, map[string]types.AttributeValue{"minor": number(0), "state": text(SuspenseCleared)})
		}
	}
}

// setSuspense adds a change of a suspense item. Its version is the number of the purchase's sequences.
func (p *plan) setSuspense(table string, key itemKey, purchase payment.Purchase, values map[string]types.AttributeValue) {
	update := &types.Update{TableName: &table, Key: key.attributes(), UpdateExpression: aws.String("SET #version = :version"),
		ExpressionAttributeNames: map[string]string{"#version": "version"}, ExpressionAttributeValues: map[string]types.AttributeValue{":version": number(int64(len(purchase.Sequences)))}}
	assign(update, values)
	p.keys = append(p.keys, key)
	p.actions = append(p.actions, types.TransactWriteItem{Update: update})
}

// inSuspense is what legs put into each suspense account, and these accounts in the order in which they came.
func inSuspense(legs []payment.Leg) (sums map[position]int64, order []position) {
	sums = map[position]int64{}
	for _, leg := range legs {
		if leg.Role != payment.RoleSuspense {
			continue
		}
		at := position{leg.Account, leg.Amount.Currency}
		if _, known := sums[at]; !known {
			order = append(order, at)
		}
		sums[at] += leg.Signed().Minor
	}
	return sums, order
}

func suspenseState(minor int64) string {
	if minor == 0 {
		return SuspenseCleared
	}
	return SuspenseOpen
}

// suspendedSince is when the first of a purchase's reversals came in that stand in suspense without their original.
func suspendedSince(purchase payment.Purchase) (occurredAt string, ok bool) {
	for _, m := range purchase.Messages {
		if m.State == payment.Suspended && (!ok || m.OccurredAt < occurredAt) {
			occurredAt, ok = m.OccurredAt, true
		}
	}
	return occurredAt, ok
}

// purchaseToken is the token of a transaction that changes a purchase: the same for the same change at the same time of
// posting. Everything that the transaction was computed from is part of it, because the same token with other parameters would be
// refused.
func purchaseToken(at place, j joining, keys []itemKey, postedAt string) *string {
	h := sha256.New()
	fmt.Fprintf(h, "%s|%d|%s|%s|%s|%q", at.purchase.Key, at.purchase.Version, j.message.BusinessKey, j.message.State, postedAt, keys)
	if at.own != nil {
		fmt.Fprintf(h, "|own %d", at.own.Version)
	}
	for _, link := range at.claims {
		fmt.Fprintf(h, "|link %s %d", link.hash, link.version)
	}
	return aws.String(hex.EncodeToString(h.Sum(nil))[:tokenCharacters])
}
