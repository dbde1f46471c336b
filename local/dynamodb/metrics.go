package dynamodb

import (
	"encoding/json"
	"net/http"

	"github.com/payrail/payrail/local/wire"
)

// The metrics of failed calls, by their names in CloudWatch's namespace AWS/DynamoDB. ConditionalCheckFailedRequests and
// TransactionConflict have the dimension TableName, the others TableName and Operation.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/metrics-dimensions.html
const (
	MetricConditionalCheckFailed = "ConditionalCheckFailedRequests"
	MetricTransactionConflict    = "TransactionConflict"
	MetricThrottled              = "ThrottledRequests"
	MetricSystemErrors           = "SystemErrors"
)

// reasonMetrics are the metrics of what cancels a transaction, by the reason's code.
var reasonMetrics = map[string]string{"ConditionalCheckFailed": MetricConditionalCheckFailed, "TransactionConflict": MetricTransactionConflict}

// observe reports a failed call. A call that succeeds costs nothing here.
func (s *Service) observe(operation string, body []byte, err error) {
	if err == nil || s.options.Observe == nil {
		return
	}
	e := wire.AsError(err)
	switch {
	case e.Code == "TransactionCanceledException":
		s.observeCancelled(operation, body, e)
	case e.Code == "ConditionalCheckFailedException":
		s.observeTables(operation, body, MetricConditionalCheckFailed)
	case e.Code == "TransactionConflictException":
		s.observeTables(operation, body, MetricTransactionConflict)
	case e.Code == "ThrottlingException" || e.Code == "ProvisionedThroughputExceededException" || e.Code == "RequestLimitExceeded":
		s.observeTables(operation, body, MetricThrottled)
	case e.Status >= http.StatusInternalServerError && e.Status != http.StatusNotImplemented:
		s.observeTables(operation, body, MetricSystemErrors)
	}
}

// namedTable is the part of a request, or of an element of one, that names a table.
type namedTable struct{ TableName string }

// observeTables reports a metric of every table that a request names.
func (s *Service) observeTables(operation string, body []byte, metric string) {
	var in struct {
		namedTable
		RequestItems  map[string]json.RawMessage
		TransactItems []map[string]namedTable
	}
	if json.Unmarshal(body, &in) != nil {
		return // The call has failed for that.
	}
	tables := map[string]bool{in.TableName: true}
	for table := range in.RequestItems {
		tables[table] = true
	}
	for _, item := range in.TransactItems {
		for _, action := range item {
			tables[action.TableName] = true
		}
	}
	for table := range tables {
		if table != "" {
			s.options.Observe(s.tableName(table), operation, metric)
		}
	}
}

// observeCancelled reports why a transaction was cancelled, for the tables of the actions that did it.
func (s *Service) observeCancelled(operation string, body []byte, e *wire.Error) {
	var in struct{ TransactItems []map[string]namedTable }
	reasons, _ := e.Members["CancellationReasons"].([]cancellationReason) // An injected cancellation has none.
	if json.Unmarshal(body, &in) != nil || len(reasons) != len(in.TransactItems) {
		return
	}
	for i, reason := range reasons {
		metric, ok := reasonMetrics[reason.Code]
		if !ok {
			continue
		}
		for _, action := range in.TransactItems[i] {
			s.options.Observe(s.tableName(action.TableName), operation, metric)
		}
	}
}

// tableName is a table's name where it, or its ARN, was given.
func (s *Service) tableName(nameOrARN string) string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if t, err := s.table(nameOrARN); err == nil {
		return t.spec.Name
	}
	return nameOrARN
}
