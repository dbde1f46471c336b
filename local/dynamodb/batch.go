package dynamodb

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sort"

	"github.com/payrail/payrail/local/wire"
)

// Limits of the batch operations.
const (
	maxBatchWrites    = 25
	maxBatchGets      = 100
	maxBatchReadBytes = 16 << 20
)

type writeRequest struct {
	PutRequest    *struct{ Item json.RawMessage }
	DeleteRequest *struct{ Key json.RawMessage }
}

type batchWriteInput struct {
	RequestItems           map[string][]writeRequest
	ReturnConsumedCapacity string
}

type batchWriteOutput struct {
	UnprocessedItems map[string][]writeRequest
	ConsumedCapacity []*consumedCapacity `json:",omitempty"`
}

// flat are all requests in order of their tables' names, as parseBatch takes them, and the names of their tables as they were given.
func (in *batchWriteInput) flat() (names []string, requests []writeRequest) {
	for _, name := range sortedKeys(in.RequestItems) {
		for _, r := range in.RequestItems[name] {
			names, requests = append(names, name), append(requests, r)
		}
	}
	return names, requests
}

// batchWriteItem does writes that have nothing to do with each other. Left unprocessed is what a fault or a transaction at the same item
// keeps from being written.
func (s *Service) batchWriteItem(_ context.Context, in *batchWriteInput) (*batchWriteOutput, error) {
	if err := checkReturnConsumedCapacity(in.ReturnConsumedCapacity); err != nil {
		return nil, err
	}
	writes, err := s.parseBatch(in)
	if err != nil {
		return nil, err
	}
	skip, left, err := s.unprocessed(in)
	if err != nil {
		return nil, err
	}
	names, requests := in.flat()
	var used consumptions
	for n, w := range writes {
		if skip[n] {
			continue
		}
		_, cost, err := s.perform(w)
		var e *wire.Error
		if errors.As(err, &e) && e.Code == codeTransactionConflict {
			// The operation has no such error (its API reference lists none): like every write that fails by itself this one is left.
			left[names[n]] = append(left[names[n]], requests[n])
			continue
		}
		if err != nil {
			return nil, err
		}
		used.add(w.table, cost, 1)
	}
	return &batchWriteOutput{UnprocessedItems: left, ConsumedCapacity: used.report(in.ReturnConsumedCapacity)}, nil
}

func (s *Service) parseBatch(in *batchWriteInput) ([]*write, error) {
	if len(in.RequestItems) == 0 {
		return nil, wrongLength("", "greater than or equal to 1")
	}
	var writes []*write
	seen := itemSet{}
	for _, name := range sortedKeys(in.RequestItems) {
		t, err := s.table(name)
		if err != nil {
			return nil, err
		}
		if len(in.RequestItems[name]) == 0 {
			return nil, invalid("1 validation error detected: Value '{%s=[]}' at 'requestItems' failed to satisfy constraint: Map value must satisfy constraint: "+
				"[Member must have length less than or equal to %d, Member must have length greater than or equal to 1]", name, maxBatchWrites)
		}
		if len(in.RequestItems[name]) > maxBatchWrites {
			return nil, wrongLength("."+name+".member", fmt.Sprintf("less than or equal to %d", maxBatchWrites))
		}
		for _, r := range in.RequestItems[name] {
			if len(writes) == maxBatchWrites {
				return nil, invalid("Too many items requested for the BatchWriteItem call")
			}
			w, err := r.write(t)
			if err != nil {
				return nil, err
			}
			if !seen.add(t, w.key) {
				return nil, invalid("Provided list of item keys contains duplicates")
			}
			writes = append(writes, w)
		}
	}
	return writes, nil
}

// write is the request's one write, of which a batch tells less than PutItem does: any key that is not of the table is the same to it.
func (r *writeRequest) write(t *table) (*write, error) {
	w := &write{table: t}
	var in writeInput
	switch {
	case r.PutRequest != nil && r.DeleteRequest == nil:
		in.Item = r.PutRequest.Item
	case r.DeleteRequest != nil && r.PutRequest == nil:
		w.kind, in.Key = writeDelete, r.DeleteRequest.Key
	default:
		return nil, invalid("Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes")
	}
	if err := w.read(&in); err != nil {
		return nil, err
	}
	if !t.schema.isIn(w.target) {
		return nil, wrongKey()
	}
	return w, w.check()
}

// wrongLength is the refusal of a list or map of a batch by its length. Of the two wordings the service's regions have it is the newer.
func wrongLength(path, bound string) error {
	return invalid("1 validation error detected: Value at 'RequestItems%s' failed to satisfy constraint: Member must have length %s", path, bound)
}

// itemSet tells whether an item has been met before.
type itemSet map[itemID]bool

type itemID struct {
	table *table
	key   string
}

func (s itemSet) add(t *table, key []byte) bool {
	id := itemID{t, string(key)}
	if s[id] {
		return false
	}
	s[id] = true
	return true
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}

type keysAndAttributes struct {
	Keys                     []json.RawMessage
	AttributesToGet          json.RawMessage   `json:",omitempty"`
	ProjectionExpression     *string           `json:",omitempty"`
	ExpressionAttributeNames map[string]string `json:",omitempty"`
	ConsistentRead           bool              `json:",omitempty"`
}

type batchGetInput struct {
	RequestItems           map[string]keysAndAttributes
	ReturnConsumedCapacity string
}

type batchGetOutput struct {
	Responses        map[string][]json.RawMessage
	UnprocessedKeys  map[string]keysAndAttributes
	ConsumedCapacity []*consumedCapacity `json:",omitempty"`
}

func (s *Service) batchGetItem(_ context.Context, in *batchGetInput) (*batchGetOutput, error) {
	if err := checkReturnConsumedCapacity(in.ReturnConsumedCapacity); err != nil {
		return nil, err
	}
	if len(in.RequestItems) == 0 {
		return nil, wrongLength("", "greater than or equal to 1")
	}
	reads, err := s.parseBatchGet(in)
	if err != nil {
		return nil, err
	}
	out := &batchGetOutput{Responses: map[string][]json.RawMessage{}, UnprocessedKeys: map[string]keysAndAttributes{}}
	var used consumptions
	total := 0
	for _, name := range sortedKeys(in.RequestItems) {
		request := in.RequestItems[name]
		out.Responses[name] = []json.RawMessage{}
		for i, r := range reads[name] {
			if total > maxBatchReadBytes {
				rest := request
				rest.Keys = request.Keys[i:]
				out.UnprocessedKeys[name] = rest
				break
			}
			item, size, err := s.fetch(r)
			if err != nil {
				return nil, err
			}
			total += size
			used.add(r.table, consumption{table: readUnits(size, request.ConsistentRead)}, 1)
			if item != nil {
				out.Responses[name] = append(out.Responses[name], item)
			}
		}
	}
	out.ConsumedCapacity = used.report(in.ReturnConsumedCapacity)
	return out, nil
}

func (s *Service) parseBatchGet(in *batchGetInput) (map[string][]*read, error) {
	reads := map[string][]*read{}
	seen := itemSet{}
	for _, name := range sortedKeys(in.RequestItems) {
		request := in.RequestItems[name]
		if len(request.Keys) == 0 {
			return nil, wrongLength("."+name+".member.Keys", "greater than or equal to 1")
		}
		if len(request.Keys) > maxBatchGets {
			return nil, wrongLength("."+name+".member.Keys", fmt.Sprintf("less than or equal to %d", maxBatchGets))
		}
		for _, key := range request.Keys {
			if len(seen) == maxBatchGets {
				return nil, invalid("Too many items requested for the BatchGetItem call")
			}
			r, err := s.checkedRead(&getInput{legacy: legacy{AttributesToGet: request.AttributesToGet}, TableName: name, Key: key,
				ProjectionExpression: request.ProjectionExpression, ExpressionAttributeNames: request.ExpressionAttributeNames})
			if err != nil {
				return nil, err
			}
			if !seen.add(r.table, r.key) {
				return nil, invalid("Provided list of item keys contains duplicates")
			}
			reads[name] = append(reads[name], r)
		}
	}
	return reads, nil
}
