package payment

import (
	"errors"
	"strings"
)

// Kind says what may be done about an error. The strings are stable: they stand in parked records, dead-letter records and
// metrics.
type Kind string

const (
	// Invalid input: the same input fails again. Park it with its reason.
	Invalid Kind = "INVALID"
	// Unsupported input: well formed, but not posted by this version. Park it; a later version may take it.
	Unsupported Kind = "UNSUPPORTED"
	// Conflict: the key is known with other content. Park it and alert; never post it.
	Conflict Kind = "CONFLICT"
	// Unavailable: something the work needs did not answer. Try again.
	Unavailable Kind = "UNAVAILABLE"
)

// Retryable reports whether the same work may succeed later without anybody changing anything.
func (k Kind) Retryable() bool { return k == Unavailable }

// Error is an error with a kind and, for operators, a reason code such as "CURRENCY_UNKNOWN".
type Error struct {
	Kind   Kind
	Reason string
	Err    error
}

func (e *Error) Error() string {
	if e.Err == nil {
		return e.Reason
	}
	return e.Reason + ": " + e.Err.Error()
}

func (e *Error) Unwrap() error { return e.Err }

// KindOf returns the kind of err, or Unavailable for an error without one: what is not known to be final is tried again
// and ends in a dead-letter queue, where nothing is lost.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	var f FieldErrors
	if errors.As(err, &f) {
		return Invalid
	}
	return Unavailable
}

// ReasonOf returns the reason code of err, or "INTERNAL" for an error without one.
func ReasonOf(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Reason
	}
	if onlyAmounts(err) {
		return ReasonBadAmount
	}
	var f FieldErrors
	if errors.As(err, &f) {
		return ReasonMalformed
	}
	return "INTERNAL"
}

// ReasonMalformed is the reason of input whose fields do not have their form.
const ReasonMalformed = "MALFORMED"

// FieldError names a field and what is wrong with it. It never carries the field's value: that may be a card number.
type FieldError struct {
	Field   string `json:"field"`
	Problem string `json:"problem"`
}

func (e FieldError) Error() string { return e.Field + " " + e.Problem }

// FieldErrors is everything that is wrong with one message. Its kind is Invalid.
type FieldErrors []FieldError

func (e FieldErrors) Error() string {
	texts := make([]string, len(e))
	for i, f := range e {
		texts[i] = f.Error()
	}
	return strings.Join(texts, "; ")
}
