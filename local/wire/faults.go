package wire

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/payrail/payrail/local/faults"
)

// WithFaults runs effect between the two passes of the injector.
func WithFaults[T any](injector *faults.Injector, operation string, effect func() (T, error)) (T, error) {
	return WithFaultsOn(injector, operation, "", effect)
}

// WithFaultsOn is WithFaults for an operation on a resource: a queue, a table, a function.
func WithFaultsOn[T any](injector *faults.Injector, operation, resource string, effect func() (T, error)) (T, error) {
	var zero T
	if err := injector.Before(operation, resource); err != nil {
		return zero, err
	}
	out, err := effect()
	if err != nil {
		return zero, err
	}
	if err := injector.After(operation, resource); err != nil {
		return zero, err
	}
	return out, nil
}

// Unanswered ends a request that is not to be answered: it holds the request for as long as the fault says or until the client
// has lost its patience, and closes the connection. It returns at once for every other error. The time is real: so is the client.
func Unanswered(r *http.Request, err error) {
	var f *faults.Error
	if !errors.As(err, &f) || f.Unanswered == 0 {
		return
	}
	held := time.NewTimer(f.Unanswered)
	defer held.Stop()
	select {
	case <-held.C:
	case <-r.Context().Done():
	}
	panic(http.ErrAbortHandler) // The server's way to close a connection; nothing is logged.
}

// injectedStatus gives injected throttles and client errors status 400 and server faults 500, as the services do, and their own to
// the codes that have one.
func injectedStatus(f *faults.Error) int {
	switch {
	case f.Unanswered > 0:
		return http.StatusGatewayTimeout
	case f.Code == "TooManyRequestsException":
		return http.StatusTooManyRequests
	case f.Code == "SlowDown":
		return http.StatusServiceUnavailable
	case strings.Contains(f.Code, "Internal") || strings.Contains(f.Code, "Unavailable") || f.Code == "ServiceException":
		return http.StatusInternalServerError
	}
	return http.StatusBadRequest
}

// resourceOf is what a request of the JSON protocol is on, in the name of the fault injector: a table (of a transaction the first),
// a queue, a state machine, a delivery stream, or the detail-type of the first event. It is empty where it is none of these.
func resourceOf(body []byte) string {
	var request struct {
		TableName, QueueUrl, DeliveryStreamName string
		StateMachineArn                         string `json:"stateMachineArn"`
		RequestItems                            map[string]json.RawMessage
		TransactItems                           []map[string]struct{ TableName string }
		// Of SQS they are something else, and its requests have a queue.
		Entries []struct{ DetailType string }
	}
	if json.Unmarshal(body, &request) != nil {
		return "" // The operation itself says what is wrong.
	}
	for _, action := range request.TransactItems {
		for _, write := range action {
			return write.TableName
		}
	}
	tables := make([]string, 0, len(request.RequestItems))
	for table := range request.RequestItems {
		tables = append(tables, table)
	}
	if len(tables) > 0 {
		return slices.Min(tables)
	}
	if len(request.Entries) > 0 && request.Entries[0].DetailType != "" {
		return request.Entries[0].DetailType
	}
	for _, name := range []string{request.TableName, request.QueueUrl, request.DeliveryStreamName, request.StateMachineArn} {
		if name != "" {
			return LastPart(name)
		}
	}
	return ""
}

// LastPart is the name at the end of an ARN or an address.
func LastPart(name string) string { return name[strings.LastIndexAny(name, ":/")+1:] }
