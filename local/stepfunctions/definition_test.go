package stepfunctions

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestDefinitionsRefused(t *testing.T) {
	const put = `"Resource":"arn:aws:states:::events:putEvents"`
	task := func(more string) string {
		return single(`{"Type":"Task",` + put + `,"Parameters":{"Entries":[]},"End":true` + more + `}`)
	}
	for definition, want := range map[string]string{
		`{`:                           "unexpected end of JSON",
		`[]`:                          "must be an object",
		`{"StartAt":"S"}`:             "/States must be an object",
		`{"StartAt":"X","States":{}}`: `missing 'StartAt' target "X"`,
		`{"StartAt":"S","States":{"S":{"Type":"Succeed"}},"Extra":1}`:                 `the field "Extra" is not known`,
		`{"StartAt":"S","States":{"S":{"Type":"Succeed"}},"Version":"2"}`:             "is not 1.0",
		`{"StartAt":"S","States":{"S":{"Type":"Succeed"}},"TimeoutSeconds":0}`:        "TimeoutSeconds must be an integer",
		`{"StartAt":"S","States":{"S":{"Type":"Succeed"}},"QueryLanguage":"JSONata"}`: `QueryLanguage "JSONata" is not done`,
		`{"StartAt":"S","States":{"S":{"Type":"Succeed"},"T":{"Type":"Succeed"}}}`:    `state "T" is not reachable at /States/T`,
		single(`{"Type":"Pass","QueryLanguage":"JSONata","End":true}`):                `/States/S: QueryLanguage "JSONata"`,
		single(`{"Type":"Nope"}`):                                                          `/States/S: Type "Nope"`,
		single(`{"Type":"Pass"}`):                                                          "either Next or",
		single(`{"Type":"Pass","Next":"S","End":true}`):                                    "either Next or",
		single(`{"Type":"Pass","Next":"T"}`):                                               `missing target "T" at /States/S/Next`,
		single(`{"Type":"Pass","Assign":{"a":1},"End":true}`):                              `the field "Assign"`,
		single(`{"Type":"Pass","Output":{"a":1},"End":true}`):                              `the field "Output"`,
		single(`{"Type":"Pass","Parameters":{"a.$":"b"},"End":true}`):                      "must be a JSONPath or an intrinsic function",
		single(`{"Type":"Pass","Parameters":{"a.$":1},"End":true}`):                        "must be a string",
		single(`{"Type":"Pass","Parameters":{"a.$":"$.a","a":1},"End":true}`):              "given twice",
		single(`{"Type":"Pass","Parameters":{"deep":[{"a.$":"$.a[?(@.b)]"}]},"End":true}`): "filter expression",
		single(`{"Type":"Map","ItemsPath":"$.a[?(@.b == 1)]","ItemProcessor":{"StartAt":"A","States":{"A":{"Type":"Succeed"}}},"End":true}`): "ItemsPath is a reference path",
		single(`{"Type":"Pass","Parameters":{"a.$":"States.Nope()"},"End":true}`):                                                            "States.Nope is not a function",
		single(`{"Type":"Pass","ResultPath":"$.a[*]","End":true}`):                                                                           "is not a reference path",
		single(`{"Type":"Pass","InputPath":"a","End":true}`):                                                                                 "must start with $",
		single(`{"Type":"Pass","ResultSelector":{},"End":true}`):                                                                             `the field "ResultSelector"`,
		single(`{"Type":"Succeed","Next":"S"}`):                                                                                              `the field "Next"`,
		single(`{"Type":"Fail","Error":"a","ErrorPath":"$.a"}`):                                                                              "exclude each other",
		single(`{"Type":"Fail","OutputPath":"$"}`):                                                                                           `the field "OutputPath"`,
		single(`{"Type":"Wait","End":true}`):                                                                                                 "exactly one of",
		single(`{"Type":"Wait","Seconds":1,"SecondsPath":"$.a","End":true}`):                                                                 "exactly one of",
		single(`{"Type":"Wait","Seconds":-1,"End":true}`):                                                                                    "Seconds must be an integer",
		single(`{"Type":"Wait","Timestamp":"soon","End":true}`):                                                                              "RFC 3339",
		single(`{"Type":"Choice","Choices":[]}`):                                                                                             "at least one rule",
		single(`{"Type":"Choice","Choices":[{"Variable":"$.a","IsNull":true}]}`):                                                             "/States/S/Choices[0]: Next is missing",
		single(`{"Type":"Choice","Choices":[{"Variable":"$.a","IsNull":true,"Next":"T"}]}`):                                                  `missing target "T" at /States/S/Choices[0]/Next`,
		single(`{"Type":"Choice","Choices":[{"Variable":"$.a","IsNull":true,"Next":"S"}],"Default":"T"}`):                                    `missing target "T" at /States/S/Default`,
		single(`{"Type":"Choice","Choices":[{"Variable":"$.a","IsNull":true,"Next":"S"}],"End":true}`):                                       `the field "End"`,
		single(`{"Type":"Task","Resource":"arn:aws:states:::dynamodb:putItem","End":true}`):                                                  `Resource "arn:aws:states:::dynamodb:putItem" is not done`,
		single(`{"Type":"Task","Resource":"arn:aws:states:::sqs:sendMessage.waitForTaskToken","End":true}`):                                  "is not done",
		single(`{"Type":"Task",` + put + `,"End":true}`):                                                                                     `the field "Entries" is required`,
		single(`{"Type":"Task",` + put + `,"Parameters":{"Entries":[],"EndpointId":"x"},"End":true}`):                                        `the field "EndpointId" is not supported`,
		task(`,"HeartbeatSeconds":5`):                                                                                                        `the field "HeartbeatSeconds"`,
		task(`,"Credentials":{}`):                                                                                                            `the field "Credentials"`,
		task(`,"TimeoutSeconds":1,"TimeoutSecondsPath":"$.t"`):                                                                               "exclude each other",
		task(`,"Retry":{}`):   "Retry must be an array",
		task(`,"Retry":[{}]`): "ErrorEquals must be an array that is not empty",
		task(`,"Retry":[{"ErrorEquals":["States.Nope"]}]`):                                                                                             "is not an error name",
		task(`,"Retry":[{"ErrorEquals":["States.ALL","A"]}]`):                                                                                          "must stand alone",
		task(`,"Retry":[{"ErrorEquals":["States.ALL"]},{"ErrorEquals":["A"]}]`):                                                                        "must be in the last entry",
		task(`,"Retry":[{"ErrorEquals":["A"],"IntervalSeconds":0}]`):                                                                                   "IntervalSeconds must be an integer",
		task(`,"Retry":[{"ErrorEquals":["A"],"BackoffRate":0.5}]`):                                                                                     "BackoffRate",
		task(`,"Retry":[{"ErrorEquals":["A"],"IntervalSeconds":5,"MaxDelaySeconds":5}]`):                                                               "MaxDelaySeconds must be an integer from 6",
		task(`,"Retry":[{"ErrorEquals":["A"],"JitterStrategy":"HALF"}]`):                                                                               "JitterStrategy",
		task(`,"Retry":[{"ErrorEquals":["A"],"Jitter":1}]`):                                                                                            `/States/S/Retry[0]: the field "Jitter"`,
		task(`,"Catch":[{"ErrorEquals":["A"]}]`):                                                                                                       "/States/S/Catch[0]: Next is missing",
		task(`,"Catch":[{"ErrorEquals":["A"],"Next":"T"}]`):                                                                                            `missing target "T" at /States/S/Catch[0]/Next`,
		single(`{"Type":"Parallel","Branches":[],"End":true}`):                                                                                         "at least one branch",
		single(`{"Type":"Parallel","Branches":[{"StartAt":"A","States":{"A":{"Type":"Pass","Next":"S"}}}],"End":true}`):                                `missing target "S" at /States/S/Branches[0]/States/A/Next`,
		single(`{"Type":"Map","End":true}`):                                                                                                            "ItemProcessor is missing",
		single(`{"Type":"Map","MaxConcurrency":41,"ItemProcessor":{"StartAt":"A","States":{"A":{"Type":"Succeed"}}},"End":true}`):                      "MaxConcurrency must be an integer",
		single(`{"Type":"Map","ToleratedFailureCount":1,"ItemProcessor":{"StartAt":"A","States":{"A":{"Type":"Succeed"}}},"End":true}`):                `the field "ToleratedFailureCount"`,
		single(`{"Type":"Map","ItemProcessor":{"ProcessorConfig":{"Mode":"DISTRIBUTED"},"StartAt":"A","States":{"A":{"Type":"Succeed"}}},"End":true}`): `Mode "DISTRIBUTED"`,
		`{"StartAt":"` + strings.Repeat("s", 81) + `","States":{"` + strings.Repeat("s", 81) + `":{"Type":"Succeed"}}}`:                                "longer than 80",
	} {
		f := newFixture(t)
		_, err := f.CreateStateMachine(Spec{Name: "m", Type: "EXPRESS", Definition: definition})
		require.ErrorContains(t, err, want, definition)
		require.ErrorContains(t, err, "InvalidDefinition: Invalid State Machine Definition: '", definition)
	}
}

func TestIntegrationsThatAreNotWiredAreRefused(t *testing.T) {
	f := newFixture(t, func(o *Options) { o.Topics = nil })
	_, err := f.CreateStateMachine(Spec{Name: "m", Type: "EXPRESS", Definition: single(`{"Type":"Task","Resource":"arn:aws:states:::sns:publish","Parameters":{"TopicArn":"t","Message":"m"},"End":true}`)})
	require.ErrorContains(t, err, `/States/S: Resource "arn:aws:states:::sns:publish" is not done`)
}

func FuzzCompile(f *testing.F) {
	f.Add(single(`{"Type":"Choice","Choices":[{"Not":{"Variable":"$.a","IsNull":true},"Next":"S"}],"Default":"S"}`))
	f.Add(single(`{"Type":"Map","ItemProcessor":{"StartAt":"A","States":{"A":{"Type":"Succeed"}}},"End":true}`))
	f.Add(single(`{"Type":"Wait","SecondsPath":"$.s","End":true}`))
	c := &compiler{integrations: integrationsOf(Options{Events: &backend{}})}
	f.Fuzz(func(t *testing.T, definition string) {
		if m, err := c.compile([]byte(definition)); err == nil {
			require.NotNil(t, m.start)
		}
	})
}
