package ledger

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/payrail/payrail/payment"
)

// Record is a journal item: an entry with its content hash and the time it was posted.
type Record struct {
	payment.JournalEntry
	// EntryHash is JournalEntry.Hash at the time of posting.
	EntryHash string `json:"entryHash"`
	// PostedAt is RFC 3339 with milliseconds. It is no part of any hash.
	PostedAt string `json:"postedAt"`
}

// Entry is one line of a customer account: a customer leg of a journal entry.
type Entry struct {
	AccountID  string `json:"accountId"`
	SequenceID string `json:"sequence"`
	// TransactionID is whose posting the sequence is: that of a correction is named after what it corrects. Entries of the first
	// version do not say it.
	TransactionID string `json:"transactionId,omitempty"`
	Leg           int    `json:"leg"`
	// Amount is signed: credits add to the balance, debits subtract.
	Amount              payment.Money `json:"amount"`
	Description         string        `json:"description,omitempty"`
	ValueDate           string        `json:"valueDate,omitempty"`
	RuleID              string        `json:"ruleId"`
	BankTransactionCode string        `json:"bankTransactionCode"`
	OccurredAt          string        `json:"occurredAt"`
	PostedAt            string        `json:"postedAt"`
}

// Balance is the running balance of a customer account in one currency.
type Balance struct {
	AccountID string        `json:"accountId"`
	Amount    payment.Money `json:"amount"`
	// Version counts the changes of the balance item.
	Version int64 `json:"version"`
	// JournalCount counts the journal entries in the balance.
	JournalCount int64 `json:"journalCount"`
}

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }
func number(n int64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)}
}

// setText leaves out what is empty: an item then says what is known, and no reader confuses blank with absent.
func setText(item map[string]types.AttributeValue, name, value string) {
	if value != "" {
		item[name] = text(value)
	}
}

func journalItem(r Record) map[string]types.AttributeValue {
	legs := make([]types.AttributeValue, len(r.Legs))
	for i, leg := range r.Legs {
		m := map[string]types.AttributeValue{
			"leg": number(int64(leg.Number)), "side": text(string(leg.Side)), "role": text(string(leg.Role)), "account": text(leg.Account),
			"minor": number(leg.Amount.Minor), "currency": text(string(leg.Amount.Currency)),
		}
		setText(m, "component", string(leg.Component))
		setText(m, "ruleId", leg.RuleID)
		setText(m, "ruleVersion", leg.RuleVersion)
		setText(m, "bankTransactionCode", leg.BankTransactionCode)
		setText(m, "valueDate", leg.ValueDate)
		setText(m, "description", leg.Description)
		legs[i] = &types.AttributeValueMemberM{Value: m}
	}
	item := journalKey(r.ID).attributes()
	item["sequence"], item["of"], item["checksum"] = text(r.ID), number(int64(r.Of)), text(r.Checksum)
	item["entryHash"], item["postedAt"] = text(r.EntryHash), text(r.PostedAt)
	if hour, err := postedHour(r); err == nil { // An index of what the item says: verification reports an item without it.
		item[PostedBucketAttribute] = text(postedBucket(hour, r.ID))
	}
	item["legs"] = &types.AttributeValueMemberL{Value: legs}
	setText(item, "transactionId", r.TransactionID)
	setText(item, "authorizationId", r.AuthorizationID)
	setText(item, "businessKey", r.BusinessKey)
	setText(item, "payloadHash", r.PayloadHash)
	setText(item, "outcome", string(r.Outcome))
	setText(item, "reason", r.Reason)
	setText(item, "occurredAt", r.OccurredAt)
	stamp(item, r)
	if r.Basis != (payment.Decided{}) {
		item["basis"] = text(r.Basis.Text())
	}
	setText(item, "root", r.Root)
	setText(item, "merchantKey", r.MerchantKey)
	setText(item, "refundOfLifecycle", r.RefundOf.Lifecycle)
	setText(item, "refundOfApproval", r.RefundOf.Approval)
	setText(item, "reversalOf", r.ReversalOf)
	return item
}

func entryItem(r Record, leg payment.Leg) map[string]types.AttributeValue {
	signed := leg.Signed()
	item := entryKey(r.Sequence, leg).attributes()
	item["sequence"], item["leg"] = text(r.ID), number(int64(leg.Number))
	item["minor"], item["currency"] = number(signed.Minor), text(string(signed.Currency))
	setText(item, "transactionId", r.TransactionID)
	setText(item, "occurredAt", r.OccurredAt)
	setText(item, "postedAt", r.PostedAt)
	setText(item, "description", leg.Description)
	setText(item, "valueDate", leg.ValueDate)
	setText(item, "ruleId", leg.RuleID)
	setText(item, "bankTransactionCode", leg.BankTransactionCode)
	if leg.Component == payment.Principal {
		setText(item, "merchantKey", r.MerchantKey)
	}
	return item
}

// decoder reads the attributes of one item and keeps the first problem.
type decoder struct {
	item map[string]types.AttributeValue
	err  error
}

func (d *decoder) fail(name, problem string) {
	if d.err == nil {
		d.err = fmt.Errorf("attribute %s %s", name, problem)
	}
}

func (d *decoder) text(name string) string {
	value, ok := d.item[name]
	if !ok {
		return ""
	}
	s, ok := value.(*types.AttributeValueMemberS)
	if !ok {
		d.fail(name, "is not a string")
		return ""
	}
	return s.Value
}

func (d *decoder) required(name string) string {
	value := d.text(name)
	if value == "" {
		d.fail(name, "is missing")
	}
	return value
}

func (d *decoder) number(name string) int64 {
	value, ok := d.item[name].(*types.AttributeValueMemberN)
	if !ok {
		d.fail(name, "is not a number")
		return 0
	}
	n, err := strconv.ParseInt(value.Value, 10, 64)
	if err != nil {
		d.fail(name, "is not a whole number of 64 bits")
	}
	return n
}

func (d *decoder) money() payment.Money {
	money, err := payment.NewMoney(d.number("minor"), payment.Currency(d.required("currency")))
	if err != nil {
		d.fail("currency", "is not in ISO 4217")
	}
	return money
}

// moneyIn reads an amount whose attributes have a prefix to their names, zero where there is none.
func (d *decoder) moneyIn(prefix string) payment.Money {
	if _, ok := d.item[prefix+"Minor"]; !ok {
		return payment.Money{}
	}
	money, err := payment.NewMoney(d.number(prefix+"Minor"), payment.Currency(d.required(prefix+"Currency")))
	if err != nil {
		d.fail(prefix+"Currency", "is not in ISO 4217")
	}
	return money
}

func (d *decoder) basis() payment.Decided {
	var b payment.Decided
	if form := d.text("basis"); form != "" {
		if err := json.Unmarshal([]byte(form), &b); err != nil {
			d.fail("basis", err.Error())
		}
	}
	return b
}

func (d *decoder) legs() []payment.Leg {
	list, ok := d.item["legs"].(*types.AttributeValueMemberL)
	if !ok {
		d.fail("legs", "is not a list")
		return nil
	}
	legs := make([]payment.Leg, len(list.Value))
	for i, value := range list.Value {
		m, ok := value.(*types.AttributeValueMemberM)
		if !ok {
			d.fail("legs", "holds something else than maps")
			return nil
		}
		leg := decoder{item: m.Value}
		legs[i] = payment.Leg{
			Number: int(leg.number("leg")), Side: payment.Side(leg.required("side")), Role: payment.Role(leg.required("role")),
			Account: leg.required("account"), Component: payment.Component(leg.text("component")), Amount: leg.money(), RuleID: leg.text("ruleId"), RuleVersion: leg.text("ruleVersion"),
			BankTransactionCode: leg.text("bankTransactionCode"), ValueDate: leg.text("valueDate"), Description: leg.text("description"),
		}
		if leg.err != nil {
			d.fail("legs", fmt.Sprintf("[%d]: %v", i, leg.err))
		}
	}
	return legs
}

func decodeRecord(item map[string]types.AttributeValue) (Record, error) {
	d := &decoder{item: item}
	r := Record{
		JournalEntry: payment.JournalEntry{
			Sequence: payment.Sequence{
				ID: d.required("sequence"), Of: int(d.number("of")), Checksum: d.required("checksum"),
				TransactionID: d.text("transactionId"), AuthorizationID: d.text("authorizationId"), BusinessKey: d.text("businessKey"),
				PayloadHash: d.text("payloadHash"), Outcome: payment.Outcome(d.text("outcome")), Reason: d.text("reason"),
				OccurredAt: d.text("occurredAt"), Basis: d.basis(), Root: d.text("root"), MerchantKey: d.text("merchantKey"),
				RefundOf: payment.Links{Lifecycle: d.text("refundOfLifecycle"), Approval: d.text("refundOfApproval")}, ReversalOf: d.text("reversalOf"),
			},
			Legs: d.legs(),
		},
		EntryHash: d.required("entryHash"), PostedAt: d.required("postedAt"),
	}
	if d.err != nil {
		return Record{}, fmt.Errorf("decoding journal item %q: %w", d.text("pk"), d.err)
	}
	return r, nil
}

func decodeEntry(item map[string]types.AttributeValue) (Entry, error) {
	d := &decoder{item: item}
	e := Entry{
		AccountID: strings.TrimPrefix(d.required("pk"), entryPrefix), SequenceID: d.required("sequence"), Leg: int(d.number("leg")),
		TransactionID: d.text("transactionId"), Amount: d.money(), Description: d.text("description"), ValueDate: d.text("valueDate"), RuleID: d.text("ruleId"),
		BankTransactionCode: d.text("bankTransactionCode"), OccurredAt: d.text("occurredAt"), PostedAt: d.text("postedAt"),
	}
	if d.err != nil {
		return Entry{}, fmt.Errorf("decoding entry item %q %q: %w", d.text("pk"), d.text("sk"), d.err)
	}
	return e, nil
}

func decodeBalance(item map[string]types.AttributeValue) (Balance, error) {
	d := &decoder{item: item}
	b := Balance{AccountID: strings.TrimPrefix(d.required("pk"), balancePrefix), Version: d.number("version"), JournalCount: d.number("journalCount")}
	money, err := payment.NewMoney(d.number("minor"), payment.Currency(d.required("sk")))
	if err != nil {
		d.fail("sk", "is not a currency in ISO 4217")
	}
	b.Amount = money
	if d.err != nil {
		return Balance{}, fmt.Errorf("decoding balance item %q %q: %w", d.text("pk"), d.text("sk"), d.err)
	}
	return b, nil
}
