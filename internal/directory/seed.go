package directory

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/payrail/payrail/payment"
)

// maxBatchWrite is DynamoDB's limit of items in one BatchWriteItem.
const maxBatchWrite = 25

// WriteClient models the DynamoDB client as far as loading the directory needs it.
type WriteClient interface {
	BatchWriteItem(context.Context, *dynamodb.BatchWriteItemInput, ...func(*dynamodb.Options)) (*dynamodb.BatchWriteItemOutput, error)
}

// Data is accounts and reference data to be loaded.
type Data struct {
	Products   []Product
	Categories []Category
	Ranges     []Range
	// WatchList replaces the watch-list; nil leaves it as it is.
	WatchList payment.WatchList
	// Rules replaces the settings of the business rules; nil leaves them as they are, by default payment.DefaultRuleSettings.
	Rules    *payment.RuleSettings
	Accounts []payment.Account
	Cards    []Card
}

// Check verifies the form of the data and that no two items have one key; the error names everything that is wrong.
func (d Data) Check() error {
	var problems []error
	seen := map[key]bool{}
	note := func(k key, err error) {
		if seen[k] {
			err = errors.Join(err, fmt.Errorf("%s %s is there twice", k.partition, k.sort))
		}
		seen[k] = true
		problems = append(problems, err)
	}
	for _, p := range d.Products {
		note(productKey(p.Name, p.Currency), p.check())
	}
	for _, c := range d.Categories {
		note(categoryKey(c.MCC), nil)
	}
	for _, r := range d.Ranges {
		if err := r.check(); err != nil {
			problems = append(problems, err)
			continue
		}
		note(binKey(r.BIN), nil)
	}
	for _, a := range d.Accounts {
		note(accountKey(a.ID), checkAccount(a))
	}
	for _, c := range d.Cards {
		var err error
		if !payment.IsPANToken(c.PANToken) {
			// Never written: whatever it is, it may be a card number.
			err = fmt.Errorf("a card of account %s has no token of the right form", c.AccountID)
			problems = append(problems, err)
			continue
		}
		note(cardKey(c.PANToken, c.Currency), c.check())
	}
	if d.Rules != nil {
		if err := d.Rules.Check(); err != nil {
			problems = append(problems, fmt.Errorf("rule settings: %w", err))
		}
	}
	return errors.Join(append(problems, checkWatchList(d.WatchList))...)
}

// WriterOptions is what a Writer is made of. All fields are needed.
type WriterOptions struct {
	Client                        WriteClient
	AccountsTable, ReferenceTable string
	// Wait sleeps between attempts and returns early with ctx's error.
	Wait func(context.Context, time.Duration) error
}

// Writer loads accounts and reference data.
type Writer struct{ options WriterOptions }

// NewWriter makes a Writer.
func NewWriter(options WriterOptions) *Writer { return &Writer{options: options} }

// Write puts everything in data, replacing items with the same keys. What others refer to goes first: a card never leads
// to an account, nor an account to a product, that is yet to be written.
func (w *Writer) Write(ctx context.Context, data Data) error {
	if err := data.Check(); err != nil {
		return fmt.Errorf("checking the reference data: %w", err)
	}
	var reference, accounts, cards []map[string]types.AttributeValue
	for _, p := range data.Products {
		reference = append(reference, productItem(p))
	}
	for _, c := range data.Categories {
		reference = append(reference, categoryItem(c))
	}
	for _, r := range data.Ranges {
		reference = append(reference, rangeItem(r))
	}
	if data.WatchList != nil {
		reference = append(reference, watchListItem(data.WatchList))
	}
	if data.Rules != nil {
		item, err := rulesItem(*data.Rules)
		if err != nil {
			return err
		}
		reference = append(reference, item)
	}
	for _, a := range data.Accounts {
		accounts = append(accounts, accountItem(a))
	}
	for _, c := range data.Cards {
		cards = append(cards, cardItem(c))
	}
	for _, step := range []struct {
		table string
		items []map[string]types.AttributeValue
	}{{w.options.ReferenceTable, reference}, {w.options.AccountsTable, accounts}, {w.options.AccountsTable, cards}} {
		for len(step.items) > 0 {
			n := min(len(step.items), maxBatchWrite)
			if err := w.put(ctx, step.table, step.items[:n]); err != nil {
				return err
			}
			step.items = step.items[n:]
		}
	}
	return nil
}

func (w *Writer) put(ctx context.Context, table string, items []map[string]types.AttributeValue) error {
	requests := make([]types.WriteRequest, len(items))
	for i, item := range items {
		requests[i].PutRequest = &types.PutRequest{Item: item}
	}
	left := map[string][]types.WriteRequest{table: requests}
	backoff := firstBackoff
	for attempt := 1; ; attempt++ {
		out, err := w.options.Client.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{RequestItems: left})
		if err != nil {
			return fmt.Errorf("writing to table %s: %w", table, err)
		}
		left = out.UnprocessedItems
		if len(left) == 0 {
			return nil
		}
		if attempt == maxAttempts {
			return fmt.Errorf("writing to table %s: DynamoDB left items unprocessed in %d attempts", table, maxAttempts)
		}
		if err := w.options.Wait(ctx, backoff); err != nil {
			return fmt.Errorf("writing to table %s: %w", table, err)
		}
		backoff *= 2
	}
}
