package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/payrail/payrail/events"
)

// claimRetention is how long a business key is remembered. An authorizations table that is restored from its backups, which
// reach back 35 days, delivers old authorizations again: their keys must still be known, with some days to notice.
const claimRetention = 40 * 24 * time.Hour

// Claims is the memory of business keys. It is safe for concurrent use.
type Claims struct {
	Table ClaimsTable
	Name  string
}

// ClaimsTable models the DynamoDB client.
type ClaimsTable interface {
	PutItem(context.Context, *dynamodb.PutItemInput, ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error)
}

// claim says which authorization took a business key, with which content, and when.
type claim struct {
	key, authorizationID, hash string
	ingestedAt                 time.Time
}

// take claims the key, or returns the claim that holds it. A claim that has expired and is not deleted yet still holds:
// DynamoDB deletes days late, and a duplicate is a duplicate on any of them.
func (c Claims) take(ctx context.Context, wanted claim) (held claim, err error) {
	_, err = c.Table.PutItem(ctx, &dynamodb.PutItemInput{
		TableName: &c.Name,
		Item: map[string]types.AttributeValue{
			"businessKey":     &types.AttributeValueMemberS{Value: wanted.key},
			"authorizationId": &types.AttributeValueMemberS{Value: wanted.authorizationID},
			"payloadHash":     &types.AttributeValueMemberS{Value: wanted.hash},
			"ingestedAt":      &types.AttributeValueMemberS{Value: events.FormatTime(wanted.ingestedAt)},
			"expiresAt":       &types.AttributeValueMemberN{Value: strconv.FormatInt(wanted.ingestedAt.Add(claimRetention).Unix(), 10)},
		},
		ConditionExpression:                 aws.String("attribute_not_exists(businessKey)"),
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	if err == nil {
		return wanted, nil
	}
	// Only this error means that the key is known. Throttling, conflicts and everything else say nothing about it.
	var known *types.ConditionalCheckFailedException
	if !errors.As(err, &known) {
		return claim{}, fmt.Errorf("claiming business key %s: %w", wanted.key, err)
	}
	if held, err = readClaim(known.Item); err != nil {
		return claim{}, fmt.Errorf("reading the claim of business key %s: %w", wanted.key, err)
	}
	return held, nil
}

func readClaim(item map[string]types.AttributeValue) (claim, error) {
	texts := map[string]string{}
	for _, name := range []string{"businessKey", "authorizationId", "payloadHash", "ingestedAt"} {
		value, ok := item[name].(*types.AttributeValueMemberS)
		if !ok || value.Value == "" {
			return claim{}, fmt.Errorf("it has no %s", name)
		}
		texts[name] = value.Value
	}
	ingestedAt, err := time.Parse(time.RFC3339, texts["ingestedAt"])
	if err != nil {
		return claim{}, fmt.Errorf("its ingestedAt: %w", err)
	}
	return claim{key: texts["businessKey"], authorizationID: texts["authorizationId"], hash: texts["payloadHash"], ingestedAt: ingestedAt}, nil
}
