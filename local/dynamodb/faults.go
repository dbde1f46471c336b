package dynamodb

import (
	"context"
	"encoding/json"
	"time"

	"github.com/payrail/payrail/local/faults"
	"github.com/payrail/payrail/local/wire"
)

// streamOperation of the fault injector has the table's name behind it.
const streamOperation = "dynamodb:Stream"

// Codes of competing transactions and of batches none of which got through.
const (
	codeTransactionConflict = "TransactionConflictException"
	codeThroughputExceeded  = "ProvisionedThroughputExceededException"
	reasonConflict          = "TransactionConflict"
	conflictMessage         = "Transaction is ongoing for the item"
)

// writing makes the operation of a single write, which a transaction on the same item may be in the way of.
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateItem.html, TransactionConflictException
func writing[Out any](s *Service, operation string, f func(context.Context, *writeInput) (*Out, error)) wire.Operation {
	return onItems(s, func(ctx context.Context, in *writeInput) (*Out, error) {
		if _, ok := s.options.Faults.Decide("dynamodb:"+operation, in.TableName, faults.Conflict); ok {
			return nil, transactionConflict()
		}
		return f(ctx, in)
	})
}

// conflicting is the cancellation of a transaction by another one at the same items, at any one of its actions.
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html, TransactionCanceledException
func (s *Service) conflicting(writes []*write) error {
	if len(writes) == 0 {
		return nil
	}
	injection, ok := s.options.Faults.Decide("dynamodb:TransactWriteItems", writes[0].table.spec.Name, faults.Conflict)
	if !ok {
		return nil
	}
	at := int(injection.Chance * float64(len(writes)))
	return cancelled(len(writes), conflictsAt([]int{at}))
}

// unprocessed are the requests of a batch that a fault leaves undone, by their places among all requests in order of table names.
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html: "If none of the items can be processed … then
// BatchWriteItem returns a ProvisionedThroughputExceededException."
func (s *Service) unprocessed(in *batchWriteInput) (map[int]bool, map[string][]writeRequest, error) {
	left := map[string][]writeRequest{}
	if !s.options.Faults.Active() {
		return nil, left, nil
	}
	skip := map[int]bool{}
	n := 0
	for _, name := range sortedKeys(in.RequestItems) {
		for _, r := range in.RequestItems[name] {
			if _, ok := s.options.Faults.Decide("dynamodb:BatchWriteItem", name, faults.Partial); ok {
				skip[n] = true
				left[name] = append(left[name], r)
			}
			n++
		}
	}
	if n > 0 && len(skip) == n {
		return nil, nil, wire.Errorf(codeThroughputExceeded, "The level of configured provisioned throughput for the table was exceeded. Consider increasing your provisioning level with the UpdateTable API.")
	}
	return skip, left, nil
}

// MarshalJSON leaves out what a request has not, as the answer does for what it leaves unprocessed.
func (r writeRequest) MarshalJSON() ([]byte, error) {
	out := map[string]any{}
	if r.PutRequest != nil {
		out["PutRequest"] = map[string]json.RawMessage{"Item": r.PutRequest.Item}
	}
	if r.DeleteRequest != nil {
		out["DeleteRequest"] = map[string]json.RawMessage{"Key": r.DeleteRequest.Key}
	}
	return json.Marshal(out)
}

// skewed is the time that a stream record tells of its change: ApproximateCreationDateTime is approximate, and whose clock it is of
// is not said.
func (s *Stream) skewed(now int64) int64 {
	injection, ok := s.faults.Decide(streamOperation, s.table, faults.Skew)
	if !ok {
		return now
	}
	return now + int64((2*injection.Chance-1)*float64(injection.For)/float64(time.Second))
}
