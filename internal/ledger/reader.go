package ledger

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/payrail/payrail/payment"
)

// ReadClient models the DynamoDB client as far as reading the ledger needs it. It is safe for concurrent use.
type ReadClient interface {
	Getter
	Query(context.Context, *dynamodb.QueryInput, ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error)
	Scan(context.Context, *dynamodb.ScanInput, ...func(*dynamodb.Options)) (*dynamodb.ScanOutput, error)
}

// Reader reads a ledger, for the command line, for reconciliation and for tests. All its reads are strongly consistent. It
// is safe for concurrent use.
type Reader struct {
	client ReadClient
	table  string
}

// NewReader makes a Reader of the ledger table.
func NewReader(client ReadClient, table string) *Reader { return &Reader{client: client, table: table} }

// Journal reads the record of a sequence.
func (r *Reader) Journal(ctx context.Context, sequence string) (record Record, found bool, err error) {
	return getJournal(ctx, r.client, r.table, sequence)
}

// Reversal reads the record of the reversal with a business key, of which the posting sequence is known only by its original's.
func (r *Reader) Reversal(ctx context.Context, original, businessKey string) (record Record, found bool, err error) {
	out, err := r.client.GetItem(ctx, &dynamodb.GetItemInput{TableName: &r.table, Key: reversalKey(original).attributes(), ConsistentRead: aws.Bool(true)})
	if err != nil {
		return Record{}, false, fmt.Errorf("reading the reversals of sequence %s: %w", original, err)
	}
	if len(out.Item) == 0 {
		return Record{}, false, nil
	}
	state, err := decodeReversals(out.Item)
	if err != nil {
		return Record{}, false, err
	}
	number, done := state.applied[businessKey]
	if !done {
		return Record{}, false, nil
	}
	return r.Journal(ctx, payment.CorrectionID(original, int(number)))
}

// EachJournal calls visit with every journal record, in no particular order, and stops at its first error. One page is in
// memory at a time.
func (r *Reader) EachJournal(ctx context.Context, visit func(Record) error) error {
	return r.scan(ctx, journalPrefix, func(item map[string]types.AttributeValue) error {
		record, err := decodeRecord(item)
		if err != nil {
			return err
		}
		return visit(record)
	})
}

// scan calls visit with every item of the table whose partition key starts with prefix. A page may be empty and not the last.
func (r *Reader) scan(ctx context.Context, prefix string, visit func(map[string]types.AttributeValue) error) error {
	in := &dynamodb.ScanInput{TableName: &r.table, ConsistentRead: aws.Bool(true)}
	if prefix != "" {
		in.FilterExpression = aws.String("begins_with(pk, :prefix)")
		in.ExpressionAttributeValues = map[string]types.AttributeValue{":prefix": text(prefix)}
	}
	for {
		out, err := r.client.Scan(ctx, in)
		if err != nil {
			return fmt.Errorf("reading the ledger: %w", err)
		}
		for _, item := range out.Items {
			if err := visit(item); err != nil {
				return err
			}
		}
		if len(out.LastEvaluatedKey) == 0 {
			return nil
		}
		in.ExclusiveStartKey = out.LastEvaluatedKey
	}
}

// Page says which entries of an account to read.
type Page struct {
	// Limit is how many entries at most; 0 is as many as DynamoDB gives at once.
	Limit int32
	// After is the Next of the page before; empty for the first page.
	After string
	// NewestFirst turns the order of time around.
	NewestFirst bool
}

// Entries reads a page of an account's entries in order of when their payments came in. next is empty after the last page.
func (r *Reader) Entries(ctx context.Context, accountID string, page Page) (entries []Entry, next string, err error) {
	in := &dynamodb.QueryInput{
		TableName: &r.table, ConsistentRead: aws.Bool(true), ScanIndexForward: aws.Bool(!page.NewestFirst),
		KeyConditionExpression:    aws.String("pk = :pk"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":pk": text(entryPrefix + accountID)},
	}
	if page.Limit > 0 {
		in.Limit = &page.Limit
	}
	if page.After != "" {
		in.ExclusiveStartKey = itemKey{entryPrefix + accountID, page.After}.attributes()
	}
	out, err := r.client.Query(ctx, in)
	if err != nil {
		return nil, "", fmt.Errorf("reading the entries of account %s: %w", accountID, err)
	}
	for _, item := range out.Items {
		entry, err := decodeEntry(item)
		if err != nil {
			return nil, "", err
		}
		entries = append(entries, entry)
	}
	last := decoder{item: out.LastEvaluatedKey}
	return entries, last.text("sk"), nil
}

// Balances reads the balances of an account, one for each of its currencies, in the order of their codes.
func (r *Reader) Balances(ctx context.Context, accountID string) ([]Balance, error) {
	in := &dynamodb.QueryInput{
		TableName: &r.table, ConsistentRead: aws.Bool(true), KeyConditionExpression: aws.String("pk = :pk"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":pk": text(balancePrefix + accountID)},
	}
	var balances []Balance
	for {
		out, err := r.client.Query(ctx, in)
		if err != nil {
			return nil, fmt.Errorf("reading the balances of account %s: %w", accountID, err)
		}
		for _, item := range out.Items {
			balance, err := decodeBalance(item)
			if err != nil {
				return nil, err
			}
			balances = append(balances, balance)
		}
		if len(out.LastEvaluatedKey) == 0 {
			return balances, nil
		}
		in.ExclusiveStartKey = out.LastEvaluatedKey
	}
}
