package redrive

import (
	"context"
	"encoding/json"

	"github.com/payrail/payrail/internal/authorizationitem"
	"github.com/payrail/payrail/internal/parked"
	"github.com/payrail/payrail/payment"
)

// instead says, by the reason of parking, why an item is not put back and what to do instead. What is not here was rejected for
// what it was, and is judged anew: the authorizer may have corrected it, or this version may take what an older one did not.
var instead = map[string]string{
	"DUPLICATE":                 "another authorization posted the same payment: nothing is to be done",
	"SAME_PURCHASE":             "another message posted the same purchase: nothing is to be done",
	"LATE_DUPLICATE":            "the payment is posted: nothing is to be done",
	"SUPERSEDED":                "the payment is posted with other legs: compare them if charges changed",
	"CONFLICT":                  "two authorizations with one key differ: a person compares them, and the first one stays posted",
	"CHANGED_AFTER_APPROVAL":    "the authorization was rewritten after its approval: a person compares it with what was posted",
	"POSTING_CONFLICT":          "the sequence is posted with other content: a person compares them",
	"NOT_APPROVED":              "nothing is owed: ask the authorizer why it wrote the item as approved",
	"NON_FINANCIAL":             "an inquiry moves no money: nothing is to be done",
	"ALREADY_REVERSED":          "nothing remains to be reversed: ask the network if it sent two",
	"REVERSAL_EXCEEDS_ORIGINAL": "the reversal takes back more than remains: compare it with the purchase's other reversals",
	"ORIGINAL_MISMATCH":         "the reversal is in another currency than its original: ask the network",
}

// judgedAnew are the reasons of what was rejected as a message.
var judgedAnew = map[string]bool{
	"MALFORMED": true, "BAD_AMOUNT": true, "MESSAGE_TYPE_NOT_SUPPORTED": true, "ORIGINAL_NOT_SUPPORTED": true, "TRANSACTION_TYPE_NOT_SUPPORTED": true,
}

// toDedup has dedup judge a rejected authorization anew, as it stands in its table now. Nothing else that is parked is put back: a
// duplicate is posted already, and a conflict is a person's to decide.
func (r *Redriver) toDedup(ctx context.Context, h held) (delivery, error) {
	record := h.parked
	if why := instead[record.Reason]; why != "" {
		return delivery{}, refusal{why}
	}
	if !judgedAnew[record.Reason] || record.Stage != "dedup" {
		return delivery{}, refuse("this version of payrail does not know what to do with the reason %s", record.Reason)
	}
	var content authorizationitem.Item
	if err := json.Unmarshal(record.Content, &content); err != nil {
		return delivery{}, refuse("its content is no authorization")
	}
	id := content.ID()
	items, err := r.Authorizations.Get(ctx, []string{id})
	if err != nil {
		return delivery{}, err
	}
	item, ok := items[id]
	switch {
	case !ok:
		return delivery{}, refuse("its authorization does not exist any more")
	case item.Status() != payment.StatusApproved:
		return delivery{}, refuse("its authorization is not %s any more: nothing is owed", payment.StatusApproved)
	}
	return delivery{"dedup and the bus", func(ctx context.Context) (string, error) { return "", r.judgeAnew(ctx, item, *record) }}, nil
}

func (r *Redriver) judgeAnew(ctx context.Context, item authorizationitem.Item, record parked.Record) error {
	again, err := recordOf(item, record.OccurredAt)
	if err != nil {
		return err
	}
	forwarded, err := r.forward(ctx, []streamRecord{again})
	if err == nil && forwarded == 0 {
		return refuse("dedup rejects it still: have the authorizer correct the item, which is then taken by itself")
	}
	return err
}
