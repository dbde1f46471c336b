package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/payrail/payrail/payment"
)

// assemblyLifetime is how long legs wait for their siblings. A sibling may spend fourteen days in the queue and its
// dead-letter queue together, and as many again once a person has sent it back; a week is for that person.
const assemblyLifetime = 35 * 24 * time.Hour

// legAttribute is the prefix of the attributes that hold legs: leg01, leg02, …
const legAttribute = "leg"

// updater models the DynamoDB client. It is safe for concurrent use.
type updater interface {
	UpdateItem(context.Context, *dynamodb.UpdateItemInput, ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error)
}

// assemblyTable keeps legs that wait for their siblings: an item for each sequence and checksum, so that legs of two
// versions are never mixed. It is safe for concurrent use.
//
// An item may stay incomplete for good: a leg that the bus delivered twice, whose sequence was posted from another batch.
// It has no effect and expires. An incomplete item is therefore no proof that a payment is stuck: whoever reports one has to
// look first whether the journal has its sequence.
type assemblyTable struct {
	client updater
	table  string
	now    func() time.Time
}

// Add keeps legs of a sequence and returns all that are known of it, these included. One update does both, so that of
// several that add at the same time at least one sees the sequence complete. A leg that is already there stays as it is.
func (a *assemblyTable) Add(ctx context.Context, sequence payment.Sequence, legs []payment.Leg) ([]payment.Leg, error) {
	update := newUpdate()
	update.setOnce("of", &types.AttributeValueMemberN{Value: strconv.Itoa(sequence.Of)})
	update.setOnce("transactionId", text(sequence.TransactionID))
	update.setOnce("authorizationId", text(sequence.AuthorizationID))
	update.setOnce("occurredAt", text(sequence.OccurredAt))
	for _, leg := range legs {
		content, err := json.Marshal(leg)
		if err != nil {
			return nil, &payment.Error{Kind: payment.Invalid, Reason: reasonLeg, Err: fmt.Errorf("encoding leg %d of sequence %s: %w", leg.Number, sequence.ID, err)}
		}
		update.setOnce(fmt.Sprintf("%s%02d", legAttribute, leg.Number), text(string(content)))
	}
	expires := a.now().Add(assemblyLifetime).Unix()
	update.set("expiresAt", &types.AttributeValueMemberN{Value: strconv.FormatInt(expires, 10)})
	out, err := a.client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName:                 &a.table,
		Key:                       map[string]types.AttributeValue{"sequence": text(sequence.ID), "checksum": text(sequence.Checksum)},
		UpdateExpression:          update.expression(),
		ExpressionAttributeNames:  update.names,
		ExpressionAttributeValues: update.values,
		ReturnValues:              types.ReturnValueAllNew,
	})
	if err != nil {
		return nil, fmt.Errorf("keeping legs of sequence %s: %w", sequence.ID, err)
	}
	return decodeLegs(out.Attributes)
}

// decodeLegs reads the legs in an assembly item.
func decodeLegs(attributes map[string]types.AttributeValue) ([]payment.Leg, error) {
	var legs []payment.Leg
	for name, attribute := range attributes {
		number, isLeg := strings.CutPrefix(name, legAttribute)
		if !isLeg {
			continue
		}
		content, ok := attribute.(*types.AttributeValueMemberS)
		var leg payment.Leg
		if !ok || json.Unmarshal([]byte(content.Value), &leg) != nil || fmt.Sprintf("%02d", leg.Number) != number {
			return nil, &payment.Error{Kind: payment.Invalid, Reason: reasonLeg, Err: fmt.Errorf("attribute %s of an assembly item is not that leg", name)}
		}
		legs = append(legs, leg)
	}
	return legs, nil
}

func text(s string) *types.AttributeValueMemberS { return &types.AttributeValueMemberS{Value: s} }

// update builds a SET expression. Every name and value is a placeholder: "of" is a reserved word.
type update struct {
	clauses []string
	names   map[string]string
	values  map[string]types.AttributeValue
}

func newUpdate() *update {
	return &update{names: map[string]string{}, values: map[string]types.AttributeValue{}}
}

func (u *update) add(form, name string, value types.AttributeValue) {
	if _, twice := u.names["#"+name]; twice {
		return // the same leg twice in one batch: the first one counts, as it does in the table
	}
	u.names["#"+name], u.values[":"+name] = name, value
	u.clauses = append(u.clauses, strings.ReplaceAll(form, "?", name))
}

func (u *update) set(name string, value types.AttributeValue) { u.add("#? = :?", name, value) }

func (u *update) setOnce(name string, value types.AttributeValue) {
	u.add("#? = if_not_exists(#?, :?)", name, value)
}

func (u *update) expression() *string {
	s := "SET " + strings.Join(u.clauses, ", ")
	return &s
}
