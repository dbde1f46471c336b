// Package ledgertest is a table in memory that behaves as DynamoDB does for the calls the ledger makes: conditions,
// cancellation reasons by position, client request tokens, conflicts between concurrent transactions, pages. Faults can be
// put before a call's effect and after it (a lost answer).
package ledgertest

import (
	"context"
	"fmt"
	"maps"
	"math/big"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Item is an item of the table.
type Item = map[string]types.AttributeValue

// Key is the primary key of an item.
type Key struct{ Partition, Sort string }

// Table is a DynamoDB table with the keys pk and sk. It is safe for concurrent use.
type Table struct {
	// Before is called with the name of each operation before it has an effect, After when it has had it: an error of After
	// is an answer that was lost. Both are nil for no faults, and are called by many goroutines at once.
	Before, After func(operation string) error
	// PageSize is how many items Scan reads at once, before it filters; 0 is all.
	PageSize int

	mu    sync.Mutex
	items map[Key]Item
	// busy are the items of transactions that are under way: another transaction on one of them is refused.
	busy map[Key]bool
	// tokens maps the tokens of completed transactions to what they wrote.
	tokens map[string]string
	calls  map[string]int
}

// NewTable makes an empty table.
func NewTable() *Table {
	return &Table{items: map[Key]Item{}, busy: map[Key]bool{}, tokens: map[string]string{}, calls: map[string]int{}}
}

// Calls is how often an operation was called.
func (t *Table) Calls(operation string) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.calls[operation]
}

// Edit changes the items directly, as nobody may in a real ledger.
func (t *Table) Edit(change func(items map[Key]Item)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	change(t.items)
}

func (t *Table) before(operation string) error {
	t.mu.Lock()
	t.calls[operation]++
	t.mu.Unlock()
	if t.Before != nil {
		return t.Before(operation)
	}
	return nil
}

func (t *Table) after(operation string) error {
	if t.After != nil {
		return t.After(operation)
	}
	return nil
}

func stringOf(value types.AttributeValue) string {
	s, _ := value.(*types.AttributeValueMemberS)
	if s == nil {
		return ""
	}
	return s.Value
}

func keyOf(item Item) Key { return Key{stringOf(item["pk"]), stringOf(item["sk"])} }

// TransactWriteItems takes Put with the condition attribute_not_exists(pk), Update with ADD, and Update with SET of plain values,
// unconditional or under the condition attribute_not_exists(pk) or the equality of a number; anything else is refused.
func (t *Table) TransactWriteItems(ctx context.Context, in *dynamodb.TransactWriteItemsInput, _ ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error) {
	const operation = "TransactWriteItems"
	if err := t.before(operation); err != nil {
		return nil, err
	}
	keys, err := transactionKeys(in)
	if err != nil {
		return nil, err
	}
	if done, err := t.begin(in, keys); done || err != nil {
		return &dynamodb.TransactWriteItemsOutput{}, err
	}
	runtime.Gosched() // lets other transactions meet this one
	if err := t.apply(in, keys); err != nil {
		return nil, err
	}
	return &dynamodb.TransactWriteItemsOutput{}, t.after(operation)
}

func transactionKeys(in *dynamodb.TransactWriteItemsInput) ([]Key, error) {
	if n := len(in.TransactItems); n < 1 || n > 100 {
		return nil, fmt.Errorf("ValidationException: %d actions", n)
	}
	if in.ClientRequestToken != nil && (len(*in.ClientRequestToken) < 1 || len(*in.ClientRequestToken) > 36) {
		return nil, fmt.Errorf("ValidationException: a token of %d characters", len(*in.ClientRequestToken))
	}
	keys := make([]Key, len(in.TransactItems))
	for i, action := range in.TransactItems {
		switch {
		case action.Put != nil && aws.ToString(action.Put.ConditionExpression) == "attribute_not_exists(pk)":
			keys[i] = keyOf(action.Put.Item)
		case action.Update != nil && strings.HasPrefix(aws.ToString(action.Update.UpdateExpression), "ADD ") && action.Update.ConditionExpression == nil,
			action.Update != nil && strings.HasPrefix(aws.ToString(action.Update.UpdateExpression), "SET "):
			keys[i] = keyOf(action.Update.Key)
		default:
			return nil, fmt.Errorf("ValidationException: action %d is none this table knows", i)
		}
		if slices.Contains(keys[:i], keys[i]) {
			return nil, fmt.Errorf("ValidationException: two actions on item %v", keys[i])
		}
	}
	return keys, nil
}

// begin takes the items of a transaction; done says that its token has been seen and nothing is left to do.
func (t *Table) begin(in *dynamodb.TransactWriteItemsInput, keys []Key) (done bool, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	// The SDK gives a call without a token a new one: nothing has been seen under it.
	if wrote, ok := t.tokens[aws.ToString(in.ClientRequestToken)]; ok && in.ClientRequestToken != nil {
		if wrote != fingerprint(in) {
			return false, &types.IdempotentParameterMismatchException{Message: aws.String("other parameters under the same token")}
		}
		return true, nil
	}
	reasons, conflict := make([]types.CancellationReason, len(keys)), false
	for i, key := range keys {
		reasons[i].Code = aws.String("None")
		if t.busy[key] {
			reasons[i].Code, conflict = aws.String("TransactionConflict"), true
		}
	}
	if conflict {
		return false, &types.TransactionCanceledException{CancellationReasons: reasons}
	}
	for _, key := range keys {
		t.busy[key] = true
	}
	return false, nil
}

func (t *Table) apply(in *dynamodb.TransactWriteItemsInput, keys []Key) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, key := range keys {
		delete(t.busy, key)
	}
	reasons, failed := make([]types.CancellationReason, len(keys)), false
	for i, action := range in.TransactItems {
		reasons[i].Code = aws.String("None")
		if old, exists := t.items[keys[i]]; action.Put != nil && exists {
			failed = true
			reasons[i].Code = aws.String("ConditionalCheckFailed")
			if action.Put.ReturnValuesOnConditionCheckFailure == types.ReturnValuesOnConditionCheckFailureAllOld {
				reasons[i].Item = maps.Clone(old)
			}
		} else if action.Update != nil && !holds(old, action.Update) {
			failed = true
			reasons[i].Code = aws.String("ConditionalCheckFailed")
		}
	}
	if failed {
		return &types.TransactionCanceledException{CancellationReasons: reasons}
	}
	for i, action := range in.TransactItems {
		if action.Put != nil {
			t.items[keys[i]] = maps.Clone(action.Put.Item)
			continue
		}
		updated := maps.Clone(action.Update.Key)
		maps.Copy(updated, t.items[keys[i]])
		if strings.HasPrefix(*action.Update.UpdateExpression, "SET ") {
			setValues(updated, action.Update)
		} else {
			addNumbers(updated, action.Update)
		}
		t.items[keys[i]] = updated
	}
	if in.ClientRequestToken != nil {
		t.tokens[*in.ClientRequestToken] = fingerprint(in)
	}
	return nil
}

// holds evaluates the condition of an update: none, attribute_not_exists(pk), or "#a = :x".
func holds(item Item, update *types.Update) bool {
	condition := aws.ToString(update.ConditionExpression)
	switch name, value, equality := strings.Cut(condition, " = "); {
	case condition == "":
		return true
	case equality:
		held, ok := item[update.ExpressionAttributeNames[name]].(*types.AttributeValueMemberN)
		wanted, isNumber := update.ExpressionAttributeValues[value].(*types.AttributeValueMemberN)
		return ok && isNumber && held.Value == wanted.Value
	default:
		return condition == "attribute_not_exists(pk)" && item == nil
	}
}

// setValues applies "SET #a = :x, #b = :y".
func setValues(item Item, update *types.Update) {
	for clause := range strings.SplitSeq(strings.TrimPrefix(*update.UpdateExpression, "SET "), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(clause), " = ")
		item[update.ExpressionAttributeNames[name]] = update.ExpressionAttributeValues[value]
	}
}

// addNumbers applies "ADD #a :x, #b :y".
func addNumbers(item Item, update *types.Update) {
	for clause := range strings.SplitSeq(strings.TrimPrefix(*update.UpdateExpression, "ADD "), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(clause), " ")
		attribute := update.ExpressionAttributeNames[name]
		sum := new(big.Int)
		for _, term := range []types.AttributeValue{item[attribute], update.ExpressionAttributeValues[value]} {
			if n, ok := term.(*types.AttributeValueMemberN); ok {
				digits, _ := new(big.Int).SetString(n.Value, 10)
				sum.Add(sum, digits)
			}
		}
		item[attribute] = &types.AttributeValueMemberN{Value: sum.String()}
	}
}

func fingerprint(in *dynamodb.TransactWriteItemsInput) string {
	var b strings.Builder
	for _, action := range in.TransactItems {
		if action.Put != nil {
			b.WriteString(describe(&types.AttributeValueMemberM{Value: action.Put.Item}))
			continue
		}
		b.WriteString(describe(&types.AttributeValueMemberM{Value: action.Update.Key}))
		b.WriteString(describe(&types.AttributeValueMemberM{Value: action.Update.ExpressionAttributeValues}))
	}
	return b.String()
}

func describe(value types.AttributeValue) string {
	switch v := value.(type) {
	case *types.AttributeValueMemberS:
		return fmt.Sprintf("%q", v.Value)
	case *types.AttributeValueMemberN:
		return v.Value
	case *types.AttributeValueMemberL:
		var b strings.Builder
		for _, element := range v.Value {
			b.WriteString(describe(element) + ",")
		}
		return "[" + b.String() + "]"
	case *types.AttributeValueMemberM:
		var b strings.Builder
		for _, name := range slices.Sorted(maps.Keys(v.Value)) {
			b.WriteString(name + ":" + describe(v.Value[name]) + ",")
		}
		return "{" + b.String() + "}"
	default:
		return fmt.Sprintf("%T", value)
	}
}

// GetItem reads one item.
func (t *Table) GetItem(ctx context.Context, in *dynamodb.GetItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error) {
	if err := t.before("GetItem"); err != nil {
		return nil, err
	}
	t.mu.Lock()
	out := &dynamodb.GetItemOutput{Item: maps.Clone(t.items[keyOf(in.Key)])}
	t.mu.Unlock()
	return out, t.after("GetItem")
}

// sortedKeys are the keys of the items that match, in the order of partition and sort key.
func (t *Table) sortedKeys(matches func(Key) bool) []Key {
	var keys []Key
	for key := range t.items {
		if matches(key) {
			keys = append(keys, key)
		}
	}
	slices.SortFunc(keys, func(a, b Key) int {
		return strings.Compare(a.Partition+"\x00"+a.Sort, b.Partition+"\x00"+b.Sort)
	})
	return keys
}

// page cuts keys to those after start, at most limit, and returns the key to go on from if some are left.
func page(keys []Key, start Item, limit int) (taken []Key, last Item) {
	if len(start) > 0 {
		keys = keys[slices.Index(keys, keyOf(start))+1:]
	}
	if limit == 0 || len(keys) <= limit {
		return keys, nil
	}
	k := keys[limit-1]
	return keys[:limit], Item{"pk": &types.AttributeValueMemberS{Value: k.Partition}, "sk": &types.AttributeValueMemberS{Value: k.Sort}}
}

// Query reads the items of one partition, of the table or of an index whose partition key the key condition names.
func (t *Table) Query(ctx context.Context, in *dynamodb.QueryInput, _ ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error) {
	if err := t.before("Query"); err != nil {
		return nil, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	condition, _, between := strings.Cut(aws.ToString(in.KeyConditionExpression), " AND sk BETWEEN :from AND :to")
	name, placeholder, _ := strings.Cut(condition, " = ")
	wanted := stringOf(in.ExpressionAttributeValues[placeholder])
	from, to := stringOf(in.ExpressionAttributeValues[":from"]), stringOf(in.ExpressionAttributeValues[":to"])
	keys := t.sortedKeys(func(k Key) bool {
		return wanted != "" && stringOf(t.items[k][name]) == wanted && (!between || (k.Sort >= from && k.Sort <= to))
	})
	if in.ScanIndexForward != nil && !*in.ScanIndexForward {
		slices.Reverse(keys)
	}
	keys, last := page(keys, in.ExclusiveStartKey, int(aws.ToInt32(in.Limit)))
	out := &dynamodb.QueryOutput{LastEvaluatedKey: last}
	for _, key := range keys {
		// The one filter there is: an attribute that equals a text.
		name, value, filtered := strings.Cut(aws.ToString(in.FilterExpression), " = ")
		if !filtered || stringOf(t.items[key][name]) == stringOf(in.ExpressionAttributeValues[value]) {
			out.Items = append(out.Items, maps.Clone(t.items[key]))
		}
	}
	return out, t.after("Query")
}

// BatchGetItem reads items by their keys, and leaves all but the first PageSize of them unprocessed if that is set.
func (t *Table) BatchGetItem(ctx context.Context, in *dynamodb.BatchGetItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.BatchGetItemOutput, error) {
	if err := t.before("BatchGetItem"); err != nil {
		return nil, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	out := &dynamodb.BatchGetItemOutput{Responses: map[string][]Item{}, UnprocessedKeys: map[string]types.KeysAndAttributes{}}
	for table, want := range in.RequestItems {
		if len(want.Keys) > 100 {
			return nil, fmt.Errorf("ValidationException: %d keys", len(want.Keys))
		}
		for i, key := range want.Keys {
			if t.PageSize > 0 && i >= t.PageSize {
				left := want
				left.Keys = want.Keys[i:]
				out.UnprocessedKeys[table] = left
				break
			}
			if item, ok := t.items[keyOf(key)]; ok {
				out.Responses[table] = append(out.Responses[table], maps.Clone(item))
			}
		}
	}
	return out, t.after("BatchGetItem")
}

// Scan reads the table, filtering by begins_with(pk, :prefix) after the page is cut, as DynamoDB does.
func (t *Table) Scan(ctx context.Context, in *dynamodb.ScanInput, _ ...func(*dynamodb.Options)) (*dynamodb.ScanOutput, error) {
	if err := t.before("Scan"); err != nil {
		return nil, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	keys, last := page(t.sortedKeys(func(Key) bool { return true }), in.ExclusiveStartKey, t.PageSize)
	out := &dynamodb.ScanOutput{LastEvaluatedKey: last}
	for _, key := range keys {
		if in.FilterExpression == nil || strings.HasPrefix(key.Partition, stringOf(in.ExpressionAttributeValues[":prefix"])) {
			out.Items = append(out.Items, maps.Clone(t.items[key]))
		}
	}
	return out, t.after("Scan")
}
