package stepfunctions

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The conformance of the operations, over their protocol.

const (
	apiMachine   = "arn:aws:states:us-east-1:000000000000:stateMachine:m"
	apiExecution = "arn:aws:states:us-east-1:000000000000:execution:m:e"
	apiSnapshot  = recorded + "test_sfn_api.snapshot.json"
)

// createOver makes the state machine m of a type.
func (f *fixture) createOver(t *testing.T, kind, definition string) {
	t.Helper()
	status, out := f.call(t, "CreateStateMachine", in{"name": "m", "roleArn": testRole, "type": kind, "definition": definition})
	require.Equal(t, 200, status, out)
}

func TestConformanceOfErrorsOfOperations(t *testing.T) {
	pass := single(`{"Type":"Pass","Result":{"Arg1":"argument1"},"End":true}`)
	for _, c := range []struct {
		source, kind, operation string
		call                    in
		code, message           string
	}{
		{apiSnapshot + " (test_create_delete_invalid_sm)", "STANDARD", "CreateStateMachine", in{"name": "x", "roleArn": testRole, "definition": `{"StartAt":"A"}`}, "InvalidDefinition", "Invalid State Machine Definition: 'SCHEMA_VALIDATION_FAILED: These fields are required: [States] at /'"},
		{apiSnapshot + " (test_create_duplicate_sm_name)", "STANDARD", "CreateStateMachine", in{"name": "m", "roleArn": testRole, "definition": single(`{"Type":"Succeed"}`)}, "StateMachineAlreadyExists", "State Machine Already Exists: '" + apiMachine + "'"},
		{apiSnapshot + " (test_create_duplicate_definition_format_sm)", "STANDARD", "CreateStateMachine", in{"name": "m", "roleArn": testRole, "definition": pass + " "}, "StateMachineAlreadyExists", "State Machine Already Exists: '" + apiMachine + "'"},
		{apiPages + "API_CreateStateMachine.html", "STANDARD", "CreateStateMachine", in{"name": "a b", "roleArn": testRole, "definition": pass}, "InvalidName", "Invalid Name: 'a b'"},
		{"https://github.com/aws/amazon-sagemaker-examples/issues/2432", "STANDARD", "CreateStateMachine", in{"name": "x", "roleArn": "<execution-role-arn>", "definition": pass}, "InvalidArn", "Invalid Role Arn: '<execution-role-arn>'"},
		{"https://github.com/aws/amazon-sagemaker-examples/issues/2432", "STANDARD", "UpdateStateMachine", in{"stateMachineArn": apiMachine, "roleArn": "role"}, "InvalidArn", "Invalid Role Arn: 'role'"},
		{apiSnapshot + " (test_create_update_state_machine_base_update_none)", "STANDARD", "UpdateStateMachine", in{"stateMachineArn": apiMachine}, "MissingRequiredParameter", "Either the definition, the role ARN, the LoggingConfiguration, or the TracingConfiguration must be specified"},
		{apiSnapshot + " (test_describe_invalid_arn_sm)", "STANDARD", "DescribeStateMachine", in{"stateMachineArn": "not_a_valid_arn"}, "InvalidArn", "Invalid Arn: 'Invalid ARN prefix: not_a_valid_arn'"},
		{apiSnapshot + " (test_describe_nonexistent_sm)", "STANDARD", "DescribeStateMachine", in{"stateMachineArn": apiMachine + "x"}, "StateMachineDoesNotExist", "State Machine Does Not Exist: '" + apiMachine + "x'"},
		{apiSnapshot + " (test_invalid_start_execution_arn)", "STANDARD", "StartExecution", in{"stateMachineArn": apiMachine + "x"}, "StateMachineDoesNotExist", "State Machine Does Not Exist: '" + apiMachine + "x'"},
		{apiSnapshot + " (test_invalid_start_execution_input)", "STANDARD", "StartExecution", in{"stateMachineArn": apiMachine, "input": ""}, "InvalidExecutionInput", "Invalid State Machine Execution Input: 'Invalid execution input.'"},
		{apiSnapshot + " (test_start_sync_execution)", "STANDARD", "StartSyncExecution", in{"stateMachineArn": apiMachine}, "StateMachineTypeNotSupported", "This operation is not supported by this type of state machine"},
		{apiSnapshot + " (test_describe_execution_no_such_state_machine)", "STANDARD", "DescribeExecution", in{"executionArn": apiExecution}, "ExecutionDoesNotExist", "Execution Does Not Exist: '" + apiExecution + "'"},
		{apiSnapshot + " (test_describe_execution_invalid_arn)", "STANDARD", "DescribeExecution", in{"executionArn": "invalid_state_machine_arn"}, "InvalidArn", "Invalid Arn: 'Invalid ARN prefix: invalid_state_machine_arn'"},
		{apiSnapshot + " (test_list_execution_invalid_arn)", "STANDARD", "ListExecutions", in{"stateMachineArn": "invalid_state_machine_arn"}, "InvalidArn", "Invalid Arn: 'Invalid ARN prefix: invalid_state_machine_arn'"},
		{apiSnapshot + " (test_list_execution_no_such_state_machine)", "STANDARD", "ListExecutions", in{"stateMachineArn": apiMachine + "x"}, "StateMachineDoesNotExist", "State Machine Does Not Exist: '" + apiMachine + "x'"},
		{apiSnapshot + " (test_state_machine_status_filter)", "STANDARD", "ListExecutions", in{"stateMachineArn": apiMachine, "statusFilter": "succeeded"}, "ValidationException", "1 validation error detected: Value 'succeeded' at 'statusFilter' failed to satisfy constraint: Member must satisfy enum value set: [SUCCEEDED, TIMED_OUT, PENDING_REDRIVE, ABORTED, FAILED, RUNNING]"},
		{apiSnapshot + " (test_list_executions_pagination)", "STANDARD", "ListExecutions", in{"stateMachineArn": apiMachine, "maxResults": 1001}, "ValidationException", "1 validation error detected: Value '1001' at 'maxResults' failed to satisfy constraint: Member must have value less than or equal to 1000"},
		{apiSnapshot + " (test_list_executions_pagination)", "STANDARD", "ListExecutions", in{"stateMachineArn": apiMachine, "nextToken": long('t', 3097)}, "ValidationException", "1 validation error detected: Value '" + long('t', 3097) + "' at 'nextToken' failed to satisfy constraint: Member must have length less than or equal to 3096"},
		{apiSnapshot + " (test_list_sms_pagination)", "STANDARD", "ListStateMachines", in{"maxResults": 1001}, "ValidationException", "1 validation error detected: Value '1001' at 'maxResults' failed to satisfy constraint: Member must have value less than or equal to 1000"},
		{apiSnapshot + " (test_list_sms_pagination)", "STANDARD", "ListStateMachines", in{"nextToken": long('t', 1025)}, "ValidationException", "1 validation error detected: Value '" + long('t', 1025) + "' at 'nextToken' failed to satisfy constraint: Member must have length less than or equal to 1024"},
		{apiPages + "API_ListStateMachines.html (InvalidToken)", "STANDARD", "ListStateMachines", in{"nextToken": "x"}, "InvalidToken", "Invalid Token: 'x'"},
		{recorded + "test_sfn_api_express.snapshot.json", "EXPRESS", "ListExecutions", in{"stateMachineArn": apiMachine}, "StateMachineTypeNotSupported", "This operation is not supported by this type of state machine"},
		{recorded + "test_sfn_api_express.snapshot.json", "EXPRESS", "DescribeExecution", in{"executionArn": "arn:aws:states:us-east-1:000000000000:express:m:e:id"}, "InvalidArn", "Invalid Arn: 'Resource type not valid in this context: express'"},
		{recorded + "test_sfn_api_express.snapshot.json", "EXPRESS", "StopExecution", in{"executionArn": "arn:aws:states:us-east-1:000000000000:express:m:e:id"}, "InvalidArn", "Invalid Arn: 'Resource type not valid in this context: express'"},
		{apiPages + "API_StartExecution.html (input)", "EXPRESS", "StartExecution", in{"stateMachineArn": apiMachine, "input": `"` + long('x', maxDataBytes-1) + `"`}, "ValidationException", "Member must have length less than or equal to 262144"},
		{apiPages + "API_StopExecution.html (error)", "STANDARD", "StopExecution", in{"executionArn": apiExecution, "error": long('e', 257)}, "ValidationException", "at 'error' failed to satisfy constraint: Member must have length less than or equal to 256"},
	} {
		t.Run(c.source+" "+c.operation, func(t *testing.T) {
			f := newFixture(t)
			f.createOver(t, c.kind, pass)
			status, out := f.call(t, c.operation, c.call)
			require.Equal(t, 400, status, c.source)
			require.Equal(t, c.code, out["__type"], c.source)
			require.Contains(t, out["message"], c.message, c.source)
		})
	}
}

func TestConformanceOfUpdates(t *testing.T) {
	const source = apiSnapshot + " (test_create_update_state_machine_*)"
	ids := 0
	f := newFixture(t, func(o *Options) { o.NewID = func() string { ids++; return intValue(int64(ids)).text } })
	f.createOver(t, "EXPRESS", single(`{"Type":"Pass","Result":1,"End":true}`))
	_, out := f.call(t, "CreateStateMachine", in{"name": "m", "roleArn": testRole + "2", "type": "EXPRESS", "definition": single(`{"Type":"Pass","Result":1,"End":true}`)})
	require.Equal(t, apiMachine, out["stateMachineArn"], apiPages+"API_CreateStateMachine.html: the role is no part of the idempotency check")
	_, out = f.call(t, "DescribeStateMachine", in{"stateMachineArn": apiMachine})
	require.NotContains(t, out, "revisionId", source)
	require.Equal(t, testRole, out["roleArn"], "and is not updated")

	status, out := f.call(t, "UpdateStateMachine", in{"stateMachineArn": apiMachine, "definition": single(`{"Type":"Pass","Result":2,"End":true}`)})
	require.Equal(t, 200, status)
	require.Equal(t, in{"revisionId": "1", "updateDate": 1783592130.0}, out, source)
	_, out = f.call(t, "UpdateStateMachine", in{"stateMachineArn": apiMachine, "roleArn": testRole + "3"})
	require.Equal(t, "2", out["revisionId"], source)
	_, out = f.call(t, "UpdateStateMachine", in{"stateMachineArn": apiMachine, "roleArn": testRole + "3"})
	require.Equal(t, "2", out["revisionId"], source+": nothing has changed")
	status, out = f.call(t, "UpdateStateMachine", in{"stateMachineArn": apiMachine, "definition": `{}`})
	require.Equal(t, 400, status)
	require.Equal(t, "InvalidDefinition", out["__type"])

	_, out = f.call(t, "DescribeStateMachine", in{"stateMachineArn": apiMachine})
	require.Equal(t, "2", out["revisionId"])
	require.Equal(t, testRole+"3", out["roleArn"])
	_, out = f.call(t, "StartSyncExecution", in{"stateMachineArn": apiMachine})
	require.Equal(t, "2", out["output"], "executions that start after an update run the new definition")
	require.EqualValues(t, 100, out["billingDetails"].(in)["billedDurationInMilliseconds"], recorded+"test_sfn_api_express.snapshot.json")
}

func TestConformanceOfVariableReferences(t *testing.T) {
	f := newFixture(t)
	f.createOver(t, "STANDARD", `{"StartAt":"Setup","States":{"Setup":{"Type":"Pass","Assign":{"guess":"the_guess","answer":"the_answer"},"Next":"CheckAnswer"},"CheckAnswer":{"Type":"Choice","Choices":[{"Variable":"$guess","StringEqualsPath":"$answer","Next":"Map"}],"Default":"WrongAnswer"},"WrongAnswer":{"Type":"Pass","Assign":{"guess.$":"$answer"},"Next":"CheckAnswer"},
	 "Map":{"Type":"Map","ItemProcessor":{"StartAt":"Summate","States":{"Summate":{"Type":"Pass","Parameters":{"s.$":"States.Format('{}{}', $guess, States.Array($answer))"},"End":true}}},"End":true}}}`)
	_, out := f.call(t, "DescribeStateMachine", in{"stateMachineArn": apiMachine})
	require.Equal(t, in{"CheckAnswer": []any{"answer", "guess"}, "WrongAnswer": []any{"answer"}, "Summate": []any{"answer", "guess"}}, out["variableReferences"], recorded+"test_sfn_api_variable_references.snapshot.json")
}

func TestConformanceOfStandardExecutions(t *testing.T) {
	f := newFixture(t)
	f.createOver(t, "STANDARD", single(`{"Type":"Pass","Result":{"Arg1":"argument1"},"End":true}`))
	status, out := f.call(t, "StartExecution", in{"stateMachineArn": apiMachine, "name": "e"})
	require.Equal(t, 200, status)
	require.Equal(t, in{"executionArn": apiExecution, "startDate": 1783592130.0}, out, apiSnapshot)
	f.Idle()
	_, out = f.call(t, "DescribeExecution", in{"executionArn": apiExecution})
	require.Equal(t, in{"executionArn": apiExecution, "input": "{}", "inputDetails": in{"included": true}, "name": "e", "output": `{"Arg1":"argument1"}`, "outputDetails": in{"included": true},
		"redriveCount": 0.0, "redriveStatus": "NOT_REDRIVABLE", "redriveStatusReason": "Execution is SUCCEEDED and cannot be redriven",
		"startDate": 1783592130.0, "stateMachineArn": apiMachine, "status": "SUCCEEDED", "stopDate": 1783592130.0}, out, apiSnapshot+" (test_describe_execution)")
	_, out = f.call(t, "ListExecutions", in{"stateMachineArn": apiMachine, "statusFilter": "SUCCEEDED"})
	require.Equal(t, in{"executions": []any{in{"executionArn": apiExecution, "name": "e", "redriveCount": 0.0, "startDate": 1783592130.0, "stateMachineArn": apiMachine, "status": "SUCCEEDED", "stopDate": 1783592130.0}}}, out, apiSnapshot+" (test_state_machine_status_filter)")
	_, out = f.call(t, "ListExecutions", in{"stateMachineArn": apiMachine, "statusFilter": "RUNNING"})
	require.Equal(t, in{"executions": []any{}}, out)
	status, out = f.call(t, "StartExecution", in{"stateMachineArn": apiMachine, "name": "e"})
	require.Equal(t, 400, status, apiPages+"API_StartExecution.html: closed, and so also with the same input")
	require.Equal(t, "ExecutionAlreadyExists", out["__type"])
}

func TestConformanceOfIdempotentStarts(t *testing.T) {
	const source = apiPages + "API_StartExecution.html"
	f := newFixture(t)
	f.createOver(t, "STANDARD", single(`{"Type":"Wait","Seconds":60,"End":true}`))
	start := func(name, input string) (int, in) {
		return f.call(t, "StartExecution", in{"stateMachineArn": apiMachine, "name": name, "input": input})
	}
	_, first := start("e", `{"a":1}`)
	f.clock.WaitForTimers(2)
	f.clock.Advance(time.Second)
	status, again := start("e", `{"a":1}`)
	require.Equal(t, 200, status, source)
	require.Equal(t, first, again, source+": the same response as the original request")
	status, out := start("e", `{"a":2}`)
	require.Equal(t, 400, status, source)
	require.Equal(t, "ExecutionAlreadyExists", out["__type"], source)
	require.Equal(t, "Execution Already Exists: '"+apiExecution+"'", out["message"])
	_, out = f.call(t, "DescribeExecution", in{"executionArn": apiExecution})
	require.Equal(t, "RUNNING", out["status"])
	require.NotContains(t, out, "stopDate")
	require.NotContains(t, out, "output")
	f.clock.Advance(time.Minute)
	f.Idle()
	require.Equal(t, Counts{Started: 1, Succeeded: 1}, f.Counts(apiMachine), "one execution")
}

func TestConformanceOfStops(t *testing.T) {
	f := newFixture(t)
	f.createOver(t, "STANDARD", single(`{"Type":"Wait","Seconds":60,"End":true}`))
	_, _ = f.call(t, "StartExecution", in{"stateMachineArn": apiMachine, "name": "e"})
	f.clock.WaitForTimers(2)
	f.clock.Advance(time.Second)
	status, out := f.call(t, "StopExecution", in{"executionArn": apiExecution, "error": "Mine", "cause": "because"})
	require.Equal(t, 200, status)
	require.Equal(t, in{"stopDate": 1783592131.0}, out, apiSnapshot+" (test_stop_execution)")
	f.Idle()
	_, out = f.call(t, "DescribeExecution", in{"executionArn": apiExecution})
	require.Equal(t, "ABORTED", out["status"])
	require.Equal(t, "Mine", out["error"])
	require.Equal(t, "because", out["cause"])
	require.Equal(t, 1783592131.0, out["stopDate"])
	require.Equal(t, "REDRIVABLE", out["redriveStatus"])
	require.Equal(t, Counts{Started: 1, Aborted: 1}, f.Counts(apiMachine))
	require.Contains(t, f.metrics.names, "ExecutionsAborted 1", guide+"procedure-cw-metrics.html")
	_, out = f.call(t, "StopExecution", in{"executionArn": apiExecution})
	require.Equal(t, in{"stopDate": 1783592131.0}, out, "it stays as it is")
}

func TestConformanceOfFailedAndTimedOutExecutions(t *testing.T) {
	for _, c := range []struct {
		source, definition string
		after              time.Duration
		want               in
	}{
		{apiPages + "API_DescribeExecution.html", single(`{"Type":"Fail","Error":"E","Cause":"C"}`), 0, in{"status": "FAILED", "error": "E", "cause": "C"}},
		{apiPages + "API_DescribeExecution.html", single(`{"Type":"Fail"}`), 0, in{"status": "FAILED", "error": nil, "cause": nil}},
		{measured + "2733", `{"StartAt":"W","TimeoutSeconds":3,"States":{"W":{"Type":"Wait","Seconds":25,"End":true}}}`, 3 * time.Second, in{"status": "TIMED_OUT", "error": nil, "cause": nil, "stopDate": 1783592133.0, "redriveStatus": "REDRIVABLE"}},
	} {
		f := newFixture(t)
		f.createOver(t, "STANDARD", c.definition)
		_, _ = f.call(t, "StartExecution", in{"stateMachineArn": apiMachine, "name": "e"})
		if c.after > 0 {
			f.clock.WaitForTimers(2)
			f.clock.Advance(c.after)
		}
		f.Idle()
		_, out := f.call(t, "DescribeExecution", in{"executionArn": apiExecution})
		for field, want := range c.want {
			require.Equal(t, want, out[field], "%s %s", c.source, field)
		}
	}
}

func TestConformanceOfDeletion(t *testing.T) {
	const source = apiPages + "API_DeleteStateMachine.html"
	f := newFixture(t)
	f.createOver(t, "STANDARD", single(`{"Type":"Wait","Seconds":60,"End":true}`))
	_, _ = f.call(t, "StartExecution", in{"stateMachineArn": apiMachine, "name": "e"})
	status, out := f.call(t, "DeleteStateMachine", in{"stateMachineArn": apiMachine})
	require.Equal(t, 200, status)
	require.Empty(t, out)
	f.Idle() // Its executions are terminated.
	status, _ = f.call(t, "DescribeStateMachine", in{"stateMachineArn": apiMachine})
	require.Equal(t, 400, status, source)
	status, _ = f.call(t, "DescribeExecution", in{"executionArn": apiExecution})
	require.Equal(t, 400, status, source)
	status, _ = f.call(t, "DeleteStateMachine", in{"stateMachineArn": apiMachine})
	require.Equal(t, 200, status, apiSnapshot+" (test_delete_nonexistent_sm)")
}

func TestExecutionsArePagedFromTheLastStarted(t *testing.T) {
	f := newFixture(t)
	f.createOver(t, "STANDARD", single(`{"Type":"Succeed"}`))
	for _, name := range []string{"a", "b", "c"} {
		_, _ = f.call(t, "StartExecution", in{"stateMachineArn": apiMachine, "name": name})
		f.Idle()
	}
	names := func(out in) (names []string) {
		for _, e := range out["executions"].([]any) {
			names = append(names, e.(in)["name"].(string))
		}
		return names
	}
	_, first := f.call(t, "ListExecutions", in{"stateMachineArn": apiMachine, "maxResults": 2})
	require.Equal(t, []string{"c", "b"}, names(first), apiPages+"API_ListExecutions.html: results are sorted by time, with the most recent execution first")
	_, second := f.call(t, "ListExecutions", in{"stateMachineArn": apiMachine, "maxResults": 2, "nextToken": first["nextToken"]})
	require.Equal(t, []string{"a"}, names(second))
	require.NotContains(t, second, "nextToken")
	status, out := f.call(t, "ListExecutions", in{"stateMachineArn": apiMachine, "nextToken": "x"})
	require.Equal(t, 400, status)
	require.Equal(t, "InvalidToken", out["__type"])
}

// A loop without an end is ended by the limit of the history: event 25,000 is the failure, 24,999 the exit of the state
// before. Every state of this loop makes two events, the start of the execution one: 12,499 states are entered.
func TestConformanceOfTheHistoryLimit(t *testing.T) {
	const source = measured + "2734"
	f := newFixture(t)
	f.createOver(t, "STANDARD", `{"StartAt":"Count","States":{"Count":{"Type":"Choice","Assign":{"n.$":"$.n"},"Choices":[{"Variable":"$.n","NumericEquals":-1,"Next":"E"}],"Default":"Add"},"Add":{"Type":"Pass","Parameters":{"n.$":"States.MathAdd($.n, 1)"},"Next":"Count"},"E":{"Type":"Succeed"}}}`)
	_, _ = f.call(t, "StartExecution", in{"stateMachineArn": apiMachine, "name": "e", "input": `{"n":0}`})
	f.Idle()
	_, out := f.call(t, "DescribeExecution", in{"executionArn": apiExecution})
	require.Equal(t, "FAILED", out["status"], source)
	require.Equal(t, "States.Runtime", out["error"], source)
	require.Equal(t, "The execution reached the maximum number of history events (25000).", out["cause"], source)
}

func TestEventsOfTheHistoryAreCounted(t *testing.T) {
	for _, c := range []struct {
		source, definition string
		events             int64
	}{
		{apiSnapshot + " (test_start_execution; without ExecutionSucceeded)", single(`{"Type":"Pass","End":true}`), 3},
		{recorded + "timeouts/test_timeouts.snapshot.json (a task makes three of its own)", single(`{"Type":"Task","Resource":"arn:aws:states:::sns:publish","Parameters":{"TopicArn":"t","Message":"m"},"End":true}`), 6},
		{recorded + "assign/test_assign_base.snapshot.json (BASE_SCOPE_PARALLEL)", single(`{"Type":"Parallel","Branches":[{"StartAt":"A","States":{"A":{"Type":"Pass","End":true}}},{"StartAt":"B","States":{"B":{"Type":"Pass","End":true}}},{"StartAt":"C","States":{"C":{"Type":"Pass","End":true}}}],"End":true}`), 11},
		{recorded + "assign/test_assign_base.snapshot.json (a Map of three)", single(`{"Type":"Map","ItemsPath":"$.l","ItemProcessor":{"StartAt":"A","States":{"A":{"Type":"Pass","End":true}}},"End":true}`), 17},
	} {
		f := newFixture(t)
		f.createOver(t, "STANDARD", c.definition)
		p, err := f.begin(context.Background(), apiMachine, "e", []byte(`{"l":[1,2,3]}`))
		require.NoError(t, err)
		require.Nil(t, f.finish(p).failure)
		require.Equal(t, c.events, p.events.Load(), c.source)
	}
}

func TestEndedExecutionsAreKeptWithinBounds(t *testing.T) {
	e := executions{byARN: map[string]*record{}}
	end := func(arn string, bytes int) {
		r, fresh, err := e.begin(&record{arn: arn, machineARN: "m", input: strings.Repeat("x", bytes)})
		require.NoError(t, err)
		require.True(t, fresh)
		e.end(r, outcome{output: nullValue})
	}
	running, _, err := e.begin(&record{arn: "running", machineARN: "m"})
	require.NoError(t, err)
	end("first", maxKeptBytes/2)
	end("second", maxKeptBytes/3)
	require.Len(t, e.byARN, 3)
	end("third", maxKeptBytes/2)
	require.NotContains(t, e.byARN, "first", "the oldest makes room")
	require.Contains(t, e.byARN, "running", "what runs is not forgotten")
	require.LessOrEqual(t, e.bytes, maxKeptBytes)
	for range maxKeptExecutions + 5 {
		end(intValue(int64(e.starts)).text, 1)
	}
	require.Len(t, e.ended, maxKeptExecutions)
	require.Same(t, running, e.byARN["running"])
}

func TestStandardExecutionsAreLimited(t *testing.T) {
	f := newFixture(t, func(o *Options) { o.MaxConcurrent = 1 })
	f.createOver(t, "STANDARD", single(`{"Type":"Wait","Seconds":60,"End":true}`))
	_, err := f.Start(context.Background(), apiMachine, "a", []byte(`{}`))
	require.NoError(t, err)
	_, err = f.Start(context.Background(), apiMachine, "b", []byte(`{}`))
	require.ErrorContains(t, err, "ExecutionLimitExceeded: The maximum number of running executions has been reached.")
	status, _ := f.call(t, "DescribeExecution", in{"executionArn": strings.Replace(apiExecution, ":e", ":b", 1)})
	require.Equal(t, 400, status, "what was refused is not there")
}

// The time an execution takes is told in milliseconds.
func TestExecutionTime(t *testing.T) {
	f := newFixture(t)
	done := f.async(t, single(`{"Type":"Wait","Seconds":2,"End":true}`), `{}`)
	f.clock.WaitForTimers(2)
	f.clock.Advance(2 * time.Second)
	<-done
	require.Contains(t, f.metrics.names, "ExecutionTime 2000", guide+"procedure-cw-metrics.html")
}
