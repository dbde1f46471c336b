package ledger

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/payrail/payrail/events"
	"github.com/payrail/payrail/payment"
)

const (
	// twinWindow is how close in time two payments are that look like one made twice.
	twinWindow = 5 * time.Minute
	// refundWindow is how far back a refund's purchase is looked for: merchants take goods back for half a year.
	refundWindow = 180 * 24 * time.Hour
	// twinEntries is how many entries of those minutes are looked at, the latest first. A person's account has a few; one that a
	// machine pays from has thousands, each of which would be read for every payment.
	twinEntries = 25
	// maxPages bounds the look back of an account with very many entries: a megabyte a page, some thousand entries.
	maxPages = 8
)

// Twin is the posting sequence of another payment of the same amount, by the same card to the same merchant, within minutes of
// one that was posted; empty where there is none.
func (s *Store) Twin(ctx context.Context, record Record) (sequence string, err error) {
	err = s.eachAtMerchant(ctx, record, lookAround{before: twinWindow, after: twinWindow, entries: twinEntries}, func(e Entry, own payment.Money) bool {
		if e.Amount == own {
			sequence = e.SequenceID
		}
		return sequence == ""
	})
	return sequence, err
}

// RefundsKnownPurchase reports whether there is a purchase that a refund may give back: the one that it names, else one of at
// least its amount by the same card at the same merchant.
func (s *Store) RefundsKnownPurchase(ctx context.Context, record Record) (bool, error) {
	_, known, err := s.refunded(ctx, record.RefundOf)
	if err != nil || known {
		return known, err
	}
	found := false
	err = s.eachAtMerchant(ctx, record, lookAround{before: refundWindow}, func(e Entry, own payment.Money) bool {
		found = e.Amount.Currency == own.Currency && e.Amount.Minor <= -own.Minor
		return !found
	})
	return found, err
}

// refunded is the purchase that a refund names.
func (s *Store) refunded(ctx context.Context, links payment.Links) (purchase payment.Purchase, known bool, err error) {
	for _, hash := range []string{links.Lifecycle, links.Approval} {
		link, err := s.link(ctx, hash)
		if err != nil {
			return payment.Purchase{}, false, err
		}
		if link.version == 0 || (hash == links.Approval && links.Lifecycle != "" && link.lifecycle != "") {
			continue // another lifecycle under the same approval code
		}
		found, _, err := s.purchase(ctx, link.root)
		return found.Purchase, err == nil, err
	}
	return payment.Purchase{}, false, nil
}

// lookAround is the part of an account that is looked at: how long before and after a payment, and how many entries; 0 is
// as many as maxPages hold.
type lookAround struct {
	before, after time.Duration
	entries       int32
}

// eachAtMerchant calls visit with the principal entries that other payments by the same card to the same merchant made on the
// account of a record, until it returns false. own is what the record itself put there. Nothing is visited for a record without
// a merchant or a customer account.
func (s *Store) eachAtMerchant(ctx context.Context, record Record, around lookAround, visit func(e Entry, own payment.Money) bool) error {
	legs := record.CustomerLegs()
	occurredAt, err := time.Parse(time.RFC3339, record.OccurredAt)
	if len(legs) == 0 || record.MerchantKey == "" {
		return nil
	}
	if err != nil {
		return fmt.Errorf("looking around sequence %s: %w", record.ID, err)
	}
	purchase := record.ID[:strings.LastIndexByte(record.ID, '-')]
	in := &dynamodb.QueryInput{
		TableName: &s.options.Table, ConsistentRead: aws.Bool(true), ScanIndexForward: aws.Bool(false),
		KeyConditionExpression: aws.String("pk = :pk AND sk BETWEEN :from AND :to"), FilterExpression: aws.String("merchantKey = :merchant"),
		ExpressionAttributeValues: map[string]types.AttributeValue{
			":pk": text(entryPrefix + legs[0].Account), ":merchant": text(record.MerchantKey),
			":from": text(events.FormatTime(occurredAt.Add(-around.before))), ":to": text(events.FormatTime(occurredAt.Add(around.after)) + "~"), // "~" sorts behind the sequence that follows a time
		},
	}
	pages := maxPages
	if around.entries > 0 {
		in.Limit, pages = &around.entries, 1
	}
	for range pages {
		out, err := s.options.Client.Query(ctx, in)
		if err != nil {
			return fmt.Errorf("looking around sequence %s: %w", record.ID, err)
		}
		for _, item := range out.Items {
			e, err := decodeEntry(item)
			if err != nil {
				return err
			}
			if !strings.HasPrefix(e.SequenceID, purchase) && !visit(e, legs[0].Signed()) {
				return nil
			}
		}
		if len(out.LastEvaluatedKey) == 0 {
			return nil
		}
		in.ExclusiveStartKey = out.LastEvaluatedKey
	}
	return nil
}
