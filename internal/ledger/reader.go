package ledger

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

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

// Purchase reads the purchase that a business key leads to: of any message that belongs to it, or of the original that a
// reversal waits for. found is false where nothing is known under the key.
func (r *Reader) Purchase(ctx context.Context, businessKey string) (purchase StoredPurchase, found bool, err error) {
	item, _, err := purchaseOf(ctx, r.client, r.table, businessKey)
	return item.StoredPurchase, item.Version > 0, err
}

// Message reads the record of one message about a purchase; purchaseKey leads to the purchase. found is false where the
// message made no posting sequence.
func (r *Reader) Message(ctx context.Context, purchaseKey, businessKey string) (record Record, found bool, err error) {
	purchase, _, err := r.Purchase(ctx, purchaseKey)
	if err != nil {
		return Record{}, false, err
	}
	message, _ := purchase.Find(businessKey)
	if message.Sequence == "" {
		return Record{}, false, nil
	}
	return r.Journal(ctx, message.Sequence)
}

// SuspenseItem is what one purchase has in a suspense account.
type SuspenseItem struct {
	Account string `json:"account"`
	// PurchaseKey is the business key of the purchase.
	PurchaseKey     string `json:"purchaseKey"`
	TransactionID   string `json:"transactionId"`
	AuthorizationID string `json:"authorizationId"`
	// Amount is signed: credits, money that belongs to somebody else, are positive.
	Amount payment.Money `json:"amount"`
	// Reason is a code such as ACCOUNT_CLOSED; Owner is who has to find out where the money belongs.
	Reason       string `json:"reason"`
	Owner        string `json:"owner"`
	OpenedAt     string `json:"openedAt"`
	State        string `json:"state"`
	LastSequence string `json:"lastSequence"`
}

// Suspense reads what one purchase has in a suspense account. purchaseKey may be the part of the business key that ids show.
func (r *Reader) Suspense(ctx context.Context, account, purchaseKey string) (suspense SuspenseItem, found bool, err error) {
	item, err := getItem(ctx, r.client, r.table, suspenseKey(account, purchaseKey))
	if err != nil || len(item) == 0 {
		return SuspenseItem{}, false, err
	}
	suspense, err = decodeSuspense(item)
	return suspense, err == nil, err
}

// EachSuspense calls visit with every suspense item, open and cleared, and stops at its first error.
func (r *Reader) EachSuspense(ctx context.Context, visit func(SuspenseItem) error) error {
	return r.scan(ctx, suspensePrefix, func(item map[string]types.AttributeValue) error {
		suspense, err := decodeSuspense(item)
		if err != nil {
			return err
		}
		return visit(suspense)
	})
}

// OpenSuspense reads what stands in a suspense account, the oldest first. It reads every item of the account, cleared ones too.
func (r *Reader) OpenSuspense(ctx context.Context, account string) ([]SuspenseItem, error) {
	in := &dynamodb.QueryInput{
		TableName: &r.table, ConsistentRead: aws.Bool(true), KeyConditionExpression: aws.String("pk = :pk"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":pk": text(suspensePrefix + account)},
	}
	var open []SuspenseItem
	for {
		out, err := r.client.Query(ctx, in)
		if err != nil {
			return nil, fmt.Errorf("reading suspense account %s: %w", account, err)
		}
		for _, item := range out.Items {
			suspense, err := decodeSuspense(item)
			if err != nil {
				return nil, err
			}
			if suspense.State == SuspenseOpen {
				open = append(open, suspense)
			}
		}
		if len(out.LastEvaluatedKey) == 0 {
			slices.SortFunc(open, func(a, b SuspenseItem) int {
				return cmp.Or(cmp.Compare(a.OpenedAt, b.OpenedAt), cmp.Compare(a.PurchaseKey, b.PurchaseKey))
			})
			return open, nil
		}
		in.ExclusiveStartKey = out.LastEvaluatedKey
	}
}

func decodeSuspense(item map[string]types.AttributeValue) (SuspenseItem, error) {
	d := &decoder{item: item}
	s := SuspenseItem{
		Account: strings.TrimPrefix(d.required("pk"), suspensePrefix), PurchaseKey: d.required("purchase"), TransactionID: d.text("transactionId"),
		AuthorizationID: d.text("authorizationId"), Amount: d.money(), Reason: d.text("reason"), Owner: d.text("owner"), OpenedAt: d.text("openedAt"),
		State: d.required("state"), LastSequence: d.text("lastSequence"),
	}
	if d.err != nil {
		return SuspenseItem{}, fmt.Errorf("decoding suspense item %q %q: %w", d.text("pk"), d.text("sk"), d.err)
	}
	return s, nil
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
