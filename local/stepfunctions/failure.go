package stepfunctions

import (
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
	// noCause is set where a Fail state gives none: the cause is absent then, not empty.
	noCause bool
}

func (f *failure) Error() string { return f.name + ": " + f.cause }

func failf(name, format string, args ...any) *failure {
	return &failure{name: name, cause: fmt.Sprintf(format, args...)}
}

// output is what a Catch gives its target.
func (f *failure) output() *value {
	members := []member{{"Error", stringValue(f.name)}}
	if !f.noCause {
		members = append(members, member{"Cause", stringValue(f.cause)})
	}
	return objectValue(members...)
}

// matches tells whether the ErrorEquals list names f. States.Runtime always ends the execution; States.DataLimitExceeded
// must be named; States.TaskFailed stands for every error but a timeout.
func (f *failure) matches(errorEquals []string) bool {
	if f.name == errorRuntime {
		return false
	}
	if slices.Contains(errorEquals, f.name) {
		return true
	}
	if f.name == errorDataLimit {
		return false
	}
	if slices.Contains(errorEquals, errorAll) {
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
