package ledger

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/payrail/payrail/payment"
)

const (
	// maxActions is DynamoDB's limit of actions in one transaction.
	maxActions = 100
	// tokenCharacters is DynamoDB's limit of a client request token.
	tokenCharacters = 36
)

// plan is the transaction of one journal entry. The journal item is always its first action.
type plan struct {
	// index is the entry's place in the call to Commit.
	index   int
	record  Record
	actions []types.TransactWriteItem
	keys    []itemKey
}

// newPlan makes the actions that post a record: the journal item, an entry item for each customer leg, and one change of the
// balance of each customer account, by the sum of its legs.
func newPlan(table string, index int, record Record) (plan, error) {
	p := plan{index: index, record: record}
	p.put(table, journalKey(record.ID), journalItem(record), types.ReturnValuesOnConditionCheckFailureAllOld)
	type account struct {
		id       string
		currency payment.Currency
	}
	deltas := map[account]payment.Money{}
	var order []account
	for _, leg := range record.CustomerLegs() {
		p.put(table, entryKey(record.Sequence, leg), entryItem(record, leg), types.ReturnValuesOnConditionCheckFailureNone)
		a := account{leg.Account, leg.Amount.Currency}
		delta, ok := deltas[a]
		if !ok {
			delta.Currency = a.currency
			order = append(order, a)
		}
		delta, err := delta.Add(leg.Signed())
		if err != nil {
			return plan{}, &payment.Error{Kind: payment.Invalid, Reason: "AMOUNT_INVALID", Err: fmt.Errorf("sequence %s: %w", record.ID, err)}
		}
		deltas[a] = delta
	}
	for _, a := range order {
		p.add(table, balanceKey(a.id, a.currency), deltas[a])
	}
	return p, nil
}

// put adds an action that writes an item which must not exist.
func (p *plan) put(table string, key itemKey, item map[string]types.AttributeValue, returns types.ReturnValuesOnConditionCheckFailure) {
	p.keys = append(p.keys, key)
	p.actions = append(p.actions, types.TransactWriteItem{Put: &types.Put{
		TableName: &table, Item: item, ConditionExpression: aws.String("attribute_not_exists(pk)"), ReturnValuesOnConditionCheckFailure: returns,
	}})
}

// add adds an action that moves a balance. ADD makes the item when it is the first.
func (p *plan) add(table string, key itemKey, delta payment.Money) {
	p.keys = append(p.keys, key)
	p.actions = append(p.actions, types.TransactWriteItem{Update: &types.Update{
		TableName: &table, Key: key.attributes(),
		UpdateExpression:         aws.String("ADD #minor :delta, #version :one, #journalCount :one"),
		ExpressionAttributeNames: map[string]string{"#minor": "minor", "#version": "version", "#journalCount": "journalCount"},
		ExpressionAttributeValues: map[string]types.AttributeValue{
			":delta": number(delta.Minor), ":one": number(1),
		},
	}})
}

// pack groups plans into transactions in which no item appears twice, as DynamoDB demands.
func pack(plans []plan) [][]plan {
	type bin struct {
		keys    map[itemKey]bool
		actions int
	}
	var packs [][]plan
	var bins []bin
	for _, p := range plans {
		fits := func(b bin) bool {
			return b.actions+len(p.actions) <= maxActions && !slices.ContainsFunc(p.keys, func(k itemKey) bool { return b.keys[k] })
		}
		n := slices.IndexFunc(bins, fits)
		if n < 0 {
			n = len(bins)
			bins, packs = append(bins, bin{keys: map[itemKey]bool{}}), append(packs, nil)
		}
		packs[n] = append(packs[n], p)
		bins[n].actions += len(p.actions)
		for _, key := range p.keys {
			bins[n].keys[key] = true
		}
	}
	return packs
}

// requestToken derives the token of a transaction from what it writes. A request that is sent again because its answer was
// lost has the same token, and DynamoDB, for ten minutes, answers it without a second effect. A later attempt has another
// posting time, so another request and another token (the same token with other parameters would be refused): for that one
// the condition of the journal item decides.
func requestToken(plans []plan) *string {
	h := sha256.New()
	for _, p := range plans {
		fmt.Fprintf(h, "%s|%s|%s|%s\n", p.record.ID, p.record.EntryHash, p.record.PostedAt, p.record.BusinessKey)
	}
	return aws.String(hex.EncodeToString(h.Sum(nil))[:tokenCharacters])
}
