package dynamodb

import (
	"encoding/json"

	"github.com/payrail/payrail/local/wire"
)

// Error codes of the service.
const (
	codeValidation         = "ValidationException"
	codeSerialization      = "SerializationException"
	codeResourceNotFound   = "ResourceNotFoundException"
	codeResourceInUse      = "ResourceInUseException"
	codeConditionFailed    = "ConditionalCheckFailedException"
	codeTransactionAborted = "TransactionCanceledException"
	codeTokenMismatch      = "IdempotentParameterMismatchException"
	codeInProgress         = "TransactionInProgressException"
	codeTrimmedData        = "TrimmedDataAccessException"
	codeExpiredIterator    = "ExpiredIteratorException"
)

// conditionFailedMessage is also the message of a cancellation reason.
const conditionFailedMessage = "The conditional request failed"

func invalid(format string, args ...any) *wire.Error {
	return wire.Errorf(codeValidation, format, args...)
}

// invalidParameter is the service's usual frame for a value it does not accept.
func invalidParameter(format string, args ...any) *wire.Error {
	return invalid("One or more parameter values were invalid: "+format, args...)
}

func notFound() *wire.Error { return wire.Errorf(codeResourceNotFound, "Requested resource not found") }

// conditionFailed is the failure of a single write; item is the present item where the caller asked for it.
func conditionFailed(item json.RawMessage) *wire.Error {
	e := wire.Errorf(codeConditionFailed, conditionFailedMessage)
	if item != nil {
		e.Members = map[string]any{"Item": item}
	}
	return e
}
