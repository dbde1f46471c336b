package dynamodb

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"hash"
	"io"
	"strings"

	"github.com/payrail/payrail/local/storage"
	"github.com/payrail/payrail/local/wire"
)

// Limits of a transaction.
const (
	maxTransactActions = 100
	maxTransactBytes   = 4 << 20
	maxTokenLength     = 36
)

type transactWriteItem struct {
	Put            *writeInput
	Update         *writeInput
	Delete         *writeInput
	ConditionCheck *writeInput
}

// action is the one write of the transaction item, which stands at place n, counted from 1.
func (i *transactWriteItem) action(n int) (writeKind, *writeInput, error) {
	var (
		kind  writeKind
		found *writeInput
		count int
	)
	for k, in := range map[writeKind]*writeInput{writePut: i.Put, writeUpdate: i.Update, writeDelete: i.Delete, writeCheck: i.ConditionCheck} {
		if in != nil {
			kind, found = k, in
			count++
		}
	}
	if count != 1 {
		return 0, nil, invalid("TransactItems can only contain one of Check, Put, Update or Delete")
	}
	if kind == writeCheck && found.ConditionExpression == nil {
		return 0, nil, invalid("1 validation error detected: Value null at 'transactItems.%d.member.conditionCheck.conditionExpression' "+
			"failed to satisfy constraint: Member must not be null", n)
	}
	if kind == writeUpdate && found.UpdateExpression == nil {
		return 0, nil, invalid("1 validation error detected: Value null at 'transactItems.%d.member.update.updateExpression' "+
			"failed to satisfy constraint: Member must not be null", n)
	}
	return kind, found, nil
}

type transactWriteInput struct {
	TransactItems          []transactWriteItem
	ClientRequestToken     string
	ReturnConsumedCapacity string
}

type transactOutput struct {
	Responses        []transactResponse  `json:",omitempty"`
	ConsumedCapacity []*consumedCapacity `json:",omitempty"`
}

type transactResponse struct {
	Item json.RawMessage `json:",omitempty"`
}

// cancellationReason stands at the place of its action; innocent ones have Code None.
type cancellationReason struct {
	Code    string
	Message string          `json:",omitempty"`
	Item    json.RawMessage `json:",omitempty"`
}

// cancelled is the error of a transaction some of whose actions failed; failures has their places.
func cancelled(count int, failures map[int]error) error {
	reasons := make([]cancellationReason, count)
	codes := make([]string, count)
	for i := range reasons {
		reasons[i].Code = "None"
		if err := failures[i]; err != nil {
			var failed *conditionError
			var e *wire.Error
			switch {
			case errors.As(err, &failed):
				reasons[i] = cancellationReason{"ConditionalCheckFailed", conditionFailedMessage, failed.item}
			case errors.As(err, &e) && e.Code == codeValidation:
				reasons[i] = cancellationReason{"ValidationError", e.Message, nil}
			case errors.As(err, &e) && e.Code == codeTransactionConflict:
				reasons[i] = cancellationReason{reasonConflict, e.Message, nil}
			default:
				return err
			}
		}
		codes[i] = reasons[i].Code
	}
	e := wire.Errorf(codeTransactionAborted, "Transaction cancelled, please refer cancellation reasons for specific reasons [%s]",
		strings.Join(codes, ", "))
	e.Members = map[string]any{"CancellationReasons": reasons}
	return e
}

func checkActionCount(n int) error {
	if n == 0 {
		return invalid("1 validation error detected: Value '[]' at 'transactItems' failed to satisfy constraint: " +
			"Member must have length greater than or equal to 1")
	}
	if n > maxTransactActions {
		return invalid("1 validation error detected: Value at 'transactItems' failed to satisfy constraint: " +
			"Member must have length less than or equal to 100")
	}
	return nil
}

func (s *Service) transactWriteItems(_ context.Context, in *transactWriteInput) (*transactOutput, error) {
	if err := checkReturnConsumedCapacity(in.ReturnConsumedCapacity); err != nil {
		return nil, err
	}
	if len(in.ClientRequestToken) > maxTokenLength {
		return nil, invalid("1 validation error detected: Value '%s' at 'clientRequestToken' failed to satisfy constraint: "+
			"Member must have length less than or equal to 36", in.ClientRequestToken)
	}
	writes, request, err := s.parseTransaction(in)
	if err == nil {
		err = s.conflicting(writes)
	}
	if err != nil {
		return nil, err
	}
	if in.ClientRequestToken == "" {
		return s.transact(writes, in.ReturnConsumedCapacity, nil)
	}
	repeated, err := s.tokens.begin(in.ClientRequestToken, request)
	if err != nil {
		return nil, err
	}
	if repeated {
		return s.repeatedTransaction(writes, in.ReturnConsumedCapacity)
	}
	out, err := s.transact(writes, in.ReturnConsumedCapacity, func(b *storage.Batch) { s.tokens.keep(b, in.ClientRequestToken, request) })
	s.tokens.end(in.ClientRequestToken, err == nil)
	return out, err
}

// parseTransaction checks every action: first all that they say for themselves, then their tables, then their keys. The first action
// whose key does not fit its table cancels the transaction; everything else here is an error of the request.
func (s *Service) parseTransaction(in *transactWriteInput) ([]*write, fingerprint, error) {
	var request fingerprint
	if err := checkActionCount(len(in.TransactItems)); err != nil {
		return nil, request, err
	}
	writes := make([]*write, len(in.TransactItems))
	actions := make([]*writeInput, len(writes))
	for i := range in.TransactItems {
		kind, action, err := in.TransactItems[i].action(i + 1)
		if err != nil {
			return nil, request, err
		}
		if writes[i], err = parseWrite(kind, action); err != nil {
			return nil, request, err
		}
		actions[i] = action
	}
	for i, w := range writes {
		if err := s.bind(w, actions[i]); err != nil {
			return nil, request, err
		}
	}
	for i, w := range writes {
		if err := w.check(); err != nil {
			return nil, request, cancelled(len(writes), map[int]error{i: err})
		}
	}
	seen := itemSet{}
	total := 0
	digest := sha256.New()
	for i, w := range writes {
		if !seen.add(w.table, w.key) {
			return nil, request, multipleOperations()
		}
		total += w.target.size()
		if err := actions[i].addTo(digest, w); err != nil {
			return nil, request, err
		}
	}
	if total > maxTransactBytes {
		return nil, request, transactionTooLarge()
	}
	digest.Sum(request[:0])
	return writes, request, nil
}

func multipleOperations() error {
	return invalid("Transaction request cannot include multiple operations on one item")
}

func transactionTooLarge() error { return invalid("Transaction request cannot be larger than 4 MB") }

// addTo puts all that makes an action what it is into the digest, independent of the order of members in its JSON.
func (in *writeInput) addTo(digest hash.Hash, w *write) error {
	text := func(parts ...string) {
		for _, p := range parts {
			_, _ = io.WriteString(digest, p) // a hash never fails
			_, _ = digest.Write([]byte{0})
		}
	}
	optional := func(p *string) {
		if p != nil {
			text("+", *p)
			return
		}
		text("-")
	}
	text(string('0'+rune(w.kind)), w.table.spec.Name, string(itemJSON(w.target)), in.ReturnValuesOnConditionCheckFailure)
	optional(in.ConditionExpression)
	optional(in.UpdateExpression)
	for _, k := range sortedKeys(in.ExpressionAttributeNames) {
		text(k, in.ExpressionAttributeNames[k])
	}
	for _, k := range sortedKeys(in.ExpressionAttributeValues) {
		v, err := decodeValue(in.ExpressionAttributeValues[k])
		if err != nil {
			return err
		}
		text(k, string(appendValue(nil, v)))
	}
	return nil
}

// transact does all writes or none, and what is along with them.
func (s *Service) transact(writes []*write, mode string, along func(*storage.Batch)) (*transactOutput, error) {
	ids := make([]itemID, len(writes))
	stripes := make([]int, len(writes))
	for i, w := range writes {
		ids[i], stripes[i] = w.id(), s.locks.stripe(w.table, w.key)
	}
	conflicts, end := s.ongoing.beginTransaction(ids)
	defer end()
	if len(conflicts) == 0 {
		defer s.locks.lockAll(stripes)()
	} // Otherwise nothing will be written: what is asked of the other items is answered from what they are.

	effects := make([]*effect, len(writes))
	failures := conflictsAt(conflicts)
	for i, w := range writes {
		if failures[i] != nil {
			continue
		}
		e, err := s.evaluate(w)
		if err != nil {
			failures[i] = err
		}
		effects[i] = e
	}
	if len(failures) > 0 {
		return nil, cancelled(len(writes), failures)
	}
	costs, err := s.commit(effects, along)
	if err != nil {
		return nil, err
	}
	var used consumptions
	for i, w := range writes {
		used.add(w.table, costs[i], transactionFactor)
	}
	out := &transactOutput{ConsumedCapacity: used.report(mode)}
	asWrites(out.ConsumedCapacity)
	return out, nil
}

// repeatedTransaction answers a token that was done: nothing is written, and the service charges reads.
func (s *Service) repeatedTransaction(writes []*write, mode string) (*transactOutput, error) {
	var used consumptions
	for _, w := range writes {
		raw, _, err := s.options.Store.Get(w.table.space, w.key)
		if err != nil {
			return nil, s.internal("reading item", err)
		}
		used.add(w.table, consumption{table: readUnits(stored(raw).size(), true)}, transactionFactor)
	}
	out := &transactOutput{ConsumedCapacity: used.report(mode)}
	asReads(out.ConsumedCapacity)
	return out, nil
}

type transactGetInput struct {
	TransactItems          []struct{ Get *getInput }
	ReturnConsumedCapacity string
}

// transactGetItems reads all items as they are at one time.
func (s *Service) transactGetItems(_ context.Context, in *transactGetInput) (*transactOutput, error) {
	if err := checkReturnConsumedCapacity(in.ReturnConsumedCapacity); err != nil {
		return nil, err
	}
	if err := checkActionCount(len(in.TransactItems)); err != nil {
		return nil, err
	}
	reads, err := s.parseTransactGet(in)
	if err != nil {
		return nil, err
	}
	ids := make([]itemID, len(reads))
	stripes := make([]int, len(reads))
	for i, r := range reads {
		ids[i], stripes[i] = itemID{r.table, string(r.key)}, s.locks.stripe(r.table, r.key)
	}
	if busy := s.ongoing.busy(ids); len(busy) > 0 {
		return nil, cancelled(len(reads), conflictsAt(busy))
	}
	defer s.locks.readLockAll(stripes)()

	out := &transactOutput{Responses: make([]transactResponse, len(reads))}
	var used consumptions
	total := 0
	for i, r := range reads {
		item, size, err := s.fetch(r)
		if err != nil {
			return nil, err
		}
		if total += size; total > maxTransactBytes {
			return nil, transactionTooLarge()
		}
		if string(item) != "{}" { // Other than GetItem, a transaction has no Item where the projection finds nothing.
			out.Responses[i].Item = item
		}
		used.add(r.table, consumption{table: readUnits(size, true)}, transactionFactor)
	}
	out.ConsumedCapacity = used.report(in.ReturnConsumedCapacity)
	asReads(out.ConsumedCapacity)
	return out, nil
}

// parseTransactGet checks every action, in the order parseTransaction does.
func (s *Service) parseTransactGet(in *transactGetInput) ([]*read, error) {
	reads := make([]*read, len(in.TransactItems))
	for i, item := range in.TransactItems {
		if item.Get == nil {
			return nil, invalid("1 validation error detected: Value null at 'transactItems.%d.member.get' failed to satisfy constraint: "+
				"Member must not be null", i+1)
		}
		r, err := parseRead(item.Get)
		if err != nil {
			return nil, err
		}
		reads[i] = r
	}
	for i, r := range reads {
		if err := r.bind(s, in.TransactItems[i].Get); err != nil {
			return nil, err
		}
	}
	for i, r := range reads {
		if err := r.check(); err != nil {
			return nil, cancelled(len(reads), map[int]error{i: err})
		}
	}
	seen := itemSet{}
	for _, r := range reads {
		if !seen.add(r.table, r.key) {
			return nil, multipleOperations()
		}
	}
	return reads, nil
}
