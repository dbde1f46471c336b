package repair

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

const (
	// attemptPrefix starts the keys of attempts in dedup's table. Business keys are base32: they have no #.
	attemptPrefix = "REPAIR#"
	// correctionAttribute holds what an attempt corrects.
	correctionAttribute = "correction"
)

// ErrTaken: the same attempt has been begun with another correction.
var ErrTaken = errors.New("this attempt was begun with another correction")

// take takes the plan's attempt for its correction. Of two people who correct a payment at once in different ways one publishes:
// their events would have one id and two contents. The same correction is taken again, which finishes an attempt that was
// interrupted before its event was published. What is taken is forgotten together with the payment.
func (r *Repairer) take(ctx context.Context, plan Plan) error {
	set, err := json.Marshal(plan.Repair.Set) // members in the order of their names
	if err != nil {
		return fmt.Errorf("writing the correction: %w", err)
	}
	correction := &types.AttributeValueMemberS{Value: string(set)}
	_, err = r.Tables.PutItem(ctx, &dynamodb.PutItemInput{
		TableName: &r.DedupTable,
		Item: map[string]types.AttributeValue{
			"businessKey": &types.AttributeValueMemberS{Value: attemptPrefix + plan.EventID}, correctionAttribute: correction, "expiresAt": plan.expiresAt,
		},
		ConditionExpression:                 aws.String("attribute_not_exists(businessKey) OR " + correctionAttribute + " = :correction"),
		ExpressionAttributeValues:           map[string]types.AttributeValue{":correction": correction},
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	var failed *types.ConditionalCheckFailedException
	if errors.As(err, &failed) {
		other, ok := failed.Item[correctionAttribute].(*types.AttributeValueMemberS)
		if !ok {
			return ErrTaken
		}
		return fmt.Errorf("%w: %s", ErrTaken, other.Value)
	}
	if err != nil {
		return fmt.Errorf("taking attempt %d of %s: %w", plan.Repair.Attempt, plan.TransactionID, err)
	}
	return nil
}
