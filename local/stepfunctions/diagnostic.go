package stepfunctions

import (
	"errors"
	"fmt"
	"strings"
)

// Codes of diagnostics (docs.aws.amazon.com/step-functions/latest/apireference/API_ValidateStateMachineDefinitionDiagnostic.html).
const (
	codeSchema           = "SCHEMA_VALIDATION_FAILED"
	codeJSON             = "INVALID_JSON_DESCRIPTION"
	codeNoEnd            = "MISSING_END_STATE"
	codeDuplicateName    = "DUPLICATE_STATE_NAME"
	codeStateName        = "INVALID_STATE_NAME"
	codeTransitionTarget = "MISSING_TRANSITION_TARGET"
)

// diagnostic is one thing that is wrong with a definition.
type diagnostic struct {
	code     string
	message  string
	location string // where it stands, "/States/Publish/Retry[0]"; "" where the service names no place
}

// diagnostics are everything that is wrong with a definition. The text is the one CreateStateMachine answers with.
type diagnostics []diagnostic

func (d diagnostics) Error() string {
	texts := make([]string, len(d))
	for i, one := range d {
		location := one.location
		if location == "" {
			location = "null" // so the service writes it
		}
		texts[i] = one.code + ": " + one.message + " at " + location
	}
	return strings.Join(texts, ", ")
}

// add takes in what err tells.
func (d *diagnostics) add(err error) {
	var more diagnostics
	if errors.As(err, &more) {
		*d = append(*d, more...)
	}
}

func (d diagnostics) err() error {
	if len(d) == 0 {
		return nil
	}
	return d
}

func problem(code, location, format string, args ...any) error {
	return diagnostics{{code, fmt.Sprintf(format, args...), location}}
}
