package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/payrail/payrail/internal/authorizationitem"
	"github.com/payrail/payrail/internal/parked"
	"github.com/payrail/payrail/payment"
)

// statusQuarantined is the status of an item from which card data was removed.
const statusQuarantined = "QUARANTINED"

// Quarantine keeps the original of an item with a card number and takes the number out of the authorizations table. Sensitive
// authentication data it takes out and keeps nowhere. It is safe for concurrent use.
type Quarantine struct {
	Objects parked.ObjectPutter
	Bucket  string
	Items   AuthorizationsTable
	Table   string
}

// AuthorizationsTable models the DynamoDB client.
type AuthorizationsTable interface {
	UpdateItem(context.Context, *dynamodb.UpdateItemInput, ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error)
	DeleteItem(context.Context, *dynamodb.DeleteItemInput, ...func(*dynamodb.Options)) (*dynamodb.DeleteItemOutput, error)
}

// quarantined is the object in the quarantine bucket: the only place where the card number is kept.
type quarantined struct {
	TransactionID string   `json:"transactionId"`
	RecordID      string   `json:"recordId"`
	Fields        []string `json:"fields"`
	// NotKept names the attributes left out of Item because they hold sensitive authentication data.
	NotKept []string        `json:"notKept,omitempty"`
	Item    json.RawMessage `json:"item"`
}

// keep puts the original into the bucket. The object's key follows from the record, so that a retry overwrites it.
func (q Quarantine) keep(ctx context.Context, v verdict) (object string, err error) {
	object = fmt.Sprintf("%s/%s/%s.json", v.record.createdAt.Format("2006/01/02"), v.transactionID, url.PathEscape(v.record.id))
	item, notKept, err := v.keepable()
	if err != nil {
		return "", fmt.Errorf("encoding quarantine object %s: %w", object, err)
	}
	body, err := json.Marshal(quarantined{TransactionID: v.transactionID, RecordID: v.record.id, Fields: v.fields(), NotKept: notKept, Item: item})
	if err != nil {
		return "", fmt.Errorf("encoding quarantine object %s: %w", object, err)
	}
	_, err = q.Objects.PutObject(ctx, &s3.PutObjectInput{Bucket: &q.Bucket, Key: &object, Body: bytes.NewReader(body), ContentType: aws.String("application/json")})
	if err != nil {
		return "", fmt.Errorf("keeping quarantine object %s: %w", object, err)
	}
	return object, nil
}

// keepable is the item as it may be kept, and the names of what may not: PCI DSS 3.3.1 forbids to keep sensitive authentication data
// after authorization even where it is encrypted. Such an attribute goes as a whole, whatever else is in it.
func (v verdict) keepable() (item json.RawMessage, notKept []string, err error) {
	kept := maps.Clone(v.record.image)
	for _, o := range v.offences {
		if o.sensitive {
			notKept = append(notKept, shownName(o.attribute))
			delete(kept, o.attribute)
		}
	}
	if len(notKept) == 0 {
		return v.record.text, nil, nil
	}
	item, err = json.Marshal(kept)
	return item, notKept, err
}

// scrub removes what offends from the upstream item and takes it out of posting, one attribute at a time: an attribute that
// has been changed or removed since is left alone (the change has a stream record of its own, with its own scan), and the
// others are removed all the same, whatever the item's status is by now. Doing it again does nothing.
//
// A key cannot be changed. An item whose key holds a card number is deleted; the quarantined object has all of it.
func (q Quarantine) scrub(ctx context.Context, v verdict) error {
	key := map[string]types.AttributeValue{authorizationitem.KeyAttribute: v.record.image[authorizationitem.KeyAttribute]}
	if v.idWithheld() {
		// Only as it was seen, approved: a later version that is approved is quarantined by its own record.
		_, err := q.Items.DeleteItem(ctx, &dynamodb.DeleteItemInput{
			TableName: &q.Table, Key: key,
			ConditionExpression:       aws.String("#status = :approved"),
			ExpressionAttributeNames:  map[string]string{"#status": "status"},
			ExpressionAttributeValues: map[string]types.AttributeValue{":approved": text(payment.StatusApproved)},
		})
		return scrubbed(v, err)
	}
	for _, o := range v.offences {
		_, err := q.Items.UpdateItem(ctx, &dynamodb.UpdateItemInput{
			TableName: &q.Table, Key: key,
			UpdateExpression:         aws.String("SET #status = :quarantined REMOVE #field"),
			ConditionExpression:      aws.String("#field = :seen"),
			ExpressionAttributeNames: map[string]string{"#status": "status", "#field": o.attribute},
			ExpressionAttributeValues: map[string]types.AttributeValue{
				":quarantined": text(statusQuarantined), ":seen": v.record.image[o.attribute],
			},
		})
		if err := scrubbed(v, err); err != nil {
			return err
		}
	}
	return nil
}

// scrubbed takes a failed condition as done: what was seen is no longer there.
func scrubbed(v verdict, err error) error {
	var gone *types.ConditionalCheckFailedException
	if err == nil || errors.As(err, &gone) {
		return nil
	}
	return fmt.Errorf("scrubbing authorization %s: %w", v.shownID(), err)
}

func text(value string) types.AttributeValue { return &types.AttributeValueMemberS{Value: value} }

// fields names where card data was found.
func (v verdict) fields() []string {
	paths := make([]string, len(v.offences))
	for i, o := range v.offences {
		paths[i] = o.path
	}
	return paths
}
