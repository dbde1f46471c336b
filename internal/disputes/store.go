package disputes

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/payrail/payrail/events"
	"github.com/payrail/payrail/payment"
)

// Client models the DynamoDB client. It is safe for concurrent use.
type Client interface {
	GetItem(context.Context, *dynamodb.GetItemInput, ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error)
	Query(context.Context, *dynamodb.QueryInput, ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error)
	TransactWriteItems(context.Context, *dynamodb.TransactWriteItemsInput, ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error)
}

// Store keeps cases in the ledger table. Its reads are strongly consistent. It is safe for concurrent use.
type Store struct {
	client Client
	table  string
	ledger Ledger
}

// NewStore makes a Store on the ledger table; the ledger tells what was posted.
func NewStore(client Client, table string, ledger Ledger) *Store {
	return &Store{client: client, table: table, ledger: ledger}
}

// errChanged says that an item is not any more what it was when it was read: read again and decide again.
var errChanged = errors.New("the case or its purchase has changed meanwhile")

// remembered is what an idempotency key was used for.
type remembered struct {
	// CaseID is the case that the request opened, RequestHash what it asked for.
	CaseID, RequestHash string
}

// Case reads a case.
func (s *Store) Case(ctx context.Context, id string) (c Case, found bool, err error) {
	i, err := s.get(ctx, caseKey(id))
	if err != nil || i == nil {
		return Case{}, false, err
	}
	c, err = decodeCase(i)
	return c, err == nil, err
}

func (s *Store) get(ctx context.Context, key itemKey) (item, error) {
	out, err := s.client.GetItem(ctx, &dynamodb.GetItemInput{TableName: &s.table, Key: key.attributes(), ConsistentRead: aws.Bool(true)})
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", key.partition, err)
	}
	if len(out.Item) == 0 {
		return nil, nil
	}
	return out.Item, nil
}

// request reads what an idempotency key was used for.
func (s *Store) request(ctx context.Context, idempotencyKey string) (r remembered, found bool, err error) {
	i, err := s.get(ctx, requestKey(idempotencyKey))
	if err != nil || i == nil {
		return remembered{}, false, err
	}
	return remembered{CaseID: textOf(i, "caseId"), RequestHash: textOf(i, "requestHash")}, true, nil
}

// OfPurchase lists the cases of a purchase.
func (s *Store) OfPurchase(ctx context.Context, purchaseKey string) ([]Case, error) {
	ids, err := s.list(ctx, &dynamodb.QueryInput{KeyConditionExpression: aws.String("pk = :pk"),
		ExpressionAttributeValues: item{":pk": text(listPrefix + purchaseKey)}})
	if err != nil {
		return nil, err
	}
	return s.cases(ctx, ids)
}

// ActiveBetween lists the cases that were opened or decided from one time to another, the latest first, each once.
func (s *Store) ActiveBetween(ctx context.Context, from, to time.Time) ([]Case, error) {
	var all []string
	for _, month := range monthsOf(from, to) {
		ids, err := s.list(ctx, &dynamodb.QueryInput{KeyConditionExpression: aws.String("pk = :pk AND sk BETWEEN :from AND :to"), ScanIndexForward: aws.Bool(false),
			ExpressionAttributeValues: item{":pk": text(listPrefix + month), ":from": text(events.FormatTime(from)), ":to": text(events.FormatTime(to) + "~")}})
		if err != nil {
			return nil, err
		}
		for _, id := range ids {
			if !slices.Contains(all, id) {
				all = append(all, id)
			}
		}
	}
	return s.cases(ctx, all)
}

// list reads the ids of the cases in a list.
func (s *Store) list(ctx context.Context, in *dynamodb.QueryInput) (ids []string, err error) {
	in.TableName, in.ConsistentRead = &s.table, aws.Bool(true)
	for {
		out, err := s.client.Query(ctx, in)
		if err != nil {
			return nil, fmt.Errorf("listing cases: %w", err)
		}
		for _, i := range out.Items {
			sort := textOf(i, "sk")
			ids = append(ids, sort[strings.LastIndexByte(sort, '#')+1:])
		}
		if len(out.LastEvaluatedKey) == 0 {
			return ids, nil
		}
		in.ExclusiveStartKey = out.LastEvaluatedKey
	}
}

func (s *Store) cases(ctx context.Context, ids []string) ([]Case, error) {
	var cases []Case
	for _, id := range ids {
		c, found, err := s.Case(ctx, id)
		if err != nil {
			return nil, err
		}
		if found { // Always: lists and cases are written together.
			cases = append(cases, c)
		}
	}
	return cases, nil
}

// open writes a new case, what its idempotency key was used for, its places in the lists, and its claim on the purchase: all or
// nothing. The error is errChanged where the key, the case or another version of the purchase was there first.
func (s *Store) open(ctx context.Context, d payment.Dispute, idempotencyKey, requestHash string, claim types.TransactWriteItem) error {
	values, err := caseValues(d, 1)
	if err != nil {
		return err
	}
	return s.write(ctx,
		s.put(caseKey(d.CaseID), values),
		s.put(requestKey(idempotencyKey), item{"caseId": text(d.CaseID), "requestHash": text(requestHash), "openedAt": text(d.OpenedAt)}),
		s.put(purchaseListKey(d.PurchaseKey, d.CaseID), item{"openedAt": text(d.OpenedAt)}),
		s.put(activityKey(d.OpenedAt, opened, d.CaseID), nil),
		claim)
}

// change replaces a case, together with what the purchase is to be changed by, if its version is still the one that was read.
func (s *Store) change(ctx context.Context, before Case, after payment.Dispute, purchase ...types.TransactWriteItem) error {
	values, err := caseValues(after, before.Version+1)
	if err != nil {
		return err
	}
	actions := []types.TransactWriteItem{{Update: &types.Update{
		TableName: &s.table, Key: caseKey(after.CaseID).attributes(),
		UpdateExpression:          aws.String("SET #dispute = :dispute, #state = :state, #version = :version"),
		ConditionExpression:       aws.String("#version = :before"),
		ExpressionAttributeNames:  map[string]string{"#dispute": "dispute", "#state": "state", "#version": "version"},
		ExpressionAttributeValues: item{":dispute": values["dispute"], ":state": values["state"], ":version": values["version"], ":before": number(before.Version)},
	}}}
	if before.Decision == nil && after.Decision != nil {
		actions = append(actions, s.put(activityKey(after.Decision.DecidedAt, decided, after.CaseID), nil))
	}
	return s.write(ctx, append(actions, purchase...)...)
}

// put is an action that writes an item which must not exist.
func (s *Store) put(key itemKey, values item) types.TransactWriteItem {
	whole := key.attributes()
	for name, value := range values {
		whole[name] = value
	}
	return types.TransactWriteItem{Put: &types.Put{TableName: &s.table, Item: whole, ConditionExpression: aws.String("attribute_not_exists(pk)")}}
}

// write makes one transaction. A condition that does not hold, and another transaction on the same items, are errChanged. The
// SDK gives every call a token of its own, which its retries share: a transaction whose answer was lost has no second effect.
// A token of the contents would be wrong here: two identical requests at one millisecond would both be told that they opened the case.
func (s *Store) write(ctx context.Context, actions ...types.TransactWriteItem) error {
	_, err := s.client.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: actions})
	var cancelled *types.TransactionCanceledException
	if errors.As(err, &cancelled) {
		for _, reason := range cancelled.CancellationReasons {
			switch code := aws.ToString(reason.Code); code {
			case "", "None":
			case "ConditionalCheckFailed", "TransactionConflict":
				err = errChanged
			default:
				return fmt.Errorf("writing a case: %s: %s", code, aws.ToString(reason.Message))
			}
		}
	}
	if err != nil {
		return fmt.Errorf("writing a case: %w", err)
	}
	return nil
}
