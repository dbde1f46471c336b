package reconcile

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/payrail/payrail/internal/authorizationitem"
	"github.com/payrail/payrail/internal/bulkread"
	"github.com/payrail/payrail/internal/ingest"
	"github.com/payrail/payrail/internal/ledger"
	"github.com/payrail/payrail/payment"
)

type attributes = map[string]types.AttributeValue

func textValue(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

// AuthorizationsTable is side A in DynamoDB. It is safe for concurrent use.
type AuthorizationsTable struct {
	Reader bulkread.Reader
	Table  string
}

// InBucket reads the index.
func (t AuthorizationsTable) InBucket(ctx context.Context, bucket string, from, to time.Time, visit func(StampedAuthorization) error) error {
	in := ingest.Query(t.Table, bucket, ingest.TimeAttribute, from, to)
	return t.Reader.Query(ctx, in, func(found attributes) error {
		entry := authorizationitem.Item(found)
		values := entry.Attributes()
		a := StampedAuthorization{ID: entry.ID(), Approved: entry.Status() == payment.StatusApproved,
			Reversal: payment.MTIClass(values["mti"].Text) == payment.ClassReversal}
		// What cannot be read here is read from its item. A stamp that somebody else made must not end the run.
		var err error
		if a.At, err = ingest.ParseTime(values[ingest.TimeAttribute].Text); err != nil {
			a.At = from
		}
		if minor, err := strconv.ParseInt(values["billingAmount"].Text, 10, 64); err == nil {
			if billed, err := payment.NewMoney(minor, payment.Currency(values["billingCurrency"].Text)); err == nil {
				a.Billed = billed
			}
		}
		return visit(a)
	})
}

// Segment scans a part of the table.
func (t AuthorizationsTable) Segment(ctx context.Context, segment, segments int, visit func(authorizationitem.Item) error) error {
	in := &dynamodb.ScanInput{TableName: &t.Table, ConsistentRead: aws.Bool(true), Segment: aws.Int32(int32(segment)), TotalSegments: aws.Int32(int32(segments))}
	err := t.Reader.Scan(ctx, in, func(found attributes) error { return visit(found) })
	if err != nil {
		return fmt.Errorf("reading segment %d of %d of the authorizations: %w", segment, segments, err)
	}
	return nil
}

// Get reads items.
func (t AuthorizationsTable) Get(ctx context.Context, ids []string) (map[string]authorizationitem.Item, error) {
	keys := make([]attributes, len(ids))
	for i, id := range ids {
		keys[i] = attributes{authorizationitem.KeyAttribute: textValue(id)}
	}
	items := make(map[string]authorizationitem.Item, len(ids))
	err := t.Reader.Get(ctx, t.Table, keys, func(found attributes) error {
		items[authorizationitem.Item(found).ID()] = found
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading authorizations: %w", err)
	}
	return items, nil
}

// AssemblyTable has the legs that wait. It is safe for concurrent use.
type AssemblyTable struct {
	Reader bulkread.Reader
	Table  string
}

// legAttribute is the prefix of the attributes that hold legs; functions/posting writes them.
const legAttribute = "leg"

// Waiting reads the versions of a sequence.
func (t AssemblyTable) Waiting(ctx context.Context, sequence string) ([]Waiting, error) {
	in := &dynamodb.QueryInput{TableName: &t.Table, ConsistentRead: aws.Bool(true), KeyConditionExpression: aws.String("#sequence = :sequence"),
		ExpressionAttributeNames: map[string]string{"#sequence": "sequence"}, ExpressionAttributeValues: attributes{":sequence": textValue(sequence)}}
	var waiting []Waiting
	err := t.Reader.Query(ctx, in, func(found attributes) error {
		w, err := readWaiting(found)
		waiting = append(waiting, w)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reading the legs of %s that wait: %w", sequence, err)
	}
	return waiting, nil
}

func readWaiting(found attributes) (Waiting, error) {
	values := authorizationitem.Item(found).Attributes()
	w := Waiting{Checksum: values["checksum"].Text}
	var err error
	if w.Of, err = strconv.Atoi(values["of"].Text); err != nil {
		return w, fmt.Errorf("its number of legs: %w", err)
	}
	for name, value := range values {
		number, isLeg := strings.CutPrefix(name, legAttribute)
		if !isLeg || number == "" {
			continue
		}
		var leg payment.Leg
		if err := json.Unmarshal([]byte(value.Text), &leg); err != nil {
			return w, fmt.Errorf("its leg %s: %w", number, err)
		}
		w.Legs = append(w.Legs, leg)
	}
	slices.SortFunc(w.Legs, func(a, b payment.Leg) int { return a.Number - b.Number })
	return w, nil
}

// Purchases locates messages in the ledger's purchases. It is safe for concurrent use.
type Purchases struct{ Ledger *ledger.Reader }

// Locate reads the purchase that a message's business key leads to, or that of a reversal's original.
func (p Purchases) Locate(ctx context.Context, a payment.Authorization) (Location, error) {
	key := a.BusinessKey()
	for _, lead := range []string{key, a.OriginalKey()} {
		if lead == "" {
			continue
		}
		purchase, found, err := p.Ledger.Purchase(ctx, lead)
		if err != nil {
			return Location{}, err
		}
		message, known := purchase.Find(key)
		if !found || !known {
			continue
		}
		at := Location{Sequence: message.Sequence, All: purchase.Sequences, PurchaseKey: purchase.Key}
		switch {
		case message.State == payment.Waiting:
			at.Waiting = &message
		case message.Sequence == "":
			at.Joined = true
		}
		return at, nil
	}
	return Location{}, nil
}
