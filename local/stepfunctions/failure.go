package stepfunctions

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Error names of the Amazon States Language.
const (
	errorAll                = "States.ALL"
	errorTaskFailed         = "States.TaskFailed"
	errorTimeout            = "States.Timeout"
	errorRuntime            = "States.Runtime"
	errorDataLimit          = "States.DataLimitExceeded"
	errorNoChoiceMatched    = "States.NoChoiceMatched"
	errorIntrinsic          = "States.IntrinsicFailure"
	errorResultPathMismatch = "States.ResultPathMatchFailure"
)

// reservedErrors are the names with the prefix States. that ErrorEquals may hold.
var reservedErrors = []string{
	errorAll, errorTaskFailed, errorTimeout, errorRuntime, errorDataLimit, errorNoChoiceMatched, errorIntrinsic,
	errorResultPathMismatch, "States.HeartbeatTimeout", "States.Permissions", "States.ParameterPathFailure",
	"States.BranchFailed", "States.ExceedToleratedFailureThreshold", "States.ItemReaderFailed",
	"States.ResultWriterFailed", "States.Http.Socket", "States.QueryEvaluationError",
}

// failure is an error as the Amazon States Language knows it: a name that Retry and Catch match, and a cause.
type failure struct {
	name  string
	cause string
	// noName and noCause are set where a Fail state gives none: the execution has no error or cause then. In an error output
	// both are there in any case, as empty strings.
	noName, noCause bool
	// terminal failures end the execution whatever Retry and Catch say.
	terminal bool
	// located tells that the cause names the state.
	located bool
}

func (f *failure) Error() string { return f.name + ": " + f.cause }

// failf makes a failure. States.Runtime "isn't retriable, and will always cause the execution to fail"
// (docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html).
func failf(name, format string, args ...any) *failure {
	return &failure{name: name, cause: fmt.Sprintf(format, args...), terminal: name == errorRuntime}
}

// terminalf makes a failure that nothing catches.
func terminalf(name, format string, args ...any) *failure {
	return &failure{name: name, cause: fmt.Sprintf(format, args...), terminal: true}
}

// pathFailure tells that a path found nothing, in the words given, or why it could not be followed.
func pathFailure(err error, format string, args ...any) *failure {
	if errors.Is(err, errNoResults) {
		return failf(errorRuntime, format, args...)
	}
	return failf(errorRuntime, "%s", err)
}

// in puts the state's name before the cause, as the service does; the service adds the number of an event in a history.
func (f *failure) in(s *state) *failure {
	if !f.terminal || f.located {
		return f
	}
	located := *f
	located.located = true
	if f.name == errorRuntime {
		located.cause = fmt.Sprintf("An error occurred while executing the state '%s'. %s", s.name, f.cause)
	}
	return &located
}

// output is what a Catch gives its target.
func (f *failure) output() *value {
	return objectValue(member{"Error", stringValue(f.name)}, member{"Cause", stringValue(f.cause)})
}

// matches tells whether the ErrorEquals list names f. States.TaskFailed stands for every error but a timeout. A Task's
// result that is too large is matched by name and by States.ALL, as was recorded on AWS (LocalStack,
// error_handling/test_states_errors.snapshot.json), though the guide calls it terminal; that of another state is terminal.
func (f *failure) matches(errorEquals []string) bool {
	if f.terminal {
		return false
	}
	if slices.Contains(errorEquals, f.name) || slices.Contains(errorEquals, errorAll) {
		return true
	}
	return f.name != errorTimeout && slices.Contains(errorEquals, errorTaskFailed)
}

func checkErrorNames(names []string) error {
	for i, name := range names {
		if strings.HasPrefix(name, "States.") && !slices.Contains(reservedErrors, name) {
			return fmt.Errorf("%q is not an error name of the Amazon States Language", name)
		}
		if name == errorAll && len(names) > 1 {
			return fmt.Errorf("%s must stand alone, it is number %d of %d", errorAll, i+1, len(names))
		}
	}
	return nil
}
