package ledger

import (
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
	p.suspense(table, purchase, p.record, nil)
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
		values := map[string]types.AttributeValue{"root": text(purchase.Key), "transmittedAt": text(link.transmittedAt.UTC().Format(time.RFC3339Nano))}
		if link.lifecycle != "" {
			values["lifecycle"] = text(link.lifecycle)
		}
		p.set(table, linkKey(link.hash), link.version, values)
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

// suspense adds a change of the item of what the purchase has in suspense, for each account that the record moves. It is what
// stands there after all of the purchase's postings, so it needs no condition of its own: the purchase's version guards it.
func (p *plan) suspense(table string, purchase payment.Purchase, record Record, posted []payment.Leg) {
	sums := map[position]int64{}
	touched := map[position]bool{}
	var order []position
	for i, leg := range append(append([]payment.Leg{}, posted...), record.Legs...) {
		if leg.Role != payment.RoleSuspense {
			continue
		}
		at := position{leg.Account, leg.Amount.Currency}
		sums[at] += leg.Signed().Minor
		if i >= len(posted) && !touched[at] {
			touched[at] = true
			order = append(order, at)
		}
	}
	for _, at := range order {
		state := SuspenseOpen
		if sums[at] == 0 {
			state = SuspenseCleared
		}
		values := map[string]types.AttributeValue{
			"minor": number(sums[at]), "currency": text(string(at.currency)), "state": text(state), "owner": text(suspenseOwner),
			"lastSequence": text(record.ID), "purchase": text(purchase.Key), "transactionId": text(record.TransactionID), "authorizationId": text(record.AuthorizationID),
		}
		if state == SuspenseOpen {
			values["reason"], values["openedAt"] = text(reasonOr(record.Reason)), text(record.OccurredAt)
		}
		update := &types.Update{TableName: &table, Key: suspenseKey(at.account, purchase.Key).attributes(), UpdateExpression: aws.String("SET #version = :version"),
			ExpressionAttributeNames: map[string]string{"#version": "version"}, ExpressionAttributeValues: map[string]types.AttributeValue{":version": number(int64(len(purchase.Sequences)))}}
		assign(update, values)
		p.keys = append(p.keys, suspenseKey(at.account, purchase.Key))
		p.actions = append(p.actions, types.TransactWriteItem{Update: update})
	}
}

func reasonOr(reason string) string {
	if reason == "" {
		return "UNKNOWN"
	}
	return reason
}

// purchaseToken is the token of a transaction that changes a purchase: the same for the same change at the same time of
// posting.
func purchaseToken(at place, j joining, postedAt string) *string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s|%d|%s|%s|%s", at.purchase.Key, at.purchase.Version, j.message.BusinessKey, j.message.State, postedAt))
	return aws.String(hex.EncodeToString(sum[:])[:tokenCharacters])
}
