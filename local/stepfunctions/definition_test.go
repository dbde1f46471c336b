package stepfunctions

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestDefinitionsRefused(t *testing.T) {
	const put = `"Resource":"arn:aws:states:::events:putEvents"`
	task := func(more string) string {
		return single(`{"Type":"Task",` + put + `,"Parameters":{"Entries":[]},"End":true` + more + `}`)
	}
	choice := func(rule, more string) string {
		return `{"StartAt":"S","States":{"S":{"Type":"Choice","Choices":[` + rule + `]` + more + `},"T":{"Type":"Succeed"}}}`
	}
	const item = `"ItemProcessor":{"StartAt":"A","States":{"A":{"Type":"Succeed"}}}`
	for definition, want := range map[string]string{
		``:                            `SCHEMA_VALIDATION_FAILED: Definition must be a valid JSON object at null`,
		`[]`:                          `SCHEMA_VALIDATION_FAILED: Definition must be a valid JSON object at null`,
		`{`:                           `INVALID_JSON_DESCRIPTION: reading JSON`,
		`{}`:                          `SCHEMA_VALIDATION_FAILED: These fields are required: [States, StartAt] at /`,
		`{"StartAt":"S"}`:             `SCHEMA_VALIDATION_FAILED: These fields are required: [States] at /`,
		`{"StartAt":"S","States":[]}`: `Expected value of type Object at /States`,
		`{"StartAt":"X","States":{"S":{"Type":"Succeed"}}}`:                                `MISSING_TRANSITION_TARGET: Missing 'StartAt' target: X at /StartAt`,
		`{"StartAt":"S","States":{"S":{"Type":"Succeed"}},"Extra":1}`:                      `Field 'Extra' is not supported at /`,
		`{"StartAt":"S","States":{"S":{"Type":"Succeed"}},"Version":"2"}`:                  `The value must be 1.0, it is "2" at /Version`,
		`{"StartAt":"S","States":{"S":{"Type":"Succeed"}},"Comment":1}`:                    `Expected value of type String at /Comment`,
		`{"StartAt":"S","States":{"S":{"Type":"Succeed"}},"TimeoutSeconds":0}`:             `The value must be an integer from 1 to 99999999 at /TimeoutSeconds`,
		`{"StartAt":"S","States":{"S":{"Type":"Succeed"}},"QueryLanguage":"JSONata"}`:      `QueryLanguage 'JSONata' is not done by the local runtime, only JSONPath at /QueryLanguage`,
		`{"StartAt":"S","States":{"S":{"Type":"Succeed"}},"QueryLanguage":"XPath"}`:        `should have one of these values: [JSONPath, JSONata] at /QueryLanguage`,
		`{"StartAt":"S","States":{"S":{"Type":"Succeed"},"T":{"Type":"Succeed"}}}`:         `MISSING_TRANSITION_TARGET: State "T" is not reachable. at /States/T`,
		`{"StartAt":"S","States":{"S":{"Type":"Pass","Next":"S"}}}`:                        `MISSING_END_STATE: Workflow has no terminal state at null`,
		`{"StartAt":"S","States":{"S":{"Type":"Pass","Next":"X"},"T":{"Type":"Succeed"}}}`: `'MISSING_TRANSITION_TARGET: Missing 'Next' target: X at /States/S/Next, MISSING_TRANSITION_TARGET: State "T" is not reachable. at /States/T'`,
		`{"StartAt":"S","States":{"S":{"Type":"Pass"},"T":{"Type":"Nope"}}}`:               `These fields are required: [Next], or "End": true at /States/S, SCHEMA_VALIDATION_FAILED: The field 'Type' should`,
		single(`{"Type":"Pass","QueryLanguage":"JSONata","End":true}`):                     `QueryLanguage 'JSONata' is not done by the local runtime, only JSONPath at /States/S/QueryLanguage`,
		single(`{"Type":"Nope"}`): `The field 'Type' should have one of these values: [Task, Wait, Pass, Succeed, Fail, Choice, Parallel, Map] at /States/S/Type`,
		single(`{"End":true}`):    `These fields are required: [Type] at /States/S`,
		single(`1`):               `Expected value of type Object at /States/S`,
		single(`{"Type":"Pass","Next":"S","End":true}`):                                                     `Only one of these fields may be given: [Next, End] at /States/S`,
		single(`{"Type":"Pass","End":"yes"}`):                                                               `Expected value of type Boolean at /States/S/End`,
		single(`{"Type":"Pass","Output":1,"End":true}`):                                                     `The QueryLanguage is set to 'JSONPath', but field 'Output' is only supported for the 'JSONata' QueryLanguage at /States/S`,
		single(`{"Type":"Pass","Catch":[],"End":true}`):                                                     `Field 'Catch' is not supported at /States/S`,
		single(`{"Type":"Pass","InputPath":"a","End":true}`):                                                `must start with $ at /States/S/InputPath`,
		single(`{"Type":"Pass","InputPath":1,"End":true}`):                                                  `Expected value of type String: a path at /States/S/InputPath`,
		single(`{"Type":"Pass","ResultPath":"$$.a","End":true}`):                                            `the context object cannot be written to at /States/S/ResultPath`,
		single(`{"Type":"Pass","ResultPath":"$a","End":true}`):                                              `a variable is written to by Assign, not here at /States/S/ResultPath`,
		single(`{"Type":"Pass","ResultPath":"$.a[*]","End":true}`):                                          `is not a Reference Path: it may hold field names and indexes only at /States/S/ResultPath`,
		single(`{"Type":"Pass","Parameters":["$.a"],"End":true}`):                                           `Expected value of type Object at /States/S/Parameters`,
		single(`{"Type":"Pass","Parameters":1,"End":true}`):                                                 `Expected value of type Object at /States/S/Parameters`,
		single(`{"Type":"Pass","Parameters":{"a.$":"x"},"End":true}`):                                       `The value for the field 'a.$' must be a valid JSONPath or a valid intrinsic function call (it is "x") at /States/S/Parameters`,
		single(`{"Type":"Pass","Parameters":{"a.$":1},"End":true}`):                                         `must be a valid JSONPath or a valid intrinsic function call (it is a number)`,
		single(`{"Type":"Pass","Parameters":{"a.$":"$.b","a":1},"End":true}`):                               `the field "a" is given twice`,
		single(`{"Type":"Succeed","Next":"S"}`):                                                             `Field 'Next' is not supported at /States/S`,
		single(`{"Type":"Fail","Error":"E","ErrorPath":"$.e"}`):                                             `Only one of these fields may be given: [Error, ErrorPath] at /States/S`,
		single(`{"Type":"Fail","Error":1}`):                                                                 `Expected value of type String at /States/S/Error`,
		single(`{"Type":"Fail","CausePath":"x"}`):                                                           `must be a Reference Path or one of the intrinsic functions that return a string`,
		single(`{"Type":"Fail","CausePath":"States.Array(1)"}`):                                             `one of the intrinsic functions that return a string: States.Format, States.JsonToString`,
		single(`{"Type":"Fail","CausePath":"$.a[*]"}`):                                                      `is not a Reference Path`,
		single(`{"Type":"Fail","End":true}`):                                                                `Field 'End' is not supported at /States/S`,
		single(`{"Type":"Wait","End":true}`):                                                                `One of these fields is required: [Seconds, Timestamp, SecondsPath, TimestampPath] at /States/S`,
		single(`{"Type":"Wait","Seconds":1,"SecondsPath":"$.a","End":true}`):                                `Only one of these fields may be given: [Seconds, SecondsPath] at /States/S`,
		single(`{"Type":"Wait","Seconds":-1,"End":true}`):                                                   `The value must be an integer from 0 to 99999999 at /States/S/Seconds`,
		single(`{"Type":"Wait","Timestamp":"soon","End":true}`):                                             `RFC 3339`,
		single(`{"Type":"Wait","SecondsPath":"$.a[*]","End":true}`):                                         `is not a Reference Path: it may hold field names and indexes only at /States/S/SecondsPath`,
		single(`{"Type":"Choice"}`):                                                                         `These fields are required: [Choices] at /States/S`,
		single(`{"Type":"Choice","Choices":[]}`):                                                            `Expected value of type Array that is not empty at /States/S/Choices`,
		choice(`{"Variable":"$.a","IsNull":true}`, ``):                                                      `These fields are required: [Next] at /States/S/Choices[0]`,
		choice(`{"Variable":"$.a","IsNull":true,"Next":"U"}`, ``):                                           `Missing 'Next' target: U at /States/S/Choices[0]/Next`,
		choice(`{"Variable":"$.a","IsNull":true,"Next":"T"}`, `,"Default":"U"`):                             `Missing 'Default' target: U at /States/S/Default`,
		choice(`{"Variable":"$.a","IsNull":true,"Next":"T"}`, `,"End":true`):                                `Field 'End' is not supported at /States/S`,
		choice(`{"Variable":"$.a","Next":"T"},{"Variable":"$.a","IsNil":true,"Next":"T"}`, ``):              `A choice rule needs a comparison operator beside Variable at /States/S/Choices[0], SCHEMA_VALIDATION_FAILED: Field 'IsNil' is not supported at /States/S/Choices[1]`,
		single(`{"Type":"Task","End":true}`):                                                                `These fields are required: [Resource] at /States/S`,
		single(`{"Type":"Task","Resource":"arn:aws:states:::dynamodb:putItem","End":true}`):                 `The resource arn:aws:states:::dynamodb:putItem is not done by the local runtime at /States/S/Resource`,
		single(`{"Type":"Task","Resource":"arn:aws:states:::sqs:sendMessage.waitForTaskToken","End":true}`): `'SCHEMA_VALIDATION_FAILED: Express state machine does not support '.waitForTaskToken' service integration  at /States/S/Resource'`,
		single(`{"Type":"Task","Resource":"arn:aws:states:::states:startExecution.sync:2","End":true}`):     `'SCHEMA_VALIDATION_FAILED: Express state machine does not support '.sync' service integration at /States/S/Resource'`,
		single(`{"Type":"Task","Resource":"arn:aws:states:us-east-1:1:activity:a","End":true}`):             `'SCHEMA_VALIDATION_FAILED: Express state machine does not support Activity ARN at /States/S/Resource'`,
		single(`{"Type":"Task",` + put + `,"End":true}`):                                                    `The field "Entries" is required but was missing at /States/S/Parameters`,
		single(`{"Type":"Task",` + put + `,"Parameters":{"Entries":[],"EndpointId":"x"},"End":true}`):       `The field "EndpointId" is not supported by this resource of the local runtime at /States/S/Parameters`,
		task(`,"HeartbeatSeconds":5`):                                                                       `Field 'HeartbeatSeconds' is not done by the local runtime at /States/S`,
		task(`,"Credentials":{}`):                                                                           `Field 'Credentials' is not done by the local runtime at /States/S`,
		task(`,"TimeoutSeconds":1,"TimeoutSecondsPath":"$.t"`):                                              `Only one of these fields may be given: [TimeoutSeconds, TimeoutSecondsPath]`,
		task(`,"Retry":{}`):                                                                                             `Expected value of type Array at /States/S/Retry`,
		task(`,"Retry":[{}]`):                                                                                           `These fields are required: [ErrorEquals] at /States/S/Retry[0]`,
		task(`,"Retry":[{"ErrorEquals":[]}]`):                                                                           `Expected value of type Array that is not empty at /States/S/Retry[0]/ErrorEquals`,
		task(`,"Retry":[{"ErrorEquals":[1]}]`):                                                                          `Expected elements of type String at /States/S/Retry[0]/ErrorEquals`,
		task(`,"Retry":[{"ErrorEquals":["States.Nope"]}]`):                                                              `"States.Nope" is not an error name of the Amazon States Language`,
		task(`,"Retry":[{"ErrorEquals":["States.ALL","A"]}]`):                                                           `States.ALL must stand alone`,
		task(`,"Retry":[{"ErrorEquals":["States.ALL"]},{"ErrorEquals":["A"]}]`):                                         `States.ALL must be in the last entry at /States/S/Retry[0]/ErrorEquals`,
		task(`,"Catch":[{"ErrorEquals":["States.ALL"],"Next":"S"},{"ErrorEquals":["A"],"Next":"S"}]`):                   `States.ALL must be in the last entry at /States/S/Catch[0]/ErrorEquals`,
		task(`,"Retry":[{"ErrorEquals":["A"],"IntervalSeconds":0}]`):                                                    `The value must be an integer from 1 to 99999999 at /States/S/Retry[0]/IntervalSeconds`,
		task(`,"Retry":[{"ErrorEquals":["A"],"MaxAttempts":-1}]`):                                                       `The value must be an integer from 0 to 99999999 at /States/S/Retry[0]/MaxAttempts`,
		task(`,"Retry":[{"ErrorEquals":["A"],"BackoffRate":0.5}]`):                                                      `The value must be a number of 1 or more at /States/S/Retry[0]/BackoffRate`,
		task(`,"Retry":[{"ErrorEquals":["A"],"IntervalSeconds":5,"MaxDelaySeconds":5}]`):                                `The value must be an integer from 6 to 31622400 at /States/S/Retry[0]/MaxDelaySeconds`,
		task(`,"Retry":[{"ErrorEquals":["A"],"JitterStrategy":"HALF"}]`):                                                `The field 'JitterStrategy' should have one of these values: [FULL, NONE] at /States/S/Retry[0]/JitterStrategy`,
		task(`,"Retry":[{"ErrorEquals":["A"],"Jitter":1}]`):                                                             `Field 'Jitter' is not supported at /States/S/Retry[0]`,
		task(`,"Catch":[{"ErrorEquals":["A"]}]`):                                                                        `These fields are required: [Next] at /States/S/Catch[0]`,
		task(`,"Catch":[{"ErrorEquals":["A"],"Next":"T"}]`):                                                             `Missing 'Next' target: T at /States/S/Catch[0]/Next`,
		single(`{"Type":"Parallel","End":true}`):                                                                        `These fields are required: [Branches] at /States/S`,
		single(`{"Type":"Parallel","Branches":[],"End":true}`):                                                          `Expected value of type Array that is not empty at /States/S/Branches`,
		single(`{"Type":"Parallel","Branches":[{"StartAt":"A","States":{"A":{"Type":"Pass","Next":"S"}}}],"End":true}`): `Missing 'Next' target: S at /States/S/Branches[0]/States/A/Next`,
		single(`{"Type":"Parallel","Branches":[{"StartAt":"A","States":{"A":{"Type":"Succeed"}}},{"StartAt":"A","States":{"A":{"Type":"Succeed"}}}],"End":true}`): `DUPLICATE_STATE_NAME: The state name "A" is given more than once`,
		single(`{"Type":"Parallel","TimeoutSeconds":1,"Branches":[{"StartAt":"A","States":{"A":{"Type":"Succeed"}}}],"End":true}`):                                `Field 'TimeoutSeconds' is not supported at /States/S`,
		single(`{"Type":"Parallel","Branches":[{"QueryLanguage":"JSONPath","StartAt":"A","States":{"A":{"Type":"Succeed"}}}],"End":true}`):                        `Field 'QueryLanguage' is not supported at /States/S/Branches[0]`,
		single(`{"Type":"Map","End":true}`):                                                                                                            `These fields are required: [ItemProcessor] at /States/S`,
		single(`{"Type":"Map","MaxConcurrency":-1,` + item + `,"End":true}`):                                                                           `The value must be an integer from 0`,
		single(`{"Type":"Map","ItemsPath":"$.a[?(@.b==1)]",` + item + `,"End":true}`):                                                                  `is not a Reference Path: it may hold field names and indexes only at /States/S/ItemsPath`,
		single(`{"Type":"Map","ItemSelector":{},"Parameters":{},` + item + `,"End":true}`):                                                             `Only one of these fields may be given: [ItemSelector, Parameters]`,
		single(`{"Type":"Map","ToleratedFailureCount":1,` + item + `,"End":true}`):                                                                     `Field 'ToleratedFailureCount' is not done by the local runtime at /States/S`,
		single(`{"Type":"Map","ItemProcessor":{"QueryLanguage":"JSONPath","StartAt":"A","States":{"A":{"Type":"Succeed"}}},"End":true}`):               `Field 'QueryLanguage' is not supported at /States/S/ItemProcessor`,
		single(`{"Type":"Map","ItemProcessor":{"ProcessorConfig":{"Mode":"DISTRIBUTED"},"StartAt":"A","States":{"A":{"Type":"Succeed"}}},"End":true}`): `Map states in the mode "DISTRIBUTED" are not done by the local runtime, only INLINE at /States/S/ItemProcessor/ProcessorConfig/Mode`,
		`{"StartAt":"` + long('s', 81) + `","States":{"` + long('s', 81) + `":{"Type":"Succeed"}}}`:                                                    `INVALID_STATE_NAME: The name of a state has 1 to 80 characters, this one 81`,
		single(`{"Type":"Pass","Assign":1,"End":true}`):                                                                                                `Expected value of type Object: names of variables and their values at /States/S/Assign`,
		single(`{"Type":"Pass","Assign":{"a.b":1},"End":true}`):                                                                                        `"a.b" is not a variable name`,
		single(`{"Type":"Pass","Assign":{"x[2]":1},"End":true}`):                                                                                       `"x[2]" is not a variable name`,
		single(`{"Type":"Pass","Assign":{"states":1},"End":true}`):                                                                                     `the variable $states is reserved`,
		single(`{"Type":"Pass","Assign":{"x":1,"x.$":"$"},"End":true}`):                                                                                `the field "x" is given twice`,
		single(`{"Type":"Succeed","Assign":{"x":1}}`):                                                                                                  `Field 'Assign' is not supported at /States/S`,
		single(`{"Type":"Fail","Assign":{"x":1}}`):                                                                                                     `Field 'Assign' is not supported at /States/S`,
		`{"StartAt":"S","States":{"S":{"Type":"Pass","Assign":{"x":1},"Next":"P"},"P":{"Type":"Parallel","Branches":[{"StartAt":"A","States":{"A":{"Type":"Pass","Assign":{"x":2},"End":true}}}],"End":true}}}`: `The variable 'x' is assigned in an outer scope, too (/States/S/Assign): give the inner one another name at /States/P/Branches[0]/States/A/Assign`,
	} {
		f := newFixture(t)
		_, err := f.CreateStateMachine(Spec{Name: "m", Type: "EXPRESS", Definition: definition})
		require.ErrorContains(t, err, want, definition)
		require.ErrorContains(t, err, "InvalidDefinition: Invalid State Machine Definition: '", definition)
	}
}

// What EXPRESS refuses as such is refused in STANDARD because it is not done here.
func TestWaitingIntegrationsAreRefusedInStandard(t *testing.T) {
	for resource, want := range map[string]string{
		"arn:aws:states:::sqs:sendMessage.waitForTaskToken": "waits for an answer (.sync, .waitForTaskToken), which is not done by the local runtime",
		"arn:aws:states:::states:startExecution.sync":       "waits for an answer",
		"arn:aws:states:us-east-1:1:activity:a":             "Activities are not done by the local runtime",
	} {
		_, err := newFixture(t).CreateStateMachine(Spec{Name: "m", Definition: single(`{"Type":"Task","Resource":"` + resource + `","End":true}`)})
		require.ErrorContains(t, err, want)
	}
}

func TestIntegrationsThatAreNotWiredAreRefused(t *testing.T) {
	f := newFixture(t, func(o *Options) { o.Topics = nil })
	_, err := f.CreateStateMachine(Spec{Name: "m", Type: "EXPRESS", Definition: single(`{"Type":"Task","Resource":"arn:aws:states:::sns:publish","Parameters":{"TopicArn":"t","Message":"m"},"End":true}`)})
	require.ErrorContains(t, err, "The resource arn:aws:states:::sns:publish is not done by the local runtime at /States/S/Resource")
}

func FuzzCompile(f *testing.F) {
	for definition, valid := range oracleDefinitions {
		if valid {
			f.Add(definition)
		}
	}
	f.Add(single(`{"Type":"Choice","Choices":[{"Not":{"Variable":"$.a","IsNull":true},"Assign":{"x.$":"$"},"Next":"S"}],"Default":"S"}`))
	f.Add(single(`{"Type":"Wait","SecondsPath":"$s","End":true}`))
	f.Add(single(`{"Type":"Map","ItemsPath":"$$.Execution.Input","MaxConcurrencyPath":"$n","ItemSelector":{"a.$":"States.Format('{}', $$.Map.Item.Index)"},"ItemProcessor":{"StartAt":"A","States":{"A":{"Type":"Pass","Assign":{"y":1},"End":true}}},"End":true}`))
	f.Add(single(`{"Type":"Task","Resource":"arn:aws:states:::events:putEvents","Parameters":{"Entries.$":"$.e"},"Retry":[{"ErrorEquals":["States.ALL"]}],"Catch":[{"ErrorEquals":["States.ALL"],"Assign":{"e.$":"$.Error"},"Next":"S"}],"End":true}`))
	c := &compiler{integrations: integrationsOf(Options{Events: &backend{}}), express: true}
	f.Fuzz(func(t *testing.T, definition string) {
		m, err := c.compile([]byte(definition))
		if err != nil {
			var found diagnostics
			require.ErrorAs(t, err, &found, "everything wrong with a definition is a diagnostic")
			require.NotEmpty(t, found)
			return
		}
		require.NotNil(t, m.start)
		m.references(map[string][]string{})
	})
}
